"""What the tables of a snapshot together tell about the times of its jobs."""

import warnings
from dataclasses import replace

import pandas as pd

from trainview.analysis import job_phases, refine_jobs
from trainview.analysis.pandas_dtypes import TEXT
from trainview.errors import DataWarning
from trainview.schema.table_types import AnyDataFrame
from trainview.snapshot.state import S, State
from trainview.tables.listed import REFINED, as_listed

# The tables that tell, which are also the arguments of `job_phases`.
EVIDENCE = ("queue", "status_events", "metrics", "billing")
# The bases of GPU-hours, the best first.
_BASES = ("released", "started", "submitted")


def phases_of(snapshot: State, history: AnyDataFrame | None = None) -> pd.DataFrame:
    """Find out when each job waited, deployed and ran.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.
    history : table, optional
        What `status_intervals` gives.

    Returns
    -------
    pandas.DataFrame
        What `job_phases` gives with all evidence that there is.
    """
    return job_phases(snapshot.jobs, **evidence_of(snapshot), history=history)


def quiet_phases(snapshot: State) -> pd.DataFrame:
    """Find the same of a refined snapshot, whose notes say already what contradicts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return phases_of(snapshot)


def refine(
    snapshot: S, phases: pd.DataFrame | None = None, history: AnyDataFrame | None = None
) -> S:
    """Count GPU-hours from when GPUs began to be held.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.
    phases : pandas.DataFrame, optional
        What `phases_of` gives, where that is known already.
    history : table, optional
        As for `phases_of`.

    Returns
    -------
    Snapshot
        With the jobs that `refine_jobs` gives. Of jobs that were refined before, with what a window
        has cut off since, what was known better stays. Its notes say what was left out.
    """
    jobs = as_listed(snapshot.jobs)
    notes: list[str] = []
    if not evidence_of(snapshot) and history is None:
        basis = pd.Series("submitted", jobs.index, dtype=TEXT)
        found = jobs.assign(held_at=jobs["created_at"], hours_basis=basis)
    else:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DataWarning)
            known = phases_of(snapshot, history) if phases is None else phases
            found = refine_jobs(jobs, known)
        notes = [str(one.message) for one in caught if issubclass(one.category, DataWarning)]
    if all(name in snapshot.jobs for name in REFINED):
        is_better = _rank(snapshot.jobs) < _rank(found)
        for name in ("gpu_hours", *REFINED):
            found[name] = found[name].mask(is_better, snapshot.jobs[name])
    new = (note for note in notes if note not in snapshot.notes)
    return replace(snapshot, jobs=found, notes=(*snapshot.notes, *new))


def refined(snapshot: S) -> S:
    """Refine a snapshot, unless that is done: what is shown of it counts so.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.

    Returns
    -------
    Snapshot
        Itself, or as by `refine`.
    """
    return snapshot if set(REFINED) <= set(snapshot.jobs) else refine(snapshot)


def refined_with_phases(snapshot: S) -> tuple[S, pd.DataFrame]:
    """Refine a snapshot, and give the phases of its jobs, which take longest to find.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.

    Returns
    -------
    snapshot : Snapshot
        As by `refined`.
    phases : pandas.DataFrame
        As by `phases_of`.
    """
    if set(REFINED) <= set(snapshot.jobs):
        return snapshot, quiet_phases(snapshot)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        phases = phases_of(snapshot)
    notes = [str(one.message) for one in caught if issubclass(one.category, DataWarning)]
    new = (note for note in notes if note not in snapshot.notes)
    snapshot = replace(snapshot, notes=(*snapshot.notes, *new))
    return refine(snapshot, phases), phases


def evidence_of(snapshot: State) -> dict[str, pd.DataFrame]:
    """Give the tables that tell about the times of jobs, as far as there are any."""
    tables = {name: getattr(snapshot, name) for name in EVIDENCE}
    return {name: table for name, table in tables.items() if len(table)}


def _rank(jobs: pd.DataFrame) -> "pd.Series[int]":
    return jobs["hours_basis"].map(_BASES.index)
