"""Projects and jobs as the API tells them: one dict a record, fields in the API's order."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeAlias

from trainview.sampling.clock import DAY, SECOND, spell
from trainview.sampling.dice import Dice
from trainview.sampling.jobs import Job, Project
from trainview.sampling.submissions import Calendar
from trainview.statuses import API_PREFIX

Record: TypeAlias = dict[str, Any]

# The reference page has none of the newer fields, so some records have none either.
_SHAPES = ((7, "full"), (2, "reference page"), (1, "nulls"))


def api_status(label: str) -> str:
    """Write a status as the API does."""
    return API_PREFIX + label.upper().replace("-", "_")


def job_record(job: Job, used: dict[str, Record], as_of: int) -> Record:
    """Tell about a job; `used` says how full the pools of GPUs are."""
    status, updated = job.state(as_of)
    message = None
    if status == job.outcome:
        message, updated = job.message, min(job.synced, as_of)
    elif status == "pending" and job.instance.gpu_type is not None:
        message = (
            "Waiting for dedicated capacity: {dedicated_usage_count} of {limit} {gpu_type} GPUs in "
            "use. Spot capacity is available: as a spot job it would start sooner."
        ).format_map(used[job.instance.gpu_type])
    if job.quirk == "clock skew":
        updated = job.submitted - 37 * SECOND
    return {
        "id": job.id,
        "created_at": spell(job.submitted, *job.spelling),
        "current_status": api_status(status),
        "error_message": message,
        "instance_type": job.instance._asdict(),
        "updated_at": spell(job.cut(updated), *job.spelling),
        "training_project_id": job.project.id,
        "training_project": {"id": job.project.id, "name": job.project.name},
        "name": job.name,
        **_newer_fields(job, status, as_of),
    }


def _newer_fields(job: Job, status: str, as_of: int) -> Record:
    shape = Dice("fields", job.id).weighted(_SHAPES)
    # What is absent means one node, dedicated, priority 0.
    if shape != "full" and (job.nodes, job.spot, job.priority) == (1, False, 0):
        return {} if shape == "reference page" else {"checkpoint_sync_status": None, "user": None}
    is_syncing = status == "running" or job.synced > as_of
    synced = "SYNCING" if is_syncing else "COMPLETED"
    return {
        "checkpoint_sync_status": synced if job.checkpoints else None,
        "priority": job.priority,
        "availability_model": "spot" if job.spot else "dedicated",
        "user": {"email": job.email},
        "node_count": job.nodes,
    }


def project_records(
    projects: Iterable[Project], jobs: Iterable[Job], records: dict[str, Record], calendar: Calendar
) -> list[Record]:
    """Tell about projects, each with the latest of its ordered jobs, the newest project first."""
    by_project: defaultdict[Project, list[Job]] = defaultdict(list)
    for job in jobs:
        by_project[job.project].append(job)
    rows = []
    for project in projects:
        dice = Dice("project", project.id)
        own = by_project[project]
        first = own[0].submitted if own else calendar.as_of
        created = min(calendar.at(project.life[0]), first) - dice.seconds(120, 5400)
        if project.life[0] == 0:
            created -= dice.between(DAY, 200 * DAY)
        # It changes right after its latest job was submitted.
        changed = min((own[-1].submitted if own else created) + dice.seconds(1, 4), calendar.as_of)
        record: Record = {"id": project.id, "name": project.name}
        record |= {"created_at": spell(created), "updated_at": spell(changed)}
        if not dice.chance(10):
            record["team_name"] = project.team
        record["latest_job"] = records[own[-1].id] if own else None
        rows.append((created, record))
    rows.sort(key=lambda row: row[0], reverse=True)
    return [record for _, record in rows]
