"""Jobs that continue one another: attempts at the same training."""

from typing import cast

import narwhals.stable.v2 as nw

from trainview.analysis.chain_sweep import sweep_chains
from trainview.analysis.evidence import as_times, in_microseconds
from trainview.analysis.frames import (
    Frame,
    give_back,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.goodput import LOSES, UNKNOWN, with_lost
from trainview.analysis.times import US_PER_HOUR
from trainview.errors import ArgumentError
from trainview.schema.table_types import AnyDataFrame, DataFrame

# A counter at the end of a name, with what people write before it: run-7, run_v2, run (3),
# run-attempt-2, run retry 2, run-resumed.
AGAIN = "continued|rerun|restart(?:ed)?|resumed?|retry"
COUNTER = (
    rf"(?i)(?:[-_. #(]+(?:attempt|{AGAIN}))?[-_. #(]+[0-9]+\)?$"
    rf"|[-_. (]+(?:{AGAIN}|v[0-9]+)\)?$"
)
JOBS = (
    *("job_id", "job_name", "project_id", "project_name", "gpu_type", "gpus", "user_email"),
    *("status", "created_at", "end_at"),
)
SAME = ["project_id", "__stem", "__type", "gpus", "__user"]
CHAIN = [*SAME, "__chain"]
RESULT = (
    *("job_id", "job_name", "project_name", "chain_id", "attempt", "status"),
    *("submitted_at", "ended_at", "attempts", "outcome"),
    *("wall_hours", "running_hours", "lost_hours", "ettr"),
)


def run_chains(
    jobs: DataFrame,
    *,
    within_hours: float = 24,
    phases: AnyDataFrame | None = None,
    checkpoints: AnyDataFrame | None = None,
) -> DataFrame:
    """Find jobs that continue one another, and what share of the time until success was training.

    A heuristic: no record says which job continues which. A job continues the one before it of the
    same project, type and number of GPUs, user, and name without its counter (``run-7``,
    ``run-8``), if that one ended without being completed, and this one was submitted within so
    many hours after. A job without a name continues none. Jobs that ran side by side, as in a
    sweep, stay apart.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``job_name``, ``project_id``, ``project_name``, ``gpu_type``,
        ``gpus``, ``user_email``, ``status``, ``created_at`` and ``end_at``.
    within_hours : float
        Hours after the end of a job in which the one that continues it is submitted, at most.
    phases : table, optional
        What `job_phases` gives, with ``job_id``, ``started_at``, ``ended_at`` and
        ``running_hours``.
    checkpoints : table, optional
        A checkpoints table, as for `lost_work`.

    Returns
    -------
    table of the same kind as `jobs`
        One row a job; chains with most attempts first, then the latest. For one row a chain, take
        the rows where ``attempt`` is 1.

        - ``job_id``, ``job_name``, ``project_name``, ``status`` (text): as in `jobs`
        - ``chain_id`` (text): the first job of its chain
        - ``attempt`` (int64): its number in the chain, from 1
        - ``submitted_at``, ``ended_at`` (datetime, UTC): when it was submitted, and ended: by
          `phases`, else by its record; an open one until now

        and the same for all jobs of a chain:

        - ``attempts`` (int64): jobs in the chain
        - ``outcome`` (text): status of the last one
        - ``wall_hours`` (float64): hours from submission of the first to the end of the last
        - ``running_hours`` (float64): hours for which they ran; null without `phases`, and where
          that is not known of each
        - ``lost_hours`` (float64): of these, hours since the last checkpoint of jobs that failed or
          were preempted; null where not known
        - ``ettr`` (float64): (running - lost) / wall hours: the effective training time ratio of
          A. Kokolis et al., "Revisiting Reliability in Large-Scale Machine Learning Research
          Clusters", HPCA 2025 (arXiv 2410.21680), 0 to 1; null where one of them is

    Raises
    ------
    ArgumentError
        If a column is missing, `within_hours` is not above 0, or there are checkpoints and no
        phases.

    Examples
    --------
    >>> import pandas as pd
    >>> clock = pd.to_datetime([0, 5, 6, 9], unit="h", utc=True)
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1", "j2"],
    ...         "job_name": ["sft-1", "sft-2"],
    ...         "project_id": "p1",
    ...         "project_name": "llm",
    ...         "gpu_type": "H100",
    ...         "gpus": 8,
    ...         "user_email": "ada@example.com",
    ...         "status": ["failed", "completed"],
    ...         "created_at": [clock[0], clock[2]],
    ...         "end_at": [clock[1], clock[3]],
    ...     }
    ... )
    >>> run_chains(jobs)[["job_id", "chain_id", "attempt", "outcome", "wall_hours"]]
      job_id chain_id  attempt    outcome  wall_hours
    0     j1       j1        1  completed         9.0
    1     j2       j1        2  completed         9.0
    """
    if not isinstance(within_hours, (int, float)) or not within_hours > 0:
        raise ArgumentError(f"within_hours={within_hours!r}: give a number of hours above 0")
    if phases is None and checkpoints is not None:
        raise ArgumentError("checkpoints= needs phases= too: pass what job_phases gives")
    frame = plain_text(read_table(jobs, JOBS), JOBS)
    if phases is None:
        missing = ("__running_hours", "__started", "__ended", "__lost")
        frame = frame.with_columns(**dict.fromkeys(missing, UNKNOWN))
    else:
        frame = with_lost(frame, phases, checkpoints, ["running_hours"])
    frame = in_microseconds(frame, __submitted="created_at", __record_end="end_at")
    # The record may have changed after the job ended.
    frame = frame.with_columns(__end=nw.coalesce(nw.col("__ended"), nw.col("__record_end")))
    frame = as_times(frame, submitted_at="__submitted", ended_at="__end")
    within = within_hours * US_PER_HOUR
    frame = _with_kinds(frame)
    if frame.implementation.is_pandas():
        table = sweep_chains(to_pandas(frame), SAME, within, LOSES)
        found = cast("Frame", nw.from_native(table[[*RESULT]], eager_only=True))
        return give_back(found.with_columns(nw.col("attempt", "attempts").cast(nw.Int64)), jobs)
    frame = _of_chains(_with_chains(frame, within))
    order = ["attempts", "__last_submitted", "chain_id", "attempt"]
    result = frame.sort(*order, descending=[True, True, False, False], nulls_last=True)
    return give_back(result.select(*RESULT), jobs)


def _with_kinds(frame: Frame) -> Frame:
    """Add what the jobs of a chain have alike."""
    stem = nw.col("job_name").cast(nw.String).str.replace_all(COUNTER, "")
    return frame.with_columns(
        __stem=nw.when(~nw.col("job_name").is_null()).then(stem).otherwise(nw.col("job_id")),
        __type=nw.col("gpu_type").cast(nw.String).fill_null(""),
        __user=nw.col("user_email").cast(nw.String).fill_null(""),
    )


def _with_chains(frame: Frame, within: float) -> Frame:
    """Add ``__chain``, which tells chains of the same kind of job apart, and ``attempt``."""
    in_order = ["__submitted", "job_id"]
    frame = frame.with_columns(
        **{
            f"__last{name}": nw.col(name).shift(1).over(*SAME, order_by=in_order)
            for name in ("status", "__end")
        }
    )
    pause = nw.col("__submitted") - nw.col("__last__end")
    goes_on = (
        (pause >= 0) & (pause <= within)
        & (nw.col("__laststatus") != "completed")
        & ~nw.col("job_name").is_null()
    )  # fmt: skip
    begins = nw.when(goes_on.fill_null(value=False)).then(0).otherwise(1)
    frame = frame.with_columns(__begins=begins, __one=nw.lit(1))
    chain = nw.col("__begins").cum_sum().over(*SAME, order_by=in_order)
    frame = frame.with_columns(__chain=chain)
    attempt = nw.col("__one").cum_sum().over(*CHAIN, order_by=in_order)
    return frame.with_columns(attempt=attempt.cast(nw.Int64))


def _of_chains(frame: Frame) -> Frame:
    """Add what all jobs of a chain have alike."""
    lost = nw.when(nw.col("status").is_in(LOSES)).then(nw.col("__lost") / US_PER_HOUR)
    running = nw.col("__running_hours").cast(nw.Float64)
    is_lost = nw.col("status").is_in(LOSES)
    frame = frame.with_columns(
        __running=running,
        __unknown=running.is_null().cast(nw.Int64),
        __lost_hours=lost.fill_null(0.0),
        __unknown_loss=(is_lost & lost.is_null()).cast(nw.Int64),
        attempts=nw.col("attempt").max().over(*CHAIN),
    )
    frame = frame.with_columns(
        __first=nw.when(nw.col("attempt") == 1).then(nw.col("job_id")),
        __last=nw.when(nw.col("attempt") == nw.col("attempts")).then(nw.col("status")),
    )
    frame = frame.with_columns(
        chain_id=nw.col("__first").max().over(*CHAIN),
        outcome=nw.col("__last").max().over(*CHAIN),
        __last_submitted=nw.col("__submitted").max().over(*CHAIN),
        __wall=nw.col("__end").max().over(*CHAIN) - nw.col("__submitted").min().over(*CHAIN),
        **{
            f"__sum{name}": nw.col(name).sum().over(*CHAIN)
            for name in ("__running", "__unknown", "__lost_hours", "__unknown_loss")
        },
    )
    frame = frame.with_columns(
        wall_hours=nw.when(nw.col("__wall") >= 0).then(nw.col("__wall") / US_PER_HOUR),
        running_hours=nw.when(nw.col("__sum__unknown") == 0).then(nw.col("__sum__running")),
        lost_hours=nw.when(nw.col("__sum__unknown_loss") == 0).then(nw.col("__sum__lost_hours")),
    )
    productive = nw.col("running_hours") - nw.col("lost_hours")
    ratio = productive / nw.col("wall_hours")
    return frame.with_columns(ettr=nw.when(nw.col("wall_hours") > 0).then(ratio.clip(0, 1)))
