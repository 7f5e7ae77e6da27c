"""Columns to tables of a declared schema, and those to pandas.

This is the one place where tables get their dtypes, so that a table has the same ones whichever
way it came: from the API, from a file, from a merge.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trainview.errors import ArgumentError
from trainview.schema import CATEGORY, PANDAS_TEXT, TABLES, TEXT, is_newer, pandas_dtype
from trainview.schema.money import to_decimals, to_floats
from trainview.statuses import PHASES, STATUSES

# So few rows are not worth starting threads.
_FEW = 20_000
_LABELS = tuple(status.label for status in STATUSES)
_LIFECYCLE = {
    "status": _LABELS,
    "latest_job_status": _LABELS,
    "current_status": tuple(status.api for status in STATUSES),
    "phase": PHASES,
}


def conform(columns: Mapping[str, Any] | pa.Table, schema: pa.Schema) -> pa.Table:
    """Give columns the order and the types of a schema.

    Parameters
    ----------
    columns : mapping of str to pyarrow arrays, or pyarrow.Table
        At least the columns of ``schema``; text may be plain or dictionary-encoded.
    schema : pyarrow.Schema
        One of `trainview.schema.TABLES`.

    Returns
    -------
    pyarrow.Table
        The same rows. Categories are the values that occur: statuses and phases in lifecycle
        order, everything else by name.
    """
    found = [columns[name] for name in schema.names]
    if found and len(found[0]) < _FEW:
        arrays = list(map(_as_declared, found, schema))
    else:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            arrays = list(pool.map(_as_declared, found, schema))
    return pa.table(arrays, schema=schema)


def complete(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Add the columns that a table which an older version wrote does not have.

    Parameters
    ----------
    table : pyarrow.Table
        What was saved.
    schema : pyarrow.Schema
        One of `trainview.schema.TABLES`.

    Returns
    -------
    pyarrow.Table
        With these columns, all null; it can lack others.
    """
    for field in schema:
        if is_newer(field) and field.name not in table.column_names:
            kind = TEXT if field.type == CATEGORY else field.type
            table = table.append_column(field.name, pa.nulls(table.num_rows, kind))
    return table


def without_categories(schema: pa.Schema) -> pa.Schema:
    """Give a schema with text where it has categories, which differ from part to part.

    Parameters
    ----------
    schema : pyarrow.Schema
        One of `trainview.schema.TABLES`.

    Returns
    -------
    pyarrow.Schema
        With the same columns; parts that are cast to it can be put together.
    """
    return pa.schema(
        [field.with_type(TEXT) if field.type == CATEGORY else field for field in schema]
    )


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Turn a table into a DataFrame with the dtypes that the data dictionary names.

    Parameters
    ----------
    table : pyarrow.Table
        With one of the schemas of `trainview.schema.TABLES`.

    Returns
    -------
    pandas.DataFrame
        The same rows.
    """
    columns = {
        field.name: _to_array(column.combine_chunks(), field)
        for field, column in zip(table.schema, table.columns, strict=True)
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), copy=False)


def empty_frame(table: str) -> pd.DataFrame:
    """Make one of the tables without rows.

    Parameters
    ----------
    table : str
        A name of `trainview.schema.TABLES`.

    Returns
    -------
    pandas.DataFrame
        All its columns with their dtypes.
    """
    return _empty_frame(table).copy()


@cache
def _empty_frame(table: str) -> pd.DataFrame:
    return to_pandas(TABLES[table].empty_table())


def from_pandas(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """Turn a DataFrame back into a table of a schema.

    Parameters
    ----------
    frame : pandas.DataFrame
        With at least the columns of ``schema``.
    schema : pyarrow.Schema
        One of `trainview.schema.TABLES`.

    Returns
    -------
    pyarrow.Table
        The same rows.

    Raises
    ------
    ArgumentError
        If a column is missing.
    """
    missing = [name for name in schema.names if name not in frame.columns]
    if missing:
        raise ArgumentError(f"the table has no column {', '.join(missing)}")
    columns = {field.name: _from_series(frame[field.name], field) for field in schema}
    return conform(columns, schema)


def _from_series(column: "pd.Series[Any]", field: pa.Field) -> pa.Array:
    if not pa.types.is_decimal(field.type):
        return pa.Array.from_pandas(column)
    try:
        return to_decimals(column)
    except (TypeError, OverflowError) as error:
        raise ArgumentError(f"column {field.name!r}: {error}") from None


def _to_array(column: pa.Array, field: pa.Field) -> Any:
    """Give what pandas keeps a column in; by way of a Series it takes ten times as long.

    Arrow's memory may not be written to, but that of a table may.
    """
    if pa.types.is_dictionary(field.type):
        text: Any = PANDAS_TEXT
        categories = pd.Index(text.__from_arrow__(column.dictionary))
        codes = pc.fill_null(column.indices, -1).to_numpy()
        return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories))
    if pa.types.is_decimal(field.type):
        # what people compute with; sums are made in decimals (`trainview.schema.money`)
        column = to_floats(column)
    dtype: Any = pandas_dtype(field)
    if isinstance(dtype, str) and dtype != "Int64":
        array = column.to_numpy(zero_copy_only=False).astype(dtype, copy=False)
        return array if array.flags.writeable else array.copy()
    extension: Any = pd.api.types.pandas_dtype(dtype)
    return extension.__from_arrow__(column).copy()


def _as_declared(column: pa.Array | pa.ChunkedArray, field: pa.Field) -> pa.Array:
    if field.type == CATEGORY:
        return _as_category(column, _LIFECYCLE.get(field.name, ()))
    return pc.cast(column, field.type)


def _as_category(column: pa.Array | pa.ChunkedArray, order: tuple[str, ...]) -> pa.Array:
    encoded = _encoded(column)
    rank = {value: position for position, value in enumerate(order)}
    values = encoded.dictionary.to_pylist()
    used = pc.unique(encoded.indices).drop_null().to_pylist()
    wanted = sorted(
        {values[index] for index in used}, key=lambda value: (rank.get(value, len(rank)), value)
    )
    position = {value: index for index, value in enumerate(wanted)}
    recode = pa.array([position.get(value) for value in values], pa.int32())
    return pa.DictionaryArray.from_arrays(
        pc.take(recode, encoded.indices), pa.array(wanted, pa.string())
    )


def _encoded(column: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """Give each value of text a number; where they have numbers, these do."""
    is_encoded = pa.types.is_dictionary(column.type) and not pa.types.is_null(
        column.type.value_type
    )
    encoded = column if is_encoded else pc.dictionary_encode(pc.cast(column, pa.string()))
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    # a null among the values is one more way of telling that there is none
    return (
        pc.dictionary_encode(pc.cast(encoded, pa.string()))
        if encoded.dictionary.null_count
        else encoded
    )
