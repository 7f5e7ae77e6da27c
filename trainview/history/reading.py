"""A history as it was at a moment: parts that `trainview.load` puts together."""

import os
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trainview.errors import SourceError
from trainview.files.atomic import from_home
from trainview.history.bills import join_bills
from trainview.history.layout import SEEN, expect_history, is_history
from trainview.history.places import Place, find_place, is_url
from trainview.history.versions import (
    COMPLETE,
    every_row,
    line_of,
    present,
    read_looks,
    state_at,
    state_of,
)
from trainview.reading.records import Records
from trainview.schema import FLEET_TABLES, JOBS, PROJECTS, TIME
from trainview.statuses import OPEN_PHASES
from trainview.tables.core import Tables, to_records
from trainview.tables.dtypes import conform, without_categories
from trainview.text.safe import safe_text


def history_at(source: Any) -> Place | None:
    """Find the history that a source is; None where it is something else.

    Parameters
    ----------
    source : object
        What `trainview.load` was given.

    Returns
    -------
    Place or None
        The place of a history.

    Raises
    ------
    SourceError
        If it is a URL without one, or cannot be reached.
    """
    if not isinstance(source, (str, os.PathLike)) or not os.fspath(source):
        return None
    if is_url(source):
        place = find_place(source)
        expect_history(place)
        return place
    try:
        if not from_home(source).is_dir():
            return None
    except (ValueError, OSError):
        return None
    place = find_place(source)
    return place if is_history(place) else None


def read_history(
    place: Place, at: datetime | None = None
) -> tuple[Records, dict[str, pa.Table], datetime]:
    """Read the state that the API had at a moment, as far as looks saw it.

    Parameters
    ----------
    place : Place
        A history.
    at : datetime.datetime, optional
        The moment; the newest look's when left out.

    Returns
    -------
    records : Records
        Projects and jobs of the last look up to that moment.
    fleet : dict of str to pyarrow.Table
        The other tables.
    as_of : datetime.datetime
        The moment that they describe: `at`, but not after the newest look.

    Raises
    ------
    SourceError
        If nothing was recorded up to that moment, or it cannot be read.
    """
    looks = read_looks(place)
    last, as_of = find_look(place, looks, at)
    line, until = line_of(looks, last["look_id"]), last["seen_at"]
    jobs = present(state_of(place, "jobs", line, until=until))
    jobs = jobs.drop_columns([field.name for field in SEEN])
    tables = Tables(
        projects=conform(present(state_of(place, "projects", line, until=until)), PROJECTS),
        jobs=conform(_open_until(jobs, as_of), JOBS),
        instance_types=pa.table({}),
        as_of=as_of,
        latest_only=False,
    )
    fleet = {name: _fleet_table(place, name, line, until) for name in FLEET_TABLES}
    # with its project a cache is deleted, and nobody asks for it again
    here = pc.is_in(fleet["caches"]["project_id"], value_set=tables.projects["project_id"])
    fleet["caches"] = fleet["caches"].filter(here)
    return to_records(tables), {name: t for name, t in fleet.items() if t.num_rows}, as_of


def find_look(
    place: Place, looks: pa.Table, at: datetime | None
) -> tuple[dict[str, Any], datetime]:
    """Find the last look up to a moment.

    Parameters
    ----------
    place : Place
        A history.
    looks : pyarrow.Table
        Its looks.
    at : datetime.datetime or None
        The moment; None for the newest look.

    Returns
    -------
    look : dict of str to object
        Its row.
    as_of : datetime.datetime
        The moment that its state describes: `at`, but not after the newest look.

    Raises
    ------
    SourceError
        If there is none.
    """
    done = looks.filter(pc.is_valid(looks["as_of"]))
    if not done.num_rows:
        raise SourceError(
            f"{place.shown}: no look has succeeded yet: trainview record {place.shown}"
        )
    newest = pc.max(done["as_of"]).as_py()
    until = done if at is None else done.filter(pc.less_equal(done["as_of"], pa.scalar(at, TIME)))
    if not until.num_rows:
        first = pc.min(done["as_of"]).as_py()
        raise SourceError(
            f"{place.shown}: nothing was recorded up to {safe_text(at)}: "
            f"the first look is of {first}"
        )
    return until.slice(until.num_rows - 1).to_pylist()[0], newest if at is None else min(at, newest)


def failed_since(place: Place) -> int:
    """Count the looks that have failed since the last one that succeeded.

    Parameters
    ----------
    place : Place
        A history.

    Returns
    -------
    int
        0 if the newest one succeeded.
    """
    looks = read_looks(place).sort_by("looked_at")
    failed = pc.is_null(looks["as_of"]).to_pylist()
    return next((count for count, bad in enumerate(reversed(failed)) if not bad), len(failed))


def _open_until(jobs: pa.Table, as_of: datetime) -> pa.Table:
    """Let what had not ended last until the moment."""
    not_ended = pc.is_in(jobs["phase"], value_set=pa.array(OPEN_PHASES))
    ends = pc.if_else(not_ended, pa.scalar(as_of, TIME), jobs["end_at"])
    return jobs.set_column(jobs.column_names.index("end_at"), "end_at", ends)


def _fleet_table(place: Place, name: str, line: pa.Array, moment: datetime) -> pa.Table:
    if name == "billing":
        rows = join_bills(every_row(place, name, moment))
    elif name in COMPLETE:
        rows = present(state_of(place, name, line, until=moment))
    else:
        # what was once told about a job stays true, whichever look wrote it
        rows = present(state_at(place, name, moment))
    schema = FLEET_TABLES[name]
    return conform(rows.select(schema.names).cast(without_categories(schema)), schema)
