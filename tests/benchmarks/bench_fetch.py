"""Metrics of many jobs through a server with latency: side by side against one after the other."""

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import requests

import trainview as tv
from tests.api_server import Api, ApiServer
from tests.builders import A10G, job

JOBS, LATENCY, STEP = 2_000, 0.05, 60
LEAST_SPEEDUP, MOST_GROWTH = 6.0, 1.25
START = datetime.fromisoformat("2026-03-01T10:00:00Z")
# One node of eight GPUs, for an hour.
MACHINE = A10G | {"gpu_count": 8}


class Canned:
    """The answer about one job, for all of them."""

    def __init__(self) -> None:
        one = job("a", instance_type=MACHINE, updated_at="2026-03-01T11:00:00Z")
        span = {
            "start_epoch_millis": str(int(START.timestamp() * 1000)),
            "end_epoch_millis": str(int((START + timedelta(hours=1)).timestamp() * 1000)),
            "step_seconds": str(STEP),
        }
        self.body = json.dumps(Api([one]).metrics(span, "p", "a")[1]).encode()

    def answer(self, _path: str, _query: dict[str, str]) -> tuple[int, bytes]:
        return 200, self.body


def serve(pipe, latency: float) -> None:
    with ApiServer(Canned(), latency=latency) as server:
        pipe.send(server.url)
        while pipe.recv() == "count":
            pipe.send(len(server.paths))


def jobs(number: int):
    found = [
        job(f"job{index:05d}", instance_type=MACHINE, updated_at="2026-03-01T11:00:00Z")
        for index in range(number)
    ]
    return tv.load({"training_jobs": found}).jobs


def fetch(url: str, number: int, folder: Path, **options: int):
    return tv.fetch_metrics(jobs(number), api_key="k", base_url=url, cache=folder, **options)


def plain_loop(url: str, number: int) -> None:
    """What a script would do: one call after the other, the answers parsed, nothing made of them."""
    with requests.Session() as session:
        for project_id, job_id in jobs(number)[["project_id", "job_id"]].itertuples(index=False):
            path = f"/v1/training_projects/{project_id}/jobs/{job_id}/metrics"
            session.get(url + path, params={"step_seconds": STEP}, timeout=30).json()


def peak(url: str, number: int, pipe) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fetch(url, number, Path(folder))
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def peak_of(url: str, number: int) -> float:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=peak, args=(url, number, theirs))
    process.start()
    found = ours.recv()
    process.join()
    return float(found)


def timed(work, *arguments, **options) -> float:
    began = time.perf_counter()
    work(*arguments, **options)
    return time.perf_counter() - began


def main() -> int:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, LATENCY))
    server.start()
    url = ours.recv()

    def count() -> int:
        ours.send("count")
        return int(ours.recv())

    try:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            size = len(Canned().body) / 1024
            print(f"{JOBS:,} jobs, {size:,.0f} KiB an answer, {LATENCY * 1000:.0f} ms latency")
            eight = timed(fetch, url, JOBS, place / "8")
            one = timed(fetch, url, JOBS, place / "1", concurrency=1)
            loop = timed(plain_loop, url, JOBS)
            print(f"fetch_metrics, 8 at once        {eight:7.1f} s")
            print(f"fetch_metrics, one at a time    {one:7.1f} s  {one / eight:5.1f} x")
            print(f"requests loop, parsed only      {loop:7.1f} s  {loop / eight:5.1f} x")
            before = count()
            fetch(url, JOBS // 2, place / "half")
            fetch(url, JOBS, place / "half")
            print(f"half, then all: {count() - before:,} requests for {JOBS:,} jobs")
            resumed = count() - before == JOBS
            again = timed(fetch, url, JOBS, place / "8")
            print(f"all from the cache              {again:7.1f} s")
        few, many = peak_of(url, JOBS // 8), peak_of(url, JOBS)
        print(f"peak memory: {few:.0f} MB for {JOBS // 8:,} jobs, {many:.0f} MB for {JOBS:,}")
    finally:
        ours.send("stop")
        server.join()
    missed = []
    if one / eight < LEAST_SPEEDUP:
        missed.append(f"side by side is less than {LEAST_SPEEDUP:g} times as fast")
    if many / few > MOST_GROWTH:
        missed.append("memory grows with the number of jobs")
    if not resumed:
        missed.append("a resumed run asks again for what it has")
    for text in missed:
        print(f"MISSED: {text}")
    return min(len(missed), 1)


if __name__ == "__main__":
    sys.exit(main())
