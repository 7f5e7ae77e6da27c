"""What `trainview.analysis.reconcile` does in memory, as a query for lazy tables."""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from trainview.analysis.billing import (
    NAMES,
    check_once,
    names_of,
    open_billing,
    query_teams,
)
from trainview.analysis.frames import Frame, schema_of, to_pandas
from trainview.analysis.parts import by_job
from trainview.analysis.steps import microseconds
from trainview.analysis.times import with_microseconds

COUNTED = ("__usd", "__minutes", "__price", "__nodes", "__created", "__end")
BILLED = (
    *("__deleted", "__billed_usd", "__known", "__billed_minutes"),
    *("__billed_from", "__billed_day", "__billed_month"),
)
# Why what is billed is of no job of the table, where its days tell.
BEFORE, AFTER = "before the first job", "after the last job"
_DAY = 86_400_000_000


def put_side_by_side(
    frame: Frame, billing: object, keys: Sequence[str], of_projects: Sequence[str]
) -> tuple[list[Frame], dict[str, nw.Expr]]:
    """Put jobs and what is billed for them side by side.

    Parameters
    ----------
    frame : narwhals frame
        What `trainview.analysis.cost.with_estimates` gives, lazy.
    billing : pandas, Polars, DuckDB or PySpark table
        The bill.
    keys : sequence of str
        Columns of jobs.
    of_projects : sequence of str
        What `trainview.analysis.billing.project_columns` lists.

    Returns
    -------
    tables : list of narwhals frame
        In parts where there are many jobs, unless these are a key: one row a job, or thing that is
        billed without one: `keys`, ``job_id``, ``__usd``, ``__minutes``, ``__price``, ``__nodes``,
        ``__billed_usd`` (decimal), ``__known`` (amounts in it), ``__billed_minutes``, ``__in_jobs``
        and ``__in_bill`` (null or 1), ``__deleted``, ``__other``, and in microseconds
        ``__billed_from``, ``__billed_day``, ``__billed_month`` (its first day, its last day, and
        the last month of what has no day).
    marks : dict of str to narwhals.Expr
        What says that the bill is empty, or begins or ends too late or early for a job, and the
        jobs for what is billed.
    """
    names = names_of(keys, billing)
    bill = open_billing(billing, ["is_deleted", "minutes", "kind", "month", *names], frame)
    jobs = with_microseconds(frame, __created="created_at", __end="end_at")
    own = list(dict.fromkeys(["job_id", *keys]))
    jobs = jobs.select(*own, *COUNTED).with_columns(nw.col("job_id").cast(nw.String))
    check_once(jobs)
    marks = _marks(bill) | _marks_of_jobs(jobs)
    bill = _with_days(bill)
    parts = [(jobs, bill)] if "job_id" in keys else by_job(jobs, bill)
    tables = [_side_by_side(part[0], part[1], keys, names) for part in parts]
    if "team_name" in keys:
        tables = [query_teams(table, frame, of_projects) for table in tables]
    is_job = ~nw.col("__in_jobs").is_null()
    told: dict[str, nw.Expr] = {
        name: nw.when(is_job).then(nw.col(name).cast(nw.String)).otherwise(nw.col(f"__{name}"))
        for name in NAMES
        if name in keys
    }
    return [table.with_columns(**told) if told else table for table in tables], marks


def _side_by_side(jobs: Frame, bill: Frame, keys: Sequence[str], names: Sequence[str]) -> Frame:
    own = list(dict.fromkeys(["job_id", *keys]))
    amount = nw.col("__subtotal_usd")
    sums = {
        "__deleted": nw.col("__is_deleted").cast(nw.Int64).sum(),
        "__billed_usd": amount.sum(),
        "__known": amount.count(),
        "__billed_minutes": nw.col("__minutes").sum(),
        "__billed_from": nw.col("__from").min(),
        "__billed_day": nw.col("__day").max(),
        "__billed_month": nw.col("__of_month").max(),
    }
    assigned = bill.filter(~nw.col("job_id").is_null())
    named = [f"__{name}" for name in names]
    spelled = {name: nw.col(name).max() for name in named}
    first = {f"{name}_first": nw.col(name).min() for name in named}
    billed = assigned.group_by("job_id").agg(**sums, **spelled, **first)
    for name in named:
        billed = _with_latest(billed, assigned, name, named)
    billed = billed.with_columns(__in_bill=nw.lit(1), __other=nw.lit(value=False))
    jobs = jobs.with_columns(__in_jobs=nw.lit(1))
    both = jobs.join(billed, on="job_id", how="full", suffix="__billed")
    both = both.with_columns(job_id=nw.coalesce("job_id", "job_id__billed"))
    columns = [*own, *COUNTED, *BILLED, *named, "__in_jobs", "__in_bill", "__other"]
    both = both.select(*columns)
    # a column without any value may have no type at all
    untyped = [name for name, dtype in schema_of(both).items() if dtype == nw.Unknown]
    if untyped:
        both = both.with_columns(nw.col(*untyped).cast(nw.String))
    other = bill.filter(nw.col("job_id").is_null())
    other = other.with_columns(__other=~nw.col("__kind").is_null())
    other = other.group_by("__other", *named).agg(**sums)
    schema = schema_of(both)
    found = other.columns
    nothing: dict[str, Any] = {
        name: nw.lit(None, schema[name]) for name in columns if name not in found
    }
    other = other.with_columns(**nothing | {"__in_bill": nw.lit(1)})
    counts = ("__in_jobs", "__in_bill", "__deleted", "__known")
    whole = {name: nw.col(name).cast(nw.Int64) for name in counts}
    minutes = nw.col("__billed_minutes").cast(nw.Float64)
    parts = [
        part.with_columns(**whole, __billed_minutes=minutes).select(*columns)
        for part in (both, other)
    ]
    return nw.concat(parts)


