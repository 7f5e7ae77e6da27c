"""What every helper promises alike, whatever it computes."""

from functools import cache, partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.analysis.evidence import checkpoints, events, intervals, phases, queue
from tests.analysis.fleet import metrics, sample
from tests.analysis.tables import (
    KINDS,
    PRICES,
    assert_same,
    billing,
    collected,
    convert,
    is_kind,
    job,
    jobs,
    table,
)
from tests.properties import examples, shared_out
from trainview import analysis
from trainview.errors import ArgumentError

# The jobs that are made up may contradict what is told about others of the same names.
pytestmark = pytest.mark.filterwarnings("ignore:.*left out what contradicts")
TIME = "datetime64[us, UTC]"
STATUS_COUNTS = {"status": "str", "phase": "str", "jobs": "int64", "share": "float64"}
ELAPSED_STATS = {"jobs": "int64"} | dict.fromkeys(("mean", "p50", "p90", "p99", "max"), "float64")
GPU_USAGE = {
    "jobs": "int64",
    "gpus": "int64",
    "elapsed_hours": "float64",
    "gpu_hours": "float64",
    "share": "float64",
}
STEPS = {"start": TIME, "end": TIME, "gpus": "int64"}
PERIODS = {"period": TIME, "gpu_hours": "float64", "mean_gpus": "float64", "peak_gpus": "int64"}
RATES = {
    "finished": "int64",
    "failed": "int64",
    "failure_rate": "float64",
    "low": "float64",
    "high": "float64",
}
TIMELINE = {
    **dict.fromkeys(("job_id", "job_name", "project_name", "status", "phase"), "str"),
    "start": TIME,
    "end": TIME,
    "elapsed_hours": "float64",
    "is_open": "bool",
    "lane": "Int64",
}
KIND = {"error": "str", "category": "str", "origin": "str", "is_symptom": "bool", "advice": "str"}
ERRORS = {
    **KIND,
    "jobs": "int64",
    "projects": "int64",
    "gpu_hours": "float64",
    "first_seen": TIME,
    "last_seen": TIME,
    "example": "str",
    "job_id": "str",
}
ATTENTION = {
    **dict.fromkeys(
        ("job_id", "job_name", "project_name", "team_name", "user_email", "status"), "str"
    ),
    "elapsed_hours": "float64",
    "gpus": "int64",
    **dict.fromkeys(("gpu_hours", "wasted_gpu_hours", "wasted_usd"), "float64"),
    "reason": "str",
    "detail": "str",
}
ESTIMATES = {
    **dict.fromkeys(("jobs", "unpriced_jobs", "untimed_jobs"), "int64"),
    **dict.fromkeys(("gpu_hours", "estimated_usd", "share"), "float64"),
    "unpriced_instance_types": "str",
}
FAILURE_COSTS = {
    **KIND,
    "jobs": "int64",
    "unpriced_jobs": "int64",
    "gpu_hours": "float64",
    "estimated_usd": "float64",
    "last_seen": TIME,
    "example": "str",
    "job_id": "str",
}
COSTS = {"period": TIME, "estimated_usd": "float64", "billed_usd": "float64"}
RECONCILED = {
    **dict.fromkeys(("job_id", "project_name", "reason"), "str"),
    "jobs": "int64",
    **dict.fromkeys(
        (
            "estimated_usd",
            "billed_usd",
            "difference_usd",
            "overhead_usd",
            "price_usd",
            "estimated_minutes",
            "billed_minutes",
        ),
        "float64",
    ),
}
PHASES = {
    **dict.fromkeys(("job_id", "project_name"), "str"),
    "gpus": "int64",
    **dict.fromkeys(("submitted_at", "released_at", "started_at", "ended_at"), TIME),
    **dict.fromkeys(
        ("queued_hours", "deploying_hours", "running_hours", "running_gpu_hours"), "float64"
    ),
    "basis": "str",
    "uncertainty_hours": "float64",
}
LOST = {
    **dict.fromkeys(("job_id", "project_name", "kind"), "str"),
    "gpus": "int64",
    **dict.fromkeys(("started_at", "ended_at", "last_checkpoint_at"), TIME),
    **dict.fromkeys(("lost_hours", "lost_gpu_hours"), "float64"),
}
GOODPUT = {
    **dict.fromkeys(("jobs", "unknown_jobs"), "int64"),
    **dict.fromkeys(
        (
            *("running_gpu_hours", "lost_gpu_hours", "deploying_gpu_hours", "idle_gpu_hours"),
            *("unknown_gpu_hours", "goodput"),
        ),
        "float64",
    ),
}
CHAINS = {
    **dict.fromkeys(("job_id", "job_name", "project_name", "chain_id"), "str"),
    "attempt": "int64",
    "status": "str",
    **dict.fromkeys(("submitted_at", "ended_at"), TIME),
    "attempts": "int64",
    "outcome": "str",
    **dict.fromkeys(("wall_hours", "running_hours", "lost_hours", "ettr"), "float64"),
}
SPOT = {
    "jobs": "int64",
    "gpu_hours": "float64",
    **dict.fromkeys(("ended", "preempted"), "int64"),
    **dict.fromkeys(("preemption_rate", "low", "high", "lost_gpu_hours"), "float64"),
    "waiting": "int64",
    **dict.fromkeys(("p50_wait_hours", "p90_wait_hours"), "float64"),
}
FAILURE_TIMES = {
    **dict.fromkeys(("jobs", "unknown_jobs"), "int64"),
    "running_hours": "float64",
    "failures": "int64",
    **dict.fromkeys(("mttf_hours", "mttf_low_hours", "mttf_high_hours"), "float64"),
}
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
SIDES = ("before", "after", "difference", "ratio")
FIGURES = {
    **dict.fromkeys(("figure", "unit", "change"), "str"),
    **dict.fromkeys(SIDES, "float64"),
    **dict.fromkeys(("low_before", "high_before", "low_after", "high_after"), "float64"),
}
CHANGED_CAUSES = {
    **KIND,
    "change": "str",
    **{f"jobs_{side}": "float64" if side == "ratio" else "int64" for side in SIDES},
    **{f"{name}_{side}": "float64" for name in ("gpu_hours", "estimated_usd") for side in SIDES},
    **dict.fromkeys(("share_before", "share_after"), "float64"),
    "last_seen": TIME,
    "example": "str",
    "job_id": "str",
}
ESTIMATED = "status instance_type_id node_count elapsed_hours"
# helper, its result's columns without those of by, and the columns it needs
HELPERS = {
    "status_counts": (STATUS_COUNTS, "status phase"),
    "elapsed_stats": (ELAPSED_STATS, "elapsed_hours"),
    "gpu_usage": (GPU_USAGE, "gpus elapsed_hours gpu_hours"),
    "gpu_concurrency": (STEPS, "created_at end_at gpus gpu_hours"),
    "gpu_hours_over_time": (PERIODS, "created_at end_at gpus gpu_hours"),
    "job_timeline": (
        TIMELINE,
        "job_id job_name project_name status phase created_at end_at elapsed_hours is_open",
    ),
    "failure_rates": (RATES, "status"),
    "error_groups": (ERRORS, "phase error_message project_id job_id end_at gpu_hours"),
    "needs_attention": (
        ATTENTION,
        (
            "job_id job_name project_id project_name user_email status created_at updated_at "
            "is_open end_at elapsed_hours gpus gpu_hours"
        ),
    ),
    "cost_over_time": (COSTS, f"{ESTIMATED} created_at end_at"),
    "reconcile_cost": (RECONCILED, f"{ESTIMATED} job_id project_name created_at end_at"),
    "estimate_cost": (ESTIMATES, f"{ESTIMATED} gpu_hours"),
    "spend_pace": (PACE, f"{ESTIMATED} created_at end_at"),
    "failure_costs": (
        FAILURE_COSTS,
        f"{ESTIMATED} phase error_message project_id job_id end_at gpu_hours",
    ),
    "job_phases": (PHASES, "job_id project_name gpus status created_at end_at is_open"),
    "lost_work": (LOST, "job_id project_name status gpus"),
    "goodput": (GOODPUT, "job_id status gpus"),
    "run_chains": (
        CHAINS,
        (
            "job_id job_name project_id project_name gpu_type gpus user_email status created_at "
            "end_at"
        ),
    ),
    "time_to_failure": (FAILURE_TIMES, "job_id status error_message"),
    "compare_jobs": (
        FIGURES,
        f"{ESTIMATED} gpu_hours job_id project_id created_at end_at",
    ),
    "compare_causes": (
        CHANGED_CAUSES,
        f"{ESTIMATED} phase error_message project_id job_id end_at gpu_hours",
    ),
    "spot_usage": (SPOT, "job_id project_name status gpus gpu_hours"),
}
KNOWN = phases(
    ("j1", 0, 0.5, 4), ("j2", None, 1, 3.3), ("j3", 2, 2.25, 3), ("j4", 3, None, 9), ("j7", 9, 9, 9)
)
# All that `job_phases` gives and `goodput` takes.
KNOWN = KNOWN.assign(submitted_at=KNOWN["released_at"], basis="event", uncertainty_hours=0.0)
LATER = table(
    job(9, 12, number=2, status="failed", error_message="no space left on /mnt/3"),
    job(9, 10, number=3, gpu_type="B200", project_id="p3", project_name="new"),
)
LOST_WORK = pd.DataFrame({"job_id": ["j2", "gone"], "lost_gpu_hours": [3.5, 8.0]})
SAVED = checkpoints(("j1", 2), ("j2", 3), ("j2", 9))
# The tables that a helper takes beside jobs.
OTHERS = {
    "cost_over_time": {"prices": PRICES},
    "estimate_cost": {"prices": PRICES},
    "failure_costs": {"prices": PRICES},
    "reconcile_cost": {
        "prices": PRICES,
        "billing": billing(
            {"job_id": "j1", "day": 0, "usd": "0.1"},
            {"job_id": "j4", "day": 0, "usd": "20"},
            {"job_id": "gone", "day": 1, "usd": "3", "is_deleted": True},
            {"job_id": None, "day": None, "usd": "0.7"},
        ),
    },
    "job_phases": {
        "queue": queue(j1=0.5, j3=2.25, gone=3),
        "status_events": events(("j3", "running", 2.5), ("j3", "failed", 2.75)),
        "metrics": metrics(sample(90, 0.5, job_id="j2"), sample(99, 0.5, job_id="gone")),
        "billing": billing({"job_id": "j4", "day": 0, "minutes": 60, "usd": "1"}),
        "history": intervals(("j4", "running", 5, 6)),
    },
    "lost_work": {"phases": KNOWN, "checkpoints": SAVED},
    "spot_usage": {"phases": KNOWN, "checkpoints": SAVED, "queue": queue(j1=0.5, j3=2.25, gone=3)},
    "goodput": {
        "phases": KNOWN,
        "checkpoints": SAVED,
        "metrics": metrics(sample(90, 0.0, job_id="j2"), sample(99, 0.0, job_id="gone")),
    },
    "run_chains": {"phases": KNOWN, "checkpoints": SAVED},
    "time_to_failure": {"phases": KNOWN, "origin": "infrastructure"},
    "compare_jobs": {
        "after": LATER,
        "prices": (PRICES, PRICES),
        "billing": (billing({"job_id": "j1", "day": 0, "usd": "0.1"}),) * 2,
        "lost": (LOST_WORK, LOST_WORK),
    },
    "compare_causes": {"after": LATER, "prices": (PRICES, PRICES)},
}


