"""Where the commands read from: files, standard input, or the API."""

from __future__ import annotations

import logging
import shlex
import sys
from contextlib import nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import click

from trainview.cli.filters import Filters, filter_options, options_given, since_option
from trainview.cli.options import common, options
from trainview.cli.progress import progress
from trainview.errors import ApiError, ConfigError, SourceError
from trainview.text.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from trainview.snapshot import Snapshot
    from trainview.snapshot.story import JobStory

# Help texts stand in strings, not in docstrings, which python -OO takes away.
SOURCE_HELP = (
    "\n\nSOURCE is a file, a folder, or - for standard input; several are merged. "
    "Without one the API is asked, with the key in BASETEN_API_KEY."
)

_OR_FILE = "or name a file or folder to read, as in: trainview summary snapshot.json"

_logger = logging.getLogger("trainview")

_how_to_ask = options(
    click.option("--base-url", metavar="URL", help="Where the API is, if not at api.baseten.co."),
    click.option(
        "--skip-bad", is_flag=True,
        help="Leave out records and files that cannot be read, and say how many.",
    ),
)  # fmt: skip


asks_api = options(
    click.option(
        "--jobs", type=click.Choice(["all", "latest"]), default="all", show_default=True,
        help="Ask for all jobs, or for the latest of each project.",
    ),
    _how_to_ask,
)  # fmt: skip


class FetchOptions(NamedTuple):
    """How to ask the API about each job.

    Attributes
    ----------
    arguments : dict
        Those of `trainview.fetch` that are for it.
    strict : bool
        Whether it is an error that something could not be fetched.
    """

    arguments: Mapping[str, Any] = {}
    strict: bool = False


class Phases(NamedTuple):
    """What a command is about, with when its jobs ran.

    Attributes
    ----------
    snapshot : Snapshot
        Cut to the window that was asked for.
    phases : pandas.DataFrame
        Of its jobs, in the window.
    whole : Snapshot
        Before the cut, for what happened to these jobs earlier.
    """

    snapshot: Snapshot
    phases: pd.DataFrame
    whole: Snapshot


