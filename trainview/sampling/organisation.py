"""Who submits what, and when: the projects and their jobs before any of them has run."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate, product
from typing import NamedTuple

from trainview.sampling import catalogue, causes
from trainview.sampling.dice import Dice

# Submissions by hour of the day (UTC) on a weekday; a weekend has an eighth of it.
HOUR_WEIGHTS = (1, 1, 1, 1, 1, 1, 2, 5, 13, 24, 27, 25, 15, 20, 27, 26, 23, 16, 9, 5, 4, 3, 2, 1)
WEEKDAY_FACTOR = 8


@dataclass(eq=False, slots=True)
class Project:
    """A project; `life` is the part of the time, in percent, in which it gets jobs."""

    id: str
    name: str
    team: str
    kind: str
    load: int
    life: tuple[int, int]
    habits: dict[str, str]
    favourite: str
    tracebacks: bool
    jobs: list["Job"] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Job:
    """A job: what was asked for, and how long each phase of its life takes.

    `waiting` names its first status, `held` says that it waits on its own account and not for
    GPUs to become free, `cause` is a key of the tables in `causes`.
    """

    id: str
    project: Project
    submitted: datetime
    name: str | None
    instance: catalogue.Instance
    nodes: int
    user: str
    spot: bool
    outcome: str
    cause: str | None
    wait: timedelta
    accept: timedelta
    deploy: timedelta
    run: timedelta
    sync: timedelta
    waiting: str = "pending"
    held: bool = False
    skew: timedelta = timedelta(0)

    @property
    def gpus(self) -> int:
        """GPUs of all its nodes."""
        return self.instance.gpu_count * self.nodes

    @property
    def released(self) -> datetime:
        """When it got its GPUs."""
        return self.submitted + self.wait

    @property
    def started(self) -> datetime:
        """When it began to run."""
        return self.released + self.accept + self.deploy

    @property
    def ended(self) -> datetime:
        """When it gave its GPUs back."""
        return self.started + self.run

    def state(self, as_of: datetime) -> tuple[str, datetime]:
        """Tell its status at a moment, and since when it has had it."""
        steps = (
            (self.outcome, self.ended),
            ("running", self.started),
            ("deploying", self.released + self.accept),
            ("created", self.released),
        )
        for status, since in steps:
            if since <= as_of:
                return status, since
        return self.waiting, self.submitted


class Calendar:
    """The hours up to `as_of`, weighted by how much people submit in them."""

    def __init__(self, as_of: datetime, days: int) -> None:
        self.as_of = as_of
        self.days = days
        self.start = as_of - timedelta(days=days)
        # The organisation grows: in the end it submits three times as much as in the beginning.
        weights = (
            _weight(self.start + timedelta(hours=hour)) * (12 * days + hour)
            for hour in range(24 * days)
        )
        self._total = (0, *accumulate(weights))

    def moment(self, dice: Dice, life: tuple[int, int]) -> datetime:
        """Draw a time of submission from a part of the hours, given in percent."""
        first, last = (24 * self.days * percent // 100 for percent in life)
        target = self._total[first] + dice.below(self._total[last] - self._total[first])
        slot = bisect_right(self._total, target) - 1
        return self.start + timedelta(hours=slot) + dice.span(0, 3599)


def _weight(slot: datetime) -> int:
    weekend = slot.weekday() >= 5
    return HOUR_WEIGHTS[slot.hour] * (1 if weekend else WEEKDAY_FACTOR)


def identifiers(dice: Dice) -> Iterator[str]:
    """Yield identifiers like ``03yv1l3``: they look random, and never repeat."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    triples = ["".join(triple) for triple in product(digits, repeat=3)]
    size = 36**7
    # Coprime to 36, so that the walk visits every identifier once before it comes back.
    stride = 48_432_388_693
    number = dice.below(size)
    while True:
        number = (number + stride) % size
        high, low = divmod(number, 36**3)
        top, middle = divmod(high, 36**3)
        yield digits[top] + triples[middle] + triples[low]


