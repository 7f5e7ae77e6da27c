"""A snapshot: the tables, the moment they describe, and what is asked of them as a whole."""

from trainview.snapshot.changes import job_changes
from trainview.snapshot.comparison import Comparison, compare, comparison
from trainview.snapshot.core import Snapshot
from trainview.snapshot.questions import attention_of, figures_of, summary_of
from trainview.snapshot.refining import quiet_phases, refined, refined_with_phases
from trainview.snapshot.weeks import newest_weeks

__all__ = [
    "Comparison",
    "Snapshot",
    "attention_of",
    "compare",
    "comparison",
    "figures_of",
    "job_changes",
    "newest_weeks",
    "quiet_phases",
    "refined",
    "refined_with_phases",
    "summary_of",
]