def spend_pace(jobs, **arguments):
    """Of jobs, where the contract of bills is in test_fleet_contract.py."""
    return analysis.spend_pace(jobs=jobs, prices=PRICES, **arguments)


HELPER = {name: partial(getattr(analysis, name), **OTHERS.get(name, {})) for name in HELPERS}
HELPER["spend_pace"] = partial(spend_pace)
WITHOUT_BY = {
    *("compare_causes", "error_groups", "failure_costs", "job_phases", "lost_work"),
    *("needs_attention", "run_chains"),
}
# Groups of a comparison are also those of another table.
OF_TWO = ["compare_jobs"]
KEYED = [name for name in HELPERS if name not in {*WITHOUT_BY, *OF_TWO, "job_timeline"}]
DEFAULT = {
    "status_counts": [],
    "elapsed_stats": ["status"],
    "gpu_usage": ["gpu_type"],
    "gpu_concurrency": ["gpu_type"],
    "gpu_hours_over_time": ["gpu_type"],
    "failure_rates": ["project_name"],
    "estimate_cost": ["project_name"],
    "goodput": ["project_name"],
    "time_to_failure": ["gpus"],
    "spot_usage": ["availability_model"],
}
BIGGEST_FIRST = {
    "status_counts",
    "elapsed_stats",
    "gpu_usage",
    "failure_rates",
    "estimate_cost",
    "goodput",
    "reconcile_cost",
    "spend_pace",
    "spot_usage",
}
BYS = (None, ["gpu_type", "project_id"])
CALLS = {
    **HELPER,
    **{
        f"{name} by {by}": partial(HELPER[name], by=by)
        for name in HELPERS
        if name not in WITHOUT_BY
        for by in BYS
    },
}

