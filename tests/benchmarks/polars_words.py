"""The questions of `bench_scale` in Polars' own words, as somebody writes them who knows it well.

One function a question, of the name of the helper; columns have the names that the helper gives them.
Each is lazy, streams what Polars can stream, and trusts what is known of these tables: prices are
unique, times fit together, and nobody asks about rows in another order.
"""

from collections.abc import Callable

import polars as pl

from trainview.analysis.intervals import Z_95

Tables = Callable[[str], pl.LazyFrame]

FREE = ["pending", "queued", "created", "deploy-failed"]
OPEN = [*FREE[:-1], "deploying", "running"]
GPU = ["job_id", "node_id", "gpu"]
SERIES = [*GPU, "metric"]
SHOWN = [
    "job_id",
    "job_name",
    "project_name",
    "user_email",
    "status",
    "gpus",
    "elapsed_hours",
    "gpu_hours",
]
HOUR, DAY = 3_600_000_000, 86_400_000_000
hours, usd, value = pl.col("elapsed_hours"), pl.col("usd"), pl.col("value")
begin, end, time = pl.col("created_at"), pl.col("end_at"), pl.col("t")
LATEST = pl.col("job_id").filter(end == end.max()).max()
is_failed = pl.col("phase") == "failed"


def status_counts(table: Tables) -> pl.LazyFrame:
    return table("jobs").group_by("status", "phase").agg(jobs=pl.len())


def elapsed_stats(table: Tables) -> pl.LazyFrame:
    places = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    quantiles = {name: hours.quantile(at, "linear") for name, at in places.items()}
    summary = {"jobs": hours.count(), "mean": hours.mean(), "max": hours.max()}
    return table("jobs").group_by("status").agg(**summary, **quantiles)


def gpu_usage(table: Tables) -> pl.LazyFrame:
    sums = pl.col("gpus", "elapsed_hours", "gpu_hours").sum()
    return table("jobs").group_by("gpu_type").agg(sums, jobs=pl.len())


def _held(table: Tables) -> pl.LazyFrame:
    return table("jobs").filter(pl.col("gpu_hours") > 0)


def _changes(
    jobs: pl.LazyFrame, key: str, *others: pl.LazyFrame, **changes: pl.Expr
) -> pl.LazyFrame:
    """Sum up what begins and ends at each moment."""
    ends = {name: -change for name, change in changes.items()}
    both = [jobs.select(key, t=begin, **changes), jobs.select(key, t=end, **ends)]
    return pl.concat([*both, *others]).group_by(key, "t").agg(pl.col(*changes).sum())


def _next(of: pl.Expr, *keys: str) -> pl.Expr:
    """Take what the next row has, where that is of the same group, of rows in order."""
    is_same = pl.all_horizontal(pl.col(key) == pl.col(key).shift(-1) for key in keys)
    return pl.when(is_same).then(of.shift(-1))


def gpu_concurrency(table: Tables) -> pl.LazyFrame:
    changes = _changes(_held(table), "gpu_type", gpus=pl.col("gpus"))
    return (
        changes.filter(pl.col("gpus") != 0)
        .sort("gpu_type", "t")
        # all that begins in a group ends in it
        .select("gpu_type", start="t", end=_next(time, "gpu_type"), gpus=pl.col("gpus").cum_sum())
        .filter(pl.col("end").is_not_null())
    )


def gpu_hours_over_time(table: Tables) -> pl.LazyFrame:
    held = _held(table)
    days = held.select(
        t=pl.datetime_range(begin.min().dt.truncate("1d"), end.max(), "1d", closed="left")
    )
    edges = held.select("gpu_type").unique().join(days, how="cross")
    edges = edges.with_columns(gpus=pl.lit(0, pl.Int64))
    lasts = (_next(time, "gpu_type") - time).dt.total_microseconds()
    return (
        _changes(held, "gpu_type", edges, gpus=pl.col("gpus"))
        .sort("gpu_type", "t")
        .select("gpu_type", "t", gpus=pl.col("gpus").cum_sum(), lasts=lasts)
        .group_by("gpu_type", period=time.dt.truncate("1d"))
        .agg(gpu_hours=pl.col("gpus").dot("lasts") / HOUR, peak_gpus=pl.col("gpus").max())
        # some end with the last day
        .join(days, left_on="period", right_on="t", how="semi")
        .sort("gpu_type", "period")
    )


