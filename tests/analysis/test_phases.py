"""When jobs waited, deployed and ran: what each kind of evidence tells, and what it does not."""

import warnings
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.evidence import events, intervals, queue
from tests.analysis.fleet import metrics, sample, used
from tests.analysis.tables import (
    BY_LABEL,
    KINDS,
    MIDNIGHT,
    assert_same,
    at,
    billing,
    collected,
    convert,
    is_kind,
    job,
    table,
)
from tests.properties import examples
from trainview.analysis import job_phases, refine_jobs
from trainview.errors import ArgumentError, DataWarning

TIMES = ["released_at", "started_at", "ended_at"]
HOURS = ["queued_hours", "deploying_hours", "running_hours", "running_gpu_hours"]
SECOND = 1 / 3600


def one(start: Any = 0, end: Any = 10, **changes: Any) -> pd.DataFrame:
    return table(job(start, end, job_id="a", **changes))


def told(phases: pd.DataFrame, row: int = 0) -> tuple[Any, ...]:
    """A row: hours since midnight of the three times, hours of the phases, basis, uncertainty."""
    hours = [(phases[name] - MIDNIGHT) / pd.Timedelta(hours=1) for name in TIMES]
    values = [*(column[row] for column in hours), *(phases[name][row] for name in HOURS)]
    known = tuple(None if pd.isna(value) else round(value, 9) for value in values)
    uncertain = phases["uncertainty_hours"][row]
    return (*known, phases["basis"][row], None if pd.isna(uncertain) else round(uncertain, 9))


def test_without_evidence_only_submission_and_end_are_known():
    assert told(job_phases(one())) == (None, None, 10, None, None, None, None, "none", None)


def test_events_tell_everything():
    found = job_phases(
        one(),
        status_events=events(
            ("a", "pending", 0),
            ("a", "created", 1),
            ("a", "deploying", 1.5),
            ("a", "running", 2),
            ("a", "completed", 9.5),
            ("b", "running", 3),
        ),
    )
    assert told(found) == (1, 2, 9.5, 1, 1, 7.5, 60, "event", 0)


def test_the_queue_knows_the_release_better_than_events():
    found = job_phases(
        one(),
        queue=queue(a=1, b=3),
        status_events=events(("a", "pending", 0), ("a", "created", 1.25)),
    )
    assert told(found) == (1, None, 10, 1, None, None, None, "none", None)


@pytest.mark.parametrize(
    ("given", "released"),
    [
        ([("queued", 0), ("deploying", 3)], 3),
        ([("pending", 0), ("running", 3)], 3),
        # It never waited: it was accepted when it was submitted.
        ([("created", 0)], 0),
        ([("created", SECOND), ("running", 2)], SECOND),
        # When it was released nobody knows: the events before are missing.
        ([("created", 2)], None),
        ([("deploying", 2), ("running", 3)], None),
        ([("pending", 0)], None),
        # It ended while it waited.
        ([("pending", 0), ("completed", 10)], None),
        ([("pending", 0), ("strange", 4)], None),
    ],
)
def test_an_event_after_waiting_tells_the_release(given, released):
    found = job_phases(one(), status_events=events(*(("a", *each) for each in given)))
    assert told(found)[0] == (None if released is None else pytest.approx(released))


def test_a_job_that_started_again_has_its_first_start_and_its_last_end():
    rows = [
        *(("a", "pending", 0), ("a", "created", 1), ("a", "running", 2), ("a", "preempted", 4)),
        *(("a", "pending", 4), ("a", "created", 5), ("a", "running", 6), ("a", "failed", 9)),
    ]
    found = job_phases(one(status="failed"), status_events=events(*rows))
    assert told(found) == (1, 2, 9, 1, 1, 7, 56, "event", 0)


def test_an_end_is_told_by_the_event_of_the_status_it_ended_with():
    rows = events(("a", "preempted", 4), ("a", "failed", 9))
    assert told(job_phases(one(status="stopped"), status_events=rows))[2] == 10
    assert told(job_phases(one(status="preempted"), status_events=rows))[2] == 4
    expired = {"status": "failed", "is_open": False}
    strange = one(**expired).assign(status="expired")
    rows = events(("a", "expired", 7))
    assert told(job_phases(strange, status_events=rows))[2] == 7


