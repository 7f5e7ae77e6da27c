"""What can be fetched beside projects and jobs, and what of it could not."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import inf
from typing import Any, NamedTuple, TypeAlias

import pandas as pd

from trainview.errors import (
    ApiError,
    ArgumentError,
    AuthError,
    DataWarning,
    NetworkError,
    PayloadError,
)
from trainview.fetching.caches import fetch_caches
from trainview.fetching.each_job import Options, prune_cache
from trainview.fetching.fetched import Fetched
from trainview.fetching.jobs import (
    fetch_checkpoints,
    fetch_error_logs,
    fetch_metrics,
    fetch_queue,
)
from trainview.fetching.organisation import ask_bills, ask_capacity, ask_prices
from trainview.schema import NOT_FETCHED, PANDAS_TEXT
from trainview.snapshot import Snapshot
from trainview.tables.dtypes import to_pandas
from trainview.tables.frames import to_fleet, to_tables
from trainview.tables.linking import link
from trainview.text.gaps import name_gaps
from trainview.text.names import did_you_mean

Include: TypeAlias = str | Iterable[str]

# What can be fetched beside projects and jobs: first what takes few calls, then a call a project,
# and a call a job.
OF_ORGANISATION: dict[str, Callable[..., tuple[pd.DataFrame, list[str]]]] = {
    "prices": ask_prices,
    "capacity": ask_capacity,
    "billing": ask_bills,
}
OF_PROJECTS: dict[str, Callable[..., Fetched]] = {"caches": fetch_caches}
_OF_JOBS: dict[str, Callable[..., Fetched]] = {
    "queue": fetch_queue,
    "checkpoints": fetch_checkpoints,
    "metrics": fetch_metrics,
    "logs": fetch_error_logs,
}
INCLUDABLE = (*OF_ORGANISATION, *OF_PROJECTS, *_OF_JOBS)
EVERYTHING = "everything"


class Extras(NamedTuple):
    """What was fetched beside projects and jobs.

    Attributes
    ----------
    tables : dict of str to pandas.DataFrame
        What takes few calls.
    fetched : dict of str to Fetched
        What takes a call a project, or a job.
    not_fetched : pandas.DataFrame
        What could not be fetched, as `Snapshot.not_fetched` is described.
    notes : tuple of str
        What is odd in it, one sentence each.
    """

    tables: dict[str, pd.DataFrame]
    fetched: dict[str, Fetched]
    not_fetched: pd.DataFrame
    notes: tuple[str, ...] = ()


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
            hint = did_you_mean(name, (*INCLUDABLE, EVERYTHING))
            raise ArgumentError(f"include={name!r}: choose one of {known}{hint}")
    return [name for name in INCLUDABLE if name in names or EVERYTHING in names]


def fetch_extras(
    snapshot: Snapshot, names: Iterable[str], options: Options, client: Mapping[str, Any]
) -> Extras:
    """Ask for more about a snapshot, and warn of what could not be fetched.

    Parameters
    ----------
    snapshot : Snapshot
        Projects and jobs.
    names : iterable of str
        What to ask for.
    options : Options
        How to ask about each job.
    client : dict
        What `Client` takes.

    Returns
    -------
    Extras
        Its files stay at least until `prune_extras`.
    """
    tables: dict[str, pd.DataFrame] = {}
    fetched: dict[str, Fetched] = {}
    failures: dict[str, pd.DataFrame] = {}
    notes: list[str] = []
    # what comes later must not push out of the cache what came before and is not read yet
    unlimited = vars(replace(options, cache_limit_gib=inf))
    for name in names:
        if name not in OF_ORGANISATION:
            ask, about = _OF_JOBS.get(name), snapshot.jobs
            if ask is None:
                ask, about = OF_PROJECTS[name], snapshot.projects
            fetched[name] = ask(about, **unlimited, **client)
            failures[name] = fetched[name].failures
            continue
        try:
            span = {"until": snapshot.as_of} if name == "billing" else {}
            tables[name], told = OF_ORGANISATION[name](**span, **client)
        except (NetworkError, ApiError, PayloadError) as error:
            if isinstance(error, AuthError) and error.status == 401:
                raise
            failures[name] = _failure(error)
            continue
        notes += told
        # what else is billed changes no total
        for note in told if name != "billing" else ():
            warnings.warn(note, DataWarning, stacklevel=4)
    return Extras(tables, fetched, _not_fetched(failures), tuple(notes))


def prune_extras(more: Extras, options: Options) -> None:
    """Make the cache as small as it shall be, once all is read.

    Parameters
    ----------
    more : Extras
        What was fetched.
    options : Options
        As for `fetch_extras`.
    """
    prune_cache(more.fetched.values(), options)


def with_extras(snapshot: Snapshot, more: Extras, of_jobs: Mapping[str, pd.DataFrame]) -> Snapshot:
    """Add what was fetched to a snapshot, linked with its jobs.

    Parameters
    ----------
    snapshot : Snapshot
        Projects and jobs.
    more : Extras
        What was fetched.
    of_jobs : dict of str to pandas.DataFrame
        The tables that took a call a job, in memory.

    Returns
    -------
    Snapshot
        With these tables, and what could not be fetched.
    """
    added = replace(
        snapshot.assign(**more.tables, **of_jobs),
        notes=(*snapshot.notes, *more.notes),
        not_fetched=pd.concat([snapshot.not_fetched, more.not_fetched], ignore_index=True),
    )
    tables = to_tables(added)
    linked = link(to_fleet(added), tables.jobs, tables.projects)
    return added.assign(
        **{name: to_pandas(linked[name]) for name in ("queue", "billing") if name in linked}
    )


def _not_fetched(failures: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    parts = [part.assign(table=name) for name, part in failures.items() if len(part)]
    for part in parts:
        [gap] = name_gaps(part)
        message = f"{gap} could not be fetched: {part['detail'].iloc[0]}"
        warnings.warn(message, DataWarning, stacklevel=4)
    if not parts:
        return to_pandas(NOT_FETCHED.empty_table())
    told = pd.concat(parts, ignore_index=True).reindex(columns=NOT_FETCHED.names)
    return told.astype(PANDAS_TEXT)


def _failure(error: Exception) -> pd.DataFrame:
    """Tell of a call that is about no job."""
    row = {
        "job_id": None,
        "project_id": None,
        "error": type(error).__name__,
        "detail": str(error),
    }
    return pd.DataFrame([row], dtype=PANDAS_TEXT)
