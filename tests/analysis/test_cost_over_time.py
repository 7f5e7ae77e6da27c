"""Costs over the calendar, with the bill beside them."""

from decimal import Decimal

import duckdb
import narwhals.stable.v2 as nw
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.tables import (
    KINDS,
    PRICES,
    assert_same,
    at,
    billing,
    bills,
    collected,
    convert,
    job,
    jobs,
    table,
)
from tests.properties import examples
from trainview.analysis import cost_over_time, estimate_cost
from trainview.errors import ArgumentError

FREQUENCIES = {"h": "h", "D": "D", "W": "W-SUN", "M": "M", "Q": "Q-DEC", "Y": "Y-DEC"}
WITHOUT_HOURS = [freq for freq in FREQUENCIES if freq != "h"]


def rows(result):
    frame = collected(result)
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def period_of(moment, freq):
    return moment.tz_localize(None).to_period(FREQUENCIES[freq]).start_time.tz_localize("UTC")


def test_a_job_costs_in_each_period_what_ran_in_it(kind):
    frame = table(
        job(18, 54, node_count=2),
        job(30, 31, instance_type_id="1x4"),
        job(20, 22, status="pending"),
        job(20, 22, instance_type_id="unlisted"),
        job(40, 39),
        job(96, 97),
    )
    result = cost_over_time(convert(frame, kind), convert(PRICES, kind))
    assert rows(result) == [
        [at(0), 360.0, None],
        [at(24), 1440.9375, None],
        [at(48), 360.0, None],
        [at(72), 0.0, None],
        [at(96), 30.0, None],
    ]


def test_a_job_that_ends_where_a_period_begins_is_not_in_it(kind):
    frame = convert(table(job(12, 24)), kind)
    assert rows(cost_over_time(frame, PRICES)) == [[at(0), 360.0, None]]
    later = convert(table(job(12, 24.05)), kind)
    expected = [[at(0), 360.0, None], [at(24), pytest.approx(1.5), None]]
    assert rows(cost_over_time(later, PRICES)) == expected


@pytest.mark.parametrize(
    ("freq", "expected"),
    [
        ("h", [[at(n), 30.0, None] for n in range(36, 40)]),
        ("W", [["2024-12-30", 120.0, None]]),
        ("M", [["2025-01-01", 120.0, None]]),
        ("Q", [["2025-01-01", 120.0, None]]),
        ("Y", [["2025-01-01", 120.0, None]]),
    ],
)
def test_periods_are_those_of_the_calendar(kind, freq, expected):
    result = cost_over_time(convert(table(job(36, 40)), kind), PRICES, freq=freq)
    assert rows(result) == [[at(row[0]), *row[1:]] for row in expected]


def test_every_group_has_every_period_and_its_own_bill(kind):
    frame = table(
        job(0, 1, project_name="asr"),
        job(24, 25, project_name="llm"),
        job(0, 1, project_name="free", status="pending"),
    )
    bill = billing(
        {"job_id": "j1", "day": 1, "usd": "10.10", "project_name": "renamed since"},
        {"job_id": "j1", "day": 2, "usd": "0.90"},
        {"job_id": "gone", "day": 1, "usd": "7", "project_name": "old", "is_deleted": True},
        {"job_id": None, "day": 1, "usd": "5", "project_name": None},
        {"job_id": "j1", "day": None, "usd": "99"},
    )
    result = cost_over_time(convert(frame, kind), PRICES, convert(bill, kind), by="project_name")
    assert rows(result) == [
        ["asr", at(0), 30.0, None],
        ["asr", at(24), 0.0, 0.0],
        ["asr", at(48), 0.0, 0.0],
        ["llm", at(0), 0.0, None],
        ["llm", at(24), 30.0, 10.1],
        ["llm", at(48), 0.0, 0.9],
        ["old", at(0), None, None],
        ["old", at(24), None, 7.0],
        ["old", at(48), None, 0.0],
        [None, at(0), None, None],
        [None, at(24), None, 5.0],
        [None, at(48), None, 0.0],
    ]


def test_keys_that_a_bill_does_not_know_are_null(kind):
    frame = table(job(0, 1, is_open=False))
    bill = billing(
        {"job_id": "j1", "day": 0, "usd": "1"},
        {"job_id": "gone", "job_name": "old", "day": 0, "usd": "2", "is_deleted": True},
    )
    frame["job_id"] = "j1"
    by = ["gpus", "job_name", "is_open", "gpu_type"]
    result = cost_over_time(convert(frame, kind), PRICES, convert(bill, kind), by=by)
    known, unknown = nw.from_native(result).lazy().collect("pyarrow").rows()
    assert known[:4] == (8, "run-0", False, "H100")
    assert unknown[:4] == (None, "old", None, None)
    schema = nw.from_native(result).collect_schema()
    assert (schema["gpus"], schema["is_open"]) == (nw.Int64, nw.Boolean)
    assert (known[5:], unknown[5:]) == ((30.0, 1.0), (None, 2.0))


