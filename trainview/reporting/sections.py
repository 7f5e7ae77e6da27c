"""The sections of the report, in the order in which they are read."""

from collections.abc import Callable
from typing import NamedTuple

from trainview.reporting.attention import attention
from trainview.reporting.costs import costs
from trainview.reporting.failures import failures
from trainview.reporting.gpus import gpus
from trainview.reporting.jobs import durations, statuses, timeline
from trainview.reporting.parts import Topic
from trainview.reporting.queue import queue
from trainview.reporting.quota import quota
from trainview.reporting.readings import Readings
from trainview.reporting.utilization import utilization


class Section(NamedTuple):
    """A section of the report.

    Attributes
    ----------
    id : str
        For links within the page.
    title : str
        The heading.
    topic : callable
        Says from the readings what stands under it; None where they have nothing to say.
    needs_jobs : bool
        Whether it is about jobs alone, and left out where there are none.
    """

    id: str
    title: str
    topic: Callable[[Readings], Topic | None]
    needs_jobs: bool = True


SECTIONS = (
    Section("attention", "What needs attention", attention),
    Section("costs", "What it costs", costs, needs_jobs=False),
    Section("gpus", "Where the GPUs go", gpus),
    Section("utilization", "How busy the GPUs were", utilization, needs_jobs=False),
    Section("statuses", "What state the jobs are in", statuses),
    Section("failures", "What fails, and of what", failures),
    Section("durations", "How long jobs take", durations),
    Section("queue", "Why jobs waited", queue, needs_jobs=False),
    Section("quota", "Against the quota", quota, needs_jobs=False),
    Section("timeline", "What ran when", timeline),
)
