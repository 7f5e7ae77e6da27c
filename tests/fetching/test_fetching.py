"""Fetching for many jobs, against a server that plays the API, faults included."""

import itertools
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trainview as tv
from tests.api_server import Api, ApiServer, iso
from tests.builders import A10G, CPU, job, project
from tests.files.killed import mark_of_a_killed_process
from trainview.fetching.organisation import months
from trainview.fetching.series import POINTS
from trainview.files.cache import entry_path

KEY = "s3cret-key"
HOUR = timedelta(hours=1)


def many(number, **changes):
    return [job(f"job{index:03d}", **changes) for index in range(number)]


def load_jobs(jobs):
    return tv.load({"training_jobs": jobs}, as_of="2026-03-31T18:00:00Z").jobs


def fetch(server, jobs, what=tv.fetch_metrics, **options):
    return what(load_jobs(jobs), api_key=KEY, base_url=server.url, **options)


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    folder = tmp_path / "user-cache"
    monkeypatch.setattr("trainview.files.cache.default_folder", lambda: folder)
    return folder


def test_metrics_of_every_node_and_gpu_come_as_one_long_table_sorted_by_time():
    jobs = [job("a", node_count=2), job("b", instance_type=CPU)]
    with ApiServer(Api(jobs)) as server:
        fetched = fetch(server, jobs, step_seconds=1800)
    table = fetched.table
    assert list(table.columns) == list(tv.columns("metrics")["column"])
    gpu = table[(table["job_id"] == "a") & (table["metric"] == "gpu_utilization")]
    # two nodes of two GPUs for three hours at half an hour
    assert len(gpu) == 2 * 2 * 6
    assert set(gpu["node_id"]) == {"node-0", "node-1"}
    assert set(gpu["gpu"]) == {0, 1}
    assert gpu["timestamp"].is_monotonic_increasing
    assert set(table["step_seconds"]) == {1800.0}
    units = table[["metric", "unit"]].drop_duplicates().astype("str").set_index("metric")["unit"]
    assert units.to_dict() == {
        "gpu_utilization": "fraction",
        "gpu_memory_usage_bytes": "bytes",
        "cpu_usage": "cores",
        "cpu_memory_usage_bytes": "bytes",
        "ephemeral_storage_usage_bytes": "bytes",
        "ephemeral_storage_utilization": "fraction",
    }
    cpu_job = table[table["job_id"] == "b"]
    assert cpu_job["gpu"].isna().all()
    assert len(fetched.failures) == 0
    assert repr(fetched) == "<Fetched metrics of 2 jobs, 0 from the cache>"


def test_the_window_is_the_life_of_the_job_in_whole_steps():
    jobs = [job("a", created_at="2026-03-01T10:00:31Z", updated_at="2026-03-01T10:59:00Z")]
    with ApiServer(Api(jobs)) as server:
        fetch(server, jobs)
    [query] = server.queries
    start = datetime.fromtimestamp(int(query["start_epoch_millis"]) / 1000, UTC)
    end = datetime.fromtimestamp(int(query["end_epoch_millis"]) / 1000, UTC)
    assert start == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert end == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert query["step_seconds"] == "60"


