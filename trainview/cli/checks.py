"""The command for cron and CI: rules in, one line a breach out."""

from __future__ import annotations

import logging
import math
import shutil
import textwrap
import tomllib
from datetime import date, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainview.checking.registry import BUDGET_KINDS, RULES
from trainview.checking.wording import line_of
from trainview.cli.filters import moment, since_option
from trainview.cli.notifying import Notifying, asks_to_notify
from trainview.cli.options import Output, options, prints_whole, put, say
from trainview.cli.sources import SOURCE_HELP, Source, asks_for_each_job, takes_source
from trainview.errors import ConfigError, SourceError
from trainview.files.atomic import from_home
from trainview.text.moments import parse_span
from trainview.text.names import did_you_mean
from trainview.text.safe import count, safe_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

_BROKEN = 10
_MOST_BYTES = 2**20
_logger = logging.getLogger("trainview")


def _duration(text: str) -> timedelta:
    found = parse_span(text)
    if found is None:
        raise click.BadParameter(f"{text!r}: give a length of time such as 90m, 2h or 7d")
    return found


# The arguments of `trainview.check` by the names of their options.
_ARGUMENTS = {rule.name: argument for argument, rule in RULES.items()}
_READERS: dict[str, Callable[[str], Any]] = {
    name: _duration if RULES[argument].unit == "h" else float
    for name, argument in _ARGUMENTS.items()
}


@click.command(
    help=(
        "Check rules: one line for each that is broken, and exit code 10.\n\n"
        "A value at its limit keeps the rule. A rule whose data is not there is an error; one that "
        "too little data is there for has a line that says so: unproven. "
        "CSV and JSON have all rules.\n\n"
        "With --notify a webhook is told of each rule that is broken, once, and when that is over. "
        "What it was told is kept in the history that is checked, else in your cache folder. A "
        f"webhook that does not answer changes no exit code: the next check tells it.{SOURCE_HELP}"
    ),
    epilog="Example: trainview check data/ --since 7d --max-pending 2h --max-cost 50000",
)
@options(
    *(
        click.option(
            f"--{rule.name}", argument, type=_READERS[rule.name], help=rule.help,
            metavar="DURATION" if rule.unit == "h" else "NUMBER",
        )
        for argument, rule in RULES.items()
    )
)  # fmt: skip
@since_option
@click.option(
    "--config", metavar="FILE", type=click.Path(),
    help="A TOML file with a table [rules] of the same names, such as max-pending = '2h', and "
    "tables [budgets.team] and [budgets.project] with USD a month by name. The command line comes "
    "first.",
)  # fmt: skip
@asks_to_notify
@prints_whole
@asks_for_each_job
@partial(takes_source, own_since=True)
def check(
    source: Source,
    output: Output,
    since: Any,
    config: str | None,
    notifying: Notifying,
    **limits: Any,
) -> None:
    from trainview.checking.checks import check as check_rules

    saved, budgets = ({}, {}) if config is None else _read_rules(Path(config))
    kept = saved.pop("since", None)
    asked = saved | {name: limit for name, limit in limits.items() if limit is not None}
    if not asked and not any(budgets.values()):
        raise click.UsageError(
            f"no rule to check: give one of --{', --'.join(_ARGUMENTS)}, or --config"
        )
    rules = [rule for argument, rule in RULES.items() if argument in asked]
    needed = [table for rule in rules for table in (rule.table, rule.better) if table]
    needed += ["prices", "billing"] if any(budgets.values()) else []
    snapshot = source.read(*dict.fromkeys(needed))
    numbers = {
        name: limit / timedelta(hours=1) if isinstance(limit, timedelta) else limit
        for name, limit in asked.items()
    }
    since = kept if since is None else since
    found = check_rules(snapshot, since=since, budgets=budgets, **numbers)
    if output.form == "table":
        _tell(found, snapshot.as_of)
    else:
        put(found, output)
    notifying.tell(found, source, since, snapshot.as_of)
    if found["broken"].any():
        raise click.exceptions.Exit(_BROKEN)


