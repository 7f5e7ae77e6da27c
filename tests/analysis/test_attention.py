import pytest
from hypothesis import given, settings

from tests.analysis.tables import (
    assert_same,
    at,
    collected,
    convert,
    job,
    jobs,
    projects,
    table,
)
from trainview.analysis import needs_attention
from trainview.analysis.attention import REASONS
from trainview.errors import ArgumentError


def found(result):
    frame = collected(result)
    return list(zip(frame["job_id"], frame["reason"], strict=True))


def open_job(hours, status, *, silent=0.0, **changes):
    return job(0, hours, status=status, updated_at=at(hours - silent), **changes)


def test_waiting_and_deploying_long(kind):
    frame = table(
        open_job(2.0, "pending"),
        open_job(2.1, "queued"),
        open_job(9, "created"),
        open_job(1.0, "deploying"),
        open_job(9.2, "deploying"),
        open_job(99, "running"),
        job(0, 99, status="completed"),
    )
    result = needs_attention(convert(frame, kind))
    assert found(result) == [
        ("j4", "deploying long"),
        ("j1", "waiting long"),
        ("j2", "waiting long"),
    ]
    assert collected(result)["detail"].to_list() == [
        "deploying for 9.2 h, limit 1 h: check the image and its registry",
        "queued for 2.1 h, limit 2 h: check the GPU quota, or ask for another GPU type",
        "created for 9.0 h, limit 2 h: check the GPU quota, or ask for another GPU type",
    ]
    patient = needs_attention(convert(frame, kind), waiting_hours=5, deploying_hours=10)
    assert found(patient) == [("j2", "waiting long")]


def test_running_long_is_measured_by_the_projects_own_jobs(kind):
    usual = [job(0, hour, number=hour) for hour in [1, 2, 3, 4, 5]]
    frame = table(
        *usual,
        job(0, 90, number=6, status="failed"),
        job(5, 0, number=7),
        *(job(0, 1, number=20 + n, project_id="p2") for n in range(4)),
        open_job(13.9, "running", number=30),
        open_job(13.7, "running", number=31),
        open_job(99, "running", number=32, project_id="p2"),
        open_job(99, "running", number=33, project_id="p3"),
    )
    result = needs_attention(convert(frame, kind))
    # the 90th percentile of 1, 2, 3, 4, 5 is 4.6
    assert found(result) == [("j30", "running long"), ("j7", "times contradict")]
    assert collected(result)["detail"][0] == (
        "running for 13.9 h, limit 13.8 h (3 times the project's usual): "
        "check that it makes progress"
    )
    eager = needs_attention(convert(frame, kind), usual_jobs=4, usual_factor=2.5)
    assert found(eager)[:3] == [
        ("j32", "running long"),
        ("j30", "running long"),
        ("j31", "running long"),
    ]


def test_no_update(kind):
    frame = table(
        open_job(200, "running", silent=72),
        open_job(200, "running", silent=72.001),
        open_job(200, "deploying", silent=100),
        job(0, 200, status="stopped", updated_at=at(1)),
    )
    result = needs_attention(convert(frame, kind))
    assert found(result) == [
        ("j2", "deploying long"),
        ("j1", "no update"),
        ("j2", "no update"),
    ]
    assert collected(result)["detail"][1] == (
        "no update for 72.0 h, limit 72 h: read its logs, stop it if it hangs"
    )
    never = needs_attention(convert(frame, kind), silent_hours=float("inf"))
    assert found(never) == [("j2", "deploying long")]
    fine = needs_attention(convert(frame, kind), silent_hours=71.9999)
    assert found(fine)[1:] == [("j0", "no update"), ("j1", "no update"), ("j2", "no update")]


def run_of(project, *statuses, first=0):
    return [
        job(first + n, first + n + 1, status=status, number=f"{project}{n}", project_id=project)
        for n, status in enumerate(statuses)
    ]


