"""Why a job had to wait: who held GPUs and who stood ahead when it was submitted."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from trainview.sampling.organisation import Calendar, Job
from trainview.sampling.quota import Team, baseline
from trainview.sampling.records import Record, api_status, spell

# Exit codes of processes that failed: killed by the system, or by an error of their own.
_EXIT_CODES = {"killed": 137, "worker": 137}
_OWN_ERROR = 1


def context_record(
    job: Job,
    jobs: Iterable[Job],
    records: Mapping[str, Record],
    limits: Mapping[str, int],
    teams: Iterable[Team],
    calendar: Calendar,
) -> dict[str, Any] | None:
    """Tell what a job met when it was submitted; one without GPUs queues for nothing."""
    gpu_type = job.instance.gpu_type
    if gpu_type is None:
        return None
    pool = [each for each in jobs if each.instance.gpu_type == gpu_type and each is not job]
    active = [each for each in pool if each.released <= job.submitted < each.ended]
    ahead = [each for each in pool if _is_ahead(each, job, records)]
    ahead.sort(key=lambda each: (-_priority(records[each.id]), each.submitted))
    is_waiting = job.released > calendar.as_of
    until = calendar.as_of if is_waiting else job.released
    team_limit = next((t.limits.get(gpu_type) for t in teams if t.name == job.project.team), None)
    return {
        "target_job_id": job.id,
        "target_job_name": job.name,
        "gpu_type": gpu_type,
        "requested_gpus": job.gpus,
        "submitted_at": _spell(job.submitted),
        "released_at": None if is_waiting else _spell(job.released),
        "pending_seconds": None if is_waiting else job.wait // timedelta(seconds=1),
        "org_capacity": _limit(gpu_type, limits[gpu_type], calendar.start),
        "team_capacity": None
        if team_limit is None
        else _limit(gpu_type, team_limit, calendar.start),
        "active_at_submit": [_active(each, job.submitted) for each in active],
        "pending_ahead_at_submit": [_pending(each, records[each.id]) for each in ahead],
        "events": _events([job, *active, *ahead], records, (job.submitted, until)),
        "events_window_end": _spell(until),
    }


def _is_ahead(other: Job, job: Job, records: Mapping[str, Record]) -> bool:
    waits = other.submitted < job.submitted < other.released
    return waits and _priority(records[other.id]) >= _priority(records[job.id])


def _priority(record: Record) -> int:
    return record.get("priority") or 0


def _limit(gpu_type: str, limit: int, changed: datetime) -> dict[str, Any]:
    return {
        "gpu_type": gpu_type,
        "max_gpus": limit,
        "min_gpus": baseline(limit) or None,
        "last_modified": _spell(changed),
    }


def _active(job: Job, moment: datetime) -> dict[str, Any]:
    status, since = job.state(moment)
    return {
        "training_job_id": job.id,
        "training_job_name": job.name,
        "instance_type_name": job.instance.name,
        "total_gpus": job.gpus,
        "workload_plane_name": "plane-1",
        "status_at_submit": api_status(status),
        "status_set_at": _spell(since),
    }


def _pending(job: Job, record: Record) -> dict[str, Any]:
    return {
        "training_job_id": job.id,
        "training_job_name": job.name,
        "instance_type_name": job.instance.name,
        "requested_gpus": job.gpus,
        "priority": _priority(record),
        "submitted_at": _spell(job.submitted),
    }


# --- Events -------------------------------------------------------------------------------------


def _events(
    jobs: Iterable[Job], records: Mapping[str, Record], window: tuple[datetime, datetime]
) -> list[dict[str, Any]]:
    first, last = window
    events = [
        (since, job, status)
        for job in jobs
        for status, since in _history(job)
        if first <= since <= last
    ]
    events.sort(key=lambda event: event[0])
    return [_event(job, status, since, records[job.id]) for since, job, status in events]


def _history(job: Job) -> list[tuple[str, datetime]]:
    """List the statuses of a job and when it gets them, far future included."""
    ran = [("running", job.started)] if job.run else []
    return [
        (job.waiting, job.submitted),
        ("created", job.released),
        ("deploying", job.released + job.accept),
        *ran,
        (job.outcome, job.ended),
    ]


def _event(job: Job, status: str, since: datetime, record: Record) -> dict[str, Any]:
    code = None
    if status == "completed":
        code = 0
    elif status == "failed":
        code = _EXIT_CODES.get(job.cause or "", _OWN_ERROR)
    has_message = status in {job.outcome, job.waiting}
    is_now = record["current_status"] == api_status(status)
    return {
        "training_job_id": job.id,
        "training_job_name": job.name,
        "status": api_status(status),
        "created": _spell(since),
        "event_message": record["error_message"] if has_message and is_now else None,
        "exit_code": code,
    }


def _spell(moment: datetime) -> str:
    return spell(moment, "microseconds")
