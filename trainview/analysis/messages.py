"""Error messages as templates: what differs from job to job is masked, the cause stays readable."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

LONGEST = 300
# Some patterns take time that grows with the square of a line's length.
READ = 2000

# While masks are applied, one private character stands for each placeholder.
ID, ADDRESS, TIME, URL, EMAIL, PATH, SIZE, NUMBER = map(chr, range(0xE000, 0xE008))
PLACEHOLDERS = {
    ID: "<id>",
    ADDRESS: "<address>",
    TIME: "<time>",
    URL: "<url>",
    EMAIL: "<email>",
    PATH: "<path>",
    SIZE: "<size>",
    NUMBER: "<number>",
}


class Mask(NamedTuple):
    """A pattern to replace.

    Attributes
    ----------
    marker : str
        What each line that matches contains; other lines are not searched.
    pattern : re.Pattern
        It takes digits as a class, never one by its value, and does not reach over a line's end.
        Where it can, it begins with the characters it looks for and looks behind them afterwards:
        that way the search is several times as fast.
    replacement : str or callable
        What to put in, as `re.sub` takes it.
    """

    marker: str
    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str]


def _mask(marker: str, pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> Mask:
    return Mask(marker, re.compile(pattern), replacement)


def _number_of_word(found: re.Match[str]) -> str:
    return found[0] if found[1] in TYPES else found[1] + NUMBER


# Words whose number is part of their name.
TYPES = {"float", "bfloat", "int", "uint", "complex", "utf", "sha", "base"}

_SET = f"{ID}-{NUMBER}"
_END = r"(?![0-9A-Za-z])"
_DIGIT = r"[0-9](?<![0-9A-Za-z][0-9])"
_BYTE = r"[0-9]{1,3}"
_HEX = r"[0-9A-Fa-f]{1,4}"
_FILE = r"(?:py|pyx|c|cc|cpp|cu|cuh|h|hpp|go|rs|js|ts|java|sh|log|txt|json|ya?ml|toml)"
_MIXED = "(?:[a-z][0-9]+[a-z]|[0-9][a-z]+[0-9])"
_VERY_MIXED = "(?:[a-z][0-9]+[a-z]+[0-9]|[0-9][a-z]+[0-9]+[a-z])"

POINTER = _mask("0x", rf"0(?<![0-9A-Za-z]0)x[0-9A-Fa-f]+{_END}", ADDRESS)
IDS = (
    _mask(
        "-",
        rf"[0-9A-Fa-f](?<![0-9A-Za-z][0-9A-Fa-f])[0-9A-Fa-f]{{7}}(?:-[0-9A-Fa-f]{{4}}){{3}}"
        rf"-[0-9A-Fa-f]{{12}}{_END}",
        ID,
    ),
    # hexadecimal, or letters and digits mixed; not 1024x768, 30seconds or float32
    _mask(
        "",
        rf"(?<![0-9A-Za-z])(?=[A-Za-z]*[0-9])(?![0-9]+(?:x[0-9]+)+{_END})"
        r"(?:(?=[0-9]*[a-f])[0-9a-f]{7,}|(?=[0-9]*[A-F])[0-9A-F]{7,}"
        rf"|(?=[0-9a-z]*{_MIXED})[0-9a-z]{{7,}}|(?=[0-9a-z]*{_VERY_MIXED})[0-9a-z]{{5,6}})"
        rf"{_END}",
        ID,
    ),
)
# What contains other things goes first.
MASKS = (
    _mask("://", r"\b[A-Za-z][\w+.-]*://[^\s'\"`<>]*[^\s'\"`<>()\[\]{}.,:;]", URL),
    _mask("@", rf"[\w.+{_SET}-]+@[\w{_SET}-]+(?:\.[\w-]+)+", EMAIL),
    _mask(
        "",
        rf"{_DIGIT}[0-9]{{3}}([-/])[0-9]{{2}}\1[0-9]{{2}}"
        r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)?"
        rf"(?: ?(?:Z|UTC|GMT|[+-][0-9]{{2}}:?[0-9]{{2}}))?{_END}",
        TIME,
    ),
    _mask(":", rf"{_DIGIT}[0-9]?:[0-9]{{2}}:[0-9]{{2}}(?:[.,][0-9]+)?{_END}", TIME),
    _mask(
        ".",
        rf"[0-9](?<![\w.][0-9])[0-9]{{0,2}}(?:\.{_BYTE}){{3}}(?:[:/][0-9]+)?(?!\.?[0-9A-Za-z])",
        ADDRESS,
    ),
    # an IPv6 address has eight parts, or :: and a digit; std::bad_alloc has none
    _mask(
        ":",
        rf"(?<![\w:.])\[?(?:(?:{_HEX}:){{7}}{_HEX}"
        rf"|(?=[A-Fa-f:]*[0-9])(?:{_HEX}:){{0,6}}(?:{_HEX})?::(?:{_HEX}:){{0,6}}(?:{_HEX})?)"
        r"(?![\w:])(?:\](?::[0-9]+)?)?",
        ADDRESS,
    ),
    # a host and its port, not a file and its line
    _mask(
        ":",
        rf"(?<![\w.{_SET}-])(?:localhost|[\w{_SET}-]+(?:\.[\w{_SET}-]+)*"
        rf"\.(?!{_FILE}:)[A-Za-z][\w-]*):[0-9]{{2,5}}{_END}",
        ADDRESS,
    ),
    # in quotes, a path may contain spaces
    _mask(
        "",
        r"(['\"`])(?:~?/|\.{1,2}/|[A-Za-z]:[\\/]|\\\\)[^'\"`\n]*\1",
        lambda found: found[1] + PATH + found[1],
    ),
    _mask(
        "/", rf"(?<![\w/.{_SET}])(?:~|\.{{1,2}})?(?:/[\w.~@%+={_SET}-]*[\w~@%+={_SET}-])+/?", PATH
    ),
    _mask("\\", r"(?<!\w)(?:[A-Za-z]:\\|\\\\[\w.-]+\\)[^\s'\"`<>|:*?]*", PATH),
    _mask("", rf"{_DIGIT}[0-9]*(?:[.,][0-9]+)* ?(?:[KMGTP]i?B|[kmgt]b|bytes){_END}", SIZE),
    _mask("x", rf"{_DIGIT}[0-9]*(?:x[0-9]+)+{_END}", NUMBER),
    _mask("v", r"v(?<![0-9A-Za-z]v)[0-9]+(?:\.[0-9]+)*", NUMBER),
    _mask("", rf"{_DIGIT}[0-9]*(?:[.,][0-9]+)*(?:[eE][-+]?[0-9]+)?", NUMBER),
    _mask("", rf"([a-z](?<![0-9A-Za-z][a-z])[a-z]{{2,}})[0-9]+{_END}", _number_of_word),
    _mask(NUMBER, rf"[-+](?<![\w.)\]{_SET}][-+]){NUMBER}", NUMBER),
    _mask(",", rf"(?<=[\[(]){NUMBER}(?:, {NUMBER})+(?=[\])])", NUMBER),
)

_TRACEBACK = re.compile(r"Traceback \(most recent call last\)")
_RANK = re.compile(r"^\[[A-Za-z]+ ?[0-9]+\]:? ?")
_AFTER_LETTER = re.compile("[A-Za-z][0-9]+")


def headline(message: str) -> str:
    r"""Fold a message into one line; of a traceback, keep the line of the exception.

    Parameters
    ----------
    message : str
        What the API gave.

    Returns
    -------
    str
        One line without surplus white space, at most 2000 characters; empty for a blank message.

    Examples
    --------
    >>> headline('Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 3\n')
    'KeyError: 3'
    """
    if "\n" in message and (found := list(_TRACEBACK.finditer(message))):
        lines = [_RANK.sub("", line) for line in message[found[-1].end() :].splitlines()[1:]]
        lines = [line for line in lines if line.strip()]
        # Frames are indented, and so may be what follows the exception.
        message = next((line for line in lines if not line[0].isspace()), "".join(lines[-1:]))
    return " ".join(message.split())[:READ]


def templates(messages: Sequence[str]) -> list[str]:
    """Replace what is particular in each message by a placeholder.

    Parameters
    ----------
    messages : sequence of str
        Messages as the API gave them.

    Returns
    -------
    list of str
        One template a message, at most 300 characters, empty for a blank message. Messages that
        differ only in numbers, identifiers, addresses, paths, sizes or times have the same one.

    Examples
    --------
    >>> templates(["No route to 10.0.0.7:29500 after 30.5 s", "No route to 10.1.1.9:80 after 4 s"])
    ['No route to <address> after <number> s', 'No route to <address> after <number> s']
    """
    lines = _apply((POINTER,), [headline(message) for message in messages])
    for masks in (IDS, MASKS):
        # Lines of one shape have one template, so one line of each is enough.
        distinct = list(dict.fromkeys(lines))
        shapes = _shapes(distinct)
        sample = dict(zip(shapes, distinct, strict=True))
        masked = dict(zip(sample, _apply(masks, list(sample.values())), strict=True))
        found = {line: masked[shape] for line, shape in zip(distinct, shapes, strict=True)}
        lines = [found[line] for line in lines]
    finished = {line: _finish(line) for line in set(lines)}
    return [finished[line] for line in lines]


def _apply(masks: Iterable[Mask], lines: list[str]) -> list[str]:
    lines = list(lines)
    for mask in masks:
        at = [place for place, line in enumerate(lines) if mask.marker in line]
        # All lines at once: a call for each takes several times as long.
        text = mask.pattern.sub(mask.replacement, "\n".join([lines[place] for place in at]))
        for place, line in zip(at, text.split("\n"), strict=False):
            lines[place] = line
    return lines


def _shapes(lines: Sequence[str]) -> list[str]:
    """Reduce lines to what their templates depend on: digits count by their place alone."""
    text = "\n".join(lines)
    for digit in "123456789":
        text = text.replace(digit, "0")
    shapes = text.split("\n")[: len(lines)]
    # A digit after a letter may stay, as in H100, so there it counts by its value.
    valued = {shape for shape in set(shapes) if _AFTER_LETTER.search(shape)}
    return [
        "\n".join([shape, *_AFTER_LETTER.findall(line)]) if shape in valued else shape
        for shape, line in zip(shapes, lines, strict=True)
    ]


def _finish(line: str) -> str:
    for character, placeholder in PLACEHOLDERS.items():
        line = line.replace(character, placeholder)
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
