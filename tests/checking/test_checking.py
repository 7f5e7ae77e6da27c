"""Rules: at, below and above their limits, in a window of time, and without their data."""

import warnings
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

import trainview as tv
from tests.analysis.tables import PRICES, at, billing, job, table
from tests.builders import job as listed
from tests.builders import payload, project
from trainview.checking.registry import RULES
from trainview.checking.rules import MEASURES
from trainview.schema import FLEET_TABLES
from trainview.tables.dtypes import empty_frame

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def snapshot(*jobs, as_of=24.0, **tables):
    numbered = [row | {"job_id": f"n{number}"} for number, row in enumerate(jobs)]
    snap = tv.Snapshot(
        projects=empty_frame("projects"),
        jobs=table(*numbered),
        instance_types=empty_frame("instance_types"),
        as_of=at(as_of),
    )
    return snap.assign(**tables)


def prices():
    columns = empty_frame("prices").columns
    return PRICES.dropna().assign(gpu_count=8, memory_limit_mib=1, millicpu_limit=1, instance_type="x").reindex(columns=columns)  # fmt: skip


def samples(*values, job_id="n0", start=0.0, step=1.0, gpu=0):
    """Utilisation of one GPU, an hour apart."""
    rows = [
        {"job_id": job_id, "node_id": "n", "gpu": gpu, "metric": "gpu_utilization", "unit": "fraction",
         "timestamp": at(start + step * number), "value": value, "step_seconds": 3600.0 * step}
        for number, value in enumerate(values)
    ]  # fmt: skip
    return table(*rows, schema=FLEET_TABLES["metrics"])


def waited(*rows):
    """A queue: submitted at some hour, waited so long, waits still."""
    found = [
        {"job_id": f"n{number}", "gpu_type": "H100", "requested_gpus": 8, "submitted_at": at(start), "observed_until": at(start + hours),
         "released_at": None if still else at(start + hours), "is_waiting": still, "waited_hours": hours, "active_jobs": 0, "active_gpus": 0, "ahead_jobs": 0, "ahead_gpus": 0}
        for number, (start, hours, still) in enumerate(rows)
    ]  # fmt: skip
    return table(*found, schema=FLEET_TABLES["queue"])


def bill(*days, start=0, **changes):
    """A bill of some days in a row, from a day of January 2025 on."""
    rows = [
        {"job_id": "n0", "day": start + number, "usd": str(usd), **changes}
        for number, usd in enumerate(days)
    ]
    return billing(*rows)


FAILED = job(0, 1, status="failed", project_name="asr")
DONE = job(0, 1)
WAITS = job(19, 24, status="pending")
QUIET = job(0, 24, status="running", updated_at=at(14))
# one GPU of the eight of its node's price
HELD = job(0, 4, gpus=1, gpu_count=8)
CASES = {
    # one in four
    "max_failure_rate": (snapshot(FAILED, DONE, DONE, DONE), 0.25, "share"),
    "max_pending_hours": (snapshot(WAITS, job(23, 24, status="queued"), DONE), 5.0, "h"),
    "max_silent_hours": (snapshot(QUIET, WAITS, job(0, 1, updated_at=at(1))), 10.0, "h"),
    # two nodes for an hour at half a dollar a minute, and a CPU job; deploy-failed is free
    "max_cost_usd": (
        snapshot(
            job(0, 1, node_count=2),
            job(0, 1, instance_type_id="1x4", gpus=0),
            job(0, 9, status="deploy-failed"),
            prices=prices(),
        ),
        60 + 0.9375,
        "USD",
    ),
    "max_idle_gpu_hours": (snapshot(HELD, metrics=samples(0.9, 0.01, 0.02, 0.05)), 2.0, "GPU h"),
    "min_utilization": (snapshot(HELD, metrics=samples(1.0, 0.5, 0.0, 0.5)), 0.5, "share"),
    "max_wait_p90_hours": (
        snapshot(queue=waited(*[(0, 0.5, False)] * 8, (0, 3, False), (1, 7, True))),
        3.0,
        "h",
    ),
    # 31 days at ten dollars, whatever the jobs cost
    "max_projected_cost_usd": (
        snapshot(job(0, 100), prices=prices(), billing=bill(*[10] * 10), as_of=240.0),
        310.0,
        "USD",
    ),
}


