import json
from datetime import timedelta

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import trainview as tv
from tests.api_server import NOW, Api, ApiServer
from tests.builders import job, payload, project
from tests.cli.shell import trainview
from tests.history.states import iso, saved, states
from tests.properties import examples

CORE = ("projects", "jobs", "instance_types")


def in_order(frame):
    return frame.sort_values(frame.columns[0], ignore_index=True)


def assert_same(found, wanted):
    assert found.as_of == wanted.as_of
    for name in CORE:
        assert_frame_equal(in_order(getattr(found, name)), in_order(getattr(wanted, name)))


@settings(max_examples=examples(15))
@given(st.integers(0, 10**6), st.data())
def test_each_state_is_read_back_in_whatever_order_it_was_recorded(tmp_path_factory, seed, data):
    dest = tmp_path_factory.mktemp("history")
    found = states(seed, looks=5)
    shuffled = data.draw(st.permutations(found))
    joined = data.draw(st.sampled_from([0, 3, 5]))
    for number, state in enumerate(shuffled):
        if number == joined:
            tv.compact(dest) if number else None
        tv.record(dest, snapshots=[saved(state)])
    if joined == len(found):
        tv.compact(dest)
    for state in found:
        assert_same(tv.load(dest, at=state[0]), tv.load(saved(state)))
    assert_same(tv.load(dest), tv.load(saved(found[-1])))


def test_what_did_not_change_is_not_written_again(tmp_path):
    first = states(1, looks=5)[-1]
    second = (first[0] + timedelta(minutes=5), first[1])
    looks = tv.record(tmp_path, snapshots=[saved(first), saved(second)])
    assert looks["changed"].tolist() == [
        len(first[1]["training_jobs"]) + len(first[1]["training_projects"]),
        0,
    ]
    assert len(list(tmp_path.glob("jobs/*/*.parquet"))) == 1
    assert tv.load(tmp_path).as_of == second[0]


def test_a_moment_between_two_looks_has_the_state_of_the_first(tmp_path):
    (one, two) = states(3, looks=2)
    tv.record(tmp_path, snapshots=[saved(two), saved(one)])
    between = one[0] + (two[0] - one[0]) / 2
    found = tv.load(tmp_path, at=between)
    assert found.as_of == between
    assert set(found.jobs["job_id"]) == {record["id"] for record in one[1]["training_jobs"]}
    with pytest.raises(tv.SourceError, match="nothing was recorded up to"):
        tv.load(tmp_path, at=one[0] - timedelta(seconds=1))
    with pytest.raises(tv.ArgumentError, match="at="):
        tv.load(saved(one), at=between)


def test_months_behind_the_moment_are_not_read(tmp_path):
    found = states(5, looks=16)
    tv.record(tmp_path, snapshots=map(saved, found[::15]))
    for path in tmp_path.glob("[jp]*/month=2026-02/*.parquet"):
        path.write_bytes(b"not read")
    assert_same(tv.load(tmp_path, at=found[0][0]), tv.load(saved(found[0])))
    assert tv.scan(tmp_path, at=found[0][0]).jobs.collect().height == len(
        found[0][1]["training_jobs"]
    )
    with pytest.raises(tv.PayloadError, match="month=2026-02"):
        tv.load(tmp_path)


def test_a_job_that_is_touched_after_its_end_keeps_the_end_that_was_seen_first(tmp_path):
    ended = job("j1", created_at="2026-03-01T10:00:00Z", updated_at="2026-03-01T12:00:00Z")
    lists = {"training_projects": [project()], "training_jobs": [ended]}
    touched = {**lists, "training_jobs": [ended | {"updated_at": "2026-03-05T12:00:00Z"}]}
    sources = [
        payload(trainview={"format": 1, "as_of": moment}, **answer)
        for moment, answer in (("2026-03-02T00:00:00Z", lists), ("2026-03-06T00:00:00Z", touched))
    ]
    tv.record(tmp_path, snapshots=sources)
    [found] = tv.load(tmp_path).jobs.to_dict("records")
    assert (found["elapsed_hours"], found["updated_at"]) == (2.0, pd.Timestamp("2026-03-05T12Z"))


