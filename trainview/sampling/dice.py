"""Moments, and random choices that are the same on every Python version and platform.

Only `random.Random.random` promises its sequence across versions, so everything is built on it,
with integers: no logarithm, power or sum of floats that platforms could round in other ways.
Moments are milliseconds since 1970 for the same reason.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import TypeVar

import numpy as np

from trainview.errors import ArgumentError

AS_OF = "2026-03-31T18:00:00Z"
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
# Later than everything that is told: what has not happened.
NEVER = 1 << 52

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


def moment(name: str, value: str | datetime) -> datetime:
    """Check that an argument is a time with a zone, and give it in UTC."""
    with suppress(AttributeError, ValueError):
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
        if time.utcoffset() is not None and 1980 <= time.year <= 9900:
            return time.astimezone(UTC)
    wanted = f"a time with a zone, like {AS_OF!r}, in the years 1980 to 9900"
    raise ArgumentError(f"{name} must be {wanted}: got {value!r}")


def milliseconds(time: datetime) -> int:
    """Count the whole milliseconds from 1970 to a moment."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def spell(time: int, precision: str = "milliseconds", zone: str = "Z") -> str:
    """Write a moment in one of the spellings that the API has."""
    text = (_EPOCH + timedelta(milliseconds=time)).isoformat(timespec=precision)
    return text.replace("+00:00", zone)


class Dice:
    """A stream of choices, and of ids like ``03yv1l3``, that some words and numbers decide."""

    def __init__(self, *seed: str | int) -> None:
        number = int.from_bytes("/".join(map(str, seed)).encode(), "big")
        self._random = random.Random(number).random  # noqa: S311 (made-up data, not secrets)
        self.ids = self._identifiers()

    def _identifiers(self) -> Iterator[str]:
        # The stride is coprime to 36, so that each comes once: they look random, but never repeat.
        stride = 48_432_388_693
        for number in count(self.below(36**7) + stride, stride):
            yield np.base_repr(number % 36**7, 36).lower().zfill(7)

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
        points = pairwise(zip((0, 500, 900, 1000), knots, strict=True))
        (left, low), (right, high) = next(pair for pair in points if share < pair[1][0])
        minutes = MINUTE * low + MINUTE * (high - low) * (share - left) // (right - left)
        return minutes + self.seconds(0, 40)
