"""Log lines of a job."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from trainview.errors import PayloadError
from trainview.schema import FLEET_TABLES, LOGS_ANSWER, TIME
from trainview.tables.answers import read_answer
from trainview.tables.dtypes import conform
from trainview.text.safe import safe_text

_NANOSECONDS = re.compile(r"[0-9]{1,19}")


def read_logs(payload: bytes, job_id: str, name: str = "payload") -> pa.Table:
    """Read log lines.

    Parameters
    ----------
    payload : bytes
        What ``GET .../jobs/{job_id}/logs`` answers.
    job_id : str
        The job that was asked for.
    name : str, optional
        What the payload is called in error messages.

    Returns
    -------
    pyarrow.Table
        The table ``logs``, oldest line first.

    Raises
    ------
    PayloadError
        If the payload is not what the API documents; with the path to the first fault.
    """
    lines = read_answer(payload, LOGS_ANSWER, name)["logs"]
    for index, line in enumerate(lines):
        if not _NANOSECONDS.fullmatch(line["timestamp"]):
            shown = safe_text(line["timestamp"], 60)
            raise PayloadError(
                f'{name}: logs[{index}].timestamp: expected nanoseconds as digits, got "{shown}"'
            )
    # as integers: a line's order within its microsecond is kept
    nanoseconds = pa.array([int(line["timestamp"]) for line in lines], pa.uint64())
    order = pc.sort_indices(nanoseconds)
    columns = {
        "job_id": pa.array([job_id] * len(lines), pa.string()),
        "timestamp": pc.cast(pc.cast(pc.divide(nanoseconds, 1000), pa.int64()), TIME),
        **{
            key: pa.array([line.get(key) for line in lines], pa.string())
            for key in ("level", "replica", "message")
        },
    }
    return conform(pa.table(columns).take(order), FLEET_TABLES["logs"])
