"""What of the GPU time was productive: work that was lost, and goodput."""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from trainview.analysis.evidence import as_times, in_microseconds
from trainview.analysis.few_columns import with_columns_of
from trainview.analysis.frames import (
    By,
    Frame,
    column_names,
    give_back,
    group_keys,
    plain_text,
    read_table,
)
from trainview.analysis.idle import idle_gpus
from trainview.analysis.joins import beside, one_a_job
from trainview.analysis.sharing import once
from trainview.analysis.small_tables import read_small
from trainview.analysis.times import US_PER_HOUR
from trainview.schema.table_types import AnyDataFrame, DataFrame

# What a job that ended like this had not saved is lost; who stops a job may want no more of it.
LOSES = ["failed", "preempted"]
KINDS = [*LOSES, "stopped"]
SUMS = ("running_gpu_hours", "lost_gpu_hours", "deploying_gpu_hours", "idle_gpu_hours")
REST = ("unknown_gpu_hours", "goodput")
UNSURE = ["uncertainty_hours", "basis"]
UNKNOWN = nw.lit(None, nw.Float64)
ZERO = nw.lit(0.0)


def lost_work(jobs: DataFrame, phases: AnyDataFrame, checkpoints: AnyDataFrame | None) -> DataFrame:
    """Measure what jobs that ended early had done since their last checkpoint.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``project_name``, ``status`` and ``gpus``. Only jobs that
        failed, were preempted or stopped count; a failed deployment has done nothing.
    phases : table
        What `job_phases` gives, with ``job_id``, ``started_at`` and ``ended_at``.
    checkpoints : table or None
        A checkpoints table with ``job_id`` and ``created_at``, of all these jobs: one without a row
        counts as one that saved nothing. None where checkpoints were never fetched.

    Returns
    -------
    table of the same kind as `jobs`
        One row a job, the one that lost most first.

        - ``job_id``, ``project_name`` (text), ``gpus`` (int64): as in `jobs`
        - ``kind`` (text): ``failed``, ``preempted``, or ``stopped``: its user may have wanted that,
          so tell it apart
        - ``started_at``, ``ended_at`` (datetime, UTC): as in `phases`
        - ``last_checkpoint_at`` (datetime, UTC): the last checkpoint before its end; null where it
          has none
        - ``lost_hours`` (float64): hours from then, or from its start if that is later, to its
          end; the whole run where it saved nothing; null where its start is not known and it saved
          nothing, and without `checkpoints`
        - ``lost_gpu_hours`` (float64): ``gpus * lost_hours``

    Raises
    ------
    ArgumentError
        If a column is missing, or a column of times holds none.

    Examples
    --------
    >>> import pandas as pd
    >>> clock = pd.to_datetime([1, 6, 8], unit="h", utc=True)
    >>> job = {"job_id": "j1", "project_name": "llm", "status": "failed", "gpus": 8}
    >>> jobs = pd.DataFrame([job])
    >>> phases = pd.DataFrame({"job_id": ["j1"], "started_at": clock[0], "ended_at": clock[2]})
    >>> checkpoints = pd.DataFrame({"job_id": ["j1"], "created_at": clock[1]})
    >>> lost_work(jobs, phases, checkpoints)[["job_id", "kind", "lost_hours", "lost_gpu_hours"]]
      job_id    kind  lost_hours  lost_gpu_hours
    0     j1  failed         2.0            16.0
    """
    return once("lost work", [jobs, phases, checkpoints], lambda: _lost(jobs, phases, checkpoints))


def _lost(jobs: DataFrame, phases: AnyDataFrame, checkpoints: AnyDataFrame | None) -> DataFrame:
    columns = ["job_id", "project_name", "status", "gpus"]
    frame = plain_text(read_small(jobs, columns), columns)
    frame = with_lost(frame.filter(nw.col("status").is_in(KINDS)), phases, checkpoints)
    frame = frame.with_columns(lost_hours=nw.col("__lost") / US_PER_HOUR)
    frame = as_times(
        frame, started_at="__started", ended_at="__ended", last_checkpoint_at="__saved"
    )
    result = frame.select(
        *("job_id", "project_name"),
        *(nw.col("status").alias("kind"), "gpus", "started_at", "ended_at", "last_checkpoint_at"),
        "lost_hours",
        lost_gpu_hours=nw.col("gpus") * nw.col("lost_hours"),
    )
    result = result.sort("lost_gpu_hours", "job_id", descending=[True, False], nulls_last=True)
    return give_back(result, jobs)


