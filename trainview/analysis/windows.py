"""A window of time cut out of a jobs table."""

from datetime import UTC, datetime

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from trainview.analysis.frames import give_back, read_table
from trainview.analysis.times import US_PER_HOUR, with_microseconds
from trainview.errors import ArgumentError


def clip_jobs(
    jobs: IntoFrameT, since: datetime | str, until: datetime | str | None = None
) -> IntoFrameT:
    """Cut jobs to a window of time, so that every helper then speaks of that window alone.

    A job that overlaps [since, until) stays, with the part of its time that lies inside. Windows
    that follow each other share out the hours, GPU-hours and costs of all jobs among them, but a
    job that reaches over an edge is a row in both.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``created_at``, ``end_at``, ``elapsed_hours`` and ``gpu_hours``.
    since : datetime or str
        Start of the window, with a time zone; text as in ISO 8601.
    until : datetime or str, optional
        Its end, which no longer belongs to it; without one the window stays open.

    Returns
    -------
    table of the same kind as `jobs`
        The rows that stay, in the order they had, with all columns. Changed are:

        - ``created_at``, ``end_at`` (datetime, UTC): moved into the window
        - ``elapsed_hours`` (float64): hours between them; still null where it was
        - ``gpu_hours`` (float64): the same share of GPU-hours; still null where it was

    Raises
    ------
    ArgumentError
        If a column is missing, a moment has no time zone, or `until` is not after `since`.

    Examples
    --------
    >>> import pandas as pd
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1", "j2"],
    ...         "created_at": pd.to_datetime(["2025-01-01 18:00", "2025-01-05 00:00"], utc=True),
    ...         "end_at": pd.to_datetime(["2025-01-02 06:00", "2025-01-06 00:00"], utc=True),
    ...         "elapsed_hours": [12.0, 24.0],
    ...         "gpu_hours": [96.0, 192.0],
    ...     }
    ... )
    >>> day = clip_jobs(jobs, "2025-01-02T00:00Z", "2025-01-03T00:00Z")
    >>> day[["job_id", "created_at", "elapsed_hours", "gpu_hours"]]
      job_id                created_at  elapsed_hours  gpu_hours
    0     j1 2025-01-02 00:00:00+00:00            6.0       48.0
    """
    start = _moment("since", since)
    stop = None if until is None else _moment("until", until)
    if stop is not None and stop <= start:
        raise ArgumentError(f"until={until!r}: give a moment after since={since!r}")
    frame = read_table(jobs, ["created_at", "end_at", "elapsed_hours", "gpu_hours"], others=True)
    created, ended = nw.col("created_at"), nw.col("end_at")
    # A job without a duration is where it begins.
    inside = (ended > start) | (created >= start)
    if stop is not None:
        inside &= created < stop
    clipped = frame.filter(inside).with_columns(
        __created=created.clip(lower_bound=start),
        __ended=ended if stop is None else ended.clip(upper_bound=stop),
    )
    clipped = with_microseconds(clipped, __from="__created", __to="__ended").with_columns(
        __cut=(nw.col("__created") > created) | (nw.col("__ended") < ended),
        __hours=(nw.col("__to") - nw.col("__from")) / US_PER_HOUR,
    )
    # Jobs that lie inside keep their numbers to the last digit.
    cut = nw.col("__cut") & ~nw.col("elapsed_hours").is_null()
    hours, elapsed, gpu_hours = nw.col("__hours"), nw.col("elapsed_hours"), nw.col("gpu_hours")
    clipped = clipped.with_columns(
        created_at="__created",
        end_at="__ended",
        elapsed_hours=nw.when(cut).then(hours).otherwise(elapsed),
        gpu_hours=nw.when(cut).then(gpu_hours * (hours / elapsed)).otherwise(gpu_hours),
    )
    return give_back(clipped.select(frame.collect_schema().names()), jobs)


def _moment(name: str, value: object) -> datetime:
    """Read an argument that is a moment, to the microsecond."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ArgumentError(
            f"{name}={value!r}: give a moment with a time zone, for example '2025-01-31T00:00Z'"
        )
    return datetime(*moment.utctimetuple()[:6], moment.microsecond, tzinfo=UTC)
