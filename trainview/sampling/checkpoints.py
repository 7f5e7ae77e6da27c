"""What jobs save while they train."""

from typing import Any

from trainview.sampling.catalogue import KINDS
from trainview.sampling.clock import spell
from trainview.sampling.dice import Dice
from trainview.sampling.jobs import Job

_MIB = 1 << 20


def checkpoint_records(job: Job, as_of: int) -> list[dict[str, Any]]:
    """Tell which checkpoints a job has, oldest first."""
    kind, dice = KINDS[job.project.kind], Dice("checkpoints", job.id)
    steps, rank = 50 * dice.between(1, 20), dice.pick((8, 16, 64))
    is_lora = kind.saves == "lora"
    mib = rank * 21 if is_lora else dice.between(8000, 18_000) * max(job.gpus, 2)
    adapter = {"r": rank, "lora_alpha": 2 * rank, "target_modules": "all-linear"}
    saved = [moment for moment in job.checkpoints if moment <= as_of]
    is_syncing = job.synced > as_of
    return [
        {
            "checkpoint_id": f"checkpoint-{number * steps}",
            "created_at": spell(moment),
            "checkpoint_type": kind.saves,
            "base_model": job.project.habits["repo"] if kind.base else None,
            "lora_adapter_config": adapter if is_lora else None,
            "size_bytes": mib * _MIB + dice.below(_MIB),
            "sync_status": "SYNCING" if is_syncing and number == len(saved) else "COMPLETE",
            "training_job_id": job.id,
        }
        for number, moment in enumerate(saved, 1)
    ]
