import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.fleet import capacity
from tests.analysis.tables import KINDS, assert_same, at, collected, convert, job, moments, table
from tests.analysis.tables import jobs as many_jobs
from tests.properties import examples
from trainview.analysis import gpu_concurrency, gpu_hours_over_time, gpu_usage, quota
from trainview.errors import ArgumentError

# The limit of a team is not that of the organisation.
H100_16 = capacity((None, "H100", 8, 16), ("blue", "H100", 3, 4))


BESIDE = ["burst_gpu_hours", "held_over_limit_gpu_hours", "peak_spot_gpus", "spot_gpu_hours", "peak_pending_gpus", "pending_gpu_hours"]  # fmt: skip


def rows(result):
    """The types, and what is told against their limits."""
    frame = collected(result).drop(columns=BESIDE)
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def held(*jobs):
    frame = table(*jobs)
    frame["team_name"] = pd.array([job.get("team_name") for job in jobs], dtype="str")
    return frame


def told(result, *names):
    frame = collected(result)
    assert len(frame) == 1
    return [frame[name].item() for name in names]


def test_the_limit_divides_what_was_held(kind):
    # 8 GPUs for two hours, 16 for three, 32 for one, none for two, 8 for two
    concurrency = held(job(0, 6), job(2, 6), job(5, 6, gpus=16), job(8, 10))
    result = quota(convert(concurrency, kind), convert(H100_16, kind))
    assert rows(result) == [
        ["H100", 16, 8, 32, 11.2, 10.0, pytest.approx(0.4), 16.0, pytest.approx(0.1), 8.0]
    ]


def test_more_gpus_change_what_they_cover(kind):
    concurrency = convert(held(job(0, 6), job(2, 6), job(5, 6, gpus=16)), kind)
    shares = {
        extra: rows(quota(concurrency, H100_16, extra_gpus=extra))[0][-2:] for extra in (0, 16, 17)
    }
    assert shares[0] == [pytest.approx(4 / 6), 16.0]
    assert shares[16] == [pytest.approx(1 / 6), 0.0]
    assert shares[17] == [0.0, 0.0]


def test_all_types_are_measured_over_the_same_time(kind):
    concurrency = convert(held(job(0, 2), job(4, 8, gpu_type="A10G", gpus=1)), kind)
    limits = capacity((None, "A10G", 0, 2), (None, "H100", 0, 8), (None, "T4", 4, 4))
    assert rows(quota(concurrency, convert(limits, kind), extra_gpus=1)) == [
        ["H100", 8, 0, 8, 2.0, 8.0, 0.25, 0.0, 0.0, 0.0],
        ["A10G", 2, 0, 1, 0.5, 8.0, 0.0, 0.0, 0.0, 0.0],
        ["T4", 4, 4, 0, 0.0, 8.0, 0.0, 0.0, 0.0, 0.0],
    ]


def test_a_type_without_a_limit_is_kept_and_comes_last(kind):
    concurrency = convert(held(job(0, 2, gpu_type="B200"), job(0, 2)), kind)
    assert rows(quota(concurrency, convert(H100_16, kind))) == [
        ["H100", 16, 8, 8, 8.0, 2.0, 0.0, 0.0, 0.0, 0.0],
        ["B200", None, None, 8, 8.0, 2.0, *[None] * 4],
    ]


def test_a_limit_of_zero_is_reached_only_by_what_is_held(kind):
    limits = convert(capacity((None, "H100", 0, 0), (None, "T4", 0, 0)), kind)
    assert rows(quota(convert(held(job(0, 2), job(6, 8)), kind), limits)) == [
        ["H100", 0, 0, 8, 4.0, 8.0, 0.5, 32.0, 0.5, 0.0],
        ["T4", 0, 0, 0, 0.0, 8.0, 0.0, 0.0, 0.0, 0.0],
    ]


def test_spellings_of_a_type_are_one_type(kind):
    concurrency = held(job(0, 2, gpu_type="A100_40GB"), job(1, 3, gpu_type="A100-40GB"))
    limits = convert(capacity((None, "A100-40GB", 0, 16)), kind)
    assert rows(quota(convert(concurrency, kind), limits)) == [
        ["A100_40GB", 16, 0, 16, pytest.approx(32 / 3), 3.0, pytest.approx(1 / 3), 0.0, 0.0, 0.0]
    ]


