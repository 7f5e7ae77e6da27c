from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tests.analysis.tables import job, table
from tests.plot.pictures import boxes, date, legend, new_axes, render, row_names, spans, texts
from trainview.analysis import gpu_concurrency, gpu_hours_over_time, gpu_usage
from trainview.errors import ArgumentError
from trainview.plot import plot_gpu_concurrency, plot_gpu_hours_over_time, plot_gpu_usage
from trainview.plot.colours import OTHERS, PALETTE, PLAIN


def usage(**columns):
    return pd.DataFrame({"gpu_hours": [], "share": []} | columns)


def test_usage_has_the_largest_on_top_with_value_and_share(ax):
    frame = usage(
        gpu_type=["T4", "H100", None], gpu_hours=[2.5, 7500.0, 0.0], share=[0.0003, 0.9997, 0.0]
    )
    plot_gpu_usage(frame, ax=ax)
    assert row_names(ax) == ["H100", "T4", "(no GPU type)"]
    assert spans(ax) == [(0, 7500), (0, 2.5), (0, 0)]
    assert texts(ax) == ["7,500 · 100%", "2.5 · <0.1%", "0 · 0%"]
    assert {to_hex(bar.get_facecolor()) for bar in ax.patches} == {PLAIN.lower()}
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_usage_that_is_not_known_is_not_drawn_as_0(ax):
    frame = usage(team_name=["a", "b"], gpu_hours=[None, 3.0], share=[None, None])
    plot_gpu_usage(frame, ax=ax)
    assert row_names(ax) == ["b", "a"]
    assert spans(ax) == [(0, 3)]
    assert texts(ax) == ["3.0", "not known"]


def test_usage_of_nothing_at_all_is_0(ax):
    plot_gpu_usage(gpu_usage(table(job(0, 2, status="queued")), by=None), ax=ax)
    assert row_names(ax) == ["all jobs"]
    assert texts(ax) == ["0"]
    assert ax.get_xlim() == (0, 1)


def test_usage_beyond_40_groups_is_summed_up():
    frame = usage(
        user_email=[f"u{number}" for number in range(100)],
        gpu_hours=np.arange(100.0),
        share=np.arange(100) / 4950,
    )
    ax = plot_gpu_usage(frame)
    assert row_names(ax) == [f"u{number}" for number in range(99, 60, -1)]
    assert texts(ax)[-1] == "61 others: 1,830 GPU-hours · 37.0%"


HOURS = table(
    job(0, 12, gpu_type="A100", gpus=1),
    job(6, 30, gpu_type="H100", gpus=8),
    job(50, 60, gpu_type="A100", gpus=2),
)


def test_hours_are_stacked_with_the_largest_at_the_bottom(ax):
    plot_gpu_hours_over_time(gpu_hours_over_time(HOURS), ax=ax)
    assert legend(ax) == ["H100", "A100"]
    large, small = map(boxes, ax.collections)
    first, second, third = (date(f"2025-01-0{day}") for day in (1, 2, 3))
    assert large[:, 2:].tolist() == [[0, 144], [0, 48]]
    assert small[:, 2:].tolist() == [[144, 156], [0, 20]]
    assert large[:, 0] == pytest.approx([first + 0.04, second + 0.04])
    assert large[:, 1] == pytest.approx([second - 0.04, third - 0.04])
    assert ax.get_xlim() == pytest.approx((first, third + 1))
    assert ax.get_ylim() == pytest.approx((0, 156 * 1.05))
    colours = [to_hex(bars.get_facecolor()[0]) for bars in ax.collections]
    assert colours == [PALETTE[0].lower(), PALETTE[1].lower()]
    assert colours == [to_hex(handle.get_facecolor()) for handle in ax.get_legend().legend_handles]
    assert [bars.get_gid() for bars in ax.collections] == ["name:H100", "name:A100"]


