import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.fleet import JOBS, many_samples, metrics, minutes, sample, used
from tests.analysis.tables import KINDS, assert_same, at, collected, convert, job, table
from tests.properties import examples
from trainview.analysis import idle_gpus, utilization, utilization_over_time
from trainview.errors import ArgumentError

BYS = [("job_id", "node_id", "gpu"), None, "gpu", ["project_name", "gpu"], "priority"]


def rows(result):
    frame = collected(result)
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def approx(*numbers):
    return [pytest.approx(number) for number in numbers]


def one(result):
    frame = collected(result)
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_gpu_is_summarised(kind):
    frame = metrics(
        sample(1, 0.5),
        sample(0, 1.0),
        sample(4, 0.25),
        used(0, 20),
        used(1, 40),
        sample(0, 0.75, gpu=1),
        sample(0, 55.0, metric="cpu_usage", gpu=None),
    )
    result = utilization(convert(frame, kind), convert(JOBS, kind))
    assert rows(result) == [
        [
            "ja",
            "n0",
            0,
            1,
            3,
            pytest.approx(3 / 60),
            4.0,
            pytest.approx(3 / 240),
            0.4,
            1.75 / 3,
            0.5,
            0.95,
            30 / 80,
            40 * 2.0**30,
        ],
        ["ja", "n0", 1, 1, 1, *approx(1 / 60, 4.0, 1 / 240), 0.0, 0.75, 0.75, 0.75, None, None],
    ]


def test_the_mean_is_over_time_and_the_quantiles_are_of_samples(kind):
    frame = metrics(
        sample(0, 1.0, step_seconds=30.0),
        sample(0.5, 1.0, step_seconds=30.0),
        sample(1, 0.0, step_seconds=180.0),
    )
    found = one(utilization(convert(frame, kind)))
    assert found["mean_utilization"] == pytest.approx(0.25)
    assert found["p50_utilization"] == 1.0
    assert found["p95_utilization"] == 1.0
    assert found["covered_gpu_hours"] == pytest.approx(4 / 60)
    assert found["missing_share"] == 0


def test_a_sample_without_a_step_weighs_like_the_others(kind):
    frame = metrics(
        sample(0, 1.0, step_seconds=60.0),
        sample(1, 0.0, step_seconds=180.0),
        sample(9, 0.9, gpu=1, step_seconds=None),
    )
    found = one(utilization(convert(frame, kind), by=None))
    # the two that have a step are as long as two minutes on average
    assert found["mean_utilization"] == pytest.approx((1 * 60 + 0 * 180 + 0.9 * 120) / 360)
    assert found["covered_gpu_hours"] == pytest.approx(4 / 60)
    assert found["gpus"] == 2


@pytest.mark.parametrize("step", [None, 0.0, -5.0])
def test_where_no_step_is_known_nothing_is_said_about_time(kind, step):
    frame = metrics(*(sample(at, at / 10, step_seconds=step) for at in range(3)))
    found = one(utilization(convert(frame, kind)))
    assert found["covered_gpu_hours"] == 0
    assert np.isnan(found["missing_share"])
    assert found["mean_utilization"] == pytest.approx(0.1)


def test_a_sample_covers_no_more_than_the_time_to_the_next(kind):
    frame = metrics(sample(0, 1.0, step_seconds=300.0), sample(1, 1.0), sample(1, 1.0, gpu=1))
    assert collected(utilization(convert(frame, kind)))["covered_gpu_hours"].to_list() == [
        pytest.approx(2 / 60),
        pytest.approx(1 / 60),
    ]


def test_missing_samples_are_those_that_fit_into_the_gaps(kind):
    late = [0, 1.1, 2.0, 3.5, 5.01]
    frame = metrics(
        *(sample(at, 1.0) for at in late),
        *(sample(at, 1.0, gpu=1) for at in range(10) if at not in {3, 4, 7}),
        # more samples than the step promises do not make up for others
        *(sample(at / 4, 1.0, gpu=2) for at in range(8)),
    )
    result = collected(utilization(convert(frame, kind), by="gpu"))
    assert result["missing_share"].to_list() == pytest.approx([1 / 6, 3 / 10, 0])
    total = one(utilization(convert(frame, kind), by=None))
    assert total["missing_share"] == pytest.approx(4 / (5 + 7 + 8 + 4))


