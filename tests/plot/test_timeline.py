from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.dates import num2date

from tests.analysis.evidence import phases
from tests.analysis.tables import at, job, table
from tests.plot.pictures import boxes, date, legend, new_axes, render, row_names, texts
from trainview.analysis import job_timeline
from trainview.plot import plot_job_timeline
from trainview.plot.timeline import BAR, FADE

JOBS = table(
    job(0, 2, project_name="llm", job_name="first"),
    job(1, 4, project_name="llm", job_name="second", status="failed"),
    job(3, 10, project_name="asr", job_name="third", status="running"),
    job(5, 10, project_name="asr", job_name="fourth", status="deploying"),
    job(6, 7, project_name="ocr", job_name="fifth", status="stopped"),
)


def bars(ax):
    """The bars of each phase by name, hours along x."""
    found = {}
    for collection in ax.collections:
        if (collection.get_gid() or "").startswith("name:"):
            corners = boxes(collection)
            corners[:, :2] = (corners[:, :2] - date(at(0))) * 24
            found[collection.get_gid().removeprefix("name:")] = np.round(corners, 6).tolist()
    return found


def test_bars_are_where_the_jobs_are_in_the_colour_of_their_phase(ax):
    plot_job_timeline(job_timeline(JOBS), ax=ax)
    drawn = bars(ax)
    assert list(drawn) == legend(ax) == ["starting", "running", "succeeded", "failed", "stopped"]
    ends = {
        phase: [(left, right) for left, right, _, _ in corners] for phase, corners in drawn.items()
    }
    assert ends == {
        "starting": [(5, 10)], "running": [(3, 10)], "succeeded": [(0, 2)],
        "failed": [(1, 4)], "stopped": [(6, 7)],
    }  # fmt: skip
    by_phase = {bars.get_gid(): bars for bars in ax.collections if bars.get_gid()}
    assert to_hex(by_phase["name:failed"].get_facecolor()[0]) == "#d55e00"
    assert to_hex(by_phase["name:running"].get_facecolor()[0]) == "#56b4e9"
    assert by_phase["name:starting"].get_hatch() == "////"
    assert by_phase["name:running"].get_hatch() is None


def test_lanes_are_rows_from_above_and_those_of_a_project_share_a_name(ax):
    plot_job_timeline(job_timeline(JOBS), ax=ax)
    assert row_names(ax) == ["llm", "asr", "ocr"]
    bottom, top = ax.get_ylim()
    assert (bottom, top) == (5, 0)
    assert ax.get_yticks().tolist() == [1, 3, 4.5]
    drawn = bars(ax)
    rows = [
        drawn[phase][0][2:] for phase in ("succeeded", "failed", "running", "starting", "stopped")
    ]
    margin = (1 - BAR) / 2
    assert rows == [
        [pytest.approx(lane + margin), pytest.approx(lane + 1 - margin)] for lane in range(5)
    ]
    separators = [
        lines
        for lines in ax.collections
        if not lines.get_gid() and len(lines.get_paths()[0].vertices) == 2
    ]
    assert [path.vertices[0][1] for path in separators[0].get_paths()] == [2, 4]


def test_open_jobs_fade_out_after_the_moment_of_the_data(ax):
    plot_job_timeline(job_timeline(JOBS), ax=ax)
    fading = [
        part
        for part in ax.collections
        if not part.get_gid() and len(part.get_paths()[0].vertices) == 5
    ]
    assert len(fading) == 2
    for part in fading:
        pieces = boxes(part)
        assert pieces[0, 0] == pytest.approx(date(at(10)))
        assert pieces[1:, 0] == pytest.approx(pieces[:-1, 1])
        assert pieces[-1, 1] == pytest.approx(date(at(10)) + FADE * 10 / 24)
        alphas = part.get_facecolor()[:, 3]
        assert alphas[0] < 1
        assert (np.diff(alphas) < 0).all()
        assert alphas[-1] > 0
    assert [line.get_xdata()[0] for line in ax.lines] == [pytest.approx(date(at(10)))]
    assert "as of 2025-01-01 10:00 UTC" in texts(ax)
    assert ax.get_xlim() == pytest.approx((date(at(0)), date(at(10)) + FADE * 10 / 24))


def test_without_open_jobs_nothing_fades(ax):
    plot_job_timeline(job_timeline(JOBS[~JOBS["is_open"]]), ax=ax)
    assert not ax.lines
    assert not any(text.startswith("as of") for text in texts(ax))
    assert ax.get_xlim() == pytest.approx((date(at(0)), date(at(7))))


def test_jobs_without_end_or_lane_are_counted(ax):
    odd = table(job(2, 1, project_name="llm"), job(3, 1, project_name="asr"), job(0, 1))
    plot_job_timeline(job_timeline(odd), ax=ax)
    assert len(bars(ax)["succeeded"]) == 1
    assert "2 jobs not drawn: inconsistent timestamps" in texts(ax)
    nothing = plot_job_timeline(job_timeline(odd.iloc[:2]), ax=new_axes())
    assert texts(nothing) == ["no data\n2 jobs not drawn: inconsistent timestamps"]


