"""Jobs that used little of their GPUs, with exact answers on tiny tables."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.fleet import metrics, sample, used
from tests.analysis.tables import at, job, table
from tests.properties import examples
from trainview import analysis
from trainview.errors import ArgumentError
from trainview.schema import FLEET_TABLES

MIB = {"H100": 81920, "A100": 81920, "L4": 24576, "X1": 81920}
TYPES = {
    "H100:8": ("H100", 8, 8 * 81920, 8.0),
    "H100:4": ("H100", 4, 4 * 81920, 4.0),
    "H100:2": ("H100", 2, 2 * 81920, 2.0),
    "H100:1": ("H100", 1, 81920, 1.0),
    "A100:1": ("A100", 1, 81920, 0.5),
    "L4:1": ("L4", 1, 24576, 0.1),
    "X1:8": ("X1", 8, 12345, 0.01),
    "1x4": (None, 0, None, 0.001),
}


def prices(*names, host=500_000):
    rows = [
        {
            "instance_type_id": name, "instance_type": name, "gpu_type": kind, "gpu_count": count,
            "gpu_memory_limit_mib": mib, "memory_limit_mib": host, "usd_per_minute": usd,
        }
        for name, (kind, count, mib, usd) in TYPES.items()
        if name in names or not names
    ]  # fmt: skip
    return table(*rows, schema=FLEET_TABLES["prices"])


def run(hours=10.0, of="H100:8", nodes=1, **changes):
    kind, count, mib, _ = TYPES[of]
    gpus = count * nodes
    shape = {
        "instance_type_id": of, "gpu_type": kind, "gpu_count": count, "node_count": nodes,
        "gpus": gpus, "gpu_memory_limit_mib": mib,
    }  # fmt: skip
    return job(0, hours, **({"job_id": "ja"} | shape | changes))


def measured(gib, busy, job_id="ja", gpus=8, hours=10.0):
    """Samples of each GPU, one that speaks for all hours; lists give each GPU its own."""
    each = [gib] * gpus if isinstance(gib, int | float) else gib
    shares = [busy] * gpus if isinstance(busy, int | float) else busy
    rows = []
    for gpu, (peak, share) in enumerate(zip(each, shares, strict=True)):
        same = {"job_id": job_id, "gpu": gpu, "step_seconds": hours * 3600}
        rows += [sample(0, share, **same), used(0, peak, **same)]
    return metrics(*rows)


def advice(jobs, samples, listed=None, **limits):
    listed = prices() if listed is None else listed
    return analysis.right_size(table(jobs), samples, listed, **limits)


def test_fewer_gpus_of_the_same_type_that_hold_all_memory_and_all_work():
    found = advice(run(), measured(12, 0.15), prices("H100:8", "H100:4", "H100:2", "H100:1"))
    one = found.iloc[0]
    assert len(found) == 1
    # 96 GiB do not fit into one; 1.2 GPUs of work into two with a fifth to spare
    assert (one["advised_instance_type_id"], one["advised_gpus"]) == ("H100:2", 2)
    assert one["basis"] == "fewer GPUs"
    assert one["peak_memory_share"] == 12 / 80
    assert one["mean_utilization"] == pytest.approx(0.15)
    assert one["estimated_usd"] == pytest.approx(8 * 60 * 10)
    assert one["saving_usd_per_hour"] == pytest.approx(6 * 60)
    assert one["saving_usd"] == pytest.approx(6 * 60 * 10)
    # kernels take four times as long: 0.85 + 0.6 of the time
    assert one["saving_low_usd"] == pytest.approx((8 - 2 * 1.45) * 60 * 10)


def test_memory_decides_where_work_would_fit():
    found = advice(run(), measured(20, 0.06), prices("H100:8", "H100:4", "H100:2", "H100:1"))
    # 160 GiB of 64 that may be used on each
    assert found["advised_gpus"].tolist() == [4]


def test_another_type_has_to_be_fast_enough_by_its_data_sheet():
    listed = prices("H100:1", "A100:1", "L4:1")
    slow = advice(run(of="H100:1"), measured(10, 0.10, gpus=1), listed)
    # L4: 989 / 121 of 0.1 is 0.82, more than 0.8
    assert slow["advised_instance_type_id"].tolist() == ["A100:1"]
    assert slow["basis"].tolist() == ["other GPUs"]
    assert "data sheets" in slow["reason"].item()
    longer = 0.9 + 0.1 * 989 / 312
    assert slow["saving_low_usd"].item() == pytest.approx((1 - 0.5 * longer) * 60 * 10)
    fast = advice(run(of="H100:1"), measured(10, 0.06, gpus=1), listed)
    assert fast["advised_instance_type_id"].tolist() == ["L4:1"]


def test_the_peak_of_the_worst_gpu_has_to_fit_into_one():
    listed = prices("H100:1", "L4:1")
    assert advice(run(of="H100:1"), measured(19, 0.06, gpus=1), listed).shape[0] == 1
    assert advice(run(of="H100:1"), measured(20, 0.06, gpus=1), listed).empty


def test_the_worst_gpu_and_the_peak_count_not_the_mean():
    samples = pd.concat([measured([1] * 7 + [39], 0.1), metrics(used(60, 41, gpu=7))])
    assert advice(run(), samples).empty
    assert len(advice(run(), measured([1] * 7 + [39], 0.1))) == 1


@pytest.mark.parametrize(("busy", "rows"), [(0.0, 0), (0.04, 0), (0.05, 1), (0.29, 1), (0.3, 0)])
def test_utilisation_is_low_but_the_job_is_not_idle(busy, rows):
    assert len(advice(run(), measured(4, busy))) == rows
    assert advice(run(), measured(4, 0.0), idle_threshold=0).empty


def test_no_advice_where_the_memory_of_one_gpu_is_not_known():
    assert advice(run(gpu_memory_limit_mib=None), measured(4, 0.1)).empty
    assert advice(run(gpu_memory_limit_mib=123), measured(4, 0.1)).empty
    assert advice(run(gpu_type="Z9"), measured(4, 0.1)).empty
    # a type whose memory is not known is not advised either
    assert advice(run(), measured(4, 0.1), prices("H100:8", "X1:8")).empty


def test_no_advice_where_too_little_was_measured():
    assert advice(run(), measured(4, 0.1, gpus=7)).empty
    assert len(advice(run(21), measured(4, 0.1))) == 0
    assert len(advice(run(19), measured(4, 0.1))) == 1
    assert len(advice(run(21), measured(4, 0.1), min_measured_share=0.4)) == 1
    assert advice(run(0.9), measured(4, 0.1, hours=0.9)).empty
    assert len(advice(run(0.9), measured(4, 0.1, hours=0.9), min_hours=0.5)) == 1
    no_memory = measured(4, 0.1)
    assert advice(run(), no_memory[no_memory["metric"] == "gpu_utilization"]).empty
    rare = metrics(*(sample(minute, 0.1, gpu=gpu) for minute in range(600) for gpu in range(8)),
                   *(used(0, 4, gpu=gpu) for gpu in range(8)))  # fmt: skip
    assert advice(run(), rare).empty


def test_no_more_nodes_than_before_and_as_few_as_do():
    samples = pd.concat(
        [measured(8, 0.1).assign(node_id=f"n{number}") for number in range(4)], ignore_index=True
    )
    found = advice(run(nodes=4), samples, prices("H100:8"))
    assert found["advised_instance_type_id"].tolist() == ["H100:8"]
    assert found["advised_gpus"].tolist() == [8]
    single = advice(run(), measured(12, 0.15), prices("H100:8", "H100:1"))
    assert single.empty


def test_host_memory_has_to_fit_where_it_was_measured():
    host = metrics(
        sample(0, 450_000 * 2.0**20, metric="cpu_memory_usage_bytes", gpu=None, job_id="ja")
    )
    samples = pd.concat([measured(4, 0.1), host])
    assert advice(run(), samples).empty
    assert len(advice(run(), samples, prices(host=600_000))) == 1


def test_what_would_not_be_cheaper_is_no_advice():
    dear = prices().assign(
        usd_per_minute=lambda types: types["usd_per_minute"].where(types["gpu_count"] == 8, 9.0)
    )
    assert advice(run(), measured(4, 0.1), dear).empty
    # cheaper an hour, but not where kernels take four times as long: 0.75 + 0.25 * 4 = 1.75
    dear.loc[dear["instance_type_id"] == "H100:2", "usd_per_minute"] = 8 / 1.75
    two = dear[dear["instance_type_id"].isin(["H100:8", "H100:2"])]
    assert advice(run(), measured(4, 0.25), two, headroom=0).empty
    two = two.assign(usd_per_minute=[8.0, 8 / 1.76])
    assert len(advice(run(), measured(4, 0.25), two, headroom=0)) == 1


def test_open_jobs_are_advised_and_a_price_that_is_not_known_is_null():
    found = advice(run(status="running"), measured(4, 0.1), prices("H100:4"))
    assert found["advised_instance_type_id"].tolist() == ["H100:4"]
    money = ["estimated_usd", "saving_usd_per_hour", "saving_usd", "saving_low_usd"]
    assert found[money].isna().all(axis=None)
    # whether another type is cheaper is not known then
    assert advice(run(), measured(4, 0.1), prices("A100:1")).empty


def test_what_saves_most_comes_first_and_a_job_comes_once():
    jobs = [run(hours) for hours in (2.0, 9.0, 5.0)]
    frame = table(*jobs, jobs[0])
    frame = frame.assign(job_id=["ja", "j1", "j2", "ja"])
    samples = pd.concat(
        [measured(4, 0.1, name, hours=h) for name, h in [("ja", 2.0), ("j1", 9.0), ("j2", 5.0)]]
    )
    found = analysis.right_size(frame, samples, prices())
    assert found["job_id"].tolist() == ["j1", "j2", "ja"]
    assert found["saving_usd"].is_monotonic_decreasing
    costs = analysis.estimate_cost(frame.iloc[:3], prices(), by="job_id").set_index("job_id")
    assert found.set_index("job_id")["estimated_usd"].to_dict() == pytest.approx(
        costs["estimated_usd"].to_dict()
    )


def test_time_counts_from_when_gpus_were_held():
    held = table(run()).assign(held_at=at(4), gpu_hours=48.0)
    found = analysis.right_size(held, measured(4, 0.1), prices("H100:8", "H100:4"))
    assert found["saving_usd"].item() == pytest.approx(4 * 60 * 6)


@pytest.mark.parametrize(
    "limits", [{"headroom": 2}, {"max_utilization": -1}, {"max_memory_share": float("nan")},
               {"min_hours": -1}]
)  # fmt: skip
def test_wrong_limits_are_refused(limits):
    with pytest.raises(ArgumentError, match=next(iter(limits))):
        advice(run(), measured(4, 0.1), **limits)


@settings(max_examples=examples(40), deadline=None)
@given(
    gib=st.lists(st.integers(1, 60), min_size=8, max_size=8),
    busy=st.floats(0, 0.5),
    headroom=st.sampled_from([0.0, 0.2, 0.5]),
)
def test_what_is_advised_does_and_nothing_cheaper_does(gib, busy, headroom):
    """By trying every type in turn, as a person would."""
    listed = prices("H100:8", "H100:4", "H100:2", "H100:1")
    found = advice(run(), measured(gib, busy), listed, headroom=headroom)
    free = 1 - headroom
    fits = []
    for name, count in {"H100:4": 4, "H100:2": 2, "H100:1": 1}.items():
        memory = max(*gib, sum(gib) / count) <= 80 * free + 1e-6
        work = 8 * busy / count <= free + 1e-9
        longer = 1 - busy + busy * 8 / count
        if memory and work and count * longer < 8:
            fits.append((count, name))
    little = max(gib) < 40 and 0.05 <= busy < 0.3
    expected = [min(fits)[1]] if fits and little else []
    assert found["advised_instance_type_id"].tolist() == expected
    assert (found["saving_low_usd"] <= found["saving_usd"] + 1e-9).all()
    assert (found["saving_low_usd"] > 0).all()
