"""What callers may ask for: whole numbers, and moments with a zone."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from trainview.errors import ArgumentError

AS_OF = "2026-03-31T18:00:00Z"


def whole(name: str, value: object, *, least: int = 0, most: int = sys.maxsize) -> int:
    """Check that an argument is an integer within bounds."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    bounds = f"at least {least}" if most == sys.maxsize else f"from {least} to {most}"
    raise ArgumentError(f"{name} must be an integer, {bounds}: got {value!r}")


def one_of(name: str, value: str, options: Sequence[str]) -> str:
    """Check that an argument is one of some words."""
    if value in options:
        return value
    raise ArgumentError(f"{name} must be one of {', '.join(options)}: got {value!r}")


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
