"""GPUs that were held and idle."""

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.cost import price_list
from trainview.analysis.frames import (
    By,
    Frame,
    from_pandas,
    give_back,
    in_memory,
)
from trainview.analysis.gpu_series import Series, group_gpus, series_of
from trainview.analysis.grouping import runs
from trainview.analysis.joins import join
from trainview.analysis.measured import (
    held_by,
    most_at_once,
    query_measured,
    share_of_held,
)
from trainview.analysis.parts import together
from trainview.analysis.sample_queries import query_by_job, query_jobs
from trainview.analysis.samples import (
    GPU,
    UTILIZATION,
    read_jobs,
    read_samples,
    sample_keys,
)
from trainview.analysis.steps import timestamps
from trainview.analysis.times import US_PER_HOUR, with_times
from trainview.errors import ArgumentError
from trainview.schema.table_types import AnyDataFrame, DataFrame

# A GPU is idle below this share, if nothing else is said.
THRESHOLD = 0.05
# What the price of a job's GPUs depends on.
PRICED = ("instance_type_id", "gpu_count")
RESULT = (
    "gpus",
    "covered_gpu_hours",
    "held_gpu_hours",
    "measured_share",
    "idle_gpu_hours",
    "idle_share",
    "longest_idle_hours",
    "longest_idle_start",
    "longest_idle_end",
    "idle_usd",
    "unpriced_idle_gpu_hours",
)


def idle_gpus(
    metrics: DataFrame,
    jobs: AnyDataFrame,
    prices: AnyDataFrame | None = None,
    threshold: float = THRESHOLD,
    by: By = ("job_id", "node_id", "gpu"),
) -> DataFrame:
    """Find the time in which GPUs were held and idle, and what it cost.

    A GPU is idle while a sample of its utilisation is below the threshold, from the sample on for
    one step, but at most to the next one. No data is never idle: a GPU without samples is not in
    the result, a sample whose step is not known covers nothing, and a missing sample (a gap of more
    than one and a half steps) ends a stretch.

    Parameters
    ----------
    metrics : pandas, Polars, DuckDB or PySpark table
        A metrics table with ``job_id``, ``node_id``, ``gpu``, ``metric``, ``timestamp``,
        ``value`` and ``step_seconds``. Samples may come in any order.
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, the columns of `by`, and, for the cost, ``instance_type_id``
        and ``gpu_count``. Only samples of these jobs count; with ``created_at`` and ``end_at``,
        nothing before the start or after the end of a job does, unless these contradict each other.
        With ``gpus`` and ``gpu_hours``, what the jobs held is told beside what was measured.
    prices : pandas, Polars, DuckDB or PySpark table, optional
        A prices table with ``instance_type_id`` and ``usd_per_minute``.
    threshold : float
        Utilisation, 0 to 1, from which on a GPU is not idle.
    by : str or sequence of str, optional
        What to group by: ``job_id``, ``node_id``, ``gpu``, and columns of `jobs`; None for one
        row over all GPUs.

    Returns
    -------
    table of the same kind as `metrics`
        One row a group, the one with most idle GPU-hours first.

        - the columns of `by`, categories as text
        - ``gpus`` (int64): GPUs of the jobs that were measured at one moment, at most; so a GPU
          that several jobs used in turn counts once
        - ``covered_gpu_hours`` (float64): GPU-hours that their samples speak for
        - ``held_gpu_hours`` (float64): GPU-hours that the jobs of the group held, measured or not,
          or, by ``node_id`` or ``gpu``, these GPUs; from submission on, time in the queue
          included, or from ``held_at`` where `refine_jobs` told that; null where not known
        - ``measured_share`` (float64): covered / held, 0 to 1, as in `utilization`: what is not
          covered may have been idle too
        - ``idle_gpu_hours`` (float64): those of them in which a GPU was idle
        - ``idle_share`` (float64): idle / covered, 0 to 1; null where nothing is covered
        - ``longest_idle_hours`` (float64): hours of the longest stretch in which one GPU was idle
          without a break; 0 where none was
        - ``longest_idle_start``, ``longest_idle_end`` (datetime, UTC): that stretch, the earliest
          of several; null where there is none
        - ``idle_usd`` (float64): list price of the idle GPU-hours in USD, summed where known;
          null where the price is known of none of the GPUs, or of none that were idle, and
          without `prices`
        - ``unpriced_idle_gpu_hours`` (float64): idle GPU-hours whose price is not known, which are
          not in it

    Raises
    ------
    ArgumentError
        If a column is missing, `by` names none, the threshold is not from 0 to 1, or an instance
        type has two prices.

    Examples
    --------
    >>> import pandas as pd
    >>> metrics = pd.DataFrame(
    ...     {
    ...         "job_id": "j1",
    ...         "node_id": "n1",
    ...         "gpu": 0,
    ...         "metric": "gpu_utilization",
    ...         "timestamp": pd.to_datetime([0, 1800, 3600, 5400], unit="s", utc=True),
    ...         "value": [0.9, 0.8, 0.0, 0.0],
    ...         "step_seconds": 1800.0,
    ...     }
    ... )
    >>> jobs = pd.DataFrame({"job_id": ["j1"], "project_name": "llm"})
    >>> result = idle_gpus(metrics, jobs, by="project_name")
    >>> result[["project_name", "covered_gpu_hours", "idle_gpu_hours", "longest_idle_hours"]]
      project_name  covered_gpu_hours  idle_gpu_hours  longest_idle_hours
    0          llm                2.0             1.0                 1.0
    """
    keys = sample_keys(by, result=RESULT, jobs=True)
    if not 0 <= threshold <= 1:
        raise ArgumentError(f"threshold={threshold!r}: give a fraction from 0 to 1")
    of_jobs = [key for key in keys if key not in GPU]
    if isinstance(metrics, pd.DataFrame):
        priced = PRICED if prices is not None else ()
        facts = with_rates(read_jobs(jobs, [*of_jobs, *priced]), prices)
        series = series_of(metrics, jobs, facts, [UTILIZATION])
        idle = in_memory(find_idle(series, facts, keys, threshold))
    else:
        frame = read_samples(metrics, [UTILIZATION])
        lives = _query_rates(jobs, prices, of_jobs, frame)
        parts = query_by_job(frame, lives, keys, stretches=threshold)
        idle = together([_query_idle(*part, keys, threshold) for part in parts])
    order = [True] + [False] * len(keys)
    return give_back(idle.sort("idle_gpu_hours", *keys, descending=order, nulls_last=True), metrics)


