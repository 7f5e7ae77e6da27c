"""A helper's result, of any kind of table, as columns that can be drawn."""

from collections.abc import Sequence
from datetime import tzinfo
from numbers import Real
from typing import Any, NamedTuple, TypeAlias, cast

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from trainview.errors import ArgumentError
from trainview.plot.dates import to_dates
from trainview.text.names import did_you_mean

Numbers: TypeAlias = npt.NDArray[np.float64]


class Result(NamedTuple):
    """What a plot draws.

    Attributes
    ----------
    table : pandas.DataFrame
        The rows of the result, numbered from 0.
    keys : list of str
        The columns it is grouped by: those that the helper does not document itself.
    """

    table: pd.DataFrame
    keys: list[str]


def read_result(
    result: Any,
    helper: str,
    needed: Sequence[str],
    others: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> Result:
    """Open the result of a helper, and tell which columns it is grouped by.

    Parameters
    ----------
    result : pandas, Polars, DuckDB or PySpark table
        What the caller wants to see; it is not changed.
    helper : str
        Name of the helper that gives such results.
    needed : sequence of str
        The columns that are drawn.
    others : sequence of str
        The columns that the helper documents beside them; they may be missing.
    optional : sequence of str
        The columns that are drawn where the result has them.

    Returns
    -------
    Result
        The rows, collected.

    Raises
    ------
    ArgumentError
        If it is no table, or a column that is needed is missing.
    """
    frame: Any = nw.from_native(result, pass_through=True)
    if not isinstance(frame, (nw.DataFrame, nw.LazyFrame)):
        raise ArgumentError(
            f"expected a table, got {type(result).__name__}: pass what {helper} gives"
        )
    columns = frame.columns if isinstance(frame, nw.DataFrame) else frame.collect_schema().names()
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ArgumentError(
            f"no column {', '.join(map(repr, missing))} in the table: it has "
            f"{', '.join(map(str, columns)) or 'none'}; pass what {helper} gives"
            f"{did_you_mean(missing[0], columns)}"
        )
    keys = [name for name in columns if name not in {*needed, *others, *optional}]
    drawn = [*keys, *needed, *(name for name in optional if name in columns)]
    return Result(_to_pandas(frame.select(*drawn)), keys)


def _to_pandas(frame: Any) -> pd.DataFrame:
    if frame.implementation.is_pandas():
        return cast("pd.DataFrame", frame.to_native()).reset_index(drop=True)
    # By way of Arrow: DuckDB's own way to pandas warns with pandas 3.1.
    eager = frame.collect("pyarrow") if isinstance(frame, nw.LazyFrame) else frame
    return cast("pd.DataFrame", eager.to_arrow().to_pandas(date_as_object=False))


def numbers(table: pd.DataFrame, name: str) -> Numbers:
    """Read a column of numbers; what is null or not finite is NaN.

    Raises
    ------
    ArgumentError
        If it holds something else.
    """
    try:
        values = table[name].to_numpy("float64", na_value=np.nan)
    except (TypeError, ValueError):
        raise ArgumentError(f"column {name!r} holds {table[name].dtype}, not numbers") from None
    return np.where(np.isfinite(values), values, np.nan)


def moments(table: pd.DataFrame, name: str) -> tuple[Numbers, tzinfo]:
    """Read a column of times as Matplotlib's dates, and the zone they are in.

    Times without a zone are in UTC; a null is NaN.

    Raises
    ------
    ArgumentError
        If it holds something else.
    """
    times = table[name]
    if times.isna().all() and not pd.api.types.is_datetime64_any_dtype(times.dtype):
        times = times.astype("datetime64[us, UTC]")
    if not pd.api.types.is_datetime64_any_dtype(times.dtype):
        raise ArgumentError(f"column {name!r} holds {times.dtype}, not times")
    if times.dt.tz is None:
        times = times.dt.tz_localize("UTC")
    utc = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return to_dates(utc.to_numpy("M8[us]")), times.dt.tz


def texts(table: pd.DataFrame, name: str) -> list[str]:
    """Read a column of text; what is null says so."""
    return [_key_text(name, value) for value in table[name].to_list()]


def sum_known(values: Numbers) -> float:
    """Sum the numbers that are known; where none is, neither is the sum."""
    return float(np.nansum(values)) if np.isfinite(values).any() else np.nan


def group_names(
    table: pd.DataFrame, keys: Sequence[str], everything: str = "all jobs"
) -> list[str]:
    """Name the group of each row, as the helpers' keys say it; without keys, it is everything."""
    if not keys:
        return [everything] * len(table)
    columns = [texts(table, key) for key in keys]
    return [" · ".join(parts) for parts in zip(*columns, strict=True)]


def _key_text(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value if value.strip() else f'"{value}"'
    words = str(key).removesuffix("_name").replace("_", " ").replace("gpu", "GPU")
    if pd.isna(value):
        return f"(no {words})"
    if isinstance(value, Real) and not isinstance(value, bool):
        return f"{words} {value:.12g}"
    return str(value)


def columns_of(result: Any) -> list[str]:
    """List the columns of a result, to tell which of several it is; none if it is no table."""
    frame: Any = nw.from_native(result, pass_through=True)
    is_table = isinstance(frame, (nw.DataFrame, nw.LazyFrame))
    return list(frame.collect_schema().names()) if is_table else []
