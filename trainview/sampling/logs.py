"""What jobs write into their logs: a few lines, and in the end what they died of."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from trainview.errors import ArgumentError
from trainview.sampling.arguments import one_of, whole
from trainview.sampling.causes import FAILURES
from trainview.sampling.courses import EPOCH, FOREVER, Course, node_names
from trainview.sampling.dice import stream
from trainview.sampling.organisation import Job
from trainview.sampling.records import Record, api_status

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
DIRECTIONS = ("asc", "desc")
LONGEST_MS = 7 * 86_400_000
MOST_LINES = 1000
_DEFAULT_MS = 30 * 60_000
_MILLISECOND = timedelta(milliseconds=1)
_NS_PER_SECOND = 1_000_000_000
_NS_PER_MS = 1_000_000
_PROGRESS_LINES = 12


class Asked(NamedTuple):
    """Which lines are asked for: between two epoch milliseconds, so severe, so many."""

    start_ms: int | None
    end_ms: int | None
    limit: int
    direction: str
    min_level: str | None


class _Line(NamedTuple):
    nanoseconds: int
    level: str | None
    message: str


def logs_record(
    job: Job, course: Course | None, record: Record, asked: Asked, as_of: datetime
) -> dict[str, Any]:
    """Tell what the leader of a job wrote in a window, ends included."""
    start, end = _window(asked, as_of)
    lines = (
        []
        if course is None
        else sorted(_lines(job, course, record), key=lambda line: line.nanoseconds)
    )
    lines = [line for line in lines if start <= line.nanoseconds <= end]
    if asked.min_level is not None:
        least = LEVELS.index(one_of("min_level", asked.min_level, LEVELS))
        severe = LEVELS[least:]
        lines = [line for line in lines if line.level in severe]
    if one_of("direction", asked.direction, DIRECTIONS) == "desc":
        lines.reverse()
    return {
        "logs": [
            {
                "timestamp": str(line.nanoseconds),
                "message": line.message,
                "replica": node_names(job)[0],
                "request_id": None,
                "level": line.level,
            }
            for line in lines[: whole("limit", asked.limit, least=1, most=MOST_LINES)]
        ]
    }


def _window(asked: Asked, as_of: datetime) -> tuple[int, int]:
    """Tell the window in nanoseconds: by default half an hour, up to now."""
    end = (as_of - EPOCH) // _MILLISECOND if asked.end_ms is None else asked.end_ms
    start = end - _DEFAULT_MS if asked.start_ms is None else asked.start_ms
    if not 0 <= end - start <= LONGEST_MS:
        raise ArgumentError(f"logs are given for 0 to 7 days: got {start} to {end} ms")
    return start * _NS_PER_MS, end * _NS_PER_MS + _NS_PER_MS - 1


def _lines(job: Job, course: Course, record: Record) -> Iterator[_Line]:
    dice = stream("logs", job.id)
    began = course.began * _NS_PER_SECOND
    hardware = f"{job.gpus} GPUs" if job.gpus else f"{job.instance.vcpu} CPUs"
    yield _Line(began, "INFO", f"starting on {' '.join(node_names(job))}: {hardware}")
    if job.gpus:
        yield _Line(
            began + dice.below(_NS_PER_SECOND), "INFO", f"loading {job.project.habits['repo']}"
        )
    if course.twist.says and course.twist.quiet_from == FOREVER:
        yield _Line(began + _NS_PER_SECOND, "WARNING", course.twist.says)
    yield from _progress(job, course)
    if course.twist.says and course.twist.quiet_from < course.life:
        yield _Line(course.busy_until * _NS_PER_SECOND, "WARNING", course.twist.says)
    over = course.over * _NS_PER_SECOND
    if record["current_status"] == api_status("completed"):
        yield _Line(over, "INFO", "finished")
    if record["current_status"] == api_status("failed") and record["error_message"]:
        *trace, error = record["error_message"].splitlines()
        for number, text in enumerate(trace):
            yield _Line(over + number, None, text)
        yield _Line(over + len(trace), "ERROR", error)


def _progress(job: Job, course: Course) -> Iterator[_Line]:
    """Tell from time to time how far it is; lines that a program prints have no level."""
    first, last = course.began + course.loading, course.busy_until
    failed_early = job.outcome == "failed" and FAILURES[job.cause or "silent"].when == "boot"
    if failed_early or last - first < _PROGRESS_LINES:
        return
    dice = stream("progress", job.id)
    loss, step = dice.between(18_000, 32_000), dice.between(5, 60)
    for number in range(1, _PROGRESS_LINES):
        second = first + (last - first) * number // _PROGRESS_LINES
        loss = loss * dice.between(88, 99) // 100
        text = f"step {number * step}: loss {loss // 10_000}.{loss % 10_000:04d}"
        if not job.gpus:
            text = f"{number * step} files done"
        yield _Line(second * _NS_PER_SECOND + dice.below(_NS_PER_SECOND), None, text)
