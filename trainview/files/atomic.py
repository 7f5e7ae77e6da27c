"""Files that are either written whole or not at all."""

import errno
import os
import platform
import re
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from trainview.errors import OutputError
from trainview.text.safe import safe_text

_DAY = 86_400
_MARK = re.compile(r"([0-9a-f]{6})-(\d{1,10})-[0-9a-f]{8}\.tmp")


@contextmanager
def replacing(targets: Sequence[str | os.PathLike[str]], *, force: bool) -> Iterator[list[Path]]:
    """Give a temporary path beside each target; put them in place when all went well.

    Parameters
    ----------
    targets : sequence of path
        The files to write. Their folders must exist.
    force : bool
        Whether files that exist may be replaced.

    Yields
    ------
    list of pathlib.Path
        New, empty files to write to, one a target. On any exception, Ctrl-C included, they are
        deleted and the targets stay as they were.

    Raises
    ------
    OutputError
        If a target exists and ``force`` is false, is no regular file, or cannot be written.
    """
    places = [_place(from_home(target), force=force) for target in targets]
    mark = temporary_mark()
    temporary = [place.with_name(f".{place.name[:190]}.{mark}") for place in places]
    try:
        for place in places:
            sweep(place.parent, f".{place.name[:190]}.")
        try:
            for path in temporary:
                path.open("xb").close()
            yield temporary
            for path, place in zip(temporary, places, strict=True):
                _flush(path)
                if place.exists():
                    with suppress(PermissionError, NotImplementedError):
                        path.chmod(stat.S_IMODE(place.stat().st_mode))
            for path, place in zip(temporary, places, strict=True):
                path.replace(place)
        finally:
            for path in temporary:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(_explain(error, places)) from None


def temporary_mark() -> str:
    """Give the end of a temporary file's name, which tells whose it is.

    Returns
    -------
    str
        New each time.
    """
    return f"{_machine()}-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def sweep(folder: Path, beginning: str) -> None:
    """Delete the temporary files of processes that were killed.

    Parameters
    ----------
    folder : pathlib.Path
        Where they are.
    beginning : str
        Of their names, up to the `temporary_mark`.
    """
    with suppress(OSError):
        for path in folder.iterdir():
            match = _MARK.fullmatch(path.name.removeprefix(beginning))
            if match and path.name.startswith(beginning) and _is_left(path, match):
                with suppress(OSError):
                    path.unlink()


def _machine() -> str:
    return sha256(platform.node().encode()).hexdigest()[:6]


def _is_left(path: Path, match: "re.Match[str]") -> bool:
    if time.time() - path.stat().st_mtime > _DAY:
        return True
    # another machine's processes cannot be seen, and on Windows the question would kill one
    if match[1] != _machine() or os.name != "posix":
        return False
    try:
        os.kill(int(match[2]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def from_home(path: str | os.PathLike[str]) -> Path:
    """Read a path as a shell does: ``~`` at its beginning is the user's home.

    Parameters
    ----------
    path : path
        Any.

    Returns
    -------
    pathlib.Path
        The path; as it is where nobody says which folder the home is.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def write_bytes(target: str | os.PathLike[str], content: bytes, *, force: bool) -> None:
    """Write one file whole or not at all.

    Parameters
    ----------
    target : path
        The file to write.
    content : bytes
        What to write.
    force : bool
        Whether a file that exists may be replaced.

    Raises
    ------
    OutputError
        If the file cannot be written; what stood there before is untouched.
    """
    with replacing([target], force=force) as [path]:
        path.write_bytes(content)


def check_target(target: str | os.PathLike[str], *, force: bool) -> None:
    """Object early to a file that could not be written later.

    Parameters
    ----------
    target : path
        The file to write.
    force : bool
        Whether a file that exists may be replaced.

    Raises
    ------
    OutputError
        If the target exists and ``force`` is false, or is no file that may be written.
    """
    place = _place(from_home(target), force=force)
    if not place.parent.is_dir():
        raise OutputError(f"cannot write {safe_text(target)}: make its folder first")


@contextmanager
def making_folder(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Make a folder to write into, and take it away again if nothing came to stand in it.

    Parameters
    ----------
    folder : path
        The folder; its parents are made too.

    Yields
    ------
    pathlib.Path
        The folder.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    path = from_home(folder)
    missing = [place for place in (path, *path.parents) if not place.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(_explain(error, [path])) from None
    try:
        yield path
    except BaseException:
        for place in missing:
            with suppress(OSError):
                place.rmdir()
        raise


def _place(target: Path, *, force: bool) -> Path:
    try:
        # a link stays a link: what it points to is replaced
        place = target.resolve()
        mode = place.stat().st_mode
    except FileNotFoundError:
        return place
    except OSError as error:
        raise OutputError(_explain(error, [target])) from None
    if stat.S_ISDIR(mode):
        raise OutputError(f"{safe_text(target)} is a folder: name a file in it")
    if not stat.S_ISREG(mode):
        raise OutputError(f"{safe_text(target)} is not a regular file: name another")
    if not force:
        raise OutputError(f"{safe_text(target)} exists: replace it with force=True")
    if not os.access(place, os.W_OK):
        raise OutputError(f"{safe_text(target)} is read-only: name another file")
    return place


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        try:
            os.fsync(file.fileno())
        except OSError as error:
            # some mounts know no fsync; the name is changed only behind a write that went well
            if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}:
                raise


def _explain(error: OSError, places: Sequence[Path]) -> str:
    where = safe_text(places[0] if places else error.filename)
    reason = error.strerror or safe_text(error)
    hints = {
        errno.ENOSPC: "free some space",
        errno.EDQUOT: "free some space",
        errno.EFBIG: "the file would be larger than is allowed here",
        errno.ENOENT: "make its folder first",
        errno.EACCES: "choose a place you may write to",
        errno.EPERM: "choose a place you may write to",
        errno.EROFS: "choose a place you may write to",
        errno.ENOTDIR: "a part of the path is a file",
        errno.EEXIST: "a file of that name is in the way",
    }
    hint = hints.get(error.errno or 0, "nothing was changed")
    # access denied, or shared or locked: on Windows no file is replaced that somebody has open
    if getattr(error, "winerror", None) in {5, 32, 33}:
        hint = "close what has it open, or choose a place you may write to"
    return f"cannot write {where}: {reason}: {hint}"
