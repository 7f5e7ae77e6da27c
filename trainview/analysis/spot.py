"""Spot capacity beside dedicated: what it was used for, and what it cost in preemptions."""

from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.failures import is_finished
from trainview.analysis.frames import (
    By,
    Frame,
    column_names,
    give_back,
    give_back_small,
    group_keys,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.goodput import lost_work
from trainview.analysis.grouping import number_groups
from trainview.analysis.intervals import with_interval
from trainview.analysis.joins import beside, one_a_job
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.queue import queue_waits
from trainview.analysis.small_tables import read_small
from trainview.schema.table_types import AnyDataFrame, DataFrame
from trainview.statuses import STATUSES

MODEL = "availability_model"
DEDICATED = "dedicated"
# What never ran was not preempted either.
NEVER_RAN = [status.label for status in STATUSES if status.terminal and not status.holds_gpus]
WAITING = [status.label for status in STATUSES if status.phase == "waiting"]
RESULT = (
    *("jobs", "gpu_hours", "ended", "preempted", "preemption_rate", "low", "high"),
    *("lost_gpu_hours", "waiting", "p50_wait_hours", "p90_wait_hours"),
)


def spot_usage(
    jobs: DataFrame,
    phases: AnyDataFrame | None = None,
    checkpoints: AnyDataFrame | None = None,
    queue: AnyDataFrame | None = None,
    by: By = MODEL,
) -> DataFrame:
    """Compare jobs on spot capacity with those on dedicated: use, preemptions, lost work, waiting.

    A job without ``availability_model`` is dedicated. The list of jobs shows the latest value: one
    that was changed while a job waited is not seen.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``project_name``, ``status``, ``gpus``, ``gpu_hours``, the
        columns of `by`, and ``availability_model`` if it has that.
    phases : table, optional
        What `job_phases` gives, as for `lost_work`.
    checkpoints : table, optional
        A checkpoints table, as for `lost_work`.
    queue : table, optional
        A queue table, as for `queue_waits`, with ``job_id``.
    by : str or sequence of str, optional
        Columns to group by; None for one row over all jobs.

    Returns
    -------
    table of the same kind as `jobs`
        One row a group, the one with most GPU-hours first.

        - the columns of `by`, categories as text; ``availability_model`` is never null
        - ``jobs`` (int64): number of jobs
        - ``gpu_hours`` (float64): GPU-hours, summed where known
        - ``ended`` (int64): jobs that have ended, without failed deployments
        - ``preempted`` (int64): those of them that were preempted
        - ``preemption_rate`` (float64): preempted / ended, 0 to 1; null where none has ended
        - ``low``, ``high`` (float64): bounds of that rate with 95% confidence, as by
          `failure_rates`
        - ``lost_gpu_hours`` (float64): GPU-hours that preempted jobs had done since their last
          checkpoint, as by `lost_work`, summed where known; null where it is known of none of
          them, and without `phases` or `checkpoints`
        - ``waiting`` (int64): jobs that wait now
        - ``p50_wait_hours``, ``p90_wait_hours`` (float64): hours after which this percentage of
          jobs has been released, as by `queue_waits`; null without `queue`

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1", "j2", "j3"],
    ...         "project_name": "llm",
    ...         "status": ["preempted", "completed", "completed"],
    ...         "gpus": 8,
    ...         "gpu_hours": [80.0, 16.0, 8.0],
    ...         "availability_model": ["spot", "spot", None],
    ...     }
    ... )
    >>> spot_usage(jobs)[["availability_model", "jobs", "preempted", "preemption_rate"]]
      availability_model  jobs  preempted  preemption_rate
    0               spot     2          1              0.5
    1          dedicated     1          0              0.0
    """
    keys = group_keys(by, result=RESULT)
    frame = _with_model(jobs, keys)
    lost = _lost(jobs, phases, checkpoints)
    if lost is not None:
        frame = beside(frame, lost, "job_id")
    status = nw.col("status")
    frame = frame.with_columns(
        __ended=_mark(is_finished() & ~status.is_in(NEVER_RAN)),
        __preempted=_mark(status == "preempted"),
        __waiting=_mark(status.is_in(WAITING)),
        __lost=nw.col("lost_gpu_hours") if lost is not None else nw.lit(None, nw.Float64),
    )
    sums = {
        "jobs": nw.len(),
        "gpu_hours": nw.col("gpu_hours").sum(),
        "ended": nw.col("__ended").sum(),
        "preempted": nw.col("__preempted").sum(),
        "waiting": nw.col("__waiting").sum(),
        "lost_gpu_hours": nw.col("__lost").sum(),
        "__known": nw.col("__lost").count(),
    }
    grouped = frame.group_by(*keys).agg(**sums) if keys else frame.select(**sums)
    table = to_pandas(plain_text(grouped, keys))
    counts = ["jobs", "ended", "preempted", "waiting", "__known"]
    table[[*counts, "gpu_hours"]] = table[[*counts, "gpu_hours"]].fillna(0)
    table = with_dtypes(table, dict.fromkeys(counts, "int64"))
    lost_hours = table["lost_gpu_hours"].astype("float64").where(table["__known"] > 0)
    if lost is not None:
        # nobody was preempted, nothing was lost
        lost_hours = lost_hours.mask(table["preempted"] == 0, 0.0)
    table = table.assign(lost_gpu_hours=lost_hours, **_rates(table))
    table = _with_waits(table, frame, queue, keys)
    table["__order"] = table["gpu_hours"].astype("float64").round(9)
    ascending = [False] + [True] * len(keys)
    table = table.sort_values(["__order", *keys], ascending=ascending, na_position="last")
    numbers = dict.fromkeys(set(RESULT) - set(counts), "float64")
    return give_back_small(table[[*keys, *RESULT]].astype(numbers), jobs)


def _mark(condition: nw.Expr) -> nw.Expr:
    return condition.fill_null(value=False).cast(nw.Int64)


def _with_model(jobs: Any, keys: list[str]) -> Frame:
    """Open a jobs table; who names no model is dedicated."""
    there = MODEL in column_names(jobs)
    named = [name for name in keys if name != MODEL]
    columns = [*named, "job_id", "status", "gpu_hours", "gpus", "project_name"]
    frame = read_small(jobs, [*columns, *([MODEL] if there else [])])
    frame = plain_text(frame, named, compared=["status"])
    if there and frame.implementation.is_pandas():
        # narwhals casts what is missing to the text "nan" where pandas' option asks for objects
        table = to_pandas(frame)
        told = table[MODEL].astype("object").where(table[MODEL].notna(), DEDICATED).astype(TEXT)
        return cast("Frame", nw.from_native(table.assign(**{MODEL: told}), eager_only=True))
    model = nw.col(MODEL).cast(nw.String) if there else nw.lit(None, nw.String)
    return frame.with_columns(model.fill_null(DEDICATED).alias(MODEL))


def _lost(jobs: Any, phases: Any, checkpoints: Any) -> Frame | None:
    if phases is None or checkpoints is None:
        return None
    needed = read_table(jobs, ["job_id", "project_name", "status", "gpus"])
    preempted: Any = needed.filter(nw.col("status") == "preempted").to_native()
    lost: Any = lost_work(preempted, phases, checkpoints)
    frame = read_table(lost, ["job_id", "kind", "lost_gpu_hours"], times=())
    return one_a_job(frame.select("job_id", "lost_gpu_hours"))


def _rates(table: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    """Give the rate of preemptions with Wilson's interval."""
    counts = table[["ended", "preempted"]].set_axis(["finished", "failed"], axis="columns")
    rates = to_pandas(with_interval(cast("Frame", nw.from_native(counts, eager_only=True))))
    rates = rates.rename(columns={"failure_rate": "preemption_rate"}).astype("float64")
    return {name: rates[name] for name in ("preemption_rate", "low", "high")}


def _with_waits(table: pd.DataFrame, frame: Frame, queue: Any, keys: list[str]) -> pd.DataFrame:
    """Put beside each group how long its jobs waited."""
    if queue is None:
        return table.assign(p50_wait_hours=np.nan, p90_wait_hours=np.nan)
    optional = ["released_at"] if "released_at" in column_names(queue, "queue") else []
    columns = ["job_id", "waited_hours", "is_waiting", *optional]
    waits = read_small(queue, columns, name="queue", times=optional)
    facts = one_a_job(
        frame.select("job_id", *(key for key in keys if key != "job_id"), __is=nw.lit(1))
    )
    known = beside(waits, facts, "job_id").filter(~nw.col("__is").is_null())
    waited = queue_waits(give_back(known, queue), by=keys or None)
    found = to_pandas(read_table(waited, [*keys, "p50", "p90"], times=()))
    named = found.rename(columns={"p50": "p50_wait_hours", "p90": "p90_wait_hours"})
    if not keys:
        return table.join(named)
    both = pd.concat([table[keys], named[keys]], ignore_index=True)
    number, _ = number_groups(both, keys)
    by_number = named.drop(columns=keys).set_axis(number[len(table) :])
    return table.join(by_number.reindex(number[: len(table)]).set_axis(table.index))
