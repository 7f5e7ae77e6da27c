"""How busy the GPUs were: by project, which of them were idle, and when."""

import pandas as pd
from markupsafe import Markup

from trainview import plot
from trainview.plot.wording import number
from trainview.reporting.parts import Part, Topic
from trainview.reporting.pictures import BARS, bars_height, picture
from trainview.reporting.readings import Busy, Readings
from trainview.reporting.tables import view
from trainview.reporting.words import day, duration, each, listed, name, share, usd
from trainview.text.cells import cell
from trainview.text.safe import count

_LEGEND = 0.3
_IDLE = [
    "covered_gpu_hours",
    "idle_gpu_hours",
    "idle_share",
    "longest_idle_hours",
    "longest_idle_start",
    "longest_idle_end",
    "idle_usd",
]
# In inches: of a heat map its rows, and all of it.
_ROW, _AROUND, _LOWEST, _TALLEST = 0.22, 1.0, 1.6, 6.0


def utilization(readings: Readings) -> Topic | None:
    """Make the topic on how busy GPUs were.

    Parameters
    ----------
    readings : Readings
        What the helpers say.

    Returns
    -------
    Topic or None
        By project, the jobs with idle GPUs, and the worst of them over time; without parts if no
        GPU was measured, None without metrics.
    """
    busy, title = readings.busy, "How busy the GPUs were"
    if busy is None:
        return None
    if not busy.total["samples"]:
        return Topic("utilization", title, "No GPU was measured.", ())
    parts = [_by_project(busy)]
    if busy.idle["idle_gpu_hours"].sum() > 0:
        parts += [_idle(busy), _one(busy)]
    return Topic("utilization", title, _lead(readings, busy), tuple(parts))


def _lead(readings: Readings, busy: Busy) -> str:
    jobs, idle, total = readings.snapshot.jobs, busy.idle, busy.total
    held = jobs.loc[jobs["gpu_hours"] > 0, "job_id"]
    measured = held.isin(idle["job_id"]).sum()
    covered, idle_hours = idle["covered_gpu_hours"].sum(), idle["idle_gpu_hours"].sum()
    gpus = count(total["gpus"], "GPU")
    said = [f"{share(total['mean_utilization'])} on average, measured on {gpus}{_over(covered)}."]
    if covered > 0:
        part = share(idle_hours / covered) if idle_hours > 0 else "None"
        said.append(f"{part} of that time was idle{_cost(idle)}.")
    if measured < len(held):
        said.append(f"Measured are {measured:,} of {count(len(held), 'job')} that held GPUs.")
    return " ".join(said)


def _over(covered: float) -> str:
    return f", over {number(covered)} GPU-hours" if covered > 0 else ""


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
        _over(first["covered_gpu_hours"]),
    )
    if len(drawn) > 1:
        lead = Markup("The least busy: {}").format(lead)
    if len(drawn) < len(known):
        lead += f" Drawn are the {BARS} of {len(known):,} projects with the most measured time."
    bars = listed(
        f"{cell('project_name', row.project_name, 60)}: {share(row.mean_utilization)} of "
        f"{number(row.covered_gpu_hours)} GPU-hours"
        for row in each(drawn)
    )
    return Part(
        "utilization-project",
        "By project",
        lead,
        picture(
            plot.plot_utilization,
            drawn,
            "utilization-project",
            f"Mean utilisation of GPUs by project, as bars. {bars}",
            _LEGEND + bars_height(len(drawn)),
        )
        if len(drawn) > 1
        else None,
        view=view(
            projects,
            "Utilisation of GPUs by project, the least busy first",
            [
                "project_name",
                "gpus",
                "covered_gpu_hours",
                "missing_share",
                "mean_utilization",
                "p50_utilization",
                "p95_utilization",
                "mean_memory_share",
            ],
            "trainview utilization SOURCE --format csv",
        ),
    )


def _idle(busy: Busy) -> Part:
    idle = busy.idle[busy.idle["idle_gpu_hours"] > 0]
    first = idle.iloc[0]
    lead = Markup("{} of {}: {} did nothing for {} of {} GPU-hours{}.").format(
        name("job_id", first["job_id"]),
        name("project_name", first["project_name"]),
        count(first["gpus"], "GPU"),
        number(first["idle_gpu_hours"]),
        number(first["covered_gpu_hours"]),
        _cost(idle.head(1)),
    )
    if len(idle) > BARS:
        rest = idle["idle_gpu_hours"].iloc[BARS:].sum()
        lead += f" The picture has the first {BARS} of {len(idle):,} jobs with idle GPUs; the "
        lead += f"others did nothing for {number(rest)} GPU-hours."
    bars = listed(
        f"{cell('job_id', row.job_id, 60)}: {number(row.idle_gpu_hours)} of "
        f"{number(row.covered_gpu_hours)} GPU-hours"
        for row in each(idle)
    )
    return Part(
        "utilization-idle",
        "Idle GPUs",
        lead,
        picture(
            plot.plot_idle_gpus,
            idle.head(BARS),
            "utilization-idle",
            f"Idle and busy GPU-hours of the jobs with most idle ones, as bars. {bars}",
            _LEGEND + bars_height(len(idle)),
        )
        if len(idle) > 1
        else None,
        view=view(
            busy.idle,
            "Idle GPUs by job",
            ["project_name", "job_id", "gpus", *_IDLE],
            "trainview utilization SOURCE --idle --by project_name,job_id --format csv",
        ),
    )


def _one(busy: Busy) -> Part:
    job, heat = busy.idle.iloc[0], busy.over_time
    rows = len(busy.one)
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
    return Part(
        "utilization-job",
        "The job with most idle time",
        lead,
        picture(plot.plot_utilization_over_time, heat, "utilization-job", label, height)
        if len(heat) > 1
        else None,
        view=view(
            busy.one,
            "Idle GPUs of this job",
            ["node_id", "gpu", *_IDLE],
            "trainview utilization SOURCE --idle --by job_id,node_id,gpu --format csv",
        ),
    )
