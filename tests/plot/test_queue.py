import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import trainview as tv
from tests.plot.pictures import legend, new_axes, render, row_names, spans, texts
from trainview.plot import plot_queue_wait_curve, plot_queue_waits, plot_quota
from trainview.plot.colours import PALETTE, PLAIN


def waits(*rows):
    columns = ["gpu_type", "jobs", "waiting", "p50", "p90", "p99", "longest_wait"]
    return pd.DataFrame(rows, columns=columns)


def marks(ax):
    return {line.get_gid(): line.get_xdata().tolist() for line in ax.lines if line.get_gid()}


def test_bars_go_from_p50_to_p90_where_both_are_known(ax):
    frame = waits(
        ("H100", 120, 3, 2.0, 12.0, 40.0, 50.0),
        ("A100", 7, 2, 0.5, None, None, 9.0),
        ("T4", 1, 0, 0.0, 0.0, 0.0, 0.0),
    )
    plot_queue_waits(frame, ax=ax)
    assert row_names(ax) == ["H100", "A100", "T4"]
    second = 1 / 3600
    assert spans(ax) == [(2, 12), (second, second)]
    np.testing.assert_equal(
        marks(ax),
        {"p50": [2, 0.5, second], "p99": [40, np.nan, second], "longest_wait": [50, 9, second]},
    )
    tails = [list(line.get_xdata()) for line in ax.lines if not line.get_gid()]
    assert tails == [[12, 50], [0.5, 9], [second, second]]
    assert texts(ax) == ["120 jobs, 3 still waiting", "7 jobs, 2 still waiting", "1 job"]
    assert legend(ax) == ["median, bar up to p90", "p99", "longest so far"]
    assert ax.get_xscale() == "log"


def test_a_median_that_is_not_known_is_said_and_not_drawn(ax):
    frame = waits(("H100", 2, 2, None, None, None, 3.0), ("T4", 1, 0, None, None, None, None))
    plot_queue_waits(frame, ax=ax)
    assert not ax.patches
    assert texts(ax)[1::2] == ["median not known yet", "no wait known"]
    render(ax)


def test_waits_that_do_not_fit_are_counted():
    rows = [(f"g{number}", 10, 1, 1.0, 2.0, 3.0, 4.0) for number in range(100)]
    assert texts(plot_queue_waits(waits(*rows)))[-1] == "61 others: 610 jobs, 61 still waiting"
    narrow = plot_queue_waits(waits(*rows), ax=new_axes(3.6, 3))
    hidden = 100 - len(row_names(narrow))
    assert texts(narrow)[-1] == f"{hidden} others: {hidden * 10}, {hidden} waiting"
    assert texts(narrow)[0] == "10, 1 waiting"


