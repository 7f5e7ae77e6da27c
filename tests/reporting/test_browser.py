"""The report as a person meets it: in a real browser, on a phone, on paper, without a mouse."""

import re

import pytest

import trainview as tv
from tests.accessibility import violations
from tests.properties import tries_all
from tests.reporting.snapshots import snapshot

pytestmark = pytest.mark.browser

UNFOLD = "for (const one of document.querySelectorAll('details')) one.open = true"
PROJECTS, ATTENTION, TIMELINE = "#gpus-project", "#attention-all", "#timeline-all"


def column(page, part, number):
    return page.locator(f"{part} tbody tr:visible td:nth-child({number})").all_inner_texts()


def button(page, part, heading):
    return page.locator(f"{part} th button", has_text=re.compile(f"^{heading}$"))


def unfold(page, part):
    page.locator(f"{part} > details > summary").click()


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("small", 390), ("empty", 1280), ("all failed", 1280),
        ("fleet", 1280), ("fleet", 390), ("hostile fleet", 1280), ("fleet without jobs", 1280),
        # the pages of fleets have all that is in these
        *([("small", 1280), ("hostile", 1280)] if tries_all() else []),
    ],
)  # fmt: skip
def test_axe_finds_no_violation(visit, name, width):
    page = visit(name, width)
    page.evaluate(UNFOLD)
    picture = page.locator(".live").first
    if picture.count():
        picture.press("ArrowRight")
        assert page.locator(".tip:visible").count() == 1
    assert not violations(page)
    if width == 1280:  # colours are those of the scheme on any
        page.emulate_media(color_scheme="dark")
        assert not violations(page, colours_alone=True)


def test_a_click_or_a_key_sorts_a_table(visit):
    page = visit("sample")
    unfold(page, PROJECTS)
    usage = tv.gpu_usage(snapshot("sample").refine().jobs, by="project_name")
    assert column(page, PROJECTS, 1)[0] == usage["project_name"].iloc[0]
    button(page, PROJECTS, "Jobs").click()
    assert list(map(int, column(page, PROJECTS, 2))) == sorted(usage["jobs"], reverse=True)
    [sorted_by] = page.locator(f"{PROJECTS} th[aria-sort]").all()
    assert sorted_by.inner_text() == "Jobs"
    assert sorted_by.get_attribute("aria-sort") == "descending"
    button(page, PROJECTS, "Jobs").press("Enter")
    assert list(map(int, column(page, PROJECTS, 2))) == sorted(usage["jobs"])
    button(page, PROJECTS, "Project").press("Space")
    names = column(page, PROJECTS, 1)
    assert names[0] == "=SUM(A1:A9)-ablation"
    assert len(names) == len(usage)
    # as texts, 0.25 and 0.5 have another order, and 1,000.0 and 900.0
    used = usage.loc[usage["gpu_hours"] > 0, "project_name"].to_list()
    for heading in ("GPU-hours", "Share"):
        button(page, PROJECTS, "Project").click()
        button(page, PROJECTS, heading).click()
        assert column(page, PROJECTS, 1)[: len(used)] == used


def test_what_is_not_known_sorts_last_both_ways(visit):
    page = visit("sample")
    unfold(page, ATTENTION)
    for heading, number in (("Team", 4), ("GPU-hours", 11)):
        for _ in range(2):
            button(page, ATTENTION, heading).click()
            cells = column(page, ATTENTION, number)
            assert cells[-1] == "-"
            assert cells[0] != "-"


def test_the_filter_shows_matching_rows_and_says_how_many(visit):
    page = visit("sample")
    unfold(page, ATTENTION)
    box = page.locator(f"{ATTENTION} .table")
    box.get_by_label("Filter rows").fill("FAILING vision")
    assert column(page, ATTENTION, 2) == ["ocr-invoices"]
    assert box.locator(".count").inner_text() == "1 of 9 rows"
    button(page, ATTENTION, "GPUs").click()
    assert column(page, ATTENTION, 2) == ["ocr-invoices"]
    box.get_by_label("Filter rows").fill("")
    assert len(column(page, ATTENTION, 2)) == 9
    assert box.locator(".count").inner_text() == ""
    # a table that is seen at a glance needs none
    assert page.locator("#attention-all .tools:not([hidden])").count() == 1
    assert visit("all failed").locator(".tools:not([hidden])").count() == 0


