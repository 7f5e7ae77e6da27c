"""Record: look at the API once, or again and again, and keep what changed."""

import logging
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trainview.api.client import Access
from trainview.errors import (
    ApiError,
    ArgumentError,
    AuthError,
    DataWarning,
    NetworkError,
    PayloadError,
    SourceError,
    TrainviewError,
)
from trainview.fetching.each_job import CACHE_LIMIT_GIB, CONCURRENCY, SETTLED, Options
from trainview.fetching.extras import OF_ORGANISATION, OF_PROJECTS, Include, check_include
from trainview.fetching.payloads import fetch_lists
from trainview.fetching.snapshots import fetch_more
from trainview.files.atomic import from_home
from trainview.files.export import MANIFEST
from trainview.files.saved import read_bytes
from trainview.files.sources import JSON_ENDINGS, Source
from trainview.history.layout import LOOKS, schema_of
from trainview.history.places import Place, find_place
from trainview.history.versions import KEYS
from trainview.history.writing import (
    Look,
    append_answer,
    append_asked,
    begin_look,
    end_look,
    note_failure,
    read_asked,
)
from trainview.loading import load
from trainview.reading.records import decompress
from trainview.schema import FLEET_TABLES, TABLES
from trainview.snapshot import Snapshot
from trainview.tables.core import Tables, build_tables
from trainview.tables.dtypes import to_pandas
from trainview.tables.frames import to_fleet, to_tables
from trainview.text.moments import LONGEST, parse_span
from trainview.text.names import did_you_mean
from trainview.text.safe import safe_text

# So many jobs are asked about before what they said is written, so that memory stays small.
_AT_ONCE = 200
# A cache can have hundreds of thousands of files.
_PROJECTS_AT_ONCE = 20
# Two recorders at once can come this late.
_JUMP = timedelta(hours=1)
_LISTS_PROJECTS = b'"training_projects"'
_logger = logging.getLogger("trainview")


def record(  # noqa: PLR0913 - what fetch takes, and when
    dest: str | os.PathLike[str],
    *,
    include: Include = (),
    every: str | timedelta | None = None,
    looks: int | None = None,
    snapshots: Iterable[Source] | None = None,
    without: str | Iterable[str] = (),
    on_error: Literal["raise", "skip"] = "raise",
    concurrency: int = CONCURRENCY,
    cache: Any = True,
    cache_limit_gib: float = CACHE_LIMIT_GIB,
    **client: Any,
) -> pd.DataFrame:
    """Look at the API and keep what is new or changed, so that nothing it forgets is lost.

    A look makes the two calls for projects and jobs. What it writes is plain Parquet, partitioned
    by month, that `load`, `status_intervals` and other programs read; nothing that stands there is
    ever changed. Two recorders at once, or one that is killed, do no harm.

    Parameters
    ----------
    dest : path or str
        A folder, or a URL that `pyarrow.fs` knows (``s3://``, ``gs://``), with the credentials of
        the environment. It is made if it does not exist.
    include : str or iterable of str, optional
        What else to ask for, as in `fetch`. What takes a call a job is asked for jobs that are new
        or changed since they were last asked about, what takes a call a project each time.
    every : str or datetime.timedelta, optional
        Look again and again, so far apart: ``"5m"``. A look that fails is noted and logged, and the
        next one tried. One look when left out, whose failure is an error.
    looks : int, optional
        With `every`: stop after so many looks.
    snapshots : iterable of sources, optional
        Record what was saved instead of asking the API: each a source that `load` takes, in any
        order; one is in memory at a time.
    without : str or iterable of str, optional
        Columns that are not kept, such as ``"user_email"``; only those that can be null.
    on_error : {"raise", "skip"}, optional
        What becomes of records that are not what the API documents, as in `load`.
    concurrency, cache, cache_limit_gib : optional
        As in `fetch_metrics`.
    **client
        What `Client` takes: ``api_key``, ``base_url``, ``timeout`` and so on.

    Returns
    -------
    pandas.DataFrame
        One row a look: ``look_id`` (str), ``looked_at``, ``as_of`` and ``seen_at`` (datetime, UTC;
        null for a look that failed), ``jobs``, ``projects``, ``changed``, ``gone`` (Int64, records;
        null likewise) and ``failed_calls`` (int64).

    Raises
    ------
    ArgumentError
        If an argument cannot be right.
    OutputError
        If it cannot be written. What was written until then is valid, and the next look writes
        the rest.
    TrainviewError
        As `fetch` and `load` do.
    KeyboardInterrupt
        If you stop it; what was recorded stays.

    Warns
    -----
    DataWarning
        As `fetch` does; and if a look is of an earlier moment than one before it.

    Examples
    --------
    >>> import tempfile
    >>> import trainview as tv
    >>> saved = tv.sample(projects=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     looks = tv.record(folder, snapshots=[saved])
    ...     len(tv.load(folder).projects)
    3
    """
    rows = []
    options = Options(concurrency, cache, cache_limit_gib=cache_limit_gib)
    for row in looking(
        dest, include=include, every=every, looks=looks, snapshots=snapshots, without=without,
        on_error=on_error, options=options, **client,
    ):  # fmt: skip
        if "error" in row:
            _logger.warning("this look failed: %s", row["error"])
        rows.append(row)
    return _frame(rows)


