"""The made-up organisation as files: the API's answers where there is one, tables of a job each."""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trainview.files.atomic import check_target, making_folder, replacing
from trainview.sampling.dice import DAY, MINUTE, milliseconds, moment
from trainview.sampling.fleet import Fleet
from trainview.tables.caches import read_cache
from trainview.tables.checkpoints import read_checkpoints
from trainview.tables.combining import combine
from trainview.tables.logs import read_logs
from trainview.tables.metrics import read_metrics
from trainview.tables.queue import read_queue

STEP_SECONDS = 1800
_LISTS = ("training_projects", "training_jobs")
_TABLES = ("queue", "status_events", "checkpoints", "caches", "logs", "metrics")


def write_sample(
    folder: str | os.PathLike[str], fleet: Fleet, *, only_lists: bool = False, force: bool = False
) -> list[Path]:
    """Write what the API answers about an organisation, so that `trainview.load` reads it.

    What the API tells in one answer is written as that, one record a line; what it tells job by
    job, as Parquet tables.

    Parameters
    ----------
    folder : path
        Made if it is missing.
    fleet : Fleet
        The organisation.
    only_lists : bool
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
    ...     files = write_sample(folder, Fleet(projects=2), only_lists=True)
    >>> [file.name for file in files]
    ['training_projects.json', 'training_jobs.json']
    """
    with making_folder(folder) as place:
        # Before all the rest is made.
        check_target(place / "training_jobs.json", force=force)
        contents: dict[str, Any] = {f"{key}.json": {key: fleet.payload[key]} for key in _LISTS}
        if not only_lists:
            contents |= _answers(fleet) | _tables(fleet)
        files = [place / name for name in contents]
        with replacing(files, force=force) as temporary:
            for path, content in zip(temporary, contents.values(), strict=True):
                _write(path, content)
    return files


def _answers(fleet: Fleet) -> dict[str, Any]:
    answers = {"instance_type_prices.json": fleet.instance_type_prices()}
    answers["training_capacity.json"] = fleet.training_capacity()
    # The API bills nothing before 2026.
    end = fleet.payload["trainview"]["as_of"]
    for month in pd.date_range("2026-01-01T00:00Z", end, freq="MS", inclusive="left"):
        bill = fleet.usage_summary(month, month + pd.offsets.MonthBegin())
        answers[f"usage_summary_{month:%Y-%m}.json"] = bill
    return answers


def _tables(fleet: Fleet) -> dict[str, pa.Table]:
    """Read what the API tells project by project and job by job."""
    parts: dict[str, list[pa.Table]] = {name: [] for name in _TABLES}
    for project in fleet.payload["training_projects"]:
        if summary := fleet.cache_summary(project["id"]):
            parts["caches"].append(read_cache(_encoded(summary)))
    # The order in which the API lists jobs is newest first.
    for job in reversed(fleet.payload["training_jobs"]):
        id_ = job["id"]
        samples = _encoded(fleet.job_metrics(id_, step_seconds=STEP_SECONDS))
        parts["metrics"].append(read_metrics(samples, id_))
        parts["checkpoints"].append(read_checkpoints(_encoded(fleet.checkpoints(id_))))
        if context := fleet.queue_context(id_):
            queue, events = read_queue(_encoded(context))
            parts["queue"].append(queue)
            parts["status_events"].append(events)
        if job["current_status"].endswith("FAILED"):
            end = milliseconds(moment("updated_at", job["updated_at"])) + 5 * MINUTE
            lines = fleet.job_logs(id_, end - 7 * DAY, end, limit=20, direction="desc")
            parts["logs"].append(read_logs(_encoded(lines), id_))
    return {f"{name}.parquet": combine(name, tables) for name, tables in parts.items()}


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
