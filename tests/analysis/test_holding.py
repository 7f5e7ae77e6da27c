"""Helpers count from when GPUs began to be held, where a table tells that."""

import pandas as pd
import pytest
from hypothesis import given, settings

from tests.analysis.fleet import capacity
from tests.analysis.tables import (
    KINDS,
    PRICES,
    assert_same,
    at,
    collected,
    convert,
    job,
    jobs,
    table,
)
from tests.properties import examples
from trainview import analysis

HOUR = pd.Timedelta(hours=1)
CAPACITY = capacity((None, "H100", 8, 16))
HELPERS = {
    "gpu_usage": lambda frame: analysis.gpu_usage(frame).drop(columns="elapsed_hours"),
    "gpu_concurrency": analysis.gpu_concurrency,
    "gpu_hours_over_time": analysis.gpu_hours_over_time,
    "quota": lambda frame: analysis.quota(frame, CAPACITY),
    "estimate_cost": lambda frame: analysis.estimate_cost(frame, PRICES),
    "cost_over_time": lambda frame: analysis.cost_over_time(frame, PRICES),
    "failure_costs": lambda frame: analysis.failure_costs(frame, PRICES),
}


def phases_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Release in the middle of a job's life, of every other job the start in its last quarter."""
    life = frame["end_at"] - frame["created_at"]
    odd = pd.Series(range(len(frame)), frame.index) % 3
    released = (frame["created_at"] + life / 2).where(odd == 0)
    started = (frame["created_at"] + life * 3 / 4).where(odd != 1)
    times = pd.DataFrame({"released_at": released, "started_at": started})
    return frame[["job_id"]].join(times.astype("datetime64[us, UTC]"))


def as_if_submitted_when_held(refined: pd.DataFrame) -> pd.DataFrame:
    hours = (refined["end_at"] - refined["held_at"]) / HOUR
    hours = hours.where(refined["elapsed_hours"].notna())
    later = refined.assign(created_at=refined["held_at"], elapsed_hours=hours)
    return later.drop(columns=["held_at", "hours_basis"])


# Quota tells the time in which they waited too.
@pytest.mark.parametrize("name", [name for name in HELPERS if name != "quota"])
@settings(max_examples=examples(10), deadline=None)
@given(frame=jobs())
def test_helpers_count_from_when_gpus_were_held(name, frame):
    refined = analysis.refine_jobs(frame, phases_of(frame))
    helper = HELPERS[name]
    assert_same(helper(refined), helper(as_if_submitted_when_held(refined)))


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_count_alike(kind):
    frame = table(
        job(0, 10), job(1, 9, number=1, status="failed", error_message="x"), job(2, 8, number=2)
    )
    refined = analysis.refine_jobs(frame, phases_of(frame))
    for name, helper in HELPERS.items():
        if name != "gpu_usage":
            assert_same(helper(convert(refined, kind)), helper(refined))
    window = {"since": at(4), "until": at(6)}
    names = ["job_id", "held_at", "gpu_hours"]
    found = collected(analysis.clip_jobs(convert(refined, kind), **window)).sort_values("job_id")
    assert_same(found[names].reset_index(drop=True), analysis.clip_jobs(refined, **window)[names])


def test_windows_share_out_what_was_held():
    frame = table(job(0, 10), job(1, 9, number=1), job(2, 2, number=2))
    refined = analysis.refine_jobs(frame, phases_of(frame))
    # Held from 5 to 10, and from 1 to 9.
    early = analysis.clip_jobs(refined, at(0), at(4))
    assert early["gpu_hours"].to_list() == [0, 24, 0]
    assert early["held_at"].to_list() == [at(4), at(1), at(2)]
    late = analysis.clip_jobs(refined, at(4))
    assert late["gpu_hours"].to_list() == [40, 40]
    assert late["held_at"].to_list() == [at(5), at(4)]
    assert early["gpu_hours"].sum() + late["gpu_hours"].sum() == refined["gpu_hours"].sum()
