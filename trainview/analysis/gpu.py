"""Which GPUs were held: in total, at each moment, and over the calendar."""

import narwhals.stable.v2 as nw
import numpy as np

from trainview.analysis.frames import (
    By,
    give_back,
    give_back_small,
    group_keys,
    is_lazy,
    plain_text,
)
from trainview.analysis.periods import check_period, hours_held
from trainview.analysis.small_tables import read_small
from trainview.analysis.steps import (
    held,
    query_steps,
    sweep,
    timestamps,
)
from trainview.analysis.times import US_PER_HOUR
from trainview.analysis.totals import with_total
from trainview.schema.table_types import DataFrame


def gpu_usage(jobs: DataFrame, by: By = "gpu_type") -> DataFrame:
    """Sum up GPUs and GPU-hours.

    GPU-hours are those of the table: an upper bound, unless `refine_jobs` has counted them from
    when GPUs began to be held.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``gpus``, ``elapsed_hours``, ``gpu_hours`` and the columns of `by`.
    by : str or sequence of str, optional
        Columns to group by; None for one row over all jobs.

    Returns
    -------
    table of the same kind as `jobs`
        One row a group, the one with most GPU-hours first.

        - the columns of `by`, categories as text
        - ``jobs`` (int64): number of jobs
        - ``gpus`` (int64): their GPUs, summed, whether held at the same time or not
        - ``elapsed_hours`` (float64): hours, summed where known
        - ``gpu_hours`` (float64): GPU-hours, summed where known
        - ``share`` (float64): those as a fraction of all, 0 to 1; null where there are none

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "gpu_type": ["H100", "H100", None],
    ...         "gpus": [8, 8, 0],
    ...         "elapsed_hours": [1.0, 2.0, 5.0],
    ...         "gpu_hours": [8.0, 16.0, 0.0],
    ...     }
    ... )
    >>> gpu_usage(jobs)
      gpu_type  jobs  gpus  elapsed_hours  gpu_hours  share
    0     H100     2    16            3.0       24.0    1.0
    1      NaN     1     0            5.0        0.0    0.0
    """
    keys = group_keys(by, result=("jobs", "gpus", "elapsed_hours", "gpu_hours", "share"))
    sums = [nw.col(name).sum() for name in ("gpus", "elapsed_hours", "gpu_hours")]
    frame = read_small(jobs, [*keys, "gpus", "elapsed_hours", "gpu_hours"])
    if keys:
        usage = frame.group_by(*keys).agg(nw.len().alias("jobs"), *sums)
    else:
        usage = frame.select(nw.len().alias("jobs"), *sums)
    usage = plain_text(usage, keys).with_columns(
        nw.col("jobs", "gpus").cast(nw.Int64),
        nw.col("elapsed_hours", "gpu_hours").cast(nw.Float64),
    )
    usage = with_total(usage, "__total", "gpu_hours").with_columns(
        share=nw.when(nw.col("__total") > 0).then(nw.col("gpu_hours") / nw.col("__total"))
    )
    usage = usage.drop("__total").sort(
        "gpu_hours", *keys, descending=[True] + [False] * len(keys), nulls_last=True
    )
    return give_back(usage, jobs)


