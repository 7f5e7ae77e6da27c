"""What the cache of a project holds."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trainview.reading.rejection import Rejection
from trainview.reading.times import parse_time, parse_times
from trainview.schema import CACHE_ANSWER
from trainview.tables.answers import read_answer, to_table


def read_cache(
    payload: bytes, name: str = "payload", *, rejected: list[Rejection] | None = None
) -> pa.Table:
    """Read the summary of a project's cache.

    Parameters
    ----------
    payload : bytes
        What ``GET /v1/training_projects/{project_id}/cache/summary`` answers.
    name : str, optional
        What the payload is called in error messages.
    rejected : list of Rejection, optional
        If given, records that do not fit are left out, and noted here.

    Returns
    -------
    pyarrow.Table
        The table ``caches``: one row a file or directory, or one without a path for an empty cache.

    Raises
    ------
    PayloadError
        If the payload is not what the API documents; with the path to the first fault.
    """
    answer = read_answer(payload, CACHE_ANSWER, name, rejected)
    files = answer["file_summaries"] or [{"path": None, "size_bytes": 0}]
    [captured_at] = _times([answer.get("timestamp")])
    modified = _times([file.get("modified") for file in files])
    same = {"project_id": answer["project_id"], "captured_at": captured_at}
    return to_table(
        "caches",
        (file | same | {"modified_at": at} for file, at in zip(files, modified, strict=True)),
    )


def newest_summaries(parts: Sequence[pa.Table]) -> list[pa.Table]:
    """Keep of each project the newest summary, whole: a file that it lacks is gone.

    Parameters
    ----------
    parts : sequence of pyarrow.Table
        With the columns of the table ``caches``, the oldest first.

    Returns
    -------
    list of pyarrow.Table
        The same parts, each with the projects of which it tells the newest.
    """
    newest: dict[Any, tuple[int, int]] = {}
    for number, part in enumerate(parts):
        moments = part.group_by("project_id").aggregate([("captured_at", "max")])
        times = moments["captured_at_max"].cast(pa.int64()).fill_null(-(2**63)).to_pylist()
        for project, time in zip(moments["project_id"].to_pylist(), times, strict=True):
            newest[project] = max(newest.get(project, (time, number)), (time, number))
    return [
        part.filter(
            pc.is_in(
                part["project_id"],
                value_set=pa.array(
                    [project for project, (_, of) in newest.items() if of == number], pa.string()
                ),
            )
        )
        for number, part in enumerate(parts)
    ]


def _times(texts: list[str | None]) -> list[str | None]:
    """Make null of what is no time with a zone."""
    try:
        parse_times(pa.array(texts, pa.string()))
    except pa.ArrowInvalid:
        return [text if text is not None and _is_time(text) else None for text in texts]
    return texts


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except ValueError:
        return False
    return True
