"""What the report says of what changed, what is being lost, and of fleet health, word by word."""

import re
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

import trainview as tv
from tests.builders import job, payload, project
from tests.reporting.fleet import price, table, wait
from tests.reporting.reading import Page
from tests.reporting.snapshots import page, snapshot
from tests.reporting.test_fleet import section
from trainview.reporting import render
from trainview.reporting.outcomes import read_health
from trainview.snapshot import newest_weeks

FAILED, RUNNING = "TRAINING_JOB_FAILED", "TRAINING_JOB_RUNNING"
AS_OF = pd.Timestamp("2026-03-15T00:00:00Z")


def moment(day: int, hour: int = 0) -> str:
    return f"2026-03-{day:02}T{hour:02}:00:00Z"


# A job of 2 GPUs in the earlier week; in the newer one a failed job, the next attempt, and one open.
TWO_WEEKS = payload(
    training_projects=[project("proj1"), project("proj2")],
    training_jobs=[
        job("old", name="sft-1", created_at=moment(1), updated_at=moment(1, 10)),
        job("bad", name="run-1", project="proj2", current_status=FAILED, error_message="exit code 1", created_at=moment(10), updated_at=moment(10, 8)),
        job("again", name="run-2", project="proj2", created_at=moment(10, 9), updated_at=moment(10, 13)),
        job("open", name="on", current_status=RUNNING, created_at=moment(14, 12), updated_at=moment(14, 23)),
    ],
)  # fmt: skip


def two_weeks(**tables: pd.DataFrame) -> tv.Snapshot:
    return tv.load(TWO_WEEKS, as_of=AS_OF).assign(**tables)


def known() -> tv.Snapshot:
    """Know of three jobs that they waited for an hour, and of the failed one when it saved."""
    released = [("old", moment(1, 1)), ("bad", moment(10, 1)), ("again", moment(10, 10))]
    rows = [
        wait(name, 1.0, released_at=pd.Timestamp(at), submitted_at=pd.Timestamp(at) - pd.Timedelta("1h"))
        for name, at in released
    ]  # fmt: skip
    measured = [
        {"job_id": name, "node_id": "n", "gpu": gpu, "metric": "gpu_utilization", "unit": "fraction",
         "timestamp": pd.Timestamp(at) + pd.Timedelta(hours=hour), "value": 0.9, "step_seconds": 3600}
        for name, at, hours in (("old", moment(1, 2), 8), ("bad", moment(10, 2), 6), ("again", moment(10, 11), 2))
        for gpu in (0, 1) for hour in range(hours)
    ]  # fmt: skip
    saved = {"job_id": "bad", "checkpoint_id": "c1", "created_at": pd.Timestamp(moment(10, 5)), "size_bytes": 2**30, "sync_status": "SYNCING"}  # fmt: skip
    return two_weeks(
        prices=table("prices", price()),
        queue=table("queue", *rows),
        metrics=table("metrics", *measured),
        checkpoints=table("checkpoints", saved),
    )


@cache
def page_of(make: Callable[[], tv.Snapshot]) -> str:
    return render(make())


def test_the_page_begins_with_what_changed_and_what_is_being_lost():
    found = Page(page_of(known))
    assert found.text_of("h3")[:3] == [
        "Where does the money go?", "What changed?", "Is anything being lost now?",
    ]  # fmt: skip
    assert found.text_of("dt")[:3] == ["estimated cost", "change", "need attention"]
    named = [attributes["id"] for attributes in found.all("section") if "id" in attributes]
    assert named[:4] == ["changes", "attention", "costs", "health"]


def test_what_changed_is_told_by_compare():
    snap = known()
    text = render(snap)
    prose = section(text, "changes")
    assert "The 7 days from 8 March to 15 March (UTC), beside the 7 days before." in prose
    with pytest.warns(tv.DataWarning, match="count from submission"):
        changes = tv.compare(snap, since="7d").set_index("figure")
    assert "Note: 0% of the GPU-hours before and 55% of those after count from submission" in prose
    before, after = changes.loc["GPU-hours", ["before", "after"]]
    assert f"GPU-hours {before:,.0f} → {after:,.0f}" in prose
    lost = changes.loc["GPU-hours lost", "after"]
    assert lost == pytest.approx(6.0)
    for cell in ("appeared", f"{before:,.1f}", f"{after:,.1f}"):
        assert cell in prose
    assert 'tv.compare(snap, since="2026-03-08", until="2026-03-15", by="project_name")' in prose


def test_what_was_lost_is_told_in_gpu_hours_and_money():
    found = Page(page_of(known))
    # three hours of two GPUs, at 30 USD an hour for both
    assert "lost 6.0 GPU-hours since their last checkpoint, 90.00 USD." in found.prose()
    assert "1 job that failed lost 6.0 GPU-hours (90.00 USD)." in section(page_of(known), "health")


