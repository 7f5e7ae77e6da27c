"""The report: a snapshot as one page of HTML that opens by a double click, and needs no network."""

import base64
import hashlib
import os
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from trainview.atomic import write_bytes
from trainview.reporting.glance import key_figures, verdicts
from trainview.reporting.sections import sections
from trainview.snapshot import Snapshot


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
    css, js = _asset("page.css"), _asset("page.js")
    when = "an unknown time" if snapshot.as_of is None else f"{snapshot.as_of:%d %B %Y, %H:%M} UTC"
    return environment.get_template("page.html.j2").render(
        when=when,
        snapshot=snapshot,
        figures=key_figures(snapshot),
        verdicts=verdicts(snapshot),
        sections=sections(snapshot),
        css=css,
        js=js,
        css_hash=_hash(css),
        js_hash=_hash(js),
    )


def _asset(name: str) -> str:
    return resources.files("trainview.reporting").joinpath(name).read_text(encoding="utf-8").strip()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
