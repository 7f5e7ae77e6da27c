"""How much the checkpoints of each project hold, and what is still on its way."""

import narwhals.stable.v2 as nw

from trainview.analysis.failures import OPEN
from trainview.analysis.frames import By, give_back, group_keys, plain_text
from trainview.analysis.joins import beside, one_a_job
from trainview.analysis.small_tables import read_small
from trainview.schema.table_types import AnyDataFrame, DataFrame

COUNTS = ("jobs", "checkpoints", "syncing", "syncing_ended_jobs")
SIZES = ("size_bytes", "largest_bytes", "syncing_ended_bytes")
RESULT = (
    *("jobs", "checkpoints", "size_bytes", "largest_bytes", "latest_at", "syncing"),
    *("syncing_ended_jobs", "syncing_ended_bytes"),
)


def checkpoint_usage(
    checkpoints: DataFrame, jobs: AnyDataFrame, by: By = "project_name"
) -> DataFrame:
    """Sum up checkpoints, and find those still syncing though their job has ended.

    A checkpoint is gone for good when its job or project is deleted; one that is still syncing is
    not whole yet. What is listed twice counts once, and as synced where one of the rows says so.

    Parameters
    ----------
    checkpoints : pandas, Polars, DuckDB or PySpark table
        A checkpoints table with ``job_id``, ``checkpoint_id``, ``created_at``, ``size_bytes`` and
        ``sync_status``.
    jobs : table
        A jobs table with ``job_id``, ``status`` and the columns of `by`. Checkpoints of jobs that
        are not in it have null keys, and nobody knows whether these jobs have ended.
    by : str or sequence of str, optional
        Columns of `jobs` to group by; None for one row over all checkpoints.

    Returns
    -------
    table of the same kind as `checkpoints`
        One row a group that has checkpoints, the one that holds most first.

        - the columns of `by`, categories as text
        - ``jobs`` (int64): jobs that have checkpoints
        - ``checkpoints`` (int64): how many these are
        - ``size_bytes`` (float64): bytes of all of them
        - ``largest_bytes`` (float64): bytes of the largest
        - ``latest_at`` (datetime, UTC): when the latest was made
        - ``syncing`` (int64): checkpoints whose upload is not complete
        - ``syncing_ended_jobs`` (int64): jobs that have ended and have such
        - ``syncing_ended_bytes`` (float64): bytes of these

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> jobs = pd.DataFrame({"job_id": ["j1"], "status": ["failed"], "project_name": ["llm"]})
    >>> checkpoints = pd.DataFrame(
    ...     {
    ...         "job_id": "j1",
    ...         "checkpoint_id": ["step-1", "step-2"],
    ...         "created_at": pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True),
    ...         "size_bytes": [100, 150],
    ...         "sync_status": ["COMPLETE", "SYNCING"],
    ...     }
    ... )
    >>> checkpoint_usage(checkpoints, jobs)[["project_name", "size_bytes", "syncing_ended_bytes"]]
      project_name  size_bytes  syncing_ended_bytes
    0          llm       250.0                150.0
    """
    keys = group_keys(by, result=RESULT)
    named = ["job_id", "checkpoint_id", "sync_status"]
    frame = read_small(checkpoints, [*named, "created_at", "size_bytes"], name="checkpoints")
    frame = plain_text(frame, ["job_id", "checkpoint_id"])
    if not frame.implementation.is_pandas():
        # a column without any value may have no type at all
        frame = frame.with_columns(nw.col(*named).cast(nw.String))
    frame = frame.with_columns(nw.col("size_bytes").cast(nw.Float64))
    sync = nw.col("sync_status")
    # 0 where it is not known, 1 while it syncs, 2 once it is whole
    is_known = ~sync.is_null()
    is_whole = (is_known & (sync != "SYNCING")).fill_null(value=False)
    frame = frame.with_columns(__state=is_known.cast(nw.Int64) + is_whole.cast(nw.Int64))
    ones = frame.group_by("job_id", "checkpoint_id").agg(
        nw.col("created_at", "size_bytes", "__state").max()
    )
    ones = ones.with_columns(__syncing=(nw.col("__state") == 1).cast(nw.Int64))
    others = [key for key in keys if key != "job_id"]
    columns = ["job_id", "status", *others]
    facts = one_a_job(
        plain_text(read_small(jobs, columns), columns).select(
            "job_id", *others, __status=nw.col("status")
        )
    )
    table = beside(ones, facts, "job_id")
    job, size, syncing = nw.col("job_id"), nw.col("size_bytes"), nw.col("__syncing")
    ended = ~nw.col("__status").is_in(OPEN) & ~nw.col("__status").is_null()
    left = (ended & (syncing > 0)).fill_null(value=False)
    table = table.with_columns(
        __job=job,
        __left=nw.when(left).then(job),
        __bytes=nw.when(left).then(size),
        __no_job=job.is_null().cast(nw.Int64),
        __none_left=(~left).cast(nw.Int64),
    )
    sums = {
        "jobs": nw.col("__job").n_unique(),
        "__no_job": nw.col("__no_job").max(),
        "checkpoints": nw.len(),
        "size_bytes": size.sum(),
        "largest_bytes": size.max(),
        "latest_at": nw.col("created_at").max(),
        "syncing": syncing.sum(),
        "syncing_ended_jobs": nw.col("__left").n_unique(),
        "__none_left": nw.col("__none_left").max(),
        "syncing_ended_bytes": nw.col("__bytes").sum(),
    }
    found = table.group_by(*keys).agg(**sums) if keys else table.select(**sums)
    # a null counts as one more
    found = found.with_columns(
        jobs=nw.col("jobs") - nw.col("__no_job"),
        syncing_ended_jobs=nw.col("syncing_ended_jobs") - nw.col("__none_left"),
    )
    found = plain_text(found, keys).with_columns(
        nw.col(*COUNTS).fill_null(0).cast(nw.Int64), nw.col(*SIZES).cast(nw.Float64)
    )
    found = found.with_columns(nw.col("size_bytes", "syncing_ended_bytes").fill_null(0.0))
    order = [True] + [False] * len(keys)
    found = found.sort("size_bytes", *keys, descending=order, nulls_last=True)
    return give_back(found.select(*keys, *RESULT), checkpoints)
