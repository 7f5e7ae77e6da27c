"""Calls side by side."""

from contextlib import closing
from threading import Event

from trainview.fetching.concurrency import run_all


def test_nobody_runs_far_ahead_of_whoever_takes_the_outcomes():
    begun, third = [], Event()

    def work(item):
        begun.append(item)
        if len(begun) == 3:
            third.set()
        return -item

    with closing(run_all(work, range(50), concurrency=1)) as outcomes:
        taken = [next(outcomes), next(outcomes)]
        assert [(one.item, one.result, one.error) for one in taken] == [(0, 0, None), (1, -1, None)]
        assert third.wait(30)
        # what was taken, what waits to be taken, and what is on its way
        assert len(begun) <= 4
    assert len(begun) <= 5


def test_every_item_is_done_once():
    outcomes = list(run_all(str, range(100), concurrency=8))
    assert sorted(one.item for one in outcomes) == list(range(100))
    assert all(one.result == str(one.item) for one in outcomes)
