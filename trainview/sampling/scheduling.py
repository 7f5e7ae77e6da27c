"""What happens to the jobs: who gets GPUs when, how each ends, and who tries again."""

from bisect import insort
from heapq import heappop, heappush

from trainview.sampling import failures
from trainview.sampling.dice import MINUTE, NEVER, SECOND, Dice
from trainview.sampling.organisation import KINDS, Job


def schedule(jobs: list[Job], limits: dict[str, int], as_of: int) -> None:
    """Let the jobs happen, moment by moment.

    Dedicated jobs wait, the highest priority first, until the first in line finds its GPUs free
    below the limit of their type; spot jobs and jobs without GPUs never wait. An attempt is
    submitted after the one that it continues has ended.
    """
    for job in jobs:
        job.submitted = job.cut(job.submitted)
    followers = {job.after: job for job in jobs if job.after is not None}
    free: dict[str | None, int] = dict([*limits.items(), (None, NEVER)])
    lines: dict[str | None, list[Job]] = {pool: [] for pool in free}
    events = sorted((job.submitted, job.id, job) for job in jobs if job.after is None)
    while events and events[0][0] <= as_of:
        now, _, job = heappop(events)
        pool = None if job.spot else job.instance.gpu_type
        line = lines[pool]
        if job.released < NEVER:
            # It has ended.
            free[pool] += job.gpus
        else:
            insort(line, job, key=lambda each: (-each.priority, each.submitted))
        while line and line[0].stays != "queued" and line[0].gpus <= free[pool]:
            first = line.pop(0)
            free[pool] -= first.gpus
            _start(first, now)
            heappush(events, (first.ended, first.id, first))
            if follower := followers.pop(first, None):
                _try_again(follower, first, now)
                heappush(events, (follower.submitted, follower.id, follower))
    for previous, job in followers.items():
        # What it continues still waits: it stands in line behind it, as a job of its own.
        _begin_anew(job, previous.submitted)
        job.priority = min(job.priority, previous.priority)


def _start(job: Job, now: int) -> None:
    """Let a job get its GPUs, and tell all that follows."""
    dice, gpus = Dice("start", job.id), job.instance.gpu_count
    boot = sum(dice.seconds(10, 60) for _ in range(job.nodes)) + gpus * dice.seconds(4, 16)
    wait, accept, deploy = dice.seconds(1, 5), dice.seconds(4, 50), dice.seconds(40, 150) + boot
    if job.outcome == "deploy-failed":
        deploy = dice.seconds(600, 1500)
    job.released = job.cut(wait) - job.cut(-now)
    if job.stays != "created":
        job.deploying = job.released + job.cut(accept)
    if job.stays in {"created", "deploying"}:
        return
    up = job.deploying + job.cut(deploy)
    if job.outcome == "deploy-failed" or job.quirk == "clock skew":
        job.ended = job.synced = up
    else:
        job.started = up
        run = job.until - up if up < job.until else min(job.work * job.share // 100, job.longest)
        if job.stays != "running":
            job.ended = up + max(job.cut(run), SECOND)
        job.synced = job.ended + job.cut(dice.seconds(0, 20 + 30 * gpus))
        _work(job, dice)
    job.message = failures.message(job)


def _work(job: Job, dice: Dice) -> None:
    """Tell when a job that runs has loaded, and when it saves what it has."""
    until = min(job.busy_until, job.project.as_of)
    life = max(until - job.started, 0)
    job.loading = min(dice.seconds(60, 420) + 20 * SECOND * job.gpus, life // 8)
    if KINDS[job.project.kind]["saves"]:
        every = max(dice.seconds(1200, 5400), life // 12)
        last = [job.ended] if job.outcome == "completed" and job.ended <= job.project.as_of else []
        job.checkpoints = [*range(job.started + job.loading + every, until, every), *last]


def _try_again(job: Job, previous: Job, now: int) -> None:
    """Submit the next attempt after the last one ended; it goes on from the last checkpoint."""
    dice, is_evicted = Dice("again", job.id), previous.outcome == "preempted"
    pause = dice.seconds(60, 1800) if is_evicted else dice.seconds(10 * 60, 3 * 3600)
    if previous.ended + pause >= job.project.as_of:
        _begin_anew(job, now)
        return
    job.submitted = job.cut(previous.ended + pause)
    if previous.checkpoints:
        saved = previous.checkpoints[-1] - previous.started
        job.work = max(previous.work - saved, 10 * MINUTE)


def _begin_anew(job: Job, low: int) -> None:
    job.after, job.attempt = None, 1
    job.submitted = job.cut(job.project.moment(Dice("anew", job.id), low, job.project.as_of))
