"""Cut the tables of a snapshot to a window of time."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from trainview.analysis.clipping import clip_tables
from trainview.analysis.windows import read_window
from trainview.errors import ArgumentError
from trainview.schema import TABLES
from trainview.snapshot.state import S, with_tables
from trainview.text.moments import Moment


def cut(
    snapshot: S,
    since: Moment | None,
    until: Moment | None,
    names: Iterable[str] = TABLES,
) -> S:
    """Cut some tables of a snapshot to a window of time.

    Parameters
    ----------
    snapshot, since, until
        As for `Snapshot.clip`.
    names : iterable of str, optional
        The tables, all of them when left out; others stay as they are.

    Returns
    -------
    Snapshot
        As by `Snapshot.clip`.
    """
    # Without any data there is no moment to count from, and nothing to cut.
    if snapshot.as_of is None or (since is None and until is None):
        return snapshot
    start, stop = read_window(since, until, snapshot.as_of.to_pydatetime())
    if start is not None and start >= snapshot.as_of:
        raise ArgumentError(
            f"since={since!r}: give a moment before that of the data, {snapshot.as_of}"
        )
    if stop is not None and stop >= snapshot.as_of:
        stop = None
    if start is None and stop is None:
        return snapshot
    as_of = snapshot.as_of if stop is None else pd.Timestamp(stop).as_unit("us")
    tables = {name: getattr(snapshot, name) for name in names}
    clipped, notes = clip_tables(tables, start, stop)
    changed = {
        name: table
        for name, table in clipped.items()
        if len(tables[name]) and table is not tables[name]
    }
    found = with_tables(snapshot, changed)
    return replace(found, as_of=as_of, notes=(*snapshot.notes, *notes))
