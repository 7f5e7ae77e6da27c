"""How busy GPUs were in each period."""

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import By, Frame, give_back, in_memory
from trainview.analysis.gpu_series import Series, group_gpus, series_of
from trainview.analysis.held_periods import held_in_periods, query_held_in_periods
from trainview.analysis.measured import query_share, share_of_held
from trainview.analysis.sample_queries import mean_sums, query_jobs, query_mean, query_samples
from trainview.analysis.samples import (
    GPU,
    UTILIZATION,
    mean_over_time,
    read_jobs,
    read_samples,
    sample_keys,
)
from trainview.analysis.steps import timestamps
from trainview.analysis.times import US_PER_HOUR, US_PER_SECOND, with_times
from trainview.errors import ArgumentError
from trainview.schema.table_types import AnyDataFrame, DataFrame

RESULT = (
    "period",
    "mean_utilization",
    "samples",
    "covered_gpu_hours",
    "held_gpu_hours",
    "measured_share",
)
# Seconds of each period.
PERIODS = {"min": 60, "5min": 300, "15min": 900, "h": 3600, "D": 86400}


def utilization_over_time(
    metrics: DataFrame,
    freq: str = "h",
    by: By = ("job_id", "node_id", "gpu"),
    jobs: AnyDataFrame | None = None,
) -> DataFrame:
    """Average how busy GPUs were in each minute, hour or day.

    Parameters
    ----------
    metrics : pandas, Polars, DuckDB or PySpark table
        A metrics table with ``job_id``, ``node_id``, ``gpu``, ``metric``, ``timestamp``,
        ``value`` and ``step_seconds``. Samples may come in any order.
    freq : {"min", "5min", "15min", "h", "D"}
        Length of the periods; they begin where the clock in UTC says.
    by : str or sequence of str, optional
        What to group by: ``job_id``, ``node_id``, ``gpu``, and columns of `jobs`; None for one
        series over all GPUs.
    jobs : pandas, Polars, DuckDB or PySpark table, optional
        A jobs table with ``job_id`` and the columns of `by`. Only samples of these jobs count; with
        ``created_at`` and ``end_at``, nothing before the start or after the end of a job does,
        unless these contradict each other. With ``gpus`` and ``gpu_hours`` too, what the jobs held
        in each period is told beside what was measured.

    Returns
    -------
    table of the same kind as `metrics`
        One row a group and period that has samples, sorted by both. A sample belongs to the
        period in which the time that it covers begins. A period without a row has no data, which
        is not 0%.

        - the columns of `by`, categories as text
        - ``period`` (datetime, UTC): start of the period
        - ``mean_utilization`` (float64): fraction of the GPU, 0 to 1, each sample weighted by the
          time that it covers, as in `utilization`
        - ``samples`` (int64): number of samples
        - ``covered_gpu_hours`` (float64): GPU-hours that the mean speaks for: those that the
          samples cover
        - ``held_gpu_hours`` (float64): GPU-hours that the jobs of the group held in this period,
          measured or not, or, by ``node_id`` or ``gpu``, the GPUs that were ever measured; from
          submission on, time in the queue included, or from ``held_at`` where `refine_jobs` told
          that; null where not known or without `jobs`
        - ``measured_share`` (float64): covered / held, 0 to 1; a mean of few of the GPUs held
          tells little of the others; null where nothing is held

    Raises
    ------
    ArgumentError
        If a column is missing, `by` names none of these, or `freq` does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> metrics = pd.DataFrame(
    ...     {
    ...         "job_id": "j1",
    ...         "node_id": "n1",
    ...         "gpu": [0, 0, 0],
    ...         "metric": "gpu_utilization",
    ...         "timestamp": pd.to_datetime([0, 1800, 7200], unit="s", utc=True),
    ...         "value": [1.0, 0.5, 0.0],
    ...         "step_seconds": 1800.0,
    ...     }
    ... )
    >>> found = utilization_over_time(metrics, by="gpu")
    >>> found[["period", "mean_utilization", "samples", "covered_gpu_hours"]]
                         period  mean_utilization  samples  covered_gpu_hours
    0 1970-01-01 00:00:00+00:00              0.75        2                1.0
    1 1970-01-01 02:00:00+00:00              0.00        1                0.5
    """
    keys = sample_keys(by, result=RESULT, jobs=jobs is not None)
    if not isinstance(freq, str) or freq not in PERIODS:
        raise ArgumentError(f"freq={freq!r}: choose one of {', '.join(PERIODS)}")
    of_jobs = [key for key in keys if key not in GPU]
    if isinstance(metrics, pd.DataFrame):
        facts = None if jobs is None else read_jobs(jobs, of_jobs)
        series = series_of(metrics, jobs, facts, [UTILIZATION])
        periods = in_memory(_by_period(series, facts, PERIODS[freq], keys))
    else:
        frame = read_samples(metrics, [UTILIZATION])
        lives = None if jobs is None else query_jobs(jobs, of_jobs, frame)
        periods = _query_periods(query_samples(frame, lives), lives, PERIODS[freq], keys)
    return give_back(periods.sort(*keys, "period", nulls_last=True), metrics)


def _by_period(
    series: Series, facts: pd.DataFrame | None, seconds: int, keys: list[str]
) -> pd.DataFrame:
    """Average the samples of a pandas table by period."""
    gpus, groups = group_gpus(series.gpus, facts, keys)
    samples = series.samples[UTILIZATION]
    group = gpus["__group"].to_numpy("int64")[samples.gpu]
    period = samples.begin // (seconds * US_PER_SECOND)
    first = period.min(initial=0)
    span = period.max(initial=0) - first + 1
    number, cells = pd.factorize(group * span + period - first)
    of_cell, start = cells // span, (cells % span + first) * (seconds * US_PER_SECOND)
    hours = np.bincount(number, np.nan_to_num(samples.covered), len(cells)) / US_PER_HOUR
    where = of_cell, start, seconds * US_PER_SECOND
    held = held_in_periods(groups, gpus, facts, keys, where)
    result = groups.take(of_cell).reset_index(drop=True)
    return result.assign(
        period=timestamps(start),
        mean_utilization=mean_over_time(number, samples.value, samples.covered, len(cells)),
        samples=np.bincount(number, minlength=len(cells)),
        covered_gpu_hours=hours,
        held_gpu_hours=held,
        measured_share=share_of_held(hours, held),
    )


def _query_periods(samples: Frame, facts: Frame | None, seconds: int, keys: list[str]) -> Frame:
    """Write the same averages as a query."""
    time = nw.col("__from")
    samples = samples.with_columns(__period=time - time % (seconds * US_PER_SECOND))
    periods = samples.group_by(*keys, "__period").agg(
        samples=nw.len(), __area=nw.col("__covered").sum(), **mean_sums("value")
    )
    periods = periods.select(
        *keys,
        "__period",
        "samples",
        mean_utilization=query_mean("value"),
        covered_gpu_hours=nw.col("__area").fill_null(0) / US_PER_HOUR,
    )
    periods = query_held_in_periods(periods, samples, facts, keys, seconds * US_PER_SECOND)
    periods = with_times(periods, period="__period").with_columns(
        nw.col("samples").cast(nw.Int64),
        nw.col("covered_gpu_hours").cast(nw.Float64),
        measured_share=query_share(),
    )
    return periods.select(*keys, *RESULT)
