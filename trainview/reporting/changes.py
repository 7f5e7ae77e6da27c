"""What changed in a window of time, beside the one before it."""

from typing import Any

import pandas as pd
from markupsafe import Markup

from trainview import plot
from trainview.plot.wording import number, signed_money
from trainview.reporting.outcomes import Changes
from trainview.reporting.parts import TEXTS, WITH_LEGEND, Part, Table, Topic, bars
from trainview.reporting.readings import Readings
from trainview.reporting.words import error_name, names, row_name
from trainview.text.safe import safe_text

_SIDES = ("before", "after", "difference")


def changes(readings: Readings) -> Topic | None:
    """Say what changed; None where there is nothing to compare with."""
    found = readings.changes
    if found is None:
        return None
    lead = f"{span(found)}."
    notes = [f"Note: {safe_text(note)}." for note in found.notes]
    points = [*(f"{sentence}." for sentence in found.sentences), *notes]
    parts = [_figures(found), _projects(found), *_causes(found)]
    return Topic(lead, parts, points=points or ["Nothing ran in either of them."])


def span(found: Changes) -> str:
    """Name both windows."""
    before = f"the {found.length()} before"
    if not found.has_equal():
        before = f"the time from {_moment(found.earlier[0])} to {_moment(found.earlier[1])}"
    times = f"{_moment(found.since)} to {_moment(found.until)} (UTC)"
    return f"The {found.length()} from {times}, beside {before}"


def _moment(moment: pd.Timestamp) -> str:
    clock = "" if moment == moment.floor("D") else f", {moment:%H:%M}"
    return f"{moment.day} {moment:%B}{clock}"


def _command(found: Changes, by: str = "") -> str:
    window = f'since="{_iso(found.since)}", until="{_iso(found.until)}"'
    if not found.has_equal():
        window += f', against="{_iso(found.earlier[0])}"'
    groups = f', by="{by}"' if by else ""
    return f"tv.compare(snap, {window}{groups})"


def _iso(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%d}" if moment == moment.floor("D") else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _figures(found: Changes) -> Part:
    columns = ["figure", *_SIDES, "change"]
    table = Table(found.figures, "Key figures of both times", columns, _command(found))
    return Part("changes-figures", "", "", None, table)


def _projects(found: Changes) -> Part:
    money = _money(found.projects)
    moved = found.projects[found.projects[f"{money}_difference"].abs() > 0]
    lead = Markup("Nearly all of the change is that of {}.").format(
        names("project_name", moved["project_name"].head(3))
    )
    sizes = moved[f"{money}_difference"].abs()
    if len(moved) == 0:
        lead = Markup("No project used more or less.")
    elif sizes.head(3).sum() < 0.8 * sizes.sum():
        lead = Markup("What differs most comes first: {}.").format(
            names("project_name", moved["project_name"].head(3))
        )
    chart = bars(
        plot.plot_compare,
        moved,
        "More or less than before by project, as bars.",
        lambda row: f"{row_name('project_name', row)}: {_difference(row, money)}",
        shape=WITH_LEGEND,
        of="projects, those that differ most",
    )
    rates = [f"failure_rate_{side}" for side in _SIDES[:2]]
    jobs = [f"jobs_{side}" for side in _SIDES[:2]]
    columns = ["project_name", "change", *(f"{money}_{side}" for side in _SIDES), *jobs, *rates]
    table = Table(found.projects, "Both times by project", columns, _command(found, "project_name"))
    return Part("changes-project", "By project", lead, chart, table)


def _causes(found: Changes) -> list[Part]:
    causes = found.causes
    if causes.empty:
        return []
    money = _money(causes)
    counts = causes["change"].value_counts()
    said = [f"{counts[word]:,} {word}" for word in ("new", "vanished") if word in counts]
    lead = f"Of {len(causes):,} causes of failure, {' and '.join(said) or 'none is new'}."
    moved = causes[causes[f"{money}_difference"].abs() > 0]
    chart = bars(
        plot.plot_compare,
        moved,
        "More or less than before by failure cause, as bars.",
        lambda row: f"{error_name(row.error, 100)}: {_difference(row, money)}",
        shape=TEXTS,
    )
    jobs = [f"jobs_{side}" for side in _SIDES[:2]]
    columns = ["error", "category", "change", *jobs, *(f"{money}_{side}" for side in _SIDES)]
    table = Table(causes, "Failure causes of both times", columns, _command(found, "error"))
    return [Part("changes-causes", "By failure cause", lead, chart, table)]


def _money(table: pd.DataFrame) -> str:
    return "estimated_usd" if table["estimated_usd_difference"].notna().any() else "gpu_hours"


def _difference(row: Any, money: str) -> str:
    value = getattr(row, f"{money}_difference")
    if pd.isna(value):
        return "not known"
    if money == "estimated_usd":
        return f"{signed_money(value)} USD"
    return f"{'-' if value < 0 else '+'}{number(abs(value))} GPU-hours"
