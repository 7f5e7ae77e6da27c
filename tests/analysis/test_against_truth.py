"""What the helpers find out about a made-up organisation, beside what truly happened to it.

Evidence is taken away step by step: answers get wider, or are not known, and are never wrong.
"""

import warnings
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.sampling.fleets import listed
from trainview import analysis
from trainview.errors import DataWarning
from trainview.gpus import memory_mib_of_one, times_slower
from trainview.loading import load
from trainview.sampling import Fleet
from trainview.sampling.writing import STEP_SECONDS, write_sample
from trainview.snapshot.comparison import compare

HOUR = pd.Timedelta(hours=1)
SECOND = pd.Timedelta(seconds=1)
# What tells the start to half an hour; looks are further apart.
SHARP = ["queue", "status_events", "metrics", "billing"]
KINDS = ["history", *SHARP]
LOOKS = pd.Timedelta(hours=6)


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> dict[str, Any]:
    """A small organisation: its tables, and the truth about its jobs."""
    fleet = Fleet(projects=12, jobs_per_project=12, seed=5)
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, fleet)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        snap = load(folder)
    truth = listed(fleet)
    return {
        "snap": snap, "fleet": fleet, "truth": truth, "history": looked_at(truth), "phases": {},
    }  # fmt: skip


def looked_at(truth: pd.DataFrame) -> pd.DataFrame:
    """What somebody who looks every six hours sees of the starts."""
    started = truth["started_at"].dropna()
    before = started.dt.ceil(LOOKS)
    return pd.DataFrame(
        {
            "job_id": started.index,
            "status": "running",
            "from_after": (before - LOOKS).to_numpy(),
            "from_before": before.to_numpy(),
        }
    ).astype(dict.fromkeys(["from_after", "from_before"], "datetime64[us, UTC]"))


def phases_of(known: dict[str, Any], names: Iterable[str]) -> pd.DataFrame:
    """Find the phases by some of the evidence, each time once."""
    names = frozenset(names)
    if names not in known["phases"]:
        known["phases"][names] = find_phases(known, names)
    return known["phases"][names]


