"""Pictures of how long jobs wait for GPUs."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator, PercentFormatter

from trainview.plot.canvas import (
    NARROW,
    TIME_WIDTH,
    add_legend,
    name_x,
    no_data,
    size,
    take_axes,
    tidy,
)
from trainview.plot.colours import PLAIN
from trainview.plot.durations import SHORTEST, draw_marks, draw_reach, duration_axis
from trainview.plot.groups import MOST, rank_groups
from trainview.plot.names import name_id
from trainview.plot.results import group_names, numbers, read_result
from trainview.plot.rows import finish_rows, say, say_beside, start_rows
from trainview.schema.table_types import AnyDataFrame
from trainview.text.safe import count

MARKS = {
    "p50": ("|", "median, bar up to p90"),
    "p99": ("x", "p99"),
    "longest_wait": ("o", "longest so far"),
}


def plot_queue_waits(waits: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how long jobs wait: from the median to the 90th percentile, and the extremes.

    The axis is logarithmic. What took less than a second is drawn at one second.

    Parameters
    ----------
    waits : pandas, Polars, DuckDB or PySpark table
        What `queue_waits` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With bars from p50 to p90 where both are known, and lines of marks for p50, p99 and the
        longest wait; the unit is hours.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> waits = pd.DataFrame(
    ...     {
    ...         "gpu_type": ["H100", "T4"],
    ...         "jobs": [12, 2],
    ...         "waiting": [3, 2],
    ...         "p50": [1.5, None],
    ...         "p90": [6.0, None],
    ...         "p99": [None, None],
    ...         "longest_wait": [9.0, 0.5],
    ...     }
    ... )
    >>> ax = plot_queue_waits(waits, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['12 jobs, 3 still waiting', '2 jobs, 2 still waiting', 'median not known yet']
    """
    needed = ("jobs", "waiting", "p90", *MARKS)
    table, keys = read_result(waits, "queue_waits", needed)
    names = group_names(table, keys)
    jobs, waiting = (np.nan_to_num(numbers(table, name)) for name in needed[:2])
    hours = {name: np.maximum(numbers(table, name), SHORTEST) for name in needed[2:]}
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    narrow = size(ax)[0] < NARROW
    name_x(ax, f"Time in the queue ({'' if narrow else 's, min, h, days; '}logarithmic)")
    if not names:
        return no_data(ax)
    shown = {name: values[: rows.shown] for name, values in hours.items()}
    for row, name in enumerate(names[: rows.shown]):
        say_beside(ax, row, _tally(jobs[row], waiting[row], narrow=narrow))
        reach = shown["p50"][row], shown["p90"][row], shown["longest_wait"][row]
        if np.isnan(reach[0]):
            say(ax, row, "no wait known" if np.isnan(reach[2]) else "median not known yet")
            continue
        draw_reach(ax, row, name, reach, PLAIN)
    samples = draw_marks(ax, MARKS, shown)
    duration_axis(ax, np.concatenate(list(shown.values())))
    hidden = jobs[rows.shown :].sum(), waiting[rows.shown :].sum()
    finish_rows(rows, names, _tally(*hidden, narrow=narrow))
    add_legend(ax, samples, [meaning for _, meaning in MARKS.values()], above=True)
    return ax


def plot_queue_wait_curve(curve: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw which share of the jobs still waits after some time: steps, with a 95% interval.

    The axis of time is logarithmic. What took less than a second is drawn at one second.

    Parameters
    ----------
    curve : pandas, Polars, DuckDB or PySpark table
        What `queue_wait_curve` gives.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out.

    Returns
    -------
    matplotlib.axes.Axes
        With a line of steps and a band for each group; the units are hours and 1. Of more than
        eight groups, those with the fewest jobs are not drawn; the legend says how many.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> curve = pd.DataFrame(
    ...     {
    ...         "gpu_type": ["H100", "H100", "H100"],
    ...         "waited_hours": [0.0, 0.5, 2.0],
    ...         "share_waiting": [1.0, 0.75, 0.25],
    ...         "low": [1.0, 0.13, 0.01],
    ...         "high": [1.0, 0.96, 0.67],
    ...         "at_risk": [4, 4, 3],
    ...     }
    ... )
    >>> ax = plot_queue_wait_curve(curve, ax=Figure(layout="constrained").subplots())
    >>> ax.lines[0].get_ydata().tolist()
    [1.0, 0.75, 0.25]
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['H100 (4 jobs)']
    """
    needed = ("waited_hours", "share_waiting", "low", "high", "at_risk")
    table, keys = read_result(curve, "queue_wait_curve", needed)
    ax = take_axes(ax, TIME_WIDTH * 0.8, 4.0)
    name_x(ax, "Time in the queue (s, min, h, days; logarithmic)")
    ax.set_ylabel("Jobs still waiting (%),\nwith 95% interval")
    hours, share, low, high, risk = (numbers(table, name) for name in needed)
    known = np.flatnonzero(~(np.isnan(hours) | np.isnan(share)))
    if not len(known):
        return no_data(ax)
    known = known[np.argsort(hours[known], kind="stable")]
    table = table.take(known)
    hours, share, low, high, risk = (values[known] for values in (hours, share, low, high, risk))
    hours = np.maximum(hours, SHORTEST)
    names = group_names(table, keys)
    # A group's first row has all of its jobs.
    jobs = np.where(pd.Series(names).duplicated(), 0.0, np.nan_to_num(risk))
    groups = rank_groups(names, jobs)
    drawn = len(groups.names) - (len(set(names)) > MOST)
    handles: list[Any] = []
    for place, (name, look) in enumerate(zip(groups.names[:drawn], groups.looks, strict=False)):
        at = np.flatnonzero(groups.rank == place)
        style: dict[str, Any] = {"color": look.colour, "gid": name_id(name)}
        band: dict[str, Any] = {"step": "post", "alpha": 0.15, "linewidth": 0}
        ax.fill_between(hours[at], low[at], high[at], **style, **band)
        handles += ax.plot(hours[at], share[at], drawstyle="steps-post", linewidth=1.4, **style)
    tallies = [jobs[groups.rank == place].sum() for place in range(len(groups.names))]
    notes = [f" ({count(tally, 'job')})" for tally in tallies]
    if drawn < len(groups.names):
        handles.append(Line2D([], [], linestyle="none"))
        notes[-1] = f" not drawn{notes[-1]}"
    duration_axis(ax, hours[hours > SHORTEST])
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_locator(MultipleLocator(0.2))
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol="%"))
    tidy(ax, "y")
    if keys:
        add_legend(ax, handles, groups.names, notes, above=size(ax)[0] < NARROW)
    return ax


def _tally(jobs: float, waiting: float, *, narrow: bool = False) -> str:
    if narrow:
        return f"{jobs:,.0f}" + (f", {waiting:,.0f} waiting" if waiting else "")
    return count(jobs, "job") + (f", {waiting:,.0f} still waiting" if waiting else "")
