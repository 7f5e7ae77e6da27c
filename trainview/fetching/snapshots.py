"""Fetch: the API's answers as one payload, as a Snapshot, and as a folder of tables."""

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pandas as pd

from trainview.atomic import check_target, making_folder
from trainview.client import Answer, Client
from trainview.conform import to_pandas
from trainview.errors import (
    ApiError,
    ArgumentError,
    AuthError,
    DataWarning,
    NetworkError,
    PayloadError,
)
from trainview.export import MANIFEST, Rows, saved_header, write_folder
from trainview.fetching.each_job import CACHE_LIMIT_GIB, CONCURRENCY
from trainview.fetching.fetched import Fetched
from trainview.fetching.jobs import (
    fetch_checkpoints,
    fetch_error_logs,
    fetch_metrics,
    fetch_queue,
)
from trainview.fetching.organisation import fetch_billing, fetch_capacity, fetch_prices
from trainview.loading import load
from trainview.records import read_records
from trainview.schema import NOT_FETCHED
from trainview.snapshot import Snapshot, name_gaps, to_fleet, to_gaps, to_tables
from trainview.tables import newest_time

Include: TypeAlias = str | Iterable[str]

# What can be fetched beside projects and jobs: first what takes few calls, then a call a job.
OF_ORGANISATION: dict[str, Callable[..., pd.DataFrame]] = {
    "prices": fetch_prices,
    "capacity": fetch_capacity,
    "billing": fetch_billing,
}
_OF_JOBS: dict[str, Callable[..., Fetched]] = {
    "queue": fetch_queue,
    "checkpoints": fetch_checkpoints,
    "metrics": fetch_metrics,
    "logs": fetch_error_logs,
}
INCLUDABLE = (*OF_ORGANISATION, *_OF_JOBS)
EVERYTHING = "everything"


def fetch(
    *,
    jobs: Literal["all", "latest"] = "all",
    include: Include = (),
    concurrency: int = CONCURRENCY,
    cache: Any = True,
    refresh: bool = False,
    cache_limit_gib: float = CACHE_LIMIT_GIB,
    **client: Any,
) -> Snapshot:
    """Ask the API for all projects and jobs, and for more if you like.

    Parameters
    ----------
    jobs : {"all", "latest"}, optional
        ``"all"`` makes two calls and gives the whole history; ``"latest"`` makes one call and
        gives the latest job of each project.
    include : str or iterable of str, optional
        What else to ask for: ``"prices"``, ``"capacity"``, ``"billing"`` (a few calls);
        ``"queue"``, ``"checkpoints"``, ``"metrics"``, ``"logs"`` (a call a job, or more); or
        ``"everything"``.
    concurrency, cache, refresh, cache_limit_gib : optional
        For what takes a call a job: as in `fetch_metrics`.
    **client
        What `Client` takes: ``api_key``, ``base_url``, ``timeout`` and so on.

    Returns
    -------
    Snapshot
        The tables, as of the moment that the server's Date header tells. What could not be
        fetched beside projects and jobs is in its ``not_fetched``.

    Raises
    ------
    ArgumentError
        If there is no such thing to include.
    ConfigError
        If there is no key, or the key or the address cannot be right.
    AuthError
        If the API refuses the key.
    NetworkError, ApiError, RateLimitError
        If the API cannot be reached or gives no usable answer about projects and jobs.
    PayloadError
        If that answer is not what the API documents.
    KeyboardInterrupt
        If you stop it; what has come for single jobs is kept.

    Warns
    -----
    DataWarning
        If something else could not be fetched, or not for some jobs.

    Examples
    --------
    >>> import trainview as tv
    >>> snap = tv.fetch(include=["prices", "billing"])  # doctest: +SKIP
    """
    names = check_include(include)
    snapshot = load(fetch_payload(jobs=jobs, **client))
    bulk = {
        "concurrency": concurrency,
        "cache": cache,
        "refresh": refresh,
        "cache_limit_gib": cache_limit_gib,
    }
    return fetch_more(snapshot, names, bulk, client)


def fetch_more(
    snapshot: Snapshot, include: Include, bulk: Mapping[str, Any], client: Mapping[str, Any]
) -> Snapshot:
    """Ask the API for more about a snapshot that it has just given.

    Parameters
    ----------
    snapshot : Snapshot
        Projects and jobs.
    include : str or iterable of str
        As in `fetch`.
    bulk : dict
        The arguments of `fetch` that are for what takes a call a job.
    client : dict
        What `Client` takes.

    Returns
    -------
    Snapshot
        With the tables, and what could not be fetched.
    """
    more, fetched, failures = _fetch_more(snapshot, check_include(include), bulk, client)
    tables = more | {name: part.read(name) for part in fetched.values() for name in part.files}
    return replace(snapshot.assign(**tables), not_fetched=not_fetched(failures))


