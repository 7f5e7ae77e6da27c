# ruff: noqa: S608 - queries of this file alone
"""How the helpers do on tables that do not fit into memory, next to the engine's own words.

Run it as a program: ``python -m tests.benchmarks.bench_scale``. It writes 1,000,000 jobs and
5,000,000 samples as Parquet, asks each question on DuckDB and Polars (streaming), each in a process
of its own on two threads, and prints time and peak memory. A helper should need at most 1.5 times
as long as DuckDB needs for the same question in SQL, and less than 2 GB.

``--jobs 20_000_000 --samples 100_000_000`` is the size that this is about; ``--folder`` keeps the
tables, ``--helpers`` and ``--engines`` choose some.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.scale_data import write_tables

RATIO, GIGABYTES = 1.5, 2.0
# What takes no time at all is not measured by its ratio.
QUICK = 1.0
ENGINES = ("duckdb", "polars")
HELD = """
  SELECT gpu_type, created_at AS t, gpus AS change FROM jobs WHERE gpu_hours > 0
  UNION ALL SELECT gpu_type, end_at, -gpus FROM jobs WHERE gpu_hours > 0
"""
LEVELS = f"""
  SELECT gpu_type, t, sum(change) OVER w AS level, lead(t) OVER w AS next
  FROM (SELECT gpu_type, t, sum(change) AS change FROM ({HELD}) GROUP BY ALL HAVING sum(change) <> 0)
  WINDOW w AS (PARTITION BY gpu_type ORDER BY t)
"""
USD = "usd_per_minute * node_count * elapsed_hours * 60"
PRICED = "jobs LEFT JOIN prices USING (instance_type_id)"
# All words that differ only in their numbers are one message.
SHAPE = "regexp_replace(error_message, '[0-9]', '0', 'g')"
GAPS = """
  SELECT *, lead(epoch_us(timestamp)) OVER (
    PARTITION BY job_id, node_id, gpu, metric ORDER BY timestamp, value) - epoch_us(timestamp) AS gap
  FROM metrics