def _tell(found: pd.DataFrame, as_of: pd.Timestamp | None) -> None:
    for row in found.itertuples():
        if row.verdict == "holds":
            _logger.info("holds: %s", line_of(row))
        else:
            click.echo(_fitting(line_of(row)))
    when = "" if as_of is None else f", as of {as_of:%Y-%m-%d %H:%M} UTC"
    broken, unproven = ((found["verdict"] == verdict).sum() for verdict in ("broken", "unproven"))
    more = f", {unproven} unproven" if unproven else ""
    if broken:
        say(f"{broken} of {count(len(found), 'rule')} broken{more}{when}")
    else:
        click.echo(f"{count(len(found), 'rule')} checked, none broken{more}{when}")


def read_budgets(path: Path) -> dict[str, dict[str, float]]:
    """Read USD a month by name, of teams and of projects, from a TOML file."""
    return _read_rules(path)[1]


def _fitting(line: str) -> str:
    """Break a line that is wider than the terminal; in a pipe it stays one."""
    width = shutil.get_terminal_size((0, 0)).columns
    if not width:
        return line
    return textwrap.fill(line, max(width, 20), subsequent_indent="  ", break_on_hyphens=False)


def _read_rules(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """Read limits, by the arguments of `trainview.check`, and ``since``; and budgets."""
    place = safe_text(path)
    try:
        content = tomllib.loads(_read_text(path))
    except OSError as error:
        raise SourceError(f"cannot read {place}: {error.strerror}") from None
    except RecursionError:
        raise ConfigError(f"{place}: nested too deeply to be rules") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{place} is no TOML: {safe_text(error, 200)}") from None
    # what Python refuses to convert; its own words advise to change the interpreter
    except ValueError:
        raise ConfigError(f"{place}: an integer has too many digits") from None
    known = ", ".join([*_ARGUMENTS, "since"])
    others = [name for name in content if name not in {"rules", "budgets"}]
    budgets = _read_budgets(place, content.get("budgets", {}))
    rules = content.get("rules", {} if budgets else None)
    if others or not isinstance(rules, dict):
        what = f"'{safe_text(others[0], 60)}' is no part of it" if others else "there is none"
        raise ConfigError(
            f"{place}: {what}: rules stand in one table [rules], of {known}; budgets in "
            "[budgets.team] and [budgets.project]"
        )
    found = {}
    for name, value in rules.items():
        if name not in {*_ARGUMENTS, "since"}:
            hint = did_you_mean(name, _ARGUMENTS)
            raise ConfigError(
                f"{place}: no rule '{safe_text(name, 60)}': choose one of {known}{hint}"
            )
        try:
            if name == "since":
                found[name] = _read_limit(moment, value)
            else:
                found[_ARGUMENTS[name]] = _read_limit(_READERS[name], value)
        except click.BadParameter as error:
            raise ConfigError(f"{place}: rules.{name} = {safe_text(error.message)}") from None
    return found, budgets


def _read_budgets(place: str, content: Any) -> dict[str, dict[str, float]]:
    """Read USD a month by name, of teams and projects."""
    kinds = content if isinstance(content, dict) else {"": content}
    found: dict[str, dict[str, float]] = {}
    for kind, amounts in kinds.items():
        if kind not in BUDGET_KINDS or not isinstance(amounts, dict):
            raise ConfigError(
                f"{place}: budgets.{safe_text(kind, 60)}: budgets stand in the tables "
                f"[budgets.team] and [budgets.project], as in research = 20000"
            )
        found[kind] = {}
        for name, value in amounts.items():
            try:
                usd = _read_limit(float, value)
            except click.BadParameter as error:
                usd, text = -1.0, safe_text(error.message)
            else:
                text = f"{value}: give a number from 0"
            if not 0 <= usd < math.inf:
                raise ConfigError(f"{place}: budgets.{kind}.{safe_text(name, 60)} = {text}")
            found[kind][name] = usd
    return found


def _read_text(path: Path) -> str:
    path = from_home(path)
    if path.exists() and not path.is_dir() and not path.is_file():
        # a device may never end, a pipe may never begin
        raise SourceError(f"{safe_text(path)} is not a regular file: name a TOML file")
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{safe_text(path)}: larger than 1 MiB: these are no rules")
    return content.decode("utf-8-sig")


def _read_limit(read: Callable[[str], Any], value: Any) -> Any:
    if read is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise click.BadParameter(f"{safe_text(repr(value), 60)}: give a number")
        try:
            return float(value)
        except OverflowError:
            raise click.BadParameter("too large: give a number") from None
    if isinstance(value, date | time):
        # TOML has moments of its own, without quotes
        value = value.isoformat()
    return read(value if isinstance(value, str) else safe_text(repr(value), 60))
