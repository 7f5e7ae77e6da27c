import gzip
import io
import json
import warnings
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

import trainview as tv
from tests.builders import job, project
from trainview.errors import DataWarning, PayloadError


def payload(**lists):
    return {f"training_{name}": values for name, values in lists.items()}


LISTED = project("p1")
ONE = job("j1", project="p1", current_status="TRAINING_JOB_FAILED")
TWO = job("j2", project="p1")
LINES = [
    {"timestamp": "1774359870480000000", "message": "loss 0.3", "replica": "r0", "level": "INFO"},
    {"timestamp": "1774359871480000000", "message": "CUDA error"},
]
LISTING = {
    "job_id": "j1",
    "total_checkpoints": 1,
    "checkpoints": [
        {
            "job_id": "j1", "id": "x1", "checkpoint_id": "checkpoint-20", "checkpoint_type": "lora",
            "base_model": "", "size_bytes": 7, "size_human_readable": "7 B", "created_at": "2026-03-24 18:04:30",
        }
    ],
}  # fmt: skip
ARTIFACTS = {
    "timestamp": "2026-03-24T18:04:30+00:00",
    "job": ONE,
    "checkpoint_artifacts": [
        {
            "url": "https://bucket.example/a?X-Signature=secret",
            "relative_file_name": "a",
            "size_bytes": 3,
        }
    ],
}
QUEUE = {
    "target_job_id": "j1", "gpu_type": "H100", "requested_gpus": 8, "submitted_at": "2026-03-24T18:00:00Z",
    "released_at": None, "active_at_submit": [], "pending_ahead_at_submit": [], "events": [],
    "events_window_end": "2026-03-24T19:00:00Z",
}  # fmt: skip


class Model:
    """As pydantic's: what the vendor's package gives."""

    def __init__(self, value):
        self.value = value

    def model_dump(self, *, mode):
        assert mode == "json"
        return self.value


def lines(*values):
    return "\n".join(json.dumps(value) for value in values) + "\n"


SHAPES = {
    "one job in its envelope": ({"training_project": LISTED, "training_job": ONE}, ["j1"], ["p1"]),
    "a project in its envelope": ({"training_project": LISTED}, [], ["p1"]),
    "a job in its envelope": ({"training_job": ONE}, ["j1"], ["p1"]),
    "a bare job": (ONE, ["j1"], ["p1"]),
    "a bare project": (LISTED, [], ["p1"]),
    "a list of jobs": ([ONE, TWO], ["j1", "j2"], ["p1"]),
    "a list of projects": ([LISTED, project("p2")], [], ["p1", "p2"]),
    "a list of answers": ([payload(jobs=[ONE]), payload(jobs=[TWO])], ["j1", "j2"], ["p1"]),
    "jobs under job": ({"job": [ONE, TWO]}, ["j1", "j2"], ["p1"]),
    "a job under job": ({"job_id": "j1", "nodes": [], "job": ONE}, ["j1"], ["p1"]),
    "links to checkpoints": (ARTIFACTS, ["j1"], ["p1"]),
}
ROUTES = {
    "parsed": lambda value, _: value,
    "bytes": lambda value, _: json.dumps(value).encode(),
    "indented": lambda value, _: json.dumps(value, indent=2).encode(),
    "gzipped": lambda value, _: gzip.compress(json.dumps(value).encode()),
    "a file": lambda value, folder: write(folder / "a.json", json.dumps(value)),
    "an open file": lambda value, _: io.StringIO(json.dumps(value)),
    "a model": lambda value, _: [Model(part) for part in value] if isinstance(value, list) else Model(value),
    "JSON lines": lambda value, folder: write(folder / "a.jsonl", lines(*(value if isinstance(value, list) else [value]))),
}  # fmt: skip


def write(path, text):
    path.write_text(text)
    return path


