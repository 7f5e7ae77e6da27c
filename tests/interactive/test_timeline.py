"""The timeline as people use it: in a real browser, with a mouse, a keyboard, two fingers, a reader."""

import json
import warnings

import pandas as pd
import pytest

import trainview as tv
from tests.accessibility import violations
from tests.builders import job
from tests.builders import payload as answer
from tests.interactive.page import page
from tests.reporting.snapshots import EVIL, HOSTILE, load_quietly
from trainview.interactive.payload import payload
from trainview.text.cells import cell
from trainview.text.safe import safe_text

pytestmark = pytest.mark.browser

# One of no length without a name, and one that ended before it began, years after.
ODD = answer(
    training_jobs=[
        job("instant", name=" ", updated_at="2026-03-01T10:00:00Z"),
        job("back", project="proj2", created_at="2027-03-01T10:00:00Z", updated_at="2026-03-01T10:00:00Z"),
    ]
)  # fmt: skip
TIP, TALLY, SPOKEN = ".tv-tip", ".tv-tally", "[aria-live]"
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"


@pytest.fixture(scope="session")
def fleet(small_fleet):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tv.DataWarning)
        return tv.load(small_fleet).refine()


@pytest.fixture(scope="session")
def files(tmp_path_factory, fleet):
    folder = tmp_path_factory.mktemp("timelines")
    hostile = load_quietly(HOSTILE).refine()
    names = hostile.jobs["job_name"].replace({"f-name": None, "g-name": "x" * 10_000})
    long = hostile.jobs.assign(job_name=names)
    snapshots = {
        "fleet": fleet,
        "hostile": hostile.assign(jobs=long),
        "empty": load_quietly({"training_projects": []}).refine(),
        "odd": load_quietly(ODD).refine(),
    }
    for name, snapshot in snapshots.items():
        folder.joinpath(f"{name}.html").write_text(page(payload(snapshot)), encoding="utf-8")
    return folder


@pytest.fixture
def visit(browser, files):
    """Open a timeline; in the end, nothing may have gone wrong in it, and nothing left it."""
    contexts, faults = [], []

    def open_page(name, width=1280, **settings):
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: faults.append(message.text))
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on(
            "request", lambda request: faults.extend([request.url] * ("file:" not in request.url))
        )
        tab.goto((files / f"{name}.html").as_uri())
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def unfold(tab):
    tab.get_by_text("These jobs as a table").click()
    tab.locator(".tv-listing caption").wait_for()


def texts(tab, selector=TIP):
    """The pairs of word and value that are told of a job."""
    names = tab.locator(f"{selector} dt").all_inner_texts()
    return dict(zip(names, tab.locator(f"{selector} dd").all_inner_texts(), strict=True))


def told(job, hours, lost, costs):
    """What the tables say of a job, as trainview writes it everywhere."""
    saved = lost.get(job.job_id) if job.status in {"failed", "preempted"} else None
    running = hours["running_hours"] - (saved or 0)
    phases = {
        "waiting": hours["queued_hours"],
        "deploying": hours["deploying_hours"],
        "running": running,
        "lost": saved,
    }
    cost = [
        f"{cell('x_usd', float(costs[name]))} USD {word}"
        for name, word in (("billed_usd", "billed"), ("estimated_usd", "estimated"))
        if pd.notna(costs[name])
    ]
    return {
        "Job": job.job_name if isinstance(job.job_name, str) else job.job_id,
        "Project": job.project_name,
        "Team": job.team_name if isinstance(job.team_name, str) else "-",
        "User": job.user_email if isinstance(job.user_email, str) else "-",
        "Status": job.status,
        "GPUs": f"{job.gpus} {job.gpu_type}" if isinstance(job.gpu_type, str) else f"{job.gpus}",
        "Submitted": f"{cell('', job.created_at)} UTC",
        "Ended": "open" if job.is_open else f"{cell('', job.end_at)} UTC",
        "Phases": ", ".join(f"{name} {cell('x_hours', float(value))} h" for name, value in phases.items() if value and value > 0),
        "GPU-hours": cell("gpu_hours", job.gpu_hours),
        "Cost": ", ".join(cost) or "not known",
    }  # fmt: skip


