"""Two sets of jobs side by side."""

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from tests.analysis import fleet
from tests.analysis.tables import PRICES, at, billing, collected, convert, job, jobs, table
from tests.properties import examples
from trainview.analysis import compare_causes, compare_jobs
from trainview.analysis.comparing import verdicts
from trainview.analysis.comparing_words import headlines
from trainview.analysis.intervals import with_interval
from trainview.analysis.measures import MEASURES
from trainview.errors import ArgumentError

BEFORE = table(
    job(0, 2, number=1, project_name="steady"),
    job(0, 1, number=2, project_name="steady", status="failed", error_message="lost 3"),
    job(0, 4, number=3, project_name="ends"),
    job(0, 1, number=4, project_name="odd", instance_type_id="unpriced"),
)
AFTER = table(
    job(5, 9, number=5, project_name="steady"),
    job(5, 6, number=6, project_name="steady", status="running"),
    job(5, 6, number=7, project_name="new", status="failed", error_message="disk full"),
    job(5, 7, number=8, project_name="odd", instance_type_id="unpriced"),
)
BOTH = (PRICES, PRICES)


def by_project(before=BEFORE, after=AFTER, **more):
    return collected(compare_jobs(before, after, "project_name", **more)).set_index("project_name")


def figures(before=BEFORE, after=AFTER, **more):
    return collected(compare_jobs(before, after, **more)).set_index("figure")


def values(found, name):
    names = [f"{name}_{each}" for each in ("before", "after", "difference", "ratio")]
    return {row: [None if pd.isna(x) else float(x) for x in cells] for row, *cells in found[names].itertuples()}  # fmt: skip


def finished(failed, others, **same):
    rows = [job(status="failed", **same)] * failed + [job(**same)] * others
    return table(*rows)


def test_groups_stand_side_by_side(kind):
    found = by_project(convert(BEFORE, kind), convert(AFTER, kind), prices=BOTH)
    # 30 USD an hour: what differs most comes first, what is not known last
    assert found.index.to_list() == ["ends", "steady", "new", "odd"]
    assert found["change"].fillna("").to_dict() == {
        "ends": "stopped",
        "steady": "noise",
        "new": "appeared",
        "odd": "same",
    }
    assert values(found, "jobs") == {
        "ends": [1, 0, -1, 0],
        "steady": [2, 2, 0, 1],
        "new": [0, 1, 1, None],
        "odd": [1, 1, 0, 1],
    }
    assert values(found, "gpu_hours") == {
        "ends": [32, 0, -32, 0],
        "steady": [24, 40, 16, 40 / 24],
        "new": [0, 8, 8, None],
        "odd": [8, 16, 8, 2],
    }
    assert values(found, "estimated_usd") == {
        "ends": [120, 0, -120, 0],
        "steady": [90, 150, 60, 150 / 90],
        "new": [0, 30, 30, None],
        "odd": [None, None, None, None],
    }
    assert values(found, "failed_usd")["steady"] == [30, 0, -30, 0]
    assert values(found, "failure_rate")["steady"] == [0.5, 0, -0.5, 0]
    assert values(found, "failure_rate")["new"] == [None, 1, None, None]
    assert found["unpriced_jobs_after"].to_dict() == {"ends": 0, "steady": 0, "new": 0, "odd": 1}


def test_key_figures_are_those_of_all(kind):
    found = figures(convert(BEFORE, kind), convert(AFTER, kind), prices=BOTH)
    assert found.index[0] == "projects with jobs"
    assert found.index.to_list()[1:] == [name for name, _ in MEASURES.values()]
    numbers = found[["before", "after", "difference", "change"]].T.to_dict("list")
    assert numbers["projects with jobs"] == [1, 1, 0, "same"]
    assert numbers["jobs"] == [4, 4, 0, "same"]
    assert numbers["jobs finished"] == [4, 3, -1, "less"]
    assert numbers["GPU-hours"] == [64, 64, 0, "same"]
    assert numbers["GPU-hours of failed jobs"] == [8, 8, 0, "same"]
    assert numbers["USD estimated"] == [210, 180, -30, "less"]
    assert found.loc["failure rate", ["before", "change"]].to_list() == [0.25, "noise"]
    # table I, method 3 of R. G. Newcombe is what failure_rates is held to
    low, high = found.loc["failure rate", ["low_before", "high_before"]]
    assert (round(low, 4), round(high, 4)) == (0.0456, 0.6994)
    assert found["low_before"].notna().sum() == 1