def test_history_gives_the_middle_of_two_looks_and_half_the_time_between_them():
    seen = intervals(("a", "pending", None, 1), ("a", "running", 2, 3), ("a", "completed", 9, 10))
    found = job_phases(one(), history=seen)
    assert told(found) == (None, 2.5, 10, None, None, 7.5, 60, "history", 0.5)
    # What is known otherwise narrows it down.
    found = job_phases(one(), history=seen, queue=queue(a=2.5))
    assert told(found) == (2.5, 2.75, 10, 2.5, 0.25, 7.25, 58, "history", 0.25)
    # It was submitted after the look before.
    found = job_phases(one(2.5), history=seen)
    assert told(found) == (None, 2.75, 10, None, None, 7.25, 58, "history", 0.25)


def test_what_ran_at_the_first_look_did_not_begin_between_two():
    seen = intervals(("a", "running", None, 3), ("a", "running", 5, 6))
    assert told(job_phases(one(), history=seen))[-2:] == ("none", None)


def test_the_first_sample_of_a_gpu_is_one_step_after_the_start_at_most():
    rows = [
        used(150, 1, job_id="a", step_seconds=1800.0),
        sample(180, 0.5, job_id="a", step_seconds=1800.0),
        sample(90, 0.5, job_id="a", metric="cpu_usage", gpu=None),
        sample(30, 0.5, job_id="b"),
    ]
    found = job_phases(one(), metrics=metrics(*rows))
    assert told(found) == (None, 2.5, 10, None, None, 7.5, 60, "sample", 0.5)
    alone = metrics(sample(150, 0.5, job_id="a", step_seconds=None))
    assert told(job_phases(one(), metrics=alone))[-2:] == ("sample", None)


def test_a_bill_counts_back_from_the_end():
    rows = [
        {"job_id": "a", "day": 0, "minutes": 100, "usd": "1"},
        {"job_id": "a", "day": 1, "minutes": 20, "usd": "1"},
        {"job_id": "b", "day": 2, "minutes": 20, "usd": "1"},
        {"job_id": None, "day": None, "minutes": 20, "usd": "1"},
    ]
    found = job_phases(one(22, 24.5), billing=billing(*rows))
    assert told(found) == (None, 22.5, 24.5, None, None, 2, 16, "bill", round(1 / 60, 9))


@pytest.mark.parametrize(
    ("start", "end", "days", "basis"),
    [
        (1, 20, [0], "bill"),
        # It was submitted before the bill begins, or ended after it.
        (-1, 20, [0], "none"),
        (1, 30, [0], "none"),
        (1, 30, [0, 1], "bill"),
        # Its first day is not that of the bill, so the bill holds all of it.
        (-1, 30, [1], "bill"),
    ],
)
def test_a_bill_that_may_be_cut_tells_nothing(start, end, days, basis):
    rows = [{"job_id": "a", "day": day, "minutes": 30, "usd": "1"} for day in days]
    other = {"job_id": "b", "day": 0, "minutes": 1, "usd": "1"}
    assert job_phases(one(start, end), billing=billing(*rows, other))["basis"][0] == basis


def test_minutes_of_a_bill_may_have_fractions_of_microseconds(kind):
    bill = billing({"job_id": "a", "day": 0, "minutes": 540, "usd": "1"})
    bill = bill.assign(minutes=539.99999999999)
    found = collected(job_phases(convert(one(), kind), billing=convert(bill, kind)))
    assert told(found)[1] == 1


def test_a_job_billed_as_a_whole_counts_with_its_month():
    bill = billing(
        {"job_id": "a", "day": None, "minutes": 60, "usd": "1"},
        {"job_id": "b", "day": 3, "minutes": 60, "usd": "1"},
    )
    assert job_phases(one(), billing=bill)["basis"][0] == "none"
    bill["month"] = pd.Series([MIDNIGHT] * 2).astype("datetime64[us, UTC]")
    assert told(job_phases(one(), billing=bill))[1] == 9
    assert job_phases(one(), billing=bill.drop(columns="month"))["basis"][0] == "none"


def test_the_bill_of_a_job_that_goes_on_has_no_end_to_count_from():
    bill = billing({"job_id": "a", "day": 0, "minutes": 60, "usd": "1"})
    assert job_phases(one(status="running"), billing=bill)["basis"][0] == "none"


