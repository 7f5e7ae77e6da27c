"""Where a history is kept: a folder, or a bucket that `pyarrow.fs` knows."""

import errno
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from trainview.errors import ArgumentError, OutputError, PayloadError, SourceError
from trainview.files.atomic import from_home, sweep, write_bytes
from trainview.files.parquet import check_columns, write_parquet
from trainview.text.safe import safe_text

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
# A bucket answers 503 now and then, beyond what its client bears by itself.
_TRIES, _FIRST_WAIT_SECONDS = 4, 0.1
_AT_ONCE_BYTES = 2**26
_FINAL = ("ACCESS_DENIED", "AccessDenied", "NO_SUCH_BUCKET", "NoSuchBucket")
_T = TypeVar("_T")


class Place(NamedTuple):
    """A folder somewhere.

    Attributes
    ----------
    system : pyarrow.fs.FileSystem
        What it lies in.
    path : str
        Where, as `system` writes it.
    shown : str
        The same in messages; without what follows ``?`` in a URL, which may hold a secret.
    """

    system: fs.FileSystem
    path: str
    shown: str

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return isinstance(self.system, fs.LocalFileSystem)


def is_url(dest: object) -> bool:
    """Tell whether a text names a place by its URL, such as ``s3://bucket/folder``."""
    return isinstance(dest, str) and bool(_URL.match(dest))


def find_place(dest: str | os.PathLike[str]) -> Place:
    """Find the place that a user names.

    Parameters
    ----------
    dest : path or str
        A folder, or a URL that `pyarrow.fs` knows (``s3://``, ``gs://``), with the credentials of
        the environment.

    Returns
    -------
    Place
        It need not exist.

    Raises
    ------
    ArgumentError
        If it is no such thing.
    """
    if not isinstance(dest, (str, os.PathLike)) or not os.fspath(dest):
        raise ArgumentError(f"{dest!r}: name a folder, or a URL such as s3://bucket/folder")
    if isinstance(dest, str) and is_url(dest):
        shown = safe_text(re.sub(r"//[^/@]*@", "//", dest.partition("?")[0]))
        try:
            system, path = fs.FileSystem.from_uri(dest)
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = safe_text(str(error).partition("\n")[0].replace(dest, shown), 200)
            hint = "name a folder, or a URL such as s3://bucket/folder"
            raise ArgumentError(f"{shown}: {reason}: {hint}") from None
        return Place(system, path.rstrip("/"), shown)
    path = from_home(Path(os.fspath(dest))).absolute()
    return Place(fs.LocalFileSystem(), path.as_posix(), safe_text(dest))


def list_names(place: Place, folder: str = "") -> list[str]:
    """List the files below a folder of a place.

    Parameters
    ----------
    place : Place
        Where.
    folder : str, optional
        Which folder of it.

    Returns
    -------
    list of str
        Their paths from the place on, sorted; empty where there is no such folder.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    base = f"{place.path}/{folder}".rstrip("/")
    selector = fs.FileSelector(base, recursive=True, allow_not_found=True)
    found = _patiently(place, lambda: place.system.get_file_info(selector))
    names = (info.path[len(place.path) + 1 :] for info in found if info.type == fs.FileType.File)
    return sorted(name for name in names if not name.rpartition("/")[2].startswith("."))


def read_bytes(place: Place, name: str) -> bytes | None:
    """Read a small file; None where there is none."""

    def read() -> bytes | None:
        try:
            with place.system.open_input_stream(f"{place.path}/{name}") as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None

    return _patiently(place, read)


def with_parquet(place: Place, name: str, read: Callable[[pq.ParquetFile], _T]) -> _T:
    """Read something from a Parquet file, whose pages are verified.

    Parameters
    ----------
    place : Place
        Where.
    name : str
        Which file of it.
    read : callable
        What to read; it may be called again.

    Returns
    -------
    object
        What `read` gave.

    Raises
    ------
    FileNotFoundError
        If it is gone: somebody made one file of several; list them again.
    SourceError
        If it cannot be read.
    PayloadError
        If it is damaged.
    """

    def act() -> _T:
        source = place.system.open_input_file(f"{place.path}/{name}")
        if not place.is_local and source.size() <= _AT_ONCE_BYTES:
            # one answer of the bucket instead of one a column
            source = pa.BufferReader(source.read_buffer())
        try:
            with pq.ParquetFile(source, pre_buffer=False, page_checksum_verification=True) as file:
                check_columns(file)
                return read(file)
        except OSError as error:
            # pyarrow says so too of what is in a file; a bucket's answers may have no number
            if error.errno is None and (place.is_local or isinstance(source, pa.BufferReader)):
                raise pa.ArrowInvalid(str(error)) from None
            raise

    try:
        return _patiently(place, act)
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise damaged(place, name, error) from None


def damaged(place: Place, name: str, error: Exception) -> PayloadError:
    """Say that a file cannot be read."""
    reason = safe_text(str(error).strip().partition("\n")[0], 200)
    reason = reason.removeprefix("damaged: ")
    return PayloadError(f"{place.shown}/{safe_text(name)}: damaged: {reason}: move it away")


def write_table(place: Place, name: str, table: pa.Table) -> None:
    """Write a table as one Parquet file, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    sink = pa.BufferOutputStream()
    write_parquet(table, sink)
    write_file(place, name, sink.getvalue())


