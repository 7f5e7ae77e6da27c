"""The whole picture of a snapshot on one terminal page."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainview.analysis import (
    error_groups,
    estimate_cost,
    failure_rates,
    gpu_usage,
    idle_gpus,
    quota,
    status_counts,
)
from trainview.analysis.basis import basis_of
from trainview.analysis.comparing_words import headlines
from trainview.cli.basis import basis_lines
from trainview.cli.terminal import Output, is_whole, render
from trainview.schema import PANDAS_TEXT
from trainview.snapshot import Snapshot, attention_of, newest_weeks, refined, summary_of
from trainview.text.safe import count, safe_text

_ROWS = 6
_BETWEEN = 4


class Section(NamedTuple):
    """A table of the page.

    Attributes
    ----------
    title : str
        Above it.
    frame : pandas.DataFrame
        A helper's result.
    columns : list of str
        What is shown of it.
    command : str
        The command that lists it all, and its options; empty for a table that is always whole.
    rows : int
        The most rows, where there is such a command.
    """

    title: str
    frame: pd.DataFrame
    columns: list[str]
    command: str = ""
    rows: int = _ROWS

    def most(self) -> int | None:
        """Give the most rows that are shown."""
        return self.rows if self.command else None

    def draw(self, width: int, source: str) -> RenderableType:
        """Draw it."""
        command, _, options = self.command.partition(" ")
        words = [f"trainview {command}", source, options, "--rows 0"]
        more = " ".join(word for word in words if word)
        return render(
            self.frame, width, title=self.title, columns=self.columns, rows=self.most(), more=more
        )


def print_dashboard(snapshot: Snapshot, source: str = "SOURCE") -> None:
    """Print the whole picture: as `dashboard` draws it.

    Parameters
    ----------
    snapshot : Snapshot
        What to show.
    source : str, optional
        What was read, and how, as words of the command line.
    """
    console = Output()
    console.print(dashboard(snapshot, console.width, source), crop=False)


class Before(NamedTuple):
    """What an earlier look showed, to mark what is not so any more.

    Attributes
    ----------
    figures : pandas.Series
        The values of `Snapshot.summary` by their figures.
    statuses : pandas.DataFrame
        As `status_counts` counts the jobs.
    """

    figures: "pd.Series[float]"
    statuses: pd.DataFrame

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Before":
        """Keep what is compared of a snapshot."""
        figures = snapshot.summary().set_index("figure")["value"]
        return cls(figures, status_counts(snapshot.jobs))


def dashboard(
    snapshot: Snapshot,
    width: int,
    source: str = "SOURCE",
    *,
    before: Before | None = None,
    news: Sequence[RenderableType] = (),
) -> RenderableType:
    """Draw key figures, what needs attention, statuses, GPU usage and failures.

    Cost, idle GPUs and the quota too, where prices, metrics and capacity are known.

    Parameters
    ----------
    snapshot : Snapshot
        What to show.
    width : int
        Of the terminal, in characters.
    source : str, optional
        What was read, and how, as words of the command line.
    before : Before, optional
        An earlier look: figures that differ from it are marked with how much.
    news : sequence of rich renderables, optional
        What comes next to the key figures.

    Returns
    -------
    rich renderable
        One page; each table that is longer says how many rows it leaves out. Tables stand side by
        side where the terminal has room for all of both.
    """
    snapshot = refined(snapshot)
    jobs = snapshot.jobs
    rates = failure_rates(jobs)
    attention = attention_of(snapshot)
    money = [name for name in ("wasted_usd",) if attention[name].notna().any()]
    worst = Section(
        "Needs attention, worst first",
        attention,
        ["reason", "project_name", *money, "detail"],
        "attention",
        2 * _ROWS,
    )
    middle = [
        _statuses(jobs, before),
        Section(
            "GPU-hours by GPU type",
            gpu_usage(jobs),
            ["gpu_type", "jobs", "gpu_hours", "share"],
        ),
        Section(
            "Failures by project (low, high: 95% interval)",
            rates[rates["failed"] > 0],
            ["project_name", "finished", "failed", "failure_rate", "low", "high"],
            "failures --show rates",
        ),
        Section(
            "GPU-hours by project",
            gpu_usage(jobs, by="project_name"),
            ["project_name", "jobs", "gpu_hours", "share"],
            "gpu --by project_name",
        ),
        *_fleet(snapshot),
    ]
    errors = Section(
        "Top failure causes",
        error_groups(jobs),
        ["error", "category", "jobs", "gpu_hours"],
        "failures --show errors",
    )
    sections = [
        worst.draw(width, source),
        *_side_by_side(middle, width, source),
        errors.draw(width, source),
    ]
    return Group(
        *_spaced([_headline(snapshot, attention, before), *news, *sections, *_quality(snapshot)])
    )


def _statuses(jobs: pd.DataFrame, before: Before | None) -> Section:
    """Count the jobs by status, with how many more or less there are than before."""
    counts, columns = status_counts(jobs), ["status", "phase", "jobs", "share"]
    if before is not None:
        old = before.statuses
        left = old[~old["status"].isin(counts["status"])].assign(jobs=0, share=0.0)
        counts = pd.concat([counts, left], ignore_index=True) if len(left) else counts
        known = old.set_index("status")["jobs"].reindex(counts["status"], fill_value=0)
        more = counts["jobs"] - known.to_numpy()
        if more.any():
            marks = [f"{number:+,}" if number else "" for number in more]
            counts = counts.assign(change=pd.Series(marks, counts.index, dtype=PANDAS_TEXT))
            columns.insert(3, "change")
    return Section("Jobs by status", counts, columns)


def _quality(snapshot: Snapshot) -> list[RenderableType]:
    """Tell what is odd in the data."""
    if not snapshot.notes:
        return []
    lines = "\n".join(f"- {safe_text(note)}" for note in snapshot.notes)
    return [Text.assemble(("Data quality", "bold"), "\n", lines)]


def _fleet(snapshot: Snapshot) -> list[Section]:
    """List what the rest of the API tells, as far as it is there."""
    jobs, prices = snapshot.jobs, snapshot.prices
    priced = len(prices) > 0
    sections = []
    if priced:
        sections.append(
            Section(
                "Estimated cost by project in USD",
                estimate_cost(jobs, prices),
                ["project_name", "jobs", "estimated_usd", "share"],
                "cost",
            )
        )
    if len(snapshot.metrics):
        idle = idle_gpus(snapshot.metrics, jobs, prices if priced else None, by="project_name")
        money = ["idle_usd"] if priced else []
        sections.append(
            Section(
                "Idle GPUs by project (utilisation below 5%)",
                idle[idle["idle_gpu_hours"] > 0],
                ["project_name", "idle_gpu_hours", "idle_share", "measured_share", *money],
                "utilization --idle",
            )
        )
    if len(snapshot.capacity):
        sections.append(
            Section(
                "GPUs held, and the limit",
                quota(jobs, snapshot.capacity, until=snapshot.as_of),
                ["gpu_type", "limit", "peak_gpus", "mean_gpus", "at_limit_share"],
                "quota",
            )
        )
    return sections


def _spaced(parts: list[RenderableType]) -> list[RenderableType]:
    return [piece for part in parts for piece in (part, Text())][:-1]


def _headline(snapshot: Snapshot, attention: pd.DataFrame, before: Before | None) -> Text:
    figures = summary_of(snapshot, attention).set_index("figure")["value"]
    old = figures if before is None else before.figures

    def more(name: str) -> str:
        """Mark a figure by how much more it is than before."""
        found = figures[name] - old.get(name, math.nan)
        return "" if math.isnan(found) or round(found) == 0 else f" ({found:+,.0f})"

    when = (
        "as of an unknown time"
        if snapshot.as_of is None
        else f"as of {snapshot.as_of:%Y-%m-%d %H:%M} UTC"
    )
    line = Text.assemble(("Training ", "bold"), (when, "bold"), "\n")
    basis = basis_of(snapshot.jobs["gpu_hours"], snapshot.jobs["hours_basis"])
    at_most = " at most" if basis.submitted == 1 else ""
    facts = [
        count(int(figures["projects"]), "project") + more("projects"),
        count(int(figures["jobs"]), "job") + more("jobs"),
        f"{figures['jobs open']:,.0f} open{more('jobs open')}",
        f"{figures['GPUs held now']:,.0f} GPUs held now{more('GPUs held now')}",
        f"{figures['GPU-hours']:,.0f} GPU-hours{at_most}{more('GPU-hours')}",
    ]
    if pd.notna(figures["failure rate"]):
        facts.append(f"{figures['failure rate']:.0%} of finished jobs failed")
    line.append(" · ".join(facts))
    if pd.notna(cost := figures.get("USD estimated")):
        line.append(f" · {cost:,.0f} USD estimated{more('USD estimated')}")
    # between two looks, what changed is told by what differs
    if before is None and (changed := _changed(snapshot)):
        line.append(f"\n{changed}")
    for told in basis_lines(snapshot, basis):
        line.append(f"\n{told}", "dim")
    if snapshot.latest_only and len(snapshot.jobs):
        line.append(
            "\nOnly the latest job of each project is known: sums and rates are theirs.", "dim"
        )
    return line


def _changed(snapshot: Snapshot) -> str:
    """Say what changed in the newest week, without what takes long to find out."""
    left_out = {name: getattr(snapshot, name).head(0) for name in ("metrics", "checkpoints")}
    found = newest_weeks(replace(snapshot, **left_out))
    said = headlines(found.table()) if found is not None else []
    if found is None or found.windows is None or not said:
        return ""
    _, end = found.windows[1]
    # those of `trainview compare --since 7d` end at the newest moment, and have no bill
    is_whole = end == end.floor("D")
    days = f"7 whole days before {end:%Y-%m-%d}" if is_whole else "last 7 days"
    return f"The {days} against the 7 before: {said[0]}"


def _side_by_side(sections: list[Section], width: int, source: str) -> list[RenderableType]:
    """Pair the tables that have room enough in half of the terminal; the others come below."""
    half = width // 2 - _BETWEEN
    narrow = [
        one for one in sections if is_whole(one.frame, half, columns=one.columns, rows=one.most())
    ]
    if len(narrow) % 2:
        narrow.pop()
    found: list[RenderableType] = []
    for left, right in zip(narrow[::2], narrow[1::2], strict=True):
        grid = Table.grid(padding=(0, _BETWEEN), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(left.draw(half, source), right.draw(half, source))
        found.append(grid)
    wide = [section for section in sections if not any(section is one for one in narrow)]
    return found + [section.draw(width, source) for section in wide]
