import json
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from trainview.errors import ArgumentError
from trainview.sampling import sample, sample_fleet
from trainview.sampling.billing import split_minutes
from trainview.schema import fleet_answers
from trainview.schema.fields import MONEY, NUMBER
from trainview.statuses import status_of

STEP = 300
MONTHS = ["2026-01-01T00:00Z", "2026-02-01T00:00Z", "2026-03-01T00:00Z", "2026-04-01T00:00Z"]
WEEK_MS = 7 * 86_400_000


@pytest.fixture(scope="module")
def fleet():
    return sample_fleet()


@pytest.fixture(scope="module", params=range(3))
def any_fleet(request):
    return sample_fleet(seed=request.param)


@pytest.fixture(scope="module")
def metrics(fleet):
    return {job: fleet.job_metrics(job, step_seconds=STEP) for job in fleet._jobs}


def moment(text):
    return datetime.fromisoformat(text)


def milliseconds(time):
    return int(time.timestamp() * 1000)


def as_of(fleet):
    return moment(fleet.payload["trainview"]["as_of"])


def life(fleet, job_id):
    """When a job ran: the truth behind the answers."""
    job = fleet._jobs[job_id]
    return job.started, min(job.ended, as_of(fleet))


def ran(fleet):
    return [job for job in fleet._jobs if life(fleet, job)[0] < life(fleet, job)[1]]


def record(fleet, job_id):
    return next(job for job in fleet.payload["training_jobs"] if job["id"] == job_id)


def jobs_of(fleet, project_name):
    jobs = fleet.payload["training_jobs"]
    return [job["id"] for job in jobs if job["training_project"]["name"] == project_name]


def bills(fleet):
    for start, end in pairwise(MONTHS):
        yield from fleet.usage_summary(start, end)["training_usage"]["breakdown"]


def samples_of(metrics):
    """Every series that is not empty, by its name."""
    for node in metrics["per_node_metrics"]:
        for name, series in node["metrics"].items():
            members = series.items() if isinstance(series, dict) else [("", series)]
            for key, samples in members:
                yield (node["node_id"], name, key), samples
    for name, samples in (metrics["cache"] or {}).items():
        yield ("", "cache", name), samples


def series(metrics, node, name, rank):
    samples = metrics["per_node_metrics"][node]["metrics"][name][str(rank)]
    return {moment(sample["timestamp"]): sample["value"] for sample in samples}


def idle_hours(metrics):
    return {
        (node["node_id"], rank): sum(s["value"] < 0.05 for s in samples) * STEP / 3600
        for node in metrics["per_node_metrics"]
        for rank, samples in node["metrics"]["gpu_utilization"].items()
    }


# --- The form of the answers --------------------------------------------------------------------


def check(value, field, place):
    kind = field.type
    if value is None:
        assert field.nullable, place
    elif pa.types.is_struct(kind):
        check_fields(value, kind, place)
    elif pa.types.is_list(kind):
        assert type(value) is list, place
        for item in value:
            check(item, kind.value_field, f"{place}[]")
    elif pa.types.is_map(kind):
        for key, item in value.items():
            assert type(key) is str, place
            check(item, kind.item_field, f"{place}[{key}]")
    else:
        check_scalar(value, field, place)


def check_scalar(value, field, place):
    kind = field.type
    if pa.types.is_timestamp(kind):
        assert moment(value).utcoffset() == timedelta(0), place
    elif pa.types.is_date(kind):
        assert datetime.strptime(value, "%Y-%m-%d"), place  # noqa: DTZ007 (a date has no zone)
    elif kind == MONEY:
        assert Decimal(str(value)) >= 0, place
    elif pa.types.is_integer(kind):
        assert type(value) is int, place
        assert value >= int(field.metadata[b"minimum"]), place
    elif kind == NUMBER:
        assert type(value) in {int, float}, place
    else:
        assert type(value) is {pa.bool_(): bool, pa.string(): str}[kind], place


def check_fields(answer, fields, place):
    for field in fields:
        assert field.name in answer, f"{place}.{field.name}"
        check(answer[field.name], field, f"{place}.{field.name}")


