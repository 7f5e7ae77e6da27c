"""Small API records to build test payloads from, every field at a plain value."""

import json
from typing import Any

A10G = {
    "id": "A10G:2x24x96",
    "name": "A10G:2x24x96 - 2 Nvidia A10Gs",
    "memory_limit_mib": 98304,
    "millicpu_limit": 24000,
    "gpu_count": 2,
    "gpu_type": "A10G",
    "gpu_memory_limit_mib": 49152,
}
CPU = {
    "id": "1x4",
    "name": "1x4 - 1 vCPU",
    "memory_limit_mib": 4096,
    "millicpu_limit": 1000,
    "gpu_count": 0,
    "gpu_type": None,
    "gpu_memory_limit_mib": None,
}


def job(job_id: str = "job1", *, project: str = "proj1", **changes: Any) -> dict[str, Any]:
    return {
        "id": job_id,
        "created_at": "2026-03-01T10:00:00Z",
        "current_status": "TRAINING_JOB_COMPLETED",
        "error_message": None,
        "instance_type": A10G,
        "updated_at": "2026-03-01T13:00:00Z",
        "training_project_id": project,
        "training_project": {"id": project, "name": f"{project}-name"},
        "name": f"{job_id}-name",
    } | changes


def project(project_id: str = "proj1", **changes: Any) -> dict[str, Any]:
    return {
        "id": project_id,
        "name": f"{project_id}-name",
        "created_at": "2026-02-01T08:00:00Z",
        "updated_at": "2026-03-01T13:00:00Z",
        "latest_job": None,
    } | changes


def payload(**members: Any) -> bytes:
    return json.dumps(members, ensure_ascii=False).encode()
