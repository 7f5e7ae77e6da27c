"""Plots as SVG that can stand in a page: drawn once, for every screen and scheme, and for paper."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.style import context
from matplotlib.textpath import text_to_path

from trainview.reporting.marks import find_marks
from trainview.reporting.mosaic import replace_images
from trainview.reporting.parts import Chart, Table
from trainview.reporting.svg import GROUND, TEXT_SIZE, embed

# In inches: what a phone shows without scrolling, and half a screen or sheet of paper beside
# another; what is wider than that scrolls on a phone.
NARROW, WIDE = 4.6, 9.0

# Around a picture, in points.
_PAD = 3.0
_POINTS = 72
# Text stays text, so that the page's fonts draw every script; ids are the same in every run. The
# caller's own settings do not count: black is what becomes the colour of the page's text, and a
# colour that nothing else has that of the ground.
_SETTINGS: Any = [
    "default",
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "trainview",
        "font.size": TEXT_SIZE,
        "axes.facecolor": GROUND,
    },
]
_METADATA: Any = dict.fromkeys(("Creator", "Date", "Format", "Type"))


class _Renderer(RendererSVG):
    """Matplotlib's, which measures a text only once for all pictures."""

    def get_text_width_height_descent(
        self,
        s: str,
        prop: FontProperties,
        ismath: Any,
    ) -> tuple[float, float, float]:
        return _extent(s, prop, ismath)


@lru_cache(maxsize=4096)
def _extent(text: str, font: FontProperties, ismath: Any) -> tuple[float, float, float]:
    return text_to_path.get_text_width_height_descent(text, font, ismath)


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
    written = io.StringIO()
    width, height = figure.bbox.size
    make: Any = _Renderer
    renderer = make(width, height, written, metadata=_METADATA)
    _lay_out(figure, ax, renderer)
    figure.draw(renderer)
    renderer.finalize()
    behind = chart.of[1] if chart.of else table
    found = find_marks(ax, renderer, (width, height), chart, behind) if behind else []
    _let_go(figure)
    return embed(written.getvalue(), name, chart.label, found)


def _let_go(figure: Figure) -> None:
    """Part artists that nobody needs any more: they hold one another in circles.

    Python finds such circles by going through all objects, which takes ten times as long.
    """
    for artist in figure.findobj():
        vars(artist).clear()


def _lay_out(figure: Figure, ax: Axes, renderer: RendererSVG) -> None:
    """Leave as much around the Axes as their texts need.

    Matplotlib's own layouts measure all texts twice or more, which takes as long as drawing them.
    """
    for axis in (ax.xaxis, ax.yaxis):
        if not axis.get_label_text():
            # else its place is found by measuring all ticks, here and when it is drawn
            axis.set_label_coords(0, 0)
    # what is clipped, and spines, lie within all that counts
    outside = [one for one in (*ax.texts, ax.get_legend()) if one is not None]
    counted = [one for one in outside if one.get_visible() and one.get_in_layout()]
    box = ax.get_tightbbox(renderer, bbox_extra_artists=counted)
    inner = ax.get_window_extent()
    width, height = figure.bbox.size
    if box is None:
        return
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