def write_file(place: Place, name: str, content: bytes | pa.Buffer) -> None:
    """Write a file, whole or not at all, in place of one of that name.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    path = f"{place.path}/{name}"
    if place.is_local:
        parent = Path(path).parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(place, name, error) from None
        write_bytes(path, bytes(content), force=True)
        return

    def write() -> None:
        # an object appears when its upload ends; an upload that dies leaves none
        with place.system.open_output_stream(path) as file:
            file.write(content)

    try:
        _patiently(place, write)
    except (SourceError, FileNotFoundError) as error:
        raise OutputError(f"cannot write {place.shown}/{name}: {safe_text(error, 300)}") from None


@contextmanager
def alone(place: Place, folder: str, *, make: bool) -> Iterator[None]:
    """Do something while no other process of this machine does it, as far as that can be had.

    The lock is on the folder, and goes with the process: nothing is left behind. A bucket has none.

    Parameters
    ----------
    place : Place
        Where.
    folder : str
        Which folder of it.
    make : bool
        Whether to make it, if it does not exist; there is no lock without it.
    """
    with ExitStack() as stack:
        # not on Windows, and not on each network drive
        with suppress(OSError, ImportError):
            import fcntl  # noqa: PLC0415 - as said

            if place.is_local:
                path = Path(place.path) / folder
                if make:
                    path.mkdir(exist_ok=True)
                number = os.open(path, os.O_RDONLY)
                stack.callback(os.close, number)
                fcntl.flock(number, fcntl.LOCK_EX)
        yield


def delete_file(place: Place, name: str) -> None:
    """Delete a file; nothing happens where it is gone, or may not be deleted."""
    with suppress(OSError, SourceError):
        _patiently(place, lambda: place.system.delete_file(f"{place.path}/{name}"))


def sweep_place(place: Place) -> None:
    """Delete what processes that were killed left half-written in a local folder."""
    if place.is_local:
        for folder in Path(place.path).glob("*/month=*"):
            for path in folder.glob(".*.tmp"):
                sweep(folder, path.name.rpartition(".parquet.")[0] + ".parquet.")


def _unwritable(place: Place, name: str, error: OSError) -> OutputError:
    hint = "free some space" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "choose another"
    return OutputError(f"cannot write {place.shown}/{name}: {error.strerror or error}: {hint}")


def _patiently(place: Place, act: Callable[[], _T]) -> _T:
    """Do something again where a bucket failed in passing."""
    for attempt in range(_TRIES):
        try:
            return act()
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as error:
            if isinstance(error, pa.ArrowException) and not isinstance(error, OSError):
                raise
            reason = safe_text(error.strerror or str(error).partition("\n")[0], 300)
            if place.is_local or attempt == _TRIES - 1 or _is_final(str(error)):
                raise SourceError(f"cannot reach {place.shown}: {reason}") from None
        time.sleep(_FIRST_WAIT_SECONDS * 2**attempt)
    raise AssertionError


def _is_final(reason: str) -> bool:
    return any(word in reason for word in _FINAL)
