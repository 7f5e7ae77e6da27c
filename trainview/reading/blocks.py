"""A large answer cut into blocks, each a document of its own, so that every core reads some.

Where an element of a list ends cannot be told for certain without reading all that comes before.
So the cuts are guesses, and each block proves its own: it is closed with a mark as one more
element, and only if the mark is read back as the last element of a list was the cut between two
elements of that list. What is read up to a proven cut is exactly what one reader of the whole would
have read; with one cut in doubt, all are dropped.
"""

import json
import re
import secrets
from typing import NamedTuple

LISTS = ("training_projects", "training_jobs")

BLOCK_BYTES = 16 * 2**20
_SEARCHED_BYTES = 2**20
_ELEMENT_BYTES = 2**16
_BETWEEN_OBJECTS = re.compile(rb"\}[ \t\r\n]*(,)[ \t\r\n]*\{")


class Block(NamedTuple):
    """A part of a document, from one cut to the next.

    Attributes
    ----------
    start, stop : int
        Where it lies in the text; commas at cuts belong to no block.
    list_name : str or None
        The list that is believed to be open where it begins; None for the first block.
    mark : str or None
        The id of the element that closes it; None for the last block.
    """

    start: int
    stop: int
    list_name: str | None
    mark: str | None

    def document(self, text: bytes) -> bytes:
        """Make the block a document of its own."""
        opening = b'{"%s":[' % self.list_name.encode() if self.list_name else b""
        closing = b',{"id":"%s"}]}' % self.mark.encode() if self.mark else b""
        return b"".join([opening, memoryview(text)[self.start : self.stop], closing])


def cut(text: bytes, block_bytes: int = BLOCK_BYTES) -> list[Block]:
    """Cut a document where two elements of a list seem to meet.

    Parameters
    ----------
    text : bytes
        A JSON object in UTF-8.
    block_bytes : int, optional
        How long a block shall be, about.

    Returns
    -------
    list of Block
        The blocks, in order; a single one where the text is short, or gives no hint where to cut.

    Examples
    --------
    >>> text = b'{"training_jobs": [{"id": "a"}, {"id": "b"}]}'
    >>> [text[block.start:block.stop] for block in cut(text, block_bytes=20)]
    [b'{"training_jobs": [{"id": "a"}', b' {"id": "b"}]}']
    """
    commas: list[int] = []
    for wanted in range(block_bytes, len(text), block_bytes):
        found = _BETWEEN_OBJECTS.search(text, wanted, wanted + _SEARCHED_BYTES)
        if found and (not commas or found.start(1) > commas[-1]):
            commas.append(found.start(1))
    mark = secrets.token_hex(16)
    blocks: list[Block] = []
    for start, stop in zip([0, *(comma + 1 for comma in commas)], [*commas, None], strict=True):
        name = _list_of(text[start : start + _ELEMENT_BYTES]) if blocks else None
        if blocks and name is None:
            return [Block(0, len(text), None, None)]
        end = len(text) if stop is None else stop
        blocks.append(Block(start, end, name, None if stop is None else mark))
    return blocks


def _list_of(element: bytes) -> str | None:
    """Guess the list that an element at the beginning of a text stands in."""
    try:
        record, _ = json.JSONDecoder().raw_decode(element.decode("utf-8", "replace").lstrip())
    except ValueError:
        return None
    return "training_jobs" if "training_project_id" in record else "training_projects"
