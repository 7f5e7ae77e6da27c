"""What differs from job to job in a message, as patterns; and the numbers that name a cause."""
# ruff: noqa: E501 - a pattern stays on its line

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

# While masks are applied, one private character stands for each placeholder.
ID, ADDRESS, TIME, URL, EMAIL, PATH, SIZE, NUMBER, NAME, COMMAND = map(chr, range(0xE000, 0xE00A))
PLACEHOLDERS = {
    ID: "<id>",
    ADDRESS: "<address>",
    TIME: "<time>",
    URL: "<url>",
    EMAIL: "<email>",
    PATH: "<path>",
    SIZE: "<size>",
    NUMBER: "<number>",
    NAME: "<name>",
    COMMAND: "<command>",
}
# Likewise for each digit of a number that stays.
_KEPT_DIGITS = {ord(str(digit)): chr(0xE010 + digit) for digit in range(10)}
_DIGITS = {ord(kept): chr(digit) for digit, kept in _KEPT_DIGITS.items()}


class Mask(NamedTuple):
    """A pattern to replace.

    Attributes
    ----------
    marker : str
        What each line that matches contains; other lines are not searched. No replacement before
        it brings it in, unless it is a placeholder.
    pattern : str
        A regular expression in which ``^`` and ``$`` are the ends of a line. It takes digits as a
        class, never one by its value, and does not reach over a line's end. Where it can, it begins
        with the characters it looks for and looks behind them afterwards: that way the search is
        several times as fast.
    replacement : str or callable
        What to put in, as `re.sub` takes it.
    """

    marker: str
    pattern: str
    replacement: str | Callable[[re.Match[str]], str] = ""


def apply(masks: Iterable[Mask], lines: list[str], between: str = "\n") -> list[str]:
    """Apply masks to many lines.

    Parameters
    ----------
    masks : iterable of Mask
        In order.
    lines : list of str
        Lines without `between`.
    between : str, optional
        What stands between two of them meanwhile.

    Returns
    -------
    list of str
        As many lines.
    """
    lines = list(lines)
    whole = between.join(lines)
    for each in masks:
        if each.marker.isascii() and each.marker not in whole:
            continue
        at = [place for place, line in enumerate(lines) if each.marker in line]
        # All lines at once: a call for each takes several times as long.
        pattern = _compiled(each.pattern)
        text = pattern.sub(each.replacement, between.join([lines[place] for place in at]))
        for place, line in zip(at, text.split(between), strict=False):
            lines[place] = line
    return lines


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # only those that are needed: compiling all takes longer than what one message takes
    return re.compile(pattern, re.MULTILINE)


def keep_numbers(lines: list[str], between: str = "\n") -> list[str]:
    """Hide the numbers that name a cause, such as exit codes, from the masks.

    Parameters
    ----------
    lines : list of str
        Lines without `between`.
    between : str, optional
        As in `apply`.

    Returns
    -------
    list of str
        The same lines, with a private character for each digit of such a number.
    """
    return apply(_KEPT, lines, between)


def show_numbers(line: str) -> str:
    """Bring hidden numbers back.

    Parameters
    ----------
    line : str
        Of `keep_numbers`.

    Returns
    -------
    str
        The line as it was.
    """
    return line if line.isascii() else line.translate(_DIGITS)


def _keep(found: re.Match[str]) -> str:
    return found[0].translate(_KEPT_DIGITS)


def _keep_last(found: re.Match[str]) -> str:
    return found[1] + found[2].translate(_KEPT_DIGITS)


def _number_of_word(found: re.Match[str]) -> str:
    return found[0] if found[1] in TYPES else found[1] + NUMBER


# Words whose number is part of their name.
TYPES = {"float", "bfloat", "int", "uint", "complex", "utf", "sha", "base"}

_SET = f"{ID}-{COMMAND}"
_END = r"(?![0-9A-Za-z])"
_DIGIT = r"[0-9](?<![0-9A-Za-z][0-9])"
_BYTE = r"[0-9]{1,3}"
_HEX = r"[0-9A-Fa-f]{1,4}"
_FILE = r"(?:py|pyx|c|cc|cpp|cu|cuh|h|hpp|go|rs|js|ts|java|sh|log|txt|json|ya?ml|toml)"
_MIXED = "(?:[a-z][0-9]+[a-z]|[0-9][a-z]+[0-9])"
_VERY_MIXED = "(?:[a-z][0-9]+[a-z]+[0-9]|[0-9][a-z]+[0-9]+[a-z])"
_IS = r"[ :=(]{1,8}"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"

