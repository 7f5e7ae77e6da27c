import pandas as pd
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
from trainview.analysis.waste import REASONS
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
        "queued for 2.1 h, limit 2 h: run-0 of llm holds 8 H100 and does not come to run",
        "created for 9.0 h, limit 2 h: run-0 of llm holds 8 H100 and does not come to run",
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
    assert found(result) == [("j30", "running long"), ("j7", "inconsistent timestamps")]
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
    assert found(result) == [("jd3", "failing repeatedly"), ("jb3", "failing repeatedly")]
    assert collected(result)["detail"].to_list() == [
        "4 failures in a row, limit 3: read the error before starting another job",
        "3 failures in a row, limit 3: read the error before starting another job",
    ]
    strict = needs_attention(convert(frame, kind), failures=2)
    assert sorted(name for name, _ in found(strict)) == ["jb3", "jc1", "jd3", "je3"]
    # all that the failures in a row took; a deployment that failed held no GPUs
    assert collected(result)["wasted_gpu_hours"].to_list() == [32.0, 16.0]


def test_jobs_of_no_project_fail_together_and_tell_what_they_took(kind):
    frame = table(*run_of("a", "failed", "failed", "failed")).assign(project_id=None)
    frame["project_id"] = frame["project_id"].astype("str")
    result = collected(needs_attention(convert(frame, kind)))
    assert result[["job_id", "wasted_gpu_hours"]].to_numpy().tolist() == [["ja2", 24.0]]


def test_failures_that_end_together_are_one_row(kind):
    frame = table(*(job(0, 1, status="failed", number=n) for n in [5, 30, 4]))
    assert found(needs_attention(convert(frame, kind))) == [("j5", "failing repeatedly")]


def test_times_that_contradict(kind):
    frame = table(job(5, 2.5, status="stopped"), job(1, 3, number=1, elapsed_hours=None))
    result = needs_attention(convert(frame, kind))
    assert sorted(found(result)) == [
        ("j0", "inconsistent timestamps"),
        ("j1", "inconsistent timestamps"),
    ]
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
        ("j3", "inconsistent timestamps"),
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
    loses = result["wasted_gpu_hours"] > 0
    assert loses.is_monotonic_decreasing
    assert result.loc[loses, "wasted_gpu_hours"].is_monotonic_decreasing
    rest = result[~loses]
    assert rest["reason"].map(REASONS.index).is_monotonic_increasing
    for _, rows in rest.groupby("reason"):
        assert rows["gpu_hours"].dropna().is_monotonic_decreasing
    streaks = result[result["reason"] == "failing repeatedly"]
    for job_id in streaks["job_id"]:
        project = frame.loc[frame["job_id"] == job_id, "project_id"].item()
        ended = frame[(frame["project_id"] == project) & ~frame["is_open"]]
        last = ended.sort_values("end_at", kind="stable").tail(2)
        assert (last["phase"] == "failed").all()


def samples(job_id, *values, gpu=0, hours=1.0, first=0.0):
    """Samples of one GPU, each for some hours."""
    return pd.DataFrame(
        {
            "job_id": job_id,
            "node_id": "n0",
            "gpu": gpu,
            "metric": "gpu_utilization",
            "timestamp": [at(first + number * hours) for number in range(len(values))],
            "value": [float(value) for value in values],
            "step_seconds": hours * 3600,
        }
    )


def prices(usd_per_hour=8.0, name="H100:8"):
    return pd.DataFrame({"instance_type_id": [name], "usd_per_minute": [usd_per_hour / 60]})