def test_an_error_unfolds_into_its_latest_message(visit):
    page = visit("sample")
    group = page.locator(".messages details").first
    example = tv.error_groups(snapshot("sample").jobs)["example"].iloc[0]
    assert not group.locator("pre").is_visible()
    group.locator("summary").press("Enter")
    assert group.locator("pre").inner_text() == example


@pytest.mark.parametrize("name", ["hostile", "hostile fleet"])
def test_hostile_names_execute_nothing(visit, name):
    page = visit(name)
    page.evaluate(UNFOLD)
    page.evaluate("for (const one of document.querySelectorAll('th button')) one.click()")
    page.wait_for_timeout(100)
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 3


def test_even_markup_that_got_in_would_be_stopped_by_the_policy(browser, report_of):
    page = browser.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(report_of("hostile").as_uri())
    page.evaluate(
        """() => {
          document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.pwned = 1'>");
          const script = document.createElement("script");
          script.textContent = "window.pwned = 2";
          document.body.append(script);
        }"""
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.pwned") is None
    assert len(refused) >= 2
    page.close()


def test_tables_follow_what_is_selected_in_the_timeline(visit):
    page = visit("sample")
    jobs = snapshot("sample").refine().jobs
    part = page.locator(TIMELINE)
    assert part.locator(".picture:visible, .still:visible").count() == 0
    status = jobs["status"].mode()[0]
    project = jobs["project_name"].mode()[0]
    part.get_by_role("combobox", name="Status").select_option(label=status)
    part.get_by_role("combobox", name="Project").select_option(label=project)
    part.get_by_role("button", name="Select shown").click()
    unfold(page, TIMELINE)
    chosen = jobs[(jobs["status"] == status) & (jobs["project_name"] == project)]
    assert column(page, TIMELINE, 1) == [project] * len(chosen)
    told = (
        f"{len(chosen)} of {len(jobs)} rows: those of the jobs that are selected in the timeline."
    )
    assert part.locator(".table .note").first.inner_text() == told
    # sorting and filtering leave that as it is
    button(page, TIMELINE, "Status").click()
    part.get_by_label("Filter rows").fill(chosen["job_name"].dropna().iloc[0])
    assert 0 < len(column(page, TIMELINE, 1)) < len(chosen)
    part.get_by_label("Filter rows").fill("")
    part.get_by_role("button", name="Clear selection").click()
    assert len(column(page, TIMELINE, 1)) == len(jobs)
    page.emulate_media(media="print")
    assert part.locator("canvas:visible").count() == 0
    assert part.locator(".picture svg:visible").count() == 1


def test_without_scripts_all_of_it_can_be_read(visit):
    page = visit("sample", java_script_enabled=False)
    assert page.locator(".picture svg:visible").count() == 28
    assert page.locator("th button").count() == 0
    assert page.locator(".tools:visible").count() == 0
    unfold(page, PROJECTS)
    assert page.locator(f"{PROJECTS} tbody tr").first.is_visible()
    assert not page.locator(".tip").count()
    page.emulate_media(media="print")
    assert page.locator("#costs-pace tbody tr").first.is_visible()


@pytest.mark.parametrize(
    "name", ["sample", "hostile", "empty", "one job", "latest only", "hostile fleet"]
)
def test_the_page_never_scrolls_sideways(visit, name):
    page = visit(name)
    page.evaluate(UNFOLD)
    for width in (390, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


# What a mark tells, beside the cells of the rows that it is about, in the first and the last picture
# of each part.
TOLD = """() => [...document.querySelectorAll('.live')].map((picture) => {
  const tip = document.querySelector('.tip');
  const part = document.getElementById(picture.dataset.of ?? '') ?? picture.closest('.part');
  const rows = part.querySelectorAll('tbody tr');
  picture.focus();
  return [...picture.querySelectorAll('.marks > *')].map((mark) => {
    picture.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }));
    const cells = mark.dataset.rows.split(' ').map((at) => [...rows[at].cells].map((one) => one.textContent));
    return [cells, [...tip.querySelectorAll('dd')].map((one) => one.textContent), tip.textContent];
  });
})"""


@pytest.mark.parametrize("name", ["sample", "fleet"])
def test_what_a_picture_tells_is_what_its_table_says(visit, name):
    page = visit(name)
    pictures = page.evaluate(TOLD)
    assert len(pictures) == page.locator(".picture").count()
    for marks in pictures:
        assert marks
        for rows, values, text in marks:
            if len(rows) == 1:
                assert values == rows[0][1:]
                assert rows[0][0] in text
            else:
                told = values[len(values) // (1 + min(len(rows), 8)) :]
                assert set(told) <= {cell for row in rows for cell in row}


def test_pointer_finger_and_keys_show_a_value_and_hide_it(visit):
    page = visit("sample", has_touch=True)
    bars = page.locator("#gpus-type .marks > *")
    cells = page.locator("#gpus-type tbody tr").nth(1).locator("td").all_text_contents()
    tip = page.locator(".tip")
    bars.nth(1).hover()
    assert cells[0] in tip.inner_text()
    assert tip.locator("dd").all_text_contents() == cells[1:]
    page.mouse.move(2, 2)
    assert not tip.is_visible()
    bars.nth(1).tap()
    assert cells[0] in tip.inner_text()
    page.locator("h1").tap()
    assert not tip.is_visible()
    picture = page.locator("#gpus-type .live")
    for _ in range(2):
        picture.press("ArrowDown")
    assert cells[0] in tip.inner_text()
    picture.press("Escape")
    assert not tip.is_visible()
    # sorting a table changes nothing of what a picture tells
    unfold(page, "#gpus-type")
    button(page, "#gpus-type", "Jobs").click()
    bars.nth(1).hover()
    assert tip.locator("dd").all_text_contents() == cells[1:]


def test_a_phone_gets_pictures_whose_texts_can_be_read(visit):
    page = visit("sample", 390)
    assert page.locator("svg:visible").count() == 27
    heights = page.evaluate(
        "[...document.querySelectorAll('svg text')].filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect().height)"
    )
    assert min(heights) >= 9


def test_the_first_screen_answers_the_first_questions(visit):
    page = visit("sample")
    for question in (
        "Where does the money go?",
        "What changed?",
        "Is anything being lost now?",
        "What to do next?",
    ):
        box = page.get_by_role("heading", name=question).bounding_box()
        assert box["y"] < 900


def test_the_keyboard_reaches_the_report_past_the_links(visit):
    page = visit("sample")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Enter")
    page.wait_for_url("**#main")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.answers') !== null")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_texts_of_pictures_have_the_colour_of_the_scheme(visit):
    inks = {}
    for scheme in ("light", "dark"):
        page = visit("small", color_scheme=scheme)
        inks[scheme] = page.evaluate("getComputedStyle(document.querySelector('svg text')).fill")
    assert inks == {"light": "rgb(26, 29, 33)", "dark": "rgb(232, 234, 237)"}


def test_the_ground_of_pictures_has_the_colour_of_the_page(visit):
    # between the rows of the heat map
    line = "#utilization-job .picture [stroke='var(--ground)']"
    for scheme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 23, 27)")):
        page = visit("fleet", color_scheme=scheme)
        stroke = f'getComputedStyle(document.querySelector("{line}")).stroke'
        assert page.evaluate(stroke) == ground


def test_figures_fill_their_rows(visit):
    for name, rows in (("small", [3, 3]), ("metrics alone", [4, 4]), ("fleet", [4, 4])):
        page = visit(name)
        boxes = [box.bounding_box() for box in page.locator(".figures > div").all()]
        tops = sorted({box["y"] for box in boxes})
        assert [sum(box["y"] == top for box in boxes) for top in tops] == rows
        ends = {
            round(max(box["x"] + box["width"] for box in boxes if box["y"] == top)) for top in tops
        }
        assert len(ends) == 1


def test_it_prints_to_a_pdf_that_is_unfolded_and_has_no_controls(visit):
    page = visit("sample", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
    page.emulate_media(media="print")
    for controls in ("nav", ".tools", ".part > details > summary", ".more"):
        assert page.locator(f"{controls}:visible").count() == 0
    # a picture stands for its table; where there is none, the table is told, as far as there is room
    for part, rows in ((PROJECTS, 38), (ATTENTION, 9)):
        assert not page.locator(f"{part} table").is_visible()
        said = f"The table has {rows} rows: all in the page."
        assert page.locator(f"{part} .printed:visible").first.inner_text() == said
    assert page.locator("#costs-pace tbody tr:visible").count() == 10
    assert "The first 10 of 31 rows; all in the page." in page.locator("#costs-pace .printed:visible").inner_text()  # fmt: skip
    assert page.locator(".messages summary").first.is_visible()
    paper = "[...document.querySelectorAll('body, .figures dt')].map((one) => getComputedStyle(one)).map((style) => style.color)"
    assert set(page.evaluate(paper)) == {"rgb(0, 0, 0)"}
    content = page.pdf(format="A4")
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") < 12
