"""What jobs cost: by project, over the calendar, beside the bill, and for failures."""

from typing import Any

import pandas as pd
from markupsafe import Markup

from trainview import plot
from trainview.plot.wording import signed_money
from trainview.reporting.cost_readings import Costs
from trainview.reporting.parts import (
    BARS,
    ROWS,
    TEXTS,
    Chart,
    Part,
    Shape,
    Table,
    Topic,
    bars,
    shell,
)
from trainview.reporting.readings import Readings
from trainview.reporting.waterfall import WATERFALL, find_steps, plot_waterfall
from trainview.reporting.words import (
    PERIODS,
    day,
    each,
    error_name,
    joined,
    name,
    names,
    row_name,
    usd,
)
from trainview.text.safe import count
from trainview.text.shares import share

_AMOUNTS = ["jobs", "estimated_usd", "billed_usd", "difference_usd", "overhead_usd", "price_usd"]
# Amounts below are written as 0.
_CENT = 0.005
# Budgets that a sentence is about.
_MOST_BUDGETS = 4
# Rows of two bars.
_PAIRS = Shape(row=0.46, around=1.3)
_RECONCILE = 'tv.reconcile_cost(snap.jobs, snap.prices, snap.billing, by="{}")'


def costs(readings: Readings) -> Topic | None:
    """Say what jobs cost, as far as prices and a bill tell; None where there is neither."""
    found = readings.costs
    if found is None:
        return None
    lead = Markup(" ").join([*_estimate(found), *_bill(found, readings.snapshot.billing)])
    parts = []
    if found.estimate() > 0 or found.billed > 0:
        parts += [_by_project(found), _over_time(found)]
    if found.estimate() > 0 and found.reasons is not None:
        parts.append(_reasons(found.reasons))
    if found.failures["estimated_usd"].sum() > 0:
        parts.append(_failures(found))
    if found.pace["month_to_date_usd"].sum() > 0:
        parts.append(_pace(found, has_bill=len(readings.snapshot.billing) > 0))
    parts += [_budgets(kind, paces) for kind, paces in found.budgets.items()]
    if found.smaller is not None and len(found.smaller):
        parts.append(_smaller(found.smaller))
    return Topic(lead, parts)


def _estimate(found: Costs) -> list[Markup | str]:
    """Say what the estimate is, and what is not in it."""
    if not found.priced:
        return []
    total, estimate = found.total, found.estimate()
    said: list[Markup | str] = [
        f"Estimated: {usd(estimate)} at list prices, counted {found.basis.words()}."
    ]
    if not estimate > 0:
        said = ["No estimate is possible." if pd.isna(estimate) else "No job costs anything."]
    missing: list[Markup | str] = []
    if total["unpriced_jobs"]:
        types = name("instance_type_id", total["unpriced_instance_types"], 100)
        jobs = count(total["unpriced_jobs"], "job")
        missing.append(Markup("{} whose instance type has no price ({})").format(jobs, types))
    if total["untimed_jobs"]:
        missing.append(f"{count(total['untimed_jobs'], 'job')} of unknown duration")
    return [*said, Markup("Left out: {}.").format(joined(missing))] if missing else said


def _bill(found: Costs, billing: pd.DataFrame) -> list[str]:
    """Say what was billed, and for when."""
    dates = billing["date"].dropna()
    if pd.isna(found.billed):
        return []
    if dates.empty:
        return [f"{usd(found.billed)} were billed, for no certain days."]
    days = " to ".join(dict.fromkeys([day(dates.min()), day(dates.max())]))
    undated = found.billed - found.over_time["billed_usd"].sum()
    rest = f"; {usd(undated)} of it for no certain day" if undated >= _CENT else ""
    return [f"{usd(found.billed)} were billed, for {days}{rest}."]


def _by_project(found: Costs) -> Part:
    has_bill, has_estimate = "billed_usd" in found.by_project, found.estimate() > 0
    money, of = ("estimated_usd", "the estimate") if has_estimate else ("billed_usd", "the bill")
    used = found.by_project[found.by_project[money] > 0]
    used = used.sort_values(money, ascending=False, kind="stable")
    shares = used[money] / used[money].sum()
    lead = Markup("{} took {} of {}.").format(
        names("project_name", used["project_name"].head(3)), share(shares.head(3).sum()), of
    )
    chart = None
    if has_estimate:
        rest = share(shares.iloc[BARS:].sum())
        chart = bars(
            plot.plot_reconcile_cost if has_bill else plot.plot_estimate_cost,
            used,
            "Cost by project, as bars.",
            lambda row: f"{row_name('project_name', row)}: {_amounts(row)}",
            shape=_PAIRS if has_bill else ROWS,
            of=f"projects; the others took {rest}",
        )
    columns = ["jobs", "gpu_hours", "estimated_usd", "share", "unpriced_jobs", "untimed_jobs"]
    command = shell("cost")
    if has_bill:
        columns = _AMOUNTS if found.priced else ["jobs", "billed_usd", "billed_minutes"]
        command = _RECONCILE.format("project_name")
    table = Table(found.by_project, "Cost by project", ["project_name", *columns], command)
    return Part("costs-project", "By project", lead, chart, table)


