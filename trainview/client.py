"""The training endpoints of Baseten's API: one method each, returning the raw answer.

Everything here only reads. A call checks its arguments, is tried again where that can help, and
returns an :class:`Answer` or raises one of the errors of :mod:`trainview.errors`. Nothing that a
call raises, prints or logs holds the key.
"""

import ipaddress
import logging
import os
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, Self

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    stop_after_attempt,
    wait_exponential_jitter,
)

from trainview.answers import Answer, read_reply
from trainview.errors import ArgumentError, ConfigError
from trainview.text import safe_text
from trainview.transport import ApiKey, Fault, Transport

__all__ = ["Answer", "Client"]

_LOG = logging.getLogger(__name__)
_KEY_VARIABLE = "BASETEN_API_KEY"
_DAY = 86_400

# The longest length is what keeps a key whole in the part of a body that messages are made from.
_KEY = re.compile(r"([!-~]{1,512})(?:\r?\n)?")
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_BASE_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])"
    r"(?P<port>:[0-9]{1,5})?(?P<path>(?:/[A-Za-z0-9._~-]+)*)/?",
    re.IGNORECASE,
)


class Client:
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
    retries : int
        How many more tries follow one that failed in a way that can pass: 429, 500, 502, 503,
        504, no connection, a timeout, or an answer that was cut off.
    patience : float
        The longest wait between two tries, in seconds, whatever the API asks for.

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

    # For the repr in a traceback with locals, when __init__ is left by an error.
    _base_url = ""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str = "https://api.baseten.co",
        timeout: float = 30.0,
        deadline: float = 300.0,
        max_bytes: int = 2**31 - 65,
        retries: int = 3,
        patience: float = 60.0,
    ) -> None:
        self._key_name = _KEY_VARIABLE if api_key is None else "api_key"
        key = _read_key(api_key, self._key_name)
        # A traceback may show the locals of its frames.
        del api_key
        if isinstance(key, ConfigError):
            raise key
        self._key = key
        self._base_url, direct_host = _split_base_url(base_url, key)
        _check_range("timeout", timeout, 0.001, _DAY)
        _check_range("deadline", deadline, 0.001, _DAY)
        _check_range("max_bytes", max_bytes, 1, 2**31 - 65)
        _check_range("retries", retries, 0, 100)
        _check_range("patience", patience, 0, _DAY)
        self._tries = int(retries) + 1
        self._patience = float(patience)
        self._sleep = time.sleep
        self._transport = Transport(
            key,
            timeout=timeout,
            deadline=deadline,
            max_bytes=int(max_bytes),
            direct_host=direct_host,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Client holds a key and connections: make a new one instead of a copy")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def list_training_projects(self) -> Answer:
        """Get every training project, each with its latest job.

        Returns
        -------
        Answer
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

    def list_training_jobs(self, project_id: str) -> Answer:
        """Get one project and all of its jobs.

        Parameters
        ----------
        project_id : str
            The id of the project, like ``03yv1l3``.

        Returns
        -------
        Answer
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

    def search_training_jobs(
        self,
        *,
        project_id: str | None = None,
        job_id: str | None = None,
        statuses: Iterable[str] | None = None,
    ) -> Answer:
        """Get the jobs of all projects in one call, or those that match.

        Parameters
        ----------
        project_id, job_id : str, optional
            Only the jobs of this project, only this job.
        statuses : iterable of str, optional
            Only jobs with one of these, in the API's spelling (``TRAINING_JOB_RUNNING``).

        Returns
        -------
        Answer
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

    def _call(
        self,
        method: str,
        path: str,
        *,
        resource: str,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
    ) -> Answer:
        """Call a read-only endpoint; `resource` is what a 404 says does not exist."""
        place = f"{method} {path}"

        def attempt() -> Answer | Fault:
            reply = self._transport.exchange(
                method, self._base_url + path, place=place, params=params, json=json
            )
            if isinstance(reply, Fault):
                return reply
            return read_reply(
                reply,
                place=place,
                resource=resource,
                key=self._key,
                key_name=self._key_name,
                tries=self._tries,
            )

        outcome = Retrying(
            retry=retry_if_result(_can_pass),
            stop=stop_after_attempt(self._tries),
            wait=self._wait,
            sleep=self._sleep,
            before_sleep=_log_wait,
            retry_error_callback=_last_outcome,
        )(attempt)
        if isinstance(outcome, Fault):
            raise outcome.error
        return outcome

    def _checked_id(self, name: str, value: str) -> str:
        # A key that was passed for an id must not reach an address or a message either.
        shown = self._key.quote(str(value), 128)
        if not (shown == value and _ID.fullmatch(value)):
            text = f"{name}: expected up to 128 letters, digits, '-' or '_', got {shown!r}"
            raise ArgumentError(f"{text}: take it from the list of projects or jobs")
        return value

    def _wait(self, state: RetryCallState) -> float:
        fault = _last_outcome(state)
        back_off = wait_exponential_jitter()
        return min(back_off(state) if fault.wait is None else fault.wait, self._patience)


def _can_pass(outcome: Answer | Fault) -> bool:
    return isinstance(outcome, Fault) and outcome.again


def _last_outcome(state: RetryCallState) -> Any:
    return state.outcome.result() if state.outcome else None


def _log_wait(state: RetryCallState) -> None:
    fault = _last_outcome(state)
    _LOG.info("%s; next try in %.1f s", fault.error, state.upcoming_sleep)


def _read_key(api_key: str | None, name: str) -> ApiKey | ConfigError:
    key = os.environ.get(_KEY_VARIABLE) if api_key is None else api_key
    if not key:
        return ConfigError(f"no API key: set {_KEY_VARIABLE} or pass api_key=...")
    match = _KEY.fullmatch(key) if isinstance(key, str) else None
    if match is None:
        text = f"the key from {name} is not one word of up to 512 ASCII characters"
        return ConfigError(f"{text}: give the key alone, without prefix or line breaks")
    return ApiKey(match[1])


def _split_base_url(base_url: str, key: ApiKey) -> tuple[str, str | None]:
    """Return the address without its last slash, and its host if that is this machine."""
    if any(mark in base_url for mark in "@?#"):
        # Not shown: this is where passwords stand.
        text = "base_url holds a user, a query or a fragment"
        raise ConfigError(f"{text}: give it like https://api.baseten.co")
    match = _BASE_URL.fullmatch(base_url)
    shown = key.quote(base_url, 200)
    if match is None or not 0 < int((match["port"] or ":1")[1:]) < 65_536:
        text = f"base_url is no usable address: {shown!r}"
        raise ConfigError(f"{text}: give it like https://api.baseten.co")
    host = match["host"].strip("[]").lower()
    if match["scheme"].lower() == "https":
        return base_url.rstrip("/"), None
    if not _is_loopback(host):
        raise ConfigError(f"base_url would send the key in the clear: {shown!r}: use https://")
    return base_url.rstrip("/"), host


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not (isinstance(value, int | float) and low <= value <= high):
        text = f"{name}: expected a number from {low} to {high}, got {safe_text(value, 80)}"
        raise ArgumentError(f"{text}: leave it out for the default")


def _checked_statuses(values: Iterable[str]) -> list[str]:
    statuses = [] if isinstance(values, str) else list(values)
    if isinstance(values, str) or not all(isinstance(status, str) for status in statuses):
        text = f"statuses: expected a list of texts, got {type(values).__name__}"
        raise ArgumentError(f"{text}: write it like ['TRAINING_JOB_RUNNING']")
    return statuses
