"""GPUs, or nodes, held over time as steps: from jobs to the moments at which the number changes.

A job holds them in [held_at, end_at), or from created_at where the table has no held_at; `held`
leaves out what has no GPU-hours. How many a job holds stands in ``__held``, so that any column of
the table can be a key. Tables in memory are swept with NumPy, lazy ones by their engine, to the
same steps.
"""

from collections.abc import Sequence
from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, Integers, plain_text, read_table, to_pandas
from trainview.analysis.grouping import number_groups, runs
from trainview.analysis.holding import from_held, held_columns
from trainview.analysis.steps_in_parts import query_steps_in_parts

COLUMNS = ("created_at", "end_at", "gpus", "gpu_hours")


class Steps(NamedTuple):
    """Levels of all groups, sorted by group and time.

    Attributes
    ----------
    groups : pandas.DataFrame
        The keys, one row a group.
    group : numpy.ndarray of int64
        Row of `groups` that a step belongs to.
    time : numpy.ndarray of int64
        When the step begins, in microseconds since 1970 UTC.
    level : numpy.ndarray of int64
        How many are held from then on, to the next step of the group; 0 at its last one.
    """

    groups: pd.DataFrame
    group: Integers
    time: Integers
    level: Integers


def held(jobs: object, keys: Sequence[str]) -> Frame:
    """Open a jobs table at the jobs that held GPUs, and of which both ends are known."""
    columns = [*keys, *COLUMNS, *held_columns(jobs)]
    frame = from_held(read_table(jobs, columns)).filter(
        nw.col("gpu_hours") > 0, ~nw.col("created_at").is_null(), ~nw.col("end_at").is_null()
    )
    return frame.with_columns(__held="gpus")


def microseconds(times: "pd.Series[pd.Timestamp]") -> Integers:
    """Count the microseconds since 1970 UTC."""
    return np.asarray(times.astype("int64"), "int64")


def timestamps(time: Integers) -> pd.DatetimeIndex:
    """Turn microseconds since 1970 into times in UTC."""
    return pd.DatetimeIndex(time.view("M8[us]")).tz_localize("UTC")


def sweep(frame: Frame, keys: Sequence[str]) -> Steps:
    """Find the exact steps of a table in memory: every step changes the level of its group."""
    jobs = to_pandas(frame)
    number, groups = number_groups(jobs, keys)
    # Small integers are sorted by radix, in linear time.
    number = number.astype(np.min_scalar_type(len(groups)))
    held = jobs["__held"].to_numpy("int64")
    time = np.concatenate([microseconds(jobs["created_at"]), microseconds(jobs["end_at"])])
    order = np.argsort(time)
    group = np.concatenate([number, number])[order]
    order = order[np.argsort(group, kind="stable")]
    group, time = np.concatenate([number, number])[order], time[order]
    # A group's changes cancel out, so one sum runs through all of them.
    level = np.cumsum(np.concatenate([held, -held])[order])
    last = np.append(runs(group, time)[1:], True)[: len(time)]
    group, time, level = group[last], time[last], level[last]
    # Jobs of no length, or of no GPUs, begin nothing.
    step = runs(group, level) & ~(runs(group) & (level == 0))
    group, time, level = group[step].astype("int64"), time[step], level[step]
    return Steps(groups, group, time, level)


def query_changes(
    frame: Frame, keys: Sequence[str], start: str = "created_at", end: str = "end_at"
) -> Frame:
    """Write when jobs begin, and when they end, as a query: the keys, ``__time``, ``__change``."""
    held = nw.col("__held").cast(nw.Int64)
    begins = frame.select(*keys, __time=start, __change=held)
    ends = frame.select(*keys, __time=end, __change=held * -1)
    # in one query, whose engine reads the jobs once
    return nw.concat([begins, ends])


def query_levels(
    frame: Frame, keys: Sequence[str], start: str = "created_at", end: str = "end_at"
) -> Frame:
    """Write the same steps as a query: the keys, ``__time``, ``__change``, ``__level``."""
    changes = query_changes(frame, keys, start, end)
    changes = changes.group_by(*keys, "__time").agg(nw.col("__change").sum())
    changes = changes.with_columns(nw.col("__change").cast(nw.Int64))
    changes = changes.filter(nw.col("__change") != 0)
    level = nw.col("__change").cum_sum().over(*keys, order_by="__time")
    return changes.with_columns(__level=level.cast(nw.Int64))


def query_steps(frame: Frame, keys: Sequence[str]) -> Frame:
    """Write the finished steps as a query: the keys, ``start``, ``end``, ``gpus``."""
    if frame.implementation.is_polars():
        return query_steps_in_parts(plain_text(frame, keys), keys)
    steps = query_levels(frame, keys).with_columns(
        __end=nw.col("__time").shift(-1).over(*keys, order_by="__time")
    )
    steps = steps.filter(~nw.col("__end").is_null())
    steps = steps.select(*keys, start="__time", end="__end", gpus="__level")
    return plain_text(steps, keys).sort(*keys, "start", nulls_last=True)
