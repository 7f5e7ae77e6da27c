"""Who submits what, and when: the projects and their jobs before any of them has run."""

import string
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, product

from trainview.sampling import failures
from trainview.sampling.dice import DAY, HOUR, MINUTE, SECOND, Calendar, Dice
from trainview.sampling.organisation import CAUSES, INSTANCES, KINDS, TABLES, Job, Project

_MOST_ATTEMPTS = 4


class Draw(Dice):
    """What everything is drawn from, identifiers like ``03yv1l3`` among it."""

    def __init__(self, seed: int, calendar: Calendar) -> None:
        # Of all fleets number 50, since by default it has some of everything.
        super().__init__(50, seed)
        self.calendar, self.ids = calendar, self._identifiers()

    def _identifiers(self) -> Iterator[str]:
        digits = string.digits + string.ascii_lowercase
        # The stride is coprime to 36, so that each comes once: they look random, but never repeat.
        number, stride = self.below(36**7), 48_432_388_693
        while True:
            number = (number + stride) % 36**7
            yield "".join(digits[number // 36**place % 36] for place in reversed(range(7)))


def make_projects(draw: Draw, count: int) -> list[Project]:
    """Make the projects, without their jobs."""
    rows = TABLES["projects"]
    more = (draw.pick(rows[:32]) for _ in range(count - len(rows)))
    rows = rows[:count] + [[f"{row[0]}-{number:03d}", *row[1:]] for number, row in enumerate(more)]
    projects = []
    for name, team, kind, load in rows:
        is_large = load >= 20
        begin = 0 if is_large or draw.chance(30) else draw.between(0, 65)
        end = 100 if is_large or draw.chance(55) else min(begin + draw.between(15, 60), 100)
        machine, nodes = KINDS[kind]["shapes"][0][1]
        favourite = failures.choose(draw, INSTANCES[machine].gpu_count, nodes)
        about = (begin, end), failures.habits(draw, team), favourite
        projects.append(Project(next(draw.ids), name, team, kind, load, *about))
    return projects


def submit(draw: Draw, projects: list[Project], total: int) -> list[Job]:
    """Give the projects `total` jobs, by load; an attempt stands behind what it continues."""
    loads = max(sum(project.load for project in projects), 1)
    jobs: list[Job] = []
    for project, load in zip(projects, accumulate(each.load for each in projects), strict=True):
        while size := total * load // loads - len(jobs):
            campaign = draw.weighted(KINDS[project.kind]["campaigns"])
            first = _request(draw, project)
            if campaign == "nightly":
                jobs += _nights(draw, first, size)
            elif campaign == "sweep":
                jobs += _sweep(draw, first, size)
            else:
                jobs += _attempts(draw, first, size, is_fix=campaign == "fix")
    return jobs


def throw_away(draw: Draw, projects: list[Project], count: int) -> list[Job]:
    """Make jobs that were deleted later: only the bill, and the truth, remember them."""
    jobs = [_request(draw, draw.pick(projects)) for _ in range(count if projects else 0)]
    for job in jobs:
        _end(draw, job)
        job.name, job.nodes, job.is_deleted = f"throwaway-{draw.between(1, 24)}", 1, True
        # On spot capacity, so that no dedicated job waits for what the answers do not tell.
        job.spot = job.gpus > 0
    return jobs


def _request(draw: Draw, project: Project) -> Job:
    kind = KINDS[project.kind]
    machine, nodes = draw.weighted(kind["shapes"])
    name = None if draw.chance(6) else draw.pick(kind["names"]).format(n=draw.between(1, 24))
    submitted = draw.calendar.moment(draw, *map(draw.calendar.at, project.life))
    user, spot = draw.weighted(TABLES["teams"][project.team]["members"]), draw.chance(kind["spot"])
    work = draw.quantile(kind["minutes"])
    job = Job("", project, submitted, name, INSTANCES[machine], nodes, user, spot, work)
    return _again(draw, job, name)


def _again(draw: Draw, job: Job, name: str | None) -> Job:
    """Ask for the same once more."""
    priority = draw.weighted(((17, 0), (2, 10), (1, 100)))
    spelling = draw.weighted(TABLES["spellings"])
    return replace(job, id=next(draw.ids), name=name, priority=priority, spelling=spelling)


# --- Campaigns: the ways in which jobs are submitted; each gives at most `size` of them ----------


def _attempts(draw: Draw, first: Job, size: int, *, is_fix: bool) -> list[Job]:
    mistakes = draw.weighted(((7, 1), (3, 2))) if is_fix else 0
    mistake = draw.pick(failures.MISTAKES[: 4 if first.gpus else 2])
    last, jobs = replace(first), list[Job]()
    while True:
        jobs.append(last)
        is_mistaken = last.attempt <= mistakes
        _end(draw, last, mistake if is_mistaken else None)
        if last.attempt == size or not (is_mistaken or _goes_on(draw, last)):
            return jobs
        again = _again(draw, first, _counted(first.name, last.attempt + 1))
        # Until it is known when the attempt before it ends.
        submitted = first.submitted + last.attempt * 30 * MINUTE
        again.submitted = min(submitted, draw.calendar.as_of - SECOND)
        again.after, again.attempt = last, last.attempt + 1
        last = again


def _goes_on(dice: Dice, job: Job) -> bool:
    """Say whether another attempt follows: what was lost on the way is mostly submitted again."""
    is_lost = job.cause is not None and CAUSES[job.cause]["when"] == "middle"
    odds = 95 if job.outcome == "preempted" else 75 if is_lost else 0
    return job.attempt < _MOST_ATTEMPTS and dice.chance(odds)


def _counted(name: str | None, attempt: int) -> str | None:
    """Name an attempt: a name's own counter goes on."""
    stem, dash, count = (name or "").rpartition("-")
    if dash and count.isdecimal():
        return f"{stem}-{int(count) + attempt - 1}"
    return name and f"{name}-{attempt}"


def _sweep(draw: Draw, first: Job, size: int) -> list[Job]:
    pattern, *axes = draw.pick(TABLES["grids"])
    names = [pattern.format(*values) for values in product(*axes)][: min(draw.between(3, 8), size)]
    mistake = "column" if draw.chance(5) else None
    # Backwards in time, so that the burst cannot reach beyond the end of the calendar.
    jobs, moment = [_again(draw, first, name) for name in reversed(names)], first.submitted
    for job in jobs:
        job.submitted, job.work = moment, first.work * draw.between(80, 120) // 100
        moment -= draw.seconds(15, 90)
        _end(draw, job, mistake)
    return jobs


def _nights(draw: Draw, first: Job, size: int) -> list[Job]:
    start, as_of = draw.calendar
    last = (as_of - 2 * HOUR - MINUTE) // DAY * DAY + 2 * HOUR
    nights = range(last, min(max(last - size * DAY, start), last - 1), -DAY)
    jobs = [_again(draw, first, f"nightly-{night // DAY - 20_000}") for night in nights]
    for job, night in zip(jobs, nights, strict=True):
        job.submitted, job.user = night + draw.seconds(1, 20), "ci-bot"
        job.work = draw.quantile(KINDS[job.project.kind]["minutes"])
        _end(draw, job)
    return jobs


def _end(dice: Dice, job: Job, mistake: str | None = None) -> None:
    """Draw how a job ends."""
    failed, stopped, undeployed = KINDS[job.project.kind]["bad"]
    number, cause = dice.below(100), mistake
    if mistake is None and number < failed + undeployed:
        favourite, deploys = job.project.favourite, number < failed
        if deploys and failures.fits(favourite, job.gpus, job.nodes) and dice.chance(45):
            cause = favourite
        else:
            cause = failures.choose(dice, job.gpus, job.nodes, deploys=deploys)
    if cause is not None:
        failures.fail(dice, job, cause)
    elif job.spot and dice.chance(35):
        job.outcome, job.share = "preempted", dice.between(10, 90)
    elif number < failed + undeployed + stopped:
        job.outcome, job.share = "stopped", dice.between(2, 90)
