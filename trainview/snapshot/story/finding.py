"""Find the job that somebody means: by its id, the beginning of one, or its name."""

import pandas as pd

from trainview.errors import ArgumentError
from trainview.tables.attempts import MARK
from trainview.text.names import did_you_mean
from trainview.text.safe import count, safe_text

_SHOWN = 5


def find_job(jobs: pd.DataFrame, asked: object) -> str:
    """Find one job.

    Parameters
    ----------
    jobs : pandas.DataFrame
        With ``job_id``, ``job_name``, ``project_name``, ``status`` and ``created_at``.
    asked : str
        An id, also that of an earlier attempt (``abc@2026-03-24T18:04:30Z``); else a name that
        only one job has; else the beginning of the ids of one job, of whose attempts the last
        counts.

    Returns
    -------
    str
        Its id.

    Raises
    ------
    ArgumentError
        If there is no such job, or there are several.
    """
    if not isinstance(asked, str) or not asked.strip():
        raise ArgumentError(f"no job {safe_text(repr(asked), 60)}: give its id or its name")
    name = asked.strip()
    known = jobs["job_id"]
    if (known == name).any():
        return name
    named = jobs[(jobs["job_name"] == name).fillna(value=False)]
    if len(named):
        return _one(named, f"{count(len(named), 'job')} are named {_quoted(name)}")
    begun = jobs[known.str.startswith(name)]
    if len(begun):
        return _one(begun, f"{count(len(begun), 'job id')} begin with {_quoted(name)}")
    raise ArgumentError(_unknown(name, jobs))


def _one(found: pd.DataFrame, what: str) -> str:
    """Take the one job that was found, the last of its attempts; or list some of several."""
    ids = found["job_id"]
    bases = set(ids.str.partition(MARK)[0])
    if len(ids) == 1:
        return str(ids.iloc[0])
    if len(bases) == 1:
        [base] = bases
        newest = found.sort_values("created_at", kind="stable")["job_id"].iloc[-1]
        return str(base if (ids == base).any() else newest)
    newest = found.sort_values(["created_at", "job_id"], ascending=[False, True]).head(_SHOWN)
    rows = newest[["job_id", "project_name", "status"]].astype("str").to_numpy()
    shown = ", ".join(
        f"{safe_text(job_id, 60)} ({safe_text(project, 40)}, {safe_text(status, 20)})"
        for job_id, project, status in rows
    )
    more = f" and {len(found) - len(newest):,} more" if len(found) > len(newest) else ""
    raise ArgumentError(f"{what}, give the id of one: {shown}{more}")


def _unknown(name: str, jobs: pd.DataFrame) -> str:
    if jobs.empty:
        return f"no job {_quoted(name)}: there are no jobs"
    names = [*jobs["job_id"], *jobs["job_name"].dropna().unique()]
    found = did_you_mean(name, names)
    return f"no job {_quoted(name)} among {count(len(jobs), 'job')}{safe_text(found, 200)}"


def _quoted(name: str) -> str:
    return repr(safe_text(name, 60))