class Source(NamedTuple):
    """Where a command reads from, and how; quiet where a page is drawn meanwhile."""

    parts: tuple[str, ...]
    as_of: str | None
    jobs: str
    base_url: str | None
    each_job: FetchOptions
    skip_bad: bool = False
    tz: str | None = None
    filters: Filters = Filters()
    is_quiet: bool = False

    def words(self) -> str:
        """Give it as words of the command line, for a hint at another command."""
        moment = [] if self.as_of is None else ["--as-of", self.as_of]
        zone = [] if self.tz is None else ["--source-tz", self.tz]
        skip = ["--skip-bad"] if self.skip_bad else []
        words = [*self.parts, *moment, *zone, *skip, *self.filters.words()]
        return safe_text(shlex.join(words))

    def read(self, *include: str, as_listed: bool = False) -> Snapshot:
        """Load it; or, where it is not named, ask the API for it with what is to be included.

        GPU-hours are refined, by all that tells of the time before a window too, unless they shall
        be as the API lists them.
        """
        found = self._read(include, as_listed=as_listed)
        for note in found.notes:
            _logger.info("%s", safe_text(note))
        return found

    def read_phases(self, *include: str) -> Phases:
        """Load it likewise, with the phases of its jobs, found before a window is cut."""
        from trainview.analysis.clipping import clip_phases

        whole = self._replace(filters=self.filters.without_window()).read(*include, as_listed=True)
        phases = whole.job_phases()
        snapshot = self.filters.cut(whole)
        if snapshot is not whole:
            phases = clip_phases(phases, snapshot.jobs)
        return Phases(snapshot, phases, whole)

    def _read(self, include: tuple[str, ...], *, as_listed: bool) -> Snapshot:
        from trainview.loading import load

        if self.parts:
            snapshot = self._read_files(as_listed=as_listed)
            return self.filters.cut(self.filters.select(snapshot))
        from trainview.fetching.extras import OF_ORGANISATION

        try:
            payload = ask_api(
                self.jobs, self.base_url, skip_bad=self.skip_bad, is_quiet=self.is_quiet
            )
        except ConfigError as error:
            raise ConfigError(f"{error}; {_OR_FILE}") from None
        snapshot = load(payload, as_of=self.as_of, on_error=on_error(self.skip_bad))
        # bills tell of deleted jobs, which only the whole of them places
        of_all = [name for name in include if name in OF_ORGANISATION]
        snapshot = self.filters.select(self._with_more(snapshot, of_all))
        of_jobs = [name for name in include if name not in of_all]
        snapshot = self._with_more(snapshot, of_jobs)
        return self.filters.cut(snapshot if as_listed else snapshot.refine())

    def read_job(self, job_id: str) -> JobStory:
        """Load as much as the story of one job takes, or ask the API for it."""
        from trainview.loading import load_job
        from trainview.snapshot.story import job

        if not self.parts:
            return self._ask_job(job_id)
        if self.filters != Filters():
            return job(self.read(), job_id)
        names = ", ".join(safe_text(part, 40) for part in self.parts)
        with progress(f"reading {names}"):
            parts = [_standard_input() if part == "-" else part for part in self.parts]
            return load_job(
                parts if len(parts) > 1 else parts[0],
                job_id,
                as_of=self.as_of,
                on_error=on_error(self.skip_bad),
                tz=self.tz,
            )

    def _ask_job(self, job_id: str) -> JobStory:
        from trainview.fetching.each_job import Options
        from trainview.fetching.one_job import fetch_job

        try:
            return fetch_job(
                job_id,
                on_error=on_error(self.skip_bad),
                options=Options(**self.each_job.arguments),
                as_of=self.as_of,
                select=None if self.filters == Filters() else self.filters.select,
                clip=None if self.filters == Filters() else self.filters.cut,
                strict=self.each_job.strict,
                **address(self.base_url),
            )
        except ConfigError as error:
            raise ConfigError(f"{error}; {_OR_FILE}") from None

    def _read_files(self, *, as_listed: bool) -> Snapshot:
        from trainview.history.reading import history_at
        from trainview.loading import load

        what = f"reading {', '.join(safe_text(part, 40) for part in self.parts)}"
        with nullcontext() if self.is_quiet else progress(what):
            parts = [_standard_input() if part == "-" else part for part in self.parts]
            single = parts[0] if len(parts) == 1 else parts
            # of a recorded history a moment is one of many
            moment = "as_of" if history_at(single) is None else "at"
            how: dict[str, Any] = {
                "on_error": on_error(self.skip_bad),
                "tz": self.tz,
                moment: self.as_of,
            }
            snapshot = load(single, **how)
        return snapshot if as_listed else snapshot.refine()

    def _with_more(self, snapshot: Snapshot, include: list[str]) -> Snapshot:
        from trainview.fetching.each_job import Options
        from trainview.fetching.extras import OF_ORGANISATION
        from trainview.fetching.snapshots import fetch_more

        if not include:
            return snapshot
        each_job = Options(**self.each_job.arguments)
        # calls for each job have a bar of their own
        is_quick = set(include) <= set(OF_ORGANISATION)
        with progress("asking the API") if is_quick and not self.is_quiet else nullcontext():
            found = fetch_more(snapshot, include, each_job, address(self.base_url))
        if self.each_job.strict:
            refuse_gaps(found)
        return found


def takes_source(
    command: Callable[..., None], *, own_since: bool = False, of_one_job: bool = False
) -> Callable[..., None]:
    """Add SOURCE and its options; the command gets a `Source`, and a ``--since`` of its own."""
    taken = [name for name in Filters._fields if name != "since" or not own_since]

    @wraps(command)
    def taking(
        source: tuple[str, ...],
        base_url: str | None,
        jobs: str = "all",
        each_job: FetchOptions = FetchOptions(),  # noqa: B008 - it cannot be changed
        *,
        skip_bad: bool,
        **rest: Any,
    ) -> None:
        as_of, source_tz = rest.pop("as_of"), rest.pop("source_tz")
        filters = Filters(**{name: rest.pop(name) for name in taken})
        found = Source(source, as_of, jobs, base_url, each_job, skip_bad, source_tz, filters)
        command(found, **rest)

    moment = click.option(
        "--as-of", metavar="TIME", help="The moment the data describes: 2026-03-31T18:00:00Z."
    )
    zone = click.option(
        "--source-tz", metavar="ZONE",
        help="The zone of times that have none, as in lists of the vendor's command line.",
    )  # fmt: skip
    argument = click.argument("source", nargs=-1)
    filters = filter_options if own_since else options(since_option, filter_options)
    asks = _how_to_ask if of_one_job else asks_api
    return options(argument, filters, moment, zone, asks, common)(taking)


