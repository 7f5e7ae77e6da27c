from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.fleet import queue
from tests.analysis.tables import KINDS, assert_same, collected, convert, job, table
from tests.properties import examples
from trainview.analysis import queue_wait_curve, queue_waits
from trainview.errors import ArgumentError

# Weeks in remission under 6-mercaptopurine, False: the illness came back. E. J. Freireich et al.,
# "The effect of 6-mercaptopurine on the duration of steroid-induced remissions in acute leukemia",
# Blood 21 (1963), 699-716.
FREIREICH = [
    *[(6, False)] * 3, (6, True), (7, False), (9, True), (10, False), (10, True), (11, True),
    (13, False), (16, False), (17, True), (19, True), (20, True), (22, False), (23, False),
    (25, True), (32, True), (32, True), (34, True), (35, True),
]  # fmt: skip
# The shares are the published ones; the limits are worked out by hand from Greenwood's formula, the
# first from 6/7 to the power of exp(1.96 * sqrt(3 / (21 * 18)) / log(7 / 6)).
PUBLISHED = {
    6: (0.857, 0.620, 0.952),
    7: (0.807, 0.563, 0.923),
    10: (0.753, 0.503, 0.889),
    13: (0.690, 0.432, 0.849),
    16: (0.627, 0.368, 0.805),
    22: (0.538, 0.268, 0.747),
    23: (0.448, 0.188, 0.680),
}


def rows(result):
    frame = collected(result)
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def test_the_curve_is_the_published_one(kind):
    curve = collected(queue_wait_curve(convert(queue(*FREIREICH), kind))).set_index("waited_hours")
    events = curve.loc[list(PUBLISHED), ["share_waiting", "low", "high"]]
    assert {at: tuple(row) for at, row in events.round(3).iterrows()} == PUBLISHED
    assert curve["at_risk"].to_dict() == {
        0: 21, 6: 21, 7: 17, 9: 16, 10: 15, 11: 13, 13: 12, 16: 11, 17: 10, 19: 9, 20: 8,
        22: 7, 23: 6, 25: 5, 32: 4, 34: 2, 35: 1,
    }  # fmt: skip
    assert curve["share_waiting"].loc[35] == curve["share_waiting"].loc[23]


def test_the_percentiles_are_those_of_the_curve(kind):
    assert rows(queue_waits(convert(queue(*FREIREICH), kind))) == [
        ["H100", 21, 12, 23.0, None, None, 35.0]
    ]


def test_without_anyone_waiting_they_are_plain_percentiles(kind):
    frame = queue(*((float(hours), False) for hours in range(10, 0, -1)))
    assert rows(queue_waits(convert(frame, kind))) == [["H100", 10, 0, 5.0, 9.0, 10.0, 10.0]]


def test_one_who_waits_longer_than_all_others_counts(kind):
    frame = queue((1.0, False), (2.0, False), (9.0, True), (8.0, True))
    assert rows(queue_waits(convert(frame, kind))) == [["H100", 4, 2, 2.0, None, None, 9.0]]
    assert rows(queue_wait_curve(convert(frame, kind)))[-2:] == [
        ["H100", 8.0, 0.5, pytest.approx(0.058, abs=1e-3), pytest.approx(0.845, abs=1e-3), 2],
        ["H100", 9.0, 0.5, pytest.approx(0.058, abs=1e-3), pytest.approx(0.845, abs=1e-3), 1],
    ]


def test_one_who_is_released_when_another_is_last_seen_is_not_alone(kind):
    frame = queue((3.0, True), (3.0, False))
    assert [row[2] for row in rows(queue_wait_curve(convert(frame, kind)))] == [1.0, 0.5]


def test_no_wait_at_all_is_a_wait_of_zero(kind):
    frame = queue((0.0, False), (0.0, False), (0.0, False), (5.0, False))
    assert rows(queue_waits(convert(frame, kind))) == [["H100", 4, 0, 0.0, 5.0, 5.0, 5.0]]
    assert [row[1:3] for row in rows(queue_wait_curve(convert(frame, kind)))] == [
        [0.0, 1.0],
        [0.0, 0.25],
        [5.0, 0.0],
    ]


def test_limits_are_certain_before_any_release_and_unknown_after_the_last(kind):
    frame = queue((1.0, True), (2.0, False))
    assert rows(queue_wait_curve(convert(frame, kind))) == [
        ["H100", 0.0, 1.0, 1.0, 1.0, 2],
        ["H100", 1.0, 1.0, 1.0, 1.0, 2],
        ["H100", 2.0, 0.0, None, None, 1],
    ]


def test_waits_that_are_not_known_are_left_out(kind):
    frame = pd.concat(
        [
            queue((1.0, False), (None, False), (-2.0, False), (None, True)),
            queue((None, False), gpu_type="A10G"),
        ],
        ignore_index=True,
    )
    assert rows(queue_waits(convert(frame, kind))) == [
        ["H100", 1, 0, 1.0, 1.0, 1.0, 1.0],
        ["A10G", 0, 0, None, None, None, None],
    ]
    assert {row[0] for row in rows(queue_wait_curve(convert(frame, kind)))} == {"H100"}


