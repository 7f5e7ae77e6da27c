"""Random choices that are the same on every Python version and platform.

Only `random.Random.random` promises its sequence across versions, so everything is built on it,
with arithmetic that is exact everywhere: integers, and no logarithms, powers or float sums.
"""

import random
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A stream of choices that a seed decides.

    Parameters
    ----------
    seed : int
        Equal seeds give equal streams.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random  # noqa: S311 (made-up data, not secrets)

    def below(self, stop: int) -> int:
        """Draw an integer from 0 up to, but not, `stop`."""
        return int(self._random() * stop)

    def between(self, low: int, high: int) -> int:
        """Draw an integer from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """Say yes in `percent` of 100 cases."""
        return self.below(100) < percent

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of equally likely options."""
        return options[self.below(len(options))]

    def weighted(self, table: Sequence[tuple[int, T]]) -> T:
        """Draw one of the options that stand beside their weights."""
        left = self.below(sum(weight for weight, _ in table))
        for weight, option in table:
            left -= weight
            if left < 0:
                return option
        raise AssertionError(table)

    def span(self, low: int, high: int) -> timedelta:
        """Draw a length of time between two numbers of seconds, to the microsecond."""
        return timedelta(microseconds=self.between(low * 1_000_000, high * 1_000_000))

    def quantile(self, knots: Sequence[int]) -> timedelta:
        """Draw a length of time from its minimum, median, 90 % and maximum, in minutes."""
        share = self.below(1000)
        marks = tuple(zip((0, 500, 900, 1000), knots, strict=True))
        for (left, low), (right, high) in pairwise(marks):
            if share < right:
                seconds = 60 * low + 60 * (high - low) * (share - left) // (right - left)
                return timedelta(seconds=seconds) + self.span(0, 40)
        raise AssertionError(knots)


def stream(*words: str) -> Dice:
    """Open the stream that belongs to some words: drawing from it disturbs no other stream."""
    return Dice(int.from_bytes("/".join(words).encode(), "big"))
