"""The pace that all calls of a client share."""

from trainview.api.rate_limit import Pace


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_nobody_waits_before_the_first_429():
    pace = Pace(Clock())
    with pace.call(), pace.call():
        assert pace.held_until()[0] == 0
        assert pace.gap() == 0


def test_after_a_429_everybody_waits_for_the_longest_wait():
    clock = Clock()
    pace = Pace(clock)
    assert pace.hold_back(5) == 105
    assert pace.hold_back(2) == 102
    clock.now = 103
    assert pace.held_until() == (2.0, 105.0)
    clock.now = 105
    assert pace.held_until()[0] == 0


def test_who_has_slept_until_a_moment_takes_it_for_past():
    pace = Pace(Clock())
    over = pace.hold_back(5)
    pace.passed(over)
    assert pace.held_until()[0] == 0


def test_calls_side_by_side_begin_one_after_the_other_until_answers_come():
    clock = Clock()
    pace = Pace(clock)
    with pace.call(), pace.call():
        pace.hold_back(1)
        pace.hold_back(1)
        clock.now = 101
        assert [round(pace.gap(), 3) for _ in range(3)] == [0.0, 0.02, 0.04]
        pace.hold_back(1)
        clock.now = 102
        assert [round(pace.gap(), 3) for _ in range(2)] == [0.0, 0.04]
        for _ in range(60):
            pace.go_on()
        clock.now = 110
        assert pace.gap() == pace.gap() == 0


def test_a_call_that_is_alone_leaves_no_gap():
    clock = Clock()
    pace = Pace(clock)
    with pace.call():
        pace.hold_back(0)
        assert pace.gap() == pace.gap() == 0