def test_a_gpu_with_memory_alone_has_no_utilisation(kind):
    frame = metrics(used(0, 8), sample(0, None, gpu=1))
    assert rows(utilization(convert(frame, kind), convert(JOBS, kind))) == [
        ["ja", "n0", 0, 1, 0, 0.0, 4.0, 0.0, None, None, None, None, 0.1, 8 * 2.0**30]
    ]


def test_no_sample_is_no_row_and_not_0_percent(kind):
    frame = metrics(sample(0, 12.5, metric="cpu_usage", gpu=None))
    assert rows(utilization(convert(frame, kind))) == []
    assert rows(utilization(convert(frame, kind), by=None)) == [[0, 0, 0.0, *[None] * 8]]


def test_jobs_give_keys_and_only_their_samples_count(kind):
    frame = metrics(
        sample(0, 0.5),
        sample(0, 0.7, gpu=1),
        sample(0, 0.2, job_id="jb"),
        sample(0, 0.1, job_id="jx"),
    )
    jobs = convert(JOBS, kind)
    result = utilization(convert(frame, kind), jobs, by=["project_name", "priority"])
    assert [row[:4] for row in rows(result)] == [
        ["asr", 3, 1, 1],
        ["llm", None, 2, 2],
    ]


@pytest.mark.parametrize("by", ["gpu_type", "gpu_count", "gpu_memory_limit_mib", "end_at"])
def test_a_column_that_tells_the_memory_or_the_end_may_be_a_key(kind, by):
    frame = metrics(sample(0, 1.0), used(0, 20))
    jobs = JOBS[JOBS["job_id"] == "ja"]
    found = one(utilization(convert(frame, kind), convert(jobs, kind), by=by))
    assert found[by] == jobs[by].iloc[0]
    assert found["mean_memory_share"] == 20 / 80


def test_jobs_may_be_a_table_of_another_kind(kind):
    frame = metrics(sample(0, 0.5), sample(0, 0.1, job_id="jx"), used(0, 8))
    expected = utilization(frame, JOBS, by="project_name")
    for other in KINDS:
        result = utilization(convert(frame, kind), convert(JOBS, other), by="project_name")
        assert_same(result, expected)


@pytest.mark.parametrize(
    ("gpu_type", "count", "limit", "share"),
    [
        ("H100", 8, 8 * 81920, 0.5),
        ("H100", 8, 81920, 0.5),
        ("X1", 1, 81920, 0.5),
        ("X1", 8, 81920, None),
        ("H100", 8, None, None),
        (None, 0, None, None),
    ],
)
def test_the_share_of_memory_is_known_only_with_the_memory_of_one_gpu(
    kind, gpu_type, count, limit, share
):
    jobs = table(job(job_id="ja", gpu_type=gpu_type, gpu_count=count, gpu_memory_limit_mib=limit))
    result = utilization(convert(metrics(used(0, 40)), kind), convert(jobs, kind))
    assert rows(result)[0][-2:] == [share, 40 * 2.0**30]


def test_the_most_wasteful_come_first_and_ties_are_sorted_by_their_keys(kind):
    frame = metrics(
        used(0, 1, job_id="j-no-data"),
        # sums of the same numbers in two orders differ in their last digit
        *(sample(at, at / 10, step_seconds=1.0, gpu=0) for at in (3, 2, 1)),
        *(sample(at, (4 - at) / 10, step_seconds=1.0, gpu=1) for at in (3, 2, 1)),
        sample(0, 0.01, node_id=None),
        sample(0, 0.01, node_id="n3"),
    )
    result = collected(utilization(convert(frame, kind)))
    assert result["gpu"].to_list() == [0, 0, 0, 1, 0]
    assert result["node_id"].fillna("-").to_list() == ["n3", "-", "n0", "n0", "n0"]
    assert result["job_id"].iloc[-1] == "j-no-data"