def goodput(
    jobs: DataFrame,
    phases: AnyDataFrame,
    checkpoints: AnyDataFrame | None,
    by: By = "project_name",
    metrics: AnyDataFrame | None = None,
) -> DataFrame:
    """Estimate what share of the GPU time was productive, at most.

    Of the GPU-hours in which jobs deployed and ran, those of deployment are lost, and those of
    failed and preempted jobs since their last checkpoint; with `metrics`, so are those in which
    GPUs were idle. Goodput is the rest as a share of all: an upper bound, since what happens inside
    a run (loading, stalls, steps done again) is not seen, and what is not known counts as good:
    jobs of which nobody knows how long they ran, and the time by which a start may be off.

    Others see more and mean less by it. Google's ML Productivity Goodput times each step inside of
    the job: it counts only steps that advance the training, and multiplies that share by how well
    a step uses the chip, and by the time in which the capacity was there at all. NVIDIA's training
    frameworks take productive time from their own log, by wall clock. Neither sees jobs that do
    not run with them.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``status``, ``gpus`` and the columns of `by`.
    phases : table
        What `job_phases` gives, with ``job_id``, ``started_at``, ``ended_at``, ``deploying_hours``
        and ``running_gpu_hours``; of ``basis``, ``uncertainty_hours``, ``released_at`` and
        ``submitted_at`` what it has.
    checkpoints : table or None
        A checkpoints table, as for `lost_work`; None where checkpoints were never fetched.
    by : str or sequence of str, optional
        Columns to group by; None for one row over all jobs.
    metrics : table, optional
        A metrics table, as for `idle_gpus`.

    Returns
    -------
    table of the same kind as `jobs`
        One row a group, the one with most unproductive GPU-hours first.

        - the columns of `by`, categories as text
        - ``jobs`` (int64): all jobs
        - ``unknown_jobs`` (int64): those of them whose running time is not known; they count in
          none of the next four
        - ``running_gpu_hours`` (float64): GPU-hours in which jobs ran
        - ``lost_gpu_hours`` (float64): those of failed and preempted jobs since their last
          checkpoint; null without `checkpoints`
        - ``deploying_gpu_hours`` (float64): GPU-hours in which jobs deployed, summed where known
        - ``idle_gpu_hours`` (float64): GPU-hours in which a GPU was idle, without those that are
          lost already; null without `metrics`
        - ``unknown_gpu_hours`` (float64): GPU-hours of the unknown jobs, from release or
          submission to end
        - ``goodput`` (float64): 1 - (lost + deploying + idle) / (running + deploying + unknown), 0
          to 1, an upper bound: of deployment and loss only what is sure, where a start may be off;
          null where nothing is known

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> clock = pd.to_datetime([1, 6, 9], unit="h", utc=True)
    >>> job = {"job_id": "j1", "project_name": "llm", "status": "failed", "gpus": 8}
    >>> jobs = pd.DataFrame([job])
    >>> phases = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1"],
    ...         "started_at": clock[0],
    ...         "ended_at": clock[2],
    ...         "deploying_hours": 2.0,
    ...         "running_gpu_hours": 64.0,
    ...     }
    ... )
    >>> checkpoints = pd.DataFrame({"job_id": ["j1"], "created_at": clock[1]})
    >>> goodput(jobs, phases, checkpoints)[["project_name", "lost_gpu_hours", "goodput"]]
      project_name  lost_gpu_hours  goodput
    0          llm            24.0      0.5
    """
    keys = group_keys(by, result=("jobs", "unknown_jobs", *SUMS, *REST))
    told = [jobs, phases, checkpoints, metrics]
    if isinstance(jobs, pd.DataFrame):
        made = once("goodput", told, lambda: _rows(jobs, phases, checkpoints, metrics, ()))
        frame = with_columns_of(jobs, keys, made)
    else:
        frame = _rows(jobs, phases, checkpoints, metrics, keys)
    return give_back(_by_group(frame, keys, checkpoints, metrics), jobs)


