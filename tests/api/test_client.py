import gzip
import http.client
import json
import logging
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.http_server import Server, Wire, chunked, drip, hang, reply, reset
from trainview import __version__
from trainview.api.client import Client, Response
from trainview.api.transport import ApiKey
from trainview.errors import (
    ApiError,
    ArgumentError,
    AuthError,
    ConfigError,
    NetworkError,
    NotFoundError,
    PayloadError,
    RateLimitError,
    TrainviewError,
)

KEY = "Sent1nelK.e7-AbCdEfGhIjKlMnOpQrStUvWxYz"
PROJECTS = b'{"training_projects": []}'
PACKAGE = str(Path(__file__).parents[2] / "trainview")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("BASETEN_API_KEY", "NETRC", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def connect(monkeypatch):
    """Make clients that do not sleep, but note in a list how long they would have."""
    with ExitStack() as stack:

        def make(server, **options):
            options = {"base_url": server.url, "timeout": 5, "deadline": 10, **options}
            client = stack.enter_context(Client(KEY, **options))
            waits = []
            monkeypatch.setattr(client, "_sleep", waits.append)
            return client, waits

        yield make


def failure(kind, call, *args, **kwargs):
    """Return the error that a call raises, after a search for the key in all that it carries."""
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    error = caught.value
    assert type(error) is kind
    assert error.__context__ is None
    assert error.__cause__ is None
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in report.stack if frame.filename.startswith(PACKAGE)]
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), vars(copy)) == (kind, str(error), vars(error))
    shown = [
        str(error),
        repr(error),
        repr(vars(error)),
        repr(pickle.dumps(error)),
        *(repr(frame.locals) for frame in ours),
    ]
    assert ours
    assert not [text for text in shown if KEY in text]
    assert "\n" not in str(error)
    return error


def silent():
    """Return a server that is never asked, for clients that must not get so far."""
    return Server(reply())


# What is sent, and what comes back


def test_projects_come_back_byte_for_byte(connect):
    body = b' \n{"training_projects": [{"id": "\xc3\xa9"}]}\n'
    with Server(reply(body, date="Mon, 24 Mar 2025 18:04:30 GMT")) as server:
        client, _ = connect(server)
        answer = client.list_training_projects()
    assert answer.body == body
    assert answer.date == datetime(2025, 3, 24, 18, 4, 30, tzinfo=UTC)
    assert answer.date.tzinfo is UTC
    assert answer.url == f"{server.url}/v1/training_projects"
    assert answer.json() == {"training_projects": [{"id": "é"}]}
    (request,) = server.requests
    assert (request.method, request.target, request.body) == ("GET", "/v1/training_projects", b"")
    assert request.headers["authorization"] == f"Api-Key {KEY}"
    assert request.headers["user-agent"] == f"trainview/{__version__}"
    assert request.headers["accept-encoding"] == "gzip"


def test_jobs_of_a_project(connect):
    with Server(reply()) as server:
        connect(server)[0].list_training_jobs("03yv1l3")
    assert server.requests[0].target == "/v1/training_projects/03yv1l3/jobs"


@pytest.mark.parametrize(
    ("filters", "body"),
    [
        ({}, {}),
        ({"project_id": "p1"}, {"project_id": "p1"}),
        ({"job_id": "j-1"}, {"job_id": "j-1"}),
        ({"statuses": []}, {"statuses": []}),
        (
            {"project_id": "p", "statuses": ("TRAINING_JOB_RUNNING",)},
            {"project_id": "p", "statuses": ["TRAINING_JOB_RUNNING"]},
        ),
    ],
)
def test_search_sends_only_the_given_filters(connect, filters, body):
    with Server(reply()) as server:
        connect(server)[0].search_training_jobs(**filters)
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/v1/training_jobs/search")
    assert json.loads(request.body) == body
    assert request.headers["content-type"] == "application/json"


def test_base_url_may_have_a_path_and_a_last_slash(connect):
    with Server(reply()) as server:
        connect(server, base_url=f"{server.url}/api/baseten/")[0].list_training_projects()
    assert server.requests[0].target == "/api/baseten/v1/training_projects"


def test_connections_are_kept_and_cookies_are_not(connect):
    body = reply(PROJECTS, connection="keep-alive", set_cookie="session=1; Path=/")
    with Server(body, keep_alive=True) as server:
        client, _ = connect(server)
        for _ in range(3):
            client.list_training_projects()
        client.close()
    assert server.connections == 1
    assert not [request for request in server.requests if "cookie" in request.headers]


