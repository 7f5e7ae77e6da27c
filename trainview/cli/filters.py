"""The options that say which jobs a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from trainview.cli.options import options
from trainview.errors import ArgumentError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainview.snapshot import Snapshot

# The options by the arguments of `Snapshot.select`.
_OPTIONS = {"projects": "--project", "teams": "--team", "users": "--user", "statuses": "--status"}
_MANY = "; several with commas, or again and again."


class Filters(NamedTuple):
    """Which jobs a command is about."""

    projects: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Give them as words of the command line."""
        given = zip(_OPTIONS.values(), self, strict=True)
        return [word for option, names in given for name in names for word in (option, name)]

    def select(self, snapshot: Snapshot) -> Snapshot:
        """Keep these jobs."""
        projects, jobs = snapshot.projects, snapshot.jobs
        known: dict[str, Iterable[str]] = {
            "projects": {*projects["project_name"], *projects["project_id"]},
            "teams": projects["team_name"],
            "users": jobs["user_email"],
            "statuses": (),
        }
        asked = {name: _split(given, known[name]) for name, given in zip(known, self, strict=True)}
        asked = {name: names for name, names in asked.items() if names}
        if not asked:
            return snapshot
        try:
            return snapshot.select(**asked)
        except ArgumentError as error:
            argument, _, text = str(error).partition(": ")
            raise ConfigError(f"{_OPTIONS[argument]}: {text}") from None


def _split(given: tuple[str, ...], known: Iterable[str]) -> list[str]:
    """Split values at their commas, but not names that have some."""
    whole = set(known)
    parts = [[value] if value in whole else value.split(",") for value in given]
    return [name if name in whole else name.strip() for part in parts for name in part if name]


filter_options = options(
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
