"""Many small files as few large ones, and nothing that is older than you want to keep."""

import os
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trainview.errors import ArgumentError
from trainview.history.layout import (
    ASKED,
    LOOKS,
    SEEN,
    expect_history,
    file_name,
    live_files,
    name_compact,
    write_compact,
)
from trainview.history.places import Place, delete_file, find_place
from trainview.history.versions import (
    COMPLETE,
    FACTS,
    KEYS,
    line_of,
    newest_rows,
    number_keys,
    present,
    read_file,
    read_looks,
    state_of,
)
from trainview.schema import PANDAS_TEXT, TABLES, TIME
from trainview.text.moments import LONGEST, parse_span

# What happened at a moment, which column says when, is as old as that moment.
_HAPPENED = {
    "status_events": "created_at",
    "metrics": "timestamp",
    "logs": "timestamp",
    "billing": "date",
}


_SEEN_NAMES = {field.name for field in SEEN}


class _Window(NamedTuple):
    """What to keep: looks from a moment on, which is that of a look.

    Attributes
    ----------
    cutoff : datetime.datetime
        Its moment.
    looks : pyarrow.Table
        All looks.
    kept : pyarrow.Array
        The ids of those that stay.
    roots : list of dict
        Those of them that were written after one that goes: their ``look_id`` and ``seen_at``.
    vanished : pyarrow.Array
        The jobs that had vanished by then, and did not come back.
    """

    cutoff: datetime
    looks: pa.Table
    kept: pa.Array
    roots: list[dict[str, Any]]
    vanished: pa.Array


class _Line(NamedTuple):
    """The newest look, and those that it was written after."""

    end: str | None
    looks: pa.Array


def compact(dest: str | os.PathLike[str], *, keep: str | timedelta | None = None) -> pd.DataFrame:
    """Join the many small files of a history, one a month and table; drop what is too old.

    New files are there before old ones go: who reads meanwhile sees every row once, and who is
    stopped half-way can begin again.

    Parameters
    ----------
    dest : path or str
        What `record` wrote.
    keep : str or datetime.timedelta, optional
        How far back, from the newest look, to keep what was seen: ``"400d"``. Older looks go, with
        the records that had been replaced by then, jobs that had vanished by then with all that is
        known of them, and samples, log lines, events and billed days of before. What
        the API still lists is kept.

    Returns
    -------
    pandas.DataFrame
        One row a table: ``table`` (str), ``files_before``, ``files``, ``rows_before`` and ``rows``
        (int64).

    Raises
    ------
    SourceError
        If nothing was recorded there, or it cannot be read.
    OutputError
        If it cannot be written; nothing is lost then.
    ArgumentError
        If `keep` is no length of time.

    Examples
    --------
    >>> import tempfile
    >>> import trainview as tv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for seed in (1, 2):
    ...         _ = tv.record(folder, snapshots=[tv.sample(projects=2, seed=seed)])
    ...     joined = tv.compact(folder)
    >>> (joined["files"] <= joined["files_before"]).all()
    np.True_
    """
    span = parse_span(keep) if isinstance(keep, str) else keep
    if keep is not None and not (isinstance(span, timedelta) and timedelta(0) < span <= LONGEST):
        raise ArgumentError(f"keep={keep!r}: give a length of time above zero, such as 400d")
    place = find_place(dest)
    expect_history(place)
    window = None if span is None else _window(place, span)
    names = [name for name in (*TABLES, ASKED, LOOKS) if name != "instance_types"]
    looks = read_looks(place)
    done = looks.filter(pc.is_valid(looks["seen_at"]))
    end = done["look_id"][-1].as_py() if done.num_rows else None
    line = _Line(end, line_of(looks, end))
    rows = [_compact_table(place, name, window, line) for name in names]
    counts = ["files_before", "files", "rows_before", "rows"]
    frame = pd.DataFrame(rows, columns=["table", *counts])
    return frame.astype({"table": PANDAS_TEXT, **dict.fromkeys(counts, "int64")})


def _window(place: Place, span: timedelta) -> _Window | None:
    """Find what to keep: the looks of a length of time, and the last one before it."""
    looks = read_looks(place)
    done = looks.filter(pc.is_valid(looks["seen_at"]))
    if not done.num_rows:
        return None
    limit = pc.max(done["seen_at"]).as_py() - span
    cutoff = pc.max(done.filter(pc.less_equal(done["seen_at"], pa.scalar(limit, TIME)))["seen_at"])
    if not cutoff.is_valid:
        return None
    kept = done.filter(pc.greater_equal(done["seen_at"], cutoff))
    ids = kept["look_id"].combine_chunks()
    roots = kept.filter(pc.invert(pc.is_in(kept["parent_look_id"], value_set=ids)))
    newest = state_of(place, "jobs", line_of(looks, ids[-1].as_py()))
    old = pc.and_(newest["is_gone"], pc.less_equal(newest["seen_at"], cutoff))
    return _Window(
        cutoff.as_py(), looks, ids, roots.select(["look_id", "seen_at"]).to_pylist(),
        newest.filter(old)["job_id"].combine_chunks(),
    )  # fmt: skip


