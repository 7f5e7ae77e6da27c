"""What every helper promises alike: those that start from metrics, bills, the queue or the steps."""

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tests.analysis.evidence import cached, checkpoints
from tests.analysis.fleet import JOBS, PRICES, capacity, metrics, prices, queue, sample, used
from tests.analysis.tables import (
    KINDS,
    assert_same,
    billing,
    collected,
    convert,
    is_kind,
    job,
    projects,
    table,
)
from tests.properties import shared_out
from trainview import analysis
from trainview.errors import ArgumentError

TIME = "datetime64[us, UTC]"
GPU = {"job_id": "str", "node_id": "str", "gpu": "int64"}

METRICS = metrics(
    sample(0, 0.9),
    sample(1, 0.0),
    sample(2, 0.02),
    sample(0, 0.4, gpu=1, step_seconds=None),
    sample(0, 0.0, node_id=None),
    sample(5, 0.7, job_id="jb"),
    sample(9, 0.0, job_id="jx", step_seconds=300.0),
    used(0, 20),
    used(1, 40, job_id="jb"),
    sample(0, 3.0, metric="cpu_usage", gpu=None),
)
QUEUE = pd.concat(
    [
        queue((0.0, False), (1.5, False), (3.0, True), (None, False)),
        queue((2.0, False), (2.0, True), gpu_type="A10G", job_name="ünï 日本"),
        queue((9.0, True), gpu_type=None),
    ],
    ignore_index=True,
).astype({"gpu_type": "category"})
HELD = table(
    job(0, 4),
    job(1, 3),
    job(2, 5, gpu_type="A10G", gpus=1),
    job(0, 1, gpu_type=None),
    job(3, 5, status="pending"),
)
CAPACITY = capacity((None, "H100", 8, 16), (None, "T4", 0, 2), ("blue", "H100", 0, 8))
BILL = billing(
    *({"job_id": "ja", "day": day, "usd": f"{day}.25"} for day in range(9)),
    {"job_id": "jb", "day": 8, "usd": "40", "project_name": "ünï 日本", "team_name": "blue"},
    {"job_id": "jc", "day": 30, "usd": "7", "project_name": None},
    {"job_id": None, "day": None, "usd": "3"},
)
SAVED = pd.concat(
    [
        checkpoints(("ja", 1), ("ja", 2), ("jb", 3), ("gone", 4)),
        checkpoints(("jb", 5), ("jb", 5)).assign(size_bytes=7, sync_status=["SYNCING", None]),
    ],
    ignore_index=True,
).astype({"sync_status": "category"})
CACHED = pd.concat(
    [
        cached(("p1", "hub", 4096, "directory", 1), ("p1", "hub/model", 900, "file", 1)),
        cached(("p1", "hub/model", 800, "file", 2), ("p1", "/data\n1/ünï", 7, None, None)),
        cached(("p2", None, 0, None, None), ("gone", "x", 5, "file", 0)),
    ],
    ignore_index=True,
).astype({"file_type": "category"})
OWNERS = projects(
    {"project_id": "p1", "project_name": "llm"}, {"project_id": "p2", "project_name": "asr"}
)
FULL = metrics(
    *(
        sample(hour, share, metric="cache_utilization", gpu=None, job_id=name)
        for hour, share, name in [(0, 0.5, "ja"), (2, 0.75, "ja"), (1, 0.875, "jb"), (3, 0.1, "jz")]
    )
)
# A job that used little of one GPU, one that used much, and one that was measured too little.
USED = {"node_id": "n0", "step_seconds": 6 * 3600.0}
OVERSIZED = table(
    job(0, 6, job_id="ja", gpus=1, gpu_memory_limit_mib=81920, instance_type_id="H100:1"),
    job(0, 6, job_id="jb", gpus=1, gpu_memory_limit_mib=81920, instance_type_id="H100:1"),
    job(
        0, 6, job_id="jc", gpus=2, gpu_memory_limit_mib=81920, instance_type_id="odd", job_name=None
    ),
    job(0, 6, job_id="jd", gpus=2, gpu_memory_limit_mib=81920, instance_type_id="odd"),
    job(0, 90, job_id="jx", gpus=1, gpu_memory_limit_mib=81920, instance_type_id="H100:1"),
)
LITTLE = metrics(
    *(
        each
        for name, gpu, busy, gib in [
            ("ja", 0, 0.125, 8), ("jb", 0, 0.75, 8), ("jc", 0, 0.125, 8), ("jc", 1, 0.25, 16),
            ("jd", 0, 0.125, 8), ("jx", 0, 0.125, 8), ("gone", 0, 0.125, 8),
        ]
        for each in (
            sample(0, busy, job_id=name, gpu=gpu, **USED), used(0, gib, job_id=name, gpu=gpu, **USED)
        )
    )
)  # fmt: skip
TYPES = prices(odd=None, **{"H100:1": 0.125, "L4:1": 0.0625, "A100:1": 0.03125}).assign(
    gpu_type=["H100", "H100", "L4", "A100"],
    gpu_count=1,
    gpu_memory_limit_mib=pd.array([81920, 81920, 24576, 81920], "Int64"),
)


