"""Everything that the sample organisation answers agrees with its truth."""

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import accumulate, pairwise

import pandas as pd
import pytest

from tests.sampling.fleets import STEP, as_of, gpus, listed, milliseconds, moment, records, truth_of
from trainview.sampling.accounts import minutes_by_day
from trainview.sampling.dice import DAY
from trainview.statuses import status_of

MONTHS = ["2026-01-01T00:00Z", "2026-02-01T00:00Z", "2026-03-01T00:00Z", "2026-04-01T00:00Z"]
TIMES = ["submitted_at", "released_at", "deploying_at", "started_at", "ended_at"]


def bills(fleet):
    for start, end in pairwise(MONTHS):
        yield from fleet.usage_summary(start, end)["training_usage"]["breakdown"]


# --- The truth itself ---------------------------------------------------------------------------


def test_the_truth_has_a_row_a_job_with_plain_dtypes(any_fleet):
    truth = truth_of(any_fleet)
    assert truth["job_id"].is_unique
    assert set(listed(any_fleet).index) == set(records(any_fleet))
    assert set(truth.dtypes[TIMES].astype(str)) == {"datetime64[us, UTC]"}
    assert set(truth.dtypes[["cause", "chain_id", "status"]].astype(str)) == {"str"}
    assert truth[["job_id", "project_name", "chain_id", "submitted_at"]].notna().all(axis=None)


def test_phases_follow_one_another(any_fleet):
    truth = truth_of(any_fleet)
    for earlier, later in pairwise(TIMES):
        both = truth[[earlier, later]].dropna()
        assert (both[earlier] <= both[later]).all()
    assert truth[TIMES].max().max() <= as_of(any_fleet)
    never_ran = truth[truth["started_at"].isna() & truth["ended_at"].notna()]
    assert set(never_ran["status"]) <= {"deploy-failed", "stopped"}
    assert len(never_ran) > 10


def test_dedicated_jobs_stay_within_the_limit_and_spot_jobs_may_go_beyond(fleets):
    highest = Counter()
    for fleet in fleets:
        truth = truth_of(fleet).dropna(subset=["released_at", "gpu_type"])
        limits = {
            row["gpu_type"]: row["limit"] for row in fleet.training_capacity()["gpu_capacities"]
        }
        ends = truth["ended_at"].fillna(pd.Timestamp(as_of(fleet)))
        changes = defaultdict(list)
        for row, end in zip(truth.itertuples(), ends, strict=True):
            for spot in {False, True} if not row.is_spot else {True}:
                # GPUs are given back before others take them.
                changes[row.gpu_type, spot] += [(row.released_at, 1, row.gpus), (end, 0, -row.gpus)]
        for (gpu_type, spot), steps in changes.items():
            peak = max(accumulate(change for _, _, change in sorted(steps)))
            assert spot or peak <= limits[gpu_type]
            highest[spot] = max(highest[spot], peak / limits[gpu_type])
    assert highest[False] == 1
    assert highest[True] > 1


def test_chains_are_attempts_at_one_thing(any_fleet):
    truth = truth_of(any_fleet)
    ends = truth.set_index("job_id")["ended_at"]
    chains = [chain for _, chain in truth.groupby("chain_id") if len(chain) > 1]
    assert len(chains) > 20
    outcomes = Counter()
    for chain in chains:
        assert list(chain["attempt"]) == list(range(1, len(chain) + 1))
        assert chain["job_id"].iloc[0] == chain["chain_id"].iloc[0]
        shared = chain[["project_id", "user_email", "gpu_type", "gpus", "is_spot"]].astype(str)
        assert len(shared.drop_duplicates()) == 1
        if (names := chain["job_name"]).notna().all():
            assert names.is_unique
            assert names.iloc[1:].str.fullmatch(r".*-\d+").all()
        for (_, before), (_, after) in pairwise(chain.iterrows()):
            pause = after["submitted_at"] - ends[before["job_id"]]
            assert timedelta(0) < pause < timedelta(hours=4)
            assert before["status"] in {"failed", "preempted"}
            outcomes[before["status"]] += 1
    assert outcomes["failed"] > 10
    assert outcomes["preempted"] > 0


