"""The Axes of a plot: made or taken, tidied, with a legend, and honest when there is nothing."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from trainview.plot.names import INERT, drawable, fit, inches, name_id

# Fainter than the texts, on any background.
FAINT = 0.7
# Of a new figure with a time axis, in inches.
TIME_WIDTH = 10.0
# Axes of fewer inches have no room beside them, and only for few words inside.
NARROW = 4.0
# Above the Axes, more names than these stand in columns; a sample and the gap beside it, in inches.
FEW, SAMPLE = 4, 0.55


def take_axes(ax: Axes | None, width: float, height: float) -> Axes:
    """Use the caller's Axes, or make new ones with pyplot.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        The caller's.
    width, height : float
        Of a new figure, in inches.

    Returns
    -------
    matplotlib.axes.Axes
        Where to draw.
    """
    if ax is not None:
        return ax
    # Only now, because pyplot keeps figures and chooses a window system.
    pyplot = import_module("matplotlib.pyplot")
    _, new = pyplot.subplots(figsize=(width, height), layout="constrained")
    return new  # type: ignore[no-any-return]


def size(ax: Axes) -> tuple[float, float]:
    """Give the width and height of Axes in inches, before any layout."""
    dpi = ax.get_figure(root=True).dpi  # type: ignore[union-attr]
    return ax.bbox.width / dpi, ax.bbox.height / dpi


def name_x(ax: Axes, label: str) -> None:
    """Say what x measures; below narrow Axes, from the right, where there is more room."""
    ax.set_xlabel(label, loc="right" if size(ax)[0] < NARROW else "center")


def tidy(ax: Axes, values: Literal["x", "y"]) -> None:
    """Keep only the spine and the grid that help to read the values along an axis."""
    hidden = ["top", "right"] + (["left"] if values == "x" else [])
    ax.spines[hidden].set_visible(False)
    ax.grid(visible=True, axis=values, alpha=0.4, linewidth=0.6)
    ax.set_axisbelow(True)
    if values == "x":
        ax.tick_params(axis="y", length=0)


def count_axis(ax: Axes, axis: Literal["x", "y"], *, whole: bool = False) -> None:
    """Write the numbers of an axis with thousands separated; if whole, whole ones only."""
    one = ax.xaxis if axis == "x" else ax.yaxis
    room = size(ax)[0 if axis == "x" else 1]
    one.set_major_locator(MaxNLocator(nbins=max(2, min(8, int(room / 0.7))), integer=whole))
    one.set_major_formatter(StrMethodFormatter("{x:,.12g}"))


def no_data(ax: Axes, *notes: str) -> Axes:
    """Say that there is nothing to draw, and perhaps why, instead of scales that mean nothing."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)
    text = "\n".join(["no data", *notes])
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", alpha=FAINT)
    return ax


def name_ticks(ax: Axes, places: Sequence[float], names: Sequence[str], most: float = 0.42) -> None:
    """Name rows at the left.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where.
    places : sequence of float
        Where the rows are along y.
    names : sequence of str
        Whole names; a long one is cut, and the ``gid`` of its label has the whole.
    most : float, optional
        What a name may take, as a fraction of the width of the Axes.
    """
    room = most * size(ax)[0]
    shown = [drawable(fit(name, room, "ytick.labelsize")) for name in names]
    ax.set_yticks(places)
    labels = ax.set_yticklabels([text for text, _ in shown])
    for label, name, (_, families) in zip(labels, names, shown, strict=True):
        label.set(fontfamily=families, gid=name_id(name), **INERT)


def add_legend(
    ax: Axes,
    handles: Sequence[Any],
    names: Sequence[str],
    notes: Sequence[str] | None = None,
    *,
    above: bool = False,
    room: float = 1.0,
) -> None:
    """Explain colours outside the Axes, where nothing is covered.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where it belongs.
    handles : sequence of artists
        Samples.
    names : sequence of str
        What each means; long names are cut. Without any, there is no legend.
    notes : sequence of str, optional
        What follows each name, never cut.
    above : bool, optional
        Whether it stands above the Axes, in columns, instead of to their right.
    room : float, optional
        What is left of the width of the Axes by names at the left and words at the right.
    """
    if not names:
        return
    width, _ = size(ax)
    most = max(0.3 * width, 0.8)
    if above:
        most = width if len(names) <= FEW else width / 2 - SAMPLE
    shown = [
        drawable(fit(name, most, "legend.fontsize") + note)
        for name, note in zip(names, notes or [""] * len(names), strict=True)
    ]
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)}
    if above:
        widths = [inches(text, "legend.fontsize") + SAMPLE for text, _ in shown]
        # Above the names of narrow Axes there is room, too.
        side, at = ("right", 1.0) if width < NARROW else ("left", 0.0)
        place = {
            "loc": f"lower {side}",
            "bbox_to_anchor": (at, 1.0),
            "ncols": _columns(widths, room * width),
            "columnspacing": 1.2,
        }
    legend = ax.legend(
        handles,
        [text for text, _ in shown],
        frameon=False,
        borderaxespad=0.2,
        borderpad=0.2,
        handlelength=1.4,
        handleheight=0.9,
        **place,
    )
    for label, name, (_, families) in zip(legend.get_texts(), names, shown, strict=True):
        label.set(fontfamily=families, gid=name_id(name), **INERT)


def _columns(widths: Sequence[float], most: float) -> int:
    """Find how many columns of a legend fit side by side."""
    for number in range(len(widths), 1, -1):
        # Matplotlib fills one column after the other.
        if sum(max(column) for column in np.array_split(widths, number)) <= most:
            return number
    return 1
