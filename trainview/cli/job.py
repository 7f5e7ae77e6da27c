"""The command about one job."""

from __future__ import annotations

import json
import shutil
from functools import partial

import click

from trainview.cli.options import write_out
from trainview.cli.sources import SOURCE_HELP, Source, asks_for_each_job, takes_source


@click.command(
    help=(
        "Tell the whole story of one job: when it waited, deployed and ran, how busy its GPUs "
        "were, checkpoints, cost, queue, attempts, error, log, and what to do.\n\n"
        "ID is the job's id, the beginning of it, or its name if no other job has it. Without a "
        f"SOURCE, a few calls ask for this job alone.{SOURCE_HELP}"
    ),
    epilog="Example: trainview job 4sva6wx data/",
)
@click.argument("job_id", metavar="ID")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="For people; or, with all that is known, for programs.",
)  # fmt: skip
@asks_for_each_job
@partial(takes_source, of_one_job=True)
def job(source: Source, job_id: str, form: str) -> None:
    story = source.read_job(job_id)
    if form == "json":
        write_out((json.dumps(story.to_dict(), ensure_ascii=False, indent=2) + "\n").encode())
    else:
        click.echo(story.to_text(shutil.get_terminal_size().columns))
