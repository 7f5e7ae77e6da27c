"""The command that tells what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from trainview.cli.filters import Filters, moment, select_each
from trainview.cli.options import Output, by_columns, prints_table, put, say, tell
from trainview.cli.sources import Source, jobs_with, takes_source
from trainview.text.safe import safe_text

if TYPE_CHECKING:
    import pandas as pd

    from trainview.snapshot import Comparison

_BOTH = 2
_ORDER = "the largest difference first"


@click.command(
    help=(
        "Show what changed: key figures, projects and failure causes, the largest difference "
        "first.\n\n"
        "With two SOURCEs, the second is compared with the first, which is older. With one, the "
        "window from --since to --until is compared with the time before it. Without one the API "
        "is asked, with the key in BASETEN_API_KEY."
    ),
    epilog="Example: trainview compare data/ --since 7d",
)
@takes_source
@by_columns(None)
@click.option(
    "--against", type=moment, metavar="TIME",
    help="Of one SOURCE: where the earlier window begins, or a length of time right before --since."
    "  [default: as long as the later one, right before it]",
)  # fmt: skip
@prints_table
def compare(source: Source, output: Output, by: list[str] | None, against: str | None) -> None:
    if len(source.parts) > _BOTH:
        raise click.UsageError(
            f"{len(source.parts)} sources: name two to compare, or one and --since; "
            "a folder of snapshots is one"
        )
    found = _of_two(source, against) if len(source.parts) == _BOTH else _of_one(source, against)
    chosen = click.get_current_context().get_parameter_source("by")
    if chosen is ParameterSource.DEFAULT and output.form == "table":
        _print_all(found, output)
        return
    for note in (*found.notes, *found.hints):
        say(safe_text(note))
    if by:
        jobs = (jobs_with(side, by) for side in (found.before, found.after))
        found = found.with_jobs(*jobs)
    table = found.table(by)
    if output.form == "table" and by is None:
        table = _as_text(table)
    put(table, output, _columns(table, by or []))


def _of_one(source: Source, against: str | None) -> Comparison:
    from trainview.snapshot import comparison

    filters = source.filters
    if filters.since is None:
        raise click.UsageError("name a second SOURCE, or a window of this one: --since 7d")
    whole = source._replace(filters=Filters()).read("prices", "billing")
    snapshot = filters._replace(since=None, until=None, statuses=()).select(whole)
    window: dict[str, Any] = {"since": filters.since, "until": filters.until, "against": against}
    found = comparison(snapshot, **window, bill=whole.billing)
    of_status = Filters(statuses=filters.statuses)
    before, after = select_each(of_status, [found.before, found.after])
    return found._replace(before=before, after=after)


def _of_two(source: Source, against: str | None) -> Comparison:
    from trainview.snapshot import comparison

    if against is not None:
        raise click.UsageError("--against is for one SOURCE: of two, the first is the earlier")
    if source.as_of is not None:
        raise click.UsageError("--as-of is for one SOURCE: two describe two moments")
    filters = source.filters
    read = [source._replace(parts=(part,), filters=Filters()).read() for part in source.parts]
    sides = select_each(filters._replace(statuses=()), read)
    sides = [side.clip(filters.since, filters.until) for side in sides]
    return comparison(*select_each(Filters(statuses=filters.statuses), sides))


def _print_all(found: Comparison, output: Output) -> None:
    """Print the answer first, then the tables behind it."""
    from trainview.analysis.comparing_words import headlines

    figures, projects, causes = (found.table(by) for by in (None, "project_name", "error"))
    first, *others = headlines(figures, projects, causes) or ["No jobs on either side"]
    tell(f"{first}.")
    tell(f"({found.title()})")
    for note in found.notes:
        tell(f"Note: {safe_text(note)}.")
    for sentence in others:
        tell(f"{sentence}.")
    for hint in found.hints:
        tell(f"Note: {safe_text(hint)}.")
    every = output._replace(rows=0)
    for title, table, keys, shown in (
        ("Key figures", _as_text(figures), [], every),
        (f"Projects, {_ORDER} (change: of the failure rate)", projects, ["project_name"], output),
        (f"Failure causes, {_ORDER}", causes, ["error"], output),
    ):
        click.echo()
        put(table, shown, _columns(table, keys), title)


def _columns(table: pd.DataFrame, keys: list[str]) -> list[str]:
    """Choose the columns for people: fewer where names would be cut."""
    from trainview.cli import terminal

    if "figure" in table:
        return ["figure", "before", "after", "difference", "change"]
    money = "estimated_usd" if table["estimated_usd_difference"].notna().any() else "gpu_hours"
    amounts = [f"{money}_{side}" for side in ("before", "after", "difference")]
    if "share_before" in table:
        return ["error", "change", "jobs_before", "jobs_after", amounts[-1]]
    few = [*keys, "change", *amounts]
    rates = [*few, "failure_rate_before", "failure_rate_after"]
    return rates if terminal.is_whole(table, terminal.Output().width, columns=rates) else few


def _as_text(figures: pd.DataFrame) -> pd.DataFrame:
    """Write figures in their units, one below the other."""
    from trainview.analysis.comparing_words import written

    found = written(figures)
    for column in ("before", "after", "difference"):
        width = int(found[column].str.len().max()) if len(found) else 0
        found[column] = found[column].str.rjust(width)
    return found
