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
from tests.plot import stand_ins
from tests.properties import tries_all
from trainview import analysis, plot


def new_axes(width: float = 8.0, height: float = 6.0) -> Axes:
    return Figure(figsize=(width, height), layout="constrained").subplots()


def date(moment: Any) -> float:
    """A moment as Matplotlib's dates count it."""
    return at(moment).timestamp() / 86400


def draw(ax: Axes) -> None:
    """Lay out all of a figure and draw it as dots."""
    FigureCanvasAgg(ax.get_figure(root=True)).draw()


def render(ax: Axes) -> None:
    """Draw all of a figure, as dots and as SVG with its letters as text, and in CI as shapes too."""
    draw(ax)
    figure = ax.get_figure(root=True)
    # laid out by now, which takes most of the time
    figure.set_layout_engine("none")
    for fonttype in ("path", "none") if tries_all() else ("none",):
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
        [np.ma.filled(image.get_array(), -1).tolist() for image in ax.images],
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
        Plot(plot.plot_gpu_usage, analysis.gpu_usage, PROJECT, ("gpu_hours", "share"), "GPU-hours"),
        Plot(plot.plot_gpu_hours_over_time, analysis.gpu_hours_over_time, PROJECT, ("period", "gpu_hours", "mean_gpus"), "Time (UTC)", "GPU-hours per day"),
        Plot(plot.plot_gpu_concurrency, analysis.gpu_concurrency, PROJECT, ("start", "end", "gpus"), "Time (UTC)", "GPUs held"),
        Plot(plot.plot_job_timeline, analysis.job_timeline, {}, GANTT, "Time (UTC)"),
        Plot(plot.plot_elapsed_stats, analysis.elapsed_stats, PROJECT, ("jobs", "mean", "p50", "p90", "p99", "max"), "Elapsed time (s, min, h, days; logarithmic)"),
        Plot(plot.plot_failure_rates, analysis.failure_rates, PROJECT, ("finished", "failed", "failure_rate", "low", "high"), "Failure rate (%), with 95% interval"),
        Plot(plot.plot_error_groups, analysis.error_groups, {}, ("error", "jobs", "gpu_hours"), "Failed jobs"),
        Plot(plot.plot_needs_attention, analysis.needs_attention, {}, ("project_name", "status", "gpus", "reason"), "Jobs that need attention"),
        Plot(plot.plot_compare, stand_ins.compare, PROJECT, ("change", "gpu_hours_difference", "estimated_usd_difference"), "Difference in USD (estimate)"),
        Plot(plot.plot_estimate_cost, stand_ins.estimate_cost, PROJECT, ("unpriced_jobs", "untimed_jobs", "estimated_usd", "share"), "Cost in USD (estimate)"),
        Plot(plot.plot_cost_over_time, stand_ins.cost_over_time, PROJECT, ("period", "estimated_usd", "billed_usd"), "Time (UTC)", "Cost in USD per day\n(estimate)"),
        Plot(plot.plot_reconcile_cost, stand_ins.reconcile_cost, PROJECT, ("estimated_usd", "billed_usd", "difference_usd", "overhead_usd", "price_usd"), "Cost in USD; difference: estimate less bill"),
        Plot(plot.plot_failure_costs, stand_ins.failure_costs, {}, ("error", "jobs", "unpriced_jobs", "gpu_hours", "estimated_usd"), "Cost of failed jobs in USD (estimate)"),
        Plot(plot.plot_utilization, stand_ins.utilization, PROJECT, ("covered_gpu_hours", "held_gpu_hours", "missing_share", "mean_utilization", "p50_utilization", "p95_utilization", "mean_memory_share"), "GPU utilisation (%)"),
        Plot(plot.plot_utilization_over_time, stand_ins.utilization_over_time, PROJECT, ("period", "mean_utilization", "samples"), "Time (UTC)"),
        Plot(plot.plot_idle_gpus, stand_ins.idle_gpus, PROJECT, ("covered_gpu_hours", "idle_gpu_hours", "longest_idle_hours", "idle_usd"), "GPU-hours that samples cover"),
        Plot(plot.plot_queue_waits, stand_ins.queue_waits, PROJECT, ("jobs", "waiting", "p90", "p50", "p99", "longest_wait"), "Time in the queue (s, min, h, days; logarithmic)"),
        Plot(plot.plot_queue_wait_curve, stand_ins.queue_wait_curve, PROJECT, ("waited_hours", "share_waiting", "low", "high", "at_risk"), "Time in the queue (s, min, h, days; logarithmic)", "Jobs still waiting (%),\nwith 95% interval"),
        Plot(plot.plot_quota, stand_ins.quota, PROJECT, ("limit", "peak_gpus", "mean_gpus", "at_limit_share", "at_limit_share_with_extra"), "Dedicated GPUs held"),
        Plot(plot.plot_right_size, stand_ins.right_size, PROJECT, ("job_name", "gpu_type", "gpus", "advised_gpu_type", "advised_gpus", "saving_usd", "saving_low_usd"), "Saving in USD on the run so far (estimate)"),
        Plot(plot.plot_spend_pace, stand_ins.spend_pace, PROJECT, ("month_to_date_usd", "projected_usd", "projected_low_usd", "projected_high_usd", "budget_usd"), "Cost of the month in USD (extrapolated)"),
        Plot(plot.plot_job_phases, analysis.job_phases, {}, ("project_name", "gpus", "submitted_at", "ended_at", "queued_hours", "deploying_hours", "running_hours"), "GPU-hours held, and asked for while waiting"),
        Plot(plot.plot_lost_work, stand_ins.lost_work, {}, ("project_name", "kind", "lost_gpu_hours"), "GPU-hours since the last checkpoint"),
        Plot(plot.plot_goodput, stand_ins.goodput, PROJECT, ("unknown_jobs", "running_gpu_hours", "lost_gpu_hours", "idle_gpu_hours", "deploying_gpu_hours", "unknown_gpu_hours", "goodput"), "GPU-hours; goodput (%, an upper bound)"),
        Plot(plot.plot_run_chains, stand_ins.run_chains, {}, ("job_name", "project_name", "chain_id", "status", "submitted_at", "ended_at", "attempts", "ettr"), "Hours since the first submission (which jobs belong together: a heuristic)"),
        Plot(plot.plot_time_to_failure, stand_ins.time_to_failure, PROJECT, ("running_hours", "failures", "mttf_hours", "mttf_low_hours", "mttf_high_hours"), "Running time per failure (MTTF) (s, min, h, days; logarithmic)"),
        Plot(plot.plot_spot_usage, stand_ins.spot_usage, PROJECT, ("gpu_hours", "ended", "preempted", "preemption_rate", "low", "high", "lost_gpu_hours"), "Preemption rate (%), with 95% interval"),
        Plot(plot.plot_cache_usage, stand_ins.cache_usage, PROJECT, ("files", "size_bytes", "utilization"), "Size of caches (GiB)"),
        Plot(plot.plot_checkpoint_usage, stand_ins.checkpoint_usage, PROJECT, ("checkpoints", "size_bytes", "syncing_ended_bytes"), "Size of checkpoints (TiB)"),
    )
}  # fmt: skip