def _rows(
    jobs: Any, phases: object, checkpoints: object, metrics: object, keys: Sequence[str]
) -> Frame:
    """Tell what came of the GPU time of each job."""
    columns = list(dict.fromkeys([*keys, "job_id", "status", "gpus"]))
    frame = plain_text(read_small(jobs, columns), columns)
    hours = ["deploying_hours", "running_gpu_hours", *UNSURE]
    frame = with_lost(frame, phases, checkpoints, hours, ["released_at", "submitted_at"])
    running = nw.col("__running_gpu_hours").cast(nw.Float64)
    has_run = ~running.is_null()
    lost = nw.col("gpus") * nw.col("__lost") / US_PER_HOUR
    is_lost = has_run & nw.col("status").is_in(LOSES) & ~nw.col("__lost").is_null()
    deploying = nw.col("__deploying_hours").cast(nw.Float64)
    held = nw.col("__ended") - nw.coalesce(nw.col("__released_at"), nw.col("__submitted_at"))
    frame = frame.with_columns(
        __known=has_run.cast(nw.Int64),
        __running=running,
        __lost_hours=nw.when(is_lost).then(nw.min_horizontal(lost, running)),
        __deploying=nw.when(has_run).then(nw.col("gpus") * deploying),
        __unknown=nw.when(~has_run & (held > 0)).then(nw.col("gpus") * held / US_PER_HOUR),
    )
    frame = _with_unsure(frame)
    if metrics is None:
        return frame.with_columns(__idle=UNKNOWN)
    return _with_idle(frame, _idle(frame, metrics))


def _with_unsure(frame: Frame) -> Frame:
    """Add ``__unsure``: what of deployment and loss may have been good, as the start may be off.

    Of a job that lost its whole run, all between release and end is lost, whenever it started. A
    bill tells how long a job ran, but not when: its record changes some time after it ended.
    """
    started, deploying, lost = (
        nw.col(name) for name in ("__started", "__deploying", "__lost_hours")
    )
    has_started = ~started.is_null()
    by_bill = (nw.col("__basis").cast(nw.String) == "bill").fill_null(value=False)
    off = nw.col("gpus") * nw.col("__uncertainty_hours").cast(nw.Float64)
    off = nw.when(by_bill).then(nw.max_horizontal(deploying, off)).otherwise(off)
    saved_some = (nw.col("__saved") > started).fill_null(value=False)
    is_whole = has_started & ~lost.is_null() & ~saved_some
    is_sure = is_whole & ~by_bill
    of_deploying = nw.when(has_started & ~is_sure).then(
        nw.min_horizontal(deploying, nw.coalesce(off, deploying))
    )
    of_lost = nw.when(is_whole & deploying.is_null()).then(
        nw.min_horizontal(lost, nw.coalesce(off, lost))
    )
    return frame.with_columns(__unsure=of_deploying.fill_null(0.0) + of_lost.fill_null(0.0))


def with_lost(
    frame: Frame,
    phases: object,
    checkpoints: object,
    hours: Sequence[str] = (),
    moments: Sequence[str] = (),
) -> Frame:
    """Add what phases and checkpoints tell about jobs.

    Parameters
    ----------
    frame : narwhals frame
        Jobs with ``job_id``.
    phases : table
        What `job_phases` gives.
    checkpoints : table or None
        A checkpoints table.
    hours : sequence of str, optional
        More columns of `phases`; those of `UNSURE` may be missing.
    moments : sequence of str, optional
        More columns of times, which may be missing.

    Returns
    -------
    narwhals frame
        The frame with ``__started``, ``__ended``, ``__saved`` (the last checkpoint before the end)
        and ``__lost`` (from then to the end), in microseconds, and the other columns of `phases`
        with ``__`` before their names.
    """
    times = ["started_at", "ended_at"]
    there = column_names(phases, "phases")
    found = [name for name in hours if name not in UNSURE or name in there]
    also = [name for name in moments if name in there]
    columns = ["job_id", *times, *found, *also]
    known = read_small(phases, columns, name="phases", times=[*times, *also])
    read = {"__started": "started_at", "__ended": "ended_at"} | {f"__{name}": name for name in also}
    known = in_microseconds(known, **read)
    known = one_a_job(known.select("job_id", *read, **{f"__{name}": name for name in found}))
    frame = beside(frame, known, "job_id")
    # Phases that say nothing of it are exact.
    rest = {f"__{name}": UNKNOWN for name in (*hours, *moments)} | {"__uncertainty_hours": ZERO}
    missing = sorted(set(rest).difference(frame.columns))
    # lazy tables refuse to add nothing
    if missing:
        frame = frame.with_columns(**{name: rest[name] for name in missing})
    if checkpoints is None:
        return frame.with_columns(__saved=UNKNOWN, __lost=UNKNOWN)
    saved = once("saved", [phases, checkpoints], lambda: _last_saved(checkpoints, known))
    frame = beside(frame, saved, "job_id")
    since = nw.max_horizontal("__saved", "__started")
    return frame.with_columns(__lost=nw.col("__ended") - since)