def test_two_spellings_in_one_answer_are_one_limit(kind):
    limits = capacity(
        (None, "A100-40GB", 4, 8), (None, "A100_40GB", 4, 8),
        ("blue", "a100_40gb", 2, 4), ("blue", "A100-40GB", 2, 4),
    )  # fmt: skip
    for by, limit in (["gpu_type"], 8), (["team_name", "gpu_type"], 4):
        jobs = held(job(0, 2, gpu_type="A100_40GB", team_name="blue"))
        found = collected(quota(convert(jobs, kind), convert(limits, kind), by=by))
        assert found["limit"].to_list() == [limit]


def test_teams_have_limits_of_their_own(kind):
    concurrency = held(
        job(0, 4, team_name="blue"),
        job(0, 1, team_name="red"),
        job(0, 4, team_name=None),
    )
    limits = capacity(
        (None, "H100", 8, 8), ("blue", "H100", 0, 8), ("red", "H100", 0, 16), ("red", "T4", 0, 1)
    )
    by = ["team_name", "gpu_type"]
    result = quota(convert(concurrency, kind), convert(limits, kind), by=by)
    assert [row[:3] + row[4:5] + row[7:8] for row in rows(result)] == [
        ["blue", "H100", 8, 8, 1.0],
        ["red", "H100", 16, 8, 0.0],
        ["red", "T4", 1, 0, 0.0],
        [None, "H100", None, 8, None],
    ]


def test_where_nothing_was_held_there_is_no_share(kind):
    assert rows(quota(convert(held(), kind), convert(H100_16, kind))) == [
        ["H100", 16, 8, 0, None, 0.0, None, 0.0, None, 0.0]
    ]
    assert rows(quota(convert(held(), kind), convert(capacity(), kind))) == []


@pytest.mark.parametrize("extra", [-1, 1.5, None, "8"])
def test_extra_gpus_are_a_whole_number(extra):
    with pytest.raises(ArgumentError, match=r"extra_gpus=.*: give a whole number from 0"):
        quota(held(), H100_16, extra_gpus=extra)


def test_what_has_no_limit_of_its_own_is_refused(kind):
    jobs = convert(held(job()), kind)
    for by in (
        ["gpu_type", "project_name"],
        "team_name",
        None,
        ["team_name", "availability_model"],
    ):
        with pytest.raises(ArgumentError, match=r"by=.*: limits are by 'gpu_type', or by"):
            quota(jobs, H100_16, by=by)


AS_TOLD = ["at_limit_share", "over_limit_gpu_hours", "peak_gpus", "peak_spot_gpus", "spot_gpu_hours"]  # fmt: skip


def test_spot_gpus_stand_beside_the_limit(kind):
    # 16 dedicated and 16 spot GPUs beside a limit of 16: nobody has to wait
    jobs = held(
        job(0, 10, gpus=16, availability_model="dedicated"),
        job(0, 10, gpus=8, availability_model="spot"),
        job(0, 10, gpus=8, availability_model="spot"),
    )
    result = quota(convert(jobs, kind), convert(H100_16, kind))
    assert told(result, *AS_TOLD) == [1.0, 0.0, 16, 16, 160.0]
    # absent is dedicated
    absent = convert(jobs.drop(columns="availability_model"), kind)
    assert told(quota(absent, H100_16), *AS_TOLD) == [1.0, 160.0, 32, 0, 0.0]
    unknown = convert(held(job(0, 10, gpus=32)), kind)
    assert told(quota(unknown, H100_16), *AS_TOLD) == [1.0, 160.0, 32, 0, 0.0]


def test_dedicated_gpus_above_the_baseline_are_burst(kind):
    jobs = held(job(0, 4, gpus=4), job(1, 3, gpus=8), job(0, 4, availability_model="spot"))
    assert told(quota(convert(jobs, kind), H100_16), "burst_gpu_hours") == [8.0]


