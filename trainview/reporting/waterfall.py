"""The waterfall from the estimate to the bill: a step for each reason of their difference."""

from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from trainview.plot.canvas import count_axis, name_x
from trainview.plot.colours import PLAIN
from trainview.plot.names import name_id
from trainview.plot.results import Numbers, numbers, texts
from trainview.plot.rows import BAR, finish_rows, label_bars, start_rows
from trainview.plot.wording import LEAST_USD, money, signed_money
from trainview.reporting.parts import Shape

# Its rows, with one for the estimate and one for the bill.
WATERFALL = Shape(row=0.34, around=1.6)
ESTIMATE, BILL = "estimate", "billed"
# What the difference of a reason consists of, as far as it is known, and how it is called.
PARTS = {"overhead_usd": "unbilled time", "price_usd": "price difference"}
# The colours of more and of less in a comparison.
_MORE, _LESS = "#D55E00", "#0173B2"
# Of what the steps take, so much of the sums before them is shown.
_SPARE = 0.25
# The part of the width that bars take beside their labels.
_LABELLED = 0.7


class Step(NamedTuple):
    """A part of the way from the estimate to the bill: its reason, and USD more on the bill."""

    reason: str
    name: str
    usd: float


def find_steps(reasons: pd.DataFrame) -> list[Step]:
    """Take the reasons apart, so that time and prices are steps of their own.

    Parameters
    ----------
    reasons : pandas.DataFrame
        What `reconcile_cost` gives by ``reason``.

    Returns
    -------
    list of Step
        Of a cent or more, in the order of the reasons.
    """
    amounts = {name: numbers(reasons, name) for name in ("difference_usd", *PARTS)}
    found = []
    for row, reason in enumerate(map(str, texts(reasons, "reason"))):
        usd = {part: amounts[name][row] for name, part in PARTS.items()}
        if not sum(abs(amount) >= LEAST_USD for amount in usd.values()):
            usd = {reason: amounts["difference_usd"][row]}
        found += [Step(reason, name, -float(amount)) for name, amount in usd.items()]
    return [step for step in found if abs(step.usd) >= LEAST_USD]


def plot_waterfall(reasons: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how the estimate becomes the bill: a step for each reason, between the two.

    Parameters
    ----------
    reasons : pandas.DataFrame
        What `reconcile_cost` gives by ``reason``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out.

    Returns
    -------
    matplotlib.axes.Axes
        With a row for the estimate, one for each of `find_steps`, and one for the bill. Where steps
        are small beside the sums, USD do not begin at 0.
    """
    estimated, billed = (
        float(np.nansum(numbers(reasons, name))) for name in ("estimated_usd", "billed_usd")
    )
    found = find_steps(reasons)
    steps = np.array([step.usd for step in found])
    names = [ESTIMATE, *(step.name for step in found), BILL]
    rows_of = [ESTIMATE, *(step.reason for step in found), BILL]
    rows = start_rows(ax, len(names), height=0.34)
    ax = rows.ax
    after = estimated + steps.cumsum()
    before = after - steps
    left = np.array([0.0, *np.minimum(before, after), 0.0])
    right = np.array([estimated, *np.maximum(before, after), billed])
    colours = [PLAIN, *(_MORE if step > 0 else _LESS for step in steps), "none"]
    text = mpl.rcParams["text.color"]
    edges = ["none"] * (len(names) - 1) + [text]
    drawn = ax.barh(range(len(names)), right - left, BAR, left, color=colours, edgecolor=edges)
    for bar, name in zip(drawn, rows_of, strict=True):
        bar.set_gid(name_id(name))
    # where one step ends, the next begins
    levels = np.array([estimated, *after])
    at = np.arange(len(levels))
    ax.vlines(levels, at + BAR / 2, at + 1 - BAR / 2, color=text, alpha=0.5, linewidth=0.7)
    labels = [money(estimated), *(signed_money(step) for step in steps), money(billed)]
    label_bars(ax, right.tolist(), labels)
    name_x(ax, "USD")
    _show_steps(ax, np.append(levels, billed), right)
    count_axis(ax, "x")
    finish_rows(rows, names, "")
    return ax


def _show_steps(ax: Axes, low: Numbers, high: Numbers) -> None:
    """Leave out most of the sums where the steps between them are small."""
    span = high.max() - low.min()
    begin = low.min() - _SPARE * span
    if begin > 0:
        # as much room for the labels at the right
        ax.set_xlim(begin, begin + (high.max() - begin) / _LABELLED)