def curve(**groups):
    parts = [
        pd.DataFrame(rows, columns=["waited_hours", "share_waiting", "low", "high", "at_risk"])
        .assign(gpu_type=name)
        for name, rows in groups.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


FREIREICH = [
    (0.0, 1.0, 1.0, 1.0, 21),
    (6.0, 0.857, 0.620, 0.952, 21),
    (7.0, 0.807, 0.563, 0.923, 17),
    (23.0, 0.448, 0.188, 0.680, 6),
]


def test_curves_are_steps_with_a_band_and_the_largest_group_first(ax):
    few = [(0.0, 1.0, None, None, 2), (0.5, 0.0, None, None, 1)]
    plot_queue_wait_curve(curve(T4=few, H100=FREIREICH), ax=ax)
    large, small = ax.lines
    assert {line.get_drawstyle() for line in ax.lines} == {"steps-post"}
    assert large.get_xdata().tolist() == [1 / 3600, 6, 7, 23]
    assert large.get_ydata().tolist() == [1, 0.857, 0.807, 0.448]
    assert small.get_xydata().tolist() == [[1 / 3600, 1], [0.5, 0]]
    band = ax.collections[0].get_paths()[0].vertices
    assert {0.620, 0.952, 0.188, 0.680} <= set(band[:, 1])
    assert to_hex(large.get_color()) == to_hex(ax.collections[0].get_facecolor()[0])
    assert legend(ax) == ["H100 (21 jobs)", "T4 (2 jobs)"]
    assert ax.get_xlim() == pytest.approx((0.5 / 1.5, 23 * 1.5))
    assert ax.get_ylim() == (0, 1.02)
    assert ax.get_xscale() == "log"


def test_rows_may_come_in_any_order():
    frame = curve(H100=FREIREICH, T4=FREIREICH[:2])
    expected = plot_queue_wait_curve(frame, ax=new_axes())
    ax = plot_queue_wait_curve(frame.sample(frac=1, random_state=2), ax=new_axes())
    for line, same in zip(ax.lines, expected.lines, strict=True):
        assert line.get_xydata().tolist() == same.get_xydata().tolist()


def test_a_single_curve_needs_no_legend(ax):
    plot_queue_wait_curve(curve(all=FREIREICH).drop(columns="gpu_type"), ax=ax)
    assert ax.get_legend() is None
    assert to_hex(ax.lines[0].get_color()) == PLAIN.lower()


def test_curves_that_are_not_drawn_are_counted(ax):
    groups = {
        f"g{number:02}": [(0.0, 1.0, 1.0, 1.0, 40 - number), (1.0, 0.5, 0.4, 0.6, 9)]
        for number in range(20)
    }
    plot_queue_wait_curve(curve(**groups), ax=ax)
    assert len(ax.lines) == 7
    assert legend(ax)[0] == "g00 (40 jobs)"
    assert legend(ax)[-1] == f"13 others not drawn ({sum(40 - n for n in range(7, 20))} jobs)"
    assert [to_hex(line.get_color()) for line in ax.lines] == [c.lower() for c in PALETTE[:7]]


def quotas(*rows):
    columns = ["gpu_type", "limit", "peak_gpus", "mean_gpus", "at_limit_share"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(at_limit_share_with_extra=frame["at_limit_share"] / 4)


def test_mean_and_peak_stand_in_the_outline_of_their_limit(ax):
    frame = quotas(
        ("H100", 64, 72, 40.0, 0.125), ("A100", 8, 4, 0.5, 0.0), ("T4", None, 6, 2.0, None)
    )
    plot_quota(frame, ax=ax)
    assert row_names(ax) == ["H100", "A100", "T4"]
    limits, means = ax.containers
    assert [bar.get_width() for bar in limits] == [64, 8]
    assert [bar.get_width() for bar in means] == [40, 0.5, 2]
    assert all(bar.get_facecolor()[3] == 0 for bar in limits)
    assert limits[0].get_gid() == "name:H100: limit"
    (peaks,) = ax.lines
    assert peaks.get_xydata().tolist() == [[72, 0], [4, 1], [6, 2]]
    assert texts(ax) == [
        "12.5% of the time at limit (3.1% with extra)",
        "not at limit",
        "no limit known",
    ]
    assert legend(ax) == ["limit", "mean", "peak"]
    assert ax.get_xlim() == pytest.approx((0, 1.05 * 72))


def test_types_that_do_not_fit_are_counted():
    rows = [(f"g{number}", 8, 8, 1.0, 0.1 if number < 50 else 0.0) for number in range(100)]
    assert texts(plot_quota(quotas(*rows)))[-1] == "61 others: 11 at limit at times"
    narrow = plot_quota(quotas(*rows), ax=new_axes(3.6, 3))
    assert texts(narrow)[0] == "10.0% at limit"


def test_types_that_were_never_held_are_0(ax):
    plot_quota(quotas(("H100", 0, 0, 0.0, None)), ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [0, 0]
    render(ax)


def test_types_are_named_alike_whether_jobs_are_refined_or_not(ax, small_fleet):
    snap = tv.load(small_fleet).refine()
    result = tv.quota(snap.jobs, snap.capacity)
    assert result["held_over_limit_gpu_hours"].notna().any()
    plot_quota(result, ax=ax)
    assert row_names(ax) == result["gpu_type"].to_list()
