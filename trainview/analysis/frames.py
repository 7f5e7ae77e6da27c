"""What the helpers share: check a table, read its keys, collect what is small, give its kind back.

Eager tables (pandas, Polars) are in memory already, so helpers may collect them freely; small ones
of pandas are computed in Arrow, whose steps take a fraction of the time (`in_arrow`). Lazy ones
(Polars LazyFrame, DuckDB, PySpark) are left to their engine, and only small results are collected.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trainview.analysis.pandas_dtypes import (
    TEXT,
    UTC_TIME,
    arrow_table,
    check_names,
    pick_columns,
    plain_columns,
    with_dtypes,
)
from trainview.analysis.times import DUCKDB_TIME, select_in_duckdb, with_zone
from trainview.errors import ArgumentError
from trainview.schema.table_types import DataFrame
from trainview.text.names import did_you_mean
from trainview.text.shown import Shown

# Eager and lazy frames answer to the verbs used here alike; the type says lazy for both.
Frame: TypeAlias = nw.LazyFrame[Any]
Integers: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.float64]
if TYPE_CHECKING:
    # What to group by.
    By: TypeAlias = str | Sequence[str] | None
else:
    By = Shown("By")

MOMENT = pa.timestamp("us", "UTC")
# Packages whose tables are refused though narwhals takes them, or warns, and the way to pandas.
OTHER_KINDS = {
    "cudf": ("a cuDF", ".to_pandas()"),
    "dask": ("a Dask", ".compute()"),
    "ibis": ("an Ibis", ".to_pandas()"),
    "modin": ("a Modin", ".modin.to_pandas()"),
    "pyarrow": ("a PyArrow", ".to_pandas()"),
    "sqlframe": ("a SQLFrame", ".toPandas()"),
}
TIMES = ("created_at", "updated_at", "end_at", "held_at", "start", "end", "timestamp")
NUMBERS = frozenset(
    {
        "baseline",
        "elapsed_hours",
        "gpu",
        "gpu_count",
        "gpu_hours",
        "gpus",
        "limit",
        "node_count",
        "step_seconds",
        "usd_per_minute",
        "value",
        "waited_hours",
    }
)


def group_keys(by: By, *, result: Sequence[str] = ()) -> list[str]:
    """List the columns to group by; none for None.

    Parameters
    ----------
    by : str, sequence of str, or None
        What the caller asked for.
    result : sequence of str
        Columns that the result has beside the keys.

    Returns
    -------
    list of str
        The names, each once, in the caller's order.

    Raises
    ------
    ArgumentError
        If a key is no name, or is the name of another column of the result.
    """
    if by is None:
        return []
    keys = [by] if isinstance(by, str) else list(by) if isinstance(by, Iterable) else [by]
    for key in keys:
        if not isinstance(key, str):
            raise ArgumentError(f"by={by!r}: give the name of a column, a list of names, or None")
        if key in result:
            raise ArgumentError(
                f"by={key!r}: the result has a column {key!r} of its own, rename it in the table"
            )
    return list(dict.fromkeys(keys))


def is_lazy(frame: Frame) -> bool:
    """Tell whether a frame is a query still to be run, rather than data in memory."""
    return isinstance(frame, nw.LazyFrame)


def _open(table: object, name: str) -> Frame:
    got, remedy = type(table).__name__, f"pass for example the {name} of a snapshot"
    other = OTHER_KINDS.get(type(table).__module__.partition(".")[0])
    if other is None:
        if isinstance(table, pd.DataFrame):
            check_names(table)
        frame = cast("Frame", nw.from_native(cast("Any", table), pass_through=True))
        kind = getattr(frame, "implementation", nw.Implementation.UNKNOWN)
        if kind.is_pandas() or kind.is_polars() or kind.is_duckdb() or kind.is_spark_like():
            return frame
    else:
        got, remedy = f"{other[0]} {got}", f"convert it with {other[1]}"
    raise ArgumentError(f"expected a pandas, Polars, DuckDB or PySpark table, got {got}: {remedy}")


def column_names(table: object, name: str = "jobs") -> list[str]:
    """List the columns of a table of any kind, where a helper takes more than one kind of rows.

    Raises
    ------
    ArgumentError
        If it is no table.
    """
    if isinstance(table, pd.DataFrame):
        check_names(table)
        return table.columns.to_list()
    return _open(table, name).columns


def schema_of(frame: Frame) -> dict[str, nw.dtypes.DType]:
    """Tell the types of the columns, without what narwhals runs a query for.

    DuckDB's times are in the zone of its session, for whose name narwhals plans and runs the whole
    query of the frame each time that it is asked for a schema.
    """
    if not frame.implementation.is_duckdb():
        return dict(frame.collect_schema())
    relation = frame.to_native()
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    others = [name for name, dtype in types.items() if dtype != DUCKDB_TIME]
    found = dict(frame.select(*others).collect_schema()) if others else {}
    return {name: found.get(name, nw.Datetime("us", "UTC")) for name in types}


def read_table(
    table: object,
    columns: Sequence[str],
    *,
    name: str = "jobs",
    times: Sequence[str] = TIMES,
    others: bool = False,
) -> Frame:
    """Open a table of any kind, with the columns that are needed.

    Parameters
    ----------
    table : pandas, Polars, DuckDB or PySpark table
        The caller's table; it is not changed.
    columns : sequence of str
        The columns that must be there; repeated names count once.
    name : str
        The table of a snapshot that is expected.
    times : sequence of str
        The columns that must hold times, where they are kept.
    others : bool
        Whether to keep the other columns too.

    Returns
    -------
    narwhals frame
        Times are in UTC and microseconds where the engine keeps a zone with each column, numbers
        that are not there are null, and pandas rows are numbered from 0.

    Raises
    ------
    ArgumentError
        If it is no table, a column is missing, or a column of times holds none.
    """
    if isinstance(table, pd.DataFrame):
        check_names(table)
        there = table.columns.to_list()
    else:
        frame = _open(table, name)
        there = frame.columns
    missing = [column for column in columns if column not in there]
    if missing:
        raise ArgumentError(
            f"no column {', '.join(map(repr, missing))} in the table: "
            f"it has {', '.join(there) or 'none'}{did_you_mean(missing[0], there)}"
        )
    names = there if others else list(dict.fromkeys(columns))
    if isinstance(table, pd.DataFrame):
        asked = {*columns, *(name for name in names if name in times)}
        few = pick_columns(table, names).reset_index(drop=True)
        plain = plain_columns(few, asked, times, NUMBERS)
        frame = cast("Frame", nw.from_native(cast("Any", plain)))
        if _is_normal(plain, times):
            return frame
    elif frame.implementation.is_duckdb():
        frame = select_in_duckdb(frame, names, times)
    elif frame.implementation.is_spark_like():
        frame = with_zone(frame, times)
    else:
        frame = with_zone(frame.select(*names), times)
    dtypes = schema_of(frame)
    found = {name: _normal(name, dtypes[name], frame, times) for name in names}
    changes = {name: change for name, change in found.items() if change is not None}
    if frame.implementation.is_spark_like():
        # in one step, and with the types of the table as it came: Spark takes long for each
        return frame.select(*(changes.get(name, nw.col(name)) for name in names))
    return frame.with_columns(*changes.values()) if changes else frame


def _is_normal(table: pd.DataFrame, times: Sequence[str]) -> bool:
    """Tell whether nothing is left to do, as for all tables of snapshots."""
    for name, dtype in zip(table.columns, table.dtypes, strict=True):
        if name in times or dtype.kind == "M":
            if dtype != UTC_TIME:
                return False
        elif name in NUMBERS and dtype.kind not in "iufb":
            return False
    return True


def _normal(name: str, dtype: Any, frame: Frame, times: Sequence[str]) -> nw.Expr | None:
    column = nw.col(name)
    kind = frame.implementation
    if name in times and not isinstance(dtype, nw.Datetime):
        raise ArgumentError(f"column {name!r} holds {dtype}, not times: convert it first")
    if name in NUMBERS and isinstance(dtype, (nw.String, nw.Categorical, nw.Enum)):
        raise ArgumentError(f"column {name!r} holds {dtype}, not numbers: convert it first")
    if isinstance(dtype, nw.Datetime) and (kind.is_pandas_like() or kind.is_polars()):
        if dtype.time_zone is None:
            column = column.dt.replace_time_zone("UTC")
        elif dtype.time_zone != "UTC":
            column = column.dt.convert_time_zone("UTC")
        elif dtype.time_unit == "us":
            return None
        return column.cast(nw.Datetime("us", "UTC"))
    if dtype.is_float() and not (kind.is_pandas_like() or kind.is_duckdb()):
        return column.fill_nan(None)
    return None


def _types(frame: Frame) -> list[pa.DataType]:
    types: list[pa.DataType] = frame.to_native().schema.types
    return types


def plain_text(frame: Frame, names: Sequence[str], *, compared: Sequence[str] = ()) -> Frame:
    """Turn categories into text, so that they sort as text on every engine.

    Those that are only `compared` with text stay as they are in pandas, where that is quicker.
    """
    if frame.implementation.is_pandas():
        # narwhals asks pandas for TEXT, which its options give other meanings
        native: Any = frame.to_native()
        kinds = {
            name: TEXT for name in names if isinstance(native[name].dtype, pd.CategoricalDtype)
        }
        return nw.from_native(with_dtypes(native, kinds)) if kinds else frame
    if frame.implementation.is_spark_like():
        # it has none, and takes its time to list the types
        return frame
    if frame.implementation.is_pyarrow() and not any(map(pa.types.is_dictionary, _types(frame))):
        return frame
    schema = schema_of(frame)
    casts = [
        nw.col(name).cast(nw.String)
        for name in dict.fromkeys([*names, *compared])
        if isinstance(schema[name], (nw.Categorical, nw.Enum))
    ]
    return frame.with_columns(*casts) if casts else frame


def to_pandas(frame: Frame, *, most: int | None = None, what: str = "rows") -> pd.DataFrame:
    """Collect a frame: pandas types as in the tables, times in UTC, rows numbered from 0.

    Parameters
    ----------
    frame : narwhals frame
        Of a lazy one, the caller sees to it that it is small.
    most : int, optional
        How many rows a lazy one may have, where nothing else bounds them.
    what : str, optional
        What these rows are, for the error.

    Returns
    -------
    pandas.DataFrame
        The rows.

    Raises
    ------
    ArgumentError
        If there are more than `most`.
    """
    if frame.implementation.is_pandas():
        return cast("pd.DataFrame", nw.maybe_reset_index(frame).to_native())
    # By way of Arrow: DuckDB's own way to pandas warns with pandas 3.1.
    eager = collect(frame if most is None or not is_lazy(frame) else frame.head(most + 1))
    if most is not None and is_lazy(frame) and len(eager) > most:
        raise ArgumentError(
            f"more than {most:,} {what}: they do not fit into memory, filter the table first"
        )
    arrow = eager.to_arrow()
    types = [MOMENT if pa.types.is_timestamp(kind) else kind for kind in arrow.schema.types]
    named = zip(arrow.column_names, types, strict=True)
    arrow = arrow.cast(pa.schema(named, arrow.schema.metadata), safe=False)
    table = arrow.to_pandas(date_as_object=False)
    for name, kind in zip(arrow.column_names, types, strict=True):
        if pa.types.is_integer(kind) and arrow[name].null_count:
            table[name] = arrow[name].to_pandas(types_mapper={kind: pd.Int64Dtype()}.get)
    return cast("pd.DataFrame", table)


def collect(frame: Frame) -> "nw.DataFrame[Any]":
    """Let the engine of a lazy frame run; all that crosses into Python crosses here."""
    if isinstance(frame, nw.LazyFrame):
        return frame.collect("pyarrow")
    return cast("nw.DataFrame[Any]", frame)


def from_pandas(result: pd.DataFrame, like: Frame) -> Frame:
    """Turn a small pandas table into a frame of the kind, and on the connection, of another.

    Parameters
    ----------
    result : pandas.DataFrame
        What was collected and worked on.
    like : narwhals frame
        A frame of the wanted kind.

    Returns
    -------
    narwhals frame
        The same rows, in the same order.
    """
    kind = like.implementation
    small: Any = nw.from_native(result.reset_index(drop=True), eager_only=True)
    if kind.is_pandas():
        return cast("Frame", small)
    if kind.is_pyarrow():
        arrow = arrow_table(result)
        return cast("Frame", nw.from_native(small.to_arrow() if arrow is None else arrow))
    if kind.is_duckdb():
        # DuckDB finds the table by the name of this variable; a table of the user's would win.
        trainview_collected = small.to_arrow()  # noqa: F841
        native = like.to_native()
        relation = native.query("trainview_like", "SELECT * FROM trainview_collected")
        return cast("Frame", nw.from_native(relation))
    if kind.is_spark_like():
        session, arrow = like.to_native().sparkSession, small.to_arrow()
        # Spark Connect finds no types in a table without rows.
        if not len(arrow):
            row = pa.table([pa.nulls(1, field.type) for field in arrow.schema], arrow.schema)
            return cast("Frame", nw.from_native(session.createDataFrame(row).limit(0)))
        return cast("Frame", nw.from_native(session.createDataFrame(arrow)))
    eager: Any = nw.from_arrow(small.to_arrow(), backend=cast("Any", kind))
    return cast("Frame", eager.lazy() if is_lazy(like) else eager)


def in_memory(table: pd.DataFrame) -> Frame:
    """Make a frame of a pandas table."""
    return cast("Frame", nw.from_native(table, eager_only=True))


def in_pandas(frame: Frame) -> Frame:
    """Turn a frame, of a lazy engine a small one, into one of pandas."""
    return in_memory(to_pandas(frame))


def give_back(frame: Frame, table: DataFrame) -> DataFrame:  # noqa: ARG001
    """Unwrap a result; it has the kind of the caller's table, and pandas rows count from 0."""
    if frame.implementation.is_pyarrow():
        return cast("DataFrame", to_pandas(frame))
    return cast("DataFrame", nw.maybe_reset_index(frame).to_native())