def test_of_jobs_only_those_that_wait_say_how_long(kind):
    frame = table(
        job(0, 3, number=1, status="pending"),
        job(0, 5, number=2, status="queued"),
        job(0, 9, number=3, status="pending", is_open=False),
        job(0, 99, number=4),
        job(0, 99, number=5, status="running", gpu_type="A10G"),
    )
    assert rows(queue_waits(convert(frame, kind))) == [["H100", 2, 2, None, None, None, 5.0]]
    assert [row[1:3] for row in rows(queue_wait_curve(convert(frame, kind)))] == [
        [0.0, 1.0],
        [3.0, 1.0],
        [5.0, 1.0],
    ]


def test_the_longest_wait_comes_first_and_ties_are_sorted_by_their_keys(kind):
    frames = [
        queue((hours, False), gpu_type=gpu_type)
        for gpu_type, hours in [(None, 2.0), ("b", 1.0), ("c", 2.0), ("a", 2.0)]
    ]
    frame = convert(pd.concat(frames, ignore_index=True), kind)
    assert [row[0] for row in rows(queue_waits(frame))] == ["a", "c", None, "b"]
    assert [row[0] for row in rows(queue_wait_curve(frame))][::2] == ["a", "b", "c", None]


def test_nobody_in_the_queue(kind):
    assert rows(queue_waits(convert(queue(), kind))) == []
    assert rows(queue_waits(convert(queue(), kind), by=None)) == [[0, 0, None, None, None, None]]
    assert rows(queue_wait_curve(convert(queue(), kind), by=None)) == []


def test_a_job_that_was_stopped_in_the_queue_is_censored_but_waits_no_more(kind):
    frame = queue((1.0, False), (2.0, False), (4.0, False), (6.0, True))
    stopped = frame["job_id"].eq("q1")
    frame["released_at"] = frame["released_at"].mask(stopped)
    assert rows(queue_waits(convert(frame, kind))) == [["H100", 4, 1, 4.0, None, None, 6.0]]
    curve = collected(queue_wait_curve(convert(frame, kind)))
    assert curve["share_waiting"].to_list() == [1, 0.75, 0.75, 0.375, 0.375]
    released = frame.drop(columns="released_at")
    assert rows(queue_waits(convert(released, kind))) == [["H100", 4, 1, 2.0, None, None, 6.0]]


def test_a_table_of_neither_kind_is_refused(kind):
    with pytest.raises(ArgumentError, match=r"no column 'waited_hours' .* it has .*is_waiting"):
        queue_waits(convert(queue((1.0, True)).drop(columns="waited_hours"), kind))
    with pytest.raises(ArgumentError, match=r"no column 'elapsed_hours'"):
        queue_wait_curve(convert(queue((1.0, True))[["job_id", "gpu_type"]], kind))


def kaplan_meier(waits):
    """The estimate in fractions, as the paper has it: time, share that waits longer."""
    share = Fraction(1)
    for time in sorted({hours for hours, _ in waits}):
        at_risk = sum(hours >= time for hours, _ in waits)
        released = sum(hours == time and not waiting for hours, waiting in waits)
        share *= 1 - Fraction(released, at_risk)
        yield time, share, at_risk


WAITS = st.tuples(st.integers(0, 12).map(float), st.booleans())


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["A10G", "H100", "T4"]), st.lists(WAITS, max_size=25)))
def test_the_estimates_are_those_of_a_loop_in_fractions(by_type):
    frame = pd.concat(
        [queue(), *(queue(*waits, gpu_type=name) for name, waits in by_type.items())],
        ignore_index=True,
    ).astype({"gpu_type": "category"})
    curve = queue_wait_curve(frame)
    summary = queue_waits(frame).set_index("gpu_type")
    assert set(summary.index) == {name for name, waits in by_type.items() if waits}
    for name, waits in by_type.items():
        expected = list(kaplan_meier(waits))
        found = curve[curve["gpu_type"] == name]
        begin = [(0.0, 1, len(waits))] if waits else []
        assert found["waited_hours"].to_list() == [at for at, *_ in begin + expected]
        assert found["share_waiting"].to_list() == pytest.approx(
            [float(share) for _, share, _ in begin + expected]
        )
        assert found["at_risk"].to_list() == [at_risk for *_, at_risk in begin + expected]
        assert (found["low"].dropna() <= found["share_waiting"][found["low"].notna()]).all()
        assert (found["high"].dropna() >= found["share_waiting"][found["high"].notna()]).all()
        for percent in (50, 90, 99) if waits else ():
            rest = Fraction(100 - percent, 100)
            after = next((time for time, share, _ in expected if share <= rest), np.nan)
            assert summary.loc[name, f"p{percent}"] == pytest.approx(after, nan_ok=True)


@settings(max_examples=examples(20), deadline=None)
@given(st.lists(st.tuples(WAITS, st.sampled_from(["A10G", "H100", None])), max_size=15))
def test_all_kinds_give_the_same(waits):
    frame = pd.concat(
        [queue(), *(queue(wait, gpu_type=gpu_type) for wait, gpu_type in waits)], ignore_index=True
    ).astype({"gpu_type": "category"})
    for helper in (queue_waits, queue_wait_curve):
        for by in ("gpu_type", None):
            expected = helper(frame, by=by)
            for kind in KINDS[1:]:
                assert_same(helper(convert(frame, kind), by=by), expected)
