"""How fast trainview starts, and tells of one job of many, next to importing pandas.

Run it as a program: ``python -m tests.benchmarks.bench_start``. Whole processes are timed, less
the time of an empty one, by turns, the best of several; all modules are compiled before, as they
are once installed, whatever PYTHONDONTWRITEBYTECODE says. Limits: a third of ``import pandas`` for a
start, twice as long for the story of one of 10,000 jobs.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

import trainview as tv
from trainview.sampling import sample

RUNS = 7
START, STORY = 1 / 3, 2.0
DATA = Path(__file__).parents[2] / "data"
MEASURED = "4sva6wx"
WORDS = {
    "empty": ["-c", "pass"],
    "import pandas": ["-c", "import pandas"],
    "import trainview": ["-c", "import trainview"],
    "trainview --help": ["-m", "trainview", "--help"],
}


def best(commands: dict[str, list[str]], folder: Path) -> dict[str, float]:
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for words in commands.values():
        run(words, environment)
    # by turns, so that other work on the machine slows down all
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, words in commands.items():
            started = time.perf_counter()
            run(words, environment)
            seconds[name].append(time.perf_counter() - started)
    return {name: min(times) for name, times in seconds.items()}


def run(words: list[str], environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, *words], check=True, capture_output=True, env=environment)


def write_fleets(folder: Path) -> dict[str, list[str]]:
    """Write 10,000 jobs as lists and as tables; name the commands for the story of one of them."""
    listed = folder / "snapshot.json"
    payload = sample(projects=400, jobs_per_project=25, seed=1)
    listed.write_text(json.dumps(payload), encoding="utf-8")
    fleet = tv.merge([tv.load(DATA), tv.load(payload)])
    # as many samples as if all had some
    own = fleet.metrics
    ids = own["job_id"].cat.categories
    others = fleet.jobs["job_id"][~fleet.jobs["job_id"].isin(ids)].to_list()
    copies = [own.assign(job_id=own["job_id"].astype("str"))]
    while len(others) >= len(ids):
        names = dict(zip(ids, others, strict=False))
        others = others[len(ids) :]
        copies.append(own.assign(job_id=own["job_id"].astype("str").map(names)))
    # in the order that tables have which are put together from answers
    samples = pd.concat(copies, ignore_index=True).sort_values(["job_id", "timestamp"])
    fleet = fleet.assign(metrics=samples.astype({"job_id": "category"}))
    fleet.to_parquet(folder / "tables")
    a_job = payload["training_jobs"][100]["id"]
    return {
        "job, JSON": ["-m", "trainview", "job", a_job, str(listed)],
        "job, Parquet": ["-m", "trainview", "job", MEASURED, str(folder / "tables")],
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        commands = write_fleets(Path(folder))
        times = best(WORDS | commands, Path(folder) / "compiled")
    empty = times.pop("empty")
    pandas = times["import pandas"] - empty
    slow = 0
    for name, seconds in times.items():
        ratio = (seconds - empty) / pandas
        limit = STORY if name in commands else START
        slow += name != "import pandas" and ratio > limit
        print(f"{name:18}{(seconds - empty) * 1000:8.0f} ms{ratio:8.2f} x pandas")
    return min(slow, 1)


if __name__ == "__main__":
    sys.exit(main())
