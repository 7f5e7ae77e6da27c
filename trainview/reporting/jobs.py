"""The jobs themselves: what state they are in, how long they take, and what ran when."""

from math import ceil

import pandas as pd
from markupsafe import Markup

from trainview import analysis, plot
from trainview.reporting.explorer import explorer, newest
from trainview.reporting.parts import BARS, Chart, Part, Table, Topic, shell
from trainview.reporting.readings import Readings
from trainview.reporting.words import day, duration, each, joined, listed, name, row_name
from trainview.text.safe import count
from trainview.text.shares import share

# What one can still tell apart in a chart.
_MOST_JOBS, _DAYS = 200, 14
_LANE, _LOWEST, _TALLEST = 0.16, 2.4, 11.0


def statuses(readings: Readings) -> Topic:
    """Say what state the jobs are in."""
    counts = readings.statuses
    jobs = count(counts["jobs"].sum(), "job")
    first = [
        Markup("{} are {}").format(share(row.share), name("status", row.status))
        for row in each(counts.head(3))
    ]
    lead = Markup("Of {}, {}.").format(jobs, joined(first))
    if len(counts) == 1:
        lead = Markup("{}, {}.").format(jobs, name("status", counts["status"].iloc[0]))
    bars = listed(
        f"{row_name('status', row)}: {row.jobs:,} ({share(row.share)})" for row in each(counts)
    )
    chart = Chart(
        plot.plot_status_counts,
        counts,
        f"Jobs by status, as a stacked bar in the order of their lives. {bars}",
        1.3 + 0.2 * ceil(len(counts) / 2),
    )
    columns = ["status", "phase", "jobs", "share"]
    table = Table(counts, "Jobs by status", columns, shell("status"))
    return Topic(lead, [Part("statuses-all", "", "", chart if len(counts) > 1 else None, table)])


def durations(readings: Readings) -> Topic:
    """Say how long jobs take; without parts if no duration is known."""
    stats = readings.durations
    known = stats[stats["jobs"] > 0]
    if known.empty:
        return Topic("The duration of no job is known.")
    first = known.iloc[0]
    lead = Markup(
        "Half of the jobs that are {} took at most {}, one in ten more than {}; waiting and "
        "deployment included."
    ).format(name("status", first["status"]), duration(first["p50"]), duration(first["p90"]))
    if first["jobs"] == 1:
        lead = Markup("The one job that is {} took {}, waiting and deployment included.").format(
            name("status", first["status"]), duration(first["p50"])
        )
    bars = listed(
        f"{row_name('status', row)}: median {duration(row.p50)}, 90% within {duration(row.p90)}, "
        f"longest {duration(row.max)}"
        for row in each(known)
    )
    label = f"Elapsed time by status, on a logarithmic scale. {bars}"
    height = 1.2 + 0.3 * min(len(known), BARS)
    chart = Chart(plot.plot_elapsed_stats, known, label, height + 0.3)
    columns = ["status", "jobs", "mean", "p50", "p90", "p99", "max"]
    table = Table(stats, "Elapsed time by status", columns, "tv.elapsed_stats(snap.jobs)")
    has_chart = known["jobs"].sum() > 1
    return Topic(lead, [Part("durations-all", "", "", chart if has_chart else None, table)])


def timeline(readings: Readings) -> Topic:
    """Say what ran when; the still picture has the latest jobs only."""
    jobs = readings.snapshot.jobs
    recent = jobs[jobs["end_at"] >= jobs["end_at"].max() - pd.Timedelta(days=_DAYS)]
    # not the GPU-hours: those of a job that waits are 0
    size = (recent["gpus"] * recent["elapsed_hours"]).sort_values(ascending=False, kind="stable")
    drawn = recent.loc[size.index[:_MOST_JOBS]]
    lanes = analysis.job_timeline(drawn, phases=readings.health.phases)
    rows = analysis.job_timeline(jobs).sort_values("start", ascending=False, kind="stable")
    table = Table(
        rows,
        "All jobs, newest first",
        ["project_name", "job_name", "status", "start", "end", "elapsed_hours"],
        shell("timeline"),
    )
    lead = f"All {len(jobs):,} jobs." if len(jobs) > 1 else "The one job."
    if lanes["lane"].isna().all():
        lead += " Nothing can be drawn: the timestamps are inconsistent."
        return Topic(lead, [Part("timeline-all", "", "", None, table)])
    if len(jobs) > (most := len(newest(jobs))):
        lead = f"{len(jobs):,} jobs; the {most:,} that ended last can be explored in the page."
    height = min(max(_LOWEST, 1.0 + _LANE * (lanes["lane"].max() + 1)), _TALLEST)
    still = _about_the_picture(len(jobs), len(recent), len(drawn))
    words = _alternative(lanes, drawn)
    chart = Chart(plot.plot_job_timeline, lanes, words, height, is_wide=True, note=still)
    widget = explorer(readings.snapshot, readings.health.phases, rows)
    return Topic(lead, [Part("timeline-all", "", "", chart, table, widget=widget)])


def _about_the_picture(jobs: int, recent: int, drawn: int) -> Markup | str:
    """Say what the still picture leaves out; where scripts run, nothing is left out."""
    if drawn == jobs:
        return ""
    text = (
        f"The picture has {count(recent, 'job')} of {jobs:,}: those that ended in the last {_DAYS} "
        "days, or are open."
    )
    if drawn < recent:
        text += (
            f" Drawn are the {drawn:,} largest of them, by GPUs times hours; the other "
            f"{recent - drawn:,} are left out."
        )
    return Markup('<span class="still">{}</span>').format(text)


def _alternative(lanes: pd.DataFrame, jobs: pd.DataFrame) -> str:
    phases = lanes["phase"].value_counts()
    counts = listed(f"{phase}: {jobs:,}" for phase, jobs in phases.items())
    # an open job has no end: it goes on until now
    until = jobs["end_at"].where(jobs["elapsed_hours"].notna()).max()
    span = f"{day(lanes['start'].min())} to {day(until)}"
    projects = count(lanes["project_name"].nunique(), "project")
    return (
        f"Jobs over time as a Gantt chart, {span}: {count(len(lanes), 'job')} of {projects}, "
        f"coloured by phase. {counts}"
    )
