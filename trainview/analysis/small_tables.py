"""Small tables of pandas as ones of Arrow, whose steps take a fraction of the time."""

from collections.abc import Sequence
from typing import Any, cast

import narwhals.stable.v2 as nw
import pandas as pd
import pyarrow as pa

from trainview.analysis.frames import NUMBERS, TIMES, Frame, read_table, to_pandas
from trainview.analysis.pandas_dtypes import TEXT, arrow_table
from trainview.analysis.sharing import once

# Rows of a pandas table.
MOST_IN_ARROW = 20_000
# Compared with texts, for which Arrow takes nothing else.
TEXTS = frozenset({"error_message", "job_id", "phase", "project_id", "status"})


def in_arrow(frame: Frame, *, most: int | None = None) -> Frame:
    """Turn a small frame of pandas into one of Arrow, which takes a fraction of the time for it.

    Of many rows pandas groups categories more quickly, by their codes.

    Parameters
    ----------
    frame : narwhals frame
        Of any kind.
    most : int, optional
        How many rows are few, if not `MOST_IN_ARROW`.

    Returns
    -------
    narwhals frame
        The same rows and columns; what is missing is null, categories are text. Frames of other
        kinds, with more rows, or with columns that `arrow_table` does not turn, stay as they are,
        and so do those with other things where texts or numbers are compared.
    """
    if not frame.implementation.is_pandas():
        return frame
    table = to_pandas(frame)
    is_small = len(table) <= (MOST_IN_ARROW if most is None else most)
    arrow = arrow_table(table) if is_small and _is_comparable(table) else None
    return frame if arrow is None else cast("Frame", nw.from_native(arrow, eager_only=True))


def read_small(
    table: object, columns: Sequence[str], *, name: str = "jobs", times: Sequence[str] = TIMES
) -> Frame:
    """Open a table as `read_table` does, a small one of pandas in Arrow as by `in_arrow`.

    Of tables that are shared, each column is turned into Arrow once.

    Parameters
    ----------
    table, columns, name, times
        As for `read_table`.

    Returns
    -------
    narwhals frame
        Of Arrow, or as `read_table` gives it.

    Raises
    ------
    ArgumentError
        As by `read_table`.
    """
    if not isinstance(table, pd.DataFrame) or len(table) > MOST_IN_ARROW or not columns:
        return read_table(table, columns, name=name, times=times)
    # what was asked for before is there already
    made: dict[str, Any] = once("columns", [table], dict, *times)
    new = [column for column in columns if column not in made]
    if new:
        frame = in_arrow(read_table(table, new, name=name, times=times))
        if not frame.implementation.is_pyarrow():
            return read_table(table, columns, name=name, times=times)
        arrow = frame.to_native()
        made.update(zip(arrow.column_names, arrow.columns, strict=True))
    found = pa.table({column: made[column] for column in columns})
    return cast("Frame", nw.from_native(found, eager_only=True))


def _is_comparable(table: pd.DataFrame) -> bool:
    for name, dtype in table.dtypes.items():
        if name in TEXTS and dtype != TEXT and not isinstance(dtype, pd.CategoricalDtype):
            return False
        if name in NUMBERS and dtype.kind == "b":
            return False
    return True
