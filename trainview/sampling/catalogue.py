"""The made-up organisation: its machines, teams, projects and habits, as tables."""

from typing import NamedTuple


class Instance(NamedTuple):
    """One instance type: what the API tells about one node."""

    id: str
    gpu_type: str | None
    gpu_count: int
    vcpu: int
    memory_gib: int
    gpu_memory_limit_mib: int | None

    @property
    def name(self) -> str:
        """Its display name."""
        size = f"{self.vcpu} vCPU, {self.memory_gib} GiB"
        return f"{self.gpu_count}x {self.gpu_type} ({size})" if self.gpu_type else size


# GPU memory is that of one GPU for some types and of the whole node for others, as in the API.
_INSTANCES = (
    Instance("1x4", None, 0, 1, 4, None),
    Instance("4x16", None, 0, 4, 16, None),
    Instance("16x64", None, 0, 16, 64, None),
    Instance("L4:4x16", "L4", 1, 4, 16, 24576),
    Instance("L4:4x48x192", "L4", 4, 48, 192, 24576),
    Instance("A10G:4x16", "A10G", 1, 4, 16, 24576),
    Instance("A10G:2x24x96", "A10G", 2, 24, 96, 49152),
    Instance("L40S:8x32", "L40S", 1, 8, 32, 46080),
    Instance("A100:12x144", "A100", 1, 12, 144, 81920),
    Instance("A100:4x48x576", "A100", 4, 48, 576, 327680),
    Instance("H100:26x234", "H100", 1, 26, 234, 81920),
    Instance("H100:2x52x468", "H100", 2, 52, 468, 81920),
    Instance("H100:4x104x936", "H100", 4, 104, 936, 81920),
    Instance("H100:8x208x1872", "H100", 8, 208, 1872, 655360),
    Instance("H200:8x208x1872", "H200", 8, 208, 1872, 1155072),
    Instance("B200:8x208x1872", "B200", 8, 208, 1872, 1474560),
)
INSTANCES = {instance.id: instance for instance in _INSTANCES}

# GPUs that the organisation may hold at once, for about 600 jobs in 90 days.
GPU_LIMITS = {"H100": 128, "H200": 64, "B200": 32, "A100": 24, "A10G": 24, "L4": 24, "L40S": 8}

# What a process sees of one GPU, in hundredths of GiB.
GPU_MEMORY = {
    "H100": 7911,
    "H200": 13980,
    "B200": 17835,
    "A100": 7915,
    "A10G": 2206,
    "L4": 2203,
    "L40S": 4442,
}

# Members by how much they submit: roles, not people.
MEMBERS = {
    "research": ((5, "research-eng-01"), (3, "research-eng-02"), (2, "research-eng-03")),
    "post-training": (
        (6, "ml-eng-03"),
        (4, "ml-eng-01"),
        (3, "ml-eng-02"),
        (1, "post-training-oncall"),
    ),
    "speech": ((5, "speech-eng-01"), (2, "speech-eng-02"), (1, "speech-data")),
    "vision": ((4, "vision-eng-02"), (3, "vision-eng-01"), (1, "vision-intern")),
    "platform": ((3, "platform-eng-01"), (2, "platform-eng-02"), (1, "platform-oncall")),
}
ROBOT = "ci-bot"


class Kind(NamedTuple):
    """How the jobs of one kind of project look.

    Attributes
    ----------
    shapes : tuple of (weight, (instance id, nodes))
        What they run on.
    minutes : tuple of int
        Run time: minimum, median, 90 %, maximum.
    odds : tuple of (weight, status label)
        How they end.
    campaigns : tuple of (weight, campaign)
        How they are submitted: ``single``, ``sweep`` (a burst), ``fix`` (tries until it works),
        ``nightly``.
    spot : int
        Percentage on interruptible capacity.
    names : tuple of str
        Names of single jobs.
    """

    shapes: tuple[tuple[int, tuple[str, int]], ...]
    minutes: tuple[int, int, int, int]
    odds: tuple[tuple[int, str], ...]
    campaigns: tuple[tuple[int, str], ...]
    spot: int
    names: tuple[str, ...]


def _odds(failed: int, stopped: int, deploy_failed: int) -> tuple[tuple[int, str], ...]:
    completed = 100 - failed - stopped - deploy_failed
    return (
        (completed, "completed"),
        (failed, "failed"),
        (stopped, "stopped"),
        (deploy_failed, "deploy-failed"),
    )


_RUNS = ("full-run", "baseline", "run-{n}", "run-{n}", "resume-step-{step}", "debug", "smoke-test")