def load(source, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return tv.load(source, **options)


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
@pytest.mark.parametrize(("value", "jobs", "projects"), SHAPES.values(), ids=SHAPES)
def test_what_people_have_in_hand_loads(value, jobs, projects, route, tmp_path):
    snap = load(route(value, tmp_path))
    assert sorted(snap.jobs["job_id"]) == jobs
    assert sorted(snap.projects["project_id"]) == projects


def test_a_folder_holds_all_of_it_side_by_side(tmp_path):
    write(tmp_path / "a.json", json.dumps(payload(projects=[LISTED])))
    write(tmp_path / "b.jsonl", lines(ONE, {"training_job": TWO}))
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(lines(*LINES).encode()))
    write(tmp_path / "d.json", json.dumps(QUEUE))
    snap = load(tmp_path)
    assert list(snap.jobs["job_id"]) == ["j1", "j2"]
    assert len(snap.logs) == 2
    assert list(snap.queue["job_id"]) == ["j1"]


@pytest.mark.parametrize(
    ("source", "job_id"),
    [
        ({"logs": LINES}, None),
        (LINES, None),
        (lines(*LINES).encode(), None),
        ({"job_id": "j1", "logs": LINES}, "j1"),
        ({"training_job": {"id": "j1"}, "logs": LINES}, "j1"),
        (LINES[0], None),
    ],
)
def test_log_lines_load_and_name_no_job_that_they_do_not_name(source, job_id):
    snap = load(source)
    assert snap.logs["message"].iloc[0] == "loss 0.3"
    assert snap.logs["timestamp"].iloc[0] == pd.Timestamp("2026-03-24T13:44:30.48Z")
    assert set(snap.logs["job_id"].dropna()) == ({job_id} if job_id else set())


def test_local_times_of_the_vendors_command_line_need_their_zone():
    with pytest.raises(
        PayloadError,
        match=r'checkpoints\[0\].created_at: "2026-03-24 18:04:30" has no zone.*tz="Europe/Berlin"',
    ):
        tv.load(LISTING)
    [row] = load(LISTING, tz="Europe/Berlin").checkpoints.to_dict("records")
    assert row["created_at"] == pd.Timestamp("2026-03-24T17:04:30Z")
    assert (row["job_id"], row["checkpoint_id"], row["size_bytes"]) == ("j1", "checkpoint-20", 7)
    assert pd.isna(row["base_model"])
    doubtful = json.loads(json.dumps(LISTING).replace("2026-03-24 18:04:30", "2026-10-25 02:30:00"))
    with pytest.raises(PayloadError, match="ambiguous or skipped in Europe/Berlin"):
        tv.load(doubtful, tz="Europe/Berlin")
    with pytest.raises(tv.ArgumentError, match="no time zone"):
        tv.load(LISTING, tz="Mars/Base")


def test_no_link_to_a_checkpoint_is_kept(tmp_path):
    snap = load(write(tmp_path / "run_j1_checkpoints.json", json.dumps(ARTIFACTS)))
    snap.to_parquet(tmp_path / "out")
    snap.to_json(tmp_path / "out.json")
    kept = b"".join(
        path.read_bytes() for path in [*(tmp_path / "out").iterdir(), tmp_path / "out.json"]
    )
    assert b"secret" not in kept
    assert "secret" not in repr(snap) + snap._repr_html_()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"<!DOCTYPE html><title>Training - trainview</title>", "this is a report of trainview"),
        (b"<html><body>Sign in", "an HTML page, perhaps of a proxy or a login"),
        (b"PAR1xxxx", "a Parquet file"),
        (b"PK\x03\x04xxxx", "an Excel file"),
        (b"job_id,cost\nj1,3\n", "this is a CSV"),
        (b"[]", "an empty list"),
        (b"[1, 2]", r"\[0\]: expected a job, a project, a log line or an answer of the API, got 1"),
        (b"", "^bytes: expected answers of the training API, but this is an empty file"),
        (b"\x7fELF\x02\x01\x01\0\0", "but this is a binary file: give the API's JSON"),
        (b"jobs.json".ljust(257, b"\0") + b"ustar", "but this is a tar archive: unpack it first"),
        (b"\xef\xbb\xbf \n", "this is an empty file"),
        (b'{"error": "unauthorized"}', "this is an error that the API answered"),
        (b'{"code": "FORBIDDEN", "message": "no"}', "this is an error that the API answered"),
        ([{"error": "unauthorized"}], r"\[0\]: expected a job.*got an error that the API answered"),
        (b'{"a": 1}', "keys: a"),
        ({"presigned_urls": ["https://b/?s=secret"]}, "this is a list of links to files"),
        (
            {"checkpoint_artifacts": [{"url": "https://b/?s=secret"}]},
            "this is a list of links to files",
        ),
        (b'{"cells": [], "metadata": {}, "nbformat": 4}', "this is a Jupyter notebook"),
        (b"null", "it begins with null"),
        (lines(ONE).encode() + b'{"id": "j2"', "not JSON at line 2"),
        (lines(ONE, {"a": 1}).encode(), r"line 2: expected a job.*other keys \(a\)"),
    ],
)
def test_what_is_none_of_ours_is_told_for_what_it_looks_like(source, message):
    with pytest.raises(PayloadError, match=message) as caught:
        tv.load(source)
    assert "\n" not in str(caught.value)
    assert "https" not in str(caught.value)


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Europe/Berlin")])
def test_times_of_python_load_if_they_have_a_zone(zone):
    moment = datetime(2026, 3, 24, 18, 4, 30, 5, tzinfo=zone)
    snap = load(payload(jobs=[ONE | {"created_at": moment}]))
    assert snap.jobs["created_at"].tolist() == [pd.Timestamp(moment)]
    naive = payload(jobs=[ONE | {"created_at": moment.replace(tzinfo=None)}, TWO])
    with pytest.raises(
        PayloadError, match=r"training_jobs\[0\].created_at: .*with a zone.*2026-03-24T18:04:30"
    ):
        tv.load(naive)
    assert load(naive, on_error="skip").jobs["job_id"].tolist() == ["j2"]


