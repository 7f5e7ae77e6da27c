"""Values that no table can hold, looked for in tables that come from files."""

import pyarrow as pa
import pyarrow.compute as pc

from trainview.reading.times import check_years
from trainview.schema import bounds


def check_values(table: pa.Table) -> None:
    """Object to values that cannot be.

    Parameters
    ----------
    table : pyarrow.Table
        With one of the schemas of `trainview.schema.TABLES`.

    Raises
    ------
    ValueError
        Naming the column: text that is not UTF-8, nothing where a value must stand, an integer out
        of bounds, a time outside the years 1 to 9999 (`pyarrow.ArrowInvalid` is one too).
    """
    for field, column in zip(table.schema, table.columns, strict=True):
        try:
            _check(column, field)
        except ValueError as error:
            raise ValueError(f"column {field.name}: {error}") from None


def _check(column: pa.ChunkedArray, field: pa.Field) -> None:
    column.validate(full=True)
    if column.null_count and not field.nullable:
        raise ValueError(f"nothing in {column.null_count:,} of {len(column):,} rows")
    if pa.types.is_integer(field.type):
        low, high = bounds(field)
        extent = pc.min_max(column).as_py()
        for value in extent.values():
            if value is not None and not low <= value <= high:
                raise ValueError(f"expected an integer from {low} to {high}, got {value}")
    elif pa.types.is_timestamp(field.type):
        check_years(column)
