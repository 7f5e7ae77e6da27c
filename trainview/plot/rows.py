"""Charts with a row for each group: names at the left, as many rows as can be read, a last word.

What does not fit is summed up in a line of its own: nothing is left out silently.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from trainview.plot.canvas import FAINT, NARROW, add_legend, name_ticks, size, take_axes, tidy
from trainview.plot.colours import Look
from trainview.plot.names import (
    INERT,
    drawable,
    inches,
    name_id,
    points,
    put,
)
from trainview.plot.results import Numbers
from trainview.plot.shapes import write_inside
from trainview.plot.wording import number
from trainview.text.safe import count

# Rows of new Axes, at most, and the width of their figure in inches.
MOST = 40
WIDTH = 8.0
# Of a row, in inches.
TALLEST = 0.7
# Of a row, the part that its bar is high.
BAR = 0.72
# What names at the left leave of the width.
ROOM = 0.85


class Rows(NamedTuple):
    """The rows of a chart.

    Attributes
    ----------
    ax : matplotlib.axes.Axes
        Where they are.
    shown : int
        How many are drawn, from the first.
    others : int
        How many are not.
    """

    ax: Axes
    shown: int
    others: int


def start_rows(
    ax: Axes | None, rows: int, *, height: float = 0.3, legend: int = 0, extra: float = 0.0
) -> Rows:
    """Make room for rows.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        The caller's; they show as many rows as they have room for.
    rows : int
        How many there are.
    height : float, optional
        Of a row in new Axes, in inches; the caller's may be lower by a fifth.
    legend : int, optional
        Entries of a legend at the right.
    extra : float, optional
        Height that new Axes need beside, in inches.

    Returns
    -------
    Rows
        Where to draw, and how much.
    """
    most = MOST
    if ax is not None:
        line = max(0.8 * height, points("ytick.labelsize") * 1.25 / 72)
        most = max(2, int(size(ax)[1] / line))
    shown = rows if rows <= most else most - 1
    lines = max(shown + (shown < rows), 2)
    tall = max(0.9 + height * lines, 0.6 + 0.24 * legend) + extra
    return Rows(take_axes(ax, WIDTH, tall), shown, rows - shown)


def finish_rows(rows: Rows, names: Sequence[str] | None, others: str, note: str = "") -> None:
    """Name the rows, the first on top.

    Parameters
    ----------
    rows : Rows
        Whose values are drawn already.
    names : sequence of str or None
        Whole, of all rows; None where they are drawn already.
    others : str
        What to say of the rows that are not.
    note : str, optional
        What to say below all of them.
    """
    ax = rows.ax
    tidy(ax, "x")
    bottom = rows.shown + (rows.others > 0) + bool(note)
    # A bar is no wall.
    spare = max(0.0, (max(2.0, size(ax)[1] / TALLEST) - bottom) / 2)
    ax.set_ylim(bottom - 0.5 + spare, -0.5 - spare)
    if names is None:
        ax.set_yticks([])
    else:
        name_ticks(ax, range(rows.shown), names[: rows.shown])
    if rows.others:
        say_below(ax, rows.shown, f"{count(rows.others, 'other')}: {others}")
    if note:
        say_below(ax, bottom - 1, note)


def draw_bars(
    rows: Rows,
    values: Numbers,
    names: Sequence[str],
    *,
    height: float = BAR,
    off: float = 0.0,
    **style: Any,
) -> None:
    """Draw a bar for each row whose value is known, by so many rows off the middle of its row."""
    known = np.flatnonzero(~np.isnan(values[: rows.shown]))
    bars = rows.ax.barh(known + off, values[known], height, **style)
    for row, bar in zip(known.tolist(), bars, strict=True):
        bar.set_gid(name_id(names[row]))


def stack_bars(
    rows: Rows,
    stack: Numbers,
    looks: Sequence[tuple[str, Look]],
    names: Sequence[str],
    *,
    labelled: bool = False,
) -> None:
    """Draw stacked bars: a container for each part, empty ones left out.

    Parameters
    ----------
    rows : Rows
        Where.
    stack : numpy.ndarray of float64
        Lengths, one row a part, one column a row of the chart.
    looks : sequence of (str, Look)
        Names of the parts, and how they are drawn.
    names : sequence of str
        Names of the rows of the chart.
    labelled : bool, optional
        Whether each part shows its length, where there is room.
    """
    left = np.cumsum(stack, axis=0) - stack
    for part, start, (name, look) in zip(stack, left, looks, strict=True):
        at = np.flatnonzero(part[: rows.shown])
        bars = rows.ax.barh(at, part[at], BAR, left=start[at], **look.style())
        for bar, row in zip(bars, at.tolist(), strict=True):
            bar.set_gid(name_id(f"{names[row]}: {name}"))
            if labelled:
                span = start[row], start[row] + part[row]
                write_inside(rows.ax, span, row, f"{part[row]:,.0f}", look)


def explain_stack(ax: Axes, stack: Numbers, looks: Mapping[str, Look]) -> None:
    """Name the parts of stacked bars that are drawn, with their sums, above the Axes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where they are.
    stack : numpy.ndarray of float64
        As for `stack_bars`.
    looks : dict of str to Look
        Names of the parts, and how they are drawn.
    """
    sums = dict(zip(looks, stack.sum(axis=1), strict=True))
    drawn = [name for name, total in sums.items() if total > 0]
    notes = [f" ({number(sums[name])})" for name in drawn]
    add_legend(ax, [looks[name].sample() for name in drawn], drawn, notes, above=True)


def label_bars(
    ax: Axes,
    ends: Sequence[float],
    labels: Sequence[str],
    at: Sequence[float] | None = None,
    room: float = ROOM,
) -> None:
    """Write a value after each bar, and make room for it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where.
    ends : sequence of float
        Where the bars end, in the order of the rows.
    labels : sequence of str
        What stands after each.
    at : sequence of float, optional
        Where the bars are along y; in the middle of their rows when left out.
    room : float, optional
        What names at the left leave of the width.
    """
    width = room * size(ax)[0]
    longest = 0.0
    places = range(len(ends)) if at is None else at
    for end, label, y in zip(ends, labels, places, strict=True):
        rest = max(width - inches(label) - 0.1, width / 4)
        longest = max(longest, end * width / rest)
        text, families = drawable(label)
        style: dict[str, Any] = {"xytext": (4, 0), "textcoords": "offset points", **INERT}
        ax.annotate(text, (end, y), va="center_baseline", fontfamily=families, **style)
    ax.set_xlim(0, longest or 1.0)


def say(ax: Axes, row: float, text: str) -> None:
    """Say something in a row, instead of a bar."""
    place: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center_baseline"}
    put(ax, 0.006, row, text, style="italic", alpha=FAINT, in_layout=False, **place)


def say_below(ax: Axes, row: float, text: str) -> None:
    """Say something of all rows, in one without a name; in narrow Axes it takes the name's room."""
    at, side = (0.994, "right") if size(ax)[0] < NARROW else (0.006, "left")
    place: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center_baseline"}
    put(ax, at, row, text, ha=side, style="italic", alpha=FAINT, in_layout=False, **place)


def say_beside(ax: Axes, row: float, text: str) -> None:
    """Say something at the right of a row."""
    place: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center_baseline"}
    put(ax, 1.022, row, text, alpha=FAINT, **place)
