import pandas as pd
import pytest

from tests.plot.pictures import legend, new_axes, render, row_names, texts
from trainview.plot import plot_compare


def changes(*rows, **more):
    names = ["project_name", "change", "gpu_hours_difference", "estimated_usd_difference"]
    return pd.DataFrame(rows, columns=names).assign(**more)


SOME = changes(
    ("a", "worse", 5.0, -200.0),
    ("b", "appeared", 8.0, 1500.0),
    ("c", "noise", 0.0, 0.0),
    ("d", None, 3.0, None),
    ("e", "stopped", -1.0, -0.5),
)


def test_what_costs_most_more_is_on_top_and_what_is_not_known_below(ax):
    plot_compare(SOME, ax=ax)
    render(ax)
    assert row_names(ax) == ["b", "c", "e", "a", "d"]
    assert texts(ax) == [
        "+1,500 · appeared",
        "0",
        "-0.50 · stopped",
        "-200.00 · fails more",
        "not known",
    ]
    assert ax.get_xlabel() == "Difference in USD (estimate)"
    assert legend(ax) == ["more", "less"]
    more, less = ax.containers
    assert [bar.get_width() for bar in more] == [1500, 0]
    assert [bar.get_width() for bar in less] == [-0.5, -200]
    assert more[0].get_facecolor() != less[0].get_facecolor()


def test_without_money_it_is_gpu_hours():
    ax = plot_compare(SOME.assign(estimated_usd_difference=float("nan")), ax=new_axes())
    assert ax.get_xlabel() == "Difference in GPU-hours"
    assert row_names(ax) == ["b", "a", "d", "c", "e"]
    assert texts(ax)[:2] == ["+8.0 · appeared", "+5.0 · fails more"]


def test_the_rows_that_differ_most_are_shown_and_the_others_summed_up():
    many = changes(*((f"p{n}", None, 1.0, n * (-1) ** n) for n in range(100)))
    ax = plot_compare(many, ax=new_axes(8, 2))
    names = row_names(ax)
    assert names[0] == "p98"
    assert names[-1] == "p99"
    hidden = [row for row in many.itertuples() if row.project_name not in names]
    assert max(abs(row.estimated_usd_difference) for row in hidden) < 100 - len(names)
    total = sum(row.estimated_usd_difference for row in hidden)
    assert texts(ax)[-1] == f"{len(hidden)} others: {total:+.2f}"


@pytest.mark.parametrize("width", [3.0, 5.0, 8.0])
def test_labels_have_room_on_both_sides(width):
    ax = plot_compare(SOME, ax=new_axes(width, 3))
    render(ax)
    box = ax.get_window_extent()
    for text in ax.texts:
        extent = text.get_window_extent()
        assert extent.x0 > box.x0 - 2
        assert extent.x1 < box.x1 + 2


def test_failure_causes_are_named_by_their_message():
    causes = SOME.rename(columns={"project_name": "error"}).assign(
        category="x", origin="code", is_symptom=False, share_before=0.1, share_after=0.1,
        last_seen=pd.NaT, advice="y", example="z", job_id="j1", jobs_before=3,
    )  # fmt: skip
    ax = plot_compare(causes, ax=new_axes())
    assert row_names(ax) == ["b", "c", "e", "a", "d"]


def test_key_figures_are_in_percent_and_keep_their_order():
    figures = pd.DataFrame(
        {
            "figure": ["jobs", "failure rate", "USD estimated", "USD billed", "jobs failed"],
            "unit": ["jobs", "share", "USD", "USD", "jobs"],
            "before": [40.0, 0.2, 1000.0, None, 0.0],
            "after": [60.0, 0.1, 1000.0, 5.0, 2.0],
            "difference": [20.0, -0.1, 0.0, None, 2.0],
            "ratio": [1.5, 0.5, 1.0, None, None],
            "change": ["more", "better", "same", None, "more"],
        }
    )
    ax = plot_compare(figures, ax=new_axes())
    render(ax)
    assert row_names(ax) == figures["figure"].to_list()
    assert texts(ax) == [
        "+50.0%: 40 → 60",
        "-50.0%: 20.0% → 10.0%",
        "0%: 1,000 → 1,000",
        "not known → 5.0",
        "0 → 2",
    ]
    assert ax.get_xlabel() == "Difference in percent"
    empty = plot_compare(figures.head(0), ax=new_axes())
    assert texts(empty) == ["no data"]
