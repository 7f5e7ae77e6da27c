"""How fast the helpers of cost and utilisation are, next to pandas written by hand.

Run it as a program: ``python -m tests.benchmarks.bench_fleet [jobs]``. It makes 1,000,000 jobs and
5 metrics rows for each, checks that both answers are equal, and prints the best of three runs of
each. The helpers should need at most twice as long.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from tests.benchmarks.bench_helpers import make_jobs
from trainview import analysis
from trainview.statuses import STATUSES

LIMIT = 2.0
FREE = [status.label for status in STATUSES if not status.holds_gpus]
GPU = ["job_id", "node_id", "gpu"]
THRESHOLD = 0.05


def make_fleet(rows: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    jobs = make_jobs(rows)
    kind = rng.integers(0, 20, rows)
    jobs = jobs.assign(
        instance_type_id=pd.Categorical.from_codes(kind, [f"type-{n:02d}" for n in range(20)]),
        node_count=rng.integers(1, 9, rows),
        gpu_count=8,
    )
    prices = pd.DataFrame(
        {"instance_type_id": [f"type-{n:02d}" for n in range(19)], "usd_per_minute": np.arange(19) / 50}
    )  # fmt: skip
    return jobs, prices, make_metrics(jobs, 5 * rows)


def make_metrics(jobs: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Series of about 1,500 samples, one in 200 missing, idle in stretches."""
    rng = np.random.default_rng(1)
    series = np.arange(rows) // 1_500
    minute = np.arange(rows) % 1_500
    stretch = rng.random(rows // 100 + 1) < 0.2
    value = np.where(stretch[np.arange(rows) // 100], 0.01, rng.random(rows))
    metrics = pd.DataFrame(
        {
            "job_id": pd.Categorical.from_codes(series // 8, jobs["job_id"].iloc[: rows // 12_000 + 1]),
            "node_id": pd.Categorical.from_codes(np.zeros(rows, "int8"), ["node-0"]),
            "gpu": pd.array(series % 8, "Int64"),
            "metric": pd.Categorical.from_codes(np.zeros(rows, "int8"), ["gpu_utilization"]),
            "timestamp": pd.to_datetime(minute * 60_000_000, unit="us", utc=True).as_unit("us"),
            "value": value,
            "step_seconds": 60.0,
        }
    )  # fmt: skip
    return metrics[rng.random(rows) > 0.005].reset_index(drop=True)


def estimate_cost(jobs: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    price = jobs["instance_type_id"].map(prices.set_index("instance_type_id")["usd_per_minute"])
    price, free = price.astype("float64"), jobs["status"].isin(FREE)
    unpriced = ~free & price.isna()
    rows = pd.DataFrame(
        {
            "project_name": jobs["project_name"],
            "jobs": 1,
            "unpriced_jobs": unpriced.astype("int64"),
            "untimed_jobs": (~free & jobs["elapsed_hours"].isna()).astype("int64"),
            "gpu_hours": jobs["gpu_hours"],
            "estimated_usd": (price * jobs["node_count"] * jobs["elapsed_hours"] * 60).where(~free, 0),
        }
    )  # fmt: skip
    grouped = rows.groupby("project_name")
    costs = grouped[["jobs", "unpriced_jobs", "untimed_jobs", "gpu_hours"]].sum()
    costs["estimated_usd"] = grouped["estimated_usd"].sum(min_count=1)
    costs["share"] = costs["estimated_usd"] / costs["estimated_usd"].sum()
    pairs = jobs.loc[unpriced, ["project_name", "instance_type_id"]].drop_duplicates()
    pairs = pairs.astype("str").sort_values(["project_name", "instance_type_id"])
    costs["unpriced_instance_types"] = pairs.groupby("project_name")["instance_type_id"].agg(
        ", ".join
    )
    costs = costs.reset_index()
    return costs.sort_values(["estimated_usd", "project_name"], ascending=[False, True])


def with_coverage(metrics: pd.DataFrame, end: "pd.Series[pd.Timestamp] | None") -> pd.DataFrame:
    """Sort samples, and say how many seconds each covers and how many are missing behind it."""
    frame = metrics.assign(end=pd.NaT if end is None else end)
    frame = frame.sort_values([*GPU, "timestamp"], ignore_index=True)
    frame["series"] = frame.groupby(GPU, observed=True, sort=False).ngroup()
    follows = frame["series"] == frame["series"].shift(-1)
    gap = (frame["timestamp"].shift(-1) - frame["timestamp"]).dt.total_seconds().where(follows)
    frame["missing"] = (np.ceil(gap / frame["step_seconds"] - 0.5) - 1).clip(lower=0)
    if end is not None:
        gap = gap.fillna((frame["end"] - frame["timestamp"]).dt.total_seconds().clip(lower=0))
    frame["covered"] = np.fmin(frame["step_seconds"], gap)
    return frame


def idle_gpus(metrics: pd.DataFrame, jobs: pd.DataFrame) -> pd.DataFrame:
    end = metrics["job_id"].map(jobs.set_index("job_id")["end_at"]).astype(jobs["end_at"].dtype)
    frame = with_coverage(metrics, end)
    series, idle = frame["series"], frame["value"] < THRESHOLD
    goes_on = (series == series.shift()) & idle.shift(fill_value=False)
    goes_on &= frame["missing"].shift() == 0
    stretch = (~goes_on).cumsum()[idle]
    of_idle = frame[idle].groupby([series[idle], stretch], sort=False)
    lengths = pd.DataFrame(
        {"length": of_idle["covered"].sum(), "start": of_idle["timestamp"].first()}
    ).reset_index(level=1, drop=True)
    longest = lengths.sort_values(["length", "start"], ascending=[False, True], kind="stable")
    longest = longest[~longest.index.duplicated()]
    sums = frame.groupby("series")[["covered"]].sum()
    sums["gpus"] = 1
    sums["covered_gpu_hours"] = sums["covered"] / 3600
    sums["idle_gpu_hours"] = frame["covered"].where(idle, 0).groupby(series).sum() / 3600
    sums["idle_share"] = sums["idle_gpu_hours"] / sums["covered_gpu_hours"]
    sums["longest_idle_hours"] = (longest["length"] / 3600).reindex(sums.index, fill_value=0.0)
    sums["longest_idle_start"] = longest["start"]
    length = pd.to_timedelta(longest["length"] * 1e6, unit="us")
    sums["longest_idle_end"] = longest["start"] + length
    sums["idle_usd"] = np.nan
    keys = frame.drop_duplicates("series")[[*GPU, "series"]].set_index("series")
    result = keys.join(sums.drop(columns="covered")).astype({"job_id": "str", "node_id": "str"})
    order = ["idle_gpu_hours", *GPU]
    return result.sort_values(order, ascending=[False, True, True, True])


def utilization(metrics: pd.DataFrame) -> pd.DataFrame:
    frame = with_coverage(metrics, None)
    frame["weighted"] = frame["value"] * frame["step_seconds"]
    grouped = frame.groupby([*GPU, "series"], observed=True, sort=False)
    sums = grouped[["covered", "missing", "weighted", "step_seconds"]].sum()
    result = pd.DataFrame({"gpus": 1, "samples": grouped.size()})
    result["covered_gpu_hours"] = sums["covered"] / 3600
    result["missing_share"] = sums["missing"] / (sums["missing"] + result["samples"])
    result["mean_utilization"] = sums["weighted"] / sums["step_seconds"]
    quantiles = grouped["value"].quantile([0.5, 0.95]).to_numpy().reshape(-1, 2)
    result[["p50_utilization", "p95_utilization"]] = quantiles
    result[["mean_memory_share", "max_memory_bytes"]] = np.nan
    result = result.reset_index().astype({"job_id": "str", "node_id": "str"})
    result["order"] = result["mean_utilization"].round(9)
    return result.sort_values(["order", *GPU]).drop(columns=["order", "series"])


def best(function: Callable[..., pd.DataFrame], *tables: pd.DataFrame):
    found = []
    for _ in range(3):
        begin = time.perf_counter()
        result = function(*tables)
        found.append(time.perf_counter() - begin)
    return min(found), result


def main() -> int:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    jobs, prices, metrics = make_fleet(rows)
    print(f"{rows:,} jobs, {len(metrics):,} samples, best of 3, seconds\n")
    print(f"{'helper':24}{'trainview':>10}{'by hand':>10}{'ratio':>8}")
    worst = 0.0
    for peer, tables in (
        (estimate_cost, (jobs, prices)),
        (idle_gpus, (metrics, jobs)),
        (utilization, (metrics,)),
    ):
        ours, result = best(getattr(analysis, peer.__name__), *tables)
        theirs, expected = best(peer, *tables)
        expected = expected.reset_index(drop=True)
        pd.testing.assert_frame_equal(result, expected, rtol=1e-9, atol=1e-9, check_dtype=False)
        worst = max(worst, ours / theirs)
        print(f"{peer.__name__:24}{ours:10.3f}{theirs:10.3f}{ours / theirs:8.2f}")
    print(f"\nworst ratio {worst:.2f}, limit {LIMIT}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
