"""What one sees within ten seconds: key figures, and an answer to each of the first questions."""

from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from trainview.analysis.basis import Basis
from trainview.plot.wording import money, number
from trainview.reporting.attention import alarms, issues
from trainview.reporting.readings import Busy, Costs, Readings
from trainview.reporting.words import joined, name, usd
from trainview.text.safe import count
from trainview.text.shares import share

_MILLION = 1_000_000
_STEPS = 4


class Figure(NamedTuple):
    """What a number counts, what it means, the number, its unit, and whether it is alarming."""

    name: str
    hint: str
    value: str
    unit: str = ""
    alarming: bool = False


class Answer(NamedTuple):
    """An answer to a question.

    Attributes
    ----------
    question : str
        As one asks it.
    verdict : markupsafe.Markup or str
        The answer in a sentence.
    steps : list of markupsafe.Markup
        What to do, in this order.
    section : str
        Where there is more to read.
    link : str
        What there is to read; empty where the section's title says it.
    alarming : bool
        Whether it calls for somebody.
    """

    question: str
    verdict: Markup | str
    steps: list[Markup]
    section: str
    link: str = ""
    alarming: bool = False


def key_figures(readings: Readings) -> list[Figure]:
    """List the numbers that stand at the top of the page.

    Parameters
    ----------
    readings : Readings
        What the helpers say.

    Returns
    -------
    list of Figure
        What needs attention first.
    """
    figures = readings.figures
    hours, rate = figures["GPU-hours"], figures["failure rate"]
    attention = int(figures["jobs that need attention"])
    jobs = readings.snapshot.jobs
    phases = jobs.loc[jobs["is_open"], "phase"].value_counts()
    open_jobs = [
        f"{phases[phase]:,} {phase}"
        for phase in ("running", "starting", "waiting")
        if phases.get(phase)
    ]
    types = len(readings.held)
    ended = f"{figures['jobs failed']:,.0f} of {figures['jobs finished']:,.0f} that ended"
    return [
        Figure(
            "needs attention" if attention == 1 else "need attention",
            f"of {count(len(jobs), 'job')}",
            f"{attention:,}",
            alarming=alarms(readings.attention).burning(),
        ),
        Figure("open jobs", ", ".join(open_jobs) or "all ended", f"{figures['jobs open']:,.0f}"),
        Figure(
            "GPUs held now",
            f"of {count(types, 'type')}" if types else "none in use",
            f"{figures['GPUs held now']:,.0f}",
        ),
        Figure(*_counted(readings.basis), *_large(hours, number(hours))),
        *_money(readings.costs),
        *_idle(readings.busy),
        Figure(
            "failed",
            ended if figures["jobs finished"] else "no job has ended",
            "n/a" if pd.isna(rate) else share(rate),
        ),
        Figure(
            "job" if len(jobs) == 1 else "jobs",
            f"in {count(figures['projects'], 'project')}",
            f"{len(jobs):,}",
        ),
    ]


def _counted(basis: Basis) -> tuple[str, str]:
    """Name GPU-hours, and say whether they are an upper bound."""
    if basis.submitted == 1:
        return "GPU-hours at most", "counted from submission"
    if basis.submitted > 0:
        return "GPU-hours", f"{share(basis.submitted)} of them an upper bound"
    return "GPU-hours", "counted from release" if basis.submitted == 0 else "none held"


def _large(amount: float, text: str, unit: str = "") -> tuple[str, str]:
    """Write a number, and its unit; in millions if that is shorter."""
    if amount < _MILLION:
        return text, unit
    return f"{amount / _MILLION:,.2f}", f"million {unit}".strip()


def _money(costs: Costs | None) -> list[Figure]:
    if costs is None:
        return []
    estimated, billed = costs.estimate(), costs.billed
    if not costs.priced:
        return [Figure("billed", "no list prices", *_large(billed, money(billed), "USD"))]
    hint = "at list prices" if pd.isna(billed) else f"billed: {usd(billed)}"
    if pd.isna(estimated):
        return [Figure("cost", hint, "n/a")]
    return [Figure("estimated cost", hint, *_large(estimated, money(estimated), "USD"))]


