"""What to do about a job, in a few sentences."""

from collections.abc import Mapping
from typing import Any

from trainview.analysis.goodput import LOSES
from trainview.snapshot.story.plain import Row
from trainview.text.cells import cell
from trainview.text.safe import count, safe_text
from trainview.text.spans import readable_hours

# So much work may be lost, or at stake, without a word.
FEW_HOURS = 1.0
# A GPU that is idle for nearly all of the time that it was measured was of no use.
UNUSED_SHARE = 0.95
_SYNCING = "SYNCING"
# What is a fault of the data says nothing about what to do.
_NO_ADVICE = "inconsistent timestamps"


def advise(parts: Mapping[str, Any]) -> list[str]:
    """Say what to do, the most urgent first.

    Parameters
    ----------
    parts : dict
        Of the story.

    Returns
    -------
    list of str
        One sentence each; none where nothing is to be done.
    """
    rows = [row for row in parts["attention"] if row["reason"] != _NO_ADVICE]
    advice = [row["detail"] for row in rows]
    error = parts["error"]
    if error is not None:
        advice.append(error["advice"])
    advice += _of_work(parts)
    advice += _of_chain(parts)
    advice += _of_gpus(parts)
    advice += _of_size(parts["right_size"])
    syncing = [one for one in parts["checkpoints"] or () if one["sync_status"] == _SYNCING]
    if syncing and not parts["job"]["is_open"]:
        advice.append(
            f"{count(len(syncing), 'checkpoint')} still syncing: do not delete the job yet"
        )
    return advice


def _of_work(parts: Mapping[str, Any]) -> list[str]:
    """Tell what was lost, or is at stake, and where to go on."""
    saved, lost, job = parts["checkpoints"], parts["lost"], parts["job"]
    if saved is None:
        return []
    advice = []
    if lost is not None and lost["lost_hours"] is not None:
        work = _work(lost["lost_hours"], lost["lost_gpu_hours"])
        is_much = lost["lost_hours"] >= FEW_HOURS
        if lost["kind"] not in LOSES:
            advice += [f"stopped with {work} of work that no checkpoint holds"] * is_much
        elif lost["last_checkpoint_at"] is None:
            advice += [f"lost all of its work, {work}: save checkpoints"] * is_much
        else:
            advice += [f"lost {work} of work: checkpoint more often"] * is_much
    if lost is not None and lost["last_checkpoint_at"] is not None and not _followers(parts):
        last = [one for one in saved if one["created_at"] == lost["last_checkpoint_at"]][-1]
        name, moment = safe_text(last["checkpoint_id"], 60), last["created_at"]
        advice.append(f"resumes from {name} of {cell('created_at', moment)} UTC")
    return advice + (_at_stake(parts) if job["is_open"] and job["phase"] == "running" else [])


def _at_stake(parts: Mapping[str, Any]) -> list[str]:
    """Tell what a failure now would lose."""
    phases, saved = parts["phases"], parts["checkpoints"]
    last = saved[-1]["created_at"] if saved else None
    moments = [moment for moment in (phases["started_at"], last) if moment is not None]
    if not moments or phases["ended_at"] is None:
        return []
    hours = (phases["ended_at"] - max(moments)).total_seconds() / 3600
    if hours < FEW_HOURS:
        return []
    why = "it has no checkpoint" if last is None else "its last checkpoint is that old"
    return [f"a failure now would lose {_work(hours, hours * phases['gpus'])} of work: {why}"]


def _work(hours: float, gpu_hours: float) -> str:
    return f"{readable_hours(hours)} ({cell('gpu_hours', gpu_hours)} GPU-hours)"


def _followers(parts: Mapping[str, Any]) -> list[Row]:
    ids = [row["job_id"] for row in parts["chain"]]
    return list(parts["chain"][ids.index(parts["job"]["job_id"]) + 1 :]) if ids else []


def _of_chain(parts: Mapping[str, Any]) -> list[str]:
    followers = _followers(parts)
    if not followers:
        return []
    names = ", ".join(f"{safe_text(row['job_id'], 60)} ({row['status']})" for row in followers[:3])
    more = f" and {len(followers) - 3:,} more" if len(followers) > 3 else ""
    return [f"continued by {safe_text(names)}{more}"]


def _of_size(found: Row | None) -> list[str]:
    """Tell what would do instead, and what that saves."""
    if found is None:
        return []
    would = f"{safe_text(found['advised_instance_type_id'])} would do: {safe_text(found['reason'])}"
    saving = found["saving_usd"]
    return [would if saving is None else f"{would}; saves {cell('saving_usd', saving)} USD"]


def _of_gpus(parts: Mapping[str, Any]) -> list[str]:
    """Tell of GPUs that others of the job leave alone."""
    gpus = [one for one in parts["gpus"] if one["idle_share"] is not None]
    unused = [one for one in gpus if one["idle_share"] >= UNUSED_SHARE]
    if not unused or any(row["reason"] == "GPUs idle" for row in parts["attention"]):
        return []
    share = f"{len(unused):,} of {count(len(gpus), 'GPU')}"
    return [f"{share} idle for nearly all of the time: use them, or ask for fewer"]
