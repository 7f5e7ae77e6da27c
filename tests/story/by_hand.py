"""A small snapshot made by hand, of which every number of a story is known."""

from decimal import Decimal
from typing import Any

import trainview as tv
from tests.analysis.fleet import metrics, prices, sample, used
from tests.analysis.tables import at, job, projects, table
from trainview.schema import FLEET_TABLES, TABLES

OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB."
GIB = 2**30


def rows(name: str, *found: dict[str, Any]) -> Any:
    return table(*found, schema=FLEET_TABLES[name])


def event(hour: float, status: str, **changes: Any) -> dict[str, Any]:
    current = f"TRAINING_JOB_{status.upper()}"
    return {
        "job_id": "ja", "current_status": current, "status": status, "created_at": at(hour),
    } | changes  # fmt: skip


def saved(hour: float, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "checkpoint_id": name, "job_id": "ja", "created_at": at(hour), "checkpoint_type": "full",
        "size_bytes": 3 * GIB, "sync_status": "COMPLETE",
    } | changes  # fmt: skip


def waited(job_id: str, hours: float, **changes: Any) -> dict[str, Any]:
    return {
        "job_id": job_id, "gpu_type": "H100", "requested_gpus": 8, "submitted_at": at(0),
        "released_at": at(hours), "observed_until": at(hours), "is_waiting": False,
        "waited_hours": hours, "active_jobs": 1, "active_gpus": 16, "ahead_jobs": 0,
        "ahead_gpus": 0, "org_limit": 24,
    } | changes  # fmt: skip


def made(start: float, end: float, **changes: Any) -> dict[str, Any]:
    return job(start, end, **{"instance_type": "H100:8", "gpus": 2, "gpu_count": 2} | changes)


# ja failed after 10 hours, of which it waited 1, deployed 1, and lost the last 4.
JOBS = (
    made(0, 10, job_id="ja", job_name="sft-1", status="failed", error_message=OOM,
        team_name="post-training", gpu_memory_limit_mib=2 * 81920),
    made(12, 20, job_id="jb", job_name="sft-2"),
    made(5, 20, job_id="busy", status="running", job_name="long", gpus=16, gpu_count=16, project_name="moe",
        project_id="p2", user_email="bob@example.com"),
    made(11, 20, job_id="wait", status="pending", job_name=None, project_id="p2",
        project_name="moe", error_message="Spot capacity would start it sooner."),
)  # fmt: skip
METRICS = metrics(
    *(sample(60 * hour, value, job_id="ja", gpu=gpu, step_seconds=3600.0)
      for gpu, values in enumerate(([0.5, 0.9, 0.7], [0.0, 0.0, 0.0]))
      for hour, value in enumerate(values, start=2)),
    used(120, 60, job_id="ja", step_seconds=3600.0),
    used(180, 64, job_id="ja", step_seconds=3600.0),
    sample(180, 0.25, metric="cache_utilization", job_id="ja", node_id=None, gpu=None),
)  # fmt: skip
FLEET = {
    "metrics": METRICS,
    "prices": prices(**{"H100:8": 0.5}),
    "billing": rows("billing", {
        "job_id": "ja", "is_deleted": False, "date": at(0), "minutes": 480,
        "subtotal_usd": Decimal("230.00"), "job_name": "sft-1", "project_name": "llm",
        "instance_type": "H100:8",
    }),
    "queue": rows(
        "queue",
        waited("ja", 1, ahead_jobs=2, ahead_gpus=12, ahead_job_ids="busy gone"),
        waited("wait", 9, submitted_at=at(11), released_at=None, is_waiting=True,
               observed_until=at(20), ahead_jobs=1, ahead_gpus=16, ahead_job_ids="busy"),
    ),
    "status_events": rows(
        "status_events", event(0, "pending"), event(1, "deploying"), event(2, "running"),
        event(10, "failed", exit_code=137),
    ),
    "checkpoints": rows("checkpoints", saved(4, "step-100"), saved(6, "step-200")),
    "caches": rows("caches", *(
        {"project_id": project, "path": path, "size_bytes": size, "file_type": "file",
         "modified_at": at(1), "captured_at": at(20)}
        for project, path, size in [("p1", "hub/model", 3 * GIB), ("p2", "x", 1)]
    )),
    "logs": rows("logs", *(
        {"job_id": "ja", "timestamp": at(9 + n / 100), "level": "INFO", "message": f"step {n}"}
        for n in range(12)
    )),
}  # fmt: skip


def snapshot(*names: str, jobs: tuple[dict[str, Any], ...] = JOBS, **others: Any) -> tv.Snapshot:
    listed = projects(
        {"project_id": "p1", "project_name": "llm", "team_name": "post-training"},
        {"project_id": "p2", "project_name": "moe"},
    )
    types = table(schema=TABLES["instance_types"])
    snap = tv.Snapshot(listed, table(*jobs), types, at(20))
    return snap.assign(**{name: FLEET[name] for name in names} | others)


WHOLE = snapshot(*FLEET)
BARE = snapshot()