def _amounts(row: Any) -> str:
    """Read an estimate out, and the bill that there may be."""
    said = ["no estimate" if pd.isna(row.estimated_usd) else f"estimated {usd(row.estimated_usd)}"]
    if hasattr(row, "billed_usd"):
        said.append("no bill" if pd.isna(row.billed_usd) else f"billed {usd(row.billed_usd)}")
    return ", ".join(said)


def _over_time(found: Costs) -> Part:
    frame, period = found.over_time, PERIODS[found.freq]
    estimated = frame["estimated_usd"].sum() > 0
    money, what = ("estimated_usd", "an estimated ") if estimated else ("billed_usd", "")
    known = frame[frame[money] > 0]
    lead = "The bill is not for certain days."
    if len(known):
        most = known.sort_values(money, ascending=False, kind="stable").iloc[0]
        lead = f"The {period} of {day(most['period'])} was the most expensive, "
        lead += f"{what}{usd(most[money])}."
    if len(known) == len(frame) == 1:
        lead = f"All of it falls into one {period}, that of {day(most['period'])}."
    label = f"Cost of each {period}, as bars for the estimate and strokes for the bill. {lead}"
    chart = (
        Chart(plot.plot_cost_over_time, frame, label, along="period") if len(frame) > 1 else None
    )
    table = Table(
        frame[::-1],
        f"Cost per {period}, newest first",
        ["period", "estimated_usd", "billed_usd"],
        f'tv.cost_over_time(snap.jobs, snap.prices, snap.billing, freq="{found.freq}")',
    )
    return Part("costs-time", "Over time", lead, chart, table)


def _reasons(reasons: pd.DataFrame) -> Part:
    difference, steps = reasons["difference_usd"].sum(), find_steps(reasons)
    lead = "Estimate and bill are equal"
    if abs(difference) >= _CENT:
        side = "below" if difference > 0 else "above"
        lead = f"The bill is {usd(abs(difference))} {side} the estimate"
    told = [f"{step.name} {signed_money(step.usd)} USD" for step in steps]
    why = f": {joined(told)}" if told else ""
    reasons = reasons[reasons[["estimated_usd", "billed_usd"]].sum(axis=1) > 0]
    caption = "Estimate and bill by the reason of their difference"
    more = max(len(steps) - len(reasons), 0)
    chart = bars(
        plot_waterfall,
        reasons,
        "From the estimate to the bill, by the reason of their difference, as a waterfall.",
        lambda row: f"{row.reason}: {_amounts(row)}",
        shape=WATERFALL._replace(around=WATERFALL.around + more * WATERFALL.row),
        least=1,
    )
    table = Table(reasons, caption, ["reason", *_AMOUNTS], _RECONCILE.format("reason"))
    return Part("costs-reason", "Why estimate and bill differ", f"{lead}{why}.", chart, table)


def _failures(found: Costs) -> Part:
    failures = found.failures
    first, lost = failures.iloc[0], failures["estimated_usd"].sum()
    lead = Markup("Failed jobs cost an estimated {}, {} of all; {} of it for {}: {}.").format(
        usd(lost),
        share(lost / found.estimate()),
        usd(first["estimated_usd"]),
        count(first["jobs"], "job"),
        name("error", error_name(first["error"]), 100),
    )
    costly = failures[failures["estimated_usd"] > 0]
    if len(costly) > BARS:
        lead += f" The {BARS} most expensive errors are shown, all are in the table."
    chart = bars(
        plot.plot_failure_costs,
        costly,
        "Cost of each error, as bars.",
        lambda row: f"{usd(row.estimated_usd)}: {error_name(row.error, 100)}",
        shape=TEXTS,
    )
    columns = ["unpriced_jobs", "gpu_hours", "estimated_usd", "job_id"]
    table = Table(
        failures,
        "Cost of failed jobs by error",
        ["error", "category", "jobs", *columns],
        shell("cost", "--show failures"),
    )
    return Part("costs-failures", "What failures cost", lead, chart, table)


