"""The picture of where the month's cost is heading."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from trainview.plot.canvas import NARROW, add_legend, count_axis, name_x, no_data, size
from trainview.plot.colours import OTHERS, PLAIN, Look
from trainview.plot.results import Numbers, group_names, numbers, read_result, sum_known
from trainview.plot.rows import BAR, finish_rows, label_bars, stack_bars, start_rows
from trainview.plot.wording import money, percent
from trainview.schema.table_types import AnyDataFrame

LOOKS = {"so far": Look(PLAIN), "to the month's end": Look(OTHERS, "////")}
BUDGET = "#D55E00"


def plot_spend_pace(pace: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what the month has cost so far, what it comes to if it goes on, and the budget.

    Parameters
    ----------
    pace : pandas, Polars, DuckDB or PySpark table
        What `spend_pace` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars for the cost so far, one for what is projected beyond, error bars
        for the range of the projection, and, where there are budgets, a line of marks for them.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> pace = pd.DataFrame(
    ...     {
    ...         "team_name": ["research", "speech"],
    ...         "month_to_date_usd": [1040.0, 12.5],
    ...         "projected_usd": [3100.0, None],
    ...         "projected_low_usd": [2900.0, None],
    ...         "projected_high_usd": [3300.0, None],
    ...         "budget_usd": [2000.0, None],
    ...     }
    ... )
    >>> ax = plot_spend_pace(pace, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['1,040 → 3,100 · 155% of budget', '12.50 → not known']
    """
    needed = (
        *("month_to_date_usd", "projected_usd", "projected_low_usd", "projected_high_usd"),
        "budget_usd",
    )
    others = (
        *("month", "known_from", "known_until", "usd_per_day_7d", "usd_per_day_28d"),
        *("projected_28d_usd", "unknown_jobs", "used_share", "projected_share", "exceeded_on"),
    )
    table, keys = read_result(pace, "spend_pace", needed, others)
    names = group_names(table, keys, "all")
    so_far, projected, low, high, budget = (numbers(table, name) for name in needed)
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    name_x(ax, "Cost of the month in USD (extrapolated)")
    if not names or np.isnan([so_far, projected]).all():
        return no_data(ax)
    begun = np.nan_to_num(so_far)
    stack = np.stack([begun, np.clip(np.nan_to_num(projected) - begun, 0, None)])
    stack_bars(rows, stack, list(LOOKS.items()), names)
    shown = slice(rows.shown)
    handles: list[Any] = [look.sample() for look in LOOKS.values()]
    colour = mpl.rcParams["text.color"]
    at = np.flatnonzero(~np.isnan(projected + low + high)[shown])
    reach = np.fmax(np.stack([projected - low, high - projected])[:, at], 0.0)
    style: dict[str, Any] = {"ecolor": colour, "elinewidth": 1.2, "capsize": 2.5}
    ax.errorbar(projected[at], at, xerr=reach, fmt="none", clip_on=False, **style)
    entries = [*LOOKS, "range"]
    handles.append(Line2D([], [], color=colour, linewidth=1.2))
    if not np.isnan(budget).all():
        handles.append(_marks(ax, budget[shown]))
        entries.append("budget")
    ends = np.nanmax([stack.sum(axis=0), high, budget, begun], axis=0)
    narrow = size(ax)[0] < NARROW
    columns = zip(so_far[shown], projected[shown], budget[shown], strict=True)
    labels = [_label(done, end, limit, narrow=narrow) for done, end, limit in columns]
    label_bars(ax, ends[shown].tolist(), labels)
    count_axis(ax, "x")
    rest, whole = (sum_known(values[rows.shown :]) for values in (so_far, projected))
    finish_rows(rows, names, f"{_label(rest, whole, np.nan, narrow=True)} USD")
    add_legend(ax, handles, entries, above=True)
    return ax


def _marks(ax: Axes, budget: Numbers) -> Line2D:
    """Draw a stroke at each budget, and give a sample of them."""
    style: dict[str, Any] = {"linestyle": "none", "marker": "|", "color": BUDGET}
    height = size(ax)[1] * 72 / max(len(budget), 2) * BAR
    marks: dict[str, Any] = {"markersize": min(height, 24), "markeredgewidth": 2.2}
    at = np.flatnonzero(~np.isnan(budget))
    ax.plot(budget[at], at, gid="budget", clip_on=False, zorder=4, **style, **marks)
    return Line2D([], [], markersize=9, markeredgewidth=2.2, **style)


def _label(so_far: float, projected: float, budget: float, *, narrow: bool) -> str:
    parts = ["not known" if np.isnan(usd) else money(usd) for usd in (so_far, projected)]
    label = " → ".join(parts)
    if narrow or np.isnan(budget) or np.isnan(projected) or not budget > 0:
        return label
    return f"{label} · {percent(projected / budget)} of budget"
