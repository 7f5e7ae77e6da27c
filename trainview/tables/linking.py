"""What one table knows about the rows of another: the teams of bills and queues, ended waits."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trainview.schema import TABLES
from trainview.statuses import OPEN_PHASES, UNKNOWN_PHASE
from trainview.tables.dtypes import conform, without_categories

_US_PER_HOUR = 3_600_000_000
# What the queue is told of its jobs.
_OF_QUEUE = ["project_name", "team_name", "phase", "is_open", "updated_at", "end_at"]


def link(fleet: dict[str, pa.Table], jobs: pa.Table, projects: pa.Table) -> dict[str, pa.Table]:
    """Link the queue and the bill, if they are there.

    Parameters
    ----------
    fleet : dict of str to pyarrow.Table
        By their names in `trainview.schema.FLEET_TABLES`.
    jobs, projects : pyarrow.Table
        The tables of these names.

    Returns
    -------
    dict of str to pyarrow.Table
        The same tables, with the queue as `link_queue` and the bill as `link_billing` give it.
    """
    linked = dict(fleet)
    if "queue" in fleet:
        linked["queue"] = link_queue(fleet["queue"], jobs)
    if "billing" in fleet:
        linked["billing"] = link_billing(fleet["billing"], jobs, projects)
    return linked


def link_queue(queue: pa.Table, jobs: pa.Table) -> pa.Table:
    """Tell the queue what its jobs are, and which of them wait no more.

    Parameters
    ----------
    queue, jobs : pyarrow.Table
        The tables of these names.

    Returns
    -------
    pyarrow.Table
        The queue with ``project_name`` and ``team_name``. A job that has ended waited no longer
        than to its end, one that starts or runs no longer than to the last change of its record;
        neither waits any more, nor does one that has vanished.
    """
    if not queue.num_rows:
        return queue
    plain, of_job = _plain(queue), _rows_of(jobs, queue["job_id"], "job_id", _OF_QUEUE)
    known, phase = pc.is_valid(of_job["job_id"]), of_job["phase"]
    unreleased = pc.is_null(plain["released_at"])
    waits_on = pc.is_in(phase, pa.array(["waiting", UNKNOWN_PHASE]))
    over = pc.and_(pc.and_(known, pc.invert(waits_on)), unreleased)
    holds = pc.is_in(phase, pa.array(OPEN_PHASES))
    last = pc.if_else(holds, of_job["updated_at"], of_job["end_at"])
    cut = pc.and_(over, pc.less(last, plain["observed_until"]))
    cut = pc.fill_null(cut, fill_value=False)
    until = pc.if_else(cut, last, plain["observed_until"])
    waited = pc.subtract(_us(until), _us(plain["submitted_at"]))
    exact = pc.max_element_wise(waited, 0)
    hours = pc.divide(pc.cast(exact, pa.float64(), safe=False), float(_US_PER_HOUR))
    unknown = pc.equal(phase, UNKNOWN_PHASE)
    may_wait = pc.or_(unknown, pc.and_(of_job["is_open"], pc.equal(phase, "waiting")))
    changes = {
        "project_name": pc.if_else(known, of_job["project_name"], plain["project_name"]),
        "team_name": pc.if_else(known, of_job["team_name"], plain["team_name"]),
        "observed_until": until,
        "waited_hours": pc.if_else(cut, hours, plain["waited_hours"]),
        "is_waiting": pc.and_(plain["is_waiting"], pc.fill_null(may_wait, fill_value=True)),
    }
    return _with(plain, changes, "queue")


def link_billing(billing: pa.Table, jobs: pa.Table, projects: pa.Table) -> pa.Table:
    """Tell a bill the teams of its jobs.

    Parameters
    ----------
    billing, jobs, projects : pyarrow.Table
        The tables of these names.

    Returns
    -------
    pyarrow.Table
        The bill with ``team_name``: its own, else that of the job, else of the project of that
        name, where there is only one; null where none of them tells.
    """
    if not billing.num_rows:
        return billing
    plain = _plain(billing)
    of_job = _rows_of(jobs, billing["job_id"], "job_id", ["team_name"])["team_name"]
    # not by grouping the table, for which Arrow loads its engine for queries
    found = pc.value_counts(projects["project_name"])
    single = found.filter(pc.equal(found.field("counts"), 1)).field("values")
    names = projects.filter(pc.is_in(projects["project_name"], single))
    of_project = _rows_of(names, plain["project_name"], "project_name", ["team_name"])["team_name"]
    # what is no job's names something else than a training project
    of_project = pc.if_else(pc.is_valid(plain["job_id"]), of_project, pa.scalar(None, pa.string()))
    team_name = pc.coalesce(plain["team_name"], of_job, of_project)
    return _with(plain, {"team_name": team_name}, "billing")


def _plain(table: pa.Table) -> pa.Table:
    return table.cast(without_categories(table.schema)).combine_chunks()


def _rows_of(table: pa.Table, wanted: Any, key: str, names: Sequence[str]) -> pa.Table:
    """Take some columns of the row of each wanted key; nulls where there is none."""
    plain = _plain(table.select([key, *names]))
    keys = plain[key].combine_chunks()
    return plain.take(pc.index_in(wanted.combine_chunks(), keys, skip_nulls=True))


def _us(times: Any) -> Any:
    return pc.cast(times, pa.int64())


def _with(table: pa.Table, changes: dict[str, Any], name: str) -> pa.Table:
    columns = dict(zip(table.column_names, table.columns, strict=True)) | changes
    return conform(columns, TABLES[name])
