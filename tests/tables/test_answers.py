"""Answers about prices, capacity, bills, the queue, checkpoints, metrics and logs, as tables."""

import copy
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import trainview as tv
from tests.api_server import Api
from tests.builders import A10G, CPU, job, project
from trainview.errors import PayloadError
from trainview.reading.validation import check_answer
from trainview.schema import FLEET_TABLES, LEADER_METRICS_ANSWER, METRICS_ANSWER, pandas_dtype
from trainview.tables.billing import read_billing
from trainview.tables.capacity import read_capacity
from trainview.tables.checkpoints import read_checkpoints
from trainview.tables.combining import combine
from trainview.tables.dtypes import to_pandas
from trainview.tables.logs import read_logs
from trainview.tables.metrics import read_metrics
from trainview.tables.prices import read_prices
from trainview.tables.queue import read_queue

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


def encode(answer):
    return json.dumps(answer).encode()


def metrics_answer(hours=1, step=900, **changes):
    one = job("a", updated_at="2026-03-01T11:00:00Z", **changes)
    query = {
        "start_epoch_millis": str(int(START.timestamp() * 1000)),
        "end_epoch_millis": str(int((START + timedelta(hours=hours)).timestamp() * 1000)),
        "step_seconds": str(step),
    }
    return Api([one]).metrics(query, "p", "a")[1]


def of(answer):
    return to_pandas(read_metrics(encode(answer), "a"))


@pytest.mark.parametrize("name", FLEET_TABLES)
def test_a_table_has_its_documented_columns_and_dtypes_also_when_empty(name):
    frame = getattr(tv.load(b'{"training_projects": []}'), name)
    documented = tv.columns(name)
    assert list(frame.columns) == list(documented["column"])
    assert len(frame) == 0
    for field in FLEET_TABLES[name]:
        assert frame[field.name].dtype == pandas_dtype(field), field.name


def test_prices_are_in_usd_per_minute():
    answer = {"instance_types": [{"instance_type": A10G, "price": 0.0411}, {"instance_type": CPU, "price": 1}]}  # fmt: skip
    frame = to_pandas(read_prices(encode(answer)))
    assert frame["usd_per_minute"].to_list() == [0.0411, 1.0]
    assert frame["gpu_type"].isna().to_list() == [False, True]


@pytest.mark.parametrize(
    ("read", "answer", "fault"),
    [
        (read_prices, {}, "instance_types: expected a list, but it is missing"),
        (read_prices, {"instance_types": [{"instance_type": A10G, "price": "1"}]}, 'instance_types[0].price: expected a number, got "1"'),
        (read_prices, {"instance_types": [{"instance_type": A10G, "price": True}]}, "price: expected a number, got true"),
        (read_capacity, {"gpu_capacities": [{"gpu_type": "H100", "baseline": 0, "limit": -1, "usage_count": 0}]}, "gpu_capacities[0].limit: expected an integer from 0"),
        (read_billing, {}, "expected training_usage (keys: none): is this a bill?"),
        (read_billing, {"training_usage": {"subtotal": "1e3", "credits_used": 0, "total": 0, "minutes": 0}}, "training_usage.subtotal: expected an amount of money"),
        (read_queue, {"target_job_id": "a"}, "gpu_type: expected text, but it is missing"),
        (read_checkpoints, {"checkpoints": [None]}, "checkpoints[0]: expected an object, got null"),
        (lambda payload: read_logs(payload, "a"), {"logs": [{"timestamp": "soon", "message": ""}]}, 'logs[0].timestamp: expected nanoseconds as digits, got "soon"'),
    ],
)  # fmt: skip
def test_faults_are_named_with_their_path(read, answer, fault):
    with pytest.raises(PayloadError) as caught:
        read(encode(answer))
    assert fault in str(caught.value)


def test_capacity_of_the_organisation_and_of_teams():
    row = {"gpu_type": "H100", "baseline": 8, "limit": 64, "usage_count": 40}
    more = row | {"dedicated_usage_count": 30, "spot_usage_count": 10, "new_field": 1}
    team = row | {"team_id": "t", "team_name": "vision", "limit": 16}
    frame = to_pandas(
        read_capacity(encode({"gpu_capacities": [more], "team_gpu_capacities": [team]}))
    )
    assert frame["limit"].to_list() == [64, 16]
    assert frame["team_name"].isna().to_list() == [True, False]
    assert frame["dedicated_usage_count"].to_list() == [30, pd.NA]


