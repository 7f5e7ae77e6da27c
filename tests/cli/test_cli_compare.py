"""`trainview compare`: what changed, in a shell."""

import csv
import io
import json
import warnings

import pytest

import trainview as tv
from tests.builders import job, payload, project
from tests.cli.shell import DATA, fault, out, trainview
from tests.test_snapshot import load_quietly

WINDOW = ["--since", "2026-03-25", "--until", "2026-03-31"]


@pytest.fixture(scope="module")
def data() -> tv.Snapshot:
    return load_quietly(DATA)


def quietly(*sides, **window):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tv.DataWarning)
        return tv.compare(*sides, **window)


@pytest.fixture
def two(tmp_path):
    """Two days of one organisation: a project that came, one whose job was deleted."""
    first = [job("j1"), job("j2", project="gone")]
    second = [job("j1"), job("j3", project="new", current_status="TRAINING_JOB_FAILED", error_message="boom 1")]  # fmt: skip
    for name, jobs, day in (("a", first, 2), ("b", second, 9)):
        for one in jobs[1:]:
            moments = {"created_at": f"2026-03-0{day}T10:00:00Z", "updated_at": f"2026-03-0{day}T13:00:00Z"}  # fmt: skip
            one.update(moments)
        listed = [project("proj1"), *(project(one["training_project_id"]) for one in jobs[1:])]
        content = payload(training_projects=listed, training_jobs=jobs)
        (tmp_path / f"{name}.json").write_bytes(content)
    return tmp_path / "a.json", tmp_path / "b.json"


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_answer_comes_first_and_fits(width):
    page = out("compare", DATA, "--since", "7d", env={"COLUMNS": str(width)})
    lines = page.splitlines()
    assert lines[0].startswith("GPU-hours 2,260 → 4,988 (+121%); ")
    text = " ".join(page.split())
    assert "estimated cost 18,132 → 39,147 USD (+116%, +21,015)" in text
    assert "failure rate 29% → 32% (noise)." in text
    assert "(2026-03-24 18:00 to 2026-03-31 18:00 UTC, compared with " in text
    assert "Most more: moe-8x7b-scaling-laws +16,736 USD, qwen3-32b-dpo +5,706 USD" in text
    assert "New failure causes: Process exited with code 137 (2 jobs, 797 USD)" in text
    assert [line for line in lines if len(line) > width] == []
    titles = [
        line for line in lines if line.startswith(("Key fig", "Projects,", "Failure causes,"))
    ]
    assert len(titles) == 3


def test_programs_get_the_tables_whole(data):
    for words, by in (([], None), (["--by", "project_name"], "project_name"), (["--by", "error"], "error")):  # fmt: skip
        expected = quietly(data, since="2026-03-25", until="2026-03-31", by=by)
        found = json.loads(out("compare", DATA, *WINDOW, *words, "--format", "json"))
        assert [list(row) for row in found] == [list(expected)] * len(expected)
        assert [row["change"] for row in found] == expected["change"].astype(object).where(expected["change"].notna(), None).to_list()  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(out("compare", DATA, *WINDOW, "--format", "csv"))))
    assert {row["figure"]: row["before"] for row in rows}["jobs"] == "41"


def test_two_sources_are_the_earlier_and_the_later(two):
    page = out("compare", *two)
    assert "Note: 1 job of before is not in after, deleted or of another scope: " in " ".join(
        page.split()
    )
    assert "Appeared: new-name; stopped: gone-name." in page
    rows = json.loads(out("compare", *two, "--by", "project_name", "--format", "json"))
    assert {row["project_name"]: row["change"] for row in rows} == {
        "new-name": "appeared",
        "gone-name": "stopped",
        "proj1-name": "same",
    }
    assert "swap the two" in fault(2, "compare", *reversed(two))


def test_a_name_need_only_be_in_one_of_two(two):
    words = ["--project", "new-name,proj1-name", "--format", "json"]
    figures = {row["figure"]: row for row in json.loads(out("compare", *two, *words))}
    assert (figures["jobs"]["before"], figures["jobs"]["after"]) == (1, 2)
    words = ["--project", "new-name", "--status", "failed", "--format", "json"]
    figures = {row["figure"]: row for row in json.loads(out("compare", *two, *words))}
    assert (figures["jobs"]["before"], figures["jobs"]["after"]) == (0, 1)
    assert "--project: no 'nosuch' in the data" in fault(2, "compare", *two, "--project", "nosuch")


def test_filters_and_windows_reach_both_sides(data, two):
    team = data.projects["team_name"].dropna().iloc[0]
    of_team = data.select(teams=team)
    expected = quietly(of_team, since="2026-03-25", until="2026-03-31").set_index("figure")
    words = ["--team", team, "--format", "json"]
    found = {row["figure"]: row for row in json.loads(out("compare", DATA, *WINDOW, *words))}
    assert found["GPU-hours"]["after"] == pytest.approx(expected.loc["GPU-hours", "after"])
    words = ["--status", "running", "--format", "json"]
    running = {row["figure"]: row for row in json.loads(out("compare", DATA, *WINDOW, *words))}
    assert running["jobs finished"]["before"] == running["jobs finished"]["after"] == 0
    cut = {row["figure"]: row for row in json.loads(out("compare", *two, "--since", "3h", "--format", "json"))}  # fmt: skip
    assert (cut["jobs"]["before"], cut["jobs"]["after"]) == (1, 1)


def test_a_bill_without_a_row_on_some_days_is_a_bill(data):
    billed = data.billing[data.billing["date"].notna()]
    days = billed.groupby("project_name")["date"].nunique()
    rare = days.index[days <= 2][0]
    words = ["--project", rare, "--format", "json"]
    found = {row["figure"]: row for row in json.loads(out("compare", DATA, *WINDOW, *words))}
    inside = billed["date"].between("2026-03-25", "2026-03-30") & (billed["project_name"] == rare)
    expected = float(billed.loc[inside, "subtotal_usd"].sum())
    assert found["USD billed"]["after"] == pytest.approx(expected)


def test_what_is_missing_is_said_apart_from_the_data():
    done = trainview("compare", DATA, "--since", "7d", "--against", "10d", "--format", "csv")
    assert done.stdout.startswith(b'"figure","unit","before"')
    said = done.stderr.decode()
    assert "trainview: the windows are not equally long, 240.0 h and 168.0 h" in said
    assert "trainview: the bill is by whole days (UTC)" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([DATA], "name a second SOURCE, or a window of this one: --since 7d"),
        ([DATA, DATA, DATA], "3 sources: name two to compare"),
        ([DATA, DATA, "--against", "7d"], "--against is for one SOURCE"),
        ([DATA, DATA, "--as-of", "2026-03-31"], "--as-of is for one SOURCE"),
        ([DATA, "--since", "2126-01-01"], "--since '2126-01-01': give a moment before"),
        ([DATA, "--since", "7d", "--against", "2126-01-01"], "--against '2126-01-01': give a mom"),
        ([DATA, "--since", "7d", "--by", "team"], "did you mean 'team_name'"),
    ],
)
def test_what_cannot_be_compared_is_an_error_that_names_the_option(words, message):
    assert message in fault(2, "compare", *words)


def test_no_jobs_on_either_side_read_well():
    page = out("compare", "-", *WINDOW, stdin=payload(training_projects=[]))
    assert page.startswith("No jobs on either side.")
    assert page.count("nothing to show") == 3
