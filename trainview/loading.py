"""Load and merge: whatever holds answers of the API, as a Snapshot."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import pyarrow as pa

from trainview.errors import ArgumentError, DataWarning, PayloadError
from trainview.files.sources import IN_LIST, Options, Part, Source, read_source
from trainview.history.places import Place
from trainview.history.reading import history_at, read_history
from trainview.reading.records import Records
from trainview.schema import FLEET_TABLES, GAPS
from trainview.snapshot import Snapshot
from trainview.snapshot.story import RELATED, JobStory, find_job, job, related, tell
from trainview.tables.attempts import link_attempts
from trainview.tables.combining import combine, newest_of
from trainview.tables.core import Tables, build_tables, to_records
from trainview.tables.dtypes import to_pandas
from trainview.tables.folding import fold
from trainview.tables.frames import to_fleet, to_gaps, to_tables
from trainview.tables.linking import link
from trainview.text.gaps import count_rejected, name_gaps
from trainview.text.moments import read_moment
from trainview.text.safe import safe_text

_SKIP_HINT = '; on_error="skip" leaves such records out'


def load(
    source: Source,
    *,
    as_of: str | date | datetime | None = None,
    at: str | date | datetime | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    tz: str | None = None,
) -> Snapshot:
    """Load answers of the API, saved snapshots, exported tables or a recorded history.

    Parameters
    ----------
    source : path, bytes, file object, mapping, or list of those
        The list-projects, search-jobs or jobs-of-a-project answer, or what `Snapshot.to_json` or
        ``trainview fetch`` saved, as ``.json``, ``.json.gz``, bytes or parsed; the answers about
        prices, capacity, bills, the queue, checkpoints or metrics; or a folder of such files, or
        one that `Snapshot.to_parquet` or `Snapshot.to_csv` wrote. Several sources give one
        snapshot, in which the newest record of each id wins. Or, by itself, what `record` wrote: a
        folder, or a URL such as ``s3://bucket/folder``.
    as_of : str, datetime.date or datetime.datetime, optional
        The moment the data describes: with a zone, or a day, which begins at midnight UTC. When
        left out: the one saved in the file, else the newest timestamp in the data, samples,
        events, checkpoints and bills included.
    at : str, datetime.date or datetime.datetime, optional
        Of a recorded history: the moment whose state to load, with what was there then and is
        deleted now, and without what came later. It is then the ``as_of``, but not after the newest
        look, whose state is loaded when it is left out.
    on_error : {"raise", "skip"}, optional
        What becomes of records that are not what the API documents, and of files in a folder or
        sources among several that cannot be read: an error, or they are left out, with a warning
        that counts them and a row each in `Snapshot.rejected`. A path has to be there in any case.
    tz : str, optional
        The zone of times that have none, such as ``"Europe/Berlin"``: the vendor's command line
        lists checkpoints in the local time of its machine.

    Returns
    -------
    Snapshot
        The tables.

    Raises
    ------
    SourceError
        If a file or folder does not exist or cannot be read.
    PayloadError
        If the data is not what the API documents; with the path to the first fault.
    ArgumentError
        If ``source`` or ``as_of`` is of the wrong kind.

    Warns
    -----
    DataWarning
        If a total may not be what it was: records were left out, bills that overlap differ, or
        something could not be fetched when a folder was saved; and if a file was changed since
        trainview wrote it. What else is odd, such as unknown statuses, duplicate ids or
        contradictory times, is in `Snapshot.notes` alone.

    Examples
    --------
    >>> import trainview as tv
    >>> tv.load(b'{"training_projects": []}')
    <Snapshot of no known time: 0 projects, 0 jobs (0 open, the latest of each project), \
