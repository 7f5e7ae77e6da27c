import numpy as np
import pandas as pd
import pytest

from tests.plot.pictures import legend, new_axes, row_names, texts
from trainview.plot import plot_time_to_failure

TIMES = pd.DataFrame(
    {
        "gpus": ["1", "2-8", "9-16", "17-32"],
        "running_hours": [40.0, 300.0, 6.0, 0.0],
        "failures": [1, 3, 0, 0],
        "mttf_hours": [40.0, 100.0, None, None],
        "mttf_low_hours": [7.2, 34.2, 1.63, None],
        "mttf_high_hours": [1580.0, 485.0, None, None],
    }
)


def test_points_lie_at_the_mttf_with_their_interval(ax):
    plot_time_to_failure(TIMES, ax=ax)
    assert ax.get_xscale() == "log"
    assert row_names(ax) == ["1 GPU", "2-8 GPUs", "9-16 GPUs", "17-32 GPUs"]
    (container,) = ax.containers
    points, _, (intervals,) = container.lines
    assert points.get_xydata().tolist() == [[40, 0], [100, 1]]
    ends = [path.vertices[:, 0].tolist() for path in intervals.get_paths()]
    assert np.allclose(ends, [[7.2, 1580], [34.2, 485]])
    assert [text for text in texts(ax) if text] == [
        "1 failure in 40.0 h", "3 failures in 300 h", "0 failures in 6.0 h", "0 failures in 0 h",
        "nothing ran",
    ]  # fmt: skip


def test_without_a_failure_an_arrow_begins_at_the_lower_bound(ax):
    plot_time_to_failure(TIMES, ax=ax)
    (bound,) = (line for line in ax.lines if line.get_gid() == "mttf_low")
    assert bound.get_xydata().tolist() == [[1.63, 2]]
    (arrow,) = (text for text in ax.texts if text.get_gid() == "name:9-16 GPUs")
    assert arrow.xy[0] > arrow.get_position()[0] == 1.63
    assert arrow.xy[0] < ax.get_xlim()[1]
    assert legend(ax) == ["MTTF, with 95% interval", "no failure: at least so long"]


@pytest.mark.parametrize("rows", [slice(0, 2), slice(2, 3), slice(3, 4)])
def test_the_legend_explains_only_what_is_there(ax, rows):
    plot_time_to_failure(TIMES[rows], ax=ax)
    shown = legend(ax) if ax.get_legend() else []
    wanted = {0: ["MTTF, with 95% interval"], 2: ["no failure: at least so long"], 3: []}
    assert shown == wanted[rows.start]


def test_other_groups_and_missing_sizes_have_their_names(ax):
    odd = TIMES.assign(gpus=["1", None, "9-16", "17-32"], gpu_type=["H100", "H100", None, "L4"])
    plot_time_to_failure(odd[["gpu_type", *TIMES]], ax=ax)
    assert row_names(ax)[:2] == ["H100 · 1 GPU", "H100 · (no GPUs)"]


def test_narrow_axes_keep_the_counts():
    ax = plot_time_to_failure(TIMES, ax=new_axes(3, 2.5))
    assert "3 in 300 h" in texts(ax)
