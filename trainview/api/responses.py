"""What a reply of the API means: an answer to hand out, or a failure with its remedy.

Texts that the server sent are shown only through :meth:`trainview.api.transport.ApiKey.quote`,
since a server may send back anything: the key, the control sequences of a terminal, a web page.
"""

import json as jsonlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from trainview.api.transport import ApiKey, Failure, RawResponse, Secret
from trainview.errors import ApiError, AuthError, NotFoundError, PayloadError, RateLimitError
from trainview.text.safe import safe_text

# What can pass, so that another try may help.
_TOO_MANY = 429
PASSING = frozenset({408, 425, _TOO_MANY, *range(500, 600)}) - {501, 505, 506, 510, 511}
_HTML = re.compile(rb"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)
_CHECK = "check base_url"
_NOT_THE_API = "a proxy or a login page answered in the API's place"
_EXCERPT_BYTES = 64 * 1024
_EXCERPT_CHARACTERS = 80
_MESSAGE_CHARACTERS = 200

_OBJECT_START = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\{")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_HTTP_DATE = re.compile(
    r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [1-9][0-9]{3} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
)


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """What the API sent, byte for byte.

    Parameters
    ----------
    body : bytes
        The body after decompression. It starts like a JSON object; more was not checked.
    date : datetime or None
        The server's clock when it answered, in UTC; None when it did not tell.
    url : str
        Where the answer came from.

    Examples
    --------
    >>> answer = Response(b'{"training_projects": []}', None, "https://api.baseten.co/v1/...")
    >>> answer
    Response(25 bytes from 'https://api.baseten.co/v1/...')
    >>> answer.json()
    {'training_projects': []}
    """

    body: bytes
    date: datetime | None
    url: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.body)} bytes from {self.url!r})"

    def json(self) -> Any:
        """Parse the body.

        Returns
        -------
        dict
            The answer as plain Python objects.

        Raises
        ------
        PayloadError
            If the body is not valid JSON.
        """
        try:
            return jsonlib.loads(self.body)
        except (ValueError, RecursionError) as error:
            failure = f"{type(error).__name__}: {safe_text(error, _MESSAGE_CHARACTERS)}"
        # Raised out here because the error of json holds the whole document.
        raise PayloadError(f"{self.url}: the answer is not valid JSON, {failure}: try again")


def interpret(
    reply: RawResponse, *, place: str, resource: str, key: ApiKey, key_name: str, tries: int
) -> Response | Failure:
    """Tell what a reply means.

    Parameters
    ----------
    reply : RawResponse
        What the server sent.
    place : str
        How messages name the request, like ``GET /v1/training_projects``.
    resource : str
        What was asked for, like ``training project 'abc'``.
    key : ApiKey
        Hidden in what is quoted.
    key_name : str
        Where the key came from.
    tries : int
        How many tries a failure that can pass gets; its error is raised only after the last one.

    Returns
    -------
    Response or Failure
        The answer if the status is 200 and the body starts like a JSON object.
    """
    if reply.status == 200:
        if _OBJECT_START.match(reply.body):
            return Response(reply.body, _http_date(reply.headers.get("Date", "")), reply.url)
        text = f"{place}: expected a JSON object, got {_describe(reply, key)}"
        remedy = f"{_NOT_THE_API}: check the network, and base_url" if _is_page(reply) else _CHECK
        return Failure(ApiError(f"{text}: {remedy}", status=200))
    wait = asked_wait(reply)
    place = f"{place} (tries: {tries})" if reply.status in PASSING else place
    error = _error(reply, wait, place=place, resource=resource, key=key, key_name=key_name)
    return Failure(error, retryable=reply.status in PASSING, wait=wait)


