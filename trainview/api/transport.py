"""One HTTP exchange at a time, inside limits that a broken or hostile server cannot leave.

:class:`Transport` sends one request and comes back with a :class:`RawResponse`, or with a
:class:`Failure` that says what went wrong and whether another try can help. It reads no meaning
into a reply: that, and the waiting between tries, is the client's part.

Failures travel as values, not as exceptions: an exception of requests or urllib3 holds the
request, and with it the key.
"""

import io
import os
import ssl
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, SSLError
from urllib3.connection import HTTPConnection
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError

from trainview import __version__
from trainview.api.deadline import Attempt
from trainview.errors import ApiError, ConfigError, NetworkError, TrainviewError
from trainview.text.safe import safe_text

_PIECE_BYTES = 64 * 1024
_ERROR_BODY_BYTES = 64 * 1024
# zlib's word for "gzip or zlib, the header tells".
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS

_NO_SOCKS = "SOCKS support"


class Secret(AuthBase):
    """What may be sent but not looked at: it is in no repr, pickle or message.

    It is an ``AuthBase`` because requests lets a ``.netrc`` file override a mere header.

    Parameters
    ----------
    texts : sequence of str
        What must not be shown.
    name : str
        What stands in its place, in brackets.
    """

    def __init__(self, texts: Sequence[str], name: str) -> None:
        self._texts = tuple(texts)
        self._name = f"[{name}]"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave a request as it is."""
        return request

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled or copied")

    def hide(self, text: str) -> str:
        """Return the text with its name wherever the secret stood in it."""
        for one in self._texts:
            text = text.replace(one, self._name)
        return text

    def quote(self, text: str, limit: int) -> str:
        """Return the beginning of foreign text, safe to show and without the secret."""
        return safe_text(self.hide(text)[:limit], limit)


class ApiKey(Secret):
    """The key.

    Parameters
    ----------
    key : str
        The key, already checked.

    Examples
    --------
    >>> key = ApiKey("s3cret")
    >>> key
    ApiKey(...)
    >>> key.hide("you sent s3cret")
    'you sent [key]'
    """

    def __init__(self, key: str) -> None:
        super().__init__([key], "key")
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the key on a request."""
        request.headers["Authorization"] = f"Api-Key {self._key}"
        return request

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled or copied: pass it on by BASETEN_API_KEY")


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A complete reply of the server, whatever it means.

    The body of a status other than 200 is cut after 64 KiB, and may be incomplete.
    """

    status: int
    headers: Mapping[str, str]
    url: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a try did not succeed: the error to raise, unless another try does better."""

    error: TrainviewError
    retryable: bool = False
    wait: float | None = None


