"""Samples of the GPUs' metrics: which series they belong to, and how much time they speak for.

A sample covers the time from its timestamp on, for one step, but at most to the next sample of its
series; where the step is not known, it covers nothing. Where there are jobs, only their samples
count; and where the start and the end of a job are known, only what lies between them, and samples
that speak for none of it are left out. So jobs that were cut to a window give the window alone.
Times that contradict each other, an end before the start, limit nothing. Tables in pandas are
worked on with NumPy, all others by their engine, to the same numbers.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from trainview.analysis.frames import (
    By,
    Frame,
    Integers,
    Numbers,
    column_names,
    group_keys,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.grouping import number_groups, runs
from trainview.analysis.holding import HELD as HELD_AT
from trainview.analysis.joins import ELSEWHERE, MOST_ROWS
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.sharing import once
from trainview.analysis.steps import microseconds
from trainview.analysis.times import US_PER_SECOND
from trainview.errors import ArgumentError
from trainview.text.names import did_you_mean

UTILIZATION = "gpu_utilization"
MEMORY = "gpu_memory_usage_bytes"
LIFE = {"__start": "created_at", "__end": "end_at", "__held_from": HELD_AT}
Marks: TypeAlias = npt.NDArray[np.bool_]
# What makes one GPU: a job that starts again elsewhere has others.
GPU = ("job_id", "node_id", "gpu")


def sample_keys(by: By, *, result: Sequence[str], jobs: bool) -> list[str]:
    """List the columns to group samples by.

    Parameters
    ----------
    by : str, sequence of str, or None
        What the caller asked for.
    result : sequence of str
        Columns that the result has beside the keys.
    jobs : bool
        Whether there is a jobs table, whose columns may be keys too.

    Returns
    -------
    list of str
        The names, each once, in the caller's order.

    Raises
    ------
    ArgumentError
        If a key is no name, the name of another column of the result, or found nowhere.
    """
    keys = group_keys(by, result=result)
    for key in keys:
        if key not in GPU and not jobs:
            raise ArgumentError(
                f"by={key!r}: samples are grouped by {', '.join(GPU)}, and by the columns of a "
                "jobs table where the helper takes one and you give it"
                f"{did_you_mean(key, GPU)}"
            )
    return keys


def read_jobs(jobs: object, columns: Iterable[str]) -> pd.DataFrame:
    """Collect what is needed of a jobs table, one row a job.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        With ``job_id`` and the columns; ``created_at``, ``end_at``, ``gpus`` and ``gpu_hours`` are
        read too where it has them.
    columns : iterable of str
        What else is needed.

    Returns
    -------
    pandas.DataFrame
        ``job_id``, the columns, and ``__start`` and ``__end``: when the job began and ended, in
        microseconds since 1970 UTC, null where that is not known or contradicts itself;
        ``__held_from``, from when on it held GPUs; ``__gpu_hours``, which it held,
        ``__held_of_one``, those of one of its GPUs, and ``__gpus``, NaN where not known.
    """
    columns = list(dict.fromkeys(["job_id", *columns]))
    if not isinstance(jobs, pd.DataFrame):
        return _lives(jobs, columns)
    lives = once("lives", [jobs], lambda: _lives(jobs, ["job_id"]))
    # what was asked for before, while tables are shared, is there already
    known: dict[str, pd.Series[Any]] = once("facts", [jobs], dict)
    new = [name for name in columns[1:] if name not in known]
    if new:
        more = to_pandas(plain_text(read_table(jobs, new), new)).take(lives.index.to_numpy())
        known.update((str(name), column) for name, column in _nullable(more).items())
    return lives.assign(**{name: known[name] for name in columns[1:]})


def _lives(jobs: object, columns: Sequence[str]) -> pd.DataFrame:
    there = column_names(jobs)
    known = [name for name in ("created_at", "end_at", HELD_AT) if name in there]
    held = [name for name in ("gpus", "gpu_hours") if name in there]
    frame = read_table(jobs, [*columns, *known, *held])
    every = to_pandas(plain_text(frame, frame.columns), most=MOST_ROWS, what=ELSEWHERE)
    table = every.dropna(subset="job_id").drop_duplicates("job_id", keep="last")
    size = len(table)
    time = {
        name: microseconds(table[at]) if at in known else np.zeros(size, "int64")
        for name, at in LIFE.items()
    }
    unknown = {
        name: table[at].isna().to_numpy() if at in known else np.ones(size, "bool")
        for name, at in LIFE.items()
    }
    start, end, since = LIFE
    contradicts = ~(unknown[start] | unknown[end]) & (time[end] < time[start])
    time[since] = np.where(unknown[since], time[start], time[since])
    unknown[since] = unknown[since] & unknown[start]
    life = {name: pd.arrays.IntegerArray(time[name], unknown[name] | contradicts) for name in LIFE}
    amounts = {
        f"__{name}": table[name].astype("float64")
        if name in held
        else pd.Series(np.nan, table.index)
        for name in ("gpus", "gpu_hours")
    }
    amounts["__held_of_one"] = amounts["__gpu_hours"] / amounts["__gpus"].where(
        amounts["__gpus"] > 0
    )
    # A key may be needed for more than to group by it.
    table = with_dtypes(_nullable(table[columns]), {"job_id": TEXT})
    return table.assign(**life, **amounts)


def _nullable(table: pd.DataFrame) -> pd.DataFrame:
    """Keep integers whole where a job has samples but no row."""
    kinds = {"i": "Int64", "b": "boolean"}
    dtypes = {str(name): kinds.get(dtype.kind, dtype) for name, dtype in table.dtypes.items()}
    return with_dtypes(table, dtypes)


def read_samples(metrics: object, names: Sequence[str]) -> Frame:
    """Open a metrics table at the samples of GPUs.

    Parameters
    ----------
    metrics : pandas, Polars, DuckDB or PySpark table
        The table.
    names : sequence of str
        The metrics to read.

    Returns
    -------
    narwhals frame
        ``job_id``, ``node_id``, ``gpu``, ``metric``, ``timestamp``, ``value``, and
        ``step_seconds``, which is null where it is not above zero. Samples without a value are
        left out of tables in pandas, and else by `trainview.analysis.sample_queries`, which may
        not have to read the values of all samples once more for it.
    """
    return once("measured", [metrics], lambda: _read_samples(metrics, names), *names)


def _read_samples(metrics: object, names: Sequence[str]) -> Frame:
    columns = [*GPU, "metric", "timestamp", "value", "step_seconds"]
    frame = read_table(metrics, columns)
    if not frame.implementation.is_pandas():
        # Not only categories: a column without any value may have no type at all.
        frame = frame.with_columns(nw.col("job_id", "node_id", "metric").cast(nw.String))
    wanted = nw.col("metric") == names[0]
    for name in names[1:]:
        wanted = wanted | (nw.col("metric") == name)
    known = ["gpu", "timestamp", *(["value"] if frame.implementation.is_pandas() else [])]
    there = [~nw.col(name).is_null() for name in known]
    step = nw.col("step_seconds")
    return frame.filter(wanted, *there).with_columns(
        nw.col("gpu").cast(nw.Int64), step_seconds=nw.when(step > 0).then(step)
    )


def outside(
    table: pd.DataFrame, time: Integers, start: Numbers | float, end: Numbers | float
) -> Marks:
    """Mark the samples of a pandas table that speak for no time of a span.

    Parameters
    ----------
    table : pandas.DataFrame
        What `read_samples` found, rows numbered from 0.
    time : numpy.ndarray of int64
        When each was measured, in microseconds since 1970 UTC.
    start, end : numpy.ndarray of float64, or float
        The span, of each sample or of all, likewise; NaN where it is open.

    Returns
    -------
    numpy.ndarray of bool
        One mark a sample.
    """
    # What is compared with something unknown is false.
    marks: Marks = time >= end
    early = time < start
    if early.any():
        reach = np.rint(table["step_seconds"].to_numpy("float64") * US_PER_SECOND)
        reaches = early & (time + reach > start)
        marks |= early & ~reaches
        if reaches.any():
            # whether the next of its series begins in time only these can tell
            near = np.flatnonzero((time >= time[reaches].min()) & (time <= start))
            until = time[near] + _gaps(table.iloc[near].reset_index(drop=True), time[near])
            marks[near] |= until <= np.broadcast_to(start, time.shape)[near]
    return marks


def _gaps(table: pd.DataFrame, time: Integers) -> Numbers:
    """Measure the time from each sample to the next of its series, NaN where there is none."""
    series, _ = number_groups(table, [*GPU, "metric"], in_order=False)
    order = np.lexsort((table["value"].to_numpy("float64"), time, series))
    gap = np.full(len(time), np.nan)
    follows = np.flatnonzero(~runs(series[order])[1:])
    gap[order[follows]] = time[order[follows + 1]] - time[order[follows]]
    return gap


def mean_over_time(group: Integers, value: Numbers, covered: Numbers, groups: int) -> Numbers:
    """Average samples by group, each weighted by the time it covers.

    Parameters
    ----------
    group : numpy.ndarray of int64
        The number of each sample's group.
    value, covered : numpy.ndarray of float64
        What was measured, and for how long, as `coverage` gives it; one that is NaN weighs as much
        as the others of its group do on average.
    groups : int
        How many groups there are.

    Returns
    -------
    numpy.ndarray of float64
        One mean a group, NaN where it has no samples.
    """

    def total(values: "npt.NDArray[Any]") -> Numbers:
        return np.asarray(np.bincount(group, values, groups), "float64")

    count, known = np.bincount(group, minlength=groups), ~np.isnan(covered)
    is_whole = bool(known.all())
    weight = covered if is_whole else np.where(known, covered, 0)
    whole = total(weight)
    if np.any((whole == 0) & (count > 0)):
        # Where no time at all is covered, samples are all there is.
        weight = np.where(known & (whole == 0)[group], 1, weight)
        whole = total(weight)
    with np.errstate(invalid="ignore"):
        average = total(weight * value) / whole
        if is_whole:
            return np.asarray(np.nan_to_num(count * average) / count, "float64")
        mean = np.nan_to_num(total(known) * average) + total(np.where(known, 0, value))
        return np.asarray(mean / count, "float64")
