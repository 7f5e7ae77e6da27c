"""What is measured of a job: a sample depends on its series and its second, on nothing else."""

from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from trainview.sampling.dice import SECOND, Dice
from trainview.sampling.organisation import CAUSES, KINDS, MIB, TABLES, Files, Job, Record

Levels: TypeAlias = npt.NDArray[np.int64]
Samples: TypeAlias = list[Record]

_FULL = 10_000
# What a process takes of a GPU or of a machine before it does anything.
_CONTEXT_MIB = 620
# Reinforcement learning trains for one half of each cycle; in the other it generates text.
_CYCLE = 1260
# Multipliers of SplitMix64 (Steele, Lea and Flood, 2014).
_MIX, _MIX_AGAIN = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def metrics_record(job: Job, files: Files | None, window: tuple[int, int], step: int) -> Record:
    """Tell what was measured of a job in a window of epoch milliseconds, ends included.

    What is in its cache, and when it came there, `files` tells.
    """
    start, end = max(job.started, window[0]), min(job.ended, job.project.as_of, window[1])
    # Multiples of the step, wherever the window begins, so that windows continue each other.
    begin = -(-start // (step * SECOND)) * step
    seconds = np.arange(begin, end // SECOND + 1, step, dtype=np.int64)
    nodes = [_Node(job, number, seconds) for number in range(job.nodes)]
    measured: Samples = [{"node_id": node.name, "metrics": node.metrics()} for node in nodes]
    cache = None if files is None else nodes[0].cache(files)
    leader: Record = measured[0]["metrics"]
    return {**leader, "cache": cache, "per_node_metrics": measured if job.ran else []}


class _Node:
    """One node, when it is measured, and what it is doing then; levels are in ten thousandths."""

    def __init__(self, job: Job, number: int, seconds: Levels) -> None:
        dice, as_of = Dice("course", job.id), job.project.as_of
        self.job, self.name, self.seconds = job, job.node_names[number], seconds
        self.stamps = [f"{text}Z" for text in np.datetime_as_string(seconds.astype("M8[s]"))]
        self.life = max((min(job.ended, as_of) - job.started) // SECOND, 1)
        self.age = seconds - job.started // SECOND
        self.loading = max(job.loading // SECOND, 1)
        self.level = 100 * dice.between(*KINDS[job.project.kind]["busy"])
        self.shares = [100 * dice.between(*span) for span in ((7, 34), (14, 62), (52, 93))]
        epoch, pause = dice.between(1500, 7200), dice.between(90, 280)
        self.is_idle = job.quirk == "idle node" and number == job.nodes - 1
        # Idle, loading, pausing, generating; else it trains.
        self.phases = [
            (seconds >= job.busy_until // SECOND) & (job.busy_until < job.ended) | self.is_idle,
            self.age < self.loading,
            self.age % epoch >= epoch - pause,
            (self.age % _CYCLE < _CYCLE // 2) & (job.project.kind == "rl"),
        ]
        # What is odd is measured without a gap, so that nothing hides it.
        self.loses_samples = dice.chance(30) and job.quirk is None
        cause = CAUSES.get(job.cause or "", {}) if job.ended <= as_of else {}
        self.exhausts = cause.get("exhausts", "")

    def metrics(self) -> Record:
        """Give the series of the API."""
        instance = self.job.instance
        ranks = range(instance.gpu_count if self.job.ran else 0)
        gpus = {str(rank): self._gpu(rank) for rank in ranks}
        busy, vcpu = self.shares[0] if gpus else self.level, instance.millicpu_limit // 1000
        levels = np.select(self.phases, [25, 5500, 4000, busy // 2], busy)
        cpu = self._shaken("cpu", levels, 6, 10, _FULL)
        memory = self._memory("memory", instance.memory_limit_mib, self.shares[1])
        storage = (200 + 30 * vcpu) * 1024
        full = storage * (_FULL if self.exhausts == "storage" else 3500) // _FULL
        stored = storage // 25 + (full - storage // 25) * self.age // self.life
        return {
            "gpu_memory_usage_bytes": {rank: memory for rank, (_, memory) in gpus.items()},
            "gpu_utilization": {rank: utilization for rank, (utilization, _) in gpus.items()},
            "cpu_usage": self._samples("cpu", [v * vcpu // 10 / 1000 for v in cpu]),
            "cpu_memory_usage_bytes": memory,
            "ephemeral_storage": self._filled("storage", stored * MIB, storage * MIB),
        }

    def cache(self, files: Files) -> dict[str, Samples]:
        """Give the series of the cache of its project, which grows with each file."""
        held = np.cumsum([0, *(size for _, _, size in files)])
        there = np.searchsorted([moment // SECOND for moment, _, _ in files], self.seconds, "right")
        return self._filled("cache", held[there], 1 << 40)

    def _filled(self, name: str, held: Levels, room: int) -> dict[str, Samples]:
        shares = [v / _FULL for v in (held * _FULL // room).tolist()]
        usage = self._samples(name, held.tolist())
        return {"usage_bytes": usage, "utilization": self._samples(f"{name} share", shares)}

    def _gpu(self, rank: int) -> tuple[Samples, Samples]:
        """Give the utilization and the memory of one GPU."""
        name, is_unused = f"gpu {rank}", self.is_idle or (self.job.quirk == "one gpu" and rank > 0)
        level = 0 if is_unused else self.level - self._key(name) % 400
        special = [0, min(level, 150), level * 35 // 100, level * 55 // 100]
        levels = np.select(self.phases, special, level)
        shares = [v / _FULL for v in self._shaken(name, levels, 12, 30, _FULL)]
        total = TABLES["gpu_memory"][self.job.instance.gpu_type] * 1024 // 100
        memory = self._memory(f"gpu memory {rank}", total, 0 if is_unused else self.shares[2])
        return self._samples(name, shares), memory

    def _memory(self, name: str, total: int, share: int) -> Samples:
        """Fill memory while the job loads; from then on it stays, or climbs until all is used."""
        full = max(total * share // _FULL, _CONTEXT_MIB)
        loaded = self.age.clip(0, self.loading)
        levels = _CONTEXT_MIB + (full - _CONTEXT_MIB) * loaded // self.loading
        if self.exhausts and name.startswith(self.exhausts):
            left = max(self.life - self.loading, 1)
            levels += (total - full) * (self.age - self.loading).clip(0, left) // left
        return self._samples(name, [v * MIB for v in self._shaken(name, levels, 400, 1, total)])

    def _key(self, series: str) -> int:
        digest = blake2b(f"{self.name}/{series}".encode(), digest_size=7).digest()
        return int.from_bytes(digest, "big")

    def _mixed(self, series: str) -> npt.NDArray[np.uint64]:
        mixed = (self.seconds ^ self._key(series)).astype(np.uint64) * _MIX
        return (mixed ^ mixed >> np.uint64(31)) * _MIX_AGAIN

    def _shaken(self, series: str, levels: Levels, part: int, least: int, most: int) -> list[int]:
        """Move levels up or down by at most one `part`-th and `least`, within 0 and `most`."""
        noise = (self._mixed(series) >> np.uint64(40)).astype(np.int64) - (1 << 23)
        shaken = levels + noise * (levels // part + least) // (1 << 23)
        return list(shaken.clip(0, most).tolist())

    def _samples(self, series: str, values: list[Any]) -> Samples:
        rows = [{"value": v, "timestamp": t} for v, t in zip(values, self.stamps, strict=True)]
        if self.loses_samples:
            is_kept = (self._mixed(f"{series} lost") % np.uint64(211) != 0).tolist()
            rows = [row for row, kept in zip(rows, is_kept, strict=True) if kept]
        # The API promises no order.
        return rows[::-1] if self._key(series) % 7 == 0 else rows