KINDS = {
    "pretrain": Kind(
        shapes=(
            (6, ("H100:8x208x1872", 4)),
            (1, ("H100:8x208x1872", 8)),
            (3, ("H100:8x208x1872", 2)),
            (4, ("H200:8x208x1872", 4)),
            (2, ("H200:8x208x1872", 2)),
        ),
        minutes=(600, 1700, 3000, 3600),
        odds=_odds(17, 14, 3),
        campaigns=((9, "single"), (1, "fix")),
        spot=0,
        names=("phase-{n}", "resume-step-{step}", "anneal-{n}", "full-run", "warmup-check"),
    ),
    "blackwell": Kind(
        shapes=((3, ("B200:8x208x1872", 2)), (2, ("B200:8x208x1872", 1))),
        minutes=(15, 600, 1300, 2000),
        odds=_odds(16, 10, 8),
        campaigns=((7, "single"), (2, "fix")),
        spot=0,
        names=("fp8-parity", "nccl-bench", "run-{n}", "flash-attention-check"),
    ),
    "rl": Kind(
        shapes=(
            (3, ("H200:8x208x1872", 2)),
            (2, ("H100:8x208x1872", 2)),
            (2, ("H100:8x208x1872", 4)),
        ),
        minutes=(30, 840, 1700, 2600),
        odds=_odds(14, 13, 3),
        campaigns=((9, "single"), (1, "fix")),
        spot=0,
        names=("grpo-{n}", "kl-0.02", "math-only", "resume-step-{step}", "rollout-test"),
    ),
    "sft": Kind(
        shapes=(
            (6, ("H100:8x208x1872", 1)),
            (2, ("H100:8x208x1872", 2)),
            (2, ("H100:4x104x936", 1)),
        ),
        minutes=(35, 185, 330, 760),
        odds=_odds(9, 9, 2),
        campaigns=((8, "single"), (2, "fix"), (2, "sweep")),
        spot=4,
        names=(*_RUNS, "epochs-3", "packed-8k"),
    ),
    "lora": Kind(
        shapes=(
            (5, ("H100:26x234", 1)),
            (3, ("H100:2x52x468", 1)),
            (3, ("A100:12x144", 1)),
            (1, ("H100:4x104x936", 1)),
        ),
        minutes=(18, 75, 190, 420),
        odds=_odds(8, 8, 2),
        campaigns=((6, "single"), (1, "fix"), (5, "sweep")),
        spot=10,
        names=(*_RUNS, "r16-all-linear", "qlora-nf4"),
    ),
    "speech": Kind(
        shapes=(
            (4, ("A100:12x144", 1)),
            (3, ("A100:4x48x576", 1)),
            (2, ("H100:2x52x468", 1)),
            (3, ("A10G:4x16", 1)),
        ),
        minutes=(20, 130, 400, 840),
        odds=_odds(9, 9, 2),
        campaigns=((8, "single"), (2, "fix"), (2, "sweep")),
        spot=12,
        names=(*_RUNS, "noise-aug", "16khz-clean"),
    ),
    "vision": Kind(
        shapes=(
            (5, ("A10G:4x16", 1)),
            (3, ("A10G:2x24x96", 1)),
            (3, ("L40S:8x32", 1)),
            (2, ("L4:4x48x192", 1)),
            (2, ("H100:26x234", 1)),
        ),
        minutes=(12, 65, 210, 480),
        odds=_odds(8, 8, 2),
        campaigns=((7, "single"), (2, "fix"), (4, "sweep")),
        spot=15,
        names=(*_RUNS, "res-1024", "ema-on"),
    ),
    "small": Kind(
        shapes=((5, ("L4:4x16", 1)), (4, ("A10G:4x16", 1)), (1, ("A100:12x144", 1))),
        minutes=(6, 32, 85, 180),
        odds=_odds(10, 9, 2),
        campaigns=((8, "single"), (1, "fix"), (1, "sweep")),
        spot=10,
        names=_RUNS,
    ),
    "cpu": Kind(
        shapes=((5, ("16x64", 1)), (3, ("4x16", 1)), (2, ("1x4", 1))),
        minutes=(3, 26, 110, 260),
        odds=_odds(10, 6, 1),
        campaigns=((9, "single"), (1, "fix")),
        spot=0,
        names=("shard-{n}", "shard-{n}", "rerun-{n}", "full-pass", "stats"),
    ),
    "nightly": Kind(
        shapes=((1, ("L40S:8x32", 1)),),
        minutes=(38, 52, 63, 80),
        odds=_odds(9, 0, 2),
        campaigns=((1, "nightly"),),
        spot=0,
        names=(),
    ),
}

