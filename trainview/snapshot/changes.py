"""What happened to jobs between two looks."""

import pandas as pd

from trainview.analysis.pandas_dtypes import TEXT
from trainview.snapshot.state import State

# As they are listed: first what somebody may have to act on.
CHANGES = ("failed", "ended", "gone", "new", "changed")
_ENDS = {"failed": "failed", "succeeded": "ended", "stopped": "ended"}
_COLUMNS = [
    "change",
    "job_id",
    "job_name",
    "project_name",
    "status_before",
    "status",
    "phase",
    "error_message",
]


def job_changes(before: State, after: State) -> pd.DataFrame:
    """List the jobs that are new, have another status, or are no longer there.

    Parameters
    ----------
    before, after : Snapshot
        Two looks at the same jobs.

    Returns
    -------
    pandas.DataFrame
        One row a job that changed: ``change`` (text: ``failed``, ``ended``, ``gone``, ``new``, or
        ``changed`` to a status that is no end; what began and ended between the looks has ended),
        ``job_id``, ``job_name``, ``project_name``, ``status_before`` (null for a job that was not
        there), ``status`` (null for one that is gone), ``phase`` and ``error_message`` (null
        unless it failed), all text; in this order of changes, then by project and job.
    """
    own = ["job_id", "job_name", "project_name", "status", "phase", "error_message"]
    old, new = (
        snapshot.jobs[own].astype(dict.fromkeys(own, TEXT)).set_index("job_id")
        for snapshot in (before, after)
    )
    known = old["status"].reindex(new.index)
    found = new.assign(status_before=known)
    found = found[(known != found["status"]).fillna(value=True).astype(bool)]
    change = found["phase"].map(_ENDS).astype(TEXT)
    begun = found["status_before"].isna().map({True: "new", False: "changed"}).astype(TEXT)
    found = found.assign(change=change.fillna(begun))
    found["error_message"] = found["error_message"].where(found["phase"] == "failed")
    gone = old[~old.index.isin(new.index)]
    gone = gone.assign(
        change=pd.Series("gone", gone.index, dtype=TEXT),
        status_before=gone["status"],
        status=pd.Series(None, gone.index, dtype=TEXT),
        error_message=pd.Series(None, gone.index, dtype=TEXT),
    )
    both = pd.concat([found, gone]).reset_index()[_COLUMNS].astype(dict.fromkeys(_COLUMNS, TEXT))
    order = both["change"].map({name: place for place, name in enumerate(CHANGES)})
    both = both.assign(order=order).sort_values(["order", "project_name", "job_name", "job_id"])
    return both.drop(columns="order").reset_index(drop=True)
