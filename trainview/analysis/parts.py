"""Large lazy tables of Polars, to be asked part by part.

DuckDB and Spark sort, group and join on disk what does not fit into memory; Polars holds all of it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np

from trainview.analysis.frames import Frame, is_lazy, to_pandas

# So many rows that are sorted take a gigabyte, so many jobs beside a bill, or so many samples.
MOST_ROWS = 2_500_000
MOST_JOBS = 5_000_000
MOST_SAMPLES = 10_000_000
# How finely rows are counted before they are parted.
_UNITS = 1024


def by_time(frame: Frame, start: str = "__from", end: str = "__to") -> list[Frame]:
    """Part what is held over time into spans of time that follow each other.

    Parameters
    ----------
    frame : narwhals frame
        Rows that hold something from `start` to `end`.
    start, end : str
        Columns of microseconds since 1970 UTC.

    Returns
    -------
    list of narwhals frame
        Of a lazy table of Polars with more than `MOST_ROWS`, for each span the rows that hold
        something in it, cut to it; else the table alone. What is held at any moment is the same.
    """
    if not _is_held_in_memory(frame):
        return [frame]
    times = nw.col(start), nw.col(end)
    first, last = nw.min_horizontal(*times).min(), nw.max_horizontal(*times).max()
    told = to_pandas(frame.select(__rows=nw.len(), __first=first, __last=last)).iloc[0]
    if not told["__rows"] > MOST_ROWS:
        return [frame]
    begin, stop = int(told["__first"]), int(told["__last"])
    unit = (stop - begin) // _UNITS + 1
    number = np.zeros(_UNITS, "int64")
    for time in times:
        units = frame.select(__unit=(time - begin) // unit)
        counts = to_pandas(units.group_by("__unit").agg(__rows=nw.len())).dropna()
        number[counts["__unit"].to_numpy("int64")] += counts["__rows"].to_numpy("int64")
    part = (np.cumsum(number) - number) // (2 * MOST_ROWS)
    edges = [begin, *(begin + unit * (np.flatnonzero(np.diff(part)) + 1)).tolist(), stop]
    return [
        frame.with_columns(**{name: nw.col(name).clip(low, high) for name in (start, end)}).filter(
            nw.col(start) != nw.col(end)
        )
        for low, high in pairwise(edges)
    ]


def by_job(frame: Frame, *others: Frame, samples: bool = False) -> list[tuple[Frame, ...]]:
    """Part tables by what their jobs are called, so that what is of one job stays together.

    Parameters
    ----------
    frame : narwhals frame
        A table with ``job_id``.
    *others : narwhals frame
        Further ones of the same kind.
    samples : bool
        Whether the rows of `frame` are samples, of which one part may have more.

    Returns
    -------
    list of tuple of narwhals frame
        Of a lazy table of Polars with more than `MOST_JOBS`, or `MOST_SAMPLES`, the parts of all
        tables; else the tables alone. Rows keep their order.
    """
    tables = (frame, *others)
    if not _is_held_in_memory(frame):
        return [tables]
    most = MOST_SAMPLES if samples else MOST_JOBS
    rows = int(to_pandas(frame.select(__rows=nw.len()))["__rows"].iloc[0])
    if rows <= most:
        return [tables]
    import polars as pl  # noqa: PLC0415 - it is there, since the table is its

    parts = -(-rows // most)
    place = pl.col("job_id").cast(pl.String).hash() % parts
    return [
        tuple(
            cast("Frame", nw.from_native(cast("Any", table.to_native()).filter(place == part)))
            for table in tables
        )
        for part in range(parts)
    ]


def together(answers: Sequence[Frame]) -> Frame:
    """Put the answers to parts together, asking one after the other; one alone stays a query."""
    if len(answers) == 1:
        return answers[0]
    # polars would ask all of them at once
    found = [cast("Any", answer.to_native()).collect(engine="streaming") for answer in answers]
    return cast("Frame", nw.concat([nw.from_native(each.lazy()) for each in found]))


def _is_held_in_memory(frame: Frame) -> bool:
    return is_lazy(frame) and frame.implementation.is_polars()
