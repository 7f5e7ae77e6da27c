"""Records that do not fit, in the shell: an error that names the option, or left out and counted."""

import json

import pytest

from tests.builders import job, payload
from tests.cli.shell import KEY, out, trainview
from tests.http_server import Server, reply

BAD = payload(training_jobs=[job("j1"), job("j2", created_at="soon")])
EMPTY = payload(training_projects=[])


def test_a_bad_record_is_an_error_that_names_the_option():
    done = trainview("status", "-", stdin=BAD)
    assert done.returncode == 5
    assert done.stderr.decode().count("\n") == 1
    assert b"<stdin>: training_jobs[1].created_at" in done.stderr
    assert b"; --skip-bad leaves such records out" in done.stderr


def test_skip_bad_leaves_it_out_and_says_so():
    done = trainview("status", "-", "--skip-bad", "--format", "json", stdin=BAD)
    assert done.returncode == 0
    assert [row["jobs"] for row in json.loads(done.stdout)] == [1]
    assert b"warning: 1 record left out, all totals are without: <stdin>" in done.stderr


@pytest.mark.parametrize("words", [[], ["--with", "prices"]])
def test_fetch_saves_the_rest_and_says_how_many_are_missing(words, tmp_path):
    target = tmp_path / ("folder" if words else "snapshot.json")
    prices = reply(payload(instance_types=[]))
    with Server(reply(EMPTY), reply(BAD), prices) as server:
        asked = ["fetch", "-o", target, *words, "--base-url", server.url]
        done = trainview(*asked, "--skip-bad", key=KEY)
    assert done.returncode == 0, done.stderr
    assert b"1 record left out" in done.stderr
    loaded = trainview("status", target, "--skip-bad", "--format", "json")
    assert [row["jobs"] for row in json.loads(loaded.stdout)] == [1]
    assert b"1 record left out" in loaded.stderr


def test_local_times_take_a_zone():
    listing = {
        "job_id": "j1", "total_checkpoints": 1,
        "checkpoints": [{"job_id": "j1", "checkpoint_id": "c1", "checkpoint_type": "lora", "size_bytes": 1, "created_at": "2026-03-24 18:04:30"}],
    }  # fmt: skip
    text = json.dumps(listing).encode()
    refused = trainview("status", "-", stdin=text)
    assert b"say which, --source-tz Europe/Berlin" in refused.stderr
    assert trainview("status", "-", "--source-tz", "Europe/Berlin", stdin=text).returncode == 0
    assert out("summary", "-", "--source-tz", "UTC", "--format", "csv", stdin=text)
