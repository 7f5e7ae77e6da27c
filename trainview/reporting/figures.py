"""Key figures: the numbers that stand at the top of the page."""

from typing import Any, NamedTuple

import pandas as pd

from trainview.analysis.basis import Basis
from trainview.plot.wording import money, number
from trainview.reporting.attention import alarms
from trainview.reporting.cost_readings import Costs
from trainview.reporting.outcomes import Changes
from trainview.reporting.readings import Busy, Readings
from trainview.reporting.words import usd
from trainview.text.safe import count
from trainview.text.shares import more_or_less, share

_MILLION = 1_000_000
# So many fill their rows.
_ROWS = (8, 6)
# From this ratio on, a percentage says nothing.
_TIMES = 10


class Figure(NamedTuple):
    """What a number counts, what it means, the number, its unit, and whether it is alarming."""

    name: str
    hint: str
    value: str
    unit: str = ""
    alarming: bool = False


def key_figures(readings: Readings) -> list[Figure]:
    """List the numbers that stand at the top of the page.

    Parameters
    ----------
    readings : Readings
        What the helpers say.

    Returns
    -------
    list of Figure
        What was spent, how that changed, and what is being lost come first.
    """
    figures = readings.figures
    hours, rate = figures["GPU-hours"], figures["failure rate"]
    jobs = readings.snapshot.jobs
    phases = jobs.loc[jobs["is_open"], "phase"].value_counts()
    open_jobs = [
        f"{phases[phase]:,} {phase}"
        for phase in ("running", "starting", "waiting")
        if phases.get(phase)
    ]
    types, held = len(readings.held), f"{figures['GPUs held now']:,.0f}"
    ended = f"{figures['jobs failed']:,.0f} of {figures['jobs finished']:,.0f} that ended"
    found = [
        *_money(readings.costs),
        *_change(readings.changes),
        _losing(readings, int(figures["jobs that need attention"])),
        *_goodput(readings),
        Figure(
            "failed",
            ended if figures["jobs finished"] else "no job has ended",
            "n/a" if pd.isna(rate) else share(rate),
        ),
        Figure(*_counted(readings.basis), *_large(hours, number(hours))),
        *_idle(readings.busy),
        Figure("GPUs held now", f"of {count(types, 'type')}" if types else "none in use", held),
    ]
    # the head of the page tells how many jobs there are, too
    more = [
        Figure("open jobs", ", ".join(open_jobs) or "all ended", f"{figures['jobs open']:,.0f}"),
        Figure(
            "job" if len(jobs) == 1 else "jobs",
            f"in {count(figures['projects'], 'project')}",
            f"{len(jobs):,}",
        ),
    ]
    return [*found, *more][: next(most for most in _ROWS if len(found) + len(more) >= most)]


def _change(changes: Changes | None) -> list[Figure]:
    """Say by how much more, or less, was spent than before."""
    if changes is None or pd.isna(changes.spent["difference"]):
        return []
    spent = changes.spent
    what, before, after = spent["figure"], spent["before"], spent["after"]
    amount, unit = f"{abs(spent['difference']):,.0f}", "GPU-hours"
    if what != "GPU-hours":
        what, unit = what.removeprefix("USD "), "USD"
    sign = "" if amount == "0" else "+" if spent["difference"] > 0 else "-"
    of_it = f"{what} {before:,.0f} \N{RIGHTWARDS ARROW} {after:,.0f}"
    ratio = f" ({more_or_less(spent['ratio'])})" if spent["ratio"] < _TIMES else ""
    window = f"{changes.length()} from {changes.since.day} {changes.since:%B}"
    against = f"the {changes.length()} before" if changes.has_equal() else "those before"
    hint = f"{of_it}{ratio}: {window}, against {against}"
    return [Figure("change", hint, f"{sign}{amount}", unit)]


