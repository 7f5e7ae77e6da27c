"""What fails: which projects, how surely, and of what."""

from typing import Any

from markupsafe import Markup

from trainview import plot
from trainview.plot.wording import number
from trainview.reporting.parts import (
    BARS,
    TEXTS,
    Message,
    Part,
    Table,
    Topic,
    bars,
    shell,
)
from trainview.reporting.readings import Readings
from trainview.reporting.words import day, each, error_name, name, row_name
from trainview.text.cells import NULL, cell
from trainview.text.safe import count, safe_text
from trainview.text.shares import share

_MOST_LINES, _LONGEST_LINE = 60, 1000


def failures(readings: Readings) -> Topic:
    """Say which projects fail, and of which errors; without parts if nothing failed."""
    rate = readings.rate
    if not rate["finished"]:
        return Topic("No job has ended yet.")
    ended = count(rate["finished"], "job")
    if not rate["failed"]:
        one = "The one job that ended did not fail."
        return Topic(one if rate["finished"] == 1 else f"None of the {ended} that ended failed.")
    total, lost = readings.by_type["gpu_hours"].sum(), readings.errors["gpu_hours"].sum()
    cost = f" They took {number(lost)} GPU-hours, {share(lost / total)} of all." if lost > 0 else ""
    lead = (
        f"{rate['failed']:,.0f} of {ended} that ended failed: {share(rate['failure_rate'])}, or "
        f"{share(rate['low'])} to {share(rate['high'])} with 95% confidence.{cost}"
    )
    return Topic(lead, [_rates(readings), _errors(readings)])


def _rates(readings: Readings) -> Part:
    rates = readings.rates
    failing = rates[rates["failed"] > 0]
    first = failing.iloc[0]
    lead = Markup("{} fails most surely: {} of {} failed.").format(
        name("project_name", first["project_name"]),
        f"{first['failed']:,}",
        count(first["finished"], "finished job"),
    )
    chart = bars(
        plot.plot_failure_rates,
        failing,
        "Failure rate of each project with its interval, as points.",
        lambda row: (
            f"{row_name('project_name', row)}: {row.failed:,} of {row.finished:,} "
            f"({share(row.failure_rate)}, {share(row.low)} to {share(row.high)})"
        ),
        of="projects with failures",
        least=1,
    )
    columns = ["project_name", "finished", "failed", "failure_rate", "low", "high"]
    table = Table(rates, "Failure rate by project", columns, shell("failures", "--show rates"))
    return Part("failures-project", "By project", lead, chart, table)


def _errors(readings: Readings) -> Part:
    errors = readings.errors
    costly = errors.sort_values("gpu_hours", ascending=False, kind="stable").iloc[0]
    lead = Markup("{} of error.").format(count(len(errors), "kind"))
    if costly["gpu_hours"] > 0:
        lead += Markup(" The one that took most GPU-hours, {}: {}.").format(
            number(costly["gpu_hours"]), name("error", error_name(costly["error"]), 100)
        )
    if len(errors) > BARS:
        lead += f" The {BARS} most frequent are shown, all are in the table."
    chart = bars(
        plot.plot_error_groups,
        errors,
        "Failed jobs of each error, as bars.",
        lambda row: f"{count(row.jobs, 'job')}: {error_name(row.error, 100)}",
        shape=TEXTS,
    )
    kind = ["error", "category", "origin"]
    columns = [*kind, "jobs", "projects", "gpu_hours", "last_seen", "job_id"]
    table = Table(errors, "Errors of failed jobs", columns, shell("failures", "--show errors"))
    messages = [_message(error) for error in each(errors.head(BARS))]
    return Part("failures-error", "By error", lead, chart, table, messages)


def _message(group: Any) -> Message:
    seen = dict.fromkeys([day(group.first_seen), day(group.last_seen)])
    projects = count(group.projects, "project")
    return Message(
        error_name(group.error),
        count(group.jobs, "job"),
        f"{projects}, {number(group.gpu_hours)} GPU-hours, seen {' to '.join(seen)}. "
        f"{_kind(group).rstrip('.')}",
        _lines(group.example),
        cell("job_id", group.job_id, 60),
    )


def _kind(group: Any) -> str:
    """Write the kind of a failure, and what to do."""
    category, advice = cell("category", group.category), cell("advice", group.advice)
    if category == "other":
        return advice
    origin = [] if group.origin == "unknown" else [group.origin]
    facts = ", ".join([*origin, *(["mostly a symptom"] if group.is_symptom else [])])
    return f"{category[0].upper()}{category[1:]}{f' ({facts})' if facts else ''}: {advice}"


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