@pytest.mark.parametrize("known", [None, PRICES])
def test_what_one_side_does_not_know_is_null_and_no_jobs_cost_nothing(known):
    found = figures(prices=(known, PRICES)).loc["USD estimated"]
    assert found[["before", "difference", "ratio"]].isna().all() == (known is None)
    none = figures(BEFORE.head(0), AFTER, prices=(known, PRICES))
    assert none.loc["jobs", ["before", "after"]].to_list() == [0, 4]
    assert none.loc["GPU-hours", "before"] == 0
    assert pd.isna(none.loc["failure rate", "before"])
    if known is None:
        assert pd.isna(none.loc["USD estimated", "before"])
    else:
        assert none.loc["USD estimated", "before"] == 0
    unpriced = BEFORE.assign(instance_type_id="unpriced")
    assert pd.isna(figures(unpriced, prices=BOTH).loc["USD estimated", "before"])


def test_hours_of_jobs_that_contradict_themselves_are_not_known():
    odd = table(job(2, 1, project_name="odd"))
    assert values(by_project(odd, odd), "gpu_hours")["odd"] == [None] * 4
    mixed = pd.concat([odd, BEFORE], ignore_index=True)
    assert figures(mixed, mixed).loc["GPU-hours", "before"] == 64


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10: 56/70 - 48/80
        # has 0.0524 to 0.3339, 9/10 - 3/10 has 0.1705 to 0.8090, 5/56 - 0/29 has -0.0381 to 0.1926
        ((48, 32), (56, 14), "worse"),
        ((3, 7), (9, 1), "worse"),
        ((9, 1), (3, 7), "better"),
        ((0, 29), (5, 51), "noise"),
        ((5, 51), (0, 29), "noise"),
        ((1, 0), (2, 3), "noise"),
        ((1, 1), (4, 4), "same"),
        ((0, 3), (0, 9), "same"),
    ],
)
def test_a_rate_is_worse_only_where_chance_would_hardly_do_it(before, after, change):
    sides = finished(*before), finished(*after)
    assert by_project(*sides)["change"].item() == change
    assert figures(*sides).loc["failure rate", "change"] == change


def test_a_change_inside_both_intervals_is_noise():
    pairs = [(failed, later) for failed in range(21) for later in range(31)]
    counts = pd.DataFrame(pairs, columns=["old", "new"])
    old, new = (
        with_interval(nw.from_native(counts[[name]].rename(columns={name: "failed"}).assign(finished=of))).to_native()
        for name, of in (("old", 20), ("new", 30))
    )  # fmt: skip
    found = pd.Series(verdicts(old, new))
    inside = new["failure_rate"].between(old["low"], old["high"])
    inside &= old["failure_rate"].between(new["low"], new["high"])
    apart = (old["low"] > new["high"]) | (old["high"] < new["low"])
    assert min(inside.sum(), apart.sum()) > 100
    assert set(found[inside]) == {"noise", "same"}
    assert set(found[apart]) == {"worse", "better"}


