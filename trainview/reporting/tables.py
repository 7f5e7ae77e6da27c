"""The tables of the page: a helper's result as cells, each as people read it and as it sorts."""

from typing import NamedTuple

from trainview.reporting.parts import Table
from trainview.reporting.words import duration
from trainview.text.cells import NULL, cell, is_number

# So many rows open quickly and filter quickly; on paper, nobody reads more than the fewer.
MOST_ROWS, MOST_PRINTED = 1000, 15

_PROSE = frozenset({"detail", "error", "example"})
# Hours that can be seconds as well as weeks.
_DURATIONS = frozenset(
    {"median_wait", "p90_wait", "p99_wait", "longest_wait", "waited_hours"}
    | {"p50_wait_hours", "p90_wait_hours"}
)
_HEADINGS = {
    "project_name": "Project",
    "team_name": "Team",
    "user_email": "User",
    "job_name": "Job",
    "job_id": "Job id",
    "gpu_type": "GPU type",
    "gpus": "GPUs",
    "gpu_hours": "GPU-hours",
    "mean_gpus": "GPUs, mean",
    "peak_gpus": "GPUs, peak",
    "peak_from": "Peak from (UTC)",
    "peak_until": "Peak until (UTC)",
    "period": "From (UTC)",
    "start": "Submitted (UTC)",
    "end": "Ended (UTC)",
    "from": "From (UTC)",
    "until": "Until (UTC)",
    "first_seen": "First seen (UTC)",
    "last_seen": "Last seen (UTC)",
    "low": "At least",
    "high": "At most",
    "mean": "Mean (h)",
    "estimated_usd": "Estimate (USD)",
    "billed_usd": "Billed (USD)",
    "difference_usd": "Difference (USD)",
    "overhead_usd": "Not billed time (USD)",
    "price_usd": "Price (USD)",
    "share_waiting": "Still waiting",
    "covered_gpu_hours": "Measured (GPU-hours)",
    "missing_share": "Samples missing",
    "mean_utilization": "Mean",
    "p50_utilization": "Median",
    "p95_utilization": "95% below",
    "mean_memory_share": "Memory, mean",
    "gpu": "GPU",
    "node_id": "Node",
    "idle_gpu_hours": "Idle (GPU-hours)",
    "idle_share": "Idle share",
    "idle_usd": "Idle (USD)",
    "longest_idle_hours": "Longest (h)",
    "longest_idle_start": "From (UTC)",
    "longest_idle_end": "Until (UTC)",
    "requested_gpus": "GPUs asked for",
    "waited_hours": "Waited",
    "is_waiting": "Still waiting",
    "submitted_at": "Submitted (UTC)",
    "active_gpus": "GPUs held then",
    "ahead_jobs": "Jobs ahead",
    "ahead_gpus": "GPUs ahead",
    "org_limit": "Limit",
    "median_wait": "Median",
    "p90_wait": "90% within",
    "p99_wait": "99% within",
    "burst_gpu_hours": "Burst, above baseline (GPU-hours)",
    "held_over_limit_gpu_hours": "Held over limit (GPU-hours)",
    "spot_gpu_hours": "Spot (GPU-hours)",
    "pending_gpu_hours": "Pending (GPU-hours)",
    "held_gpu_hours": "Held (GPU-hours)",
    "measured_share": "Measured",
    "unpriced_idle_gpu_hours": "Idle without a price (GPU-hours)",
    "at_limit_share": "Time at limit",
    "over_limit_gpu_hours": "Over limit (GPU-hours)",
    "at_limit_share_with_extra": "Time at limit, with extra",
    "over_limit_gpu_hours_with_extra": "Over limit, with extra (GPU-hours)",
    "limit_share": "Of the limit",
    "p50": "Median (h)",
    "p90": "90% within (h)",
    "p99": "99% within (h)",
    "max": "Longest (h)",
    "waiting_gpu_hours": "Waiting (GPU-hours)",
    "deploying_gpu_hours": "Deploying (GPU-hours)",
    "running_gpu_hours": "Running (GPU-hours)",
    "unknown_gpu_hours": "Not known (GPU-hours)",
    "lost_gpu_hours": "Lost (GPU-hours)",
    "lost_usd": "Lost (USD)",
    "wasted_gpu_hours": "Wasted (GPU-hours)",
    "wasted_usd": "Wasted (USD)",
    "goodput": "Goodput, at most",
    "unknown_jobs": "Jobs not known",
    "running_hours": "Running (h)",
    "lost_hours": "Lost (h)",
    "wall_hours": "From first to last (h)",
    "ettr": "ETTR",
    "mttf_hours": "MTTF (h)",
    "mttf_low_hours": "At least (h)",
    "mttf_high_hours": "At most (h)",
    "availability_model": "Capacity",
    "p50_wait_hours": "Median wait",
    "p90_wait_hours": "90% within",
    "size_bytes": "Size",
    "largest_bytes": "Largest",
    "latest_at": "Latest (UTC)",
    "syncing_ended_jobs": "Jobs ended, not uploaded",
    "syncing_ended_bytes": "Of these, not uploaded",
    "last_checkpoint_at": "Last checkpoint (UTC)",
    "month_to_date_usd": "So far (USD)",
    "usd_per_day_7d": "A day, last 7 (USD)",
    "usd_per_day_28d": "A day, last 28 (USD)",
    "projected_usd": "Projected (USD)",
    "projected_low_usd": "At least (USD)",
    "projected_high_usd": "At most (USD)",
    "instance_type_id": "Instance type",
    "advised_instance_type_id": "Would do",
    "saving_usd": "Saving (USD)",
    "saving_low_usd": "Saving, at least (USD)",
}
# Of a comparison.
_SIDES = ("before", "after", "difference")