def _idle(busy: Busy | None) -> list[Figure]:
    if busy is None or not busy.idle["covered_gpu_hours"].sum() > 0:
        return []
    idle = busy.idle[["idle_gpu_hours", "covered_gpu_hours", "idle_usd"]].sum()
    part = idle["idle_gpu_hours"] / idle["covered_gpu_hours"]
    cost = f", {usd(idle['idle_usd'])}" if idle["idle_usd"] > 0 else ""
    known = busy.total["measured_share"]
    of_held = "" if pd.isna(known) else f"; {share(known)} of GPU-hours measured"
    hint = f"{number(idle['idle_gpu_hours'])} GPU-hours{cost}{of_held}"
    return [Figure("of GPU time idle", hint, share(part))]


def answers(readings: Readings) -> list[Answer]:
    """Answer the first questions.

    Parameters
    ----------
    readings : Readings
        What the helpers say, about at least one job.

    Returns
    -------
    list of Answer
        Does anything need attention, where the money goes or, where that is not known, what costs
        most, and what to do next.
    """
    return [_fire(readings), _spent(readings) or _cost(readings), _next(readings)]


def _fire(readings: Readings) -> Answer:
    found = alarms(readings.attention)
    verdict = "No. Nothing is stuck, silent or failing in a row."
    if found.burning():
        verdict = Markup("Yes: {}.").format(joined(found._replace(odd=0).words()))
    elif found.odd:
        verdict = Markup("No, but {}.").format(joined(found.words()))
    question, alarming = "Does anything need attention?", found.burning()
    return Answer(question, verdict, [], "attention", alarming=alarming)


def _spent(readings: Readings) -> Answer | None:
    """Answer with money, if it is known of any job."""
    costs, busy = readings.costs, readings.busy
    if costs is None:
        return None
    column, of = "estimated_usd", "all costs, an estimated"
    if not costs.estimate() > 0:
        column, of = "billed_usd", "the bill,"
    if not (costs.estimate() > 0 or costs.billed > 0):
        return None
    projects = costs.by_project.sort_values(column, ascending=False, kind="stable")
    first, total = projects.iloc[0], projects[column].sum()
    verdict = Markup("{}: {} of {} {}.").format(
        name("project_name", first["project_name"], 50),
        share(first[column] / total),
        of,
        usd(first[column]),
    )
    lost = costs.failures["estimated_usd"].sum()
    if lost > 0:
        part = share(lost / costs.estimate())
        verdict += Markup(" Failed jobs took {}, or {}.").format(usd(lost), part)
    idle = busy.idle["idle_usd"].sum() if busy else 0
    if idle > 0:
        verdict += Markup(" Idle GPUs cost {}.").format(usd(idle))
    return Answer("Where does the money go?", verdict, [], "costs")


def _cost(readings: Readings) -> Answer:
    question, total = "What costs most?", readings.by_type["gpu_hours"].sum()
    if not total > 0:
        return Answer(question, "No job is known to have held a GPU.", [], "gpus")
    first = readings.by_project.iloc[0]
    verdict = Markup("{}: {} of all GPU-hours, {}{}.").format(
        name("project_name", first["project_name"], 50),
        share(first["share"]),
        "at most " if readings.basis.submitted == 1 else "",
        number(first["gpu_hours"]),
    )
    lost = readings.errors["gpu_hours"].sum()
    if lost > 0:
        verdict += Markup(" Failed jobs took {}, or {}.").format(number(lost), share(lost / total))
    return Answer(question, verdict, [], "gpus")


def _next(readings: Readings) -> Answer:
    question = "What to do next?"
    steps = [
        Markup("{}: {}").format(name("project_name", issue.project, 50), detail)
        for issue in issues(readings)
        for detail in issue.details[:1]
    ]
    if steps:
        return Answer(question, "", steps[:_STEPS], "attention", "Every job to look at")
    errors = readings.errors.sort_values("gpu_hours", ascending=False, kind="stable")
    errors = errors[errors["error"].notna()]
    if len(errors):
        worst = errors.iloc[0]
        step = Markup("Fix what made {} fail, for {} GPU-hours: {}").format(
            count(worst["jobs"], "job"),
            number(worst["gpu_hours"]),
            name("error", worst["error"], 120),
        )
        return Answer(question, "", [step], "failures")
    return Answer(question, "Nothing that this data asks for.", [], "timeline")
