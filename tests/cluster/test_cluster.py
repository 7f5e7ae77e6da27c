"""A Spark cluster of one master and two workers, on the loopback address, asked through spark-submit."""

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyspark
import pytest

import trainview as tv
from tests.analysis.spark import QUICK, require_java
from tests.cli.shell import DATA

HOME = Path(pyspark.__file__).parent
WORKERS = 2
ROOT = Path(tv.__file__).parents[1]


def environment() -> dict[str, str]:
    found = {"SPARK_HOME": HOME, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    found |= {"PYTHONPATH": ROOT, "SPARK_DAEMON_MEMORY": "256m"}
    return os.environ | {name: str(value) for name, value in found.items()}


@contextmanager
def daemon(kind: str, *words: str, logs: Path) -> Iterator[Path]:
    """Start a part of the cluster, and give its log."""
    log = logs / f"{kind}-{len(list(logs.iterdir()))}.log"
    name = f"org.apache.spark.deploy.{kind.lower()}.{kind}"
    command = [HOME / "bin/spark-class", name, "--host", "127.0.0.1", "--webui-port", "0", *words]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment(), cwd=logs)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(20)


def wait_for(log: Path, pattern: str, seconds: float = 60) -> str:
    """Wait for a line of a log; there is no other sign that a daemon is ready."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := re.search(pattern, log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.1)
    pytest.fail(f"{pattern} does not appear in:\n{log.read_text(errors='replace')[-2000:]}")


def test_helpers_give_the_same_on_a_cluster(tmp_path):
    require_java()
    dest, logs = tmp_path / "history", tmp_path / "logs"
    logs.mkdir()
    tv.record(dest, snapshots=[DATA])
    with daemon("Master", "--port", "0", logs=logs) as log:
        master = wait_for(log, r"(spark://127\.0\.0\.1:\d+)")
        worker = ("Worker", "--cores", "1", "--memory", "600m", master)
        with daemon(*worker, logs=logs) as one, daemon(*worker, logs=logs) as two:
            for each in (one, two):
                wait_for(each, "(Successfully registered)")
            settings = QUICK | {
                "spark.driver.host": "127.0.0.1", "spark.executor.memory": "512m",
                "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2",
                "spark.sql.session.timeZone": "America/New_York",
            }  # fmt: skip
            words = [part for item in settings.items() for part in ("--conf", "=".join(item))]
            done = subprocess.run(
                [HOME / "bin/spark-submit", "--master", master, *words,
                 Path(__file__).with_name("questions.py"), dest],
                check=False, capture_output=True, text=True, env=environment(), cwd=tmp_path, timeout=300,
            )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["executors"] == WORKERS
    snapshot = tv.load(dest)
    wanted = {
        "gpu_usage": tv.gpu_usage(snapshot.jobs, by="project_name"),
        "failure_rates": tv.failure_rates(snapshot.jobs, by="project_name"),
        "estimate_cost": tv.estimate_cost(snapshot.jobs, snapshot.prices, by="gpu_type"),
        "utilization": tv.utilization(snapshot.metrics, snapshot.jobs, by="gpu_type"),
    }
    for name, table in wanted.items():
        found = pd.read_json(io.StringIO(told["answers"][name]), orient="records")
        expected = pd.read_json(io.StringIO(table.to_json(orient="records")), orient="records")
        pd.testing.assert_frame_equal(found, expected, obj=name, check_dtype=False)
