"""Read what Slurm's accounting tells, `sacct --parsable2`, as tables that the helpers take.

::

    sacct -X -P --noconvert -S 2026-03-01 -o JobID,JobName,Account,User,State,ExitCode,\
Submit,Start,End,NNodes,ReqTRES,AllocTRES,Partition > sacct.txt
"""

import re
from typing import NamedTuple

import pandas as pd

# Slurm's states, by the labels that the helpers know, and the phase of each.
_STATES = {
    "PENDING": ("queued", "waiting"),
    "REQUEUED": ("queued", "waiting"),
    "CONFIGURING": ("deploying", "starting"),
    "RUNNING": ("running", "running"),
    "COMPLETING": ("running", "running"),
    "SUSPENDED": ("running", "running"),
    "COMPLETED": ("completed", "succeeded"),
    "FAILED": ("failed", "failed"),
    "TIMEOUT": ("failed", "failed"),
    "DEADLINE": ("failed", "failed"),
    "OUT_OF_MEMORY": ("failed", "failed"),
    "NODE_FAIL": ("failed", "failed"),
    "BOOT_FAIL": ("failed", "failed"),
    "CANCELLED": ("stopped", "stopped"),
    "REVOKED": ("stopped", "stopped"),
    "PREEMPTED": ("preempted", "stopped"),
}
# In words that error_groups knows; a program's own failure has its exit code.
_MEANINGS = {
    "TIMEOUT": "time limit reached",
    "DEADLINE": "time limit reached",
    "OUT_OF_MEMORY": "oom-kill",
    "NODE_FAIL": "node failure",
    "BOOT_FAIL": "node failure",
}
_COLUMNS = (
    *("JobID", "JobName", "Account", "User", "State", "ExitCode", "Submit", "Start", "End"),
    *("NNodes", "ReqTRES", "AllocTRES", "Partition"),
)
_OPEN = ["waiting", "starting", "running"]
_HOUR = pd.Timedelta(hours=1)


class Slurm(NamedTuple):
    """What Slurm's accounting tells.

    Attributes
    ----------
    jobs : pandas.DataFrame
        One row a job, with the columns that the helpers look at. ``gpu_hours`` counts from the
        submission; `trainview.refine_jobs` counts it from the start.
    status_events : pandas.DataFrame
        When each job was submitted, began to run, and ended: exact, so that
        `trainview.job_phases` knows how long each waited and ran.
    """

    jobs: pd.DataFrame
    status_events: pd.DataFrame


def read_sacct(text: str, as_of: str, tz: str) -> Slurm:
    """Read the output of `sacct --parsable2` with the columns that the module names.

    Parameters
    ----------
    text : str
        The output, header included. Steps of jobs (``123.batch``) are left out.
    as_of : str
        When sacct was asked, with its zone: until then last the jobs that have not ended.
    tz : str
        The zone of the cluster, such as ``"Europe/Berlin"``: Slurm writes its times without one.

    Returns
    -------
    Slurm
        The jobs, and their status events.

    Raises
    ------
    ValueError
        If a column is missing, a line has too few fields, or a state is none that Slurm documents.
    """
    rows = _rows(text)
    rows = rows[~rows["JobID"].str.contains(".", regex=False)].reset_index(drop=True)
    now = pd.Timestamp(as_of).tz_convert("UTC")
    states = rows["State"].str.split().str[0]
    if len(unknown := states[~states.isin(_STATES)]):
        raise ValueError(f"State {unknown.iloc[0]!r} of job {rows['JobID'][unknown.index[0]]}")
    phase = states.map({state: phase for state, (_, phase) in _STATES.items()})
    submitted, started, ended = (_times(rows[name], tz) for name in ("Submit", "Start", "End"))
    is_open = phase.isin(_OPEN)
    # a job that waits may have a start already: the one that the scheduler expects
    started = started.mask(phase.eq("waiting") | (started > now))
    end_at = ended.mask(is_open, now).fillna(now)
    tres = rows["AllocTRES"].where(rows["AllocTRES"].ne(""), rows["ReqTRES"])
    gpus = tres.map(_gpus).astype("int64")
    nodes = rows["NNodes"].astype("int64").clip(lower=1)
    elapsed = (end_at - submitted) / _HOUR
    jobs = pd.DataFrame(
        {
            "job_id": rows["JobID"],
            "job_name": rows["JobName"],
            "project_id": rows["Account"],
            "project_name": rows["Account"],
            "team_name": rows["Account"],
            "status": states.map({state: label for state, (label, _) in _STATES.items()}),
            "phase": phase,
            "error_message": _errors(rows, states).where(phase.eq("failed"), None),
            "created_at": submitted,
            "updated_at": end_at,
            "end_at": end_at,
            "is_open": is_open,
            "elapsed_hours": elapsed,
            "instance_type_id": rows["Partition"],
            "instance_type": rows["Partition"],
            "gpu_type": tres.map(_gpu_type).astype("str"),
            "gpu_count": gpus // nodes,
            "node_count": nodes,
            "gpus": gpus,
            # nothing is held by what never started
            "gpu_hours": (gpus * elapsed).where(started.notna(), 0.0),
            "user_email": rows["User"],
        }
    )
    return Slurm(jobs, _events(jobs, started))


