"""When jobs had which status, as far as looks tell: between which two it began and ended."""

import os
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trainview.history.layout import expect_history
from trainview.history.places import find_place
from trainview.history.versions import all_versions, read_looks
from trainview.schema import PANDAS_TEXT, TIME

_US_PER_HOUR = 3_600_000_000
_SAID = ("status", "phase", "created_at")
_TIMES = ["from_after", "from_before", "to_after", "to_before"]

# What a look says of a job: its status, phase and submission.
Said: TypeAlias = tuple[str, str, int]


class _Interval(NamedTuple):
    job_id: str
    status: str
    phase: str
    from_after: int | None
    from_before: int
    to_after: int
    to_before: int | None


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
    looks = looks.filter(pc.is_valid(looks["seen_at"]))
    found = sorted(
        _intervals(looks, _by_look(all_versions(place, "jobs", list(_SAID)))),
        key=lambda one: one[:1] + one[4:5],
    )
    rows = pd.DataFrame(found, columns=list(_Interval._fields))
    low = (rows["to_after"] - rows["from_before"]) / _US_PER_HOUR
    high = (rows["to_before"] - rows["from_after"]) / _US_PER_HOUR
    times = {
        name: pa.array(rows[name], pa.int64(), from_pandas=True).cast(TIME).to_pandas()
        for name in _TIMES
    }
    rows = rows.assign(**times, hours_low=low, hours_high=high)
    text = dict.fromkeys(["job_id", "status", "phase"], PANDAS_TEXT)
    return rows.astype({**text, "hours_low": "float64", "hours_high": "float64"})


def _by_look(versions: pa.Table) -> dict[str, dict[str, Said | None]]:
    """Sort what looks say by look; None of a job that is gone."""
    names = ["look_id", "job_id", *_SAID, "is_gone"]
    columns = [
        (versions[name].cast(pa.int64()) if name == "created_at" else versions[name]).to_pylist()
        for name in names
    ]
    found: dict[str, dict[str, Said | None]] = defaultdict(dict)
    for look_id, job_id, *said, is_gone in zip(*columns, strict=True):
        found[look_id][job_id] = None if is_gone else tuple(said)
    return found


def _intervals(looks: pa.Table, told: dict[str, dict[str, Said | None]]) -> Iterator[_Interval]:
    """Go from look to look in time, and give what ends; then what has not ended."""
    names = ("look_id", "parent_look_id", "seen_at")
    rows = list(zip(*(looks[name].to_pylist() for name in names[:2]),
                    looks["seen_at"].cast(pa.int64()).to_pylist(), strict=True))  # fmt: skip
    branches = {
        parent for (_, parent, _), (before, _, _) in zip(rows[1:], rows, strict=False)
        if parent != before
    }  # fmt: skip
    states: dict[str | None, dict[str, Said]] = {None: {}}
    state: dict[str, Said] = {}
    begun: dict[str, tuple[int | None, int]] = {}
    before: tuple[Any, int | None] = (None, None)
    for look_id, parent, moment in rows:
        changes = told.get(look_id, {})
        if parent != before[0]:
            # written beside another state than that of the look before it in time
            whole = _with(dict(states.get(parent, {})), changes)
            changes = dict.fromkeys(state) | whole
        for job_id, said in changes.items():
            if said == state.get(job_id):
                continue
            if job_id in state:
                yield _Interval(job_id, *state[job_id][:2], *begun[job_id], before[1] or 0, moment)
            begun[job_id] = (before[1], moment)
        state = _with(state, changes)
        if look_id in branches:
            states[look_id] = dict(state)
        before = (look_id, moment)
    for job_id, said in state.items():
        yield _Interval(job_id, *said[:2], *begun[job_id], before[1] or 0, None)


def _with(state: dict[str, Said], changes: dict[str, Said | None]) -> dict[str, Said]:
    """Give the state behind changes; the one before is used up."""
    for job_id, said in changes.items():
        if said is None:
            state.pop(job_id, None)
        else:
            state[job_id] = said
    return state
