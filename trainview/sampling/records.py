"""Projects, jobs, checkpoints and log lines as the API tells them: one dict a record."""

from collections.abc import Iterator

from trainview.errors import ArgumentError
from trainview.sampling.dice import DAY, SECOND, Calendar, Dice, spell
from trainview.sampling.metrics import node_name
from trainview.sampling.organisation import KINDS, MIB, TABLES, Job, Project, Record
from trainview.statuses import API_PREFIX

# The reference page has none of the newer fields, so some records have none either.
_SHAPES = ((7, "full"), (2, "reference page"), (1, "nulls"))
_PROGRESS_LINES = 12
_NS_PER_MS = 1_000_000


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
        "user": {"email": f"{job.user}@example.com"},
        "node_count": job.nodes,
    }


def project_records(
    projects: dict[Project, list[Job]], records: dict[str, Record], calendar: Calendar
) -> list[Record]:
    """Tell about projects, each with the latest of its ordered jobs, the newest project first."""
    rows: list[Record] = []
    for project, own in projects.items():
        dice = Dice("project", project.id)
        first = own[0].submitted if own else calendar.as_of
        created = min(calendar.at(project.life[0]), first) - dice.seconds(120, 5400)
        if project.life[0] == 0:
            created -= dice.between(DAY, 200 * DAY)
        # It changes right after its latest job was submitted.
        changed = min((own[-1].submitted if own else created) + dice.seconds(1, 4), calendar.as_of)
        record = {"id": project.id, "name": project.name}
        record |= {"created_at": spell(created), "updated_at": spell(changed)}
        if not dice.chance(10):
            record["team_name"] = project.team
        rows.append(record | {"latest_job": records[own[-1].id] if own else None})
    return sorted(rows, key=lambda row: row["created_at"], reverse=True)


def log_lines(job: Job, window: tuple[int, int], as_of: int) -> list[Record]:
    """Tell what the leader of a job wrote in a window of epoch milliseconds, oldest first."""
    start, end = window
    if not 0 <= end - start <= 7 * DAY:
        raise ArgumentError(f"logs are given for 0 to 7 days, not {(end - start) / DAY:g}")
    lines = sorted(_lines(job, as_of), key=lambda line: line[0]) if job.ran(as_of) else []
    origin = {"replica": node_name(job, 0), "request_id": None}
    return [
        {"timestamp": str(moment), "message": message, **origin, "level": level}
        for moment, level, message in lines
        if start <= moment // _NS_PER_MS <= end
    ]


def _lines(job: Job, as_of: int) -> Iterator[tuple[int, str | None, str]]:
    """Yield when, in nanoseconds, on which level, and what a job writes."""
    dice, began, over = Dice("logs", job.id), job.started * _NS_PER_MS, job.ended * _NS_PER_MS
    hardware = f"{job.gpus} GPUs" if job.gpus else f"{job.instance.millicpu_limit // 1000} CPUs"
    names = " ".join(node_name(job, number) for number in range(job.nodes))
    yield began, "INFO", f"starting on {names}: {hardware}"
    if job.gpus:
        yield began + 1, "INFO", f"loading {job.project.habits['repo']}"
    if job.quirk in TABLES["warnings"]:
        moment = job.busy_until if job.busy_until < job.ended else job.started
        yield moment * _NS_PER_MS + 2, "WARNING", TABLES["warnings"][job.quirk]
    first, last = job.started + job.loading, min(job.busy_until, as_of)
    loss, step = dice.between(18_000, 32_000), dice.between(5, 60)
    for number in range(1, _PROGRESS_LINES if last - first > 300 * SECOND else 0):
        moment = first + (last - first) * number // _PROGRESS_LINES
        loss = loss * dice.between(88, 99) // 100
        text = f"step {number * step}: loss {loss / 10_000:.4f}"
        yield moment * _NS_PER_MS, None, text if job.gpus else f"{number * step} files done"
    if job.outcome == "completed" and job.ended <= as_of:
        yield over, "INFO", "finished"
    if job.outcome == "failed" and job.ended <= as_of and job.message:
        *trace, error = job.message.splitlines()
        yield from ((over + number, None, text) for number, text in enumerate(trace))
        yield over + len(trace), "ERROR", error


def checkpoint_records(job: Job, as_of: int) -> list[Record]:
    """Tell which checkpoints a job has, oldest first."""
    kind, dice = KINDS[job.project.kind], Dice("checkpoints", job.id)
    steps, rank, is_lora = 50 * dice.between(1, 20), dice.pick((8, 16, 64)), kind["saves"] == "lora"
    mib = rank * 21 if is_lora else dice.between(8000, 18_000) * max(job.gpus, 2)
    adapter = {"r": rank, "lora_alpha": 2 * rank, "target_modules": "all-linear"}
    saved = [moment for moment in job.checkpoints if moment <= as_of]
    syncing = len(saved) if job.synced > as_of else 0
    return [
        {
            "checkpoint_id": f"checkpoint-{number * steps}",
            "created_at": spell(moment),
            "checkpoint_type": kind["saves"],
            "base_model": job.project.habits["repo"] if kind["base"] else None,
            "lora_adapter_config": adapter if is_lora else None,
            "size_bytes": mib * MIB + dice.below(MIB),
            "sync_status": "SYNCING" if number == syncing else "COMPLETE",
            "training_job_id": job.id,
        }
        for number, moment in enumerate(saved, 1)
    ]
