import pandas as pd
from matplotlib.colors import to_hex

from tests.plot.pictures import legend, new_axes, row_names, spans, texts
from trainview.plot import plot_needs_attention

ROWS = pd.DataFrame(
    [
        ("deploying long", "deploying", 4, "llm"),
        ("running long", "running", 8, "llm"),
        ("running long", "running", 16, "asr"),
        ("failing repeatedly", "failed", 8, "ocr"),
        ("failing repeatedly", "deploy-failed", 8, "asr"),
        ("waiting long", "pending", 32, "llm"),
    ],
    columns=["reason", "status", "gpus", "project_name"],
)


def test_reasons_keep_their_order_and_are_stacked_by_status(ax):
    plot_needs_attention(ROWS, ax=ax)
    assert row_names(ax) == ["deploying long", "running long", "failing repeatedly", "waiting long"]
    assert legend(ax) == ["pending", "deploying", "running", "failed", "deploy-failed"]
    assert spans(ax) == [(0, 1), (0, 1), (0, 2), (0, 1), (1, 2)]
    assert [round(bar.get_y() + bar.get_height() / 2) for bar in ax.patches] == [3, 0, 1, 2, 2]
    assert to_hex(ax.patches[0].get_facecolor()) == "#ece133"


def test_only_jobs_that_hold_gpus_now_count_as_holding(ax):
    plot_needs_attention(ROWS, ax=ax)
    assert texts(ax) == [
        "1 job, holding 4 GPUs: llm",
        "2 jobs, holding 24 GPUs: llm and 1 more",
        "2 jobs: ocr and 1 more",
        "1 job: llm",
    ]


def test_narrow_axes_name_no_projects_and_have_the_legend_above():
    ax = plot_needs_attention(ROWS, ax=new_axes(4, 4))
    assert texts(ax)[0] == "1 job, holding 4 GPUs"
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().y0 >= ax.bbox.y1 - 5


def test_what_does_not_fit_beside_a_bar_is_said_in_fewer_words():
    widths = (9, 5.4, 4, 2, 0.9)
    assert [texts(plot_needs_attention(ROWS, ax=new_axes(width)))[1] for width in widths] == [
        "2 jobs, holding 24 GPUs: llm and 1 more",
        "2 jobs, holding 24 GPUs",
        "2 jobs, holding 24 GPUs",
        "2 jobs",
        "2",
    ]
