"""What every field of the schemas has: a type, bounds, a unit, a meaning, a source."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

TIME = pa.timestamp("us", "UTC")
TEXT = pa.string()
CATEGORY = pa.dictionary(pa.int32(), pa.string())
INTEGER = pa.int64()
NUMBER = pa.float64()
BOOLEAN = pa.bool_()
DATE = pa.date32()
# What "str" means by default; pandas' options give that name other meanings, and the text "nan".
PANDAS_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# Two counts below this bound can be multiplied without overflow.
COUNT_MAX = 2**31 - 1
# Up to here every integer is a float64 too, and a JSON number that all programs read alike.
EXACT_MAX = 2**53
_NEWER = b"newer"


def make_field(
    name: str,
    kind: pa.DataType,
    description: str = "",
    *,
    nullable: bool = False,
    unit: str = "",
    source: str = "",
    minimum: int = INT64_MIN,
    maximum: int = INT64_MAX,
) -> pa.Field:
    """Describe a field; the bounds are for integers."""
    metadata = {"description": description, "unit": unit, "source": source}
    if kind == INTEGER:
        metadata |= {"minimum": str(minimum), "maximum": str(maximum)}
    return pa.field(name, kind, nullable=nullable, metadata=metadata)


def bounds(field: pa.Field) -> tuple[int, int]:
    """Tell the smallest and the largest legal value of an integer field."""
    return int(field.metadata[b"minimum"]), int(field.metadata[b"maximum"])


def newer(field: pa.Field) -> pa.Field:
    """Mark a column that files of older versions lack."""
    return field.with_metadata(field.metadata | {_NEWER: b"yes"})


def is_newer(field: pa.Field) -> bool:
    """Tell whether files of older versions lack the column."""
    return _NEWER in field.metadata


def pandas_dtype(field: pa.Field) -> Any:
    """Name the pandas dtype that a table column of this field has."""
    kind = field.type
    if pa.types.is_timestamp(kind):
        return pd.DatetimeTZDtype("us", "UTC")
    if pa.types.is_integer(kind):
        return "Int64" if field.nullable else "int64"
    if pa.types.is_decimal(kind):
        return "float64"
    return {CATEGORY: "category", BOOLEAN: "bool", NUMBER: "float64"}.get(kind, PANDAS_TEXT)