def _pace(found: Costs, *, has_bill: bool) -> Part:
    """Say what the month has cost so far, and where it is heading."""
    total = found.pace.iloc[0]
    what = "by the bill" if has_bill else "by the estimate"
    lead = f"{total['month']:%B %Y} has cost {usd(total['month_to_date_usd'])} so far, {what}"
    if pd.notna(total["usd_per_day_7d"]):
        lead += f": {usd(total['usd_per_day_7d'])} a day over the last 7 whole days"
        if pd.notna(total["usd_per_day_28d"]):
            lead += f", {usd(total['usd_per_day_28d'])} over the last 28"
    lead += "."
    if pd.notna(total["projected_usd"]) and total["projected_usd"] > total["month_to_date_usd"]:
        lead += f" If it goes on like that, it comes to {usd(total['projected_usd'])}"
        if pd.notna(total["projected_low_usd"]):
            lead += f" ({usd(total['projected_low_usd'])} to {usd(total['projected_high_usd'])})"
        lead += ": an extrapolation, no forecast."
    rows = found.paces[found.paces["month_to_date_usd"] > 0]
    columns = ["month_to_date_usd", "usd_per_day_7d", "usd_per_day_28d", "projected_usd"]
    bounds = ["projected_low_usd", "projected_high_usd"]
    command = shell("cost", "--show pace --by project_name")
    caption = "The month by project"
    table = Table(rows, caption, ["project_name", *columns, *bounds], command)
    return Part("costs-pace", "Where the month is heading", lead, None, table)


def _budgets(kind: str, paces: pd.DataFrame) -> Part:
    """Say which budgets the month will exceed, if it goes on like that."""
    column = f"{kind}_name"
    rows = paces[paces["budget_usd"].notna()]
    order = rows[["projected_share", "used_share"]].max(axis=1)
    rows = rows.loc[order.sort_values(ascending=False, kind="stable").index]
    said = [_of_budget(column, row) for row in each(rows)]
    lead = Markup(" ").join(said[:_MOST_BUDGETS])
    lead = lead or Markup("None of these has cost anything this month.")
    if len(said) > _MOST_BUDGETS:
        lead += f" The table has all {len(said):,}."
    amounts = ["budget_usd", "month_to_date_usd", "used_share", "projected_usd"]
    columns = [column, *amounts, "projected_share", "exceeded_on"]
    command = f'tv.spend_pace(snap.billing, budget={{...}}, by="{column}")'
    table = Table(rows, f"Budgets by {kind}", columns, command)
    return Part(f"costs-budgets-{kind}", f"Budgets by {kind}", lead, None, table)


def _of_budget(column: str, row: Any) -> Markup:
    who = name(column, getattr(row, column))
    if pd.isna(row.month_to_date_usd):
        return Markup("{}: nothing is known of the month.").format(who)
    used = f"{usd(row.month_to_date_usd)} of {usd(row.budget_usd)} so far"
    used += "" if pd.isna(row.used_share) else f" ({share(row.used_share)})"
    heading = ""
    if pd.notna(row.exceeded_on):
        was = row.month_to_date_usd > row.budget_usd
        day_of = day(row.exceeded_on)
        heading = f"; exceeded on {day_of}" if was else f"; at this pace it is exceeded on {day_of}"
    elif pd.notna(row.projected_share):
        heading = f"; at this pace {share(row.projected_share)} at the end of the month"
    return Markup("{}: {}{}.").format(who, used, heading)


def _smaller(advice: pd.DataFrame) -> Part:
    """Say which jobs would have done with smaller GPUs."""
    saving, low = advice["saving_usd"].sum(), advice["saving_low_usd"].sum()
    lead = f"{count(len(advice), 'job')} used little of their GPUs: smaller ones would have saved "
    lead += f"up to {usd(saving)}, at least {usd(max(low, 0))} if they make the jobs slower. "
    lead += "A hint: memory that a framework reserves looks used."
    chart = bars(
        plot.plot_right_size,
        advice,
        "What smaller GPUs would have saved by job, as bars.",
        lambda row: f"{row.job_id}: {row.advised_instance_type_id}",
        shape=ROWS,
    )
    columns = ["project_name", "job_id", "instance_type_id", "advised_instance_type_id"]
    table = Table(
        advice,
        "Jobs that used little of their GPUs",
        [*columns, "saving_usd", "saving_low_usd", "reason"],
        shell("cost", "--show right-size"),
    )
    return Part("costs-smaller", "What smaller GPUs would save", lead, chart, table)
