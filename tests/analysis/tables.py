"""Tiny jobs tables, in every kind that the helpers take, and results made comparable."""

import os
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

from tests.analysis import spark
from trainview.analysis.pandas_dtypes import UTC_TIME
from trainview.schema import FLEET_TABLES, JOBS, PROJECTS, pandas_dtype
from trainview.statuses import STATUSES

# test_spark.py tries every helper on PySpark, which is slow; make test-spark tries everything.
KINDS = ("pandas", "polars", "polars lazy", "duckdb")
if (chosen := os.environ.get("TRAINVIEW_TEST_KINDS", "all")) != "all":
    KINDS = ("pandas", chosen)
UNPRICED = {f"unpriced_jobs_{side}" for side in ("before", "after", "difference")}
MIDNIGHT = pd.Timestamp("2025-01-01", tz="UTC")
BY_LABEL = {status.label: status for status in STATUSES}


def at(moment: float | str | datetime) -> pd.Timestamp:
    """A moment; a number counts hours from the first midnight of 2025."""
    if isinstance(moment, int | float):
        return MIDNIGHT + pd.Timedelta(hours=moment)
    time = pd.Timestamp(moment)
    return time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC")


def job(start: Any = 0, end: Any = 1, **changes: Any) -> dict[str, Any]:
    """One job with consistent durations, as the tables have them; 8 GPUs, completed."""
    status = BY_LABEL[changes.get("status") or "completed"]
    created, ended, gpus = at(start), at(end), changes.get("gpus", 8)
    elapsed = (ended - created).total_seconds() / 3600 if ended >= created else None
    held = gpus * elapsed if status.holds_gpus and elapsed is not None else elapsed and 0.0
    number = changes.pop("number", 0)
    return {
        "job_id": f"j{number}",
        "job_name": f"run-{number}",
        "project_id": "p1",
        "project_name": "llm",
        "current_status": status.api,
        "status": status.label,
        "phase": status.phase,
        "error_message": None,
        "created_at": created,
        "updated_at": ended,
        "end_at": ended,
        "is_open": not status.terminal,
        "elapsed_hours": elapsed,
        "instance_type_id": "H100:8",
        "gpu_type": "H100",
        "gpu_count": gpus,
        "node_count": 1,
        "gpus": gpus,
        "gpu_hours": held,
        "user_email": "ada@example.com",
    } | changes


def table(*rows: dict[str, Any], schema: pa.Schema = JOBS) -> pd.DataFrame:
    """A pandas table with all columns and their dtypes."""
    numbered = [
        row | ({"job_id": f"j{number}"} if row.get("job_id") == "j0" else {})
        for number, row in enumerate(rows)
    ]
    filled = {"memory_limit_mib": 1, "millicpu_limit": 1}
    columns = {}
    told = set(filled).union(*numbered)
    for field in schema:
        dtype = pandas_dtype(field)
        if field.name in told:
            values = [row.get(field.name, filled.get(field.name)) for row in numbered]
            columns[field.name] = _column(values, dtype)
        else:
            columns[field.name] = _nothing(dtype, len(numbered))
    return pd.DataFrame(columns)


def _column(values: list[Any], dtype: Any) -> pd.Series:
    # by way of text, so that a category without values has text categories too
    return pd.Series(values, dtype="str" if dtype == "category" else "object").astype(dtype)


@cache
def _nothing(dtype: Any, rows: int) -> pd.Series:
    """A column of which no row tells anything, as most are; tables copy it."""
    return _column([None] * rows, dtype)


def projects(*rows: dict[str, Any]) -> pd.DataFrame:
    return table(*rows, schema=PROJECTS)


# Sums of these are exact, so that groups that cost the same are tied on every engine.
PRICES = pd.DataFrame(
    {
        "instance_type_id": ["H100:8", "1x4", "unpriced"],
        "usd_per_minute": [0.5, 0.015625, None],
    }
)


def billing(*rows: dict[str, Any]) -> pd.DataFrame:
    """A bill; days are counted from the first of 2025, or null."""
    defaults = {"is_deleted": False, "minutes": 60, "project_name": "llm"}
    filled = [
        defaults
        | row
        | {
            "date": None if row["day"] is None else at(24 * row["day"]),
            "subtotal_usd": Decimal(row["usd"]),
        }
        for row in rows
    ]
    return table(*filled, schema=FLEET_TABLES["billing"])


