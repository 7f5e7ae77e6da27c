"""A snapshot cut to a window of time: every table of it, and what they say together."""

import dataclasses

import pandas as pd
import pytest

import trainview as tv
from tests.analysis.fleet import capacity, metrics, prices, queue, sample
from tests.analysis.tables import at, billing, job, projects, table
from trainview.schema import FLEET_TABLES, TABLES
from trainview.tables.dtypes import empty_frame

DAY = pd.Timedelta(days=1)


def snapshot(*jobs, as_of=96.0, **tables):
    listed = projects(
        {"project_id": "p1", "project_name": "llm", "created_at": at(0), "updated_at": at(90), "latest_job_id": "j3", "latest_job_status": "failed"},
        {"project_id": "p2", "project_name": "new", "created_at": at(80), "updated_at": at(80)},
    )  # fmt: skip
    types = table({"instance_type_id": "H100:8", "gpu_count": 8}, {"instance_type_id": "1x4", "gpu_count": 0}, schema=TABLES["instance_types"])  # fmt: skip
    snap = tv.Snapshot(listed, table(*jobs), types, at(as_of))
    return snap.assign(**tables)


def rows(name, *rows):
    return table(*rows, schema=FLEET_TABLES[name])


JOBS = (
    job(0, 10, number=1),
    job(20, 60, number=2, status="failed", error_message="lost"),
    job(70, 90, number=3, status="failed"),
)


def test_jobs_and_projects_are_as_they_were_at_the_end_of_the_window():
    clipped = snapshot(*JOBS).clip(at(12), at(50))
    assert clipped.as_of == at(50)
    [found] = clipped.jobs.to_dict("records")
    assert (found["job_id"], found["status"], found["is_open"]) == ("j2", "running", True)
    assert (found["created_at"], found["end_at"], found["gpu_hours"]) == (at(20), at(50), 240.0)
    # neither the project that was made later, nor the job that was its latest later
    [project] = clipped.projects.to_dict("records")
    assert (project["project_id"], project["updated_at"]) == ("p1", at(50))
    assert (project["latest_job_id"], project["latest_job_status"]) == ("j2", "running")
    assert clipped.instance_types["instance_type_id"].to_list() == ["H100:8"]
    assert {"p1", "p2"} == set(snapshot(*JOBS).clip(at(12)).projects["project_id"])


def test_what_happens_at_a_moment_is_in_the_window_it_happens_in():
    hours = (23, 24, 47, 48)
    events = {"current_status": "TRAINING_JOB_RUNNING", "status": "running", "job_id": "j1"}
    made = {"job_id": "j1", "checkpoint_type": "full", "size_bytes": 1}
    tables = {
        "status_events": rows("status_events", *(events | {"created_at": at(h)} for h in hours)),
        "checkpoints": rows("checkpoints", *(made | {"checkpoint_id": f"c{h}", "created_at": at(h)} for h in hours)),
        "logs": rows("logs", *({"job_id": "j1", "timestamp": at(h), "message": str(h)} for h in hours)),
    }  # fmt: skip
    clipped = snapshot(*JOBS, **tables).clip("2025-01-02", "2025-01-03")
    for name, column in (("status_events", "created_at"), ("checkpoints", "created_at"), ("logs", "timestamp")):  # fmt: skip
        assert getattr(clipped, name)[column].to_list() == [at(24), at(47)], name


def test_a_bill_keeps_the_days_that_begin_in_the_window_and_whole_months():
    months = [pd.Timestamp("2024-12-01", tz="UTC"), at(0), None]
    undated = billing(*({"job_id": "j1", "day": None, "usd": "1"} for _ in months))
    undated["month"] = pd.Series(months, dtype=undated["month"].dtype)
    days = billing(*({"job_id": "j1", "day": day, "usd": "10"} for day in range(4)))
    snap = snapshot(*JOBS, billing=pd.concat([undated, days], ignore_index=True))
    clipped = snap.clip(at(12), at(50))
    assert clipped.billing["date"].to_list() == [at(24), at(48)]
    assert clipped.notes[-1].startswith("3.00 USD of the bill belong to no day")
    before = snap.clip(until=at(24))
    assert before.billing["month"].dropna().to_list() == [months[0]]
    assert before.billing["date"].dropna().to_list() == [at(0)]
    parts = [snap.clip(until=at(24)), snap.clip(at(24), at(72)), snap.clip(at(72))]
    assert sum(len(part.billing.dropna(subset="date")) for part in parts) == 4