PHASED = table(
    *(
        job(0, 20, number=number, project_name=name, status=status)
        for number, (name, status) in enumerate(
            [
                ("known", "failed"),
                ("started", "completed"),
                ("released", "completed"),
                ("deploys", "deploying"),
                ("waits", "pending"),
                ("failed to deploy", "deploy-failed"),
                ("not known", "stopped"),
            ]
        )
    )
)
KNOWN = phases(
    ("j0", 4, 6, 20), ("j1", None, 7, 20), ("j2", 5, None, 20), ("j3", 8, None, 20),
    ("j4", 3, None, 20), ("j5", 8, None, 20),
)  # fmt: skip


def parts(ax):
    """From when to when the parts of each bar go, by project, as they are called."""
    names = dict(enumerate(row_names(ax)))
    return {
        (names[int(low)], *name.partition(": ")[::2]): (left, right)
        for name, corners in bars(ax).items()
        for left, right, low, _ in corners
    }


def test_bars_are_hollow_in_the_queue_light_while_they_deploy_and_full_from_their_run(ax):
    plot_job_timeline(job_timeline(PHASED, phases=KNOWN), ax=ax)
    assert parts(ax) == {
        ("known", "failed", "queue"): (0, 4),
        ("known", "failed", "deploy"): (4, 6),
        ("known", "failed", ""): (6, 20),
        ("started", "succeeded", "queue/deploy"): (0, 7),
        ("started", "succeeded", ""): (7, 20),
        ("released", "succeeded", "queue"): (0, 5),
        ("released", "succeeded", ""): (5, 20),
        ("deploys", "starting", "queue"): (0, 8),
        ("deploys", "starting", "deploy"): (8, 20),
        ("waits", "waiting", ""): (0, 20),
        ("failed to deploy", "failed", "queue"): (0, 8),
        ("failed to deploy", "failed", "deploy"): (8, 20),
        ("not known", "stopped", ""): (0, 20),
    }
    by_name = {part.get_gid(): part for part in ax.collections if part.get_gid()}
    assert by_name["name:failed: queue"].get_facecolor().size == 0
    assert to_hex(by_name["name:failed: queue"].get_edgecolor()[0]) == "#d55e00"
    light = by_name["name:failed: deploy"].get_facecolor()[0]
    assert to_hex(light) == "#d55e00"
    assert light[3] < 0.5
    assert by_name["name:succeeded: queue/deploy"].get_hatch()
    named = ["queue", "queue/deploy", "deploy", "run or unknown"]
    assert legend(ax)[-4:] == named


def test_jobs_that_are_selected_are_outlined_from_submission_to_end(ax):
    drawn = job_timeline(PHASED, phases=KNOWN)
    chosen = drawn["project_name"].isin(["released", "waits"])
    plot_job_timeline(drawn.assign(is_selected=chosen.where(chosen)), ax=ax)
    whole = [(left, right) for left, right, _, _ in bars(ax)["selected"]]
    assert whole == [(0, 20), (0, 20)]
    assert legend(ax)[-1] == "selected"
    [outline] = [part for part in ax.collections if part.get_gid() == "name:selected"]
    assert outline.get_facecolor().size == 0
    nobody = plot_job_timeline(drawn.assign(is_selected=False), ax=new_axes())
    assert "selected" not in legend(nobody)


def test_where_every_start_is_known_what_is_full_ran(ax):
    plot_job_timeline(job_timeline(PHASED.iloc[:1], phases=KNOWN), ax=ax)
    assert legend(ax) == ["failed", "queue", "deploy", "run"]


def test_without_phases_bars_are_full(ax):
    nothing = plot_job_timeline(job_timeline(PHASED, phases=KNOWN.head(0)), ax=new_axes())
    plot_job_timeline(job_timeline(PHASED), ax=ax)
    assert bars(ax) == bars(nothing)
    assert (
        legend(ax) == legend(nothing) == ["waiting", "starting", "succeeded", "failed", "stopped"]
    )


def test_times_that_contradict_a_bar_count_as_not_known(ax):
    odd = phases(("j0", 6, 4, 20), ("j1", 21, 22, 30), ("j2", -2, -1, 20))
    timeline = job_timeline(PHASED, phases=odd)
    times = timeline.set_index("job_id")[["released_at", "started_at"]]
    assert times.loc[["j1", "j2"]].isna().all(axis=None)
    plot_job_timeline(timeline, ax=ax)
    assert parts(ax)["known", "failed", "queue/deploy"] == (0, 4)
    assert [name for name in parts(ax) if name[0] in {"started", "released"} and name[2]] == []


