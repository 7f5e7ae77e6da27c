"""Hostile strings made visible: the one gate between foreign text and a terminal or a message."""

import unicodedata

# Cc: controls, Cf: bidirectional and zero-width marks, Cs: lone surrogates, Zl/Zp: line breaks.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and marks that nevertheless take no room: fillers and the grapheme joiner.
_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
# Code points that no character can have, and that XML, and so SVG, cannot hold.
_NO_CHARACTERS = frozenset("\ufffe\uffff")
_HIDDEN = _INVISIBLE_LETTERS | _NO_CHARACTERS
_SHORT = {"\n": r"\n", "\t": r"\t"}


def safe_text(value: object, limit: int | None = None) -> str:
    r"""Show a value on one line, with everything invisible or commanding written as an escape.

    Parameters
    ----------
    value : object
        Anything; it is turned into text first.
    limit : int, optional
        The longest result in characters; the middle of a longer one is replaced by an ellipsis.

    Returns
    -------
    str
        One line in which controls, bidirectional marks and zero-width characters stand as
        ``\xNN`` or ``\uNNNN``. What was visible before is unchanged.

    Examples
    --------
    >>> safe_text("run\x1b[31m red")
    'run\\x1b[31m red'
    >>> safe_text("ab\u202ecd", limit=None)
    'ab\\u202ecd'
    >>> safe_text("a-very-long-project-name", limit=11)
    'a-ver…-name'
    """
    text = str(value)
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_visible, text))
    if limit is not None and len(text) > limit:
        tail = max(limit - 1, 0) // 2
        head = max(limit - 1, 0) - tail
        text = f"{text[:head]}…{text[len(text) - tail :]}"
    return text


def count(number: float, noun: str) -> str:
    """Write a number with its noun.

    Parameters
    ----------
    number : float
        How many, a whole number.
    noun : str
        Of what, in the singular; its plural ends in s.

    Returns
    -------
    str
        The number with its thousands separated, and the noun.

    Examples
    --------
    >>> count(1, "job"), count(1200, "duplicate job id")
    ('1 job', '1,200 duplicate job ids')
    """
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"


def _visible(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if unicodedata.category(character) not in _INVISIBLE_CATEGORIES and character not in _HIDDEN:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
