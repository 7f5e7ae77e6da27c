"""Fleet health: where the time of jobs went, what came of it, and how soon they fail."""

from typing import Any

import pandas as pd
from markupsafe import Markup

from trainview import plot
from trainview.plot.wording import number
from trainview.reporting.losses import attempts, checkpoints, lost_work, spot
from trainview.reporting.outcomes import Health
from trainview.reporting.parts import WITH_LEGEND, Part, Table, Topic, bars, shell
from trainview.reporting.readings import Readings
from trainview.reporting.words import duration, each, joined, name, row_name
from trainview.text.safe import count
from trainview.text.shares import share

_FETCH = "trainview fetch -o fleet/ --with"
# What tells when a job began to run, in words.
_BASES = {
    "event": "status events",
    "history": "a recorded history",
    "sample": "GPU samples",
    "bill": "the bill",
}
_PARTS = {
    "queued_hours": "waiting_gpu_hours",
    "deploying_hours": "deploying_gpu_hours",
    "running_hours": "running_gpu_hours",
}
# Hours that times to the microsecond leave of nothing.
_NOISE = 1e-6


def health(readings: Readings) -> Topic:
    """Say what share of the GPU time was productive, and what became of the rest."""
    found = readings.health
    others = [
        make(found)
        for make, is_there in (
            (attempts, len(found.chains) > 0),
            (spot, found.spot is not None),
            (checkpoints, found.saved is not None),
        )
        if is_there
    ]
    if not found.is_known():
        lead = Markup(
            "Nothing in this data tells when jobs ran, so how much of their time was productive "
            "is not known. To fetch what tells: <code>{} queue,billing,metrics,checkpoints</code>"
        ).format(_FETCH)
        return Topic(lead, others)
    parts = [_phases(found), _goodput(found), _failing(found)]
    if found.lost is not None and len(found.lost):
        parts.append(lost_work(found))
    return Topic(_lead(found), [*parts, *others])


def _lead(found: Health) -> Markup:
    total = found.total
    whole = total[["running_gpu_hours", "deploying_gpu_hours", "unknown_gpu_hours"]].sum()
    losses = [
        f"{number(hours)} {what}"
        for hours, what in (
            (total["lost_gpu_hours"], "were lost since the last checkpoint"),
            (total["idle_gpu_hours"], "idle"),
            (total["deploying_gpu_hours"], "went into deployment"),
        )
        if hours > 0
    ]
    said: list[Markup | str] = ["No GPU-hours are known."]
    if pd.notna(total["goodput"]):
        rest = joined(losses) if losses else "none is known to be lost"
        said = [
            Markup("Goodput is at most {}: of {} GPU-hours, {}.").format(
                share(total["goodput"]), number(whole), rest
            ),
            "What stalls inside a run is not seen.",
        ]
    said.append(_rests_on(found.phases))
    if found.lost is None:
        lost = Markup("What failed jobs lost is not known without checkpoints: <code>{}</code>")
        said.append(lost.format(f"{_FETCH} checkpoints"))
    return Markup(" ").join(said)


def _rests_on(phases: pd.DataFrame) -> str:
    """Say what tells when jobs began to run."""
    counts = phases["basis"].value_counts()
    known = [f"{words} ({counts[basis]:,})" for basis, words in _BASES.items() if basis in counts]
    unknown = int(phases["running_hours"].isna().sum())
    rest = f"; of {unknown:,} it is not known for how long they ran" if unknown else ""
    if not known:
        return f"It rests on jobs that have not run{rest}."
    return f"When jobs began to run is known by {joined(known)}{rest}."


def _phases(found: Health) -> Part:
    rows = _by_project(found.phases)
    sums = rows[[*_PARTS.values(), "unknown_gpu_hours"]].sum()
    whole = sums.sum()
    parts = [
        f"{share(sums[column] / whole)} {what}"
        for column, what in (
            ("running_gpu_hours", "ran"),
            ("waiting_gpu_hours", "waited in the queue"),
            ("deploying_gpu_hours", "deployed"),
            ("unknown_gpu_hours", "are of no known phase"),
        )
        if sums[column] > 0
    ]
    lead = f"From submission to end, weighted by GPUs: {joined(parts)}." if parts else ""
    used = rows[rows[[*_PARTS.values(), "unknown_gpu_hours"]].sum(axis=1) > 0]
    label = "GPU-hours in which the jobs of each project waited, deployed and ran, as stacked bars."
    chart = bars(
        plot.plot_job_phases,
        used,
        label,
        lambda row: f"{row_name('project_name', row)}: {number(row.running_gpu_hours)} running",
        shape=WITH_LEGEND,
        least=1,
    )
    chart = chart and chart._replace(frame=found.phases)
    columns = ["project_name", "jobs", *_PARTS.values(), "unknown_gpu_hours"]
    table = Table(rows, "GPU-hours by phase and project", columns, "snap.job_phases()")
    return Part("health-phases", "Waiting, deploying, running", lead, chart, table)


