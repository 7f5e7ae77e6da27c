"""What a look costs, and reading back what three years of looks wrote.

Run it as a program: ``python -m tests.benchmarks.bench_history [jobs]``. A server on this machine, which
takes a quarter of a second for each of its two answers as a far one would, tells of 10,000 jobs, of
which 50 changed since the last look. A compacted history of three years, 288 looks a day, of 300,000
jobs with four versions each, is written and loaded, beside one Parquet folder of its newest state.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import trainview as tv
from tests.api_server import NOW, ApiServer, iso
from tests.builders import job, project
from trainview.fetching.payloads import fetch_payload
from trainview.history.layout import file_name, mark_history, schema_of
from trainview.history.places import find_place, write_table
from trainview.schema import TIME

LATENCY, LOOK_LIMIT, LOOK_KILOBYTES, LOAD_LIMIT = 0.25, 1.2, 100, 3.0
START, STEP = datetime(2023, 1, 1, tzinfo=UTC), timedelta(minutes=5)
STATUSES = ["pending", "deploying", "running", "completed"]
PHASES = ["waiting", "starting", "running", "succeeded"]


class Lists:
    """The two lists of an organisation that changes."""

    def __init__(self, jobs: int) -> None:
        self.chance = random.Random(0)  # noqa: S311 - it has to be the same again
        self.jobs = [
            job(f"j{number:06d}", project=f"p{number % 40}", error_message="x" * 200)
            for number in range(jobs)
        ]
        self.projects = [project(f"p{number}") for number in range(40)]
        self.change(0)

    def change(self, number: int) -> None:
        for row in self.chance.sample(range(len(self.jobs)), number):
            at = iso(NOW + timedelta(seconds=self.chance.randint(0, 10**6)))
            self.jobs[row] |= {"updated_at": at}
        self.lists = (
            json.dumps({"training_projects": self.projects}).encode(),
            json.dumps({"training_jobs": self.jobs}).encode(),
        )

    def answer(self, path: str, _query: object) -> tuple[int, bytes]:
        return 200, self.lists["jobs" in path]


def best(act: Callable[[], object], times: int = 3) -> float:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        found.append(time.perf_counter() - begun)
    return min(found)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def looks_of(jobs: int, folder: Path) -> bool:
    lists = Lists(jobs)
    with ApiServer(lists, latency=LATENCY) as server:
        how = {"api_key": "k", "base_url": server.url}
        tv.record(folder, **how)
        calls = best(lambda: fetch_payload(**how))
        taken, written = [], []
        for number in range(3):
            lists.change(50)
            server.now = NOW + timedelta(days=20, minutes=5 * number)
            before = size(folder)
            taken.append(best(lambda: tv.record(folder, **how), times=1))
            written.append(size(folder) - before)
    ratio, kilobytes = min(taken) / calls, max(written) / 1000
    print(f"a look at {jobs:,} jobs, 50 changed: {min(taken):.3f} s, two calls {calls:.3f} s,"
          f" ratio {ratio:.2f} (at most {LOOK_LIMIT}), {kilobytes:.0f} kB")  # fmt: skip
    return ratio <= LOOK_LIMIT and kilobytes < LOOK_KILOBYTES


def write_years(place_of: Path, jobs: int) -> None:
    """Write what looks would have written, two files a month, and compact it."""
    place = find_place(place_of)
    mark_history(place)
    number = int(timedelta(days=3 * 365) / STEP)
    moments = [START + STEP * look for look in range(number)]
    names = np.array(
        [f"{at:%Y%m%dT%H%M%S.000000Z}-{look % 65536:08x}" for look, at in enumerate(moments)]
    )
    months = np.array([f"{at:%Y-%m}" for at in moments])
    times = np.array([int(at.timestamp()) * 10**6 for at in moments])
    began = np.sort(np.random.default_rng(0).integers(0, number - 200, jobs))
    version = np.tile(np.arange(4), jobs)
    look = np.repeat(began, 4) + version * 37
    serial = np.repeat(np.arange(jobs), 4)
    rows = {
        "job_id": np.char.add("job", serial.astype("U8")), "status": np.array(STATUSES)[version],
        "job_name": np.char.add("name", (serial % 5000).astype("U8")),
        "current_status": np.char.add("TRAINING_JOB_", np.char.upper(np.array(STATUSES)[version])),
        "phase": np.array(PHASES)[version], "look_id": names[look], "is_gone": version < 0,
        "is_change": version > 0, "is_open": version < 3,
        "instance_type_id": "H100:8", "instance_type": "H100", "gpu_type": "H100",
    }  # fmt: skip
    for column in ("project_id", "project_name"):
        rows[column] = np.char.add("project", (serial % 200).astype("U8"))
    instants = {"created_at": np.repeat(times[began], 4), "seen_at": times[look],
                "updated_at": times[look] - 1000, "end_at": times[look] - 1000}  # fmt: skip
    count = len(serial)

    def column(field: pa.Field) -> pa.Array:
        if field.name in instants:
            return pa.array(instants[field.name]).cast(TIME)
        value = rows.get(field.name, 1 if pa.types.is_integer(field.type) else None)
        whole = (
            value
            if isinstance(value, np.ndarray)
            else pa.repeat(pa.scalar(value, field.type), count)
        )
        return pa.array(whole).cast(field.type)

    schema = schema_of("jobs")
    table = pa.table([column(field) for field in schema], schema=schema)
    for month in np.unique(months):
        of_month = table.filter(pa.array(months[look] == month))
        odd = pa.array(np.arange(of_month.num_rows) % 2 == 1)
        at = datetime.strptime(f"{month}-01 +0000", "%Y-%m-%d %z")
        for name, part in (("a", of_month.filter(odd)), ("b", of_month.filter(pc.invert(odd)))):
            write_table(place, file_name("jobs", at, name), part)
        mine = np.flatnonzero(months == month)
        own = {
            "look_id": names[mine],
            "parent_look_id": [names[one - 1] if one else None for one in mine],
        }
        own |= dict.fromkeys(("looked_at", "as_of", "seen_at"), pa.array(times[mine]).cast(TIME))
        own |= dict.fromkeys(
            ("jobs", "projects", "changed", "gone", "failed_calls"), np.zeros(len(mine), int)
        )
        looks = pa.table({field.name: own[field.name] for field in schema_of("looks")})
        write_table(place, file_name("looks", at, "a"), looks.cast(schema_of("looks")))
    tv.compact(place_of)


def years_of(jobs: int, folder: Path) -> bool:
    write_years(folder / "history", jobs)
    tv.load(folder / "history").to_parquet(folder / "newest")
    alone = best(lambda: tv.load(folder / "newest"))
    loaded = best(lambda: tv.load(folder / "history"))
    files = len(list((folder / "history/jobs").rglob("*.parquet")))
    print(f"three years of {jobs:,} jobs, {files} files: {loaded:.2f} s, the newest state alone"
          f" {alone:.2f} s, ratio {loaded / alone:.2f} (at most {LOAD_LIMIT})")  # fmt: skip
    return loaded / alone <= LOAD_LIMIT


def main() -> int:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    with tempfile.TemporaryDirectory() as folder:
        held = [looks_of(10_000, Path(folder) / "looks"), years_of(jobs, Path(folder) / "years")]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