def make_projects(dice: Dice, ids: Iterator[str], count: int) -> list[Project]:
    """Make the projects, without their jobs."""
    rows = list(catalogue.PROJECTS[:count])
    while len(rows) < count:
        task, team, kind = dice.pick(catalogue.TASKS)
        name = f"{dice.pick(catalogue.BASES)}-{task}-{len(rows):03d}"
        rows.append(catalogue.Row(name, team, kind, dice.weighted(catalogue.LOADS)))
    return [_project(dice, next(ids), row) for row in rows]


def _project(dice: Dice, identifier: str, row: catalogue.Row) -> Project:
    begin = 0 if row.load >= 20 or dice.chance(30) else dice.between(0, 65)
    end = 100 if row.load >= 20 or dice.chance(55) else min(begin + dice.between(15, 60), 100)
    kind = catalogue.KINDS[row.kind]
    machine, nodes = kind.shapes[0][1]
    return Project(
        id=identifier,
        name=row.name,
        team=row.team,
        kind=row.kind,
        load=row.load,
        life=(begin, end),
        habits=causes.habits(dice, row.team),
        favourite=causes.choose(dice, catalogue.INSTANCES[machine].gpu_count, nodes),
        tracebacks=dice.chance(25),
    )


def submit(
    dice: Dice, ids: Iterator[str], projects: list[Project], calendar: Calendar, total: int
) -> None:
    """Give the projects their jobs, `total` of them, by load."""
    for project, share in zip(projects, _shares(projects, total), strict=True):
        kind = catalogue.KINDS[project.kind]
        while len(project.jobs) < share:
            size = share - len(project.jobs)
            campaign = _CAMPAIGNS[dice.weighted(kind.campaigns)]
            for submitted, request, cause in campaign(dice, project, calendar, size):
                job = _job(dice, next(ids), project, submitted, request)
                if cause is not None:
                    fail(dice, job, cause)
                project.jobs.append(job)
        project.jobs.sort(key=lambda job: job.submitted)


