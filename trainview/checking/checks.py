"""The check: rules and their limits in, what was found out."""

import math
import warnings
from datetime import datetime, timedelta
from typing import Any, cast

import pandas as pd

from trainview.analysis import clip_jobs
from trainview.checking.registry import RULES
from trainview.checking.rules import MEASURES, Context, Finding
from trainview.errors import ArgumentError, DataWarning
from trainview.loading import to_moment
from trainview.snapshot import Snapshot

_LONGEST = timedelta(days=36525)


def check(  # noqa: PLR0913 - each rule is an argument
    snapshot: Snapshot,
    *,
    since: datetime | timedelta | str | None = None,
    max_failure_rate: float | None = None,
    max_pending_hours: float | None = None,
    max_silent_hours: float | None = None,
    max_cost_usd: float | None = None,
    max_idle_gpu_hours: float | None = None,
    min_utilization: float | None = None,
    max_wait_p90_hours: float | None = None,
) -> pd.DataFrame:
    """Check whether a fleet keeps some rules.

    A value that is just at its limit keeps the rule. A rule whose data is not there is an error:
    nothing is taken for fine because nobody measured it.

    Parameters
    ----------
    snapshot : Snapshot
        What to check.
    since : datetime.datetime, datetime.timedelta or str, optional
        Look at what happened from this moment on: jobs and metrics are cut to it. A timedelta is
        counted back from the snapshot's ``as_of``; text is a moment in ISO 8601, with its zone.
    max_failure_rate : float, optional
        Failed jobs, as a fraction of those that ended, 0 to 1.
    max_pending_hours : float, optional
        Hours that any job may have waited that waits now, since it was submitted.
    max_silent_hours : float, optional
        Hours since the record of any open job has changed.
    max_cost_usd : float, optional
        USD, as estimated by `estimate_cost` at list prices. Needs ``prices``.
    max_idle_gpu_hours : float, optional
        GPU-hours in which GPUs were held and idle, as found by `idle_gpus`. Needs ``metrics``.
    min_utilization : float, optional
        Mean utilisation of all GPUs, 0 to 1, as found by `utilization`. Needs ``metrics``.
    max_wait_p90_hours : float, optional
        Hours in the queue after which nine of ten of the jobs that were submitted have been
        released, as estimated by `queue_waits`. Needs ``queue``.

    Returns
    -------
    pandas.DataFrame
        One row a rule, the broken ones first.

        - ``rule`` (text): its name on the command line, such as ``max-pending``
        - ``limit`` (float64): what was asked for
        - ``value`` (float64): what was found; null where there is nothing to measure, such as the
          failure rate of no jobs
        - ``unit`` (text): of both: share, h, USD or GPU h
        - ``broken`` (bool): whether the value is beyond the limit
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
    }
    limits = {name: _limit(name, value) for name, value in asked.items() if value is not None}
    if not limits:
        raise ArgumentError(f"no rule to check: give one of {', '.join(asked)}")
    start = _start(snapshot, since)
    jobs = snapshot.jobs if start is None else clip_jobs(snapshot.jobs, start)
    context = Context(snapshot, start, jobs)
    if snapshot.latest_only and len(snapshot.jobs):
        message = "only the latest job of each project is known: the rules speak of those alone"
        warnings.warn(message, DataWarning, stacklevel=2)
    rows = []
    for name, limit in limits.items():
        found, broken = _apply(name, limit, context)
        rule, detail = RULES[name], "; ".join((found.story, *found.gaps))
        rows.append((rule.name, limit, found.value, rule.unit, broken, detail))
        if found.gaps and not broken:
            message = f"{rule.name} holds for what is known: {'; '.join(found.gaps)}"
            warnings.warn(message, DataWarning, stacklevel=2)
    table = pd.DataFrame(rows, columns=["rule", "limit", "value", "unit", "broken", "detail"])
    table = table.astype({"rule": "str", "value": "float64", "unit": "str", "detail": "str"})
    return table.sort_values("broken", ascending=False, kind="stable", ignore_index=True)


def _limit(name: str, value: object) -> float:
    is_share = RULES[name].unit == "share"
    most = 1.0 if is_share else math.inf
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    number = float(cast("float", value)) if is_number else math.nan
    if not (0 <= number <= most and math.isfinite(number)):
        wanted = "a fraction from 0 to 1" if is_share else "a number from 0"
        raise ArgumentError(f"{name}={value!r}: give {wanted}")
    return number


def _start(snapshot: Snapshot, since: datetime | timedelta | str | None) -> pd.Timestamp | None:
    # without any data there is no moment to count from, and nothing to cut
    if since is None or snapshot.as_of is None:
        return None
    if isinstance(since, timedelta):
        if since > _LONGEST:
            raise ArgumentError(f"since={since!r}: give at most a hundred years")
        start: Any = snapshot.as_of - since
    else:
        start = to_moment(since, "since")
    if start >= snapshot.as_of:
        raise ArgumentError(
            f"since={since!r}: give a moment before that of the data, {snapshot.as_of}"
        )
    return pd.Timestamp(start)


def _apply(name: str, limit: float, context: Context) -> tuple[Finding, bool]:
    rule = RULES[name]
    found = MEASURES[name](context, limit)
    if found is None:
        when = "" if context.since is None else f" since {context.since:%Y-%m-%d %H:%M} UTC"
        raise ArgumentError(
            f"{rule.name}: there is no data for it ({rule.table}{when}): fetch it with "
            f"include={[rule.table]} (trainview fetch -o fleet/ --with {rule.table})"
        )
    value = found.value
    is_most = rule.name.startswith("max")
    return found, value is not None and (value > limit if is_most else value < limit)
