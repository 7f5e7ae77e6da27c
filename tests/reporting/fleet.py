"""Small fleets with prices, a bill, metrics, a queue and limits, made by hand."""

from decimal import Decimal
from typing import Any

import pandas as pd

import trainview as tv
from tests.builders import A10G, CPU, job, payload, project
from trainview.schema import FLEET_TABLES

DAY, STEP = pd.Timestamp("2026-03-01", tz="UTC"), pd.Timedelta("30min")
FAILED, PENDING = "TRAINING_JOB_FAILED", "TRAINING_JOB_PENDING"


def table(name: str, *rows: dict[str, Any]) -> pd.DataFrame:
    """Make one of the tables; what rows do not say is null."""
    columns = FLEET_TABLES[name].names
    return pd.DataFrame([dict.fromkeys(columns) | row for row in rows], columns=columns)


def price(instance_type: str = A10G["id"], usd_per_minute: float = 0.5) -> dict[str, Any]:
    facts = A10G | {"instance_type": A10G["name"]}
    return facts | {"instance_type_id": instance_type, "usd_per_minute": usd_per_minute}


def billed(job_id: str | None, usd: str, minutes: int = 0, **changes: Any) -> dict[str, Any]:
    row = {"job_id": job_id, "is_deleted": False, "date": DAY, "month": DAY, "minutes": minutes}
    return row | {"subtotal_usd": Decimal(usd)} | changes


def samples(
    *values: float,
    job_id: str = "run",
    node_id: str = "n1",
    gpu: int = 0,
    step: float | None = 1800,
) -> list[dict[str, Any]]:
    """Give the samples of one GPU, from ten o'clock on every half hour."""
    place = {"job_id": job_id, "node_id": node_id, "gpu": gpu, "metric": "gpu_utilization"}
    begin = DAY + pd.Timedelta("10h")
    return [
        place | {"unit": "fraction", "timestamp": begin + n * STEP, "value": value, "step_seconds": step}
        for n, value in enumerate(values)
    ]  # fmt: skip


def wait(job_id: str, hours: float | None, **changes: Any) -> dict[str, Any]:
    ahead = {"active_jobs": 0, "active_gpus": 0, "ahead_jobs": 0, "ahead_gpus": 0}
    row = {"job_id": job_id, "job_name": f"{job_id}-name", "gpu_type": "A10G", "requested_gpus": 2}
    times = {"submitted_at": DAY, "observed_until": DAY, "waited_hours": hours}
    released = None if changes.get("is_waiting") else DAY
    return row | times | ahead | {"released_at": released, "is_waiting": False} | changes


def limit(most: int, gpu_type: str = "A10G", team: str | None = None) -> dict[str, Any]:
    row = {"team_id": team, "team_name": team, "gpu_type": gpu_type, "limit": most}
    return row | {"baseline": 0, "usage_count": 0}


JOBS = payload(
    training_projects=[project("proj1", team_name="ml"), project("proj2", team_name="cv")],
    training_jobs=[
        job("run"),
        job("bad", project="proj2", current_status=FAILED, error_message="exit code 1"),
        job("cpu", instance_type=CPU),
        job("late", current_status=PENDING, created_at="2026-03-01T11:00:00Z"),
    ],
)
TABLES = {
    "prices": table("prices", price()),
    "billing": table(
        "billing",
        billed("run", "75.00", 150, project_name="proj1-name"),
        billed("run", "1.00", date=None, project_name="proj1-name"),
        billed("gone", "5.00", 10, project_name="old", is_deleted=True),
    ),
    "metrics": table(
        "metrics",
        *samples(0.9, 0.8, 0.0, 0.0, 0.02, 0.9),
        *samples(0.9, 0.9, 0.9, 0.9, 0.9, 0.9, gpu=1),
    ),
    "queue": table(
        "queue",
        wait("run", 2 / 3600),
        wait("bad", 1.0, active_gpus=2, ahead_jobs=1, ahead_gpus=2),
        wait(
            "late", 13.0, is_waiting=True, active_gpus=4, ahead_jobs=1, ahead_gpus=2,
            org_limit=4, team_limit=8,
        ),
    ),
    "capacity": table("capacity", limit(2), limit(8, "H100"), limit(2, team="ml")),
}  # fmt: skip


def fleet(*names: str, source: bytes = JOBS, **others: pd.DataFrame) -> tv.Snapshot:
    """Load the jobs with some of the tables, and others in their place."""
    snapshot = tv.load(source, as_of="2026-03-02T00:00:00Z")
    return snapshot.assign(**{name: TABLES[name] for name in names} | others)
