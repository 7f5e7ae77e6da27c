# ruff: noqa: S608 - queries of this file alone
"""How the helpers do on tables that do not fit into memory, next to the engine's own words.

Run it as a program: ``python -m tests.benchmarks.bench_scale``. It writes 1,000,000 jobs and
5,000,000 samples as Parquet, asks each question on DuckDB, Polars (streaming) and Spark
(``local[2]``), each in a process of its own on two threads, and prints time, processor time and peak
memory. A helper should need at most 1.5 times as long as the same question in SQL, which Spark is
asked for Spark and DuckDB for the others, and less than 2 GB on DuckDB and Polars.

``--jobs 20_000_000 --samples 100_000_000`` is the size that this is about; ``--folder`` keeps the
tables, ``--helpers`` and ``--engines`` choose some, ``--processor`` takes processor time for the
ratio, which others on the same machine change less.
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
ENGINES = ("duckdb", "polars", "spark")
# In whose words the same question is asked.
PEERS = {"duckdb": "sql", "polars": "sql", "spark": "spark sql"}
# What Spark calls by other names than DuckDB.
IN_SPARK = {
    "epoch_us(": "unix_micros(",
    "quantile_cont(elapsed_hours, [0.5, 0.9, 0.99])": "percentile(elapsed_hours, array(0.5, 0.9, 0.99))",
    "quantile_cont(value, [0.5, 0.95])": "percentile(value, array(0.5, 0.95))",
    "max((end_at, job_id, error_message))": "max(struct(end_at, job_id, error_message))",
    ", 'g')": ")",
    "arg_max(": "max_by(",
    " AS MATERIALIZED (": " AS (",
    "FILTER (": "FILTER (WHERE ",
}
HELD = """
  SELECT gpu_type, created_at AS t, gpus AS change FROM jobs WHERE gpu_hours > 0
  UNION ALL SELECT gpu_type, end_at, -gpus FROM jobs WHERE gpu_hours > 0
"""
# What is held, what still waits, and both.
ASKED = """
  SELECT gpu_type, created_at, end_at, CASE WHEN gpu_hours > 0 THEN gpus ELSE 0 END AS held,
    CASE WHEN gpu_hours > 0 THEN 0 ELSE gpus END AS pending FROM jobs
  WHERE gpus > 0 AND end_at > created_at AND (gpu_hours > 0 OR phase = 'waiting')
"""
DEMAND = f"""
  SELECT gpu_type, epoch_us(lead(t) OVER w) - epoch_us(t) AS us, sum(held) OVER w AS held,
    sum(pending) OVER w AS pending
  FROM (
    SELECT gpu_type, t, sum(held) AS held, sum(pending) AS pending FROM (
      SELECT gpu_type, created_at AS t, held, pending FROM ({ASKED})
      UNION ALL SELECT gpu_type, end_at, -held, -pending FROM ({ASKED})
    ) GROUP BY ALL
  ) WINDOW w AS (PARTITION BY gpu_type ORDER BY t)
"""
LEVELS = f"""
  SELECT gpu_type, t, sum(change) OVER w AS level, lead(t) OVER w AS next
  FROM (SELECT gpu_type, t, sum(change) AS change FROM ({HELD}) GROUP BY ALL HAVING sum(change) <> 0)
  WINDOW w AS (PARTITION BY gpu_type ORDER BY t)
