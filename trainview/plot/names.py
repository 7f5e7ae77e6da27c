"""Names in a picture: short enough, one line, inert, and in a font that has their letters."""

import re
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from unicodedata import bidirectional, east_asian_width

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from trainview.text.safe import safe_text

Kind: TypeAlias = Literal["font.size", "legend.fontsize", "ytick.labelsize"]

# Names are never read as formulas.
INERT: dict[str, Any] = {"parse_math": False, "usetex": False}

# Fonts to look into for letters that the usual ones lack, where they are installed. None of
# coloured pictures: Matplotlib cannot draw them.
FALLBACKS = (
    "DejaVu Sans",
    "Noto Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Source Han Sans",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "IPAexGothic",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Nirmala UI",
    "Leelawadee UI",
    "Segoe UI",
    "Segoe UI Symbol",
    "Segoe UI Emoji",
    "Noto Emoji",
    "Symbola",
    "Arial Unicode MS",
    "Unifont",
)
# It comes with Matplotlib 3.11: a box for every letter there is, with a sample of its script.
LAST_RESORT = "Last Resort High-Efficiency"
BOX = "□"
# The left-to-right mark: lines run from the left, also those that begin with Arabic or Hebrew.
FROM_LEFT = "\u200e"
# More marks on one letter than any script has: they would cover the lines above.
_MARK = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]"
_PILE = re.compile(f"({_MARK}{{3}}){_MARK}+")
# Letters that stand side by side in any text, and the size in points that they are measured in.
_PLAIN = "".join(map(chr, range(ord(" "), ord("~") + 1))) + "…·≤≥→□\N{MINUS SIGN}"
_SIZE = 100
# A name is never cut to fewer.
LEAST_LETTERS = 9


def short(name: str, limit: int) -> str:
    """Show a name in at most so many columns: its middle is cut out, what is invisible escaped.

    Parameters
    ----------
    name : str
        The whole name.
    limit : int
        Columns; wide letters take two.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> short("llama-3-70b-continued-pretrain", 16)
    'llama-3-…retrain'
    >>> short("日本語日本語", 8)
    '日本…語'
    """
    name = _PILE.sub(r"\1", name)
    text = safe_text(name, limit)
    for fewer in range(limit - 1, 0, -1):
        if columns(text) <= limit:
            break
        text = safe_text(name, fewer)
    return text


def columns(text: str) -> int:
    """Count the columns that a text takes, wide letters as two."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def points(kind: Kind) -> float:
    """Give the size of a kind of text in points."""
    return _points(mpl.rcParams[kind], mpl.rcParams["font.size"])


@lru_cache(maxsize=64)
def _points(size: str | float, _: float) -> float:
    # a size such as "small" is of that of all texts
    return float(FontProperties(size=size).get_size_in_points())


def inches(text: str, kind: Kind = "font.size") -> float:
    """Measure the width of a text."""
    text, families = drawable(text)
    return _width(text, tuple(families), points(kind)) / 72


@lru_cache(maxsize=4096)
def _width(text: str, families: tuple[str, ...], size: float) -> float:
    width, _, _ = extent(text, FontProperties(family=list(families), size=size), False)  # noqa: FBT003
    return width


@lru_cache(maxsize=4096)
def extent(text: str, font: FontProperties, ismath: Any) -> tuple[float, float, float]:
    """Measure a text: its width, height and depth in points.

    Matplotlib draws each letter to measure a text. Here plain letters stand as far apart as their
    font says, and a line is as high as its font: kerning alone would make it narrower.
    """
    advances = _advances(findfont(font))
    if ismath or not advances.keys() >= set(text):
        return text_to_path.get_text_width_height_descent(text, font, ismath)
    _, height, depth = _line(font)
    return sum(map(advances.__getitem__, text)) * font.get_size_in_points(), height, depth


@lru_cache(maxsize=64)
def _line(font: FontProperties) -> tuple[float, float, float]:
    return text_to_path.get_text_width_height_descent("lp", font, ismath=False)


@lru_cache(maxsize=64)
def _advances(path: Any) -> dict[str, float]:
    """Tell how far the plain letters that a font has move on, as a fraction of its size."""
    font = FT2Font(path)
    font.set_size(_SIZE, 72)
    letters = [code for code in map(ord, _PLAIN) if font.get_char_index(code)]
    flags = LoadFlags.NO_HINTING
    advances = [font.load_char(code, flags).linearHoriAdvance for code in letters]
    return {
        chr(code): advance / 2**16 / _SIZE for code, advance in zip(letters, advances, strict=True)
    }


def fit(name: str, most: float, kind: Kind = "font.size") -> str:
    """Show as much of a name as there is room for.

    Parameters
    ----------
    name : str
        The whole name.
    most : float
        The room in inches; some letters are shown in any case.
    kind : str, optional
        The kind of text, which decides on its size.

    Returns
    -------
    str
        One line, cut in the middle, what is invisible escaped.
    """
    # No letter is so narrow that more would fit.
    longest = max(LEAST_LETTERS, int(most * 72 / points(kind) / 0.25))
    whole = short(name, longest)
    if inches(whole, kind) <= most:
        return whole
    # measuring takes long: begin where the letters would fit if all were as wide as each other
    limit = max(LEAST_LETTERS, int(columns(whole) * most / inches(whole, kind)))
    while limit > LEAST_LETTERS and inches(short(name, limit), kind) > most:
        limit -= 1
    while limit < longest and inches(short(name, limit + 1), kind) <= most:
        limit += 1
    return short(name, limit)


def name_id(name: str) -> str:
    """Make the ``gid`` of an artist from a whole name; in SVG it becomes the element's id."""
    return f"name:{safe_text(name)}"