def test_a_table_of_ours_as_csv_alone_is_known_again(tmp_path):
    load(payload(jobs=[ONE])).to_csv(tmp_path / "out")
    with pytest.raises(PayloadError, match="this is the table jobs as CSV: give the whole folder"):
        tv.load((tmp_path / "out" / "jobs.csv").read_bytes())


def test_a_fault_in_a_bare_list_is_placed_where_it_stands():
    bad = TWO | {"created_at": "soon"}
    with pytest.raises(
        PayloadError,
        match=r"list: \[1\].created_at: expected an ISO 8601 time.*on_error=.skip. leaves",
    ):
        tv.load([ONE, bad])
    with pytest.raises(PayloadError, match=r"bytes: line 2.created_at: expected an ISO"):
        tv.load(lines(ONE, bad).encode())


def test_bad_records_are_left_out_one_by_one_and_counted():
    bad = [TWO | {"created_at": "soon"}, {"id": "j9", "training_project_id": "p9"}, 7]
    with pytest.warns(
        DataWarning, match="^3 records left out, all totals are without: bytes"
    ) as told:
        snap = tv.load(
            json.dumps(payload(projects=[LISTED], jobs=[ONE, *bad])).encode(), on_error="skip"
        )
    assert len([warning for warning in told if "left out" in str(warning.message)]) == 1
    assert list(snap.jobs["job_id"]) == ["j1"]
    assert list(snap.rejected.columns) == ["source", "path", "job_id", "project_id", "reason"]
    rows = snap.rejected.to_dict("records")
    assert [row["path"] for row in rows] == [
        "training_jobs[1].created_at",
        "training_jobs[2].created_at",
        "training_jobs[3]",
    ]
    assert [row["job_id"] for row in rows[:2]] == ["j2", "j9"]
    assert rows[1]["project_id"] == "p9"
    assert (
        rows[0]["reason"]
        == 'expected an ISO 8601 time with a zone (2025-03-24T18:04:30Z), got "soon"'
    )
    assert "3 records left out" in repr(snap)
    assert any("3 records left out" in note for note in snap.notes)
    assert snap.summary().set_index("figure").loc["records left out", "value"] == 3


def test_a_bad_project_leaves_the_others_and_a_cut_off_list_what_came_before():
    text = json.dumps(payload(projects=[LISTED, {"id": "p2"}], jobs=[ONE, TWO]))
    snap = load(text.encode(), on_error="skip")
    assert list(snap.projects["project_id"]) == ["p1"]
    assert len(snap.jobs) == 2
    cut = load(text[: text.index('"j2"')].encode(), on_error="skip")
    assert list(cut.jobs["job_id"]) == ["j1"]
    assert cut.rejected["path"].tolist() == ["training_projects[1].name", "training_jobs[1]"]
    assert "cut off" in cut.rejected["reason"].iloc[1]


