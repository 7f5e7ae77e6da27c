"""The total of a column beside each of its rows."""

import narwhals.stable.v2 as nw

from trainview.analysis.frames import Frame
from trainview.analysis.times import with_sql


def with_total(frame: Frame, name: str, column: str) -> Frame:
    """Add the sum of a column over all rows, where known.

    Parameters
    ----------
    frame : narwhals frame
        A table with the column.
    name : str
        What to call the total.
    column : str
        What to sum.

    Returns
    -------
    narwhals frame
        With the total, 0 where nothing is known.
    """
    if frame.implementation.is_duckdb():
        # narwhals names a partition; DuckDB joins such sums to the rows, and asks for these twice
        return with_sql(frame, {name: column}, "coalesce(sum({}) OVER (), 0)")
    return frame.with_columns(**{name: nw.col(column).sum()})
