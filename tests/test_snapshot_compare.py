"""Two snapshots side by side, and two windows of one."""

import dataclasses
import warnings

import pandas as pd
import pytest

import trainview as tv
from tests.analysis.fleet import metrics, sample
from tests.analysis.tables import PRICES, at, billing, job
from tests.test_snapshot_window import rows, snapshot
from trainview.snapshot import comparison

DAY = pd.Timedelta(days=1)
LISTED = PRICES.dropna().assign(
    instance_type=PRICES["instance_type_id"], memory_limit_mib=1, millicpu_limit=1, gpu_count=8,
    gpu_type="H100", gpu_memory_limit_mib=81920,
)  # fmt: skip
# Four days; 30 USD an hour.
JOBS = (
    job(0, 3, number=1),
    job(20, 30, number=2, status="failed", error_message="lost"),
    job(40, 60, number=3, project_id="p2", project_name="asr"),
    job(70, 96, number=4, status="running"),
)


@pytest.fixture(autouse=True)
def _no_warning_is_missed():
    with warnings.catch_warnings():
        warnings.simplefilter("error", tv.DataWarning)
        yield


def hours(found):
    return found.set_index("project_name")[["gpu_hours_before", "gpu_hours_after"]].T.to_dict(
        "list"
    )


def figure(found, name):
    return found.set_index("figure").loc[name, ["before", "after"]].to_list()


def test_windows_share_out_what_reaches_over_their_edge():
    snap = snapshot(*JOBS, prices=LISTED)
    found = tv.compare(snap, since="2d", by="project_name")
    # 48 to 96 against 0 to 48
    assert hours(found) == {"llm": [8 * 13.0, 8 * 26.0], "asr": [8 * 8.0, 8 * 12.0]}
    assert found["estimated_usd_difference"].to_list() == [30 * 13.0, 30 * 4.0]
    totals = tv.compare(snap, since="2d")
    assert figure(totals, "GPU-hours") == [8 * 21, 8 * 38]
    assert figure(totals, "jobs") == [3, 2]
    # it ended in the later window, and is open at the end of the earlier one
    assert figure(totals, "jobs finished") == [2, 1]
    causes = tv.compare(snap, since="2d", by="error")
    assert causes[["error", "change"]].to_numpy().tolist() == [["lost", "vanished"]]


@pytest.mark.parametrize(
    ("arguments", "earlier", "later"),
    [
        ({"since": "1d"}, (48, 72), (72, 96)),
        ({"since": DAY}, (48, 72), (72, 96)),
        ({"since": "1d", "until": at(80)}, (32, 56), (56, 80)),
        ({"since": at(72), "until": at(1000)}, (48, 72), (72, 96)),
        ({"since": "1d", "against": "1d"}, (48, 72), (72, 96)),
        ({"since": "1d", "against": at(10)}, (10, 34), (72, 96)),
        ({"since": "2d", "against": at(24)}, (24, 48), (48, 96)),
        ({"since": "12h", "against": "3d"}, (12, 84), (84, 96)),
    ],
)
def test_windows_are_what_is_asked_for(arguments, earlier, later):
    found = comparison(snapshot(*JOBS), **arguments)
    assert found.windows == tuple((at(start), at(stop)) for start, stop in (earlier, later))
    assert found.before.as_of == at(earlier[1])
    lengths = [stop - start for start, stop in (earlier, later)]
    assert any("not equally long" in note for note in found.notes) == (lengths[0] != lengths[1])
    whole = snapshot(*JOBS)
    for side, (start, stop) in ((found.before, earlier), (found.after, later)):
        parts = tv.clip_jobs(whole.jobs, at(start), at(stop))
        assert side.jobs["gpu_hours"].sum() == pytest.approx(parts["gpu_hours"].sum())


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({}, "since: give the start of a window such as 7d, or a second snapshot"),
        ({"until": at(50)}, "since: give the start"),
        ({"since": at(96)}, "give a moment before that of the data"),
        ({"since": "soon"}, "since='soon': give a moment"),
        ({"since": at(3), "until": at(2)}, "give a moment after since="),
        ({"since": "1d", "against": at(80)}, "against=.*: give a moment before since"),
        ({"since": "1d", "against": "soon"}, "against='soon': give a moment"),
        ({"since": "0001-02-01"}, "since='0001-02-01': there is no time of that length before it"),
        ({"since": "1d", "by": "team"}, "no column 'team'.*did you mean 'team_name'"),
    ],
)
def test_windows_without_sense_are_refused(arguments, wanted):
    with pytest.raises(tv.ArgumentError, match=wanted):
        tv.compare(snapshot(*JOBS), **arguments)


def test_snapshots_are_taken_as_they_stand_and_not_changed():
    before, after = snapshot(*JOBS[:2], as_of=40), snapshot(*JOBS)
    copies = [side.jobs.copy(deep=True) for side in (before, after)]
    found = tv.compare(before, after, by="project_name")
    assert hours(found) == {"llm": [8 * 13.0, 8 * 39.0], "asr": [0, 8 * 20.0]}
    assert dict(zip(found["project_name"], found["change"], strict=True))["asr"] == "appeared"
    for side, copy in zip((before, after), copies, strict=True):
        pd.testing.assert_frame_equal(side.jobs, copy)
    same = tv.compare(after, after)
    assert same["difference"].fillna(0).eq(0).all()
    assert set(same["change"].dropna()) == {"same"}


def test_windows_cut_by_hand_give_the_same():
    snap = snapshot(*JOBS, prices=LISTED)
    for by in (None, "project_name", "error"):
        expected = tv.compare(snap, since="2d", by=by)
        by_hand = tv.compare(snap.clip(until="2d"), snap.clip("2d"), by=by)
        pd.testing.assert_frame_equal(by_hand, expected)


