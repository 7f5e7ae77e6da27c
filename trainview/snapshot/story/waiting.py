"""Where a job stands, or stood, in the queue, and who was ahead of it."""

import pandas as pd

from trainview.snapshot.story.plain import Row, Rows, plain_rows

_SHOWN = ["job_id", "job_name", "project_name", "user_email", "status", "phase", "gpus"]


def queue_of(queue: pd.DataFrame, jobs: pd.DataFrame, job: Row) -> tuple[Row | None, Rows]:
    """Tell the place of a job in the queue.

    Parameters
    ----------
    queue : pandas.DataFrame
        Its rows of the queue table.
    jobs : pandas.DataFrame
        All jobs.
    job : dict
        Its own row of them.

    Returns
    -------
    row : dict or None
        Its row of the queue, with ``position_at_submit`` and ``position``: among those that were
        ahead and wait still; None where it waits no more, or one of them is not in `jobs`.
    ahead : list of dict
        The jobs that were ahead, first in line first; of one that is not in `jobs` the id alone.
    """
    if queue.empty:
        return None, []
    row = plain_rows(queue.iloc[-1:])[0]
    ids = (row["ahead_job_ids"] or "").split()
    found = {one["job_id"]: one for one in plain_rows(jobs[jobs["job_id"].isin(ids)][_SHOWN])}
    unknown: Row = dict.fromkeys(_SHOWN)
    ahead = [found.get(job_id, unknown | {"job_id": job_id}) for job_id in ids]
    phases = [one["phase"] for one in ahead]
    waits = job["is_open"] and job["phase"] == "waiting" and row["is_waiting"]
    is_known = len(ids) == row["ahead_jobs"] and None not in phases
    position = 1 + phases.count("waiting") if waits and is_known else None
    return row | {"position_at_submit": row["ahead_jobs"] + 1, "position": position}, ahead
