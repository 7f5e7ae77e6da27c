"""Checks that tell a webhook: once, from one process to the next, and never instead of their exit code."""

import json
from threading import Thread

import pytest

import trainview as tv
from tests.builders import job, payload, project
from tests.cli.shell import fault, trainview
from tests.http_server import Server, reply
from trainview.api.webhook import WebhookUrl
from trainview.checking.notifying import notify
from trainview.history.places import find_place

SECRET = "/services/T00/B00/s3cret"  # noqa: S105 - what must not be shown
BROKEN = "max-pending: 6.0 h, limit 2.0 h: 1 of 1 job for longer; longest a-name of proj1-name, submitted 2026-03-31 12:00 UTC"
DAYS = {"created_at": "2026-03-31T12:00:00Z", "updated_at": "2026-03-31T12:00:00Z"}


def snapshot(status):
    jobs = [job("a", current_status=f"TRAINING_JOB_{status}", **DAYS)]
    lists = [payload(training_projects=[project()]), payload(training_jobs=jobs)]
    return tv.load(lists, as_of="2026-03-31T18:00:00Z")


@pytest.fixture
def check(tmp_path):
    def run(status, server, *words, source=None):
        if source is None:
            source = snapshot(status).to_json(tmp_path / "jobs.json", force=True)
        env = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TRAINVIEW_NOTIFY": server.url + SECRET}
        done = trainview("check", source, "--max-pending", "2h", *words, env=env)
        assert b"s3cret" not in done.stdout + done.stderr
        assert b"Traceback" not in done.stderr
        return done

    return run


def bodies(server):
    return [json.loads(request.body) for request in server.requests]


def test_a_breach_is_told_once_and_when_it_is_over(check, tmp_path):
    with Server(reply(b"ok")) as server:
        codes = [
            check(status, server).returncode
            for status in ("RUNNING", "PENDING", "PENDING", "RUNNING", "RUNNING")
        ]
        sent = bodies(server)
    assert codes == [0, 10, 10, 0, 0]
    assert [one["text"] for one in sent] == [
        f"Broken: {BROKEN}",
        "Resolved: max-pending: no value, limit 2.0 h: no job waits",
    ]
    assert sent[0]["source"].endswith("jobs.json")
    assert [[alert["event"] for alert in one["alerts"]] for one in sent] == [
        ["broken"],
        ["resolved"],
    ]
    assert sent[0]["alerts"][0]["breach"] == sent[1]["alerts"][0]["breach"]
    (kept,) = (tmp_path / "cache").rglob("*.json")
    assert b"s3cret" not in kept.read_bytes()


def test_it_says_what_it_told(check):
    with Server(reply(b"ok")) as server:
        assert b"trainview: told the webhook: 1 broken\n" in check("PENDING", server).stderr
        assert b"told" not in check("PENDING", server).stderr


def test_a_reminder_comes_when_it_is_asked_for(check):
    with Server(reply(b"ok")) as server:
        for remind in ([], ["--remind", "7d"], ["--remind", "0.000001s"]):
            check("PENDING", server, *remind)
        events = [alert["event"] for one in bodies(server) for alert in one["alerts"]]
    assert events == ["broken", "reminder"]


def test_slack_gets_its_own_form(check):
    with Server(reply(b"ok")) as server:
        check("PENDING", server, "--notify-format", "slack")
        (sent,) = bodies(server)
    assert sent["text"].endswith(f"as of 2026-03-31 18:00 UTC\nBroken: {BROKEN}")
    assert set(sent) == {"text", "mrkdwn"}


@pytest.mark.parametrize(("status", "code"), [("PENDING", 10), ("RUNNING", 0)])
def test_a_webhook_that_is_down_changes_no_exit_code_and_is_told_later(check, status, code):
    gone = reply(b"no_service", "404 Not Found")
    with Server(reply(b"ok"), gone, reply(b"ok")) as server:
        if status == "RUNNING":
            check("PENDING", server)
        else:
            check("PENDING", server, "--project", "proj1")
        done = check(status, server)
        assert done.returncode == code
        assert done.stderr.decode().splitlines()[-1] == (
            "trainview: warning: --notify: the webhook answered 404, saying: no_service: check its "
            "address, and that it still exists; the next check tries again"
        )
        assert b"told the webhook" in check(status, server).stderr
        assert len(server.requests) == 3


def test_of_a_history_it_is_kept_there_and_the_history_stays_whole(check, tmp_path):
    dest = tmp_path / "history"
    with Server(reply(b"ok")) as server:
        tv.record(dest, snapshots=[snapshot("PENDING").to_json(tmp_path / "before.json")])
        for _ in range(2):
            assert check("", server, source=dest).returncode == 10
        assert [one["source"] for one in bodies(server)] == [str(dest)]
    assert len(list((dest / "_notified").iterdir())) == 1
    assert not (tmp_path / "cache").exists()
    tv.compact(dest)
    assert len(tv.load(dest).jobs) == 1


def test_two_checks_at_once_tell_it_once(tmp_path):
    found = tv.check(snapshot("PENDING"), max_pending_hours=2)
    others = []

    def tell():
        how = {"checked": ["it"], "source": "it", "as_of": None, "history": find_place(tmp_path)}
        return notify(found, WebhookUrl(server.url + SECRET), **how)

    def slowly(wire):
        # another check, while the webhook has not said yet that it took it
        others.append(Thread(target=tell))
        others[-1].start()
        others[-1].join(0.2)
        wire.send(reply(b"ok"))

    with Server(slowly, reply(b"ok")) as server:
        assert [notice.event for notice in tell()] == ["broken"]
        others[0].join()
        assert len(server.requests) == 1


def test_checks_of_other_jobs_or_windows_are_told_apart_and_a_day_is_no_window(check):
    with Server(reply(b"ok")) as server:
        for words in (
            [],
            ["--project", "proj1"],
            ["--since", "7d"],
            ["--since", "2026-03-30"],
            ["--since", "2026-03-31"],
            [],
        ):
            check("PENDING", server, *words)
        assert len(server.requests) == 3


def test_what_was_told_and_is_damaged_is_told_once_more(check, tmp_path):
    with Server(reply(b"ok")) as server:
        check("PENDING", server)
        (kept,) = (tmp_path / "cache").rglob("*.json")
        kept.write_bytes(b"{")
        assert b"is damaged: what is broken is told once more" in check("PENDING", server).stderr
        check("PENDING", server)
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--notify", "http://hooks.example/s3cret"], "the webhook's address is http, which others can read: use https"),
        (["--notify", "s3cret"], "the address of the webhook is not usable"),
        (["--remind", "7d"], "--notify-format and --remind go with --notify"),
        (["--notify-format", "slack"], "--notify-format and --remind go with --notify"),
        (["--notify", "https://x/y", "--remind", "0d"], "'0d': give a length of time above zero, such as 7d"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused_before_anything_is_read(words, told):
    line = fault(2, "check", "nowhere", "--max-pending", "2h", *words)
    assert told in line
    assert "s3cret" not in line


def test_a_finding_is_a_line_in_a_pipe_and_fits_a_terminal():
    failed = payload(training_jobs=[job(current_status="TRAINING_JOB_FAILED")])
    words = ("check", "-", "--max-failure-rate", "0.1")
    (line,) = trainview(*words, stdin=failed).stdout.decode().splitlines()
    narrow = trainview(*words, stdin=failed, env={"COLUMNS": "40"}).stdout.decode().splitlines()
    assert max(map(len, narrow)) <= 40 < len(line)
    assert " ".join(map(str.strip, narrow)) == line
