"""The estimate beside the bill, and why they differ."""

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.billing import (
    exact_sums,
    give_teams,
    match,
    names_of,
    project_columns,
    read_billing,
)
from trainview.analysis.cost import with_estimates
from trainview.analysis.frames import (
    By,
    Frame,
    give_back,
    give_back_small,
    group_keys,
    is_lazy,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.grouping import number_groups
from trainview.analysis.pandas_dtypes import TEXT
from trainview.analysis.parts import together
from trainview.analysis.reconcile_queries import AFTER, BEFORE, put_side_by_side
from trainview.analysis.sharing import once
from trainview.schema.table_types import AnyDataFrame, DataFrame

BOTH_KNOWN = "queueing and deployment"
COLUMNS = (
    "jobs",
    "estimated_usd",
    "billed_usd",
    "difference_usd",
    "overhead_usd",
    "price_usd",
    "estimated_minutes",
    "billed_minutes",
)


def reconcile_cost(
    jobs: DataFrame,
    prices: AnyDataFrame,
    billing: AnyDataFrame,
    by: By = ("job_id", "project_name", "reason"),
) -> DataFrame:
    """Put the estimate of each job beside its bill, and say why they differ.

    Where the reason is ``queueing and deployment``, the difference has two parts: what elapsed
    but was not billed as minutes, at list price, and what is left, since prices differ from the
    list. Other reasons explain the whole difference of their jobs:

    - ``queueing and deployment``: the estimate is known, and there is a bill
    - ``no price``: the instance type has no price, so there is no estimate
    - ``no known duration``: the job's times contradict each other, so there is no estimate
    - ``not billed``: estimated, but not billed on any of the bill's days
    - ``before the first billed day``, ``after the last billed day``: the job ended before the
      bill's first day, or began after its last; of what has a month only, the month counts
    - ``empty bill``: estimated, but nothing is billed to anybody
    - ``billed, though free``: billed in a status that should cost nothing, as a failed deployment
    - ``deleted job``, ``not in the jobs table``: billed, but no row of `jobs`
    - ``before the first job``, ``after the last job``: likewise, on days that end before the first
      of `jobs` begins, or begin after the last has ended, as where `jobs` are cut to a window
    - ``no training job``: billed for something else, such as Loops
    - ``not assigned to a job``: billed without a job
    - ``free``: no cost on either side

    A job that reaches over the first or the last day of the bill is billed there in part only:
    cut the jobs to these days with `clip_jobs` before.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``status``, ``instance_type_id``, ``node_count``,
        ``elapsed_hours``, ``created_at``, ``end_at`` and the columns of `by`.
    prices : pandas, Polars, DuckDB or PySpark table
        A prices table with ``instance_type_id`` and ``usd_per_minute``.
    billing : pandas, Polars, DuckDB or PySpark table
        A billing table with ``job_id``, ``is_deleted``, ``date``, ``minutes``, ``subtotal_usd``;
        ``project_name`` and ``job_name`` too, where they are in `by`; ``month``, ``kind`` and
        ``team_name`` if it has them.
    by : str or sequence of str, optional
        Columns to group by, and ``reason``; None for one row over all jobs. Of what is billed but
        no row of `jobs`, only ``job_id``, ``job_name``, ``project_name`` and ``team_name`` are
        known, other keys are null. Its team is the bill's, else that of the project of this name
        in `jobs`, where there is only one; else ``unknown``.

    Returns
    -------
    table of the same kind as `jobs`
        One row a group, the largest difference first, whichever side it is on.

        - the columns of `by`, categories as text
        - ``jobs`` (int64): number of jobs, whether in `jobs` or only on the bill
        - ``estimated_usd`` (float64): USD as by `estimate_cost`; null where no job's cost is known
          but that of jobs that are free
        - ``billed_usd`` (float64): USD billed, summed exactly; null where nothing is billed
        - ``difference_usd`` (float64): estimated_usd - billed_usd, where one null counts as 0, so
          that differences add up to the difference of the sums; null where both are
        - ``overhead_usd`` (float64): USD of it for minutes that elapsed but were not billed, at
          list price; null where no job has both an estimate and a bill
        - ``price_usd`` (float64): USD of it for prices other than on the list; null likewise
        - ``estimated_minutes`` (float64): minutes that elapsed, 0 for what is free, summed where
          known; null where unknown for all. Of a job, not of each node
        - ``billed_minutes`` (float64): minutes billed; null where nothing is billed

    Raises
    ------
    ArgumentError
        If a column is missing, `by` names none, an instance type has two prices, or a job has
        several rows in `jobs`.

    Examples
    --------
    >>> from decimal import Decimal
    >>> import pandas as pd
    >>> prices = pd.DataFrame({"instance_type_id": ["H100:8"], "usd_per_minute": [0.5]})
    >>> day = pd.to_datetime(["2025-01-01"], utc=True)
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1"],
    ...         "status": ["completed"],
    ...         "instance_type_id": ["H100:8"],
    ...         "node_count": [1],
    ...         "elapsed_hours": [2.0],
    ...         "created_at": day,
    ...         "end_at": day + pd.Timedelta("2h"),
    ...     }
    ... )
    >>> billing = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1"],
    ...         "is_deleted": [False],
    ...         "date": day,
    ...         "minutes": [100],
    ...         "subtotal_usd": [Decimal("45.00")],
    ...     }
    ... )
    >>> found = reconcile_cost(jobs, prices, billing, by="job_id")
    >>> found[["job_id", "difference_usd", "overhead_usd", "price_usd"]]
      job_id  difference_usd  overhead_usd  price_usd
    0     j1            15.0          10.0        5.0
    """
    keys = group_keys(by, result=COLUMNS)
    of_jobs = [key for key in keys if key != "reason"]
    of_projects = project_columns(of_jobs, jobs)
    needed = ["job_id", "created_at", "end_at", *of_jobs, *of_projects]
    frame = with_estimates(jobs, prices, needed)
    if is_lazy(frame):
        tables, marks = put_side_by_side(frame, billing, of_jobs, of_projects)
        sums = [_sum_up(_query_amounts(table, marks), keys) for table in tables]
        every = sums[0] if len(sums) == 1 else _sum_up(together(sums), keys)
        return give_back(_query_differences(every, keys), jobs)
    known = to_pandas(frame)
    table, bill = _with_bill(known, billing, of_jobs, of_projects)
    table["reason"] = _reasons(table, bill, known)
    number, groups = number_groups(table, keys)
    # Without keys there is one group, also when there are no jobs.
    groups = groups if keys else pd.DataFrame(index=range(1))
    found = groups.join(_amounts(table).groupby(number).sum(min_count=1))
    found["jobs"] = found["jobs"].fillna(0).astype("int64")
    # Unknown is not 0, also where all that is known is free.
    missing = table["__in_jobs"] & table["__usd"].isna()
    unknown = missing.groupby(number).any().reindex(found.index, fill_value=False)
    found["estimated_usd"] = found["estimated_usd"].mask(unknown & (found["estimated_usd"] == 0))
    billed = exact_sums(table["__billed_usd"], number, len(groups)).astype("float64")
    difference = found["estimated_usd"].fillna(0.0) - billed.fillna(0.0)
    # One unknown side is 0 for the sums' sake; of two there is nothing to tell.
    difference = difference.mask(found["estimated_usd"].isna() & billed.isna())
    # Engines sum in orders of their own: what differs in the last digits is a tie.
    size = difference.abs().round(9)
    found = found.assign(billed_usd=billed, difference_usd=difference, __size=size)
    found = found.sort_values(
        ["__size", *keys], ascending=[False] + [True] * len(keys), na_position="last"
    )
    return give_back_small(found[[*keys, *COLUMNS]], jobs)


def sum_bill(jobs: pd.DataFrame, billing: object, keys: Sequence[str]) -> pd.DataFrame:
    """Sum a bill up by columns of jobs, as `reconcile_cost` does.

    Parameters
    ----------
    jobs : pandas.DataFrame
        With ``job_id`` and `keys`.
    billing : pandas, Polars, DuckDB or PySpark table
        As for `reconcile_cost`.
    keys : sequence of str
        As for `reconcile_cost`, but without ``reason``.

    Returns
    -------
    pandas.DataFrame
        One row a group: the keys, and ``billed_usd`` in Arrow's decimals, null where nothing is
        billed.
    """
    of_projects = project_columns(keys, jobs)
    needed = list(dict.fromkeys(["job_id", *keys, *of_projects]))
    known = to_pandas(plain_text(read_table(jobs, needed), needed))
    table, _ = _with_bill(known, billing, keys, of_projects)
    number, groups = number_groups(table, keys)
    groups = groups if keys else pd.DataFrame(index=range(1))
    return groups.assign(billed_usd=exact_sums(table["__billed_usd"], number, len(groups)))


def _with_bill(
    jobs: pd.DataFrame, billing: object, keys: Sequence[str], of_projects: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put what is billed beside each job, and give the bill."""
    names = names_of(keys, billing)
    bill, by_job = once("bill", [billing], lambda: _read_bill(billing, names), *names)
    if "team_name" in keys:
        by_job = give_teams(by_job, jobs[of_projects])
    jobs = jobs.drop(columns=set(of_projects) - set(keys))
    return match(jobs, by_job, keys, "outer"), bill


def _read_bill(billing: object, names: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Collect a bill, and its sums by job."""
    bill = read_billing(billing, ["is_deleted", "minutes", "kind", "month", *names])
    return bill, _by_job(bill, names)


def _by_job(bill: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Sum a bill up by job; what is assigned to no job stays apart by its names."""
    own = [f"__{name}" for name in names]
    assigned = bill["job_id"].notna()
    # what is billed for something else than a job is apart from what is for nothing
    bill["__other"] = bill["__kind"].notna() & ~assigned
    apart = ["job_id", "__other", *own]
    number, groups = number_groups(bill, apart)
    if groups["job_id"].dropna().duplicated().any():
        # A job has one name, that of its last day: it may have been renamed.
        by_day = bill.sort_values(["__date", *own], na_position="first")
        latest = by_day.groupby("job_id")[own].last()
        for name in own:
            bill[name] = bill[name].mask(assigned, bill["job_id"].map(latest[name]))
        number, groups = number_groups(bill, apart)
    bill["__begin"], bill["__end"] = _days(bill)
    grouped = bill.groupby(number)
    return groups.assign(
        __billed_from=grouped["__begin"].min(),
        __billed_until=grouped["__end"].max(),
        __deleted=grouped["__is_deleted"].sum(),
        __billed_usd=exact_sums(bill["__subtotal_usd"], number, len(groups)),
        __billed_minutes=grouped["__minutes"].sum().astype("float64"),
    )


def _days(bill: pd.DataFrame) -> tuple["pd.Series[pd.Timestamp]", "pd.Series[pd.Timestamp]"]:
    """Tell when each day of a bill begins and ends; what has no day stands for its month."""
    day, month = bill["__date"], bill["__month"]
    return (
        day.fillna(month),
        (day + pd.Timedelta(days=1)).fillna(month + pd.offsets.MonthBegin(1)),
    )


def _reasons(table: pd.DataFrame, bill: pd.DataFrame, jobs: pd.DataFrame) -> "pd.Series[str]":
    """Tell why estimate and bill of each row differ."""
    begin, end = _days(bill)
    in_jobs, in_bill = table["__in_jobs"], table["__in_bill"]
    nothing_billed = table["__billed_usd"].astype("float64").fillna(0.0) == 0
    free = table["__usd"] == 0
    reasons = {
        "no training job": table["__other"].fillna(value=False).astype("bool"),
        "not assigned to a job": table["job_id"].isna(),
        "deleted job": ~in_jobs & (table["__deleted"] > 0),
        # comparisons with a span that is not known are false
        BEFORE: ~in_jobs & (table["__billed_until"] <= jobs["created_at"].min()),
        AFTER: ~in_jobs & (table["__billed_from"] >= jobs["end_at"].max()),
        "not in the jobs table": ~in_jobs,
        "free": free & nothing_billed,
        "billed, though free": free & (table["__minutes"] == 0),
        "no price": table["__price"].isna(),
        "no known duration": table["__usd"].isna(),
        BOTH_KNOWN: in_bill,
        "empty bill": pd.Series(bill.empty, table.index),
        "before the first billed day": table["end_at"] <= begin.min(),
        "after the last billed day": table["created_at"] >= end.max(),
    }
    first_true = np.select(list(reasons.values()), list(reasons), "not billed")
    return pd.Series(first_true, table.index, dtype=TEXT)


def _amounts(table: pd.DataFrame) -> pd.DataFrame:
    """Compute what is added up, one row a job."""
    explained = table["reason"] == BOTH_KNOWN
    unbilled_minutes = (table["__minutes"] - table["__billed_minutes"]).where(explained)
    overhead = unbilled_minutes * table["__nodes"] * table["__price"]
    return pd.DataFrame(
        {
            "jobs": table["job_id"].notna().astype("int64"),
            "estimated_usd": table["__usd"],
            "overhead_usd": overhead,
            "price_usd": table["__usd"] - table["__billed_usd"].astype("float64") - overhead,
            "estimated_minutes": table["__minutes"],
            "billed_minutes": table["__billed_minutes"],
        }
    )


def _query_amounts(table: Frame, marks: dict[str, nw.Expr]) -> Frame:
    """Write reasons and amounts as a query on jobs and what is billed for them, side by side."""
    usd, minutes, known = nw.col("__usd"), nw.col("__minutes"), nw.col("__known") > 0
    in_jobs, in_bill = (~nw.col(name).is_null() for name in ("__in_jobs", "__in_bill"))
    billed = nw.when(known).then(nw.col("__billed_usd").cast(nw.Float64))
    nothing_billed = billed.fill_null(0.0) == 0
    reasons = {
        "no training job": nw.col("__other"),
        "not assigned to a job": nw.col("job_id").is_null(),
        "deleted job": ~in_jobs & (nw.col("__deleted") > 0),
        **{name: ~in_jobs & marks[name] for name in (BEFORE, AFTER)},
        "not in the jobs table": ~in_jobs,
        "free": (usd == 0) & nothing_billed,
        "billed, though free": (usd == 0) & (minutes == 0),
        "no price": nw.col("__price").is_null(),
        "no known duration": usd.is_null(),
        BOTH_KNOWN: in_bill,
        **{name: holds for name, holds in marks.items() if name not in {BEFORE, AFTER}},
    }
    reason: nw.Expr = nw.lit("not billed")
    for name, holds in reversed(reasons.items()):
        reason = nw.when(holds).then(nw.lit(name)).otherwise(reason)
    table = table.with_columns(reason=reason)
    unbilled = nw.when(nw.col("reason") == BOTH_KNOWN).then(minutes - nw.col("__billed_minutes"))
    table = table.with_columns(
        jobs=(~nw.col("job_id").is_null()).cast(nw.Int64),
        estimated_usd=usd,
        overhead_usd=unbilled * nw.col("__nodes") * nw.col("__price"),
        estimated_minutes=minutes,
        billed_minutes="__billed_minutes",
        billed_usd="__billed_usd",
        __missing=(in_jobs & usd.is_null()).cast(nw.Int64),
        __billed=billed,
    )
    return table.with_columns(price_usd=usd - nw.col("__billed") - nw.col("overhead_usd"))


def _sum_up(table: Frame, keys: list[str]) -> Frame:
    summed = ("estimated_usd", "overhead_usd", "price_usd", "estimated_minutes", "billed_minutes")
    sums: dict[str, nw.Expr] = {
        name: nw.when(nw.col(name).count() > 0).then(nw.col(name).sum()) for name in summed
    }
    # Money that is billed comes in decimals, so its sum is exact.
    for name in ("jobs", "__known", "__missing", "billed_usd"):
        sums[name] = nw.col(name).sum()
    return table.group_by(*keys).agg(**sums) if keys else table.select(**sums)


def _query_differences(found: Frame, keys: list[str]) -> Frame:
    """Write the result as a query on the sums of groups."""
    known = nw.col("__known") > 0
    estimated, sum_billed = nw.col("estimated_usd"), nw.col("billed_usd")
    is_unknown = (nw.col("__missing") > 0) & (estimated == 0)
    found = found.with_columns(
        jobs=nw.col("jobs").fill_null(0).cast(nw.Int64),
        estimated_usd=nw.when(~is_unknown.fill_null(value=False)).then(estimated),
        billed_usd=nw.when(known).then(sum_billed.cast(nw.Float64)),
    )
    difference = estimated.fill_null(0.0) - sum_billed.fill_null(0.0)
    one_is_known = ~estimated.is_null() | ~sum_billed.is_null()
    found = found.with_columns(difference_usd=nw.when(one_is_known).then(difference))
    found = found.with_columns(__size=nw.col("difference_usd").abs().round(9))
    order = [True] + [False] * len(keys)
    found = found.sort("__size", *keys, descending=order, nulls_last=True)
    return found.select(*keys, *COLUMNS)
