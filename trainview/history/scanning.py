"""Scan: a history or a folder of Parquet as lazy tables of an engine, at any size."""

import os
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

import narwhals.stable.v2 as nw
import pyarrow as pa
import pyarrow.compute as pc

from trainview.analysis.times import US_PER_HOUR, with_microseconds, with_zone
from trainview.errors import SourceError
from trainview.files.atomic import from_home
from trainview.files.export import MANIFEST
from trainview.files.saved import read_manifest
from trainview.history.bills import join_bills
from trainview.history.engines import Engine
from trainview.history.layout import is_history, live_files, schema_of
from trainview.history.places import Place, find_place
from trainview.history.reading import find_look
from trainview.history.versions import (
    COMPLETE,
    FACTS,
    KEYS,
    every_row,
    files_until,
    line_of,
    present,
    read_looks,
    state_of,
)
from trainview.schema import CORE_TABLES, INSTANCE_COLUMNS, TABLES, TIME
from trainview.statuses import OPEN_PHASES, STATUSES
from trainview.tables.dtypes import without_categories
from trainview.text.moments import read_moment
from trainview.text.safe import safe_text

if TYPE_CHECKING:
    import duckdb
    import polars as pl
    import pyspark.sql

_Table = TypeVar("_Table")
# These have a few rows an organisation, and are read at once.
_SMALL = {"prices", "capacity"}


class Scan(Generic[_Table]):
    """Lazy tables of one engine, each opened when it is asked for.

    Attributes
    ----------
    engine : str
        ``"polars"``, ``"duckdb"`` or ``"spark"``.
    as_of : datetime.datetime or None
        The moment that the tables describe, in UTC.
    projects, jobs, instance_types, prices, capacity, billing, queue, status_events, checkpoints, \
caches, metrics, logs : polars.LazyFrame, duckdb.DuckDBPyRelation or pyspark.sql.DataFrame
        The tables, with the columns that `columns` describes; those that nobody fetched have no
        rows.
    """

    projects: _Table
    jobs: _Table
    instance_types: _Table
    prices: _Table
    capacity: _Table
    billing: _Table
    queue: _Table
    status_events: _Table
    checkpoints: _Table
    caches: _Table
    metrics: _Table
    logs: _Table

    def __init__(
        self, engine: str, as_of: datetime | None, open_table: Callable[[str], _Table]
    ) -> None:
        self.engine, self.as_of = engine, as_of
        self._open = open_table

    def __getattr__(self, name: str) -> _Table:
        if name not in TABLES:
            raise AttributeError(f"a scan has no table {name!r}: it has {', '.join(TABLES)}")
        return self._open(name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *TABLES]

    def __repr__(self) -> str:
        moment = "of no known time" if self.as_of is None else f"{self.as_of:%Y-%m-%d %H:%M} UTC"
        return f"<Scan with {self.engine}, {moment}>"


@overload
def scan(
    source: str | os.PathLike[str],
    *,
    engine: Literal["polars"] = "polars",
    session: Any = None,
    at: str | date | datetime | None = None,
) -> "Scan[pl.LazyFrame]": ...
@overload
def scan(
    source: str | os.PathLike[str],
    *,
    engine: Literal["duckdb"],
    session: "duckdb.DuckDBPyConnection | None" = None,
    at: str | date | datetime | None = None,
) -> "Scan[duckdb.DuckDBPyRelation]": ...
@overload
def scan(
    source: str | os.PathLike[str],
    *,
    engine: Literal["spark"],
    session: "pyspark.sql.SparkSession | None" = None,
    at: str | date | datetime | None = None,
) -> "Scan[pyspark.sql.DataFrame]": ...
def scan(
    source: str | os.PathLike[str],
    *,
    engine: str = "polars",
    session: Any = None,
    at: str | date | datetime | None = None,
) -> "Scan[Any]":
    """Open a recorded history, or a folder of Parquet, as lazy tables: nothing is read yet.

    The helpers take these tables as they take any. The engine chooses the newest record of each
    job, and reads the columns and rows that are needed.

    Parameters
    ----------
    source : path or str
        What `record` wrote, a folder or a URL; or a folder that `Snapshot.to_parquet` or
        ``trainview fetch --with`` wrote.
    engine : {"polars", "duckdb", "spark"}, optional
        Whose tables to give.
    session : object, optional
        The connection of DuckDB or the session of Spark to use. When left out, DuckDB gets a new
        connection, and Spark the session that runs or a new one.
    at : str, datetime.date or datetime.datetime, optional
        Of a history: the moment whose state to give, as in `load`.

    Returns
    -------
    Scan
        Its attributes are the tables. Of a history, prices, capacity and bills are read at once,
        as they are small.

    Raises
    ------
    SourceError
        If it is neither, or cannot be read.
    ArgumentError
        If there is no such engine, or `at` is no moment.
    ConfigError
        If the engine is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import trainview as tv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = tv.record(folder, snapshots=[tv.sample(projects=3)])
    ...     fleet = tv.scan(folder)
    ...     tv.gpu_usage(fleet.jobs, by="gpu_type").collect().columns[:3]
    ['gpu_type', 'jobs', 'gpus']
    """
    opened = Engine(engine, session)
    place = find_place(source)
    if is_history(place):
        moment = None if at is None else read_moment(at, "at")
        looks = read_looks(place)
        last, as_of = find_look(place, looks, moment)
        line = line_of(looks, last["look_id"])
        look_at = partial(_of_history, opened, place, line, last["seen_at"], as_of)
        return Scan(engine, as_of, look_at)
    folder = from_home(Path(os.fspath(source)))
    if not (place.is_local and (folder / MANIFEST).is_file()):
        raise SourceError(
            f"{place.shown}: neither a recorded history nor Parquet that trainview wrote: "
            "trainview export --to parquet, or trainview record, writes what to scan"
        )
    manifest = read_manifest(folder / MANIFEST)
    if manifest["tables"] != "parquet":
        raise SourceError(
            f"{safe_text(source)}: CSV: trainview export --to parquet writes what to scan"
        )
    names = {*CORE_TABLES, *manifest["more"]}
    return Scan(engine, manifest["as_of"], partial(_of_folder, opened, place, names))


