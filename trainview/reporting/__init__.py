"""The report: a snapshot as one page of HTML that opens by a double click, and needs no network."""

import base64
import hashlib
import os
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from trainview.files.atomic import write_bytes
from trainview.reporting.attention import attention
from trainview.reporting.costs import costs
from trainview.reporting.failures import failures
from trainview.reporting.glance import answers, key_figures
from trainview.reporting.gpus import gpus
from trainview.reporting.jobs import durations, statuses, timeline
from trainview.reporting.meaning import definitions, oddities
from trainview.reporting.queue import queue
from trainview.reporting.quota import quota
from trainview.reporting.readings import Readings, read
from trainview.reporting.utilization import utilization
from trainview.reporting.words import day
from trainview.snapshot import Snapshot
from trainview.text.safe import count

_TOPICS = (
    attention,
    costs,
    gpus,
    utilization,
    statuses,
    failures,
    durations,
    queue,
    quota,
    timeline,
)
# These have something to say also where there are no jobs.
_WITHOUT_JOBS = (costs, utilization, queue, quota)


def report(snapshot: Snapshot, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write a report: what is on fire, what costs most, what to do next, and all behind it.

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
    return Path(path)


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
    environment = Environment(
        loader=PackageLoader("trainview.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    readings = read(snapshot)
    made = [make(readings) for make in (_TOPICS if len(snapshot.jobs) else _WITHOUT_JOBS)]
    topics = [topic for topic in made if topic is not None]
    css, js = _asset("page.css"), _asset("page.js")
    return environment.get_template("page.html.j2").render(
        policy=_policy(css, js),
        when=_moment(snapshot),
        scope=_scope(readings),
        latest_only=snapshot.latest_only and len(snapshot.jobs) > 0,
        figures=key_figures(readings),
        answers=answers(readings) if len(snapshot.jobs) else [],
        topics=topics,
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