def test_threads_share_a_client(connect):
    def echo(wire: Wire):
        wire.send(reply(json.dumps({"n": len(server.requests)}).encode()))

    with Server(echo) as server:
        client, waits = connect(server)
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(client.list_training_jobs, [f"p{n}" for n in range(64)]))
    assert not waits
    assert [answer.url.split("/")[-2] for answer in answers] == [f"p{n}" for n in range(64)]
    assert len({request.target for request in server.requests}) == 64


@pytest.mark.parametrize(
    ("header", "date"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun, 06 Nov 1994 08:49:60 GMT", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 0000 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 +2359", None),
        ("Xxx, 06 Yyy 1994 08:49:37 GMT", None),
        ("1994-11-06T08:49:37Z", None),
        ("now", None),
        ("", None),
    ],
)
def test_the_date_is_utc_or_none(connect, header, date):
    with Server(reply(date=header)) as server:
        assert connect(server)[0].list_training_projects().date == date


def test_an_answer_does_not_show_its_body():
    answer = Response(b'{"secret": 1}', None, "https://api.baseten.co/v1/x")
    assert repr(answer) == "Response(13 bytes from 'https://api.baseten.co/v1/x')"
    assert pickle.loads(pickle.dumps(answer)) == answer  # noqa: S301 - our own bytes


@pytest.mark.parametrize("body", [b"{", b"{}}", b'{"a": \xff}', b'{"a":' + b"[" * 200_000])
def test_an_answer_that_is_no_json_is_a_payload_error(body):
    error = failure(PayloadError, Response(body, None, "https://api.baseten.co/v1/x").json)
    assert "https://api.baseten.co/v1/x" in str(error)


# The key


@pytest.mark.parametrize("source", ["argument", "environment"])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_the_key_comes_from_argument_or_environment(monkeypatch, source, ending):
    monkeypatch.setenv("BASETEN_API_KEY", KEY + ending if source == "environment" else "other")
    key = KEY + ending if source == "argument" else None
    with Server(reply()) as server, Client(key, base_url=server.url) as client:
        client.list_training_projects()
    assert server.requests[0].headers["authorization"] == f"Api-Key {KEY}"


def test_without_a_key_nothing_is_sent(monkeypatch):
    with silent() as server:
        for value in (None, ""):
            if value is not None:
                monkeypatch.setenv("BASETEN_API_KEY", value)
            error = failure(ConfigError, Client, base_url=server.url)
            assert str(error) == "no API key: set BASETEN_API_KEY or pass api_key=..."
        monkeypatch.setenv("BASETEN_API_KEY", KEY)
        failure(ConfigError, Client, "", base_url=server.url)
    assert server.connections == 0


@pytest.mark.parametrize(
    "key",
    [
        f"{KEY}\r\nX-Evil: 1",
        f"{KEY}\n\n",
        f"{KEY}\r",
        f"\n{KEY}",
        f" {KEY}",
        f"Api-Key {KEY}",
        f"{KEY}\t",
        f"{KEY}\0",
        f"{KEY}\x7f",
        f"{KEY}é",
        f"{KEY}\N{ZERO WIDTH SPACE}",
        f"{KEY}\udcff",
        KEY * 20,
        KEY.encode(),
    ],
)
def test_a_key_that_cannot_be_right_is_refused_and_not_shown(key):
    error = failure(ConfigError, Client, key)
    assert "api_key" in str(error)


def test_the_environment_is_named_when_its_key_is_bad(monkeypatch):
    monkeypatch.setenv("BASETEN_API_KEY", f"{KEY} ")
    assert "BASETEN_API_KEY" in str(failure(ConfigError, Client))


