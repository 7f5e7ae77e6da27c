"""How busy GPUs really were."""

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import (
    By,
    Frame,
    Integers,
    Numbers,
    from_pandas,
    give_back,
    in_memory,
    to_pandas,
)
from trainview.analysis.gpu_series import Series, group_gpus, series_of
from trainview.analysis.grouping import number_groups
from trainview.analysis.joins import join
from trainview.analysis.measured import (
    held_by,
    most_at_once,
    query_measured,
    share_of_held,
)
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.parts import together
from trainview.analysis.quantiles import quantile, with_places
from trainview.analysis.sample_queries import mean_sums, query_by_job, query_jobs, query_mean
from trainview.analysis.samples import (
    GPU,
    MEMORY,
    UTILIZATION,
    mean_over_time,
    read_jobs,
    read_samples,
    sample_keys,
)
from trainview.analysis.times import US_PER_HOUR
from trainview.gpus import memory_mib_of_one
from trainview.schema.table_types import AnyDataFrame, DataFrame

SUMMARY = (
    "gpus",
    "samples",
    "covered_gpu_hours",
    "held_gpu_hours",
    "measured_share",
    "missing_share",
    "mean_utilization",
    "p50_utilization",
    "p95_utilization",
    "mean_memory_share",
    "max_memory_bytes",
)
QUANTILES = (0.5, 0.95)
LIMIT = ("gpu_type", "gpu_count", "gpu_memory_limit_mib")
BYTES_PER_MIB = 1024**2


def utilization(
    metrics: DataFrame, jobs: AnyDataFrame | None = None, by: By = ("job_id", "node_id", "gpu")
) -> DataFrame:
    """Summarise how busy GPUs were, by what was measured.

    A GPU without samples is not in the result: no data is not 0%. So a mean speaks of what was
    measured alone: ``measured_share`` tells how much that is of all that the jobs held. Means are
    over time: a sample weighs as much as the time that it covers, and one whose step is not known
    as much as the others of its group.

    Parameters
    ----------
    metrics : pandas, Polars, DuckDB or PySpark table
        A metrics table with ``job_id``, ``node_id``, ``gpu``, ``metric``, ``timestamp``,
        ``value`` and ``step_seconds``. Samples may come in any order.
    jobs : pandas, Polars, DuckDB or PySpark table, optional
        A jobs table with ``job_id``, ``gpu_type``, ``gpu_count``, ``gpu_memory_limit_mib`` and
        the columns of `by`, to tell how much memory a GPU has, and to group by. Only samples of
        these jobs count; with ``created_at`` and ``end_at``, nothing before the start or after the
        end of a job does, unless these contradict each other. With ``gpus`` and ``gpu_hours``,
        what the jobs held is told beside what was measured.
    by : str or sequence of str, optional
        What to group by: ``job_id``, ``node_id``, ``gpu``, and columns of `jobs`; None for one
        row over all GPUs.

    Returns
    -------
    table of the same kind as `metrics`
        One row a group, the one with the lowest mean utilisation first.

        - the columns of `by`, categories as text
        - ``gpus`` (int64): GPUs of the jobs that were measured at one moment, at most; so a GPU
          that several jobs used in turn counts once
        - ``samples`` (int64): samples of their utilisation
        - ``covered_gpu_hours`` (float64): GPU-hours that these speak for: of each its step, but
          at most the time to the next; nothing where the step is not known
        - ``held_gpu_hours`` (float64): GPU-hours that the jobs of the group held, measured or not,
          or, by ``node_id`` or ``gpu``, these GPUs; from submission on, time in the queue
          included, or from ``held_at`` where `refine_jobs` told that; null without `jobs`
        - ``measured_share`` (float64): covered / held, 0 to 1; GPUs that were never measured and
          samples that stopped count as missing; null where nothing is held
        - ``missing_share`` (float64): samples that would fit into the gaps between these, as a
          fraction of both, 0 to 1; null where no step is known. What is missing before the
          first and after the last sample is not in it
        - ``mean_utilization``, ``p50_utilization``, ``p95_utilization`` (float64): fractions of
          the GPU, 0 to 1; the quantiles are of the samples and interpolate linearly
        - ``mean_memory_share`` (float64): memory used as a fraction of that of one GPU; null
          where this is not known, or without `jobs`
        - ``max_memory_bytes`` (float64): most memory used on one GPU, in bytes

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> metrics = pd.DataFrame(
    ...     {
    ...         "job_id": "j1",
    ...         "node_id": "n1",
    ...         "gpu": [0, 0, 0, 1, 1],
    ...         "metric": "gpu_utilization",
    ...         "timestamp": pd.to_datetime([0, 60, 120, 0, 120], unit="s", utc=True),
    ...         "value": [1.0, 0.5, 0.0, 1.0, 1.0],
    ...         "step_seconds": 60.0,
    ...     }
    ... )
    >>> result = utilization(metrics)
    >>> result[["gpu", "samples", "covered_gpu_hours", "missing_share", "mean_utilization"]]
       gpu  samples  covered_gpu_hours  missing_share  mean_utilization
    0    0        3           0.050000       0.000000               0.5
    1    1        2           0.033333       0.333333               1.0
    """
    keys = sample_keys(by, result=SUMMARY, jobs=jobs is not None)
    of_jobs = [key for key in keys if key not in GPU]
    if isinstance(metrics, pd.DataFrame):
        facts = None if jobs is None else with_memory(read_jobs(jobs, [*of_jobs, *LIMIT]))
        series = series_of(metrics, jobs, facts, [UTILIZATION, MEMORY])
        summary = in_memory(summarise(series, facts, keys))
    else:
        frame = read_samples(metrics, [UTILIZATION, MEMORY])
        lives = None if jobs is None else _query_memory(jobs, of_jobs, frame)
        parts = query_by_job(frame, lives, keys)
        summary = together([_query_summary(*part, keys) for part in parts])
    # Engines sum in orders of their own: what differs in the last digits is a tie.
    summary = summary.with_columns(__order=nw.col("mean_utilization").round(9))
    return give_back(summary.sort("__order", *keys, nulls_last=True).drop("__order"), metrics)


