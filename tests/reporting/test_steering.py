"""What a report is about: its window, whom it is of, which sections it has, and text in place of a page."""

import re

import pytest
from matplotlib.figure import Figure

import trainview as tv
from tests.builders import job, payload
from tests.cli.shell import trainview
from tests.reporting.reading import Page
from tests.reporting.snapshots import EVIL, snapshot
from tests.reporting.test_fleet import section
from tests.reporting.test_outcomes import known
from trainview.plot.names import name_id
from trainview.reporting import SECTION_NAMES, render
from trainview.reporting.waterfall import plot_waterfall
from trainview.text.lines import width_of

# what the evidence of these fleets contradicts is told elsewhere
pytestmark = pytest.mark.filterwarnings("ignore::trainview.errors.DataWarning")


def test_a_window_is_compared_with_as_long_a_time_before_it():
    snap = known()
    text = render(snap, since="3d", sections="changes,gpus")
    found = Page(text)
    assert "The 3 days from 12 March to 15 March (UTC), beside the 3 days before." in found.prose()
    assert "since 12 March 2026, 00:00 UTC" in found.prose()
    changes = tv.compare(snap.refine(), since="3d").set_index("figure")
    before, after = changes.loc["GPU-hours", ["before", "after"]]
    assert f"GPU-hours {before:,.0f} → {after:,.0f}" in found.prose()
    hours = snap.refine().clip("3d").jobs["gpu_hours"].sum()
    assert f"{hours:,.1f} GPU-hours since" in section(text, "gpus")
    # the evidence of before the window counts: its jobs are known to have waited
    assert hours == pytest.approx(after)


@pytest.mark.parametrize(
    ("since", "words"),
    [("1h", "The 1 hour from"), ("90m", "The 1.5 hours from"), ("36h", "The 1.5 days from"), ("20s", "The 20 seconds from")],
)  # fmt: skip
def test_the_length_of_a_window_is_written_as_people_say_it(since, words):
    assert words in render(known(), since=since, sections="changes", format="markdown")


def test_a_report_of_some_projects_is_of_those_alone_and_says_so():
    snap = known()
    text = render(snap, projects="proj2-name", title="<b>Week</b>", sections=["failures", "gpus"])
    found = Page(text)
    assert found.text_of("h1") == ["<b>Week</b>"]
    assert "2 jobs in 1 project (proj2-name), since 10 March 2026" in found.prose()
    assert "proj1-name" not in text
    named = [attributes["id"] for attributes in found.all("section") if "id" in attributes]
    assert named == ["failures", "gpus", "meaning"]
    # what an answer would link to is not there
    assert {attributes["href"] for attributes in found.all("a")} <= {
        "#main", "#failures", "#gpus", "#meaning",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sections": "cost"}, r"no section 'cost': choose of changes, .*timeline; did you mean 'costs'\?"),
        ({"sections": " , "}, "none is named"),
        ({"projects": "proj3"}, "no 'proj3' in the data"),
        ({"budgets": {"team": {"nobody": 5}}}, "no team 'nobody' in the data"),
        ({"budgets": {"user": {"nobody": 5}}}, "'user': give USD a month by name"),
        ({"format": "pdf"}, "choose of html, markdown: a browser prints the page to PDF"),
        ({"since": "2026-03-16"}, "since="),
    ],
)  # fmt: skip
def test_what_nobody_can_report_is_refused(arguments, message):
    with pytest.raises(tv.errors.ArgumentError, match=message):
        render(known(), **arguments)


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_a_window_before_all_jobs_is_a_report_that_says_so(form):
    text = render(known(), since="2025-01-01", until="2025-01-02", format=form)
    assert "There are no jobs to report, so nothing needs attention." in text


def test_how_long_jobs_take_is_said_in_seconds_where_they_take_seconds():
    jobs = [job(f"j{at}", updated_at=f"2026-03-01T10:00:0{at}.500Z") for at in range(1, 6)]
    text = render(tv.load(payload(training_jobs=jobs)), sections="durations", format="markdown")
    assert "took at most 4 s, one in ten more than 5 s; waiting and deployment included" in text
    text = render(tv.load(payload(training_jobs=jobs[:1])), sections="durations", format="markdown")
    assert "The one job that is `completed` took 2 s, waiting" in text


def test_the_ending_of_a_file_tells_the_format_and_a_pdf_is_the_browsers_work(tmp_path):
    path = tv.report(known(), tmp_path / "week.MD", sections="gpus")
    assert path.read_text(encoding="utf-8").startswith("# Training report")
    with pytest.raises(
        tv.ArgumentError, match=r"a\.pdf: .* an \.html file, which a browser prints"
    ):
        tv.report(known(), tmp_path / "a.pdf")
    assert not (tmp_path / "a.pdf").exists()


def test_budgets_tell_what_is_spent_and_when_it_is_exceeded():
    budgets = {"project": {"proj1-name": 10, "proj2-name": 5_000}}
    prose = section(render(known(), budgets=budgets, sections="costs"), "costs")
    pace = tv.spend_pace(
        jobs=known().refine().jobs, prices=known().prices, by="project_name",
        budget=budgets["project"], as_of=known().as_of,
    ).set_index("project_name")  # fmt: skip
    spent = pace.loc["proj1-name", "month_to_date_usd"]
    day = pace.loc["proj1-name", "exceeded_on"]
    assert f"proj1-name: {spent:,.2f} USD of 10.00 USD so far" in prose
    assert f"; exceeded on {day.day} {day:%B %Y}." in prose
    assert "5,000 USD so far" in prose
    assert "Budgets by project" in prose