def _losing(readings: Readings, attention: int) -> Figure:
    """Say what is being lost now, in money where that is known, else in GPU-hours or jobs."""
    lost: Any = readings.attention[["wasted_usd", "wasted_gpu_hours"]].sum()
    is_alarming = alarms(readings.attention).burning()
    jobs = len(readings.snapshot.jobs)
    need = f"{attention:,} of {count(jobs, 'job')} need{'s' if attention == 1 else ''} attention"
    if lost["wasted_usd"] > 0:
        amount = _large(lost["wasted_usd"], money(lost["wasted_usd"]), "USD")
        return Figure("being lost now", f"so far; {need}", *amount, is_alarming)
    if lost["wasted_gpu_hours"] > 0:
        amount = _large(lost["wasted_gpu_hours"], number(lost["wasted_gpu_hours"]), "GPU-hours")
        return Figure("being lost now", f"so far; {need}", *amount, is_alarming)
    name = "needs attention" if attention == 1 else "need attention"
    return Figure(name, f"of {count(jobs, 'job')}", f"{attention:,}", "", is_alarming)


def _counted(basis: Basis) -> tuple[str, str]:
    """Name GPU-hours, and say whether they are an upper bound."""
    if basis.submitted == 1:
        return "GPU-hours at most", "counted from submission"
    if basis.submitted > 0:
        return "GPU-hours", f"{share(basis.submitted)} of them an upper bound"
    return "GPU-hours", "counted from release" if basis.submitted == 0 else "none held"


def _large(amount: float, text: str, unit: str = "") -> tuple[str, str]:
    """Write a number, and its unit; in millions if that is shorter."""
    if amount < _MILLION:
        return text, unit
    return f"{amount / _MILLION:,.2f}", f"million {unit}".strip()


def _money(costs: Costs | None) -> list[Figure]:
    if costs is None:
        return []
    estimated, billed = costs.estimate(), costs.billed
    if not costs.priced:
        return [Figure("billed", "no list prices", *_large(billed, money(billed), "USD"))]
    if pd.notna(billed):
        hint = "no estimate" if pd.isna(estimated) else f"estimated: {usd(estimated)}"
        return [Figure("billed", hint, *_large(billed, money(billed), "USD"))]
    hint = "at list prices"
    if pd.isna(estimated):
        return [Figure("cost", hint, "n/a")]
    return [Figure("estimated cost", hint, *_large(estimated, money(estimated), "USD"))]


def wasted(readings: Readings, before: str) -> str:
    """Say what those that need attention waste, in money where that is known."""
    lost: Any = readings.attention[["wasted_usd", "wasted_gpu_hours"]].sum()
    if lost["wasted_usd"] > 0:
        return f"{before}{usd(lost['wasted_usd'])}"
    hours = lost["wasted_gpu_hours"]
    return f"{before}{number(hours)} GPU-hours" if hours > 0 else ""


def _goodput(readings: Readings) -> list[Figure]:
    health = readings.health
    if not health.is_known() or pd.isna(health.total["goodput"]):
        return []
    lost = health.losses()
    hint = "an upper bound"
    if lost["lost_gpu_hours"] > 0:
        money = f", {usd(lost['lost_usd'])}" if lost["lost_usd"] > 0 else ""
        hint += f"; {number(lost['lost_gpu_hours'])} GPU-hours lost{money}"
    return [Figure("goodput at most", hint, share(health.total["goodput"]))]


def _idle(busy: Busy | None) -> list[Figure]:
    if busy is None or not busy.idle["covered_gpu_hours"].sum() > 0:
        return []
    idle = busy.idle[["idle_gpu_hours", "covered_gpu_hours", "idle_usd"]].sum()
    part = idle["idle_gpu_hours"] / idle["covered_gpu_hours"]
    cost = f", {usd(idle['idle_usd'])}" if idle["idle_usd"] > 0 else ""
    known = busy.total["measured_share"]
    of_held = "" if pd.isna(known) else f"; {share(known)} of GPU-hours measured"
    hint = f"{number(idle['idle_gpu_hours'])} GPU-hours{cost}{of_held}"
    return [Figure("of GPU time idle", hint, share(part))]
