"""What people have in hand, in the form of the API's answers.

Beside the answers themselves: single jobs and projects, with or without an envelope, lists of them,
JSON lines, log lines, and what the vendor's command line writes. Values are handed on as the text
that they stand in, so that whoever reads the answer sees all that is odd about them.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from trainview.errors import PayloadError
from trainview.reading.json_text import Part, documents, elements, members
from trainview.reading.look_alikes import describe_object
from trainview.reading.rejection import Rejection
from trainview.text.safe import safe_text

_LOCAL_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d+)?")
# Keys that stand beside a job in the envelopes that hold no more than that job.
_JOB_KEYS = ("training_job", "job")


class Answer(NamedTuple):
    """An answer in the API's form.

    Attributes
    ----------
    text : str
        The JSON.
    places : dict of str to list of str
        For the lists that were made of single values: where each of these stood.
    place : str
        For an answer that stood whole among others: where that was.
    """

    text: str
    places: dict[str, list[str]]
    place: str = ""

    def locate(self, path: str) -> str:
        """Say of a path, and what may follow it, where it stood instead of where it was put."""

        def replace(match: "re.Match[str]") -> str:
            places = self.places.get(match[1], [])
            return places[int(match[2])] if int(match[2]) < len(places) else match[0]

        found = re.sub(r"\b(training_jobs|training_projects|logs)\[(\d+)\]", replace, path)
        return f"{self.place}.{found}" if self.place else found


def read_documents(text: str, name: str, rejected: list[Rejection] | None = None) -> list[Part]:
    """Parse one JSON document, or several, one after the other.

    Parameters
    ----------
    text : str
        The documents.
    name : str
        What the text is called in error messages.
    rejected : list of Rejection, optional
        If given, lines that are not JSON are left out, and noted here.

    Returns
    -------
    list of Part
        The documents, by their lines.

    Raises
    ------
    PayloadError
        If the text is not JSON.
    """
    try:
        return list(documents(text))
    except json.JSONDecodeError as error:
        at_end = error.pos >= len(error.doc.rstrip())
        hint = "the text ends too early: was it cut off?" if at_end else error.msg
        message = f"not JSON at line {error.lineno}, column {error.colno}: {hint}"
        bad: list[Rejection] = []
        found = [] if rejected is None else list(_good_lines(text.split("\n"), name, bad))
        # an indented document that is cut off has lines that are JSON, but none that is a record
        if rejected is not None and any(_is_ours(part) for part in found):
            rejected += bad
            return found
    except ValueError as error:
        message = safe_text(error, 200)
    raise PayloadError(f"{name}: {message}")


def _good_lines(lines: list[str], name: str, rejected: list[Rejection]) -> Iterator[Part]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            # a list that is cut off may have its elements on lines of their own
            found = list(documents(line.strip().removesuffix(",")))
            yield from (part._replace(key=number) for part in found)
        except ValueError as error:
            reason = f"not JSON: {safe_text(error, 200)}"
            rejected.append(Rejection(name, f"line {number}", None, None, reason))


def _is_ours(part: Part) -> bool:
    values = part.value if isinstance(part.value, list) else [part.value]
    return any(_kind(value) is not None for value in values)


def to_answers(
    parts: list[Part],
    name: str,
    zone: ZoneInfo | None = None,
    rejected: list[Rejection] | None = None,
) -> list[Answer] | None:
    """Give documents the form of answers of the API.

    Parameters
    ----------
    parts : list of Part
        The documents.
    name : str
        What they are called in error messages.
    zone : zoneinfo.ZoneInfo, optional
        Of times that the vendor's command line wrote without one.
    rejected : list of Rejection, optional
        If given, what cannot be told apart is left out, and noted here.

    Returns
    -------
    list of Answer, or None
        None if there is one object that has that form already, or none that is known here.

    Raises
    ------
    PayloadError
        If there is something that cannot be told apart, or local times without ``zone``.

    Examples
    --------
    >>> parts = read_documents('[{"id": "p1", "name": "lora", "created_at": "..."}]', "a.json")
    >>> [answer] = to_answers(parts, "a.json")
    >>> answer.text
    '{"training_projects": [{"id": "p1", "name": "lora", "created_at": "..."}]}'
    >>> answer.places
    {'training_projects': ['[0]']}
    """
    found = _Found(name, zone, rejected)
    for part in parts:
        place = "" if len(parts) == 1 else f"line {part.key}"
        if isinstance(part.value, list):
            for element in elements(part.text):
                found.take(element, f"{place}[{element.key}]")
        elif len(parts) == 1 and not _is_known(part.value):
            return None
        else:
            found.take(part, place)
    return found.answers()


class _Found:
    """The single values that were found, and the whole answers."""

    def __init__(self, name: str, zone: ZoneInfo | None, rejected: list[Rejection] | None) -> None:
        self._name, self._zone, self._rejected = name, zone, rejected
        self._lists: dict[str, list[str]] = {"training_projects": [], "training_jobs": []}
        self._places: dict[str, list[str]] = {key: [] for key in self._lists}
        self._lines: dict[str | None, list[Part]] = {}
        self._whole: list[Answer] = []

    def take(self, part: Part, place: str) -> None:
        """Take a value that may be in an envelope."""
        value, kind = part.value, _kind(part.value)
        if kind == "log line":
            self._line(part.text, _text(value, "job_id"), place)
        elif kind == "logs":
            job_id = _text(value, "job_id") or _text(value.get("training_job"), "id")
            inner = next(member for member in members(part.text) if member.key == "logs")
            for line in elements(inner.text):
                self._line(line.text, job_id, f"{place}.logs[{line.key}]".lstrip("."))
        elif kind == "checkpoints of the command line":
            text = json.dumps(_with_zone(value, self._zone, f"{self._name}: {place}".rstrip(": ")))
            self._whole.append(Answer(text, {}, place))
        elif kind in {"training_jobs", "training_projects"}:
            self._put(kind, part.text, place)
        elif kind == "envelope":
            self._unwrap(part, place)
        elif kind == "answer":
            self._whole.append(Answer(part.text, {}, place))
        elif self._rejected is None:
            raise PayloadError(f"{self._name}: {place or 'top level'}: {_expected(value)}")
        else:
            self._rejected.append(Rejection(self._name, place, None, None, _expected(value)))

    def _unwrap(self, part: Part, place: str) -> None:
        for member in members(part.text):
            inner = f"{place}.{member.key}".lstrip(".")
            if member.key in _JOB_KEYS and isinstance(member.value, dict):
                self._put("training_jobs", member.text, inner)
            elif member.key == "job" and isinstance(member.value, list):
                for element in elements(member.text):
                    self._put("training_jobs", element.text, f"{inner}[{element.key}]")
            elif member.key == "training_project" and _is_project(member.value):
                self._put("training_projects", member.text, inner)

    def _put(self, kind: str, text: str, place: str) -> None:
        self._lists[kind].append(text)
        self._places[kind].append(place or kind.removesuffix("s"))

    def _line(self, text: str, job_id: str | None, place: str) -> None:
        self._lines.setdefault(job_id, []).append(Part(place, None, text))

    def answers(self) -> list[Answer]:
        """Give all that was found."""
        lists = {key: values for key, values in self._lists.items() if values}
        made = []
        if lists:
            body = ", ".join(f'"{key}": [{", ".join(values)}]' for key, values in lists.items())
            made.append(Answer(f"{{{body}}}", {key: self._places[key] for key in lists}))
        for job_id, lines in self._lines.items():
            of = "" if job_id is None else f'"job_id": {json.dumps(job_id)}, '
            body = ", ".join(line.text for line in lines)
            places = [str(line.key) for line in lines]
            made.append(Answer(f'{{{of}"logs": [{body}]}}', {"logs": places}))
        made += self._whole
        if not made and self._rejected:
            first = self._rejected[0]
            raise PayloadError(f"{self._name}: {first.path}: {first.reason}")
        if not made:
            raise PayloadError(f"{self._name}: an empty list: of jobs, projects or log lines?")
        return made


def _is_job(value: dict[str, Any]) -> bool:
    return "current_status" in value and "instance_type" in value


def _is_project(value: Any) -> bool:
    return isinstance(value, dict) and {"id", "name", "created_at"} <= set(value)


def _is_envelope(value: dict[str, Any]) -> bool:
    others = {"per_node_metrics", "checkpoints", "training_jobs", "training_projects"} & set(value)
    if others:
        return False
    job = value.get("job")
    return (
        isinstance(value.get("training_job"), dict)
        or isinstance(job, list)
        or (isinstance(job, dict) and _is_job(job))
        or _is_project(value.get("training_project"))
    )


def _is_listing(value: dict[str, Any]) -> bool:
    found = value.get("checkpoints")
    return isinstance(found, list) and (
        "total_checkpoints" in value
        or any(isinstance(item, dict) and "training_job_id" not in item for item in found)
    )


_ANSWER_KEYS = {
    "training_projects",
    "training_jobs",
    "per_node_metrics",
    "checkpoints",
    "file_summaries",
    "instance_types",
    "gpu_capacities",
    "target_job_id",
    "training_usage",
    "dedicated_usage",
    "model_apis_usage",
}
# The first that fits.
_KINDS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "training_jobs": _is_job,
    "logs": lambda value: isinstance(value.get("logs"), list),
    "log line": lambda value: {"timestamp", "message"} <= set(value),
    "checkpoints of the command line": _is_listing,
    "envelope": _is_envelope,
    "training_projects": _is_project,
    "answer": lambda value: not _ANSWER_KEYS.isdisjoint(value),
}


def _kind(value: Any) -> str | None:
    fitting = (name for name, fits in _KINDS.items() if isinstance(value, dict) and fits(value))
    return next(fitting, None)


def _is_known(value: Any) -> bool:
    """Tell whether what stands alone has to be given another form."""
    return _kind(value) not in {None, "answer"}


def _text(value: Any, key: str) -> str | None:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _with_zone(listing: dict[str, Any], zone: ZoneInfo | None, name: str) -> dict[str, Any]:
    """Turn a list of checkpoints of the vendor's command line into the API's answer."""
    checkpoints = []
    for index, entry in enumerate(listing["checkpoints"]):
        if not isinstance(entry, dict):
            raise PayloadError(f"{name}: checkpoints[{index}]: {_expected(entry)}")
        created_at = entry.get("created_at")
        if isinstance(created_at, str) and _LOCAL_TIME.fullmatch(created_at):
            created_at = _to_utc(created_at, zone, f"{name}: checkpoints[{index}].created_at")
        checkpoints.append(
            entry
            | {
                "created_at": created_at,
                "base_model": entry.get("base_model") or None,
                "training_job_id": entry.get("job_id") or listing.get("job_id"),
            }
        )
    return {"checkpoints": checkpoints}


def _to_utc(text: str, zone: ZoneInfo | None, place: str) -> str:
    if zone is None:
        raise PayloadError(
            f'{place}: "{text}" has no zone, it is the local time of the machine that wrote it: '
            'say which, tz="Europe/Berlin"'
        )
    local = datetime.fromisoformat(text).replace(tzinfo=zone)
    times = {local.replace(fold=fold).utcoffset() for fold in (0, 1)}
    if len(times) > 1:
        raise PayloadError(f'{place}: "{text}" is ambiguous or skipped in {zone.key}')
    return local.isoformat()


def _expected(value: Any) -> str:
    what = describe_object(value)
    if what is not None:
        got = what
    elif isinstance(value, dict):
        keys = ", ".join(safe_text(key, 60) for key in list(value)[:10]) or "none"
        got = f"an object with other keys ({keys})"
    else:
        got = safe_text(json.dumps(value), 60)
    return f"expected a job, a project, a log line or an answer of the API, got {got}"