def test_lanes_that_mix_projects_are_numbered(ax):
    plot_job_timeline(job_timeline(JOBS, by=None), ax=ax)
    assert ax.get_ylabel() == "Lane"
    assert row_names(ax) == ["0", "1", "2"]


def test_rows_that_are_filtered_away_take_no_room(ax):
    timeline = job_timeline(JOBS)
    plot_job_timeline(timeline[timeline["project_name"] != "asr"], ax=ax)
    assert row_names(ax) == ["llm", "ocr"]
    assert ax.get_ylim() == (3, 0)


def test_the_time_zone_is_that_of_the_table(ax):
    timeline = job_timeline(JOBS)
    for name in ("start", "end"):
        timeline[name] = timeline[name].dt.tz_convert("Asia/Kolkata")
    plot_job_timeline(timeline, ax=ax)
    assert ax.get_xlabel() == "Time (Asia/Kolkata)"
    assert "as of 2025-01-01 15:30 Asia/Kolkata" in texts(ax)
    assert bars(ax)["succeeded"][0][:2] == [0, 2]


def test_names_of_jobs_are_drawn_where_they_fit():
    jobs = table(
        job(0, 100, job_name="long"), job(100, 101, job_name="x" * 100), job(101, 103, job_name="a")
    )
    ax = plot_job_timeline(job_timeline(jobs))
    render(ax)
    named = [text for text in ax.texts if (text.get_gid() or "").startswith("name:")]
    assert [text.get_gid() for text in named] == ["name:long", "name:a", "name:" + "x" * 100]
    drawn = []
    for text in named:
        text.set_path_effects([Seen(drawn, text.get_text())])
    ax.figure.canvas.draw()
    assert drawn == ["long", "a"]


class Seen:
    """Notes that a text was really drawn."""

    def __init__(self, seen, name):
        self.seen, self.name = seen, name

    def draw_path(self, *_args):
        if self.name not in self.seen:
            self.seen.append(self.name)


def test_a_phase_that_is_not_known_is_drawn_as_unknown(ax):
    timeline = job_timeline(JOBS).assign(phase="dreaming")
    plot_job_timeline(timeline, ax=ax)
    assert legend(ax) == ["unknown"]


def many(projects, jobs):
    return table(
        *(
            job(number, number + 3, project_name=f"project {number % projects}", number=number)
            for number in range(jobs)
        )
    )


def test_few_lanes_of_many_projects_are_stretched_until_their_names_fit():
    wide = table(
        *(job(number / 100, 9, project_name="wide", number=number) for number in range(60)),
        job(1, 2, project_name="a"),
        job(2, 3, project_name="b"),
    )
    ax = plot_job_timeline(job_timeline(wide), ax=new_axes(8, 5))
    assert row_names(ax) == ["wide", "a", "b"]
    labels = np.diff(ax.transData.transform([(0, tick) for tick in ax.get_yticks()])[:, 1])
    assert (np.abs(labels) >= 0.17 * ax.figure.dpi).all()


def test_names_that_do_not_fit_are_counted():
    ax = plot_job_timeline(job_timeline(many(200, 400)), ax=new_axes(8, 4))
    named = len(row_names(ax))
    assert 10 < named < 30
    assert f"{named} of 200 projects named" in texts(ax)
    assert sum(len(boxes(part)) for part in ax.collections if part.get_gid()) == 400
    render(ax)
    labels = sorted(
        (label.get_window_extent() for label in ax.get_yticklabels()), key=lambda box: box.y0
    )
    overlaps = [low.y1 - high.y0 for low, high in pairwise(labels)]
    assert max(overlaps) < 3


def test_new_figures_grow_with_the_lanes():
    heights = [
        plot_job_timeline(job_timeline(many(projects, 400))).figure.get_figheight()
        for projects in (1, 20, 100, 200)
    ]
    assert heights == sorted(heights)
    assert heights[0] < 4
    assert heights[-1] < 40


def test_many_bars_are_dots_in_vector_files_and_few_are_shapes():
    few = plot_job_timeline(job_timeline(many(5, 100)), ax=new_axes())
    lots = plot_job_timeline(job_timeline(many(5, 2500)), ax=new_axes())
    assert not any(part.get_rasterized() for part in few.collections)
    assert all(part.get_rasterized() for part in lots.collections if part.get_gid())


@pytest.mark.parametrize(
    ("first", "last"), [("0001-01-01", "0001-01-02"), ("9999-12-30", "9999-12-31 23:00")]
)
def test_times_at_the_ends_of_the_calendar_are_drawn(ax, first, last):
    plot_job_timeline(job_timeline(table(job(first, last, status="running"))), ax=ax)
    render(ax)


def test_a_job_of_no_duration_is_drawn(ax):
    plot_job_timeline(job_timeline(table(job(1, 1))), ax=ax)
    render(ax)
    low, high = ax.get_xlim()
    assert num2date(low) < pd.Timestamp("2025-01-01 01:00", tz="UTC") < num2date(high)