def test_bills_idle_gpus_and_lost_work_are_told_where_they_are_known(kind):
    bills = billing({"job_id": "j1", "day": 0, "usd": "7.5"}, {"job_id": "gone", "day": 0, "usd": "2", "project_name": "was"})  # fmt: skip
    after_bills = billing({"job_id": "j5", "day": 0, "usd": "9.25"})
    samples = fleet.metrics(
        *(fleet.sample(minute, 0.0, job_id="j1", step_seconds=1800.0) for minute in (0, 30)),
        fleet.sample(0, 0.9, job_id="j2", step_seconds=1800.0),
    )
    later = fleet.metrics(fleet.sample(300, 0.0, job_id="j5", step_seconds=3600.0))
    lost = pd.DataFrame({"job_id": ["j2", "j7", "j1"], "lost_gpu_hours": [4.0, None, 99.0]})
    found = by_project(
        convert(BEFORE, kind),
        convert(AFTER, kind),
        prices=BOTH,
        billing=(bills, after_bills),
        metrics=(samples, later),
        lost=(lost, lost),
    )
    assert values(found, "billed_usd")["steady"] == [7.5, 9.25, 1.75, 9.25 / 7.5]
    assert values(found, "billed_usd")["was"] == [2, 0, -2, 0]
    assert found.loc["was", ["jobs_before", "jobs_after"]].to_list() == [0, 0]
    assert pd.isna(found.loc["was", "change"])
    assert values(found, "idle_gpu_hours")["steady"] == [1, 1, 0, 1]
    assert values(found, "covered_gpu_hours")["steady"][:2] == [1.5, 1]
    assert values(found, "idle_usd")["steady"][:2] == [3.75, 3.75]
    # no samples are not no idle time; no jobs are
    assert values(found, "idle_gpu_hours")["ends"] == [None, 0, None, None]
    assert values(found, "lost_gpu_hours") == {
        "steady": [4, 0, -4, 0],
        "ends": [0, 0, 0, None],
        "new": [0, None, None, None],
        "odd": [0, 0, 0, None],
        "was": [0, 0, 0, None],
    }
    nothing = by_project()
    for name in ("billed_usd", "idle_gpu_hours", "idle_usd", "lost_gpu_hours", "estimated_usd"):
        assert nothing[f"{name}_before"].isna().all(), name


def test_hours_still_counted_from_submission_are_told_apart():
    known = BEFORE.assign(hours_basis=["released", "submitted", "started", "released"])
    found = values(by_project(known, BEFORE), "upper_bound_gpu_hours")
    assert found["steady"] == [8, 24, 16, 3]
    assert found["ends"] == [0, 32, 32, None]


def test_by_gpus_and_by_columns_of_other_types(kind):
    rows = [job(0, 1, number=n, gpus=gpus, priority=n or None) for n, gpus in enumerate([1, 2])]
    before, after = (convert(table(*part), kind) for part in (rows[:1], rows))
    samples = fleet.metrics(fleet.sample(0, 0.0, job_id="j1"))
    metrics = samples, samples
    found = collected(compare_jobs(before, after, "gpus", metrics=metrics))
    assert found[["gpus", "change", "jobs_before", "jobs_after"]].to_numpy().tolist() == [
        [2, "appeared", 0, 1],
        [1, "same", 1, 1],
    ]
    found = collected(compare_jobs(before, after, ["priority", "is_open"]))
    assert found["priority"].fillna(-1).to_list() == [1, -1]


def test_causes_come_and_go(kind):
    found = collected(compare_causes(convert(BEFORE, kind), convert(AFTER, kind), prices=BOTH))
    columns = ["error", "change", "jobs_before", "jobs_after", "estimated_usd_difference", "job_id"]
    assert found[columns].to_numpy().tolist() == [
        ["disk full", "new", 0, 1, 30, "j7"],
        ["lost <number>", "vanished", 1, 0, -30, "j2"],
    ]
    assert found["share_before"].to_list() == [0, 0.25]
    assert found["share_after"].to_list() == [1 / 3, 0]
    assert found["last_seen"].to_list() == [at(6), at(1)]


def test_causes_are_more_only_beyond_chance_and_tell_the_latest():
    old = table(*[job(0, 1, status="failed", error_message="lost 1")] * 2, *[job()] * 98)
    some = table(*[job(5, 6, status="failed", error_message="lost 9")] * 3, *[job()] * 97)
    many = table(*[job(5, 6, status="failed", error_message="lost 9")] * 30, *[job()] * 70)
    assert compare_causes(old, some)["change"].to_list() == ["noise"]
    assert compare_causes(old, many)["change"].to_list() == ["more"]
    assert compare_causes(many, old)["change"].to_list() == ["fewer"]
    assert compare_causes(many, many)["change"].to_list() == ["same"]
    assert compare_causes(many, old)["example"].to_list() == ["lost 9"]
    assert compare_causes(many, old)["estimated_usd_before"].isna().all()
    none = table(job(status="failed", error_message=None))
    found = compare_causes(none, none)
    assert found["error"].isna().to_list() == [True]
    assert found["change"].to_list() == ["same"]


