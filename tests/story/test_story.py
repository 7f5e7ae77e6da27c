"""The story of one job: which job is meant, and that each number is that of its helper."""

import dataclasses
import json
import math
import warnings
from functools import cache

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trainview as tv
from tests.analysis.evidence import cached
from tests.analysis.fleet import metrics, prices, sample, used
from tests.analysis.tables import at, job, table
from tests.properties import examples, tries_all
from tests.reporting.snapshots import DATA, FLEETS, SNAPSHOTS
from tests.reporting.snapshots import snapshot as of_report
from tests.story.by_hand import (
    BARE,
    FLEET,
    GIB,
    JOBS,
    OOM,
    WHOLE,
    event,
    rows,
    saved,
    snapshot,
    waited,
)
from trainview.analysis.chains import run_chains
from trainview.snapshot import attention_of
from trainview.snapshot.story import related
from trainview.snapshot.story.around import alike, row_of
from trainview.snapshot.story.plain import plain_rows


@cache
def of_whole(job_id):
    return tv.job(WHOLE, job_id)


def told(job_id, snap=WHOLE):
    return (of_whole(job_id) if snap is WHOLE else tv.job(snap, job_id)).to_dict()


def test_everything_that_is_known_about_a_job_is_told():
    story = told("ja")
    hours = {part["phase"]: part["hours"] for part in story["segments"]}
    assert hours == {"waiting": 1.0, "deploying": 1.0, "running": 4.0, "lost": 4.0}
    starts = [part["start_at"][11:16] for part in story["segments"]]
    assert starts == ["00:00", "01:00", "02:00", "06:00"]
    assert story["phases"]["basis"] == "event"
    assert (story["job"]["hours_basis"], story["job"]["gpu_hours"]) == ("released", 18.0)
    assert (story["lost"]["lost_hours"], story["lost"]["lost_gpu_hours"]) == (4.0, 8.0)
    first, second = story["gpus"]
    assert (first["node_id"], first["gpu"], second["gpu"]) == ("n0", 0, 1)
    assert first["mean_utilization"] == pytest.approx(0.7)
    assert first["max_memory_bytes"] == 64 * GIB
    assert first["memory_bytes"] == 80 * GIB
    assert first["max_memory_share"] == pytest.approx(0.8)
    # 0 % is not "no data"
    assert (second["mean_utilization"], second["max_memory_bytes"]) == (0.0, None)
    assert (second["idle_gpu_hours"], second["idle_usd"]) == (3.0, 45.0)
    assert story["usage"]["measured_share"] == pytest.approx(6 / 18)
    assert [one["checkpoint_id"] for one in story["checkpoints"]] == ["step-100", "step-200"]
    # nine hours from its release on, 480 minutes billed
    assert (story["cost"]["estimated_usd"], story["cost"]["billed_usd"]) == (270.0, 230.0)
    assert story["cost"]["usd_per_hour"] == 30.0
    assert (story["queue"]["waited_hours"], story["queue"]["position_at_submit"]) == (1.0, 3)
    assert story["queue"]["position"] is None
    assert [one["job_name"] for one in story["ahead"]] == ["long", None]
    assert [(row["job_id"], row["attempt"]) for row in story["chain"]] == [("ja", 1), ("jb", 2)]
    assert story["chain"][0]["outcome"] == "completed"
    assert (story["cache"]["size_bytes"], story["cache"]["utilization"]) == (3 * GIB, 0.25)
    assert story["error"]["category"] == "GPU out of memory"
    assert story["events"][-1]["exit_code"] == 137
    assert [line["message"] for line in story["logs"]] == [f"step {n}" for n in range(12)]
    assert story["advice"] == [
        story["error"]["advice"],
        "lost 4.0 h (8.0 GPU-hours) of work: checkpoint more often",
        "continued by jb (completed)",
        "1 of 2 GPUs idle for nearly all of the time: use them, or ask for fewer",
    ]
    assert story["missing"] == {}


def test_where_nothing_was_fetched_nothing_is_made_up():
    story = told("ja", BARE)
    assert story["missing"]["metrics"] == (
        "no samples were fetched: trainview fetch -o fleet/ --with metrics"
    )
    lacking = {"metrics", "checkpoints", "logs", "queue", "prices", "billing", "caches"}
    assert {*story["missing"]} == lacking
    [part] = story["segments"]
    assert (part["phase"], part["hours"]) == ("not known", 10.0)
    assert (story["gpus"], story["checkpoints"], story["queue"]) == ([], None, None)
    assert story["lost"]["lost_hours"] is None
    assert story["cost"] == {"job_id": "ja"}
    text = tv.job(BARE, "ja").to_text()
    assert "when it began to run is not known" in text
    assert "0.0%" not in text


