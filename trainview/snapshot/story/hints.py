"""What else the story of a job has: its project's cache, fewer GPUs, a cause in its log."""

import pandas as pd

from trainview.analysis.cache_usage import DIRECTORY, SHARE
from trainview.analysis.failures import error_groups
from trainview.analysis.right_size import MAX_MEMORY_SHARE, MAX_UTILIZATION, right_size
from trainview.snapshot.story.plain import Row, Rows, plain_rows

_NEVER: Row = {"value": None, "timestamp": None}
# The category of a failure that no rule knows.
_OTHER = "other"
# So many of the last lines of a log may tell why a job failed.
_LAST_LINES = 100


def cache_of(caches: pd.DataFrame, mine: pd.DataFrame, metrics: pd.DataFrame) -> Row | None:
    """Sum up the cache of a job's project.

    Parameters
    ----------
    caches : pandas.DataFrame
        The caches table.
    mine : pandas.DataFrame
        The job's row of the jobs table.
    metrics : pandas.DataFrame
        Its samples, which tell how full the cache was.

    Returns
    -------
    dict or None
        Its row of `cache_usage`; None where the project has no cache, as far as is known.
    """
    of_project = caches[(caches["project_id"] == mine["project_id"].iloc[0]).to_numpy("bool")]
    if of_project.empty:
        return None
    # `cache_usage` is for many projects: of one it would take a tenth of the whole story's time
    ones = of_project.sort_values("size_bytes").drop_duplicates("path", keep="last")
    is_directory = (ones["file_type"] == DIRECTORY).fillna(value=False)
    files = ones[ones["path"].notna() & ~is_directory]
    shares = metrics[(metrics["metric"] == SHARE).to_numpy("bool")].dropna(subset="value")
    newest = shares.sort_values(["timestamp", "value"])[["value", "timestamp"]].tail(1)
    utilization, measured_at = (plain_rows(newest)[0] if len(newest) else _NEVER).values()
    size, changed = files["size_bytes"], files["modified_at"]
    found = {
        "project_id": [str(mine["project_id"].iloc[0])],
        "projects": [1],
        "files": [len(files)],
        "size_bytes": [float(size.sum())],
        "largest_bytes": [float(size.max())] if len(files) else [None],
        "share": [1.0] if size.sum() > 0 else [None],
        "oldest_at": [changed.min()],
        "latest_at": [changed.max()],
        "captured_at": [ones["captured_at"].min()],
        "utilization": [utilization],
        "measured_at": [measured_at],
    }
    return plain_rows(pd.DataFrame(found))[0]


def fewer_gpus(
    metrics: pd.DataFrame, mine: pd.DataFrame, prices: pd.DataFrame, gpus: Rows, usage: Row | None
) -> Row | None:
    """Find a cheaper instance type that would do for a job.

    Parameters
    ----------
    metrics, mine, prices : pandas.DataFrame
        The job's samples, its row of the jobs table, and the prices table.
    gpus, usage : list of dict, dict or None
        What `measured` gives.

    Returns
    -------
    dict or None
        Its row of `right_size`; None where there is no such type.
    """
    if usage is None or prices.empty:
        return None
    # most jobs need not be looked at any closer
    is_busy = (usage["mean_utilization"] or 0.0) >= MAX_UTILIZATION
    if is_busy or any((one["max_memory_share"] or 0.0) >= MAX_MEMORY_SHARE for one in gpus):
        return None
    found = plain_rows(right_size(mine, metrics, prices))
    return found[0] if found else None


def error_of(mine: pd.DataFrame, logs: Rows) -> Row | None:
    """Find out why a job failed.

    Parameters
    ----------
    mine : pandas.DataFrame
        Its row of the jobs table.
    logs : list of dict
        Its log lines, the oldest first.

    Returns
    -------
    dict or None
        Its row of `error_groups`, by its log where it has no message and the log has a cause that
        is known, and ``told_by``, ``message`` or ``log``; None if it has not failed.
    """
    if mine["phase"].iloc[0] != "failed":
        return None
    found = plain_rows(error_groups(mine))[0] | {"told_by": "message"}
    if found["error"] is not None or not logs:
        return found
    text = "\n".join(line["message"] for line in logs[-_LAST_LINES:])
    told = plain_rows(error_groups(mine.assign(error_message=text)))[0]
    return found if told["category"] == _OTHER else told | {"told_by": "log"}
