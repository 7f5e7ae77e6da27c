"""Tables to files: a folder of CSV or Parquet, or one JSON file in the API's own form."""

import gzip
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from trainview.files.atomic import making_folder, replacing
from trainview.files.digests import Seal, file_digest
from trainview.files.parquet import write_parquet
from trainview.reading.times import format_time
from trainview.schema import CORE_TABLES
from trainview.tables.core import Tables, to_records
from trainview.tables.sample_order import by_series

MANIFEST = "trainview.json"
# Since 2, files have digests of what is in them.
FORMAT = 2

# What a spreadsheet takes for a formula (with the full-width forms), behind any apostrophes: the
# mark is then one more apostrophe, so that it can be taken off again without a guess.
FORMULA = r"^('*[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])"
_BATCH_ROWS = 10_000

# A table, or what writes it to a path: the largest ones are never in memory as a whole.
Rows: TypeAlias = pa.Table | Callable[[Path], object]


def write_folder(
    tables: Tables,
    folder: str | os.PathLike[str],
    kind: Literal["csv", "parquet"],
    *,
    fleet: Mapping[str, Rows] | None = None,
    gaps: Mapping[str, pa.Table] | None = None,
    raw: bool = False,
    force: bool = False,
) -> list[Path]:
    """Write the tables into a folder that `trainview.load` reads back.

    Parameters
    ----------
    tables : Tables
        The tables of a snapshot.
    folder : path
        Made if it does not exist.
    kind : {"csv", "parquet"}
        The files' format. Parquet holds every value as it is.
    fleet : dict of str to pyarrow.Table or callable, optional
        More tables, by their names in `trainview.schema.FLEET_TABLES`; for Parquet also functions
        that write one to a path.
    gaps : dict of str to pyarrow.Table, optional
        What is missing, by the names of `trainview.schema.GAPS`; the manifest keeps it.
    raw : bool, optional
        For CSV: whether cells that a spreadsheet takes for formulas are kept as they are.
        Otherwise they get an apostrophe in front, which `trainview.load` takes off again.
    force : bool, optional
        Whether files that exist may be replaced.

    Returns
    -------
    list of pathlib.Path
        The files that were written, the manifest (``trainview.json``) last.

    Raises
    ------
    OutputError
        If they cannot be written; then none of them is changed.
    """
    rows: dict[str, Rows] = {name: getattr(tables, name) for name in CORE_TABLES}
    rows |= fleet or {}
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "tables": kind,
        "as_of": None if tables.as_of is None else format_time(tables.as_of),
        "latest_only": tables.latest_only,
        "raw": raw or kind == "parquet",
        "more": list(fleet or {}),
        **{name: table.to_pylist() for name, table in (gaps or {}).items()},
    }
    if kind == "parquet" and isinstance(samples := rows.get("metrics"), pa.Table):
        rows["metrics"] = by_series(samples)
    with making_folder(folder) as place:
        targets = [*(place / f"{name}.{kind}" for name in rows), place / MANIFEST]
        with replacing(targets, force=force) as paths:
            for table, path in zip(rows.values(), paths, strict=False):
                if callable(table):
                    table(path)
                elif kind == "parquet":
                    write_parquet(table, path)
                else:
                    pa_csv.write_csv(_as_plain(table, raw=raw), path)
            manifest["sha256"] = {
                target.name: file_digest(path)
                for target, path in zip(targets[:-1], paths, strict=False)
            }
            seal = Seal()
            text = json.dumps(manifest, indent=2).removesuffix("\n}").encode()
            paths[-1].write_bytes(seal.over(text) + seal.end())
    return targets


