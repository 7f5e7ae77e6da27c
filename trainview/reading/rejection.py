"""Records that do not fit, left out one by one instead of the whole payload."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from trainview.reading.blocks import LISTS
from trainview.reading.json_text import Part, elements, members
from trainview.reading.validation import find_fault
from trainview.text.safe import safe_text


class Rejection(NamedTuple):
    """A record that was left out.

    Attributes
    ----------
    source : str
        The file, or what else it came in.
    path : str or None
        Where it stood in it; None where all of it was left out.
    job_id, project_id : str or None
        What it is about, where it says so.
    reason : str
        What is wrong with it.
    """

    source: str
    path: str | None
    job_id: str | None
    project_id: str | None
    reason: str


def about(value: Any, path: str) -> tuple[str | None, str | None]:
    """Tell which job and project a record is about, as far as it says.

    Parameters
    ----------
    value : object
        The record.
    path : str
        Where it stood.

    Returns
    -------
    job_id, project_id : str or None
        None where it does not say.
    """

    def get(*keys: str) -> str | None:
        found = value
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return safe_text(found, 128) if isinstance(found, str) else None

    if path.startswith("training_projects"):
        return get("latest_job", "id"), get("id")
    if path.startswith("training_jobs"):
        return get("id"), get("training_project_id") or get("training_project", "id")
    return get("training_job_id") or get("billable_resource", "id") or get("job_id"), None


def without_bad_records(text: str, name: str) -> tuple[str, list[Rejection]]:
    """Leave the projects and jobs out that do not fit the schema.

    Parameters
    ----------
    text : str
        An answer that lists projects or jobs, perhaps cut off.
    name : str
        What it is called.

    Returns
    -------
    text : str
        The answer without them.
    rejections : list of Rejection
        One for each; where the text stops being JSON, one for the rest of it.
    """
    rejections: list[Rejection] = []
    kept = list(_others(text))
    for key in LISTS:
        start = re.search(rf'"{key}"\s*:\s*(?=\[)', text)
        if start is not None:
            good = ", ".join(_good(text[start.end() :], key, name, rejections))
            kept.append(f'"{key}": [{good}]')
    return f"{{{', '.join(kept)}}}", rejections


def _others(text: str) -> Iterator[str]:
    try:
        for member in members(text):
            if member.key not in LISTS and member.key in {"trainview", "training_project"}:
                yield f'"{member.key}": {member.text}'
    except ValueError:
        return


def _good(text: str, key: str, name: str, rejections: list[Rejection]) -> Iterator[str]:
    index = -1
    try:
        for element in elements(text):
            index = int(element.key)
            fault = _fault(element, key)
            if fault is None:
                yield element.text
            else:
                path, _, reason = fault.partition(": ")
                place = f"{key}[{index}]"
                path = path.replace(f"{key}[0]", place, 1)
                ids = about(element.value, place)
                rejections.append(Rejection(name, path if reason else place, *ids, reason or fault))
    except ValueError as error:
        reason = f"{safe_text(error, 200)}: was it cut off? Nothing behind it was read"
        rejections.append(Rejection(name, f"{key}[{index + 1}]", None, None, reason))


def _fault(element: Part, key: str) -> str | None:
    return find_fault(f'{{"{key}": [{element.text}]}}'.encode("utf-8", "surrogatepass"))
