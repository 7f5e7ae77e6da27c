import dataclasses
import gzip
import io
import json
import os
import warnings
from html import escape
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from pandas.testing import assert_frame_equal

import trainview as tv
from tests.builders import CPU, job, payload, project
from tests.properties import examples
from tests.tables.test_core import payloads
from trainview.errors import ArgumentError, DataWarning, PayloadError, SourceError
from trainview.schema import TABLES

SEED_PAGE = {
    "training_projects": [
        {
            "id": "<string>",
            "name": "<string>",
            "created_at": "2023-11-07T05:31:56Z",
            "updated_at": "2023-11-07T05:31:56Z",
            "latest_job": {
                "id": "<string>",
                "created_at": "2023-11-07T05:31:56Z",
                "current_status": "<string>",
                "error_message": "<string>",
                "instance_type": {
                    "id": "<string>",
                    "name": "<string>",
                    "memory_limit_mib": 123,
                    "millicpu_limit": 123,
                    "gpu_count": 123,
                    "gpu_type": "<string>",
                    "gpu_memory_limit_mib": 123,
                },
                "updated_at": "2023-11-07T05:31:56Z",
                "training_project_id": "<string>",
                "training_project": {"id": "<string>", "name": "<string>"},
                "name": "gpt-oss-job",
            },
        }
    ]
}
ODD = payload(
    trainview={"format": 1, "as_of": "2026-03-02T00:00:00.000001Z"},
    training_projects=[
        project("p1", name='=SUM(A1)",\n"x"', team_name="'-quoted"),
        project("p2", name="", team_name=None, latest_job=job("j9", project="p2")),
    ],
    training_jobs=[
        job("j1", project="p1", name="+1", error_message="line\r\nnext\rlast, \"q\" 'a'"),
        job("j2", project="p1", name="''=x", error_message="", instance_type=CPU),
        job("j3", project="p7", name=None, user={"email": "@a"}, current_status="TRAINING_JOB_RUNNING"),
        job("j4", project="p1", name="\ttab", created_at="0001-01-01T00:00:00Z", priority=-3),
        job("j5", project="p1", name="语音🚀", node_count=4, updated_at="2026-03-01T09:00:00Z"),
    ],
)  # fmt: skip


def load_quietly(source, **kwargs) -> tv.Snapshot:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return tv.load(source, **kwargs)


def assert_same(left: tv.Snapshot, right: tv.Snapshot) -> None:
    assert (left.as_of, left.latest_only) == (right.as_of, right.latest_only)
    for name in TABLES:
        assert_frame_equal(getattr(left, name), getattr(right, name), check_exact=True)


def test_the_seed_pages_example_loads():
    snap = tv.load(SEED_PAGE)
    assert "<string>" in snap.notes[0]
    assert snap.projects["latest_job_id"].tolist() == ["<string>"]
    [row] = snap.jobs.to_dict("records")
    assert (row["job_name"], row["gpus"], row["phase"]) == ("gpt-oss-job", 123, "unknown")
    assert snap.latest_only
    assert snap.as_of == pd.Timestamp("2023-11-07T05:31:56Z")


def test_the_jobs_of_a_project_answer_loads():
    snap = tv.load({"training_project": project(latest_job=job()), "training_jobs": [job(), job("b")]})  # fmt: skip
    assert snap.projects["project_id"].tolist() == ["proj1"]
    assert snap.projects["created_at"].notna().all()
    assert snap.jobs["job_id"].tolist() == ["job1", "b"]
    assert not snap.latest_only


SEARCH = payload(training_jobs=[job(), job("b", node_count=2)])


@pytest.mark.parametrize("how", ["str", "Path", "gz", "bytes", "bytearray", "memoryview", "binary file", "text file", "BytesIO", "StringIO", "dict", "folder", "list", "tuple"])  # fmt: skip
def test_every_kind_of_source_gives_the_same_snapshot(how, tmp_path):
    path = tmp_path / "jobs.json"
    path.write_bytes(SEARCH)
    expected = tv.load(SEARCH)
    if how in {"binary file", "text file"}:
        with path.open("rb" if how == "binary file" else "r") as file:
            assert_same(tv.load(file), expected)
        return
    packed = tmp_path / "packed" / "jobs.json.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(SEARCH))
    sources = {
        "str": str(path), "Path": path, "gz": packed, "bytes": SEARCH, "bytearray": bytearray(SEARCH),
        "memoryview": memoryview(SEARCH), "BytesIO": io.BytesIO(SEARCH), "StringIO": io.StringIO(SEARCH.decode()),
        "dict": json.loads(SEARCH), "folder": packed.parent, "list": [path], "tuple": (SEARCH,),
    }  # fmt: skip
    assert_same(tv.load(sources[how]), expected)


