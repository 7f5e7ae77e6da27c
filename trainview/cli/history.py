"""The commands that keep a history: record and compact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from trainview.cli.looks import until_told
from trainview.cli.options import Output, common, prints_whole, put, say, split_names, wrote
from trainview.cli.publishing import Publisher, openmetrics_option
from trainview.cli.sources import FetchOptions, address, asks_api, asks_for_each_job, on_error
from trainview.errors import ApiError
from trainview.text.safe import count, safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command(
    help=(
        "Keep what is new or changed since the last look at the API, in DEST: a folder, or a URL "
        "such as s3://bucket/folder.\n\n"
        "Deleted jobs vanish from the API, and its list has neither start nor end of a job: who "
        "looks every few minutes knows more. Two recorders at once, or one that is killed, do no "
        "harm. Read it with: trainview summary DEST, and as it was with --as-of."
    ),
    epilog="Example: trainview record history/ --every 5m --with queue,metrics",
)
@click.argument("dest")
@click.argument("snapshots", nargs=-1)
@click.option(
    "--every", metavar="TIME",
    help="Look again and again, so far apart: 5m. Without it, look once, for cron.",
)  # fmt: skip
@click.option(
    "--looks", type=click.IntRange(min=1), metavar="N", help="With --every: stop after N looks."
)
@click.option(
    "--with", "include", metavar="TABLES", multiple=True, callback=split_names,
    help="Ask for more, as fetch does; what takes a call a job, for jobs that are new or changed "
    "since they were last asked about.",
)  # fmt: skip
@click.option(
    "--from", "saved", metavar="SNAPSHOTS", multiple=True,
    help="Record saved answers instead, the oldest first; several may follow.",
)  # fmt: skip
@click.option(
    "--without", metavar="COLUMNS", multiple=True, callback=split_names,
    help="Columns that are not kept: error_message,user_email.",
)  # fmt: skip
@openmetrics_option
@asks_for_each_job
@asks_api
@common
def record(  # noqa: PLR0913, PLR0917 - one argument an option
    dest: str,
    snapshots: tuple[str, ...],
    saved: tuple[str, ...],
    every: str | None,
    looks: int | None,
    include: list[str],
    without: list[str],
    gauges: str | None,
    jobs: str,
    base_url: str | None,
    each_job: FetchOptions,
    *,
    skip_bad: bool,
) -> None:
    from trainview.fetching.each_job import Options
    from trainview.fetching.recording import looking
    from trainview.loading import load

    if snapshots and not saved:
        raise click.UsageError(f"{snapshots[0]}: name saved answers behind --from")
    if jobs != "all":
        raise click.UsageError("--jobs latest: a history needs all jobs")
    found = looking(
        dest,
        include=include,
        every=every,
        looks=looks,
        snapshots=[*saved, *snapshots] or None,
        without=without,
        on_error=on_error(skip_bad),
        options=Options(**each_job.arguments),
        wait=until_told(),
        **address(base_url),
    )
    publisher = Publisher(gauges)
    failed = failed_looks = 0
    for row in found:
        _tell(row, dest)
        failed_looks = failed_looks + 1 if row["as_of"] is None else 0
        if gauges is not None:
            publisher.publish(None if failed_looks else load(dest), failed_looks)
        failed += row["failed_calls"]
    if failed and each_job.strict:
        raise ApiError(f"{count(failed, 'call')} failed, and --strict asks for all")


def _tell(row: Mapping[str, Any], dest: str) -> None:
    if row["as_of"] is None:
        say(f"{safe_text(dest)}: this look failed: {row['error']}")
        return
    what = ", ".join(
        f"{row[name]:,} {word}"
        for name, word in (("changed", "new or changed"), ("gone", "gone"))
        if row[name]
    )
    failed = f"; {count(row['failed_calls'], 'call')} failed" if row["failed_calls"] else ""
    say(
        f"{safe_text(dest)}: {row['as_of']:%Y-%m-%d %H:%M:%S} UTC: "
        f"{count(row['jobs'], 'job')}, {what or 'nothing changed'}{failed}"
    )


@click.command(
    help=(
        "Join the many small files of a history, one a month and table.\n\n"
        "Readers and recorders need not stop meanwhile. With --keep, what is older goes: looks, "
        "jobs that had vanished by then, samples, log lines and billed days of before."
    ),
    epilog="Example: trainview compact history/ --keep 400d",
)
@click.argument("dest")
@click.option("--keep", metavar="TIME", help="How far back to keep what was seen: 400d.")
@prints_whole
@common
def compact(dest: str, keep: str | None, output: Output) -> None:
    from trainview.history.compaction import compact as join

    joined = join(dest, keep=keep)
    before, after = joined["files_before"].sum(), joined["files"].sum()
    wrote(f"{safe_text(dest)}: {before:,} files are now {after:,}")
    put(joined[joined["files_before"] > 0], output)
