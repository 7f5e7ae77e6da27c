"""Bills that were asked for again and again, as one."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trainview.schema import FLEET_TABLES
from trainview.tables.combining import combine
from trainview.tables.dtypes import without_categories

_KEYS = ["resource_id", "job_id", "kind", "date", "month"]


def is_by_day(bill: pa.Table) -> bool:
    """Tell whether each row of a bill is of one day and one resource: such rows stand alone."""
    named = pc.or_(pc.is_valid(bill["resource_id"]), pc.is_valid(bill["job_id"]))
    whole = pc.all(pc.and_(named, pc.is_valid(bill["date"])))
    return bool(whole.as_py()) if bill.num_rows else True


def join_bills(rows: pa.Table) -> pa.Table:
    """Put together what all looks wrote of bills.

    Parameters
    ----------
    rows : pyarrow.Table
        With the columns of a history beside those of the table ``billing``.

    Returns
    -------
    pyarrow.Table
        The table ``billing``: of what is billed by the day the largest amount of each day and
        resource, of equal ones the newest; else as `trainview.tables.combining.combine` decides.
    """
    schema = FLEET_TABLES["billing"]
    if is_by_day(rows):
        rows = _largest(rows) if rows.num_rows else rows
        return rows.select(schema.names)
    plain = without_categories(schema)
    order = rows.sort_by([("seen_at", "ascending"), ("look_id", "ascending")])
    look = pc.dictionary_encode(order["look_id"].combine_chunks()).indices.to_numpy()
    begins = [0, *(np.flatnonzero(np.diff(look)) + 1), len(look)]
    parts = [
        order.slice(start, stop - start).select(schema.names).cast(plain)
        for start, stop in pairwise(begins)
    ]
    return combine("billing", parts).cast(plain)


def _largest(rows: pa.Table) -> pa.Table:
    numbered = rows.append_column("__row", pa.array(np.arange(rows.num_rows)))
    looks = numbered.group_by([*_KEYS, "seen_at", "look_id"], use_threads=False).aggregate(
        [("subtotal_usd", "sum"), ("__row", "list")]
    )
    looks = looks.sort_by(
        [("subtotal_usd_sum", "ascending"), ("seen_at", "ascending"), ("look_id", "ascending")]
    ).combine_chunks()
    numbered = looks.append_column("__look", pa.array(np.arange(looks.num_rows)))
    best = numbered.group_by(_KEYS, use_threads=False).aggregate([("__look", "max")])
    chosen = looks["__row_list"].take(best["__look_max"]).combine_chunks()
    return rows.take(pa.array(np.sort(chosen.flatten().to_numpy())))
