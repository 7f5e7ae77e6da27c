"""The estimate beside the bill."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings

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
from trainview.analysis import clip_jobs, cost_over_time, estimate_cost, reconcile_cost
from trainview.errors import ArgumentError

DEFAULT = ("job_id", "project_name", "reason")
AMOUNTS = [
    "estimated_usd",
    "billed_usd",
    "difference_usd",
    "overhead_usd",
    "price_usd",
    "estimated_minutes",
    "billed_minutes",
]


def rows(result, *columns):
    frame = collected(result)
    frame = frame[list(columns or frame)]
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def reasons(result):
    return dict(rows(result, "job_id", "reason"))


def amounts(result, job_id):
    frame = collected(result).set_index("job_id")
    return frame.loc[job_id, AMOUNTS].tolist()


def test_a_difference_is_overhead_and_price(kind):
    # 2 nodes for 3 h: 180 USD estimated; of 180 minutes 100 are billed, each at 0.60 USD a node
    frame = table(job(0, 3, number=1, node_count=2, gpus=16))
    bill = billing(
        {"job_id": "j1", "day": 0, "usd": "60.00", "minutes": 50},
        {"job_id": "j1", "day": 1, "usd": "60.00", "minutes": 50},
    )
    result = reconcile_cost(convert(frame, kind), convert(PRICES, kind), convert(bill, kind))
    assert rows(result) == [
        ["j1", "llm", "queueing and deployment", 1, 180.0, 120.0, 60.0, 80.0, -20.0, 180.0, 100.0]
    ]


def exactly(bill):
    """Sum what the float64 of a bill are written as."""
    return sum((Decimal(repr(usd)) for usd in bill["subtotal_usd"]), Decimal(0))


def test_each_job_has_its_reason(kind):
    frame = table(
        job(0, 2, number=1),
        job(0, 3, number=2),
        job(0, 4, number=3, instance_type_id="unlisted"),
        job(0, 4, number=4, instance_type_id="unlisted"),
        job(5, 1, number=5),
        job(-9, 0, number=6),
        job(48, 50, number=7),
        job(-9, 0.5, number=8),
        job(47, 50, number=9),
        job(0, 5, number=10, status="pending", instance_type_id="unlisted"),
        job(0, 0, number=11),
        job(0, 5, number=12, status="queued"),
        job(0, 5, number=13, status="pending", instance_type_id="unlisted"),
        job(0, 5, number=14, status="created"),
        job(0, 5, number=15, status="deploy-failed"),
    )
    bill = billing(
        {"job_id": "j1", "day": 0, "usd": "1"},
        {"job_id": "j3", "day": 0, "usd": "2"},
        {"job_id": "j5", "day": 0, "usd": "3"},
        {"job_id": "j12", "day": 0, "usd": "4", "minutes": 8},
        {"job_id": "j13", "day": 0, "usd": "4", "minutes": 8},
        {"job_id": "j14", "day": 0, "usd": "0", "minutes": 0},
        {"job_id": "j15", "day": 0, "usd": "4", "minutes": 8},
        {"job_id": "gone", "day": 1, "usd": "5", "is_deleted": True},
        {"job_id": "lost", "day": 1, "usd": "6"},
        {"job_id": None, "day": None, "usd": "7", "project_name": None},
    )
    result = reconcile_cost(convert(frame, kind), PRICES, convert(bill, kind))
    assert reasons(result) == {
        "j1": "queueing and deployment",
        "j2": "not billed",
        "j3": "no price",
        "j4": "no price",
        "j5": "no known duration",
        "j6": "before the first billed day",
        "j7": "after the last billed day",
        "j8": "not billed",
        "j9": "not billed",
        "j10": "free",
        "j11": "free",
        # it ran, and waits again
        "j12": "billed, though free",
        "j13": "billed, though free",
        "j14": "free",
        "j15": "billed, though free",
        "gone": "deleted job",
        "lost": "not in the jobs table",
        None: "not assigned to a job",
    }
    known, none = pytest.approx, pytest.approx(float("nan"), nan_ok=True)
    assert amounts(result, "j2") == known([90, none, 90, none, none, 180, none])
    assert amounts(result, "j3") == known([none, 2, -2, none, none, 240, 60])
    assert amounts(result, "j5") == known([none, 3, -3, none, none, none, 60])
    assert amounts(result, "j10") == known([0, none, 0, none, none, 0, none])
    assert amounts(result, "j12") == known([0, 4, -4, none, none, 0, 8])
    assert amounts(result, "gone") == known([none, 5, -5, none, none, none, 60])


def test_bills_outside_the_window_of_the_jobs_are_told_as_such(kind):
    jobs = table(job(0, 30, number=1), job(50, 60, number=2), job(60, 80, number=3))
    bill = billing(
        *({"job_id": f"j{number}", "day": number - 1, "usd": "1"} for number in (1, 2, 3)),
        {"job_id": "old", "day": -1, "usd": "2"},
        {"job_id": "long", "day": 0, "usd": "2"},
        {"job_id": "long", "day": 1, "usd": "2"},
        {"job_id": "new", "day": 4, "usd": "3"},
        {"job_id": "within", "day": 2, "usd": "4"},
        {"job_id": "gone", "day": -1, "usd": "5", "is_deleted": True},
        {"job_id": "month", "day": None, "usd": "6"},
        {"job_id": "this month", "day": None, "usd": "6"},
    )
    of_month = bill["date"].isna()
    bill["month"] = bill["date"].where(~of_month, at(-24 * 31))
    bill.loc[bill["job_id"] == "this month", "month"] = at(0)
    clipped = clip_jobs(jobs, at(48), at(72))
    found = reasons(reconcile_cost(convert(clipped, kind), PRICES, convert(bill, kind)))
    assert found == {
        "j1": "before the first job",
        "j2": "queueing and deployment",
        "j3": "queueing and deployment",
        "old": "before the first job",
        "long": "before the first job",
        "new": "after the last job",
        "within": "not in the jobs table",
        "gone": "deleted job",
        "month": "before the first job",
        "this month": "not in the jobs table",
    }
    none = reconcile_cost(convert(jobs.head(0), kind), PRICES, convert(bill, kind))
    assert set(reasons(none).values()) == {"deleted job", "not in the jobs table"}


def test_what_has_no_day_stands_for_its_month_and_an_empty_bill_for_nothing(kind):
    frame = table(
        job(0, 1, number=1), job(24 * 30, 24 * 30 + 1, number=2), job(24 * 31, 800, number=3)
    )
    bill = billing({"job_id": "j1", "day": None, "usd": "1"}).assign(month=at(0))
    found = reconcile_cost(convert(frame, kind), PRICES, convert(bill, kind))
    expected = {"j1": "queueing and deployment", "j2": "not billed"}
    assert reasons(found) == expected | {"j3": "after the last billed day"}
    empty = reconcile_cost(convert(frame, kind), PRICES, convert(bill.head(0), kind), by="reason")
    assert rows(empty, "reason", "jobs") == [["empty bill", 3]]


TEAMS = [
    ("j1", "llm", "p1", "vision"),
    ("j2", "asr", "p2", None),
    ("j3", "twin", "p3", "vision"),
    ("j4", "twin", "p4", "speech"),
]


def test_what_is_billed_goes_to_the_team_that_the_bill_or_one_project_names(kind):
    frame = table(
        *(
            job(0, 1, number=number + 1, project_name=name, project_id=project, team_name=team)
            for number, (_, name, project, team) in enumerate(TEAMS)
        )
    )
    gone = {"day": 0, "is_deleted": True}
    bill = billing(
        {"job_id": "j1", "day": 0, "usd": "1", "team_name": "speech"},
        {"job_id": "a", "usd": "2", "project_name": "old", "team_name": "research"} | gone,
        {"job_id": "b", "usd": "4", "project_name": "llm"} | gone,
        {"job_id": "c", "usd": "8", "project_name": "asr"} | gone,
        {"job_id": "d", "usd": "16", "project_name": "twin"} | gone,
        {"job_id": "e", "usd": "32", "project_name": None} | gone,
        {"job_id": None, "usd": "64", "project_name": "llm"} | gone,
    )
    expected = {"vision": 5.0, "research": 2.0, None: 8.0, "unknown": 112.0, "speech": None}
    found = reconcile_cost(convert(frame, kind), PRICES, convert(bill, kind), by="team_name")
    assert dict(rows(found, "team_name", "billed_usd")) == expected
    daily = cost_over_time(convert(frame, kind), PRICES, convert(bill, kind), by="team_name")
    assert dict(rows(daily, "team_name", "billed_usd")) == expected | {"speech": 0.0}
    # bills that were saved before they carried teams, and jobs without projects
    few = bill.drop(columns=["team_name", "kind", "month", "resource_id"])
    found = reconcile_cost(convert(frame, kind), PRICES, convert(few, kind), by="team_name")
    assert dict(rows(found, "team_name", "billed_usd")) == {
        "vision": 5.0, "speech": None, None: 8.0, "unknown": 114.0,
    }  # fmt: skip
    few = frame.drop(columns=["project_id", "project_name"])
    found = reconcile_cost(convert(few, kind), PRICES, convert(bill, kind), by="team_name")
    assert dict(rows(found, "team_name", "billed_usd"))["unknown"] == 124.0


def test_loops_are_no_training_jobs(kind):
    bill = billing(
        {"job_id": None, "day": 0, "usd": "3", "kind": "LOOPS_TRAINER", "resource_id": "l"},
        {"job_id": None, "day": 0, "usd": "4", "project_name": None},
    )
    found = reconcile_cost(convert(table(), kind), PRICES, convert(bill, kind), by="reason")
    assert rows(found, "reason", "jobs", "billed_usd") == [
        ["not assigned to a job", 0, 4.0],
        ["no training job", 0, 3.0],
    ]


def test_the_largest_difference_is_first_whichever_side_it_is_on(kind):
    frame = table(*(job(0, hours, number=hours) for hours in (1, 2, 3)))
    bill = billing(
        {"job_id": "j1", "day": 0, "usd": "130"},
        {"job_id": "j2", "day": 0, "usd": "70"},
        {"job_id": "j3", "day": 0, "usd": "80"},
        {"job_id": "gone", "day": 0, "usd": "10"},
        {"job_id": None, "day": 0, "usd": "10"},
    )
    result = reconcile_cost(convert(frame, kind), PRICES, convert(bill, kind))
    assert rows(result, "job_id", "difference_usd") == [
        ["j1", -100.0],
        ["gone", -10.0],
        ["j2", -10.0],
        ["j3", 10.0],
        [None, -10.0],
    ]


def test_reasons_can_be_all_that_is_grouped_by(kind):
    frame = table(job(0, 1, number=1), job(0, 2, number=2), job(0, 3, number=3))
    bill = billing(
        {"job_id": "j1", "day": 0, "usd": "10", "minutes": 30},
        {"job_id": "j2", "day": 0, "usd": "20", "minutes": 50},
        {"job_id": "gone", "day": 0, "usd": "1", "is_deleted": True},
        {"job_id": "too", "day": 0, "usd": "2", "is_deleted": True},
        {"job_id": None, "day": 0, "usd": "3"},
        {"job_id": None, "day": 1, "usd": "4"},
    )
    result = reconcile_cost(convert(frame, kind), PRICES, convert(bill, kind), by="reason")
    assert rows(result) == [
        ["not billed", 1, 90.0, None, 90.0, None, None, 180.0, None],
        ["queueing and deployment", 2, 90.0, 30.0, 60.0, 50.0, 10.0, 180.0, 80.0],
        ["not assigned to a job", 0, None, 7.0, -7.0, None, None, None, 120.0],
        ["deleted job", 2, None, 3.0, -3.0, None, None, None, 120.0],
    ]


def test_without_keys_there_is_one_row_always(kind):
    frame, bill = table(job(0, 1, number=1)), billing({"job_id": None, "day": 0, "usd": "3"})
    result = reconcile_cost(convert(frame, kind), PRICES, convert(bill, kind), by=None)
    assert rows(result) == [[1, 30.0, 3.0, 27.0, None, None, 60.0, 60.0]]
    nothing = reconcile_cost(convert(table(), kind), PRICES, convert(bill.head(0), kind), by=None)
    assert rows(nothing) == [[0, None, None, None, None, None, None, None]]


def test_what_is_unknown_on_both_sides_has_no_difference(kind):
    frame = table(
        job(0, 1, number=1, instance_type_id="other"),
        job(0, 1, number=2, instance_type_id="other"),
    )
    bill = billing({"job_id": "j2", "day": 0, "usd": "0"})
    result = reconcile_cost(convert(frame, kind), PRICES, convert(bill, kind), by="job_id")
    # a bill of 0 is known
    assert rows(result, "job_id", "estimated_usd", "billed_usd", "difference_usd") == [
        ["j2", None, 0.0, 0.0],
        ["j1", None, None, None],
    ]
    alone = reconcile_cost(convert(frame, kind), PRICES, convert(bill.head(0), kind), by=None)
    assert rows(alone, "jobs", "difference_usd") == [[2, None]]


def test_a_job_goes_by_its_name_in_the_jobs_table_else_by_the_last_on_the_bill(kind):
    frame = table(job(0, 1, number=1, project_name="now"))
    bill = billing(
        {"job_id": "j1", "day": 0, "usd": "1", "project_name": "before"},
        {"job_id": "gone", "day": 1, "usd": "2", "project_name": "later", "job_name": "x"},
        {"job_id": "gone", "day": 0, "usd": "3", "project_name": "earlier", "job_name": "y"},
        {"job_id": "gone", "day": 2, "usd": "4", "project_name": None},
        {"job_id": "gone", "day": None, "usd": "5", "project_name": "undated"},
        {"job_id": None, "day": 0, "usd": "6", "project_name": "a"},
        {"job_id": None, "day": 0, "usd": "7", "project_name": "b"},
    )
    by = ["job_id", "job_name", "project_name", "gpu_type"]
    result = reconcile_cost(convert(frame, kind), PRICES, convert(bill, kind), by=by)
    assert rows(result, *by, "billed_usd") == [
        ["j1", "run-1", "now", "H100", 1.0],
        ["gone", "x", "later", None, 14.0],
        [None, None, "b", None, 7.0],
        [None, None, "a", None, 6.0],
    ]


def test_a_job_that_reaches_over_the_bill_is_cut_before(kind):
    frame = convert(table(job(-24, 24, number=1)), kind)
    bill = billing({"job_id": "j1", "day": 0, "usd": "720", "minutes": 1440})
    whole = reconcile_cost(frame, PRICES, bill)
    assert rows(whole, "overhead_usd", "price_usd") == [[720.0, 0.0]]
    cut = reconcile_cost(clip_jobs(frame, "2025-01-01T00:00Z"), PRICES, bill)
    assert rows(cut, "overhead_usd", "price_usd") == [[0.0, 0.0]]


def test_what_is_needed_is_named(kind):
    frame, bill = table(job(number=1)), billing({"job_id": "j1", "day": 0, "usd": "1"})
    for name in ("job_id", "is_deleted", "date", "minutes", "subtotal_usd", "project_name"):
        with pytest.raises(ArgumentError, match=f"no column '{name}'"):
            reconcile_cost(frame, PRICES, convert(bill.drop(columns=name), kind))
    few = bill.drop(columns=["project_name", "job_name", "instance_type"])
    result = reconcile_cost(frame, PRICES, convert(few, kind), by="job_id")
    assert rows(result, "billed_usd") == [[1.0]]


def test_a_job_with_several_rows_is_refused(kind):
    frame = pd.concat([table(job(number=1)), table(job(number=1))], ignore_index=True)
    with pytest.raises(ArgumentError, match="job 'j1' has several rows: keep one row a job"):
        reconcile_cost(convert(frame, kind), PRICES, billing())


@settings(deadline=None, max_examples=examples(50))
@given(jobs(), bills())
def test_reconciliation_sums_to_the_cent(frame, bill):
    estimate = estimate_cost(frame, PRICES, by=None)["estimated_usd"].fillna(0.0).item()
    exact = exactly(bill)
    on_the_bill = set(bill["job_id"].dropna()) - set(frame["job_id"])
    for by in (DEFAULT, "reason", None, ["gpu_type", "status"]):
        result = reconcile_cost(frame, PRICES, bill, by=by)
        sums = result.sum(numeric_only=True)
        assert sums["jobs"] == len(frame) + len(on_the_bill)
        assert sums["estimated_usd"] == pytest.approx(estimate, abs=0.005)
        assert sums["billed_usd"] == pytest.approx(float(exact), abs=0.005)
        assert sums["difference_usd"] == pytest.approx(estimate - float(exact), abs=0.005)
        assert sums["billed_minutes"] == bill["minutes"].sum()
    explained = reconcile_cost(frame, PRICES, bill)
    both = explained[explained["reason"] == "queueing and deployment"]
    parts = both["overhead_usd"] + both["price_usd"]
    assert parts.to_list() == pytest.approx(both["difference_usd"].to_list())
    assert explained.drop(both.index)[["overhead_usd", "price_usd"]].isna().all(axis=None)


def reason_of_unlisted(frame, days):
    if days["is_deleted"].any():
        return "deleted job"
    if days["date"].max() + pd.Timedelta(days=1) <= frame["created_at"].min():
        return "before the first job"
    if days["date"].min() >= frame["end_at"].max():
        return "after the last job"
    return "not in the jobs table"


@settings(deadline=None, max_examples=examples(50))
@given(jobs(), bills())
def test_jobs_are_reconciled_like_one_by_one(frame, bill):
    result = reconcile_cost(frame, PRICES, bill).dropna(subset="job_id").set_index("job_id")
    assert set(result.index) == set(frame["job_id"]) | set(bill["job_id"].dropna())
    for name, row in result.iterrows():
        own = frame[frame["job_id"] == name]
        days = bill[bill["job_id"] == name]
        usd = estimate_cost(own, PRICES, by=None)["estimated_usd"].item()
        billed = float(exactly(days)) if len(days) else None
        assert row["estimated_usd"] == pytest.approx(usd, nan_ok=True)
        assert billed is None if pd.isna(row["billed_usd"]) else row["billed_usd"] == billed
        if not len(own):
            assert row["reason"] == reason_of_unlisted(frame, days)
        elif pd.isna(usd):
            assert row["reason"] in {"no price", "no known duration"}
        elif len(days) and (usd or billed):
            known = {"queueing and deployment", "no price"}
            assert row["reason"] in (known if usd else {"billed, though free"})
        elif usd == 0:
            assert row["reason"] == "free"
        elif bill.empty:
            assert row["reason"] == "empty bill"
        elif own["end_at"].item() <= bill["date"].min():
            assert row["reason"] == "before the first billed day"
        elif own["created_at"].item() >= bill["date"].max() + pd.Timedelta(days=1):
            assert row["reason"] == "after the last billed day"
        else:
            assert row["reason"] == "not billed"


@settings(deadline=None, max_examples=examples(20))
@given(jobs(), bills())
def test_all_kinds_give_the_same(frame, bill):
    for by in (DEFAULT, ["gpu_type", "reason"], None):
        expected = reconcile_cost(frame, PRICES, bill, by=by)
        for kind in KINDS[1:]:
            result = reconcile_cost(
                convert(frame, kind), convert(PRICES, kind), convert(bill, kind), by=by
            )
            assert_same(result, expected)
        shuffled = reconcile_cost(frame[::-1], PRICES, bill[::-1], by=by)
        assert_same(shuffled, expected)
