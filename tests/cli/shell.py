"""The command line as a user meets it: words in; exit code and bytes out.

`trainview` runs a command in the process of the tests, which spares the start of an interpreter for
each; `start` runs it in a process of its own, for what only a process has: signals, terminals, and
pipes that close. A test holds the two together.
"""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from trainview.cli import run

DATA = Path(__file__).parents[2] / "data"
KEY = "sentinel-key-6b1f"


class Done(NamedTuple):
    """What a command leaves."""

    returncode: int
    stdout: bytes
    stderr: bytes


class _Stdin(io.BytesIO):
    name = "<stdin>"


def environment(key: str | None = None, env: dict[str, str] | None = None) -> dict[str, str]:
    """Give the environment of a command: nothing of the caller's that commands look at."""
    unset = {"BASETEN_API_KEY", "COLUMNS", "NO_COLOR", "FORCE_COLOR"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return kept | ({} if key is None else {"BASETEN_API_KEY": key}) | (env or {})


def trainview(
    *words: object,
    stdin: bytes = b"",
    key: str | None = None,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> Done:
    """Run a command here, and leave everything as it was."""
    streams = {name: io.TextIOWrapper(io.BytesIO(), "utf-8") for name in ("stdout", "stderr")}
    with (
        mock.patch.multiple(sys, stdin=io.TextIOWrapper(_Stdin(stdin), "utf-8"), **streams),
        mock.patch.dict(os.environ, environment(key, env), clear=True),
        chdir(cwd or "."),
        logging_as_before(),
    ):
        code = run([str(word) for word in words])
    for stream in streams.values():
        stream.flush()
    return Done(code, *(stream.buffer.getvalue() for stream in streams.values()))


@contextmanager
def logging_as_before() -> Iterator[None]:
    """Take back what a command sets up for its process."""
    # a command sets up the logging of its process, once and for all
    logger = logging.getLogger("trainview")
    before = logger.level, logger.handlers[:]
    try:
        yield
    finally:
        logger.setLevel(before[0])
        logger.handlers[:] = before[1]


def start(
    *words: object,
    key: str | None = None,
    env: dict[str, str] | None = None,
    before: tuple[str, ...] | list[str] = (),
    **streams: Any,
) -> subprocess.Popen[bytes]:
    """Start a command in a process of its own."""
    return subprocess.Popen(
        [*before, sys.executable, "-m", "trainview", *map(str, words)],
        env=environment(key, env),
        **streams,
    )


# What takes long is loaded once, before there are threads.
_EACH = """
import json, os, sys
import pandas, trainview.loading, trainview.snapshot
from trainview.__main__ import main
for words in json.loads(sys.argv[1]):
    process = os.fork()
    if process == 0:
        sys.argv = ["trainview", *words]
        main()
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    print(words, "ended with", code, file=sys.stderr, flush=True)
"""


def start_each(
    commands: list[list[str]], *, env: dict[str, str] | None = None, **streams: Any
) -> subprocess.Popen[bytes]:
    """Start commands one after the other, each in a process that has the modules already.

    For what is about the end of a process or its streams, not about its start.
    """
    return subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _EACH, json.dumps(commands)],
        env=environment(env=env),
        **streams,
    )


def out(*words: object, **more: Any) -> str:
    """Run a command that must succeed, and give what it says."""
    done = trainview(*words, **more)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def fault(code: int, *words: object, **more: Any) -> str:
    """Give the one line that a user gets."""
    done = trainview(*words, **more)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == code, lines
    assert "Traceback" not in done.stderr.decode()
    return lines[-1]
