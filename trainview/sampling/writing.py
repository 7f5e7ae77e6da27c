"""The made-up organisation as files: the API's answers where there is one, tables of a job each."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from trainview.files.atomic import making_folder, replacing
from trainview.sampling.fleet import Fleet, sample_fleet
from trainview.tables.checkpoints import read_checkpoints
from trainview.tables.combining import combine
from trainview.tables.logs import read_logs
from trainview.tables.metrics import read_metrics
from trainview.tables.queue import read_queue

Writer: TypeAlias = Callable[[Path], object]

STEP_SECONDS = 1800
# In milliseconds: what the API gives in one call, and how much later the last lines may come.
_LONGEST_LOG, _LATE_LINES = 7 * 86_400_000, 300_000
_FIRST_BILLED = "2026-01-01T00:00:00Z"


def write_sample(
    folder: str | os.PathLike[str],
    fleet: Fleet | None = None,
    *,
    only_lists: bool = False,
    step_seconds: int = STEP_SECONDS,
    force: bool = False,
) -> list[Path]:
    """Write what the API answers about an organisation, so that `trainview.load` reads it.

    What the API tells in one answer is written as that, one record a line; what it tells job by
    job, as Parquet tables.

    Parameters
    ----------
    folder : path
        Made if it is missing.
    fleet : Fleet, optional
        What `sample_fleet` gave; its defaults when left out.
    only_lists : bool, optional
        Whether to write the lists of projects and jobs alone.
    step_seconds : int, optional
        The time between two samples of a metric.
    force : bool
        Whether files that exist may be replaced.

    Returns
    -------
    list of pathlib.Path
        The files.

    Raises
    ------
    OutputError
        If a file exists and `force` is false, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_sample(folder, sample_fleet(projects=2), only_lists=True)
    >>> [file.name for file in files]
    ['training_projects.json', 'training_jobs.json']
    """
    fleet = sample_fleet() if fleet is None else fleet
    writers = dict(_lists(fleet))
    if not only_lists:
        writers |= dict(_answers(fleet)) | dict(_tables(fleet, step_seconds))
    with making_folder(folder) as place:
        files = [place / name for name in writers]
        with replacing(files, force=force) as temporary:
            for path, write in zip(temporary, writers.values(), strict=True):
                write(path)
    return files


def _lists(fleet: Fleet) -> Iterator[tuple[str, Writer]]:
    for key in ("training_projects", "training_jobs"):
        yield f"{key}.json", _answer({key: fleet.payload[key]})


def _answers(fleet: Fleet) -> Iterator[tuple[str, Writer]]:
    yield "instance_type_prices.json", _answer(fleet.instance_type_prices())
    yield "training_capacity.json", _answer(fleet.training_capacity())
    end = datetime.fromisoformat(fleet.payload["trainview"]["as_of"])
    month = max(datetime.fromisoformat(_FIRST_BILLED), _first_job(fleet)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    while month < end:
        following = (month + timedelta(days=31)).replace(day=1)
        bill = fleet.usage_summary(month, min(following - timedelta(seconds=1), end))
        yield f"usage_summary_{month:%Y-%m}.json", _answer(bill)
        month = following


def _answer(answer: dict[str, Any]) -> Writer:
    """Write an answer, each record of its lists on a line of its own."""
    members = (f"{json.dumps(key)}: {_lines(value)}" for key, value in answer.items())
    text = "{" + ",\n".join(members) + "}\n"
    return lambda path: path.write_text(text, encoding="utf-8", newline="\n")


def _lines(value: Any) -> str:
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in value) + "\n]"


def _first_job(fleet: Fleet) -> datetime:
    times = [datetime.fromisoformat(job["created_at"]) for job in fleet.payload["training_jobs"]]
    return min(times, default=datetime.fromisoformat(_FIRST_BILLED))


def _tables(fleet: Fleet, step_seconds: int) -> Iterator[tuple[str, Writer]]:
    # the order in which the API lists jobs is newest first
    jobs = fleet.payload["training_jobs"][::-1]
    contexts = [
        read_queue(json.dumps(context).encode())
        for context in (fleet.queue_context(job["id"]) for job in jobs)
        if context is not None
    ]
    parts = {
        "queue": [queue for queue, _ in contexts],
        "status_events": [events for _, events in contexts],
        "checkpoints": [
            read_checkpoints(json.dumps(fleet.checkpoints(job["id"])).encode()) for job in jobs
        ],
        "logs": [
            read_logs(json.dumps(_last_logs(fleet, job)).encode(), job["id"])
            for job in jobs
            if job["current_status"].endswith("FAILED")
        ],
    }
    for name, found in parts.items():
        yield f"{name}.parquet", partial(_write_table, combine(name, found))
    yield "metrics.parquet", partial(_write_metrics, fleet, jobs, step_seconds)


def _last_logs(fleet: Fleet, job: dict[str, Any]) -> dict[str, Any]:
    submitted, changed = (
        round(datetime.fromisoformat(job[key]).timestamp() * 1000)
        for key in ("created_at", "updated_at")
    )
    end = changed + _LATE_LINES
    start = max(submitted, end - _LONGEST_LOG)
    return fleet.job_logs(job["id"], start, end, limit=20, direction="desc")


def _write_table(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


def _write_metrics(fleet: Fleet, jobs: list[dict[str, Any]], step: int, path: Path) -> None:
    parts = (
        read_metrics(
            json.dumps(fleet.job_metrics(job["id"], step_seconds=step)).encode(), job["id"]
        )
        for job in jobs
    )
    _write_table(combine("metrics", [part for part in parts if part.num_rows]), path)
