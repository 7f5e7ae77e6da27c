import itertools
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.fleet import JOBS, PRICES, many_samples, metrics, minutes, prices, sample, used
from tests.analysis.tables import KINDS, assert_same, collected, convert, job, table
from tests.properties import examples
from trainview.analysis import clip_jobs, idle_gpus, utilization
from trainview.errors import ArgumentError

HOUR = timedelta(hours=1)
LONGEST = ["longest_idle_hours", "longest_idle_start", "longest_idle_end"]


def found(frame, kind="pandas", **arguments):
    return collected(
        idle_gpus(convert(frame, kind), convert(JOBS, kind), **{"by": "gpu"} | arguments)
    )


def one(frame, kind="pandas", **arguments):
    result = found(frame, kind, **arguments)
    assert len(result) == 1
    return result.iloc[0]


def stretch(row):
    return [row[name] for name in LONGEST]


def test_a_gpu_that_is_busy_first_and_idle_then_is_found(kind):
    frame = metrics(*(sample(at, 0.9 if at < 60 else 0.0) for at in range(120)))
    result = one(frame, kind, prices=convert(PRICES, kind))
    assert result["gpus"] == 1
    assert result["covered_gpu_hours"] == pytest.approx(2)
    assert result["idle_gpu_hours"] == pytest.approx(1)
    assert result["idle_share"] == pytest.approx(0.5)
    assert stretch(result) == [1, minutes(60), minutes(120)]
    assert result["idle_usd"] == pytest.approx(60 * 0.8 / 8)


def test_samples_may_come_in_any_order(kind):
    frame = metrics(*(sample(at, 0.9 if at < 20 else 0.0, gpu=at % 3) for at in range(60)))
    shuffled = frame.sample(frac=1, random_state=3).reset_index(drop=True)
    assert_same(found(shuffled, kind), found(frame))


def test_no_data_is_never_idle(kind):
    frame = metrics(
        sample(0, 0.0),
        sample(60, 0.0),
        sample(0, None, gpu=1),
        used(0, 0, gpu=2),
        sample(0, 0.0, gpu=3, step_seconds=None),
        sample(0, 0.0, metric="cpu_usage", gpu=None),
    )
    result = found(frame, kind)
    assert result["gpu"].to_list() == [0, 3]
    assert result["idle_gpu_hours"].to_list() == pytest.approx([2 / 60, 0])
    assert stretch(result.iloc[0]) == [pytest.approx(1 / 60), minutes(0), minutes(1)]
    assert result["idle_share"].isna().to_list() == [False, True]
    assert result[LONGEST[1:]].isna().all(axis=1).to_list() == [False, True]
    assert result["longest_idle_hours"].iloc[1] == 0
    assert found(metrics(), kind).empty


def test_the_threshold_itself_is_not_idle(kind):
    frame = metrics(*(sample(at, value) for at, value in enumerate([0.05, 0.0499, 0.3, 0.0])))
    assert one(frame, kind)["idle_gpu_hours"] == pytest.approx(2 / 60)
    assert one(frame, kind, threshold=0.3)["idle_gpu_hours"] == pytest.approx(3 / 60)
    assert one(frame, kind, threshold=0)["idle_gpu_hours"] == 0
    assert one(frame, kind, threshold=1)["idle_gpu_hours"] == pytest.approx(4 / 60)


@pytest.mark.parametrize("threshold", [-0.01, 1.01, float("nan")])
def test_an_impossible_threshold_is_refused(threshold):
    with pytest.raises(ArgumentError, match=r"threshold=.*: give a fraction from 0 to 1"):
        idle_gpus(metrics(), JOBS, threshold=threshold)


@pytest.mark.parametrize(("gap", "hours"), [(1.0, 3), (1.5, 3.5), (1.5001, 2), (2, 2)])
def test_a_missing_sample_ends_a_stretch(kind, gap, hours):
    frame = metrics(sample(0, 0.0), sample(1, 0.0), sample(1 + gap, 0.0))
    result = one(frame, kind)
    assert result["idle_gpu_hours"] == pytest.approx(3 / 60)
    assert stretch(result) == [pytest.approx(hours / 60), minutes(0), minutes(hours)]


