"""Checked records to the tidy tables (projects, jobs, instance types), and back.

Everything is computed column by column in Arrow.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trainview.reading.records import Records
from trainview.schema import INSTANCE_TYPES, JOB, JOBS, PROJECT, PROJECTS, TIME
from trainview.statuses import OPEN_PHASES, UNKNOWN_PHASE, Status, status_of
from trainview.tables.attempts import MARK, tell_apart
from trainview.tables.dtypes import conform
from trainview.tables.gpu_types import one_spelling
from trainview.tables.listed import listed_gpu_hours
from trainview.text.safe import count, safe_text

_MICROSECONDS_PER_HOUR = 3_600_000_000


class Tables(NamedTuple):
    """The three tables as Arrow tables, and what they say about themselves.

    Attributes
    ----------
    projects, jobs, instance_types : pyarrow.Table
        With the schemas of `trainview.schema`.
    as_of : datetime.datetime or None
        The moment the tables describe; None if there is no data and nothing says.
    latest_only : bool
        Whether the jobs are only the latest of each project.
    notes : tuple of str
        What a user should know about the data, one sentence each.
    """

    projects: pa.Table
    jobs: pa.Table
    instance_types: pa.Table
    as_of: datetime | None
    latest_only: bool
    notes: tuple[str, ...] = ()


def build_tables(
    parts: Sequence[Records], as_of: datetime | None = None, *, newest: datetime | None = None
) -> Tables:
    """Build the tables from records, which may come in several parts and from several moments.

    Parameters
    ----------
    parts : sequence of Records
        For example the list of projects and the list of all jobs, or snapshots of several days.
        Of each id the record with the newest ``updated_at`` is kept.
    as_of : datetime.datetime, optional
        The moment that all the records describe. When left out, each part keeps the moment that
        was saved with it, parts without one get the newest timestamp in them, and the tables
        describe the newest of these moments.
    newest : datetime.datetime, optional
        The newest timestamp in what was saved beside the records, without a moment of its own.

    Returns
    -------
    Tables
        The tables, and notes that count what is odd in the data.
    """
    notes: list[str] = []
    parts = [
        part._replace(
            projects=_newest(part.projects, notes, "project")[0],
            jobs=_newest(tell_apart(part.jobs), notes, "job")[0],
        )
        for part in parts
    ]
    moment = as_of
    if moment is None:
        parts, moment = _date(parts, newest)
    listed = _concat([part.projects for part in parts], PROJECT)
    latest = _get(listed, "latest_job")
    listing = _get(listed, "id").filter(latest.is_valid())
    latest = latest.drop_null()
    all_jobs = tell_apart(_concat([*(part.jobs for part in parts), latest], JOB))
    jobs, job_row = _newest(all_jobs)
    is_latest = np.zeros(len(jobs), dtype=bool)
    rows = job_row[len(all_jobs) - len(latest) :]
    # a project that lists a job which is another's by now has no say
    own = pc.equal(_get(jobs, "training_project_id").take(pa.array(rows)), listing)
    is_latest[rows[own.to_numpy(zero_copy_only=False)]] = True

    projects = listed if len(parts) == 1 else _newest(listed)[0]
    projects, project_row = _with_unlisted(_project_columns(projects), jobs)
    of_project = projects.select(["project_name", "team_name"]).take(project_row)
    job_table = _job_table(jobs, of_project, moment, notes)
    latest_row = _latest_rows(project_row, jobs, is_latest, projects.num_rows)
    return Tables(
        projects=_project_table(projects, job_table, latest_row),
        jobs=job_table,
        instance_types=_instance_type_table(job_table),
        as_of=moment,
        latest_only=all(part.latest_only for part in parts),
        notes=tuple(notes),
    )


def to_records(tables: Tables) -> Records:
    """Turn tables back into the API's records: the inverse of `build_tables`.

    Parameters
    ----------
    tables : Tables
        The tables of a snapshot.

    Returns
    -------
    Records
        From which `build_tables` makes equal tables.
    """
    jobs = _job_records(tables)
    # a project that is only known through its jobs has no record of its own
    listed = tables.projects.filter(pc.is_valid(tables.projects["created_at"])).combine_chunks()
    row = pc.index_in(listed["latest_job_id"], tables.jobs["job_id"].combine_chunks())
    projects = _struct(
        PROJECT,
        id=listed["project_id"],
        name=listed["project_name"],
        created_at=listed["created_at"],
        updated_at=listed["updated_at"],
        team_name=pc.cast(listed["team_name"], pa.string()),
        latest_job=jobs.take(row.combine_chunks()),
    )
    return Records(projects, jobs, tables.as_of, tables.latest_only)


def newest_time(part: Records) -> datetime | None:
    """Find the newest timestamp in a part.

    Parameters
    ----------
    part : Records
        Checked records.

    Returns
    -------
    datetime.datetime or None
        The newest of all ``created_at`` and ``updated_at``; None if there are no records.
    """
    times = [
        pc.max(_get(records, name)).as_py()
        for records in (part.projects, part.jobs, _get(part.projects, "latest_job"))
        for name in ("created_at", "updated_at")
    ]
    return max((time for time in times if time is not None), default=None)


def _date(
    parts: Sequence[Records], newest: datetime | None
) -> tuple[list[Records], datetime | None]:
    undated = [newest_time(part) for part in parts if part.as_of is None]
    newest = max((time for time in (*undated, newest) if time is not None), default=None)
    moments = [part.as_of or newest for part in parts]
    known = moments if parts else [newest]
    moment = max((time for time in known if time is not None), default=None)
    oldest_first = sorted(
        zip(parts, moments, strict=True),
        key=lambda pair: pair[1] or datetime.min.replace(tzinfo=UTC),
    )
    dated = [part if time == moment else _mark_seen(part, time) for part, time in oldest_first]
    return dated, moment


def _mark_seen(part: Records, moment: datetime | None) -> Records:
    def mark(jobs: pa.StructArray) -> pa.StructArray:
        seen = pc.coalesce(_get(jobs, "trainview_seen_at"), pa.scalar(moment, TIME))
        return _replace(jobs, "trainview_seen_at", seen)

    latest = mark(_get(part.projects, "latest_job"))
    return part._replace(
        projects=_replace(part.projects, "latest_job", latest), jobs=mark(part.jobs)
    )


def _replace(records: pa.StructArray, name: str, column: pa.Array) -> pa.StructArray:
    children = [
        column if field.name == name else child
        for field, child in zip(records.type, records.flatten(), strict=True)
    ]
    mask = records.is_null() if records.null_count else None
    return pa.StructArray.from_arrays(children, fields=list(records.type), mask=mask)


def _concat(arrays: Iterable[pa.Array], kind: pa.DataType) -> pa.StructArray:
    filled = [array for array in arrays if len(array)]
    if len(filled) == 1:
        return filled[0]
    return pa.concat_arrays(filled) if filled else pa.array([], kind)


def _get(records: pa.StructArray, *path: str) -> pa.Array:
    return pc.struct_field(records, list(path))


def _newest(
    records: pa.StructArray, notes: list[str] | None = None, what: str = ""
) -> tuple[pa.StructArray, Any]:
    """Keep one record an id, the one updated last; tell where each record's id now stands."""
    ids = pc.dictionary_encode(_get(records, "id"))
    row = ids.indices.to_numpy()
    surplus = len(records) - len(ids.dictionary)
    if not surplus:
        return records, row
    if notes is not None:
        surplus_ids = count(surplus, f"duplicate {what} id")
        notes.append(f"{surplus_ids}: the newest record of each is kept")
    return records.take(_last_rows(ids, _get(records, "updated_at"))), row