def test_several_sources_of_one_moment_become_one_snapshot():
    both = tv.load([payload(training_projects=[project(), project("p2")]), SEARCH])
    assert both.projects["project_id"].tolist() == ["proj1", "p2"]
    assert both.jobs["job_id"].tolist() == ["job1", "b"]
    assert not both.latest_only


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("no/such/file.json", SourceError, "cannot read no/such/file.json: No such file"),
        ("evil\x1b[2J.json", SourceError, r"evil\x1b[2J.json"),
        ("nul\0.json", SourceError, "cannot read"),
        ('{"training_jobs": []}', ArgumentError, "pass it as bytes"),
        ([], ArgumentError, "an empty list of sources"),
        (7, ArgumentError, "cannot load from int: pass a path"),
        (None, ArgumentError, "cannot load from NoneType"),
        ({"training_jobs": {1, 2}}, PayloadError, "mapping: not JSON"),
        ({"training_jobs": [], "x": float("nan")}, PayloadError, "mapping: not JSON"),
        (io.StringIO("\ud800"), PayloadError, "not UTF-8"),
    ],
)
def test_what_cannot_be_loaded_is_named(source, error, message):
    with pytest.raises(error) as caught:
        tv.load(source)
    assert message in str(caught.value)


def test_a_folder_without_data_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(SourceError, match="a folder without JSON files or saved tables"):
        tv.load(tmp_path)
    inner = tmp_path / "march"
    inner.mkdir()
    (inner / "jobs.json").write_bytes(SEARCH)
    with pytest.raises(SourceError, match="folders in it are not read: name march itself"):
        tv.load(tmp_path)
    (tmp_path / "jobs.json").write_bytes(SEARCH)
    with pytest.warns(tv.DataWarning, match="not read, as they are folders in it: march"):
        assert "march" in tv.load(tmp_path).notes[0]
    tv.load(inner).to_csv(tmp_path / "csv")
    (tmp_path / "csv" / "trainview.json").unlink()
    with pytest.raises(SourceError, match=r"tables of to_csv are there, but not trainview\.json"):
        tv.load(tmp_path / "csv")


def test_a_fault_names_the_file_it_is_in(tmp_path):
    (tmp_path / "a.json").write_bytes(SEARCH)
    (tmp_path / "b.json").write_bytes(b'{"training_jobs": [3]}')
    with pytest.raises(
        PayloadError, match=r"b\.json: training_jobs\[0\]: expected an object, got 3"
    ):
        tv.load(tmp_path)


@pytest.mark.parametrize("as_of", ["2026-04-01T00:00", "soon", "7d", 7, pd.Timestamp("2026-04-01")])
def test_as_of_needs_a_zone(as_of):
    with pytest.raises(ArgumentError, match="give a moment with a time zone"):
        tv.load(SEARCH, as_of=as_of)


def test_as_of_can_be_given_and_is_utc():
    for as_of in (
        "2026-04-01",
        "2026-04-01T02:00:00+02:00",
        pd.Timestamp("2026-04-01T02:00", tz="Europe/Berlin"),
    ):
        snap = tv.load(
            payload(training_jobs=[job(current_status="TRAINING_JOB_RUNNING")]), as_of=as_of
        )
        assert snap.as_of == pd.Timestamp("2026-04-01T00:00Z")
        assert snap.jobs["elapsed_hours"].tolist() == [734.0]


def test_each_kind_of_oddity_gives_one_note_and_no_warning():
    content = payload(
        training_jobs=[job("a", current_status="X"), job("b", current_status="X"), job("a"),
                       job("c", updated_at="2020-01-01T00:00:00Z")],
    )  # fmt: skip
    snap = tv.load(content)
    assert len(snap.notes) == 3
    assert all(escape(note) in snap._repr_html_() for note in snap.notes)


