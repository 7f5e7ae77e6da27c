"""Jobs cut to a window of time."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

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
    collected,
    convert,
    is_kind,
    job,
    jobs,
    moments,
    table,
)
from tests.properties import examples
from trainview.analysis import clip_jobs, estimate_cost, failure_rates, gpu_usage
from trainview.errors import ArgumentError

CHANGED = ["created_at", "end_at", "elapsed_hours", "gpu_hours"]
STATE = ["current_status", "status", "phase", "error_message", "updated_at", "is_open"]


def rows(result):
    frame = collected(result)[["job_id", *CHANGED]]
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def test_jobs_are_cut_to_the_window(kind):
    frame = table(
        job(0, 1),
        job(0, 2),
        job(1, 3, number=2),
        job(2.25, 3.75, number=3),
        job(3, 5, number=4),
        job(4, 5, number=5),
        job(0, 9, number=6),
    )
    result = clip_jobs(convert(frame, kind), at(2), at(4))
    assert is_kind(result, kind)
    assert rows(result) == [
        ["j2", at(2), at(3), 1.0, 8.0],
        ["j3", at(2.25), at(3.75), 1.5, 12.0],
        ["j4", at(3), at(4), 1.0, 8.0],
        ["j6", at(2), at(4), 2.0, 16.0],
    ]


def test_without_an_end_the_window_stays_open(kind):
    frame = convert(table(job(0, 1), job(0, 3), job(5, 900)), kind)
    assert rows(clip_jobs(frame, at(1))) == [
        ["j1", at(1), at(3), 2.0, 16.0],
        ["j2", at(5), at(900), 895.0, 7160.0],
    ]


def test_a_job_without_a_duration_is_in_the_window_it_begins_in(kind):
    frame = convert(table(job(2, 2)), kind)
    assert rows(clip_jobs(frame, at(2), at(4))) == [["j0", at(2), at(2), 0.0, 0.0]]
    assert rows(clip_jobs(frame, at(1), at(2))) == []


def test_durations_that_are_not_known_stay_so(kind):
    later = job(1, 9, number=2) | {"elapsed_hours": None, "gpu_hours": None}
    frame = convert(table(job(3, 2), later), kind)
    assert rows(clip_jobs(frame, at(2.5), at(4))) == [
        ["j0", at(3), at(2), None, None],
        ["j2", at(2.5), at(4), None, None],
    ]
    assert [row[0] for row in rows(clip_jobs(frame, at(4)))] == ["j2"]


def test_what_holds_no_gpu_still_holds_none(kind):
    frame = convert(table(job(0, 4, status="pending")), kind)
    assert rows(clip_jobs(frame, at(1), at(2))) == [["j0", at(1), at(2), 1.0, 0.0]]


@pytest.mark.parametrize("length", [0, 2])
def test_all_columns_stay_with_their_types(kind, length):
    frame = table(*[job(0, 5), job(1, 5)][:length]).assign(own=["a", "b"][:length])
    before = frame.copy(deep=True)
    given_table = convert(frame, kind)
    result = clip_jobs(given_table, at(2), at(3))
    pd.testing.assert_frame_equal(frame, before)
    schema = nw.from_native(given_table).collect_schema()
    assert nw.from_native(result).collect_schema() == schema
    others = [name for name in frame if name not in {*CHANGED, *STATE}]
    pd.testing.assert_frame_equal(collected(result)[others], collected(given_table)[others])


@pytest.mark.parametrize(
    "since",
    [
        "2025-01-01T02:00:00Z",
        "2025-01-01 03:00+01:00",
        datetime(2025, 1, 1, 2, tzinfo=UTC),
        datetime(2024, 12, 31, 21, tzinfo=timezone(timedelta(hours=-5))),
        pd.Timestamp("2025-01-01T02:00:00.000000999Z"),
        # lengths of time, from the newest end
        "2h",
        "120m",
        timedelta(hours=2),
        pd.Timedelta("2h"),
    ],
)
def test_moments_may_be_text_or_datetimes_of_any_zone(kind, since):
    frame = convert(table(job(0, 4)), kind)
    assert rows(clip_jobs(frame, since)) == [["j0", at(2), at(4), 2.0, 16.0]]


@pytest.mark.parametrize("day", ["2025-01-02", date(2025, 1, 2)])
def test_a_day_begins_at_midnight_in_utc(kind, day):
    frame = convert(table(job(20, 30)), kind)
    assert rows(clip_jobs(frame, day)) == [["j0", at(24), at(30), 6.0, 48.0]]


def test_a_length_of_time_is_counted_back_from_the_end_of_the_window(kind):
    frame = convert(table(job(0, 9), job(3, 8)), kind)
    assert rows(clip_jobs(frame, "2h", at(4))) == [
        ["j0", at(2), at(4), 2.0, 16.0],
        ["j1", at(3), at(4), 1.0, 8.0],
    ]
    assert rows(clip_jobs(frame, until="7h")) == [["j0", at(0), at(2), 2.0, 16.0]]
    assert rows(clip_jobs(convert(table(), kind), at(0))) == []
    with pytest.raises(ArgumentError, match="give a moment with a time zone"):
        clip_jobs(convert(table(), kind), "2h")


@pytest.mark.parametrize("span", ["0h", timedelta(0), timedelta(days=-1), "9999w"])
def test_a_length_of_time_is_above_zero_and_at_most_a_century(span):
    with pytest.raises(ArgumentError, match=r"since=.*: give a length of time above zero"):
        clip_jobs(table(job()), span)


ENDED = ("completed", "failed", "stopped", "preempted")


def test_what_ended_after_the_window_had_not_ended_in_it(kind):
    labels = [*ENDED, "deploy-failed", "running", "pending", "failed"]
    frame = table(
        *(job(0, 3, number=number, status=label, error_message="lost") for number, label in enumerate(labels[:-1], 1)),
        job(0, 2, number=9, status="failed", error_message="early"),
        job(0, 3, number=10, status="completed") | {"status": "evicted", "phase": "unknown", "current_status": "TRAINING_JOB_EVICTED"},
    )  # fmt: skip
    clipped = collected(clip_jobs(convert(frame, kind), until=at(2)))
    assert clipped["status"].to_list() == [
        *["running"] * 4, "created", "running", "pending", "failed", "running",
    ]  # fmt: skip
    assert clipped["phase"].to_list() == [
        *["running"] * 4, "waiting", "running", "waiting", "failed", "running",
    ]  # fmt: skip
    assert clipped["current_status"].to_list()[3:5] == [
        "TRAINING_JOB_RUNNING",
        "TRAINING_JOB_CREATED",
    ]
    assert clipped["is_open"].to_list() == [*[True] * 7, False, True]
    messages = clipped["error_message"].astype("object")
    assert messages.where(messages.notna(), None).to_list() == [
        *[None] * 5, "lost", "lost", "early", None,
    ]  # fmt: skip
    assert set(clipped["updated_at"]) == {at(2)}


def test_a_job_that_ended_as_the_window_ends_ended_in_it(kind):
    frame = convert(table(job(0, 2, status="failed")), kind)
    for until, failed in ((at(2), 1), (at(1.99), 0)):
        rates = collected(failure_rates(clip_jobs(frame, until=until), by=None))
        assert rates["failed"].to_list() == [failed]
    assert collected(clip_jobs(frame, at(2))).empty


@pytest.mark.parametrize("column", ["status", "current_status", "phase"])
def test_one_column_of_the_state_is_enough(kind, column):
    frame = table(job(0, 4), job(0, 4, status="pending"))
    few = ["job_id", *CHANGED, column]
    clipped = collected(clip_jobs(convert(frame[few], kind), until=at(1)))
    running = {"status": "running", "current_status": "TRAINING_JOB_RUNNING", "phase": "running"}
    assert clipped[column].to_list() == [running[column], frame[column].iloc[1]]


@pytest.mark.parametrize("zone", [None, "Asia/Kolkata"])
def test_times_in_another_zone_or_none_are_in_utc_afterwards(kind, zone):
    other = table(job(0, 4))
    for name in ("created_at", "updated_at", "end_at"):
        times = other[name].dt
        other[name] = times.tz_convert(zone) if zone else times.tz_localize(None)
    assert rows(clip_jobs(convert(other, kind), at(1), at(2))) == [["j0", at(1), at(2), 1.0, 8.0]]


@pytest.mark.parametrize(
    "moment",
    ["2025-01-01T00:00", "yesterday", "", 3, None, "2025-13-01", datetime(2025, 1, 1), pd.NaT],  # noqa: DTZ001
)
def test_a_moment_without_a_zone_or_that_is_none_is_refused(moment):
    with pytest.raises(ArgumentError, match=r"since=.*: give a moment with a time zone"):
        clip_jobs(table(), moment)
    if moment is not None:
        with pytest.raises(ArgumentError, match=r"until=.*: give a moment with a time zone"):
            clip_jobs(table(), at(0), moment)


def test_a_window_that_ends_before_it_begins_is_refused():
    for until in (at(2), at(1)):
        with pytest.raises(ArgumentError, match=r"until=.*: give a moment after since="):
            clip_jobs(table(), at(2), until)


def test_what_is_needed_is_named(kind):
    for name in CHANGED:
        with pytest.raises(ArgumentError, match=f"no column '{name}'"):
            clip_jobs(convert(table(job()).drop(columns=name), kind), at(0))
    with pytest.raises(ArgumentError, match="got list: pass for example the jobs"):
        clip_jobs([], at(0))


@settings(deadline=None, max_examples=examples(50))
@given(jobs(), st.lists(moments(), unique=True, max_size=3))
def test_windows_that_follow_each_other_share_hours_and_costs_out(frame, between):
    edges = [at(-1), *sorted(between), at(1000)]
    windows = [clip_jobs(frame, *edge) for edge in pairwise(edges)]
    for column in ("gpu_hours", "elapsed_hours"):
        parts = [gpu_usage(window, by=None)[column].sum() for window in windows]
        assert sum(parts) == pytest.approx(frame[column].sum())
    costs = [estimate_cost(window, PRICES, by=None)["estimated_usd"].sum() for window in windows]
    total = estimate_cost(frame, PRICES, by=None)["estimated_usd"].sum()
    assert sum(costs) == pytest.approx(total)
    failed = [failure_rates(window, by=None)["failed"].item() for window in windows]
    assert sum(failed) == failure_rates(frame, by=None)["failed"].item()
    assert set(frame["job_id"]) == {name for window in windows for name in window["job_id"]}
    unknown = frame["elapsed_hours"].isna().sum()
    assert sum(window["elapsed_hours"].isna().sum() for window in windows) == unknown


def test_hours_are_exact_to_the_microsecond(kind):
    begin = at(0)
    # as a fraction of a second, one of these is a microsecond less when cut
    for microseconds in (4_140_864, 1_000_007, 16_777_217):
        frame = table(
            job(begin - pd.Timedelta(hours=1), begin + pd.Timedelta(microseconds=microseconds))
        )
        clipped = collected(clip_jobs(convert(frame, kind), begin))
        assert clipped["elapsed_hours"].item() * 3_600_000_000 == pytest.approx(
            microseconds, abs=0.01
        )


@settings(deadline=None, max_examples=examples(25))
@given(jobs(), moments(), moments())
def test_all_kinds_give_the_same(frame, first, second):
    since, until = sorted([first, second])
    until = None if since == until else until
    columns = ["job_id", *CHANGED, "updated_at", "is_open"]
    text = dict.fromkeys(["status", "phase", "current_status", "error_message"], "str")

    def plain(result):
        return collected(result)[[*columns, *text]].astype(text)

    expected = plain(clip_jobs(frame, since, until))
    for kind in KINDS[1:]:
        result = clip_jobs(convert(frame, kind), since, until)
        assert_same(plain(result), expected)


@pytest.mark.parametrize("dtype", ["boolean", "object"])
def test_columns_of_the_state_keep_dtypes_that_snapshots_do_not_have(dtype):
    frame = table(job(0, 2), job(1, 6)).astype({"is_open": dtype, "error_message": "object"})
    dtypes = clip_jobs(frame, since=at(1)).dtypes[["is_open", "error_message"]]
    assert dtypes.astype("str").to_list() == [dtype, "object"]


def test_jobs_of_which_nobody_knows_whether_they_are_open():
    frame = table(job(0, 2), job(1, 6)).assign(is_open=None)
    clipped = clip_jobs(frame, until=at(3))
    assert clipped["is_open"].fillna(value=False).to_list() == [False, True]
