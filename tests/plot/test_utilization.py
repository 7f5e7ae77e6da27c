import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tests.plot.pictures import date, legend, new_axes, render, row_names, spans, texts
from trainview.plot import plot_idle_gpus, plot_utilization, plot_utilization_over_time
from trainview.plot.cells import merge, number_rows, period_minutes
from trainview.plot.heat import CLASSES
from trainview.plot.idle import IDLE


def measured(*rows):
    columns = [
        "job_id", "gpu", "covered_gpu_hours", "missing_share",
        "mean_utilization", "p50_utilization", "p95_utilization", "mean_memory_share",
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns).astype({"gpu": "Int64"})
    return frame.assign(held_gpu_hours=np.nan)


def test_what_was_measured_stands_beside_what_was_held():
    rows = [("j1", number, 2.0, 0.1, 0.5, 0.5, 0.9, 0.5) for number in range(100)]
    frame = measured(*rows).assign(held_gpu_hours=160.0)
    found = texts(plot_utilization(frame))
    assert found[0] == "2.0 of 160 GPU-hours measured"
    assert found[-1] == "61 others: 122 of 9,760 GPU-hours measured"


def test_means_are_bars_and_the_other_measures_marks(ax):
    frame = measured(
        ("j1", 0, 12.0, 0.25, 0.4, 0.5, 1.0, None),
        ("j1", 1, 3.0, 0.0, 0.0, 0.0, 0.1, 0.7),
        ("j2", None, 0.0, None, None, None, None, None),
    )
    plot_utilization(frame, ax=ax)
    assert row_names(ax) == ["j1 · GPU 0", "j1 · GPU 1", "j2 · (no GPU)"]
    assert spans(ax) == [(0, 0.4), (0, 0)]
    marks = {line.get_gid(): line.get_xdata().tolist() for line in ax.lines}
    np.testing.assert_equal(
        marks,
        {
            "p50_utilization": [0.5, 0.0, np.nan],
            "p95_utilization": [1.0, 0.1, np.nan],
            "mean_memory_share": [np.nan, 0.7, np.nan],
        },
    )
    assert texts(ax) == [
        "12.0 GPU-hours, 25.0% missing",
        "3.0 GPU-hours",
        "0 GPU-hours",
        "no data",
    ]
    assert legend(ax) == ["mean", "median", "p95", "memory, mean"]
    assert ax.get_xlim() == (0, 1.03)
    ax.figure.canvas.draw()
    ticks = [label.get_text() for label in ax.get_xticklabels() if label.get_position()[0] < 1.03]
    assert ticks[-1] == "100%"


def test_gpus_that_do_not_fit_are_counted_with_their_hours():
    rows = [("j1", number, 2.0, 0.1, 0.5, 0.5, 0.9, 0.5) for number in range(100)]
    ax = plot_utilization(measured(*rows))
    assert texts(ax)[-1] == "61 others: 122 GPU-hours"
    narrow = plot_utilization(measured(*rows), ax=new_axes(3.6, 3))
    assert texts(narrow)[0] == "2.0 h"


def test_all_gpus_together_are_one_row(ax):
    frame = measured(("j1", 0, 12.0, 0.0, 0.4, 0.5, 1.0, 0.2)).drop(columns=["job_id", "gpu"])
    assert row_names(plot_utilization(frame, ax=ax)) == ["all GPUs"]


def idle(*rows):
    columns = ["job_id", "covered_gpu_hours", "idle_gpu_hours", "longest_idle_hours", "idle_usd"]
    return pd.DataFrame(rows, columns=columns)


def test_idle_hours_are_a_part_of_those_that_are_covered(ax):
    frame = idle(
        ("j1", 40.0, 10.0, 6.0, 65.0), ("j2", 8.0, 2.0, 2.0, None), ("j3", 5.0, 0.0, None, 0.0)
    )
    plot_idle_gpus(frame, ax=ax)
    assert row_names(ax) == ["j1", "j2", "j3"]
    idle_bars, busy_bars = ax.containers
    assert [(bar.get_x(), bar.get_width()) for bar in idle_bars] == [(0, 10), (0, 2)]
    assert [(bar.get_x(), bar.get_width()) for bar in busy_bars] == [(10, 30), (2, 6), (0, 5)]
    assert to_hex(idle_bars[0].get_facecolor()) == IDLE.lower()
    assert texts(ax) == [
        "10.0 of 40.0 · longest 6.0 h · 65.00 USD",
        "2.0 of 8.0 · longest 2.0 h",
        "0 of 5.0",
    ]
    assert legend(ax) == ["idle", "busy"]


def test_idle_gpus_that_do_not_fit_are_summed_up():
    rows = [(f"j{number}", 10.0, 5.0, 1.0, 30.0) for number in range(100)]
    assert texts(plot_idle_gpus(idle(*rows)))[-1] == "61 others: idle 305 of 610 · 1,830 USD"
    unpriced = idle(*rows).assign(idle_usd=np.nan)
    assert texts(plot_idle_gpus(unpriced))[-1] == "61 others: idle 305 of 610"
    narrow = plot_idle_gpus(idle(*rows), ax=new_axes(3.6, 3))
    assert texts(narrow)[0] == "5.0 · 30.00 USD"


