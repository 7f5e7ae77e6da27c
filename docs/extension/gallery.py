"""The gallery: each plot with the call that made its picture from the sample data."""

import ast
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import trainview as tv

ROOT = Path(__file__).parents[2]
# By the question that a plot answers; what is shown is what is run.
CALLS = {
    "What needs attention, and what changed?": {
        "plot_needs_attention": (
            "tv.needs_attention(snap.jobs, snap.projects, metrics=snap.metrics).pipe(\n"
            "    tv.plot_needs_attention\n"
            ")"
        ),
        "plot_status_counts": (
            'tv.status_counts(snap.jobs, by="team_name").pipe(tv.plot_status_counts)'
        ),
        "plot_compare": 'tv.plot_compare(tv.compare(snap, since="30d", by="team_name"))',
    },
    "Where do the GPUs go?": {
        "plot_gpu_usage": 'tv.gpu_usage(snap.jobs, by="team_name").pipe(tv.plot_gpu_usage)',
        "plot_gpu_hours_over_time": (
            'tv.gpu_hours_over_time(snap.jobs, freq="W").pipe(tv.plot_gpu_hours_over_time)'
        ),
        "plot_gpu_concurrency": "tv.gpu_concurrency(snap.jobs).pipe(tv.plot_gpu_concurrency)",
        "plot_quota": "tv.quota(snap.jobs, snap.capacity).pipe(tv.plot_quota)",
    },
    "How busy are they?": {
        "plot_utilization": (
            'tv.utilization(snap.metrics, snap.jobs, by="team_name").pipe(tv.plot_utilization)'
        ),
        "plot_utilization_over_time": (
            'week = snap.clip("7d")\n'
            'largest = week.jobs.nlargest(2, "gpu_hours")\n'
            "tv.utilization_over_time(week.metrics, jobs=largest).pipe(\n"
            "    tv.plot_utilization_over_time\n"
            ")"
        ),
        "plot_idle_gpus": (
            'tv.idle_gpus(snap.metrics, snap.jobs, snap.prices, by="team_name").pipe(\n'
            "    tv.plot_idle_gpus\n"
            ")"
        ),
        "plot_right_size": (
            "tv.right_size(\n"
            "    snap.jobs, snap.metrics, snap.prices, max_memory_share=0.9, max_utilization=0.6\n"
            ").pipe(tv.plot_right_size)"
        ),
    },
    "What does it cost?": {
        "plot_estimate_cost": (
            'tv.estimate_cost(snap.jobs, snap.prices, by="team_name").pipe(tv.plot_estimate_cost)'
        ),
        "plot_reconcile_cost": (
            'tv.reconcile_cost(snap.jobs, snap.prices, snap.billing, by="reason").pipe(\n'
            "    tv.plot_reconcile_cost\n"
            ")"
        ),
        "plot_cost_over_time": (
            'tv.cost_over_time(snap.jobs, snap.prices, snap.billing, freq="W").pipe(\n'
            "    tv.plot_cost_over_time\n"
            ")"
        ),
        "plot_failure_costs": (
            "tv.failure_costs(snap.jobs, snap.prices).head(12).pipe(tv.plot_failure_costs)"
        ),
        "plot_spend_pace": (
            'tv.spend_pace(snap.billing, by="team_name", as_of=snap.as_of).pipe(tv.plot_spend_pace)'
        ),
    },
    "Why do jobs fail, and what is lost?": {
        "plot_failure_rates": (
            'tv.failure_rates(snap.jobs, by="team_name").pipe(tv.plot_failure_rates)'
        ),
        "plot_error_groups": "tv.error_groups(snap.jobs).head(12).pipe(tv.plot_error_groups)",
        "plot_time_to_failure": (
            "tv.time_to_failure(snap.jobs, phases).pipe(tv.plot_time_to_failure)"
        ),
        "plot_lost_work": (
            'jobs = snap.select(teams="research").jobs\n'
            "tv.lost_work(jobs, phases, snap.checkpoints).pipe(tv.plot_lost_work)"
        ),
        "plot_goodput": (
            'tv.goodput(snap.jobs, phases, snap.checkpoints, by="team_name").pipe(tv.plot_goodput)'
        ),
        "plot_run_chains": (
            'jobs = snap.select(teams="research").jobs\n'
            "tv.run_chains(jobs, phases=phases, checkpoints=snap.checkpoints).pipe(\n"
            "    tv.plot_run_chains\n"
            ")"
        ),
        "plot_checkpoint_usage": (
            'tv.checkpoint_usage(snap.checkpoints, snap.jobs, by="team_name").pipe(\n'
            "    tv.plot_checkpoint_usage\n"
            ")"
        ),
        "plot_cache_usage": (
            "tv.cache_usage(\n"
            '    snap.caches, snap.projects, "team_name", metrics=snap.metrics, jobs=snap.jobs\n'
            ").pipe(tv.plot_cache_usage)"
        ),
    },
    "How long do jobs wait and take?": {
        "plot_queue_waits": "tv.queue_waits(snap.queue).pipe(tv.plot_queue_waits)",
        "plot_queue_wait_curve": ("tv.queue_wait_curve(snap.queue).pipe(tv.plot_queue_wait_curve)"),
        "plot_spot_usage": (
            "tv.spot_usage(snap.jobs, phases, snap.checkpoints, snap.queue).pipe(\n"
            "    tv.plot_spot_usage\n"
            ")"
        ),
        "plot_elapsed_stats": "tv.elapsed_stats(snap.jobs).pipe(tv.plot_elapsed_stats)",
        "plot_job_phases": ('tv.plot_job_phases(snap.select(teams="research").job_phases())'),
        "plot_job_timeline": (
            'week = snap.clip("7d")\n'
            "tv.job_timeline(week.jobs, phases=week.job_phases()).pipe(tv.plot_job_timeline)"
        ),
    },
}
PLOTS = {name: call for calls in CALLS.values() for name, call in calls.items()}
_INTRODUCTION = """\
# Gallery

Every plot, of the sample data in `data/`, each with the call that drew it. All begin with

```python
import trainview as tv

snap = tv.load("data").refine()
phases = snap.job_phases()
```

A plot takes the table that a helper gives, so what you see is what you can export. It draws on new
Axes, or on yours (`ax=`), and returns them. For a timeline to move in, and tables to sort and
filter, see [Look closer](../guides/explore.md).
"""


