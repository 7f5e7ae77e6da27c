"""The tables of a snapshot, of some projects, teams, users or statuses alone."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from trainview.analysis.pandas_dtypes import TEXT
from trainview.errors import ArgumentError
from trainview.statuses import STATUSES
from trainview.text.names import did_you_mean
from trainview.text.safe import safe_text
from trainview.text.shown import Shown

if TYPE_CHECKING:
    Names: TypeAlias = str | Iterable[str] | None
else:
    Names = Shown("Names")

_OF_JOBS = ("queue", "status_events", "checkpoints", "metrics", "logs")
_LISTED = 6


def select_tables(
    tables: Mapping[str, pd.DataFrame],
    projects: Names = None,
    teams: Names = None,
    users: Names = None,
    statuses: Names = None,
) -> dict[str, pd.DataFrame]:
    """Keep some jobs, and what all tables say about them.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        The tables of a snapshot by their names, ``projects`` and ``jobs`` among them.
    projects, teams, users, statuses : str or iterable of str, optional
        As for `Snapshot.select`.

    Returns
    -------
    dict of str to pandas.DataFrame
        All of them, those that changed as new tables.

    Raises
    ------
    ArgumentError
        If a name is not in the tables, or no text.
    """
    all_projects, all_jobs = tables["projects"], tables["jobs"]
    places, jobs = all_projects, all_jobs
    of_jobs = users is not None or statuses is not None
    if projects is not None:
        columns = ["project_name", "project_id"]
        names = _check("projects", projects, all_projects, *columns)
        places = places[places[columns].isin(names).any(axis="columns")]
    if teams is not None:
        places = places[places["team_name"].isin(_check("teams", teams, all_projects, "team_name"))]
    if projects is not None or teams is not None:
        jobs = jobs[jobs["project_id"].isin(places["project_id"])]
    if users is not None:
        jobs = jobs[jobs["user_email"].isin(_check("users", users, all_jobs, "user_email"))]
    if statuses is not None:
        jobs = jobs[jobs["status"].isin(_statuses(statuses, all_jobs))]
    if of_jobs:
        places = places[places["project_id"].isin(jobs["project_id"])]

    kept = dict(tables)
    kept["projects"] = _numbered(places)
    kept["jobs"] = _numbered(jobs)
    types = tables["instance_types"]
    kept["instance_types"] = _numbered(
        types[types["instance_type_id"].isin(jobs["instance_type_id"])]
    )
    for name in _OF_JOBS:
        kept[name] = _numbered(tables[name][tables[name]["job_id"].isin(jobs["job_id"])])
    caches = tables["caches"]
    kept["caches"] = _numbered(caches[caches["project_id"].isin(places["project_id"])])
    kept["billing"] = _numbered(
        _bills(
            tables["billing"],
            all_jobs,
            jobs,
            None if of_jobs else places,
            _listed("teams", teams) if projects is None else set(),
        )
    )
    if teams is not None:
        capacity = tables["capacity"]
        is_of_others = capacity["team_name"].notna() & ~capacity["team_name"].isin(
            _listed("teams", teams)
        )
        kept["capacity"] = _numbered(capacity[~is_of_others])
    gaps = tables["not_fetched"]
    is_there = gaps["project_id"].isna() | gaps["project_id"].isin(places["project_id"])
    kept["not_fetched"] = _numbered(
        gaps[gaps["job_id"].isna() & is_there | gaps["job_id"].isin(jobs["job_id"])]
    )
    return kept


def _bills(
    billing: pd.DataFrame,
    all_jobs: pd.DataFrame,
    jobs: pd.DataFrame,
    places: pd.DataFrame | None,
    teams: set[str],
) -> pd.DataFrame:
    """Keep the bills of jobs; those of deleted ones by their project, or else by their team."""
    kept = billing["job_id"].isin(jobs["job_id"])
    if places is not None:
        is_deleted = ~billing["job_id"].isin(all_jobs["job_id"])
        team = billing["team_name"]
        # two teams may have a project of the same name
        is_of_team = team.isna() | team.isin(places["team_name"])
        named = billing["project_name"].isin(places["project_name"]) & is_of_team
        kept |= is_deleted & (named | team.isin(teams))
    return billing[kept]


def _check(argument: str, asked: Names, table: pd.DataFrame, *columns: str) -> set[str]:
    """Refuse names that are in none of the columns."""
    found = [table[column].dropna().astype(TEXT).unique().tolist() for column in columns]
    names = _listed(argument, asked)
    for name in names:
        if not any(name in known for known in found):
            _refuse(argument, name, found[0])
    return names


def _statuses(asked: Names, jobs: pd.DataFrame) -> set[str]:
    """Take labels and what the API calls them, in whatever case."""
    seen = dict(zip(jobs["current_status"], jobs["status"], strict=True))
    labels = {status.api: status.label for status in STATUSES} | seen
    known = {name.lower(): label for api, label in labels.items() for name in (api, label)}
    found = set()
    for name in _listed("statuses", asked):
        if name.lower() not in known:
            _refuse("statuses", name, [status.label for status in STATUSES])
        found.add(known[name.lower()])
    return found


def _listed(argument: str, asked: Names) -> set[str]:
    if asked is None or isinstance(asked, str):
        return set() if asked is None else {asked}
    try:
        names: set[Any] = set(asked)
    except TypeError:
        names = {asked}
    for name in names:
        if not isinstance(name, str):
            raise ArgumentError(
                f"{argument}={safe_text(repr(asked), 60)}: expected a text or a list of texts"
            )
    return names


def _refuse(argument: str, name: str, known: list[str]) -> None:
    more = f" and {len(known) - _LISTED:,} more" if len(known) > _LISTED else ""
    there = ", ".join(safe_text(other, 60) for other in known[:_LISTED]) or "none"
    raise ArgumentError(
        f"{argument}: no {safe_text(name, 60)!r} in the data: there are {there}{more}"
        f"{safe_text(did_you_mean(name, known), 200)}"
    )


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    return table.reset_index(drop=True)