def _with_latest(billed: Frame, bill: Frame, name: str, named: Sequence[str]) -> Frame:
    """Let jobs with several names have the one that they had last: they were renamed."""
    renamed = billed.filter(nw.col(name) != nw.col(f"{name}_first")).select("job_id")
    known = bill.select(*dict.fromkeys(["job_id", "__date", *named]))
    known = known.filter(~nw.col(name).is_null()).join(renamed, on="job_id", how="semi")
    known = known.unique("job_id", keep="last", order_by=["__date", *named])
    billed = billed.join(known.select("job_id", __last=name), on="job_id", how="left")
    return billed.with_columns(**{name: nw.coalesce("__last", name)}).drop("__last")


def _with_days(bill: Frame) -> Frame:
    """Add the days of a bill in microseconds, and the months of what has no day."""
    has_months = "__month" in bill.columns
    months = {"__of_month": "__month"} if has_months else {}
    bill = with_microseconds(bill, __day="__date", **months)
    month = nw.col("__of_month") if has_months else nw.lit(None, nw.Int64)
    bill = bill.with_columns(__of_month=nw.when(nw.col("__day").is_null()).then(month))
    return bill.with_columns(__from=nw.coalesce("__day", "__of_month"))


def _marks_of_jobs(jobs: Frame) -> dict[str, nw.Expr]:
    """Tell what is billed on days before the first job, or after the last."""
    first, last = nw.col("__created").min(), nw.col("__end").max()
    span = to_pandas(jobs.select(first=first, last=last)).iloc[0]
    if span.isna().any():
        return dict.fromkeys((BEFORE, AFTER), nw.lit(value=False))
    begin = pd.Timestamp(int(span["first"]), unit="us", tz="UTC")
    month = begin.normalize().replace(day=1)
    before = (nw.col("__billed_day") + _DAY <= int(span["first"])).fill_null(value=True)
    is_earlier = (nw.col("__billed_month") < month.value // 1000).fill_null(value=True)
    dated = ~nw.col("__billed_from").is_null()
    return {
        BEFORE: dated & before & is_earlier,
        AFTER: nw.col("__billed_from") >= int(span["last"]),
    }


def _marks(bill: Frame) -> dict[str, nw.Expr]:
    """Find when the days of a bill begin and end; what has no day stands for its month."""
    day = nw.col("__date")
    moments = {"__first": day.min(), "__last": day.max()}
    if "__month" in bill.columns:
        bill = bill.with_columns(__month=nw.when(day.is_null()).then(nw.col("__month")))
        moments |= {"__month": nw.col("__month").min(), "__until": nw.col("__month").max()}
    found = to_pandas(bill.select(__rows=nw.len(), **moments)).iloc[0]
    begin = [found[name] for name in ("__first", "__month") if name in found]
    end = [found["__last"] + pd.Timedelta(days=1)]
    if "__until" in found:
        end.append(found["__until"] + pd.offsets.MonthBegin(1))
    earliest, latest = (
        microseconds(pd.Series(moments, dtype="datetime64[us, UTC]").dropna())
        for moments in (begin, end)
    )
    never = nw.lit(value=False)
    return {
        "empty bill": nw.lit(value=not found["__rows"]),
        "before the first billed day": nw.col("__end") <= int(earliest.min())
        if len(earliest)
        else never,
        "after the last billed day": nw.col("__created") >= int(latest.max())
        if len(latest)
        else never,
    }
