"""Why training jobs fail, and the words they leave behind."""

from trainview.sampling.catalogue import CAUSES, TABLES
from trainview.sampling.clock import MINUTE
from trainview.sampling.dice import Dice
from trainview.sampling.jobs import Job

# Mistakes that one corrects and tries again; those of programs leave a traceback behind.
MISTAKES = ("module", "column", "unauthorized", "oom")
_TRACE = (
    'Traceback (most recent call last):\n  File "/app/{script}", line {line}, in <module>\n'
    '    main(parse_args())\n  File "/app/{script}", line {line2}, in main\n    {code}\n'
)


def habits(dice: Dice, team: str) -> dict[str, str]:
    """Fix what the failures of one project have in common: its models, code and columns."""
    known = TABLES["teams"][team]
    repo, module, column = (dice.pick(known[name]) for name in ("models", "modules", "columns"))
    line = dice.between(60, 420)
    return {
        "team": team,
        "repo": repo,
        "module": module,
        "column": column,
        "script": dice.pick(("train.py", "run_sft.py", "src/finetune.py")),
        "line": str(line),
        "line2": str(line - dice.between(5, 35)),
        "code": dice.pick(("trainer.train()", f'batch = collate(rows, key="{column}")')),
        "trace": _TRACE if dice.chance(25) else "",
    }


def fits(cause: str, gpus: int, nodes: int) -> bool:
    """Say whether a job of this size can fail by a cause."""
    return {"any": True, "cpu": not gpus, "gpu": gpus > 0, "multi": nodes > 1}[CAUSES[cause]["on"]]


def choose(dice: Dice, gpus: int, nodes: int, *, deploys: bool = True) -> str:
    """Pick a cause that a job of this size can fail by, once it is deployed or before."""
    names = [name for name in CAUSES if (CAUSES[name]["when"] != "deploy") == deploys]
    fitting = [name for name in names if fits(name, gpus, nodes)]
    return dice.weighted([(CAUSES[name]["weight"], name) for name in fitting])


def message(job: Job) -> str | None:
    """Write the message that a job ends with, with numbers that suit it."""
    about = job.project.habits
    said = CAUSES[job.cause] if job.cause else {"text": TABLES["endings"].get(job.outcome)}
    if said.get("text") is None:
        return None
    text: str = (about["trace"] if job.cause in MISTAKES else "") + said["text"]
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
    return text.format_map({**facts, **numbers, **about})
