"""Bars stacked over the calendar, as wide as their periods."""

import numpy as np
from matplotlib.axes import Axes

from trainview.plot.groups import Groups
from trainview.plot.names import name_id
from trainview.plot.results import Numbers
from trainview.plot.shapes import MOST_SHAPES, bars

# Up to so many periods, bars stand apart.
MOST_GAPS = 100


def stack_periods(
    ax: Axes, begin: Numbers, widths: Numbers, stack: Numbers, groups: Groups
) -> float:
    """Draw a collection of bars for each group, one on top of the other.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where.
    begin, widths : numpy.ndarray of float64
        The periods, as Matplotlib's dates and in days.
    stack : numpy.ndarray of float64
        Heights, one row a group, one column a period; 0 has no bar.
    groups : Groups
        Names and looks of the rows.

    Returns
    -------
    float
        How high the highest stack is.
    """
    top = np.cumsum(stack, axis=0)
    gap = 0.04 * widths if len(begin) <= MOST_GAPS else 0.0 * widths
    many = np.count_nonzero(stack) > MOST_SHAPES
    for name, look, high, part in zip(groups.names, groups.looks, top, stack, strict=True):
        at = np.flatnonzero(part)
        left, right = begin[at] + gap[at], begin[at] + widths[at] - gap[at]
        group = bars(left, right, (high - part)[at], high[at], **look.style())
        group.set(gid=name_id(name), rasterized=many)
        ax.add_collection(group, autolim=False)
    return float(top[-1].max())