def test_a_bill_tells_when_within_the_step_before_the_first_sample_a_job_began(kind):
    half_hourly = metrics(*(sample(m, 0.5, job_id="a", step_seconds=1800.0) for m in (150, 180)))

    def found(minutes: int, samples: pd.DataFrame = half_hourly) -> tuple[Any, ...]:
        rows = billing({"job_id": "a", "day": 0, "minutes": minutes, "usd": "1"})
        phases = job_phases(one(), metrics=convert(samples, kind), billing=convert(rows, kind))
        return told(phases)[1], *told(phases)[-2:]

    # half past two is 450 minutes before the end, of which the job ran at most 30 more
    assert found(450) == (2.5, "sample", 0.5)
    assert found(460) == (round(10 - 460 / 60, 9), "sample", round(20 / 60, 9))
    assert found(480) == (2, "sample", round(1 / 60, 9))
    # the end of the record was late: it did run when it was measured
    assert found(440) == (2.5, "sample", 0.5)
    one_only = metrics(sample(150, 0.5, job_id="a", step_seconds=None))
    assert found(460, one_only) == (2.5, "sample", None)
    # the first samples are missing
    assert found(540) == (1, "bill", round(1 / 60, 9))


@pytest.mark.parametrize("by", ["queue", "events"])
def test_a_job_that_was_stopped_in_the_queue_held_nothing(kind, by):
    waited = queue(a=None).assign(observed_until=at(10))
    given = {"queue": {"queue": waited}, "events": {"status_events": events(("a", "queued", 0), ("a", "stopped", 10))}}[by]  # fmt: skip
    given = {name: convert(rows, kind) for name, rows in given.items()}
    jobs = one(status="stopped")
    found = job_phases(convert(jobs, kind), **given)
    assert told(collected(found)) == (None, None, 10, 10, 0, 0, 0, "none", None)
    refined = collected(refine_jobs(convert(jobs, kind), found))
    assert refined[["gpu_hours", "hours_basis"]].to_numpy().tolist() == [[0.0, "released"]]
    assert refined["held_at"].to_list() == [at(10)]
    names = ["job_id", "gpu_hours", "held_at", "hours_basis"]
    assert_same(collected(refine_jobs(convert(refined, kind), found))[names], refined[names])
    # what ran was released, and a job that waits may be yet
    for status in ("completed", "failed", "preempted"):
        assert told(job_phases(one(status=status), **given))[3:6] == (None, None, None)
    waits = one(status="pending")
    refined = refine_jobs(waits, job_phases(waits, **given))
    assert refined["hours_basis"].to_list() == ["submitted"]


def test_whether_a_job_was_stopped_in_the_queue_may_not_be_known():
    stopped = one(status="stopped")
    seen = queue(a=None).assign(observed_until=at(9))
    waiting = queue(a=None).assign(observed_until=at(10), is_waiting=True)
    for rows in (seen, waiting, queue(a=None), waiting[["job_id", "released_at"]], queue(a=3)):
        assert told(job_phases(stopped, queue=rows))[5] is None
    left = seen.assign(observed_until=at(10))
    measured = metrics(sample(300, 0.5, job_id="a"))
    assert told(job_phases(stopped, queue=left, metrics=measured))[5] == 5
    for rows in ([("a", "stopped", 10)], [("a", "queued", 0)], [("a", "queued", 0), ("a", "created", 4), ("a", "stopped", 10)]):  # fmt: skip
        assert told(job_phases(stopped, status_events=events(*rows)))[5] is None


def test_the_best_evidence_wins():
    given = {
        "billing": billing({"job_id": "a", "day": 0, "minutes": 301, "usd": "1"}),
        "metrics": metrics(sample(300, 0.5, job_id="a")),
        "history": intervals(("a", "running", 4.5, 5)),
        "status_events": events(("a", "running", 4.75)),
    }
    bases = []
    while given:
        bases.append(job_phases(one(), **given)["basis"][0])
        given.popitem()
    assert bases == ["event", "history", "sample", "bill"]


@pytest.mark.parametrize(
    ("status", "hours"),
    [
        ("pending", (10, 0, 0)),
        ("queued", (10, 0, 0)),
        ("created", (None, None, 0)),
        ("deploying", (None, None, 0)),
        ("deploy-failed", (None, None, 0)),
        ("running", (None, None, None)),
        ("stopped", (None, None, None)),
    ],
)
def test_the_status_alone_tells_how_far_a_job_got(status, hours):
    assert told(job_phases(one(status=status)))[3:6] == hours


