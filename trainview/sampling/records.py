"""Projects, jobs, and what belongs to each as the API tells it: one dict a record."""

from collections.abc import Iterable, Iterator

from trainview.errors import ArgumentError
from trainview.sampling.dice import DAY, SECOND, Dice, spell
from trainview.sampling.organisation import KINDS, MIB, TABLES, Files, Job, Project, Record
from trainview.statuses import API_PREFIX

_NS_PER_MS = 1_000_000
_FILE = ("path", "size_bytes", "modified", "file_type", "permissions")


def api_status(label: str) -> str:
    """Write a status as the API does."""
    return API_PREFIX + label.upper().replace("-", "_")


def job_record(job: Job, used: dict[str, Record]) -> Record:
    """Tell about a job; `used` says how full the pools of GPUs are."""
    as_of, message = job.project.as_of, None
    status, updated = job.state(as_of)
    if status == job.outcome:
        message, updated = job.message, min(job.synced, as_of)
    elif status == "pending" and job.instance.gpu_type is not None:
        message = TABLES["endings"]["pending"].format_map(used[job.instance.gpu_type])
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
        **_newer_fields(job, status),
    }


def _newer_fields(job: Job, status: str) -> Record:
    # The reference page has none of them; what is absent means one node, dedicated, priority 0.
    shape = Dice("fields", job.id).weighted(((7, "full"), (2, "reference page"), (1, "nulls")))
    if shape != "full" and (job.nodes, job.spot, job.priority) == (1, False, 0):
        return {} if shape == "reference page" else {"checkpoint_sync_status": None, "user": None}
    synced = "SYNCING" if status == "running" or job.synced > job.project.as_of else "COMPLETED"
    return {
        "checkpoint_sync_status": synced if job.checkpoints else None,
        "priority": job.priority,
        "availability_model": "spot" if job.spot else "dedicated",
        "user": {"email": f"{job.user}@example.com"},
        "node_count": job.nodes,
    }


def project_record(project: Project, jobs: list[Job], records: dict[str, Record]) -> Record:
    """Tell about a project, with the latest of its ordered jobs."""
    dice, as_of = Dice("project", project.id), project.as_of
    first, last = (jobs[0].submitted, jobs[-1].submitted) if jobs else (as_of, None)
    created = min(project.life[0], first) - dice.seconds(120, 5400)
    if project.life[0] == project.start:
        created -= dice.between(DAY, 200 * DAY)
    # It changes right after its latest job was submitted.
    changed = min((created if last is None else last) + dice.seconds(1, 4), as_of)
    record = {"id": project.id, "name": project.name}
    record |= {"created_at": spell(created), "updated_at": spell(changed)}
    if not dice.chance(10):
        record["team_name"] = project.team
    return record | {"latest_job": records[jobs[-1].id] if jobs else None}


def log_lines(job: Job, start: int, end: int) -> list[Record]:
    """Tell what the leader of a job wrote in a window of epoch milliseconds, oldest first."""
    if not 0 <= end - start <= 7 * DAY:
        raise ArgumentError(f"logs are given for 0 to 7 days, not {(end - start) / DAY:g}")
    lines = sorted(_lines(job), key=lambda line: line[0]) if job.ran else []
    origin = {"replica": job.node_names[0], "request_id": None}
    return [
        {"timestamp": str(moment), "message": message, **origin, "level": level}
        for moment, level, message in lines
        if start <= moment // _NS_PER_MS <= end
    ]


def _lines(job: Job) -> Iterator[tuple[int, str | None, str]]:
    """Yield when, in nanoseconds, on which level, and what a job writes."""
    dice, as_of = Dice("logs", job.id), job.project.as_of
    began, over = job.started * _NS_PER_MS, job.ended * _NS_PER_MS
    hardware = f"{job.gpus} GPUs" if job.gpus else f"{job.instance.millicpu_limit // 1000} CPUs"
    yield began, "INFO", f"starting on {' '.join(job.node_names)}: {hardware}"
    if job.gpus:
        yield began + 1, "INFO", f"loading {job.project.habits['repo']}"
    if job.quirk in TABLES["warnings"]:
        moment = job.busy_until if job.busy_until < job.ended else job.started
        yield moment * _NS_PER_MS + 2, "WARNING", TABLES["warnings"][job.quirk]
    first, last = job.started + job.loading, min(job.busy_until, as_of)
    loss, step = dice.between(18_000, 32_000), dice.between(5, 60)
    for number in range(1, 12 if last - first > 300 * SECOND else 0):
        moment = first + (last - first) * number // 12
        loss = loss * dice.between(88, 99) // 100
        text = f"step {number * step}: loss {loss / 10_000:.4f}"
        yield moment * _NS_PER_MS, None, text if job.gpus else f"{number * step} files done"
    if job.ended <= as_of and job.outcome == "completed":
        yield over, "INFO", "finished"
    if job.ended <= as_of and job.outcome == "failed" and job.message:
        *trace, error = job.message.splitlines()
        yield from ((over + number, None, text) for number, text in enumerate(trace))
        yield over + len(trace), "ERROR", error


def checkpoint_records(job: Job) -> list[Record]:
    """Tell which checkpoints a job has, oldest first."""
    kind, dice = KINDS[job.project.kind], Dice("checkpoints", job.id)
    steps, rank, is_lora = 50 * dice.between(1, 20), dice.pick((8, 16, 64)), kind["saves"] == "lora"
    mib = rank * 21 if is_lora else dice.between(8000, 18_000) * max(job.gpus, 2)
    adapter = {"r": rank, "lora_alpha": 2 * rank, "target_modules": "all-linear"}
    saved = [moment for moment in job.checkpoints if moment <= job.project.as_of]
    syncing = len(saved) if job.synced > job.project.as_of else 0
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


def cached_files(project: Project, jobs: Iterable[Job]) -> Files | None:
    """List what jobs left in the cache of their project; None where it has no cache."""
    ran, dice = [job for job in jobs if job.ran], Dice("cache", project.id)
    if not ran or dice.chance(10):
        return None
    files: Files = []
    for path, count, mib, writers, kinds in TABLES["caches"]:
        if project.kind in kinds:
            jobs = [dice.pick(ran) for _ in range(writers)]
            for number in range(dice.between(count // 2, count)):
                job = jobs[number % writers]
                moment = job.started + dice.below(job.loading + 1)
                name = path.format(**project.habits, number=number)
                files.append((moment, name, mib * MIB + dice.below(MIB)))
    return sorted(files)


def cache_record(project_id: str, files: Files, as_of: int) -> Record:
    """Tell what a cache holds: its files, and the folders at its top."""
    newest = {path.partition("/")[0]: moment for moment, path, _ in files}
    found = [(path, size, moment, "file", "-rw-r--r--") for moment, path, size in files]
    found += [(path, 4096, moment, "directory", "drwxr-xr-x") for path, moment in newest.items()]
    rows = [
        dict(zip(_FILE, (path, size, spell(moment, "seconds"), *kind), strict=True))
        for path, size, moment, *kind in sorted(found)
    ]
    return {"timestamp": spell(as_of), "project_id": project_id, "file_summaries": rows}
