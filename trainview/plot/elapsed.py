"""Pictures of how long jobs take."""

import numpy as np
from matplotlib.axes import Axes

from trainview.plot.canvas import add_legend, name_x, no_data
from trainview.plot.colours import PLAIN, phase_look
from trainview.plot.durations import SHORTEST, draw_marks, draw_reach, duration_axis
from trainview.plot.results import group_names, numbers, read_result
from trainview.plot.rows import finish_rows, say, say_beside, start_rows
from trainview.schema.table_types import AnyDataFrame
from trainview.statuses import STATUSES
from trainview.text.safe import count

MEASURES = ("mean", "p50", "p90", "p99", "max")
MARKS = {
    "p50": ("|", "median, bar up to p90"),
    "mean": ("D", "mean"),
    "p99": ("x", "p99"),
    "max": ("o", "longest"),
}


def plot_elapsed_stats(stats: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
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
    hours = {name: np.maximum(numbers(table, name), SHORTEST) for name in MEASURES}
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    name_x(ax, "Elapsed time (s, min, h, days; logarithmic)")
    if not len(names):
        return no_data(ax)
    shown = {name: values[: rows.shown] for name, values in hours.items()}
    for row, name in enumerate(names[: rows.shown]):
        say_beside(ax, row, count(jobs[row], "job"))
        reach = shown["p50"][row], shown["p90"][row], shown["max"][row]
        if np.isnan(reach[0]):
            say(ax, row, "no elapsed time known")
            continue
        colour = _status_colour(name) if keys == ["status"] else PLAIN
        draw_reach(ax, row, name, reach, colour)
    samples = draw_marks(ax, MARKS, shown)
    duration_axis(ax, np.concatenate(list(shown.values())))
    finish_rows(rows, names, count(jobs[rows.shown :].sum(), "job"))
    add_legend(ax, samples, [meaning for _, meaning in MARKS.values()], above=True)
    return ax


def _status_colour(status: str) -> str:
    phases = {status.label: status.phase for status in STATUSES}
    return phase_look(phases.get(status, "")).colour
