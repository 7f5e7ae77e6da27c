"""The records of a table as they were at a moment, and how a newer answer differs from them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trainview.errors import SourceError
from trainview.history.layout import ASKED, LOOKS, SEEN, current_groups, live_files, schema_of
from trainview.history.places import Place, with_parquet
from trainview.schema import FLEET_KEYS, TIME

KEYS: dict[str, tuple[str, ...]] = {
    "projects": ("project_id",),
    "jobs": ("job_id",),
    ASKED: ("job_id", "table"),
    **FLEET_KEYS,
}
# They follow from other columns and the moment, or are the moment: a job, or a file, does not
# change because time goes by.
DERIVED = {
    "projects": {"latest_job_status"},
    "jobs": {"end_at", "is_open", "elapsed_hours", "gpu_hours"},
    "caches": {"captured_at"},
}
# An answer about these is complete: what it lacks is gone. Of the others the API forgets the old.
COMPLETE = {"projects", "jobs", "prices", "capacity", "checkpoints", "caches"}
# What happened at a moment, or was measured, hardly ever changes.
FACTS = {"status_events", "metrics", "logs"}
_RETRIES = 10
_SEEN_NAMES = [field.name for field in SEEN]


def read_looks(place: Place) -> pa.Table:
    """Read the looks that were made, the failed ones too, by time.

    Parameters
    ----------
    place : Place
        A history.

    Returns
    -------
    pyarrow.Table
        The table ``looks``; each look once.
    """
    looks = _read(place, LOOKS, None)
    first = looks.append_column("row", pa.array(np.arange(looks.num_rows)))
    rows = first.group_by("look_id", use_threads=False).aggregate([("row", "min")])["row_min"]
    return looks.take(rows).sort_by([("seen_at", "ascending"), ("look_id", "ascending")])


def line_of(looks: pa.Table, look_id: str | None) -> pa.Array:
    """List a look and those that it was written after, each beside the one before.

    Two recorders at once write two lines, and a look that comes late, with a clock that jumped or
    out of a file, begins one: each is whole by itself.

    Parameters
    ----------
    looks : pyarrow.Table
        As `read_looks` gives it.
    look_id : str or None
        The last look of the line; None for a line without any.

    Returns
    -------
    pyarrow.StringArray
        Their ids.
    """
    ids = looks["look_id"].combine_chunks()
    parents = pc.index_in(looks["parent_look_id"], value_set=ids)
    parent = pc.fill_null(parents, -1).to_numpy()
    # mostly each look was written after the one before it: what breaks that ends a stretch
    breaks = np.union1d(np.flatnonzero(parent != np.arange(len(ids)) - 1), [0])
    position = -1 if look_id is None else pc.index(ids, look_id).as_py()
    stretches = []
    while position >= 0:
        first = breaks[np.searchsorted(breaks, position, side="right") - 1]
        stretches.append(ids.slice(first, position + 1 - first))
        position = min(parent[first], first - 1)
    return pa.concat_arrays(stretches) if stretches else ids.slice(0, 0)


def state_of(
    place: Place,
    table: str,
    line: pa.Array,
    jobs: pa.Array | None = None,
    until: datetime | None = None,
) -> pa.Table:
    """Read the newest version of each record that a line of looks wrote.

    Parameters
    ----------
    place : Place
        A history.
    table : str
        Which table.
    line : pyarrow.Array
        As `line_of` gives it.
    jobs : pyarrow.Array, optional
        Only those of these jobs; of a table that has none, of these projects.
    until : datetime.datetime, optional
        The moment of the line's last look: no month behind it is read.

    Returns
    -------
    pyarrow.Table
        Its columns and those of `SEEN`; of records that are gone too.
    """
    # the files of a history mostly name one look, the newest when they were joined
    is_in_line = cache(lambda look_id: bool(pc.index(line, look_id).as_py() >= 0))
    found = _read(place, table, None, None, jobs, is_in_line, until)
    look = pc.dictionary_encode(found["look_id"].combine_chunks())
    known = pc.is_in(look.dictionary, value_set=line).take(look.indices)
    if not pc.all(known).as_py():
        found = found.filter(known)
    if not found.num_rows:
        return found
    newest = newest_rows(found, KEYS[table])
    return found if len(newest) == found.num_rows else found.take(pa.array(newest))


def state_at(
    place: Place,
    table: str,
    moment: datetime | None = None,
    jobs: pa.Array | None = None,
) -> pa.Table:
    """Read the newest version of each record up to a moment, whichever look wrote it.

    Parameters
    ----------
    place : Place
        A history.
    table : str
        Which table.
    moment : datetime.datetime, optional
        The newest of all when left out.
    jobs : pyarrow.Array, optional
        Only those of these jobs.

    Returns
    -------
    pyarrow.Table
        Its columns and those of `SEEN`; of records that are gone too.
    """
    keys = KEYS[table]
    found = _read(place, table, None, moment, jobs)
    if not found.num_rows:
        return found
    return found.take(pa.array(newest_rows(found, keys)))


def every_row(
    place: Place, table: str, moment: datetime | None = None, jobs: pa.Array | None = None
) -> pa.Table:
    """Read all that was written of a table up to a moment, as `state_at` takes it."""
    return _read(place, table, None, moment, jobs)


def all_versions(place: Place, table: str, columns: Sequence[str]) -> pa.Table:
    """Read all versions of all records, in no order: the key, some columns and those of `SEEN`."""
    return _read(place, table, [*KEYS[table], *columns, *_SEEN_NAMES])


def present(state: pa.Table) -> pa.Table:
    """Leave out the records that are gone."""
    return state.filter(pc.invert(state["is_gone"]))


def differences(table: str, state: pa.Table, answer: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Find how an answer differs from the state before.

    Parameters
    ----------
    table : str
        Which table.
    state : pyarrow.Table
        As `state_at` gives it, of what the answer is about.
    answer : pyarrow.Table
        The table's own columns, text without categories.

    Returns
    -------
    changed : pyarrow.Table
        The rows of the answer that are new or differ.
    gone : pyarrow.Table
        The rows of the state that the answer should have, and lacks.
    """
    known = present(state).select(answer.column_names)
    changed = answer.filter(not_in(answer, known, DERIVED.get(table, set())))
    if table not in COMPLETE:
        return changed, known.slice(0, 0)
    keys = list(KEYS[table])
    return changed, known.filter(not_in(known.select(keys), answer.select(keys)))