@pytest.mark.parametrize("between", [{"value": 0.5}, {"step_seconds": None}])
def test_a_busy_or_unknown_sample_ends_a_stretch(kind, between):
    rows = [sample(at, 0.0) for at in range(5)]
    rows[1] |= between
    assert stretch(one(metrics(*rows), kind)) == [pytest.approx(3 / 60), minutes(2), minutes(5)]


def test_the_earliest_of_equal_stretches_is_shown(kind):
    frame = metrics(
        *(sample(at, 0.0, gpu=1) for at in (10, 11, 20, 21)),
        *(sample(at, 0.0) for at in (30, 31)),
    )
    result = one(frame, kind, by=None)
    assert stretch(result) == [pytest.approx(2 / 60), minutes(10), minutes(12)]
    assert result["gpus"] == 2


def test_stretches_of_two_gpus_are_not_one(kind):
    frame = metrics(
        *(sample(at, 0.0) for at in (0, 1)),
        *(sample(at, 0.0, gpu=1) for at in (2, 3, 4)),
        *(sample(at, 0.0, gpu=1, node_id=None) for at in (5, 6)),
    )
    assert stretch(one(frame, kind, by="job_id")) == [
        pytest.approx(3 / 60),
        minutes(2),
        minutes(5),
    ]


def test_a_sample_covers_no_more_than_the_time_to_the_next(kind):
    frame = metrics(sample(0, 0.0, step_seconds=300.0), sample(2, 0.9), sample(3, 0.0))
    result = one(frame, kind)
    assert result["covered_gpu_hours"] == pytest.approx(4 / 60)
    assert result["idle_gpu_hours"] == pytest.approx(3 / 60)
    assert stretch(result) == [pytest.approx(2 / 60), minutes(0), minutes(2)]


def test_a_table_joined_from_overlapping_ones_counts_nothing_twice(kind):
    frame = metrics(*(sample(at, 0.0) for at in range(4)))
    twice = pd.concat([frame, frame.tail(2)], ignore_index=True)
    columns = ["idle_gpu_hours", *LONGEST]
    pd.testing.assert_frame_equal(found(twice, kind)[columns], found(frame)[columns])


def test_the_cost_is_that_of_the_gpu_in_its_node(kind):
    frame = metrics(
        *(sample(at, 0.0, gpu=at % 2) for at in range(60)),
        sample(0, 0.0, job_id="jb"),
        sample(0, 0.0, job_id="jx"),
        sample(0, 0.9, job_id="jc"),
    )
    jobs = table(
        job(job_id="ja", instance_type_id="big", gpus=8, gpu_count=4, node_count=2),
        job(job_id="jb", instance_type_id="odd"),
        job(job_id="jc", instance_type_id="big", gpu_count=4),
    )
    result = idle_gpus(
        convert(frame, kind), convert(jobs, kind), convert(prices(big=2.0), kind), by="job_id"
    )
    usd = collected(result).set_index("job_id")["idle_usd"]
    assert usd["ja"] == pytest.approx(60 * 2.0 / 4)
    assert usd["jc"] == 0
    assert np.isnan(usd["jb"])
    assert "jx" not in usd
    total = idle_gpus(convert(frame, kind), jobs, prices(big=2.0), by=None)
    assert collected(total)["idle_usd"].item() == pytest.approx(60 * 2.0 / 4)


def test_without_prices_the_cost_is_not_known(kind):
    assert np.isnan(one(metrics(sample(0, 0.0)), kind)["idle_usd"])


def test_an_instance_type_with_two_prices_is_refused(kind):
    twice = pd.concat([PRICES, PRICES.assign(usd_per_minute=1.0)], ignore_index=True)
    with pytest.raises(ArgumentError, match=r"'big' has several prices, 0\.8 and 1 USD"):
        found(metrics(sample(0, 0.0)), kind, prices=convert(twice, kind))
    same = pd.concat([PRICES, PRICES], ignore_index=True)
    assert one(metrics(sample(0, 0.0)), kind, prices=convert(same, kind))["idle_usd"] == 0.1


def test_a_node_without_gpus_has_no_price_for_one(kind):
    jobs = table(job(job_id="ja", instance_type_id="big", gpu_count=0))
    result = idle_gpus(convert(metrics(sample(0, 0.0)), kind), jobs, PRICES)
    assert collected(result)["idle_usd"].isna().all()


