"""Bars, many as one collection, and what is written in them."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from trainview.plot.colours import Look, ink
from trainview.plot.names import FittedText
from trainview.plot.results import Numbers

# Beyond so many shapes, a vector file holds them as a picture of dots.
MOST_SHAPES = 2000


def bars(
    left: Numbers, right: Numbers, low: Numbers, high: Numbers, **style: Any
) -> PolyCollection:
    """Make a collection of rectangles."""
    x = np.stack([left, right, right, left], axis=1)
    corners: Any = np.stack([x, np.stack([low, low, high, high], axis=1)], axis=2)
    return PolyCollection(corners, **style)


def look_of_bars(look: Look) -> dict[str, Any]:
    """Give a look as properties with which even the thinnest bar is a line that can be seen."""
    style = look.style()
    return (
        style
        if look.hatch or look.outlined
        else style | {"edgecolor": look.colour, "linewidth": 0.7}
    )


def write_inside(
    ax: Axes, span: tuple[float, float], y: float, text: str, look: Look, **properties: Any
) -> None:
    """Write a text into a bar; it is drawn only where the bar is long enough.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where.
    span : tuple of float
        Where the bar begins and ends along x.
    y : float
        Its middle.
    text : str
        What to write; it may hold a name.
    look : Look
        Of the bar.
    **properties : Any
        Of the text.
    """
    label = FittedText(*span, y, text, color=ink(look.colour), size="small", **properties)
    if look.hatch:
        label.set_bbox({"facecolor": look.colour, "linewidth": 0, "pad": 1.0})
    ax.add_artist(label)
