"""How often jobs fail, of what, and what that costs."""

import narwhals.stable.v2 as nw

from trainview.analysis.causes import by_cause
from trainview.analysis.cost import costs_something, is_known, with_estimates
from trainview.analysis.frames import (
    By,
    give_back,
    give_back_small,
    group_keys,
    plain_text,
    read_table,
)
from trainview.analysis.intervals import with_interval
from trainview.analysis.pandas_dtypes import with_dtypes
from trainview.analysis.small_tables import read_small
from trainview.schema.table_types import AnyDataFrame, DataFrame
from trainview.statuses import STATUSES

# What has not ended; a status that is not known yet counts as one of a job that has.
OPEN = [status.label for status in STATUSES if not status.terminal]
# What the results by cause begin and end with.
KIND, REST = ["error", "category", "origin", "is_symptom"], ["advice", "example", "job_id"]
FAILED = [status.label for status in STATUSES if status.phase == "failed"]


def is_finished() -> nw.Expr:
    """Mark the jobs that have ended; not those of no status, which pandas finds in no list."""
    status = nw.col("status")
    return ~(status.is_in(OPEN) | status.is_null())


def failure_rates(jobs: DataFrame, by: By = "project_name") -> DataFrame:
    """Estimate how likely jobs are to fail, with the uncertainty of small numbers.

    ``low`` and ``high`` bound the failure rate with 95% confidence: the score interval of
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal
    of the American Statistical Association 22 (1927), 209-212.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``status`` and the columns of `by`.
    by : str or sequence of str, optional
        Columns to group by; None for one row over all jobs.

    Returns
    -------
    table of the same kind as `jobs`
        One row a group, the highest ``low`` first: where failures are most certain.

        - the columns of `by`, categories as text
        - ``finished`` (int64): jobs that ended as completed, failed, deploy-failed, stopped,
          preempted, or in a status that is not known yet
        - ``failed`` (int64): those of them that ended as failed or deploy-failed
        - ``failure_rate`` (float64): failed / finished, 0 to 1; null where none finished
        - ``low``, ``high`` (float64): bounds of the interval, 0 to 1; null where none finished

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "project_name": ["a", "b", "b", "b", "b"],
    ...         "status": ["failed", "failed", "failed", "failed", "completed"],
    ...     }
    ... )
    >>> failure_rates(jobs).round(2)
      project_name  finished  failed  failure_rate   low  high
    0            b         4       3          0.75  0.30  0.95
    1            a         1       1          1.00  0.21  1.00
    """
    keys = group_keys(by, result=("finished", "failed", "failure_rate", "low", "high"))
    frame = read_small(jobs, [*keys, "status"]).select(
        *keys,
        finished=is_finished().cast(nw.Int64),
        failed=nw.col("status").is_in(FAILED).cast(nw.Int64),
    )
    sums = nw.col("finished").sum(), nw.col("failed").sum()
    rates = frame.group_by(*keys).agg(*sums) if keys else frame.select(*sums)
    rates = plain_text(rates, keys).with_columns(nw.col("finished", "failed").cast(nw.Int64))
    rates = with_interval(rates)
    rates = rates.sort("low", *keys, descending=[True] + [False] * len(keys), nulls_last=True)
    return give_back(rates, jobs)


def error_groups(jobs: DataFrame) -> DataFrame:
    """Group failed jobs by cause: by their error messages without what differs from job to job.

    Of a message, the line counts that tells the cause: of tracebacks the exception, that of the
    worker rather than that of the launcher, without prefixes of logs. In it numbers, identifiers,
    addresses, paths, sizes and times are replaced by placeholders such as ``<number>``; numbers
    that name a cause stay (exit codes, signals, HTTP statuses, errno, Xid). A table of rules gives
    each cause a category; where none matches, nothing is guessed.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``phase``, ``error_message``, ``project_id``, ``job_id``, ``end_at``
        and ``gpu_hours``. Only jobs of phase ``failed`` count.

    Returns
    -------
    table of the same kind as `jobs`
        One row a cause, the most frequent first, then the most recent.

        - ``error`` (text): the message with placeholders; null for jobs without a message
        - ``category`` (text): the kind of failure, such as GPU out of memory, NCCL timeout,
          hardware, disk full, image pull, missing module, access refused; else other
        - ``origin`` (text): where it comes from: ``code``, ``infrastructure``, ``capacity``, or
          ``unknown``
        - ``is_symptom`` (bool): whether it mostly follows another failure, which says more, as an
          NCCL timeout follows the death of another rank
        - ``jobs`` (int64): failed jobs with it
        - ``projects`` (int64): projects that have such jobs
        - ``gpu_hours`` (float64): GPU-hours of these jobs, summed where known
        - ``first_seen``, ``last_seen`` (datetime, UTC): ends of the earliest and the latest one
        - ``advice`` (text): what to do, in one line
        - ``example`` (text): the whole message of the latest one
        - ``job_id`` (text): that job

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1", "j2"],
    ...         "project_id": "p1",
    ...         "phase": "failed",
    ...         "error_message": ["Out of memory on GPU 0", "Out of memory on GPU 3"],
    ...         "end_at": pd.to_datetime(["2025-01-01", "2025-01-02"], utc=True),
    ...         "gpu_hours": [8.0, 4.0],
    ...     }
    ... )
    >>> error_groups(jobs)[["error", "category", "jobs", "gpu_hours"]]
                               error           category  jobs  gpu_hours
    0  Out of memory on GPU <number>  GPU out of memory     2       12.0
    """
    columns = ["error_message", "project_id", "job_id", "end_at", "gpu_hours"]
    frame = read_table(jobs, [*columns, "phase"])
    failed = frame.filter(nw.col("phase") == "failed").select(*columns)
    causes = by_cause(failed, ["gpu_hours"], projects=True)
    causes = causes.sort_values(
        ["jobs", "last_seen", "error"], ascending=[False, False, True], na_position="last"
    )
    columns = ["jobs", "projects", "gpu_hours", "first_seen", "last_seen"]
    return give_back_small(causes[[*KIND, *columns, *REST]], jobs)


