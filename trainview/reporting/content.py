"""What a report says, whatever it is written as: a page, or text."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import pandas as pd

from trainview.reporting.figures import Figure, key_figures
from trainview.reporting.glance import Answer, answers
from trainview.reporting.meaning import Definition, Missing, definitions, missing, oddities
from trainview.reporting.parts import Topic
from trainview.reporting.readings import Readings, read
from trainview.reporting.scope import Scope
from trainview.reporting.sections import Section, choose
from trainview.reporting.words import day
from trainview.text.safe import count, safe_text

_TITLE = "Training report"
# So many names of projects and teams the head of the page has.
_MOST_NAMES = 3


class Content(NamedTuple):
    """What a report says.

    Attributes
    ----------
    title : str
        Of the report.
    when : str
        The moment that it describes.
    about : str
        Which jobs it is about.
    latest_only : bool
        Whether only the latest job of each project is known.
    figures : list of Figure
        Key figures.
    answers : list of Answer
        To the first questions; empty without jobs.
    missing : Missing or None
        What was not fetched.
    topics : list of (Section, Topic)
        What stands under each heading.
    definitions : list of Definition
        What the numbers mean.
    oddities : list of str
        What is odd in the data.
    """

    title: str
    when: str
    about: str
    latest_only: bool
    figures: list[Figure]
    answers: list[Answer]
    missing: Missing | None
    topics: list[tuple[Section, Topic]]
    definitions: list[Definition]
    oddities: list[str]


def compose(
    scope: Scope, title: str | None = None, sections: str | Iterable[str] | None = None
) -> Content:
    """Put together what a report says.

    Parameters
    ----------
    scope : Scope
        What it is about.
    title, sections
        As for `trainview.report`.

    Returns
    -------
    Content
        Equal scopes give equal contents.

    Raises
    ------
    ArgumentError
        If there is no such section.
    """
    chosen = choose(sections)
    readings = read(scope)
    has_jobs = len(scope.snapshot.jobs) > 0
    told = [section for section in chosen if has_jobs or not section.needs_jobs]
    topics = [(section, section.topic(readings)) for section in told]
    return Content(
        safe_text(title) if title else _TITLE,
        _moment(scope.snapshot.as_of),
        _about(scope, readings),
        scope.snapshot.latest_only and has_jobs,
        key_figures(readings),
        answers(readings) if has_jobs else [],
        missing(scope.snapshot),
        [(section, topic) for section, topic in topics if topic is not None],
        definitions(readings),
        oddities(scope.snapshot),
    )


def _moment(moment: pd.Timestamp | datetime | None) -> str:
    if moment is None:
        return "an unknown time"
    return f"{day(moment)}, {moment:%H:%M} UTC"


def _about(scope: Scope, readings: Readings) -> str:
    jobs, projects = scope.snapshot.jobs, count(readings.figures["projects"], "project")
    active = jobs["project_id"].nunique()
    if 0 < active < readings.figures["projects"]:
        projects = f"{active:,} of {projects}"
    of_whom = ""
    if scope.chosen:
        more = len(scope.chosen) - _MOST_NAMES
        rest = f" and {more:,} more" if more > 0 else ""
        names = ", ".join(safe_text(name, 60) for name in scope.chosen[:_MOST_NAMES])
        of_whom = f" ({names}{rest})"
    if jobs.empty:
        return f"{projects}{of_whom}, no jobs"
    since = day(jobs["created_at"].min())
    if scope.since is not None:
        since = _moment(scope.since)
    return f"{count(len(jobs), 'job')} in {projects}{of_whom}, since {since}"
