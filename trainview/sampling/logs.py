"""What jobs leave behind while they run: lines in their logs, and checkpoints."""

from collections.abc import Iterator

from trainview.errors import ArgumentError
from trainview.sampling.catalogue import KINDS
from trainview.sampling.clock import DAY, SECOND, spell
from trainview.sampling.dice import Dice
from trainview.sampling.jobs import Job
from trainview.sampling.metrics import MIB, node_name
from trainview.sampling.records import Record

_PROGRESS_LINES = 12
_NS_PER_MS = 1_000_000
_WARNINGS = {
    "one gpu": "world size 1, more GPUs visible",
    "idle node": "going on without the last node, which did not join",
    "hung": "no batch from the data loader for 600 s",
    "idle half": "early stop on all ranks, waiting for rank 0",
}


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
    if job.quirk in _WARNINGS:
        moment = job.busy_until if job.busy_until < job.ended else job.started
        yield moment * _NS_PER_MS + 2, "WARNING", _WARNINGS[job.quirk]
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