def test_periods_are_as_wide_as_they_are_long(ax):
    year = table(job("2024-12-31", "2025-12-31", gpus=1))
    plot_gpu_hours_over_time(gpu_hours_over_time(year, freq="M", by=None), ax=ax)
    (bars,) = map(boxes, ax.collections)
    days = [31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert bars[:, 1] - bars[:, 0] == pytest.approx([0.92 * day for day in days])
    assert ax.get_ylabel() == "GPU-hours per month"
    assert ax.get_legend() is None


def test_days_on_which_clocks_change_have_23_and_25_hours(ax):
    jobs = table(job("2025-03-28", "2025-04-02", gpus=1))
    frame = gpu_hours_over_time(jobs, by=None, tz="Europe/Berlin")
    plot_gpu_hours_over_time(frame, ax=ax)
    (bars,) = map(boxes, ax.collections)
    widths = (bars[:, 1] - bars[:, 0]) / 0.92 * 24
    assert widths == pytest.approx([24, 24, 23, 24, 24, 24])
    assert ax.get_xlabel() == "Time (Europe/Berlin)"
    ax.figure.canvas.draw()
    ticks = pd.to_datetime(ax.get_xticks(), unit="D", utc=True).tz_convert("Europe/Berlin")
    ticks = ticks.round("min")
    assert {tick.hour for tick in ticks} == {0}


@pytest.mark.parametrize(
    ("freq", "name"),
    [("h", "hour"), ("D", "day"), ("W", "week"), ("M", "month"), ("Q", "quarter"), ("Y", "year")],
)
def test_the_label_names_the_period(ax, freq, name):
    plot_gpu_hours_over_time(gpu_hours_over_time(HOURS, freq=freq), ax=ax)
    assert ax.get_ylabel() == f"GPU-hours per {name}"


def test_the_heights_sum_up_to_all_gpu_hours(ax):
    jobs = table(
        *(
            job(number, 3 * number + 1, gpu_type=f"g{number % 20:02}", gpus=number)
            for number in range(1, 60)
        )
    )
    plot_gpu_hours_over_time(gpu_hours_over_time(jobs), ax=ax)
    heights = np.concatenate([boxes(bars)[:, 3] - boxes(bars)[:, 2] for bars in ax.collections])
    assert heights.sum() == pytest.approx(jobs["gpu_hours"].sum())
    assert len(ax.collections) == 8
    totals = jobs.groupby("gpu_type", observed=True)["gpu_hours"].sum().sort_values(ascending=False)
    assert legend(ax) == [*totals.index[:7], "13 others"]
    others = boxes(ax.collections[-1])
    assert (others[:, 3] - others[:, 2]).sum() == pytest.approx(totals.iloc[7:].sum())
    assert to_hex(ax.collections[-1].get_facecolor()[0]) == OTHERS
    assert ax.collections[-1].get_hatch()


@pytest.mark.parametrize("plot", [plot_gpu_hours_over_time, plot_gpu_concurrency])
def test_a_group_has_one_colour_whatever_the_order_of_the_rows(plot):
    helper = gpu_hours_over_time if plot is plot_gpu_hours_over_time else gpu_concurrency
    frame = helper(table(*(job(0, 5 + number, gpu_type=f"g{number}") for number in range(8))))
    seen = []
    for seed in range(3):
        ax = plot(frame.sample(frac=1, random_state=seed), ax=new_axes())
        drawn = [*ax.lines, *ax.collections]
        colour = [
            to_hex(one.get_color() if hasattr(one, "get_color") else one.get_facecolor()[0])
            for one in drawn
        ]
        seen.append(dict(zip(legend(ax), colour, strict=True)))
    assert seen[0] == seen[1] == seen[2]
    assert len(set(seen[0].values())) == 8


def test_both_pictures_of_time_give_a_group_the_same_colour():
    over_time = plot_gpu_hours_over_time(gpu_hours_over_time(HOURS), ax=new_axes())
    concurrency = plot_gpu_concurrency(gpu_concurrency(HOURS), ax=new_axes())
    assert legend(over_time) == legend(concurrency)
    assert [to_hex(line.get_color()) for line in concurrency.lines] == [
        to_hex(bars.get_facecolor()[0]) for bars in over_time.collections
    ]


def test_hours_that_are_null_or_0_have_no_bar(ax):
    frame = pd.DataFrame(
        {
            "period": pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-03"], utc=True),
            "gpu_hours": [None, 0.0, 24.0],
            "mean_gpus": [None, 0.0, 1.0],
        }
    )
    plot_gpu_hours_over_time(frame, ax=ax)
    assert boxes(ax.collections[0])[:, 2:].tolist() == [[0, 24]]
    assert ax.get_xlim() == pytest.approx((date("2025-01-01"), date("2025-01-04")))


def corners(line):
    return [(round((x - date("2025-01-01")) * 24, 6), y) for x, y in line.get_xydata().tolist()]


def test_concurrency_is_a_line_of_steps_from_0_to_0(ax):
    plot_gpu_concurrency(gpu_concurrency(HOURS), ax=ax)
    large, small = ax.lines
    assert {line.get_drawstyle() for line in ax.lines} == {"steps-post"}
    assert corners(large) == [(6, 0), (6, 8), (30, 0)]
    assert corners(small) == [(0, 0), (0, 1), (12, 0), (50, 2), (60, 0)]
    assert legend(ax) == ["H100", "A100"]
    assert ax.get_ylim() == pytest.approx((0, 8 * 1.05))


def test_concurrency_is_0_where_steps_are_missing(ax):
    steps = gpu_concurrency(HOURS)
    plot_gpu_concurrency(steps[steps["gpus"] > 0], ax=ax)
    assert corners(ax.lines[1]) == [(0, 0), (0, 1), (12, 0), (50, 2), (60, 0)]


def test_one_curve_needs_no_legend_and_is_filled(ax):
    plot_gpu_concurrency(gpu_concurrency(HOURS, by=None), ax=ax)
    assert ax.get_legend() is None
    assert len(ax.lines) == len(ax.collections) == 1
    assert corners(ax.lines[0])[:4] == [(0, 0), (0, 1), (6, 9), (12, 8)]


def test_concurrency_of_many_groups_is_summed_exactly(ax):
    jobs = table(
        *(
            job(number, 40 - number / 2, gpu_type=f"g{number:02}", gpus=40 - number)
            for number in range(20)
        )
    )
    plot_gpu_concurrency(gpu_concurrency(jobs), ax=ax)
    assert legend(ax) == [*(f"g{number:02}" for number in range(7)), "13 others"]
    rest = jobs[jobs["gpu_type"].astype(str) >= "g07"]
    expected = gpu_concurrency(rest, by=None)
    drawn = corners(ax.lines[-1])
    assert drawn[0] == (7, 0)
    assert [level for _, level in drawn[1:]] == [*expected["gpus"].tolist(), 0]


def test_limits_are_dashed_lines_in_the_colour_of_their_group(ax):
    plot_gpu_concurrency(
        gpu_concurrency(HOURS), limit={"H100": 16, "A100": 4, "L4": 1500000}, ax=ax
    )
    lines = ax.lines[2:]
    assert [line.get_linestyle() for line in lines] == ["--"] * 3
    assert [line.get_ydata()[0] for line in lines] == [16, 4, 1500000]
    assert [line.get_color() for line in lines[:2]] == [line.get_color() for line in ax.lines[:2]]
    assert legend(ax) == ["H100", "A100", "H100: limit 16", "A100: limit 4", "L4: limit 1,500,000"]
    assert ax.get_ylim()[1] > 1500000


def test_a_limit_can_be_one_number(ax):
    plot_gpu_concurrency(gpu_concurrency(HOURS, by=None), limit=64, ax=ax)
    assert legend(ax) == ["limit 64"]
    assert ax.lines[1].get_color() == ax.lines[0].get_color()
    other = plot_gpu_concurrency(gpu_concurrency(HOURS), limit=np.int64(64), ax=new_axes())
    assert legend(other) == ["H100", "A100", "limit 64"]


def test_limits_name_groups_of_several_columns_and_nulls(ax):
    jobs = table(job(0, 1), job(0, 1, gpu_type=None))
    steps = gpu_concurrency(jobs, by=["gpu_type", "project_name"])
    plot_gpu_concurrency(steps, limit={("H100", "llm"): 9, (None, "llm"): 7}, ax=ax)
    assert legend(ax)[2:] == ["H100 · llm: limit 9", "(no GPU type) · llm: limit 7"]
    colour = dict(zip(legend(ax), (line.get_color() for line in ax.lines), strict=True))
    assert colour["H100 · llm: limit 9"] == colour["H100 · llm"]
    assert colour["(no GPU type) · llm: limit 7"] == colour["(no GPU type) · llm"]


@pytest.mark.parametrize(
    "limit", ["64", True, -1, float("nan"), {"H100": None}, {("H100", "x"): 1}]
)
def test_a_limit_that_is_none_is_refused(ax, limit):
    with pytest.raises(ArgumentError, match="limit="):
        plot_gpu_concurrency(gpu_concurrency(HOURS), limit=limit, ax=ax)


def test_times_at_the_ends_of_the_calendar_are_drawn(ax):
    steps = gpu_concurrency(table(job("0001-01-01", "9999-12-31 23:59")))
    plot_gpu_concurrency(steps, ax=ax)
    render(ax)


@pytest.mark.parametrize("width", [3.5, 6, 12])
@pytest.mark.parametrize("days", [1 / 86400, 1 / 24, 1, 3, 20, 100, 1000])
def test_dates_do_not_run_into_each_other(width, days):
    ax = plot_gpu_concurrency(
        gpu_concurrency(table(job(3, 3 + 24 * days)), by=None), ax=new_axes(width, 3)
    )
    render(ax)
    boxes_of_labels = sorted(
        (label.get_window_extent() for label in ax.get_xticklabels() if label.get_text()),
        key=lambda box: box.x0,
    )
    inside = [
        box for box in boxes_of_labels if ax.bbox.x0 - 1 <= (box.x0 + box.x1) / 2 <= ax.bbox.x1 + 1
    ]
    assert len(inside) >= (2 if days > 1 / 24 else 1)
    assert all(left.x1 < right.x0 for left, right in pairwise(inside))
