"""The whole made-up organisation, and what the API answers about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trainview.errors import ArgumentError
from trainview.sampling import (
    billing,
    capacity,
    checkpoints,
    courses,
    logs,
    metrics,
    organisation,
    prices,
    queue,
    quota,
    records,
    stories,
)
from trainview.sampling.arguments import AS_OF, moment, whole
from trainview.sampling.dice import Dice


@dataclass(frozen=True, eq=False, repr=False)
class Fleet:
    """A made-up organisation that answers like the API; `sample_fleet` makes it.

    Attributes
    ----------
    payload : dict
        Its projects and jobs, as `sample` gives them.
    """

    payload: dict[str, Any]
    _calendar: organisation.Calendar
    _limits: dict[str, int]
    _teams: tuple[quota.Team, ...]
    _jobs: dict[str, organisation.Job]
    _records: dict[str, records.Record]
    _bill: list[billing.Item]
    _twists: dict[str, courses.Twist]

    def instance_type_prices(self) -> dict[str, Any]:
        """Answer ``GET /v1/instance_type_prices``.

        Returns
        -------
        dict
            Every instance type with its price, in USD a minute, but one that jobs use.
        """
        return prices.price_records()

    def training_capacity(self) -> dict[str, Any]:
        """Answer ``GET /v1/training/capacity``.

        Returns
        -------
        dict
            Limits and GPUs in use of the organisation and of its teams.
        """
        return quota.capacity_records(
            self._jobs.values(), self._limits, self._teams, self._calendar.as_of
        )

    def usage_summary(self, start: str | datetime, end: str | datetime) -> dict[str, Any]:
        """Answer ``GET /v1/billing/usage_summary``.

        Parameters
        ----------
        start, end : str or datetime.datetime
            The days that [start, end) touches are billed, none before 2026.

        Returns
        -------
        dict
            What each job cost, and what deleted jobs did.

        Raises
        ------
        ArgumentError
            If there are more than 31 days between `start` and `end`.
        """
        return billing.usage(self._bill, moment("start", start), moment("end", end))

    def job_metrics(
        self,
        job_id: str,
        start_ms: int | None = None,
        end_ms: int | None = None,
        step_seconds: int | None = None,
    ) -> dict[str, Any]:
        """Answer ``GET /v1/training_projects/{id}/jobs/{job_id}/metrics``.

        Parameters
        ----------
        job_id : str
            Of a job in `payload`.
        start_ms, end_ms : int, optional
            The first and the last moment, in milliseconds since 1970; by default the job's own.
        step_seconds : int, optional
            Time between two samples; by default so that there are not too many.

        Returns
        -------
        dict
            The series of each node. A sample is the same in whatever window it is asked for.

        Raises
        ------
        ArgumentError
            If there is no such job, or the step is no positive integer.
        """
        job = self._job(job_id)
        return metrics.metrics_record(
            job, self._course(job), self._records[job_id], (start_ms, end_ms), step_seconds
        )

    def checkpoints(self, job_id: str) -> dict[str, Any]:
        """Answer ``GET /v1/training_projects/{id}/jobs/{job_id}/checkpoints``.

        Parameters
        ----------
        job_id : str
            Of a job in `payload`.

        Returns
        -------
        dict
            The job and its checkpoints, oldest first.

        Raises
        ------
        ArgumentError
            If there is no such job.
        """
        job = self._job(job_id)
        return checkpoints.checkpoints_record(
            job, self._course(job), self._records[job_id], self._calendar.as_of
        )

    def queue_context(self, job_id: str) -> dict[str, Any] | None:
        """Answer ``GET /v1/training/jobs/{job_id}/queue_context``.

        Parameters
        ----------
        job_id : str
            Of a job in `payload`.

        Returns
        -------
        dict or None
            What the job met when it was submitted; None for a job without GPUs.

        Raises
        ------
        ArgumentError
            If there is no such job.
        """
        return queue.context_record(
            self._job(job_id),
            self._jobs.values(),
            self._records,
            self._limits,
            self._teams,
            self._calendar,
        )

    def job_logs(
        self,
        job_id: str,
        start_ms: int | None = None,
        end_ms: int | None = None,
        *,
        limit: int = 500,
        direction: str = "asc",
        min_level: str | None = None,
    ) -> dict[str, Any]:
        """Answer ``GET /v1/training_projects/{id}/jobs/{job_id}/logs``.

        Parameters
        ----------
        job_id : str
            Of a job in `payload`.
        start_ms, end_ms : int, optional
            The first and the last moment, in milliseconds since 1970; by default the half hour
            before `end_ms`, and now.
        limit : int, optional
            How many lines, at most 1000.
        direction : str, optional
            ``asc`` (oldest first) or ``desc``.
        min_level : str, optional
            ``DEBUG``, ``INFO``, ``WARNING`` or ``ERROR``: leaves out what is less severe, and
            lines without a level.

        Returns
        -------
        dict
            The lines.

        Raises
        ------
        ArgumentError
            If there is no such job, the window is longer than 7 days, or the limit is not from 1
            to 1000.
        """
        job = self._job(job_id)
        asked = logs.Asked(start_ms, end_ms, limit, direction, min_level)
        return logs.logs_record(
            job, self._course(job), self._records[job_id], asked, self._calendar.as_of
        )

    def _course(self, job: organisation.Job) -> courses.Course | None:
        return courses.course(job, self._calendar.as_of, self._twists.get(job.id))

    def _job(self, job_id: str) -> organisation.Job:
        try:
            return self._jobs[job_id]
        except KeyError:
            raise ArgumentError(f"there is no training job {job_id!r}: see payload") from None


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
        One method for each call of the API; equal arguments give equal answers.

    Raises
    ------
    ArgumentError
        If a number is no integer or too small, or `as_of` is no time with a zone.

    Examples
    --------
    >>> fleet = sample_fleet(projects=3, jobs_per_project=4)
    >>> fleet.training_capacity()["gpu_capacities"][0]["limit"]
    128
    """
    count = whole("projects", projects)
    total = count * whole("jobs_per_project", jobs_per_project)
    dice = Dice(whole("seed", seed))
    calendar = organisation.Calendar(
        moment("as_of", as_of), whole("days", days, least=1, most=3650)
    )

    ids = organisation.identifiers(dice)
    members = organisation.make_projects(dice, ids, count)
    organisation.submit(dice, ids, members, calendar, total)
    stories.tell(dice, members, calendar)
    jobs = sorted(
        (job for project in members for job in project.jobs), key=lambda job: job.submitted
    )
    limits = capacity.limits(total, calendar.days)
    capacity.schedule(jobs, limits)

    job_records = records.job_records(dice, jobs, limits, calendar.as_of)
    project_records = records.project_records(dice, members, job_records, calendar)
    # From here on nothing draws from `dice`, or the payload would change.
    bill = billing.billed(jobs, calendar.as_of)
    bill += billing.deleted(ids, members, calendar, total // 50)
    teams = quota.team_limits(jobs, limits)
    return Fleet(
        payload={
            "trainview": {"format": 1, "as_of": records.spell(calendar.as_of, "auto")},
            "training_projects": project_records,
            "training_jobs": job_records,
        },
        _calendar=calendar,
        _limits=limits,
        _teams=tuple(quota.Team(next(ids), team, each) for team, each in teams.items()),
        _jobs={job.id: job for job in jobs},
        _records={record["id"]: record for record in job_records},
        _bill=bill,
        _twists=courses.twists(members, calendar.as_of),
    )
