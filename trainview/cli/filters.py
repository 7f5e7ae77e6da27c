"""The options that say which jobs a command is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from trainview.cli.options import options
from trainview.errors import ArgumentError
from trainview.text.moments import read_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trainview.snapshot import Snapshot

# The options by the arguments of `Snapshot.select`.
_OPTIONS = {"projects": "--project", "teams": "--team", "users": "--user", "statuses": "--status"}
# From when on any length of time can be counted back.
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_MANY = "; several with commas, or again and again."


class Filters(NamedTuple):
    """Which jobs a command is about, and which part of their time."""

    projects: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None

    def words(self) -> list[str]:
        """Give them as words of the command line."""
        given = [(_OPTIONS[name], part) for name in _OPTIONS for part in getattr(self, name)]
        given += [("--since", self.since)] if self.since else []
        given += [("--until", self.until)] if self.until else []
        return [word for option_and_value in given for word in option_and_value]

    def select(self, snapshot: Snapshot) -> Snapshot:
        """Keep these jobs, as far as that does not depend on the window."""
        return self._select(snapshot, [*_OPTIONS][: None if self._is_whole() else -1])

    def cut(self, snapshot: Snapshot) -> Snapshot:
        """Cut what is selected to the window; statuses are those at its end."""
        if self._is_whole():
            return snapshot
        return self._select(snapshot.clip(self.since, self.until), ["statuses"])

    def names(self, snapshot: Snapshot) -> dict[str, list[str]]:
        """Give the names that are asked for by the arguments of `Snapshot.select`."""
        known = _names_in(snapshot)
        asked = {name: _split(getattr(self, name), known[name]) for name in _OPTIONS}
        return {name: given for name, given in asked.items() if given}

    def without_window(self) -> Filters:
        """Give those that can be applied before a window is cut."""
        return self if self._is_whole() else self._replace(since=None, until=None, statuses=())

    def _is_whole(self) -> bool:
        return self.since is None and self.until is None

    def _select(self, snapshot: Snapshot, names: list[str]) -> Snapshot:
        asked = {name: given for name, given in self.names(snapshot).items() if name in names}
        return snapshot.select(**asked) if asked else snapshot


def select_each(filters: Filters, snapshots: list[Snapshot]) -> list[Snapshot]:
    """Keep these jobs in each of several snapshots; a name need only be in one of them."""
    known = [_names_in(snapshot) for snapshot in snapshots]
    asked = {}
    for name in _OPTIONS:
        anywhere = {value for names in known for value in names[name]}
        if given := _split(getattr(filters, name), anywhere):
            asked[name] = given, anywhere
    if not asked:
        return snapshots
    found = []
    for snapshot, names in zip(snapshots, known, strict=True):
        here = {
            name: [value for value in given if value in names[name] or value not in anywhere]
            for name, (given, anywhere) in asked.items()
        }
        found.append(snapshot.select(**here))
    return found


def _names_in(snapshot: Snapshot) -> dict[str, set[str]]:
    projects, jobs = snapshot.projects, snapshot.jobs
    return {
        "projects": {*projects["project_name"], *projects["project_id"]},
        "teams": {*projects["team_name"]},
        "users": {*jobs["user_email"]},
        "statuses": {*jobs["status"], *jobs["current_status"]},
    }


def _split(given: tuple[str, ...], known: Iterable[str]) -> list[str]:
    """Split values at their commas, but not names that have some."""
    whole = set(known)
    parts = [[value] if value in whole else value.split(",") for value in given]
    return [name if name in whole else name.strip() for part in parts for name in part if name]


def moment(text: str) -> str:
    """Refuse what is neither a moment nor a length of time, before anything is read."""
    try:
        read_moment(text, "moment", _LATEST)
    except ArgumentError as error:
        raise click.BadParameter(str(error).removeprefix("moment=")) from None
    return text


def options_given(arguments: Mapping[str, Any]) -> list[str]:
    """List the options of the filters that are among the arguments of a command."""
    names = [name for name in Filters._fields if arguments.get(name)]
    return [_OPTIONS.get(name, f"--{name}") for name in names]


since_option = click.option(
    "--since", type=moment, metavar="TIME",
    help="Only what happened since then: 7d, 2026-03-24, or a moment with its zone.",
)  # fmt: skip
until_option = click.option(
    "--until", type=moment, metavar="TIME", help="Only what happened before: likewise."
)
filter_options = options(
    until_option,
    click.option(
        "--project", "projects", metavar="NAME", multiple=True,
        help=f"Only jobs of these projects, by name or id{_MANY}",
    ),
    click.option(
        "--team", "teams", metavar="NAME", multiple=True, help=f"Only jobs of these teams{_MANY}"
    ),
    click.option(
        "--user", "users", metavar="EMAIL", multiple=True, help=f"Only jobs of these users{_MANY}"
    ),
    click.option(
        "--status", "statuses", metavar="STATUS", multiple=True,
        help=f"Only jobs in these statuses, such as running{_MANY}",
    ),
)  # fmt: skip
