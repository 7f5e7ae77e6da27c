"""The sample organisation answers as the vendor's own models say."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from baseten.client.managementapi import _models as vendor

from tests.sampling.fleets import milliseconds
from tests.sampling.test_truth import MONTHS

DATA = Path(__file__).parents[2] / "data"
MODELS = {
    "training_projects.json": vendor.ListTrainingProjectsResponse,
    "training_jobs.json": vendor.SearchTrainingJobsResponse,
    "instance_type_prices.json": vendor.InstanceTypePrices,
    "training_capacity.json": vendor.GetTrainingGpuCapacityResponse,
    "usage_summary_2026-01.json": vendor.UsageSummary,
    "usage_summary_2026-02.json": vendor.UsageSummary,
    "usage_summary_2026-03.json": vendor.UsageSummary,
}


def check(model, answer):
    """An answer fits a model, and has no field that the model does not know."""
    known = model.model_validate_json(json.dumps(answer)).model_dump(exclude_unset=True)
    assert_same_fields(known, answer)


def assert_same_fields(known, answer):
    if isinstance(answer, dict):
        assert known.keys() == answer.keys()
        for key, value in answer.items():
            assert_same_fields(known[key], value)
    elif isinstance(answer, list):
        for one, other in zip(known, answer, strict=True):
            assert_same_fields(one, other)


def test_all_json_of_the_sample_data_is_checked():
    assert {path.name for path in DATA.glob("*.json")} == MODELS.keys()


@pytest.mark.parametrize("name", MODELS)
def test_the_sample_data_follows_the_models(name):
    check(MODELS[name], json.loads((DATA / name).read_text("utf-8")))


def test_every_answer_follows_the_models(any_fleet):
    lists = any_fleet.payload
    check(vendor.ListTrainingProjectsResponse, {"training_projects": lists["training_projects"]})
    check(vendor.SearchTrainingJobsResponse, {"training_jobs": lists["training_jobs"]})
    check(vendor.InstanceTypePrices, any_fleet.instance_type_prices())
    check(vendor.GetTrainingGpuCapacityResponse, any_fleet.training_capacity())
    for start, end in pairwise(["2025-12-01T00:00Z", *MONTHS]):
        check(vendor.UsageSummary, any_fleet.usage_summary(start, end))
    for project in lists["training_projects"]:
        if summary := any_fleet.cache_summary(project["id"]):
            check(vendor.GetCacheSummaryResponse, summary)
    for job in lists["training_jobs"][::5]:
        metrics = any_fleet.job_metrics(job["id"], step_seconds=14_400)
        check(vendor.GetTrainingJobMetricsResponse, metrics)
        check(vendor.GetTrainingJobCheckpointsResponse, any_fleet.checkpoints(job["id"]))
        if context := any_fleet.queue_context(job["id"]):
            check(vendor.GetTrainingJobQueueContextResponse, context)
        end = milliseconds(job["updated_at"]) + 1
        check(vendor.GetLogsResponse, any_fleet.job_logs(job["id"], end - 7 * 86_400_000, end))


def test_a_wrong_answer_is_found():
    capacity = {"gpu_type": "H100", "baseline": 0, "limit": 8, "usage_count": 0}
    check(vendor.TrainingGpuCapacityItem, capacity)
    with pytest.raises(ValueError, match="limit"):
        check(vendor.TrainingGpuCapacityItem, capacity | {"limit": None})
    with pytest.raises(AssertionError):
        check(vendor.TrainingGpuCapacityItem, capacity | {"quota": 8})
