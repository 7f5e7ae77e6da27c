"""A real S3 server on the loopback address, which can be told to refuse now and then."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

_ERROR = '<?xml version="1.0"?><Error><Code>{}</Code><Message>{}</Message></Error>'
BUSY = "503 Slow Down", _ERROR.format("SlowDown", "Reduce your rate.").encode()
# Clients do not try again.
DENIED = "403 Forbidden", _ERROR.format("AccessDenied", "Access Denied").encode()
# The client takes them from the environment; the server accepts any.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "sentinel-access-key",
    "AWS_SECRET_ACCESS_KEY": "sentinel-secret-key",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Trouble:
    """Answers in place of the server where it is told to, at first that it is busy."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self.application = application
        self.busy: Callable[[str, str], bool] = lambda *_: False
        self.answer = BUSY
        self.refused = 0

    def __call__(self, environ: dict[str, Any], begin: Callable[..., Any]) -> Any:
        if self.busy(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            self.refused += 1
            status, body = self.answer
            begin(status, [("Content-Type", "application/xml")])
            return [body]
        return self.application(environ, begin)


@contextmanager
def s3_server() -> Iterator[tuple[str, Trouble]]:
    """Serve S3, and give what to put behind the bucket's URL, and the trouble to make."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    trouble = Trouble(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, trouble, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"endpoint_override=127.0.0.1:{server.server_port}&scheme=http", trouble
    finally:
        server.shutdown()
        thread.join()
