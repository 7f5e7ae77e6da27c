"""One job in several records: attempts under one id, and ends that were touched later."""

from itertools import permutations

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import trainview as tv
from tests.builders import job, payload, project

FAILED = {"current_status": "TRAINING_JOB_FAILED"}
RUNNING = {"current_status": "TRAINING_JOB_RUNNING"}


def look(day, *jobs):
    """What the list said at noon of a day of March."""
    saved = {"format": 1, "as_of": f"2026-03-{day:02d}T12:00:00Z"}
    return payload(trainview=saved, training_projects=[project()], training_jobs=list(jobs))


def load(*sources):
    return tv.load(list(sources))


@pytest.fixture(params=["files", "merge", "json", "parquet"])
def again(request, tmp_path):
    """Every way by which looks become one snapshot."""

    def join(*looks):
        if request.param == "files":
            return load(*looks)
        if request.param == "merge":
            return tv.merge([tv.load(look) for look in looks])
        snap = load(*looks)
        path = tmp_path / ("snap.json" if request.param == "json" else "folder")
        getattr(snap, f"to_{request.param}")(path, force=True)
        return load(path)

    return join


def test_an_ended_job_that_is_touched_later_ended_when_it_was_first_seen_to_have(again):
    early = job(updated_at="2026-03-01T12:00:00Z")
    late = job(updated_at="2026-03-05T12:00:00Z", checkpoint_sync_status="COMPLETED")
    for order in permutations([look(2, early), look(6, late)]):
        snap = again(*order)
        [row] = snap.jobs.to_dict("records")
        assert (row["elapsed_hours"], row["gpu_hours"]) == (2.0, 4.0)
        assert row["updated_at"] == pd.Timestamp("2026-03-05T12:00Z")
        assert row["checkpoint_sync_status"] == "COMPLETED"
        [note] = snap.notes
        assert note.startswith("1 ended job with a record that changed later")


def test_a_job_that_ran_on_after_it_was_called_ended_ended_when_it_did_at_last():
    looks = [
        look(2, job(updated_at="2026-03-01T12:00:00Z", **FAILED)),
        look(3, job(updated_at="2026-03-02T12:00:00Z", **RUNNING)),
        look(5, job(updated_at="2026-03-04T10:00:00Z")),
    ]
    for order in permutations(looks):
        snap = tv.load(list(order))
        assert snap.jobs["elapsed_hours"].to_list() == [72.0]
        assert snap.notes == ()


def test_a_job_requeued_under_its_id_is_two_facts(again):
    first = job(updated_at="2026-03-01T12:00:00Z", **FAILED)
    second = job(created_at="2026-03-03T10:00:00Z", updated_at="2026-03-03T11:00:00Z")
    for order in permutations([look(2, first), look(4, second)]):
        snap = again(*order)
        jobs = snap.jobs.set_index("job_id")
        assert jobs["status"].to_dict() == {
            "job1@2026-03-01T10:00:00Z": "failed",
            "job1": "completed",
        }
        assert jobs["gpu_hours"].sum() == 6.0
        assert snap.projects["latest_job_id"].to_list() == ["job1"]
        assert snap.notes[0].startswith("1 earlier attempt of jobs that were requeued")


def test_an_attempt_that_was_not_seen_to_end_ended_at_the_latest_with_the_next():
    first = job(updated_at="2026-03-01T12:00:00Z", **RUNNING)
    second = job(created_at="2026-03-03T10:00:00Z", updated_at="2026-03-03T11:00:00Z")
    one_answer = load(payload(training_projects=[project()], training_jobs=[second, first]))
    ends = one_answer.jobs.set_index("job_id")["end_at"]
    assert ends["job1@2026-03-01T10:00:00Z"] == pd.Timestamp("2026-03-03T10:00Z")
    assert not one_answer.jobs["is_open"].any()
    seen = load(look(2, first), look(4, second)).jobs.set_index("job_id")["end_at"]
    assert seen["job1@2026-03-01T10:00:00Z"] == pd.Timestamp("2026-03-02T12:00Z")


def test_moments_with_fewer_digits_are_no_attempt():
    moment = "2026-03-01T10:00:00.480123Z"
    first = job(created_at=moment, updated_at="2026-03-01T10:00:00.48013Z", **RUNNING)
    second = job(created_at="2026-03-01T10:00:00.48014Z")
    for order in permutations([look(2, first), look(4, second)]):
        assert tv.load(list(order)).jobs["job_id"].to_list() == ["job1"]


def test_samples_events_and_days_of_a_bill_belong_to_their_attempt():
    first = job(updated_at="2026-03-01T12:00:00Z", **FAILED)
    second = job(created_at="2026-03-03T10:00:00Z", updated_at="2026-03-03T11:00:00Z")
    moments = ["2026-03-01T11:00:00Z", "2026-03-03T10:30:00Z"]
    series = [{"timestamp": moment, "value": 1.0} for moment in moments]
    metrics = {
        "training_job": {"id": "job1"},
        "per_node_metrics": [{"node_id": "n", "metrics": {"gpu_utilization": {"0": series}}}],
    }
    days = [{"date": f"2026-03-0{day}", "minutes": 60, "subtotal": 10 * day} for day in (1, 2, 3)]
    resource = {"id": "job1", "kind": "TRAINING_JOB", "is_deleted": False}
    item = {"billable_resource": resource, "subtotal": 65, "minutes": 180, "daily": days}
    whole = {"subtotal": 65, "credits_used": 0, "total": 65, "minutes": 180, "breakdown": [item]}
    snap = load(look(2, first), look(4, second), metrics, {"training_usage": whole})
    old = "job1@2026-03-01T10:00:00Z"
    assert snap.metrics["job_id"].to_list() == [old, "job1"]
    assert snap.billing.groupby("job_id")["subtotal_usd"].sum().to_dict() == {old: 30, "job1": 35}


def test_attempts_are_not_asked_for(tmp_path):
    first = job(updated_at="2026-03-01T12:00:00Z", **FAILED)
    second = job(created_at="2026-03-03T10:00:00Z", updated_at="2026-03-03T11:00:00Z")
    snap = load(look(2, first), look(4, second))
    old = snap.jobs[snap.jobs["job_id"] != "job1"]
    found = tv.fetch_checkpoints(old, cache=tmp_path, api_key="k", base_url="http://127.0.0.1:9")
    assert (found.asked, len(found.failures)) == (0, 0)
    assert_frame_equal(found.table, snap.checkpoints)
