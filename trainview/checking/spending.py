"""The rules about the month's cost: where it is heading, and the budgets of teams and projects."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trainview.analysis import spend_pace
from trainview.analysis.cost import FREE
from trainview.checking.findings import ENOUGH, Context, Finding, named
from trainview.checking.registry import BUDGET_KINDS
from trainview.errors import ArgumentError
from trainview.snapshot import Snapshot
from trainview.text.names import did_you_mean
from trainview.text.safe import count, safe_text

# What has a budget, and the column that tells whose cost it is.
BUDGETS = {kind: f"{kind}_name" for kind in BUDGET_KINDS}
_UNKNOWN = "unknown"


def projected_cost(context: Context, _: float) -> Finding | None:
    """Find what the month will have cost at its end."""
    paces = _paces(context.snapshot, None)
    return None if paces is None else _finding(context.snapshot, paces.iloc[0], 0.0, "")


def budget_findings(
    context: Context, kind: str, budgets: Mapping[str, float]
) -> dict[str, Finding] | None:
    """Find what the month will have cost each team, or project, that has a budget.

    Parameters
    ----------
    context : Context
        What the rules look at.
    kind : str
        One of `BUDGETS`.
    budgets : dict of str to float
        USD a month, by name.

    Returns
    -------
    dict of str to Finding
        By name; None where there is neither a bill nor a list of prices.
    """
    snapshot, column = context.snapshot, BUDGETS[kind]
    paces = _paces(snapshot, column)
    if paces is None:
        return None
    nobody = paces[paces[column].isna() | (paces[column] == _UNKNOWN)]
    known = _names(snapshot, column)
    found = {}
    for name, limit in budgets.items():
        own = paces[paces[column] == name]
        if name not in known:
            hint = did_you_mean(name, sorted(known))
            text = f"no {kind} {named(name)} in the data: check how it is spelled{hint}"
            found[name] = Finding(None, text, can_hold=False)
            continue
        others = nobody[nobody[column] != name]
        unplaced = others[["projected_usd", "month_to_date_usd"]].max(axis=1).sum()
        row = paces.iloc[0].copy() if own.empty else own.iloc[0]
        if own.empty:
            money = [label for label in row.index if str(label).endswith("_usd")]
            row[money], row["unknown_jobs"] = 0.0, 0
        found[name] = _finding(snapshot, row, unplaced or 0.0, f"of no known {kind}", limit)
    return found


def _paces(snapshot: Snapshot, by: str | None) -> Any:
    """Ask for the pace, of the bill if there is one."""
    if len(snapshot.billing):
        return spend_pace(snapshot.billing, by=by, as_of=snapshot.as_of)
    if len(snapshot.prices):
        jobs, prices, moment = snapshot.jobs, snapshot.prices, snapshot.as_of
        return spend_pace(jobs=jobs, prices=prices, by=by, as_of=moment)
    return None


def _names(snapshot: Snapshot, column: str) -> set[str]:
    tables = (snapshot.projects, snapshot.jobs, snapshot.billing, snapshot.capacity)
    return {
        str(name) for table in tables if column in table for name in table[column].dropna().unique()
    }


def _finding(
    snapshot: Snapshot, pace: Any, unplaced: float, of_whom: str, limit: float = 0.0
) -> Finding:
    """Judge one row of `spend_pace`, and what may belong to it beside."""
    projected, so_far = pace["projected_usd"], pace["month_to_date_usd"]
    source = "bill" if len(snapshot.billing) else "estimate at list prices"
    gaps = _gaps(snapshot, pace)
    enough = not gaps
    if pace["unknown_jobs"]:
        unknown = int(pace["unknown_jobs"])
        gaps.append(f"{count(unknown, 'job')} of unknown cost not in it")
        enough &= unknown <= (1 - ENOUGH) * _costly(snapshot, pace)
    if pd.isna(projected):
        told = "not known" if pd.isna(so_far) else f"{so_far:,.0f} so far"
        story = f"{source}, {told}; fewer than 7 whole days tell no pace"
        value = None if pd.isna(so_far) else float(so_far)
        return Finding(value, story, tuple(gaps), can_hold=False)
    if unplaced > 0:
        gaps.append(f"{unplaced:,.0f} USD {of_whom} not in it")
        enough &= projected + unplaced <= limit
    low, high = pace["projected_low_usd"], pace["projected_high_usd"]
    story = (
        f"{source} extrapolated from the last 7 days, {pace['usd_per_day_7d']:,.0f} a day, to the "
        f"end of {pace['month']:%B}; range {low:,.0f} to {high:,.0f}"
    )
    if pd.notna(so_far):
        story += f"; {so_far:,.0f} so far"
    return Finding(float(projected), story, tuple(gaps), can_hold=enough)


def _gaps(snapshot: Snapshot, pace: Any) -> list[str]:
    """Say where too little of the month so far is known."""
    now = snapshot.as_of
    if now is None or snapshot.billing.empty or pd.isna(pace["known_from"]):
        return []
    day = pd.Timedelta(days=1)
    past = (now.floor("D") - pace["month"]) / day
    known = (pace["known_until"] - max(pace["known_from"], pace["month"])) / day
    if known >= ENOUGH * past:
        return []
    last = pace["known_until"] - day
    return [f"the bill tells of {pace['known_from']:%Y-%m-%d} to {last:%Y-%m-%d} alone"]


def _costly(snapshot: Snapshot, pace: Any) -> int:
    """Count the jobs of the days that `unknown_jobs` is about."""
    jobs, since = snapshot.jobs, pace["month"]
    if snapshot.as_of is not None:
        since = min(since, snapshot.as_of.floor("D") - pd.Timedelta(days=28))
    mine = ~jobs["status"].isin(FREE) & (jobs["end_at"] > since)
    for column in BUDGETS.values():
        if column in pace:
            name = pace[column]
            mine &= jobs[column].isna() if pd.isna(name) else jobs[column] == name
    return int(mine.sum())


def check_budgets(budgets: object) -> dict[str, dict[str, float]]:
    """Check the budgets that were given.

    Raises
    ------
    ArgumentError
        Naming what is wrong.
    """
    if budgets is None:
        return {}
    if not isinstance(budgets, Mapping) or not set(budgets) <= set(BUDGETS):
        wanted = "{'team': {'research': 20_000}}, with team or project"
        raise ArgumentError(f"budgets={safe_text(repr(budgets), 60)}: give {wanted}")
    for kind, amounts in budgets.items():
        if not isinstance(amounts, Mapping):
            shown = safe_text(repr(amounts), 60)
            raise ArgumentError(f"budgets[{kind!r}]={shown}: give USD a month by name")
    return {
        kind: {str(name): _usd(kind, name, usd) for name, usd in amounts.items()}
        for kind, amounts in budgets.items()
    }


def _usd(kind: str, name: object, usd: object) -> float:
    is_number = isinstance(usd, int | float) and not isinstance(usd, bool)
    if is_number and 0 <= usd < float("inf"):  # type: ignore[operator]
        return float(usd)  # type: ignore[arg-type]
    place = safe_text(f"budgets[{kind!r}][{name!r}]", 80)
    raise ArgumentError(f"{place}={safe_text(repr(usd), 60)}: give USD a month from 0")
