"""The live state as OpenMetrics text: exact, valid by Prometheus' own parser, whatever names there are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as parse_plain

import trainview as tv
from tests.builders import A10G, CPU, job, payload, project
from tests.properties import examples
from trainview.checking.openmetrics import to_openmetrics

AS_OF = "2026-03-31T18:00:00Z"
H100 = A10G | {"id": "H100:8x", "name": "H100", "gpu_count": 8, "gpu_type": "H100"}


def one(job_id, status, created="2026-03-31T12:00:00Z", **changes):
    status = f"TRAINING_JOB_{status}"
    return job(job_id, current_status=status, created_at=created, updated_at=created, **changes)


def row(gpu_type, limit, **more):
    return {"gpu_type": gpu_type, "baseline": 2, "limit": limit, "usage_count": 5, **more}


CAPACITY = payload(
    gpu_capacities=[row("A10G", 8), row("H100", 64)],
    team_gpu_capacities=[row("A10G", 4, team_id="t1", team_name="vision")],
)
PRICES = payload(
    instance_types=[{"instance_type": H100, "price": 0.8}, {"instance_type": A10G, "price": 0.1}]
)
JOBS = [
    one("a", "RUNNING", instance_type=H100, node_count=2),
    one("b", "PENDING", "2026-03-31T15:30:00Z"),
    one("c", "COMPLETED"),
    one("d", "RUNNING", instance_type=CPU),
]


def load(jobs, *more, projects=None):
    found = projects or [project(team_name="vision")]
    lists = [payload(training_projects=found), payload(training_jobs=jobs)]
    return tv.load([*lists, *more], as_of=AS_OF)


def values(snapshot, failed=0, parse=text_string_to_metric_families):
    return {
        (sample.name.removeprefix("trainview_"), *sample.labels.values()): sample.value
        for family in parse(to_openmetrics(snapshot, failed))
        for sample in family.samples
    }


def metrics(job_id, value, end="2026-03-31T18:00:00Z", hours=4):
    end_at = tv.load(payload(training_projects=[]), as_of=end).as_of
    times = [
        end_at - minutes * 10 * (end_at - end_at.floor("D")) / 1080 for minutes in range(hours * 6)
    ]
    series = [{"timestamp": time.isoformat(), "value": value} for time in times]
    return payload(
        training_job=next(one for one in JOBS if one["id"] == job_id), cache=None,
        per_node_metrics=[{
            "node_id": f"n{node}",
            "metrics": {"gpu_utilization": {str(gpu): series for gpu in range(8)}, "gpu_memory_usage_bytes": {},
                        "cpu_usage": [], "cpu_memory_usage_bytes": []},
        } for node in range(2)],
    )  # fmt: skip


def test_the_text_is_exact():
    assert to_openmetrics(load([one("b", "PENDING", "2026-03-31T17:59:58.500Z")]), 2) == """\
