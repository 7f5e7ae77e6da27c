import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tests.plot.pictures import legend, new_axes, row_names, spans, texts
from trainview.plot import plot_status_counts
from trainview.plot.colours import DARK, LIGHT, ink, status_looks
from trainview.statuses import PHASE_COLOURS, PHASES, STATUS_HATCHES, STATUSES, status_of

PHASE = {status.label: status.phase for status in STATUSES}


def counts(*rows, **keys):
    frame = pd.DataFrame(rows, columns=["status", "jobs"])
    frame["phase"] = [PHASE.get(status, "unknown") for status in frame["status"]]
    return frame.assign(share=0.0, **keys)[[*keys, "status", "phase", "jobs", "share"]]


def faces(artists):
    return [to_hex(artist.get_facecolor()).upper() for artist in artists]


def test_every_phase_has_a_colour_and_every_status_a_hatch():
    assert list(PHASE_COLOURS) == list(PHASES)
    assert PHASE_COLOURS["starting"] == PHASE_COLOURS["running"]
    assert list(STATUS_HATCHES) == [status.label for status in STATUSES]
    looks = {(PHASE_COLOURS[PHASE[label]], hatch) for label, hatch in STATUS_HATCHES.items()}
    assert len(looks) == len(STATUSES)


def test_bars_are_stacked_in_lifecycle_order(ax):
    frame = counts(
        ("failed", 3), ("completed", 5), ("pending", 1), ("deploy-failed", 2), ("running", 4)
    )
    plot_status_counts(frame, ax=ax)
    assert spans(ax) == [(0, 1), (1, 5), (5, 10), (10, 13), (13, 15)]
    assert {bar.get_y() + bar.get_height() / 2 for bar in ax.patches} == {0}
    assert faces(ax.patches) == ["#ECE133", "#56B4E9", "#0173B2", "#D55E00", "#D55E00"]
    assert [bar.get_hatch() for bar in ax.patches] == [None, None, None, None, "////"]
    assert legend(ax) == [
        "pending (1)",
        "running (4)",
        "completed (5)",
        "failed (3)",
        "deploy-failed (2)",
    ]
    assert faces(ax.get_legend().legend_handles) == faces(ax.patches)
    assert row_names(ax) == ["all jobs"]
    assert texts(ax) == ["1", "4", "5", "3", "2", "15"]
    assert ax.get_xlim()[0] == 0
    assert ax.get_xlim()[1] > 15


def test_groups_are_rows_from_above_and_empty_bars_are_left_out(ax):
    frame = counts(
        ("completed", 7), ("failed", 1), ("failed", 2), ("running", 3),
        team_name=["vision", "vision", None, "ml"],
    )  # fmt: skip
    plot_status_counts(frame, ax=ax)
    assert row_names(ax) == ["vision", "(no team)", "ml"]
    bottom, top = ax.get_ylim()
    assert bottom > top
    assert [(container.get_label(), len(container)) for container in ax.containers] == [
        ("_container0", 1), ("_container1", 1), ("_container2", 2),
    ]  # fmt: skip
    assert spans(ax) == [(0, 3), (0, 7), (7, 8), (0, 2)]
    assert [round(bar.get_y() + bar.get_height() / 2) for bar in ax.patches] == [2, 0, 0, 1]
    assert legend(ax) == ["running", "completed", "failed"]
    assert texts(ax)[-3:] == ["8", "2", "3"]
    assert [bar.get_gid() for bar in ax.patches][:2] == [
        "name:ml: running",
        "name:vision: completed",
    ]


def test_two_keys_name_a_row_together(ax):
    frame = counts(("failed", 1), ("failed", 2), team_name=["a", "a"], priority=[1, 2])
    plot_status_counts(frame, ax=ax)
    assert row_names(ax) == ["a · priority 1", "a · priority 2"]


def test_statuses_that_are_not_known_come_last_in_black_and_apart(ax):
    frame = counts(("moved", 1), ("completed", 2), ("evicted", 3))
    plot_status_counts(frame, ax=ax)
    assert legend(ax) == ["completed (2)", "evicted (3)", "moved (1)"]
    assert faces(ax.patches) == ["#0173B2", "#000000", "#000000"]
    assert [bar.get_hatch() for bar in ax.patches] == [None, None, "////"]
    assert [bar.get_linewidth() > 0 for bar in ax.patches] == [False, True, True]
    assert to_hex(ax.patches[1].get_edgecolor()) == LIGHT.lower()


def test_numbers_in_bars_can_be_read():
    assert [ink(colour) for colour in PHASE_COLOURS.values()] == [
        DARK, DARK, DARK, LIGHT, DARK, DARK, LIGHT,
    ]  # fmt: skip


def test_what_does_not_fit_is_summed_up():
    frame = counts(
        *[("failed", 100 - number) for number in range(60)],
        team_name=[f"t{number}" for number in range(60)],
    )
    ax = plot_status_counts(frame)
    assert row_names(ax) == [f"t{number}" for number in range(39)]
    assert texts(ax)[-1] == f"21 others: {sum(range(41, 62)):,} jobs"
    assert ax.figure.get_size_inches()[1] > 12
    small = plot_status_counts(frame, ax=new_axes(6, 3))
    shown = len(row_names(small))
    assert 5 < shown < 15
    assert texts(small)[-1].startswith(f"{60 - shown} others: ")
    tall = plot_status_counts(frame, ax=new_axes(8, 40))
    assert len(row_names(tall)) == 60


def test_40_rows_are_all_shown():
    frame = counts(*[("failed", 1)] * 40, team_name=[f"t{number}" for number in range(40)])
    assert len(row_names(plot_status_counts(frame))) == 40


def test_a_bar_is_no_wall():
    ax = plot_status_counts(counts(("failed", 1)), ax=new_axes(8, 8))
    bottom, top = ax.get_ylim()
    assert ax.patches[0].get_height() / (bottom - top) < 0.1


@pytest.mark.parametrize("api", ["TRAINING_JOB_QUEUED", "TRAINING_JOB_EVICTED"])
def test_a_status_of_the_api_has_a_look(api):
    status = status_of(api)
    look = status_looks([(status.label, status.phase)])[status.label]
    assert look.colour == PHASE_COLOURS[status.phase]
    assert look.outlined
