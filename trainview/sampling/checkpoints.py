"""What jobs save while they train."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from trainview.sampling.courses import Course
from trainview.sampling.dice import stream
from trainview.sampling.organisation import Job
from trainview.sampling.records import Record, spell

_MIB = 1 << 20
# A job keeps its last checkpoints only.
_KEPT = 12
# Of projects that tune a few weights of a given model; the others save a model as a whole.
_ADAPTERS = frozenset({"lora", "vision"})
# They train from scratch.
_NO_BASE = frozenset({"pretrain", "blackwell", "small"})
_SAVE_NOTHING = frozenset({"cpu", "nightly"})


def checkpoints_record(
    job: Job, course: Course | None, record: Record, as_of: datetime
) -> dict[str, Any]:
    """Tell which checkpoints a job has, oldest first."""
    saved = [] if course is None else [*_checkpoints(job, course, as_of)][-_KEPT:]
    if saved and record.get("checkpoint_sync_status") == "SYNCING":
        saved[-1]["sync_status"] = "SYNCING"
    return {"training_job": record, "checkpoints": saved}


def _checkpoints(job: Job, course: Course, as_of: datetime) -> Iterator[dict[str, Any]]:
    kind = job.project.kind
    if kind in _SAVE_NOTHING:
        return
    dice = stream("checkpoints", job.id)
    interval = dice.between(1200, 5400)
    steps = 50 * dice.between(1, 20)
    is_adapter = kind in _ADAPTERS
    rank = dice.pick((8, 16, 64))
    mib = rank * 21 if is_adapter else dice.between(8000, 18_000) * max(job.gpus, 2)
    for number, second in enumerate(_saves(job, course, interval, as_of), 1):
        yield {
            "checkpoint_id": f"checkpoint-{number * steps}",
            "created_at": spell(datetime.fromtimestamp(second, UTC), "milliseconds"),
            "checkpoint_type": "lora" if is_adapter else "full",
            "base_model": None if kind in _NO_BASE else job.project.habits["repo"],
            "lora_adapter_config": _adapter(rank) if is_adapter else None,
            "size_bytes": mib * _MIB + dice.below(_MIB),
            "sync_status": "COMPLETE",
            "training_job_id": job.id,
        }


def _saves(job: Job, course: Course, interval: int, as_of: datetime) -> Iterator[int]:
    yield from range(course.began + course.loading + interval, course.busy_until, interval)
    if job.outcome == "completed" and job.ended <= as_of:
        yield course.over


def _adapter(rank: int) -> dict[str, Any]:
    return {"r": rank, "lora_alpha": 2 * rank, "lora_dropout": 0.05, "target_modules": "all-linear"}
