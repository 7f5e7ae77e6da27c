"""Numbers and times at the ends of what JSON can say, in every answer: read, or refused in words."""

import contextlib
import json
import warnings

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trainview as tv
from tests.builders import A10G, job, payload
from tests.properties import examples
from trainview.errors import DataWarning, PayloadError
from trainview.schema import (
    ANSWER,
    CACHE_ANSWER,
    CAPACITY_ANSWER,
    CHECKPOINTS_ANSWER,
    LOGS_ANSWER,
    METRICS_ANSWER,
    PRICES_ANSWER,
    QUEUE_ANSWER,
    TABLES,
    USAGE_ANSWER,
)
from trainview.tables.dtypes import from_pandas
from trainview.tables.values import check_values

ENDS = [0, 1, 7, 2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 10**30, 10**308, 10**400, -1, -(2**63) - 1]  # fmt: skip
FRACTIONS = [0.0, -0.0, 0.1, 5e-324, 1.7e308, -1.7e308, 1e22]
TIMES = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1677-01-01T00:00:00Z", "2262-05-01T00:00:00Z", "2026-03-01T10:00:00Z"]  # fmt: skip
DATES = ["0001-01-01", "9999-12-31", "2026-03-01"]
# Mostly plain values, so that one that is not is not hidden behind another.
WORDS = ["j1", "0", "TRAINING_JOB_RUNNING", "A10G", "", "\x00", "1774359870480000000", "9" * 19, "9" * 400, "-1"]  # fmt: skip


def plain_and(value, extremes):
    return st.one_of(st.just(value), st.just(value), st.just(value), st.sampled_from(extremes))


def record(kind):
    return st.fixed_dictionaries(
        {field.name: values(field.type) for field in kind if not field.nullable},
        optional={field.name: values(field.type) for field in kind if field.nullable},
    )


RANKS = st.sampled_from(["0", "1", "x", "9" * 30])
KINDS = [
    (pa.types.is_struct, record),
    (pa.types.is_list, lambda kind: st.lists(values(kind.value_type), max_size=2)),
    (pa.types.is_map, lambda kind: st.dictionaries(RANKS, values(kind.item_type), max_size=2)),
    (pa.types.is_timestamp, lambda _: plain_and(TIMES[-1], TIMES)),
    (pa.types.is_date, lambda _: plain_and(DATES[-1], DATES)),
    (pa.types.is_boolean, lambda _: st.booleans()),
    (pa.types.is_integer, lambda _: plain_and(1, ENDS)),
    (pa.types.is_string, lambda _: plain_and(WORDS[0], WORDS)),
]


def values(kind):
    make = next((make for is_it, make in KINDS if is_it(kind)), None)
    return plain_and(1, [*ENDS, *FRACTIONS]) if make is None else make(kind)


ANSWERS = {
    "lists": ANSWER,
    "prices": PRICES_ANSWER,
    "capacity": CAPACITY_ANSWER,
    "billing": USAGE_ANSWER,
    "metrics": METRICS_ANSWER,
    "caches": CACHE_ANSWER,
    "checkpoints": CHECKPOINTS_ANSWER,
    "queue": QUEUE_ANSWER,
    "logs": LOGS_ANSWER,
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_extremes_are_read_or_refused_in_words(answer):
    known = {field.name: field for field in ANSWERS[answer]}
    known.pop("trainview", None)
    known.pop("trainview_sha256", None)

    @settings(max_examples=examples(60), deadline=None)
    @given(values(pa.struct(list(known.values()))))
    def read(found):
        found |= {"training_job": {"id": "j1"}} if answer == "metrics" else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            with contextlib.suppress(PayloadError):
                snap = tv.load(json.dumps(found).encode())
                for name, schema in TABLES.items():
                    check_values(from_pandas(getattr(snap, name), schema))

    read()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2**63, "expected an integer from 0 to 2147483647, got 9223372036854775808"),
        (2**31, "expected an integer from 0 to 2147483647, got 2147483648"),
    ],
)
def test_gpus_beyond_what_can_be_counted_are_named(value, message):
    queue = {
        "target_job_id": "j1", "gpu_type": "H100", "requested_gpus": value, "submitted_at": TIMES[-1],
        "active_at_submit": [], "pending_ahead_at_submit": [], "events": [], "events_window_end": TIMES[-1],
    }  # fmt: skip
    with pytest.raises(PayloadError, match=f"requested_gpus: {message}"):
        tv.load(queue)


def test_instance_types_that_come_twice_are_told_and_the_last_price_counts():
    entry = {"instance_type": A10G, "price": 0.5}
    other = {"instance_type": A10G | {"id": "x"}, "price": 2}
    answer = {"instance_types": [entry, other, entry | {"price": 0.25}]}
    with pytest.warns(DataWarning, match="^1 duplicate instance type in the prices") as told:
        snap = tv.load([answer, payload(training_jobs=[job()])])
    assert len(told) == 1
    assert snap.notes == tuple(str(warning.message) for warning in told)
    assert snap.prices.set_index("instance_type_id")["usd_per_minute"].to_dict() == {A10G["id"]: 0.25, "x": 2.0}  # fmt: skip
    # the same from two files, as a newer answer beside an older, is no oddity
    once = {"instance_types": [entry]}
    assert tv.load([once, once]).notes == ()
