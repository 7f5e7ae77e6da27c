"""Snapshot: the tidy tables and the moment they describe."""

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import pandas as pd

from trainview.analysis import failure_rates, needs_attention
from trainview.card import card
from trainview.conform import empty_frame, from_pandas, to_pandas
from trainview.errors import ArgumentError, DataWarning
from trainview.export import write_folder, write_json
from trainview.schema import INSTANCE_TYPES, JOBS, PROJECTS
from trainview.sources import Source, read_source
from trainview.tables import Tables, build_tables, to_records
from trainview.text import count, safe_text
from trainview.times import parse_time


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot:
    """What the API said at one moment, as tidy tables.

    Made by `load`, `fetch` or `merge`. `columns` describes every column.

    Attributes
    ----------
    projects : pandas.DataFrame
        One row a project.
    jobs : pandas.DataFrame
        One row a job.
    instance_types : pandas.DataFrame
        One row an instance type that a job used.
    as_of : pandas.Timestamp or None
        The moment the data describes, in UTC; None if there is no data and nothing says.
    latest_only : bool
        Whether ``jobs`` holds only the latest job of each project, because no list of all jobs
        was loaded. Rates and sums then speak of those jobs alone.
    notes : tuple of str
        What is odd in the data, one sentence each: what `load` warned about.
    prices, capacity, billing, queue, status_events, checkpoints, metrics, logs : pandas.DataFrame
        What the rest of the API says, each as far as it was asked for; else without rows.
    """

    projects: pd.DataFrame
    jobs: pd.DataFrame
    instance_types: pd.DataFrame
    as_of: pd.Timestamp | None
    latest_only: bool = False
    notes: tuple[str, ...] = ()
    prices: pd.DataFrame = field(default_factory=partial(empty_frame, "prices"))
    capacity: pd.DataFrame = field(default_factory=partial(empty_frame, "capacity"))
    billing: pd.DataFrame = field(default_factory=partial(empty_frame, "billing"))
    queue: pd.DataFrame = field(default_factory=partial(empty_frame, "queue"))
    status_events: pd.DataFrame = field(default_factory=partial(empty_frame, "status_events"))
    checkpoints: pd.DataFrame = field(default_factory=partial(empty_frame, "checkpoints"))
    metrics: pd.DataFrame = field(default_factory=partial(empty_frame, "metrics"))
    logs: pd.DataFrame = field(default_factory=partial(empty_frame, "logs"))

    def summary(self) -> pd.DataFrame:
        """Sum the snapshot up in key figures.

        Returns
        -------
        pandas.DataFrame
            ``figure`` (str), ``value`` (float64, null where there is nothing to measure) and
            ``unit`` (str), one row a figure.

        Examples
        --------
        >>> import trainview as tv
        >>> snap = tv.load(tv.sample(projects=3, jobs_per_project=4))
        >>> int(snap.summary().set_index("figure").loc["projects", "value"])
        3
        """
        jobs = self.jobs
        now = jobs[jobs["is_open"]]
        holding = now[now["phase"].isin(["starting", "running"])]
        rates = failure_rates(jobs, by=None).iloc[0]
        attention = needs_attention(jobs, self.projects)
        rows = [
            ("projects", len(self.projects), "projects"),
            ("jobs", len(jobs), "jobs"),
            ("jobs open", len(now), "jobs"),
            ("jobs waiting", (now["phase"] == "waiting").sum(), "jobs"),
            ("GPUs held now", holding["gpus"].sum(), "GPUs"),
            ("GPU-hours, upper bound", jobs["gpu_hours"].sum(), "GPU h"),
            ("jobs finished", rates["finished"], "jobs"),
            ("jobs failed", rates["failed"], "jobs"),
            ("failure rate", rates["failure_rate"], "share"),
            ("jobs that need attention", attention["job_id"].nunique(), "jobs"),
        ]
        summary = pd.DataFrame(rows, columns=["figure", "value", "unit"])
        return summary.astype({"figure": "str", "value": "float64", "unit": "str"})

    def to_csv(
        self, folder: str | os.PathLike[str], *, raw: bool = False, force: bool = False
    ) -> list[Path]:
        """Write the tables as CSV files into a folder that `load` reads back.

        Parameters
        ----------
        folder : path
            Made if it does not exist.
        raw : bool, optional
            Whether cells that a spreadsheet takes for formulas are kept as they are. Otherwise
            they get an apostrophe in front, which `load` takes off again.
        force : bool, optional
            Whether files that exist may be replaced.

        Returns
        -------
        list of pathlib.Path
            The files that were written.

        Raises
        ------
        OutputError
            If they cannot be written; then none of them is changed.
        """
        return write_folder(_to_tables(self), folder, "csv", raw=raw, force=force)

    def to_parquet(self, folder: str | os.PathLike[str], *, force: bool = False) -> list[Path]:
        """Write the tables as Parquet files into a folder that `load` reads back.

        Parameters
        ----------
        folder : path
            Made if it does not exist.
        force : bool, optional
            Whether files that exist may be replaced.

        Returns
        -------
        list of pathlib.Path
            The files that were written.

        Raises
        ------
        OutputError
            If they cannot be written; then none of them is changed.
        """
        return write_folder(_to_tables(self), folder, "parquet", force=force)

    def to_json(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the snapshot as one JSON file in the API's own form, which `load` reads back.

        Parameters
        ----------
        path : path
            The file to write; gzipped if its name ends in ``.gz``.
        force : bool, optional
            Whether a file that exists may be replaced.

        Returns
        -------
        pathlib.Path
            The file that was written.

        Raises
        ------
        OutputError
            If it cannot be written; what stood there before is untouched.
        """
        write_json(_to_tables(self), path, force=force)
        return Path(path)

    def __repr__(self) -> str:
        return f"<Snapshot {self._headline()}>"

    def _repr_html_(self) -> str:
        return card(self._headline(), self.summary(), self.notes)

    def _headline(self) -> str:
        moment = "of no known time" if self.as_of is None else f"{self.as_of:%Y-%m-%d %H:%M} UTC"
        scope = ", the latest of each project" if self.latest_only else ""
        return (
            f"{moment}: {count(len(self.projects), 'project')}, "
            f"{count(len(self.jobs), 'job')} ({int(self.jobs['is_open'].sum())} open{scope}), "
            f"{count(len(self.instance_types), 'instance type')}"
        )


def load(source: Source, *, as_of: str | datetime | None = None) -> Snapshot:
    """Load answers of the API, saved snapshots or exported tables.

    Parameters
    ----------
    source : path, bytes, file object, mapping, or list of those
        The list-projects, search-jobs or jobs-of-a-project answer, or what `Snapshot.to_json` or
        ``trainview fetch`` saved, as ``.json``, ``.json.gz``, bytes or parsed; or a folder of such
        files, or one that `Snapshot.to_parquet` or `Snapshot.to_csv` wrote. Several sources give
        one snapshot, in which the newest record of each id wins.
    as_of : str or datetime.datetime, optional
        The moment the data describes, with a zone. When left out: the one saved in the file, else
        the newest timestamp in the data.

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
        Once for each kind of oddity: unknown statuses, duplicate ids, contradictory times.

    Examples
    --------
    >>> import trainview as tv
    >>> tv.load(b'{"training_projects": []}')
    <Snapshot of no known time: 0 projects, 0 jobs (0 open, the latest of each project), \
0 instance types>
    """
    moment = _to_moment(as_of)
    tables = build_tables(list(read_source(source)), moment)
    for note in tables.notes:
        warnings.warn(note, DataWarning, stacklevel=2)
    return _to_snapshot(tables)


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
        ``as_of`` of the snapshot that saw it last. Its ``as_of`` is the newest one.

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
    return _to_snapshot(build_tables([to_records(_to_tables(snapshot)) for snapshot in found]))


def _to_snapshot(tables: Tables) -> Snapshot:
    as_of = None if tables.as_of is None else pd.Timestamp(tables.as_of)
    return Snapshot(
        projects=to_pandas(tables.projects),
        jobs=to_pandas(tables.jobs),
        instance_types=to_pandas(tables.instance_types),
        as_of=as_of if as_of is None else as_of.tz_convert("UTC").as_unit("us"),
        latest_only=tables.latest_only,
        notes=tables.notes,
    )


def _to_tables(snapshot: Snapshot) -> Tables:
    return Tables(
        projects=from_pandas(snapshot.projects, PROJECTS),
        jobs=from_pandas(snapshot.jobs, JOBS),
        instance_types=from_pandas(snapshot.instance_types, INSTANCE_TYPES),
        as_of=snapshot.as_of,
        latest_only=snapshot.latest_only,
    )


def _to_moment(as_of: str | datetime | None) -> datetime | None:
    if as_of is None:
        return None
    if isinstance(as_of, str):
        try:
            return parse_time(as_of)
        except ValueError:
            pass
    elif isinstance(as_of, datetime) and as_of.tzinfo is not None:
        return pd.Timestamp(as_of).tz_convert("UTC").floor("us").to_pydatetime()
    raise ArgumentError(
        f"as_of {safe_text(as_of, 60)!r} is no time with a zone: write 2026-03-31T18:00:00Z"
    )
