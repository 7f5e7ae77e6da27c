"""What `explore` gives, as far as it can be told without a browser."""

import json
import sys

import duckdb
import pandas as pd
import polars as pl
import pytest

import trainview as tv
from tests.reporting.snapshots import EVIL
from trainview.interactive import payload as of_timeline
from trainview.interactive import tables
from trainview.interactive.payload import payload
from trainview.snapshot.story.segments import segments
from trainview.text.safe import safe_text


@pytest.fixture(scope="module")
def snap(small_fleet):
    return tv.load(small_fleet).refine()


def plain(rows):
    return [{name: None if pd.isna(value) else value for name, value in row.items()} for row in rows.to_dict("records")]  # fmt: skip


def test_the_parts_of_bars_are_those_of_the_story_of_each_job(snap):
    data = json.loads(payload(snap))
    parts, jobs = data["parts"], snap.jobs.set_index("job_id")
    phases = snap.job_phases()
    lost = {row["job_id"]: row for row in plain(tv.lost_work(snap.jobs, phases, snap.checkpoints))}
    by_job = {row["job_id"]: row for row in plain(phases)}
    place, kinds = 0, set()
    for job_id, number in zip(data["job_id"], map(int, parts["count"]), strict=True):
        found = [(parts["names"][int(kind)], until) for kind, until in zip(parts["kind"][place : place + number], parts["until"][place : place + number], strict=True)]  # fmt: skip
        place += number
        told = segments(by_job[job_id], lost.get(job_id))
        begin = jobs.loc[job_id, "created_at"]
        assert found == [(part["phase"], round((part["end_at"] - begin).total_seconds(), 3)) for part in told]  # fmt: skip
        kinds |= {name for name, _ in found}
    assert {"waiting", "deploying", "running", "lost"} <= kinds


def test_what_is_known_neither_of_phases_nor_of_costs_is_null():
    snap = tv.load(tv.sample(projects=2, jobs_per_project=3)).refine()
    data = json.loads(payload(snap))
    assert set(data["estimated_usd"]) == set(data["billed_usd"]) == {None}
    assert {data["parts"]["names"][int(kind)] for kind in data["parts"]["kind"]} <= {"not known", "waiting", "waiting or deploying", "deploying"}  # fmt: skip


def test_more_jobs_than_a_browser_draws_are_refused_with_what_to_do(snap, monkeypatch):
    monkeypatch.setattr(of_timeline, "MOST_JOBS", 47)
    with pytest.raises(
        tv.ArgumentError, match=r"48 jobs, a timeline takes 47 at most: .*snap\.clip"
    ):
        tv.explore(snap)


def test_a_selection_is_a_jobs_table_that_can_be_followed_and_set(snap):
    timeline = tv.explore(snap)
    assert timeline.selection.empty
    assert list(timeline.selection) == list(snap.jobs)
    seen = []
    timeline.observe(lambda change: seen.append(change["new"]["job_id"].to_list()), "selection")
    # what the program in the page sends
    timeline.set_state({"_rows": [5, 2, 2, 999, -1]})
    pd.testing.assert_frame_equal(timeline.selection, snap.jobs.iloc[[2, 5]])
    timeline.selection = snap.jobs.loc[[7, 3]].drop(columns="gpus")
    assert timeline.get_state(["_rows"]) == {"_rows": [3, 7]}
    assert list(timeline.selection) == list(snap.jobs)
    assert seen == [snap.jobs["job_id"].iloc[rows].to_list() for rows in ([2, 5], [3, 7])]
    assert repr(timeline) == "Timeline of 48 jobs, 2 selected"
    for wrong in (3, snap.projects, snap.jobs.head(1).assign(job_id=EVIL)):
        with pytest.raises(tv.ArgumentError, match="selection") as caught:
            timeline.selection = wrong
        assert "\x1b" not in str(caught.value)
    assert len(timeline.selection) == 2


def test_without_a_kernel_a_still_picture_and_some_rows_stand(snap):
    timeline = tv.explore(snap)
    picture, _ = timeline._repr_mimebundle_()
    assert picture["image/png"].startswith(b"\x89PNG")
    timeline.selection = snap.jobs.head(3)
    selected, _ = timeline._repr_mimebundle_()
    assert selected["image/png"] != picture["image/png"]
    rows, _ = tv.explore(snap.jobs)._repr_mimebundle_()
    assert "48 rows" in rows["text/html"]


def shown(table):
    """The heads and rows of a table as the page gets them."""
    given = tv.explore(table)._dt_args
    assert "downsampling_warning" not in given
    return given["table_html"], json.loads(given["data_json"])


def test_a_table_has_units_in_its_heads_and_each_value_as_people_read_it():
    moment = pd.Timestamp("2026-03-24 18:04:30", tz="UTC")
    table = pd.DataFrame(
        {
            "job_name": [EVIL, None],
            "created_at": [moment, None],
            "gpu_hours": [1234.56, None],
            "estimated_usd": [0.1 + 0.2, None],
            "failure_rate": [0.125, None],
            "jobs": [1200, 7],
        }
    )
    heads, rows = shown(table)
    for head in ("job_name", "created_at (UTC)", "gpu_hours (GPU h)", "estimated_usd (USD)", "failure_rate", "jobs"):  # fmt: skip
        assert f"<th>{head}</th>" in heads
    texts = [[str(value).rpartition("|")[2] for value in row] for row in rows]
    assert texts[0][1:] == ["2026-03-24 18:04", "1,234.6", "0.30", "12.5%", "1,200"]
    assert texts[1] == ["-", "-", "-", "-", "-", "7"]
    assert texts[0][0] == safe_text(EVIL).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")  # fmt: skip
    # what numbers and times sort by is exact
    assert [float(value.partition("|")[0]) for value in rows[0][1:4]] == [moment.timestamp(), 1234.56, 0.1 + 0.2]  # fmt: skip


@pytest.mark.parametrize(
    "convert",
    [
        pl.from_pandas,
        lambda jobs: pl.from_pandas(jobs).lazy(),
        duckdb.from_df,
    ],
    ids=["polars", "lazy", "duckdb"],
)
def test_tables_of_all_kinds_look_the_same(snap, convert):
    jobs = snap.jobs[["job_id", "created_at", "gpu_hours", "team_name", "is_open"]]
    assert shown(convert(jobs)) == shown(jobs)


def test_no_row_is_left_out_without_a_word(snap, monkeypatch):
    # itables by itself shows 64 KB
    many = pd.concat([snap.jobs] * 20, ignore_index=True)
    assert len(shown(many)[1]) == 960
    by_name = snap.jobs.groupby("project_name", observed=True)["gpus"].sum()
    assert "<th>project_name</th>" in shown(by_name.to_frame())[0]
    monkeypatch.setattr(tables, "MOST_CELLS", 100)
    with pytest.raises(
        tv.ArgumentError, match="48 rows of 30 columns: a table in a notebook has 100"
    ):
        tv.explore(snap.jobs)


def test_anything_else_is_refused():
    with pytest.raises(tv.ArgumentError, match="got int"):
        tv.explore(3)


def test_without_the_extra_it_says_how_to_get_it(snap, monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    for name in ("widget", "tables"):
        monkeypatch.delitem(sys.modules, f"trainview.interactive.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "itables", None)
    with pytest.raises(tv.ConfigError, match=r"pip install 'trainview\[interactive\]'"):
        tv.explore(snap)