def test_a_waterfall_leads_from_the_estimate_to_the_bill():
    snap = snapshot("fleet").refine()
    reasons = tv.reconcile_cost(snap.jobs, snap.prices, snap.billing, by="reason")
    ax = plot_waterfall(reasons, ax=Figure(figsize=(4.6, 3)).subplots())
    first, *steps, last = ax.patches
    assert first.get_width() == pytest.approx(reasons["estimated_usd"].sum())
    assert last.get_width() == pytest.approx(float(reasons["billed_usd"].sum()))
    # what time and prices make of one reason are two steps, named as in the sentence
    names = ["not billed", "unbilled time", "price difference"]
    labels = [label.get_gid() for label in ax.get_yticklabels()]
    assert labels == [name_id(name) for name in ["estimate", *names, "deleted job", "billed"]]
    assert [step.get_width() for step in steps] == pytest.approx([90, 15, 1, 5])
    at = first.get_width()
    for step in steps:
        begin, end = step.get_x(), step.get_x() + step.get_width()
        assert at in (pytest.approx(begin), pytest.approx(end))
        at = begin if at == pytest.approx(end) else end
    assert at == pytest.approx(last.get_width())


def test_markdown_tells_the_same_as_text_without_pictures():
    text = render(known(), format="markdown")
    assert text.startswith("# Training report\n\nAs of 15 March 2026, 00:00 UTC: 4 jobs")
    assert "<svg" not in text
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")][:2] == [
        "What changed", "Needs attention",
    ]  # fmt: skip
    assert "The 7 days from 8 March to 15 March (UTC), beside the 7 days before." in text
    assert "`proj2-name`" in text
    tables = re.findall(r"^```\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    assert len(tables) == text.count("All rows and columns:")
    widths = [len(line) for line in tables[0].splitlines()]
    assert set(re.split(" +", tables[0].splitlines()[1])) <= {"-" * width for width in range(99)}
    assert max(widths) == widths[1]


def test_long_tables_are_cut_in_text_and_a_large_organisation_still_fits_a_comment():
    text = render(snapshot("sample"), format="markdown")
    assert "The first 10 of 38 rows; 28 are left out. All rows and columns: `trainview gpu SOURCE --by project_name --format csv`" in text  # fmt: skip
    assert len(text) < 65_536
    # letters that take two places count twice
    [rows] = [
        table
        for table in text.split("```")
        if "\n日本語-asr-微調整 " in table and "Change" in table
    ]
    ends = {width_of(re.match(r".+? {2,}(?=\S)", row)[0]) for row in rows.strip().splitlines()}
    assert len(ends) == 1
    # nothing is said of what text does not have
    assert not re.search("picture|chart|line shows|explored", text, flags=re.IGNORECASE)


def test_hostile_names_are_inert_in_markdown():
    text = render(snapshot("hostile"), title="Of #12 and org/repo#3", format="markdown")
    outside = re.sub(r"^(`{3,})\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert "window.pwned" in text
    assert not re.search(r"(?<!\\)<\w", outside)
    assert not re.search(r"@\w|#\d", outside)
    assert EVIL not in text


def test_the_shell_steers_a_report_and_text_goes_to_standard_output(small_fleet, tmp_path):
    words = ["report", str(small_fleet), "--since", "7d", "--sections", "costs,health"]
    done = trainview(*words, "--format", "markdown", "--title", "Our week")
    assert done.returncode == 0
    heads = [line for line in done.stdout.decode().splitlines() if re.match("##? ", line)]
    assert heads[:3] == ["# Our week", "## Cost", "## Fleet health"]
    team = tv.load(small_fleet).projects["team_name"].dropna().iloc[0]
    page = tmp_path / "page.html"
    rules = tmp_path / "rules.toml"
    rules.write_text(f'[budgets.team]\n"{team}" = 1\n', encoding="utf-8")
    done = trainview(*words, "--team", team, "-o", str(page), "--config", str(rules))
    assert done.returncode == 0
    assert f"({team})" in Page(page.read_text(encoding="utf-8")).prose()
    assert "Budgets by team" in page.read_text(encoding="utf-8")
    done = trainview("report", str(small_fleet), "-o", str(tmp_path / "a.pdf"))
    assert (done.returncode, "a.pdf: a report is" in done.stderr.decode()) == (2, True)
    target = tmp_path / "week.md"
    assert trainview("report", str(small_fleet), "--sections", "gpus", "-o", str(target)).returncode == 0  # fmt: skip
    assert target.read_text(encoding="utf-8").startswith("# Training report")
    done = trainview("report", str(small_fleet), "--sections", ",")
    assert (done.returncode, "--sections: none is named" in done.stderr.decode()) == (2, True)
    window = ["--since", "2026-03-30", "--until", "2026-03-20"]
    done = trainview("report", str(small_fleet), *window)
    assert "--until '2026-03-20': give a moment after --since '2026-03-30'" in done.stderr.decode()
    done = trainview("report", str(small_fleet), "--sections", "nothing")
    assert done.returncode == 2
    assert f"--sections: no section 'nothing': choose of {', '.join(SECTION_NAMES)}" in done.stderr.decode()  # fmt: skip
