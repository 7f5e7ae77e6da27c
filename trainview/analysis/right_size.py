"""Jobs that used little of their GPUs, and the cheapest instance type that would do."""

from collections.abc import Mapping
from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.cost import price_list, with_estimates
from trainview.analysis.frames import (
    Frame,
    give_back_small,
    only,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.gpu_series import series_of
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.samples import (
    GPU,
    MEMORY,
    UTILIZATION,
    read_jobs,
)
from trainview.analysis.utilization import (
    BYTES_PER_MIB,
    LIMIT,
    summarise,
    utilization,
    with_memory,
)
from trainview.errors import ArgumentError
from trainview.gpus import memory_mib_of_one, same_type, times_slower
from trainview.schema.table_types import AnyDataFrame, DataFrame

HOST_MEMORY = "cpu_memory_usage_bytes"
_SHOWN = ("job_id", "job_name", "project_name", "user_email", "status")
_TYPE = ("instance_type_id", "gpu_type")
_TEXTS = (*_SHOWN, *_TYPE, "advised_instance_type_id", "advised_gpu_type", "basis", "reason")
_COUNTS = ("gpus", "advised_gpus")
RESULT = (
    *_SHOWN,
    *_TYPE,
    "gpus",
    *("mean_utilization", "peak_memory_bytes", "peak_memory_share", "measured_share"),
    "estimated_usd",
    *("advised_instance_type_id", "advised_gpu_type", "advised_gpus"),
    *("saving_usd_per_hour", "saving_usd", "saving_low_usd", "basis", "reason"),
)
# Below these a job used little of its GPUs, if nothing else is said.
MAX_MEMORY_SHARE, MAX_UTILIZATION = 0.5, 0.3
# Advice is written in memory.
MOST_JOBS = 1_000_000
# What is left of a GPU too much, or too little, by the digits of floating-point numbers.
_NOISE = 1e-9


def right_size(  # noqa: PLR0913 - each limit is an argument
    jobs: DataFrame,
    metrics: AnyDataFrame,
    prices: AnyDataFrame,
    *,
    max_memory_share: float = MAX_MEMORY_SHARE,
    max_utilization: float = MAX_UTILIZATION,
    idle_threshold: float = 0.05,
    headroom: float = 0.2,
    min_measured_share: float = 0.5,
    min_hours: float = 1.0,
) -> DataFrame:
    """Find jobs that used little of their GPUs, and the cheapest instance type that would do.

    A job is in the result if the peak of memory of its worst GPU stayed below `max_memory_share` of
    that GPU's memory, and its mean utilisation is below `max_utilization`, but not below
    `idle_threshold`: one that computes nothing needs no other GPUs, but to be stopped (`idle_gpus`
    finds it). An instance type would do if it has no more GPUs, on no more nodes, and if with
    `headroom` to spare

    - the worst GPU's peak fits into the memory of one of its GPUs, and the sum of all peaks into
      that of all: so neither a model that each GPU has whole, nor one that is split, has too little
    - it can do the work in the time: utilisation times GPUs, and times the ratio of the data
      sheets' peak rates where the type of GPU is another
    - the most host memory on one node fits, where that was measured

    and if it costs less, even where the run takes longer because only the time in which kernels ran
    grows with these ratios.

    This is a hint, not a promise. Memory that a framework reserves looks used, and some reserve
    all of it (JAX and TensorFlow do unless told otherwise): their jobs are never in the result.
    Utilisation is the share of time in which any kernel ran, not of the GPU's power, and how fast
    another type of GPU is depends on the program. There is no advice where the memory of one GPU is
    not known, a GPU's memory was not measured, or too little was.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``job_name``, ``project_name``, ``user_email``, ``status``,
        ``instance_type_id``, ``gpu_type``, ``gpu_count``, ``node_count``, ``gpus``,
        ``gpu_memory_limit_mib``, ``elapsed_hours`` and ``gpu_hours``; samples are limited to the
        lives of jobs as by `utilization`, costs are those of `estimate_cost`.
    metrics : pandas, Polars, DuckDB or PySpark table
        A metrics table, as for `utilization`.
    prices : pandas, Polars, DuckDB or PySpark table
        A prices table with ``instance_type_id``, ``gpu_type``, ``gpu_count``,
        ``gpu_memory_limit_mib``, ``memory_limit_mib`` and ``usd_per_minute``: the types to choose
        from.
    max_memory_share : float
        Share of a GPU's memory, 0 to 1, below which its peak is little.
    max_utilization : float
        Mean utilisation, 0 to 1, below which a job's is low.
    idle_threshold : float
        Mean utilisation, 0 to 1, below which a job is idle rather than too small.
    headroom : float
        Share of memory and time, 0 to 1, that must stay free.
    min_measured_share : float
        Share of its GPU-hours, 0 to 1, that must have been measured of a job.
    min_hours : float
        Hours that must have been measured, on average of a job's GPUs.

    Returns
    -------
    table of the same kind as `jobs`
        One row a job, the one that would save most first.

        - ``job_id``, ``job_name``, ``project_name``, ``user_email``, ``status`` (text)
        - ``instance_type_id``, ``gpu_type`` (text), ``gpus`` (int64): what it had
        - ``mean_utilization`` (float64): of all its GPUs over time, 0 to 1
        - ``peak_memory_bytes`` (float64): most memory used on one GPU, in bytes
        - ``peak_memory_share`` (float64): that as a share of one GPU's memory, 0 to 1
        - ``measured_share`` (float64): measured GPU-hours / GPU-hours, 0 to 1
        - ``estimated_usd`` (float64): what it cost, or has cost so far, as by `estimate_cost`
        - ``advised_instance_type_id``, ``advised_gpu_type`` (text), ``advised_gpus`` (int64): the
          cheapest that would do
        - ``saving_usd_per_hour`` (float64): difference of the list prices, in USD an hour
        - ``saving_usd`` (float64): USD that it saves on the run, or would have so far, if that
          takes as long; null, as all savings, where the job's price or time is not known
        - ``saving_low_usd`` (float64): the same if the time in which kernels ran grows as much as
          there are fewer or slower GPUs
        - ``basis`` (text): ``fewer GPUs`` of the same type, or ``other GPUs``
        - ``reason`` (text): what was used, and what that comes to on the advised GPUs

    Raises
    ------
    ArgumentError
        If a column is missing, a share is not from 0 to 1, an instance type has two prices, or more
        than 1,000,000 jobs of a lazy table used so little.

    Examples
    --------
    >>> import pandas as pd
    >>> types = pd.DataFrame(
    ...     {
    ...         "instance_type_id": ["H100:8", "H100:2"],
    ...         "gpu_type": "H100",
    ...         "gpu_count": [8, 2],
    ...         "gpu_memory_limit_mib": 81920,
    ...         "memory_limit_mib": 500_000,
    ...         "usd_per_minute": [0.8, 0.2],
    ...     }
    ... )
    >>> job = {"job_id": "j1", "job_name": "tune", "project_name": "llm", "user_email": None}
    >>> job |= {"status": "completed", "node_count": 1, "gpus": 8}
    >>> jobs = types.drop(columns=["memory_limit_mib", "usd_per_minute"]).head(1)
    >>> jobs = jobs.assign(**job, elapsed_hours=10.0, gpu_hours=80.0)
    >>> samples = [(f"gpu_{name}", gpu) for name in ("utilization", "memory_usage_bytes")
    ...            for gpu in range(8)]
    >>> metrics = pd.DataFrame(samples, columns=["metric", "gpu"]).assign(
    ...     job_id="j1", node_id="n1", timestamp=pd.Timestamp("2026-01-01", tz="UTC"),
    ...     step_seconds=36_000.0,
    ... )
    >>> metrics["value"] = [0.15] * 8 + [12.0 * 2**30] * 8
    >>> advice = right_size(jobs, metrics, types)
    >>> advice[["job_id", "advised_instance_type_id", "saving_usd", "basis"]]
      job_id advised_instance_type_id  saving_usd       basis
    0     j1                   H100:2       360.0  fewer GPUs
    >>> advice["reason"].item()
    'worst GPU peaked at 12 of 80 GiB, 15% busy; on 2 H100 up to 48 of 80 GiB, 60% busy'
    """
    shares = {
        "max_memory_share": max_memory_share,
        "max_utilization": max_utilization,
        "idle_threshold": idle_threshold,
        "headroom": headroom,
        "min_measured_share": min_measured_share,
    }
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ArgumentError(f"{name}={share!r}: give a fraction from 0 to 1")
    if not min_hours >= 0:
        raise ArgumentError(f"min_hours={min_hours!r}: give a number from 0")
    columns = [*_SHOWN, *_TYPE, "gpus", *LIMIT, "node_count", "gpu_hours"]
    frame = with_estimates(jobs, prices, list(dict.fromkeys(columns)))
    types = _types(prices)
    used = _used(metrics, jobs)
    used = used.filter(
        nw.col("mean_utilization") < max_utilization,
        nw.col("mean_utilization") >= idle_threshold,
        nw.col("mean_utilization") > 0,
        nw.col("__memory_samples") >= min_measured_share * nw.col("__samples"),
    )
    found = to_pandas(used, most=MOST_JOBS, what="jobs that used little")
    found = with_dtypes(found, {"job_id": TEXT})
    rows = to_pandas(only(frame, "job_id", found["job_id"]))
    rows = with_dtypes(rows, dict.fromkeys((*_SHOWN, *_TYPE), TEXT))
    rows = rows.drop_duplicates("job_id", keep="last").merge(found, on="job_id")
    rows = rows.assign(
        __bytes=_memory_of_one(rows),
        measured_share=(rows["__covered"] / rows["gpu_hours"].where(rows["gpu_hours"] > 0)).clip(
            upper=1
        ),
    )
    rows["peak_memory_share"] = rows["peak_memory_bytes"] / rows["__bytes"]
    rows = rows[
        (rows["peak_memory_share"] < max_memory_share)
        & (rows["measured_share"] >= min_measured_share)
        & (rows["__covered"] >= min_hours * rows["gpus"])
        & (rows["__measured"] >= rows["gpus"])
    ]
    advised = _advise(rows, types, 1 - headroom)
    order = ["saving_usd", "saving_usd_per_hour", "job_id"]
    advised = advised.sort_values(order, ascending=[False, False, True], na_position="last")
    numbers = dict.fromkeys(set(RESULT) - {*_TEXTS, *_COUNTS}, "float64")
    kinds: dict[str, Any] = dict.fromkeys(_TEXTS, TEXT) | dict.fromkeys(_COUNTS, "int64") | numbers
    return give_back_small(advised[list(RESULT)].astype(kinds), jobs)


def _used(metrics: Any, jobs: Any) -> Frame:
    """Sum up what was measured of each job.

    The columns are ``job_id``; ``mean_utilization`` and ``peak_memory_bytes``, as in the result;
    ``__measured``, how many GPUs have samples of both; ``__covered``, GPU-hours of their samples;
    ``__total``, the sum of the peaks in bytes; ``__host``, most host memory of a node in bytes;
    ``__samples`` and ``__memory_samples``, how many there are.
    """
    by_gpu = _by_gpu(metrics, jobs)
    covered, peak = nw.col("covered_gpu_hours"), nw.col("max_memory_bytes")
    is_measured = ~peak.is_null() & (nw.col("samples") > 0)
    by_gpu = by_gpu.with_columns(
        __busy=covered * nw.col("mean_utilization"), __both=is_measured.cast(nw.Int64)
    )
    by_job = by_gpu.group_by("job_id").agg(
        __busy=nw.col("__busy").sum(),
        __covered=covered.sum(),
        __measured=nw.col("__both").sum(),
        __samples=nw.col("samples").sum(),
        __total=peak.sum(),
        peak_memory_bytes=peak.max(),
    )
    by_job = by_job.filter(nw.col("__covered") > 0).with_columns(
        nw.col("job_id").cast(nw.String), mean_utilization=nw.col("__busy") / nw.col("__covered")
    )
    samples = read_table(metrics, ["job_id", "metric", "value"], times=())
    if not samples.implementation.is_pandas():
        # a column without any value may have no type at all
        samples = samples.with_columns(nw.col("job_id", "metric").cast(nw.String))
    is_host, value = nw.col("metric") == HOST_MEMORY, nw.col("value")
    samples = samples.filter(is_host | (nw.col("metric") == MEMORY), ~value.is_null())
    samples = samples.with_columns(
        __host=nw.when(is_host).then(value), __one=(~is_host).cast(nw.Int64)
    )
    more = samples.group_by("job_id").agg(
        __host=nw.col("__host").max(), __memory_samples=nw.col("__one").sum()
    )
    more = more.with_columns(nw.col("job_id").cast(nw.String))
    return by_job.join(more, on="job_id", how="inner")


def _by_gpu(metrics: Any, jobs: Any) -> Frame:
    """Sum up what was measured of each GPU, in no order."""
    columns = ["job_id", "samples", "covered_gpu_hours", "mean_utilization", "max_memory_bytes"]
    if not isinstance(metrics, pd.DataFrame):
        return read_table(utilization(metrics, jobs), columns, times=())
    facts = with_memory(read_jobs(jobs, LIMIT))
    series = series_of(metrics, jobs, facts, [UTILIZATION, MEMORY])
    found = summarise(series, facts, GPU)
    return cast("Frame", nw.from_native(found[columns], eager_only=True))


def _memory_of_one(table: pd.DataFrame) -> "pd.Series[float]":
    """Tell how many bytes one GPU of each row has, null where that is not known."""
    kinds = table[list(LIMIT)].drop_duplicates()
    plain = kinds.astype("object").where(kinds.notna(), None)
    mib = [memory_mib_of_one(kind, count or 0, limit) for kind, count, limit in plain.to_numpy()]
    known = kinds.assign(__mib=pd.Series(mib, kinds.index, dtype="float64"))
    found = table[list(LIMIT)].merge(known, on=list(LIMIT), how="left")["__mib"]
    return found.set_axis(table.index).astype("float64") * BYTES_PER_MIB


def _types(prices: Any) -> pd.DataFrame:
    """Collect the instance types to choose from: those with a price and GPUs of known memory."""
    listed = price_list(prices).set_index("__instance_type_id")["__price"]
    columns = ["instance_type_id", *LIMIT, "memory_limit_mib"]
    frame = read_table(prices, columns, name="prices")
    table = with_dtypes(to_pandas(plain_text(frame, columns)), {"instance_type_id": TEXT})
    table = table.drop_duplicates("instance_type_id", keep="last").reset_index(drop=True)
    types = pd.DataFrame(
        {
            "advised_instance_type_id": table["instance_type_id"],
            "advised_gpu_type": table["gpu_type"].astype(TEXT),
            "__gpus_of_node": table["gpu_count"].astype("float64"),
            "__new_bytes": _memory_of_one(table),
            "__new_host": table["memory_limit_mib"].astype("float64") * BYTES_PER_MIB,
            "__new_price": table["instance_type_id"].map(listed).astype("float64"),
        }
    )
    return types[types["__new_bytes"].notna() & types["__new_price"].notna()]


def _advise(rows: pd.DataFrame, types: pd.DataFrame, free: float) -> pd.DataFrame:
    """Find the cheapest type that would do for each row; rows without one are left out."""
    both = rows.merge(types, how="cross")
    pairs = both[["gpu_type", "advised_gpu_type"]].drop_duplicates()
    plain = pairs.astype("object").where(pairs.notna(), None)
    ratios = [times_slower(*pair) for pair in plain.to_numpy()]
    same = [None not in pair and same_type(pair[0]) == same_type(pair[1])
            for pair in plain.to_numpy()]  # fmt: skip
    pairs = pairs.assign(
        __slower=pd.Series(ratios, pairs.index, dtype="float64"),
        __same=pd.Series(same, pairs.index, dtype="bool"),
    )
    both = both.merge(pairs, on=["gpu_type", "advised_gpu_type"], how="left")
    gpus, busy, size = both["gpus"], both["mean_utilization"], both["__new_bytes"] * free
    work = gpus * busy * both["__slower"]
    with np.errstate(divide="ignore"):
        least = np.maximum(np.ceil(work / free - _NOISE), np.ceil(both["__total"] / size - _NOISE))
    nodes = np.ceil(np.maximum(least, 1) / both["__gpus_of_node"])
    new_gpus = nodes * both["__gpus_of_node"]
    longer = 1 - busy + work / new_gpus
    old, new = both["__price"] * both["__nodes"] * 60, both["__new_price"] * nodes * 60
    both = both.assign(
        advised_gpus=new_gpus,
        saving_usd_per_hour=old - new,
        saving_usd=(old - new) * both["__minutes"] / 60,
        saving_low_usd=(old - new * longer) * both["__minutes"] / 60,
        estimated_usd=both["__usd"],
        basis=np.where(both["__same"], "fewer GPUs", "other GPUs"),
        __new=new,
        __new_busy=work / new_gpus,
        __each=np.maximum(both["peak_memory_bytes"], both["__total"] / new_gpus),
    )
    does = (both["peak_memory_bytes"] <= size) & (new_gpus <= gpus) & (nodes <= both["__nodes"])
    does &= ~(both["__host"] > both["__new_host"] * free)
    # without a price, fewer GPUs of the same type are cheaper for sure, others may not be
    is_fewer = both["__same"] & (new_gpus < gpus)
    does &= (old > new * longer) | (is_fewer & old.isna())
    does &= is_fewer | ~both["__same"]
    order = ["__new", "__new_busy", "advised_instance_type_id"]
    best: pd.DataFrame = both[does].sort_values(order, kind="stable").drop_duplicates("job_id")
    best["reason"] = pd.Series(
        [_reason(row) for row in best.to_dict("records")], best.index, dtype=TEXT
    )
    return best


def _reason(row: Mapping[Any, Any]) -> str:
    peak, size, each, new = (
        row[name] / 2**30
        for name in ("peak_memory_bytes", "__bytes", "__each", "__new_bytes")
    )  # fmt: skip
    rates = "" if row["basis"] == "fewer GPUs" else " by the peak rates of data sheets"
    return (
        f"worst GPU peaked at {peak:.0f} of {size:.0f} GiB, {row['mean_utilization']:.0%} busy; "
        f"on {row['advised_gpus']:.0f} {row['advised_gpu_type']} "
        f"up to {each:.0f} of {new:.0f} GiB, {row['__new_busy']:.0%} busy{rates}"
    )
