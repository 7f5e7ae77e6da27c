"""A window of time cut out of a jobs table."""

from datetime import datetime

import narwhals.stable.v2 as nw
import pandas as pd

from trainview.analysis.few_columns import change_columns
from trainview.analysis.frames import Frame, give_back, read_table, schema_of, to_pandas
from trainview.analysis.holding import HELD
from trainview.analysis.times import US_PER_HOUR, with_microseconds
from trainview.errors import ArgumentError
from trainview.schema.table_types import DataFrame
from trainview.statuses import STATUSES
from trainview.text.moments import Moment, is_span, read_moment

_TIMES = ("created_at", "end_at", "elapsed_hours", "gpu_hours")
# The columns that tell a job's state, the surest first, and what they hold of a status.
_STATE = {"status": "label", "current_status": "api", "phase": "phase"}
_OPEN = [status for status in STATUSES if not status.terminal]
# What is known of a job before it ended: whether it came to hold GPUs.
_BEFORE = [status for status in STATUSES if status.label in {"created", "running"}]
_HELD_NONE = [status for status in STATUSES if status.terminal and not status.holds_gpus]


def clip_jobs(
    jobs: DataFrame, since: Moment | None = None, until: Moment | None = None
) -> DataFrame:
    """Cut jobs to a window of time, so that every helper then speaks of that window alone.

    A job that overlaps [since, until) stays, with the part of its time that lies inside. Windows
    that follow each other share out the hours, GPU-hours, costs and failures of all jobs among
    them, but a job that reaches over an edge is a row in both.

    A job that ended after `until` is open at it, as far as is known: it is ``running`` there
    without an error, or ``created`` if its deployment failed later. A job that has not ended keeps
    the latest status that is known.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``created_at``, ``end_at``, ``elapsed_hours`` and ``gpu_hours``.
    since : datetime, date, timedelta or str, optional
        Start of the window: a moment with a time zone, a day such as ``2026-03-24``, which begins
        at midnight UTC, or a length of time such as ``7d``, counted back from `until`, or, without
        it, from the newest ``end_at``. Without one the window has no start.
    until : datetime, date, timedelta or str, optional
        Its end, which no longer belongs to it; without one the window stays open. A length of time
        is counted back from the newest ``end_at``.

    Returns
    -------
    table of the same kind as `jobs`
        The rows that stay, in the order they had, with all columns. Changed are:

        - ``created_at``, ``end_at`` (datetime, UTC): moved into the window
        - ``elapsed_hours`` (float64): hours between them; still null where it was
        - ``held_at`` (datetime, UTC): likewise, where `refine_jobs` has told it
        - ``gpu_hours`` (float64): the same share of GPU-hours; still null where it was
        - ``status``, ``phase``, ``current_status`` (text), ``is_open`` (bool), ``error_message``
          (text), ``updated_at`` (datetime, UTC), where the table has them: as known at `until`

    Raises
    ------
    ArgumentError
        If a column is missing, there is neither `since` nor `until`, one of them is no moment, or
        `until` is not after `since`.

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
    >>> day = clip_jobs(jobs, "2025-01-02", "2025-01-03")
    >>> day[["job_id", "created_at", "elapsed_hours", "gpu_hours"]]
      job_id                created_at  elapsed_hours  gpu_hours
    0     j1 2025-01-02 00:00:00+00:00            6.0       48.0
    """
    frame = read_table(jobs, _TIMES, others=True)
    newest = _newest(frame) if is_span(since) or is_span(until) else None
    start, stop = read_window(since, until, newest)
    if start is None and stop is None:
        raise ArgumentError(f"since={since!r}: give a moment with a time zone, or until")
    touched = [*_TIMES, HELD, *_STATE, "error_message", "is_open", "updated_at"]
    return give_back(
        change_columns(jobs, frame, touched, lambda few: _clip(few, start, stop)), jobs
    )