def with_rates(facts: pd.DataFrame, prices: object) -> pd.DataFrame:
    """Add the price of an hour of one GPU to what `read_jobs` found, with the columns `PRICED`."""
    if prices is None:
        return facts.assign(__usd_per_hour=np.nan)
    listed = price_list(prices).set_index("__instance_type_id")["__price"]
    price = facts["instance_type_id"].map(listed).astype("float64")
    gpus = facts["gpu_count"].astype("float64")
    rate = price * 60 / gpus.where(gpus > 0)
    return facts.assign(__usd_per_hour=rate)


def _query_rates(jobs: object, prices: object, columns: list[str], frame: Frame) -> Frame:
    """Write the same as a query."""
    if prices is None:
        rate = nw.lit(None, nw.Float64)
        return query_jobs(jobs, columns, frame).with_columns(__usd_per_hour=rate)
    facts = query_jobs(jobs, [*columns, *PRICED], frame)
    facts = facts.with_columns(__instance_type_id=nw.col("instance_type_id").cast(nw.String))
    facts = join(facts, from_pandas(price_list(prices), facts), "__instance_type_id", how="left")
    gpus = nw.col("gpu_count").cast(nw.Float64)
    rate = nw.when(gpus > 0).then(nw.col("__price") * 60 / gpus)
    facts = facts.with_columns(__usd_per_hour=rate)
    own = list(dict.fromkeys(["job_id", *columns]))
    return facts.select(*own, "__start", "__end", "__gpu_hours", "__held_of_one", "__usd_per_hour")


def find_idle(
    series: Series, facts: pd.DataFrame, keys: Sequence[str], threshold: float
) -> pd.DataFrame:
    """Find idle time in the samples of a pandas table.

    Parameters
    ----------
    series : Series
        With utilisation.
    facts : pandas.DataFrame
        What `with_rates` found.
    keys : sequence of str
        The columns to group by.
    threshold : float
        Below it a GPU is idle.

    Returns
    -------
    pandas.DataFrame
        The columns of `idle_gpus`, one row a group.
    """
    gpus, groups = group_gpus(series.gpus, facts, keys)
    samples = series.samples[UTILIZATION]
    since, covered = samples.begin, samples.covered
    of_sample = gpus["__group"].to_numpy("int64")[samples.gpu]
    idle = (samples.value < threshold) & ~np.isnan(covered)
    goes_on = ~runs(samples.gpu)
    goes_on[1:] &= idle[:-1] & (samples.missing[:-1] == 0)
    # Where a stretch begins, carried along to each of its samples.
    begin = np.maximum.accumulate(np.where(goes_on, 0, np.arange(len(idle))))
    row = np.flatnonzero(idle)
    group, start = of_sample[row], since[begin[row]]
    length = since[row] + covered[row].astype("int64") - start
    number = len(groups)
    longest = np.zeros(number, "int64")
    np.maximum.at(longest, group, length)
    is_longest = length == longest[group]
    earliest = np.full(number, np.iinfo("int64").max)
    np.minimum.at(earliest, group[is_longest], start[is_longest])
    found = np.bincount(group, minlength=number) > 0
    earliest = np.where(found, earliest, 0)
    total = np.bincount(of_sample, np.nan_to_num(covered), number)
    idle_total = np.bincount(group, covered[row], number)
    rate = gpus["__usd_per_hour"].to_numpy("float64")
    idle_of_gpu = np.bincount(samples.gpu[row], covered[row], len(gpus))
    of_gpu, known = gpus["__group"].to_numpy("int64"), ~np.isnan(rate)
    unpriced = np.bincount(of_gpu, np.where(known, 0, idle_of_gpu), number)
    usd = np.bincount(of_gpu, np.nan_to_num(rate * idle_of_gpu), number)
    there = np.bincount(of_gpu[known], minlength=number) > 0
    there &= (unpriced == 0) | (unpriced < idle_total)
    held = held_by(groups, gpus, facts, keys)
    return groups.assign(
        gpus=most_at_once(gpus, [samples], number, keys),
        covered_gpu_hours=total / US_PER_HOUR,
        held_gpu_hours=held,
        measured_share=share_of_held(total / US_PER_HOUR, held),
        idle_gpu_hours=idle_total / US_PER_HOUR,
        idle_share=idle_total / np.where(total > 0, total, np.nan),
        longest_idle_hours=longest / US_PER_HOUR,
        longest_idle_start=timestamps(earliest).where(found),
        longest_idle_end=timestamps(earliest + longest).where(found),
        idle_usd=np.where(there, usd / US_PER_HOUR, np.nan),
        unpriced_idle_gpu_hours=unpriced / US_PER_HOUR,
    )


