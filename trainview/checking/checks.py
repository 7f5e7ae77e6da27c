"""The check: rules and their limits in, what was found out."""

import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

import pandas as pd

from trainview.analysis.pandas_dtypes import TEXT
from trainview.checking.findings import Context, Finding
from trainview.checking.registry import RULES
from trainview.checking.rules import MEASURES
from trainview.checking.spending import budget_findings, check_budgets
from trainview.errors import ArgumentError, DataWarning
from trainview.snapshot import Snapshot, refined
from trainview.text.moments import Moment, read_moment
from trainview.text.safe import safe_text

Found = TypeVar("Found")
# As the table is sorted.
_VERDICTS = ("broken", "unproven", "holds")


def check(  # noqa: PLR0913 - each rule is an argument
    snapshot: Snapshot,
    *,
    since: Moment | None = None,
    max_failure_rate: float | None = None,
    max_pending_hours: float | None = None,
    max_silent_hours: float | None = None,
    max_cost_usd: float | None = None,
    max_idle_gpu_hours: float | None = None,
    min_utilization: float | None = None,
    max_wait_p90_hours: float | None = None,
    max_projected_cost_usd: float | None = None,
    budgets: Mapping[str, Mapping[str, float]] | None = None,
) -> pd.DataFrame:
    """Check whether a fleet keeps some rules.

    A value that is just at its limit keeps the rule. A rule whose data is not there is an error,
    and one that too little data is there for is unproven: nothing is taken for fine because nobody
    measured it. That is so where under half of the GPU-hours were measured (for the cost: under
    half of the jobs have a known cost; for the wait: under half are in the queue table), unless
    the part that is known is beyond the limit by itself; and where too few jobs have been released
    to tell how long nine of ten wait.

    Parameters
    ----------
    snapshot : Snapshot
        What to check.
    since : datetime, date, timedelta or str, optional
        Look at what happened from this moment on: all tables are cut to it, as by
        `Snapshot.clip`. A timedelta, or text such as ``7d``, is counted back from the snapshot's
        ``as_of``; a day such as ``2026-03-24`` begins at midnight UTC. How long jobs wait or are
        silent is told of them as they are now.
    max_failure_rate : float, optional
        Failed jobs, as a fraction of those that ended, 0 to 1.
    max_pending_hours : float, optional
        Hours that any job may have waited that waits now, since it was submitted.
    max_silent_hours : float, optional
        Hours since the record of any open job has changed.
    max_cost_usd : float, optional
        USD, as estimated by `estimate_cost` at list prices, of the jobs as `Snapshot.refine` gives
        them. Needs ``prices``.
    max_idle_gpu_hours : float, optional
        GPU-hours in which GPUs were held and idle, as found by `idle_gpus`. Needs ``metrics``.
    min_utilization : float, optional
        Mean utilisation of all GPUs, 0 to 1, as found by `utilization` of the jobs. Needs
        ``metrics``.
    max_wait_p90_hours : float, optional
        Hours in the queue after which nine of ten of the jobs that were submitted have been
        released, as estimated by `queue_waits`. Needs ``queue``.
    max_projected_cost_usd : float, optional
        USD that the month of ``as_of`` will have cost at its end, if it goes on like the last 7
        days, as extrapolated by `spend_pace`; whatever `since` is. Of the bill if there is one,
        else of the estimate, which needs ``prices``.
    budgets : mapping, optional
        USD a month by name of a ``team`` or ``project``, such as
        ``{"team": {"research": 20_000}}``: a rule for each, like the one above.

    Returns
    -------
    pandas.DataFrame
        One row a rule, the broken ones first, then those that are unproven.

        - ``rule`` (text): its name on the command line, such as ``max-pending``, or ``budget of
          team research``
        - ``limit`` (float64): what was asked for
        - ``value`` (float64): what was found; null where there is nothing to measure, such as the
          failure rate of no jobs
        - ``unit`` (text): of both: share, h, USD or GPU h
        - ``broken`` (bool): whether the rule is surely broken
        - ``verdict`` (text): ``broken``, ``unproven`` where the data cannot decide, or ``holds``
        - ``detail`` (text): what the value is made of, and what is missing in it

    Raises
    ------
    ArgumentError
        If there is no rule, a limit is out of range, `since` is no moment of the past, or the
        data that a rule needs is not there.

    Warns
    -----
    DataWarning
        If only the latest job of each project is known: the rules speak of those alone. If a rule
        holds, but some jobs are not in its value: not measured, without a price, of unknown
        duration, not in the queue table.

    Examples
    --------
    >>> import trainview as tv
    >>> snap = tv.load(tv.sample(projects=2, jobs_per_project=5))
    >>> found = tv.check(snap, max_failure_rate=1.0, max_pending_hours=24)
    >>> found[["rule", "limit", "unit", "broken"]]
                   rule  limit   unit  broken
    0  max-failure-rate    1.0  share   False
    1       max-pending   24.0      h   False
    """
    asked = {
        "max_failure_rate": max_failure_rate,
        "max_pending_hours": max_pending_hours,
        "max_silent_hours": max_silent_hours,
        "max_cost_usd": max_cost_usd,
        "max_idle_gpu_hours": max_idle_gpu_hours,
        "min_utilization": min_utilization,
        "max_wait_p90_hours": max_wait_p90_hours,
        "max_projected_cost_usd": max_projected_cost_usd,
    }
    limits = {name: _limit(name, value) for name, value in asked.items() if value is not None}
    amounts = check_budgets(budgets)
    if not limits and not any(amounts.values()):
        raise ArgumentError(f"no rule to check: give one of {', '.join(asked)}, budgets")
    # without any data there is no moment to count from, and nothing to cut
    start = None
    if since is not None and snapshot.as_of is not None:
        start = read_moment(since, "since", snapshot.as_of.to_pydatetime())
    snapshot = refined(snapshot)
    context = Context(snapshot, snapshot.clip(start), start)
    if snapshot.latest_only and len(snapshot.jobs):
        message = "only the latest job of each project is known: the rules speak of those alone"
        warnings.warn(message, DataWarning, stacklevel=2)
    rows = []
    for rule, unit, limit, found in _findings(limits, amounts, context):
        verdict = _verdict(rule, limit, found)
        detail = "; ".join((found.story, *found.gaps))
        broken = verdict == "broken"
        rows.append((rule, limit, found.value, unit, broken, verdict, detail))
        message = ""
        if verdict == "unproven":
            message = f"{safe_text(rule)} is unproven: {detail}"
        elif found.gaps and not broken:
            message = f"{safe_text(rule)} holds for what is known: {'; '.join(found.gaps)}"
        if message:
            warnings.warn(message, DataWarning, stacklevel=2)
    columns = ["rule", "limit", "value", "unit", "broken", "verdict", "detail"]
    table = pd.DataFrame(rows, columns=columns)
    text: dict[str, Any] = dict.fromkeys(["rule", "unit", "verdict", "detail"], TEXT)
    table = table.astype({"value": "float64"} | text)
    order = table["verdict"].map(_VERDICTS.index)
    return table.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def _limit(name: str, value: object) -> float:
    is_share = RULES[name].unit == "share"
    most = 1.0 if is_share else math.inf
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    number = float(cast("float", value)) if is_number else math.nan
    if not (0 <= number <= most and math.isfinite(number)):
        wanted = "a fraction from 0 to 1" if is_share else "a number from 0"
        raise ArgumentError(f"{name}={value!r}: give {wanted}")
    return number


