"""What the tables of a snapshot together tell about the times of its jobs."""

import warnings

import pandas as pd

from trainview.analysis import job_phases, refine_jobs
from trainview.errors import DataWarning
from trainview.snapshot.state import State
from trainview.tables.listed import REFINED, as_listed

# The tables that tell, which are also the arguments of `job_phases`.
EVIDENCE = ("queue", "status_events", "metrics", "billing")
# The bases of GPU-hours, the best first.
_BASES = ("released", "started", "submitted")


def phases_of(snapshot: State) -> pd.DataFrame:
    """Find out when each job waited, deployed and ran.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.

    Returns
    -------
    pandas.DataFrame
        What `job_phases` gives with all evidence that the snapshot has.
    """
    return job_phases(snapshot.jobs, **_evidence(snapshot))


def refined(snapshot: State) -> tuple[pd.DataFrame, list[str]]:
    """Count GPU-hours from when GPUs began to be held.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.

    Returns
    -------
    jobs : pandas.DataFrame
        What `refine_jobs` gives. Of jobs that were refined before, with what a window has cut off
        since, what was known better stays.
    notes : list of str
        What was left out.
    """
    jobs = as_listed(snapshot.jobs)
    if not _evidence(snapshot):
        basis = pd.Series("submitted", jobs.index, dtype="str")
        found, notes = jobs.assign(held_at=jobs["created_at"], hours_basis=basis), []
    else:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DataWarning)
            found = refine_jobs(jobs, phases_of(snapshot))
        notes = [str(one.message) for one in caught if issubclass(one.category, DataWarning)]
    if all(name in snapshot.jobs for name in REFINED):
        is_better = _rank(snapshot.jobs) < _rank(found)
        for name in ("gpu_hours", *REFINED):
            found[name] = found[name].mask(is_better, snapshot.jobs[name])
    return found, notes


def _evidence(snapshot: State) -> dict[str, pd.DataFrame]:
    tables = {name: getattr(snapshot, name) for name in EVIDENCE}
    return {name: table for name, table in tables.items() if len(table)}


def _rank(jobs: pd.DataFrame) -> "pd.Series[int]":
    return jobs["hours_basis"].map(_BASES.index)
