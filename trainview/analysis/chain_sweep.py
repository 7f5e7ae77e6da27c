"""Chains of jobs in a pandas table: one sort, then sums along it."""

import numpy as np
import pandas as pd

from trainview.analysis.frames import Numbers
from trainview.analysis.grouping import number_groups
from trainview.analysis.times import US_PER_HOUR

# Rows of one chain are neighbours, so that sums of chains are sums of slices.
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


def sweep_chains(
    jobs: pd.DataFrame, same: list[str], within: float, loses: list[str]
) -> pd.DataFrame:
    """Put the jobs of a table into chains, as `trainview.analysis.chains` defines them.

    Parameters
    ----------
    jobs : pandas.DataFrame
        With ``job_id``, ``job_name``, ``status``, the columns `same`, ``__submitted``, ``__end``,
        ``__lost`` (microseconds) and ``__running_hours``.
    same : list of str
        What the jobs of a chain have alike.
    within : float
        The longest pause, in microseconds.
    loses : list of str
        Statuses in which work is lost.

    Returns
    -------
    pandas.DataFrame
        The jobs with ``chain_id``, ``attempt``, ``attempts``, ``outcome``, ``wall_hours``,
        ``running_hours``, ``lost_hours`` and ``ettr``; the order is that of the helper.
    """
    kind, _ = number_groups(jobs, same)
    submitted = jobs["__submitted"].to_numpy("float64")
    order = _order(jobs["job_id"], kind, submitted)
    kind, submitted = kind[order], submitted[order]
    end = jobs["__end"].to_numpy("float64")[order]
    status = pd.Categorical(jobs["status"].array[order])
    with np.errstate(invalid="ignore"):
        pause = submitted[1:] - end[:-1]
        goes_on = np.zeros(len(jobs), bool)
        goes_on[1:] = (kind[1:] == kind[:-1]) & (pause >= 0) & (pause <= within)
    known = status.codes >= 0
    completed = np.asarray(status == "completed")
    goes_on[1:] &= known[:-1] & ~completed[:-1]
    goes_on &= jobs["job_name"].notna().to_numpy()[order]
    begins = np.flatnonzero(~goes_on)
    lengths = np.diff(np.append(begins, len(jobs)))
    lasts = begins + lengths - 1
    lost = np.where(status.isin(loses), jobs["__lost"].to_numpy("float64")[order] / US_PER_HOUR, 0)
    wall = (
        np.fmax.reduceat(end, begins) - np.fmin.reduceat(submitted, begins) if len(begins) else end
    )
    wall = np.where(wall >= 0, wall / US_PER_HOUR, np.nan)
    running = _sum(jobs["__running_hours"].to_numpy("float64")[order], begins)
    gone = _sum(lost, begins)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(wall > 0, ((running - gone) / wall).clip(0, 1), np.nan)
    ids = jobs["job_id"].array[order[begins]]
    chains = pd.DataFrame(
        {
            "chain_id": ids, "attempts": lengths, "outcome": status.astype("str")[lasts],
            "wall_hours": wall, "running_hours": running, "lost_hours": gone, "ettr": ratio,
            "__last": submitted[lasts], "__begin": begins,
        }
    )  # fmt: skip
    chains = chains.sort_values(
        ["attempts", "__last", "chain_id"], ascending=[False, False, True], kind="stable"
    )
    row = np.repeat(np.arange(len(chains)), chains["attempts"].to_numpy())
    attempt = np.arange(len(jobs)) - np.repeat(
        np.cumsum(chains["attempts"].to_numpy()) - chains["attempts"].to_numpy(),
        chains["attempts"].to_numpy(),
    )
    place = order[chains["__begin"].to_numpy()[row] + attempt]
    found = jobs.take(place).reset_index(drop=True)
    values = {name: chains[name].array[row] for name in chains.columns if not name.startswith("__")}
    return found.assign(attempt=attempt + 1, **values)


def _order(job_id: "pd.Series[str]", kind: np.ndarray, submitted: Numbers) -> np.ndarray:
    """Sort by kind, submission and id; ids are compared only where the rest is equal."""
    order = np.lexsort((submitted, kind))
    tied = np.flatnonzero((np.diff(kind[order]) == 0) & (np.diff(submitted[order]) == 0))
    if not len(tied):
        return order
    rank = job_id.rank(method="dense").to_numpy()
    return np.lexsort((rank, submitted, kind))


def _sum(values: Numbers, begins: np.ndarray) -> Numbers:
    """Add the values of each chain up; null where one is."""
    return np.add.reduceat(values, begins) if len(begins) else values
