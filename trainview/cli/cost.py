"""The command about money."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from trainview.cli.basis import tell_basis
from trainview.cli.options import Output, by_columns, prints_table, put, say, tell
from trainview.cli.sources import (
    SOURCE_HELP,
    Source,
    asks_for_each_job,
    jobs_with,
    need,
    takes_source,
)
from trainview.text.safe import count, safe_text

if TYPE_CHECKING:
    import pandas as pd

    from trainview.snapshot import Snapshot

_TITLE = "Cost in USD"
_NO_BILL = "there is no bill, only the estimate: trainview fetch -o fleet/ --with prices,billing"


@click.command(
    help=(
        "Say what jobs cost in USD: estimated by list prices for the time in which they held "
        "GPUs, as far as that is known; and the bill. Where the month is heading, and which jobs "
        f"would do with fewer or other GPUs.{SOURCE_HELP}"
    ),
    epilog="Example: trainview cost data/ --show over-time --freq M",
)
@asks_for_each_job
@takes_source
@by_columns("project_name")
@click.option(
    "--show",
    type=click.Choice(["estimate", "bill", "over-time", "failures", "pace", "right-size"]),
    help="Only the estimate; estimate and bill, and why they differ (--by takes reason too); both "
    "over time; what failed jobs cost; the month so far, carried on to its end, of the bill if "
    "there is one; or jobs that used little of their GPUs, and what would do. A table for people "
    "has estimate and bill, CSV and JSON the estimate unless you choose.",
)  # fmt: skip
@click.option(
    "--freq", type=click.Choice(["D", "W", "M", "Q", "Y"]),
    help="With --show over-time, which it implies: per day, week, month, quarter or year (UTC), "
    "of all jobs together unless you name --by.  [default: M]",
)  # fmt: skip
@prints_table
def cost(
    source: Source, output: Output, by: list[str] | None, show: str | None, freq: str | None
) -> None:
    if freq is not None and show not in {None, "over-time"}:
        raise click.UsageError("--freq goes with --show over-time")
    if freq is not None:
        show = "over-time"
    if show == "right-size":
        _right_size(source, output)
        return
    with_bill = show is None and output.form == "table"
    needed = ["prices"]
    if with_bill or show in {"bill", "over-time", "pace"}:
        needed.append("billing")
    snapshot = source.read(*needed)
    if show == "pace" and len(snapshot.billing):
        _pace(snapshot, output, by)
        return
    need(snapshot, "prices", ",".join(needed))
    if show == "pace":
        say(_NO_BILL)
        _pace(snapshot, output, by)
    elif show == "over-time":
        chosen = click.get_current_context().get_parameter_source("by")
        _over_time(snapshot, output, None if chosen is ParameterSource.DEFAULT else by, freq or "M")
    elif show == "failures":
        _failures(snapshot, output)
    elif show == "bill":
        _bill(snapshot, output, by)
    else:
        _estimate(snapshot, output, by, with_bill=with_bill)


def _estimate(snapshot: Snapshot, output: Output, by: list[str] | None, *, with_bill: bool) -> None:
    from trainview.analysis import estimate_cost, reconcile_cost

    jobs, keys = jobs_with(snapshot, by), by or []
    costs = estimate_cost(jobs, snapshot.prices, by=by)
    columns = ["jobs", "unpriced_jobs", "estimated_usd"]
    if not with_bill or snapshot.billing.empty:
        put(costs, output, [*keys, *columns, "share"], _TITLE)
        if output.form == "table":
            _tell_total(snapshot)
            tell_basis(snapshot, output, snapshot.prices)
        if with_bill:
            say(_NO_BILL)
        return
    billed = reconcile_cost(jobs, snapshot.prices, snapshot.billing, by=by)
    found = billed.sort_values("estimated_usd", ascending=False, kind="stable", ignore_index=True)
    unpriced = costs[[*keys, "unpriced_jobs"]]
    # a row for all together has no key
    found = found.merge(unpriced, on=keys, how="left") if keys else found.join(unpriced)
    found["unpriced_jobs"] = found["unpriced_jobs"].fillna(0).astype("int64")
    put(found, output, [*keys, *columns, "billed_usd"], _TITLE)
    _tell_total(snapshot)
    tell_basis(snapshot, output, snapshot.prices)
    click.echo()
    reasons = reconcile_cost(jobs, snapshot.prices, snapshot.billing, by="reason")
    shown = ["reason", "jobs", "estimated_usd", "billed_usd", "difference_usd"]
    put(reasons, output._replace(rows=0), shown, "Why estimate and bill differ")
    _tell_parts(reasons)


def _tell_total(snapshot: Snapshot) -> None:
    """Sum up, and name what the estimate does not have."""
    from trainview.analysis import estimate_cost, reconcile_cost
    from trainview.text.cells import cell

    costs: Any = estimate_cost(snapshot.jobs, snapshot.prices, by=None).iloc[0]
    both: Any = costs
    billed = ""
    if len(snapshot.billing):
        tables = snapshot.jobs, snapshot.prices, snapshot.billing
        both = reconcile_cost(*tables, by=None).iloc[0]
        billed = f", {cell('billed_usd', both['billed_usd'])} billed"
    estimated = cell("estimated_usd", both["estimated_usd"])
    tell(f"  {count(both['jobs'], 'job')}: {estimated} estimated{billed}")
    if costs["unpriced_jobs"]:
        types = safe_text(costs["unpriced_instance_types"])
        tell(f"  without a price: {count(costs['unpriced_jobs'], 'job')} on {types}")
    if costs["untimed_jobs"]:
        tell(f"  of unknown duration: {count(costs['untimed_jobs'], 'job')}")


def _tell_parts(reasons: pd.DataFrame) -> None:
    from trainview.text.cells import cell

    split = reasons[reasons["overhead_usd"].notna()]
    for reason, *amounts in split[["reason", "overhead_usd", "price_usd"]].to_numpy():
        overhead, price = (cell("difference_usd", amount) for amount in amounts)
        tell(f"  {reason}: {overhead} for time that was not billed")
        tell(f"  {' ' * len(reason)}  {price} for prices other than the list's")


def _bill(snapshot: Snapshot, output: Output, by: list[str] | None) -> None:
    from trainview.analysis import reconcile_cost

    need(snapshot, "billing", "prices,billing")
    found = reconcile_cost(jobs_with(snapshot, by), snapshot.prices, snapshot.billing, by=by)
    columns = ["jobs", "estimated_usd", "billed_usd", "difference_usd"]
    put(found, output, [*(by or []), *columns], "Estimate and bill in USD, the largest gap first")
    tell_basis(snapshot, output, snapshot.prices)


def _over_time(snapshot: Snapshot, output: Output, by: list[str] | None, freq: str) -> None:
    from trainview.analysis import cost_over_time
    from trainview.schema.money import total

    billing = None if snapshot.billing.empty else snapshot.billing
    found = cost_over_time(jobs_with(snapshot, by), snapshot.prices, billing, freq=freq, by=by)
    money = ["estimated_usd", *(["billed_usd"] if billing is not None else [])]
    put(found, output, [*(by or []), "period", *money], _TITLE)
    tell_basis(snapshot, output, snapshot.prices)
    if billing is None:
        say(_NO_BILL)
        return
    missing = snapshot.billing["date"].isna()
    if freq in {"M", "Q", "Y"}:
        missing &= snapshot.billing["month"].isna()
    undated = total(snapshot.billing.loc[missing, "subtotal_usd"])
    if undated:
        say(f"{undated:,.2f} USD of the bill belong to no day, and are not in it")


def _failures(snapshot: Snapshot, output: Output) -> None:
    from trainview.analysis import failure_costs

    columns = ["error", "category", "jobs", "gpu_hours", "estimated_usd"]
    title = "What failed jobs cost in USD (estimate)"
    put(failure_costs(snapshot.jobs, snapshot.prices), output, columns, title)
    tell_basis(snapshot, output, snapshot.prices, failed=True)


def _pace(snapshot: Snapshot, output: Output, by: list[str] | None) -> None:
    from trainview.analysis import spend_pace

    moment, is_bill = snapshot.as_of, len(snapshot.billing) > 0
    if is_bill:
        found = spend_pace(snapshot.billing, by=by, as_of=moment)
    else:
        jobs, prices = jobs_with(snapshot, by), snapshot.prices
        found = spend_pace(jobs=jobs, prices=prices, by=by, as_of=moment)
    columns = ["month_to_date_usd", "projected_usd", "projected_low_usd", "projected_high_usd"]
    of_month = "" if found["month"].isna().all() else f" of {found['month'].iloc[0]:%B %Y}"
    title = f"{'Bill' if is_bill else 'Estimated cost'}{of_month} in USD, extrapolated to its end"
    put(found, output, [*(by or []), *columns], title)
    if output.form != "table" or found.empty:
        return
    first: Any = found.iloc[0]
    if found["known_until"].isna().all():
        tell("  no whole day is known")
        return
    last = first["known_until"] - timedelta(days=1)
    tell(f"  known from {first['known_from']:%Y-%m-%d}; pace of the 7 days to {last:%Y-%m-%d}")
    tell("  low and high: cheapest and dearest week of 28 days")
    if found["projected_usd"].isna().all():
        tell("  -: fewer than 7 whole days are known")
    if found["unknown_jobs"].any():
        tell(f"  {count(found['unknown_jobs'].sum(), 'job')} of unknown cost not in it")


def _right_size(source: Source, output: Output) -> None:
    from trainview.analysis import right_size

    snapshot = source.read("prices", "metrics")
    need(snapshot, "prices", "prices,metrics")
    need(snapshot, "metrics", "prices,metrics")
    found = right_size(snapshot.jobs, snapshot.metrics, snapshot.prices)
    columns = ["job_name", "project_name", "advised_instance_type_id", "saving_usd"]
    if output.form == "table":
        found = found.assign(job_name=found["job_name"].fillna(found["job_id"]))
    title = "Jobs that used little of their GPUs, and the cheapest that would do"
    put(found, output, [*columns, "saving_low_usd", "reason"], title)
    if output.form != "table":
        return
    held = snapshot.jobs[snapshot.jobs["gpu_hours"] > 0]
    measured = int(held["job_id"].isin(snapshot.metrics["job_id"]).sum())
    tell(f"  {count(measured, 'job')} of {len(held):,} with GPUs measured")
    tell("  little: peak of memory below 50%, utilisation 5% to 30%")
    tell("  memory that a framework reserves looks used")
