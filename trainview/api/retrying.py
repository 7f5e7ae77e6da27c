"""What every call to the API goes through: a checked key and address, retries, a shared rate limit.

Nothing that a call raises, prints or logs holds the key.
"""

import ipaddress
import logging
import os
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Self

from tenacity import RetryCallState, Retrying, retry_if_result, wait_exponential_jitter

from trainview.api.rate_limit import RateLimiter
from trainview.api.responses import Response, interpret
from trainview.api.transport import ApiKey, Failure, Transport
from trainview.errors import ArgumentError, ConfigError, NetworkError, RateLimitError
from trainview.text.safe import safe_text

_LOG = logging.getLogger(__name__)
_KEY_VARIABLE = "BASETEN_API_KEY"
_DAY = 86_400
_TOO_MANY = 429

# The longest length is what keeps a key whole in the part of a body that messages are made from.
_KEY = re.compile(r"([!-~]{1,512})(?:\r?\n)?")
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
# Of an address, what tells whom it reaches.
SERVER = (
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])"
    r"(?P<port>:[0-9]{1,5})?"
)
_BASE_URL = re.compile(rf"{SERVER}(?P<path>(?:/[A-Za-z0-9._~-]+)*)/?", re.IGNORECASE)


class BaseClient:
    """The part of a client that calls; `trainview.api.client.Client` describes the parameters."""

    # For the repr in a traceback with locals, when __init__ is left by an error.
    _base_url = ""

    def __init__(  # noqa: PLR0913 - all but the key by keyword
        self,
        api_key: str | None = None,
        *,
        base_url: str = "https://api.baseten.co",
        timeout: float = 30.0,
        deadline: float = 300.0,
        max_bytes: int = 2**31 - 65,
        max_job_bytes: int = 64 * 2**20,
        retries: int = 3,
        patience: float = 60.0,
        rate_limit_retries: int | None = None,
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
        _check_range("max_job_bytes", max_job_bytes, 1, 2**31 - 65)
        _check_range("retries", retries, 0, 100)
        _check_range("patience", patience, 0, _DAY)
        if rate_limit_retries is None:
            rate_limit_retries = retries
        _check_range("rate_limit_retries", rate_limit_retries, 0, 1000)
        self._tries = int(retries) + 1
        self._rate_limit_tries = int(rate_limit_retries) + 1
        self._limiter = RateLimiter()
        self._patience = float(patience)
        self._max_bytes, self._max_job_bytes = int(max_bytes), int(max_job_bytes)
        self._closed = threading.Event()
        # a closed client wakes up those that sleep
        self._sleep: Callable[[float], Any] = self._closed.wait
        self._transport = Transport(
            key,
            timeout=timeout,
            deadline=deadline,
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

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._base_url

    def close(self) -> None:
        """Close the idle connections; no call begins any more, and none that waits is repeated."""
        self._closed.set()
        self._transport.close()

    def _call(
        self,
        method: str,
        path: str,
        *,
        resource: str,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        max_bytes: int | None = None,
    ) -> Response:
        """Call a read-only endpoint; `resource` is what a 404 says does not exist."""
        place = f"{method} {path}"

        attempts = _Attempts(self._tries, self._rate_limit_tries)

        def attempt() -> Response | Failure:
            self._acquire(attempts.slept_until)
            if self._closed.is_set():
                return Failure(
                    NetworkError(f"{place}: not sent, the client is closed: make a new one")
                )
            reply = self._transport.exchange(
                method,
                self._base_url + path,
                place=place,
                max_bytes=max_bytes or self._max_bytes,
                params=params,
                json=json,
            )
            outcome = (
                reply
                if isinstance(reply, Failure)
                else interpret(
                    reply,
                    place=place,
                    resource=resource,
                    key=self._key,
                    key_name=self._key_name,
                    tries=attempts.allowed(reply.status),
                )
            )
            attempts.count(outcome)
            return outcome

        def before_sleep(state: RetryCallState) -> None:
            failure = _last_outcome(state)
            _LOG.info("%s; next try in %.1f s", failure.error, state.upcoming_sleep)
            if isinstance(failure.error, RateLimitError):
                attempts.slept_until = self._limiter.back_off(state.upcoming_sleep)

        with self._limiter.in_flight():
            outcome = Retrying(
                retry=retry_if_result(_can_pass),
                stop=attempts.are_used_up,
                wait=self._wait,
                sleep=self._sleep,
                before_sleep=before_sleep,
                retry_error_callback=_last_outcome,
            )(attempt)
        if isinstance(outcome, Failure):
            raise outcome.error
        self._limiter.recover()
        return outcome

    def _wait(self, state: RetryCallState) -> float:
        failure = _last_outcome(state)
        back_off = wait_exponential_jitter()
        return min(back_off(state) if failure.wait is None else failure.wait, self._patience)

    def _acquire(self, slept_until: float) -> None:
        self._limiter.advance_to(slept_until)
        self._wait_while_blocked()
        if seconds := self._limiter.reserve():
            self._sleep(seconds)
            self._wait_while_blocked()

    def _wait_while_blocked(self) -> None:
        while not self._closed.is_set() and (held := self._limiter.blocked_until())[0]:
            self._sleep(held[0])
            self._limiter.advance_to(held[1])

    def _checked_id(self, name: str, value: str) -> str:
        # A key that was passed for an id must not reach an address or a message either.
        shown = self._key.quote(str(value), 128)
        if not (shown == value and _ID.fullmatch(value)):
            text = f"{name}: expected up to 128 letters, digits, '-' or '_', got {shown!r}"
            raise ArgumentError(f"{text}: take it from the list of projects or jobs")
        return value


class _Attempts:
    """How often a call was tried: 429 is counted apart from the faults."""

    def __init__(self, tries: int, rate_limit_tries: int) -> None:
        self._left = {False: tries, True: rate_limit_tries}
        self._tries = {False: tries, True: rate_limit_tries}
        self.slept_until = 0.0

    def allowed(self, status: int) -> int:
        """Tell how many tries a status gets."""
        return self._tries[status == _TOO_MANY]

    def count(self, outcome: Response | Failure) -> None:
        """Note how a try went."""
        if isinstance(outcome, Failure):
            self._left[isinstance(outcome.error, RateLimitError)] -= 1

    def are_used_up(self, _: RetryCallState) -> bool:
        """Tell whether there is no try left."""
        return min(self._left.values()) <= 0


def _can_pass(outcome: Response | Failure) -> bool:
    return isinstance(outcome, Failure) and outcome.retryable


def _last_outcome(state: RetryCallState) -> Any:
    return state.outcome.result() if state.outcome else None


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
    if not is_loopback(host):
        raise ConfigError(f"base_url would send the key in the clear: {shown!r}: use https://")
    return base_url.rstrip("/"), host


def is_loopback(host: str) -> bool:
    """Tell whether a host, in lower case and without brackets, is this machine."""
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
