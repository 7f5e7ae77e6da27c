"""What jobs write into their logs: a few lines, and in the end why they failed."""

from collections.abc import Iterator
from typing import Any

from trainview.errors import ArgumentError
from trainview.sampling.clock import DAY, SECOND
from trainview.sampling.dice import Dice
from trainview.sampling.jobs import Job
from trainview.sampling.metrics import node_name

_PROGRESS_LINES = 12
_NS_PER_MS = 1_000_000
_WARNINGS = {
    "one gpu": "world size 1, more GPUs visible",
    "idle node": "going on without the last node, which did not join",
    "hung": "no batch from the data loader for 600 s",
    "idle half": "early stop on all ranks, waiting for rank 0",
}

# In nanoseconds: when; level; message.
Line = tuple[int, str | None, str]


def log_lines(job: Job, window: tuple[int, int], as_of: int) -> list[dict[str, Any]]:
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


def _lines(job: Job, as_of: int) -> Iterator[Line]:
    dice = Dice("logs", job.id)
    began = job.started * _NS_PER_MS
    hardware = f"{job.gpus} GPUs" if job.gpus else f"{job.instance.vcpu} CPUs"
    names = " ".join(node_name(job, number) for number in range(job.nodes))
    yield began, "INFO", f"starting on {names}: {hardware}"
    if job.gpus:
        yield began + 1, "INFO", f"loading {job.project.habits['repo']}"
    if job.quirk in _WARNINGS:
        moment = job.busy_until if job.busy_until < job.ended else job.started
        yield moment * _NS_PER_MS + 2, "WARNING", _WARNINGS[job.quirk]
    first, last = job.started + job.loading, min(job.busy_until, as_of)
    loss, step = dice.between(18_000, 32_000), dice.between(5, 60)
    is_long = last - first > 300 * SECOND
    for number in range(1, _PROGRESS_LINES if is_long else 0):
        moment = first + (last - first) * number // _PROGRESS_LINES
        loss = loss * dice.between(88, 99) // 100
        text = f"step {number * step}: loss {loss / 10_000:.4f}"
        yield moment * _NS_PER_MS, None, text if job.gpus else f"{number * step} files done"
    if job.ended > as_of:
        return
    over = job.ended * _NS_PER_MS
    if job.outcome == "completed":
        yield over, "INFO", "finished"
    if job.outcome == "failed" and job.message:
        *trace, error = job.message.splitlines()
        for number, text in enumerate(trace):
            yield over + number, None, text
        yield over + len(trace), "ERROR", error