def _last_rows(keys: pa.DictionaryArray, times: pa.Array) -> pa.Array:
    """Find the row with the latest time for each key, in the order of the keys' dictionary."""
    order = pc.sort_indices(times).to_numpy()
    last = np.empty(len(keys.dictionary), dtype=np.int64)
    # of several values for one place numpy keeps the last one, here the latest
    last[keys.indices.to_numpy()[order]] = order
    return pa.array(last)


def _project_columns(projects: pa.StructArray) -> pa.Table:
    return pa.table(
        {
            "project_id": _get(projects, "id"),
            "project_name": _get(projects, "name"),
            "team_name": _get(projects, "team_name"),
            "created_at": _get(projects, "created_at"),
            "updated_at": _get(projects, "updated_at"),
        }
    )


def _with_unlisted(projects: pa.Table, jobs: pa.StructArray) -> tuple[pa.Table, pa.Array]:
    """Add the projects that only their jobs speak of; tell which row is each job's project."""
    project_id = _get(jobs, "training_project_id")
    row = pc.index_in(project_id, projects["project_id"].chunk(0))
    if not row.null_count:
        return projects, row
    unlisted = jobs.filter(row.is_null())
    keys = pc.dictionary_encode(_get(unlisted, "training_project_id"))
    names = _get(unlisted, "training_project", "name")
    newest = _last_rows(keys, _get(unlisted, "updated_at"))
    added = pa.table({"project_id": keys.dictionary, "project_name": names.take(newest)})
    projects = pa.concat_tables([projects, added], promote_options="default").combine_chunks()
    return projects, pc.index_in(project_id, projects["project_id"].chunk(0))


