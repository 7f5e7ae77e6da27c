"""Parquet files whose pages carry checksums, written and read in one way."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_HOW: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}
# Whoever reads the rows of one job reads few others.
_ROWS = 2**16
# The checksums are of pages: the names of columns, which stand behind them, have a digest too.
_COLUMNS = b"trainview_columns"


def write_parquet(table: pa.Table, target: Any) -> None:
    """Write one Parquet file.

    Parameters
    ----------
    table : pyarrow.Table
        Any table.
    target : path or file object
        Where to.
    """
    pq.write_table(table.cast(_with_digest(table.schema)), target, row_group_size=_ROWS, **_HOW)


def parquet_writer(path: Any, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet file to write table after table to.

    Parameters
    ----------
    path : path or file object
        Where to.
    schema : pyarrow.Schema
        Of the tables.

    Returns
    -------
    pyarrow.parquet.ParquetWriter
        To close, or to use in a ``with`` statement.
    """
    return pq.ParquetWriter(path, _with_digest(schema), **_HOW)


def check_columns(file: pq.ParquetFile) -> None:
    """Refuse a file whose columns are not those that were written, as far as it tells.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile
        Any.

    Raises
    ------
    pyarrow.ArrowInvalid
        If it was damaged since.
    """
    schema = file.schema_arrow
    if (schema.metadata or {}).get(_COLUMNS, _digest(schema)) != _digest(schema):
        raise pa.ArrowInvalid("damaged: the columns are not those that were written")


def _with_digest(schema: pa.Schema) -> pa.Schema:
    return schema.with_metadata({**(schema.metadata or {}), _COLUMNS: _digest(schema)})


def _digest(schema: pa.Schema) -> bytes:
    # the numbers of categories are as wide as the reader likes
    kinds = [
        field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        for field in schema
    ]
    text = "\n".join(f"{name} {kind}" for name, kind in zip(schema.names, kinds, strict=True))
    return sha256(text.encode()).hexdigest().encode()


def read_parquet(source: Path | pa.Buffer, job_ids: Sequence[str] | None = None) -> pa.Table:
    """Read one Parquet file, and verify the checksums that its pages carry.

    Parameters
    ----------
    source : pathlib.Path or pyarrow.Buffer
        The file, or what is in it.
    job_ids : sequence of str, optional
        Only the rows of these jobs; what cannot hold any is not read. All when left out.

    Returns
    -------
    pyarrow.Table
        All its columns.

    Raises
    ------
    OSError, pyarrow.ArrowException
        If it cannot be read, or is damaged.
    """
    where = source if isinstance(source, Path) else pa.BufferReader(source)
    # not as a dataset, whose threads can outlive the interpreter and abort it
    with pq.ParquetFile(where, pre_buffer=False, page_checksum_verification=True) as file:
        check_columns(file)
        groups = list(range(file.num_row_groups)) if job_ids is None else _groups(file, job_ids)
        rows = sum(file.metadata.row_group(group).num_rows for group in groups)
        # threads take longer to wake up than a few rows to read
        table = file.read_row_groups(groups, use_threads=rows > _ROWS)
        if table.num_rows != rows:
            raise pa.ArrowInvalid("damaged: rows are missing")
    if job_ids is not None and "job_id" in table.column_names:
        wanted = pa.array(job_ids, pa.string())
        table = table.filter(_is_in(table["job_id"], wanted))
    table.validate(full=True)
    return table


def _groups(file: pq.ParquetFile, job_ids: Sequence[str]) -> list[int]:
    """List the row groups that hold rows of some jobs, looking into no other column."""
    if "job_id" not in file.schema.names:
        return list(range(file.num_row_groups))
    column = file.schema.names.index("job_id")
    wanted = pa.array(job_ids, pa.string())
    found = []
    for group in range(file.num_row_groups):
        facts = file.metadata.row_group(group).column(column).statistics
        is_told = facts is not None and facts.has_min_max
        if is_told and not any(facts.min <= job_id <= facts.max for job_id in job_ids):
            continue
        ids = file.read_row_group(group, columns=["job_id"], use_threads=False)["job_id"]
        if pc.any(_is_in(ids, wanted)).as_py():
            found.append(group)
    return found


def _is_in(ids: pa.ChunkedArray, wanted: pa.Array) -> pa.ChunkedArray:
    """Tell which ids are wanted; of a dictionary, each id is compared once."""
    if not pa.types.is_dictionary(ids.type):
        return pc.is_in(pc.cast(ids, pa.string()), wanted)
    chunks = [
        pc.take(pc.is_in(pc.cast(chunk.dictionary, pa.string()), wanted), chunk.indices)
        for chunk in ids.chunks
    ]
    return pc.fill_null(pa.chunked_array(chunks, pa.bool_()), fill_value=False)
