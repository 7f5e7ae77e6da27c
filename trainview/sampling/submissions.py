"""Who submits what, and when: the projects and their jobs before any of them has run."""

from dataclasses import replace
from itertools import accumulate, pairwise, product

from trainview.sampling import failures
from trainview.sampling.dice import DAY, HOUR, MINUTE, SECOND, Dice
from trainview.sampling.organisation import CAUSES, INSTANCES, KINDS, TABLES, Job, Project


def make_projects(dice: Dice, count: int, start: int, as_of: int) -> list[Project]:
    """Make the projects, without their jobs."""
    rows = TABLES["projects"]
    more = (dice.pick(rows[:32]) for _ in range(count - len(rows)))
    rows = rows[:count] + [[f"{row[0]}-{number:03d}", *row[1:]] for number, row in enumerate(more)]
    projects = []
    for name, kind, load, *other in rows:
        team = other[0] if other else KINDS[kind]["team"]
        is_large = load >= 20
        begin = 0 if is_large or dice.chance(30) else dice.between(0, 65)
        end = 100 if is_large or dice.chance(55) else min(begin + dice.between(15, 60), 100)
        life = start + (as_of - start) * begin // 100, start + (as_of - start) * end // 100
        machine, nodes = KINDS[kind]["shapes"][0][1]
        favourite = failures.choose(dice, INSTANCES[machine].gpu_count, nodes)
        about = start, as_of, life, failures.habits(dice, team), favourite
        projects.append(Project(next(dice.ids), name, team, kind, load, *about))
    return projects


def submit(dice: Dice, projects: list[Project], total: int) -> dict[Project, list[Job]]:
    """Give the projects `total` jobs, by load; an attempt stands behind what it continues."""
    sums = [*accumulate((project.load for project in projects), initial=0)]
    shares = [total * load // max(sums[-1], 1) for load in sums]
    jobs: dict[Project, list[Job]] = {project: [] for project in projects}
    for (project, own), (low, high) in zip(jobs.items(), pairwise(shares), strict=True):
        while size := high - low - len(own):
            campaign = dice.weighted(KINDS[project.kind]["campaigns"])
            first = _request(dice, project)
            mistakes = dice.weighted(((7, 1), (3, 2))) if campaign == "fix" else 0
            make = {"nightly": _nights, "sweep": _sweep}.get(campaign)
            own.extend(make(dice, first, size) if make else _attempts(dice, first, size, mistakes))
    return jobs


def throw_away(dice: Dice, projects: list[Project], count: int) -> list[Job]:
    """Make jobs that were deleted later: only the bill, and the truth, remember them."""
    jobs = [_request(dice, dice.pick(projects)) for _ in range(count)]
    for job in jobs:
        _end(dice, job)
        job.name, job.nodes, job.is_deleted = f"throwaway-{dice.between(1, 24)}", 1, True
        # On spot capacity, so that no dedicated job waits for what the answers do not tell.
        job.spot = job.gpus > 0
    return jobs


def _request(dice: Dice, project: Project) -> Job:
    kind = KINDS[project.kind]
    machine, nodes = dice.weighted(kind["shapes"])
    name = None if dice.chance(6) else dice.pick(kind["names"]).format(n=dice.between(1, 24))
    submitted = project.moment(dice, *project.life)
    user, spot = dice.weighted(TABLES["teams"][project.team]["members"]), dice.chance(kind["spot"])
    work = dice.quantile(kind["minutes"])
    job = Job("", project, submitted, name, INSTANCES[machine], nodes, user, spot, work)
    return _again(dice, job, name)


def _again(dice: Dice, job: Job, name: str | None) -> Job:
    """Ask for the same once more."""
    priority = dice.weighted(((17, 0), (2, 10), (1, 100)))
    spelling = dice.weighted(TABLES["spellings"])
    return replace(job, id=next(dice.ids), name=name, priority=priority, spelling=spelling)


# --- Campaigns: the ways in which jobs are submitted; each gives at most `size` of them ----------


def _attempts(dice: Dice, first: Job, size: int, mistakes: int) -> list[Job]:
    mistake = dice.pick(failures.MISTAKES[: 4 if first.gpus else 2])
    last, jobs = replace(first), list[Job]()
    while True:
        jobs.append(last)
        is_mistaken = last.attempt <= mistakes
        _end(dice, last, mistake if is_mistaken else None)
        # What was lost on the way is mostly submitted again.
        is_lost = CAUSES.get(last.cause or "", {}).get("when") == "middle"
        odds = 95 if last.outcome == "preempted" else 75 if is_lost else 0
        if last.attempt >= min(size, 4) or not (is_mistaken or dice.chance(odds)):
            return jobs
        again = _again(dice, first, _counted(first.name, last.attempt + 1))
        # Until it is known when the attempt before it ends.
        again.submitted = min(last.submitted + 30 * MINUTE, first.project.as_of - SECOND)
        again.after, again.attempt = last, last.attempt + 1
        last = again


def _counted(name: str | None, attempt: int) -> str | None:
    """Name an attempt: a name's own counter goes on."""
    stem, dash, count = (name or "").rpartition("-")
    if dash and count.isdecimal():
        return f"{stem}-{int(count) + attempt - 1}"
    return name and f"{name}-{attempt}"


def _sweep(dice: Dice, first: Job, size: int) -> list[Job]:
    pattern, *axes = dice.pick(TABLES["grids"])
    names = [pattern.format(*values) for values in product(*axes)][: min(dice.between(3, 8), size)]
    mistake = "column" if dice.chance(5) else None
    # Backwards in time, so that the burst cannot reach beyond the end.
    jobs, moment = [_again(dice, first, name) for name in reversed(names)], first.submitted
    for job in jobs:
        job.submitted, job.work = moment, first.work * dice.between(80, 120) // 100
        moment -= dice.seconds(15, 90)
        _end(dice, job, mistake)
    return jobs


def _nights(dice: Dice, first: Job, size: int) -> list[Job]:
    last = (first.project.as_of - 2 * HOUR - MINUTE) // DAY * DAY + 2 * HOUR
    # One of them there is, however few days are told of.
    nights = range(last, min(max(last - size * DAY, first.project.start), last - 1), -DAY)
    jobs = [_again(dice, first, f"nightly-{night // DAY - 20_000}") for night in nights]
    for job, night in zip(jobs, nights, strict=True):
        job.submitted, job.user = night + dice.seconds(1, 20), "ci-bot"
        job.work = dice.quantile(KINDS[job.project.kind]["minutes"])
        _end(dice, job)
    return jobs


def _end(dice: Dice, job: Job, mistake: str | None = None) -> None:
    """Draw how a job ends."""
    failed, stopped, undeployed = KINDS[job.project.kind]["bad"]
    number, cause = dice.below(100), mistake
    if mistake is None and number < failed + undeployed:
        cause, size, deploys = job.project.favourite, (job.gpus, job.nodes), number < failed
        if not (deploys and failures.fits(cause, *size) and dice.chance(45)):
            cause = failures.choose(dice, *size, deploys=deploys)
    if cause is not None:
        failures.fail(dice, job, cause)
    elif job.spot and dice.chance(35):
        job.outcome, job.share = "preempted", dice.between(10, 90)
    elif number < failed + undeployed + stopped:
        job.outcome, job.share = "stopped", dice.between(2, 90)
