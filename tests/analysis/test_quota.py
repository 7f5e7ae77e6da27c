import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.fleet import capacity
from tests.analysis.tables import KINDS, assert_same, at, collected, convert, job, moments, table
from tests.analysis.tables import jobs as many_jobs
from tests.properties import examples
from trainview.analysis import gpu_concurrency, quota
from trainview.errors import ArgumentError

# The limit of a team is not that of the organisation.
H100_16 = capacity((None, "H100", 8, 16), ("blue", "H100", 3, 4))


def rows(result):
    frame = collected(result)
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def steps(*jobs, by="gpu_type"):
    frame = table(*jobs)
    if "team_name" in by:
        frame["team_name"] = pd.array([job.get("team_name") for job in jobs], dtype="str")
    return gpu_concurrency(frame, by=by)


def test_the_limit_divides_what_was_held(kind):
    # 8 GPUs for two hours, 16 for three, 32 for one, none for two, 8 for two
    concurrency = steps(job(0, 6), job(2, 6), job(5, 6, gpus=16), job(8, 10))
    result = quota(convert(concurrency, kind), convert(H100_16, kind))
    assert rows(result) == [
        ["H100", 16, 8, 32, 11.2, 10.0, pytest.approx(0.4), 16.0, pytest.approx(0.1), 8.0]
    ]


def test_more_gpus_change_what_they_cover(kind):
    concurrency = convert(steps(job(0, 6), job(2, 6), job(5, 6, gpus=16)), kind)
    shares = {
        extra: rows(quota(concurrency, H100_16, extra_gpus=extra))[0][-2:] for extra in (0, 16, 17)
    }
    assert shares[0] == [pytest.approx(4 / 6), 16.0]
    assert shares[16] == [pytest.approx(1 / 6), 0.0]
    assert shares[17] == [0.0, 0.0]


def test_all_types_are_measured_over_the_same_time(kind):
    concurrency = convert(steps(job(0, 2), job(4, 8, gpu_type="A10G", gpus=1)), kind)
    limits = capacity((None, "A10G", 0, 2), (None, "H100", 0, 8), (None, "T4", 4, 4))
    assert rows(quota(concurrency, convert(limits, kind), extra_gpus=1)) == [
        ["H100", 8, 0, 8, 2.0, 8.0, 0.25, 0.0, 0.0, 0.0],
        ["A10G", 2, 0, 1, 0.5, 8.0, 0.0, 0.0, 0.0, 0.0],
        ["T4", 4, 4, 0, 0.0, 8.0, 0.0, 0.0, 0.0, 0.0],
    ]


def test_a_type_without_a_limit_is_kept_and_comes_last(kind):
    concurrency = convert(steps(job(0, 2, gpu_type="B200"), job(0, 2)), kind)
    assert rows(quota(concurrency, convert(H100_16, kind))) == [
        ["H100", 16, 8, 8, 8.0, 2.0, 0.0, 0.0, 0.0, 0.0],
        ["B200", None, None, 8, 8.0, 2.0, *[None] * 4],
    ]


def test_a_limit_of_zero_is_reached_only_by_what_is_held(kind):
    limits = convert(capacity((None, "H100", 0, 0), (None, "T4", 0, 0)), kind)
    assert rows(quota(convert(steps(job(0, 2), job(6, 8)), kind), limits)) == [
        ["H100", 0, 0, 8, 4.0, 8.0, 0.5, 32.0, 0.5, 0.0],
        ["T4", 0, 0, 0, 0.0, 8.0, 0.0, 0.0, 0.0, 0.0],
    ]


def test_spellings_of_a_type_are_one_type(kind):
    concurrency = steps(job(0, 2, gpu_type="A100_40GB"), job(1, 3, gpu_type="A100-40GB"))
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
        concurrency = steps(job(0, 2, gpu_type="A100_40GB", team_name="blue"), by=by)
        found = collected(quota(convert(concurrency, kind), convert(limits, kind)))
        assert found["limit"].to_list() == [limit]


def test_teams_have_limits_of_their_own(kind):
    concurrency = steps(
        job(0, 4, team_name="blue"),
        job(0, 1, team_name="red"),
        job(0, 4, team_name=None),
        by=["team_name", "gpu_type"],
    )
    limits = capacity(
        (None, "H100", 8, 8), ("blue", "H100", 0, 8), ("red", "H100", 0, 16), ("red", "T4", 0, 1)
    )
    result = quota(convert(concurrency, kind), convert(limits, kind))
    assert [row[:3] + row[4:5] + row[7:8] for row in rows(result)] == [
        ["blue", "H100", 8, 8, 1.0],
        ["red", "H100", 16, 8, 0.0],
        ["red", "T4", 1, 0, 0.0],
        [None, "H100", None, 8, None],
    ]


def test_where_nothing_was_held_there_is_no_share(kind):
    assert rows(quota(convert(steps(), kind), convert(H100_16, kind))) == [
        ["H100", 16, 8, 0, None, 0.0, None, 0.0, None, 0.0]
    ]
    assert rows(quota(convert(steps(), kind), convert(capacity(), kind))) == []


@pytest.mark.parametrize("extra", [-1, 1.5, None, "8"])
def test_extra_gpus_are_a_whole_number(extra):
    with pytest.raises(ArgumentError, match=r"extra_gpus=.*: give a whole number from 0"):
        quota(steps(), H100_16, extra_gpus=extra)


def test_what_has_no_limit_of_its_own_is_refused(kind):
    concurrency = convert(steps(job(), by=["gpu_type", "project_name"]), kind)
    with pytest.raises(ArgumentError, match=r"by 'project_name' too.* by 'gpu_type'"):
        quota(concurrency, H100_16)
    with pytest.raises(ArgumentError, match=r"no column 'gpu_type'"):
        quota(convert(gpu_concurrency(table(job()), by=None), kind), H100_16)


@settings(deadline=None, max_examples=examples(50))
@given(
    many_jobs(st.integers(0, 40).map(lambda quarters: at(quarters / 4)), most=8),
    st.integers(0, 20),
    st.integers(0, 9),
)
def test_shares_are_those_of_a_look_every_quarter_of_an_hour(frame, limit, extra):
    held = frame[frame["gpu_hours"] > 0]
    limits = capacity((None, "H100", 0, limit), (None, "A10G", 0, limit), (None, "T4", 0, limit))
    result = quota(gpu_concurrency(frame), limits, extra_gpus=extra)
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
    concurrency = gpu_concurrency(frame)
    expected = quota(concurrency, limits)
    for kind in KINDS[1:]:
        assert_same(quota(convert(concurrency, kind), convert(limits, kind)), expected)
