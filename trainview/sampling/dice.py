"""Random choices that are the same on every Python version and platform.

Only `random.Random.random` promises its sequence across versions, so everything is built on it,
with integers: no logarithm, power or sum of floats that platforms could round in other ways.
"""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from trainview.sampling.clock import MINUTE, SECOND

T = TypeVar("T")


class Dice:
    """A stream of choices that some words, or a number, decide."""

    def __init__(self, *seed: str | int) -> None:
        number = int.from_bytes("/".join(map(str, seed)).encode(), "big")
        self._random = random.Random(number).random  # noqa: S311 (made-up data, not secrets)

    def below(self, stop: int) -> int:
        """Draw an integer from 0 up to, but not, `stop`."""
        return int(self._random() * stop)

    def between(self, low: int, high: int) -> int:
        """Draw an integer from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def seconds(self, low: int, high: int) -> int:
        """Draw a length of time between two numbers of seconds, in milliseconds."""
        return self.between(low * SECOND, high * SECOND)

    def chance(self, percent: int) -> bool:
        """Say yes in `percent` of 100 cases."""
        return self.below(100) < percent

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of equally likely options."""
        return options[self.below(len(options))]

    def weighted(self, table: Sequence[tuple[int, T]]) -> T:
        """Draw one of the options that stand beside their weights."""
        return self.pick([option for weight, option in table for _ in range(weight)])

    def quantile(self, knots: Sequence[int]) -> int:
        """Draw a length of time from its minimum, median, 90% and maximum, in minutes."""
        share = self.below(1000)
        for (left, low), (right, high) in pairwise(zip((0, 500, 900, 1000), knots, strict=True)):
            if share < right:
                minutes = MINUTE * low + MINUTE * (high - low) * (share - left) // (right - left)
                return minutes + self.seconds(0, 40)
        raise AssertionError(knots)
