"""The report's page: its structure, its words, and that nothing in it is more than text."""

import base64
import gc
import hashlib
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import matplotlib as mpl
import pandas as pd
import pytest

import trainview as tv
from tests.builders import job, payload
from tests.properties import examples
from tests.reporting.reading import Page
from tests.reporting.snapshots import (
    DATA,
    EVIL,
    FLEETS,
    RUNNING,
    SNAPSHOTS,
    load_quietly,
    page,
    snapshot,
)
from trainview.errors import OutputError
from trainview.reporting import render, swiftly
from trainview.reporting.parts import Table
from trainview.reporting.pictures import drawing
from trainview.reporting.tables import view
from trainview.snapshot import attention_of, newest_weeks


@pytest.fixture(scope="module", params=[*SNAPSHOTS, *FLEETS])
def found(request):
    return Page(page(request.param))


def test_headings_are_in_order_and_links_lead_somewhere(found):
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in found.all("a"):
        assert attributes["href"].removeprefix("#") in ids
    for landmark in ("header", "main", "footer"):
        assert len(found.all(landmark)) == 1


def test_the_sections_come_in_the_order_of_their_weight():
    found = Page(page("sample"))
    named = [attributes["id"] for attributes in found.all("section") if "id" in attributes]
    assert named == [
        "changes",
        "attention",
        "costs",
        "health",
        "gpus",
        "utilization",
        "statuses",
        "failures",
        "durations",
        "queue",
        "quota",
        "timeline",
        "meaning",
    ]
    assert [attributes["href"][1:] for attributes in found.all("a")[2:15]] == named
    assert found.text_of("h3")[:4] == [
        "Where does the money go?",
        "What changed?",
        "Is anything being lost now?",
        "What to do next?",
    ]


def test_every_picture_says_what_it_shows_and_every_table_has_a_caption(found):
    for attributes in found.all("svg"):
        assert attributes["role"] == "img"
        assert re.search(r"\d", attributes["aria-label"])
    assert len(found.all("table")) == len(found.all("caption"))
    assert all(attributes.get("scope") == "col" for attributes in found.all("th"))
    for _, attributes in found.elements:
        # what is black in a plot has the colour of the page's text
        assert not {"black", "#000", "#000000"} & {attributes.get("fill"), attributes.get("stroke")}
    # each picture is drawn once
    labels = [attributes["aria-label"] for attributes in found.all("svg")]
    assert len(labels) == len(set(labels))


def test_a_table_stands_behind_every_picture():
    text = page("sample")
    parts = re.split(r'<div class="part" id="[^"]+">', text)[1:]
    assert len(parts) == 34
    for part in parts:
        assert part.count("<table") == 1
    assert sum("<svg" in part for part in parts) == 28


def test_a_report_leaves_settings_and_the_garbage_collector_as_they_were():
    with mpl.rc_context({"font.size": 3}):
        for switch in (gc.disable, gc.enable):
            switch()
            before = gc.isenabled()
            with swiftly(), drawing():
                assert (gc.isenabled(), mpl.rcParams["font.size"]) == (False, 9.5)
            assert (gc.isenabled(), mpl.rcParams["font.size"]) == (before, 3)
            assert pd.get_option("mode.string_storage") == "auto"


