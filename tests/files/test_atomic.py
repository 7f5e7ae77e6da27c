import errno
import os
import stat
import subprocess
import sys

import pytest

import trainview as tv
from tests.builders import job, payload
from tests.files.killed import mark_of_a_killed_process
from trainview.errors import OutputError
from trainview.files.atomic import making_folder, replacing, temporary_mark, write_bytes

SMALL = payload(training_jobs=[job()])
LARGE = payload(training_jobs=[job(f"job{number}", error_message=os.urandom(40).hex()) for number in range(3000)])  # fmt: skip
AS_NOBODY = os.geteuid() != 0


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_several_files_are_written_together(tmp_path):
    with replacing([tmp_path / "a", tmp_path / "b"], force=False) as [first, second]:
        first.write_text("1")
        second.write_text("2")
        assert not (tmp_path / "a").exists()
    assert contents(tmp_path) == {"a": b"1", "b": b"2"}


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path):
    left = tmp_path / f".a.{mark_of_a_killed_process()}"
    old = tmp_path / ".a.ffffff-1-00000000.tmp"
    others = [
        tmp_path / f".a.{temporary_mark()}",  # of a process that runs
        tmp_path / ".a.ffffff-1-11111111.tmp",  # of another machine
        tmp_path / f".b.{mark_of_a_killed_process()}",  # of another target
        tmp_path / ".a.notes.tmp",
    ]
    for path in (left, old, *others):
        path.write_text("half")
    os.utime(old, (1e9, 1e9))
    write_bytes(tmp_path / "a", b"new", force=False)
    assert set(tmp_path.iterdir()) == {tmp_path / "a", *others}


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_mount_that_knows_no_fsync_and_no_chmod_is_written_to(code, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    def forbid(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr(type(tmp_path), "chmod", forbid)
    write_bytes(tmp_path / "a", b"new", force=True)
    assert contents(tmp_path) == {"a": b"new"}


def fail(path, fault):
    path.write_text("half")
    raise fault


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt, SystemExit, OSError])
def test_a_fault_leaves_the_old_files_and_no_temporary_one(fault, tmp_path):
    (tmp_path / "a").write_text("old")
    expected = OutputError if fault is OSError else fault
    with (
        pytest.raises(expected),
        replacing([tmp_path / "a", tmp_path / "b"], force=True) as [path, _],
    ):
        fail(path, fault)
    assert contents(tmp_path) == {"a": b"old"}


def test_what_stands_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, force, message in (
        ("file", False, "exists: replace it with force=True"),
        ("folder", True, "is a folder"),
        ("pipe", True, "is not a regular file"),
        ("missing/x", True, "No such file or directory: make its folder first"),
        ("file/x", True, "a part of the path is a file"),
    ):
        with pytest.raises(OutputError, match=message):
            write_bytes(tmp_path / name, b"new", force=force)
    assert contents(tmp_path) == {"file": b"old"}


def test_a_link_stays_a_link_and_a_mode_stays(tmp_path):
    target = tmp_path / "real.json"
    target.write_text("old")
    target.chmod(0o640)
    (tmp_path / "link.json").symlink_to(target)
    write_bytes(tmp_path / "link.json", b"new", force=True)
    assert (tmp_path / "link.json").is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.skipif(not AS_NOBODY, reason="root may write everywhere")
def test_a_read_only_folder_or_file_is_named(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o400)
    with pytest.raises(OutputError, match="read-only"):
        write_bytes(tmp_path / "file", b"new", force=True)
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="choose a place you may write to"):
        write_bytes(tmp_path / "new", b"new", force=True)
    tmp_path.chmod(0o700)


def test_a_folder_made_in_vain_is_taken_away(tmp_path):
    with pytest.raises(RuntimeError), making_folder(tmp_path / "a" / "b"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["to_csv", "to_parquet", "to_json"])
def test_a_full_disk_keeps_the_old_export_and_leaves_nothing_behind(how, tmp_path):
    name = "out.json" if how == "to_json" else "out"
    getattr(tv.load(SMALL), how)(tmp_path / name)
    before = contents(tmp_path)
    (tmp_path / "large.json").write_bytes(LARGE)
    script = f"""
import signal, sys
import trainview as tv
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import resource
snap = tv.load("large.json")
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
try:
    snap.{how}("{name}", force=True)
except tv.OutputError as error:
    print(error)
    sys.exit(error.exit_code)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 6, done.stderr
    assert "cannot write" in done.stdout
    (tmp_path / "large.json").unlink()
    assert contents(tmp_path) == before


def test_a_file_that_somebody_has_open_on_windows_is_named(tmp_path, monkeypatch):
    target = tmp_path / "a"
    target.write_text("old")

    def refuse(*_):
        error = PermissionError(errno.EACCES, "The process cannot access the file")
        error.winerror = 32
        raise error

    monkeypatch.setattr(type(tmp_path), "replace", refuse)
    with pytest.raises(OutputError, match=r"cannot write .*a: The process .*: close what has it"):
        write_bytes(target, b"new", force=True)
    assert contents(tmp_path) == {"a": b"old"}
