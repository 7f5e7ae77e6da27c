"""Looking again and again: when, and what becomes of a look that fails."""

from __future__ import annotations

import signal
import threading
import time
import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import click

from trainview.cli.wording import in_shell
from trainview.errors import ApiError, AuthError, DataWarning, NetworkError, TrainviewError
from trainview.text.moments import LONGEST, parse_span
from trainview.text.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainview.snapshot import Snapshot


class Look(NamedTuple):
    """A look, or why there was none.

    Attributes
    ----------
    at : datetime.datetime
        When.
    snapshot : Snapshot or None
        None if it failed.
    warnings : tuple of str
        What there was to warn of.
    error : str
        Why it failed.
    failed : int
        How many have failed in a row.
    """

    at: datetime
    snapshot: Snapshot | None = None
    warnings: tuple[str, ...] = ()
    error: str = ""
    failed: int = 0


def read_every(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    """Read how far apart looks are, in seconds."""
    if text is None:
        return None
    span = parse_span(text)
    if span is None or not timedelta(0) < span <= LONGEST:
        raise click.BadParameter(f"{text!r}: give a length of time above zero, such as 30s or 5m")
    return span.total_seconds()


def each_look(
    read: Callable[[], Snapshot],
    *,
    every: float | None,
    looks: int | None = None,
    wait: Callable[[float], object],
) -> Iterator[Look]:
    """Look once, or so many seconds apart, from one beginning to the next.

    Parameters
    ----------
    read : callable
        Reads a snapshot.
    every : float, optional
        Seconds; one look when left out, whose failure is an error.
    looks : int, optional
        Stop after so many.
    wait : callable
        Waits for so many seconds; true to stop.

    Yields
    ------
    Look
        As it ends. One that fails is followed by the next one, unless nothing speaks for that:
        the key was refused, or the first look found no source, or arguments that cannot be right.
    """
    done = failed = 0
    while True:
        begun = time.monotonic()
        at = datetime.now(UTC)
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", DataWarning)
                snapshot = read()
        except TrainviewError as error:
            if every is None or _is_final(error, is_first=not done):
                raise
            failed += 1
            look = Look(at, error=str(error), failed=failed)
        else:
            failed = 0
            told = (str(one.message) for one in caught if issubclass(one.category, DataWarning))
            look = Look(at, snapshot, tuple(dict.fromkeys(told)))
        yield look
        done += 1
        if every is None or done == looks or wait(max(begun + every - time.monotonic(), 0.0)):
            return


def _is_final(error: TrainviewError, *, is_first: bool) -> bool:
    context = click.get_current_context(silent=True)
    if context is not None and context.obj is not None and context.obj.received is not None:
        # libraries turn what a signal raised inside them into errors of their own
        return True
    passes = isinstance(error, ApiError | NetworkError)
    return isinstance(error, AuthError) or (is_first and not passes)


def until_told() -> Callable[[float], bool]:
    """Let SIGTERM end a program behind the look that goes on, as systemd asks for it."""
    told = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: told.set())
    return told.wait


def in_words(text: str) -> str:
    """Write a message of the library in the words of the shell."""
    return safe_text(in_shell(text, (), ()))