def _of_folder(engine: Engine, place: Place, names: set[str], name: str) -> Any:
    files = [f"{name}.parquet"] if name in names else []
    return engine.open(place, files, without_categories(TABLES[name]))


def _of_history(
    engine: Engine, place: Place, line: pa.Array, moment: datetime, as_of: datetime, name: str
) -> Any:
    if name == "instance_types":
        return _instance_types(_of_history(engine, place, line, moment, as_of, "jobs"))
    columns = TABLES[name].names
    plain = without_categories(TABLES[name])
    if name in _SMALL:
        state = present(state_of(place, name, line, until=moment))
        return engine.take(state.select(columns).cast(plain))
    if name == "billing":
        return engine.take(join_bills(every_row(place, name, moment)).select(columns).cast(plain))
    files = files_until(live_files(place, name)[0], moment)
    frame = nw.from_native(engine.open(place, files, schema_of(name)))
    if not files:
        return frame.select(*columns).to_native()
    frame = with_zone(frame, [field.name for field in schema_of(name) if field.type == TIME])
    if name in COMPLETE:
        looks = nw.from_native(engine.take(pa.table({"look_id": line})))
        frame = frame.join(looks, on="look_id", how="semi")
    else:
        frame = frame.filter(nw.col("seen_at") <= moment)
    frame = _newest(frame, name).filter(~nw.col("is_gone"))
    if name == "jobs":
        frame = _open_until(frame, as_of)
    if name == "projects":
        jobs = nw.from_native(_of_history(engine, place, line, moment, as_of, "jobs"))
        latest = jobs.select(latest_job_id="job_id", latest_job_status="status")
        frame = frame.drop("latest_job_status").join(latest, on="latest_job_id", how="left")
    return frame.select(*columns).to_native()


def _newest(frame: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
    """Keep the newest version of each record, by the engine."""
    keys = [f"__{key}" for key in KEYS[name]]
    # a null is a key like any other, but joins with nothing
    frame = frame.with_columns(
        **{f"__{key}": nw.col(key).cast(nw.String).fill_null("\\0") for key in KEYS[name]}
    )
    if name not in FACTS:
        newest = frame.group_by(keys).agg(nw.col("seen_at").max())
        return frame.join(newest, on=[*keys, "seen_at"], how="semi")
    # hardly any of so many rows has another version: only these are sorted out
    changed = frame.filter(nw.col("is_change")).select(*keys).unique()
    several = frame.join(changed, on=keys, how="semi")
    newest = several.group_by(keys).agg(nw.col("seen_at").max())
    kept = several.join(newest, on=[*keys, "seen_at"], how="semi")
    return nw.concat([frame.join(changed, on=keys, how="anti"), kept])


def _open_until(frame: nw.LazyFrame[Any], as_of: datetime) -> nw.LazyFrame[Any]:
    """Let what had not ended last until the moment, as `trainview.tables.core` does."""
    is_open = nw.col("phase").is_in(list(OPEN_PHASES))
    holds = nw.col("current_status").is_in([one.api for one in STATUSES if one.holds_gpus])
    now = int(pc.cast(pa.scalar(as_of, TIME), pa.int64()).as_py())
    frame = with_microseconds(frame, __created="created_at", __updated="updated_at")
    created, updated = nw.col("__created"), nw.col("__updated")
    possible = (updated >= created) & (created <= now) & (updated <= now)
    elapsed = nw.when(possible).then((nw.lit(now) - created).cast(nw.Float64) / US_PER_HOUR)
    held = nw.when(holds).then(elapsed * nw.col("gpus").cast(nw.Float64)).otherwise(0.0)
    return frame.with_columns(
        end_at=nw.when(is_open).then(nw.lit(as_of)).otherwise(nw.col("end_at")),
        elapsed_hours=nw.when(is_open).then(elapsed).otherwise(nw.col("elapsed_hours")),
        gpu_hours=nw.when(is_open).then(held).otherwise(nw.col("gpu_hours")),
    )


def _instance_types(jobs: Any) -> Any:
    """Give the instance types as the newest job of each has them."""
    frame = nw.from_native(jobs)
    newest = frame.group_by("instance_type_id").agg(nw.col("updated_at").max())
    frame = frame.join(newest, on=["instance_type_id", "updated_at"], how="semi")
    return frame.select(*INSTANCE_COLUMNS).unique(subset=["instance_type_id"]).to_native()
