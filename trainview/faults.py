"""The slow path of reading: find the first fault of a payload and say where it is.

The fast path (`trainview.records`) only knows that something is wrong. This walk along the same
schema, over objects that the standard library's parser made, knows what and where.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

import pyarrow as pa

from trainview.schema import ANSWER, bounds
from trainview.text import safe_text
from trainview.times import parse_time

_VALUE_LIMIT = 60


class _Fault(Exception):  # noqa: N818 - never leaves this module
    """A fault, as the text that describes it."""


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys came twice."""

    duplicates: frozenset[str] = frozenset()


def find_fault(payload: bytes) -> str | None:
    """Describe the first fault of a payload that the fast path refused.

    Parameters
    ----------
    payload : bytes
        UTF-8 text that begins with an object.

    Returns
    -------
    str or None
        Path, value and what was expected, for example
        ``training_projects[17].latest_job.instance_type.gpu_count: expected integer, got "3"``;
        None if there is no fault.

    Examples
    --------
    >>> find_fault(b'{"training_projects": [{"id": 7}]}')
    'training_projects[0].id: expected text, got 7'
    """
    try:
        answer = _parse(payload)
        _check_object(answer, list(ANSWER), "")
        _check_lists(answer)
    except _Fault as fault:
        return str(fault)
    return None


def unknown_fields(payload: bytes) -> dict[str, int]:
    """Count the fields that the schema does not know, by their path without indices.

    Parameters
    ----------
    payload : bytes
        UTF-8 text that the fast path accepts.

    Returns
    -------
    dict of str to int
        How often each unknown field occurs, most frequent first.

    Examples
    --------
    >>> unknown_fields(b'{"training_projects": [], "next_page": null}')
    {'next_page': 1}
    """
    try:
        answer = _parse(payload)
    except _Fault:
        return {}
    counts: dict[str, int] = {}
    for path in _unknown(answer, list(ANSWER), ""):
        counts[path] = counts.get(path, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _parse(payload: bytes) -> Any:
    try:
        return json.loads(
            payload.decode("utf-8-sig"),
            object_pairs_hook=_to_object,
            parse_float=_to_float,
            parse_int=_to_integer,
        )
    except json.JSONDecodeError as error:
        at_end = error.pos >= len(error.doc.rstrip())
        hint = "the text ends too early: was it cut off?" if at_end else error.msg
        raise _Fault(f"not JSON at line {error.lineno}, column {error.colno}: {hint}") from None
    except RecursionError:
        raise _Fault("nested too deeply to be an answer of the API") from None


def _to_object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        found.duplicates = frozenset(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    for key, value in pairs:
        for text in (key, *_texts(value)):
            if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
                raise _Fault(f"{safe_text(key, _VALUE_LIMIT)}: a lone surrogate is not text")
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _to_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _Fault(f"the number {safe_text(text, _VALUE_LIMIT)} is too large")
    return number


def _to_integer(text: str) -> int:
    # a float's range bounds every JSON number, also those in fields that are not read
    _to_float(text)
    return int(text)


def _check_object(value: Any, fields: list[pa.Field], path: str) -> None:
    if not isinstance(value, _Object):
        _expected("an object", value, path)
    for field in fields:
        place = f"{path}.{field.name}" if path else field.name
        if field.name in value.duplicates:
            raise _Fault(f"{place}: the key comes twice in one object")
        found = value.get(field.name)
        if found is None:
            if not field.nullable:
                got = "got null" if field.name in value else "but it is missing"
                raise _Fault(f"{place}: expected {_kind(field.type)}, {got}")
            continue
        _check_value(found, field, place)


def _check_value(value: Any, field: pa.Field, path: str) -> None:
    kind = field.type
    if pa.types.is_struct(kind):
        _check_object(value, list(kind), path)
    elif pa.types.is_list(kind):
        if not isinstance(value, list):
            _expected("a list", value, path)
        for index, item in enumerate(value):
            _check_object(item, list(kind.value_type), f"{path}[{index}]")
    elif pa.types.is_timestamp(kind):
        _check_time(value, path)
    elif pa.types.is_integer(kind):
        _check_integer(value, field, path)
    elif pa.types.is_boolean(kind):
        if not isinstance(value, bool):
            _expected("true or false", value, path)
    elif not isinstance(value, str):
        _expected("text", value, path)


def _check_time(value: Any, path: str) -> None:
    if not isinstance(value, str):
        _expected("a time", value, path)
    try:
        parse_time(value)
    except ValueError:
        expected = "an ISO 8601 time with a zone (2025-03-24T18:04:30Z)"
        _expected(expected, value, path)


def _check_integer(value: Any, field: pa.Field, path: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        _expected("integer", value, path)
    low, high = bounds(field)
    if not low <= value <= high:
        _expected(f"an integer from {low} to {high}", value, path)


def _check_lists(answer: _Object) -> None:
    if answer.get("training_projects") is None and answer.get("training_jobs") is None:
        keys = ", ".join(safe_text(key, _VALUE_LIMIT) for key in list(answer)[:10]) or "none"
        raise _Fault(
            f"neither training_projects nor training_jobs is there as a list (keys: {keys}): "
            "is this an answer of Baseten's training API?"
        )


def _expected(what: str, value: Any, path: str) -> NoReturn:
    raise _Fault(f"{path or 'top level'}: expected {what}, got {_show(value)}")


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return "an object"
    if pa.types.is_timestamp(kind):
        return "a time"
    return "integer" if pa.types.is_integer(kind) else "text"


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return safe_text(json.dumps(value, ensure_ascii=False), _VALUE_LIMIT)


def _unknown(value: Any, fields: list[pa.Field], path: str) -> Iterator[str]:
    known = {field.name: field for field in fields}
    for key, item in value.items():
        place = f"{path}.{key}" if path else key
        field = known.get(key)
        if field is None:
            yield place
        elif pa.types.is_struct(field.type) and item is not None:
            yield from _unknown(item, list(field.type), place)
        elif pa.types.is_list(field.type) and item is not None:
            for element in item:
                yield from _unknown(element, list(field.type.value_type), place)
