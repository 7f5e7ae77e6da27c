"""The sample organisation behind a real server, fetched as a whole, is the one in its files.

In CI that of data/, which takes 1,800 calls; a small one while you work.
"""

import random
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import trainview as tv
from tests.api_server import ApiServer
from tests.conftest import SMALL
from tests.properties import tries_all
from trainview.sampling import Fleet

AS_OF = datetime.fromisoformat("2026-03-31T18:00:00Z")
KEY = "no-real-key"
DATA = Path(__file__).parents[2] / "data"
MEASURED = ["qwen3-32b-dpo", "smoke-tests"]
TABLES = ["projects", "jobs", "instance_types", "prices", "capacity", "queue", "status_events", "checkpoints", "caches"]  # fmt: skip


class FleetApi:
    """What the sample organisation answers, by address."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def answer(self, path, query):
        fleet, lists = self.fleet, self.fleet.payload
        plain = {
            "/v1/training_projects": lambda: {"training_projects": lists["training_projects"]},
            "/v1/training_jobs/search": lambda: {"training_jobs": lists["training_jobs"]},
            "/v1/instance_type_prices": fleet.instance_type_prices,
            "/v1/training/capacity": fleet.training_capacity,
        }
        if path in plain:
            return 200, plain[path]()
        if path == "/v1/billing/usage_summary":
            return 200, fleet.usage_summary(query["start_date"], query["end_date"])
        *_, job_id, what = path.split("/")
        if what in {"queue_context", "summary"}:
            of_job, project_id = what == "queue_context", path.split("/")[3]
            found = fleet.queue_context(job_id) if of_job else fleet.cache_summary(project_id)
            return (404, {"error": "no GPU, no cache"}) if found is None else (200, found)
        if what == "checkpoints":
            return 200, fleet.checkpoints(job_id)
        span = int(query["start_epoch_millis"]), int(query["end_epoch_millis"])
        if what == "metrics":
            return 200, fleet.job_metrics(job_id, *span, int(query["step_seconds"]))
        rules = {"limit": int(query["limit"]), "direction": query["direction"]}
        return 200, fleet.job_logs(job_id, *span, **rules)


@pytest.fixture(scope="module")
def loaded():
    return tv.load(DATA, as_of=AS_OF)


@pytest.fixture
def served_and_written(request):
    """An organisation, and the files that were written of it."""
    if tries_all():
        return Fleet(), DATA
    return Fleet(**SMALL), request.getfixturevalue("small_fleet")


@pytest.mark.usefixtures("no_waiting")
def test_the_fleet_that_is_fetched_in_spite_of_storms_and_faults_is_the_one_that_was_written(
    served_and_written, tmp_path
):
    fleet, folder = served_and_written
    loaded = tv.load(folder, as_of=AS_OF)
    dice = random.Random(0)  # noqa: S311 - faults, not secrets

    def trouble(_path, before):
        # never twice in a row for one address
        return dice.choice([429, 503, "truncate", "reset", *[None] * 16]) if before == 0 else None

    where = {"api_key": KEY, "cache": tmp_path, "concurrency": 6}
    with ApiServer(FleetApi(fleet), trouble=trouble, now=AS_OF) as server:
        where["base_url"] = server.url
        snap = tv.fetch(include=["prices", "capacity", "queue", "checkpoints", "caches"], **where)
        bills = tv.fetch_billing(until=AS_OF, api_key=KEY, base_url=server.url)
        some = snap.jobs[
            snap.jobs["project_name"].isin(
                MEASURED if tries_all() else snap.projects["project_name"].head(3)
            )
        ]
        metrics = tv.fetch_metrics(some, step_seconds=1800, **where)
        logs = tv.fetch_error_logs(some, lines=20, **where)
    assert snap.as_of == loaded.as_of
    for name in TABLES:
        found, expected = getattr(snap, name), getattr(loaded, name)
        if name in {"queue", "status_events", "checkpoints", "caches"}:
            found, expected = (in_order(frame) for frame in (found, expected))
        assert_frame_equal(found, expected, obj=name)
    assert len(snap.not_fetched) == 0
    assert_frame_equal(
        in_order(bills.drop(columns="team_name")),
        in_order(loaded.billing.drop(columns="team_name")),
    )
    assert_frame_equal(of_jobs(metrics.table, some), of_jobs(loaded.metrics, some))
    assert_frame_equal(of_jobs(logs.table, some), of_jobs(loaded.logs, some))


def in_order(frame):
    keys = [name for name in frame.columns if frame[name].dtype != "category"]
    return frame.sort_values(keys, ignore_index=True)


def of_jobs(frame, jobs):
    found = frame[frame["job_id"].isin(jobs["job_id"])]
    text = {name: "str" for name in found.columns if found[name].dtype == "category"}
    keys = [name for name in ("job_id", "timestamp", "node_id", "gpu", "metric") if name in found]
    return found.astype(text).sort_values(keys, ignore_index=True)


def test_the_sample_data_is_consistent(loaded):
    jobs = loaded.jobs.set_index("job_id")
    seen = loaded.metrics.groupby("job_id", observed=True)["timestamp"].agg(["min", "max"])
    lives = jobs.loc[seen.index]
    assert (seen["min"] >= lives["created_at"]).all()
    assert (seen["max"] <= lives["end_at"]).all()
    gpus = loaded.metrics[loaded.metrics["gpu"].notna()]
    number = gpus.groupby("job_id", observed=True)[["node_id", "gpu"]].apply(
        lambda rows: len(rows.drop_duplicates())
    )
    assert (number == jobs.loc[number.index, "gpus"]).all()
    billed = loaded.billing[~loaded.billing["is_deleted"]].groupby("job_id")["minutes"].sum()
    elapsed = jobs.loc[billed.index, "elapsed_hours"] * 60
    assert (billed <= elapsed.fillna(float("inf")) + 1).all()
    days = loaded.billing["date"].dropna()
    assert days.between("2026-01-01T00:00Z", "2026-03-31T00:00Z").all()
    assert (loaded.queue["waited_hours"] >= 0).all()
    assert (
        pd.Timedelta(0) <= loaded.as_of - loaded.queue["observed_until"].max() < timedelta(days=1)
    )