def with_memory(facts: pd.DataFrame) -> pd.DataFrame:
    """Add how many bytes one GPU has to what `read_jobs` found, with the columns of `LIMIT`."""
    number, kinds = number_groups(facts, LIMIT, in_order=False)
    return facts.assign(__memory=_sizes(kinds).to_numpy()[number])


def _sizes(kinds: pd.DataFrame) -> "pd.Series[float]":
    """Find how many bytes one GPU of each kind has."""
    plain = kinds.astype("object").where(kinds.notna(), None)
    mib = [memory_mib_of_one(kind, count or 0, limit) for kind, count, limit in plain.to_numpy()]
    return pd.Series(mib, kinds.index, dtype="float64") * BYTES_PER_MIB


def _query_memory(jobs: object, columns: list[str], frame: Frame) -> Frame:
    """Write the same as a query; only the kinds of GPUs are collected."""
    facts = query_jobs(jobs, [*columns, *LIMIT], frame)
    # A null is a kind like any other, but joins with nothing.
    kind, *numbers = LIMIT
    keys = {
        f"__{kind}": nw.col(kind).cast(nw.String).fill_null(""),
        **{f"__{name}": nw.col(name).cast(nw.Int64).fill_null(-1) for name in numbers},
    }
    facts = facts.with_columns(**keys)
    kinds = to_pandas(facts.select(*LIMIT, *keys).unique())
    sizes = kinds[list(keys)].assign(__memory=_sizes(kinds[list(LIMIT)]))
    sizes = with_dtypes(sizes, {f"__{kind}": TEXT}).drop_duplicates(list(keys))
    facts = join(facts, from_pandas(sizes, facts), *keys, how="left")
    life = ["__start", "__end", "__memory", "__gpu_hours", "__held_of_one"]
    return facts.select(*dict.fromkeys(["job_id", *columns]), *life)


