"""What one sees within ten seconds: key figures, and three sentences."""

from typing import NamedTuple

import pandas as pd

from trainview.analysis import failure_rates, gpu_usage, needs_attention
from trainview.cells import cell
from trainview.reporting.parts import hours
from trainview.snapshot import Snapshot


class Figure(NamedTuple):
    """A number, what it counts, what it means, and whether it calls for somebody."""

    value: str
    name: str
    hint: str
    alarming: bool = False


class Verdict(NamedTuple):
    """An answer to one of the three first questions, and where the page says more."""

    question: str
    answer: str
    section: str
    alarming: bool = False


def key_figures(snapshot: Snapshot) -> list[Figure]:
    """List the numbers that stand at the top of the page.

    Parameters
    ----------
    snapshot : Snapshot
        What to report.

    Returns
    -------
    list of Figure
        What needs attention first.
    """
    figures = snapshot.summary().set_index("figure")["value"]
    running = int((snapshot.jobs["is_open"] & (snapshot.jobs["phase"] == "running")).sum())
    waiting = int(figures["jobs waiting"])
    attention = int(figures["jobs that need attention"])
    rate = figures["failure rate"]
    return [
        Figure(f"{attention:,}", "need attention", "jobs, worst first below", attention > 0),
        Figure(f"{running:,}", "running", f"{waiting:,} waiting"),
        Figure(f"{figures['GPUs held now']:,.0f}", "GPUs held", "at this moment"),
        Figure(hours(figures["GPU-hours, upper bound"]), "GPU-hours", "at most"),
        Figure(
            "n/a" if pd.isna(rate) else f"{rate:.0%}",
            "failed",
            f"{figures['jobs failed']:,.0f} of {figures['jobs finished']:,.0f} finished",
        ),
        Figure(f"{figures['jobs']:,.0f}", "jobs", f"in {figures['projects']:,.0f} projects"),
    ]


def verdicts(snapshot: Snapshot) -> list[Verdict]:
    """Answer the three first questions in a sentence each.

    Parameters
    ----------
    snapshot : Snapshot
        What to report.

    Returns
    -------
    list of Verdict
        Is something on fire, what costs most, what fails most surely; fewer where there is no
        answer.
    """
    answers = [_fire(snapshot), _cost(snapshot), _failing(snapshot)]
    return [answer for answer in answers if answer is not None]


def _fire(snapshot: Snapshot) -> Verdict:
    question = "Is something on fire?"
    found = needs_attention(snapshot.jobs, snapshot.projects)
    if snapshot.jobs.empty:
        return Verdict(question, "There are no jobs to judge by.", "attention")
    if found.empty:
        return Verdict(question, "No: nothing is stuck, silent or failing in a row.", "attention")
    first = found.iloc[0]
    project = cell("project_name", first["project_name"], 40)
    return Verdict(question, f"{project}: {first['detail']}.", "attention", alarming=True)


def _cost(snapshot: Snapshot) -> Verdict | None:
    usage = gpu_usage(snapshot.jobs, by="project_name")
    if usage.empty or not usage["gpu_hours"].iloc[0] > 0:
        return None
    first = usage.iloc[0]
    return Verdict(
        "What uses most GPUs?",
        f"{cell('project_name', first['project_name'], 40)}: {first['share']:.0%} of all "
        f"GPU-hours, at most {hours(first['gpu_hours'])}.",
        "projects",
    )


def _failing(snapshot: Snapshot) -> Verdict | None:
    rates = failure_rates(snapshot.jobs)
    rates = rates[rates["failed"] > 0]
    if rates.empty:
        return None
    first = rates.iloc[0]
    return Verdict(
        "What to mend first?",
        f"{cell('project_name', first['project_name'], 40)}: {first['failed']:,} of "
        f"{first['finished']:,} finished jobs failed.",
        "failures",
    )