def billed(**changes):
    resource = {"id": "a", "kind": "TRAINING_JOB", "is_deleted": False}
    return {"billable_resource": resource, "subtotal": 0, "minutes": 0, "daily": None} | changes


def usage(*jobs, **totals):
    total = totals.get("total")
    if total is None:
        total = str(sum((Decimal(str(job["subtotal"])) for job in jobs), Decimal(0)))
    minutes = sum(job["minutes"] for job in jobs)
    whole = {"subtotal": total, "credits_used": 0, "total": total, "minutes": minutes}
    return encode({"training_usage": whole | {"breakdown": list(jobs)} | totals})


def test_no_money_is_lost():
    days = [{"date": "2026-02-03", "minutes": 10, "subtotal": "0.1"}, {"date": "2026-02-04", "minutes": 20, "subtotal": 0.2}]  # fmt: skip
    cases = {
        usage(billed(subtotal="0.3", minutes=30, daily=days)): [("0.1", 10), ("0.2", 20)],
        usage(billed(subtotal="0.35", minutes=30, daily=days)): [("0.1", 10), ("0.2", 20), ("0.05", 0)],
        usage(billed(subtotal=2.5, minutes=30)): [("2.5", 30)],
        usage(breakdown=None, total="9.99", minutes=7): [("9.99", 7)],
        usage(): [],
        encode({"training_usage": None}): [],
    }  # fmt: skip
    for payload, expected in cases.items():
        table = read_billing(payload).select(["subtotal_usd", "minutes"]).to_pydict()
        found = [(str(a.normalize()), m) for a, m in zip(*table.values(), strict=True)]
        assert found == expected


@given(st.lists(st.decimals(0, 10**9, places=6, allow_nan=False), max_size=8))
def test_the_sum_of_a_bill_is_exact_whichever_way_its_days_add_up(amounts):
    days = [{"date": f"2026-03-{day + 1:02d}", "minutes": 1, "subtotal": str(a)} for day, a in enumerate(amounts)]  # fmt: skip
    total = sum(amounts, Decimal(0)) + Decimal("0.000001")
    table = read_billing(usage(billed(subtotal=str(total), minutes=99, daily=days)))
    assert sum(table["subtotal_usd"].to_pylist()) == total


@pytest.mark.parametrize(
    ("jobs", "totals", "rest"),
    [
        ([], {"total": "9.99", "minutes": 7}, [("9.99", 7)]),
        ([], {"subtotal": 0, "credits_used": 5, "total": 5, "minutes": 7}, [("5", 7)]),
        ([], {"total": 0, "minutes": 7}, [("0", 7)]),
        ([10], {"total": "12.5", "subtotal": "12.5", "minutes": 7}, [("2.5", 6)]),
        ([10, 5], {"total": "12.5", "subtotal": "12.5", "minutes": 1}, [("-2.5", 0)]),
        ([10], {"total": 6, "subtotal": 6, "credits_used": 4}, []),
        ([10], {"total": 10, "subtotal": 6, "credits_used": 4}, []),
        ([10], {"total": 6, "subtotal": 10, "credits_used": 4}, []),
        ([6], {"total": 6, "subtotal": 10, "credits_used": 4, "minutes": 9}, []),
        ([9], {"total": 6, "subtotal": 6, "credits_used": 4}, [("-3", 0)]),
    ],
)
def test_what_the_jobs_do_not_add_up_to_is_no_jobs_and_credits_are_no_difference(
    jobs, totals, rest
):
    found = read_billing(
        usage(*(billed(subtotal=a, minutes=1) for a in jobs), **totals)
    ).to_pylist()
    found = [row for row in found if row["job_id"] is None]
    assert all(row["date"] is None for row in found)
    assert [(str(row["subtotal_usd"].normalize()), row["minutes"]) for row in found] == rest


