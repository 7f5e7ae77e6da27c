"""The newest week beside the one before it."""

from datetime import timedelta

import pandas as pd

from trainview.snapshot.comparison import Comparison, comparison
from trainview.snapshot.core import Snapshot

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


def newest_weeks(snapshot: Snapshot, phases: pd.DataFrame | None = None) -> Comparison | None:
    """Compare the newest seven days with the seven before.

    They are whole days (UTC) where the bill has all of them, so that it can be compared too; else
    they end at the moment that the data describes.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.
    phases : pandas.DataFrame, optional
        What its ``job_phases`` gives, where that is known already.

    Returns
    -------
    Comparison or None
        None where no job is older than a week, or none ran in either of them.
    """
    now, jobs = snapshot.as_of, snapshot.jobs
    if now is None or jobs.empty:
        return None
    midnight, days = now.floor("D"), snapshot.billing["date"]
    has_bill = bool(days.min() <= midnight - 2 * _WEEK and days.max() >= midnight - _DAY)
    until = midnight if has_bill else now
    is_old = jobs["created_at"].min() < until - _WEEK
    if not is_old or not (jobs["end_at"] > until - 2 * _WEEK).any():
        return None
    return comparison(snapshot, since=until - _WEEK, until=until, phases=phases)
