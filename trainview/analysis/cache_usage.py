"""What the caches of projects hold, and how full they are."""

from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import (
    By,
    Frame,
    column_names,
    from_pandas,
    give_back_small,
    group_keys,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.joins import beside, one_a_job
from trainview.analysis.pandas_dtypes import with_dtypes
from trainview.analysis.small_tables import read_small
from trainview.errors import ArgumentError
from trainview.schema.table_types import AnyDataFrame, DataFrame
from trainview.text.names import did_you_mean

FOLDER, DIRECTORY, SHARE = "folder", "directory", "cache_utilization"
COUNTS = ("projects", "files")
SIZES = ("size_bytes", "largest_bytes")
MOMENTS = ("oldest_at", "latest_at", "captured_at")
# Which of their samples is the newest of a project is found in memory.
MOST_JOBS = 1_000_000
DTYPES = {
    **dict.fromkeys(COUNTS, "int64"),
    **dict.fromkeys((*SIZES, "utilization"), "float64"),
}
RESULT = (*COUNTS, *SIZES, "share", *MOMENTS, "utilization", "measured_at")


def cache_usage(
    caches: DataFrame,
    projects: AnyDataFrame | None = None,
    by: By = "project_name",
    *,
    metrics: AnyDataFrame | None = None,
    jobs: AnyDataFrame | None = None,
    depth: int = 1,
) -> DataFrame:
    """Sum up what the caches of projects hold: how much, in how many files, how old, how full.

    All jobs of a project share its cache, and it outlives them. Directories are no files: their own
    size does not count. What is listed twice counts once, and as large as the larger row says.

    Parameters
    ----------
    caches : pandas, Polars, DuckDB or PySpark table
        A caches table with ``project_id``, ``path``, ``size_bytes``, ``file_type``,
        ``modified_at``, ``captured_at`` and the columns of `by` that are its own.
    projects : table, optional
        A projects table with ``project_id`` and the other columns of `by`. Of projects that are not
        in it these are null.
    by : str or sequence of str, optional
        Columns to group by, of `caches` or of `projects`; or ``"folder"``, the first parts of the
        path. None for one row over all.
    metrics : table, optional
        A metrics table with ``job_id``, ``metric``, ``timestamp`` and ``value``: jobs tell how full
        the cache is that they use. Needs `jobs`.
    jobs : table, optional
        A jobs table with ``job_id`` and ``project_id``.
    depth : int, optional
        How many parts of the path make a ``folder``. A file that lies higher stands for itself.

    Returns
    -------
    table of the same kind as `caches`
        One row a group, the one that holds most first.

        - the columns of `by`, categories as text
        - ``projects`` (int64): projects whose caches are known
        - ``files`` (int64): files in them
        - ``size_bytes`` (float64): bytes of these
        - ``largest_bytes`` (float64): bytes of the largest; null without files
        - ``share`` (float64): of the bytes of all groups, 0 to 1; null where these are none
        - ``oldest_at``, ``latest_at`` (datetime, UTC): when the file that was changed first, and
          the one that was changed last, did so
        - ``captured_at`` (datetime, UTC): when the API looked; of several moments the earliest
        - ``utilization`` (float64): how full the cache is, 0 to 1, by the newest sample of any job
          of its project; of several projects the fullest; null where no job tells
        - ``measured_at`` (datetime, UTC): when that was; of several projects the earliest

    Raises
    ------
    ArgumentError
        If a column is missing, `by` names none or needs `projects`, `metrics` comes without `jobs`,
        `depth` is below 1, or more than 1,000,000 jobs of a lazy table have samples of caches.

    Examples
    --------
    >>> import pandas as pd
    >>> caches = pd.DataFrame(
    ...     {
    ...         "project_id": "p1",
    ...         "path": ["hub", "hub/model.safetensors", "data/shard-0"],
    ...         "size_bytes": [4096, 900, 100],
    ...         "file_type": ["directory", "file", "file"],
    ...         "modified_at": pd.to_datetime(["2026-01-02", "2026-01-02", "2026-01-01"], utc=True),
    ...         "captured_at": pd.to_datetime("2026-01-03", utc=True),
    ...     }
    ... )
    >>> cache_usage(caches, by="folder")[["folder", "files", "size_bytes", "share"]]
      folder  files  size_bytes  share
    0    hub      1       900.0    0.9
    1   data      1       100.0    0.1
    """
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 1:
        raise ArgumentError(f"depth={depth!r}: give a number of parts of a path, from 1")
    keys = group_keys(by, result=RESULT)
    there = column_names(caches, "caches")
    makes_folders = FOLDER in keys and FOLDER not in there
    own = [key for key in keys if key in there and key != "project_id"]
    others = [key for key in keys if key not in {*there, FOLDER}]
    if others and projects is None:
        raise ArgumentError(
            f"by={others[0]!r}: no column of caches, give the projects table too"
            f"{did_you_mean(others[0], there)}"
        )
    frame = _files(caches, own)
    if makes_folders:
        frame, own = frame.with_columns(folder=_folder(depth)), [*own, FOLDER]
    size, changed, is_file = nw.col("size_bytes"), nw.col("modified_at"), nw.col("__file")
    table = frame.group_by("project_id", *own).agg(
        files=is_file.sum(),
        size_bytes=size.sum(),
        largest_bytes=size.max(),
        oldest_at=changed.min(),
        latest_at=changed.max(),
        captured_at=nw.col("captured_at").min(),
    )
    if others:
        facts = read_small(projects, ["project_id", *others], name="projects")
        facts = plain_text(facts, others)
        facts = facts.group_by("project_id").agg(nw.col(*others).max())
        table = beside(table, facts, "project_id")
    table = _with_utilization(table, metrics, jobs)
    sums = {
        "projects": nw.len(),
        **{name: nw.col(name).sum() for name in ("files", "size_bytes")},
        "largest_bytes": nw.col("largest_bytes").max(),
        "oldest_at": nw.col("oldest_at").min(),
        "latest_at": nw.col("latest_at").max(),
        "captured_at": nw.col("captured_at").min(),
        "utilization": nw.col("utilization").max(),
        "measured_at": nw.col("measured_at").min(),
    }
    found = table.group_by(*keys).agg(**sums) if keys else table.select(**sums)
    small = to_pandas(plain_text(found, keys))
    small = with_dtypes(small.fillna({**dict.fromkeys(COUNTS, 0), "size_bytes": 0.0}), DTYPES)
    # a column of nulls alone has lost its zone
    for name in (*MOMENTS, "measured_at"):
        small[name] = pd.to_datetime(small[name], utc=True).dt.as_unit("us")
    total = small["size_bytes"].sum()
    small["share"] = small["size_bytes"] / (total if total > 0 else np.nan)
    ascending = [False, *[True] * len(keys)]
    small = small.sort_values(["size_bytes", *keys], ascending=ascending, na_position="last")
    return give_back_small(small[[*keys, *RESULT]], caches)


def _files(caches: Any, own: list[str]) -> Frame:
    """Open a caches table: each path once, what is no file without a size and a moment."""
    text = ["project_id", "path", "file_type"]
    times = ["modified_at", "captured_at"]
    frame = read_small(caches, [*text, "size_bytes", *times, *own], name="caches", times=times)
    others = [key for key in own if key not in {*text, "size_bytes", *times}]
    frame = plain_text(frame, own)
    frame = frame.with_columns(nw.col(*text).cast(nw.String), nw.col("size_bytes").cast(nw.Float64))
    ones = frame.group_by("project_id", "path").agg(
        nw.col("file_type", "size_bytes", *times, *others).max()
    )
    is_directory = (nw.col("file_type") == DIRECTORY).fill_null(value=False)
    is_file = ~nw.col("path").is_null() & ~is_directory
    return ones.with_columns(
        __file=is_file.cast(nw.Int64),
        size_bytes=nw.when(is_file).then(nw.col("size_bytes")),
        modified_at=nw.when(is_file).then(nw.col("modified_at")),
    )


def _folder(depth: int) -> nw.Expr:
    """Take the first parts of a path; engines spell groups of a pattern in different ways."""
    rest = nw.col("path").str.replace_all(r"^(\./|/)+", "")
    folder = None
    for _ in range(depth):
        part = rest.str.replace_all("(?s)/.*", "")
        deeper = nw.concat_str(folder, part, separator="/") if folder is not None else part
        folder = nw.when(part == "").then(folder).otherwise(deeper) if folder is not None else part
        rest = rest.str.replace_all(r"(?s)^[^/]*/*", "")
    return cast("nw.Expr", folder)


def _with_utilization(table: Frame, metrics: Any, jobs: Any) -> Frame:
    """Put beside each project the newest utilisation that one of its jobs tells."""
    if metrics is None:
        never = nw.when(nw.lit(value=False)).then(nw.col("captured_at"))
        return table.with_columns(utilization=nw.lit(None, nw.Float64), measured_at=never)
    if jobs is None:
        raise ArgumentError("metrics=: give jobs= too, to tell which project a job is of")
    frame = read_table(metrics, ["job_id", "metric", "timestamp", "value"], name="metrics")
    frame = plain_text(frame, ["metric"]).filter(nw.col("metric") == SHARE)
    frame = frame.filter(~nw.col("value").is_null()).with_columns(nw.col("job_id").cast(nw.String))
    newest = frame.group_by("job_id").agg(__newest=nw.col("timestamp").max())
    samples = frame.join(newest, on="job_id", how="left").filter(
        nw.col("timestamp") == nw.col("__newest")
    )
    of_jobs = one_a_job(read_small(jobs, ["job_id", "project_id"]))
    newest = beside(samples.select("job_id", "timestamp", "value"), of_jobs, "job_id")
    placed = to_pandas(newest, most=MOST_JOBS, what="jobs with samples of caches")
    placed = placed.dropna(subset="project_id").sort_values(["timestamp", "value"])
    placed = placed.drop_duplicates("project_id", keep="last")
    placed = placed.rename(columns={"timestamp": "measured_at", "value": "utilization"})
    facts = placed[["project_id", "utilization", "measured_at"]].astype({"utilization": "float64"})
    return beside(table, from_pandas(facts, table), "project_id")