@pytest.mark.parametrize("value", [ONE, TWO | {"error_message": "\ud800"}])
def test_nothing_is_left_out_that_fits_and_all_else_is(value):
    text = json.dumps(payload(jobs=[ONE, value])).encode()
    snap = load(text, on_error="skip")
    assert len(snap.rejected) == (value is not ONE)


def test_records_of_other_answers_are_left_out_likewise():
    price = {"instance_type": ONE["instance_type"], "price": 0.5}
    snap = load({"instance_types": [price, price | {"price": "free"}]}, on_error="skip")
    assert len(snap.prices) == 1
    assert snap.rejected["path"].tolist() == ["instance_types[1].price"]
    snap = load({"instance_types": [price, price | {"price": -1}]}, on_error="skip")
    assert len(snap.prices) == 1
    assert snap.rejected["path"].tolist() == ["instance_types[1].price"]
    with pytest.raises(PayloadError, match=r"\[0\]\.price: expected a price from 0, got -1"):
        tv.load({"instance_types": [price | {"price": -1}]})
    event = {
        "training_job_id": "j1",
        "status": "TRAINING_JOB_RUNNING",
        "created": "2026-03-24T18:00:00Z",
    }
    snap = load(QUEUE | {"events": [event, event | {"created": 3}]}, on_error="skip")
    assert len(snap.status_events) == 1
    assert snap.rejected["job_id"].tolist() == ["j1"]


@pytest.mark.parametrize(
    "bad",
    [{"value": "x"}, {"value": float("nan")}, {"timestamp": "soon"}, {"timestamp": None}],
    ids=str,
)
@pytest.mark.parametrize("of_leader", [False, True])
def test_one_bad_sample_leaves_the_others(bad, of_leader):
    samples = [{"timestamp": f"2026-03-24T18:0{n}:00Z", "value": n / 10} for n in range(5)]
    series = {"gpu_utilization": {"0": [*samples[:2], samples[2] | bad, *samples[3:]], "x": []}}
    node = {"node_id": "n0", "metrics": series | {"cpu_usage": samples}}
    answer = {"training_job": {"id": "j1"}, "per_node_metrics": [] if of_leader else [node]}
    text = json.dumps(answer | (node["metrics"] if of_leader else {})).encode()
    snap = load(text, on_error="skip")
    assert snap.metrics.groupby("metric", observed=True)["value"].apply(list).to_dict() == {
        "gpu_utilization": [0.0, 0.1, 0.3, 0.4],
        "cpu_usage": [0.0, 0.1, 0.2, 0.3, 0.4],
    }
    start = "" if of_leader else "per_node_metrics[0].metrics."
    assert snap.rejected["path"].tolist() == [
        f"{start}gpu_utilization.0[2].{next(iter(bad))}",
        "gpu_utilization",
    ]
    assert snap.rejected["job_id"].tolist() == ["j1", "j1"]
    pd.testing.assert_frame_equal(load(json.loads(text), on_error="skip").metrics, snap.metrics)
    assert "rank of a GPU, got 'x'" in snap.rejected["reason"].iloc[1]
    with pytest.raises(PayloadError):
        tv.load(text)


@pytest.mark.parametrize(
    ("bad", "rest"),
    [
        ({"subtotal": "abc"}, [("5.5", 0)]),
        ({"credits_used": None}, [("5.5", 0)]),
        ({"minutes": 10**30}, [("5.5", 0)]),
        ({"minutes": "60", "subtotal": 1e16}, [("5.5", 0)]),
        ({"total": None}, []),
    ],
    ids=str,
)
def test_bad_totals_of_a_bill_leave_its_jobs_and_the_money_of_no_job(bad, rest):
    day = {"date": "2026-03-24", "subtotal": "3.5", "minutes": 60}
    of_job = {
        "billable_resource": {"id": "j1", "is_deleted": False},
        "subtotal": "3.5",
        "minutes": 60,
    }
    totals = {"subtotal": "9", "credits_used": "0", "total": "9", "minutes": 60}
    bill = {"training_usage": totals | bad | {"breakdown": [of_job | {"daily": [day]}]}}
    snap = load(bill, on_error="skip")
    of_jobs, of_none = (
        (
            part[["subtotal_usd", "minutes"]].to_numpy().tolist()
            for _, part in snap.billing.groupby(snap.billing["job_id"].isna())
        )
        if rest
        else (snap.billing[["subtotal_usd", "minutes"]].to_numpy().tolist(), [])
    )
    assert of_jobs == [[3.5, 60]]
    assert of_none == [[float(usd), minutes] for usd, minutes in rest]
    assert sorted(snap.rejected["path"]) == sorted(f"training_usage.{name}" for name in bad)
    with pytest.raises(PayloadError):
        tv.load(bill)
    alone = {"training_usage": totals | bad | {"breakdown": None}}
    if "total" in bad:
        with pytest.raises(PayloadError, match=r"training_usage\.total"):
            tv.load(alone, on_error="skip")
    else:
        assert load(alone, on_error="skip").billing["subtotal_usd"].tolist() == [9]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400, "1e99999999999999999999"])
