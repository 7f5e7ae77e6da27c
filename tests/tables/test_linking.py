"""What the tables of a snapshot know of one another, and the moment they describe."""

import json
from decimal import Decimal
from itertools import permutations

import pandas as pd
import pytest

import trainview as tv
from tests.api_server import Api
from tests.builders import A10G, CPU, job, payload, project
from trainview.errors import DataWarning

TEAMS = [
    project("p1", name="llm", team_name="vision"),
    project("p2", name="twin", team_name="speech"),
    project("p3", name="twin", team_name="vision"),
]
WAITS = {"current_status": "TRAINING_JOB_PENDING", "updated_at": "2026-03-01T10:00:00Z"}


def listed(*jobs, **saved):
    return payload(training_projects=TEAMS, training_jobs=list(jobs), **saved)


def bill(*entries, **others):
    items = [
        {
            "billable_resource": {"kind": "TRAINING_JOB", "is_deleted": True} | resource,
            "subtotal": usd,
            "minutes": 1,
            "daily": [{"date": "2026-03-02", "minutes": 1, "subtotal": usd}],
        }
        for usd, resource in entries
    ]
    usd = str(sum(Decimal(str(usd)) for usd, _ in entries))
    whole = {"subtotal": usd, "credits_used": 0, "total": usd, "minutes": len(items)}
    return {"training_usage": whole | {"breakdown": items}} | others


def waiting(until, **changes):
    answer = Api([job("a")]).queue({}, "a")[1]
    begun = {"submitted_at": "2026-03-01T10:00:00Z", "released_at": None, "pending_seconds": None}
    return answer | begun | {"events_window_end": until} | changes


def test_jobs_queue_and_bill_know_their_teams():
    snap = tv.load(
        [
            listed(job("a", project="p1"), job("b", project="p2")),
            waiting("2026-03-01T12:00:00Z", released_at="2026-03-01T11:00:00Z"),
            bill(
                (1, {"id": "a"}),
                (2, {"id": "x", "model_name": "llm"}),
                (4, {"id": "y", "model_name": "twin"}),
                (8, {"id": "z", "model_name": "twin", "team_id": "t", "team_name": "audio"}),
                (16, {"id": "l", "kind": "LOOPS_SAMPLER", "model_name": "llm", "base_model": "q"}),
            ),
        ]
    )
    assert dict(zip(snap.jobs["job_id"], snap.jobs["team_name"], strict=True)) == {
        "a": "vision",
        "b": "speech",
    }
    [waited] = snap.queue.to_dict("records")
    assert (waited["project_name"], waited["team_name"]) == ("llm", "vision")
    found = snap.billing.astype(object).where(snap.billing.notna(), None)
    columns = ["resource_id", "job_id", "kind", "team_id", "team_name", "base_model"]
    assert found[columns].to_numpy().tolist() == [
        ["a", "a", "TRAINING_JOB", None, "vision", None],
        ["x", "x", "TRAINING_JOB", None, "vision", None],
        ["y", "y", "TRAINING_JOB", None, None, None],
        ["z", "z", "TRAINING_JOB", "t", "audio", None],
        ["l", None, "LOOPS_SAMPLER", None, None, "q"],
    ]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_folders_from_before_there_were_teams_are_read(kind, tmp_path):
    sources = [listed(job("a", project="p1")), bill((1, {"id": "a"})), waiting("2026-03-01T12:00Z")]
    snap = tv.load(sources)
    getattr(snap, f"to_{kind}")(tmp_path)
    reader, ending = getattr(pd, f"read_{kind}"), f".{kind}"
    for name, later in {
        "jobs": ["team_name"],
        "queue": ["team_name", "project_name"],
        "billing": ["team_name", "team_id", "kind", "resource_id", "model_id", "base_model"],
    }.items():
        path = tmp_path / (name + ending)
        old = reader(path).drop(columns=later)
        getattr(old, f"to_{kind}")(path, index=False)
    manifest = tmp_path / "trainview.json"
    before = {
        key: value for key, value in json.loads(manifest.read_text()).items() if "sha256" not in key
    }
    manifest.write_text(json.dumps(before | {"format": 1}))
    again = tv.load(tmp_path)
    assert again.jobs["team_name"].to_list() == ["vision"]
    assert again.queue["team_name"].to_list() == ["vision"]
    assert again.billing["team_name"].to_list() == ["vision"]
    if kind == "parquet":
        alone = tv.load([listed(job("a", project="p1")), tmp_path / "queue.parquet"])
        assert alone.queue["team_name"].to_list() == ["vision"]