@pytest.mark.parametrize("argument", CASES)
def test_a_rule_holds_at_its_limit_and_breaks_beyond_it(argument):
    snap, value, unit = CASES[argument]
    worse = -0.01 if argument.startswith("max") else 0.01
    for limit, broken in ((value, False), (value - worse, False), (value + worse, True)):
        found = tv.check(snap, **{argument: limit})
        assert list(found.columns) == [
            "rule",
            "limit",
            "value",
            "unit",
            "broken",
            "verdict",
            "detail",
        ]
        [row] = found.to_dict("records")
        assert row["value"] == pytest.approx(value, abs=1e-12)
        assert (row["limit"], row["unit"], row["broken"]) == (limit, unit, broken)


def test_every_rule_is_tried_here():
    assert list(CASES) == list(RULES) == list(MEASURES)


def test_details_say_what_the_value_is_made_of():
    def detail(argument, limit=0.0):
        return tv.check(CASES[argument][0], **{argument: limit})["detail"].item()

    assert detail("max_failure_rate") == "1 of 4 jobs that ended; most in asr: 1"
    assert (
        detail("max_pending_hours", 2)
        == "1 of 2 jobs for longer; longest run-0 of llm, submitted 2025-01-01 19:00 UTC"
    )
    assert (
        detail("max_silent_hours", 12)
        == "0 of 2 jobs for longer; longest run-0 of llm, last changed 2025-01-01 14:00 UTC"
    )
    assert (
        detail("max_cost_usd")
        == "estimate at list prices, counted from submission, an upper bound; most in llm: 61"
    )
    assert detail("max_idle_gpu_hours") == "of 4.0 measured, 4.0 held; most in llm: 2.0"
    assert detail("min_utilization") == "mean of 4.0 of 4.0 GPU-hours, as measured"
    assert detail("max_wait_p90_hours") == "of 10 jobs, 1 still waiting"


def test_what_is_missing_in_a_value_is_told():
    untimed = job(0, 1, elapsed_hours=None, gpu_hours=None)
    unpriced = job(0, 1, instance_type_id="unlisted", gpus=1)
    cpu = job(0, 1, instance_type_id="1x4", gpus=0)
    tables = {"prices": prices(), "metrics": samples(0.0, 0.0, 0.0)}
    snap = snapshot(HELD, untimed, unpriced, cpu, **tables)
    with pytest.warns(tv.DataWarning) as told:
        found = tv.check(snap, max_cost_usd=500, max_idle_gpu_hours=50).set_index("rule")
    assert [str(warning.message) for warning in told] == [
        "max-cost holds for what is known: 1 job without a price not in it; 1 job of unknown duration not in it",
        "max-idle-gpu-hours holds for what is known: 1 of 2 jobs not measured",
    ]
    assert {warning.filename for warning in told} == {__file__}
    assert set(found["verdict"]) == {"holds"}
    assert found.loc["max-cost", "value"] == 120.9375
    assert found["detail"].to_dict() == {
        "max-cost": "estimate at list prices, counted from when they began to run (99%), from submission, an upper bound (1%); most in llm: 121; 1 job without a price not in it; 1 job of unknown duration not in it",
        "max-idle-gpu-hours": "of 3.0 measured, 5.0 held; most in llm: 3.0; 11 USD; 1 of 2 jobs not measured",
    }
    queue = snapshot(HELD, DONE, queue=waited((0, 1, False)))
    with pytest.warns(tv.DataWarning, match="max-wait-p90 holds .*: 1 more job not in the queue"):
        found = tv.check(queue, max_wait_p90_hours=2)
    assert found["detail"].item() == "of 1 job, 0 still waiting; 1 more job not in the queue table"


