"""The endpoints of Baseten's API that trainview reads: one method each, returning the raw answer.

Everything here only reads. A call checks its arguments, is tried again where that can help, and
returns a :class:`Response` or raises one of the errors of :mod:`trainview.errors`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from trainview.api.responses import Response
from trainview.api.retrying import BaseClient
from trainview.errors import ArgumentError
from trainview.text.safe import safe_text

__all__ = ["FIRST_BILLED", "LONGEST_BILL", "Access", "Client", "Response"]

# What the API has no bills before, and the longest span of one call.
FIRST_BILLED = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST_BILL = timedelta(days=31)


class Access(dict[str, Any]):
    """The arguments of a `Client`, on their way to it: they may hold a key, and do not show it.

    Examples
    --------
    >>> Access(api_key="s3cret", timeout=5)
    Access(api_key=..., timeout=...)
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}=...' for name in self)})"


class Client(BaseClient):
    """A reader of the training API.

    One client may be used by many threads at once. It keeps idle connections; use it as a context
    manager, or call :meth:`close`.

    Parameters
    ----------
    api_key : str, optional
        The key; without it, the one in the environment variable ``BASETEN_API_KEY``.
    base_url : str
        Where the API is: https, or http on this machine (127.0.0.0/8, ::1, localhost).
    timeout : float
        The longest wait for a connection, and between two bytes, in seconds.
    deadline : float
        The longest time for one try from start to last byte, in seconds. A try that exceeds it is
        not repeated.
    max_bytes : int
        The longest answer, in bytes after decompression.
    max_job_bytes : int
        The same for what is asked job by job, or project by project, many at a time.
    retries : int
        How many more tries follow one that failed in a way that can pass: 408, 425, 429, most of
        500 to 599, no connection, a timeout, or an answer that was cut off.
    patience : float
        The longest wait between two tries, in seconds, whatever the API asks for.
    rate_limit_retries : int, optional
        How many more tries follow a 429; as many as `retries` when left out. All calls of a
        client wait when the API says 429 to one of them.

    Raises
    ------
    ConfigError
        If there is no key, or the key or the address cannot be right.
    ArgumentError
        If a number is out of range.

    Examples
    --------
    >>> with Client(api_key="not-a-key") as client:
    ...     client
    Client(base_url='https://api.baseten.co')
    """

    def list_training_projects(self) -> Response:
        """Get every training project, each with its latest job.

        Returns
        -------
        Response
            ``{"training_projects": [...]}``

        Raises
        ------
        AuthError
            If the API refuses the key.
        RateLimitError
            If the API still asks to wait after the last try.
        ApiError
            If the API answers with anything else than what was asked for.
        NetworkError
            If no complete answer comes.
        """
        return self._call("GET", "/v1/training_projects", resource="training projects")

    def list_training_jobs(self, project_id: str) -> Response:
        """Get one project and all of its jobs.

        Parameters
        ----------
        project_id : str
            The id of the project, like ``03yv1l3``.

        Returns
        -------
        Response
            ``{"training_project": {...}, "training_jobs": [...]}``

        Raises
        ------
        ArgumentError
            If this cannot be an id.
        NotFoundError
            If there is no such project.
        AuthError, RateLimitError, ApiError, NetworkError
            As in :meth:`list_training_projects`.
        """
        path = f"/v1/training_projects/{self._checked_id('project_id', project_id)}/jobs"
        return self._call("GET", path, resource=f"training project {project_id!r}")

    def get_training_project_cache(self, project_id: str) -> Response:
        """Get what the cache of a project holds, file by file.

        Parameters
        ----------
        project_id : str
            The id of the project.

        Returns
        -------
        Response
            ``{"timestamp": ..., "project_id": ..., "file_summaries": [...]}``

        Raises
        ------
        NotFoundError
            If the project has no cache, which is normal, or there is no such project.
        ArgumentError, AuthError, RateLimitError, ApiError, NetworkError
            As in :meth:`list_training_jobs`.
        """
        path = f"/v1/training_projects/{self._checked_id('project_id', project_id)}/cache/summary"
        return self._call(
            "GET", path, resource=f"cache of training project {project_id!r}",
            max_bytes=self._max_job_bytes,
        )  # fmt: skip

    def search_training_jobs(
        self,
        *,
        project_id: str | None = None,
        job_id: str | None = None,
        statuses: Iterable[str] | None = None,
    ) -> Response:
        """Get the jobs of all projects in one call, or those that match.

        Parameters
        ----------
        project_id, job_id : str, optional
            Only the jobs of this project, only this job.
        statuses : iterable of str, optional
            Only jobs with one of these, in the API's spelling (``TRAINING_JOB_RUNNING``).

        Returns
        -------
        Response
            ``{"training_jobs": [...]}``, newest first.

        Raises
        ------
        ArgumentError
            If an id cannot be one, or the statuses are no list of texts.
        AuthError, RateLimitError, ApiError, NetworkError
            As in :meth:`list_training_projects`.
        """
        filters: dict[str, object] = {}
        if project_id is not None:
            filters["project_id"] = self._checked_id("project_id", project_id)
        if job_id is not None:
            filters["job_id"] = self._checked_id("job_id", job_id)
        if statuses is not None:
            filters["statuses"] = _checked_statuses(statuses)
        return self._call(
            "POST", "/v1/training_jobs/search", json=filters, resource="training jobs"
        )

    def list_instance_type_prices(self) -> Response:
        """Get the list price of every instance type, in USD per minute.

        Returns
        -------
        Response
            ``{"instance_types": [{"instance_type": {...}, "price": ...}, ...]}``

        Raises
        ------
        AuthError, RateLimitError, ApiError, NetworkError
            As in :meth:`list_training_projects`.
        """
        return self._call("GET", "/v1/instance_type_prices", resource="prices")

    def get_training_capacity(self) -> Response:
        """Get how many GPUs the organisation and its teams may hold, and hold now.

        Returns
        -------
        Response
            ``{"gpu_capacities": [...], "team_gpu_capacities": [...]}``

        Raises
        ------
        AuthError, RateLimitError, ApiError, NetworkError
            As in :meth:`list_training_projects`.
        """
        return self._call("GET", "/v1/training/capacity", resource="training capacity")

    def get_usage_summary(self, start: datetime, end: datetime) -> Response:
        """Get what was billed in a span of time.

        Parameters
        ----------
        start, end : datetime.datetime
            The span, with a zone: from 2026-01-01 on, at most 31 days.

        Returns
        -------
        Response
            ``{"training_usage": {...}, ...}``

        Raises
        ------
        ArgumentError
            If the span is not one that the API can be asked for.
        AuthError, RateLimitError, ApiError, NetworkError
            As in :meth:`list_training_projects`.
        """
        start, end = _with_zone("start", start), _with_zone("end", end)
        if start < FIRST_BILLED or not timedelta(0) < end - start <= LONGEST_BILL:
            text = f"no bill can be asked for from {start} to {end}"
            raise ArgumentError(f"{text}: at most 31 days, from 2026-01-01 on")
        dates = {"start_date": _iso(start), "end_date": _iso(end)}
        return self._call("GET", "/v1/billing/usage_summary", resource="bill", params=dates)

    def get_training_job_metrics(
        self,
        project_id: str,
        job_id: str,
        *,
        start: datetime,
        end: datetime,
        step_seconds: int,
    ) -> Response:
        """Get the GPU, CPU, memory and storage series of a job.

        Parameters
        ----------
        project_id, job_id : str
            The job.
        start, end : datetime.datetime
            The span, with a zone.
        step_seconds : int
            The time between two samples that is asked for.

        Returns
        -------
        Response
            ``{"per_node_metrics": [...], ...}``; the series beside it are of the leader node alone.

        Raises
        ------
        ArgumentError
            If this cannot be an id, or a moment has no zone.
        NotFoundError
            If there is no such job.
        AuthError, RateLimitError, ApiError, NetworkError
            As in :meth:`list_training_projects`.
        """
        span = _span(start, end) | {"step_seconds": step_seconds}
        return self._call_job(project_id, job_id, "metrics", span)

    def list_training_job_checkpoints(self, project_id: str, job_id: str) -> Response:
        """Get the checkpoints of a job.

        Parameters
        ----------
        project_id, job_id : str
            The job.

        Returns
        -------
        Response
            ``{"checkpoints": [...], ...}``

        Raises
        ------
        ArgumentError, NotFoundError, AuthError, RateLimitError, ApiError, NetworkError
            As in :meth:`get_training_job_metrics`.
        """
        return self._call_job(project_id, job_id, "checkpoints", None)

    def get_training_job_logs(
        self, project_id: str, job_id: str, *, start: datetime, end: datetime, limit: int = 1000
    ) -> Response:
        """Get the last log lines of a job in a span of time.

        Parameters
        ----------
        project_id, job_id : str
            The job.
        start, end : datetime.datetime
            The span, with a zone: at most 7 days.
        limit : int, optional
            How many lines, at most 1000: the newest ones.

        Returns
        -------
        Response
            ``{"logs": [...]}``, newest first.

        Raises
        ------
        ArgumentError, NotFoundError, AuthError, RateLimitError, ApiError, NetworkError
            As in :meth:`get_training_job_metrics`.
        """
        span = _span(start, end) | {"direction": "desc", "limit": limit}
        return self._call_job(project_id, job_id, "logs", span)

    def get_queue_context(self, job_id: str) -> Response:
        """Get why a job waited: for administrators of the organisation, and not for every job.

        Parameters
        ----------
        job_id : str
            The job.

        Returns
        -------
        Response
            ``{"target_job_id": ..., "submitted_at": ..., "events": [...], ...}``

        Raises
        ------
        AuthError
            If the key is not an administrator's (403), which is normal.
        NotFoundError
            If the API tells nothing about this job, which is normal too.
        ArgumentError, RateLimitError, ApiError, NetworkError
            As in :meth:`get_training_job_metrics`.
        """
        path = f"/v1/training/jobs/{self._checked_id('job_id', job_id)}/queue_context"
        return self._call(
            "GET", path, resource=f"queue context of training job {job_id!r}",
            max_bytes=self._max_job_bytes,
        )  # fmt: skip

    def _call_job(
        self, project_id: str, job_id: str, what: str, params: Mapping[str, str | int] | None
    ) -> Response:
        project = self._checked_id("project_id", project_id)
        job = self._checked_id("job_id", job_id)
        path = f"/v1/training_projects/{project}/jobs/{job}/{what}"
        return self._call(
            "GET", path, resource=f"training job {job_id!r}", params=params,
            max_bytes=self._max_job_bytes,
        )  # fmt: skip


def _checked_statuses(values: Iterable[str]) -> list[str]:
    statuses = [] if isinstance(values, str) else list(values)
    if isinstance(values, str) or not all(isinstance(status, str) for status in statuses):
        text = f"statuses: expected a list of texts, got {type(values).__name__}"
        raise ArgumentError(f"{text}: write it like ['TRAINING_JOB_RUNNING']")
    return statuses


def _span(start: datetime, end: datetime) -> dict[str, str | int]:
    moments = {"start_epoch_millis": start, "end_epoch_millis": end}
    return {
        name: round(_with_zone(name.partition("_")[0], moment).timestamp() * 1000)
        for name, moment in moments.items()
    }


def _with_zone(name: str, moment: datetime) -> datetime:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ArgumentError(f"{name}: expected a datetime with a zone, got {safe_text(moment, 60)}")
    return moment


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