def _names(phases: pd.DataFrame) -> "pd.Series[Any]":
    return phases["project_name"].astype(object).where(phases["project_name"].notna(), None)


def _by_project(phases: pd.DataFrame) -> pd.DataFrame:
    """Sum phases up, in hours times GPUs; what no evidence gives to a phase is apart."""
    gpus = phases["gpus"].astype("float64")
    known = phases[[*_PARTS]].astype("float64").fillna(0.0)
    life = (phases["ended_at"] - phases["submitted_at"]).dt.total_seconds() / 3600
    rest = (life - known.sum(axis=1)).fillna(0.0).clip(lower=0.0)
    hours = known.rename(columns=_PARTS).assign(unknown_gpu_hours=rest.where(rest > _NOISE, 0.0))
    hours = hours.mul(gpus, axis=0).assign(project_name=_names(phases), jobs=1)
    rows = hours.groupby("project_name", dropna=False, as_index=False).sum()
    order = rows[[*_PARTS.values(), "unknown_gpu_hours"]].sum(axis=1)
    return rows.loc[order.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def _goodput(found: Health) -> Part:
    rows = found.by_project
    known = rows[rows["goodput"].notna()]
    wasted = ["lost_gpu_hours", "deploying_gpu_hours", "idle_gpu_hours"]
    lead: Markup | str = ""
    if len(known):
        first = known.iloc[0]
        lead = Markup(
            "{}: at most {}; {} GPU-hours of it were not productive, more than of any other."
        )
        lead = lead.format(
            name("project_name", first["project_name"]),
            share(first["goodput"]),
            number(first[wasted].fillna(0).sum()),
        )
    chart = bars(
        plot.plot_goodput,
        known,
        "GPU-hours of each project by what came of them, as stacked bars, with its goodput.",
        lambda row: f"{row_name('project_name', row)}: at most {share(row.goodput)}",
        shape=WITH_LEGEND,
    )
    chart = chart and chart._replace(frame=known)
    columns = ["jobs", "unknown_jobs", "running_gpu_hours", *wasted, "unknown_gpu_hours"]
    caption = "Goodput by project, an upper bound"
    table = Table(rows, caption, ["project_name", *columns, "goodput"], shell("goodput"))
    return Part("health-goodput", "Goodput, an upper bound", lead, chart, table)


def _failing(found: Health) -> Part:
    rows = found.by_size
    failing = rows[rows["mttf_hours"].notna()]
    lead = "No job that ran has failed: only lower bounds are known."
    if len(failing):
        said = [
            f"{_size(row.gpus)} {duration(row.mttf_hours)} ({duration(row.mttf_low_hours)} to "
            f"{duration(row.mttf_high_hours)})"
            for row in each(failing)
        ]
        lead = f"Running time per failure, with its 95% interval: {joined(said)}."
    known = rows[rows["mttf_low_hours"].notna()]
    chart = bars(
        plot.plot_time_to_failure,
        known,
        "Mean time to failure by size of job with its interval, on a logarithmic scale.",
        lambda row: (
            f"{_size(row.gpus)}: {count(row.failures, 'failure')} in {number(row.running_hours)} h"
        ),
        shape=WITH_LEGEND,
    )
    columns = ["gpus", "jobs", "unknown_jobs", "running_hours", "failures"]
    bounds = ["mttf_hours", "mttf_low_hours", "mttf_high_hours"]
    caption = "Mean time to failure by size"
    # in the words of the picture
    named = rows.assign(gpus=[f"{size} GPU{'' if size == '1' else 's'}" for size in rows["gpus"]])
    table = Table(named, caption, [*columns, *bounds], shell("failures", "--show mttf"))
    return Part("health-mttf", "Time to failure (MTTF)", lead, chart, table)


def _size(gpus: str) -> str:
    return {"0": "no GPU", "1": "1 GPU"}.get(gpus, f"{gpus} GPUs")
