"""The made-up organisation as files: the API's answers where there is one, tables of a job each."""

import json
import os
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from trainview.files.atomic import making_folder, replacing
from trainview.sampling.clock import DAY, MINUTE, milliseconds
from trainview.sampling.fleet import Fleet, sample_fleet
from trainview.tables.checkpoints import read_checkpoints
from trainview.tables.combining import combine
from trainview.tables.logs import read_logs
from trainview.tables.metrics import read_metrics
from trainview.tables.queue import read_queue

Contents: TypeAlias = dict[str, Callable[[], Any]]

STEP_SECONDS = 1800


def write_sample(
    folder: str | os.PathLike[str],
    fleet: Fleet | None = None,
    *,
    only_lists: bool = False,
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
    contents: Contents = {
        f"{key}.json": partial(dict, {key: fleet.payload[key]})
        for key in ("training_projects", "training_jobs")
    }
    if not only_lists:
        contents |= _answers(fleet) | _tables(fleet)
    with making_folder(folder) as place:
        files = [place / name for name in contents]
        with replacing(files, force=force) as temporary:
            for path, content in zip(temporary, contents.values(), strict=True):
                _write(path, content())
    return files


def _answers(fleet: Fleet) -> Contents:
    answers: Contents = {
        "instance_type_prices.json": fleet.instance_type_prices,
        "training_capacity.json": fleet.training_capacity,
    }
    end = datetime.fromisoformat(fleet.payload["trainview"]["as_of"])
    # The API bills nothing before 2026.
    month = datetime.fromisoformat("2026-01-01T00:00:00Z")
    first = fleet.truth["submitted_at"].min()
    while month < end:
        following = (month + timedelta(days=31)).replace(day=1)
        if first < following:
            bill = partial(fleet.usage_summary, month, min(following, end))
            answers[f"usage_summary_{month:%Y-%m}.json"] = bill
        month = following
    return answers


def _tables(fleet: Fleet) -> Contents:
    # The order in which the API lists jobs is newest first.
    jobs = fleet.payload["training_jobs"][::-1]
    ids = [job["id"] for job in jobs]
    failed = [job for job in jobs if job["current_status"].endswith("FAILED")]

    @cache
    def queues() -> list[tuple[pa.Table, pa.Table]]:
        contexts = filter(None, map(fleet.queue_context, ids))
        return [read_queue(_encoded(context)) for context in contexts]

    parts: dict[str, Callable[[], Iterable[pa.Table]]] = {
        "queue": lambda: (waits for waits, _ in queues()),
        "status_events": lambda: (events for _, events in queues()),
        "checkpoints": lambda: (read_checkpoints(_encoded(fleet.checkpoints(id_))) for id_ in ids),
        "logs": lambda: (read_logs(_encoded(_last_logs(fleet, job)), job["id"]) for job in failed),
        "metrics": lambda: (
            read_metrics(_encoded(fleet.job_metrics(id_, step_seconds=STEP_SECONDS)), id_)
            for id_ in ids
        ),
    }
    return {f"{name}.parquet": partial(_combined, name, part) for name, part in parts.items()}


def _combined(name: str, part: Callable[[], Iterable[pa.Table]]) -> pa.Table:
    return combine(name, [table for table in part() if table.num_rows])


def _last_logs(fleet: Fleet, job: dict[str, Any]) -> dict[str, Any]:
    submitted, changed = (
        milliseconds(datetime.fromisoformat(job[key])) for key in ("created_at", "updated_at")
    )
    end = changed + 5 * MINUTE
    start = max(submitted, end - 7 * DAY)
    return fleet.job_logs(job["id"], start, end, limit=20, direction="desc")


def _encoded(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode()


def _write(path: Path, content: Any) -> None:
    if isinstance(content, pa.Table):
        pq.write_table(content, path, compression="zstd")
        return
    members = (f"{json.dumps(key)}: {_lines(value)}" for key, value in content.items())
    path.write_text("{" + ",\n".join(members) + "}\n", encoding="utf-8", newline="\n")


def _lines(value: Any) -> str:
    """Write each record of a list on a line of its own."""
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in value) + "\n]"
