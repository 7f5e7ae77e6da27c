"""What jobs come to, by group, as far as it is known: one side of a comparison."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.cost import costs_something, is_known, with_estimates
from trainview.analysis.failures import FAILED, OPEN
from trainview.analysis.frames import (
    Frame,
    Integers,
    column_names,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.goodput import LOSES
from trainview.analysis.holding import BASIS, HELD
from trainview.analysis.idle import RESULT, idle_gpus
from trainview.analysis.intervals import with_interval
from trainview.analysis.joins import beside, one_a_job
from trainview.analysis.reconcile import reconcile_cost
from trainview.analysis.samples import GPU

# By their columns: the name for people, and the unit.
MEASURES = {
    "jobs": ("jobs", "jobs"),
    "finished": ("jobs finished", "jobs"),
    "failed": ("jobs failed", "jobs"),
    "failure_rate": ("failure rate", "share"),
    "gpu_hours": ("GPU-hours", "GPU h"),
    "failed_gpu_hours": ("GPU-hours of failed jobs", "GPU h"),
    "upper_bound_gpu_hours": ("GPU-hours from submission", "GPU h"),
    "lost_gpu_hours": ("GPU-hours lost", "GPU h"),
    "idle_gpu_hours": ("GPU-hours idle", "GPU h"),
    "covered_gpu_hours": ("GPU-hours measured", "GPU h"),
    "estimated_usd": ("USD estimated", "USD"),
    "failed_usd": ("USD of failed jobs", "USD"),
    "idle_usd": ("USD of idle GPUs", "USD"),
    "billed_usd": ("USD billed", "USD"),
    "unpriced_jobs": ("jobs without a price", "jobs"),
}
COUNTS = ("jobs", "finished", "failed")
BOUNDS = ("low", "high")
_ESTIMATED = ["status", "instance_type_id", "node_count", "elapsed_hours", "gpu_hours"]
_NO_PRICES = pd.DataFrame(
    {"instance_type_id": pd.Series(dtype="str"), "usd_per_minute": pd.Series(dtype="float64")}
)


class Side(NamedTuple):
    """Jobs, and what is known beside them, in tables of any kind.

    Attributes
    ----------
    jobs : table
        A jobs table.
    prices, billing, metrics : table or None
        As in a snapshot; None where they are not known.
    lost : table or None
        What `lost_work` gives; of jobs that did not end on this side, it does not count. None where
        that is not known.
    """

    jobs: Any
    prices: Any = None
    billing: Any = None
    metrics: Any = None
    lost: Any = None


def sum_up(side: Side, keys: Sequence[str]) -> list[pd.DataFrame]:
    """Sum a side up, each kind of fact for itself.

    Parameters
    ----------
    side : Side
        Tables of any kind.
    keys : sequence of str
        Columns of jobs to group by; without any, all are one group.

    Returns
    -------
    list of pandas.DataFrame
        One row a group: the keys, then some of `MEASURES`. The first has all groups with jobs.

    Raises
    ------
    ArgumentError
        If a column is missing.
    """
    frame = read_table(side.jobs, list(dict.fromkeys([*keys, *_needed(side)])), others=True)
    failed = nw.col("status").is_in(FAILED)
    parts = [_counts(frame, keys, failed)]
    if side.prices is not None:
        parts.append(_estimated(side, keys, failed))
    if side.billing is not None:
        listed = _NO_PRICES if side.prices is None else side.prices
        billed = reconcile_cost(side.jobs, listed, side.billing, by=keys)
        parts.append(_collect(billed, [*keys, "billed_usd"]))
    if side.metrics is not None:
        parts.append(_idle(frame, keys, side))
    if side.lost is not None:
        parts.append(_lost(frame, keys, side.lost))
    return parts


def measure(
    side: Side, parts: Sequence[pd.DataFrame], groups: Sequence[Integers], size: int
) -> pd.DataFrame:
    """Put the sums of a side together.

    Parameters
    ----------
    side : Side
        For what is known of it.
    parts : sequence of pandas.DataFrame
        What `sum_up` gives.
    groups : sequence of numpy.ndarray of int64
        For each part, the numbers of the groups of its rows.
    size : int
        How many groups there are, also without a row.

    Returns
    -------
    pandas.DataFrame
        A row a group, with `MEASURES` and `BOUNDS`: null where not known, 0 where there are no
        jobs and so there is nothing.
    """
    columns = {}
    for part, group in zip(parts, groups, strict=True):
        for name in [*MEASURES, *BOUNDS]:
            if name in part:
                values = part[name].to_numpy("float64", na_value=np.nan)
                columns[name] = pd.Series(values, group).reindex(range(size))
    table = pd.DataFrame(columns, index=range(size), columns=[*MEASURES, *BOUNDS], dtype="float64")
    table[list(COUNTS)] = table[list(COUNTS)].fillna(0.0)
    has_none, failed_none = table["jobs"] == 0, table["failed"] == 0
    known = {
        **dict.fromkeys(["gpu_hours", "failed_gpu_hours", "upper_bound_gpu_hours"], True),
        **dict.fromkeys(["estimated_usd", "failed_usd", "unpriced_jobs"], side.prices is not None),
        **dict.fromkeys(["idle_gpu_hours", "covered_gpu_hours"], side.metrics is not None),
        "idle_usd": side.metrics is not None and side.prices is not None,
        "lost_gpu_hours": side.lost is not None,
    }
    for name, is_there in known.items():
        if is_there:
            table[name] = table[name].mask(has_none, 0.0)
    if side.prices is not None:
        table["failed_usd"] = table["failed_usd"].mask(failed_none, 0.0)
    if side.billing is not None:
        table["billed_usd"] = table["billed_usd"].fillna(0.0)
    return table


def _needed(side: Side) -> Iterator[str]:
    yield from ("status", "gpu_hours")
    if side.prices is not None or side.billing is not None:
        yield from _ESTIMATED
    if side.billing is not None or side.metrics is not None or side.lost is not None:
        yield "job_id"
    if side.billing is not None or (side.prices is not None and HELD in column_names(side.jobs)):
        yield from ("created_at", "end_at")
    if side.metrics is not None and side.prices is not None:
        yield from ("instance_type_id", "gpu_count")


def _collect(result: Any, names: Sequence[str]) -> pd.DataFrame:
    return to_pandas(read_table(result, names))


def _counts(frame: Frame, keys: Sequence[str], failed: nw.Expr) -> pd.DataFrame:
    """Count jobs and GPU-hours; those of refined jobs tell from when they count."""
    hours = nw.col("gpu_hours").cast(nw.Float64)
    of_some = {"gpu_hours": hours, "failed_gpu_hours": nw.when(failed).then(hours)}
    is_refined = BASIS in frame.columns
    if is_refined:
        is_bound = nw.col(BASIS).cast(nw.String) == "submitted"
        of_some["upper_bound_gpu_hours"] = nw.when(is_bound).then(hours).otherwise(hours * 0)
    frame = frame.select(
        *keys,
        **of_some,
        finished=(~nw.col("status").is_in(OPEN)).cast(nw.Int64),
        failed=failed.cast(nw.Int64),
    )
    known = {f"__{name}": nw.col(name).count() for name in of_some}
    sums = {name: nw.col(name).sum() for name in (*of_some, "finished", "failed")}
    sums |= {"jobs": nw.len(), **known}
    found = frame.group_by(*keys).agg(**sums) if keys else frame.select(**sums)
    found = plain_text(found, keys).with_columns(
        nw.col("jobs", "finished", "failed", *known).fill_null(0).cast(nw.Int64)
    )
    table = to_pandas(with_interval(found))
    for name in of_some:
        none = table["failed" if name == "failed_gpu_hours" else "jobs"] == 0
        table[name] = table[name].fillna(0.0).where((table[f"__{name}"] > 0) | none)
    return table if is_refined else table.assign(upper_bound_gpu_hours=table["gpu_hours"])


def _estimated(side: Side, keys: Sequence[str], failed: nw.Expr) -> pd.DataFrame:
    """Estimate costs as `estimate_cost` does, of all jobs and of those that failed."""
    frame = with_estimates(side.jobs, side.prices, list(dict.fromkeys([*keys, "status"])))
    facts = {
        "jobs": nw.lit(1),
        "unpriced_jobs": nw.col("__unpriced"),
        "untimed_jobs": nw.col("__untimed"),
        "known_jobs": costs_something().cast(nw.Int64),
        "estimated_usd": nw.col("__usd"),
    }
    frame = frame.select(
        *keys, **facts, **{f"__{name}": nw.when(failed).then(fact) for name, fact in facts.items()}
    )
    sums = [nw.col(name).sum() for part in ("", "__") for name in (f"{part}{one}" for one in facts)]
    found = to_pandas(frame.group_by(*keys).agg(*sums) if keys else frame.select(*sums))
    found = found.fillna(dict.fromkeys([name for name in found if name not in keys], 0))
    of_failed = found[[f"__{name}" for name in facts]].set_axis(list(facts), axis="columns")
    return found[list(keys)].assign(
        estimated_usd=found["estimated_usd"].where(is_known(found)),
        unpriced_jobs=found["unpriced_jobs"],
        failed_usd=of_failed["estimated_usd"].where(is_known(of_failed)),
    )


def _idle(frame: Frame, keys: Sequence[str], side: Side) -> pd.DataFrame:
    """Sum up idle GPUs; of keys that results call something else, under other names."""
    jobs, names = side.jobs, {key: key for key in keys}
    if not set(keys).isdisjoint([*RESULT, *GPU]):
        there = frame.columns
        names = {f"__key_{number}": key for number, key in enumerate(keys)}
        others = [name for name in (*_needed(side), "created_at", "end_at") if name in there]
        frame = frame.select(
            *dict.fromkeys(others), **{name: nw.col(key) for name, key in names.items()}
        )
        jobs = frame.to_native()
    idle = idle_gpus(side.metrics, jobs, side.prices, by=list(names) or None)
    columns = ["idle_gpu_hours", "covered_gpu_hours", "idle_usd"]
    table = _collect(idle, [*names, *columns]).rename(columns=names)
    covered = table["covered_gpu_hours"] > 0
    table[["idle_gpu_hours", "idle_usd"]] = table[["idle_gpu_hours", "idle_usd"]].where(covered)
    return table


def _lost(frame: Frame, keys: Sequence[str], lost: Any) -> pd.DataFrame:
    """Sum up what jobs that failed or were preempted on this side lost; 0 where none did."""
    facts = read_table(lost, ["job_id", "lost_gpu_hours"], name="lost work")
    frame = frame.select(*dict.fromkeys([*keys, "job_id", "status"]))
    table = beside(frame, one_a_job(facts), "job_id")
    loses = nw.col("status").is_in(LOSES)
    table = table.select(
        *keys,
        __loses=loses.cast(nw.Int64),
        __lost=nw.when(loses).then(nw.col("lost_gpu_hours").cast(nw.Float64)),
    )
    hours = nw.col("__lost")
    sums = {
        "lost_gpu_hours": hours.sum(),
        "__known": hours.count(),
        "__jobs": nw.col("__loses").sum(),
    }
    found = table.group_by(*keys).agg(**sums) if keys else table.select(**sums)
    result = to_pandas(plain_text(found, keys))
    known = (result["__known"] > 0) | ~(result["__jobs"] > 0)
    result["lost_gpu_hours"] = result["lost_gpu_hours"].fillna(0.0).where(known)
    return result.drop(columns=["__known", "__jobs"])
