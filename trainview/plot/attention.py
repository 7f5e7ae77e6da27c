"""The picture of what needs attention."""

import numpy as np
from matplotlib.axes import Axes

from trainview.plot.canvas import NARROW, add_legend, count_axis, no_data, size
from trainview.plot.names import inches, short
from trainview.plot.results import numbers, read_result, texts
from trainview.plot.rows import ROOM, finish_rows, label_bars, stack_bars, start_rows
from trainview.plot.status import stack_statuses
from trainview.schema.table_types import AnyDataFrame
from trainview.statuses import STATUSES
from trainview.text.safe import count

# In these, a job holds its GPUs now.
HOLDING = [status.label for status in STATUSES if status.holds_gpus and not status.terminal]
PHASES = {status.label: status.phase for status in STATUSES}


def plot_needs_attention(attention: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many jobs need attention for each reason, by status, and the GPUs that they hold.

    A job that needs it for several reasons counts in each.

    Parameters
    ----------
    attention : pandas, Polars, DuckDB or PySpark table
        What `needs_attention` gives; its reasons are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars for each status.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> attention = pd.DataFrame(
    ...     {
    ...         "project_name": ["llm", "llm"],
    ...         "status": ["deploying", "pending"],
    ...         "gpus": [8, 32],
    ...         "reason": ["deploying long", "waiting long"],
    ...     }
    ... )
    >>> ax = plot_needs_attention(attention, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['1 job, holding 8 GPUs: llm', '1 job: llm']
    """
    needed = ("project_name", "status", "gpus", "reason")
    others = (
        "job_id",
        "job_name",
        "team_name",
        "user_email",
        "elapsed_hours",
        "gpu_hours",
        "wasted_gpu_hours",
        "wasted_usd",
        "detail",
    )
    table, _ = read_result(attention, "needs_attention", needed, others)
    statuses, reason = texts(table, "status"), texts(table, "reason")
    projects = np.array(texts(table, "project_name"), dtype=object)
    phases = [PHASES.get(status, "") for status in statuses]
    looks, reasons, stack = stack_statuses(statuses, phases, reason, np.ones(len(statuses)))
    holds = np.isin(statuses, HOLDING)
    gpus = np.where(holds, np.nan_to_num(numbers(table, "gpus")), 0.0)
    rows = start_rows(ax, len(reasons), height=0.36, extra=0.25)
    ax = rows.ax
    ax.set_xlabel("Jobs that need attention")
    if not len(reasons):
        return no_data(ax)
    stack_bars(rows, stack, list(looks.items()), reasons)
    totals = stack.sum(axis=0)
    labels, most = [], ROOM * size(ax)[0] * 3 / 4 - 0.1
    for total, name in zip(totals, reasons[: rows.shown], strict=False):
        own = np.array(reason) == name
        texts_of_row = _labels(total, gpus[own].sum(), list(dict.fromkeys(projects[own])))
        fitting = (
            text for text in texts_of_row[int(size(ax)[0] < NARROW) :] if inches(text) <= most
        )
        labels.append(next(fitting, texts_of_row[-1]))
    label_bars(ax, totals[: rows.shown].tolist(), labels)
    count_axis(ax, "x", whole=True)
    finish_rows(rows, reasons, count(totals[rows.shown :].sum(), "job"))
    add_legend(ax, [look.sample() for look in looks.values()], list(looks), above=True, room=0.75)
    return ax


def _labels(jobs: float, gpus: float, projects: list[str]) -> list[str]:
    """Say what a row is about, first in full, then in fewer words."""
    label = count(jobs, "job") + (f", holding {count(gpus, 'GPU')}" if gpus else "")
    more = f" and {len(projects) - 1:,} more" if len(projects) > 1 else ""
    return [f"{label}: {short(projects[0], 24)}{more}", label, count(jobs, "job"), f"{jobs:,.0f}"]
