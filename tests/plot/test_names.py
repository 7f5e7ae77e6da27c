import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.textpath import text_to_path

from tests.plot.pictures import new_axes, render, row_names
from trainview.errors import ArgumentError
from trainview.plot import names as names_module
from trainview.plot import plot_gpu_usage
from trainview.plot.names import LAST_RESORT, columns, drawable, extent, fit, inches, name_id, short
from trainview.plot.results import moments, numbers, read_result


def usage(*names):
    return pd.DataFrame({"team": list(names), "gpu_hours": 1.0, "share": 1 / len(names)})


def test_long_names_are_cut_in_the_middle_and_kept_whole(ax):
    name = "start-" + "x" * 300 + "-end"
    plot_gpu_usage(usage(name), ax=ax)
    (label,) = ax.get_yticklabels()
    assert label.get_text().startswith("start-")
    assert label.get_text().endswith("-end")
    assert label.get_gid() == f"name:{name}"
    render(ax)
    assert label.get_window_extent().width < 0.5 * ax.figure.bbox.width


@pytest.mark.parametrize(
    "name", ["a" * 100, "日本語" * 30, "W" * 80, "i" * 200, "🚀" * 50, "مشروع" * 20]
)
@pytest.mark.parametrize("most", [1.3, 2.0, 3.5])
def test_a_name_takes_no_more_room_than_there_is(name, most):
    shown = fit(name, most)
    assert inches(shown) <= most
    assert inches(short(name, columns(shown) + 4)) > most * 0.8


def test_a_name_that_is_wider_when_it_is_cut_has_an_end():
    name = "ii\u0300i\u0300\u0301ii\u0301\u0301"
    assert inches(short(name, 9)) > 0.3 > inches(name)
    assert fit(name, 0.3) == short(name, 9)


def test_what_fits_is_not_cut():
    assert fit("llama-3-70b", 2) == "llama-3-70b"


def test_wide_letters_count_as_two():
    assert columns("abc") == 3
    assert columns("日本") == 4
    assert columns(short("日本語" * 10, 11)) <= 11
    assert short("日本", 4) == "日本"


def test_marks_do_not_pile_up():
    assert short("Z" + "\u0301" * 50 + "o", 20) == "Z" + "\u0301" * 3 + "o"


def test_ids_can_stand_in_xml():
    assert name_id("a\x00\ud800\uffff\u202e<") == "name:a\\x00\\ud800\\uffff\\u202e<"


def test_ascii_needs_no_other_font():
    assert drawable("llm") == ("llm", mpl.rcParams["font.family"])


def test_a_letter_that_the_font_lacks_comes_from_one_that_has_it():
    with mpl.rc_context({"font.family": ["cmtt10"]}):
        text, families = drawable("ж…")
    assert text == "ж…"
    assert families == ["cmtt10", "DejaVu Sans"]


@pytest.mark.skipif(
    LAST_RESORT not in fontManager.get_font_names(), reason="it comes with Matplotlib 3.11"
)
def test_a_letter_that_no_font_has_is_a_box_of_its_script(monkeypatch):
    monkeypatch.setattr(names_module, "FALLBACKS", ())
    text, families = drawable("日本-asr")
    assert text == "日本-asr"
    assert families[-1] == LAST_RESORT


def test_without_the_font_of_boxes_it_is_a_plain_box(monkeypatch):
    monkeypatch.setattr(names_module, "FALLBACKS", ())
    monkeypatch.setattr(names_module, "LAST_RESORT", "not installed")
    text, families = drawable("日本-asr")
    assert text == "□□-asr"
    assert families == mpl.rcParams["font.family"]
    ax = plot_gpu_usage(usage("日本", "🚀"), ax=new_axes())
    render(ax)
    assert row_names(ax) == ["□□", "□"]