SOME = table(
    job(0, 4, number=1, gpu_type=None, gpus=0, status="running", project_id="p2"),
    job(1, 3.3, number=2, status="failed", error_message="no space left on /mnt/1"),
    job(2, 3, number=3, status="failed", error_message="no space left on /mnt/2"),
    job(2, 9, number=4, gpu_type="A10G", gpus=3, job_name=None, user_email=None),
    job(5, 4, number=5, status="stopped"),
    job(9, 99.5, number=6, status="deploying", project_name="ünï 日本", project_id="p2"),
    job(9, 9, number=7, status="deploy-failed"),
)


@cache
def expected(call, row=None):
    """What pandas gives for all rows or for one, found out once for every kind."""
    return call(SOME if row is None else SOME.iloc[[row]])


@pytest.fixture(params=HELPERS)
def name(request):
    return request.param


@pytest.fixture(params=CALLS)
def call(request):
    return CALLS[request.param]


def test_the_package_exports_all_helpers():
    assert set(HELPERS) < set(dir(analysis))


@pytest.mark.parametrize("rows", [0, len(SOME)])
def test_columns_and_dtypes_are_as_documented(name, kind, rows):
    result = collected(HELPER[name](convert(SOME.head(rows), kind)))
    columns = dict.fromkeys(DEFAULT.get(name, []), "str") | HELPERS[name][0]
    assert {column: str(dtype) for column, dtype in result.dtypes.items()} == columns


