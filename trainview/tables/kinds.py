"""Answers that were saved: which endpoint they came from, told by their keys."""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from trainview.errors import PayloadError
from trainview.tables.billing import read_billing
from trainview.tables.capacity import read_capacity
from trainview.tables.checkpoints import read_checkpoints
from trainview.tables.metrics import read_metrics
from trainview.tables.prices import read_prices
from trainview.tables.queue import read_queue

Tables = dict[str, pa.Table]


def read_any(payload: bytes, name: str = "payload") -> Tables | None:
    """Read an answer of any endpoint but the lists of projects and jobs.

    Parameters
    ----------
    payload : bytes
        JSON in UTF-8.
    name : str, optional
        What the payload is called in error messages.

    Returns
    -------
    dict of str to pyarrow.Table, or None
        Tables by their names in `trainview.schema.FLEET_TABLES`; None if the payload is none of
        these answers.

    Raises
    ------
    PayloadError
        If it is one, but not as the API documents it.
    """
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    if "per_node_metrics" in answer:
        return {"metrics": read_metrics(payload, _job_id(answer, name), name)}
    return next((read(payload, name) for key, read in _READERS.items() if key in answer), None)


def _read_queue(payload: bytes, name: str) -> Tables:
    queue, status_events = read_queue(payload, name)
    return {"queue": queue, "status_events": status_events}


def _job_id(answer: dict[str, Any], name: str) -> str:
    job = answer.get("training_job")
    job_id = job.get("id") if isinstance(job, dict) else None
    if not isinstance(job_id, str):
        raise PayloadError(f"{name}: training_job.id: expected text: whose metrics are these?")
    return job_id


_READERS: dict[str, Callable[[bytes, str], Tables]] = {
    "instance_types": lambda payload, name: {"prices": read_prices(payload, name)},
    "gpu_capacities": lambda payload, name: {"capacity": read_capacity(payload, name)},
    "training_usage": lambda payload, name: {"billing": read_billing(payload, name)},
    "target_job_id": _read_queue,
    "checkpoints": lambda payload, name: {"checkpoints": read_checkpoints(payload, name)},
}
