"""The story of one job as text for a terminal."""

from typing import Any

from trainview.snapshot.story.plain import Rows
from trainview.snapshot.story.sections import (
    Section,
    Table,
    facts_of,
    name_of,
    phases_of,
    sections_of,
)
from trainview.text.cells import cell
from trainview.text.lines import pad, shorten, width_of, wrap
from trainview.text.safe import safe_text
from trainview.text.spans import readable_hours

LEAST_WIDTH = 40
_LETTERS = {
    "waiting": "░",
    "waiting or deploying": "·",
    "deploying": "▒",
    "not known": "?",
    "deploying or running": "=",
    "running": "█",
    "lost": "x",
}
_INDENT = "  "
_BAR = 12
_LEAST_TEXT = 6


def to_text(story: Any, width: int) -> str:
    """Draw the story.

    Parameters
    ----------
    story : JobStory
        What is known.
    width : int
        Of the terminal, in characters.

    Returns
    -------
    str
        Lines that are no longer than that, the last without a line break.
    """
    width = max(width, LEAST_WIDTH)
    job = story.job
    status = safe_text(job["status"], 20)
    head = shorten(f"Job {name_of(job)}", width - len(status) - 2)
    lines = [pad(head, width - width_of(status)) + status]
    for fact in facts_of(job):
        lines += wrap(fact, width)
    lines += ["", *_phases(story, width)]
    for section in sections_of(story):
        lines += ["", *_section(section, width)]
    return "\n".join(line.rstrip() for line in lines)


def _phases(story: Any, width: int) -> list[str]:
    begin = f"submitted {cell('created_at', story.job['created_at'])}"
    now = "" if story.as_of is None else f", as of {cell('as_of', story.as_of)}"
    lines = wrap(f"Phases: {begin}{now} UTC", width)
    if story.segments:
        lines.append(_INDENT + bar(story.segments, width - 2 * len(_INDENT)))
    size = max((len(part["phase"]) for part in story.segments), default=0)
    for part in story.segments:
        hours = readable_hours(part["hours"])
        times = " to ".join(cell("start_at", part[name]) for name in ("start_at", "end_at"))
        line = f"{_INDENT}{_LETTERS[part['phase']]} {pad(part['phase'], size)} {hours:>9}  {times}"
        lines.append(line if width_of(line) <= width else line.partition(" to ")[0])
    for line in phases_of(story):
        lines += wrap(line, width, _INDENT)
    return lines


def bar(parts: Rows, width: int) -> str:
    """Draw parts of a time as letters, each one at least.

    Parameters
    ----------
    parts : list of dict
        Of `segments`.
    width : int
        How many letters.

    Returns
    -------
    str
        The letters.
    """
    whole = sum(part["hours"] for part in parts)
    sizes = [max(int(part["hours"] / whole * width), 1) for part in parts]
    rests = [part["hours"] / whole * width - size for part, size in zip(parts, sizes, strict=True)]
    while sum(sizes) < width:
        largest = rests.index(max(rests))
        sizes[largest], rests[largest] = sizes[largest] + 1, rests[largest] - 1
    while sum(sizes) > width:
        sizes[sizes.index(max(sizes))] -= 1
    return "".join(_LETTERS[part["phase"]] * size for part, size in zip(parts, sizes, strict=True))


def _section(section: Section, width: int) -> list[str]:
    lines = wrap(section.title, width)
    for line in section.lines:
        lines += wrap(line, width, _INDENT)
    for table in section.tables:
        lines += _table(table, width)
    for item in section.items:
        lines += wrap(item, width, 2 * _INDENT, f"{_INDENT}- ")
    for line in section.quoted:
        lines += wrap(line, width, 2 * _INDENT, _INDENT)
    return lines


def _table(table: Table, width: int) -> list[str]:
    room = width - len(_INDENT)
    columns = [*zip(table.heads, *table.rows, strict=True)]
    sizes = [max(map(width_of, column)) for column in columns]
    gap = 2 if sum(sizes) + 2 * (len(sizes) - 1) <= room else 1
    while sum(sizes) + gap * (len(sizes) - 1) > room:
        texts = [place for place in range(len(sizes)) if place not in table.numbers]
        widest = max(texts, key=lambda place: sizes[place])
        if sizes[widest] <= _LEAST_TEXT:
            break
        sizes[widest] -= 1
    spare = room - sum(sizes) - gap * len(sizes)
    with_bar = bool(table.bars) and spare >= _BAR
    bars = ["", *(_bar(share) for share in table.bars)] if with_bar else []
    lines = []
    for number, row in enumerate(zip(*columns, strict=True)):
        cells = [
            pad(shorten(text, size), size, right=place in table.numbers)
            for place, (text, size) in enumerate(zip(row, sizes, strict=True))
        ]
        if with_bar:
            cells.append(bars[number])
        lines.append(_INDENT + (" " * gap).join(cells))
    return lines


def _bar(share: float | None) -> str:
    return "" if share is None else "|" * round(min(share, 1) * _BAR)
