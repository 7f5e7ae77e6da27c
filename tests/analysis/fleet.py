"""Tiny tables of metrics, prices, capacity and the queue."""

from typing import Any

import pandas as pd
from hypothesis import strategies as st

from tests.analysis.tables import MIDNIGHT, at, job, table
from trainview.schema import FLEET_TABLES, METRIC_UNITS

SERIES = [
    ("ja", "n0", 0),
    ("ja", "n0", 1),
    ("ja", None, 0),
    ("jb", "n0", 0),
    ("jx", "n9", 3),
]


def minutes(number: float) -> pd.Timestamp:
    """A moment, so many minutes after the first midnight of 2025."""
    return MIDNIGHT + pd.Timedelta(minutes=number)


def sample(minute: float, value: float | None, **changes: Any) -> dict[str, Any]:
    """One sample of the utilisation of a GPU, as the tables have them; the step is a minute."""
    return {
        "job_id": "ja",
        "node_id": "n0",
        "gpu": 0,
        "metric": "gpu_utilization",
        "unit": METRIC_UNITS[changes.get("metric", "gpu_utilization")],
        "timestamp": minutes(minute),
        "value": value,
        "step_seconds": 60.0,
    } | changes


def used(minute: float, gib: float, **changes: Any) -> dict[str, Any]:
    """One sample of a GPU's memory, in GiB."""
    return sample(minute, gib * 2.0**30, metric="gpu_memory_usage_bytes", **changes)


def metrics(*rows: dict[str, Any]) -> pd.DataFrame:
    return table(*rows, schema=FLEET_TABLES["metrics"])


def prices(**usd_per_minute: float) -> pd.DataFrame:
    rows = [
        {"instance_type_id": name, "instance_type": name, "gpu_count": 8, "usd_per_minute": usd}
        for name, usd in usd_per_minute.items()
    ]
    return table(*rows, schema=FLEET_TABLES["prices"])


def capacity(*rows: tuple[str | None, str, int, int]) -> pd.DataFrame:
    """Limits: the team, the type of GPU, the baseline, the limit."""
    return table(
        *(
            {
                "team_id": team and f"id-{team}",
                "team_name": team,
                "gpu_type": gpu_type,
                "baseline": baseline,
                "limit": limit,
                "usage_count": 0,
            }
            for team, gpu_type, baseline, limit in rows
        ),
        schema=FLEET_TABLES["capacity"],
    )


def queue(*waits: tuple[float | None, bool], **changes: Any) -> pd.DataFrame:
    """Jobs in the queue: hours, and whether they still wait."""
    rows = [
        {
            "job_id": f"q{number}",
            "gpu_type": "H100",
            "requested_gpus": 8,
            "submitted_at": at(0),
            "released_at": None if waiting or hours is None else at(hours),
            "observed_until": at(hours or 0),
            "is_waiting": waiting,
            "waited_hours": hours,
            **dict.fromkeys(("active_jobs", "active_gpus", "ahead_jobs", "ahead_gpus"), 0),
        }
        | changes
        for number, (hours, waiting) in enumerate(waits)
    ]
    return table(*rows, schema=FLEET_TABLES["queue"])


# Of the jobs that have samples, jx is in no jobs table, and jb has a type without a price.
JOBS = table(
    job(0, 4, job_id="ja", instance_type_id="big", gpu_memory_limit_mib=8 * 81920),
    job(0, 4, job_id="jb", instance_type_id="odd", project_name="asr", gpu_type="X1", priority=3),
)
PRICES = prices(big=0.8)


@st.composite
def many_samples(draw: st.DrawFn) -> pd.DataFrame:
    """Samples of some GPUs in any order, on a grid of 15 seconds, with steps that may be unknown."""
    rows = []
    for job_id, node_id, gpu in draw(st.lists(st.sampled_from(SERIES), unique=True)):
        step = draw(st.sampled_from([15.0, 30.0, 60.0, None]))
        steps = st.just(step) | st.sampled_from([30.0, 60.0, None])
        for quarter in draw(st.lists(st.integers(0, 40), unique=True, max_size=16)):
            same = {"job_id": job_id, "node_id": node_id, "gpu": gpu, "step_seconds": draw(steps)}
            value = draw(st.sampled_from([0.0, 0.01, 0.05, 0.25, 0.9]))
            rows.append(sample(quarter / 4, value, **same))
            if draw(st.booleans()):
                rows.append(used(quarter / 4, draw(st.integers(0, 80)), **same))
    rows.append(
        sample(0, 12.5, metric="cpu_usage", gpu=None, node_id=draw(st.sampled_from(["n0"])))
    )
    return metrics(*draw(st.permutations(rows)))