def quota(table: Tables) -> pl.LazyFrame:
    gpus, limit = pl.col("gpus"), pl.col("limit")
    holds, waits = pl.col("gpu_hours") > 0, pl.col("phase") == "waiting"
    asked = table("jobs").filter(gpus > 0, holds | (waits & (end > begin)))
    kinds = {"held": holds, "pending": ~holds}
    changes = {name: pl.when(kind).then(gpus).otherwise(0) for name, kind in kinds.items()}
    held, pending = pl.col("held"), pl.col("pending")
    over = pl.max_horizontal(held + pending - limit, 0)
    lasts, at_limit = pl.col("lasts"), held + pending >= limit
    return (
        _changes(asked, "gpu_type", **changes)
        .sort("gpu_type", "t")
        .with_columns(
            pl.col("held", "pending").cum_sum(),
            lasts=(_next(time, "gpu_type") - time).dt.total_microseconds(),
        )
        .join(table("capacity").select("gpu_type", limit.cast(pl.Int64)), on="gpu_type", how="left")
        .group_by("gpu_type")
        .agg(
            peak_gpus=held.max(),
            peak_pending_gpus=pending.max(),
            pending_gpu_hours=(pending * lasts).sum() / HOUR,
            mean_gpus=(held * lasts).sum(),
            at_limit_share=lasts.filter(at_limit).sum(),
            over_limit_gpu_hours=(over * lasts).sum() / HOUR,
        )
        .join(asked.select(us=(end.max() - begin.min()).dt.total_microseconds()), how="cross")
        .with_columns(pl.col("mean_gpus", "at_limit_share") / pl.col("us"))
        .drop("us")
    )


def failure_rates(table: Tables) -> pl.LazyFrame:
    finished, failed = pl.col("finished"), pl.col("failed")
    n, z2 = finished.replace(0, None).cast(pl.Float64), Z_95**2
    reach = (failed * (n - failed) / n + z2 / 4).sqrt() * Z_95
    low, high = ((failed + z2 / 2 + sign * reach) / (n + z2) for sign in (-1, 1))
    return (
        table("jobs")
        .group_by("project_name")
        .agg(finished=(~pl.col("status").is_in(OPEN)).sum(), failed=is_failed.sum())
        .with_columns(
            failure_rate=failed / n,
            low=pl.when(failed > 0).then(low).otherwise(n * 0),
            high=pl.when(failed < n).then(high).otherwise(n * 0 + 1),
        )
        .sort("low", "project_name", descending=[True, False], nulls_last=True)
    )


def _priced(table: Tables) -> pl.LazyFrame:
    price = pl.col("usd_per_minute").cast(pl.Float64)
    prices = table("prices").select("instance_type_id", price=price)
    minutes = pl.when(pl.col("status").is_in(FREE)).then(0.0).otherwise(hours * 60)
    cost = pl.when(pl.col("status").is_in(FREE)).then(0.0)
    cost = cost.otherwise(pl.col("price") * pl.col("node_count") * hours * 60)
    priced = table("jobs").join(prices, on="instance_type_id", how="left")
    return priced.with_columns(minutes=minutes, usd=cost)


def _unpriced() -> pl.Expr:
    return (pl.col("price").is_null() & ~pl.col("status").is_in(FREE)).sum()


def _by_shape(failed: pl.LazyFrame, **sums: pl.Expr) -> pl.LazyFrame:
    """Take all words that differ only in their numbers for one message."""
    shape = pl.col("error_message").str.replace_all("[0-9]+", "0")
    summary = {"jobs": pl.len(), "last_seen": end.max(), "job_id": LATEST}
    found = failed.group_by(shape=shape).agg(pl.col("gpu_hours").sum(), **summary, **sums)
    return found.drop("shape")


def error_groups(table: Tables) -> pl.LazyFrame:
    others = {"projects": pl.col("project_id").n_unique(), "first_seen": end.min()}
    return _by_shape(table("jobs").filter(is_failed), **others)


def failure_costs(table: Tables) -> pl.LazyFrame:
    costs = {"estimated_usd": usd.sum(), "unpriced_jobs": _unpriced()}
    return _by_shape(_priced(table).filter(is_failed), **costs)


