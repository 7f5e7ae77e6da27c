"""Why a job waited: what held the GPUs, and who was ahead of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from trainview.gpus import same_type
from trainview.reading.rejection import Rejection
from trainview.reading.times import format_time, parse_time
from trainview.schema import QUEUE_ANSWER
from trainview.statuses import status_of
from trainview.tables.answers import read_answer, to_table

_SECONDS_PER_HOUR = 3600


def read_queue(
    payload: bytes,
    name: str = "payload",
    ended_at: datetime | None = None,
    of_job: Mapping[str, Any] | None = None,
    *,
    rejected: list[Rejection] | None = None,
) -> tuple[pa.Table, pa.Table]:
    """Read the queue context of a job.

    Parameters
    ----------
    payload : bytes
        What ``GET /v1/training/jobs/{job_id}/queue_context`` answers.
    name : str, optional
        What the payload is called in error messages.
    ended_at : datetime.datetime, optional
        When the job ended, if it has: one that was never released waited no longer than that.
    of_job : dict, optional
        Its ``project_name`` and ``team_name``, as far as they are known.
    rejected : list of Rejection, optional
        If given, records that do not fit are left out, and noted here.

    Returns
    -------
    queue, status_events : pyarrow.Table
        The tables of these names: one row for the job, and one for each status event of it and of
        the jobs that it waited for.

    Raises
    ------
    PayloadError
        If the payload is not what the API documents; with the path to the first fault.
    """
    answer = read_answer(payload, QUEUE_ANSWER, name, rejected)
    events = (
        {
            "job_id": event["training_job_id"],
            "job_name": event.get("training_job_name"),
            "current_status": event["status"],
            "status": status_of(event["status"]).label,
            "created_at": event["created"],
            "event_message": event.get("event_message"),
            "exit_code": event.get("exit_code"),
        }
        for event in answer["events"]
    )
    row = _row(answer, ended_at) | dict(of_job or {})
    return to_table("queue", [row]), to_table("status_events", events)


def _row(answer: Any, ended_at: datetime | None) -> dict[str, Any]:
    released_at = answer.get("released_at")
    observed_until = parse_time(released_at or answer["events_window_end"])
    if released_at is None and ended_at is not None:
        observed_until = min(observed_until, ended_at)
    waited: Any = answer.get("pending_seconds")
    if waited is None or released_at is None:
        waited = observed_until - parse_time(answer["submitted_at"])
        waited /= timedelta(seconds=1)
    active, ahead = answer["active_at_submit"], answer["pending_ahead_at_submit"]
    limits = [answer.get("org_capacity"), answer.get("team_capacity")]
    changes = [limit["last_modified"] for limit in limits if limit]
    return {
        "job_id": answer["target_job_id"],
        "job_name": answer.get("target_job_name"),
        "gpu_type": same_type(answer["gpu_type"]),
        "requested_gpus": answer["requested_gpus"],
        "submitted_at": answer["submitted_at"],
        "released_at": released_at,
        "observed_until": format_time(observed_until),
        "is_waiting": released_at is None and ended_at is None,
        # clocks of several machines may differ by a moment
        "waited_hours": max(waited, 0) / _SECONDS_PER_HOUR,
        "active_jobs": len(active),
        "active_gpus": sum(job["total_gpus"] for job in active),
        "ahead_jobs": len(ahead),
        "ahead_gpus": sum(job["requested_gpus"] for job in ahead),
        "ahead_job_ids": " ".join(job["training_job_id"] for job in ahead) or None,
        "org_limit": limits[0] and limits[0]["max_gpus"],
        "team_limit": limits[1] and limits[1]["max_gpus"],
        "limits_changed_at": max(changes, key=parse_time, default=None),
    }
