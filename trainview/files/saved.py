"""The tables that trainview wrote, read back: a folder with a manifest, or one Parquet file."""

import json
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from trainview.errors import PayloadError, SourceError
from trainview.files.digests import changed, file_digest, is_as_written
from trainview.files.export import FORMAT, FORMULA, MANIFEST
from trainview.files.parquet import read_parquet
from trainview.reading.arrow_reader import MAX_BYTES
from trainview.reading.times import parse_time
from trainview.schema import CATEGORY, CORE_TABLES, FLEET_TABLES, GAPS, TABLES, is_newer
from trainview.tables.core import Tables
from trainview.tables.dtypes import complete, conform
from trainview.tables.values import check_values
from trainview.text.safe import safe_text

_MARKED = FORMULA.replace("^(", "^'(", 1)


# The tables of which the rows of some jobs can be read alone; a bill tells by all its days.
OF_JOBS = ("queue", "status_events", "checkpoints", "metrics", "logs")


def read_tables(
    folder: Path, choose: Callable[[Tables], Sequence[str]] | None = None
) -> tuple[Tables, dict[str, pa.Table]]:
    """Read the tables that `trainview.files.export.write_folder` wrote.

    Parameters
    ----------
    folder : pathlib.Path
        With the manifest.
    choose : callable, optional
        Names the jobs of which rows are wanted from the tables of `OF_JOBS`; all when left out.

    Returns
    -------
    Tables
        Projects, jobs, instance types; its notes name the files that were changed since.
    dict of str to pyarrow.Table
        The other tables, and those of `trainview.schema.GAPS`.

    Raises
    ------
    SourceError
        If a file is missing or cannot be read.
    PayloadError
        If a file is damaged, or holds what cannot be; with the column.
    """
    manifest = read_manifest(folder / MANIFEST)
    notes = [] if manifest["is_as_written"] else [changed(folder / MANIFEST)]
    core = {name: _read_table(folder, name, manifest, notes) for name in CORE_TABLES}
    tables = Tables(**core, as_of=manifest["as_of"], latest_only=bool(manifest.get("latest_only")))
    job_ids = None if choose is None else choose(tables)
    more = {
        name: _read_table(folder, name, manifest, notes, job_ids if name in OF_JOBS else None)
        for name in manifest["more"]
    }
    gaps = {name: manifest[name] for name in GAPS}
    return tables._replace(notes=tuple(notes)), more | gaps


def _read_table(
    folder: Path,
    name: str,
    manifest: Mapping[str, Any],
    notes: list[str],
    job_ids: Sequence[str] | None = None,
) -> pa.Table:
    """Read one table, and note if its file was changed."""
    kind, schema = manifest["tables"], TABLES[name]
    path = folder / f"{name}.{kind}"
    try:
        if manifest["sha256"].get(path.name, "") not in {"", file_digest(path)}:
            notes.append(changed(path))
        if kind == "parquet":
            table = read_parquet(path, job_ids)
        else:
            table = _read_csv(path, schema, raw=manifest.get("raw", True))
        return _as_declared(complete(table, schema), schema)
    except FileNotFoundError:
        raise SourceError(f"{safe_text(folder)}: {path.name} is missing: export again") from None
    except (OSError, pa.ArrowException, ValueError, MemoryError, OverflowError) as error:
        raise _fault(path, error, is_changed=changed(path) in notes) from None


