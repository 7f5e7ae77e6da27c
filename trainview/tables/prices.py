"""Instance types and their list prices."""

import pyarrow as pa

from trainview.errors import PayloadError
from trainview.gpus import same_type
from trainview.reading.rejection import Rejection
from trainview.schema import PRICES_ANSWER
from trainview.tables.answers import in_place, read_answer, to_table
from trainview.text.safe import count


def without_duplicates(prices: pa.Table, notes: list[str]) -> pa.Table:
    """Keep the last row of each instance type.

    Parameters
    ----------
    prices : pyarrow.Table
        The table ``prices`` of one answer.
    notes : list of str
        Gets a sentence that counts what was left out, if anything was.

    Returns
    -------
    pyarrow.Table
        With each instance type once.
    """
    ids = prices["instance_type_id"].cast(pa.string()).to_pylist()
    last = sorted({name: row for row, name in enumerate(ids)}.values())
    surplus = len(ids) - len(last)
    if not surplus:
        return prices
    twice = count(surplus, "duplicate instance type")
    notes.append(f"{twice} in the prices: the last price of each is kept")
    return prices.take(pa.array(last))


def read_prices(
    payload: bytes, name: str = "payload", *, rejected: list[Rejection] | None = None
) -> pa.Table:
    """Read the list of instance types with their prices.

    Parameters
    ----------
    payload : bytes
        What ``GET /v1/instance_type_prices`` answers.
    name : str, optional
        What the payload is called in error messages.
    rejected : list of Rejection, optional
        If given, records that do not fit are left out, and noted here.

    Returns
    -------
    pyarrow.Table
        The table ``prices``.

    Raises
    ------
    PayloadError
        If the payload is not what the API documents; with the path to the first fault.
    """
    answer = read_answer(payload, PRICES_ANSWER, name, rejected)
    known = []
    for index, entry in in_place(answer, "instance_types", rejected):
        if entry["price"] >= 0:
            known.append(entry)
            continue
        place = f"instance_types[{index}].price"
        reason = f"expected a price from 0, got {entry['price']}"
        if rejected is None:
            raise PayloadError(f"{name}: {place}: {reason}")
        rejected.append(Rejection(name, place, None, None, reason))
    return to_table(
        "prices",
        (
            entry["instance_type"]
            | {
                "instance_type_id": entry["instance_type"]["id"],
                "instance_type": entry["instance_type"]["name"],
                "gpu_type": same_type(entry["instance_type"].get("gpu_type") or "") or None,
                "usd_per_minute": float(entry["price"]),
            }
            for entry in known
        ),
    )