def test_netrc_cannot_replace_the_key(connect, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\ndefault login c password d\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with Server(reply()) as server:
        client, _ = connect(server)
        client.list_training_projects()
        client.search_training_jobs()
    assert [request.headers["authorization"] for request in server.requests] == [
        f"Api-Key {KEY}"
    ] * 2


def test_a_client_shows_and_hands_out_no_key():
    with Client(KEY) as client:
        assert repr(client) == "Client(base_url='https://api.baseten.co')"
        assert KEY not in repr(vars(client))
        with pytest.raises(TypeError, match="holds a key"):
            pickle.dumps(client)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(ApiKey(KEY))


def test_no_log_and_no_debug_output_holds_the_key(connect, monkeypatch, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    said = json.dumps({"error": f"{KEY}?"}).encode()
    with Server(reply(said, "503 Oops"), reply(PROJECTS)) as server:
        client, _ = connect(server)
        client.list_training_projects()
    assert "next try in" in caplog.text
    assert "urllib3" in caplog.text
    assert KEY not in caplog.text
    assert KEY not in "".join(capfd.readouterr())


@pytest.mark.parametrize("body", [b'{"error": "bad key %s"}', b"<p>%s</p>", b'{"a": ["%s"]}'])
@pytest.mark.parametrize("status", ["200 OK", "401 No", "404 No", "429 No", "500 No", "418 No"])
def test_a_key_that_the_server_sends_back_is_hidden(connect, body, status):
    body = (b"" if status.startswith("4") else b"#") + body % KEY.encode()
    with Server(reply(body, status, content_type=f"text/{KEY}")) as server:
        client, _ = connect(server)
        with pytest.raises(ApiError) as caught:
            client.list_training_projects()
        error = failure(type(caught.value), client.list_training_projects)
    assert "[key]" in str(error)


def test_a_key_in_a_status_line_or_redirect_is_hidden(connect):
    with Server(f"HTTZ {KEY}\r\n\r\n".encode()) as server:
        assert "[key]" in str(failure(NetworkError, connect(server)[0].list_training_projects))
    with Server(reply(b"", "302 Go", location=f"https://x.example/?k={KEY}")) as server:
        assert "[key]" in str(failure(ApiError, connect(server)[0].list_training_projects))


@pytest.mark.parametrize("key", [KEY, "A1b2C3d4E5f6"])
def test_a_key_passed_for_something_else_is_not_shown(key):
    with Client(key) as client, pytest.raises(ArgumentError) as caught:
        client.list_training_jobs(key)
    assert key not in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        Client(key, base_url=f"http://{key}.example")
    assert key not in str(caught.value)


# Arguments


@pytest.mark.parametrize(
    "project_id", ["", "a/b", "..", "a b", "a\n", "é", "a" * 129, "%2e", "?x", None, 7, b"a"]
)
def test_an_id_that_could_change_the_address_is_refused(connect, project_id):
    with silent() as server:
        client, _ = connect(server)
        error = failure(ArgumentError, client.list_training_jobs, project_id)
        assert "project_id" in str(error)
        if project_id is not None:
            failure(ArgumentError, client.search_training_jobs, project_id=project_id)
            failure(ArgumentError, client.search_training_jobs, job_id=project_id)
    assert server.connections == 0


@pytest.mark.parametrize("statuses", ["TRAINING_JOB_RUNNING", [1], [None]])
def test_statuses_must_be_a_list_of_texts(statuses):
    with Client(KEY) as client:
        failure(ArgumentError, client.search_training_jobs, statuses=statuses)


@pytest.mark.parametrize(
    "option",
    [
        {"timeout": 0},
        {"timeout": float("inf")},
        {"deadline": -1},
        {"deadline": float("nan")},
        {"max_bytes": 0},
        {"retries": -1},
        {"retries": "3"},
        {"patience": -0.1},
    ],
)
def test_numbers_out_of_range_are_refused(option):
    (name,) = option
    assert str(failure(ArgumentError, Client, KEY, **option)).startswith(f"{name}: ")


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.baseten.co",
        "HTTPS://API.baseten.co:443/",
        "https://my_proxy.internal/baseten/v2",
        "https://[2001:db8::1]:8443",
        "http://127.0.0.1:8080",
        "http://127.8.9.10",
        "http://localhost:1",
        "http://LOCALHOST",
        "http://[::1]:8080",
    ],
)
def test_base_urls_that_are_fine(base_url):
    with Client(KEY, base_url=base_url) as client:
        assert repr(client) == f"Client(base_url={base_url.rstrip('/')!r})"


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.baseten.co",
        "ftp://api.baseten.co",
        "file:///etc/passwd",
        "https://",
        "https://api.baseten.co:0",
        "https://api.baseten.co:65536",
        "https://api.baseten.co:x",
        "https://api..co",
        "https://-a.co",
        "https://api.baseten.co/a b",
        "https://api.baseten.co\\@evil.example",
        "https://api.baseten.co\n",
        "https://api.baseten.co/%2e",
        "https://bücher.example",
        f"https://{'a' * 64}.co",
        "http://api.baseten.co",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://128.0.0.1",
        "http://0.0.0.0",
        "http://2130706433",
        "http://[::2]",
        "http://[::ffff:8.8.8.8]",
    ],
)
def test_base_urls_that_are_refused(base_url):
    assert "base_url" in str(failure(ConfigError, Client, KEY, base_url=base_url))


