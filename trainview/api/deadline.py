"""A call that is given up at its deadline, whatever it waits for."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.25


class Attempt(threading.Thread, Generic[T]):
    """A call in a thread of its own, so that a deadline holds whatever the call waits for.

    A socket's timeout only limits the wait for the next byte, and the look-up of a name knows
    no timeout at all. The thread that is given up ends when its connection is cut.

    Parameters
    ----------
    call : callable
        What to do; it tells `watch` of the connection that it waits for.
    """

    def __init__(self, call: Callable[[], T]) -> None:
        super().__init__(name="trainview-http", daemon=True)
        self._call = call
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._given_up = False
        self._socket: socket.socket | None = None
        self._outcome: T | None = None
        self._bug: BaseException | None = None

    def run(self) -> None:
        """Make the call."""
        try:
            self._outcome = self._call()
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            # The frames of requests hold the key.
            self._bug = error.with_traceback(None)
            self._bug.__context__ = self._bug.__cause__ = None
        finally:
            self._ended.set()

    def watch(self, connection: socket.socket) -> None:
        """Remember what to cut when the call is given up."""
        with self._lock:
            if self._given_up:
                raise TimeoutError("given up")
            self._socket = connection

    def outcome(self, deadline: float) -> T | None:
        """Run the call for so many seconds; its outcome, or None when it was given up."""
        self.start()
        end = time.monotonic() + deadline
        in_time = False
        try:
            # In slices, as a long wait does not notice Ctrl-C on Windows.
            while not in_time and (left := end - time.monotonic()) > 0:
                in_time = self._ended.wait(min(left, _POLL_SECONDS))
        finally:
            if not in_time:
                self._give_up()
        if not in_time:
            # Never the outcome: to the call, the cut may have looked like the end of the body.
            return None
        if self._bug is not None:
            raise self._bug
        return self._outcome

    def _give_up(self) -> None:
        with self._lock:
            self._given_up = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