"""
# The same question in SQL, by helper; where the helper says more, the question has its hard part.
WORDS = {
    "status_counts": "SELECT status, phase, count(*) FROM jobs GROUP BY ALL",
    "elapsed_stats": """
        SELECT status, count(elapsed_hours), avg(elapsed_hours), max(elapsed_hours),
          quantile_cont(elapsed_hours, [0.5, 0.9, 0.99]) FROM jobs GROUP BY ALL""",
    "gpu_usage": "SELECT gpu_type, count(*), sum(gpus), sum(gpu_hours) FROM jobs GROUP BY ALL",
    "gpu_concurrency": f"SELECT * FROM ({LEVELS}) ORDER BY gpu_type, t",
    "gpu_hours_over_time": f"""
        SELECT gpu_type, date_trunc('day', t), max(level),
          sum(level * (epoch_us(next) - epoch_us(t))) FROM ({LEVELS}) GROUP BY ALL ORDER BY ALL""",
    "failure_rates": """
        SELECT project_name, count(*) FILTER (status NOT IN ('running', 'pending')),
          count(*) FILTER (phase = 'failed') FROM jobs GROUP BY ALL""",
    "error_groups": f"""
        SELECT {SHAPE}, count(*), count(DISTINCT project_id), sum(gpu_hours), min(end_at),
          max((end_at, job_id, error_message)) FROM jobs WHERE phase = 'failed' GROUP BY ALL""",
    "failure_costs": f"""
        SELECT {SHAPE}, count(*), sum(gpu_hours), sum({USD}),
          max((end_at, job_id, error_message)) FROM {PRICED} WHERE phase = 'failed' GROUP BY ALL""",
    "estimate_cost": f"SELECT project_name, count(*), sum({USD}) FROM {PRICED} GROUP BY ALL",
    "cost_over_time": f"""
        SELECT team_name, instance_type_id, day, sum(n), sum(n * us) FROM (
          SELECT team_name, instance_type_id, date_trunc('day', created_at) AS day,
            node_count AS n, epoch_us(created_at) % 86400000000 AS us FROM {PRICED}
          WHERE usd_per_minute > 0
          UNION ALL
          SELECT team_name, instance_type_id, date_trunc('day', end_at), -node_count,
            epoch_us(end_at) % 86400000000 FROM {PRICED} WHERE usd_per_minute > 0
        ) GROUP BY ALL""",
    "reconcile_cost": f"""
        SELECT coalesce(j.project_name, b.project_name), b.job_id IS NULL, count(*), sum(usd),
          sum(billed), sum(minutes)
        FROM (SELECT job_id, project_name, {USD} AS usd FROM {PRICED}) AS j FULL JOIN (
          SELECT job_id, any_value(project_name) AS project_name, sum(subtotal_usd) AS billed,
            sum(minutes) AS minutes FROM billing GROUP BY job_id
        ) AS b ON j.job_id = b.job_id GROUP BY ALL""",
    "queue_waits": """
        SELECT gpu_type, sum(n), max(waited_hours), min(waited_hours) FILTER (s <= ln(0.5)) FROM (
          SELECT *, sum(CASE WHEN risk > n THEN ln((risk - n) / risk) ELSE 0 END) OVER w AS s FROM (
            SELECT gpu_type, waited_hours, n, sum(n) OVER w AS risk FROM (
              SELECT gpu_type, waited_hours, count(*) AS n FROM queue GROUP BY ALL
            ) WINDOW w AS (PARTITION BY gpu_type ORDER BY waited_hours DESC)
          ) WINDOW w AS (PARTITION BY gpu_type ORDER BY waited_hours)
        ) GROUP BY ALL""",
    "quota": f"""
        SELECT gpu_type, level, sum(epoch_us(next) - epoch_us(t)) FROM ({LEVELS}) GROUP BY ALL""",
    "utilization": f"""
        SELECT job_id, node_id, gpu, metric, count(*), sum(value * least(gap, 60000000)),
          sum(least(gap, 60000000)), quantile_cont(value, [0.5, 0.95]), max(value)
        FROM ({GAPS}) GROUP BY ALL ORDER BY 6""",
    "utilization_over_time": f"""
        SELECT date_trunc('hour', timestamp), count(*), sum(value * least(gap, 60000000)),
          sum(least(gap, 60000000)) FROM ({GAPS}) WHERE metric = 'gpu_utilization' GROUP BY ALL""",
    "idle_gpus": f"""
        SELECT job_id, node_id, gpu, sum(least(gap, 60000000)), max(length) FROM (
          SELECT job_id, node_id, gpu, stretch, sum(gap) AS gap,
            sum(gap) FILTER (value < 0.05) AS length FROM (
            SELECT *, sum(CASE WHEN value < 0.05 THEN 0 ELSE 1 END) OVER (
              PARTITION BY job_id, node_id, gpu ORDER BY timestamp, value) AS stretch
            FROM ({GAPS}) WHERE metric = 'gpu_utilization'
          ) GROUP BY ALL
        ) JOIN jobs USING (job_id) GROUP BY ALL""",
}
WORDS["queue_wait_curve"] = WORDS["queue_waits"]


def ask(helper: str, table: Callable[[str], Any]) -> Any:
    """Ask a helper, of tables of one engine."""
    from trainview import analysis

    first, others = ARGUMENTS.get(helper, ("jobs", {}))
    more = {name: table(name) if value is None else value for name, value in others.items()}
    return getattr(analysis, helper)(table(first), **more)


# The first table, the others (None: the table of this name), and other arguments.
ARGUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "failure_costs": ("jobs", {"prices": None}),
    "estimate_cost": ("jobs", {"prices": None}),
    "cost_over_time": ("jobs", {"prices": None, "by": "team_name"}),
    "reconcile_cost": ("jobs", {"prices": None, "billing": None, "by": ["project_name", "reason"]}),
    "queue_waits": ("queue", {}),
    "queue_wait_curve": ("queue", {}),
    "quota": ("jobs", {"capacity": None}),
    "utilization": ("metrics", {}),
    "utilization_over_time": ("metrics", {"by": []}),
    "idle_gpus": ("metrics", {"jobs": None, "prices": None}),
}


def measure(folder: Path, helper: str, engine: str) -> None:
    """Answer one question in this process; engine sql is the engine's own words."""
    if engine != "sql":
        # Not part of the answer.
        import trainview.analysis  # noqa: F401
    if engine == "polars":
        import polars as pl

        began = time.perf_counter()
        answer = ask(helper, lambda name: pl.scan_parquet(folder / f"{name}.parquet"))
        rows = sum(len(part) for part in answer.collect_batches(engine="streaming"))
    else:
        import duckdb

        connection = duckdb.connect()
        connection.execute("SET memory_limit = '1.2GB'; SET threads = 2")
        connection.execute(f"SET temp_directory = '{folder}/spill'; SET TimeZone = 'UTC'")
        connection.execute("SET preserve_insertion_order = false")

        def table(name: str) -> Any:
            return connection.read_parquet(f"{folder}/{name}.parquet")

        if engine == "sql":
            for path in folder.glob("*.parquet"):
                connection.execute(f"CREATE VIEW {path.stem} AS FROM read_parquet('{path}')")
        began = time.perf_counter()
        answer = connection.sql(WORDS[helper]) if engine == "sql" else ask(helper, table)
        rows = sum(len(part) for part in answer.to_arrow_reader(100_000))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(f"{seconds} {peak} {rows}\n")


def compare(folder: Path, helpers: list[str], engines: list[str]) -> int:
    """Measure helpers, each in a process of its own; count the limits that are missed."""
    missed = 0
    for helper in helpers:
        own, *_ = _run(folder, helper, "sql")
        for engine in engines:
            seconds, peak, rows = _run(folder, helper, engine)
            is_slow = seconds > RATIO * own and seconds > QUICK
            fails = is_slow or peak > GIGABYTES or rows < 0
            missed += fails
            sys.stdout.write(
                f"{helper:22} {engine:7} {seconds:7.2f} s, in SQL {own:7.2f} s, {seconds / own:5.2f}x, "
                f"{peak:5.2f} GB, {rows:11,} rows{'  MISSED' if fails else ''}\n"
            )
            sys.stdout.flush()
    return missed


def _run(folder: Path, helper: str, engine: str) -> tuple[float, float, int]:
    command = [sys.executable, "-m", __spec__.name, "--folder", str(folder), "--measure"]
    environment = os.environ | {"POLARS_MAX_THREADS": "2"}
    done = subprocess.run(
        [*command, helper, engine], check=False, capture_output=True, text=True, env=environment
    )
    if done.returncode:
        sys.stdout.write(f"{helper} on {engine}: {done.stderr.strip().splitlines()[-1:]}\n")
        return float("nan"), float("nan"), -1
    seconds, peak, rows = done.stdout.split()[-3:]
    return float(seconds), float(peak), int(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the helpers on large tables.")
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--samples", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--helpers", nargs="+", default=list(WORDS), choices=list(WORDS))
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.folder, *options.measure)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        write_tables(folder, options.jobs, options.samples)
        return min(compare(folder, options.helpers, options.engines), 1)


if __name__ == "__main__":
    sys.exit(main())