def test_other_columns_need_a_jobs_table(kind):
    frame = convert(metrics(sample(0, 1.0)), kind)
    with pytest.raises(ArgumentError, match=r"by='project_name': .* job_id, node_id, gpu"):
        utilization(frame, by="project_name")
    with pytest.raises(ArgumentError, match=r"by='metric': .* job_id, node_id, gpu"):
        utilization_over_time(frame, by="metric")
    with pytest.raises(ArgumentError, match=r"no column 'metric'.* it has .*project_name"):
        utilization(frame, convert(JOBS, kind), by="metric")


@settings(deadline=None)
@given(many_samples())
def test_sums_are_those_of_a_loop(frame):
    busy = frame[frame["metric"].eq("gpu_utilization")].sort_values("timestamp")
    result = utilization(frame).set_index("samples", append=True)
    for keys, series in busy.groupby(["job_id", "node_id", "gpu"], dropna=False, observed=True):
        covered = missing = stepped = 0
        weights = []
        nexts = [*series["timestamp"].iloc[1:], None]
        for row, following in zip(series.itertuples(), nexts, strict=True):
            if not row.step_seconds > 0:
                weights.append(np.nan)
                continue
            gap = (following - row.timestamp).total_seconds() if following else row.step_seconds
            covered += min(gap, row.step_seconds)
            weights.append(min(gap, row.step_seconds))
            stepped += 1
            missing += max(int(np.ceil(gap / row.step_seconds - 0.5)) - 1, 0)
        weight = pd.Series(weights)
        weight = weight.fillna(weight.mean()).fillna(1)
        same = result[["job_id", "node_id", "gpu"]].apply(
            lambda row, keys=keys: tuple(row.fillna("-")) == tuple(pd.Series(keys).fillna("-")),
            axis=1,
        )
        found = one(result[same].reset_index("samples").reset_index(drop=True))
        assert found["samples"] == len(series)
        assert found["covered_gpu_hours"] == pytest.approx(covered / 3600)
        assert found["mean_utilization"] == pytest.approx(
            np.average(series["value"], weights=weight)
        )
        for name, quantile in [("p50_utilization", 0.5), ("p95_utilization", 0.95)]:
            assert found[name] == pytest.approx(np.quantile(series["value"], quantile))
        if stepped:
            assert found["missing_share"] == pytest.approx(missing / (missing + stepped))
        else:
            assert np.isnan(found["missing_share"])


@settings(deadline=None)
@given(many_samples())
def test_what_idle_gpus_covers_is_what_utilization_covers(frame):
    covered = utilization(frame, JOBS, by="gpu").set_index("gpu")["covered_gpu_hours"]
    idle = idle_gpus(frame, JOBS, by="gpu").set_index("gpu")["covered_gpu_hours"]
    assert covered[covered > 0].to_dict() == idle[idle > 0].to_dict()


@settings(max_examples=examples(10), deadline=None)
@given(many_samples())
def test_all_kinds_give_the_same(frame):
    for by in BYS:
        expected = utilization(frame, JOBS, by=by)
        for kind in KINDS[1:]:
            assert_same(utilization(convert(frame, kind), convert(JOBS, kind), by=by), expected)
    for by in BYS[:3]:
        for freq, jobs in (("min", None), ("h", None), ("min", JOBS)):
            expected = utilization_over_time(frame, freq, by, jobs)
            for kind in KINDS[1:]:
                found = utilization_over_time(convert(frame, kind), freq, by, jobs)
                assert_same(found, expected)


def test_periods_that_have_samples_have_a_row(kind):
    frame = metrics(
        sample(150, 0.0),
        sample(0, 1.0),
        sample(59.99, 0.5),
        sample(0, 0.25, node_id=None),
    )
    assert rows(utilization_over_time(convert(frame, kind))) == [
        ["ja", "n0", 0, at(0), 0.75, 2, pytest.approx(2 / 60), None, None],
        ["ja", "n0", 0, at(2), 0.0, 1, pytest.approx(1 / 60), None, None],
        ["ja", None, 0, at(0), 0.25, 1, pytest.approx(1 / 60), None, None],
    ]