def find_phases(known: dict[str, Any], names: frozenset[str]) -> pd.DataFrame:
    snap = known["snap"]
    tables = {
        name: known["history"] if name == "history" else getattr(snap, name) for name in names
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        phases = analysis.job_phases(snap.jobs, **tables)
    return phases.set_index("job_id")


def uncertainty(phases: pd.DataFrame) -> "pd.Series[pd.Timedelta]":
    return pd.to_timedelta(phases["uncertainty_hours"].fillna(STEP_SECONDS / 3600), unit="h")


def assert_true(phases: pd.DataFrame, truth: pd.DataFrame) -> None:
    truth = truth.loc[phases.index]
    assert (phases["submitted_at"] == truth["submitted_at"]).all()
    released = phases["released_at"].dropna()
    assert (released == truth["released_at"].loc[released.index]).all()
    # The record may change after the job has ended, by the time that checkpoints take.
    ended = phases["ended_at"].dropna()
    late = (ended - truth["ended_at"].loc[ended.index]).dropna()
    assert (late >= -SECOND).all()
    started = phases["started_at"].dropna()
    off = (started - truth["started_at"].loc[started.index]).abs()
    assert off.notna().all()
    # Of one sample alone nobody knows the step.
    allowed = uncertainty(phases).loc[started.index]
    by_bill = phases["basis"].loc[started.index] == "bill"
    is_late = late.reindex(started.index, fill_value=0 * HOUR)
    assert (off <= allowed + is_late.where(by_bill, 0 * HOUR) + SECOND).all()
    ran = truth["started_at"].notna()
    assert (phases.loc[~ran, "running_hours"].fillna(0) == 0).all()


def test_all_evidence_tells_nearly_all(known):
    phases = phases_of(known, KINDS)
    assert_true(phases, known["truth"])
    truth = known["truth"].loc[phases.index]
    assert phases["started_at"].notna().sum() == truth["started_at"].notna().sum()
    of_gpus = truth["gpus"] > 0
    assert (phases["released_at"].notna() == truth["released_at"].notna())[of_gpus].all()


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_less_evidence_is_never_wrong_and_never_tells_more(known, number):
    for names in combinations(KINDS, number):
        phases = phases_of(known, names)
        assert_true(phases, known["truth"])
        for name in set(KINDS) - set(names):
            more = phases_of(known, [*names, name])
            for column in ("released_at", "started_at", "running_hours"):
                assert not (phases[column].notna() & more[column].isna()).any()
            ranks = {"event": 0, "history": 1, "sample": 2, "bill": 3, "none": 4}
            assert (more["basis"].map(ranks) <= phases["basis"].map(ranks)).all()
            same = phases["basis"] == more["basis"]
            wider = phases["uncertainty_hours"] - more["uncertainty_hours"]
            assert (wider[same & wider.notna()] >= -1e-9).all()


def test_refined_gpu_hours_lie_between_what_was_held_and_the_upper_bound(known):
    jobs, truth = known["snap"].jobs, known["truth"]
    for names in ([], ["queue"], ["status_events"]):
        phases = phases_of(known, names).reset_index()
        refined = analysis.refine_jobs(jobs, phases).set_index("job_id")
        old = jobs.set_index("job_id")["gpu_hours"]
        ended = truth["ended_at"].fillna(known["snap"].as_of)
        held = truth["gpus"] * ((ended - truth["released_at"]) / HOUR)
        held = held.loc[refined.index].fillna(0)
        counted = (old > 0) & (refined["hours_basis"] != "started")
        assert (refined["gpu_hours"] <= old + 1e-9)[old.notna()].all()
        assert (refined["gpu_hours"] >= held - 1e-3)[counted].all()


def test_lost_work_and_goodput_are_those_of_the_truth(known):
    snap, truth = known["snap"], known["truth"]
    phases = phases_of(known, SHARP)
    uncertain, bases = uncertainty(phases) / HOUR, phases["basis"]
    phases = phases.reset_index()
    lost = analysis.lost_work(snap.jobs, phases, snap.checkpoints).set_index("job_id")
    assert not lost.empty
    for name, row in lost.iterrows():
        one = truth.loc[name]
        saved = [time for time in one["checkpoints"] if time <= one["ended_at"]]
        if pd.isna(one["started_at"]):
            assert pd.isna(row["lost_hours"]) or row["lost_hours"] == 0
            continue
        since = max([one["started_at"], *saved])
        late = (row["ended_at"] - one["ended_at"]) / HOUR
        off = row["lost_hours"] - late - (one["ended_at"] - since) / HOUR
        # A bill counts back from the end of the record.
        slack = 0 if saved else uncertain[name] + late * (bases[name] == "bill")
        assert abs(off) <= slack + 1e-3, name
    found = analysis.goodput(snap.jobs, phases, snap.checkpoints, by=None, metrics=snap.metrics)
    ran = truth["started_at"].notna()
    until = truth["ended_at"].fillna(snap.as_of)
    hours = truth["gpus"] * ((until - truth["started_at"]) / HOUR)
    off = (uncertain * phases.set_index("job_id")["gpus"]).sum()
    assert found["running_gpu_hours"][0] == pytest.approx(hours[ran].sum(), abs=off)
    assert 0 < found["goodput"][0] < 1


def true_goodput(truth: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Sum up what each project ran, deployed and lost, and what share was productive."""
    ended = truth["ended_at"].fillna(as_of)
    ran = truth["started_at"].notna()
    saved = truth.apply(
        lambda one: max([time for time in one["checkpoints"] if time <= one["ended_at"]], default=pd.NaT),
        axis=1,
    )  # fmt: skip
    since = pd.to_datetime(saved, utc=True).fillna(truth["started_at"])
    since = since.where(since > truth["started_at"], truth["started_at"])
    loses = ran & truth["status"].isin(["failed", "preempted"])
    hours = {
        "running": (ended - truth["started_at"]).where(ran),
        "deploying": truth["started_at"].fillna(ended) - truth["released_at"],
        "lost": (ended - since).where(loses),
    }
    table = pd.DataFrame(
        {name: (time / HOUR).fillna(0) * truth["gpus"] for name, time in hours.items()}
    )
    sums = table.groupby(truth["project_name"]).sum()
    whole = sums["running"] + sums["deploying"]
    return sums.assign(goodput=1 - (sums["lost"] + sums["deploying"]) / whole)


@pytest.mark.parametrize("number", range(len(SHARP) + 1))
def test_goodput_is_an_upper_bound_whatever_the_evidence(known, number):
    snap = known["snap"]
    truth = true_goodput(known["truth"], snap.as_of)["goodput"]
    for names in combinations(SHARP, number):
        phases = phases_of(known, names).reset_index()
        for saved in (snap.checkpoints, None):
            found = analysis.goodput(snap.jobs, phases, saved).set_index("project_name")["goodput"]
            assert (found - truth.loc[found.index]).dropna().ge(-1e-6).all(), names


def test_most_chains_are_those_of_the_truth(known):
    snap, truth = known["snap"], known["truth"]
    phases = phases_of(known, SHARP).reset_index()
    found = analysis.run_chains(snap.jobs, phases=phases, checkpoints=snap.checkpoints)
    found = found.set_index("job_id")
    true = truth.loc[found.index]
    again, linked = true["attempt"] > 1, found["attempt"] > 1
    is_same = found["chain_id"] == true["chain_id"]
    assert (again & is_same).sum() / again.sum() >= 0.6
    assert (linked & is_same).sum() / linked.sum() >= 0.75


def test_failures_by_size_are_those_of_the_truth(known):
    snap, truth = known["snap"], known["truth"]
    phases = phases_of(known, SHARP)
    found = analysis.time_to_failure(snap.jobs, phases.reset_index(), by=None)
    ran = truth["started_at"].notna()
    assert found["failures"][0] == (truth["status"][ran] == "failed").sum()
    until = truth["ended_at"].fillna(snap.as_of)
    hours = ((until - truth["started_at"]) / HOUR)[ran].sum()
    off = (uncertainty(phases) / HOUR)[phases["started_at"].notna()].sum()
    assert found["running_hours"][0] == pytest.approx(hours, abs=off)
    assert np.isfinite(found["mttf_low_hours"][0])


def test_caches_hold_what_jobs_had_written_when_they_were_last_measured(known):
    snap, jobs = known["snap"], known["snap"].jobs
    found = analysis.cache_usage(
        snap.caches, snap.projects, ["project_id"], metrics=snap.metrics, jobs=jobs
    ).set_index("project_id")
    summaries = {name: known["fleet"].cache_summary(name) for name in snap.projects["project_id"]}
    files = {
        name: [one for one in summary["file_summaries"] if one["file_type"] == "file"]
        for name, summary in summaries.items()
        if summary
    }
    assert set(found.index) == set(files) < set(summaries)
    assert any(not of_one for of_one in files.values())
    measured = 0
    for name, row in found.iterrows():
        sizes = [one["size_bytes"] for one in files[name]]
        assert (row["files"], row["size_bytes"]) == (len(sizes), sum(sizes))
        if pd.notna(row["utilization"]):
            measured += 1
            there = [
                one["size_bytes"]
                for one in files[name]
                if pd.Timestamp(one["modified"]) <= row["measured_at"]
            ]
            assert row["utilization"] == pytest.approx(sum(there) / 2**40, abs=1e-4)
    assert measured > 5


def test_spot_jobs_checkpoints_and_the_months_cost_are_those_of_the_truth(known):
    snap, truth = known["snap"], known["truth"]
    phases = phases_of(known, SHARP).reset_index()
    for evidence in ((phases, snap.checkpoints, snap.queue), (phases, snap.checkpoints), ()):
        found = analysis.spot_usage(snap.jobs, *evidence).set_index("availability_model")
        for model, is_spot in (("spot", True), ("dedicated", False)):
            own, row = truth[truth["is_spot"] == is_spot], found.loc[model]
            preempted = (own["status"] == "preempted").sum()
            assert (row["jobs"], row["preempted"]) == (len(own), preempted)
            # less evidence tells less, and nothing else
            assert pd.notna(row["lost_gpu_hours"]) == bool(evidence)
            assert pd.notna(row["p50_wait_hours"]) == (len(evidence) == 3)
    saved = truth["checkpoints"].map(len).groupby(truth["project_name"]).sum()
    usage = analysis.checkpoint_usage(snap.checkpoints, snap.jobs).set_index("project_name")
    assert usage["checkpoints"].to_dict() == saved[saved > 0].to_dict()
    bill = known["fleet"].usage_summary("2026-03-01T00:00Z", snap.as_of)["training_usage"]
    pace = analysis.spend_pace(snap.billing, as_of=snap.as_of)
    assert pace["month_to_date_usd"][0] == pytest.approx(float(bill["total"]), abs=0.005)
    assert pace["projected_usd"][0] >= pace["month_to_date_usd"][0]


def steps_of_evidence(known: dict[str, Any]) -> list[Any]:
    """The snapshot, refined with ever less: all, no events, no queue, no samples, no bill."""
    snap, names, found = known["snap"], ["status_events", "queue", "metrics", "billing"], []
    for number in range(len(names) + 1):
        phases = phases_of(known, names[number:]).reset_index()
        found.append((analysis.refine_jobs(snap.jobs, phases), phases))
    return found


def test_what_counts_held_time_gets_nearer_to_the_truth_with_evidence_and_never_below(known):
    snap, truth = known["snap"], known["truth"]
    ended = truth["ended_at"].fillna(snap.as_of)
    held = truth["gpus"] * ((ended - truth["released_at"]) / HOUR).fillna(0)
    price = snap.prices.set_index("instance_type_id")["usd_per_minute"]
    jobs = snap.jobs.set_index("job_id").loc[truth.index]
    is_free = jobs["gpu_hours"] == 0
    usd = 60 * jobs["node_count"] * jobs["instance_type_id"].astype("str").map(price)
    usd = (usd * ((ended - truth["released_at"]) / HOUR).fillna(0)).mask(is_free, 0)
    middle = snap.as_of - 10 * 24 * HOUR
    recent = truth["gpus"] * ((ended - truth["released_at"].clip(lower=middle)) / HOUR)
    failed = truth["status"].isin(["failed", "deploy-failed"])
    true = {
        "gpu_usage": held.mask(is_free, 0).sum(),
        "gpu_concurrency": held.mask(is_free, 0).sum(),
        "gpu_hours_over_time": held.mask(is_free, 0).sum(),
        "failure_costs": held.mask(is_free, 0)[failed].sum(),
        "clip_jobs": recent.clip(lower=0).mask(is_free, 0).sum(),
        "estimate_cost": usd.sum(),
        "cost_over_time": usd.sum(),
    }
    told = []
    for refined, _ in steps_of_evidence(known):
        steps = analysis.gpu_concurrency(refined, by=None)
        told.append(
            {
                "gpu_usage": analysis.gpu_usage(refined, by=None)["gpu_hours"].sum(),
                "gpu_concurrency": (steps["gpus"] * (steps["end"] - steps["start"]) / HOUR).sum(),
                "gpu_hours_over_time": analysis.gpu_hours_over_time(refined)["gpu_hours"].sum(),
                "failure_costs": analysis.failure_costs(refined, snap.prices)["gpu_hours"].sum(),
                "clip_jobs": analysis.clip_jobs(refined, middle, None)["gpu_hours"].sum(),
                "estimate_cost": analysis.estimate_cost(refined, snap.prices)[
                    "estimated_usd"
                ].sum(),
                "cost_over_time": analysis.cost_over_time(refined, snap.prices)[
                    "estimated_usd"
                ].sum(),
            }
        )
    ran = (truth["gpus"] * ((ended - truth["started_at"]) / HOUR)).sum()
    for one, (_, phases) in zip(told, steps_of_evidence(known), strict=True):
        off = phases["gpus"] * (uncertainty(phases) / HOUR)
        assert one["gpu_usage"] >= ran - off.sum()
    for name, amount in true.items():
        # by samples and bills alone hours count from the start, without deployment
        amounts = [told[number][name] for number in (0, 1, -1)]
        assert amounts == pytest.approx(sorted(amounts), rel=1e-9), name
        assert amounts[0] >= amount * (1 - 1e-6), name
        # where all is known, what is left is what records take to change after the end
        assert amounts[0] <= amount * 1.03 + 1, name
        assert amounts[-1] > amounts[0], name


def test_advised_instance_types_hold_what_jobs_truly_needed(known):
    snap, fleet = known["snap"], known["fleet"]
    # the sample's jobs use most of their memory
    loose = {"max_memory_share": 1.0, "max_utilization": 1.0, "headroom": 0.1}
    odd = (snap.metrics["timestamp"].dt.hour % 2).astype("bool")
    cheapest = snap.prices.sort_values("usd_per_minute")
    types = snap.prices.set_index("instance_type_id")
    jobs, seen = snap.jobs.set_index("job_id"), []
    for samples, listed_prices, share in (
        (snap.metrics, snap.prices, 0.5),
        (snap.metrics[~odd], snap.prices, 0.2),
        (snap.metrics, cheapest[3:], 0.5),
    ):
        found = analysis.right_size(
            snap.jobs, samples, listed_prices, min_measured_share=share, **loose
        ).set_index("job_id")
        seen.append(found)
        for name, row in found.iterrows():
            peaks, busy = truly_used(fleet, name)
            kind, own = types.loc[row["advised_instance_type_id"]], jobs.loc[name]
            size = memory_mib_of_one(
                kind["gpu_type"], kind["gpu_count"], kind["gpu_memory_limit_mib"]
            )
            assert len(peaks) == row["gpus"]
            assert max(peaks) <= size * 2**20
            assert sum(peaks) <= size * 2**20 * row["advised_gpus"]
            slower = times_slower(own["gpu_type"], kind["gpu_type"])
            assert sum(busy) * slower <= row["advised_gpus"]
            nodes = row["advised_gpus"] / kind["gpu_count"]
            price = types.loc[str(own["instance_type_id"]), "usd_per_minute"] * own["node_count"]
            assert kind["usd_per_minute"] * nodes < price
    everything, fewer_samples, fewer_types = seen
    truth = known["truth"].loc[everything.index]
    assert (truth["quirk"] == "one gpu").sum() >= 3
    # what is less measured is told less of, and fewer types never are cheaper
    assert len(fewer_samples) > 0
    assert len(fewer_types) <= len(everything)
    both = everything.join(fewer_types.add_suffix("_less"), how="inner")
    assert (both["saving_usd_per_hour_less"] <= both["saving_usd_per_hour"] + 1e-9).all()
    nothing = analysis.right_size(snap.jobs, snap.metrics.head(0), snap.prices, **loose)
    assert nothing.empty


def truly_used(fleet: Fleet, job_id: str) -> tuple[list[float], list[float]]:
    """The most memory, in bytes, and the mean utilization of each GPU, by finer samples."""
    nodes = fleet.job_metrics(job_id, step_seconds=STEP_SECONDS // 3)["per_node_metrics"]
    memory, busy = (
        [
            [sample["value"] for sample in samples]
            for node in nodes
            for samples in node["metrics"][name].values()
        ]
        for name in ("gpu_memory_usage_bytes", "gpu_utilization")
    )
    return [max(values) for values in memory], [sum(values) / len(values) for values in busy]


def test_what_needs_attention_is_what_hangs_by_the_truth(known):
    snap, truth = known["snap"], known["truth"]
    [name] = truth.index[truth["quirk"] == "hung"]
    hung = truth.loc[name]
    idle = hung["gpus"] * ((snap.as_of - hung["busy_until"]) / HOUR)
    step = hung["gpus"] * STEP_SECONDS / 3600
    for samples, prices in ((snap.metrics, snap.prices), (snap.metrics, None), (None, None)):
        found = analysis.needs_attention(
            snap.jobs, snap.projects, metrics=samples, prices=prices, queue=snap.queue
        ).set_index("reason")
        assert "GPUs idle" in found.index or samples is None
        if samples is None:
            assert "GPUs idle" not in found.index
            continue
        rows = found.loc[["GPUs idle"]].set_index("job_id")
        assert rows.loc[name, "wasted_gpu_hours"] == pytest.approx(idle, abs=step)
        assert pd.isna(rows.loc[name, "wasted_usd"]) == (prices is None)
        # nobody else is called idle
        assert truth.loc[rows.index, "quirk"].notna().all()
    waits = found.loc[found.index == "waiting long", "job_id"]
    true = truth[truth["released_at"].isna() & truth["ended_at"].isna()]
    long = true.index[snap.as_of - true["submitted_at"] > 2 * HOUR]
    assert set(waits) == set(long)


def test_causes_of_failures_are_those_of_the_truth(known):
    snap, truth = known["snap"], known["truth"]
    failed = truth[truth["status"] == "failed"]
    messages = snap.jobs.set_index("job_id")["error_message"].loc[failed.index]
    phases = phases_of(known, SHARP).reset_index()
    told = {
        origin: analysis.time_to_failure(snap.jobs, phases, by=None, origin=origin)["failures"][0]
        for origin in ("code", "infrastructure", "capacity", "unknown")
    }
    assert sum(told.values()) == len(failed)
    # who has no message is of unknown origin, and only who cannot be told besides
    assert told["unknown"] >= messages.isna().sum()


def test_two_windows_compare_as_the_truth_does(known):
    snap, truth = known["snap"], known["truth"]
    week = 7 * 24 * HOUR
    starts = [snap.as_of - 2 * week, snap.as_of - week]
    true = []
    for start in starts:
        ended = truth["ended_at"].between(start, start + week, inclusive="left")
        failed = ended & truth["status"].isin(["failed", "deploy-failed"])
        true.append((ended.sum(), failed.sum()))
    known_best = 0.0
    for less in ([], ["status_events", "queue", "metrics", "billing", "checkpoints"]):
        bare = snap.assign(**{name: getattr(snap, name).head(0) for name in less})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            found = compare(bare, since="7d").set_index("figure")
        for side, (finished, failed) in zip(("before", "after"), true, strict=True):
            # records change a little after the end
            assert abs(found.loc["jobs finished", side] - finished) <= 2
            assert abs(found.loc["jobs failed", side] - failed) <= 1
            assert pd.isna(found.loc["GPU-hours lost", side]) == bool(less)
            assert pd.isna(found.loc["GPU-hours idle", side]) == bool(less)
            by_submission = found.loc["GPU-hours from submission", side]
            assert by_submission == (found.loc["GPU-hours", side] if less else 0)
        assert found.loc["GPU-hours", "after"] > known_best
        known_best = found.loc["GPU-hours", "after"]


def true_demand(truth: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Tell what GPU-hours were held and waited for by type, and at most how many GPUs held."""
    ended, never = truth["ended_at"].fillna(as_of), truth["status"] == "deploy-failed"
    released = truth["released_at"].fillna(ended)
    held, waited = (
        truth["gpus"] * ((until - since) / HOUR)
        for since, until in ((released, ended), (truth["submitted_at"], released))
    )
    spot = truth["is_spot"]
    sums = pd.DataFrame(
        {
            "dedicated": held.mask(spot | never, 0),
            "spot": held.where(spot & ~never, 0),
            "pending": waited.mask(spot, 0),
            "in_vain": waited.where(never & ~spot, 0),
        }
    )
    sums = sums.groupby(truth["gpu_type"]).sum()
    own = truth[~spot & ~never & (ended > released)]
    changes = pd.concat(
        [
            pd.DataFrame({"gpu_type": own["gpu_type"], "at": at.loc[own.index], "by": sign * own["gpus"]})
            for at, sign in ((ended, -1), (released, 1))
        ]
    ).sort_values(["at", "by"])  # fmt: skip
    peak = changes.groupby("gpu_type")["by"].agg(lambda by: by.cumsum().max())
    return sums.assign(peak=peak.reindex(sums.index).fillna(0))


def test_gpus_held_and_asked_for_beside_the_quota_are_those_of_the_truth(known):
    snap = known["snap"]
    truth = true_demand(known["truth"], snap.as_of)
    told = []
    for refined, _ in steps_of_evidence(known):
        found = analysis.quota(refined, snap.capacity).set_index("gpu_type").loc[truth.index]
        held = found["mean_gpus"] * found["hours"]
        told.append(found.assign(dedicated=held, wanted=held + found["pending_gpu_hours"]))
    allowed = 1 - 1e-6
    for one in told:
        # what was asked for is the same, but for deployments that failed: only events and the queue
        # tell that these waited
        wanted = truth["dedicated"] + truth["pending"]
        assert (one["wanted"] >= (wanted - truth["in_vain"]) * allowed).all()
        assert (one["wanted"] <= wanted * 1.03 + 1).all()
    # by samples and bills alone jobs hold from their start, and wait until then
    for number in (0, 1, -1):
        one = told[number]
        for name, column in (
            ("dedicated", "dedicated"), ("spot", "spot_gpu_hours"), ("peak", "peak_gpus"),
        ):  # fmt: skip
            assert (one[column] >= truth[name] * allowed).all(), (number, name)
        assert (one["pending_gpu_hours"] <= truth["pending"] / allowed).all()
    best, worst = told[0], told[-1]
    assert best["pending_gpu_hours"].to_numpy() == pytest.approx(truth["pending"], rel=1e-6)
    assert (best["dedicated"] <= truth["dedicated"] * 1.03 + 1).all()
    assert (best["dedicated"] <= worst["dedicated"] + 1e-6).all()
    at_limit = [(one["at_limit_share"] * one["hours"]).tolist() for one in (best, worst)]
    assert at_limit[0] == pytest.approx(at_limit[1], rel=1e-3, nan_ok=True)


def test_the_months_cost_without_a_bill_is_more_than_what_ran_and_grows_with_less_evidence(known):
    snap, truth = known["snap"], known["truth"]
    month = snap.as_of.normalize().replace(day=1)
    price = snap.prices.set_index("instance_type_id")["usd_per_minute"]
    jobs = snap.jobs.set_index("job_id").loc[truth.index]
    usd = 60 * jobs["node_count"] * jobs["instance_type_id"].astype("str").map(price)
    until = truth["ended_at"].fillna(snap.as_of)
    ran = (until - truth["started_at"].clip(lower=month)) / HOUR
    least = (usd * ran.clip(lower=0)).groupby(truth["project_name"]).sum()
    told = []
    for refined, _ in steps_of_evidence(known):
        pace = analysis.spend_pace(
            jobs=refined, prices=snap.prices, by="project_name", as_of=snap.as_of
        ).set_index("project_name")
        told.append(pace["month_to_date_usd"].reindex(least.index).fillna(0.0))
        assert (pace["projected_usd"] >= pace["month_to_date_usd"] - 1e-6).all()
        ordered = pace[["projected_low_usd", "projected_usd", "projected_high_usd"]].dropna()
        assert not ordered.empty
        assert (ordered.diff(axis="columns").iloc[:, 1:] >= -1e-6).all(axis=None)
        assert (pace["unknown_jobs"] == 0).all()
    for number in (0, 1, -1):
        # starts are known to the second
        assert (told[number] >= least - 0.02 * (least > 0) - 1e-6).all()
    for less, more in ((0, 1), (1, -1)):
        assert (told[less] <= told[more] + 1e-6).all()
    # a bill that ends earlier tells less of the month, and nothing of the days that it does not know
    bill = known["fleet"].usage_summary("2026-03-01T00:00Z", snap.as_of)["training_usage"]
    half = snap.billing[snap.billing["date"] < month + 10 * 24 * HOUR]
    pace = analysis.spend_pace(half, as_of=snap.as_of).iloc[0]
    assert 0 < pace["month_to_date_usd"] <= float(bill["total"])
    assert pace["known_until"] <= month + 10 * 24 * HOUR
    assert (
        analysis.spend_pace(snap.billing.head(0), as_of=snap.as_of)["month_to_date_usd"]
        .isna()
        .all()
    )


def test_caches_without_samples_without_jobs_or_of_some_projects_tell_less_and_the_same(known):
    snap = known["snap"]
    by = ["project_id"]
    everything = analysis.cache_usage(
        snap.caches, snap.projects, by, metrics=snap.metrics, jobs=snap.jobs
    ).set_index("project_id")
    names = ["files", "size_bytes", "largest_bytes", "latest_at"]
    some = snap.caches[snap.caches["project_id"] != everything.index[0]]
    early = snap.metrics[snap.metrics["timestamp"] < snap.as_of - 20 * 24 * HOUR]
    for caches, samples, jobs in (
        (snap.caches, None, None),
        (snap.caches, snap.metrics.head(0), snap.jobs),
        (snap.caches, snap.metrics, snap.jobs.head(0)),
        (snap.caches, early, snap.jobs),
        (some, snap.metrics, snap.jobs),
    ):
        found = analysis.cache_usage(caches, None, by, metrics=samples, jobs=jobs)
        found = found.set_index("project_id")
        assert set(found.index) == set(caches["project_id"])
        same = everything.loc[found.index]
        assert found[names].equals(same[names])
        is_told = found["utilization"].notna()
        assert (same["utilization"].notna() | ~is_told).all()
        assert (found["measured_at"] <= same["measured_at"])[is_told].all()
        # files only come, so that what was full earlier was no fuller
        assert (found["utilization"] <= same["utilization"] + 1e-6)[is_told].all()
        assert (is_told.any()) == (samples is early or caches is some)


@pytest.mark.parametrize("number", range(len(SHARP) + 1))
def test_lost_work_chains_and_time_to_failure_tell_less_with_less_evidence(known, number):
    snap, truth = known["snap"], known["truth"]
    ran = truth["started_at"].notna()
    until = truth["ended_at"].fillna(snap.as_of)
    hours = ((until - truth["started_at"]) / HOUR).where(ran)
    everything = analysis.run_chains(snap.jobs, phases=phases_of(known, SHARP).reset_index())
    chain_of = everything.set_index("job_id")["chain_id"]
    phases = phases_of(known, SHARP[number:])
    off = (uncertainty(phases) / HOUR).reindex(truth.index)
    # records change some time after the end, which bills count back from
    late = ((phases["ended_at"] - until.loc[phases.index]) / HOUR).reindex(truth.index).fillna(0)
    phases = phases.reset_index()
    found = analysis.time_to_failure(snap.jobs, phases, by=None).iloc[0]
    is_known = phases.set_index("job_id")["running_hours"].reindex(truth.index).notna()
    counted = is_known & (truth["status"] != "deploy-failed")
    assert found["jobs"] == counted.sum()
    assert found["jobs"] + found["unknown_jobs"] == (truth["status"] != "deploy-failed").sum()
    assert found["failures"] == (counted & (truth["status"] == "failed")).sum()
    slack = (off + late)[counted & ran].sum() + 1e-3
    assert found["running_hours"] == pytest.approx(hours[counted].sum(), abs=slack)
    if found["failures"]:
        assert found["mttf_low_hours"] < found["mttf_hours"] < found["mttf_high_hours"]
    lost = analysis.lost_work(snap.jobs, phases, snap.checkpoints).set_index("job_id")
    saved = truth["checkpoints"].map(lambda times: max(times, default=pd.NaT))
    since = pd.to_datetime(saved, utc=True).fillna(truth["started_at"])
    since = since.where(since > truth["started_at"], truth["started_at"])
    true = ((until - since) / HOUR).loc[lost.index]
    told = lost["lost_hours"].notna() & true.notna()
    slack = (off + late).loc[lost.index]
    assert ((lost["lost_hours"] - true).abs() <= slack + 1e-3)[told].all()
    assert not (lost["lost_hours"] > 0)[true.isna()].any()
    chains = analysis.run_chains(snap.jobs, phases=phases, checkpoints=snap.checkpoints)
    chains = chains.set_index("job_id")
    # an end that is known better may put a job before or after another
    assert (chains["chain_id"] == chain_of.loc[chains.index]).mean() > 0.98
    assert chains["ettr"].dropna().between(0, 1).all()
    is_whole = is_known.loc[chains.index].groupby(chains["chain_id"]).transform("all")
    assert (chains["running_hours"].notna() == is_whole).all()
    bare = analysis.run_chains(snap.jobs, phases=phases).set_index("job_id")
    told = bare["ettr"].notna()
    assert (bare["ettr"] == chains["ettr"].reindex(bare.index))[told].all()
    assert bare.loc[told, "running_hours"].sum() < bare["running_hours"].sum() or number == 4
    assert analysis.lost_work(snap.jobs, phases, None)["lost_hours"].isna().all()
