"""Time to failure: counts by hand, intervals against the exact distribution."""

from decimal import Decimal, localcontext
from math import log

import pandas as pd
import pytest

from tests.analysis.tables import assert_same, job, table
from trainview.analysis import time_to_failure
from trainview.analysis.chi_square import chi_square_quantile
from trainview.errors import ArgumentError

# What scipy.stats.chi2.ppf of SciPy 1.17.1 gives.
SCIPY = [
    (0.025, 2, 0.05063561596857975),
    (0.975, 2, 7.377758908227871),
    (0.025, 6, 1.2373442457912027),
    (0.975, 6, 14.44937533544792),
    (0.025, 20, 9.590777392264867),
    (0.975, 20, 34.16960690283833),
    (0.025, 2000, 1877.9460368153905),
    (0.975, 2000, 2125.8423024497756),
    (0.025, 200000, 198762.30532748945),
    (0.975, 200000, 201241.48328154747),
]


@pytest.mark.parametrize(("share", "degrees", "value"), SCIPY)
def test_quantiles_are_those_of_scipy(share, degrees, value):
    assert chi_square_quantile(share, degrees) == pytest.approx(value, rel=1e-10)


def below(value: float, degrees: int) -> float:
    """The distribution, to fifty digits."""
    with localcontext(prec=50):
        mean = Decimal(value) / 2
        term = total = (-mean).exp()
        for number in range(1, degrees // 2):
            term *= mean / number
            total += term
        return float(1 - total)


@pytest.mark.parametrize("degrees", [2, 4, 8, 30, 100, 700])
@pytest.mark.parametrize("share", [0.01, 0.025, 0.5, 0.975, 0.99])
def test_the_distribution_of_a_quantile_is_its_share(share, degrees):
    assert below(chi_square_quantile(share, degrees), degrees) == pytest.approx(share, rel=1e-9)


def fleet(*rows: tuple[int, str, float | None, str | None]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Jobs and their phases: GPUs, status, hours that it ran, message."""
    jobs = table(
        *(
            job(0, 1, job_id=f"k{number}", gpus=gpus, status=status, error_message=message)
            for number, (gpus, status, _, message) in enumerate(rows)
        )
    )
    phases = pd.DataFrame(
        {"job_id": jobs["job_id"], "running_hours": [hours for _, _, hours, _ in rows]}
    )
    return jobs, phases.astype({"running_hours": "float64"})


FLEET = fleet(
    (1, "failed", 10, "CUDA out of memory"),
    (1, "failed", 6, "NVRM: Xid 79, GPU has fallen off the bus."),
    (2, "completed", 30, None),
    (8, "failed", 10, None),
    (8, "deploy-failed", 0, "CUDA out of memory"),
    (9, "stopped", 4, None),
    (16, "running", 2, None),
    (17, "preempted", 8, None),
    (32, "failed", None, "NVRM: Xid 79, GPU has fallen off the bus."),
    (0, "completed", 1, None),
    (100, "pending", 0, None),
)


def test_time_and_failures_are_counted_by_size():
    found = time_to_failure(*FLEET)
    rows = found[["gpus", "jobs", "unknown_jobs", "running_hours", "failures"]]
    assert rows.to_numpy().tolist() == [
        ["0", 1, 0, 1, 0],
        ["1", 2, 0, 16, 2],
        ["2-8", 2, 0, 40, 1],
        ["9-16", 2, 0, 6, 0],
        ["17-32", 1, 1, 8, 0],
        ["65-128", 1, 0, 0, 0],
    ]
    assert found["mttf_hours"].fillna(-1).to_list() == [-1, 8, 40, -1, -1, -1]


def test_the_interval_is_that_of_the_handbook():
    found = time_to_failure(*FLEET).set_index("gpus")
    # Without a failure the lower bound is T / -log(0.025), and there is no upper one.
    assert found.loc["9-16", "mttf_low_hours"] == pytest.approx(6 / -log(0.025), rel=1e-12)
    assert found["mttf_high_hours"].isna().to_list() == [True, False, False, True, True, True]
    assert found.loc["2-8", "mttf_high_hours"] == pytest.approx(40 / -log(0.975), rel=1e-12)
    # Nothing ran.
    assert pd.isna(found.loc["65-128", "mttf_low_hours"])
    # r = 2 of 16 hours: chi-square with 6 degrees below and 4 above.
    low, high = found.loc["1", ["mttf_low_hours", "mttf_high_hours"]]
    assert low == pytest.approx(32 / 14.44937533544792, rel=1e-9)
    assert below(32 / high, 4) == pytest.approx(0.025, rel=1e-9)


# 2 * 1234.5 / scipy.stats.chi2.ppf(0.975, 2 * r + 2) and
# 2 * 1234.5 / scipy.stats.chi2.ppf(0.025, 2 * r) of SciPy 1.17.1, by failures r.
INTERVALS = [
    (0, 334.65447037670293, None),
    (1, 221.56837998778846, 48760.1454583283),
    (2, 170.87243861282553, 5096.831993477566),
    (7, 85.5943830836033, 438.64276832845786),
    (49, 19.056631565842824, 34.05473111254988),
    (1000, 1.160296556781465, 1.3147342637102157),
]


@pytest.mark.parametrize(("failures", "low", "high"), INTERVALS)
def test_intervals_are_those_of_scipy(failures, low, high):
    rows = [(8, "failed", 0.5, None)] * failures
    found = time_to_failure(*fleet(*rows, (8, "completed", 1234.5 - 0.5 * failures, None)))
    assert found["failures"].to_list() == [failures]
    assert found["mttf_low_hours"][0] == pytest.approx(low, rel=1e-9)
    if high is None:
        assert found[["mttf_hours", "mttf_high_hours"]].isna().all(axis=None)
    else:
        assert found["mttf_high_hours"][0] == pytest.approx(high, rel=1e-9)
        assert found["mttf_hours"][0] == pytest.approx(1234.5 / failures, rel=1e-12)


def test_failures_of_other_origins_give_time():
    infrastructure = time_to_failure(*FLEET, by=None, origin="infrastructure")
    assert infrastructure[["running_hours", "failures"]].to_numpy().tolist() == [[71, 1]]
    parts = [
        time_to_failure(*FLEET, by=None, origin=name)["failures"][0]
        for name in ("code", "infrastructure", "capacity", "unknown")
    ]
    assert parts == [1, 1, 0, 1]
    both = time_to_failure(*FLEET, by=None, origin=["code", "unknown"])
    assert both["failures"].to_list() == [2]


def test_any_columns_can_be_grouped_by():
    found = time_to_failure(*FLEET, by=["gpu_type", "gpus"])
    assert list(found)[:2] == ["gpu_type", "gpus"]
    assert_same(found.drop(columns="gpu_type"), time_to_failure(*FLEET))
    found = time_to_failure(*FLEET, by="status")
    assert found["status"].is_monotonic_increasing
    assert time_to_failure(FLEET[0].head(0), FLEET[1], by=None)["jobs"].to_list() == [0]


def test_what_a_new_status_means_is_not_known():
    jobs, phases = FLEET
    strange = jobs.astype({"status": "str"}).assign(status="evicted")
    found = time_to_failure(strange, phases, by=None)
    assert found[["jobs", "unknown_jobs", "failures"]].to_numpy().tolist() == [[0, 11, 0]]


def test_an_origin_that_there_is_not_is_refused():
    with pytest.raises(ArgumentError, match="origin='cosmic': choose from code, infrastructure"):
        time_to_failure(*FLEET, origin="cosmic")
    with pytest.raises(ArgumentError, match="no column 'error_message'"):
        time_to_failure(FLEET[0].drop(columns="error_message"), FLEET[1], origin="code")
