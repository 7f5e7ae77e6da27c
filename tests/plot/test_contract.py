"""What every plot is held to."""

import inspect
import subprocess
import sys
from functools import cache

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests.analysis.tables import KINDS, convert, table
from tests.plot.pictures import (
    PLOTS,
    draw,
    everything,
    legend,
    many,
    new_axes,
    render,
    row_names,
    texts,
)
from tests.properties import tries_all
from trainview import analysis, plot
from trainview.errors import ArgumentError

HOSTILE = [
    "日本語の非常に長いプロジェクト名日本語の非常に長いプロジェクト名",
    "🚀🚀 launch",
    "مشروع تدريب طويل جدا",
    "עברית-run",
    "$x^2_i$",
    r"$\frac{1}{0}$",
    "$",
    r"\textbf{tex} 100%_#",
    "_hidden",
    "a" * 500,
    "nul\x00escape\x1b[31m",
    "line\nbreak\ttab",
    "x\u202ebidi\u2066",
    "Z" + "\u0301" * 80,
    "<script>&'\"--]]>",
    "not xml \uffff\ufffe",
    "name:DejaVuSans-30",
    "हिन्दी ไทย 한국어 𝕏𓀀",
    "   ",
    "",
]
NAMES = ["llm", "asr", "ocr"]
# What it gives is a jobs table. The picture of two comparisons is that of what puts snapshots side
# by side.
WITHOUT_A_PLOT = {"clip_jobs", "refine_jobs", "compare_causes", "compare_jobs"}


@pytest.fixture(params=PLOTS)
def one(request):
    return PLOTS[request.param]


def attention(jobs, names):
    """Give needs_attention's result as many reasons as there are names."""
    flagged = jobs.groupby("project_name", observed=True, sort=False).head(1).reset_index(drop=True)
    return flagged.assign(reason=names[: len(flagged)], team_name=None, detail="look")


def result_of(one, names):
    return _result_of(one.draw.__name__, tuple(names)).copy()


@cache
def _result_of(plot_name, names):
    one, jobs = PLOTS[plot_name], many(names)
    if one.helper is analysis.needs_attention:
        return attention(jobs, names)
    if one.helper is analysis.error_groups:
        return one.result(jobs).assign(error=lambda errors: errors["example"])
    return one.result(jobs)


def test_there_is_one_for_each_helper():
    helpers = {name for name in vars(analysis) if inspect.isfunction(getattr(analysis, name))}
    assert {name.removeprefix("plot_") for name in PLOTS} == helpers - WITHOUT_A_PLOT | {"compare"}
    assert set(PLOTS) == {name for name in vars(plot) if name.startswith("plot_")}


def test_axes_that_are_given_are_used_and_returned(one):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert one.draw(result_of(one, NAMES), ax=right) is right
    assert right.has_data()
    assert not left.has_data()
    assert figure.axes == [left, right]
    assert plt.get_fignums() == []


def test_axes_are_made_with_pyplot_otherwise(one):
    ax = one.draw(result_of(one, NAMES))
    assert isinstance(ax, Axes)
    assert plt.get_fignums() == [ax.figure.number]
    assert ax.figure.axes == [ax]
    again = one.draw(result_of(one, NAMES))
    assert again is not ax
    assert len(plt.get_fignums()) == 2


def test_axes_are_the_only_keyword(one):
    parameters = list(inspect.signature(one.draw).parameters.values())
    assert parameters[-1].name == "ax"
    assert parameters[-1].default is None
    assert all(part.kind is part.KEYWORD_ONLY for part in parameters[1:])


def test_nothing_is_shown_saved_or_set(one, monkeypatch):
    def fail(*_args, **_kwargs):
        pytest.fail("a plot only draws")

    for owner, name in [(plt, "show"), (Figure, "show"), (Figure, "savefig"), (plt, "savefig")]:
        monkeypatch.setattr(owner, name, fail)
    before = dict(mpl.rcParams)
    one.draw(result_of(one, NAMES))
    one.draw(result_of(one, NAMES), ax=new_axes())
    assert dict(mpl.rcParams) == before


def test_the_input_stays_as_it_is(one):
    result = result_of(one, NAMES).sample(frac=1, random_state=0)
    before = result.copy(deep=True)
    one.draw(result, ax=new_axes())
    pd.testing.assert_frame_equal(result, before)


