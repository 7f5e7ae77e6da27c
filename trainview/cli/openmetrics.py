"""The command that tells the live state to a monitoring system."""

from __future__ import annotations

import click

from trainview.cli.looks import each_look, in_words, read_every, until_told
from trainview.cli.options import force_option, say, split_names, wrote
from trainview.cli.publishing import Publisher, port_option
from trainview.cli.sources import Source, asks_for_each_job, takes_source
from trainview.statuses import STATUSES
from trainview.text.safe import safe_text

_TABLES = ("prices", "capacity", "metrics")
_OFTEN_SECONDS = 30.0


@click.command(
    help=(
        "Tell the live state as OpenMetrics text: open jobs, GPUs held and their limit, waiting "
        "jobs and the longest wait, idle GPUs and what they cost an hour, the time of the last "
        "look.\n\n"
        "It goes to standard output; with -o to a file in the folder of node-exporter's textfile "
        "collector; with --port to whoever scrapes 127.0.0.1. Gauges of what is so now, by "
        "project, team, type of GPU and status, not by job; what has ended is not among them.\n\n"
        "SOURCE is what trainview record writes to, or a file or folder. Without one the API is "
        "asked, with the key in BASETEN_API_KEY."
    ),
    epilog="Example: trainview openmetrics history/ -o /var/lib/node_exporter/trainview.prom",
)
@click.option(
    "-o", "--output", "target", metavar="FILE", type=click.Path(),
    help="The file to write, whole or not at all; one that trainview wrote is replaced.",
)  # fmt: skip
@port_option
@click.option(
    "--every", metavar="TIME", callback=read_every,
    help="With -o or --port: look again and again, so far apart.  [default: once; with --port 30s]",
)  # fmt: skip
@click.option("--looks", type=click.IntRange(min=1), metavar="N", help="Stop after N looks.")
@click.option(
    "--with", "include", metavar="TABLES", multiple=True, callback=split_names,
    help=f"Ask the API for more: {', '.join(_TABLES)} (a call for each open job).",
)  # fmt: skip
@force_option
@asks_for_each_job
@takes_source
def openmetrics(
    source: Source,
    target: str | None,
    port: int | None,
    every: float | None,
    looks: int | None,
    include: list[str],
    *,
    force: bool,
) -> None:
    every = _OFTEN_SECONDS if every is None and port is not None else every
    _refuse(source, target, port, every, looks, include)
    # what is open is all that is told; nothing is asked for about other jobs
    now = [status.label for status in STATUSES if not status.terminal]
    filters = source.filters
    if not filters.statuses:
        source = source._replace(filters=filters._replace(statuses=tuple(now)))
    publisher = Publisher(target, force=force)
    with publisher.serving(port):
        wait = until_told() if every is not None else bool
        for look in each_look(
            lambda: source.read(*include, as_listed=True), every=every, looks=looks, wait=wait
        ):
            if look.snapshot is None:
                say(f"the look at {look.at:%H:%M:%S} UTC failed: {in_words(look.error)}")
            for warning in look.warnings:
                say(f"warning: {in_words(warning)}")
            publisher.publish(look.snapshot, look.failed or _failed_looks(source))
            if every is None and target is not None:
                wrote(safe_text(target))
    if target is None and port is None:
        click.echo(publisher.text, nl=False)


def _failed_looks(source: Source) -> int:
    """Count the looks of a recorder that have failed since its last one that succeeded."""
    from trainview.history.reading import failed_since, history_at

    place = history_at(source.parts[0]) if len(source.parts) == 1 else None
    return 0 if place is None else failed_since(place)


def _refuse(
    source: Source,
    target: str | None,
    port: int | None,
    every: float | None,
    looks: int | None,
    include: list[str],
) -> None:
    if every is not None and target is None and port is None:
        raise click.UsageError("--every: say with -o or --port where the text goes")
    if looks is not None and every is None:
        raise click.UsageError("--looks goes with --every")
    if every is not None and "-" in source.parts:
        raise click.UsageError("standard input can be read once: name a file, a folder, or nothing")
    if source.filters.since is not None or source.filters.until is not None:
        raise click.UsageError("--since and --until: all that is told is so now, and is not cut")
    if every is not None and source.as_of is not None:
        raise click.UsageError("--as-of: each look has its own moment")
    for name in include:
        if name not in _TABLES:
            raise click.UsageError(
                f"--with {safe_text(name, 60)}: choose one of {', '.join(_TABLES)}"
            )
    if include and source.parts:
        raise click.UsageError("--with asks the API: leave SOURCE out")
