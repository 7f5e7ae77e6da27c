"""What is odd in the organisation: stuck jobs, repeated failures, a bad afternoon, strange names.

Each story looks for the project it is about and does nothing where that, or its jobs, are
missing: small samples have fewer stories.
"""

from trainview.sampling.catalogue import INSTANCES, TABLES
from trainview.sampling.clock import DAY, HOUR, MINUTE, NEVER
from trainview.sampling.dice import Dice
from trainview.sampling.jobs import Job
from trainview.sampling.submissions import Calendar, fail


def tell(dice: Dice, jobs: list[Job], calendar: Calendar) -> None:
    """Let the stories happen to jobs that have not been scheduled yet."""
    by_name: dict[str, list[Job]] = {}
    for job in jobs:
        # Where two projects share a name, the first one is meant.
        own = by_name.setdefault(job.project.name, [])
        if not own or own[0].project is job.project:
            own.append(job)
    if calendar.as_of - calendar.start > 35 * DAY:
        _bad_afternoon(dice, [job for job in jobs if job.after is None], calendar)
    for project, age, status, *special in TABLES["open"]:
        submitted = calendar.as_of - age * MINUTE + dice.seconds(0, 9)
        alone = _alone(by_name.get(project, []))
        if alone and submitted > calendar.start:
            _leave_open(max(alone, key=lambda job: job.submitted), submitted, status, *special)
    for project, count, age, story in TABLES["stories"]:
        latest = calendar.as_of - age * DAY
        own = sorted(by_name.get(project, []), key=lambda job: job.submitted)
        own = _alone(own) if story.startswith("name") else own
        for job in [job for job in own if job.submitted < latest and job.stays is None][-count:]:
            _happen(dice, own, job, story)


def _alone(jobs: list[Job]) -> list[Job]:
    """List the jobs that neither continue nor are continued."""
    continued = {job.after for job in jobs}
    return [job for job in jobs if job.after is None and job not in continued]


def _happen(dice: Dice, own: list[Job], job: Job, story: str) -> None:
    verb, what = story.split(" ", 1)
    if verb == "name":
        job.name = what
    elif verb == "quirk":
        job.quirk = what if what != "one gpu" or job.gpus > 1 else None
    else:
        # None of it is part of a chain.
        for each in own:
            each.after, each.attempt = None, 1
        job.outcome, job.cause, job.share, job.longest = what, None, 60, NEVER
        job.work = max(job.work, 4 * HOUR)
        if verb == "fails":
            fail(dice, job, what)
        elif what in {"preempted", "evicted"}:
            job.spot = True


def _leave_open(
    job: Job, submitted: int, status: str, machine: str = "", nodes: int = 1, quirk: str = ""
) -> None:
    if machine:
        job.instance, job.nodes = INSTANCES[machine], nodes
    job.submitted, job.stays, job.quirk = submitted, status, quirk or None
    job.outcome, job.cause, job.share, job.longest = "completed", None, 100, NEVER
    job.priority, job.until = 0, 0
    # On spot capacity it surely gets its GPUs.
    job.spot = status in {"created", "deploying"} and job.gpus > 0


def _bad_afternoon(dice: Dice, jobs: list[Job], calendar: Calendar) -> None:
    """Let the network fail for one job on several nodes of each project, three weeks ago."""
    noon = calendar.as_of // DAY * DAY - 20 * DAY + 12 * HOUR + 40 * MINUTE
    # A Saturday or Sunday moves back to the Friday before.
    noon -= max((noon // DAY + 3) % 7 - 4, 0) * DAY
    nearest: dict[str, Job] = {}
    for job in sorted(jobs, key=lambda job: abs(job.submitted - noon)):
        if 1 < job.nodes <= 4 and abs(job.submitted - noon) < 14 * DAY:
            nearest.setdefault(job.project.id, job)
    for job in nearest.values():
        job.submitted = noon - dice.below(2) * DAY - dice.seconds(2 * 3600, 4 * 3600)
        fail(dice, job, "nccl")
        job.priority, job.until = 100, noon + dice.seconds(0, 4 * 3600)