def test_the_bills_of_the_example_data_add_up_without_a_rest():
    for path in sorted(Path("data").glob("usage_summary_*.json")):
        bill = read_billing(path.read_bytes())
        assert bill.num_rows > 0
        assert bill["job_id"].null_count == 0


@pytest.mark.parametrize(
    ("text", "usd"), [(".5", "0.5"), ("5.", "5"), ("-.5", "-0.5"), ("+5", "5")]
)
def test_money_is_read_however_its_digits_stand(text, usd):
    assert amounts(bill(3, billed(subtotal=text), total=usd, subtotal=usd)) == [usd]


@pytest.mark.parametrize("text", [".", "", "-", "1e3", "5 ", "0x1", "1,5"])
def test_what_is_no_money_is_refused(text):
    with pytest.raises(PayloadError, match="expected an amount of money"):
        bill(3, billed(subtotal=text), total=0, subtotal=0)


def test_a_bill_knows_its_month():
    frame = to_pandas(read_billing(usage(billed(subtotal=1, minutes=1)), month=START.replace(day=1, hour=0)))  # fmt: skip
    assert frame["month"].to_list() == [pd.Timestamp("2026-03-01", tz="UTC")]
    assert frame["date"].isna().all()


def bill(month, *jobs, **totals):
    asked = None if month is None else datetime(2026, month, 1, tzinfo=UTC)
    return read_billing(usage(*jobs, **totals), month=asked)


def amounts(*parts):
    found = combine("billing", parts)["subtotal_usd"].to_pylist()
    return sorted(f"{amount.normalize():f}" for amount in found)


def on(day, amount):
    return {"date": f"2026-03-{day:02d}", "minutes": 1, "subtotal": amount}


def test_of_several_bills_of_a_month_the_one_that_knows_more_counts():
    undated = billed(subtotal=5, minutes=2)
    dated = billed(subtotal=6, minutes=3, daily=[on(1, 2), on(2, 4)])
    other = billed(billable_resource=billed()["billable_resource"] | {"id": "b"}, subtotal=9)
    old, new = bill(3, undated, other), bill(3, dated)
    assert amounts(old, new) == amounts(new, old) == ["2", "4", "9"]
    assert amounts(bill(2, undated), new) == ["2", "4", "5"]
    whole = bill(3, breakdown=None, total=5, minutes=2)
    assert amounts(whole, new) == ["2", "4"]
    # a week of the month is less than the month, whichever comes last
    assert amounts(bill(3, billed(subtotal=100)), new) == ["100"]
    assert amounts(new, bill(3, billed(subtotal=100))) == ["100"]
    assert amounts(bill(3, breakdown=None, total=100, minutes=2), new) == ["2", "4", "94"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_day_that_is_cut_in_one_bill_does_not_replace_the_whole_one(turned):
    whole = bill(3, billed(subtotal=110, daily=[on(1, 100), on(2, 10)]))
    cut = bill(3, billed(subtotal=70, daily=[on(2, 40), on(3, 30)]))
    notes = []
    parts = [cut, whole] if turned else [whole, cut]
    found = combine("billing", parts, notes)["subtotal_usd"].to_pylist()
    assert sorted(found) == [30, 40, 100]
    [note] = notes
    assert note.startswith("1 amount of bills that overlap differs: the larger one counts")


def test_what_belongs_to_no_day_stays_beside_days_of_other_bills():
    # 5 USD more than its days, which are of the same month
    first = bill(None, billed(subtotal=20, daily=[on(1, 5), on(2, 10)]))
    week = bill(None, billed(subtotal=24, daily=[on(2, 10), on(3, 14)]))
    assert amounts(first, week) == amounts(week, first) == ["10", "14", "5", "5"]
    later = bill(None, billed(subtotal=20, daily=[on(1, 10), on(2, 10)]))
    assert amounts(first, later) == amounts(later, first) == ["10", "10"]


def test_the_same_bill_saved_and_fetched_counts_once():
    rest = billed(subtotal=20, minutes=2, daily=[on(1, 15)])
    sums, days = billed(subtotal=20, minutes=1), billed(subtotal=20, minutes=1, daily=[on(1, 20)])
    unassigned = {"breakdown": None, "total": 20, "minutes": 1}
    for one, other in [
        (bill(3, rest), bill(None, rest)),
        (bill(3, sums), bill(None, sums)),
        (bill(3, days), bill(None, sums)),
        (bill(3, **unassigned), bill(None, **unassigned)),
        (bill(3, sums), bill(None, **unassigned)),
    ]:
        for parts in ([one, other], [other, one], [one, other, one, other]):
            assert sum(map(Decimal, amounts(*parts))) == 20


def test_two_entries_of_a_job_in_one_answer_both_count():
    twice = [billed(subtotal=5, minutes=2)] * 2
    assert amounts(bill(3, *twice)) == ["5", "5"]
    assert amounts(bill(3, *twice), bill(2, *twice)) == ["5"] * 4
    assert amounts(bill(3, *twice), bill(3, *twice)) == ["5", "5"]
    assert amounts(bill(None, *twice), bill(2, *twice), bill(None, *twice)) == ["5"] * 2


def test_bills_of_no_known_month_count_once_if_they_are_the_same():
    one, two = billed(subtotal=1, minutes=1), billed(subtotal=2, minutes=1)
    assert amounts(bill(None, one), bill(None, one)) == ["1"]
    assert amounts(bill(None, one), bill(None, two), bill(3, one)) == ["1", "2"]
    assert amounts(bill(None, one, one), bill(None, one), bill(None, two)) == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("month", "day", "sums", "told"),
    [
        (3, None, ["25"], "1 amount of bills that overlap differs"),
        (None, None, ["20", "25"], "1 billed resource has different amounts in several bills"),
        (None, 1, ["20", "25"], "1 billed resource has different amounts in several bills"),
        (3, 1, ["25"], None),
    ],
)
def test_sums_that_differ_are_noted(month, day, sums, told):
    first = billed(subtotal=20, minutes=1, daily=day and [on(day, 20)])
    second = billed(subtotal=25, minutes=1)
    for parts in ([first, second], [second, first]):
        notes = []
        combined = [bill(month, part) for part in parts]
        assert amounts(*combined) == sums
        combine("billing", combined, notes)
        assert [note.startswith(told) for note in notes] == ([True] if told else [])
    notes.clear()
    combine("billing", [bill(month, second), bill(month, second)], notes)
    assert notes == []


