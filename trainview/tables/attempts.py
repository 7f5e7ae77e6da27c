"""Several records of one job: attempts under one id, and when it was first seen to have ended."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trainview.reading.times import format_time
from trainview.schema import FLEET_TABLES, TIME
from trainview.statuses import UNKNOWN_PHASE, status_of
from trainview.tables.dtypes import conform, without_categories

# Between the id of a job and the moment at which an earlier attempt was submitted.
MARK = "@"
# Answers give one moment with more digits or fewer; attempts are further apart.
_ROUNDING_US = 1_000_000
_NEVER, _EVER = np.iinfo("int64").max, np.iinfo("int64").min
# The moment of a row, in tables that have several times.
_TIME_OF = {"queue": "submitted_at", "billing": "date", "logs": "timestamp", "metrics": "timestamp"}

Integers = npt.NDArray[np.int64]


def tell_apart(jobs: pa.StructArray) -> pa.StructArray:
    """Give the records of earlier attempts ids of their own, and ended jobs their first end.

    A job that was requeued under its id has a later ``created_at``. What its earlier attempt did is
    a fact like any other, so it becomes a job of its own, with ``@`` and the moment of its
    submission behind the id. What has ended does not end again: of several records that say so,
    the first bounds the end.

    Parameters
    ----------
    jobs : pyarrow.StructArray
        Records of one or several moments, in any order.

    Returns
    -------
    pyarrow.StructArray
        The same records, in the same order.
    """
    ids = pc.dictionary_encode(_get(jobs, "id"))
    if len(ids.dictionary) == len(jobs):
        return jobs
    named = _name_attempts(jobs, ids)
    return _bound_ends(named)


def link_attempts(fleet: dict[str, pa.Table], jobs: pa.Table) -> dict[str, pa.Table]:
    """Give the rows of earlier attempts in other tables the ids of these attempts.

    Parameters
    ----------
    fleet : dict of str to pyarrow.Table
        Tables by their names in `trainview.schema.FLEET_TABLES`, and others.
    jobs : pyarrow.Table
        The table ``jobs``.

    Returns
    -------
    dict of str to pyarrow.Table
        The same rows. Each belongs to the attempt that was the last one submitted at its time; a
        day of a bill to the last one submitted by its end; what has no time to the last of all.
    """
    attempts = _submitted(jobs)
    if not attempts:
        return fleet
    return {
        name: _to_attempts(name, table, attempts) if name in FLEET_TABLES else table
        for name, table in fleet.items()
    }


def _get(records: pa.StructArray, name: str) -> pa.Array:
    return pc.struct_field(records, [name])


def _us(times: Any) -> Integers:
    if isinstance(times, pa.ChunkedArray):
        times = times.combine_chunks()
    filled = pc.fill_null(pc.cast(times, pa.int64()), pa.scalar(_NEVER, pa.int64()))
    return np.array(filled.to_numpy(zero_copy_only=False), "int64")


def _with(records: pa.StructArray, changes: dict[str, pa.Array]) -> pa.StructArray:
    children = [
        changes.get(field.name, child)
        for field, child in zip(records.type, records.flatten(), strict=True)
    ]
    mask = records.is_null() if records.null_count else None
    return pa.StructArray.from_arrays(children, fields=list(records.type), mask=mask)


def _terminal(jobs: pa.StructArray) -> npt.NDArray[np.bool_]:
    """Tell which records say for sure that the job has ended."""
    status = pc.dictionary_encode(_get(jobs, "current_status"))
    known = [status_of(value) for value in status.dictionary.to_pylist()]
    over = [entry.terminal and entry.phase != UNKNOWN_PHASE for entry in known]
    found: npt.NDArray[np.bool_] = np.asarray(over, "bool")[status.indices.to_numpy()]
    return found


def _name_attempts(jobs: pa.StructArray, ids: pa.DictionaryArray) -> pa.StructArray:
    code = ids.indices.to_numpy()
    created, updated = _us(_get(jobs, "created_at")), _us(_get(jobs, "updated_at"))
    first = np.full(len(ids.dictionary), _NEVER)
    last = np.full(len(ids.dictionary), _EVER)
    np.minimum.at(first, code, created)
    np.maximum.at(last, code, created)
    several = np.flatnonzero(last - first >= _ROUNDING_US)
    names: dict[int, str] = {}
    seen: dict[int, int] = {}
    over = _terminal(jobs)
    for one in several:
        rows = np.flatnonzero(code == one)
        rows = rows[np.lexsort((updated[rows], created[rows]))]
        for attempt, following in _attempts(rows, created, updated):
            moment = format_time(_moment(created[attempt[0]]))
            name = f"{ids.dictionary[one].as_py()}{MARK}{moment}"
            names |= dict.fromkeys(attempt.tolist(), name)
            seen |= dict.fromkeys(attempt[~over[attempt]].tolist(), following)
    if not names:
        return jobs
    own_id, seen_at = _get(jobs, "id").to_pylist(), _us(_get(jobs, "trainview_seen_at"))
    for row, name in names.items():
        own_id[row] = name
    for row, following in seen.items():
        seen_at[row] = min(seen_at[row], following)
    changes = {
        "id": pa.array(own_id, pa.string()),
        "trainview_seen_at": pc.cast(pa.array(seen_at, mask=seen_at == _NEVER), TIME),
    }
    return _with(jobs, changes)


def _attempts(
    rows: Integers, created: Integers, updated: Integers
) -> Iterator[tuple[Integers, int]]:
    """Give the records of each attempt but the last, and when the following was submitted."""
    # times that contradict each other prove nothing
    rows = rows[updated[rows] >= created[rows]]
    begin = 0
    for place in range(1, len(rows)):
        submitted = int(created[rows[place]])
        apart = submitted - created[rows[begin]] >= _ROUNDING_US
        if apart and updated[rows[begin:place]].max() <= submitted:
            yield rows[begin:place], submitted
            begin = place


def _moment(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(us))


def _bound_ends(jobs: pa.StructArray) -> pa.StructArray:
    ids = pc.dictionary_encode(_get(jobs, "id"))
    code, size = ids.indices.to_numpy(), len(ids.dictionary)
    updated, over = _us(_get(jobs, "updated_at")), _terminal(jobs)
    last_open = np.full(size, _EVER)
    np.maximum.at(last_open, code[~over], updated[~over])
    # ended once, open again: only what came after that is its end
    ended = over & (updated >= last_open[code])
    end = np.minimum(updated, _us(_get(jobs, "trainview_ended_at")))
    first = np.full(size, _NEVER)
    np.minimum.at(first, code[ended], end[ended])
    bound = np.where(ended, first[code], _NEVER)
    known = ended & (bound < updated)
    return _with(jobs, {"trainview_ended_at": pc.cast(pa.array(bound, mask=~known), TIME)})


def _submitted(jobs: pa.Table) -> dict[str, list[tuple[int, str]]]:
    """List the attempts of each job that has several, by their submission."""
    job_id = jobs["job_id"]
    marked = pc.match_substring(job_id, MARK)
    if not pc.any(marked).as_py():
        return {}
    base = pc.list_element(pc.split_pattern(job_id, MARK), 0)
    several = pc.is_in(base, pc.unique(base.filter(marked)))
    found: dict[str, list[tuple[int, str]]] = {}
    columns = (base, job_id, jobs["created_at"])
    rows = [column.filter(several).to_pylist() for column in columns[:2]]
    for name, own, created in zip(*rows, _us(columns[2].filter(several)).tolist(), strict=True):
        found.setdefault(name, []).append((created, own))
    return {name: sorted(attempts) for name, attempts in found.items() if len(attempts) > 1}


def _to_attempts(
    name: str, table: pa.Table, attempts: dict[str, list[tuple[int, str]]]
) -> pa.Table:
    job_id = pc.cast(table["job_id"], pa.string()) if "job_id" in table.column_names else None
    if job_id is None:
        return table
    rows = np.flatnonzero(pc.is_in(job_id, pa.array(attempts)).to_numpy())
    if not len(rows):
        return table
    moments = _us(table[_TIME_OF.get(name, "created_at")].take(pa.array(rows)))
    if name == "billing":
        day = 24 * 3600 * 1_000_000
        moments = np.where(moments == _NEVER, _NEVER, moments + (day - 1))
    names = job_id.to_pylist()
    for row, moment in zip(rows.tolist(), moments.tolist(), strict=True):
        known = attempts[names[row]]
        earlier = [own for submitted, own in known if submitted <= moment]
        names[row] = earlier[-1] if earlier else known[0][1]
    plain = table.cast(without_categories(table.schema))
    place = plain.schema.get_field_index("job_id")
    renamed = plain.set_column(place, plain.schema.field(place), pa.array(names, pa.string()))
    return conform(renamed, FLEET_TABLES[name])
