"""Files that people take for the API's answers: what they look like, in one line."""

import re
from collections.abc import Iterable
from typing import Any

_HTML = re.compile(rb"\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)
_CSV = re.compile(r"[\w \"'.-]+(?:[,;\t][\w \"'.-]+)+")
_MAGIC = {
    b"PAR1": "a Parquet file: give it a name that ends in .parquet",
    b"PK\x03\x04": "a zip archive or an Excel file: give the files that it was made from",
    b"%PDF": "a PDF: give what it was made from",
    b"SQLite format 3": "an SQLite database: export the API's answers from it",
    b"\x89PNG": "a picture: give what it was made from",
    b"\x28\xb5\x2f\xfd": "zstd data: unpack it first",
    b"BZh": "bzip2 data: unpack it first",
    b"\xfd7zXZ": "xz data: unpack it first",
}


# Letters of UTF-16 have zero bytes too, and are told apart.
_BINARY = re.compile(rb"[\x00-\x06\x0e-\x1a]")
_OTHER_TEXT = (b"\xff\xfe", b"\xfe\xff", b"{", b"[", b"\0{", b"\0[")
_TAR = b"ustar"
_BLANK = b" \t\r\n\xef\xbb\xbf"
_CODE = {"code", "message"}
_OURS = b"trainview"
_REPORT = "a report of trainview: give the snapshot that it was made from"
_PAGE = "an HTML page, perhaps of a proxy or a login: save the JSON"


def describe(payload: bytes, tables: Iterable[tuple[str, list[str]]] = ()) -> str | None:
    """Say what a payload is that is no answer of the API.

    Parameters
    ----------
    payload : bytes
        All of it, or its beginning.
    tables : iterable of (str, list of str), optional
        Names of tables with their columns, to know a table again that stands alone.

    Returns
    -------
    str or None
        With what to do; None if it looks like none of what is known here.

    Examples
    --------
    >>> describe(b"<!DOCTYPE html><title>Sign in</title>")
    'an HTML page, perhaps of a proxy or a login: save the JSON'
    """
    if not payload[:4096].strip(_BLANK) and not payload.strip(_BLANK):
        return "an empty file: save the answer again"
    head = payload[:65_536]
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            return what
    if _HTML.match(head):
        return _REPORT if _OURS in head else _PAGE
    if head.startswith(_TAR, 257):
        return "a tar archive: unpack it first"
    if _BINARY.search(head) and not head.startswith(_OTHER_TEXT):
        return "a binary file: give the API's JSON"
    return _describe_csv(head, list(tables))


def describe_object(value: Any) -> str | None:
    """Say what a JSON object is that is no answer of the API with data.

    Parameters
    ----------
    value : object
        Parsed JSON.

    Returns
    -------
    str or None
        With what to do; None if it looks like none of what is known here. Nothing of what it says:
        it may hold links that are as good as a key.

    Examples
    --------
    >>> describe_object({"error": "unauthorized"})
    'an error that the API answered instead of data: ask again, and look at the status'
    """
    if not isinstance(value, dict):
        return None
    if {"cells", "nbformat"} <= value.keys():
        return "a Jupyter notebook: give the answers that it was made from"
    if "presigned_urls" in value or "checkpoint_artifacts" in value:
        return "a list of links to files, without the job: give the answer about the job"
    if any(value.get(key) for key in ("error", "errors", "detail")) or value.keys() >= _CODE:
        return "an error that the API answered instead of data: ask again, and look at the status"
    return None


def _describe_csv(head: bytes, tables: list[tuple[str, list[str]]]) -> str | None:
    lines = head.decode("utf-8-sig", "replace").splitlines()
    first = lines[0] if lines else ""
    if not _CSV.fullmatch(first.strip()):
        return None
    columns = [name.strip("\"' ") for name in re.split(r"[,;\t]", first.strip())]
    for table, names in tables:
        if set(names) <= set(columns):
            return f"the table {table} as CSV: give the whole folder that to_csv wrote"
    best, missing = min(
        ((table, [name for name in names if name not in columns]) for table, names in tables),
        key=lambda pair: len(pair[1]),
        default=("", []),
    )
    if best and len(missing) < len(dict(tables)[best]) / 2:
        return f"a CSV without {', '.join(missing[:5])}, so not the table {best}: export it again"
    return "a CSV: give the API's JSON, or the whole folder that to_csv wrote"
