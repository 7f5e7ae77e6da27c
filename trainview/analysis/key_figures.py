"""A fleet in a dozen numbers."""

from typing import Any, NamedTuple

import pandas as pd

from trainview.analysis.basis import basis_of
from trainview.analysis.cost import estimate_cost
from trainview.analysis.failures import failure_rates
from trainview.schema.money import total


class Figure(NamedTuple):
    """A key figure.

    Attributes
    ----------
    key : str
        Its name for programs, with the unit in it.
    figure : str
        Its name for people.
    value : float
        NaN where there is nothing to measure.
    unit : str
        Of the value.
    """

    key: str
    figure: str
    value: float
    unit: str


def key_figures(
    projects: pd.DataFrame,
    jobs: pd.DataFrame,
    attention: pd.DataFrame,
    prices: pd.DataFrame,
    billing: pd.DataFrame,
) -> list[Figure]:
    """Sum up the tables of a snapshot; what jobs cost only where that is known.

    Parameters
    ----------
    projects, jobs, prices, billing : pandas.DataFrame
        Its tables.
    attention : pandas.DataFrame
        Of `needs_attention`.

    Returns
    -------
    list of Figure
        In the order in which they are shown.
    """
    now = jobs[jobs["is_open"]]
    holding = now[now["phase"].isin(["starting", "running"])]
    rates = failure_rates(jobs, by=None).iloc[0]
    bound = basis_of(jobs["gpu_hours"], jobs.get("hours_basis")).submitted
    lost: Any = attention[["wasted_gpu_hours", "wasted_usd"]].sum(min_count=1)
    found = [
        Figure("projects", "projects", len(projects), "projects"),
        Figure("jobs", "jobs", len(jobs), "jobs"),
        Figure("open_jobs", "jobs open", len(now), "jobs"),
        Figure("waiting_jobs", "jobs waiting", (now["phase"] == "waiting").sum(), "jobs"),
        Figure("held_gpus", "GPUs held now", holding["gpus"].sum(), "GPUs"),
        Figure("gpu_hours", "GPU-hours", jobs["gpu_hours"].sum(), "GPU h"),
        Figure("gpu_hours_upper_bound_share", "of them an upper bound", bound, "share"),
        Figure("finished_jobs", "jobs finished", rates["finished"], "jobs"),
        Figure("failed_jobs", "jobs failed", rates["failed"], "jobs"),
        Figure("failure_rate", "failure rate", rates["failure_rate"], "share"),
        Figure("attention_jobs", "jobs that need attention", attention["job_id"].nunique(), "jobs"),
    ]
    if lost["wasted_gpu_hours"] > 0:
        found.append(
            Figure("wasted_gpu_hours", "GPU-hours they waste", lost["wasted_gpu_hours"], "GPU h")
        )
    if lost["wasted_usd"] > 0:
        found.append(Figure("wasted_usd", "USD they waste", lost["wasted_usd"], "USD"))
    if len(prices):
        estimated = estimate_cost(jobs, prices, by=None)["estimated_usd"].iloc[0]
        found.append(Figure("estimated_usd", "USD estimated", estimated, "USD"))
    if len(billing):
        billed = float(total(billing["subtotal_usd"]))
        found.append(Figure("billed_usd", "USD billed", billed, "USD"))
    return found
