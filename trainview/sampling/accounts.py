"""What the API tells of the whole organisation: its GPUs, who waits for them, their cost."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from functools import partial
from itertools import accumulate
from typing import TypeAlias

from trainview.errors import ArgumentError
from trainview.sampling.dice import DAY, MINUTE, SECOND, Calendar, Dice, spell
from trainview.sampling.organisation import CAUSES, INSTANCES, PRICES, TABLES, Job, Record
from trainview.sampling.records import api_status

# By team, None for the whole organisation, and by GPU type.
Limits: TypeAlias = dict[tuple[str | None, str], int]

# Prices are integers: hundred-thousandths of a US dollar.
_UNITS_PER_USD = 100_000
_EPOCH = date(1970, 1, 1)
# The API bills nothing before.
_EARLIEST = (date(2026, 1, 1) - _EPOCH).days

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


def capacity_record(
    jobs: Iterable[Job], limits: Limits, team_ids: dict[str, str], as_of: int
) -> Record:
    """Tell what the jobs of organisation and teams hold at a moment, and may hold."""
    held = [job for job in jobs if job.released <= as_of < job.ended]
    answer: Record = {"gpu_capacities": [], "team_gpu_capacities": []}
    for (team, gpu_type), limit in limits.items():
        pool = [job for job in held if job.instance.gpu_type == gpu_type]
        own = [job for job in pool if team in {None, job.project.team}]
        total, spot = sum(job.gpus for job in own), sum(job.gpus for job in own if job.spot)
        row: Record = {} if team is None else {"team_id": team_ids[team], "team_name": team}
        row |= {"gpu_type": gpu_type, "baseline": _baseline(limit), "limit": limit}
        row |= {"usage_count": total, "dedicated_usage_count": total - spot}
        row |= {"spot_usage_count": spot}
        answer["gpu_capacities" if team is None else "team_gpu_capacities"].append(row)
    return answer


def queue_record(
    job: Job, jobs: Iterable[Job], limits: Limits, calendar: Calendar
) -> Record | None:
    """Tell what a job met when it was submitted; one without GPUs queues for nothing."""
    gpu_type, now, is_waiting = job.instance.gpu_type, job.submitted, job.released > calendar.as_of
    if gpu_type is None:
        return None
    until = calendar.as_of if is_waiting else job.released
    pool = [each for each in jobs if each.instance.gpu_type == gpu_type and each is not job]
    active = [each for each in pool if each.released <= now < each.ended]
    ahead = [each for each in pool if each.submitted < now < each.released]
    ahead = [each for each in ahead if each.priority >= job.priority]
    ahead.sort(key=lambda each: (-each.priority, each.submitted))
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
    is_killed = CAUSES.get(job.cause or "", {}).get("exhausts") == "memory"
    code = {"completed": 0, "failed": 137 if is_killed else 1}.get(status)
    what = {"status": api_status(status), "created": _spell(since), "exit_code": code}
    return _about(job, **what, event_message=job.message if status == job.outcome else None)


def price_records() -> list[Record]:
    """Tell the list prices of all instance types but one that jobs use."""
    return [
        {"instance_type": each._asdict(), "price": PRICES[each.id] / _UNITS_PER_USD}
        for each in INSTANCES.values()
        if each.id != TABLES["unlisted"]
    ]


def usage_record(
    jobs: Iterable[Job], team_ids: dict[str, str], window: tuple[int, int], as_of: int
) -> Record:
    """Tell what the days that a window touches cost, its end not included."""
    start, end = window
    if not 0 <= end - start <= 31 * DAY:
        raise ArgumentError(f"a bill covers 0 to 31 days, not {(end - start) / DAY:g}")
    first, last = max(start // DAY, _EARLIEST), -(-end // DAY)
    rows, units = [], 0
    for job in jobs:
        minutes = minutes_by_day(job.started, min(job.ended, as_of))
        days = {day: count for day, count in minutes.items() if first <= day < last}
        if days:
            rate = PRICES[job.instance.id] * TABLES["contract"].get(job.project.name, 100) // 100
            rate *= job.nodes
            units += rate * sum(days.values())
            rows.append(_item(job, team_ids[job.project.team], rate, days, len(minutes)))
    usage: Record = {"subtotal": _text(units), "credits_used": 0, "total": _text(units)}
    usage |= {"minutes": sum(row["minutes"] for row in rows), "breakdown": rows}
    return {"training_usage": usage if rows else None}


def minutes_by_day(started: int, ended: int) -> Counter[int]:
    """Count the minutes of a job by UTC day since 1970; the last one it began counts in full."""
    ends = range(started + MINUTE, ended + MINUTE, MINUTE)
    return Counter((min(end, ended) - 1) // DAY for end in ends)


def _item(job: Job, team_id: str, rate: int, days: dict[int, int], lasts: int) -> Record:
    """Tell what is billed of a job, which `lasts` so many days, on some of them."""
    dice = Dice("bill", job.id)
    # The API writes money as text or as a number.
    money = _text if dice.chance(40) else lambda units: units / _UNITS_PER_USD
    # Without its days a job is billed as a whole, so it must not reach into two months.
    by_day = lasts > 1 or not dice.chance(8)
    daily = [
        {"date": str(_EPOCH + timedelta(day)), "subtotal": money(rate * count), "minutes": count}
        for day, count in days.items()
    ]
    resource: Record = {"id": job.id, "kind": "TRAINING_JOB", "name": job.name}
    resource |= {"model_name": job.project.name, "is_deleted": job.is_deleted}
    resource |= {"instance_type": job.instance.name}
    resource |= {"team_id": team_id, "team_name": job.project.team}
    cost = {"subtotal": money(rate * sum(days.values())), "minutes": sum(days.values())}
    return {"billable_resource": resource, **cost, "daily": daily if by_day else None}


def _text(units: int) -> str:
    return f"{units // _UNITS_PER_USD}.{units % _UNITS_PER_USD:05d}"
