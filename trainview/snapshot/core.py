"""Snapshot: the tables and the moment they describe, and all that can be done with them at once."""

import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pandas as pd

from trainview.analysis.selecting import Names, select_tables
from trainview.errors import DataWarning
from trainview.files.atomic import from_home
from trainview.files.excel import write_excel
from trainview.files.export import write_folder, write_json
from trainview.schema import CORE_TABLES, FLEET_TABLES, GAPS, TABLES
from trainview.schema.table_types import AnyDataFrame
from trainview.snapshot.clipping import cut
from trainview.snapshot.questions import summary_of
from trainview.snapshot.refining import phases_of, refine
from trainview.snapshot.state import State, with_tables
from trainview.tables.frames import to_fleet, to_gaps, to_tables
from trainview.text.card import card
from trainview.text.moments import Moment
from trainview.text.safe import count


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot(State):
    """What the API said at one moment, as tidy tables.

    Made by `load`, `fetch` or `merge`. `columns` describes every column. Helpers and plots take one
    table, as in ``tv.gpu_usage(snap.jobs)``; what is done with all of them is a method:

    - narrow down and refine, into a new snapshot: `clip`, `select`, `refine`, `assign`
    - ask: `summary`, `job_phases`
    - export: `to_parquet`, `to_csv`, `to_json`, `to_excel`, and `report` for a page

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
        What is odd in the data, one sentence each; `load` warns of those that change a total.
    prices, capacity, billing, queue, status_events, checkpoints, caches, metrics, logs : \
pandas.DataFrame
        What the rest of the API says, each as far as it was asked for; else without rows.
    not_fetched : pandas.DataFrame
        The calls of `fetch` that failed: ``table``, ``job_id``, ``project_id``, ``error`` and
        ``detail``, all text. What `to_parquet`, `to_csv` and `to_json` write keeps it.
    rejected : pandas.DataFrame
        What was left out as it did not fit (``on_error="skip"``): ``source``, ``path`` (null for a
        whole file), ``job_id``, ``project_id`` and ``reason``, all text; kept likewise.
    """

    def summary(self) -> pd.DataFrame:
        """Sum the snapshot up in key figures; what jobs cost only where that is known.

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
        return summary_of(self)

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
        return write_folder(
            to_tables(self), folder, "csv", fleet=to_fleet(self), gaps=to_gaps(self),
            raw=raw, force=force,
        )  # fmt: skip

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
        return write_folder(
            to_tables(self), folder, "parquet", fleet=to_fleet(self), gaps=to_gaps(self),
            force=force,
        )  # fmt: skip

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

        Warns
        -----
        DataWarning
            If the snapshot has tables for which the API's form of lists has no place.
        """
        left_out = ", ".join(to_fleet(self))
        write_json(to_tables(self), path, gaps=to_gaps(self), force=force)
        if left_out:
            message = f"{left_out}: not in the JSON file, to_parquet and to_csv keep them"
            warnings.warn(message, DataWarning, stacklevel=2)
        return from_home(path)

    def to_excel(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write the tables as one Excel workbook, a sheet each; `load` does not read it back.

        Excel knows no zones: times are in UTC, and the header says so. Text that looks like a
        formula stays text.

        Parameters
        ----------
        path : path
            The file to write, ending in ``.xlsx``.
        force : bool, optional
            Whether a file that exists may be replaced.

        Returns
        -------
        pathlib.Path
            The file that was written.

        Raises
        ------
        ConfigError
            If the extra is missing: ``pip install 'trainview[excel]'``.
        ArgumentError
            If the name has another ending.
        OutputError
            If it cannot be written; what stood there before is untouched.

        Warns
        -----
        DataWarning
            If a table has more rows than a sheet holds and is left out, or a text was cut.

        Examples
        --------
        >>> import trainview as tv
        >>> snap = tv.load(tv.sample(projects=2))
        >>> snap.to_excel("training.xlsx")  # doctest: +SKIP
        """
        core = to_tables(self)
        tables = {name: getattr(core, name) for name in CORE_TABLES} | to_fleet(self)
        gaps = {name: table for name, table in to_gaps(self).items() if table.num_rows}
        write_excel(tables | gaps, path, force=force)
        return from_home(path)

    def job_phases(self, *, history: AnyDataFrame | None = None) -> pd.DataFrame:
        """Find out when each job waited, deployed and ran, by all that the snapshot holds.

        Parameters
        ----------
        history : pandas, Polars, DuckDB or PySpark table, optional
            What `trainview.status_intervals` gives of a recorded history: it tells when jobs began
            to run, to the time between two looks.

        Returns
        -------
        pandas.DataFrame
            What `trainview.job_phases` gives with the queue, status events, GPU samples and bill of
            the snapshot; tables without rows count as not fetched.

        Warns
        -----
        DataWarning
            If evidence contradicts the times or the status of a job.

        Examples
        --------
        >>> import trainview as tv
        >>> snap = tv.load(tv.sample(projects=2))
        >>> set(snap.job_phases()["basis"])
        {'none'}
        """
        return phases_of(self, history)

    def refine(self, *, history: AnyDataFrame | None = None) -> "Snapshot":
        """Count GPU-hours from when GPUs began to be held, as far as the snapshot tells.

        Refine a snapshot before it is clipped or selected from: a window cuts also what tells
        about the times before it. What is written to files, and what `merge` puts together, is
        again as the API listed it: refine what is loaded.

        Parameters
        ----------
        history : table, optional
            As for `job_phases`.

        Returns
        -------
        Snapshot
            A new one, whose ``jobs`` are those of `refine_jobs`: with ``held_at``, ``hours_basis``,
            and ``gpu_hours`` counted from ``held_at``. What is already known better stays. Its
            notes say what was left out.

        Warns
        -----
        DataWarning
            If evidence contradicts the times or the status of a job; it is left out.

        Examples
        --------
        >>> import trainview as tv
        >>> snap = tv.load(tv.sample(projects=2)).refine()
        >>> set(snap.jobs["hours_basis"])
        {'submitted'}
        """
        found = refine(self, history=history)
        for note in found.notes[len(self.notes) :]:
            warnings.warn(note, DataWarning, stacklevel=2)
        return found

    def assign(self, **tables: pd.DataFrame) -> "Snapshot":
        """Give the snapshot more tables, or others.

        Parameters
        ----------
        **tables : pandas.DataFrame
            By their names: ``metrics=fetched.table``.

        Returns
        -------
        Snapshot
            A new one, with these tables in place of its own.

        Raises
        ------
        ArgumentError
            If there is no such table, or it lacks a column.

        Examples
        --------
        >>> import trainview as tv
        >>> snap = tv.load(tv.sample(projects=2))
        >>> snap = snap.assign(prices=tv.fetch_prices())  # doctest: +SKIP
        """
        return with_tables(self, tables)

    def clip(self, since: Moment | None = None, until: Moment | None = None) -> "Snapshot":
        """Cut all tables to a window of time, so that every figure speaks of that window alone.

        Jobs are cut as by `clip_jobs`. Samples stay where they speak for some time of the window,
        events, checkpoints and log lines where they happened in it, and of the queue the jobs that
        were submitted in it or wait still at its end, with waits known up to that end. Of a bill,
        which is by whole days (UTC), the days that begin in it stay, and what has no day stays
        where its whole month lies in it. Prices and capacity have no time, and stay as they are.

        Parameters
        ----------
        since : datetime, date, timedelta or str, optional
            Start of the window: a moment with a time zone, a day such as ``2026-03-24``, which
            begins at midnight UTC, or a length of time such as ``7d``, counted back from `until`,
            or, without it, from ``as_of``. Without one the window has no start.
        until : datetime, date, timedelta or str, optional
            Its end, which no longer belongs to it. Without one, or after ``as_of``, it is that.

        Returns
        -------
        Snapshot
            A new one. Its ``as_of`` is the end of the window; its notes say what of a bill could
            not be placed.

        Raises
        ------
        ArgumentError
            If one of them is no moment, `until` is not after `since`, or `since` is not before
            ``as_of``.

        Examples
        --------
        >>> import trainview as tv
        >>> snap = tv.load(tv.sample(projects=2))
        >>> week = snap.clip("7d")
        >>> week.as_of == snap.as_of
        True
        >>> (snap.as_of - week.jobs["created_at"]).max().days <= 7
        True
        """
        return cut(self, since, until)

    def select(
        self,
        *,
        projects: Names = None,
        teams: Names = None,
        users: Names = None,
        statuses: Names = None,
    ) -> "Snapshot":
        """Keep the jobs of some projects, teams, users or statuses, in all tables at once.

        Bills stay with the jobs that are kept; those of deleted jobs, which no other table knows,
        with their projects and teams, unless `users` or `statuses` are asked for. Prices are
        everybody's and stay; so do the organisation's GPU limits, beside those of `teams`.

        Parameters
        ----------
        projects : str or iterable of str, optional
            Their names or ids.
        teams : str or iterable of str, optional
            Their names.
        users : str or iterable of str, optional
            Their e-mail addresses.
        statuses : str or iterable of str, optional
            Such as ``running`` or ``TRAINING_JOB_RUNNING``.

        Returns
        -------
        Snapshot
            A new one. Several arguments narrow it down together, several names of one widen it.

        Raises
        ------
        ArgumentError
            If a name is not in the data, or no text.

        Examples
        --------
        >>> import trainview as tv
        >>> snap = tv.load(tv.sample(projects=3))
        >>> one = snap.select(projects=snap.projects["project_name"].iloc[0], statuses="completed")
        >>> set(one.jobs["status"])
        {'completed'}
        """
        tables = {name: getattr(self, name) for name in (*TABLES, *GAPS)}
        found = select_tables(tables, projects, teams, users, statuses)
        return replace(self, **cast("Any", found))

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
            f"{count(len(self.instance_types), 'instance type')}{self._others()}{self._left_out()}"
        )

    def _left_out(self) -> str:
        return f"; {count(len(self.rejected), 'record')} left out" if len(self.rejected) else ""

    def _others(self) -> str:
        names = [name for name in FLEET_TABLES if len(getattr(self, name))]
        return f"; {', '.join(names)}" if names else ""
