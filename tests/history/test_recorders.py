"""Recorders side by side, killed, or without room: nothing is lost or counted twice."""

import random
import resource
import time

import pyarrow.compute as pc
import pytest

import trainview as tv
from tests.history import recorders
from tests.history.states import saved, states
from tests.history.test_recording import assert_same
from tests.properties import examples
from trainview.history.places import find_place
from trainview.history.versions import read_looks


def recorded(dest):
    looks = read_looks(find_place(dest))
    return set(looks.filter(pc.is_valid(looks["as_of"]))["as_of"].to_pylist())


def test_a_recorder_that_is_killed_loses_nothing(tmp_path):
    chance = random.Random(0)  # noqa: S311 - it has to be the same again
    kills = examples(100)
    found = states(11, looks=kills // 4 + 4)
    left = list(found)
    for _ in range(kills):
        process = recorders.start(tmp_path, [saved(state) for state in left])
        time.sleep(chance.uniform(0.01, 0.12))
        process.kill()
        process.join()
        done = recorded(tmp_path) if (tmp_path / "_trainview.json").exists() else set()
        left = [state for state in found if state[0] not in done]
        for state in [state for state in found if state[0] in done][-2:]:
            assert_same(tv.load(tmp_path, at=state[0]), tv.load(saved(state)))
    recorders.start(tmp_path, [saved(state) for state in left]).join()
    tv.compact(tmp_path)
    for state in found:
        assert_same(tv.load(tmp_path, at=state[0]), tv.load(saved(state)))
    assert not list(tmp_path.rglob(".*.tmp"))


def test_two_recorders_at_once_and_a_compaction_do_no_harm(tmp_path):
    found = states(12, looks=12)
    halves = [found[::2], found[1::2]]
    running = [recorders.start(tmp_path, [saved(one) for one in half]) for half in halves]
    while any(process.is_alive() for process in running):
        if (tmp_path / "_trainview.json").exists():
            tv.compact(tmp_path)
    assert [process.exitcode for process in running] == [0, 0]
    for state in found:
        assert_same(tv.load(tmp_path, at=state[0]), tv.load(saved(state)))


def test_a_full_disk_is_one_clear_error_and_the_next_look_repairs(tmp_path):
    found = states(13, looks=3)
    tv.record(tmp_path, snapshots=[saved(found[0])])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        with pytest.raises(tv.OutputError, match="cannot write"):
            tv.record(tmp_path, snapshots=[saved(found[1])])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()} == before
    tv.record(tmp_path, snapshots=[saved(found[1])])
    assert_same(tv.load(tmp_path), tv.load(saved(found[1])))
