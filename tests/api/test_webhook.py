"""A message to a webhook: with patience, and its address a secret in whatever goes wrong."""

import json
import logging
import pickle
import traceback

import pytest

import trainview as tv
from tests.http_server import Server, hang, reply, reset
from trainview.api.webhook import WebhookUrl, post_json

SECRET = "/services/T00/B00/s3cret?sig=s1gnature"  # noqa: S105 - what must not be shown


def post(server, body=None, path=SECRET):
    waits = []
    post_json(WebhookUrl(server.url + path), body or {"text": "é"}, sleep=waits.append)
    return waits


@pytest.mark.parametrize("answer", [reply(b"ok", content_type="text/plain"), reply(b"", "204 No Content"), reply(b"1", "202 Accepted")])  # fmt: skip
def test_a_message_is_posted_as_json(answer, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("BASETEN_API_KEY", "not-for-others")
    with Server(answer) as server:
        assert post(server) == []
        (request,) = server.requests
    assert (request.method, request.target) == ("POST", SECRET)
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {"text": "é"}
    assert "authorization" not in request.headers
    assert "not-for-others" not in str(request)


@pytest.mark.parametrize(
    "failure", [reply(b"busy", "503 Busy"), reply(b"slow down", "429 Too Many"), reset]
)
def test_what_may_pass_is_tried_again(failure):
    with Server(failure, failure, reply(b"ok")) as server:
        assert len(post(server)) == 2
        assert len(server.requests) == 3


def test_it_waits_as_long_as_it_is_asked_to_and_never_too_long():
    asked = [reply(b"", "429 Too Many", retry_after=seconds) for seconds in ("7", "100000")]
    with Server(*asked, reply(b"ok")) as server:
        assert post(server) == [7.0, 30.0]


@pytest.mark.parametrize("status", ["400 Bad", "403 No", "404 Gone", "410 Gone"])
def test_what_will_not_pass_is_an_error_at_once(status):
    with Server(reply(b"no_service", status)) as server:
        with pytest.raises(tv.ApiError, match=r"the webhook answered 4.., saying: no_service: check its address"):  # fmt: skip
            post(server)
        assert len(server.requests) == 1


def test_a_redirect_is_not_followed():
    with Server(reply(b"", "302 Found", location="http://127.0.0.1:1/elsewhere")) as server:
        with pytest.raises(tv.ApiError, match="302, a redirect, which is not followed"):
            post(server)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "url",
    ["", "hooks.slack.com/x", "ftp://hooks.slack.com/s3cret", "https://user:s3cret@host/x", "https://host/s3cret#x", "https://host/s3cr et",
     "https://host:0/s3cret", "https://host:99999/s3cret", "https://-/s3cret", "https://host/s3cret\n", "https://h/s3cret" + "x" * 5000],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_saying_it(url):
    with pytest.raises(tv.ConfigError) as error:
        WebhookUrl(url)
    assert "s3cr" not in str(error.value)


def test_plain_http_is_for_this_machine_alone():
    for url in (
        "http://127.0.0.1:8080/x",
        "http://localhost/x",
        "http://[::1]:80/x",
        "https://host/x",
    ):
        WebhookUrl(url)
    with pytest.raises(tv.ConfigError, match="http, which others can read: use https") as error:
        WebhookUrl("http://hooks.example.com/s3cret")
    assert "hooks" not in str(error.value)


def echo(wire):
    wire.send(reply(f"no_service at http://127.0.0.1{SECRET}, {SECRET}".encode(), "404 Not Found"))


@pytest.mark.parametrize("answer", [echo, reply(b"bad token s3cret or s1gnature", "404 Not Found"), reset, reply(b"<html>" + SECRET.encode(), "500 Oops"), reply(b"ok", content_encoding="gzip"), None])  # fmt: skip
def test_the_address_is_in_no_message_log_or_repr(answer, caplog, capfd):
    server = Server(answer or hang)
    url = WebhookUrl(server.url + SECRET)
    caplog.set_level(logging.DEBUG)
    if answer is None:
        # nobody listens
        with server:
            pass
        with pytest.raises(tv.NetworkError) as error:
            post_json(url, {}, sleep=lambda _: None)
    else:
        with server, pytest.raises(tv.TrainviewError) as error:
            post_json(url, {}, sleep=lambda _: None)
    shown = [str(error.value), repr(error.value), "".join(traceback.format_exception(error.value)), caplog.text, repr(url), *capfd.readouterr()]  # fmt: skip
    for secret in ("s3cret", "s1gnature", "T00/B00"):
        assert not [text for text in shown if secret in text]
    assert "base_url" not in str(error.value)
    with pytest.raises(TypeError):
        pickle.dumps(url)
