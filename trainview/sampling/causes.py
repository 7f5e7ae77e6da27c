"""What training jobs die of, and the words they leave behind."""

from typing import NamedTuple

from trainview.sampling.catalogue import GPU_MEMORY, Instance
from trainview.sampling.dice import Dice


class Cause(NamedTuple):
    """One way to fail.

    Attributes
    ----------
    weight : int
        How common it is.
    when : str
        ``boot`` (the first minutes), ``early`` (the first half hour) or ``middle`` of the run.
    on : str
        ``any`` job, those with ``gpu``, ``cpu`` only, or several nodes (``multi``).
    texts : tuple of (str or None)
        The message: the short one, and where there is one, that with a traceback.
    """

    weight: int
    when: str
    on: str
    texts: tuple[str | None, ...]


_TRACE = 'Traceback (most recent call last):\n  File "/app/{script}", line {line}, in <module>\n'
_STEP = (
    _TRACE + '    main(parse_args())\n  File "/app/{script}", line {line2}, in main\n    {code}\n'
)
_OOM = (
    "CUDA out of memory. Tried to allocate {ask} GiB. GPU {gpu} has a total capacity of {total} "
    "GiB of which {free} GiB is free. Process {pid} has {used} GiB memory in use."
)
_WATCHDOG = (
    "[Rank {rank}] Watchdog caught collective operation timeout: WorkNCCL(SeqNum={seq}, "
    "OpType=ALLREDUCE, NumelIn={numel}, NumelOut={numel}, Timeout(ms)=600000) ran for {late} "
    "milliseconds before timing out."
)
_UNAUTHORIZED = (
    "401 Client Error: Unauthorized for url: https://huggingface.co/{repo}/resolve/main/"
    "tokenizer.json (Request ID: Root=1-{hex8}-{hex24})"
)
_FORBIDDEN = (
    "403 Client Error: Forbidden for url: https://huggingface.co/{repo}/resolve/main/config.json. "
    "Cannot access gated repo {repo}: the token of this job is not on its access list."
)
_IMAGE = (
    "Back-off pulling image 'registry.example.com/{image}:{tag}': manifest for {tag} not found "
    "(attempt {attempt})"
)

FAILURES = {
    "oom": Cause(
        26,
        "early",
        "gpu",
        (
            f"torch.OutOfMemoryError: {_OOM}",
            f"{_STEP}torch.OutOfMemoryError: {_OOM}",
        ),
    ),
    "nccl": Cause(
        16,
        "middle",
        "multi",
        (_WATCHDOG,),
    ),
    "killed": Cause(12, "middle", "any", ("Process exited with code 137",)),
    "exit": Cause(9, "early", "any", ("Process exited with code 1",)),
    "disk": Cause(
        9,
        "middle",
        "any",
        ("OSError: [Errno 28] No space left on device: '/tmp/checkpoints/step-{step}'",),
    ),
    "unauthorized": Cause(
        8,
        "boot",
        "gpu",
        (_UNAUTHORIZED,),
    ),
    "forbidden": Cause(
        6,
        "boot",
        "gpu",
        (_FORBIDDEN,),
    ),
    "module": Cause(
        8,
        "boot",
        "any",
        (
            "ModuleNotFoundError: No module named '{module}'",
            _TRACE + "    import {module}\nModuleNotFoundError: No module named '{module}'",
        ),
    ),
    "column": Cause(
        8,
        "boot",
        "any",
        ("KeyError: '{column}'", _STEP + "KeyError: '{column}'"),
    ),
    "refused": Cause(
        5,
        "early",
        "any",
        ("ConnectionRefusedError: [Errno 111] Connection refused: ('10.{a}.{b}.{c}', {port})",),
    ),
    "nan": Cause(
        5,
        "middle",
        "gpu",
        ("RuntimeError: loss is nan at step {step} on rank {rank}, giving up",),
    ),
    "worker": Cause(
        4,
        "middle",
        "gpu",
        ("RuntimeError: DataLoader worker (pid {pid}) is killed by signal: Killed.",),
    ),
    "array": Cause(
        14,
        "early",
        "cpu",
        ("MemoryError: Unable to allocate {ask} GiB for an array with {numel} elements",),
    ),
    "silent": Cause(6, "middle", "any", (None,)),
}

# Deployments that never came up: cause, its weight and its words.
DEPLOY_FAILURES = {
    "image": (5, _IMAGE),
    "node": (3, "Node {hex8} did not become ready within 1200 seconds"),
    "volume": (2, "Timed out after 600 s mounting the cache volume on node {hex8}"),
}