def read_manifest(path: Path) -> dict[str, Any]:
    """Read what `trainview.files.export` says about the tables beside it.

    Parameters
    ----------
    path : pathlib.Path
        The manifest.

    Returns
    -------
    dict of str to object
        With ``tables`` (the format), ``as_of``, ``more`` (tables beside the core ones) and others.

    Raises
    ------
    PayloadError
        If it is damaged.
    SourceError
        If it cannot be read.
    """
    try:
        text = read_bytes(path)
        manifest = dict(json.loads(text))
        kind, as_of = manifest["tables"], manifest["as_of"]
        manifest["as_of"] = None if as_of is None else parse_time(as_of)
        manifest["more"] = [name for name in manifest.get("more", []) if name in FLEET_TABLES]
        manifest |= {name: _read_gaps(name, manifest.get(name, [])) for name in GAPS}
        sealed = manifest["format"] == FORMAT
        manifest["is_as_written"] = (
            is_as_written(text) and ("trainview_sha256" in manifest) == sealed
        )
        manifest["sha256"] = dict(manifest["sha256"]) if sealed else {}
        readable = kind in {"csv", "parquet"} and manifest["format"] in {1, FORMAT}
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        readable = False
    if not readable:
        raise PayloadError(f"{safe_text(path)}: damaged: export the tables again")
    return manifest


def _read_gaps(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    gaps = pa.Table.from_pylist([dict(row) for row in rows], schema=GAPS[name])
    if gaps.column(0).null_count:
        raise ValueError("a gap in nothing")
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
            if name in table.column_names
        }
    )


def read_fleet_table(path: Path) -> dict[str, pa.Table]:
    """Read a table that stands alone, and know it by its columns.

    Parameters
    ----------
    path : pathlib.Path
        A Parquet file.

    Returns
    -------
    dict of str to pyarrow.Table
        The table by its name in `trainview.schema.FLEET_TABLES`.

    Raises
    ------
    SourceError
        If it cannot be read, or is none of the tables.
    """
    try:
        table = read_parquet(path)
        for name, schema in FLEET_TABLES.items():
            needed = {field.name for field in schema if not is_newer(field)}
            if needed <= set(table.column_names):
                return {name: _as_declared(complete(table, schema), schema)}
    except (OSError, pa.ArrowException, ValueError, MemoryError, OverflowError) as error:
        raise _fault(path, error) from None
    raise SourceError(
        f"{safe_text(path)}: none of the tables {', '.join(FLEET_TABLES)}: "
        "give the whole folder that to_parquet wrote"
    )


def _as_declared(table: pa.Table, schema: pa.Schema) -> pa.Table:
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise ValueError(f"no column {', '.join(map(repr, missing))}: export again")
    try:
        conformed = conform(table, schema)
    except (pa.ArrowException, ValueError):
        # once more column by column, to say which it is
        for field in schema:
            try:
                conform(table, pa.schema([field]))
            except (pa.ArrowException, ValueError) as error:
                raise ValueError(f"column {field.name}: {error}") from None
        raise
    check_values(conformed)
    return conformed


def _fault(path: Path, error: Exception, *, is_changed: bool = False) -> SourceError | PayloadError:
    if isinstance(error, OSError) and error.errno is not None:
        return SourceError(f"cannot read {safe_text(path)}: {safe_text(error.strerror)}")
    # pyarrow's own places in its source follow on the next lines
    reason = safe_text(str(error).strip().partition("\n")[0], 200) or type(error).__name__
    since = "; it changed since it was exported: export the tables again" if is_changed else ""
    return PayloadError(f"{safe_text(path)}: damaged, or not what was exported: {reason}{since}")


def read_bytes(path: Path) -> bytes:
    """Read a file as a whole.

    Parameters
    ----------
    path : pathlib.Path
        Of at most 2 GiB.

    Returns
    -------
    bytes
        What is in it.

    Raises
    ------
    SourceError
        If it cannot be read.
    PayloadError
        If it is larger.
    """
    try:
        facts = path.stat()
        if stat.S_ISCHR(facts.st_mode) or stat.S_ISBLK(facts.st_mode):
            # some of them never end
            raise SourceError(
                f"{safe_text(path)} is a device: name a file, or - for standard input"
            )
        if facts.st_size > MAX_BYTES:
            raise PayloadError(f"{safe_text(path)}: larger than 2 GiB: split it into several files")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"cannot read {safe_text(path)}: {safe_text(reason)}") from None