def gpu_concurrency(jobs: DataFrame, by: By = "gpu_type") -> DataFrame:
    """Tell how many GPUs were held at each moment, as exact steps.

    Only jobs with GPU-hours count, each from ``created_at`` to ``end_at``, or from ``held_at``
    where `refine_jobs` has told it; so the area under the steps is the total of `gpu_usage`.
    Tables of your own may have jobs without an end: give them the moment that the table describes,
    since they are left out here.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``created_at``, ``end_at``, ``gpus``, ``gpu_hours`` and the columns of
        `by`.
    by : str or sequence of str, optional
        Columns to group by; None for one curve over all jobs.

    Returns
    -------
    table of the same kind as `jobs`
        One row a step, sorted by group and start. Steps of a group follow each other without a
        gap from its first job to its last, and two that follow each other differ.

        - the columns of `by`, categories as text
        - ``start``, ``end`` (datetime, UTC): the step holds from start, up to but without end
        - ``gpus`` (int64): GPUs held, 0 between jobs

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> clock = pd.to_datetime(["2025-01-01 00:00", "2025-01-01 01:00"], utc=True)
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "gpu_type": ["H100", "H100"],
    ...         "created_at": clock,
    ...         "end_at": clock + pd.Timedelta("2h"),
    ...         "gpus": [8, 4],
    ...         "gpu_hours": [16.0, 8.0],
    ...     }
    ... )
    >>> gpu_concurrency(jobs)
      gpu_type                     start                       end  gpus
    0     H100 2025-01-01 00:00:00+00:00 2025-01-01 01:00:00+00:00     8
    1     H100 2025-01-01 01:00:00+00:00 2025-01-01 02:00:00+00:00    12
    2     H100 2025-01-01 02:00:00+00:00 2025-01-01 03:00:00+00:00     4
    """
    keys = group_keys(by, result=("start", "end", "gpus"))
    frame = held(jobs, keys)
    if is_lazy(frame):
        return give_back(query_steps(frame, keys), jobs)
    steps = sweep(frame, keys)
    row = np.flatnonzero(steps.group[1:] == steps.group[:-1])
    result = steps.groups.take(steps.group[row]).reset_index(drop=True)
    result = result.assign(
        start=timestamps(steps.time[row]),
        end=timestamps(steps.time[row + 1]),
        gpus=steps.level[row],
    )
    return give_back_small(result, jobs)


def gpu_hours_over_time(
    jobs: DataFrame, freq: str = "D", by: By = "gpu_type", tz: str = "UTC"
) -> DataFrame:
    """Share GPU-hours out over hours, days, weeks, months, quarters or years.

    The hours are the area under the steps of `gpu_concurrency`, so their sum is the total of
    `gpu_usage`, whatever the period, the zone, or a change to daylight saving time.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``created_at``, ``end_at``, ``gpus``, ``gpu_hours`` and the columns of
        `by`.
    freq : {"h", "D", "W", "M", "Q", "Y"}
        Length of the periods; weeks begin on Monday.
    by : str or sequence of str, optional
        Columns to group by; None for one series over all jobs.
    tz : str
        IANA name of the time zone whose calendar is used.

    Returns
    -------
    table of the same kind as `jobs`
        One row a group and period, sorted by both. All groups have every period from the first
        to the last in which any job held GPUs.

        - the columns of `by`, categories as text
        - ``period`` (datetime in `tz`): start of the period; DuckDB and PySpark show it in the
          zone of the session
        - ``gpu_hours`` (float64): GPU-hours held in it
        - ``mean_gpus`` (float64): those per hour that the period really has, 23 or 25 on days
          when clocks change
        - ``peak_gpus`` (int64): most GPUs held at one moment

    Raises
    ------
    ArgumentError
        If a column is missing, `by` names none, `freq` or `tz` do not exist, or
        there are more than 100,000 periods.

    Examples
    --------
    >>> import pandas as pd
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "gpu_type": ["H100"],
    ...         "created_at": pd.to_datetime(["2025-01-01 18:00"], utc=True),
    ...         "end_at": pd.to_datetime(["2025-01-02 12:00"], utc=True),
    ...         "gpus": [8],
    ...         "gpu_hours": [144.0],
    ...     }
    ... )
    >>> gpu_hours_over_time(jobs)
      gpu_type                    period  gpu_hours  mean_gpus  peak_gpus
    0     H100 2025-01-01 00:00:00+00:00       48.0        2.0          8
    1     H100 2025-01-02 00:00:00+00:00       96.0        4.0          8
    """
    keys = group_keys(by, result=("period", "gpu_hours", "mean_gpus", "peak_gpus"))
    check_period(freq, tz)
    frame = held(jobs, keys)
    groups, begin, hours, peaks = hours_held(frame, keys, freq, tz)
    number = np.repeat(np.arange(len(groups)), len(begin) - 1)
    result = groups.take(number).reset_index(drop=True)
    length = np.diff(begin) / US_PER_HOUR
    result = result.assign(
        period=timestamps(np.tile(begin[:-1], len(groups))).tz_convert(tz),
        gpu_hours=hours.ravel(),
        mean_gpus=(hours / length).ravel(),
        peak_gpus=peaks.ravel(),
    )
    return give_back_small(result, jobs)