class Cell(NamedTuple):
    """A value as people read it; as it sorts, if that differs; and its class in the style sheet."""

    text: str
    key: str | None
    kind: str


class Column(NamedTuple):
    """The heading of a column, and whether it holds numbers."""

    heading: str
    number: bool


class View(NamedTuple):
    """A table of the page.

    Attributes
    ----------
    caption : str
        What it shows.
    columns : list of Column
        Its columns.
    rows : list of list of Cell
        What it holds.
    cut : str
        What is left out; empty when nothing is.
    printed : str
        What is left out on paper; empty when nothing is.
    command : str
        What gives all rows and columns.
    """

    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    cut: str
    printed: str
    command: str


def view(table: Table) -> View:
    """Make a table of the page from a helper's result.

    Parameters
    ----------
    table : Table
        The result, and what of it to show.

    Returns
    -------
    View
        At most `MOST_ROWS` rows, with a sentence on those that are left out.
    """
    frame, columns = table.frame, table.columns
    shown = frame.head(MOST_ROWS)[list(columns)]
    numbers = [is_number(frame[name]) for name in columns]
    rows = [
        [
            _cell(name, value, number=number)
            for name, value, number in zip(columns, row, numbers, strict=True)
        ]
        for row in shown.itertuples(index=False, name=None)
    ]
    headings = [_heading(name) for name in columns]
    return View(
        table.caption,
        [Column(*pair) for pair in zip(headings, numbers, strict=True)],
        rows,
        _left_out(len(shown), len(frame)),
        _left_out(MOST_PRINTED, len(frame)),
        table.command,
    )


def _heading(name: str) -> str:
    measure, _, side = name.rpartition("_")
    if measure and side in _SIDES:
        return f"{_heading(measure)}, {side}"
    return _HEADINGS.get(name, name.replace("_", " ").capitalize())


def _left_out(shown: int, rows: int) -> str:
    hidden = rows - shown
    if hidden <= 0:
        return ""
    return f"The first {shown:,} of {rows:,} rows; {hidden:,} are left out."


def _cell(name: str, value: object, *, number: bool) -> Cell:
    text = cell(name, value)
    if name in _DURATIONS and text != NULL:
        text = duration(float(str(value)))
    if not number:
        return Cell(text, None, "prose" if name in _PROSE else "")
    plain = text.replace(",", "")
    key = "" if text == NULL else f"{value:.9g}"
    return Cell(text, None if plain == key else key, "number")
