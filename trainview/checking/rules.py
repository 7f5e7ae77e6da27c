"""The rules: what each looks at, and the story behind its value."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from trainview.analysis import (
    estimate_cost,
    failure_rates,
    idle_gpus,
    queue_waits,
    utilization,
)
from trainview.analysis.basis import basis_of
from trainview.analysis.cost import FREE
from trainview.checking.findings import ENOUGH, Context, Finding, named
from trainview.checking.spending import projected_cost
from trainview.errors import ArgumentError
from trainview.text.safe import count, safe_text


def _failure_rate(context: Context, _: float) -> Finding:
    rates = failure_rates(context.window.jobs)
    finished, failed = int(rates["finished"].sum()), int(rates["failed"].sum())
    if not finished:
        return Finding(None, "no job ended")
    detail = f"{failed:,} of {count(finished, 'job')} that ended"
    if failed:
        worst: Any = rates.nlargest(1, "failed").iloc[0]
        detail += f"; most in {named(worst['project_name'])}: {worst['failed']:,}"
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
        f"{named(name)} of {named(worst['project_name'])}, "
        f"{event} {worst[column]:%Y-%m-%d %H:%M} UTC",
    )


def _cost(context: Context, _: float) -> Finding | None:
    jobs = context.window.jobs
    costly = int((~jobs["status"].isin(FREE)).sum())
    if not costly:
        waiting = int((jobs["is_open"] & (jobs["phase"] == "waiting")).sum())
        waits = f": {count(waiting, 'job')} {'waits' if waiting == 1 else 'wait'}"
        return Finding(None, f"no job has run yet{waits}" if waiting else "no job has run")
    costs = estimate_cost(jobs, context.snapshot.prices)
    usd = float(costs["estimated_usd"].sum())
    unpriced, untimed = (int(costs[f"{name}_jobs"].sum()) for name in ("unpriced", "untimed"))
    if unpriced and not usd and context.snapshot.prices.empty:
        return None
    if unpriced and not usd:
        types = ", ".join(sorted(set(costs["unpriced_instance_types"].dropna())))
        raise ArgumentError(f"max_cost_usd: no price is known of {safe_text(types, 200)}")
    if untimed and not usd:
        raise ArgumentError("max_cost_usd: there is no data for it: no job has a known duration")
    by_basis = estimate_cost(jobs, context.snapshot.prices, by="hours_basis")
    basis = basis_of(by_basis["estimated_usd"], by_basis["hours_basis"])
    detail = "estimate at list prices"
    if usd:
        detail += f", counted {basis.words()}"
        # the most expensive is first
        most: Any = costs.iloc[0]
        detail += f"; most in {named(most['project_name'])}: {most['estimated_usd']:,.0f}"
    gaps = {"without a price": unpriced, "of unknown duration": untimed}
    told = tuple(f"{count(n, 'job')} {what} not in it" for what, n in gaps.items() if n)
    # a job without a price may have no known duration either
    unknown = max(gaps.values())
    return Finding(usd, detail, told, can_hold=costly - unknown >= ENOUGH * costly)


def _idle(context: Context, _: float) -> Finding | None:
    window = context.window
    prices = window.prices if len(window.prices) else None
    idle = idle_gpus(window.metrics, window.jobs, prices, by="project_name")
    total, covered = idle["idle_gpu_hours"].sum(), idle["covered_gpu_hours"].sum()
    if not covered:
        return _nobody(context)
    # the one with most idle hours is first
    most: Any = idle.iloc[0]
    held = window.jobs["gpu_hours"].sum()
    detail = f"of {covered:,.1f} measured, {held:,.1f} held"
    if total:
        detail += f"; most in {named(most['project_name'])}: {most['idle_gpu_hours']:,.1f}"
    if total and idle["idle_usd"].notna().any():
        unpriced = idle["unpriced_idle_gpu_hours"].sum()
        more = f", and {unpriced:,.1f} GPU-hours without a price" if unpriced else ""
        detail += f"; {idle['idle_usd'].sum():,.0f} USD{more}"
    return Finding(
        float(total), detail, _unmeasured(context), can_hold=_is_measured(context, covered)
    )


def _utilization(context: Context, _: float) -> Finding | None:
    busy: Any = utilization(context.window.metrics, context.window.jobs, by=None).iloc[0]
    if not busy["samples"]:
        return _nobody(context)
    enough = _is_measured(context, busy["covered_gpu_hours"])
    held = context.window.jobs["gpu_hours"].sum()
    detail = f"mean of {busy['covered_gpu_hours']:,.1f} of {held:,.1f} GPU-hours, as measured"
    gaps = _unmeasured(context)
    return Finding(busy["mean_utilization"], detail, gaps, can_hold=enough, can_break=enough)


def _held(context: Context) -> pd.DataFrame:
    return context.window.jobs[context.window.jobs["gpu_hours"] > 0]


def _nobody(context: Context) -> Finding | None:
    return None if len(_held(context)) else Finding(None, "no GPUs were held")


def _is_measured(context: Context, covered: float) -> bool:
    return bool(covered >= ENOUGH * context.window.jobs["gpu_hours"].sum())


def _unmeasured(context: Context) -> tuple[str, ...]:
    """Say what was held and not measured, and what was measured of jobs that are not listed."""
    held, samples = _held(context), context.window.metrics
    measured = samples["job_id"][samples["metric"] == "gpu_utilization"].unique()
    missing = int((~held["job_id"].isin(measured)).sum())
    unlisted = int((~pd.Series(measured).isin(context.snapshot.jobs["job_id"])).sum())
    gaps = [f"{missing:,} of {count(len(held), 'job')} not measured"] if missing else []
    if unlisted:
        gaps.append(f"samples of {count(unlisted, 'job')} that are not in the jobs table left out")
    return tuple(gaps)


def _wait_p90(context: Context, _: float) -> Finding | None:
    queue, jobs = context.window.queue, context.snapshot.jobs
    if context.since is not None:
        jobs = jobs[jobs["created_at"] >= context.since]
    submitted = jobs[jobs["gpu_type"].notna()]
    if queue.empty:
        return None if len(submitted) else Finding(None, "no job with GPUs was submitted")
    waits: Any = queue_waits(queue, by=None).iloc[0]
    if not waits["jobs"]:
        return None
    detail = f"of {count(waits['jobs'], 'job')}, {waits['waiting']:,.0f} still waiting"
    unknown = int((~submitted["job_id"].isin(queue["job_id"])).sum())
    gaps = (f"{count(unknown, 'more job')} not in the queue table",) if unknown else ()
    enough = len(submitted) - unknown >= ENOUGH * len(submitted)
    if pd.notna(waits["p90"]):
        p90 = float(waits["p90"])
        return Finding(p90, detail, gaps, can_hold=enough, can_break=enough)
    # more than one in ten waits for longer than anybody has been seen to
    least = float(waits["longest_wait"])
    return Finding(least, f"at least, {detail}", gaps, can_hold=False, can_break=enough)


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
    "max_projected_cost_usd": projected_cost,
}