@st.composite
def bills(draw, month):
    cents = st.integers(1, 10**9).map(lambda number: str(Decimal(number).scaleb(-6)))
    jobs = []
    for name in draw(st.lists(st.sampled_from("abc"), max_size=4)):
        days = draw(st.lists(st.integers(1, 28), unique=True, max_size=3))
        daily = [on(day, draw(cents)) | {"date": f"2026-{month:02d}-{day:02d}"} for day in days]
        resource = billed()["billable_resource"] | {"id": name}
        more = draw(st.sampled_from(["0", "0.000001", "7"]))
        subtotal = str(sum((Decimal(day["subtotal"]) for day in daily), Decimal(more)))
        jobs.append(billed(billable_resource=resource, subtotal=subtotal, daily=daily or None))
    return bill(month, *jobs)


@settings(deadline=None)
@given(st.tuples(bills(1), bills(2), bills(3)))
def test_bills_of_several_months_add_up_and_the_same_ones_again_change_nothing(parts):
    def total(table):
        return sum(table["subtotal_usd"].to_pylist(), Decimal(0))

    combined = combine("billing", parts)
    assert total(combined) == sum(total(part) for part in parts)
    for again in ([combined, combined], [*parts, combined], [*parts, *parts]):
        assert combine("billing", again).num_rows == combined.num_rows
        assert total(combine("billing", again)) == total(combined)


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=12),
    st.data(),
)
def test_bills_of_parts_of_a_month_are_the_bill_of_the_month(cents, data):
    days = [on(day + 1, str(Decimal(amount) / 100)) for day, amount in enumerate(cents)]
    rest = Decimal(data.draw(st.sampled_from(["0", "0.5"])))
    total = sum((Decimal(day["subtotal"]) for day in days), rest)
    parts = [bill(3, billed(subtotal=str(total), daily=days))]
    for _ in range(data.draw(st.integers(0, 3))):
        first = data.draw(st.integers(0, len(days) - 1))
        last = data.draw(st.integers(first, len(days) - 1))
        window = [dict(day) for day in days[first : last + 1]]
        # the first day of a window can be cut
        left = Decimal(window[0]["subtotal"]) * data.draw(st.sampled_from([0, 1, 2])) / 2
        window[0]["subtotal"] = str(left)
        whole = sum((Decimal(day["subtotal"]) for day in window), Decimal(0))
        month = data.draw(st.sampled_from([None, 3]))
        parts.append(bill(month, billed(subtotal=str(whole), daily=window)))
    for order in (parts, parts[::-1]):
        found = combine("billing", order)["subtotal_usd"].to_pylist()
        assert sum(found) == total