def test_idle_hours_tell_how_much_of_what_was_held_they_are_of(ax):
    frame = idle(
        ("j1", 40.0, 10.0, 6.0, None), ("j2", 8.0, 0.0, None, None), ("j3", 5.0, 0.0, None, None)
    )
    plot_idle_gpus(frame.assign(held_gpu_hours=[80.0, 160.0, 5.0]), ax=ax)
    assert texts(ax) == [
        "10.0 of 40.0 · longest 6.0 h · 50.0% measured",
        "0 of 8.0 · 5.0% measured",
        "0 of 5.0",
    ]


def test_a_heat_map_tells_how_much_of_what_was_held_was_measured(ax):
    frame = heat(("j1", "n1", 0, 0, 0.9, 60), ("j1", "n1", 0, 1, 0.0, 60))
    plot_utilization_over_time(
        frame.assign(covered_gpu_hours=1.0, held_gpu_hours=[4.0, 12.0], measured_share=0.0), ax=ax
    )
    assert row_names(ax) == ["j1 · n1 · GPU 0"]
    assert texts(ax) == ["2.0 of 16.0 GPU-hours measured (12.5%)"]
    whole = frame.assign(covered_gpu_hours=1.0, held_gpu_hours=1.0, measured_share=1.0)
    assert texts(plot_utilization_over_time(whole, ax=new_axes())) == []


MIDNIGHT = pd.Timestamp("2026-01-01", tz="UTC")


