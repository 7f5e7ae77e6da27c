"""Hatches as the smallest tile that repeats: matplotlib writes tiles of an inch, full of lines."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.path import Path

_LINE = (Path.MOVETO, Path.LINETO)


class Tile(NamedTuple):
    """A part of a hatch that repeats: its side in points, and the lines in it."""

    side: float
    path: str


def tile(hatch: Path) -> Tile | None:
    """Find the tile of a hatch of slanted lines.

    Parameters
    ----------
    hatch : matplotlib.path.Path
        In points, y running down.

    Returns
    -------
    Tile or None
        None where it is made of something else.

    Examples
    --------
    >>> ends = [at for n in range(0, 72, 3) for at in ((-36 + n, 36 + n), (36 + n, -36 + n))]
    >>> tile(Path(ends, [Path.MOVETO, Path.LINETO] * 24))
    Tile(side=6.0, path='M0 6L6 0M-1 1L1 -1M5 7L7 5')
    >>> tile(Path([(0, 0), (72, 0)])) is None
    True
    """
    places: Any = hatch.vertices
    codes: Any = hatch.codes
    if codes is not None and tuple(codes) != _LINE * (len(places) // 2):
        return None
    rising: set[float] = set()
    falling: set[float] = set()
    for x0, y0, x1, y1 in np.round(places, 6).reshape(-1, 4).tolist():
        if x1 - x0 == y0 - y1:
            rising.add(x0 + y0)
        elif x1 - x0 == y1 - y0:
            falling.add(x0 - y0)
        else:
            return None
    gaps = {
        after - before for places in (rising, falling) for before, after in pairwise(sorted(places))
    }
    if len(gaps) != 1 or any(place % min(gaps) for place in rising | falling):
        return None
    [side] = gaps
    end, less, more = f"{side:g}", f"{side - 1:g}", f"{side + 1:g}"
    # the corners too, so that lines are as thick where tiles meet
    up = f"M0 {end}L{end} 0M-1 1L1 -1M{less} {more}L{more} {less}"
    down = f"M0 0L{end} {end}M-1 {less}L1 {more}M{less} -1L{more} 1"
    return Tile(side, (up if rising else "") + (down if falling else ""))
