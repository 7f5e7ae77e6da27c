"""What was lost, tried again, and saved: lost work, attempts, spot capacity, checkpoints."""

from typing import Any

import pandas as pd

from trainview import plot
from trainview.analysis.goodput import LOSES
from trainview.plot.wording import number
from trainview.reporting.outcomes import Health
from trainview.reporting.parts import WITH_LEGEND, Part, Table, bars, shell
from trainview.reporting.words import duration, each, joined, row_name, usd
from trainview.text.cells import cell
from trainview.text.safe import count
from trainview.text.shares import share

_KINDS = {"failed": "failed", "preempted": "were preempted", "stopped": "were stopped"}


def lost_work(found: Health) -> Part:
    """Say what jobs that ended early had done since their last checkpoint."""
    lost: Any = found.lost
    said = [
        f"{count(len(rows), 'job')} that {_KINDS[kind]} lost {_amount(rows)}"
        for kind, rows in lost.groupby("kind", sort=False)
    ]
    lead = f"{joined(sorted(said))}. Who stops a job may have wanted no more of it."
    if "stopped" not in set(lost["kind"]):
        lead = f"{joined(sorted(said))}."
    unknown = int(lost["lost_gpu_hours"].isna().sum())
    if unknown:
        lead += f" Of {count(unknown, 'job')} it is not known."
    known = lost[lost["lost_gpu_hours"] > 0]
    by_project = known.groupby("project_name", dropna=False)["lost_gpu_hours"].sum()
    by_project = by_project.sort_values(ascending=False, kind="stable").reset_index()
    chart = bars(
        plot.plot_lost_work,
        by_project,
        "GPU-hours lost since the last checkpoint by project, as stacked bars by kind.",
        lambda row: f"{row_name('project_name', row)}: {number(row.lost_gpu_hours)}",
        shape=WITH_LEGEND,
    )
    chart = chart and chart._replace(frame=lost)
    money = ["lost_usd"] if lost["lost_usd"].notna().any() else []
    columns = ["project_name", "job_id", "kind", "gpus", "last_checkpoint_at", "lost_hours"]
    table = Table(
        known,
        "Work lost since the last checkpoint by job",
        [*columns, "lost_gpu_hours", *money],
        shell("failures", "--show lost"),
    )
    return Part("health-lost", "Lost work", lead, chart, table)


def _amount(rows: pd.DataFrame) -> str:
    hours, money = rows["lost_gpu_hours"].sum(), rows["lost_usd"].sum()
    return f"{number(hours)} GPU-hours" + (f" ({usd(money)})" if money > 0 else "")


def attempts(found: Health) -> Part:
    """Say how many attempts trainings took, and what share of that time was training."""
    heads = found.chains[found.chains["attempt"] == 1]
    done = heads[heads["outcome"] == "completed"]
    lead = (
        f"{count(len(heads), 'training')} took more than one attempt, {len(done):,} of them came "
    )
    lead += "to completion"
    if len(done):
        lead += f": after {number(done['attempts'].mean())} attempts on average"
        known = done["ettr"].dropna()
        if len(known):
            lead += f", with half of them training for at most {share(known.median())} of the time "
            lead += "from first submission to end (ETTR)"
    lead += ". Which jobs belong together is guessed from names and times."
    chart = bars(
        plot.plot_run_chains,
        heads,
        "Attempts at the same training over time, as bars in a row for each.",
        lambda row: f"{row_name('job_name', row)}: {row.attempts:,} attempts, {row.outcome}",
        shape=WITH_LEGEND,
    )
    chart = chart and chart._replace(
        frame=found.chains, lane="lane", along="from_hours", until="until_hours"
    )
    columns = ["project_name", "job_name", "attempt", "status", "submitted_at"]
    table = Table(
        _each_attempt(found),
        "Attempts at the same training",
        [*columns, "elapsed_hours", "running_hours", "lost_hours", "ettr"],
        "tv.run_chains(snap.jobs, phases=snap.job_phases(), checkpoints=snap.checkpoints)",
    )
    return Part("health-chains", "Attempts until success", lead, chart, table)


