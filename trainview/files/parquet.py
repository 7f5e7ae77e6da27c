"""Parquet files whose pages carry checksums, written and read in one way."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_HOW: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}


def write_parquet(table: pa.Table, target: Any) -> None:
    """Write one Parquet file.

    Parameters
    ----------
    table : pyarrow.Table
        Any table.
    target : path or file object
        Where to.
    """
    pq.write_table(table, target, **_HOW)


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
    return pq.ParquetWriter(path, schema, **_HOW)


def read_parquet(source: Path | pa.Buffer) -> pa.Table:
    """Read one Parquet file, and verify the checksums that its pages carry.

    Parameters
    ----------
    source : pathlib.Path or pyarrow.Buffer
        The file, or what is in it.

    Returns
    -------
    pyarrow.Table
        All its columns and rows.

    Raises
    ------
    OSError, pyarrow.ArrowException
        If it cannot be read, or is damaged.
    """
    where = source if isinstance(source, Path) else pa.BufferReader(source)
    # not as a dataset, whose threads can outlive the interpreter and abort it
    with pq.ParquetFile(where, pre_buffer=False, page_checksum_verification=True) as file:
        table = file.read()
        if table.num_rows != file.metadata.num_rows:
            raise pa.ArrowInvalid("damaged: rows are missing")
    table.validate(full=True)
    return table
