"""Why a job had to wait: who held GPUs and who stood ahead when it was submitted."""

from collections.abc import Iterable
from typing import Any

from trainview.sampling.capacity import baseline
from trainview.sampling.catalogue import CAUSES
from trainview.sampling.clock import SECOND, spell
from trainview.sampling.jobs import Job
from trainview.sampling.records import Record, api_status
from trainview.sampling.submissions import Calendar


def queue_record(
    job: Job,
    jobs: Iterable[Job],
    limits: dict[str, int],
    teams: dict[tuple[str, str], int],
    calendar: Calendar,
) -> dict[str, Any] | None:
    """Tell what a job met when it was submitted; one without GPUs queues for nothing."""
    gpu_type = job.instance.gpu_type
    if gpu_type is None:
        return None
    now = job.submitted
    pool = [each for each in jobs if each.instance.gpu_type == gpu_type and each is not job]
    active = [each for each in pool if each.released <= now < each.ended]
    ahead = [
        each
        for each in pool
        if each.submitted < now < each.released and each.priority >= job.priority
    ]
    ahead.sort(key=lambda each: (-each.priority, each.submitted))
    is_waiting = job.released > calendar.as_of
    until = calendar.as_of if is_waiting else job.released
    events = [
        (since, number, each, status)
        for each in (job, *active, *ahead)
        for number, (status, since) in enumerate(each.history())
        if now <= since <= until
    ]
    of_team = teams.get((job.project.team, gpu_type))
    return {
        "target_job_id": job.id,
        "target_job_name": job.name,
        "gpu_type": gpu_type,
        "requested_gpus": job.gpus,
        "submitted_at": _spell(now),
        "released_at": None if is_waiting else _spell(until),
        "pending_seconds": None if is_waiting else (until - now) // SECOND,
        "org_capacity": _limit(gpu_type, limits[gpu_type], calendar.start),
        "team_capacity": of_team and _limit(gpu_type, of_team, calendar.start),
        "active_at_submit": [_active(each, now) for each in active],
        "pending_ahead_at_submit": [_pending(each) for each in ahead],
        "events": [
            _event(each, status, since)
            for since, _, each, status in sorted(events, key=lambda event: event[:2])
        ],
        "events_window_end": _spell(until),
    }


def _limit(gpu_type: str, limit: int, changed: int) -> Record:
    gpus = {"max_gpus": limit, "min_gpus": baseline(limit) or None}
    return {"gpu_type": gpu_type, **gpus, "last_modified": _spell(changed)}


def _about(job: Job) -> Record:
    return {"training_job_id": job.id, "training_job_name": job.name}


def _active(job: Job, moment: int) -> Record:
    status, since = job.state(moment)
    machine = {"instance_type_name": job.instance.name, "total_gpus": job.gpus}
    now = {"status_at_submit": api_status(status), "status_set_at": _spell(since)}
    return _about(job) | machine | {"workload_plane_name": "plane-1"} | now


def _pending(job: Job) -> Record:
    machine = {"instance_type_name": job.instance.name, "requested_gpus": job.gpus}
    place = {"priority": job.priority, "submitted_at": _spell(job.submitted)}
    return _about(job) | machine | place


def _event(job: Job, status: str, since: int) -> Record:
    code = 0 if status == "completed" else None
    if status == "failed":
        code = 137 if CAUSES[job.cause or ""].exhausts == "memory" else 1
    message = job.message if status == job.outcome else None
    what = {"status": api_status(status), "created": _spell(since)}
    return _about(job) | what | {"event_message": message, "exit_code": code}


def _spell(moment: int) -> str:
    return spell(moment, "microseconds")
