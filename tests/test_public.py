"""The public face: what `import trainview` offers, and that it says what it does."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import trainview as tv

PUBLIC = [
    "ApiError",
    "ArgumentError",
    "AuthError",
    "Client",
    "ConfigError",
    "DataWarning",
    "Fetched",
    "NetworkError",
    "NotFoundError",
    "OutputError",
    "PayloadError",
    "RateLimitError",
    "Scan",
    "Snapshot",
    "SourceError",
    "TrainviewError",
    "cache_usage",
    "check",
    "checkpoint_usage",
    "clip_jobs",
    "columns",
    "compact",
    "compare",
    "cost_over_time",
    "elapsed_stats",
    "error_groups",
    "estimate_cost",
    "explore",
    "failure_costs",
    "failure_rates",
    "fetch",
    "fetch_billing",
    "fetch_caches",
    "fetch_capacity",
    "fetch_checkpoints",
    "fetch_error_logs",
    "fetch_metrics",
    "fetch_prices",
    "fetch_queue",
    "goodput",
    "gpu_concurrency",
    "gpu_hours_over_time",
    "gpu_usage",
    "idle_gpus",
    "job",
    "job_phases",
    "job_timeline",
    "load",
    "lost_work",
    "merge",
    "needs_attention",
    "plot_cache_usage",
    "plot_checkpoint_usage",
    "plot_compare",
    "plot_cost_over_time",
    "plot_elapsed_stats",
    "plot_error_groups",
    "plot_estimate_cost",
    "plot_failure_costs",
    "plot_failure_rates",
    "plot_goodput",
    "plot_gpu_concurrency",
    "plot_gpu_hours_over_time",
    "plot_gpu_usage",
    "plot_idle_gpus",
    "plot_job_phases",
    "plot_job_timeline",
    "plot_lost_work",
    "plot_needs_attention",
    "plot_queue_wait_curve",
    "plot_queue_waits",
    "plot_quota",
    "plot_reconcile_cost",
    "plot_right_size",
    "plot_run_chains",
    "plot_spend_pace",
    "plot_spot_usage",
    "plot_status_counts",
    "plot_time_to_failure",
    "plot_utilization",
    "plot_utilization_over_time",
    "queue_wait_curve",
    "queue_waits",
    "quota",
    "reconcile_cost",
    "record",
    "refine_jobs",
    "report",
    "right_size",
    "run_chains",
    "sample",
    "scan",
    "spend_pace",
    "spot_usage",
    "status_counts",
    "status_intervals",
    "time_to_failure",
    "utilization",
    "utilization_over_time",
]


def test_the_names_are_these_and_no_others():
    assert sorted(tv.__all__) == PUBLIC
    assert set(PUBLIC) <= set(dir(tv))


def test_the_stub_for_editors_finds_each_name_where_the_package_does():
    stub = ast.parse(Path(tv.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    *imports, version = stub.body
    found = {alias.asname: node.module for node in imports for alias in node.names}
    assert found == tv._HOME_OF
    assert ast.unparse(version) == "__version__: str"


def test_the_version_is_told():
    assert re.fullmatch(r"\d+\.\d+\.\d+", tv.__version__)
    assert "__version__" in dir(tv)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_loads_and_is_described(name):
    member = getattr(tv, name)
    assert member.__module__.startswith("trainview.")
    text = inspect.getdoc(member)
    assert text
    first = text.splitlines()[0]
    assert first.endswith((".", ")."))
    if inspect.isfunction(member):
        parameters = [name for name in inspect.signature(member).parameters if name != "client"]
        for section in ("Returns\n-------", "Examples\n--------"):
            assert section in text, f"{name} lacks {section.splitlines()[0]}"
        described = re.findall(r"^(\w+(?:, \w+)*) : ", text, flags=re.MULTILINE)
        assert set(parameters) <= {word for words in described for word in words.split(", ")}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nope"):
        _ = tv.nope


def test_every_error_of_the_module_is_in_the_drawn_tree_and_derives_from_the_base():
    from trainview import errors

    for name, member in vars(errors).items():
        if inspect.isclass(member):
            assert name in errors.__doc__
            assert issubclass(member, (errors.TrainviewError, UserWarning))


def test_modules_keep_to_a_readable_size():
    for path in Path(tv.__file__).parent.rglob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 450, f"{path.name} has {len(lines)} lines: split it by concept"
        assert ast.get_docstring(ast.parse("\n".join(lines))), (
            f"{path.name} does not say what it is"
        )
