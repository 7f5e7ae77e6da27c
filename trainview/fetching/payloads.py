"""Projects and jobs as one payload: what the API said, byte for byte, and when."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, NamedTuple

from trainview.api.client import Access, Client, Response
from trainview.errors import ArgumentError
from trainview.files.digests import Seal
from trainview.files.export import saved_header
from trainview.files.sources import Options, Part, read_payload
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
    answers = _ask(jobs, client)
    parts = _read(answers, Options(on_error == "skip"))
    return _join(answers, _moment(answers, parts))


class Lists(NamedTuple):
    """What the API said about all projects and jobs.

    Attributes
    ----------
    parts : list of Records
        The records.
    as_of : datetime.datetime or None
        The moment they describe.
    is_complete : bool
        Whether every record could be read.
    payload : callable
        Gives what `fetch_payload` gives.
    """

    parts: list[Records]
    as_of: datetime | None
    is_complete: bool
    payload: Callable[[], bytes]


def fetch_lists(*, on_error: Literal["raise", "skip"] = "raise", **client: Any) -> Lists:
    """Ask the API for all projects and jobs, and read what it said once.

    Parameters
    ----------
    on_error, **client
        As for `fetch_payload`.

    Returns
    -------
    Lists
        The records, and the moment they describe.

    Raises
    ------
    TrainviewError
        As `fetch` does.
    """
    answers = _ask("all", client)
    parts = _read(answers, Options(on_error == "skip"))
    as_of = _moment(answers, parts)
    records = [part for part in parts if isinstance(part, Records)]
    return Lists(records, as_of, len(records) == len(parts), partial(_join, answers, as_of))


def moment_of(answers: list[Response], options: Options) -> datetime | None:
    """Tell the moment that answers describe, checking them on the way.

    Parameters
    ----------
    answers : list of Response
        About projects and jobs, the newest last.
    options : Options
        How to read them.

    Returns
    -------
    datetime.datetime or None
        By the server's clock, else the newest time in them.

    Raises
    ------
    PayloadError
        If one is not what the API documents.
    """
    return _moment(answers, _read(answers, options))


def _ask(jobs: str, client: Mapping[str, Any]) -> list[Response]:
    if jobs not in {"all", "latest"}:
        raise ArgumentError(f"jobs={jobs!r}: choose 'all' or 'latest'")
    with Client(**Access(client)) as api:
        answers = [api.list_training_projects()]
        if jobs == "all":
            answers.append(api.search_training_jobs())
    return answers


def _read(answers: list[Response], options: Options) -> list[Part]:
    return [part for answer in answers for part in read_payload(answer.body, answer.url, options)]


def _join(answers: list[Response], as_of: datetime | None) -> bytes:
    seal = Seal()
    members = [
        answer.body.strip().removeprefix(b"\xef\xbb\xbf").strip()[1:-1] for answer in answers
    ]
    header = saved_header(as_of).encode()
    return seal.over(b"{" + b",\n".join([header, *members])) + seal.end()


def _moment(answers: list[Response], parts: list[Part]) -> datetime | None:
    """Tell the moment that the answers describe."""
    times = [newest_time(part) for part in parts if isinstance(part, Records)]
    newest = max((time for time in times if time is not None), default=None)
    date = answers[-1].date
    if date is None:
        return newest
    # a Date header counts whole seconds: a job may be newer by a fraction of one
    if newest is not None and date < newest < date + timedelta(seconds=1):
        return newest
    return date