UNPRICED = job(0, 1, instance_type_id="unlisted")
UNPROVEN = {
    # all of them still wait: nobody knows for how long
    "max_wait_p90_hours": (
        snapshot(queue=waited((0, 1, True), (0, 1, True))), 2, 0.5,
        "max-wait-p90 is unproven: at least, of 2 jobs, 2 still waiting",
    ),
    # one of eighty GPU-hours is measured, and of none of the others is anything known
    "min_utilization": (
        snapshot(job(0, 10), metrics=samples(0.9)), 0.5, None,
        "min-utilization is unproven: mean of 1.0 of 80.0 GPU-hours, as measured",
    ),
    "max_idle_gpu_hours": (
        snapshot(job(0, 10), metrics=samples(0.0)), 2, 0.5,
        "max-idle-gpu-hours is unproven: of 1.0 measured, 80.0 held; most in llm: 1.0",
    ),
    "max_cost_usd": (
        snapshot(DONE, UNPRICED, UNPRICED, prices=prices()), 40, 20,
        "max-cost is unproven: estimate at list prices, counted from submission, an upper bound; most in llm: 30; 2 jobs without a price not in it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("argument", UNPROVEN)
def test_what_the_data_cannot_decide_is_unproven(argument):
    snap, limit, beyond, message = UNPROVEN[argument]
    with pytest.warns(tv.DataWarning) as told:
        [row] = tv.check(snap, **{argument: limit}).to_dict("records")
    assert [str(warning.message) for warning in told] == [message]
    assert (row["verdict"], row["broken"]) == ("unproven", False)
    if beyond is not None:
        # what is known is beyond the limit by itself
        [row] = tv.check(snap, **{argument: beyond}).to_dict("records")
        assert (row["verdict"], row["broken"]) == ("broken", True)
    else:
        with pytest.warns(tv.DataWarning):
            [row] = tv.check(snap, **{argument: 0.95}).to_dict("records")
        assert row["verdict"] == "unproven"


def test_every_rule_takes_the_same_samples_those_of_the_lives_of_its_jobs():
    # twelve hours of samples, of a job that lives from 2 to 6, and a window from 4 on
    held = job(2, 6, gpus=1)
    snap = snapshot(held, metrics=samples(*[0.0] * 5, 1.0, *[0.0] * 6), as_of=12.0)
    found = tv.check(snap, since=at(4), max_idle_gpu_hours=1, min_utilization=0.5)
    assert found["value"].to_list() == [1.0, 0.5]
    assert found["detail"].to_list() == [
        "of 2.0 measured, 2.0 held; most in llm: 1.0",
        "mean of 2.0 of 2.0 GPU-hours, as measured",
    ]


def test_a_rule_that_is_broken_needs_no_warning_of_gaps():
    snap = snapshot(HELD, HELD, metrics=samples(0.0, 0.0))
    found = tv.check(snap, max_idle_gpu_hours=1)
    assert found["broken"].item()
    assert found["detail"].item().endswith("; 1 of 2 jobs not measured")


def test_a_cost_of_which_no_duration_is_known_is_no_data():
    untimed = job(0, 1, elapsed_hours=None, gpu_hours=None)
    for others in ([], [job(0, 9, status="deploy-failed")]):
        with pytest.raises(
            tv.ArgumentError, match="max_cost_usd: there is no data for it: no job has"
        ):
            tv.check(snapshot(untimed, *others, prices=prices()), max_cost_usd=1)


def test_samples_of_jobs_that_are_not_listed_are_left_out_and_told():
    gone = samples(0.0, 0.0, job_id="gone")
    with pytest.raises(tv.ArgumentError, match="max_idle_gpu_hours: there is no data for it"):
        tv.check(snapshot(HELD, metrics=gone), max_idle_gpu_hours=1)
    both = pd.concat([gone, samples(0.0, 0.0, 0.0)], ignore_index=True)
    found = tv.check(snapshot(HELD, metrics=both), max_idle_gpu_hours=1)
    assert found["value"].item() == 3
    assert found["detail"].item() == (
        "of 3.0 measured, 4.0 held; most in llm: 3.0; "
        "samples of 1 job that are not in the jobs table left out"
    )


def test_broken_rules_come_first_in_the_order_of_the_arguments():
    snap = snapshot(FAILED, WAITS)
    found = tv.check(snap, max_silent_hours=72, max_pending_hours=9, max_failure_rate=0.5)
    assert found["rule"].tolist() == ["max-failure-rate", "max-pending", "max-silent"]
    assert found["broken"].tolist() == [True, False, False]


def test_a_90th_percentile_that_nobody_has_seen_is_as_long_as_the_longest_wait_at_least():
    snap = snapshot(queue=waited((0, 1, False), (0, 2, False), (0, 6, True)))
    found = tv.check(snap, max_wait_p90_hours=5)
    assert found["value"].item() == 6
    assert found["broken"].item()
    assert found["detail"].item() == "at least, of 3 jobs, 1 still waiting"


def test_where_there_is_nothing_to_measure_a_rule_holds_without_a_value():
    found = tv.check(
        snapshot(), max_failure_rate=0, max_pending_hours=0, max_silent_hours=0, max_cost_usd=0,
        max_idle_gpu_hours=0, min_utilization=1, max_wait_p90_hours=0,
    ).set_index("rule")  # fmt: skip
    assert not found["broken"].any()
    assert found["value"].isna().all()
    assert found["detail"].to_dict() == {
        "max-failure-rate": "no job ended",
        "max-pending": "no job waits",
        "max-silent": "no job is open",
        "max-cost": "no job has run",
        "max-idle-gpu-hours": "no GPUs were held",
        "min-utilization": "no GPUs were held",
        "max-wait-p90": "no job with GPUs was submitted",
    }
    found = tv.check(snapshot(WAITS, job(0, 1, status="deploy-failed")), max_cost_usd=0)
    assert found[["verdict", "detail"]].to_numpy().tolist() == [
        ["holds", "no job has run yet: 1 job waits"]
    ]
    assert found["value"].isna().all()


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("max_cost_usd", "prices"),
        ("max_idle_gpu_hours", "metrics"),
        ("min_utilization", "metrics"),
        ("max_wait_p90_hours", "queue"),
        ("max_projected_cost_usd", "prices"),
    ],
)
def test_a_rule_whose_data_is_not_there_is_an_error_with_the_remedy(argument, name):
    with pytest.raises(tv.ArgumentError) as error:
        tv.check(snapshot(HELD), **{argument: 1})
    assert f"there is no data for it ({name})" in str(error.value)
    assert f"fetch it with include=['{name}']" in str(error.value)


