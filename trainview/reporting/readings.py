"""What the helpers say about a snapshot, asked once for the whole page."""

from typing import NamedTuple

import pandas as pd

from trainview import analysis
from trainview.plot.attention import HOLDING
from trainview.snapshot import Snapshot

# The longest span, in days, that is still readable by days, by weeks and by months; and with so few
# bars that they stay shapes: the page's policy allows no images.
_PERIODS = ((45, "D"), (2 * 366, "W"), (15 * 366, "M"))
_LONGEST_PERIOD = "Y"


class Readings(NamedTuple):
    """The results of the helpers.

    Attributes
    ----------
    snapshot : Snapshot
        What they were asked about.
    figures : pandas.Series of float
        Its summary, by figure.
    attention : pandas.DataFrame
        Of `needs_attention`.
    by_type, by_project : pandas.DataFrame
        Of `gpu_usage`.
    held : pandas.DataFrame
        Of `gpu_usage`, of the jobs that hold GPUs now.
    freq : str
        The periods of ``over_time``, as `gpu_hours_over_time` calls them.
    over_time : pandas.DataFrame
        Of `gpu_hours_over_time`.
    steps : pandas.DataFrame
        Of `gpu_concurrency`.
    statuses : pandas.DataFrame
        Of `status_counts`.
    rate : pandas.Series
        Of `failure_rates`, over all jobs.
    rates : pandas.DataFrame
        Of `failure_rates`, by project.
    errors : pandas.DataFrame
        Of `error_groups`.
    durations : pandas.DataFrame
        Of `elapsed_stats`.
    """

    snapshot: Snapshot
    figures: "pd.Series[float]"
    attention: pd.DataFrame
    by_type: pd.DataFrame
    by_project: pd.DataFrame
    held: pd.DataFrame
    freq: str
    over_time: pd.DataFrame
    steps: pd.DataFrame
    statuses: pd.DataFrame
    rate: "pd.Series[float]"
    rates: pd.DataFrame
    errors: pd.DataFrame
    durations: pd.DataFrame


def read(snapshot: Snapshot) -> Readings:
    """Ask every helper about a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        Of any size, also without jobs.

    Returns
    -------
    Readings
        What they answer.
    """
    jobs = snapshot.jobs
    now = jobs["is_open"] & jobs["status"].isin(HOLDING) & (jobs["gpus"] > 0)
    freq = _period(jobs[jobs["gpu_hours"] > 0])
    return Readings(
        snapshot=snapshot,
        figures=snapshot.summary().set_index("figure")["value"],
        attention=analysis.needs_attention(jobs, snapshot.projects),
        by_type=analysis.gpu_usage(jobs),
        by_project=analysis.gpu_usage(jobs, by="project_name"),
        held=analysis.gpu_usage(jobs[now]),
        freq=freq,
        over_time=analysis.gpu_hours_over_time(jobs, freq=freq),
        steps=analysis.gpu_concurrency(jobs),
        statuses=analysis.status_counts(jobs),
        rate=analysis.failure_rates(jobs, by=None).iloc[0],
        rates=analysis.failure_rates(jobs),
        errors=analysis.error_groups(jobs),
        durations=analysis.elapsed_stats(jobs),
    )


def _period(held: pd.DataFrame) -> str:
    days = (held["end_at"].max() - held["created_at"].min()) / pd.Timedelta(days=1)
    return next((freq for most, freq in _PERIODS if not days > most), _LONGEST_PERIOD)
