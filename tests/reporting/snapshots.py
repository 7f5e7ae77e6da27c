"""Snapshots that reports are made of, from the usual to the hostile."""

import warnings
from functools import cache
from pathlib import Path

import trainview as tv
from tests.builders import CPU, job, payload, project
from tests.reporting.fleet import (
    TABLES,
    billed,
    fleet,
    limit,
    price,
    samples,
    table,
    wait,
)
from trainview.reporting import render

DATA = Path(__file__).parents[2] / "data"
EVIL = "</script><script>window.pwned=1</script><img src=x onerror='window.pwned=1'>\"'`{{7*7}}\x1b\u202e$x_1$"
FAILED, PENDING, RUNNING = (f"TRAINING_JOB_{status}" for status in ("FAILED", "PENDING", "RUNNING"))
HOSTILE = payload(
    training_projects=[project("p1", name=EVIL, team_name=EVIL), project("p2", name=f"{EVIL} 2")],
    training_jobs=[
        job("a", project="p1", name=EVIL, current_status=FAILED, error_message=EVIL, user={"email": EVIL}),
        job("b", project="p1", name=EVIL, current_status=FAILED, error_message=f"{EVIL}\n{EVIL}"),
        job("c", project="p1", name=EVIL, current_status=FAILED, created_at="2026-03-01T11:00:00Z", user={"email": EVIL}, error_message=f"{EVIL}\n{EVIL}"),
        job("d", project="p2", current_status=EVIL, name=EVIL),
        job("e", project="p2", current_status=PENDING, created_at="2026-02-01T10:00:00Z", error_message=EVIL),
        job("f", project="p2", instance_type=CPU | {"gpu_type": EVIL, "gpu_count": 1, "id": EVIL, "name": EVIL}),
        job("g", project="p2", created_at="2026-02-20T10:00:00Z", updated_at="2026-02-21T10:00:00Z"),
    ],
)  # fmt: skip
SNAPSHOTS = {
    "sample": DATA,
    "small": tv.sample(projects=8, jobs_per_project=6, seed=2),
    "hostile": HOSTILE,
    "empty": payload(training_projects=[]),
    "no jobs": payload(training_projects=[project()]),
    "one job": payload(training_jobs=[job()]),
    "one pending job": payload(training_jobs=[job(current_status=PENDING)]),
    "all failed": payload(training_jobs=[job(f"j{n}", current_status=FAILED, error_message=f"exit {n}") for n in range(5)]),
    "failed silently": payload(training_jobs=[job(current_status=FAILED)]),
    "cpu only": payload(training_jobs=[job(instance_type=CPU)]),
    "contradictory": payload(training_jobs=[job(updated_at="2026-01-01T00:00:00Z")]),
    "latest only": payload(training_projects=[project(latest_job=job())]),
}  # fmt: skip
NOTHING = payload(training_projects=[])
FLEETS = {
    "fleet": lambda: fleet(*TABLES),
    "estimate alone": lambda: fleet("prices"),
    "bill alone": lambda: fleet("billing"),
    "metrics alone": lambda: fleet("metrics"),
    "fleet without jobs": lambda: fleet(*TABLES, source=NOTHING),
    "nothing known": lambda: fleet(
        prices=table("prices", price("other")),
        billing=table("billing", billed(None, "0.00")),
        metrics=table("metrics", *samples(0.5, step=None)),
        queue=table("queue", wait("run", None)),
        capacity=table("capacity", limit(4, "H100")),
    ),
    "no GPU measured": lambda: fleet(metrics=table("metrics", samples(1.0)[0] | {"gpu": None, "metric": "cpu_usage"})),
    "hostile fleet": lambda: load_quietly(HOSTILE).assign(
        prices=table("prices", price()),
        billing=table("billing", billed("a", "3.00", 9, project_name=EVIL), billed("x", "2.00", project_name=EVIL, job_name=EVIL, is_deleted=True)),
        metrics=table("metrics", *samples(0.0, 0.9, 0.0, job_id="f", node_id=EVIL), *samples(0.0, 0.9, job_id=EVIL, node_id=EVIL)),
        queue=table("queue", wait("e", 9.0, job_name=EVIL, gpu_type=EVIL, is_waiting=True), wait("f", 1.0, gpu_type=EVIL), wait(EVIL, 2.0)),
        capacity=table("capacity", limit(1, EVIL), limit(1), limit(1, team=EVIL), limit(1, EVIL, team=EVIL)),
    ),
}  # fmt: skip


def load_quietly(source: object) -> tv.Snapshot:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tv.DataWarning)
        return tv.load(source)


@cache
def snapshot(name: str) -> tv.Snapshot:
    return FLEETS[name]() if name in FLEETS else load_quietly(SNAPSHOTS[name])


@cache
def page(name: str) -> str:
    return render(snapshot(name))
