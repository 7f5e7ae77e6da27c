"""What truly happened to each job: what the API tells in part, and estimates are compared with."""

from collections.abc import Iterable

import pandas as pd

from trainview.sampling.jobs import Job

_TEXT = (
    "job_id", "job_name", "project_id", "project_name", "team_name", "user_email", "status",
    "cause", "quirk", "chain_id", "gpu_type",
)  # fmt: skip
_DTYPES = dict.fromkeys(_TEXT, "str") | {
    "attempt": "int64", "gpus": "int64", "is_spot": "bool", "is_deleted": "bool",
}  # fmt: skip
_TIMES = ("submitted", "released", "deploying", "started", "ended", "busy_until")


def truth_table(jobs: Iterable[Job], as_of: int) -> pd.DataFrame:
    """Tell what happened to the jobs up to a moment; what has not happened yet is null."""
    jobs = sorted(jobs, key=lambda job: (job.submitted, job.id))
    rows = []
    for job in jobs:
        status, _ = job.state(as_of)
        project, cause = job.project, job.cause if status == job.outcome else None
        rows.append(
            (
                job.id, job.name, project.id, project.name, project.team, f"{job.user}@example.com",
                status, cause, job.quirk, job.chain, job.instance.gpu_type,
                job.attempt, job.gpus, job.spot, job.is_deleted,
            )
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=[*_DTYPES]).astype(_DTYPES)
    for name in _TIMES:
        moments = [getattr(job, name) for job in jobs]
        times = pd.Series(pd.to_datetime(moments, unit="ms", utc=True)).astype(
            "datetime64[us, UTC]"
        )
        is_past = pd.Series(moments, dtype="int64") <= as_of
        table[name if name == "busy_until" else f"{name}_at"] = times.where(is_past)
    saved = ([time for time in job.checkpoints if time <= as_of] for job in jobs)
    table["checkpoints"] = [list(pd.to_datetime(times, unit="ms", utc=True)) for times in saved]
    return table
