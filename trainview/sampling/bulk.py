"""Very many projects, fast: believable records, each with ids, a name and times of its own."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from trainview.sampling.dice import Dice
from trainview.sampling.organisation import identifiers
from trainview.sampling.records import spell
from trainview.statuses import status_of

_ROWS_PER_CHUNK = 2000
# Stands in for what varies; no text of the pool holds this character.
_HOLE = "\x00"


class _Template(NamedTuple):
    """A project record with holes, and what its times are relative to."""

    text: str
    created: datetime
    submitted: datetime
    updated: datetime
    is_open: bool


def project_chunks(pool: dict[str, Any], projects: int, seed: int) -> Iterator[bytes]:
    """Yield the bytes of a list-projects answer, one project a line, each with a latest job.

    Parameters
    ----------
    pool : dict
        A payload of `sample` whose jobs are varied.
    projects : int
        How many projects the answer has.
    seed : int
        Equal seeds give equal bytes.

    Yields
    ------
    bytes
        UTF-8, in pieces of a few thousand projects.
    """
    dice = Dice(seed)
    ids = identifiers(dice)
    by_id = {project["id"]: project for project in pool["training_projects"]}
    templates = [_template(by_id[job["training_project_id"]], job) for job in pool["training_jobs"]]
    yield b'{"training_projects": [\n'
    for first in range(0, projects, _ROWS_PER_CHUNK):
        last = min(first + _ROWS_PER_CHUNK, projects)
        rows = [_row(dice, dice.pick(templates), ids, number) for number in range(first, last)]
        yield (",\n".join(rows) + (",\n" if last < projects else "\n")).encode()
    yield b"]}\n"


def _template(project: dict[str, Any], job: dict[str, Any]) -> _Template:
    times = {"created_at": _HOLE, "updated_at": _HOLE}
    ids = {"id": _HOLE, "training_project_id": _HOLE}
    name = project["name"] + _HOLE
    latest = job | times | ids | {"training_project": {"id": _HOLE, "name": name}}
    record = project | times | {"id": _HOLE, "name": name, "latest_job": latest}
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return _Template(
        text.replace("%", "%%").replace(json.dumps(_HOLE)[1:-1], "%s"),
        datetime.fromisoformat(project["created_at"]),
        datetime.fromisoformat(job["created_at"]),
        datetime.fromisoformat(job["updated_at"]),
        not status_of(job["current_status"]).terminal,
    )


def _row(dice: Dice, template: _Template, ids: Iterator[str], number: int) -> str:
    # An open job keeps its age, or it would seem stuck.
    back = timedelta(milliseconds=dice.below(60_000 if template.is_open else 30 * 86_400_000))
    project_id, suffix = next(ids), f"-{number:07d}"
    submitted = spell(template.submitted - back, "milliseconds")
    return template.text % (
        project_id,
        suffix,
        spell(template.created - back, "milliseconds"),
        submitted,
        next(ids),
        submitted,
        spell(template.updated - back, "milliseconds"),
        project_id,
        project_id,
        suffix,
    )
