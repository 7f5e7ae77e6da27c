"""The made-up organisation as files: the API's answers where there is one, tables of a job each."""

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trainview.files.atomic import check_target, making_folder, replacing
from trainview.sampling.dice import DAY, MINUTE, milliseconds
from trainview.sampling.fleet import Fleet
from trainview.tables.caches import read_cache
from trainview.tables.checkpoints import read_checkpoints
from trainview.tables.combining import combine
from trainview.tables.logs import read_logs
from trainview.tables.metrics import read_metrics
from trainview.tables.queue import read_queue

STEP_SECONDS = 1800
_MONTHS = ("2026-01", "2026-02", "2026-03", "2026-04")
_TABLES = ("queue", "status_events", "checkpoints", "caches", "logs", "metrics")


def write_sample(
    folder: str | os.PathLike[str], fleet: Fleet, *, force: bool = False
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
    ...     files = write_sample(folder, Fleet(projects=2))
    >>> [file.name for file in files[:3]]
    ['training_projects.json', 'training_jobs.json', 'instance_type_prices.json']
    """
    with making_folder(folder) as place:
        # Before all the rest is made.
        check_target(place / "training_jobs.json", force=force)
        contents = _answers(fleet) | _tables(fleet)
        files = [place / name for name in contents]
        with replacing(files, force=force) as temporary:
            for path, content in zip(temporary, contents.values(), strict=True):
                _write(path, content)
    return files


def _answers(fleet: Fleet) -> dict[str, Any]:
    lists = ("training_projects", "training_jobs")
    answers: dict[str, Any] = {f"{name}.json": {name: fleet.payload[name]} for name in lists}
    answers["instance_type_prices.json"] = fleet.instance_type_prices()
    answers["training_capacity.json"] = fleet.training_capacity()
    for month, after in pairwise(_MONTHS):
        bill = fleet.usage_summary(f"{month}-01T00Z", f"{after}-01T00Z")
        answers[f"usage_summary_{month}.json"] = bill
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
            end = milliseconds("updated_at", job["updated_at"]) + 5 * MINUTE
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
