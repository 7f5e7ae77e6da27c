"""The line of a message that tells the cause, among tracebacks, launchers and log lines."""

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from trainview.analysis.error_rules import OTHER, rule_of
from trainview.analysis.log_lines import LogLine, is_plain, read_lines

# The longest line that is read. What is cut off ends, or begins, with an ellipsis.
READ = 2000

# What ends a program without saying why, and what only passes another failure on.
_ENDS = {"worker failed", "SIGKILL", "SIGTERM", "crash", "container", "lost worker", "hangup"}
_PASSED_ON = re.compile(
    r"^…?(?:[\w.]*\.)?(?:ChildFailedError|CalledProcessError|RayTaskError|TaskUnschedulable|TrainingFailedError"
    r"|TuneError|AlgorithmError|UnexpectedStatusException|SystemExit|ProcessRaisedException|ProcessExitedException|SignalException"
    r"|(?:Base)?ExceptionGroup|DatasetGenerationError|WorkerGroupError|ControllerError)\b"
    r"|^ninja: build stopped|Error compiling objects for extension|^…?(?:[\w.]*\.)?CancelledError\b"
    r"|-- Process [0-9]+ terminated|Engine core initialization failed"
    r"|\bCaught \w+ in (?:DataLoader|replica|pin memory)"
)

_EXIT_STATUS = re.compile(r"(?i:\bexit(?:ed|s|code)?\b[a-z :=]{0,24})(?:12[67]|13[05]|-[27])\b")

_TRACEBACK = "Traceback (most recent call last)"
_MARKS = {
    _TRACEBACK: "traceback",
    "The above exception was the direct cause": "direct",
    "During handling of the above exception": "during",
    "Exception ignored in": "ignored",
}
_EXCEPTION = re.compile(
    r"…?(?:[A-Za-z_]\w*\.)*[A-Za-z]\w*"
    r"(?:Error|Exception|Interrupt|SystemExit|Timeout|Exhausted|NotFound|Forbidden|Unauthorized"
    r"|Unsupported|OutOfResources|gaierror|Failed|ExceptionGroup|StopIteration|Resources)\w*"
    r"(?:\(\w+\))?(?::(?: |$)|$)"
)
_LIKE_EXCEPTION = re.compile(r"…?(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:\(\w+\))?(?::(?: |$)|$)")
# What the first line of an exception leaves to the next one.
_GOES_ON = re.compile(
    r":$|Auto-detected mode as '\w+'$|Client Error\. \(Request ID: "
    r"|Error\(s\) in loading state_dict|processes exited with non-zero status"
    r"|validation errors? for \S+$|while (?:scanning|parsing)\b"
    r"|error occurred while generating the dataset$|died unexpectedly before finishing"
)
# Likewise of a line that is no exception.
_LINE_GOES_ON = re.compile(
    r"processes exited with non-zero status|Auto-detected mode as '\w+'$| panicked at "
    r"|^Last error:$|^[0-9]+ validation errors? for \S+$"
)
_LAST_ERROR = "Last error:"
_ASKS_ADDRESS = re.compile(
    r"HTTP\w*Error: [0-9]{3} (?:Client|Server) Error: .* for url|^…?(?:[\w.]*\.)?GatedRepoError"
)
_EXIT_LINE = re.compile(r"Exit code: *(-?[0-9]+)")
_FRAME = re.compile(
    r"NCCL INFO|\S+ invoked oom-killer|oom-kill:constraint"
    r"|frame #|Exception raised from|CUDA kernel errors might|For debugging consider|Compile with `"
    r"|Search for `|During handling of|The above exception was|terminate called|Stack trace"
    r"|Primary job |a non-zero exit code\. Per|.{1,200} FAILED$|[ ~^]+$|[-=*_~#]{5,}$"
    r"|(?:Current t|T)hread 0x|File \"|-+> "
    r"|(?:If (?:you|this|the)|[Pp]lease|Make sure|Try|Consider|[Hh]int|[Nn]ote:|For more|Visit) "
    r"|(?:Last )?State: "
    r"|(?:time|host|rank|error_file|traceback|Failures|Root Cause[^:]*|exitcode) *:"
)
_EXIT_CODE = re.compile(r"exitcode *: *(-?[0-9]+)")
_WORD = re.compile(
    r"error|fail|fatal|abort|kill|exceed|denied|invalid|unable|cannot", re.IGNORECASE
)


class _Candidate(NamedTuple):
    weight: float
    is_exception: bool
    text: str


def headline(message: str) -> str:
    r"""Find the line that tells the cause, and fold it.

    Of tracebacks, the exception counts: that of the worker rather than that of the launcher, a
    cause rather than its consequence (`error_rules` knows which is which), of exceptions that were
    raised from one another the first, else the last. Log prefixes, colours and frames are left out.

    Parameters
    ----------
    message : str
        What the API gave.

    Returns
    -------
    str
        One line without surplus white space, at most 2000 characters, with an ellipsis where
        something was cut off; empty for a blank message.

    Examples
    --------
    >>> headline('Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 3\n')
    'KeyError: 3'
    >>> headline("[rank3]: OSError: [Errno 28] No space left on device\n[rank0]: NCCL timeout")
    'OSError: [Errno 28] No space left on device'
    """
    if is_plain(message) and _TRACEBACK not in message:
        return _fold(message)
    lines = [line for line in read_lines(message) if line.text.strip()]
    if len(lines) == 1 and _TRACEBACK not in lines[0].text:
        return _fold(lines[0].text)
    best: _Candidate | None = None
    for new in _candidates(lines):
        # of lines that say as much, the first counts, of exceptions the last
        if (
            best is None
            or new.weight > best.weight
            or (new.weight == best.weight and new.is_exception)
        ):
            best = new
    if best is not None and best.weight > 0:
        return _fold(best.text)
    rest = [line.text for line in lines if not _FRAME.match(line.text.lstrip())]
    if any(_TRACEBACK in line.text for line in lines):
        # it was cut off
        outer = [text for text in rest if not text[0].isspace() and _TRACEBACK not in text]
        rest = (outer or rest)[-1:]
    return _fold(" ".join(rest or [line.text for line in lines]))


