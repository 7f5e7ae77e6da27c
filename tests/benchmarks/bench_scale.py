"""How the helpers do on tables that do not fit into memory, next to the engine's own words.

Run it as a program: ``python -m tests.benchmarks.bench_scale``. It writes 1,000,000 jobs and
5,000,000 samples as Parquet, asks each question on DuckDB, Polars (streaming) and Spark
(``local[2]``), each in a process of its own on two threads, and prints time, processor time and peak
memory. A helper should need at most 1.5 times as long as the same question in the engine's own
words, SQL (`sql_words`) or expressions of Polars (`polars_words`), and less than 2 GB on DuckDB and
Polars. Before that, both are asked of few rows, and must give the same.

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
from tests.benchmarks.sql_words import IN_SPARK, WORDS

RATIO, GIGABYTES = 1.5, 2.0
# What takes no time at all is not measured by its ratio.
QUICK = 1.0
ENGINES = ("duckdb", "polars", "spark")
# In whose words the same question is asked.
PEERS = {"duckdb": "sql", "polars": "polars words", "spark": "spark sql"}
FEW_JOBS, FEW_SAMPLES = 20_000, 100_000


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
    clock, answer = _open(folder, helper, engine)
    rows = _count(answer())
    seconds, processor = clock.read()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(f"{seconds} {processor} {peak} {rows}\n")


def _open(folder: Path, helper: str, engine: str) -> "tuple[_Clock, Callable[[], Any]]":
    """Open the tables; give what asks one question of them."""
    how = {"duckdb": _on_duckdb, "sql": _on_duckdb, "spark": _on_spark, "spark sql": _on_spark}
    return how.get(engine, _on_polars)(folder, helper, is_own=engine in PEERS.values())


def _count(answer: Any) -> int:
    """Let an engine compute all of an answer, and keep none of it; of Spark's, no rows are told."""
    if hasattr(answer, "collect_batches"):
        return sum(len(part) for part in answer.collect_batches(engine="streaming"))
    if hasattr(answer, "to_arrow_reader"):
        return sum(len(part) for part in answer.to_arrow_reader(100_000))
    # written to nowhere: what is only counted is not computed
    answer.write.format("noop").mode("overwrite").save()
    return 0


def _on_polars(folder: Path, helper: str, *, is_own: bool) -> "tuple[_Clock, Callable[[], Any]]":
    import polars as pl

    from tests.benchmarks import polars_words

    def table(name: str) -> pl.LazyFrame:
        return pl.scan_parquet(folder / f"{name}.parquet")

    words = getattr(polars_words, helper)
    return _Clock(), lambda: words(table) if is_own else ask(helper, table)


def _on_duckdb(folder: Path, helper: str, *, is_own: bool) -> "tuple[_Clock, Callable[[], Any]]":
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET memory_limit = '1.2GB'; SET threads = 2")
    connection.execute(f"SET temp_directory = '{folder}/spill'; SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")

    def table(name: str) -> Any:
        return connection.read_parquet(f"{folder}/{name}.parquet")

    if is_own:
        for path in folder.glob("*.parquet"):
            connection.execute(f"CREATE VIEW {path.stem} AS FROM read_parquet('{path}')")
    return _Clock(), lambda: connection.sql(WORDS[helper]) if is_own else ask(helper, table)


def _on_spark(folder: Path, helper: str, *, is_own: bool) -> "tuple[_Clock, Callable[[], Any]]":
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
    return clock, lambda: spark.sql(words) if is_own else ask(helper, spark.table)


def agree(folder: Path, helpers: list[str], engines: list[str]) -> None:
    """Ask few rows, and compare what helpers say with what the engine's own words do."""
    from polars.testing import assert_frame_equal

    write_tables(folder, FEW_JOBS, FEW_SAMPLES)
    for helper in helpers:
        for engine in engines:
            said, words = (_read(folder, helper, name) for name in (engine, PEERS[engine]))
            said = said.select(words.columns)
            exact = [name for name, kind in said.schema.items() if not kind.is_float()]
            order = [*exact, *(name for name in said.columns if name not in exact)]
            try:
                assert_frame_equal(said.sort(order), words.cast(said.schema).sort(order))
            except AssertionError as error:
                error.add_note(f"{helper} on {engine} is left, the engine's own words are right")
                raise


def _read(folder: Path, helper: str, engine: str) -> Any:
    answer = _open(folder, helper, engine)[1]()
    if hasattr(answer, "toArrow"):
        import polars as pl

        return pl.from_arrow(answer.toArrow())
    return answer.pl() if hasattr(answer, "pl") else answer.collect()


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
                f"{helper:21} {engine:6} {seconds:7.2f} s, in its own words {peer:7.2f} s, {ratio:5.2f}x; "
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
        agree(Path(temporary, "few"), options.helpers, options.engines)
        folder = options.folder or Path(temporary, "many")
        write_tables(folder, options.jobs, options.samples)
        found = compare(folder, options.helpers, options.engines, by_processor=options.processor)
        return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
