"""Pictures of how long jobs take."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from trainview.plot.canvas import add_legend, no_data, size
from trainview.plot.colours import PLAIN, phase_look
from trainview.plot.names import name_id
from trainview.plot.results import Numbers, group_names, numbers, read_result
from trainview.plot.rows import finish_rows, say, say_beside, start_rows
from trainview.statuses import STATUSES
from trainview.text import count

MEASURES = ("mean", "p50", "p90", "p99", "max")
# In hours; what is shorter than the first is drawn there.
DURATIONS = {
    1 / 3600: "≤ 1 s",
    10 / 3600: "10 s",
    1 / 60: "1 min",
    10 / 60: "10 min",
    1.0: "1 h",
    6.0: "6 h",
    24.0: "1 day",
    168.0: "1 week",
    720.0: "30 days",
    8760.0: "1 year",
    87600.0: "10 years",
}
SHORTEST = min(DURATIONS)
# What the text of a tick takes, in inches.
TICK_WIDTH = 0.62
MARKS = {"p50": "|", "mean": "D", "p99": "x", "max": "o"}


def plot_elapsed_stats(stats: Any, *, ax: Axes | None = None) -> Axes:
    """Draw how long jobs take: from the median to the 90th percentile, and the extremes.

    The axis is logarithmic. What took less than a second is drawn at one second.

    Parameters
    ----------
    stats : pandas, Polars, DuckDB or PySpark table
        What `elapsed_stats` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With bars from p50 to p90, and lines of marks for p99, mean and max; the unit is hours.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> stats = pd.DataFrame(
    ...     {
    ...         "status": ["completed"],
    ...         "jobs": [3],
    ...         "mean": [3.0],
    ...         "p50": [2.0],
    ...         "p90": [5.2],
    ...         "p99": [5.92],
    ...         "max": [6.0],
    ...     }
    ... )
    >>> ax = plot_elapsed_stats(stats, ax=Figure(layout="constrained").subplots())
    >>> [float(bar.get_x()) for bar in ax.patches]
    [2.0]
    """
    table, keys = read_result(stats, "elapsed_stats", ("jobs", *MEASURES))
    names, jobs = group_names(table, keys), np.nan_to_num(numbers(table, "jobs"))
    hours = {name: np.fmax(numbers(table, name), SHORTEST) for name in MEASURES}
    for name in MEASURES:
        hours[name][np.isnan(numbers(table, name))] = np.nan
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    ax.set_xlabel("Elapsed time (s, min, h, days; logarithmic)")
    if not len(names):
        return no_data(ax)
    shown = {name: values[: rows.shown] for name, values in hours.items()}
    ax.set_xscale("log")
    for row, name in enumerate(names[: rows.shown]):
        say_beside(ax, row, count(jobs[row], "job"))
        middle, most, longest = (shown[measure][row] for measure in ("p50", "p90", "max"))
        if np.isnan(middle):
            say(ax, row, "no elapsed time known")
            continue
        colour = _status_colour(name) if keys == ["status"] else PLAIN
        (bar,) = ax.barh(row, most - middle, 0.4, left=middle, color=colour)
        bar.set_gid(name_id(name))
        ax.plot([most, longest], [row, row], color=colour, linewidth=1.2, zorder=1.5)
    samples = []
    for measure, mark in MARKS.items():
        style = _mark_style(mark)
        ax.plot(shown[measure], range(rows.shown), gid=measure, **style)
        samples.append(Line2D([], [], **style))
    _duration_axis(ax, np.concatenate(list(shown.values())))
    finish_rows(rows, names, count(jobs[rows.shown :].sum(), "job"))
    add_legend(ax, samples, ["median, bar up to p90", "mean", "p99", "longest"], above=True)
    return ax


def _mark_style(mark: str) -> dict[str, Any]:
    colour = mpl.rcParams["text.color"]
    wide = {"markersize": 11, "markeredgewidth": 2.0} if mark == "|" else {"markersize": 4.5}
    filled = {"markerfacecolor": colour if mark == "o" else "none", "markeredgecolor": colour}
    return {"marker": mark, "linestyle": "none", **filled, **wide}


def _status_colour(status: str) -> str:
    phases = {status.label: status.phase for status in STATUSES}
    return phase_look(phases.get(status, "")).colour


def _duration_axis(ax: Axes, hours: Numbers) -> None:
    known = hours[~np.isnan(hours)]
    low, high = (known.min(), known.max()) if len(known) else (1 / 60, 24.0)
    low, high = max(low / 1.5, SHORTEST / 1.3), high * 1.5
    ax.set_xlim(low, high)
    ticks: list[float] = []
    least = (high / low) ** (TICK_WIDTH / size(ax)[0])
    for hour in DURATIONS:
        if low <= hour <= high and (not ticks or hour / ticks[-1] >= least):
            ticks.append(hour)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FixedFormatter([DURATIONS[hour] for hour in ticks]))
    ax.xaxis.set_minor_locator(NullLocator())
