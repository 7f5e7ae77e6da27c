"""What the numbers mean, and what they do not."""

from typing import NamedTuple

from trainview.snapshot import Snapshot
from trainview.statuses import STATUSES
from trainview.text import safe_text


class Definition(NamedTuple):
    """A term of the page, and what it means."""

    term: str
    meaning: str


def definitions() -> list[Definition]:
    """Explain the terms of the page.

    Returns
    -------
    list of Definition
        In the order in which they are met.
    """
    holding = ", ".join(status.label for status in STATUSES if status.holds_gpus)
    others = ", ".join(status.label for status in STATUSES if not status.holds_gpus)
    failed = " or ".join(status.label for status in STATUSES if status.phase == "failed")
    return [
        Definition(
            "As of",
            "The moment that this data describes. Open jobs are counted up to it, and “now” means "
            "it, not the moment at which you read this.",
        ),
        Definition(
            "Elapsed hours",
            "From submission to the end, or to “as of” for an open job. The API tells neither when "
            "a job began to run nor when it ended: waiting and deployment are included, and the "
            "end is the last change of the job's record, which a later change can move.",
        ),
        Definition(
            "GPU-hours",
            "The GPUs of all nodes of a job, times its elapsed hours: an upper bound of what was "
            "used. It is not what is billed, which begins when a job is seen to run, and it says "
            f"nothing about how busy the GPUs were. Jobs that are {others} held no GPU and count "
            f"0; those that are {holding}, or of an unknown status, count in full.",
        ),
        Definition(
            "Costs",
            "There are no prices in this data: GPU-hours stand for them. A GPU-hour of one type "
            "can cost many times that of another.",
        ),
        Definition(
            "Failure rate",
            f"Jobs that are {failed}, of all that ended. With few jobs, a rate says little: the "
            "interval from “at least” to “at most” holds the true one with 95% confidence (score "
            "interval of Wilson, 1927). Projects are sorted by its lower end, so that those are "
            "first which fail most surely.",
        ),
        Definition(
            "Errors",
            "Messages that differ only in numbers, ids, addresses, paths or times are of one kind; "
            "what differs is written as <number> and the like. The example is the latest one.",
        ),
        Definition(
            "Unknown statuses",
            "New ones appear in the API now and then. They are kept by their own name, in the "
            "phase “unknown”, and count as ended.",
        ),
        Definition(
            "A dash",
            "Not known, and never counted as 0: for example how long a job took whose times "
            "contradict each other.",
        ),
    ]


def oddities(snapshot: Snapshot) -> list[str]:
    """List what is odd in the data.

    Parameters
    ----------
    snapshot : Snapshot
        What is reported.

    Returns
    -------
    list of str
        A sentence each.
    """
    return [safe_text(f"{note[:1].upper()}{note[1:]}.") for note in snapshot.notes]
