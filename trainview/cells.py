"""One value of a table as text for people, by the unit of its column."""

from typing import Any

import pandas as pd

from trainview.text import safe_text

NULL = "-"
SHARES = frozenset({"share", "failure_rate", "low", "high", "share_waiting"})
_HOURS = frozenset({"mean", "p50", "p90", "p99", "max", "mean_gpus"})


def is_number(column: Any) -> bool:
    """Tell whether a column of a DataFrame holds numbers (truth values are none)."""
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def cell(name: str, value: Any, limit: int | None = None) -> str:
    """Write a value of a named column.

    Parameters
    ----------
    name : str
        The column, which tells the unit.
    value : object
        Anything a table holds.
    limit : int, optional
        The longest text, in characters.

    Returns
    -------
    str
        One safe line: hours with a decimal, shares as percentages, money to the cent, times to the
        minute, a dash for what is missing.

    Examples
    --------
    >>> cell("share", 0.125), cell("gpu_hours", 1234.56), cell("jobs", 1200), cell("name", None)
    ('12.5%', '1,234.6', '1,200', '-')
    >>> cell("mean_utilization", 0.125), cell("billed_usd", 1234.5)
    ('12.5%', '1,234.50')
    """
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124
        return NULL
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, (int, float)):
        return _number(name, value)
    return safe_text(value, limit)


def _number(name: str, value: float) -> str:
    if name in SHARES or name.removesuffix("_with_extra").endswith(("_share", "_utilization")):
        return f"{value:.1%}"
    if name.endswith("_usd"):
        return f"{value:,.2f}"
    if isinstance(value, float):
        return f"{value:,.1f}" if name in _HOURS or "_hours" in name else f"{value:,.12g}"
    return f"{value:,}"
