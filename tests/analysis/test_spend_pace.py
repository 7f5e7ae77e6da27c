"""The pace of spending, with exact answers on tiny tables, and against a plain count."""

from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.fleet import prices
from tests.analysis.tables import at, bills, job, table
from tests.analysis.tables import jobs as made_up
from tests.properties import examples
from trainview import analysis
from trainview.errors import ArgumentError
from trainview.schema import FLEET_TABLES

PER_HOUR = 60.0
MONEY = ["projected_usd", "projected_28d_usd", "projected_low_usd", "projected_high_usd"]


def bill(*days, month=None, **changes):
    """One job's days: (day of January 2025, USD); day None is money of no day."""
    rows = [
        {
            "job_id": "j1", "is_deleted": False, "minutes": 60, "project_name": "llm",
            "date": None if day is None else at(24 * (day - 1)),
            "month": at(0) if month is None else month, "subtotal_usd": Decimal(str(usd)),
        }
        | changes
        for day, usd in days
    ]  # fmt: skip
    return table(*rows, schema=FLEET_TABLES["billing"])


def steady(days, usd=10, **changes):
    return bill(*((day, usd) for day in range(1, days + 1)), **changes)


def pace(*args, **kwargs):
    found = analysis.spend_pace(*args, **kwargs)
    assert len(found) == 1
    return found.iloc[0]


def test_a_steady_pace_goes_on_to_the_end_of_the_month():
    found = pace(steady(28), as_of="2025-01-29T00:00:00Z")
    assert found["month"] == at(0)
    assert (found["known_from"], found["known_until"]) == (at(0), at(24 * 28))
    assert found["month_to_date_usd"] == 280
    assert found["usd_per_day_7d"] == found["usd_per_day_28d"] == 10
    assert found[MONEY].tolist() == [310] * 4
    assert pd.isna(found["budget_usd"])
    assert pd.isna(found["exceeded_on"])


def test_the_last_day_may_be_cut_and_never_counts_for_the_mean():
    cut = bill(*((day, 10) for day in range(1, 9)), (9, 4))
    for as_of in (None, "2025-01-09T08:00:00Z"):
        found = pace(cut, as_of=as_of)
        assert found["month_to_date_usd"] == 84
        assert found["known_until"] == at(24 * 8)
        assert found["usd_per_day_7d"] == 10
        # the ninth becomes a mean day at least
        assert found["projected_usd"] == 310
    dear = bill(*((day, 10) for day in range(1, 9)), (9, 40))
    assert pace(dear)["projected_usd"] == 340
    # once it is over, it is a day like the others
    assert pace(cut, as_of="2025-01-10")["usd_per_day_7d"] == pytest.approx(64 / 7)


def test_the_range_is_of_the_cheapest_and_the_dearest_week_in_a_row():
    days = [(day, 70 if day == 3 else 0) for day in range(1, 11)]
    found = pace(bill(*days), as_of="2025-01-11")
    assert found["usd_per_day_7d"] == 0
    assert found["projected_usd"] == 70
    assert (found["projected_low_usd"], found["projected_high_usd"]) == (70, 70 + 21 * 10)
    assert pd.isna(found["usd_per_day_28d"])
    assert pd.isna(found["projected_28d_usd"])


def test_the_last_moment_that_there_is_has_a_pace_too():
    assert pace(steady(3), as_of="9999-12-31T23:59:59Z")["month"] == pd.Timestamp(
        "9999-12-01T00:00Z"
    )


def test_fewer_than_seven_whole_days_tell_no_pace():
    found = pace(steady(6), as_of="2025-01-07", budget=50)
    assert found["month_to_date_usd"] == 60
    assert found[[*MONEY, "usd_per_day_7d", "projected_share"]].isna().all()
    assert found["used_share"] == 1.2
    assert found["exceeded_on"] == at(24 * 5)


def test_a_new_month_begins_with_what_the_old_one_tells():
    found = pace(steady(31), as_of="2025-02-01T05:00:00Z")
    assert found["month"] == pd.Timestamp("2025-02-01", tz="UTC")
    assert pd.isna(found["month_to_date_usd"])
    assert found["projected_usd"] == 280
    with_first = pd.concat([steady(31), bill((32, 25), month=at(24 * 31))])
    assert pace(with_first, as_of="2025-02-01T05:00:00Z")["month_to_date_usd"] == 25
    assert pace(with_first, as_of="2025-02-01T05:00:00Z")["projected_usd"] == 25 + 270


def test_what_is_dated_later_is_left_out():
    early = pace(steady(31), as_of="2025-01-12T12:00:00Z")
    assert early["month_to_date_usd"] == 120
    assert early["known_until"] == at(24 * 11)