def _compact_table(
    place: Place, table: str, window: _Window | None, line: _Line
) -> tuple[str, int, int, int, int]:
    live, replaced = live_files(place, table)
    old = _superseded(place, table, live, window)
    months = defaultdict(list)
    for name in live:
        months[name.split("/")[1]].append(name)
    base = _base(place, table, window)
    files = before = after = 0
    for month in sorted({*months, *base}):
        names = months[month]
        parts = [read_file(place, name, table) for name in names]
        number = sum(part.num_rows for part in parts)
        kept = [
            part.filter(_kept(part, table, window, old.get(name)))
            for name, part in zip(names, parts, strict=True)
        ]
        rows = _distinct(pa.concat_tables([*kept, *base.get(month, [])]), table)
        before += number
        after += rows.num_rows
        if len(names) > 1 or rows.num_rows != number or month in base:
            if rows.num_rows:
                target = f"{table}/{month}/{name_compact([*names, month])}.parquet"
                write_compact(place, target, _parts(rows, table, line.looks), names, line.end)
                replaced += [name for name in names if name != target]
            else:
                replaced += names
        files += bool(rows.num_rows)
    for name in replaced:
        delete_file(place, name)
    return table, len(live), files, before, after


def _parts(rows: pa.Table, table: str, line: pa.Array) -> list[pa.Table]:
    """Part the rows that have newer versions of the same line from those that may be needed."""
    if table not in COMPLETE:
        return [rows]
    old = pc.is_in(rows["look_id"], value_set=line).to_numpy()
    mine = np.flatnonzero(old)
    if len(mine):
        old[mine[newest_rows(rows.take(pa.array(mine)), KEYS[table])]] = False
    return [rows.filter(pa.array(~old)), rows.filter(pa.array(old))]


def _base(place: Place, table: str, window: _Window | None) -> dict[str, list[pa.Table]]:
    """Give the whole state of the looks whose changes were told beside looks that go."""
    found: dict[str, list[pa.Table]] = {}
    if window is None or table not in COMPLETE:
        return found
    for root in window.roots:
        rows = present(state_of(place, table, line_of(window.looks, root["look_id"])))
        # of a job that vanished nothing stays, whatever the API does not say to be gone
        rows = rows.filter(pc.invert(_of_vanished(rows, window)))
        own = pa.repeat(pa.scalar(root["look_id"]), rows.num_rows)
        rows = rows.set_column(rows.column_names.index("look_id"), rows.field("look_id"), own)
        month = file_name(table, root["seen_at"], "").split("/")[1]
        found.setdefault(month, []).append(rows)
    return found


def _superseded(
    place: Place, table: str, names: Sequence[str], window: _Window | None
) -> dict[str, npt.NDArray[np.bool_]]:
    """Tell for each file which of its rows another one had replaced by the cutoff."""
    if window is None or table not in KEYS or table in COMPLETE or not names:
        return {}
    keys = list(KEYS[table])
    parts = [read_file(place, name, table, [*keys, "seen_at", "look_id"]) for name in names]
    rows = pa.concat_tables(parts).combine_chunks()
    old = np.flatnonzero(pc.less_equal(rows["seen_at"], pa.scalar(window.cutoff, TIME)).to_numpy())
    out = np.zeros(rows.num_rows, bool)
    if len(old):
        out[old] = True
        out[old[newest_rows(rows.take(pa.array(old)), keys)]] = False
    ends = np.cumsum([part.num_rows for part in parts])[:-1]
    return dict(zip(names, np.split(out, ends), strict=True))


def _kept(
    part: pa.Table,
    table: str,
    window: _Window | None,
    superseded: npt.NDArray[np.bool_] | None,
) -> pa.Array:
    keep = np.ones(part.num_rows, bool)
    if window is None:
        return pa.array(keep)
    limit = pa.scalar(window.cutoff, TIME)
    if table == LOOKS:
        return pc.greater_equal(pc.coalesce(part["seen_at"], part["looked_at"]), limit)
    if table in COMPLETE:
        roots = pa.array([root["look_id"] for root in window.roots], pa.string())
        mine = pc.is_in(part["look_id"], value_set=window.kept).to_numpy()
        keep &= mine & ~pc.is_in(part["look_id"], value_set=roots).to_numpy()
        # of looks that died half-way
        known = pc.is_in(part["look_id"], value_set=window.looks["look_id"].combine_chunks())
        keep |= ~known.to_numpy() & pc.greater(part["seen_at"], limit).to_numpy()
    if superseded is not None:
        keep &= ~superseded
    keep &= ~_of_vanished(part, window).to_numpy()
    if table in _HAPPENED:
        happened = pc.less(part[_HAPPENED[table]], limit)
        keep &= ~pc.fill_null(happened, fill_value=False).to_numpy()
    return pa.array(keep)


def _of_vanished(rows: pa.Table, window: _Window) -> pa.ChunkedArray:
    if "job_id" not in rows.column_names:
        return pa.chunked_array([np.zeros(rows.num_rows, bool)])
    return pc.is_in(rows["job_id"], value_set=window.vanished)


def _distinct(rows: pa.Table, table: str) -> pa.Table:
    """Keep each row once, in the order of its key and time."""
    # the rows of a bill can be alike
    if not rows.num_rows or table == "billing":
        return rows
    rows = rows.sort_by([("seen_at", "ascending"), ("look_id", "ascending")])
    keys = ["look_id"] if table == LOOKS else [*KEYS[table], "seen_at", "look_id"]
    if table in FACTS:
        # two recorders at once wrote it, and both are right
        keys = [name for name in rows.column_names if name not in _SEEN_NAMES]
    _, first = np.unique(number_keys(rows, keys), return_index=True)
    rows = rows.take(pa.array(np.sort(first)))
    if table == LOOKS:
        return rows
    return rows.sort_by([(name, "ascending") for name in (*KEYS[table], "seen_at", "look_id")])
