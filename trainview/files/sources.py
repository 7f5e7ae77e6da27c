"""Whatever `trainview.load` takes, to payloads and tables.

A source is a path, a folder, bytes, an open file, parsed JSON, or a list of those.
"""

import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from trainview.errors import ArgumentError, PayloadError, SourceError
from trainview.files.export import FORMAT, FORMULA, MANIFEST, read_parquet
from trainview.reading.arrow_reader import MAX_BYTES
from trainview.reading.records import Records, decompress, read_records
from trainview.reading.times import parse_time
from trainview.schema import CATEGORY, CORE_TABLES, FLEET_TABLES, NOT_FETCHED, TABLES
from trainview.tables.core import Tables, to_records
from trainview.tables.dtypes import conform
from trainview.tables.kinds import read_any
from trainview.text.safe import safe_text

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

# What a source gives: lists of projects and jobs, or others of the tables by their names, and
# "not_fetched", the calls that had failed.
Part: TypeAlias = Records | dict[str, pa.Table]

_JSON_ENDINGS, _PARQUET = (".json", ".json.gz"), ".parquet"
_LISTS = (b'"training_projects"', b'"training_jobs"')
_MARKED = FORMULA.replace("^(", "^'(", 1)


def read_source(source: Source) -> Iterator[Part]:
    """Read a source, one part after the other.

    Parameters
    ----------
    source : path, bytes, file object, mapping, or list of those
        A folder gives the tables that `trainview.files.export` wrote there, or else each of its
        JSON and Parquet files by name.

    Yields
    ------
    Records, or dict of str to pyarrow.Table
        The checked records of one file; or tables of `trainview.schema.FLEET_TABLES`, and
        ``not_fetched``.

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
        for part in source:
            yield from read_source(part)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield _read_payload(bytes(source), "bytes")
    elif isinstance(source, Mapping):
        yield _read_payload(_dump(source), "mapping")
    elif isinstance(source, (str, os.PathLike)):
        yield from _read_path(source)
    elif hasattr(source, "read"):
        yield _read_file(source)
    else:
        raise ArgumentError(
            f"cannot load from {type(source).__name__}: pass a path, a folder, bytes, "
            "an open file, parsed JSON, or a list of those"
        )


def _read_path(source: str | os.PathLike[str]) -> Iterator[Part]:
    text = os.fspath(source)
    if isinstance(text, str) and text.lstrip().startswith(("{", "[")) and not Path(text).exists():
        raise ArgumentError("text that begins like JSON is taken for a path: pass it as bytes")
    path = Path(text)
    if not path.is_dir():
        yield _read_one(path)
        return
    if (path / MANIFEST).is_file():
        tables, fleet = _read_tables(path)
        yield to_records(tables)
        yield fleet
        return
    endings = (*_JSON_ENDINGS, _PARQUET)
    files = sorted(file for file in path.iterdir() if file.name.endswith(endings))
    if not files:
        raise SourceError(f"{safe_text(path)}: a folder without JSON files or saved tables")
    for file in files:
        yield _read_one(file)


def _read_one(path: Path) -> Part:
    if path.name.endswith(_PARQUET):
        return _read_fleet_table(path)
    return _read_payload(_read_bytes(path), safe_text(path))


def _read_payload(payload: bytes, name: str) -> Part:
    text = decompress(payload, name)
    if not any(key in text for key in _LISTS):
        fleet = read_any(text, name)
        if fleet is not None:
            return fleet
    return read_records(text, name)


def _read_fleet_table(path: Path) -> dict[str, pa.Table]:
    try:
        table = read_parquet(path)
        for name, schema in FLEET_TABLES.items():
            if set(schema.names) <= set(table.column_names):
                return {name: conform(table, schema)}
    except (OSError, pa.ArrowException, ValueError) as error:
        raise SourceError(f"cannot read {safe_text(path)}: {safe_text(error, 200)}") from None
    raise SourceError(
        f"{safe_text(path)}: none of the tables {', '.join(FLEET_TABLES)}: "
        "give the whole folder that to_parquet wrote"
    )


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PayloadError(f"{safe_text(path)}: larger than 2 GiB: split it into several files")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"cannot read {safe_text(path)}: {safe_text(reason)}") from None


def _read_file(file: Any) -> Part:
    name = safe_text(getattr(file, "name", type(file).__name__), 200)
    try:
        content = file.read(MAX_BYTES + 1)
    except (OSError, io.UnsupportedOperation, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read {name}: {safe_text(error)}") from None
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    return _read_payload(bytes(content), name)


def _dump(answer: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(dict(answer), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PayloadError(f"mapping: not JSON: {safe_text(error, 200)}") from None
    return text.encode("utf-8", "surrogatepass")


def _read_tables(folder: Path) -> tuple[Tables, dict[str, pa.Table]]:
    manifest = _read_manifest(folder / MANIFEST)
    kind = manifest["tables"]
    tables = {}
    for name in (*CORE_TABLES, *manifest["more"]):
        schema = TABLES[name]
        path = folder / f"{name}.{kind}"
        raw = manifest.get("raw", True)
        try:
            table = read_parquet(path) if kind == "parquet" else _read_csv(path, schema, raw=raw)
            tables[name] = conform(table, schema)
        except FileNotFoundError:
            raise SourceError(
                f"{safe_text(folder)}: {path.name} is missing: export again"
            ) from None
        except OSError as error:
            raise SourceError(f"cannot read {safe_text(path)}: {safe_text(error)}") from None
        except KeyError as error:
            raise PayloadError(f"{safe_text(path)}: no column {error}: export again") from None
        except (pa.ArrowException, ValueError) as error:
            raise PayloadError(f"{safe_text(path)}: {safe_text(error, 200)}") from None
    core = Tables(
        **{name: tables.pop(name) for name in CORE_TABLES},
        as_of=manifest["as_of"],
        latest_only=bool(manifest.get("latest_only")),
    )
    return core, tables | {"not_fetched": manifest["not_fetched"]}


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = dict(json.loads(_read_bytes(path)))
        kind, as_of = manifest["tables"], manifest["as_of"]
        manifest["as_of"] = None if as_of is None else parse_time(as_of)
        manifest["more"] = [name for name in manifest.get("more", []) if name in FLEET_TABLES]
        manifest["not_fetched"] = _read_gaps(manifest.get("not_fetched", []))
        readable = kind in {"csv", "parquet"} and manifest["format"] == FORMAT
    except (ValueError, TypeError, KeyError, RecursionError):
        readable = False
    if not readable:
        raise PayloadError(f"{safe_text(path)}: damaged: export the tables again")
    return manifest


def _read_gaps(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    gaps = pa.Table.from_pylist([dict(row) for row in rows], schema=NOT_FETCHED)
    if gaps["table"].null_count:
        raise ValueError("a call for no table")
    return gaps


def _read_csv(path: Path, schema: pa.Schema, *, raw: bool) -> pa.Table:
    types = {field.name: pa.string() if field.type == CATEGORY else field.type for field in schema}
    table = pa_csv.read_csv(
        path,
        # a block must hold the longest row
        read_options=pa_csv.ReadOptions(block_size=min(path.stat().st_size + 64, MAX_BYTES)),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    )
    if raw:
        return table
    return pa.table(
        {
            name: pc.replace_substring_regex(table[name], _MARKED, r"\1")
            if kind == pa.string()
            else table[name]
            for name, kind in types.items()
        }
    )
