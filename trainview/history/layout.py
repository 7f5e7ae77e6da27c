"""The layout of a history: which files there are, what is in them, and which of them count."""

import json
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq

from trainview.errors import PayloadError, SourceError
from trainview.files.parquet import parquet_writer
from trainview.history.places import Place, list_names, read_bytes, with_parquet, write_file
from trainview.schema import TABLES, TIME
from trainview.tables.dtypes import without_categories

MARKER = "_trainview.json"
LAYOUT = 1
LOOKS, ASKED = "looks", "asked"

# What is written beside each record: when it was seen like this for the first time, the look
# before, whether that look was the last that saw it, and whether it was known before, but differed.
SEEN = [
    pa.field("look_id", pa.string(), nullable=False),
    pa.field("seen_at", TIME, nullable=False),
    pa.field("previous_look_at", TIME),
    pa.field("is_gone", pa.bool_(), nullable=False),
    pa.field("is_change", pa.bool_(), nullable=False),
]
_OWN: dict[str, pa.Schema] = {
    LOOKS: pa.schema(
        [
            pa.field("look_id", pa.string(), nullable=False),
            pa.field("looked_at", TIME, nullable=False),
            pa.field("as_of", TIME),
            pa.field("seen_at", TIME),
            # what this look changed is told beside the state that this one left
            pa.field("parent_look_id", pa.string()),
            pa.field("jobs", pa.int64()),
            pa.field("projects", pa.int64()),
            pa.field("changed", pa.int64()),
            pa.field("gone", pa.int64()),
            pa.field("failed_calls", pa.int64(), nullable=False),
        ]
    ),
    # which job was asked about for which table, and what its record was then
    ASKED: pa.schema(
        [
            pa.field("job_id", pa.string(), nullable=False),
            pa.field("table", pa.string(), nullable=False),
            pa.field("current_status", pa.string(), nullable=False),
            pa.field("updated_at", TIME, nullable=False),
        ]
    ),
}
_COMPACT = re.compile(r"compact-[0-9a-f]{32}\.parquet")
_REPLACES, _CURRENT = b"trainview_replaces", b"trainview_current"
_GROUP_ROWS = 100_000


def schema_of(table: str) -> pa.Schema:
    """Give the schema of the files of a table.

    Parameters
    ----------
    table : str
        A name of `trainview.schema.TABLES`, or ``looks`` or ``asked``.

    Returns
    -------
    pyarrow.Schema
        Its columns, text without categories, and those of `SEEN`.
    """
    if table == LOOKS:
        return _OWN[LOOKS]
    own = _OWN[ASKED] if table == ASKED else without_categories(TABLES[table])
    fields = [field.with_nullable(nullable=True).remove_metadata() for field in own]
    return pa.schema([*fields, *SEEN])


