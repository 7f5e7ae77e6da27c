"""A page for every public name, and a list of them as people look for them."""

import inspect

import trainview as tv
from docs.extension.gallery import PLOTS

# In the order of work; those with snap. are methods of a snapshot, plots stand as in the gallery.
GROUPS = {
    "Load": """
        load fetch merge sample scan Snapshot Scan
    """,
    "Fetch more": """
        fetch_prices fetch_capacity fetch_billing fetch_metrics fetch_checkpoints fetch_caches
        fetch_queue
        fetch_error_logs Fetched Client
    """,
    "Narrow down and refine": """
        snap.clip snap.select snap.refine snap.assign clip_jobs refine_jobs
    """,
    "Ask: jobs": """
        snap.summary needs_attention job status_counts elapsed_stats job_timeline snap.job_phases
        job_phases compare check
    """,
    "Ask: GPUs": """
        gpu_usage gpu_hours_over_time gpu_concurrency quota utilization utilization_over_time
        idle_gpus right_size
    """,
    "Ask: cost": """
        estimate_cost reconcile_cost cost_over_time failure_costs spend_pace
    """,
    "Ask: failures and reliability": """
        failure_rates error_groups lost_work goodput run_chains time_to_failure checkpoint_usage
        cache_usage
    """,
    "Ask: queue and capacity": """
        queue_waits queue_wait_curve spot_usage
    """,
    "Plot": " ".join(PLOTS),
    "Look closer": """
        explore
    """,
    "Export and record": """
        report snap.to_parquet snap.to_csv snap.to_json snap.to_excel columns record compact
        status_intervals
    """,
    "Errors": """
        TrainviewError ConfigError ArgumentError SourceError NetworkError ApiError AuthError
        NotFoundError RateLimitError PayloadError OutputError DataWarning
    """,
}
_INTRODUCTION = """\
Everything is under `import trainview as tv`. Helpers take tables and give tables, of pandas,
Polars, DuckDB or PySpark; plots take what a helper gives. What is done with all tables at once is a
method of the snapshot, here `snap`.
"""


def pages() -> dict[str, str]:
    """Give the pages, by their path in the folder of the documentation."""
    names = [name for group in GROUPS.values() for name in functions(group)]
    return {"reference/index.md": _index()} | {
        f"reference/tv.{name}.rst": _page(name) for name in names
    }


def functions(group: str) -> list[str]:
    """List the names of a group that stand under `tv`."""
    return [name for name in group.split() if not name.startswith("snap.")]


def methods(group: str) -> list[str]:
    """List the methods of a snapshot that stand in a group."""
    return [name.removeprefix("snap.") for name in group.split() if name.startswith("snap.")]


def _index() -> str:
    parts = ["# API reference", _INTRODUCTION]
    for title, group in GROUPS.items():
        rows = [f"| {_link(name)} | {_first_line(name)} |" for name in group.split()]
        parts += [f"## {title}", "\n".join(["| name | what it does |", "|---|---|", *rows])]
    for title, group in GROUPS.items():
        tree = "\n".join(f"tv.{name}" for name in functions(group))
        parts.append(f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{tree}\n```")
    return "\n\n".join(parts) + "\n"


def _link(name: str) -> str:
    method = name.removeprefix("snap.")
    if method == name:
        return f"[tv.{name}](tv.{name})"
    return f"{{py:obj}}`{name} <trainview.Snapshot.{method}>`"


def _first_line(name: str) -> str:
    method = name.removeprefix("snap.")
    text = inspect.getdoc(getattr(tv if method == name else tv.Snapshot, method)) or ""
    return text.splitlines()[0].replace("``", "`").replace("|", "\\|")


def _page(name: str) -> str:
    title = f"tv.{name}"
    lines = [title, "=" * len(title), "", ".. currentmodule:: trainview", ""]
    if name == "Snapshot":
        lines += [".. autoclass:: trainview.Snapshot", ""]
        for group, members in GROUPS.items():
            if found := methods(members):
                lines += [group, "-" * len(group), ""]
                lines += [f".. automethod:: trainview.Snapshot.{method}" for method in found]
                lines += [""]
    elif not inspect.isclass(getattr(tv, name)):
        lines += [f".. autofunction:: trainview.{name}", ""]
    else:
        lines += [
            f".. autoclass:: trainview.{name}",
            "   :members:",
            "   :inherited-members: Exception, UserWarning, ValueError",
            "",
        ]
    if name in PLOTS:
        lines += [
            "As in the :doc:`gallery </gallery/index>`::",
            "",
            *(f"    {line}" for line in PLOTS[name].splitlines()),
            "",
            f".. image:: /gallery/{name}.png",
            f"   :alt: What tv.{name} draws of the sample data",
            "",
        ]
    return "\n".join(lines)
