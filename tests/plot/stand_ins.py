"""Results as the helpers of the fleet document them, a group a project: plots know no more."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import pandas as pd

from tests.analysis.tables import KINDS, at, collected, convert, is_kind

HOURS = 6
TIMES = {
    *("period", "longest_idle_start", "longest_idle_end", "last_seen"),
    *("started_at", "ended_at", "last_checkpoint_at", "submitted_at", "exceeded_on"),
}
TEXTS = {"kind", "chain_id", "job_name", "status", "outcome"} | {
    "project_name", "gpu_type", "advised_gpu_type",
}  # fmt: skip


def stand_in(make: Callable[[int], list[dict[str, Any]]]) -> Callable[..., Any]:
    """Give a function the face of a helper: jobs of any kind in, a table of this kind out."""
    columns = list(make(0)[0])
    # Those about jobs have their projects; failures by cause have the cause.
    key = "project_name" if {"kind", "chain_id"}.intersection(columns) else "error"

    @wraps(make)
    def helper(jobs: Any, by: str | None = None) -> Any:
        names = list(dict.fromkeys(collected(jobs)["project_name"].astype(object)))
        rows = [
            {by or key: name, **row} for number, name in enumerate(names) for row in make(number)
        ]
        frame = pd.DataFrame(rows, columns=[by or key, *columns])
        for name in frame:
            if name in TIMES:
                frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("us")
            elif name in {by, key, *TEXTS}:
                frame[name] = frame[name].astype("str")
            elif name not in {"change", "example", "job_id", "unpriced_instance_types"}:
                frame[name] = frame[name].astype("float64")
        return convert(frame, next(kind for kind in KINDS if is_kind(jobs, kind)))

    return helper


@stand_in
def estimate_cost(number):
    return [
        {
            "jobs": 3, "unpriced_jobs": number % 2, "untimed_jobs": 0, "gpu_hours": 20.0,
            "estimated_usd": 1000.0 / (number + 1), "share": 0.1, "unpriced_instance_types": None,
        }
    ]  # fmt: skip


@stand_in
def compare(number):
    return [
        {
            "change": "appeared", "jobs_before": 0, "jobs_after": 3, "gpu_hours_difference": 5.0,
            "estimated_usd_difference": 30.0 * (2 - number),
        }
    ]  # fmt: skip


@stand_in
def cost_over_time(number):
    return [
        {"period": at(24 * day), "estimated_usd": 10.0 + number, "billed_usd": 9.0 if day else None}
        for day in range(3)
    ]


@stand_in
def reconcile_cost(number):
    return [
        {
            "jobs": 1, "estimated_usd": 100.0 + number, "billed_usd": 90.0,
            "difference_usd": 10.0 + number, "overhead_usd": 9.0 + number, "price_usd": 1.0,
            "estimated_minutes": 60, "billed_minutes": 54,
        }
    ]  # fmt: skip


@stand_in
def failure_costs(number):
    return [
        {
            "jobs": 2, "unpriced_jobs": number % 2, "gpu_hours": 5.0, "estimated_usd": 30.0,
            "last_seen": at(number), "example": "boom", "job_id": "j1",
        }
    ]  # fmt: skip


@stand_in
def utilization(number):
    return [
        {
            "gpus": 8, "samples": 100, "covered_gpu_hours": 12.5, "missing_share": 0.1,
            "held_gpu_hours": 25.0, "measured_share": 0.5,
            "mean_utilization": 0.5, "p50_utilization": 0.6, "p95_utilization": 0.9,
            "mean_memory_share": 0.7, "max_memory_bytes": 1000 + number,
        }
    ]  # fmt: skip


@stand_in
def utilization_over_time(number):
    return [
        {
            "period": at(hour),
            "mean_utilization": hour / HOURS,
            "samples": 60,
            "covered_gpu_hours": 1.0,
            "held_gpu_hours": 8.0,
            "measured_share": 0.125,
        }
        for hour in range(number % 3, HOURS)
    ]


@stand_in
def idle_gpus(number):
    return [
        {
            "gpus": 8, "covered_gpu_hours": 40.0, "held_gpu_hours": 50.0, "measured_share": 0.8,
            "idle_gpu_hours": 10.0 / (number + 1),
            "idle_share": 0.25, "longest_idle_hours": 5.0, "longest_idle_start": at(0),
            "longest_idle_end": at(5), "idle_usd": 60.0, "unpriced_idle_gpu_hours": 0.0,
        }
    ]  # fmt: skip


@stand_in
def queue_waits(number):
    return [
        {
            "jobs": 12, "waiting": number % 3, "p50": 0.5, "p90": 2.0, "p99": 6.5,
            "longest_wait": 9.0 + number,
        }
    ]  # fmt: skip


@stand_in
def queue_wait_curve(number):
    return [
        {"waited_hours": 0.0, "share_waiting": 1.0, "low": 1.0, "high": 1.0, "at_risk": 4 + number},
        {"waited_hours": 0.5, "share_waiting": 0.6, "low": 0.1, "high": 0.9, "at_risk": 4 + number},
        {"waited_hours": 7.0, "share_waiting": 0.2, "low": 0.0, "high": 0.6, "at_risk": 2},
    ]


@stand_in
def quota(number):
    return [
        {
            "limit": 64, "baseline": 32, "peak_gpus": 72, "mean_gpus": 20.5, "hours": 720.0,
            "burst_gpu_hours": 9.0, "held_over_limit_gpu_hours": 5.0, "peak_spot_gpus": 8,
            "spot_gpu_hours": 4.0, "peak_pending_gpus": 16, "pending_gpu_hours": 2.0,
            "at_limit_share": 0.1 / (number + 1), "over_limit_gpu_hours": 40.0,
            "at_limit_share_with_extra": 0.01, "over_limit_gpu_hours_with_extra": 4.0,
        }
    ]  # fmt: skip


@stand_in
def right_size(number):
    return [
        {
            "job_name": "tune", "gpus": 8, "gpu_type": "H100", "advised_gpus": 2 - number % 2, "advised_gpu_type": "A100",
            "saving_usd": 360.0 / (number + 1), "saving_low_usd": 300.0 / (number + 1),
        }
    ]  # fmt: skip


@stand_in
def lost_work(number):
    same = {"gpus": 8, "started_at": at(1), "ended_at": at(9), "last_checkpoint_at": at(7)}
    return [
        {"job_id": f"j{number}-{kind}", "kind": kind, **same, "lost_hours": hours, "lost_gpu_hours": hours and 8 * hours}
        for kind, hours in [("failed", 2.0 + number), ("preempted", 1.0), ("stopped", 0.5), ("failed", None)]
    ]  # fmt: skip


@stand_in
def goodput(number):
    return [
        {
            "jobs": 4, "unknown_jobs": number % 2, "running_gpu_hours": 100.0 + number,
            "lost_gpu_hours": 10.0, "deploying_gpu_hours": 5.0, "idle_gpu_hours": 20.0,
            "unknown_gpu_hours": 3.0 * (number % 2), "goodput": 0.7,
        }
    ]  # fmt: skip


@stand_in
def spend_pace(number):
    return [
        {
            "month_to_date_usd": 1000.0 / (number + 1), "projected_usd": 3000.0 / (number + 1),
            "projected_low_usd": 2500.0 / (number + 1), "projected_high_usd": 3600.0 / (number + 1),
            "budget_usd": 2000.0 if number % 2 else None,
        }
    ]  # fmt: skip


@stand_in
def run_chains(number):
    whole = {
        "attempts": 2, "outcome": "completed", "wall_hours": 9.0 + number, "running_hours": 7.0,
        "lost_hours": 1.0, "ettr": 6 / (9 + number),
    }  # fmt: skip
    return [
        {
            "job_id": f"c{number}-{attempt}", "job_name": f"sft-{attempt}", "chain_id": f"c{number}-1",
            "attempt": attempt, "status": status, "submitted_at": at(start), "ended_at": at(end), **whole,
        }
        for attempt, status, start, end in [(1, "failed", 0, 4), (2, "completed", 5, 9 + number)]
    ]  # fmt: skip


@stand_in
def time_to_failure(number):
    failures = number % 2
    return [
        {
            "jobs": 9, "unknown_jobs": 1, "running_hours": 50.0, "failures": failures,
            "mttf_hours": 50.0 / failures if failures else None, "mttf_low_hours": 9.0,
            "mttf_high_hours": 1974.0 if failures else None,
        }
    ]  # fmt: skip


@stand_in
def spot_usage(number):
    return [
        {
            "gpu_hours": 80.0, "ended": 12, "preempted": number % 4, "preemption_rate": 0.25,
            "low": 0.1, "high": 0.4 + number / 1000, "lost_gpu_hours": 3.0 if number % 2 else None,
        }
    ]  # fmt: skip


@stand_in
def cache_usage(number):
    return [
        {
            "files": 12 + number, "size_bytes": 2.0**38 / (number + 1),
            "utilization": 0.25 if number % 2 else None,
        }
    ]  # fmt: skip


@stand_in
def checkpoint_usage(number):
    return [
        {
            "checkpoints": 12 + number, "size_bytes": 2.0**41 / (number + 1),
            "syncing_ended_bytes": 2.0**39 / (number + 1) if number % 2 else 0.0,
        }
    ]  # fmt: skip
