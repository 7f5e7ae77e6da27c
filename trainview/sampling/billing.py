"""What the organisation is billed for: the minutes in which its jobs ran, at the agreed price."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from trainview.errors import ArgumentError
from trainview.sampling import catalogue
from trainview.sampling.dice import stream
from trainview.sampling.organisation import Calendar, Job, Project
from trainview.sampling.prices import UNITS_PER_USD, billed_price

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST = timedelta(days=31)
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


class Item(NamedTuple):
    """What is billed of one job; a day costs its minutes times `rate` units."""

    id: str
    name: str | None
    project_name: str
    instance_type: str
    is_deleted: bool
    rate: int
    minutes: dict[date, int]


def billed(jobs: Iterable[Job], as_of: datetime) -> list[Item]:
    """List what is billed of jobs that ran."""
    return [
        _item(job, is_deleted=False, ended=min(job.ended, as_of))
        for job in jobs
        if job.started < min(job.ended, as_of)
    ]


def deleted(
    ids: Iterator[str], projects: list[Project], calendar: Calendar, count: int
) -> list[Item]:
    """Make up jobs that have been deleted: only the bill remembers them."""
    return [_deleted(next(ids), projects, calendar) for _ in range(count if projects else 0)]


def usage(items: Iterable[Item], start: datetime, end: datetime) -> dict[str, Any]:
    """Tell what the days that [start, end) touches cost."""
    if not timedelta(0) <= end - start <= LONGEST:
        raise ArgumentError(f"a bill covers 0 to 31 days: got {start} to {end}")
    first = max(start, EARLIEST).date()
    rows = []
    for item in items:
        days = {day: minutes for day, minutes in item.minutes.items() if first <= day}
        days = {day: minutes for day, minutes in days.items() if _midnight(day) < end}
        if days:
            rows.append((item, days))
    total = sum(item.rate * sum(days.values()) for item, days in rows)
    training = {
        "subtotal": _text(total),
        "credits_used": 0,
        "total": _text(total),
        "minutes": sum(sum(days.values()) for _, days in rows),
        "breakdown": [_record(item, days) for item, days in rows],
    }
    return {
        "dedicated_usage": None,
        "training_usage": training if rows else None,
        "model_apis_usage": None,
    }


def split_minutes(started: datetime, ended: datetime) -> dict[date, int]:
    """Count the minutes of a job by UTC day; the last one it began counts in full."""
    total = -((started - ended) // _MINUTE)
    minutes, counted, day = {}, 0, started.date()
    while counted < total:
        passed = (_midnight(day) + _DAY - started) // _MINUTE
        until = passed if _midnight(day) + _DAY < ended else total
        if until > counted:
            minutes[day] = until - counted
        counted, day = until, day + _DAY
    return minutes


def _item(job: Job, *, is_deleted: bool, ended: datetime) -> Item:
    return Item(
        id=job.id,
        name=job.name,
        project_name=job.project.name,
        instance_type=job.instance.name,
        is_deleted=is_deleted,
        rate=billed_price(job.instance, job.project) * job.nodes,
        minutes=split_minutes(job.started, ended),
    )


def _deleted(identifier: str, projects: list[Project], calendar: Calendar) -> Item:
    dice = stream("deleted", identifier)
    project = dice.pick(projects)
    # On one node only: what they held is in no count of GPUs.
    machine, _ = dice.weighted(catalogue.KINDS[project.kind].shapes)
    instance = catalogue.INSTANCES[machine]
    started = calendar.moment(dice, (0, 90))
    run = min(dice.quantile(catalogue.KINDS[project.kind].minutes), calendar.as_of - started)
    return Item(
        id=identifier,
        name=f"throwaway-{dice.between(1, 24)}",
        project_name=project.name,
        instance_type=instance.name,
        is_deleted=True,
        rate=billed_price(instance, project),
        minutes=split_minutes(started, started + run),
    )


def _record(item: Item, days: dict[date, int]) -> dict[str, Any]:
    dice = stream("bill", item.id)
    money = _text if dice.chance(40) else _number
    # Without its days a job is billed as a whole, so it must not reach into two months.
    by_day = len(item.minutes) > 1 or not dice.chance(8)
    return {
        "billable_resource": {
            "id": item.id,
            "kind": "TRAINING_JOB",
            "name": item.name,
            "model_name": item.project_name,
            "is_deleted": item.is_deleted,
            "instance_type": item.instance_type,
            "environment_name": None,
            "chain_metadata": None,
        },
        "subtotal": money(item.rate * sum(days.values())),
        "minutes": sum(days.values()),
        "daily": [
            {
                "date": day.isoformat(),
                "subtotal": money(item.rate * minutes),
                "minutes": minutes,
            }
            for day, minutes in days.items()
        ]
        if by_day
        else None,
    }


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _text(units: int) -> str:
    return f"{units // UNITS_PER_USD}.{units % UNITS_PER_USD:05d}"


def _number(units: int) -> float:
    return units / UNITS_PER_USD