def test_log_lines_are_sorted_by_their_nanoseconds():
    lines = [{"timestamp": str(1_772_359_200_000_000_000 + n), "message": f"m{n}"} for n in (3, 1, 2000)]  # fmt: skip
    frame = to_pandas(read_logs(encode({"logs": lines}), "a"))
    assert frame["message"].to_list() == ["m1", "m3", "m2000"]
    assert frame["timestamp"].dt.microsecond.to_list() == [0, 0, 2]


def test_the_queue_tells_who_was_ahead_and_when_limits_changed():
    answer = Api([job("a")]).queue({}, "a")[1]
    limit = {"gpu_type": "A10G", "max_gpus": 8, "last_modified": "2026-03-01T09:00:00Z"}
    answer["org_capacity"] = limit
    answer["team_capacity"] = limit | {"max_gpus": 4, "last_modified": "2026-03-02T09:00:00+00:00"}
    answer["active_at_submit"] = [{"training_job_id": "x", "total_gpus": 6}]
    answer["pending_ahead_at_submit"] = [{"training_job_id": i, "requested_gpus": 2} for i in "yz"]
    queue, _ = read_queue(encode(answer))
    [row] = to_pandas(queue).to_dict("records")
    assert (row["active_jobs"], row["active_gpus"]) == (1, 6)
    assert (row["ahead_jobs"], row["ahead_gpus"], row["ahead_job_ids"]) == (2, 4, "y z")
    assert (row["org_limit"], row["team_limit"]) == (8, 4)
    assert row["limits_changed_at"] == pd.Timestamp("2026-03-02T09:00Z")
    assert row["waited_hours"] == 0.1


def test_metrics_without_any_series_have_no_rows():
    assert len(of({"per_node_metrics": []})) == 0
    assert len(of({"per_node_metrics": [{"node_id": "n", "metrics": None}], "cache": None})) == 0


def test_the_series_beside_the_nodes_count_only_where_there_are_no_nodes():
    answer = metrics_answer()
    assert set(of(answer)["node_id"]) == {"node-0"}
    alone = of(answer | {"per_node_metrics": []})
    assert alone["node_id"].isna().all()
    assert len(alone) == len(of(answer))


def test_the_cache_belongs_to_no_node():
    series = [{"timestamp": "2026-03-01T10:00:00Z", "value": 5}]
    frame = of({"per_node_metrics": [], "cache": {"usage_bytes": series, "utilization": []}})
    assert frame[["metric", "unit", "value"]].to_numpy().tolist() == [["cache_usage_bytes", "bytes", 5.0]]  # fmt: skip
    assert frame["node_id"].isna().all()


def test_a_sample_counts_once_and_one_without_a_value_not_at_all():
    at = [f"2026-03-01T10:0{minute}:00Z" for minute in (2, 0, 1, 1)]
    series = [{"timestamp": t, "value": v} for t, v in zip(at, [0.2, None, 0.5, 0.1], strict=True)]
    frame = of({"per_node_metrics": [], "gpu_utilization": {"3": series}})
    assert frame["value"].to_list() == [0.1, 0.2]
    assert frame["gpu"].to_list() == [3, 3]
    assert frame["step_seconds"].to_list() == [60.0, 60.0]


