"""The sections of the report: from a snapshot to sentences, pictures and tables."""

from functools import partial
from typing import Any

import pandas as pd

from trainview import analysis, plot
from trainview.cells import cell, count
from trainview.reporting.parts import Section, hours, view
from trainview.reporting.pictures import picture
from trainview.snapshot import Snapshot

_WIDTH = 9.0
_ROW = 0.3
_BARS = 12
_DAILY_UP_TO = pd.Timedelta(days=45)
_TIMELINE_JOBS = 400
_TIMELINE_DAYS = 14


def sections(snapshot: Snapshot) -> list[Section]:
    """Make all sections that the snapshot has something to say for.

    Parameters
    ----------
    snapshot : Snapshot
        What to report.

    Returns
    -------
    list of Section
        In the order in which they are read.
    """
    jobs = snapshot.jobs
    if jobs.empty:
        return []
    made = [
        _attention(snapshot),
        _gpu_types(jobs),
        _projects(jobs),
        _over_time(jobs),
        _concurrency(jobs),
        _statuses(jobs),
        _failures(jobs),
        _errors(jobs),
        _durations(jobs),
        _timeline(snapshot),
    ]
    return [section for section in made if section is not None]


def _attention(snapshot: Snapshot) -> Section:
    found = analysis.needs_attention(snapshot.jobs, snapshot.projects)
    lead = "Nothing looks stuck, silent or failing again and again."
    table = None
    if len(found):
        lead = f"{count(found['job_id'].nunique(), 'job')} to look at, worst first."
        columns = [
            "reason",
            "project_name",
            "detail",
            "job_name",
            "team_name",
            "user_email",
            "gpus",
        ]
        table = view(
            found,
            "Jobs that need attention",
            columns,
            how_to_get_all="trainview attention SOURCE --format csv",
        )
    return Section("attention", "What needs attention", lead, None, table, opened=True)


def _gpu_types(jobs: pd.DataFrame) -> Section:
    usage = analysis.gpu_usage(jobs)
    total = usage["gpu_hours"].sum()
    lead = "No job held a GPU."
    drawn = None
    if total > 0:
        lead = (
            f"At most {hours(total)} GPU-hours, {usage['share'].iloc[0]:.0%} of them on "
            f"{cell('gpu_type', usage['gpu_type'].iloc[0])}."
        )
        drawn = _bars(plot.plot_gpu_usage, usage[usage["gpu_hours"] > 0], "gpu-types", lead)
    columns = ["gpu_type", "jobs", "gpus", "elapsed_hours", "gpu_hours", "share"]
    table = view(
        usage, "GPU usage by GPU type", columns, how_to_get_all="trainview gpu SOURCE --format csv"
    )
    return Section("gpu-types", "Where the GPUs go, by type", lead, drawn, table)


def _projects(jobs: pd.DataFrame) -> Section | None:
    usage = analysis.gpu_usage(jobs, by="project_name")
    used = usage[usage["gpu_hours"] > 0]
    if used.empty:
        return None
    top = used.head(3)
    names = ", ".join(cell("project_name", name, 40) for name in top["project_name"])
    lead = f"{top['share'].sum():.0%} of all GPU-hours went to {names}."
    command = "trainview gpu SOURCE --by project_name --format csv"
    columns = ["project_name", "jobs", "gpus", "elapsed_hours", "gpu_hours", "share"]
    table = view(usage, "GPU usage by project", columns, how_to_get_all=command)
    drawn = _bars(plot.plot_gpu_usage, used.head(_BARS), "projects", lead)
    return Section(
        "projects", "Which projects use them", _first(lead, used, "projects"), drawn, table
    )


def _over_time(jobs: pd.DataFrame) -> Section | None:
    held = jobs[jobs["gpu_hours"] > 0]
    if held.empty:
        return None
    daily = held["end_at"].max() - held["created_at"].min() <= _DAILY_UP_TO
    freq, period = ("D", "day") if daily else ("W", "week")
    over_time = analysis.gpu_hours_over_time(jobs, freq=freq)
    sums = over_time.groupby("period")["gpu_hours"].sum()
    lead = (
        f"The {period} of {sums.idxmax():%d %B %Y} was the busiest: "
        f"{hours(sums.max())} GPU-hours, {sums.max() / sums.mean():.1f} times the average."
    )
    drawn = picture(
        partial(_draw, plot.plot_gpu_hours_over_time, over_time), "over-time", lead, (_WIDTH, 3.4)
    )
    columns = ["gpu_type", "period", "gpu_hours", "mean_gpus", "peak_gpus"]
    command = f"trainview gpu SOURCE --freq {freq} --format csv"
    caption = f"GPU-hours per {period}, by GPU type"
    table = view(over_time, caption, columns, how_to_get_all=command)
    return Section("over-time", "When the GPUs were used", lead, drawn, table)


def _concurrency(jobs: pd.DataFrame) -> Section | None:
    steps = analysis.gpu_concurrency(jobs)
    if steps.empty:
        return None
    peaks = (
        steps.sort_values(["gpus", "start"], ascending=[False, True], kind="stable")
        .drop_duplicates("gpu_type")
        .rename(columns={"gpus": "peak_gpus", "start": "peak_from", "end": "peak_until"})
    )
    top = peaks.iloc[0]
    lead = (
        f"At most {top['peak_gpus']:,} {cell('gpu_type', top['gpu_type'])} were held at once, "
        f"on {top['peak_from']:%d %B %Y}."
    )
    drawn = picture(
        partial(_draw, plot.plot_gpu_concurrency, steps), "concurrency", lead, (_WIDTH, 3.4)
    )
    columns = ["gpu_type", "peak_gpus", "peak_from", "peak_until"]
    table = view(peaks, "Peak of each GPU type", columns, how_to_get_all="tv.gpu_concurrency(jobs)")
    return Section("concurrency", "How many are held at once", lead, drawn, table)


