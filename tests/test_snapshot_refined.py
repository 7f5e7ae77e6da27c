"""A refined snapshot: what its tables together tell of its jobs, kept, cut, saved and told apart."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import trainview as tv
from tests.analysis.evidence import events, intervals, queue
from tests.analysis.tables import at, job
from tests.test_snapshot import assert_same, load_quietly, write
from tests.test_snapshot_window import snapshot
from trainview.errors import DataWarning
from trainview.schema import TABLES
from trainview.tables.listed import as_listed

# j1 waited 4 of 10 hours, of j2 the start is known, of j3 nothing.
JOBS = (job(0, 10, number=1), job(20, 60, number=2, status="failed"), job(70, 90, number=3))
EVIDENCE = {"queue": queue(j1=4), "status_events": events(("j2", "running", 30))}
HOURS, BASES = [8 * 6.0, 8 * 30.0, 8 * 20.0], ["released", "started", "submitted"]


def columns(snap: tv.Snapshot, *names: str) -> list[list[object]]:
    return [snap.jobs[name].to_list() for name in names]


def test_a_recorded_history_tells_what_the_snapshot_does_not():
    looks = intervals(("j3", "running", 74, 76), ("j1", "running", 1, 2))
    snap = snapshot(*JOBS)
    phases = snap.job_phases(history=looks).set_index("job_id")
    assert list(phases.loc[["j1", "j2", "j3"], "basis"]) == ["history", "none", "history"]
    assert phases.loc["j3", "uncertainty_hours"] == 1
    found = snap.refine(history=looks)
    assert columns(found, "hours_basis") == [["started", "submitted", "started"]]
    assert columns(found, "gpu_hours") == [[8 * 8.5, 8 * 40.0, 8 * 15.0]]


@pytest.fixture(scope="module")
def listed() -> tv.Snapshot:
    """What the API lists, of every second job with the event that it runs."""
    snap = load_quietly(tv.sample(projects=4, jobs_per_project=6))
    half = snap.jobs[snap.jobs["status"].isin(["completed", "failed"])][::2]
    ran = pd.DataFrame(
        {
            "job_id": half["job_id"],
            "current_status": "TRAINING_JOB_RUNNING",
            "status": "running",
            "created_at": half["created_at"] + (half["end_at"] - half["created_at"]) / 2,
        }
    )
    return snap.assign(status_events=events().drop(columns=list(ran)).join(ran, how="right"))


def test_gpu_hours_count_from_when_gpus_were_held():
    snap = snapshot(*JOBS, **EVIDENCE)
    refined = snap.refine()
    held = [at(4), at(30), at(70)]
    assert columns(refined, "gpu_hours", "hours_basis", "held_at") == [HOURS, BASES, held]
    assert list(snap.jobs) == list(TABLES["jobs"].names)
    phases = tv.job_phases(snap.jobs, **EVIDENCE)
    assert_frame_equal(snap.job_phases(), phases)
    assert_frame_equal(refined.jobs, tv.refine_jobs(snap.jobs, phases))


def test_without_evidence_only_the_basis_is_added():
    snap = snapshot(*JOBS)
    refined = snap.refine()
    assert_frame_equal(refined.jobs, tv.refine_jobs(snap.jobs, tv.job_phases(snap.jobs)))
    assert_frame_equal(refined.jobs[list(snap.jobs)], snap.jobs)
    assert set(refined.jobs["hours_basis"]) == {"submitted"}
    assert_frame_equal(snap.job_phases(), tv.job_phases(snap.jobs))
    empty = snapshot(job(0, 1)).select(statuses="failed")
    assert_frame_equal(
        empty.refine().jobs, tv.refine_jobs(empty.jobs, tv.job_phases(empty.jobs)), check_dtype=True
    )


def test_refining_again_changes_nothing_unless_more_is_known():
    refined = snapshot(*JOBS, **EVIDENCE).refine()
    assert_frame_equal(refined.refine().jobs, refined.jobs)
    more = refined.assign(status_events=events(("j3", "running", 80))).refine()
    assert columns(more, "gpu_hours", "hours_basis") == [
        [48.0, 240.0, 80.0],
        ["released", "started", "started"],
    ]


def test_a_window_of_a_refined_snapshot_knows_what_lies_before_it():
    refined = snapshot(*JOBS, **EVIDENCE).refine()
    late = refined.clip(at(6))
    wanted = [[8 * 4.0, *HOURS[1:]], BASES, [at(6), at(30), at(70)]]
    assert columns(late, "gpu_hours", "hours_basis", "held_at") == wanted
    # the queue has no row of j1 any more
    assert columns(late.refine(), "gpu_hours", "hours_basis", "held_at") == wanted
    early = refined.clip(until=at(25))
    assert columns(early, "gpu_hours", "hours_basis") == [[48.0, 0.0], BASES[:2]]
    assert columns(early.refine(), "gpu_hours", "hours_basis")[0] == [48.0, 0.0]


def test_what_is_selected_stays_refined():
    refined = snapshot(*JOBS, **EVIDENCE).refine()
    assert columns(refined.select(statuses="failed"), "gpu_hours", "hours_basis") == [[240.0], ["started"]]  # fmt: skip
    odd = refined.jobs.set_axis([7, 7, 9])
    for jobs in (refined.jobs, odd):
        again = refined.assign(jobs=jobs, prices=refined.prices)
        assert_frame_equal(again.jobs, refined.jobs, check_categorical=False)


@pytest.mark.parametrize("how", ["csv", "raw csv", "parquet"])
def test_files_hold_what_the_api_said_and_can_be_refined_again(how, listed, tmp_path):
    refined = listed.refine()
    assert refined.jobs["gpu_hours"].sum() < listed.jobs["gpu_hours"].sum()
    write(refined, how, tmp_path / "out")
    read = load_quietly(tmp_path / "out")
    assert_same(read, listed)
    assert_frame_equal(read.refine().jobs, refined.jobs)
    clipped = refined.clip("9d", "2d")
    write(clipped, how, tmp_path / "clipped")
    expected = listed.clip("9d", "2d").jobs
    assert_frame_equal(load_quietly(tmp_path / "clipped").jobs, expected, check_categorical=False)


@pytest.mark.filterwarnings("ignore:status_events. not in the JSON file")
def test_json_and_excel_hold_what_the_api_said(listed, tmp_path):
    listed.refine().to_json(tmp_path / "out.json")
    assert_frame_equal(load_quietly(tmp_path / "out.json").jobs, listed.jobs)
    for name, one in {"plain": listed, "refined": listed.refine()}.items():
        one.to_excel(tmp_path / f"{name}.xlsx")
    plain, refined = (
        pd.read_excel(tmp_path / f"{name}.xlsx", sheet_name="jobs") for name in ("plain", "refined")
    )
    assert_frame_equal(plain, refined)


def test_merging_gives_what_the_api_said(listed):
    merged = tv.merge([listed.refine(), listed])
    assert_same(merged, tv.merge([listed, listed]))
    assert_frame_equal(merged.refine().jobs, listed.refine().jobs)


def test_statuses_that_hold_no_gpus_have_none_again():
    jobs = (
        job(0, 10, number=1, status="deploy-failed", gpu_hours=0.0),
        job(0, 10, number=2) | {"status": "evicted", "current_status": "TRAINING_JOB_EVICTED"},
        job(0, 10, number=3, elapsed_hours=None, gpu_hours=None),
    )  # fmt: skip
    snap = snapshot(*jobs, queue=queue(j1=4, j2=5, j3=6))
    refined = snap.refine()
    assert columns(refined.clip(at(1)), "gpu_hours")[0][:2] == [0.0, 40.0]
    back = as_listed(refined.jobs)["gpu_hours"]
    assert back.iloc[:2].to_list() == [0.0, 80.0]
    assert pd.isna(back.iloc[2])


def test_evidence_that_contradicts_is_told_once():
    snap = snapshot(*JOBS, queue=queue(j1=4, j2=61))
    with pytest.warns(
        DataWarning, match=r"^1 job: left out what contradicts .* \(queue\)$"
    ) as told:
        refined = snap.refine()
    assert [warning.filename for warning in told] == [__file__]
    assert refined.notes == (str(told[0].message),)
    assert refined.refine().notes == refined.notes
    with pytest.warns(DataWarning, match="left out what contradicts"):
        snap.job_phases()
