"""How fast the helpers about money and what is kept are, next to pandas written by hand.

Run it as a program: ``python -m tests.benchmarks.bench_advice [jobs]``. It makes 1,000,000 jobs with
five samples, a day of the bill, a checkpoint, a file of a cache and a wait each, checks that both
answers are equal, and prints the best of two runs of each. The helpers should need at most 1.5 times
as long.
"""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd

from tests.benchmarks.bench_helpers import HOUR, LIMIT, timed
from tests.benchmarks.bench_phases import with_lost
from trainview import analysis
from trainview.gpus import PEAK_RATES
from trainview.statuses import STATUSES

GIB = 2.0**30
ENDS = ["completed", "failed", "stopped", "preempted", "deploy-failed", "running"]
OPEN = [status.label for status in STATUSES if not status.terminal]
AN_HOUR = pd.Timedelta(hours=1)
GPU = ["job_id", "node_id", "gpu"]
AS_OF = pd.Timestamp("2026-03-20T08:00:00Z")
# type, GPU, GPUs, GiB of one, USD a minute
TYPES = [("H100:2", "H100", 2, 80, 0.3), ("H100:1", "H100", 1, 80, 0.15), ("A100:1", "A100", 1, 80, 0.07), ("L4:1", "L4", 1, 24, 0.014)]  # fmt: skip
MIB_OF_GIB = 1024


