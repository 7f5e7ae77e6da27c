"""The whole picture of a snapshot on one terminal page."""

from itertools import zip_longest

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
    needs_attention,
    quota,
    status_counts,
)
from trainview.cli.terminal import Output, render
from trainview.snapshot import Snapshot
from trainview.text.safe import count

_ROWS = 6
_TWO_COLUMNS = 140
_BETWEEN = 4


def print_dashboard(snapshot: Snapshot) -> None:
    """Print the whole picture: as `dashboard` draws it.

    Parameters
    ----------
    snapshot : Snapshot
        What to show.
    """
    console = Output()
    console.print(dashboard(snapshot, console.width), crop=False)


def dashboard(snapshot: Snapshot, width: int) -> RenderableType:
    """Draw key figures, what needs attention, statuses, GPU usage and failures.

    Cost, idle GPUs and the quota too, where prices, metrics and capacity are known.

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
    half = width // 2 - _BETWEEN if width >= _TWO_COLUMNS else width
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
        *_fleet(snapshot, half),
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
        columns=["error", "category", "jobs", "gpu_hours"],
        rows=_ROWS,
        more="trainview failures SOURCE --show errors --rows 0",
    )
    middle = _side_by_side(sections) if half < width else sections
    return Group(*_spaced([_headline(snapshot), attention, *middle, errors]))


def _fleet(snapshot: Snapshot, width: int) -> list[RenderableType]:
    """Draw what the rest of the API tells, as far as it is there."""
    jobs, prices = snapshot.jobs, snapshot.prices
    priced = len(prices) > 0
    sections = []
    if priced:
        section = render(
            estimate_cost(jobs, prices),
            width,
            title="Estimated cost by project in USD",
            columns=["project_name", "jobs", "estimated_usd", "share"],
            rows=_ROWS,
            more="trainview cost SOURCE --rows 0",
        )
        sections.append(section)
    if len(snapshot.metrics):
        idle = idle_gpus(snapshot.metrics, jobs, prices if priced else None, by="project_name")
        money = ["idle_usd"] if priced else []
        section = render(
            idle[idle["idle_gpu_hours"] > 0],
            width,
            title="GPUs held and idle, by project (utilisation below 5%)",
            columns=["project_name", "idle_gpu_hours", "idle_share", *money],
            rows=_ROWS,
            more="trainview utilization SOURCE --idle --rows 0",
        )
        sections.append(section)
    if len(snapshot.capacity):
        section = render(
            quota(jobs, snapshot.capacity, until=snapshot.as_of),
            width,
            title="GPUs held, and the limit",
            columns=["gpu_type", "limit", "peak_gpus", "mean_gpus", "at_limit_share"],
            rows=_ROWS,
            more="trainview quota SOURCE --rows 0",
        )
        sections.append(section)
    return sections


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
    if pd.notna(cost := figures.get("USD estimated")):
        line.append(f" · {cost:,.0f} USD estimated")
    if snapshot.latest_only and len(snapshot.jobs):
        line.append(
            "\nOnly the latest job of each project is known: sums and rates are theirs.", "dim"
        )
    return line


def _side_by_side(sections: list[RenderableType]) -> list[RenderableType]:
    grid = Table.grid(padding=(0, _BETWEEN), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    for left, right in zip_longest(sections[::2], sections[1::2], fillvalue=Text()):
        grid.add_row(left, right)
        grid.add_row()
    return [grid]