def test_answers_have_the_form_that_the_reader_checks(any_fleet):
    fleet = any_fleet
    check_fields(fleet.instance_type_prices(), fleet_answers.PRICES_ANSWER, "prices")
    check_fields(fleet.training_capacity(), fleet_answers.CAPACITY_ANSWER, "capacity")
    for start, end in pairwise(MONTHS):
        check_fields(fleet.usage_summary(start, end), fleet_answers.USAGE_ANSWER, "usage")
    for job in fleet._jobs:
        answer = fleet.job_metrics(job, step_seconds=3600)
        check_fields(answer, fleet_answers.METRICS_ANSWER, "metrics")
        assert answer["training_job"]["id"] == job
        check_fields(fleet.checkpoints(job), fleet_answers.CHECKPOINTS_ANSWER, "checkpoints")
        if context := fleet.queue_context(job):
            check_fields(context, fleet_answers.QUEUE_ANSWER, "queue")
        end = milliseconds(life(fleet, job)[1])
        logs = fleet.job_logs(job, end - WEEK_MS, end)
        check_fields(logs, fleet_answers.LOGS_ANSWER, "logs")


def digest(fleet):
    jobs = [*fleet._jobs][::20]
    return [
        fleet.payload,
        fleet.instance_type_prices(),
        fleet.training_capacity(),
        [fleet.usage_summary(start, end) for start, end in pairwise(MONTHS)],
        [fleet.job_metrics(job, step_seconds=1800) for job in jobs],
        [[fleet.checkpoints(job), fleet.queue_context(job), fleet.job_logs(job)] for job in jobs],
    ]


