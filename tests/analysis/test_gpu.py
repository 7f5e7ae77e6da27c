from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.tables import assert_same, at, collected, convert, job, jobs, moments, table
from tests.properties import examples
from trainview.analysis import gpu_concurrency, gpu_hours_over_time, gpu_usage, steps_in_parts
from trainview.errors import ArgumentError

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Havana",
]
# The clocks of all these zones change within eight days of one of these.
CHANGES = ["2025-03-05", "2025-03-28", "2025-04-03", "2025-10-01", "2025-10-24", "2025-10-31"]
HOUR = timedelta(hours=1)


def rows(result):
    frame = collected(result)
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def test_usage_is_summed_and_shared(kind):
    frame = table(
        job(0, 2, gpu_type="A10G", gpus=1),
        job(0, 4),
        job(4, 8),
        job(0, 5, gpu_type=None, gpus=0),
        job(5, 1),
        job(0, 9, status="pending"),
    )
    assert rows(gpu_usage(convert(frame, kind))) == [
        ["H100", 4, 32, 17.0, 64.0, 64 / 66],
        ["A10G", 1, 1, 2.0, 2.0, 2 / 66],
        [None, 1, 0, 5.0, 0.0, 0.0],
    ]
    assert rows(gpu_usage(convert(frame, kind), by=None)) == [[6, 33, 24.0, 66.0, 1.0]]


def test_there_is_no_share_of_nothing(kind):
    idle = convert(table(job(0, 2, status="queued")), kind)
    assert rows(gpu_usage(idle)) == [["H100", 1, 8, 2.0, 0.0, None]]
    empty = convert(table(), kind)
    assert rows(gpu_usage(empty, by=None)) == [[0, 0, 0.0, 0.0, None]]


def test_equal_groups_are_sorted_by_their_keys(kind):
    frame = table(
        *(job(0, 1, gpu_type=gpu, project_name=name) for gpu in "ba" for name in "zy"),
        job(0, 1, gpu_type=None),
    )
    result = collected(gpu_usage(convert(frame, kind), by=["gpu_type", "project_name"]))
    assert result["gpu_type"].fillna("").str.cat(result["project_name"]).to_list() == [
        "ay",
        "az",
        "by",
        "bz",
        "llm",
    ]


def test_steps_rise_and_fall_with_the_jobs(kind):
    frame = table(job(0, 2), job(1, 3, gpus=4), job(5, 6, gpus=1))
    assert rows(gpu_concurrency(convert(frame, kind))) == [
        ["H100", at(0), at(1), 8],
        ["H100", at(1), at(2), 12],
        ["H100", at(2), at(3), 4],
        ["H100", at(3), at(5), 0],
        ["H100", at(5), at(6), 1],
    ]


def test_a_job_that_takes_over_makes_no_step(kind):
    frame = table(job(0, 1), job(1, 2), job(2, 3), job(2, 3, gpus=1))
    assert rows(gpu_concurrency(convert(frame, kind))) == [
        ["H100", at(0), at(2), 8],
        ["H100", at(2), at(3), 9],
    ]


def test_what_holds_no_gpu_makes_no_step(kind):
    frame = table(
        job(0, 9, status="pending"), job(0, 9, gpus=0), job(3, 3), job(9, 0), job(0, 1, gpus=2)
    )
    assert rows(gpu_concurrency(convert(frame, kind))) == [["H100", at(0), at(1), 2]]


def test_a_job_of_no_length_or_no_gpus_begins_no_steps(kind):
    frame = table(job(0, 0), job(1, 2, gpus=0), job(3, 5)).assign(gpu_hours=8.0)
    assert rows(gpu_concurrency(convert(frame, kind), by=None)) == [[at(3), at(5), 8]]


def test_a_job_without_an_end_is_nowhere(kind):
    frame = table(job(0, 2), job(1, 2), job(3, 5)).assign(gpu_hours=8.0)
    frame["end_at"] = frame["end_at"].where([True, False, True])
    wanted = frame[frame["end_at"].notna()]
    for helper in (gpu_concurrency, gpu_hours_over_time):
        assert rows(helper(convert(frame, kind))) == rows(helper(wanted))


def test_groups_have_steps_of_their_own(kind):
    frame = table(job(0, 1), job(4, 5, gpu_type=None), job(2, 3, gpu_type="A10G"))
    assert rows(gpu_concurrency(convert(frame, kind))) == [
        ["A10G", at(2), at(3), 8],
        ["H100", at(0), at(1), 8],
        [None, at(4), at(5), 8],
    ]
    assert [row[-1] for row in rows(gpu_concurrency(convert(frame, kind), by=None))] == [
        8,
        0,
        8,
        0,
        8,
    ]