@pytest.mark.parametrize(
    ("seconds", "step"),
    [
        ([0, 60, 120, 300, 360], 60.0),
        ([0, 59.99, 120.01, 180], 60.0),
        ([0, 15], 15.0),
        ([0, 30, 90], 30.0),
        ([0], None),
    ],
)
def test_the_step_is_the_most_frequent_distance_of_neighbours(seconds, step):
    series = [{"timestamp": (START + timedelta(seconds=s)).isoformat(), "value": 1} for s in seconds]  # fmt: skip
    frame = of({"per_node_metrics": [], "cpu_usage": series})
    assert set(frame["step_seconds"].dropna()) == ({step} if step else set())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"gpu_utilization": {"GPU-0": []}}, "expected the rank of a GPU, got 'GPU-0'"),
        ({"cpu_usage": [{"timestamp": "2026-03-01T10:00:00", "value": 1}]}, "cpu_usage[0].timestamp: expected an ISO 8601 time with a zone"),
        ({"cpu_usage": [{"value": 1}]}, "cpu_usage[0].timestamp: expected a time, but it is missing"),
        ({"cpu_usage": [{"timestamp": "2026-03-01T10:00:00Z", "value": "1"}]}, 'cpu_usage[0].value: expected a number, got "1"'),
        ({"cpu_usage": [{"timestamp": "2026-03-01T10:00:00Z", "value": True}]}, "cpu_usage[0].value: expected a number, got true"),
        ({"cpu_usage": [{"timestamp": "2026-03-01T10:00:00Z", "value": float("nan")}]}, "cpu_usage[0].value: expected a number, got NaN"),
        ({"gpu_utilization": []}, "gpu_utilization: expected an object, got a list"),
        ({"cpu_usage": 0}, "cpu_usage: expected a list, got 0"),
        ({"per_node_metrics": None}, "per_node_metrics: expected a list, got null"),
        ({"per_node_metrics": [{"node_id": "n", "metrics": {"cpu_usage": [7]}}]}, "per_node_metrics[0].metrics.cpu_usage[0]: expected an object, got 7"),
    ],
)  # fmt: skip
def test_faults_of_metrics_are_named_with_their_path(change, fault):
    with pytest.raises(PayloadError) as caught:
        of({"per_node_metrics": []} | change)
    assert fault in str(caught.value)


