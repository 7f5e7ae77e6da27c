import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tests.plot.pictures import boxes, date, legend, new_axes, render, row_names, spans, texts
from trainview.plot import plot_cost_over_time, plot_estimate_cost, plot_reconcile_cost
from trainview.plot.colours import PALETTE, PLAIN


def cost(*rows):
    columns = ["team_name", "unpriced_jobs", "untimed_jobs", "estimated_usd", "share"]
    return pd.DataFrame(rows, columns=columns)


def test_costs_are_bars_with_their_share_and_what_is_not_in_them(ax):
    frame = cost(
        ("ml", 0, 0, 7500.0, 0.75), ("ocr", 3, 1, 999.5, 0.1),
        (None, 0, 0, 0.0, 0.0), ("cpu", 2, 4, None, None), ("web", 0, 0, 0.001, 0.0),
    )  # fmt: skip
    plot_estimate_cost(frame, ax=ax)
    assert row_names(ax) == ["ml", "ocr", "(no team)", "cpu", "web"]
    assert spans(ax) == [(0, 7500), (0, 999.5), (0, 0), (0, 0.001)]
    assert texts(ax) == [
        "7,500 · 75.0%",
        "999.50 · 10.0% + 3 unpriced + 1 untimed",
        "0 · 0%",
        "not known: 2 unpriced, 4 untimed",
        "<0.01 · 0%",
    ]
    assert {to_hex(bar.get_facecolor()) for bar in ax.patches} == {PLAIN.lower()}
    assert [bar.get_gid() for bar in ax.patches][-1] == "name:web"


def test_costs_that_do_not_fit_are_summed_up_and_unknown_ones_are_not_0():
    frame = cost(*[(f"t{number}", 1, 0, 10.0, 0.01) for number in range(100)])
    ax = plot_estimate_cost(frame)
    assert len(row_names(ax)) == 39
    assert texts(ax)[-1] == "61 others: 610.00 USD · 61.0% + 61 unpriced"
    unknown = plot_estimate_cost(frame.assign(estimated_usd=np.nan, share=np.nan))
    assert texts(unknown)[-1] == "61 others: not known: 61 unpriced"
    assert not unknown.patches


def test_narrow_axes_show_costs_without_shares():
    ax = plot_estimate_cost(cost(("ml", 1, 0, 12.0, 1.0)), ax=new_axes(3.6, 3))
    assert texts(ax) == ["12.00 + 1 unpriced"]
    render(ax)
    assert ax.xaxis.label.get_window_extent().x0 >= 0
    assert ax.xaxis.label.get_window_extent().x1 <= ax.figure.bbox.x1


def over_time(*periods, **columns):
    return pd.DataFrame({"period": pd.to_datetime(list(periods), utc=True)} | columns)


def strokes(ax):
    (lines,) = [lines for lines in ax.collections if lines.get_gid() == "billed"]
    return [segment.tolist() for segment in lines.get_segments()]


DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")


def test_the_bill_is_a_stroke_across_its_period_and_none_where_nothing_is_known(ax):
    frame = over_time(*DAYS, estimated_usd=[120.0, 0.0, 60.0], billed_usd=[100.0, 0.0, None])
    plot_cost_over_time(frame, ax=ax)
    assert boxes(ax.collections[0])[:, 2:].tolist() == [[0, 120], [0, 60]]
    first, second = strokes(ax)
    day = date("2026-01-01")
    assert first == [[pytest.approx(day + 0.04), 100], [pytest.approx(day + 0.96), 100]]
    assert second == [[pytest.approx(day + 1.04), 0], [pytest.approx(day + 1.96), 0]]
    assert legend(ax) == ["estimate", "billed"]
    assert ax.get_xlim() == (day, day + 3)
    assert ax.get_ylim() == pytest.approx((0, 126))


def test_without_a_bill_there_is_neither_a_stroke_nor_a_legend(ax):
    frame = over_time(*DAYS, estimated_usd=[1.0, 2.0, 3.0], billed_usd=[None] * 3)
    plot_cost_over_time(frame, ax=ax)
    assert len(ax.collections) == 1
    assert ax.get_legend() is None


