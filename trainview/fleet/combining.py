"""The same table from several answers, as one."""

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
        Each row once: of several with the same key, the one that comes last.
    """
    schema, keys = FLEET_TABLES[name], list(FLEET_KEYS[name])
    filled = [part for part in parts if part.num_rows]
    if len(filled) < 2:
        return filled[0] if filled else schema.empty_table()
    plain = without_categories(schema)
    rows = pa.concat_tables(part.cast(plain) for part in filled)
    numbered = rows.select(keys).append_column("row", pa.array(range(rows.num_rows)))
    last = numbered.group_by(keys).aggregate([("row", "max")])["row_max"]
    if len(last) < rows.num_rows:
        rows = rows.take(last.take(pc.sort_indices(last)))
    if name == "metrics":
        rows = rows.sort_by([("job_id", "ascending"), ("timestamp", "ascending")])
    return conform(rows, schema)
