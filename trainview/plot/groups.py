"""Groups that share a picture: the largest by name, the smallest as others, each with its look."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from trainview.plot.colours import OTHERS, OTHERS_HATCH, PALETTE, PLAIN, Look
from trainview.plot.results import Numbers
from trainview.text.safe import count

MOST = len(PALETTE)


class Groups(NamedTuple):
    """The groups of some rows, largest first.

    Attributes
    ----------
    rank : numpy.ndarray of int64
        The place of each row's group in the two lists.
    names : list of str
        Whole names; the last may be ``"3 others"``.
    looks : list of Look
        How each is drawn.
    """

    rank: npt.NDArray[np.int64]
    names: list[str]
    looks: list[Look]


def rank_groups(names: Sequence[str], amounts: Numbers) -> Groups:
    """Rank groups by the sum of their rows; of more than eight, the smallest become one.

    Parameters
    ----------
    names : sequence of str
        The group of each row.
    amounts : numpy.ndarray of float64
        What the row adds to it.

    Returns
    -------
    Groups
        Ranks, and so colours, do not depend on the order of the rows.
    """
    totals = pd.Series(amounts).groupby(list(names)).sum()
    ordered = totals.sort_index().sort_values(ascending=False, kind="stable").index.to_list()
    own = ordered if len(ordered) <= MOST else ordered[: MOST - 1]
    looks = [Look(colour) for colour in PALETTE[: len(own)]] if len(ordered) > 1 else [Look(PLAIN)]
    ranks = {name: min(rank, len(own)) for rank, name in enumerate(ordered)}
    rank = np.array([ranks[name] for name in names], "int64")
    if len(own) == len(ordered):
        return Groups(rank, own, looks)
    others = count(len(ordered) - len(own), "other")
    return Groups(rank, [*own, others], [*looks, Look(OTHERS, OTHERS_HATCH)])