def _latest_rows(
    project_row: pa.Array, jobs: pa.StructArray, is_latest: Any, projects: int
) -> pa.Array:
    """Find each project's most recently created job.

    The API's own word breaks a tie, then the id, so that the order of the records has no say.
    """
    project = project_row.to_numpy()
    created = pc.cast(_get(jobs, "created_at"), pa.int64()).to_numpy()
    order = np.lexsort((is_latest, created))
    latest = np.full(projects, -1)
    latest[project[order]] = order
    first = latest[project]
    tied = np.flatnonzero((created == created[first]) & (is_latest == is_latest[first]))
    tied = tied[pc.sort_indices(_get(jobs, "id").take(pa.array(tied))).to_numpy()]
    latest[project[tied]] = tied
    return pa.array(latest, mask=latest < 0)


def _job_table(
    jobs: pa.StructArray, of_project: pa.Table, as_of: datetime | None, notes: list[str]
) -> pa.Table:
    get = partial(_get, jobs)
    status = pc.dictionary_encode(get("current_status"))
    known = [status_of(value) for value in status.dictionary.to_pylist()]
    _note_unknown(known, notes)

    def per_status(values: list[Any], kind: pa.DataType) -> pa.Array:
        return pc.take(pa.array(values, kind), status.indices)

    not_ended = per_status([not entry.terminal for entry in known], pa.bool_())
    now = pc.coalesce(get("trainview_seen_at"), pa.scalar(as_of, TIME))
    ended_at = pc.coalesce(get("trainview_ended_at"), get("updated_at"))
    end_at = pc.if_else(not_ended, now, ended_at)
    _note_attempts(get("id"), pc.and_not(pc.less(end_at, get("updated_at")), not_ended), notes)
    vanished = pc.and_(not_ended, pc.less(now, pa.scalar(as_of, TIME)))
    _note_vanished(vanished, notes)
    elapsed_hours = _elapsed_hours(get("created_at"), get("updated_at"), end_at, now, notes)
    node_count = pc.coalesce(get("node_count"), pa.scalar(1, pa.int64()))
    gpus = pc.multiply(get("instance_type", "gpu_count"), node_count)
    columns = {
        "job_id": get("id"),
        "job_name": get("name"),
        "project_id": get("training_project_id"),
        "project_name": of_project["project_name"],
        "team_name": of_project["team_name"],
        "current_status": get("current_status"),
        "status": per_status([entry.label for entry in known], pa.string()),
        "phase": per_status([entry.phase for entry in known], pa.string()),
        "error_message": get("error_message"),
        "created_at": get("created_at"),
        "updated_at": get("updated_at"),
        "end_at": end_at,
        "is_open": pc.and_not(not_ended, vanished),
        "elapsed_hours": elapsed_hours,
        "instance_type_id": get("instance_type", "id"),
        "instance_type": get("instance_type", "name"),
        "gpu_type": one_spelling(get("instance_type", "gpu_type")),
        "gpu_count": get("instance_type", "gpu_count"),
        "node_count": node_count,
        "gpus": gpus,
        "gpu_hours": listed_gpu_hours(status, gpus, elapsed_hours),
        "gpu_memory_limit_mib": get("instance_type", "gpu_memory_limit_mib"),
        "memory_limit_mib": get("instance_type", "memory_limit_mib"),
        "millicpu_limit": get("instance_type", "millicpu_limit"),
        # the vendor's own defaults
        "priority": pc.coalesce(get("priority"), pa.scalar(0, pa.int64())),
        "availability_model": pc.coalesce(get("availability_model"), pa.scalar("dedicated")),
        "user_email": get("user", "email"),
        "checkpoint_sync_status": get("checkpoint_sync_status"),
    }
    return conform(columns, JOBS)


