"""An image as shapes: the page's policy allows no images, and shapes stay sharp in print."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import PathPatch
from matplotlib.path import Path

# Begins the ids of the shapes: they touch, and are not to be smoothed at their edges.
MOSAIC = "mosaic"
_RECTANGLE = (Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY)


class Block(NamedTuple):
    """Cells of one colour: the first row and column, and those behind the last."""

    top: int
    bottom: int
    left: int
    right: int


def replace_images(ax: Axes) -> None:
    """Put shapes in the place of images, one a colour.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Whose images have few colours, and their first row on top.
    """
    for image in list(ax.images):
        values: Any = image.get_array()
        colours, known = image.to_rgba(values, bytes=True), ~np.ma.getmaskarray(values)
        for number, colour in enumerate(np.unique(colours[known], axis=0)):
            shape = _shape(image, find_blocks((colours == colour).all(axis=-1) & known))
            shape.set(facecolor=tuple(colour / 255), gid=f"{MOSAIC}-{number}")
            ax.add_patch(shape)
        image.remove()


def find_blocks(cells: Any) -> list[Block]:
    """Cover the true cells of a grid with rectangles: runs in a row, continued where they can be.

    Parameters
    ----------
    cells : numpy.ndarray of bool
        With two dimensions.

    Returns
    -------
    list of Block
        That hold each true cell once.

    Examples
    --------
    >>> grid = np.array([[1, 1, 0], [1, 1, 1]], "bool")
    >>> find_blocks(grid[:, :2])
    [Block(top=0, bottom=2, left=0, right=2)]
    >>> len(find_blocks(grid))
    2
    """
    padded = np.zeros((cells.shape[0], cells.shape[1] + 2), "int8")
    padded[:, 1:-1] = cells
    change = np.diff(padded)
    rows, left = np.nonzero(change == 1)
    right = np.nonzero(change == -1)[1]
    blocks: list[Block] = []
    above: dict[tuple[int, int], int] = {}
    for row in range(len(cells) + 1):
        at = rows == row
        runs = set(zip(left[at].tolist(), right[at].tolist(), strict=True))
        blocks += [Block(top, row, *run) for run, top in above.items() if run not in runs]
        above = {run: above.get(run, row) for run in sorted(runs)}
    return blocks


def _shape(image: AxesImage, blocks: list[Block]) -> PathPatch:
    """Draw blocks where the image has them, cut off where it is."""
    west, east, south, north = image.get_extent()
    height, width = image.get_array().shape[:2]  # type: ignore[union-attr]
    x, y = np.linspace(west, east, width + 1), np.linspace(north, south, height + 1)
    corners = [
        (x[column], y[row])
        for top, bottom, left, right in blocks
        for column, row in ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    ]
    path = Path(corners, _RECTANGLE * len(blocks))
    shape = PathPatch(path, linewidth=0, zorder=image.get_zorder())
    shape.set_clip_path(image.get_clip_path())
    return shape