def test_a_bill_alone_is_drawn(ax):
    frame = over_time(*DAYS, estimated_usd=[None] * 3, billed_usd=[4.0, 5.0, 6.0])
    plot_cost_over_time(frame, ax=ax)
    assert [stroke[0][1] for stroke in strokes(ax)] == [4, 5, 6]
    assert legend(ax)[-1] == "billed"
    assert legend(ax)[0] == "estimate: not known"
    assert ax.get_ylabel() == "Cost in USD per day\n(billed)"
    nothing = plot_cost_over_time(frame.assign(billed_usd=np.nan), ax=new_axes())
    assert texts(nothing) == ["no data"]


def test_groups_are_stacked_and_billed_together(ax):
    frame = over_time(
        *DAYS[:2] * 3,
        team_name=["a", "a", "b", "b", "c", "c"],
        estimated_usd=[10.0, 20.0, 50.0, 40.0, None, None],
        billed_usd=[9.0, None, 45.0, None, 2.0, None],
    )
    plot_cost_over_time(frame, ax=ax)
    assert legend(ax) == ["b", "a", "c: not known", "billed (all)"]
    large, small, none = ax.collections[:3]
    assert boxes(large)[:, 2:].tolist() == [[0, 50], [0, 40]]
    assert boxes(small)[:, 2:].tolist() == [[50, 60], [40, 60]]
    assert not none.get_paths()
    assert to_hex(large.get_facecolor()[0]) == PALETTE[0].lower()
    assert [stroke[0][1] for stroke in strokes(ax)] == [56]


@pytest.mark.parametrize(
    ("first", "last", "freq", "name", "days"),
    [
        ("2026-01-01", "2026-01-01 05:00", "h", "hour", [1 / 24] * 6),
        ("2026-01-05", "2026-01-19", "W-MON", "week", [7, 7, 7]),
        ("2026-01-01", "2026-03-01", "MS", "month", [31, 28, 31]),
        ("2025-10-01", "2026-01-01", "QS", "quarter", [92, 90]),
        ("2024-01-01", "2026-01-01", "YS", "year", [366, 365, 365]),
    ],
)
def test_bars_are_as_wide_as_their_period(ax, first, last, freq, name, days):
    periods = pd.date_range(first, last, freq=freq)
    frame = over_time(*periods, estimated_usd=1.0, billed_usd=None)
    plot_cost_over_time(frame, ax=ax)
    drawn = boxes(ax.collections[0])
    assert drawn[:, 1] - drawn[:, 0] == pytest.approx([0.92 * length for length in days])
    assert ax.get_ylabel() == f"Cost in USD per {name}\n(estimate)"
    assert ax.get_xlim()[1] == pytest.approx(date(periods[-1]) + days[-1])


def test_of_a_single_period_nobody_knows_the_length(ax):
    plot_cost_over_time(over_time(DAYS[0], estimated_usd=[1.0], billed_usd=[1.0]), ax=ax)
    assert ax.get_ylabel().startswith("Cost in USD per period")


def test_heights_of_many_groups_sum_up_to_the_estimate(ax):
    frame = over_time(
        *DAYS * 20, team_name=np.repeat([f"t{number}" for number in range(20)], 3),
        estimated_usd=np.arange(60.0), billed_usd=None,
    )  # fmt: skip
    plot_cost_over_time(frame, ax=ax)
    assert legend(ax)[-1] == "13 others"
    heights = np.concatenate([np.diff(boxes(bars)[:, 2:]) for bars in ax.collections])
    assert heights.sum() == pytest.approx(np.arange(60).sum())


def reconciled(*rows, keys=("job_id", "project_name", "reason")):
    columns = ["estimated_usd", "billed_usd", "difference_usd", "overhead_usd", "price_usd"]
    return pd.DataFrame(rows, columns=[*keys, *columns])


PAIRS = reconciled(
    ("j1", "llm", "queueing and deployment", 120.0, 100.0, 20.0, 18.0, 2.0),
    ("j2", "asr", "deleted job", None, 1500.0, -1500.0, None, None),
    (None, "ocr", "not billed", 5.0, None, 5.0, None, None),
)


