"""The whole life of a job as metrics: asked for in pieces, so that no piece is thinned out."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

import pyarrow as pa

from trainview.tables.dtypes import conform, without_categories
from trainview.tables.metrics import once

Ask: TypeAlias = Callable[[datetime, datetime], pa.Table]

# Samples of a series in one answer, and how much coarser an answer may be than what was asked for.
POINTS = 1000
TOLERANCE = 1.5
# So few samples no server thins out.
FEW = 10


def fetch_series(ask: Ask, start: datetime, end: datetime, step_seconds: int) -> pa.Table:
    """Ask for the metrics of a span, piece by piece.

    Where an answer is coarser than what was asked for, a few samples are asked for. If these are
    finer, the pieces get shorter until they are as fine; else the API has nothing finer there, and
    the step that it gives is taken.

    Parameters
    ----------
    ask : callable
        Gives the metrics between two moments.
    start, end : datetime.datetime
        The span.
    step_seconds : int
        The step that `ask` asks for.

    Returns
    -------
    pyarrow.Table
        The table ``metrics``, sorted by time, each sample once.
    """
    step = timedelta(seconds=step_seconds)
    length = POINTS * step
    parts: list[pa.Table] = []
    # the step than which nothing finer was to be had
    known = step_seconds * TOLERANCE
    while start < end:
        stop = min(start + length, end)
        part = ask(start, stop)
        found = _step(part)
        if found is not None and found > known and stop - start > FEW * step:
            shorter = _finer_length(ask, part, (stop - start) / 2, step)
            if shorter is not None:
                length = shorter
                continue
            known = found
        parts.append(part)
        start = stop
    return _join(parts)


def _finer_length(ask: Ask, part: pa.Table, length: timedelta, step: timedelta) -> timedelta | None:
    """Find how long a piece may be so that its answer is finer than one that was thinned."""
    begin: datetime = part["timestamp"][0].as_py()
    best = _step(ask(begin, begin + FEW * step))
    if best is None or best >= (_step(part) or best):
        return None
    while length > FEW * step:
        found = _step(ask(begin, begin + length))
        if found is not None and found <= best:
            return length
        length /= 2
    return FEW * step


def _step(part: pa.Table) -> float | None:
    return part["step_seconds"][0].as_py() if part.num_rows else None


def _join(parts: list[pa.Table]) -> pa.Table:
    if len(parts) == 1:
        return parts[0]
    schema = parts[0].schema
    table = once(pa.concat_tables(part.cast(without_categories(schema)) for part in parts))
    # a piece with too few samples to tell has the step of the others
    known = Counter(table["step_seconds"].drop_null().to_pylist())
    columns = {name: table[name] for name in table.column_names}
    if known:
        columns["step_seconds"] = table["step_seconds"].fill_null(known.most_common(1)[0][0])
    return conform(columns, schema)
