"""Error messages as templates: what differs from job to job is masked, the cause stays readable."""

import re
from collections.abc import Sequence

from trainview.analysis.headlines import headline
from trainview.analysis.log_lines import MOST, shorten
from trainview.analysis.masks import (
    IDS,
    MASKS,
    PLACEHOLDERS,
    POINTER,
    apply,
    keep_numbers,
    show_numbers,
)
from trainview.analysis.wordings import WORDINGS

LONGEST = 300

_PRIVATE = re.compile("[\ue000-\ue01f]")
_AFTER_LETTER = re.compile("[A-Za-z][0-9]+")
# 1x20 is a shape, 0x20 an address.
_FREE_DIGITS = re.compile("(?<![0-9A-Za-z])[0-9]+(?![0-9x])")
_SHAPE = re.compile("(?<![0-9A-Za-z])(?!0x)[0-9]+(?=x)")
# What stands between messages of several lines while they are looked at together.
_BETWEEN = "\x00"


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
        tell of the same cause and differ only in numbers, identifiers, addresses, paths, sizes or
        times, or in what a launcher or a log adds, have the same one. Numbers that name a cause
        stay: exit codes, signals, HTTP statuses, errno, Xid.

    Examples
    --------
    >>> templates(["No route to 10.0.0.7:29500 after 30.5 s", "No route to 10.1.1.9:80 after 4 s"])
    ['No route to <address> after <number> s', 'No route to <address> after <number> s']
    >>> templates(["Process 4711 exited with code 137"])
    ['Process <number> exited with code 137']
    """
    # Messages of one shape have one template, so one of each is enough.
    raw = [
        each if len(each) <= MOST and each.isascii() and _BETWEEN not in each else _readable(each)
        for each in messages
    ]
    shapes = _shapes(raw, _BETWEEN)
    sample = dict(zip(shapes, raw, strict=True))
    plain = [_plain(text) for text in keep_numbers(list(sample.values()), _BETWEEN)]
    found = {shape: headline(show_numbers(text)) for shape, text in zip(sample, plain, strict=True)}
    distinct = list(dict.fromkeys(found.values()))
    lines = keep_numbers(apply((POINTER,), apply(WORDINGS, distinct)))
    for masks in (IDS, MASKS):
        unique = list(dict.fromkeys(lines))
        keys = _shapes(unique)
        sample = dict(zip(keys, unique, strict=True))
        masked = dict(zip(sample, apply(masks, list(sample.values())), strict=True))
        by_line = {line: masked[key] for line, key in zip(unique, keys, strict=True)}
        lines = [by_line[line] for line in lines]
    finished = {line: _finish(line) for line in set(lines)}
    result = {line: finished[masked] for line, masked in zip(distinct, lines, strict=True)}
    return [result[found[shape]] for shape in shapes]


def counts_by_place(shape: str) -> bool:
    """Tell whether all messages of one shape have one template.

    Parameters
    ----------
    shape : str
        A message whose digits are all 0, but for 0x, which begins with U+E01F instead.

    Returns
    -------
    bool
        False where a number may name a cause, or a digit after a letter may stay, as in H100.
    """
    is_plain = len(shape) <= MOST and shape.replace("\ue01f", "0").isascii()
    return (
        is_plain
        and _BETWEEN not in shape
        and not _AFTER_LETTER.search(shape)
        and keep_numbers([shape], _BETWEEN) == [shape]
    )


def _readable(message: str) -> str:
    return _PRIVATE.sub("", shorten(message)).replace(_BETWEEN, "")


def _plain(text: str) -> str:
    """Make what all messages of one shape have in common: digits count by their place alone."""
    text = _FREE_DIGITS.sub(lambda found: "0" * len(found[0]), text)
    return _SHAPE.sub(lambda found: "1" * len(found[0]), text) if "x" in text else text


def _shapes(lines: Sequence[str], between: str = "\n") -> list[str]:
    """Reduce lines to what their templates depend on: digits count by their place alone."""
    shapes = _zeroed(lines, between)
    # A digit after a letter may stay, as in H100, and so may an exit code: there it counts by its
    # value.
    distinct = list(dict.fromkeys(shapes))
    named = {shape for shape in distinct if _AFTER_LETTER.search(shape)}
    pairs = zip(distinct, keep_numbers(distinct, between), strict=True)
    coded = {shape for shape, kept in pairs if kept != shape}
    result = list(shapes)
    at = [place for place, shape in enumerate(shapes) if shape in coded]
    if at:
        kept = _zeroed(keep_numbers([lines[place] for place in at], between), between)
        for place, line in zip(at, kept, strict=True):
            result[place] = line
    if named:
        for place, shape in enumerate(shapes):
            if shape in named:
                result[place] = "\n".join([result[place], *_AFTER_LETTER.findall(lines[place])])
    return result


def _zeroed(lines: Sequence[str], between: str) -> list[str]:
    # All lines at once: a call for each takes several times as long.
    text = between.join(lines).replace("0x", "\ue01fx")
    for digit in "123456789":
        text = text.replace(digit, "0")
    return text.split(between)[: len(lines)]


def _finish(line: str) -> str:
    line = show_numbers(line)
    for character, placeholder in PLACEHOLDERS.items():
        line = line.replace(character, placeholder)
    if not line.endswith(".."):
        # one tool ends its sentences, another does not
        line = line.removesuffix(".")
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
