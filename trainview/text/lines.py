"""Text in lines of some width, where characters may take two places."""

import unicodedata

from trainview.text.safe import safe_text


def width_of(text: str) -> int:
    """Count the places that a line takes in a terminal, rather too many than too few.

    Parameters
    ----------
    text : str
        Safe text.

    Returns
    -------
    int
        Two for wide characters, one for each other.

    Examples
    --------
    >>> width_of("llm"), width_of("訓練")
    (3, 4)
    """
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def shorten(text: str, width: int) -> str:
    """Cut a text in its middle, to so many places.

    Parameters
    ----------
    text : str
        Safe text.
    width : int
        The most places it may take, at least 1.

    Returns
    -------
    str
        The text, with an ellipsis where something was left out.

    Examples
    --------
    >>> shorten("a-very-long-project-name", 11)
    'a-ver…-name'
    """
    limit = width
    while width_of(text) > width:
        text, limit = safe_text(text, limit), limit - 1
    return text


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill a text up with spaces, to the left of it where it shall stand at the right."""
    space = " " * max(width - width_of(text), 0)
    return space + text if right else text + space


def wrap(text: str, width: int, indent: str = "", first: str | None = None) -> list[str]:
    """Break a text into lines, at spaces where there are some.

    Parameters
    ----------
    text : str
        Safe text.
    width : int
        The most places that a line takes.
    indent : str, optional
        What each line begins with.
    first : str, optional
        What the first line begins with, instead.

    Returns
    -------
    list of str
        At least one line.

    Examples
    --------
    >>> wrap("read the error before starting another job", 24, "  ", "- ")
    ['- read the error before', '  starting another job']
    """
    lines, line, is_empty = [], indent if first is None else first, True
    for word in text.split(" "):
        rest = word
        gap = "" if is_empty else " "
        if width_of(line) + len(gap) + width_of(rest) > width and not is_empty:
            lines.append(line)
            line, gap = indent, ""
        while width_of(line) + width_of(rest) > width:
            head = _head(rest, max(width - width_of(line), 2))
            lines.append(line + head)
            line, rest = indent, rest[len(head) :]
        line += gap + rest
        is_empty = False
    return [*lines, line]


def _head(text: str, width: int) -> str:
    """Take as many characters as fit, one at least."""
    size, taken = 0, 0
    for letter in text:
        size += width_of(letter)
        if size > width:
            break
        taken += 1
    return text[: max(taken, 1)]
