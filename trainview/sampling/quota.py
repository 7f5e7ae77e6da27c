"""How many GPUs the organisation and its teams may hold, and how many they hold."""

from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple

from trainview.sampling.organisation import Job

# Limits of teams come in whole nodes of the large machines.
_NODE = 8


class Team(NamedTuple):
    """A team and its limits: GPUs by GPU type."""

    id: str
    name: str
    limits: dict[str, int]


def baseline(limit: int) -> int:
    """Tell up to how many GPUs jobs run at once; small pools guarantee none."""
    return limit // 2 if limit >= 24 else 0


def team_limits(jobs: Iterable[Job], limits: dict[str, int]) -> dict[str, dict[str, int]]:
    """Tell the limits of each team, large enough for its busiest moment and what waits."""
    changes: dict[tuple[str, str], list[tuple[datetime, int]]] = {}
    for job in jobs:
        if job.instance.gpu_type is not None and job.released < job.ended:
            steps = changes.setdefault((job.project.team, job.instance.gpu_type), [])
            steps += [(job.released, job.gpus), (job.ended, -job.gpus)]
    teams: dict[str, dict[str, int]] = {}
    for (team, gpu_type), steps in sorted(changes.items()):
        peak = max(accumulate(change for _, change in sorted(steps)))
        whole_nodes = -(-peak // _NODE) * _NODE
        teams.setdefault(team, {})[gpu_type] = min(whole_nodes, limits[gpu_type])
    return teams


def capacity_records(
    jobs: Iterable[Job], limits: dict[str, int], teams: Iterable[Team], as_of: datetime
) -> dict[str, Any]:
    """Tell the limits and what jobs hold of them at a moment."""
    holders = [job for job in jobs if job.released <= as_of < job.ended]
    return {
        "gpu_capacities": [_item(gpu_type, limit, holders) for gpu_type, limit in limits.items()],
        "team_gpu_capacities": [
            {"team_id": team.id, "team_name": team.name}
            | _item(gpu_type, limit, [j for j in holders if j.project.team == team.name])
            for team in teams
            for gpu_type, limit in team.limits.items()
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
