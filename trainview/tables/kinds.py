"""Answers that were saved: which endpoint they came from, told by their keys."""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from trainview.errors import PayloadError
from trainview.reading.rejection import Rejection
from trainview.tables.billing import PRODUCTS, read_bill
from trainview.tables.caches import read_cache
from trainview.tables.capacity import read_capacity
from trainview.tables.checkpoints import read_checkpoints
from trainview.tables.logs import read_logs
from trainview.tables.metrics import read_metrics
from trainview.tables.prices import read_prices
from trainview.tables.queue import read_queue

Tables = dict[str, pa.Table]


def read_any(
    payload: bytes, name: str = "payload", *, rejected: list[Rejection] | None = None
) -> Tables | None:
    """Read an answer of any endpoint but the lists of projects and jobs.

    Parameters
    ----------
    payload : bytes
        JSON in UTF-8.
    name : str, optional
        What the payload is called in error messages.
    rejected : list of Rejection, optional
        If given, records that do not fit are left out, and noted here.

    Returns
    -------
    dict of str to pyarrow.Table, or None
        Tables by their names in `trainview.schema.FLEET_TABLES`, and ``notes``, what they leave
        out; None if the payload is none of these answers.

    Raises
    ------
    PayloadError
        If it is one, but not as the API documents it.
    """
    try:
        # bytes in UTF-16 would be taken too
        answer = json.loads(payload.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    keys = answer if isinstance(answer, dict) else {}
    table = next((table for key, table in _TABLES.items() if key in keys), None)
    if table is None:
        return None
    if table == "queue":
        queue, status_events = read_queue(payload, name, rejected=rejected)
        return {"queue": queue, "status_events": status_events}
    if table == "billing":
        billing, notes = read_bill(payload, name, rejected=rejected)
        return {"billing": billing, "notes": pa.table({"note": pa.array(notes, pa.string())})}
    job_id = [_JOB_IDS[table](answer, name)] if table in _JOB_IDS else []
    return {table: _READERS[table](payload, *job_id, name, rejected=rejected)}


def is_answer(payload: bytes) -> bool:
    """Tell whether a payload has a key of an answer that `read_any` reads.

    Parameters
    ----------
    payload : bytes
        Anything.

    Returns
    -------
    bool
        Whether it is worth while to leave bad records out of it.
    """
    return any(f'"{key}"'.encode() in payload for key in _TABLES)


def _job_of_lines(answer: dict[str, Any], _: str) -> str | None:
    job = answer.get("training_job")
    for found in (answer.get("job_id"), job.get("id") if isinstance(job, dict) else None):
        if isinstance(found, str):
            return found
    return None


def _job_id(answer: dict[str, Any], name: str) -> str:
    job = answer.get("training_job")
    job_id = job.get("id") if isinstance(job, dict) else None
    if not isinstance(job_id, str):
        raise PayloadError(f"{name}: training_job.id: expected text: whose metrics are these?")
    return job_id


# What an answer is, by a key that it alone has.
_TABLES = {
    "logs": "logs",
    "per_node_metrics": "metrics",
    "instance_types": "prices",
    "gpu_capacities": "capacity",
    **dict.fromkeys(PRODUCTS, "billing"),
    "target_job_id": "queue",
    "checkpoints": "checkpoints",
    "file_summaries": "caches",
}
_READERS: dict[str, Callable[..., pa.Table]] = {
    "prices": read_prices,
    "capacity": read_capacity,
    "checkpoints": read_checkpoints,
    "caches": read_cache,
    "metrics": read_metrics,
    "logs": read_logs,
}
_JOB_IDS: dict[str, Callable[[dict[str, Any], str], str | None]] = {
    "metrics": _job_id,
    "logs": _job_of_lines,
}
