"""How fast each helper is, next to careful pandas written by hand for the same answer.

Run it as a program: ``python tests/benchmarks/bench_helpers.py [jobs]``. It makes a jobs table of
1,000,000 rows, checks that both answers are equal, and prints the best of three runs of each. The
helpers should need at most 1.5 times as long.
"""

import sys
import time
from collections.abc import Callable
from heapq import heappop, heappush

import numpy as np
import pandas as pd

from trainview import analysis
from trainview.analysis.messages import templates
from trainview.statuses import PHASES, STATUSES

LIMIT = 1.5
HOUR = 3_600_000_000
MESSAGES = (
    "CUDA out of memory. Tried to allocate {a}.{b:02d} GiB. GPU {c} has a capacity of 79.15 GiB",
    "Job exceeded its time limit of {a} s",
    "worker 10.0.{b}.{c}:29500 did not answer at 2025-03-24T18:04:30.{a:06d}Z",
    "No space left on device: '/mnt/data/run-{a}/checkpoints'",
    "[Rank {c}] collective operation timed out: SeqNum={a}, ran for 18000{b} milliseconds",
    "Traceback (most recent call last):\n  File \"/app/train.py\", line {b}\nKeyError: 'user_{a}'",
    "checkpoint 3fa85f64-5717-4562-b3fc-2c963f{a:06x} not found in s3://bucket/{b}",
)


