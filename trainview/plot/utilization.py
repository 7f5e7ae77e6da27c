"""The picture of how busy GPUs are."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator, PercentFormatter

from trainview.plot.canvas import NARROW, add_legend, name_x, no_data, size
from trainview.plot.colours import PLAIN
from trainview.plot.durations import draw_marks
from trainview.plot.names import name_id
from trainview.plot.results import group_names, numbers, read_result, sum_known
from trainview.plot.rows import BAR, finish_rows, say, say_beside, start_rows
from trainview.plot.wording import number, percent
from trainview.schema.table_types import AnyDataFrame

MARKS = {
    "p50_utilization": ("|", "median"),
    "p95_utilization": ("x", "p95"),
    "mean_memory_share": ("D", "memory, mean"),
}


def plot_utilization(utilization: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the mean utilisation as bars, with marks for its median, its p95 and the memory.

    Parameters
    ----------
    utilization : pandas, Polars, DuckDB or PySpark table
        What `utilization` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a bar for each group that has samples, and a line of marks for each other measure;
        the unit is 1. At the right stand the GPU-hours that samples cover.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> utilization = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1", "j1"],
    ...         "gpu": [0, 1],
    ...         "covered_gpu_hours": [12.0, 0.0],
    ...         "held_gpu_hours": [16.0, None],
    ...         "missing_share": [0.25, None],
    ...         "mean_utilization": [0.8, None],
    ...         "p50_utilization": [0.9, None],
    ...         "p95_utilization": [1.0, None],
    ...         "mean_memory_share": [0.5, None],
    ...     }
    ... )
    >>> ax = plot_utilization(utilization, ax=Figure(layout="constrained").subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['j1 · GPU 0', 'j1 · GPU 1']
    >>> [text.get_text() for text in ax.texts]
    ['12.0 of 16.0 GPU-hours measured', '0 GPU-hours', 'no data']
    """
    needed = (
        "covered_gpu_hours",
        "held_gpu_hours",
        "missing_share",
        "mean_utilization",
        *MARKS,
    )
    others = ("gpus", "samples", "measured_share", "max_memory_bytes")
    table, keys = read_result(utilization, "utilization", needed, others)
    names = group_names(table, keys, "all GPUs")
    hours, held, missing, mean = (numbers(table, name) for name in needed[:4])
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    name_x(ax, "GPU utilisation (%)")
    if not names:
        return no_data(ax)
    narrow = size(ax)[0] < NARROW
    for row in range(rows.shown):
        say_beside(ax, row, _coverage(hours[row], held[row], missing[row], narrow=narrow))
        if np.isnan(mean[row]):
            say(ax, row, "no data")
            continue
        (bar,) = ax.barh(row, mean[row], BAR, color=PLAIN)
        bar.set_gid(name_id(names[row]))
    samples: list[Any] = [Line2D([], [], color=PLAIN, linewidth=7)]
    shown = {measure: numbers(table, measure)[: rows.shown] for measure in MARKS}
    samples += draw_marks(ax, MARKS, shown, clip_on=False)
    _percent_axis(ax)
    left, held_left = (sum_known(values[rows.shown :]) for values in (hours, held))
    finish_rows(rows, names, _coverage(left, held_left, np.nan, narrow=False))
    add_legend(ax, samples, ["mean", *(name for _, name in MARKS.values())], above=True)
    return ax


def _percent_axis(ax: Axes) -> None:
    """Make x an axis from 0 to 100%, with room for marks at its ends."""
    ax.set_xlim(0, 1.03)
    ax.xaxis.set_major_locator(MultipleLocator(0.2 if size(ax)[0] > NARROW else 0.5))
    ax.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol="%"))


def _coverage(hours: float, held: float, missing: float, *, narrow: bool) -> str:
    if narrow:
        return f"{number(hours)} h"
    if not np.isnan(held):
        return f"{number(hours)} of {number(held)} GPU-hours measured"
    gone = f", {percent(missing)} missing" if missing > 0 else ""
    return f"{number(hours)} GPU-hours{gone}"
