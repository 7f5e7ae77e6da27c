"""The story of one job, asked for with few calls."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from math import ceil, inf
from typing import Any, Literal, TypeAlias

import pandas as pd

from trainview.api.client import FIRST_BILLED, Access, Client, Response
from trainview.errors import (
    ApiError,
    ArgumentError,
    AuthError,
    NetworkError,
    NotFoundError,
    PayloadError,
)
from trainview.fetching.caches import fetch_caches
from trainview.fetching.each_job import Options, prune_cache
from trainview.fetching.extras import Extras, with_extras
from trainview.fetching.fetched import Fetched
from trainview.fetching.jobs import (
    fetch_checkpoints,
    fetch_last_lines,
    fetch_metrics,
    fetch_queue,
)
from trainview.fetching.organisation import ask_bills, ask_prices
from trainview.fetching.payloads import moment_of
from trainview.files.sources import Options as Reading
from trainview.loading import load
from trainview.schema import NOT_FETCHED
from trainview.snapshot import Snapshot
from trainview.snapshot.story import JobStory, find_job, tell
from trainview.statuses import STATUSES

Cut: TypeAlias = Callable[[Snapshot], Snapshot]

LINES = 100
# Of a longer job, samples are asked for that are further apart than a minute.
MOST_SAMPLES = 4000
_OPEN = [status.api for status in STATUSES if not status.terminal]
_NO_KEY = 401
_NOT_TOLD = "the API tells it to administrators only, and not of every job"


def fetch_job(
    job_id: str,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    options: Options = Options(),  # noqa: B008 - it cannot be changed
    as_of: Any = None,
    select: Cut | None = None,
    clip: Cut | None = None,
    strict: bool = False,
    **client: Any,
) -> JobStory:
    """Ask the API for one job, and tell its story.

    It takes two calls to find an id and the jobs of its project, or, for anything else, two more
    for all projects and jobs; one for all open jobs, where it waits; one each for its queue, its
    checkpoints, its log, its project's cache and the prices, one for each month of its bill, and a
    few for its samples.

    Parameters
    ----------
    job_id : str
        As for `job`.
    on_error : {"raise", "skip"}, optional
        As in `fetch`.
    options : Options, optional
        How to ask about each job.
    as_of : optional
        As for `load`.
    select : callable, optional
        Takes all projects and jobs, and keeps those among which the job is looked for.
    clip : callable, optional
        Cuts what was fetched to a window of time.
    strict : bool, optional
        Whether it is an error if something could not be fetched.
    **client
        What `Client` takes.

    Returns
    -------
    JobStory
        What could not be fetched is among what it misses.

    Raises
    ------
    ArgumentError
        If there is no such job, or there are several.
    ConfigError, AuthError, NetworkError, ApiError, RateLimitError, PayloadError
        As `fetch` does.
    """
    client = Access(client)
    with Client(**client) as api:
        read = partial(_load, on_error=on_error, as_of=as_of)
        snapshot, found = _find(api, job_id, read, select)
    one = snapshot.jobs[snapshot.jobs["job_id"] == found]
    snapshot, known = _with_answers(snapshot, one, options, client, strict=strict)
    if clip is not None:
        snapshot = clip(snapshot)
        find_job(snapshot.jobs, found)
    return tell(snapshot, found, known, [found])


def _find(
    api: Client, job_id: str, read: Callable[[list[Response]], Snapshot], select: Cut | None
) -> tuple[Snapshot, str]:
    """Find a job, and the others that its story is about."""
    answers = _search(api, job_id) if select is None else []
    if answers:
        snapshot = read(answers)
        row = snapshot.jobs[snapshot.jobs["job_id"] == job_id.strip()]
        if len(row):
            answers.append(api.list_training_jobs(str(row["project_id"].iloc[0])))
            if row["phase"].iloc[0] == "waiting":
                answers.append(api.search_training_jobs(statuses=_OPEN))
            return read(answers), job_id.strip()
    snapshot = read([api.list_training_projects(), api.search_training_jobs()])
    snapshot = snapshot if select is None else select(snapshot)
    return snapshot, find_job(snapshot.jobs, job_id)


def _search(api: Client, job_id: str) -> list[Response]:
    try:
        return [api.search_training_jobs(job_id=job_id.strip())]
    except (ArgumentError, NotFoundError):
        # it can still be a name, or the beginning of an id
        return []


def _load(answers: list[Response], on_error: Any, as_of: Any) -> Snapshot:
    moment = moment_of(answers, Reading(on_error == "skip"))
    moment = moment if as_of is None else as_of
    return load([answer.body for answer in answers], as_of=moment, on_error=on_error)


def _with_answers(
    snapshot: Snapshot,
    one: pd.DataFrame,
    options: Options,
    client: Mapping[str, Any],
    *,
    strict: bool,
) -> tuple[Snapshot, list[str]]:
    """Add what else the API tells about a job, and name the tables that it told."""
    tables: dict[str, pd.DataFrame] = {}
    failures: list[dict[str, str | None]] = []
    notes: list[str] = []
    kept: list[Fetched] = []
    for name, ask in _calls(snapshot, one, options, client).items():
        try:
            answer = ask()
        except (NetworkError, ApiError, PayloadError) as error:
            if strict or (isinstance(error, AuthError) and error.status == _NO_KEY):
                raise
            failures.append({"table": name, "error": type(error).__name__, "detail": str(error)})
            continue
        if isinstance(answer, Fetched):
            kept.append(answer)
            told = answer.failures["detail"].to_list()
            if told and strict:
                raise ApiError(f"{name} could not be fetched: {told[0]}")
            # a project may have no cache
            told += [_NOT_TOLD] * (answer.unavailable > 0 and name != "caches")
            if told:
                failures.append({"table": name, "error": None, "detail": told[0]})
            else:
                tables |= {table: answer.read(table) for table in answer.files}
        else:
            tables[name], told = answer
            notes += told
    prune_cache(kept, options)
    gaps = pd.DataFrame(failures, columns=NOT_FETCHED.names, dtype="str")
    found = with_extras(snapshot, Extras(tables, {}, gaps, tuple(notes)), {})
    return found, list(tables)


def _calls(
    snapshot: Snapshot, one: pd.DataFrame, options: Options, client: Mapping[str, Any]
) -> dict[str, Callable[[], Any]]:
    """List what to ask about a job, by the name of the table."""
    job = one.iloc[0]
    # what comes later must not push out of the cache what came before and is not read yet
    unlimited = replace(options, cache_limit_gib=inf)
    each: dict[str, Any] = {**vars(unlimited), **client}
    minutes = 0.0 if pd.isna(job["elapsed_hours"]) else job["elapsed_hours"] * 60
    step = 60 * max(ceil(minutes / MOST_SAMPLES), 1)
    calls: dict[str, Callable[[], Any]] = {
        "prices": partial(ask_prices, **client),
        "queue": partial(fetch_queue, one, **each),
        "checkpoints": partial(fetch_checkpoints, one, **each),
    }
    if job["phase"] == "waiting":
        return calls
    project = pd.DataFrame({"project_id": [job["project_id"]]})
    calls["caches"] = partial(fetch_caches, project, **each)
    calls["metrics"] = partial(fetch_metrics, one, step_seconds=step, **each)
    calls["logs"] = partial(fetch_last_lines, one, LINES, unlimited, client)
    # a bill of the day of its end has all of its minutes
    until = min(snapshot.as_of or job["end_at"], job["end_at"] + timedelta(days=1))
    if until > max(job["created_at"], pd.Timestamp(FIRST_BILLED)):
        calls["billing"] = partial(ask_bills, job["created_at"], until, **client)
    return calls
