"""The picture of what jobs cost over the calendar, and what was billed."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from trainview.plot.canvas import (
    NARROW,
    TIME_WIDTH,
    add_legend,
    count_axis,
    no_data,
    size,
    take_axes,
    tidy,
)
from trainview.plot.dates import date_axis, period_lengths, time_label
from trainview.plot.groups import rank_groups
from trainview.plot.results import Numbers, group_names, moments, numbers, read_result
from trainview.plot.stacks import stack_periods
from trainview.schema.table_types import AnyDataFrame


def plot_cost_over_time(cost: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    r"""Draw the cost of each period: stacked bars for the estimate, a stroke for the bill.

    The bill is that of all groups together. Where nothing is known of it, there is no stroke.

    Parameters
    ----------
    cost : pandas, Polars, DuckDB or PySpark table
        What `cost_over_time` gives.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out.

    Returns
    -------
    matplotlib.axes.Axes
        With a collection of bars for each group, the largest at the bottom, then one of strokes
        for the bill. Of more than eight groups, the smallest are summed up as others.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> cost = pd.DataFrame(
    ...     {
    ...         "period": pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True),
    ...         "estimated_usd": [120.0, 240.0],
    ...         "billed_usd": [100.0, None],
    ...     }
    ... )
    >>> ax = plot_cost_over_time(cost, ax=Figure(layout="constrained").subplots())
    >>> ax.get_ylabel()
    'Cost in USD per day\n(estimate)'
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['estimate', 'billed']
    """
    table, keys = read_result(cost, "cost_over_time", ("period", "estimated_usd", "billed_usd"))
    start, zone = moments(table, "period")
    dated = np.flatnonzero(~np.isnan(start))
    start, table = start[dated], table.take(dated)
    estimated, billed = numbers(table, "estimated_usd"), numbers(table, "billed_usd")
    begin, column = np.unique(start, return_inverse=True)
    period, widths = period_lengths(begin)
    ax = take_axes(ax, TIME_WIDTH, 4.0)
    ax.set_xlabel(time_label(zone), loc="left")
    only_billed = np.isnan(estimated).all() and not np.isnan(billed).all()
    what = "billed" if only_billed else "estimate"
    ax.set_ylabel(f"Cost in USD per {period}\n({what})")
    if np.isnan(estimated).all() and np.isnan(billed).all():
        return no_data(ax)
    names = group_names(table, keys)
    groups = rank_groups(names, np.nan_to_num(estimated))
    stack = np.zeros((len(groups.names), len(begin)))
    np.add.at(stack, (groups.rank, column), np.nan_to_num(estimated))
    highest = stack_periods(ax, begin, widths, stack, groups)
    handles: list[Any] = [look.sample() for look in groups.looks]
    entries = list(groups.names)
    notes = [
        ": not known" if np.isnan(estimated[groups.rank == place]).all() else ""
        for place in range(len(entries))
    ]
    if not keys:
        entries = ["estimate"]
    known = ~np.isnan(billed)
    if known.any():
        bill = np.zeros(len(begin))
        np.add.at(bill, column[known], billed[known])
        at = np.unique(column[known])
        handles.append(_strokes(ax, begin[at], widths[at], bill[at]))
        entries.append("billed")
        notes.append(" (all)" if len(groups.names) > 1 else "")
        highest = max(highest, bill.max())
    date_axis(ax, begin.min(), (begin + widths).max(), zone)
    ax.set_ylim(0, 1.05 * highest or 1.0)
    count_axis(ax, "y")
    tidy(ax, "y")
    if len(entries) > 1 or keys:
        add_legend(ax, handles, entries, notes, above=not keys or size(ax)[0] < NARROW)
    return ax


def _strokes(ax: Axes, begin: Numbers, widths: Numbers, height: Numbers) -> Line2D:
    """Draw a stroke across each period, and give a sample of them."""
    colour = mpl.rcParams["text.color"]
    halo = [withStroke(linewidth=3.6, foreground=ax.get_facecolor(), alpha=0.8)]
    lines = ax.hlines(
        height, begin + 0.04 * widths, begin + 0.96 * widths, color=colour, linewidth=1.8
    )
    lines.set(gid="billed", path_effects=halo, zorder=3)
    return Line2D([], [], color=colour, linewidth=1.8)
