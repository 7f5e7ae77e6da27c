import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.tables import assert_same, collected, convert, job, table
from trainview.analysis import elapsed_stats, status_counts

JOBS = table(
    job(0, 1, status="failed", gpu_type="A10G"),
    job(0, 2, status="running"),
    job(0, 3, status="running"),
    job(0, 4, status="deploy-failed"),
    job(0, 5, status="running", gpu_type=None),
)


def rows(result):
    frame = collected(result)
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def test_statuses_are_counted_the_most_frequent_first(kind):
    assert rows(status_counts(convert(JOBS, kind))) == [
        ["running", "running", 3, pytest.approx(0.6)],
        ["deploy-failed", "failed", 1, 0.2],
        ["failed", "failed", 1, 0.2],
    ]


def test_the_largest_group_is_first_and_its_shares_are_its_own(kind):
    assert rows(status_counts(convert(JOBS, kind), by="gpu_type")) == [
        ["H100", "running", "running", 2, 2 / 3],
        ["H100", "deploy-failed", "failed", 1, 1 / 3],
        ["A10G", "failed", "failed", 1, 1.0],
        [None, "running", "running", 1, 1.0],
    ]


@pytest.mark.parametrize("by", ["status", ["status"], ("status",), ["status", "status"]])
def test_the_status_itself_can_be_the_key(kind, by):
    result = status_counts(convert(JOBS, kind), by=by)
    assert list(collected(result)) == ["status", "phase", "jobs", "share"]
    assert rows(result) == [
        ["running", "running", 3, 1.0],
        ["deploy-failed", "failed", 1, 1.0],
        ["failed", "failed", 1, 1.0],
    ]


def test_the_phase_can_be_the_key(kind):
    assert rows(status_counts(convert(JOBS, kind), by=["phase", "gpu_type"])) == [
        ["running", "H100", "running", 2, 1.0],
        ["failed", "A10G", "failed", 1, 1.0],
        ["failed", "H100", "deploy-failed", 1, 1.0],
        ["running", None, "running", 1, 1.0],
    ]


def test_by_may_be_an_empty_list(kind):
    assert_same(status_counts(convert(JOBS, kind), by=[]), status_counts(JOBS))
    assert_same(elapsed_stats(convert(JOBS, kind), by=[]), elapsed_stats(JOBS, by=None))


def test_quantiles_lie_between_the_nearest_jobs(kind):
    hours = table(*(job(0, hour, status="completed") for hour in [10, 1, 2]), job(1, 0))
    assert_same(
        elapsed_stats(convert(hours, kind)),
        pd.DataFrame(
            {
                "status": ["completed"],
                "jobs": [3],
                "mean": [13 / 3],
                "p50": [2.0],
                "p90": [8.4],
                "p99": [9.84],
                "max": [10.0],
            }
        ),
    )


def test_a_group_without_a_known_duration_stays(kind):
    frame = table(job(1, 0, status="stopped"), job(0, 2), job(2, 0, status="failed"))
    assert rows(elapsed_stats(convert(frame, kind))) == [
        ["completed", 1, 2.0, 2.0, 2.0, 2.0, 2.0],
        ["failed", 0, *[None] * 5],
        ["stopped", 0, *[None] * 5],
    ]


def test_without_a_key_there_is_one_row_always(kind):
    assert rows(elapsed_stats(convert(JOBS.head(0), kind), by=None)) == [[0, *[None] * 5]]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_quantiles_are_those_of_numpy(hours):
    frame = pd.DataFrame({"elapsed_hours": hours, "status": "completed"})
    for by in ("status", None):
        result = elapsed_stats(frame, by=by)
        expected = np.quantile(hours, [0.5, 0.9, 0.99])
        assert result.loc[0, ["p50", "p90", "p99"]].to_list() == pytest.approx(expected.tolist())
        assert result["max"].item() == max(hours)