def not_in(rows: pa.Table, others: pa.Table, without: Iterable[str] = ()) -> pa.Array:
    """Tell which rows do not occur among others; nulls are equal to each other.

    Parameters
    ----------
    rows, others : pyarrow.Table
        With the columns of `rows` in both.
    without : iterable of str, optional
        Columns that are not compared.

    Returns
    -------
    pyarrow.BooleanArray
        For each of `rows`.
    """
    names = [name for name in rows.column_names if name not in set(without)]
    if not others.num_rows or not rows.num_rows:
        return pa.array(np.ones(rows.num_rows, bool))
    both = pa.concat_tables([others.select(names), rows.select(names)])
    both = both.append_column("__row", pa.array(np.arange(both.num_rows)))
    groups = both.group_by(names, use_threads=False).aggregate(
        [("__row", "min"), ("__row", "list")]
    )
    first = groups["__row_min"].to_numpy()
    lists = groups["__row_list"].combine_chunks()
    repeated = np.repeat(first, pc.list_value_length(lists).to_numpy())
    of_row = np.empty(both.num_rows, "int64")
    of_row[lists.flatten().to_numpy()] = repeated
    return pa.array(of_row[others.num_rows :] >= others.num_rows)


def newest_rows(rows: pa.Table, keys: Sequence[str]) -> npt.NDArray[Any]:
    """Find the row of each key that was seen last.

    Parameters
    ----------
    rows : pyarrow.Table
        With the keys, ``seen_at`` and ``look_id``; at least one row.
    keys : sequence of str
        What tells records apart.

    Returns
    -------
    numpy.ndarray
        Their numbers, ascending.
    """
    code = number_keys(rows, keys)
    look = pc.rank(rows["look_id"].combine_chunks(), tiebreaker="dense").to_numpy()
    seen = pc.cast(rows["seen_at"], pa.int64()).to_numpy()
    order = np.lexsort((look, seen))
    last = np.empty(code.max() + 1, "int64")
    # of several values for one place numpy keeps the last one, here the newest
    last[code[order]] = order
    return np.sort(last)


