"""One call, or a few, for each of many jobs: side by side, kept as they come, and resumable."""

import re
import shutil
import tempfile
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from trainview.api.client import Access, Client
from trainview.errors import (
    ArgumentError,
    AuthError,
    ConfigError,
    DataWarning,
    OutputError,
    RateLimitError,
)
from trainview.fetching.concurrency import progress, run_all
from trainview.fetching.fetched import Fetched
from trainview.files import cache as store
from trainview.files.atomic import from_home
from trainview.schema import PANDAS_TEXT
from trainview.text.safe import count

CONCURRENCY = 8
CACHE_LIMIT_GIB = 5.0
_WRITING_SECONDS = 10
_NO_ROOM = "free some space, or let TMPDIR name another folder for temporary files"
# The last samples and lines of a job can arrive a little after its end.
SETTLED = timedelta(minutes=15)
# Others wait while one is told to: a storm of 429 is no reason to give up.
_RATE_LIMIT_RETRIES = 10
_GIB = 2**30
# So many jobs in a row do not fail by chance.
_MOST_IN_A_ROW = 20


class Job(NamedTuple):
    """What is needed to ask for a job.

    Attributes
    ----------
    job_id, project_id : str
        Which one.
    start, end : datetime.datetime
        Its life, as far as it is known.
    is_over : bool
        Whether it has surely ended.
    """

    job_id: str
    project_id: str
    start: datetime
    end: datetime
    is_over: bool


class Found(NamedTuple):
    """What the API said about a job.

    Attributes
    ----------
    tables : dict of str to pyarrow.Table
        By their names.
    is_final : bool or None
        Whether a later answer cannot differ; None where that follows from the job's end.
    """

    tables: dict[str, pa.Table]
    is_final: bool | None = None


class Unavailable(NamedTuple):
    """The API does not tell about a job, and that is normal.

    Attributes
    ----------
    found : Found or None
        What to keep, so that it is not asked again; None where another key may be told.
    """

    found: Found | None = None


@dataclass(frozen=True)
class Options:
    """How to ask about each job: the arguments that the public functions share.

    Attributes
    ----------
    concurrency : int
        How many calls are on their way at once.
    cache : bool, str or path
        Where answers are kept: in the user's cache folder, nowhere, or in a folder.
    refresh : bool
        Whether to ask again for what is kept.
    cache_limit_gib : float
        How large the cache may grow, in GiB.
    """

    concurrency: int = CONCURRENCY
    cache: Any = True
    refresh: bool = False
    cache_limit_gib: float = CACHE_LIMIT_GIB


@dataclass(eq=False)
class _Run:
    """What happens to the jobs of one call: who is done, who failed."""

    tables: Sequence[str]
    folder: Path
    options: Options
    asked_of: Callable[[Job], Mapping[str, Any]]
    seen_at: str
    of: str
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    failures: list[dict[str, str | None]] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    unavailable: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    writing: int = 0
    stopped: bool = False
    gate: threading.Condition = field(default_factory=threading.Condition)

    def paths(self, job: Job) -> list[Path]:
        return [store.entry_path(self.folder, table, job.job_id) for table in self.tables]

    def entry(self, job: Job, *, is_final: bool | None = None) -> store.Entry:
        if is_final is None:
            is_final = job.is_over and self.began - job.end >= SETTLED
        return store.Entry(job.job_id, self.asked_of(job), self.seen_at, is_final)

    def is_kept(self, job: Job) -> bool:
        wanted = self.entry(job)
        return all(store.find(path, wanted) for path in self.paths(job))

    def fail(self, job: Job, error: Exception, detail: str) -> None:
        if job.job_id in self.failed | self.done | self.unavailable:
            return
        self.failed.add(job.job_id)
        self.failures.append(
            {
                "job_id": job.job_id if self.of == "job" else None,
                "project_id": job.project_id,
                "error": type(error).__name__,
                "detail": detail,
            }
        )

    def keep(self, job: Job, found: Found) -> None:
        with self.gate:
            if self.stopped:
                return
            self.writing += 1
        try:
            entry = self.entry(job, is_final=found.is_final)
            for table, path in zip(self.tables, self.paths(job), strict=True):
                store.keep(path, found.tables[table], entry)
            self.kept.add(job.job_id)
        finally:
            with self.gate:
                self.writing -= 1
                self.gate.notify_all()

    def stop(self) -> int:
        """Keep nothing more, wait for what is being written, and count the jobs that are kept."""
        with self.gate:
            self.stopped = True
            self.gate.wait_for(lambda: not self.writing, timeout=_WRITING_SECONDS)
        return len(self.kept)


