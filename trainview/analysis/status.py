"""How many jobs are in which state, and how long jobs take."""

from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import (
    By,
    Frame,
    from_pandas,
    give_back,
    group_keys,
    is_lazy,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.small_tables import read_small
from trainview.analysis.times import spark_expression
from trainview.analysis.totals import with_total
from trainview.schema.table_types import DataFrame

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def status_counts(jobs: DataFrame, by: By = None) -> DataFrame:
    """Count the jobs in each status.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``status``, ``phase`` and the columns of `by`.
    by : str or sequence of str, optional
        Columns to count within; all jobs together when left out.

    Returns
    -------
    table of the same kind as `jobs`
        One row a status of a group; the largest group first, inside it the most frequent status.

        - the columns of `by`, categories as text
        - ``status`` (text): status label
        - ``phase`` (text): the coarse state it belongs to
        - ``jobs`` (int64): number of jobs
        - ``share`` (float64): that number as a fraction of the group, 0 to 1

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "status": ["running", "failed", "failed", "deploy-failed"],
    ...         "phase": ["running", "failed", "failed", "failed"],
    ...     }
    ... )
    >>> status_counts(jobs)
              status    phase  jobs  share
    0         failed   failed     2   0.50
    1  deploy-failed   failed     1   0.25
    2        running  running     1   0.25
    """
    keys = group_keys(by, result=("jobs", "share"))
    columns = list(dict.fromkeys([*keys, "status", "phase"]))
    counts = read_small(jobs, columns).group_by(*columns).agg(jobs=nw.len())
    counts = plain_text(counts, columns).with_columns(nw.col("jobs").cast(nw.Int64))
    if keys:
        counts = counts.with_columns(__total=nw.col("jobs").sum().over(*keys))
    else:
        counts = with_total(counts, "__total", "jobs")
    counts = counts.with_columns(nw.col("__total").cast(nw.Int64))
    counts = counts.with_columns(share=nw.col("jobs") / nw.col("__total"))
    order = ["__total", *keys, "jobs", *columns[len(keys) :]]
    counts = counts.sort(
        *order, descending=[name in {"__total", "jobs"} for name in order], nulls_last=True
    )
    return give_back(counts.select(*columns, "jobs", "share"), jobs)


def elapsed_stats(jobs: DataFrame, by: By = "status") -> DataFrame:
    """Summarise how long jobs took from submission to their end.

    Elapsed time includes queueing and deployment, and that of an open job is not over yet.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``elapsed_hours`` and the columns of `by`.
    by : str or sequence of str, optional
        Columns to group by; None for one row over all jobs.

    Returns
    -------
    table of the same kind as `jobs`
        One row a group, the one with most jobs first.

        - the columns of `by`, categories as text
        - ``jobs`` (int64): number of jobs with a known elapsed time
        - ``mean``, ``p50``, ``p90``, ``p99``, ``max`` (float64): hours; quantiles interpolate
          linearly between the two nearest jobs, all are null where no elapsed time is known

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> jobs = pd.DataFrame({"status": ["completed"] * 3, "elapsed_hours": [1.0, 2.0, 6.0]})
    >>> elapsed_stats(jobs)
          status  jobs  mean  p50  p90   p99  max
    0  completed     3   3.0  2.0  5.2  5.92  6.0
    """
    keys = group_keys(by, result=("jobs", "mean", *QUANTILES, "max"))
    frame = read_table(jobs, [*keys, "elapsed_hours"])
    if keys and not is_lazy(frame):
        stats = from_pandas(_summary(to_pandas(frame), keys), frame)
    elif frame.implementation.is_duckdb():
        stats = _query_duckdb(frame, keys)
    elif frame.implementation.is_spark_like():
        stats = _query_spark(frame, keys)
    else:
        elapsed = nw.col("elapsed_hours")
        summary = {
            "jobs": elapsed.count(),
            "mean": elapsed.mean(),
            **{name: elapsed.quantile(at, "linear") for name, at in QUANTILES.items()},
            "max": elapsed.max(),
        }
        stats = frame.group_by(*keys).agg(**summary) if keys else frame.select(**summary)
    stats = plain_text(stats, keys).with_columns(nw.col("jobs").cast(nw.Int64))
    stats = stats.sort("jobs", *keys, descending=[True] + [False] * len(keys), nulls_last=True)
    return give_back(stats, jobs)


def _query_duckdb(frame: Frame, keys: list[str]) -> Frame:
    """Write the same for DuckDB, which holds all values once for several quantiles in a list."""
    names = ", ".join('"' + key.replace('"', '""') + '"' for key in keys)
    places = ", ".join(map(str, QUANTILES.values()))
    hours = "elapsed_hours::DOUBLE"
    summary = f"""
        count({hours}) AS jobs, avg({hours}) AS mean, max({hours}) AS max,
        quantile_cont({hours}, [{places}]) AS __quantiles"""
    native: Any = frame.to_native()
    found = native.aggregate(f"{names}, {summary}", names) if keys else native.aggregate(summary)
    quantiles = (f"__quantiles[{place}] AS {name}" for place, name in enumerate(QUANTILES, 1))
    columns = [*([names] if keys else []), "jobs", "mean", *quantiles, '"max"']
    return cast("Frame", nw.from_native(found.project(", ".join(columns))))


def _query_spark(frame: Frame, keys: list[str]) -> Frame:
    """Write the same for Spark, which likewise holds all values once for several quantiles."""
    hours = "CAST(elapsed_hours AS DOUBLE)"
    places = ", ".join(map(str, QUANTILES.values()))
    summary = {
        "jobs": f"count({hours})",
        "mean": f"avg({hours})",
        "max": f"max({hours})",
        "__quantiles": f"percentile({hours}, array({places}))",
    }
    aggregations = [spark_expression(frame, words).alias(name) for name, words in summary.items()]
    found = frame.to_native().groupBy(*keys).agg(*aggregations)
    quantiles = {
        name: spark_expression(frame, f"__quantiles[{place}]")
        for place, name in enumerate(QUANTILES)
    }
    found = cast("Frame", nw.from_native(found.withColumns(quantiles)))
    return found.select(*keys, "jobs", "mean", *QUANTILES, "max")


def _summary(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Summarise a table in memory: pandas sorts once for all quantiles, narwhals for each."""
    grouped = table.groupby(keys, sort=False, observed=True, dropna=False)["elapsed_hours"]
    quantiles = grouped.quantile(np.array(list(QUANTILES.values()))).to_numpy("float64")
    stats = grouped.agg(["count", "mean", "max"]).rename(columns={"count": "jobs"})
    stats[list(QUANTILES)] = quantiles.reshape(len(stats), len(QUANTILES))
    return stats.reset_index()[[*keys, "jobs", "mean", *QUANTILES, "max"]]
