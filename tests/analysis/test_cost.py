"""Costs at list prices."""

import pandas as pd
import pytest
from hypothesis import given, settings

from tests.analysis.tables import KINDS, PRICES, at, billing, collected, convert, job, jobs, table
from trainview.analysis import error_groups, estimate_cost, failure_costs, reconcile_cost
from trainview.analysis.sharing import sharing
from trainview.errors import ArgumentError
from trainview.statuses import STATUSES

PER_MINUTE = {"H100:8": 0.5, "1x4": 0.015625}
FREE = {status.label for status in STATUSES if not status.holds_gpus}


def rows(result, *columns):
    frame = collected(result)[list(columns)]
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def cost_of(row):
    """What a job costs, by the definition; None where that is not known."""
    if row["status"] in FREE:
        return 0.0
    price, hours = PER_MINUTE.get(row["instance_type_id"]), row["elapsed_hours"]
    return None if price is None or pd.isna(hours) else price * row["node_count"] * hours * 60


def test_a_job_costs_its_price_times_nodes_times_minutes(kind):
    frame = table(
        job(0, 2, project_name="a", node_count=3, gpus=24),
        job(0, 1, project_name="a"),
        job(0, 8, project_name="b", gpus=0, gpu_type=None, instance_type_id="1x4"),
    )
    result = estimate_cost(convert(frame, kind), convert(PRICES, kind))
    columns = ["project_name", "jobs", "gpu_hours", "estimated_usd", "share"]
    assert rows(result, *columns) == [
        ["a", 2, 56.0, 210.0, 210 / 217.5],
        ["b", 1, 0.0, 7.5, 7.5 / 217.5],
    ]


def test_what_holds_no_compute_is_free_priced_or_not(kind):
    frame = table(
        *(job(0, 1, status=status.label, project_name=status.label) for status in STATUSES),
        job(0, 1, status="pending", project_name="pending", instance_type_id="unlisted"),
        job(1, 0, status="queued", project_name="queued"),
    )
    result = estimate_cost(convert(frame, kind), PRICES)
    columns = ["project_name", "unpriced_jobs", "untimed_jobs", "estimated_usd"]
    expected = {status.label: 30.0 if status.holds_gpus else 0.0 for status in STATUSES}
    assert {row[0]: row[3] for row in rows(result, *columns)} == expected
    assert all(row[1:3] == [0, 0] for row in rows(result, *columns))


def test_what_helpers_share_is_of_the_same_tables_alone_and_forgotten_at_the_end(kind):
    twice, prices = convert(table(job(0, 2, node_count=2)), kind), convert(PRICES, kind)
    with sharing():
        for _ in range(2):
            once = convert(table(job(0, 2)), kind)
            assert rows(estimate_cost(once, prices, by=None), "estimated_usd") == [[60.0]]
            assert rows(estimate_cost(twice, prices, by=None), "estimated_usd") == [[120.0]]
            assert rows(estimate_cost(twice, prices, by="status"), "estimated_usd") == [[120.0]]
            del once
    frame = table(job(0, 2))
    with sharing():
        assert rows(estimate_cost(frame, PRICES), "estimated_usd") == [[60.0]]
    frame.loc[0, "elapsed_hours"] = 1.0
    assert rows(estimate_cost(frame, PRICES), "estimated_usd") == [[30.0]]


def test_a_status_that_is_not_known_yet_costs(kind):
    frame = table(job(0, 1)).astype({"status": "str"}).assign(status="evicted")
    assert rows(estimate_cost(convert(frame, kind), PRICES), "estimated_usd") == [[30.0]]


def test_what_has_no_price_or_no_time_is_counted_and_named_but_never_zero(kind):
    frame = table(
        job(0, 1, project_name="known"),
        job(0, 1, project_name="part"),
        job(0, 1, project_name="part", instance_type_id="unpriced"),
        job(0, 1, project_name="part", instance_type_id="unlisted"),
        job(0, 2, project_name="part", instance_type_id="unlisted"),
        job(2, 1, project_name="part"),
        job(0, 1, project_name="unknown", instance_type_id="unlisted"),
        job(1, 0, project_name="untimed"),
        job(0, 1, project_name="waits", status="pending", instance_type_id="unlisted"),
    )
    result = estimate_cost(convert(frame, kind), convert(PRICES, kind))
    columns = [
        *("project_name", "unpriced_jobs", "untimed_jobs", "estimated_usd", "share"),
        "unpriced_instance_types",
    ]
    assert rows(result, *columns) == [
        ["known", 0, 0, 30.0, 0.5, None],
        ["part", 3, 1, 30.0, 0.5, "unlisted, unpriced"],
        ["waits", 0, 0, 0.0, 0.0, None],
        ["unknown", 1, 0, None, None, "unlisted"],
        ["untimed", 0, 1, None, None, None],
    ]


