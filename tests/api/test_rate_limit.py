"""The rate limit that all calls of a client share."""

from trainview.api.rate_limit import RateLimiter


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_nobody_waits_before_the_first_429():
    limiter = RateLimiter(Clock())
    with limiter.in_flight(), limiter.in_flight():
        assert limiter.blocked_until()[0] == 0
        assert limiter.reserve() == 0


def test_after_a_429_everybody_waits_for_the_longest_wait():
    clock = Clock()
    limiter = RateLimiter(clock)
    assert limiter.back_off(5) == 105
    assert limiter.back_off(2) == 102
    clock.now = 103
    assert limiter.blocked_until() == (2.0, 105.0)
    clock.now = 105
    assert limiter.blocked_until()[0] == 0


def test_who_has_slept_until_a_moment_takes_it_for_past():
    limiter = RateLimiter(Clock())
    over = limiter.back_off(5)
    limiter.advance_to(over)
    assert limiter.blocked_until()[0] == 0


def test_calls_side_by_side_begin_one_after_the_other_until_answers_come():
    clock = Clock()
    limiter = RateLimiter(clock)
    with limiter.in_flight(), limiter.in_flight():
        limiter.back_off(1)
        limiter.back_off(1)
        clock.now = 101
        assert [round(limiter.reserve(), 3) for _ in range(3)] == [0.0, 0.02, 0.04]
        limiter.back_off(1)
        clock.now = 102
        assert [round(limiter.reserve(), 3) for _ in range(2)] == [0.0, 0.04]
        for _ in range(60):
            limiter.recover()
        clock.now = 110
        assert limiter.reserve() == limiter.reserve() == 0


def test_a_call_that_is_alone_leaves_no_gap():
    clock = Clock()
    limiter = RateLimiter(clock)
    with limiter.in_flight():
        limiter.back_off(0)
        assert limiter.reserve() == limiter.reserve() == 0