def test_nothing_comes_from_elsewhere_and_nothing_runs_but_our_script(found):
    [policy] = [
        attributes["content"]
        for attributes in found.all("meta", **{"http-equiv": "Content-Security-Policy"})
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        # data of the timeline does not run
        contents = [text for name, text in found.texts if name == tag and text[:7] != '{"jobs"']
        digests = [hashlib.sha256(content.encode()).digest() for content in contents]
        hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
        assert len(hashes) == (2 if found.all("div", **{"class": "explorer"}) else 1)
        assert rules.pop(directive) == " ".join(hashes)
    assert rules == dict.fromkeys(["default-src", "base-uri", "form-action"], "'none'")
    for tag, attributes in found.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form", "image", "img"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in {"style", "src", "srcset", "srcdoc", "action"}
            if name.endswith("href"):
                assert value.startswith("#")


def test_hostile_names_are_text_wherever_they_stand():
    text = page("hostile")
    found = Page(text)
    assert text.count("<script") == text.count("</script>") == 3
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "{{7*7}}" in text
    assert not found.all("img")
    shown = EVIL.replace("\x1b", r"\x1b").replace("\u202e", r"\u202e")
    for tag in ("bdi", "td", "pre", "p", "title"):
        assert any("window.pwned" in text for text in found.text_of(tag)), tag
    assert f"{shown}\n{shown}" in found.text_of("pre")
    assert any("window.p" in attributes["aria-label"] for attributes in found.all("svg"))


def test_the_page_tells_the_snapshots_figures():
    snap = snapshot("sample").refine()
    found = Page(page("sample"))
    figures = snap.summary().set_index("figure")["value"]
    values = found.text_of("dd")[:16:2]
    changes = newest_weeks(snap).table().set_index("figure")
    lost = attention_of(snap)["wasted_usd"].sum()
    idle = tv.idle_gpus(snap.metrics, snap.jobs, by=None)
    goodput = tv.goodput(snap.jobs, snap.job_phases(), snap.checkpoints, None, snap.metrics)
    assert values == [
        f"{snap.billing['subtotal_usd'].sum():,.0f}",
        f"{changes.loc['USD billed', 'difference']:+,.0f}",
        f"{lost:,.0f}",
        f"{goodput['goodput'].item():.0%}",
        f"{figures['failure rate']:.0%}",
        f"{figures['GPU-hours']:,.0f}",
        f"{idle['idle_share'].item():.0%}",
        f"{figures['GPUs held now']:.0f}",
    ]
    assert "As of 31 March 2026, 18:00 UTC: 600 jobs in 39 of 40 projects, since 2 January 2026." in found.prose()  # fmt: skip


def test_what_needs_attention_is_told_with_all_that_one_asks_first():
    snap = snapshot("sample")
    found = Page(page("sample"))
    issues = [attributes["class"] for attributes in found.all("li") if "class" in attributes]
    assert issues == ["issue grave"] * 3 + ["issue"] * 4
    prose, cells = found.prose(), found.text_of("td")
    for row in attention_of(snap).itertuples():
        assert f"{row.detail[0].upper()}{row.detail[1:].rstrip('.')}." in prose
        assert f"{row.detail}.." not in prose
        assert row.detail in cells
        team = "" if pd.isna(row.team_name) else f"Team {row.team_name}"
        for value in (row.project_name, row.job_name, row.reason, team, f"Job id {row.job_id}"):
            assert value in prose
    assert "Team nan" not in prose
    assert "Yes: 3 jobs look stuck or idle and hold 41 GPUs, 2 projects fail again and again and 1 job waits too long." in prose  # fmt: skip
    said = "API says: Waiting for dedicated capacity: 8 of 32 B200 GPUs in use"
    # with what it waits for, and not once more
    assert f"the {said}" in prose
    assert f"The {said}" not in prose


def test_text_alternatives_have_the_numbers_of_the_helpers():
    snap = snapshot("sample").refine()
    labels = [attributes["aria-label"] for attributes in Page(page("sample")).all("svg")]
    first = tv.gpu_usage(snap.jobs).iloc[0]
    usage = next(label for label in labels if label.startswith("GPU-hours by GPU type"))
    assert (
        f"as bars. {first['gpu_type']}: {first['gpu_hours']:,.0f} ({first['share']:.0%});" in usage
    )
    statuses = next(label for label in labels if label.startswith("Jobs by status"))
    for row in tv.status_counts(snap.jobs).head(5).itertuples():
        assert f"{row.status}: {row.jobs} ({row.share:.0%})" in statuses
    assert statuses.endswith("and 6 more.")


def test_a_job_that_vanished_holds_nothing_any_more():
    running = job(current_status=RUNNING)
    old = tv.load(payload(training_jobs=[running]), as_of="2026-03-02T00:00:00Z")
    new = tv.load(payload(training_jobs=[job("other")]), as_of="2026-03-03T00:00:00Z")
    found = Page(render(tv.merge([old, new])))
    assert found.text_of("dd")[6:10] == ["0", "none in use", "0", "all ended"]
    assert "None is held now." in found.prose()


def test_every_frequent_error_has_its_latest_message_in_its_own_lines():
    errors = tv.error_groups(snapshot("sample").jobs).head(12)
    found = Page(page("sample"))
    assert found.text_of("pre") == errors["example"].dropna().to_list()
    assert any("\n" in text for text in found.text_of("pre"))
    assert [text for text in found.text_of("bdi") if text in set(errors["error"].dropna())]


def test_a_long_message_keeps_its_end():
    message = "\n".join(f"line {n}" for n in range(100)) + "\n" + "x" * 5000
    failed = job(current_status="TRAINING_JOB_FAILED", error_message=message)
    found = Page(render(tv.load(payload(training_jobs=[failed]))))
    lines = found.text_of("pre")[0].splitlines()
    assert lines[0] == "… 41 lines left out …"
    assert lines[1] == "line 41"
    assert len(lines[-1]) == 1000


def test_what_is_odd_in_the_data_is_said():
    snap = snapshot("sample")
    found = Page(page("sample"))
    prose = found.prose()
    assert snap.notes
    assert "Data quality" in found.text_of("h3")
    for note in snap.notes:
        assert note[1:] in prose


def test_what_is_cut_is_said_and_how_to_get_the_rest():
    snap = load_quietly(tv.sample(projects=60, jobs_per_project=20, seed=5))
    prose = Page(render(snap)).prose()
    assert "The first 1,000 of 1,200 rows; 200 are left out. All rows and columns: trainview timeline SOURCE --format csv" in prose  # fmt: skip
    assert "The table has 1,200 rows: 1,000 of them in the page." in prose
    assert re.search(r"Drawn are the 200 largest of them, by GPUs times hours; the other \d+ are left out", prose)  # fmt: skip
    assert re.search(r"The picture has the first 12 of \d+ projects; the others took \d+%", prose)


def test_numbers_sort_by_their_value_where_their_text_does_not_tell():
    hours, sizes = [1234.5, 0.04, 2.21, 2.22, 2.22, 0.0, None], [2**20, 10**9, 5, 5, 0, 1, 1]
    frame = pd.DataFrame({"gpu_hours": hours, "size_bytes": sizes, "waited_hours": hours})
    body = view(Table(frame, "Sizes", [*frame], "")).body
    cells = re.findall(r"<td(?: data-key=([^>]*))?>([^<]*)", body)
    assert cells[::3] == [
        ("", "1,234.5"), ("", "&lt;0.1"), ("2.21", "2.2"), ("2.22", "2.2"), ("2.22", "2.2"),
        ("", "0.0"), ("", "-"),
    ]  # fmt: skip
    assert [float(key) for key, _ in cells[1::3]] == sizes
    assert [key for key, _ in cells[2::3]] == [f"{value:g}" for value in hours[:-1]] + [""]
    # in the unit of the texts beside them, which have no key
    shares = [0.98441, 0.98436, 0.5, 0.0001]
    frame = pd.DataFrame({"idle_share": shares, "failure_rate_difference": shares})
    body = view(Table(frame, "Shares", [*frame], "")).body
    cells = re.findall(r"<td(?: data-key=([^>]*))?>([^<]*)", body)
    assert cells[::2] == [("98.441", "98.4%"), ("98.436", "98.4%"), ("", "50.0%"), ("", "&lt;0.1%")]
    assert cells[3::2] == [("98.436", "+98.4 pp"), ("", "+50.0 pp"), ("", "&lt;+0.1 pp")]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", ["As of an unknown time: 0 projects, no jobs.", "There are no jobs to report", "trainview fetch"]),
        ("no jobs", ["1 project, no jobs.", "There are no jobs to report, so nothing needs attention"]),
        ("cpu only", ["No job is known to have held a GPU", "The one job that ended did not fail."]),
        ("one job", ["No. Nothing is stuck", "1 job, completed.", "took 3.0 h", "100% of all GPU-hours"]),
        ("one pending job", ["No job has ended yet.", "1 waiting"]),
        ("all failed", ["5 of 5 jobs that ended failed: 100%", "Yes: 1 project fails again and again."]),
        ("failed silently", ["1 of 1 job that ended failed: 100%", "(no message)", "The latest is job job1"]),
        ("contradictory", ["No, but 1 record has inconsistent timestamps.", "Nothing can be drawn"]),
        ("latest only", ["Only the latest job of each project is known"]),
    ],
)  # fmt: skip
def test_small_snapshots_read_well(name, words):
    prose = Page(page(name)).prose()
    for phrase in words:
        assert phrase in prose
    assert not re.search(r"\b(nan|NaT|None|inf)\b(?! (of|is|held))", prose)


