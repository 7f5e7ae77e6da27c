"""ISO 8601 text to instants, with the same verdict for one value and for a million."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from trainview.schema import TIME

# Digits 7 to 9 of a fraction are beyond a microsecond; a tenth is left for the cast to refuse.
_SUBMICROSECONDS = r"(\.\d{6})\d{1,3}([Z+-])"
_YEAR_1 = pa.scalar(datetime(1, 1, 1, tzinfo=UTC), TIME)
_YEAR_9999 = pa.scalar(datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC), TIME)


def parse_times(texts: pa.Array) -> pa.Array:
    """Turn ISO 8601 texts into UTC timestamps of microsecond resolution.

    Parameters
    ----------
    texts : pyarrow.StringArray
        Times such as ``2025-03-24T18:04:30.480Z``; each needs a zone offset. Nulls stay null.

    Returns
    -------
    pyarrow.TimestampArray
        The same instants in UTC; fraction digits beyond the sixth are cut off.

    Raises
    ------
    pyarrow.ArrowInvalid
        If any text is not such a time, or lies outside the years 1 to 9999.
    """
    try:
        times = pc.cast(texts, TIME)
    except pa.ArrowInvalid:
        times = pc.cast(pc.replace_substring_regex(texts, _SUBMICROSECONDS, r"\1\2"), TIME)
    check_years(times)
    return times


def check_years(times: pa.Array | pa.ChunkedArray) -> None:
    """Object to times that `datetime` cannot tell.

    Parameters
    ----------
    times : pyarrow.TimestampArray, or such chunks
        In UTC.

    Raises
    ------
    pyarrow.ArrowInvalid
        If one lies outside the years 1 to 9999.
    """
    extent = pc.min_max(times)
    if extent["min"].is_valid and (
        extent["min"].value < _YEAR_1.value or extent["max"].value > _YEAR_9999.value
    ):
        raise pa.ArrowInvalid("a time lies outside the years 1 to 9999")


def parse_time(text: str) -> datetime:
    """Turn one ISO 8601 text with a zone offset into an aware UTC datetime.

    Parameters
    ----------
    text : str
        A time such as ``2025-03-24T18:04:30.480Z``.

    Returns
    -------
    datetime.datetime
        The instant in UTC.

    Raises
    ------
    ValueError
        If the text is not such a time (pyarrow.ArrowInvalid is one).

    Examples
    --------
    >>> parse_time("2025-03-24T20:04:30.4801234+02:00").isoformat()
    '2025-03-24T18:04:30.480123+00:00'
    """
    microseconds = parse_times(pa.array([text], pa.string()))[0].value
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def format_time(moment: datetime) -> str:
    """Write an aware datetime as ISO 8601 text in UTC, as short as it is exact.

    Parameters
    ----------
    moment : datetime.datetime
        An instant with a zone.

    Returns
    -------
    str
        The text that `parse_time` reads back to the same instant.

    Examples
    --------
    >>> format_time(parse_time("2025-03-24T20:04:30+02:00"))
    '2025-03-24T18:04:30Z'
    """
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
