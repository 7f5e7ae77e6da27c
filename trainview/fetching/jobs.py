"""What the API tells about single jobs: metrics, checkpoints, the queue and error logs."""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from trainview.analysis.frames import column_names, read_table, to_pandas
from trainview.api.client import Access, Client
from trainview.errors import ArgumentError, AuthError, NotFoundError
from trainview.fetching.each_job import (
    CACHE_LIMIT_GIB,
    CONCURRENCY,
    Found,
    Job,
    Options,
    Unavailable,
    fetch_each,
)
from trainview.fetching.fetched import Fetched
from trainview.fetching.series import fetch_series
from trainview.schema import FLEET_TABLES, PANDAS_TEXT
from trainview.schema.table_types import AnyDataFrame
from trainview.statuses import OPEN_PHASES, UNKNOWN_PHASE
from trainview.tables.attempts import MARK
from trainview.tables.checkpoints import read_checkpoints
from trainview.tables.logs import read_logs
from trainview.tables.metrics import read_metrics
from trainview.tables.queue import read_queue

_LONGEST_LOG = timedelta(days=7)
_MOST_LINES = 1000
_NO_ADMINISTRATOR = 403
_LATEST_SAMPLES = timedelta(days=1)


def fetch_metrics(
    jobs: AnyDataFrame,
    *,
    step_seconds: int = 60,
    concurrency: int = CONCURRENCY,
    cache: Any = True,
    refresh: bool = False,
    cache_limit_gib: float = CACHE_LIMIT_GIB,
    **client: Any,
) -> Fetched:
    """Ask the API how busy the GPUs, CPUs, memory and storage of jobs were, on every node.

    A long job is asked for in pieces, so that it is not thinned out; the step that really came
    back is a column. Jobs that still wait have no metrics and are not asked for.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``project_id``, ``created_at``, ``end_at`` and ``phase``.
    step_seconds : int, optional
        The time between two samples to ask for.
    concurrency : int, optional
        How many calls are on their way at once, from 1 to 32. When the API says 429 to one of
        them, all wait.
    cache : bool or path, optional
        Where answers are kept: in your cache folder, in a folder of your choice, or, if False,
        only as long as the result. Jobs that have ended are asked for once.
    refresh : bool, optional
        Whether to ask again for what is kept.
    cache_limit_gib : float, optional
        How large the cache may grow, in GiB: what was not used for the longest time goes first,
        but nothing that was used in the last hour.
    **client
        What `Client` takes: ``api_key``, ``base_url``, ``timeout`` and so on.

    Returns
    -------
    Fetched
        Its ``table`` is the table ``metrics``; its ``failures`` say which jobs failed, and why.

    Raises
    ------
    ArgumentError
        If a column is missing, or a number is out of range.
    ConfigError, AuthError
        If there is no key, or the API refuses it.
    OutputError
        If answers cannot be kept.
    KeyboardInterrupt
        If you stop it; what has come is kept, and not asked for again.

    Examples
    --------
    >>> import trainview as tv
    >>> snap = tv.fetch()  # doctest: +SKIP
    >>> fetched = tv.fetch_metrics(snap.jobs)  # doctest: +SKIP
    >>> fetched.table, fetched.failures  # doctest: +SKIP
    """
    client = Access(client)
    options = Options(concurrency, cache, refresh, cache_limit_gib)
    if isinstance(step_seconds, bool) or not isinstance(step_seconds, int) or step_seconds < 1:
        raise ArgumentError(f"step_seconds={step_seconds!r}: give whole seconds, from 1")

    def ask(api: Client, job: Job) -> Found:
        def piece(start: datetime, end: datetime) -> pa.Table:
            answer = api.get_training_job_metrics(
                job.project_id, job.job_id, start=start, end=end, step_seconds=step_seconds
            )
            return read_metrics(answer.body, job.job_id, answer.url)

        table = fetch_series(piece, *_span(job, step_seconds), step_seconds)
        # samples can be late: for a while, no answer without any is the last word
        is_early = datetime.now(UTC) - job.end < _LATEST_SAMPLES
        return Found({"metrics": table}, False if is_early and not table.num_rows else None)

    def asked_of(job: Job) -> dict[str, Any]:
        start, end = _span(job, step_seconds)
        return {"step": step_seconds, "start": start.isoformat(), "end": end.isoformat()}

    return fetch_each(_ran(jobs), ["metrics"], ask, asked_of, options, client)