_KEPT = (
    Mask("xit", rf"([Ee]xit(?:ed|s)?[ _-]?(?:with )?(?:return )?(?:[Cc]ode|[Ss]tatus)?(?: of)?{_IS})(-?[0-9]{{1,10}}{_END})", _keep_last),
    Mask("ode", rf"((?:return|[Ee]rror|[Ss]tatus|signal|[Rr]esponse)[ _-]?[Cc]ode{_IS}|\b[Cc]ode[:=] ?)(-?[0-9]{{1,10}}{_END})", _keep_last),
    Mask("status", rf"(\bstatus{_IS})([0-9]{{1,3}}{_END})", _keep_last),
    Mask("ignal", rf"((?:[Ss]ignals?|Signals\.SIG[A-Z]+){_IS})([0-9]{{1,2}}{_END})", _keep_last),
    Mask("rr", rf"((?:[Ee]rrno|WinError|os error){_IS})(-?[0-9]{{1,5}}{_END})", _keep_last),
    Mask("Xid", r"(\bXid[ :]{1,2}(?:\([^)\n]{0,60}\): )?)([0-9]{1,3})", _keep_last),
    Mask("HTTP", rf"(\bHTTP(?:Error|StatusError)?(?:/[0-9.]+)?(?: [Ss]tatus)?(?: [Ee]rror)?{_IS})([0-9]{{3}}{_END})", _keep_last),
    Mask("rror", rf"{_DIGIT}[0-9]{{2}} (?:Client|Server) Error", _keep),
    Mask("Error: ", r"((?:Response|Status)Error: )([0-9]{3}(?=,))", _keep_last),
    Mask("rror '", r"((?:Client|Server) [Ee]rror ')([0-9]{3} )", _keep_last),
    Mask("rror ", r"(\b[Ee]rror )([0-9]{3}(?=: ))", _keep_last),
    Mask("espons", r"(Response \[)([0-9]{3}\])", _keep_last),
    Mask("CU", rf"(\bCUDA (?:[Ee]rror|[Ff]ailure){_IS}|\bCUDA_ERROR_\w{{1,40}}{_IS})([0-9]{{1,3}}{_END})", _keep_last),
    Mask("(", r"(An error occurred \()([0-9]{3}\))", _keep_last),
    Mask("", rf"{_DIGIT}[0-9]{{2}} (?:(?i:unauthorized|forbidden|not found|too many requests|bad (?:request|gateway)|(?:internal )?server error|service (?:temporarily )?unavailable|gateway time-?out|payment required|conflict|GET|PUT|POST|HEAD)\b)", _keep),
)  # fmt: skip