@pytest.mark.parametrize(
    ("freq", "minute"), [("min", 1507), ("5min", 1505), ("15min", 1500), ("h", 1500), ("D", 1440)]
)
def test_periods_begin_where_the_clock_in_utc_says(kind, freq, minute):
    result = utilization_over_time(convert(metrics(sample(1507.9, 1.0)), kind), freq, by=None)
    assert rows(result) == [[minutes(minute), 1.0, 1, pytest.approx(1 / 60), None, None]]


def test_periods_are_means_over_time(kind):
    frame = metrics(
        sample(0, 1.0, step_seconds=60.0),
        sample(1, 0.0, step_seconds=180.0),
        sample(0, 0.5, gpu=1, step_seconds=None),
    )
    assert rows(utilization_over_time(convert(frame, kind), by=None)) == [
        [at(0), pytest.approx((60 + 0.5 * 120) / 360), 3, pytest.approx(240 / 3600), None, None]
    ]


def test_a_mean_weighs_by_the_time_that_samples_cover(kind):
    # 8 hours at 100% in steps of a minute, then one at 0% in steps of 10 seconds
    busy = [sample(minute, 1.0) for minute in range(480)]
    idle = [sample(480 + number / 6, 0.0) for number in range(360)]
    frame = convert(metrics(*busy, *idle), kind)
    # the last one covers a whole step
    hours = 8 + 359 / 360 + 1 / 60
    found = one(utilization(frame))
    assert found["covered_gpu_hours"] == pytest.approx(hours)
    assert found["mean_utilization"] == pytest.approx(8 / hours)
    day = collected(utilization_over_time(frame, "D", by=None))
    assert day["mean_utilization"].to_list() == approx(8 / hours)
    assert day["covered_gpu_hours"].to_list() == approx(hours)


def test_what_covers_no_time_has_a_mean_and_no_hours(kind):
    frame = convert(metrics(sample(0, 0.5, step_seconds=None)), kind)
    assert rows(utilization_over_time(frame, by=None)) == [[at(0), 0.5, 1, 0.0, None, None]]


def test_the_mean_of_memory_weighs_by_time_too(kind):
    frame = metrics(used(0, 80), used(1, 0), used(1.25, 0), used(1.5, 0))
    found = one(utilization(convert(frame, kind), convert(JOBS, kind)))
    assert found["mean_memory_share"] == pytest.approx(1 / 2.5)


@pytest.mark.parametrize("by", [None, "job_id", ["project_name", "priority"], "availability_model"])
def test_what_was_never_measured_counts_as_missing(kind, by):
    # eight GPUs for four hours, one of which was measured for the first half hour
    frame = metrics(*(sample(minute, 1.0) for minute in range(30)))
    jobs = pd.concat([JOBS, JOBS.assign(job_id=["jc", "jd"])], ignore_index=True)
    jobs = jobs[jobs["project_name"] == "llm"] if by else jobs
    found = one(utilization(convert(frame, kind), convert(jobs, kind), by=by))
    held = {None: 4 * 32, "job_id": 32}.get(by if by is None or isinstance(by, str) else "", 64)
    assert found["mean_utilization"] == 1
    assert found["held_gpu_hours"] == held
    assert found["measured_share"] == pytest.approx(0.5 / held)
    # of the GPU itself, all but the half hour is missing
    gpu = one(utilization(convert(frame, kind), convert(jobs, kind), by=["job_id", "gpu"]))
    assert gpu["held_gpu_hours"] == 4
    assert gpu["measured_share"] == pytest.approx(0.125)


@pytest.mark.parametrize("by", [None, "job_id", ["project_name", "priority"], "gpu_type"])
def test_idle_gpus_tell_how_much_of_what_was_held_they_speak_for(kind, by):
    frame = metrics(*(sample(minute, 0.0) for minute in range(30)))
    jobs = pd.concat([JOBS, JOBS.assign(job_id=["jc", "jd"])], ignore_index=True)
    found = one(idle_gpus(convert(frame, kind), convert(jobs, kind), by=by))
    held = {None: 4 * 32, "job_id": 32}.get(by if by is None or isinstance(by, str) else "", 64)
    assert found["idle_share"] == 1
    assert found["held_gpu_hours"] == held
    assert found["measured_share"] == pytest.approx(0.5 / held)
    gpu = one(idle_gpus(convert(frame, kind), convert(jobs, kind), by=["job_id", "gpu"]))
    assert gpu["held_gpu_hours"] == 4
    assert gpu["measured_share"] == pytest.approx(0.125)