def looking(  # noqa: PLR0913 - as record
    dest: str | os.PathLike[str],
    *,
    include: Include = (),
    every: str | timedelta | None = None,
    looks: int | None = None,
    snapshots: Iterable[Source] | None = None,
    without: str | Iterable[str] = (),
    on_error: Literal["raise", "skip"] = "raise",
    options: Options = Options(),  # noqa: B008 - it cannot be changed
    wait: Callable[[float], bool] | None = None,
    **client: Any,
) -> Iterator[dict[str, Any]]:
    """Record, and tell of each look as it ends.

    Parameters
    ----------
    dest, include, every, looks, snapshots, without, on_error, **client
        As in `record`.
    options : Options, optional
        How to ask about each job.
    wait : callable, optional
        Waits for so many seconds; true to stop.

    Yields
    ------
    dict of str to object
        A row of the table ``looks``; of one that failed also its ``error``.
    """
    place, names, dropped = find_place(dest), check_include(include), _columns(without)
    if snapshots is not None:
        if every is not None or names:
            raise ArgumentError("snapshots=: give neither every= nor include= with what was saved")
        yield from _import(place, snapshots, dropped, on_error)
        return
    client = Access(client)
    seconds = _seconds(every)
    if looks is not None and (seconds is None or looks < 1):
        raise ArgumentError(f"looks={looks!r}: a number above zero, together with every=")
    done = 0
    while True:
        begun = time.monotonic()
        looked_at = datetime.now(UTC)
        try:
            yield _look(place, names, dropped, on_error, options, client, looked_at)
        except (ApiError, NetworkError, PayloadError, SourceError) as error:
            if isinstance(error, AuthError) or seconds is None:
                with suppress(TrainviewError):
                    note_failure(place, looked_at=looked_at)
                raise
            yield note_failure(place, looked_at=looked_at) | {"error": safe_text(error)}
        done += 1
        if seconds is None or done == looks:
            return
        # from one beginning to the next, whatever a look takes
        left = max(begun + seconds - time.monotonic(), 0.0)
        if wait is None:
            time.sleep(left)
        elif wait(left):
            return


def _look(
    place: Place,
    names: list[str],
    without: frozenset[str],
    on_error: Literal["raise", "skip"],
    options: Options,
    client: Mapping[str, Any],
    looked_at: datetime,
) -> dict[str, Any]:
    lists = fetch_lists(on_error=on_error, **client)
    tables = build_tables(lists.parts, lists.as_of)
    look = begin_look(place, tables.as_of or looked_at, looked_at=looked_at)
    if look.newest_at is not None and look.newest_at - look.as_of > _JUMP:
        message = (
            f"{place.shown}: this look is of {look.as_of:%Y-%m-%d %H:%M} UTC, but one before it "
            f"was of {look.newest_at:%Y-%m-%d %H:%M}, when a clock was wrong: until then, that one "
            "counts as the newest"
        )
        warnings.warn(message, DataWarning, stacklevel=4)
    changed, gone = _append_lists(look, tables, without, is_complete=lists.is_complete)
    failed = 0
    if names:
        snapshot = load(lists.payload(), on_error=on_error)
        failed = _append_more(look, snapshot, names, options, client, without)
    return end_look(
        look, jobs=tables.jobs.num_rows, projects=tables.projects.num_rows, changed=changed,
        gone=gone, failed_calls=failed,
    )  # fmt: skip