def test_fleet_health_has_the_numbers_of_the_helpers():
    snap = known().refine()
    phases = snap.job_phases()
    prose = section(render(snap), "health")
    total = tv.goodput(snap.jobs, phases, snap.checkpoints, None, snap.metrics).iloc[0]
    assert f"Goodput is at most {total['goodput']:.0%}" in prose
    assert "6.0 were lost since the last checkpoint" in prose
    times = tv.time_to_failure(snap.jobs, phases)
    assert f"{times['mttf_hours'].item():.1f}" in prose
    assert "1 training took more than one attempt, 1 of them came to completion" in prose
    assert "1 checkpoint of 1.0 GiB. 1.0 GiB of 1 job that ended are not uploaded yet" in prose
    waited = phases["queued_hours"].sum() * 2
    assert f"{waited:.1f}" in prose


def test_without_evidence_a_line_says_what_to_fetch():
    text = page_of(two_weeks)
    prose = section(text, "health")
    assert "Nothing in this data tells when jobs ran" in prose
    assert "trainview fetch -o fleet/ --with queue,billing,metrics,checkpoints" in prose
    assert 'id="health-goodput"' not in text
    assert "goodput at most" not in Page(text).text_of("dt")
    assert "trainview fetch -o fleet/ --with prices,billing,metrics,queue,capacity,checkpoints" in Page(text).prose()  # fmt: skip
    # attempts are known by names and times
    assert 'id="health-chains"' in text


@cache
def read_sample():
    snap = snapshot("sample").refine()
    phases = snap.job_phases()
    return snap, phases, read_health(snap, phases)


def test_each_attempt_is_told_where_its_bar_is():
    part = page("sample").split('id="health-chains"')[1].split('class="part"')[0]
    marks = [
        (float(left) + float(right), [int(row) for row in rows.split()])
        for left, right, rows in re.findall(r'"M(\S+) \S+H(\S+)V\S+z" data-rows="(.+?)"', part)
    ]
    chains = read_sample()[2].chains.reset_index(drop=True)
    first = chains.groupby("chain_id")["submitted_at"].transform("min")
    middle = (chains["submitted_at"] - first + (chains["ended_at"] - first)).dt.total_seconds()
    expected = []
    for _, chain in chains.groupby("chain_id", sort=False):
        expected += [list(chain.index), *([row] for row in chain.index)]
    assert [rows for _, rows in marks] == expected[: len(marks)]
    assert len(marks) > 40
    # a row is told where no bar is, an attempt along the axis
    places = [(place, middle[rows[0]]) for place, rows in marks if len(rows) == 1]
    assert np.corrcoef(*zip(*places, strict=True))[0, 1] > 0.999


def test_only_what_is_not_there_is_to_be_fetched():
    assert "--with billing,capacity" in Page(page_of(known)).prose()
    assert "Not in this data" not in page("sample")


@pytest.mark.parametrize("name", ["one job", "all failed", "contradictory"])
def test_where_nothing_is_a_week_old_nothing_is_compared(name):
    assert newest_weeks(snapshot(name)) is None
    assert 'id="changes"' not in page(name)
    assert "What changed?" not in Page(page(name)).text_of("h3")


def test_weeks_are_of_whole_days_where_the_bill_has_them():
    snap = snapshot("sample")
    assert newest_weeks(snap).windows[1][1] == pd.Timestamp("2026-03-31", tz="UTC")
    assert newest_weeks(snap).has_bill
    without = newest_weeks(snap.assign(billing=table("billing")))
    assert without.windows[1][1] == snap.as_of
    figures = newest_weeks(snap).table().set_index("figure")
    assert f"billed {figures.loc['USD billed', 'before']:,.0f} → {figures.loc['USD billed', 'after']:,.0f} USD" in Page(page("sample")).prose()  # fmt: skip


def test_what_one_pays_for_lost_work_is_summed_without_stopped_jobs():
    snap, phases, health = read_sample()
    lost = tv.lost_work(snap.jobs, phases, snap.checkpoints)
    expected = lost.loc[lost["kind"] != "stopped", "lost_gpu_hours"].sum()
    assert health.losses()["lost_gpu_hours"] == pytest.approx(expected)
    recent = lost[
        (lost["kind"] != "stopped") & (lost["ended_at"] > snap.as_of - pd.Timedelta("7D"))
    ]
    assert health.losses(snap.as_of - pd.Timedelta("7D"))["lost_gpu_hours"] == pytest.approx(
        recent["lost_gpu_hours"].sum()
    )


def test_the_month_and_smaller_gpus_are_told_in_the_costs():
    snap = snapshot("sample")
    pace = tv.spend_pace(snap.billing, as_of=snap.as_of).iloc[0]
    prose = section(page("sample"), "costs")
    assert f"March 2026 has cost {pace['month_to_date_usd']:,.0f} USD so far, by the bill: {pace['usd_per_day_7d']:,.0f} USD a day over the last 7 whole days" in prose  # fmt: skip
    month = section(page_of(known), "costs")
    assert "an extrapolation, no forecast" in month
    assert "by the estimate" in month


def test_bars_of_the_timeline_show_phases():
    [_, *rest] = page_of(known).split('id="timeline-all"')
    assert ">queue<" in rest[0]
    assert ">queue<" not in page_of(two_weeks).split('id="timeline-all"')[1]
