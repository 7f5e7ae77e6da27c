"""Quantiles by group as a query, of as many values as engines can sort on disk.

What engines have for it holds all values of all groups in memory.
"""

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from trainview.analysis.frames import Frame


def with_places(frame: Frame, name: str, keys: Sequence[str]) -> Frame:
    """Give the values of each group numbers in their order.

    Parameters
    ----------
    frame : narwhals frame
        A table with the column and the keys.
    name : str
        The column of values; nulls count for nothing.
    keys : sequence of str
        The columns to group by.

    Returns
    -------
    narwhals frame
        With ``__place``, the number of each value from 0, and ``__last``, that of the greatest.
    """
    by = list(keys) or ["__all"]
    frame = frame if keys else frame.with_columns(__all=nw.lit(0))
    value = nw.col(name)
    return frame.with_columns(
        __place=value.rank("ordinal").over(*by).cast(nw.Int64) - 1,
        __last=value.count().over(*by).cast(nw.Int64) - 1,
    )


def quantile(name: str, at: float) -> nw.Expr:
    """Write a quantile as an aggregation of what `with_places` gives.

    Parameters
    ----------
    name : str
        The column of values.
    at : float
        Which quantile, 0 to 1.

    Returns
    -------
    narwhals.Expr
        The quantile, interpolated linearly between the two nearest values; null without values.
    """
    where = nw.col("__last").cast(nw.Float64) * at
    place, below, above = nw.col("__place").cast(nw.Float64), where.floor(), where.ceil()
    low, high = (nw.when(place == at).then(nw.col(name)).max() for at in (below, above))
    return low + (high - low) * (where - below).max()
