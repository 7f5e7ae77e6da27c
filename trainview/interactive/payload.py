"""What the timeline needs to know of jobs, as columns that are small in JSON."""

import json
from typing import Any

import numpy as np
import pandas as pd

from trainview.analysis import estimate_cost, lost_work, reconcile_cost
from trainview.errors import ArgumentError
from trainview.interactive.segments import PARTS, cut_jobs
from trainview.plot.colours import OTHERS, PALETTE
from trainview.snapshot import Snapshot, quiet_phases
from trainview.statuses import PHASE_COLOURS
from trainview.text.cells import NULL
from trainview.text.safe import safe_text

# More of them no browser pans smoothly, and nobody reads.
MOST_JOBS = 100_000
LONGEST_NAME = 200
# The columns of jobs to filter and to colour by, as the program calls them.
GROUPS = {
    "project": "project_name",
    "team": "team_name",
    "user": "user_email",
    "status": "status",
    "phase": "phase",
    "gpu_type": "gpu_type",
}


def payload(snapshot: Snapshot, phases: pd.DataFrame | None = None) -> str:
    """Write what timeline.js shows of a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        A refined one.
    phases : pandas.DataFrame, optional
        What `quiet_phases` gives of it, where that is known already.

    Returns
    -------
    str
        JSON, an array a column with the jobs in the order of the table. Times are seconds from
        ``origin``, those of ends and parts from the start of their job. Texts are safe and cut to
        `LONGEST_NAME` characters, with an ellipsis; what is missing is null.

    Raises
    ------
    ArgumentError
        If there are more than `MOST_JOBS` jobs.
    """
    jobs = snapshot.jobs
    if len(jobs) > MOST_JOBS:
        raise ArgumentError(
            f"{len(jobs):,} jobs, a timeline takes {MOST_JOBS:,} at most: take a window, such as "
            'tv.explore(snap.clip("30d")), or some projects, with snap.select(projects=...)'
        )
    start, end = _seconds(jobs["created_at"]), _seconds(jobs["end_at"])
    known = jobs["elapsed_hours"].notna().to_numpy()
    origin = float(np.nanmin(start)) if len(jobs) else 0.0
    phases = quiet_phases(snapshot) if phases is None else phases
    checkpoints = snapshot.checkpoints if len(snapshot.checkpoints) else None
    parts = cut_jobs(jobs["job_id"], phases, lost_work(jobs, phases, checkpoints))
    parts = parts[known[parts["job"]]]
    counts = np.bincount(parts["job"], minlength=len(jobs))
    estimated, billed = _costs(snapshot)
    found = {
        "as_of": None if snapshot.as_of is None else snapshot.as_of.timestamp(),
        "origin": origin,
        "job_id": _texts(jobs["job_id"]),
        "job_name": _texts(jobs["job_name"]),
        "groups": {name: _codes(jobs[column]) for name, column in GROUPS.items()},
        "gpus": jobs["gpus"].to_list(),
        "start": _numbers(start - origin, 3),
        "elapsed": _numbers(np.where(known, end - start, np.nan), 3),
        "open": np.flatnonzero(jobs["is_open"]).tolist(),
        "parts": {
            "names": list(PARTS),
            # digits: there are fewer than ten kinds, and a job has each once
            "count": "".join(map(str, counts.tolist())),
            "kind": "".join(map(str, parts["kind"].tolist())),
            "until": _numbers(parts["until"], 3),
        },
        "gpu_hours": _numbers(jobs["gpu_hours"].to_numpy("float64"), 6),
        "estimated_usd": _numbers(estimated, 6),
        "billed_usd": _numbers(billed, 6),
        "colours": {"phase": PHASE_COLOURS, "palette": PALETTE, "others": OTHERS},
    }
    return json.dumps(found, separators=(",", ":"), allow_nan=False)


def _costs(snapshot: Snapshot) -> tuple[Any, Any]:
    """Estimate what each job costs, and find what it was billed."""
    jobs = snapshot.jobs
    nothing = pd.Series(np.nan, jobs.index, dtype="float64")
    if len(snapshot.billing):
        costs = reconcile_cost(jobs, snapshot.prices, snapshot.billing, by="job_id")
    elif len(snapshot.prices):
        costs = estimate_cost(jobs, snapshot.prices, by="job_id").assign(billed_usd=np.nan)
    else:
        return nothing, nothing
    of_jobs = costs.dropna(subset=["job_id"]).set_index("job_id").reindex(jobs["job_id"])
    return of_jobs["estimated_usd"].to_numpy("float64"), of_jobs["billed_usd"].to_numpy("float64")


def _seconds(times: "pd.Series[Any]") -> Any:
    found = times.astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
    return np.where(times.isna(), np.nan, found)


def _numbers(values: Any, decimals: int) -> list[float | int | None]:
    """Make numbers of JSON: whole ones without a fraction, missing ones null."""
    rounded = np.round(np.asarray(values, "float64"), decimals).tolist()
    return [
        None if value != value else int(value) if value.is_integer() else value  # noqa: PLR0124
        for value in rounded
    ]


def _texts(values: "pd.Series[Any]") -> list[str | None]:
    return [
        None if missing else safe_text(value, LONGEST_NAME)
        for value, missing in zip(values, values.isna(), strict=True)
    ]


def _codes(values: "pd.Series[Any]") -> dict[str, list[Any]]:
    """Write each text once, and its number for each job; -1 where it is missing."""
    codes, found = pd.factorize(values)
    if values.name == GROUPS["project"] and (codes < 0).any():
        # lanes are those of a project
        codes, found = pd.factorize(values.astype("object").fillna(NULL))
    return {"values": _texts(pd.Series(found)), "codes": codes.tolist()}
