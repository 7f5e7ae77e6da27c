"""What the helpers say of what came of the jobs: what changed, and what was lost."""

from typing import Any, NamedTuple

import pandas as pd

from trainview import analysis
from trainview.analysis.comparing_words import headlines, written
from trainview.analysis.cost import price_list
from trainview.analysis.goodput import LOSES
from trainview.analysis.waste import usd_per_gpu_hour
from trainview.reporting.words import from_left
from trainview.snapshot import Comparison, Snapshot
from trainview.text.safe import count

# What tells best what was spent comes first.
_SPENT = ("USD billed", "USD estimated", "GPU-hours")


class Changes(NamedTuple):
    """What changed from one window of time to the next.

    Attributes
    ----------
    since, until : pandas.Timestamp
        The later window.
    earlier : (pandas.Timestamp, pandas.Timestamp)
        The other.
    sentences : list of str
        What changed, the most important first.
    notes : tuple of str
        What makes the two hard to compare.
    figures, projects, causes : pandas.DataFrame
        Of `compare`: key figures as text, by project, and by failure cause.
    spent : pandas.Series
        Of its key figures, what was billed; else what was estimated; else GPU-hours.
    """

    since: pd.Timestamp
    until: pd.Timestamp
    earlier: tuple[pd.Timestamp, pd.Timestamp]
    sentences: list[str]
    notes: tuple[str, ...]
    figures: pd.DataFrame
    projects: pd.DataFrame
    causes: pd.DataFrame
    spent: "pd.Series[Any]"

    def length(self) -> str:
        """Write how long the later window is."""
        size = self.until - self.since
        for unit in ("day", "hour", "minute"):
            units = size / pd.Timedelta(1, unit)
            if units >= 1:
                return count(units, unit) if units == int(units) else f"{units:,.1f} {unit}s"
        return count(size / pd.Timedelta(seconds=1), "second")

    def has_equal(self) -> bool:
        """Tell whether the earlier window is as long, and right before."""
        start, stop = self.earlier
        return bool(stop == self.since and stop - start == self.until - self.since)


class Health(NamedTuple):
    """How much of the GPU time was productive.

    Attributes
    ----------
    phases : pandas.DataFrame
        Of `job_phases`.
    total : pandas.Series
        Of `goodput`, over all jobs.
    by_project : pandas.DataFrame
        Of `goodput`.
    by_size : pandas.DataFrame
        Of `time_to_failure`.
    lost : pandas.DataFrame or None
        Of `lost_work`, with ``lost_usd`` at list prices; None where checkpoints were not fetched.
    chains : pandas.DataFrame
        Of `run_chains`, of jobs with more than one attempt.
    spot : pandas.DataFrame or None
        Of `spot_usage`; None where no job is on spot capacity.
    saved : pandas.DataFrame or None
        Of `checkpoint_usage`, by project; None as of ``lost``.
    """

    phases: pd.DataFrame
    total: "pd.Series[float]"
    by_project: pd.DataFrame
    by_size: pd.DataFrame
    lost: pd.DataFrame | None
    chains: pd.DataFrame
    spot: pd.DataFrame | None
    saved: pd.DataFrame | None

    def is_known(self) -> bool:
        """Tell whether it is known of any job for how long it ran."""
        return bool(self.phases["running_hours"].notna().any())

    def losses(self, since: pd.Timestamp | None = None) -> "pd.Series[float]":
        """Sum up what failed and preempted jobs lost, in GPU-hours and USD."""
        columns = ["lost_gpu_hours", "lost_usd"]
        if self.lost is None:
            return pd.Series(float("nan"), columns)
        counted = self.lost["kind"].isin(LOSES)
        if since is not None:
            counted &= self.lost["ended_at"] > since
        found: Any = self.lost.loc[counted, columns].sum(min_count=1)
        return found  # type: ignore[no-any-return]


def read_changes(found: Comparison | None) -> Changes | None:
    """Say what changed from one window of time to the next.

    Parameters
    ----------
    found : Comparison or None
        Of two windows; None where there is nothing to compare.

    Returns
    -------
    Changes or None
        None where it is of no windows.
    """
    if found is None or found.windows is None:
        return None
    figures, projects, causes = (found.table(by) for by in (None, "project_name", "error"))
    (since, until), earlier = found.windows[1], found.windows[0]
    rows: Any = figures.set_index("figure", drop=False)
    known = [name for name in _SPENT if pd.notna(rows["difference"].get(name))]
    spent = rows.loc[known[0] if known else _SPENT[-1]]
    told = [from_left(sentence) for sentence in headlines(figures, projects, causes)]
    notes = (*found.notes, *found.hints)
    return Changes(since, until, earlier, told, notes, written(figures), projects, causes, spent)


def read_health(snapshot: Snapshot, phases: pd.DataFrame) -> Health:
    """Ask what came of the GPU time.

    Parameters
    ----------
    snapshot : Snapshot
        Refined.
    phases : pandas.DataFrame
        Of its jobs.

    Returns
    -------
    Health
        Tables without rows count as not fetched.
    """
    jobs = snapshot.jobs
    saved = None if snapshot.checkpoints.empty else snapshot.checkpoints
    metrics = None if snapshot.metrics.empty else snapshot.metrics
    queue = None if snapshot.queue.empty else snapshot.queue
    chains = analysis.run_chains(jobs, phases=phases, checkpoints=saved)
    has_spot = (jobs["availability_model"] == "spot").any()
    return Health(
        phases,
        analysis.goodput(jobs, phases, saved, by=None, metrics=metrics).iloc[0],
        analysis.goodput(jobs, phases, saved, metrics=metrics),
        analysis.time_to_failure(jobs, phases),
        None if saved is None else _lost(snapshot, phases, saved),
        chains[chains["attempts"] > 1],
        analysis.spot_usage(jobs, phases, saved, queue) if has_spot else None,
        None if saved is None else analysis.checkpoint_usage(saved, jobs),
    )


def _lost(snapshot: Snapshot, phases: pd.DataFrame, saved: pd.DataFrame) -> pd.DataFrame:
    jobs = snapshot.jobs.drop_duplicates("job_id", keep="last")
    lost = analysis.lost_work(snapshot.jobs, phases, saved)
    price = usd_per_gpu_hour(jobs, price_list(snapshot.prices))
    # of no jobs at all, the prices would be text
    usd = lost["job_id"].map(price.set_axis(jobs["job_id"])).astype("float64")
    return lost.assign(lost_usd=usd * lost["lost_gpu_hours"])