@pytest.mark.parametrize(
    "secret", ["https://me:hunter2@x.co", "https://x.co/?t=hunter2", "https://x.co#hunter2"]
)
def test_a_secret_in_the_base_url_is_not_shown(secret):
    assert "hunter2" not in str(failure(ConfigError, Client, KEY, base_url=secret))


# Proxies and certificates


def test_this_machine_is_reached_without_a_proxy(connect, monkeypatch):
    with silent() as proxy, Server(reply()) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        connect(server)[0].list_training_projects()
    assert (proxy.connections, server.connections) == (0, 1)


def test_other_machines_are_reached_through_the_proxy(connect, monkeypatch):
    with Server(reply(b"", "403 No")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        client, waits = connect(proxy, base_url="https://api.baseten.example")
        failure(NetworkError, client.list_training_projects)
    assert len(waits) == 3
    assert {request.method for request in proxy.requests} == {"CONNECT"}
    assert KEY not in repr(proxy.requests)


@pytest.mark.parametrize(
    "proxy", ["http://me:hunter2@:80", "http://me:hunter2@a:x", "foo://me:hunter2@localhost"]
)
def test_a_proxy_address_that_is_no_address_is_a_config_error(connect, monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with silent() as server:
        client, waits = connect(server, base_url="https://api.baseten.example")
        error = failure(ConfigError, client.list_training_projects)
    assert "hunter2" not in str(error)
    assert "HTTPS_PROXY" in str(error)
    assert not waits


def test_a_missing_certificate_bundle_is_a_config_error(connect, monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with silent() as server:
        client, waits = connect(server, base_url=server.url.replace("http:", "https:"))
        error = failure(ConfigError, client.list_training_projects)
    assert "REQUESTS_CA_BUNDLE" in str(error)
    assert not waits
    assert server.connections == 0


def test_a_connection_without_tls_is_not_tried_again(connect, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with Server(reply(), greeting=reply()) as server:
        client, waits = connect(server, base_url=server.url.replace("http:", "https:"))
        failure(NetworkError, client.list_training_projects)
    assert not waits
    assert server.connections == 1


# Answers that are refusals


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300, 304])
def test_a_redirect_is_not_followed(connect, status):
    with silent() as other:
        location = f"{other.url}/next\x1b[31m"
        with Server(reply(b"", f"{status} Moved", location=location)) as server:
            client, waits = connect(server)
            error = failure(ApiError, client.list_training_projects)
    assert f"{other.url}/next\\x1b[31m" in str(error)
    assert error.status == status
    assert other.connections == 0
    assert len(server.requests) == 1
    assert not waits


@pytest.mark.parametrize("location", [{}, {"location": ""}, {"location": "http://["}])
def test_a_redirect_to_nowhere_and_with_a_bomb(connect, location):
    bomb = gzip.compress(bytes(50_000_000))
    with Server(reply(bomb, "302 Go", content_encoding="gzip", **location)) as server:
        client, _ = connect(server)
        error, peak = with_peak(failure, ApiError, client.list_training_projects)
    assert error.status == 302
    assert peak < 3_000_000


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_tried_once(connect, status):
    with Server(reply(b'{"error": "Invalid API key"}', f"{status} No")) as server:
        client, waits = connect(server)
        error = failure(AuthError, client.list_training_projects)
    remedy = "check api_key" if status == 401 else "check api_key, and that it may read this"
    assert str(error) == (
        f"the API refused the key ({status}) for GET /v1/training_projects, "
        f"saying: Invalid API key: {remedy}"
    )
    assert (error.status, error.exit_code) == (status, 3)
    assert len(server.requests) == 1
    assert not waits


def test_a_missing_project_is_named(connect):
    with Server(reply(b"", "404 Not Found")) as server:
        error = failure(NotFoundError, connect(server)[0].list_training_jobs, "03yv1l3")
    assert "training project '03yv1l3'" in str(error)
    assert error.status == 404
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"error": "too old"}', "too old"),
        (b'{"message": "too old"}', "too old"),
        (b'{"error": {"code": 7, "message": "too old"}}', "too old"),
        (b'{"error": true, "message": "too old"}', "too old"),
        (b'{"errors": [{"message": "too old"}]}', "too old"),
        (b'[{"message": "too old"}]', "too old"),
        (b'["too old"]', "too old"),
        (b'{"error": "too \\u001b[31m\\nold"}', r"too \x1b[31m\nold"),
        (b'{"error": "too \\ud800 old"}', r"too \ud800 old"),
        (b"<html>too old</html>", "<html>too old</html>"),
        (b"\xff\xfe too old", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} too old"),
        (b'{"code": 7}', '{"code": 7}'),
        (b"[]", "[]"),
        (b"null", "null"),
        (b"[" * 60_000, "[" * 80),
        (b'{"error": "' + b"x" * 3_000_000 + b'"}', '{"error": "xxx'),
        (b'{"error": "' + b"x" * 5_000 + b'"}', "x" * 200),
        (b"", "418"),
    ],
)
def test_error_bodies_of_all_kinds_are_quoted_in_part(connect, body, shown):
    with Server(reply(body, "418 Teapot")) as server:
        error = failure(ApiError, connect(server)[0].list_training_projects)
    assert shown in str(error)
    assert len(str(error)) < 450
    assert error.status == 418