"""
FREE = "status IN ('pending', 'queued', 'created', 'deploy-failed')"
USD = f"CASE WHEN {FREE} THEN 0 ELSE usd_per_minute * node_count * elapsed_hours * 60 END"
UNKNOWN = f"""
  count(*) FILTER (NOT ({FREE}) AND usd_per_minute IS NULL),
  count(*) FILTER (NOT ({FREE}) AND elapsed_hours IS NULL),
  count(*) FILTER (NOT ({FREE}) AND usd_per_minute * elapsed_hours > 0)"""
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
        SELECT {SHAPE}, count(*), sum(gpu_hours), sum({USD}), {UNKNOWN}, min(end_at),
          max((end_at, job_id, error_message)) FROM {PRICED} WHERE phase = 'failed' GROUP BY ALL""",
    "estimate_cost": f"""
        SELECT project_name, instance_type_id, count(*), sum(gpu_hours), sum({USD}), {UNKNOWN}
        FROM {PRICED} GROUP BY ALL""",
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
        SELECT coalesce(project_name, billed_for) AS project_name,
          CASE WHEN created_at IS NULL THEN CASE WHEN b.job_id IS NULL THEN 'not assigned to a job'
              WHEN is_deleted THEN 'deleted job' WHEN billed_until <= begun THEN 'before the first job'
              WHEN billed_from >= ended THEN 'after the last job' ELSE 'not in the jobs table' END
            WHEN usd = 0 AND coalesce(billed, 0) = 0 THEN 'free'
            WHEN usd = 0 AND minutes = 0 THEN 'billed, though free'
            WHEN usd_per_minute IS NULL THEN 'no price' WHEN usd IS NULL THEN 'no known duration'
            WHEN b.job_id IS NOT NULL THEN 'queueing and deployment'
            WHEN end_at <= first THEN 'before the first billed day'
            WHEN created_at >= last THEN 'after the last billed day' ELSE 'not billed' END AS reason,
          count(*), sum(usd), sum(billed), abs(coalesce(sum(usd), 0) - coalesce(sum(billed), 0)) AS difference,
          sum((minutes - billed_minutes) * node_count * usd_per_minute),
          sum(usd - billed - (minutes - billed_minutes) * node_count * usd_per_minute),
          sum(minutes), sum(billed_minutes), count(*) FILTER (usd IS NULL), max(several)
        FROM (
          SELECT job_id, project_name, created_at, end_at, node_count, usd_per_minute, {USD} AS usd,
            CASE WHEN {FREE} THEN 0 ELSE elapsed_hours * 60 END AS minutes FROM {PRICED}
        ) AS j FULL JOIN (
          SELECT job_id, arg_max(project_name, date) AS billed_for, max(is_deleted) AS is_deleted,
            sum(subtotal_usd) AS billed, sum(minutes) AS billed_minutes, min(date) AS billed_from,
            max(date) + INTERVAL 1 DAY AS billed_until FROM billing GROUP BY job_id
        ) AS b ON j.job_id = b.job_id
        CROSS JOIN (SELECT min(created_at) AS begun, max(end_at) AS ended FROM jobs)
        CROSS JOIN (SELECT min(date) AS first, max(date) AS last FROM billing)
        CROSS JOIN (
          SELECT max(rows) AS several FROM (SELECT count(*) AS rows FROM jobs GROUP BY job_id)
        ) GROUP BY ALL ORDER BY difference DESC""",
    "queue_waits": """
        SELECT gpu_type, sum(n), sum(waiting), max(waited_hours),
          min(waited_hours) FILTER (s <= ln(0.5)), min(waited_hours) FILTER (s <= ln(0.1)),
          min(waited_hours) FILTER (s <= ln(0.01)) FROM (
          SELECT *, sum(CASE WHEN risk > n THEN ln((risk - n + censored) / risk) ELSE 0 END) OVER w AS s
          FROM (
            SELECT gpu_type, waited_hours, n, waiting, censored, sum(n) OVER w AS risk FROM (
              SELECT gpu_type, waited_hours, count(*) AS n, count(*) FILTER (is_waiting) AS waiting,
                count(*) FILTER (is_waiting OR released_at IS NULL) AS censored
              FROM queue WHERE waited_hours >= 0 GROUP BY ALL
            ) WINDOW w AS (PARTITION BY gpu_type ORDER BY waited_hours DESC)
          ) WINDOW w AS (PARTITION BY gpu_type ORDER BY waited_hours)
        ) GROUP BY ALL ORDER BY 4 DESC""",
    "quota": " UNION ALL ".join(
        f"SELECT gpu_type, '{level}' AS kind, {level} AS level, sum(us) FROM demand GROUP BY ALL"
        for level in ("held", "pending", "held + pending")
    ),
    "utilization": f"""
        SELECT job_id, node_id, gpu, metric, count(*),
          sum(value * least(coalesce(gap, step_seconds * 1e6), step_seconds * 1e6)) AS used,
          sum(least(coalesce(gap, step_seconds * 1e6), step_seconds * 1e6)),
          sum(greatest(ceil(gap / (step_seconds * 1e6) - 0.5) - 1, 0)),
          quantile_cont(value, [0.5, 0.95]), max(value)
        FROM ({GAPS}) GROUP BY ALL ORDER BY used""",
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
WORDS["quota"] = f"WITH demand AS MATERIALIZED ({DEMAND}) {WORDS['quota']}"
WORDS["queue_wait_curve"] = """
    SELECT gpu_type, waited_hours, share, power(share, exp(1.96 * sqrt(variance) / abs(ln(share)))) AS low,
      power(share, exp(-1.96 * sqrt(variance) / abs(ln(share)))) AS high, risk
    FROM (
      SELECT gpu_type, waited_hours, risk, least(greatest(exp(s), 1e-12), 1 - 1e-12) AS share, variance
      FROM (
        SELECT *, sum(CASE WHEN risk > gone THEN ln((risk - gone) / risk) ELSE 0 END) OVER w AS s,
          sum(CASE WHEN risk > gone THEN gone / (risk * (risk - gone)) ELSE 0 END) OVER w AS variance
        FROM (
          SELECT gpu_type, waited_hours, n - censored AS gone, sum(n) OVER w AS risk FROM (
            SELECT gpu_type, waited_hours, count(*) AS n,
              count(*) FILTER (is_waiting OR released_at IS NULL) AS censored
            FROM queue WHERE waited_hours >= 0 GROUP BY ALL
          ) WINDOW w AS (PARTITION BY gpu_type ORDER BY waited_hours DESC)
        ) WINDOW w AS (PARTITION BY gpu_type ORDER BY waited_hours)
      )
    ) ORDER BY gpu_type, waited_hours"""


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
    """Answer one question in this process, with an engine's helper or in its own words."""
    if engine not in PEERS.values():
        # Not part of the answer.
        import trainview.analysis  # noqa: F401
    answer = {"polars": _on_polars, "spark": _on_spark, "spark sql": _on_spark}.get(
        engine, _on_duckdb
    )
    seconds, processor, rows = answer(folder, helper, is_sql=engine in PEERS.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(f"{seconds} {processor} {peak} {rows}\n")


def _on_polars(folder: Path, helper: str, *, is_sql: bool) -> tuple[float, float, int]:
    import polars as pl

    del is_sql
    clock = _Clock()
    answer = ask(helper, lambda name: pl.scan_parquet(folder / f"{name}.parquet"))
    rows = sum(len(part) for part in answer.collect_batches(engine="streaming"))
    return *clock.read(), rows


def _on_duckdb(folder: Path, helper: str, *, is_sql: bool) -> tuple[float, float, int]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET memory_limit = '1.2GB'; SET threads = 2")
    connection.execute(f"SET temp_directory = '{folder}/spill'; SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")

    def table(name: str) -> Any:
        return connection.read_parquet(f"{folder}/{name}.parquet")

    if is_sql:
        for path in folder.glob("*.parquet"):
            connection.execute(f"CREATE VIEW {path.stem} AS FROM read_parquet('{path}')")
    clock = _Clock()
    answer = connection.sql(WORDS[helper]) if is_sql else ask(helper, table)
    rows = sum(len(part) for part in answer.to_arrow_reader(100_000))
    return *clock.read(), rows


def _on_spark(folder: Path, helper: str, *, is_sql: bool) -> tuple[float, float, int]:
    from pyspark.sql import SparkSession

    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "3g",
        "spark.local.dir": str(folder / "spill"),
        "spark.log.level": "OFF",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8",
        "spark.ui.enabled": "false",
    }
    spark = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    spark.range(1).count()
    words = WORDS[helper]
    for name, other in IN_SPARK.items():
        words = words.replace(name, other)
    for path in folder.glob("*.parquet"):
        spark.read.parquet(str(path)).createOrReplaceTempView(path.stem)
    clock = _Clock(spark.sparkContext._gateway.proc.pid)
    answer = spark.sql(words) if is_sql else ask(helper, spark.table)
    # written to nowhere: what is only counted is not computed
    answer.write.format("noop").mode("overwrite").save()
    return *clock.read(), 0


