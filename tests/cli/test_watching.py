"""Watching: a line a change in a pipe, a page in a terminal, and a terminal that stays as it was."""

import io
import json
import os
import pty
import re
import select
import signal
import termios

import pytest
from rich.console import Console

import trainview as tv
from tests.api_server import Api, ApiServer
from tests.builders import job, payload, project
from tests.cli.shell import KEY, fault, start, trainview
from trainview.cli.looks import Look
from trainview.cli.news import News
from trainview.cli.page import Page
from trainview.cli.sources import FetchOptions, Source
from trainview.snapshot import job_changes

NOW = "2026-03-31 18:00:00"
STARTED = {"created_at": "2026-03-31T12:00:00Z", "updated_at": "2026-03-31T12:30:00Z"}


def one(job_id, status, **changes):
    return job(job_id, current_status=f"TRAINING_JOB_{status}", **STARTED, **changes)


BEFORE = [one("a", "RUNNING"), one("b", "PENDING"), one("c", "COMPLETED"), one("d", "DEPLOYING")]
AFTER = [
    one("a", "FAILED", error_message="CUDA out of memory:\n\x1b[31m" + "x" * 200),
    one("b", "DEPLOYING", name=None),
    one("d", "STOPPED"),
    one("e", "PENDING"),
]
CHANGES = [
    f"{NOW} failed   a-name (a) of proj1-name: running -> failed: CUDA out of memory: \\x1b[31m{'x' * 94}…",
    f"{NOW} ended    d-name (d) of proj1-name: deploying -> stopped",
    f"{NOW} gone     c-name (c) of proj1-name: completed",
    f"{NOW} new      e-name (e) of proj1-name: pending",
    f"{NOW} changed  b of proj1-name: pending -> deploying",
]


def snapshot(jobs):
    return tv.load(
        [payload(training_projects=[project()]), payload(training_jobs=jobs)],
        as_of="2026-03-31T18:00:00Z",
    )


class Changing:
    """An API whose jobs are others from the second look on, and that fails now and then."""

    def __init__(self, before, after, failing=()):
        self.api = Api(before, projects=[project()])
        self.after, self.failing = after, failing

    def trouble(self, path, asked):
        if path.endswith("search"):
            if asked in self.failing:
                return 404
            if asked:
                self.api.jobs = {one["id"]: one for one in self.after}
        return None


def watch(*words, before=BEFORE, after=AFTER, failing=(), **more):
    changing = Changing(before, after, failing)
    with ApiServer(changing.api, trouble=changing.trouble) as server:
        address = ["--base-url", server.url]
        return trainview("watch", "--every", "0.01s", *address, *words, key=KEY, **more)


def lines(stream):
    return stream.decode().splitlines()


def test_in_a_pipe_each_change_is_a_line():
    done = watch("--looks", 3)
    assert done.returncode == 0
    assert lines(done.stdout) == CHANGES
    assert lines(done.stderr) == [f"trainview: {NOW} UTC: 4 jobs, 3 open, 1 waiting, 4 GPUs held"]


def test_for_programs_each_change_is_a_json_object():
    found = [json.loads(line) for line in lines(watch("--looks", 2, "--format", "json").stdout)]
    assert [(one["change"], one["job_id"]) for one in found] == [
        ("failed", "a"), ("ended", "d"), ("gone", "c"), ("new", "e"), ("changed", "b"),
    ]  # fmt: skip
    assert found[4] == {
        "at": "2026-03-31T18:00:00+00:00", "change": "changed", "job_id": "b", "job_name": None,
        "project_name": "proj1-name", "status_before": "pending", "status": "deploying",
        "phase": "starting", "error_message": None,
    }  # fmt: skip


def test_a_look_that_fails_is_told_and_the_next_one_tried():
    done = watch("--looks", 4, failing=(1, 2))
    told = lines(done.stderr)
    assert lines(done.stdout) == CHANGES
    assert re.fullmatch(
        r"trainview: the look at ..:..:.. UTC failed: the API knows no .*--base-url", told[1]
    )
    assert len(told) == 4
    assert told[3] == f"trainview: {NOW} UTC: 4 jobs, 2 open, 1 waiting, 2 GPUs held"


def test_a_first_look_that_fails_in_passing_is_followed_by_the_next():
    assert lines(watch("--looks", 3, failing=(0,)).stdout) == []


@pytest.mark.parametrize("words", [["--status", "running,deploying"], ["--since", "1h"]])
def test_a_job_that_is_filtered_out_has_not_vanished(words):
    # c ended before the window, and d in it
    found = lines(watch("--looks", 2, *words).stdout)
    assert not [line for line in found if "gone" in line]
    assert [line for line in CHANGES[:2] if line in found] == CHANGES[:2]


def test_only_what_is_asked_for_is_told():
    other = one("f", "PENDING", project="proj2")
    found = watch("--looks", 2, "--project", "proj1-name", after=[*AFTER, other])
    assert lines(found.stdout) == CHANGES