def number_keys(rows: pa.Table, keys: Sequence[str]) -> npt.NDArray[Any]:
    """Give each key a number; a null is a value like any other.

    Parameters
    ----------
    rows : pyarrow.Table
        With the keys; at least one row.
    keys : sequence of str
        What tells records apart.

    Returns
    -------
    numpy.ndarray
        The number of each row's key, from 0 on.
    """
    if len(keys) == 1:
        column = pc.dictionary_encode(rows[keys[0]].combine_chunks(), null_encoding="encode")
        return np.asarray(column.indices.to_numpy())
    indexed = rows.select(list(keys)).append_column("__row", pa.array(np.arange(rows.num_rows)))
    lists = indexed.group_by(list(keys), use_threads=False).aggregate([("__row", "list")])
    found = lists["__row_list"].combine_chunks()
    lengths = pc.list_value_length(found).to_numpy()
    code = np.empty(rows.num_rows, "int64")
    code[found.flatten().to_numpy()] = np.repeat(np.arange(len(lengths)), lengths)
    return code


def _read(
    place: Place,
    table: str,
    columns: Sequence[str] | None,
    moment: datetime | None = None,
    jobs: pa.Array | None = None,
    is_in_line: Callable[[str], bool] | None = None,
    until: datetime | None = None,
) -> pa.Table:
    """Read rows of all files that count, again if somebody joins files meanwhile."""
    for _ in range(_RETRIES):
        try:
            names = files_until(live_files(place, table)[0], until if moment is None else moment)
            parts = [
                read_file(place, name, table, columns, moment, jobs, is_in_line) for name in names
            ]
        except FileNotFoundError:
            continue
        wanted = schema_of(table)
        if columns is not None:
            wanted = pa.schema([field for field in wanted if field.name in set(columns)])
        return pa.concat_tables([wanted.empty_table(), *parts])
    raise SourceError(f"{place.shown}: files come and go while they are read: try again")


def files_until(names: Sequence[str], moment: datetime | None) -> list[str]:
    """List the files that can hold rows of a moment: none is older than the month it lies in.

    Parameters
    ----------
    names : sequence of str
        Files of a table, as `live_files` gives them.
    moment : datetime.datetime or None
        None for all.

    Returns
    -------
    list of str
        Those of them.
    """
    if moment is None:
        return list(names)
    last = f"month={moment.astimezone(UTC):%Y-%m}"
    return [name for name in names if name.split("/")[1] <= last]


def read_file(
    place: Place,
    name: str,
    table: str,
    columns: Sequence[str] | None = None,
    moment: datetime | None = None,
    jobs: pa.Array | None = None,
    is_in_line: Callable[[str], bool] | None = None,
) -> pa.Table:
    """Read one file.

    Parameters
    ----------
    place : Place
        A history.
    name : str
        Which file of it.
    table : str
        The table that it is of.
    columns : sequence of str, optional
        The columns that are needed.
    moment : datetime.datetime, optional
        Only what was seen up to then.
    jobs : pyarrow.Array, optional
        Only what is of these jobs; of a table that has none, of these projects.
    is_in_line : callable, optional
        Tells whether a look belongs to a line: only what that may have left, of a compacted file
        not what it has newer versions of.

    Returns
    -------
    pyarrow.Table
        Its rows, with the types of `trainview.history.layout.schema_of`.

    Raises
    ------
    FileNotFoundError
        If it was joined with others meanwhile.
    PayloadError
        If it is damaged.
    """
    schema = schema_of(table)
    names = [field.name for field in schema if columns is None or field.name in set(columns)]

    def read(file: pq.ParquetFile) -> pa.Table:
        there = set(file.schema_arrow.names)
        groups = current_groups(file, is_in_line)
        rows = file.read_row_groups(groups, [one for one in names if one in there])
        # columns that a newer trainview knows
        for field in schema:
            if field.name in names and field.name not in there:
                rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
        return rows.select(names).cast(pa.schema([schema.field(one) for one in names]))

    rows = with_parquet(place, name, read)
    if moment is not None and table != LOOKS:
        rows = rows.filter(pc.less_equal(rows["seen_at"], pa.scalar(moment, TIME)))
    if jobs is not None:
        rows = rows.filter(pc.is_in(rows[KEYS[table][0]], value_set=jobs))
    return rows
