"""The picture of GPU-hours over the calendar."""

import numpy as np
from matplotlib.axes import Axes

from trainview.plot.canvas import (
    TIME_WIDTH,
    add_legend,
    count_axis,
    no_data,
    take_axes,
    tidy,
)
from trainview.plot.dates import HOUR, date_axis, period_name, time_label
from trainview.plot.groups import rank_groups
from trainview.plot.results import group_names, moments, numbers, read_result
from trainview.plot.stacks import stack_periods
from trainview.schema.table_types import AnyDataFrame


def plot_gpu_hours_over_time(hours: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the GPU-hours of each period: stacked bars, as wide as the period, a colour a group.

    Parameters
    ----------
    hours : pandas, Polars, DuckDB or PySpark table
        What `gpu_hours_over_time` gives. Dates are in the time zone of its ``period``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out.

    Returns
    -------
    matplotlib.axes.Axes
        With a collection of bars for each group, the largest at the bottom. Of more than eight
        groups, the smallest are summed up as others.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> hours = pd.DataFrame(
    ...     {
    ...         "gpu_type": ["A100", "A100", "H100", "H100"],
    ...         "period": pd.to_datetime(["2025-01-01", "2025-01-02"] * 2, utc=True),
    ...         "gpu_hours": [24.0, 48.0, 96.0, 48.0],
    ...         "mean_gpus": [1.0, 2.0, 4.0, 2.0],
    ...     }
    ... )
    >>> ax = plot_gpu_hours_over_time(hours, ax=Figure(layout="constrained").subplots())
    >>> ax.get_ylabel()
    'GPU-hours per day'
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['H100', 'A100']
    """
    table, keys = read_result(
        hours, "gpu_hours_over_time", ("period", "gpu_hours", "mean_gpus"), ("peak_gpus",)
    )
    start, zone = moments(table, "period")
    amount, mean = numbers(table, "gpu_hours"), numbers(table, "mean_gpus")
    # A period in which GPUs were held says by their mean how long it is, also where clocks change.
    held = np.flatnonzero((amount > 0) & (mean > 0) & ~np.isnan(start))
    amount, length = amount[held], amount[held] / mean[held] * HOUR
    ax = take_axes(ax, TIME_WIDTH, 4.0)
    ax.set_xlabel(time_label(zone), loc="left")
    period = period_name(float(np.median(length))) if len(held) else "period"
    ax.set_ylabel(f"GPU-hours per {period}")
    if not len(held):
        return no_data(ax)
    begin, column = np.unique(start[held], return_inverse=True)
    widths = np.zeros(len(begin))
    np.maximum.at(widths, column, length)
    names = group_names(table, keys)
    groups = rank_groups([names[row] for row in held], amount)
    stack = np.zeros((len(groups.names), len(begin)))
    np.add.at(stack, (groups.rank, column), amount)
    highest = stack_periods(ax, begin, widths, stack, groups)
    known = start[~np.isnan(start)]
    date_axis(ax, known.min(), max(known.max(), (begin + widths).max()), zone)
    ax.set_ylim(0, 1.05 * highest)
    count_axis(ax, "y")
    tidy(ax, "y")
    if keys:
        add_legend(ax, [look.sample() for look in groups.looks], groups.names)
    return ax