def test_estimate_and_bill_are_a_pair_of_bars_and_what_is_unknown_has_none(ax):
    plot_reconcile_cost(PAIRS, ax=ax)
    assert row_names(ax) == ["j1 · llm", "j2 · asr", "(no job id) · ocr"]
    estimates, bills = ax.containers
    assert [bar.get_width() for bar in estimates] == [120, 5]
    assert [bar.get_width() for bar in bills] == [100, 1500]
    assert [round(bar.get_y() + bar.get_height() / 2) for bar in bills] == [0, 1]
    assert estimates[0].get_y() + estimates[0].get_height() < bills[0].get_y()
    assert bills[0].get_gid() == "name:j1 · llm: billed"
    assert texts(ax) == [
        "120.00",
        "no estimate",
        "5.00",
        "100.00 · difference +20.00: +18.00 overhead, +2.00 price",
        "1,500 · difference -1,500: deleted job",
        "no bill · difference +5.00: not billed",
    ]
    assert legend(ax) == ["estimate", "billed"]


def test_the_bill_is_outlined_in_the_colour_of_the_texts(ax):
    with mpl.rc_context({"text.color": "red"}):
        plot_reconcile_cost(PAIRS, ax=ax)
    bar = ax.containers[1][0]
    assert to_hex(bar.get_edgecolor()) == to_hex("red")
    assert bar.get_facecolor()[3] == 0
    assert to_hex(ax.containers[0][0].get_facecolor()) == PLAIN.lower()


def test_without_a_reason_the_parts_of_the_difference_are_said(ax):
    frame = reconciled(
        ("llm", 120.0, 100.0, 20.0, 18.0, 2.0), ("asr", None, 4.0, -4.0, None, None),
        ("ocr", 50.0, 70.0, -20.0, 5.0, -1e-12), ("tts", 9.0, 9.0, 0.0, 0.0, 0.0),
        keys=["p"],
    )  # fmt: skip
    plot_reconcile_cost(frame, ax=ax)
    assert texts(ax)[4:] == [
        "100.00 · difference +20.00: +18.00 overhead, +2.00 price",
        "4.00 · difference -4.00",
        "70.00 · difference -20.00: +5.00 overhead, -25.00 other",
        "9.00 · difference 0",
    ]


def test_a_reason_is_said_where_prices_have_no_part_in_the_difference(ax):
    rows = [
        ("j1", "queueing and deployment", 120.0, 100.0, 20.0, 20.0, 0.004),
        ("j2", "queueing and deployment", 120.0, 100.0, 20.0, 0.0, 20.0),
    ]
    plot_reconcile_cost(reconciled(*rows, keys=["job_id", "reason"]), ax=ax)
    assert texts(ax)[2:] == [
        "100.00 · difference +20.00: queueing and deployment",
        "100.00 · difference +20.00: +20.00 price",
    ]


def test_reasons_alone_are_the_rows(ax):
    rows = [
        ("deleted job", None, 4.0, -4.0, None, None),
        ("queueing and deployment", 8.0, 5.0, 3.0, 2.0, 1.0),
    ]
    plot_reconcile_cost(reconciled(*rows, keys=["reason"]), ax=ax)
    assert row_names(ax) == ["deleted job", "queueing and deployment"]
    assert texts(ax)[2:] == [
        "4.00 · difference -4.00",
        "5.00 · difference +3.00: +2.00 overhead, +1.00 price",
    ]


def test_narrow_axes_have_reasons_only_where_rows_need_them():
    narrow = plot_reconcile_cost(PAIRS, ax=new_axes(3.6, 4))
    assert all("…" in name or "bill" not in name for name in row_names(narrow))
    assert texts(narrow)[3:] == ["100.00 (+20.00)", "1,500 (-1,500)", "no bill (+5.00)"]
    rows = [("llm", why, 2.0, 1.0, 1.0, None, None) for why in ("deleted job", "not billed")]
    frame = reconciled(*rows, keys=["project_name", "reason"])
    ax = plot_reconcile_cost(frame, ax=new_axes(3.9, 3))
    assert [label.get_gid() for label in ax.get_yticklabels()] == [
        "name:llm · deleted job",
        "name:llm · not billed",
    ]


def test_pairs_that_do_not_fit_are_summed_up():
    frame = reconciled(
        *[(f"j{number}", "llm", "x", 2.0, 1.5, 0.5, None, None) for number in range(50)]
    )
    ax = plot_reconcile_cost(frame)
    assert len(row_names(ax)) == 39
    assert texts(ax)[-1] == "11 others: estimated 22.00, billed 16.50 · difference +5.50"
    small = plot_reconcile_cost(frame.assign(estimated_usd=np.nan), ax=new_axes(3.6, 2))
    hidden = 50 - len(row_names(small))
    assert texts(small)[-1].startswith(f"{hidden} others: nothing and ")
