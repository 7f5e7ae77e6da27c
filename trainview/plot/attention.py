"""The picture of what needs attention."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from trainview.plot.canvas import NARROW, add_legend, count_axis, no_data, size
from trainview.plot.colours import status_looks
from trainview.plot.names import short
from trainview.plot.results import numbers, read_result, texts
from trainview.plot.rows import finish_rows, label_bars, stack_bars, start_rows
from trainview.statuses import STATUSES
from trainview.text.safe import count

# In these, a job holds its GPUs now.
HOLDING = [status.label for status in STATUSES if status.holds_gpus and not status.terminal]
PHASES = {status.label: status.phase for status in STATUSES}


def plot_needs_attention(attention: Any, *, ax: Axes | None = None) -> Axes:
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
        "detail",
    )
    table, _ = read_result(attention, "needs_attention", needed, others)
    statuses, projects = texts(table, "status"), texts(table, "project_name")
    looks = status_looks((status, PHASES.get(status, "")) for status in statuses)
    reason, reasons = pd.factorize(np.array(texts(table, "reason"), dtype=object))
    stack = np.zeros((len(looks), len(reasons)))
    place = {status: number for number, status in enumerate(looks)}
    part = np.array([place[status] for status in statuses], "int64")
    np.add.at(stack, (part, reason), 1)
    holds = np.isin(statuses, HOLDING)
    held = np.zeros(len(reasons))
    np.add.at(held, reason[holds], np.nan_to_num(numbers(table, "gpus"))[holds])
    rows = start_rows(ax, len(reasons), height=0.36, legend=len(looks))
    ax = rows.ax
    ax.set_xlabel("Jobs that need attention")
    if not len(reasons):
        return no_data(ax)
    stack_bars(rows, stack, list(looks.items()), reasons.tolist())
    totals = stack.sum(axis=0)
    labels, narrow = [], size(ax)[0] < NARROW
    for row in range(rows.shown):
        names = list(dict.fromkeys(np.array(projects, dtype=object)[reason == row]))
        labels.append(_label(totals[row], held[row], [] if narrow else names))
    label_bars(ax, totals[: rows.shown].tolist(), labels)
    count_axis(ax, "x", whole=True)
    finish_rows(rows, reasons.tolist(), count(totals[rows.shown :].sum(), "job"))
    add_legend(ax, [look.sample() for look in looks.values()], list(looks), above=narrow)
    return ax


def _label(jobs: float, gpus: float, projects: list[str]) -> str:
    label = count(jobs, "job") + (f", holding {count(gpus, 'GPU')}" if gpus else "")
    if not projects:
        return label
    more = f" and {len(projects) - 1:,} more" if len(projects) > 1 else ""
    return f"{label}: {short(projects[0], 24)}{more}"
