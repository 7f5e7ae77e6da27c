"""Plots as SVG that can stand in a page: no styles of its own, colours of the page, unique ids."""

import io
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trainview.text import safe_text

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_NAME_ID = "name:"
_BOX = "\N{WHITE SQUARE}"
_BLACK = {"#000000", "#000", "black"}
# Text stays text, so that the page's fonts draw every script; ids are the same in every run.
_SETTINGS: Any = {"svg.fonttype": "none", "svg.hashsalt": "trainview", "font.size": 9.5}
_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_SIZE = re.compile(r"(\d+(?:\.\d+)?)px")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def picture(
    draw: Callable[[Axes], object], name: str, label: str, size: tuple[float, float]
) -> Markup:
    """Draw a plot as an SVG element.

    Parameters
    ----------
    draw : callable
        Draws on the Axes it is given.
    name : str
        Begins the ids in the element, so that several stand in one page.
    label : str
        What the picture says, for those who do not see it.
    size : tuple of float
        Width and height in inches.

    Returns
    -------
    markupsafe.Markup
        The element. It needs no style sheet, and takes its black from the page's text colour.
    """
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata=_METADATA)
    return _embed(buffer.getvalue(), name, label)


def _embed(svg: bytes, name: str, label: str) -> Markup:
    root = ET.fromstring(svg)  # noqa: S314 - matplotlib wrote it
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"}:
                parent.remove(child)
    for element in list(root.iter()):
        _style_to_attributes(element)
        _tell_whole_name(element)
        _adopt(element, name)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.attrib.update({"role": "img", "aria-label": label, "class": "picture"})
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
        if element.get(key) in _BLACK:
            element.set(key, "currentColor")
    if element.tag == f"{{{_SVG}}}use" and element.get("fill") is None and element.get("stroke"):
        element.set("fill", element.get("stroke", "currentColor"))


def _adopt(element: ET.Element, name: str) -> None:
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.get('id')}")
    for key, value in element.attrib.items():
        if key.endswith("href") and value.startswith("#"):
            element.set(key, f"#{name}-{value[1:]}")
        elif "url(#" in value:
            element.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", value))
