"""The organisation as the API tells it: one dict a record, fields in the API's order."""

from datetime import UTC, datetime, timedelta
from typing import Any

from trainview.sampling import causes
from trainview.sampling.capacity import in_use
from trainview.sampling.catalogue import Instance
from trainview.sampling.dice import Dice
from trainview.sampling.organisation import Calendar, Job, Project
from trainview.statuses import API_PREFIX, STATUSES

Record = dict[str, Any]

_API_STATUS = {status.label: status.api for status in STATUSES}
_TERMINAL = {status.label for status in STATUSES if status.terminal} | {"evicted"}

# Spellings of a time, by weight: precision, and how UTC is written.
_SPELLINGS = (
    (70, ("milliseconds", "Z")),
    (12, ("microseconds", "+00:00")),
    (8, ("seconds", "Z")),
    (6, ("milliseconds", "+00:00")),
    (4, ("seconds", "+00:00")),
)
# The reference page has none of the newer fields, so some records have none either.
_SHAPES = ((76, "full"), (14, "reference page"), (10, "nulls"))


def spell(moment: datetime, precision: str = "seconds", zone: str = "Z") -> str:
    """Write a time in one of the spellings that the API has."""
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", zone)


def api_status(label: str) -> str:
    """Write a status as the API does."""
    return _API_STATUS.get(label, f"{API_PREFIX}{label.upper()}")


def job_records(
    dice: Dice, jobs: list[Job], limits: dict[str, int], as_of: datetime
) -> list[Record]:
    """Tell about jobs, given in order of submission; the newest comes first."""
    used = {gpu_type: in_use(jobs, gpu_type, as_of) for gpu_type in limits}
    rows = []
    for order, job in enumerate(jobs):
        precision, zone = dice.weighted(_SPELLINGS)
        status, updated = _last_change(job, as_of)
        record: Record = {
            "id": job.id,
            "created_at": spell(job.submitted, precision, zone),
            "current_status": api_status(status),
            "error_message": _message(dice, job, status, limits, used),
            "instance_type": instance_record(job.instance),
            "updated_at": spell(updated, precision, zone),
            "training_project_id": job.project.id,
            "training_project": {"id": job.project.id, "name": job.project.name},
            "name": job.name,
        }
        record |= _newer_fields(dice, job, status, as_of)
        # Spelling cuts fractions, so the order is that of the spelled times.
        rows.append((datetime.fromisoformat(record["created_at"]), order, record))
    rows.sort(key=lambda row: row[:2], reverse=True)
    return [record for _, _, record in rows]


def _last_change(job: Job, as_of: datetime) -> tuple[str, datetime]:
    status, since = job.state(as_of)
    if job.skew:
        return status, job.submitted - job.skew
    if status in _TERMINAL:
        return status, min(since + job.sync, as_of)
    return status, since


def _message(
    dice: Dice, job: Job, status: str, limits: dict[str, int], used: dict[str, int]
) -> str | None:
    text: str | None = None
    gpu_type = job.instance.gpu_type
    if status == "pending" and gpu_type is not None:
        size = f"{job.nodes} x {job.instance.gpu_count} {gpu_type}"
        load = f"{used[gpu_type]} of {limits[gpu_type]}"
        return f"Waiting for capacity: {size} requested, {load} GPUs in use"
    if status == "failed" and job.cause is not None:
        text = causes.FAILURES[job.cause].texts[-1 if job.project.tracebacks else 0]
    elif status == "deploy-failed" and job.cause is not None:
        text = causes.DEPLOY_FAILURES[job.cause][1]
    elif status == "preempted":
        text = causes.PREEMPTED
    elif status == "evicted":
        text = causes.EVICTED
    return causes.fill(dice, text, job.instance, job.nodes, job.project.habits)


def instance_record(instance: Instance) -> Record:
    """Tell about an instance type."""
    return {
        "id": instance.id,
        "name": instance.name,
        "memory_limit_mib": instance.memory_gib * 1024,
        "millicpu_limit": instance.vcpu * 1000,
        "gpu_count": instance.gpu_count,
        "gpu_type": instance.gpu_type,
        "gpu_memory_limit_mib": instance.gpu_memory_limit_mib,
    }


def _newer_fields(dice: Dice, job: Job, status: str, as_of: datetime) -> Record:
    shape = dice.weighted(_SHAPES)
    if job.nodes == 1 and not job.spot:
        if shape == "reference page":
            return {}
        if shape == "nulls":
            return {"checkpoint_sync_status": None, "priority": None, "user": None}
    return {
        "checkpoint_sync_status": _sync_status(dice, job, status, as_of),
        "priority": dice.weighted(((85, 0), (10, 10), (5, 100))),
        "availability_model": "spot" if job.spot else "dedicated",
        "user": {"email": f"{job.user}@example.com"},
        "node_count": job.nodes,
    }


def _sync_status(dice: Dice, job: Job, status: str, as_of: datetime) -> str | None:
    if status == "running" and as_of - job.started > timedelta(minutes=30):
        return "SYNCING"
    if status == "completed":
        return "SYNCING" if job.ended + job.sync > as_of else "COMPLETED"
    if status in _TERMINAL and job.run > timedelta(hours=1) and dice.chance(70):
        return "COMPLETED"
    return None


def project_records(
    dice: Dice, projects: list[Project], jobs: list[Record], calendar: Calendar
) -> list[Record]:
    """Tell about projects, each with its latest job; the newest project comes first."""
    latest: dict[str, Record] = {}
    for job in jobs:
        latest.setdefault(job["training_project_id"], job)
    rows = []
    for project in projects:
        latest_job = latest.get(project.id)
        born = calendar.start + (calendar.as_of - calendar.start) * project.life[0] // 100
        created = min([born, *(each.submitted for each in project.jobs)]) - dice.span(120, 5400)
        if project.life[0] == 0:
            created -= dice.span(86_400, 200 * 86_400)
        changed = (
            created + dice.span(1, 60)
            if latest_job is None
            else _after_job(dice, latest_job, calendar.as_of)
        )
        precision, zone = dice.weighted(_SPELLINGS)
        record: Record = {
            "id": project.id,
            "name": project.name,
            "created_at": spell(created, precision, zone),
            "updated_at": spell(changed, precision, zone),
        }
        if not dice.chance(10):
            record["team_name"] = project.team
        rows.append((created, record | {"latest_job": latest_job}))
    rows.sort(key=lambda row: row[0], reverse=True)
    return [record for _, record in rows]


def _after_job(dice: Dice, job: Record, as_of: datetime) -> datetime:
    """Tell when a project changed last: right after its latest job was submitted."""
    return min(datetime.fromisoformat(job["created_at"]) + dice.span(1, 4), as_of)
