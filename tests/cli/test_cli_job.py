"""The command about one job."""

import json

import pytest

import trainview as tv
from tests.cli.shell import DATA, fault, out, trainview
from tests.properties import tries_all
from tests.story.by_hand import WHOLE
from tests.test_snapshot import load_quietly


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    WHOLE.to_parquet(folder, force=True)
    return folder


def test_text_and_json_are_those_of_the_library(folder):
    story = tv.job(tv.load(folder), "ja")
    assert story.gpus
    assert out("job", "ja", folder, env={"COLUMNS": "80"}) == f"{story.to_text(80)}\n"
    assert out("job", "ja", folder, env={"COLUMNS": "100"}) == f"{story.to_text(100)}\n"
    assert json.loads(out("job", "sft-1", folder, "--format", "json")) == story.to_dict()


@pytest.mark.parametrize("to", ["parquet", "csv"])
def test_what_is_read_of_a_folder_is_enough(to, tmp_path, small_fleet):
    snap = load_quietly(DATA if tries_all() else small_fleet)
    getattr(snap, f"to_{to}")(tmp_path)
    jobs = [
        *snap.jobs["job_id"].head(3),
        *snap.jobs[snap.jobs["status"] == "failed"]["job_id"].head(2),
    ]
    for job_id in jobs if tries_all() else [jobs[0], jobs[-1]]:
        assert (
            json.loads(out("job", job_id, tmp_path, "--format", "json"))
            == tv.job(snap, job_id).to_dict()
        )


def test_several_sources_and_filters_are_read_as_a_whole(folder):
    assert "running" in out("job", "long", folder, folder)
    text = out("job", "ja", folder, "--until", "2025-01-01T08:00:00Z")
    assert "as of 2025-01-01 08:00 UTC" in text
    assert "did you mean" not in fault(2, "job", "ja", folder, "--project", "moe")


def test_an_unknown_job_is_a_fault_of_usage_with_what_was_probably_meant(folder):
    message = fault(2, "job", "buzy", folder)
    assert message == "trainview: error: no job 'buzy' among 4 jobs; did you mean 'busy'?"
    assert "2 job ids begin with 'j'" in fault(2, "job", "j", folder)


def test_without_a_key_or_a_source_both_are_named():
    message = fault(2, "job", "ja")
    assert "BASETEN_API_KEY" in message
    assert "name a file or folder" in message


def test_a_damaged_folder_is_told_as_usual(tmp_path):
    WHOLE.to_parquet(tmp_path)
    (tmp_path / "metrics.parquet").write_bytes(b"PAR1 nothing PAR1")
    assert "metrics.parquet" in fault(5, "job", "ja", tmp_path)
    (tmp_path / "metrics.parquet").unlink()
    assert "metrics.parquet is missing" in fault(2, "job", "ja", tmp_path)


def test_help_needs_no_source():
    done = trainview("job", "--help")
    assert done.returncode == 0
    assert b"--format [table|json]" in done.stdout
    assert b"--jobs" not in done.stdout
