"""Tables as text for a terminal, and as CSV or JSON for a pipe."""

import json
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainview.cli.layout import MARKS, PROSE, lay_out, words
from trainview.files.export import to_csv_bytes
from trainview.schema import PANDAS_TEXT
from trainview.snapshot import Snapshot, figures_of
from trainview.text.cells import cell, is_number
from trainview.text.safe import count, safe_text

_BROKEN = PROSE | MARKS
_COLOURED = frozenset({"status", "phase", "change"})
_PHASE_STYLES = {
    "waiting": "yellow",
    "starting": "cyan",
    "running": "cyan",
    "succeeded": "blue",
    "failed": "red",
}
# What rich draws between two columns is a space; the rest of a gap is a column of its own.
_DIVIDER = 1


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
    shown = frame if rows is None else frame.head(rows)
    texts = _texts(shown, columns)
    names = list(texts)
    layout = lay_out(frame, texts, width)
    needed = layout.width()
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
        if position and layout.gap > _DIVIDER:
            table.add_column(width=layout.gap - 2 * _DIVIDER)
        table.add_column(
            Text(layout.heads[name], style="dim"),
            justify="right" if is_number(frame[name]) else "left",
            overflow="fold" if name in _BROKEN else "ellipsis",
            no_wrap=name not in _BROKEN,
            width=layout.widths[name],
        )
    if layout.bar:
        table.add_column(width=layout.gap - 2 * _DIVIDER)
        table.add_column(no_wrap=True, width=layout.bar)
        largest = frame["share"].max()
    styles = _phase_styles(shown) if "phase" in frame.columns else [""] * len(shown)
    for row, style in enumerate(styles):
        cells = [
            Text(
                _fitting(name, texts[name][row], layout.widths[name]),
                style=style if name in _COLOURED else "",
            )
            for name in names
        ]
        if layout.bar:
            cells.append(Text(_bar(shown["share"].iloc[row] / largest, layout.bar), style="blue"))
        table.add_row(*(_with_gaps(cells) if layout.gap > _DIVIDER else cells))
    hidden = len(frame) - len(shown)
    notes = [Text("  nothing to show", style="dim")] if frame.empty else []
    if hidden:
        notes.append(Text(f"  … {count(hidden, 'more row')}: {more} shows all", style="dim"))
    return Group(table, *notes)


def is_whole(
    frame: pd.DataFrame,
    width: int,
    *,
    columns: Sequence[str] | None = None,
    rows: int | None = None,
) -> bool:
    """Tell whether `render` has room for every text.

    Parameters
    ----------
    frame, width, columns, rows
        As for `render`.

    Returns
    -------
    bool
        False if a name would be cut, or the table be wider than the terminal.
    """
    shown = frame if rows is None else frame.head(rows)
    return lay_out(frame, _texts(shown, columns), width).is_whole


def _texts(frame: pd.DataFrame, columns: Sequence[str] | None) -> dict[str, list[str]]:
    names = list(frame.columns if columns is None else columns)
    return {name: [cell(name, value) for value in frame[name]] for name in names}


def _fitting(name: str, text: str, width: int) -> str:
    if name in MARKS and cell_len(text) > width:
        return words(text).replace("- ", "-\n")
    return text if name in PROSE else _shorten(text, width)


def _shorten(text: str, width: int) -> str:
    """Cut a text in its middle; some characters are two wide."""
    limit = width
    while cell_len(text) > width:
        text, limit = safe_text(text, limit), limit - 1
    return text


def _with_gaps(cells: list[Text]) -> list[Text]:
    return [part for cell in cells for part in (Text(), cell)][1:]


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


def to_json_object(snapshot: Snapshot) -> bytes:
    """Sum a snapshot up as one JSON object.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.

    Returns
    -------
    bytes
        UTF-8 text: ``as_of``, ``latest_only``, the key figures by their names (null where there is
        nothing to measure), and ``notes``.
    """
    figures = {
        figure.key: None if pd.isna(figure.value) else _whole(float(figure.value))
        for figure in figures_of(snapshot)
    }
    found = {
        "as_of": None if snapshot.as_of is None else snapshot.as_of.isoformat(),
        "latest_only": snapshot.latest_only,
        **figures,
        "notes": list(snapshot.notes),
    }
    return (json.dumps(found, ensure_ascii=False, indent=2) + "\n").encode()


def _whole(value: float) -> float:
    """Write what counts something without a point."""
    return int(value) if value.is_integer() else value


def print_table(
    frame: pd.DataFrame,
    *,
    title: str = "",
    columns: Sequence[str] | None = None,
    rows: int | None = None,
    more: str = "--rows 0",
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
    more : str, optional
        What to say on the command line to see them all.
    """
    console = Output()
    page = render(frame, console.width, title=title, columns=columns, rows=rows, more=more)
    console.print(page, crop=False)


def print_line(text: str) -> None:
    """Print a sentence on standard output, broken where the terminal ends.

    Parameters
    ----------
    text : str
        Safe text.
    """
    Output().print(Text(text), crop=False)


def _with_iso_times(frame: pd.DataFrame) -> pd.DataFrame:
    times = frame.select_dtypes("datetimetz").columns
    return frame.assign(
        **{
            name: pd.Series(
                [None if pd.isna(time) else time.isoformat() for time in frame[name]],
                index=frame.index,
                dtype=PANDAS_TEXT,
            )
            for name in times
        }
    )


def _bar(share: float, width: int) -> str:
    if pd.isna(share):  # also the share of a largest share of 0
        return ""
    eighths = round(share * width * 8)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