def estimate_cost(table: Tables) -> pl.LazyFrame:
    costs = ~pl.col("status").is_in(FREE)
    types = pl.col("instance_type_id").filter(costs & pl.col("price").is_null())
    summary = {
        "jobs": pl.len(),
        "unpriced_jobs": _unpriced(),
        "untimed_jobs": (costs & hours.is_null()).sum(),
        "estimated_usd": usd.sum(),
        "unpriced_instance_types": types.unique().sort().str.join(", ").replace("", None),
    }
    by_project = _priced(table).group_by("project_name").agg(pl.col("gpu_hours").sum(), **summary)
    share = pl.col("estimated_usd") / pl.col("estimated_usd").sum()
    return by_project.with_columns(share=share)


def cost_over_time(table: Tables) -> pl.LazyFrame:
    rate = pl.col("price") * pl.col("node_count")
    costing = _priced(table).filter(usd > 0)
    days = pl.datetime_range(begin.min().dt.truncate("1d"), end.max(), "1d", closed="left")
    every = costing.select("team_name").unique().join(costing.select(day=days), how="cross")
    day, us = time.dt.truncate("1d"), (time - time.dt.truncate("1d")).dt.total_microseconds()
    both = [costing.select("team_name", t=begin, rate=rate)]
    both.append(costing.select("team_name", t=end, rate=-rate))
    changes = (
        pl.concat(both)
        .group_by("team_name", day=day)
        .agg(pl.col("rate").sum(), cut=(pl.col("rate") * us).sum())
    )
    level = pl.col("rate").fill_null(0).cum_sum().over("team_name")
    return (
        every.join(changes, on=["team_name", "day"], how="left")
        .sort("team_name", "day")
        .select(
            "team_name",
            period="day",
            estimated_usd=(level * DAY - pl.col("cut").fill_null(0)) / (HOUR / 60),
        )
    )


def reconcile_cost(table: Tables) -> pl.LazyFrame:
    day, one_day = pl.col("date"), pl.duration(days=1)
    billed, billed_minutes = pl.col("billed_usd"), pl.col("billed_minutes")
    bill = (
        table("billing")
        .group_by("job_id")
        .agg(
            billed_for=pl.col("project_name").sort_by("date").last(),
            is_deleted=pl.col("is_deleted").any(),
            billed_usd=pl.col("subtotal_usd").sum().cast(pl.Float64),
            billed_minutes=pl.col("minutes").sum(),
            billed_from=day.min(),
            billed_until=day.max() + one_day,
        )
        .with_columns(in_bill=True)
    )
    spans = [
        table("jobs").select(begun=begin.min(), ended=end.max()),
        table("billing").select(first=day.min(), last=day.max() + one_day),
    ]
    nothing_billed, minutes = billed.fill_null(0.0) == 0, pl.col("minutes")
    reasons = {
        "not assigned to a job": begin.is_null() & pl.col("job_id").is_null(),
        "deleted job": begin.is_null() & pl.col("is_deleted"),
        "before the first job": begin.is_null() & (pl.col("billed_until") <= pl.col("begun")),
        "after the last job": begin.is_null() & (pl.col("billed_from") >= pl.col("ended")),
        "not in the jobs table": begin.is_null(),
        "free": (usd == 0) & nothing_billed,
        "billed, though free": (usd == 0) & (minutes == 0),
        "no price": pl.col("price").is_null(),
        "no known duration": usd.is_null(),
        "queueing and deployment": pl.col("in_bill"),
        "before the first billed day": end <= pl.col("first"),
        "after the last billed day": begin >= pl.col("last"),
    }
    reason: pl.Expr = pl.lit("not billed")
    for name, holds in reversed(reasons.items()):
        reason = pl.when(holds).then(pl.lit(name)).otherwise(reason)
    overhead = (minutes - billed_minutes) * pl.col("node_count") * pl.col("price")
    sums = {
        "estimated_usd": usd, "billed_usd": billed, "overhead_usd": overhead,
        "price_usd": usd - billed - overhead, "estimated_minutes": minutes,
        "billed_minutes": billed_minutes,
    }  # fmt: skip
    explained = pl.col("reason") == "queueing and deployment"
    both = pl.when(explained).then(pl.col("overhead_usd", "price_usd"))
    known = {name: pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()) for name in sums}
    difference = pl.col("estimated_usd").fill_null(0) - billed.fill_null(0)
    jobs = _priced(table).select(
        *("job_id", "project_name", "created_at", "end_at", "node_count", "price"),
        *("minutes", "usd"),
    )
    return (
        jobs.join(bill, on="job_id", how="full", coalesce=True)
        .join(spans[0], how="cross")
        .join(spans[1], how="cross")
        .with_columns(reason=reason, project_name=pl.coalesce("project_name", "billed_for"))
        .select("project_name", "reason", **sums)
        .with_columns(both)
        .group_by("project_name", "reason")
        .agg(jobs=pl.len(), **known)
        .with_columns(difference_usd=difference)
        .sort(pl.col("difference_usd").abs(), descending=True)
    )


