"""Hours, days, weeks, months, quarters and years of a time zone, and steps spread over them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from trainview.analysis.frames import Integers, Numbers
from trainview.analysis.steps import Steps, timestamps
from trainview.analysis.times import US_PER_HOUR
from trainview.errors import ArgumentError

# More than these, from the first to the last, is a mistake in the times rather than a wish.
MOST_PERIODS = 100_000
# What the helper calls a period, and what pandas calls it; weeks begin on Monday.
FREQUENCIES = {"h": "h", "D": "D", "W": "W-SUN", "M": "M", "Q": "Q-DEC", "Y": "Y-DEC"}


def check_period(freq: str, tz: str) -> None:
    """Refuse a kind of period, or a time zone, that does not exist.

    Raises
    ------
    ArgumentError
        Naming the argument, and what is possible.
    """
    if not isinstance(freq, str) or freq not in FREQUENCIES:
        raise ArgumentError(f"freq={freq!r}: choose one of {', '.join(FREQUENCIES)}")
    try:
        ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ArgumentError(
            f"tz={tz!r}: give the name of a time zone, for example 'UTC' or 'Europe/Berlin'"
        ) from None


def edges(first: int, last: int, freq: str, tz: str) -> Integers:
    """List the moments at which periods begin, around a span of time.

    A period begins when the local clock first shows its start, or passes over it; an hour begins
    each time the clock shows it.

    Parameters
    ----------
    first, last : int
        The span, in microseconds since 1970 UTC.
    freq : str
        One of `FREQUENCIES`.
    tz : str
        The time zone.

    Returns
    -------
    numpy.ndarray of int64
        Rising microseconds since 1970 UTC; the first is at or before `first`, the last after
        `last`.

    Raises
    ------
    ArgumentError
        If there are more than `MOST_PERIODS`.
    """
    span = timestamps(np.array([first, last])).tz_convert(tz).tz_localize(None)
    # The clock may have been set back within the span, so a day more on either side.
    margin = pd.Timedelta(days=1)
    earliest = (span.min() - margin).to_period(FREQUENCIES[freq])
    latest = (span.max() + margin).to_period(FREQUENCIES[freq])
    number = latest.ordinal - earliest.ordinal
    if number > MOST_PERIODS:
        raise ArgumentError(
            f"freq={freq!r}: about {number:,} periods from {span.min():%Y-%m-%d} to "
            f"{span.max():%Y-%m-%d}, where {MOST_PERIODS:,} are possible: choose a longer one"
        )
    clock = pd.period_range(earliest, latest + 1).to_timestamp()
    occurrences = (True, False) if freq == "h" else (True,)
    begin = np.unique(
        np.concatenate([_moments(clock, tz, earlier=earlier) for earlier in occurrences])
    )
    start = np.searchsorted(begin, first, "right") - 1
    stop = np.searchsorted(begin, last, "right")
    return begin[start : stop + 1]


def _moments(clock: pd.DatetimeIndex, tz: str, *, earlier: bool) -> Integers:
    """Find when a local clock shows some times: the earlier moment, or the later, of two."""
    times = clock.tz_localize(tz, ambiguous=np.full(len(clock), earlier), nonexistent="NaT")
    # Not left to pandas: it shifts by an hour too much where a zone skipped more than one.
    passed = [_passed(time, ZoneInfo(tz)) for time in clock[times.isna()].to_pydatetime()]
    skipped = pd.DatetimeIndex(passed, tz="UTC")
    return np.concatenate([times.dropna().as_unit("us").asi8, skipped.as_unit("us").asi8])


def _passed(time: datetime, zone: ZoneInfo) -> datetime:
    """Find when a local clock passed over a time that it never showed: to the second."""
    # the clock was set forward between what the two offsets say
    before, after = (
        time.replace(tzinfo=zone, fold=fold).astimezone(UTC).replace(microsecond=0)
        for fold in (1, 0)
    )
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def spread(steps: Steps, begin: Integers) -> tuple[Numbers, Integers]:
    """Share the steps out over periods.

    Parameters
    ----------
    steps : Steps
        At least one group, each with a step.
    begin : numpy.ndarray of int64
        Where periods begin, as `edges` gives it; the last entry ends the last period.

    Returns
    -------
    hours : numpy.ndarray of float64
        GPU-hours, one row a group, one column a period.
    peaks : numpy.ndarray of int64
        The highest level, in the same shape.
    """
    bounds = np.searchsorted(steps.group, np.arange(len(steps.groups) + 1))
    # Put a step without a change where each period begins; then none reaches beyond its period.
    where = np.concatenate(
        [low + np.searchsorted(steps.time[low:high], begin[:-1]) for low, high in pairwise(bounds)]
    )
    first_of_group = np.isin(where, bounds[:-1])
    carried = np.where(first_of_group, 0, steps.level[where - 1])
    time = np.insert(steps.time, where, np.tile(begin[:-1], len(steps.groups)))
    level = np.insert(steps.level, where, carried)
    peak = np.insert(steps.peak, where, carried)
    excess = np.insert(steps.excess, where, 0.0)
    heads = where + np.arange(len(where))
    following = np.append(time[1:], begin[-1])
    following[heads[len(begin) - 1 :: len(begin) - 1] - 1] = begin[-1]
    length = following - time
    hours = np.add.reduceat(level * (length / US_PER_HOUR) - excess, heads)
    peaks = np.maximum.reduceat(np.where(length > 0, peak, 0), heads)
    shape = len(steps.groups), len(begin) - 1
    return hours.reshape(shape), peaks.reshape(shape)