def test_an_instance_type_that_is_null_has_no_price_and_no_name(kind):
    frame = table(job(0, 1, instance_type_id=None), job(0, 1))
    columns = ["jobs", "unpriced_jobs", "estimated_usd", "unpriced_instance_types"]
    assert rows(estimate_cost(convert(frame, kind), PRICES), *columns) == [[2, 1, 30.0, None]]


def test_without_keys_there_is_one_row_always(kind):
    frame = convert(table(job(0, 1), job(0, 1, project_name="b")), kind)
    columns = ["jobs", "gpu_hours", "estimated_usd", "share"]
    assert rows(estimate_cost(frame, PRICES, by=None), *columns) == [[2, 16.0, 60.0, 1.0]]
    nothing = estimate_cost(convert(table(), kind), PRICES.head(0), by=None)
    assert rows(nothing, *columns) == [[0, 0.0, None, None]]


def test_where_nothing_costs_anything_there_are_no_shares(kind):
    frame = convert(table(job(0, 1, status="pending")), kind)
    assert rows(estimate_cost(frame, PRICES), "estimated_usd", "share") == [[0.0, None]]


@pytest.mark.parametrize("by", ["instance_type_id", "status", "node_count", "elapsed_hours"])
def test_the_columns_that_are_used_can_be_keys(kind, by):
    frame = table(job(0, 1), job(0, 2, instance_type_id="1x4", status="failed", node_count=2))
    result = estimate_cost(convert(frame, kind), PRICES, by=by)
    assert rows(result, by, "estimated_usd") == [
        [frame[by][0], 30.0],
        [frame[by][1], 3.75],
    ]


@pytest.mark.parametrize("other", KINDS)
def test_prices_may_be_of_another_kind(kind, other):
    frame = table(job(0, 1), job(0, 1, instance_type_id="unpriced"))
    result = estimate_cost(convert(frame, kind), convert(PRICES, other))
    assert rows(result, "unpriced_jobs", "estimated_usd") == [[1, 30.0]]


def test_the_tables_of_a_snapshot_need_no_conversion(kind):
    prices = PRICES.astype({"instance_type_id": "category"}).assign(gpu_type=None)
    frame = convert(table(job(0, 1)), kind)
    assert rows(estimate_cost(frame, prices), "estimated_usd") == [[30.0]]


def test_two_prices_for_one_instance_type_are_refused(kind):
    twice = pd.concat([PRICES, PRICES.assign(usd_per_minute=0.25)], ignore_index=True)
    with pytest.raises(ArgumentError, match=r"'1x4' has several prices, 0\.015625 and 0\.25 USD"):
        estimate_cost(table(), convert(twice, kind))
    same = convert(pd.concat([PRICES, PRICES], ignore_index=True), kind)
    assert rows(estimate_cost(table(job(0, 1)), same), "jobs", "estimated_usd") == [[1, 30.0]]


def test_prices_without_a_column_or_that_are_no_table_are_refused():
    with pytest.raises(ArgumentError, match="no column 'usd_per_minute'"):
        estimate_cost(table(), PRICES[["instance_type_id"]])
    with pytest.raises(ArgumentError, match="got NoneType: pass for example the prices of"):
        estimate_cost(table(), None)


def test_a_free_job_does_not_turn_unknown_costs_into_zero(kind):
    frame = table(
        job(0, 1, project_name="p", instance_type_id="nobody knows"),
        job(0, 1, project_name="p", status="deploy-failed"),
        job(0, 1, project_name="q", status="deploy-failed"),
    )
    costs = collected(estimate_cost(convert(frame, kind), PRICES)).set_index("project_name")
    assert pd.isna(costs.loc["p", "estimated_usd"])
    assert costs.loc["q", "estimated_usd"] == 0
    everything = collected(estimate_cost(convert(frame, kind), PRICES, by=None))
    assert everything["estimated_usd"].isna().all()
    bill = reconcile_cost(convert(frame, kind), PRICES, billing(), by=None)
    assert collected(bill)["estimated_usd"].isna().all()
    failed = frame.assign(phase="failed", error_message=["lost", "lost", "no such image"])
    causes = collected(failure_costs(convert(failed, kind), PRICES)).set_index("error")
    assert causes["estimated_usd"].fillna(-1).to_dict() == {"lost": -1, "no such image": 0}


