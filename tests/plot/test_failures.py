import pandas as pd
import pytest

from tests.plot.pictures import new_axes, row_names, spans, texts
from trainview.plot import plot_error_groups, plot_failure_costs, plot_failure_rates
from trainview.statuses import PHASE_COLOURS


def rates(*rows):
    columns = ["project_name", "finished", "failed", "failure_rate", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def test_rates_are_points_with_their_interval(ax):
    plot_failure_rates(rates(("a", 4, 3, 0.75, 0.3, 0.95), ("b", 2, 0, 0.0, 0.0, 0.66)), ax=ax)
    (container,) = ax.containers
    points, _, (interval,) = container
    assert points.get_xydata().tolist() == [[0.75, 0], [0, 1]]
    ends = [segment.tolist() for segment in interval.get_segments()]
    assert ends == [[[pytest.approx(0.3), 0], [pytest.approx(0.95), 0]], [[0, 1], [0.66, 1]]]
    assert points.get_color() == PHASE_COLOURS["failed"]
    assert not points.get_clip_on()
    assert row_names(ax) == ["a", "b"]
    assert texts(ax) == ["3 of 4", "0 of 2"]
    assert ax.get_xlim() == (0, 1)
    ax.figure.canvas.draw()
    ticks = [
        label.get_text() for label in ax.get_xticklabels() if -0.01 < label.get_position()[0] < 1.01
    ]
    assert ticks == ["0%", "20%", "40%", "60%", "80%", "100%"]


def test_where_none_finished_there_is_no_point(ax):
    plot_failure_rates(rates(("a", 1, 1, 1.0, 0.2, 1.0), ("b", 0, 0, None, None, None)), ax=ax)
    assert ax.containers[0][0].get_xydata().tolist() == [[1, 0]]
    assert texts(ax) == ["1 of 1", "none finished", "0 of 0"]


def test_rates_that_do_not_fit_are_summed_up():
    ax = plot_failure_rates(rates(*[(f"p{number}", 10, 1, 0.1, 0.0, 0.4) for number in range(100)]))
    assert len(row_names(ax)) == 39
    assert texts(ax)[-1] == "61 others: 61 of 610 failed"


def errors(*rows):
    return pd.DataFrame(rows, columns=["error", "jobs", "gpu_hours"])


def test_errors_have_their_text_above_a_bar_and_the_loss_after_it(ax):
    frame = errors(("out of memory", 5, 120.0), (None, 2, 0.0), ("KeyError: 'x'", 1, None))
    plot_error_groups(frame, ax=ax)
    assert spans(ax) == [(0, 5), (0, 2), (0, 1)]
    assert texts(ax) == [
        "out of memory", "(no message)", "KeyError: 'x'",
        "5 jobs · 120 GPU-hours", "2 jobs · 0 GPU-hours", "1 job",
    ]  # fmt: skip
    for text, bar in zip(ax.texts[:3], ax.patches, strict=True):
        assert text.get_position()[1] < bar.get_y()
        assert text.get_gid() == bar.get_gid()
    assert row_names(ax) == []


def test_the_category_follows_the_loss_where_it_is_known_and_has_room():
    frame = errors(("boom", 5, 120.0), ("hm", 2, 0.0), (None, 1, None))
    frame["category"] = ["hardware", "other", None]
    ax = plot_error_groups(frame, ax=new_axes(8, 4))
    assert texts(ax)[3:] == ["5 jobs · 120 GPU-hours · hardware", "2 jobs · 0 GPU-hours", "1 job"]
    narrow = plot_error_groups(frame, ax=new_axes(3.6, 3))
    assert texts(narrow)[3] == "5 jobs · 120 GPU-hours"


def test_a_long_error_is_cut_in_the_middle_and_kept_whole(ax):
    error = "first " + "x" * 280 + " last"
    plot_error_groups(errors((error, 1, 1.0)), ax=ax)
    shown = ax.texts[0].get_text()
    assert shown.startswith("first x")
    assert shown.endswith("x last")
    assert "…" in shown
    assert ax.texts[0].get_gid() == f"name:{error}"
    ax.figure.canvas.draw()
    assert ax.texts[0].get_window_extent().width < ax.bbox.width * 1.02


def test_errors_that_do_not_fit_are_summed_up():
    frame = errors(*[(f"error {number}", 100 - number, 1.0) for number in range(50)])
    ax = plot_error_groups(frame, ax=new_axes(8, 4))
    shown = len(ax.patches)
    assert 3 < shown < 12
    rest = frame.iloc[shown:]
    assert (
        texts(ax)[-1]
        == f"{50 - shown} others: {rest['jobs'].sum():,} jobs · {rest['gpu_hours'].sum():.1f} GPU-hours"
    )


def costs(*rows):
    columns = ["error", "jobs", "unpriced_jobs", "gpu_hours", "estimated_usd"]
    return pd.DataFrame(rows, columns=columns)


def test_costs_have_the_text_of_their_error_above_a_bar_and_the_loss_after_it(ax):
    frame = costs(
        ("out of memory", 5, 1, 120.0, 780.0), (None, 2, 0, 0.0, 0.0), ("boom", 1, 1, None, None)
    )
    plot_failure_costs(frame, ax=ax)
    assert spans(ax) == [(0, 780), (0, 0)]
    assert texts(ax) == [
        "out of memory", "(no message)", "boom",
        "780.00 + 1 unpriced · 5 jobs · 120 GPU-hours",
        "0 · 2 jobs · 0 GPU-hours",
        "not known: 1 unpriced · 1 job",
    ]  # fmt: skip
    assert [bar.get_gid() for bar in ax.patches] == ["name:out of memory", "name:(no message)"]
    assert ax.texts[0].get_gid() == ax.patches[0].get_gid()


def test_costs_of_errors_that_do_not_fit_are_summed_up():
    frame = costs(*[(f"error {number}", 2, 1, 1.0, 6.5) for number in range(50)])
    ax = plot_failure_costs(frame)
    assert texts(ax)[-1] == "11 others: 71.50 USD + 11 unpriced · 22 jobs · 11.0 GPU-hours"
    narrow = plot_failure_costs(frame, ax=new_axes(3.6, 3))
    hidden = 50 - len(narrow.patches)
    assert texts(narrow)[-1] == f"{hidden} others: {hidden * 6.5:.2f} USD + {hidden} unpriced"
    unknown = plot_failure_costs(frame.assign(estimated_usd=None))
    assert texts(unknown)[-1].startswith("11 others: not known: 11 unpriced")
