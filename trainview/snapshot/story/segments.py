"""The life of a job as parts without a gap, each called what it is known to be."""

from typing import Any

import pandas as pd

from trainview.analysis.goodput import LOSES
from trainview.snapshot.story.plain import Row, Rows

# In the order in which a job lives through them; what is not told apart stands between.
PARTS = (
    "waiting",
    "waiting or deploying",
    "deploying",
    "not known",
    "deploying or running",
    "running",
    "lost",
)


def segments(phases: Row, lost: Row | None) -> Rows:
    """Cut the time of a job from submission to the end.

    Parameters
    ----------
    phases : dict
        Its row of `job_phases`.
    lost : dict, optional
        Its row of `lost_work`.

    Returns
    -------
    list of dict
        ``phase``, one of `PARTS`; ``start_at``, ``end_at``, ``hours``; none where times contradict.
    """
    begin, end = phases["submitted_at"], phases["ended_at"]
    if begin is None or end is None:
        return []
    released, started = phases["released_at"], phases["started_at"]
    before = "waiting or deploying"
    has_not_run = started is None and phases["running_hours"] == 0
    cuts: list[tuple[str, Any]]
    if has_not_run and released is None and phases["deploying_hours"] == 0:
        # it waits, or ended in the queue
        cuts = [("waiting", begin)]
    elif has_not_run:
        cuts = [("waiting", begin), ("deploying", released)] if released else [(before, begin)]
    elif started is None:
        unknown = ("deploying or running", released)
        cuts = [("waiting", begin), unknown] if released else [("not known", begin)]
    elif released is None:
        cuts = [(before, begin), ("running", started)]
    else:
        cuts = [("waiting", begin), ("deploying", released), ("running", started)]
    since = _lost_since(lost, end)
    if since is not None and since >= cuts[-1][1]:
        cuts.append(("lost", since))
    ends = [start for _, start in cuts[1:]] + [end]
    found = [
        {
            "phase": phase,
            "start_at": start,
            "end_at": stop,
            "hours": (stop - start).total_seconds() / 3600,
        }
        for (phase, start), stop in zip(cuts, ends, strict=True)
    ]
    return [part for part in found if part["hours"] > 0]


def _lost_since(lost: Row | None, end: pd.Timestamp) -> pd.Timestamp | None:
    if lost is None or lost["kind"] not in LOSES or lost["lost_hours"] is None:
        return None
    moments = [lost["last_checkpoint_at"], lost["started_at"]]
    return max((moment for moment in moments if moment is not None), default=end)