def test_a_file_that_is_written_again_is_watched_too(tmp_path):
    tv.record(tmp_path, snapshots=[snapshot(BEFORE).to_json(tmp_path.parent / "before.json")])
    done = trainview("watch", tmp_path, "--looks", 2, "--every", "0.01s")
    assert (done.returncode, done.stdout) == (0, b"")
    assert lines(done.stderr) == [f"trainview: {NOW} UTC: 4 jobs, 3 open, 1 waiting, 4 GPUs held"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], "nowhere"),
        (["-"], "standard input can be read once"),
        (["--every", "0s"], "'0s': give a length of time above zero, such as 30s or 5m"),
        (["--every", "soon"], "'soon': give a length of time"),
        (["--with", "metrics"], "--with metrics: choose one of prices, capacity, billing"),
        (["data", "--with", "prices"], "--with asks the API: leave SOURCE out"),
        (["data", "--as-of", "2026-03-01"], "--as-of: each look has its own moment"),
        ([], "BASETEN_API_KEY"),
    ],
)
def test_what_cannot_be_watched_is_refused_at_once(words, told):
    assert told in fault(2, "watch", *words)


def test_a_key_that_is_refused_ends_it():
    with ApiServer(Api([]), trouble=lambda *_: 401) as server:
        assert "refused the key" in fault(3, "watch", "--base-url", server.url, key=KEY)


def test_what_began_and_ended_between_two_looks_has_ended():
    found = job_changes(snapshot([]), snapshot([one("x", "COMPLETED"), one("y", "EVICTED")]))
    assert found["change"].tolist() == ["ended", "new"]
    assert found["status_before"].isna().all()
    assert job_changes(snapshot(AFTER), snapshot(AFTER)).empty


def drawn(page, width, height):
    console = Console(width=width, height=height, file=io.StringIO())
    console.print(page, height=height)
    return console.file.getvalue().rstrip("\n").split("\n")


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_page_marks_what_changed_and_fits(width):
    page = Page(Source((), None, "all", None, FetchOptions()), 30.0)
    assert drawn(page, width, 10) == ["the API, every 30 s: looking ..."]
    at = tv.load(payload(training_projects=[]), as_of="2026-03-31T18:00:05Z").as_of
    for jobs in (BEFORE, AFTER):
        page.show(Look(at, snapshot(jobs)))
    text = "\n".join(drawn(page, width, 200))
    assert "3 open" not in text
    assert "2 open (-1)" in " ".join(text.split())
    for mark in ("*18:00:00", "failed", "gone", "changed", "completed"):
        assert mark in text
    completed = next(
        line for line in text.splitlines() if re.match(r"\s*completed +succeeded", line)
    )
    assert re.search(r" 0 +-1 ", completed)
    for height in (3, 12, 24):
        shown = drawn(page, width, height)
        assert len(shown) == height
        assert all(len(line) <= width for line in shown)
        assert re.match(r"… \d+ more lines: make the window taller", shown[-1])
    page.show(Look(at, error="no answer", failed=2))
    assert "This look failed (2 in a row): no answer" in "\n".join(drawn(page, width, 30))
    page.show(Look(at, snapshot(AFTER)))
    later = "\n".join(drawn(page, width, 200))
    assert "*18:00:00" not in later
    assert " 18:00:00" in later


def test_news_of_the_first_look_are_none():
    news = News(Source((), None, "all", None, FetchOptions())).after(Look(None, snapshot(BEFORE)))
    assert (news.before, len(news.changes)) == (None, 0)


def read_until(master, wanted, seconds=30.0):
    found = b""
    while wanted not in found:
        ready, _, _ = select.select([master], [], [], seconds)
        assert ready, found
        found += os.read(master, 65536)
    return found


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}])
def test_the_terminal_is_as_it_was_after_ctrl_c(env, tmp_path):
    snapshot(BEFORE).to_json(tmp_path / "jobs.json")
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (30, 80))
    before = termios.tcgetattr(slave)
    process = start(
        "watch", tmp_path / "jobs.json", "--every", "1h", env={"TERM": "xterm-256color", **env},
        stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    shown = read_until(master, b"3 open")
    process.send_signal(signal.SIGINT)
    shown += read_until(master, b"interrupted\r\n")
    assert process.wait(30) == 130
    assert termios.tcgetattr(slave) == before
    for begins, ends in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h")):
        assert shown.index(begins) < shown.rindex(ends)
    assert shown[shown.rindex(b"trainview: ") :] == b"trainview: interrupted\r\n"
    assert shown.rindex(b"\x1b[?1049l") < shown.rindex(b"trainview: interrupted")
    assert bool(re.search(rb"\x1b\[[\d;]*3\dm", shown)) is not bool(env)
    os.close(master)
    os.close(slave)


def test_a_terminal_that_cannot_draw_gets_lines(tmp_path):
    snapshot(BEFORE).to_json(tmp_path / "jobs.json")
    master, slave = pty.openpty()
    process = start(
        "watch", tmp_path / "jobs.json", "--looks", 1, env={"TERM": "dumb"}, stdin=slave,
        stdout=slave, stderr=slave,
    )  # fmt: skip
    shown = read_until(master, b"held")
    assert process.wait(30) == 0
    assert b"\x1b" not in shown
    os.close(master)
    os.close(slave)
