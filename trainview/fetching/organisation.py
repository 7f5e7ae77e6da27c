"""What one call, or a few, tell about the whole organisation: prices, capacity and bills."""

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trainview.api.client import FIRST_BILLED, Access, Client
from trainview.errors import ArgumentError, DataWarning
from trainview.tables.billing import read_bill
from trainview.tables.capacity import read_capacity
from trainview.tables.combining import combine
from trainview.tables.dtypes import to_pandas
from trainview.tables.gpu_types import note_spellings
from trainview.tables.prices import read_prices, without_duplicates
from trainview.text.moments import Moment, read_moment


def fetch_prices(**client: Any) -> pd.DataFrame:
    """Ask the API for the list price of every instance type.

    Parameters
    ----------
    **client
        What `Client` takes: ``api_key``, ``base_url``, ``timeout`` and so on.

    Returns
    -------
    pandas.DataFrame
        The table ``prices``: one row an instance type, prices in USD per minute.

    Raises
    ------
    ConfigError, AuthError, NetworkError, ApiError, RateLimitError, PayloadError
        As `fetch` does.

    Warns
    -----
    DataWarning
        If an instance type comes twice.

    Examples
    --------
    >>> import trainview as tv
    >>> prices = tv.fetch_prices()  # doctest: +SKIP
    """
    prices, notes = ask_prices(**client)
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=2)
    return prices


def ask_prices(**client: Any) -> tuple[pd.DataFrame, list[str]]:
    """Ask for prices as `fetch_prices` does, and give what is odd as sentences."""
    client = Access(client)
    with Client(**client) as api:
        answer = api.list_instance_type_prices()
    notes: list[str] = []
    prices = without_duplicates(read_prices(answer.body, answer.url), notes)
    return to_pandas(prices), notes


def fetch_capacity(**client: Any) -> pd.DataFrame:
    """Ask the API how many GPUs the organisation and its teams may hold.

    Parameters
    ----------
    **client
        What `Client` takes.

    Returns
    -------
    pandas.DataFrame
        The table ``capacity``: one row a GPU type, and one for each team's limit of it.

    Raises
    ------
    ConfigError, AuthError, NetworkError, ApiError, RateLimitError, PayloadError
        As `fetch` does.

    Warns
    -----
    DataWarning
        If the answer spells one type of GPU in several ways.

    Examples
    --------
    >>> import trainview as tv
    >>> capacity = tv.fetch_capacity()  # doctest: +SKIP
    """
    capacity, notes = ask_capacity(**client)
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=2)
    return capacity


def ask_capacity(**client: Any) -> tuple[pd.DataFrame, list[str]]:
    """Ask for limits as `fetch_capacity` does, and give what is odd as sentences."""
    client = Access(client)
    with Client(**client) as api:
        answer = api.get_training_capacity()
    capacity = read_capacity(answer.body, answer.url)
    return to_pandas(capacity), list(note_spellings(capacity))


def fetch_billing(
    since: Moment | None = None, until: Moment | None = None, **client: Any
) -> pd.DataFrame:
    """Ask the API for what was billed for training, month by month.

    Parameters
    ----------
    since : str, date, datetime or timedelta, optional
        Bills of the month of this moment, such as ``2026-03-24`` or ``30d`` before `until`, and
        later ones; from January 2026 on, before which the API has none, when left out.
    until : str, date, datetime or timedelta, optional
        The last moment to ask for; now, when left out.
    **client
        What `Client` takes.

    Returns
    -------
    pandas.DataFrame
        The table ``billing``: one row a job and day, deleted jobs included.

    Raises
    ------
    ArgumentError
        If `since` or `until` is no moment, or there is no bill between them.
    ConfigError, AuthError, NetworkError, ApiError, RateLimitError, PayloadError
        As `fetch` does.

    Warns
    -----
    DataWarning
        If other products than training are on the bill.

    Examples
    --------
    >>> import trainview as tv
    >>> billing = tv.fetch_billing(since="2026-02-01T00:00:00Z")  # doctest: +SKIP
    """
    billing, notes = ask_bills(since, until, **client)
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=2)
    return billing


def ask_bills(
    since: Moment | None = None, until: Moment | None = None, **client: Any
) -> tuple[pd.DataFrame, list[str]]:
    """Ask for bills as `fetch_billing` does, and give what is odd as sentences."""
    client = Access(client)
    now = datetime.now(UTC)
    last = now if until is None else read_moment(until, "until", now)
    first = FIRST_BILLED if since is None else read_moment(since, "since", last)
    if last <= max(first, FIRST_BILLED):
        raise ArgumentError(
            f"no bill between {first:%Y-%m-%d} and {last:%Y-%m-%d}: bills begin on 2026-01-01"
        )
    with Client(**client) as api:
        found = [_bill_of(api, start, end) for start, end in months(first, last)]
    notes = [note for _, others in found for note in others]
    bills = combine("billing", [bill for bill, _ in found], notes)
    return to_pandas(bills), notes


def months(first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut a span into calendar months, which are never longer than a bill may be.

    Parameters
    ----------
    first, last : datetime.datetime
        The span, in UTC; it is widened to the beginning of its first month.

    Yields
    ------
    tuple of datetime.datetime
        The first and the last second of each month, or `last`; none is shorter than a second.
    """
    start = max(first, FIRST_BILLED).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    second = timedelta(seconds=1)
    while last - start >= second:
        following = (start + timedelta(days=31)).replace(day=1)
        # whether the API counts the end in or out: no day is asked for twice
        yield start, min(following - second, last)
        start = following


def _bill_of(api: Client, start: datetime, end: datetime) -> tuple[pa.Table, list[str]]:
    answer = api.get_usage_summary(start, end)
    bill, notes = read_bill(answer.body, f"bill of {start:%B %Y}", month=start)
    # a day beyond the span would be billed once more by the next call
    following = pa.scalar(end, bill.schema.field("date").type)
    return bill.filter(pc.fill_null(pc.less_equal(bill["date"], following), fill_value=True)), notes