def _append_more(
    look: Look,
    snapshot: Snapshot,
    names: list[str],
    options: Options,
    client: Mapping[str, Any],
    without: frozenset[str],
) -> int:
    """Ask for what is beside projects and jobs, append it, and count what failed."""
    of_all = [name for name in names if name in OF_ORGANISATION]
    more = fetch_more(snapshot, of_all, options, client) if of_all else snapshot
    answered = set(of_all) - set(more.not_fetched["table"])
    for name, table in to_fleet(more).items():
        if name in answered:
            append_answer(look, name, table, without=without)
    failed = len(more.not_fetched)
    for name in names:
        if name in OF_PROJECTS:
            failed += _ask_projects(look, snapshot, name, options, client, without)
        elif name not in OF_ORGANISATION:
            failed += _ask_jobs(look, snapshot, name, options, client, without)
    return failed


def _append_lists(
    look: Look, tables: Tables, without: frozenset[str], *, is_complete: bool
) -> tuple[int, int]:
    """Append projects and jobs; what could not be read is not gone."""
    found = [
        append_answer(look, name, table, is_complete=is_complete, without=without)
        for name, table in (("projects", tables.projects), ("jobs", tables.jobs))
    ]
    return sum(one.changed for one in found), sum(one.gone for one in found)


def _ask_jobs(
    look: Look,
    snapshot: Snapshot,
    name: str,
    options: Options,
    client: Mapping[str, Any],
    without: frozenset[str],
) -> int:
    """Ask about the jobs that changed since they were last asked about; count what failed."""
    jobs = _unasked(look, snapshot, name)
    failures = 0
    for first in range(0, len(jobs), _AT_ONCE):
        some = jobs.iloc[first : first + _AT_ONCE]
        part = fetch_more(_bare(snapshot, some), name, options, client)
        failed = part.not_fetched
        failures += len(failed)
        answered = some[~some["job_id"].isin(failed["job_id"])]
        scope = pa.array(answered["job_id"], pa.string())
        for table, rows in to_fleet(part).items():
            own = rows.filter(pc.is_in(rows["job_id"], value_set=scope))
            append_answer(look, table, own, scope=scope, without=without)
        asked = to_tables(_bare(snapshot, answered)).jobs
        append_asked(look, name, asked)
    return failures


def _ask_projects(
    look: Look,
    snapshot: Snapshot,
    name: str,
    options: Options,
    client: Mapping[str, Any],
    without: frozenset[str],
) -> int:
    """Ask about all projects, as what their jobs leave there can change at any time."""
    failures = 0
    for first in range(0, len(snapshot.projects), _PROJECTS_AT_ONCE):
        some = snapshot.projects.iloc[first : first + _PROJECTS_AT_ONCE]
        bare = replace(_bare(snapshot, snapshot.jobs.head(0)), projects=some)
        part = fetch_more(bare, name, options, client)
        failures += len(part.not_fetched)
        for table, rows in to_fleet(part).items():
            # of a project that was not told about, nothing is gone
            append_answer(look, table, rows, scope=_ids(rows, table), without=without)
    return failures


def _ids(rows: pa.Table, table: str) -> pa.Array | None:
    """List the jobs or projects that rows are about; None where a table is about no such thing."""
    key = KEYS.get(table, ("",))[0]
    return pc.unique(rows[key].cast(pa.string())) if key in {"job_id", "project_id"} else None


def _bare(snapshot: Snapshot, jobs: pd.DataFrame) -> Snapshot:
    empty = {name: to_pandas(schema.empty_table()) for name, schema in FLEET_TABLES.items()}
    gaps = snapshot.not_fetched.head(0)
    return replace(snapshot, jobs=jobs.reset_index(drop=True), not_fetched=gaps, **empty)  # type: ignore[arg-type]


