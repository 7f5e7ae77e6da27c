"""Disks that are full, folders that may not be written to, files that others hold: one clear line."""

import errno
import os
import signal
from pathlib import Path

import pytest

from tests.api_server import Api, ApiServer
from tests.builders import A10G, job, payload, project
from tests.cli.shell import KEY, trainview
from trainview.reporting import render

resource = pytest.importorskip("resource", reason="limits the sizes of files as POSIX does")

LARGE = payload(
    training_projects=[project()],
    training_jobs=[
        job(f"job{number}", error_message=os.urandom(40).hex()) for number in range(400)
    ],
)
NOTHING = payload(training_projects=[project()])
SMALL = payload(training_projects=[project()], training_jobs=[job()])
JOBS = [job(f"job{number:03}", instance_type=A10G) for number in range(4)]
# What is written, and the name that it is written to.
WRITES = {
    "csv": (["export", "-", "--to", "csv"], "out"),
    "parquet": (["export", "-", "--to", "parquet"], "out"),
    "json": (["export", "-", "--to", "json"], "out.json"),
    "xlsx": (["export", "-", "--to", "xlsx"], "out.xlsx"),
    "report": (["report", "-"], "out.html"),
    "sample": (["sample", "--projects", "3", "--jobs-per-project", "4"], "out"),
    "fetch": (["fetch"], "out.json"),
    "packed": (["fetch"], "out.json.gz"),
    "folder": (["fetch", "--with", "metrics,checkpoints", "--no-cache"], "out"),
}


@pytest.fixture(scope="module")
def server():
    with ApiServer(Api(JOBS, projects=[project()])) as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def _drawn_once():
    """The report of the same snapshot: here, what matters is where it is written."""
    drawn = {}

    def draw(snapshot, **about):
        return drawn.get("page") or drawn.setdefault("page", render(snapshot, **about))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainview.reporting.render", draw)
        yield


@pytest.fixture
def limit():
    """Let no file become larger than so many bytes, which ends in EFBIG as a full disk in ENOSPC."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (before[0] if size is None else size, before[1]))

    yield limit
    limit(None)
    signal.signal(signal.SIGXFSZ, handler)


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def write(what, folder, server, content=LARGE, *, force=True):
    content = NOTHING if what == "report" else content
    words, name = WRITES[what]
    online = what in {"fetch", "packed", "folder"}
    url = ["--base-url", server.url] if online else []
    more = ["--force"] if force else []
    target = [folder / name] if what == "sample" else ["-o", folder / name]
    return trainview(
        *words, *target, *url, *more, stdin=content, key=KEY if online else None,
        env={"XDG_CACHE_HOME": str(folder.parent / "cache")},
    )  # fmt: skip


def said(done):
    lines = done.stderr.decode().splitlines()
    return [line for line in lines if not line.startswith("trainview: warning")]


@pytest.mark.parametrize("what", WRITES)
def test_a_full_disk_keeps_what_was_there_and_says_so_in_one_line(what, tmp_path, server, limit):
    folder = tmp_path / "folder"
    folder.mkdir()
    assert write(what, folder, server, force=False).returncode == 0
    before = contents(folder)
    largest = max(map(len, before.values()))
    for size in {0, 100, largest // 2, largest - 1}:
        limit(size)
        done = write(what, folder, server)
        limit(None)
        assert done.returncode == 6, (size, done.stderr)
        [line] = said(done)
        temporary = "trainview: error: cannot keep what was fetched in "
        assert line.startswith((f"trainview: error: cannot write {folder}", temporary)), line
        assert "--no-cache" not in line
        assert contents(folder) == before
    # and where nothing was
    empty = tmp_path / "empty"
    empty.mkdir()
    limit(100)
    done = write(what, empty, server)
    limit(None)
    assert done.returncode == 6
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("what", WRITES)
def test_a_file_that_cannot_be_put_in_place_leaves_the_old_one(what, tmp_path, server, monkeypatch):
    # as on Windows, where somebody has the file open
    folder = tmp_path / "folder"
    folder.mkdir()
    assert write(what, folder, server, SMALL, force=False).returncode == 0
    before = contents(folder)

    put_in_place = Path.replace
    for code in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EBUSY):

        def refuse(path, target, code=code):
            if folder in path.parents:
                raise OSError(code, os.strerror(code), str(path), None, str(target))
            put_in_place(path, target)

        monkeypatch.setattr(Path, "replace", refuse)
        done = write(what, folder, server, SMALL)
        assert done.returncode == 6, errno.errorcode[code]
        [line] = said(done)
        assert line.startswith(f"trainview: error: cannot write {folder}")
        assert os.strerror(code) in line
        assert ".tmp" not in line
        assert contents(folder) == before, errno.errorcode[code]


def test_a_cache_on_a_full_disk_says_what_to_do(tmp_path, server, limit):
    words = ["fetch", "--with", "metrics", "-o", tmp_path / "out", "--base-url", server.url]
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    for size in (0, 500):
        limit(size)
        done = trainview(*words, key=KEY, env=cache)
        limit(None)
        assert done.returncode == 6
        [line] = said(done)
        assert f"cannot keep what was fetched in {tmp_path / 'cache'}" in line
        assert "free some space" in line
        assert "--no-cache" in line
    assert not list(tmp_path.rglob("*.tmp"))
    assert not (tmp_path / "out").exists()