def test_periods_partly_on_the_bill_are_billed_and_those_outside_are_not_known(kind):
    frame = convert(table(job("2025-01-30", "2025-04-02")), kind)
    bill = billing({"job_id": "x", "day": 40, "usd": "1"}, {"job_id": "x", "day": 58, "usd": "2"})
    result = cost_over_time(frame, PRICES, bill, freq="M")
    assert [row[2] for row in rows(result)] == [None, 3.0, None, None]
    weekly = collected(cost_over_time(frame, PRICES, bill, freq="W"))
    weekly = weekly.set_index("period")["billed_usd"]
    assert weekly.first_valid_index() == at("2025-02-10")
    assert weekly.last_valid_index() == at("2025-02-24")


def test_a_bill_without_days_says_nothing(kind):
    frame = convert(table(job(0, 1)), kind)
    for bill in (billing(), billing({"job_id": "j1", "day": None, "usd": "1"})):
        result = cost_over_time(frame, PRICES, convert(bill, kind))
        assert rows(result) == [[at(0), 30.0, None]]
    assert rows(cost_over_time(convert(table(), kind), PRICES.head(0), billing())) == []


def test_cents_add_up_exactly(kind):
    bill = billing(*({"job_id": f"x{n}", "day": 0, "usd": "0.10"} for n in range(1000)))
    result = cost_over_time(convert(table(), kind), PRICES, convert(bill, kind))
    assert rows(result) == [[at(0), None, 100.0]]


@pytest.mark.parametrize("other", KINDS)
def test_a_bill_may_be_of_another_kind(kind, other):
    frame = convert(table(job(0, 1, project_name="a")).assign(job_id="j1"), kind)
    bill = convert(billing({"job_id": "j1", "day": 0, "usd": "1.5"}), other)
    result = cost_over_time(frame, PRICES, bill, by="project_name")
    assert rows(result) == [["a", at(0), 30.0, 1.5]]


def test_days_without_a_zone_are_in_utc(kind):
    bill = billing({"job_id": "j1", "day": 1, "usd": "1.5"})
    bill["date"] = bill["date"].dt.tz_localize(None)
    result = cost_over_time(convert(table(), kind), PRICES, convert(bill, kind))
    assert rows(result) == [[at(24), None, 1.5]]


@pytest.mark.parametrize("dtype", ["float64", "int64", "object"])
def test_money_that_is_no_decimal_of_arrow_counts_as_it_is(kind, dtype):
    bill = billing({"job_id": "j1", "day": 0, "usd": "2"})
    amounts = [Decimal(2)] if dtype == "object" else [2]
    bill["subtotal_usd"] = pd.Series(amounts, dtype=dtype)
    result = cost_over_time(convert(table(), kind), PRICES, convert(bill, kind))
    assert rows(result) == [[at(0), None, 2.0]]


def test_hours_are_refused_where_there_is_a_bill():
    with pytest.raises(ArgumentError, match="freq='h': a bill has days, choose one of D, W"):
        cost_over_time(table(), PRICES, billing(), freq="h")
    with pytest.raises(ArgumentError, match="freq='x': choose one of h, D"):
        cost_over_time(table(), PRICES, freq="x")


def test_what_is_wrong_with_a_bill_is_said(kind):
    frame, bill = table(job()), billing({"job_id": "j1", "day": 0, "usd": "2"})
    for name in ("job_id", "date", "subtotal_usd"):
        with pytest.raises(ArgumentError, match=f"no column '{name}'"):
            cost_over_time(frame, PRICES, convert(bill.drop(columns=name), kind))
    texts = bill.astype({"subtotal_usd": "str"})
    with pytest.raises(ArgumentError, match=r"column 'subtotal_usd' holds .*string, not money"):
        cost_over_time(frame, PRICES, convert(texts, kind))
    days = bill.astype({"date": "str"})
    with pytest.raises(ArgumentError, match="column 'date' holds String, not times"):
        cost_over_time(frame, PRICES, convert(days, kind))
    with pytest.raises(ArgumentError, match="got int: pass for example the billing of a"):
        cost_over_time(frame, PRICES, 3)
    twice = pd.concat([frame, frame], ignore_index=True).assign(job_id="j1")
    with pytest.raises(ArgumentError, match="job 'j1' has several rows: keep one row a job"):
        cost_over_time(convert(twice, kind), PRICES, bill, by="project_name")


