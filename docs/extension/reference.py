"""A page for every public name, and a list of them as people look for them."""

import inspect

import trainview as tv
from docs.extension.gallery import PLOTS

# One line of words a group; the plots stand in the order of the gallery.
GROUPS = {
    "Load": """
        load fetch merge sample scan Snapshot Scan
    """,
    "Fetch more": """
        fetch_prices fetch_capacity fetch_billing fetch_metrics fetch_checkpoints fetch_caches
        fetch_queue
        fetch_error_logs Fetched Client
    """,
    "Ask: jobs": """
        needs_attention job status_counts elapsed_stats job_timeline job_phases refine_jobs
        clip_jobs compare check
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
    "Export and record": """
        report columns record compact status_intervals
    """,
    "Errors": """
        TrainviewError ConfigError ArgumentError SourceError NetworkError ApiError AuthError
        NotFoundError RateLimitError PayloadError OutputError DataWarning
    """,
}
_INTRODUCTION = """\
Everything is under `import trainview as tv`. Helpers take tables and give tables, of pandas,
Polars, DuckDB or PySpark; plots take what a helper gives. Saving is a method of `tv.Snapshot`:
`to_parquet`, `to_csv`, `to_json`, `to_excel`.
"""


def pages() -> dict[str, str]:
    """Give the pages, by their path in the folder of the documentation."""
    names = [name for group in GROUPS.values() for name in group.split()]
    return {"reference/index.md": _index()} | {
        f"reference/tv.{name}.rst": _page(name) for name in names
    }


def _index() -> str:
    parts = ["# API reference", _INTRODUCTION]
    for title, group in GROUPS.items():
        rows = [f"| [tv.{name}](tv.{name}) | {_first_line(name)} |" for name in group.split()]
        parts += [f"## {title}", "\n".join(["| name | what it does |", "|---|---|", *rows])]
    for title, group in GROUPS.items():
        tree = "\n".join(f"tv.{name}" for name in group.split())
        parts.append(f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{tree}\n```")
    return "\n\n".join(parts) + "\n"


def _first_line(name: str) -> str:
    text = inspect.getdoc(getattr(tv, name)) or ""
    return text.splitlines()[0].replace("``", "`").replace("|", "\\|")


def _page(name: str) -> str:
    title = f"tv.{name}"
    lines = [title, "=" * len(title), "", ".. currentmodule:: trainview", ""]
    if not inspect.isclass(getattr(tv, name)):
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
