"""How fast the Gantt chart of many jobs is, next to a loop that draws one bar a job.

Run it as a program: ``python -m tests.benchmarks.bench_plots [jobs]``. Both draw the same 20,000
jobs with Agg, in figures of the same size; the loop draws no legend, names or separators. The chart
should be at least 20 times as fast, and take less than 2 s.
"""

import sys
import time
from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tests.benchmarks.bench_helpers import make_jobs
from trainview.analysis import job_timeline
from trainview.plot import plot_job_timeline
from trainview.statuses import PHASE_COLOURS

RATIO = 20.0
SECONDS = 2.0


def loop(timeline: pd.DataFrame, *, ax: Axes) -> Axes:
    for job in timeline.itertuples():
        ax.barh(job.lane, job.end - job.start, left=job.start, color=PHASE_COLOURS[job.phase])
    ax.invert_yaxis()
    return ax


def seconds(draw: Callable[..., Axes], timeline: pd.DataFrame) -> float:
    begin = time.perf_counter()
    figure = Figure(figsize=(10, 20), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    draw(timeline, ax=figure.subplots())
    canvas.draw()
    return time.perf_counter() - begin


def main() -> int:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    timeline = job_timeline(make_jobs(rows))
    timeline = timeline[timeline["lane"].notna()]
    seconds(plot_job_timeline, timeline.head(100))  # fonts are read once
    ours = min(seconds(plot_job_timeline, timeline) for _ in range(3))
    theirs = seconds(loop, timeline)
    print(f"{len(timeline):,} jobs in {timeline['lane'].nunique():,} lanes, seconds with drawing\n")
    print(f"{'plot_job_timeline':24}{ours:10.2f}")
    print(f"{'loop over barh':24}{theirs:10.2f}")
    print(f"\nratio {theirs / ours:.0f}, at least {RATIO:.0f}; at most {SECONDS:.0f} s")
    return int(theirs / ours < RATIO or ours > SECONDS)


if __name__ == "__main__":
    sys.exit(main())