def pages() -> dict[str, str]:
    """Give the page, by its path in the folder of the documentation."""
    parts = [_INTRODUCTION]
    for title, calls in CALLS.items():
        parts.append(f"## {title}")
        for name, call in calls.items():
            picture = f"![What tv.{name} draws of the sample data]({name}.png)"
            parts += [f"### {name}", f"`tv.{name}`", f"```python\n{call}\n```", picture]
    return {"gallery/index.md": "\n\n".join(parts) + "\n"}


def draw(folder: Path) -> None:
    """Draw every plot into a folder, unless what it depends on is older than the pictures."""
    target = folder / "gallery"
    target.mkdir(exist_ok=True)
    pictures = [target / f"{name}.png" for name in PLOTS]
    if all(path.exists() for path in pictures):
        sources = [*(ROOT / "trainview").rglob("*.py"), *(ROOT / "data").iterdir(), Path(__file__)]
        if max(map(_written, sources)) < min(map(_written, pictures)):
            return
    names = beginning()
    for name, path in zip(PLOTS, pictures, strict=True):
        figure = run(PLOTS[name], names)
        figure.savefig(path, dpi=120, bbox_inches="tight")


def beginning() -> dict[str, Any]:
    """Give the names that every call knows."""
    snap = tv.load(ROOT / "data").refine()
    return {"tv": tv, "snap": snap, "phases": snap.job_phases()}


def run(call: str, names: dict[str, Any]) -> Figure:
    """Run a call, whose last statement gives Axes, and give their figure."""
    *before, last = ast.parse(call).body
    own = dict(names)
    exec(compile(ast.Module(before, []), "<gallery>", "exec"), own)  # noqa: S102 - ours, and shown
    figure = eval(ast.unparse(last), own).figure  # noqa: S307
    plt.close(figure)
    return figure


def _written(path: Path) -> float:
    return path.stat().st_mtime