def test_a_waiting_job_is_told_its_place_and_who_holds_its_gpus():
    story = told("wait")
    assert [part["phase"] for part in story["segments"]] == ["waiting"]
    assert (story["queue"]["position_at_submit"], story["queue"]["position"]) == (2, 1)
    [holder] = story["holders"]
    assert (holder["job_id"], holder["gpus"]) == ("busy", 16)
    assert "waiting long" in {row["reason"] for row in story["attention"]}
    text = tv.job(WHOLE, "wait").to_text()
    assert "Spot capacity would start it sooner." in text
    assert "16 H100 are held by 1 job" in text
    assert "position now: 1" in text


def test_a_place_in_the_queue_is_not_guessed():
    ahead = waited(
        "wait", 9, released_at=None, is_waiting=True, ahead_jobs=2, ahead_job_ids="busy x"
    )
    story = told("wait", snapshot(queue=rows("queue", ahead)))
    assert (story["queue"]["position"], story["queue"]["position_at_submit"]) == (None, 3)


def test_what_holds_a_waiting_jobs_gpus_for_nothing_is_named():
    idle = metrics(
        *(sample(300 + 60 * n, 0.0, job_id="busy", step_seconds=3600.0) for n in range(15))
    )
    story = told("wait", snapshot("prices", metrics=idle))
    [holder] = story["holders"]
    assert "idle for" in holder["detail"]
    assert "long of moe holds 16 H100 and is idle" in story["advice"][0]


def test_an_idle_running_job_should_be_stopped_and_says_what_is_at_stake():
    idle = metrics(
        *(sample(300 + 60 * n, 0.0, job_id="busy", step_seconds=3600.0) for n in range(15))
    )
    none = rows("checkpoints", saved(4, "other", job_id="jb"))
    events = rows("status_events", event(5, "running", job_id="busy"))
    story = told("busy", snapshot(metrics=idle, checkpoints=none, status_events=events))
    assert story["advice"] == [
        "1 of 16 H100 idle for 15 h: stop it if it hangs",
        "a failure now would lose 15.0 h (240.0 GPU-hours) of work: it has no checkpoint",
    ]


def test_a_preempted_job_resumes_from_its_last_checkpoint():
    jobs = (JOBS[0] | {"status": "preempted", "phase": "stopped"},)
    story = told("ja", snapshot("checkpoints", "status_events", jobs=jobs))
    assert story["advice"][-1] == "resumes from step-200 of 2025-01-01 06:00 UTC"
    syncing = rows("checkpoints", saved(9.5, "step-300", sync_status="SYNCING"))
    story = told("ja", snapshot("status_events", checkpoints=syncing, jobs=jobs))
    assert story["advice"] == [
        "resumes from step-300 of 2025-01-01 09:30 UTC",
        "1 checkpoint still syncing: do not delete the job yet",
    ]


def test_what_saved_nothing_lost_everything_and_what_was_stopped_lost_nothing():
    other = rows("checkpoints", saved(4, "other", job_id="jb"))
    story = told("ja", snapshot("status_events", checkpoints=other))
    assert "lost all of its work, 8.0 h (16.0 GPU-hours): save checkpoints" in story["advice"]
    jobs = (JOBS[0] | {"status": "stopped", "phase": "stopped"},)
    story = told("ja", snapshot("status_events", "checkpoints", jobs=jobs))
    assert [part["phase"] for part in story["segments"]][-1] == "running"
    assert story["lost"]["lost_hours"] == 4.0
    assert (
        story["advice"][0] == "stopped with 4.0 h (8.0 GPU-hours) of work that no checkpoint holds"
    )


def test_what_could_not_be_fetched_is_not_taken_for_nothing():
    gap = {
        "table": "checkpoints",
        "job_id": "ja",
        "project_id": "p1",
        "error": "ApiError",
        "detail": "500",
    }
    gaps = pd.DataFrame([gap], dtype="str")
    snap = dataclasses.replace(snapshot("checkpoints", "status_events"), not_fetched=gaps)
    story = told("ja", snap)
    assert story["missing"]["checkpoints"] == "checkpoints could not be fetched: 500"
    assert (story["checkpoints"], story["lost"]["lost_hours"]) == (None, None)
    assert {row["lost_hours"] for row in story["chain"]} == {None}


