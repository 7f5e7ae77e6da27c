"""What was fetched job by job, kept on this machine: one Parquet file a job and table.

The folder is private to the user and holds no key. A file that is damaged, or of another version,
is as good as none.
"""

import json
import os
import re
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from platformdirs import user_cache_path

from trainview.errors import OutputError
from trainview.files.atomic import making_folder, sweep, temporary_mark
from trainview.files.parquet import write_parquet
from trainview.schema import FLEET_TABLES
from trainview.text.safe import safe_text

FORMAT = 1
# What can be done where nothing can be kept.
REMEDY = "free some space, name another folder with cache=..., or do without, by cache=False"
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_HOUR = 3_600
_KEY = b"trainview"
_DIGEST = b"trainview_sha256"
# In the place of the digest while it is computed; it cannot come twice in one file.
_NO_DIGEST = b"0" * 64
_PLAIN = "[a-z0-9_-]{1,64}"
# What Windows takes for a device, with any ending:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = r"con|prn|aux|nul|(com|lpt)[0-9]"


@dataclass(frozen=True)
class Entry:
    """What a file of the cache says about itself.

    Attributes
    ----------
    job_id : str
        Whose rows they are.
    asked : dict
        What was asked for: the span, the step and so on.
    seen_at : str
        The moment that the jobs table described which it was fetched for.
    is_final : bool
        Whether an answer that is asked for later cannot differ.
    """

    job_id: str
    asked: Mapping[str, Any]
    seen_at: str
    is_final: bool

    def serves(self, wanted: "Entry") -> bool:
        """Tell whether this is as good as a new answer."""
        same = self.job_id == wanted.job_id and dict(self.asked) == dict(wanted.asked)
        if self.is_final or not same:
            return same
        # the same run, resumed; but not once the last word can be had
        return self.seen_at == wanted.seen_at and not wanted.is_final


def default_folder() -> Path:
    """Name the folder that is used when no other is given.

    Returns
    -------
    pathlib.Path
        The user's cache folder on this system.

    Raises
    ------
    OutputError
        If nobody says where that is.
    """
    try:
        return user_cache_path("trainview", appauthor=False)
    except RuntimeError as error:
        raise OutputError(f"no folder for a cache: {safe_text(error, 200)}") from None


def entry_path(folder: Path, table: str, job_id: str) -> Path:
    """Name the file of a job.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the cache.
    table : str
        A name of `trainview.schema.FLEET_TABLES`.
    job_id : str
        Whose rows are in it.

    Returns
    -------
    pathlib.Path
        Whether it exists or not.
    """
    name = job_id
    if re.fullmatch(_DEVICE, job_id):
        name = f"_{job_id}.device"
    elif not re.fullmatch(_PLAIN, job_id):
        # what is no part of a path, and what some systems take for the same name
        name = (
            f"{re.sub('[^a-z0-9_-]', '_', job_id)[:64]}.{sha256(job_id.encode()).hexdigest()[:16]}"
        )
    return folder / f"v{FORMAT}" / table / f"{name}.parquet"


def find(path: Path, wanted: Entry) -> bool:
    """Tell whether the cache has what is wanted.

    Parameters
    ----------
    path : pathlib.Path
        The file of the job.
    wanted : Entry
        What an answer of now would be.

    Returns
    -------
    bool
        Whether the file can stand for that answer.
    """
    try:
        content = path.read_bytes()
        about = pq.read_metadata(pa.BufferReader(content)).metadata
        entry = Entry(**json.loads(about[_KEY]))
        whole = _digest(content, about[_DIGEST]) == about[_DIGEST]
        schema = pq.read_schema(pa.BufferReader(content))
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException):
        return False
    known = schema.equals(FLEET_TABLES[path.parent.name])
    if not (whole and known and entry.serves(wanted)):
        return False
    with suppress(OSError):
        os.utime(path)
    return True


def keep(path: Path, table: pa.Table, entry: Entry) -> None:
    """Write the rows of a job, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
        The file of the job.
    table : pyarrow.Table
        The rows.
    entry : Entry
        What they are.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    about = json.dumps(vars(entry) | {"asked": dict(entry.asked)})
    temporary = path.with_name(f".{temporary_mark()}")
    try:
        for folder in (path.parent.parent, path.parent):
            folder.mkdir(exist_ok=True, mode=_PRIVATE_FOLDER)
        # a file that a crash leaves damaged is as good as none, so nothing is flushed to the disk
        with open(temporary, "xb", opener=_private) as file:
            file.write(_sealed(table.replace_schema_metadata({_KEY: about.encode()})))
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or safe_text(error, 200)
        raise OutputError(
            f"cannot keep what was fetched in {safe_text(path.parent)}: {reason}: {REMEDY}"
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def open_folder(folder: Path) -> None:
    """Make the folder of the cache, for this user alone.

    Parameters
    ----------
    folder : pathlib.Path
        Where.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    exists = folder.exists()
    with making_folder(folder):
        if not exists:
            with suppress(PermissionError, NotImplementedError):
                folder.chmod(_PRIVATE_FOLDER)


def prune(root: Path, limit_bytes: float, needed: Collection[Path] = ()) -> int:
    """Delete the files that were not used for the longest time, until the cache is small enough.

    Parameters
    ----------
    root : pathlib.Path
        The folder with the folders of all servers.
    limit_bytes : float
        How large it may be. What was used in the last hour stays in any case: another program may
        be about to read it.
    needed : collection of pathlib.Path, optional
        More files that stay in any case.

    Returns
    -------
    int
        How many files were deleted.
    """
    now = time.time()
    for folder in root.glob("*/v*/*/"):
        sweep(folder, ".")
    found: list[tuple[float, int, Path]] = []
    for path in root.glob("*/v*/*/*.parquet"):
        with suppress(OSError):
            facts = path.stat()
            found.append((facts.st_mtime, facts.st_size, path))
    surplus = sum(size for _, size, _ in found) - limit_bytes
    deleted = 0
    for used, size, path in sorted(found):
        if surplus <= 0 or now - used < _HOUR:
            break
        if path not in needed:
            with suppress(OSError):
                path.unlink()
                surplus -= size
                deleted += 1
    return deleted


def _sealed(table: pa.Table) -> bytes:
    """Make a Parquet file that holds the digest of itself."""
    sink = pa.BufferOutputStream()
    marked = table.replace_schema_metadata({**table.schema.metadata, _DIGEST: _NO_DIGEST})
    write_parquet(marked, sink)
    content: bytes = sink.getvalue().to_pybytes()
    before, _, behind = content.rpartition(_NO_DIGEST)
    return before + _digest(content, _NO_DIGEST) + behind


def _digest(content: bytes, found: bytes) -> bytes:
    before, _, behind = content.rpartition(found)
    digest = sha256(before)
    digest.update(_NO_DIGEST)
    digest.update(behind)
    return digest.hexdigest().encode()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE_FILE)
