"""What goes wrong: why jobs fail, the words they leave behind, and the odd stories.

The stories are stuck jobs, repeated failures, a bad afternoon and strange names. Each looks for
the project it is about, and does nothing where that, or its jobs, are missing: small samples have
fewer stories.
"""

from trainview.sampling.dice import DAY, HOUR, MINUTE, NEVER, Dice
from trainview.sampling.organisation import CAUSES, INSTANCES, TABLES, Job, Project

# Mistakes that one corrects and tries again; those of programs leave a traceback behind.
MISTAKES = ("module", "column", "unauthorized", "oom")


def habits(dice: Dice, team: str) -> dict[str, str]:
    """Fix what the failures of one project have in common: its models, code and columns."""
    known = TABLES["teams"][team]
    repo, module, column = (dice.pick(known[name]) for name in ("models", "modules", "columns"))
    line = dice.between(60, 420)
    about = {"team": team, "repo": repo, "module": module, "column": column, "line": str(line)}
    about["model"] = repo.replace("/", "--")
    about["script"] = dice.pick(("train.py", "run_sft.py", "src/finetune.py"))
    about["line2"] = str(line - dice.between(5, 35))
    about["code"] = dice.pick(("trainer.train()", f'batch = collate(rows, key="{column}")'))
    return about | {"trace": TABLES["traceback"] if dice.chance(25) else ""}


def fits(cause: str, gpus: int, nodes: int) -> bool:
    """Say whether a job of this size can fail by a cause."""
    return {"any": True, "cpu": not gpus, "gpu": gpus > 0, "multi": nodes > 1}[CAUSES[cause]["on"]]


def choose(dice: Dice, gpus: int, nodes: int, *, deploys: bool = True) -> str:
    """Pick a cause that a job of this size can fail by, once it is deployed or before."""
    names = [name for name in CAUSES if (CAUSES[name]["when"] != "deploy") == deploys]
    fitting = [name for name in names if fits(name, gpus, nodes)]
    return dice.weighted([(CAUSES[name]["weight"], name) for name in fitting])


def fail(dice: Dice, job: Job, cause: str) -> None:
    """Let a job fail, at the time that suits the cause."""
    when = CAUSES[cause]["when"]
    job.outcome, job.cause = "deploy-failed" if when == "deploy" else "failed", cause
    if when == "middle":
        job.share = dice.between(8, 96)
    elif when != "deploy":
        job.longest = dice.seconds(15, 150) if when == "boot" else dice.seconds(60, 1800)


def message(job: Job) -> str | None:
    """Write the message that a job ends with, with numbers that suit it."""
    about = job.project.habits
    text = CAUSES[job.cause].get("text") if job.cause else TABLES["endings"].get(job.outcome)
    if text is None:
        return None
    dice = Dice("message", job.id)
    total = TABLES["gpu_memory"].get(job.instance.gpu_type or "", 6400)
    free, hexes = dice.between(2, 180), f"{dice.below(1 << 53):014x}{dice.below(1 << 53):014x}"
    facts = {
        "ask": (free + dice.between(16, 600)) / 100,
        "free": free / 100,
        "total": total / 100,
        "used": (total - free - dice.between(1, 30)) / 100,
        "gpu": dice.below(max(job.instance.gpu_count, 1)),
        "rank": dice.below(max(job.gpus, 1)),
        **{f"hex{length}": hexes[:length] for length in (2, 8, 24)},
        "tag": f"{dice.pick(('main', 'dev', 'exp'))}-{hexes[:7]}",
        "minutes": (job.ended - job.started) // MINUTE,
    }
    numbers = {name: dice.pick(range(*span)) for name, *span in TABLES["numbers"]}
    trace = about["trace"] if job.cause in MISTAKES else ""
    return f"{trace}{text}".format_map({**facts, **numbers, **about})


# --- Stories -------------------------------------------------------------------------------------


def tell_stories(dice: Dice, jobs: dict[Project, list[Job]], days: int, as_of: int) -> None:
    """Let the stories happen to jobs that have not been scheduled yet."""
    if days > 35:
        noon = as_of // DAY * DAY - 20 * DAY + 12 * HOUR + 40 * MINUTE
        _bad_afternoon(dice, [job for own in jobs.values() for job in own], noon)
    # Where two projects share a name, the first one is meant.
    by_name = {project.name: own for project, own in reversed(jobs.items())}
    for project, age, status, *special in TABLES["open"]:
        submitted = as_of - age * MINUTE + dice.seconds(0, 9)
        if (alone := _alone(by_name.get(project, []))) and submitted > as_of - days * DAY:
            latest = max(alone, key=lambda job: job.submitted)
            latest.submitted, latest.stays = submitted, status
            _leave_open(latest, *special)
    for project, count, age, story in TABLES["stories"]:
        own = sorted(by_name.get(project, []), key=lambda job: job.submitted)
        own = _alone(own) if story.startswith("name") else own
        before = as_of - age * DAY
        for job in [job for job in own if job.submitted < before and job.stays is None][-count:]:
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
        job.work, job.spot = max(job.work, 4 * HOUR), job.spot or what in TABLES["endings"]
        if verb == "fails":
            fail(dice, job, what)


def _leave_open(job: Job, machine: str = "", nodes: int = 1, quirk: str | None = None) -> None:
    if machine:
        job.instance, job.nodes = INSTANCES[machine], nodes
    job.outcome, job.cause, job.share, job.longest = "completed", None, 100, NEVER
    job.quirk, job.priority, job.until = quirk, 0, 0
    # On spot capacity it surely gets its GPUs.
    job.spot = job.stays in {"created", "deploying"} and job.gpus > 0


def _bad_afternoon(dice: Dice, jobs: list[Job], noon: int) -> None:
    """Let the network fail for one job on several nodes of each project, three weeks ago."""
    nearest: dict[Project, Job] = {}
    for job in sorted(jobs, key=lambda job: abs(job.submitted - noon)):
        if job.after is None and 1 < job.nodes <= 4 and abs(job.submitted - noon) < 14 * DAY:
            nearest.setdefault(job.project, job)
    for job in nearest.values():
        job.submitted = noon - dice.below(2) * DAY - dice.seconds(2 * 3600, 4 * 3600)
        fail(dice, job, "nccl")
        job.priority, job.until = 100, noon + dice.seconds(0, 4 * 3600)