def new_look_id(now: datetime) -> str:
    """Name a look so that no other has its name, and names sort by time."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"


def new_part(look_id: str) -> str:
    """Name one of the files of a look."""
    return f"{look_id}-{secrets.token_hex(2)}"


def file_name(table: str, moment: datetime, name: str) -> str:
    """Say where a file of a table lies: in the month of its moment (UTC)."""
    return f"{table}/month={moment.astimezone(UTC):%Y-%m}/{name}.parquet"


def is_history(place: Place) -> bool:
    """Tell whether something was recorded at a place, by a version that we can read.

    Raises
    ------
    PayloadError
        If another version of trainview wrote it.
    """
    content = read_bytes(place, MARKER)
    if content is None:
        return False
    try:
        layout = json.loads(content)["layout"]
    except (ValueError, KeyError, TypeError, RecursionError):
        layout = None
    if layout != LAYOUT:
        raise PayloadError(
            f"{place.shown}/{MARKER}: layout {layout!r}, but this trainview reads {LAYOUT}: "
            "a newer trainview wrote it, or it is damaged"
        )
    return True


def expect_history(place: Place) -> None:
    """Object to a place where nothing was recorded.

    Raises
    ------
    SourceError
        If it is none.
    PayloadError
        If another version of trainview wrote it.
    """
    if not is_history(place):
        raise SourceError(
            f"{place.shown}: nothing was recorded there: trainview record {place.shown}"
        )


def mark_history(place: Place) -> None:
    """Mark a place as a history, if it is not one yet."""
    if not is_history(place):
        text = json.dumps({"layout": LAYOUT, "written_by": "trainview"}, indent=2) + "\n"
        write_file(place, MARKER, text.encode())


def name_compact(names: Iterable[str]) -> str:
    """Name the file that replaces others: who joins the same ones writes the same file."""
    digest = sha256("\n".join(sorted(names)).encode()).hexdigest()
    return f"compact-{digest[:32]}"


def write_compact(
    place: Place, name: str, parts: Sequence[pa.Table], names: Iterable[str], line_end: str | None
) -> None:
    """Write a file that replaces others.

    Parameters
    ----------
    place : Place
        A history.
    name : str
        Which file of it.
    parts : sequence of pyarrow.Table
        Its rows; behind the first part those that have newer versions in it, of the line of looks
        up to `line_end`.
    names : iterable of str
        What it replaces.
    line_end : str or None
        The id of a look; None where all rows may be needed.
    """
    sink = pa.BufferOutputStream()
    groups = -(-parts[0].num_rows // _GROUP_ROWS)
    metadata = {_REPLACES: json.dumps(sorted(names))}
    if line_end is not None:
        metadata[_CURRENT] = json.dumps({"line_end": line_end, "row_groups": groups})
    with parquet_writer(sink, parts[0].schema.with_metadata(metadata)) as writer:
        for part in parts:
            writer.write_table(part, row_group_size=_GROUP_ROWS)
    write_file(place, name, sink.getvalue())


def current_groups(file: pq.ParquetFile, is_in_line: Callable[[str], bool] | None) -> list[int]:
    """List the row groups of a file that may hold what a line of looks left.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile
        Any file of a history.
    is_in_line : callable or None
        Tells whether a look belongs to the line; None for all rows.

    Returns
    -------
    list of int
        All of them, but for a file that knows which rows it has newer versions of.
    """
    metadata = file.schema_arrow.metadata or {}
    number = file.num_row_groups
    if is_in_line is not None and _CURRENT in metadata:
        current = json.loads(metadata[_CURRENT])
        if is_in_line(current["line_end"]):
            number = min(number, current["row_groups"])
    return list(range(number))


def replaced_by(place: Place, name: str) -> list[str]:
    """Read which files a file replaces; none for one that a look wrote."""
    if not _COMPACT.fullmatch(name.rpartition("/")[2]):
        return []
    metadata = with_parquet(place, name, lambda file: file.schema_arrow.metadata) or {}
    try:
        return [str(one) for one in json.loads(metadata[_REPLACES])]
    except (KeyError, ValueError):
        raise PayloadError(
            f"{place.shown}/{name}: damaged: it does not say what it replaces: move it away"
        ) from None


def live_files(place: Place, table: str) -> tuple[list[str], list[str]]:
    """List the files of a table that count, and those that were replaced and can go.

    Parameters
    ----------
    place : Place
        A history.
    table : str
        Which table.

    Returns
    -------
    live, replaced : list of str
        Paths from the place on. Of two files that replace some of the same ones, the one that
        replaces more counts: it was made from what the other was made from.
    """
    names = [name for name in list_names(place, table) if name.endswith(".parquet")]
    compact = {name: {name, *replaced_by(place, name)} for name in names if _COMPACT.search(name)}
    out: set[str] = set()
    for name, covered in compact.items():
        out |= covered - {name}
        less = covered - {name}
        if less and any(less < other for other in compact.values() if other is not covered):
            out.add(name)
    return [name for name in names if name not in out], [name for name in names if name in out]