def test_status_intervals_are_bounded_by_looks(tmp_path):
    moments = [NOW + timedelta(minutes=10 * number) for number in range(5)]
    words = ["PENDING", "RUNNING", "RUNNING", "COMPLETED"]
    sources = []
    for moment, word in zip(moments, [*words, None], strict=True):
        jobs = [] if word is None else [
            job("j1", created_at=iso(NOW), updated_at=iso(moment), current_status=f"TRAINING_JOB_{word}")
        ]  # fmt: skip
        sources.append(saved((moment, {"training_projects": [project()], "training_jobs": jobs})))
    tv.record(tmp_path, snapshots=sources)
    found = tv.status_intervals(tmp_path)
    times = found[["from_after", "from_before", "to_after", "to_before"]]
    at = [pd.Timestamp(moment).as_unit("us") for moment in moments]
    assert found["status"].tolist() == ["pending", "running", "completed"]
    expected = pd.DataFrame(
        [[pd.NaT, at[0], at[0], at[1]], [at[0], at[1], at[2], at[3]], [at[2], at[3], at[3], at[4]]]
    )
    assert_frame_equal(times, expected.set_axis(times.columns, axis=1).astype(times.dtypes))
    assert found["hours_low"].tolist() == pytest.approx([0, 1 / 6, 0])
    assert found["hours_high"].tolist()[1:] == pytest.approx([0.5, 1 / 3])
    assert pd.isna(found["hours_high"].iloc[0])
    phases = tv.job_phases(tv.load(tmp_path, at=moments[3]).jobs, history=found)
    [row] = phases.to_dict("records")
    assert (row["basis"], row["started_at"]) == ("history", at[0] + (at[1] - at[0]) / 2)


def test_live_looks_ask_only_about_jobs_that_changed(tmp_path):
    running = job(
        "j1",
        created_at=iso(NOW - timedelta(hours=3)),
        updated_at=iso(NOW - timedelta(hours=1)),
        current_status="TRAINING_JOB_RUNNING",
    )
    done = job(
        "j2", created_at=iso(NOW - timedelta(hours=3)), updated_at=iso(NOW - timedelta(hours=2))
    )
    api = Api([running, done], projects=[project()])
    with ApiServer(api) as server:
        how = {"api_key": "k", "base_url": server.url, "cache": False}
        tv.record(tmp_path, include="metrics", **how)
        asked = server.asked("metrics")
        assert asked >= 2
        tv.record(tmp_path, include="metrics", **how)
        assert server.asked("metrics") == asked
        api.jobs["j1"] = running | {
            "current_status": "TRAINING_JOB_COMPLETED",
            "updated_at": iso(NOW),
        }
        server.now = NOW + timedelta(minutes=5)
        tv.record(tmp_path, include="metrics", **how)
        assert server.asked("metrics") > asked
        # the last samples of a job can come late: once more, when all are there
        for minutes, more in ((10, False), (16, True), (20, False)):
            server.now, asked = NOW + timedelta(minutes=minutes), server.asked("metrics")
            tv.record(tmp_path, include="metrics", **how)
            assert (server.asked("metrics") > asked) is more
        fetched = tv.fetch(include="metrics", **how)
    recorded = tv.load(tmp_path)
    assert_same(recorded, fetched)
    keys = ["job_id", "node_id", "gpu", "metric", "timestamp"]
    found, wanted = (
        one.metrics.sort_values(keys, ignore_index=True) for one in (recorded, fetched)
    )
    assert_frame_equal(found, wanted)


