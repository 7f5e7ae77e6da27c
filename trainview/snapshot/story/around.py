"""What concerns one job: the jobs that may continue it, who holds what it waits for, its rows."""

from collections.abc import Collection
from typing import Any, cast

import pandas as pd

from trainview.analysis.chains import COUNTER
from trainview.analysis.failures import FAILED, OPEN
from trainview.gpus import same_type

# As many as `run_chains` allows between the end of a job and the one that continues it.
_WITHIN = pd.Timedelta(hours=24)


# The columns of jobs that `find_job` and `related` look at.
RELATED = [
    *("job_id", "job_name", "project_id", "project_name", "user_email", "gpu_type", "gpus"),
    *("status", "phase", "is_open", "created_at", "end_at"),
]


def row_of(jobs: pd.DataFrame, job_id: str) -> pd.DataFrame:
    """Give the one row of a job, the last if there are several."""
    return jobs[jobs["job_id"] == job_id].iloc[-1:]


def alike(jobs: pd.DataFrame, one: pd.DataFrame) -> pd.DataFrame:
    """Give the jobs among which `run_chains` can find those that continue one another.

    Parameters
    ----------
    jobs : pandas.DataFrame
        All jobs.
    one : pandas.DataFrame
        The row of one of them.

    Returns
    -------
    pandas.DataFrame
        Its row, and those of the same project, name without its counter, user, type and number of
        GPUs that were submitted one after the other, each soon after the one before.
    """
    job = one.iloc[0]
    if pd.isna(job["job_name"]):
        return one
    some = jobs[(jobs["project_id"] == job["project_id"]) & (jobs["gpus"] == job["gpus"])]
    for name in ("gpu_type", "user_email"):
        value = job[name]
        is_same = some[name].isna() if pd.isna(value) else some[name] == value
        some = some[is_same.fillna(value=False)]
    stems = some["job_name"].str.replace(COUNTER, "", regex=True)
    some = some[(stems == stems[one.index[0]]).fillna(value=False)]
    some = some.sort_values(["created_at", "job_id"])
    # The end of a record is no earlier than that of the job: what is later than this is too late.
    is_soon = some["created_at"] <= some["end_at"].shift(1) + _WITHIN
    is_over = (some["status"] == "completed").shift(1, fill_value=True)
    number = (is_over | ~is_soon).cumsum()
    return cast("pd.DataFrame", some[number == number[one.index[0]]])


def holders(jobs: pd.DataFrame, one: pd.DataFrame) -> pd.DataFrame:
    """Give the open jobs that hold GPUs of the type that a job waits for, most GPUs first."""
    job = one.iloc[0]
    if job["phase"] != "waiting" or pd.isna(job["gpu_type"]):
        return jobs[:0]
    holding = jobs[jobs["is_open"] & jobs["phase"].isin(["starting", "running"])]
    kind = same_type(job["gpu_type"])
    kinds = holding["gpu_type"].astype("object").map(same_type, na_action="ignore")
    found = holding[(kinds == kind).to_numpy("bool")]
    return found.sort_values(["gpus", "job_id"], ascending=[False, True])


def failing(jobs: pd.DataFrame, one: pd.DataFrame) -> pd.DataFrame:
    """Give the failures in a row of a project, where a job is one of them."""
    job = one.iloc[0]
    if job["status"] not in FAILED:
        return jobs[:0]
    others = jobs[jobs["project_id"] == job["project_id"]]
    ended = others[~others["status"].isin(OPEN)]
    failed = ended["status"].isin(FAILED)
    last_fine = ended["end_at"][~failed].max()
    found = ended[failed & ((ended["end_at"] > last_fine) | pd.isna(last_fine))]
    return found if job["job_id"] in set(found["job_id"]) else jobs[:0]


def usual(jobs: pd.DataFrame, one: pd.DataFrame) -> pd.DataFrame:
    """Give the jobs that tell for how long one usually runs."""
    job = one.iloc[0]
    if job["phase"] != "running":
        return jobs[:0]
    is_usual = (jobs["project_id"] == job["project_id"]) & (jobs["status"] == "completed")
    return cast("pd.DataFrame", jobs[is_usual])


def related(jobs: pd.DataFrame, job_id: str, attempts: pd.DataFrame | None = None) -> list[str]:
    """List the jobs whose rows in other tables say something about one.

    Parameters
    ----------
    jobs : pandas.DataFrame
        All jobs.
    job_id : str
        One of them.
    attempts : pandas.DataFrame, optional
        What `alike` gives, where that is known already.

    Returns
    -------
    list of str
        Ids, each once.
    """
    one = row_of(jobs, job_id)
    attempts = alike(jobs, one) if attempts is None else attempts
    found = [*attempts["job_id"], *holders(jobs, one)["job_id"], *failing(jobs, one)["job_id"]]
    return list(map(str, dict.fromkeys(found)))


def rows_of(table: pd.DataFrame, job_ids: Collection[str]) -> pd.DataFrame:
    """Give the rows of some jobs."""
    return table[table["job_id"].isin(list(job_ids))]


def bill_of(billing: pd.DataFrame, job_ids: Collection[str]) -> pd.DataFrame:
    """Give the bill of some jobs, and of others as much as tells which days it covers."""
    mine = billing["job_id"].isin(list(job_ids))
    undated = billing["date"].isna()
    months: Any = billing["month"][undated].dropna()
    days: Any = billing["date"].dropna()
    ends = [times for times in (months, days) if len(times)]
    rows = {label for times in ends for label in (times.idxmin(), times.idxmax())}
    return billing[mine | billing.index.isin(list(rows))]