def test_a_key_that_comes_twice_and_a_cut_answer_are_refused():
    with pytest.raises(PayloadError, match="cpu_usage: the key comes twice"):
        read_metrics(b'{"per_node_metrics": [], "cpu_usage": [], "cpu_usage": []}', "a")
    whole = encode(metrics_answer())
    with pytest.raises(PayloadError, match="not JSON at line 1"):
        read_metrics(whole[: len(whole) // 2], "a")
    with pytest.raises(PayloadError, match="not UTF-8 text at byte 1"):
        read_metrics(b'{\xff"per_node_metrics": []}', "a")


JUNK = st.sampled_from([None, 0, 1.5, True, "", "x", [], {}, [7], {"0": 1}, [None], 2**70, "2026-03-01T10:00:00Z"])  # fmt: skip
PATHS = [
    ("per_node_metrics",),
    ("cache",),
    ("per_node_metrics", 0),
    ("per_node_metrics", 0, "node_id"),
    ("per_node_metrics", 0, "metrics"),
    ("per_node_metrics", 0, "metrics", "gpu_utilization"),
    ("per_node_metrics", 0, "metrics", "gpu_utilization", "0"),
    ("per_node_metrics", 0, "metrics", "gpu_utilization", "0", 1),
    ("per_node_metrics", 0, "metrics", "gpu_utilization", "0", 1, "value"),
    ("per_node_metrics", 0, "metrics", "gpu_utilization", "0", 1, "timestamp"),
    ("per_node_metrics", 0, "metrics", "ephemeral_storage"),
    ("per_node_metrics", 0, "metrics", "ephemeral_storage", "usage_bytes"),
    ("gpu_utilization",),
    ("cpu_usage",),
]


def verdict(read, *arguments):
    try:
        read(*arguments)
    except PayloadError as fault:
        return str(fault)
    return "fine"


@settings(deadline=None)
@given(st.sampled_from(PATHS), JUNK)
@example(("per_node_metrics", 0, "metrics", "gpu_utilization", "0", 1, "value"), 2**70)
def test_the_fast_path_accepts_what_the_walk_along_the_schema_accepts(path, junk):
    answer = copy.deepcopy(metrics_answer())
    place = answer
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = junk
    payload = encode(answer)
    without_nodes = answer["per_node_metrics"] == []
    schema = LEADER_METRICS_ANSWER if without_nodes else METRICS_ANSWER
    found = verdict(read_metrics, payload, "a", "")
    assert found.removeprefix(": ") == verdict(check_answer, payload, schema)


def test_several_answers_as_one_each_row_once():
    answer = {"instance_types": [{"instance_type": A10G, "price": 1}]}
    old, new = read_prices(encode(answer)), read_prices(encode(answer).replace(b'"price": 1', b'"price": 2'))  # fmt: skip
    assert combine("prices", [old, new])["usd_per_minute"].to_pylist() == [2.0]
    assert combine("prices", []).num_rows == 0
    first, second = (read_metrics(encode(metrics_answer()), name) for name in "ba")
    both = to_pandas(combine("metrics", [first, second, first]))
    assert len(both) == first.num_rows + second.num_rows
    assert both["job_id"].is_monotonic_increasing


def test_saved_answers_of_every_endpoint_are_loaded_from_a_folder(tmp_path):
    api = Api([job("a")], projects=[project()])
    queries = {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-03-31T00:00:00Z"}
    api.bills = {"2026-03": json.loads(usage(billed(subtotal=1, minutes=2)))}
    api.cached = {"p1": [("hub/model", 9, "file")]}
    answers = {
        "1-projects": api.training_projects({}),
        "2-jobs": api.training_jobs({}),
        "prices": api.prices({}),
        "capacity": api.capacity({}),
        "bill": api.bill(queries),
        "queue": api.queue({}, "a"),
        "checkpoints": api.checkpoints({}, "p", "a"),
        "metrics": (200, metrics_answer()),
        "cache": api.caches({}, "p1"),
    }
    for name, (_, answer) in answers.items():
        (tmp_path / f"{name}.json").write_bytes(encode(answer))
    snap = tv.load(tmp_path)
    for name in tv.columns()["table"].unique():
        assert (len(getattr(snap, name)) > 0) == (name != "logs"), name
    snap.to_parquet(tmp_path / "parquet")
    snap.to_csv(tmp_path / "csv")
    for kind in ("parquet", "csv"):
        loaded = tv.load(tmp_path / kind)
        for name in tv.columns()["table"].unique():
            pd.testing.assert_frame_equal(getattr(loaded, name), getattr(snap, name), obj=name)
    one = tv.load([tmp_path / "2-jobs.json", tmp_path / "parquet" / "metrics.parquet"])
    pd.testing.assert_frame_equal(one.metrics, snap.metrics)
    merged = tv.merge([snap, one])
    pd.testing.assert_frame_equal(merged.metrics, snap.metrics)
    pd.testing.assert_frame_equal(merged.billing, snap.billing)
    with pytest.warns(tv.DataWarning, match="prices, capacity, .*metrics: not in the JSON file"):
        snap.to_json(tmp_path / "snap.json")


def test_an_export_without_metrics_does_not_revive_those_of_an_older_one(tmp_path):
    snap = tv.load({"training_jobs": [job("a")]})
    full = snap.assign(metrics=of(metrics_answer()))
    full.to_parquet(tmp_path)
    assert len(tv.load(tmp_path).metrics) > 0
    snap.to_parquet(tmp_path, force=True)
    assert len(tv.load(tmp_path).metrics) == 0


def test_assign_names_what_it_does_not_know():
    snap = tv.load({"training_jobs": [job("a")]})
    with pytest.raises(tv.ArgumentError, match="no table 'metric': choose one of projects, jobs"):
        snap.assign(metric=snap.jobs)
    with pytest.raises(tv.ArgumentError, match="the table has no column usd_per_minute"):
        snap.assign(prices=snap.instance_types)
    assert snap.assign(jobs=snap.jobs) is not snap


def test_a_parquet_file_that_is_none_of_the_tables_is_refused(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(tv.SourceError, match="none of the tables prices"):
        tv.load(tmp_path / "x.parquet")
    (tmp_path / "y.parquet").write_bytes(b"PAR1")
    with pytest.raises(PayloadError, match="damaged, or not what was exported"):
        tv.load(tmp_path / "y.parquet")