def test_no_picture_is_empty_or_shows_a_single_number():
    assert Page(page("empty")).all("svg") == []
    labels = [attributes["aria-label"] for attributes in Page(page("one job")).all("svg")]
    assert [label[:14] for label in labels] == ["Jobs over time"]
    for name in [*SNAPSHOTS, *FLEETS]:
        assert "no data" not in Page(page(name)).text_of("text")


def test_many_open_jobs_and_long_years_stay_shapes():
    begin = datetime(2010, 1, 1, tzinfo=UTC)
    jobs = [
        job(
            f"j{n}", current_status=RUNNING, created_at=(begin + timedelta(days=11 * n)).isoformat()
        )
        for n in range(400)
    ]
    assert not Page(render(tv.load(payload(training_jobs=jobs)))).all("image")


@pytest.mark.parametrize("end", ["2300-12-31T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
def test_a_moment_may_lie_beyond_what_nanoseconds_can_count(end):
    open_and_ended = payload(training_jobs=[job("a", current_status=RUNNING), job("b")])
    text = render(tv.load(open_and_ended, as_of=end))
    assert f"to 31 December {end[:4]}: 1 job of 1 project" in text


def test_equal_snapshots_give_equal_pages_whatever_the_settings():
    program = (
        "import sys, trainview as tv; from trainview.reporting import render; "
        "sys.stdout.buffer.write(render(tv.load(sys.argv[1])).encode())"
    )
    for seed in ("1", "2")[: examples(2)]:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, str(DATA)],
            env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True,
        )  # fmt: skip
        assert done.stdout.decode() == page("sample")
    with mpl.rc_context({"text.color": "white", "axes.facecolor": "red", "font.size": 30}):
        assert render(snapshot("all failed")) == page("all failed")
        assert mpl.rcParams["font.size"] == 30


def test_the_file_is_written_whole_and_replaced_only_with_force(tmp_path):
    snap = snapshot("one job")
    path = tv.report(snap, tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == page("one job")
    path.write_text("old")
    with pytest.raises(OutputError, match="exists"):
        tv.report(snap, path)
    assert path.read_text() == "old"
    tv.report(snap, path, force=True)
    assert path.read_text(encoding="utf-8") == page("one job")
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]
