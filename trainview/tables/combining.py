"""The same table from several answers, as one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trainview.schema import FLEET_KEYS, FLEET_TABLES, TIME
from trainview.tables.bills import combine_bills
from trainview.tables.caches import newest_summaries
from trainview.tables.dtypes import conform, without_categories
from trainview.tables.gpu_types import note_spellings
from trainview.tables.prices import without_duplicates
from trainview.tables.sample_order import by_time

# Columns that hold times, but not of when a table was told: files can be dated at will.
_NO_MOMENT = {"month", "modified_at"}


def combine(name: str, parts: Sequence[pa.Table], notes: list[str] | None = None) -> pa.Table:
    """Put the rows of several parts of a table together.

    Parameters
    ----------
    name : str
        A name of `trainview.schema.FLEET_TABLES`.
    parts : sequence of pyarrow.Table
        With its schema, the oldest first.
    notes : list of str, optional
        Gets a sentence for each oddity.

    Returns
    -------
    pyarrow.Table
        Each row once: of several with the same key, the one that comes last; of answers about the
        queue, the newest one, whichever comes last; of a cache the newest summary alone. Bills are
        put together by `combine_bills`.
    """
    schema = FLEET_TABLES[name]
    filled = [part for part in parts if part.num_rows]
    told = [] if notes is None else notes
    if name == "prices":
        filled = [without_duplicates(part, told) for part in filled]
    if name == "capacity":
        told += [note for part in filled for note in note_spellings(part)]
    if name == "caches" and len(filled) > 1:
        filled = newest_summaries(filled)
    if len(filled) < 2:
        found = filled[0] if filled else schema.empty_table()
        # as it lies in Parquet, series by series
        return by_time(found) if name == "metrics" else found
    plain = without_categories(schema)
    filled = [part.cast(plain) for part in filled]
    if name == "billing":
        return conform(combine_bills(filled, told), schema)
    keys, rows = list(FLEET_KEYS[name]), pa.concat_tables(filled)
    rank = _newest(rows, name)
    ranked = rows.select(keys).append_column("rank", pa.array(rank))
    newest = ranked.group_by(keys, use_threads=False).aggregate([("rank", "max")])["rank_max"]
    if len(newest) < rows.num_rows:
        rows = rows.take(pa.array(np.flatnonzero(np.isin(rank, newest.to_numpy()))))
    if name == "metrics":
        rows = rows.sort_by([("job_id", "ascending"), ("timestamp", "ascending")])
    return conform(rows, schema)


def newest_of(parts: Iterable[Mapping[str, pa.Table]]) -> datetime | None:
    """Find the newest timestamp in tables.

    Parameters
    ----------
    parts : iterable of dict of str to pyarrow.Table
        By their names in `trainview.schema.FLEET_TABLES`.

    Returns
    -------
    datetime.datetime or None
        The newest moment that one of them speaks of, of a bill the beginning of its last day; None
        if there is none.
    """
    times = [
        pc.max(part[name][field.name]).as_py()
        for part in parts
        for name, schema in FLEET_TABLES.items()
        for field in schema
        if name in part and field.type == TIME and field.name not in _NO_MOMENT
    ]
    return max((time for time in times if time is not None), default=None)


def _newest(rows: pa.Table, name: str) -> Any:
    """Rank rows by how new they are; of most tables the last part tells."""
    if name != "queue":
        return np.arange(rows.num_rows)
    # an answer about a later submission, or one that knows more of how the wait ended, is newer
    released = pc.is_valid(rows["released_at"])
    order = pa.table(
        {
            "submitted_at": rows["submitted_at"],
            "released": released,
            "over": pc.invert(rows["is_waiting"]),
            "observed_until": rows["observed_until"],
            "row": pa.array(np.arange(rows.num_rows)),
        }
    )
    oldest_first = pc.sort_indices(order, [(column, "ascending") for column in order.column_names])
    rank = np.empty(rows.num_rows, "int64")
    rank[oldest_first.to_numpy()] = np.arange(rows.num_rows)
    return rank