class Fleet:
    """Jobs of two GPUs for two hours each, and what other tables tell of them."""

    def __init__(self, rows: int) -> None:
        rng = np.random.default_rng(0)
        number = np.arange(rows)
        day = rng.integers(0, 78, rows)
        submitted = day * 24 * HOUR + rng.integers(0, 20 * HOUR, rows) + 1767225600 * 10**6

        def text(prefix: str, numbers: np.ndarray) -> pd.Series:
            return pd.Series(np.char.add(prefix, numbers.astype("U12")), dtype="str")

        def clock(microseconds: np.ndarray) -> pd.Series:
            return pd.Series(microseconds.view("M8[us]")).dt.tz_localize("UTC")

        ids, project = text("j", number), rng.integers(0, max(rows // 50, 1), rows)
        self.jobs = pd.DataFrame(
            {
                "job_id": ids,
                "job_name": text("run-", number % 9),
                "project_name": text("project-", project),
                "user_email": text("user-", number % 50),
                "status": pd.Categorical.from_codes(rng.integers(0, len(ENDS), rows), ENDS),
                "instance_type_id": pd.Categorical(["H100:2"] * rows),
                "gpu_type": pd.Categorical(["H100"] * rows),
                "gpu_count": 2,
                "gpu_memory_limit_mib": 80 * MIB_OF_GIB,
                "node_count": 1,
                "gpus": 2,
                "elapsed_hours": 2.0,
                "gpu_hours": 4.0,
                "created_at": clock(submitted),
                "end_at": clock(submitted + 2 * HOUR),
                "availability_model": pd.Categorical.from_codes(
                    rng.integers(0, 2, rows), ["dedicated", "spot"]
                ),
            }
        )
        self.phases = pd.DataFrame(
            {
                "job_id": ids,
                "released_at": clock(submitted),
                "started_at": clock(submitted + HOUR // 2),
                "ended_at": self.jobs["end_at"],
                "running_hours": 1.5,
                "basis": pd.Series(["event"] * rows, dtype="str"),
            }
        )
        self.checkpoints = pd.DataFrame(
            {
                "job_id": ids,
                "checkpoint_id": text("step-", number % 7),
                "created_at": clock(submitted + HOUR),
                "size_bytes": rng.integers(1, 2**40, rows),
                "sync_status": pd.Categorical.from_codes(
                    (rng.random(rows) < 0.1).astype("int8"), ["COMPLETE", "SYNCING"]
                ),
            }
        )
        self.caches = pd.DataFrame(
            {
                "project_id": text("p", project),
                "path": np.char.add(np.char.add("hub/", (number % 5).astype("U1")), ids.to_numpy("U12")),
                "size_bytes": rng.integers(1, 2**40, rows),
                "file_type": pd.Categorical(["file"] * rows),
                "modified_at": clock(submitted),
                "captured_at": AS_OF.as_unit("us"),
            }
        ).astype({"path": "str"})  # fmt: skip
        self.queue = pd.DataFrame(
            {"job_id": ids, "waited_hours": rng.integers(0, 500, rows) / 100, "is_waiting": False}
        )
        self.bill = pd.DataFrame(
            {
                "job_id": ids,
                "project_name": self.jobs["project_name"],
                "date": clock(submitted).dt.floor("D"),
                "subtotal_usd": rng.integers(0, 100_000, rows) / 1000,
            }
        )
        self.prices = pd.DataFrame(
            TYPES, columns=["instance_type_id", "gpu_type", "gpu_count", "gib", "usd_per_minute"]
        ).assign(memory_limit_mib=200 * MIB_OF_GIB)
        self.prices["gpu_memory_limit_mib"] = self.prices.pop("gib") * MIB_OF_GIB
        start = clock(submitted)
        parts = [
            (name, gpu, value, step)
            for gpu in (0, 1)
            for name, value, step in (
                ("gpu_utilization", rng.integers(0, 100, rows) / 100, 7200.0),
                ("gpu_memory_usage_bytes", rng.integers(1, 80, rows) * GIB, 7200.0),
            )
        ]
        parts.append(("cpu_memory_usage_bytes", None, rng.integers(1, 190, rows) * GIB, 7200.0))
        metrics = [
            pd.DataFrame(
                {
                    "job_id": ids,
                    "node_id": "node-0",
                    "gpu": pd.array([gpu] * rows, "Int64"),
                    "metric": name,
                    "timestamp": start,
                    "value": value,
                    "step_seconds": step,
                }
            )
            for name, gpu, value, step in parts
        ]
        kinds = dict.fromkeys(("job_id", "node_id", "metric"), "category")
        self.metrics = pd.concat(metrics, ignore_index=True).astype(kinds)


def right_size(fleet: Fleet) -> pd.DataFrame:
    jobs, metrics = fleet.jobs, fleet.metrics
    used = metrics[metrics["metric"].isin(["gpu_utilization", "gpu_memory_usage_bytes"])]
    used = used.merge(jobs[["job_id", "created_at", "end_at"]], on="job_id")
    used = used[(used["timestamp"] >= used["created_at"]) & (used["timestamp"] < used["end_at"])]
    used = used.sort_values([*GPU, "metric", "timestamp"])
    series = used.groupby([*GPU, "metric"], observed=True, sort=False).ngroup()
    gap = (used["timestamp"].shift(-1) - used["timestamp"]).where(series == series.shift(-1))
    gap = gap.fillna(used["end_at"] - used["timestamp"]).dt.total_seconds()
    used["covered"] = np.fmin(used["step_seconds"], gap) / 3600
    busy = used[used["metric"] == "gpu_utilization"]
    busy = busy.assign(busy=busy["value"] * busy["covered"])
    memory = used[used["metric"] == "gpu_memory_usage_bytes"]
    by_gpu = busy.groupby(GPU, observed=True)[["covered", "busy"]].sum()
    by_gpu["peak"] = memory.groupby(GPU, observed=True)["value"].max()
    by_job = by_gpu.groupby("job_id", observed=True).agg(
        covered=("covered", "sum"), busy=("busy", "sum"), measured=("peak", "count"),
        total=("peak", "sum"), peak=("peak", "max"),
    )  # fmt: skip
    host = metrics[metrics["metric"] == "cpu_memory_usage_bytes"]
    by_job["host"] = host.groupby("job_id", observed=True)["value"].max()
    by_job["mean"] = by_job["busy"] / by_job["covered"]
    by_job = by_job[(by_job["mean"] < 0.3) & (by_job["mean"] >= 0.05)]
    by_job = by_job.set_index(by_job.index.astype("str"))
    rows = jobs.merge(by_job.reset_index(), on="job_id")
    rows["bytes"] = rows["gpu_memory_limit_mib"] * 1024.0**2
    rows["share"] = rows["peak"] / rows["bytes"]
    rows["measured_share"] = (rows["covered"] / rows["gpu_hours"]).clip(upper=1)
    enough = (rows["share"] < 0.5) & (rows["measured_share"] >= 0.5)
    rows = rows[enough & (rows["covered"] >= rows["gpus"]) & (rows["measured"] >= rows["gpus"])]
    types = fleet.prices.rename(columns={name: f"new_{name}" for name in fleet.prices})
    prices = fleet.prices.set_index("instance_type_id")["usd_per_minute"]
    both = rows.merge(types, how="cross")
    ratio = {
        new: max(1.0, *(a / b for a, b in zip(PEAK_RATES["H100"], PEAK_RATES[new], strict=True)))
        for new in types["new_gpu_type"]
    }
    slower = both["new_gpu_type"].map(ratio)
    size = both["new_gpu_memory_limit_mib"] * 1024.0**2 * 0.8
    work = both["gpus"] * both["mean"] * slower
    least = np.maximum(np.ceil(work / 0.8 - 1e-9), np.ceil(both["total"] / size - 1e-9))
    nodes = np.ceil(np.maximum(least, 1) / both["new_gpu_count"])
    gpus = nodes * both["new_gpu_count"]
    longer = 1 - both["mean"] + work / gpus
    price = both["instance_type_id"].astype("str").map(prices)
    old, new = price * both["node_count"] * 60, both["new_usd_per_minute"] * nodes * 60
    same = both["new_gpu_type"] == both["gpu_type"].astype("str")
    hours = both["elapsed_hours"].where(both["status"] != "deploy-failed", 0.0)
    does = (both["peak"] <= size) & (gpus <= both["gpus"]) & (nodes <= both["node_count"])
    does &= ~(both["host"] > both["new_memory_limit_mib"] * 1024.0**2 * 0.8)
    does &= (old > new * longer) & ((same & (gpus < both["gpus"])) | ~same)
    both = both.assign(
        advised_gpus=gpus.astype("int64"), saving_usd_per_hour=old - new,
        saving_usd=(old - new) * hours, saving_low_usd=(old - new * longer) * hours,
        estimated_usd=old * hours, basis=np.where(same, "fewer GPUs", "other GPUs"),
        cost=new, new_busy=work / gpus, each=np.maximum(both["peak"], both["total"] / gpus),
    )  # fmt: skip
    best = both[does].sort_values(["cost", "new_busy", "new_instance_type_id"], kind="stable")
    best = best.drop_duplicates("job_id").rename(
        columns={
            "mean": "mean_utilization", "peak": "peak_memory_bytes", "share": "peak_memory_share",
            "new_instance_type_id": "advised_instance_type_id", "new_gpu_type": "advised_gpu_type",
        }
    )  # fmt: skip
    best["reason"] = [
        f"worst GPU peaked at {peak / GIB:.0f} of {size / GIB:.0f} GiB, {busy:.0%} busy; on "
        f"{gpus} {kind} up to {each / GIB:.0f} of {mib / 1024:.0f} GiB, {new:.0%} busy"
        + ("" if basis == "fewer GPUs" else " by the peak rates of data sheets")
        for peak, size, busy, gpus, kind, each, mib, new, basis in best[
            ["peak_memory_bytes", "bytes", "mean_utilization", "advised_gpus", "advised_gpu_type",
             "each", "new_gpu_memory_limit_mib", "new_busy", "basis"]
        ].itertuples(index=False)
    ]  # fmt: skip
    return best.sort_values(
        ["saving_usd", "saving_usd_per_hour", "job_id"], ascending=[False, False, True]
    )


def spend_pace(fleet: Fleet) -> pd.DataFrame:
    bill = fleet.bill[fleet.bill["date"] <= AS_OF]
    day = (bill["date"] - bill["date"].min()).dt.days
    usd = bill.assign(day=day).groupby(["project_name", "day"])["subtotal_usd"].sum()
    usd = usd.unstack(fill_value=0.0)  # noqa: PD010 - pivot_table takes far longer
    today, begin = (int((moment - bill["date"].min()).days) for moment in (AS_OF, pd.Timestamp("2026-03-01T00:00Z")))  # fmt: skip
    usd = usd.reindex(columns=range(today + 1), fill_value=0.0)
    whole = usd.loc[:, : today - 1]
    week, month = (whole.iloc[:, -days:].sum(axis=1) / days for days in (7, 28))
    means = whole.iloc[:, -28:].T.rolling(7).sum().dropna().T / 7
    before, current = usd.loc[:, begin : today - 1].sum(axis=1), usd[today]
    left = begin + 31 - today

    def carried(pace: pd.Series) -> pd.Series:
        return before + np.maximum(current, pace) + pace * (left - 1)

    found = pd.DataFrame(
        {
            "month": pd.Timestamp("2026-03-01T00:00Z").as_unit("us"),
            "known_from": bill["date"].min(),
            "known_until": AS_OF.floor("D").as_unit("us"),
            "month_to_date_usd": before + current,
            "usd_per_day_7d": week,
            "usd_per_day_28d": month,
            "projected_usd": carried(week),
            "projected_28d_usd": carried(month),
            "projected_low_usd": carried(means.min(axis=1)),
            "projected_high_usd": carried(means.max(axis=1)),
            "unknown_jobs": 0,
            "budget_usd": np.nan,
            "used_share": np.nan,
            "projected_share": np.nan,
            "exceeded_on": pd.Series(pd.NaT, usd.index, "datetime64[us, UTC]"),
        }
    ).reset_index()
    found["order"] = found["projected_usd"].round(9)
    order = ["order", "month_to_date_usd", "project_name"]
    return found.sort_values(order, ascending=[False, False, True]).drop(columns="order")


def spot_usage(fleet: Fleet) -> pd.DataFrame:
    jobs = fleet.jobs[["job_id", "status", "gpu_hours", "gpus", "availability_model"]]
    preempted = jobs["status"] == "preempted"
    lost = with_lost(fleet, jobs[preempted], [])
    jobs = jobs.assign(
        availability_model=jobs["availability_model"].astype("str"),
        ended=(~jobs["status"].isin([*OPEN, "deploy-failed"])).astype("int64"),
        preempted=preempted.astype("int64"),
        waiting=jobs["status"].isin(["pending", "queued", "created"]).astype("int64"),
    )
    by = jobs.groupby("availability_model")
    found = by[["gpu_hours", "ended", "preempted", "waiting"]].sum()
    found.insert(0, "jobs", by.size())
    lost["lost_gpu_hours"] = lost["gpus"] * lost["lost_hours"]
    model = lost["availability_model"].astype("str")
    found["lost_gpu_hours"] = lost.groupby(model)["lost_gpu_hours"].sum()
    n, p, z = found["ended"], found["preempted"] / found["ended"], 1.959963984540054
    center, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    found["preemption_rate"] = p
    found["low"], found["high"] = (center - half) / (1 + z * z / n), (center + half) / (1 + z * z / n)  # fmt: skip
    waits = fleet.queue.merge(jobs[["job_id", "availability_model"]], on="job_id")
    waits = waits.groupby("availability_model")["waited_hours"]
    for name, share in (("p50_wait_hours", 0.5), ("p90_wait_hours", 0.9)):
        found[name] = waits.quantile(share, interpolation="lower")
    found = found.reset_index()
    return found.sort_values(["gpu_hours", "availability_model"], ascending=[False, True])


def checkpoint_usage(fleet: Fleet) -> pd.DataFrame:
    syncing = (fleet.checkpoints["sync_status"] == "SYNCING").astype("int64")
    ones = fleet.checkpoints.assign(syncing=syncing)
    ones = ones.groupby(["job_id", "checkpoint_id"], sort=False)[
        ["created_at", "size_bytes", "syncing"]
    ].max()
    rows = ones.reset_index().merge(fleet.jobs[["job_id", "project_name", "status"]], on="job_id")
    left = (rows["syncing"] > 0) & ~rows["status"].isin(OPEN)
    size = rows["size_bytes"].astype("float64")
    rows = rows.assign(
        size_bytes=size, left=size.where(left, 0.0), ended=rows["job_id"].where(left)
    )
    by = rows.groupby("project_name", sort=False)
    found = by.agg(
        jobs=("job_id", "nunique"), checkpoints=("job_id", "size"), size_bytes=("size_bytes", "sum"),
        largest_bytes=("size_bytes", "max"), latest_at=("created_at", "max"),
        syncing=("syncing", "sum"), syncing_ended_jobs=("ended", "nunique"),
        syncing_ended_bytes=("left", "sum"),
    ).reset_index()  # fmt: skip
    return found.sort_values(["size_bytes", "project_name"], ascending=[False, True])


def cache_usage(fleet: Fleet) -> pd.DataFrame:
    facts = ["file_type", "size_bytes", "modified_at", "captured_at"]
    ones = fleet.caches.astype({"file_type": "str"})
    ones = ones.groupby(["project_id", "path"], sort=False)[facts].max().reset_index()
    ones = ones[ones["file_type"] != "directory"].astype({"size_bytes": "float64"})
    found = ones.groupby("project_id", sort=False).agg(
        files=("path", "size"), size_bytes=("size_bytes", "sum"),
        largest_bytes=("size_bytes", "max"), oldest_at=("modified_at", "min"),
        latest_at=("modified_at", "max"), captured_at=("captured_at", "min"),
    ).reset_index()  # fmt: skip
    found["share"] = found["size_bytes"] / found["size_bytes"].sum()
    measured = pd.Series(pd.NaT, found.index, "datetime64[us, UTC]")
    found = found.assign(projects=1, utilization=np.nan, measured_at=measured)
    return found.sort_values(["size_bytes", "project_id"], ascending=[False, True])


PEERS: dict[Callable[[Fleet], pd.DataFrame], Callable[[Fleet], pd.DataFrame]] = {
    right_size: lambda fleet: analysis.right_size(fleet.jobs, fleet.metrics, fleet.prices),
    spend_pace: lambda fleet: analysis.spend_pace(fleet.bill, by="project_name", as_of=AS_OF),
    spot_usage: lambda fleet: analysis.spot_usage(
        fleet.jobs, fleet.phases, fleet.checkpoints, fleet.queue
    ),
    checkpoint_usage: lambda fleet: analysis.checkpoint_usage(fleet.checkpoints, fleet.jobs),
    cache_usage: lambda fleet: analysis.cache_usage(fleet.caches, by="project_id"),
}


def main() -> int:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    fleet = Fleet(rows)
    print(f"{rows:,} jobs, {len(fleet.metrics):,} samples, best of 2, seconds\n")
    print(f"{'helper':24}{'trainview':>10}{'by hand':>10}{'ratio':>8}")
    worst = 0.0
    for peer, helper in PEERS.items():
        ours, theirs = [], []
        for _ in range(2):
            seconds, result = timed(helper, fleet)
            ours.append(seconds)
            seconds, expected = timed(peer, fleet)
            theirs.append(seconds)
        expected = expected.reset_index(drop=True)[list(result)].astype(result.dtypes)
        pd.testing.assert_frame_equal(result, expected, rtol=1e-9, atol=1e-6)
        ratio = min(ours) / min(theirs)
        worst = max(worst, ratio)
        print(f"{peer.__name__:24}{min(ours):10.3f}{min(theirs):10.3f}{ratio:8.2f}", flush=True)
    print(f"\nworst ratio {worst:.2f}, limit {LIMIT}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
