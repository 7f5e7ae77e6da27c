"""The whole life of a job as metrics: asked for in pieces, so that no piece is thinned out."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import pyarrow as pa

from trainview.conform import conform, without_categories
from trainview.fleet import once

# Samples of a series in one answer, and how much coarser an answer may be than what was asked for.
POINTS = 1000
TOLERANCE = 1.5
# After so many halvings in vain the API has nothing finer.
PATIENCE = 3


class _Piece(NamedTuple):
    """A span to ask for.

    Attributes
    ----------
    start, end : datetime.datetime
        The span.
    step_of_whole : float or None
        The step that came back for the longer span it is half of.
    in_vain : int
        How often in a row halving has not given a finer step.
    """

    start: datetime
    end: datetime
    step_of_whole: float | None = None
    in_vain: int = 0


def fetch_series(
    ask: Callable[[datetime, datetime], pa.Table],
    start: datetime,
    end: datetime,
    step_seconds: int,
) -> pa.Table:
    """Ask for the metrics of a span, piece by piece.

    Where an answer is coarser than what was asked for, the piece is asked for again in halves. If
    that does not help, the API has nothing finer, and the step that it gives is taken.

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
    length = timedelta(seconds=step_seconds * POINTS)
    waiting = _cut(start, end, length)[::-1]
    parts: list[pa.Table] = []
    finest = float(step_seconds) * TOLERANCE
    while waiting:
        piece = waiting.pop()
        part = ask(piece.start, piece.end)
        step = part["step_seconds"][0].as_py() if part.num_rows else None
        finer = step is None or piece.step_of_whole is None or step < piece.step_of_whole
        in_vain = 0 if finer else piece.in_vain + 1
        if step is not None and in_vain == PATIENCE:
            finest = max(finest, step)
        if step is None or step <= finest or piece.end - piece.start <= timedelta(seconds=2 * step):
            parts.append(part)
            continue
        half = (piece.end - piece.start) / 2
        halves = _spans(piece.start, piece.end, half)[::-1]
        waiting += [_Piece(*span, step, in_vain) for span in halves]
    return _join(parts)


def _cut(start: datetime, end: datetime, length: timedelta) -> list[_Piece]:
    return [_Piece(*span) for span in _spans(start, end, length)]


def _spans(start: datetime, end: datetime, length: timedelta) -> list[tuple[datetime, datetime]]:
    number = max(1, -((start - end) // length))
    edges = [start + length * index for index in range(number)]
    return list(zip(edges, [*edges[1:], end], strict=True))


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