@pytest.mark.parametrize("name", [*KEYED, *OF_TWO])
@pytest.mark.parametrize("rows", [0, len(SOME)])
def test_keys_come_first_and_as_text(name, kind, rows):
    by = ["gpu_type", "user_email"]
    result = collected(HELPER[name](convert(SOME.head(rows), kind), by=by))
    assert list(result)[:2] == by
    assert [str(dtype) for dtype in result.dtypes[:2]] == ["str", "str"]


@settings(max_examples=examples(10), deadline=None, suppress_health_check=list(HealthCheck))
@given(frame=jobs(), by=st.sampled_from(["", *(f" by {by}" for by in BYS)]))
def test_all_kinds_give_the_same(frame, by):
    for name in HELPERS:
        call = CALLS.get(f"{name}{by}", HELPER[name])
        expected = call(frame)
        for kind in KINDS[1:]:
            assert_same(call(convert(frame, kind)), expected)
        with pytest.MonkeyPatch.context() as many:
            many.setattr("trainview.analysis.small_tables.MOST_IN_ARROW", -1)
            assert_same(call(frame), expected)


def test_only_the_columns_used_are_needed(name, kind):
    helper, needed = HELPER[name], HELPERS[name][1].split()
    needed += DEFAULT.get(name, [])
    few = SOME[list(dict.fromkeys(needed))]
    assert_same(helper(convert(few, kind)), expected(helper))


def test_a_missing_column_is_named_with_those_there_are(name, kind):
    for column in HELPERS[name][1].split():
        frame = convert(SOME.drop(columns=column), kind)
        with pytest.raises(ArgumentError, match=rf"no column '{column}'.* it has .*gpu_count"):
            HELPER[name](frame)


@pytest.mark.parametrize("name", [name for name in HELPERS if name not in WITHOUT_BY])
def test_an_unknown_by_is_named_with_the_columns_there_are(name, kind):
    with pytest.raises(ArgumentError, match=r"no column 'gpu'.* it has .*gpu_type"):
        HELPER[name](convert(SOME, kind), by=["gpu_type", "gpu"])
    with pytest.raises(ArgumentError, match="by=3"):
        HELPER[name](convert(SOME, kind), by=3)


@pytest.mark.parametrize("name", [*KEYED, *OF_TWO])
def test_a_by_that_is_also_in_the_result_is_refused(name):
    column = list(HELPERS[name][0])[-1]
    with pytest.raises(ArgumentError, match=f"by='{column}'"):
        HELPER[name](SOME, by=column)


@pytest.mark.parametrize("thing", [None, 3, "jobs", SOME["status"], [SOME]])
def test_what_is_no_table_is_refused(name, thing):
    with pytest.raises(ArgumentError, match=f"table, got {type(thing).__name__}"):
        HELPER[name](thing)


