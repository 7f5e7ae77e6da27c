"""The report: a snapshot as one page of HTML that opens by a double click, and needs no network."""

import base64
import hashlib
import os
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from trainview.files.atomic import from_home, write_bytes
from trainview.reporting.figures import key_figures
from trainview.reporting.glance import answers
from trainview.reporting.meaning import definitions, missing, oddities
from trainview.reporting.pictures import draw
from trainview.reporting.readings import Readings, read
from trainview.reporting.sections import SECTIONS
from trainview.reporting.tables import view
from trainview.reporting.words import day
from trainview.snapshot import Snapshot, refined_with_phases
from trainview.text.safe import count


def report(snapshot: Snapshot, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write a report: what needs attention, what costs most, what to do next, and all behind it.

    Parameters
    ----------
    snapshot : Snapshot
        What to report, as `load`, `fetch` or `merge` gave it.
    path : path
        The HTML file to write.
    force : bool, optional
        Whether a file that exists may be replaced.

    Returns
    -------
    pathlib.Path
        The file that was written. It loads nothing from anywhere else.

    Raises
    ------
    OutputError
        If it cannot be written; what stood there before is untouched.

    Examples
    --------
    >>> import tempfile
    >>> import trainview as tv
    >>> snap = tv.load(tv.sample(projects=3, jobs_per_project=4, seed=3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tv.report(snap, f"{folder}/report.html").name
    'report.html'
    """
    write_bytes(path, render(snapshot).encode(), force=force)
    return from_home(path)


def render(snapshot: Snapshot) -> str:
    """Make the page of the report.

    Parameters
    ----------
    snapshot : Snapshot
        What to report.

    Returns
    -------
    str
        A whole HTML document. Equal snapshots give equal documents.
    """
    snapshot, phases = refined_with_phases(snapshot)
    environment = Environment(
        loader=PackageLoader("trainview.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    readings = read(snapshot, phases)
    has_jobs = len(snapshot.jobs) > 0
    told = [section for section in SECTIONS if has_jobs or not section.needs_jobs]
    topics = [(section, section.topic(readings)) for section in told]
    css, js = _asset("page.css"), _asset("page.js")
    return environment.get_template("page.html.j2").render(
        policy=_policy(css, js),
        when=_moment(snapshot),
        scope=_scope(readings),
        latest_only=snapshot.latest_only and has_jobs,
        figures=key_figures(readings),
        answers=answers(readings) if has_jobs else [],
        missing=missing(snapshot),
        topics=[(section, topic) for section, topic in topics if topic is not None],
        titles={section.id: section.title for section in SECTIONS},
        draw=draw,
        view=view,
        definitions=definitions(readings),
        oddities=oddities(snapshot),
        css=css,
        js=js,
    )


def _moment(snapshot: Snapshot) -> str:
    if snapshot.as_of is None:
        return "an unknown time"
    return f"{day(snapshot.as_of)}, {snapshot.as_of:%H:%M} UTC"


def _scope(readings: Readings) -> str:
    jobs, projects = readings.snapshot.jobs, count(readings.figures["projects"], "project")
    if jobs.empty:
        return f"{projects}, no jobs"
    return f"{count(len(jobs), 'job')} in {projects}, since {day(jobs['created_at'].min())}"


def _asset(name: str) -> Markup:
    text = resources.files("trainview.reporting").joinpath(name).read_text(encoding="utf-8")
    return Markup(text.strip())  # noqa: S704 - our own file


def _policy(css: str, js: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(css)}'; script-src '{_hash(js)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