def summarise(series: Series, facts: pd.DataFrame | None, keys: Sequence[str]) -> pd.DataFrame:
    """Summarise the samples of a pandas table.

    Parameters
    ----------
    series : Series
        With utilisation and memory.
    facts : pandas.DataFrame, optional
        What `with_memory` found.
    keys : sequence of str
        The columns to group by.

    Returns
    -------
    pandas.DataFrame
        The columns of `utilization`, one row a group.
    """
    gpus, groups = group_gpus(series.gpus, facts, keys)
    busy, memory = (series.samples[name] for name in (UTILIZATION, MEMORY))
    number, of_gpu = len(groups), gpus["__group"].to_numpy("int64")
    group, memory_group = of_gpu[busy.gpu], of_gpu[memory.gpu]
    missed = np.bincount(group, np.nan_to_num(busy.missing), number)
    expected = missed + np.bincount(group[~np.isnan(busy.step)], minlength=number)
    p50, p95 = _quantiles(group, busy.value, number)
    size = np.full(len(gpus), np.nan) if facts is None else gpus["__memory"].to_numpy("float64")
    share = memory.value / size[memory.gpu]
    sized = ~np.isnan(share)
    most = np.full(number, -np.inf)
    np.maximum.at(most, memory_group, memory.value)
    hours = np.bincount(group, np.nan_to_num(busy.covered), number) / US_PER_HOUR
    held = held_by(groups, gpus, facts, keys)
    return groups.assign(
        gpus=most_at_once(gpus, [busy, memory], number, keys),
        samples=np.bincount(group, minlength=number),
        covered_gpu_hours=hours,
        held_gpu_hours=held,
        measured_share=share_of_held(hours, held),
        missing_share=missed / np.where(expected > 0, expected, np.nan),
        mean_utilization=mean_over_time(group, busy.value, busy.covered, number),
        p50_utilization=p50,
        p95_utilization=p95,
        mean_memory_share=mean_over_time(
            memory_group[sized], share[sized], memory.covered[sized], number
        ),
        max_memory_bytes=np.where(np.isinf(most), np.nan, most),
    )


def _quantiles(group: Integers, value: Numbers, groups: int) -> list[Numbers]:
    """Find quantiles by group, NaN where there is no sample."""
    order = np.argsort(value)
    # Small integers are sorted by radix, in linear time.
    order = order[np.argsort(group[order].astype(np.min_scalar_type(groups)), kind="stable")]
    ordered = np.append(value[order], np.nan)
    count = np.bincount(group, minlength=groups)
    first = np.cumsum(count) - count
    found = []
    for at in QUANTILES:
        place = at * np.maximum(count - 1, 0)
        below = np.where(count > 0, first + place.astype("int64"), len(value))
        above = np.where(place % 1 > 0, below + 1, below)
        found.append(ordered[below] + (ordered[above] - ordered[below]) * (place % 1))
    return found


def _query_summary(samples: Frame, facts: Frame | None, keys: list[str]) -> Frame:
    """Write the same summary as a query."""
    if facts is None:
        unknown = nw.lit(None, nw.Float64)
        samples = samples.with_columns(__memory=unknown)
    value, is_busy = nw.col("value"), nw.col("metric") == UTILIZATION
    placed = samples.with_columns(__busy=nw.when(is_busy).then(value))
    placed = with_places(placed, "__busy", keys).with_columns(
        __share=nw.when(~is_busy).then(value / nw.col("__memory")),
        __used=nw.when(~is_busy).then(value),
    )
    busy = nw.col("__busy")
    missed = nw.when(is_busy).then(nw.col("__missing")).sum()
    expected = missed + nw.when(~nw.col("step_seconds").is_null()).then(busy).count()
    p50, p95 = (quantile("__busy", at) for at in QUANTILES)
    summary = {
        "samples": busy.count(),
        "p50_utilization": p50,
        "p95_utilization": p95,
        "max_memory_bytes": nw.col("__used").max(),
        **({} if facts is None else {"__held_of_one": nw.col("__held_of_one").max()}),
    }
    sums = {
        "__time": nw.when(is_busy).then(nw.col("__covered")).sum(),
        "__missed": missed,
        "__expected": expected,
        **mean_sums("__busy"),
        **mean_sums("__share"),
    }
    every = summary | sums
    found = placed.group_by(*keys).agg(**every) if keys else placed.select(**every)
    missing = nw.col("__missed") / nw.col("__expected")
    found = found.select(
        *keys,
        *summary,
        covered_gpu_hours=nw.col("__time") / US_PER_HOUR,
        missing_share=nw.when(nw.col("__expected") > 0).then(missing),
        mean_utilization=query_mean("__busy"),
        mean_memory_share=query_mean("__share"),
    )
    found = query_measured(found, samples, facts, keys, counted="samples")
    return found.with_columns(nw.col("samples").cast(nw.Int64)).select(*keys, *SUMMARY)
