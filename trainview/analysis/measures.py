"""What jobs come to, by group, as far as it is known: one side of a comparison."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.cost import costs_something, is_known, with_estimates
from trainview.analysis.failures import FAILED, is_finished
from trainview.analysis.frames import (
    Frame,
    Integers,
    column_names,
    in_memory,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.goodput import LOSES
from trainview.analysis.holding import BASIS, HELD
from trainview.analysis.idle import RESULT, idle_gpus
from trainview.analysis.intervals import with_interval
from trainview.analysis.joins import beside, one_a_job
from trainview.analysis.reconcile import reconcile_cost, sum_bill
from trainview.analysis.samples import GPU
from trainview.analysis.sharing import once
from trainview.analysis.small_tables import read_small

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
_BOUND, _PROJECT = "upper_bound_gpu_hours", "project_name"
BOUNDS = ("low", "high")
_ESTIMATED = ["status", "instance_type_id", "node_count", "elapsed_hours", "gpu_hours"]
_Tell: TypeAlias = Callable[[pd.DataFrame], pd.DataFrame]
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
    # all jobs are those of their projects, which whoever wants to know of all wants to know too
    is_whole = not keys and isinstance(side.jobs, pd.DataFrame) and _has_projects(side)
    by = [_PROJECT] if is_whole else list(keys)
    parts = once("sums", side, lambda: list(_sums(side, by)), *by)
    if is_whole:
        parts = [(_total(sums.drop(columns=_PROJECT)), tell) for sums, tell in parts]
    return [tell(sums) for sums, tell in parts]


def _sums(side: Side, keys: Sequence[str]) -> Iterator[tuple[pd.DataFrame, _Tell]]:
    """Sum each kind of fact up by group, with what tells the measures of the sums."""
    frame = read_table(side.jobs, list(dict.fromkeys([*keys, *_needed(side)])), others=True)
    failed = nw.col("status").is_in(FAILED)
    yield _counts(side, keys, failed), _tell_counts
    if side.prices is not None:
        yield _estimated(side, keys, failed), _tell_costs
    if side.billing is not None:
        yield _billed(side, keys), _tell_bill
    if side.metrics is not None:
        yield _idle(frame, keys, side), _tell_idle
    if side.lost is not None:
        yield _lost(side, keys), _tell_lost


def _has_projects(side: Side) -> bool:
    tables = {"jobs": side.jobs, "billing": side.billing}
    return all(
        _PROJECT in column_names(table, name) for name, table in tables.items() if table is not None
    )


def _total(sums: pd.DataFrame) -> pd.DataFrame:
    """Sum all groups up; null where none is known."""
    return pd.DataFrame(
        {
            name: pd.Series(
                [column.sum(min_count=1)],
                dtype=column.dtype if isinstance(column.dtype, pd.ArrowDtype) else "float64",
            )
            for name, column in sums.items()
        }
    )


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
    columns = {name: np.full(size, np.nan) for name in [*MEASURES, *BOUNDS]}
    for part, group in zip(parts, groups, strict=True):
        for name in set(columns).intersection(part.columns):
            columns[name][group] = part[name].to_numpy("float64", na_value=np.nan)
    for name in COUNTS:
        columns[name] = np.nan_to_num(columns[name])
    has_none, failed_none = columns["jobs"] == 0, columns["failed"] == 0
    known = {
        **dict.fromkeys(["gpu_hours", "failed_gpu_hours", "upper_bound_gpu_hours"], True),
        **dict.fromkeys(["estimated_usd", "failed_usd", "unpriced_jobs"], side.prices is not None),
        **dict.fromkeys(["idle_gpu_hours", "covered_gpu_hours"], side.metrics is not None),
        "idle_usd": side.metrics is not None and side.prices is not None,
        "lost_gpu_hours": side.lost is not None,
    }
    for name, is_there in known.items():
        if is_there:
            columns[name][has_none] = 0.0
    if side.prices is not None:
        columns["failed_usd"][failed_none] = 0.0
    if side.billing is not None:
        columns["billed_usd"] = np.nan_to_num(columns["billed_usd"])
    return pd.DataFrame(columns)


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


def _counts(side: Side, keys: Sequence[str], failed: nw.Expr) -> pd.DataFrame:
    """Count jobs and GPU-hours; those of refined jobs tell from when they count."""
    there = [BASIS] if BASIS in column_names(side.jobs) else []
    frame = read_small(side.jobs, [*keys, "status", "gpu_hours", *there])
    hours = nw.col("gpu_hours").cast(nw.Float64)
    of_some = {"gpu_hours": hours, "failed_gpu_hours": nw.when(failed).then(hours)}
    if there:
        is_bound = nw.col(BASIS).cast(nw.String) == "submitted"
        of_some[_BOUND] = nw.when(is_bound).then(hours).otherwise(hours * 0)
    frame = frame.select(
        *keys,
        **of_some,
        finished=is_finished().cast(nw.Int64),
        failed=failed.cast(nw.Int64),
    )
    sums = {name: nw.col(name).sum() for name in (*of_some, "finished", "failed")}
    sums |= {"jobs": nw.len(), **{f"__{name}": nw.col(name).count() for name in of_some}}
    found = frame.group_by(*keys).agg(**sums) if keys else frame.select(**sums)
    return to_pandas(plain_text(found, keys))


def _tell_counts(sums: pd.DataFrame) -> pd.DataFrame:
    of_some = [str(name)[2:] for name in sums if str(name)[:2] == "__"]
    counts = {
        name: sums[name].to_numpy("float64", na_value=0.0).astype("int64")
        for name in (*COUNTS, *(f"__{name}" for name in of_some))
    }
    table = to_pandas(with_interval(in_memory(sums.assign(**counts))))
    for name in of_some:
        none = table["failed" if name == "failed_gpu_hours" else "jobs"] == 0
        table[name] = table[name].fillna(0.0).where((table[f"__{name}"] > 0) | none)
    return table if _BOUND in table else table.assign(**{_BOUND: table["gpu_hours"]})


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
    return to_pandas(frame.group_by(*keys).agg(*sums) if keys else frame.select(*sums))


def _tell_costs(sums: pd.DataFrame) -> pd.DataFrame:
    of_failed = [name for name in sums if str(name)[:2] == "__"]
    of_all = [str(name)[2:] for name in of_failed]
    sums = sums.fillna(dict.fromkeys([*of_all, *of_failed], 0))
    failed = sums[of_failed].set_axis(of_all, axis="columns")
    return sums.drop(columns=[*of_all, *of_failed]).assign(
        estimated_usd=sums["estimated_usd"].where(is_known(sums)),
        unpriced_jobs=sums["unpriced_jobs"],
        failed_usd=failed["estimated_usd"].where(is_known(failed)),
    )


def _billed(side: Side, keys: Sequence[str]) -> pd.DataFrame:
    if isinstance(side.jobs, pd.DataFrame):
        return sum_bill(side.jobs, side.billing, keys)
    listed = _NO_PRICES if side.prices is None else side.prices
    found = reconcile_cost(side.jobs, listed, side.billing, by=keys)
    return to_pandas(read_table(found, [*keys, "billed_usd"]))


def _tell_bill(sums: pd.DataFrame) -> pd.DataFrame:
    return sums.astype({"billed_usd": "float64"})


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
    columns = ["idle_gpu_hours", "covered_gpu_hours", "idle_usd", "unpriced_idle_gpu_hours"]
    return to_pandas(read_table(idle, [*names, *columns])).rename(columns=names)


def _tell_idle(sums: pd.DataFrame) -> pd.DataFrame:
    hours, covered = sums["idle_gpu_hours"], sums["covered_gpu_hours"] > 0
    unpriced = sums["unpriced_idle_gpu_hours"].fillna(0.0)
    # as by `idle_gpus`, also of all groups together
    is_priced = (unpriced == 0) | (unpriced < hours)
    return sums.assign(
        idle_gpu_hours=hours.where(covered), idle_usd=sums["idle_usd"].where(covered & is_priced)
    )


def _lost(side: Side, keys: Sequence[str]) -> pd.DataFrame:
    """Sum up what jobs that failed or were preempted on this side lost."""
    facts = read_small(side.lost, ["job_id", "lost_gpu_hours"], name="lost work")
    table = beside(read_small(side.jobs, [*keys, "job_id", "status"]), one_a_job(facts), "job_id")
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
    return to_pandas(plain_text(found, keys))


def _tell_lost(sums: pd.DataFrame) -> pd.DataFrame:
    """Tell what was lost; 0 where no job failed or was preempted."""
    known = (sums["__known"] > 0) | ~(sums["__jobs"] > 0)
    return sums.assign(lost_gpu_hours=sums["lost_gpu_hours"].fillna(0.0).where(known))