class Transport:
    """A pool of connections that many threads may use at once.

    Parameters
    ----------
    key : Secret
        Sent with every request, and hidden in all messages.
    timeout : float
        The longest wait for a connection, and between two reads, in seconds.
    deadline : float
        The longest time for one exchange, from name look-up to last byte, in seconds.
    direct_host : str, optional
        A host that is never reached through a proxy.
    remedy : str, optional
        What to do where no answer comes, if that is not to give a client other arguments.
    """

    def __init__(
        self,
        key: Secret,
        *,
        timeout: float,
        deadline: float,
        direct_host: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self._key = key
        self._timeout = timeout
        self._deadline = deadline
        self._direct_host = direct_host
        self._remedy = remedy
        self._session = _Session()
        self._session.auth = key
        self._session.headers.update(
            {
                "User-Agent": f"trainview/{__version__}",
                "Accept": "application/json",
                # What the environment can decode depends on what is installed; we can gzip.
                "Accept-Encoding": "gzip",
            }
        )
        self._session.mount("http://", _Adapter(pool_maxsize=32))

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()

    def exchange(
        self,
        method: str,
        url: str,
        *,
        place: str,
        max_bytes: int,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
    ) -> RawResponse | Failure:
        """Send one request and read its whole reply.

        Parameters
        ----------
        method, url : str
            What to send, and where.
        place : str
            How messages name this request.
        max_bytes : int
            The longest body of a 200, in bytes after decompression.
        params : mapping, optional
            The query.
        json : object, optional
            The body, sent as JSON.

        Returns
        -------
        RawResponse or Failure
            What came back, or why nothing usable did. Nothing is raised.
        """
        attempt = Attempt(partial(self._exchange, method, url, place, max_bytes, params, json))
        outcome = attempt.outcome(self._deadline)
        if outcome is None:
            text = f"{place}: no complete answer within {self._deadline:g} s (deadline)"
            remedy = self._remedy or "try again, or allow more with deadline=..."
            return Failure(NetworkError(f"{text}: {remedy}"))
        return outcome

    def _exchange(
        self,
        method: str,
        url: str,
        place: str,
        max_bytes: int,
        params: Mapping[str, str | int] | None,
        json: object,
    ) -> RawResponse | Failure:
        proxies = {"no_proxy": self._direct_host} if self._direct_host else None
        try:
            with self._session.request(
                method,
                url,
                params=params,
                json=json,
                timeout=self._timeout,
                proxies=proxies,
                stream=True,
                allow_redirects=False,
            ) as response:
                return self._read(response, place, max_bytes)
        except SSLError as error:
            text = f"no safe connection, {self._why(error)}, checked with {_authorities()}"
            remedy = "name your company's certificates with SSL_CERT_FILE or REQUESTS_CA_BUNDLE"
            return Failure(NetworkError(f"{place}: {text}: {remedy}"))
        except (InvalidURL, InvalidSchema, MissingSchema) as error:
            # Its text may hold the name and password of a proxy.
            text = f"no connection can be set up ({type(error).__name__})"
            remedy = "check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"
            if _NO_SOCKS in str(error):
                text = "the proxy is a SOCKS proxy, for which a package is missing"
                remedy = "pip install 'requests[socks]', or name another proxy"
            return Failure(ConfigError(f"{place}: {text}: {remedy}"))
        except (zlib.error, DecodeError) as error:
            text = f"the answer cannot be unpacked, {self._why(error)}"
            remedy = "if it stays so, something on the way spoils it"
            return Failure(ApiError(f"{place}: {text}: {remedy}", status=200))
        except (requests.RequestException, HTTPError) as error:
            text = f"no complete answer, {self._why(error)}"
            remedy = self._remedy or "check the connection and base_url"
            return Failure(NetworkError(f"{place}: {text}: {remedy}"), retryable=True)
        except OSError as error:
            # Not from the network: requests looks for the certificate bundle by itself.
            remedy = "check REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE"
            return Failure(ConfigError(f"{place}: {self._why(error)}: {remedy}"))

    def _read(
        self, response: requests.Response, place: str, max_bytes: int
    ) -> RawResponse | Failure:
        status = response.status_code
        limit = max_bytes if status == 200 else _ERROR_BODY_BYTES
        # An error's status is worth more than the end of its text.
        lenient = () if status == 200 else (HTTPError, zlib.error)
        body = io.BytesIO()
        with suppress(*lenient):
            for piece in _pieces(response.raw):
                if body.tell() + len(piece) <= limit:
                    body.write(piece)
                elif status != 200:
                    break
                else:
                    text = f"{place}: the answer is longer than {limit:,} bytes"
                    remedy = "ask for less, or allow more with max_bytes=... or max_job_bytes=..."
                    return Failure(ApiError(f"{text}: {remedy}", status=status))
        return RawResponse(status, response.headers, str(response.url), body.getvalue())

    def _why(self, error: BaseException) -> str:
        """Name the innermost of the errors that requests and urllib3 wrap into each other."""
        inner: BaseException | None = error
        while inner is not None:
            error = inner
            nested = (getattr(error, "reason", None), *reversed(error.args))
            inner = next((item for item in nested if isinstance(item, BaseException)), None)
        return f"{type(error).__name__} ({self._key.quote(str(error), 200)})"


def _pieces(raw: Any) -> Iterator[bytes]:
    """Read a body in decoded pieces, none of them larger than 64 KiB.

    This decodes by itself since urllib3 takes a gzip stream that ends early for a complete one.
    It uses ``read1`` since ``stream`` hands a chunk length of -1 to a read without end.
    """
    coding = raw.headers.get("Content-Encoding", "").strip().lower()
    if coding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise DecodeError(f"content coding {coding!r} was not asked for")
    unzip = None
    while wire := raw.read1(_PIECE_BYTES, decode_content=False):
        if coding in {"", "identity"}:
            yield wire
            continue
        while wire:
            if unzip is None or unzip.eof:
                unzip = zlib.decompressobj(_GZIP_OR_ZLIB)
            if piece := unzip.decompress(wire, _PIECE_BYTES):
                yield piece
            wire = unzip.unconsumed_tail or unzip.unused_data
    if unzip is not None and not unzip.eof:
        raise ProtocolError("the compressed body ends too early")


class _Session(requests.Session):
    """A session that follows no redirect and keeps no cookie."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._mounting = threading.Lock()

    def get_adapter(self, url: str) -> Any:
        # to read the certificates takes longer than all else of a client: not for plain HTTP
        if url.lower().startswith("https://"):
            with self._mounting:
                if not isinstance(super().get_adapter(url), _SafeAdapter):
                    self.mount("https://", _SafeAdapter(pool_maxsize=32))
        return super().get_adapter(url)

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        # Even when told not to follow, requests would read the whole body without a limit to
        # prepare the request that it then does not send.
        return None


class _Adapter(HTTPAdapter):
    """Hands out connections that can be cut off from another thread."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls, _Connection):
            kind = pool.ConnectionCls
            pool.ConnectionCls = type(kind.__name__, (_Connection, kind), {})
        return pool

    def close(self) -> None:
        # urllib3 forgets its pools, and leaves it to the garbage collector to close them.
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for name in manager.pools.keys():  # noqa: SIM118 - iterating it is an error
                with suppress(KeyError):
                    manager.pools[name].close()
        super().close()


class _SafeAdapter(_Adapter):
    """Trusts whom the system trusts (SSL_CERT_FILE included), beside requests' own list."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> Any:
        context = ssl.create_default_context()
        return super().init_poolmanager(*args, **kwargs, ssl_context=context)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        context = ssl.create_default_context()
        return super().proxy_manager_for(*args, **kwargs, ssl_context=context)


def _authorities() -> str:
    """Name where the certificates came from that were trusted."""
    named = [
        f"{name} ({safe_text(os.environ[name], 200)})"
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
        if os.environ.get(name)
    ]
    return " and ".join(named) or "the system's certificates and certifi's"


class _Connection(HTTPConnection):
    """What is added to every kind of connection that urllib3 has (plain, TLS, SOCKS)."""

    # http.client's own debugging prints the headers, and so the key.
    debuglevel = 0

    def getresponse(self) -> Any:
        thread = threading.current_thread()
        if isinstance(thread, Attempt) and self.sock is not None:
            thread.watch(self.sock)
        return super().getresponse()
