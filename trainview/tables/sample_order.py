"""The order of samples: by time in memory, series by series in Parquet."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_SERIES = ("node_id", "gpu", "metric")


def by_series(table: pa.Table) -> pa.Table:
    """Lay samples job by job and series by series, each by time: who asks for them need not sort.

    Parameters
    ----------
    table : pyarrow.Table
        The table ``metrics``, its text plain or in categories.

    Returns
    -------
    pyarrow.Table
        Its rows, the jobs in the order in which they come.
    """
    return _sorted(table, _SERIES)


def by_time(table: pa.Table) -> pa.Table:
    """Lay samples job by job, each by time, as the table ``metrics`` has them in memory.

    Parameters
    ----------
    table : pyarrow.Table
        As for `by_series`.

    Returns
    -------
    pyarrow.Table
        Its rows, the jobs in the order in which they come.
    """
    return _sorted(table, ())


def _sorted(table: pa.Table, names: Sequence[str]) -> pa.Table:
    if not table.num_rows:
        return table
    job = _ranks(table["job_id"])
    place = np.empty(job.max() + 1, "int64")
    # of several values for one place numpy keeps the last one, here the first row of each job
    place[job[::-1]] = np.arange(len(job))[::-1]
    time = pc.cast(table["timestamp"], pa.int64()).to_numpy()
    order = np.lexsort((time, *(_ranks(table[name]) for name in reversed(names)), place[job]))
    is_sorted = bool((order[1:] > order[:-1]).all())
    return table if is_sorted else table.take(pa.array(order))


def _ranks(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """Give the values of a column numbers in their order, nulls last."""
    if pa.types.is_integer(column.type):
        return np.asarray(pc.fill_null(column, np.iinfo("int64").max).to_numpy())
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    codes = column.unify_dictionaries().combine_chunks()
    ranks = np.append(pc.rank(codes.dictionary).to_numpy().astype("int32"), 2**31 - 1)
    return np.asarray(ranks[pc.fill_null(codes.indices, len(codes.dictionary)).to_numpy()])
