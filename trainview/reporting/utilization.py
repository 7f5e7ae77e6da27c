"""How busy the GPUs were: by project, which of them were idle, and when."""

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from trainview import plot
from trainview.plot.cells import number_rows, period_minutes
from trainview.plot.dates import MINUTE
from trainview.plot.heat import CLASSES
from trainview.plot.results import moments, numbers
from trainview.plot.wording import number
from trainview.reporting.marks import MOST_MARKS
from trainview.reporting.parts import (
    BARS,
    WITH_LEGEND,
    Chart,
    Part,
    Table,
    Topic,
    bars,
    shell,
)
from trainview.reporting.readings import Busy, Readings
from trainview.reporting.words import day, duration, name, row_name, usd
from trainview.text.safe import count
from trainview.text.shares import share

_USED = ["mean_utilization", "p50_utilization", "p95_utilization", "mean_memory_share"]
_LONGEST = ["longest_idle_hours", "longest_idle_start", "longest_idle_end"]
_MEASURED = ["covered_gpu_hours", "measured_share"]
_IDLE = [*_MEASURED, "idle_gpu_hours", "idle_share", *_LONGEST, "idle_usd"]
_GPU = ["node_id", "gpu"]
_STRETCH = [*_GPU, "from", "until", "busy", "mean_utilization", "covered_gpu_hours"]
_COMMAND = "tv.utilization_over_time(snap.metrics, by=['job_id', 'node_id', 'gpu'], jobs=snap.jobs)"
# In inches: of a heat map its rows, and all of it.
_ROW, _AROUND, _LOWEST, _TALLEST = 0.22, 1.0, 1.6, 6.0


def utilization(readings: Readings) -> Topic | None:
    """Say how busy GPUs were, and which were idle; None without metrics."""
    busy = readings.busy
    if busy is None:
        return None
    if not busy.total["samples"]:
        return Topic(f"No GPU was measured.{_unlisted(readings)}")
    parts = [_by_project(busy)]
    if busy.idle["idle_gpu_hours"].sum() > 0:
        parts += [_idle(busy), _one(busy)]
    return Topic(_lead(readings, busy), parts)


def _lead(readings: Readings, busy: Busy) -> str:
    jobs, idle, total = readings.snapshot.jobs, busy.idle, busy.total
    held = jobs.loc[jobs["gpu_hours"] > 0, "job_id"]
    measured = held.isin(idle["job_id"]).sum()
    covered, idle_hours = idle["covered_gpu_hours"].sum(), idle["idle_gpu_hours"].sum()
    gpus = f"on {count(total['gpus'], 'GPU')}"
    if total["measured_share"] > 0:
        of_held = f"over {number(covered)} of {number(total['held_gpu_hours'])} GPU-hours held"
        gpus = f"{of_held} ({share(total['measured_share'])}), {gpus} at once"
    said = [f"{share(total['mean_utilization'])} on average, measured {gpus}."]
    if covered > 0:
        part = share(idle_hours / covered) if idle_hours > 0 else "None"
        said.append(f"{part} of that time was idle{_cost(idle)}.")
    if measured < len(held):
        said.append(f"Metrics cover {measured:,} of {count(len(held), 'job')} that held GPUs.")
    return " ".join(said) + _unlisted(readings)


def _unlisted(readings: Readings) -> str:
    """Count the jobs whose samples are left out."""
    snapshot = readings.snapshot
    measured = snapshot.metrics["job_id"].drop_duplicates()
    unlisted = count(int((~measured.isin(snapshot.jobs["job_id"])).sum()), "job")
    left_out = f" Samples of {unlisted} that are not in the jobs table are left out."
    return "" if measured.isin(snapshot.jobs["job_id"]).all() else left_out


def _over(row: Any) -> str:
    covered, held = row["covered_gpu_hours"], row["held_gpu_hours"]
    of_held = f" of {number(held)}" if held > 0 else ""
    return f", over {number(covered)}{of_held} GPU-hours" if covered > 0 else ""


def _cost(idle: pd.DataFrame) -> str:
    money = idle["idle_usd"].sum()
    return f", worth {usd(money)} at list prices" if money > 0 else ""


def _by_project(busy: Busy) -> Part:
    projects = busy.by_project
    known = projects[projects["mean_utilization"].notna()]
    largest = known.sort_values("covered_gpu_hours", ascending=False, kind="stable").head(BARS)
    # the order of the helper: the least busy first
    drawn = known[known.index.isin(largest.index)]
    first = drawn.iloc[0]
    lead = Markup("{}: {} on average{}.").format(
        name("project_name", first["project_name"]),
        share(first["mean_utilization"]),
        _over(first),
    )
    if len(drawn) > 1:
        lead = Markup("The least busy: {}").format(lead)
    if len(drawn) < len(known):
        lead += f" Drawn are the {BARS} of {len(known):,} projects with the most measured time."
    chart = bars(
        plot.plot_utilization,
        drawn,
        "Mean utilisation of GPUs by project, as bars.",
        lambda row: _of_covered("project_name", share(row.mean_utilization), row),
        shape=WITH_LEGEND,
    )
    caption = "Utilisation of GPUs by project, the least busy first"
    columns = ["project_name", "gpus", *_MEASURED, "missing_share", *_USED]
    table = Table(projects, caption, columns, shell("utilization"))
    return Part("utilization-project", "By project", lead, chart, table)


