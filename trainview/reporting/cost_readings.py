"""What the helpers say of costs."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from trainview import analysis
from trainview.analysis.basis import Basis, basis_of
from trainview.analysis.pandas_dtypes import TEXT
from trainview.reporting.scope import Budgets
from trainview.snapshot import Snapshot

# The longest span, in days, that is still readable by days, by weeks and by months; and with so few
# bars that they stay shapes: the page's policy allows no images.
_PERIODS = ((45, "D"), (2 * 366, "W"), (15 * 366, "M"))
_LONGEST_PERIOD = "Y"


class Costs(NamedTuple):
    """What jobs cost.

    Attributes
    ----------
    priced : bool
        Whether there are prices; without them only the bill says something.
    total : pandas.Series
        Of `estimate_cost`, over all jobs.
    billed : float
        USD; NaN without a bill.
    by_project : pandas.DataFrame
        Of `reconcile_cost` where there is a bill, else of `estimate_cost`; the most expensive
        project first.
    reasons : pandas.DataFrame or None
        Of `reconcile_cost`, where there are prices and a bill.
    freq : str
        The periods of ``over_time``.
    over_time : pandas.DataFrame
        Of `cost_over_time`.
    failures : pandas.DataFrame
        Of `failure_costs`.
    basis : Basis
        From when the estimate counts.
    pace, paces : pandas.DataFrame
        Of `spend_pace`: all together, and by project.
    smaller : pandas.DataFrame or None
        Of `right_size`, where there are prices and metrics.
    budgets : dict of str to pandas.DataFrame
        For teams, or projects, of `spend_pace`, with those that have a budget.
    """

    priced: bool
    total: "pd.Series[float]"
    billed: float
    by_project: pd.DataFrame
    reasons: pd.DataFrame | None
    freq: str
    over_time: pd.DataFrame
    failures: pd.DataFrame
    basis: Basis
    pace: pd.DataFrame
    paces: pd.DataFrame
    smaller: pd.DataFrame | None
    budgets: Mapping[str, pd.DataFrame]

    def estimate(self) -> float:
        """Give the sum in USD; NaN where it is of nothing but jobs that are free."""
        missing = self.total["unpriced_jobs"] + self.total["untimed_jobs"]
        estimated = self.total["estimated_usd"]
        return estimated if estimated > 0 or not missing else float("nan")


def read_costs(snapshot: Snapshot, budgets: Budgets) -> Costs:
    """Ask what jobs cost.

    Parameters
    ----------
    snapshot : Snapshot
        Refined, with prices or a bill.
    budgets : dict of str to dict
        USD a month by name, of teams and of projects.

    Returns
    -------
    Costs
        Of both, as far as they are there.
    """
    jobs, prices, bill = snapshot.jobs, snapshot.prices, snapshot.billing
    begin = pd.concat([jobs["created_at"], bill["date"]]).min()
    end = pd.concat([jobs["end_at"], bill["date"]]).max()
    freq = period_for(begin, end)
    by_basis = analysis.estimate_cost(jobs, prices, by="hours_basis")
    reasons = None
    if not len(bill):
        by_project = analysis.estimate_cost(jobs, prices)
    else:
        by_project = analysis.reconcile_cost(jobs, prices, bill, by="project_name").sort_values(
            ["estimated_usd", "billed_usd"], ascending=False, na_position="last", kind="stable"
        )
        reasons = analysis.reconcile_cost(jobs, prices, bill, by="reason")
    return Costs(
        priced=len(prices) > 0,
        total=analysis.estimate_cost(jobs, prices, by=None).iloc[0],
        billed=by_project["billed_usd"].sum() if len(bill) else float("nan"),
        by_project=by_project,
        reasons=reasons if len(prices) else None,
        freq=freq,
        over_time=analysis.cost_over_time(jobs, prices, bill if len(bill) else None, freq),
        failures=analysis.failure_costs(jobs, prices),
        basis=basis_of(by_basis["estimated_usd"], by_basis["hours_basis"]),
        pace=_pace(snapshot, None),
        paces=_pace(snapshot, "project_name"),
        smaller=analysis.right_size(jobs, snapshot.metrics, prices)
        if len(prices) and len(snapshot.metrics)
        else None,
        budgets={
            kind: _pace(snapshot, f"{kind}_name", amounts)
            for kind, amounts in budgets.items()
            if amounts
        },
    )


def _pace(
    snapshot: Snapshot, by: str | None, budget: Mapping[str, float] | None = None
) -> pd.DataFrame:
    if len(snapshot.billing):
        return analysis.spend_pace(snapshot.billing, budget=budget, by=by, as_of=snapshot.as_of)
    jobs = snapshot.jobs
    if by == "team_name":
        teams = snapshot.projects.set_index("project_id")["team_name"]
        jobs = jobs.assign(team_name=jobs["project_id"].map(teams.astype(TEXT)))
    return analysis.spend_pace(
        jobs=jobs, prices=snapshot.prices, budget=budget, by=by, as_of=snapshot.as_of
    )


def period_for(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Choose periods that are readable, and so few that they stay shapes."""
    days = (last - first) / pd.Timedelta(days=1)
    return next((freq for most, freq in _PERIODS if not days > most), _LONGEST_PERIOD)