def _shares(projects: list[Project], total: int) -> list[int]:
    loads = sum(project.load for project in projects)
    if loads == 0:
        return [0] * len(projects)
    shares = [total * project.load // loads for project in projects]
    by_rest = sorted(range(len(projects)), key=lambda i: -(total * projects[i].load % loads))
    for index in by_rest[: total - sum(shares)]:
        shares[index] += 1
    return shares


# --- Campaigns: the ways in which jobs are submitted; each gives at most `size` of them ----------


class Request(NamedTuple):
    """What a user asks for, and how long it would take if nothing went wrong."""

    name: str | None
    instance: catalogue.Instance
    nodes: int
    user: str
    spot: bool
    run: timedelta


class Submission(NamedTuple):
    """A request at a time; with a `cause`, one that is bound to fail by it."""

    submitted: datetime
    request: Request
    cause: str | None = None


def _request(dice: Dice, project: Project) -> Request:
    kind = catalogue.KINDS[project.kind]
    machine, nodes = dice.weighted(kind.shapes)
    instance = catalogue.INSTANCES[machine]
    name = None
    if kind.names and not dice.chance(6):
        name = dice.pick(kind.names).format(n=dice.between(1, 24), step=500 * dice.between(1, 60))
    return Request(
        name=name,
        instance=instance,
        nodes=nodes,
        user=dice.weighted(catalogue.MEMBERS[project.team]),
        spot=dice.chance(kind.spot) and instance.gpu_count > 0,
        run=dice.quantile(kind.minutes),
    )


def _single(dice: Dice, project: Project, calendar: Calendar, _size: int) -> list[Submission]:
    return [Submission(calendar.moment(dice, project.life), _request(dice, project))]


def _sweep(dice: Dice, project: Project, calendar: Calendar, size: int) -> list[Submission]:
    pattern, *axes = dice.pick(catalogue.GRIDS)
    names = [pattern.format(*values) for values in product(*axes)][: min(dice.between(3, 8), size)]
    request = _request(dice, project)
    cause = "column" if dice.chance(5) else None
    submitted = calendar.moment(dice, project.life)
    burst = []
    # Backwards in time, so that the burst cannot reach beyond the end of the calendar.
    for name in reversed(names):
        run = request.run * dice.between(80, 120) // 100
        burst.append(Submission(submitted, request._replace(name=name, run=run), cause))
        submitted -= dice.span(15, 90)
    return burst


def _fix(dice: Dice, project: Project, calendar: Calendar, size: int) -> list[Submission]:
    request = _request(dice, project)
    mistakes = ("module", "column", "unauthorized", "oom")
    cause = dice.pick(mistakes if request.instance.gpu_count else mistakes[:2])
    submitted = calendar.moment(dice, project.life)
    tries = [Submission(submitted, request)]
    for _ in range(min(dice.weighted(((7, 1), (3, 2))), size - 1)):
        submitted -= dice.span(600, 2700)
        tries.append(Submission(submitted, request, cause))
    return tries


def _nightly(dice: Dice, project: Project, calendar: Calendar, size: int) -> list[Submission]:
    last = calendar.as_of.replace(hour=2, minute=0, second=0, microsecond=0)
    if last + timedelta(minutes=1) > calendar.as_of:
        last -= timedelta(days=1)
    nights = [last - timedelta(days=back) for back in range(min(size, calendar.days))]
    return [
        Submission(
            night + dice.span(1, 20),
            _request(dice, project)._replace(
                name=f"nightly-{night.date().isoformat()}", user=catalogue.ROBOT
            ),
        )
        for night in nights
    ]


_CAMPAIGNS = {"single": _single, "sweep": _sweep, "fix": _fix, "nightly": _nightly}


def _job(
    dice: Dice, identifier: str, project: Project, submitted: datetime, request: Request
) -> Job:
    gpus = request.instance.gpu_count
    job = Job(
        id=identifier,
        project=project,
        submitted=submitted,
        name=request.name,
        instance=request.instance,
        nodes=request.nodes,
        user=request.user,
        spot=request.spot,
        outcome="completed",
        cause=None,
        wait=dice.span(1, 5),
        accept=dice.span(4, 50),
        deploy=dice.span(40, 150) + request.nodes * dice.span(10, 60) + gpus * dice.span(4, 16),
        run=request.run,
        sync=dice.span(0, 20 + 30 * gpus),
    )
    _end(dice, job, dice.weighted(catalogue.KINDS[project.kind].odds))
    return job


# --- Ends ---------------------------------------------------------------------------------------


def _end(dice: Dice, job: Job, outcome: str) -> None:
    if outcome == "failed":
        cause = job.project.favourite
        if not (dice.chance(45) and causes.fits(cause, job.gpus, job.nodes)):
            cause = causes.choose(dice, job.gpus, job.nodes)
        fail(dice, job, cause)
    elif outcome == "deploy-failed":
        fail_to_deploy(dice, job, causes.choose_deploy_failure(dice))
    elif job.spot and dice.chance(30):
        preempt(dice, job)
    elif outcome == "stopped":
        job.outcome = outcome
        job.run = job.run * dice.between(2, 90) // 100


def fail(dice: Dice, job: Job, cause: str) -> None:
    """Let a job fail, at the time that suits the cause."""
    latest = {
        "boot": dice.span(15, 150),
        "early": dice.span(60, 1800),
        "middle": job.run * dice.between(8, 96) // 100,
    }
    job.outcome, job.cause = "failed", cause
    job.run = min(latest[causes.FAILURES[cause].when], job.run)


def fail_to_deploy(dice: Dice, job: Job, cause: str) -> None:
    """Let a job fail before it runs."""
    job.outcome, job.cause = "deploy-failed", cause
    job.deploy, job.run, job.sync = dice.span(600, 1500), timedelta(0), timedelta(0)


def preempt(dice: Dice, job: Job) -> None:
    """Take a job's spot capacity away."""
    job.spot, job.outcome, job.cause = True, "preempted", None
    job.run = job.run * dice.between(10, 90) // 100
