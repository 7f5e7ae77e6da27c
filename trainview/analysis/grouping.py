"""Number the groups of a pandas table, which pandas' own groupby takes longer for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from trainview.analysis.frames import Integers
from trainview.analysis.pandas_dtypes import TEXT, pick_columns, with_dtypes

# What two numbers of rows multiplied do not exceed.
_MOST = 2**62


def runs(*sorted_columns: Integers) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Mark each row that differs from the one before it; the first row always does."""
    changed = np.zeros(len(sorted_columns[0]), "bool")
    changed[:1] = True
    for column in sorted_columns:
        changed[1:] |= column[1:] != column[:-1]
    return changed


def _codes(column: "pd.Series[Any]") -> Integers:
    """Give the values of a column numbers, any; null has one, too."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.cat.codes)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "i":
        return column.to_numpy()
    return np.asarray(pd.factorize(column, use_na_sentinel=False)[0], "int64")


def _together(codes: Sequence[Integers]) -> Integers:
    """Give what several columns have together numbers, in the order in which it comes."""
    seen, many = np.zeros(len(codes[0]), "int64"), 1
    for each in codes:
        low, high = (int(end) for end in (each.min(initial=0), each.max(initial=0)))
        more, size = each.astype("int64") - low, high - low + 1
        if many * size > _MOST:
            seen, more = (pd.factorize(part)[0] for part in (seen, more))
            many, size = (int(part.max(initial=0)) + 1 for part in (seen, more))
        seen, many = seen * size + more, many * size
    return np.asarray(pd.factorize(seen)[0], "int64")


def number_groups(
    table: pd.DataFrame, keys: Sequence[str], *, in_order: bool = True
) -> tuple[Integers, pd.DataFrame]:
    """Give the groups of a pandas table numbers.

    Parameters
    ----------
    table : pandas.DataFrame
        A table with the keys, rows numbered from 0.
    keys : sequence of str
        The columns to group by; without any, all rows are one group.
    in_order : bool
        Whether to number them in the order of their keys, text ascending, nulls last; else as they
        come, which takes less time where there are many.

    Returns
    -------
    numbers : numpy.ndarray of int64
        The number of each row's group, from 0.
    groups : pandas.DataFrame
        The keys, one row a group in that order, categories as text.
    """
    if not keys:
        return np.zeros(len(table), "int64"), pd.DataFrame(index=range(min(len(table), 1)))
    codes = [_codes(table[key]) for key in keys]
    # rows that follow each other are of one group mostly
    row = np.flatnonzero(runs(*codes))
    seen = _together([each[row] for each in codes])
    first = np.empty(seen.max() + 1 if len(seen) else 0, "int64")
    first[seen[::-1]] = row[::-1]
    groups = pick_columns(table, keys).take(first).reset_index(drop=True)
    kinds = {key: TEXT for key in keys if isinstance(groups[key].dtype, pd.CategoricalDtype)}
    groups = with_dtypes(groups, kinds)
    if not in_order or len(groups) < 2:
        return _repeat(seen, row, len(table)), groups
    groups = groups.sort_values(list(keys), na_position="last", kind="stable")
    rank = np.empty(len(groups), "int64")
    rank[groups.index.to_numpy()] = np.arange(len(groups))
    return _repeat(rank[seen], row, len(table)), groups.reset_index(drop=True)


def _repeat(numbers: Integers, row: Integers, size: int) -> Integers:
    """Give each row the number of the last one that has one."""
    return np.repeat(numbers, np.diff(row, append=size))