def test_money_of_no_day_counts_in_its_month_alone():
    with_rest = pd.concat([steady(10), bill((None, 5)), bill((None, 3), month=at(-24))])
    found = pace(with_rest, as_of="2025-01-11")
    assert found["month_to_date_usd"] == 105
    assert found["usd_per_day_7d"] == 10
    assert found["projected_usd"] == 315
    only = pace(bill((None, 5)), budget=4)
    assert (only["month"], only["month_to_date_usd"]) == (at(0), 5)
    assert only["exceeded_on"] == at(0)
    assert only[["known_from", "known_until", *MONEY]].isna().all()


@pytest.mark.parametrize(
    ("budget", "day"),
    [(1000, None), (310, None), (309, 31), (201, 21), (200, 21), (199, 20), (105, 11), (100, 11),
     (99, 10), (55, 6), (0, 1)],
)  # fmt: skip
def test_the_day_on_which_the_budget_is_exceeded(budget, day):
    found = pace(steady(10), as_of="2025-01-11T01:00:00Z", budget=budget)
    assert found["exceeded_on"] == (pd.NaT if day is None else at(24 * (day - 1))) or day is None
    assert pd.isna(found["exceeded_on"]) == (day is None)
    if budget:
        assert found["used_share"] == pytest.approx(100 / budget)
        assert found["projected_share"] == pytest.approx(310 / budget)
    else:
        assert found[["used_share", "projected_share"]].isna().all()


def test_budgets_by_name_and_those_who_spent_nothing():
    both = pd.concat([steady(10, team_name="red"), steady(10, 30, team_name=None)])
    found = analysis.spend_pace(both, by="team_name", as_of="2025-01-11",
                                budget={"red": 400, "blue": 9})  # fmt: skip
    assert found["team_name"].tolist() == ["unknown", "red", "blue"]
    assert found["month_to_date_usd"].tolist() == [300, 100, 0]
    assert found["budget_usd"].fillna(-1).tolist() == [-1, 400, 9]
    assert found["projected_usd"].tolist() == [930, 310, 0]


def test_an_estimate_instead_of_a_bill():
    running = job(24 * 3, 24 * 12 + 6, status="running", instance_type_id="big", node_count=1)
    found = pace(jobs=table(running), prices=prices(big=1.0), budget=31 * 1440)
    assert found["known_from"] == at(24 * 3)
    assert found["known_until"] == at(24 * 12)
    assert found["usd_per_day_7d"] == pytest.approx(1440)
    assert found["month_to_date_usd"] == pytest.approx((9 * 24 + 6) * PER_HOUR)
    assert found["projected_usd"] == pytest.approx(28 * 1440)
    # after the last job nothing was spent, and that is known of jobs
    later = pace(jobs=table(running), prices=prices(big=1.0), as_of="2025-01-30")
    assert later["usd_per_day_7d"] == 0


def test_a_cost_that_is_not_known_is_not_zero():
    rows = [
        job(0, 24 * 9, instance_type_id="odd", project_name="asr"),
        job(0, 24 * 9, instance_type_id="big", project_name="llm"),
        job(24, 24, status="pending", instance_type_id="odd", project_name="new"),
    ]
    frame = table(*rows)
    found = analysis.spend_pace(jobs=frame, prices=prices(big=1.0), by="project_name", budget=9)
    found = found.set_index("project_name")
    assert found["unknown_jobs"].to_dict() == {"llm": 0, "new": 0, "asr": 1}
    assert found.loc["asr", ["month_to_date_usd", *MONEY, "exceeded_on"]].isna().all()
    assert found.loc["new", "month_to_date_usd"] == 0
    both = pace(jobs=frame, prices=prices(big=1.0))
    assert (both["unknown_jobs"], both["month_to_date_usd"]) == (1, pytest.approx(9 * 1440))
    long_ago = table(rows[0], job(24 * 99, 24 * 110, instance_type_id="big"))
    assert pace(jobs=long_ago, prices=prices(big=1.0))["unknown_jobs"] == 0


def test_nothing_is_known_of_nothing():
    for found in (
        pace(bill()), pace(jobs=table(), prices=prices(big=1.0)), pace(bill(), budget=5)
    ):  # fmt: skip
        rest = found.drop(["unknown_jobs", "budget_usd"])
        assert rest.isna().all()
    assert pace(bill(), as_of="2025-01-07")["month"] == at(0)
    assert analysis.spend_pace(bill(), by="team_name").empty
    assert analysis.spend_pace(jobs=table(), prices=prices(big=1.0), by="status").empty


