"""The made-up organisation as organisation.toml describes it, its projects and its jobs."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any, NamedTuple, TypeAlias

from trainview.sampling.dice import DAY, HOUR, MINUTE, NEVER, SECOND, Dice

_TEXT = files(__package__).joinpath("organisation.toml").read_text("utf-8")
TABLES: dict[str, Any] = tomllib.loads(_TEXT)
KINDS: dict[str, dict[str, Any]] = TABLES["kinds"]
CAUSES: dict[str, dict[str, Any]] = TABLES["causes"]

Record: TypeAlias = dict[str, Any]
# When a file was written, its path, its bytes; the oldest first.
Files: TypeAlias = list[tuple[int, str, int]]


class Instance(NamedTuple):
    """One instance type, as the API tells about one node of it."""

    id: str
    name: str
    memory_limit_mib: int
    millicpu_limit: int
    gpu_count: int
    gpu_type: str | None
    gpu_memory_limit_mib: int | None


def _instance(id_: str, memory_mib: int) -> Instance:
    gpu, _, size = id_.replace("MIG", "_40GB").rpartition(":")
    *several, vcpu, gib = map(int, size.split("x"))
    count = several[0] if several else int(gpu != "")
    name = f"{vcpu} vCPU, {gib} GiB"
    name = f"{count}x {gpu} ({name})" if gpu else name
    return Instance(id_, name, gib * 1024, vcpu * 1000, count, gpu or None, memory_mib or None)


INSTANCES = {row[0]: _instance(*row[:-1]) for row in TABLES["instances"]}
# What a minute on a node costs, in this unit of US dollars.
PRICES = {row[0]: row[-1] for row in TABLES["instances"]}
PRICE_UNIT = Decimal("0.00001")
MIB = 1 << 20
# Submissions by hour of the day (UTC) on a weekday; a weekend has an eighth of it.
_HOURS = (1, 1, 1, 1, 1, 1, 2, 5, 13, 24, 27, 25, 15, 20, 27, 26, 23, 16, 9, 5, 4, 3, 2, 1)
_WEEKDAY = 8


@dataclass(frozen=True, eq=False)
class Project:
    """A project, told of from `start` to `as_of`; `life` is the time in which it gets jobs."""

    id: str
    name: str
    team: str
    kind: str
    load: int
    start: int
    as_of: int
    life: tuple[int, int]
    habits: dict[str, str]
    favourite: str

    def moment(self, dice: Dice, low: int, high: int) -> int:
        """Draw a moment to submit at, mostly in working hours, more of them later on."""
        hours = (self.as_of - self.start) // HOUR
        while True:
            moment = dice.between(low, max(high - SECOND, low))
            # 1970 began on a Thursday.
            weight = _HOURS[moment // HOUR % 24] * (1 if (moment // DAY + 3) % 7 >= 5 else _WEEKDAY)
            weight *= hours + 2 * max(moment - self.start, 0) // HOUR
            if dice.below(max(_HOURS) * _WEEKDAY * 3 * hours) < weight:
                return moment


@dataclass(eq=False, slots=True)
class Job:
    """A job. Moments are in milliseconds since 1970, lengths in milliseconds."""

    id: str
    project: Project
    submitted: int
    name: str | None
    instance: Instance
    nodes: int
    user: str
    spot: bool
    work: int  # how long it would run if nothing went wrong
    priority: int = 0
    spelling: Sequence[str] = ("", "")  # of its times: precision, and how UTC is written
    outcome: str = "completed"
    cause: str | None = None
    share: int = 100  # how much of its work it does before it ends, in percent
    longest: int = NEVER  # when it ends at the latest, counted from its start
    until: int = 0  # the moment in which it fails, if it runs then
    attempt: int = 1
    after: "Job | None" = None  # the attempt that this one continues
    stays: str | None = None  # the status that it never leaves
    quirk: str | None = None  # hung, idle node, idle half, one gpu, clock skew
    is_deleted: bool = False
    # What happened, as `scheduling` tells it; `synced` is when its last checkpoint was copied.
    released: int = NEVER
    deploying: int = NEVER
    started: int = NEVER
    ended: int = NEVER
    synced: int = NEVER
    loading: int = 0
    checkpoints: Sequence[int] = ()
    message: str | None = None

    @property
    def gpus(self) -> int:
        """GPUs of all its nodes."""
        return self.instance.gpu_count * self.nodes

    @property
    def node_names(self) -> list[str]:
        """Names of its nodes; the first one leads."""
        return [f"{self.id}-node-{number}" for number in range(self.nodes)]

    def cut(self, time: int) -> int:
        """Round a time down to what is told of it, so that its spelling cuts nothing off."""
        return time - time % (SECOND if self.spelling[0] == "seconds" else 1)

    @property
    def ran(self) -> bool:
        """Whether it has run for some time."""
        return self.started < min(self.ended, self.project.as_of)

    @property
    def busy_until(self) -> int:
        """When its GPUs had their last work."""
        if self.quirk == "hung":
            return self.started + 190 * MINUTE
        return (self.started + self.ended) // 2 if self.quirk == "idle half" else self.ended

    def history(self) -> list[tuple[str, int]]:
        """List the statuses it gets, and when."""
        first = "queued" if self.stays == "queued" else "pending"
        labels = (first, "created", "deploying", "running", self.outcome)
        times = (self.submitted, self.released, self.deploying, self.started, self.ended)
        return [step for step in zip(labels, times, strict=True) if step[1] < NEVER]

    def state(self, moment: int) -> tuple[str, int]:
        """Tell its status at a moment, and since when it has had it."""
        return [step for step in self.history() if step[1] <= moment][-1]