def test_periods_tell_how_much_of_what_was_held_in_them_they_speak_for(kind):
    # ja holds 8 GPUs from 0:00 to 4:00, jc 8 more from 0:30 to 1:30; one GPU is measured
    frame = metrics(*(sample(minute, 1.0) for minute in [*range(30), 60, 200]))
    late = JOBS[:1].assign(job_id="jc", created_at=minutes(30), end_at=minutes(90), gpu_hours=8.0)
    waits = late.assign(job_id="jw", gpu_hours=0.0, end_at=minutes(240))
    jobs = pd.concat([JOBS[:1], late, waits], ignore_index=True)
    hours = approx(0.5, 12.0, 0.5 / 12), approx(1 / 60, 12.0, 1 / 720), approx(1 / 60, 8.0, 1 / 480)
    for by in (None, "gpu_type"):
        result = utilization_over_time(convert(frame, kind), "h", by, convert(jobs, kind))
        found = collected(result)[["covered_gpu_hours", "held_gpu_hours", "measured_share"]]
        assert found.to_numpy().tolist() == list(hours)
    by_gpu = collected(utilization_over_time(convert(frame, kind), "h", "gpu", convert(jobs, kind)))
    assert by_gpu["held_gpu_hours"].to_list() == [1, 1, 1]
    assert by_gpu["measured_share"].to_list() == approx(0.5, 1 / 60, 1 / 60)


def test_a_gpu_that_vanishes_in_a_period_is_held_to_the_end_of_its_job(kind):
    frame = metrics(
        *(sample(minute, 1.0) for minute in range(0, 120, 30)), sample(0, 1.0, gpu=1)
    ).assign(step_seconds=1800.0)
    jobs = convert(JOBS.assign(end_at=minutes(90), gpu_hours=12.0), kind)
    for by in (["job_id", "node_id"], ["node_id"]):
        found = collected(utilization_over_time(convert(frame, kind), "h", by, jobs))
        assert found["held_gpu_hours"].to_list() == [2, 1]
        assert found["measured_share"].to_list() == [0.75, 0.5]


def test_what_is_held_in_periods_begins_when_gpus_began_to_be_held(kind):
    frame = metrics(*(sample(minute, 1.0) for minute in range(60)))
    jobs = JOBS[:1].assign(held_at=minutes(45), gpu_hours=8 * 3.25)
    result = utilization_over_time(convert(frame, kind), "h", "job_id", convert(jobs, kind))
    assert one(result)["held_gpu_hours"] == 2
    unknown = JOBS[:1].assign(created_at=minutes(300), gpu_hours=np.nan)
    result = utilization_over_time(convert(frame, kind), "h", "job_id", convert(unknown, kind))
    assert np.isnan(one(result)["held_gpu_hours"])


@settings(max_examples=examples(20), deadline=None)
@given(many_samples(), st.sampled_from(["5min", "h"]))
def test_what_is_held_in_all_periods_is_all_that_is_held(frame, freq):
    held = JOBS.assign(end_at=minutes(10), gpu_hours=[8 / 6, 8 / 6])
    everywhere = metrics(
        *(sample(minute, 0.5, job_id=name) for minute in range(10) for name in ("ja", "jb"))
    )
    for by in (None, "project_name", "gpu", ["job_id", "node_id"]):
        rows = pd.concat([frame, everywhere], ignore_index=True)
        whole = utilization(rows, held, by=by)
        periods = utilization_over_time(rows, freq, by, held)
        keys = [by] if isinstance(by, str) else by or []
        found = whole.merge(periods, on=keys, how="left") if keys else whole.merge(periods, "cross")
        total = found.groupby("held_gpu_hours_x")["held_gpu_hours_y"].sum()
        assert periods["held_gpu_hours"].sum() <= whole["held_gpu_hours"].sum() + 1e-9
        if "gpu" not in keys and "node_id" not in keys:
            assert periods["held_gpu_hours"].sum() == pytest.approx(whole["held_gpu_hours"].sum())
        assert (total > 0).all()


