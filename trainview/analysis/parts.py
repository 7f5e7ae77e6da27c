"""Large lazy tables, to be asked part by part.

DuckDB and Spark sort, group and join on disk what does not fit into memory; Polars holds all of it.
Samples are so many that they would fill DuckDB's disk too.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from trainview.analysis.frames import Frame, collect, is_lazy, to_pandas

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
        Of a lazy table of Polars with more than `MOST_JOBS`, or of Polars or DuckDB with more than
        `MOST_SAMPLES`, the parts of all tables; else the tables alone. Rows keep their order.
    """
    tables = (frame, *others)
    if not (_is_held_in_memory(frame) or (samples and frame.implementation.is_duckdb())):
        return [tables]
    most = MOST_SAMPLES if samples else MOST_JOBS
    rows = int(to_pandas(frame.select(__rows=nw.len()))["__rows"].iloc[0])
    if rows <= most:
        return [tables]
    parts = -(-rows // most)
    return [tuple(_part(table, part, parts) for table in tables) for part in range(parts)]


def _part(table: Frame, part: int, parts: int) -> Frame:
    native: Any = table.to_native()
    if table.implementation.is_duckdb():
        rows = native.filter(f"hash(job_id::VARCHAR) % {parts} = {part}")
    else:
        import polars as pl  # noqa: PLC0415 - it is there, since the table is its

        rows = native.filter(pl.col("job_id").cast(pl.String).hash() % parts == part)
    return cast("Frame", nw.from_native(rows))


def together(answers: Sequence[Frame]) -> Frame:
    """Put the answers to parts together, asking one after the other; one alone stays a query."""
    first, *others = answers
    # engines would ask all of them at once
    return _asked(answers) if others else first


def of_measured(samples: Frame, facts: Frame) -> Frame:
    """Ask once for the facts of the jobs that have samples, of lazy tables of one kind."""
    if samples.implementation.is_polars():
        import polars as pl  # noqa: PLC0415 - it is there, since the tables are its

        native, found = cast("Any", samples.to_native()), cast("Any", facts.to_native())
        measured = native.select(pl.col("job_id").unique()).collect(engine="streaming")
        found = found.filter(pl.col("job_id").is_in(measured.to_series().implode()))
        return _asked([cast("Frame", nw.from_native(found))])
    return _asked([facts.join(samples.select("job_id").unique(), on="job_id", how="semi")])


def _asked(queries: Sequence[Frame]) -> Frame:
    """Ask one query after the other now; what is written of their answers asks no more."""
    first = queries[0]
    if first.implementation.is_duckdb():
        # DuckDB finds the table by the name of this variable
        trainview_asked = pa.concat_tables([collect(each).to_arrow() for each in queries])  # noqa: F841
        native: Any = first.to_native()
        relation = native.query("trainview_like", "SELECT * FROM trainview_asked")
        return cast("Frame", nw.from_native(relation))
    found = [cast("Any", query.to_native()).collect(engine="streaming") for query in queries]
    return cast("Frame", nw.concat([nw.from_native(each.lazy()) for each in found]))


def _is_held_in_memory(frame: Frame) -> bool:
    return is_lazy(frame) and frame.implementation.is_polars()
