"""What trainview wrote is read back, or refused, or told to have changed: never silently another."""

import gzip
import json
import random
import shutil
import warnings
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

import trainview as tv
from tests.builders import CPU, job, payload, project
from tests.properties import examples
from trainview.errors import DataWarning, PayloadError, SourceError
from trainview.schema import GAPS, TABLES
from trainview.tables.metrics import read_metrics

LISTS = payload(
    training_projects=[project("p1", team_name="a"), project("p2", latest_job=job("j9", project="p2"))],
    training_jobs=[
        job("j1", project="p1", error_message='boom, "x"\n', priority=3),
        job("j2", project="p1", instance_type=CPU, node_count=2, user={"email": "a@b"}),
        job("j3", project="p1", current_status="TRAINING_JOB_RUNNING"),
        {"id": "bad"},
    ],
)  # fmt: skip
PRICES = {"instance_types": [{"instance_type": job()["instance_type"], "price": 0.02}]}
QUEUE = {
    "target_job_id": "j1", "gpu_type": "A10G", "requested_gpus": 2, "submitted_at": "2026-03-01T10:00:00Z",
    "released_at": "2026-03-01T11:00:00Z", "pending_seconds": 3600, "active_at_submit": [],
    "pending_ahead_at_submit": [], "events_window_end": "2026-03-01T11:00:00Z",
    "events": [{"training_job_id": "j1", "status": "TRAINING_JOB_RUNNING", "created": "2026-03-01T11:00:00Z"}],
}  # fmt: skip
METRICS = {
    "training_job": {"id": "j1"},
    "per_node_metrics": [
        {
            "node_id": "n0",
            "metrics": {
                "gpu_utilization": {
                    "0": [
                        {"timestamp": f"2026-03-01T11:0{minute}:00Z", "value": 0.5 + minute / 10}
                        for minute in range(5)
                    ]
                }
            },
        }
    ],
}
BILL = {
    "training_usage": {
        "subtotal": "12.5", "credits_used": 0, "total": "12.5", "minutes": 90,
        "breakdown": [
            {
                "billable_resource": {"id": "j1", "kind": "TRAINING_JOB", "is_deleted": False, "name": "j1"},
                "subtotal": "12.5", "minutes": 90,
                "daily": [{"date": "2026-03-01", "subtotal": "12.5", "minutes": 90}],
            }
        ],
    }
}  # fmt: skip


def load(source):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", DataWarning)
        snap = tv.load(source)
    # a warning is a note that changes a total
    warned = {str(warning.message) for warning in told}
    assert {note for note in snap.notes if "changed since" in note} <= warned <= set(snap.notes)
    return snap


@pytest.fixture(scope="module")
def snap():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return tv.load([LISTS, PRICES, QUEUE, METRICS, BILL], on_error="skip")


def write(snap, kind, target):
    if kind == "json":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            snap.to_json(target / "s.json", force=True)
        return target / "s.json"
    getattr(snap, f"to_{kind}")(target / kind)
    return target / kind


def same(left, right):
    try:
        assert (left.as_of, left.latest_only) == (right.as_of, right.latest_only)
        for name in (*TABLES, *GAPS):
            assert_frame_equal(getattr(left, name), getattr(right, name), check_exact=True)
    except AssertionError:
        return False
    return True