def test_the_keyboard_goes_through_all_jobs_and_tells_of_each_what_the_tables_say(visit, fleet):
    tab = visit("fleet")
    tab.locator("canvas").focus()
    tab.keyboard.press("Home")
    drawn = fleet.jobs[fleet.jobs["elapsed_hours"].notna()].set_index("job_id")
    phases = fleet.job_phases().set_index("job_id")
    lost = tv.lost_work(fleet.jobs, fleet.job_phases(), fleet.checkpoints)
    lost = lost.set_index("job_id")["lost_hours"]
    costs = tv.reconcile_cost(fleet.jobs, fleet.prices, fleet.billing, by="job_id").set_index(
        "job_id"
    )
    seen, exact = [], 0
    for _ in range(len(drawn)):
        found = texts(tab)
        job_id = found.pop("Job id", found["Job"])
        seen.append(job_id)
        row = next(drawn.loc[[job_id]].reset_index().itertuples())
        expected = told(row, phases.loc[job_id], lost, costs.loc[job_id])
        if pd.isna(phases.loc[job_id, "started_at"]) or pd.isna(phases.loc[job_id, "released_at"]):
            del found["Phases"], expected["Phases"]
        else:
            exact += 1
        assert found == expected
        assert expected["Cost"] in tab.locator(SPOKEN).inner_text()
        tab.keyboard.press("ArrowRight")
    assert sorted(seen) == sorted(drawn.index)
    assert exact > 10


def test_arrows_move_enter_selects_and_escape_clears(visit, fleet):
    tab = visit("fleet")
    tab.locator("canvas").focus()
    for key in ("ArrowDown", "ArrowRight", "Enter", "ArrowRight", "Enter"):
        tab.keyboard.press(key)
    selected = tab.evaluate("chosen.at(-1)")
    assert len(selected) == 2
    hours = fleet.jobs["gpu_hours"].iloc[selected].sum()
    assert f"; 2 selected: {cell('gpu_hours', hours)} GPU-hours" in tab.locator(TALLY).inner_text()
    tab.keyboard.press("Enter")
    assert tab.evaluate("chosen.at(-1).length") == 1
    assert tab.locator(SPOKEN).inner_text() == "not selected"
    tab.keyboard.press("Escape")
    assert tab.evaluate("chosen.at(-1)") == []
    assert "selected" not in tab.locator(TALLY).inner_text()
    assert not tab.locator(TIP).is_visible()


def test_filters_and_search_leave_what_matches_and_say_how_many(visit, fleet):
    tab = visit("fleet")
    jobs = fleet.jobs
    status, project = jobs["status"].mode()[0], jobs["project_name"].mode()[0]
    tab.get_by_label("Status").select_option(label=status)
    assert (
        tab.locator(TALLY)
        .inner_text()
        .startswith(f"{(jobs['status'] == status).sum()} of {len(jobs)} jobs shown")
    )
    tab.get_by_label("Project").select_option(label=project)
    both = jobs[(jobs["status"] == status) & (jobs["project_name"] == project)]
    assert tab.locator(TALLY).inner_text() == f"{len(both)} of {len(jobs)} jobs shown in 1 project"
    tab.get_by_role("button", name="Select shown").click()
    assert tab.evaluate("chosen.at(-1)") == [jobs.index.get_loc(row) for row in both.index]
    unfold(tab)
    assert tab.locator(".tv-listing tbody tr").count() == len(both)
    # what is no longer shown is no longer selected
    tab.get_by_role("searchbox").fill(both["job_id"].iloc[0].upper())
    assert tab.evaluate("chosen.at(-1)") == [jobs.index.get_loc(both.index[0])]
    tab.get_by_role("button", name="Show all").click()
    assert tab.locator(TALLY).inner_text().startswith(f"{len(jobs)} jobs in")
    # phases of one colour are one entry
    legend = tab.locator(".tv-legend bdi").all_inner_texts()
    phases = set(jobs["phase"])
    assert {"starting", "running"} <= phases
    assert "starting or running" in legend
    assert len(phases & set(legend)) == len(phases) - 2
    for name, by in (("gpu_type", "gpu_type"), ("user", "user_email")):
        tab.get_by_label("Colour by").select_option(value=name)
        legend = tab.locator(".tv-legend bdi").all_inner_texts()
        assert jobs[by].value_counts().index[0] == legend[0]


