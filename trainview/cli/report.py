"""The command that writes a report."""

from __future__ import annotations

from pathlib import Path

import click

from trainview.cli.checks import read_budgets
from trainview.cli.filters import Filters
from trainview.cli.options import force_option, split_names, write_out, wrote
from trainview.cli.progress import progress
from trainview.cli.sources import SOURCE_HELP, Source, takes_source
from trainview.text.safe import safe_text

_STDOUT = "-"


def _split(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> list[str] | None:
    return split_names(context, option, values) if values else None


@click.command(
    help=(
        "Write a report: what was spent, what changed, what is being lost, and all behind it.\n\n"
        "One page of HTML; or, with --format markdown, text for a pull request or a chat, which "
        "goes to standard output unless -o names a file. With --since it is about that time alone, "
        f"beside as long a time before it.{SOURCE_HELP}"
    ),
    epilog="Example: trainview report data/ --since 7d --team research --sections costs,health",
)
@takes_source
@click.option(
    "-o", "--output", "target", type=click.Path(),
    help="The file to write; - is standard output.  [default: report.html]",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["html", "markdown"]),
    help="A page; or text for a pull request or a chat: tables as text, without pictures. A "
    "browser prints the page to PDF.  "
    "[default: by the ending of -o; html]",
)  # fmt: skip
@click.option(
    "--sections", metavar="NAMES", multiple=True, callback=_split,
    help="Only these, in this order: changes, attention, costs, health, gpus, utilization, "
    "statuses, failures, durations, queue, quota, timeline.",
)  # fmt: skip
@click.option("--title", help="The heading.  [default: Training report]")
@click.option(
    "--config", metavar="FILE", type=click.Path(),
    help="A TOML file with tables [budgets.team] and [budgets.project], as for check: the cost "
    "section tells which budgets are exceeded, or will be.",
)  # fmt: skip
@force_option
def report(
    source: Source,
    target: str | None,
    form: str | None,
    sections: list[str] | None,
    title: str | None,
    config: str | None,
    *,
    force: bool,
) -> None:
    from trainview.files.atomic import check_target, from_home, write_bytes
    from trainview.reporting import format_of, render
    from trainview.reporting.sections import choose

    choose(sections)
    budgets = {} if config is None else read_budgets(Path(config))
    if target is None:
        target = _STDOUT if form == "markdown" else "report.html"
    form = form or format_of(target)
    if target != _STDOUT:
        check_target(target, force=force)
    filters = source.filters
    # a report compares what it is about with the time before, and says what it is about
    whole = source._replace(filters=Filters()).read(as_listed=True)
    with progress("drawing the report"):
        text = render(
            whole, since=filters.since, until=filters.until, title=title, format=form,
            sections=sections, budgets=budgets, **filters.names(whole),
        )  # fmt: skip
    if target == _STDOUT:
        write_out(text.encode())
        return
    write_bytes(target, text.encode(), force=force)
    then = ": open it in a browser" if form == "html" else ""
    wrote(f"{safe_text(from_home(target))}{then}")
