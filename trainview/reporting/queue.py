"""Why jobs waited: for how long by type of GPU, and who was ahead of whom."""

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from trainview import plot
from trainview.analysis.pandas_dtypes import TEXT
from trainview.reporting.parts import WITH_LEGEND, Chart, Part, Table, Topic, bars, shell
from trainview.reporting.readings import Readings, Waits
from trainview.reporting.words import duration, each, listed, name, row_name
from trainview.text.safe import count

# A minute in hours: most jobs wait for less, and are not worth a row.
_MINUTE = 1 / 60
# Steps of a curve for each factor of ten: finer than the line is wide.
_FINE = 60
_WAITS = {"p50": "median_wait", "p90": "p90_wait", "p99": "p99_wait"}
_MET = ["active_gpus", "ahead_jobs", "ahead_gpus", "org_limit", "team_limit"]
_WAIT = ["requested_gpus", "waited_hours", "is_waiting", "submitted_at", *_MET]


def queue(readings: Readings) -> Topic | None:
    """Say how long jobs waited, and who was ahead of each; None without a queue."""
    waits = readings.waits
    if waits is None:
        return None
    if not waits.total["jobs"]:
        return Topic("No waiting time is known.", [_jobs(readings)])
    return Topic(_lead(waits), [_by_type(waits), _curve(waits), _jobs(readings)])


def _lead(waits: Waits) -> str:
    total = waits.total
    said = f"Of {count(total['jobs'], 'job')}, too few were released to say how long one waits"
    if pd.notna(total["p50"]):
        said = f"Half of {count(total['jobs'], 'job')} waited at most {duration(total['p50'])}"
    if pd.notna(total["p90"]):
        said += f", nine in ten at most {duration(total['p90'])}"
    waiting = total["waiting"]
    now = f"{waiting:,.0f} {'waits' if waiting == 1 else 'wait'}" if waiting else "None waits"
    return f"{said}. {now} now. The longest wait is {duration(total['longest_wait'])}."


def _by_type(waits: Waits) -> Part:
    known = waits.by_type[waits.by_type["jobs"] > 0]
    first = known.iloc[0]
    lead = Markup("The longest wait is one for {}: {}.").format(
        name("gpu_type", first["gpu_type"]), duration(first["longest_wait"])
    )
    caption = "Waiting time by GPU type"
    label = f"{caption}, from median to longest, on a logarithmic scale."
    chart = bars(plot.plot_queue_waits, known, label, _typical, shape=WITH_LEGEND)
    columns = ["gpu_type", "jobs", "waiting", *_WAITS.values(), "longest_wait"]
    table = Table(waits.by_type.rename(columns=_WAITS), caption, columns, shell("queue"))
    return Part("queue-type", "By GPU type", lead, chart, table)


def _typical(row: Any) -> str:
    median = "median not known" if pd.isna(row.p50) else f"median {duration(row.p50)}"
    jobs, longest = count(row.jobs, "job"), duration(row.longest_wait)
    return f"{row_name('gpu_type', row)}: {jobs}, {median}, longest {longest}"


def _curve(waits: Waits) -> Part:
    curve = waits.curve
    types = curve.drop_duplicates("gpu_type")
    jobs = listed(f"{row_name('gpu_type', row)}: {row.at_risk:,}" for row in each(types))
    label = (
        "Share of jobs that still wait after some time, a line of steps for each GPU type, on a "
        f"logarithmic scale. Jobs: {jobs}"
    )
    how = (
        "A line shows which share of jobs still waits after the time below it. Where it ends above "
        "0, some still do."
    )
    thinned = _thin(curve)
    chart = Chart(
        plot.plot_queue_wait_curve, thinned, label, along="waited_hours", is_steps=True, note=how
    )
    columns = ["gpu_type", "waited_hours", "share_waiting", "low", "high", "at_risk"]
    caption, command = "Share of jobs that still wait", "tv.queue_wait_curve(snap.queue)"
    table = Table(curve, caption, columns, command)
    has_steps = len(curve) > 2 * len(types)
    title = "How soon jobs are released"
    return Part("queue-curve", title, "", chart if has_steps else None, table)


def _thin(curve: pd.DataFrame) -> pd.DataFrame:
    """Keep of steps that cannot be told apart the last, and the first row of each type."""
    hours = curve["waited_hours"].where(curve["waited_hours"] > 0)
    place = np.floor(_FINE * np.log10(hours)).fillna(-np.inf)
    keys = pd.DataFrame({"gpu_type": curve["gpu_type"], "place": place})
    return curve[~keys.duplicated(keep="last")]


def _jobs(readings: Readings) -> Part:
    jobs, rows = readings.snapshot.jobs, readings.snapshot.queue
    names = jobs.set_index("job_id")["project_name"]
    rows = rows.assign(project_name=rows["job_id"].map(names.astype(TEXT)))
    rows = rows.sort_values(
        ["is_waiting", "waited_hours", "job_id"], ascending=[False, False, True], kind="stable"
    )
    waiting = rows[rows["is_waiting"]]
    rows = rows[rows["is_waiting"] | (rows["waited_hours"] >= _MINUTE)]
    lead = _ahead(waiting.iloc[0]) if len(waiting) else Markup("No job waits now.")
    if len(waiting) > 1:
        lead += f" The table begins with all {len(waiting):,} that wait."
    table = Table(
        rows,
        "Jobs that waited a minute or longer, those that still wait first",
        ["project_name", "job_name", "gpu_type", *_WAIT, "job_id"],
        shell("queue", "--show jobs"),
    )
    title = "Who waits, and who was ahead"
    return Part("queue-jobs", title, lead, None, table if len(rows) else None)


def _ahead(row: Any) -> Markup:
    """Tell of a job that waits what it met when it was submitted."""
    limits = [limit for limit in (row.org_limit, row.team_limit) if pd.notna(limit)]
    ahead = f"{count(row.ahead_jobs, 'job')} for {row.ahead_gpus:,}" if row.ahead_jobs else "no job"
    return Markup(
        "{} of {} has waited {} for {} {}. When it was submitted, {}{} were held, and {} was ahead "
        "of it."
    ).format(
        name("job_name", row.job_id if pd.isna(row.job_name) else row.job_name),
        name("project_name", row.project_name),
        duration(row.waited_hours),
        f"{row.requested_gpus:,}",
        name("gpu_type", row.gpu_type),
        f"{row.active_gpus:,}",
        f" of at most {min(limits):,}" if limits else "",
        ahead,
    )
