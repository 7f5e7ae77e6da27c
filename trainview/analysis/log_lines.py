"""Lines of a log without what programs, launchers and collectors put in front of them."""

import re
from typing import NamedTuple

# A longer message is read in pieces: its beginning, its end, and what looks like an error.
MOST = 20_000
_MOST_LINE, _MOST_PIECES = 2_000, 60
_HEAD, _TAIL = 80, 160

_COLOURS = re.compile(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[@-_])")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
# What word processors and forums make of quotes and spaces.
_TYPOGRAPHY = str.maketrans("\u2018\u2019\u201c\u201d\u00a0", "''\"\" ")
_BOX = re.compile("^[╭╰┌└+][─━╌ -]*.*[─━╮╯┐┘]$")
_ERROR = re.compile(
    r"Traceback \(most|\b[A-Z]\w{0,60}Error\b|[Ee]rror[:\s]|Xid|[Oo]ut of memory|Killed|exit ?code"
)
_LEVEL = r"(?P<level>DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL)"
_DATE = r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,:-][0-9]+)?"
_SOURCE = r"[\w./<>-]+\.(?:py|pyx|cc|cpp|cu|cuh|h|hpp|go)"
_PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        # mpirun --tag-output, torchrun --tee, ranks
        r"\[[0-9]+,[0-9]+\]<std\w{3}>: ?",
        r"\[(?:[Rr]ank|default|trainer|worker|local_rank|node|gpu|GPU|proc)[ _:-]?[0-9]+\]:? ?",
        r"\[PG [^\]\n]{0,120}\] ?",
        # Ray and vLLM
        r"\((?:raylet[^()\n]{0,60}|autoscaler[^()\n]{0,40}|[^()\n]{0,80}\bpid=[^()\n]{0,120})\) ?",
        # glog and c10
        r"\[?(?P<letter>[EWFIC])[0-9]{3,8} [0-9:.]{7,30}" + rf" *[0-9]* *{_SOURCE}:[0-9]+\] ?",
        rf"\[(?P<letter>[EWFIC]) {_SOURCE}:[0-9]+\] ?",
        r"\[c10d\] ?",
        rf"\[{_DATE} {_CLOCK} (?P<letter>[EWFIC])(?: [0-9]+)+\] ?",
        r"[\w./<>-]+\.(?:cc|cpp|cu|cuh|h|hpp|go):[0-9]+: (?=\S)",
        # dates and times
        rf"\[{_DATE}[T _]{_CLOCK}(?:Z| ?[+-][0-9:]{{4,6}})?(?:,? [\w ]{{1,12}})?\]:?(?: -)? ?",
        rf"{_DATE}[T _]{_CLOCK}(?:Z| ?[+-][0-9:]{{4,6}})?:?(?: -)? ?",
        rf"\[[0-9]{{2}}/[0-9]{{2}} {_CLOCK} [\w.]+\]: ?",
        rf"\[?[0-9]{{2}}[-/][0-9]{{2}}(?:[-/][0-9]{{2,4}})? {_CLOCK}\]? ?",
        rf"\[?{_CLOCK}\]? (?![0-9])",
        # syslog, journald, dmesg
        rf"[A-Z][a-z]{{2}} +[0-9]{{1,2}} {_CLOCK} \S+ [\w./()@-]+(?:\[[0-9]+\])?: ?",
        r"\[ *[0-9]+\.[0-9]{3,9}\] ?",
        rf"\[[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} +[0-9]{{1,2}} {_CLOCK} [0-9]{{4}}\] ?",
        # containers and Kubernetes events
        r"std(?:err|out) [FP] ",
        (
            r" *(?:Warning|Normal) +[A-Z]\w+ +[0-9]\S*(?: \(x[0-9]+ over \w+\))?"
            r" +[\w/-]+(?:, [\w-]+)? +"
        ),
        r" *[0-9]\w*(?: \(x[0-9]+ over \w+\))? +(?:Warning|Normal) +[A-Z]\w+ +[a-z]+/\S+ +",
        # loggers
        rf"\| *{_LEVEL} *\| *[\w.<>:]+(?: -)? ?",
        rf"\[?{_LEVEL}\]?(?::[\w.]+:| *- |: | +\| *| +)(?=\S)",
        rf"\[{_LEVEL}\] ?",
        rf"\[{_SOURCE}:[0-9]+(?::[^\]\n]{{1,80}})?\] ?",
        rf"[a-z_]\w*(?:\.\w+)+(?: -|:)? (?=\[|- |{_LEVEL.replace('?P<level>', '?:')}\b)",
        r"(?P<level>Error|Warning): (?=\S)",
        r"(?:wandb|docker|kernel): |(?:slurmstepd: error: )?pyxis: *",
        # git
        r"(?P<level>fatal|remote): (?=\S)",
        # TensorFlow, progress bars
        rf"(?:(?P<letter>[EWFI]) )?{_SOURCE}:[0-9]+\] ?",
        r"[^|\n]{0,80}[0-9]+%\|[^|\n]{0,200}\|[^\[\n]{0,40}\[[^\]\n]{0,120}\] ?(?=\S)",
        # NCCL, C++, srun -l, pdsh
        r"\S{1,100}:[0-9]+:[0-9]+ \[[0-9]+\] (?:[\w/]+\.(?:cc|h|c):[0-9]+ )?(?=NCCL)",
        r" *what\(\): +",
        r"(?!python|line|code|status|port|rank|\S+\.[A-Z]\w+: )[a-z][a-z_.-]*[0-9][\w.-]*: (?=\S)",
        r"(?:[0-9]{1,4}|[0-9.]{7,15}): ",
        # UCX
        r"\[[\w.-]+(?::[0-9]+){3}\] ?",
        # pictures, docker compose
        r"[\u2600-\u27bf\U0001f300-\U0001faff]\ufe0f? *(?=\S)",
        r"[a-z][\w.-]*-[0-9]+ +\| ",
        # groups of exceptions, boxes, quotes
        r" *[|│┃] ?",
        r" *\+-\+?-{4,}.*",
        r">(?: |$)",
    )
)
_PREFIX = re.compile("|".join(re.sub(r"\?P<\w+>", "?:", each.pattern) for each in _PREFIXES))
_LETTERS = {"E": "ERROR", "F": "ERROR", "C": "ERROR", "W": "WARNING", "I": "INFO"}
_LEVELS = {
    **dict.fromkeys(["WARN", "Warning", "remote"], "WARNING"),
    **dict.fromkeys(["CRITICAL", "FATAL", "fatal"], "ERROR"),
}
# What a structured line tells, the most telling first: JSON, logfmt, YAML.
_FIELDS = (
    re.compile(r'"(?:exc_info|exception|error|message|msg|log)"\s*:\s*"((?:[^"\\]|\\.)*)"'),
    re.compile(r'"reason"\s*:\s*"((?:[^"\\]|\\.)*)"'),
)
_PAIRS = (
    re.compile(r'\b(?:err|error)="((?:[^"\\]|\\.)+)"'),
    re.compile(r'\bmessage="((?:[^"\\]|\\.)+)"'),
    re.compile(r'\bmsg="((?:[^"\\]|\\.)+)"'),
)
_LOGFMT = re.compile(r'(?:(?:time|ts|level)=|"[^"\n]+" \w+=)')
_ESCAPES = re.compile(r'\\+"')
_YAML = re.compile(r" *(?:[Mm]essage:|[Rr]eason:|ErrorMessage) +(['\"]?)(?=\w)(.*)\1$")