def test_labels_state_what_is_measured_and_its_unit(one):
    for result in (result_of(one, NAMES), result_of(one, NAMES).iloc[:1]):
        ax = one.draw(result, ax=new_axes())
        # Of a single period nobody knows how long it is.
        y = ax.get_ylabel().replace("per period\n", "per day\n")
        assert (ax.get_xlabel(), y) == (one.x, one.y)
        draw(ax)


def test_without_rows_there_are_axes_that_say_so(one):
    ax = one.draw(one.result(table()), ax=new_axes())
    assert ax.get_xlabel() == one.x
    assert texts(ax) == ["no data"]
    assert not ax.patches
    assert not ax.lines
    assert not ax.collections
    assert ax.get_legend() is None
    assert list(ax.get_xticks()) == list(ax.get_yticks()) == []
    render(ax)
    assert one.draw(one.result(table())).get_xlabel() == one.x


def test_columns_that_are_missing_are_named(one):
    result = result_of(one, NAMES)
    for name in one.needed:
        with pytest.raises(ArgumentError, match=f"no column '{name}'.*{one.helper.__name__}"):
            one.draw(result.drop(columns=name), ax=new_axes())
    with pytest.raises(ArgumentError, match="expected a table, got list: pass what"):
        one.draw([1, 2], ax=new_axes())
    ax = one.draw(result[[*one.needed, *one.by.values()]], ax=new_axes())
    assert ax.has_data()


@cache
def everything_of(plot_name):
    one = PLOTS[plot_name]
    return everything(one.draw(one.result(many(NAMES)), ax=new_axes()))


@pytest.mark.parametrize("kind", KINDS[1:])
def test_every_kind_of_table_gives_the_same_picture(one, kind):
    ax = one.draw(one.result(convert(many(NAMES), kind)), ax=new_axes())
    assert everything(ax) == everything_of(one.draw.__name__)


def test_hostile_names_are_inert_and_drawn_without_a_warning(one):
    ax = one.draw(result_of(one, HOSTILE), ax=new_axes(8, 14))
    render(ax)
    shown = [*row_names(ax), *texts(ax), *(legend(ax) if ax.get_legend() else [])]
    assert not any("\n" in text or "\x1b" in text or "\u202e" in text for text in shown)
    assert all(len(text) < 200 for text in shown)
    artists = [*ax.get_yticklabels(), *ax.texts]
    named = [text for text in artists if (text.get_gid() or "").startswith("name:")]
    assert all(not text.get_parse_math() and not text.get_usetex() for text in named)


def test_hostile_names_do_not_break_new_axes(one):
    draw(one.draw(result_of(one, HOSTILE)))


def test_names_with_dollars_stay_what_they_are(one):
    ax = one.draw(result_of(one, ["$a$"]), ax=new_axes())
    shown = [text.get_text() for text in ax.findobj(Text)]
    assert any("$a$" in text for text in shown)
    render(ax)


def test_200_groups_are_drawn_or_counted(one):
    names = [f"{a}{b}-{'x' * 30}" for a in "abcdefghijklmnopqrst" for b in "abcdefghij"]
    for given in (None, new_axes()) if tries_all() else (None,):
        ax = one.draw(result_of(one, names), ax=given)
        draw(ax)
        said = [*texts(ax), *(legend(ax) if ax.get_legend() else [])]
        assert len(row_names(ax)) <= 200
        assert len(row_names(ax)) == 200 or any(
            "other" in text or " of 200" in text for text in said
        )


def test_the_texts_take_the_colours_of_the_caller(one):
    red = {
        "text.color": "red",
        "axes.labelcolor": "red",
        "xtick.color": "red",
        "ytick.color": "red",
    }
    with mpl.rc_context(red):
        ax = one.draw(result_of(one, NAMES), ax=new_axes())
        draw(ax)
    outside = [
        ax.xaxis.label,
        ax.yaxis.label,
        *ax.get_yticklabels(),
        *ax.get_xticklabels(),
        *(ax.get_legend().get_texts() if ax.get_legend() else []),
        *(text for text in ax.texts if text.get_in_layout()),
    ]
    assert {to_rgba(text.get_color()) for text in outside} == {to_rgba("red")}
    assert ax.title.get_text() == ""


def test_report_figures_never_load_pyplot():
    program = """
import sys
from functools import cache
import pandas as pd
from matplotlib.figure import Figure
import trainview as tv

usage = pd.DataFrame({"gpu_type": ["H100"], "gpu_hours": [1.0], "share": [1.0]})
tv.plot_gpu_usage(usage, ax=Figure().subplots())
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
