"""What the organisation is billed for: the minutes in which its jobs ran, at the agreed price."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from trainview.errors import ArgumentError
from trainview.sampling.catalogue import CONTRACT, UNITS_PER_USD
from trainview.sampling.clock import DAY, MINUTE
from trainview.sampling.dice import Dice
from trainview.sampling.jobs import Job

_EARLIEST = (date(2026, 1, 1) - date(1970, 1, 1)).days


def usage_record(
    jobs: Iterable[Job], team_ids: dict[str, str], window: tuple[int, int], as_of: int
) -> dict[str, Any]:
    """Tell what the days that a window touches cost, its end not included."""
    start, end = window
    if not 0 <= end - start <= 31 * DAY:
        raise ArgumentError(f"a bill covers 0 to 31 days, not {(end - start) / DAY:g}")
    first, last = max(start // DAY, _EARLIEST), -(-end // DAY)
    rows = [
        _item(job, team_ids, whole, {d: n for d, n in whole.items() if first <= d < last})
        for job in jobs
        if job.ran(as_of)
        for whole in [minutes_by_day(job.started, min(job.ended, as_of))]
    ]
    rows = [(units, row) for units, row in rows if row["minutes"]]
    total = _text(sum(units for units, _ in rows))
    items = [row for _, row in rows]
    training: dict[str, Any] = {"subtotal": total, "credits_used": 0, "total": total}
    training |= {"minutes": sum(row["minutes"] for row in items), "breakdown": items}
    return {"training_usage": training if rows else None}


def minutes_by_day(started: int, ended: int) -> dict[int, int]:
    """Count the minutes of a job by UTC day since 1970; the last one it began counts in full."""
    total = -((started - ended) // MINUTE)
    minutes, counted, day = {}, 0, started // DAY
    while counted < total:
        midnight = (day + 1) * DAY
        until = (midnight - started) // MINUTE if midnight < ended else total
        if until > counted:
            minutes[day] = until - counted
        counted, day = until, day + 1
    return minutes


def _item(
    job: Job, team_ids: dict[str, str], whole: dict[int, int], days: dict[int, int]
) -> tuple[int, dict[str, Any]]:
    """Tell what is billed of a job on some of its days, and what it costs in units."""
    rate = job.instance.price * CONTRACT.get(job.project.name, 100) // 100 * job.nodes
    dice = Dice("bill", job.id)
    # The API writes money as text or as a number.
    money = _text if dice.chance(40) else lambda units: units / UNITS_PER_USD
    # Without its days a job is billed as a whole, so it must not reach into two months.
    by_day = len(whole) > 1 or not dice.chance(8)
    daily = [
        {
            "date": (date(1970, 1, 1) + timedelta(days=day)).isoformat(),
            "subtotal": money(rate * minutes),
            "minutes": minutes,
        }
        for day, minutes in days.items()
    ]
    minutes = sum(days.values())
    return rate * minutes, {
        "billable_resource": {
            "id": job.id,
            "kind": "TRAINING_JOB",
            "name": job.name,
            "model_name": job.project.name,
            "is_deleted": job.is_deleted,
            "instance_type": job.instance.name,
            "team_id": team_ids[job.project.team],
            "team_name": job.project.team,
        },
        "subtotal": money(rate * minutes),
        "minutes": minutes,
        "daily": daily if by_day else None,
    }


def _text(units: int) -> str:
    return f"{units // UNITS_PER_USD}.{units % UNITS_PER_USD:05d}"