def test_waits_are_known_up_to_the_end_of_the_window():
    waits = pd.concat(
        [
            queue((30.0, False), job_id="released later", observed_until=at(30)),
            queue((5.0, False), job_id="released before"),
            queue((96.0, True), job_id="waits", observed_until=at(96)),
            queue((1.0, False), job_id="in", submitted_at=at(13), observed_until=at(14)),
            queue((1.0, False), job_id="after", submitted_at=at(25), observed_until=at(26)),
        ],
        ignore_index=True,
    )
    clipped = snapshot(*JOBS, queue=waits).clip(at(12), at(24)).queue.set_index("job_id")
    assert clipped["waited_hours"].to_dict() == {"released later": 24, "waits": 24, "in": 1}
    assert clipped["is_waiting"].to_list() == [True, True, False]
    assert clipped["released_at"].notna().to_list() == [False, False, True]
    assert clipped["observed_until"].to_list() == [at(24), at(24), at(14)]


def test_samples_are_those_that_speak_for_time_of_the_window():
    frame = metrics(
        *(sample(60 * hour, 0.0, job_id="j1", step_seconds=3600.0) for hour in range(8))
    )
    clipped = snapshot(job(0, 8, number=1), metrics=frame, as_of=8).clip(at(2.5), at(5))
    assert clipped.metrics["timestamp"].to_list() == [at(2), at(3), at(4)]
    found = tv.idle_gpus(clipped.metrics, clipped.jobs, by=None)
    assert found["covered_gpu_hours"].item() == 2.5
    whole = snapshot(job(0, 8, number=1), metrics=frame, as_of=8)
    same = tv.idle_gpus(whole.metrics, tv.clip_jobs(whole.jobs, at(2.5), at(5)), by=None)
    pd.testing.assert_frame_equal(found, same)


@pytest.mark.parametrize("end", ["2300-01-01", "9999-12-31"])
def test_a_window_may_lie_beyond_what_nanoseconds_can_count(end):
    running = job(0, end, number=1, status="running", elapsed_hours=1.0)
    snap = snapshot(running, metrics=metrics(sample(0.0, 0.5, job_id="j1")))
    far = dataclasses.replace(snap, as_of=at(end).as_unit("us"))
    clipped = far.clip("7d")
    assert clipped.jobs["created_at"].item() == at(end) - 7 * DAY
    assert clipped.metrics.empty
    [found] = tv.check(far, since="7d", max_failure_rate=0.1).to_dict("records")
    assert found["verdict"] == "holds"


def test_what_has_no_time_stays_and_so_do_all_types():
    snap = snapshot(
        *JOBS,
        prices=prices(big=1.0).assign(memory_limit_mib=1, millicpu_limit=1),
        capacity=capacity((None, "H100", 8, 16)),
    )
    clipped = snap.clip("7d")
    assert clipped.as_of == snap.as_of
    for name, schema in TABLES.items():
        one, other = getattr(clipped, name), getattr(snap, name)
        assert one.dtypes.astype("str").to_dict() == other.dtypes.astype("str").to_dict(), name
        assert list(one) == schema.names
    pd.testing.assert_frame_equal(clipped.prices, snap.prices)
    pd.testing.assert_frame_equal(clipped.capacity, snap.capacity)
    pd.testing.assert_frame_equal(clipped.jobs, snap.jobs, check_categorical=False)


def test_the_window_may_be_open_and_its_end_is_that_of_the_data_at_most():
    snap = snapshot(*JOBS)
    assert snap.clip() is snap
    assert snap.clip(until=at(1000)) is snap
    pd.testing.assert_frame_equal(snap.clip(until="12h").jobs, snap.clip(until=at(84)).jobs)
    pd.testing.assert_frame_equal(snap.clip("1d", at(50)).jobs, snap.clip(at(26), at(50)).jobs)
    empty = tv.Snapshot(*(empty_frame(name) for name in ("projects", "jobs", "instance_types")), None)  # fmt: skip
    assert empty.clip("7d") is empty


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [
        (at(96), None, "give a moment before that of the data, 2025-01-05 00:00"),
        (at(3), at(2), "give a moment after since="),
        ("monday", None, "give a moment with a time zone"),
        (None, "0d", "a length of time above zero"),
    ],
)
def test_a_window_without_sense_is_refused(since, until, wanted):
    with pytest.raises(tv.ArgumentError, match=wanted):
        snapshot(*JOBS).clip(since, until)


def test_a_window_can_be_saved_and_read_again(tmp_path):
    snap = tv.load(tv.sample(projects=4, jobs_per_project=6))
    longest = snap.jobs.nlargest(1, "elapsed_hours").iloc[0]
    middle = longest["created_at"] + (longest["end_at"] - longest["created_at"]) / 2
    clipped = snap.clip(middle - DAY, middle)
    assert clipped.jobs["is_open"].any()
    assert len(clipped.jobs) < len(snap.jobs)
    clipped.to_parquet(tmp_path / "week")
    again = tv.load(tmp_path / "week")
    pd.testing.assert_frame_equal(again.jobs, clipped.jobs)
    assert again.as_of == clipped.as_of