def _last_saved(checkpoints: object, known: Frame) -> Frame:
    """Find the last checkpoint of each job before its end."""
    saved = read_small(checkpoints, ["job_id", "created_at"], name="checkpoints")
    saved = in_microseconds(saved, __saved="created_at").select("job_id", "__saved")
    saved = beside(saved, known.select("job_id", "__ended"), "job_id")
    saved = saved.filter(nw.col("__saved") <= nw.col("__ended"))
    return saved.group_by("job_id").agg(nw.col("__saved").max())


def _idle(frame: Frame, metrics: Any) -> Frame:
    """Find GPU-hours in which GPUs of a job were idle before what is lost anyway."""
    lost = nw.when(nw.col("status").is_in(LOSES)).then(nw.col("__lost"))
    windows = frame.filter(nw.col("__known") == 1, ~nw.col("__started").is_null())
    windows = windows.with_columns(__until=nw.col("__ended") - lost.fill_null(0.0))
    windows = as_times(windows, __since="__started", __until_at="__until")
    windows = windows.select("job_id", created_at="__since", end_at="__until_at")
    idle = idle_gpus(metrics, give_back(windows, metrics), by="job_id")
    return read_table(idle, ["job_id", "idle_gpu_hours"], name="idle GPUs")


def _with_idle(frame: Frame, hours: Frame) -> Frame:
    """Add ``__idle``, what `_idle` found, where that is more than was lost."""
    frame = beside(frame, hours.rename({"idle_gpu_hours": "__idle"}), "job_id")
    most = nw.col("__running") - nw.col("__lost_hours").fill_null(0.0)
    idle_hours = nw.min_horizontal(nw.col("__idle").fill_null(0.0), most)
    return frame.with_columns(__idle=nw.when(nw.col("__known") == 1).then(idle_hours))


def _by_group(frame: Frame, keys: list[str], checkpoints: object, metrics: object) -> Frame:
    """Sum up by group, and tell what share was productive."""
    sums = dict(zip(SUMS, ("__running", "__lost_hours", "__deploying", "__idle"), strict=True))
    totals = {name: nw.col(column).sum() for name, column in sums.items()}
    unknown, unsure = "unknown_gpu_hours", "__unsure"
    totals |= {unknown: nw.col("__unknown").sum(), unsure: nw.col(unsure).sum()}
    counts = {"jobs": nw.len(), "__jobs_known": nw.col("__known").sum()}
    result = (
        frame.group_by(*keys).agg(**counts, **totals) if keys else frame.select(**counts, **totals)
    )
    result = result.with_columns(
        nw.col("jobs").cast(nw.Int64),
        nw.col("__jobs_known").fill_null(0).cast(nw.Int64),
        nw.col(*SUMS, unknown, unsure).cast(nw.Float64).fill_null(0.0),
    )
    running, lost, deploying, idle = (nw.col(name) for name in SUMS)
    is_known, whole = nw.col("__jobs_known") > 0, running + deploying
    wasted = lost + deploying + idle
    bound = 1 - (wasted - nw.col(unsure)) / (whole + nw.col(unknown))
    result = result.with_columns(
        __wasted=wasted,
        unknown_jobs=nw.col("jobs") - nw.col("__jobs_known"),
        goodput=nw.when(is_known & (whole > 0)).then(bound.clip(0, 1)),
    )
    # What was never fetched is not known, though the bound holds without it.
    given = {"lost_gpu_hours": checkpoints, "idle_gpu_hours": metrics}
    known = {
        name: nw.when(is_known).then(nw.col(name)) if given.get(name, 1) is not None else UNKNOWN
        for name in SUMS
    }
    result = result.with_columns(**known)
    order = [True] + [False] * len(keys)
    result = plain_text(result, keys).sort("__wasted", *keys, descending=order, nulls_last=True)
    return result.select(*keys, "jobs", "unknown_jobs", *SUMS, *REST)
