"""Tables as text for a terminal, and as CSV or JSON for a pipe."""

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainview.files.export import to_csv_bytes
from trainview.text.cells import cell, is_number
from trainview.text.safe import safe_text

_PROSE = frozenset({"advice", "detail", "error", "description"})
_PHASE_STYLES = {
    "waiting": "yellow",
    "starting": "cyan",
    "running": "cyan",
    "succeeded": "blue",
    "failed": "red",
}
_WIDE = 120
_LEAST_TEXT, _LEAST_PROSE = 10, 20
_GAP = 3
_LONGEST_HEAD = 13
_QUIET_SECONDS = 1.0


class Output(Console):
    """A console that leaves a closed pipe to its caller; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Let the command line end quietly."""
        raise BrokenPipeError


def render(
    frame: pd.DataFrame,
    width: int,
    *,
    title: str = "",
    columns: Sequence[str] | None = None,
    rows: int | None = None,
    more: str = "--rows 0",
) -> RenderableType:
    """Draw a table for a terminal.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table or a helper's result.
    width : int
        Of the terminal, in characters.
    title : str, optional
        A line above it.
    columns : sequence of str, optional
        The columns to draw; all of them when left out.
    rows : int, optional
        The most rows to draw; a line says how many more there are.
    more : str, optional
        What to say on the command line to see them all.

    Returns
    -------
    rich renderable
        With every cell made safe, numbers aligned, and a bar for each share.
    """
    names = list(frame.columns if columns is None else columns)
    shown = frame if rows is None else frame.head(rows)
    texts = {name: [cell(name, value) for value in shown[name]] for name in names}
    gaps = _GAP * (len(names) - 1)
    heads = {name: name for name in names}
    if sum(_natural(name, texts[name]) for name in names) + gaps > width:
        heads = {name: _folded(name) for name in names}
    widths = {name: _natural(heads[name], texts[name]) for name in names}
    flexible = [name for name in names if not _is_rigid(frame[name])]
    bar = _bar_width(width) if "share" in names else 0
    room = width - gaps - sum(widths[name] for name in names if name not in flexible)
    # numbers keep their digits: the bar goes first, then texts are cut
    if room - bar - _GAP < sum(min(widths[name], _least(name)) for name in flexible):
        bar = 0
    limits = _share_out(room - (bar and bar + _GAP), {name: widths[name] for name in flexible})

    needed = sum(limits.get(name, widths[name]) for name in names) + gaps
    table = Table(
        # rather too wide for the terminal than with a digit cut off
        width=needed if needed > width else None,
        box=SIMPLE_HEAD,
        title=Text(title, style="bold") if title else None,
        title_justify="left",
        show_edge=False,
        padding=0,  # gaps are columns of their own: versions of rich count padding differently
    )
    for position, name in enumerate(names):
        if position:
            table.add_column(width=1)
        table.add_column(
            Text(heads[name], style="dim"),
            justify="right" if is_number(frame[name]) else "left",
            overflow="fold" if name in _PROSE else "ellipsis",
            no_wrap=name not in _PROSE,
            width=limits.get(name, widths[name]),
        )
    if bar:
        table.add_column(width=1)
        table.add_column(no_wrap=True, width=bar)
    styles = _phase_styles(shown) if "phase" in frame.columns else [""] * len(shown)
    largest = frame["share"].max() if bar else 0.0
    for row, style in enumerate(styles):
        cells = [
            Text(
                texts[name][row]
                if name in _PROSE
                else safe_text(texts[name][row], limits.get(name)),
                style=style if name in {"status", "phase"} else "",
            )
            for name in names
        ]
        if bar:
            cells.append(Text(_bar(shown["share"].iloc[row] / largest, bar), style="blue"))
        table.add_row(*_with_gaps(cells))
    hidden = len(frame) - len(shown)
    notes = [Text("  nothing to show", style="dim")] if frame.empty else []
    if hidden:
        notes.append(Text(f"  … {hidden:,} more rows: {more} shows all", style="dim"))
    return Group(table, *notes)


