"""What the commands share: options, sources, printing."""

from __future__ import annotations

import logging
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import click

from trainview.errors import ConfigError
from trainview.text import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from trainview.snapshot import Snapshot

Command = TypeVar("Command", bound="Callable[..., Any]")

_WHAT_SOURCE_IS = """SOURCE is a file, a folder, or - for standard input; several are merged.
    Without one the API is asked, with the key in BASETEN_API_KEY."""


class Output(NamedTuple):
    """How a command shall print its table."""

    form: str
    rows: int
    raw_csv: bool


def _tell_more(_: click.Context, __: click.Parameter, verbose: bool) -> None:  # noqa: FBT001 - click calls it so
    logger = logging.getLogger("trainview")
    logger.handlers.clear()
    if verbose:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("trainview: %(message)s"))
        logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbose else logging.WARNING)


def _options(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


common = _options(
    click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_tell_more,
        help="Tell about unknown fields and repeated calls.",
    ),
    click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks."),
)  # fmt: skip

asks_api = _options(
    click.option(
        "--jobs", type=click.Choice(["all", "latest"]), default="all", show_default=True,
        help="Ask for all jobs, or for the latest of each project.",
    ),
    click.option("--base-url", metavar="URL", help="Where the API is, if not at api.baseten.co."),
)  # fmt: skip


def reads_source(command: Callable[..., None]) -> Callable[..., None]:
    """Add SOURCE and its options; the command gets a snapshot instead."""

    @wraps(command)
    def reading(
        source: tuple[str, ...], as_of: str | None, jobs: str, base_url: str | None, **rest: Any
    ) -> None:
        command(_load(source, as_of, jobs, base_url), **rest)

    reading.__doc__ = f"{command.__doc__}\n\n    {_WHAT_SOURCE_IS}"
    moment = click.option(
        "--as-of", metavar="TIME", help="The moment the data describes: 2026-03-31T18:00:00Z."
    )
    return _options(click.argument("source", nargs=-1), moment, asks_api, common)(reading)


def prints_whole(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of printing; the command gets an `Output` for them, and shows every row."""

    @wraps(command)
    def printing(*args: Any, form: str, raw_csv: bool, rows: int = 0, **rest: Any) -> None:
        command(*args, output=Output(form, rows, raw_csv), **rest)

    return _options(
        click.option(
            "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table",
            show_default=True, help="For people; or, with all columns and rows, for programs.",
        ),
        click.option("--raw-csv", is_flag=True, help="Keep CSV cells that look like formulas."),
    )(printing)  # fmt: skip


def prints_table(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of printing, and how many rows a table for people has at most."""
    rows = click.option(
        "--rows", type=click.IntRange(min=0), default=20, show_default=True,
        help="The most rows of a table for people; 0 shows all.",
    )  # fmt: skip
    return _options(rows)(prints_whole(command))


def by_columns(default: str | None) -> Callable[[Any], Any]:
    """Make the option ``--by``."""

    def split(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[str] | None:
        names = [name.strip() for value in values for name in value.split(",")]
        return [name for name in names if name not in {"", "none"}] or None

    return click.option(
        "--by", metavar="COLUMNS", default=default and [default], multiple=True,
        show_default=default or False, callback=split,
        help="Group by columns of the jobs or projects table, separated by commas; "
        "none for all together.",
    )  # fmt: skip


force_option = click.option("--force", is_flag=True, help="Replace files that exist.")


def _load(source: tuple[str, ...], as_of: str | None, jobs: str, base_url: str | None) -> Snapshot:
    from trainview.loading import load
    from trainview.terminal import progress

    if not source:
        try:
            payload = ask_api(jobs, base_url)
        except ConfigError as error:
            hint = "or name a file or folder to read, as in: trainview summary snapshot.json"
            raise ConfigError(f"{error}; {hint}") from None
        return load(payload, as_of=as_of)
    with progress(f"reading {', '.join(safe_text(part, 40) for part in source)}"):
        return load([sys.stdin.buffer if part == "-" else part for part in source], as_of=as_of)


def ask_api(jobs: str, base_url: str | None) -> bytes:
    """Fetch a payload with the key of the environment."""
    from trainview.fetching import fetch_payload
    from trainview.terminal import progress

    address = {} if base_url is None else {"base_url": base_url}
    with progress("asking the API"):
        return fetch_payload(jobs=cast("Any", jobs), **address)


def jobs_with(snapshot: Snapshot, by: list[str] | None) -> pd.DataFrame:
    """Give the jobs table, with the columns of their projects that are asked for."""
    jobs, projects = snapshot.jobs, snapshot.projects
    asked = [name for name in by or () if name not in jobs and name in projects]
    return jobs.merge(projects[["project_id", *asked]], on="project_id") if asked else jobs


def put(
    frame: pd.DataFrame, output: Output, columns: list[str] | None = None, title: str = ""
) -> None:
    """Print a table the way the user wants it; ``columns`` are those for people."""
    from trainview import terminal

    if output.form == "csv":
        terminal.write_out(terminal.to_csv(frame, raw=output.raw_csv))
    elif output.form == "json":
        terminal.write_out(terminal.to_json(frame))
    else:
        terminal.print_table(frame, title=title, columns=columns, rows=output.rows or None)


def say(text: str) -> None:
    """Tell the user something on standard error."""
    click.echo(f"trainview: {text}", err=True)
