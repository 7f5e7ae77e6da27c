"""The report as Markdown, for a pull request or a chat: tables as text, no pictures."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import unescape

from markupsafe import Markup

from trainview.reporting.content import Content
from trainview.reporting.parts import Issue, Part, Topic
from trainview.reporting.tables import View, view
from trainview.text.lines import pad, width_of

# So many rows of a table are read where nothing can be unfolded or sorted.
MOST_ROWS = 10
# In columns of text.
_WIDEST_CELL = 48
_TAG = re.compile(r"<(bdi|code)(?: [^>]*)?>(.*?)</\1>|<[^>]+>", re.DOTALL)
# What Markdown reads as more than itself; a name after @ would be told of it, and what a number
# after # is about.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#])")
_MENTION = re.compile(r"(@(?=\w)|#(?=\d))")


def to_markdown(content: Content) -> str:
    """Write a report as Markdown.

    Parameters
    ----------
    content : Content
        What it says.

    Returns
    -------
    str
        Of each table the first `MOST_ROWS` rows, with what gives all of them. Names are inert.
    """
    return "\n\n".join(block for block in _blocks(content) if block) + "\n"


def _blocks(content: Content) -> Iterator[str]:
    yield f"# {_text(content.title)}"
    yield _text(f"As of {content.when}: {content.about}.")
    if content.latest_only:
        yield "**Only the latest job of each project is known: sums and rates are of those alone.**"
    if not content.answers:
        yield "There are no jobs to report, so nothing needs attention."
    else:
        yield "\n".join(
            f"- **{_text(' '.join(filter(None, [figure.value, figure.unit, figure.name])))}**: "
            f"{_text(figure.hint)}"
            for figure in content.figures
        )
    for answer in content.answers:
        verdict = f" {_text(answer.verdict)}" if answer.verdict else ""
        yield f"**{_text(answer.question)}**{verdict}"
        yield _list(answer.points)
        yield _list(answer.steps, numbered=True)
    if content.missing is not None:
        what, command = _text(content.missing.what), _code(content.missing.command)
        yield f"Not in this data: {what}. To fetch it: {command}"
    for section, topic in content.topics:
        yield f"## {section.title}"
        yield from _topic(topic)
    if content.oddities:
        yield "## Data quality"
        yield _list(content.oddities)


def _topic(topic: Topic) -> Iterator[str]:
    yield _text(topic.lead)
    yield _list(topic.points)
    yield _list([_issue(issue) for issue in topic.issues], is_ready=True)
    for part in topic.parts:
        yield from _part(part)


def _part(part: Part) -> Iterator[str]:
    if part.title:
        yield f"### {_text(part.title)}"
    yield _text(part.lead)
    if part.table is not None and len(part.table.frame):
        yield from _table(view(part.table, most=MOST_ROWS))


def _issue(issue: Issue) -> str:
    where = " ".join(_code(name) for name in (issue.project, issue.job) if name)
    facts = ", ".join(_code(fact) for fact in issue.facts)
    return f"{where}, {', '.join(issue.reasons)}: {_text(' '.join(issue.details))} ({facts})"


def _table(found: View) -> Iterator[str]:
    """Write a table as lines of text, as wide as their cells."""
    heads = [column.heading for column in found.columns]
    rows = [[_cut(cell) for cell in row] for row in found.rows]
    widths = [max(map(width_of, column)) for column in zip(heads, *rows, strict=True)]
    numbers = [column.kind == "number" for column in found.columns]
    lines = [
        "  ".join(
            pad(cell, width, right=number)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in [heads, ["-" * width for width in widths], *rows]
    ]
    yield f"{_text(found.caption)}:"
    yield _fenced(lines)
    yield f"{f'{found.cut} ' if found.cut else ''}All rows and columns: {_code(found.command)}"


def _cut(cell: str) -> str:
    if width_of(cell) <= _WIDEST_CELL:
        return cell
    while width_of(cell) >= _WIDEST_CELL:
        cell = cell[:-1]
    return f"{cell}…"


def _fenced(lines: Sequence[str]) -> str:
    fence = "`" * max(3, 1 + _longest_run("\n".join(lines)))
    return "\n".join([fence, *lines, fence])


def _code(text: str) -> str:
    fence = "`" * (1 + _longest_run(text))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _list(items: Iterable[Markup | str], *, numbered: bool = False, is_ready: bool = False) -> str:
    return "\n".join(
        f"{f'{at}.' if numbered else '-'} {item if is_ready else _text(item)}"
        for at, item in enumerate(items, 1)
    )


def _text(text: Markup | str) -> str:
    """Write words; names are code, which nothing is read into."""
    if not isinstance(text, Markup):
        return _plain(text)
    found, end = [], 0
    for tag in _TAG.finditer(str(text)):
        found.append(_plain(unescape(str(text)[end : tag.start()])))
        found.append(_code(unescape(tag.group(2))) if tag.group(1) else "")
        end = tag.end()
    return "".join([*found, _plain(unescape(str(text)[end:]))])


def _plain(text: str) -> str:
    return _MENTION.sub("\\1\N{ZERO WIDTH SPACE}", _SPECIAL.sub(r"\\\1", text))