PREEMPTED = "Spot capacity was reclaimed after {minutes} minutes"
EVICTED = "Node {hex8} was drained for maintenance"

REPOS = {
    "research": ("meta-llama/Llama-3.1-70B", "google/gemma-3-12b-pt"),
    "post-training": ("meta-llama/Llama-3.1-70B-Instruct", "mistralai/Mistral-7B-Instruct-v0.3"),
    "speech": ("pyannote/segmentation-3.0", "google/gemma-3n-E4B-it"),
    "vision": ("black-forest-labs/FLUX.1-dev", "stabilityai/stable-diffusion-3.5-large"),
    "platform": ("meta-llama/Llama-3.1-8B", "google/gemma-3-4b-it"),
}
MODULES = {
    "research": ("flash_attn", "mamba_ssm", "apex"),
    "post-training": ("flash_attn", "bitsandbytes", "liger_kernel"),
    "speech": ("soundfile", "librosa"),
    "vision": ("cv2", "xformers"),
    "platform": ("deepspeed", "zstandard"),
}
COLUMNS = {
    "research": ("input_ids", "doc_id"),
    "post-training": ("chosen", "messages", "rejected"),
    "speech": ("input_features", "text_target"),
    "vision": ("pixel_values", "caption"),
    "platform": ("text", "shard"),
}
SCRIPTS = ("train.py", "run_sft.py", "src/finetune.py")


def habits(dice: Dice, team: str) -> dict[str, str]:
    """Fix what the failures of one project have in common: its models, code and columns."""
    column = dice.pick(COLUMNS[team])
    line = dice.between(60, 420)
    return {
        "repo": dice.pick(REPOS[team]),
        "module": dice.pick(MODULES[team]),
        "column": column,
        "script": dice.pick(SCRIPTS),
        "line": str(line),
        "line2": str(line - dice.between(5, 35)),
        "code": dice.pick(("trainer.train()", f'batch = collate(rows, key="{column}")')),
        "image": f"{team}/trainer",
    }


def fits(cause: str, gpus: int, nodes: int) -> bool:
    """Say whether a job of this size can die of a cause."""
    sizes = {"any": True, "cpu": gpus == 0, "gpu": gpus > 0, "multi": nodes > 1}
    return sizes[FAILURES[cause].on]


def choose(dice: Dice, gpus: int, nodes: int) -> str:
    """Pick a cause that a job of this size can die of."""
    return dice.weighted(
        [(cause.weight, key) for key, cause in FAILURES.items() if fits(key, gpus, nodes)]
    )


def choose_deploy_failure(dice: Dice) -> str:
    """Pick a cause for a deployment that never comes up."""
    return dice.weighted([(weight, key) for key, (weight, _) in DEPLOY_FAILURES.items()])


def fill(
    dice: Dice, text: str | None, instance: Instance, nodes: int, habit: dict[str, str]
) -> str | None:
    """Put numbers that suit the job into a message."""
    if text is None:
        return None
    total = GPU_MEMORY.get(instance.gpu_type or "", 6400)
    free = dice.between(2, 180)
    facts = {
        "ask": _hundredths(free + dice.between(16, 600)),
        "free": _hundredths(free),
        "total": _hundredths(total),
        "used": _hundredths(total - free - dice.between(1, 30)),
        "gpu": dice.below(max(instance.gpu_count, 1)),
        "rank": dice.below(max(instance.gpu_count * nodes, 1)),
        "seq": dice.between(900, 480_000),
        "numel": dice.pick((4096, 131_072, 16_777_216, 58_720_256, 262_144_000)),
        "late": 600_000 + dice.between(2, 96),
        "pid": dice.between(90, 4100),
        "step": 100 * dice.between(1, 90),
        "hex24": f"{dice.below(1 << 48):012x}{dice.below(1 << 48):012x}",
        "hex8": f"{dice.below(1 << 32):08x}",
        "a": dice.between(0, 40),
        "b": dice.between(0, 255),
        "c": dice.between(2, 254),
        "port": dice.pick((29500, 6379, 4318, 8265)),
        "tag": f"{dice.pick(('main', 'dev', 'exp'))}-{dice.below(1 << 28):07x}",
        "attempt": dice.between(4, 12),
        "minutes": dice.between(20, 190),
    }
    return text.format(**facts, **habit)


def _hundredths(value: int) -> str:
    return f"{value // 100}.{value % 100:02d}"