def test_without_what_was_held_no_share_of_it_is_known(kind):
    frame = convert(metrics(sample(0, 1.0)), kind)
    for jobs in (None, convert(JOBS.drop(columns="gpu_hours"), kind)):
        for helper in (utilization, idle_gpus, utilization_over_time):
            if jobs is not None or helper is not idle_gpus:
                found = one(helper(frame, jobs=jobs, by="job_id"))
                assert np.isnan([found["held_gpu_hours"], found["measured_share"]]).all()


def test_a_gpu_that_jobs_used_in_turn_counts_once(kind):
    frame = metrics(
        *(sample(minute, 0.0, gpu=gpu) for minute in range(3) for gpu in (0, 1)),
        *(sample(minute, 0.0, gpu=gpu, job_id="jb", node_id="n5") for minute in (3, 4) for gpu in (0, 1)),
        sample(2.5, 0.0, job_id="jx"),
    )  # fmt: skip
    for jobs, gpus in ((None, 3), (JOBS, 2)):
        found = one(utilization(convert(frame, kind), jobs, by=None))
        assert found["gpus"] == gpus
    of_jobs = collected(utilization(convert(frame, kind), by="job_id"))
    assert of_jobs.set_index("job_id")["gpus"].to_dict() == {"ja": 2, "jb": 2, "jx": 1}
    assert one(idle_gpus(convert(frame, kind), JOBS, by=None))["gpus"] == 2


def test_samples_of_periods_are_cut_to_the_lives_of_jobs(kind):
    frame = metrics(*(sample(at, at / 10) for at in range(4)), sample(0, 1.0, job_id="jx"))
    jobs = JOBS.assign(created_at=minutes(1.5), end_at=minutes(3))
    result = utilization_over_time(convert(frame, kind), "min", None, convert(jobs, kind))
    assert rows(result) == [
        [minutes(1), 0.1, 1, *approx(0.5 / 60, 16 / 120, 0.0625)],
        [minutes(2), 0.2, 1, *approx(1 / 60, 16 / 60, 0.0625)],
    ]
    by_project = utilization_over_time(frame, "h", "project_name", jobs=jobs)
    assert rows(by_project) == [
        ["llm", at(0), *approx((0.1 * 0.5 + 0.2) / 1.5, 2, 1.5 / 60, 12 / 60, 0.125)]
    ]


@pytest.mark.parametrize("helper", [utilization, idle_gpus, utilization_over_time])
def test_times_that_contradict_each_other_throw_no_samples_away(kind, helper):
    frame = metrics(*(sample(at, 0.0) for at in range(4)))
    untimed = JOBS.assign(gpu_hours=np.nan)
    odd = untimed.assign(created_at=minutes(3), end_at=minutes(1))
    result = collected(helper(convert(frame, kind), jobs=convert(odd, kind), by="gpu"))
    assert_same(result, collected(helper(frame, jobs=untimed, by="gpu")))


@pytest.mark.parametrize("freq", ["W", "1h", "", None, ["h"]])
def test_an_unknown_period_is_refused_with_those_there_are(freq):
    with pytest.raises(ArgumentError, match=r"freq=.*: choose one of min, 5min, 15min, h, D"):
        utilization_over_time(metrics(), freq)


def test_no_time_after_the_end_of_the_job_is_covered(kind):
    frame = metrics(*(sample(at, 0.5) for at in range(3)))
    jobs = JOBS.assign(end_at=minutes(2.5))
    arguments = {"jobs": convert(jobs, kind), "by": "gpu"}
    result = collected(utilization(convert(frame, kind), **arguments)).iloc[0]
    assert result["covered_gpu_hours"] == pytest.approx(2.5 / 60)
