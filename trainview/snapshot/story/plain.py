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
    names = [str(name) for name in table]
    missing = table.isna().to_numpy("bool").tolist()
    rows = table.astype("object").to_numpy().tolist()
    return [
        {
            name: None if is_gone else value
            for name, value, is_gone in zip(names, values, gone, strict=True)
        }
        for values, gone in zip(rows, missing, strict=True)
    ]
