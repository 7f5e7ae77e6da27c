"""One rate limit for all calls of a client: when the API is asked too much, everybody waits."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_FIRST_GAP, _LONGEST_GAP, _SHORTEST_GAP = 0.02, 1.0, 0.001
_FASTER = 0.9


class RateLimiter:
    """When the next call may begin, for calls that many threads make at once.

    After a 429 no call begins before the wait is over. Then calls that run side by side begin one
    after the other, with a gap that grows with each 429 and shrinks with each answer.

    Parameters
    ----------
    clock : callable, optional
        Gives seconds that only rise.

    Examples
    --------
    >>> limiter = RateLimiter(clock=lambda: 100.0)
    >>> limiter.back_off(5.0)
    105.0
    >>> limiter.blocked_until()
    (5.0, 105.0)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until = self._next = self._slept = clock()
        self._spacing = 0.0
        self._running = 0

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count a call as running; a call that is alone leaves no gaps."""
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def blocked_until(self) -> tuple[float, float]:
        """Tell how many seconds no call may begin yet, and the moment at which that is over."""
        with self._lock:
            return max(0.0, self._until - self._now()), self._until

    def advance_to(self, moment: float) -> None:
        """Take a moment for past, after somebody has slept until then."""
        with self._lock:
            self._slept = max(self._slept, moment)

    def reserve(self) -> float:
        """Take a place in the row of calls, and tell how many seconds away it is."""
        with self._lock:
            if self._running < 2 or not self._spacing:
                return 0.0
            now = self._now()
            begin = max(now, self._next)
            self._next = begin + self._spacing
            return begin - now

    def back_off(self, seconds: float) -> float:
        """Let no call begin for some seconds; tell the moment at which that is over."""
        with self._lock:
            now = self._now()
            # calls that ran side by side are all refused: that counts once
            if now >= self._until:
                self._spacing = min(max(2 * self._spacing, _FIRST_GAP), _LONGEST_GAP)
            self._until = max(self._until, now + seconds)
            return now + seconds

    def recover(self) -> None:
        """Go a little faster, as an answer came."""
        with self._lock:
            self._spacing = self._spacing * _FASTER if self._spacing > _SHORTEST_GAP else 0.0

    def _now(self) -> float:
        return max(self._clock(), self._slept)