def _unasked(look: Look, snapshot: Snapshot, name: str) -> pd.DataFrame:
    """List the jobs that changed since, or were asked about when it was too early for the end."""
    columns = ["job_id", "current_status", "updated_at", "seen_at"]
    known = read_asked(look, name).select(columns).to_pandas()
    jobs = snapshot.jobs
    if not len(known):
        return jobs
    ids = pd.Index(known["job_id"]).get_indexer(jobs["job_id"])
    then = known.iloc[ids].set_axis(jobs.index)
    same = (ids >= 0) & (then["current_status"] == jobs["current_status"].astype("object"))
    same &= then["updated_at"] == jobs["updated_at"]
    settled = jobs["updated_at"] + SETTLED
    early = ~jobs["is_open"] & (then["seen_at"] < settled) & (settled <= look.as_of)
    unasked: pd.DataFrame = jobs[~same | early]
    return unasked


def _import(
    place: Place,
    snapshots: Iterable[Source],
    without: frozenset[str],
    on_error: Literal["raise", "skip"],
) -> Iterator[dict[str, Any]]:
    """Record what was saved, the oldest first, one in memory at a time."""
    dated: list[tuple[datetime, int, Source]] = []
    for source in _each_file(snapshots):
        with warnings.catch_warnings():
            # they are told when the source is recorded
            warnings.simplefilter("ignore", DataWarning)
            found = load(source, on_error=on_error).as_of
        if found is not None:
            dated.append((found.to_pydatetime(), len(dated), source))
    for as_of, _, source in sorted(dated, key=lambda one: one[:2]):
        snapshot = load(source, on_error=on_error)
        look = begin_look(place, as_of, looked_at=datetime.now(UTC))
        # one answer alone, or those of a project, tell nothing of what they lack
        is_whole = (
            not snapshot.latest_only
            and not len(snapshot.rejected)
            and bool(snapshot.projects["created_at"].notna().all())
        )
        tables = to_tables(snapshot)
        changed, gone = _append_lists(look, tables, without, is_complete=is_whole)
        for name, table in to_fleet(snapshot).items():
            append_answer(look, name, table, scope=_ids(table, name), without=without)
        yield end_look(
            look, jobs=len(snapshot.jobs), projects=len(snapshot.projects), changed=changed,
            gone=gone, failed_calls=len(snapshot.not_fetched),
        )  # fmt: skip


def _each_file(snapshots: Iterable[Source]) -> Iterator[Source]:
    """List the files of folders in which each lists projects: a snapshot of its own."""
    for source in [snapshots] if isinstance(snapshots, (str, bytes, os.PathLike)) else snapshots:
        folder = from_home(source) if isinstance(source, (str, os.PathLike)) else None
        if folder is None or not folder.is_dir() or (folder / MANIFEST).exists():
            yield source
            continue
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        if all(map(_is_snapshot, files)):
            yield from files
        else:
            yield source


def _is_snapshot(path: Path) -> bool:
    return (
        path.is_file()
        and path.name.endswith(JSON_ENDINGS)
        and _LISTS_PROJECTS in decompress(read_bytes(path), safe_text(path))
    )


def _columns(without: str | Iterable[str]) -> frozenset[str]:
    names = [without] if isinstance(without, str) else list(without)
    nullable: dict[str, bool] = {}
    for schema in TABLES.values():
        for field in schema:
            nullable[field.name] = nullable.get(field.name, True) and field.nullable
    for name in names:
        if not nullable.get(name, False):
            known = [one for one, may in nullable.items() if may]
            why = "is needed" if name in nullable else f"is no column{did_you_mean(name, known)}"
            raise ArgumentError(f"without={name!r}: {why}: name columns that can be null")
    return frozenset(names)


def _seconds(every: str | timedelta | None) -> float | None:
    if every is None:
        return None
    span = parse_span(every) if isinstance(every, str) else every
    if not isinstance(span, timedelta) or not timedelta(0) < span <= LONGEST:
        raise ArgumentError(f"every={every!r}: give a length of time above zero, such as 5m")
    return span.total_seconds()


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pa.Table.from_pylist(rows, schema=schema_of(LOOKS))
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return frame.astype({"failed_calls": "int64"})
