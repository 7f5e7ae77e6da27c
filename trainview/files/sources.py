"""Whatever `trainview.load` takes, to payloads and tables.

A source is a path, a folder, bytes, an open file, parsed JSON, or a list of those.
"""

import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa

from trainview.errors import ArgumentError, PayloadError, SourceError, TrainviewError
from trainview.files.atomic import from_home
from trainview.files.digests import changed, is_as_written
from trainview.files.export import MANIFEST
from trainview.files.saved import read_bytes, read_fleet_table, read_tables
from trainview.reading.arrow_reader import MAX_BYTES
from trainview.reading.blocks import LISTS
from trainview.reading.envelopes import Answer, read_documents, to_answers
from trainview.reading.look_alikes import describe, describe_object
from trainview.reading.records import Records, decompress, read_records
from trainview.reading.rejection import Rejection, without_bad_records
from trainview.schema import CORE_TABLES, REJECTED, TABLES
from trainview.tables.core import Tables, to_records
from trainview.tables.kinds import is_answer, read_any
from trainview.text.safe import safe_text
from trainview.text.shown import Shown

if TYPE_CHECKING:
    Source: TypeAlias = (
        str
        | os.PathLike[str]
        | bytes
        | bytearray
        | memoryview
        | IO[Any]
        | Mapping[str, Any]
        | Sequence["Source"]
    )
else:
    Source = Shown("Source")

# What a source gives: lists of projects and jobs; others of the tables by their names, and
# "not_fetched", the calls that had failed; what a user should know about the source, a sentence.
Part: TypeAlias = Records | dict[str, pa.Table] | str

_JSON_NAMES = (".json", ".jsonl", ".ndjson")
JSON_ENDINGS, _PARQUET = (*_JSON_NAMES, *(f"{name}.gz" for name in _JSON_NAMES)), ".parquet"
_LISTS = (b'"training_projects"', b'"training_jobs"')
# A fault in one element of a list, which can be left out.
IN_LIST = re.compile(r"\[\d+\]|\bline \d+[.:] ?")
_SKIP_FILES = '; on_error="skip" leaves such files out'
# What the slow path says of more than one document.
_SEVERAL = "Extra data"


class Options(NamedTuple):
    """How to read sources.

    Attributes
    ----------
    skip_bad : bool
        Whether records and files that cannot be read are left out, and noted.
    zone : zoneinfo.ZoneInfo or None
        Of times that the vendor's command line wrote without one.
    choose : callable or None
        Of a folder that was exported, names the jobs whose rows are wanted; of others, all are.
    """

    skip_bad: bool = False
    zone: ZoneInfo | None = None
    choose: Callable[[Tables], Sequence[str]] | None = None


AS_IT_IS = Options()


def read_source(source: Source, options: Options = AS_IT_IS) -> Iterator[Part]:
    """Read a source, one part after the other.

    Parameters
    ----------
    source : path, bytes, file object, mapping, pydantic model, or list of those
        A folder gives the tables that `trainview.files.export` wrote there, or else each of its
        JSON and Parquet files by name.
    options : Options, optional
        How to read it.

    Yields
    ------
    Records, dict of str to pyarrow.Table, or str
        The checked records of one file; or tables of `trainview.schema.FLEET_TABLES`,
        ``not_fetched`` and ``rejected``; or a sentence that a user should know.

    Raises
    ------
    SourceError
        If there is no such file or folder, or it cannot be read.
    PayloadError
        If the data is not what the API documents, or what trainview exported.
    ArgumentError
        If the source is of no such type.
    """
    if isinstance(source, (list, tuple)):
        if not source:
            raise ArgumentError("an empty list of sources: name at least one file or folder")
        if all(isinstance(part, Mapping) or _is_model(part) for part in source):
            yield from read_payload(_dump(list(source), "list", options), "list", options)
        else:
            # a path that was given by name has to be there
            yield from _read_each(source, read_source, options, PayloadError)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield from _read_bytes(bytes(source), "bytes", options)
    elif isinstance(source, Mapping):
        yield from read_payload(_dump(source, "mapping", options), "mapping", options)
    elif _is_model(source):
        name = type(source).__name__
        yield from read_payload(_dump(source, name, options), name, options)
    elif isinstance(source, (str, os.PathLike)):
        yield from _read_path(source, options)
    elif hasattr(source, "read"):
        yield from _read_file(source, options)
    else:
        raise ArgumentError(
            f"cannot load from {type(source).__name__}: pass a path, a folder, bytes, "
            "an open file, parsed JSON, objects of the vendor's package, or a list of those"
        )


