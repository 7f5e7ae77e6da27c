"""When jobs had which status, as far as looks tell: between which two it began and ended."""

import os
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from trainview.history.layout import expect_history
from trainview.history.places import find_place
from trainview.history.versions import all_versions, read_looks
from trainview.schema import PANDAS_TEXT

_HOUR = pd.Timedelta(hours=1)
_TIMES = ["from_after", "from_before", "to_after", "to_before"]
_DTYPE = pd.DatetimeTZDtype("us", "UTC")
Times: TypeAlias = "pd.Series[pd.Timestamp]"


def status_intervals(dest: str | os.PathLike[str]) -> pd.DataFrame:
    """Tell between which two looks each status of each job began, and between which it ended.

    Parameters
    ----------
    dest : path or str
        What `record` wrote.

    Returns
    -------
    pandas.DataFrame
        One row a job and status, in the order in which they were seen: ``job_id``, ``status``,
        ``phase`` (str); the last look before it began, ``from_after`` (null where the first look
        saw it), and the first look at it, ``from_before``; the last look at it, ``to_after``, and
        the first one after it, ``to_before`` (null where it has not ended); all datetime in UTC.
        ``hours_low`` and ``hours_high`` (float64, h) are bounds of how long it was: the latter null
        where its beginning or its end was not seen. What vanishes from the API ends so too.

    Raises
    ------
    SourceError
        If nothing was recorded there, or it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import trainview as tv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = tv.record(folder, snapshots=[tv.sample(projects=3)])
    ...     seen = tv.status_intervals(folder)
    >>> seen["to_before"].isna().all()
    np.True_
    """
    place = find_place(dest)
    expect_history(place)
    looks = read_looks(place)
    times = looks.filter(pc.is_valid(looks["as_of"]))["seen_at"].to_pandas().astype(_DTYPE)
    columns = ["status", "phase", "created_at"]
    rows = all_versions(place, "jobs", columns).to_pandas()
    rows["seen_at"] = rows["seen_at"].astype(_DTYPE)
    runs = rows[_begins(rows)].reset_index(drop=True)
    runs["from_before"] = runs["seen_at"]
    runs["from_after"] = _before(times, runs["seen_at"])
    is_last = (runs["job_id"] != runs["job_id"].shift(-1)).to_numpy()
    following = runs["seen_at"].shift(-1)
    runs["to_before"] = following.mask(is_last)
    newest = times.max() if len(times) else pd.NaT
    last_seen = _before(times, following).mask(is_last, newest)
    # a look that died half-way saw it too
    runs["to_after"] = last_seen.where(last_seen > runs["from_before"], runs["from_before"])
    runs = runs[~runs["is_gone"]].reset_index(drop=True)
    runs["hours_low"] = (runs["to_after"] - runs["from_before"]) / _HOUR
    runs["hours_high"] = (runs["to_before"] - runs["from_after"]) / _HOUR
    text = dict.fromkeys(["job_id", "status", "phase"], PANDAS_TEXT)
    numbers = dict.fromkeys(["hours_low", "hours_high"], "float64")
    dtypes = text | dict.fromkeys(_TIMES, _DTYPE) | numbers
    return pd.DataFrame(
        {name: runs[name].astype(dtypes[name]) for name in [*text, *_TIMES, *numbers]}
    )


def _begins(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Tell where another status begins, another attempt under the id, or the job is gone."""
    names = ["job_id", "status", "created_at", "is_gone"]
    before = rows[names].shift()
    same = (rows[names] == before) | (rows[names].isna() & before.isna())
    return ~same.all(axis=1)


def _before(times: Times, moments: Times) -> Times:
    """Find the last look before each moment."""
    at = np.searchsorted(times.to_numpy(), moments.to_numpy(), side="left") - 1
    known = (at >= 0) & moments.notna().to_numpy()
    if not len(times):
        return pd.Series(pd.NaT, moments.index, dtype=_DTYPE)
    found = times.to_numpy()[np.where(known, at, 0)]
    return pd.Series(found, moments.index).astype(_DTYPE).where(known)