def _candidates(lines: list[LogLine]) -> Iterator[_Candidate]:
    # the column of a traceback that goes on, else -1
    column = -1
    link, strongest = "", 0.0
    for at, line in enumerate(lines):
        kind = _kind(line.text, column)
        if kind == "traceback":
            before, _, _ = line.text.partition(_TRACEBACK)
            column = 0 if before.strip() else len(before)
        elif kind in {"direct", "during", "ignored"}:
            link = kind
        elif kind == "exception":
            column = -1
            text = _whole(lines, at)
            weight = 0.5 if link == "ignored" else _weight(text, is_exception=True)
            # what another was raised from is the root
            if link != "direct" or weight > strongest:
                yield _Candidate(weight, is_exception=True, text=text)
                strongest = weight
            link = ""
        elif kind == "line" and column < 0 and line.level not in {"INFO", "DEBUG"}:
            text = _whole(lines, at) if _LINE_GOES_ON.search(line.text) else line.text.strip()
            weight = _weight(text, is_exception=False, level=line.level)
            yield _Candidate(weight, is_exception=False, text=text)


def _kind(text: str, column: int) -> str:
    marked = (kind for mark, kind in _MARKS.items() if mark in text)
    if kind := next(marked, ""):
        return kind
    bare = text.lstrip()
    if len(text) - len(bare) > column >= 0:
        return "frame"
    if _EXCEPTION.match(bare) or (column >= 0 and _LIKE_EXCEPTION.match(bare)):
        return "exception"
    return "frame" if _FRAME.match(bare) else "line"


def _whole(lines: list[LogLine], at: int) -> str:
    """Put together what an exception says in more than one line."""
    text = lines[at].text.strip()
    following = [line.text.strip() for line in lines[at + 1 : at + 12]]
    if "processes exited with non-zero status" in text:
        codes = [found[1] for part in following if (found := _EXIT_LINE.match(part))]
        return f"mpirun: a process exited with code {codes[0]}" if codes else text
    if lines[at].is_wrapped and "ChildFailedError" not in text:
        text = " ".join([text, *takewhile(_is_wrapped, following)])
    elif "ChildFailedError" in text:
        return _of_torchrun(lines, at)
    elif _LAST_ERROR in following:
        place = following.index(_LAST_ERROR) + 1
        return " ".join(["NCCL error:", *following[place : place + 1]])
    elif "Graph execution error:" in text:
        return _of_graph(lines, at)
    elif "Client Error. (Request ID" in text:
        return " ".join([text, *following[:1]])
    elif _GOES_ON.search(text) and following:
        actor = [part for part in following if part.startswith("The actor ")]
        text = f"{text} {(actor or following)[0]}"
        if "validation error" in text:
            text = " ".join([text, *following[1:2]])
    return text


def _is_wrapped(part: str) -> bool:
    return not (_FRAME.match(part) or _EXCEPTION.match(part) or _TRACEBACK in part)


def _of_torchrun(lines: list[LogLine], at: int) -> str:
    """Put together what torchrun says of the first worker that failed."""
    text = lines[at].text.strip()
    rest = "\n".join(line.text for line in lines[at:])
    root = rest.partition("Root Cause")[2] or rest
    code = _EXIT_CODE.search(root)
    return f"{text.rstrip(': ')}: exitcode: {code[1]}" if code else text


def _of_graph(lines: list[LogLine], at: int) -> str:
    """Put together what TensorFlow says of a graph: what went wrong stands below the node."""
    text, *rest = (line.text.strip() for line in lines[at:])
    nodes = (place for place, part in enumerate(rest) if part.startswith("Node: "))
    below = next(nodes, len(rest)) + 1
    return " ".join([text, *rest[below : below + 1]])


def _weight(text: str, *, is_exception: bool, level: str = "") -> float:
    """Say how much a line tells of the cause."""
    rule = rule_of(text[:READ])
    is_end = rule.category in _ENDS or bool(_EXIT_STATUS.search(text))
    if is_end or _PASSED_ON.search(text):
        weight = 1.6 if is_exception else 1.5
    elif level == "WARNING":
        weight = 0.2 if rule is OTHER else 0.6
    elif rule.is_symptom:
        weight = 3.6 if is_exception else 3.0
        # of what a watchdog says, the words that all versions share
        weight += 0.2 * ("Watchdog caught" in text)
    elif rule.category == "hardware":
        weight = 7.0
    elif is_exception:
        weight = 5.0 if rule is OTHER or rule.is_general else 6.0
        # what asked for the address may know what is not there
        weight -= 0.4 * bool(_ASKS_ADDRESS.search(text))
    elif rule is not OTHER:
        weight = 3.5 if rule.is_general else 5.5
    elif level == "ERROR":
        weight = 2.5
    else:
        weight = 1.0 if _WORD.search(text) else 0.0
    return weight


def _fold(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= READ else text[: READ - 1].rstrip() + "…"
