"""Networks as they are: companies' certificates, proxies, login pages, answers beyond a limit."""

import gzip
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tests.http_server import Server, reply
from trainview.api.client import Client
from trainview.errors import ApiError, AuthError, ConfigError, NetworkError

KEY = "sentinel-key-77"
VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")
DAY = datetime(2026, 3, 1, tzinfo=UTC)
PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in (*VARIABLES, *PROXIES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def company():
    """A company's certificate authority, and a server whose certificate it has signed."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "company.pem"
        authority.cert_pem.write_to_path(path)
        with Server(reply(b'{"training_projects": []}'), tls=context) as server:
            yield path, server


def ask(server, **options):
    with Client(KEY, base_url=server.url, retries=0, **options) as client:
        return client.list_training_projects()


def test_an_unknown_authority_is_refused_and_the_error_says_whose_list_was_used(company):
    _, server = company
    with pytest.raises(
        NetworkError,
        match="checked with the system's certificates and certifi's: name your company's certificates with SSL_CERT_FILE",
    ):
        ask(server)
    assert all(KEY not in str(request) for request in server.requests)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_companys_authority_is_trusted_where_the_environment_names_it(
    variable, company, monkeypatch
):
    path, server = company
    monkeypatch.setenv(variable, str(path))
    assert ask(server).json() == {"training_projects": []}


def test_a_list_that_lacks_it_is_named(company, monkeypatch, tmp_path):
    _, server = company
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    with pytest.raises(NetworkError, match=r"checked with SSL_CERT_FILE \(.*empty.pem\)"):
        ask(server)


def test_a_socks_proxy_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://user:secret@127.0.0.1:9")
    with (
        pytest.raises(ConfigError, match=r"pip install 'requests\[socks\]'") as caught,
        Client(KEY, retries=0) as client,
    ):
        client.list_training_projects()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("200 OK", ApiError),
        ("403 No", AuthError),
        ("502 Bad", ApiError),
        ("511 Login", ApiError),
        ("418 Tea", ApiError),
    ],
)
def test_a_page_in_the_apis_place_is_called_one(status, error):
    page = reply(PAGE, status, content_type="text/html")
    answered = pytest.raises(error, match="a proxy or a login page answered in the API's place")
    with Server(page) as server, answered:
        ask(server)


@pytest.mark.parametrize(
    ("call", "words", "named"),
    [
        (
            "get_training_job_metrics",
            ("p1", "j1"),
            {"start": DAY, "end": DAY + timedelta(1), "step_seconds": 60},
        ),
        ("get_queue_context", ("j1",), {}),
        ("list_training_job_checkpoints", ("p1", "j1"), {}),
        ("get_training_project_cache", ("p1",), {}),
    ],
)
def test_an_answer_about_one_job_may_be_64_mib(call, words, named):
    bomb = reply(gzip.compress(b"{" + bytes(64 * 2**20)), content_encoding="gzip")
    too_long = pytest.raises(ApiError, match=r"longer than 67,108,864 bytes.*max_job_bytes")
    with Server(bomb) as server, Client(KEY, base_url=server.url) as client, too_long:
        getattr(client, call)(*words, **named)
