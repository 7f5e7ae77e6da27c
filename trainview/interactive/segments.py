"""The lives of jobs as parts without a gap, each called what it is known to be."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from trainview.analysis.goodput import LOSES
from trainview.snapshot.story.segments import PARTS

__all__ = ["PARTS", "cut_jobs"]

_KIND = {name: number for number, name in enumerate(PARTS)}


def cut_jobs(
    job_id: "pd.Series[str]", phases: pd.DataFrame, lost: pd.DataFrame
) -> npt.NDArray[Any]:
    """Cut the time of each job from submission to its end.

    Parameters
    ----------
    job_id : pandas.Series of str
        The jobs.
    phases : pandas.DataFrame
        Of `job_phases`.
    lost : pandas.DataFrame
        Of `lost_work`.

    Returns
    -------
    numpy.ndarray
        A record a part, in the order of the jobs and of their lives: ``job`` (its place in
        `job_id`), ``kind`` (in `PARTS`), ``until`` (seconds from submission). The parts are those
        of the story of one job; none where times contradict.
    """
    known = phases.drop_duplicates("job_id").set_index("job_id").reindex(job_id)
    begin = _seconds(known["submitted_at"])
    end, released, started = (
        _seconds(known[name]) - begin for name in ("ended_at", "released_at", "started_at")
    )
    is_released, has_started = ~np.isnan(released), ~np.isnan(started)
    has_not_run = ~has_started & (known["running_hours"] == 0).to_numpy("bool")
    did_not_deploy = (known["deploying_hours"] == 0).to_numpy("bool")
    first = np.select(
        [is_released, has_not_run & did_not_deploy, has_not_run | has_started],
        [_KIND["waiting"], _KIND["waiting"], _KIND["waiting or deploying"]],
        _KIND["not known"],
    )
    second = np.where(has_started | has_not_run, _KIND["deploying"], _KIND["deploying or running"])
    cuts = [
        (np.zeros(len(begin)), first),
        (released, second),
        (started, np.full(len(begin), _KIND["running"])),
    ]
    latest = np.fmax.reduce([at for at, _ in cuts])
    since = _lost_since(job_id, lost) - begin
    cuts.append((np.where(since >= latest, since, np.nan), np.full(len(begin), _KIND["lost"])))
    # a part ends where the next that there is begins
    rows, following = [], end
    for at, kind in reversed(cuts):
        is_there = ~np.isnan(at)
        found = np.flatnonzero(is_there & (following > at))
        row = np.zeros(len(found), [("job", "int64"), ("kind", "int8"), ("until", "float64")])
        row["job"], row["kind"], row["until"] = found, kind[found], following[found]
        rows.append(row)
        following = np.where(is_there, at, following)
    parts = np.concatenate(rows[::-1])
    return parts[np.argsort(parts["job"], kind="stable")]


def _lost_since(job_id: "pd.Series[str]", lost: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Tell when what a job lost begins; nan where it lost nothing, or nobody knows."""
    counts = lost[lost["kind"].isin(LOSES) & lost["lost_hours"].notna()]
    of_jobs = counts.drop_duplicates("job_id").set_index("job_id").reindex(job_id)
    moments = [_seconds(of_jobs[name]) for name in ("last_checkpoint_at", "started_at")]
    return np.asarray(np.fmax(*moments), "float64")


def _seconds(times: "pd.Series[Any]") -> npt.NDArray[np.float64]:
    found = times.astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
    return np.where(times.isna(), np.nan, found)
