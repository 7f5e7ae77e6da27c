"""The whole made-up organisation: the truth about it, and what the API answers."""

import sys
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from trainview.errors import ArgumentError
from trainview.sampling import billing, capacity, records, stories, submissions
from trainview.sampling.catalogue import TABLES
from trainview.sampling.clock import AS_OF, DAY, milliseconds, moment
from trainview.sampling.jobs import Job, truth_table
from trainview.sampling.metrics import metrics_record
from trainview.sampling.scheduling import schedule


class Fleet:
    """A made-up organisation that answers like the API; `sample_fleet` makes it.

    Each method gives one answer, and takes what the API takes; times are datetimes or texts with a
    zone, or epoch milliseconds where the API has those. A job that there is not, a window that is
    too long and a number out of bounds raise `ArgumentError`.

    Attributes
    ----------
    payload : dict
        Its projects and jobs, as `sample` gives them.
    """

    def __init__(
        self, projects: int, jobs_per_project: int, seed: int, now: datetime, days: int
    ) -> None:
        self._as_of, total = milliseconds(now), projects * jobs_per_project
        self._calendar = submissions.Calendar(self._as_of - days * DAY, self._as_of)
        draw = submissions.Draw(seed, self._calendar)
        members = submissions.make_projects(draw, projects)
        jobs = submissions.submit(draw, members, total)
        stories.tell(draw, jobs, self._calendar)
        self._all_jobs = [*jobs, *submissions.throw_away(draw, members, total // 50)]
        # The limits of the organisation are for about 600 jobs in 90 days.
        scale = max(1, -(-total * 90 // (600 * days)))
        limits = {gpu_type: scale * gpus for gpu_type, gpus in TABLES["limits"].items()}
        schedule(self._all_jobs, limits, self._calendar)
        self._jobs = {job.id: job for job in sorted(jobs, key=lambda job: job.submitted)}
        self._limits = capacity.with_teams(limits, jobs)
        self._team_ids = {project.team: next(draw.ids) for project in members}
        used = {row["gpu_type"]: row for row in self.training_capacity()["gpu_capacities"]}
        jobs.sort(key=lambda job: (-job.submitted, job.id))
        self._records = {job.id: records.job_record(job, used, self._as_of) for job in jobs}
        ordered = self._jobs.values()
        self.payload: dict[str, Any] = {
            "trainview": {"format": 1, "as_of": now.isoformat().replace("+00:00", "Z")},
            "training_projects": records.project_records(
                members, ordered, self._records, self._calendar
            ),
            "training_jobs": [*self._records.values()],
        }

    @cached_property
    def truth(self) -> pd.DataFrame:
        """What truly happened to each job, deleted ones included; no answer of the API has it.

        Everything that the other answers tell derives from it, so helpers that reconstruct it can
        be held against it. What has not happened by the end of the sample is null.

        Columns: `job_id, job_name, project_id, project_name, team_name, user_email`; `status`;
        `cause` of a failure (str, null without one); `quirk` (``hung``, ``idle node``,
        ``idle half``, ``one gpu``, ``clock skew`` or null); `chain_id`, the id of the job's first
        attempt, and `attempt`, counted from 1; `gpu_type, gpus, is_spot, is_deleted`;
        `submitted_at, released_at, deploying_at, started_at, ended_at`, and `busy_until`, when its
        GPUs had their last work (datetime64[us, UTC]); `checkpoints`, a list of the times in
        which it saved.
        """
        return truth_table(self._all_jobs, self._as_of)

    def instance_type_prices(self) -> dict[str, Any]:
        """Answer ``GET /v1/instance_type_prices``: all types but one that jobs use."""
        return billing.price_list()

    def training_capacity(self) -> dict[str, Any]:
        """Answer ``GET /v1/training/capacity``."""
        jobs = self._jobs.values()
        return capacity.capacity_record(jobs, self._limits, self._team_ids, self._as_of)

    def usage_summary(self, start: str | datetime, end: str | datetime) -> dict[str, Any]:
        """Answer ``GET /v1/billing/usage_summary`` for the days that [start, end) touches."""
        window = milliseconds(moment("start", start)), milliseconds(moment("end", end))
        return billing.usage_record(self._all_jobs, self._team_ids, window, self._as_of)

    def job_metrics(
        self,
        job_id: str,
        start_ms: int | None = None,
        end_ms: int | None = None,
        step_seconds: int = 300,
    ) -> dict[str, Any]:
        """Answer ``GET .../jobs/{job_id}/metrics``; a sample is the same in every window."""
        job, step = self._job(job_id), whole("step_seconds", step_seconds, least=1)
        answer = metrics_record(job, (start_ms, end_ms), step, self._as_of)
        return answer | {"training_job": self._records[job_id]}

    def checkpoints(self, job_id: str) -> dict[str, Any]:
        """Answer ``GET .../jobs/{job_id}/checkpoints``, oldest first."""
        saved = records.checkpoint_records(self._job(job_id), self._as_of)
        return {"training_job": self._records[job_id], "checkpoints": saved}

    def queue_context(self, job_id: str) -> dict[str, Any] | None:
        """Answer ``GET /v1/training/jobs/{job_id}/queue_context``; None for a job without GPUs."""
        job, jobs = self._job(job_id), self._jobs.values()
        return capacity.queue_record(job, jobs, self._limits, self._calendar)

    def job_logs(
        self, job_id: str, start_ms: int, end_ms: int, *, limit: int = 500, direction: str = "asc"
    ) -> dict[str, Any]:
        """Answer ``GET .../jobs/{job_id}/logs``: the first lines, or with ``desc`` the last."""
        lines = records.log_lines(self._job(job_id), (start_ms, end_ms), self._as_of)
        lines = lines[::-1] if direction == "desc" else lines
        return {"logs": lines[: whole("limit", limit, least=1, most=1000)]}

    def _job(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise ArgumentError(f"there is no training job {job_id!r}: see payload")
        return self._jobs[job_id]


def sample_fleet(
    projects: int = 40,
    jobs_per_project: int = 15,
    seed: int = 0,
    *,
    as_of: str | datetime = AS_OF,
    days: int = 90,
) -> Fleet:
    """Make up an organisation that answers everything that trainview asks the API.

    Parameters
    ----------
    projects, jobs_per_project, seed, as_of, days
        As for `trainview.sampling.sample`, which gives the `payload` of the same organisation.

    Returns
    -------
    Fleet
        One method for each call of the API, and `Fleet.truth`, what the answers derive from; equal
        arguments give equal answers.

    Raises
    ------
    ArgumentError
        If a number is no integer or too small, or `as_of` is no time with a zone.

    Examples
    --------
    >>> fleet = sample_fleet(projects=3, jobs_per_project=4)
    >>> fleet.training_capacity()["gpu_capacities"][0]["limit"]
    112
    >>> len(fleet.truth)
    12
    """
    return Fleet(
        whole("projects", projects),
        whole("jobs_per_project", jobs_per_project),
        whole("seed", seed),
        moment("as_of", as_of),
        whole("days", days, least=1, most=3650),
    )


def whole(name: str, value: object, *, least: int = 0, most: int = sys.maxsize) -> int:
    """Check that an argument is an integer within bounds."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    bounds = f"at least {least}" if most == sys.maxsize else f"from {least} to {most}"
    raise ArgumentError(f"{name} must be an integer, {bounds}: got {value!r}")
