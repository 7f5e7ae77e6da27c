"""What `explore` gives, in a real JupyterLab: selections go to Python and back, tables sort and filter."""

import json

import pytest

from tests.interactive import lab

pytestmark = [pytest.mark.browser, pytest.mark.notebook]

CELLS = [
    """
import trainview as tv
snap = tv.load("fleet")
seen = []
timeline = tv.explore(snap)
timeline.observe(lambda change: seen.append(len(change["new"])), "selection")
timeline
""",
    "tv.explore(snap.jobs.assign(gpu_hours=snap.jobs['gpu_hours'].mask(snap.jobs.index < 12)))",
    "[seen, timeline.selection['job_id'].to_list(), timeline.selection['gpu_hours'].sum()]",
    "timeline.selection = snap.jobs[snap.jobs['status'] == 'completed']",
]
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@pytest.fixture
def notebook(browser, small_fleet, tmp_path):
    pytest.importorskip("jupyterlab")
    import nbformat  # takes seconds
    from nbformat.v4 import new_code_cell, new_notebook

    (tmp_path / "fleet").symlink_to(small_fleet)
    cells = [new_code_cell(source.strip()) for source in CELLS]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, tmp_path / "explore.ipynb")
    faults = []
    with lab.running(tmp_path) as address:
        tab = browser.new_page(viewport={"width": 1280, "height": 1000})
        tab.set_default_timeout(20_000)
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("request", lambda request: faults.extend([request.url] * is_outside(request.url)))
        tab.goto(address("explore.ipynb"))
        tab.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        yield tab
        tab.close()
    assert faults == []


def is_outside(url):
    return url.startswith("http") and "://127.0.0.1:" not in url


def number(text):
    return float(text.replace(",", "").replace("<", ""))


SHOWS = (
    "rows => document.querySelector('.dt-info').innerText.includes(`of ${rows} entries (filtered`)"
)
RUN = """number => {
  jupyterapp.shell.currentWidget.content.activeCellIndex = number;
  void jupyterapp.commands.execute("notebook:run-cell");
}"""


def numbers_are_filtered(tab, table, at, known):
    """What is missing is neither less nor more than any number."""
    table.locator(f"thead th:nth-child({at}) .dtcc-button_dropdown").first.click(force=True)
    asked = tab.locator(".dtcc-dropdown .dtcc-searchNumber")
    for logic, rows in {"less": known < 3, "greaterOrEqual": known >= 3}.items():
        asked.locator("select").select_option(logic)
        asked.locator("input").fill("3")
        tab.wait_for_function(SHOWS, arg=int(rows.sum()))
    asked.locator("select").select_option("empty")
    tab.wait_for_function(SHOWS, arg=12)
    asked.locator(".dtcc-search-clear").click()


def test_selections_go_to_python_and_back_and_tables_sort_and_filter(notebook, small_fleet):
    import trainview as tv

    tab, jobs = notebook, tv.load(small_fleet).refine().jobs
    tab.evaluate(RUN, 0)
    canvas = tab.locator(".trainview-timeline canvas")
    canvas.wait_for()
    box = canvas.bounding_box()
    tab.keyboard.down("Shift")
    tab.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 30)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] - 5, steps=3)
    tab.mouse.up()
    tab.keyboard.up("Shift")
    tally = tab.locator(".tv-tally")
    selected = int(tally.inner_text().partition("; ")[2].split()[0])
    assert selected > 3
    # tables
    tab.evaluate(RUN, 1)
    table = tab.locator(".dt-container")
    table.wait_for()
    info = table.locator(".dt-info")
    assert info.inner_text() == f"Showing 1 to 10 of {len(jobs)} entries"
    heads = [text.strip() for text in table.locator("thead th .dt-column-title").all_inner_texts()]
    heads = heads[: len(jobs.columns)]
    assert {"gpu_hours (GPU h)", "created_at (UTC)", "gpus (GPUs)", "job_id"} <= set(heads)
    # what is missing is last, whichever way
    for head in ("gpu_hours (GPU h)", "error_message"):
        at = heads.index(head) + 1
        for way in ("ascending", "descending"):
            table.locator(f"thead th:nth-child({at}) .dtcc-button_order").first.click(force=True)
            table.locator(f"thead th:nth-child({at})[aria-sort={way}]").first.wait_for()
            found = table.locator(f"tbody td:nth-child({at})").all_inner_texts()
            keys = [number(text) if head != "error_message" else text.lower() for text in found]
            assert keys == sorted(keys, reverse=way == "descending")
            assert len(keys) == 10
            assert "-" not in found
    at = heads.index("gpu_hours (GPU h)") + 1
    hours = table.locator(f"tbody td:nth-child({at})")
    assert hours.first.evaluate("one => getComputedStyle(one).textAlign") == "right"
    assert (
        table.locator("tbody td").first.evaluate("one => getComputedStyle(one).textAlign") == "left"
    )
    numbers_are_filtered(tab, table, at, jobs["gpu_hours"].iloc[12:].round(1))
    project = jobs["project_name"].iloc[0]
    table.get_by_role("searchbox").first.fill(project)
    tab.wait_for_function(SHOWS, arg=int((jobs["project_name"] == project).sum()))
    # to Python
    tab.evaluate(RUN, 2)
    output = tab.locator(".jp-Cell").nth(2).locator(".jp-OutputArea-output")
    output.wait_for()
    seen, ids, total = json.loads(
        output.inner_text().replace("'", '"').replace("np.float64(", "").replace(")]", "]")
    )
    assert seen == [selected]
    assert len(ids) == selected
    assert total == pytest.approx(jobs[jobs["job_id"].isin(ids)]["gpu_hours"].sum())
    # and back
    tab.evaluate(RUN, 3)
    done = int((jobs["status"] == "completed").sum())
    tab.wait_for_function(
        "number => document.querySelector('.tv-tally').innerText.includes(`; ${number} selected`)",
        arg=done,
    )
