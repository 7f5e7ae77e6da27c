"""Small answers as plain objects that have been checked, and columns made from them."""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import pyarrow as pa

from trainview.errors import PayloadError
from trainview.reading.rejection import Rejection, about
from trainview.reading.times import parse_times
from trainview.reading.validation import check_answer
from trainview.schema import TABLES, TIME
from trainview.tables.dtypes import conform


def read_answer(
    payload: bytes, schema: pa.Schema, name: str, rejected: list[Rejection] | None = None
) -> Any:
    """Parse an answer and check it along its schema.

    Parameters
    ----------
    payload : bytes
        JSON in UTF-8.
    schema : pyarrow.Schema
        Of its top level.
    name : str
        What the answer is called in error messages.
    rejected : list of Rejection, optional
        If given, records that do not fit are left out, and noted here.

    Returns
    -------
    dict
        What it says; numbers with a fraction are `decimal.Decimal`.

    Raises
    ------
    PayloadError
        If it is not what the schema says; with the path to the first fault.
    """
    bad: list[tuple[str, str, Any]] | None = None if rejected is None else []
    try:
        answer = check_answer(payload, schema, bad)
    except PayloadError as error:
        message = f"{name}: {error}"
    else:
        if rejected is not None:
            rejected += [
                Rejection(name, path, *about(record, path), reason)
                for path, reason, record in bad or []
            ]
        return answer
    raise PayloadError(message)


def in_place(
    answer: Any, key: str, rejected: list[Rejection] | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Go through a list of an answer, each record with the place where it stood.

    Parameters
    ----------
    answer : dict
        What `read_answer` gives.
    key : str
        The list's key.
    rejected : list of Rejection or None
        What `read_answer` was given: whose records stand in the list no more.

    Yields
    ------
    int, dict
        The place in the list as it was, and the record.
    """
    start = f"{key}["
    paths = [one.path for one in rejected or [] if one.path and one.path.startswith(start)]
    out = {int(path[len(start) :].partition("]")[0]) for path in paths}
    places = (place for place in count() if place not in out)
    yield from zip(places, list(answer[key]), strict=False)


def to_table(table: str, rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Make a table of rows.

    Parameters
    ----------
    table : str
        Its name in `trainview.schema.TABLES`.
    rows : iterable of dict
        Values by column; times as the API's text, what is missing is null.

    Returns
    -------
    pyarrow.Table
        With all columns of the table.
    """
    found, schema = list(rows), TABLES[table]
    columns = {}
    for field in schema:
        values = [row.get(field.name) for row in found]
        if field.type == TIME:
            columns[field.name] = parse_times(pa.array(values, pa.string()))
        elif pa.types.is_dictionary(field.type):
            columns[field.name] = pa.array(values, pa.string())
        else:
            columns[field.name] = pa.array(values, field.type)
    return conform(columns, schema)
