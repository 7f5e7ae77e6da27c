import pandas as pd
import pytest

from trainview.plot import plot_spot_usage


@pytest.mark.parametrize(
    ("high", "labels"),
    [(0.38, ["0%", "10%", "20%", "30%"]), (0.01, ["0%", "1%", "2%", "3%", "4%", "5%"])],
)
def test_rates_at_the_axis_are_whole_where_that_tells_them_apart(ax, high, labels):
    spot = pd.DataFrame(
        {
            "availability_model": ["spot"], "gpu_hours": [9.0], "ended": [68], "preempted": [18],
            "preemption_rate": [high / 2], "low": [0.0], "high": [high], "lost_gpu_hours": [1.0],
        }
    )  # fmt: skip
    plot_spot_usage(spot, ax=ax)
    ax.figure.draw_without_rendering()
    shown = [label.get_text() for label in ax.get_xticklabels()]
    low, most = ax.get_xlim()
    inside = [text for text, at in zip(shown, ax.get_xticks(), strict=True) if low <= at <= most]
    assert inside == labels
