"""Processes that are asked to end, at any moment: one line and one code, or the work done."""

import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.api_server import Api, ApiServer
from tests.builders import A10G, job, project
from tests.cli.shell import DATA, KEY, start
from tests.properties import tries_all

JOBS = [job(f"job{number:03}", instance_type=A10G) for number in range(40)]


def listens(process):
    """Tell whether the program runs, and no longer the start of the interpreter."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(re.search("SigCgt:\t(.*)", status)[1], 16)
    return caught & 1 << signal.SIGTERM - 1


def end(process, seconds, number):
    while process.poll() is None and not listens(process):
        time.sleep(0.005)
    time.sleep(seconds)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout.decode(), stderr.decode().splitlines()


def judge(code, lines, wanted, target):
    """Hold the end of a process to what is wanted; tell whether it was stopped."""
    if code == 0:
        assert target.exists()
        assert all(line.startswith("trainview: ") for line in lines), lines
        assert not any("interrupted" in line for line in lines)
        return False
    assert code == wanted, lines
    assert lines
    assert "interrupted" in lines[-1]
    assert all(line.startswith("trainview: ") for line in lines), lines
    return True


def test_nothing_is_imported_before_the_signals_are_caught():
    # os and importlib are loaded anyway, gc is part of the interpreter; -S: what the environment
    # loads as well does not count
    script = (
        "import gc, importlib, os, sys; loaded = set(sys.modules); import trainview.__main__;"
        "print(*sorted(set(sys.modules) - loaded))"
    )
    words = [sys.executable, "-S", "-c", script]
    done = subprocess.run(words, cwd=DATA.parent, capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["trainview", "trainview.__main__"]


@pytest.fixture
def hang_up():
    """Under nohup a hang-up is ignored, by what is started as well."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hang_up")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_fetch_that_is_stopped_at_any_moment_ends_clean(number, code, tmp_path):
    chance = random.Random(number)  # noqa: S311 - not for secrets
    stopped = 0
    with ApiServer(Api(JOBS, projects=[project()])) as server:
        moment = 0.2  # seconds after which nothing is written yet, on any machine
        for attempt in range(5 if tries_all() else 2):
            target = tmp_path / f"fleet{attempt}"
            process = start(
                "fetch", "-o", target, "--with", "metrics,checkpoints", "--no-cache",
                "--base-url", server.url, key=KEY, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            returned, _, lines = end(process, moment, number)
            moment = chance.uniform(0, 2.5)
            if judge(returned, lines, code, target):
                stopped += 1
                assert not list(tmp_path.rglob("*.tmp"))
    assert stopped


@pytest.mark.parametrize("command", ["export", "report"])
def test_what_writes_is_stopped_likewise(command, tmp_path):
    chance = random.Random(command)  # noqa: S311 - not for secrets
    for attempt in range(3 if tries_all() else 1):
        target = tmp_path / f"out{attempt}.json"
        more = ["--to", "json"] if command == "export" else []
        words = (command, DATA, "-o", target, *more)
        process = start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        returned, _, lines = end(process, chance.uniform(0, 2), signal.SIGINT)
        known = [line for line in lines if not line.startswith("trainview: warning")]
        judge(returned, known, 130, target)
        assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("second", ["", "signal.raise_signal(signal.SIGINT);"])
def test_what_can_not_be_taken_back_does_not_hold_the_process_up(second):
    # as where the signal comes just behind the acquisition of a lock
    script = (
        "import signal, threading; from trainview.cli import signals; signals.MOST_SECONDS = 0.2\n"
        "signals.Signals().listen(); lock = threading.Lock()\n"
        "try: lock.acquire(); signal.raise_signal(signal.SIGTERM)\n"
        f"except KeyboardInterrupt: {second} threading.Thread(target=int, args='x').start(); "
        "lock.acquire()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=DATA.parent,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 143
    assert done.stderr == b"trainview: interrupted\n"


def test_a_hang_up_that_the_caller_ignores_stays_ignored(tmp_path):
    words = ["-c", 'trap \'\' HUP; exec "$0" "$@"']
    process = start(
        "export", DATA, "-o", tmp_path / "out", before=["sh", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    returned, _, _ = end(process, 0.1, signal.SIGHUP)
    assert returned == 0
    assert (tmp_path / "out").exists()
