"""The picture of how often jobs on spot and on dedicated capacity are preempted."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from trainview.plot.canvas import NARROW, name_x, no_data, size
from trainview.plot.colours import phase_look
from trainview.plot.results import group_names, numbers, read_result
from trainview.plot.rows import finish_rows, say, say_beside, start_rows
from trainview.plot.wording import number
from trainview.schema.table_types import AnyDataFrame


def plot_spot_usage(usage: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw preemption rates as points, each with the interval that it lies in with 95% confidence.

    Parameters
    ----------
    usage : pandas, Polars, DuckDB or PySpark table
        What `spot_usage` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With the points as a line without a stroke, their intervals as error bars; the unit is 1.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> usage = pd.DataFrame(
    ...     {
    ...         "availability_model": ["spot", "dedicated"],
    ...         "gpu_hours": [705.0, 38_000.0],
    ...         "ended": [68, 0],
    ...         "preempted": [18, 0],
    ...         "preemption_rate": [0.26, None],
    ...         "low": [0.17, None],
    ...         "high": [0.38, None],
    ...         "lost_gpu_hours": [7.5, None],
    ...     }
    ... )
    >>> ax = plot_spot_usage(usage, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['18 of 68 · 7.5 of 705 GPU-hours lost', 'none ended', '0 of 0']
    """
    needed = ("gpu_hours", "ended", "preempted", "preemption_rate", "low", "high", "lost_gpu_hours")
    others = ("jobs", "waiting", "p50_wait_hours", "p90_wait_hours")
    table, keys = read_result(usage, "spot_usage", needed, others)
    names = group_names(table, keys)
    hours, ended, preempted, rate, low, high, lost = (numbers(table, name) for name in needed)
    rows = start_rows(ax, len(names))
    ax = rows.ax
    name_x(ax, "Preemption rate (%), with 95% interval")
    if not names:
        return no_data(ax)
    at = np.flatnonzero(~np.isnan(rate[: rows.shown]))
    reach = np.fmax(np.stack([rate - low, high - rate])[:, at], 0.0)
    style: dict[str, Any] = {"markersize": 5.5, "elinewidth": 1.6, "capsize": 2.5}
    style["color"] = phase_look("stopped").colour
    ax.errorbar(rate[at], at, xerr=reach, fmt="o", clip_on=False, **style)
    narrow = size(ax)[0] < NARROW
    for row in range(rows.shown):
        if np.isnan(rate[row]):
            say(ax, row, "none ended")
        label = f"{preempted[row]:,.0f} of {ended[row]:,.0f}"
        if lost[row] > 0 and not narrow:
            label += f" · {number(lost[row])} of {number(hours[row])} GPU-hours lost"
        say_beside(ax, row, label)
    most = np.nanmax([0.05, *high[: rows.shown]])
    # a rate of 0 stands beside its name, not on it
    ax.set_xlim(-0.03 * most, most * 1.05)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=3 if narrow else 6, steps=[1, 2, 5, 10]))
    # with the decimals that they need
    ax.xaxis.set_major_formatter(lambda place, _: f"{100 * place:.6g}%")
    rest = slice(rows.shown, None)
    others_said = f"{np.nansum(preempted[rest]):,.0f} of {np.nansum(ended[rest]):,.0f} preempted"
    finish_rows(rows, names, others_said)
    return ax
