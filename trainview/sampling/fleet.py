"""The whole made-up organisation: what happens in it, and what the API answers."""

from datetime import datetime
from typing import Any

from trainview.errors import ArgumentError
from trainview.sampling import accounts, failures, records, submissions
from trainview.sampling.dice import AS_OF, DAY, NEVER, Dice, milliseconds, moment
from trainview.sampling.metrics import metrics_record
from trainview.sampling.organisation import INSTANCES, PRICE_UNIT, PRICES, TABLES, Job
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
        If a number is no integer or out of bounds, or `as_of` is no time with a zone.

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
        now, days = moment("as_of", as_of), _whole("days", days, least=1, most=3650)
        self._as_of = end = milliseconds(now)
        # Of all organisations number 50, since by default it has some of everything.
        dice = Dice(50, _whole("seed", seed))
        members = submissions.make_projects(dice, projects, end - days * DAY, end)
        by_project = submissions.submit(dice, members, total)
        failures.tell_stories(dice, by_project, days, end)
        jobs = [job for own in by_project.values() for job in own]
        self.jobs = [*jobs, *submissions.throw_away(dice, members, total // 50)]
        scale = max(1, -(-total * 90 // (600 * days)))  # the limits are for 600 jobs in 90 days
        limits = {gpu_type: scale * gpus for gpu_type, gpus in TABLES["limits"].items()}
        schedule(self.jobs, limits, end)
        self._limits = accounts.with_teams(limits, jobs)
        self._team_ids = {project.team: next(dice.ids) for project in members}
        jobs.sort(key=lambda job: job.submitted)
        self._jobs = {job.id: job for job in jobs}
        used = {row["gpu_type"]: row for row in self.training_capacity()["gpu_capacities"]}
        self._records = {job.id: records.job_record(job, used) for job in reversed(jobs)}
        self._files, listed = {}, []
        for project, own in by_project.items():
            own.sort(key=lambda job: job.submitted)
            self._files[project.id] = records.cached_files(project, own)
            listed.append(records.project_record(project, own, self._records))
        listed.sort(key=lambda row: row["created_at"], reverse=True)
        self.payload: dict[str, Any] = {
            "trainview": {"format": 1, "as_of": now.isoformat().replace("+00:00", "Z")},
            "training_projects": listed,
            "training_jobs": [*self._records.values()],
        }

    def instance_type_prices(self) -> dict[str, Any]:
        """Answer ``GET /v1/instance_type_prices``: all types but one that jobs use."""
        listed = [each for each in INSTANCES.values() if each.id != TABLES["unlisted"]]
        rows = [
            {"instance_type": each._asdict(), "price": float(PRICES[each.id] * PRICE_UNIT)}
            for each in listed
        ]
        return {"instance_types": rows}

    def training_capacity(self) -> dict[str, Any]:
        """Answer ``GET /v1/training/capacity``."""
        return accounts.capacity_record(self._jobs.values(), self._limits, self._team_ids)

    def usage_summary(self, start: str | datetime, end: str | datetime) -> dict[str, Any]:
        """Answer ``GET /v1/billing/usage_summary`` for the days that [start, end) touches."""
        window = milliseconds(moment("start", start)), milliseconds(moment("end", end))
        return accounts.usage_record(self.jobs, self._team_ids, *window)

    def job_metrics(
        self, job_id: str, start_ms: int = 0, end_ms: int = NEVER, step_seconds: int = 300
    ) -> dict[str, Any]:
        """Answer ``GET .../jobs/{job_id}/metrics``; a sample is the same in every window."""
        job, step = self._job(job_id), _whole("step_seconds", step_seconds, least=1)
        answer = metrics_record(job, self._files[job.project.id], (start_ms, end_ms), step)
        return answer | {"training_job": self._records[job_id]}

    def cache_summary(self, project_id: str) -> dict[str, Any] | None:
        """Answer ``GET /v1/training_projects/{project_id}/cache/summary``; None without a cache."""
        files = self._files.get(project_id)
        return None if files is None else records.cache_record(project_id, files, self._as_of)

    def checkpoints(self, job_id: str) -> dict[str, Any]:
        """Answer ``GET .../jobs/{job_id}/checkpoints``, oldest first."""
        saved = records.checkpoint_records(self._job(job_id))
        return {"training_job": self._records[job_id], "checkpoints": saved}

    def queue_context(self, job_id: str) -> dict[str, Any] | None:
        """Answer ``GET /v1/training/jobs/{job_id}/queue_context``; None for a job without GPUs."""
        return accounts.queue_record(self._job(job_id), self._jobs.values(), self._limits)

    def job_logs(
        self, job_id: str, start_ms: int, end_ms: int, *, limit: int = 500, direction: str = "asc"
    ) -> dict[str, Any]:
        """Answer ``GET .../jobs/{job_id}/logs``: the first lines, or with ``desc`` the last."""
        lines = records.log_lines(self._job(job_id), start_ms, end_ms)
        lines = lines[::-1] if direction == "desc" else lines
        return {"logs": lines[: _whole("limit", limit, least=1, most=1000)]}

    def _job(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise ArgumentError(f"there is no training job {job_id!r}: see payload")
        return self._jobs[job_id]


def _whole(name: str, value: object, *, least: int = 0, most: int = (1 << 63) - 1) -> int:
    """Check that an argument is an integer within bounds."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise ArgumentError(f"{name} must be an integer from {least} to {most}: got {value!r}")