# TYPE trainview_failed_looks gauge
# HELP trainview_failed_looks Looks that have failed since the last one that succeeded.
trainview_failed_looks 2
# TYPE trainview_last_look_timestamp_seconds gauge
# UNIT trainview_last_look_timestamp_seconds seconds
# HELP trainview_last_look_timestamp_seconds The moment that all this describes, in Unix time: time() minus this is its age.
trainview_last_look_timestamp_seconds 1774980000
# TYPE trainview_open_jobs gauge
# HELP trainview_open_jobs Open jobs by status.
trainview_open_jobs{status="pending"} 1
trainview_open_jobs{status="queued"} 0
trainview_open_jobs{status="created"} 0
trainview_open_jobs{status="deploying"} 0
trainview_open_jobs{status="running"} 0
# TYPE trainview_project_open_jobs gauge
# HELP trainview_project_open_jobs Open jobs by project, type of GPU and status; projects without any are left out.
trainview_project_open_jobs{project="proj1-name",team="vision",gpu_type="A10G",status="pending"} 1
# TYPE trainview_waiting_jobs gauge
# HELP trainview_waiting_jobs Jobs that wait to be started, by type of GPU.
trainview_waiting_jobs{gpu_type="A10G"} 1
# TYPE trainview_longest_wait_seconds gauge
# UNIT trainview_longest_wait_seconds seconds
# HELP trainview_longest_wait_seconds How long the job has waited that waits longest; 0 where none waits.
trainview_longest_wait_seconds 1.5
# TYPE trainview_held_gpus gauge
# HELP trainview_held_gpus GPUs that the jobs of the list hold, by type.
trainview_held_gpus{gpu_type="A10G"} 0
# EOF
"""  # fmt: skip


def test_it_tells_what_is_open_held_and_allowed():
    found = values(load(JOBS, CAPACITY))
    assert {key: value for key, value in found.items() if key[0] == "open_jobs" and value} == {
        ("open_jobs", "pending"): 1, ("open_jobs", "running"): 2,
    }  # fmt: skip
    assert {key[1:]: value for key, value in found.items() if key[0] == "project_open_jobs"} == {
        ("proj1-name", "vision", "H100", "running"): 1,
        ("proj1-name", "vision", "A10G", "pending"): 1,
        ("proj1-name", "vision", "", "running"): 1,
    }
    assert found["held_gpus", "H100"] == 16
    assert found["held_gpus", "A10G"] == 0
    assert found["project_held_gpus", "proj1-name", "vision", "H100"] == 16
    assert found["waiting_jobs", "A10G"] == 1
    assert found["longest_wait_seconds",] == 2.5 * 3600
    assert (found["gpu_limit", "H100"], found["gpu_baseline", "H100"]) == (64, 2)
    assert found["used_gpus", "H100"] == 5
    assert found["team_gpu_limit", "vision", "A10G"] == 4
    assert found["last_look_timestamp_seconds",] == 1774980000


def test_nobody_waits_is_a_wait_of_nothing_and_what_nobody_knows_is_left_out():
    found = values(load([JOBS[0]]))
    assert found["longest_wait_seconds",] == 0
    assert found["waiting_jobs", "H100"] == 0
    assert not [key for key in found if "limit" in key[0] or "idle" in key[0]]
    contradictory = values(load([one("x", "PENDING", "2026-04-01T12:00:00Z")]))
    assert ("longest_wait_seconds",) not in contradictory
    assert values(None, 7) == {("failed_looks",): 7}


@pytest.mark.parametrize(
    ("value", "prices", "gpus", "usd"),
    [(0.0, [PRICES], 16, 2 * 0.8 * 60), (0.5, [PRICES], 0, 0.0), (0.0, [], 16, None)],
)
def test_it_tells_idle_gpus_and_what_they_cost_an_hour(value, prices, gpus, usd):
    found = values(load(JOBS, metrics("a", value), *prices))
    place = ("proj1-name", "vision", "H100")
    assert found[("idle_gpus", *place)] == gpus
    assert found.get(("idle_cost_usd_per_hour", *place)) == (
        usd if usd is None else pytest.approx(usd)
    )


def test_samples_of_yesterday_do_not_tell_what_is_idle_now():
    found = values(load(JOBS, metrics("a", 0.0, end="2026-03-31T16:00:00Z")))
    assert not [key for key in found if "idle" in key[0]]


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@settings(max_examples=examples(100))
@given(
    name=NAMES | st.sampled_from(['a"b', "a\\nb", "a\nb", "\\", '\\"', "{}=,", "a # {b}"]),
    team=NAMES,
)
@pytest.mark.parametrize("parse", [text_string_to_metric_families, parse_plain])
def test_every_name_comes_back_as_it_is(parse, name, team):
    projects = [project(name=name, team_name=team)]
    named = one("a", "RUNNING", training_project={"id": "proj1", "name": name})
    found = values(load([named], projects=projects), parse=parse)
    assert found["project_held_gpus", name, team, "A10G"] == 2


def test_it_names_no_job_and_no_user_and_grows_with_projects_alone():
    user = {"email": "someone@example.com"}
    few, many = (
        to_openmetrics(
            load([one(f"j{n}", "RUNNING", user=user, name=f"n{n}") for n in range(jobs)])
        )
        for jobs in (1, 50)
    )
    assert few.count("\n") == many.count("\n")
    assert "someone" not in many
    assert "n49" not in many
