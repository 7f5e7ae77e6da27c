"""SVG as matplotlib writes it, made fit for a page: short, without styles, in its colours."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple
from xml.etree import ElementTree as ET

from markupsafe import Markup, escape

from trainview.reporting.hatches import tile
from trainview.reporting.marks import Mark
from trainview.reporting.mosaic import MOSAIC
from trainview.text.safe import safe_text

# What stands for the colour of the page in a plot, and for the size of most of its texts.
GROUND, TEXT_SIZE = "#fefdfc", 9.5

_NAME_ID = "name:"
_BOX = "\N{WHITE SQUARE}"
# Not for a page: what describes the file, the styles of all elements, and what is written apart.
_LEFT_OUT = {"metadata", "style", "defs"}
_COLOURS = {
    **dict.fromkeys(("#000000", "#000", "black"), "currentColor"),
    GROUND: "var(--ground)",
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)px")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_NOT_TURNED = re.compile(r"rotate\(-?0(?:\.0+)? ")
_STEP = re.compile(r"([MLCQz])([^MLCQz]*)")
_FRACTION = re.compile(r"-?\d+\.\d+")
# What an element has where nothing says otherwise.
_DEFAULTS = {
    ("fill", "currentColor"),
    ("font-size", f"{TEXT_SIZE:g}"),
    ("text-anchor", "start"),
    ("stroke-linejoin", "miter"),
}
_PLACES = ("x", "y", "width", "height", "transform")
# A tenth of a point is finer than a screen; what is drawn many times is written finer.
_COARSE, _FINE = "%.1f", "%.2f"
# In points: how far outside of what is shown a shape may reach that needs no clipping.
_SPARE = 0.6


class _Leaf(NamedTuple):
    """An element without others in it; a path is apart from its attributes, to be joined."""

    tag: str
    attributes: dict[str, str]
    path: str
    text: str


class _Ids:
    """The ids that elements of a picture refer to, by their names in the page."""

    def __init__(self, root: ET.Element, name: str) -> None:
        self._name, self._names = name, dict[str, str]()
        defined = [one for defs in root.iter() if _tag(defs) == "defs" for one in defs]
        self.defined = {one.get("id", ""): one for one in defined}

    def name(self, identity: str) -> str:
        return self._names.setdefault(identity, f"{self._name}-{len(self._names)}")

    def referred(self) -> list[tuple[str, ET.Element]]:
        """Give what is referred to, by its name."""
        known = [(name, self.defined.get(identity)) for identity, name in self._names.items()]
        return [(name, element) for name, element in known if element is not None]

    def is_stroked(self, identity: str) -> bool:
        """Tell whether the mark of this id has its own strokes."""
        found = self.defined.get(identity)
        return found is not None and "stroke" in found.get("style", "")


def embed(svg: str, name: str, label: str, marks: Sequence[Mark] = ()) -> Markup:
    """Make a picture an element of a page.

    Parameters
    ----------
    svg : str
        As matplotlib's SVG renderer writes it.
    name : str
        Begins the ids in the element, so that several stand in one page.
    label : str
        What the picture says, for those who do not see it.
    marks : sequence of Mark, optional
        Its parts that tell of rows of a table, for the page's script.

    Returns
    -------
    markupsafe.Markup
        An element without style attributes. What is black takes the colour of the page's text.
    """
    root = ET.fromstring(svg)  # noqa: S314 - matplotlib wrote it
    ids = _Ids(root, name)
    drawn = _written(_items(root, ids))
    defined = "".join(_definition(element, name, ids) for name, element in ids.referred())
    head = Markup(
        '<svg viewBox="{}" role="img" aria-label="{}" fill="currentColor" font-size="{:g}">'
    ).format(root.get("viewBox", ""), label, TEXT_SIZE)
    defs = f"<defs>{defined}</defs>" if defined else ""
    above = "".join(map(_mark, marks))
    above = above and f'<g class="marks">{above}</g>'
    return head + Markup(f"{defs}{drawn}{above}</svg>")  # noqa: S704 - escaped when written


def _mark(mark: Mark) -> str:
    left, top, right, bottom = (_short(str(place), _COARSE) for place in mark[:4])
    rows = " ".join(map(str, mark.rows))
    return f'<path d="M{left} {top}H{right}V{bottom}H{left}z" data-rows="{rows}"/>'


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _items(element: ET.Element, ids: _Ids) -> Iterator[_Leaf | str]:
    """Go through what is drawn; groups without a meaning are left out."""
    for child in element:
        tag, identity = _tag(child), child.get("id", "")
        if tag in _LEFT_OUT:
            continue
        if tag != "g":
            yield from _leaf(child, ids)
        elif identity.startswith(_NAME_ID):
            yield from _named(list(_items(child, ids)), identity.removeprefix(_NAME_ID))
        elif identity.startswith(MOSAIC):
            inside = _written(_items(child, ids))
            yield f'<g class="mosaic" shape-rendering="crispEdges">{inside}</g>'
        elif identity.startswith("matplotlib.axis"):
            # the lines and marks of all ticks side by side, so that they can be joined
            yield from sorted(_items(child, ids), key=_likeness)
        else:
            yield from _items(child, ids)


def _likeness(item: _Leaf | str) -> tuple[str, ...]:
    if isinstance(item, str):
        return ("z",)
    style = (f"{key}={value}" for key, value in item.attributes.items() if key not in _PLACES)
    return (item.tag, *style)


def _named(items: list[_Leaf | str], whole: str) -> Iterator[_Leaf | str]:
    """Show a whole name under the pointer, and the letters that matplotlib had no font for."""
    match items:
        case [_Leaf(tag="text") as text]:
            if _BOX in text.text:
                text = text._replace(text=safe_text(whole, len(text.text)))
            if text.text == whole:
                yield text
                return
            items = [text]
    if items:
        yield f"<g><title>{escape(whole)}</title>{_written(items)}</g>"


def _leaf(element: ET.Element, ids: _Ids) -> Iterator[_Leaf]:
    tag, points = _tag(element), element.get("d", "")
    path = _short_path(points, _COARSE)
    if path or tag != "path":
        attributes = _attributes(element, ids, is_inside=bool(points) and _fits(element, ids))
        yield _Leaf(tag, attributes, path, (element.text or "").strip())


def _fits(element: ET.Element, ids: _Ids) -> bool:
    """Tell whether a path needs no clipping."""
    clip = _REFERENCE.match(element.get("clip-path", ""))
    frame = list(ids.defined[clip.group(1)]) if clip else []
    if len(frame) != 1 or _tag(frame[0]) != "rect":
        return not clip
    x, y, width, height = (float(frame[0].get(key, 0)) for key in ("x", "y", "width", "height"))
    numbers = [float(one) for one in element.get("d", "").split() if not one.isalpha()]
    across, down = numbers[::2], numbers[1::2]
    return (
        min(across) >= x - _SPARE
        and max(across) <= x + width + _SPARE
        and min(down) >= y - _SPARE
        and max(down) <= y + height + _SPARE
    )


def _attributes(element: ET.Element, ids: _Ids, *, is_inside: bool = False) -> dict[str, str]:
    """Give the attributes of an element, and those of its style, which a page may not allow."""
    found = _styled(element.get("style", ""))
    for key, value in element.attrib.items():
        name = key.rpartition("}")[2]
        if name in _PLACES:
            found[name] = _FRACTION.sub(lambda one: _short(one.group(), _COARSE), value)
        elif name == "href":
            target = value.removeprefix("#")
            if ids.is_stroked(target):
                found = {name: value for name, value in found.items() if name[:6] != "stroke"}
            found["href"] = f"#{ids.name(target)}"
        elif name not in {"d", "id", "style"} and not (name == "clip-path" and is_inside):
            found[name] = value
    for key in ("fill", "stroke"):
        if key in found:
            found[key] = _COLOURS.get(found[key], found[key])
    for key, value in found.items():
        found[key] = _REFERENCE.sub(lambda one: f"url(#{ids.name(one.group(1))})", value)
    return {key: value for key, value in found.items() if not _goes_without_saying(key, value)}


def _goes_without_saying(key: str, value: str) -> bool:
    return (key, value) in _DEFAULTS or (key == "transform" and bool(_NOT_TURNED.match(value)))


def _styled(style: str) -> dict[str, str]:
    found = {}
    for declaration in style.split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            size = _SIZE.search(value)
            found["font-size"] = size.group(1) if size else "10"
            if "bold" in value:
                found["font-weight"] = "bold"
        elif key and key not in {"white-space", "font-family"}:
            found[key] = value.removesuffix("px")
    return found


def _short(number: str, form: str) -> str:
    text = (form % float(number)).rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _short_path(points: str, form: str) -> str:
    """Write a path as short as it can be: lines along an axis as such, none without a length."""
    found: list[str] = []
    x = y = ""
    for letter, numbers in _STEP.findall(points):
        short = [_short(number, form) for number in numbers.split()]
        if letter != "L":
            found.append(letter + " ".join(short))
        elif short[1] != y:
            found.append(f"V{short[1]}" if short[0] == x else f"L{short[0]} {short[1]}")
        elif short[0] != x or found[-1][0] == "M":
            found.append(f"H{short[0]}")
        x, y = short[-2:] or (x, y)
    return "".join(found)


def _written(items: Iterable[_Leaf | str]) -> str:
    """Write elements; neighbours that differ only in their path become one."""
    found = []
    for (is_path, _), group in groupby(items, _joint):
        leaves = list(group)
        if is_path:
            path = "".join(one.path for one in leaves if isinstance(one, _Leaf))
            leaves = [one._replace(path=path) for one in leaves[:1] if isinstance(one, _Leaf)]
        found += [_element(one) if isinstance(one, _Leaf) else one for one in leaves]
    return "".join(found)


def _joint(item: _Leaf | str) -> tuple[bool, list[tuple[str, str]]]:
    is_path = isinstance(item, _Leaf) and bool(item.path)
    return is_path, sorted(item.attributes.items()) if isinstance(item, _Leaf) and is_path else []


def _element(leaf: _Leaf) -> str:
    attributes = leaf.attributes | ({"d": leaf.path} if leaf.path else {})
    start = "".join([leaf.tag, *(f' {key}="{escape(attributes[key])}"' for key in attributes)])
    return f"<{start}>{escape(leaf.text)}</{leaf.tag}>" if leaf.text else f"<{start}/>"


def _definition(element: ET.Element, name: str, ids: _Ids) -> str:
    """Write a mark, a hatch or a clip."""
    tag, path = _tag(element), _short_path(element.get("d", ""), _FINE)
    if path:
        return _element(_Leaf(tag, {"id": name, **_attributes(element, ids)}, path, ""))
    if tag == "pattern" and len(element) and (small := tile(element[-1].get("d", ""))):
        ground, lines = (_attributes(one, ids) for one in (element[0], element[-1]))
        side = f"{small.side:g}"
        size = {"width": side, "height": side}
        inside = _element(_Leaf("rect", ground | size, "", ""))
        inside += _element(_Leaf("path", lines, small.path, ""))
        start = {"id": name, "patternUnits": "userSpaceOnUse", **size}
        return _element(_Leaf(tag, start, "", "")).removesuffix("/>") + f">{inside}</{tag}>"
    start = {"id": name, **_attributes(element, ids)}
    return (
        _element(_Leaf(tag, start, "", "")).removesuffix("/>")
        + f">{_written(_items(element, ids))}</{tag}>"
    )