def _is_model(source: Any) -> bool:
    return callable(getattr(source, "model_dump", None)) and not isinstance(source, type)


def _read_path(source: str | os.PathLike[str], options: Options) -> Iterator[Part]:
    text = os.fspath(source)
    if isinstance(text, str) and text.lstrip().startswith(("{", "[")) and not Path(text).exists():
        raise ArgumentError("text that begins like JSON is taken for a path: pass it as bytes")
    path = from_home(text)
    if not path.is_dir():
        yield from _read_one(path, options)
        return
    if (path / MANIFEST).is_file():
        tables, fleet = read_tables(path, options.choose)
        yield to_records(tables)
        yield fleet
        yield from tables.notes
        return
    endings = (*JSON_ENDINGS, _PARQUET)
    there = sorted(path.iterdir())
    files = [file for file in there if file.name.endswith(endings)]
    inner = [file.name for file in there if _holds_files(file, endings)]
    if not files:
        names = ", ".join(safe_text(file.name, 40) for file in there[:5])
        found = f"there is {names}" if names else "it is empty"
        if {f"{name}.csv" for name in CORE_TABLES} <= {file.name for file in there}:
            found = f"the tables of to_csv are there, but not {MANIFEST}, which says what they are"
        elif inner:
            found += f"; folders in it are not read: name {_name_all(inner)} itself"
        raise SourceError(
            f"{safe_text(path)}: a folder without JSON files or saved tables: {found}"
        )
    yield from _read_each(files, _read_one, options, PayloadError, SourceError)
    if inner:
        yield f"{safe_text(path)}: not read, as they are folders in it: {_name_all(inner)}"


