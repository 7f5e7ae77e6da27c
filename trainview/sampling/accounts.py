"""What the API tells of the whole organisation: its GPUs, who waits for them, their cost."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from itertools import accumulate
from typing import TypeAlias

from trainview.errors import ArgumentError
from trainview.sampling.dice import DAY, MINUTE, SECOND, Dice, spell
from trainview.sampling.organisation import CAUSES, PRICE_UNIT, PRICES, TABLES, Job, Record
from trainview.sampling.records import api_status

# By team, None for the whole organisation, and by GPU type.
Limits: TypeAlias = dict[tuple[str | None, str], int]

_spell = partial(spell, precision="microseconds")


def with_teams(limits: dict[str, int], jobs: Iterable[Job]) -> Limits:
    """Add to the limits of GPU types those of teams, large enough for their busiest moments."""
    changes: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for job in jobs:
        if job.instance.gpu_type is not None and not job.spot:
            # What never ends, and what never starts, must fit in as well.
            end = max(job.ended, job.released + 1)
            pool = job.project.team, job.instance.gpu_type
            changes[pool] += [(job.released, job.gpus), (end, -job.gpus)]
    known: Limits = {(None, gpu_type): limit for gpu_type, limit in limits.items()}
    for (team, gpu_type), steps in sorted(changes.items()):
        peak = max(accumulate(change for _, change in sorted(steps)))
        # They come in whole nodes of the large machines.
        known[team, gpu_type] = min(-(-peak // 8) * 8, limits[gpu_type])
    return known


def _baseline(limit: int) -> int:
    """Tell up to how many GPUs jobs run at once; small pools guarantee none."""
    return limit // 2 if limit >= 32 else 0


def capacity_record(jobs: Iterable[Job], limits: Limits, team_ids: dict[str, str]) -> Record:
    """Tell what the jobs of organisation and teams hold, and may hold."""
    held = [job for job in jobs if job.released <= job.project.as_of < job.ended]
    answer: Record = {"gpu_capacities": [], "team_gpu_capacities": []}
    for (team, gpu_type), limit in limits.items():
        own = [job for job in held if job.instance.gpu_type == gpu_type]
        own = [job for job in own if team in {None, job.project.team}]
        spot = sum(job.gpus for job in own if job.spot)
        dedicated = sum(job.gpus for job in own if not job.spot)
        row: Record = {} if team is None else {"team_id": team_ids[team], "team_name": team}
        row |= {"gpu_type": gpu_type, "baseline": _baseline(limit), "limit": limit}
        row |= {"usage_count": dedicated + spot, "dedicated_usage_count": dedicated}
        row |= {"spot_usage_count": spot}
        answer["gpu_capacities" if team is None else "team_gpu_capacities"].append(row)
    return answer


def queue_record(job: Job, jobs: Iterable[Job], limits: Limits) -> Record | None:
    """Tell what a job met when it was submitted; one without GPUs queues for nothing."""
    gpu_type, now, as_of = job.instance.gpu_type, job.submitted, job.project.as_of
    if gpu_type is None:
        return None
    until, is_waiting = min(job.released, as_of), job.released > as_of
    pool = [each for each in jobs if each.instance.gpu_type == gpu_type and each is not job]
    active = [each for each in pool if each.released <= now < each.ended]
    ahead = [each for each in pool if each.submitted < now < each.released]
    ahead = [each for each in ahead if each.priority >= job.priority]
    ahead.sort(key=lambda each: (-each.priority, each.submitted))
    events = [
        _event(each, status, since)
        for each in (job, *active, *ahead)
        for status, since in each.history()
        if now <= since <= until
    ]
    return {
        "target_job_id": job.id,
        "target_job_name": job.name,
        "gpu_type": gpu_type,
        "requested_gpus": job.gpus,
        "submitted_at": _spell(now),
        "released_at": None if is_waiting else _spell(until),
        "pending_seconds": None if is_waiting else (until - now) // SECOND,
        "org_capacity": _limit(limits.get((None, gpu_type)), job),
        "team_capacity": _limit(limits.get((job.project.team, gpu_type)), job),
        "active_at_submit": [_active(each, *each.state(now)) for each in active],
        "pending_ahead_at_submit": [_pending(each) for each in ahead],
        "events": sorted(events, key=lambda event: event["created"]),
        "events_window_end": _spell(until),
    }


def _limit(limit: int | None, job: Job) -> Record | None:
    if limit is None:
        return None
    gpus = {"max_gpus": limit, "min_gpus": _baseline(limit) or None}
    return {"gpu_type": job.instance.gpu_type, **gpus, "last_modified": _spell(job.project.start)}


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
    is_killed = CAUSES.get(job.cause or "", {}).get("exhausts") == "memory"
    code = {"completed": 0, "failed": 137 if is_killed else 1}.get(status)
    what = {"status": api_status(status), "created": _spell(since), "exit_code": code}
    return _about(job, **what, event_message=job.message if status == job.outcome else None)


def usage_record(jobs: Iterable[Job], team_ids: dict[str, str], start: int, end: int) -> Record:
    """Tell what the days that [start, end) touches cost."""
    if not 0 <= end - start <= 31 * DAY:
        raise ArgumentError(f"a bill covers 0 to 31 days, not {(end - start) / DAY:g}")
    # The API bills nothing before 2026, which begins 20,454 days after 1970 does.
    first, last = max(start // DAY, 20_454), -(-end // DAY)
    rows, total = [], Decimal(0)
    for job in jobs:
        minutes = minutes_by_day(job.started, min(job.ended, job.project.as_of))
        days = {day: count for day, count in minutes.items() if first <= day < last}
        if days:
            percent = TABLES["contract"].get(job.project.name, 100)
            rate = PRICES[job.instance.id] * percent // 100 * job.nodes * PRICE_UNIT
            total += rate * sum(days.values())
            rows.append(_item(job, team_ids[job.project.team], rate, days, len(minutes)))
    usage: Record = {"subtotal": str(total), "credits_used": 0, "total": str(total)}
    usage |= {"minutes": sum(row["minutes"] for row in rows), "breakdown": rows}
    return {"training_usage": usage if rows else None}


def minutes_by_day(started: int, ended: int) -> Counter[int]:
    """Count the minutes of a job by UTC day since 1970; the last one it began counts in full."""
    ends = range(started + MINUTE, ended + MINUTE, MINUTE)
    return Counter((min(end, ended) - 1) // DAY for end in ends)


def _item(job: Job, team_id: str, rate: Decimal, days: dict[int, int], lasts: int) -> Record:
    """Tell what is billed of a job, which `lasts` so many days, on some of them."""
    dice, minutes = Dice("bill", job.id), sum(days.values())
    # The API writes money as text or as a number.
    money: type[str | float] = str if dice.chance(40) else float
    # Without its days a job is billed as a whole, so it must not reach into two months.
    by_day = lasts > 1 or not dice.chance(8)
    daily = [
        {"date": spell(day * DAY)[:10], "subtotal": money(rate * count), "minutes": count}
        for day, count in days.items()
    ]
    about: Record = {"id": job.id, "kind": "TRAINING_JOB", "name": job.name}
    about |= {"model_name": job.project.name, "is_deleted": job.is_deleted}
    about |= {"instance_type": job.instance.name, "team_id": team_id, "team_name": job.project.team}
    cost = {"subtotal": money(rate * minutes), "minutes": minutes}
    return {"billable_resource": about, **cost, "daily": daily if by_day else None}