def write_json(
    tables: Tables,
    path: str | os.PathLike[str],
    *,
    gaps: Mapping[str, pa.Table] | None = None,
    force: bool = False,
) -> None:
    """Write the tables as one JSON file in the form of the API's answers.

    Parameters
    ----------
    tables : Tables
        The tables of a snapshot.
    path : path
        The file to write; gzipped if its name ends in ``.gz``.
    gaps : dict of str to pyarrow.Table, optional
        What is missing, by the names of `trainview.schema.GAPS`.
    force : bool, optional
        Whether a file that exists may be replaced.

    Raises
    ------
    OutputError
        If it cannot be written; what stood there before is untouched.
    """
    packed = os.fspath(path).endswith(".gz")
    with (
        replacing([path], force=force) as [temporary],
        gzip.open(temporary, "wb", compresslevel=6) if packed else temporary.open("wb") as file,
    ):
        seal = Seal()
        for piece in _json_pieces(tables, gaps or {}):
            file.write(seal.over(piece.encode()))
        file.write(seal.end())


def to_csv_bytes(table: pa.Table, *, raw: bool = False) -> bytes:
    """Write one table as CSV text.

    Parameters
    ----------
    table : pyarrow.Table
        Any flat table.
    raw : bool, optional
        Whether cells that a spreadsheet takes for formulas are kept as they are.

    Returns
    -------
    bytes
        UTF-8 text with a header line.
    """
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(_as_plain(table, raw=raw), sink)
    return bytes(sink.getvalue())


def saved_header(
    as_of: datetime | None,
    *,
    latest_only: bool | None = None,
    gaps: Mapping[str, pa.Table] | None = None,
) -> str:
    """Write our own key of a saved file, the one beside what the server said.

    Parameters
    ----------
    as_of : datetime.datetime or None
        The moment that the file describes.
    latest_only : bool, optional
        Whether the jobs are only the latest of each project, where the lists do not tell.
    gaps : dict of str to pyarrow.Table, optional
        What is missing, by the names of `trainview.schema.GAPS`.

    Returns
    -------
    str
        A JSON member, without the comma behind it.

    Examples
    --------
    >>> saved_header(None)
    '"trainview": {"format": 2, "as_of": null}'
    """
    saved: dict[str, Any] = {"format": FORMAT, "as_of": as_of and format_time(as_of)}
    if latest_only is not None:
        saved["latest_only"] = latest_only
    saved |= {name: table.to_pylist() for name, table in (gaps or {}).items() if table.num_rows}
    return f'"trainview": {json.dumps(saved)}'


def _as_plain(table: pa.Table, *, raw: bool) -> pa.Table:
    columns = {}
    for field in table.schema:
        column = table[field.name]
        if pa.types.is_dictionary(field.type) or pa.types.is_large_string(field.type):
            column = pc.cast(column, pa.string())
        if column.type == pa.string() and not raw:
            column = pc.replace_substring_regex(column, FORMULA, r"'\1")
        columns[field.name] = column
    return pa.table(columns)


def _json_pieces(tables: Tables, gaps: Mapping[str, pa.Table]) -> Iterator[str]:
    records = to_records(tables)
    yield "{" + saved_header(tables.as_of, latest_only=tables.latest_only, gaps=gaps)
    yield from _json_list("training_projects", records.projects)
    yield from _json_list("training_jobs", records.jobs)


def _json_list(key: str, records: pa.StructArray) -> Iterator[str]:
    yield f',\n"{key}": ['
    mark = "\n"
    for start in range(0, len(records), _BATCH_ROWS):
        for record in _with_text_times(records.slice(start, _BATCH_ROWS)).to_pylist():
            yield mark + json.dumps(record, ensure_ascii=False, separators=(",", ":"))
            mark = ",\n"
    yield "\n]"


def _with_text_times(array: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(array.type):
        zoneless = pc.cast(pc.cast(array, pa.timestamp("us")), pa.string())
        return pc.binary_join_element_wise(pc.replace_substring(zoneless, " ", "T"), "Z", "")
    if pa.types.is_struct(array.type):
        names = [field.name for field in array.type]
        mask = array.is_null() if array.null_count else None
        return pa.StructArray.from_arrays(
            [_with_text_times(child) for child in array.flatten()], names=names, mask=mask
        )
    return array