def heat(*rows, minutes=60):
    """Rows of job, node, GPU and number of the period, then the mean and the samples."""
    columns = ["job_id", "node_id", "gpu", "period", "mean_utilization", "samples"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(period=MIDNIGHT + pd.to_timedelta(frame["period"] * minutes, unit="min"))


def drawn(ax):
    (image,) = ax.images
    return np.ma.filled(image.get_array(), np.nan).round(9).tolist()


def fleet(jobs, periods, gpus=8, minutes=60):
    """A fleet of jobs of one node."""
    index = pd.MultiIndex.from_product(
        [[f"j{number:03}" for number in range(jobs)], ["n0"], range(gpus), range(periods)]
    )
    rng = np.random.default_rng(0)
    frame = index.to_frame(index=False)
    frame.columns = ["job_id", "node_id", "gpu", "period"]
    frame["period"] = MIDNIGHT + pd.to_timedelta(frame["period"] * minutes, unit="min")
    return frame.assign(
        mean_utilization=rng.random(len(frame)), samples=rng.integers(1, 60, len(frame))
    )


def test_a_gpu_is_a_row_and_no_data_is_not_0(ax):
    frame = heat(
        ("j1", "n1", 0, 0, 0.9, 60), ("j1", "n1", 0, 2, 0.0, 60), ("j1", "n1", 1, 1, 0.5, 60)
    )
    plot_utilization_over_time(frame, ax=ax)
    np.testing.assert_equal(drawn(ax), [[0.9, np.nan, 0.0], [np.nan, 0.5, np.nan]])
    assert row_names(ax) == ["j1 · n1 · GPU 0", "j1 · n1 · GPU 1"]
    start = date("2026-01-01")
    assert ax.images[0].get_extent() == pytest.approx((start, start + 3 / 24, 2, 0))
    assert ax.get_xlim() == pytest.approx((start, start + 3 / 24))
    assert ax.get_ylim() == (2, 0)
    assert texts(ax) == []
    assert legend(ax) == [*(name for _, _, name in CLASSES), "no data"]
    ground = ax.patches[0]
    assert ground.get_hatch()
    assert ground.get_zorder() < ax.images[0].get_zorder()
    assert ax.images[0].get_cmap()(np.ma.masked_invalid([np.nan]))[0][3] == 0


def test_the_colours_are_those_of_the_legend(ax):
    values = [0.0, 0.049, 0.05, 0.2, 0.4, 0.6, 0.8, 1.0]
    plot_utilization_over_time(
        heat(*[("j", "n", 0, at, value, 1) for at, value in enumerate(values)]), ax=ax
    )
    (image,) = ax.images
    shown = [to_hex(colour) for colour in image.cmap(image.norm(np.array(values)))]
    colours = [to_hex(patch.get_facecolor()) for patch in ax.get_legend().legend_handles]
    assert shown == [colours[0], colours[0], *colours[1:], colours[-1]]
    assert colours[0] == IDLE.lower()
    assert "no data" not in legend(ax)


def test_rows_with_the_same_first_keys_are_neighbours_whatever_the_order(ax):
    frame = heat(
        ("j2", "n0", 0, 0, 0.1, 1), ("j1", "n0", 0, 0, 0.2, 1),
        ("j2", "n1", 0, 0, 0.3, 1), ("j2", "n0", 1, 1, 0.4, 1),
    )  # fmt: skip
    plot_utilization_over_time(frame, ax=ax)
    assert row_names(ax) == [
        "j2 · n0 · GPU 0", "j2 · n0 · GPU 1", "j2 · n1 · GPU 0", "j1 · n0 · GPU 0",
    ]  # fmt: skip
    np.testing.assert_equal(drawn(ax), [[0.1, np.nan], [np.nan, 0.4], [0.3, np.nan], [0.2, np.nan]])


def test_keys_may_be_null_or_none(ax):
    frame = heat((None, None, 0, 0, 0.5, 1), ("j1", None, 0, 0, 0.6, 1))
    plot_utilization_over_time(frame, ax=ax)
    assert [label.get_gid() for label in ax.get_yticklabels()] == [
        "name:(no job id) · (no node id) · GPU 0",
        "name:j1 · (no node id) · GPU 0",
    ]
    alone = frame[["period", "mean_utilization", "samples"]].iloc[:1]
    assert row_names(plot_utilization_over_time(alone, ax=new_axes())) == ["all GPUs"]


def test_rows_too_low_for_their_names_are_named_in_blocks():
    ax = plot_utilization_over_time(fleet(4, 10), ax=new_axes(8, 3))
    assert row_names(ax) == [f"j{number:03} · n0" for number in range(4)]
    assert ax.get_yticks().tolist() == [4, 12, 20, 28]
    assert texts(ax) == ["32 rows, named by job_id and node_id"]
    assert np.shape(drawn(ax)) == (32, 10)
    assert ax.get_ylim()[0] > 32


def test_names_that_do_not_fit_are_counted():
    ax = plot_utilization_over_time(fleet(60, 5, gpus=1), ax=new_axes(8, 3))
    shown = len(row_names(ax))
    assert 5 < shown < 20
    assert texts(ax) == [f"{shown} of 60 names shown"]
    render(ax)


def test_more_cells_than_can_be_seen_are_merged_into_weighted_means():
    frame = fleet(40, 3000).assign(period=lambda cells: cells["period"] + pd.Timedelta("5h"))
    ax = plot_utilization_over_time(frame, ax=new_axes(8, 3))
    assert texts(ax)[0] == "a cell is the mean of up to 3 rows in 12 hours"
    cells = np.array(drawn(ax))
    assert cells.shape == (107, 251)
    row = frame.groupby(["job_id", "gpu"]).ngroup() // 3
    column = (frame["period"] - MIDNIGHT) // pd.Timedelta("12h")
    sums = np.zeros((2, *cells.shape))
    np.add.at(sums[0], (row, column), frame["mean_utilization"] * frame["samples"])
    np.add.at(sums[1], (row, column), frame["samples"])
    assert cells == pytest.approx(sums[0] / sums[1])
    left, right, bottom, top = ax.images[0].get_extent()
    assert (right - left, bottom, top) == (pytest.approx(125.5), 321, 0)
    render(ax)
    clip = ax.transData.inverted().transform_bbox(ax.images[0].clipbox)
    assert (clip.x0, clip.x1) == pytest.approx(ax.get_xlim(), rel=1e-9)
    assert (clip.y0, clip.y1) == pytest.approx((320, 0))


def test_new_figures_grow_with_their_rows_up_to_a_limit():
    heights = [
        plot_utilization_over_time(fleet(jobs, 2)).figure.get_size_inches()[1]
        for jobs in (1, 4, 40, 100)
    ]
    assert heights == sorted(heights)
    assert heights[0] == pytest.approx(1.1 + 8 * 0.26)
    assert heights[-1] == pytest.approx(1.1 + 14)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([0, 1440, 4320], 1440), ([60, 240], 60), ([0, 60], 60), ([15, 30], 15), ([0, 5], 5),
        ([0, 3], 1), ([780], 60), ([1440], 60), ([795], 15), ([7], 1), ([0, 120], 60),
    ],
)  # fmt: skip
def test_the_length_of_periods_is_found_from_where_they_begin(minutes, expected):
    assert period_minutes(20454 + np.array(minutes) / 1440) == expected


def test_periods_before_1970_are_cells_too():
    start = np.array([-1.0, -0.5, 0.0])
    cells = merge(np.array([0, 0, 1]), start, np.array([0.1, 0.2, 0.3]), np.ones(3), (9, 9))
    assert cells.minutes == 60
    assert cells.first == pytest.approx(-1)
    assert cells.means[0, [0, 12]].tolist() == [0.1, 0.2]
    assert cells.means[1, 24] == 0.3


def test_groups_are_numbered_in_the_order_of_their_first_rows():
    table = pd.DataFrame({"a": ["x", "y", "x", None], "b": [1, 1, 2, 1]})
    row, heads = number_rows(table, ["a", "b"])
    assert row.tolist() == [0, 2, 1, 3]
    assert heads["b"].tolist() == [1, 2, 1, 1]