@settings(deadline=None)
@given(jobs())
def test_steps_are_canonical_and_hold_what_was_used(frame):
    for by in ("gpu_type", None):
        steps = gpu_concurrency(frame, by=by)
        hours = (steps["end"] - steps["start"]) / HOUR
        assert (hours > 0).all()
        total = gpu_usage(frame, by=None)["gpu_hours"].item()
        assert (hours * steps["gpus"]).sum() == pytest.approx(total, abs=1e-6)
        keys = steps["gpu_type"].fillna("") if by else pd.Series("", steps.index)
        same = keys.eq(keys.shift())
        assert steps["start"][same].eq(steps["end"].shift()[same]).all()
        assert steps["gpus"][same].ne(steps["gpus"].shift()[same]).all()
        assert (steps["gpus"][~same | ~same.shift(-1, fill_value=False)] > 0).all()


@pytest.mark.parametrize("most", [9, 60])
def test_polars_gives_the_same_steps_of_parts(most, monkeypatch):
    rng = np.random.default_rng(most)
    start = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 90, 300), "h")
    frame = pd.DataFrame(
        {
            # a large group, small ones, and some jobs of no group
            "gpu_type": rng.choice(["A", "B", "C", "D", None], 300, p=[0.6, 0.2, 0.1, 0.04, 0.06]),
            "team_name": rng.choice(["x", "y"], 300),
            "created_at": start.as_unit("us"),
            "end_at": (start + pd.to_timedelta(rng.integers(1, 20, 300), "h")).as_unit("us"),
            "gpus": rng.integers(1, 4, 300),
            "gpu_hours": 1.0,
        }
    )  # fmt: skip
    monkeypatch.setattr(steps_in_parts, "MOST_JOBS", most)
    for by in (None, "gpu_type", ["team_name", "gpu_type"]):
        found = gpu_concurrency(convert(frame, "polars lazy"), by=by)
        assert_same(found, gpu_concurrency(frame, by=by))
    few = found.filter(pl.col("gpus") > 2).select("end").head(7).collect()
    every = found.collect().filter(pl.col("gpus") > 2).select("end")
    assert few.equals(every.head(7))


def test_days_share_the_hours(kind):
    frame = table(job(18, 36), job(30, 31, gpus=2), job(20, 21, gpu_type=None, gpus=1))
    assert rows(gpu_hours_over_time(convert(frame, kind))) == [
        ["H100", at(0), 48.0, 2.0, 8],
        ["H100", at(24), 98.0, 98 / 24, 10],
        [None, at(0), 1.0, 1 / 24, 1],
        [None, at(24), 0.0, 0.0, 0],
    ]


def test_periods_without_an_event_have_their_level(kind):
    frame = table(job(12, 24 * 4 + 12, gpus=1), job(24 * 9, 24 * 10, gpus=2))
    assert [row[1:] for row in rows(gpu_hours_over_time(convert(frame, kind), by=None))] == [
        [12.0, 0.5, 1],
        *[[24.0, 1.0, 1]] * 3,
        [12.0, 0.5, 1],
        *[[0.0, 0.0, 0]] * 4,
        [48.0, 2.0, 2],
    ]


def test_a_job_that_ends_at_midnight_does_not_touch_the_next_day(kind):
    frame = table(job(0, 24), job(48, 72))
    assert [row[1:] for row in rows(gpu_hours_over_time(convert(frame, kind), by=None))] == [
        [192.0, 8.0, 8],
        [0.0, 0.0, 0],
        [192.0, 8.0, 8],
    ]


def test_the_peak_is_the_level_of_a_moment(kind):
    # the second job begins as the first ends; the third overlaps both within a quarter hour
    frame = table(job(0, 24.1), job(24.1, 25), job(24.05, 24.15, gpus=1), job(24, 24.01, gpus=3))
    result = collected(gpu_hours_over_time(convert(frame, kind), freq="h", by=None))
    assert result["peak_gpus"].to_list() == [8] * 24 + [11]


