"""An organisation that changes from look to look, as the API would tell it."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.builders import job, payload, project

START = datetime(2026, 1, 30, 23, 50, tzinfo=UTC)
# What can follow what; nothing follows an end.
NEXT = {
    "PENDING": ["DEPLOYING", "STOPPED"],
    "DEPLOYING": ["RUNNING", "DEPLOY_FAILED"],
    "RUNNING": ["COMPLETED", "FAILED", "STOPPED"],
}


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def states(seed: int, looks: int, jobs: int = 6) -> list[tuple[datetime, dict[str, Any]]]:
    """Make what the API says at some moments, in order: jobs come, change, end and are deleted."""
    chance = random.Random(seed)  # noqa: S311 - it has to be the same again
    now, known, projects, number = START, {}, {}, 0
    found = []
    for _ in range(looks):
        now += timedelta(minutes=chance.randint(1, 12 * 60))
        for _ in range(chance.randint(0, 2)):
            if len(known) < jobs:
                number += 1
                owner = f"p{chance.randint(1, 3)}"
                projects.setdefault(owner, project(owner, updated_at=iso(now), team_name=None))
                known[f"j{number}"] = job(
                    f"j{number}", project=owner, created_at=iso(now), updated_at=iso(now),
                    current_status="TRAINING_JOB_PENDING",
                )  # fmt: skip
        for name, record in list(known.items()):
            status = record["current_status"].removeprefix("TRAINING_JOB_")
            if chance.random() < 0.4 and status in NEXT:
                follows = "TRAINING_JOB_" + chance.choice(NEXT[status])
                known[name] = record | {"current_status": follows, "updated_at": iso(now)}
            elif chance.random() < 0.1:
                del known[name]
        for name in list(projects):
            used = any(one["training_project_id"] == name for one in known.values())
            if not used and chance.random() < 0.2:
                del projects[name]
        lists = {
            "training_projects": list(projects.values()),
            "training_jobs": list(known.values()),
        }
        found.append((now, lists))
    return found


def saved(state: tuple[datetime, dict[str, Any]]) -> bytes:
    """Give a state as the file that ``trainview fetch`` would have saved."""
    moment, lists = state
    return payload(trainview={"format": 1, "as_of": iso(moment)}, **lists)
