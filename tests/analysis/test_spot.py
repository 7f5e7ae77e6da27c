"""Spot jobs beside dedicated ones, with exact answers on tiny tables."""

import pytest
from hypothesis import given, settings

from tests.analysis.evidence import checkpoints, phases
from tests.analysis.fleet import queue
from tests.analysis.tables import job, jobs, table
from tests.properties import examples
from trainview import analysis

SPOT = {"availability_model": "spot"}
FLEET = table(
    job(0, 10, number=1, status="preempted", **SPOT),
    job(0, 2, number=2, **SPOT),
    job(0, 4, number=3, status="running", **SPOT),
    job(0, 9, number=4, status="deploy-failed", **SPOT),
    job(0, 8, number=5),
    job(0, 1, number=6, status="pending", availability_model="dedicated"),
)


def of(result, model):
    return result.set_index("availability_model").loc[model]


def test_absent_means_dedicated_and_each_kind_has_its_rate():
    found = analysis.spot_usage(FLEET)
    assert found["availability_model"].tolist() == ["spot", "dedicated"]
    spot, dedicated = of(found, "spot"), of(found, "dedicated")
    assert (spot["jobs"], spot["gpu_hours"]) == (4, 8 * 16)
    # what runs, and what failed to deploy, was not spared
    assert (spot["ended"], spot["preempted"], spot["preemption_rate"]) == (2, 1, 0.5)
    rates = analysis.failure_rates(table(job(0, 1, status="failed"), job(0, 1)), by=None).iloc[0]
    assert spot[["low", "high"]].tolist() == pytest.approx(rates[["low", "high"]].tolist())
    assert (dedicated["preemption_rate"], dedicated["low"]) == (0, 0)
    assert dedicated["waiting"] == 1
    assert found[["lost_gpu_hours", "p50_wait_hours"]].isna().all(axis=None)


def test_a_table_without_the_column_is_all_dedicated():
    old = FLEET.drop(columns="availability_model")
    assert analysis.spot_usage(old)["availability_model"].tolist() == ["dedicated"]
    assert analysis.spot_usage(old, by=None)["jobs"].tolist() == [6]


def test_work_lost_is_that_of_preempted_jobs_alone():
    known = phases(("j1", 0, 1, 10), ("j5", 0, 0, 8))
    saved = checkpoints(("j1", 7))
    found = analysis.spot_usage(FLEET, known, saved)
    lost = analysis.lost_work(FLEET, known, saved).set_index("job_id")["lost_gpu_hours"]
    assert of(found, "spot")["lost_gpu_hours"] == lost["j1"] == 24
    assert of(found, "dedicated")["lost_gpu_hours"] == 0
    unknown = analysis.spot_usage(FLEET, phases(("j1", None, None, 10)), checkpoints())
    assert unknown["lost_gpu_hours"].isna().tolist() == [True, False]


def test_waiting_is_that_of_the_queue():
    waits = queue((1.0, False), (3.0, False), (2.0, False)).assign(job_id=["j1", "j2", "j5"])
    found = analysis.spot_usage(FLEET, queue=waits)
    assert of(found, "spot")[["p50_wait_hours", "p90_wait_hours"]].tolist() == [1, 3]
    assert of(found, "dedicated")["p50_wait_hours"] == 2
    assert analysis.spot_usage(FLEET, queue=waits, by=None)["p50_wait_hours"].tolist() == [2]


def test_without_jobs_there_is_no_rate():
    assert analysis.spot_usage(table()).empty
    [row] = analysis.spot_usage(table(), by=None).to_dict("records")
    assert (row["jobs"], row["ended"]) == (0, 0)
    assert row["preemption_rate"] != row["preemption_rate"]


@settings(max_examples=examples(20), deadline=None)
@given(frame=jobs())
def test_the_sums_are_those_of_all_jobs(frame):
    found = analysis.spot_usage(frame)
    assert found["jobs"].sum() == len(frame)
    assert found["gpu_hours"].sum() == pytest.approx(frame["gpu_hours"].sum())
    assert found["preempted"].sum() == (frame["status"] == "preempted").sum()
    assert (found["preempted"] <= found["ended"]).all()