@pytest.mark.parametrize(
    ("freq", "first", "second"),
    [
        ("h", "2025-03-31 20:00", "2025-03-31 21:00"),
        ("D", "2025-03-31", "2025-04-01"),
        ("W", "2025-03-31", "2025-04-07"),
        ("M", "2025-03-01", "2025-04-01"),
        ("Q", "2025-01-01", "2025-04-01"),
        ("Y", "2025-01-01", "2026-01-01"),
    ],
)
def test_periods_begin_where_the_calendar_says(kind, freq, first, second):
    begin = "2025-03-31 20:30"
    end = pd.Timestamp(second) + pd.Timedelta(minutes=1)
    result = gpu_hours_over_time(convert(table(job(begin, end)), kind), freq=freq)
    assert collected(result)["period"].to_list() == [at(first), at(second)]
    assert collected(result)["gpu_hours"].iloc[-1] == pytest.approx(8 / 60)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2025-03-30", "Europe/Berlin", 23),
        ("2025-10-26", "Europe/Berlin", 25),
        ("2025-10-05", "Australia/Lord_Howe", 23.5),
        ("2025-04-06", "Australia/Lord_Howe", 24.5),
        ("2025-11-02", "America/Havana", 25),
        ("2014-10-26", "Europe/Moscow", 25),
        ("2025-06-01", "Asia/Kolkata", 24),
    ],
)
def test_days_on_which_clocks_change_are_shorter_or_longer(kind, day, zone, hours):
    begin = pd.Timestamp(day).tz_localize(zone, ambiguous=True)
    frame = table(job(begin - HOUR, begin + 30 * HOUR))
    result = collected(gpu_hours_over_time(convert(frame, kind), tz=zone, by=None))
    assert result["period"][1] == begin
    assert result["gpu_hours"].to_list() == pytest.approx([8, 8 * hours, 8 * (30 - hours)])
    assert result["mean_gpus"][1] == pytest.approx(8)
    by_hour = collected(gpu_hours_over_time(convert(frame, kind), freq="h", tz=zone, by=None))
    assert by_hour["gpu_hours"].sum() == pytest.approx(8 * 31)
    # the job ends in the middle of an hour where the zone is half an hour off
    assert by_hour["mean_gpus"][:-1].to_list() == pytest.approx([8.0] * (len(by_hour) - 1))


def test_a_day_that_a_zone_skipped_is_no_period():
    frame = table(job("2011-12-29 12:00", "2011-12-31 12:00"))
    result = gpu_hours_over_time(frame, tz="Pacific/Apia", by=None)
    days = result["period"].dt.strftime("%d").to_list()
    assert days == ["29", "31", "01"]
    assert result["gpu_hours"].sum() == pytest.approx(8 * 48)


def test_an_hour_that_the_clock_passes_over_in_its_middle_begins_then():
    # from 2:45 to 3:45: the hour from 3 has a quarter of an hour left
    begin = pd.Timestamp("2025-09-28 01:00", tz="Pacific/Chatham")
    frame = table(job(begin, begin + 3 * HOUR))
    result = gpu_hours_over_time(frame, freq="h", tz="Pacific/Chatham", by=None)
    shown = result["period"].dt.strftime("%H:%M").to_list()
    assert shown == ["01:00", "02:00", "03:45", "04:00"]
    assert result["gpu_hours"].to_list() == pytest.approx([8.0, 6.0, 2.0, 8.0])


def test_an_hour_that_the_clock_shows_twice_is_two_periods(kind):
    frame = table(job("2025-10-26 00:00", "2025-10-26 02:00"))
    result = gpu_hours_over_time(convert(frame, kind), freq="h", tz="Europe/Berlin", by=None)
    assert collected(result)["gpu_hours"].to_list() == [8.0, 8.0]


def test_an_hour_of_a_half_hour_zone_begins_on_the_half_hour(kind):
    frame = table(job("2025-01-01 10:15", "2025-01-01 11:45"))
    result = gpu_hours_over_time(convert(frame, kind), freq="h", tz="Asia/Kolkata", by=None)
    assert [row[:2] for row in rows(result)] == [
        [at("2025-01-01 09:30"), 2.0],
        [at("2025-01-01 10:30"), 8.0],
        [at("2025-01-01 11:30"), 2.0],
    ]


def test_periods_are_in_the_zone_asked_for():
    for kind in ("pandas", "polars", "polars lazy"):
        result = gpu_hours_over_time(convert(table(job()), kind), tz="Asia/Tokyo")
        if kind == "polars lazy":
            result = result.collect()
        zone = result["period"].dtype.tz if kind == "pandas" else result["period"].dtype.time_zone
        assert str(zone) == "Asia/Tokyo"


@pytest.mark.parametrize("freq", ["day", "d", "15min", "", None, ["D"]])
def test_an_unknown_period_is_refused_with_those_there_are(freq):
    with pytest.raises(ArgumentError, match=r"freq=.*: choose one of h, D, W, M, Q, Y"):
        gpu_hours_over_time(table(), freq=freq)


@pytest.mark.parametrize("tz", ["Berlin", "", "../UTC", None, 1, "Europe"])
def test_an_unknown_zone_is_refused(tz):
    with pytest.raises(ArgumentError, match=r"tz=.*: give the name of a time zone"):
        gpu_hours_over_time(table(), tz=tz)