def _seen(table: Tables) -> pl.LazyFrame:
    """Estimate, at each time at which a job was last seen to wait, the share that waits longer."""
    waits, censored = pl.col("is_waiting"), pl.col("censored")
    jobs, risk = pl.col("jobs"), pl.col("at_risk")
    gone = jobs - censored
    return (
        table("queue")
        .filter(pl.col("waited_hours") >= 0)
        .group_by("gpu_type", "waited_hours")
        .agg(
            jobs=pl.len().cast(pl.Int64),
            waiting=waits.sum(),
            censored=(waits | pl.col("released_at").is_null()).sum().cast(pl.Int64),
        )
        .sort("gpu_type", "waited_hours")
        .with_columns(at_risk=jobs.cum_sum(reverse=True).over("gpu_type"))
        .with_columns(
            share_waiting=(1 - gone / risk).cum_prod().over("gpu_type"),
            part=pl.when(risk > gone).then(gone / (risk * (risk - gone))).otherwise(0.0),
        )
    )


def queue_waits(table: Tables) -> pl.LazyFrame:
    waited, share = pl.col("waited_hours"), pl.col("share_waiting")
    places = {"p50": 0.5, "p90": 0.1, "p99": 0.01}
    quantiles = {name: waited.filter(share <= at + 1e-12).min() for name, at in places.items()}
    sums = pl.col("jobs", "waiting").sum()
    found = _seen(table).group_by("gpu_type").agg(sums, **quantiles, longest_wait=waited.max())
    return found.sort("longest_wait", descending=True)


def queue_wait_curve(table: Tables) -> pl.LazyFrame:
    share, variance = pl.col("share_waiting"), pl.col("part").cum_sum().over("gpu_type")
    reach = (Z_95 * variance.sqrt() / share.log().abs()).exp()
    bounds = {
        name: pl.when(share >= 1).then(1.0).when(share > 0).then(share**power)
        for name, power in {"low": reach, "high": 1 / reach}.items()
    }
    columns = ["gpu_type", "waited_hours", "share_waiting", "low", "high", "at_risk"]
    first = table("queue").filter(pl.col("waited_hours") >= 0).group_by("gpu_type")
    ones = dict.fromkeys(["share_waiting", "low", "high"], pl.lit(1.0))
    begins = first.agg(at_risk=pl.len().cast(pl.Int64))
    begins = begins.with_columns(**ones, waited_hours=pl.lit(0.0))
    curve = _seen(table).with_columns(**bounds).select(columns)
    # what is first at 0 stays first
    return pl.concat([begins.select(columns), curve]).sort(
        "gpu_type", "waited_hours", maintain_order=True
    )


def _samples(table: Tables, *metrics: str) -> pl.LazyFrame:
    """Add how long samples speak for, in microseconds, of series that lie one after the other."""
    step = (pl.col("step_seconds").cast(pl.Float64) * 1e6).cast(pl.Int64)
    lasts = (_next(pl.col("timestamp"), *SERIES) - pl.col("timestamp")).dt.total_microseconds()
    samples = table("metrics").filter(pl.col("metric").is_in(metrics))
    return samples.with_columns(step=step, gap=lasts).with_columns(
        covered=pl.min_horizontal("gap", "step")
    )