def test_failing_repeatedly(kind):
    frame = table(
        *run_of("a", "failed", "failed", "failed", "completed"),
        *run_of("b", "completed", "failed", "deploy-failed", "failed", "running"),
        *run_of("c", "failed", "failed"),
        *run_of("d", "failed", "failed", "failed", "failed"),
        *run_of("e", "failed", "stopped", "failed", "failed"),
    )
    result = needs_attention(convert(frame, kind))
    assert found(result) == [("jb3", "failing repeatedly"), ("jd3", "failing repeatedly")]
    assert collected(result)["detail"].to_list() == [
        "3 failures in a row, limit 3: read the error before starting another job",
        "4 failures in a row, limit 3: read the error before starting another job",
    ]
    strict = needs_attention(convert(frame, kind), failures=2)
    assert [name for name, _ in found(strict)] == ["jb3", "jc1", "jd3", "je3"]


def test_failures_that_end_together_are_one_row(kind):
    frame = table(*(job(0, 1, status="failed", number=n) for n in [5, 30, 4]))
    assert found(needs_attention(convert(frame, kind))) == [("j5", "failing repeatedly")]


def test_times_that_contradict(kind):
    frame = table(job(5, 2.5, status="stopped"), job(1, 3, number=1, elapsed_hours=None))
    result = needs_attention(convert(frame, kind))
    assert sorted(found(result)) == [("j0", "times contradict"), ("j1", "times contradict")]
    details = dict(zip(collected(result)["job_id"], collected(result)["detail"], strict=True))
    assert details == {
        "j0": "last changed 9,000 s before it was created: its durations are not known",
        "j1": "dated after the moment that the data describes: check the as_of that was given",
    }


def test_teams_come_from_the_projects(kind):
    frame = table(
        open_job(9, "pending", project_id="p1"),
        open_job(9, "pending", project_id="p2"),
        open_job(9, "pending", project_id="p3"),
    )
    teams = projects(
        {"project_id": "p1", "project_name": "llm", "team_name": "research"},
        {"project_id": "p2", "project_name": "llm", "team_name": None},
        {"project_id": "p9", "project_name": "llm", "team_name": "other"},
    )
    expected = needs_attention(frame, teams)
    assert expected["team_name"].fillna("").to_list() == ["research", "", ""]
    assert_same(needs_attention(convert(frame, kind), convert(teams, kind)), expected)
    assert_same(needs_attention(convert(frame, kind), teams), expected)
    assert_same(needs_attention(frame, convert(teams, kind)), expected)
    with pytest.raises(ArgumentError, match="no column 'team_name'"):
        needs_attention(frame, convert(teams.drop(columns="team_name"), kind))


def test_the_gravest_is_first_then_the_most_expensive(kind):
    frame = table(
        open_job(9, "pending"),
        open_job(9, "deploying", gpus=1),
        open_job(200, "deploying", silent=90),
        job(5, 1),
    )
    assert found(needs_attention(convert(frame, kind))) == [
        ("j2", "deploying long"),
        ("j1", "deploying long"),
        ("j2", "no update"),
        ("j0", "waiting long"),
        ("j3", "times contradict"),
    ]


@pytest.mark.parametrize(
    "limits",
    [
        {"waiting_hours": -1},
        {"deploying_hours": float("nan")},
        {"usual_jobs": 0},
        {"failures": 0},
        {"silent_hours": -0.1},
        {"usual_factor": -3},
    ],
)
def test_limits_that_make_no_sense_are_refused(limits):
    (name,) = limits
    with pytest.raises(ArgumentError, match=f"{name}=.*: give a number from"):
        needs_attention(table(), **limits)


@settings(deadline=None)
@given(jobs(most=20))
def test_rows_are_unique_and_in_order(frame):
    result = needs_attention(frame, failures=2, usual_jobs=1)
    assert not result.duplicated(["job_id", "reason"]).any()
    rank = result["reason"].map(REASONS.index)
    assert rank.is_monotonic_increasing
    for _, rows in result.groupby("reason"):
        assert rows["gpu_hours"].dropna().is_monotonic_decreasing
    streaks = result[result["reason"] == "failing repeatedly"]
    for job_id in streaks["job_id"]:
        project = frame.loc[frame["job_id"] == job_id, "project_id"].item()
        ended = frame[(frame["project_id"] == project) & ~frame["is_open"]]
        last = ended.sort_values("end_at", kind="stable").tail(2)
        assert (last["phase"] == "failed").all()