def test_texts_are_no_times(kind):
    frame = convert(SOME.astype({"end_at": "str"}), kind)
    with pytest.raises(ArgumentError, match="column 'end_at' holds String"):
        analysis.gpu_concurrency(frame)


def test_the_index_does_not_matter_and_the_table_given_is_not_changed(call):
    odd = SOME.copy(deep=True).set_axis([3, 3, 3, 1, 1, 0, 0]).rename_axis("status")
    before = odd.copy(deep=True)
    result = call(odd)
    assert_same(result, expected(call))
    for column in result:
        result[column] = None
    pd.testing.assert_frame_equal(odd, before)


def test_the_order_of_rows_does_not_matter_and_the_kind_given_comes_back(call, kind):
    result = call(convert(SOME.iloc[::-1], kind))
    assert is_kind(result, kind)
    assert_same(result, expected(call))


def test_unused_categories_do_not_matter(call):
    more = SOME.assign(
        status=SOME["status"].cat.set_categories(["zzz", *SOME["status"].cat.categories[::-1]]),
        gpu_type=SOME["gpu_type"].cat.add_categories(["none"]),
    )
    assert_same(call(more), expected(call))


def test_plain_text_in_place_of_categories_does_not_matter(call):
    plain = SOME.astype({"status": "str", "phase": "object", "gpu_type": "str"})
    assert_same(call(plain), expected(call))


@pytest.mark.parametrize("name", CALLS)
def test_one_row_is_enough(name, kind):
    call = CALLS[name]
    # by name, so that calls of one helper follow each other
    for row in shared_out(len(SOME), sorted(CALLS).index(name)):
        wanted = expected(call, row)
        # to ask pandas twice would say nothing
        result = wanted if kind == "pandas" else call(convert(SOME.iloc[[row]], kind))
        assert_same(result, wanted)


def test_columns_without_a_value_are_fine(call, kind):
    names = ["gpu_type", "job_name", "user_email", "error_message", "elapsed_hours", "gpu_hours"]
    empty = SOME.copy()
    for column in names:
        empty[column] = pd.Series([None] * len(SOME), dtype=SOME[column].dtype)
    wanted = call(empty)
    # to ask pandas twice would say nothing
    assert_same(wanted if kind == "pandas" else call(convert(empty, kind)), wanted)


def test_numbers_that_are_nan_count_as_missing(kind):
    frame = SOME.assign(elapsed_hours=np.nan)
    if kind.startswith("polars"):
        nan = convert(frame, kind).with_columns(elapsed_hours=float("nan"))
        assert_same(analysis.elapsed_stats(nan), analysis.elapsed_stats(frame))


@pytest.mark.parametrize("name", KEYED)
def test_null_keys_are_a_group_and_come_last(name, kind):
    rows = [job(0, 1, number=n, gpu_type=gpu) for n, gpu in enumerate(["B", None, "A", None])]
    result = collected(HELPER[name](convert(table(*rows), kind), by="gpu_type"))
    groups = list(dict.fromkeys(result["gpu_type"].fillna("null")))
    assert set(groups) == {"A", "B", "null"}
    if name not in BIGGEST_FIRST:
        assert groups == ["A", "B", "null"]


@pytest.mark.parametrize("name", [*KEYED, *OF_TWO])
def test_integers_with_nulls_can_be_keys(name, kind):
    rows = [job(0, 1, number=n, priority=priority) for n, priority in enumerate([2, None, 10])]
    result = collected(HELPER[name](convert(table(*rows), kind), by="priority"))
    assert result["priority"].isna().sum() == 1
    assert sorted(result["priority"].dropna()) == [2, 10]


@pytest.mark.parametrize("zone", [None, "Asia/Kolkata"])
def test_times_in_another_zone_or_none_are_normalised(call, zone, kind):
    other = SOME.copy()
    for column in ("created_at", "updated_at", "end_at"):
        times = other[column].dt.tz_convert(zone) if zone else other[column].dt.tz_localize(None)
        other[column] = times.astype(times.dtype.name.replace("us", "ns"))
    assert_same(call(convert(other, kind)), expected(call))


def test_kinds_that_cannot_do_it_are_refused(name):
    arrow = pa.Table.from_pandas(SOME, preserve_index=False)
    with pytest.raises(ArgumentError, match="table, got a PyArrow Table: convert it with"):
        HELPER[name](arrow)
