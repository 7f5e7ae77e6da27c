"""What of a chart tells of which rows of the table behind it: the page shows them where one points.

Nothing here knows a plot: names that plots give their parts, and places along the axes, are looked
up in the table.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text

from trainview.plot.names import name_id
from trainview.plot.results import Numbers, group_names, moments, numbers
from trainview.reporting.parts import Chart, Table
from trainview.reporting.tables import MOST_ROWS
from trainview.text.cells import is_number

_NAME = name_id("")
# In points: no mark is smaller, so that a finger finds it.
_LEAST = 8.0
# More than these cannot be told apart.
MOST_MARKS = 300
# Of a row, around its middle.
_HALF = (-0.5, 0.5)


class Mark(NamedTuple):
    """A part of a picture, in points from its upper left corner, and the rows that it tells of."""

    left: float
    top: float
    right: float
    bottom: float
    rows: tuple[int, ...]


def find_marks(
    ax: Axes, renderer: RendererBase, size: tuple[float, float], chart: Chart, table: Table
) -> list[Mark]:
    """Find the parts of a picture that tell of rows of its table.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        What is drawn, laid out.
    renderer : matplotlib.backend_bases.RendererBase
        Measures it.
    size : tuple of float
        Of the picture, in points.
    chart : Chart
        What is drawn.
    table : Table
        What is behind it.

    Returns
    -------
    list of Mark
        Those that lie upon others last.
    """
    frame = table.frame if len(table.frame) <= MOST_ROWS else table.frame.head(MOST_ROWS)
    if frame.empty:
        return []
    if chart.lane is not None:
        found = list(_in_lanes(ax, frame, chart, size))
    elif chart.along is not None:
        found = list(_along(ax, frame, chart, size))
    else:
        found = list(_by_name(ax, renderer, frame, table.columns, size))
    return found[:MOST_MARKS]


def _along(
    ax: Axes, frame: pd.DataFrame, chart: Chart, size: tuple[float, float]
) -> Iterator[Mark]:
    """Mark stretches of the x axis, from the value of a row to that of the next."""
    at = _places(frame, str(chart.along))
    box = ax.bbox
    begins = np.unique(at[~np.isnan(at)])
    ends = np.append(begins[1:], np.inf)
    if chart.until is not None:
        until = _places(frame, chart.until)
        ends = np.array([np.nanmax(until[at == begin]) for begin in begins])
    groups = _group_of(frame, chart)
    for begin, end in zip(begins, ends, strict=True):
        left, right = (_across(ax, x) for x in (begin, end))
        rows = np.flatnonzero(at == begin)
        if chart.is_steps:
            # each line keeps its value until the next
            before = np.flatnonzero(at <= begin)
            latest = {groups[row]: row for row in before[np.argsort(at[before], kind="stable")]}
            rows = np.array(sorted(latest.values()))
        if right > left and right > box.x0 and left < box.x1:
            left, right = max(left, box.x0), min(right, box.x1)
            yield Mark(left, size[1] - box.y1, right, size[1] - box.y0, tuple(rows.tolist()))


def _in_lanes(
    ax: Axes, frame: pd.DataFrame, chart: Chart, size: tuple[float, float]
) -> Iterator[Mark]:
    """Mark the rows of a picture, and upon each the bars in it, which are rows of the table."""
    lanes, begins, ends = (
        _places(frame, str(column)) for column in (chart.lane, chart.along, chart.until)
    )
    for lane in ax.get_yticks():
        rows = np.flatnonzero(lanes == lane)
        if len(rows) == 0:
            continue
        high, low = sorted(size[1] - ax.transData.transform((0.0, lane + off))[1] for off in _HALF)
        yield Mark(0.0, high, size[0], low, tuple(rows.tolist()))
        for row in rows[begins[rows] <= ends[rows]].tolist():
            left, right = (_across(ax, x) for x in (begins[row], ends[row]))
            yield _large(Mark(left, high, right, low, (row,)))


def _places(frame: pd.DataFrame, column: str) -> Numbers:
    if pd.api.types.is_datetime64_any_dtype(frame[column].dtype):
        return moments(frame, column)[0]
    return numbers(frame, column)


def _across(ax: Axes, x: float) -> float:
    """Give the place of a value along x; what an axis has no place for lies beyond its ends."""
    if np.isinf(x):
        return float(ax.bbox.x1)
    if ax.get_xscale() == "log" and x <= 0:
        return float(ax.bbox.x0)
    return float(ax.transData.transform((x, ax.get_ylim()[0]))[0])


def _group_of(frame: pd.DataFrame, chart: Chart) -> list[str]:
    keys = [str(name) for name in frame if _is_text(frame[name]) and name != chart.along]
    return group_names(frame, keys[:1])


def _is_text(column: "pd.Series[Any]") -> bool:
    return not is_number(column) and not pd.api.types.is_datetime64_any_dtype(column.dtype)


def _rows_by_name(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Find the rows that plots call by a name: by a column of text, or by two columns together."""
    found: dict[str, tuple[int, ...]] = {}
    keys = [[name] for name in columns if _is_text(frame[name])]
    for names in [*keys, list(columns[:2])]:
        rows = defaultdict(list)
        for row, name in enumerate(group_names(frame, names)):
            rows[name].append(row)
        for name, those in rows.items():
            found.setdefault(name_id(name), tuple(those))
    return found