def test_a_brush_selects_what_it_touches_and_a_click_one_job(visit, fleet):
    tab = visit("fleet")
    box = tab.locator("canvas").bounding_box()
    view = tab.evaluate("program.view()")
    begin = fleet.jobs["created_at"].min()
    left, right = 0.3, 0.6
    span = view["to"] - view["from"]
    since, until = (
        begin + pd.Timedelta(seconds=view["from"] + share * span) for share in (left, right)
    )
    known = fleet.jobs["elapsed_hours"].notna()
    touched = known & (fleet.jobs["created_at"] <= until) & (fleet.jobs["end_at"] >= since)
    tab.evaluate("document.querySelector('.tv-stage').scrollTop = 0")
    tab.get_by_role("button", name="Select by dragging").click()
    tab.mouse.move(box["x"] + left * box["width"], box["y"] + 30)
    tab.mouse.down()
    tab.mouse.move(box["x"] + right * box["width"], box["y"] + box["height"] - 2, steps=3)
    tab.mouse.up()
    lowest = tab.evaluate("document.querySelector('.tv-stage').scrollHeight")
    chosen = tab.evaluate("chosen.at(-1)")
    assert set(chosen) <= set(touched.to_numpy().nonzero()[0].tolist())
    if lowest <= box["height"]:
        assert chosen == touched.to_numpy().nonzero()[0].tolist()
    assert len(chosen) > 3
    tab.get_by_role("button", name="Select by dragging").click()
    # a drag without it pans, and selects nothing
    before = tab.evaluate("chosen.length")
    tab.keyboard.press("Escape")
    tab.mouse.move(box["x"] + 600, box["y"] + 200)
    tab.keyboard.down("Control")
    tab.mouse.wheel(0, -200)
    tab.keyboard.up("Control")
    tab.wait_for_function("before => program.view().to - program.view().from < before", arg=span)
    zoomed = tab.evaluate("program.view()")
    tab.mouse.down()
    tab.mouse.move(box["x"] + 500, box["y"] + 200, steps=3)
    tab.mouse.up()
    panned = tab.evaluate("program.view()")
    scale = (zoomed["to"] - zoomed["from"]) / box["width"]
    assert panned["from"] - zoomed["from"] == pytest.approx(100 * scale, rel=0.02)
    assert tab.evaluate("chosen.length") == before
    tab.locator("canvas").focus()
    tab.keyboard.press("Home")
    tip = texts(tab)
    spot = tab.locator(TIP).bounding_box()
    tab.mouse.click(spot["x"] - 12, spot["y"] - 18)
    selected = fleet.jobs.iloc[tab.evaluate("chosen.at(-1)")]
    assert selected["job_id"].to_list() == [tip.get("Job id", tip["Job"])]