def test_an_error_body_is_read_only_in_part(connect):
    def flood(wire: Wire):
        wire.send(b"HTTP/1.1 418 Teapot\r\n\r\n")
        for _ in range(2_000):
            wire.send(bytes(1 << 16))
            sent.append(1)

    sent = []
    with Server(flood) as server:
        failure(ApiError, connect(server)[0].list_training_projects)
    assert len(sent) < 1_000


@pytest.mark.parametrize(
    "body",
    [reply(b"abc", "401 No", length=9), reply(b"abc", "401 No", content_encoding="gzip")],
)
def test_a_broken_error_body_does_not_hide_the_status(connect, body):
    with Server(body) as server:
        failure(AuthError, connect(server)[0].list_training_projects)


@pytest.mark.parametrize(
    ("answer", "status", "shown"),
    [
        (reply(b"<html>\x1b[2J" + b"x" * 500, content_type="text/html"), 200, "text/html"),
        (reply(b""), 200, "empty body"),
        (reply(b" \n "), 200, "empty body"),
        (reply(b"", content_encoding="gzip"), 200, "empty body"),
        (reply(b"[1]"), 200, "[1]"),
        (reply(b"null"), 200, "null"),
        (reply(b'\xef\xbb\xbf"x"'), 200, '"x"'),
        (reply(b'{"a": 1}'.decode().encode("utf-16")), 200, "application/json"),
        (reply(PROJECTS)[:40], 200, "empty body"),
        (reply(b"", "204 No Content"), 204, "204"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, "no type"),
        (reply(b'{"a": 1}', "206 Partial"), 206, "206"),
        (reply(b'{"a": 1}', "999 What"), 999, "999"),
    ],
)
def test_anything_but_an_object_is_an_api_error(connect, answer, status, shown):
    with Server(answer) as server:
        client, waits = connect(server)
        error = failure(ApiError, client.list_training_projects)
    assert error.status == status
    assert shown in str(error)
    assert "GET /v1/training_projects" in str(error)
    assert len(str(error)) < 300
    assert "\x1b" not in str(error)
    assert not waits


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf {}", b"\r\n\t {}", b'{"not": "yet valid'])
def test_whatever_starts_like_an_object_is_handed_out(connect, body):
    with Server(reply(body, content_type="text/plain")) as server:
        assert connect(server)[0].list_training_projects().body == body


# Waiting and trying again