def test_attempts_after_an_accident_have_less_to_do(fleets):
    shorter = []
    for fleet in fleets:
        truth = truth_of(fleet)
        hours = (truth["ended_at"] - truth["started_at"]).dt.total_seconds() / 3600
        for _, chain in truth.assign(hours=hours).groupby("chain_id"):
            for (_, before), (_, after) in pairwise(chain.iterrows()):
                # The network failed at a moment of its own, whatever was left to do.
                is_planned = before["cause"] != "nccl"
                if before["checkpoints"] and after["status"] == "completed" and is_planned:
                    done = (before["checkpoints"][-1] - before["started_at"]) / timedelta(hours=1)
                    shorter.append(after["hours"] + done > before["hours"])
    assert len(shorter) >= 10
    assert all(shorter)


# --- The lists ----------------------------------------------------------------------------------


def test_records_tell_the_truth(any_fleet):
    truth = listed(any_fleet)
    for job_id, record in records(any_fleet).items():
        true = truth.loc[job_id]
        assert moment(record["created_at"]) == true["submitted_at"]
        assert status_of(record["current_status"]).label == true["status"]
        assert record["training_project"]["name"] == true["project_name"]
        assert gpus(record) == true["gpus"]
        assert record.get("availability_model", "dedicated") == (
            "spot" if true["is_spot"] else "dedicated"
        )
        updated = moment(record["updated_at"])
        if true["quirk"] == "clock skew":
            assert updated < true["submitted_at"]
        elif pd.notna(true["ended_at"]):
            assert true["ended_at"] <= updated <= true["ended_at"] + timedelta(minutes=6)
        else:
            assert updated == max(true[name] for name in TIMES if pd.notna(true[name]))


def test_capacity_counts_what_is_held(any_fleet):
    truth = listed(any_fleet)
    held = truth[
        truth["released_at"].notna() & truth["ended_at"].isna() & truth["gpu_type"].notna()
    ]
    answer = any_fleet.training_capacity()
    for keys, rows in [
        (["gpu_type"], answer["gpu_capacities"]),
        (["team_name", "gpu_type"], answer["team_gpu_capacities"]),
    ]:
        used = held.groupby([*keys, "is_spot"])["gpus"].sum()
        for row in rows:
            where = [row[key] for key in keys]
            assert row["dedicated_usage_count"] == used.get((*where, False), 0)
            assert row["spot_usage_count"] == used.get((*where, True), 0)
            assert row["usage_count"] == row["dedicated_usage_count"] + row["spot_usage_count"]
            assert 0 <= row["baseline"] < row["limit"]
            assert row["dedicated_usage_count"] <= row["limit"]
    assert held["gpus"].sum() == sum(row["usage_count"] for row in answer["team_gpu_capacities"])


# --- The queue ----------------------------------------------------------------------------------


def test_the_queue_tells_the_truth(any_fleet):
    now = pd.Timestamp(as_of(any_fleet))
    later = now + timedelta(days=1)
    jobs = listed(any_fleet).reset_index()
    jobs["released"], jobs["ended"] = (
        jobs["released_at"].fillna(later),
        jobs["ended_at"].fillna(later),
    )
    rows = [*jobs.itertuples()]
    priority = {job_id: record.get("priority", 0) for job_id, record in records(any_fleet).items()}
    history = {row.job_id: changes(row) for row in rows}
    assert any(pd.isna(row.gpu_type) for row in rows)
    for row in rows:
        context = any_fleet.queue_context(row.job_id)
        if pd.isna(row.gpu_type):
            assert context is None
            continue
        submitted, until = row.submitted_at, min(row.released, now)
        assert moment(context["submitted_at"]) == submitted
        assert (context["requested_gpus"], context["gpu_type"]) == (row.gpus, row.gpu_type)
        assert moment(context["events_window_end"]) == until
        is_waiting = context["released_at"] is None
        assert is_waiting == (context["pending_seconds"] is None) == (row.released == later)
        pool = [each for each in rows if each.gpu_type == row.gpu_type and each is not row]
        active = {each.job_id: each for each in pool if each.released <= submitted < each.ended}
        told = {each["training_job_id"]: each for each in context["active_at_submit"]}
        assert told.keys() == active.keys()
        for job_id, each in told.items():
            assert each["total_gpus"] == active[job_id].gpus
            assert not status_of(each["status_at_submit"]).terminal
        ahead = {each["training_job_id"] for each in context["pending_ahead_at_submit"]}
        waiting = {each.job_id for each in pool if each.submitted_at < submitted < each.released}
        assert ahead == {i for i in waiting if priority[i] >= priority[row.job_id]}
        events = [
            (e["training_job_id"], status_of(e["status"]).label, moment(e["created"]))
            for e in context["events"]
        ]
        assert len(set(events)) == len(events)
        known = [change for i in (row.job_id, *active, *ahead) for change in history[i]]
        assert set(events) == {change for change in known if submitted <= change[2] <= until}
        created = [time for _, _, time in events]
        assert created == sorted(created)


