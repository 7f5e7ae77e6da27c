"""The picture of how long jobs run before one fails."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from trainview.plot.canvas import NARROW, add_legend, name_x, no_data, size
from trainview.plot.colours import PLAIN
from trainview.plot.durations import SHORTEST, duration_axis
from trainview.plot.names import INERT, name_id
from trainview.plot.results import group_names, numbers, read_result
from trainview.plot.rows import finish_rows, say, say_beside, start_rows
from trainview.plot.wording import number
from trainview.schema.table_types import AnyDataFrame
from trainview.text.safe import count

# An arrow ends where this many times its lower bound is.
ROOM = 3.0
CAP = 4.5
LABEL = "Running time per failure (MTTF)"


def plot_time_to_failure(times: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how long jobs run until one fails (MTTF), each with its 95% interval.

    Where nothing failed only the lower bound is known: an arrow begins there. The axis is
    logarithmic. What is less than a second is drawn at one second.

    Parameters
    ----------
    times : pandas, Polars, DuckDB or PySpark table
        What `time_to_failure` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With the MTTF as a line of marks without a stroke, their intervals as error bars, and the
        lower bounds of groups without a failure as another line of marks; the unit is hours.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> times = pd.DataFrame(
    ...     {
    ...         "gpus": ["1", "2-8", "9-16"],
    ...         "running_hours": [40.0, 30.0, 0.0],
    ...         "failures": [1, 0, 0],
    ...         "mttf_hours": [40.0, None, None],
    ...         "mttf_low_hours": [7.18, 8.13, None],
    ...         "mttf_high_hours": [1580.0, None, None],
    ...     }
    ... )
    >>> ax = plot_time_to_failure(times, ax=Figure(layout="constrained").subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['1 GPU', '2-8 GPUs', '9-16 GPUs']
    >>> [text.get_text() for text in ax.texts if text.get_text()]
    ['1 failure in 40.0 h', '0 failures in 30.0 h', '0 failures in 0 h', 'nothing ran']
    """
    needed = ("running_hours", "failures", "mttf_hours", "mttf_low_hours", "mttf_high_hours")
    table, keys = read_result(times, "time_to_failure", needed, ("jobs", "unknown_jobs"))
    if "gpus" in keys:
        sizes = table["gpus"].astype(object)
        table = table.assign(gpus=sizes.map(_size_name, na_action="ignore"))
    names = group_names(table, keys)
    hours, failures, mttf, low, high = (numbers(table, name) for name in needed)
    mttf, low, high = (np.maximum(values, SHORTEST) for values in (mttf, low, high))
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    narrow = size(ax)[0] < NARROW
    name_x(ax, "MTTF, 95% interval" if narrow else f"{LABEL} (s, min, h, days; logarithmic)")
    if not names:
        return no_data(ax)
    shown = np.arange(rows.shown)
    for row in shown.tolist():
        say_beside(ax, row, _tally(failures[row], hours[row], narrow=narrow))
        if np.isnan(low[row]):
            say(ax, row, "nothing ran")
    samples, meanings = [], []
    at = shown[~np.isnan(mttf[shown])]
    if len(at):
        reach = np.nan_to_num(np.fmax(np.stack([mttf - low, high - mttf])[:, at], 0.0))
        style: dict[str, Any] = {"color": PLAIN, "markersize": 6, "elinewidth": 2, "capsize": CAP}
        ax.errorbar(mttf[at], at, xerr=reach, fmt="o", gid="mttf", **style)
        samples.append(Line2D([], [], color=PLAIN, marker="o", markersize=6, linewidth=2))
        meanings.append("MTTF, with 95% interval")
    at = shown[np.isnan(mttf[shown]) & ~np.isnan(low[shown])]
    if len(at):
        look: dict[str, Any] = {"color": PLAIN, "linestyle": "none", "marker": "|"}
        look |= {"markersize": 2 * CAP, "markeredgewidth": 2}
        ax.plot(low[at], at, gid="mttf_low", **look)
        for row in at.tolist():
            _point_up(ax, low[row], row, names[row])
        samples.append(Line2D([], [], color=PLAIN, marker=">", markersize=6, linewidth=2))
        meanings.append("no failure: at least so long")
    known = [part[shown] for part in (mttf, low, high)]
    duration_axis(ax, np.concatenate([*known, ROOM * low[at]]))
    rest = slice(rows.shown, None)
    hidden = np.nansum(failures[rest]), np.nansum(hours[rest])
    finish_rows(rows, names, _tally(*hidden, narrow=narrow))
    add_legend(ax, samples, meanings, above=True)
    return ax


def _point_up(ax: Axes, low: float, row: int, name: str) -> None:
    """Draw an arrow from a lower bound towards more."""
    look: dict[str, Any] = {"color": PLAIN, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
    arrow = ax.annotate("", (ROOM * low, row), (low, row), arrowprops={"arrowstyle": "-|>", **look})
    arrow.set(gid=name_id(name), in_layout=False, **INERT)


def _size_name(size: object) -> str:
    return f"{size} GPU" if str(size) == "1" else f"{size} GPUs"


def _tally(failures: float, hours: float, *, narrow: bool) -> str:
    failures, hours = np.nan_to_num(failures), np.nan_to_num(hours)
    if narrow:
        return f"{failures:,.0f} in {number(hours)} h"
    return f"{count(failures, 'failure')} in {number(hours)} h"