class LogLine(NamedTuple):
    """A line of a message.

    Attributes
    ----------
    text : str
        Without prefixes, with its indentation.
    level : str
        ``ERROR``, ``WARNING``, ``INFO``, ``DEBUG``, or empty where the line does not say.
    is_wrapped : bool
        Whether a program that breaks lines at the terminal's width wrote it.
    """

    text: str
    level: str
    is_wrapped: bool


def shorten(message: str) -> str:
    """Leave out the middle of a long message, but for what looks like an error.

    Parameters
    ----------
    message : str
        Of any length.

    Returns
    -------
    str
        A message of bounded length; lines that were cut begin or end with an ellipsis.
    """
    if len(message) <= MOST:
        return message
    lines = message.splitlines()
    pieces = []
    left = _MOST_PIECES
    for at, line in enumerate(lines):
        is_edge = at < _HEAD or at >= len(lines) - _TAIL
        if len(line) <= _MOST_LINE:
            if is_edge or (left > 0 and _ERROR.search(line)):
                left -= not is_edge
                pieces.append(line)
        elif is_edge or left > 0:
            found = _pieces(line, left)
            left -= len(found)
            pieces += found
    return "\n".join(pieces)


def _pieces(line: str, most: int) -> list[str]:
    """Cut a long line into its beginning, its end, and what stands at errors."""
    pieces = [line[: _MOST_LINE // 2] + "…"]
    end = _MOST_LINE // 2
    last = len(line) - _MOST_LINE // 2
    for found in _ERROR.finditer(line, end, last):
        if len(pieces) > most:
            break
        if found.start() >= end:
            end = found.start() + _MOST_LINE // 4
            pieces.append(f"…{line[found.start() : end]}…")
    return [*pieces, "…" + line[max(last, end) :]] if max(last, end) < len(line) else pieces


def is_plain(message: str) -> bool:
    """Tell whether a message is one line, with nothing to take off.

    Parameters
    ----------
    message : str
        Any message.

    Returns
    -------
    bool
        False also where `read_lines` might change nothing.
    """
    return (
        message.isascii()
        and message.isprintable()
        and "\\n" not in message
        and '="' not in message
        and message[:1] not in {"{", "+"}
        and not _PREFIX.match(message)
    )


def read_lines(message: str) -> list[LogLine]:
    r"""Split a message into lines, and take off what stands in front of each.

    Parameters
    ----------
    message : str
        As `shorten` gives it.

    Returns
    -------
    list of LogLine
        Without colours, control characters and frames of boxes.

    Examples
    --------
    >>> read_lines("2025-01-02 03:04:05,678 ERROR [rank3]: \x1b[31mKeyError: 3")
    [LogLine(text='KeyError: 3', level='ERROR', is_wrapped=False)]
    """
    message = _clean(message)
    lines = []
    is_wrapped = False
    shift = 0
    for raw in message.splitlines():
        line = raw.rstrip()
        if _BOX.match(line.strip()):
            is_wrapped = True
            continue
        if line.endswith(("│", "┃")):
            # inside a box are frames and source
            continue
        text, level = _strip(line)
        # torchrun shows the traceback of a worker two columns further right
        if text.startswith("  traceback : "):
            text, shift = text.removeprefix("  traceback : "), 2
        elif shift and text[:2] != "  ":
            shift = 0
        elif shift:
            text = text[2:]
        lines.append(LogLine(text, level, is_wrapped))
    return lines


def _clean(message: str) -> str:
    if "\x1b" in message:
        message = _COLOURS.sub("", message)
    if not message.isprintable():
        message = _CONTROLS.sub("", message)
    if not message.isascii():
        message = message.translate(_TYPOGRAPHY)
    if "\\n" in message and "\n" not in message.strip():
        message = message.replace("\\n", "\n")
    return message


def _strip(line: str) -> tuple[str, str]:
    level = ""
    if line.startswith("{") and line.endswith("}"):
        line = _field(_FIELDS, line)
    # A line has few prefixes; more are part of what it says.
    for _ in range(8):
        if not _PREFIX.match(line):
            break
        for prefix in _PREFIXES:
            if found := prefix.match(line):
                names = found.groupdict()
                level = _LETTERS.get(names.get("letter") or "", level)
                said = names.get("level") or ""
                level = _LEVELS.get(said, said.upper()) or level
                line = line[found.end() :]
                break
    if _LOGFMT.match(line):
        line = _field(_PAIRS, line)
    elif found := _YAML.match(line):
        line = found[2]
    return line, level


def _field(patterns: tuple[re.Pattern[str], ...], line: str) -> str:
    all_found = (pattern.search(line) for pattern in patterns)
    found = next(filter(None, all_found), None)
    return _ESCAPES.sub('"', found[1]) if found else line