def put(ax: Axes, x: float, y: float, text: str, **properties: Any) -> Text:
    """Write a text that may hold a name."""
    text, families = drawable(text)
    return ax.text(x, y, text, **{"fontfamily": families, **INERT, **properties})


def drawable(text: str) -> tuple[str, list[str]]:
    """Find fonts that have every letter of a text.

    Parameters
    ----------
    text : str
        One line.

    Returns
    -------
    text : str
        The same; what no font has stands as a box, where Matplotlib brings none of its own.
    families : list of str
        The fonts of the rcParams, then those that are needed beside them.
    """
    families = list(mpl.rcParams["font.family"])
    if text.isascii():
        return text, families
    missing = set(map(ord, text))
    for family in families:
        missing -= _letters(family)
    installed = set(fontManager.get_font_names()) if missing else set()
    for family in FALLBACKS:
        if missing and family in installed and missing & _letters(family):
            families.append(family)
            missing -= _letters(family)
    if missing and LAST_RESORT in installed:
        families.append(LAST_RESORT)
    elif missing:
        text = "".join(BOX if ord(letter) in missing else letter for letter in text)
    if any(bidirectional(letter) in {"R", "AL"} for letter in text):
        text = FROM_LEFT + text.removeprefix(FROM_LEFT)
    return text, families


def _letters(family: str) -> frozenset[int]:
    try:
        path: Any = findfont(FontProperties(family=[family]), fallback_to_default=False)
    except ValueError:
        return frozenset()
    return _letters_of_file(path)


@lru_cache(maxsize=64)
def _letters_of_file(path: Any) -> frozenset[int]:
    return frozenset(FT2Font(path).get_charmap())


class FittedText(Text):
    """A text in the middle of a span of data, drawn only while the span is wider.

    Parameters
    ----------
    left, right : float
        The span along x, in data.
    y : float
        In data.
    text : str
        It may hold a name.
    **properties : Any
        Of `matplotlib.text.Text`.
    """

    def __init__(self, left: float, right: float, y: float, text: str, **properties: Any) -> None:
        text, families = drawable(text)
        super().__init__((left + right) / 2, y, text)
        self.set(ha="center", va="center_baseline", fontfamily=families, **INERT, **properties)
        self._span = left, right
        self.set_in_layout(False)

    def draw(self, renderer: RendererBase, *args: Any, **kwargs: Any) -> None:
        """Draw it, if it fits."""
        left, right = (self.get_transform().transform((x, 0.0))[0] for x in self._span)
        box = self.get_window_extent(renderer)
        if box.width + 0.4 * box.height <= abs(right - left):
            super().draw(renderer, *args, **kwargs)
