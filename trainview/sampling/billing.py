"""What GPUs cost: the list prices, and the minutes in which jobs ran at the agreed price."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from trainview.errors import ArgumentError
from trainview.sampling.catalogue import INSTANCES, PRICES, TABLES, UNITS_PER_USD
from trainview.sampling.clock import DAY, MINUTE
from trainview.sampling.dice import Dice
from trainview.sampling.jobs import Job
from trainview.sampling.records import Record

_EPOCH = date(1970, 1, 1)
_EARLIEST = (date(2026, 1, 1) - _EPOCH).days


def price_list() -> Record:
    """Tell the list prices."""
    rows = [
        {"instance_type": each._asdict(), "price": PRICES[each.id] / UNITS_PER_USD}
        for each in INSTANCES.values()
        if each.id != TABLES["unlisted"]
    ]
    return {"instance_types": rows}


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
            rows.append(_item(job, team_ids[job.project.team], rate, days, by_day=len(minutes) > 1))
    usage: Record = {"subtotal": _text(units), "credits_used": 0, "total": _text(units)}
    usage |= {"minutes": sum(row["minutes"] for row in rows), "breakdown": rows}
    return {"training_usage": usage if rows else None}


def minutes_by_day(started: int, ended: int) -> Counter[int]:
    """Count the minutes of a job by UTC day since 1970; the last one it began counts in full."""
    ends = range(started + MINUTE, ended + MINUTE, MINUTE)
    return Counter((min(end, ended) - 1) // DAY for end in ends)


def _item(job: Job, team_id: str, rate: int, days: dict[int, int], *, by_day: bool) -> Record:
    """Tell what is billed of a job on some of its days."""
    dice = Dice("bill", job.id)
    # The API writes money as text or as a number.
    money = _text if dice.chance(40) else lambda units: units / UNITS_PER_USD
    # Without its days a job is billed as a whole, so it must not reach into two months.
    by_day = by_day or not dice.chance(8)
    daily = [
        {"date": str(_EPOCH + timedelta(day)), "subtotal": money(rate * count), "minutes": count}
        for day, count in days.items()
    ]
    return {
        "billable_resource": {
            "id": job.id,
            "kind": "TRAINING_JOB",
            "name": job.name,
            "model_name": job.project.name,
            "is_deleted": job.is_deleted,
            "instance_type": job.instance.name,
            "team_id": team_id,
            "team_name": job.project.team,
        },
        "subtotal": money(rate * sum(days.values())),
        "minutes": sum(days.values()),
        "daily": daily if by_day else None,
    }


def _text(units: int) -> str:
    return f"{units // UNITS_PER_USD}.{units % UNITS_PER_USD:05d}"
