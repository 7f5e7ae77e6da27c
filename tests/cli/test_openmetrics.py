"""The command that tells the live state: to a pipe, to a file, and to who scrapes it."""

import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from contextlib import suppress

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import trainview as tv
from tests.api_server import Api, ApiServer
from tests.builders import job, payload, project
from tests.cli.shell import DATA, KEY, fault, out, start, trainview
from trainview.fetching.recording import looking

STARTED = {"created_at": "2026-03-31T12:00:00Z", "updated_at": "2026-03-31T12:30:00Z"}
RUNNING = job("a", current_status="TRAINING_JOB_RUNNING", **STARTED)
ENDED = job("b", **STARTED)


def api():
    return Api([RUNNING, ENDED], projects=[project()])


def held(text):
    (family,) = [
        one for one in text_string_to_metric_families(text) if one.name == "trainview_held_gpus"
    ]
    return {sample.labels["gpu_type"]: sample.value for sample in family.samples}


def test_it_goes_to_standard_output():
    assert held(out("openmetrics", DATA))["H100"] == 45


def test_of_the_api_only_open_jobs_are_asked_about():
    with ApiServer(api()) as server:
        words = ["--with", "prices,capacity,metrics", "--no-cache", "--base-url", server.url]
        text = out("openmetrics", *words, key=KEY)
        assert server.asked("/jobs/a/metrics") == 1
        assert server.asked("/jobs/b/metrics") == 0
    assert held(text) == {"A10G": 2}
    assert 'trainview_gpu_limit{gpu_type="A10G"} 8' in text


def test_a_file_of_ours_is_replaced_and_another_is_not(tmp_path):
    target = tmp_path / "trainview.prom"
    words = ["openmetrics", DATA, "-o", target]
    for _ in range(2):
        assert out(*words) == ""
        assert held(target.read_text())["H100"] == 45
    target.write_text("mine\n")
    assert "exists: replace it with --force" in fault(6, *words)
    assert target.read_text() == "mine\n"
    out(*words, "--force")
    assert [path.name for path in tmp_path.iterdir()] == ["trainview.prom"]


def test_a_look_that_fails_leaves_the_last_state_and_is_counted(tmp_path):
    target = tmp_path / "trainview.prom"

    def trouble(path, before):
        return 404 if path.endswith("search") and before else None

    with ApiServer(api(), trouble=trouble) as server:
        words = ["-o", target, "--every", "0.01s", "--looks", 3, "--base-url", server.url]
        done = trainview("openmetrics", *words, key=KEY)
    assert done.returncode == 0
    assert done.stderr.decode().count("UTC failed: the API knows no") == 2
    text = target.read_text()
    assert "trainview_failed_looks 2\n" in text
    assert held(text) == {"A10G": 2}


def test_a_single_look_that_fails_is_an_error_and_leaves_the_file(tmp_path):
    target = tmp_path / "trainview.prom"
    out("openmetrics", DATA, "-o", target)
    before = target.read_bytes()
    with ApiServer(api(), trouble=lambda *_: 404) as server:
        fault(4, "openmetrics", "-o", target, "--base-url", server.url, key=KEY)
    assert target.read_bytes() == before


def test_of_a_history_the_failed_looks_of_its_recorder_are_told(tmp_path):
    def trouble(path, before):
        return 404 if path.endswith("search") and before in (1, 3, 4) else None

    with ApiServer(api(), trouble=trouble) as server:
        client = {"api_key": KEY, "base_url": server.url}
        for row in looking(tmp_path, every="0.01s", looks=5, **client):
            if row["as_of"] is not None:
                assert "trainview_failed_looks 0\n" in out("openmetrics", tmp_path)
    assert "trainview_failed_looks 2\n" in out("openmetrics", tmp_path)


def test_a_recorder_and_a_watch_tell_it_beside_their_work(tmp_path):
    def trouble(path, before):
        return 404 if path.endswith("search") and before == 1 else None

    for words in (["record", tmp_path / "history"], ["watch"]):
        target = tmp_path / f"{words[0]}.prom"
        with ApiServer(api(), trouble=trouble) as server:
            more = ["--openmetrics", target, "--every", "0.01s", "--looks", 2]
            assert trainview(*words, *more, "--base-url", server.url, key=KEY).returncode == 0
        text = target.read_text()
        assert held(text) == {"A10G": 2}
        assert "trainview_failed_looks 1\n" in text
    target.write_text("mine\n")
    for words in (["record", tmp_path / "history"], ["watch", DATA]):
        assert "exists" in fault(6, *words, "--openmetrics", target)


def get(url, **headers):
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return answer.headers["Content-Type"], answer.read().decode()


def test_it_serves_who_scrapes_this_machine(tmp_path):
    source = tmp_path / "jobs.json"
    tv.load([payload(training_projects=[project()]), payload(training_jobs=[RUNNING])]).to_json(
        source
    )
    process = start("openmetrics", source, "--port", 0, stderr=subprocess.PIPE)
    try:
        url = re.search(rb"serving (http://127.0.0.1:\d+/metrics)\n", process.stderr.readline())[
            1
        ].decode()
        kind = text = ""
        while not text:
            with suppress(urllib.error.HTTPError):  # 503 before the first look has ended
                kind, text = get(
                    url, Accept="application/openmetrics-text;version=1.0.0,text/plain"
                )
        assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert held(text) == {"A10G": 2}
        assert get(url, Accept="text/plain")[0].startswith("text/plain; version=0.0.4")
        for address, headers, code in ((url[:-1], {}, 404), (url, {"Host": "evil.example"}, 403)):
            with pytest.raises(urllib.error.HTTPError) as error:
                get(address, **headers)
            assert error.value.code == code
            error.value.close()
        taken = re.search(r":(\d+)/", url)[1]
        assert f"port {taken} of 127.0.0.1: " in fault(2, "openmetrics", DATA, "--port", taken)
        process.send_signal(signal.SIGTERM)
        assert (process.wait(30), process.stderr.read()) == (0, b"")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_watch_serves_it_too():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1: " in fault(2, "watch", DATA, "--port", port)
    scraped = []

    def trouble(path, before):
        if path.endswith("search") and before == 1:
            scraped.append(get(f"http://127.0.0.1:{port}/metrics")[1])

    with ApiServer(api(), trouble=trouble) as server:
        more = ["--port", port, "--every", "0.01s", "--looks", 2, "--base-url", server.url]
        done = trainview("watch", *more, key=KEY)
    assert done.returncode == 0
    assert f"serving http://127.0.0.1:{port}/metrics\n" in done.stderr.decode()
    (text,) = scraped
    assert held(text) == {"A10G": 2}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--every", "30s"], "--every: say with -o or --port where the text goes"),
        (["--looks", "2"], "--looks goes with --every"),
        (["-", "--port", "0"], "standard input can be read once"),
        (
            [DATA, "--since", "7d"],
            "--since and --until: all that is told is so now, and is not cut",
        ),
        ([DATA, "--as-of", "2026-03-01", "--port", "0"], "--as-of: each look has its own moment"),
        (["--with", "logs"], "--with logs: choose one of prices, capacity, metrics"),
        ([DATA, "--with", "prices"], "--with asks the API: leave SOURCE out"),
    ],
)
def test_what_does_not_go_together_is_refused(words, told):
    assert told in fault(2, "openmetrics", *words)