@settings(max_examples=examples(10), deadline=None)
@given(before=jobs(), after=jobs())
def test_sides_can_be_swapped_and_sums_are_those_of_the_whole(before, after):
    there = compare_jobs(before, after, prices=BOTH).set_index("figure")
    back = compare_jobs(after, before, prices=BOTH).set_index("figure")
    pd.testing.assert_series_equal(there["difference"], -back["difference"], check_exact=True)
    opposite = {"more": "less", "less": "more", "worse": "better", "better": "worse"}
    assert there["change"].replace(opposite).equals(back["change"])
    groups = compare_jobs(before, after, "project_id", prices=BOTH)
    for name, (figure, _) in MEASURES.items():
        for side in ("before", "after"):
            if name != "failure_rate":
                total = groups[f"{name}_{side}"].astype("float64").sum()
                assert total == pytest.approx(np.nan_to_num(there.loc[figure, side])), figure
    again = compare_jobs(after, before, "project_id", prices=BOTH)
    differences = [name for name in groups if name.endswith("_difference")]
    pd.testing.assert_frame_equal(groups[differences], -again[differences])
    assert groups["project_id"].equals(again["project_id"])
    same = compare_jobs(before, before, "project_id", prices=BOTH)
    assert (same[differences].fillna(0) == 0).all(axis=None)
    assert set(same["change"].dropna()) <= {"same"}
    assert (same.filter(like="_ratio").fillna(1) == 1).all(axis=None)


def test_groups_are_in_order_of_money_then_of_gpu_hours():
    names = [f"p{number}" for number in range(6)]
    hours = [3, 9, 1, 5, 2, 7]
    after = table(
        *(job(0, hour, project_name=name) for name, hour in zip(names, hours, strict=True))
    )
    before = table(job(0, 9.5, project_name="p0"))
    expected = ["p1", "p5", "p0", "p3", "p4", "p2"]
    assert by_project(before, after, prices=BOTH).index.to_list() == expected
    assert by_project(before, after).index.to_list() == expected


def test_empty_sides_give_no_groups_and_all_figures():
    empty = BEFORE.head(0)
    assert len(by_project(empty, empty, prices=BOTH)) == 0
    assert len(compare_causes(empty, empty, prices=BOTH)) == 0
    found = figures(empty, empty)
    assert found["difference"].dropna().eq(0).all()
    assert headlines(found.reset_index()) == []


def test_a_by_that_is_a_column_of_the_result_is_refused():
    with pytest.raises(ArgumentError, match="by='change'"):
        compare_jobs(BEFORE.assign(change="a"), AFTER, "change")


def test_sentences_tell_the_whole_then_who_then_why():
    hostile = AFTER.assign(project_name=AFTER["project_name"].replace("new", "new\x1b[31m"))
    found = [
        compare_jobs(BEFORE, hostile, prices=BOTH),
        compare_jobs(BEFORE, hostile, "project_name", prices=BOTH),
        compare_causes(BEFORE, hostile, prices=BOTH),
    ]
    assert headlines(*found) == [
        (
            "GPU-hours 64 → 64 (+0%); estimated cost 210 → 180 USD (-14%, -30); "
            "failure rate 25% → 33% (noise)"
        ),
        "GPU-hours of failed jobs 8 → 8 (+0%, +0 USD)",
        "Most more: steady +60 USD, new\\x1b[31m +30 USD; most less: ends -120 USD",
        "Appeared: new\\x1b[31m; stopped: ends",
        "New failure causes: disk full (1 job, 30 USD)",
        "Vanished failure causes: lost <number> (1 job, 30 USD)",
    ]
    assert headlines(*(table.head(0) for table in found)) == []


def test_sentences_without_prices_speak_of_gpu_hours_and_name_a_few():
    names = [f"p{number}" for number in range(9)]
    after = table(*(job(0, 9 - n, project_name=name) for n, name in enumerate(names)))
    groups = compare_jobs(BEFORE.head(0), after, "project_name")
    text = headlines(compare_jobs(BEFORE.head(0), after), groups)
    assert text[0] == "GPU-hours 0 → 360; failure rate unknown → 0%"
    assert text[1] == "Most more: p0 +72 GPU-hours, p1 +64 GPU-hours, p2 +56 GPU-hours and 6 more"
    assert text[2] == "Appeared: p0, p1, p2 and 6 more"