def test_a_long_job_is_asked_for_in_pieces_and_each_sample_counts_once():
    long = job("a", updated_at="2026-03-04T10:00:00Z")
    with ApiServer(Api([long])) as server:
        table = fetch(server, [long]).table
    gpu = table[(table["metric"] == "gpu_utilization") & (table["gpu"] == 0)]
    assert len(gpu) == 3 * 24 * 60
    assert gpu["timestamp"].is_unique
    assert len(server.queries) == -(-(3 * 24 * 60 + 1) // POINTS)
    spans = [int(q["end_epoch_millis"]) - int(q["start_epoch_millis"]) for q in server.queries]
    assert max(spans) <= POINTS * 60_000


def test_an_answer_that_was_thinned_is_asked_for_again_in_halves():
    # the server gives a minute only for spans of up to four hours
    jobs = [job("a", updated_at="2026-03-02T10:00:00Z")]
    api = Api(jobs, coarsest=lambda span: 60 if span <= 4 * HOUR else 300)
    with ApiServer(api) as server:
        table = fetch(server, jobs).table
    gpu = table[(table["metric"] == "gpu_utilization") & (table["gpu"] == 1)]
    assert len(gpu) == 24 * 60
    assert set(gpu["step_seconds"]) == {60.0}


def test_finer_samples_are_found_however_short_the_pieces_must_be():
    jobs = [job("a", updated_at="2026-03-02T10:00:00Z")]
    api = Api(jobs, coarsest=lambda span: 60 if span <= HOUR else 300)
    with ApiServer(api) as server:
        table = fetch(server, jobs).table
    gpu = table[(table["metric"] == "gpu_utilization") & (table["gpu"] == 0)]
    assert len(gpu) == 24 * 60
    assert set(gpu["step_seconds"]) == {60.0}


def test_old_samples_that_are_coarse_do_not_spoil_newer_ones():
    jobs = [job("a", updated_at="2026-03-03T10:00:00Z")]
    api = Api(jobs)
    honest = api.metrics

    def metrics(query, project, job_id):
        is_old = int(query["start_epoch_millis"]) < 1_772_445_600_000  # 2026-03-02T10:00Z
        return honest(query | {"step_seconds": "300" if is_old else "60"}, project, job_id)

    api.metrics = metrics
    with ApiServer(api) as server:
        table = fetch(server, jobs).table
    late = table[table["timestamp"] >= "2026-03-03T00:00Z"]
    assert set(late["step_seconds"]) == {60.0}


def test_where_the_server_has_nothing_finer_the_step_that_came_is_told():
    jobs = [job("a", updated_at="2026-03-04T10:00:00Z")]
    with ApiServer(Api(jobs, coarsest=lambda _: 300)) as server:
        table = fetch(server, jobs).table
    assert set(table["step_seconds"]) == {300.0}
    gpu = table[(table["metric"] == "gpu_utilization") & (table["gpu"] == 0)]
    assert len(gpu) == 3 * 24 * 12
    # it found out with one piece, and did not ask for halves of the others
    assert len(server.queries) <= -(-(3 * 24 * 60 + 1) // POINTS) + 6


def test_jobs_that_wait_are_not_asked_for():
    jobs = [job("a", current_status="TRAINING_JOB_PENDING"), job("b")]
    with ApiServer(Api(jobs)) as server:
        assert set(fetch(server, jobs).table["job_id"]) == {"b"}
    assert server.asked("jobs/a/") == 0


def test_at_most_so_many_calls_are_on_their_way():
    jobs = many(12)
    with ApiServer(Api(jobs), latency=0.05) as server:
        fetch(server, jobs, concurrency=3)
    assert server.most_at_once == 3


@pytest.mark.parametrize("bad", [{"concurrency": 0}, {"concurrency": 99}, {"concurrency": True}, {"cache_limit_gib": -1}, {"step_seconds": 0}, {"step_seconds": 1.5}])  # fmt: skip
def test_arguments_out_of_range_are_named(bad):
    [(name, value)] = bad.items()
    with pytest.raises(tv.ArgumentError, match=f"{name}={value}"):
        tv.fetch_metrics(load_jobs(many(1)), api_key=KEY, base_url="http://127.0.0.1:9", **bad)


@pytest.mark.usefixtures("no_waiting")
def test_one_job_in_fifty_that_fails_does_not_cost_the_others():
    jobs = many(50)
    with ApiServer(Api(jobs), trouble=lambda path, _: 500 if "job007" in path else None) as server:
        fetched = fetch(server, jobs, step_seconds=3600)
    assert fetched.table["job_id"].nunique() == 49
    [failure] = fetched.failures.to_dict("records")
    assert failure["job_id"] == "job007"
    assert failure["project_id"] == "proj1"
    assert failure["error"] == "ApiError"
    assert "500" in failure["detail"]
    assert KEY not in failure["detail"]
    assert server.asked("job007") == 4


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("trouble", ["truncate", "reset", 502])
def test_faults_that_pass_are_asked_again(trouble):
    jobs = many(6)
    with ApiServer(Api(jobs), trouble=lambda _, n: trouble if n < 2 else None) as server:
        fetched = fetch(server, jobs, step_seconds=3600)
    assert len(fetched.failures) == 0
    assert fetched.table["job_id"].nunique() == 6
    assert len(server.paths) == 18


def test_an_answer_that_is_no_metrics_is_a_failure_with_its_place():
    jobs = many(2)
    api = Api(jobs)
    honest = api.answer
    api.answer = lambda path, query: (
        (200, b'{"per_node_metrics": [{"node_id": 7}]}')
        if "job001" in path
        else honest(path, query)
    )
    with ApiServer(api) as server:
        fetched = fetch(server, jobs, step_seconds=3600)
    [failure] = fetched.failures.to_dict("records")
    assert failure["error"] == "PayloadError"
    assert "per_node_metrics[0].node_id: expected text, got 7" in failure["detail"]


def test_in_a_storm_of_429_all_calls_wait_together_and_all_arrive():
    jobs = many(24)
    asked = []
    lock = threading.Lock()
    began = time.monotonic()

    def storm(_path, _before):
        with lock:
            asked.append(time.monotonic() - began)
            return 429 if 4 <= len(asked) <= 12 else None

    with ApiServer(Api(jobs), trouble=storm, retry_after="1") as server:
        fetched = fetch(server, jobs, step_seconds=3600, concurrency=8)
    assert len(fetched.failures) == 0
    assert fetched.table["job_id"].nunique() == 24
    gaps = [later - earlier for earlier, later in itertools.pairwise(sorted(asked))]
    # one pause of a second in which nobody asks
    assert max(gaps) > 0.7


def test_a_key_that_is_refused_midway_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    jobs = many(12)
    with (
        ApiServer(Api(jobs), trouble=lambda path, _: 401 if "job009" in path else None) as server,
        pytest.raises(tv.AuthError),
    ):
        fetch(server, jobs, concurrency=1, cache=False, step_seconds=3600)
    assert not list(tmp_path.glob("trainview-*"))


def test_the_key_is_not_shown_by_what_carries_it(monkeypatch):
    frames = []

    def look(*arguments):
        frames.append(repr(sys._getframe(1).f_locals) + repr(arguments))
        raise tv.NetworkError("enough")

    monkeypatch.setattr("trainview.fetching.jobs.fetch_each", look)
    for what in (tv.fetch_metrics, tv.fetch_checkpoints, tv.fetch_queue, tv.fetch_error_logs):
        with pytest.raises(tv.NetworkError):
            what(load_jobs(many(1)), api_key=KEY)
    assert len(frames) == 4
    assert not any(KEY in text for text in frames)


@pytest.mark.usefixtures("no_waiting")
def test_when_job_after_job_fails_the_rest_is_not_asked_for():
    jobs = many(60)
    with ApiServer(Api(jobs), trouble=lambda *_: 403) as server:
        fetched = fetch(server, jobs, concurrency=4)
    assert len(fetched.failures) == 60
    # beside those that were counted: as many handed over but not counted, and as many on their way
    assert len(server.paths) <= 20 + 2 * 4
    assert (
        fetched.failures["detail"].str.startswith("not asked, as 20 jobs in a row had failed").sum()
        >= 36
    )


def test_a_closed_client_asks_for_nothing_more():
    jobs = many(1)
    with ApiServer(Api(jobs), trouble=lambda *_: 429, retry_after="30") as server:
        client = tv.Client(KEY, base_url=server.url, rate_limit_retries=50)
        found = []
        thread = threading.Thread(target=lambda: found.append(outcome(client)))
        thread.start()
        while not server.paths:
            time.sleep(0.01)
        time.sleep(0.05)
        client.close()
        thread.join(5)
        assert not thread.is_alive()
        asked = len(server.paths)
        assert outcome(client).startswith("GET /v1/training/capacity: not sent")
        assert len(server.paths) == asked


def outcome(client):
    try:
        return client.get_training_capacity()
    except tv.TrainviewError as error:
        return str(error)


def test_a_refused_key_ends_it_at_once():
    jobs = many(40)
    with (
        ApiServer(Api(jobs), trouble=lambda *_: 401) as server,
        pytest.raises(tv.AuthError, match="refused the key") as caught,
    ):
        fetch(server, jobs, concurrency=4)
    assert len(server.paths) < 20
    assert KEY not in str(caught.value)


@pytest.mark.usefixtures("no_waiting")
def test_a_dead_server_fails_every_job_and_says_so():
    jobs = many(3)
    with ApiServer(Api(jobs)) as server:
        url = server.url
    fetched = tv.fetch_metrics(load_jobs(jobs), api_key=KEY, base_url=url)
    assert list(fetched.failures["error"]) == ["NetworkError"] * 3
    assert len(fetched.table) == 0
    assert list(fetched.table.columns) == list(tv.columns("metrics")["column"])


def test_what_has_ended_is_asked_for_once(private_cache):
    jobs = [*many(5), job("open", current_status="TRAINING_JOB_RUNNING")]
    with ApiServer(Api(jobs)) as server:
        first = fetch(server, jobs, step_seconds=3600)
        assert (first.asked, first.cached) == (6, 0)
        again = fetch(server, jobs, step_seconds=3600)
        assert (again.asked, again.cached) == (0, 6)
        pd.testing.assert_frame_equal(first.table, again.table)
        # later, only the open job can have changed
        later = tv.load({"training_jobs": jobs}, as_of="2026-03-31T19:00:00Z").jobs
        third = tv.fetch_metrics(later, api_key=KEY, base_url=server.url, step_seconds=3600)
        assert (third.asked, third.cached) == (1, 5)
        assert fetch(server, jobs, step_seconds=900).asked == 6
        assert fetch(server, jobs, step_seconds=900, refresh=True).asked == 6
        before = sorted(path for path in private_cache.rglob("*") if path.is_file())
        assert fetch(server, jobs, step_seconds=900, cache=False).asked == 6
    assert sorted(path for path in private_cache.rglob("*") if path.is_file()) == before
    assert len(server.keys) == 1


def test_what_ended_a_moment_ago_is_asked_for_once_more_when_its_last_samples_are_there(
    monkeypatch,
):
    now = datetime.now(UTC).replace(microsecond=0)
    ended = now - timedelta(minutes=5)
    jobs = [job("a", created_at=iso(ended - HOUR), updated_at=iso(ended))]
    with ApiServer(Api(jobs)) as server:
        table = tv.load({"training_jobs": jobs}, as_of=now).jobs
        ask = partial(tv.fetch_metrics, table, api_key=KEY, base_url=server.url)
        assert [ask().asked for _ in range(2)] == [1, 0]
        monkeypatch.setattr("trainview.fetching.each_job.SETTLED", timedelta(minutes=4))
        assert [ask().asked for _ in range(2)] == [1, 0]


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_the_cache_is_private_and_holds_no_key(private_cache):
    jobs = many(2)
    with ApiServer(Api(jobs)) as server:
        fetch(server, jobs, step_seconds=3600)
    for path in [private_cache, *private_cache.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if path.is_file() else 0o700)
        assert path.is_dir() or KEY.encode() not in path.read_bytes()
    assert not list(private_cache.rglob("*.tmp"))


def test_no_id_leads_out_of_the_cache_or_to_the_file_of_another(tmp_path):
    ids = ["a", "A", "../a", "..", "a/b", "a" * 200, "ä", "con.", ""]
    paths = {entry_path(tmp_path, "metrics", job_id) for job_id in ids}
    assert len({str(path).lower() for path in paths}) == len(ids)
    assert {path.parent for path in paths} == {tmp_path / "v1" / "metrics"}
    jobs = load_jobs([job("a")]).assign(job_id="../a")
    with ApiServer(Api([job("a")])) as server:
        fetched = tv.fetch_metrics(jobs, api_key=KEY, base_url=server.url)
    assert list(fetched.failures["error"]) == ["ArgumentError"]
    assert server.paths == []


def test_a_damaged_file_of_the_cache_is_as_good_as_none():
    jobs = many(3)
    with ApiServer(Api(jobs)) as server:
        first = fetch(server, jobs, step_seconds=3600)
        files = first.files["metrics"]
        files[0].write_bytes(b"")
        files[1].write_bytes(files[1].read_bytes()[:200])
        again = fetch(server, jobs, step_seconds=3600)
        assert (again.asked, again.cached) == (2, 1)
        whole = again.table
        for place in (4, 200, -40):
            content = bytearray(files[2].read_bytes())
            content[place] ^= 1
            files[2].write_bytes(content)
            again = fetch(server, jobs, step_seconds=3600)
            assert (again.asked, again.cached) == (1, 2)
            pd.testing.assert_frame_equal(again.table, whole)
        # damaged after it was found: told when it is read, and healed by the next run
        files[2].write_bytes(bytes(200) + files[2].read_bytes()[200:])
        with pytest.raises(tv.SourceError, match="fetch again"):
            again.read()
        pd.testing.assert_frame_equal(fetch(server, jobs, step_seconds=3600).table, whole)


def test_the_cache_keeps_to_its_limit_and_drops_what_was_not_used_for_longest(private_cache):
    old, new = many(3), [job("new")]
    with ApiServer(Api([*old, *new])) as server:
        fetched = fetch(server, old, step_seconds=3600)
        for age, path in enumerate(fetched.files["metrics"]):
            os.utime(path, (1e9 + age, 1e9 + age))
        left_behind = fetched.files["metrics"][0].with_name(f".{mark_of_a_killed_process()}")
        left_behind.touch()
        size = fetched.files["metrics"][0].stat().st_size
        fetch(server, new, step_seconds=3600, cache_limit_gib=2.5 * size / 2**30)
    left = {path.stem for path in private_cache.rglob("*.parquet")}
    assert left == {"job002", "new"}
    assert not left_behind.exists()


def test_what_was_just_fetched_stays_however_small_the_cache_shall_be():
    jobs = many(3)
    with ApiServer(Api(jobs)) as server:
        first = fetch(server, jobs, step_seconds=3600, cache_limit_gib=0)
        fetch(server, [job("other")], step_seconds=3600, cache_limit_gib=0)
    assert first.table["job_id"].nunique() == 3


def test_files_that_vanished_say_what_to_do():
    jobs = many(1)
    with ApiServer(Api(jobs)) as server:
        fetched = fetch(server, jobs, step_seconds=3600)
    fetched.files["metrics"][0].unlink()
    with pytest.raises(tv.SourceError, match="fetch again"):
        fetched.read()


def test_without_a_cache_the_files_go_with_the_result():
    jobs = many(1)
    with ApiServer(Api(jobs)) as server:
        fetched = fetch(server, jobs, step_seconds=3600, cache=False)
    [path] = fetched.files["metrics"]
    assert len(fetched.table) > 0
    del fetched
    assert not path.exists()


def test_a_cache_that_cannot_be_written_ends_it_with_one_line(tmp_path):
    jobs = many(2)
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with (
        ApiServer(Api(jobs)) as server,
        pytest.raises(tv.OutputError, match=r"cannot write .*file"),
    ):
        fetch(server, jobs, cache=blocked)


def test_a_full_disk_ends_it_with_one_line_and_loses_nothing(monkeypatch):
    jobs = many(3)
    real, calls = pq.write_table, itertools.count()

    def full(*args, **kwargs):
        if next(calls) == 1:
            raise OSError(28, "No space left on device")
        return real(*args, **kwargs)

    monkeypatch.setattr("trainview.files.cache.pq.write_table", full)
    with ApiServer(Api(jobs)) as server:
        with pytest.raises(tv.OutputError, match="No space left on device: free some space"):
            fetch(server, jobs, concurrency=1, step_seconds=3600)
        again = fetch(server, jobs, step_seconds=3600)
    assert again.cached >= 1
    assert again.table["job_id"].nunique() == 3


INTERRUPTED = """
import sys, trainview as tv
jobs = tv.load(sys.argv[1], as_of="2026-03-31T18:00:00Z").jobs
try:
    tv.fetch_metrics(jobs, api_key="k", base_url=sys.argv[2], cache=sys.argv[3], step_seconds=3600, concurrency=4)
except KeyboardInterrupt as stop:
    print(stop)
    sys.exit(130)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_keeps_what_has_come_and_the_next_run_asks_only_for_the_rest(tmp_path):
    jobs = many(60)
    saved = tmp_path / "jobs.json"
    tv.load({"training_jobs": jobs}).to_json(saved)
    cache = tmp_path / "cache"
    with ApiServer(Api(jobs), latency=0.5) as server:
        words = [sys.executable, "-c", INTERRUPTED, saved, server.url, cache]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while len(server.paths) < 20:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=10)
        assert process.returncode == 130
        kept = len(list(cache.rglob("*.parquet")))
        assert 8 <= kept < 60
        assert "of 60 jobs are kept, run it again to go on" in said
        asked_before = len(server.paths)
        server.latency = 0
        again = fetch(server, jobs, step_seconds=3600, cache=cache)
    assert again.cached == kept
    assert len(server.paths) - asked_before == 60 - kept
    assert again.table["job_id"].nunique() == 60


def test_checkpoints_that_are_still_uploaded_are_asked_for_again_later():
    jobs = many(1)
    api = Api(jobs)
    honest = api.checkpoints
    state = {"sync_status": "SYNCING"}

    def checkpoints(*arguments):
        status, answer = honest(*arguments)
        answer["checkpoints"][0] |= state
        return status, answer

    api.checkpoints = checkpoints
    with ApiServer(api) as server:
        assert list(fetch(server, jobs, tv.fetch_checkpoints).table["sync_status"]) == ["SYNCING"]
        state["sync_status"] = "COMPLETE"
        later = fetch(server, jobs, tv.fetch_checkpoints)
        assert list(later.table["sync_status"]) == ["COMPLETE"]
        assert fetch(server, jobs, tv.fetch_checkpoints).asked == 0


def test_checkpoints():
    jobs = many(2)
    with ApiServer(Api(jobs)) as server:
        table = fetch(server, jobs, tv.fetch_checkpoints).table
    assert list(table.columns) == list(tv.columns("checkpoints")["column"])
    assert list(table["job_id"]) == ["job000", "job001"]
    assert list(table["size_bytes"]) == [12_345] * 2
    assert table["lora_adapter_config"][0] == '{"r": 16, "lora_alpha": 0.5}'


def test_the_queue_with_jobs_of_which_nothing_is_told():
    jobs = [
        job("done"),
        job("waits", current_status="TRAINING_JOB_PENDING", created_at="2026-03-31T16:00:00Z", updated_at="2026-03-31T16:00:00Z"),
        job("unknown", current_status="TRAINING_JOB_DEPLOY_FAILED"),
        job("cpu", instance_type=CPU),
    ]  # fmt: skip
    with ApiServer(Api(jobs)) as server:
        fetched = fetch(server, jobs, tv.fetch_queue)
        again = fetch(server, jobs, tv.fetch_queue)
    queue = fetched.table.set_index("job_id")
    assert queue["waited_hours"].to_dict() == {"done": 0.1, "waits": 2.0}
    assert queue["is_waiting"].to_dict() == {"done": False, "waits": True}
    assert queue.loc["done", ["ahead_jobs", "ahead_gpus", "ahead_job_ids"]].to_list() == [
        1,
        4,
        "other",
    ]
    assert set(fetched.read("status_events")["status"]) == {"pending"}
    assert (fetched.unavailable, len(fetched.failures)) == (1, 0)
    assert "1 not available" in repr(fetched)
    assert server.asked("jobs/cpu/") == 0
    # what is not told about a job that has ended is not asked for again
    assert (again.asked, again.cached) == (0, 3)
    with pytest.raises(tv.ArgumentError, match="no table 'metrics' was fetched: there is queue"):
        fetched.read("metrics")


def test_a_job_that_was_stopped_in_the_queue_waits_no_more_and_is_asked_for_once():
    stopped = job("stopped", current_status="TRAINING_JOB_STOPPED", created_at="2026-03-31T10:00:00Z", updated_at="2026-03-31T12:30:00Z")  # fmt: skip

    class Stopped(Api):
        def queue(self, query, job_id):
            status, answer = super().queue(query, job_id)
            return status, answer | {
                "released_at": None,
                "pending_seconds": None,
                "events_window_end": "2026-03-31T18:00:00Z",
            }

    with ApiServer(Stopped([stopped])) as server:
        fetched = fetch(server, [stopped], tv.fetch_queue)
        later = tv.load({"training_jobs": [stopped]}, as_of="2026-04-01T18:00:00Z").jobs
        again = tv.fetch_queue(later, api_key=KEY, base_url=server.url)
    [row] = fetched.table.to_dict("records")
    assert pd.isna(row["released_at"])
    assert (row["is_waiting"], row["waited_hours"]) == (False, 2.5)
    assert row["observed_until"] == pd.Timestamp("2026-03-31T12:30:00Z")
    assert again.cached == 1
    waits = tv.queue_waits(fetched.table).iloc[0]
    assert (waits["jobs"], waits["waiting"], waits["longest_wait"]) == (1, 0, 2.5)
    assert pd.isna(waits["p50"])


def test_the_queue_is_for_administrators_and_that_is_no_failure():
    jobs = many(20)
    with ApiServer(Api(jobs, administrator=False)) as server:
        fetched = fetch(server, jobs, tv.fetch_queue, concurrency=2)
    assert fetched.unavailable == 20
    assert len(fetched.failures) == 0
    assert len(fetched.table) == len(fetched.read("status_events")) == 0
    # after the first refusal nobody asks again
    assert len(server.paths) <= 2


def test_error_logs_are_the_last_lines_of_failed_jobs():
    jobs = [job("a", current_status="TRAINING_JOB_FAILED"), job("b")]
    with ApiServer(Api(jobs)) as server:
        logs = fetch(server, jobs, tv.fetch_error_logs, lines=3).table
        [query] = server.queries
    assert list(logs["job_id"]) == ["a"] * 3
    assert list(logs["message"]) == ["line -2", "line -1", "line -0"]
    assert query["limit"] == "3"
    assert query["direction"] == "desc"
    assert "min_level" not in query
    span = int(query["end_epoch_millis"]) - int(query["start_epoch_millis"])
    assert span <= 7 * 24 * 3600 * 1000
    with pytest.raises(tv.ArgumentError, match="lines=1001"):
        tv.fetch_error_logs(load_jobs(jobs), lines=1001)


def bill(day, minutes, subtotal, **resource):
    known = {"id": "a", "kind": "TRAINING_JOB", "is_deleted": False, "model_name": "p"} | resource
    daily = [{"date": day, "minutes": minutes, "subtotal": subtotal}]
    return {"billable_resource": known, "minutes": minutes, "subtotal": subtotal, "daily": daily}


def usage(*jobs, **totals):
    total = str(sum(Decimal(str(job["subtotal"])) for job in jobs))
    minutes = sum(job["minutes"] for job in jobs)
    whole = {"subtotal": total, "credits_used": 0, "total": total, "minutes": minutes}
    return {"training_usage": whole | {"breakdown": list(jobs)} | totals}


def test_bills_are_asked_for_month_by_month_and_money_is_exact():
    api = Api([])
    api.bills = {
        "2026-01": usage(bill("2026-01-31", 10, "0.10"), bill("2026-01-31", 10, 0.2, id="b", is_deleted=True)),
        "2026-02": usage(bill("2026-02-01", 20, "0.30")),
        "2026-03": usage(breakdown=None, total="7.5", minutes=3),
    }  # fmt: skip
    with ApiServer(api) as server:
        bills = tv.fetch_billing(until="2026-03-31T18:00:00Z", api_key=KEY, base_url=server.url)
    spans = [(q["start_date"], q["end_date"]) for q in server.queries]
    assert spans == [
        ("2026-01-01T00:00:00Z", "2026-01-31T23:59:59Z"),
        ("2026-02-01T00:00:00Z", "2026-02-28T23:59:59Z"),
        ("2026-03-01T00:00:00Z", "2026-03-31T18:00:00Z"),
    ]
    assert list(bills.columns) == list(tv.columns("billing")["column"])
    assert bills["subtotal_usd"].to_list() == [0.1, 0.2, 0.3, 7.5]
    assert list(bills["is_deleted"]) == [False, True, False, False]
    assert bills["job_id"].isna().to_list() == [False, False, False, True]
    assert bills["date"].isna().to_list() == [False, False, False, True]


def test_what_is_billed_beside_training_is_told_when_bills_are_fetched():
    api = Api([])
    others = {"dedicated_usage": {"total": "12.5"}}
    api.bills = {"2026-03": usage(breakdown=None, total="7.5", minutes=3) | others}
    told = "bill of March 2026: 12.50 USD for dedicated deployments, not in the billing table"
    with ApiServer(api, now=datetime(2026, 3, 31, 18, tzinfo=UTC)) as server:
        where = {"api_key": KEY, "base_url": server.url}
        with pytest.warns(tv.DataWarning, match=told):
            tv.fetch_billing("2026-03-01T00:00Z", "2026-03-31T18:00Z", **where)
        assert told in tv.fetch(include="billing", **where).notes


@settings(deadline=None)
@given(st.datetimes(datetime(2025, 6, 1), datetime(2030, 1, 1)), st.integers(1, 900 * 24))  # noqa: DTZ001
def test_months_cover_a_span_without_gap_overlap_or_a_call_of_over_31_days(first, hours):
    first = first.replace(tzinfo=UTC)
    last = first + timedelta(hours=hours)
    found = list(months(first, last))
    for start, end in found:
        assert timedelta(0) < end - start < timedelta(days=31)
        assert start.day == 1
        assert start >= datetime(2026, 1, 1, tzinfo=UTC)
    for (_, end), (start, _) in itertools.pairwise(found):
        assert start - end == timedelta(seconds=1)
    if found:
        assert found[0][0] <= max(first, datetime(2026, 1, 1, tzinfo=UTC))
        assert last - found[-1][1] <= timedelta(seconds=1)


def test_no_span_is_shorter_than_a_second():
    march = datetime(2026, 3, 1, tzinfo=UTC)
    for microseconds, calls in [(0, 2), (1, 2), (999_999, 2), (1_000_000, 3)]:
        last = march + timedelta(microseconds=microseconds)
        assert len(list(months(march - timedelta(days=50), last))) == calls


def test_bills_before_there_were_any_are_refused():
    with pytest.raises(tv.ArgumentError, match="bills begin on 2026-01-01"):
        tv.fetch_billing("2025-01-01T00:00:00Z", "2025-12-31T00:00:00Z", api_key=KEY)
    with pytest.raises(tv.ArgumentError, match="since='yesterday': give a moment with a time zone"):
        tv.fetch_billing("yesterday", api_key=KEY)


def test_prices_and_capacity():
    with ApiServer(Api([job(), job("b", instance_type=CPU)])) as server:
        prices = tv.fetch_prices(api_key=KEY, base_url=server.url)
        capacity = tv.fetch_capacity(api_key=KEY, base_url=server.url)
    assert prices.set_index("instance_type_id")["usd_per_minute"].to_dict() == {
        A10G["id"]: 0.1,
        CPU["id"]: 0.05,
    }
    assert list(prices.columns) == list(tv.columns("prices")["column"])
    assert capacity[["team_name", "gpu_type", "limit"]].astype(object).where(
        capacity[["team_name", "gpu_type", "limit"]].notna(), None
    ).to_numpy().tolist() == [[None, "A10G", 8], ["vision", "A10G", 8]]


def test_what_is_odd_in_prices_and_limits_is_told_and_noted():
    class Odd(Api):
        """Spells a type in two ways, and lists instance types twice."""

        def capacity(self, query):
            _, answer = super().capacity(query)
            [limit] = answer["gpu_capacities"]
            ways = [limit | {"gpu_type": name} for name in ("A100-40GB", "A100_40GB")]
            return 200, answer | {"gpu_capacities": ways}

        def prices(self, query):
            _, answer = super().prices(query)
            return 200, {"instance_types": answer["instance_types"] * 2}

    client = {"api_key": KEY}
    spelled, twice = "A100-40GB, A100_40GB", "1 duplicate instance type in the prices"
    with ApiServer(Odd([job()])) as server:
        client["base_url"] = server.url
        with pytest.warns(tv.DataWarning, match=spelled):
            assert len(tv.fetch_capacity(**client)) == 3
        with pytest.warns(tv.DataWarning, match=twice):
            assert len(tv.fetch_prices(**client)) == 1
        with pytest.warns(tv.DataWarning) as told:
            snap = tv.fetch(include=["capacity", "prices"], **client)
    assert {warning.filename for warning in told} == {__file__}
    assert len(told) == 2
    for part in (spelled, twice):
        assert sum(part in note for note in snap.notes) == 1


@pytest.mark.usefixtures("no_waiting")
def test_fetch_can_include_everything_and_tells_what_it_could_not_get():
    jobs = [job("a"), job("b", current_status="TRAINING_JOB_FAILED")]
    api = Api(jobs, projects=[project()])
    with ApiServer(
        api, trouble=lambda path, _: 500 if path.endswith("b/metrics") else None
    ) as server:
        with pytest.warns(tv.DataWarning, match="metrics of 1 job could not be fetched: .*500"):
            snap = tv.fetch(include="everything", api_key=KEY, base_url=server.url)
        plain = tv.fetch(include=(), api_key=KEY, base_url=server.url)
    for name in ("prices", "capacity", "queue", "status_events", "checkpoints", "metrics", "logs"):
        assert len(getattr(snap, name)) > 0, name
        assert len(getattr(plain, name)) == 0, name
    assert snap.not_fetched[["table", "job_id", "error"]].to_numpy().tolist() == [
        ["metrics", "b", "ApiError"]
    ]
    assert len(plain.not_fetched) == 0
    with pytest.raises(tv.ArgumentError, match="include='money': choose one of prices, capacity"):
        tv.fetch(include="money", api_key=KEY, base_url=server.url)


def test_a_folder_that_fetch_wrote_is_loaded_with_all_its_tables(tmp_path):
    from trainview.fetching.snapshots import fetch_folder

    jobs = [job("a"), job("b", node_count=2)]
    with ApiServer(Api(jobs, projects=[project()])) as server:
        snap, files = fetch_folder(
            tmp_path / "fleet", include="everything", api_key=KEY, base_url=server.url
        )
        direct = tv.fetch(include="everything", api_key=KEY, base_url=server.url)
    assert files[-1].name == "trainview.json"
    loaded = tv.load(tmp_path / "fleet")
    for name in tv.columns()["table"].unique():
        pd.testing.assert_frame_equal(getattr(loaded, name), getattr(direct, name), obj=name)
    assert len(snap.not_fetched) == 0
    # samples are by time in memory, and lie series by series where lazy tables read them
    direct.to_parquet(tmp_path / "again")
    for folder in ("fleet", "again"):
        table = pq.read_table(tmp_path / folder / "metrics.parquet")
        series = table.select(["job_id", "node_id", "gpu", "metric", "timestamp"]).to_pylist()
        order = [[(one is None, one) for one in row.values()] for row in series]
        assert order == sorted(order)


FAULTS = {403: "AuthError", 404: "NotFoundError", 500: "ApiError", "reset": "NetworkError", "bad": "PayloadError"}  # fmt: skip
ADDRESSES = {"prices": "instance_type_prices", "capacity": "capacity", "billing": "usage_summary"}


def refusing(name, trouble):
    """A server that has trouble with one call about the organisation."""
    api = Api([job("a")], projects=[project()])
    honest = api.answer
    if trouble == "bad":
        api.answer = lambda path, query: (
            (200, b'{"instance_types": 1, "gpu_capacities": 1, "training_usage": 1}')
            if path.endswith(ADDRESSES[name])
            else honest(path, query)
        )
        return ApiServer(api)
    return ApiServer(
        api, trouble=lambda path, _: trouble if path.endswith(ADDRESSES[name]) else None
    )


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("trouble", FAULTS)
@pytest.mark.parametrize("name", ADDRESSES)
def test_a_call_about_the_organisation_that_fails_does_not_cost_the_rest(name, trouble, tmp_path):
    from trainview.fetching.snapshots import fetch_folder

    with refusing(name, trouble) as server:
        address = {"api_key": KEY, "base_url": server.url}
        include = [*ADDRESSES, "checkpoints"]
        with pytest.warns(tv.DataWarning, match=f"^{name} could not be fetched: ") as told:
            snap = tv.fetch(include=include, **address)
        assert len(told) == 1
        with pytest.warns(tv.DataWarning, match=f"^{name} could not be fetched: "):
            fetch_folder(tmp_path / "fleet", include=include, **address)
    [failure] = snap.not_fetched.to_dict("records")
    assert (failure["table"], failure["error"]) == (name, FAULTS[trouble])
    assert snap.not_fetched[["job_id", "project_id"]].isna().to_numpy().all()
    assert (snap.not_fetched.dtypes == "str").all()
    assert failure["detail"]
    assert len(getattr(snap, name)) == 0
    for other in {"prices", "capacity", "checkpoints"} - {name}:
        assert len(getattr(snap, other)) > 0
    with pytest.warns(tv.DataWarning, match=f"^{name} could not be fetched when this was saved"):
        loaded = tv.load(tmp_path / "fleet")
    pd.testing.assert_frame_equal(loaded.not_fetched, snap.not_fetched)


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_refused_key_is_no_gap(name):
    with refusing(name, 401) as server, pytest.raises(tv.AuthError, match="refused the key"):
        tv.fetch(include=name, api_key=KEY, base_url=server.url)


@pytest.mark.parametrize("address", ["training_projects", "search"])
def test_without_projects_and_jobs_there_is_nothing(address):
    api = Api([job("a")], projects=[project()])
    with (
        ApiServer(api, trouble=lambda path, _: 404 if path.endswith(address) else None) as server,
        pytest.raises(tv.NotFoundError),
    ):
        tv.fetch(include="prices", api_key=KEY, base_url=server.url)


def test_a_small_cache_does_not_push_out_what_the_same_fetch_still_reads(monkeypatch):
    monkeypatch.setattr("trainview.files.cache._HOUR", 0)
    jobs = many(4)
    with ApiServer(Api(jobs, projects=[project()])) as server:
        where = {"api_key": KEY, "base_url": server.url, "cache_limit_gib": 0}
        snap = tv.fetch(include=["queue", "metrics", "logs"], **where)
    assert snap.metrics["job_id"].nunique() == len(snap.queue) == 4