def _statuses(jobs: pd.DataFrame) -> Section:
    counts = analysis.status_counts(jobs)
    first = counts.iloc[0]
    lead = (
        f"{first['share']:.0%} of {count(len(jobs), 'job')} are {cell('status', first['status'])}."
    )
    drawn = picture(
        partial(_draw, plot.plot_status_counts, counts), "statuses", lead, (_WIDTH, 2.6)
    )
    table = view(
        counts,
        "Jobs by status",
        ["status", "phase", "jobs", "share"],
        how_to_get_all="trainview status SOURCE --format csv",
    )
    return Section("statuses", "What state the jobs are in", lead, drawn, table)


def _failures(jobs: pd.DataFrame) -> Section | None:
    rates = analysis.failure_rates(jobs)
    failing = rates[rates["failed"] > 0]
    if failing.empty:
        return None
    top = failing.iloc[0]
    lead = (
        f"Most surely failing: {cell('project_name', top['project_name'], 40)}, "
        f"{top['failed']:,} of {count(top['finished'], 'finished job')}."
    )
    columns = ["project_name", "finished", "failed", "failure_rate", "low", "high"]
    command = "trainview failures SOURCE --show rates --format csv"
    table = view(rates, "Failure rate by project", columns, how_to_get_all=command)
    drawn = _bars(plot.plot_failure_rates, failing.head(_BARS), "failures", lead)
    return Section(
        "failures", "Which projects fail", _first(lead, failing, "failing projects"), drawn, table
    )


def _errors(jobs: pd.DataFrame) -> Section | None:
    errors = analysis.error_groups(jobs)
    if errors.empty:
        return None
    costly = errors.sort_values("gpu_hours", ascending=False).iloc[0]
    lead = (
        f"{count(int(errors['jobs'].sum()), 'failed job')}, "
        f"{count(len(errors), 'kind')} of message."
    )
    if costly["gpu_hours"] > 0:
        lead += (
            f" The most GPU-hours, {hours(costly['gpu_hours'])}, were lost to: "
            f"{cell('error', costly['error'], 90)}"
        )
    command = "trainview failures SOURCE --show errors --format csv"
    columns = ["error", "jobs", "projects", "gpu_hours", "last_seen", "example", "job_id"]
    table = view(errors, "What failed jobs died of", columns, how_to_get_all=command)
    drawn = _bars(plot.plot_error_groups, errors.head(_BARS), "errors", lead, row=0.42)
    return Section("errors", "What they die of", _first(lead, errors, "kinds"), drawn, table)


def _durations(jobs: pd.DataFrame) -> Section | None:
    stats = analysis.elapsed_stats(jobs)
    known = stats[stats["jobs"] > 0]
    if known.empty:
        return None
    top = known.iloc[0]
    lead = (
        f"Half of the jobs that are {cell('status', top['status'])} took at most "
        f"{hours(top['p50'])} h, one in ten more than {hours(top['p90'])} h, "
        "queueing and deployment included."
    )
    columns = ["status", "jobs", "mean", "p50", "p90", "p99", "max"]
    caption = "Elapsed hours by status"
    table = view(stats, caption, columns, how_to_get_all="tv.elapsed_stats(jobs)")
    drawn = _bars(plot.plot_elapsed_stats, known, "durations", lead)
    return Section("durations", "How long jobs take", lead, drawn, table)


def _timeline(snapshot: Snapshot) -> Section | None:
    lanes = analysis.job_timeline(snapshot.jobs)
    drawn_from = snapshot.jobs["end_at"].max() - pd.Timedelta(days=_TIMELINE_DAYS)
    recent = snapshot.jobs[snapshot.jobs["end_at"] >= drawn_from]
    those = count(len(recent), "job")
    lead = f"The {those} that ended in the last {_TIMELINE_DAYS} days, or are open."
    if len(recent) > _TIMELINE_JOBS:
        recent = recent.nlargest(_TIMELINE_JOBS, "gpu_hours")
        lead = lead.replace("The ", f"The {_TIMELINE_JOBS} with most GPU-hours of the ", 1)
    chart = analysis.job_timeline(recent)
    if chart["lane"].isna().all():
        return None
    height = min(max(2.0, 0.16 * (chart["lane"].max() + 1) + 1), 14)
    drawn = picture(
        partial(_draw, plot.plot_job_timeline, chart), "timeline", lead, (_WIDTH, height)
    )
    columns = ["project_name", "job_name", "status", "start", "end", "elapsed_hours"]
    newest = lanes.sort_values("start", ascending=False)
    command = "trainview timeline SOURCE --format csv"
    table = view(newest, "All jobs, newest first", columns, how_to_get_all=command)
    return Section("timeline", "What ran when", lead, drawn, table)


def _bars(draw: Any, frame: pd.DataFrame, name: str, label: str, row: float = _ROW) -> Any:
    size = (_WIDTH, 0.9 + row * len(frame))
    return picture(partial(_draw, draw, frame), name, label, size)


def _draw(draw: Any, frame: pd.DataFrame, ax: Any) -> None:
    draw(frame, ax=ax)


def _first(lead: str, frame: pd.DataFrame, what: str) -> str:
    if len(frame) <= _BARS:
        return lead
    return f"{lead} The picture shows the first {_BARS} of {len(frame):,} {what}."