class Promise(NamedTuple):
    """A helper with its second table, on its first, and what is documented of both."""

    call: Any
    first: pd.DataFrame
    # columns of the result, of which the first are the keys
    keys: dict[str, str]
    columns: dict[str, str]
    needed: str


WAITS = dict.fromkeys(("jobs", "waiting"), "int64") | dict.fromkeys(
    ("p50", "p90", "p99", "longest_wait"), "float64"
)
PACE = {
    **dict.fromkeys(("month", "known_from", "known_until"), TIME),
    **dict.fromkeys(
        (
            *("month_to_date_usd", "usd_per_day_7d", "usd_per_day_28d", "projected_usd"),
            *("projected_28d_usd", "projected_low_usd", "projected_high_usd"),
        ),
        "float64",
    ),
    "unknown_jobs": "int64",
    **dict.fromkeys(("budget_usd", "used_share", "projected_share"), "float64"),
    "exceeded_on": TIME,
}
SERIES = "job_id node_id gpu metric timestamp value step_seconds"
HELPERS = {
    "utilization": Promise(
        partial(analysis.utilization, jobs=JOBS),
        METRICS,
        GPU,
        dict.fromkeys(("gpus", "samples"), "int64")
        | dict.fromkeys(
            (
                *("covered_gpu_hours", "held_gpu_hours", "measured_share"),
                *("missing_share", "mean_utilization"),
                *("p50_utilization", "p95_utilization", "mean_memory_share", "max_memory_bytes"),
            ),
            "float64",
        ),
        SERIES,
    ),
    "utilization_over_time": Promise(
        partial(analysis.utilization_over_time, freq="min", jobs=JOBS),
        METRICS,
        GPU,
        {
            "period": TIME,
            "mean_utilization": "float64",
            "samples": "int64",
            **dict.fromkeys(("covered_gpu_hours", "held_gpu_hours", "measured_share"), "float64"),
        },
        SERIES,
    ),
    "idle_gpus": Promise(
        partial(analysis.idle_gpus, jobs=JOBS, prices=PRICES),
        METRICS,
        GPU,
        {
            "gpus": "int64",
            **dict.fromkeys(("covered_gpu_hours", "held_gpu_hours", "measured_share"), "float64"),
            **dict.fromkeys(("idle_gpu_hours", "idle_share"), "float64"),
            "longest_idle_hours": "float64",
            **dict.fromkeys(("longest_idle_start", "longest_idle_end"), TIME),
            "idle_usd": "float64",
            "unpriced_idle_gpu_hours": "float64",
        },
        SERIES,
    ),
    "queue_waits": Promise(
        analysis.queue_waits, QUEUE, {"gpu_type": "str"}, WAITS, "gpu_type waited_hours is_waiting"
    ),
    "queue_wait_curve": Promise(
        analysis.queue_wait_curve,
        QUEUE,
        {"gpu_type": "str"},
        dict.fromkeys(("waited_hours", "share_waiting", "low", "high"), "float64")
        | {"at_risk": "int64"},
        "gpu_type waited_hours is_waiting",
    ),
    "quota": Promise(
        partial(analysis.quota, capacity=CAPACITY),
        HELD,
        {"gpu_type": "str"},
        {
            **dict.fromkeys(("limit", "baseline"), "Int64"),
            "peak_gpus": "int64",
            **dict.fromkeys(("mean_gpus", "burst_gpu_hours"), "float64"),
            "held_over_limit_gpu_hours": "float64",
            "peak_spot_gpus": "int64",
            "spot_gpu_hours": "float64",
            "peak_pending_gpus": "int64",
            "pending_gpu_hours": "float64",
            "hours": "float64",
            **dict.fromkeys(("at_limit_share", "over_limit_gpu_hours"), "float64"),
            "at_limit_share_with_extra": "float64",
            "over_limit_gpu_hours_with_extra": "float64",
        },
        "gpu_type created_at end_at gpus gpu_hours phase",
    ),
    "right_size": Promise(
        partial(analysis.right_size, metrics=LITTLE, prices=TYPES),
        OVERSIZED,
        {"job_id": "str"},
        {
            **dict.fromkeys(
                (
                    *("job_name", "project_name", "user_email", "status"),
                    *("instance_type_id", "gpu_type"),
                ),
                "str",
            ),
            "gpus": "int64",
            **dict.fromkeys(
                (
                    *("mean_utilization", "peak_memory_bytes", "peak_memory_share"),
                    *("measured_share", "estimated_usd"),
                ),
                "float64",
            ),
            **dict.fromkeys(("advised_instance_type_id", "advised_gpu_type"), "str"),
            "advised_gpus": "int64",
            **dict.fromkeys(("saving_usd_per_hour", "saving_usd", "saving_low_usd"), "float64"),
            **dict.fromkeys(("basis", "reason"), "str"),
        },
        (
            "job_id job_name project_name user_email status instance_type_id gpu_type gpu_count "
            "node_count gpus gpu_memory_limit_mib elapsed_hours gpu_hours"
        ),
    ),
    "checkpoint_usage": Promise(
        partial(analysis.checkpoint_usage, jobs=JOBS),
        SAVED,
        {"project_name": "str"},
        {
            **dict.fromkeys(("jobs", "checkpoints"), "int64"),
            **dict.fromkeys(("size_bytes", "largest_bytes"), "float64"),
            "latest_at": TIME,
            **dict.fromkeys(("syncing", "syncing_ended_jobs"), "int64"),
            "syncing_ended_bytes": "float64",
        },
        "job_id checkpoint_id created_at size_bytes sync_status",
    ),
    "cache_usage": Promise(
        partial(analysis.cache_usage, projects=OWNERS, metrics=FULL, jobs=JOBS),
        CACHED,
        {"project_name": "str"},
        {
            **dict.fromkeys(("projects", "files"), "int64"),
            **dict.fromkeys(("size_bytes", "largest_bytes", "share"), "float64"),
            **dict.fromkeys(("oldest_at", "latest_at", "captured_at"), TIME),
            "utilization": "float64",
            "measured_at": TIME,
        },
        "project_id path size_bytes file_type modified_at captured_at",
    ),
    "spend_pace": Promise(
        partial(analysis.spend_pace, budget=30.0, as_of="2025-01-09T08:00:00Z"),
        BILL,
        {},
        PACE,
        "job_id date subtotal_usd",
    ),
}
BY = [
    name
    for name in HELPERS
    if name not in {"cache_usage", "checkpoint_usage", "quota", "right_size", "spend_pace"}
]
CALLS = {
    **HELPERS,
    **{
        f"cache_usage by {by}": HELPERS["cache_usage"]._replace(
            call=partial(HELPERS["cache_usage"].call, by=by, depth=2)
        )
        for by in (None, "folder", ["project_name", "folder"], ["file_type"])
    },
    "checkpoint_usage by status": HELPERS["checkpoint_usage"]._replace(
        call=partial(HELPERS["checkpoint_usage"].call, by=["status", "job_id"])
    ),
    "spend_pace by names": HELPERS["spend_pace"]._replace(
        call=partial(HELPERS["spend_pace"].call, by=["team_name", "project_name"])
    ),
    **{
        f"{name} by {by}": HELPERS[name]._replace(call=partial(HELPERS[name].call, by=by))
        for name in BY
        for by in (None, "job_id", ["gpu", "job_id"] if name != "queue_waits" else ["job_name"])
        if not (name == "queue_wait_curve" and isinstance(by, list))
    },
}