def test_two_fingers_zoom_and_one_pans(visit):
    tab = visit("fleet", 390, has_touch=True, is_mobile=True)
    fingers = tab.context.new_cdp_session(tab)
    box = tab.locator("canvas").bounding_box()

    def touch(kind, *places):
        points = [{"x": box["x"] + x, "y": box["y"] + 120, "id": at} for at, x in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before = tab.evaluate("program.view()")
    touch("touchStart", 100, 200)
    touch("touchMove", 50, 250)
    touch("touchEnd")
    after = tab.evaluate("program.view()")
    # what lay under the fingers still does
    at = [
        view["from"] + x / box["width"] * (view["to"] - view["from"])
        for view, x in ((before, 100), (after, 50), (before, 200), (after, 250))
    ]
    assert at[0] == pytest.approx(at[1], rel=0.01)
    assert at[2] == pytest.approx(at[3], rel=0.01)
    touch("touchStart", 200)
    touch("touchMove", 180)
    touch("touchMove", 140)
    touch("touchEnd")
    assert tab.evaluate("program.view().from") > after["from"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_a_tap_shows_stays_until_the_next(visit):
    tab = visit("odd", 390, has_touch=True, is_mobile=True)
    box = tab.locator("canvas").bounding_box()
    tab.touchscreen.tap(box["x"] + box["width"] * 0.02 / 1.06, box["y"] + 54)
    tab.locator("h1").hover()
    assert texts(tab)["Job"] == "instant"
    assert tab.locator(TIP).is_visible()
    tab.touchscreen.tap(box["x"] + 100, box["y"] + 54)
    assert not tab.locator(TIP).is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(visit, scheme):
    tab = visit("fleet", color_scheme=scheme)
    unfold(tab)
    tab.locator("canvas").focus()
    tab.keyboard.press("Home")
    tab.keyboard.press("Enter")
    assert not violations(tab)
    pixel = "[...document.querySelector('canvas').getContext('2d').getImageData(1, 3, 1, 1).data].slice(0, 3)"
    assert (sum(tab.evaluate(pixel)) < 200) == (scheme == "dark")


def test_hostile_names_are_text(visit):
    tab = visit("hostile")
    assert tab.locator("main :is(img, script)").count() == 0
    unfold(tab)
    cells = tab.locator(".tv-listing tbody td:first-child").all_inner_texts()
    assert safe_text(EVIL) in cells
    assert max(map(len, cells)) == 200
    options = tab.get_by_label("Project").locator("option").all_inner_texts()
    assert safe_text(EVIL) in options
    tab.locator("canvas").focus()
    for _ in range(7):
        tab.keyboard.press("ArrowRight")
    assert tab.evaluate("window.pwned") is None
    tab.get_by_role("searchbox").fill("no such job")
    assert tab.locator(TALLY).inner_text() == "0 of 7 jobs shown in 0 projects"


def test_a_timeline_without_jobs_says_so(visit):
    tab = visit("empty")
    assert tab.locator(TALLY).inner_text() == "0 jobs in 0 projects"
    tab.locator("canvas").focus()
    tab.keyboard.press("ArrowRight")
    unfold(tab)
    assert tab.get_by_role("application").get_attribute("aria-label") == "Timeline without jobs"


def test_jobs_without_length_or_name_are_told_and_those_not_drawn_count(visit):
    tab = visit("odd")
    assert tab.locator(TALLY).inner_text() == "2 jobs in 2 projects"
    assert "1 job not drawn: inconsistent timestamps" in tab.locator(".tv-note").inner_text()
    tab.locator("canvas").press("Home")
    assert texts(tab).items() >= {"Job": "instant", "Phases": "-"}.items()


def test_however_far_one_zooms_the_axis_tells_day_and_year(visit, fleet):
    tab = visit("fleet")
    tab.evaluate("""() => {
        window.drawn = [];
        const fill = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
          if (y === 13) drawn.push(text);
          fill.apply(this, arguments);
        };
    }""")
    tab.locator("canvas").focus()
    for _ in range(5):
        for _ in range(3):
            tab.keyboard.press("+")
        tab.evaluate(NEXT_FRAME)
        tab.evaluate("() => { drawn.length = 0; }")
        tab.keyboard.press("Home")
        tab.evaluate(NEXT_FRAME)
        begin = fleet.jobs["created_at"].min() + pd.Timedelta(
            seconds=tab.evaluate("program.view().from")
        )
        found = tab.evaluate("drawn")
        assert any(f"{begin.year}" in text for text in found)
        if any(":" in text for text in found):
            assert found[0] == f"{begin.day} {begin:%b %Y}"
    assert ":" in found[-1]


def test_numbers_are_rounded_as_in_the_tables(visit):
    tab = visit("empty")
    values = [
        0,
        0.04,
        0.05,
        0.15,
        0.25,
        0.35,
        0.75,
        1.005,
        2.675,
        0.125,
        1234.5678,
        1e-12,
        0.004,
        99999.95,
    ]
    for decimals, name in ((1, "x_hours"), (2, "x_usd")):
        found = [
            tab.evaluate("([value, decimals]) => program.write(value, decimals)", [value, decimals])
            for value in values
        ]
        assert found == [cell(name, value) for value in values]


def test_times_are_exact_and_what_is_missing_is_null(fleet):
    data = json.loads(payload(fleet))
    jobs = fleet.jobs
    assert data["job_id"] == jobs["job_id"].to_list()
    starts = pd.to_datetime([data["origin"] + start for start in data["start"]], unit="s", utc=True)
    assert (abs(starts - pd.DatetimeIndex(jobs["created_at"])) < pd.Timedelta("1ms")).all()
    for name, column in (("elapsed", "elapsed_hours"), ("gpu_hours", "gpu_hours")):
        assert [value is None for value in data[name]] == jobs[column].isna().to_list()
    teams = data["groups"]["team"]
    assert [None if code < 0 else teams["values"][code] for code in teams["codes"]] == [
        team if isinstance(team, str) else None for team in jobs["team_name"]
    ]
