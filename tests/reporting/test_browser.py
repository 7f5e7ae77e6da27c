"""The report as a person meets it: in a real browser."""

import shutil

import pytest

import trainview as tv
from tests.reporting.test_page import SNAPSHOTS, snapshot

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install your system's package"),
    # one worker starts one browser
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {
        name: tv.report(snapshot(name), folder / f"{name.replace(' ', '-')}.html")
        for name in SNAPSHOTS
    }


@pytest.fixture
def visit(browser, pages):
    """Open a report; in the end, nothing may have gone wrong in it."""
    contexts = []

    def open_page(name, width=1280, **settings):
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        page = context.new_page()
        faults, requests = [], []
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        url = pages[name].as_uri()
        page.goto(url)
        contexts.append((context, faults, requests, url))
        return page

    yield open_page
    for context, faults, requests, url in contexts:
        context.close()
        assert faults == []
        assert requests == [url]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["sample", "hostile", "empty", "all failed"])
def test_axe_finds_no_violation(visit, name, scheme):
    page = visit(name, color_scheme=scheme)
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def column(page, table, number):
    return page.locator(f"{table} tbody tr:visible td:nth-child({number})").all_inner_texts()


def test_a_click_or_a_key_sorts_a_table(visit):
    page = visit("sample")
    table = "#projects table"
    page.locator("#projects summary").click()
    usage = tv.gpu_usage(snapshot("sample").jobs, by="project_name")
    page.locator(f"{table} th button", has_text="jobs").click()
    jobs = [int(text) for text in column(page, table, 2)]
    assert jobs == sorted(usage["jobs"], reverse=True)
    assert page.locator(f"{table} th[aria-sort]").get_attribute("aria-sort") == "descending"
    page.locator(f"{table} th button", has_text="jobs").press("Enter")
    assert [int(text) for text in column(page, table, 2)] == sorted(usage["jobs"])
    page.locator(f"{table} th button", has_text="project_name").press("Space")
    names = column(page, table, 1)
    assert names[0] == "=SUM(A1:A9)-ablation"
    assert len(names) == len(usage)


def test_what_is_not_known_sorts_last_both_ways(visit):
    page = visit("sample")
    table = "#attention table"
    for _ in range(2):
        page.locator(f"{table} th button", has_text="user_email").click()
        assert column(page, table, 6)[-1] == "-"


def test_the_filter_shows_matching_rows_and_says_how_many(visit):
    page = visit("sample")
    box = page.locator("#attention .table")
    box.get_by_label("Filter rows").fill("FAILING vision")
    assert column(page, "#attention table", 2) == ["ocr-invoices"]
    assert box.locator(".count").inner_text() == "1 of 7 rows"
    box.get_by_label("Filter rows").fill("")
    assert len(column(page, "#attention table", 2)) == 7


def test_hostile_names_execute_nothing(visit):
    page = visit("hostile")
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == 0
    for button in page.locator("#attention th button").all():
        button.click()
    page.locator("#attention th button", has_text="reason").click()
    assert page.evaluate("window.pwned") is None


def test_without_scripts_all_of_it_can_be_read(visit):
    page = visit("sample", java_script_enabled=False)
    assert page.locator("svg.picture").count() == 9
    assert page.locator("th button").count() == 0
    assert not page.locator(".tools").first.is_visible()
    page.locator("#errors summary").click()
    assert page.locator("#errors tbody tr").first.is_visible()


@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("name", ["sample", "hostile", "empty", "one job"])
def test_the_page_never_scrolls_sideways(visit, name, width):
    page = visit(name, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_reaches_the_report_past_the_links(visit):
    page = visit("sample")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_texts_are_readable_in_both_schemes(visit):
    inks = {}
    for scheme in ("light", "dark"):
        page = visit("sample", color_scheme=scheme)
        inks[scheme] = page.evaluate(
            "getComputedStyle(document.querySelector('svg.picture text')).fill"
        )
    assert inks == {"light": "rgb(26, 29, 33)", "dark": "rgb(232, 234, 237)"}


def test_it_prints_to_a_pdf_without_its_controls(visit):
    page = visit("sample")
    page.emulate_media(media="print")
    for controls in ("nav", ".tools", "summary"):
        assert not page.locator(controls).first.is_visible()
    assert page.locator("#attention table").is_visible()
    content = page.pdf(format="A4")
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") <= 12
