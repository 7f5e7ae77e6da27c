"""A few columns of wide pandas tables, computed in Arrow and put beside the others."""

from collections.abc import Callable, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from trainview.analysis.frames import NUMBERS, Frame, in_memory, in_pandas, plain_text, to_pandas
from trainview.analysis.pandas_dtypes import in_categories, pick_columns, plain_columns
from trainview.analysis.small_tables import in_arrow, read_small


def with_columns_of(table: pd.DataFrame, columns: Sequence[str], made: Frame) -> Frame:
    """Put columns of a pandas table beside what was made of its rows, one by one.

    Parameters
    ----------
    table : pandas.DataFrame
        The caller's table.
    columns : sequence of str
        Which of its columns to add, categories as text; those that `made` has are left out.
    made : narwhals frame
        A row for each of the table, in its order.

    Returns
    -------
    narwhals frame
        The columns, then those of `made`.
    """
    others = [name for name in columns if name not in made.columns]
    if not others:
        return plain_text(made, columns)
    own = read_small(table, others)
    if own.implementation is not made.implementation:
        own, made = (in_pandas(one) for one in (own, made))
    return plain_text(nw.concat([own, made], how="horizontal"), columns)


def change_columns(
    jobs: object, frame: Frame, names: Sequence[str], change: Callable[[Frame], Frame]
) -> Frame:
    """Keep some rows of a table and change a few of its columns; in pandas only these are computed.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        The caller's table.
    frame : narwhals frame
        What `read_table` gives of it, with all columns.
    names : sequence of str
        The columns that are read and changed, where they are there.
    change : callable
        What makes of a frame with these columns, and perhaps others, the changed one; new columns
        come last, others stay.

    Returns
    -------
    narwhals frame
        The rows that are left, with all columns.
    """
    if not frame.implementation.is_pandas():
        return change(frame)
    table = to_pandas(frame)
    touched = [name for name in table.columns if name in names]
    own = pick_columns(table, touched)
    # reading by name would turn what it finds in others of these into the dtypes of snapshots
    is_plain = plain_columns(own, touched, (), NUMBERS) is own
    few: Any = read_small(jobs, touched) if is_plain else in_arrow(in_memory(own))
    changed = to_pandas(change(few.with_row_index("__row")))
    table = table.take(changed.pop("__row").to_numpy()).reset_index(drop=True)
    for name in changed.columns.intersection(table.columns):
        dtype = table[name].dtype
        if isinstance(dtype, pd.CategoricalDtype):
            changed[name] = in_categories(changed[name], dtype)
    return in_memory(table.assign(**changed))
