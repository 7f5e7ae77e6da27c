"""Projects and jobs as one payload: what the API said, byte for byte, and when."""

from datetime import datetime, timedelta
from typing import Any, Literal

from trainview.api.client import Access, Client, Response
from trainview.errors import ArgumentError
from trainview.files.digests import Seal
from trainview.files.export import saved_header
from trainview.files.sources import Options, read_payload
from trainview.reading.records import Records
from trainview.tables.core import newest_time


def fetch_payload(
    *,
    jobs: Literal["all", "latest"] = "all",
    on_error: Literal["raise", "skip"] = "raise",
    **client: Any,
) -> bytes:
    """Ask the API for projects and jobs, and keep what it said, byte for byte.

    Parameters
    ----------
    jobs : {"all", "latest"}, optional
        Whether to ask for all jobs, or only for the latest of each project.
    on_error : {"raise", "skip"}, optional
        Whether records that do not fit are an error here already.
    **client
        What `Client` takes.

    Returns
    -------
    bytes
        A JSON object that `load` reads: the members of the answers, and ``trainview`` with the
        moment they describe.

    Raises
    ------
    TrainviewError
        As `fetch` does.
    """
    client = Access(client)
    if jobs not in {"all", "latest"}:
        raise ArgumentError(f"jobs={jobs!r}: choose 'all' or 'latest'")
    with Client(**client) as api:
        answers = [api.list_training_projects()]
        if jobs == "all":
            answers.append(api.search_training_jobs())
    header = saved_header(_moment(answers, Options(on_error == "skip"))).encode()
    members = [
        answer.body.strip().removeprefix(b"\xef\xbb\xbf").strip()[1:-1] for answer in answers
    ]
    seal = Seal()
    return seal.over(b"{" + b",\n".join([header, *members])) + seal.end()


def _moment(answers: list[Response], options: Options) -> datetime | None:
    """Tell the moment that the answers describe, checking them on the way."""
    times = [
        newest_time(part)
        for answer in answers
        for part in read_payload(answer.body, answer.url, options)
        if isinstance(part, Records)
    ]
    newest = max((time for time in times if time is not None), default=None)
    date = answers[-1].date
    if date is None:
        return newest
    # a Date header counts whole seconds: a job may be newer by a fraction of one
    if newest is not None and date < newest < date + timedelta(seconds=1):
        return newest
    return date
