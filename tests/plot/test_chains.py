import numpy as np

from tests.analysis.evidence import checkpoints, phases
from tests.analysis.tables import job, table
from tests.plot.pictures import boxes, legend, new_axes, row_names, texts
from trainview.analysis import run_chains
from trainview.plot import plot_run_chains

JOBS = table(
    job(0, 5, number=0, job_name="sft-1", status="failed"),
    job(6, 9, number=1, job_name="sft-2", status="preempted"),
    job(10, 20, number=2, job_name="sft-3"),
    job(100, 101, number=3, job_name=None, project_name="asr", status="failed"),
    job(50, 52, number=4, job_name="dpo", project_name="asr", status="failed"),
    job(52, 53, number=5, job_name="dpo-2", project_name="asr", status="running"),
)
PHASES = phases(("j0", 0, 1, 5), ("j1", 6, 7, 9), ("j2", 10, 11, 20))
CHAINS = run_chains(JOBS, phases=PHASES, checkpoints=checkpoints(("j0", 4), ("j1", 9)))


def bars(ax):
    """The bars of each status: left, right and row."""
    return {
        part.get_gid().removeprefix("name:"): [
            (round(left, 6), round(right, 6), round((low + high) / 2))
            for left, right, low, high in boxes(part)
        ]
        for part in ax.collections
        if part.get_gid()
    }


def test_attempts_lie_behind_each_other_from_the_first_submission_on(ax):
    plot_run_chains(CHAINS, ax=ax)
    assert row_names(ax) == ["llm · sft-1", "asr · dpo"]
    assert bars(ax) == {
        "running": [(2, 3, 1)],
        "completed": [(10, 20, 0)],
        "failed": [(0, 5, 0), (0, 2, 1)],
        "preempted": [(6, 9, 0)],
    }
    assert legend(ax) == ["running", "completed", "failed", "preempted"]
    assert texts(ax) == [
        "3 attempts · ETTR 70.0%", "2 attempts", "1 job without another attempt",
    ]  # fmt: skip


def test_a_line_holds_the_attempts_of_a_chain_together(ax):
    plot_run_chains(CHAINS, ax=ax)
    (line,) = (part for part in ax.collections if not part.get_gid())
    ends = [path.vertices[:, 0].tolist() for path in line.get_paths()]
    assert np.allclose(ends, [[0, 20], [0, 3]])


def test_jobs_that_continue_nothing_are_counted(ax):
    plot_run_chains(CHAINS[CHAINS["attempts"] == 1], ax=ax)
    assert texts(ax) == ["no data\n1 job without another attempt"]


def test_attempts_whose_times_are_not_known_are_not_drawn(ax):
    odd = CHAINS.assign(ended_at=CHAINS["ended_at"].mask(CHAINS["chain_id"] == "j4"))
    plot_run_chains(odd, ax=ax)
    assert "times not known" in texts(ax)
    assert {row for rows in bars(ax).values() for _, _, row in rows} == {0}


def test_chains_that_have_no_room_are_counted():
    rows = [
        job(start, start + 1, number=2 * n + start, job_name=f"r{n}x-{start}", status="failed")
        for n in range(60)
        for start in (0, 1)
    ]
    jobs = table(*(row | {"job_id": f"k{place}"} for place, row in enumerate(rows)))
    ax = plot_run_chains(run_chains(jobs), ax=new_axes(8, 3))
    hidden = 60 - len(row_names(ax))
    assert f"{hidden} others: {2 * hidden} attempts" in texts(ax)