def fetch_checkpoints(
    jobs: AnyDataFrame,
    *,
    concurrency: int = CONCURRENCY,
    cache: Any = True,
    refresh: bool = False,
    cache_limit_gib: float = CACHE_LIMIT_GIB,
    **client: Any,
) -> Fetched:
    """Ask the API for the checkpoints of jobs.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``project_id``, ``created_at``, ``end_at`` and ``phase``.
        Jobs that still wait are not asked for.
    concurrency, cache, refresh, cache_limit_gib : optional
        As in `fetch_metrics`.
    **client
        What `Client` takes.

    Returns
    -------
    Fetched
        Its ``table`` is the table ``checkpoints``; its ``failures`` say which jobs failed, and why.

    Raises
    ------
    ArgumentError, ConfigError, AuthError, OutputError, KeyboardInterrupt
        As `fetch_metrics` does.

    Examples
    --------
    >>> import trainview as tv
    >>> checkpoints = tv.fetch_checkpoints(tv.fetch().jobs).table  # doctest: +SKIP
    """
    client = Access(client)
    options = Options(concurrency, cache, refresh, cache_limit_gib)

    def ask(api: Client, job: Job) -> Found:
        answer = api.list_training_job_checkpoints(job.project_id, job.job_id)
        table = read_checkpoints(answer.body, answer.url)
        is_syncing = "SYNCING" in table["sync_status"].to_pylist()
        return Found({"checkpoints": table}, False if is_syncing else None)

    return fetch_each(_ran(jobs), ["checkpoints"], ask, _until, options, client)


def fetch_queue(
    jobs: AnyDataFrame,
    *,
    concurrency: int = CONCURRENCY,
    cache: Any = True,
    refresh: bool = False,
    cache_limit_gib: float = CACHE_LIMIT_GIB,
    **client: Any,
) -> Fetched:
    """Ask the API how long jobs waited for GPUs, and who was ahead of them.

    The API tells this to administrators of the organisation only, and not for every job: what it
    does not tell is counted as not available, and is no failure. A job that was stopped before it
    was released waits no more: it is known to have waited up to its end.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``project_id``, ``created_at``, ``end_at``, ``phase`` and
        ``gpu_type``. Jobs without GPUs do not wait for any, and are not asked for.
    concurrency, cache, refresh, cache_limit_gib : optional
        As in `fetch_metrics`.
    **client
        What `Client` takes.

    Returns
    -------
    Fetched
        Its ``table`` is the table ``queue``, and ``read("status_events")`` the other one; its
        ``failures`` say which jobs failed, and why.

    Raises
    ------
    ArgumentError, ConfigError, AuthError, OutputError, KeyboardInterrupt
        As `fetch_metrics` does.

    Examples
    --------
    >>> import trainview as tv
    >>> queue = tv.fetch_queue(tv.fetch().jobs).table  # doctest: +SKIP
    """
    client = Access(client)
    options = Options(concurrency, cache, refresh, cache_limit_gib)
    refused = threading.Event()

    def ask(api: Client, job: Job) -> Found | Unavailable:
        if refused.is_set():
            return Unavailable()
        try:
            answer = api.get_queue_context(job.job_id)
        except NotFoundError:
            empty = {name: FLEET_TABLES[name].empty_table() for name in ("queue", "status_events")}
            return Unavailable(Found(empty, is_final=job.is_over))
        except AuthError as error:
            if error.status != _NO_ADMINISTRATOR:
                raise
            refused.set()
            return Unavailable()
        ended_at = job.end if job.is_over else None
        of_job = known.get(job.job_id)
        queue, status_events = read_queue(answer.body, answer.url, ended_at, of_job)
        is_final = not queue["is_waiting"][0].as_py()
        return Found({"queue": queue, "status_events": status_events}, is_final)

    named = [name for name in ("project_name", "team_name") if name in column_names(jobs)]
    needed = [*_COLUMNS, "gpu_type", *named]
    frame = read_table(jobs, needed).filter(~nw.col("gpu_type").is_null())
    known = _named(frame, named)
    return fetch_each(_jobs(frame), ["queue", "status_events"], ask, lambda _: {}, options, client)


