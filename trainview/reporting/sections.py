"""The sections of the report, in the order in which they are read."""

from collections.abc import Callable
from typing import NamedTuple

from trainview.reporting.attention import attention
from trainview.reporting.changes import changes
from trainview.reporting.costs import costs
from trainview.reporting.failures import failures
from trainview.reporting.gpus import gpus
from trainview.reporting.health import health
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
    Section("changes", "What changed", changes),
    Section("attention", "Needs attention", attention),
    Section("costs", "Cost", costs, needs_jobs=False),
    Section("health", "Fleet health", health),
    Section("gpus", "GPU usage", gpus),
    Section("utilization", "GPU utilisation", utilization, needs_jobs=False),
    Section("statuses", "Job status", statuses),
    Section("failures", "Failures", failures),
    Section("durations", "Job duration", durations),
    Section("queue", "Queue", queue, needs_jobs=False),
    Section("quota", "Quota", quota, needs_jobs=False),
    Section("timeline", "Timeline", timeline),
)