def _name_all(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(safe_text(name, 40) for name in names[:5]) + more


def _holds_files(path: Path, endings: tuple[str, ...]) -> bool:
    """Tell whether it is a folder with files that would be read if it were named."""
    if path.name.startswith((".", "__")) or not path.is_dir():
        return False
    try:
        return any(file.name.endswith(endings) for file in path.iterdir())
    except OSError:
        return False


def _read_each(
    sources: Sequence[Any],
    read: Callable[[Any, Options], Iterator[Part]],
    options: Options,
    *faults: type[TrainviewError],
) -> Iterator[Part]:
    """Read one source after the other; those with such faults can be left out, unless all are."""
    failures: list[TrainviewError] = []
    for source in sources:
        try:
            yield from read(source, options)
        except faults as error:
            if not options.skip_bad:
                told = _SKIP_FILES in str(error) or IN_LIST.search(str(error))
                hint = "" if told or len(sources) == 1 else _SKIP_FILES
                raise type(error)(f"{error}{hint}") from None
            failures.append(error)
    if len(failures) == len(sources):
        raise failures[0]
    yield _noted(_whole(str(error)) for error in failures)


def _whole(message: str) -> Rejection:
    source, _, reason = message.partition(": ")
    return Rejection(source, None, None, None, reason or message)


def _noted(rejections: Iterable[Rejection]) -> dict[str, pa.Table]:
    rows = [rejection._asdict() for rejection in rejections]
    return {"rejected": pa.Table.from_pylist(rows, schema=REJECTED)}


def _read_one(path: Path, options: Options) -> Iterator[Part]:
    if path.name.endswith(_PARQUET):
        yield read_fleet_table(path)
    else:
        yield from _read_bytes(read_bytes(path), safe_text(path), options)


def _read_bytes(payload: bytes, name: str, options: Options) -> Iterator[Part]:
    text = decompress(payload, name)
    yield from read_payload(text, name, options)
    if not is_as_written(text):
        yield changed(name)


def read_payload(payload: bytes, name: str, options: Options) -> Iterator[Part]:
    """Read what one file holds, or one response of the API.

    Parameters
    ----------
    payload : bytes
        JSON, perhaps gzipped.
    name : str
        What it is called in error messages.
    options : Options
        How to read it.

    Yields
    ------
    Records, or dict of str to pyarrow.Table
        As `read_source` does.

    Raises
    ------
    PayloadError
        If it is not what the API documents.
    """
    text = decompress(payload, name)
    try:
        yield _read_answer(text, name, None)
    except PayloadError as error:
        reason = error
    else:
        return
    rejected: list[Rejection] | None = [] if options.skip_bad else None
    failures: list[PayloadError] = []
    answers = _answers(text, name, options, reason, rejected)
    for answer in answers:
        try:
            yield _read_found(answer, name, rejected)
        except PayloadError as error:
            if rejected is None:
                raise
            failures.append(error)
            path, _, fault = str(error).removeprefix(f"{name}: ").partition(": ")
            rejected.append(Rejection(name, path, None, None, fault or path))
    if len(failures) == len(answers):
        raise failures[0]
    if rejected:
        yield _noted(rejected)


def _answers(
    text: bytes, name: str, options: Options, reason: PayloadError, rejected: list[Rejection] | None
) -> list[Answer]:
    """Give what is no answer of the API the form of answers, or say what it is."""
    what = describe(text, [(table, schema.names) for table, schema in TABLES.items()])
    if what is not None:
        raise PayloadError(f"{name}: expected answers of the training API, but this is {what}")
    decoded = text.decode("utf-8-sig", "surrogateescape")
    try:
        parts = read_documents(decoded, name, rejected)
    except PayloadError:
        if decoded.lstrip().startswith("[") or _SEVERAL in str(reason):
            raise
        found = None
    else:
        found = to_answers(parts, name, options.zone, rejected)
        if found is None:
            what = describe_object(parts[0].value)
    if found is not None:
        return found
    if what is not None and not is_answer(text):
        raise PayloadError(f"{name}: expected answers of the training API, but this is {what}")
    if rejected is not None and (any(key in text for key in _LISTS) or is_answer(text)):
        return [Answer(decoded, {})]
    raise reason


def _read_found(answer: Answer, name: str, rejected: list[Rejection] | None) -> Part:
    bad: list[Rejection] | None = None if rejected is None else []
    text = answer.text
    if bad is not None and any(f'"{key}"' in text for key in LISTS):
        text, found = without_bad_records(text, name)
        bad += found
    try:
        part = _read_answer(text.encode("utf-8", "surrogateescape"), name, bad)
    except PayloadError as error:
        message = f"{name}: {answer.locate(str(error).removeprefix(f'{name}: '))}"
    else:
        for one in bad or []:
            rejected.append(one._replace(path=one.path and answer.locate(one.path)))  # type: ignore[union-attr]
        return part
    raise PayloadError(message)


def _read_answer(text: bytes, name: str, rejected: list[Rejection] | None) -> Part:
    if not any(key in text for key in _LISTS):
        fleet = read_any(text, name, rejected=rejected)
        if fleet is not None:
            return fleet
    return read_records(text, name)


def _read_file(file: Any, options: Options) -> Iterator[Part]:
    name = safe_text(getattr(file, "name", type(file).__name__), 200)
    try:
        content = file.read(MAX_BYTES + 1)
    except (OSError, io.UnsupportedOperation, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read {name}: {safe_text(error)}") from None
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    yield from _read_bytes(bytes(content), name, options)


def _dump(answer: Any, name: str, options: Options) -> bytes:
    try:
        # a record that has NaN is left out by who reads it
        text = json.dumps(_plain(answer), ensure_ascii=False, allow_nan=options.skip_bad)
    except (TypeError, ValueError, RecursionError) as error:
        raise PayloadError(f"{name}: not JSON: {safe_text(error, 200)}") from None
    return text.encode("utf-8", "surrogatepass")


def _plain(value: Any) -> Any:
    """Turn objects of the vendor's package into what they stand for, in lists and objects too."""
    if _is_model(value):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        # one without a zone is told, or given its zone, where text like it would be
        return value.isoformat()
    return value