@pytest.mark.parametrize("key", ["training_usage", "dedicated_usage", "model_apis_usage"])
def test_a_bill_without_training_has_no_rows_and_no_error(key):
    assert tv.load({key: None}).billing.empty


def test_what_is_billed_beside_training_is_told():
    others = {
        "dedicated_usage": {"total": "1234.5"},
        "model_apis_usage": {"total": 0},
        "loops_usage": {"total": 3},
        "odd_usage": {"total": "?"},
    }
    for training in ({}, {"training_usage": None}):
        snap = tv.load(others | training)
        assert snap.billing.empty
        [note] = snap.notes
        assert note == (
            "mapping: 1,234.50 USD for dedicated deployments and 3.00 USD for loops and an unknown "
            "amount for odd, not in the billing table"
        )


def test_money_is_a_number_in_pandas_and_exact_in_files_and_sums(tmp_path):
    amounts = [0.1] * 10 + [1234567.89, 1e-12]
    snap = tv.load(bill(*((usd, {"id": str(number)}) for number, usd in enumerate(amounts))))
    money = snap.billing["subtotal_usd"]
    assert money.dtype == "float64"
    assert money.to_list() == amounts
    assert (money / 1000 * 1.2).max() == pytest.approx(1481.481468)
    assert snap.billing.nlargest(1, "subtotal_usd")["job_id"].to_list() == ["10"]
    assert money.convert_dtypes().sum() == pytest.approx(1234568.89)
    assert money.describe()["count"] == 12
    figures = snap.summary().set_index("figure")["value"]
    assert figures["USD billed"] == 1234568.89
    snap.to_parquet(tmp_path)
    written = pd.read_parquet(tmp_path / "billing.parquet", dtype_backend="pyarrow")
    assert str(written["subtotal_usd"].sum()) == "1234568.890000000001"


