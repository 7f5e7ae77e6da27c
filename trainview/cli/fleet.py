"""The commands about the whole fleet: how busy its GPUs are, who waits, and what may be held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from trainview.cli.basis import tell_basis
from trainview.cli.options import Output, by_columns, prints_table, put, say, tell
from trainview.cli.sources import (
    SOURCE_HELP,
    Source,
    asks_for_each_job,
    jobs_with,
    need,
    takes_source,
)
from trainview.text.safe import count

if TYPE_CHECKING:
    import pandas as pd

    from trainview.snapshot import Snapshot


@click.command(
    help=(
        "Show how busy GPUs were, the least busy first.\n\n"
        "Only what was measured counts: a GPU without samples is neither busy nor idle. "
        f"--by takes job_id, node_id and gpu too.{SOURCE_HELP}"
    ),
    epilog="Example: trainview utilization data/ --idle",
)
@by_columns("project_name")
@click.option("--idle", is_flag=True, help="Rank by the time in which GPUs were held and idle.")
@click.option(
    "--threshold", type=click.FloatRange(0, 1),
    help="With --idle: the utilisation from which on a GPU is not idle.  [default: 0.05]",
)  # fmt: skip
@prints_table
@asks_for_each_job
@takes_source
def utilization(
    source: Source, output: Output, by: list[str] | None, threshold: float | None, *, idle: bool
) -> None:
    from trainview import analysis

    if threshold is not None and not idle:
        raise click.UsageError("--threshold goes with --idle")
    snapshot = source.read("metrics", *(["prices"] if idle else []))
    need(snapshot, "metrics")
    jobs, keys = jobs_with(snapshot, by), by or []
    if not idle:
        found = analysis.utilization(snapshot.metrics, jobs, by=by)
        hours = ["covered_gpu_hours", "measured_share"]
        columns = [*hours, "mean_utilization", "mean_memory_share"]
        put(found, output, [*keys, *columns], "GPU utilisation, where measured")
        _tell_unlisted(snapshot)
        return
    prices = None if snapshot.prices.empty else snapshot.prices
    limit = 0.05 if threshold is None else threshold
    found = analysis.idle_gpus(snapshot.metrics, jobs, prices, threshold=limit, by=by)
    hours = ["covered_gpu_hours", "measured_share"]
    columns = [*hours, "idle_gpu_hours", "idle_share", "longest_idle_hours"]
    money = [] if prices is None else ["idle_usd"]
    title = f"Idle GPUs: utilisation below {limit:.0%}"
    put(found, output, [*keys, *columns, *money], title)
    _tell_unlisted(snapshot)
    unpriced = 0 if prices is None else found["unpriced_idle_gpu_hours"].sum()
    if unpriced:
        say(f"{unpriced:,.1f} idle GPU-hours have no known price, and are not in idle_usd")


def _tell_unlisted(snapshot: Snapshot) -> None:
    """Count the jobs whose samples are left out."""
    measured = snapshot.metrics["job_id"].drop_duplicates()
    unlisted = int((~measured.isin(snapshot.jobs["job_id"])).sum())
    if unlisted:
        say(f"samples of {count(unlisted, 'job')} that are not in the jobs table are left out")


@click.command(
    help=(
        "Show how long jobs wait for GPUs.\n\n"
        "The API tells this to administrators of the organisation only. Without it, the "
        f"jobs that wait now are shown.{SOURCE_HELP}"
    ),
    epilog="Example: trainview queue data/ --show jobs",
)
@by_columns("gpu_type")
@click.option(
    "--show", type=click.Choice(["waits", "jobs", "spot"]), default="waits", show_default=True,
    help="Waiting times by group; the jobs, those that wait now first, and who was ahead; or spot "
    "jobs beside dedicated ones: GPU-hours, preemptions, work lost, waiting.",
)  # fmt: skip
@prints_table
@asks_for_each_job
@takes_source
def queue(source: Source, output: Output, by: list[str] | None, show: str) -> None:
    from trainview.analysis import queue_waits

    if show == "spot":
        _put_spot(source, output)
        return
    snapshot = source.read("queue")
    if snapshot.queue.empty:
        say(
            "there is no queue table, only the jobs that wait now: an administrator's key tells "
            "the rest, with trainview fetch -o fleet/ --with queue"
        )
    if show == "jobs":
        _put_waiting(snapshot, output)
        return
    table = jobs_with(snapshot, by) if snapshot.queue.empty else _queue_with(snapshot, by)
    waits = queue_waits(table, by=by)
    put(waits, output, title="Hours that jobs waited (percentiles: Kaplan-Meier)")
    if output.form == "table" and waits["p99"].isna().any():
        tell("  -: more jobs still wait, or too few have been released, to tell")


def _put_spot(source: Source, output: Output) -> None:
    from trainview.analysis import spot_usage
    from trainview.text.cells import cell

    snapshot = source.read("queue", "checkpoints")
    phases, queue = snapshot.job_phases(), None if snapshot.queue.empty else snapshot.queue
    checkpoints = None if snapshot.checkpoints.empty else snapshot.checkpoints
    found = spot_usage(snapshot.jobs, phases, checkpoints, queue)
    columns = ["gpu_hours", "preempted", "preemption_rate", "low", "high", "lost_gpu_hours"]
    title = "Spot and dedicated jobs: preemptions, with 95% interval"
    put(found, output, ["availability_model", *columns], title)
    if output.form == "table" and queue is not None:
        waits = [
            f"{row.availability_model} {cell('p90_wait_hours', row.p90_wait_hours)} h"
            for row in found.itertuples()
        ]
        tell(f"  nine of ten were released within: {', '.join(waits)}")
    if checkpoints is None:
        say(
            "there is no checkpoints table, so work lost is not known: trainview fetch -o fleet/ "
            "--with queue,checkpoints"
        )


@click.command(
    help=(
        "Sum up checkpoints, and name those still syncing though their job has ended.\n\n"
        "What is in a job or project is lost for good when that is deleted."
        f"{SOURCE_HELP}"
    ),
    epilog="Example: trainview checkpoints data/ --by team_name",
)
@by_columns("project_name")
@prints_table
@asks_for_each_job
@takes_source
def checkpoints(source: Source, output: Output, by: list[str] | None) -> None:
    from trainview.analysis import checkpoint_usage

    snapshot = source.read("checkpoints")
    need(snapshot, "checkpoints")
    found = checkpoint_usage(snapshot.checkpoints, jobs_with(snapshot, by), by=by)
    columns = ["checkpoints", "size_bytes", "latest_at", "syncing_ended_jobs"]
    put(found, output, [*(by or []), *columns], "Checkpoints, and those not whole yet")
    left = int(found["syncing_ended_jobs"].sum())
    if output.form == "table" and left:
        tell(f"  still syncing though ended: {count(left, 'job')}, do not delete them yet")


@click.command(
    help=(
        "Sum up what the caches of projects hold, how old it is, and how full they are.\n\n"
        "--by takes columns of projects, file_type, and folder: the first parts of the path. How "
        f"full a cache is, the metrics of its project's jobs tell.{SOURCE_HELP}"
    ),
    epilog="Example: trainview caches data/ --by project_name,folder --depth 3",
)
@by_columns("project_name")
@click.option(
    "--depth", type=click.IntRange(min=1), default=1, show_default=True,
    help="How many parts of a path make a folder.",
)  # fmt: skip
@prints_table
@asks_for_each_job
@takes_source
def caches(source: Source, output: Output, by: list[str] | None, depth: int) -> None:
    from trainview.analysis import cache_usage

    snapshot = source.read("caches")
    need(snapshot, "caches")
    measured = {} if snapshot.metrics.empty else {"metrics": snapshot.metrics}
    found = cache_usage(
        snapshot.caches, snapshot.projects, by, **measured, jobs=snapshot.jobs, depth=depth
    )
    columns = ["files", "size_bytes", "share", "latest_at"]
    # a part of a cache is as full as the whole
    is_whole = not {"folder", "file_type"} & {*(by or [])}
    full = ["utilization"] if is_whole and found["utilization"].notna().any() else []
    put(found, output, [*(by or []), *columns, *full], "Caches, and what fills them")


def _queue_with(snapshot: Snapshot, by: list[str] | None) -> pd.DataFrame:
    """Give the queue, with the columns of its jobs and their projects that are asked for."""
    jobs, waits = jobs_with(snapshot, by), snapshot.queue
    asked = [name for name in by or () if name not in waits and name in jobs]
    return waits.merge(jobs[["job_id", *asked]], on="job_id", how="left") if asked else waits


def _put_waiting(snapshot: Snapshot, output: Output) -> None:
    jobs = snapshot.jobs
    if snapshot.queue.empty:
        waiting = jobs[jobs["is_open"] & (jobs["phase"] == "waiting")]
        found = waiting.sort_values("elapsed_hours", ascending=False, ignore_index=True)
        columns = ["job_name", "project_name", "gpu_type", "gpus", "elapsed_hours"]
        if output.form == "table" and found["error_message"].notna().any():
            found = found.assign(detail=found["error_message"])
            columns.append("detail")
        put(found, output, columns, "Jobs that wait now, the longest first")
        return
    found = snapshot.queue.sort_values(
        ["is_waiting", "waited_hours"], ascending=False, ignore_index=True
    )
    if output.form == "table":
        names = dict(zip(jobs["job_id"], jobs["job_name"].fillna(jobs["job_id"]), strict=True))
        waiting = jobs[jobs["phase"] == "waiting"].dropna(subset="error_message")
        hints = dict(zip(waiting["job_id"], waiting["error_message"], strict=True))
        found = found.assign(
            job_name=found["job_name"].fillna(found["job_id"]),
            detail=[_why(row, names, hints.get(row.job_id)) for row in found.itertuples()],
        )
    columns = ["job_name", "gpu_type", "requested_gpus", "waited_hours", "detail"]
    put(found, output, columns, "Jobs that wait now, then those that waited longest")


def _why(row: Any, names: dict[str, str], hint: str | None) -> str:
    """Say what a job met when it was submitted."""
    from pandas import isna

    limit, of_team = row.org_limit, row.team_limit
    held = f"{row.active_gpus:,} GPUs" if isna(limit) else f"{row.active_gpus:,} of {limit:,} GPUs"
    parts = [*(["still waits"] if row.is_waiting else []), f"{held} held"]
    if not isna(of_team) and (isna(limit) or of_team < limit):
        parts.append(f"team's limit {of_team:,}")
    if row.ahead_jobs:
        ahead = [names.get(job_id, job_id) for job_id in str(row.ahead_job_ids).split()]
        parts.append(f"{row.ahead_gpus:,} asked for ahead by {', '.join(ahead)}")
    if row.is_waiting and hint:
        parts.append(f"the API says: {hint}")
    return "; ".join(parts)


@click.command(
    help=(
        "Compare the GPUs that were held with how many may be, and with some more.\n\n"
        "Dedicated GPUs count against a limit, from the submission of their job on, waiting or "
        f"held, so what is above it had to wait. Spot GPUs are told beside it.{SOURCE_HELP}"
    ),
    epilog="Example: trainview quota data/ --extra-gpus 16",
)
@takes_source
@click.option(
    "--extra-gpus", type=click.IntRange(min=0), default=8, show_default=True,
    help="How many more GPUs of each type to try.",
)  # fmt: skip
@click.option("--by-team", is_flag=True, help="Compare each team with its own limits.")
@prints_table
def quota(source: Source, output: Output, extra_gpus: int, *, by_team: bool) -> None:
    from trainview import analysis
    from trainview.text.cells import cell

    snapshot = source.read("capacity")
    need(snapshot, "capacity")
    keys = ["team_name", "gpu_type"] if by_team else ["gpu_type"]
    jobs = jobs_with(snapshot, keys)
    found = analysis.quota(jobs, snapshot.capacity, extra_gpus, keys, until=snapshot.as_of)
    columns = ["limit", "peak_gpus", "mean_gpus", "at_limit_share", "over_limit_gpu_hours"]
    if by_team:
        columns.remove("mean_gpus")
    put(found, output, [*keys, *columns], "GPUs held, and the limit")
    if output.form != "table":
        return
    told = {
        "Spot jobs took": "spot_gpu_hours",
        "Jobs that waited asked for": "pending_gpu_hours",
        "Held above the limits:": "held_over_limit_gpu_hours",
    }
    for words, name in told.items():
        if found[name].any():
            click.echo(f"  {words} {cell(name, found[name].sum())} GPU-hours")
    tell_basis(snapshot, output)
    click.echo()
    reached = found[found["at_limit_share"] > 0]
    if reached.empty:
        tell("No limit was reached.")
        return
    shown = ["at_limit_share", "over_limit_gpu_hours"]
    columns = [name for part in shown for name in (part, f"{part}_with_extra")]
    title = f"What {count(extra_gpus, 'more GPU')} would have changed, at most"
    put(reached, output, [*keys, *columns], title)