def _of_covered(column: str, part: str, row: Any) -> str:
    return f"{row_name(column, row)}: {part} of {number(row.covered_gpu_hours)} GPU-hours"


def _idle(busy: Busy) -> Part:
    idle = busy.idle[busy.idle["idle_gpu_hours"] > 0]
    first, rest = idle.iloc[0], number(idle["idle_gpu_hours"].iloc[BARS:].sum())
    lead = Markup("{} of {}: {} idle for {} of {} GPU-hours{}.").format(
        name("job_id", first["job_id"]),
        name("project_name", first["project_name"]),
        count(first["gpus"], "GPU"),
        number(first["idle_gpu_hours"]),
        number(first["covered_gpu_hours"]),
        _cost(idle.head(1)),
    )
    chart = bars(
        plot.plot_idle_gpus,
        idle,
        "Idle and busy GPU-hours of the jobs with most idle ones, as bars.",
        lambda row: _of_covered("job_id", number(row.idle_gpu_hours), row),
        shape=WITH_LEGEND,
        of=f"jobs with idle GPUs; the others were idle for {rest} GPU-hours",
    )
    command = shell("utilization", "--idle --by project_name,job_id")
    columns = ["project_name", "job_id", "gpus", *_IDLE]
    table = Table(busy.idle, "Idle GPUs by job", columns, command)
    return Part("utilization-idle", "Idle GPUs", lead, chart, table)


def _one(busy: Busy) -> Part:
    job, heat, rows = busy.idle.iloc[0], busy.over_time, len(busy.one)
    longest = busy.one.sort_values("longest_idle_hours", ascending=False, kind="stable").iloc[0]
    lead = Markup("A row is a GPU of job {}, the one with most idle time. ").format(
        name("job_id", job["job_id"])
    )
    lead += f"The longest stretch began on {day(longest['longest_idle_start'])} and lasted "
    lead += f"{duration(longest['longest_idle_hours'])}."
    height = min(max(_AROUND + _ROW * rows, _LOWEST), _TALLEST)
    label = (
        f"How busy each of {count(rows, 'GPU')} was over time, as a heat map from "
        f"{day(heat['period'].min())} to {day(heat['period'].max())}. {lead.striptags()}"
    )
    chart = Chart(plot.plot_utilization_over_time, heat, label, height) if len(heat) > 1 else None
    command = shell("utilization", "--idle --by job_id,node_id,gpu")
    table = Table(busy.one, "Idle GPUs of this job", ["node_id", "gpu", *_IDLE], command)
    told = stretches(heat)
    if chart and height < _TALLEST and 0 < len(told) <= MOST_MARKS - rows:
        chart = chart._replace(lane="lane", along="from", until="until")
        caption = "How busy the GPUs of this job were, by stretches of time"
        table = Table(told, caption, _STRETCH, _COMMAND)
    return Part("utilization-job", "The job with most idle time", lead, chart, table)


def stretches(heat: pd.DataFrame) -> pd.DataFrame:
    """Join the periods of a GPU that follow one another in the same colour of the heat map.

    Parameters
    ----------
    heat : pandas.DataFrame
        Of `utilization_over_time`, by ``node_id`` and ``gpu``.

    Returns
    -------
    pandas.DataFrame
        A row a stretch, by GPU and time: ``node_id``, ``gpu``, ``lane`` (its middle in the heat
        map), ``from``, ``until``, ``busy`` (what the colour means), ``mean_utilization``, and
        ``covered_gpu_hours``. Periods without samples are in none.
    """
    known = heat[heat["mean_utilization"].notna()]
    if known.empty:
        return known.reindex(columns=[*_STRETCH, "lane"])
    row, _ = number_rows(known, _GPU)
    places, _ = moments(known, "period")
    order = np.lexsort([places, row])
    known, row = known.take(order), row[order]
    length = period_minutes(places)
    mean, hours = numbers(known, "mean_utilization"), numbers(known, "covered_gpu_hours")
    colour = np.searchsorted([low for low, _, _ in CLASSES], mean, side="right") - 1
    step = np.rint(np.diff(places[order]) / MINUTE)
    begins = (np.diff(row) != 0) | (np.diff(colour) != 0) | (step != length)
    first = np.flatnonzero(np.append(True, begins))
    last = np.append(first[1:], len(known)) - 1
    covered = np.add.reduceat(hours, first)
    busy = np.add.reduceat(mean * hours, first)
    until = known["period"].iloc[last].reset_index(drop=True) + pd.Timedelta(minutes=length)
    told = known[[*_GPU, "period"]].take(first).reset_index(drop=True)
    return told.rename(columns={"period": "from"}).assign(
        lane=row[first] + 0.5,
        until=until,
        busy=[CLASSES[one][2] for one in colour[first]],
        mean_utilization=np.divide(busy, covered, np.full(len(busy), np.nan), where=covered > 0),
        covered_gpu_hours=covered,
    )
