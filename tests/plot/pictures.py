"""What tests see in a picture, and tables to draw."""

import io
from collections.abc import Callable
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tests.analysis.tables import at, job, table
from trainview import analysis, plot


def new_axes(width: float = 8.0, height: float = 6.0) -> Axes:
    return Figure(figsize=(width, height), layout="constrained").subplots()


def date(moment: Any) -> float:
    """A moment as Matplotlib's dates count it."""
    return at(moment).timestamp() / 86400


def render(ax: Axes) -> None:
    """Draw all of a figure, as dots and as SVG with its letters as shapes and as text."""
    figure = ax.get_figure(root=True)
    FigureCanvasAgg(figure).draw()
    for fonttype in ("path", "none"):
        with mpl.rc_context({"svg.fonttype": fonttype}):
            buffer = io.BytesIO()
            figure.savefig(buffer, format="svg")
        ET.fromstring(buffer.getvalue())  # noqa: S314 - we wrote it


def row_names(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def legend(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def spans(ax: Axes) -> list[tuple[float, float]]:
    """Left and right ends of the bars that are patches."""
    return [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]


def boxes(collection: Any) -> np.ndarray:
    """Left, right, low and high of the bars of a collection, one row a bar."""
    corners = np.array([path.vertices[:4] for path in collection.get_paths()])
    return np.stack(
        [corners[:, 0, 0], corners[:, 1, 0], corners[:, 0, 1], corners[:, 2, 1]], axis=1
    )


def everything(ax: Axes) -> list[Any]:
    """All that is drawn, to compare two pictures."""
    return [
        [np.round(bar.get_extents().bounds, 6).tolist() for bar in ax.patches],
        [np.round(line.get_xydata().astype(float), 9).tolist() for line in ax.lines],
        [np.round(boxes(bars), 9).tolist() for bars in ax.collections if len(bars.get_paths()) and len(bars.get_paths()[0].vertices) == 5],
        row_names(ax),
        [text for text in texts(ax) if not text.startswith("as of")],
        legend(ax) if ax.get_legend() else None,
    ]  # fmt: skip


def many(names: list[str]) -> pd.DataFrame:
    """Jobs of some groups: each has one that failed, one that completed and one that runs."""
    rows = []
    for number, name in enumerate(names):
        same: dict[str, Any] = {
            "project_name": name, "project_id": f"p{number}", "gpu_type": name,
            "job_name": name, "user_email": name,
        }  # fmt: skip
        rows += [
            job(number, number + 2, error_message=name, status="failed", **same),
            job(number + 1, number + 30, **same),
            job(number + 3, 400, status="running", gpus=4, **same),
        ]
    return table(*rows)


class Plot(NamedTuple):
    """A plot, and how to get what it draws."""

    draw: Callable[..., Axes]
    helper: Callable[..., Any]
    by: dict[str, Any]
    needed: tuple[str, ...]
    x: str
    y: str = ""

    def result(self, jobs: Any) -> Any:
        return self.helper(jobs, **self.by)


GANTT = ("job_name", "project_name", "phase", "start", "end", "is_open", "lane")
PROJECT = {"by": "project_name"}
PLOTS = {
    made.draw.__name__: made
    for made in (
        Plot(plot.plot_status_counts, analysis.status_counts, PROJECT, ("status", "phase", "jobs"), "Jobs"),
        Plot(plot.plot_gpu_usage, analysis.gpu_usage, PROJECT, ("gpu_hours", "share"), "GPU-hours (upper bound)"),
        Plot(plot.plot_gpu_hours_over_time, analysis.gpu_hours_over_time, PROJECT, ("period", "gpu_hours", "mean_gpus"), "Time (UTC)", "GPU-hours per day (upper bound)"),
        Plot(plot.plot_gpu_concurrency, analysis.gpu_concurrency, PROJECT, ("start", "end", "gpus"), "Time (UTC)", "GPUs held (upper bound)"),
        Plot(plot.plot_job_timeline, analysis.job_timeline, {}, GANTT, "Time (UTC)"),
        Plot(plot.plot_elapsed_stats, analysis.elapsed_stats, PROJECT, ("jobs", "mean", "p50", "p90", "p99", "max"), "Elapsed time (s, min, h, days; logarithmic)"),
        Plot(plot.plot_failure_rates, analysis.failure_rates, PROJECT, ("finished", "failed", "failure_rate", "low", "high"), "Failure rate (%), with 95 % interval"),
        Plot(plot.plot_error_groups, analysis.error_groups, {}, ("error", "jobs", "gpu_hours"), "Failed jobs"),
        Plot(plot.plot_needs_attention, analysis.needs_attention, {}, ("project_name", "status", "gpus", "reason"), "Jobs that need attention"),
    )
}  # fmt: skip
