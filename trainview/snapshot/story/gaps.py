"""What the story of a job lacks, why, and how to get it."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from trainview.analysis.phases import NOT_RUN
from trainview.tables.attempts import MARK
from trainview.text.safe import safe_text

# What each table holds, in words.
_HOLDS = {
    "metrics": "samples",
    "checkpoints": "checkpoints",
    "logs": "log lines",
    "queue": "answers about the queue",
    "prices": "prices",
    "billing": "bills",
    "caches": "summaries of caches",
}
# What a job that has not run cannot have.
_OF_RUNS = ("metrics", "checkpoints", "logs", "billing", "caches")
# What is so by nature, and no gap.
HAS_NOT_RUN, HAS_NO_GPUS = "it has not run", "it has no GPUs"
HAS_NO_CACHE = "its project has no cache, or none that may be seen"
_FETCH = "trainview fetch -o fleet/ --with"


def failed_calls(not_fetched: pd.DataFrame, job_id: str, project_id: str) -> dict[str, str]:
    """Find which tables could not be fetched for a job.

    Parameters
    ----------
    not_fetched : pandas.DataFrame
        Of a snapshot.
    job_id, project_id : str
        The job, and its project.

    Returns
    -------
    dict of str to str
        What happened, by table; calls for the whole organisation count as well.
    """
    of_job, of_project = not_fetched["job_id"], not_fetched["project_id"]
    is_of_all = of_job.isna() & (of_project.isna() | (of_project == project_id))
    mine = not_fetched[((of_job == job_id) | is_of_all).to_numpy("bool")]
    return dict(zip(mine["table"], mine["detail"].fillna("unknown error"), strict=True))


def missing_parts(
    parts: Mapping[str, Any],
    known: Collection[str],
    failed: Mapping[str, str],
    is_asked: bool,  # noqa: FBT001 - the last of what is known
) -> dict[str, str]:
    """Say what is missing, by the name of its table.

    Parameters
    ----------
    parts : dict
        Of the story.
    known : collection of str
        The tables that were fetched.
    failed : dict of str to str
        As `failed_calls` gives it.
    is_asked : bool
        Whether all was asked for this job.

    Returns
    -------
    dict of str to str
        One sentence each.
    """
    job = parts["job"]
    found = {}
    for table, words in _HOLDS.items():
        if table in failed:
            reason = safe_text(failed[table], 200)
            found[table] = f"{words} could not be fetched: {reason}"
        elif table not in known:
            found[table] = f"no {words} were fetched: {_FETCH} {table}"
    empty = {
        "metrics": (parts["gpus"], "no samples of its GPUs"),
        "queue": (parts["queue"], "the queue tells nothing about this job"),
        "logs": (parts["logs"], "no log lines of this job"),
        "caches": (parts["cache"], HAS_NO_CACHE),
    }
    for table, (rows, words) in empty.items():
        if not rows:
            found.setdefault(table, words)
    is_last = MARK not in job["job_id"]
    if "logs" in known and not parts["logs"] and not is_asked and is_last:
        found["logs"] += (
            f": trainview job {safe_text(job['job_id'])}, without a file, asks for them"
        )
    if job["status"] in NOT_RUN:
        # the deployment of a job may have lines
        names = [name for name in _OF_RUNS if name != "logs" or job["phase"] != "failed"]
        found |= dict.fromkeys((name for name in names if name in found), HAS_NOT_RUN)
    if not job["gpus"]:
        found |= dict.fromkeys(("metrics", "queue"), HAS_NO_GPUS)
        if "queue" in known and parts["queue"]:
            del found["queue"]
    return found