FIRST = {each.call: each.first for each in CALLS.values()}


@cache
def expected(call, row=None):
    """What pandas gives for all rows or for one, found out once for every kind."""
    frame = FIRST[call]
    return call(frame if row is None else frame.iloc[[row]])


@pytest.fixture(params=HELPERS)
def one(request):
    return HELPERS[request.param]


@pytest.fixture(params=CALLS)
def each(request):
    return CALLS[request.param]


def test_all_kinds_give_the_same(each):
    for kind in KINDS[1:]:
        assert_same(each.call(convert(each.first, kind)), expected(each.call))


@pytest.mark.parametrize("rows", [0, 20])
def test_columns_and_dtypes_are_as_documented(one, kind, rows):
    result = collected(one.call(convert(one.first.head(rows), kind)))
    found = {column: str(dtype) for column, dtype in result.dtypes.items()}
    assert found == one.keys | one.columns
    assert list(found) == [*one.keys, *one.columns]


def test_only_the_columns_used_are_needed(one, kind):
    few = one.first[one.needed.split()]
    assert_same(one.call(convert(few, kind)), expected(one.call))


def test_a_missing_column_is_named_with_those_there_are(one, kind):
    for column in one.needed.split():
        frame = convert(one.first.drop(columns=column), kind)
        with pytest.raises(ArgumentError, match=rf"no column '{column}'.* it has "):
            one.call(frame)


