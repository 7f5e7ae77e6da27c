"""The command that looks again and again: a page that stays, or a line a change."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from trainview.cli.looks import each_look, read_every
from trainview.cli.options import split_names
from trainview.cli.publishing import Publisher, openmetrics_option, port_option
from trainview.cli.sources import Source, takes_source
from trainview.text.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainview.cli.looks import Look
    from trainview.snapshot import Snapshot

# What takes a few calls a look, and not one a job.
_TABLES = ("prices", "capacity", "billing")


@click.command(
    help=(
        "Look again and again, and mark what changed: the whole picture, and the jobs that began, "
        "moved on, ended or failed.\n\n"
        "In a terminal the page stays until Ctrl-C; in a pipe each change is a line, or a JSON "
        "object with --format json. A look that fails is told, and the next one tried.\n\n"
        "SOURCE is what trainview record writes to, or any other file or folder that is written "
        "again and again. Without one the API is asked, with the key in BASETEN_API_KEY.\n\n"
        "--openmetrics and --port tell Prometheus the same state; trainview openmetrics does so "
        "without a page."
    ),
    epilog="Example: trainview watch history/ --every 30s --project llm-7b",
)
@click.option(
    "--every", metavar="TIME", default="30s", show_default=True, callback=read_every,
    help="How far apart the looks are.",
)  # fmt: skip
@click.option("--looks", type=click.IntRange(min=1), metavar="N", help="Stop after N looks.")
@click.option(
    "--with", "include", metavar="TABLES", multiple=True, callback=split_names,
    help=f"Ask the API for more at each look: {', '.join(_TABLES)}. What takes a call a job is "
    "for trainview record.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="For people; or a JSON object a change, one a line, for programs.",
)  # fmt: skip
@openmetrics_option
@port_option
@takes_source
def watch(
    source: Source,
    every: float,
    looks: int | None,
    include: list[str],
    form: str,
    gauges: str | None,
    port: int | None,
) -> None:
    _refuse(source, include)
    publisher = Publisher(gauges)
    # the jobs that leave what is shown have not vanished: they are compared before it is cut
    filters = source.filters
    whole = source._replace(
        filters=filters._replace(since=None, until=None, statuses=()), is_quiet=True
    )

    def read() -> Snapshot:
        return whole.read(*include)

    if form == "table" and _has_page():
        from trainview.cli.page import Page

        with publisher.serving(port) as address, Page(source, every, address) as page:
            for look in each_look(read, every=every, looks=looks, wait=page.wait):
                page.show(look)
                publisher.publish(look.snapshot, look.failed)
        return
    from trainview.cli.lines import lines_of

    def looking() -> Iterator[Look]:
        for look in each_look(read, every=every, looks=looks, wait=time.sleep):
            yield look
            publisher.publish(look.snapshot, look.failed)

    with publisher.serving(port):
        for line in lines_of(looking(), source, form):
            click.echo(line)


def _refuse(source: Source, include: list[str]) -> None:
    """Refuse what does not go with looks that are repeated."""
    if "-" in source.parts:
        raise click.UsageError("standard input can be read once: name a file, a folder, or nothing")
    if source.as_of is not None:
        raise click.UsageError("--as-of: each look has its own moment")
    for name in include:
        if name not in _TABLES:
            raise click.UsageError(
                f"--with {safe_text(name, 60)}: choose one of {', '.join(_TABLES)}; what takes a "
                "call a job is for trainview record"
            )
    if include and source.parts:
        raise click.UsageError("--with asks the API: leave SOURCE out")


def _has_page() -> bool:
    from trainview.cli.terminal import Output

    # rich takes a pipe for a terminal where FORCE_COLOR is set
    return sys.stdout.isatty() and not Output().is_dumb_terminal