class _Clock:
    """Time and processor time from now on, that of a process of Java too."""

    def __init__(self, java: int | None = None) -> None:
        self._java = java
        self._began = time.perf_counter(), self._processor()

    def _processor(self) -> float:
        seconds = time.process_time()
        if self._java is not None:
            ticks = Path(f"/proc/{self._java}/stat").read_text().rpartition(")")[2].split()[11:13]
            seconds += sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        return seconds

    def read(self) -> tuple[float, float]:
        began, processor = self._began
        return time.perf_counter() - began, self._processor() - processor


def compare(folder: Path, helpers: list[str], engines: list[str], *, by_processor: bool) -> int:
    """Measure helpers, each in a process of its own; count the limits that are missed."""
    missed = 0
    for helper in helpers:
        own = {peer: _run(folder, helper, peer) for peer in {PEERS[engine] for engine in engines}}
        for engine in engines:
            seconds, processor, peak, rows = _run(folder, helper, engine)
            peer, peer_processor, *_ = own[PEERS[engine]]
            ratio, ratio_of_processor = seconds / peer, processor / peer_processor
            is_slow = (ratio_of_processor if by_processor else ratio) > RATIO and seconds > QUICK
            fails = is_slow or (engine != "spark" and peak > GIGABYTES) or rows < 0
            missed += fails
            sys.stdout.write(
                f"{helper:21} {engine:6} {seconds:7.2f} s, in SQL {peer:7.2f} s, {ratio:5.2f}x; "
                f"processor {processor:7.2f} s, {peer_processor:7.2f} s, {ratio_of_processor:5.2f}x; "
                f"{peak:5.2f} GB, {rows:11,} rows{'  MISSED' if fails else ''}\n"
            )
            sys.stdout.flush()
    return missed


def _run(folder: Path, helper: str, engine: str) -> tuple[float, float, float, int]:
    command = [sys.executable, "-m", __spec__.name, "--folder", str(folder), "--measure"]
    environment = os.environ | {"POLARS_MAX_THREADS": "2"}
    done = subprocess.run(
        [*command, helper, engine], check=False, capture_output=True, text=True, env=environment
    )
    if done.returncode:
        sys.stdout.write(f"{helper} on {engine}: {done.stderr.strip().splitlines()[-1:]}\n")
        return float("nan"), float("nan"), float("nan"), -1
    seconds, processor, peak, rows = done.stdout.split()[-4:]
    return float(seconds), float(processor), float(peak), int(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the helpers on large tables.")
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--samples", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--helpers", nargs="+", default=list(WORDS), choices=list(WORDS))
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES)
    parser.add_argument("--processor", action="store_true")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.folder, *options.measure)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        write_tables(folder, options.jobs, options.samples)
        found = compare(folder, options.helpers, options.engines, by_processor=options.processor)
        return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
