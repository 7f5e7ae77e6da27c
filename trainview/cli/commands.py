"""The commands, each a few library calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from trainview import __version__
from trainview.cli.basis import tell_basis
from trainview.cli.options import (
    Output,
    by_columns,
    common,
    force_option,
    prints_table,
    prints_whole,
    put,
    write_out,
    wrote,
)
from trainview.cli.sources import (
    SOURCE_HELP,
    Source,
    jobs_with,
    reads_source,
    takes_source,
)
from trainview.text.safe import safe_text

if TYPE_CHECKING:
    from trainview.snapshot import Snapshot


@click.group(
    help=(
        "See your Baseten training: what runs, what fails, where the GPUs go.\n\n"
        "\b\n"
        "trainview fetch -o snapshot.json    save what the API says\n"
        "trainview summary snapshot.json     the whole picture\n"
        "trainview gpu snapshot.json --by project_name --format csv"
    ),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__)
def cli() -> None:
    """Hold the commands."""


@cli.command(
    help=(
        "Show the whole picture: key figures, statuses, GPUs, failures, what needs "
        f"attention.{SOURCE_HELP}"
    ),
    epilog="Example: trainview summary data/",
)
@takes_source
@prints_whole
def summary(source: Source, output: Output) -> None:
    snapshot = source.read()
    if output.form == "table":
        from trainview.cli.dashboard import print_dashboard

        print_dashboard(snapshot, source.words())
    elif output.form == "json":
        from trainview.cli.terminal import to_json_object

        write_out(to_json_object(snapshot))
    else:
        put(snapshot.summary(), output)


@cli.command(
    help=f"Count the jobs by status.{SOURCE_HELP}",
    epilog="Example: trainview status data/ --by team_name",
)
@reads_source
@by_columns(None)
@prints_table
def status(snapshot: Snapshot, output: Output, by: list[str] | None) -> None:
    from trainview.analysis import status_counts

    put(status_counts(jobs_with(snapshot, by), by=by), output)


@cli.command(
    help=f"List the jobs, newest first.{SOURCE_HELP}",
    epilog="Example: trainview jobs data/ --status running,deploying --project llm-7b",
)
@reads_source
@prints_table
def jobs(snapshot: Snapshot, output: Output) -> None:
    found = snapshot.jobs.sort_values(
        ["created_at", "job_id"], ascending=[False, True], ignore_index=True
    )
    columns = ["job_id", "job_name", "project_name", "status", "created_at", "elapsed_hours"]
    put(found, output, [*columns, "gpus"])


@cli.command(
    help=(
        "Sum up GPUs and GPU-hours.\n\nThey count from when a job left the queue, or began to "
        "run, where the queue, status events, samples or the bill tell that; else from its "
        f"submission, an upper bound.{SOURCE_HELP}"
    ),
    epilog="Example: trainview gpu data/ --by project_name --format csv",
)
@reads_source
@by_columns("gpu_type")
@click.option(
    "--freq", type=click.Choice(["h", "D", "W", "M", "Q", "Y"]),
    help="Instead of sums: GPU-hours per hour, day, week, month, quarter or year.",
)  # fmt: skip
@click.option("--tz", help="With --freq: the zone that days begin in.  [default: UTC]")
@prints_table
def gpu(
    snapshot: Snapshot, output: Output, by: list[str] | None, freq: str | None, tz: str | None
) -> None:
    from trainview.analysis import gpu_hours_over_time, gpu_usage

    if freq is None and tz is not None:
        raise click.UsageError("--tz goes with --freq: name a period")
    if freq is None:
        put(gpu_usage(jobs_with(snapshot, by), by=by), output)
    else:
        put(gpu_hours_over_time(jobs_with(snapshot, by), freq=freq, by=by, tz=tz or "UTC"), output)
    tell_basis(snapshot, output)


@cli.command(
    help=(
        "List when each job was submitted, and ran as far as that is known, in lanes in which no "
        f"two jobs overlap.{SOURCE_HELP}"
    ),
    epilog="Example: trainview timeline data/ --rows 50",
)
@takes_source
@by_columns("project_name")
@prints_table
def timeline(source: Source, output: Output, by: list[str] | None) -> None:
    from trainview.analysis import job_timeline

    snapshot, phases, _ = source.read_phases()
    found = job_timeline(jobs_with(snapshot, by), by=by, phases=phases)
    columns = ["lane", "project_name", "job_name", "status", "start", "elapsed_hours"]
    ran = phases.drop_duplicates("job_id").set_index("job_id")["running_hours"]
    if output.form == "table" and (phases["basis"] != "none").any():
        found = found.assign(ran_hours=found["job_id"].map(ran))
        columns.append("ran_hours")
    put(found, output, columns)


@cli.command(
    help=(
        "List what someone should look at: first what wastes most, at list prices in USD where "
        f"metrics and prices are known.{SOURCE_HELP}"
    ),
    epilog="Example: trainview attention data/ --waiting-hours 4",
)
@reads_source
@click.option("--waiting-hours", type=float, default=2.0, show_default=True, help="Longest wait.")
@click.option(
    "--deploying-hours", type=float, default=1.0, show_default=True, help="Longest deployment."
)
@click.option(
    "--silent-hours", type=float, default=72.0, show_default=True,
    help="Longest time an open job may go without an update.",
)  # fmt: skip
@click.option(
    "--usual-factor", type=float, default=3.0, show_default=True,
    help="How far beyond its project's usual a job may run.",
)  # fmt: skip
@click.option(
    "--idle-hours", type=float, default=2.0, show_default=True,
    help="Longest time a GPU of an open job may be idle.",
)  # fmt: skip
@click.option(
    "--failures", type=click.IntRange(min=1), default=3, show_default=True,
    help="How many failures of a project in a row are too many.",
)  # fmt: skip
@prints_table
def attention(snapshot: Snapshot, output: Output, **limits: Any) -> None:
    from trainview.snapshot import attention_of

    found = attention_of(snapshot, **limits)
    money = [name for name in ("wasted_usd",) if found[name].notna().any()]
    put(found, output, ["reason", "project_name", "job_name", *money, "detail"])


@cli.command(
    help=f"Write the tables to files, which trainview reads back.{SOURCE_HELP}",
    epilog="Example: trainview export snapshot.json -o tables/ --to csv",
)
@takes_source
@click.option(
    "-o", "--output", "target", required=True, type=click.Path(),
    help="The folder to write to; for json and xlsx, the file.",
)  # fmt: skip
@click.option(
    "--to", type=click.Choice(["csv", "parquet", "json", "xlsx"]), default="parquet",
    show_default=True, help="The format.",
)  # fmt: skip
@click.option("--raw-csv", is_flag=True, help="Keep CSV cells that look like formulas.")
@force_option
def export(source: Source, target: str, to: str, *, raw_csv: bool, force: bool) -> None:
    snapshot = source.read(as_listed=True)
    if to == "csv":
        files = snapshot.to_csv(target, raw=raw_csv, force=force)
    elif to == "parquet":
        files = snapshot.to_parquet(target, force=force)
    elif to == "xlsx":
        files = [snapshot.to_excel(target, force=force)]
    else:
        files = [snapshot.to_json(target, force=force)]
    wrote(f"{', '.join(safe_text(file) for file in files)}")


@cli.command(
    help=(
        "Write synthetic answers of the API into FOLDER, to try things out.\n\n"
        "Equal options give equal files."
    ),
    epilog="Example: trainview sample data/ --force",
)
@click.argument("folder", type=click.Path())
@click.option("--projects", type=click.IntRange(min=0), default=40, show_default=True)
@click.option("--jobs-per-project", type=click.IntRange(min=0), default=15, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--only-lists", is_flag=True, help="Write the lists of projects and jobs alone.")
@force_option
@common
def sample(
    folder: str, projects: int, jobs_per_project: int, seed: int, *, only_lists: bool, force: bool
) -> None:
    from trainview.sampling import Fleet
    from trainview.sampling.writing import write_sample

    fleet = Fleet(projects, jobs_per_project, seed)
    files = write_sample(folder, fleet, only_lists=only_lists, force=force)
    wrote(f"{', '.join(safe_text(file) for file in files)}")


@cli.command(
    help="Describe the columns of every table, or of one, such as jobs or prices.",
    epilog="Example: trainview columns jobs --format csv",
)
@click.argument("table", required=False)
@prints_whole
@common
def columns(table: str | None, output: Output) -> None:
    from trainview.schema import columns as describe

    found = describe(table)
    put(found, output, ["table", "column", "dtype", "unit", "description"])