def test_what_pending_jobs_ask_for_is_demand(kind):
    # 32 GPUs are asked for beside a limit of 32, of which 16 are held
    limits = capacity((None, "H100", 0, 32))
    jobs = held(
        job(0, 60, gpus=16, status="running"),
        job(9, 60, gpus=32, status="pending"),
        job(0, 60, gpus=64, status="queued", availability_model="spot"),
        job(0, 60, gpus=64, status="deploy-failed"),
        job(7, 3, gpus=64, status="pending"),
    )
    names = ["peak_gpus", "peak_pending_gpus", "pending_gpu_hours", "hours"]
    result = quota(convert(jobs, kind), convert(limits, kind))
    assert told(result, *names) == [16, 32, 51 * 32, 60]
    assert told(result, "at_limit_share", "over_limit_gpu_hours") == [51 / 60, 51 * 16]
    names = ["at_limit_share_with_extra", "over_limit_gpu_hours_with_extra"]
    assert told(quota(convert(jobs, kind), limits, 16), *names) == [51 / 60, 0.0]
    assert told(quota(convert(jobs, kind), limits, 17), *names) == [0.0, 0.0]


def test_who_waited_was_pending_before_it_held(kind):
    jobs = held(
        job(0, 10, gpus=16),
        job(2, 20, number=1, gpus=16),
        job(4, 10, number=2, gpus=8, status="stopped"),
        job(5, 11, number=3, gpus=8, status="deploy-failed"),
        job(6, 30, number=4, gpus=64, availability_model="spot"),
        job(7, 20, number=5, gpus=8, status="pending"),
    )
    names = ["at_limit_share", "over_limit_gpu_hours", "held_over_limit_gpu_hours", "pending_gpu_hours", "peak_gpus", "burst_gpu_hours"]  # fmt: skip
    limits = capacity((None, "H100", 12, 16))
    whole = told(quota(convert(jobs, kind), limits, until=at(20)), *names)
    # as if all had held from submission on: 16 above the limit for 8 hours, 8 for 6 more
    assert whole == [1.0, 16 * 8 + 8 * 6 + 8 * 13, 16 * 8 + 8 * 6, 8 * 13, 40, 4 * 20 + 16 * 8 + 8 * 6]  # fmt: skip
    held_at = [at(0), at(10), at(10), at(11), at(8), at(7)]
    refined = jobs.assign(held_at=held_at, gpu_hours=[160, 160, 0, 0, 64 * 22, 0])
    found = told(quota(convert(refined, kind), convert(limits, kind), until=at(20)), *names)
    # the same was asked for, and by the job that failed to deploy; no more than 16 were held
    waited = 16 * 8 + 8 * 6 + 8 * 6 + 8 * 13
    assert found == [1.0, waited, 0.0, waited, 16, 4 * 20]


@pytest.mark.parametrize(
    ("window", "hours", "share", "mean"),
    [
        ({"until": at(20)}, 20, 0.2, 4.0),
        ({"since": at(4), "until": at(14)}, 10, 0.2, 3.2),
        ({"since": at(5)}, 1, 1.0, 16.0),
        ({"since": "3h"}, 3, 1.0, 16.0),
        ({"since": "1d", "until": "2025-01-02"}, 24, 4 / 24, 80 / 24),
        ({"since": at(100), "until": at(110)}, 10, 0.0, 0.0),
    ],
)
def test_shares_are_of_the_window_that_is_asked_for(kind, window, hours, share, mean):
    jobs = convert(held(job(0, 6), job(2, 6)), kind)
    names = ["hours", "at_limit_share", "mean_gpus"]
    assert told(quota(jobs, H100_16, **window), *names) == pytest.approx([hours, share, mean])


def test_gpus_can_be_told_apart_by_their_availability(kind):
    jobs = held(job(0, 2, availability_model="spot"), job(0, 3, availability_model="dedicated"))
    by = "availability_model"
    for helper in (gpu_concurrency, gpu_usage, gpu_hours_over_time):
        found = collected(helper(convert(jobs, kind), by=by))
        assert sorted(found[by]) == ["dedicated", "spot"], helper


