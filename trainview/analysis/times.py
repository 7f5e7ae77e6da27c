"""Times on every engine: in UTC, as microseconds since 1970 UTC, and back.

Engines add and subtract times each in their own way, and Spark in the calendar of its session: a
day more is 23 or 25 hours more where clocks change. So what measures time counts microseconds.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, TypeAlias, cast

import narwhals.stable.v2 as nw

Frame: TypeAlias = nw.LazyFrame[Any]

US_PER_SECOND = 1_000_000
US_PER_HOUR = 3_600_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DUCKDB_TIME = "TIMESTAMP WITH TIME ZONE"


def with_zone(frame: Frame, names: Sequence[str]) -> Frame:
    """Give times the one type with a zone that DuckDB and Spark have; those without are in UTC.

    Parameters
    ----------
    frame : narwhals frame
        Of any kind; those that keep a zone with each column stay as they are.
    names : sequence of str
        The columns that must hold times, where they are there.

    Returns
    -------
    narwhals frame
        The same columns in the same order.
    """
    if frame.implementation.is_duckdb():
        return select_in_duckdb(frame, frame.columns, names)
    if frame.implementation.is_spark_like():
        zoneless = [name for name, dtype in frame.to_native().dtypes if dtype == "timestamp_ntz"]
        # By way of text: all else that Spark has for it takes them for times of the session's zone.
        return with_sql(
            frame,
            {name: name for name in zoneless if name in names},
            "CAST(CONCAT(CAST({} AS STRING), 'Z') AS TIMESTAMP)",
        )
    return frame


def select_in_duckdb(frame: Frame, names: Sequence[str], times: Sequence[str]) -> Frame:
    """Choose columns of a table of DuckDB: times in its type with a zone, NaN as null.

    In one step, since DuckDB plans all steps anew at each further one.

    Parameters
    ----------
    frame : narwhals frame
        Of DuckDB.
    names : sequence of str
        The columns to keep.
    times : sequence of str
        Those that must hold times; times without a zone are in UTC.

    Returns
    -------
    narwhals frame
        These columns.
    """
    relation = frame.to_native()
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    words = []
    for name in names:
        quoted = _quoted(name, '"')
        if name in times and types[name].startswith("TIMESTAMP") and types[name] != DUCKDB_TIME:
            zoned = quoted if "TZ" in types[name] else f"timezone('UTC', {quoted}::TIMESTAMP)"
            words.append(f"{zoned}::TIMESTAMPTZ AS {quoted}")
        elif types[name] in {"FLOAT", "DOUBLE"}:
            words.append(f"CASE WHEN isnan({quoted}) THEN NULL ELSE {quoted} END AS {quoted}")
        else:
            words.append(quoted)
    return cast("Frame", nw.from_native(relation.project(", ".join(words))))


def with_microseconds(frame: Frame, **columns: str) -> Frame:
    """Add times as microseconds since 1970 UTC.

    Parameters
    ----------
    frame : narwhals frame
        What `read_table` gives.
    **columns : str
        Names of the new columns, and of the columns of times.

    Returns
    -------
    narwhals frame
        The frame with the new columns (int64); null where the time is.
    """
    if frame.implementation.is_spark_like():
        return with_sql(frame, columns, "UNIX_MICROS({})")
    if frame.implementation.is_duckdb():
        # Its differences of times go by way of a calendar, and take ten times as long.
        return with_sql(frame, columns, "epoch_us({})")
    return frame.with_columns(
        **{new: nw.col(name).dt.timestamp("us") for new, name in columns.items()}
    )


def with_times(frame: Frame, **columns: str) -> Frame:
    """Add microseconds since 1970 UTC as times.

    Parameters
    ----------
    frame : narwhals frame
        Of any kind but pandas, which has a way of its own in `trainview.analysis.steps`.
    **columns : str
        Names of the new columns, and of the columns of microseconds.

    Returns
    -------
    narwhals frame
        The frame with the new columns; null where there are no microseconds.
    """
    if frame.implementation.is_spark_like():
        return with_sql(frame, columns, "TIMESTAMP_MICROS({})")
    if frame.implementation.is_duckdb():
        return with_sql(frame, columns, "make_timestamptz(CAST({} AS BIGINT))")
    return frame.with_columns(**{new: _as_time(name) for new, name in columns.items()})


def _as_time(name: str) -> nw.Expr:
    return nw.lit(EPOCH) + nw.col(name) * nw.lit(timedelta(microseconds=1))


def with_decimals(frame: Frame, name: str) -> Frame:
    """Turn a lazy table's column of numbers into decimals as of `trainview.schema.money`."""
    kind = frame.implementation
    if kind.is_polars():
        import polars as pl  # noqa: PLC0415 - it is there, since the table is its

        native: Any = frame.to_native()
        money = pl.col(name).cast(pl.Decimal(38, 12))
        return cast("Frame", nw.from_native(native.with_columns(money)))
    # by way of text: the shortest decimal that is the same number is meant
    text = "VARCHAR" if kind.is_duckdb() else "STRING"
    return with_sql(frame, {name: name}, f"CAST(CAST({{}} AS {text}) AS DECIMAL(38, 12))")


def spark_expression(frame: Frame, words: str) -> Any:
    """Write an expression of Spark in its SQL."""
    connect = ".connect" if frame.implementation.is_pyspark_connect() else ""
    return import_module(f"pyspark.sql{connect}.functions").expr(words)


def with_sql(frame: Frame, columns: dict[str, str], sql: str) -> Frame:
    """Add or replace columns of a table of Spark or DuckDB by what SQL makes of a column.

    Parameters
    ----------
    frame : narwhals frame
        Of Spark or DuckDB.
    columns : dict of str to str
        Names of the new columns, and of those they are made of.
    sql : str
        The words, with ``{}`` for the column.

    Returns
    -------
    narwhals frame
        The frame with the new columns.
    """
    if not columns:
        return frame
    native, kind = frame.to_native(), frame.implementation
    mark = '"' if kind.is_duckdb() else "`"
    made = {new: sql.format(_quoted(name, mark)) for new, name in columns.items()}
    if kind.is_duckdb():
        every = {name: _quoted(name, mark) for name in native.columns} | made
        listed = ", ".join(f"{value} AS {_quoted(name, mark)}" for name, value in every.items())
        return cast("Frame", nw.from_native(native.project(listed)))
    # What is not named here is not asked for: Spark looks at its plan to list the columns.
    words = {new: spark_expression(frame, value) for new, value in made.items()}
    return cast("Frame", nw.from_native(native.withColumns(words)))


def _quoted(name: str, mark: str) -> str:
    return mark + name.replace(mark, 2 * mark) + mark
