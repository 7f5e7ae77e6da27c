"""The report's page: its structure, and that nothing in it is more than text."""

import base64
import hashlib
import re
import warnings
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

import trainview as tv
from tests.builders import CPU, job, payload, project
from trainview.errors import OutputError
from trainview.reporting import render

DATA = Path(__file__).parents[2] / "data"
EVIL = "</script><script>window.pwned=1</script><img src=x onerror='window.pwned=1'>\"'`{{7*7}}\x1b\u202e$x_1$"
HOSTILE = payload(
    training_projects=[project("p1", name=EVIL, team_name=EVIL), project("p2", name=f"{EVIL} 2")],
    training_jobs=[
        job("a", project="p1", name=EVIL, current_status="TRAINING_JOB_FAILED", error_message=EVIL, user={"email": EVIL}),
        job("b", project="p1", current_status="TRAINING_JOB_FAILED", error_message=f"{EVIL}\n{EVIL}"),
        job("c", project="p1", current_status="TRAINING_JOB_FAILED", created_at="2026-03-01T11:00:00Z"),
        job("d", project="p2", current_status=EVIL, name=EVIL),
        job("e", project="p2", current_status="TRAINING_JOB_PENDING", created_at="2026-02-01T10:00:00Z"),
        job("f", project="p2", instance_type=CPU | {"gpu_type": EVIL, "gpu_count": 1, "id": EVIL, "name": EVIL}),
    ],
)  # fmt: skip
SNAPSHOTS = {
    "sample": DATA,
    "hostile": HOSTILE,
    "empty": payload(training_projects=[]),
    "no jobs": payload(training_projects=[project()]),
    "one job": payload(training_jobs=[job()]),
    "one pending job": payload(training_jobs=[job(current_status="TRAINING_JOB_PENDING")]),
    "all failed": payload(training_jobs=[job(f"j{n}", current_status="TRAINING_JOB_FAILED", error_message=f"exit {n}") for n in range(5)]),
    "cpu only": payload(training_jobs=[job(instance_type=CPU)]),
    "contradictory": payload(training_jobs=[job(updated_at="2026-01-01T00:00:00Z")]),
}  # fmt: skip
VOID = {"meta", "link", "img", "br", "input", "hr"}


class Page(HTMLParser):
    """Elements, attributes and text of a page, checked for balance on the way."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text_of(self, tag):
        return [text.strip() for name, text in self.texts if name == tag and text.strip()]


def snapshot(name: str) -> tv.Snapshot:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tv.DataWarning)
        return tv.load(SNAPSHOTS[name])


@pytest.fixture(scope="module", params=SNAPSHOTS)
def page(request):
    text = render(snapshot(request.param))
    return request.param, text, Page(text)


def test_headings_are_in_order_and_links_lead_somewhere(page):
    _, _, found = page
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in found.all("a"):
        assert attributes["href"].removeprefix("#") in ids


def test_every_picture_says_what_it_shows_and_every_table_has_a_caption(page):
    _, _, found = page
    for attributes in found.all("svg"):
        assert attributes["role"] == "img"
        assert re.search(r"\d", attributes["aria-label"])
    assert len(found.all("table")) == len(found.all("caption"))
    assert all(attributes.get("scope") == "col" for attributes in found.all("th"))


def test_nothing_comes_from_elsewhere_and_nothing_runs_but_our_script(page):
    _, text, found = page
    policy = found.all("meta")[1]["content"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    for tag, attributes in found.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in {"style", "src", "srcdoc", "action"}
            if name.endswith("href"):
                assert value.startswith("#")


def test_hostile_names_are_text_wherever_they_stand():
    text = render(snapshot("hostile"))
    found = Page(text)
    assert text.count("<script>") == 1
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "{{7*7}}" in text
    assert not found.all("img")
    assert any("window.pwned=1" in text for text in found.text_of("bdi"))


def test_the_page_tells_the_snapshots_figures():
    snap = snapshot("sample")
    found = Page(render(snap))
    figures = snap.summary().set_index("figure")["value"]
    strong = found.text_of("strong")
    assert strong[0] == f"{figures['jobs that need attention']:.0f}"
    assert f"{figures['GPU-hours, upper bound']:,.0f}" in strong
    assert f"{figures['failure rate']:.0%}" in strong
    cells = found.text_of("bdi")
    for detail in tv.needs_attention(snap.jobs, snap.projects)["detail"]:
        assert detail in cells
    for note in snap.notes:
        assert note in cells
    assert "As of 31 March 2026" in " ".join(found.text_of("p"))
    assert len(found.all("svg")) == 9


def test_a_table_that_is_cut_says_so_and_how_to_get_the_rest():
    snap = snapshot("sample")
    assert (
        f"The first 200 of {len(snap.jobs):,} rows. All of them: trainview timeline SOURCE"
        in render(snap)
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", ["There are no jobs in this snapshot", "There are no jobs to judge by"]),
        ("no jobs", ["There are no jobs in this snapshot"]),
        ("cpu only", ["No job held a GPU."]),
        ("one job", ["Nothing looks stuck", "100% of 1 job are completed"]),
        ("all failed", ["5 of 5 finished jobs failed", "5 failed jobs, 1 kind of message"]),
        ("contradictory", ["before it was created"]),
    ],
)
def test_small_snapshots_read_well(name, words):
    text = re.sub(r"\s+", " ", render(snapshot(name)))
    for phrase in words:
        assert phrase in text
    assert "nan" not in re.sub(r"<(svg|script|style).*?</\1>", "", text).lower().replace(
        "finance", ""
    )


def test_only_the_latest_jobs_are_announced():
    snap = tv.load(payload(training_projects=[project(latest_job=job())]))
    assert "Only the latest job of each project is known" in render(snap)


def test_equal_snapshots_give_equal_pages():
    assert render(snapshot("all failed")) == render(snapshot("all failed"))


def test_the_file_is_written_whole_and_replaced_only_with_force(tmp_path):
    snap = snapshot("one job")
    path = tv.report(snap, tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == render(snap)
    path.write_text("old")
    with pytest.raises(OutputError, match="exists"):
        tv.report(snap, path)
    assert path.read_text() == "old"
    tv.report(snap, path, force=True)
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]
