"""The report: a snapshot as one page that opens by a double click, or as text for a chat."""

import gc
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from trainview.analysis.selecting import Names
from trainview.analysis.sharing import sharing
from trainview.errors import ArgumentError
from trainview.files.atomic import from_home, write_bytes
from trainview.reporting.content import compose
from trainview.reporting.markdown import to_markdown
from trainview.reporting.page import to_html
from trainview.reporting.scope import prepare
from trainview.reporting.sections import SECTIONS
from trainview.snapshot import Snapshot
from trainview.text.moments import Moment
from trainview.text.safe import safe_text

FORMATS = ("html", "markdown")
SECTION_NAMES = tuple(section.id for section in SECTIONS)


def report(  # noqa: PLR0913 - each is a choice of its own
    snapshot: Snapshot,
    path: str | os.PathLike[str],
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    projects: Names = None,
    teams: Names = None,
    title: str | None = None,
    sections: str | Iterable[str] | None = None,
    budgets: Mapping[str, Mapping[str, float]] | None = None,
    format: Literal["html", "markdown"] | None = None,  # noqa: A002 - what everybody calls it
    force: bool = False,
) -> Path:
    """Write a report: what was spent, what changed, what is being lost, and all behind it.

    Parameters
    ----------
    snapshot : Snapshot
        What to report, as `load`, `fetch` or `merge` gave it.
    path : path
        The file to write.
    since, until : datetime, date, timedelta or str, optional
        Only what happened in this window, as for `Snapshot.clip`: ``since="7d"``. It is compared
        with as long a time before it. Without `since`, the newest week is compared.
    projects, teams : str or iterable of str, optional
        Only jobs of these, as for `Snapshot.select`.
    title : str, optional
        The heading, ``Training report`` when left out.
    sections : str or iterable of str, optional
        The sections to write, in this order: ``changes``, ``attention``, ``costs``, ``health``,
        ``gpus``, ``utilization``, ``statuses``, ``failures``, ``durations``, ``queue``, ``quota``
        and ``timeline``; all of them when left out. Key figures are always there.
    budgets : mapping, optional
        USD a month by name of a ``team`` or ``project``, as for `check`:
        ``{"team": {"research": 20_000}}``. The cost section tells which are exceeded, or will be.
    format : {"html", "markdown"}, optional
        A page, or text for a pull request or a chat: tables as text, without pictures. By the
        ending of `path` when left out: ``.md`` is for text. A browser prints the page to PDF.
    force : bool, optional
        Whether a file that exists may be replaced.

    Returns
    -------
    pathlib.Path
        The file that was written. It loads nothing from anywhere else.

    Raises
    ------
    ArgumentError
        If there is no such section, project, team or format (PDF is none); `since` or `until` is
        no moment; or a budget is of nobody in the data.
    OutputError
        If it cannot be written; what stood there before is untouched.

    Examples
    --------
    >>> import tempfile
    >>> import trainview as tv
    >>> snap = tv.load(tv.sample(projects=3, jobs_per_project=4, seed=3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = tv.report(snap, f"{folder}/week.md", since="7d", sections="costs, health")
    ...     path.read_text(encoding="utf-8").splitlines()[0]
    '# Training report'
    """
    text = render(
        snapshot, since=since, until=until, projects=projects, teams=teams, title=title,
        sections=sections, budgets=budgets, format=format or format_of(path),
    )  # fmt: skip
    write_bytes(path, text.encode(), force=force)
    return from_home(path)


def format_of(path: str | os.PathLike[str]) -> str:
    """Tell by the ending of a file which format is meant.

    Parameters
    ----------
    path : path
        The file to write.

    Returns
    -------
    str
        One of `FORMATS`.

    Raises
    ------
    ArgumentError
        If it is a PDF, which a browser makes of the page.

    Examples
    --------
    >>> format_of("week.md"), format_of("report.html"), format_of("report")
    ('markdown', 'html', 'html')
    """
    ending = Path(path).suffix.lower()
    if ending == ".pdf":
        raise ArgumentError(
            f"{safe_text(path)}: a report is a page or Markdown: write an .html file, which a "
            "browser prints to PDF"
        )
    return "markdown" if ending in {".md", ".markdown"} else "html"


def render(
    snapshot: Snapshot,
    *,
    title: str | None = None,
    sections: str | Iterable[str] | None = None,
    format: str = "html",  # noqa: A002 - as above
    **about: Any,
) -> str:
    """Make the text of a report.

    Parameters
    ----------
    snapshot : Snapshot
        What to report.
    title, sections, format, **about
        As for `report`.

    Returns
    -------
    str
        A whole document. Equal arguments give equal ones.
    """
    if format not in FORMATS:
        pdf = ": a browser prints the page to PDF" if format == "pdf" else ""
        raise ArgumentError(f"format={format!r}: choose of {', '.join(FORMATS)}{pdf}")
    with swiftly(), sharing():
        content = compose(prepare(snapshot, **about), title, sections)
        return to_html(content) if format == "html" else to_markdown(content)


@contextmanager
def swiftly() -> Iterator[None]:
    """Keep Python and pandas from what takes long over very many small tables.

    Python would look for circles of objects again and again, among all that is loaded: a report
    makes very many objects, and hardly a circle. And names of columns would be text of Arrow, each
    of which takes a microsecond to read.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        with pd.option_context("mode.string_storage", "python"):
            yield
    finally:
        if collects:
            gc.enable()