def test_records_that_are_left_out_give_a_warning_at_the_place_of_the_call():
    bad = payload(training_jobs=[job("a"), job("b", created_at="soon")])
    with pytest.warns(DataWarning, match="1 record left out") as caught:
        tv.load(bad, on_error="skip")
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("how", ["csv", "raw csv", "parquet", "json"])
def test_what_is_written_reads_back_the_same(how, tmp_path):
    for number, content in enumerate((ODD, SEARCH, payload(training_projects=[]), payload(training_projects=[project(latest_job=job())]))):  # fmt: skip
        snap = load_quietly(content)
        target = tmp_path / f"out{number}"
        write(snap, how, target)
        assert_same(load_quietly(target), snap)


def write(snap: tv.Snapshot, how: str, target: Path) -> None:
    if how == "parquet":
        snap.to_parquet(target, force=True)
    elif how == "json":
        snap.to_json(target, force=True)
    else:
        snap.to_csv(target, raw=how == "raw csv", force=True)


@settings(
    deadline=None,
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=payloads)
def test_any_snapshot_survives_each_format(content, tmp_path):
    snap = load_quietly(content)
    for how in ("csv", "raw csv", "parquet", "json"):
        target = tmp_path / how.replace(" ", "-")
        write(snap, how, target)
        assert_same(load_quietly(target), snap)


def test_exported_tables_take_another_as_of(tmp_path):
    snap = tv.load(payload(training_jobs=[job(current_status="TRAINING_JOB_RUNNING")]))
    snap.to_parquet(tmp_path / "out")
    later = tv.load(tmp_path / "out", as_of="2026-03-02T10:00:00Z")
    assert later.jobs["elapsed_hours"].tolist() == [24.0]


def test_csv_cells_are_harmless_in_a_spreadsheet(tmp_path):
    load_quietly(ODD).to_csv(tmp_path / "safe")
    load_quietly(ODD).to_csv(tmp_path / "raw", raw=True)
    for name in ("jobs", "projects"):
        cells = pd.read_csv(tmp_path / "safe" / f"{name}.csv", dtype=str).select_dtypes("str")
        risky = cells.apply(lambda column: column.str.match(r"[=+\-@\t\r]").fillna(value=False))
        # a negative number is no formula
        assert not risky.drop(columns="priority", errors="ignore").to_numpy().any()
    assert "'=SUM(A1)" in (tmp_path / "safe" / "projects.csv").read_text()
    assert "'=SUM(A1)" not in (tmp_path / "raw" / "projects.csv").read_text()


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda folder: (folder / "jobs.parquet").unlink(), SourceError, "jobs.parquet is missing"),
        (lambda folder: (folder / "jobs.parquet").write_bytes(b"x"), PayloadError, "jobs.parquet"),
        (lambda folder: (folder / "trainview.json").write_text("{"), PayloadError, "trainview.json: damaged"),
        (lambda folder: (folder / "trainview.json").write_text("[]"), PayloadError, "trainview.json: damaged"),
        (lambda folder: (folder / "trainview.json").write_text('{"format": 1, "tables": "x", "as_of": null}'), PayloadError, "damaged"),
        (lambda folder: pd.DataFrame({"a": [1]}).to_parquet(folder / "projects.parquet"), PayloadError, "no column"),
    ],
)  # fmt: skip
def test_damaged_exports_are_named(damage, error, message, tmp_path):
    tv.load(SEARCH).to_parquet(tmp_path)
    damage(tmp_path)
    with pytest.raises(error) as caught:
        tv.load(tmp_path)
    assert message in str(caught.value)


def test_merge_keeps_the_newest_record_and_what_only_the_older_knows(tmp_path):
    running = {"current_status": "TRAINING_JOB_RUNNING"}
    monday = tv.load(
        payload(
            training_projects=[project("gone", latest_job=job("vanished", project="gone", **running)), project()],
            training_jobs=[job("vanished", project="gone", **running), job("done", **running)],
        ),
        as_of="2026-03-02T00:00:00Z",
    )  # fmt: skip
    tuesday = tv.load(
        payload(training_projects=[project()], training_jobs=[job("done", updated_at="2026-03-02T10:00:00Z")]),
        as_of="2026-03-03T00:00:00Z",
    )  # fmt: skip
    merged = tv.merge([tuesday, monday])
    assert_same(merged, tv.merge(iter([monday, tuesday])))
    assert merged.as_of == tuesday.as_of
    hours = merged.jobs.set_index("job_id")["elapsed_hours"].to_dict()
    assert hours == {"vanished": 14.0, "done": 24.0}
    assert set(merged.projects["project_id"]) == {"gone", "proj1"}
    now = merged.summary().set_index("figure")["value"]
    assert (now["jobs open"], now["GPUs held now"]) == (0, 0)
    assert tv.needs_attention(merged.jobs).empty
    merged.to_json(tmp_path / "merged.json")
    assert_same(load_quietly(tmp_path / "merged.json"), merged)
    merged.to_json(tmp_path / "merged.json.gz")
    assert gzip.decompress((tmp_path / "merged.json.gz").read_bytes()).startswith(b"{")
    assert_same(load_quietly(tmp_path / "merged.json.gz"), merged)
    merged.to_csv(tmp_path / "merged")
    assert_same(load_quietly(tmp_path / "merged"), merged)


