"""The whole made-up organisation: what happens in it, and what the API answers."""

import sys
from datetime import datetime
from typing import Any

from trainview.errors import ArgumentError
from trainview.sampling import accounts, failures, records, submissions
from trainview.sampling.caches import cache_record, cached_files
from trainview.sampling.dice import AS_OF, DAY, NEVER, Calendar, milliseconds, moment
from trainview.sampling.metrics import metrics_record
from trainview.sampling.organisation import TABLES, Job, Project
from trainview.sampling.scheduling import schedule


def sample(
    projects: int = 40,
    jobs_per_project: int = 15,
    seed: int = 0,
    *,
    as_of: str | datetime = AS_OF,
    days: int = 90,
) -> dict[str, Any]:
    """Make up the answers of the API for an organisation of any size.

    Parameters
    ----------
    projects : int
        How many projects it has.
    jobs_per_project : int
        How many jobs a project has on average. A few projects have most of them, some have none.
    seed : int
        Equal arguments give equal payloads, on every platform and Python version.
    as_of : str or datetime.datetime
        The moment the payload describes, with a zone; nothing in it is later.
    days : int
        How many days before `as_of` the first job was submitted, at most (a burst may reach some
        minutes further back).

    Returns
    -------
    dict
        ``training_projects`` as the API lists them, ``training_jobs`` as it finds them, newest
        first, and ``trainview``, where a saved snapshot keeps its `as_of`.

    Raises
    ------
    ArgumentError
        If a number is no integer or too small, or `as_of` is no time with a zone.

    Examples
    --------
    >>> payload = sample(projects=3, jobs_per_project=4)
    >>> len(payload["training_projects"]), len(payload["training_jobs"])
    (3, 12)
    >>> payload["trainview"]["as_of"]
    '2026-03-31T18:00:00Z'
    """
    return Fleet(projects, jobs_per_project, seed, as_of=as_of, days=days).payload


