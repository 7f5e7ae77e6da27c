"""See your Baseten training: projects, jobs and GPUs as tidy tables, answers and files."""

from importlib import import_module as _import_module

__version__ = "0.1.0"

# Where each public name is found when it is first used; __init__.pyi says the same to editors.
_HOMES = {
    "analysis": """
        cache_usage checkpoint_usage clip_jobs cost_over_time elapsed_stats error_groups
        estimate_cost
        failure_costs failure_rates goodput gpu_concurrency gpu_hours_over_time gpu_usage
        idle_gpus job_phases job_timeline lost_work needs_attention queue_wait_curve queue_waits
        quota reconcile_cost refine_jobs right_size run_chains spend_pace spot_usage
        status_counts time_to_failure utilization utilization_over_time
    """,
    "api.client": "Client",
    "checking.checks": "check",
    "errors": """
        ApiError ArgumentError AuthError ConfigError DataWarning NetworkError NotFoundError
        OutputError PayloadError RateLimitError SourceError TrainviewError
    """,
    "fetching": """
        Fetched fetch fetch_billing fetch_caches fetch_capacity fetch_checkpoints
        fetch_error_logs fetch_metrics fetch_prices fetch_queue record
    """,
    "history.compaction": "compact",
    "history.intervals": "status_intervals",
    "history.scanning": "Scan scan",
    "interactive": "explore",
    "loading": "load merge",
    "plot": """
        plot_cache_usage plot_checkpoint_usage plot_compare plot_cost_over_time plot_elapsed_stats
        plot_error_groups plot_estimate_cost plot_failure_costs plot_failure_rates plot_goodput
        plot_gpu_concurrency plot_gpu_hours_over_time plot_gpu_usage plot_idle_gpus
        plot_job_phases plot_job_timeline plot_lost_work plot_needs_attention
        plot_queue_wait_curve plot_queue_waits plot_quota plot_reconcile_cost plot_right_size
        plot_run_chains plot_spend_pace plot_spot_usage plot_status_counts plot_time_to_failure
        plot_utilization plot_utilization_over_time
    """,
    "reporting": "report",
    "sampling": "sample",
    "schema": "columns",
    "snapshot": "Snapshot compare",
    "snapshot.story": "job",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
__all__ = list(_HOME_OF)


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return ["__version__", *__all__]
