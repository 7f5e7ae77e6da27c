"""Plots as SVG that can stand in a page: drawn once, for every screen and scheme, and for paper."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.style import context
from matplotlib.transforms import Bbox, BboxBase

from trainview.reporting.marks import find_marks
from trainview.reporting.mosaic import replace_images
from trainview.reporting.parts import Chart, Table
from trainview.reporting.renderer import GROUND, TEXT_SIZE, PageRenderer
from trainview.reporting.svg import picture

# In inches: what a phone shows without scrolling, and half a screen or sheet of paper beside
# another; what is wider than that scrolls on a phone.
NARROW, WIDE = 4.6, 9.0

# Around a picture, in points.
_PAD = 3.0
_POINTS = 72
# The caller's own settings do not count: black is what becomes the colour of the page's text, and a
# colour that nothing else has that of the ground.
_SETTINGS: Any = ["default", {"font.size": TEXT_SIZE, "axes.facecolor": GROUND}]


@contextmanager
def drawing() -> Iterator[None]:
    """Give all pictures of a page the same settings, whatever the caller's are."""
    with context(_SETTINGS):
        yield


def draw(chart: Chart, name: str, table: Table | None = None) -> Markup:
    """Draw a helper's result, with the settings of `drawing`.

    Parameters
    ----------
    chart : Chart
        What to draw, and how large.
    name : str
        Begins the ids in the element, so that several stand in one page.
    table : Table, optional
        What is behind it: the element marks which parts of the picture tell of which rows.

    Returns
    -------
    markupsafe.Markup
        An SVG element that needs no style sheet, and takes its black from the page's text colour.
    """
    size = (WIDE if chart.is_wide else NARROW, chart.height)
    figure = Figure(figsize=size, dpi=_POINTS)
    ax = figure.subplots()
    chart.plot(chart.frame, ax=ax)
    replace_images(ax)
    for patch in (figure.patch, ax.patch):
        patch.set_visible(False)
    width, height = figure.bbox.size
    renderer = PageRenderer(width, height, name)
    _lay_out(figure, ax, renderer)
    figure.draw(renderer)
    behind = chart.of[1] if chart.of else table
    found = find_marks(ax, renderer, (width, height), chart, behind) if behind else []
    _let_go(figure, ax)
    return picture((width, height), TEXT_SIZE, chart.label, *renderer.drawn(), found)


def _let_go(figure: Figure, ax: Axes) -> None:
    """Part artists that nobody needs any more: they hold one another in circles.

    Python finds such circles by going through all objects, which takes ten times as long.
    """
    ticks = [tick for axis in (ax.xaxis, ax.yaxis) for tick in axis.majorTicks + axis.minorTicks]
    for artist in (*ticks, *ax.get_children(), ax, figure):
        vars(artist).clear()


def _lay_out(figure: Figure, ax: Axes, renderer: RendererBase) -> None:
    """Leave as much around the Axes as their texts need.

    Matplotlib's own layouts measure all texts twice or more, which takes as long as drawing them.
    """
    inner = ax.get_window_extent()
    beyond = {axis: _beyond(axis, inner, renderer) for axis in (ax.xaxis, ax.yaxis)}
    # what is clipped, and spines, lie within all that counts
    texts = [*ax.texts, ax.get_legend()]
    for axis, (_, away) in beyond.items():
        _call(axis, away, inner)
        texts += [axis.label, axis.offsetText]
    counted = [one for one in texts if one and one.get_visible() and one.get_in_layout()]
    found = [
        *(ticks for ticks, _ in beyond.values()),
        *(one.get_tightbbox(renderer) for one in counted),
    ]
    # what has no place is not drawn
    placed = [box for box in found if box and np.isfinite(box.extents).all()]
    box = Bbox.union([inner, *placed])
    width, height = figure.bbox.size
    left, bottom = inner.x0 - box.x0 + _PAD, inner.y0 - box.y0 + _PAD
    right, top = box.x1 - inner.x1 + _PAD, box.y1 - inner.y1 + _PAD
    ax.set_position(
        (
            left / width,
            bottom / height,
            max(width - left - right, width / 4) / width,
            max(height - bottom - top, height / 4) / height,
        )
    )
    for axis, (_, away) in beyond.items():
        _call(axis, away, ax.get_window_extent())
        if not axis.offsetText.get_text():
            # else they are measured once more when they are drawn
            for tick in axis.majorTicks:
                tick.label1.set_in_layout(False)


def _beyond(axis: Axis, inner: BboxBase, renderer: RendererBase) -> tuple[Any, float]:
    """Measure the ticks of an axis, and how far from the Axes what it is called is."""
    own = [axis.label, axis.offsetText]
    for text in own:
        # else ticks are measured once more to find its place, here and when it is drawn
        text.set_visible(False)
    axis.set_label_coords(*axis.label.get_position())
    ticks: Any = axis.get_tightbbox(renderer)
    for text in own:
        text.set_visible(bool(text.get_text()))
    side = "y0" if isinstance(axis, XAxis) else "x0"
    edges = [getattr(box, side) for box in (inner, ticks) if box is not None]
    return ticks, min(edges) - edges[0] - axis.labelpad


def _call(axis: Axis, away: float, inner: BboxBase) -> None:
    """Put what an axis is called so far from the Axes."""
    x, y = axis.label.get_position()
    place = (x, away / inner.height) if isinstance(axis, XAxis) else (away / inner.width, y)
    axis.set_label_coords(*place)
