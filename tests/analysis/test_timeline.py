import pandas as pd
import pytest
from hypothesis import given, settings

from tests.analysis.evidence import phases
from tests.analysis.tables import assert_same, at, collected, convert, is_kind, job, jobs, table
from trainview.analysis import job_timeline


def lanes(result):
    frame = collected(result)
    return dict(zip(frame["job_id"], frame["lane"].astype(object), strict=True))


def test_a_lane_is_used_again_when_it_is_free(kind):
    frame = table(job(0, 4), job(1, 2), job(2, 3), job(3, 9), job(4, 5))
    result = job_timeline(convert(frame, kind))
    assert lanes(result) == {"j0": 0, "j4": 0, "j1": 1, "j2": 1, "j3": 1}
    assert collected(result)["job_id"].to_list() == ["j0", "j4", "j1", "j2", "j3"]


def test_groups_have_lanes_of_their_own_in_the_order_of_their_first_jobs(kind):
    frame = table(
        job(5, 6, project_name="a"),
        job(0, 9, project_name="b"),
        job(1, 2, project_name="b"),
        job(5, 6, project_name=None),
    )
    assert lanes(job_timeline(convert(frame, kind))) == {"j1": 0, "j2": 1, "j0": 2, "j3": 3}
    assert lanes(job_timeline(convert(frame, kind), by=None)) == {
        "j1": 0,
        "j2": 1,
        "j0": 1,
        "j3": 2,
    }


def test_jobs_that_start_together_are_taken_by_their_names(kind):
    frame = table(*(job(0, 1, number=number) for number in [12, 3, 20, 1]))
    assert lanes(job_timeline(convert(frame, kind))) == {"j1": 0, "j12": 1, "j20": 2, "j3": 3}


def test_a_job_without_a_duration_occupies_its_instant(kind):
    frame = table(job(0, 0, number=1), job(0, 1, number=2), job(0, 0, number="3x"), job(1, 1))
    result = job_timeline(convert(frame, kind))
    assert lanes(result) == {"j1": 0, "j2": 1, "j3x": 2, "j3": 0}
    frame = collected(result).set_index("job_id")
    assert frame.loc[["j1", "j2"], "lane"].to_list() == [0, 1]
    assert frame.loc["j1", "start"] == frame.loc["j1", "end"]


def test_jobs_whose_times_contradict_have_no_lane_and_come_last(kind):
    frame = table(job(5, 1, number=9), job(5, 2, number=8), job(7, 9), job(3, 1))
    result = collected(job_timeline(convert(frame, kind)))
    assert result["job_id"].to_list() == ["j2", "j3", "j8", "j9"]
    assert result["lane"].isna().to_list() == [False, True, True, True]
    assert result["end"].isna().to_list() == [False, True, True, True]
    assert result["start"].to_list() == [at(7), at(3), at(5), at(5)]


def test_the_columns_are_those_of_the_jobs(kind):
    frame = table(job(0, 1.5, status="running", job_name=None, project_name="ünï"))
    result = job_timeline(convert(frame, kind))
    expected = pd.DataFrame(
        {
            "job_id": ["j0"],
            "job_name": pd.Series([None], dtype="str"),
            "project_name": ["ünï"],
            "status": ["running"],
            "phase": ["running"],
            "start": pd.DatetimeIndex([at(0)]).as_unit("us"),
            # it has not ended
            "end": pd.DatetimeIndex([pd.NaT], tz="UTC").as_unit("us"),
            "elapsed_hours": [1.5],
            "is_open": [True],
            "lane": pd.array([0], dtype="Int64"),
        }
    )
    assert_same(result, expected)


@pytest.mark.parametrize("by", ["project_name", ["gpu_type", "project_id"], None])
@settings(deadline=None)
@given(frame=jobs(most=25))
def test_lanes_are_as_few_as_can_be_and_do_not_overlap(by, frame):
    result = job_timeline(frame, by=by)
    assert sorted(result["job_id"]) == sorted(frame["job_id"])
    result = result.merge(frame[["job_id", "gpu_type", "project_id"]], on="job_id")
    keys = [by] if isinstance(by, str) else by or []
    known = result[result["lane"].notna()].copy()
    assert set(known["lane"]) == set(range(len(set(known["lane"]))))
    assert (known["end"].isna() == known["is_open"]).all()
    last = frame.set_index("job_id")["end_at"].loc[known["job_id"]].set_axis(known.index)
    known["last"] = last.where(last > known["start"], known["start"] + pd.Timedelta(microseconds=1))
    for _, lane in known.groupby("lane"):
        assert (lane["start"].iloc[1:].to_numpy() >= lane["last"].iloc[:-1].to_numpy()).all()
        assert len(lane[keys].drop_duplicates()) == 1 or not keys
    groups = known.groupby(keys, dropna=False) if keys else [(None, known)]
    first_lanes = []
    for _, group in groups:
        peak = (
            max(
                ((group["start"] <= moment) & (group["last"] > moment)).sum()
                for moment in group["start"]
            )
            if len(group)
            else 0
        )
        assert group["lane"].nunique() == peak
        if len(group):
            first_lanes.append((group["start"].min(), group["lane"].min()))
    assert [lane for _, lane in sorted(first_lanes)] == sorted(lane for _, lane in first_lanes)


def test_phases_of_any_kind_tell_when_jobs_were_released_and_started(kind):
    jobs = table(job(0, 9, number=0), job(1, 9, number=1), job(2, 9, number=2))
    known = phases(("j0", 1, 2, 9), ("j0", 1, 2, 9), ("j1", None, 4, 9), ("other", 1, 2, 3))
    result = job_timeline(convert(jobs, kind), phases=convert(known, kind))
    assert is_kind(result, kind)
    found = collected(result)
    assert list(found)[-2:] == ["released_at", "started_at"]
    assert found["released_at"].to_list() == [at(1), pd.NaT, pd.NaT]
    assert found["started_at"].to_list() == [at(2), at(4), pd.NaT]
    assert_same(found.drop(columns=["released_at", "started_at"]), job_timeline(jobs))
    empty = collected(job_timeline(convert(jobs.head(0), kind), phases=convert(known, kind)))
    assert {str(empty[name].dtype) for name in ("released_at", "started_at")} == {
        "datetime64[us, UTC]"
    }
