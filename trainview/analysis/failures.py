"""How often jobs fail, and of what."""

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrameT

from trainview.analysis.frames import (
    By,
    Frame,
    from_pandas,
    give_back,
    group_keys,
    is_lazy,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.messages import templates
from trainview.statuses import STATUSES

FINISHED = [status.label for status in STATUSES if status.terminal]
FAILED = [status.label for status in STATUSES if status.phase == "failed"]

# The quantile of the normal distribution that leaves 2.5 % on either side.
Z_95 = 1.959963984540054


def failure_rates(jobs: IntoFrameT, by: By = "project_name") -> IntoFrameT:
    """Estimate how likely jobs are to fail, with the uncertainty of small numbers.

    ``low`` and ``high`` bound the failure rate with 95 % confidence: the score interval of
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
        - ``finished`` (int64): jobs that ended as completed, failed, deploy-failed, stopped or
          preempted
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
    frame = read_table(jobs, [*keys, "status"]).select(
        *keys,
        finished=nw.col("status").is_in(FINISHED).cast(nw.Int64),
        failed=nw.col("status").is_in(FAILED).cast(nw.Int64),
    )
    sums = nw.col("finished").sum(), nw.col("failed").sum()
    rates = frame.group_by(*keys).agg(*sums) if keys else frame.select(*sums)
    rates = plain_text(rates, keys).with_columns(nw.col("finished", "failed").cast(nw.Int64))
    rates = rates.with_columns(
        __n=nw.when(nw.col("finished") > 0).then(nw.col("finished").cast(nw.Float64))
    )
    n, z2 = nw.col("__n"), Z_95**2
    rates = rates.with_columns(failure_rate=nw.col("failed") / n)
    rate = nw.col("failure_rate")
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    reach = (rate * (1 - rate) / n + z2 / (4 * n * n)).sqrt() * Z_95 / (1 + z2 / n)
    rates = rates.with_columns(
        low=nw.when(nw.col("failed") > 0).then((centre - reach).clip(0, 1)).otherwise(n * 0),
        high=nw.when(nw.col("failed") < n).then((centre + reach).clip(0, 1)).otherwise(n * 0 + 1),
    )
    rates = rates.drop("__n").sort(
        "low", *keys, descending=[True] + [False] * len(keys), nulls_last=True
    )
    return give_back(rates, jobs)


def error_groups(jobs: IntoFrameT) -> IntoFrameT:
    """Group failed jobs by cause: by their error messages without what differs from job to job.

    Numbers, identifiers, addresses, paths, sizes and times in a message are replaced by
    placeholders such as ``<number>``; of a Python traceback, only the exception counts.

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
        - ``jobs`` (int64): failed jobs with it
        - ``projects`` (int64): projects that have such jobs
        - ``gpu_hours`` (float64): GPU-hours of these jobs, summed where known
        - ``first_seen``, ``last_seen`` (datetime, UTC): ends of the earliest and the latest one
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
    >>> error_groups(jobs)[["error", "jobs", "gpu_hours", "job_id"]]
                               error  jobs  gpu_hours job_id
    0  Out of memory on GPU <number>     2       12.0     j2
    """
    columns = ["error_message", "project_id", "job_id", "end_at", "gpu_hours"]
    frame = read_table(jobs, [*columns, "phase"])
    failed = frame.filter(nw.col("phase") == "failed").select(*columns)
    return give_back(from_pandas(_by_cause(_failures(failed)), frame), jobs)


def _failures(failed: Frame) -> pd.DataFrame:
    """Collect failed jobs; of a lazy table, only the newest of each message in each project."""
    if is_lazy(failed):
        same = ["error_message", "project_id"]
        failed = failed.with_columns(
            jobs=nw.col("job_id").len().over(*same),
            gpu_hours=nw.col("gpu_hours").sum().over(*same),
            first_seen=nw.col("end_at").min().over(*same),
        ).unique(same, keep="last", order_by=["end_at", "job_id"])
        return to_pandas(failed)
    table = to_pandas(failed)
    return table.assign(jobs=1, first_seen=table["end_at"])


def _by_cause(failed: pd.DataFrame) -> pd.DataFrame:
    message, messages = pd.factorize(failed["error_message"])
    cause, causes = pd.factorize(np.array(templates(messages.to_list()), dtype=object))
    # Jobs without a message, or with a blank one, are the last group.
    cause = np.append(np.where(causes[cause] == "", -1, cause) if len(cause) else cause, -1)
    group = cause[message]
    group[group < 0] = len(causes)
    failed = failed.assign(group=group, gpu_hours=failed["gpu_hours"].fillna(0.0))
    grouped = failed.groupby("group")
    result = pd.DataFrame(
        {
            "jobs": grouped["jobs"].sum().astype("int64"),
            "gpu_hours": grouped["gpu_hours"].sum().astype("float64"),
            "first_seen": grouped["first_seen"].min(),
            "last_seen": grouped["end_at"].max(),
        }
    )
    pairs = failed[["group", "project_id"]].dropna().drop_duplicates()
    result["projects"] = pairs.groupby("group").size().reindex(result.index, fill_value=0)
    newest = failed[failed["end_at"].eq(grouped["end_at"].transform("max"))]
    newest = newest.sort_values("job_id").drop_duplicates("group", keep="last").set_index("group")
    result["error"] = pd.Series([*causes, None], dtype="str").reindex(result.index)
    result["example"] = newest["error_message"].where(result["error"].notna())
    result["job_id"] = newest["job_id"]
    result = result.astype({"error": "str", "example": "str", "job_id": "str"})
    order = ["jobs", "last_seen", "error"]
    result = result.sort_values(order, ascending=[False, False, True], na_position="last")
    return result[["error", "jobs", "projects", "gpu_hours", "first_seen", "last_seen"]].assign(
        example=result["example"], job_id=result["job_id"]
    )
