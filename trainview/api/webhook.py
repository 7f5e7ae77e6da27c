"""A message to a webhook, whose address is a secret: who knows it can write there."""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt
from tenacity import wait_exponential_jitter as exponential

from trainview.api.responses import PASSING, asked_wait, said
from trainview.api.retrying import SERVER, is_loopback
from trainview.api.transport import Failure, RawResponse, Secret, Transport
from trainview.errors import ApiError, ConfigError

_URL = re.compile(rf"{SERVER}(?P<rest>[/?][!-~]*)?", re.IGNORECASE)
_BETWEEN = re.compile(r"[/?&=;]")
# What a path has beside tokens, and what is too short for one.
_WORD = re.compile(r"[a-z_-]{0,15}|v?\d{1,2}|.{0,3}", re.DOTALL)
_LONGEST_URL = 4096
_TIMEOUT_SECONDS, _DEADLINE_SECONDS = 10.0, 30.0
_TRIES, _PATIENCE_SECONDS = 4, 30.0
_MOST_BYTES = 2**20
# What these libraries tell those who debug holds the path of each address.
_TALKATIVE = ("urllib3.connectionpool", "urllib3.util.retry")
_LIKE = "give it like https://hooks.slack.com/services/..."


class WebhookUrl(Secret):
    """The address of a webhook: https, or http on this machine.

    Parameters
    ----------
    url : str
        The address.

    Raises
    ------
    ConfigError
        If it is no such address. It is not in the message.

    Examples
    --------
    >>> WebhookUrl("https://hooks.slack.com/services/T000/B000/s3cret")
    WebhookUrl(...)
    """

    def __init__(self, url: str) -> None:
        match = _URL.fullmatch(url) if len(url) <= _LONGEST_URL else None
        del url
        port = int((match["port"] or ":1")[1:]) if match else 0
        if match is None or "#" in match[0] or not 0 < port < 65_536:
            raise ConfigError(f"the address of the webhook is not usable: {_LIKE}")
        host = match["host"].strip("[]").lower()
        is_local = is_loopback(host)
        if match["scheme"].lower() == "http" and not is_local:
            raise ConfigError("the webhook's address is http, which others can read: use https")
        path = match["rest"] or ""
        parts = {match[0], path, path.partition("?")[0], path.partition("?")[2], match["host"]}
        # a server may repeat a token without what is around it
        tokens = {part for part in _BETWEEN.split(path) if not _WORD.fullmatch(part)}
        parts |= tokens | set(map(unquote, tokens))
        # the longest first, so that nothing is left of it
        hidden = sorted((part for part in parts if len(part) > 1), key=len, reverse=True)
        super().__init__(hidden, "webhook")
        self._url = match[0]
        self._direct_host = host if is_local else None

    def post(self, transport: Transport, body: object) -> RawResponse | Failure:
        """Send a body once."""
        with _discreet(self):
            return transport.exchange(
                "POST", self._url, place="the webhook", max_bytes=_MOST_BYTES, json=body
            )

    def transport(self) -> Transport:
        """Make the connections for it."""
        return Transport(
            self,
            timeout=_TIMEOUT_SECONDS,
            deadline=_DEADLINE_SECONDS,
            direct_host=self._direct_host,
            remedy="check the connection and the address",
        )

    def fingerprint(self) -> str:
        """Tell webhooks apart without saying where they are."""
        return sha256(self._url.encode()).hexdigest()


def post_json(
    webhook: WebhookUrl, body: object, *, sleep: Callable[[float], Any] = time.sleep
) -> None:
    """Send a body as JSON, again where a failure may pass.

    A webhook that took a message and could not say so gets it twice.

    Parameters
    ----------
    webhook : WebhookUrl
        Where to.
    body : object
        What ``json`` writes.
    sleep : callable, optional
        Waits for so many seconds.

    Raises
    ------
    NetworkError
        If no answer comes.
    ApiError
        If it does not take the message.
    """
    transport = webhook.transport()

    def attempt() -> Failure | None:
        reply = webhook.post(transport, body)
        return reply if isinstance(reply, Failure) else _interpret(reply, webhook)

    def wait(state: RetryCallState) -> float:
        failure = _outcome(state)
        seconds = exponential()(state) if failure.wait is None else failure.wait
        return min(seconds, _PATIENCE_SECONDS)

    try:
        failure = Retrying(
            retry=retry_if_result(lambda found: found is not None and found.retryable),
            stop=stop_after_attempt(_TRIES),
            wait=wait,
            sleep=sleep,
            retry_error_callback=_outcome,
        )(attempt)
    finally:
        transport.close()
    if failure is not None:
        raise failure.error


def _outcome(state: RetryCallState) -> Any:
    return state.outcome.result() if state.outcome else None


def _interpret(reply: RawResponse, webhook: WebhookUrl) -> Failure | None:
    status = reply.status
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        text = f"the webhook answered {status}, a redirect, which is not followed: {_LIKE}"
        return Failure(ApiError(text, status=status))
    passes = status in PASSING
    remedy = f"tried {_TRIES} times" if passes else "check its address, and that it still exists"
    text = f"the webhook answered {status}{said(reply, webhook)}: {remedy}"
    return Failure(ApiError(text, status=status), retryable=passes, wait=asked_wait(reply))


@contextmanager
def _discreet(secret: Secret) -> Iterator[None]:
    """Keep a secret out of what the libraries below tell to those who debug."""

    def hide(record: logging.LogRecord) -> bool:
        record.msg, record.args = secret.hide(record.getMessage()), ()
        return True

    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    for logger in loggers:
        logger.addFilter(hide)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(hide)
