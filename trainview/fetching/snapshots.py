"""Fetch: all that the API tells, as a Snapshot or as a folder of tables."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from trainview.api.client import Access
from trainview.fetching.each_job import CACHE_LIMIT_GIB, CONCURRENCY, Options
from trainview.fetching.extras import (
    Include,
    check_include,
    fetch_extras,
    prune_extras,
    with_extras,
)
from trainview.fetching.payloads import fetch_payload
from trainview.files.atomic import check_target, making_folder
from trainview.files.export import MANIFEST, Rows, write_folder
from trainview.loading import load
from trainview.snapshot import Snapshot
from trainview.tables.frames import to_fleet, to_gaps, to_tables


def fetch(
    *,
    jobs: Literal["all", "latest"] = "all",
    include: Include = (),
    on_error: Literal["raise", "skip"] = "raise",
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
        ``"caches"`` (a call a project); ``"queue"``, ``"checkpoints"``, ``"metrics"``, ``"logs"``
        (a call a job, or more); or ``"everything"``.
    on_error : {"raise", "skip"}, optional
        What becomes of projects and jobs that are not what the API documents: an error, or they
        are left out, as `load` does.
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
    client = Access(client)
    names = check_include(include)
    snapshot = load(fetch_payload(jobs=jobs, on_error=on_error, **client), on_error=on_error)
    options = Options(concurrency, cache, refresh, cache_limit_gib)
    return fetch_more(snapshot, names, options, client)


def fetch_more(
    snapshot: Snapshot, include: Include, options: Options, client: Mapping[str, Any]
) -> Snapshot:
    """Ask the API for more about a snapshot that it has just given.

    Parameters
    ----------
    snapshot : Snapshot
        Projects and jobs.
    include : str or iterable of str
        As in `fetch`.
    options : Options
        How to ask about each job.
    client : dict
        What `Client` takes.

    Returns
    -------
    Snapshot
        With the tables, and what could not be fetched.
    """
    more = fetch_extras(snapshot, check_include(include), options, client)
    of_jobs = {name: part.read(name) for part in more.fetched.values() for name in part.files}
    prune_extras(more, options)
    return with_extras(snapshot, more, of_jobs)


def fetch_folder(
    folder: str | os.PathLike[str],
    *,
    jobs: Literal["all", "latest"] = "all",
    include: Include = (),
    on_error: Literal["raise", "skip"] = "raise",
    force: bool = False,
    options: Options = Options(),  # noqa: B008 - it cannot be changed
    **client: Any,
) -> tuple[Snapshot, list[Path]]:
    """Ask the API like `fetch`, and write Parquet files; the largest are never in memory.

    Parameters
    ----------
    folder : path
        Made if it does not exist; `load` reads it.
    jobs, include, on_error, **client
        As in `fetch`.
    force : bool, optional
        Whether files that exist may be replaced.
    options : Options, optional
        How to ask about each job.

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
    client = Access(client)
    names = check_include(include)
    with making_folder(folder) as place:
        # before many calls are made in vain
        check_target(place / MANIFEST, force=force)
        snapshot = load(fetch_payload(jobs=jobs, on_error=on_error, **client), on_error=on_error)
        more = fetch_extras(snapshot, names, options, client)
        snapshot = with_extras(snapshot, more, {})
        fleet: dict[str, Rows] = dict(to_fleet(snapshot))
        for part in more.fetched.values():
            fleet |= {name: partial(part.write_parquet, name=name) for name in part.files}
        files = write_folder(
            to_tables(snapshot),
            folder,
            "parquet",
            fleet=fleet,
            gaps=to_gaps(snapshot),
            force=force,
        )
        prune_extras(more, options)
    return snapshot, files