def test_a_number_that_is_too_large_leaves_out_its_own_sample_alone(number):
    text = (
        '{"training_job": {"id": "j1"}, "other": [NUMBER], "per_node_metrics": [{"node_id": "n0",'
        '"metrics": {"cpu_usage": [{"timestamp": "2026-03-24T18:00:00Z", "value": NUMBER},'
        '{"timestamp": "2026-03-24T18:01:00Z", "value": 0.5}]}}]}'
    ).replace("NUMBER", number)
    snap = load(text.encode(), on_error="skip")
    assert snap.metrics["value"].tolist() == [0.5]
    assert snap.rejected["path"].tolist() == ["per_node_metrics[0].metrics.cpu_usage[0].value"]
    with pytest.raises(PayloadError, match="is too large"):
        tv.load(text.encode())


def test_bad_lines_are_left_out_one_by_one():
    text = lines(ONE) + '{"id": "j3"\n' + lines(TWO, {"a": 1})
    snap = load(text.encode(), on_error="skip")
    assert list(snap.jobs["job_id"]) == ["j1", "j2"]
    assert snap.rejected["path"].tolist() == ["line 2", "line 4"]


@pytest.mark.parametrize("cut", [1, 5, 40, 4, -1])
def test_a_first_line_that_is_cut_leaves_the_others(cut):
    first = lines(ONE | {"error_message": "a, b"})[cut:]
    snap = load((first + lines(TWO, job("j3", error_message="\u2028"))).encode(), on_error="skip")
    assert list(snap.jobs["job_id"]) == ["j2", "j3"]
    assert snap.rejected["path"].tolist() == ["line 1"] * (cut != -1)
    logs = load(('e": "x"}\n' + lines(*LINES, LINES[0])).encode(), on_error="skip").logs
    assert len(logs) == 3


def test_an_indented_answer_that_is_cut_off_keeps_what_came_before():
    text = json.dumps(payload(jobs=[ONE, TWO]), indent=1)
    cut = load(text[: text.index('"j2"')].encode(), on_error="skip")
    assert list(cut.jobs["job_id"]) == ["j1"]
    assert cut.rejected["path"].tolist() == ["training_jobs[1]"]
    by_line = f'{{"training_jobs": [\n{json.dumps(ONE)},\n{json.dumps(TWO)}\n'
    assert list(load(by_line.encode(), on_error="skip").jobs["job_id"]) == ["j1", "j2"]


def test_an_unreadable_file_in_a_folder_is_named_or_skipped(tmp_path):
    for number in range(5):
        write(tmp_path / f"{number}.json", json.dumps(payload(jobs=[job(f"j{number}")])))
    write(tmp_path / "3.json", "<html>")
    with pytest.raises(
        PayloadError,
        match=r"3\.json: expected answers of the training API, but this is an HTML page"
        r'.*; on_error="skip" leaves such files out$',
    ):
        tv.load(tmp_path)
    with pytest.raises(PayloadError, match=r"skip.* leaves such files out$") as nested:
        tv.load([[tmp_path, b"{}"], payload(jobs=[ONE])])
    assert str(nested.value).count("on_error") == 1
    with pytest.raises(PayloadError, match=r"save the JSON$"):
        tv.load(tmp_path / "3.json")
    with pytest.warns(DataWarning, match="^1 file left out"):
        snap = tv.load(tmp_path, on_error="skip")
    assert len(snap.jobs) == 4
    [row] = snap.rejected.to_dict("records")
    assert row["source"].endswith("3.json")
    assert pd.isna(row["path"])
    for path in tmp_path.iterdir():
        path.write_text("{")
    with pytest.raises(PayloadError, match="not JSON"):
        tv.load(tmp_path, on_error="skip")


