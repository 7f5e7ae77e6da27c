"""An answer to each of the first questions."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from trainview.plot.wording import number
from trainview.reporting.attention import alarms, issues
from trainview.reporting.changes import span
from trainview.reporting.figures import wasted
from trainview.reporting.readings import Readings
from trainview.reporting.words import joined, name, usd
from trainview.text.safe import count
from trainview.text.shares import share

_STEPS, _SENTENCES = 4, 2


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
    points : sequence of str
        More sentences.
    """

    question: str
    verdict: Markup | str
    steps: list[Markup]
    section: str
    link: str = ""
    alarming: bool = False
    points: Sequence[str] = ()


def answers(readings: Readings) -> list[Answer]:
    """Answer the first questions.

    Parameters
    ----------
    readings : Readings
        What the helpers say, about at least one job.

    Returns
    -------
    list of Answer
        Where the money goes or, where that is not known, what costs most; what changed, where
        there is something to compare with; what is being lost; and what to do next.
    """
    spent = _spent(readings) or _cost(readings)
    return [spent, *_changed(readings), _losing(readings), _next(readings)]


def _changed(readings: Readings) -> list[Answer]:
    found = readings.changes
    if found is None:
        return []
    points = [f"{sentence}." for sentence in found.sentences[:_SENTENCES]]
    verdict = f"{span(found)}{':' if points else ': nothing ran.'}"
    return [Answer("What changed?", verdict, [], "changes", "All that changed", points=points)]


def _losing(readings: Readings) -> Answer:
    found = alarms(readings.attention)
    verdict: Markup | str = "No. Nothing is stuck, silent or failing in a row."
    if found.burning():
        verdict = Markup("Yes: {}.").format(joined(found._replace(odd=0).words()))
        verdict += _waste(readings)
    elif found.odd:
        verdict = Markup("No, but {}.").format(joined(found.words()))
    verdict += _lost(readings)
    question, alarming = "Is anything being lost now?", found.burning()
    return Answer(question, verdict, [], "attention", alarming=alarming)


def _waste(readings: Readings) -> str:
    """Say what is wasted so far, and how much of it by idle GPUs of open jobs."""
    rows = readings.attention
    idle: Any = rows.loc[rows["reason"] == "GPUs idle", ["wasted_usd", "wasted_gpu_hours"]].sum()
    said = wasted(readings, " So far that wastes ")
    if idle["wasted_gpu_hours"] > 0:
        amount = usd(idle["wasted_usd"]) if idle["wasted_usd"] > 0 else ""
        said += f", {amount or number(idle['wasted_gpu_hours'])} of it by idle GPUs of open jobs"
    return said and f"{said}."


def _lost(readings: Readings) -> str:
    """Say what failed and preempted jobs lost, of the time that is compared if any is."""
    changes = readings.changes
    lost = readings.health.losses(changes.since if changes else None)
    if not lost["lost_gpu_hours"] > 0:
        return ""
    when = f" of these {changes.length()}" if changes else ""
    money = f", {usd(lost['lost_usd'])}" if lost["lost_usd"] > 0 else ""
    hours = number(lost["lost_gpu_hours"])
    since = "since their last checkpoint"
    return f" Failed and preempted jobs{when} lost {hours} GPU-hours {since}{money}."


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