def give_back_small(result: pd.DataFrame, table: DataFrame) -> DataFrame:
    """Turn a small pandas table into a result of the kind, and on the connection, of the caller's.

    Of the caller's table itself, since DuckDB plans all of a query that another one is put beside.
    """
    return give_back(from_pandas(result, nw.from_native(table)), table)


def only(frame: Frame, column: str, values: "pd.Series[Any]") -> Frame:
    """Keep the rows whose text in one column is among some collected values."""
    if frame.implementation.is_pandas() and schema_of(frame)[column] == nw.String:
        # its isin makes an object of each value of text
        table = to_pandas(frame)
        is_wanted = pd.Index(values.dropna().unique()).get_indexer(table[column]) >= 0
        return cast("Frame", nw.from_native(table[is_wanted], eager_only=True))
    if frame.implementation.is_pyarrow():
        # narwhals gives a list without a value no type, which Arrow refuses
        table = frame.to_native()
        wanted = pa.array(values.dropna().unique(), from_pandas=True).cast(table[column].type)
        kept = table.filter(pc.is_in(table[column], value_set=wanted))
        return cast("Frame", nw.from_native(kept, eager_only=True))
    if not is_lazy(frame) or frame.implementation.is_polars():
        # Polars reads of other columns only what it needs then
        return frame.filter(nw.col(column).is_in(values.dropna().unique().tolist()))
    wanted = pd.DataFrame({column: values.unique()})
    return frame.join(from_pandas(wanted, frame), on=column, how="semi")
