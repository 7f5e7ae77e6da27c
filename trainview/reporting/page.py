"""The report as one page of HTML that opens by a double click, and needs no network."""

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from trainview.reporting.content import Content
from trainview.reporting.pictures import draw, drawing
from trainview.reporting.sections import SECTIONS
from trainview.reporting.tables import view


def to_html(content: Content) -> str:
    """Write a report as a page.

    Parameters
    ----------
    content : Content
        What it says.

    Returns
    -------
    str
        A whole HTML document, whose policy lets nothing run but its own scripts.
    """
    widgets = [part.widget for _, topic in content.topics for part in topic.parts if part.widget]
    styles = _once([_asset("page.css"), *(widget.style for widget in widgets)])
    scripts = _once([_asset("page.js"), *(widget.script for widget in widgets)])
    with drawing():
        return _template().render(
            policy=_policy(styles, scripts),
            titles={section.id: section.title for section in SECTIONS},
            told={section.id for section, _ in content.topics},
            draw=draw,
            view=view,
            styles=[Markup(text) for text in styles],  # noqa: S704 - our own files
            scripts=[Markup(text) for text in scripts],  # noqa: S704 - our own files
            **content._asdict(),
        )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("trainview.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")


def _asset(name: str) -> str:
    return resources.files("trainview.reporting").joinpath(name).read_text(encoding="utf-8")


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(_without_comments, texts))))


def _without_comments(text: str) -> str:
    """Leave out of our own programs and styles what nothing runs: indents and lines of comments."""
    lines = (line.strip() for line in text.splitlines())
    is_comment = re.compile(r"//|/\*.*\*/$").match
    return "\n".join(line for line in lines if line and not is_comment(line))


def _policy(styles: Iterable[str], scripts: Iterable[str]) -> str:
    return (
        f"default-src 'none'; style-src {_hashes(styles)}; script-src {_hashes(scripts)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashes(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