def test_what_deploys_has_not_run():
    found = job_phases(one(status="deploy-failed"), queue=queue(a=4))
    assert told(found) == (4, None, 10, 4, 6, 0, 0, "none", None)


@pytest.mark.parametrize(
    ("changes", "given", "what"),
    [
        ({}, {"queue": queue(a=-1)}, "queue"),
        ({}, {"queue": queue(a=11)}, "queue"),
        ({"status": "pending"}, {"queue": queue(a=5)}, "queue"),
        ({}, {"status_events": events(("a", "running", -1))}, "status events"),
        ({}, {"status_events": events(("a", "completed", 11))}, "status events"),
        ({"status": "deploying"}, {"status_events": events(("a", "running", 5))}, "status events"),
        ({}, {"history": intervals(("a", "running", 11, 12))}, "history"),
        ({}, {"metrics": metrics(sample(-2, 0.5, job_id="a"))}, "GPU samples"),
        (
            {},
            {"billing": billing({"job_id": "a", "day": 0, "minutes": 602, "usd": "1"})},
            "bill",
        ),
    ],
)
def test_what_contradicts_a_job_is_left_out_and_counted(changes, given, what):
    jobs = one(**changes)
    with pytest.warns(DataWarning, match=rf"^1 job: left out what .* \({what}\)$"):
        found = job_phases(jobs, **given)
    assert_same(found, job_phases(jobs))


def test_a_start_before_the_release_is_left_out():
    with pytest.warns(DataWarning, match=r"^1 job: .* \(status events\)$"):
        found = job_phases(one(), queue=queue(a=4), status_events=events(("a", "running", 3)))
    assert told(found) == (4, None, 10, 4, None, None, None, "none", None)


def test_the_next_best_evidence_takes_the_place_of_what_contradicts():
    with pytest.warns(DataWarning, match="status events, GPU samples"):
        found = job_phases(
            one(),
            status_events=events(("a", "running", 12)),
            metrics=metrics(sample(-60, 0.5, job_id="a")),
            billing=billing({"job_id": "a", "day": 0, "minutes": 540, "usd": "1"}),
        )
    assert told(found)[1] == 1


def test_a_second_and_a_minute_begun_are_no_contradiction():
    found = job_phases(
        one(),
        queue=queue(a=-SECOND / 2),
        billing=billing({"job_id": "a", "day": 0, "minutes": 601, "usd": "1"}),
    )
    assert told(found) == (0, 0, 10, 0, 0, 10, 80, "bill", round(1 / 60, 9))


def test_what_was_asked_later_than_the_jobs_is_not_yet_known_of_open_ones():
    given = {"queue": queue(a=11), "status_events": events(("a", "running", 12))}
    for status in ("pending", "running"):
        assert_same(job_phases(one(status=status), **given), job_phases(one(status=status)))


def test_the_end_of_a_job_whose_record_contradicts_itself_is_null():
    found = job_phases(one(2, 1), queue=queue(a=3))
    assert told(found) == (3, None, None, 1, None, None, None, "none", None)
    found = job_phases(one(2, 1), status_events=events(("a", "running", 3), ("a", "completed", 5)))
    assert told(found) == (None, 3, 5, None, None, 2, 16, "event", 0)


def test_several_rows_of_a_job_each_get_a_row():
    jobs = table(job(0, 10, job_id="a"), job(1, 10, job_id="a"), job(2, 3, job_id="b"))
    twice = pd.concat([queue(a=2), queue(a=3), queue(a=None)], ignore_index=True)
    found = job_phases(jobs, queue=twice)
    assert found["job_id"].to_list() == ["a", "a", "b"]
    assert found["queued_hours"].to_list()[:2] == [2, 1]


def test_rows_of_no_job_are_nobodys():
    jobs = table(job(0, 10), job(0, 10)).assign(job_id=pd.Series([None, "a"], dtype="str"))
    nobody = queue(a=2).assign(job_id=pd.Series([None], dtype="str"))
    assert job_phases(jobs, queue=nobody)["released_at"].isna().all()


