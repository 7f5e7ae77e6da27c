"""Matplotlib's drawing as SVG that is fit for a page: short, without styles, in its colours.

Matplotlib's own renderer writes a file, which stands alone and says everything of every element.
"""

from collections.abc import Hashable, Sequence
from typing import Any, cast

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_hex
from matplotlib.font_manager import FontProperties, weight_dict
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, Transform

from trainview.plot.names import extent, name_id
from trainview.reporting.hatches import tile
from trainview.reporting.mosaic import MOSAIC
from trainview.reporting.svg import Leaf, attribute, named, number, written

# What stands for the colour of the page in a plot, and for the size of most of its texts.
GROUND, TEXT_SIZE = "#fefdfc", 9.5

_NAME_ID = name_id("")
_BLACK, _INK = "#000000", "currentColor"
_COLOURS = {_BLACK: _INK, GROUND: "var(--ground)"}
_ANCHORS = {"left": "", "center": "middle", "right": "end"}
# A tenth of a point is finer than a screen; what is drawn many times is written finer.
_COARSE, _FINE = 1, 2
# In points: how far outside of what is shown a shape may reach that needs no clipping.
_SPARE = 0.6
_LETTERS: dict[int, tuple[str, int]] = {
    int(Path.MOVETO): ("M", 1),
    int(Path.LINETO): ("L", 1),
    int(Path.CURVE3): ("Q", 2),
    int(Path.CURVE4): ("C", 3),
}
_NORMAL = 400
# Of the square that Matplotlib fills with a hatch, in points.
_TILE = 72


