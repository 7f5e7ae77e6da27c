"""A text on this machine's loopback address, for a monitoring system to read again and again."""

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from trainview.errors import ConfigError

PATH = "/metrics"
_OPENMETRICS = "application/openmetrics-text"
_TYPES = {
    True: f"{_OPENMETRICS}; version=1.0.0; charset=utf-8",
    False: "text/plain; version=0.0.4; charset=utf-8",
}
_HOSTS = frozenset({"127.0.0.1", "localhost"})
_QUIET_SECONDS = 30


class TextServer:
    """Answers ``GET /metrics`` on 127.0.0.1; a context that stops at its end.

    Parameters
    ----------
    port : int
        0 for any that is free.
    text : callable
        Gives the text as it is now, empty where there is none yet; called in threads of the
        server.

    Raises
    ------
    ConfigError
        If the port cannot be had.
    """

    def __init__(self, port: int, text: Callable[[], str]) -> None:
        class Handler(_Handler):
            give = staticmethod(text)

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            raise ConfigError(
                f"port {port} of 127.0.0.1: {error.strerror}: name another, or 0 for any"
            ) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="trainview-serve", daemon=True
        )

    @property
    def url(self) -> str:
        """Where the text is."""
        return f"http://127.0.0.1:{self._server.server_port}{PATH}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_version = "trainview"
    sys_version = ""
    # a connection that says nothing does not keep its thread for ever
    timeout = _QUIET_SECONDS
    give: Callable[[], str]

    def do_GET(self) -> None:
        """Answer with the text, and with nothing but it."""
        host = self.headers.get("Host", "").rpartition(":")
        if (host[0] or host[2]) not in _HOSTS:
            # a page in a browser that has itself sent here by a name of its own
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        if self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = self.give().encode()
        if not body:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", _TYPES[_OPENMETRICS in self.headers.get("Accept", "")])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing about each request."""
