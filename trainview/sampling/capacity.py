"""Who gets GPUs when: a first-come-first-served queue for each GPU type."""

import heapq
from datetime import datetime, timedelta

from trainview.sampling.catalogue import GPU_LIMITS
from trainview.sampling.organisation import Job


def limits(jobs: int, days: int) -> dict[str, int]:
    """Tell how many GPUs of each type an organisation with so many jobs may hold at once."""
    # The catalogue's limits are meant for 600 jobs in 90 days.
    scale = max(1, -(-jobs * 90 // (600 * days)))
    return {gpu_type: scale * gpus for gpu_type, gpus in GPU_LIMITS.items()}


def schedule(jobs: list[Job], limit: dict[str, int]) -> None:
    """Let jobs, in order of submission, wait until the GPUs they ask for are free."""
    pools = {gpu_type: _Pool(gpus) for gpu_type, gpus in limit.items()}
    for job in jobs:
        if job.instance.gpu_type is None:
            continue
        pool = pools[job.instance.gpu_type]
        if not job.held:
            job.wait = max(job.wait, pool.free_from(job) - job.submitted)
        pool.take(job)


class _Pool:
    """The GPUs of one type."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._ends: list[tuple[datetime, int]] = []
        self._front: datetime | None = None

    def free_from(self, job: Job) -> datetime:
        """Tell when there is room for a job behind all that came before it."""
        moment = max(job.submitted, self._front or job.submitted)
        self._give_back(moment)
        while self._free < job.gpus and self._ends:
            moment = self._ends[0][0]
            self._give_back(moment)
        self._front = moment
        return moment

    def take(self, job: Job) -> None:
        """Hold a job's GPUs until it ends; one that hangs in the queue holds none."""
        if job.held and job.wait > timedelta(days=1):
            return
        self._free -= job.gpus
        heapq.heappush(self._ends, (job.ended, job.gpus))

    def _give_back(self, moment: datetime) -> None:
        while self._ends and self._ends[0][0] <= moment:
            self._free += heapq.heappop(self._ends)[1]


def in_use(jobs: list[Job], gpu_type: str, as_of: datetime) -> int:
    """Count the GPUs of a type that jobs hold at a moment."""
    return sum(
        job.gpus
        for job in jobs
        if job.instance.gpu_type == gpu_type and job.released <= as_of < job.ended
    )