def test_what_a_look_asked_that_died_is_in_the_next_one(tmp_path, monkeypatch):
    tables = ["queue", "checkpoints"]
    with ApiServer(Api([job("j1"), job("j2")], projects=[project()])) as server:
        how = {"include": tables, "api_key": "k", "base_url": server.url, "cache": False}
        tv.record(tmp_path, **how | {"include": ()})
        server.now -= timedelta(days=1)
        with monkeypatch.context() as patched:
            patched.setattr("trainview.fetching.recording.end_look", lambda *_, **__: 1 / 0)
            told = "of 2026-03-30 18:00 UTC, but one before it was of 2026-03-31 18:00"
            with pytest.raises(ZeroDivisionError), pytest.warns(tv.DataWarning, match=told):
                tv.record(tmp_path, **how)
        server.now += timedelta(days=2)
        tv.record(tmp_path, **how)
        recorded, fetched = tv.load(tmp_path), tv.fetch(**how)
        for name in tables:
            assert_frame_equal(getattr(recorded, name), getattr(fetched, name))
        # and after what is old has gone, nothing is asked again
        server.now += timedelta(days=3)
        tv.record(tmp_path, **how)
        tv.compact(tmp_path, keep="1d")
        asked = [server.asked(name) for name in tables]
        tv.record(tmp_path, **how)
        assert [server.asked(name) for name in tables] == asked


def test_of_a_job_that_vanished_nothing_is_kept(tmp_path):
    gone = job("vanished1", error_message="s3cret")
    api = Api([gone, job("j2")], projects=[project()])
    api.cached = {"proj1": [("a", 1, "file")]}
    with ApiServer(api) as server:
        how = {"include": "everything", "api_key": "k", "base_url": server.url, "cache": False}
        tv.record(tmp_path, **how)
        del api.jobs["vanished1"]
        for _ in range(2):
            server.now += timedelta(days=3)
            tv.record(tmp_path, **how)
    tv.compact(tmp_path, keep="1d")
    assert len(tv.load(tmp_path).checkpoints) == 1
    for path in tmp_path.rglob("*.parquet"):
        columns = pq.read_table(path, partitioning=None).columns
        assert not {"vanished1", "s3cret"} & {one for each in columns for one in each.to_pylist()}


@pytest.mark.usefixtures("no_waiting")
def test_a_look_that_fails_is_noted_and_the_next_one_tried(tmp_path):
    api = Api([job("j1")], projects=[project()])

    def trouble(path, before):
        return 500 if before < tries and "projects" in path else None

    tries = 1

    with ApiServer(api, trouble=trouble) as server:
        looks = tv.record(
            tmp_path, every=timedelta(milliseconds=10), looks=3,
            api_key="k", base_url=server.url, retries=0,
        )  # fmt: skip
    assert looks["failed_calls"].tolist() == [1, 0, 0]
    assert looks["jobs"].isna().tolist() == [True, False, False]
    assert len(tv.load(tmp_path).jobs) == 1
    tries = 4
    with ApiServer(api, trouble=trouble) as server:
        done = trainview(
            "record",
            tmp_path,
            "--every",
            "0.0002m",
            "--looks",
            2,
            "--base-url",
            server.url,
            key="k",
        )
    first, second = done.stderr.decode().splitlines()
    assert "this look failed: GET /v1/training_projects" in first
    assert "1 job, nothing changed" in second


def test_columns_that_shall_not_be_kept_are_nowhere(tmp_path):
    secret = job("j1", error_message="s3cret", user={"email": "s3cret@example.com"})
    source = payload(training_projects=[project()], training_jobs=[secret])
    tv.record(tmp_path, snapshots=[source], without=["error_message", "user_email"])
    assert tv.load(tmp_path).jobs[["error_message", "user_email"]].isna().all(axis=None)
    assert not any(b"s3cret" in path.read_bytes() for path in tmp_path.rglob("*.parquet"))
    with pytest.raises(tv.ArgumentError, match="without='job_id': is needed"):
        tv.record(tmp_path, snapshots=[source], without="job_id")
    with pytest.raises(tv.ArgumentError, match="did you mean 'user_email'"):
        tv.record(tmp_path, snapshots=[source], without="user_mail")


