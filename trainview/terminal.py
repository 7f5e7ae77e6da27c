"""Tables as text for a terminal, and as CSV or JSON for a pipe."""

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pandas as pd
import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainview.cells import cell, is_number
from trainview.export import to_csv_bytes

_PROSE = frozenset({"detail", "error", "description"})
_PHASE_STYLES = {
    "waiting": "yellow",
    "starting": "cyan",
    "running": "cyan",
    "succeeded": "blue",
    "failed": "red",
}
_WIDE = 120
_QUIET_SECONDS = 1.0


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
    table = Table(
        box=SIMPLE_HEAD,
        title=Text(title, style="bold") if title else None,
        title_justify="left",
        show_edge=False,
        pad_edge=False,
        padding=(0, 1),
    )
    text_limit = 32 if width < _WIDE else 60
    for name in names:
        prose = name in _PROSE
        table.add_column(
            Text(name, style="dim"),
            justify="right" if is_number(frame[name]) else "left",
            overflow="fold" if prose else "ellipsis",
            no_wrap=not prose,
            ratio=None,
        )
    bar_width = 12 if width < _WIDE else 30
    if "share" in names:
        table.add_column("", no_wrap=True)
        largest = frame["share"].max()
    phase_at = names.index("phase") if "phase" in names else None
    for row in shown[names].itertuples(index=False, name=None):
        style = "" if phase_at is None else _PHASE_STYLES.get(row[phase_at], "")
        cells = [
            Text(
                cell(name, value, None if name in _PROSE else text_limit),
                style=style if name in {"status", "phase"} else "",
            )
            for name, value in zip(names, row, strict=True)
        ]
        if "share" in names:
            cells.append(Text(_bar(row[names.index("share")] / largest, bar_width), style="blue"))
        table.add_row(*cells)
    hidden = len(frame) - len(shown)
    notes = [Text("  nothing to show", style="dim")] if frame.empty else []
    if hidden:
        notes.append(Text(f"  … {hidden:,} more rows: {more} shows all", style="dim"))
    return Group(table, *notes)


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
    frame: pd.DataFrame, *, columns: Sequence[str] | None = None, rows: int | None = None
) -> None:
    """Print a table on standard output.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table or a helper's result.
    columns : sequence of str, optional
        The columns to draw; all of them when left out.
    rows : int, optional
        The most rows to draw; a line says how many more there are.
    """
    console = Console()
    console.print(render(frame, console.width, columns=columns, rows=rows))


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
