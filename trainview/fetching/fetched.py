"""What was fetched job by job, or project by project: files on this machine, and what failed."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from trainview.errors import ArgumentError, SourceError
from trainview.files.parquet import parquet_writer, read_parquet
from trainview.schema import FLEET_TABLES
from trainview.tables.combining import combine
from trainview.tables.dtypes import complete, conform, to_pandas, without_categories
from trainview.tables.sample_order import by_series
from trainview.text.safe import count, safe_text

# Of these, each job has rows of its own; of the others, several jobs can tell the same.
_LARGE = ("metrics", "logs")


@dataclass(frozen=True, eq=False, repr=False)
class Fetched:
    """What was fetched job by job: rows on disk, and what failed.

    Attributes
    ----------
    files : dict of str to tuple of pathlib.Path
        For each table the Parquet files, one a job, in the order of the jobs; of ``caches`` one a
        project, and so in all that follows.
    failures : pandas.DataFrame
        One row a job whose call failed: ``job_id``, ``project_id``, ``error`` (its class) and
        ``detail`` (its text). Of a project, ``job_id`` is null.
    asked, cached, unavailable : int
        How many jobs the API was asked about, how many were known already, and about how many it
        says nothing, which is normal.
    of : str
        Whether this is of a ``"job"`` or a ``"project"`` each.
    """

    files: Mapping[str, tuple[Path, ...]]
    failures: pd.DataFrame
    asked: int
    cached: int
    unavailable: int = 0
    of: str = "job"

    @property
    def table(self) -> pd.DataFrame:
        """The rows of the first table, in memory."""
        return self.read()

    def read(self, name: str | None = None) -> pd.DataFrame:
        """Read a table into memory.

        Parameters
        ----------
        name : str, optional
            Its name; the first one when left out.

        Returns
        -------
        pandas.DataFrame
            The rows of all jobs.

        Raises
        ------
        ArgumentError
            If there is no such table.
        SourceError
            If a file has been deleted since.
        """
        name = self._checked(name)
        return to_pandas(_join(name, map(_read, self.files[name])))

    def write_parquet(self, path: str | Path, name: str | None = None) -> Path:
        """Copy a table into one Parquet file, job by job, whatever its size.

        Parameters
        ----------
        path : path
            The file to write; the caller takes care that it may be replaced.
        name : str, optional
            The table; the first one when left out.

        Returns
        -------
        pathlib.Path
            The file.
        """
        name = self._checked(name)
        # categories are those of one job: plain text can be written one job after the other
        schema = without_categories(FLEET_TABLES[name])
        files = map(_read, self.files[name])
        parts = files if name in _LARGE else [_join(name, files)]
        with parquet_writer(path, schema) as writer:
            for part in parts:
                ordered = by_series(part) if name == "metrics" else part
                writer.write_table(ordered.cast(schema))
        return Path(path)

    def __repr__(self) -> str:
        known = ", ".join(self.files)
        parts = [
            f"{known} of {count(len(self._first), self.of)}",
            f"{self.cached:,} from the cache",
        ]
        if self.unavailable:
            parts.append(f"{self.unavailable:,} not available")
        if len(self.failures):
            parts.append(f"{len(self.failures):,} failed")
        return f"<Fetched {', '.join(parts)}>"

    @property
    def _first(self) -> tuple[Path, ...]:
        return next(iter(self.files.values()))

    def _checked(self, name: str | None) -> str:
        known = list(self.files)
        if name is not None and name not in known:
            raise ArgumentError(f"no table {name!r} was fetched: there is {', '.join(known)}")
        return name or known[0]


def _join(name: str, parts: Iterable[pa.Table]) -> pa.Table:
    schema = FLEET_TABLES[name]
    found = [complete(part, schema) for part in parts]
    if name not in _LARGE:
        return combine(name, found)
    whole = pa.concat_tables(found).unify_dictionaries() if found else schema.empty_table()
    return conform(whole, schema)


def _read(path: Path) -> pa.Table:
    try:
        return read_parquet(path).replace_schema_metadata()
    except (OSError, pa.ArrowException) as error:
        why = f"cannot read {safe_text(path)} ({safe_text(error, 80)})"
        # so that it is asked for again
        with suppress(OSError):
            path.unlink(missing_ok=True)
    raise SourceError(f"{why}: the cache was emptied or damaged: fetch again")