def fetch_each(
    jobs: Sequence[Job],
    tables: Sequence[str],
    ask: Callable[[Client, Job], Found | Unavailable],
    asked_of: Callable[[Job], Mapping[str, Any]],
    options: Options,
    client: dict[str, Any],
    of: str = "job",
) -> Fetched:
    """Ask about each job that is not kept already.

    Parameters
    ----------
    jobs : sequence of Job
        Each once.
    tables : sequence of str
        The names of what `ask` finds.
    ask : callable
        Calls the API for a job.
    asked_of : callable
        Says what would be asked for a job, as JSON: what is kept serves only for the same.
    options : Options
        How to fetch.
    client : dict
        What `Client` takes.
    of : str, optional
        What a `Job` stands for, where it is none: ``"project"``, with its id as both ids.

    Returns
    -------
    Fetched
        What came, and what failed.

    Raises
    ------
    ConfigError, AuthError
        If no call can succeed.
    OutputError
        If answers cannot be kept.
    KeyboardInterrupt
        If it was interrupted; says what is kept.
    """
    _check(options)
    client = Access({"rate_limit_retries": _RATE_LIMIT_RETRIES} | client)
    with Client(**client) as api:
        folder, remove = _open(options, api)
        seen_at = max((job.end for job in jobs), default=datetime.now(UTC)).isoformat()
        run = _Run(tables, folder, options, asked_of, seen_at, of)
        kept = [] if options.refresh else [job for job in jobs if run.is_kept(job)]
        run.done.update(job.job_id for job in kept)
        run.kept.update(run.done)
        missing = [job for job in jobs if job.job_id not in run.done]
        try:
            _ask_all(missing, partial(ask, api), run)
        except BaseException as stop:
            number = run.stop()
            if remove is not None:
                remove()
            if isinstance(stop, OutputError) and remove is not None:
                raise OutputError(str(stop).replace(store.REMEDY, _NO_ROOM)) from None
            if not isinstance(stop, KeyboardInterrupt):
                raise
            remains = (
                f"{number:,} of {count(len(jobs), of)} are kept, run it again to go on"
                if remove is None
                else "nothing is kept without a cache"
            )
            raise KeyboardInterrupt(f"interrupted: {remains}") from None
    fetched = _result(jobs, run, asked=len(missing))
    if remove is None:
        prune_cache([fetched], options)
    else:
        weakref.finalize(fetched, remove)
    return fetched


def prune_cache(fetched: Iterable[Fetched], options: Options) -> None:
    """Make the cache as small as it shall be.

    Parameters
    ----------
    fetched : iterable of Fetched
        Whose files stay in any case.
    options : Options
        Where it is, and how large it may be; infinite for no limit.
    """
    if options.cache is not False and isfinite(options.cache_limit_gib):
        needed = {path for one in fetched for paths in one.files.values() for path in paths}
        # without a cache there is nothing to make small
        with suppress(OutputError):
            store.prune(_root(options.cache), options.cache_limit_gib * _GIB, needed)


def _ask_all(jobs: Sequence[Job], ask: Callable[[Job], Any], run: _Run) -> None:
    def work(job: Job) -> Any:
        found = ask(job)
        kept = found if isinstance(found, Found) else found.found
        if kept is not None:
            run.keep(job, kept)
        return found

    in_a_row = 0
    total = len(jobs) + len(run.done)
    with progress(total, len(run.done), run.tables[0]) as bar:
        for outcome in run_all(work, jobs, concurrency=run.options.concurrency):
            job, error = outcome.item, outcome.error
            bar.update()
            if error is None:
                in_a_row = 0
                if isinstance(outcome.result, Unavailable):
                    run.unavailable.add(job.job_id)
                else:
                    run.done.add(job.job_id)
                continue
            if _is_hopeless(error):
                raise error
            run.fail(job, error, str(error))
            in_a_row += 1
            # one that was told to wait again and again speaks for all
            if in_a_row == _MOST_IN_A_ROW or isinstance(error, RateLimitError):
                why = f"not asked, as {count(in_a_row, run.of)} in a row had failed: {error}"
                for rest in jobs:
                    run.fail(rest, error, why)
                break


def _is_hopeless(error: Exception) -> bool:
    """Tell whether every other job would fail in the same way."""
    refused = isinstance(error, AuthError) and error.status == 401
    return refused or isinstance(error, (ConfigError, OutputError))


def _result(jobs: Sequence[Job], run: _Run, asked: int) -> Fetched:
    there = [job for job in jobs if job.job_id in run.done]
    files = {
        table: tuple(store.entry_path(run.folder, table, job.job_id) for job in there)
        for table in run.tables
    }
    failures = pd.DataFrame(
        run.failures, columns=["job_id", "project_id", "error", "detail"], dtype=PANDAS_TEXT
    ).sort_values(["job_id", "project_id"], ignore_index=True)
    return Fetched(files, failures, asked, len(jobs) - asked, len(run.unavailable), run.of)


def _check(options: Options) -> None:
    number = options.concurrency
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 32:
        raise ArgumentError(f"concurrency={number!r}: give a number of calls from 1 to 32")
    limit = options.cache_limit_gib
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit >= 0:
        raise ArgumentError(f"cache_limit_gib={limit!r}: give a size in GiB, from 0")


def _open(options: Options, api: Client) -> tuple[Path, Callable[[], None] | None]:
    """Give the folder for the answers, and how to get rid of it if they are not to be kept."""
    if options.cache is False:
        try:
            folder = Path(tempfile.mkdtemp(prefix="trainview-"))
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"cannot keep what is fetched: {reason}: {_NO_ROOM}") from None
        return folder, partial(_remove, folder)
    host = re.sub(r"[^A-Za-z0-9.-]+", "_", api.base_url.partition("://")[2]).rstrip(".")
    try:
        root = _root(options.cache)
        store.open_folder(root)
        store.open_folder(root / host)
    except OutputError as error:
        if options.cache is not True:
            raise
        message = f"no cache: {error}; what is fetched is not kept for the next time"
        warnings.warn(message, DataWarning, stacklevel=4)
        return _open(replace(options, cache=False), api)
    return root / host, None


def _remove(folder: Path) -> None:
    """Delete a folder, into which the last calls may still write for a moment."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        threading.Event().wait(0.05)


def _root(cache: Any) -> Path:
    return store.default_folder() if cache is True else from_home(cache)