class PageRenderer(RendererBase):
    """Makes elements of a page of what is drawn.

    Parameters
    ----------
    width, height : float
        Of the picture, in points.
    name : str
        Begins the ids in the picture, so that several stand in one page.
    """

    def __init__(self, width: float, height: float, name: str) -> None:
        super().__init__()
        self.width, self.height, self._name = width, height, name
        self._flip = Affine2D().scale(1, -1).translate(0, height)
        # what is drawn, by groups that are still open
        self._groups: list[tuple[str, str, list[Leaf | str]]] = [("", "", [])]
        self._ids: dict[Hashable, str] = {}
        self._defined: list[str] = []

    def drawn(self) -> tuple[str, str]:
        """Give what is referred to, and what is drawn."""
        return "".join(self._defined), written(self._groups[0][-1])

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Give the size in points."""
        return self.width, self.height

    def flipy(self) -> bool:
        """Tell that y runs down."""
        return True

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any
    ) -> tuple[float, float, float]:
        """Measure a text, once for all pictures."""
        return extent(s, prop, ismath)

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Begin a group, which only has a meaning by some names."""
        self._groups.append((s, gid or s, []))

    def close_group(self, s: str) -> None:
        """End it, and what is open in it: Matplotlib leaves texts that have no place."""
        kind = ""
        while kind != s:
            kind, name, items = self._groups.pop()
            self._add(name, items)

    def _add(self, name: str, items: list[Leaf | str]) -> None:
        around = self._groups[-1][-1]
        if name.startswith(_NAME_ID):
            around += named(items, name.removeprefix(_NAME_ID))
        elif name.startswith(MOSAIC):
            around.append(f'<g class="mosaic" shape-rendering="crispEdges">{written(items)}</g>')
        elif name == "matplotlib.axis":
            # the lines and marks of all ticks side by side, so that they can be joined
            around += sorted(items, key=_likeness)
        else:
            around += items

    def draw_path(
        self,
        gc: GraphicsContextBase,
        path: Path,
        transform: Transform,
        rgbFace: Any = None,  # noqa: N803 - Matplotlib's
    ) -> None:
        """Draw lines or a shape."""
        is_line = rgbFace is None and gc.get_hatch() is None
        drawn = path.cleaned(
            transform + self._flip,
            remove_nans=True,
            clip=(0, 0, self.width, self.height) if is_line else None,
            simplify=is_line and path.should_simplify,
            curves=True,
        )
        place = path_data(drawn, _COARSE)
        if place:
            look = self._look(gc, rgbFace) + self._clip(gc, drawn)
            self._groups[-1][-1].append(Leaf("path", look, place))

    def draw_markers(
        self,
        gc: GraphicsContextBase,
        marker_path: Path,
        marker_trans: Transform,
        path: Path,
        trans: Transform,
        rgbFace: Any = None,  # noqa: N803
    ) -> None:
        """Draw a mark at each point."""
        mark = marker_path.cleaned(marker_trans + Affine2D().scale(1, -1), curves=True)
        look, shape = self._look(gc, rgbFace), path_data(mark, _FINE)
        frame = gc.get_clip_rectangle()
        for vertices, _ in path.iter_segments(trans, simplify=False):
            x, y = vertices[-2:]
            if frame is not None and not _holds(frame, x, y):
                # also a shape that alone is in a collection, which is no mark
                moved = marker_trans + Affine2D().translate(x, y)
                self.draw_path(gc, marker_path, moved, rgbFace)
                continue
            name = self._refer((look, shape), f'<path id="{{}}"{look} d="{shape}"/>')
            at = attribute("x", number(x)) + attribute("y", number(self.height - y))
            self._groups[-1][-1].append(Leaf("use", f' href="#{name}"', at))

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = None,  # noqa: ARG002 - no name is a formula
        mtext: Text | None = None,
    ) -> None:
        """Write a text, which stays text."""
        colour, style, anchor = to_hex(gc.get_rgb()), prop.get_style(), ""
        weight: Any = prop.get_weight()
        weight, size = weight_dict.get(weight, weight), prop.get_size_in_points()
        opacity = gc.get_alpha() if gc.get_forced_alpha() else gc.get_rgb()[3]
        if mtext is not None and (angle == 0 or mtext.get_rotation_mode() == "anchor"):
            x, y, anchor = (
                *self._anchored(x, y, angle, mtext),
                _ANCHORS[mtext.get_horizontalalignment()],
            )
        across, down = number(x), number(y)
        look = (
            attribute("font-style", style if style != "normal" else "")
            + attribute("font-weight", f"{weight}" if weight != _NORMAL else "")
            + attribute("font-size", f"{size:g}" if size != TEXT_SIZE else "")
            + attribute("text-anchor", anchor)
            + attribute("fill", _COLOURS.get(colour, colour) if colour != _BLACK else "")
            + attribute("opacity", f"{opacity:g}" if opacity != 1 else "")
        )
        place = attribute("x", across) + attribute("y", down)
        if angle % 360:
            place = attribute("transform", f"translate({across} {down}) rotate({-angle:g})")
        self._groups[-1][-1].append(Leaf("text", look, place, s))

    def _anchored(self, x: float, y: float, angle: float, text: Text) -> tuple[float, float]:
        """Find where a text is held, at the height of its line."""
        at: Any = text.get_transform().transform(text.get_unitless_position())
        across, down = at[0], self.height - at[1]
        turned = np.deg2rad(angle)
        off = np.sin(turned) * (x - across) + np.cos(turned) * (y - down)
        return across + off * np.sin(turned), down + off * np.cos(turned)

    def _look(self, gc: GraphicsContextBase, face: Any) -> str:
        """Write fill and stroke as attributes."""
        edge, opacity = gc.get_rgb(), gc.get_alpha() if gc.get_forced_alpha() else 1.0
        fill, shade = "none", 1.0
        if gc.get_hatch() is not None:
            fill = f"url(#{self._hatch(gc, face)})"
        elif face is not None:
            colour = to_hex(face)
            fill = "" if colour == _BLACK else _COLOURS.get(colour, colour)
        if face is not None and len(face) > 3 and not gc.get_forced_alpha():
            shade = face[3]
            fill = fill if shade else "none"
        look = attribute("fill", fill)
        look += attribute("fill-opacity", f"{shade:g}" if shade not in {0, 1} else "")
        look += attribute("opacity", f"{opacity:g}" if opacity != 1 else "")
        width = gc.get_linewidth()
        if not width:
            return look
        start, dashes = cast("tuple[float, Sequence[float] | None]", gc.get_dashes())
        if dashes is not None:
            look += attribute("stroke-dasharray", ",".join(f"{one:g}" for one in dashes))
            look += attribute("stroke-dashoffset", f"{start:g}" if start else "")
        colour = to_hex(edge)
        shade = 1.0 if gc.get_forced_alpha() else edge[3]
        cap = {"butt": "", "projecting": "square"}.get(gc.get_capstyle(), gc.get_capstyle())
        return (
            look
            + attribute("stroke", _COLOURS.get(colour, colour))
            + attribute("stroke-opacity", f"{shade:g}" if shade != 1 else "")
            + attribute("stroke-width", f"{width:g}" if width != 1 else "")
            + attribute("stroke-linecap", cap)
        )

    def _hatch(self, gc: GraphicsContextBase, face: Any) -> str:
        """Define a hatch."""
        colour: Any = gc.get_hatch_color()
        width = gc.get_hatch_linewidth()
        ground = "none" if face is None else to_hex(face)
        hatch: Any = gc.get_hatch_path()
        whole = Affine2D().scale(_TILE, -_TILE).translate(0, _TILE).transform_path(hatch)
        side, lines = tile(whole) or (_TILE, path_data(whole, _FINE))
        size = attribute("width", f"{side:g}") + attribute("height", f"{side:g}")
        ink, shade = _COLOURS.get(to_hex(colour), to_hex(colour)), colour[3]
        look = attribute("fill", ink if side == _TILE else "") + attribute("stroke", ink)
        look += attribute("stroke-opacity", f"{shade:g}" if shade != 1 else "")
        look += attribute("stroke-width", f"{width:g}")
        return self._refer(
            ("hatch", gc.get_hatch(), ground, look),
            f'<pattern id="{{}}" patternUnits="userSpaceOnUse"{size}><rect{size} '
            f'fill="{_COLOURS.get(ground, ground)}"/><path{look} d="{lines}"/></pattern>',
        )

    def _clip(self, gc: GraphicsContextBase, drawn: Path) -> str:
        """Cut off what reaches over the edge of the Axes."""
        shape, transform = cast("tuple[Any, Any]", gc.get_clip_path())
        frame = gc.get_clip_rectangle()
        if shape is not None:
            inside = path_data(shape.cleaned(transform + self._flip, curves=True), _COARSE)
            inside = f'<path d="{inside}"/>'
        elif frame is None or _within(drawn, frame, self.height):
            return ""
        else:
            x, y, width, height = map(number, (frame.x0, self.height - frame.y1, *frame.size))
            inside = f'<rect x="{x}" y="{y}" width="{width}" height="{height}"/>'
        name = self._refer(inside, f'<clipPath id="{{}}">{inside}</clipPath>')
        return attribute("clip-path", f"url(#{name})")

    def _refer(self, key: Hashable, definition: str) -> str:
        """Define something once, and give its id."""
        if key not in self._ids:
            self._ids[key] = f"{self._name}-{len(self._ids)}"
            self._defined.append(definition.format(self._ids[key]))
        return self._ids[key]


