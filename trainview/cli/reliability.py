"""The commands about what came of the GPU time: goodput, failures, and what they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from trainview.cli.basis import tell_basis
from trainview.cli.options import Output, by_columns, prints_table, put, say, tell
from trainview.cli.sources import (
    SOURCE_HELP,
    Phases,
    Source,
    asks_for_each_job,
    jobs_with,
    need,
    takes_source,
)
from trainview.errors import ConfigError
from trainview.text.safe import count

if TYPE_CHECKING:
    import pandas as pd

    from trainview.snapshot import Snapshot

# What tells when jobs ran; status events come with the queue.
_EVIDENCE = ("billing", "queue")
# As `error_groups` tells them.
_ORIGINS = ["code", "infrastructure", "capacity", "unknown"]
_REMEDY = "trainview fetch -o fleet/ --with billing,queue,metrics"
_NO_CHECKPOINTS = (
    "no checkpoints were fetched, so what was lost is not known: "
    "trainview fetch -o fleet/ --with checkpoints"
)


@click.command(
    help=(
        "Show what share of the GPU time was productive, at most.\n\n"
        "Deployment, the work of failed and preempted jobs since their last checkpoint, and idle "
        "GPUs do not count. An upper bound: what happens inside a run is not seen, and what is "
        f"not known counts as good.{SOURCE_HELP}"
    ),
    epilog="Example: trainview goodput data/ --by team_name",
)
@by_columns("project_name")
@prints_table
@asks_for_each_job
@takes_source
def goodput(source: Source, output: Output, by: list[str] | None) -> None:
    from trainview import analysis
    from trainview.text.cells import cell

    snapshot, phases, whole = _read(source, "metrics", "checkpoints")
    jobs, saved = jobs_with(snapshot, by), _checkpoints(whole)
    metrics = None if whole.metrics.empty else whole.metrics
    found = analysis.goodput(jobs, phases, saved, by=by, metrics=metrics)
    parts = {"lost": saved, "deploying": phases, "idle": metrics}
    hours = [f"{name}_gpu_hours" for name, table in parts.items() if table is not None]
    columns = [*(by or []), "running_gpu_hours", *hours, "goodput"]
    put(found, output, columns, "Goodput, an upper bound: the productive share of GPU-hours")
    if output.form == "table":
        total: Any = analysis.goodput(jobs, phases, saved, by=None, metrics=metrics).iloc[0]
        tell(
            f"  {count(total['jobs'], 'job')}: goodput {cell('goodput', total['goodput'])} at most"
        )
        if total["unknown_jobs"]:
            held = cell("unknown_gpu_hours", total["unknown_gpu_hours"])
            good = f": their {held} GPU-hours count as good" if total["unknown_gpu_hours"] else ""
            tell(f"  {count(total['unknown_jobs'], 'job')} of unknown running time{good}")
    if saved is None:
        say(_NO_CHECKPOINTS)
    if metrics is None:
        say(
            "no metrics were fetched, so idle GPUs are not subtracted: "
            "trainview fetch -o fleet/ --with metrics"
        )


@click.command(
    help=(
        "Show who fails how often (with a 95% interval), of what, and what that takes.\n\n"
        "How long jobs run until one fails (mttf, by size unless you name --by), what work was "
        "lost since the last checkpoints (lost) and which jobs continue one another (chains) are "
        "known as far as the bill, the queue, samples and checkpoints were fetched."
        f"{SOURCE_HELP}"
    ),
    epilog="Example: trainview failures data/ --by user_email",
)
@by_columns("project_name")
@click.option(
    "--show", type=click.Choice(["rates", "errors", "mttf", "lost", "chains"]), default=None,
    help="Only failure rates, error messages, mean times to failure, lost work, or attempts at "
    "the same; a table for people has rates and errors, CSV and JSON have the rates unless you "
    "choose.",
)  # fmt: skip
@click.option(
    "--origin", type=click.Choice(_ORIGINS), multiple=True,
    help="With --show mttf: only failures of this origin; several again and again.",
)  # fmt: skip
@click.option(
    "--within-hours", type=click.FloatRange(min=0, min_open=True),
    help="With --show chains: how soon after one ended the next is submitted.  [default: 24]",
)  # fmt: skip
@prints_table
@asks_for_each_job
@takes_source
def failures(
    source: Source, output: Output, by: list[str] | None, show: str | None,
    origin: tuple[str, ...], within_hours: float | None,
) -> None:  # fmt: skip
    if origin and show != "mttf":
        raise click.UsageError("--origin goes with --show mttf")
    if within_hours is not None and show != "chains":
        raise click.UsageError("--within-hours goes with --show chains")
    chosen = click.get_current_context().get_parameter_source("by") is not ParameterSource.DEFAULT
    if chosen and show in {"lost", "chains"}:
        raise click.UsageError("--by goes with --show rates and --show mttf")
    if show == "mttf":
        _put_mttf(source, output, by if chosen else ["gpus"], list(origin))
    elif show == "lost":
        _put_lost(source, output)
    elif show == "chains":
        _put_chains(source, output, within_hours or 24)
    else:
        _put_failures(source.read(), output, by, show)


def _put_failures(
    snapshot: Snapshot, output: Output, by: list[str] | None, show: str | None
) -> None:
    from trainview.analysis import error_groups, failure_rates

    both = show is None and output.form == "table"
    if both or show != "errors":
        rates = failure_rates(jobs_with(snapshot, by), by=by)
        put(rates, output, title="Failure rates (low, high: 95% interval)")
    if both:
        click.echo()
    if both or show == "errors":
        errors = error_groups(snapshot.jobs)
        columns = ["error", "category", "jobs", "gpu_hours", "last_seen"]
        put(errors, output, columns, "Top failure causes")
        tell_basis(snapshot, output, failed=True)
        known = errors[errors["category"] != "other"]
        if output.form == "table" and len(known):
            click.echo()
            kinds = known[["category", "advice"]].drop_duplicates().head(5)
            put(kinds, output, title="What to do")


def _put_mttf(source: Source, output: Output, by: list[str] | None, origin: list[str]) -> None:
    """Print how long jobs run until one fails."""
    from trainview.analysis import time_to_failure

    snapshot, phases, _ = _read(source)
    found = time_to_failure(jobs_with(snapshot, by), phases, by=by, origin=origin or None)
    columns = ["running_hours", "failures", "mttf_hours", "mttf_low_hours", "mttf_high_hours"]
    what = f"failures of {', '.join(origin)}" if origin else "failures"
    title = f"Mean time to failure (MTTF): running hours by {what} (low, high: 95% interval)"
    put(found, output, [*(by or []), "jobs", *columns], title)
    if output.form != "table":
        return
    if (found["mttf_low_hours"].notna() & found["mttf_hours"].isna()).any():
        tell("  -: without a failure only the lower bound is known")
    if unknown := int(found["unknown_jobs"].sum()):
        tell(f"  without {count(unknown, 'job')} of unknown running time")


def _put_lost(source: Source, output: Output) -> None:
    """Print what jobs that ended early had done since their last checkpoint."""
    from trainview.analysis import lost_work

    snapshot, phases, whole = _read(source, "checkpoints")
    need(whole, "checkpoints")
    jobs = snapshot.jobs
    found = lost_work(jobs, phases, whole.checkpoints)
    if output.form != "table":
        put(found, output)
        return
    columns = ["kind", "gpus", "last_checkpoint_at", "lost_hours", "lost_gpu_hours"]
    title = "Work lost since the last checkpoint"
    put(_named(found, jobs), output, ["project_name", "job_name", *columns], title)
    _tell_lost(found)


def _tell_lost(found: pd.DataFrame) -> None:
    """Sum up by kind: what stopped jobs had not saved is told apart."""
    from trainview.text.cells import cell

    notes = {"failed": "", "preempted": "", "stopped": ", as their users may have wanted"}
    for kind, note in notes.items():
        hours = found.loc[found["kind"] == kind, "lost_gpu_hours"]
        if not len(hours):
            continue
        unknown = int(hours.isna().sum())
        gap = f", not known of {unknown:,}" if unknown else ""
        total = cell("lost_gpu_hours", hours.sum(min_count=1))
        tell(f"  {kind}{note}: {total} GPU-hours of {count(len(hours), 'job')}{gap}")


def _put_chains(source: Source, output: Output, within_hours: float) -> None:
    """Print which jobs continue one another."""
    from trainview.analysis import run_chains

    snapshot, phases, whole = source.read_phases(*_EVIDENCE, "checkpoints")
    saved = _checkpoints(whole)
    found = run_chains(snapshot.jobs, within_hours=within_hours, phases=phases, checkpoints=saved)
    if output.form == "table":
        several = found["attempts"] > 1
        heads = _named(found[several & (found["attempt"] == 1)], snapshot.jobs)
        columns = ["attempts", "outcome", "wall_hours", "running_hours", "lost_hours", "ettr"]
        title = "Attempts at the same, by names and times (a heuristic)"
        put(heads, output, ["project_name", "job_name", *columns], title)
        tell(f"  {count(int((~several).sum()), 'job')} without another attempt")
        tell("  ettr: effective training time ratio, (running - lost) / wall hours")
    else:
        put(found, output)
    if not _has_evidence(whole):
        say(f"running hours are not known: {_REMEDY}")
    if saved is None:
        say(_NO_CHECKPOINTS)


def _read(source: Source, *include: str) -> Phases:
    """Read what tells when jobs ran, and refuse what does not."""
    found = source.read_phases(*_EVIDENCE, *include)
    if not _has_evidence(found.whole) and len(found.snapshot.jobs):
        raise ConfigError(
            f"there is nothing that tells when jobs ran: {_REMEDY} writes a folder with it to read"
        )
    return found


def _has_evidence(snapshot: Snapshot) -> bool:
    tables = ("billing", "queue", "status_events", "metrics")
    return any(len(getattr(snapshot, name)) for name in tables)


def _checkpoints(snapshot: Snapshot) -> pd.DataFrame | None:
    return None if snapshot.checkpoints.empty else snapshot.checkpoints


def _named(found: pd.DataFrame, jobs: pd.DataFrame) -> pd.DataFrame:
    """Give jobs their names, those without one their ids."""
    names = jobs.drop_duplicates("job_id").set_index("job_id")["job_name"]
    named = found["job_id"].map(names).fillna(found["job_id"])
    return found.assign(job_name=named).reset_index(drop=True)
