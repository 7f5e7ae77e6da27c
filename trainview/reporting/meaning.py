"""What the numbers mean, and what they do not."""

from typing import NamedTuple

import pandas as pd

from trainview.reporting.cost_readings import Costs
from trainview.reporting.readings import Readings
from trainview.reporting.words import joined
from trainview.snapshot import Snapshot
from trainview.statuses import STATUSES
from trainview.text.safe import safe_text

# What is fetched only when it is asked for, and what it tells.
_TELLS = {
    "prices": "prices (costs)",
    "billing": "the bill",
    "metrics": "metrics (idle GPUs)",
    "queue": "the queue (waiting)",
    "capacity": "capacity (the quota)",
    "checkpoints": "checkpoints (lost work)",
}


class Definition(NamedTuple):
    """A term of the page, and what it means."""

    term: str
    meaning: str


class Missing(NamedTuple):
    """What is not in the data, and the command that fetches it."""

    what: str
    command: str


def definitions(readings: Readings) -> list[Definition]:
    """Explain the terms of the page.

    Parameters
    ----------
    readings : Readings
        What the helpers say; what they do not is not explained.

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
            "From submission to the end, or to “as of” for an open job. The list of jobs tells "
            "neither when a job began to run nor when it ended: waiting and deployment are "
            "included, and the end is the last change of the job's record, which a later change "
            "can move.",
        ),
        Definition(
            "GPU-hours",
            "The GPUs of all nodes of a job, times the hours in which it held them: from when it "
            "left the queue, else from when it began to run, as far as the queue, status events, "
            "samples or the bill tell that. Else they count from its submission, with its time in "
            f"the queue: an upper bound. {_counted(readings)}It is not what is billed, which "
            "begins when a job is seen to run, and it says nothing about how busy the GPUs were. "
            f"Jobs that are {others} held no GPU and count 0; those that are {holding}, or of an "
            "unknown status, count in full.",
        ),
        *_money(readings.costs),
        *_outcomes(readings),
        *_fleet(readings),
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
            "what differs is written as <number> and the like. The example is the latest one. "
            "Rules give each kind a category; a symptom mostly follows another failure.",
        ),
        Definition(
            "Unknown statuses",
            "New ones appear in the API now and then. They are kept by their own name, in the "
            "phase “unknown”, and count as ended.",
        ),
        Definition(
            "A dash",
            "Not known, and never counted as 0: for example the duration of a job with "
            "inconsistent timestamps.",
        ),
    ]


def _counted(readings: Readings) -> str:
    words = readings.basis.words()
    return f"Here they count {words}. " if words else ""


def _money(costs: Costs | None) -> list[Definition]:
    if costs is None:
        return [
            Definition(
                "Costs",
                "There are no prices in this data: GPU-hours stand for them. A GPU-hour of one "
                "type can cost many times that of another.",
            )
        ]
    found = []
    if costs.priced:
        free = ", ".join(status.label for status in STATUSES if not status.holds_gpus)
        found.append(
            Definition(
                "Estimate",
                "The list price of a job's instance type, times its nodes and the hours in which "
                "it held them, counted as GPU-hours are. Deployment is not billed, and neither is "
                "the time in the queue, which is in it where nothing tells when a job left the "
                "queue. It is no bound of the bill, which knows deleted jobs, rounds minutes up "
                "and may have other prices. "
                f"Jobs that are {free} are free; those on CPUs are not. A job whose price "
                "or duration is not known is in no sum.",
            )
        )
    if pd.notna(costs.billed):
        found.append(
            Definition(
                "Billed",
                "What the billing API says, to the cent, by days of UTC. Deleted jobs are on the "
                "bill, but in no other list. Of a job that ran over the first or the last day of "
                "the bill, a part is billed elsewhere.",
            )
        )
    return found


def _outcomes(readings: Readings) -> list[Definition]:
    """Explain what is said of changes, and of what came of the GPU time."""
    found = []
    if readings.changes is not None:
        found.append(
            Definition(
                "What changed",
                "Jobs count in a week with what they did in it. A failure rate is worse or better "
                "only where the interval of the difference does not have 0 in it; else the change "
                "is noise (method 10 of Newcombe, 1998).",
            )
        )
    if readings.health.is_known():
        found += [
            Definition(
                "Goodput",
                "The share of GPU-hours that was productive, at most: less what failed and "
                "preempted jobs did since their last checkpoint, deployment, and idle GPUs where "
                "they were measured. An upper bound: what stalls inside a run is not seen, and "
                "what is not known counts as good.",
            ),
            Definition(
                "MTTF",
                "Running time by failures. The interval holds the true value with 95% confidence "
                "where failures come independently (NIST/SEMATECH e-Handbook, 8.4.5.1). Failed "
                "deployments count neither as time nor as failures.",
            ),
        ]
    if len(readings.health.chains):
        found.append(
            Definition(
                "Attempts",
                "Jobs of the same project, name without its counter, GPUs and user, submitted "
                "within 24 hours after one that did not complete: a guess. ETTR is the share of "
                "the time from the first submission to the last end that was training and not "
                "lost (Kokolis et al., 2025).",
            )
        )
    return found


def _fleet(readings: Readings) -> list[Definition]:
    """Explain what is said of metrics, the queue and capacity."""
    found = []
    if readings.busy is not None:
        found.append(
            Definition(
                "Busy and idle",
                "A GPU is idle while its utilisation is below 5%, from one sample to the next. "
                "Time without samples is neither busy nor idle: it is hatched in the picture, and "
                "in no mean. Means are over time.",
            )
        )
    if readings.waits is not None:
        found.append(
            Definition(
                "Waiting",
                "The time from submission until a job is released to run. One that still waits "
                "has waited for that long at least, and counts so: shares and percentages are "
                "estimates of Kaplan and Meier (1958), and a dash says that too few jobs were "
                "released to tell. The limits of a job are those of now.",
            )
        )
    if readings.limits is not None:
        found.append(
            Definition(
                "Quota",
                "The most GPUs of a type that may be held at once. Only dedicated GPUs count "
                "against it; spot jobs may run beyond it. Demand counts from submission to the "
                "end, waiting or holding, so what lies above a limit is demand that had to wait, "
                "and what more GPUs would have changed is at most what is said. Burst is what is "
                "held above the baseline.",
            )
        )
    return found


def missing(snapshot: Snapshot) -> Missing | None:
    """Say what of the rest of the API was not fetched.

    Parameters
    ----------
    snapshot : Snapshot
        What is reported.

    Returns
    -------
    Missing or None
        None where all of it is there.
    """
    names = [name for name in _TELLS if getattr(snapshot, name).empty]
    if not names:
        return None
    words = joined([_TELLS[name] for name in names])
    return Missing(words, f"trainview fetch -o fleet/ --with {','.join(names)}")


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