def make_jobs(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    number = np.arange(rows)
    shares = [0.002, 0.001, 0.001, 0.002, 0.004, 0.55, 0.25, 0.06, 0.1, 0.03]
    status = rng.choice(len(STATUSES), rows, p=shares)
    is_open = np.array([not status.terminal for status in STATUSES])[status]
    as_of = pd.Timestamp("2026-01-01").value // 1000
    age = rng.integers(0, 2 * 365 * 24 * HOUR, rows)
    created = as_of - np.where(is_open, rng.exponential(6, rows) * HOUR, age).astype("int64")
    duration = (rng.lognormal(0.5, 1.5, rows) * HOUR).astype("int64")
    updated = np.where(is_open, created + (as_of - created) // 3, created + duration)
    contradicts = rng.random(rows) < 0.0005
    updated = np.where(contradicts, created - HOUR, updated)
    end = np.where(is_open & ~contradicts, as_of, updated)
    elapsed = np.where(contradicts, np.nan, (end - created) / HOUR)
    gpu_type = rng.integers(-1, 8, rows)
    gpus = np.where(gpu_type < 0, 0, rng.choice([1, 2, 4, 8, 16, 32], rows))
    holds = np.array([status.holds_gpus for status in STATUSES])[status]
    project = rng.integers(0, max(rows // 20, 1), rows)
    failed = np.array([status.phase == "failed" for status in STATUSES])[status]
    kind, a = rng.integers(0, len(MESSAGES), rows), rng.integers(0, 100_000, rows)
    b, c = rng.integers(0, 100, rows), rng.integers(0, 8, rows)
    message = np.full(rows, None, dtype=object)
    for at in np.flatnonzero(failed):
        message[at] = MESSAGES[kind[at]].format(a=a[at], b=b[at], c=c[at])
    phase = np.array([PHASES.index(status.phase) for status in STATUSES])

    def text(prefix: str, numbers: np.ndarray) -> pd.Series:
        return pd.Series(np.char.add(prefix, numbers.astype("U12")), dtype="str")

    def clock(moments: np.ndarray) -> pd.Series:
        return pd.Series(moments.view("M8[us]")).dt.tz_localize("UTC")

    return pd.DataFrame(
        {
            "job_id": text("j", rng.permutation(number)),
            "job_name": text("run-", number % 1000),
            "project_id": text("p", project),
            "project_name": text("project-", project // 2 * 2),
            "status": pd.Categorical.from_codes(status, [status.label for status in STATUSES]),
            "phase": pd.Categorical.from_codes(phase[status], PHASES),
            "error_message": pd.Series(message, dtype="str"),
            "created_at": clock(created),
            "updated_at": clock(updated),
            "end_at": clock(end),
            "is_open": is_open,
            "elapsed_hours": elapsed,
            "gpu_type": pd.Categorical.from_codes(
                gpu_type, ["A10G", "A100", "H100", "H200", "L4", "T4", "B200", "L40S"]
            ),
            "gpus": gpus,
            "gpu_hours": np.where(holds | contradicts, gpus * elapsed, 0.0),
            "user_email": text("user-", number % 500),
        }
    )


def groups(jobs: pd.DataFrame, by: str | list[str]):
    return jobs.groupby(by, observed=True, dropna=False, sort=False)


def status_counts(jobs: pd.DataFrame) -> pd.DataFrame:
    counts = groups(jobs, ["status", "phase"]).size().rename("jobs").reset_index()
    counts = counts.astype({"status": "str", "phase": "str"})
    counts["share"] = counts["jobs"] / counts["jobs"].sum()
    return counts.sort_values(["jobs", "status", "phase"], ascending=[False, True, True])


def elapsed_stats(jobs: pd.DataFrame) -> pd.DataFrame:
    grouped = groups(jobs, "status")["elapsed_hours"]
    stats = grouped.agg(["count", "mean", "max"])
    quantiles = grouped.quantile([0.5, 0.9, 0.99]).to_numpy().reshape(-1, 3)
    stats[["p50", "p90", "p99"]] = quantiles
    stats = stats.rename(columns={"count": "jobs"}).reset_index().astype({"status": "str"})
    stats = stats[["status", "jobs", "mean", "p50", "p90", "p99", "max"]]
    return stats.sort_values(["jobs", "status"], ascending=[False, True])


def gpu_usage(jobs: pd.DataFrame) -> pd.DataFrame:
    grouped = groups(jobs, "gpu_type")
    usage = grouped[["gpus", "elapsed_hours", "gpu_hours"]].sum()
    usage.insert(0, "jobs", grouped.size())
    usage = usage.reset_index().astype({"gpu_type": "str"})
    usage["share"] = usage["gpu_hours"] / usage["gpu_hours"].sum()
    return usage.sort_values(["gpu_hours", "gpu_type"], ascending=[False, True])


def levels(jobs: pd.DataFrame):
    held = jobs.loc[jobs["gpu_hours"] > 0, ["gpu_type", "created_at", "end_at", "gpus"]]
    names = held["gpu_type"].cat.categories.sort_values()
    code = held["gpu_type"].cat.set_categories(names).cat.codes.to_numpy()
    code = np.where(code < 0, len(names), code).astype("int8")
    start = held["created_at"].astype("int64").to_numpy()
    end = held["end_at"].astype("int64").to_numpy()
    when = np.concatenate([start, end])
    order = np.argsort(when)
    code = np.concatenate([code, code])
    order = order[np.argsort(code[order], kind="stable")]
    code, when = code[order], when[order]
    level = np.cumsum(np.concatenate([held["gpus"], -held["gpus"]])[order])
    last = np.append((when[1:] != when[:-1]) | (code[1:] != code[:-1]), True)
    code, when, level = code[last], when[last], level[last]
    step = np.append(True, (level[1:] != level[:-1]) | (code[1:] != code[:-1]))
    return pd.Series([*names, None], dtype="str"), code[step], when[step], level[step]


def gpu_concurrency(jobs: pd.DataFrame) -> pd.DataFrame:
    names, code, when, level = levels(jobs)
    row = np.flatnonzero(code[1:] == code[:-1])
    return pd.DataFrame(
        {
            "gpu_type": names.take(code[row]).array,
            "start": pd.DatetimeIndex(when[row].view("M8[us]")).tz_localize("UTC"),
            "end": pd.DatetimeIndex(when[row + 1].view("M8[us]")).tz_localize("UTC"),
            "gpus": level[row],
        }
    )


def gpu_hours_over_time(jobs: pd.DataFrame) -> pd.DataFrame:
    names, code, when, level = levels(jobs)
    day = 24 * HOUR
    days = np.arange(when.min() // day * day, when.max(), day)
    parts = []
    for group in np.unique(code):
        low, high = np.searchsorted(code, [group, group + 1])
        at = np.searchsorted(when[low:high], days)
        carried = np.where(at > 0, level[low:high][at - 1], 0)
        moments = np.insert(when[low:high], at, days)
        held = np.insert(level[low:high], at, carried)
        length = np.diff(moments, append=days[-1] + day)
        heads = at + np.arange(len(at))
        hours = np.add.reduceat(held * (length / HOUR), heads)
        peaks = np.maximum.reduceat(np.where(length > 0, held, 0), heads)
        parts.append(pd.DataFrame({"gpu_type": names[group], "gpu_hours": hours, "peak": peaks}))
    result = pd.concat(parts, ignore_index=True).astype({"gpu_type": "str"})
    period = pd.DatetimeIndex(days.view("M8[us]")).tz_localize("UTC")
    result.insert(1, "period", period[np.tile(np.arange(len(days)), len(parts))])
    result.insert(3, "mean_gpus", result["gpu_hours"] / 24)
    return result.rename(columns={"peak": "peak_gpus"})


def job_timeline(jobs: pd.DataFrame) -> pd.DataFrame:
    columns = ["job_id", "job_name", "project_name", "status", "phase"]
    known = jobs[jobs["elapsed_hours"].notna()]
    start = known["created_at"].astype("int64").to_numpy()
    end = np.maximum(known["end_at"].astype("int64").to_numpy(), start + 1)
    project, names = pd.factorize(known["project_name"])
    first = np.full(len(names), np.iinfo("int64").max)
    np.minimum.at(first, project, start)
    project = np.argsort(np.argsort(first))[project]
    order = np.lexsort((start, project))
    row = []
    group, top = -1, 0
    for part, begin, stop in zip(
        project[order].tolist(), start[order].tolist(), end[order].tolist(), strict=True
    ):
        if part != group:
            group, busy, free = part, [], []
        while busy and busy[0][0] <= begin:
            heappush(free, heappop(busy)[1])
        if free:
            lane = heappop(free)
        else:
            lane, top = top, top + 1
        heappush(busy, (stop, lane))
        row.append(lane)
    lanes = np.array(row)
    packed = np.lexsort((start[order], lanes))
    result = known[[*columns, "created_at", "end_at", "elapsed_hours", "is_open"]]
    result = result.take(order[packed]).assign(lane=lanes[packed])
    # an open job has no end
    result["end_at"] = result["end_at"].where(~result["is_open"])
    odd = jobs[jobs["elapsed_hours"].isna()].sort_values(["created_at", "job_id"])
    odd = odd[result.columns[:-1]]
    odd["end_at"] = pd.Series(pd.NaT, odd.index, dtype=result["end_at"].dtype)
    result = pd.concat([result, odd]).astype({"status": "str", "phase": "str", "lane": "Int64"})
    return result.rename(columns={"created_at": "start", "end_at": "end"})


def failure_rates(jobs: pd.DataFrame) -> pd.DataFrame:
    status = jobs["status"]
    counted = pd.DataFrame(
        {
            "project_name": jobs["project_name"],
            "finished": status.isin([status.label for status in STATUSES if status.terminal]),
            "failed": status.isin(["failed", "deploy-failed"]),
        }
    )
    rates = groups(counted, "project_name").sum().reset_index()
    n, z = rates["finished"].where(rates["finished"] > 0), 1.959963984540054
    rates["failure_rate"] = rate = rates["failed"] / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    rates["low"], rates["high"] = (centre - reach).clip(0, 1), (centre + reach).clip(0, 1)
    rates.loc[rates["failed"].eq(0) & n.notna(), "low"] = 0.0
    rates.loc[rates["failed"].eq(n), "high"] = 1.0
    return rates.sort_values(["low", "project_name"], ascending=[False, True])


def error_groups(jobs: pd.DataFrame) -> pd.DataFrame:
    failed = jobs.loc[
        jobs["phase"] == "failed",
        ["error_message", "project_id", "job_id", "end_at", "gpu_hours"],
    ]
    code, messages = pd.factorize(failed["error_message"])
    cause, causes = pd.factorize(pd.Series(templates(messages.to_list()), dtype="str"))
    failed = failed.assign(cause=cause[code]).sort_values(["end_at", "job_id"])
    grouped = failed.groupby("cause")
    result = grouped.agg(
        jobs=("job_id", "size"),
        projects=("project_id", "nunique"),
        gpu_hours=("gpu_hours", "sum"),
        first_seen=("end_at", "min"),
        last_seen=("end_at", "max"),
        example=("error_message", "last"),
        job_id=("job_id", "last"),
    )
    result.insert(0, "error", causes.take(result.index))
    return result.sort_values(["jobs", "last_seen", "error"], ascending=[False, False, True])


def needs_attention(jobs: pd.DataFrame) -> pd.DataFrame:
    status, hours = jobs["status"], jobs["elapsed_hours"]
    waiting, starting = status.isin(["pending", "queued", "created"]), status == "deploying"
    running = status == "running"
    silent = (jobs["end_at"] - jobs["updated_at"]) > pd.Timedelta("72h")
    peers = jobs.loc[status == "completed", ["project_id", "elapsed_hours"]]
    peers = peers[peers["project_id"].isin(jobs.loc[running, "project_id"])]
    peers = peers.groupby("project_id")["elapsed_hours"]
    usual = peers.quantile(0.9)[peers.count() >= 5]
    limit = jobs.loc[running, "project_id"].map(usual) * 3
    long = hours[running] > limit
    finished = jobs.loc[
        ~(waiting | starting | running),
        ["project_id", "job_id", "status", "end_at", "gpu_hours"],
    ]
    failed = finished["status"].isin(["failed", "deploy-failed"])
    fine = finished[~failed].groupby("project_id")["end_at"].max()
    bad = finished[failed]
    fine = bad["project_id"].map(fine)
    bad = bad[fine.isna() | (bad["end_at"] > fine)].sort_values(["end_at", "job_id"])
    streak = bad.groupby("project_id").agg(
        size=("job_id", "size"), last=("job_id", "last"), taken=("gpu_hours", "sum")
    )
    streak = streak[streak["size"] >= 3].set_index("last")
    streak, taken = streak["size"], streak["taken"]
    failing = jobs[jobs["job_id"].isin(streak.index)]
    flagged = {
        "deploying long": jobs[starting & (hours > 1)],
        "no update": jobs[silent & (waiting | starting | running)],
        "running long": jobs.loc[long.index[long]],
        "failing repeatedly": failing,
        "waiting long": jobs[waiting & (hours > 2)],
        "inconsistent timestamps": jobs[hours.isna()],
    }
    rows = pd.concat(
        [
            rows.assign(
                reason=reason,
                rank=rank,
                value=rows["job_id"].map(streak) if rank == 3 else rows["elapsed_hours"],
                limit=limit.reindex(rows.index) if rank == 2 else 0.0,
            )
            for rank, (reason, rows) in enumerate(flagged.items())
        ]
    )
    rows["wasted_gpu_hours"] = np.select(
        [rows["rank"] == 0, rows["rank"] == 3, rows["rank"] == 4],
        [rows["gpus"] * (rows["elapsed_hours"] - 1), rows["job_id"].map(taken), 0.0],
        np.nan,
    )
    holders = rows[rows["rank"].isin([0, 1]) & rows["status"].isin(["deploying", "running"])]
    holders = in_order(holders).dropna(subset="gpu_type").drop_duplicates("gpu_type")
    does = {0: "does not come to run", 1: "gives no sign of life"}
    holders = {
        row.gpu_type: f"{row.job_name} of {row.project_name} holds {row.gpus:,} {row.gpu_type} "
        f"and {does[row.rank]}"
        for row in holders.itertuples()
    }
    remedy = rows["gpu_type"].astype("object").map(holders)
    remedy = remedy.fillna("check the GPU quota, or ask for another GPU type")
    back = (rows["created_at"] - rows["end_at"]).dt.total_seconds() / 3600
    silence = (rows["end_at"] - rows["updated_at"]).dt.total_seconds() / 3600
    texts = (
        lambda value, *_: (
            f"deploying for {value:.1f} h, limit 1 h: check the image and its registry"
        ),
        lambda _v, _l, _s, quiet, *_: (
            f"no update for {quiet:.1f} h, limit 72 h: read its logs, stop it if it hangs"
        ),
        lambda value, most, *_: (
            f"running for {value:.1f} h, limit {most:.1f} h (3 times the "
            "project's usual): check that it makes progress"
        ),
        lambda value, *_: (
            f"{value:.0f} failures in a row, limit 3: read the error before starting another job"
        ),
        lambda value, _l, label, _q, _b, what: f"{label} for {value:.1f} h, limit 2 h: {what}",
        lambda _v, _l, _s, _q, early, _w: (
            f"last changed {early * 3600:,.0f} s before it was created: its durations are not known"
        ),
    )
    rows["detail"] = [
        texts[rank](*parts)
        for rank, *parts in zip(
            *(rows[name] for name in ("rank", "value", "limit", "status")),
            *(silence, back, remedy),
            strict=True,
        )
    ]
    rows["team_name"] = pd.Series(None, rows.index, dtype="str")
    rows = in_order(rows).assign(wasted_usd=np.nan)
    shown = ["job_id", "job_name", "project_name", "team_name", "user_email", "status"]
    hours = ["elapsed_hours", "gpus", "gpu_hours", "wasted_gpu_hours", "wasted_usd"]
    rows = rows[[*shown, *hours, "reason", "detail"]]
    return rows.astype({"status": "str", "reason": "str", "detail": "str"})


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    loses = rows["wasted_gpu_hours"] > 0
    ordered = rows.assign(loses=loses, loss=rows["wasted_gpu_hours"].where(loses))
    return ordered.sort_values(
        ["loses", "loss", "rank", "gpu_hours", "job_id"],
        ascending=[False, False, True, False, True],
    )


def compare_jobs(jobs: pd.DataFrame) -> pd.DataFrame:
    """Every other job against the others, by project; without the intervals, which are quick."""
    sides = []
    for side in (jobs.iloc[::2], jobs.iloc[1::2]):
        status = side["status"]
        failed = status.isin(["failed", "deploy-failed"])
        ended = status.isin([one.label for one in STATUSES if one.terminal])
        marked = side[["project_name", "gpu_hours"]].assign(
            finished=ended, failed=failed, failed_gpu_hours=side["gpu_hours"].where(failed)
        )
        grouped = groups(marked, "project_name")
        sums = grouped[["finished", "failed"]].sum()
        hours = grouped[["gpu_hours", "failed_gpu_hours"]].sum(min_count=1)
        hours["failed_gpu_hours"] = hours["failed_gpu_hours"].mask(sums["failed"] == 0, 0.0)
        sides.append(sums.join(hours).assign(jobs=grouped.size()))
    names = sides[0].index.union(sides[1].index)
    before, after = (side.reindex(names, fill_value=0) for side in sides)
    found = pd.concat([before.add_suffix("_before"), after.add_suffix("_after")], axis="columns")
    for name in before:
        found[f"{name}_difference"] = after[name] - before[name]
        found[f"{name}_ratio"] = after[name] / before[name].where(before[name] != 0)
    found["size"] = found["gpu_hours_difference"].abs()
    found["many"] = found["jobs_difference"].abs()
    found = found.reset_index().sort_values(
        ["size", "many", "project_name"], ascending=[False, False, True]
    )
    return found[COMPARED]


COMPARED = [
    "project_name",
    *(
        f"{name}_{side}"
        for name in ("jobs", "finished", "failed", "gpu_hours", "failed_gpu_hours")
        for side in ("before", "after", "difference", "ratio")
    ),
]
# What is called otherwise than with a jobs table alone, and answers without what rules tell.
CALLS = {
    "error_groups": lambda jobs: analysis.error_groups(jobs).drop(
        columns=["category", "origin", "is_symptom", "advice"]
    ),
    "compare_jobs": lambda jobs: analysis.compare_jobs(
        jobs.iloc[::2], jobs.iloc[1::2], by="project_name"
    )[COMPARED],
}
PEERS = (
    status_counts,
    elapsed_stats,
    gpu_usage,
    gpu_concurrency,
    gpu_hours_over_time,
    job_timeline,
    failure_rates,
    error_groups,
    needs_attention,
    compare_jobs,
)


def timed(function: Callable[[pd.DataFrame], pd.DataFrame], jobs: pd.DataFrame):
    begin = time.perf_counter()
    result = function(jobs)
    return time.perf_counter() - begin, result


def main() -> int:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    jobs = make_jobs(rows)
    print(f"{rows:,} jobs, best of 3, seconds\n")
    print(f"{'helper':24}{'trainview':>10}{'by hand':>10}{'ratio':>8}")
    worst = 0.0
    for peer in PEERS:
        helper = CALLS.get(peer.__name__) or getattr(analysis, peer.__name__)
        ours, theirs = [], []
        for _ in range(3):
            seconds, result = timed(helper, jobs)
            ours.append(seconds)
            seconds, expected = timed(peer, jobs)
            theirs.append(seconds)
        expected = expected.reset_index(drop=True)
        pd.testing.assert_frame_equal(result, expected, rtol=1e-9, atol=1e-9)
        ratio = min(ours) / min(theirs)
        worst = max(worst, ratio)
        print(f"{peer.__name__:24}{min(ours):10.3f}{min(theirs):10.3f}{ratio:8.2f}")
    print(f"\nworst ratio {worst:.2f}, limit {LIMIT}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
