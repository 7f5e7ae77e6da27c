"""One value of a table as text for people, by the unit of its column."""

import re
from functools import lru_cache
from typing import Any

import pandas as pd

from trainview.text.safe import safe_text

NULL = "-"
SHARES = frozenset(
    {
        "ettr",
        "failure_rate",
        "goodput",
        "low",
        "high",
        "preemption_rate",
        "share",
        "share_waiting",
        "utilization",
    }
)
_HOURS = frozenset({"mean", "p50", "p90", "p99", "max", "mean_gpus", "longest_wait"})
# Of a comparison: both sides, and what is between them.
_SIDES = re.compile(r"_(?:before|after)$")
# Of a mean over so many days.
_DAYS = re.compile(r"_\d+d$")
_DIFFERENCE, _RATIO = "_difference", "_ratio"
# What a helper says of a quota with some more GPUs has the unit of what it says without.
_WITH_EXTRA = "_with_extra"
# What sums of floating-point numbers leave of nothing.
_NOISE = 1e-9


def is_number(column: Any) -> bool:
    """Tell whether a column of a DataFrame holds numbers (truth values are none)."""
    dtype = column.dtype
    return bool(pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype))


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
        One safe line: hours with a decimal, money with two, shares as percentages, times to the
        minute, a dash for what is missing. What is above zero never reads as zero.

    Examples
    --------
    >>> cell("share", 0.125), cell("gpu_hours", 1234.56), cell("jobs", 1200), cell("name", None)
    ('12.5%', '1,234.6', '1,200', '-')
    >>> cell("billed_usd", 1234.5), cell("p90", 0.001), cell("at_limit_share", 0.0002)
    ('1,234.50', '<0.1', '<0.1%')
    >>> cell("billed_usd_after", 1.5), cell("billed_usd_difference", 1.5), cell("share_ratio", 1.5)
    ('1.50', '+1.50', '1.50')
    >>> cell("usd_per_day_28d", 12.345), cell("gpu_hours_difference", -0.001)
    ('12.35', '>-0.1')
    >>> cell("max_memory_bytes", 3 * 2**30), cell("over_limit_gpu_hours_with_extra", 0.0)
    ('3.0 GiB', '0.0')
    """
    if isinstance(value, str):
        return safe_text(value, limit)
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124
        return NULL
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return _difference(name, value) if name.endswith(_DIFFERENCE) else _number(name, value)
    if isinstance(value, pd.Timestamp):
        return value.isoformat(" ", "minutes")[:16]
    return safe_text(value, limit)


def _number(name: str, value: float) -> str:
    unit = _unit(name)
    if unit == "share":
        return f"{_rounded(value * 100, 1)}%"
    if unit == "hours":
        return _rounded(value, 1)
    if unit == "usd":
        return _rounded(value, 2)
    if unit == "bytes":
        return _size(value)
    return f"{value:,.12g}" if isinstance(value, float) else f"{value:,}"


@lru_cache(maxsize=1024)
def _unit(name: str) -> str:
    measure = _DAYS.sub("", _SIDES.sub("", name.removesuffix(_WITH_EXTRA)))
    if measure in SHARES or measure.endswith(("_share", "_utilization")):
        return "share"
    if measure in _HOURS or measure.endswith("_hours"):
        return "hours"
    if measure.endswith(("_usd", "usd_per_hour", "usd_per_day", _RATIO)):
        return "usd"
    return "bytes" if measure.endswith("_bytes") else ""


def _difference(name: str, value: float) -> str:
    """Write it with its sign; that of shares is in percentage points."""
    size = _number(name.removesuffix(_DIFFERENCE), abs(value)).replace("%", " pp")
    sign = "-" if value < 0 else "+"
    if size.startswith("<"):
        # what is a little below zero is above -0.01
        return f"{'>' if value < 0 else '<'}{sign}{size[1:]}"
    return f"{sign}{size}" if size.strip("0. p") else size


def _rounded(value: float, decimals: int) -> str:
    smallest = 10**-decimals
    if _NOISE < value < smallest / 2:
        return f"<{smallest:.{decimals}f}"
    # z takes the sign off a zero; a format that is put together takes three times as long
    return f"{value:z,.1f}" if decimals == 1 else f"{value:z,.2f}"


def _size(value: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:,.0f} B" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"
