import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.tables import at, collected, convert, job, jobs, table
from trainview.analysis import error_groups, failure_rates
from trainview.analysis.error_rules import NO_MESSAGE, rule_of
from trainview.statuses import STATUSES

OTHER = ["other", "unknown", False]


def rows(result):
    frame = collected(result)
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def finished(failed, others, name):
    return [job(status="failed", project_name=name)] * failed + [job(project_name=name)] * others


def test_evidence_comes_before_chance(kind):
    frame = table(*finished(1, 0, "once"), *finished(30, 10, "often"), *finished(0, 5, "never"))
    result = collected(failure_rates(convert(frame, kind))).set_index("project_name")
    assert result.index.to_list() == ["often", "once", "never"]
    assert result["failure_rate"].to_list() == [0.75, 1.0, 0.0]
    assert result.loc["once", "high"] == 1.0
    assert result.loc["never", "low"] == 0.0


@pytest.mark.parametrize(
    ("failed", "of", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_bounds_are_those_in_print(kind, failed, of, low, high):
    # R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3
    frame = table(*finished(failed, of - failed, "a"))
    result = collected(failure_rates(convert(frame, kind)))
    assert result[["low", "high"]].round(4).to_numpy().tolist() == [[low, high]]


def test_jobs_that_ended_count_also_in_a_status_that_is_not_known(kind):
    frame = table(*(job(status=status.label) for status in STATUSES))
    unknown = frame.iloc[[0]].astype({"status": "str"}).assign(status="evicted")
    frame = pd.concat([frame.astype({"status": "str"}), unknown], ignore_index=True)
    result = collected(failure_rates(convert(frame, kind), by=None))
    assert result[["finished", "failed"]].to_numpy().tolist() == [[6, 2]]


def test_a_group_without_a_finished_job_is_last_and_has_no_rate(kind):
    frame = table(
        job(status="running", project_name="a"),
        job(status="completed", project_name="b"),
        job(status="pending", project_name=None),
    )
    result = rows(failure_rates(convert(frame, kind)))
    assert [row[0] for row in result] == ["b", "a", None]
    assert result[1] == ["a", 0, 0, None, None, None]


@settings(deadline=None)
@given(st.integers(1, 10**6), st.data())
def test_the_interval_holds_the_rate(n, data):
    failed = data.draw(st.integers(0, min(n, 300)))
    n = min(n, failed + data.draw(st.integers(0, 300)))
    if not n:
        return
    result = failure_rates(
        pd.DataFrame({"status": ["failed"] * failed + ["completed"] * (n - failed)}), by=None
    )
    low, rate, high = result.loc[0, ["low", "failure_rate", "high"]]
    assert 0 <= low <= rate <= high <= 1
    # Wilson's bounds are where the score test just does not reject
    z = 1.959963984540054
    for bound in (low, high):
        if 0 < bound < 1:
            assert abs(rate - bound) == pytest.approx(z * math.sqrt(bound * (1 - bound) / n))


def test_causes_are_counted_over_jobs_and_projects(kind):
    frame = table(
        job(0, 2, status="failed", error_message="GPU 1 fell off the bus"),
        job(0, 5, status="failed", error_message="GPU 7 fell off the bus", project_id="p2"),
        job(0, 3, status="failed", error_message="GPU 2 fell off the bus"),
        job(9, 4, status="failed", error_message="GPU 2 fell off the bus", project_id="p2"),
        job(0, 1, status="deploy-failed", error_message="no such thing", gpus=4),
        job(0, 9, status="pending", error_message="waiting for capacity"),
        job(0, 9, status="completed", error_message="GPU 2 fell off the bus"),
        job(0, 1.5, status="failed", number=20),
        job(0, 1, status="failed", error_message="  \n ", number=21, project_id="p3"),
    )
    fell_off = rule_of("fell off the bus")
    hardware = ["hardware", "infrastructure", False, fell_off.advice]
    assert rows(error_groups(convert(frame, kind))) == [
        ["GPU <number> fell off the bus", *hardware[:-1], 4, 2, 80.0, at(2), at(5), hardware[-1], "GPU 7 fell off the bus", "j1"],
        [None, *OTHER, 2, 2, 20.0, at(1), at(1.5), NO_MESSAGE.advice, None, "j20"],
        ["no such thing", *OTHER, 1, 1, 0.0, at(1), at(1), rule_of("").advice, "no such thing", "j4"],
    ]  # fmt: skip


def test_a_lone_surrogate_does_not_stop_the_others():
    frame = table(job(status="failed", error_message="x"), job(status="failed"))
    message = pd.Series(["lost \ud800 node 7", None], dtype=object)
    result = error_groups(frame.assign(error_message=message))
    assert rows(result[["error", "jobs", "example"]]) == [
        ["lost node <number>", 1, "lost \\ud800 node 7"],
        [None, 1, None],
    ]


def test_of_jobs_that_end_together_the_last_name_is_the_example(kind):
    frame = table(
        *(
            job(0, 1, number=number, status="failed", error_message=f"lost node {number}")
            for number in [1, 30, 4]
        )
    )
    assert collected(error_groups(convert(frame, kind)))["job_id"].to_list() == ["j4"]


def test_equally_frequent_causes_are_sorted_by_time_then_text(kind):
    frame = table(
        job(0, 1, status="failed", error_message="b"),
        job(0, 1, status="failed", error_message="a"),
        job(0, 2, status="failed", error_message="c"),
        job(0, 1, status="failed"),
    )
    result = collected(error_groups(convert(frame, kind)))
    assert result["error"].fillna("").to_list() == ["c", "a", "b", ""]


@settings(deadline=None)
@given(jobs(most=20))
def test_every_failed_job_is_in_one_group(frame):
    failed = frame[frame["phase"] == "failed"]
    result = error_groups(frame)
    assert result["jobs"].sum() == len(failed)
    assert result["gpu_hours"].sum() == pytest.approx(failed["gpu_hours"].sum())
    assert result["error"].is_unique
    assert set(result["job_id"]) <= set(failed["job_id"])
