"""What the helpers say about a snapshot, asked once for the whole page."""

from typing import NamedTuple

import pandas as pd

from trainview import analysis
from trainview.analysis.basis import Basis, basis_of
from trainview.analysis.pandas_dtypes import TEXT
from trainview.plot.attention import HOLDING
from trainview.reporting.cost_readings import Costs, period_for, read_costs
from trainview.reporting.outcomes import Changes, Health, read_changes, read_health
from trainview.reporting.scope import Scope
from trainview.snapshot import Snapshot, attention_of, summary_of

# Of a heat map: seconds of its periods, and the most cells that still open quickly as shapes.
_SECONDS = {"min": 60, "5min": 300, "15min": 900, "h": 3600, "D": 86400}
_MOST_CELLS = 20_000
# A node of the largest types.
EXTRA_GPUS = 8


class Busy(NamedTuple):
    """How busy GPUs were.

    Attributes
    ----------
    total : pandas.Series
        Of `utilization`, over all GPUs.
    by_project : pandas.DataFrame
        Of `utilization`.
    idle : pandas.DataFrame
        Of `idle_gpus`, by project and job.
    one : pandas.DataFrame
        Of `idle_gpus`, for each GPU of the job that is first in ``idle``.
    over_time : pandas.DataFrame
        Of `utilization_over_time`, likewise.
    """

    total: "pd.Series[float]"
    by_project: pd.DataFrame
    idle: pd.DataFrame
    one: pd.DataFrame
    over_time: pd.DataFrame


class Waits(NamedTuple):
    """How long jobs waited.

    Attributes
    ----------
    total : pandas.Series
        Of `queue_waits`, over all jobs.
    by_type : pandas.DataFrame
        Of `queue_waits`.
    curve : pandas.DataFrame
        Of `queue_wait_curve`, by type of GPU.
    """

    total: "pd.Series[float]"
    by_type: pd.DataFrame
    curve: pd.DataFrame


class Limits(NamedTuple):
    """How many GPUs were held of those that may be.

    Attributes
    ----------
    by_type : pandas.DataFrame
        Of `quota`.
    by_team : pandas.DataFrame
        Of `quota`, where a team has a limit; else without rows.
    steps : pandas.DataFrame
        Of `gpu_concurrency`, by type of GPU, of the dedicated jobs, which limits are for.
    """

    by_type: pd.DataFrame
    by_team: pd.DataFrame
    steps: pd.DataFrame


class Readings(NamedTuple):
    """The results of the helpers.

    Attributes
    ----------
    snapshot : Snapshot
        What they were asked about.
    figures : pandas.Series of float
        Its summary, by figure.
    changes : Changes or None
        What changed beside the time before; None where there is nothing to compare with.
    health : Health
        What came of the GPU time.
    attention : pandas.DataFrame
        Of `needs_attention`.
    basis : Basis
        From when GPU-hours count.
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
    costs, busy, waits, limits : Costs, Busy, Waits, Limits, or None
        What they say of prices and the bill, metrics, the queue and capacity, as far as the
        snapshot has these.
    """

    snapshot: Snapshot
    figures: "pd.Series[float]"
    changes: Changes | None
    health: Health
    attention: pd.DataFrame
    basis: Basis
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
    costs: Costs | None
    busy: Busy | None
    waits: Waits | None
    limits: Limits | None


def read(scope: Scope) -> Readings:
    """Ask every helper about a snapshot.

    Parameters
    ----------
    scope : Scope
        With a snapshot of any size, also without jobs.

    Returns
    -------
    Readings
        What they answer.
    """
    snapshot, phases = scope.snapshot, scope.phases
    jobs = snapshot.jobs
    now = jobs["is_open"] & jobs["status"].isin(HOLDING) & (jobs["gpus"] > 0)
    held = jobs[jobs["gpu_hours"] > 0]
    freq = period_for(held["created_at"].min(), held["end_at"].max())
    steps = analysis.gpu_concurrency(jobs)
    attention = attention_of(snapshot)
    return Readings(
        snapshot=snapshot,
        figures=summary_of(snapshot, attention).set_index("figure")["value"],
        changes=read_changes(scope.compared),
        health=read_health(snapshot, phases),
        attention=attention,
        basis=basis_of(jobs["gpu_hours"], jobs["hours_basis"]),
        by_type=analysis.gpu_usage(jobs),
        by_project=analysis.gpu_usage(jobs, by="project_name"),
        held=analysis.gpu_usage(jobs[now]),
        freq=freq,
        over_time=analysis.gpu_hours_over_time(jobs, freq=freq),
        steps=steps,
        statuses=analysis.status_counts(jobs),
        rate=analysis.failure_rates(jobs, by=None).iloc[0],
        rates=analysis.failure_rates(jobs),
        errors=analysis.error_groups(jobs),
        durations=analysis.elapsed_stats(jobs),
        costs=read_costs(snapshot, scope.budgets)
        if len(snapshot.prices) or len(snapshot.billing)
        else None,
        busy=_busy(snapshot) if len(snapshot.metrics) else None,
        waits=_waits(snapshot.queue) if len(snapshot.queue) else None,
        limits=_limits(snapshot) if len(snapshot.capacity) else None,
    )


def _busy(snapshot: Snapshot) -> Busy:
    metrics, jobs, prices = snapshot.metrics, snapshot.jobs, snapshot.prices
    idle = analysis.idle_gpus(metrics, jobs, prices, by=["project_name", "job_id"])
    one = metrics[metrics["job_id"].isin(idle["job_id"].head(1))]
    by_gpu = ("node_id", "gpu")
    gpus = analysis.idle_gpus(one, jobs, prices, by=by_gpu)
    return Busy(
        total=analysis.utilization(metrics, jobs, by=None).iloc[0],
        by_project=analysis.utilization(metrics, jobs, by="project_name"),
        idle=idle,
        one=gpus,
        over_time=analysis.utilization_over_time(one, _cell_length(one, len(gpus)), by_gpu, jobs),
    )


def _cell_length(metrics: pd.DataFrame, rows: int) -> str:
    """Choose the shortest periods that have samples, and that make no more cells than allowed."""
    seconds = (metrics["timestamp"].max() - metrics["timestamp"].min()).total_seconds()
    least = max(metrics["step_seconds"].max(), seconds * rows / _MOST_CELLS)
    return next((freq for freq, length in _SECONDS.items() if not length < least), "D")


def _waits(queue: pd.DataFrame) -> Waits:
    return Waits(
        analysis.queue_waits(queue, by=None).iloc[0],
        analysis.queue_waits(queue),
        analysis.queue_wait_curve(queue),
    )


def _limits(snapshot: Snapshot) -> Limits:
    capacity, jobs = snapshot.capacity, snapshot.jobs
    of_teams = capacity[capacity["team_id"].notna()]
    teams = snapshot.projects.set_index("project_id")["team_name"].astype(TEXT)
    by_type = analysis.quota(jobs, capacity, EXTRA_GPUS, until=snapshot.as_of)
    # Without a team's limit, there is nothing to sweep for.
    of_team = jobs.head(len(jobs) if len(of_teams) else 0)
    of_team = of_team.assign(team_name=of_team["project_id"].map(teams))
    by = ["team_name", "gpu_type"]
    by_team = analysis.quota(of_team, of_teams, EXTRA_GPUS, by, until=snapshot.as_of)
    dedicated = jobs[~(jobs["availability_model"] == "spot")]
    return Limits(by_type, by_team, analysis.gpu_concurrency(dedicated))