def test_jobs_give_keys_and_only_their_samples_count(kind):
    frame = metrics(
        *(sample(at, 0.0, job_id="jx") for at in range(3)),
        *(sample(at, 0.0) for at in range(2)),
        sample(0, 0.9, job_id="jb"),
    )
    result = found(frame, kind, by=["project_name", "priority"])
    assert result["project_name"].to_list() == ["llm", "asr"]
    assert result["priority"].fillna(-1).to_list() == [-1, 3]
    assert result["idle_gpu_hours"].to_list() == pytest.approx([2 / 60, 0])


def test_the_samples_of_jobs_that_a_window_dropped_do_not_count(kind):
    frame = metrics(
        *(sample(60 * hour, 0.0, step_seconds=3600.0) for hour in range(4)),
        *(sample(60 * hour, 0.0, step_seconds=3600.0, job_id="jb") for hour in range(2)),
    )
    jobs = JOBS.assign(end_at=[minutes(240), minutes(120)])
    window = clip_jobs(convert(jobs, kind), minutes(150))
    for helper in (idle_gpus, utilization):
        result = collected(helper(convert(frame, kind), window, by=None))
        assert result["covered_gpu_hours"].to_list() == [1.5]


def test_an_unknown_price_is_no_price_of_0(kind):
    frame = metrics(
        *(sample(at, 0.9, gpu=at) for at in range(2)),
        sample(0, 0.0, job_id="jb"),
        sample(1, 0.0, job_id="jb"),
    )
    total = one(frame, kind, prices=convert(PRICES, kind), by=None)
    assert np.isnan(total["idle_usd"])
    assert total["unpriced_idle_gpu_hours"] == pytest.approx(2 / 60)
    by_job = found(frame, kind, prices=convert(PRICES, kind), by="job_id").set_index("job_id")
    assert by_job["idle_usd"].fillna(-1).to_dict() == {"ja": 0, "jb": -1}
    assert by_job["unpriced_idle_gpu_hours"].to_list() == pytest.approx([2 / 60, 0])
    some = pd.concat([frame, metrics(sample(5, 0.0))], ignore_index=True)
    total = one(some, kind, prices=convert(PRICES, kind), by=None)
    assert total["idle_usd"] == pytest.approx(0.1)
    assert total["unpriced_idle_gpu_hours"] == pytest.approx(2 / 60)


@pytest.mark.parametrize("by", ["instance_type_id", "gpu_count", "end_at"])
def test_a_column_that_tells_the_price_or_the_end_may_be_a_key(kind, by):
    jobs = JOBS[JOBS["job_id"] == "ja"]
    frame = convert(metrics(sample(0, 0.0)), kind)
    result = collected(idle_gpus(frame, convert(jobs, kind), PRICES, by=by))
    assert result[by].to_list() == jobs[by].to_list()
    by_job = collected(idle_gpus(frame, convert(jobs, kind), PRICES, by="job_id"))
    assert result["idle_usd"].to_list() == by_job["idle_usd"].to_list()
    assert result["idle_usd"].notna().all()


def test_the_newest_row_of_a_job_that_is_there_twice_counts():
    jobs = pd.concat([JOBS, JOBS.assign(project_name="new")])
    result = idle_gpus(metrics(sample(0, 0.0)), jobs, by="project_name")
    assert result["project_name"].to_list() == ["new"]
    assert result["gpus"].to_list() == [1]


def test_most_idle_hours_come_first_and_ties_are_sorted_by_their_keys(kind):
    frame = metrics(
        sample(0, 0.0, node_id=None),
        sample(0, 0.0, gpu=1),
        sample(0, 0.0),
        *(sample(at, 0.0, gpu=2) for at in range(2)),
        sample(0, 0.9, gpu=5),
    )
    result = found(frame, kind, by=("job_id", "node_id", "gpu"))
    assert result["gpu"].to_list() == [2, 0, 1, 0, 5]
    assert result["node_id"].fillna("-").to_list() == ["n0", "n0", "n0", "-", "n0"]