POINTER = Mask("0x", rf"0(?<![0-9A-Za-z]0)x[0-9A-Fa-f]+(?:_[0-9a-f]{{4,}})?{_END}", ADDRESS)
IDS = (
    Mask(
        "-",
        rf"[0-9A-Fa-f](?<![0-9A-Za-z][0-9A-Fa-f])[0-9A-Fa-f]{{7}}(?:-[0-9A-Fa-f]{{4}}){{3}}"
        rf"-[0-9A-Fa-f]{{12}}{_END}",
        ID,
    ),
    # hexadecimal, or letters and digits mixed; not 1024x768, 30seconds, 5m20s or float32
    Mask(
        "",
        rf"(?<![0-9A-Za-z])(?=[A-Za-z]*[0-9])(?![0-9]+(?:x[0-9]+)+{_END})"
        rf"(?![0-9]+[dhm](?:[0-9]+[hms]){{1,3}}{_END})"
        r"(?:(?=[0-9]*[a-f])[0-9a-f]{7,}|(?=[0-9]*[A-F])[0-9A-F]{7,}"
        rf"|(?=[0-9a-z]*{_MIXED})[0-9a-z]{{7,}}|(?=[0-9a-z]*{_VERY_MIXED})[0-9a-z]{{5,6}})"
        rf"{_END}",
        ID,
    ),
    # a request id in capitals, or base64
    Mask(
        "",
        r"(?<![0-9A-Za-z_/+.-])(?:(?=[A-Z]*[0-9])(?=[0-9]*[A-Z][A-Z0-9]*[0-9]+[A-Z])[0-9A-Z]{10,}"
        r"|(?=(?:[A-Za-z/+]*[0-9]){3})(?=[a-z0-9/+]*[A-Z])(?=[A-Z0-9/+]*[a-z])[0-9A-Za-z/+]{20,}={0,2})"
        r"(?![0-9A-Za-z_])",
        ID,
    ),
)
# What contains other things goes first.
MASKS = (
    Mask("://", r"\b[A-Za-z][\w+.-]*://[^\s'\"`<>]*[^\s'\"`<>()\[\]{}.,:;]", URL),
    Mask("@", rf"[\w.+{_SET}-]+@[\w{_SET}-]+(?:\.[\w-]+)+", EMAIL),
    Mask(
        "",
        r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?"
        rf"(?:{_MONTH}[a-z]* +[0-9]{{1,2}}|[0-9]{{1,2}}[ -]{_MONTH}[a-z]*)"
        rf"(?:,?[ -][0-9]{{4}})?(?:,? {_CLOCK})?(?: [0-9]{{4}})?(?: (?:UTC|GMT))?{_END}",
        TIME,
    ),
    Mask(
        "",
        rf"{_DIGIT}[0-9]{{3}}([-/])[0-9]{{2}}\1[0-9]{{2}}(?:[T _]{_CLOCK})?"
        rf"(?: ?(?:Z|UTC|GMT|[+-][0-9]{{2}}:?[0-9]{{2}}))?{_END}",
        TIME,
    ),
    # a PCI address
    Mask(
        ":",
        r"(?<![\w:.])(?:PCI:|GPU ?(?=[0-9A-Fa-f]{8}:|[0-9A-Fa-f]{4}:))?(?:[0-9A-Fa-f]{4,8}:)?[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}"
        r"(?:\.[0-9A-Fa-f]|(?<=:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}))(?!\w|:\w)",
        ADDRESS,
    ),
    Mask(":", rf"{_DIGIT}[0-9]?:[0-9]{{2}}:[0-9]{{2}}(?:[.,][0-9]+)?{_END}", TIME),
    Mask(
        ".",
        rf"\[?[0-9](?<![\w.][0-9])[0-9]{{0,2}}(?:\.{_BYTE}){{3}}\]?"
        r"(?:[:/][0-9]+|<[0-9]+>)?(?!\.?[0-9A-Za-z])",
        ADDRESS,
    ),
    # an IPv6 address has eight parts, or :: and a digit; std::bad_alloc has none
    Mask(
        ":",
        rf"(?<![\w:.])\[?(?:(?:{_HEX}:){{7}}{_HEX}"
        rf"|(?=[A-Fa-f:]*[0-9])(?:{_HEX}:){{0,6}}(?:{_HEX})?::(?:{_HEX}:){{0,6}}"
        rf"(?:{_BYTE}(?:\.{_BYTE}){{3}}|{_HEX})?)"
        rf"(?![\w:])(?:%[\w{_SET}]+)?(?:\](?::[0-9]+)?|<[0-9]+>)?",
        ADDRESS,
    ),
    # a host and its port, not a file and its line
    Mask(
        ":",
        rf"(?<![\w.{_SET}-])(?:localhost|[\w{_SET}-]+(?:\.[\w{_SET}-]+)*"
        rf"\.(?!{_FILE}:)[A-Za-z][\w-]*):[0-9]{{2,5}}{_END}",
        ADDRESS,
    ),
    Mask("<", rf"(?<![\w.{_SET}-])[\w.{_SET}-]+<[0-9]{{2,5}}>", ADDRESS),
    Mask("-", rf"\bip(?:-{_BYTE}){{4}}(?:\.[\w-]+)*{_END}", ADDRESS),
    Mask(".", r"\b[\w-]+(?:\.[\w-]+)*\.(?:internal|local|cluster|svc|lan)\b", ADDRESS),
    # a host, a pod, a container: by the word before it
    Mask(
        "",
        r"\b([Nn]ode|[Hh]ost(?:name)?|[Pp]eer|[Pp]od|[Ss]erver|[Mm]achine|[Ii]nstance|[Cc]ontainer)"
        rf"((?: name)?[ =:]{{1,2}}[\"']?)(?:[a-z][\w-]*/)?(?=[\w.{_SET}-]*[0-9{_SET}])(?=[\w.{_SET}-]*[A-Za-z]|{ADDRESS}(?![:\w]))"
        rf"(?:[\w{_SET}-]+[.])*[\w{_SET}-]+{_END}",
        lambda found: found[1] + found[2] + NAME,
    ),
    Mask(
        "",
        r"\b(on|from|to|by|at|via) (?:[a-z]+[0-9]{4,}|[a-z][a-z0-9]*(?:-[a-z0-9]+)*-[0-9]+)"
        rf"(?:\.[a-z][\w-]*)*(?![\w.{_SET}-]*[0-9A-Za-z/])",
        lambda found: f"{found[1]} {NAME}",
    ),
    # in quotes, a path may contain spaces
    Mask(
        "",
        r"(['\"`])(?:~?/|\.{1,2}/|[A-Za-z]:[\\/]|\\\\)[^'\"`\n]*\1",
        lambda found: found[1] + PATH + found[1],
    ),
    Mask(
        "/", rf"(?<![\w/.{_SET}])(?:~|\.{{1,2}})?(?:/[\w.~@%+={_SET}-]*[\w~@%+={_SET}-])+/?", PATH
    ),
    Mask("\\", r"(?<!\w)(?:[A-Za-z]:\\|\\\\[\w.-]+\\)[^\s'\"`<>|:*?]*", PATH),
    # a path or repository that begins with a name: not and/or, N/A or nvidia.com/gpu
    Mask(
        "/",
        rf"(?<![\w/.{_SET}-])(?!(?:\w+\.)+(?:com|io|org)/[\w-]+(?![\w/-]|\.\w))(?=[\w./-]*[A-Za-z{_SET}])(?=[\w./{_SET}-]*(?:[0-9_{_SET}-]|\.\w))"
        rf"[\w.{_SET}-]*[A-Za-z{_SET}][\w.{_SET}-]*(?:/[\w.={_SET}-]+)+(?<![.=-])(?!/)",
        PATH,
    ),
    # a file of data or weights; of settings, the name counts
    Mask(
        ".",
        rf"(?<![\w./{_SET}-])[\w.{_SET}-]+\.(?:safetensors|bin|pth?|ckpt|tar|t?gz|zip|parquet|arrow|jsonl|csv|npz|npy|h5|gguf)(?![\w.-])",
        PATH,
    ),
    # a path that begins with a name, in quotes, with an ending
    Mask("/", rf"(['\"])[\w.{_SET}-]+(?:/[\w.{_SET}-]+)+\.{_FILE}\1", rf"\1{PATH}\1"),
    Mask("", rf"{_DIGIT}[0-9]*(?:[.,][0-9]+)*\.? ?(?:[KMGTP]i?B|[KMGTP]i|[kmgt]B|[kmgt]b|bytes|B){_END}", SIZE),
    Mask("", rf"{_DIGIT}[0-9]*[dhm](?:[0-9]+[hms]){{1,3}}{_END}", NUMBER),
    Mask("+", r"(?<=[0-9])\+(?:cu[0-9]+|cpu|rocm[0-9.]+)\b"),
    Mask("GPU", rf"\bGPU[0-9]+{_END}", f"GPU{NUMBER}"),
    Mask("x", rf"{_DIGIT}[0-9]*(?:x[0-9]+)+{_END}", NUMBER),
    Mask("v", r"v(?<![0-9A-Za-z]v)[0-9]+(?:\.[0-9]+)*", NUMBER),
    Mask("", rf"{_DIGIT}[0-9]*(?:[.,][0-9]+)*(?:[eE][-+]?[0-9]+)?", NUMBER),
    Mask("", rf"([a-z](?<![0-9A-Za-z][a-z])[a-z]{{2,}})[0-9]+{_END}", _number_of_word),
    Mask(NUMBER, rf"[-+](?<![\w.)\]{_SET}][-+]){NUMBER}", NUMBER),
    Mask("None", rf"(?<=\()None(?=, {NUMBER})|(?<={NUMBER}, )None(?=[,)])", NUMBER),
    Mask(NUMBER, rf"{NUMBER}(?:,? {NUMBER})+", NUMBER),
    # lists of lists
    Mask("[[", rf"\[{{2,}}{NUMBER}(?:[\], \[]+{NUMBER})*\]{{2,}}", f"[{NUMBER}]"),
)  # fmt: skip
