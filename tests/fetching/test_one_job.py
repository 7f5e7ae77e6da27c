"""The story of one job from the API: few calls, and what could not be had is told."""

import pytest

import trainview as tv
from tests.api_server import Api, ApiServer
from tests.builders import job, project
from tests.cli.shell import fault, out
from trainview.fetching.one_job import MOST_SAMPLES, fetch_job

KEY = "s3cret-key"
JOBS = [
    job(
        "run1",
        name="sft-1",
        current_status="TRAINING_JOB_FAILED",
        error_message="CUDA out of memory",
    ),
    job("run2", name="sft-2", created_at="2026-03-01T14:00:00Z", updated_at="2026-03-01T15:00:00Z"),
    job("late", name="late", current_status="TRAINING_JOB_PENDING", project="proj2"),
    job("holds", name="holds", current_status="TRAINING_JOB_RUNNING", project="proj2"),
]
BILL = {
    "training_usage": {
        "subtotal": "7.50", "credits_used": 0, "total": "7.50", "minutes": 150,
        "breakdown": [
            {
                "billable_resource": {"id": "run1", "kind": "TRAINING_JOB", "is_deleted": False},
                "subtotal": "7.50", "minutes": 150,
                "daily": [{"date": "2026-03-01", "minutes": 150, "subtotal": "7.50"}],
            }
        ],
    }
}  # fmt: skip


class OneApi(Api):
    """As the real one, it gives the jobs of a project, and only those that are searched for."""

    def __init__(self, jobs=JOBS, **options):
        super().__init__(jobs, projects=[project(), project("proj2")], **options)
        self.searches = []
        self.cached = {"proj1": [("hub/model", 9, "file")]}

    def answer(self, path, query):
        if path.endswith("/jobs"):
            name = path.split("/")[-2]
            jobs = [one for one in self.jobs.values() if one["training_project_id"] == name]
            return 200, {"training_project": project(name), "training_jobs": jobs}
        return super().answer(path, query)


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("trainview.files.cache.default_folder", lambda: tmp_path / "user-cache")


def ask(server, job_id, **options):
    return fetch_job(job_id, api_key=KEY, base_url=server.url, **options)


def test_an_id_takes_a_dozen_calls_and_no_list_of_the_fleet():
    with ApiServer(OneApi()) as server:
        story = ask(server, "run1")
    assert sorted(server.paths) == sorted([
        "/v1/training_jobs/search",
        "/v1/training_projects/proj1/jobs",
        "/v1/training_projects/proj1/cache/summary",
        "/v1/training/jobs/run1/queue_context",
        *(f"/v1/training_projects/proj1/jobs/run1/{what}" for what in ("checkpoints", "logs", "metrics")),
        "/v1/instance_type_prices",
        "/v1/billing/usage_summary",
    ])  # fmt: skip
    found = story.to_dict()
    assert found["as_of"] == "2026-03-31T18:00:00+00:00"
    assert len(found["gpus"]) == 2
    assert found["checkpoints"][0]["checkpoint_id"] == "step-100"
    assert found["queue"]["waited_hours"] == 0.1
    assert [row["message"] for row in found["logs"]] == [f"line -{n}" for n in range(4, -1, -1)]
    assert [row["job_id"] for row in found["chain"]] == ["run1", "run2"]
    # the other attempts' checkpoints were not asked for
    assert {row["lost_hours"] for row in found["chain"]} == {None}
    assert found["missing"] == {}
    assert (found["cache"]["files"], found["cache"]["size_bytes"]) == (1, 9)


def test_a_name_takes_the_lists_and_a_waiting_job_the_open_ones():
    with ApiServer(OneApi()) as server:
        assert ask(server, "sft-2").job["job_id"] == "run2"
        assert server.asked("/v1/training_projects$") == 1
    with ApiServer(OneApi()) as server:
        story = ask(server, "late")
    assert server.asked("/v1/training_jobs/search") == 2
    assert not server.asked("metrics|checkpoints|logs|billing|/v1/training_projects$")
    assert [row["job_id"] for row in story.holders] == ["holds"]
    assert story.queue["is_waiting"]


def test_the_bill_that_is_asked_for_is_that_of_the_jobs_months():
    api = OneApi()
    api.bills["2026-03"] = BILL
    with ApiServer(api) as server:
        story = ask(server, "run1")
    assert server.asked("usage_summary") == 1
    assert story.cost["billed_usd"] == 7.5
    old = [job("old", created_at="2025-03-01T10:00:00Z", updated_at="2025-03-01T13:00:00Z")]
    with ApiServer(OneApi(old)) as server:
        story = ask(server, "old")
    assert server.asked("usage_summary") == 0
    assert story.missing["billing"].startswith("no bills were fetched")


def test_of_a_long_job_samples_are_further_apart():
    long = [job("long", created_at="2026-02-01T10:00:00Z", updated_at="2026-03-01T13:00:00Z")]
    with ApiServer(OneApi(long)) as server:
        story = ask(server, "long")
    assert 1 <= server.asked("/metrics") <= MOST_SAMPLES // 1000 + 1
    assert story.usage["samples"] > 1000


@pytest.mark.usefixtures("no_waiting")
def test_what_fails_or_is_refused_is_told_and_the_rest_is_there():
    def trouble(path, _):
        return 500 if "checkpoints" in path or "billing" in path else None

    with ApiServer(OneApi(administrator=False), trouble=trouble) as server:
        story = ask(server, "run1")
        with pytest.raises(tv.ApiError):
            ask(server, "run1", strict=True)
    assert story.missing["checkpoints"].startswith("checkpoints could not be fetched: ")
    assert story.missing["billing"].startswith("bills could not be fetched: ")
    assert "administrators only" in story.missing["queue"]
    assert (story.checkpoints, story.lost["lost_hours"]) == (None, None)
    assert len(story.gpus) == 2
    assert KEY not in repr(story)


def test_a_refused_key_and_an_unknown_job_are_errors():
    with ApiServer(OneApi(), trouble=lambda *_: 401) as server, pytest.raises(tv.AuthError):
        ask(server, "run1")
    with (
        ApiServer(OneApi()) as server,
        pytest.raises(tv.ArgumentError, match="no job 'runn' among 4 jobs; did you mean"),
    ):
        ask(server, "runn")


def test_the_command_asks_when_there_is_no_source():
    with ApiServer(OneApi()) as server:
        assert "Job sft-1 (run1)" in out("job", "run1", "--base-url", server.url, key=KEY)
        assert "run1" in out("job", "run1", "--base-url", server.url, "--since", "40d", key=KEY)
        assert "no job 'nix'" in fault(2, "job", "nix", "--base-url", server.url, key=KEY)
