"""GPUs: how many organisation and teams may hold, who holds them, and who waits for them."""

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from itertools import accumulate
from typing import TypeAlias

from trainview.sampling.catalogue import CAUSES
from trainview.sampling.clock import SECOND, spell
from trainview.sampling.jobs import Job
from trainview.sampling.records import Record, api_status
from trainview.sampling.submissions import Calendar

# By team, None for the whole organisation, and by GPU type.
Limits: TypeAlias = dict[tuple[str | None, str], int]

_spell = partial(spell, precision="microseconds")


def with_teams(limits: dict[str, int], jobs: Iterable[Job]) -> Limits:
    """Add to the limits of GPU types those of teams, large enough for their busiest moments."""
    changes: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for job in jobs:
        if job.instance.gpu_type is not None and not job.spot:
            steps = changes[job.project.team, job.instance.gpu_type]
            # What never ends, and what never starts, must fit in as well.
            steps += [(job.released, job.gpus), (max(job.ended, job.released + 1), -job.gpus)]
    known: Limits = {(None, gpu_type): limit for gpu_type, limit in limits.items()}
    for (team, gpu_type), steps in sorted(changes.items()):
        peak = max(accumulate(change for _, change in sorted(steps)))
        # They come in whole nodes of the large machines.
        known[team, gpu_type] = min(-(-peak // 8) * 8, limits[gpu_type])
    return known


def _baseline(limit: int) -> int:
    """Tell up to how many GPUs jobs run at once; small pools guarantee none."""
    return limit // 2 if limit >= 32 else 0


def capacity_record(
    jobs: Iterable[Job], limits: Limits, team_ids: dict[str, str], as_of: int
) -> Record:
    """Tell what the jobs of organisation and teams hold at a moment, and may hold."""
    held = [job for job in jobs if job.released <= as_of < job.ended]
    answer: Record = {"gpu_capacities": [], "team_gpu_capacities": []}
    for (team, gpu_type), limit in limits.items():
        own = [job for job in held if job.instance.gpu_type == gpu_type]
        own = [job for job in own if team in {None, job.project.team}]
        total, spot = sum(job.gpus for job in own), sum(job.gpus for job in own if job.spot)
        row: Record = {} if team is None else {"team_id": team_ids[team], "team_name": team}
        row |= {"gpu_type": gpu_type, "baseline": _baseline(limit), "limit": limit}
        row |= {"usage_count": total, "dedicated_usage_count": total - spot}
        row["spot_usage_count"] = spot
        answer["gpu_capacities" if team is None else "team_gpu_capacities"].append(row)
    return answer


def queue_record(
    job: Job, jobs: Iterable[Job], limits: Limits, calendar: Calendar
) -> Record | None:
    """Tell what a job met when it was submitted; one without GPUs queues for nothing."""
    gpu_type, now = job.instance.gpu_type, job.submitted
    if gpu_type is None:
        return None
    pool = [each for each in jobs if each.instance.gpu_type == gpu_type and each is not job]
    active = [each for each in pool if each.released <= now < each.ended]
    ahead = [each for each in pool if each.submitted < now < each.released]
    ahead = [each for each in ahead if each.priority >= job.priority]
    ahead.sort(key=lambda each: (-each.priority, each.submitted))
    is_waiting = job.released > calendar.as_of
    until = calendar.as_of if is_waiting else job.released
    events = [
        (since, number, each, status)
        for each in (job, *active, *ahead)
        for number, (status, since) in enumerate(each.history())
        if now <= since <= until
    ]
    events.sort(key=lambda event: event[:2])
    return {
        "target_job_id": job.id,
        "target_job_name": job.name,
        "gpu_type": gpu_type,
        "requested_gpus": job.gpus,
        "submitted_at": _spell(now),
        "released_at": None if is_waiting else _spell(until),
        "pending_seconds": None if is_waiting else (until - now) // SECOND,
        "org_capacity": _limit(limits, None, gpu_type, calendar.start),
        "team_capacity": _limit(limits, job.project.team, gpu_type, calendar.start),
        "active_at_submit": [_active(each, *each.state(now)) for each in active],
        "pending_ahead_at_submit": [_pending(each) for each in ahead],
        "events": [_event(each, status, since) for since, _, each, status in events],
        "events_window_end": _spell(until),
    }


def _limit(limits: Limits, team: str | None, gpu_type: str, changed: int) -> Record | None:
    limit = limits.get((team, gpu_type))
    if limit is None:
        return None
    gpus = {"max_gpus": limit, "min_gpus": _baseline(limit) or None}
    return {"gpu_type": gpu_type, **gpus, "last_modified": _spell(changed)}


def _about(job: Job, **more: object) -> Record:
    return {"training_job_id": job.id, "training_job_name": job.name, **more}


def _active(job: Job, status: str, since: int) -> Record:
    machine = {"instance_type_name": job.instance.name, "workload_plane_name": "plane-1"}
    now = {"status_at_submit": api_status(status), "status_set_at": _spell(since)}
    return _about(job, **machine, total_gpus=job.gpus, **now)


def _pending(job: Job) -> Record:
    machine = {"instance_type_name": job.instance.name, "requested_gpus": job.gpus}
    return _about(job, **machine, priority=job.priority, submitted_at=_spell(job.submitted))


def _event(job: Job, status: str, since: int) -> Record:
    code = 0 if status == "completed" else None
    if status == "failed":
        code = 137 if CAUSES[job.cause or ""].get("exhausts") == "memory" else 1
    what = {"status": api_status(status), "created": _spell(since), "exit_code": code}
    return _about(job, **what, event_message=job.message if status == job.outcome else None)
