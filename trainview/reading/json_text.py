"""The parts of a JSON text as they stand there, so that nothing of them is lost on the way."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Part(NamedTuple):
    """A value of a JSON text.

    Attributes
    ----------
    key : str or int
        Its key in an object, its index in a list, its line in a file of JSON lines.
    value : object
        What it says.
    text : str
        How it says it.
    """

    key: str | int
    value: Any
    text: str


def members(text: str) -> Iterator[Part]:
    """Take a JSON object apart, one member after the other.

    Parameters
    ----------
    text : str
        Begins with ``{``.

    Yields
    ------
    Part
        A member; the text is not looked at beyond it.

    Raises
    ------
    ValueError
        Where the text stops being JSON.

    Examples
    --------
    >>> [(part.key, part.text) for part in members('{"a": 1.50, "b": [2]}')]
    [('a', '1.50'), ('b', '[2]')]
    """
    at = _skip(text, 1)
    if text[at : at + 1] == "}":
        return
    while True:
        key, at = _DECODER.raw_decode(text, at)
        if not isinstance(key, str):
            raise json.JSONDecodeError("Expecting a key", text, at)
        at = _expect(text, _skip(text, at), ":")
        value, end = _decode(text, at)
        yield Part(key, value, text[at:end])
        at = _skip(text, end)
        if text[at : at + 1] == "}":
            return
        at = _expect(text, at, ",")


def elements(text: str) -> Iterator[Part]:
    """Take a JSON list apart, one element after the other.

    Parameters
    ----------
    text : str
        Begins with ``[``.

    Yields
    ------
    Part
        An element; the text is not looked at beyond it.

    Raises
    ------
    ValueError
        Where the text stops being JSON.

    Examples
    --------
    >>> [part.text for part in elements('[{"a": 1.50}, null]')]
    ['{"a": 1.50}', 'null']
    """
    at = _skip(text, 1)
    if text[at : at + 1] == "]":
        return
    index = 0
    while True:
        value, end = _decode(text, at)
        yield Part(index, value, text[at:end])
        index += 1
        at = _skip(text, end)
        if text[at : at + 1] == "]":
            return
        at = _expect(text, at, ",")


def documents(text: str) -> Iterator[Part]:
    r"""Take a text apart that is one JSON document after the other, such as JSON lines.

    Parameters
    ----------
    text : str
        At least one document.

    Yields
    ------
    Part
        A document, with the number of the line that it begins in, from 1.

    Raises
    ------
    ValueError
        Where the text stops being JSON.

    Examples
    --------
    >>> [part.key for part in documents('{"a": 1}\n\n{"a": 2}\n')]
    [1, 3]
    """
    at = _skip(text, 0)
    line = 1 + text.count("\n", 0, at)
    while at < len(text):
        value, end = _decode(text, at)
        yield Part(line, value, text[at:end])
        following = _skip(text, end)
        line += text.count("\n", at, following)
        at = following


def _decode(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError:
        raise ValueError("nested too deeply to be an answer of the API") from None


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _expect(text: str, at: int, mark: str) -> int:
    if text[at : at + 1] != mark:
        raise json.JSONDecodeError(f"Expecting {mark!r}", text, at)
    return _skip(text, at + 1)
