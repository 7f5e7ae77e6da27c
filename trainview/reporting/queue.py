"""Why jobs waited: for how long by type of GPU, and who was ahead of whom."""

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from trainview import plot
from trainview.reporting.parts import Part, Topic
from trainview.reporting.pictures import BARS, bars_height, picture
from trainview.reporting.readings import Readings, Waits
from trainview.reporting.tables import view
from trainview.reporting.words import duration, each, listed, name
from trainview.text.cells import cell
from trainview.text.safe import count

_LEGEND, _CURVE = 0.3, 3.4
# A minute in hours: most jobs wait for less, and are not worth a row.
_MINUTE = 1 / 60
# Steps of a curve for each factor of ten: finer than the line is wide.
_FINE = 60
_WAITS = {"p50": "median_wait", "p90": "p90_wait", "p99": "p99_wait"}


def queue(readings: Readings) -> Topic | None:
    """Make the topic on waiting.

    Parameters
    ----------
    readings : Readings
        What the helpers say.

    Returns
    -------
    Topic or None
        How long jobs waited by type of GPU, and each job with who was ahead; None without a queue.
    """
    waits = readings.waits
    if waits is None:
        return None
    lead = "No waiting time is known."
    parts = [_jobs(readings)]
    if waits.total["jobs"]:
        lead = _lead(waits)
        parts = [_by_type(waits), _curve(waits), *parts]
    return Topic("queue", "Why jobs waited", lead, tuple(parts))


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
    bars = listed(f"{cell('gpu_type', row.gpu_type, 60)}: {_typical(row)}" for row in each(known))
    return Part(
        "queue-type",
        "By GPU type",
        lead,
        picture(
            plot.plot_queue_waits,
            known.head(BARS),
            "queue-type",
            f"Waiting time by GPU type, from median to longest, on a logarithmic scale. {bars}",
            _LEGEND + bars_height(len(known)),
        )
        if len(known) > 1
        else None,
        view=view(
            waits.by_type.rename(columns=_WAITS),
            "Waiting time by GPU type",
            ["gpu_type", "jobs", "waiting", *_WAITS.values(), "longest_wait"],
            "trainview queue SOURCE --format csv",
        ),
    )


def _typical(row: Any) -> str:
    median = "median not known" if pd.isna(row.p50) else f"median {duration(row.p50)}"
    return f"{count(row.jobs, 'job')}, {median}, longest {duration(row.longest_wait)}"


def _curve(waits: Waits) -> Part:
    curve = waits.curve
    types = curve.groupby("gpu_type", sort=False, dropna=False)["at_risk"].first()
    label = (
        "Share of jobs that still wait after some time, a line of steps for each GPU type, on a "
        f"logarithmic scale. Jobs: {listed(map(_jobs_of_type, types.items()))}"
    )
    return Part(
        "queue-curve",
        "How soon jobs are released",
        "A line shows which share of jobs still waits after the time below it. Where it ends above "
        "0, some still do.",
        picture(plot.plot_queue_wait_curve, _thin(curve), "queue-curve", label, _CURVE)
        if len(curve) > 2 * len(types)
        else None,
        view=view(
            curve,
            "Share of jobs that still wait",
            ["gpu_type", "waited_hours", "share_waiting", "low", "high", "at_risk"],
            "tv.queue_wait_curve(snap.queue)",
        ),
    )


def _jobs_of_type(pair: tuple[Any, int]) -> str:
    return f"{cell('gpu_type', pair[0], 60)}: {pair[1]:,}"


def _thin(curve: pd.DataFrame) -> pd.DataFrame:
    """Keep of steps that cannot be told apart the last, and the first row of each type."""
    hours = curve["waited_hours"].where(curve["waited_hours"] > 0)
    place = np.floor(_FINE * np.log10(hours)).fillna(-np.inf)
    keys = pd.DataFrame({"gpu_type": curve["gpu_type"], "place": place})
    return curve[~keys.duplicated(keep="last")]


def _jobs(readings: Readings) -> Part:
    jobs, rows = readings.snapshot.jobs, readings.snapshot.queue
    names = jobs.set_index("job_id")["project_name"]
    rows = rows.assign(project_name=rows["job_id"].map(names.astype("str")))
    rows = rows.sort_values(
        ["is_waiting", "waited_hours", "job_id"], ascending=[False, False, True], kind="stable"
    )
    waiting = rows[rows["is_waiting"]]
    rows = rows[rows["is_waiting"] | (rows["waited_hours"] >= _MINUTE)]
    lead = Markup("No job waits now.")
    if len(waiting):
        lead = _ahead(waiting.iloc[0])
    if len(waiting) > 1:
        lead += f" The table begins with all {len(waiting):,} that wait."
    return Part(
        "queue-jobs",
        "Who waits, and who was ahead",
        lead,
        view=None
        if rows.empty
        else view(
            rows,
            "Jobs that waited a minute or longer, those that still wait first",
            [
                "project_name",
                "job_name",
                "gpu_type",
                "requested_gpus",
                "waited_hours",
                "is_waiting",
                "submitted_at",
                "active_gpus",
                "ahead_jobs",
                "ahead_gpus",
                "org_limit",
                "team_limit",
                "job_id",
            ],
            "trainview queue SOURCE --show jobs --format csv",
        ),
    )


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
