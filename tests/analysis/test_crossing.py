"""What crosses from a lazy engine into Python is bounded by the answer, not by the tables."""

import re
from functools import cache, partial
from typing import Any

import duckdb
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import polars.testing as pl_testing
import pytest

from tests.analysis.tables import BY_LABEL, KINDS, convert
from trainview import analysis
from trainview.analysis import attention, parts, timeline
from trainview.analysis.ordered_samples import lies_in_order
from trainview.errors import ArgumentError

LAZY = [kind for kind in KINDS if kind in {"polars lazy", "duckdb"}]
JOBS, PROJECTS, TYPES, DAYS = 20_000, 5, 4, 30
HOUR = 3_600_000_000


def text(prefix: str, numbers: Any) -> pd.Series:
    return pd.Series(np.char.add(prefix, np.asarray(numbers).astype("U9")), dtype="str")


def clock(us: Any) -> pd.Series:
    start = np.datetime64("2025-01-01", "us")
    return pd.Series(start + np.asarray(us, "m8[us]")).dt.tz_localize("UTC")


@cache
def tables() -> dict[str, pd.DataFrame]:
    """Many jobs of few groups; no two are told apart by what the answers have."""
    rng = np.random.default_rng(0)
    number = np.arange(JOBS)
    labels = rng.choice(
        ["completed", "failed", "stopped", "running"], JOBS, p=[0.6, 0.3, 0.09, 0.01]
    )
    labels[:20] = "running"
    created = rng.integers(0, (DAYS - 3) * 24 * HOUR, JOBS)
    us = rng.integers(HOUR // 60, 48 * HOUR, JOBS)
    is_open = labels == "running"
    end = np.where(is_open, (DAYS - 1) * 24 * HOUR, created + us)
    hours = (end - created) / HOUR
    project, kind = rng.integers(0, PROJECTS, JOBS), rng.integers(0, TYPES, JOBS)
    failed = labels == "failed"
    message = text("step ", rng.integers(10_000, 99_999, JOBS)) + text(" took ", number % 900 + 100)
    jobs = pd.DataFrame(
        {
            "job_id": text("j", number),
            "job_name": text("run-", number),
            "project_id": text("p", project),
            "project_name": text("project-", project),
            "team_name": text("team-", project % 2),
            "status": labels,
            "phase": [BY_LABEL[label].phase for label in labels],
            "error_message": message.where(failed),
            "created_at": clock(created),
            "updated_at": clock(np.where(is_open, created, end)),
            "end_at": clock(end),
            "is_open": is_open,
            "elapsed_hours": hours,
            "instance_type_id": text("type-", kind),
            "gpu_type": text("G", kind),
            "gpu_count": 1,
            "node_count": 1,
            "gpus": 1,
            "gpu_memory_limit_mib": 81920,
            "gpu_hours": hours,
            "user_email": text("user-", project),
        }
    )  # fmt: skip
    wait = rng.integers(0, HOUR, JOBS)
    queue = jobs[["job_id", "gpu_type"]].assign(
        is_waiting=number % 100 == 0,
        released_at=clock(created + wait).where(number % 100 > 0),
        waited_hours=wait / HOUR,
    )
    billing = jobs[["job_id", "job_name", "project_name", "team_name"]].assign(
        is_deleted=False,
        date=jobs["created_at"].dt.floor("D"),
        month=pd.Timestamp("2025-01-01", tz="UTC"),
        minutes=60,
        subtotal_usd=1.25,
    )
    measured = np.repeat(number[:200], 100)
    at = np.tile(np.arange(100) * 60_000_000, 200)
    metrics = pd.DataFrame(
        {
            "job_id": text("j", measured),
            "node_id": "n0",
            "gpu": 0,
            "metric": "gpu_utilization",
            "timestamp": clock(created[measured] + at),
            "value": rng.random(len(measured)),
            "step_seconds": 60.0,
        }
    )
    phases = jobs[["job_id", "gpus"]].assign(
        released_at=jobs["created_at"],
        started_at=jobs["created_at"],
        ended_at=jobs["end_at"],
        running_hours=hours,
        deploying_hours=0.0,
        running_gpu_hours=hours,
    )
    return {
        "jobs": jobs,
        "queue": queue,
        "billing": billing,
        "metrics": metrics,
        "phases": phases,
        "checkpoints": jobs[["job_id", "created_at"]].assign(
            checkpoint_id=text("c", number), size_bytes=1, sync_status="synced"
        ),
        "caches": jobs[["project_id"]].assign(
            path=text("data/", number),
            size_bytes=1,
            file_type="file",
            modified_at=jobs["created_at"],
            captured_at=jobs["created_at"].max(),
        ),
        "history": jobs[["job_id", "status"]].assign(
            from_after=jobs["created_at"], from_before=jobs["created_at"]
        ),
        "status_events": jobs[["job_id", "status", "created_at"]],
        "prices": pd.DataFrame(
            {
                "instance_type_id": [f"type-{n}" for n in range(TYPES)],
                "gpu_type": [f"G{n}" for n in range(TYPES)],
                "gpu_count": 1,
                "gpu_memory_limit_mib": 81920,
                "memory_limit_mib": 81920,
                "millicpu_limit": 1000,
                "usd_per_minute": 0.5,
            }
        ),
        "capacity": pd.DataFrame(
            {"team_id": None, "team_name": None, "gpu_type": ["G0"], "baseline": 1, "limit": 2}
        ).astype({"team_id": "str", "team_name": "str"}),
    }


# What each helper is called with, and how many rows may cross: so many groups, periods, projects or
# GPUs at once, and a few single rows.
FEW = 200
PER_DAY = FEW + PROJECTS * TYPES * (DAYS + 1)
CALLS = {
    "status_counts": ("jobs", {}, {}, FEW),
    "elapsed_stats": ("jobs", {}, {}, FEW),
    "gpu_usage": ("jobs", {}, {}, FEW),
    "gpu_concurrency": ("jobs", {}, {}, FEW),
    "gpu_hours_over_time": ("jobs", {}, {}, FEW),
    "failure_rates": ("jobs", {}, {}, FEW),
    "error_groups": ("jobs", {}, {}, FEW),
    "failure_costs": ("jobs", {"prices": "prices"}, {}, FEW),
    "needs_attention": ("jobs", {"metrics": "metrics", "prices": "prices"}, {}, 2 * FEW + 2_000),
    "estimate_cost": ("jobs", {"prices": "prices"}, {}, FEW),
    "cost_over_time": (
        "jobs", {"prices": "prices", "billing": "billing"}, {"by": "project_name"}, PER_DAY
    ),
    "reconcile_cost": ("jobs", {"prices": "prices", "billing": "billing"}, {}, FEW),
    "spend_pace": ("jobs", {"prices": "prices"}, {}, PER_DAY),
    "queue_waits": ("queue", {}, {}, FEW),
    "queue_wait_curve": ("queue", {}, {}, FEW),
    # No more levels than GPUs are held at once.
    "quota": ("jobs", {"capacity": "capacity"}, {}, FEW + 3 * 1_500),
    "job_phases": (
        "jobs",
        {
            name: name for name in ("queue", "status_events", "metrics", "billing", "history")
        },
        {},
        FEW,
    ),
    "refine_jobs": ("jobs", {"phases": "phases"}, {}, FEW),
    "lost_work": ("jobs", {"phases": "phases", "checkpoints": "checkpoints"}, {}, FEW),
    "goodput": ("jobs", {"phases": "phases", "checkpoints": "checkpoints"}, {}, FEW),
    "time_to_failure": ("jobs", {"phases": "phases"}, {"origin": "code"}, FEW),
    "run_chains": ("jobs", {"phases": "phases"}, {}, FEW),
    "spot_usage": (
        "jobs", {"phases": "phases", "checkpoints": "checkpoints", "queue": "queue"}, {}, FEW
    ),
    "checkpoint_usage": ("checkpoints", {"jobs": "jobs"}, {}, FEW),
    "cache_usage": ("caches", {"metrics": "metrics", "jobs": "jobs"}, {"by": "folder"}, FEW),
    "compare_jobs": ("jobs", {"after": "jobs"}, {"by": "project_name"}, 2 * FEW),
    "compare_causes": ("jobs", {"after": "jobs"}, {}, 2 * FEW),
    "clip_jobs": ("jobs", {}, {"since": "7d"}, FEW),
    "utilization": ("metrics", {"jobs": "jobs"}, {}, FEW),
    "utilization_over_time": ("metrics", {"jobs": "jobs"}, {"by": "project_name"}, FEW),
    "idle_gpus": ("metrics", {"jobs": "jobs", "prices": "prices"}, {}, FEW),
    "right_size": ("jobs", {"metrics": "metrics", "prices": "prices"}, {}, 2_000),
}  # fmt: skip
# These need their rows in memory, up to a number that is documented.
LIMITED = {"job_timeline"}


def helpers() -> set[str]:
    return {name for name in dir(analysis) if callable(getattr(analysis, name)) and name[0] != "_"}


def test_every_helper_is_counted_or_has_a_limit():
    assert helpers() == CALLS.keys() | LIMITED


@pytest.fixture
def crossed(monkeypatch):
    """Counts the rows that any lazy frame gives up."""
    rows: list[int] = []
    collect = nw.LazyFrame.collect

    def counting(self, *args, **kwargs):
        eager = collect(self, *args, **kwargs)
        rows.append(len(eager))
        return eager

    monkeypatch.setattr(nw.LazyFrame, "collect", counting)
    return rows


@pytest.fixture(scope="module", params=LAZY)
def given(request) -> dict[str, Any]:
    """The tables as lazy ones of one engine, on one connection."""
    return lazily(request.param)


def lazily(kind: str) -> dict[str, Any]:
    if kind == "duckdb":
        connection = duckdb.connect()
        return {
            name: connection.from_arrow(pl.from_pandas(one).to_arrow())
            for name, one in tables().items()
        }
    return {name: convert(one, kind) for name, one in tables().items()}


@pytest.mark.filterwarnings("ignore:.*left out what contradicts")
@pytest.mark.parametrize("name", CALLS)
def test_few_rows_cross(name, given, crossed):
    first, others, arguments, bound = CALLS[name]
    helper = partial(getattr(analysis, name), **arguments)
    tables = {argument: given[table] for argument, table in others.items()}
    # of jobs, and not of a bill
    place = {"jobs": given[first]} if name == "spend_pace" else {}
    helper(*([] if place else [given[first]]), **place, **tables)
    assert sum(crossed) <= bound


ORDERED = {
    "utilization": {},
    "utilization_over_time": {"by": "project_name"},
    "idle_gpus": {"threshold": 0.5},
}


@pytest.mark.parametrize("name", ORDERED)
def test_samples_in_order_are_not_sorted_by_polars_and_give_the_same(name):
    jobs = pl.from_pandas(tables()["jobs"].head(300)).lazy()
    metrics = tables()["metrics"]
    # the last samples of a job are later than it, and some samples are of one moment
    metrics = pd.concat([metrics, metrics.iloc[5:90:7].assign(value=0.01), metrics.tail(1)])
    series = ["job_id", "node_id", "gpu", "metric"]
    in_order = metrics.sort_values([*series, "timestamp", "value"], ignore_index=True)
    found = {}
    for place, given in {
        "order": in_order,
        "disorder": in_order.sample(frac=1, random_state=0),
    }.items():
        lazy = pl.from_pandas(given.reset_index(drop=True)).lazy()
        found[place] = getattr(analysis, name)(lazy, jobs=jobs, **ORDERED[name])
    sorts = {
        place: len(re.findall("order.by", one.explain(), re.IGNORECASE))
        for place, one in found.items()
    }
    assert sorts["order"] < sorts["disorder"]
    pl_testing.assert_frame_equal(found["order"].collect(), found["disorder"].collect())


@pytest.mark.parametrize(
    ("jobs", "times", "values", "lies"),
    [
        ("aabb", [1, 2, 1, 2], [9, 1, 9, 1], True),
        ("aaab", [1, 1, 2, 1], [1, 2, 0, 0], True),
        ("aaab", [1, 1, 2, 1], [2, 1, 0, 0], False),
        ("aaab", [1, 1, 1, 1], [1, None, 2, 0], True),
        ("aaab", [1, 1, 1, 1], [2, None, 1, 0], False),
        ("aaab", [1, 3, 2, 1], [0, 0, 0, 0], False),
        ("aaba", [1, 2, 1, 3], [0, 0, 0, 0], False),
        ("", [], [], True),
    ],
)
def test_samples_lie_in_order_by_time_then_value_each_series_in_one_place(
    jobs, times, values, lies
):
    columns = {"job_id": list(jobs), "__time": times, "value": values}
    schema = {"job_id": pl.String, "__time": pl.Int64, "value": pl.Float64}
    samples = nw.from_native(pl.LazyFrame(columns, schema))
    assert lies_in_order(samples, ["job_id"]) is lies


def test_a_lazy_table_with_more_jobs_than_lanes_are_laid_out_for_is_refused(given, monkeypatch):
    monkeypatch.setattr(timeline, "MOST_JOBS", 10)
    with pytest.raises(ArgumentError, match=r"more than 10 jobs: .* filter the table first"):
        analysis.job_timeline(given["jobs"])
    assert len(analysis.job_timeline(tables()["jobs"])) == JOBS


def test_a_lazy_table_with_too_many_jobs_to_write_about_is_refused(given, monkeypatch):
    monkeypatch.setattr(attention, "MOST_JOBS", 2)
    with pytest.raises(ArgumentError, match=r"more than 2 jobs to look at: .* filter the table"):
        analysis.needs_attention(given["jobs"])


def test_duckdb_holds_all_hours_once_for_several_quantiles():
    # once for each of them did not fit into 1.2 GB with 20 million jobs
    query = analysis.elapsed_stats(lazily("duckdb")["jobs"]).sql_query()
    assert query.count("quantile_cont(") == 1


@pytest.mark.parametrize("name", ["status_counts", "gpu_usage"])
def test_duckdb_reads_jobs_once_for_counts_and_their_shares(name):
    # what is summed up over a partition is joined to the rows, and both are asked for
    connection = duckdb.connect()
    connection.from_arrow(pl.from_pandas(tables()["jobs"]).to_arrow()).create("jobs")
    asked = getattr(analysis, name)(connection.table("jobs")).explain()
    assert "JOIN" not in asked.upper()


# Asked of parts by their time, or by their jobs.
PARTED = {
    "gpu_hours_over_time": {"freq": "W", "tz": "America/New_York"},
    "quota": {},
    "reconcile_cost": {"by": ["project_name", "team_name", "reason"]},
    "utilization": {"by": ["job_id", "team_name"]},
    "idle_gpus": {"by": ["job_id", "team_name"], "threshold": 0.5},
}


# DuckDB sorts those of samples alone in parts.
ENGINES = [("polars lazy", name) for name in PARTED] + [
    ("duckdb", name) for name in ORDERED if name in PARTED
]


@pytest.mark.parametrize(("engine", "name"), ENGINES)
def test_an_engine_gives_the_same_of_parts(engine, name, monkeypatch):
    first, others, _, _ = CALLS[name]
    given = lazily(engine)
    arguments = PARTED[name] | {argument: given[table] for argument, table in others.items()}
    ask = partial(getattr(analysis, name), given[first], **arguments)
    whole = ask()
    monkeypatch.setattr(parts, "MOST_ROWS", JOBS // 7)
    monkeypatch.setattr(parts, "MOST_JOBS", JOBS // 7)
    monkeypatch.setattr(parts, "MOST_SAMPLES", 12_000)
    parted = ask()
    if engine == "duckdb":
        # what takes its disk is done, part by part
        assert "PARTITION BY" in whole.explain()
        assert "PARTITION BY" not in parted.explain()
        whole, parted = whole.pl(), parted.pl()
    else:
        whole, parted = whole.collect(), parted.collect()
    pl_testing.assert_frame_equal(parted, whole)
