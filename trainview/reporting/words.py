"""Words of the page: days, names that cannot change the text around them, lists."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import pandas as pd
from markupsafe import Markup

from trainview.plot.wording import money, number
from trainview.text.cells import NULL, cell

PERIODS = {"D": "day", "W": "week", "M": "month", "Y": "year"}
_MOST_LISTED = 5
# The end of a name in Hebrew, Arabic and the like.
_FROM_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc](?=[^\\w\u0590-\u08ff]*[\\d])")


def day(moment: Any) -> str:
    """Write the date of a moment.

    Examples
    --------
    >>> day(pd.Timestamp("2026-03-09T10:00Z"))
    '9 March 2026'
    """
    return f"{moment.day} {moment:%B %Y}"


def name(column: str, value: object, limit: int = 60) -> Markup:
    """Write a name into a sentence; whatever its script, the sentence runs on.

    Examples
    --------
    >>> name("project_name", "<b>"), name("project_name", None)
    (Markup('<bdi>&lt;b&gt;</bdi>'), Markup('<bdi>(no project)</bdi>'))
    """
    text = cell(column, value, limit)
    if text == NULL:
        what = column.removesuffix("_name").replace("_", " ").replace("gpu", "GPU")
        text = f"(no {what})"
    return Markup("<bdi>{}</bdi>").format(text)


def names(column: str, values: Iterable[object]) -> Markup:
    """Write names into a sentence, as `name` writes one."""
    return joined([name(column, value) for value in values])


def from_left(sentence: str) -> str:
    r"""Let numbers behind a name that is written from the right stand right of it, with their sign.

    Examples
    --------
    >>> from_left("most less: תמ -6 USD, llm -2 USD").index("\u200e -6")
    13
    """
    return _FROM_RIGHT.sub("\\g<0>\N{LEFT-TO-RIGHT MARK}", sentence)


def row_name(column: str, row: Any) -> str:
    """Write the name of a row where only text can stand, as beside a picture."""
    return cell(column, getattr(row, column), 60)


def error_name(error: object, limit: int | None = None) -> str:
    """Write what errors have in common, which may be that they say nothing."""
    text = cell("error", error, limit)
    return "(no message)" if text == NULL else text


def usd(amount: float) -> str:
    """Write an amount of money with its currency.

    Examples
    --------
    >>> usd(1234.5), usd(0.25)
    ('1,234 USD', '0.25 USD')
    """
    return f"{money(amount)} USD"


def duration(hours: float) -> str:
    """Write how long something took, from seconds to days.

    Examples
    --------
    >>> [duration(hours) for hours in (0, 0.0001, 0.001, 0.75, 6.25, 51.0)]
    ['0 s', '<1 s', '4 s', '45 min', '6.2 h', '2.1 days']
    """
    seconds = 3600 * hours
    if 0 < seconds < 0.5:  # noqa: PLR2004 - what would be written as 0
        return "<1 s"
    if seconds < 59.5:  # noqa: PLR2004 - what would be written as 60
        return f"{seconds:.0f} s"
    if seconds < 59.5 * 60:
        return f"{seconds / 60:.0f} min"
    if hours < 48:
        return f"{number(hours)} h"
    return f"{number(hours / 24)} days"


def joined(parts: Sequence[Markup | str]) -> Markup:
    """Join the parts of an enumeration.

    Examples
    --------
    >>> str(joined(["a", "b", "c"]))
    'a, b and c'
    """
    if len(parts) < 2:
        return Markup("").join(parts)
    return Markup("{} and {}").format(Markup(", ").join(parts[:-1]), parts[-1])


class _Row:
    """A row of a table, whose columns are attributes."""

    def __init__(self, column: Callable[[str], list[Any]], at: int) -> None:
        self._column, self._at = column, at

    def __getattr__(self, name: str) -> Any:
        try:
            return self._column(name)[self._at]
        except KeyError:
            raise AttributeError(name) from None


def each(frame: pd.DataFrame) -> Iterable[Any]:
    """Go through the rows of a helper's result; the columns are attributes."""

    # itertuples reads all columns, and makes a class for each table: few of them are asked for
    @cache
    def column(name: str) -> list[Any]:
        return frame[name].to_list()

    return (_Row(column, at) for at in range(len(frame)))


def listed(parts: Iterable[str]) -> str:
    """Read the first parts of a picture out, and say how many there are more.

    Examples
    --------
    >>> listed(f"row {number}" for number in range(7))
    'row 0; row 1; row 2; row 3; row 4; and 2 more.'
    """
    found = list(parts)
    more = [f"and {len(found) - _MOST_LISTED:,} more"] if len(found) > _MOST_LISTED else []
    return "; ".join([*found[:_MOST_LISTED], *more]) + "."