GRIDS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("lr-{}-seed-{}", ("1e-5", "3e-5", "1e-4"), ("1", "2", "3")),
    ("rank-{}-alpha-{}", ("8", "16", "64"), ("16", "32", "128")),
    ("bs-{}-lr-{}", ("32", "64", "128"), ("2e-5", "5e-5", "2e-4")),
    ("dropout-{}-wd-{}", ("0", "0.05", "0.1"), ("0", "0.01", "0.1")),
)


class Row(NamedTuple):
    """One project of the organisation; `load` is its share of the jobs."""

    name: str
    team: str
    kind: str
    load: int


_LONG_NAME = (
    "multilingual-instruction-following-with-retrieval-augmented-context-distillation-and-"
    "curriculum-over-document-length-second-attempt-after-the-tokenizer-fix-do-not-delete"
)

# Small samples take the first rows, so the plain ones come first and the odd ones last.
PROJECTS = (
    Row("llama-3-70b-sft", "post-training", "sft", 62),
    Row("whisper-large-finetune", "speech", "speech", 46),
    Row("gpt-oss-lora", "post-training", "lora", 30),
    Row("llama-3-70b-continued-pretrain", "research", "pretrain", 34),
    Row("sdxl-product-lora", "vision", "vision", 42),
    Row("qwen3-32b-dpo", "post-training", "sft", 40),
    Row("nightly-regression-evals", "platform", "nightly", 44),
    Row("mistral-7b-tool-use", "post-training", "lora", 52),
    Row("ocr-invoices", "vision", "vision", 24),
    Row("gpt-oss-120b-grpo", "research", "rl", 30),
    Row("b200-bringup", "platform", "blackwell", 14),
    Row("reward-model-v2", "post-training", "lora", 28),
    Row("moe-8x7b-scaling-laws", "research", "pretrain", 26),
    Row("wav2vec-noise-robust", "speech", "speech", 16),
    Row("smoke-tests", "platform", "small", 18),
    Row("data-prep-commoncrawl", "platform", "cpu", 22),
    Row("deepseek-r1-distill-8b", "post-training", "lora", 34),
    Row("long-context-ablations", "research", "sft", 18),
    Row("flux-style-adapters", "vision", "vision", 24),
    Row("tts-prosody", "speech", "speech", 14),
    Row("safety-classifier", "post-training", "small", 14),
    Row("gpt-oss-lora", "research", "lora", 12),
    Row("speaker-diarization", "speech", "small", 12),
    Row("dedup-minhash", "platform", "cpu", 12),
    Row("vit-defect-detection", "vision", "vision", 10),
    Row("embedding-bge-m3-finetune", "research", "small", 12),
    Row("mamba-hybrid-1b", "research", "sft", 10),
    Row("video-captioner-7b", "vision", "sft", 10),
    Row("checkpoint-converter", "platform", "cpu", 9),
    Row("segment-warehouse", "vision", "small", 9),
    Row("tokenizer-vocab-study", "research", "cpu", 8),
    Row("nemotron-4-pruning", "research", "rl", 10),
    Row("日本語-asr-微調整", "speech", "speech", 9),
    Row("scratch", "platform", "small", 0),
    Row("🚀 launch-rehearsal", "platform", "small", 6),
    Row("תמלול-עברית", "speech", "speech", 6),
    Row("=SUM(A1:A9)-ablation", "research", "lora", 6),
    Row('retriever "v2", hard negatives', "post-training", "small", 7),
    Row(_LONG_NAME, "research", "lora", 5),
    Row("old-team-handover", "vision", "small", 2),
)

# Larger organisations get more projects of the same sorts: base model, task, team, kind.
BASES = (
    "llama-3-8b",
    "llama-3-70b",
    "qwen3-4b",
    "qwen3-14b",
    "gemma-3-12b",
    "mistral-7b",
    "phi-4",
    "gpt-oss-20b",
    "deepseek-v3",
    "granite-3-8b",
)
TASKS = (
    ("sft", "post-training", "sft"),
    ("dpo", "post-training", "sft"),
    ("lora", "post-training", "lora"),
    ("tool-use", "post-training", "lora"),
    ("distill", "research", "lora"),
    ("pretrain", "research", "pretrain"),
    ("grpo", "research", "rl"),
    ("asr-adapter", "speech", "speech"),
    ("captioning", "vision", "vision"),
    ("classifier", "post-training", "small"),
    ("evals", "platform", "small"),
    ("data-prep", "platform", "cpu"),
)
LOADS = ((4, 0), (30, 3), (30, 8), (20, 16), (10, 40), (6, 80))