def _note_unknown(known: list[Status], notes: list[str]) -> None:
    unknown = sorted(status.api for status in known if status.phase == UNKNOWN_PHASE)
    if unknown:
        shown = ", ".join(safe_text(value, 60) for value in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        notes.append(f"job statuses that trainview does not know, kept as they are: {shown}{more}")


def _note_vanished(vanished: pa.Array, notes: list[str]) -> None:
    number = pc.sum(vanished).as_py() or 0
    if number:
        notes.append(
            f"{count(number, 'job')} that had not ended and then vanished from the API: "
            "counted up to when last seen, not as open"
        )


def _note_attempts(job_id: pa.Array, touched: pa.Array, notes: list[str]) -> None:
    number = pc.sum(touched).as_py() or 0
    if number:
        notes.append(
            f"{count(number, 'ended job')} with a record that changed later: "
            "the end is the first one that was seen"
        )
    attempts = pc.sum(pc.match_substring(job_id, MARK)).as_py() or 0
    if attempts:
        notes.append(
            f"{count(attempts, 'earlier attempt')} of jobs that were requeued under the same id: "
            "jobs of their own, with @ and their submission behind the id"
        )


def _elapsed_hours(
    created_at: pa.Array, updated_at: pa.Array, end_at: pa.Array, now: Any, notes: list[str]
) -> pa.Array:
    contradictory = pc.or_(
        pc.less(updated_at, created_at),
        pc.or_(pc.greater(created_at, now), pc.greater(updated_at, now)),
    )
    odd = pc.sum(contradictory).as_py() or 0
    if odd:
        notes.append(
            f"{count(odd, 'job')} with inconsistent timestamps "
            "(updated before created, or after as_of): elapsed_hours is null"
        )
    microseconds = pc.subtract(pc.cast(end_at, pa.int64()), pc.cast(created_at, pa.int64()))
    hours = pc.divide(_to_float(microseconds), float(_MICROSECONDS_PER_HOUR))
    return pc.if_else(contradictory, pa.scalar(None, pa.float64()), hours)


def _to_float(integers: pa.Array) -> pa.Array:
    return pc.cast(integers, pa.float64(), safe=False)


def _project_table(projects: pa.Table, jobs: pa.Table, latest_row: pa.Array) -> pa.Table:
    columns = dict(zip(projects.column_names, projects.columns, strict=True)) | {
        "latest_job_id": jobs["job_id"].take(latest_row),
        "latest_job_status": jobs["status"].take(latest_row),
    }
    return conform(columns, PROJECTS)


def _instance_type_table(jobs: pa.Table) -> pa.Table:
    if not jobs.num_rows:
        return INSTANCE_TYPES.empty_table()
    jobs = jobs.combine_chunks()
    ids = jobs["instance_type_id"].chunk(0)
    rows = _last_rows(ids, jobs["updated_at"].chunk(0))
    by_name = rows.take(pc.sort_indices(ids.dictionary))
    return conform(jobs.select(INSTANCE_TYPES.names).take(by_name), INSTANCE_TYPES)


def _job_records(tables: Tables) -> pa.StructArray:
    jobs = tables.jobs.combine_chunks()
    instance_type = _struct(
        JOB.field("instance_type").type,
        id=jobs["instance_type_id"],
        name=jobs["instance_type"],
        memory_limit_mib=jobs["memory_limit_mib"],
        millicpu_limit=jobs["millicpu_limit"],
        gpu_count=jobs["gpu_count"],
        gpu_type=jobs["gpu_type"],
        gpu_memory_limit_mib=jobs["gpu_memory_limit_mib"],
    )
    project = _struct(
        JOB.field("training_project").type, id=jobs["project_id"], name=jobs["project_name"]
    )
    not_ended = pc.is_in(pc.cast(jobs["phase"], pa.string()), pa.array(OPEN_PHASES))
    seen_earlier = pc.and_(not_ended, pc.not_equal(jobs["end_at"], pa.scalar(tables.as_of, TIME)))
    end_known = pc.and_not(pc.less(jobs["end_at"], jobs["updated_at"]), not_ended)
    return _struct(
        JOB,
        id=jobs["job_id"],
        created_at=jobs["created_at"],
        current_status=jobs["current_status"],
        error_message=jobs["error_message"],
        instance_type=instance_type,
        updated_at=jobs["updated_at"],
        training_project_id=jobs["project_id"],
        training_project=project,
        name=jobs["job_name"],
        checkpoint_sync_status=jobs["checkpoint_sync_status"],
        priority=jobs["priority"],
        availability_model=jobs["availability_model"],
        user=_struct(JOB.field("user").type, email=jobs["user_email"]),
        node_count=jobs["node_count"],
        trainview_seen_at=pc.if_else(seen_earlier, jobs["end_at"], pa.scalar(None, TIME)),
        trainview_ended_at=pc.if_else(end_known, jobs["end_at"], pa.scalar(None, TIME)),
    )


def _struct(kind: pa.StructType, **columns: Any) -> pa.StructArray:
    arrays = []
    for field in kind:
        column = columns[field.name]
        if isinstance(column, pa.ChunkedArray):
            column = pc.cast(column, field.type).combine_chunks()
        arrays.append(column)
    return pa.StructArray.from_arrays(arrays, fields=list(kind))