def test_idle_gpus_come_first_with_what_they_cost(kind):
    jobs = table(
        open_job(10, "running", gpus=2, gpu_count=2),
        open_job(10, "running", gpus=2, gpu_count=2),
        open_job(10, "running", gpus=2, gpu_count=2),
        open_job(9, "deploying", gpus=2, gpu_count=2),
        job(0, 5, gpus=2, gpu_count=2, status="stopped"),
    )
    # busy once, idle for the last seven hours
    hours = [0.0, 0.0, 0.9, *[0.01] * 7]
    metrics = pd.concat(
        [
            samples("j0", *hours),
            samples("j0", *hours, gpu=1),
            samples("j1", *[0.0] * 10),
            samples("j1", *[0.9] * 10, gpu=1),
            # idle for no longer than may be
            samples("j2", *[0.9] * 8, 0, 0),
            samples("j4", *[0.0] * 5),
        ]
    )
    arguments = {"metrics": convert(metrics, kind), "prices": convert(prices(), kind)}
    result = collected(needs_attention(convert(jobs, kind), **arguments))
    assert list(zip(result["job_id"], result["reason"], strict=True)) == [
        ("j3", "deploying long"),
        ("j0", "GPUs idle"),
        ("j1", "GPUs idle"),
    ]
    assert result["wasted_gpu_hours"].to_list() == [16.0, 14.0, 10.0]
    # 8 USD an hour for two GPUs
    assert result["wasted_usd"].to_list() == pytest.approx([64.0, 56.0, 40.0])
    assert result["detail"].to_list()[1:] == [
        "2 H100 idle for 7 h, 56 USD: stop it if it hangs",
        "1 of 2 H100 idle for 10 h, 40 USD: stop it if it hangs",
    ]
    without = collected(needs_attention(convert(jobs, kind), metrics=convert(metrics, kind)))
    assert without["wasted_usd"].isna().all()
    assert without["detail"].to_list()[1] == "2 H100 idle for 7 h: stop it if it hangs"


def test_a_deployment_is_counted_from_its_release(kind):
    frame = table(open_job(9, "deploying"), open_job(9, "deploying"), open_job(9, "deploying"))
    queue = pd.DataFrame(
        {"job_id": ["j0", "j1"], "released_at": [at(8.5), at(7)]},
    )
    result = collected(needs_attention(convert(frame, kind), queue=convert(queue, kind)))
    assert list(zip(result["job_id"], result["wasted_gpu_hours"], strict=True)) == [
        ("j2", 64.0),
        ("j1", 8.0),
    ]
    assert result["detail"].to_list()[1].startswith("deploying for 2.0 h, limit 1 h")


@pytest.mark.parametrize(("busy", "told"), [(0.0, True), (0.9, False)])
def test_who_waits_hears_of_the_job_that_has_the_gpus_and_does_nothing(kind, busy, told):
    frame = table(
        open_job(200, "running", silent=150),
        open_job(5, "pending"),
        open_job(6, "pending", gpu_type="B200"),
    )
    metrics = samples("j0", *[busy] * 200)
    result = needs_attention(convert(frame, kind), metrics=convert(metrics, kind))
    detail = collected(result).set_index(["job_id", "reason"])["detail"]
    usual = "check the GPU quota, or ask for another GPU type"
    assert detail["j1", "waiting long"] == (
        f"pending for 5.0 h, limit 2 h: {'run-0 of llm holds 8 H100 and is idle' if told else usual}"
    )
    assert detail["j2", "waiting long"].endswith(usual)
    # without metrics, all that is known is that nothing was heard of it
    blind = collected(needs_attention(convert(frame, kind))).set_index(["job_id", "reason"])
    assert blind.loc[("j1", "waiting long"), "detail"].endswith(
        "run-0 of llm holds 8 H100 and gives no sign of life"
    )


def test_what_the_api_hints_at_stands_where_a_job_waits():
    hint = "Spot capacity is available:\na spot job would start sooner."
    waits = job(0, 5, status="pending", error_message=hint)
    found = needs_attention(table(waits, job(0, 5, status="pending")))
    details = found.set_index("job_id")["detail"]
    assert details["j0"].startswith(details["j1"])
    assert "; the API says: Spot capacity is available:" in details["j0"]
    assert "\n" not in details["j0"]
    assert "API" not in details["j1"]
