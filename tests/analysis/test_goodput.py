"""Work that was lost, goodput, and jobs that continue one another."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.evidence import checkpoints, phases
from tests.analysis.fleet import metrics, sample
from tests.analysis.tables import (
    BY_LABEL,
    KINDS,
    MIDNIGHT,
    assert_same,
    at,
    collected,
    convert,
    is_kind,
    job,
    table,
)
from tests.properties import examples
from trainview import analysis
from trainview.errors import ArgumentError

HOUR = pd.Timedelta(hours=1)


def fleet(**statuses: str) -> pd.DataFrame:
    return table(*(job(0, 10, job_id=name, status=label) for name, label in statuses.items()))


def test_what_was_done_since_the_last_checkpoint_is_lost():
    jobs = fleet(a="failed", b="preempted", c="stopped", d="completed", e="deploy-failed")
    known = phases(*((name, 1, 2, 10) for name in "abcde"))
    saved = checkpoints(("a", 5), ("a", 7), ("a", 11), ("b", 1), ("d", 9))
    found = analysis.lost_work(jobs, known, saved)
    assert found[["job_id", "kind", "lost_hours", "lost_gpu_hours"]].to_numpy().tolist() == [
        # It saved before it started: what is lost is no more than the run.
        ["b", "preempted", 8, 64],
        ["c", "stopped", 8, 64],
        ["a", "failed", 3, 24],
    ]
    assert found["last_checkpoint_at"].to_list()[::2] == [at(1), at(7)]
    assert pd.isna(found["last_checkpoint_at"][1])


def test_what_is_not_known_is_not_lost():
    jobs = fleet(a="failed", b="failed", c="failed")
    known = phases(("a", 1, None, 10), ("b", 1, None, 10))
    found = analysis.lost_work(jobs, known, checkpoints(("a", 4), ("c", 4)))
    assert found[["job_id", "lost_hours"]].fillna(-1).to_numpy().tolist() == [
        ["a", 6],
        ["b", -1],
        ["c", -1],
    ]
    assert analysis.lost_work(jobs, known, None)["lost_hours"].isna().all()


def test_goodput_is_what_is_left_of_running_and_deploying():
    jobs = fleet(a="failed", b="completed", c="stopped", d="running", e="deploy-failed")
    known = phases(("a", 1, 2, 10), ("b", 0, 2, 10), ("c", 1, 2, 10), ("d", 1, None, 10))
    failed = phases(("e", 0, 5, 5))
    known = pd.concat([known, failed], ignore_index=True)
    found = analysis.goodput(jobs, known, checkpoints(("a", 7)))
    # What d did from its release on is not known, and counts as good.
    running, lost, deploying, unknown = 8 * 24, 8 * 3, 8 * (1 + 2 + 1 + 5), 8 * 9
    assert found.iloc[0].to_dict() == {
        "project_name": "llm",
        "jobs": 5,
        "unknown_jobs": 1,
        "running_gpu_hours": running,
        "lost_gpu_hours": lost,
        "deploying_gpu_hours": deploying,
        "idle_gpu_hours": pytest.approx(float("nan"), nan_ok=True),
        "unknown_gpu_hours": unknown,
        "goodput": pytest.approx(1 - (lost + deploying) / (running + deploying + unknown)),
    }
    without = analysis.goodput(jobs, known, None, by=None)
    assert pd.isna(without["lost_gpu_hours"][0])
    whole = running + deploying + unknown
    assert without["goodput"][0] == pytest.approx(1 - deploying / whole)


@pytest.mark.parametrize(
    ("status", "saved", "basis", "off", "wasted"),
    [
        # Released at 1, started at 3, ended at 11: 10 hours were held.
        ("completed", [], "event", 0.0, 2.0),
        ("completed", [], "sample", 0.5, 1.5),
        ("completed", [], "sample", 9.0, 0.0),
        ("completed", [], "sample", None, 0.0),
        ("failed", [7], "sample", 0.5, 1.5 + 4),
        # It lost all from its release on, whenever it started.
        ("failed", [], "sample", 0.5, 2.0 + 8),
        # A bill counts back from the record, which changes some time after the job ended.
        ("completed", [], "bill", 1 / 60, 0.0),
        ("failed", [], "bill", 1 / 60, 8.0),
        ("failed", [7], "bill", 1 / 60, 4.0),
        ("deploy-failed", [], "none", None, 10.0),
    ],
)
def test_a_start_that_may_be_off_makes_the_bound_wider(status, saved, basis, off, wasted):
    jobs, known = fleet(a=status), phases(("a", 1, 3, 11))
    if status == "deploy-failed":
        known = phases(("a", 1, None, 11)).assign(
            deploying_hours=10.0, running_hours=0.0, running_gpu_hours=0.0
        )
    known = known.assign(basis=basis, uncertainty_hours=off).astype(
        {"uncertainty_hours": "float64"}
    )
    found = analysis.goodput(jobs, known, checkpoints(*(("a", hour) for hour in saved)))
    assert found["goodput"][0] == pytest.approx(1 - wasted / 10)
    assert found["deploying_gpu_hours"][0] == 8 * (10 if status == "deploy-failed" else 2)


def test_idle_time_is_subtracted_but_never_twice():
    jobs = fleet(a="failed").assign(gpus=1)
    known = phases(("a", 1, 2, 10), gpus=1)
    # Idle from 1 to 4 and from 6 to 9, of which it ran from 2; what it did from 8 on is lost.
    hours = [1, 2, 3, 6, 7, 8]
    idle = metrics(*(sample(60 * hour, 0.0, job_id="a", step_seconds=3600.0) for hour in hours))
    found = analysis.goodput(jobs, known, checkpoints(("a", 8)), metrics=idle)
    assert found["lost_gpu_hours"][0] == 2
    assert found["idle_gpu_hours"][0] == 4
    assert found["goodput"][0] == pytest.approx(1 - (2 + 1 + 4) / (8 + 1))
    # As much as it ran, at most, also where more GPUs were measured than it has.
    more = pd.concat([idle, idle.assign(gpu=1), idle.assign(gpu=2)], ignore_index=True)
    assert analysis.goodput(jobs, known, None, metrics=more)["idle_gpu_hours"][0] == 8


def test_a_group_of_which_nothing_is_known_has_no_goodput():
    found = analysis.goodput(fleet(a="running"), phases(), checkpoints(), by=["gpu_type"])
    assert found["unknown_jobs"].to_list() == [1]
    assert found["unknown_gpu_hours"].to_list() == [0]
    rest = found.drop(columns=["gpu_type", "jobs", "unknown_jobs", "unknown_gpu_hours"])
    assert rest.isna().all(axis=None)


def test_rows_of_one_job_do_not_multiply():
    jobs, known = fleet(a="failed"), phases(("a", 1, 2, 10))
    twice = pd.concat([known, known], ignore_index=True)
    saved = checkpoints(("a", 7), ("a", 7))
    for helper in (analysis.lost_work, analysis.goodput):
        assert_same(helper(jobs, twice, saved), helper(jobs, known, saved))
    assert_same(analysis.time_to_failure(jobs, twice), analysis.time_to_failure(jobs, known))
    assert_same(analysis.refine_jobs(jobs, twice), analysis.refine_jobs(jobs, known))


def test_gpu_hours_count_from_when_gpus_began_to_be_held():
    jobs = fleet(a="failed", b="failed", c="failed", d="pending", e="failed", f="failed")
    known = phases(
        ("a", 2, 4, 10), ("b", None, 4, 10), ("d", 3, None, 10), ("e", -1, 11, 10), ("f", 11, 6, 10)
    )
    found = analysis.refine_jobs(jobs, known)
    assert list(found) == [*jobs, "held_at", "hours_basis"]
    assert found["gpu_hours"].to_list() == [64, 48, 80, 0, 80, 32]
    basis = ["released", "started", "submitted", "released", "submitted", "started"]
    assert found["hours_basis"].to_list() == basis
    assert [(time - MIDNIGHT) / HOUR for time in found["held_at"]] == [2, 4, 0, 3, 0, 6]
    pd.testing.assert_frame_equal(
        found[list(jobs)].drop(columns="gpu_hours"), jobs.drop(columns="gpu_hours")
    )
    # Again, with less: as if it was the first time.
    assert_same(analysis.refine_jobs(found, known[1:]), analysis.refine_jobs(jobs, known[1:]))


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_are_refined_alike(kind):
    jobs = fleet(c="failed", a="failed", b="running")
    jobs["gpu_hours"] = jobs["gpu_hours"].where(jobs["job_id"] != "b")
    known = phases(("a", 2, 4, 10), ("b", 3, 4, 10))
    for rows in (jobs, jobs.head(0)):
        expected = analysis.refine_jobs(rows, known)
        result = analysis.refine_jobs(convert(rows, kind), convert(known, kind))
        assert is_kind(result, kind)
        found = collected(result)
        if kind not in {"pandas", "polars"}:
            found = found.sort_values("job_id", ignore_index=True)
            expected = expected.sort_values("job_id", ignore_index=True)
        names = ["job_id", "gpu_hours", "held_at", "hours_basis"]
        assert_same(found[names], expected[names])


def run(start: float, end: float, name: str | None = "sft-1", **changes: Any) -> dict[str, Any]:
    return job(start, end, job_name=name, status=changes.pop("status", "failed"), **changes)


def chains(*rows: dict[str, Any], **given: Any) -> pd.DataFrame:
    found = analysis.run_chains(table(*rows), **given)
    return found.set_index("job_id").loc[[f"j{number}" for number in range(len(rows))]]


def test_attempts_at_the_same_are_a_chain():
    jobs = [
        run(0, 5),
        run(6, 9, "sft-2", status="preempted", number=1),
        run(10, 20, "sft-3", status="completed", number=2),
        run(21, 22, "sft-4", number=3),
    ]
    known = phases(("j0", 0, 1, 5), ("j1", 6, 7, 9), ("j2", 10, 11, 20), ("j3", 21, 21, 22))
    found = chains(*jobs, phases=known, checkpoints=checkpoints(("j0", 4), ("j3", 22)))
    assert found["chain_id"].to_list() == ["j0", "j0", "j0", "j3"]
    assert found["attempt"].to_list() == [1, 2, 3, 1]
    assert found["attempts"].to_list() == [3, 3, 3, 1]
    assert found["outcome"].to_list() == ["completed"] * 3 + ["failed"]
    assert found["wall_hours"].to_list() == [20] * 3 + [1]
    assert found["running_hours"].to_list() == [4 + 2 + 9] * 3 + [1]
    assert found["lost_hours"].to_list() == [1 + 2] * 3 + [0]
    assert found["ettr"].to_list() == pytest.approx([12 / 20] * 3 + [1])


@pytest.mark.parametrize(
    ("changes", "is_one"),
    [
        ({}, True),
        ({"job_name": "sft"}, True),
        ({"job_name": "sft-retry-2"}, True),
        ({"job_name": "SFT-2"}, False),
        ({"job_name": "sft_v2"}, True),
        ({"job_name": "sft (3)"}, True),
        ({"job_name": "sft-resume"}, True),
        ({"job_name": "sft-run-2"}, False),
        ({"job_name": "sft2"}, False),
        ({"job_name": "dpo-2"}, False),
        ({"job_name": None}, False),
        ({"project_id": "p2"}, False),
        ({"gpu_type": None}, False),
        ({"gpus": 16}, False),
        ({"user_email": None}, False),
    ],
)
def test_what_differs_is_no_chain(changes, is_one):
    first, second = run(0, 5), run(6, 9, number=1) | changes
    found = chains(first, second)
    assert (set(found["attempts"]) == {2}) == is_one


def test_who_continues_comes_after_and_soon():
    # Side by side, right after, a day and more later.
    for start, is_one in [(4.9, False), (5, True), (29, True), (29.1, False)]:
        found = chains(run(0, 5), run(start, start + 9, number=1))
        assert (set(found["attempts"]) == {2}) == is_one, start
    assert chains(run(0, 5), run(9, 10, number=1), within_hours=3)["attempts"].to_list() == [1, 1]
    # Where the end is known better than by the record, that counts.
    known = phases(("j0", 0, 1, 4))
    assert chains(run(0, 5), run(4.5, 9, number=1), phases=known)["attempts"].to_list() == [2, 2]


def test_words_of_a_name_itself_are_no_counter():
    for names in [("full-run", "full-run-2"), ("resume-1", "resume-2"), ("lr3e4", "lr3e4_2")]:
        found = chains(run(0, 5, names[0]), run(6, 9, names[1], number=1))
        assert found["attempts"].to_list() == [2, 2], names


def test_nameless_jobs_of_nobody_may_be_alike_and_are_no_chain():
    assert chains(run(0, 5, None), run(6, 9, None, number=1))["attempts"].to_list() == [1, 1]


def test_arguments_of_chains_are_checked():
    for hours in (0, -1, "1d"):
        with pytest.raises(ArgumentError, match="within_hours="):
            analysis.run_chains(table(), within_hours=hours)
    with pytest.raises(ArgumentError, match="needs phases="):
        analysis.run_chains(table(), checkpoints=checkpoints())


@st.composite
def runs(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    hours, rows, known, saved = st.integers(0, 60), [], [], []
    for number in range(draw(st.integers(0, 8))):
        start = draw(hours)
        end = start + draw(st.integers(0, 12))
        name = draw(st.sampled_from(["sft-1", "sft-2", "dpo", None]))
        status = draw(st.sampled_from(list(BY_LABEL)))
        rows.append(run(start, end, name, status=status, number=number, job_id=f"k{number}"))
        begin = draw(st.none() | st.integers(start, end))
        if draw(st.booleans()):
            known.append((f"k{number}", None, begin, end))
        saved += [(f"k{number}", hour) for hour in draw(st.lists(hours, max_size=2))]
    return table(*rows), phases(*known), checkpoints(*saved)


@settings(max_examples=examples(30), deadline=None)
@given(runs())
def test_chains_and_losses_are_what_walking_through_the_jobs_finds(given_tables):
    jobs, known, saved = given_tables
    facts = {row.job_id: row for row in known.itertuples()}
    lost: dict[str, float | None] = {}
    for one in jobs.itertuples():
        if one.status not in {"failed", "preempted", "stopped"}:
            continue
        fact = facts.get(one.job_id)
        times = [] if fact is None else [fact.started_at]
        if fact is not None:
            of_job = saved[saved["job_id"] == one.job_id]["created_at"]
            times += [time for time in of_job if time <= fact.ended_at]
        times = [time for time in times if not pd.isna(time)]
        lost[one.job_id] = (fact.ended_at - max(times)) / HOUR if times else None
    found = analysis.lost_work(jobs, known, saved).set_index("job_id")["lost_hours"]
    assert {name: None if pd.isna(value) else value for name, value in found.items()} == lost

    last: dict[str, Any] = {}
    expected: dict[str, tuple[str, int]] = {}
    for one in jobs.sort_values(["created_at", "job_id"]).itertuples():
        name = one.job_id if pd.isna(one.job_name) else one.job_name.partition("-")[0]
        before = last.get(name)
        expected[one.job_id] = (one.job_id, 1)
        if before is not None and before.status != "completed":
            pause = (one.created_at - before.end_at) / HOUR
            if 0 <= pause <= 24:
                chain, attempt = expected[before.job_id]
                expected[one.job_id] = (chain, attempt + 1)
        last[name] = one
    found = analysis.run_chains(jobs, phases=known, checkpoints=saved).set_index("job_id")
    assert {name: (row["chain_id"], row["attempt"]) for name, row in found.iterrows()} == expected
    for chain, rows in found.groupby("chain_id"):
        members = jobs[jobs["job_id"].isin(rows.index)]
        assert (rows["attempts"] == len(members)).all()
        wall = (members["end_at"].max() - members["created_at"].min()) / HOUR
        assert rows["wall_hours"].to_list() == pytest.approx([wall] * len(rows)), chain
        hours = [getattr(facts.get(name), "running_hours", None) for name in rows.index]
        is_whole = not any(pd.isna(value) for value in hours)
        total = sum(hours) if is_whole else float("nan")
        assert rows["running_hours"].to_list() == pytest.approx([total] * len(rows), nan_ok=True)
