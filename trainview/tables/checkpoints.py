"""The checkpoints of a job."""

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa

from trainview.reading.rejection import Rejection
from trainview.schema import CHECKPOINTS_ANSWER
from trainview.tables.answers import read_answer, to_table


def read_checkpoints(
    payload: bytes, name: str = "payload", *, rejected: list[Rejection] | None = None
) -> pa.Table:
    """Read the list of checkpoints of a job.

    Parameters
    ----------
    payload : bytes
        What ``GET .../jobs/{job_id}/checkpoints`` answers.
    name : str, optional
        What the payload is called in error messages.
    rejected : list of Rejection, optional
        If given, records that do not fit are left out, and noted here.

    Returns
    -------
    pyarrow.Table
        The table ``checkpoints``.

    Raises
    ------
    PayloadError
        If the payload is not what the API documents; with the path to the first fault.
    """
    answer = read_answer(payload, CHECKPOINTS_ANSWER, name, rejected)
    return to_table(
        "checkpoints",
        (
            entry
            | {
                "job_id": entry["training_job_id"],
                "lora_adapter_config": _to_text(entry.get("lora_adapter_config")),
            }
            for entry in answer["checkpoints"]
        ),
    )


def _to_text(config: Any) -> str | None:
    if config is None:
        return None
    return json.dumps(config, ensure_ascii=False, default=_plain)


def _plain(number: Decimal) -> float:
    return float(number)