def failure_costs(jobs: DataFrame, prices: AnyDataFrame) -> DataFrame:
    """Estimate what failed jobs cost by cause, with the causes of `error_groups`.

    Costs are those of `estimate_cost`: estimates, and nothing for a failed deployment.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``phase``, ``status``, ``error_message``, ``project_id``, ``job_id``,
        ``end_at``, ``gpu_hours``, ``instance_type_id``, ``node_count`` and ``elapsed_hours``.
        Only jobs of phase ``failed`` count.
    prices : pandas, Polars, DuckDB or PySpark table
        A prices table with ``instance_type_id`` and ``usd_per_minute``.

    Returns
    -------
    table of the same kind as `jobs`
        One row a cause, the most expensive first; then by GPU-hours, jobs and the latest.

        - ``error``, ``category``, ``origin``, ``is_symptom``: as in `error_groups`
        - ``jobs`` (int64): failed jobs with it
        - ``unpriced_jobs`` (int64): those that cost something, but whose instance type has no
          price
        - ``gpu_hours`` (float64): GPU-hours of these jobs, summed where known
        - ``estimated_usd`` (float64): USD, summed where known; null where no job's cost is known
          but that of jobs that are free
        - ``last_seen`` (datetime, UTC): end of the latest one
        - ``advice`` (text): what to do, in one line
        - ``example`` (text): the whole message of the latest one
        - ``job_id`` (text): that job

    Raises
    ------
    ArgumentError
        If a column is missing, or an instance type has two prices.

    Examples
    --------
    >>> import pandas as pd
    >>> prices = pd.DataFrame({"instance_type_id": ["H100:8"], "usd_per_minute": [0.5]})
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1", "j2"],
    ...         "project_id": "p1",
    ...         "phase": "failed",
    ...         "status": "failed",
    ...         "error_message": ["Out of memory on GPU 0", "Out of memory on GPU 3"],
    ...         "end_at": pd.to_datetime(["2025-01-01", "2025-01-02"], utc=True),
    ...         "instance_type_id": "H100:8",
    ...         "node_count": 1,
    ...         "elapsed_hours": [1.0, 0.5],
    ...         "gpu_hours": [8.0, 4.0],
    ...     }
    ... )
    >>> failure_costs(jobs, prices)[["error", "jobs", "estimated_usd", "job_id"]]
                               error  jobs  estimated_usd job_id
    0  Out of memory on GPU <number>     2           45.0     j2
    """
    columns = ["error_message", "project_id", "job_id", "end_at", "gpu_hours"]
    frame = with_estimates(jobs, prices, [*columns, "phase"])
    failed = frame.filter(nw.col("phase") == "failed").select(
        *columns,
        estimated_usd="__usd",
        unpriced_jobs="__unpriced",
        untimed_jobs="__untimed",
        known_jobs=costs_something().cast(nw.Int64),
    )
    counts = ["unpriced_jobs", "untimed_jobs", "known_jobs"]
    causes = by_cause(failed, ["gpu_hours", "estimated_usd", *counts])
    causes["estimated_usd"] = causes["estimated_usd"].where(is_known(causes))
    causes = with_dtypes(causes, {"unpriced_jobs": "int64"}).sort_values(
        ["estimated_usd", "gpu_hours", "jobs", "last_seen", "error"],
        ascending=[False, False, False, False, True],
        na_position="last",
    )
    columns = ["jobs", "unpriced_jobs", "gpu_hours", "estimated_usd", "last_seen"]
    return give_back_small(causes[[*KIND, *columns, *REST]], jobs)
