"""How fast the helpers about what really happened are, next to pandas written by hand.

Run it as a program: ``python -m tests.benchmarks.bench_phases [jobs]``. It makes 1,000,000 jobs with
five status events and one checkpoint each, checks that both answers are equal, and prints the best of
two runs of each. The helpers should need at most 1.5 times as long.
"""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd

from tests.benchmarks.bench_helpers import HOUR, LIMIT, timed
from trainview import analysis
from trainview.analysis.chi_square import chi_square_quantile

ENDS = ["completed", "failed", "stopped", "preempted"]
LOSES = ["failed", "preempted"]
AN_HOUR = pd.Timedelta(hours=1)


class Fleet:
    """Jobs, their events, checkpoints and phases."""

    def __init__(self, rows: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        submitted = rng.integers(0, 365 * 24 * HOUR, rows) + 1735689600 * 10**6
        # submission to release, deployment, run, checkpoint and end
        steps = rng.integers(1, HOUR, (5, rows)).cumsum(axis=0)
        number = np.arange(rows)
        ids = pd.Series(np.char.add("j", number.astype("U12")), dtype="str")
        status = np.array(ENDS)[rng.integers(0, len(ENDS), rows)]
        project = rng.integers(0, max(rows // 50, 1), rows)

        def clock(microseconds: np.ndarray) -> pd.Series:
            return pd.Series(microseconds.view("M8[us]")).dt.tz_localize("UTC")

        def text(prefix: str, numbers: np.ndarray) -> pd.Series:
            return pd.Series(np.char.add(prefix, numbers.astype("U12")), dtype="str")

        gpus = rng.choice([1, 2, 4, 8, 16, 32], rows)
        end = submitted + steps[4]
        self.jobs = pd.DataFrame(
            {
                "job_id": ids,
                "job_name": text("run-", rng.integers(0, 9, rows)),
                "project_id": text("p", project),
                "project_name": text("project-", project),
                "gpu_type": pd.Categorical.from_codes(
                    rng.integers(0, 3, rows), ["A100", "H100", "L4"]
                ),
                "gpus": gpus,
                "user_email": text("user-", rng.integers(0, 50, rows)),
                "status": pd.Categorical(status, ENDS),
                "created_at": clock(submitted),
                "end_at": clock(end),
                "is_open": False,
                "gpu_hours": gpus * (steps[4] / HOUR),
            }
        )
        told = {
            "pending": 0 * steps[0],
            "created": steps[0],
            "deploying": steps[0] + 1,
            "running": steps[1],
        }
        parts = [
            pd.DataFrame({"job_id": ids, "status": name, "created_at": clock(submitted + after)})
            for name, after in told.items()
        ]
        parts.append(pd.DataFrame({"job_id": ids, "status": status, "created_at": clock(end)}))
        events = pd.concat(parts, ignore_index=True).sample(
            frac=1, random_state=seed, ignore_index=True
        )
        self.events = events.astype({"status": "category", "job_id": "str"})
        self.checkpoints = pd.DataFrame({"job_id": ids, "created_at": clock(submitted + steps[3])})
        self.phases = analysis.job_phases(self.jobs, status_events=self.events)


def job_phases(fleet: Fleet) -> pd.DataFrame:
    jobs, events = fleet.jobs, fleet.events

    def first(labels: list[str]) -> pd.Series:
        return (
            events[events["status"].isin(labels)].groupby("job_id", sort=False)["created_at"].min()
        )

    last = events[events["status"].isin(ENDS)]
    last = last.groupby(["job_id", "status"], observed=True, sort=False)["created_at"].max()
    last = last.rename("last").reset_index().astype({"status": "str"})
    rows = jobs[["job_id", "project_name", "gpus", "status", "created_at", "end_at"]]
    rows = rows.assign(status=rows["status"].astype("str"))
    waited, accepted, ran = (
        first(["pending", "queued"]),
        first(["created", "deploying", "running"]),
        first(["running"]),
    )
    for name, times in {"waited": waited, "accepted": accepted, "ran": ran}.items():
        rows = rows.merge(times.rename(name), on="job_id", how="left")
    rows = rows.merge(last, on=["job_id", "status"], how="left")
    low, high = rows["created_at"], rows["end_at"]
    ended = rows["last"].where((rows["last"] >= low) & (rows["last"] <= high), high)
    accepted = rows["accepted"]
    released = accepted.where(
        (accepted >= rows["waited"]) & (accepted >= low) & (accepted <= ended)
    )
    started = rows["ran"].where((rows["ran"] >= released) & (rows["ran"] <= ended))
    known = started.notna()
    found = pd.DataFrame(
        {
            "job_id": rows["job_id"],
            "project_name": rows["project_name"],
            "gpus": rows["gpus"],
            "submitted_at": low,
            "released_at": released,
            "started_at": started,
            "ended_at": ended,
            "queued_hours": (released - low) / AN_HOUR,
            "deploying_hours": (started - released) / AN_HOUR,
            "running_hours": (ended - started) / AN_HOUR,
        }
    )
    found["running_gpu_hours"] = found["gpus"] * found["running_hours"]
    found["basis"] = pd.Series(np.where(known, "event", "none"), dtype="str")
    found["uncertainty_hours"] = np.where(known, 0.0, np.nan)
    return found.sort_values(["submitted_at", "job_id"])


def refine_jobs(fleet: Fleet) -> pd.DataFrame:
    jobs = fleet.jobs
    rows = jobs[["job_id", "created_at", "end_at"]]
    rows = rows.merge(
        fleet.phases[["job_id", "released_at", "started_at"]], on="job_id", how="left"
    )
    low, high = rows["created_at"], rows["end_at"]
    released, started = (
        rows[name].where((rows[name] >= low) & (rows[name] <= high))
        for name in ("released_at", "started_at")
    )
    held = released.fillna(started).fillna(low)
    basis = np.where(
        released.notna(), "released", np.where(started.notna(), "started", "submitted")
    )
    hours = jobs["gpus"] * ((high - held) / AN_HOUR)
    keeps = (basis == "submitted") | ~(jobs["gpu_hours"] > 0)
    return jobs.assign(
        gpu_hours=jobs["gpu_hours"].where(keeps, hours),
        held_at=held,
        hours_basis=pd.Series(basis, dtype="str"),
    )


def with_lost(fleet: Fleet, rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    rows = rows.merge(
        fleet.phases[["job_id", "started_at", "ended_at", *columns]], on="job_id", how="left"
    )
    saved = fleet.checkpoints[["job_id", "created_at"]]
    saved = saved.merge(fleet.phases[["job_id", "ended_at"]], on="job_id")
    saved = (
        saved[saved["created_at"] <= saved["ended_at"]]
        .groupby("job_id", sort=False)["created_at"]
        .max()
    )
    rows = rows.merge(saved.rename("last_checkpoint_at"), on="job_id", how="left")
    since = rows["last_checkpoint_at"].fillna(rows["started_at"])
    since = since.where(~(since < rows["started_at"]), rows["started_at"])
    return rows.assign(lost_hours=(rows["ended_at"] - since) / AN_HOUR)


def lost_work(fleet: Fleet) -> pd.DataFrame:
    jobs = fleet.jobs[["job_id", "project_name", "status", "gpus"]]
    jobs = jobs[jobs["status"].isin([*LOSES, "stopped"])]
    found = with_lost(fleet, jobs.astype({"status": "str"}), []).rename(columns={"status": "kind"})
    found["lost_gpu_hours"] = found["gpus"] * found["lost_hours"]
    names = [
        "job_id",
        "project_name",
        "kind",
        "gpus",
        "started_at",
        "ended_at",
        "last_checkpoint_at",
    ]
    found = found[[*names, "lost_hours", "lost_gpu_hours"]]
    return found.sort_values(["lost_gpu_hours", "job_id"], ascending=[False, True])


def goodput(fleet: Fleet) -> pd.DataFrame:
    jobs = fleet.jobs[["job_id", "project_name", "status", "gpus"]]
    more = ["deploying_hours", "running_gpu_hours", "released_at", "submitted_at"]
    rows = with_lost(fleet, jobs, more)
    known, running = rows["running_gpu_hours"].notna(), rows["running_gpu_hours"]
    held = rows["ended_at"] - rows["released_at"].fillna(rows["submitted_at"])
    lost = (rows["gpus"] * rows["lost_hours"]).clip(upper=running)
    sums = pd.DataFrame(
        {
            "project_name": rows["project_name"],
            "jobs": 1,
            "unknown_jobs": (~known).astype("int64"),
            "running_gpu_hours": running,
            "lost_gpu_hours": lost.where(rows["status"].isin(LOSES)),
            "deploying_gpu_hours": (rows["gpus"] * rows["deploying_hours"]).where(known),
            "unknown_gpu_hours": (rows["gpus"] * (held / AN_HOUR)).mask(known),
        }
    )
    found = sums.groupby("project_name", sort=False).sum().reset_index()
    found["idle_gpu_hours"] = np.nan
    bad = found["lost_gpu_hours"] + found["deploying_gpu_hours"]
    # events tell starts to the second: all of it is sure
    whole = found["running_gpu_hours"] + found["deploying_gpu_hours"] + found["unknown_gpu_hours"]
    found["goodput"] = (1 - bad / whole).clip(0, 1)
    return (
        found.assign(bad=bad)
        .sort_values(["bad", "project_name"], ascending=[False, True])
        .drop(columns="bad")
    )


def run_chains(fleet: Fleet) -> pd.DataFrame:
    jobs = fleet.jobs
    rows = with_lost(fleet, jobs, ["running_hours"])
    rows["stem"] = rows["job_name"].str.replace(r"[-_. ]?[0-9]+$", "", regex=True)
    same = ["project_id", "stem", "gpu_type", "gpus", "user_email"]
    rows["kind"] = rows.groupby(same, observed=True, sort=False).ngroup()
    rows = rows.sort_values(["kind", "created_at", "job_id"], ignore_index=True)
    follows = rows["kind"] == rows["kind"].shift()
    pause = rows["created_at"] - rows["ended_at"].shift()
    goes_on = follows & (pause >= 0 * AN_HOUR) & (pause <= 24 * AN_HOUR)
    goes_on &= rows["status"].astype("str").shift() != "completed"
    chain = (~goes_on).cumsum().to_numpy()
    begins = np.flatnonzero(~goes_on.to_numpy())
    lasts = np.append(begins[1:], len(rows)) - 1
    of, lengths = chain - 1, lasts - begins + 1
    loses = rows["status"].isin(LOSES)
    ended = rows["ended_at"].astype("int64").to_numpy()
    submitted = rows["created_at"].astype("int64").to_numpy()
    wall = (np.maximum.reduceat(ended, begins) - submitted[begins]) / HOUR
    running = np.add.reduceat(rows["running_hours"].to_numpy(), begins)
    lost = np.add.reduceat(np.where(loses, rows["lost_hours"], 0.0), begins)
    found = rows[["job_id", "job_name", "project_name"]].assign(
        status=rows["status"].astype("str"),
        chain_id=rows["job_id"].iloc[begins].to_numpy()[of],
        attempt=np.arange(len(rows)) - begins[of] + 1,
        submitted_at=rows["created_at"],
        ended_at=rows["ended_at"],
        attempts=lengths[of],
        outcome=rows["status"].astype("str").iloc[lasts].to_numpy()[of],
        wall_hours=wall[of],
        running_hours=running[of],
        lost_hours=lost[of],
        ettr=((running - lost) / wall).clip(0, 1)[of],
        latest=submitted[lasts][of],
    )
    found = found.astype({"chain_id": "str", "outcome": "str"})
    order = ["attempts", "latest", "chain_id", "attempt"]
    return found.sort_values(order, ascending=[False, False, True, True]).drop(columns="latest")


def time_to_failure(fleet: Fleet) -> pd.DataFrame:
    jobs = fleet.jobs[["job_id", "gpus", "status"]]
    rows = jobs.merge(fleet.phases[["job_id", "running_hours"]], on="job_id", how="left")
    known = rows["running_hours"].notna()
    sums = pd.DataFrame(
        {
            "gpus": rows["gpus"],
            "jobs": known.astype("int64"),
            "unknown_jobs": (~known).astype("int64"),
            "running_hours": rows["running_hours"],
            "failures": ((rows["status"] == "failed") & known).astype("int64"),
        }
    )
    sums = sums.groupby("gpus").sum()
    names = {1: "1", 2: "2-8", 4: "2-8", 8: "2-8", 16: "9-16", 32: "17-32"}
    found = sums.groupby(sums.index.map(names), sort=False).sum().rename_axis("gpus").reset_index()
    hours, failures = found["running_hours"], found["failures"]
    found["mttf_hours"] = hours / failures
    found["mttf_low_hours"] = [
        2 * t / chi_square_quantile(0.975, 2 * r + 2) for t, r in zip(hours, failures, strict=True)
    ]
    found["mttf_high_hours"] = [
        2 * t / chi_square_quantile(0.025, 2 * r) for t, r in zip(hours, failures, strict=True)
    ]
    return found.astype({"gpus": "str"})


PEERS: dict[Callable[[Fleet], pd.DataFrame], Callable[[Fleet], pd.DataFrame]] = {
    job_phases: lambda fleet: analysis.job_phases(fleet.jobs, status_events=fleet.events),
    refine_jobs: lambda fleet: analysis.refine_jobs(fleet.jobs, fleet.phases),
    lost_work: lambda fleet: analysis.lost_work(fleet.jobs, fleet.phases, fleet.checkpoints),
    goodput: lambda fleet: analysis.goodput(fleet.jobs, fleet.phases, fleet.checkpoints),
    run_chains: lambda fleet: analysis.run_chains(
        fleet.jobs, phases=fleet.phases, checkpoints=fleet.checkpoints
    ),
    time_to_failure: lambda fleet: analysis.time_to_failure(fleet.jobs, fleet.phases),
}


def main() -> int:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    fleet = Fleet(rows)
    print(f"{rows:,} jobs, {len(fleet.events):,} events, best of 2, seconds\n")
    print(f"{'helper':24}{'trainview':>10}{'by hand':>10}{'ratio':>8}")
    worst = 0.0
    for peer, helper in PEERS.items():
        ours, theirs = [], []
        for _ in range(2):
            seconds, result = timed(helper, fleet)
            ours.append(seconds)
            seconds, expected = timed(peer, fleet)
            theirs.append(seconds)
        expected = expected.reset_index(drop=True)[list(result)]
        pd.testing.assert_frame_equal(result, expected, rtol=1e-9, atol=1e-9)
        ratio = min(ours) / min(theirs)
        worst = max(worst, ratio)
        print(f"{peer.__name__:24}{min(ours):10.3f}{min(theirs):10.3f}{ratio:8.2f}", flush=True)
    print(f"\nworst ratio {worst:.2f}, limit {LIMIT}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