def changes(row):
    first = "queued" if row.status == "queued" else "pending"
    labels = [first, "created", "deploying", "running", row.status]
    times = [getattr(row, name) for name in TIMES]
    return [
        (row.job_id, label, time)
        for label, time in zip(labels, times, strict=True)
        if pd.notna(time)
    ]


def test_jobs_that_waited_long_met_a_full_pool(any_fleet):
    truth = listed(any_fleet)
    waits = truth["released_at"] - truth["submitted_at"]
    assert waits.median() < timedelta(seconds=10)
    waited = truth.index[waits > timedelta(minutes=10)]
    assert len(waited) >= 5
    for job_id in waited:
        assert not truth.loc[job_id, "is_spot"]
        context = any_fleet.queue_context(job_id)
        held = sum(
            truth.loc[each["training_job_id"], "gpus"]
            for each in context["active_at_submit"]
            if not truth.loc[each["training_job_id"], "is_spot"]
        )
        ahead = sum(each["requested_gpus"] for each in context["pending_ahead_at_submit"])
        limit = context["org_capacity"]["max_gpus"]
        assert held <= limit < held + ahead + truth.loc[job_id, "gpus"]


# --- The bill -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("started", "ended", "minutes"),
    [
        ("2026-01-05T10:00:00", "2026-01-05T10:00:01", {"2026-01-05": 1}),
        ("2026-01-05T10:00:00", "2026-01-05T10:02:00", {"2026-01-05": 2}),
        ("2026-01-05T23:58:30", "2026-01-06T00:01:00", {"2026-01-05": 1, "2026-01-06": 2}),
        ("2026-01-05T23:59:30", "2026-01-06T00:00:10", {"2026-01-06": 1}),
        ("2026-01-05T23:00:00", "2026-01-06T00:00:00", {"2026-01-05": 60}),
        ("2026-01-05T23:00:00", "2026-01-07T01:00:30", {"2026-01-05": 60, "2026-01-06": 1440, "2026-01-07": 61}),
        ("2026-01-05T23:00:00", "2026-01-05T23:00:00", {}),
    ],
)  # fmt: skip
def test_minutes_are_rounded_up_and_split_by_day(started, ended, minutes):
    split = minutes_by_day(milliseconds(f"{started}Z"), milliseconds(f"{ended}Z"))
    days = {day: milliseconds(f"{day}T00:00Z") // DAY for day in minutes}
    assert split == {days[day]: count for day, count in minutes.items()}


def test_the_bill_counts_the_minutes_that_ran_of_deleted_jobs_too(any_fleet):
    minutes, deleted, teams = Counter(), set(), {}
    for row in bills(any_fleet):
        resource = row["billable_resource"]
        minutes[resource["id"]] += row["minutes"]
        teams[resource["id"]] = resource["team_name"]
        if resource["is_deleted"]:
            deleted.add(resource["id"])
    truth = truth_of(any_fleet).set_index("job_id")
    ran = truth[(truth["started_at"] >= moment(MONTHS[0])) & truth["started_at"].notna()]
    lives = ran["ended_at"].fillna(pd.Timestamp(as_of(any_fleet))) - ran["started_at"]
    expected = -(-lives // pd.Timedelta(minutes=1))
    assert {job_id: minutes[job_id] for job_id in ran.index} == expected.to_dict()
    assert minutes.keys() <= set(truth.index[truth["started_at"].notna()])
    assert deleted == set(ran.index[ran["is_deleted"]])
    assert 5 < len(deleted) <= 12
    assert teams == truth.loc[[*teams], "team_name"].to_dict()


# --- Metrics, checkpoints and logs --------------------------------------------------------------


def test_samples_lie_in_the_life_of_the_job_and_on_the_grid(fleet, metrics):
    truth, now = listed(fleet), pd.Timestamp(as_of(fleet))
    for job_id, answer in metrics.items():
        true = truth.loc[job_id]
        if pd.isna(true["started_at"]):
            assert answer["per_node_metrics"] == []
            assert answer["gpu_utilization"] == {}
            assert answer["cpu_usage"] == []
            continue
        end = now if pd.isna(true["ended_at"]) else true["ended_at"]
        grid = pd.date_range(true["started_at"].ceil(f"{STEP}s"), end, freq=f"{STEP}s")
        for node in answer["per_node_metrics"]:
            for samples in node["metrics"]["gpu_utilization"].values():
                times = {pd.Timestamp(sample["timestamp"]) for sample in samples}
                assert times <= set(grid)
                assert len(times) == len(samples) > 0.9 * len(grid) - 3


def test_what_is_idle_is_measured_as_idle(fleet, metrics):
    truth = listed(fleet)
    quirks = Counter(truth["quirk"].dropna())
    assert {"hung": 1, "idle node": 1, "idle half": 1}.items() <= quirks.items()
    assert quirks["one gpu"] >= 5
    for job_id, true in truth[truth["started_at"].notna()].iterrows():
        for number, node in enumerate(metrics[job_id]["per_node_metrics"]):
            for rank, samples in node["metrics"]["gpu_utilization"].items():
                is_last = number == len(metrics[job_id]["per_node_metrics"]) - 1
                unused = (true["quirk"] == "one gpu" and rank != "0") or (
                    true["quirk"] == "idle node" and is_last
                )
                quiet = [
                    s["value"]
                    for s in samples
                    if unused or moment(s["timestamp"]) >= true["busy_until"]
                ]
                busy = [
                    s["value"]
                    for s in samples
                    if not unused and moment(s["timestamp"]) < true["busy_until"]
                ]
                if pd.notna(true["quirk"]):
                    assert all(value < 0.01 for value in quiet)
                if len(busy) > 20:
                    assert sum(value > 0.15 for value in busy) > 0.6 * len(busy)


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        ("oom", "gpu_memory_usage_bytes"),
        ("killed", "cpu_memory_usage_bytes"),
        ("disk", "ephemeral_storage"),
    ],
)
def test_what_kills_jobs_climbs_to_the_limit(fleets, cause, name):
    checked = 0
    for fleet in fleets:
        truth = listed(fleet)
        lives = truth["ended_at"] - truth["started_at"]
        for job_id in truth.index[(truth["cause"] == cause) & (lives > timedelta(minutes=8))]:
            answer = fleet.job_metrics(job_id, step_seconds=15)[name]
            samples = {
                "gpu_memory_usage_bytes": lambda a: a["0"],
                "ephemeral_storage": lambda a: a["utilization"],
            }.get(name, list)(answer)
            levels = [s["value"] for s in sorted(samples, key=lambda s: s["timestamp"])]
            assert levels[-1] > levels[len(levels) // 2] > levels[0]
            if name == "cpu_memory_usage_bytes":
                assert levels[-1] > 0.9 * (
                    records(fleet)[job_id]["instance_type"]["memory_limit_mib"] << 20
                )
            checked += 1
    assert checked >= 3


def test_checkpoints_are_the_true_ones(any_fleet):
    truth, states = listed(any_fleet), Counter()
    for job_id, true in truth.iterrows():
        saved = any_fleet.checkpoints(job_id)["checkpoints"]
        assert [moment(each["created_at"]) for each in saved] == true["checkpoints"]
        assert len({each["checkpoint_id"] for each in saved}) == len(saved)
        if saved:
            end = true["ended_at"] if pd.notna(true["ended_at"]) else as_of(any_fleet)
            order = [true["started_at"], *true["checkpoints"], end]
            assert order == sorted(order)
            assert len(set(true["checkpoints"])) == len(saved)
        states.update(each["sync_status"] for each in saved)
        syncing = records(any_fleet)[job_id].get("checkpoint_sync_status") == "SYNCING"
        assert not syncing or saved[-1]["sync_status"] == "SYNCING"
    assert states["COMPLETE"] > 300
    assert states["SYNCING"] >= 3


def test_logs_end_with_why_the_job_failed(any_fleet):
    truth, levels = listed(any_fleet), Counter()
    for job_id, record in records(any_fleet).items():
        true = truth.loc[job_id]
        end = milliseconds(true["ended_at"] if pd.notna(true["ended_at"]) else as_of(any_fleet)) + 1
        lines = any_fleet.job_logs(job_id, end - 7 * DAY, end)["logs"]
        times = [int(line["timestamp"]) for line in lines]
        assert times == sorted(times)
        levels.update(line["level"] for line in lines)
        if pd.isna(true["started_at"]):
            assert not lines
            continue
        assert all(
            milliseconds(true["started_at"]) * 10**6 <= time <= end * 10**6 for time in times
        )
        if true["status"] == "failed" and record["error_message"]:
            assert "\n".join(line["message"] for line in lines).endswith(record["error_message"])
            assert lines[-1]["level"] == "ERROR"
    assert levels.keys() == {"INFO", "WARNING", "ERROR", None}