def fetch_folder(
    folder: str | os.PathLike[str],
    *,
    jobs: Literal["all", "latest"] = "all",
    include: Include = (),
    force: bool = False,
    bulk: Mapping[str, Any] | None = None,
    **client: Any,
) -> tuple[Snapshot, list[Path]]:
    """Ask the API like `fetch`, and write Parquet files; the largest are never in memory.

    Parameters
    ----------
    folder : path
        Made if it does not exist; `load` reads it.
    jobs, include, **client
        As in `fetch`.
    force : bool, optional
        Whether files that exist may be replaced.
    bulk : dict, optional
        The arguments of `fetch` that are for what takes a call a job.

    Returns
    -------
    snapshot : Snapshot
        Projects, jobs, and what takes few calls; with its ``not_fetched``.
    files : list of pathlib.Path
        The files that were written.

    Raises
    ------
    OutputError
        If the files cannot be written; then none of them is changed.
    TrainviewError
        As `fetch` does.
    """
    names = check_include(include)
    with making_folder(folder) as place:
        # before many calls are made in vain
        check_target(place / MANIFEST, force=force)
        snapshot = load(fetch_payload(jobs=jobs, **client))
        more, fetched, failures = _fetch_more(snapshot, names, bulk or {}, client)
        snapshot = replace(snapshot.assign(**more), not_fetched=not_fetched(failures))
        fleet: dict[str, Rows] = dict(to_fleet(snapshot))
        for part in fetched.values():
            fleet |= {name: partial(part.write_parquet, name=name) for name in part.files}
        files = write_folder(
            to_tables(snapshot),
            folder,
            "parquet",
            fleet=fleet,
            not_fetched=to_gaps(snapshot),
            force=force,
        )
    return snapshot, files


def check_include(include: Include) -> list[str]:
    """List what to fetch beside projects and jobs.

    Parameters
    ----------
    include : str or iterable of str
        Names, or ``"everything"``.

    Returns
    -------
    list of str
        In the order in which they are fetched.

    Raises
    ------
    ArgumentError
        If a name is none of these.
    """
    names = [include] if isinstance(include, str) else list(include)
    for name in names:
        if name not in {*INCLUDABLE, EVERYTHING}:
            known = ", ".join((*INCLUDABLE, EVERYTHING))
            raise ArgumentError(f"include={name!r}: choose of {known}")
    return [name for name in INCLUDABLE if name in names or EVERYTHING in names]


def not_fetched(failures: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the failures of several fetches into one table, and warn of them.

    Parameters
    ----------
    failures : dict of str to pandas.DataFrame
        By the name of what was to be fetched, as in `Fetched`.

    Returns
    -------
    pandas.DataFrame
        As `Snapshot.not_fetched` is described.
    """
    parts = [part.assign(table=name) for name, part in failures.items() if len(part)]
    for part in parts:
        [gap] = name_gaps(part)
        message = f"{gap} could not be fetched: {part['detail'].iloc[0]}"
        warnings.warn(message, DataWarning, stacklevel=3)
    if not parts:
        return to_pandas(NOT_FETCHED.empty_table())
    return pd.concat(parts, ignore_index=True).reindex(columns=NOT_FETCHED.names).astype("str")


def fetch_payload(*, jobs: Literal["all", "latest"] = "all", **client: Any) -> bytes:
    """Ask the API for projects and jobs, and keep what it said, byte for byte.

    Parameters
    ----------
    jobs : {"all", "latest"}, optional
        Whether to ask for all jobs, or only for the latest of each project.
    **client
        What `Client` takes.

    Returns
    -------
    bytes
        A JSON object that `load` reads: the members of the answers, and ``trainview`` with the
        moment they describe.

    Raises
    ------
    TrainviewError
        As `fetch` does.
    """
    if jobs not in {"all", "latest"}:
        raise ArgumentError(f"jobs={jobs!r}: choose 'all' or 'latest'")
    with Client(**client) as api:
        answers = [api.list_training_projects()]
        if jobs == "all":
            answers.append(api.search_training_jobs())
    header = saved_header(_moment(answers)).encode()
    members = [
        answer.body.strip().removeprefix(b"\xef\xbb\xbf").strip()[1:-1] for answer in answers
    ]
    return b"{" + b",\n".join([header, *members]) + b"}\n"


def _fetch_more(
    snapshot: Snapshot, names: Iterable[str], bulk: Mapping[str, Any], client: Mapping[str, Any]
) -> tuple[dict[str, pd.DataFrame], dict[str, Fetched], dict[str, pd.DataFrame]]:
    """Give what takes few calls, what takes a call a job, and the failures of both."""
    more: dict[str, pd.DataFrame] = {}
    fetched: dict[str, Fetched] = {}
    failures: dict[str, pd.DataFrame] = {}
    for name in names:
        if name in _OF_JOBS:
            fetched[name] = _OF_JOBS[name](snapshot.jobs, **bulk, **client)
            failures[name] = fetched[name].failures
            continue
        try:
            more[name] = OF_ORGANISATION[name](**client)
        except (NetworkError, ApiError, PayloadError) as error:
            if isinstance(error, AuthError) and error.status == 401:
                raise
            failures[name] = _failure(error)
    return more, fetched, failures


def _failure(error: Exception) -> pd.DataFrame:
    """Tell of a call that is about no job."""
    row = {
        "job_id": None,
        "project_id": None,
        "error": type(error).__name__,
        "detail": str(error),
    }
    return pd.DataFrame([row], dtype="str")


def _moment(answers: list[Answer]) -> datetime | None:
    """Tell the moment that the answers describe, checking them on the way."""
    times = [newest_time(read_records(answer.body, answer.url)) for answer in answers]
    newest = max((time for time in times if time is not None), default=None)
    date = answers[-1].date
    if date is None:
        return newest
    # a Date header counts whole seconds: a job may be newer by a fraction of one
    if newest is not None and date < newest < date + timedelta(seconds=1):
        return newest
    return date