def test_far_days_take_no_memory():
    found = pace(bill((1, 5), (2_900_000, 7)))
    assert found["month_to_date_usd"] == 7


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("give billing, or jobs and prices", {}),
        ("either billing, or jobs", {"billing": bill(), "jobs": table(), "prices": prices()}),
        ("either billing, or jobs", {"billing": bill(), "prices": prices()}),
        ("either billing, or jobs", {"jobs": table()}),
        ("budget=-1", {"billing": bill(), "budget": -1}),
        ("budget=nan", {"billing": bill(), "budget": float("nan")}),
        ("budget=True", {"billing": bill(), "budget": True}),
        (r"budget\['red'\]='x'", {"billing": bill(), "budget": {"red": "x"}, "by": "team_name"}),
        ("by='team_name'", {"billing": bill(), "budget": {"red": 1}}),
        ("as_of='soon'", {"billing": bill(), "as_of": "soon"}),
        ("no column 'nothing'", {"billing": bill(), "by": "nothing"}),
        ("no column 'date', 'subtotal_usd'", {"billing": table()}),
    ],
)
def test_what_cannot_be_is_refused(words, arguments):
    with pytest.raises(ArgumentError, match=words):
        analysis.spend_pace(**arguments)


class Counted:
    """A plain count, day by day."""

    def __init__(self, frame, as_of):
        self.spent = {}
        dated = frame[frame["date"].notna()]
        for day, usd in zip(dated["date"].dt.date, dated["subtotal_usd"], strict=True):
            self.spent[day] = self.spent.get(day, 0.0) + usd
        self.first, last = min(self.spent), max(self.spent)
        self.current = as_of or last
        self.today = last if as_of is None else min(as_of, last + timedelta(days=1))
        self.begin = self.current.replace(day=1)
        self.end = (self.begin + timedelta(days=32)).replace(day=1)
        self.is_known = max(self.begin, self.first) <= min(self.current, last)

    def on(self, day):
        return self.spent.get(day, 0.0) if day <= self.current else 0.0

    def mean(self, until):
        week = [until - timedelta(days=number + 1) for number in range(7)]
        return None if min(week) < self.first else sum(map(self.on, week)) / 7

    def month(self, pace):
        """Give what each day of the month costs if it goes on at a pace."""
        for number in range((self.end - self.begin).days):
            day = self.begin + timedelta(days=number)
            yield day, self.on(day) if day < self.today else max(self.on(day), pace)

    def total(self, pace):
        return sum(usd for _, usd in self.month(pace))

    def exceeded(self, pace, budget):
        total = 0.0
        for day, usd in self.month(pace):
            total += usd
            if total > budget + 1e-9:
                return day
        return None


@settings(max_examples=examples(40), deadline=None)
@given(
    frame=bills(most=20).filter(lambda bill: bill["date"].notna().any()),
    now=st.none() | st.integers(-30, 60),
    budget=st.sampled_from([0.5, 100.0, 5000.0]),
)
def test_it_is_what_a_plain_count_gives(frame, now, budget):
    as_of = None if now is None else date(2025, 1, 1) + timedelta(days=now)
    found = pace(frame, as_of=as_of, budget=budget)
    count = Counted(frame, as_of)
    # from the first day of the month, or of the bill, to now, or to the last day of the bill
    assert count.is_known == pd.notna(found["month_to_date_usd"])
    if count.is_known:
        days = [day for day, _ in count.month(0.0) if day <= count.current]
        assert found["month_to_date_usd"] == pytest.approx(sum(map(count.on, days)))
    week = count.mean(count.today)
    assert (week is None) == pd.isna(found["projected_usd"])
    if week is None:
        return
    assert found["projected_usd"] == pytest.approx(count.total(week))
    means = [count.mean(count.today - timedelta(days=number)) for number in range(22)]
    weeks = [mean for mean in means if mean is not None]
    assert found["projected_low_usd"] == pytest.approx(count.total(min(weeks)))
    assert found["projected_high_usd"] == pytest.approx(count.total(max(weeks)))
    shown = found["exceeded_on"]
    assert (None if pd.isna(shown) else shown.date()) == count.exceeded(week, budget)


@settings(max_examples=examples(20), deadline=None)
@given(frame=made_up())
def test_the_estimate_of_the_month_is_that_of_cost_over_time(frame):
    listed = prices(**{"H100:8": 0.5, "1x4": 0.015625})
    by = "project_name"
    found = analysis.spend_pace(jobs=frame, prices=listed, by=by).set_index(by)
    months = analysis.cost_over_time(frame, listed, freq="M", by=by)
    for name, row in found.iterrows():
        own = months[(months[by] == name) & (months["period"] == row["month"])]
        expected = own["estimated_usd"].sum()
        if pd.isna(row["month_to_date_usd"]):
            assert row["unknown_jobs"] or not expected
        else:
            assert row["month_to_date_usd"] == pytest.approx(expected)
    assert set(found.index) == set(frame[by])
