"""What a report is made of: topics, and their parts with words, a chart and a table.

All of it is data. How a chart is drawn and a table is written is decided by who makes the page.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from trainview.reporting.words import each, listed

# The most rows of a chart that is read from the top.
BARS = 12


class Shape(NamedTuple):
    """How high a row of a chart is, and what stands above and below all of them, in inches."""

    row: float = 0.3
    around: float = 0.9


ROWS, WITH_LEGEND, TEXTS = Shape(), Shape(around=1.2), Shape(row=0.42)


class Chart(NamedTuple):
    """A helper's result as a picture.

    Attributes
    ----------
    plot : callable
        The ``plot_*`` of the helper.
    frame : pandas.DataFrame
        What it draws.
    label : str
        What the picture says, for those who do not see it.
    height : float
        In inches.
    is_wide : bool
        Whether it needs all of a screen or sheet of paper.
    along, until : str or None
        Columns of the table behind it: where along the x axis a row begins, and where it ends,
        which is where the next begins if it is not said. Without them, rows are found by name.
    lane : str or None
        Column of that table: in which row of the picture, from 0, it has its bar from ``along``
        to ``until``.
    is_steps : bool
        Whether a row counts until the next of its group.
    of : (str, Table) or None
        The id of another part whose table has the values of the chart, and that table.
    note : markupsafe.Markup or str
        How to read it, and what it leaves out: said only where it is seen.
    """

    plot: Callable[..., object]
    frame: pd.DataFrame
    label: str
    height: float = 3.4
    is_wide: bool = False
    along: str | None = None
    until: str | None = None
    lane: str | None = None
    is_steps: bool = False
    of: "tuple[str, Table] | None" = None
    note: Markup | str = ""


class Table(NamedTuple):
    """A helper's result as a table.

    Attributes
    ----------
    frame : pandas.DataFrame
        The result.
    caption : str
        What it shows.
    columns : sequence of str
        The columns to show.
    command : str
        What gives all rows and columns, in a shell or in Python.
    """

    frame: pd.DataFrame
    caption: str
    columns: Sequence[str]
    command: str


class Widget(NamedTuple):
    """What a part brings to show its data with, where scripts run.

    The page's policy lets a script and a style run by their hashes; it has each once, however many
    parts bring it, after its own. The chart of the part is what is seen without scripts, on paper
    and until the script has run, which hides it: it stands in an element of class ``picture``.

    Attributes
    ----------
    markup : markupsafe.Markup
        Stands before the chart: data for the script as ``<script type="application/json">``, and
        the element that it fills.
    script, style : str
        What runs, and how it looks; nothing is loaded.
    """

    markup: Markup
    script: str
    style: str = ""


class Message(NamedTuple):
    """A group of errors with an example.

    Attributes
    ----------
    error : str
        What the messages have in common.
    tally : str
        How many jobs failed with it.
    facts : str
        What else is known of them.
    example : str
        One whole message, in lines; empty if there is none.
    source : str
        Whose it is.
    """

    error: str
    tally: str
    facts: str
    example: str
    source: str


class Issue(NamedTuple):
    """A job that somebody should look at.

    Attributes
    ----------
    reasons : list of str
        Why, in two words each.
    details : list of str
        The same in a sentence each, with what to do.
    message : str
        What the API says of it; empty if it says nothing.
    project, job : str
        Where; the job may have no name.
    facts : list of str
        What else one wants to know before one looks.
    grave : bool
        Whether it holds GPUs.
    """

    reasons: list[str]
    details: list[str]
    message: str
    project: str
    job: str
    facts: list[str]
    grave: bool


class Part(NamedTuple):
    """A part of a topic.

    Attributes
    ----------
    id : str
        For links within the page.
    title : str
        Its heading; empty for the only part of a topic.
    lead : markupsafe.Markup or str
        The main reading, in numbers.
    chart : Chart or None
        The plot.
    table : Table or None
        What is behind it.
    messages : sequence of Message
        Errors to unfold.
    widget : Widget or None
        What shows the same to those whose browser runs scripts.
    """

    id: str
    title: str
    lead: Markup | str
    chart: Chart | None
    table: Table | None
    messages: Sequence[Message] = ()
    widget: Widget | None = None


class Topic(NamedTuple):
    """What is said under one heading.

    Attributes
    ----------
    lead : markupsafe.Markup or str
        The main reading, in numbers.
    parts : sequence of Part
        In the order in which they are read.
    issues : sequence of Issue
        Jobs to look at, above the parts.
    points : sequence of str
        Sentences below the lead.
    """

    lead: Markup | str
    parts: Sequence[Part] = ()
    issues: Sequence[Issue] = ()
    points: Sequence[str] = ()


def shell(command: str, options: str = "") -> str:
    """Write the command that gives a table.

    Examples
    --------
    >>> shell("cost", "--show failures")
    'trainview cost SOURCE --show failures --format csv'
    """
    return " ".join(["trainview", command, "SOURCE", *options.split(), "--format csv"])


def bars(
    plot: Callable[..., object],
    rows: pd.DataFrame,
    label: str,
    words: Callable[[Any], str],
    *,
    shape: Shape = ROWS,
    least: int = 2,
    of: str = "",
) -> Chart | None:
    """Make a chart of rows that are read from the top.

    Parameters
    ----------
    plot : callable
        The ``plot_*`` of the helper.
    rows : pandas.DataFrame
        What it draws: the first `BARS` of them.
    label : str
        What the picture shows.
    words : callable
        Reads a row out.
    shape : Shape, optional
        How high the rows are.
    least : int, optional
        So many rows are worth a picture; one alone is not, if it has nothing to be compared with.
    of : str, optional
        What the rows are, to say which of them are drawn where not all are.

    Returns
    -------
    Chart or None
        None where there are fewer rows.
    """
    if len(rows) < least:
        return None
    text = f"{label} {listed(map(words, each(rows)))}"
    height = shape.around + shape.row * min(len(rows), BARS)
    rest = f"The picture has the first {BARS} of {len(rows):,} {of}." if len(rows) > BARS else ""
    return Chart(plot, rows.head(BARS), text, height, note=rest if of else "")