def _findings(
    limits: Mapping[str, float], budgets: Mapping[str, Mapping[str, float]], context: Context
) -> Iterator[tuple[str, str, float, Finding]]:
    """Go through the rules: name, unit, limit, and what was found."""
    for name, limit in limits.items():
        rule = RULES[name]
        found = MEASURES[name](context, limit)
        yield rule.name, rule.unit, limit, _there(found, name, str(rule.table), context)
    for kind, amounts in budgets.items():
        if not amounts:
            continue
        by_name = _there(budget_findings(context, kind, amounts), "budgets", "prices", context)
        for name, limit in amounts.items():
            yield f"budget of {kind} {name}", "USD", limit, by_name[name]


def _there(found: Found | None, name: str, table: str, context: Context) -> Found:
    if found is None:
        when = "" if context.since is None else f" since {context.since:%Y-%m-%d %H:%M} UTC"
        raise ArgumentError(
            f"{name}: there is no data for it ({table}{when}): fetch it with include={[table]}"
        )
    return found


def _verdict(rule: str, limit: float, found: Finding) -> str:
    value = found.value
    if value is None:
        return "holds" if found.can_hold else "unproven"
    beyond = value < limit if rule.startswith("min") else value > limit
    if beyond:
        return "broken" if found.can_break else "unproven"
    return "holds" if found.can_hold else "unproven"