def path_data(path: Path, digits: int) -> str:
    """Write a path as short as it can be: lines along an axis as such, none without a length."""
    found: list[str] = []
    x = y = ""
    rest = 0
    codes: Any = path.codes
    places: Any = path.vertices
    for (across, down), code in zip(
        (np.round(places, digits) + 0.0).tolist(), codes.tolist(), strict=True
    ):
        if code not in _LETTERS:
            found += ["z"] if code == Path.CLOSEPOLY else []
            continue
        now, then = f"{across:g}", f"{down:g}"
        if rest:
            found.append(f" {now} {then}")
            rest -= 1
        elif code != Path.LINETO:
            letter, length = _LETTERS[code]
            found.append(f"{letter}{now} {then}")
            rest = length - 1
        elif then != y:
            found.append(f"V{then}" if now == x else f"L{now} {then}")
        elif now != x or found[-1][0] == "M":
            found.append(f"H{now}")
        x, y = now, then
    return "".join(found)


def _within(drawn: Path, frame: Bbox, height: float) -> bool:
    """Tell whether a path, with y running down, needs no clipping."""
    places: Any = drawn.vertices
    codes: Any = drawn.codes
    places = places[(codes != Path.STOP) & (codes != Path.CLOSEPOLY)]
    (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
    return bool(
        left >= frame.x0 - _SPARE
        and right <= frame.x1 + _SPARE
        and top >= height - frame.y1 - _SPARE
        and bottom <= height - frame.y0 + _SPARE
    )


def _holds(frame: Bbox, x: float, y: float) -> bool:
    across = frame.x0 - _SPARE <= x <= frame.x1 + _SPARE
    return bool(across and frame.y0 - _SPARE <= y <= frame.y1 + _SPARE)


def _likeness(item: Leaf | str) -> tuple[str, str]:
    return ("z", "") if isinstance(item, str) else (item.tag, item.look)
