"""Samples of Polars that lie in order already, series by series: those need no sorting.

Polars sorts in memory, and so many rows do not fit. But the samples of a job are fetched, written
and read one series after the other, from the first to the last.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import narwhals.stable.v2 as nw

from trainview.analysis.frames import Frame, is_lazy, to_pandas


def lies_in_order(frame: Frame, series: Sequence[str]) -> bool:
    """Tell whether the rows of a lazy table of Polars lie series by series, each by time and value.

    Parameters
    ----------
    frame : narwhals frame
        Samples with the columns of `series`, ``__time`` and ``value``; those without a value may
        lie anywhere between those of the same time.
    series : sequence of str
        What makes a series.

    Returns
    -------
    bool
        False for all other kinds of tables: they have no order of rows, or sort well.
    """
    if not (is_lazy(frame) and frame.implementation.is_polars()):
        return False
    import polars as pl  # noqa: PLC0415 - it is there, since the table is its

    native: Any = frame.to_native()
    time, value = pl.col("__time"), pl.col("value")
    is_back, is_tied = time < time.shift(1), time == time.shift(1)
    told = _misplaced(native, series, __back=is_back, __tied=is_tied)
    if told["__twice"] or told["__back"]:
        return False
    # values take as long to read as all else, and tell nothing where no times are the same
    known = native.filter(value.is_not_null())
    is_back = is_tied & (value < value.shift(1))
    return not (told["__tied"] and _misplaced(known, series, __back=is_back)["__back"])


def _misplaced(native: Any, series: Sequence[str], **marks: Any) -> Any:
    """Tell whether a series lies in several places, and whether marks hold of what follows."""
    import polars as pl  # noqa: PLC0415 - as above

    follows, new = _follows(series), pl.col("__new")
    of_next = {name: follows & mark for name, mark in marks.items()}
    rows = native.select(*series, __new=~follows, **of_next)
    # of rows that lie in order only the first of each series is left
    rows = rows.filter(pl.any_horizontal(new, *marks))
    found = rows.group_by(*series).agg(new.sum(), pl.col(*marks).any())
    found = found.select(pl.col(*marks).any(), __twice=(new > 1).any())
    return to_pandas(cast("Frame", nw.from_native(found))).iloc[0]


def shift_in_order(
    frame: Frame, series: Sequence[str], columns: Mapping[str, tuple[str, int]]
) -> Frame:
    """Add what the row before or after has in the same series, of rows that lie in order.

    Parameters
    ----------
    frame : narwhals frame
        What `lies_in_order` said yes to.
    series : sequence of str
        What makes a series.
    columns : mapping of str to (str, int)
        Names of the new columns, and of the columns they are of; 1 for the row before, -1 for the
        one after.

    Returns
    -------
    narwhals frame
        The frame with the new columns; null where there is no such row.
    """
    import polars as pl  # noqa: PLC0415 - it is there, since the table is its

    native: Any = frame.to_native()
    follows = pl.col("__follows")
    new = {
        new: pl.when(follows if places > 0 else follows.shift(-1)).then(pl.col(name).shift(places))
        for new, (name, places) in columns.items()
    }
    # asked for once: to compare text takes longer than all else
    shifted = native.with_columns(__follows=_follows(series)).with_columns(**new)
    return cast("Frame", nw.from_native(shifted.drop("__follows")))


def join_in_order(frame: Frame, facts: Frame) -> Frame:
    """Put the facts of its job beside each row, and leave out those without; the order stays."""
    native: Any = frame.to_native()
    joined = native.join(facts.to_native(), on="job_id", how="inner", maintain_order="left")
    return cast("Frame", nw.from_native(joined))


def carry_in_order(frame: Frame, name: str) -> Frame:
    """Fill nulls of a column by the last value; the first row of each series has one."""
    import polars as pl  # noqa: PLC0415 - as above

    native: Any = frame.to_native()
    return cast("Frame", nw.from_native(native.with_columns(pl.col(name).forward_fill())))


def _follows(series: Sequence[str]) -> Any:
    """Mark the rows that are of the same series as the one before."""
    import polars as pl  # noqa: PLC0415 - as above

    return pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in series)
