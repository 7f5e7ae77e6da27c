"""What fails: which projects, how surely, and of what."""

from typing import Any

from markupsafe import Markup

from trainview import plot
from trainview.plot.wording import number
from trainview.reporting.parts import Message, Part, Topic
from trainview.reporting.pictures import BARS, bars_height, picture
from trainview.reporting.readings import Readings
from trainview.reporting.tables import view
from trainview.reporting.words import day, each, listed, name, share
from trainview.text.cells import NULL, cell
from trainview.text.safe import count, safe_text

_MOST_LINES, _LONGEST_LINE = 60, 1000


def failures(readings: Readings) -> Topic:
    """Make the topic on failures.

    Parameters
    ----------
    readings : Readings
        What the helpers say.

    Returns
    -------
    Topic
        Rates by project, and errors with an example each; without parts if nothing failed.
    """
    title, rate = "What fails, and of what", readings.rate
    if not rate["finished"]:
        return Topic("failures", title, "No job has ended yet.", ())
    ended = count(rate["finished"], "job")
    if not rate["failed"]:
        lead = f"None of the {ended} that ended failed."
        if rate["finished"] == 1:
            lead = "The one job that ended did not fail."
        return Topic("failures", title, lead, ())
    total, lost = readings.by_type["gpu_hours"].sum(), readings.errors["gpu_hours"].sum()
    cost = f" They took {number(lost)} GPU-hours, {share(lost / total)} of all." if lost > 0 else ""
    lead = (
        f"{rate['failed']:,.0f} of {ended} that ended failed: {share(rate['failure_rate'])}, or "
        f"{share(rate['low'])} to {share(rate['high'])} with 95% confidence.{cost}"
    )
    return Topic("failures", title, lead, (_rates(readings), _errors(readings)))


def _rates(readings: Readings) -> Part:
    rates = readings.rates
    failing = rates[rates["failed"] > 0]
    first = failing.iloc[0]
    lead = Markup("{} fails most surely: {} of {} failed.").format(
        name("project_name", first["project_name"]),
        f"{first['failed']:,}",
        count(first["finished"], "finished job"),
    )
    if len(failing) > BARS:
        lead += f" The picture has the first {BARS} of {len(failing):,} projects with failures."
    points = listed(
        f"{cell('project_name', row.project_name, 60)}: {row.failed:,} of {row.finished:,} "
        f"({share(row.failure_rate)}, {share(row.low)} to {share(row.high)})"
        for row in each(failing)
    )
    label = f"Failure rate of each project with its interval, as points. {points}"
    return Part(
        "failures-project",
        "By project",
        lead,
        picture(
            plot.plot_failure_rates,
            failing.head(BARS),
            "failures-project",
            label,
            bars_height(len(failing)),
        ),
        view=view(
            rates,
            "Failure rate by project",
            ["project_name", "finished", "failed", "failure_rate", "low", "high"],
            "trainview failures SOURCE --show rates --format csv",
        ),
    )


def _errors(readings: Readings) -> Part:
    errors = readings.errors
    costly = errors.sort_values("gpu_hours", ascending=False, kind="stable").iloc[0]
    lead = Markup("{} of error.").format(count(len(errors), "kind"))
    if costly["gpu_hours"] > 0:
        lead += Markup(" The one that took most GPU-hours, {}: {}").format(
            number(costly["gpu_hours"]), name("error", what(costly["error"]), 100)
        )
    if len(errors) > BARS:
        lead += f" The {BARS} most frequent are shown, all are in the table."
    top = errors.head(BARS)
    bars = listed(
        f"{count(row.jobs, 'job')}: {cell('error', what(row.error), 100)}" for row in each(errors)
    )
    return Part(
        "failures-error",
        "By error",
        lead,
        picture(
            plot.plot_error_groups,
            top,
            "failures-error",
            f"Failed jobs of each error, as bars. {bars}",
            bars_height(len(top), 0.42),
        )
        if len(errors) > 1
        else None,
        tuple(map(_message, each(top))),
        view(
            errors,
            "Errors of failed jobs",
            ["error", "jobs", "projects", "gpu_hours", "first_seen", "last_seen", "job_id"],
            "trainview failures SOURCE --show errors --format csv",
        ),
    )


def _message(group: Any) -> Message:
    seen = dict.fromkeys([day(group.first_seen), day(group.last_seen)])
    projects = count(group.projects, "project")
    return Message(
        what(group.error),
        count(group.jobs, "job"),
        f"{projects}, {number(group.gpu_hours)} GPU-hours, seen {' to '.join(seen)}",
        _lines(group.example),
        cell("job_id", group.job_id, 60),
    )


def what(error: object) -> str:
    """Write what errors have in common, which may be that they say nothing."""
    text = cell("error", error)
    return "(no message)" if text == NULL else text


def _lines(example: object) -> str:
    """Write a message in its own lines, each of them safe."""
    if cell("example", example) == NULL:
        return ""
    lines = [safe_text(line, _LONGEST_LINE) for line in str(example).splitlines()]
    if len(lines) > _MOST_LINES:
        # the end of a traceback says most
        left_out = len(lines) - _MOST_LINES
        lines = [f"… {left_out:,} lines left out …", *lines[-_MOST_LINES:]]
    return "\n".join(lines)