def outcome(source, whole, name):
    """Load what may be damaged: "refused", "told" or "equal"."""
    try:
        found = load(source)
    except (PayloadError, SourceError) as error:
        # a damaged manifest may lead to a file that is not there
        named = name in str(error) or name == "trainview.json"
        return "refused" if named and "\n" not in str(error) else str(error)
    told = [note for note in found.notes if "changed since it was exported" in note]
    if told:
        # one that is damaged may also blame another file
        return "told" if any(name in note for note in told) else told
    return "equal" if same(found, whole) else "silent"


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
def test_a_few_flipped_bits_never_change_a_value_without_a_word(kind, snap, tmp_path):
    source = write(snap, kind, tmp_path)
    whole = load(source)
    assert not any("changed since" in note for note in whole.notes)
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    dice = random.Random(8)  # noqa: S311 - the same bits on every run
    seen = set()
    for number in range(examples(200)):
        file = files[number % len(files)]
        before = file.read_bytes()
        hurt = bytearray(before)
        for _ in range(dice.choice([1, 1, 2, 8])):
            bit = dice.randrange(8 * len(hurt))
            hurt[bit // 8] ^= 1 << bit % 8
        file.write_bytes(hurt)
        seen.add(outcome(source, whole, file.name))
        file.write_bytes(before)
    assert seen <= {"equal", "refused", "told"}
    # with few examples, one of these may not come up
    assert seen >= {"refused", "told"} or examples(200) < 200
    assert same(load(source), whole)


def test_a_file_that_was_edited_by_hand_is_read_and_named(snap, tmp_path):
    snap.to_csv(tmp_path / "csv")
    jobs = tmp_path / "csv" / "jobs.csv"
    jobs.write_text(jobs.read_text().replace("boom", "bang"))
    edited = load(tmp_path / "csv")
    [note] = [note for note in edited.notes if "changed since" in note]
    assert note == f"{jobs} changed since it was exported: edited, or damaged"
    assert edited.jobs["error_message"].str.contains("bang").any()
    manifest = tmp_path / "csv" / "trainview.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"latest_only": True}))
    assert sum("changed since" in note for note in load(tmp_path / "csv").notes) == 2


def test_a_saved_file_is_checked_as_it_stands_but_not_once_it_is_parsed(snap, tmp_path):
    source = write(snap, "json", tmp_path)
    text = source.read_text()
    (tmp_path / "s.json.gz").write_bytes(gzip.compress(source.read_bytes()))
    parsed = json.loads(text)
    for whole in (source, tmp_path / "s.json.gz", text.encode(), parsed):
        assert not any("changed since" in note for note in load(whole).notes)
    edited = text.replace("j1-name", "j1-other").encode()
    assert "bytes changed since it was exported: edited, or damaged" in load(edited).notes
    source.write_text(json.dumps(parsed, indent=1))
    assert any("changed since" in note for note in load(source).notes)
    without = json.dumps({name: parsed[name] for name in parsed if name != "trainview_sha256"})
    assert any("changed since" in note for note in load(without.encode()).notes)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("gpus", None, "nothing in 1 of 4 rows"),
        ("gpu_count", -1, "expected an integer from 0 to"),
        ("gpu_count", 2**40, "expected an integer from 0 to"),
        ("created_at", "20000-01-01", "column created_at"),
        ("is_open", None, "nothing in 1 of 4 rows"),
        ("job_id", None, "nothing in 1 of 4 rows"),
    ],
)
def test_what_no_table_can_hold_is_named_by_file_and_column(column, value, message, kind, snap, tmp_path):  # fmt: skip
    source = write(snap, kind, tmp_path)
    path = source / f"jobs.{kind}"
    if kind == "csv":
        lines = path.read_text().replace('"boom, ""x""\n"', "boom").splitlines()
        at = lines[0].replace('"', "").split(",").index(column)
        cells = lines[1].split(",")
        cells[at] = "" if value is None else str(value)
        path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    else:
        table = pq.read_table(path)
        field = table.schema.field(column)
        values = table[column].to_pylist()
        if column == "created_at":
            values = [2**62, *pa.array(values[1:], field.type).cast("int64").to_pylist()]
        else:
            values[0] = value
        array = pa.array(values, "int64" if column == "created_at" else None).cast(field.type)
        at = table.column_names.index(column)
        pq.write_table(table.set_column(at, column, array), path)
    with pytest.raises(PayloadError) as caught:
        load(source)
    assert f"jobs.{kind}: " in str(caught.value)
    assert f"column {column}: " in str(caught.value) or f"#{at}:" in str(caught.value)
    assert message in str(caught.value) or "CSV conversion error" in str(caught.value)
    assert "; it changed since it was exported" in str(caught.value)


def test_a_damaged_page_is_seen_by_its_checksum_alone(snap, tmp_path):
    snap.to_parquet(tmp_path / "out")
    alone = tmp_path / "alone"
    alone.mkdir()
    path = Path(shutil.copy(tmp_path / "out" / "metrics.parquet", alone))
    content = bytearray(path.read_bytes())
    start = pq.read_metadata(path).row_group(0).column(0).data_page_offset
    content[start + 60] ^= 4
    path.write_bytes(content)
    with pytest.raises(PayloadError, match=r"metrics\.parquet: damaged, or not what was exported"):
        load(alone)


def test_answers_that_are_not_ours_carry_no_digest_and_give_no_note():
    text = payload(training_jobs=[job(name='"trainview" "format": 2')])
    assert load(text).notes == ()
    assert read_metrics(json.dumps(METRICS).encode(), "j1").num_rows == 5
