"""Plots as SVG that can stand in a page: no styles of its own, colours of the page, unique ids."""

import io
import re
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.style import context

from trainview.reporting.mosaic import MOSAIC, replace_images
from trainview.reporting.parts import Chart
from trainview.text.safe import safe_text

# In inches: what fills a screen or a sheet of paper, and what a phone shows without scrolling.
WIDE, NARROW = 9.0, 4.6

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_NAME_ID = "name:"
_BOX = "\N{WHITE SQUARE}"
_GROUND = "#fefdfc"
_COLOURS = {
    **dict.fromkeys(("#000000", "#000", "black"), "currentColor"),
    _GROUND: "var(--ground)",
}
# Text stays text, so that the page's fonts draw every script; ids are the same in every run. The
# caller's own settings do not count: black is what becomes the colour of the page's text, and a
# colour that nothing else has that of the ground.
_SETTINGS: Any = [
    "default",
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "trainview",
        "font.size": 9.5,
        "axes.facecolor": _GROUND,
    },
]
_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_SIZE = re.compile(r"(\d+(?:\.\d+)?)px")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
# A hundredth of a point is finer than any screen.
_LONG_FRACTION = re.compile(r"(\.\d\d)\d+")
# Names that matplotlib gives to its parts, and nothing refers to.
_PART = re.compile(r"[\w.]+_\d+")
_GEOMETRY = {"d", "x", "y", "width", "height", "transform"}


class Picture(NamedTuple):
    """A plot in two shapes, of which the page shows the one that fits.

    Attributes
    ----------
    wide : markupsafe.Markup
        An SVG element for screens and paper.
    narrow : markupsafe.Markup
        The same for phones.
    """

    wide: Markup
    narrow: Markup


def draw(chart: Chart, name: str) -> Picture:
    """Draw a helper's result.

    Parameters
    ----------
    chart : Chart
        What to draw, and how large.
    name : str
        Begins the ids in the elements, so that several stand in one page.

    Returns
    -------
    Picture
        Its elements need no style sheet, and take their black from the page's text colour.
    """
    return Picture(
        _draw(chart, name, (WIDE, chart.height)),
        _draw(chart, f"{name}-narrow", (NARROW, chart.narrow_height or chart.height)),
    )


def _draw(chart: Chart, name: str, size: tuple[float, float]) -> Markup:
    with context(_SETTINGS):
        figure = Figure(figsize=size, layout="constrained")
        ax = figure.subplots()
        chart.plot(chart.frame, ax=ax)
        replace_images(ax)
        for patch in (figure.patch, ax.patch):
            patch.set_visible(False)
        buffer = io.StringIO()
        # Not savefig: it draws all of it once more, to lay it out.
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(buffer, metadata=_METADATA)
    return _embed(buffer.getvalue(), name, chart.label)


def _embed(svg: str, name: str, label: str) -> Markup:
    root = ET.fromstring(svg)  # noqa: S314 - matplotlib wrote it
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"}:
                parent.remove(child)
    seen: set[str] = set()
    for element in list(root.iter()):
        # the parts of an error bar have one name
        if element.get("id") in seen:
            del element.attrib["id"]
        seen.update(filter(None, [element.get("id")]))
        _style_to_attributes(element)
        _tell_whole_name(element)
        _adopt(element, name)
        if not (element.text or "").strip():
            element.text = None
        if not (element.tail or "").strip():
            element.tail = None
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.attrib.update({"role": "img", "aria-label": label})
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - escaped on writing


def _tell_whole_name(element: ET.Element) -> None:
    """Show a cut name under the pointer, and the letters that matplotlib had no font for."""
    identity = element.get("id", "")
    if not identity.startswith(_NAME_ID):
        return
    del element.attrib["id"]
    whole = identity.removeprefix(_NAME_ID)
    for text in element.iter(f"{{{_SVG}}}text"):
        if text.text and _BOX in text.text:
            text.text = safe_text(whole, len(text.text))
    title = ET.Element(f"{{{_SVG}}}title")
    title.text = whole
    element.insert(0, title)


def _style_to_attributes(element: ET.Element) -> None:
    # the page's content-security-policy forbids style attributes
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            found = _SIZE.search(value)
            element.set("font-size", found.group(1) if found else "10")
            if "bold" in value:
                element.set("font-weight", "bold")
        elif key and key not in {"white-space", "font-family"}:
            element.set(key, value.removesuffix("px"))
    if element.tag == f"{{{_SVG}}}text":
        element.set("fill", element.get("fill", "currentColor"))
    for key in ("fill", "stroke"):
        if colour := _COLOURS.get(element.get(key, "")):
            element.set(key, colour)
    if element.tag == f"{{{_SVG}}}use" and element.get("fill") is None and element.get("stroke"):
        element.set("fill", element.get("stroke", "currentColor"))


def _adopt(element: ET.Element, name: str) -> None:
    if element.get("id", "").startswith(MOSAIC):
        element.set("shape-rendering", "crispEdges")
    if _PART.fullmatch(element.get("id", "")):
        del element.attrib["id"]
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.get('id')}")
    for key, value in element.attrib.items():
        if key in _GEOMETRY:
            element.set(key, " ".join(_LONG_FRACTION.sub(r"\1", value).split()))
        elif key.endswith("href") and value.startswith("#"):
            element.set(key, f"#{name}-{value[1:]}")
        elif "url(#" in value:
            element.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", value))