@pytest.mark.parametrize("name", BY)
def test_a_wrong_by_is_refused(name):
    one = HELPERS[name]
    with pytest.raises(ArgumentError, match="by=3"):
        one.call(one.first, by=3)
    with pytest.raises(ArgumentError, match=r"'nothing'"):
        one.call(one.first, by=["job_id", "nothing"])
    for column in one.columns:
        with pytest.raises(ArgumentError, match=f"by='{column}'"):
            one.call(one.first, by=column)


@pytest.mark.parametrize("thing", [None, 3, "metrics", pa.table({"gpu": [1]})])
def test_what_is_no_table_is_refused(one, thing):
    with pytest.raises(ArgumentError, match=f"table, got .*{type(thing).__name__}: "):
        one.call(thing)


@pytest.mark.parametrize("thing", [3, "jobs", [JOBS]])
def test_what_is_no_second_table_is_refused(thing):
    for call in (
        lambda: analysis.utilization(METRICS, thing),
        lambda: analysis.idle_gpus(METRICS, thing),
        lambda: analysis.idle_gpus(METRICS, JOBS, thing),
        lambda: analysis.quota(HELD, thing),
    ):
        with pytest.raises(ArgumentError, match=f"table, got {type(thing).__name__}"):
            call()


def test_a_column_that_a_second_table_lacks_is_named():
    for column in ("gpu_type", "gpu_count", "gpu_memory_limit_mib", "job_id"):
        with pytest.raises(ArgumentError, match=f"no column '{column}'"):
            analysis.utilization(METRICS, JOBS.drop(columns=column))
    for column in ("gpu_count", "instance_type_id", "job_id"):
        with pytest.raises(ArgumentError, match=f"no column '{column}'"):
            analysis.idle_gpus(METRICS, JOBS.drop(columns=column), PRICES)
    assert len(analysis.idle_gpus(METRICS, JOBS[["job_id"]])) == 4
    with pytest.raises(ArgumentError, match="no column 'usd_per_minute'"):
        analysis.idle_gpus(METRICS, JOBS, PRICES[["instance_type_id"]])
    for column in ("team_id", "gpu_type", "limit", "baseline"):
        with pytest.raises(ArgumentError, match=f"no column '{column}'"):
            analysis.quota(HELD, CAPACITY.drop(columns=column))
    assert len(analysis.quota(HELD, CAPACITY.drop(columns="team_name"))) == 4