@pytest.mark.parametrize(
    ("changes", "phase", "hours"),
    [
        ({"current_status": "TRAINING_JOB_STOPPED", "updated_at": "2026-03-01T11:00:00Z"}, "", 1),
        ({"current_status": "TRAINING_JOB_RUNNING", "updated_at": "2026-03-01T11:00:00Z"}, "", 1),
        ({"current_status": "TRAINING_JOB_ODD", "updated_at": "2026-03-01T11:00:00Z"}, "waits", 100),
        (WAITS, "waits", 100),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:job statuses:trainview.DataWarning")
def test_a_job_that_is_known_to_have_ended_does_not_wait(changes, phase, hours):
    answer = waiting("2026-03-05T14:00:00Z")
    for order in permutations([listed(job("a", project="p1", **changes)), answer]):
        [row] = tv.load(list(order)).queue.to_dict("records")
        assert row["is_waiting"] == (phase == "waits")
        assert row["waited_hours"] == hours


def test_of_two_answers_about_a_wait_the_newer_counts_in_any_order():
    released = waiting("2026-03-01T16:00:00Z", released_at="2026-03-01T15:00:00Z")
    early, late = waiting("2026-03-01T11:00:00Z"), waiting("2026-03-01T14:00:00Z")
    again = waiting("2026-03-03T11:00:00Z", submitted_at="2026-03-03T10:00:00Z")
    jobs = listed(job("a", project="p1", **WAITS))
    for answers, hours in [((early, late), 4), ((early, released, late), 5), ((again, late), 1)]:
        for order in permutations(answers):
            [row] = tv.load([jobs, *order]).queue.to_dict("records")
            assert row["waited_hours"] == hours


def test_the_newest_timestamp_of_all_that_was_saved_is_its_moment():
    open_job = job("a", project="p1", current_status="TRAINING_JOB_RUNNING",
                   updated_at="2026-03-01T11:00:00Z")  # fmt: skip
    series = [{"timestamp": f"2026-03-01T{hour}:00:00Z", "value": 1.0} for hour in (12, 20)]
    metrics = {
        "training_job": {"id": "a"},
        "per_node_metrics": [{"node_id": "n", "metrics": {"gpu_utilization": {"0": series}}}],
    }
    jobs = listed(open_job)
    snap = tv.load([jobs, metrics])
    assert snap.as_of == pd.Timestamp("2026-03-01T20:00Z")
    assert snap.jobs["elapsed_hours"].to_list() == [10.0]
    assert tv.load([jobs, metrics, bill((1, {"id": "a"}))]).as_of == pd.Timestamp("2026-03-02T00Z")
    assert tv.load(waiting("2026-03-01T14:00:00Z")).as_of == pd.Timestamp("2026-03-01T14:00Z")
    # the moment that was saved stands, or what runs would seem to have vanished
    saved = json.loads(jobs) | {"trainview": {"format": 1, "as_of": "2026-03-01T12:00:00Z"}}
    dated = tv.load([saved, metrics])
    assert dated.as_of == pd.Timestamp("2026-03-01T12:00Z")
    assert dated.jobs["is_open"].all()


def test_bills_that_overlap_are_put_together_with_a_note():
    whole, cut = bill((100, {"id": "a"})), bill((40, {"id": "a"}))
    for order in permutations([whole, cut]):
        with pytest.warns(DataWarning, match="1 amount of bills that overlap differs"):
            snap = tv.load(list(order))
        assert snap.billing["subtotal_usd"].to_list() == [100.0]
    both = tv.merge([tv.load(cut), tv.load(whole)])
    assert both.billing["subtotal_usd"].to_list() == [100.0]
    assert len(both.notes) == 1


def test_bills_that_overlap_give_the_same_amounts_in_any_order():
    def line(name, *days, rest=0):
        daily = [{"date": f"2026-03-0{date}", "subtotal": usd, "minutes": 1} for date, usd in days]
        usd = sum(day["subtotal"] for day in daily) + rest
        resource = {"id": name, "is_deleted": False}
        return {"billable_resource": resource, "subtotal": usd, "minutes": 1, "daily": daily}

    def whole(usd, *lines):
        known = {"subtotal": usd, "credits_used": 0, "total": usd, "minutes": 9}
        return {"training_usage": known | {"breakdown": list(lines)}}

    cases = [
        # two bills of 4, one of them below its lines
        (whole(4, line("a", (1, 2))), whole(4, line("a", (1, 2), (3, 3))), 4),
        # of as much, less is known by day
        (whole(5, line("a", (1, 1), rest=1), line("b", (3, 3))), whole(5, line("a", rest=2), line("b", (3, 3))), 5),
    ]  # fmt: skip
    for *bills, usd in cases:
        found = []
        for order in permutations(bills):
            billing = tv.load(list(order)).billing
            rows = billing[["resource_id", "date", "subtotal_usd"]].astype("str")
            found.append(sorted(map(str, rows.to_numpy().tolist())))
            assert billing["subtotal_usd"].sum() == usd
        assert found[0] == found[1]


def test_gpu_limits_that_spell_one_type_in_several_ways_are_noted():
    limits = [
        {"gpu_type": gpu_type, "baseline": 1, "limit": 8, "usage_count": 0}
        for gpu_type in ("A100-40GB", "A100_40GB", "H100")
    ]
    with pytest.warns(DataWarning, match="in several ways, A100-40GB, A100_40GB: the quota takes"):
        snap = tv.load({"gpu_capacities": limits})
    assert len(snap.capacity) == 3
    assert tv.load([{"gpu_capacities": [limit]} for limit in limits]).notes == ()


def test_two_spellings_of_a_gpu_type_are_one_type():
    kinds = [
        A10G | {"id": name, "name": name, "gpu_type": name} for name in ("A100-40GB", "A100_40GB")
    ]
    rows = [job(f"j{n}", instance_type=kind) for n, kind in enumerate([*kinds, CPU])]
    snap = tv.load(payload(training_jobs=rows))
    assert snap.jobs["gpu_type"].astype("str").fillna("-").to_list() == [
        "A100_40GB",
        "A100_40GB",
        "-",
    ]
    assert snap.instance_types["gpu_type"].dropna().to_list() == ["A100_40GB", "A100_40GB"]
    assert len(tv.gpu_usage(snap.jobs)) == 2
    listed = {"instance_types": [{"instance_type": kind, "price": 1} for kind in (*kinds, CPU)]}
    prices = tv.load(listed).prices
    assert prices["gpu_type"].astype("str").fillna("-").to_list() == ["A100_40GB", "A100_40GB", "-"]
