"""What several helpers make of the same tables, made once where these do not change meanwhile.

Each helper is pure, and makes what it needs of its tables anew. Where many are asked about the same
tables, as for a report, `sharing` lets each take what another has made of them already.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar, cast

T = TypeVar("T")

_MADE: ContextVar[dict[Hashable, tuple[object, object]] | None] = ContextVar("made", default=None)


@contextmanager
def sharing() -> Iterator[None]:
    """Let helpers share what they make of tables, which nobody changes until the end.

    Examples
    --------
    >>> table = [3, 1, 2]
    >>> with sharing():
    ...     once("sorted", [table], lambda: sorted(table)) is once("sorted", [table], list)
    True
    >>> once("sorted", [table], list)
    []
    """
    if _MADE.get() is not None:
        yield
        return
    token = _MADE.set({})
    try:
        yield
    finally:
        _MADE.reset(token)


def once(name: str, tables: Sequence[object], make: Callable[[], T], *options: Hashable) -> T:
    """Make something of tables, or take what was made of the same ones while they are shared.

    Parameters
    ----------
    name : str
        What is made.
    tables : sequence
        What it is made of: the same objects, since nobody changes them.
    make : callable
        Makes it. Whoever gets it does not change it.
    *options : hashable
        What else it depends on.

    Returns
    -------
    object
        What `make` gives.
    """
    made = _MADE.get()
    if made is None:
        return make()
    key = (name, *map(id, tables), *options)
    if key not in made:
        # the tables are kept, so that no other gets the id of one of them
        made[key] = tuple(tables), make()
    return cast("T", made[key][1])