@st.composite
def bills(draw: st.DrawFn, most: int = 12) -> pd.DataFrame:
    """Days of jobs that are in `jobs`, or not, and of no job; cents and smaller parts."""
    cents = st.integers(0, 10**5).map(lambda amount: f"{amount / 100:.2f}")
    parts = st.integers(0, 10**16).map(lambda amount: f"{amount // 10**12}.{amount % 10**12:012d}")
    rows = []
    for _ in range(draw(st.integers(0, most))):
        name = draw(st.sampled_from(["j1", "j2", "j3", "j4", "gone", "lost", None]))
        rows.append(
            {
                "job_id": name,
                "project_name": draw(st.sampled_from(["P1", "old", None])),
                "is_deleted": name == "gone",
                "day": draw(st.none() | st.integers(-1, 5)),
                "minutes": draw(st.integers(0, 1440)),
                "usd": draw(cents | parts),
            }
        )
    return billing(*rows)


def convert(frame: pd.DataFrame, kind: str) -> Any:
    if kind == "pandas":
        return frame
    polars = pl.from_pandas(frame)
    if kind == "polars":
        return polars
    if kind == "polars lazy":
        return polars.lazy()
    if kind == spark.KIND:
        return spark.from_arrow(polars.to_arrow())
    return _connection(tuple(frame)).from_arrow(polars.to_arrow())


@cache
def _connection(_columns: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
    """A connection for tables of one kind: making one takes longer than most queries.

    Neither the default connection nor a zone that happens to be the right one.
    """
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/New_York'")
    connection.execute("SET threads = 1")
    return connection


def is_kind(result: Any, kind: str) -> bool:
    if kind == spark.KIND:
        return type(result).__module__.startswith("pyspark.sql.")
    classes = {
        "pandas": pd.DataFrame,
        "polars": pl.DataFrame,
        "polars lazy": pl.LazyFrame,
        "duckdb": duckdb.DuckDBPyRelation,
    }
    return isinstance(result, classes[kind])


def collected(result: Any) -> pd.DataFrame:
    """A result as pandas; what only differs because of the engine is made the same."""
    if isinstance(result, pd.DataFrame):
        assert isinstance(result.index, pd.RangeIndex)
        assert (result.index.start, result.index.step) == (0, 1)
        frame = result.copy(deep=False)
    else:
        if isinstance(result, pl.LazyFrame):
            result = result.collect()
        names = {pl.DataFrame: "to_arrow", duckdb.DuckDBPyRelation: "to_arrow_table"}
        arrow = getattr(result, names.get(type(result), "toArrow"))()
        utc = pa.timestamp("us", "UTC")
        types = [utc if getattr(kind, "tz", None) else kind for kind in arrow.schema.types]
        named = zip(arrow.column_names, types, strict=True)
        frame = arrow.cast(pa.schema(named), safe=False).to_pandas()
    for name, dtype in frame.dtypes.items():
        if isinstance(dtype, pd.DatetimeTZDtype) and dtype != UTC_TIME:
            frame[name] = frame[name].dt.tz_convert("UTC").dt.as_unit("us")
        elif dtype == "object":
            frame[name] = frame[name].astype("str")
        if name in {"baseline", "lane", "limit", "priority"} or name in UNPRICED:
            frame[name] = frame[name].astype("Int64")
    return frame


def assert_same(result: Any, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(collected(result), collected(expected), rtol=1e-12, atol=1e-9)


def moments(first: str = "2025-01-01", hours: int = 100) -> st.SearchStrategy[pd.Timestamp]:
    """Moments to the microsecond; whole and quarter hours are frequent."""
    exact = st.integers(0, hours * 4).map(lambda quarters: quarters * 900_000_000)
    any_time = st.integers(0, hours * 3_600_000_000)
    start = pd.Timestamp(first, tz="UTC")
    return (exact | any_time).map(lambda us: start + pd.Timedelta(microseconds=us))


@st.composite
def jobs(
    draw: st.DrawFn,
    times: st.SearchStrategy[pd.Timestamp] | None = None,
    *,
    most: int = 12,
    least: int = 0,
    messages: st.SearchStrategy[str | None] | None = None,
) -> pd.DataFrame:
    times = moments() if times is None else times
    projects = st.sampled_from(["p1", "p2", "prójekt"])
    texts = st.none() | st.sampled_from(["out of memory", "step 1", "step 22"])
    rows = []
    for number in range(draw(st.integers(least, most))):
        start, end = sorted([draw(times), draw(times)])
        if draw(st.integers(0, 9)) == 0:
            start, end = end, start
        project = draw(projects)
        gpus, nodes = draw(st.sampled_from([0, 1, 2, 8])), draw(st.sampled_from([1, 1, 2]))
        rows.append(
            job(
                start,
                end,
                number=number,
                status=draw(st.sampled_from(list(BY_LABEL))),
                gpus=gpus * nodes,
                gpu_count=gpus,
                node_count=nodes,
                gpu_type=draw(st.sampled_from(["H100", "A10G", None])),
                instance_type_id=draw(st.sampled_from(["H100:8", "1x4", "unpriced", "unlisted"])),
                project_id=project,
                project_name=project.upper(),
                error_message=draw(texts if messages is None else messages),
            )
        )
    return table(*rows)