def reads_source(command: Callable[..., None]) -> Callable[..., None]:
    """Add SOURCE and its options; the command gets a snapshot instead."""

    @wraps(command)
    def reading(source: Source, **rest: Any) -> None:
        command(source.read(), **rest)

    return takes_source(reading)


def asks_for_each_job(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for calls that are made for each job; the command gets a `FetchOptions`."""

    @wraps(command)
    def asking(
        *, refresh: bool, no_cache: bool, cache_limit: float, concurrency: int, strict: bool,
        **rest: Any,
    ) -> None:  # fmt: skip
        arguments = {
            "refresh": refresh,
            "cache": not no_cache,
            "cache_limit_gib": cache_limit,
            "concurrency": concurrency,
        }
        command(each_job=FetchOptions(arguments, strict), **rest)

    return options(
        click.option(
            "--strict", is_flag=True, help="Exit with 4 if something could not be fetched."
        ),
        click.option("--refresh", is_flag=True, help="Ask again for what is in the cache."),
        click.option("--no-cache", is_flag=True, help="Neither use the cache nor fill it."),
        click.option(
            "--cache-limit", type=click.FloatRange(min=0), default=5.0, show_default=True,
            metavar="GIB", help="How large the cache may grow.",
        ),
        click.option(
            "--concurrency", type=click.IntRange(1, 32), default=8, show_default=True,
            help="How many calls for single jobs are on their way at once.",
        ),
    )(asking)  # fmt: skip


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise SourceError("cannot read standard input: it is closed")
    return sys.stdin.buffer


def on_error(skip_bad: bool) -> Any:  # noqa: FBT001 - named like its option
    """Give the argument of `trainview.load` for ``--skip-bad``."""
    return "skip" if skip_bad else "raise"


def ask_api(
    jobs: str, base_url: str | None, *, skip_bad: bool = False, is_quiet: bool = False
) -> bytes:
    """Fetch a payload with the key of the environment."""
    from trainview.fetching import fetch_payload

    with nullcontext() if is_quiet else progress("asking the API"):
        return fetch_payload(
            jobs=cast("Any", jobs), on_error=on_error(skip_bad), **address(base_url)
        )


def address(base_url: str | None) -> dict[str, str]:
    """Give the arguments of a client for the address that was asked for."""
    return {} if base_url is None else {"base_url": base_url}


def refuse_gaps(snapshot: Snapshot) -> None:
    """Object to what could not be fetched."""
    from trainview.text.gaps import name_gaps

    gaps = ", ".join(name_gaps(snapshot.not_fetched))
    if gaps:
        raise ApiError(f"{gaps} could not be fetched, and --strict asks for all")


def need(snapshot: Snapshot, table: str, include: str | None = None) -> None:
    """Object to a snapshot without a table, and say how to get it."""
    if getattr(snapshot, table).empty:
        given = options_given(click.get_current_context().params)
        none_of_it = f", or none of it for {' and '.join(given)}" if given else ""
        raise ConfigError(
            f"there is no {table} table{none_of_it}: trainview fetch -o fleet/ "
            f"--with {include or table} writes a folder with it to read"
        )


def jobs_with(snapshot: Snapshot, by: list[str] | None) -> pd.DataFrame:
    """Give the jobs table, with the columns of their projects that are asked for."""
    jobs, projects = snapshot.jobs, snapshot.projects
    asked = [name for name in by or () if name not in jobs and name in projects]
    return jobs.merge(projects[["project_id", *asked]], on="project_id") if asked else jobs
