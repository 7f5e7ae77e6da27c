"""What happened to the organisation: stuck jobs, bad afternoons and odd records, one by one.

Each story looks for the project it is about and does nothing where that, or its jobs, are
missing: small samples have fewer stories.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from trainview.sampling.catalogue import INSTANCES
from trainview.sampling.dice import Dice
from trainview.sampling.organisation import Calendar, Job, Project, fail, fail_to_deploy, preempt

FOREVER = timedelta(days=3650)


class Open(NamedTuple):
    """The last job of a project: submitted `age` ago, and since then it is in one phase."""

    project: str
    age: timedelta
    phase: str
    machine: str | None = None
    nodes: int = 1


OPEN = (
    # Stuck: their like take three hours, an hour or two, and ten minutes. The run holds a quarter
    # of the B200s, which is why the pending job finds no room.
    Open("qwen3-32b-dpo", timedelta(days=11, hours=2), "run", "B200:8x208x1872"),
    Open("b200-bringup", timedelta(days=2, hours=3), "wait", "B200:8x208x1872", 4),
    Open("sdxl-product-lora", timedelta(hours=9, minutes=6), "deploy"),
    # As usual.
    Open("moe-8x7b-scaling-laws", timedelta(hours=32), "run", "H200:8x208x1872", 4),
    Open("llama-3-70b-continued-pretrain", timedelta(hours=9), "run", "H100:8x208x1872", 4),
    Open("gpt-oss-120b-grpo", timedelta(hours=7, minutes=20), "run", "H200:8x208x1872", 2),
    Open("whisper-large-finetune", timedelta(hours=2, minutes=25), "run"),
    Open("mamba-hybrid-1b", timedelta(hours=1, minutes=50), "run"),
    Open("tts-prosody", timedelta(minutes=95), "run"),
    Open("deepseek-r1-distill-8b", timedelta(minutes=48), "run"),
    Open("segment-warehouse", timedelta(minutes=21), "run"),
    Open("data-prep-commoncrawl", timedelta(minutes=16), "run"),
    Open("nemotron-4-pruning", timedelta(minutes=34), "wait", "H200:8x208x1872", 4),
    Open("gpt-oss-lora", timedelta(minutes=4), "deploy"),
    Open("mistral-7b-tool-use", timedelta(minutes=2, seconds=20), "queue"),
    Open("llama-3-70b-sft", timedelta(seconds=41), "accept"),
)


def _run_out_of_memory(dice: Dice, job: Job) -> None:
    fail(dice, job, "oom")


def _miss_the_image(dice: Dice, job: Job) -> None:
    fail_to_deploy(dice, job, "image")


def _evict(_dice: Dice, job: Job) -> None:
    job.outcome, job.cause = "evicted", None


def _skew_the_clock(_dice: Dice, job: Job) -> None:
    job.outcome, job.cause, job.run = "stopped", None, timedelta(0)
    job.skew = timedelta(seconds=37)


def _rename(name: str) -> Callable[[Dice, Job], None]:
    def rename(_dice: Dice, job: Job) -> None:
        job.name = name

    return rename


class Story(NamedTuple):
    """What happens to the last jobs of a project, leaving out those younger than `age`."""

    project: str
    jobs: int
    age: timedelta
    happens: Callable[[Dice, Job], None]


NOW = timedelta(0)
# After this long a job of the projects below has surely ended.
SETTLED = timedelta(days=3)

STORIES = (
    Story("reward-model-v2", 7, NOW, _run_out_of_memory),
    Story("ocr-invoices", 8, NOW, _miss_the_image),
    Story("flux-style-adapters", 1, SETTLED, preempt),
    Story("wav2vec-noise-robust", 1, SETTLED, _evict),
    Story("smoke-tests", 1, SETTLED, _skew_the_clock),
    Story("long-context-ablations", 1, NOW, _rename('rope "yarn", factor=4, warm restart')),
    Story("tts-prosody", 1, NOW, _rename("🎙️ take-2")),
    Story("vit-defect-detection", 1, NOW, _rename("+1-epoch")),
)


def tell(dice: Dice, projects: list[Project], calendar: Calendar) -> None:
    """Let the stories happen to jobs that have not been scheduled yet."""
    # Where two projects share a name, the first one is meant.
    by_name = {project.name: project.jobs for project in reversed(projects)}
    for name, count, age, happens in STORIES:
        settled = [job for job in by_name.get(name, []) if job.submitted < calendar.as_of - age]
        for job in settled[-count:]:
            happens(dice, job)
    if timedelta(days=35) < calendar.as_of - calendar.start:
        _bad_afternoon(dice, projects, calendar.as_of)
    for entry in OPEN:
        if entry.age < calendar.as_of - calendar.start:
            for job in by_name.get(entry.project, [])[-1:]:
                _leave_open(dice, job, entry, calendar.as_of)


def _bad_afternoon(dice: Dice, projects: list[Project], as_of: datetime) -> None:
    """Let the network fail for every job on several nodes, one weekday three weeks ago."""
    noon = as_of.replace(hour=12, minute=40, second=0, microsecond=0) - timedelta(days=20)
    noon -= timedelta(days=max(noon.weekday() - 4, 0))
    for project in projects:
        jobs = [
            job
            for job in project.jobs
            if 1 < job.nodes <= 4 and abs(job.submitted - noon) < timedelta(days=14)
        ]
        if jobs:
            job = min(jobs, key=lambda job: abs(job.submitted - noon))
            morning = noon - timedelta(days=dice.below(2))
            job.submitted = morning - dice.span(2 * 3600, 4 * 3600)
            job.held = True
            fail(dice, job, "nccl")
            job.run = noon + dice.span(0, 4 * 3600) - job.started


def _leave_open(dice: Dice, job: Job, entry: Open, as_of: datetime) -> None:
    job.submitted = as_of - entry.age + dice.span(0, 9)
    job.outcome, job.cause, job.held = "completed", None, True
    if entry.machine is not None:
        job.instance, job.nodes, job.spot = INSTANCES[entry.machine], entry.nodes, False
    if entry.phase == "run":
        job.run = FOREVER
    elif entry.phase == "deploy":
        job.deploy = FOREVER
    elif entry.phase == "accept":
        job.accept = FOREVER
    else:
        job.wait = FOREVER
        job.waiting = "queued" if entry.phase == "queue" else "pending"