def test_answers_are_the_same_in_another_process(fleet, tmp_path):
    code = """if True:
        import json, sys
        from tests.sampling.test_sampling_fleet import digest
        from trainview.sampling import sample_fleet
        json.dump(digest(sample_fleet()), open(sys.argv[1], "w"))
    """
    out = tmp_path / "digest.json"
    subprocess.run(
        [sys.executable, "-c", code, str(out)],
        check=True,
        env={"PYTHONHASHSEED": "12345", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert json.loads(out.read_text()) == json.loads(json.dumps(digest(fleet)))


def test_the_payload_is_that_of_sample(fleet):
    assert fleet.payload == sample()


@pytest.mark.parametrize("arguments", [{"projects": 0}, {"projects": 3, "jobs_per_project": 2}, {"days": 1}, {"as_of": "2024-05-01T00:00Z"}])  # fmt: skip
def test_fleets_of_any_size_answer(arguments):
    fleet = sample_fleet(**{"jobs_per_project": 3, **arguments})
    assert fleet.training_capacity()["gpu_capacities"]
    assert fleet.usage_summary(*MONTHS[:2]).keys() >= {"training_usage"}
    for job in fleet._jobs:
        assert fleet.job_metrics(job)["training_job"]["id"] == job
        assert fleet.checkpoints(job)["training_job"]["id"] == job
        assert fleet.job_logs(job)["logs"] is not None
        fleet.queue_context(job)


# --- Prices and capacity ------------------------------------------------------------------------


def test_one_instance_type_has_no_price_and_some_priced_ones_are_not_used(fleet):
    prices = {
        row["instance_type"]["id"]: row for row in fleet.instance_type_prices()["instance_types"]
    }
    used = {job["instance_type"]["id"]: job["instance_type"] for job in sample()["training_jobs"]}
    assert used.keys() - prices.keys() == {"L4:4x48x192"}
    assert prices.keys() - used.keys() == {"T4:4x16", "H100MIG:13x117"}
    assert all(prices[i]["instance_type"] == used[i] for i in used.keys() & prices.keys())
    assert prices["H100:8x208x1872"]["price"] == 0.86664
    assert prices["1x4"]["price"] == 0.00086


def test_usage_is_what_jobs_hold(any_fleet):
    fleet = any_fleet
    held, by_team = Counter(), Counter()
    teams = {p["id"]: fleet_team(fleet, p["id"]) for p in fleet.payload["training_projects"]}
    for job in fleet.payload["training_jobs"]:
        # One that has been accepted holds its GPUs too.
        status = status_of(job["current_status"])
        if not status.terminal and status.label not in {"pending", "queued"}:
            gpu_type = job["instance_type"]["gpu_type"]
            gpus = job["instance_type"]["gpu_count"] * job.get("node_count", 1)
            spot = job.get("availability_model") == "spot"
            held[gpu_type, spot] += gpus
            by_team[teams[job["training_project_id"]], gpu_type] += gpus
    answer = fleet.training_capacity()
    for row in answer["gpu_capacities"]:
        assert row["dedicated_usage_count"] == held[row["gpu_type"], False]
        assert row["spot_usage_count"] == held[row["gpu_type"], True]
    for row in answer["team_gpu_capacities"]:
        assert row["usage_count"] == by_team[row["team_name"], row["gpu_type"]]
    for row in [*answer["gpu_capacities"], *answer["team_gpu_capacities"]]:
        assert row["usage_count"] == row["dedicated_usage_count"] + row["spot_usage_count"]
        assert 0 <= row["baseline"] < row["limit"]
        assert row["usage_count"] <= row["limit"]


def fleet_team(fleet, project_id):
    jobs = fleet._jobs.values()
    return next((job.project.team for job in jobs if job.project.id == project_id), None)


# --- The bill -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("started", "ended", "minutes"),
    [
        ("2026-01-05T10:00:00", "2026-01-05T10:00:01", {"2026-01-05": 1}),
        ("2026-01-05T10:00:00", "2026-01-05T10:02:00", {"2026-01-05": 2}),
        ("2026-01-05T23:58:30", "2026-01-06T00:01:00", {"2026-01-05": 1, "2026-01-06": 2}),
        ("2026-01-05T23:59:30", "2026-01-06T00:00:10", {"2026-01-06": 1}),
        ("2026-01-05T23:00:00", "2026-01-06T00:00:00", {"2026-01-05": 60}),
        ("2026-01-05T23:00:00", "2026-01-07T01:00:30", {"2026-01-05": 60, "2026-01-06": 1440, "2026-01-07": 61}),
        ("2026-01-05T23:00:00", "2026-01-05T23:00:00", {}),
    ],
)  # fmt: skip
def test_minutes_are_rounded_up_and_split_by_day(started, ended, minutes):
    split = split_minutes(moment(f"{started}Z"), moment(f"{ended}Z"))
    assert {day.isoformat(): count for day, count in split.items()} == minutes


def test_each_job_that_ran_is_billed_for_its_minutes(any_fleet):
    fleet = any_fleet
    minutes = Counter()
    for row in bills(fleet):
        if not row["billable_resource"]["is_deleted"]:
            minutes[row["billable_resource"]["id"]] += row["minutes"]
    expected = {}
    for job in ran(fleet):
        started, ended = life(fleet, job)
        if started >= moment("2026-01-01T00:00Z"):
            expected[job] = -((started - ended) // timedelta(minutes=1))
    assert minutes.keys() - expected.keys() <= set(ran(fleet))
    assert {job: minutes[job] for job in expected} == expected


def test_days_add_up_to_jobs_and_jobs_to_the_total(fleet):
    spelled, without_days = set(), 0
    for start, end in pairwise(MONTHS):
        usage = fleet.usage_summary(start, end)["training_usage"]
        rows = usage["breakdown"]
        assert Decimal(usage["total"]) == sum(Decimal(str(row["subtotal"])) for row in rows)
        assert usage["minutes"] == sum(row["minutes"] for row in rows)
        for row in rows:
            spelled.add(type(row["subtotal"]))
            if row["daily"] is None:
                without_days += 1
                continue
            assert all(start[:10] <= day["date"] < end[:10] for day in row["daily"])
            assert row["minutes"] == sum(day["minutes"] for day in row["daily"])
            assert Decimal(str(row["subtotal"])) == sum(
                Decimal(str(day["subtotal"])) for day in row["daily"]
            )
    assert spelled == {str, float}
    assert without_days > 5


def test_a_bill_is_minutes_by_nodes_by_price_but_for_one_contract(fleet):
    prices = {
        row["instance_type"]["id"]: Decimal(str(row["price"]))
        for row in fleet.instance_type_prices()["instance_types"]
    }
    deviating = Counter()
    for row in bills(fleet):
        resource = row["billable_resource"]
        if resource["is_deleted"]:
            continue
        job = record(fleet, resource["id"])
        price = prices.get(job["instance_type"]["id"])
        assert (resource["name"], resource["model_name"], resource["instance_type"]) == (
            job["name"],
            job["training_project"]["name"],
            job["instance_type"]["name"],
        )
        if price is None:
            continue
        expected = row["minutes"] * job.get("node_count", 1) * price
        if Decimal(str(row["subtotal"])) != expected:
            assert 0.89 < Decimal(str(row["subtotal"])) / expected < 0.91
            deviating[resource["model_name"]] += 1
    assert deviating.keys() == {"llama-3-70b-continued-pretrain"}


def test_deleted_jobs_are_in_the_bill_alone(any_fleet):
    deleted = {
        row["billable_resource"]["id"]
        for row in bills(any_fleet)
        if row["billable_resource"]["is_deleted"]
    }
    assert 5 < len(deleted) <= 12
    assert not deleted & any_fleet._jobs.keys()


def test_no_windows_of_a_bill_overlap(fleet):
    whole = Counter()
    for row in bills(fleet):
        whole[row["billable_resource"]["id"]] += row["minutes"]
    parts = Counter()
    day = moment(MONTHS[0])
    while day < as_of(fleet):
        usage = fleet.usage_summary(day, day + timedelta(days=7))["training_usage"]
        for row in usage["breakdown"]:
            parts[row["billable_resource"]["id"]] += row["minutes"]
        day += timedelta(days=7)
    assert parts == whole


def test_windows_of_a_bill_have_bounds(fleet):
    early = fleet.usage_summary("2025-12-20T00:00Z", "2026-01-01T00:00Z")
    assert early["training_usage"] is None
    with pytest.raises(ArgumentError, match="31 days"):
        fleet.usage_summary("2026-01-01T00:00Z", "2026-02-02T00:00Z")
    with pytest.raises(ArgumentError, match="start must be a time"):
        fleet.usage_summary("2026-01-01", "2026-02-01T00:00Z")


# --- Metrics ------------------------------------------------------------------------------------


def test_samples_lie_in_the_life_of_the_job_and_on_the_grid(fleet, metrics):
    for job, answer in metrics.items():
        started, ended = life(fleet, job)
        for _, samples in samples_of(answer):
            times = [moment(sample["timestamp"]) for sample in samples]
            assert len(set(times)) == len(times)
            assert all(started <= time <= ended for time in times)
            assert all(time.timestamp() % STEP == 0 for time in times)


def test_values_are_possible(fleet, metrics):
    for job, answer in metrics.items():
        instance = record(fleet, job)["instance_type"]
        gpu_bytes = fleet_gpu_bytes(instance)
        bounds = {
            "gpu_utilization": 1,
            "gpu_memory_usage_bytes": gpu_bytes,
            "cpu_usage": instance["millicpu_limit"] / 1000,
            "cpu_memory_usage_bytes": instance["memory_limit_mib"] << 20,
        }
        for (_, name, key), samples in samples_of(answer):
            most = 1 if key == "utilization" else bounds.get(name, 1 << 50)
            assert all(0 <= sample["value"] <= most for sample in samples), (job, name)


def fleet_gpu_bytes(instance):
    nominal = {"H100": 80, "H200": 141, "B200": 180, "A100": 80, "A10G": 24, "L4": 24, "L40S": 48}
    return nominal.get(instance["gpu_type"], 0) << 30


def test_each_node_and_gpu_has_its_series_and_the_leader_stands_on_top(fleet, metrics):
    for job in ran(fleet):
        answer, about = metrics[job], record(fleet, job)
        assert len(answer["per_node_metrics"]) == about.get("node_count", 1)
        ranks = [str(rank) for rank in range(about["instance_type"]["gpu_count"])]
        for node in answer["per_node_metrics"]:
            assert [*node["metrics"]["gpu_utilization"]] == ranks
            assert [*node["metrics"]["gpu_memory_usage_bytes"]] == ranks
        leader = answer["per_node_metrics"][0]["metrics"]
        assert {name: answer[name] for name in leader} == leader
        nodes = [node["node_id"] for node in answer["per_node_metrics"]]
        assert len(set(nodes)) == len(nodes)


def test_jobs_that_never_ran_have_no_series(fleet, metrics):
    silent = metrics.keys() - set(ran(fleet))
    assert len(silent) > 15
    for job in silent:
        assert not any(True for _ in samples_of(metrics[job]))
        assert metrics[job]["gpu_utilization"] == {}
        assert metrics[job]["cpu_usage"] == []


def test_some_series_are_unordered_and_some_have_gaps(metrics):
    unordered = gaps = total = 0
    for answer in metrics.values():
        for _, samples in samples_of(answer):
            times = [moment(sample["timestamp"]) for sample in samples]
            total += len(times) > 2
            unordered += times != sorted(times)
            steps = {later - earlier for earlier, later in pairwise(sorted(times))}
            gaps += len(steps) > 1
    assert 0.05 < unordered / total < 0.3
    assert 0.05 < gaps / total < 0.6


@pytest.mark.parametrize("job_number", [0, 40, 77, 400, 590])
def test_a_sample_is_the_same_in_whatever_window_it_is_asked_for(fleet, metrics, job_number):
    job = ran(fleet)[min(job_number, len(ran(fleet)) - 1)]
    started, ended = (milliseconds(time) for time in life(fleet, job))
    third = (ended - started) // 3
    parts = [
        dict(
            samples_of(fleet.job_metrics(job, started + i * third, started + (i + 1) * third, STEP))
        )
        for i in range(-1, 4)
    ]
    for name, samples in samples_of(metrics[job]):
        whole = {sample["timestamp"]: sample["value"] for sample in samples}
        assert whole == {
            sample["timestamp"]: sample["value"] for part in parts for sample in part[name]
        }
    fine = dict(samples_of(fleet.job_metrics(job, step_seconds=60)))
    for name, samples in samples_of(metrics[job]):
        values = {sample["timestamp"]: sample["value"] for sample in fine[name]}
        assert all(values[sample["timestamp"]] == sample["value"] for sample in samples)


def test_a_step_is_chosen_by_the_length_of_the_window(fleet):
    [hung] = [j for j in jobs_of(fleet, "qwen3-32b-dpo") if life(fleet, j)[1] == as_of(fleet)]
    for days, step in [(0.2, 15), (1, 60), (11, 1800)]:
        start = milliseconds(as_of(fleet) - timedelta(days=days))
        samples = fleet.job_metrics(hung, start)["gpu_utilization"]["0"]
        times = sorted(moment(sample["timestamp"]) for sample in samples)
        assert {b - a for a, b in pairwise(times)} == {timedelta(seconds=step)}
    with pytest.raises(ArgumentError, match="step_seconds"):
        fleet.job_metrics(hung, step_seconds=0)


def test_cpu_jobs_are_busy_without_gpus(fleet, metrics):
    jobs = [job for job in jobs_of(fleet, "data-prep-commoncrawl") if metrics[job]["cpu_usage"]]
    assert jobs
    for job in jobs:
        assert metrics[job]["gpu_utilization"] == {}
        cores = record(fleet, job)["instance_type"]["millicpu_limit"] / 1000
        assert max(sample["value"] for sample in metrics[job]["cpu_usage"]) > 0.4 * cores


# --- Stories ------------------------------------------------------------------------------------


def test_the_hung_run_is_busy_for_three_hours_and_idle_ever_since(fleet, metrics):
    [hung] = [j for j in jobs_of(fleet, "qwen3-32b-dpo") if life(fleet, j)[1] == as_of(fleet)]
    for rank in range(8):
        values = series(metrics[hung], 0, "gpu_utilization", rank)
        quiet = life(fleet, hung)[0] + timedelta(hours=3, minutes=10)
        busy = [value for time, value in values.items() if time < quiet - timedelta(minutes=1)]
        assert sum(value > 0.3 for value in busy) > 0.8 * len(busy)
        assert all(value < 0.01 for time, value in values.items() if time > quiet)
        memory = series(metrics[hung], 0, "gpu_memory_usage_bytes", rank)
        assert memory[max(memory)] > 0.4 * 180 * 2**30
    assert 2100 < sum(idle_hours(metrics[hung]).values()) < 2110


def test_one_node_of_a_run_does_nothing(fleet, metrics):
    job = jobs_of(fleet, "moe-8x7b-scaling-laws")[0]
    idle = idle_hours(metrics[job])
    assert len(idle) == 32
    elapsed = (life(fleet, job)[1] - life(fleet, job)[0]) / timedelta(hours=1)
    for (node, _), hours in idle.items():
        assert hours == pytest.approx(elapsed, abs=0.2) if node.endswith("-3") else hours < 1


def test_a_project_uses_one_of_its_gpus(fleet, metrics):
    jobs = [
        job for job in jobs_of(fleet, "mistral-7b-tool-use") if len(idle_hours(metrics[job])) > 1
    ]
    assert len(jobs) > 8
    for job in jobs:
        (_, first), *others = idle_hours(metrics[job]).items()
        length = len(metrics[job]["gpu_utilization"]["1"]) * STEP / 3600
        assert first < 0.3
        assert all(hours == length for _, hours in others)


def test_a_finished_job_was_idle_for_half_of_its_time(fleet, metrics):
    halves = [
        job
        for job in jobs_of(fleet, "nemotron-4-pruning")
        if sum(idle_hours(metrics[job]).values()) > 100
    ]
    [job] = halves
    assert record(fleet, job)["current_status"] == "TRAINING_JOB_COMPLETED"
    for hours in idle_hours(metrics[job]).values():
        assert 0.48 < hours / (fleet._jobs[job].run / timedelta(hours=1)) < 0.54


@pytest.mark.parametrize(
    ("text", "name", "limit"),
    [
        ("CUDA out of memory", "gpu_memory_usage_bytes", None),
        ("exited with code 137", "cpu_memory_usage_bytes", "memory_limit_mib"),
        ("No space left", "ephemeral_storage", None),
    ],
)
def test_what_kills_jobs_climbs_to_the_limit(fleet, text, name, limit):
    checked = 0
    for job in fleet.payload["training_jobs"]:
        started, ended = life(fleet, job["id"])
        if text not in (job["error_message"] or "") or ended - started < timedelta(minutes=5):
            continue
        if job["current_status"] != "TRAINING_JOB_FAILED":
            continue
        answer = fleet.job_metrics(job["id"], step_seconds=15)
        samples = answer[name]
        if name == "gpu_memory_usage_bytes":
            samples, most = samples["0"], fleet_gpu_bytes(job["instance_type"])
        elif limit:
            most = job["instance_type"][limit] << 20
        else:
            samples, most = samples["utilization"], 1
        levels = [s["value"] / most for s in sorted(samples, key=lambda s: s["timestamp"])]
        assert levels[-1] > 0.9
        assert levels[len(levels) // 4] < levels[-1]
        checked += 1
    assert checked >= 3


# --- The queue ----------------------------------------------------------------------------------


def test_the_queue_agrees_with_the_jobs(any_fleet):
    fleet = any_fleet
    waits = []
    for job in fleet.payload["training_jobs"]:
        context = fleet.queue_context(job["id"])
        if job["instance_type"]["gpu_type"] is None:
            assert context is None
            continue
        submitted = moment(context["submitted_at"])
        assert abs(submitted - moment(job["created_at"])) < timedelta(seconds=1)
        assert context["requested_gpus"] == job["instance_type"]["gpu_count"] * job.get(
            "node_count", 1
        )
        end = moment(context["events_window_end"])
        is_waiting = status_of(job["current_status"]).label in {"pending", "queued"}
        assert (context["released_at"] is None) == is_waiting
        if is_waiting:
            assert context["pending_seconds"] is None
            assert end == as_of(fleet)
        else:
            assert moment(context["released_at"]) == end <= life(fleet, job["id"])[0]
            assert context["pending_seconds"] == (end - submitted) // timedelta(seconds=1)
            waits.append(context["pending_seconds"])
        created = [moment(event["created"]) for event in context["events"]]
        assert created == sorted(created)
        assert all(submitted <= time <= end for time in created)
        known = {job["id"]}
        for other in context["active_at_submit"]:
            assert life(fleet, other["training_job_id"])[1] > submitted
            assert moment(other["status_set_at"]) <= submitted
            assert not status_of(other["status_at_submit"]).terminal
            known.add(other["training_job_id"])
        for other in context["pending_ahead_at_submit"]:
            assert moment(other["submitted_at"]) < submitted
            known.add(other["training_job_id"])
        assert {event["training_job_id"] for event in context["events"]} <= known
        own = [event for event in context["events"] if event["training_job_id"] == job["id"]]
        assert [status_of(event["status"]).label for event in own] == (
            [status_of(job["current_status"]).label] if is_waiting else ["pending", "created"]
        )
    assert sorted(waits)[len(waits) // 2] < 10


def test_jobs_that_waited_long_met_a_full_pool(fleet):
    waited = 0
    for job in fleet._jobs.values():
        if job.held or job.wait < timedelta(minutes=10):
            continue
        context = fleet.queue_context(job.id)
        active = sum(other["total_gpus"] for other in context["active_at_submit"])
        limit = context["org_capacity"]["max_gpus"]
        ahead = sum(other["requested_gpus"] for other in context["pending_ahead_at_submit"])
        assert active <= limit < active + ahead + job.gpus
        waited += 1
    assert waited >= 5


# --- Checkpoints and logs -----------------------------------------------------------------------


def test_checkpoints_lie_in_the_life_of_the_job(any_fleet):
    states = Counter()
    for job in any_fleet._jobs:
        started, ended = life(any_fleet, job)
        checkpoints = any_fleet.checkpoints(job)["checkpoints"]
        times = [moment(each["created_at"]) for each in checkpoints]
        assert times == sorted(times)
        assert all(started < time <= ended for time in times)
        assert len({each["checkpoint_id"] for each in checkpoints}) == len(checkpoints)
        assert {each["training_job_id"] for each in checkpoints} <= {job}
        states.update(each["sync_status"] for each in checkpoints)
        last = record(any_fleet, job).get("checkpoint_sync_status") == "SYNCING"
        assert [each["sync_status"] == "SYNCING" for each in checkpoints] == [
            last and each is checkpoints[-1] for each in checkpoints
        ]
        for each in checkpoints:
            assert (each["lora_adapter_config"] is None) == (each["checkpoint_type"] == "full")
    assert states["COMPLETE"] > 300
    assert states["SYNCING"] >= 3


def test_the_hung_run_saves_nothing_more(fleet):
    [hung] = [j for j in jobs_of(fleet, "qwen3-32b-dpo") if life(fleet, j)[1] == as_of(fleet)]
    last = fleet.checkpoints(hung)["checkpoints"][-1]
    assert as_of(fleet) - moment(last["created_at"]) > timedelta(days=10)


def test_logs_end_with_what_the_job_died_of(any_fleet):
    levels = Counter()
    for job in any_fleet.payload["training_jobs"]:
        started, ended = life(any_fleet, job["id"])
        end = milliseconds(ended) + 1
        lines = any_fleet.job_logs(job["id"], end - WEEK_MS, end)["logs"]
        levels.update(line["level"] for line in lines)
        times = [int(line["timestamp"]) for line in lines]
        assert times == sorted(times)
        if started >= ended:
            assert not lines
            continue
        assert all(started.timestamp() <= time / 1e9 <= end / 1000 for time in times)
        if job["current_status"] == "TRAINING_JOB_FAILED" and job["error_message"]:
            written = "\n".join(line["message"] for line in lines)
            assert written.endswith(job["error_message"].strip())
            assert lines[-1]["level"] == "ERROR"
    assert levels.keys() == {"INFO", "WARNING", "ERROR", None}


def test_logs_can_be_asked_for_in_part(fleet):
    job = next(j for j in ran(fleet) if record(fleet, j)["current_status"].endswith("COMPLETED"))
    start, end = (milliseconds(time) for time in life(fleet, job))
    lines = fleet.job_logs(job, start, end + 1)["logs"]
    assert 3 <= len(lines) <= 20
    assert fleet.job_logs(job, start, end + 1, direction="desc")["logs"] == lines[::-1]
    assert fleet.job_logs(job, start, end + 1, limit=2)["logs"] == lines[:2]
    severe = fleet.job_logs(job, start, end + 1, min_level="INFO")["logs"]
    assert severe == [line for line in lines if line["level"]]
    assert fleet.job_logs(job)["logs"] == []
    cut = int(lines[2]["timestamp"]) // 1_000_000
    first = fleet.job_logs(job, start, cut)["logs"]
    assert first + fleet.job_logs(job, cut + 1, end + 1)["logs"] == lines


def test_arguments_are_checked(fleet):
    job = next(iter(fleet._jobs))
    with pytest.raises(ArgumentError, match="'nope'"):
        fleet.job_metrics("nope")
    with pytest.raises(ArgumentError, match="7 days"):
        fleet.job_logs(job, 0, WEEK_MS + 1)
    for wrong in [{"limit": 0}, {"limit": 1001}, {"direction": "up"}, {"min_level": "LOUD"}]:
        [name] = wrong
        with pytest.raises(ArgumentError, match=name):
            fleet.job_logs(job, **wrong)
