"""Moments and lengths of time as people write them: the one parser for arguments and options."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, TypeAlias

from trainview.errors import ArgumentError
from trainview.text.safe import safe_text
from trainview.text.shown import Shown

if TYPE_CHECKING:
    # What an argument may be; a timedelta is counted back from another moment.
    Moment: TypeAlias = datetime | date | timedelta | str
else:
    Moment = Shown("Moment")

# Beside it, nothing that the API knows is old.
LONGEST = timedelta(days=36525)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,7}(?:\.\d{1,9})?)([smhdw])")
_MOMENT = "a moment with a time zone such as 2026-03-31T18:00:00Z, a day (UTC) such as 2026-03-24"


def parse_span(text: str) -> timedelta | None:
    """Turn a length of time such as ``30s``, ``90m``, ``2h``, ``7d`` or ``2w`` into a timedelta.

    Parameters
    ----------
    text : str
        A number and its unit: seconds, minutes, hours, days or weeks.

    Returns
    -------
    datetime.timedelta or None
        None if it is no such text.

    Examples
    --------
    >>> parse_span("90m")
    datetime.timedelta(seconds=5400)
    """
    found = _SPAN.fullmatch(text.strip())
    return timedelta(**{_UNITS[found[2]]: float(found[1])}) if found else None


def read_moment(value: object, name: str, before: datetime | None = None) -> datetime:
    """Read an argument that is a moment, or a length of time before one.

    Parameters
    ----------
    value : str, datetime.datetime, datetime.date, pandas.Timestamp or datetime.timedelta
        ISO 8601 text or a datetime with a time zone; a day, which begins at midnight UTC; or,
        where `before` is known, a timedelta or text such as ``7d``.
    name : str
        What the argument is called in error messages.
    before : datetime.datetime, optional
        The moment from which lengths of time are counted back.

    Returns
    -------
    datetime.datetime
        The moment in UTC, to the microsecond.

    Raises
    ------
    ArgumentError
        If it is none of these, or a length of time that is not above zero or beyond a century.

    Examples
    --------
    >>> read_moment("2026-03-24", "since").isoformat()
    '2026-03-24T00:00:00+00:00'
    >>> read_moment("7d", "since", read_moment("2026-03-24", "until")).isoformat()
    '2026-03-17T00:00:00+00:00'
    """
    span = parse_span(value) if isinstance(value, str) else value
    if isinstance(span, timedelta) and before is not None:
        if not timedelta(0) < span <= LONGEST:
            raise ArgumentError(
                f"{name}={safe_text(value, 60)}: give a length of time above zero, and of at most "
                "a hundred years"
            )
        return before - span
    moment = _moment(value)
    if moment is None:
        more = "" if before is None else ", or a length of time such as 7d"
        raise ArgumentError(f"{name}={safe_text(repr(value), 60)}: give {_MOMENT}{more}")
    return moment


def is_span(value: object) -> bool:
    """Tell whether an argument is a length of time, which is counted back from a moment."""
    return isinstance(value, timedelta) or (
        isinstance(value, str) and parse_span(value) is not None
    )


def _moment(value: object) -> datetime | None:
    try:
        if isinstance(value, str):
            value = _parse(value.strip())
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time(), UTC)
        if not isinstance(value, datetime) or value.tzinfo is None:
            return None
        # A pandas Timestamp has nanoseconds, and is no plain datetime.
        return datetime(*value.utctimetuple()[:6], value.microsecond, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _parse(text: str) -> date:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return date.fromisoformat(text)
    return datetime.fromisoformat(text)
