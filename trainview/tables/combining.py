"""The same table from several answers, as one."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trainview.schema import FLEET_KEYS, FLEET_TABLES
from trainview.tables.dtypes import conform, without_categories


def combine(name: str, parts: Sequence[pa.Table]) -> pa.Table:
    """Put the rows of several parts of a table together.

    Parameters
    ----------
    name : str
        A name of `trainview.schema.FLEET_TABLES`.
    parts : sequence of pyarrow.Table
        With its schema, the oldest first.

    Returns
    -------
    pyarrow.Table
        Each row once: of several with the same key, the one that comes last. Of bills, each day of
        a job as the last part has it; a sum for a whole month gives way to days of that month, and
        they to it, whichever comes last. Rows without a month count once if several parts have the
        same.
    """
    schema = FLEET_TABLES[name]
    filled = [part for part in parts if part.num_rows]
    if len(filled) < 2:
        return filled[0] if filled else schema.empty_table()
    plain = without_categories(schema)
    filled = [part.cast(plain) for part in filled]
    if name == "billing":
        return conform(pa.concat_tables(_newest_bills(filled)), schema)
    keys, rows = list(FLEET_KEYS[name]), pa.concat_tables(filled)
    numbered = rows.select(keys).append_column("row", pa.array(np.arange(rows.num_rows)))
    last = numbered.group_by(keys, use_threads=False).aggregate([("row", "max")])["row_max"]
    if len(last) < rows.num_rows:
        rows = rows.take(last.take(pc.sort_indices(last)))
    if name == "metrics":
        rows = rows.sort_by([("job_id", "ascending"), ("timestamp", "ascending")])
    return conform(rows, schema)


def _newest_bills(parts: Sequence[pa.Table]) -> list[pa.Table]:
    """Keep of each part what no later one tells anew; a part's own rows are all its own."""
    kept = []
    days: set[tuple[Any, ...]] = set()
    undated: set[tuple[Any, ...]] = set()
    bills: set[tuple[Any, ...]] = set()
    monthless: Counter[tuple[Any, ...]] = Counter()
    for part in reversed(parts):
        rows = [tuple(row.values()) for row in part.to_pylist()]
        keys = part.select(["job_id", "month", "date"]).to_pylist()
        own: Counter[tuple[Any, ...]] = Counter()
        keep = []
        for row, (job_id, month, date) in zip(rows, map(dict.values, keys), strict=True):
            bill = job_id, month
            if month is None:
                own[row] += 1
                keep.append(own[row] > monthless[row])
            elif date is None:
                keep.append(bill not in bills)
            else:
                keep.append((*bill, date) not in days and bill not in undated)
        monthless |= own
        for job_id, month, date in map(dict.values, keys):
            # what was charged for no job then may be a job's now
            bills |= {(job_id, month), (None, month)}
            if date is None:
                undated.add((job_id, month))
            else:
                days.add((job_id, month, date))
        kept.append(part.filter(pa.array(keep, pa.bool_())))
    return kept[::-1]
