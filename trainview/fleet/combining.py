"""The same table from several answers, as one."""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from trainview.conform import conform, without_categories
from trainview.schema import FLEET_KEYS, FLEET_TABLES


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
        Each row once: of several with the same key, the one that comes last. Of bills, each job
        and month as the last part has it that knows both, and what no job is charged for as the
        last part that knows the month has it; rows without a month count once if several parts
        have the same.
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
    numbered = rows.select(keys).append_column("row", pa.array(range(rows.num_rows)))
    last = numbered.group_by(keys).aggregate([("row", "max")])["row_max"]
    if len(last) < rows.num_rows:
        rows = rows.take(last.take(pc.sort_indices(last)))
    if name == "metrics":
        rows = rows.sort_by([("job_id", "ascending"), ("timestamp", "ascending")])
    return conform(rows, schema)


def _newest_bills(parts: Sequence[pa.Table]) -> list[pa.Table]:
    """Keep of each part what no later one tells anew; a part's own rows are all its own."""
    kept = []
    known: set[tuple[str | None, int]] = set()
    monthless: Counter[tuple[object, ...]] = Counter()
    for part in reversed(parts):
        months = part["month"].cast(pa.int64()).to_pylist()
        bills = list(zip(part["job_id"].to_pylist(), months, strict=True))
        rest = part.filter(pc.is_null(part["month"])).to_pylist()
        rows = iter([tuple(row.values()) for row in rest])
        own: Counter[tuple[object, ...]] = Counter()
        keep = []
        for bill in bills:
            if bill[1] is not None:
                keep.append(bill not in known)
                continue
            row = next(rows)
            own[row] += 1
            keep.append(own[row] > monthless[row])
        monthless |= own
        known.update(bills)
        # what was charged for no job then may be a job's now
        known.update((None, month) for month in months)
        kept.append(part.filter(pa.array(keep, pa.bool_())))
    return kept[::-1]
