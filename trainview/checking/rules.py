"""The rules: what each looks at, and the story behind its value."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd

from trainview.analysis import (
    estimate_cost,
    failure_rates,
    idle_gpus,
    queue_waits,
    utilization,
)
from trainview.errors import ArgumentError
from trainview.snapshot import Snapshot
from trainview.text.safe import count, safe_text


class Context(NamedTuple):
    """What the rules look at.

    Attributes
    ----------
    snapshot : Snapshot
        All there is.
    since : pandas.Timestamp or None
        Where the window of time begins that they speak of.
    jobs : pandas.DataFrame
        The jobs, cut to it.
    """

    snapshot: Snapshot
    since: pd.Timestamp | None
    jobs: pd.DataFrame

    def since_start(self, table: pd.DataFrame, column: str) -> pd.DataFrame:
        """Give the rows whose time is in the window."""
        return table if self.since is None else table[table[column] >= self.since]


class Finding(NamedTuple):
    """What a rule found.

    Attributes
    ----------
    value : float or None
        None where there is nothing to measure.
    story : str
        What the value is made of.
    gaps : tuple of str
        What is missing in it.
    """

    value: float | None
    story: str
    gaps: tuple[str, ...] = ()


def _failure_rate(context: Context, _: float) -> Finding:
    rates = failure_rates(context.jobs)
    finished, failed = int(rates["finished"].sum()), int(rates["failed"].sum())
    if not finished:
        return Finding(None, "no job ended")
    detail = f"{failed:,} of {count(finished, 'job')} that ended"
    if failed:
        worst: Any = rates.nlargest(1, "failed").iloc[0]
        detail += f"; most in {_named(worst['project_name'])}: {worst['failed']:,}"
    return Finding(failed / finished, detail)


def _pending(context: Context, limit: float) -> Finding:
    # as the fleet is now: a wait is not cut to the window
    jobs = context.snapshot.jobs
    waiting = jobs[jobs["is_open"] & (jobs["phase"] == "waiting")]
    return _longest(waiting, waiting["elapsed_hours"], limit, "waits", "submitted", "created_at")


def _silent(context: Context, limit: float) -> Finding:
    jobs = context.snapshot.jobs[context.snapshot.jobs["is_open"]]
    hours = (jobs["end_at"] - jobs["updated_at"]).dt.total_seconds() / 3600
    return _longest(jobs, hours, limit, "is open", "last changed", "updated_at")


def _longest(
    jobs: pd.DataFrame, hours: "pd.Series[float]", limit: float, verb: str, event: str, column: str
) -> Finding:
    if not hours.notna().any():
        return Finding(None, f"no job {verb}")
    worst: Any = jobs.loc[hours.nlargest(1).index].iloc[0]
    name = worst["job_id"] if pd.isna(worst["job_name"]) else worst["job_name"]
    return Finding(
        float(hours.max()),
        f"{(hours > limit).sum():,} of {count(len(jobs), 'job')} for longer; longest "
        f"{_named(name)} of {_named(worst['project_name'])}, "
        f"{event} {worst[column]:%Y-%m-%d %H:%M} UTC",
    )


def _named(name: object) -> str:
    return safe_text(name).strip() or '""'


def _cost(context: Context, _: float) -> Finding | None:
    costs = estimate_cost(context.jobs, context.snapshot.prices)
    usd = float(costs["estimated_usd"].sum())
    unpriced, untimed = (int(costs[f"{name}_jobs"].sum()) for name in ("unpriced", "untimed"))
    if unpriced and not usd and context.snapshot.prices.empty:
        return None
    if unpriced and not usd:
        types = ", ".join(sorted(set(costs["unpriced_instance_types"].dropna())))
        raise ArgumentError(f"max-cost: no price is known of {safe_text(types, 200)}")
    if untimed and not usd:
        raise ArgumentError("max-cost: there is no data for it: no job has a known duration")
    detail = "estimate at list prices"
    if usd:
        # the most expensive is first
        most: Any = costs.iloc[0]
        detail += f"; most in {_named(most['project_name'])}: {most['estimated_usd']:,.0f}"
    gaps = {"without a price": unpriced, "of unknown duration": untimed}
    told = (f"{count(jobs, 'job')} {what} not in it" for what, jobs in gaps.items() if jobs)
    return Finding(usd, detail, tuple(told))


def _idle(context: Context, _: float) -> Finding | None:
    snapshot, samples = context.snapshot, context.since_start(context.snapshot.metrics, "timestamp")
    prices = snapshot.prices if len(snapshot.prices) else None
    idle = idle_gpus(samples, snapshot.jobs, prices, by="project_name")
    total, covered = idle["idle_gpu_hours"].sum(), idle["covered_gpu_hours"].sum()
    if not covered:
        return _nobody(context)
    # the one with most idle hours is first
    most: Any = idle.iloc[0]
    detail = f"of {covered:,.1f} measured"
    if total:
        name = most["project_name"]
        where = "jobs that are not listed" if pd.isna(name) else _named(name)
        detail += f"; most in {where}: {most['idle_gpu_hours']:,.1f}"
    if idle["idle_usd"].notna().any():
        detail += f"; {idle['idle_usd'].sum():,.0f} USD"
    return Finding(float(total), detail, _unmeasured(context, samples))


def _utilization(context: Context, _: float) -> Finding | None:
    samples = context.since_start(context.snapshot.metrics, "timestamp")
    busy: Any = utilization(samples, by=None).iloc[0]
    if not busy["samples"]:
        return _nobody(context)
    detail = f"mean of {busy['covered_gpu_hours']:,.1f} GPU-hours measured"
    return Finding(busy["mean_utilization"], detail, _unmeasured(context, samples))


def _held(context: Context) -> pd.DataFrame:
    return context.jobs[context.jobs["gpu_hours"] > 0]


def _nobody(context: Context) -> Finding | None:
    return None if len(_held(context)) else Finding(None, "no GPUs were held")


def _unmeasured(context: Context, samples: pd.DataFrame) -> tuple[str, ...]:
    held = _held(context)
    measured = samples["job_id"][samples["metric"] == "gpu_utilization"].unique()
    missing = int((~held["job_id"].isin(measured)).sum())
    return (f"{missing:,} of {count(len(held), 'job')} not measured",) if missing else ()


def _wait_p90(context: Context, _: float) -> Finding | None:
    queue = context.since_start(context.snapshot.queue, "submitted_at")
    jobs = context.since_start(context.snapshot.jobs, "created_at")
    submitted = jobs[jobs["gpu_type"].notna()]
    if queue.empty:
        return None if len(submitted) else Finding(None, "no job with GPUs was submitted")
    waits: Any = queue_waits(queue, by=None).iloc[0]
    if not waits["jobs"]:
        return None
    detail = f"of {count(waits['jobs'], 'job')}, {waits['waiting']:,.0f} still waiting"
    unknown = int((~submitted["job_id"].isin(queue["job_id"])).sum())
    gaps = (f"{count(unknown, 'more job')} not in the queue table",) if unknown else ()
    if pd.notna(waits["p90"]):
        return Finding(float(waits["p90"]), detail, gaps)
    # more than one in ten waits for longer than anybody has been seen to
    return Finding(float(waits["longest_wait"]), f"at least, {detail}", gaps)


# By the arguments of `trainview.check`: each takes the context and the limit, and gives None if the
# data for it is not there.
MEASURES: dict[str, Callable[[Context, float], Finding | None]] = {
    "max_failure_rate": _failure_rate,
    "max_pending_hours": _pending,
    "max_silent_hours": _silent,
    "max_cost_usd": _cost,
    "max_idle_gpu_hours": _idle,
    "min_utilization": _utilization,
    "max_wait_p90_hours": _wait_p90,
}