def test_the_files_are_plain_parquet_that_anybody_reads(tmp_path):
    tv.record(tmp_path, snapshots=[saved(states(1, looks=4)[-1])])
    table = pq.read_table(tmp_path / "jobs")
    assert {"job_id", "status", "seen_at", "is_gone", "month"} <= set(table.column_names)
    assert json.loads((tmp_path / "_trainview.json").read_text())["layout"] == 1


def test_another_layout_is_refused(tmp_path):
    (tmp_path / "_trainview.json").write_text('{"layout": 2}')
    with pytest.raises(tv.PayloadError, match="layout 2"):
        tv.load(tmp_path)


def test_compacting_keeps_every_state_and_what_is_too_old_goes(tmp_path):
    found = states(5, looks=16)
    tv.record(tmp_path, snapshots=map(saved, found))
    tv.compact(tmp_path)
    months = {path.parent.name for path in tmp_path.glob("*/*/*.parquet")}
    assert len(list(tmp_path.rglob("*.parquet"))) <= 3 * len(months)
    middle = found[8][0]
    tv.compact(tmp_path, keep=found[-1][0] - middle)
    for state in found[8:]:
        assert_same(tv.load(tmp_path, at=state[0]), tv.load(saved(state)))
    with pytest.raises(tv.SourceError, match="nothing was recorded up to"):
        tv.load(tmp_path, at=found[7][0])


def test_the_shell_records_compacts_and_goes_back_in_time(tmp_path):
    found = states(7, looks=3)
    files = []
    for number, state in enumerate(found):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_bytes(saved(state))
    dest = tmp_path / "history"
    done = trainview("record", dest, "--from", *files)
    assert done.returncode == 0
    assert done.stderr.count(b"new or changed") + done.stderr.count(b"nothing changed") == 3
    assert trainview("compact", dest, "--format", "csv").stdout.startswith(
        b'"table","files_before"'
    )
    at = iso(found[0][0])
    then = trainview("jobs", dest, "--as-of", at, "--format", "json").stdout
    assert {row["job_id"] for row in json.loads(then)} == {
        record["id"] for record in found[0][1]["training_jobs"]
    }
    assert trainview("record", dest, files[0]).returncode == 2
    assert trainview("compact", tmp_path / "nothing").returncode == 2


@settings(max_examples=examples(15))
@given(st.integers(0, 10**6), st.data())
def test_intervals_are_what_a_walk_through_all_looks_finds(tmp_path_factory, seed, data):
    dest = tmp_path_factory.mktemp("history")
    found = states(seed, looks=6)
    for state in data.draw(st.permutations(found)):
        tv.record(dest, snapshots=[saved(state)])
    wanted, open_, before = [], {}, None
    for moment, lists in found:
        now = {one["id"]: one["current_status"] for one in lists["training_jobs"]}
        for name, (status, after, first) in list(open_.items()):
            if now.get(name) != status:
                wanted.append((name, status, after, first, before, moment))
                del open_[name]
        for name, status in now.items():
            open_.setdefault(name, (status, before, moment))
        before = moment
    wanted += [(name, *rest, before, None) for name, rest in open_.items()]
    intervals = tv.status_intervals(dest)
    told = [
        (row.job_id, "TRAINING_JOB_" + row.status.upper().replace("-", "_"),
         *(None if pd.isna(one) else one.to_pydatetime()
           for one in (row.from_after, row.from_before, row.to_after, row.to_before)))
        for row in intervals.itertuples()
    ]  # fmt: skip
    assert sorted(told, key=str) == sorted(wanted, key=str)


def test_a_damaged_file_is_named_and_no_column_of_it_is_lost(tmp_path):
    tv.record(tmp_path, snapshots=[saved(states(1, looks=4)[-1])])
    (file,) = tmp_path.glob("jobs/*/*.parquet")
    whole = file.read_bytes()
    for damaged in (whole.replace(b"team_name", b"teal_name"), whole[:-9], whole[100:]):
        file.write_bytes(damaged)
        with pytest.raises(tv.PayloadError, match=rf"{file.name}: damaged: "):
            tv.load(tmp_path)