def stretches(frame, threshold):
    """Idle hours and stretches of each GPU, with a loop over its samples."""
    busy = frame[frame["metric"].eq("gpu_utilization")].sort_values("timestamp")
    for keys, series in busy.groupby(["job_id", "node_id", "gpu"], dropna=False, observed=True):
        rows = list(series.itertuples())
        idle, runs, open_until = timedelta(), [], None
        for row, following in zip(rows, [*rows[1:], None], strict=True):
            step = timedelta(seconds=0 if np.isnan(row.step_seconds) else row.step_seconds)
            covered = min(step, following.timestamp - row.timestamp) if following else step
            if row.value >= threshold or not step:
                open_until = None
                continue
            idle += covered
            if open_until is None or row.timestamp > open_until:
                runs.append([row.timestamp, None])
            runs[-1][1] = row.timestamp + covered
            open_until = row.timestamp + 1.5 * step
        yield keys, idle, runs


def test_samples_of_one_moment_count_the_same_in_any_order(kind):
    # the highest of a moment covers the time to the next
    rows = [sample(0, 0.0), sample(1, 1.0), sample(1, 0.0), sample(2, 0.5), sample(2, 0.0)]
    for order in itertools.islice(itertools.permutations(rows), 0, 120, 17):
        found = idle_gpus(convert(metrics(*order), kind), JOBS, by=None)
        assert collected(found)["idle_gpu_hours"].to_list() == pytest.approx([1 / 60])


@settings(deadline=None)
@given(many_samples(), st.sampled_from([0.0, 0.05, 0.5]))
def test_idle_hours_and_stretches_are_those_of_a_loop(frame, threshold):
    result = idle_gpus(frame, JOBS, threshold=threshold)
    by_gpu = {
        (row.job_id, row.node_id, row.gpu): row
        for row in result.fillna({"node_id": "-"}).itertuples()
    }
    listed = frame[frame["job_id"].isin(JOBS["job_id"])]
    everything = list(stretches(listed, threshold))
    assert len(by_gpu) == len(everything)
    for (job_id, node_id, gpu), idle, runs in everything:
        row = by_gpu[job_id, node_id if isinstance(node_id, str) else "-", gpu]
        assert row.idle_gpu_hours == pytest.approx(idle / HOUR)
        longest = max((end - start for start, end in runs), default=timedelta())
        assert row.longest_idle_hours == pytest.approx(longest / HOUR)
        if runs:
            start, end = next(run for run in runs if run[1] - run[0] == longest)
            assert [row.longest_idle_start, row.longest_idle_end] == [start, end]
        else:
            assert pd.isna(row.longest_idle_start)
    total = idle_gpus(frame, JOBS, threshold=threshold, by=None)
    assert total["idle_gpu_hours"].item() == pytest.approx(
        sum(idle / HOUR for _, idle, _ in everything)
    )
    longest = max((end - start for *_, runs in everything for start, end in runs), default=None)
    if longest is not None:
        first = min(run for *_, runs in everything for run in runs if run[1] - run[0] == longest)
        assert total[LONGEST[1:]].iloc[0].to_list() == first


@settings(max_examples=examples(10), deadline=None)
@given(many_samples())
def test_all_kinds_give_the_same(frame):
    for by in (("job_id", "node_id", "gpu"), None, ["project_name", "gpu"], "priority"):
        expected = idle_gpus(frame, JOBS, PRICES, by=by)
        for kind in KINDS[1:]:
            result = idle_gpus(convert(frame, kind), convert(JOBS, kind), PRICES, by=by)
            assert_same(result, expected)


def hourly(start, end, **changes):
    """Idle samples of a job from hour 0 to 4, twice an hour, and the job from start to end."""
    frame = metrics(*(sample(at, 0.0) for at in range(0, 240, 30))).assign(step_seconds=1800.0)
    times = {"created_at": minutes(60 * start), "end_at": minutes(60 * end)}
    return frame, JOBS.assign(**times | changes)


def test_no_sample_after_the_end_of_the_job_counts(kind):
    frame, jobs = hourly(0, 1)
    result = collected(idle_gpus(convert(frame, kind), convert(jobs, kind), by="gpu")).iloc[0]
    assert result["covered_gpu_hours"] == result["idle_gpu_hours"] == pytest.approx(1)
    assert stretch(result) == [1.0, minutes(0), minutes(60)]


