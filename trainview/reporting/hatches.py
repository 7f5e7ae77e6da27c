"""Hatches as the smallest tile that repeats: matplotlib writes tiles of an inch, full of lines."""

import re
from itertools import pairwise
from typing import NamedTuple

_LINE = re.compile(r"M\s*(\S+) (\S+)\s*L\s*(\S+) (\S+)\s*")


class Tile(NamedTuple):
    """A part of a hatch that repeats: its side in points, and the lines in it."""

    side: float
    path: str


def tile(points: str) -> Tile | None:
    """Find the tile of a hatch of slanted lines.

    Parameters
    ----------
    points : str
        The path of the hatch, as matplotlib writes it.

    Returns
    -------
    Tile or None
        None where it is made of something else.

    Examples
    --------
    >>> lines = [f"M {-36 + n} {36 + n} L {36 + n} {-36 + n}" for n in range(0, 72, 3)]
    >>> tile(" ".join(lines))
    Tile(side=6.0, path='M0 6L6 0M-1 1L1 -1M5 7L7 5')
    >>> tile("M 0 0 L 72 0") is None
    True
    """
    if _LINE.sub("", points).strip():
        return None
    rising: set[float] = set()
    falling: set[float] = set()
    for x0, y0, x1, y1 in (map(float, line) for line in _LINE.findall(points)):
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