class Fleet:
    """A made-up organisation that answers everything that trainview asks the API.

    Each method gives one answer, and takes what the API takes; times are datetimes or texts with a
    zone, or epoch milliseconds where the API has those. A job that there is not, a window that is
    too long and a number out of bounds raise `ArgumentError`.

    Parameters
    ----------
    projects, jobs_per_project, seed, as_of, days
        As for `sample`; equal arguments give equal answers.

    Attributes
    ----------
    payload : dict
        Its projects and jobs, as `sample` gives them.
    jobs : list of trainview.sampling.organisation.Job
        What truly happened to each job, deleted ones included, from which everything else derives:
        what helpers find out can be held against it.

    Examples
    --------
    >>> fleet = Fleet(projects=3, jobs_per_project=4)
    >>> fleet.training_capacity()["gpu_capacities"][0]["limit"]
    112
    >>> len(fleet.jobs)
    12
    """

    def __init__(
        self,
        projects: int = 40,
        jobs_per_project: int = 15,
        seed: int = 0,
        *,
        as_of: str | datetime = AS_OF,
        days: int = 90,
    ) -> None:
        total = _whole("projects", projects) * _whole("jobs_per_project", jobs_per_project)
        days, now = _whole("days", days, least=1, most=3650), moment("as_of", as_of)
        self._as_of = milliseconds(now)
        self._calendar = calendar = Calendar(self._as_of - days * DAY, self._as_of)
        draw = submissions.Draw(_whole("seed", seed), calendar)
        members = submissions.make_projects(draw, projects)
        jobs = submissions.submit(draw, members, total)
        failures.tell_stories(draw, jobs, calendar)
        self.jobs = [*jobs, *submissions.throw_away(draw, members, total // 50)]
        # The limits of the organisation are for about 600 jobs in 90 days.
        scale = max(1, -(-total * 90 // (600 * days)))
        limits = {gpu_type: scale * gpus for gpu_type, gpus in TABLES["limits"].items()}
        schedule(self.jobs, limits, calendar)
        self._jobs = {job.id: job for job in sorted(jobs, key=lambda job: job.submitted)}
        self._limits = accounts.with_teams(limits, jobs)
        by_project: dict[Project, list[Job]] = {project: [] for project in members}
        for job in self._jobs.values():
            by_project[job.project].append(job)
        self._files = {
            project.id: cached_files(project, own, self._as_of)
            for project, own in by_project.items()
        }
        self._team_ids = {project.team: next(draw.ids) for project in members}
        used = {row["gpu_type"]: row for row in self.training_capacity()["gpu_capacities"]}
        jobs.sort(key=lambda job: (-job.submitted, job.id))
        self._records = {job.id: records.job_record(job, used, self._as_of) for job in jobs}
        listed = records.project_records(by_project, self._records, calendar)
        self.payload: dict[str, Any] = {
            "trainview": {"format": 1, "as_of": now.isoformat().replace("+00:00", "Z")},
            "training_projects": listed,
            "training_jobs": [*self._records.values()],
        }

    def instance_type_prices(self) -> dict[str, Any]:
        """Answer ``GET /v1/instance_type_prices``: all types but one that jobs use."""
        return {"instance_types": accounts.price_records()}

    def training_capacity(self) -> dict[str, Any]:
        """Answer ``GET /v1/training/capacity``."""
        jobs = self._jobs.values()
        return accounts.capacity_record(jobs, self._limits, self._team_ids, self._as_of)

    def usage_summary(self, start: str | datetime, end: str | datetime) -> dict[str, Any]:
        """Answer ``GET /v1/billing/usage_summary`` for the days that [start, end) touches."""
        window = milliseconds(moment("start", start)), milliseconds(moment("end", end))
        return accounts.usage_record(self.jobs, self._team_ids, window, self._as_of)

    def job_metrics(
        self, job_id: str, start_ms: int = 0, end_ms: int = NEVER, step_seconds: int = 300
    ) -> dict[str, Any]:
        """Answer ``GET .../jobs/{job_id}/metrics``; a sample is the same in every window."""
        job, step = self._job(job_id), _whole("step_seconds", step_seconds, least=1)
        files = self._files[job.project.id]
        answer = metrics_record(job, files, (start_ms, end_ms), step, self._as_of)
        return answer | {"training_job": self._records[job_id]}

    def cache_summary(self, project_id: str) -> dict[str, Any] | None:
        """Answer ``GET /v1/training_projects/{project_id}/cache/summary``; None without a cache."""
        files = self._files.get(project_id)
        return None if files is None else cache_record(project_id, files, self._as_of)

    def checkpoints(self, job_id: str) -> dict[str, Any]:
        """Answer ``GET .../jobs/{job_id}/checkpoints``, oldest first."""
        saved = records.checkpoint_records(self._job(job_id), self._as_of)
        return {"training_job": self._records[job_id], "checkpoints": saved}

    def queue_context(self, job_id: str) -> dict[str, Any] | None:
        """Answer ``GET /v1/training/jobs/{job_id}/queue_context``; None for a job without GPUs."""
        job, jobs = self._job(job_id), self._jobs.values()
        return accounts.queue_record(job, jobs, self._limits, self._calendar)

    def job_logs(
        self, job_id: str, start_ms: int, end_ms: int, *, limit: int = 500, direction: str = "asc"
    ) -> dict[str, Any]:
        """Answer ``GET .../jobs/{job_id}/logs``: the first lines, or with ``desc`` the last."""
        lines = records.log_lines(self._job(job_id), (start_ms, end_ms), self._as_of)
        lines = lines[::-1] if direction == "desc" else lines
        return {"logs": lines[: _whole("limit", limit, least=1, most=1000)]}

    def _job(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise ArgumentError(f"there is no training job {job_id!r}: see payload")
        return self._jobs[job_id]


def _whole(name: str, value: object, *, least: int = 0, most: int = sys.maxsize) -> int:
    """Check that an argument is an integer within bounds."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    bounds = f"at least {least}" if most == sys.maxsize else f"from {least} to {most}"
    raise ArgumentError(f"{name} must be an integer, {bounds}: got {value!r}")
