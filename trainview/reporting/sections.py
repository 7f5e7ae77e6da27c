"""The sections of the report, in the order in which they are read."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from trainview.errors import ArgumentError
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
from trainview.text.names import did_you_mean


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


def choose(names: str | Iterable[str] | None) -> tuple[Section, ...]:
    """Choose sections by their names.

    Parameters
    ----------
    names : str or iterable of str, optional
        In the order in which they are to be read; all, if left out. Text may hold several with
        commas between them.

    Returns
    -------
    tuple of Section
        Each once.

    Raises
    ------
    ArgumentError
        If there is no such section.

    Examples
    --------
    >>> [section.title for section in choose("health, costs")]
    ['Fleet health', 'Cost']
    """
    if names is None:
        return SECTIONS
    known = {section.id: section for section in SECTIONS}
    asked = names.split(",") if isinstance(names, str) else list(names)
    found = {}
    for name in filter(None, (str(name).strip() for name in asked)):
        if name not in known:
            raise ArgumentError(
                f"sections: no section {name!r}: choose of {', '.join(known)}"
                f"{did_you_mean(name, known)}"
            )
        found[name] = known[name]
    if not found:
        raise ArgumentError(f"sections: none is named: choose of {', '.join(known)}")
    return tuple(found.values())