@pytest.mark.parametrize(("since", "until"), [(60, 120), (45, 105)])
def test_jobs_that_are_cut_to_a_window_speak_of_the_window_alone(kind, since, until):
    frame, jobs = hourly(0, 4)
    window = clip_jobs(jobs, minutes(since), minutes(until))
    arguments = convert(frame, kind), convert(window, kind)
    result = collected(idle_gpus(*arguments, by="gpu")).iloc[0]
    assert result["covered_gpu_hours"] == result["idle_gpu_hours"] == pytest.approx(1)
    assert stretch(result) == [1.0, minutes(since), minutes(until)]
    busy = collected(utilization(*arguments, by="gpu")).iloc[0]
    assert busy["covered_gpu_hours"] == pytest.approx(1)
    assert busy["samples"] == (2 if since == 60 else 3)


def test_a_job_whose_start_is_not_known_is_not_cut_there(kind):
    frame, jobs = hourly(1, 2)
    unknown = jobs.assign(created_at=jobs["created_at"].where(jobs["created_at"].isna()))
    for known in (unknown, jobs.drop(columns="created_at")):
        result = collected(idle_gpus(convert(frame, kind), convert(known, kind), by="gpu")).iloc[0]
        assert stretch(result) == [2.0, minutes(0), minutes(120)]


def test_a_gpu_that_was_measured_outside_its_job_alone_is_not_there(kind):
    frame, jobs = hourly(5, 6)
    arguments = convert(frame, kind), convert(jobs, kind)
    assert len(collected(idle_gpus(*arguments))) == len(collected(utilization(*arguments))) == 0


def test_a_sample_reaches_no_further_than_the_next_also_if_that_is_outside_of_the_window(kind):
    # a piece with a step of a minute, then one of a quarter
    frame = metrics(
        sample(2, 0.0, step_seconds=60.0),
        sample(2.25, 0.0, step_seconds=15.0),
        sample(2.75, 0.0, step_seconds=15.0),
    )
    jobs = clip_jobs(JOBS, minutes(2.5), minutes(60))
    result = collected(idle_gpus(convert(frame, kind), convert(jobs, kind), by="gpu")).iloc[0]
    assert result["covered_gpu_hours"] == pytest.approx(0.25 / 60)
    assert stretch(result) == [pytest.approx(0.25 / 60), minutes(2.75), minutes(3)]


@settings(max_examples=examples(30), deadline=None)
@given(many_samples(), st.integers(0, 40), st.integers(1, 40))
def test_windows_that_follow_each_other_share_out_the_time(frame, quarter, more):
    frame = frame[frame["job_id"] != "jx"].reset_index(drop=True)
    edges = [minutes(at / 4) for at in (0, quarter + 1, quarter + 1 + more, 240)]
    whole = idle_gpus(frame, JOBS, by=None)
    parts = [
        idle_gpus(frame, clip_jobs(JOBS, since, until), by=None)
        for since, until in itertools.pairwise(edges)
    ]
    for name in ("covered_gpu_hours", "idle_gpu_hours"):
        assert sum(part[name].item() for part in parts) == pytest.approx(whole[name].item())
    for kind in KINDS[1:2]:
        window = clip_jobs(JOBS, edges[1], edges[2])
        assert_same(idle_gpus(convert(frame, kind), convert(window, kind), by=None), parts[1])


def test_no_time_after_the_end_of_the_job_counts(kind):
    frame = metrics(*(sample(at, 0.0) for at in range(0, 60, 30))).assign(step_seconds=1800.0)
    jobs = JOBS.assign(end_at=minutes(45))
    result = collected(idle_gpus(convert(frame, kind), convert(jobs, kind), by="gpu")).iloc[0]
    assert result["covered_gpu_hours"] == result["idle_gpu_hours"] == pytest.approx(0.75)
    assert stretch(result) == [0.75, minutes(0), minutes(45)]
    unknown = jobs.assign(end_at=jobs["end_at"].where(jobs["end_at"].isna()))
    whole = collected(idle_gpus(convert(frame, kind), convert(unknown, kind), by="gpu")).iloc[0]
    assert whole["idle_gpu_hours"] == pytest.approx(1)
