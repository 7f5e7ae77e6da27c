"""What a page is made of: sections with a picture, a table and the words that go with them."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from trainview.cells import cell, is_number

FULL_TABLE_ROWS = 200
PROSE = frozenset({"detail", "error", "example"})


class Cell(NamedTuple):
    """A value of a table, as people read it, and as it sorts if that differs; prose needs room."""

    text: str
    key: str | None
    number: bool
    prose: bool


class View(NamedTuple):
    """A table of the page.

    Attributes
    ----------
    caption : str
        What it shows.
    names : tuple of str
        Its columns.
    numbers : tuple of bool
        Which of them hold numbers.
    rows : list of list of Cell
        What it holds.
    note : str
        What is left out, and how to get it; empty when nothing is.
    """

    caption: str
    names: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: list[list[Cell]]
    note: str


class Section(NamedTuple):
    """A part of the page under one heading.

    Attributes
    ----------
    id : str
        For links within the page.
    title : str
        The heading.
    lead : str
        The main reading in a sentence, in numbers.
    picture : markupsafe.Markup or None
        The plot.
    view : View or None
        The table behind it.
    opened : bool
        Whether the table stands open, rather than under a line to open it.
    """

    id: str
    title: str
    lead: str
    picture: Markup | None = None
    view: View | None = None
    opened: bool = False


def view(frame: pd.DataFrame, caption: str, columns: Sequence[str], *, how_to_get_all: str) -> View:
    """Make a table of the page from a helper's result.

    Parameters
    ----------
    frame : pandas.DataFrame
        The result.
    caption : str
        What it shows.
    columns : sequence of str
        The columns to show.
    how_to_get_all : str
        What to type on the command line to get every row.

    Returns
    -------
    View
        At most `FULL_TABLE_ROWS` rows, with a note if there are more.
    """
    shown = frame.head(FULL_TABLE_ROWS)[list(columns)]
    numbers = tuple(is_number(frame[name]) for name in columns)
    rows = [
        [
            Cell(cell(name, value), _key(value) if number else None, number, name in PROSE)
            for name, value, number in zip(columns, row, numbers, strict=True)
        ]
        for row in shown.itertuples(index=False, name=None)
    ]
    hidden = len(frame) - len(shown)
    note = (
        f"The first {len(shown):,} of {len(frame):,} rows. All of them: {how_to_get_all}"
        if hidden
        else ""
    )
    return View(caption, tuple(columns), numbers, rows, note)


def _key(value: object) -> str:
    return "" if value is None or value is pd.NA or value != value else f"{value!r}"  # noqa: PLR0124


def hours(value: float) -> str:
    """Write hours as people say them."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:,.2f} million"
    return f"{value:,.0f}" if value >= 10 else f"{value:,.1f}"
