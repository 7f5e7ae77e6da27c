"""Rows of tables as plain objects, in which what is not known is None."""

from typing import Any, TypeAlias

import pandas as pd

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[Row]


def plain_rows(table: pd.DataFrame) -> Rows:
    """Turn a table into dicts of Python's own values and Timestamps.

    Parameters
    ----------
    table : pandas.DataFrame
        A table or a helper's result.

    Returns
    -------
    list of dict
        One a row, None where a value is missing.

    Examples
    --------
    >>> plain_rows(pd.DataFrame({"gpus": [8], "released_at": [pd.NaT]}))
    [{'gpus': 8, 'released_at': None}]
    """
    columns = {str(name): _plain(table[name]) for name in table}
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _plain(column: "pd.Series[Any]") -> list[Any]:
    missing = column.isna().to_numpy("bool")
    values = column.astype("object").tolist()
    return [None if gone else value for gone, value in zip(missing, values, strict=True)]