def test_data_of_another_time_is_no_data():
    snap = snapshot(
        job(0, 1),
        job(20, 22),
        metrics=samples(0.0, 0.0),
        queue=waited((0, 1, False)),
        prices=prices().query("instance_type_id == '1x4'"),
    )
    for argument in ("max_idle_gpu_hours", "min_utilization", "max_wait_p90_hours"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", tv.DataWarning)
            assert len(tv.check(snap, **{argument: 1}))
        with pytest.raises(tv.ArgumentError, match=r"since 2025-01-01 12:00 UTC\): fetch it"):
            tv.check(snap, since=NOON, **{argument: 1})
    with pytest.raises(tv.ArgumentError, match="max_cost_usd: no price is known of H100:8"):
        tv.check(snap, max_cost_usd=1)


def test_samples_that_cover_no_time_say_nothing_about_idle_time():
    unknown_step = samples(0.0).assign(step_seconds=None).astype({"step_seconds": "float64"})
    with pytest.raises(tv.ArgumentError, match="max_idle_gpu_hours: there is no data"):
        tv.check(snapshot(HELD, metrics=unknown_step), max_idle_gpu_hours=1)


@pytest.mark.parametrize(
    "since", [NOON, timedelta(hours=12), "12h", "0.5d", "2025-01-01T13:00:00+01:00"]
)
def test_since_cuts_jobs_metrics_and_the_queue(since):
    snap = snapshot(
        job(0, 6, status="failed"),
        job(10, 14, gpus=1),
        job(9, 24, status="pending"),
        prices=prices(),
        metrics=samples(0.0, 0.0, 0.0, 1.0, job_id="n1", start=10),
        queue=waited((0, 5, False), (10, 0.5, False), (13, 1, False)),
    )
    found = tv.check(
        snap, since=since, max_failure_rate=0.5, max_pending_hours=14, max_cost_usd=60,
        max_idle_gpu_hours=1, min_utilization=0.5, max_wait_p90_hours=1,
    ).set_index("rule")  # fmt: skip
    assert found["value"].to_dict() == {
        "max-failure-rate": 0.0,
        # it still waits: that it began before is part of it
        "max-pending": 15.0,
        # two of the four hours
        "max-cost": 60.0,
        "max-idle-gpu-hours": 1.0,
        "min-utilization": 0.5,
        "max-wait-p90": 1.0,
    }
    assert found.index[found["broken"]].tolist() == ["max-pending"]


@pytest.mark.parametrize("since", [at(24), timedelta(0), timedelta(hours=-1), "2026-01-01T00:00Z"])
def test_a_window_that_begins_after_the_data_is_an_error(since):
    is_span = isinstance(since, timedelta) and not isinstance(since, datetime)
    wanted = "a length of time above zero" if is_span else "a moment before that of the data"
    with pytest.raises(tv.ArgumentError, match=f"give {wanted}"):
        tv.check(snapshot(DONE), since=since, max_failure_rate=1)


@pytest.mark.parametrize("since", ["7 days", "2025-01-01T00:00", datetime(2025, 1, 1)])  # noqa: DTZ001
def test_a_window_needs_a_zone(since):
    with pytest.raises(tv.ArgumentError, match="give a moment with a time zone"):
        tv.check(snapshot(DONE), since=since, max_failure_rate=1)


def test_without_any_data_there_is_nothing_to_cut():
    empty = tv.load(payload(training_jobs=[]))
    assert empty.as_of is None
    assert not tv.check(empty, since=timedelta(days=7), max_pending_hours=1)["broken"].any()


@pytest.mark.parametrize(
    ("argument", "limit", "wanted"),
    [
        ("max_failure_rate", 1.5, "a fraction from 0 to 1"),
        ("min_utilization", -0.1, "a fraction from 0 to 1"),
        ("max_cost_usd", -1, "a number from 0"),
        ("max_cost_usd", float("nan"), "a number from 0"),
        ("max_cost_usd", float("inf"), "a number from 0"),
        ("max_cost_usd", True, "a number from 0"),
        ("max_pending_hours", "2h", "a number from 0"),
    ],
)
def test_limits_out_of_range_are_named(argument, limit, wanted):
    with pytest.raises(tv.ArgumentError, match=f"^{argument}=.*: give {wanted}$"):
        tv.check(snapshot(DONE), **{argument: limit})


def test_no_rule_at_all_is_an_error_that_names_them():
    with pytest.raises(tv.ArgumentError, match=r"no rule to check: give one of max_failure_rate, .*max_wait"):  # fmt: skip
        tv.check(snapshot(DONE), since=NOON)


def test_of_the_latest_jobs_alone_the_rules_warn():
    snap = tv.load(payload(training_projects=[project(latest_job=listed())]))
    assert snap.latest_only
    with pytest.warns(tv.DataWarning, match="only the latest job of each project is known"):
        tv.check(snap, max_pending_hours=1e6)


def test_the_snapshot_stays_as_it_was():
    snap = CASES["max_idle_gpu_hours"][0]
    jobs, metrics = snap.jobs.copy(), snap.metrics.copy()
    tv.check(snap, since=at(1), max_idle_gpu_hours=1, max_failure_rate=1)
    pd.testing.assert_frame_equal(snap.jobs, jobs)
    pd.testing.assert_frame_equal(snap.metrics, metrics)


def month(found):
    return found.set_index("rule")["verdict"].to_dict()


def test_the_projected_cost_is_of_the_estimate_where_there_is_no_bill():
    snap = snapshot(job(0, 240, status="running"), prices=prices(), as_of=240.0)
    [row] = tv.check(snap, max_projected_cost_usd=1).to_dict("records")
    whole = tv.spend_pace(jobs=snap.jobs, prices=snap.prices, as_of=snap.as_of).iloc[0]
    assert row["value"] == whole["projected_usd"] == pytest.approx(31 * 720)
    assert row["detail"] == (
        "estimate at list prices extrapolated from the last 7 days, 720 a day, to the end of "
        "January; range 22,320 to 22,320; 7,200 so far"
    )


@pytest.mark.parametrize(
    ("days", "as_of", "words"),
    [
        (bill(*[10] * 6), 144.0, "60 so far; fewer than 7 whole days tell no pace"),
        (bill(*[10] * 10), 480.1, None),
        (bill(*[10] * 10), 504.0, "the bill tells of 2025-01-01 to 2025-01-10 alone"),
        (bill(*[10] * 8, start=12), 480.0, "the bill tells of 2025-01-13 to 2025-01-20 alone"),
        (bill(*[10] * 9, start=-10), 24.0 * 20, "alone"),
    ],
)
def test_a_bill_that_tells_too_little_proves_nothing_unless_it_is_beyond(days, as_of, words):
    snap = snapshot(DONE, billing=days, as_of=as_of)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tv.DataWarning)
        high = tv.check(snap, max_projected_cost_usd=5000).iloc[0]
        low = tv.check(snap, max_projected_cost_usd=20).iloc[0]
    assert high["verdict"] == ("holds" if words is None else "unproven")
    assert (words or "") in high["detail"]
    assert low["verdict"] == "broken"