def _with_gaps(cells: list[Text]) -> list[Text]:
    return [part for cell in cells for part in (Text(), cell)][1:]


def _is_rigid(column: Any) -> bool:
    return is_number(column) or pd.api.types.is_datetime64_any_dtype(column)


def _least(name: str) -> int:
    return _LEAST_PROSE if name in _PROSE else _LEAST_TEXT


def _natural(head: str, texts: list[str]) -> int:
    return max(map(cell_len, [*head.split("\n"), *texts]))


def _folded(name: str) -> str:
    """Break a long name into lines, at its underscores."""
    if len(name) <= _LONGEST_HEAD:
        return name
    lines = [""]
    for part in name.split("_"):
        if len(lines[-1]) + len(part) < _LONGEST_HEAD - 1:
            lines[-1] += f"{part}_"
        else:
            lines.append(f"{part}_")
    return "\n".join(lines).removesuffix("_")


def _bar_width(width: int) -> int:
    return 12 if width < _WIDE else 30


def _share_out(room: int, wanted: dict[str, int]) -> dict[str, int]:
    """Give each text its width; where there is too little, the longest give way first."""
    given: dict[str, int] = {}
    names = sorted(wanted, key=lambda name: wanted[name])
    for place, name in enumerate(names):
        left = room - sum(given.values())
        kept = sum(min(wanted[later], _least(later)) for later in names[place + 1 :])
        fair = min(left // (len(names) - place), left - kept)
        given[name] = min(wanted[name], max(fair, _least(name)))
    return given


def _phase_styles(frame: pd.DataFrame) -> list[str]:
    return [_PHASE_STYLES.get(str(phase), "") for phase in frame["phase"]]


def to_csv(frame: pd.DataFrame, *, raw: bool = False) -> bytes:
    """Write a table as CSV text.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table or a helper's result.
    raw : bool, optional
        Whether cells that a spreadsheet takes for formulas are kept as they are.

    Returns
    -------
    bytes
        UTF-8 text; times in ISO 8601 with their zone, null as an empty cell.
    """
    return to_csv_bytes(pa.Table.from_pandas(_with_iso_times(frame), preserve_index=False), raw=raw)


def to_json(frame: pd.DataFrame) -> bytes:
    """Write a table as a JSON list of objects, one a line.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table or a helper's result.

    Returns
    -------
    bytes
        UTF-8 text; times in ISO 8601 with their zone, missing values as null.
    """
    records = pa.Table.from_pandas(_with_iso_times(frame), preserve_index=False).to_pylist()
    lines = (json.dumps(record, ensure_ascii=False) for record in records)
    return ("[" + ",\n ".join(lines) + "]\n").encode()


def print_table(
    frame: pd.DataFrame,
    *,
    title: str = "",
    columns: Sequence[str] | None = None,
    rows: int | None = None,
) -> None:
    """Print a table on standard output.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table or a helper's result.
    title : str, optional
        A line above it.
    columns : sequence of str, optional
        The columns to draw; all of them when left out.
    rows : int, optional
        The most rows to draw; a line says how many more there are.
    """
    console = Output()
    page = render(frame, console.width, title=title, columns=columns, rows=rows)
    console.print(page, crop=False)


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show a moving line while something takes longer than a second, if anybody can see it.

    Parameters
    ----------
    what : str
        What is going on.

    Yields
    ------
    None
        While the work goes on. Nothing is shown where standard error is no terminal.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    status = console.status(Text(what))
    timer = threading.Timer(_QUIET_SECONDS, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()


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


def _with_iso_times(frame: pd.DataFrame) -> pd.DataFrame:
    times = frame.select_dtypes("datetimetz").columns
    return frame.assign(
        **{
            name: pd.Series(
                [None if pd.isna(time) else time.isoformat() for time in frame[name]],
                index=frame.index,
                dtype="str",
            )
            for name in times
        }
    )


def _bar(share: float, width: int) -> str:
    if pd.isna(share):  # also the share of a largest share of 0
        return ""
    eighths = round(share * width * 8)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
