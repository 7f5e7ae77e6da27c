"""Time in milliseconds since 1970: exact, and quick to reckon with."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from trainview.errors import ArgumentError

AS_OF = "2026-03-31T18:00:00Z"

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# Later than everything that is told: what has not happened.
NEVER = 1 << 52

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(name: str, value: object) -> datetime:
    """Check that an argument is a time with a zone, and give it in UTC."""
    time = value
    if isinstance(value, str):
        with suppress(ValueError):
            time = datetime.fromisoformat(value)
    if not isinstance(time, datetime) or time.utcoffset() is None:
        raise ArgumentError(f"{name} must be a time with a zone, like {AS_OF!r}: got {value!r}")
    if not 1980 <= time.year <= 9900:
        raise ArgumentError(f"{name} must lie in the years 1980 to 9900: got {value!r}")
    return time.astimezone(UTC)


def milliseconds(time: datetime) -> int:
    """Count the whole milliseconds up to a moment."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def spell(time: int, precision: str = "milliseconds", zone: str = "Z") -> str:
    """Write a moment in one of the spellings that the API has."""
    text = (_EPOCH + timedelta(milliseconds=time)).isoformat(timespec=precision)
    return text.replace("+00:00", zone)