def test_jobs_of_unknown_cost_leave_a_projection_unproven():
    known, unknown = job(0, 240), job(0, 240, instance_type_id="odd")
    with pytest.warns(tv.DataWarning, match="holds for what is known: 1 job of unknown cost"):
        found = tv.check(
            snapshot(known, unknown, prices=prices(), as_of=240.0), max_projected_cost_usd=1e6
        )
    assert month(found) == {"max-projected-cost": "holds"}
    with pytest.warns(tv.DataWarning, match="unproven"):
        found = tv.check(
            snapshot(known, unknown, unknown, prices=prices(), as_of=240.0),
            max_projected_cost_usd=1e6,
        )
    assert month(found) == {"max-projected-cost": "unproven"}


def of_teams(*more, **amounts):
    days = [bill(*[10] * 10, team_name="red"), bill(*[1] * 10, team_name="blue"), *more]
    snap = snapshot(DONE, billing=pd.concat(days, ignore_index=True), as_of=240.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tv.DataWarning)
        return tv.check(snap, budgets={"team": amounts})


def test_each_team_has_a_budget_of_its_own_and_the_helper_agrees():
    found = of_teams(red=309.0, blue=31.0)
    assert found["rule"].tolist() == ["budget of team red", "budget of team blue"]
    assert month(found) == {"budget of team red": "broken", "budget of team blue": "holds"}
    assert found["value"].tolist() == [310, 31]
    assert found["unit"].tolist() == ["USD", "USD"]


