"""A loopback server that answers with exactly the bytes, pauses and resets a test asks for.

::

    with Server(reply(b'{"training_projects": []}')) as server:
        ...  # server.url is where it listens, server.requests what it was sent

Replies are used up in order; the last one stays. A reply is bytes, or a function of a
:class:`Wire` for what bytes cannot say: ``drip``, ``hang``, ``reset``. A server with a greeting
says that at once, to whoever connects, and nothing else.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

_PATIENCE = 20.0
_LONGEST_REQUEST = 1 << 20


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Wire:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, closing: threading.Event) -> None:
        self._sock = sock
        self._closing = closing

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def pause(self, seconds: float) -> None:
        if self._closing.wait(seconds):
            raise ConnectionAbortedError

    def wait_for_hangup(self) -> None:
        self._sock.recv(1)

    def reset(self) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


Reply = bytes | Callable[[Wire], None]


def reply(
    body: bytes = b"{}", status: str = "200 OK", *, length: int | None = None, **headers: str
) -> bytes:
    """Build a reply; header names are written with ``_`` for ``-``; `length` may be a lie."""
    fields = {
        "content_type": "application/json",
        "content_length": str(len(body) if length is None else length),
        "connection": "close",
        **headers,
    }
    lines = [f"{name.replace('_', '-').title()}: {value}" for name, value in fields.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1") + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n", **headers: str) -> bytes:
    """Build a 200 with a chunked body."""
    fields = {"connection": "close", "transfer_encoding": "chunked", **headers}
    lines = [f"{name.replace('_', '-').title()}: {value}" for name, value in fields.items()]
    head = "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode("latin-1")
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def drip(head: bytes, drop: bytes = b"x", *, every: float = 0.02) -> Callable[[Wire], None]:
    """Send `head`, then `drop` again and again; no single pause is long."""

    def send(wire: Wire) -> None:
        wire.send(head)
        for _ in range(int(_PATIENCE / every)):
            wire.send(drop)
            wire.pause(every)

    return send


def hang(wire: Wire) -> None:
    """Say nothing until the client gives up."""
    wire.wait_for_hangup()


def reset(wire: Wire) -> None:
    """Cut the connection the hard way."""
    wire.reset()


class Server:
    """Listens on 127.0.0.1 from creation to the end of the ``with`` block."""

    def __init__(
        self,
        *replies: Reply,
        keep_alive: bool = False,
        greeting: bytes | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._replies = list(replies)
        self._keep_alive = keep_alive
        self._greeting = greeting
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._threads = [threading.Thread(target=self._listen)]
        self.port = self._listener.getsockname()[1]
        self._tls = tls
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._closing.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        for thread in self._threads:
            thread.join(_PATIENCE)
        self._listener.close()
        assert not any(thread.is_alive() for thread in self._threads)

    def _listen(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._closing.is_set():
                sock.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(_PATIENCE)
        with suppress(OSError):
            wire = sock if self._tls is None else self._tls.wrap_socket(sock, server_side=True)
            self._talk(wire)
        sock.close()

    def _talk(self, sock: socket.socket) -> None:
        with sock:
            if self._greeting is not None:
                sock.sendall(self._greeting)
                sock.recv(65536)
                return
            while request := _read_request(sock):
                with self._lock:
                    self.requests.append(request)
                    answer = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
                if isinstance(answer, bytes):
                    sock.sendall(answer)
                else:
                    answer(Wire(sock, self._closing))
                if not self._keep_alive:
                    return


def _read_request(sock: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += (more := sock.recv(65536))
        if not more or len(data) > _LONGEST_REQUEST:
            return None
    head, body = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    while len(body) < int(headers.get("content-length", "0")):
        body += sock.recv(65536)
    method, target, _ = first.split(" ")
    return Request(method, target, headers, body)
