import random
import secrets

import pytest
from pyarrow import fs

import trainview as tv
from tests.cli.shell import trainview
from tests.cli.test_notify import snapshot
from tests.history.buckets import CREDENTIALS, DENIED, s3_server
from tests.history.states import saved, states
from tests.history.test_recording import assert_same
from tests.http_server import Server, reply
from tests.properties import tries_all


@pytest.fixture(scope="module")
def server():
    with s3_server() as found:
        yield found


@pytest.fixture
def dest(server, monkeypatch):
    """A new bucket, as a user would name a folder in it."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    where, trouble = server
    bucket = f"bucket-{secrets.token_hex(4)}"
    system, _ = fs.FileSystem.from_uri(f"s3://{bucket}?{where}&allow_bucket_creation=true")
    system.create_dir(bucket)
    yield f"s3://{bucket}/history?{where}"
    trouble.busy = lambda *_: False


def test_a_bucket_holds_what_a_folder_holds(dest):
    found = states(21, looks=5)
    tv.record(dest, snapshots=[saved(state) for state in found])
    for state in found:
        assert_same(tv.load(dest, at=state[0]), tv.load(saved(state)))
    intervals = tv.status_intervals(dest)
    joined = tv.compact(dest)
    assert joined["files"].sum() < joined["files_before"].sum()
    assert tv.status_intervals(dest).equals(intervals)
    for state in found:
        assert_same(tv.load(dest, at=state[0]), tv.load(saved(state)))


def test_a_bucket_that_answers_503_now_and_then_loses_nothing(dest, server):
    found = states(22, looks=4 if tries_all() else 2)
    chance = random.Random(0)  # noqa: S311 - it has to be the same again
    server[1].busy = lambda *_: chance.random() < 0.1
    tv.record(dest, snapshots=[saved(state) for state in found])
    for state in found:
        assert_same(tv.load(dest, at=state[0]), tv.load(saved(state)))
    assert server[1].refused


def test_a_look_whose_upload_fails_for_good_is_repaired_by_the_next(dest, server, monkeypatch):
    monkeypatch.setattr(server[1], "answer", DENIED)
    one, two = states(23, looks=2)
    tv.record(dest, snapshots=[saved(one)])
    server[1].busy = lambda method, path: method in {"PUT", "POST"} and "/looks/" in path
    with pytest.raises(tv.OutputError, match="cannot write s3://") as caught:
        tv.record(dest, snapshots=[saved(two)])
    server[1].busy = lambda *_: False
    assert_same(tv.load(dest), tv.load(saved(one)))
    tv.record(dest, snapshots=[saved(two)])
    assert_same(tv.load(dest), tv.load(saved(two)))
    assert "sentinel" not in str(caught.value)


def test_what_is_not_there_is_said_without_the_rest_of_the_url(dest):
    with pytest.raises(tv.SourceError, match="nothing was recorded there") as caught:
        tv.load(dest.replace("/history", "/nowhere"))
    assert "endpoint_override" not in str(caught.value)
    with pytest.raises(tv.ArgumentError, match="name a folder, or a URL"):
        tv.record("nope://bucket/history", snapshots=[saved(states(1, looks=1)[0])])


def test_what_a_webhook_was_told_is_kept_in_the_bucket(dest, tmp_path):
    tv.record(dest, snapshots=[snapshot("PENDING").to_json(tmp_path / "before.json")])
    with Server(reply(b"ok")) as server:
        env = {"TRAINVIEW_NOTIFY": f"{server.url}/hook", "XDG_CACHE_HOME": str(tmp_path / "cache")}
        for _ in range(2):
            done = trainview("check", dest, "--max-pending", "2h", env=env | CREDENTIALS)
            assert done.returncode == 10, done.stderr
        assert len(server.requests) == 1
    assert not (tmp_path / "cache").exists()
    tv.compact(dest)
    assert len(tv.load(dest).jobs) == 1
