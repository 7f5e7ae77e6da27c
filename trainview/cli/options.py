"""What the commands share: options, and printing."""

from __future__ import annotations

import logging
import shlex
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from trainview.text.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

# Where click's context keeps the words behind ``trainview``.
WORDS = "trainview.words"
Command = TypeVar("Command", bound="Callable[..., Any]")


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


def options(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Put several options into one decorator."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


common = options(
    click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_tell_more,
        help="Report unknown fields, data quality notes and repeated calls.",
    ),
    click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks."),
)  # fmt: skip


def prints_whole(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of printing; the command gets an `Output` for them, and shows every row."""

    @wraps(command)
    def printing(*args: Any, form: str, raw_csv: bool, rows: int = 0, **rest: Any) -> None:
        command(*args, output=Output(form, rows, raw_csv), **rest)

    return options(
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
    return options(rows)(prints_whole(command))


def split_names(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[str]:
    """Split the values of an option at their commas."""
    names = [name.strip() for value in values for name in value.split(",")]
    return [name for name in names if name]


def by_columns(default: str | None) -> Callable[[Any], Any]:
    """Make the option ``--by``."""

    def split(
        context: click.Context, option: click.Parameter, values: tuple[str, ...]
    ) -> list[str] | None:
        names = split_names(context, option, values)
        return [name for name in names if name != "none"] or None

    return click.option(
        "--by", metavar="COLUMNS", default=default and [default], multiple=True,
        show_default=default or False, callback=split,
        help="Group by columns of the jobs or projects table, separated by commas; "
        "none for all together.",
    )  # fmt: skip


force_option = click.option("--force", is_flag=True, help="Replace files that exist.")


def put(
    frame: pd.DataFrame, output: Output, columns: list[str] | None = None, title: str = ""
) -> None:
    """Print a table the way the user wants it; ``columns`` are those for people."""
    from trainview.cli import terminal

    if output.form == "csv":
        write_out(terminal.to_csv(frame, raw=output.raw_csv))
    elif output.form == "json":
        write_out(terminal.to_json(frame))
    else:
        rows = output.rows or None
        terminal.print_table(frame, title=title, columns=columns, rows=rows, more=_all_rows())


def _all_rows() -> str:
    """Give what was typed, with all rows asked for."""
    context = click.get_current_context(silent=True)
    typed = [] if context is None else context.meta.get(WORDS, [])
    if not typed:
        return "--rows 0"
    kept = [
        word
        for before, word in zip(["", *typed], typed, strict=False)
        if "--rows" not in (before, word) and not word.startswith("--rows=")
    ]
    end = kept.index("--") if "--" in kept else len(kept)
    return safe_text(shlex.join(["trainview", *kept[:end], "--rows", "0", *kept[end:]]))


def write_out(content: bytes) -> None:
    """Write bytes to standard output, whatever its encoding.

    Parameters
    ----------
    content : bytes
        What to write.
    """
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def tell(text: str) -> None:
    """Add a sentence to what is printed for people."""
    from trainview.cli import terminal

    terminal.print_line(text)


def say(text: str) -> None:
    """Tell the user something on standard error."""
    click.echo(f"trainview: {text}", err=True)


def wrote(text: str) -> None:
    """Tell what was written; no signal undoes or denies it any more."""
    context = click.get_current_context(silent=True)
    if context is not None and context.obj is not None:
        context.obj.close()
    say(f"wrote {text}")
