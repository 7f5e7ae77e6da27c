"""SVG elements as text: neighbours that look alike are one, and parts tell of rows of a table."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup, escape

from trainview.reporting.marks import Mark
from trainview.text.safe import safe_text

_BOX = "\N{WHITE SQUARE}"


class Leaf(NamedTuple):
    """An element without others in it.

    Attributes
    ----------
    tag : str
        What it is.
    look : str
        Attributes that others may have, too; each follows a space.
    place : str
        Those that tell where it is; of a path, its data alone.
    text : str
        What is written in it, not yet escaped.
    """

    tag: str
    look: str
    place: str
    text: str = ""


def number(value: float) -> str:
    """Write a place in points as short as it can be: a tenth of one is finer than a screen."""
    return f"{round(float(value), 1) + 0.0:g}"


def attribute(name: str, value: str) -> str:
    """Write an attribute, unless it has no value."""
    return f' {name}="{value}"' if value else ""


def named(items: list[Leaf | str], whole: str) -> Iterator[Leaf | str]:
    """Show a whole name under the pointer, and the letters that Matplotlib had no font for."""
    match items:
        case [Leaf(tag="text") as text]:
            if _BOX in text.text:
                text = text._replace(text=safe_text(whole, len(text.text)))
            if text.text == whole:
                yield text
                return
            items = [text]
    if items:
        yield f"<g><title>{escape(whole)}</title>{written(items)}</g>"


def written(items: Iterable[Leaf | str]) -> str:
    """Write elements; neighbours that differ only in their path become one."""
    found = []
    for look, group in groupby(items, _joint):
        if look is None:
            found += [element(item) if isinstance(item, Leaf) else item for item in group]
        else:
            path = "".join(leaf.place for leaf in group if isinstance(leaf, Leaf))
            found.append(f'<path{look} d="{path}"/>')
    return "".join(found)


def _joint(item: Leaf | str) -> str | None:
    return item.look if isinstance(item, Leaf) and item.tag == "path" else None


def element(leaf: Leaf) -> str:
    """Write an element that is no path."""
    start = f"{leaf.tag}{leaf.look}{leaf.place}"
    return f"<{start}>{escape(leaf.text)}</{leaf.tag}>" if leaf.text else f"<{start}/>"


def picture(
    size: tuple[float, float],
    text_size: float,
    label: str,
    defined: str,
    drawn: str,
    marks: Sequence[Mark] = (),
) -> Markup:
    """Make a picture an element of a page.

    Parameters
    ----------
    size : tuple of float
        In points.
    text_size : float
        Of texts that say nothing else, in points.
    label : str
        What the picture says, for those who do not see it.
    defined, drawn : str
        What is referred to, and what is drawn.
    marks : sequence of Mark, optional
        Its parts that tell of rows of a table, for the page's script.

    Returns
    -------
    markupsafe.Markup
        An element without style attributes. What is black takes the colour of the page's text.
    """
    head = Markup(
        '<svg viewBox="0 0 {:g} {:g}" role="img" aria-label="{}" fill="currentColor" '
        'font-size="{:g}">'
    ).format(*size, label, text_size)
    defs = f"<defs>{defined}</defs>" if defined else ""
    above = "".join(map(_mark, marks))
    above = above and f'<g class="marks">{above}</g>'
    return head + Markup(f"{defs}{drawn}{above}</svg>")  # noqa: S704 - escaped when written


def _mark(mark: Mark) -> str:
    left, top, right, bottom = map(number, mark[:4])
    rows = " ".join(map(str, mark.rows))
    return f'<path d="M{left} {top}H{right}V{bottom}H{left}z" data-rows="{rows}"/>'