def _rows(text: str) -> pd.DataFrame:
    """Split lines into fields. Slurm escapes nothing, and only names of jobs are free text."""
    head, *lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    columns = head.split("|")
    if missing := [column for column in _COLUMNS if column not in columns]:
        raise ValueError(f"line 1: no column {missing[0]}; ask sacct -P -o {','.join(_COLUMNS)}")
    name = columns.index("JobName")
    rows = []
    for number, line in enumerate(lines, start=2):
        if not line:
            continue
        fields = line.split("|")
        surplus = len(fields) - len(columns)
        if surplus < 0:
            raise ValueError(
                f"line {number}: {len(fields)} fields, not {len(columns)}: {line[:60]!r}; "
                "is it cut, or is there a line break in a name?"
            )
        fields[name : name + surplus + 1] = ["|".join(fields[name : name + surplus + 1])]
        rows.append(fields)
    return pd.DataFrame(rows, columns=columns, dtype="str")


def _times(column: pd.Series, tz: str) -> pd.Series:
    """Read times of the cluster's own clock; `Unknown` and `None` are null."""
    told = pd.to_datetime(column.where(~column.isin(["Unknown", "None", ""])))
    # an hour that the clock shows twice counts as the second, one that it skips as what follows
    local = told.dt.tz_localize(tz, ambiguous=[False] * len(told), nonexistent="shift_forward")
    return local.dt.tz_convert("UTC").astype("datetime64[us, UTC]")


def _gpus(tres: str) -> int:
    """Count the GPUs of `billing=64,cpu=64,gres/gpu=16,gres/gpu:h100=16,node=2`, on all nodes."""
    total = re.search(r"(?:^|,)gres/gpu=(\d+)", tres)
    if total:
        return int(total[1])
    return sum(map(int, re.findall(r"(?:^|,)gres/gpu:[^=,]+=(\d+)", tres)))


def _gpu_type(tres: str) -> str | None:
    named = re.search(r"(?:^|,)gres/gpu:([^=,]+)=", tres)
    return named[1].upper() if named else None


def _errors(rows: pd.DataFrame, states: pd.Series) -> pd.Series:
    """Say why a job failed, as far as Slurm knows: its state, and what its program returned."""
    code, signal = (rows["ExitCode"].str.split(":").str[part] for part in (0, 1))
    exit_code = "exit code " + code + (", signal " + signal).where(signal.ne("0"), "")
    return states + ": " + states.map(_MEANINGS).fillna(exit_code)


def _events(jobs: pd.DataFrame, started: pd.Series) -> pd.DataFrame:
    seen = {
        "queued": jobs["created_at"],
        "running": started,
        "": jobs["end_at"].where(~jobs["is_open"]),
    }
    parts = [
        pd.DataFrame(
            {"job_id": jobs["job_id"], "status": status or jobs["status"], "created_at": moments}
        )
        for status, moments in seen.items()
    ]
    return pd.concat(parts).dropna(subset="created_at").reset_index(drop=True)