def test_columns_of_the_users_own_are_keys_like_others(kind):
    frame = table(job(0, 1), job(0, 1)).assign(date=["mon", "tue"], minutes=[1, 2])
    bill = billing({"job_id": "j1", "day": 0, "usd": "2"})
    by = ["date", "minutes", "gpus", "node_count"]
    result = cost_over_time(convert(frame, kind), PRICES, convert(bill, kind), by=by)
    assert rows(result) == [
        ["mon", 1, 8, 1, at(0), 30.0, 0.0],
        ["tue", 2, 8, 1, at(0), 30.0, 2.0],
    ]


@settings(deadline=None, max_examples=examples(50))
@given(jobs(), bills(), st.sampled_from(WITHOUT_HOURS), st.sampled_from([None, "project_name"]))
def test_periods_are_those_of_the_jobs_and_days_one_by_one(frame, bill, freq, by):
    result = cost_over_time(frame, PRICES, bill, freq=freq, by=by)
    cells = result.assign(group="" if by is None else result[by].fillna("null"))
    cells = cells.set_index(["group", "period"])
    total = estimate_cost(frame, PRICES, by=None)["estimated_usd"].fillna(0.0).item()
    assert result["estimated_usd"].sum() == pytest.approx(total, abs=0.005)

    one_by_one = pd.Series(0.0, cells.index)
    for one in frame.itertuples():
        usd = estimate_cost(frame[frame["job_id"] == one.job_id], PRICES, by=None)
        usd = usd["estimated_usd"].item()
        if not usd > 0:
            continue
        for group, period in cells.index:
            if by is None or group == one.project_name:
                stop = (period.tz_localize(None).to_period(FREQUENCIES[freq]) + 1).start_time
                inside = min(one.end_at, stop.tz_localize("UTC")) - max(one.created_at, period)
                share = max(inside, pd.Timedelta(0)) / (one.end_at - one.created_at)
                one_by_one[group, period] += usd * share
    assert cells["estimated_usd"].fillna(0.0).to_list() == pytest.approx(one_by_one.to_list())

    projects = frame.set_index("job_id")["project_name"]
    exact = dict.fromkeys(cells.index, Decimal(0))
    dated = bill[bill["date"].notna()]
    for row in dated.itertuples():
        known = projects.get(row.job_id, row.project_name) if row.job_id else row.project_name
        group = "" if by is None else "null" if pd.isna(known) else known
        exact[group, period_of(row.date, freq)] += Decimal(repr(row.subtotal_usd))
    billed = cells["billed_usd"].fillna(0.0).to_list()
    assert billed == [float(amount) for amount in exact.values()]
    if len(dated):
        first, last = (period_of(day, freq) for day in (dated["date"].min(), dated["date"].max()))
        on_the_bill = (result["period"] >= first) & (result["period"] <= last)
        assert (result["billed_usd"].notna() == on_the_bill).all()
    else:
        assert result["billed_usd"].isna().all()


@settings(deadline=None, max_examples=examples(20))
@given(jobs(), bills(), st.sampled_from(WITHOUT_HOURS))
def test_all_kinds_give_the_same(frame, bill, freq):
    for by in (None, ["project_name", "gpu_type"], "job_id"):
        expected = cost_over_time(frame, PRICES, bill, freq=freq, by=by)
        for kind in KINDS[1:]:
            result = cost_over_time(
                convert(frame, kind), convert(PRICES, kind), convert(bill, kind), freq=freq, by=by
            )
            assert_same(result, expected)


def test_a_relation_with_days_of_another_type_is_refused():
    bill = duckdb.sql("SELECT 'j1' AS job_id, DATE '2025-01-01' AS date, 2.5 AS subtotal_usd")
    with pytest.raises(ArgumentError, match="column 'date' holds Date, not times"):
        cost_over_time(table(), PRICES, bill)


def test_what_the_bill_assigns_to_a_month_alone_counts_in_months(kind):
    frame = convert(table(job(24, 25)), kind)
    bill = billing(
        {"job_id": "j0", "day": 1, "usd": "1.00"}, {"job_id": "j0", "day": None, "usd": "2.50"}
    )
    bill = bill.assign(month=at(0))
    sums = {
        freq: collected(cost_over_time(frame, PRICES, bill, freq=freq))["billed_usd"].sum()
        for freq in ("D", "M", "Y")
    }  # fmt: skip
    assert sums == {"D": 1.0, "M": 3.5, "Y": 3.5}
