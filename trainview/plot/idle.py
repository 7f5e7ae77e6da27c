"""The picture of idle GPUs."""

import numpy as np
from matplotlib.axes import Axes

from trainview.plot.canvas import NARROW, add_legend, count_axis, name_x, no_data, size
from trainview.plot.colours import OTHERS, Look
from trainview.plot.results import group_names, numbers, read_result, sum_known
from trainview.plot.rows import finish_rows, label_bars, stack_bars, start_rows
from trainview.plot.wording import money, number, percent
from trainview.schema.table_types import AnyDataFrame

# Idle time looks the same wherever it is drawn.
IDLE = "#DE8F05"
LOOKS = {"idle": Look(IDLE), "busy": Look(OTHERS)}


def plot_idle_gpus(idle: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the hours that GPUs were idle, of all that samples cover, and what they cost.

    Parameters
    ----------
    idle : pandas, Polars, DuckDB or PySpark table
        What `idle_gpus` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars for the idle GPU-hours, then one for the busy ones. Where not all
        that was held was measured, the share that was stands beside them.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> idle = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1", "j2"],
    ...         "covered_gpu_hours": [40.0, 8.0],
    ...         "held_gpu_hours": [160.0, 8.0],
    ...         "idle_gpu_hours": [10.0, 0.0],
    ...         "longest_idle_hours": [6.0, None],
    ...         "idle_usd": [65.0, None],
    ...     }
    ... )
    >>> ax = plot_idle_gpus(idle, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['10.0 of 40.0 · longest 6.0 h · 65.00 USD · 25.0% measured', '0 of 8.0']
    """
    needed = (
        "covered_gpu_hours",
        "idle_gpu_hours",
        "longest_idle_hours",
        "idle_usd",
    )
    times = ("longest_idle_start", "longest_idle_end")
    others = ("gpus", "measured_share", "idle_share", *times, "unpriced_idle_gpu_hours")
    table, keys = read_result(idle, "idle_gpus", needed, others, ("held_gpu_hours",))
    names = group_names(table, keys, "all GPUs")
    covered, hours, longest, usd = (numbers(table, name) for name in needed)
    held = numbers(table, "held_gpu_hours") if "held_gpu_hours" in table else covered * np.nan
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    name_x(ax, "GPU-hours that samples cover")
    if not names:
        return no_data(ax)
    busy = np.maximum(covered - hours, 0.0)
    stack = np.nan_to_num(np.stack([hours, busy]))
    stack_bars(rows, stack, list(LOOKS.items()), names)
    columns = np.stack([hours, covered, held, usd, longest], axis=1)[: rows.shown]
    if size(ax)[0] < NARROW:
        columns[:, [1, 2, 4]] = np.nan
    labels = [_label(*values) for values in columns]
    label_bars(ax, stack.sum(axis=0)[: rows.shown].tolist(), labels)
    count_axis(ax, "x")
    hidden = [sum_known(values[rows.shown :]) for values in (hours, covered, held, usd)]
    finish_rows(rows, names, f"idle {_label(*hidden)}")
    add_legend(ax, [look.sample() for look in LOOKS.values()], list(LOOKS), above=True)
    return ax


def _label(hours: float, covered: float, held: float, usd: float, longest: float = np.nan) -> str:
    label = number(hours) + ("" if np.isnan(covered) else f" of {number(covered)}")
    if hours > 0:
        label += "" if np.isnan(longest) else f" · longest {number(longest)} h"
        label += "" if np.isnan(usd) else f" · {money(usd)} USD"
    measured = percent(covered / held) if held > 0 and covered < held else ""
    return label + (f" · {measured} measured" if measured not in {"", "100%"} else "")
