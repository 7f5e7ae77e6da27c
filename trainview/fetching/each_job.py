"""One call, or a few, for each of many jobs: side by side, kept as they come, and resumable."""

import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trainview import cache as store
from trainview.bulk import progress, run_all
from trainview.client import Client
from trainview.conform import conform, to_pandas, without_categories
from trainview.errors import ArgumentError, AuthError, ConfigError, OutputError, SourceError
from trainview.fleet import combine
from trainview.schema import FLEET_TABLES
from trainview.text import count, safe_text

CONCURRENCY = 8
CACHE_LIMIT_GIB = 5.0
# The last samples and lines of a job can arrive a little after its end.
_SETTLED = timedelta(minutes=15)
# Others wait while one is told to: a storm of 429 is no reason to give up.
_RATE_LIMIT_RETRIES = 20
_GIB = 2**30
# Of these, each job has rows of its own; of the others, several jobs can tell the same.
_LARGE = ("metrics", "logs")


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
    """The API does not tell about a job, and that is normal."""

    why: str


class Options(NamedTuple):
    """How to fetch; the arguments of the public functions.

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
    client : dict
        What `Client` takes.
    """

    concurrency: int
    cache: Any
    refresh: bool
    cache_limit_gib: float
    client: Mapping[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class Fetched:
    """What was fetched job by job: rows on disk, and what failed.

    Attributes
    ----------
    files : dict of str to tuple of pathlib.Path
        For each table the Parquet files, one a job, in the order of the jobs.
    failures : pandas.DataFrame
        One row a job whose call failed: ``job_id``, ``project_id``, ``error`` (its class) and
        ``detail`` (its text).
    asked, cached, unavailable : int
        How many jobs the API was asked about, how many were known already, and about how many it
        says nothing, which is normal.
    """

    files: Mapping[str, tuple[Path, ...]]
    failures: pd.DataFrame
    asked: int
    cached: int
    unavailable: int = 0

    @property
    def table(self) -> pd.DataFrame:
        """The rows of the first table, in memory."""
        return self.read()

    def read(self, name: str | None = None) -> pd.DataFrame:
        """Read a table into memory.

        Parameters
        ----------
        name : str, optional
            Its name; the first one when left out.

        Returns
        -------
        pandas.DataFrame
            The rows of all jobs.

        Raises
        ------
        ArgumentError
            If there is no such table.
        SourceError
            If a file has been deleted since.
        """
        name = self._checked(name)
        return to_pandas(_join(name, map(_read, self.files[name])))

    def write_parquet(self, path: str | Path, name: str | None = None) -> Path:
        """Copy a table into one Parquet file, job by job, whatever its size.

        Parameters
        ----------
        path : path
            The file to write; the caller takes care that it may be replaced.
        name : str, optional
            The table; the first one when left out.

        Returns
        -------
        pathlib.Path
            The file.
        """
        name = self._checked(name)
        # categories are those of one job: plain text can be written one job after the other
        schema = without_categories(FLEET_TABLES[name])
        files = map(_read, self.files[name])
        parts = files if name in _LARGE else [_join(name, files)]
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for part in parts:
                writer.write_table(part.cast(schema))
        return Path(path)

    def __repr__(self) -> str:
        known = ", ".join(self.files)
        parts = [f"{known} of {count(len(self._first), 'job')}", f"{self.cached:,} from the cache"]
        if self.unavailable:
            parts.append(f"{self.unavailable:,} not available")
        if len(self.failures):
            parts.append(f"{len(self.failures):,} failed")
        return f"<Fetched {', '.join(parts)}>"

    @property
    def _first(self) -> tuple[Path, ...]:
        return next(iter(self.files.values()))

    def _checked(self, name: str | None) -> str:
        known = list(self.files)
        if name is not None and name not in known:
            raise ArgumentError(f"no table {name!r} was fetched: there is {', '.join(known)}")
        return name or known[0]


@dataclass(eq=False)
class _Run:
    """What happens to the jobs of one call: who is done, who failed."""

    tables: Sequence[str]
    folder: Path
    options: Options
    asked_of: Callable[[Job], Mapping[str, Any]]
    seen_at: str
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    failures: list[dict[str, str]] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    unavailable: int = 0

    def paths(self, job: Job) -> list[Path]:
        return [store.entry_path(self.folder, table, job.job_id) for table in self.tables]

    def entry(self, job: Job, *, is_final: bool | None = None) -> store.Entry:
        if is_final is None:
            is_final = job.is_over and self.began - job.end >= _SETTLED
        return store.Entry(job.job_id, self.asked_of(job), self.seen_at, is_final)

    def is_kept(self, job: Job) -> bool:
        wanted = self.entry(job)
        return all(store.find(path, wanted) for path in self.paths(job))

    def keep(self, job: Job, found: Found) -> None:
        entry = self.entry(job, is_final=found.is_final)
        for table, path in zip(self.tables, self.paths(job), strict=True):
            store.keep(path, found.tables[table], entry)


def fetch_each(
    jobs: Sequence[Job],
    tables: Sequence[str],
    ask: Callable[[Client, Job], Found | Unavailable],
    asked_of: Callable[[Job], Mapping[str, Any]],
    options: Options,
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
    with Client(**({"rate_limit_retries": _RATE_LIMIT_RETRIES} | dict(options.client))) as api:
        folder, remove = _open(options, api)
        seen_at = max((job.end for job in jobs), default=datetime.now(UTC)).isoformat()
        run = _Run(tables, folder, options, asked_of, seen_at)
        kept = [] if options.refresh else [job for job in jobs if run.is_kept(job)]
        run.done.update(job.job_id for job in kept)
        missing = [job for job in jobs if job.job_id not in run.done]
        try:
            _ask_all(missing, partial(ask, api), run)
        except KeyboardInterrupt:
            remains = (
                f"{len(run.done):,} of {count(len(jobs), 'job')} are kept, run it again to go on"
                if remove is None
                else "nothing is kept without a cache"
            )
            raise KeyboardInterrupt(f"interrupted: {remains}") from None
    fetched = _result(jobs, run, asked=len(missing))
    if remove is None:
        needed = {path for paths in fetched.files.values() for path in paths}
        store.prune(folder, int(options.cache_limit_gib * _GIB), needed)
    else:
        weakref.finalize(fetched, remove)
    return fetched


def _ask_all(jobs: Sequence[Job], ask: Callable[[Job], Any], run: _Run) -> None:
    def work(job: Job) -> Any:
        found = ask(job)
        if isinstance(found, Found):
            run.keep(job, found)
        return found

    total = len(jobs) + len(run.done)
    with progress(total, len(run.done), run.tables[0]) as bar:
        for outcome in run_all(work, jobs, concurrency=run.options.concurrency):
            job, error = outcome.item, outcome.error
            bar.update()
            if error is None:
                if isinstance(outcome.result, Unavailable):
                    run.unavailable += 1
                else:
                    run.done.add(job.job_id)
            elif _is_hopeless(error):
                raise error
            else:
                run.failures.append(
                    {
                        "job_id": job.job_id,
                        "project_id": job.project_id,
                        "error": type(error).__name__,
                        "detail": str(error),
                    }
                )


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
        run.failures, columns=["job_id", "project_id", "error", "detail"], dtype="str"
    ).sort_values("job_id", ignore_index=True)
    return Fetched(files, failures, asked, len(jobs) - asked, run.unavailable)


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
        folder = Path(tempfile.mkdtemp(prefix="trainview-"))
        return folder, partial(shutil.rmtree, folder, ignore_errors=True)
    root = store.default_folder() if options.cache is True else Path(options.cache)
    host = re.sub(r"[^A-Za-z0-9.-]+", "_", api.base_url.partition("://")[2])
    store.open_folder(root)
    store.open_folder(root / host)
    return root / host, None


def _join(name: str, parts: Iterable[pa.Table]) -> pa.Table:
    found, schema = list(parts), FLEET_TABLES[name]
    if name not in _LARGE:
        return combine(name, found)
    whole = pa.concat_tables(found).unify_dictionaries() if found else schema.empty_table()
    return conform(whole, schema)


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path, partitioning=None).replace_schema_metadata()
    except (OSError, pa.ArrowException) as error:
        why = f"cannot read {safe_text(path)} ({safe_text(error, 80)})"
    raise SourceError(f"{why}: the cache was emptied or damaged: fetch again")
