"""A loopback server that plays the whole API: with latency, disorder, storms of 429 and faults.

::

    with ApiServer(Api(jobs)) as server:
        tv.fetch(api_key="k", base_url=server.url)

`Api` says what each address answers; what goes wrong on the way is set on the server.
"""

import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 31, 18, tzinfo=UTC)


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def samples(
    start: datetime, end: datetime, step: int, value: Callable[[datetime], float]
) -> list[Any]:
    first = -(-int((start - EPOCH).total_seconds()) // step)
    last = -(-int((end - EPOCH).total_seconds()) // step)
    moments = [EPOCH + timedelta(seconds=number * step) for number in range(first, last)]
    return [{"timestamp": iso(moment), "value": value(moment)} for moment in moments]


class Api:
    """Answers about some jobs, as they are in a list of jobs.

    A job's life is [created_at, updated_at), in which every GPU of every node is busy by the value
    that `value` gives for (job id, node, gpu, moment).
    """

    def __init__(
        self,
        jobs: list[dict[str, Any]],
        *,
        projects: list[dict[str, Any]] | None = None,
        value: Callable[[str, int, int, datetime], float] = lambda *_: 0.5,
        coarsest: Callable[[timedelta], int] = lambda _: 0,
        administrator: bool = True,
    ) -> None:
        self.jobs = {job["id"]: job for job in jobs}
        self.projects = projects or []
        self.value = value
        self.coarsest = coarsest
        self.administrator = administrator
        self.bills: dict[str, Any] = {}
        # by project: path, size and type of what is in its cache
        self.cached: dict[str, list[tuple[str, int, str]]] = {}

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        for pattern, method in _ROUTES.items():
            if match := re.fullmatch(pattern, path):
                return getattr(self, method)(query, *match.groups())
        return 404, {"error": f"no {path}"}

    def training_projects(self, _query):
        return 200, {"training_projects": self.projects}

    def training_jobs(self, _query):
        return 200, {"training_jobs": list(self.jobs.values())}

    def prices(self, _query):
        types = {job["instance_type"]["id"]: job["instance_type"] for job in self.jobs.values()}
        return 200, {
            "instance_types": [
                {"instance_type": kind, "price": 0.05 * max(kind["gpu_count"], 1)}
                for kind in types.values()
            ]
        }

    def capacity(self, _query):
        row = {"gpu_type": "A10G", "baseline": 2, "limit": 8, "usage_count": 2}
        team = {"team_id": "t1", "team_name": "vision", **row}
        return 200, {"gpu_capacities": [row], "team_gpu_capacities": [team]}

    def bill(self, query):
        start, end = (datetime.fromisoformat(query[key]) for key in ("start_date", "end_date"))
        if start < datetime(2026, 1, 1, tzinfo=UTC) or end - start > timedelta(days=31):
            return 400, {"error": "the span is too long or too early"}
        return 200, self.bills.get(query["start_date"][:7], {"training_usage": None})

    def metrics(self, query, _project, job_id):
        if job_id not in self.jobs:
            return 404, {"error": "no such job"}
        job = self.jobs[job_id]
        start, end = (
            EPOCH + timedelta(milliseconds=int(query[f"{key}_epoch_millis"]))
            for key in ("start", "end")
        )
        step = max(int(query["step_seconds"]), self.coarsest(end - start))
        life = [datetime.fromisoformat(job[key]) for key in ("created_at", "updated_at")]
        start, end = max(start, life[0]), min(end, life[1])
        nodes = [
            {"node_id": f"node-{node}", "metrics": self._series(job, node, start, end, step)}
            for node in range(job.get("node_count") or 1)
        ]
        leader = nodes[0]["metrics"]
        return 200, {"training_job": job, "per_node_metrics": nodes, "cache": None, **leader}

    def _series(self, job, node, start, end, step):
        def of(gpu: int, factor: float) -> list[Any]:
            found = samples(
                start, end, step, lambda moment: factor * self.value(job["id"], node, gpu, moment)
            )
            random.Random(job["id"]).shuffle(found)  # noqa: S311 - the server promises no order
            return found

        ranks = range(job["instance_type"]["gpu_count"])
        return {
            "gpu_utilization": {str(rank): of(rank, 1) for rank in ranks},
            "gpu_memory_usage_bytes": {str(rank): of(rank, 2**30) for rank in ranks},
            "cpu_usage": of(0, 4),
            "cpu_memory_usage_bytes": of(0, 2**32),
            "ephemeral_storage": {"usage_bytes": of(0, 2**20), "utilization": of(0, 0.5)},
        }

    def checkpoints(self, _query, _project, job_id):
        checkpoint = {
            "checkpoint_id": "step-100",
            "training_job_id": job_id,
            "created_at": self.jobs[job_id]["updated_at"],
            "checkpoint_type": "lora",
            "base_model": "qwen",
            "lora_adapter_config": {"r": 16, "lora_alpha": 0.5},
            "size_bytes": 12_345,
            "sync_status": "COMPLETE",
        }
        return 200, {"training_job": self.jobs[job_id], "checkpoints": [checkpoint]}

    def caches(self, _query, project_id):
        if project_id not in self.cached:
            return 404, {"error": "no cache"}
        return 200, {
            "timestamp": iso(NOW),
            "project_id": project_id,
            "file_summaries": [
                {"path": path, "size_bytes": size, "modified": iso(NOW - timedelta(days=1)), "file_type": kind, "permissions": "rw-r--r--"}
                for path, size, kind in self.cached[project_id]
            ],
        }  # fmt: skip

    def logs(self, query, _project, job_id):
        end = datetime.fromisoformat(self.jobs[job_id]["updated_at"])
        nanoseconds = int((end - EPOCH).total_seconds()) * 10**9
        lines = [
            {"timestamp": str(nanoseconds - number), "message": f"line -{number}", "replica": None}
            for number in range(5)
        ]
        return 200, {"logs": lines[: int(query["limit"])]}

    def queue(self, _query, job_id):
        if not self.administrator:
            return 403, {"error": "administrators only"}
        job = self.jobs[job_id]
        if job["current_status"].endswith("DEPLOY_FAILED"):
            return 404, {"error": "not known"}
        waits = job["current_status"].endswith("PENDING")
        submitted = datetime.fromisoformat(job["created_at"])
        released = None if waits else iso(submitted + timedelta(minutes=6))
        return 200, {
            "target_job_id": job_id,
            "target_job_name": job["name"],
            "gpu_type": job["instance_type"]["gpu_type"],
            "requested_gpus": job["instance_type"]["gpu_count"],
            "submitted_at": job["created_at"],
            "released_at": released,
            "pending_seconds": None if waits else 360,
            "org_capacity": None,
            "team_capacity": None,
            "active_at_submit": [],
            "pending_ahead_at_submit": [{"training_job_id": "other", "requested_gpus": 4}],
            "events": [
                {
                    "training_job_id": job_id,
                    "status": "TRAINING_JOB_PENDING",
                    "created": job["created_at"],
                }
            ],
            "events_window_end": released or iso(NOW),
        }


_ROUTES = {
    r"/v1/training_projects": "training_projects",
    r"/v1/training_jobs/search": "training_jobs",
    r"/v1/instance_type_prices": "prices",
    r"/v1/training/capacity": "capacity",
    r"/v1/billing/usage_summary": "bill",
    r"/v1/training_projects/([^/]+)/jobs/([^/]+)/metrics": "metrics",
    r"/v1/training_projects/([^/]+)/jobs/([^/]+)/checkpoints": "checkpoints",
    r"/v1/training_projects/([^/]+)/jobs/([^/]+)/logs": "logs",
    r"/v1/training_projects/([^/]+)/cache/summary": "caches",
    r"/v1/training/jobs/([^/]+)/queue_context": "queue",
}


class ApiServer:
    """Serves an `Api` on 127.0.0.1 from creation to the end of the ``with`` block.

    Parameters
    ----------
    latency : float
        Seconds before each answer.
    trouble : callable
        Takes a path and how often it was asked for before; gives None, a status to answer with, or
        "truncate", "reset", "hang".
    now : datetime or None
        The server's clock, in its Date header; None for no such header.
    """

    def __init__(
        self,
        api: Any,
        *,
        latency: float = 0.0,
        trouble: Callable[[str, int], int | str | None] = lambda *_: None,
        retry_after: str | None = None,
        now: datetime | None = NOW,
    ) -> None:
        self.api, self.latency, self.trouble = api, latency, trouble
        self.retry_after, self.now = retry_after, now
        self.paths: list[str] = []
        self.queries: list[dict[str, str]] = []
        self.seen: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0
        self.keys: set[str] = set()
        self.closing = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                outer._serve(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer._serve(self)

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def asked(self, pattern: str) -> int:
        """How many requests matched."""
        return sum(bool(re.search(pattern, path)) for path in self.paths)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        address = urlsplit(handler.path)
        with self._lock:
            before = self.seen[address.path]
            self.seen[address.path] += 1
            self.paths.append(address.path)
            query = {key: values[0] for key, values in parse_qs(address.query).items()}
            self.queries.append(query)
            self.keys.add(handler.headers.get("Authorization", ""))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.latency:
                time.sleep(self.latency)
            trouble = self.trouble(address.path, before)
            if trouble == "hang":
                self.closing.wait(20)
            elif trouble == "reset":
                handler.close_connection = True
            else:
                self._reply(handler, address.path, query, trouble)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True
        finally:
            with self._lock:
                self.at_once -= 1

    def _reply(self, handler, path, query, trouble) -> None:
        if isinstance(trouble, int):
            status, body = trouble, b'{"error": "trouble"}'
        else:
            status, answer = self.api.answer(path, query)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        # one write, as a server with a buffer would
        lines = [
            f"HTTP/1.1 {status} .",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        if self.now is not None:
            lines.append(f"Date: {format_datetime(self.now, usegmt=True)}")
        if status == 429 and self.retry_after is not None:
            lines.append(f"Retry-After: {self.retry_after}")
        if trouble == "truncate":
            body, handler.close_connection = body[: len(body) // 2], True
        handler.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)
