"""What the tests of the sample organisation share."""

from datetime import datetime
from functools import cache

import pandas as pd

STEP = 600
_TEXT = (
    "job_id", "job_name", "project_id", "project_name", "team_name", "user_email", "status",
    "cause", "quirk", "chain_id", "gpu_type",
)  # fmt: skip
_DTYPES = dict.fromkeys(_TEXT, "str") | {
    "attempt": "int64", "gpus": "int64", "is_spot": "bool", "is_deleted": "bool",
}  # fmt: skip


def moment(text):
    return datetime.fromisoformat(text)


def milliseconds(time):
    return round(pd.Timestamp(time).timestamp() * 1000)


def as_of(fleet):
    return moment(fleet.payload["trainview"]["as_of"])


def first_attempt(job):
    return job.id if job.after is None else first_attempt(job.after)


@cache
def truth_of(fleet):
    """Tell what truly happened to each job, deleted ones included; what has not happened is null.

    `chain_id` is the id of the job's first attempt, `attempt` counts from 1, `busy_until` is when its
    GPUs had their last work, `checkpoints` lists the times in which it saved.
    """
    now = milliseconds(as_of(fleet))
    jobs = sorted(fleet.jobs, key=lambda job: (job.submitted, job.id))
    rows = [
        (
            job.id, job.name, job.project.id, job.project.name, job.project.team,
            f"{job.user}@example.com", status, job.cause if status == job.outcome else None,
            job.quirk, first_attempt(job), job.instance.gpu_type, job.attempt, job.gpus, job.spot,
            job.is_deleted,
        )
        for job in jobs
        for status, _ in [job.state(now)]
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=[*_DTYPES]).astype(_DTYPES)
    for name in ("submitted", "released", "deploying", "started", "ended", "busy_until"):
        times = pd.Series([getattr(job, name) for job in jobs], dtype="int64")
        past = pd.to_datetime(times, unit="ms", utc=True).dt.as_unit("us").where(times <= now)
        table[name if name == "busy_until" else f"{name}_at"] = past
    saved = ([time for time in job.checkpoints if time <= now] for job in jobs)
    table["checkpoints"] = [list(pd.to_datetime(times, unit="ms", utc=True)) for times in saved]
    return table


def listed(fleet):
    """The truth about the jobs that the API still lists, by id."""
    truth = truth_of(fleet)
    return truth[~truth["is_deleted"]].set_index("job_id")


def records(fleet):
    return {job["id"]: job for job in fleet.payload["training_jobs"]}


def gpus(record):
    return record["instance_type"]["gpu_count"] * record.get("node_count", 1)