0 instance types>
    """
    moment = None if as_of is None else read_moment(as_of, "as_of")
    if on_error not in {"raise", "skip"}:
        raise ArgumentError(f"on_error={on_error!r}: choose 'raise' or 'skip'")
    place = history_at(source)
    if place is not None:
        parts, moment = _read_history(place, at, moment)
    elif at is not None:
        raise ArgumentError(
            f"at={safe_text(at, 60)!r} is for a folder or bucket that trainview record wrote"
        )
    else:
        parts = _read(source, Options(on_error == "skip", _zone(tz)))
    return _to_whole(parts, moment, stacklevel=3)


def load_job(
    source: Source,
    job_id: str,
    *,
    as_of: str | date | datetime | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    tz: str | None = None,
) -> JobStory:
    """Load as much as the story of one job takes, and tell it.

    Parameters
    ----------
    source, as_of, on_error, tz
        As for `load`; of a recorded history, `as_of` is the moment whose state to load. Of a folder
        that trainview exported, of the largest tables only the rows of the jobs that the story is
        about are read.
    job_id : str
        As for `job`.

    Returns
    -------
    JobStory
        What `job` gives for the whole.

    Raises
    ------
    ArgumentError
        If there is no such job, or there are several.
    SourceError, PayloadError
        As `load` does.
    """
    if history_at(source) is not None:
        return job(load(source, at=as_of), job_id)
    moment = None if as_of is None else read_moment(as_of, "as_of")

    def choose(tables: Tables) -> list[str]:
        jobs = to_pandas(tables.jobs.select(RELATED))
        return related(jobs, find_job(jobs, job_id))

    # in several folders a job may be in one of them only
    is_one = not isinstance(source, (list, tuple))
    options = Options(on_error == "skip", _zone(tz), choose if is_one else None)
    parts = _read(source, options)
    snapshot = _to_whole(parts, moment, stacklevel=3)
    known = [name for name in FLEET_TABLES if any(name in part for part in _fleet_of(parts))]
    return tell(snapshot, find_job(snapshot.jobs, job_id), known)


def _fleet_of(parts: Iterable[Part]) -> list[dict[str, pa.Table]]:
    return [part for part in parts if isinstance(part, dict)]


def _to_whole(parts: Sequence[Part], moment: datetime | None, *, stacklevel: int) -> Snapshot:
    """Put what was read together, and warn of what changes a total."""
    records = [part for part in parts if isinstance(part, Records)]
    fleet = _fleet_of(parts)
    fleet += [dict(part.gaps) for part in records if part.gaps]
    # what was exported with projects and jobs has their moment
    undated = [part for part in fleet if "not_fetched" not in part]
    tables = build_tables(records, moment, newest=newest_of(undated))
    notes: list[str] = []
    snapshot = _to_snapshot(tables, fleet, notes)
    # what is odd in the records changes no total: it is told by the notes
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=stacklevel)
    gaps = tuple(part for part in parts if isinstance(part, str))
    gaps += tuple(
        f"{gap} could not be fetched when this was saved" for gap in name_gaps(snapshot.not_fetched)
    )
    gaps += count_rejected(snapshot.rejected)
    for note in gaps:
        warnings.warn(note, DataWarning, stacklevel=stacklevel)
    elsewhere = [pa.table(part["notes"])["note"] for part in fleet if "notes" in part]
    others = tuple(dict.fromkeys(note for found in elsewhere for note in found.to_pylist()))
    return replace(snapshot, notes=(*snapshot.notes, *gaps, *others))


def _read_history(
    place: Place, at: str | date | datetime | None, as_of: datetime | None
) -> tuple[list[Part], datetime]:
    if as_of is not None:
        raise ArgumentError("as_of= of a recorded history: say the moment with at=")
    records, fleet, moment = read_history(place, None if at is None else read_moment(at, "at"))
    return [records, fleet], moment


def _read(source: Source, options: Options) -> list[Part]:
    try:
        return fold(read_source(source, options))
    except PayloadError as error:
        message = str(error)
    hint = "" if options.skip_bad else _SKIP_HINT
    raise PayloadError(f"{message}{hint if IN_LIST.search(message) else ''}")


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ArgumentError(
            f"tz={safe_text(name, 60)!r} is no time zone: write it like 'Europe/Berlin'"
        ) from None


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Merge snapshots of different moments into one.

    Parameters
    ----------
    snapshots : iterable of Snapshot
        In any order.

    Returns
    -------
    Snapshot
        With the newest record of each job and project. Those that only an older snapshot knows
        are kept as they were last seen: an open job that vanished ends, for all we know, at the
        ``as_of`` of the snapshot that saw it last. Its ``as_of`` is the newest one. What could not
        be fetched for any of them is in its ``not_fetched``.

    Raises
    ------
    ArgumentError
        If there is no snapshot, or something else among them.

    Examples
    --------
    >>> import trainview as tv
    >>> old = tv.load(tv.sample(projects=2, seed=1))
    >>> new = tv.load(tv.sample(projects=3, seed=2))
    >>> len(tv.merge([old, new]).projects)
    5
    """
    found = [] if isinstance(snapshots, Snapshot) else list(snapshots)
    if not found or not all(isinstance(snapshot, Snapshot) for snapshot in found):
        raise ArgumentError("merge takes a list of snapshots, as load and fetch give them")
    undated = pd.Timestamp.min.tz_localize("UTC")
    oldest_first = sorted(found, key=lambda snapshot: snapshot.as_of or undated)
    return _to_snapshot(
        build_tables([to_records(to_tables(snapshot)) for snapshot in found]),
        [to_fleet(snapshot) | to_gaps(snapshot) for snapshot in oldest_first],
        [],
    )


def _to_snapshot(
    tables: Tables, fleet: Sequence[Mapping[str, pa.Table]], notes: list[str]
) -> Snapshot:
    """Put the parts together, and add what is odd to the notes."""
    fleet = [link_attempts(dict(part), tables.jobs) for part in fleet]
    found = {name: _tables(fleet, name) for name in FLEET_TABLES}
    more = {
        name: combine(name, parts, notes)
        for name, parts in found.items()
        if any(part.num_rows for part in parts)
    }
    more = link(more, tables.jobs, tables.projects)
    gaps = {
        name: pa.concat_tables(
            [schema.empty_table(), *(part[name] for part in fleet if name in part)]
        )
        for name, schema in GAPS.items()
    }
    as_of = None if tables.as_of is None else pd.Timestamp(tables.as_of)
    return Snapshot(
        projects=to_pandas(tables.projects),
        jobs=to_pandas(tables.jobs),
        instance_types=to_pandas(tables.instance_types),
        as_of=as_of if as_of is None else as_of.tz_convert("UTC").as_unit("us"),
        latest_only=tables.latest_only,
        notes=(*tables.notes, *notes),
        **{
            name: to_pandas(table).drop_duplicates(ignore_index=True)
            for name, table in gaps.items()
        },
        **{name: to_pandas(table) for name, table in more.items()},
    )


def _tables(parts: Sequence[Mapping[str, pa.Table]], name: str) -> list[pa.Table]:
    return [part[name] for part in parts if name in part]
