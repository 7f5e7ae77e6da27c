"""What jobs cost at list prices: an estimate."""

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.few_columns import with_columns_of
from trainview.analysis.frames import (
    By,
    Frame,
    from_pandas,
    give_back_small,
    group_keys,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.grouping import number_groups
from trainview.analysis.holding import HELD, from_held, held_columns
from trainview.analysis.joins import beside
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.sharing import once
from trainview.analysis.small_tables import read_small
from trainview.analysis.times import US_PER_HOUR, with_microseconds
from trainview.errors import ArgumentError
from trainview.schema.table_types import AnyDataFrame, DataFrame
from trainview.statuses import STATUSES

_COUNTS = ("jobs", "unpriced_jobs", "untimed_jobs")
# Scheduling, image pull and failed boots are not billed.
FREE = [status.label for status in STATUSES if not status.holds_gpus]


def estimate_cost(jobs: DataFrame, prices: AnyDataFrame, by: By = "project_name") -> DataFrame:
    """Estimate what jobs cost: list price times nodes times elapsed time.

    Elapsed time includes queueing and deployment, which are not billed, so the estimate is an upper
    bound of what these jobs cost at these prices. It is no bound of the bill: that has deleted jobs
    too, rounds minutes up, and may have other prices. Jobs that are pending, queued, created or
    deploy-failed cost nothing; jobs without GPUs have a price like the others. Where `refine_jobs`
    has told ``held_at``, time counts from then (``created_at`` and ``end_at`` are needed too).

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``status``, ``instance_type_id``, ``node_count``, ``elapsed_hours``,
        ``gpu_hours`` and the columns of `by`.
    prices : pandas, Polars, DuckDB or PySpark table
        A prices table with ``instance_type_id`` and ``usd_per_minute``.
    by : str or sequence of str, optional
        Columns to group by; None for one row over all jobs.

    Returns
    -------
    table of the same kind as `jobs`
        One row a group, the most expensive first.

        - the columns of `by`, categories as text
        - ``jobs`` (int64): number of jobs
        - ``unpriced_jobs`` (int64): those that cost something, but whose instance type has no
          price
        - ``untimed_jobs`` (int64): those that cost something, but for an unknown time
        - ``gpu_hours`` (float64): GPU-hours, summed where known
        - ``estimated_usd`` (float64): USD, summed where known; null where no job's cost is known
          but that of jobs that are free
        - ``share`` (float64): that as a fraction of all groups, 0 to 1; null where it is not
          known, or where nothing costs anything
        - ``unpriced_instance_types`` (text): identifiers of the instance types without a price;
          null where there are none

    Raises
    ------
    ArgumentError
        If a column is missing, `by` names none, or an instance type has two prices.

    Examples
    --------
    >>> import pandas as pd
    >>> prices = pd.DataFrame({"instance_type_id": ["H100:8"], "usd_per_minute": [0.5]})
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "project_name": ["asr", "llm"],
    ...         "status": ["completed", "failed"],
    ...         "instance_type_id": ["1x4", "H100:8"],
    ...         "node_count": [1, 2],
    ...         "elapsed_hours": [3.0, 1.0],
    ...         "gpu_hours": [0.0, 16.0],
    ...     }
    ... )
    >>> costs = estimate_cost(jobs, prices)
    >>> costs[["project_name", "unpriced_jobs", "estimated_usd", "unpriced_instance_types"]]
      project_name  unpriced_jobs  estimated_usd unpriced_instance_types
    0          llm              0           60.0                     NaN
    1          asr              1            NaN                     1x4
    """
    columns = [*_COUNTS, "gpu_hours", "estimated_usd", "share", "unpriced_instance_types"]
    keys = group_keys(by, result=columns)
    return once("costs", [jobs, prices], lambda: _estimate_cost(jobs, prices, keys), *keys)


def _estimate_cost(jobs: DataFrame, prices: AnyDataFrame, keys: list[str]) -> DataFrame:
    frame = with_estimates(jobs, prices, [*keys, "gpu_hours"])
    frame = frame.with_columns(__known=costs_something().cast(nw.Int64))
    sums = {
        "jobs": nw.len(),
        "unpriced_jobs": nw.col("__unpriced").sum(),
        "untimed_jobs": nw.col("__untimed").sum(),
        "gpu_hours": nw.col("gpu_hours").sum(),
        "estimated_usd": nw.col("__usd").sum(),
        "__known": nw.col("__known").sum(),
    }
    table = to_pandas(frame.group_by(*keys).agg(**sums) if keys else frame.select(**sums))
    if table["unpriced_jobs"].any():
        # few jobs, mostly: all by group and type are many rows to sum up
        unpriced = frame.filter(nw.col("__unpriced") > 0).select(*keys, "__instance_type_id")
        types = to_pandas(unpriced.unique()).sort_values("__instance_type_id")
        table = pd.concat([table, types], ignore_index=True)
    number, groups = number_groups(table, keys)
    # Without keys there is one group, also when there are no jobs.
    groups = groups if keys else pd.DataFrame(index=range(1))
    grouped = table.groupby(number)
    costs = groups.join(grouped[[*_COUNTS, "gpu_hours"]].sum().reindex(groups.index, fill_value=0))
    costs = with_dtypes(costs, dict.fromkeys(_COUNTS, "int64") | {"gpu_hours": "float64"})
    known = grouped[["estimated_usd", "__known"]].sum().reindex(groups.index, fill_value=0)
    there = is_known(costs.assign(known_jobs=known["__known"]))
    usd = known["estimated_usd"].where(there).astype("float64")
    costs["estimated_usd"] = usd
    costs["share"] = usd / total if (total := usd.sum()) > 0 else np.nan
    # Not left to pandas: its aggregations in Python take 25 microseconds a group.
    names: dict[int, list[str]] = {}
    if "__instance_type_id" in table:
        unpriced_types = table["__instance_type_id"].dropna()
        of_group = number[unpriced_types.index].tolist()
        for group, name in zip(of_group, unpriced_types, strict=True):
            names.setdefault(group, []).append(name)
    listed = pd.Series(
        {group: ", ".join(of_group) for group, of_group in names.items()}, dtype=TEXT
    )
    costs["unpriced_instance_types"] = listed.reindex(groups.index).astype(TEXT)
    order = ["estimated_usd", *keys]
    costs = costs.sort_values(order, ascending=[False] + [True] * len(keys), na_position="last")
    return give_back_small(costs, jobs)


def with_estimates(jobs: object, prices: object, columns: Sequence[str]) -> Frame:
    """Open a jobs table with what each job costs.

    Parameters
    ----------
    jobs, prices : pandas, Polars, DuckDB or PySpark table
        The caller's tables.
    columns : sequence of str
        The columns of jobs to keep.

    Returns
    -------
    narwhals frame
        One row a job.

        - `columns`, categories as text
        - ``__instance_type_id`` (text)
        - ``__nodes`` (int64): nodes of the job
        - ``__price`` (float64): USD per minute of one node; null where there is no price
        - ``__minutes`` (float64): the most that can be billed, 0 for what is free; null where
          unknown
        - ``__usd`` (float64): their cost, 0 for what is free; null where unknown
        - ``__unpriced``, ``__untimed`` (int64): 1 where the job is not free and its price, or its
          time, is not known, else 0
    """
    columns = list(dict.fromkeys(columns))
    if not isinstance(jobs, pd.DataFrame):
        return _estimates(jobs, prices, columns)
    # these count from when GPUs were held, too
    counted = [name for name in ("created_at", "elapsed_hours") if held_columns(jobs)]
    made = once("estimates", [jobs, prices], lambda: _estimates(jobs, prices, counted))
    frame = with_columns_of(jobs, columns, made)
    extra = [name for name in counted if name not in columns]
    return frame.drop(extra) if extra else frame


def _estimates(jobs: object, prices: object, columns: Sequence[str]) -> Frame:
    """Estimate as `with_estimates` does."""
    needed = ["status", "instance_type_id", "node_count", "elapsed_hours"]
    held = held_columns(jobs)
    times = ["created_at", "end_at", *held] if held else []
    frame = read_small(jobs, [*columns, *needed, *times])
    frame = _hours_held(plain_text(frame, columns))
    frame = frame.with_columns(
        __instance_type_id=nw.col("instance_type_id").cast(nw.String), __nodes="node_count"
    )
    frame = beside(frame, from_pandas(price_list(prices), frame), "__instance_type_id")
    free, price, hours = nw.col("status").is_in(FREE), nw.col("__price"), nw.col("elapsed_hours")
    free = free.fill_null(value=False)
    nothing = nw.lit(0.0)
    return frame.select(
        *columns,
        "__instance_type_id",
        "__nodes",
        "__price",
        __minutes=nw.when(free).then(nothing).otherwise(hours * 60),
        __usd=nw.when(free).then(nothing).otherwise(price * nw.col("__nodes") * hours * 60),
        __unpriced=(~free & price.is_null()).cast(nw.Int64),
        __untimed=(~free & hours.is_null()).cast(nw.Int64),
    )


def _hours_held(frame: Frame) -> Frame:
    """Count hours from when GPUs began to be held, where the table tells that."""
    if HELD not in frame.columns:
        return frame
    frame = with_microseconds(from_held(frame), __from="created_at", __to="end_at")
    hours = (nw.col("__to") - nw.col("__from")) / US_PER_HOUR
    known = nw.when(~nw.col("elapsed_hours").is_null()).then(hours)
    return frame.with_columns(elapsed_hours=known)


def costs_something() -> nw.Expr:
    """Mark the jobs of `with_estimates` whose cost is known, and that are not free."""
    return ~nw.col("__usd").is_null() & (nw.col("__minutes") > 0)


def is_known(costs: pd.DataFrame) -> "pd.Series[bool]":
    """Tell where the sum of a group's known costs is a cost, rather than unknown.

    Parameters
    ----------
    costs : pandas.DataFrame
        One row a group: ``jobs``, ``unpriced_jobs``, ``untimed_jobs``, and ``known_jobs``, those
        that `costs_something` marks.

    Returns
    -------
    pandas.Series of bool
        False where there is no job, and where some costs are not known and all others are free:
        unknown is not 0.
    """
    nothing_missing = (costs["unpriced_jobs"] == 0) & (costs["untimed_jobs"] == 0)
    return (costs["known_jobs"] > 0) | (nothing_missing & (costs["jobs"] > 0))


def price_list(prices: object) -> pd.DataFrame:
    """Collect the prices that are known.

    Parameters
    ----------
    prices : pandas, Polars, DuckDB or PySpark table
        The caller's table.

    Returns
    -------
    pandas.DataFrame
        One row an instance type: ``__instance_type_id`` (text), ``__price`` (float64, USD per
        minute).

    Raises
    ------
    ArgumentError
        If a column is missing, or an instance type has two prices.
    """
    return once("prices", [prices], lambda: _price_list(prices))


def _price_list(prices: object) -> pd.DataFrame:
    frame = read_table(prices, ["instance_type_id", "usd_per_minute"], name="prices")
    table = to_pandas(plain_text(frame, ["instance_type_id"])).dropna().drop_duplicates()
    table = with_dtypes(table, {"instance_type_id": TEXT, "usd_per_minute": "float64"})
    twice = table[table["instance_type_id"].duplicated(keep=False)]
    if len(twice):
        name = twice["instance_type_id"].min()
        prices_of_it = twice["usd_per_minute"][twice["instance_type_id"] == name]
        several = " and ".join(f"{price:g}" for price in prices_of_it)
        raise ArgumentError(
            f"instance type {name!r} has several prices, {several} USD per minute: "
            "keep one row an instance type"
        )
    return table.set_axis(["__instance_type_id", "__price"], axis="columns")