def test_the_cache_of_another_project_that_could_not_be_fetched_is_not_missed_here():
    gap = {"table": "caches", "job_id": None, "project_id": "p2", "error": None, "detail": "500"}
    gaps = pd.DataFrame([gap], dtype="str")
    snap = dataclasses.replace(snapshot("caches"), not_fetched=gaps)
    assert "caches" not in told("ja", snap)["missing"]
    bare = dataclasses.replace(snap, caches=snap.caches[snap.caches["project_id"] == "p2"])
    assert told("ja", bare)["missing"]["caches"].startswith("its project has no cache")
    assert "- caches:" not in tv.job(bare, "ja").to_text()
    assert told("busy", snap)["missing"]["caches"].endswith("could not be fetched: 500")


@pytest.mark.parametrize("files", [
    [("hub", 5, "directory", 1), ("hub/a", 9, "file", 2), ("c", 7, "file", 3), ("b", 4, None, None)],
    [(None, 0, None, None)],
])  # fmt: skip
@pytest.mark.parametrize("names", [[], ["metrics"]])
def test_the_cache_is_summed_up_as_the_helper_does(files, names):
    caches = cached(*(("p1", *file) for file in files), ("p2", "x", 1, "file", 0))
    snap = snapshot(*names, caches=caches)
    measured = {"metrics": snap.metrics, "jobs": snap.jobs} if names else {}
    expected = tv.cache_usage(caches[caches["project_id"] == "p1"], by="project_id", **measured)
    assert [tv.job(snap, "ja").cache] == plain_rows(expected)


LINES = ["Traceback (most recent call last):", "ModuleNotFoundError: No module named 'flash_attn'", "bye"]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "lines", "category", "told_by"),
    [
        (None, LINES, "missing module", "log"),
        (" ", LINES, "missing module", "log"),
        (OOM, LINES, "GPU out of memory", "message"),
        (None, ["step 1", "bye"], "other", "message"),
        (None, [], "other", "message"),
    ],
)
def test_a_job_without_a_message_has_the_cause_that_its_log_tells(
    message, lines, category, told_by
):
    logs = [
        {"job_id": "ja", "timestamp": at(9 + n / 100), "message": line, "level": None}
        for n, line in enumerate(lines)
    ]
    jobs = (JOBS[0] | {"error_message": message}, *JOBS[1:])
    snap = snapshot(jobs=jobs, logs=rows("logs", *logs))
    error = told("ja", snap)["error"]
    assert (error["category"], error["told_by"]) == (category, told_by)
    tells = "no message; its log tells: No module named 'flash_attn'"
    assert (tells in tv.job(snap, "ja").to_text(120)) == (told_by == "log")


def test_a_job_that_would_do_with_less_is_told_so():
    little = metrics(
        *(
            each
            for gpu in (0, 1)
            for each in (
                sample(0, 0.1, job_id="jb", gpu=gpu, step_seconds=8 * 3600.0),
                used(0, 8, job_id="jb", gpu=gpu, step_seconds=8 * 3600.0),
            )
        )
    ).assign(timestamp=at(12))
    one = JOBS[1] | {"gpu_memory_limit_mib": 2 * 81920}
    listed = prices(**{"H100:8": 0.5, "H100:1": 0.25}).assign(
        gpu_type="H100", gpu_count=[2, 1], gpu_memory_limit_mib=81920
    )
    snap = snapshot(jobs=(one,), metrics=little, prices=listed)
    story = told("jb", snap)
    expected = tv.right_size(snap.refine().jobs, little, listed).iloc[0]
    assert story["right_size"]["advised_instance_type_id"] == "H100:1"
    assert story["right_size"]["saving_usd"] == expected["saving_usd"] == 120.0
    [advice] = story["advice"]
    assert advice == f"H100:1 would do: {expected['reason']}; saves 120.00 USD"
    assert told("ja")["right_size"] is None


