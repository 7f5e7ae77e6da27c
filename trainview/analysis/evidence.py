"""What other tables tell about the times of jobs: one row a job, microseconds since 1970 UTC.

The microseconds are floats, exact up to the year 2255, so that all engines treat what is not known
alike.
"""

from typing import cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, Numbers, column_names, read_table, to_pandas
from trainview.analysis.samples import MEMORY, UTILIZATION
from trainview.analysis.small_tables import read_small
from trainview.analysis.steps import timestamps
from trainview.analysis.times import US_PER_SECOND, with_microseconds, with_times
from trainview.statuses import STATUSES

WAITING = ["pending", "queued"]
STARTED = ["created", "deploying", "running"]
OPEN = [status.label for status in STATUSES if not status.terminal]
US_PER_MINUTE = 60 * US_PER_SECOND
US_PER_DAY = 24 * 60 * US_PER_MINUTE


def of_queue(queue: object) -> Frame:
    """Read when jobs left the queue, and until when those were seen in it that never did.

    The columns are ``__queue`` and ``__unreleased``.
    """
    there = column_names(queue, "queue")
    seen = ["observed_until", "is_waiting"]
    seen = seen if set(seen) <= set(there) else []
    columns = ["job_id", "released_at", *seen]
    frame = read_small(queue, columns, name="queue", times=["released_at", *seen[:1]])
    frame = in_microseconds(frame, __queue="released_at")
    until = nw.lit(None, nw.Float64)
    if seen:
        frame = in_microseconds(frame, __until="observed_until")
        is_over = nw.col("__queue").is_null() & ~nw.col("is_waiting")
        until = nw.when(is_over).then(nw.col("__until"))
    frame = frame.with_columns(__unreleased=until)
    return frame.group_by("job_id").agg(nw.col("__queue").min(), nw.col("__unreleased").max())


def of_events(status_events: object) -> Frame:
    """Read when jobs first waited, were accepted or later, and ran.

    The columns are ``__waited``, ``__accepted`` and ``__ran``.
    """
    frame = in_microseconds(_events(status_events), __time="created_at")
    time, status = nw.col("__time"), nw.col("status")
    frame = frame.select(
        "job_id",
        __waited=nw.when(status.is_in(WAITING)).then(time),
        __accepted=nw.when(status.is_in(STARTED)).then(time),
        __ran=nw.when(status == "running").then(time),
    )
    return frame.group_by("job_id").agg(nw.col("__waited", "__accepted", "__ran").min())


def of_last_events(status_events: object) -> Frame:
    """Read when jobs got each status that ends them, for the last time: ``status``, ``__last``."""
    frame = in_microseconds(_events(status_events), __last="created_at")
    frame = frame.filter(~nw.col("status").is_in(OPEN))
    return frame.group_by("job_id", "status").agg(nw.col("__last").max())


def of_samples(metrics: object) -> Frame:
    """Read when a GPU was first measured, and the step of the samples: ``__sample``, ``__step``."""
    columns = ["job_id", "metric", "timestamp", "step_seconds"]
    frame = read_table(metrics, columns, name="metrics", times=["timestamp"])
    frame = frame.filter(nw.col("metric").is_in([UTILIZATION, MEMORY]))
    frame = in_microseconds(frame, __sample="timestamp")
    frame = frame.with_columns(__step=nw.col("step_seconds").cast(nw.Float64) * US_PER_SECOND)
    return frame.group_by("job_id").agg(nw.col("__sample").min(), nw.col("__step").max())


def of_bill(billing: object) -> tuple[Frame, dict[str, float]]:
    """Read for how long jobs were billed, and which days the bill covers.

    Parameters
    ----------
    billing : pandas, Polars, DuckDB or PySpark table
        A billing table.

    Returns
    -------
    bill : narwhals frame
        One row a job: ``__billed``, and ``__first``, the first day that it was billed for.
    days : dict
        ``__since`` and ``__until``, start of the first and end of the last day of the bill; nothing
        where no row has a day.
    """
    months = ["month"] if "month" in column_names(billing, "billing") else []
    needed = ["job_id", "date", "minutes", *months]
    frame = read_small(billing, needed, name="billing", times=["date", *months])
    frame = in_microseconds(frame, __day="date", **{f"__{name}": name for name in months})
    day, month = nw.col("__day"), nw.col("__month")
    frame = frame.with_columns(
        __first=nw.coalesce(day, month) if months else day,
        # some bills have fractions of minutes
        __billed=(nw.col("minutes").cast(nw.Float64) * US_PER_MINUTE).round(0),
    )
    ends = to_pandas(frame.select(__since=nw.col("__first").min(), __until=day.max()))
    ends = ends.astype("float64")
    by_job = frame.group_by("job_id").agg(nw.col("__billed").sum(), nw.col("__first").min())
    since, until = ends["__since"].iloc[0], ends["__until"].iloc[0] + US_PER_DAY
    if pd.isna(since) or pd.isna(until):
        return by_job, {}
    return by_job, {"__since": float(since), "__until": float(until)}


def of_history(history: object) -> Frame:
    """Read between which two looks jobs began to run: ``__after``, ``__before``."""
    columns = ["job_id", "status", "from_after", "from_before"]
    times = ["from_after", "from_before"]
    frame = read_small(history, columns, name="status intervals", times=times)
    frame = frame.filter(nw.col("status") == "running")
    frame = in_microseconds(frame, __after="from_after", __before="from_before")
    # What ran when it was first looked at did not begin between two looks.
    seen_running = nw.col("__after").is_null().cast(nw.Int64)
    frame = frame.filter((seen_running == 1) | (nw.col("__after") <= nw.col("__before")))
    frame = frame.with_columns(__unseen=seen_running)
    frame = frame.group_by("job_id").agg(
        nw.col("__after", "__before").min(), nw.col("__unseen").max()
    )
    return frame.filter(nw.col("__unseen") == 0).drop("__unseen")


def _events(status_events: object) -> Frame:
    columns = ["job_id", "status", "created_at"]
    return read_small(status_events, columns, name="status_events", times=["created_at"])


def in_microseconds(frame: Frame, **columns: str) -> Frame:
    """Add times as microseconds; null where the time is."""
    if frame.implementation.is_pandas():
        table = to_pandas(frame)
        times = {new: _counted(table[name]) for new, name in columns.items()}
        return cast("Frame", nw.from_native(table.assign(**times), eager_only=True))
    frame = with_microseconds(frame, **columns)
    return frame.with_columns(nw.col(*columns).cast(nw.Float64))


def _counted(times: "pd.Series[pd.Timestamp]") -> Numbers:
    moments = times.to_numpy("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype("int64"))


def as_times(frame: Frame, **columns: str) -> Frame:
    """Add microseconds, whole ones, as times; null where there are none."""
    if not frame.implementation.is_pandas():
        frame = frame.with_columns(nw.col(*columns.values()).cast(nw.Int64))
        return with_times(frame, **columns)
    table = to_pandas(frame)
    times = {}
    for new, name in columns.items():
        whole = table[name].fillna(0).to_numpy("float64").astype("int64")
        times[new] = pd.Series(timestamps(whole), table.index).where(table[name].notna())
    return cast("Frame", nw.from_native(table.assign(**times), eager_only=True))