def _query_idle(samples: Frame, facts: Frame | None, keys: list[str], threshold: float) -> Frame:
    """Write the same as a query."""
    since, covered = nw.col("__from"), nw.col("__covered")
    idle = (nw.col("value") < threshold) & ~covered.is_null()
    rate = nw.col("__usd_per_hour")
    samples = samples.with_columns(__begin=nw.when(idle).then(nw.col("__begin")))
    idle_time = nw.when(idle).then(covered)
    parts = {
        "__covered": covered.sum(),
        "__idle": idle_time.sum(),
        "__stop": nw.when(idle).then(since + covered).max(),
        "__rate": rate.max(),
        "__held_of_one": nw.col("__held_of_one").max(),
        "__samples": nw.len(),
    }
    # One row a stretch, and one a GPU for the time between.
    parts_by = [*dict.fromkeys([*keys, *GPU]), "__begin"]
    stretches = samples.group_by(*parts_by).agg(**parts)
    stretches = stretches.with_columns(
        nw.col("__covered", "__idle").fill_null(0).cast(nw.Int64),
        __length=nw.col("__stop") - nw.col("__begin"),
    )
    longest = nw.col("__length").max()
    stretches = stretches.with_columns(__longest=longest.over(*keys) if keys else longest)
    is_longest = nw.col("__length") == nw.col("__longest")
    of_group, is_known = nw.col("__idle"), ~nw.col("__rate").is_null()
    priced = nw.when(is_known).then(of_group).sum()
    unpriced = nw.when(~is_known).then(of_group).sum()
    there = (nw.col("__rate").count() > 0) & ((unpriced.fill_null(0) == 0) | (priced > 0))
    sums = {
        "__covered": nw.col("__covered").sum(),
        "__idle": of_group.sum(),
        "__length": longest,
        "__begin": nw.when(is_longest).then(nw.col("__begin")).min(),
        "__usd": nw.when(there).then((of_group * nw.col("__rate")).sum()),
        "__unpriced": unpriced,
        "__samples": nw.col("__samples").sum(),
        "__held_of_one": nw.col("__held_of_one").max(),
    }
    found = stretches.group_by(*keys).agg(**sums) if keys else stretches.select(**sums)
    found = found.with_columns(covered_gpu_hours=covered.fill_null(0) / US_PER_HOUR)
    found = query_measured(found, samples, facts, keys, counted="__samples")
    found = found.with_columns(
        nw.col("__covered", "__idle", "__unpriced").fill_null(0).cast(nw.Int64),
        __end=nw.col("__begin") + nw.col("__length"),
    )
    found = with_times(found, longest_idle_start="__begin", longest_idle_end="__end")
    return found.select(
        *keys,
        "gpus",
        "covered_gpu_hours",
        "held_gpu_hours",
        "measured_share",
        idle_gpu_hours=nw.col("__idle") / US_PER_HOUR,
        idle_share=nw.when(covered > 0).then(nw.col("__idle") / covered),
        longest_idle_hours=nw.col("__length").fill_null(0) / US_PER_HOUR,
        longest_idle_start="longest_idle_start",
        longest_idle_end="longest_idle_end",
        idle_usd=nw.col("__usd") / US_PER_HOUR,
        unpriced_idle_gpu_hours=nw.col("__unpriced") / US_PER_HOUR,
    )