def test_evidence_that_contradicts_is_told_for_this_job_alone():
    wrong = rows("queue", waited("jb", 900), waited("ja", 1))
    assert told("ja", snapshot(queue=wrong))["notes"] == []
    assert told("jb", snapshot(queue=wrong))["notes"] == [
        "left out what contradicts their times or status (queue)"
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [("ja", "ja"), (" ja ", "ja"), ("b", "busy"), ("long", "busy"), ("sft-2", "jb"), ("w", "wait")],
)
def test_a_job_is_found_by_its_id_its_beginning_and_its_name(asked, found):
    assert told(asked)["job"]["job_id"] == found


ATTEMPTS = (
    job(0, 5, job_id="abc@2025-01-01T00:00:00Z", status="preempted", job_name="x"),
    job(6, 9, job_id="abc@2025-01-01T06:00:00Z", status="preempted", job_name="x"),
    job(10, 20, job_id="abc", status="running", job_name="x"),
    job(0, 20, job_id="abd", job_name="y"),
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("abc", "abc"),
        ("abc@2025-01-01T06:00:00Z", "abc@2025-01-01T06:00:00Z"),
        ("abc@2025-01-01T06", "abc@2025-01-01T06:00:00Z"),
        ("x", "abc"),
        # of attempts the last counts, where the job itself is not listed any more
        ("abc@", "abc@2025-01-01T06:00:00Z"),
    ],
)
def test_an_attempt_is_a_job_of_its_own_and_the_last_is_meant(asked, found):
    snap = snapshot(jobs=ATTEMPTS)
    story = told(asked, snap)
    assert story["job"]["job_id"] == found
    assert [row["job_id"] for row in story["chain"]][-1] == "abc"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("jc", "no job 'jc' among 4 jobs"),
        ("buzy", "no job 'buzy' among 4 jobs; did you mean 'busy'?"),
        ("SFT-1", "no job 'SFT-1' among 4 jobs; did you mean 'sft-1'"),
        (
            "j",
            "2 job ids begin with 'j', give the id of one: jb (llm, completed), ja (llm, failed)",
        ),
        ("", "no job '': give its id or its name"),
        (7, "no job 7: give its id or its name"),
        ("x\x1b[31m", r"no job 'x\\x1b[31m' among 4 jobs"),
    ],
)
def test_a_job_that_is_not_there_is_named(asked, message):
    with pytest.raises(tv.ArgumentError) as error:
        tv.job(WHOLE, asked)
    assert str(error.value).startswith(message)


def test_a_name_of_several_jobs_lists_them_and_an_empty_snapshot_says_so():
    twice = snapshot(jobs=tuple(job(n, n + 1, job_id=f"k{n}", job_name="same") for n in range(7)))
    with pytest.raises(tv.ArgumentError, match=r"7 jobs are named 'same'.*: k6 .* and 2 more"):
        tv.job(twice, "same")
    with pytest.raises(tv.ArgumentError, match=r"no job 'x': there are no jobs"):
        tv.job(tv.load(b'{"training_projects": []}'), "x")


@pytest.mark.parametrize("name", [name for name in (*SNAPSHOTS, *FLEETS) if name != "sample"])
def test_every_job_of_every_snapshot_has_a_story(name):
    snap = of_report(name)
    for job_id in snap.jobs["job_id"].head(12 if tries_all() else 3):
        story = tv.job(snap, job_id)
        assert story._repr_html_().startswith("<div")
        assert repr(story).startswith("Job ")
        json.dumps(story.to_dict(), allow_nan=False)


@pytest.fixture(scope="module")
def data():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tv.load(DATA)


@pytest.fixture(scope="module")
def wholes(data):
    """What the helpers say of all jobs at once."""
    refined = data.refine()
    phases = data.job_phases()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "job": refined.jobs,
            "phases": phases,
            "lost": tv.lost_work(data.jobs, phases, data.checkpoints),
            "chain": run_chains(refined.jobs, phases=phases, checkpoints=data.checkpoints),
            "gpus": tv.utilization(data.metrics, refined.jobs),
            "idle": tv.idle_gpus(data.metrics, refined.jobs, data.prices),
            "cost": tv.reconcile_cost(
                refined.jobs, data.prices, data.billing, by=["job_id", "reason"]
            ),
            "attention": attention_of(data),
        }


def agree(row, table, keys):
    """Compare a row of a story with that of a helper for all jobs."""
    found = table
    for key in keys:
        value = row[key]
        found = found[found[key].isna() if value is None else found[key] == value]
    [wanted] = found.to_dict("records")
    for name, value in wanted.items():
        if name not in row:
            continue
        if pd.isna(value):
            assert row[name] is None, name
        elif isinstance(value, float):
            assert math.isclose(row[name], value, rel_tol=1e-9, abs_tol=1e-9), name
        else:
            assert row[name] == value, name