def _by_name(
    ax: Axes,
    renderer: RendererBase,
    frame: pd.DataFrame,
    columns: Sequence[str],
    size: tuple[float, float],
) -> Iterator[Mark]:
    known = _rows_by_name(frame, columns)
    labels = [tick.label1 for axis in (ax.xaxis, ax.yaxis) for tick in axis.majorTicks]
    legend = ax.get_legend()
    parts = [*ax.patches, *ax.texts, *labels, *(legend.get_texts() if legend else ())]
    named = [artist for artist in parts if _is_named(artist) and artist.get_visible()]
    ticks = {id(tick.label1): tick.get_loc() for tick in ax.yaxis.majorTicks}
    boxes: list[Mark] = []
    in_rows: dict[tuple[int, ...], list[Mark]] = defaultdict(list)
    placed = _bars(ax) | _names(ax, ticks)
    for artist in named:
        rows = _rows_of(artist, known)
        if rows is None:
            continue
        box = placed.get(id(artist)) or artist.get_window_extent(renderer).extents
        left, low, right, high = box
        mark = Mark(left, size[1] - high, right, size[1] - low, rows)
        if id(artist) in ticks or ax.bbox.y0 <= (low + high) / 2 <= ax.bbox.y1:
            in_rows[rows].append(mark)
        else:
            boxes.append(mark)
    bands = [_joined(marks) for marks in in_rows.values()]
    bands.sort(key=lambda mark: mark.top)
    if all(one.bottom <= other.top + 1 for one, other in pairwise(bands)):
        yield from _stretched(bands, size, ax)
    else:
        # parts of one bar, side by side
        yield from (_large(mark) for marks in in_rows.values() for mark in marks)
    yield from (_large(mark) for mark in boxes)


def _bars(ax: Axes) -> dict[int, list[float]]:
    """Place bars all at once, left, low, right and high: Matplotlib takes long for each."""
    bars = [one for one in ax.patches if type(one) is Rectangle and one.get_angle() == 0]
    bars = [one for one in bars if one.get_data_transform() is ax.transData]
    ends = [
        (x + across * one.get_width(), y + up * one.get_height())
        for one in bars
        for x, y in [one.get_xy()]
        for across, up in ((0, 0), (1, 1))
    ]
    if not ends:
        return {}
    corners = ax.transData.transform(ends).reshape(-1, 2, 2)
    sides = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    return dict(zip(map(id, bars), sides.tolist(), strict=True))


def _names(ax: Axes, ticks: Mapping[int, float]) -> dict[int, list[float]]:
    """Place the names of rows, likewise: all at the left, of the height of a finger."""
    if not ticks:
        return {}
    ups = ax.transData.transform([(0.0, y) for y in ticks.values()])[:, 1].tolist()
    boxes = [[0.0, up - _LEAST / 2, ax.bbox.x0, up + _LEAST / 2] for up in ups]
    return dict(zip(ticks, boxes, strict=True))


def _is_named(artist: Artist) -> bool:
    is_shape = isinstance(artist, (Text, Patch))
    return is_shape and str(artist.get_gid() or "").startswith(_NAME)


def _rows_of(artist: Artist, known: dict[str, tuple[int, ...]]) -> tuple[int, ...] | None:
    """Look a name up; a part of a bar is called by the name of the bar, and its own."""
    name = str(artist.get_gid())
    while name not in known and ": " in name:
        name = name.rpartition(": ")[0]
    return known.get(name)


def _joined(marks: Sequence[Mark]) -> Mark:
    left, top = min(mark.left for mark in marks), min(mark.top for mark in marks)
    right, bottom = max(mark.right for mark in marks), max(mark.bottom for mark in marks)
    return Mark(left, top, right, bottom, marks[0].rows)


def _stretched(bands: Sequence[Mark], size: tuple[float, float], ax: Axes) -> Iterator[Mark]:
    """Make rows as wide as the picture, and as high as they can be."""
    ends = [size[1] - ax.bbox.y1, size[1] - ax.bbox.y0]
    for at, band in enumerate(bands):
        top = (bands[at - 1].bottom + band.top) / 2 if at else min(band.top, ends[0])
        is_last = at + 1 == len(bands)
        bottom = max(band.bottom, ends[1]) if is_last else (band.bottom + bands[at + 1].top) / 2
        yield Mark(0.0, top, size[0], bottom, band.rows)


def _large(mark: Mark) -> Mark:
    """Make what is small large enough for a finger."""
    across = max(_LEAST - (mark.right - mark.left), 0.0) / 2
    down = max(_LEAST - (mark.bottom - mark.top), 0.0) / 2
    return Mark(
        mark.left - across, mark.top - down, mark.right + across, mark.bottom + down, mark.rows
    )
