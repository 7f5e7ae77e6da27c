"""A rule and what was found, in a line."""

import math
from typing import Any

from trainview.text.safe import safe_text


def line_of(row: Any) -> str:
    """Write a row of what `trainview.check` found; as many decimals as tell value from limit."""
    decimals = 2 if row.unit == "USD" else 1
    value, limit = (_amount(number, row.unit, decimals) for number in (row.value, row.limit))
    while value == limit and row.value != row.limit:
        decimals += 1
        value, limit = (_amount(number, row.unit, decimals) for number in (row.value, row.limit))
    verdict = "unproven: " if row.verdict == "unproven" else ""
    return f"{safe_text(row.rule)}: {verdict}{value}, limit {limit}: {row.detail}"


def _amount(number: float, unit: str, decimals: int) -> str:
    if math.isnan(number):
        return "no value"
    if unit == "share":
        return f"{number:.{decimals}%}"
    return f"{number:,.{decimals}f} {unit}"
