"""Limits and prices: how many GPUs organisation and teams may hold and hold, and what they cost."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from trainview.sampling.catalogue import INSTANCES, UNITS_PER_USD, UNLISTED
from trainview.sampling.jobs import Job
from trainview.sampling.records import instance_record


def price_list() -> dict[str, Any]:
    """Tell the list prices."""
    return {
        "instance_types": [
            {"instance_type": instance_record(each), "price": each.price / UNITS_PER_USD}
            for each in INSTANCES.values()
            if each.id != UNLISTED
        ]
    }


def baseline(limit: int) -> int:
    """Tell up to how many GPUs jobs run at once; small pools guarantee none."""
    return limit // 2 if limit >= 32 else 0


def team_limits(jobs: Iterable[Job], limits: dict[str, int]) -> dict[tuple[str, str], int]:
    """Tell the limits of each team and GPU type, large enough for its busiest moment."""
    changes: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for job in jobs:
        if job.instance.gpu_type is not None and not job.spot:
            steps = changes.setdefault((job.project.team, job.instance.gpu_type), [])
            # What never ends, and what never starts, must fit in as well.
            steps += [(job.released, job.gpus), (max(job.ended, job.released + 1), -job.gpus)]
    peaks = {key: max(accumulate(n for _, n in sorted(steps))) for key, steps in changes.items()}
    # They come in whole nodes of the large machines.
    return {key: min(-(-peak // 8) * 8, limits[key[1]]) for key, peak in sorted(peaks.items())}


def capacity_record(
    jobs: Iterable[Job],
    limits: dict[str, int],
    teams: dict[tuple[str, str], int],
    team_ids: dict[str, str],
    as_of: int,
) -> dict[str, Any]:
    """Tell what the jobs of organisation and teams hold at a moment, and may hold."""
    held = [job for job in jobs if job.released <= as_of < job.ended]
    return {
        "gpu_capacities": [_item(gpu_type, limit, held) for gpu_type, limit in limits.items()],
        "team_gpu_capacities": [
            {"team_id": team_ids[team], "team_name": team}
            | _item(gpu_type, limit, [job for job in held if job.project.team == team])
            for (team, gpu_type), limit in teams.items()
        ],
    }


def _item(gpu_type: str, limit: int, holders: Iterable[Job]) -> dict[str, Any]:
    used = {True: 0, False: 0}
    for job in holders:
        if job.instance.gpu_type == gpu_type:
            used[job.spot] += job.gpus
    return {
        "gpu_type": gpu_type,
        "baseline": baseline(limit),
        "limit": limit,
        "usage_count": sum(used.values()),
        "dedicated_usage_count": used[False],
        "spot_usage_count": used[True],
    }