def period_starts(first: datetime, last: datetime, freq: str, zone: ZoneInfo) -> list[datetime]:
    """The starts of periods around a span, found by looking at the clock every quarter hour."""
    labels = {
        "h": lambda clock: (clock.date(), clock.hour),
        "D": lambda clock: clock.date(),
        "W": lambda clock: clock.isocalendar()[:2],
        "M": lambda clock: (clock.year, clock.month),
    }
    quarter = timedelta(minutes=15)
    margin = timedelta(days={"h": 1, "D": 2, "W": 8, "M": 32}[freq])
    moment = (first - margin).replace(minute=0, second=0, microsecond=0)
    starts, before = [], None
    while moment <= last + margin:
        clock = moment.astimezone(zone)
        label = labels[freq](clock)
        if label != before or (freq == "h" and clock.minute == 0):
            starts.append(moment)
        before = label
        moment += quarter
    return starts[1:]


def prorated(frame: pd.DataFrame, freq: str, zone: str) -> dict[tuple[str, datetime], float]:
    held = frame[frame["gpu_hours"] > 0]
    first, last = held["created_at"].min(), held["end_at"].max()
    starts = period_starts(first.to_pydatetime(), last.to_pydatetime(), freq, ZoneInfo(zone))
    spans = [(start, stop) for start, stop in pairwise(starts) if stop > first and start < last]
    hours = {
        (key, start): 0.0 for key in held["gpu_type"].astype("str").fillna("") for start, _ in spans
    }
    for row in held.itertuples():
        key = row.gpu_type if isinstance(row.gpu_type, str) else ""
        for start, stop in spans:
            overlap = min(row.end_at, stop) - max(row.created_at, start)
            hours[key, start] += row.gpus * max(overlap / HOUR, 0.0)
    return hours


@settings(max_examples=examples(60), deadline=None)
@given(
    data=st.data(),
    zone=st.sampled_from(ZONES),
    freq=st.sampled_from(["h", "D", "W", "M"]),
    start=st.sampled_from(CHANGES),
    kind=st.sampled_from(["pandas", "polars lazy", "duckdb"]),
)
def test_hours_are_those_of_each_job_in_each_period(data, zone, freq, start, kind):
    frame = data.draw(jobs(moments(start, hours=24 * 8), most=5, least=1))
    result = collected(gpu_hours_over_time(convert(frame, kind), freq=freq, tz=zone))
    if not (frame["gpu_hours"] > 0).any():
        assert result.empty
        return
    expected = prorated(frame, freq, zone)
    found = dict(
        zip(
            zip(result["gpu_type"].fillna(""), result["period"], strict=True),
            result["gpu_hours"],
            strict=True,
        )
    )
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=1e-6)
    assert result["gpu_hours"].sum() == pytest.approx(frame["gpu_hours"].sum(), abs=1e-6)
    assert (result["peak_gpus"] >= result["mean_gpus"] - 1e-6).all()


@settings(max_examples=examples(40), deadline=None)
@given(frame=jobs(moments(hours=24)), kind=st.sampled_from(["pandas", "polars lazy", "duckdb"]))
def test_peaks_are_those_of_the_steps(frame, kind):
    steps = gpu_concurrency(frame, by=None)
    result = collected(gpu_hours_over_time(convert(frame, kind), freq="h", by=None))
    expected = [
        steps["gpus"][(steps["end"] > period) & (steps["start"] < period + HOUR)].max()
        for period in result["period"]
    ]
    assert result["peak_gpus"].to_list() == expected


def test_long_spans_stay_exact():
    day = 24
    frame = table(
        job(0, 3650 * day, gpus=100_000),
        *(job(day * n + 1 / 3, day * n + 2 / 3, gpus=1) for n in range(50)),
    )
    result = gpu_hours_over_time(frame, by=None)
    assert len(result) == 3650
    assert np.ptp(result["gpu_hours"].iloc[60:].to_numpy()) == 0
    assert result["gpu_hours"].sum() == pytest.approx(frame["gpu_hours"].sum(), rel=1e-12)
    assert_same(gpu_hours_over_time(convert(frame, "duckdb"), by=None), result)


def test_more_periods_than_anybody_can_want_are_refused_by_the_name_of_the_option():
    jobs = pd.DataFrame(
        {
            "created_at": pd.to_datetime(["2025-01-01"], utc=True).as_unit("us"),
            "end_at": pd.to_datetime(["9999-12-31"], utc=True).as_unit("us"),
            "gpus": [1],
            "gpu_hours": [1.0],
        }
    )
    with pytest.raises(ArgumentError, match=r"freq='D': about 2,9\d\d,\d\d\d periods from 2025"):
        gpu_hours_over_time(jobs, by=None)
    assert len(gpu_hours_over_time(jobs, freq="M", by=None)) == 12 * (9999 - 2024)