@settings(deadline=None)
@given(jobs(most=20))
def test_costs_are_those_of_the_jobs_one_by_one(frame):
    frame = frame.assign(cost=[cost_of(row) for _, row in frame.iterrows()])
    result = estimate_cost(frame, PRICES)
    for row in result.itertuples():
        group = frame[frame["project_name"] == row.project_name]
        known = group["cost"].dropna()
        costs_something = group[~group["status"].isin(FREE)]
        unpriced = costs_something[~costs_something["instance_type_id"].isin(PER_MINUTE)]
        assert row.jobs == len(group)
        assert row.unpriced_jobs == len(unpriced)
        assert row.untimed_jobs == costs_something["elapsed_hours"].isna().sum()
        assert row.gpu_hours == pytest.approx(group["gpu_hours"].sum())
        names = ", ".join(sorted(set(unpriced["instance_type_id"])))
        assert names == (
            "" if pd.isna(row.unpriced_instance_types) else row.unpriced_instance_types
        )
        # what is free alone says nothing of the others
        if known.gt(0).any() or len(known) == len(group):
            assert row.estimated_usd == pytest.approx(known.sum())
        else:
            assert pd.isna(row.estimated_usd)
    assert result["jobs"].sum() == len(frame)
    assert result["estimated_usd"].is_monotonic_decreasing or result["estimated_usd"].isna().any()


def test_causes_are_priced_and_the_dearest_is_first(kind):
    frame = table(
        job(0, 1, status="failed", error_message="GPU 1 fell off the bus"),
        job(0, 2, status="failed", error_message="GPU 7 fell off the bus", node_count=2),
        job(0, 9, status="failed", error_message="GPU 7 fell off the bus", instance_type_id="x"),
        job(0, 8, status="failed", error_message="disk full", instance_type_id="x"),
        job(0, 1, status="deploy-failed", error_message="no such image"),
        job(2, 1, status="failed", error_message="lost", number=20),
        job(0, 4, status="failed", number=21),
        job(0, 99, status="completed", error_message="GPU 1 fell off the bus"),
        job(0, 99, status="pending", error_message="waiting for capacity"),
    )
    result = failure_costs(convert(frame, kind), convert(PRICES, kind))
    sums = ["jobs", "unpriced_jobs", "gpu_hours", "estimated_usd", "last_seen"]
    assert rows(result, "error", *sums, "example", "job_id") == [
        ["GPU <number> fell off the bus", 3, 1, 96.0, 150.0, at(9), "GPU 7 fell off the bus", "j2"],
        [None, 1, 0, 32.0, 120.0, at(4), None, "j21"],
        ["no such image", 1, 0, 0.0, 0.0, at(1), "no such image", "j4"],
        ["disk full", 1, 1, 64.0, None, at(8), "disk full", "j3"],
        ["lost", 1, 0, 0.0, None, at(1), "lost", "j20"],
    ]


def test_causes_that_cost_the_same_are_sorted_by_jobs_then_time_then_text(kind):
    names = ["one", "two", "two", "late", "early", "a", "b"]
    ends = [1, 0.5, 0.5, 1, 1, 0.5, 0.5]
    begins = [0, 0, 0, 0, 0, -0.5, -0.5]
    frame = table(
        *(
            job(begin, end, status="failed", error_message=name, gpus=0)
            for name, begin, end in zip(names, begins, ends, strict=True)
        )
    )
    result = failure_costs(convert(frame, kind), PRICES)
    assert [row[0] for row in rows(result, "error")] == ["two", "early", "late", "one", "a", "b"]


@settings(deadline=None)
@given(jobs(most=20))
def test_failures_cost_what_failed_jobs_cost(frame):
    failed = frame[frame["phase"] == "failed"]
    result = failure_costs(frame, PRICES)
    total = estimate_cost(failed, PRICES, by=None)
    assert result["estimated_usd"].sum() == pytest.approx(total["estimated_usd"].fillna(0.0).item())
    assert result["unpriced_jobs"].sum() == total["unpriced_jobs"].item()
    same = ["error", "jobs", "gpu_hours", "last_seen", "example", "job_id"]
    groups = error_groups(frame)[same].set_index("job_id").sort_index()
    pd.testing.assert_frame_equal(result[same].set_index("job_id").sort_index(), groups)
