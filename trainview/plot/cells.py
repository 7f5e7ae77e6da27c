"""The cells of a heat map: rows by their keys, columns by time, no more than can be told apart."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from trainview.plot.dates import MINUTE
from trainview.plot.results import Numbers
from trainview.text.safe import count

DAY = 24 * 60
# In minutes: the periods that the helper knows, and what people call a round time.
PERIODS = (DAY, 60, 15, 5, 1)
ROUND = (*PERIODS[::-1], 10, 30, 120, 180, 240, 360, 720, *(days * DAY for days in (2, 7, 14, 28)))
# Of a cell, in inches.
LEAST_HEIGHT, LEAST_WIDTH = 0.02, 0.02


class Cells(NamedTuple):
    """Means, and how much each is the mean of.

    Attributes
    ----------
    means : numpy.ndarray of float64
        One row a line of the picture; NaN where nothing is known.
    rows : int
        So many rows in each, at most.
    minutes : int
        So long is each.
    first : float
        Where the first begins, as one of Matplotlib's dates.
    """

    means: Numbers
    rows: int
    minutes: int
    first: float


def number_rows(
    table: pd.DataFrame, keys: Sequence[str]
) -> tuple[npt.NDArray[np.int64], pd.DataFrame]:
    """Give the groups of a table numbers, so that those with the same first keys are neighbours.

    Parameters
    ----------
    table : pandas.DataFrame
        At least one row.
    keys : sequence of str
        The columns that tell groups apart.

    Returns
    -------
    row : numpy.ndarray of int64
        The number of each row's group.
    heads : pandas.DataFrame
        One row a group, with its keys.
    """
    if not keys:
        return np.zeros(len(table), "int64"), table.iloc[:1]

    def codes(frame: pd.DataFrame, depth: int) -> npt.NDArray[np.int64]:
        groups = frame.groupby(list(keys[:depth]), sort=False, dropna=False, observed=True)
        return np.asarray(groups.ngroup(), "int64")

    heads = table[list(keys)].drop_duplicates(ignore_index=True)
    order = np.lexsort([codes(heads, depth) for depth in range(len(keys), 0, -1)])
    place = np.argsort(order)
    return place[codes(table, len(keys))], heads.take(order)


def period_minutes(start: Numbers) -> int:
    """Find how long periods are from where they begin: as the helper makes them, if possible."""
    minutes = np.unique(np.rint(start / MINUTE).astype("int64"))
    if len(minutes) == 1:
        # A day and an hour can begin at the same moment: do not claim more than there is.
        return next(length for length in PERIODS[1:] if minutes[0] % length == 0)
    common = int(np.gcd(np.gcd.reduce(np.diff(minutes)), minutes[0]))
    return next(length for length in PERIODS if common % length == 0)


def merge(
    row: npt.NDArray[np.int64],
    start: Numbers,
    mean: Numbers,
    weight: Numbers,
    room: tuple[float, float],
) -> Cells:
    """Put means into cells, as many as there is room for.

    Parameters
    ----------
    row : numpy.ndarray of int64
        From 0.
    start, mean, weight : numpy.ndarray of float64
        When the period of each begins, as Matplotlib's dates; what is shown; of how many samples.
    room : tuple of float
        Width and height of all cells, in inches.

    Returns
    -------
    Cells
        Where several fall into one, their weighted mean.
    """
    minutes = np.rint(start / MINUTE).astype("int64")
    length = period_minutes(start)
    span, tall = int(np.ptp(minutes)) + length, int(row.max()) + 1
    least = span / max(room[0] / LEAST_WIDTH, 1)
    if length < least:
        fitting = [some for some in sorted(ROUND) if some >= least and some % length == 0]
        length = fitting[0] if fitting else -int(-least // length) * length
    rows = -int(-tall // max(room[1] / LEAST_HEIGHT, 1))
    column = minutes // length
    first = int(column.min())
    shape = -(-tall // rows), int(column.max()) - first + 1
    cell = row // rows * shape[1] + column - first
    sums = np.bincount(cell, mean * weight, shape[0] * shape[1])
    weights = np.bincount(cell, weight, shape[0] * shape[1])
    means = np.divide(sums, weights, out=np.full(len(sums), np.nan), where=weights > 0)
    return Cells(means.reshape(shape), rows, length, first * length * MINUTE)


def duration(minutes: int) -> str:
    """Write a whole number of minutes as people say it."""
    for length, name in ((DAY, "day"), (60, "hour")):
        if minutes % length == 0:
            return count(minutes // length, name)
    return f"{minutes:,} min"
