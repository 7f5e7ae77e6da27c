"""JSON bytes to checked Arrow records, without a Python object per record.

The fast path (`trainview.reading.arrow_reader`) is fenced in by guards for what it would crash on
or silently accept. Where it or a guard objects, the slow path (`trainview.reading.validation`)
reads again and says what is wrong and where.
"""

import codecs
import gzip
import io
import logging
import zlib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

from trainview.errors import PayloadError
from trainview.reading.arrow_reader import MAX_BYTES, read_answer
from trainview.reading.validation import find_fault, unknown_fields
from trainview.schema import GAPS, JOB, PROJECT
from trainview.text.safe import safe_text

_LOG = logging.getLogger(__name__)
_GZIP_MAGIC = b"\x1f\x8b"
_UNPACKED_AT_ONCE, _PIECE = 64 * 2**20, 2**20
_JSON_SPACE = b" \t\n\r"


class Records(NamedTuple):
    """What one payload holds, as Arrow arrays of the API's own record types.

    Attributes
    ----------
    projects : pyarrow.StructArray
        Records of type `trainview.schema.PROJECT`, in the payload's order.
    jobs : pyarrow.StructArray
        Records of type `trainview.schema.JOB`; the projects' latest jobs are not among them.
    as_of : datetime.datetime or None
        The moment that a saved snapshot describes.
    latest_only : bool
        Whether the payload lists no jobs, so that only each project's latest job is known.
    gaps : mapping of str to pyarrow.Table
        What was missing when a snapshot was saved, by the names of `trainview.schema.GAPS`.
    """

    projects: pa.StructArray
    jobs: pa.StructArray
    as_of: datetime | None
    latest_only: bool
    gaps: Mapping[str, pa.Table] = MappingProxyType({})


def read_records(payload: bytes, name: str = "payload") -> Records:
    """Read an answer of the API, or a snapshot that was saved from answers.

    Parameters
    ----------
    payload : bytes
        JSON in UTF-8, possibly gzipped.
    name : str, optional
        What the payload is called in error messages, for example its path.

    Returns
    -------
    Records
        The checked records.

    Raises
    ------
    PayloadError
        If the payload is not what the API documents; with the path to the first fault.

    Notes
    -----
    Fields that the schema does not know are accepted, and logged at level INFO.

    Examples
    --------
    >>> read_records(b'{"training_projects": []}').projects.type.field("id").type
    DataType(string)
    """
    text = _to_utf8(payload, name)
    try:
        answer = read_answer(text)
    except (pa.ArrowException, OverflowError) as error:
        fault = find_fault(text) or safe_text(error, 200)
        raise PayloadError(f"{name}: {fault}") from None
    if _LOG.isEnabledFor(logging.INFO):
        for field, count in unknown_fields(text).items():
            _LOG.info("%s: unknown field %s, %d times", name, safe_text(field, 200), count)
    return _to_records(answer)


def decompress(payload: bytes, name: str = "payload") -> bytes:
    """Unpack a payload if its first bytes say that it is gzipped.

    Parameters
    ----------
    payload : bytes
        Anything.
    name : str, optional
        What the payload is called in error messages.

    Returns
    -------
    bytes
        The unpacked payload, or the payload itself.

    Raises
    ------
    PayloadError
        If the gzip stream is damaged or unpacks to more than 2 GiB.
    """
    if not payload.startswith(_GZIP_MAGIC):
        return payload
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(payload)) as stream:
            unpacked = stream.read(_UNPACKED_AT_ONCE)
            if len(unpacked) < _UNPACKED_AT_ONCE:
                return unpacked
            del unpacked
            # so much is counted first without being kept
            size = _UNPACKED_AT_ONCE
            while size <= MAX_BYTES and (piece := stream.read(_PIECE)):
                size += len(piece)
            _check_size(size, name)
        with gzip.GzipFile(fileobj=io.BytesIO(payload)) as stream:
            return stream.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise PayloadError(f"{name}: damaged gzip data ({error}): was it cut off?") from None


def _to_utf8(payload: bytes, name: str) -> bytes:
    text = decompress(payload, name)
    _check_size(len(text), name)
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or text[:2] in {b"{\0", b"\0{"}:
        raise PayloadError(f"{name}: UTF-16 text: save it as UTF-8")
    _check_utf8(text, name)
    start = len(codecs.BOM_UTF8) if text.startswith(codecs.BOM_UTF8) else 0
    head = text[start : start + 4096].lstrip(_JSON_SPACE) or text[start:].lstrip(_JSON_SPACE)
    if not head:
        raise PayloadError(f"{name}: empty: expected a JSON object with training_projects")
    if not head.startswith(b"{"):
        shown = safe_text(head[:40].decode("utf-8", "replace"), 40)
        raise PayloadError(
            f"{name}: expected a JSON object with training_projects or training_jobs, "
            f"but it begins with {shown}"
        )
    return text


def _check_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise PayloadError(f"{name}: larger than 2 GiB: split it into several files")


def _check_utf8(text: bytes, name: str) -> None:
    offsets = pa.array([0, len(text)], pa.int32()).buffers()[1]
    whole = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(text))
    try:
        whole.validate(full=True)
    except pa.ArrowInvalid:
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise PayloadError(f"{name}: not UTF-8 text at byte {error.start}") from None
        raise


def _to_records(answer: dict[str, Any]) -> Records:
    projects, jobs = answer["training_projects"], answer["training_jobs"]
    if projects is None:
        projects = answer["training_project"]
    saved = {} if answer["trainview"] is None else answer["trainview"][0].as_py()
    return Records(
        projects=pa.array([], PROJECT) if projects is None else projects,
        jobs=pa.array([], JOB) if jobs is None else jobs,
        as_of=saved.get("as_of"),
        latest_only=jobs is None or bool(saved.get("latest_only")),
        gaps={
            name: pa.Table.from_pylist(
                [row for row in rows if row and any(row.values())], schema=schema
            )
            for name, schema in GAPS.items()
            if (rows := saved.get(name))
        },
    )
