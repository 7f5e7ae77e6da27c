"""A process that is asked to end ends once: with one line, its code, and nothing half done.

The first of the signals raises `Interrupted` in the main thread, so that what was begun is taken
back; the ones behind it are ignored. Worker threads are not waited for: the process leaves without
the interpreter's own end, in which threads of C++ libraries abort it. Nor is a lock that nobody
will release any more, as when the signal came just behind its acquisition: some time later the
process leaves in any case.
"""

import _thread
import atexit
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any, NoReturn

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_REPEAT_SECONDS = 0.05
# How long it may take to take back what was begun.
MOST_SECONDS = 5.0


class Interrupted(KeyboardInterrupt):
    """A signal asked the process to end."""


class Signals:
    """The signals that this process got, once it listens.

    Attributes
    ----------
    received : int or None
        The first of them.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._is_over = False
        self._is_lost = False

    def listen(self) -> None:
        """Turn the signals into `Interrupted`, but for those that the caller has ignored."""
        sys.unraisablehook = self._unraisable
        threading.excepthook = self._thread_failed
        for number in _numbers():
            # nohup ignores SIGHUP
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._receive)

    def close(self) -> None:
        """Ignore all signals from now on: what was to be done is done."""
        self._is_over = True

    @property
    def code(self) -> int:
        """The exit code of a process that such a signal ended."""
        return 128 + (self.received or signal.SIGINT)

    def _receive(self, number: int, _: object) -> None:
        if self._is_over:
            return
        if self.received is None:
            self.received = number
            # not a Thread, whose start takes locks that may be held here
            _thread.start_new_thread(self._give_up, (MOST_SECONDS,))
            raise Interrupted
        if self._is_lost:
            self._is_lost = False
            raise Interrupted

    def _give_up(self, seconds: float) -> None:
        time.sleep(seconds)
        if not self._is_over:
            os.write(2, b"trainview: interrupted\n")
        os._exit(self.code)

    def _thread_failed(self, fault: threading.ExceptHookArgs) -> None:
        # what threads meet while all is taken down is nobody's business
        if self.received is None:
            threading.__excepthook__(fault)

    def _unraisable(self, fault: Any) -> None:
        if isinstance(fault.exc_value, Interrupted) and self.received is not None:
            # raised where Python drops errors, such as a finalizer: once more, a moment later
            self._is_lost = True
            _thread.start_new_thread(_repeat, (self.received,))
        else:
            sys.__unraisablehook__(fault)


def _repeat(number: int) -> None:
    time.sleep(_REPEAT_SECONDS)
    if hasattr(signal, "pthread_kill"):
        # it wakes the main thread up where that waits for a lock
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def leave(code: int) -> NoReturn:
    """End the process now, without waiting for any thread.

    Parameters
    ----------
    code : int
        Its exit code.
    """
    for number in _numbers():
        signal.signal(number, signal.SIG_IGN)
    with suppress(Exception):
        # what waits for the end of the process, such as temporary folders
        atexit._run_exitfuncs()  # noqa: SLF001 - there is no public way
    with suppress(Exception):
        logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(code)


def _numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
