"""What a text must contain for a pattern to be found in it, read from the pattern."""

import re

# A class, an escape, a repetition, or one character.
_PIECE = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|\{[0-9,]+\}|.", re.DOTALL)
_REPEATS = "*?{"
_BREAKS = "()[.^$+"


def literals(pattern: str) -> list[str]:
    r"""Read the longest plain text of each alternative.

    Parameters
    ----------
    pattern : str
        A regular expression without flags.

    Returns
    -------
    list of str
        A text in which the pattern is found contains one of them. An alternative without plain
        text gives an empty one, which every text contains.

    Examples
    --------
    >>> literals(r"errno 2[01]\b|no such files?(?: here| there)?|\bcrc\b")
    ['errno 2', 'no such file', 'crc']
    """
    found, run, depth = [""], "", 0
    for piece in [*_PIECE.findall(pattern), "$"]:
        depth -= piece == ")"
        if piece == "|" and not depth:
            found[-1] = max(found[-1], run, key=len)
            found.append("")
            run = ""
        elif depth or piece[0] in _BREAKS or piece[0] in _REPEATS or piece[1:].isalnum():
            # what may be left out is not needed
            needed = run[:-1] if piece[0] in _REPEATS else run
            found[-1] = max(found[-1], needed, key=len)
            run = ""
        else:
            run += piece[-1]
        depth += piece == "("
    return found
