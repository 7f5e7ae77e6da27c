"""A made-up project and a made-up job: what was asked for, and what truly happened to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from trainview.sampling.catalogue import Instance
from trainview.sampling.clock import NEVER, SECOND

_QUIET_AFTER = 11_400 * SECOND
_TEXT = (
    "job_id", "job_name", "project_id", "project_name", "team_name", "user_email", "status",
    "cause", "quirk", "chain_id", "gpu_type",
)  # fmt: skip
_DTYPES = dict.fromkeys(_TEXT, "str") | {
    "attempt": "int64", "gpus": "int64", "is_spot": "bool", "is_deleted": "bool",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Project:
    """A project; `life` is the part of the time, in percent, in which it gets jobs."""

    id: str
    name: str
    team: str
    kind: str
    load: int
    life: tuple[int, int]
    habits: dict[str, str]
    favourite: str


@dataclass(eq=False, slots=True)
class Job:
    """A job. Moments are in milliseconds since 1970, lengths in milliseconds."""

    id: str
    project: Project
    submitted: int
    name: str | None
    instance: Instance
    nodes: int
    user: str
    spot: bool
    work: int  # how long it would run if nothing went wrong
    priority: int = 0
    spelling: Sequence[str] = ("", "")  # of its times: precision, and how UTC is written
    outcome: str = "completed"
    cause: str | None = None
    share: int = 100  # how much of its work it does before it ends, in percent
    longest: int = NEVER  # when it ends at the latest, counted from its start
    until: int = 0  # the moment in which it fails, if it runs then
    attempt: int = 1
    after: "Job | None" = None  # the attempt that this one continues
    stays: str | None = None  # the status that it never leaves
    quirk: str | None = None  # hung, idle node, idle half, one gpu, clock skew
    is_deleted: bool = False
    # What happened, as `scheduling` tells it; `synced` is when its last checkpoint was copied.
    released: int = NEVER
    deploying: int = NEVER
    started: int = NEVER
    ended: int = NEVER
    synced: int = NEVER
    loading: int = 0
    checkpoints: Sequence[int] = ()
    message: str | None = None

    @property
    def gpus(self) -> int:
        """GPUs of all its nodes."""
        return self.instance.gpu_count * self.nodes

    def cut(self, time: int) -> int:
        """Round a time down to what is told of it, so that its spelling cuts nothing off."""
        return time - time % (SECOND if self.spelling[0] == "seconds" else 1)

    @property
    def chain(self) -> str:
        """The id of the first attempt."""
        return self.id if self.after is None else self.after.chain

    @property
    def busy_until(self) -> int:
        """When its GPUs had their last work."""
        if self.quirk == "hung" and self.started < NEVER:
            return self.started + _QUIET_AFTER
        return (self.started + self.ended) // 2 if self.quirk == "idle half" else self.ended

    def history(self) -> list[tuple[str, int]]:
        """List the statuses it gets, and when."""
        first = "queued" if self.stays == "queued" else "pending"
        labels = (first, "created", "deploying", "running", self.outcome)
        times = (self.submitted, self.released, self.deploying, self.started, self.ended)
        return [step for step in zip(labels, times, strict=True) if step[1] < NEVER]

    def state(self, moment: int) -> tuple[str, int]:
        """Tell its status at a moment, and since when it has had it."""
        return [step for step in self.history() if step[1] <= moment][-1]

    def ran(self, as_of: int) -> bool:
        """Say whether it ran for some time before a moment."""
        return self.started < min(self.ended, as_of)


def truth_table(jobs: Iterable[Job], as_of: int) -> pd.DataFrame:
    """Tell what happened to the jobs up to a moment; what has not happened yet is null."""
    jobs = sorted(jobs, key=lambda job: (job.submitted, job.id))
    rows = [
        (
            job.id, job.name, job.project.id, job.project.name, job.project.team,
            f"{job.user}@example.com", status, job.cause if status == job.outcome else None,
            job.quirk, job.chain, job.instance.gpu_type, job.attempt, job.gpus, job.spot,
            job.is_deleted,
        )
        for job in jobs
        for status, _ in [job.state(as_of)]
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=[*_DTYPES]).astype(_DTYPES)
    for name in ("submitted", "released", "deploying", "started", "ended", "busy_until"):
        times = pd.Series([getattr(job, name) for job in jobs], dtype="int64")
        past = pd.to_datetime(times, unit="ms", utc=True).dt.as_unit("us").where(times <= as_of)
        table[name if name == "busy_until" else f"{name}_at"] = past
    saved = ([time for time in job.checkpoints if time <= as_of] for job in jobs)
    table["checkpoints"] = [list(pd.to_datetime(times, unit="ms", utc=True)) for times in saved]
    return table
