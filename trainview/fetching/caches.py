"""What the API tells about single projects: what their caches hold."""

from datetime import UTC, datetime
from typing import Any

from trainview.analysis.frames import read_table, to_pandas
from trainview.api.client import Access, Client
from trainview.errors import AuthError, NotFoundError
from trainview.fetching.each_job import (
    CACHE_LIMIT_GIB,
    CONCURRENCY,
    Found,
    Job,
    Options,
    Unavailable,
    fetch_each,
)
from trainview.fetching.fetched import Fetched
from trainview.schema.table_types import AnyDataFrame
from trainview.tables.caches import read_cache

_NO_RIGHT = 403
# What the API may say of a project without a cache, beside 404.
_NOTHING = b"{}"


def fetch_caches(
    projects: AnyDataFrame,
    *,
    concurrency: int = CONCURRENCY,
    cache: Any = True,
    refresh: bool = False,
    cache_limit_gib: float = CACHE_LIMIT_GIB,
    **client: Any,
) -> Fetched:
    """Ask the API what the caches of projects hold, file by file.

    Jobs can change a cache at any time, so each project is asked for each time. One without a
    cache, or that the key may not see, is counted as not available, and is no failure.

    Parameters
    ----------
    projects : pandas, Polars, DuckDB or PySpark table
        A projects table with ``project_id``.
    concurrency, cache, refresh, cache_limit_gib : optional
        As in `fetch_metrics`.
    **client
        What `Client` takes.

    Returns
    -------
    Fetched
        Its ``table`` is the table ``caches``; its ``failures`` say which projects failed, and why.

    Raises
    ------
    ArgumentError, ConfigError, AuthError, OutputError, KeyboardInterrupt
        As `fetch_metrics` does.

    Examples
    --------
    >>> import trainview as tv
    >>> caches = tv.fetch_caches(tv.fetch().projects).table  # doctest: +SKIP
    """
    client = Access(client)
    options = Options(concurrency, cache, refresh, cache_limit_gib)

    def ask(api: Client, project: Job) -> Found | Unavailable:
        try:
            answer = api.get_training_project_cache(project.project_id)
        except NotFoundError:
            return Unavailable()
        except AuthError as error:
            if error.status != _NO_RIGHT:
                raise
            return Unavailable()
        if answer.body.strip() == _NOTHING:
            return Unavailable()
        return Found({"caches": read_cache(answer.body, answer.url)}, is_final=False)

    now = datetime.now(UTC)
    ids = to_pandas(read_table(projects, ["project_id"], name="projects"))["project_id"]
    asked = [Job(str(id_), str(id_), now, now, is_over=False) for id_ in ids.drop_duplicates()]
    return fetch_each(asked, ["caches"], ask, lambda _: {}, options, client, of="project")
