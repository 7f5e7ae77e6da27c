"""One look, written: what is new or differs, and nothing else."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from trainview.history.bills import is_by_day
from trainview.history.layout import (
    ASKED,
    LOOKS,
    SEEN,
    file_name,
    mark_history,
    new_look_id,
    new_part,
    schema_of,
)
from trainview.history.places import Place, sweep_place, write_table
from trainview.history.versions import (
    COMPLETE,
    KEYS,
    differences,
    every_row,
    line_of,
    newest_rows,
    not_in,
    present,
    read_looks,
    state_at,
    state_of,
)
from trainview.schema import TIME
from trainview.statuses import OPEN_PHASES
from trainview.tables.dtypes import without_categories

_TICK = timedelta(microseconds=1)


class Look(NamedTuple):
    """A look that goes on.

    Attributes
    ----------
    place : Place
        Where it is written.
    look_id : str
        Its name.
    looked_at : datetime.datetime
        When it began, by the clock of this machine.
    as_of : datetime.datetime
        The moment that the answers describe.
    seen_at : datetime.datetime
        The same, but no other look's.
    parent_look_id, previous_look_at : str and datetime.datetime, or None
        The look before, in the time of the answers.
    line : pyarrow.Array
        The looks whose state this one is told beside.
    cut_at : datetime.datetime or None
        The moment of the first look of the line, where those before it were dropped.
    newest_at : datetime.datetime or None
        The moment of the newest look that was written before, which can be a later one.
    """

    place: Place
    look_id: str
    looked_at: datetime
    as_of: datetime
    seen_at: datetime
    parent_look_id: str | None
    previous_look_at: datetime | None
    line: pa.Array
    cut_at: datetime | None
    newest_at: datetime | None


class Differences(NamedTuple):
    """How many records of a table were new or differed, and how many were gone."""

    changed: int
    gone: int


def begin_look(place: Place, as_of: datetime, *, looked_at: datetime) -> Look:
    """Begin to write what the API said.

    Parameters
    ----------
    place : Place
        Where; made if it does not exist.
    as_of : datetime.datetime
        The moment that the answers describe.
    looked_at : datetime.datetime
        When they were asked for, by the clock of this machine.

    Returns
    -------
    Look
        For the functions below; `end_look` says that it is complete.

    Raises
    ------
    OutputError
        If nothing can be written there.
    SourceError
        If what was written before cannot be read.
    """
    mark_history(place)
    sweep_place(place)
    looks = read_looks(place)
    seen_at = _moment(looks, as_of)
    before = looks.filter(pc.less(looks["seen_at"], pa.scalar(seen_at, TIME)))
    last = before.slice(max(before.num_rows - 1, 0)).to_pylist()
    parent, moment = (last[0]["look_id"], last[0]["seen_at"]) if last else (None, None)
    line = line_of(looks, parent)
    return Look(
        place, new_look_id(looked_at), looked_at, as_of, seen_at, parent, moment, line,
        _cut_at(looks, line), pc.max(looks["seen_at"]).as_py(),
    )  # fmt: skip


def _cut_at(looks: pa.Table, line: pa.Array) -> datetime | None:
    """Find the look of a line whose parent is not there any more."""
    parents, ids = looks["parent_look_id"], looks["look_id"].combine_chunks()
    dropped = pc.and_(pc.is_valid(parents), pc.invert(pc.is_in(parents, value_set=ids)))
    first = looks.filter(pc.and_(dropped, pc.is_in(ids, value_set=line)))
    cut: datetime | None = pc.max(first["seen_at"]).as_py()
    return cut


def append_answer(
    look: Look,
    name: str,
    answer: pa.Table,
    *,
    scope: pa.Array | None = None,
    is_complete: bool = True,
    without: Iterable[str] = (),
) -> Differences:
    """Append what is new in a table or differs.

    Parameters
    ----------
    look : Look
        As `begin_look` gives it.
    name : str
        A name of `trainview.schema.TABLES`.
    answer : pyarrow.Table
        The table.
    scope : pyarrow.Array, optional
        The ids of the jobs, or projects, that the answer is about, for what is asked for each.
    is_complete : bool, optional
        Whether what it lacks is gone.
    without : iterable of str, optional
        Columns that are written as nulls.

    Returns
    -------
    Differences
        How many records are written.

    Raises
    ------
    OutputError
        If it cannot be written. What was written until then is valid: the next look writes the
        rest.
    """
    answer = _plain(answer, name, without)
    if name == "billing":
        return _append_bill(look, answer)
    if name in COMPLETE:
        state = state_of(look.place, name, look.line, jobs=scope, until=look.previous_look_at)
    else:
        state = state_at(look.place, name, look.seen_at, jobs=scope)
    if name == "jobs":
        answer = _keep_ends(answer, present(state))
    new, lost = differences(name, state, answer)
    if not is_complete:
        lost = lost.slice(0, 0)
    keys = list(KEYS[name])
    is_change = pc.invert(not_in(new.select(keys), state.select(keys)))
    rows = [
        _mark(look, name, new, is_change=is_change),
        _mark(look, name, lost, is_change=True, is_gone=True),
    ]
    _append(look, name, pa.concat_tables(rows))
    return Differences(new.num_rows, lost.num_rows)


def _append_bill(look: Look, bill: pa.Table) -> Differences:
    """Append what no look wrote yet; all rows of a bill that is not by the day belong together."""
    known = every_row(look.place, "billing", look.seen_at).select(bill.column_names)
    new = bill.filter(not_in(bill, known))
    if new.num_rows and not is_by_day(bill):
        new = bill
    _append(look, "billing", _mark(look, "billing", new))
    return Differences(new.num_rows, 0)


def append_asked(look: Look, table: str, jobs: pa.Table) -> None:
    """Note which jobs were asked about, and what their records were then.

    Parameters
    ----------
    look : Look
        As `begin_look` gives it.
    table : str
        What was asked for.
    jobs : pyarrow.Table
        Their rows of the table ``jobs``.
    """
    schema = schema_of(ASKED)
    jobs = jobs.cast(without_categories(jobs.schema))
    names = [field.name for field in schema if field not in SEEN and field.name != "table"]
    rows = jobs.select(names).append_column("table", pa.repeat(pa.scalar(table), jobs.num_rows))
    _append(look, ASKED, _mark(look, ASKED, rows))


def read_asked(look: Look, table: str) -> pa.Table:
    """Read which jobs were asked about, as `append_asked` noted it.

    Parameters
    ----------
    look : Look
        As `begin_look` gives it.
    table : str
        What was asked for.

    Returns
    -------
    pyarrow.Table
        The newest note of each job. Of a table whose state is that of a line of looks, what others
        asked, or one that died, does not count: their rows are not in that state.
    """
    rows = every_row(look.place, ASKED, look.seen_at)
    rows = rows.filter(pc.equal(rows["table"], table))
    if table in COMPLETE:
        counts = pc.is_in(rows["look_id"], value_set=look.line)
        if look.cut_at is not None:
            # of looks that compaction dropped, what it kept
            counts = pc.or_(counts, pc.less(rows["seen_at"], pa.scalar(look.cut_at, TIME)))
        rows = rows.filter(counts)
    return rows.take(pa.array(newest_rows(rows, ["job_id"]))) if rows.num_rows else rows


def end_look(
    look: Look, *, jobs: int, projects: int, changed: int, gone: int, failed_calls: int
) -> dict[str, Any]:
    """Say that a look came to its end: only now the moment can be read.

    Parameters
    ----------
    look : Look
        As `begin_look` gave it.
    jobs, projects, changed, gone, failed_calls : int
        What it found.

    Returns
    -------
    dict of str to object
        Its row in the table ``looks``.
    """
    row = {
        "look_id": look.look_id,
        "looked_at": look.looked_at,
        "as_of": look.as_of,
        "seen_at": look.seen_at,
        "parent_look_id": look.parent_look_id,
        "jobs": jobs,
        "projects": projects,
        "changed": changed,
        "gone": gone,
        "failed_calls": failed_calls,
    }
    write_table(look.place, file_name(LOOKS, look.seen_at, look.look_id), _look_table(row))
    return row


def note_failure(place: Place, *, looked_at: datetime) -> dict[str, Any]:
    """Note that a look failed.

    Parameters
    ----------
    place : Place
        Where.
    looked_at : datetime.datetime
        When it began, by the clock of this machine.

    Returns
    -------
    dict of str to object
        Its row in the table ``looks``.
    """
    mark_history(place)
    look_id = new_look_id(looked_at)
    row = {"look_id": look_id, "looked_at": looked_at, "failed_calls": 1}
    write_table(place, file_name(LOOKS, looked_at, look_id), _look_table(row))
    return {field.name: row.get(field.name) for field in schema_of(LOOKS)}


def _look_table(row: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([row], schema=schema_of(LOOKS))


def _moment(looks: pa.Table, as_of: datetime) -> datetime:
    """Place a look in time: of two that describe one moment, the later one comes after."""
    same = looks.filter(pc.equal(looks["as_of"], pa.scalar(as_of, TIME)))
    newest = pc.max(same["seen_at"]).as_py()
    return as_of.astimezone(UTC) if newest is None else newest + _TICK


def _mark(
    look: Look, name: str, rows: pa.Table, *, is_change: Any = False, is_gone: bool = False
) -> pa.Table:
    """Add what is written beside each record."""
    schema, number = schema_of(name), rows.num_rows
    values = {
        "look_id": look.look_id,
        "seen_at": look.seen_at,
        "previous_look_at": look.previous_look_at,
        "is_gone": is_gone,
        "is_change": is_change,
    }
    columns = {field.name: rows[field.name] for field in schema if field.name not in values}
    columns |= {
        field: value
        if isinstance(value, pa.Array)
        else pa.repeat(pa.scalar(value, schema.field(field).type), number)
        for field, value in values.items()
    }
    return pa.table({field.name: columns[field.name] for field in schema}).cast(schema)


def _append(look: Look, name: str, rows: pa.Table) -> None:
    if rows.num_rows:
        write_table(look.place, file_name(name, look.seen_at, new_part(look.look_id)), rows)


def _plain(table: pa.Table, name: str, without: Iterable[str]) -> pa.Table:
    plain = table.cast(without_categories(table.schema)).combine_chunks()
    dropped = set(without)
    for place, field in enumerate(plain.schema):
        if field.name in dropped and field.nullable:
            plain = plain.set_column(place, field, pa.nulls(plain.num_rows, field.type))
    fields = [field for field in schema_of(name) if field not in SEEN]
    return plain.select([field.name for field in fields]).cast(pa.schema(fields))


def _keep_ends(jobs: pa.Table, known: pa.Table) -> pa.Table:
    """Keep the end of a job that had ended already: the first look at it bounds it."""
    if not known.num_rows or not jobs.num_rows:
        return jobs
    row = pc.index_in(jobs["job_id"], value_set=known["job_id"].combine_chunks())
    old = known.select(["created_at", "end_at", "phase"]).take(row)
    over = [pc.invert(pc.is_in(one["phase"], pa.array(OPEN_PHASES))) for one in (jobs, old)]
    same = pc.and_(pc.and_(*over), pc.equal(old["created_at"], jobs["created_at"]))
    earlier = pc.and_(same, pc.less(old["end_at"], jobs["end_at"]))
    ends = pc.if_else(pc.fill_null(earlier, fill_value=False), old["end_at"], jobs["end_at"])
    return jobs.set_column(jobs.column_names.index("end_at"), jobs.field("end_at"), ends)
