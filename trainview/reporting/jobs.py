"""The jobs themselves: what state they are in, how long they take, and what ran when."""

from math import ceil

import pandas as pd
from markupsafe import Markup

from trainview import analysis, plot
from trainview.plot.wording import number
from trainview.reporting.parts import Part, Topic
from trainview.reporting.pictures import bars_height, picture
from trainview.reporting.readings import Readings
from trainview.reporting.tables import view
from trainview.reporting.words import day, each, joined, listed, name, share
from trainview.text.cells import cell
from trainview.text.safe import count

# What one can still tell apart in a chart.
_MOST_JOBS, _DAYS = 200, 14
_LANE, _LOWEST, _TALLEST = 0.16, 2.4, 11.0


def statuses(readings: Readings) -> Topic:
    """Make the topic on what state the jobs are in.

    Parameters
    ----------
    readings : Readings
        What the helpers say, about at least one job.

    Returns
    -------
    Topic
        With one part.
    """
    counts = readings.statuses
    lead = Markup("Of {}, {}.").format(
        count(counts["jobs"].sum(), "job"),
        joined(
            [
                Markup("{} are {}").format(share(row.share), name("status", row.status))
                for row in each(counts.head(3))
            ]
        ),
    )
    if len(counts) == 1:
        lead = Markup("{}, {}.").format(
            count(counts["jobs"].sum(), "job"), name("status", counts["status"].iloc[0])
        )
    bars = listed(
        f"{cell('status', row.status, 60)}: {row.jobs:,} ({share(row.share)})"
        for row in each(counts)
    )
    part = Part(
        "statuses-all",
        "",
        "",
        picture(
            plot.plot_status_counts,
            counts,
            "statuses",
            f"Jobs by status, as a stacked bar in the order of their lives. {bars}",
            1.2 + 0.2 * ceil(len(counts) / 4),
            1.3 + 0.2 * len(counts),
        )
        if len(counts) > 1
        else None,
        view=view(
            counts,
            "Jobs by status",
            ["status", "phase", "jobs", "share"],
            "trainview status SOURCE --format csv",
        ),
    )
    return Topic("statuses", "What state the jobs are in", lead, (part,))


def durations(readings: Readings) -> Topic:
    """Make the topic on how long jobs take.

    Parameters
    ----------
    readings : Readings
        What the helpers say, about at least one job.

    Returns
    -------
    Topic
        With one part; without any if no duration is known.
    """
    title, stats = "How long jobs take", readings.durations
    known = stats[stats["jobs"] > 0]
    if known.empty:
        return Topic("durations", title, "The duration of no job is known.", ())
    first = known.iloc[0]
    lead = Markup(
        "Half of the jobs that are {} took at most {} h, one in ten more than {} h; waiting and "
        "deployment included."
    ).format(name("status", first["status"]), number(first["p50"]), number(first["p90"]))
    if first["jobs"] == 1:
        lead = Markup("The one job that is {} took {} h, waiting and deployment included.").format(
            name("status", first["status"]), number(first["p50"])
        )
    bars = listed(
        f"{cell('status', row.status, 60)}: median {number(row.p50)} h, 90% within "
        f"{number(row.p90)} h, longest {number(row.max)} h"
        for row in each(known)
    )
    part = Part(
        "durations-all",
        "",
        "",
        picture(
            plot.plot_elapsed_stats,
            known,
            "durations",
            f"Elapsed time by status, on a logarithmic scale. {bars}",
            bars_height(len(known)) + 0.3,
            bars_height(len(known)) + 0.6,
        )
        if known["jobs"].sum() > 1
        else None,
        view=view(
            stats,
            "Elapsed time by status",
            ["status", "jobs", "mean", "p50", "p90", "p99", "max"],
            "tv.elapsed_stats(snap.jobs)",
        ),
    )
    return Topic("durations", title, lead, (part,))


def timeline(readings: Readings) -> Topic:
    """Make the topic on what ran when.

    Parameters
    ----------
    readings : Readings
        What the helpers say, about at least one job.

    Returns
    -------
    Topic
        With one part; its picture has the latest jobs only.
    """
    jobs = readings.snapshot.jobs
    recent = jobs[jobs["end_at"] >= jobs["end_at"].max() - pd.Timedelta(days=_DAYS)]
    # not the GPU-hours: those of a job that waits are 0
    size = (recent["gpus"] * recent["elapsed_hours"]).sort_values(ascending=False, kind="stable")
    drawn = recent.loc[size.index[:_MOST_JOBS]]
    chart = analysis.job_timeline(drawn)
    lead = f"All {len(jobs):,} jobs." if len(jobs) > 1 else "The one job."
    if len(drawn) < len(jobs):
        lead = (
            f"{count(len(recent), 'job')} of {len(jobs):,}: those that ended in the last {_DAYS} "
            "days, or are open."
        )
    if len(drawn) < len(recent):
        lead += (
            f" Drawn are the {len(drawn):,} largest of them, by GPUs times hours; the other "
            f"{len(recent) - len(drawn):,} are left out."
        )
    table = view(
        analysis.job_timeline(jobs).sort_values("start", ascending=False, kind="stable"),
        "All jobs, newest first",
        ["project_name", "job_name", "status", "start", "end", "elapsed_hours"],
        "trainview timeline SOURCE --format csv",
    )
    part = Part("timeline-all", "", "", view=table)
    if chart["lane"].isna().all():
        lead += " Nothing can be drawn: the times contradict each other."
    else:
        height = min(max(_LOWEST, 1.0 + _LANE * (chart["lane"].max() + 1)), _TALLEST)
        label = _alternative(chart)
        part = part._replace(
            picture=picture(plot.plot_job_timeline, chart, "timeline", label, height)
        )
    return Topic("timeline", "What ran when", lead, (part,))


def _alternative(chart: pd.DataFrame) -> str:
    phases = chart["phase"].value_counts()
    counts = listed(f"{phase}: {jobs:,}" for phase, jobs in phases.items())
    span = f"{day(chart['start'].min())} to {day(chart['end'].max())}"
    projects = count(chart["project_name"].nunique(), "project")
    return (
        f"Jobs over time as a Gantt chart, {span}: {count(len(chart), 'job')} of {projects}, "
        f"coloured by phase. {counts}"
    )
