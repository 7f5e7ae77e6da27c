"""What users write, for type checkers alone: nobody runs it (see test_typing.py).

A line that must be an error says `type: ignore`, and both checkers complain if it is none.
"""

from pathlib import Path
from typing import assert_type

import duckdb
import pandas as pd
import polars as pl
import pyspark.sql
from matplotlib.axes import Axes

import trainview as tv


def with_pandas(snap: tv.Snapshot, fetched: tv.Fetched) -> None:
    usage = tv.gpu_usage(snap.jobs, by=["team_name", "gpu_type"])
    assert_type(usage, pd.DataFrame)
    assert_type(usage.nlargest(3, "gpu_hours")["share"].sum() > 0, bool)
    assert_type(usage.pipe(tv.plot_gpu_usage), Axes)
    assert_type(snap.jobs.pipe(tv.gpu_usage, by=None).pipe(tv.plot_gpu_usage), Axes)
    assert_type(tv.gpu_usage(snap.clip("7d").jobs), pd.DataFrame)
    phases = snap.job_phases()
    goodput = tv.goodput(snap.jobs, phases, snap.checkpoints, metrics=fetched.table)
    assert_type(goodput, pd.DataFrame)
    assert_type(tv.spend_pace(snap.billing, by="team_name"), pd.DataFrame)
    assert_type(tv.spend_pace(jobs=snap.jobs, prices=snap.prices), pd.DataFrame)
    assert_type(tv.compare(snap, since="7d", by="team_name").pipe(tv.plot_compare), Axes)
    assert_type(snap.summary(), pd.DataFrame)
    assert_type(tv.report(snap, "report.html"), Path)
    timeline = tv.explore(snap)
    assert_type(timeline.selection, pd.DataFrame)
    timeline.selection = snap.jobs.head(2)
    assert_type(tv.error_groups(timeline.selection), pd.DataFrame)
    assert_type(repr(tv.explore(usage)), str)


def with_others(
    eager: pl.DataFrame,
    lazy: pl.LazyFrame,
    relation: duckdb.DuckDBPyRelation,
    spark: pyspark.sql.DataFrame,
    prices: pd.DataFrame,
) -> None:
    assert_type(tv.gpu_usage(eager).pipe(tv.plot_gpu_usage), Axes)
    assert_type(tv.estimate_cost(eager, prices), pl.DataFrame)
    assert_type(tv.estimate_cost(lazy, prices), pl.LazyFrame)
    assert_type(tv.estimate_cost(relation, prices), duckdb.DuckDBPyRelation)
    assert_type(tv.estimate_cost(spark, prices), pyspark.sql.DataFrame)
    assert_type(tv.gpu_usage(tv.scan("history").jobs), pl.LazyFrame)
    assert_type(tv.scan("history", engine="duckdb").metrics, duckdb.DuckDBPyRelation)
    assert_type(
        tv.goodput(tv.scan("s3://b/h", engine="spark").jobs, prices, None), pyspark.sql.DataFrame
    )


def with_mistakes(snap: tv.Snapshot) -> None:
    tv.gpu_usage(snap.jobs, by=3)  # type: ignore[arg-type]
    tv.gpu_usage(snap.jobs, by=["team_name", 3])  # type: ignore[list-item]
    tv.gpu_usage(snap.jobs, by={"team_name": "a"})  # type: ignore[arg-type]
    tv.gpu_usage(snap)  # type: ignore[type-var]
    tv.gpu_usage("jobs.csv")  # type: ignore[type-var]
    tv.explore("jobs.csv")  # type: ignore[call-overload]
    tv.estimate_cost(snap.jobs, prices=3.5)  # type: ignore[arg-type]
    tv.scan("history", engine="dask")  # type: ignore[call-overload]
    tv.plot_gpu_usage([1, 2])  # type: ignore[arg-type]
    tv.gpu_usage(snap.jobs).pipe(tv.plot_gpu_usage, axes=None)  # type: ignore[call-overload]
