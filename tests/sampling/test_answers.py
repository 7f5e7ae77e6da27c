"""The answers that the sample organisation gives: equal every time, and what each call takes."""

import json
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from tests.sampling.fleets import STEP, as_of, listed, milliseconds, moment, records, truth_of
from tests.sampling.test_truth import MONTHS, bills
from trainview.errors import ArgumentError
from trainview.sampling import Fleet, sample

WEEK_MS = 7 * 86_400_000


def digest(fleet):
    jobs = [*records(fleet)][::20]
    return [
        fleet.payload,
        truth_of(fleet).to_json(date_format="iso"),
        fleet.instance_type_prices(),
        fleet.training_capacity(),
        [fleet.usage_summary(start, end) for start, end in pairwise(MONTHS)],
        [fleet.job_metrics(job, step_seconds=1800) for job in jobs],
        [fleet.cache_summary(project["id"]) for project in fleet.payload["training_projects"]],
        [[fleet.checkpoints(job), fleet.queue_context(job)] for job in jobs],
        [fleet.job_logs(job, 1_774_000_000_000, 1_774_500_000_000) for job in jobs],
    ]


def test_answers_are_the_same_in_another_process(fleet, tmp_path):
    code = """if True:
        import json, sys
        from tests.sampling.test_answers import digest
        from trainview.sampling import Fleet
        json.dump(digest(Fleet()), open(sys.argv[1], "w"))
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
    fleet = Fleet(**{"jobs_per_project": 3, **arguments})
    assert fleet.training_capacity()["gpu_capacities"]
    assert fleet.usage_summary(*MONTHS[:2]).keys() >= {"training_usage"}
    assert set(listed(fleet).index) == set(records(fleet))
    for job in records(fleet):
        assert fleet.job_metrics(job)["training_job"]["id"] == job
        assert fleet.checkpoints(job)["training_job"]["id"] == job
        assert fleet.job_logs(job, 0, WEEK_MS)["logs"] == []
        fleet.queue_context(job)


def test_arguments_are_checked(fleet):
    job = next(iter(records(fleet)))
    with pytest.raises(ArgumentError, match="'nope'"):
        fleet.job_metrics("nope")
    with pytest.raises(ArgumentError, match="step_seconds"):
        fleet.job_metrics(job, step_seconds=0)
    with pytest.raises(ArgumentError, match="7 days"):
        fleet.job_logs(job, 0, WEEK_MS + 1)
    for limit in (0, 1001):
        with pytest.raises(ArgumentError, match="limit"):
            fleet.job_logs(job, 0, 1, limit=limit)
    with pytest.raises(ArgumentError, match="31 days"):
        fleet.usage_summary("2026-01-01T00:00Z", "2026-02-02T00:00Z")
    for start in ("2026-01-01", datetime(2026, 1, 1), "yesterday", None):  # noqa: DTZ001
        with pytest.raises(ArgumentError, match="start must be a time with a zone"):
            fleet.usage_summary(start, "2026-02-01T00:00Z")


# --- Prices and bills ---------------------------------------------------------------------------


def test_one_instance_type_has_no_price_and_some_priced_ones_are_not_used(fleet):
    prices = {
        row["instance_type"]["id"]: row for row in fleet.instance_type_prices()["instance_types"]
    }
    used = {job["instance_type"]["id"]: job["instance_type"] for job in records(fleet).values()}
    assert used.keys() - prices.keys() == {"L4:4x48x192"}
    assert prices.keys() - used.keys() == {"T4:4x16", "H100MIG:13x117"}
    assert all(prices[i]["instance_type"] == used[i] for i in used.keys() & prices.keys())
    assert prices["H100:8x208x1872"]["price"] == 0.86664
    assert prices["1x4"]["price"] == 0.00086


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
    deviating, jobs = set(), records(fleet)
    for row in bills(fleet):
        resource = row["billable_resource"]
        job = jobs.get(resource["id"])
        assert (job is None) == resource["is_deleted"]
        price = job and prices.get(job["instance_type"]["id"])
        if not price:
            continue
        assert (resource["name"], resource["model_name"], resource["instance_type"]) == (
            job["name"],
            job["training_project"]["name"],
            job["instance_type"]["name"],
        )
        expected = row["minutes"] * job.get("node_count", 1) * price
        if Decimal(str(row["subtotal"])) != expected:
            assert 0.89 < Decimal(str(row["subtotal"])) / expected < 0.91
            deviating.add(resource["model_name"])
    assert deviating == {"llama-3-70b-continued-pretrain"}


def test_windows_of_a_bill_continue_each_other(fleet):
    whole, parts = Counter(), Counter()
    for row in bills(fleet):
        whole[row["billable_resource"]["id"]] += row["minutes"]
    day = moment(MONTHS[0])
    while day < as_of(fleet):
        for row in fleet.usage_summary(day, day + timedelta(days=7))["training_usage"]["breakdown"]:
            parts[row["billable_resource"]["id"]] += row["minutes"]
        day += timedelta(days=7)
    assert parts == whole
    assert fleet.usage_summary("2025-12-20T00:00Z", "2026-01-01T00:00Z")["training_usage"] is None


# --- Metrics and logs ---------------------------------------------------------------------------


def samples_of(metrics):
    """Every series, by its name."""
    for node in metrics["per_node_metrics"]:
        for name, series in node["metrics"].items():
            members = series.items() if isinstance(series, dict) else [("", series)]
            for key, samples in members:
                yield (node["node_id"], name, key), samples


def test_values_are_possible(fleet, metrics):
    nominal = {"H100": 80, "H200": 141, "B200": 180, "A100": 80, "A10G": 24, "L4": 24, "L40S": 48}
    for job, answer in metrics.items():
        instance = records(fleet)[job]["instance_type"]
        bounds = {
            "gpu_utilization": 1,
            "gpu_memory_usage_bytes": nominal.get(instance["gpu_type"], 0) << 30,
            "cpu_usage": instance["millicpu_limit"] / 1000,
            "cpu_memory_usage_bytes": instance["memory_limit_mib"] << 20,
        }
        for (_, name, key), samples in samples_of(answer):
            most = 1 if key == "utilization" else bounds.get(name, 1 << 50)
            assert all(0 <= sample["value"] <= most for sample in samples), (job, name)


def test_each_node_and_gpu_has_its_series_and_the_leader_stands_on_top(fleet, metrics):
    truth = listed(fleet)
    for job in truth.index[truth["started_at"].notna()]:
        answer, about = metrics[job], records(fleet)[job]
        nodes = {node["node_id"] for node in answer["per_node_metrics"]}
        assert len(nodes) == len(answer["per_node_metrics"]) == about.get("node_count", 1)
        ranks = [str(rank) for rank in range(about["instance_type"]["gpu_count"])]
        for node in answer["per_node_metrics"]:
            assert [*node["metrics"]["gpu_utilization"]] == ranks
            assert [*node["metrics"]["gpu_memory_usage_bytes"]] == ranks
        leader = answer["per_node_metrics"][0]["metrics"]
        assert {name: answer[name] for name in leader} == leader


def test_some_series_are_unordered_and_some_have_gaps(metrics):
    unordered = gaps = total = 0
    for answer in metrics.values():
        for _, samples in samples_of(answer):
            times = [sample["timestamp"] for sample in samples]
            total += len(times) > 2
            unordered += times != sorted(times)
            steps = {moment(b) - moment(a) for a, b in pairwise(sorted(times)[:400])}
            gaps += len(steps) > 1
    assert 0.05 < unordered / total < 0.3
    assert 0.01 < gaps / total < 0.6


@pytest.mark.parametrize("job_number", [0, 40, 77, 400, 500])
def test_a_sample_is_the_same_in_whatever_window_it_is_asked_for(fleet, metrics, job_number):
    truth = listed(fleet)
    job = truth.index[truth["started_at"].notna()][job_number]
    started, ended = truth.loc[job, "started_at"], truth.loc[job, "ended_at"]
    started, ended = milliseconds(started), milliseconds(as_of(fleet) if pd.isna(ended) else ended)
    third = (ended - started) // 3
    parts = [
        dict(
            samples_of(fleet.job_metrics(job, started + i * third, started + (i + 1) * third, STEP))
        )
        for i in range(-1, 4)
    ]
    fine = dict(samples_of(fleet.job_metrics(job, step_seconds=60)))
    for name, samples in samples_of(metrics[job]):
        whole = {sample["timestamp"]: sample["value"] for sample in samples}
        assert whole == {s["timestamp"]: s["value"] for part in parts for s in part.get(name, [])}
        assert whole.items() <= {s["timestamp"]: s["value"] for s in fine[name]}.items()


def test_logs_can_be_asked_for_in_part(fleet):
    truth = listed(fleet)
    job = truth.index[(truth["status"] == "completed") & truth["gpu_type"].notna()][0]
    start, end = (milliseconds(truth.loc[job, name]) for name in ("started_at", "ended_at"))
    lines = fleet.job_logs(job, start, end + 1)["logs"]
    assert 3 <= len(lines) <= 20
    assert fleet.job_logs(job, start, end + 1, direction="desc")["logs"] == lines[::-1]
    assert fleet.job_logs(job, start, end + 1, limit=2)["logs"] == lines[:2]
    cut = int(lines[2]["timestamp"]) // 1_000_000
    first = fleet.job_logs(job, start, cut)["logs"]
    assert first + fleet.job_logs(job, cut + 1, end + 1)["logs"] == lines