def _clip(frame: Frame, start: datetime | None, stop: datetime | None) -> Frame:
    created, ended = nw.col("created_at"), nw.col("end_at")
    inside: list[nw.Expr] = []
    told = [] if stop is None else _told(frame)
    if start is not None:
        # A job without a duration is where it begins.
        inside.append((ended > start) | (created >= start))
    if stop is not None:
        inside.append(created < stop)
    # each step takes along all columns, so there are few
    edges = {
        "__created": created if start is None else _later(created, nw.lit(start)),
        "__ended": ended if stop is None else _earlier(ended, nw.lit(stop)),
    }
    times = {"__from": "__created", "__to": "__ended"}
    begin, end = nw.col("__created"), nw.col("__ended")
    clipped = frame.filter(*inside)
    # Jobs that lie inside keep their numbers to the last digit.
    marks = {"__cut": ((begin > created) | (end < ended)) & ~nw.col("elapsed_hours").is_null()}
    if HELD in frame.columns:
        edges["__since"] = nw.coalesce(nw.col(HELD), created)
        marks["__held_from"] = _earlier(_later(nw.col("__since"), begin), end)
        times |= {"__a": "__held_from", "__b": "__since", "__c": "end_at"}
    if stop is not None:
        edges["__later"] = (ended > stop).fill_null(value=False)
        marks |= _changes(told)
    clipped = with_microseconds(clipped.with_columns(**edges).with_columns(**marks), **times)
    hours, elapsed = (nw.col("__to") - nw.col("__from")) / US_PER_HOUR, nw.col("elapsed_hours")
    gpu_hours, share, held = nw.col("gpu_hours"), hours / elapsed, {}
    if HELD in frame.columns:
        share, held = _share_of_held(), {HELD: nw.col("__held_from")}
    at_stop = {} if stop is None else _as_of(frame, told, stop)
    cut = nw.col("__cut")
    clipped = clipped.with_columns(
        **at_stop,
        created_at="__created",
        end_at="__ended",
        elapsed_hours=nw.when(cut).then(hours).otherwise(elapsed),
        gpu_hours=nw.when(cut).then(gpu_hours * share).otherwise(gpu_hours),
        **held,
    )
    return clipped.select(frame.columns)


def _later(time: nw.Expr, other: nw.Expr) -> nw.Expr:
    """Take the later of two times; Arrow has no such function for times with a zone."""
    return nw.when(time < other).then(other).otherwise(time)


def _earlier(time: nw.Expr, other: nw.Expr) -> nw.Expr:
    return nw.when(time > other).then(other).otherwise(time)


def read_window(
    since: Moment | None, until: Moment | None, newest: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """Read the arguments that make a window.

    Parameters
    ----------
    since, until : datetime, date, timedelta, str or None
        As for `clip_jobs`.
    newest : datetime or None
        From when lengths of time are counted back.

    Returns
    -------
    start, stop : datetime or None
        In UTC; None where the window is open.

    Raises
    ------
    ArgumentError
        If one of them is no moment, or `until` is not after `since`.
    """
    stop = None if until is None else read_moment(until, "until", newest)
    start = None if since is None else read_moment(since, "since", stop or newest)
    if start is not None and stop is not None and stop <= start:
        raise ArgumentError(f"until={until!r}: give a moment after since={since!r}")
    return start, stop


def _share_of_held() -> nw.Expr:
    """Write what part of the time in which GPUs were held lies inside."""
    whole = nw.col("__c") - nw.col("__b")
    part = (nw.col("__to") - nw.col("__a")) / whole
    return nw.when(whole > 0).then(part).otherwise(whole * 0.0)


def _newest(frame: Frame) -> datetime | None:
    table = to_pandas(frame.select(nw.col("end_at").max()))
    newest = table["end_at"].max()
    return None if pd.isna(newest) else newest.to_pydatetime()


def _told(frame: Frame) -> list[str]:
    """List the columns about the state of jobs."""
    schema = schema_of(frame)
    # A column without any value may have no type at all.
    texts = (nw.String, nw.Categorical, nw.Enum)
    return [name for name in _STATE if isinstance(schema.get(name), texts)]


def _changes(told: list[str]) -> dict[str, nw.Expr]:
    """Mark jobs that were open at a moment, and are no more, and those that then held no GPUs."""
    if not told:
        return {}
    state, names = nw.col(told[0]).cast(nw.String), _STATE[told[0]]
    is_open = state.is_in([getattr(status, names) for status in _OPEN])
    held_none = state.is_in([getattr(status, names) for status in _HELD_NONE])
    return {
        "__changed": nw.col("__later") & ~state.is_null() & ~is_open,
        "__held_none": held_none,
    }


def _as_of(frame: Frame, told: list[str], stop: datetime) -> dict[str, nw.Expr]:
    """Tell what was known of each job at a moment, in the columns about its state."""
    schema = schema_of(frame)
    changed = nw.col("__changed")
    found: dict[str, nw.Expr] = {}
    for column in told:
        created, running = (getattr(status, _STATE[column]) for status in _BEFORE)
        before = nw.when("__held_none").then(nw.lit(created)).otherwise(nw.lit(running))
        kept = nw.col(column).cast(nw.String)
        as_known = nw.when(changed).then(before).otherwise(kept)
        found[column] = as_known.cast(schema[column])
    if told and "error_message" in schema:
        found["error_message"] = nw.when(~changed).then(nw.col("error_message"))
    if "is_open" in schema:
        found["is_open"] = nw.col("__later") | nw.col("is_open")
    if "updated_at" in schema:
        found["updated_at"] = _earlier(nw.col("updated_at"), nw.lit(stop))
    return found