@pytest.mark.parametrize(
    ("headers", "body", "wait"),
    [
        ({"retry_after": "7"}, b"", 7),
        ({"retry_after": "1.5"}, b"", 1.5),
        ({"retry_after": "100000"}, b"", 60),
        ({"retry_after": "9" * 5000}, b"", None),
        ({"retry_after": "-5"}, b"", None),
        ({"retry_after": "0"}, b"", None),
        ({"retry_after": "soon"}, b"", None),
        ({"retry_after": "nan"}, b"", None),
        ({"retry_after": "inf"}, b"", None),
        ({"retry_after": "1e9"}, b"", None),
        ({"retry_after": "0x10"}, b"", None),
        ({"retry_after": "\xb2"}, b"", None),
        ({"retry_after": ""}, b"", None),
        ({}, b"", None),
        (
            {
                "retry_after": "Mon, 24 Mar 2025 18:04:50 GMT",
                "date": "Mon, 24 Mar 2025 18:04:30 GMT",
            },
            b"",
            20,
        ),
        (
            {
                "retry_after": "Mon, 24 Mar 2025 18:00:00 GMT",
                "date": "Mon, 24 Mar 2025 18:04:30 GMT",
            },
            b"",
            None,
        ),
        ({"retry_after": "Tue, 01 Jan 2999 00:00:00 GMT"}, b"", 60),
        ({"retry_after": "Tue, 99 Jan 2999 00:00:00 GMT"}, b"", None),
        ({}, b'{"retry_after": 12}', 12),
        ({}, b'{"retry_after": 2.5}', 2.5),
        ({}, b'{"retry_after": "12"}', 12),
        ({}, b'{"error": {"retry_after": 12}}', 12),
        ({"retry_after": "soon"}, b'{"retry_after": 12}', 12),
        ({"retry_after": "3"}, b'{"retry_after": 12}', 3),
        ({}, b'{"retry_after": 1e300}', None),
        ({}, b'{"retry_after": NaN}', None),
        ({}, b'{"retry_after": 0}', None),
        ({}, b'{"retry_after": -5}', None),
        ({}, b'{"retry_after": true}', None),
        ({}, b'{"retry_after": null}', None),
        ({}, b'{"retry_after": [9]}', None),
        ({}, b"[" * 60_000, None),
    ],
)
def test_a_rate_limit_is_waited_for_as_asked(connect, headers, body, wait):
    limit = reply(body, "429 Too Many Requests", **headers)
    with Server(limit, limit, reply(PROJECTS)) as server:
        client, waits = connect(server)
        assert client.list_training_projects().body == PROJECTS
    if wait is None:
        assert 1 <= waits[0] <= 2 <= waits[1] <= 3
        assert len(waits) == 2
    else:
        assert waits == [wait, wait]


def test_a_rate_limit_that_stays_is_an_error_with_the_wait(connect):
    with Server(reply(b'{"error": "slow"}', "429 No", retry_after="90")) as server:
        client, waits = connect(server, patience=5)
        error = failure(RateLimitError, client.search_training_jobs)
    assert waits == [5, 5, 5]
    assert len(server.requests) == 4
    assert (error.retry_after, error.status) == (90, 429)
    assert "90 s" in str(error)
    assert "POST /v1/training_jobs/search (tries: 4)" in str(error)


def test_without_patience_the_back_off_is_short_too(connect):
    with Server(reply(b"", "429 No")) as server:
        client, waits = connect(server, patience=0, retries=2)
        assert failure(RateLimitError, client.search_training_jobs).retry_after is None
    assert waits == [0, 0]


