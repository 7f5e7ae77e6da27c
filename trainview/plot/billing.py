"""The picture of estimates beside the bill."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from trainview.plot.canvas import NARROW, add_legend, count_axis, name_x, no_data, size
from trainview.plot.colours import PLAIN
from trainview.plot.names import short
from trainview.plot.results import group_names, numbers, read_result, sum_known, texts
from trainview.plot.rows import draw_bars, finish_rows, label_bars, start_rows
from trainview.plot.wording import LEAST_USD, money, signed_money
from trainview.schema.table_types import AnyDataFrame

# Of a row: how high each of its two bars is, and how far from the middle.
BAR, APART = 0.32, 0.19


def plot_reconcile_cost(costs: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw estimate and bill as a pair of bars, with their difference and its reason.

    Where rows have no single reason, or a price other than on the list is part of the difference,
    its parts are said instead.

    Parameters
    ----------
    costs : pandas, Polars, DuckDB or PySpark table
        What `reconcile_cost` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars for the estimates, then one for the bills; the unit is USD. What
        is not known has no bar, and a text that says so.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> costs = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1", "j2"],
    ...         "reason": ["queueing and deployment", "deleted job"],
    ...         "estimated_usd": [120.0, None],
    ...         "billed_usd": [100.0, 15.0],
    ...         "difference_usd": [20.0, -15.0],
    ...         "overhead_usd": [20.0, None],
    ...         "price_usd": [0.0, None],
    ...     }
    ... )
    >>> ax = plot_reconcile_cost(costs, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts][:2]
    ['120.00', 'no estimate']
    >>> for text in ax.texts[2:]:
    ...     print(text.get_text())
    100.00 · difference +20.00: queueing and deployment
    15.00 · difference -15.00: deleted job
    """
    needed = ("estimated_usd", "billed_usd", "difference_usd", "overhead_usd", "price_usd")
    others = ("jobs", "estimated_minutes", "billed_minutes")
    table, keys = read_result(costs, "reconcile_cost", needed, others)
    estimated, billed, difference = (numbers(table, name) for name in needed[:3])
    rows = start_rows(ax, len(table), height=0.46, extra=0.3)
    ax = rows.ax
    name_x(ax, "Cost in USD; difference: estimate less bill")
    if not len(table):
        return no_data(ax)
    wide = size(ax)[0] >= NARROW
    names, whys = _explain(table, keys, wide=wide)
    looks = {
        "estimate": {"color": PLAIN},
        "billed": {"facecolor": "none", "edgecolor": mpl.rcParams["text.color"]},
    }
    for (what, look), usd, side in zip(
        looks.items(), (estimated, billed), (-APART, APART), strict=True
    ):
        whole = [f"{name}: {what}" for name in names]
        draw_bars(rows, usd, whole, height=BAR, off=side, linewidth=1.0, **look)
    shown = range(rows.shown)
    labels = [_amount(estimated[row], "no estimate") for row in shown]
    labels += [
        _difference(_amount(billed[row], "no bill"), difference[row], wide=wide) + whys[row]
        for row in shown
    ]
    ends = np.nan_to_num(np.concatenate([estimated[: rows.shown], billed[: rows.shown]]))
    places = [row + side for side in (-APART, APART) for row in shown]
    label_bars(ax, ends.tolist(), labels, places, room=0.8)
    count_axis(ax, "x")
    hidden = [sum_known(usd[rows.shown :]) for usd in (estimated, billed, difference)]
    said = ("estimated ", ", billed ") if wide else ("", " and ")
    both = said[0] + _amount(hidden[0], "nothing") + said[1] + _amount(hidden[1], "nothing")
    finish_rows(rows, names, _difference(both, hidden[2], wide=wide))
    samples = [Patch(linewidth=1.0, **look) for look in looks.values()]
    add_legend(ax, samples, ["estimate", "billed"], above=True)
    return ax


def _amount(usd: float, unknown: str) -> str:
    return unknown if np.isnan(usd) else money(usd)


def _difference(bill: str, usd: float, *, wide: bool) -> str:
    if np.isnan(usd):
        return bill
    return f"{bill} · difference {signed_money(usd)}" if wide else f"{bill} ({signed_money(usd)})"


def _explain(table: pd.DataFrame, keys: list[str], *, wide: bool) -> tuple[list[str], list[str]]:
    """Name the rows, and find what is said of their differences, where there is room for it."""
    names, nothing = group_names(table, keys), [""] * len(table)
    overhead, price = numbers(table, "overhead_usd"), numbers(table, "price_usd")
    differences = zip(numbers(table, "difference_usd"), overhead, price, strict=True)
    parts = [_parts(*values) for values in differences]
    if "reason" not in keys or len(keys) == 1:
        return names, parts if wide else nothing
    shorter = group_names(table, [key for key in keys if key != "reason"])
    if not wide:
        # Without room for the reasons, they are left out where rows can be told apart.
        return shorter if len(set(shorter)) == len(shorter) else names, nothing
    # A reason says what the overhead is for, and nothing of prices.
    rows = zip(price, parts, texts(table, "reason"), strict=True)
    return shorter, [
        part if abs(usd) >= LEAST_USD else f": {short(reason, 40)}" for usd, part, reason in rows
    ]


def _parts(difference: float, overhead: float, price: float) -> str:
    """Say what a difference is made of, where that is known."""
    if np.isnan(overhead):
        return ""
    rest = difference - overhead - price
    parts = {"overhead": overhead, "price": price, "other": rest}
    said = [f"{signed_money(usd)} {what}" for what, usd in parts.items() if abs(usd) >= LEAST_USD]
    return f": {', '.join(said)}" if said else ""