def test_a_column_that_is_missing_is_named():
    for name, rows, column in [
        ("queue", queue(), "released_at"),
        ("status_events", events(), "status"),
        ("metrics", metrics(), "metric"),
        ("billing", billing(), "minutes"),
        ("history", intervals(), "from_after"),
    ]:
        with pytest.raises(ArgumentError, match=f"no column '{column}'"):
            job_phases(one(), **{name: rows.drop(columns=column)})
        with pytest.raises(ArgumentError, match="table, got int"):
            job_phases(one(), **{name: 3})
        assert_same(job_phases(one(), **{name: rows}), job_phases(one()))


@st.composite
def fleets(draw: st.DrawFn) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Jobs and what is told about them, at whole hours, true or not."""
    hours = st.integers(-1, 13)
    rows = []
    for number in range(draw(st.integers(0, 4))):
        start, end = draw(hours), draw(hours)
        status = draw(st.sampled_from(list(BY_LABEL)))
        rows.append(job(start, end, job_id=f"j{number + 1}", status=status))
    names = st.sampled_from(["j1", "j2", "j3", "j4"])
    statuses = st.sampled_from([*BY_LABEL, "strange"])
    day = st.integers(0, 1) | st.none()
    bills = st.tuples(names, day, st.sampled_from([60, 600, 0]))
    looks = st.tuples(names, statuses, hours | st.none(), hours)
    given = {
        "queue": queue(**draw(st.dictionaries(names, hours | st.none()))),
        "status_events": events(*draw(st.lists(st.tuples(names, statuses, hours), max_size=12))),
        "metrics": metrics(
            *(
                sample(60 * hour, 0.5, job_id=name)
                for name, hour in draw(st.lists(st.tuples(names, hours), max_size=3))
            )
        ),
        "billing": billing(
            *(
                {"job_id": name, "day": day, "minutes": minutes, "usd": "1"}
                for name, day, minutes in draw(st.lists(bills, max_size=3))
            )
        ),
        "history": intervals(*draw(st.lists(looks, max_size=3))),
    }
    left = draw(st.sets(st.sampled_from(list(given))))
    return table(*rows), {name: rows for name, rows in given.items() if name not in left}


def hours(moment: pd.Timestamp) -> float | None:
    return None if pd.isna(moment) else (moment - MIDNIGHT) / pd.Timedelta(hours=1)


def fits(time: float | None, low: float, high: float | None) -> bool:
    return time is not None and time >= low and (high is None or time <= high)


def end_and_release(
    one: dict[str, Any], rows: dict[str, list[Any]]
) -> tuple[float | None, float | None]:
    """Find the end and the release of a job by looking at its rows one by one, in hours."""
    low, high, status = hours(one["created_at"]), hours(one["end_at"]), one["status"]
    high = high if high >= low else None
    seen = sorted((hours(row.created_at), row.status) for row in rows["status_events"])
    ends = [time for time, label in seen if label == status and BY_LABEL[status].terminal]
    if ends and fits(ends[-1], low, high):
        high = ends[-1]
    if status in {"pending", "queued"}:
        return high, None
    accepted = [time for time, label in seen if label in {"created", "deploying", "running"}]
    waited = [time for time, label in seen if label in {"pending", "queued"}]
    left = [hours(row.released_at) for row in rows["queue"] if not pd.isna(row.released_at)]
    if left and fits(min(left), low, high):
        return high, min(left)
    if accepted and (accepted[0] >= waited[0] if waited else accepted[0] <= low):
        return high, accepted[0] if fits(accepted[0], low, high) else None
    return high, None


def billed_start(
    one: dict[str, Any], high: float | None, own: list[Any], bill: pd.DataFrame | None
) -> float | None:
    """Count back from the end of a job, if the bill holds all of it."""
    minutes = sum(row.minutes for row in own)
    days = [] if bill is None else [hours(day) for day in bill["date"] if not pd.isna(day)]
    first = min((hours(row.date) for row in own if not pd.isna(row.date)), default=-1000)
    if not (days and minutes and high is not None and BY_LABEL[one["status"]].terminal):
        return None
    is_whole = hours(one["created_at"]) >= min(days) or first > min(days)
    return high - minutes / 60 if is_whole and high < max(days) + 24 else None


def by_hand(one: dict[str, Any], given: dict[str, pd.DataFrame]) -> tuple[Any, ...]:
    """Find the release, the end, and the start of a job with its basis and uncertainty."""
    names = ("queue", "status_events", "metrics", "billing", "history")
    tables = {name: given[name].itertuples() if name in given else () for name in names}
    rows = {
        name: [row for row in table if row.job_id == one["job_id"]]
        for name, table in tables.items()
    }
    high, released = end_and_release(one, rows)
    low = hours(one["created_at"]) if released is None else released
    running = [hours(row.created_at) for row in rows["status_events"] if row.status == "running"]
    measured = [hours(row.timestamp) for row in rows["metrics"]]
    billed = billed_start(one, high, rows["billing"], given.get("billing"))
    starts = [(min(running, default=None), "event", 0)]
    looks = [row for row in rows["history"] if row.status == "running"]
    looks = [row for row in looks if not row.from_after > row.from_before]
    if looks and not any(pd.isna(row.from_after) for row in looks):
        after = max(min(hours(row.from_after) for row in looks), low)
        before = min(hours(row.from_before) for row in looks)
        before = before if high is None else min(before, high)
        if after <= before:
            starts.append(((after + before) / 2, "history", (before - after) / 2))
    sample, minute = min(measured, default=None), 1 / 60
    if sample is not None and fits(billed, low - minute, high):
        # samples are of every minute: they agree with a bill of a minute before, or come too late
        gap = sample - billed
        sample = None if gap > 2 * minute + 1e-9 else min(sample, max(billed, low))
    starts += [(sample, "sample", minute), (billed, "bill", minute)]
    starts = [start for start in starts if fits(start[0], low, high)]
    if one["status"] in {"pending", "queued", "created", "deploying", "deploy-failed"}:
        starts = []
    return (released, high, *(starts[0] if starts else (None, "none", None)))


@settings(max_examples=examples(40), deadline=None)
@given(fleets())
def test_each_row_is_what_looking_at_its_rows_one_by_one_finds(fleet):
    jobs, given = fleet
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = job_phases(jobs, **given).set_index("job_id")
        for one in jobs.to_dict("records"):
            row = found.loc[one["job_id"]]
            released, ended, started, basis, uncertain = by_hand(one, given)
            expected = (released, started, ended, uncertain)
            times = [(row[name] - MIDNIGHT) / pd.Timedelta(hours=1) for name in TIMES]
            for value, other in zip([*times, row["uncertainty_hours"]], expected, strict=True):
                assert (None if pd.isna(value) else value) == pytest.approx(other)
            assert row["basis"] == basis


@settings(max_examples=examples(6), deadline=None)
@given(fleets())
def test_all_kinds_of_jobs_give_the_same(fleet):
    jobs, given = fleet
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = job_phases(jobs, **given)
        for kind in KINDS[1:]:
            assert_same(job_phases(convert(jobs, kind), **given), found)


@settings(max_examples=examples(20), deadline=None)
@given(fleets())
def test_phases_follow_each_other_without_a_gap(fleet):
    jobs, given = fleet
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = job_phases(jobs, **given)
    times = found[["submitted_at", "released_at", "started_at", "ended_at"]]
    for _, moments in times.iterrows():
        known = moments.dropna()
        assert known.is_monotonic_increasing
    life = (found["ended_at"] - found["submitted_at"]) / pd.Timedelta(hours=1)
    phases = found[["queued_hours", "deploying_hours", "running_hours"]]
    assert (phases.min(axis=None) >= 0) or phases.isna().all(axis=None)
    assert not (phases.sum(axis=1) > life + 1e-9).any()
    whole = phases.notna().all(axis=1) & life.notna()
    assert phases[whole].sum(axis=1).to_list() == pytest.approx(life[whole].to_list())


@pytest.mark.parametrize("kind", KINDS)
def test_evidence_may_be_of_another_kind_than_the_jobs(kind):
    given = {
        "queue": queue(a=1),
        "status_events": events(("a", "running", 2), ("a", "completed", 9)),
        "metrics": metrics(sample(300, 0.5, job_id="a")),
        "billing": billing({"job_id": "a", "day": 0, "minutes": 301, "usd": "1"}),
        "history": intervals(("a", "running", 1, 2)),
    }
    expected = job_phases(one(), **given)
    assert told(expected)[1] == 2
    for other in KINDS:
        result = job_phases(
            convert(one(), kind), **{name: convert(rows, other) for name, rows in given.items()}
        )
        assert is_kind(result, kind)
        assert_same(collected(result), expected)