def _error(
    reply: RawResponse, wait: float | None, *, place: str, resource: str, key: ApiKey, key_name: str
) -> ApiError:
    quoted = said(reply, key)
    match reply.status:
        case 401 | 403 as status:
            text = f"the API refused the key ({status}) for {place}{quoted}"
            remedy = f"check {key_name}" + ("" if status == 401 else ", and that it may read this")
            if _is_page(reply):
                remedy = f"{_NOT_THE_API}, it seems: check the network, then {key_name}"
            return AuthError(f"{text}: {remedy}", status=status)
        case 404 as status:
            text = f"the API knows no {resource} (404) for {place}{quoted}"
            return NotFoundError(f"{text}: check the id and base_url", status=status)
        case status if status == _TOO_MANY:
            asked = "" if wait is None else f", and asks to wait {wait:g} s"
            text = f"the API answers 429, too many requests, for {place}{quoted}{asked}"
            remedy = "call less often, or allow longer waits with patience=..."
            return RateLimitError(f"{text}: {remedy}", status=status, retry_after=wait)
        case status if status in PASSING:
            who = f"{_NOT_THE_API}:" if _is_page(reply) else "the API answered"
            text = f"{place}: {who} {status}{quoted}: try again later"
            return ApiError(text, status=status)
        case status if 300 <= status < 400:
            target = key.quote(reply.headers.get("Location", "nowhere"), _MESSAGE_CHARACTERS)
            text = f"{place}: the API answered {status}, a redirect to {target}"
            return ApiError(f"{text}, which is not followed: check base_url", status=status)
        case status:
            text = f"{place}: expected status 200, got {_describe(reply, key)}"
            remedy = (
                f"{_NOT_THE_API}: check the network"
                if _is_page(reply)
                else f"{_CHECK} and the arguments"
            )
            return ApiError(f"{text}: {remedy}", status=status)


def _is_page(reply: RawResponse) -> bool:
    return bool(_HTML.match(reply.body[:200]))


def _describe(reply: RawResponse, key: ApiKey) -> str:
    content_type = key.quote(reply.headers.get("Content-Type", "no type"), _EXCERPT_CHARACTERS)
    return f"{reply.status} ({content_type}){said(reply, key) or ' with an empty body'}"


def said(reply: RawResponse, key: Secret) -> str:
    """Quote what the body says; bodies that are no error messages are quoted less far."""
    body = reply.body[:_EXCERPT_BYTES]
    message = None if reply.status == 200 else _error_text(_parse(body))
    if message:
        return f", saying: {key.quote(message.strip(), _MESSAGE_CHARACTERS)}"
    quoted = key.quote(body.decode("utf-8", "replace").strip(), _EXCERPT_CHARACTERS)
    return f", saying: {quoted}" if quoted else ""


def _parse(body: bytes) -> Any:
    try:
        return jsonlib.loads(body)
    except (ValueError, RecursionError):
        return None


def _error_text(data: Any) -> str | None:
    for _ in range(4):
        if isinstance(data, list):
            data = data[0] if data else None
        elif isinstance(data, dict):
            found = (data.get(name) for name in ("error", "message", "detail", "errors"))
            data = next((item for item in found if item and isinstance(item, str | dict | list)), 0)
    return data if isinstance(data, str) else None


def asked_wait(reply: RawResponse) -> float | None:
    """Return how many seconds the server asks to wait, None if it does not say so clearly.

    "At once" counts as not clear: the client's own back-off is kinder.
    """
    header = reply.headers.get("Retry-After", "").strip()
    if moment := _http_date(header):
        now = _http_date(reply.headers.get("Date", "")) or datetime.now(UTC)
        return max((moment - now).total_seconds(), 0) or None
    return _seconds(header) or _seconds(_retry_after(_parse(reply.body)))


def _retry_after(data: Any) -> Any:
    for holder in (data, data.get("error") if isinstance(data, Mapping) else None):
        if isinstance(holder, Mapping) and "retry_after" in holder:
            return holder["retry_after"]
    return None


def _seconds(value: Any) -> float | None:
    text = str(value).strip()
    return float(text) or None if _SECONDS.fullmatch(text) else None


def _http_date(text: str) -> datetime | None:
    if not _HTTP_DATE.fullmatch(text.strip()):
        return None
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None
