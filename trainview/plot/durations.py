"""Durations from seconds to years: a logarithmic axis, and the marks on it."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from trainview.plot.canvas import size
from trainview.plot.names import name_id
from trainview.plot.results import Numbers

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


def mark_style(mark: str) -> dict[str, Any]:
    """Give a mark as the properties of a line, in the colour of the texts."""
    colour = mpl.rcParams["text.color"]
    wide = {"markersize": 11, "markeredgewidth": 2.0} if mark == "|" else {"markersize": 4.5}
    filled = {"markerfacecolor": colour if mark == "o" else "none", "markeredgecolor": colour}
    return {"marker": mark, "linestyle": "none", **filled, **wide}


def draw_marks(
    ax: Axes, marks: Mapping[str, tuple[str, str]], values: Mapping[str, Numbers], **style: Any
) -> list[Line2D]:
    """Draw marks on rows: for each measure what mark, and where; give samples for the legend."""
    samples = []
    for measure, (mark, _) in marks.items():
        look = mark_style(mark)
        ax.plot(values[measure], range(len(values[measure])), gid=measure, **look, **style)
        samples.append(Line2D([], [], **look))
    return samples


def draw_reach(
    ax: Axes, row: int, name: str, reach: tuple[float, float, float], colour: str
) -> None:
    """Draw in a row a bar from median to p90, if that is known, and a line to the longest."""
    middle, most, longest = reach
    if not np.isnan(most):
        (bar,) = ax.barh(row, most - middle, 0.4, left=middle, color=colour)
        bar.set_gid(name_id(name))
    start = np.fmax(middle, most)
    ax.plot([start, longest], [row, row], color=colour, linewidth=1.2, zorder=1.5)


def duration_axis(ax: Axes, hours: Numbers) -> None:
    """Make x a logarithmic axis of durations around some hours, with ticks that people read."""
    known = hours[~np.isnan(hours)]
    low, high = (known.min(), known.max()) if len(known) else (1 / 60, 24.0)
    ax.set_xscale("log")
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
