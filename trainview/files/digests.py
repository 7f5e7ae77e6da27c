"""Digests in the files that trainview writes, to tell whether they are what was written.

JSON of ours ends in a member ``trainview_sha256``, the digest of every byte in front of it. A
manifest has the digests of the tables' files besides.
"""

import hashlib
import re
from pathlib import Path

from trainview.text.safe import safe_text

_KEY = b'"trainview_sha256"'
_SEAL = re.compile(rb',\s*"trainview_sha256": "([0-9a-f]{64})"\s*\}\s*\Z')
# Files of this format and later have a digest; older ones are taken as they are.
_SEALED = re.compile(rb'"trainview"\s*:\s*\{[^{}]*"format"\s*:\s*[2-9]')
_HEAD, _TAIL = 2_000, 200


class Seal:
    """The digest of a JSON object while it is written.

    Examples
    --------
    >>> seal = Seal()
    >>> text = b"".join([seal.over(b'{"a": 1'), seal.end()])
    >>> is_as_written(text), is_as_written(text.replace(b"1", b"2", 1))
    (True, False)
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def over(self, piece: bytes) -> bytes:
        """Give a piece back that is about to be written."""
        self._digest.update(piece)
        return piece

    def end(self) -> bytes:
        """Give the last member, and the end of the object."""
        return b',\n%s: "%s"}\n' % (_KEY, self._digest.hexdigest().encode())


def is_as_written(text: bytes) -> bool:
    """Tell whether JSON is as `Seal` left it, as far as it says how it was.

    Parameters
    ----------
    text : bytes
        Any JSON.

    Returns
    -------
    bool
        False if it was changed since; true as well if it carries no digest.
    """
    head, tail = text[:_HEAD], text[-_TAIL:]
    if not _SEALED.search(head) and _KEY not in head and _KEY not in tail:
        return True
    seal = _SEAL.search(text, max(0, len(text) - _TAIL))
    if seal is None:
        return False
    return hashlib.sha256(memoryview(text)[: seal.start()]).hexdigest() == seal[1].decode()


def file_digest(path: Path) -> str:
    """Compute the digest of a file, whatever its size.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    str
        SHA-256, in hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed(name: object) -> str:
    """Say that a file is not what was written.

    Parameters
    ----------
    name : object
        Its path.

    Returns
    -------
    str
        A note.
    """
    return f"{safe_text(name)} changed since it was exported: edited, or damaged"