def test_a_name_that_nobody_knows_is_unproven_and_so_is_money_of_nobody():
    found = of_teams(blu=5.0)
    assert month(found) == {"budget of team blu": "unproven"}
    assert "did you mean 'blue'" in found["detail"].item()
    found = of_teams(bill(*[2] * 10), red=400.0, blue=90.0)
    assert month(found) == {"budget of team red": "holds", "budget of team blue": "unproven"}
    assert "62 USD of no known team not in it" in found["detail"].iloc[0]


def test_a_team_that_spent_nothing_keeps_its_budget():
    jobs = table(job(0, 1, team_name="green"))
    snap = snapshot(DONE, billing=bill(*[10] * 10, team_name="red"), as_of=240.0)
    found = tv.check(snap.assign(jobs=jobs), budgets={"team": {"green": 1}})
    assert month(found) == {"budget of team green": "holds"}
    assert found["value"].tolist() == [0]


def test_projects_have_budgets_too():
    snap = snapshot(DONE, billing=bill(*[10] * 10), as_of=240.0)
    found = tv.check(snap, budgets={"project": {"llm": 300}, "team": {}})
    assert month(found) == {"budget of project llm": "broken"}


@pytest.mark.parametrize(
    ("budgets", "words"),
    [
        ([1], r"budgets=\[1\]: give "),
        ({"user": {"ada": 1}}, "with team or project"),
        ({"team": 5}, r"budgets\['team'\]=5: give USD a month by name"),
        ({"team": {"red": "x"}}, r"budgets\['team'\]\['red'\]='x': give USD a month from 0"),
        ({"team": {"red": -1}}, "give USD a month from 0"),
        ({"team": {"red": float("nan")}}, "give USD a month from 0"),
        ({"team": {}}, "no rule to check"),
    ],
)
def test_budgets_that_are_wrong_are_named(budgets, words):
    with pytest.raises(tv.ArgumentError, match=words):
        tv.check(snapshot(DONE, prices=prices()), budgets=budgets)
    with pytest.raises(tv.ArgumentError, match="budgets: there is no data for it"):
        tv.check(snapshot(DONE), budgets={"team": {"red": 5}})