@settings(max_examples=examples(100))
@given(number=st.integers(0, 599))
def test_each_number_is_that_of_the_helper_for_all_jobs(data, wholes, number):
    story = tv.job(data, data.jobs["job_id"].iloc[number])
    agree(story.job, wholes["job"], ["job_id"])
    agree(story.phases, wholes["phases"], ["job_id"])
    agree(story.cost, wholes["cost"], ["job_id"])
    if story.lost is not None:
        agree(story.lost, wholes["lost"], ["job_id"])
    for row in story.gpus:
        for name in ("gpus", "idle"):
            agree({"job_id": story.job["job_id"]} | row, wholes[name], ["job_id", "node_id", "gpu"])
    chain = wholes["chain"][wholes["chain"]["job_id"] == story.job["job_id"]].iloc[0]
    assert chain["attempts"] == max(len(story.chain), 1)
    for row in story.chain:
        agree(row, wholes["chain"], ["job_id"])
    attention = wholes["attention"][wholes["attention"]["job_id"] == story.job["job_id"]]
    assert [row["reason"] for row in story.attention] == list(attention["reason"])
    for row in story.attention:
        agree(row, attention, ["reason"])


times = st.integers(0, 60).map(float)
attempts = st.lists(
    st.tuples(times, times, st.sampled_from(["failed", "completed", "preempted", "running"]),
              st.sampled_from(["a-1", "a-2", "b", None]), st.sampled_from([None, 0.5, 3.0])),
    min_size=1, max_size=8,
)  # fmt: skip


@given(found=attempts)
def test_jobs_that_can_continue_a_job_are_all_that_matter_to_its_chain(found):
    jobs = table(
        *(job(start, start + long, job_id=f"x{n}", job_name=name, status=status)
          for n, (start, long, status, name, _) in enumerate(found))
    )  # fmt: skip
    events = rows(
        "status_events",
        *(event(0, status, job_id=f"x{n}", created_at=at(start + long - early))
          for n, (start, long, status, _, early) in enumerate(found) if early),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        phases = tv.job_phases(jobs, status_events=events)
    whole = run_chains(jobs, phases=phases).set_index("job_id")
    for job_id in jobs["job_id"]:
        near = alike(jobs, row_of(jobs, job_id))
        part = run_chains(near, phases=phases).set_index("job_id")
        mine = part.index[part["chain_id"] == part.loc[job_id, "chain_id"]]
        pd.testing.assert_frame_equal(part.loc[mine].sort_index(), whole.loc[mine].sort_index())
        assert set(near["job_id"]) <= set(related(jobs, job_id))
        assert set(mine) == set(whole.index[whole["chain_id"] == whole.loc[job_id, "chain_id"]])


def test_attempts_with_other_jobs_between_them_are_no_failures_in_a_row():
    jobs = [
        job(2 * n, 2 * n + 1, job_id=f"f{n}", job_name="same", status="failed") for n in range(4)
    ]
    between = [job(n, n + 0.5, job_id=f"c{n}", job_name="other") for n in (3.1, 7.1)]
    assert told("f3", snapshot(jobs=tuple(jobs)))["attention"][0]["reason"] == "failing repeatedly"
    assert told("f3", snapshot(jobs=(*jobs, *between)))["attention"] == []


def test_a_bill_keeps_the_days_it_covers():
    late = FLEET["billing"].assign(job_id="other", date=at(24 * 30))
    story = told(
        "jb", snapshot("prices", billing=pd.concat([FLEET["billing"], late], ignore_index=True))
    )
    assert story["cost"]["reason"] == "not billed"
    story = told("jb", snapshot("prices", billing=late))
    assert story["cost"]["reason"] == "before the first billed day"


def test_without_prices_there_is_still_a_bill_and_without_a_bill_an_estimate():
    assert told("ja", snapshot("billing"))["cost"]["billed_usd"] == 230.0
    # no evidence: ten hours from submission on
    assert told("ja", snapshot("prices"))["cost"]["estimated_usd"] == 300.0


def test_failures_tell_their_kind_and_others_have_none():
    assert told("ja")["error"]["example"] == OOM
    assert told("jb")["error"] is None
