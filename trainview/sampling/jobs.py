"""A made-up project and a made-up job: what was asked for, and what truly happened to it."""

from dataclasses import dataclass, field

from trainview.sampling.catalogue import Instance
from trainview.sampling.clock import NEVER, SECOND

_QUIET_AFTER = 11_400 * SECOND


@dataclass(frozen=True, eq=False)
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
    spelling: tuple[str, str] = ("", "")  # of its times: precision, and how UTC is written
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
    checkpoints: list[int] = field(default_factory=list)
    message: str | None = None

    @property
    def gpus(self) -> int:
        """GPUs of all its nodes."""
        return self.instance.gpu_count * self.nodes

    @property
    def tick(self) -> int:
        """The steps in which its times count, so that their spelling cuts nothing off."""
        return SECOND if self.spelling[0] == "seconds" else 1

    @property
    def chain(self) -> str:
        """The id of the first attempt."""
        return self.id if self.after is None else self.after.chain

    @property
    def busy_until(self) -> int:
        """When its GPUs had their last work."""
        if self.quirk == "hung" and self.started < NEVER:
            return self.started + _QUIET_AFTER
        return (self.started + self.ended) // 2 if self.quirk == "idle half" else self.ended

    def history(self) -> list[tuple[str, int]]:
        """List the statuses it gets, and when."""
        steps = [
            ("queued" if self.stays == "queued" else "pending", self.submitted),
            ("created", self.released),
            ("deploying", self.deploying),
            ("running", self.started),
            (self.outcome, self.ended),
        ]
        return [(status, since) for status, since in steps if since < NEVER]

    def state(self, moment: int) -> tuple[str, int]:
        """Tell its status at a moment, and since when it has had it."""
        return [step for step in self.history() if step[1] <= moment][-1]

    def ran(self, as_of: int) -> bool:
        """Say whether it ran for some time before a moment."""
        return self.started < min(self.ended, as_of)