def test_the_order_of_two_is_checked_and_a_window_is_for_one():
    before, after = snapshot(*JOBS[:2], as_of=40), snapshot(*JOBS)
    with pytest.raises(tv.ArgumentError, match=r"before: it describes 2025-01-05 00:00.*swap"):
        tv.compare(after, before)
    for name in ("since", "until", "against"):
        with pytest.raises(tv.ArgumentError, match="a window is for one snapshot"):
            tv.compare(before, after, **{name: "1d"})
    for wrong in ((None,), (before, before.jobs), ("data/",)):
        with pytest.raises(tv.ArgumentError, match="expected a Snapshot, got"):
            tv.compare(*wrong)


def test_jobs_that_vanished_are_no_saving():
    before, after = snapshot(*JOBS[:3], as_of=60), snapshot(JOBS[0], *JOBS[2:])
    wanted = "1 job of before is not in after, deleted or of another scope: 80.0 GPU-hours"
    with pytest.warns(tv.DataWarning, match=wanted):
        found = tv.compare(before, after)
    assert figure(found, "GPU-hours") == [8 * 33, 8 * 49]
    # the oldest too, but not of a window that begins later
    assert comparison(before, snapshot(*JOBS[1:])).notes[0].startswith("1 job of before")
    assert comparison(before, snapshot(*JOBS).clip(at(25))).notes == ()
    assert comparison(before, snapshot(*JOBS).clip(at(65))).notes == ()
    latest = dataclasses.replace(after, latest_only=True)
    assert comparison(before, latest).notes == (
        "only the latest job of each project is known: sums and rates are theirs",
    )


def test_a_window_before_the_oldest_job_is_told():
    with pytest.warns(tv.DataWarning, match="the oldest job is of 2025-01-01 00:00 UTC"):
        tv.compare(snapshot(*JOBS), since="3d")


def test_the_bill_is_shown_for_whole_days_that_it_has():
    days = billing(*({"job_id": "j1", "day": day, "usd": f"{day + 1}.25"} for day in range(4)))
    snap = snapshot(*JOBS, billing=days)
    assert figure(tv.compare(snap, since="2d"), "USD billed") == [3.5, 7.5]
    for arguments, hint in (
        ({"since": at(50)}, "the bill is by whole days (UTC), the windows are not"),
        ({"since": "1d", "until": at(95)}, "the bill is by whole days"),
    ):
        found = comparison(snap, **arguments)
        assert found.hints[0].startswith(hint)
        assert figure(found.table(), "USD billed") != figure(found.table(), "USD billed")
    late = snapshot(*JOBS, billing=days[days["date"] > at(0)])
    found = comparison(late, since="2d")
    assert found.hints == (
        "the bill has 2025-01-02 to 2025-01-04, and not all days of the windows: it is left out",
    )
    assert not found.has_bill
    assert comparison(snap, snap).has_bill
    assert not comparison(snapshot(*JOBS), snap).has_bill


def test_hours_count_from_when_gpus_were_held_also_at_an_edge():
    ran = {"current_status": "TRAINING_JOB_RUNNING", "status": "running"}
    events = rows("status_events", {"job_id": "j3", "created_at": at(50), **ran})
    with pytest.warns(tv.DataWarning, match="100% of the GPU-hours before and 72% of those after"):
        found = tv.compare(snapshot(*JOBS, status_events=events), since="2d", by="project_name")
    assert hours(found)["asr"] == [0, 80]
    assert found.set_index("project_name").loc["llm", "upper_bound_gpu_hours_after"] == 8 * 26
    notes = comparison(snapshot(*JOBS[:3], as_of=60), snapshot(*JOBS[:3], as_of=60, status_events=events)).notes  # fmt: skip
    assert notes[0].startswith("100% of the GPU-hours before and ")


def test_work_is_lost_where_a_job_ends_and_idle_time_where_it_was_measured():
    ran = {"current_status": "TRAINING_JOB_RUNNING", "status": "running"}
    events = rows("status_events", {"job_id": "j2", "created_at": at(21), **ran})
    saved = rows("checkpoints", {"job_id": "j2", "checkpoint_id": "c", "checkpoint_type": "full", "size_bytes": 1, "created_at": at(23)})  # fmt: skip
    idle = metrics(*(sample(60 * hour, 0.0, job_id="j3", step_seconds=3600.0) for hour in range(45, 49)))  # fmt: skip
    snap = snapshot(*JOBS, status_events=events, checkpoints=saved, metrics=idle)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tv.DataWarning)
        over = tv.compare(snap, since=at(24), until=at(48))
        whole = tv.compare(snap, since="2d")
    # of the window before, only the running job is known: nothing was lost there
    assert figure(over, "GPU-hours lost") == [0, 8 * 7]
    assert figure(whole, "GPU-hours idle") == [3, 1]


def test_without_data_there_is_nothing_to_compare():
    empty = tv.load({"training_projects": [], "training_jobs": []})
    with pytest.warns(tv.DataWarning, match="there is no data"):
        found = tv.compare(empty, since="7d")
    assert figure(found, "jobs") == [0, 0]
    assert tv.compare(empty, empty, by="project_name").empty
    assert tv.compare(empty, snapshot(*JOBS), by="error")["change"].to_list() == ["new"]


def test_what_was_left_out_is_told():
    snap = snapshot(*JOBS)
    reasons = pd.DataFrame({"source": ["a.json"], "path": [None], "job_id": [None], "project_id": [None], "reason": ["odd"]}, dtype="str")  # fmt: skip
    snap = dataclasses.replace(snap, rejected=reasons)
    with pytest.warns(tv.DataWarning, match="could not be read: 1 record"):
        tv.compare(snap, since="1d")
