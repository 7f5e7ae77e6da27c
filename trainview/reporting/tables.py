"""The tables of the page: a helper's result as rows, each cell as people read it."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from trainview.reporting.parts import Table
from trainview.reporting.words import duration
from trainview.text.cells import NULL, cell, is_number
from trainview.text.safe import count

# So many rows open quickly and filter quickly; on paper, nobody reads more than the fewer.
MOST_ROWS, MOST_PRINTED = 1000, 10

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
    "overhead_usd": "Unbilled time (USD)",
    "price_usd": "Price difference (USD)",
    "share_waiting": "Still waiting",
    "covered_gpu_hours": "Measured (GPU-hours)",
    "missing_share": "Samples missing",
    "mean_utilization": "Mean",
    "p50_utilization": "Median",
    "p95_utilization": "95% below",
    "mean_memory_share": "Memory, mean",
    "gpu": "GPU",
    "busy": "Utilisation",
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
    "elapsed_hours": "Elapsed (h)",
    "running_hours": "Running (h)",
    "lost_hours": "Lost (h)",
    "wall_hours": "From first to last (h)",
    "ettr": "ETTR of the training",
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
# What the page's script reads as a number: of other texts, it needs to be told what they sort by.
_READABLE = re.compile(r"<?[+-]?[\d,]+(\.\d+)?(%| pp)?")
_PERCENT = ("%", " pp")
# Of a comparison.
_SIDES = ("before", "after", "difference")


class Column(NamedTuple):
    """The heading of a column, and what it holds: numbers, prose, or (empty) other text."""

    heading: str
    kind: str


class View(NamedTuple):
    """A table of the page.

    Attributes
    ----------
    caption : str
        What it shows.
    columns : list of Column
        Its columns.
    kinds : str
        Classes in the style sheet, which say of which columns the cells are no usual text.
    rows : list of list of str
        What it holds, as people read it.
    body : markupsafe.Markup
        The same as elements.
    cut : str
        What is left out; empty when nothing is.
    printed : str
        What is left out on paper; empty when nothing is.
    behind : str
        On paper, what is said in place of the table.
    command : str
        What gives all rows and columns.
    """

    caption: str
    columns: list[Column]
    kinds: str
    rows: list[list[str]]
    body: Markup
    cut: str
    printed: str
    behind: str
    command: str


def view(table: Table, most: int = MOST_ROWS) -> View:
    """Make a table of the page from a helper's result.

    Parameters
    ----------
    table : Table
        The result, and what of it to show.
    most : int, optional
        The most rows.

    Returns
    -------
    View
        At most so many rows, with a sentence on those that are left out.
    """
    frame = table.frame
    shown = frame.head(most) if len(frame) > most else frame
    columns, texts, cells = [], [], []
    for name in table.columns:
        column = shown[name]
        number = is_number(column)
        columns.append(Column(_heading(name), _kind(name, number=number)))
        values = column.to_list()
        texts.append(_texts(name, values))
        keys = _keys(texts[-1], values) if number else {}
        # no text has a line break, and to escape one is as dear as to escape many
        escaped = str(escape("\n".join(texts[-1]))).split("\n") if texts[-1] else []
        cells.append([f"<td{keys.get(at, '')}>{text}" for at, text in enumerate(escaped)])
    kinds = [f"{column.kind[0]}{at}" for at, column in enumerate(columns, 1) if column.kind]
    rows = ("".join(row) for row in zip(*cells, strict=True))
    return View(
        table.caption,
        columns,
        " ".join(kinds),
        [list(row) for row in zip(*texts, strict=True)],
        # the ends of cells and rows go without saying, if nothing stands between them
        Markup("".join(f"<tr>{row}" for row in rows)),  # noqa: S704 - escaped above
        _left_out(len(shown), len(frame)),
        _printed(len(shown), len(frame)),
        f"The table has {count(len(frame), 'row')}: {_in_page(len(shown), len(frame))}.",
        table.command,
    )


def _heading(name: str) -> str:
    measure, _, side = name.rpartition("_")
    if measure and side in _SIDES:
        return f"{_heading(measure)}, {side}"
    return _HEADINGS.get(name, name.replace("_", " ").capitalize())


def _kind(name: str, *, number: bool) -> str:
    if number:
        return "number"
    return "prose" if name in _PROSE else ""


def _left_out(shown: int, rows: int) -> str:
    hidden = rows - shown
    if hidden <= 0:
        return ""
    return f"The first {shown:,} of {rows:,} rows; {hidden:,} are left out."


def _printed(shown: int, rows: int) -> str:
    if rows <= MOST_PRINTED:
        return ""
    return f"The first {MOST_PRINTED:,} of {rows:,} rows; {_in_page(shown, rows)}."


def _in_page(shown: int, rows: int) -> str:
    """Say where the rows are that paper has no room for."""
    return "all in the page" if shown == rows else f"{shown:,} of them in the page"


def _texts(name: str, values: Sequence[Any]) -> list[str]:
    texts = [cell(name, value) for value in values]
    if name not in _DURATIONS:
        return texts
    pairs = zip(texts, values, strict=True)
    return [NULL if text == NULL else duration(float(value)) for text, value in pairs]


def _keys(texts: Sequence[str], values: Sequence[float]) -> dict[int, str]:
    """Say what numbers sort by whose text does not tell: that of others, or in several units.

    Each is an attribute of its cell.
    """
    alike: dict[str, set[float]] = defaultdict(set)
    for text, value in zip(texts, values, strict=True):
        if text != NULL:
            alike[text].add(value)
    unclear = {text for text, sizes in alike.items() if len(sizes) > 1}
    unclear |= {text for text in alike if not _READABLE.fullmatch(text)}
    # beside texts that tell, in the same unit
    return {
        at: f" data-key={values[at] * (100 if text.endswith(_PERCENT) else 1):.7g}"
        for at, text in enumerate(texts)
        if text in unclear
    }
