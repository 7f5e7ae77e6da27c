"""The newest days beside as many before them."""

from datetime import timedelta

import pandas as pd

from trainview.snapshot.comparison import Comparison, comparison
from trainview.snapshot.core import Snapshot

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


def newest_weeks(
    snapshot: Snapshot,
    phases: pd.DataFrame | None = None,
    *,
    length: timedelta = _WEEK,
    bill: pd.DataFrame | None = None,
) -> Comparison | None:
    """Compare the newest seven days, or another length of time, with the time before.

    They are whole days (UTC) where the bill has all of them, so that it can be compared too; else
    they end at the moment that the data describes.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.
    phases : pandas.DataFrame, optional
        What its ``job_phases`` gives, where that is known already.
    length : datetime.timedelta, optional
        Of each of the two.
    bill : pandas.DataFrame, optional
        Of a snapshot that was selected from: the whole bill, which tells what days it has.

    Returns
    -------
    Comparison or None
        None where no job is older than the newest of them, or none ran in either.
    """
    now, jobs = snapshot.as_of, snapshot.jobs
    if now is None or jobs.empty:
        return None
    midnight, days = now.floor("D"), (snapshot.billing if bill is None else bill)["date"]
    has_bill = bool(days.min() <= midnight - 2 * length and days.max() >= midnight - _DAY)
    until = midnight if has_bill and not length % _DAY else now
    is_old = jobs["created_at"].min() < until - length
    if not is_old or not (jobs["end_at"] > until - 2 * length).any():
        return None
    return comparison(snapshot, since=until - length, until=until, bill=bill, phases=phases)