def test_the_limit_is_for_what_is_dedicated(kind):
    jobs = convert(
        held(
            job(0, 10, gpus=24, availability_model="dedicated"),
            job(0, 5, gpus=8, availability_model="spot"),
            job(0, 10, gpu_type="T4", gpus=1),
            job(4, 10, gpu_type="B200", gpus=4, availability_model="spot"),
        ),
        kind,
    )
    limits = capacity((None, "H100", 8, 16), (None, "T4", 0, 4), ("blue", "H100", 3, 4))
    columns = ["limit", "baseline", "peak_gpus", "burst_gpu_hours", "peak_spot_gpus", "spot_gpu_hours", "at_limit_share", "over_limit_gpu_hours"]  # fmt: skip
    alone = quota(jobs, convert(limits, kind), by="availability_model")
    frame = collected(alone)[["availability_model", *columns]]
    assert frame.astype(object).where(frame.notna(), None).to_numpy().tolist() == [
        ["dedicated", 20, 8, 25, 16 * 10 + 10, 0, 0.0, 1.0, 80.0],
        ["spot", None, None, 0, None, 12, 8 * 5 + 4 * 6, None, None],
    ]
    apart = collected(quota(jobs, limits, by=["gpu_type", "availability_model"]))
    assert apart[["gpu_type", "availability_model"]].to_numpy().tolist() == [
        ["H100", "dedicated"], ["T4", "dedicated"], ["B200", "spot"], ["H100", "spot"],
    ]  # fmt: skip
    assert apart["limit"].fillna(-1).to_list() == [16, 4, -1, -1]
    assert apart["over_limit_gpu_hours"].fillna(-1).to_list() == [80, 0, -1, -1]
    assert apart["spot_gpu_hours"].to_list() == [0, 0, 24, 40]
    teams = ["availability_model", "team_name", "gpu_type"]
    assert collected(quota(jobs, limits, by=teams))["limit"].sum() == 4
    assert collected(quota(convert(held(), kind), limits, by="availability_model"))[
        "limit"
    ].to_list() == [20]


@settings(deadline=None, max_examples=examples(50))
@given(
    many_jobs(st.integers(0, 40).map(lambda quarters: at(quarters / 4)), most=8),
    st.integers(0, 20),
    st.integers(0, 9),
)
def test_shares_are_those_of_a_look_every_quarter_of_an_hour(frame, limit, extra):
    frame = frame[frame["phase"] != "waiting"]
    held = frame[frame["gpu_hours"] > 0]
    limits = capacity((None, "H100", 0, limit), (None, "A10G", 0, limit), (None, "T4", 0, limit))
    result = quota(frame, limits, extra_gpus=extra)
    assert {"A10G", "H100", "T4"} <= set(result["gpu_type"].dropna())
    looks = (
        pd.date_range(held["created_at"].min(), held["end_at"].max(), freq="15min")[:-1]
        if len(held)
        else []
    )
    for row in result.itertuples():
        same = (
            held["gpu_type"].eq(row.gpu_type)
            if isinstance(row.gpu_type, str)
            else held["gpu_type"].isna()
        )
        of_type = held[same]
        levels = [
            int(of_type["gpus"][(of_type["created_at"] <= look) & (look < of_type["end_at"])].sum())
            for look in looks
        ]
        assert row.peak_gpus == max(levels, default=0)
        assert row.hours == pytest.approx(len(looks) / 4)
        if not levels:
            continue
        assert row.mean_gpus == pytest.approx(sum(levels) / len(levels))
        if not isinstance(row.gpu_type, str):
            assert pd.isna(row.at_limit_share)
            continue
        for more, share, over in [
            (0, row.at_limit_share, row.over_limit_gpu_hours),
            (extra, row.at_limit_share_with_extra, row.over_limit_gpu_hours_with_extra),
        ]:
            most = limit + more
            reached = [level for level in levels if level and level >= most]
            assert share == pytest.approx(len(reached) / len(levels))
            assert over == pytest.approx(sum(level - most for level in reached) / 4)


@settings(max_examples=examples(20), deadline=None)
@given(many_jobs(moments(), most=8))
def test_all_kinds_give_the_same(frame):
    limits = capacity((None, "H100", 4, 8), (None, "T4", 0, 1))
    expected = quota(frame, limits)
    model = frame.assign(
        availability_model=["spot" if row % 3 else None for row in range(len(frame))]
    ).astype({"availability_model": "str"})
    by_model = quota(model, limits, by="availability_model")
    for kind in KINDS[1:]:
        assert_same(quota(convert(frame, kind), convert(limits, kind)), expected)
        found = quota(convert(model, kind), convert(limits, kind), by="availability_model")
        assert_same(found, by_model)
