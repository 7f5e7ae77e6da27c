"""The story of one job as people see it: within the terminal, and harmless."""

import html
import re
from functools import cache

import pytest
from rich.cells import cell_len

import trainview as tv
from tests.accessibility import violations
from tests.analysis.fleet import metrics, sample
from tests.analysis.tables import at, job
from tests.reporting.snapshots import EVIL
from tests.reporting.snapshots import snapshot as of_report
from tests.story.by_hand import WHOLE, rows, snapshot
from trainview.snapshot.story.sheet import bar

WIDE = "訓練" * 30
COMMANDS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")


def hostile():
    jobs = (
        job(0, 10, job_id="e", job_name=EVIL, status="failed", error_message=f"{EVIL}\n{WIDE}",
            project_name=WIDE, user_email=EVIL, gpu_type=EVIL, team_name=WIDE),
    )  # fmt: skip
    lines = (
        {"job_id": "e", "timestamp": at(9), "message": text} for text in (EVIL, WIDE, "x" * 900)
    )
    return snapshot(
        jobs=jobs,
        logs=rows("logs", *lines),
        metrics=metrics(
            sample(60, 0.5, job_id="e", node_id=EVIL), sample(60, 0.5, job_id="e", node_id=WIDE)
        ),
    )


# Each is told once, and drawn by many tests.
STORIES = {
    "whole": cache(lambda: tv.job(WHOLE, "ja")),
    "waiting": cache(lambda: tv.job(WHOLE, "wait")),
    "hostile": cache(lambda: tv.job(hostile(), "e")),
    "many GPUs": cache(lambda: tv.job(of_report("sample"), "4sva6wx")),
    "of the sample": cache(lambda: tv.job(of_report("sample"), "no33snh")),
}


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("name", STORIES)
def test_no_line_is_wider_than_the_terminal_and_nothing_commands_it(name, width):
    text = STORIES[name]().to_text(width)
    for line in text.splitlines():
        assert cell_len(line) <= width, line
        assert line == line.rstrip()
    assert not COMMANDS.search(text)


def test_the_text_says_what_matters_in_eighty_columns():
    text = re.sub(" +", " ", repr(STORIES["whole"]()))
    for part in (
        "Job sft-1 (ja)",
        "project llm, team post-training, ada@example.com",
        "x lost 4.0 h 2025-01-01 06:00 to 2025-01-01 10:00",
        "start as told by status events",
        "18.0 GPU-hours, from its release",
        "2 of 2 GPUs measured, for 33.3% of the time held",
        "n0 0 70.0% 64.0 GiB 80.0 GiB 80.0% 0 h ||||||||",
        "n0 1 0.0% - 80.0 GiB - 3.0 h",
        "2 saved, 6.0 GiB; the last 2025-01-01 06:00, 4.0 h before the end",
        "billed 230.00 USD for 480 min",
        "estimate - bill = 40.00 USD: 30.00 USD for time that is not billed, 10.00 USD",
        "waited 1.0 h for 8 H100",
        "attempt 1 of 2",
        "GPU out of memory, origin",
        "exit code 137",
        "Log, the last 10 of 12 lines",
        "lost 4.0 h (8.0 GPU-hours) of work: checkpoint more often",
    ):
        assert part in text, f"{part!r} is not in\n{text}"
    assert "Not known" not in text


def test_the_bar_is_as_wide_as_it_shall_be_and_shows_each_part():
    parts = [
        {"phase": "waiting", "hours": 0.001},
        {"phase": "running", "hours": 99.0},
        {"phase": "lost", "hours": 0.001},
    ]
    assert bar(parts, 10) == "░████████x"
    assert (
        bar([{"phase": "waiting", "hours": 1.0}, {"phase": "running", "hours": 1.0}], 4) == "░░██"
    )


def test_the_bar_of_a_page_is_full_however_short_the_job_was():
    page = tv.job(snapshot(jobs=(job(0, 0.2, job_id="s", status="failed"),)), "s")._repr_html_()
    grow = [float(share) for share in re.findall(r"flex:([\d.]+) ", page)]
    assert sum(grow) == pytest.approx(100, abs=0.1)


def test_a_message_keeps_its_lines_and_of_many_the_first_and_the_last():
    lines = ["Traceback:", "  File x.py", *map(str, range(20)), "ValueError: bad"]
    text = [
        tv.job(snapshot(jobs=(job(0, 1, job_id="t", status="failed", error_message=said),)), "t")
        for said in ("\n".join(lines[:2]) + "\r\n", "\n".join(lines))
    ]
    assert "\n  Traceback:\n    File x.py\n\n" in text[0].to_text(80)
    assert "Traceback:<br>  File x.py<" in text[0]._repr_html_()
    long = text[1].to_text(80)
    assert "\n  Traceback:\n  ... 13 lines left out ...\n  12\n" in long
    assert "\n  19\n  ValueError: bad\n" in long


def test_many_gpus_are_a_line_a_node():
    text = STORIES["many GPUs"]().to_text(80)
    assert re.search(r"4sva6wx-node-3 +(\d+ ){7}\d+ ", text)


@pytest.mark.parametrize("name", STORIES)
def test_the_html_holds_no_markup_of_others_and_says_the_same(name):
    story = STORIES[name]()
    page = story._repr_html_()
    assert "<script" not in page
    assert "<img" not in page
    assert set(re.findall(r"<(\w+)", page)) <= {
        "div", "strong", "span", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "br",
    }  # fmt: skip
    shown = html.unescape(re.sub("<[^>]*>", " ", page))
    for part in story.segments:
        assert part["phase"] in shown
    for advice in story.advice:
        assert " ".join(advice.split()) in " ".join(shown.split())
    assert 'role="img" aria-label="' in page


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["whole", "hostile"])
def test_axe_finds_no_violation(browser, name, scheme):
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    body = STORIES[name]()._repr_html_()
    head = "<title>A job</title><style>:root{color-scheme:light dark}</style>"
    page.set_content(
        f'<!doctype html><html lang="en">{head}<main><h1>A job</h1>{body}</main></html>'
    )
    found = violations(page)
    context.close()
    assert not found
