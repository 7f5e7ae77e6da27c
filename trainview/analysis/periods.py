"""Hours, days, weeks, months, quarters and years of a time zone, and steps spread over them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, Integers, Numbers, from_pandas, is_lazy, to_pandas
from trainview.analysis.grouping import number_groups
from trainview.analysis.parts import by_time
from trainview.analysis.steps import Steps, query_changes, query_levels, sweep, timestamps
from trainview.analysis.times import US_PER_HOUR, US_PER_SECOND, with_microseconds
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


def hours_held(
    frame: Frame,
    keys: Sequence[str],
    freq: str,
    tz: str,
    *,
    days: Integers | None = None,
    rate: str | None = None,
) -> tuple[pd.DataFrame, Integers, Numbers, Integers]:
    """Share what is held out over periods.

    Parameters
    ----------
    frame : narwhals frame
        Rows that hold ``__held`` from ``created_at`` to ``end_at``; of a lazy one, one row a group
        and period is collected, at most.
    keys : sequence of str
        The columns to group by.
    freq, tz : str
        The kind of periods, and the time zone.
    days : numpy.ndarray of int64, optional
        Other moments that the periods must reach to.
    rate : str, optional
        The column that hours are multiplied by, which has few values.

    Returns
    -------
    groups : pandas.DataFrame
        The keys, one row a group.
    begin : numpy.ndarray of int64
        Where periods begin, as `edges` gives it; the last entry ends the last period.
    hours : numpy.ndarray of float64
        Hours times what is held, and times the rate, one row a group, one column a period.
    peaks : numpy.ndarray of int64
        The most that is held at one moment, in the same shape; with a rate they mean nothing.
    """
    more: list[int] = [] if days is None else days.tolist()
    parts = list(keys) if rate is None else [*keys, rate]
    if is_lazy(frame):
        frame = with_microseconds(frame, __from="created_at", __to="end_at")
        begin = _around([*_span(frame), *more], freq, tz)
        times = "__from", "__to"
        if rate is None:
            asked = [query_levels(part, keys, *times) for part in by_time(frame, *times)]
        else:
            asked = [query_changes(frame, parts, *times)]
        found = [to_pandas(_by_period(part, keys, begin, rate)) for part in asked]
        table = pd.concat(found, ignore_index=True)
        # What ends where the last period does changes none.
        table = table[table["__period"] < len(begin) - 1].reset_index(drop=True)
        number, groups = number_groups(table, keys)
        from_changes = _from_changes if rate is None else _from_rates
        return groups, begin, *from_changes(table, number, len(groups), begin)
    steps = sweep(frame, parts)
    ends = [] if not len(steps.time) else [steps.time.min(), steps.time.max() - 1]
    begin = _around([*ends, *more], freq, tz)
    of_parts, most = _spread(steps, begin)
    if rate is None:
        return steps.groups, begin, of_parts, most
    number, groups = number_groups(steps.groups, keys)
    hours, peaks = np.zeros(shape := (len(groups), len(begin) - 1)), np.zeros(shape, "int64")
    factors = steps.groups[rate].to_numpy("float64")
    np.add.at(hours, number, of_parts * factors[:, np.newaxis])
    return groups, begin, hours, peaks


def _around(moments: "list[int]", freq: str, tz: str) -> Integers:
    # What ends where a period begins is not in that.
    return edges(min(moments), max(moments), freq, tz) if moments else np.zeros(1, "int64")


def _span(frame: Frame) -> list[int]:
    """Find the first and the last moment at which something is held; nothing where nothing is."""
    first = nw.min_horizontal("__from", "__to").min()
    last = nw.max_horizontal("__from", "__to").max()
    span = to_pandas(frame.select(__first=first, __last=last - 1)).dropna()
    return [int(moment) for row in span.to_numpy().tolist() for moment in row]


def _from_changes(
    table: pd.DataFrame, group: Integers, groups: int, begin: Integers
) -> tuple[Numbers, Integers]:
    """Find hours and peaks by what `_by_period` sums up.

    What is held in a period is what is held at its end all along, less each change for as long as
    the period lasted before it. Seconds and what is left of them are summed apart, so that sums of
    whole numbers are exact, and fit.
    """
    number = len(begin) - 1
    cell = group * number + table["__period"].to_numpy("int64")

    def dense(name: str, together: np.ufunc = np.add, nothing: int = 0) -> Integers:
        values = np.full(groups * number, nothing, "int64")
        together.at(values, cell, table[name].to_numpy("int64"))
        return values.reshape(groups, number)

    change = dense("__change")
    level = np.cumsum(change, axis=1)
    seconds, rest = np.divmod(np.diff(begin), US_PER_SECOND)
    hours = (
        (level * seconds - dense("__seconds")) + (level * rest - dense("__rest")) / US_PER_SECOND
    ) / (US_PER_HOUR // US_PER_SECOND)
    # What was held before lasts into the period, unless that begins with a change.
    carried = np.where(dense("__first", np.minimum, nothing=1) > 0, level - change, 0)
    return hours, np.maximum(dense("__peak", np.maximum), carried)


def _from_rates(
    table: pd.DataFrame, group: Integers, groups: int, begin: Integers
) -> tuple[Numbers, Integers]:
    """Find hours times rates likewise; sums of rates are rounded, but nothing held is nothing."""
    shape = groups, len(begin) - 1
    cell = group * shape[1] + table["__period"].to_numpy("int64")

    def dense(name: str) -> Numbers:
        values = table[name].to_numpy("float64")
        return np.asarray(np.bincount(cell, values, groups * shape[1]), "float64").reshape(shape)

    held = np.cumsum(dense("__change"), axis=1)
    level = np.where(held == 0, 0, np.cumsum(dense("__rate"), axis=1))
    length = np.diff(begin) / US_PER_SECOND
    hours = (level * length - dense("__seconds")) / (US_PER_HOUR // US_PER_SECOND)
    return hours, np.zeros(shape, "int64")


def _by_period(levels: Frame, keys: Sequence[str], begin: Integers, rate: str | None) -> Frame:
    """Sum the changes up by units of one length, and these by period where that differs."""
    length = np.diff(begin)
    # All zones in use are whole quarters of an hour from UTC.
    unit = int(np.gcd.reduce(length, initial=0)) or US_PER_HOUR
    unit = max(unit, US_PER_HOUR // 4)
    since = nw.col("__time") - int(begin[0])
    levels = levels.with_columns(__offset=since % unit)
    change, offset = nw.col("__change"), nw.col("__offset")
    levels = levels.with_columns(__period=((since - offset) // unit).cast(nw.Int64))
    ends: dict[str, nw.Expr] = {}
    if rate is None:
        rest = offset % US_PER_SECOND
        moved = {"__seconds": change * ((offset - rest) // US_PER_SECOND), "__rest": change * rest}
        ends = {"__peak": nw.col("__level").max(), "__first": offset.min()}
        lasting = change
    else:
        # a group has many rates: rows of each would be many times the result
        levels = levels.with_columns(__rate=change * nw.col(rate))
        moved = {"__seconds": nw.col("__rate") * (offset / US_PER_SECOND)}
        lasting = nw.col("__rate")
    summed = ["__change", *([] if rate is None else ["__rate"]), *moved]
    whole = ["__change", *([] if rate else moved), *ends]
    by_unit = levels.with_columns(**moved).group_by(*keys, "__period")
    found = by_unit.agg(nw.col(*summed).sum(), **ends).with_columns(nw.col(*whole).cast(nw.Int64))
    if (length == unit).all():
        return found
    units = np.arange(begin[0], begin[-1], unit)
    period = np.searchsorted(begin, units, "right") - 1
    places = pd.DataFrame(
        {
            "__period": np.arange(len(units)),
            "__of": period,
            "__since": (units - begin[period]) // US_PER_SECOND,
        }
    )
    found = found.join(from_pandas(places, found), on="__period", how="inner")
    since = nw.col("__since")
    found = found.with_columns(__seconds=nw.col("__seconds") + lasting * since)
    if ends:
        found = found.with_columns(__first=nw.col("__first") + since)
        ends = {"__peak": nw.col("__peak").max(), "__first": nw.col("__first").min()}
    of_periods = found.drop("__period").rename({"__of": "__period"}).group_by(*keys, "__period")
    return of_periods.agg(nw.col(*summed).sum(), **ends).with_columns(nw.col(*whole).cast(nw.Int64))


def _spread(steps: Steps, begin: Integers) -> tuple[Numbers, Integers]:
    """Share the steps of tables in memory out over periods: hours, and the highest level."""
    shape = len(steps.groups), len(begin) - 1
    if not len(steps.groups):
        return np.zeros(shape), np.zeros(shape, "int64")
    bounds = np.searchsorted(steps.group, np.arange(len(steps.groups) + 1))
    # Put a step without a change where each period begins; then none reaches beyond its period.
    where = np.concatenate(
        [low + np.searchsorted(steps.time[low:high], begin[:-1]) for low, high in pairwise(bounds)]
    )
    first_of_group = np.isin(where, bounds[:-1])
    carried = np.where(first_of_group, 0, steps.level[where - 1])
    time = np.insert(steps.time, where, np.tile(begin[:-1], len(steps.groups)))
    level = np.insert(steps.level, where, carried)
    heads = where + np.arange(len(where))
    following = np.append(time[1:], begin[-1])
    following[heads[len(begin) - 1 :: len(begin) - 1] - 1] = begin[-1]
    # The last step of a group may lie where the last period ends.
    length = np.maximum(following - time, 0)
    hours = np.add.reduceat(level * (length / US_PER_HOUR), heads)
    peaks = np.maximum.reduceat(np.where(length > 0, level, 0), heads)
    return hours.reshape(shape), peaks.reshape(shape)
