"""The story of one job as HTML for notebooks, in light and dark."""

from html import escape
from typing import Any

from trainview.snapshot.story.plain import Row
from trainview.snapshot.story.sections import (
    Section,
    Table,
    facts_of,
    name_of,
    phases_of,
    sections_of,
)
from trainview.statuses import PHASE_COLOURS
from trainview.text.card import BOX, MUTED
from trainview.text.cells import cell
from trainview.text.safe import safe_text
from trainview.text.spans import readable_hours

_BLUE, _YELLOW = PHASE_COLOURS["running"], PHASE_COLOURS["waiting"]
_GREY, _RED = PHASE_COLOURS["stopped"], PHASE_COLOURS["failed"]


def _striped(one: str, other: str) -> str:
    return f"repeating-linear-gradient(45deg,{one} 0 4px,{other} 4px 8px)"


_FILLS = {
    "waiting": _YELLOW,
    "waiting or deploying": _striped(_YELLOW, _BLUE),
    "deploying": _striped(_BLUE, "#fff"),
    "not known": _striped(_GREY, "#fff"),
    "deploying or running": _striped(_BLUE, _GREY),
    "running": _BLUE,
    "lost": _RED,
}
_EDGE = "outline:1px solid #8888"
_BAR = f"display:flex;height:1.1em;margin:.3em 0;{_EDGE}"
_SWATCH = f"display:inline-block;width:.9em;height:.9em;margin-right:.5em;{_EDGE}"
_TITLE = "font-weight:600;margin:.8em 0 .1em"
_CELL = (
    "padding:.1em .8em .1em 0;text-align:{};font-variant-numeric:tabular-nums;vertical-align:top"
)
# notebooks stripe and centre tables of their own accord
_TABLE = "border-collapse:collapse;margin:.2em 0;font-size:inherit;color:inherit"
_PLAIN = "background:none;border:0"
_HEAD = f"{_PLAIN};{MUTED};font-weight:normal"
_LOG = (
    "font-family:var(--jp-code-font-family,monospace);white-space:pre-wrap;overflow-wrap:anywhere"
)


def to_html(story: Any) -> str:
    """Draw the story.

    Parameters
    ----------
    story : JobStory
        What is known.

    Returns
    -------
    str
        HTML without scripts or style sheets, every text escaped.
    """
    job = story.job
    head = (
        f"<div><strong>{_text(name_of(job))}</strong> "
        f'<span style="{MUTED}">{_text(safe_text(job["status"]))}</span></div>'
    )
    facts = "".join(f'<div style="{MUTED}">{_text(fact)}</div>' for fact in facts_of(job))
    sections = "".join(map(_section, sections_of(story)))
    return f'<div style="{BOX}">{head}{facts}{_phases(story)}{sections}</div>'


def _phases(story: Any) -> str:
    begin = f"submitted {cell('created_at', story.job['created_at'])}"
    now = "" if story.as_of is None else f", as of {cell('as_of', story.as_of)}"
    title = f'<div style="{_TITLE}">Phases: {begin}{now} UTC</div>'
    parts = story.segments
    # in percent, since parts that grow by less than 1 in all leave room empty
    share = 100 / (sum(part["hours"] for part in parts) or 1.0)
    told = "; ".join(f"{part['phase']} {readable_hours(part['hours'])}" for part in parts)
    pieces = "".join(
        f'<span style="flex:{part["hours"] * share:.4f} 0 2px;background:{_FILLS[part["phase"]]}">'
        "</span>"
        for part in parts
    )
    bar = (
        f'<div role="img" aria-label="{_text(told)}" style="{_BAR}">{pieces}</div>' if parts else ""
    )
    rows = "".join(map(_part, parts))
    legend = f'<table style="{_TABLE}"><tbody>{rows}</tbody></table>' if parts else ""
    lines = "".join(f"<div>{_text(line)}</div>" for line in phases_of(story))
    return f"{title}{bar}{legend}{lines}"


def _part(part: Row) -> str:
    swatch = f'<span style="{_SWATCH};background:{_FILLS[part["phase"]]}"></span>'
    times = " to ".join(cell("start_at", part[name]) for name in ("start_at", "end_at"))
    cells = [
        f'<td style="{_CELL.format("left")};{_PLAIN}">{swatch}{part["phase"]}</td>',
        f'<td style="{_CELL.format("right")};{_PLAIN}">{_text(readable_hours(part["hours"]))}</td>',
        f'<td style="{_CELL.format("left")};{_PLAIN};{MUTED}">{times}</td>',
    ]
    return f'<tr style="{_PLAIN}">{"".join(cells)}</tr>'


def _section(section: Section) -> str:
    lines = "".join(f"<div>{_text(line)}</div>" for line in section.lines)
    tables = "".join(map(_table, section.tables))
    items = quoted = ""
    if section.items:
        listed = "".join(f"<li>{_text(item)}</li>" for item in section.items)
        items = f'<ul style="margin:.1em 0;padding-left:1.2em">{listed}</ul>'
    if section.quoted:
        quoted = f'<div style="{_LOG}">{"<br>".join(map(_text, section.quoted))}</div>'
    return f'<div style="{_TITLE}">{_text(section.title)}</div>{lines}{tables}{items}{quoted}'


def _table(table: Table) -> str:
    sides = ["right" if at in table.numbers else "left" for at in range(len(table.heads))]
    bars = table.bars or [None] * len(table.rows)
    more = '<td aria-hidden="true"></td>' if table.bars else ""
    heads = "".join(
        f'<th scope="col" style="{_CELL.format(side)};{_HEAD}">{_text(head)}</th>'
        for head, side in zip(table.heads, sides, strict=True)
    )
    rows = "".join(
        f'<tr style="{_PLAIN}">'
        + "".join(
            f'<td style="{_CELL.format(side)};{_PLAIN}">{_text(text)}</td>'
            for text, side in zip(row, sides, strict=True)
        )
        + (_share(bar) if table.bars else "")
        + "</tr>"
        for row, bar in zip(table.rows, bars, strict=True)
    )
    return (
        f'<table style="{_TABLE}"><thead><tr style="{_PLAIN}">{heads}{more}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _share(share: float | None) -> str:
    width = 0 if share is None else min(share, 1) * 100
    inner = f'<div style="width:{width:.1f}%;height:.7em;background:{_BLUE}"></div>'
    box = "" if share is None else f'<div style="width:8em;{_EDGE}">{inner}</div>'
    return f'<td aria-hidden="true" style="{_PLAIN};vertical-align:middle">{box}</td>'


def _text(text: str) -> str:
    return escape(text)
