"""The whole picture of a snapshot on one terminal page."""

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainview.analysis import (
    error_groups,
    failure_rates,
    gpu_usage,
    needs_attention,
    status_counts,
)
from trainview.snapshot import Snapshot
from trainview.terminal import Output, render
from trainview.text import count

_ROWS = 6
_TWO_COLUMNS = 140


def print_dashboard(snapshot: Snapshot) -> None:
    """Print key figures, what needs attention, statuses, GPU usage and failures.

    Parameters
    ----------
    snapshot : Snapshot
        What to show.
    """
    console = Output()
    console.print(dashboard(snapshot, console.width), crop=False)


def dashboard(snapshot: Snapshot, width: int) -> RenderableType:
    """Draw key figures, what needs attention, statuses, GPU usage and failures.

    Parameters
    ----------
    snapshot : Snapshot
        What to show.
    width : int
        Of the terminal, in characters.

    Returns
    -------
    rich renderable
        One page; each table that is longer says how many rows it leaves out.
    """
    jobs = snapshot.jobs
    half = (width - 4) // 2 if width >= _TWO_COLUMNS else width
    rates = failure_rates(jobs)
    sections = [
        render(
            status_counts(jobs),
            half,
            title="Jobs by status",
            columns=["status", "phase", "jobs", "share"],
        ),
        render(
            gpu_usage(jobs),
            half,
            title="GPU-hours by GPU type (upper bound)",
            columns=["gpu_type", "jobs", "gpu_hours", "share"],
        ),
        render(
            rates[rates["failed"] > 0],
            half,
            title="Failures by project (low, high: 95 % interval)",
            columns=["project_name", "finished", "failed", "failure_rate", "low", "high"],
            rows=_ROWS,
            more="trainview failures SOURCE --show rates --rows 0",
        ),
        render(
            gpu_usage(jobs, by="project_name"),
            half,
            title="GPU-hours by project",
            columns=["project_name", "jobs", "gpu_hours", "share"],
            rows=_ROWS,
            more="trainview gpu SOURCE --by project_name --rows 0",
        ),
    ]
    attention = render(
        needs_attention(jobs, snapshot.projects),
        width,
        title="Needs attention, worst first",
        columns=["reason", "project_name", "detail"],
        rows=2 * _ROWS,
        more="trainview attention SOURCE --rows 0",
    )
    errors = render(
        error_groups(jobs),
        width,
        title="What failed jobs died of",
        columns=["error", "jobs", "projects", "gpu_hours"],
        rows=_ROWS,
        more="trainview failures SOURCE --show errors --rows 0",
    )
    middle = _side_by_side(sections) if half < width else sections
    return Group(*_spaced([_headline(snapshot), attention, *middle, errors]))


def _spaced(parts: list[RenderableType]) -> list[RenderableType]:
    return [piece for part in parts for piece in (part, Text())][:-1]


def _headline(snapshot: Snapshot) -> Text:
    figures = snapshot.summary().set_index("figure")["value"]
    when = (
        "as of an unknown time"
        if snapshot.as_of is None
        else f"as of {snapshot.as_of:%Y-%m-%d %H:%M} UTC"
    )
    line = Text.assemble(("Training ", "bold"), (when, "bold"), "\n")
    facts = [
        count(int(figures["projects"]), "project"),
        count(int(figures["jobs"]), "job"),
        f"{figures['jobs open']:,.0f} open",
        f"{figures['GPUs held now']:,.0f} GPUs held now",
        f"{figures['GPU-hours, upper bound']:,.0f} GPU-hours at most",
    ]
    if pd.notna(figures["failure rate"]):
        facts.append(f"{figures['failure rate']:.0%} of finished jobs failed")
    line.append(" · ".join(facts))
    if snapshot.latest_only and len(snapshot.jobs):
        line.append(
            "\nOnly the latest job of each project is known: sums and rates are theirs.", "dim"
        )
    return line


def _side_by_side(sections: list[RenderableType]) -> list[RenderableType]:
    grid = Table.grid(padding=(0, 4), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    for left, right in zip(sections[::2], sections[1::2], strict=True):
        grid.add_row(left, right)
        grid.add_row()
    return [grid]
