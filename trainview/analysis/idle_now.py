"""GPUs that open jobs hold, and that have been idle up to now."""

from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from trainview.analysis.frames import only, read_table, to_pandas
from trainview.analysis.idle import idle_gpus
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.samples import GPU, UTILIZATION, read_samples
from trainview.analysis.times import with_microseconds


def idle_now(
    metrics: Any, jobs: pd.DataFrame, prices: Any, threshold: float, hours: float
) -> pd.DataFrame:
    """Find the GPUs that have been idle since they were last busy, or since they were first seen.

    Parameters
    ----------
    metrics : pandas, Polars, DuckDB or PySpark table
        As for `idle_gpus`.
    jobs : pandas.DataFrame
        The jobs that are open and hold GPUs, with ``job_id`` and what `idle_gpus` needs.
    prices : pandas, Polars, DuckDB or PySpark table, or None
        As for `idle_gpus`.
    threshold : float
        Utilisation, 0 to 1, from which on a GPU is not idle.
    hours : float
        GPUs that have been idle for no longer are left out.

    Returns
    -------
    pandas.DataFrame
        One row a job that was measured, by ``job_id``: ``gpus`` (int64), how many of its GPUs are
        idle; ``gpu_hours`` (float64), for how long altogether; ``usd`` (float64), what that costs,
        null where the price is not known.
    """
    frame = only(read_samples(metrics, [UTILIZATION]), "job_id", jobs["job_id"])
    frame = frame.filter(~nw.col("value").is_null())
    names = frame.columns
    value, time, busy = nw.col("value"), nw.col("__time"), nw.col("__busy")
    samples = with_microseconds(frame, __time="timestamp")
    samples = samples.with_columns(__busy=nw.when(value >= threshold).then(time))
    samples = samples.with_columns(__busy=busy.max().over(*GPU))
    samples = samples.filter(busy.is_null() | (time > busy)).select(names)
    found: Any = idle_gpus(samples.to_native(), jobs, prices, threshold=threshold)
    columns = ["job_id", "idle_gpu_hours", "idle_usd"]
    idle = with_dtypes(to_pandas(read_table(found, columns, times=())), {"job_id": TEXT})
    idle = idle[idle["idle_gpu_hours"] > hours]
    measured = to_pandas(frame.select(nw.col("job_id").cast(nw.String)).unique())
    by_job = idle.groupby("job_id").agg(
        gpus=("idle_gpu_hours", "size"),
        gpu_hours=("idle_gpu_hours", "sum"),
        usd=("idle_usd", lambda amounts: amounts.sum(min_count=1)),
    )
    by_job = by_job.reindex(pd.Index(measured["job_id"].astype(TEXT), name="job_id"))
    return with_dtypes(
        by_job.fillna({"gpus": 0, "gpu_hours": 0.0}),
        {"gpus": "int64", "gpu_hours": "float64", "usd": "float64"},
    )


def flag_idle(
    metrics: object, rows: pd.DataFrame, prices: object, threshold: float, hours: float
) -> tuple[pd.DataFrame, set[str]]:
    """Flag the jobs whose GPUs are idle, and tell which jobs are busy for sure."""
    if metrics is None:
        idle = pd.DataFrame({"gpus": 0, "gpu_hours": 0.0, "usd": 0.0}, index=rows["job_id"][:0])
    else:
        idle = idle_now(metrics, rows, prices, threshold, hours)
    flagged = rows[rows["job_id"].isin(idle.index[idle["gpus"] > 0])]
    own = idle.loc[flagged["job_id"]].set_axis(flagged.index)
    pairs: Any = zip(flagged.itertuples(), own.itertuples(), strict=True)
    detail = [
        f"{_gpus(job, facts)} idle for {facts.gpu_hours / facts.gpus:,.0f} h"
        f"{'' if pd.isna(facts.usd) else f', {facts.usd:,.0f} USD'}: stop it if it hangs"
        for job, facts in pairs
    ]
    busy = set(idle.index[idle["gpus"] == 0])
    return flagged.assign(
        reason=pd.Series("GPUs idle", flagged.index, dtype=TEXT),
        detail=pd.Series(detail, flagged.index, dtype=TEXT),
        wasted_gpu_hours=own["gpu_hours"],
        wasted_usd=own["usd"],
    ), busy


def _gpus(job: Any, idle: Any) -> str:
    """Say which GPUs, such as "8 B200" or "1 of 8 B200"."""
    kind = getattr(job, "gpu_type", None)
    name = "GPUs" if kind is None or pd.isna(kind) else str(kind)
    some = f"{idle.gpus:,} of " if idle.gpus < job.gpus else ""
    return f"{some}{job.gpus:,} {name}"