def test_lines_run_from_the_left_whatever_they_begin_with():
    assert drawable("مشروع · H100")[0] == "\u200eمشروع · H100"
    assert drawable("é · H100")[0] == "é · H100"


def test_tex_is_not_run_on_names(ax):
    with mpl.rc_context({"text.usetex": True}):
        plot_gpu_usage(usage(r"\input{x}"), ax=ax)
    assert not any(label.get_usetex() for label in [*ax.get_yticklabels(), *ax.texts])


def test_groups_that_have_no_name_can_be_told_apart(ax):
    plot_gpu_usage(usage(None, "", "  "), ax=ax)
    assert row_names(ax) == ["(no team)", '""', '"  "']


@pytest.mark.parametrize(
    ("key", "name"), [("gpu_type", "(no GPU type)"), ("team_name", "(no team)"), ("user_email", "(no user email)")]
)  # fmt: skip
def test_a_null_group_says_what_it_lacks(ax, key, name):
    plot_gpu_usage(usage(None).rename(columns={"team": key}), ax=ax)
    assert row_names(ax) == [name]


def test_a_group_that_is_a_number_says_of_what(ax):
    frame = usage("x", "y").assign(team=pd.array([3, None], "Int64"))
    plot_gpu_usage(frame.rename(columns={"team": "gpu"}), ax=ax)
    assert row_names(ax) == ["GPU 3", "(no GPU)"]
    floats = plot_gpu_usage(usage(*"ab").assign(team=[2.0, 0.5]), ax=new_axes())
    assert row_names(floats) == ["team 2", "team 0.5"]


def test_a_subfigure_has_room_as_well():
    figure = Figure(figsize=(12, 4), layout="constrained")
    left, _ = figure.subfigures(1, 2)
    ax = plot_gpu_usage(usage("a", "b"), ax=left.subplots())
    render(ax)
    assert row_names(ax) == ["a", "b"]


def test_numbers_that_are_none_are_refused_by_name():
    frame = pd.DataFrame({"jobs": ["many"], "gpu_hours": [1.0]})
    with pytest.raises(ArgumentError, match=r"column 'jobs' holds .*, not numbers"):
        numbers(frame, "jobs")
    with pytest.raises(ArgumentError, match="column 'gpu_hours' holds float64, not times"):
        moments(frame, "gpu_hours")


def test_null_and_infinite_numbers_are_not_drawn():
    frame = pd.DataFrame({"jobs": pd.array([1, None], "Int64"), "hours": [float("inf"), 2.0]})
    assert pd.isna(numbers(frame, "jobs")).tolist() == [False, True]
    assert pd.isna(numbers(frame, "hours")).tolist() == [True, False]


def test_times_without_a_zone_are_in_utc():
    frame = pd.DataFrame({"start": pd.to_datetime(["1970-01-02", None])})
    dates, zone = moments(frame, "start")
    assert dates[0] == 1
    assert pd.isna(dates[1])
    assert str(zone) == "UTC"


def test_keys_are_the_columns_that_the_helper_does_not_document():
    frame = pd.DataFrame({"b": [1], "a": [2], "jobs": [3], "share": [1.0]})
    table, keys = read_result(frame, "status_counts", ("jobs",), ("share",))
    assert keys == ["b", "a"]
    assert list(table) == ["b", "a", "jobs"]


@pytest.mark.parametrize("text", ["llama-3-70b-…-pretrain", "1,234.5 USD (≤ 26%) · \N{MINUS SIGN}8", "AVAToW", "日本語"])  # fmt: skip
def test_a_text_is_as_wide_as_it_is_drawn_or_a_little_less_tight(text):
    shown, families = drawable(text)
    font = FontProperties(family=families, size=12)
    drawn, _, _ = text_to_path.get_text_width_height_descent(shown, font, ismath=False)
    width, height, depth = extent(shown, font, ismath=False)
    assert drawn - 1.5 <= width <= 1.12 * drawn + 1.5
    assert height > depth > 0