FAULTS = {
    "500": reply(b"", "500 Oops"),
    "502": reply(b"<html>", "502 Oops"),
    "503": reply(b"", "503 Oops"),
    "504": reply(b"", "504 Oops"),
    "408": reply(b"", "408 Late"),
    "425": reply(b"", "425 Early"),
    "522": reply(b"<html>", "522 Oops"),
    "529": reply(b"", "529 Busy"),
    "429": reply(b"", "429 Slow"),
    "reset": reset,
    "nothing": b"",
    "garbage": b"\x16\x03\x01\r\n\r\n",
    "cut length": reply(PROJECTS, length=len(PROJECTS) + 1),
    "cut chunk": chunked(PROJECTS, end=b"5\r\nab"),
    "cut chunk size": chunked(PROJECTS, end=b""),
    "bad chunk size": chunked(PROJECTS, end=b"zz\r\n"),
    "cut gzip": reply(gzip.compress(PROJECTS)[:-1], content_encoding="gzip"),
    "lengths that differ": reply(PROJECTS, content_length="5, 6"),
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200,
    "header too long": b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("method", ["list_training_projects", "search_training_jobs"])
def test_what_can_pass_is_tried_again(connect, fault, method):
    with Server(fault, fault, fault, reply(PROJECTS)) as server:
        client, waits = connect(server)
        assert getattr(client, method)().body == PROJECTS
    assert len(server.requests) == 4
    assert 1 <= waits[0] <= 2 <= waits[1] <= 3
    assert 4 <= waits[2] <= 5


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_does_not_pass_is_an_error_after_four_tries(connect, fault):
    with Server(fault) as server:
        client, waits = connect(server)
        with pytest.raises(TrainviewError) as caught:
            client.list_training_projects()
        failure(type(caught.value), client.list_training_projects)
    kind = type(caught.value)
    status = getattr(caught.value, "status", None)
    assert (kind, status) in [
        (NetworkError, None),
        (RateLimitError, 429),
        *((ApiError, number) for number in (408, 425, 500, 502, 503, 504, 522, 529)),
    ]
    assert len(waits) == 6
    assert len(server.requests) == 8
    assert "GET /v1/training_projects" in str(caught.value)


def test_waits_are_spread(connect):
    with Server(reply(b"", "503 Oops")) as server:
        client, waits = connect(server, retries=1)
        for _ in range(5):
            failure(ApiError, client.list_training_projects)
    assert len(set(waits)) == 5


def test_a_server_that_says_how_long_it_is_away_is_believed(connect):
    with Server(reply(b"", "503 Oops", retry_after="9"), reply()) as server:
        client, waits = connect(server)
        client.list_training_projects()
    assert waits == [9]


def test_silence_is_tried_again(connect):
    with Server(hang, reply(PROJECTS)) as server:
        client, waits = connect(server, timeout=0.1)
        client.list_training_projects()
    assert len(waits) == 1


def test_nobody_there_is_a_network_error(connect):
    with silent() as server:
        url = server.url
    client, waits = connect(server, base_url=url, retries=1)
    error = failure(NetworkError, client.list_training_projects)
    assert len(waits) == 1
    assert "check the connection and base_url" in str(error)


def test_retries_can_be_switched_off(connect):
    with Server(reply(b"", "503 Oops")) as server:
        client, waits = connect(server, retries=0)
        failure(ApiError, client.list_training_projects)
    assert (len(server.requests), waits) == (1, [])


def test_a_kept_connection_that_went_away_is_opened_again(connect):
    def then_gone(wire: Wire):
        wire.send(reply(PROJECTS, connection="keep-alive"))

    with Server(then_gone) as server:
        client, _ = connect(server)
        for _ in range(4):
            client.list_training_projects()
    assert len(server.requests) == 4


# Limits


DRIPS = {
    "status line": drip(b"HTTP/1.1 200"),
    "headers": drip(b"HTTP/1.1 200 OK\r\nX: ", b"a"),
    "continues": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": drip(reply(b'{"', length=10**6), b"a"),
    "chunks": drip(chunked(b'{"', end=b""), b"1\r\na\r\n"),
    "chunk size": drip(chunked(b'{"', end=b""), b"0"),
    "trailers": drip(chunked(b"{}", end=b"0\r\n"), b"a: b\r\n"),
    "empty gzip members": drip(
        reply(b"", length=10**6, content_encoding="gzip"), gzip.compress(b"")
    ),
    "silence": hang,
}


@pytest.mark.parametrize("slow", DRIPS.values(), ids=DRIPS)
def test_a_deadline_holds_for_the_whole_exchange(connect, slow):
    with Server(slow) as server:
        client, waits = connect(server, deadline=0.3)
        start = time.monotonic()
        error = failure(NetworkError, client.list_training_projects)
        assert 0.25 < time.monotonic() - start < 2
        assert "deadline" in str(error)
        assert not waits
        assert_threads_end()


def test_a_deadline_cuts_one_connection_only(connect):
    def answer(wire: Wire):
        if server.requests[-1].target.endswith("/slow/jobs"):
            hang(wire)
        else:
            wire.send(reply(PROJECTS, connection="keep-alive"))

    with Server(answer, keep_alive=True) as server:
        client, waits = connect(server, deadline=0.5)
        client.list_training_projects()
        failure(NetworkError, client.list_training_jobs, "slow")
        assert_threads_end()
        client.list_training_projects()
        client.close()
    assert not waits


@pytest.fixture
def _plain_ctrl_c():
    """Ctrl-C is what Python makes of it, whatever a library has left behind in this process."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_plain_ctrl_c")
def test_ctrl_c_ends_a_call_at_once(connect):
    with Server(hang) as server:
        client, _ = connect(server)
        timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
        timer.start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            client.list_training_projects()
        assert time.monotonic() - start < 2
        timer.join()
        assert_threads_end()


def assert_threads_end():
    for _ in range(200):
        if not [t for t in threading.enumerate() if t.name == "trainview-http"]:
            return
        time.sleep(0.01)
    pytest.fail("a thread still waits for the server")


def with_peak(call, *args, **kwargs):
    tracemalloc.start()
    try:
        result = call(*args, **kwargs)
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 131_072, 1_000_000])
@pytest.mark.parametrize("coding", ["identity", "gzip", "x-gzip", "GZIP", "deflate", "members"])
@pytest.mark.parametrize("framing", ["length", "chunks", "close"])
def test_bodies_of_all_sizes_and_codings_arrive_whole(connect, size, coding, framing):
    body = b"{" + random.Random(size).randbytes(size) + bytes(size)  # noqa: S311 - repeatable
    packed = {
        "identity": lambda: body,
        "deflate": lambda: zlib.compress(body),
        "members": lambda: b"".join(
            gzip.compress(body[start : start + 50_000]) for start in range(0, len(body), 50_000)
        ),
    }.get(coding, lambda: gzip.compress(body))()
    headers = {"content_encoding": "gzip" if coding == "members" else coding}
    answer = {
        "length": lambda: reply(packed, **headers),
        "chunks": lambda: chunked(packed[:7], packed[7:], **headers),
        "close": lambda: (
            f"HTTP/1.1 200 OK\r\nContent-Encoding: {headers['content_encoding']}\r\n\r\n".encode()
            + packed
        ),
    }[framing]()
    with Server(answer) as server:
        client, _ = connect(server, retries=0)
        assert client.list_training_projects().body == body


@pytest.mark.parametrize("size", [99, 100, 101])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_the_longest_body_is_exact(connect, size, coding):
    body = b"{" + b" " * (size - 1)
    packed = gzip.compress(body) if coding == "gzip" else body
    with Server(reply(packed, content_encoding=coding)) as server:
        client, waits = connect(server, max_bytes=100)
        if size <= 100:
            assert client.list_training_projects().body == body
        else:
            error = failure(ApiError, client.list_training_projects)
            assert "100 bytes" in str(error)
            assert "max_bytes" in str(error)
    assert not waits


BOMB = bytes(100_000_000)


@pytest.mark.parametrize("kind", ["one", "members", "deflate", "error", "chunked"])
def test_a_bomb_takes_no_more_memory_than_the_limit(connect, kind):
    packed = {
        "one": lambda: gzip.compress(BOMB),
        "members": lambda: gzip.compress(bytes(100_000)) * 1_000,
        "deflate": lambda: zlib.compress(BOMB),
        "error": lambda: gzip.compress(BOMB),
        "chunked": lambda: gzip.compress(BOMB),
    }[kind]()
    coding = "deflate" if kind == "deflate" else "gzip"
    status = "418 Teapot" if kind == "error" else "200 OK"
    answer = (
        chunked(packed, content_encoding=coding)
        if kind == "chunked"
        else reply(packed, status, content_encoding=coding)
    )
    with Server(answer) as server:
        client, waits = connect(server, max_bytes=1_000_000)
        error, peak = with_peak(failure, ApiError, client.list_training_projects)
    assert error.status == int(status[:3])
    assert peak < 4_000_000
    assert not waits


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip,gzip,gzip", "br", "zstd", "compress", "x"])
def test_other_codings_are_refused_unopened(connect, coding):
    packed = gzip.compress(gzip.compress(BOMB))
    with Server(reply(packed, content_encoding=coding)) as server:
        client, waits = connect(server)
        error, peak = with_peak(failure, ApiError, client.list_training_projects)
    assert coding in str(error)
    assert peak < 3_000_000
    assert not waits


@pytest.mark.parametrize(
    "body",
    [b"{}", gzip.compress(b"{}") + b"garbage", b"\x1f\x8b\x08" + bytes(99)],
    ids=["plain", "garbage behind", "empty member"],
)
def test_what_only_claims_to_be_packed_is_an_api_error(connect, body):
    with Server(reply(body, content_encoding="gzip")) as server:
        client, waits = connect(server)
        failure(ApiError, client.list_training_projects)
    assert not waits


def test_a_chunk_length_below_zero_is_no_way_around_the_limit(connect):
    def flood(wire: Wire):
        wire.send(chunked(b"{", end=b"-1\r\n"))
        for _ in range(500):
            wire.send(bytes(1 << 16))

    with Server(flood) as server:
        client, _ = connect(server, max_bytes=1_000_000, retries=0)
        error, peak = with_peak(failure, ApiError, client.list_training_projects)
    assert "1,000,000 bytes" in str(error)
    assert peak < 5_000_000


def test_a_bug_of_ours_keeps_its_name_and_loses_the_key(connect, monkeypatch):
    def boom(raw):
        try:
            return {}[raw]
        except KeyError:
            return 1 / 0

    monkeypatch.setattr("trainview.api.transport._pieces", boom)
    with Server(reply()) as server:
        client, waits = connect(server)
        error = failure(ZeroDivisionError, client.list_training_projects)
    assert str(error) == "division by zero"
    # The frames in which it happened belong to requests, and hold the headers.
    assert "boom" not in [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert not waits


def test_loading_the_client_loads_no_tables():
    code = "import sys, trainview.api.client; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = run.stdout.split()
    assert "trainview.api.client" in loaded
    assert not {"pandas", "pyarrow", "matplotlib", "numpy"} & set(loaded)
