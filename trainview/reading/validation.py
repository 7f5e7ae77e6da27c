"""A walk along a schema that finds the first fault of a payload and says where it is.

For lists of projects and jobs it is the slow path: the fast one (`trainview.reading.records`)
only knows that something is wrong. Small answers are always read by it.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, NoReturn

import pyarrow as pa

from trainview.errors import PayloadError
from trainview.reading.times import parse_time
from trainview.schema import ANSWER, bounds
from trainview.text.safe import safe_text

_VALUE_LIMIT = 60
_MONEY = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})")
_MOST_MONEY = 10**15


class _Fault(Exception):  # noqa: N818 - never leaves this module
    """A fault, as the text that describes it."""


class _Field(NamedTuple):
    """What a schema says of a field, read once: Arrow makes objects anew at each look."""

    name: str
    nullable: bool
    kind: pa.DataType
    # raises a fault of a value at a path
    check: Callable[[Any, str], None]
    # those of an object, or of each object in a list; of a map that of its values
    inner: "list[_Field]"


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
        _check_object(_fields(ANSWER), answer, "")
        _check_lists(answer)
    except _Fault as fault:
        return str(fault)
    return None


def check_answer(
    payload: bytes, schema: pa.Schema, rejected: list[tuple[str, str, Any]] | None = None
) -> Any:
    """Parse a small answer, and check it along its schema.

    Parameters
    ----------
    payload : bytes
        UTF-8 text that begins with an object.
    schema : pyarrow.Schema
        Of its top level. Unknown fields are tolerated.
    rejected : list, optional
        If given, elements of lists that do not fit are left out, and noted here: their path, the
        reason, and what they say.

    Returns
    -------
    dict
        The answer; numbers with a fraction are `decimal.Decimal`, so that they are exact.

    Raises
    ------
    PayloadError
        If it is not what the schema says; with the path to the first fault.

    Examples
    --------
    >>> from trainview.schema import PRICES_ANSWER
    >>> check_answer(b'{"instance_types": []}', PRICES_ANSWER)
    {'instance_types': []}
    """
    try:
        skips = rejected is not None
        to_fraction, to_integer = (
            (_as_decimal, _as_integer) if skips else (_to_decimal, _to_integer)
        )
        answer, fields = _parse(payload, to_fraction, to_integer), _fields(schema)
        if rejected is not None:
            _leave_out_bad(answer, fields, "", rejected)
        _check_object(fields, answer, "")
    except _Fault as fault:
        message = str(fault)
    else:
        return answer
    raise PayloadError(message)


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


def _parse(
    payload: bytes,
    to_fraction: "Callable[[str], Any] | None" = None,
    to_integer: "Callable[[str], Any] | None" = None,
) -> Any:
    try:
        text = payload.decode("utf-8-sig")
        return json.loads(
            text,
            # only what is escaped can be half a character
            object_pairs_hook=_to_whole_texts if "\\u" in text else _to_object,
            parse_float=to_fraction or _to_float,
            parse_int=to_integer or _to_integer,
        )
    except UnicodeDecodeError as error:
        raise _Fault(f"not UTF-8 text at byte {error.start}") from None
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
    return found


def _to_whole_texts(pairs: list[tuple[str, Any]]) -> _Object:
    for key, value in pairs:
        for text in (key, *_texts(value)):
            if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
                raise _Fault(f"{safe_text(key, _VALUE_LIMIT)}: a lone surrogate is not text")
    return _to_object(pairs)


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


def _to_decimal(text: str) -> Decimal:
    _to_float(text)
    return Decimal(text)


def _to_integer(text: str) -> int:
    # a float's range bounds every JSON number, also those in fields that are not read
    _to_float(text)
    return int(text)


def _as_decimal(text: str) -> Decimal:
    """Take any number: what is too large is a fault of its own field alone."""
    try:
        return Decimal(text)
    except ArithmeticError:
        return Decimal("-Infinity" if text.startswith("-") else "Infinity")


def _as_integer(text: str) -> Any:
    return _as_decimal(text) if math.isinf(float(text)) else int(text)


def _fields(fields: Iterable[pa.Field]) -> list[_Field]:
    return [_field(field) for field in fields]


def _field(field: pa.Field) -> _Field:
    kind = field.type
    inner: list[_Field] = []
    if pa.types.is_struct(kind):
        inner = _fields(kind)
        check: Callable[[Any, str], None] = partial(_check_object, inner)
    elif pa.types.is_map(kind):
        inner = [_field(kind.item_field)]
        check = partial(_check_map, inner[0])
    elif pa.types.is_list(kind):
        inner = _fields(kind.value_type)
        check = partial(_check_list, inner)
    elif pa.types.is_integer(kind):
        check = partial(_check_integer, bounds(field))
    else:
        checks = (check for matches, check in _CHECKS.items() if matches(kind))
        check = next(checks, _check_text)
    return _Field(field.name, field.nullable, kind, check, inner)


def _check_object(fields: list[_Field], value: Any, path: str) -> None:
    if not isinstance(value, _Object):
        _expected("an object", value, path)
    for field in fields:
        place = f"{path}.{field.name}" if path else field.name
        if field.name in value.duplicates:
            raise _Fault(f"{place}: the key comes twice in one object")
        found = value.get(field.name)
        if found is not None:
            field.check(found, place)
        elif not field.nullable:
            got = "got null" if field.name in value else "but it is missing"
            raise _Fault(f"{place}: expected {_kind(field.kind)}, {got}")


def _leave_out_bad(
    value: Any, fields: list[_Field], path: str, rejected: list[tuple[str, str, Any]]
) -> None:
    for field in fields:
        found = value.get(field.name) if isinstance(value, _Object) else None
        place = f"{path}.{field.name}" if path else field.name
        if isinstance(found, _Object | list):
            value[field.name] = _without_bad(found, field, place, rejected)


def _without_bad(value: Any, field: _Field, path: str, rejected: list[tuple[str, str, Any]]) -> Any:
    """Leave elements of lists out that do not fit, the innermost first."""
    kind = field.kind
    if pa.types.is_struct(kind):
        _leave_out_bad(value, field.inner, path, rejected)
    elif pa.types.is_map(kind) and isinstance(value, _Object):
        for key, item in value.items():
            place = f"{path}.{safe_text(key, _VALUE_LIMIT)}"
            value[key] = _without_bad(item, field.inner[0], place, rejected)
    elif pa.types.is_list(kind) and isinstance(value, list):
        good = []
        for index, item in enumerate(value):
            try:
                _leave_out_bad(item, field.inner, f"{path}[{index}]", rejected)
                _check_object(field.inner, item, f"{path}[{index}]")
                good.append(item)
            except _Fault as fault:
                where, _, reason = str(fault).partition(": ")
                rejected.append((where, reason, item))
        return good
    return value


def _check_list(fields: list[_Field], value: Any, path: str) -> None:
    if not isinstance(value, list):
        _expected("a list", value, path)
    for index, item in enumerate(value):
        _check_object(fields, item, f"{path}[{index}]")


def _check_number(value: Any, path: str) -> None:
    number = not isinstance(value, bool) and isinstance(value, int | float | Decimal)
    if not (number and math.isfinite(value)):
        _expected("a number", value, path)


def _check_truth(value: Any, path: str) -> None:
    if not isinstance(value, bool):
        _expected("true or false", value, path)


def _check_text(value: Any, path: str) -> None:
    if not isinstance(value, str):
        _expected("text", value, path)


def _check_map(items: _Field, value: Any, path: str) -> None:
    if not isinstance(value, _Object):
        _expected("an object", value, path)
    for key, item in value.items():
        place = f"{path}.{safe_text(key, _VALUE_LIMIT)}"
        if key in value.duplicates:
            raise _Fault(f"{place}: the key comes twice in one object")
        if item is not None or not items.nullable:
            items.check(item, place)


def _check_date(value: Any, path: str) -> None:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            date.fromisoformat(value)
            return
    except (TypeError, ValueError):
        pass
    _expected("a date (2026-03-31)", value, path)


def _check_money(value: Any, path: str) -> None:
    number = not isinstance(value, bool) and isinstance(value, int | Decimal)
    text = isinstance(value, str) and _MONEY.fullmatch(value)
    if not (number or text) or abs(Decimal(value)) >= _MOST_MONEY:
        _expected("an amount of money, a number or its digits as text", value, path)


def _check_time(value: Any, path: str) -> None:
    if not isinstance(value, str):
        _expected("a time", value, path)
    try:
        parse_time(value)
    except ValueError:
        expected = "an ISO 8601 time with a zone (2025-03-24T18:04:30Z)"
        _expected(expected, value, path)


def _check_integer(range_: tuple[int, int], value: Any, path: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        _expected("integer", value, path)
    low, high = range_
    if not low <= value <= high:
        _expected(f"an integer from {low} to {high}", value, path)


_CHECKS = {
    pa.types.is_timestamp: _check_time,
    pa.types.is_date: _check_date,
    pa.types.is_decimal: _check_money,
    pa.types.is_floating: _check_number,
    pa.types.is_boolean: _check_truth,
}


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
    names = {
        "an object": pa.types.is_struct,
        "a list": pa.types.is_list,
        "a time": pa.types.is_timestamp,
        "a date": pa.types.is_date,
        "integer": pa.types.is_integer,
        "a number": pa.types.is_floating,
        "an amount of money": pa.types.is_decimal,
        "true or false": pa.types.is_boolean,
    }
    return next((name for name, matches in names.items() if matches(kind)), "text")


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    shown = str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
    return safe_text(shown, _VALUE_LIMIT)


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
