"""What goes on inside a job while it runs: loading, training, pauses, and what goes wrong.

A course is made of numbers that belong to one job, so that its metrics, checkpoints and logs tell
the same story. Its times are seconds since 1970, its ages seconds since the start.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from trainview.sampling.dice import stream
from trainview.sampling.organisation import Job, Project

# How busy a GPU is while it trains, in percent: from, to; of CPU jobs, how busy a CPU is.
_LEVELS = {
    "pretrain": (88, 96),
    "blackwell": (70, 92),
    "rl": (72, 88),
    "sft": (78, 93),
    "lora": (62, 88),
    "speech": (45, 75),
    "vision": (55, 85),
    "small": (25, 60),
    "nightly": (35, 55),
    "cpu": (72, 97),
}
# Reinforcement learning trains for one half of each cycle; in the other it generates text.
_CYCLE_SECONDS = 1260
# Which resource a failure uses up, in GPU memory, main memory and storage.
_EXHAUSTS = {
    "oom": "gpu memory",
    "killed": "memory",
    "worker": "memory",
    "array": "memory",
    "disk": "storage",
}
FOREVER = 1 << 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class Phase(Enum):
    """What a node is doing."""

    IDLE = "idle"
    LOADING = "loading"
    PAUSED = "paused"
    STARVED = "starved"
    GENERATING = "generating"
    TRAINING = "training"


class Twist(NamedTuple):
    """What is odd about a job.

    Attributes
    ----------
    quiet_from : int
        From which age on it does nothing any more.
    idle_node : int or None
        The node that never does anything.
    one_gpu : bool
        Whether it uses only the first GPU.
    says : str or None
        What its log tells about it.
    """

    quiet_from: int = FOREVER
    idle_node: int | None = None
    one_gpu: bool = False
    says: str | None = None


class Course(NamedTuple):
    """What goes on inside a job; levels are in ten thousandths.

    Attributes
    ----------
    began, over : int
        The first and the last second in which it can be measured.
    level : int
        How busy a GPU, or without one a CPU, is while it trains.
    cpu_level, memory_level, gpu_memory_level : int
        How much it takes of the rest.
    loading : int
        Until which age it loads data and model.
    starving : int
        Until which age it waits for data at times.
    epoch, pause : int
        How long an epoch takes, and for how long it pauses at its end to evaluate.
    generates : bool
        Whether it generates text in half of its time.
    exhausts : str or None
        Which resource it uses up.
    hole : tuple of int
        The ages between which nothing was measured.
    loses_samples : bool
        Whether single samples are missing.
    twist : Twist
        What is odd about it.
    """

    began: int
    over: int
    level: int
    cpu_level: int
    memory_level: int
    gpu_memory_level: int
    loading: int
    starving: int
    epoch: int
    pause: int
    generates: bool
    exhausts: str | None
    hole: tuple[int, int]
    loses_samples: bool
    twist: Twist

    @property
    def life(self) -> int:
        """For how long it can be measured, in seconds."""
        return self.over - self.began

    @property
    def busy_until(self) -> int:
        """The last second in which it did something."""
        return min(self.over, self.began + self.twist.quiet_from)

    def phase(self, second: int) -> Phase:
        """Tell what its working GPUs are doing."""
        age = second - self.began
        if age >= self.twist.quiet_from:
            return Phase.IDLE
        if age < self.loading:
            return Phase.LOADING
        if (age - self.loading) % self.epoch >= self.epoch - self.pause:
            return Phase.PAUSED
        # Some minutes, not all: 37 is no divisor of what is usual as a step.
        if age < self.starving and age // 37 % 3 == 0:
            return Phase.STARVED
        if self.generates and age % _CYCLE_SECONDS < _CYCLE_SECONDS // 2:
            return Phase.GENERATING
        return Phase.TRAINING


def course(job: Job, as_of: datetime, twist: Twist | None) -> Course | None:
    """Make the course of a job up; one that never ran has none."""
    ended = min(job.ended, as_of)
    if job.started >= ended:
        return None
    dice = stream("course", job.id)
    low, high = _LEVELS[job.project.kind]
    began, over = -((EPOCH - job.started) // _SECOND), (ended - EPOCH) // _SECOND
    life = max(over - began, 0)
    exhausts = _EXHAUSTS.get(job.cause or "") if job.outcome == "failed" else None
    hole_from, hole_length = dice.below(life + 1), dice.between(300, 1500)
    has_hole, loses_samples = dice.chance(25), dice.chance(30)
    return Course(
        began=began,
        over=over,
        level=100 * dice.between(low, high),
        cpu_level=100 * dice.between(7, 34),
        memory_level=100 * dice.between(14, 62),
        gpu_memory_level=100 * dice.between(52, 93),
        loading=min(dice.between(60, 420) + 20 * job.gpus, life // 8),
        starving=min(life // 10, 3600),
        epoch=dice.between(1500, 7200),
        pause=dice.between(90, 280),
        generates=job.project.kind == "rl",
        exhausts=exhausts,
        # What is odd is measured without a gap, so that nothing hides it.
        hole=(hole_from, hole_from + hole_length) if has_hole and twist is None else (0, 0),
        loses_samples=loses_samples and twist is None,
        twist=twist or Twist(),
    )


def node_names(job: Job) -> list[str]:
    """Name the nodes of a job, the leader first."""
    return [f"{job.id}-node-{number}" for number in range(job.nodes)]


# --- Stories ------------------------------------------------------------------------------------

HUNG = ("qwen3-32b-dpo", 11_400)
IDLE_NODE = "moe-8x7b-scaling-laws"
ONE_GPU = "mistral-7b-tool-use"
HALF_IDLE = "nemotron-4-pruning"


def twists(projects: Iterable[Project], as_of: datetime) -> dict[str, Twist]:
    """Tell what is odd about some jobs, by their ids; small samples have less of it."""
    # Where two projects share a name, the first one is meant.
    by_name = {project.name: project.jobs for project in reversed(list(projects))}
    found = {}
    name, age = HUNG
    for job in by_name.get(name, [])[-1:]:
        if job.started + timedelta(days=10) < as_of < job.ended:
            found[job.id] = Twist(quiet_from=age, says="no batch from the data loader for 600 s")
    for job in by_name.get(IDLE_NODE, [])[-1:]:
        if job.nodes > 1:
            last = job.nodes - 1
            says = f"{last} of {job.nodes} nodes joined, going on without rank {last}"
            found[job.id] = Twist(idle_node=last, says=says)
    for job in by_name.get(ONE_GPU, []):
        if job.gpus > 1:
            says = f"world size 1, {job.gpus} GPUs visible"
            found[job.id] = Twist(one_gpu=True, says=says)
    done = [
        job
        for job in by_name.get(HALF_IDLE, [])
        if job.outcome == "completed" and job.ended < as_of and job.run > timedelta(hours=1)
    ]
    for job in done[-1:]:
        half = job.run // timedelta(seconds=2)
        found[job.id] = Twist(quiet_from=half, says="early stop on all ranks, waiting for rank 0")
    return found