def test_merging_daily_latest_only_snapshots_keeps_each_days_job():
    days = [
        tv.load(payload(training_projects=[project(latest_job=job(name, created_at=created))]))
        for name, created in (("mon", "2026-03-01T10:00:00Z"), ("tue", "2026-03-01T11:00:00Z"))
    ]
    merged = tv.merge(days)
    assert sorted(merged.jobs["job_id"]) == ["mon", "tue"]
    assert merged.projects["latest_job_id"].tolist() == ["tue"]
    assert merged.latest_only


def test_merge_wants_snapshots():
    for wrong in ([], [1], tv.load(SEARCH)):
        with pytest.raises(ArgumentError, match="merge takes"):
            tv.merge(wrong)


def test_loading_saved_snapshots_of_several_days_merges_them(tmp_path):
    for day in (2, 3):
        record = job(current_status="TRAINING_JOB_RUNNING")
        tv.load(payload(training_jobs=[record]), as_of=f"2026-03-0{day}T00:00:00Z").to_json(tmp_path / f"{day}.json")  # fmt: skip
    assert tv.load(tmp_path).jobs["elapsed_hours"].tolist() == [38.0]


def test_summary_gives_the_key_figures():
    snap = load_quietly(
        payload(
            training_projects=[project(), project("p2")],
            training_jobs=[
                job("a", current_status="TRAINING_JOB_RUNNING", updated_at="2026-03-01T10:05:00Z"),
                job("b", current_status="TRAINING_JOB_FAILED"),
                job("c"),
                job("d", current_status="TRAINING_JOB_PENDING", updated_at="2026-03-01T10:05:00Z"),
            ],
        ),
        as_of="2026-03-01T14:00:00Z",
    )
    assert snap.summary().set_index("figure")["value"].to_dict() == {
        "projects": 2.0,
        "jobs": 4.0,
        "jobs open": 2.0,
        "jobs waiting": 1.0,
        "GPUs held now": 2.0,
        "GPU-hours": 20.0,
        "of them an upper bound": 1.0,
        "jobs finished": 2.0,
        "jobs failed": 1.0,
        "failure rate": 0.5,
        "jobs that need attention": 1.0,
    }
    empty = tv.load(payload(training_projects=[])).summary()
    assert list(empty["figure"]) == list(snap.summary()["figure"])
    assert empty.set_index("figure")["value"].isna()["failure rate"]


def test_reprs_tell_what_is_in_it_and_are_inert():
    snap = load_quietly(ODD)
    assert repr(snap) == (
        "<Snapshot 2026-03-02 00:00 UTC: 3 projects, 6 jobs (1 open), 2 instance types>"
    )
    markup = snap._repr_html_()
    assert "2026-03-02 00:00 UTC: 3 projects" in markup
    assert "SUM" not in markup
    hostile = load_quietly(
        payload(training_jobs=[job(current_status="<script>alert(1)</script>\x1b")])
    )
    markup = hostile._repr_html_()
    assert "&lt;script&gt;" in markup
    assert "<script" not in markup
    assert "\x1b" not in markup
    assert len(markup) < 6000


