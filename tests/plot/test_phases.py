import numpy as np
import pytest
from matplotlib.colors import to_hex

from tests.analysis.evidence import events, queue
from tests.analysis.tables import job, table
from tests.plot.pictures import legend, new_axes, row_names, spans, texts
from trainview.analysis import job_phases
from trainview.plot import plot_job_phases

JOBS = table(
    job(0, 10, number=0, project_name="llm", gpus=8),
    job(0, 4, number=1, project_name="llm", gpus=1),
    job(0, 6, number=2, project_name="asr", gpus=32),
    job(0, 9, number=3, project_name="cpu", gpus=0),
    job(5, 1, number=4, project_name="asr", gpus=32),
)
PHASES = job_phases(
    JOBS,
    queue=queue(j0=2.0, j1=1.0),
    status_events=events(("j0", "running", 3), ("j1", "running", 1), ("j3", "running", 2)),
)


def bars(ax):
    """The bars by project and phase, from the left."""
    return {
        bar.get_gid().removeprefix("name:"): tuple(np.round(span, 6).tolist())
        for bar, span in zip(ax.patches, spans(ax), strict=True)
    }


def test_gpu_hours_of_each_phase_are_stacked_and_what_is_not_known_is_shown(ax):
    plot_job_phases(PHASES, ax=ax)
    assert row_names(ax) == ["asr", "llm", "cpu"]
    assert bars(ax) == {
        "llm: waiting": (0, 17),
        "llm: deploying": (17, 25),
        "llm: running": (25, 84),
        "asr: not known": (0, 192),
    }
    assert legend(ax) == [
        "waiting (17.0)", "deploying (8.0)", "running (59.0)", "not known (192)",
    ]  # fmt: skip
    assert texts(ax) == ["192 · 0% running · 1 job not known", "84.0 · 70.2% running", "no GPUs"]


def test_phases_look_like_their_statuses(ax):
    plot_job_phases(PHASES, ax=ax)
    looks = {bar.get_gid(): (to_hex(bar.get_facecolor()), bar.get_hatch()) for bar in ax.patches}
    assert looks["name:llm: waiting"] == ("#ece133", None)
    assert looks["name:llm: deploying"] == ("#56b4e9", "////")
    assert looks["name:llm: running"] == ("#56b4e9", None)


def test_the_sum_of_the_bars_is_the_life_of_the_jobs(ax):
    plot_job_phases(PHASES, ax=ax)
    drawn = sum(right - left for left, right in spans(ax))
    life = (JOBS["gpus"] * JOBS["elapsed_hours"].fillna(0)).sum()
    assert drawn == pytest.approx(life)


def test_projects_that_have_no_room_are_summed_up():
    jobs = table(*(job(0, 1, number=n, project_name=f"p{n}", gpus=1) for n in range(100)))
    ax = plot_job_phases(job_phases(jobs), ax=new_axes(8, 3))
    shown = len(row_names(ax))
    assert f"{100 - shown} others: {100 - shown}.0 GPU-hours" in texts(ax)
