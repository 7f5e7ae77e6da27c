"""The command that saves what the API says."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, cast

import click

from trainview.cli.options import common, force_option, say, split_names, write_out, wrote
from trainview.cli.sources import (
    FetchOptions,
    address,
    ask_api,
    asks_api,
    asks_for_each_job,
    on_error,
    refuse_gaps,
)
from trainview.text.safe import safe_text

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

_SHOWN = 3


@click.command(
    help=(
        "Save what the API says, with the moment it describes.\n\n"
        "Projects and jobs alone are saved byte for byte. The key is read from "
        "BASETEN_API_KEY. Deleted jobs vanish from the API for good: what is saved stays. "
        "What has ended is kept in a cache, so that the next run, or one that you stopped "
        "with Ctrl-C, asks only for the rest."
    ),
    epilog="Example: trainview fetch -o snapshot.json",
)
@click.option(
    "-o", "--output", "target", required=True, type=click.Path(),
    help="The file to write, gzipped if it ends in .gz; - for standard output. With --with, the "
    "folder.",
)  # fmt: skip
@click.option(
    "--with", "include", metavar="TABLES", multiple=True, callback=split_names,
    help="Ask for more: prices, capacity, billing (a few calls), caches (a call a project), queue, "
    "checkpoints, metrics, logs (a call a job, or more), or everything. Then a folder of Parquet "
    "files is written. What queue, metrics and billing tell of the start of jobs makes GPU-hours "
    "and costs tighter.",
)  # fmt: skip
@asks_for_each_job
@asks_api
@force_option
@common
def fetch(
    target: str,
    include: list[str],
    jobs: str,
    base_url: str | None,
    each_job: FetchOptions,
    *,
    skip_bad: bool,
    force: bool,
) -> None:
    if include:
        _to_folder(target, include, jobs, base_url, each_job, skip_bad=skip_bad, force=force)
    else:
        _to_file(target, jobs, base_url, skip_bad=skip_bad, force=force)


def _to_file(target: str, jobs: str, base_url: str | None, *, skip_bad: bool, force: bool) -> None:
    from trainview.files.atomic import check_target, write_bytes
    from trainview.loading import load

    if target != "-":
        check_target(target, force=force)
    payload = ask_api(jobs, base_url, skip_bad=skip_bad)
    snapshot = load(payload, on_error=on_error(skip_bad))
    if target == "-":
        write_out(payload)
    else:
        packed = gzip.compress(payload) if target.endswith(".gz") else payload
        write_bytes(target, packed, force=force)
        wrote(f"{safe_text(target)}: {snapshot!r}")


def _to_folder(
    target: str,
    include: list[str],
    jobs: str,
    base_url: str | None,
    each_job: FetchOptions,
    *,
    skip_bad: bool,
    force: bool,
) -> None:
    from trainview.fetching.each_job import Options
    from trainview.fetching.snapshots import fetch_folder

    if target == "-" or target.endswith((".json", ".gz")):
        raise click.UsageError(f"--with writes several tables: name a folder, not {target}")
    snapshot, files = fetch_folder(
        target, jobs=cast("Any", jobs), include=include, on_error=on_error(skip_bad), force=force,
        options=Options(**each_job.arguments), **address(base_url),
    )  # fmt: skip
    rows = {file.stem: _rows(file) for file in files if file.suffix == ".parquet"}
    wrote(f"{safe_text(target)}: " + ", ".join(f"{name} {n:,}" for name, n in rows.items()))
    _tell_gaps(snapshot.not_fetched)
    if each_job.strict:
        refuse_gaps(snapshot)
    if rows.get("queue") == 0:
        say(
            "nothing about the queue: the API tells it to administrators, and not of every job; "
            "--with metrics,billing tell when jobs began to run"
        )
    elif "queue" not in rows:
        say(
            "GPU-hours count from submission where nothing tells better: --with queue tells when "
            "each job left the queue"
        )


def _rows(file: Path) -> int:
    import pyarrow.parquet as pq

    return cast("int", pq.read_metadata(file).num_rows)


def _tell_gaps(gaps: pd.DataFrame) -> None:
    for table, of_table in gaps.groupby("table", sort=False):
        jobs = of_table["job_id"].dropna()
        named = f" of {', '.join(map(safe_text, jobs.head(_SHOWN)))}" if len(jobs) else ""
        more = len(jobs) - _SHOWN
        say(f"not fetched: {table}{named}" + (f" and {more:,} more jobs" if more > 0 else ""))
