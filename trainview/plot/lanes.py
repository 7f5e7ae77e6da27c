"""Where the lanes of a Gantt chart lie: those of one project together, as high as its name."""

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from trainview.plot.names import points
from trainview.plot.results import Numbers

# Heights in inches: of a lane, where there are few and where there are many; of all lanes.
ROOMY, NARROW, TALL, TALLEST = 0.26, 0.03, 11.0, 36.0


class Blocks(NamedTuple):
    """Lanes, and what they have in common.

    Attributes
    ----------
    names : list of str
        Of each block, from above: the project, or the number of the lane.
    lanes : numpy.ndarray of int64
        How many lanes each has.
    row : numpy.ndarray of int64
        The lane of each job, counted from above.
    mixed : bool
        Whether lanes hold jobs of several projects; then each is a block of its own.
    """

    names: list[str]
    lanes: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    mixed: bool


class Lanes(NamedTuple):
    """Where lanes lie, in units that grow downwards.

    Attributes
    ----------
    top : numpy.ndarray of float64
        Upper edge of each.
    height : numpy.ndarray of float64
        Height of each; a block of few lanes is stretched until its name fits.
    edges : numpy.ndarray of float64
        Where blocks begin, and where the last ends.
    per_inch : float
        Units in an inch.
    """

    top: Numbers
    height: Numbers
    edges: Numbers
    per_inch: float


def gather(projects: Sequence[str], lane: Numbers) -> Blocks:
    """Join neighbouring lanes of one project.

    Parameters
    ----------
    projects : sequence of str
        Of each job.
    lane : numpy.ndarray of float64
        Of each job; numbers that are missing take no room.

    Returns
    -------
    Blocks
        In the order of the lanes.
    """
    numbered, row = np.unique(lane, return_inverse=True)
    pairs = pd.DataFrame({"row": row, "project": np.array(projects, dtype=object)})
    pairs = pairs.drop_duplicates().sort_values("row", kind="stable")
    if len(pairs) > len(numbered):
        names = [f"{number:.0f}" for number in numbered]
        return Blocks(names, np.ones(len(names), "int64"), row, mixed=True)
    project = pairs["project"].to_numpy()
    first = np.flatnonzero(np.append(True, project[1:] != project[:-1])[: len(project)])
    return Blocks(
        project[first].tolist(), np.diff(np.append(first, len(project))), row, mixed=False
    )


def label_height() -> float:
    """Give the height that the name of a block takes, in inches."""
    return points("ytick.labelsize") * 1.3 / 72


def wanted_height(blocks: Blocks) -> float:
    """Find a good height for all lanes, in inches."""
    if not len(blocks.lanes):
        return 1.0
    lane = min(max(TALL / blocks.lanes.sum(), NARROW), ROOMY)
    least = lane if blocks.mixed else max(lane, label_height())
    return min(max(float(np.maximum(blocks.lanes * lane, least).sum()), 1.0), TALLEST)


def lay_out(blocks: Blocks, height: float, lines: int = 0) -> Lanes:
    """Share a height out over lanes, so that each block can show its name, if that is possible.

    Parameters
    ----------
    blocks : Blocks
        At least one.
    height : float
        In inches.
    lines : int, optional
        Lines of text below the lanes.

    Returns
    -------
    Lanes
        Where each lies.
    """
    height = max(height - lines * label_height(), height / 2)
    for least in range(1, 1 if blocks.mixed else 20):
        tall = np.maximum(blocks.lanes, least).astype("float64")
        if least * height >= label_height() * tall.sum():
            break
    else:
        tall = blocks.lanes.astype("float64")
    edges = np.concatenate([[0.0], np.cumsum(tall)])
    each = np.repeat(tall / blocks.lanes, blocks.lanes)
    inside = np.arange(len(each)) - np.repeat(np.cumsum(blocks.lanes) - blocks.lanes, blocks.lanes)
    top = np.repeat(edges[:-1], blocks.lanes) + inside * each
    return Lanes(top, each, edges, edges[-1] / height)


def named_blocks(edges: Numbers, per_inch: float) -> list[int]:
    """Choose the blocks whose names do not run into each other: the tallest first."""
    middle = (edges[1:] + edges[:-1]) / 2
    gap = 0.98 * label_height() * per_inch
    taken: list[float] = []
    chosen = []
    for block in np.argsort(-np.diff(edges), kind="stable"):
        place = bisect_left(taken, middle[block])
        if all(abs(other - middle[block]) >= gap for other in taken[max(place - 1, 0) : place + 1]):
            insort(taken, middle[block])
            chosen.append(int(block))
    return sorted(chosen)