def test_the_data_dictionary_describes_every_column():
    found = tv.columns()
    assert list(found.columns) == ["table", "column", "dtype", "unit", "nullable", "description", "source"]  # fmt: skip
    assert set(found["table"]) == set(TABLES)
    assert (found["description"].str.len() > 10).all()
    assert (found["source"].str.len() > 3).all()
    with pytest.raises(ArgumentError, match="no table 'nope': choose one of projects, jobs"):
        tv.columns("nope")


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_writing_never_harms_what_is_there(tmp_path):
    snap = tv.load(SEARCH)
    snap.to_csv(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(tv.OutputError, match="exists: replace it with force=True"):
        snap.to_csv(tmp_path)
    with pytest.raises(tv.OutputError, match="exists"):
        snap.to_json(tmp_path / "jobs.csv")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


GAPS = pd.DataFrame(
    [
        ["metrics", "j1", "p1", "ApiError", "500 of '=x'\n"],
        ["metrics", "j2", None, "NetworkError", "timed out"],
        ["logs", "j1", "p1", "ApiError", "500"],
        ["prices", None, None, "AuthError", "403"],
    ],
    columns=["table", "job_id", "project_id", "error", "detail"],
    dtype="str",
)
NOTES = (
    "metrics of 2 jobs could not be fetched when this was saved",
    "logs of 1 job could not be fetched when this was saved",
    "prices could not be fetched when this was saved",
)


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_what_is_saved_keeps_what_could_not_be_fetched_and_loading_it_says_so(kind, tmp_path):
    snap = dataclasses.replace(tv.load(SEARCH), not_fetched=GAPS)
    place = tmp_path / "s.json" if kind == "json" else tmp_path
    getattr(snap, f"to_{kind}")(place)
    with pytest.warns(DataWarning, match="when this was saved") as told:
        loaded = tv.load(place)
    assert tuple(str(warning.message) for warning in told) == loaded.notes == NOTES
    assert_frame_equal(loaded.not_fetched, GAPS)


@pytest.mark.parametrize("gaps", [3, [3], ["x"], [{"table": 3}], [{"table": "\ud800"}], {}])
def test_a_damaged_list_in_a_json_file_is_named(gaps):
    saved = {"trainview": {"format": 2, "not_fetched": gaps}, "training_jobs": []}
    with pytest.raises(PayloadError, match=r"not_fetched|table"):
        tv.load(json.dumps(saved).encode())


def test_a_gap_that_says_nothing_is_no_bug_of_ours():
    for gaps in ([], [{}], [None], None):
        saved = {"trainview": {"format": 1, "rejected": gaps}, "training_jobs": []}
        assert len(tv.load(json.dumps(saved).encode()).rejected) == 0


def test_merge_keeps_what_could_not_be_fetched_for_any():
    whole = tv.load(SEARCH)
    first, last = (
        dataclasses.replace(whole, not_fetched=GAPS[part]) for part in (slice(3), slice(2, 4))
    )
    assert_frame_equal(tv.merge([first, whole, last]).not_fetched, GAPS)
    assert len(tv.merge([whole, whole]).not_fetched) == 0


@pytest.mark.parametrize("gaps", [3, [3], ["x"], [{}], [{"table": 3}], [{"table": "\ud800"}], None])
def test_a_damaged_list_of_what_was_not_fetched_is_no_bug_of_ours(gaps, tmp_path):
    tv.load(SEARCH).to_parquet(tmp_path)
    manifest = tmp_path / "trainview.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"not_fetched": gaps}))
    with pytest.raises(PayloadError, match="damaged: export the tables again"):
        tv.load(tmp_path)


def test_folders_from_before_there_was_such_a_list_are_read(tmp_path):
    tv.load(SEARCH).to_parquet(tmp_path)
    manifest = tmp_path / "trainview.json"
    old = json.loads(manifest.read_text()) | {"format": 1}
    for name in ("not_fetched", "sha256", "trainview_sha256"):
        del old[name]
    manifest.write_text(json.dumps(old))
    assert_frame_equal(tv.load(tmp_path).not_fetched, GAPS.head(0))


def test_the_option_for_text_changes_no_table(tmp_path):
    """As with pandas 2: text in Python's objects, where `astype("str")` makes "nan" of nothing."""
    whole = load_quietly(ODD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        with pd.option_context("future.infer_string", False):  # noqa: FBT003 - as pandas has it
            found = load_quietly(ODD)
            found.to_parquet(tmp_path / "out")
            back = load_quietly(tmp_path / "out")
    for snap in (found, back):
        assert (snap.as_of, snap.latest_only) == (whole.as_of, whole.latest_only)
        for name in TABLES:
            assert_frame_equal(getattr(snap, name), getattr(whole, name), check_column_type=False)
    assert_same(load_quietly(tmp_path / "out"), whole)
