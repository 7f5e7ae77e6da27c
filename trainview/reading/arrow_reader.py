"""The fast path of reading: a JSON document to typed, checked Arrow arrays.

pyarrow's JSON reader gets one whole document as one block with an explicit schema. It only says
that something is wrong, or nothing at all: what it would crash on is kept away from it by
`trainview.reading.records`.
"""

import os
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from trainview.reading.blocks import BLOCK_BYTES, LISTS, Block, cut
from trainview.reading.times import parse_times
from trainview.schema import ANSWER, bounds

# The reader needs the document in one block, whose size is an int32, with a little slack.
MAX_BYTES = 2**31 - 65
_SLACK = 64


class _Doubt(Exception):  # noqa: N818 - never leaves this module
    """A cut was not where it was believed to be."""


class _Part(NamedTuple):
    """What a block holds, by the names of the answer, and the list it leaves open."""

    columns: dict[str, Any]
    open_list: str | None


def read_answer(text: bytes, block_bytes: int = BLOCK_BYTES) -> dict[str, Any]:
    """Read a document that begins with an object.

    Parameters
    ----------
    text : bytes
        UTF-8 text of at most `MAX_BYTES`.
    block_bytes : int, optional
        How long the blocks shall be that the cores share, about.

    Returns
    -------
    dict of str to pyarrow.StructArray or None
        By the names of `trainview.schema.ANSWER`: the elements of a list, or an array of one
        object; None for what is null or not there.

    Raises
    ------
    pyarrow.ArrowException
        If the document is no answer of the API.
    """
    blocks = cut(text, block_bytes)
    answer = None if len(blocks) == 1 else _read_blocks(text, blocks)
    if answer is None:
        answer = _check(_parse(text))
    if all(answer[name] is None for name in LISTS):
        raise pa.ArrowInvalid("no list of projects or jobs")
    return answer


def _read_blocks(text: bytes, blocks: Sequence[Block]) -> dict[str, Any] | None:
    """Read blocks on all cores; None if anything is wrong, so that the whole is to be read."""
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            parts = list(pool.map(partial(_read_block, text), blocks))
            pieces = _chain(blocks, parts)
            return {name: _concat(found, pool) if found else None for name, found in pieces.items()}
    except (pa.ArrowException, _Doubt):
        return None


def _read_block(text: bytes, block: Block) -> _Part:
    columns = _parse(block.document(text), use_threads=False)
    open_list = None
    if block.mark is not None:
        for name in LISTS:
            elements = columns[name]
            if elements is not None and len(elements) and elements[-1]["id"].as_py() == block.mark:
                open_list, columns[name] = name, elements[:-1]
        if open_list is None:
            raise _Doubt
    return _Part(_check(columns), open_list)


def _chain(blocks: Sequence[Block], parts: Sequence[_Part]) -> dict[str, list[pa.Array]]:
    pieces: dict[str, list[pa.Array]] = {name: [] for name in ANSWER.names}
    open_list = None
    for block, part in zip(blocks, parts, strict=True):
        if block.list_name != open_list:
            raise _Doubt
        for name, column in part.columns.items():
            if column is None:
                continue
            if pieces[name] and name != open_list:
                raise _Doubt
            pieces[name].append(column)
        open_list = part.open_list
    return pieces


def _concat(pieces: list[pa.Array], pool: Executor) -> pa.Array:
    """Put the pieces of an array together, its innermost columns on all cores."""

    def start(pieces: Sequence[pa.Array]) -> Any:
        if not pa.types.is_struct(pieces[0].type):
            return pool.submit(pa.concat_arrays, pieces)
        null = pool.submit(pa.concat_arrays, [piece.is_null() for piece in pieces])
        columns = zip(*(piece.flatten() for piece in pieces), strict=True)
        return null, [start(column) for column in columns]

    def finish(work: Any, kind: pa.DataType) -> pa.Array:
        if not pa.types.is_struct(kind):
            return work.result()
        null, columns = work
        arrays = [finish(column, field.type) for column, field in zip(columns, kind, strict=True)]
        return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=null.result())

    return finish(start(pieces), pieces[0].type)


def _parse(text: bytes, *, use_threads: bool = True) -> dict[str, Any]:
    table = pj.read_json(
        pa.BufferReader(text),
        read_options=pj.ReadOptions(block_size=len(text) + _SLACK, use_threads=use_threads),
        parse_options=pj.ParseOptions(
            explicit_schema=_TEXT_SCHEMA, unexpected_field_behavior="ignore"
        ),
    )
    if table.num_rows != 1:
        raise pa.ArrowInvalid("more than one JSON document")
    table.validate(full=True)
    columns = {}
    for name in ANSWER.names:
        column = table[name].combine_chunks()
        elements = column.flatten() if pa.types.is_list(column.type) else column
        columns[name] = None if column.null_count else elements
    return columns


def _check(columns: dict[str, Any]) -> dict[str, Any]:
    fields = {
        field.name: field.type.value_field if pa.types.is_list(field.type) else field
        for field in ANSWER
    }
    return {
        name: None if column is None else _checked(column, fields[name])
        for name, column in columns.items()
    }


def _checked(array: pa.Array, field: pa.Field, parent_nulls: int = 0) -> pa.Array:
    """Give an array its declared type, or object to what the type does not say."""
    if not field.nullable and array.null_count > parent_nulls:
        raise pa.ArrowInvalid(f"{field.name} is missing")
    if pa.types.is_struct(field.type):
        children = [
            _checked(child, inner, array.null_count)
            for child, inner in zip(array.flatten(), field.type, strict=True)
        ]
        mask = array.is_null() if array.null_count else None
        return pa.StructArray.from_arrays(children, fields=list(field.type), mask=mask)
    if pa.types.is_timestamp(field.type):
        return parse_times(array)
    if pa.types.is_integer(field.type):
        extent = pc.min_max(array).as_py()
        low, high = bounds(field)
        if extent["min"] is not None and not low <= extent["min"] <= extent["max"] <= high:
            raise pa.ArrowInvalid(f"{field.name} is out of bounds")
    return array


def _as_text(kind: pa.DataType) -> pa.DataType:
    # the reader takes a time without a zone for UTC, so times are read as text and parsed here
    if pa.types.is_timestamp(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _as_text(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_as_text(kind.value_type))
    return kind


_TEXT_SCHEMA = pa.schema([pa.field(field.name, _as_text(field.type)) for field in ANSWER])