def test_a_bad_source_among_several_leaves_the_others(tmp_path):
    good, bad = write(tmp_path / "a.json", json.dumps(payload(jobs=[TWO]))), tmp_path / "b.json"
    write(bad, "{bad")
    snap = load([payload(jobs=[ONE]), b"{bad", [good, bad]], on_error="skip")
    assert list(snap.jobs["job_id"]) == ["j1", "j2"]
    assert snap.rejected["source"].tolist() == [str(bad), "bytes"]
    assert snap.rejected["path"].isna().all()
    assert snap.rejected["reason"].str.startswith("not JSON at line 1").all()
    with pytest.raises(PayloadError, match=r"^bytes: not JSON"):
        tv.load([b"{bad", bad], on_error="skip")
    with pytest.raises(PayloadError, match=r"^list: \[0\]: expected a job.*other keys \(a\)"):
        tv.load([{"a": 1}], on_error="skip")
    with pytest.raises(tv.SourceError, match=r"none\.json"):
        tv.load([good, tmp_path / "none.json"], on_error="skip")
    with pytest.raises(PayloadError, match=r"^bytes: not JSON"):
        tv.load([payload(jobs=[ONE]), b"{bad"])


def test_a_bad_answer_in_a_list_or_among_lines_leaves_the_others():
    bad = {"training_job": {"id": "j1"}, "per_node_metrics": "x"}
    for source, place in [
        ([payload(jobs=[ONE]), bad], "[1]"),
        (lines(bad, payload(jobs=[ONE])).encode(), "line 1"),
    ]:
        snap = load(source, on_error="skip")
        assert list(snap.jobs["job_id"]) == ["j1"]
        assert snap.rejected["path"].tolist() == [f"{place}.per_node_metrics"]
        assert snap.rejected["reason"].tolist() == ['expected a list, got "x"']
    with pytest.raises(PayloadError, match="per_node_metrics: expected a list"):
        tv.load([bad, bad], on_error="skip")


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_what_was_left_out_is_kept_in_what_is_saved(kind, tmp_path):
    snap = load(payload(jobs=[ONE, {"id": "j9"}]), on_error="skip")
    getattr(snap, f"to_{kind}")(tmp_path / "out")
    with pytest.warns(DataWarning, match="1 record left out"):
        back = tv.load(tmp_path / "out")
    pd.testing.assert_frame_equal(back.rejected, snap.rejected)
    assert back.notes == snap.notes


def test_only_the_two_ways_to_treat_errors_are_taken():
    with pytest.raises(tv.ArgumentError, match="on_error='ignore': choose 'raise' or 'skip'"):
        tv.load({}, on_error="ignore")


def test_what_is_left_out_is_named_by_where_it_stood():
    instance_type = ONE["instance_type"]
    prices = {"instance_types": [{"instance_type": instance_type, "price": usd} for usd in ("1", 2, -1)]}  # fmt: skip
    logs = {
        "logs": [{"timestamp": "1", "message": None}, {"timestamp": "x", "message": ""}, *LINES]
    }
    snap = load([prices, logs], on_error="skip")
    assert snap.rejected["path"].tolist() == [
        "[1].logs[0].message",
        "[1].logs[1].timestamp",
        "[0].instance_types[0].price",
        "[0].instance_types[2].price",
    ]
    with pytest.raises(PayloadError, match=r"^list: \[1\].submitted_at: expected a time, got null"):
        tv.load([prices | {"instance_types": []}, QUEUE | {"submitted_at": None}])


@pytest.mark.parametrize(
    "answer", [QUEUE, {"logs": LINES}, LISTING], ids=["queue", "logs", "listing"]
)
def test_text_in_utf_16_is_told_for_what_it_is_in_every_answer(answer):
    with pytest.raises(PayloadError, match="UTF-16 text: save it as UTF-8"):
        tv.load(json.dumps(answer).encode("utf-16"))
