"""The endpoints beside the lists of projects and jobs: what they ask for, and what they refuse."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.http_server import Server, reply
from trainview.api.client import Client
from trainview.errors import ArgumentError, AuthError, NotFoundError

KEY = "s3cret-key"
START = datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=2)))
END = datetime(2026, 3, 2, tzinfo=UTC)
MILLISECONDS = "start_epoch_millis=1772316000000&end_epoch_millis=1772409600000"


@pytest.mark.parametrize(
    ("call", "target"),
    [
        (lambda api: api.list_instance_type_prices(), "/v1/instance_type_prices"),
        (lambda api: api.get_training_capacity(), "/v1/training/capacity"),
        (
            lambda api: api.get_usage_summary(START, END),
            "/v1/billing/usage_summary?start_date=2026-02-28T22%3A00%3A00Z&end_date=2026-03-02T00%3A00%3A00Z",
        ),
        (
            lambda api: api.get_training_job_metrics("p1", "j1", start=START, end=END, step_seconds=60),
            f"/v1/training_projects/p1/jobs/j1/metrics?{MILLISECONDS}&step_seconds=60",
        ),
        (
            lambda api: api.list_training_job_checkpoints("p1", "j1"),
            "/v1/training_projects/p1/jobs/j1/checkpoints",
        ),
        (
            lambda api: api.get_training_project_cache("p1"),
            "/v1/training_projects/p1/cache/summary",
        ),
        (
            lambda api: api.get_training_job_logs("p1", "j1", start=START, end=END, limit=7),
            f"/v1/training_projects/p1/jobs/j1/logs?{MILLISECONDS}&direction=desc&limit=7",
        ),
        (lambda api: api.get_queue_context("j1"), "/v1/training/jobs/j1/queue_context"),
    ],
)  # fmt: skip
def test_what_is_asked_for(call, target):
    with Server(reply(b'{"fine": 1}')) as server, Client(KEY, base_url=server.url) as api:
        assert call(api).body == b'{"fine": 1}'
    [request] = server.requests
    assert (request.method, request.target) == ("GET", target)
    assert request.headers["authorization"] == f"Api-Key {KEY}"


@pytest.mark.parametrize(
    ("call", "failure"),
    [
        (lambda api: api.get_usage_summary(START, START + timedelta(days=32)), "at most 31 days"),
        (lambda api: api.get_usage_summary(END, END), "at most 31 days"),
        (lambda api: api.get_usage_summary(datetime(2025, 12, 31, tzinfo=UTC), END), "from 2026-01-01 on"),
        (lambda api: api.get_usage_summary(START.replace(tzinfo=None), END), "start: expected a datetime with a zone"),
        (lambda api: api.get_training_job_logs("p", "j", start=START, end="now"), "end: expected a datetime with a zone, got now"),
        (lambda api: api.get_queue_context("../j"), "job_id: expected up to 128 letters"),
        (lambda api: api.list_training_job_checkpoints("p/..", "j"), "project_id: expected up to 128 letters"),
        (lambda api: api.get_training_project_cache("p/.."), "project_id: expected up to 128 letters"),
        (lambda api: api.get_queue_context(f"j{KEY}"), r"got 'j\[key\]'"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_not_sent(call, failure):
    with Server(reply()) as server, Client(KEY, base_url=server.url) as api:
        with pytest.raises(ArgumentError, match=failure) as caught:
            call(api)
        assert server.requests == []
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        ("403 Forbidden", AuthError, "refused the key"),
        ("404 Not Found", NotFoundError, "queue context of training job 'j1'"),
    ],
)
def test_a_job_of_which_the_queue_tells_nothing(status, kind, said):
    with Server(reply(b"{}", status)) as server, Client(KEY, base_url=server.url) as api:
        with pytest.raises(kind, match=said) as caught:
            api.get_queue_context("j1")
        assert len(server.requests) == 1
    assert caught.value.status == int(status[:3])
