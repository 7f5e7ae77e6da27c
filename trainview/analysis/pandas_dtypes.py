"""pandas columns of any dtype that people have, to the dtypes that the tables have.

pandas keeps the same values in many ways: nullable dtypes, Arrow's, text in Python objects, objects
for anything. Each computes a little differently, so the helpers see only one of them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trainview.errors import ArgumentError

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
_ARROW_TEXT = pa.large_string()
UTC_TIME = pd.DatetimeTZDtype("us", "UTC")
# What columns of snapshots are made of, beside categories of text.
_WHOLE = (UTC_TIME, np.dtype("int64"), pd.Int64Dtype())
_OF_SNAPSHOTS = (*_WHOLE, TEXT, np.dtype("float64"), np.dtype("bool"))
_LARGEST = 2**52
# Nullable numbers by their kind.
_NUMPY: dict[str, Any] = {"i": "int64", "u": "int64", "f": "float64", "b": "bool"}


def check_names(frame: pd.DataFrame) -> None:
    """Refuse column names that lead to no column, or to two.

    Raises
    ------
    ArgumentError
        Naming the column.
    """
    if isinstance(frame.columns, pd.MultiIndex):
        raise ArgumentError(
            "the columns have names of several levels: give each one name, for example with "
            "table.columns.map('_'.join)"
        )
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ArgumentError(f"column {twice!r} comes twice in the table: rename or drop one")


def with_dtypes(table: pd.DataFrame, dtypes: Mapping[str, Any]) -> pd.DataFrame:
    """Give some columns other dtypes; pandas' astype puts all columns together anew.

    Parameters
    ----------
    table : pandas.DataFrame
        It is not changed.
    dtypes : mapping of str to dtype
        By the names of columns.

    Returns
    -------
    pandas.DataFrame
        The same rows, columns and order.
    """
    found = table.copy(deep=False)
    for name, dtype in dtypes.items():
        if table[name].dtype != dtype:
            found[name] = table[name].astype(dtype)
    return found


def plain_columns(
    frame: pd.DataFrame, names: Collection[str], times: Collection[str], numbers: Collection[str]
) -> pd.DataFrame:
    """Give columns the dtypes of the tables, where that loses nothing.

    Parameters
    ----------
    frame : pandas.DataFrame
        It is not changed.
    names : collection of str
        The columns to look at.
    times, numbers : collection of str
        What columns without any value are taken for.

    Returns
    -------
    pandas.DataFrame
        Text as ``str``, numbers of NumPy or ``Int64``, times as datetimes; other things as they
        are.
    """
    changes = {}
    for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
        if name not in names or (isinstance(dtype, np.dtype) and dtype.kind in "iufbM"):
            continue
        if dtype in (TEXT, UTC_TIME):
            continue
        column = frame[name]
        plain = _plain(column)
        if pd.api.types.is_object_dtype(column.dtype) and plain.isna().all():
            empty: Any = "datetime64[us, UTC]" if name in times else TEXT
            plain = column.astype("float64" if name in numbers else empty)
        if plain is not column:
            changes[name] = plain
    return frame.assign(**changes) if changes else frame


def _plain(column: "pd.Series[Any]") -> "pd.Series[Any]":
    dtype: Any = column.dtype
    if isinstance(dtype, pd.StringDtype):
        return column if dtype == TEXT else column.astype(TEXT)
    if isinstance(dtype, pd.CategoricalDtype):
        return _with_text_categories(column)
    if pd.api.types.is_object_dtype(dtype) or isinstance(dtype, pd.ArrowDtype):
        return _by_way_of_arrow(column)
    if pd.api.types.is_extension_array_dtype(dtype) and dtype.kind in _NUMPY:
        return column if dtype.kind != "f" and column.hasnans else column.astype(_NUMPY[dtype.kind])
    return column


def _with_text_categories(column: "pd.Series[Any]") -> "pd.Series[Any]":
    values: Any = column.cat.categories
    of_text = isinstance(values.dtype, pd.StringDtype) or pd.api.types.is_object_dtype(values.dtype)
    if not of_text or values.dtype == TEXT:
        return column
    return column.cat.rename_categories(values.astype(TEXT))


def _by_way_of_arrow(column: "pd.Series[Any]") -> "pd.Series[Any]":
    try:
        arrow: Any = pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return column
    arrow = arrow.combine_chunks() if isinstance(arrow, pa.ChunkedArray) else arrow
    kind = arrow.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        dtype: Any = TEXT
    elif pa.types.is_integer(kind):
        dtype = pd.Int64Dtype() if arrow.null_count else None
    elif pa.types.is_boolean(kind):
        dtype = pd.BooleanDtype() if arrow.null_count else None
    elif pa.types.is_floating(kind) or pa.types.is_timestamp(kind):
        dtype = None
    elif pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type):
        return _plain(pd.Series(arrow.to_pandas(), copy=False).set_axis(column.index))
    else:
        return column
    found = arrow.to_pandas(types_mapper={kind: dtype}.get)
    return pd.Series(found, copy=False).set_axis(column.index)


def pick_columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Choose columns, which takes a fraction of the time of table[names]."""
    places: list[Any] = [table.columns.get_loc(name) for name in names]
    return table.take(places, axis=1)


def arrow_table(table: pd.DataFrame) -> pa.Table | None:
    """Turn a table with the dtypes of snapshots into one of Arrow.

    Parameters
    ----------
    table : pandas.DataFrame
        It is not changed.

    Returns
    -------
    pyarrow.Table or None
        What is missing is null, categories are text; None of a table without columns, with others
        than those of text, times, numbers and yes or no, or with so large ones that Arrow refuses
        to round them.
    """
    found = {}
    for name, dtype in table.dtypes.items():
        is_category = isinstance(dtype, pd.CategoricalDtype)
        if (dtype.categories.dtype != TEXT) if is_category else (dtype not in _OF_SNAPSHOTS):
            return None
        column: Any = pa.array(table[name], from_pandas=True)
        if dtype in _WHOLE and _is_large(column):
            return None
        found[name] = column.dictionary_decode().cast(_ARROW_TEXT) if is_category else column
    return pa.table(found) if found else None


def _is_large(column: Any) -> bool:
    """Tell whether numbers, or differences of them, may be no whole ones as float64."""
    ends = pc.min_max(column.cast(pa.int64())).as_py()
    return any(abs(end or 0) > _LARGEST for end in ends.values())


def in_categories(column: "pd.Series[Any]", dtype: pd.CategoricalDtype) -> "pd.Series[Any]":
    """Make categories of text again: those that there were, then new ones."""
    codes = dtype.categories.get_indexer(pd.Index(column))
    if ((codes < 0) == column.isna()).all():
        return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype), column.index)
    new = column[~column.isin(dtype.categories)].dropna().unique()
    return column.astype(pd.CategoricalDtype([*dtype.categories, *new], dtype.ordered))
