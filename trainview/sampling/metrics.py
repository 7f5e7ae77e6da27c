"""What is measured of a job: a sample depends on its series and its second, on nothing else."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from trainview.sampling.arguments import whole
from trainview.sampling.catalogue import GPU_MEMORY
from trainview.sampling.courses import Course, Phase, node_names
from trainview.sampling.dice import stream
from trainview.sampling.organisation import Job

Samples = list[dict[str, Any]]
Window = tuple[int | None, int | None]

_FULL = 10_000
_MIB = 1 << 20
_MIB_PER_GIB = 1024
# What a process takes of a GPU or of a machine before it does anything.
_CONTEXT_MIB = 620
_CACHE_MIB = 2 << 20
# Without a step, one is chosen by which a series has at most so many samples.
_STEPS = (15, 30, 60, 120, 300, 600, 1800)
_MOST_SAMPLES = 1500
_LONGEST_STEP = 3600

# Multipliers of SplitMix64 (Steele, Lea and Flood, 2014).
_MIX, _MIX_AGAIN = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_MASK = (1 << 64) - 1
_HALF = 1 << 23


class _Node(NamedTuple):
    """One node, when it was measured, and what it was doing then."""

    job: Job
    course: Course
    name: str
    idle: bool
    seconds: Sequence[int]
    stamps: Sequence[str]
    phases: Sequence[Phase]


def metrics_record(
    job: Job, course: Course | None, record: dict[str, Any], window: Window, step: int | None
) -> dict[str, Any]:
    """Tell what was measured of a job in a window of epoch milliseconds, ends included."""
    if course is None:
        return _nothing() | {"training_job": record, "cache": None, "per_node_metrics": []}
    seconds = _grid(course, window, step)
    stamps = [f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}" for second in seconds]
    phases = [course.phase(second) for second in seconds]
    nodes = []
    for number, name in enumerate(node_names(job)):
        idle = number == course.twist.idle_node
        doing = [Phase.IDLE] * len(phases) if idle else phases
        nodes.append(_Node(job, course, name, idle, seconds, stamps, doing))
    measured: list[dict[str, Any]] = [
        {"node_id": node.name, "metrics": _metrics(node)} for node in nodes
    ]
    return {
        **measured[0]["metrics"],
        "training_job": record,
        "cache": _cache(nodes[0]),
        "per_node_metrics": measured,
    }


def _nothing() -> dict[str, Any]:
    return {
        "gpu_memory_usage_bytes": {},
        "gpu_utilization": {},
        "cpu_usage": [],
        "cpu_memory_usage_bytes": [],
        "ephemeral_storage": {"usage_bytes": [], "utilization": []},
    }


def _grid(course: Course, window: Window, step: int | None) -> list[int]:
    start, end = window
    first = course.began if start is None else max(course.began, -(-start // 1000))
    last = course.over if end is None else min(course.over, end // 1000)
    if step is None:
        enough = (each for each in _STEPS if last - first <= each * _MOST_SAMPLES)
        step = next(enough, _LONGEST_STEP)
    step = whole("step_seconds", step, least=1)
    # Multiples of the step, wherever the window begins, so that windows continue each other.
    grid = range(-(-first // step) * step, last + 1, step)
    gap_from, gap_until = (course.began + age for age in course.hole)
    return [second for second in grid if not gap_from <= second < gap_until]


# --- What is measured of a node -----------------------------------------------------------------


def _metrics(node: _Node) -> dict[str, Any]:
    instance = node.job.instance
    ranks = range(instance.gpu_count)
    return {
        "gpu_memory_usage_bytes": {str(rank): _gpu_memory(node, rank) for rank in ranks},
        "gpu_utilization": {str(rank): _gpu_utilization(node, rank) for rank in ranks},
        "cpu_usage": _cpu_usage(node),
        "cpu_memory_usage_bytes": _memory(node),
        "ephemeral_storage": _storage(
            node,
            "ephemeral storage",
            (200 + 30 * instance.vcpu) * _MIB_PER_GIB,
            grows_to=_FULL if node.course.exhausts == "storage" else 3500,
        ),
    }


def _is_unused(node: _Node, rank: int) -> bool:
    return node.idle or (node.course.twist.one_gpu and rank > 0)


def _gpu_utilization(node: _Node, rank: int) -> Samples:
    key = _key(node, f"gpu utilization {rank}")
    level = node.course.level - key % 400
    table = {
        Phase.IDLE: 0,
        Phase.LOADING: 150,
        Phase.PAUSED: level * 35 // 100,
        Phase.STARVED: level * 45 // 100,
        Phase.GENERATING: level * 55 // 100,
        Phase.TRAINING: level,
    }
    if _is_unused(node, rank):
        table = dict.fromkeys(Phase, 0)
    levels = _shaken(node, key, [table[phase] for phase in node.phases], 12, 30, _FULL)
    return _samples(node, key, [level / _FULL for level in levels])


def _gpu_memory(node: _Node, rank: int) -> Samples:
    course = node.course
    key = _key(node, f"gpu memory {rank}")
    total = GPU_MEMORY[node.job.instance.gpu_type or ""] * _MIB_PER_GIB // 100
    levels = _filling(node, total, course.gpu_memory_level, climbs=course.exhausts == "gpu memory")
    if _is_unused(node, rank):
        levels = [_CONTEXT_MIB] * len(levels)
    levels = _shaken(node, key, levels, 400, 1, total)
    return _samples(node, key, [level * _MIB for level in levels])


def _cpu_usage(node: _Node) -> Samples:
    key = _key(node, "cpu usage")
    has_gpus = node.job.instance.gpu_count > 0
    busy = node.course.cpu_level if has_gpus else node.course.level
    table = {
        Phase.IDLE: 25,
        Phase.LOADING: 5500,
        Phase.PAUSED: 4000,
        Phase.STARVED: 8500,
        Phase.GENERATING: busy // 2,
        Phase.TRAINING: busy,
    }
    vcpu = node.job.instance.vcpu
    levels = _shaken(node, key, [table[phase] for phase in node.phases], 6, 10, _FULL)
    return _samples(node, key, [level * vcpu // 10 / 1000 for level in levels])


def _memory(node: _Node) -> Samples:
    key = _key(node, "memory")
    total = node.job.instance.memory_gib * _MIB_PER_GIB
    climbs = node.course.exhausts == "memory"
    levels = _filling(node, total, node.course.memory_level, climbs=climbs)
    levels = _shaken(node, key, levels, 200, 2, total)
    return _samples(node, key, [level * _MIB for level in levels])


def _filling(node: _Node, total: int, share: int, *, climbs: bool) -> list[int]:
    """Fill memory while the job loads; from then on it stays, or climbs until all is used."""
    course = node.course
    full = _CONTEXT_MIB if node.idle else max(total * share // _FULL, _CONTEXT_MIB)
    levels = []
    for second in node.seconds:
        age = second - course.began
        if age < course.loading:
            levels.append(_CONTEXT_MIB + (full - _CONTEXT_MIB) * age // course.loading)
        elif climbs:
            levels.append(full + (total - full) * age // max(course.life, 1))
        else:
            levels.append(full)
    return levels


def _storage(node: _Node, name: str, total: int, *, grows_to: int) -> dict[str, Samples]:
    course = node.course
    full, begin = total * grows_to // _FULL, total * 4 // 100
    levels = []
    for second in node.seconds:
        age = min(second, course.busy_until) - course.began
        levels.append(begin + (full - begin) * age // max(course.life, 1))
    usage, share = _key(node, f"{name} usage"), _key(node, f"{name} utilization")
    return {
        "usage_bytes": _samples(node, usage, [level * _MIB for level in levels]),
        "utilization": _samples(node, share, [level * _FULL // total / _FULL for level in levels]),
    }


def _cache(leader: _Node) -> dict[str, Samples] | None:
    dice = stream("cache", leader.job.project.id)
    if not dice.chance(40):
        return None
    return _storage(leader, "cache", _CACHE_MIB, grows_to=100 * dice.between(5, 60))


# --- Samples ------------------------------------------------------------------------------------


def _key(node: _Node, series: str) -> int:
    digest = blake2b(f"{node.name}/{series}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _shaken(
    node: _Node, key: int, levels: Sequence[int], part: int, least: int, most: int
) -> list[int]:
    """Move levels up or down by at most one `part`-th and `least`, within 0 and `most`."""
    values = []
    for second, level in zip(node.seconds, levels, strict=True):
        mixed = (second ^ key) * _MIX & _MASK
        mixed = (mixed ^ mixed >> 31) * _MIX_AGAIN & _MASK
        noise = (mixed >> 40) - _HALF
        value = level + noise * (level // part + least) // _HALF
        values.append(most if value > most else max(value, 0))
    return values


def _samples(node: _Node, key: int, values: Sequence[float]) -> Samples:
    rows = [
        {"value": value, "timestamp": stamp}
        for value, stamp in zip(values, node.stamps, strict=True)
    ]
    if node.course.loses_samples:
        rows = [
            row
            for row, second in zip(rows, node.seconds, strict=True)
            if ((second ^ key) * _MIX & _MASK) % 211
        ]
    # The API promises no order.
    if key % 7 == 0:
        rows.reverse()
    return rows
