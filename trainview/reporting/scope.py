"""What a report is about: which jobs, which window of time, and what it is compared with."""

from collections.abc import Mapping
from datetime import datetime
from math import inf
from typing import NamedTuple

import pandas as pd

from trainview.analysis.clipping import clip_phases
from trainview.analysis.selecting import Names
from trainview.analysis.windows import read_window
from trainview.errors import ArgumentError
from trainview.snapshot import (
    Comparison,
    Snapshot,
    comparison,
    newest_weeks,
    refined_with_phases,
)
from trainview.text.moments import Moment, is_span
from trainview.text.names import did_you_mean

Budgets = Mapping[str, Mapping[str, float]]
_KINDS = ("team", "project")


class Scope(NamedTuple):
    """What a report is about.

    Attributes
    ----------
    snapshot : Snapshot
        Refined, cut to the window and to what was selected.
    phases : pandas.DataFrame
        Of its jobs.
    compared : Comparison or None
        The window, or else the newest week, beside the time before it; None where there is nothing
        to compare with.
    since : datetime.datetime or None
        Where the window begins; None if it has no start.
    chosen : tuple of str
        The projects, teams, users and statuses that were selected; empty for all.
    budgets : dict of str to dict
        USD a month by name, of teams and of projects.
    """

    snapshot: Snapshot
    phases: pd.DataFrame
    compared: Comparison | None
    since: datetime | None
    chosen: tuple[str, ...]
    budgets: Budgets


def prepare(
    snapshot: Snapshot,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    budgets: Budgets | None = None,
    statuses: Names = None,
    **others: Names,
) -> Scope:
    """Cut a snapshot to what a report is about, and find what to compare it with.

    Parameters
    ----------
    snapshot, since, until, budgets
        As for `trainview.report`.
    statuses : str or iterable of str, optional
        Only jobs that have one of these at the end of the window, as for `Snapshot.select`; there
        is nothing to compare them with.
    **others
        ``projects``, ``teams`` and ``users``, as for `Snapshot.select`.

    Returns
    -------
    Scope
        What is known of the time before the window counts still.

    Raises
    ------
    ArgumentError
        As by `Snapshot.clip` and `Snapshot.select`; or if a budget is of nobody in the data.
    """
    _check_budgets(snapshot, budgets or {})
    bill = snapshot.billing
    chosen = {name: names for name, names in others.items() if names is not None}
    if chosen:
        snapshot = snapshot.select(**chosen)
    whole, phases = refined_with_phases(snapshot)
    cut = whole.clip(since, until)
    of_window = phases
    if statuses is not None:
        cut = cut.select(statuses=statuses)
    if cut is not whole:
        of_window = clip_phases(phases, cut.jobs)
    compared = None
    if statuses is None and since is None:
        compared = newest_weeks(cut, of_window, bill=bill)
    elif statuses is None and since is not None:
        compared = _before(whole, since, until, bill, phases)
    begin = None
    if since is not None and whole.as_of is not None:
        begin = read_window(since, until, whole.as_of.to_pydatetime())[0]
    names = [name for given in [*chosen.values(), statuses] for name in _listed(given)]
    return Scope(cut, of_window, compared, begin, tuple(names), budgets or {})


def _check_budgets(snapshot: Snapshot, budgets: Budgets) -> None:
    """Object to budgets of nobody: a name that is spelled wrong would have cost nothing."""
    for kind, amounts in budgets.items():
        if kind not in _KINDS or not isinstance(amounts, Mapping):
            example = "{'team': {'research': 20000}}"
            raise ArgumentError(f"budgets: {kind!r}: give USD a month by name: {example}")
        column = f"{kind}_name"
        known = {*snapshot.projects[column].dropna()}
        for table in (snapshot.billing, snapshot.capacity):
            known |= {*table[column].dropna()} if column in table else set()
        for name, amount in amounts.items():
            if name not in known:
                hint = did_you_mean(name, sorted(known))
                raise ArgumentError(f"budgets: no {kind} {name!r} in the data{hint}")
            if not 0 <= amount < inf:
                raise ArgumentError(f"budgets: {kind} {name!r}: {amount!r}: give USD, from 0")


def _before(
    whole: Snapshot,
    since: Moment,
    until: Moment | None,
    bill: pd.DataFrame,
    phases: pd.DataFrame,
) -> Comparison | None:
    """Compare a window with the time before it, if any job is of that time."""
    if whole.as_of is None or whole.jobs.empty:
        return None
    start, stop = read_window(since, until, whole.as_of.to_pydatetime())
    if start is None or whole.jobs["created_at"].min() >= start:
        return None
    if until is None and is_span(since):
        return newest_weeks(whole, phases, length=whole.as_of - start, bill=bill)
    return comparison(whole, since=start, until=stop, bill=bill, phases=phases)


def _listed(names: Names) -> tuple[str, ...]:
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)