def test_the_index_does_not_matter_and_the_tables_given_are_not_changed(each):
    index = np.arange(len(each.first)) % 3
    odd = each.first.copy(deep=True).set_axis(index).rename_axis("gpu_type")
    before, jobs = odd.copy(deep=True), JOBS.copy(deep=True)
    result = each.call(odd)
    assert_same(result, expected(each.call))
    for column in result:
        result[column] = None
    pd.testing.assert_frame_equal(odd, before)
    pd.testing.assert_frame_equal(jobs, JOBS)


def test_the_order_of_rows_does_not_matter_and_the_kind_given_comes_back(each, kind):
    result = each.call(convert(each.first.iloc[::-1], kind))
    assert is_kind(result, kind)
    assert_same(result, expected(each.call))


def test_categories_are_texts(each, kind):
    categories = each.first.select_dtypes("category").columns
    more = each.first.assign(
        **{
            name: each.first[name].cat.set_categories(
                ["zzz", *each.first[name].cat.categories[::-1]]
            )
            for name in categories
        }
    )
    assert_same(each.call(more), expected(each.call))
    plain = each.first.astype(dict.fromkeys(categories, "str"))
    assert_same(each.call(convert(plain, kind)), expected(each.call))
    if kind == "pandas":
        objects = each.first.astype(dict.fromkeys(categories, "object"))
        assert_same(each.call(objects), expected(each.call))


@pytest.mark.parametrize("name", CALLS)
def test_one_row_is_enough(name, kind):
    each = CALLS[name]
    # by name, so that calls of one helper follow each other
    for row in shared_out(len(each.first), sorted(CALLS).index(name)):
        wanted, frame = expected(each.call, row), each.first.iloc[[row]]
        # to ask pandas twice would say nothing
        result = wanted if kind == "pandas" else each.call(convert(frame, kind))
        assert_same(result, wanted)


@pytest.mark.parametrize("zone", [None, "Asia/Kolkata"])
def test_times_in_another_zone_or_none_are_normalised(each, zone, kind):
    other = each.first.copy()
    for column in other.select_dtypes("datetimetz"):
        times = other[column].dt.tz_convert(zone) if zone else other[column].dt.tz_localize(None)
        other[column] = times.astype(times.dtype.name.replace("us", "ns"))
    assert_same(each.call(convert(other, kind)), expected(each.call))


def test_texts_are_no_times(kind):
    for name, column in [("idle_gpus", "timestamp"), ("quota", "end_at")]:
        one = HELPERS[name]
        frame = convert(one.first.astype({column: "str"}), kind)
        with pytest.raises(ArgumentError, match=f"column '{column}' holds String"):
            one.call(frame)


@pytest.mark.parametrize("name", ["utilization", "utilization_over_time", "idle_gpus"])
def test_metrics_stay_with_a_lazy_engine(name, monkeypatch):
    lazy = convert(METRICS, "polars lazy")
    collect = type(lazy).collect

    def refuse(self, *args, **kwargs):
        assert "timestamp" not in self.collect_schema(), "the metrics were collected"
        return collect(self, *args, **kwargs)

    monkeypatch.setattr(type(lazy), "collect", refuse)
    result = HELPERS[name].call(lazy)
    monkeypatch.undo()
    assert len(result.collect())