def fetch_error_logs(
    jobs: AnyDataFrame,
    *,
    lines: int = 100,
    concurrency: int = CONCURRENCY,
    cache: Any = True,
    refresh: bool = False,
    cache_limit_gib: float = CACHE_LIMIT_GIB,
    **client: Any,
) -> Fetched:
    """Ask the API for the last log lines of failed jobs.

    All lines count, not only those that are marked as errors: a traceback has no severity.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``project_id``, ``created_at``, ``end_at`` and ``phase``;
        only jobs of phase ``failed`` are asked for.
    lines : int, optional
        How many lines of each job, from 1 to 1000: the last ones before its end, of its last
        seven days.
    concurrency, cache, refresh, cache_limit_gib : optional
        As in `fetch_metrics`.
    **client
        What `Client` takes.

    Returns
    -------
    Fetched
        Its ``table`` is the table ``logs``; its ``failures`` say which jobs' calls failed, and
        why.

    Raises
    ------
    ArgumentError, ConfigError, AuthError, OutputError, KeyboardInterrupt
        As `fetch_metrics` does.

    Examples
    --------
    >>> import trainview as tv
    >>> failed = tv.fetch().jobs.query("status == 'failed'").tail(5)  # doctest: +SKIP
    >>> tv.fetch_error_logs(failed).table  # doctest: +SKIP
    """
    client = Access(client)
    failed = read_table(jobs, _COLUMNS).filter(nw.col("phase") == "failed")
    options = Options(concurrency, cache, refresh, cache_limit_gib)
    return fetch_last_lines(failed, lines, options, client)


def fetch_last_lines(jobs: Any, lines: int, options: Options, client: Mapping[str, Any]) -> Fetched:
    """Ask for the last log lines as `fetch_error_logs` does, of any jobs."""
    client = Access(client)
    if isinstance(lines, bool) or not isinstance(lines, int) or not 1 <= lines <= _MOST_LINES:
        raise ArgumentError(f"lines={lines!r}: give a number of lines from 1 to {_MOST_LINES}")

    def ask(api: Client, job: Job) -> Found:
        # the record's last change is the end at the earliest: lines come a moment later
        end = job.end + timedelta(minutes=5)
        start = max(job.start, end - _LONGEST_LOG)
        answer = api.get_training_job_logs(
            job.project_id, job.job_id, start=start, end=end, limit=lines
        )
        return Found({"logs": read_logs(answer.body, job.job_id, answer.url)})

    asked_of = partial(_until, lines=lines)
    return fetch_each(_jobs(read_table(jobs, _COLUMNS)), ["logs"], ask, asked_of, options, client)


_COLUMNS = ["job_id", "project_id", "created_at", "end_at", "phase"]


def _ran(jobs: Any) -> list[Job]:
    return _jobs(read_table(jobs, _COLUMNS).filter(nw.col("phase") != "waiting"))


def _jobs(frame: Any) -> list[Job]:
    table = to_pandas(frame).drop_duplicates("job_id", keep="last")
    # the API knows nothing of attempts before the last one
    table = table[~table["job_id"].astype(PANDAS_TEXT).str.contains(MARK, regex=False)]
    phases = {*OPEN_PHASES, UNKNOWN_PHASE}
    rows: Any = table[_COLUMNS].itertuples(index=False)
    return [
        Job(
            str(row.job_id),
            str(row.project_id),
            row.created_at.to_pydatetime(warn=False),
            row.end_at.to_pydatetime(warn=False),
            str(row.phase) not in phases,
        )
        for row in rows
    ]


def _named(frame: Any, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Collect some columns of jobs by ``job_id``; null as None."""
    table = to_pandas(frame.select("job_id", *names)).astype(object)
    rows: Any = table.where(table.notna(), None).to_dict("records")
    return {str(row.pop("job_id")): row for row in rows}


def _span(job: Job, step_seconds: int) -> tuple[datetime, datetime]:
    """Widen the life of a job to whole steps, and to one step at least."""
    step = timedelta(seconds=step_seconds)
    start = job.start - timedelta(seconds=job.start.timestamp() % step_seconds)
    return start, max(job.end, start) + step


def _until(job: Job, **others: Any) -> dict[str, Any]:
    return {"end": job.end.isoformat(), **others}
