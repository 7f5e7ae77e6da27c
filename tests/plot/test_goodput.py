import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tests.plot.pictures import legend, new_axes, row_names, spans, texts
from trainview.plot import plot_goodput, plot_lost_work

LOST = pd.DataFrame(
    [
        ("llm", "failed", 16.0),
        ("llm", "failed", None),
        ("llm", "stopped", 40.0),
        ("asr", "preempted", 20.0),
        ("asr", "failed", 1.0),
        ("ocr", "failed", None),
        ("cpu", "failed", 0.0),
    ],
    columns=["project_name", "kind", "lost_gpu_hours"],
)
GOODPUT = pd.DataFrame(
    {
        "project_name": ["llm", "asr", "ocr", "cpu"],
        "unknown_jobs": [1, 0, 2, 0],
        "running_gpu_hours": [60.0, 20.0, None, 0.0],
        "lost_gpu_hours": [6.0, 1.0, None, 0.0],
        "deploying_gpu_hours": [4.0, 5.0, None, 0.0],
        "idle_gpu_hours": [10.0, 0.0, None, 0.0],
        "unknown_gpu_hours": [16.0, 0.0, 8.0, 0.0],
        "goodput": [0.75, 0.76, None, None],
    }
)


def bars(ax):
    return {
        bar.get_gid().removeprefix("name:"): span
        for bar, span in zip(ax.patches, spans(ax), strict=True)
    }


def test_what_was_lost_is_stacked_by_kind_and_the_largest_loss_comes_first(ax):
    plot_lost_work(LOST, ax=ax)
    # What stopped jobs had not saved does not make a project come first.
    assert row_names(ax) == ["asr", "llm", "ocr", "cpu"]
    assert bars(ax) == {
        "llm: failed": (0, 16),
        "llm: stopped": (16, 56),
        "asr: failed": (0, 1),
        "asr: preempted": (1, 21),
    }
    assert texts(ax) == ["21.0", "16.0 · stopped 40.0 · 1 job not known", "not known of 1 job", "0"]
    assert legend(ax) == ["failed (17.0)", "preempted (20.0)", "stopped (40.0)"]


def test_what_stopped_jobs_had_not_saved_is_hollow(ax):
    plot_lost_work(LOST, ax=ax)
    alphas = {bar.get_gid(): bar.get_facecolor()[3] for bar in ax.patches}
    assert alphas["name:llm: stopped"] == 0
    assert alphas["name:llm: failed"] == alphas["name:asr: preempted"] == 1


def test_without_checkpoints_no_loss_is_claimed(ax):
    plot_lost_work(LOST.assign(lost_gpu_hours=np.nan), ax=ax)
    assert not ax.patches
    assert ax.get_legend() is None
    assert all(text.startswith("not known of ") for text in texts(ax))


def test_goodput_is_text_behind_what_became_of_the_gpu_hours(ax):
    plot_goodput(GOODPUT, ax=ax)
    assert bars(ax) == {
        "llm: productive, at most": (0, 44),
        "llm: lost": (44, 50),
        "llm: idle": (50, 60),
        "llm: deploying": (60, 64),
        "llm: not known": (64, 80),
        "asr: productive, at most": (0, 19),
        "asr: lost": (19, 20),
        "asr: deploying": (20, 25),
        "ocr: not known": (0, 8),
    }
    assert texts(ax) == [
        "≤ 75.0% · 1 job not known", "≤ 76.0%", "not known · 2 jobs not known", "no GPU-hours",
    ]  # fmt: skip
    assert "upper bound" in ax.get_xlabel()
    looks = {bar.get_gid(): to_hex(bar.get_facecolor()) for bar in ax.patches}
    assert looks["name:llm: lost"] == "#d55e00"


def test_what_is_lost_and_idle_beyond_the_run_is_not_drawn_below_nothing(ax):
    odd = GOODPUT.assign(lost_gpu_hours=70.0)
    plot_goodput(odd, ax=ax)
    assert all(right >= left for left, right in spans(ax))


@pytest.mark.parametrize("draw", [plot_lost_work, plot_goodput])
def test_narrow_axes_keep_the_figures(draw):
    table = {plot_lost_work: LOST, plot_goodput: GOODPUT}[draw]
    ax = draw(table, ax=new_axes(3, 2.5))
    assert any(text.startswith(("21.0", "≤ 75.0%")) for text in texts(ax))
