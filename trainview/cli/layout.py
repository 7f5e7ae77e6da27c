"""How wide the columns of a table are, in a terminal of some width."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from rich.cells import cell_len

from trainview.text.cells import is_number

PROSE = frozenset({"advice", "detail", "error", "description", "reason"})
_WIDE = 120
# What heads and gaps give before a text is cut: spaces between columns, the longest line of a head.
_STEPS = ((3, None), (3, 13), (3, 1))
# What is left of texts, and of the gaps around them, before a table is wider than its terminal.
_CUTS = ((3, 10), (1, 10), (1, 6), (1, 5))
_LEAST_PROSE = 20
# What is of no use when it is cut, and is rather broken into its words.
MARKS = frozenset({"category", "phase", "status"})


class Layout(NamedTuple):
    """How a table is drawn.

    Attributes
    ----------
    heads : dict of str to str
        The line or lines above each column.
    widths : dict of str to int
        In characters.
    gap : int
        Spaces between columns.
    bar : int
        The width of a bar for each share; 0 where there is none.
    is_whole : bool
        Whether no text is cut.
    """

    heads: dict[str, str]
    widths: dict[str, int]
    gap: int
    bar: int
    is_whole: bool

    def width(self) -> int:
        """Sum it up, without the bar."""
        return sum(self.widths.values()) + self.gap * (len(self.widths) - 1)


def lay_out(frame: pd.DataFrame, texts: Mapping[str, Sequence[str]], width: int) -> Layout:
    """Give each column its width: names and numbers whole if that can be, numbers in any case.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table, for the types of its columns.
    texts : dict of str to sequence of str
        The cells of the columns that are drawn.
    width : int
        Of the terminal, in characters.

    Returns
    -------
    Layout
        Prose is broken into lines; the longest of other texts are cut first. A table is wider
        than the terminal only where its numbers alone are.
    """
    numbers = {name for name in texts if _is_rigid(frame[name])}
    rigid, barest = (
        numbers | {name for name in texts if _is_mark(name, texts[name], longest)}
        for longest in (20, 8)
    )
    least_prose = max(_LEAST_PROSE, width // 3)
    bars = [12 if width < _WIDE else 30] if "share" in texts else []
    for bar in (*bars, 0):
        for gap, longest in _STEPS:
            found = _try(texts, rigid, width, (gap, longest, bar), least_prose, None)
            if found is not None:
                return found
    for gap, least in _CUTS:
        kept = rigid if least > _CUTS[-1][1] + 1 else barest
        found = _try(texts, kept - MARKS, width, (gap, 1, 0), min(least_prose, 2 * least), least)
        if found is not None:
            return found
    heads, natural = _measure(texts, 1)
    gap, least = _CUTS[-1]
    cut = {
        name: min(natural[name], _longest_word(texts[name]) if name in MARKS else least)
        for name in texts
        if name not in numbers
    }
    return Layout(heads, natural | cut, gap, 0, is_whole=False)


def _try(
    texts: Mapping[str, Sequence[str]],
    rigid: set[str],
    width: int,
    step: tuple[int, int | None, int],
    least_prose: int,
    least: int | None,
) -> Layout | None:
    """Lay the columns out with some gap, heads and bar; texts are cut only to a given length."""
    gap, longest, bar = step
    heads, natural = _measure(texts, longest)
    room = width - gap * (len(texts) - 1) - (bar and bar + gap)
    room -= sum(natural[name] for name in rigid)
    wanted = {name: natural[name] for name in texts if name not in rigid}
    floors = {
        name: min(size, least_prose) if name in PROSE else size for name, size in wanted.items()
    }
    if least is not None:
        floors = {
            name: _longest_word(texts[name])
            if name in MARKS
            else min(size, floors[name], _floor(name, least))
            for name, size in wanted.items()
        }
    if sum(floors.values()) > room:
        return None
    given = _share_out(room, wanted, floors)
    widths = natural | given
    _unfold(heads, widths, room - sum(given.values()))
    cut = {name for name, size in wanted.items() if widths[name] < size}
    is_whole = cut <= PROSE
    return Layout(heads, widths, gap, bar, is_whole)


def _unfold(heads: dict[str, str], widths: dict[str, int], spare: int) -> None:
    """Give heads back their one line while there is room, where that takes least first."""
    folded = [name for name, head in heads.items() if "\n" in head]
    for name in sorted(folded, key=lambda name: cell_len(name) - widths[name]):
        more = max(cell_len(name) - widths[name], 0)
        if more <= spare:
            heads[name] = name
            widths[name] += more
            spare -= more


def _longest_word(texts: Sequence[str]) -> int:
    return max((cell_len(word) for text in texts for word in words(text).split()), default=0)


def words(text: str) -> str:
    """Let a text be broken behind its hyphens too."""
    return text.replace("-", "- ")


def _floor(name: str, least: int) -> int:
    return 2 * least if name in PROSE else least


def _share_out(room: int, wanted: Mapping[str, int], floors: Mapping[str, int]) -> dict[str, int]:
    """Give each text its width; where there is too little, the longest give way first."""
    given: dict[str, int] = {}
    names = sorted(wanted, key=lambda name: wanted[name])
    for place, name in enumerate(names):
        left = room - sum(given.values())
        kept = sum(floors[later] for later in names[place + 1 :])
        fair = min(left // (len(names) - place), left - kept)
        given[name] = min(wanted[name], max(fair, floors[name]))
    return given


def _measure(
    texts: Mapping[str, Sequence[str]], longest: int | None
) -> tuple[dict[str, str], dict[str, int]]:
    """Break long heads into lines, and give each column the width that it would like."""
    cells = {name: max(map(cell_len, column), default=0) for name, column in texts.items()}
    heads = {
        name: name if longest is None else _folded(name, max(longest, cells[name]))
        for name in texts
    }
    return heads, {
        name: max(cells[name], *map(cell_len, head.split("\n"))) for name, head in heads.items()
    }


def _folded(name: str, longest: int) -> str:
    """Break a long name into lines, at its underscores."""
    if len(name) <= longest:
        return name
    lines = [""]
    for part in name.split("_"):
        if len(lines[-1]) + len(part) < longest:
            lines[-1] += f"{part}_"
        else:
            lines.append(f"{part}_")
    return "\n".join(line for line in lines if line).removesuffix("_")


def _is_rigid(column: Any) -> bool:
    return is_number(column) or pd.api.types.is_datetime64_any_dtype(column)


def _is_mark(name: str, texts: Sequence[str], longest: int) -> bool:
    """Tell what is of no use when it is cut: identifiers and the like, if they are short."""
    is_named_so = name.endswith("_id") or name in {*MARKS, "lane"}
    return is_named_so and max(map(cell_len, texts), default=0) <= longest
