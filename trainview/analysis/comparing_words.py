"""What changed, in a few sentences."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import pandas as pd

from trainview.text.cells import cell
from trainview.text.safe import count, safe_text
from trainview.text.shares import more_or_less

_Rows: TypeAlias = dict[Any, dict[Any, Any]]

# How many names a sentence has, and how long one may be.
_NAMES, _LONGEST = 3, 60
# From this ratio on, a factor says more than a percentage.
_TIMES = 10
# Columns that have the units of key figures.
_UNITS = {"share": "share", "GPU h": "gpu_hours", "USD": "estimated_usd"}
_CHANGES = ("appeared", "stopped", "worse", "better")
# What is said of failure causes, and of which side the numbers are.
_CAUSES = {
    "new": ("new failure causes", "after"),
    "more": ("more often", "after"),
    "vanished": ("vanished failure causes", "before"),
}


def headlines(
    figures: pd.DataFrame,
    groups: pd.DataFrame | None = None,
    causes: pd.DataFrame | None = None,
    key: str = "project_name",
) -> list[str]:
    """Say what changed: the whole first, then who did it, then why jobs fail.

    Parameters
    ----------
    figures : pandas.DataFrame
        What `compare` gives without `by`.
    groups : pandas.DataFrame, optional
        What it gives by one column.
    causes : pandas.DataFrame, optional
        What it gives by ``error``.
    key : str, optional
        The column of `groups`.

    Returns
    -------
    list of str
        Safe sentences without an end, the most important first; only of what is known.

    Examples
    --------
    >>> figures = pd.DataFrame(
    ...     {
    ...         "figure": ["GPU-hours", "failure rate"],
    ...         "before": [3210.0, 0.08],
    ...         "after": [4020.0, 0.14],
    ...         "difference": [810.0, 0.06],
    ...         "ratio": [1.252, 1.75],
    ...         "change": ["more", "noise"],
    ...     }
    ... )
    >>> headlines(figures)
    ['GPU-hours 3,210 → 4,020 (+25%); failure rate 8% → 14% (noise)']
    """
    rows: _Rows = {row["figure"]: row for row in figures.to_dict("records")}
    first = [
        _amounts(rows, "GPU-hours", "GPU-hours"),
        _money(rows, "USD billed", "billed") or _money(rows, "USD estimated", "estimated cost"),
        _rate(rows),
    ]
    failed = "GPU-hours of failed jobs"
    wasted = [
        _amounts(rows, "GPU-hours idle", "idle GPU-hours", "USD of idle GPUs"),
        _amounts(rows, failed, failed, "USD of failed jobs"),
        _amounts(rows, "GPU-hours lost", "GPU-hours lost since the last checkpoint"),
    ]
    found = ["; ".join(filter(None, part)) for part in (first, wasted)]
    if groups is not None:
        found += _of_groups(groups, key)
    if causes is not None:
        found += _of_causes(causes)
    return [text[0].upper() + text[1:] for text in found if text]


def written(figures: pd.DataFrame) -> pd.DataFrame:
    """Write figures as text, each in its unit; those that nobody knows are left out.

    Parameters
    ----------
    figures : pandas.DataFrame
        What `compare` gives without `by`.

    Returns
    -------
    pandas.DataFrame
        ``figure``, ``before``, ``after``, ``difference`` and ``change``, all text.

    Examples
    --------
    >>> figures = pd.DataFrame(
    ...     {
    ...         "figure": ["failure rate"],
    ...         "unit": ["share"],
    ...         "before": [0.08],
    ...         "after": [0.14],
    ...         "difference": [0.06],
    ...         "change": ["noise"],
    ...     }
    ... )
    >>> written(figures).iloc[0].to_list()
    ['failure rate', '8.0%', '14.0%', '+6.0 pp', 'noise']
    """
    # what nobody knows, and what there is not, says nothing
    known = figures[figures[["before", "after"]].fillna(0).any(axis="columns")]
    columns: dict[str, Any] = {"figure": known["figure"]}
    for column, kind in (("before", ""), ("after", ""), ("difference", "_difference")):
        pairs = zip(known["unit"], known[column], strict=True)
        columns[column] = [
            cell(f"{_UNITS.get(unit, 'jobs')}{kind}", value) for unit, value in pairs
        ]
    found = pd.DataFrame(columns).astype(dict.fromkeys(("before", "after", "difference"), "str"))
    return found.assign(change=known["change"]).reset_index(drop=True)


def _amounts(rows: _Rows, figure: str, name: str, money: str = "") -> str:
    """Put both values of a figure into words, and the money of another; nothing if 0 or unknown."""
    row = rows.get(figure)
    if row is None or pd.isna(row["difference"]) or not (row["before"] or row["after"]):
        return ""
    usd = rows[money]["difference"] if money in rows else None
    notes = [_percent(row["ratio"]), "" if pd.isna(usd) else f"{usd:+,.0f} USD"]
    return _both(name, row, notes)


def _money(rows: _Rows, figure: str, name: str) -> str:
    row = rows.get(figure)
    if row is None or pd.isna(row["difference"]):
        return ""
    return _both(name, row, [_percent(row["ratio"]), f"{row['difference']:+,.0f}"], " USD")


def _both(name: str, row: Mapping[Any, Any], notes: list[str], unit: str = "") -> str:
    said = ", ".join(filter(None, notes))
    text = f"{name} {row['before']:,.0f} → {row['after']:,.0f}{unit}"
    return f"{text} ({said})" if said else text


def _rate(rows: _Rows) -> str:
    row = rows.get("failure rate")
    if row is None or (pd.isna(row["before"]) and pd.isna(row["after"])):
        return ""
    before, after = (
        "unknown" if pd.isna(row[side]) else f"{row[side]:.0%}" for side in ("before", "after")
    )
    change = "" if pd.isna(row["change"]) else f" ({row['change']})"
    return f"failure rate {before} → {after}{change}"


def _of_groups(groups: pd.DataFrame, key: str) -> list[str]:
    in_money = groups["estimated_usd_difference"].notna().any()
    name, unit = ("estimated_usd", "USD") if in_money else ("gpu_hours", "GPU-hours")
    difference = f"{name}_difference"
    rates = ["failure_rate_before", "failure_rate_after"]
    groups = groups[[key, "change", difference, *rates]]
    # what rounds to nothing is no change to tell
    differ = groups[groups[difference].abs() >= 1].sort_values(difference, ascending=False)
    every = groups.to_dict("records")
    rows = {word: [row for row in every if row["change"] == word] for word in _CHANGES}
    moved = [
        (f"{_name(row[key])} {row[difference]:+,.0f} {unit}", row[difference])
        for row in differ.to_dict("records")
    ]
    failing = {
        word: [
            f"{_name(row[key])} {row['failure_rate_before']:.0%} → {row['failure_rate_after']:.0%}"
            for row in rows[word]
        ]
        for word in ("worse", "better")
    }
    return [
        _lists(
            {
                "most more": [text for text, value in moved if value > 0],
                "most less": [text for text, value in reversed(moved) if value < 0],
            }
        ),
        _lists({"fails more": failing["worse"], "fails less": failing["better"]}),
        _lists({word: [_name(row[key]) for row in rows[word]] for word in ("appeared", "stopped")}),
    ]


def _of_causes(causes: pd.DataFrame) -> list[str]:
    sides = ("before", "after")
    columns = [f"{name}_{side}" for name in ("jobs", "estimated_usd") for side in sides]
    rows = causes[["error", "change", *columns]].to_dict("records")
    return [
        _lists(
            {
                word: [
                    f"{_name(row['error'], 'no message')} ({_cost(row, side)})"
                    for row in rows
                    if row["change"] == change
                ]
            }
        )
        for change, (word, side) in _CAUSES.items()
    ]


def _cost(row: Mapping[Any, Any], side: str) -> str:
    usd, jobs = row[f"estimated_usd_{side}"], count(row[f"jobs_{side}"], "job")
    return jobs if pd.isna(usd) else f"{jobs}, {usd:,.0f} USD"


def _name(value: Any, unknown: str = "none") -> str:
    return unknown if pd.isna(value) else safe_text(value, _LONGEST)


def _lists(lists: Mapping[str, list[str]]) -> str:
    """List the first of each; those without any are left out."""
    found = []
    for word, names in lists.items():
        more = len(names) - _NAMES
        rest = f" and {more:,} more" if more > 0 else ""
        found += [f"{word}: {', '.join(names[:_NAMES])}{rest}"] if names else []
    return "; ".join(found)


def _percent(ratio: float) -> str:
    if pd.isna(ratio):
        return ""
    return f"{ratio:,.0f} times" if ratio >= _TIMES else more_or_less(ratio)
