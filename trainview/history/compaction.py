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
    expect_history,
    live_files,
    name_compact,
    replacing,
)
from trainview.history.places import Place, delete_file, find_place, write_table
from trainview.history.versions import KEYS, newest_rows, number_keys, read_file, read_looks
from trainview.schema import PANDAS_TEXT, TABLES, TIME
from trainview.text.moments import LONGEST, parse_span

# What happened at a moment, which column says when, is as old as that moment.
_HAPPENED = {
    "status_events": "created_at",
    "checkpoints": "created_at",
    "metrics": "timestamp",
    "logs": "timestamp",
    "billing": "date",
}


class _File(NamedTuple):
    name: str
    rows: pa.Table


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
        known of them, and samples, log lines, events, checkpoints and billed days of before. What
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
    cutoff = None if span is None else _cutoff(place, span)
    dropped = _vanished(place, cutoff)
    names = [name for name in (*TABLES, ASKED, LOOKS) if name != "instance_types"]
    rows = [_compact_table(place, name, cutoff, dropped) for name in names]
    counts = ["files_before", "files", "rows_before", "rows"]
    frame = pd.DataFrame(rows, columns=["table", *counts])
    return frame.astype({"table": PANDAS_TEXT, **dict.fromkeys(counts, "int64")})


def _cutoff(place: Place, span: timedelta) -> datetime | None:
    """Find the last look before what is kept: its state is what the kept changes begin from."""
    looks = read_looks(place)
    times = looks["seen_at"].drop_null()
    newest = pc.max(times)
    if not newest.is_valid:
        return None
    old = times.filter(pc.less_equal(times, pa.scalar(newest.as_py() - span, TIME)))
    found: datetime | None = pc.max(old).as_py() if len(old) else None
    return found


def _vanished(place: Place, cutoff: datetime | None) -> pa.Array:
    """List the jobs that had vanished by a moment, and did not come back."""
    none = pa.array([], pa.string())
    if cutoff is None:
        return none
    rows = _concat(_read_all(place, "jobs", ["job_id", "seen_at", "look_id", "is_gone"]))
    if not rows.num_rows:
        return none
    newest = rows.take(pa.array(newest_rows(rows, ["job_id"])))
    old = pc.less_equal(newest["seen_at"], pa.scalar(cutoff, TIME))
    return newest.filter(pc.and_(old, newest["is_gone"]))["job_id"].combine_chunks()


def _compact_table(
    place: Place, table: str, cutoff: datetime | None, dropped: pa.Array
) -> tuple[str, int, int, int, int]:
    live, replaced = live_files(place, table)
    old = _superseded(place, table, live, cutoff)
    months = defaultdict(list)
    for name in live:
        months[name.split("/")[1]].append(name)
    files = before = after = 0
    for month, names in months.items():
        parts = [read_file(place, name, table) for name in names]
        number = sum(part.num_rows for part in parts)
        kept = pa.concat_tables(
            part.filter(_kept(part, table, cutoff, dropped, old.get(name)))
            for name, part in zip(names, parts, strict=True)
        )
        kept = _distinct(kept, table)
        before += number
        after += kept.num_rows
        if len(names) > 1 or kept.num_rows < number:
            if kept.num_rows:
                target = f"{table}/{month}/{name_compact(names)}.parquet"
                write_table(place, target, replacing(kept, names))
            replaced += names
        files += bool(kept.num_rows)
    for name in replaced:
        delete_file(place, name)
    return table, len(live), files, before, after


def _superseded(
    place: Place, table: str, names: Sequence[str], cutoff: datetime | None
) -> dict[str, npt.NDArray[np.bool_]]:
    """Tell for each file which of its rows another one had replaced by a moment."""
    if cutoff is None or table not in KEYS or not names:
        return {}
    keys = list(KEYS[table])
    columns = [*keys, "seen_at", "look_id", "is_gone"]
    parts = [read_file(place, name, table, columns) for name in names]
    rows = _concat(parts)
    is_old = pc.less_equal(rows["seen_at"], pa.scalar(cutoff, TIME)).to_numpy()
    out = np.zeros(rows.num_rows, bool)
    if is_old.any():
        old = np.flatnonzero(is_old)
        base = old[newest_rows(rows.take(pa.array(old)), keys)]
        gone = base[rows["is_gone"].to_numpy()[base]]
        out[old] = True
        out[base] = False
        out[gone] = True
        # the same row may stand in several files
        code = number_keys(rows, [*keys, "seen_at", "look_id"])
        stays = np.zeros(code.max() + 1, bool)
        stays[code[~out]] = True
        out &= ~stays[code]
    ends = np.cumsum([part.num_rows for part in parts])[:-1]
    return dict(zip(names, np.split(out, ends), strict=True))


def _kept(
    part: pa.Table,
    table: str,
    cutoff: datetime | None,
    dropped: pa.Array,
    superseded: npt.NDArray[np.bool_] | None,
) -> pa.Array:
    keep = np.ones(part.num_rows, bool)
    if cutoff is None:
        return pa.array(keep)
    limit = pa.scalar(cutoff, TIME)
    if table == LOOKS:
        seen = pc.coalesce(part["seen_at"], part["looked_at"])
        return pc.greater_equal(seen, limit)
    if superseded is not None:
        keep &= ~superseded
    if len(dropped) and "job_id" in part.column_names:
        keep &= ~pc.is_in(part["job_id"], value_set=dropped).to_numpy()
    if table in _HAPPENED:
        happened = pc.less(part[_HAPPENED[table]], limit)
        keep &= ~pc.fill_null(happened, fill_value=False).to_numpy()
    return pa.array(keep)


def _distinct(rows: pa.Table, table: str) -> pa.Table:
    """Keep each row once, in the order of its key and time."""
    # the rows of a bill can be alike
    if not rows.num_rows or table == "billing":
        return rows
    keys = ["look_id"] if table == LOOKS else [*KEYS[table], "seen_at", "look_id"]
    code = number_keys(rows, keys)
    _, first = np.unique(code, return_index=True)
    order = keys if table != LOOKS else ["seen_at", "look_id"]
    return rows.take(pa.array(np.sort(first))).sort_by([(name, "ascending") for name in order])


def _read_all(place: Place, table: str, columns: Sequence[str]) -> list[pa.Table]:
    return [read_file(place, name, table, columns) for name in live_files(place, table)[0]]


def _concat(parts: Sequence[Any]) -> pa.Table:
    return pa.concat_tables(parts).combine_chunks() if parts else pa.table({})