def _each_attempt(found: Health) -> pd.DataFrame:
    """Tell of each attempt what is known of its job, and where it lies in the picture."""
    rows = found.chains.reset_index(drop=True)
    chain = rows.groupby("chain_id", sort=False)
    first = chain["submitted_at"].transform("min")
    begin, end = (
        (rows[at] - first).dt.total_seconds() / 3600 for at in ("submitted_at", "ended_at")
    )
    ran = found.phases.drop_duplicates("job_id").set_index("job_id")["running_hours"]
    lost = pd.Series(dtype="float64")
    if found.lost is not None:
        losing = found.lost[found.lost["kind"].isin(LOSES)]
        lost = losing.drop_duplicates("job_id").set_index("job_id")["lost_hours"]
    return rows.assign(
        lane=chain.ngroup(),
        from_hours=begin,
        until_hours=end,
        elapsed_hours=(end - begin).where(end >= begin),
        running_hours=rows["job_id"].map(ran).astype("float64"),
        lost_hours=rows["job_id"].map(lost).astype("float64"),
    )


def spot(found: Health) -> Part:
    """Compare spot capacity with dedicated."""
    rows: Any = found.spot
    one = rows[rows["availability_model"] == "spot"].iloc[0]
    lead = f"{count(one['jobs'], 'job')} on spot capacity took {number(one['gpu_hours'])} GPU-hours"
    if one["ended"] > 0:
        lead += f"; {one['preempted']:,} of {one['ended']:,} that ended were preempted "
        lead += f"({share(one['low'])} to {share(one['high'])} with 95% confidence)"
    if one["lost_gpu_hours"] > 0:
        lead += f", which lost {number(one['lost_gpu_hours'])} GPU-hours"
    lead += "."
    waits = [
        f"{duration(row.p90_wait_hours)} for {row.availability_model}"
        for row in each(rows)
        if pd.notna(row.p90_wait_hours)
    ]
    if len(waits) > 1:
        lead += f" Nine in ten jobs waited at most {joined(waits)}."
    columns = ["jobs", "gpu_hours", "ended", "preempted", "preemption_rate", "low", "high"]
    waiting = ["lost_gpu_hours", "waiting", "p50_wait_hours", "p90_wait_hours"]
    table = Table(
        rows,
        "Spot and dedicated capacity",
        ["availability_model", *columns, *waiting],
        "tv.spot_usage(snap.jobs, snap.job_phases(), snap.checkpoints, snap.queue)",
    )
    return Part("health-spot", "Spot and dedicated", lead, None, table)


def checkpoints(found: Health) -> Part:
    """Say what checkpoints there are, and which may be lost."""
    rows: Any = found.saved
    sums = rows[["checkpoints", "syncing_ended_jobs", "size_bytes", "syncing_ended_bytes"]].sum()
    size = cell("size_bytes", float(sums["size_bytes"]))
    lead = f"{count(int(sums['checkpoints']), 'checkpoint')} of {size}. "
    late = int(sums["syncing_ended_jobs"])
    if late:
        missing = cell("size_bytes", float(sums["syncing_ended_bytes"]))
        lead += f"{missing} of {count(late, 'job')} that ended are not uploaded yet: they may be "
        lead += "lost."
    else:
        lead += "All those of jobs that ended are uploaded."
    columns = ["jobs", "checkpoints", "size_bytes", "largest_bytes", "latest_at", "syncing"]
    late_columns = ["syncing_ended_jobs", "syncing_ended_bytes"]
    table = Table(
        rows,
        "Checkpoints by project",
        ["project_name", *columns, *late_columns],
        "tv.checkpoint_usage(snap.checkpoints, snap.jobs)",
    )
    return Part("health-checkpoints", "Checkpoints", lead, None, table)
