"""Log lines of a job."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from trainview.errors import PayloadError
from trainview.reading.rejection import Rejection
from trainview.schema import FLEET_TABLES, LOGS_ANSWER, TIME
from trainview.tables.answers import in_place, read_answer
from trainview.tables.dtypes import conform
from trainview.text.safe import safe_text

_NANOSECONDS = re.compile(r"[0-9]{1,19}")


def read_logs(
    payload: bytes,
    job_id: str | None,
    name: str = "payload",
    *,
    rejected: list[Rejection] | None = None,
) -> pa.Table:
    """Read log lines.

    Parameters
    ----------
    payload : bytes
        What ``GET .../jobs/{job_id}/logs`` answers.
    job_id : str
        The job that was asked for; None where saved lines do not name it.
    name : str, optional
        What the payload is called in error messages.
    rejected : list of Rejection, optional
        If given, records that do not fit are left out, and noted here.

    Returns
    -------
    pyarrow.Table
        The table ``logs``, oldest line first.

    Raises
    ------
    PayloadError
        If the payload is not what the API documents; with the path to the first fault.
    """
    lines = []
    answer = read_answer(payload, LOGS_ANSWER, name, rejected)
    for index, line in in_place(answer, "logs", rejected):
        if _NANOSECONDS.fullmatch(line["timestamp"]):
            lines.append(line)
            continue
        place = f"logs[{index}].timestamp"
        reason = f'expected nanoseconds as digits, got "{safe_text(line["timestamp"], 60)}"'
        if rejected is None:
            raise PayloadError(f"{name}: {place}: {reason}")
        rejected.append(Rejection(name, place, job_id, None, reason))
    # as integers: a line's order within its microsecond is kept
    nanoseconds = pa.array([int(line["timestamp"]) for line in lines], pa.uint64())
    order = pc.sort_indices(nanoseconds)
    microseconds = pc.divide(nanoseconds, pa.scalar(1000, pa.uint64()))
    columns = {
        "job_id": pa.array([job_id] * len(lines), pa.string()),
        "timestamp": pc.cast(pc.cast(microseconds, pa.int64()), TIME),
        **{
            key: pa.array([line.get(key) for line in lines], pa.string())
            for key in ("level", "replica", "message")
        },
    }
    return conform(pa.table(columns).take(order), FLEET_TABLES["logs"])
