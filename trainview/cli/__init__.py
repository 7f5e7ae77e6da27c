"""The command line: arguments in, library calls, text out.

Only click is imported at the top of these modules, so that ``trainview --help`` answers at once;
the commands import what they need. Data goes to standard output, everything else to standard
error.
"""

import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from trainview.cli.checks import check
from trainview.cli.code_pages import LIKE_ASCII
from trainview.cli.commands import cli
from trainview.cli.compare import compare
from trainview.cli.cost import cost
from trainview.cli.fetch import fetch
from trainview.cli.fleet import caches, checkpoints, queue, quota, utilization
from trainview.cli.history import compact, record
from trainview.cli.job import job
from trainview.cli.openmetrics import openmetrics
from trainview.cli.options import WORDS, say
from trainview.cli.reliability import failures, goodput
from trainview.cli.report import report
from trainview.cli.signals import Signals, leave
from trainview.cli.watching import watch
from trainview.cli.wording import in_shell
from trainview.errors import DataWarning, OutputError, TrainviewError, not_installed
from trainview.text.safe import safe_text

_BUG = 1

for command in (
    caches, check, checkpoints, compact, compare, cost, failures, fetch, goodput, job,
    openmetrics, queue, quota, record, report, utilization, watch,
):  # fmt: skip
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code.

    Parameters
    ----------
    arguments : list of str, optional
        The words behind ``trainview``; those of the process when left out.
    """
    signals = Signals()
    try:
        signals.listen()
        code = run(arguments, signals)
    except KeyboardInterrupt:
        code = _interrupted(signals)
    leave(code)


def run(arguments: list[str] | None = None, signals: Signals | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        The words behind ``trainview``; those of the process when left out.
    signals : Signals, optional
        What the process was asked meanwhile.

    Returns
    -------
    int
        The exit code: 0 fine, 2 usage or configuration, 3 key refused, 4 network or API, 5 bad
        data, 6 cannot write, 10 a rule is broken, 130 interrupted (129 by SIGHUP, 143 by
        SIGTERM), 1 for a bug of ours.
    """
    signals = signals or Signals()
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=LIKE_ASCII)
    try:
        code = _run(words, signals)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return 0
    except OSError as error:
        _forget_stdout()
        return _fail(OutputError(f"cannot write standard output: {error.strerror}"))
    except ModuleNotFoundError as missing:
        if debug:
            raise
        return _fail(not_installed(missing))
    except Exception as error:
        # libraries turn what a signal raised inside them into errors of their own
        if signals.received is not None:
            return _interrupted(signals)
        if debug:
            raise
        say(f"a bug in trainview ({type(error).__name__}): run it again with --debug and report it")
        return _BUG
    return code


def _open_closed_streams() -> None:
    # where a stream was closed (>&-) Python has none, and a file might take its number
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            setattr(sys, name, os.fdopen(nowhere, "w", encoding="utf-8"))


def _interrupted(signals: Signals, text: str = "") -> int:
    signals.close()
    say(text or "interrupted")
    return signals.code


def _run(words: list[str], signals: Signals) -> int:
    try:
        # not cli.main, which takes a closed pipe for a fault
        with _warnings_as_lines(), cli.make_context("trainview", list(words)) as context:
            context.obj = signals
            context.meta[WORDS] = words
            cli.invoke(context)
        signals.close()
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt) as error:
        return _interrupted(signals, str(error))
    except TrainviewError as error:
        if signals.received is not None:
            return _interrupted(signals)
        if "--debug" in words:
            traceback.print_exc()
        return _fail(error, words)
    return 0


def _fail(error: TrainviewError, words: Sequence[str] = ()) -> int:
    say(f"error: {safe_text(in_shell(str(error), list(cli.commands.values()), words))}")
    return error.exit_code


def _forget_stdout() -> None:
    # what is still buffered has no reader; without this the interpreter complains at exit
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    def show(message: Warning | str, category: type[Warning], *_: Any) -> None:
        if issubclass(category, DataWarning):
            say(f"warning: {safe_text(in_shell(str(message), (), ()))}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", DataWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield
