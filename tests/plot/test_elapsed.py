from itertools import pairwise

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tests.plot.pictures import legend, new_axes, row_names, spans, texts
from trainview.plot import plot_elapsed_stats


def stats(*rows, key="status"):
    return pd.DataFrame(rows, columns=[key, "jobs", "mean", "p50", "p90", "p99", "max"])


def marks(ax):
    return {line.get_gid(): line.get_xdata().tolist() for line in ax.lines if line.get_gid()}


def test_bars_go_from_p50_to_p90_and_marks_are_where_the_numbers_are(ax):
    frame = stats(
        ("completed", 300, 5.0, 2.0, 12.0, 40.0, 50.0), ("failed", 1, 0.5, 0.5, 0.5, 0.5, 0.5)
    )
    plot_elapsed_stats(frame, ax=ax)
    assert row_names(ax) == ["completed", "failed"]
    assert spans(ax) == [(2, 12), (0.5, 0.5)]
    assert [to_hex(bar.get_facecolor()) for bar in ax.patches] == ["#0173b2", "#d55e00"]
    assert marks(ax) == {
        "p50": [2.0, 0.5],
        "mean": [5.0, 0.5],
        "p99": [40.0, 0.5],
        "max": [50.0, 0.5],
    }
    tails = [list(line.get_xdata()) for line in ax.lines if not line.get_gid()]
    assert tails == [[12, 50], [0.5, 0.5]]
    assert texts(ax) == ["300 jobs", "1 job"]
    assert legend(ax) == ["median, bar up to p90", "mean", "p99", "longest"]
    assert ax.get_xscale() == "log"


def test_ticks_are_durations_that_people_read(ax):
    plot_elapsed_stats(stats(("a", 2, 40.0, 1 / 60, 24.0, 100.0, 300.0), key="team_name"), ax=ax)
    ax.figure.canvas.draw()
    shown = [label.get_text() for label in ax.get_xticklabels()]
    assert shown == ["1 min", "10 min", "1 h", "6 h", "1 day", "1 week"]
    assert ax.get_xticks().tolist() == pytest.approx([1 / 60, 10 / 60, 1, 6, 24, 168])


def test_less_than_a_second_is_drawn_at_a_second(ax):
    plot_elapsed_stats(stats(("created", 2, 0.0, 0.0, 0.0001, 0.5, 1.0)), ax=ax)
    assert marks(ax)["p50"] == [1 / 3600]
    assert spans(ax) == [(1 / 3600, 1 / 3600)]
    assert ax.get_xlim()[0] > 0


def test_no_known_time_is_said_and_not_drawn(ax):
    plot_elapsed_stats(stats(("a", 3, 2.0, 1.0, 2.0, 3.0, 4.0), ("b", 0, *[None] * 5)), ax=ax)
    assert spans(ax) == [(1, 2)]
    assert texts(ax) == ["3 jobs", "0 jobs", "no elapsed time known"]
    alone = plot_elapsed_stats(stats(("b", 0, *[None] * 5)), ax=new_axes())
    assert not alone.patches
    alone.figure.canvas.draw()


@pytest.mark.parametrize("width", [3, 5, 10])
def test_ticks_do_not_run_into_each_other(width):
    ax = plot_elapsed_stats(
        stats(("a", 9, 9.0, 1 / 3600, 90.0, 900.0, 90000.0)), ax=new_axes(width, 2)
    )
    ax.figure.canvas.draw()
    labels = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(labels))