def utilization(table: Tables) -> pl.LazyFrame:
    busy = pl.col("metric") == "gpu_utilization"
    gap, covered = pl.col("gap"), pl.col("covered").filter(busy)
    missed = ((gap / pl.col("step") - 0.5).ceil() - 1).clip(0).filter(busy).sum()
    return (
        _samples(table, "gpu_utilization", "gpu_memory_usage_bytes")
        .group_by(GPU)
        .agg(
            samples=busy.sum(),
            covered_gpu_hours=covered.sum() / HOUR,
            missing_share=missed / (missed + busy.sum()),
            mean_utilization=(value.filter(busy) * covered).sum() / covered.sum(),
            p50_utilization=value.filter(busy).quantile(0.5, "linear"),
            p95_utilization=value.filter(busy).quantile(0.95, "linear"),
            max_memory_bytes=value.filter(~busy).max(),
        )
        .sort("mean_utilization")
    )


def utilization_over_time(table: Tables) -> pl.LazyFrame:
    covered = pl.col("covered")
    return (
        _samples(table, "gpu_utilization")
        .group_by(period=pl.col("timestamp").dt.truncate("1h"))
        .agg(
            mean_utilization=(value * covered).sum() / covered.sum(),
            samples=pl.len(),
            covered_gpu_hours=covered.sum() / HOUR,
        )
        .sort("period")
    )


def idle_gpus(table: Tables) -> pl.LazyFrame:
    price = pl.col("usd_per_minute").cast(pl.Float64) * 60 / pl.col("gpu_count")
    jobs = table("jobs").join(table("prices"), on="instance_type_id", how="left")
    jobs = jobs.select("job_id", "end_at", usd_per_hour=price)
    left = (end - pl.col("timestamp")).dt.total_microseconds()
    is_new = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in GPU)
    is_idle, covered = value < 0.05, pl.col("covered")
    # a sample that is missing ends a stretch
    breaks = ~is_idle | ~is_idle.shift(1) | (pl.col("gap").shift(1) > 1.5 * pl.col("step").shift(1))
    idle = covered.filter(is_idle).sum()
    return (
        _samples(table, "gpu_utilization")
        .join(jobs, on="job_id", maintain_order="left")
        .filter(pl.col("timestamp") < end)
        .with_columns(covered=pl.min_horizontal(covered, left))
        .with_columns(stretch=(is_new | breaks).fill_null(value=True).cum_sum())
        .group_by(*GPU, "stretch")
        .agg(covered.sum(), idle=idle, usd_per_hour=pl.col("usd_per_hour").first())
        .group_by(GPU)
        .agg(
            covered_gpu_hours=covered.sum() / HOUR,
            idle_gpu_hours=pl.col("idle").sum() / HOUR,
            longest_idle_hours=pl.col("idle").max() / HOUR,
            idle_usd=pl.col("idle").sum() / HOUR * pl.col("usd_per_hour").first(),
        )
        .sort("idle_gpu_hours", descending=True)
    )


def needs_attention(table: Tables) -> pl.LazyFrame:
    jobs, status, project = table("jobs"), pl.col("status"), "project_id"
    usual = jobs.filter(status == "completed").group_by(project)
    usual = usual.agg(completed=hours.count(), usual=hours.quantile(0.9, "linear"))
    running = jobs.filter(status == "running").join(usual, on=project)
    running = running.filter(pl.col("completed") >= 5, hours > 3 * pl.col("usual"))
    waiting = jobs.filter(status.is_in(OPEN[:3]), hours > 2)
    silent = jobs.filter(status.is_in(OPEN), end - pl.col("updated_at") > pl.duration(hours=72))
    ended = jobs.filter(~status.is_in(OPEN))
    fine = ended.filter(~is_failed).group_by(project).agg(fine=end.max())
    failing = (
        ended.filter(is_failed)
        .join(fine, on=project, how="left")
        .filter(pl.col("fine").is_null() | (end > pl.col("fine")))
        .group_by(project)
        .agg(LATEST, streak=pl.len())
        .filter(pl.col("streak") >= 3)
    )
    failing = jobs.join(failing, on="job_id", how="semi")
    reasons = {
        "running long": running, "waiting long": waiting, "no update": silent,
        "failing repeatedly": failing,
    }  # fmt: skip
    return pl.concat(
        found.select(*SHOWN, reason=pl.lit(reason)) for reason, found in reasons.items()
    )
