"""Where the month's cost is heading: the pace of the last days, carried on to the month's end."""

from collections.abc import Mapping
from datetime import timedelta
from numbers import Real
from typing import cast

import numpy as np
import pandas as pd

from trainview.analysis.cost_over_time import US_PER_DAY
from trainview.analysis.frames import (
    By,
    Integers,
    Numbers,
    give_back_small,
    group_keys,
)
from trainview.analysis.pandas_dtypes import TEXT
from trainview.analysis.spending import WEEK, WEEKS, Spent, of_bill, of_jobs
from trainview.analysis.steps import timestamps
from trainview.analysis.times import EPOCH
from trainview.errors import ArgumentError
from trainview.schema.table_types import AnyDataFrame, DataFrame
from trainview.text.moments import Moment, read_moment
from trainview.text.safe import safe_text

RESULT = (
    *("month", "known_from", "known_until", "month_to_date_usd", "usd_per_day_7d"),
    *("usd_per_day_28d", "projected_usd", "projected_28d_usd", "projected_low_usd"),
    *("projected_high_usd", "unknown_jobs", "budget_usd", "used_share", "projected_share"),
    "exceeded_on",
)


def spend_pace(
    billing: DataFrame | None = None,
    *,
    jobs: DataFrame | None = None,
    prices: AnyDataFrame | None = None,
    budget: float | Mapping[str, float] | None = None,
    by: By = None,
    as_of: Moment | None = None,
) -> DataFrame:
    """Tell what the month has cost so far, and extrapolate it to the month's end.

    The mean of the last 7 whole days, and of the last 28, is carried on to the end of the month
    (UTC). That is an extrapolation, not a forecast: nobody knows which jobs will start. Its range
    is what comes of the cheapest and of the dearest 7 days in a row among the last 28. Only whole
    days count for the means; what has been spent on the day that is not over counts too, and is
    carried on if it is less than a mean day.

    Give a bill; or jobs and prices, for the estimate as by `cost_over_time`.

    Parameters
    ----------
    billing : pandas, Polars, DuckDB or PySpark table, optional
        A billing table with ``date``, ``job_id``, ``subtotal_usd`` and the columns of `by`, and
        ``month`` if it has that. A bill tells nothing of the days before its first and after its
        last.
    jobs : pandas, Polars, DuckDB or PySpark table, optional
        Instead of a bill: a jobs table as for `cost_over_time`.
    prices : pandas, Polars, DuckDB or PySpark table, optional
        For `jobs`: a prices table with ``instance_type_id`` and ``usd_per_minute``.
    budget : float, or mapping of str to float, optional
        USD a month: of every row, or by the values of the one column of `by`.
    by : str or sequence of str, optional
        Columns to group by, of the bill or of jobs; None for all together. What a bill gives to
        no team is ``unknown``.
    as_of : datetime, date or str, optional
        The moment that the data describes; what is dated later is left out. When left out: the
        newest end of a job; or the last day of the bill, which may be cut, so it counts as one
        that is not over.

    Returns
    -------
    table of the same kind as `billing` or `jobs`
        One row a group, the one that will cost most first.

        - the columns of `by`, categories as text
        - ``month`` (datetime, UTC): start of the month
        - ``known_from``, ``known_until`` (datetime, UTC): the whole days that are known, first day
          and end of the last; null where there are none
        - ``month_to_date_usd`` (float64): USD of the month so far, where known, what is billed for
          the month but for no day included; null where no day of the month is known, or no cost
        - ``usd_per_day_7d``, ``usd_per_day_28d`` (float64): mean of the last 7 and 28 whole days,
          in USD a day; null where fewer are known
        - ``projected_usd``, ``projected_28d_usd`` (float64): USD of the whole month, if it goes on
          like the last 7, or 28, days
        - ``projected_low_usd``, ``projected_high_usd`` (float64): if it goes on like the cheapest,
          or dearest, 7 days in a row of the last 28
        - ``unknown_jobs`` (int64): jobs of these days whose price or duration is not known, which
          are not in the amounts; 0 with a bill
        - ``budget_usd`` (float64): the budget; null where there is none, as what follows
        - ``used_share``, ``projected_share`` (float64): month_to_date_usd and projected_usd as
          shares of it, 0 or more
        - ``exceeded_on`` (datetime, UTC): the day on which the budget was exceeded, or will be if
          it goes on like the last 7 days; null where it will not

    Raises
    ------
    ArgumentError
        If there is neither a bill nor jobs with prices, or both; a column is missing, `by` names
        none, a budget is no amount, or `as_of` no moment.

    Examples
    --------
    >>> import pandas as pd
    >>> bill = pd.DataFrame(
    ...     {
    ...         "job_id": "j1",
    ...         "date": pd.date_range("2026-03-01", periods=11, tz="UTC"),
    ...         "subtotal_usd": [100.0] * 10 + [40.0],
    ...     }
    ... )
    >>> pace = spend_pace(bill, budget=2000, as_of="2026-03-11T12:00:00Z")
    >>> pace[["month_to_date_usd", "usd_per_day_7d", "projected_usd", "exceeded_on"]]
       month_to_date_usd  usd_per_day_7d  projected_usd               exceeded_on
    0             1040.0           100.0         3100.0 2026-03-21 00:00:00+00:00
    """
    keys = group_keys(by, result=RESULT)
    budgets = _budgets(budget, keys)
    now = None if as_of is None else _microseconds(as_of)
    if billing is None and jobs is None:
        raise ArgumentError("expected a table, got NoneType: give billing, or jobs and prices")
    if (billing is None) == (prices is None) or (billing is None) == (jobs is None):
        raise ArgumentError("give either billing, or jobs and prices")
    spent = of_bill(billing, keys, now) if jobs is None else of_jobs(jobs, prices, keys, now)
    result = _carried_on(_with_budgets(spent, budgets, keys), budgets, keys)
    result["__order"] = result["projected_usd"].round(9)
    order = ["__order", "month_to_date_usd", *keys]
    ascending = [False, False] + [True] * len(keys)
    result = result.sort_values(order, ascending=ascending, na_position="last")
    table = cast("DataFrame", billing if jobs is None else jobs)
    return give_back_small(result[[*keys, *RESULT]], table)


def _budgets(budget: object, keys: list[str]) -> float | dict[str, float] | None:
    """Check budgets."""
    if budget is None:
        return None
    if isinstance(budget, Mapping):
        if len(keys) != 1:
            raise ArgumentError(
                "budget: amounts by name need the one column that has these names, for example "
                "by='team_name'"
            )
        return {str(name): _amount(usd, f"budget[{name!r}]") for name, usd in budget.items()}
    return _amount(budget, "budget")


def _amount(usd: object, name: str) -> float:
    is_number = isinstance(usd, Real) and not isinstance(usd, bool)
    number = float(cast("float", usd)) if is_number else np.nan
    if not 0 <= number < np.inf:
        shown = safe_text(repr(usd), 60)
        raise ArgumentError(f"{safe_text(name, 80)}={shown}: give an amount in USD from 0")
    return number


def _microseconds(as_of: Moment) -> int:
    return (read_moment(as_of, "as_of") - EPOCH) // timedelta(microseconds=1)


def _with_budgets(spent: Spent, budgets: float | dict[str, float] | None, keys: list[str]) -> Spent:
    """Add the groups that have a budget and have spent nothing."""
    if not isinstance(budgets, dict):
        return spent
    known = set(spent.groups[keys[0]].dropna())
    more = [name for name in budgets if name not in known]
    added = pd.DataFrame({keys[0]: pd.Series(more, dtype=TEXT)})
    rows = len(more)
    return spent._replace(
        groups=pd.concat([spent.groups.astype({keys[0]: TEXT}), added], ignore_index=True),
        usd=np.concatenate([spent.usd, np.zeros((rows, spent.usd.shape[1]))]),
        undated=np.append(spent.undated, np.zeros(rows)),
        unknown=np.append(spent.unknown, np.zeros(rows, "int64")),
    )


def _carried_on(
    spent: Spent, budgets: float | dict[str, float] | None, keys: list[str]
) -> pd.DataFrame:
    """Find what the result tells of each group."""
    groups, usd, first, today = spent.groups, spent.usd, spent.first, spent.today
    begin, end = spent.month
    whole = usd[:, : max(today - first, 0)]
    of_month = usd[:, max(begin - first, 0) :] if begin < first + usd.shape[1] else usd[:, :0]
    before = whole[:, max(begin - first, 0) :].sum(axis=1) + spent.undated
    current = usd[:, today - first] if 0 <= today - first < usd.shape[1] else usd[:, :0].sum(axis=1)
    current = current if today >= begin else np.zeros(len(groups))
    left = end - max(today, begin)
    so_far = of_month.sum(axis=1) + spent.undated
    # of what nobody knows the cost, nothing is known where all else is free
    nothing = (spent.unknown > 0) & (usd.sum(axis=1) == 0)
    is_known = of_month.shape[1] > 0 or spent.undated.any()
    result = groups.assign(month_to_date_usd=np.where(nothing | (not is_known), np.nan, so_far))
    means = {f"usd_per_day_{length}d": _mean(whole[:, -length:], length) for length in (7, 28)}
    last = whole[:, -WEEKS:]
    weeks = np.stack(
        [_mean(last[:, at : at + WEEK], WEEK) for at in range(max(last.shape[1] - WEEK + 1, 1))]
    )
    paces = {
        "projected_usd": means["usd_per_day_7d"],
        "projected_28d_usd": means["usd_per_day_28d"],
        "projected_low_usd": weeks.min(axis=0),
        "projected_high_usd": weeks.max(axis=0),
    }
    whole_month = {
        name: before + np.maximum(current, pace) + pace * (left - 1) for name, pace in paces.items()
    }
    result = result.assign(
        **{
            name: np.where(nothing, np.nan, values)
            for name, values in (means | whole_month).items()
        }
    )
    limit = _limits(budgets, groups, keys)
    share = np.where(limit > 0, limit, np.nan)
    exceeded = _exceeded(spent, of_month, before, current, paces["projected_usd"], limit)
    times = {
        "month": np.full(len(groups), begin if today else -1),
        "known_from": np.full(len(groups), spent.known if whole.shape[1] else -1),
        "known_until": np.full(len(groups), today if whole.shape[1] else -1),
        "exceeded_on": np.where(nothing, -1, exceeded),
    }
    return result.assign(
        unknown_jobs=spent.unknown,
        budget_usd=limit,
        used_share=result["month_to_date_usd"] / share,
        projected_share=result["projected_usd"] / share,
        **{
            name: pd.Series(timestamps(days * US_PER_DAY), result.index).where(days >= 0)
            for name, days in times.items()
        },
    )


def _mean(usd: Numbers, days: int) -> Numbers:
    known = usd.shape[1] == days
    return np.asarray(usd.sum(axis=1) / days if known else np.full(len(usd), np.nan), "float64")


def _limits(
    budgets: float | dict[str, float] | None, groups: pd.DataFrame, keys: list[str]
) -> Numbers:
    if isinstance(budgets, dict):
        return np.asarray(groups[keys[0]].map(budgets), "float64")
    return np.full(len(groups), np.nan if budgets is None else budgets)


def _exceeded(
    spent: Spent,
    of_month: Numbers,
    before: Numbers,
    current: Numbers,
    pace: Numbers,
    limit: Numbers,
) -> Integers:
    """Find the day on which each group exceeds its budget; -1 where it does not."""
    begin, end = spent.month
    day = np.full(len(limit), -1)
    after = max(spent.today, begin)
    so_far = before + np.maximum(current, pace)
    with np.errstate(divide="ignore", invalid="ignore"):
        more = np.where(so_far > limit, 0, np.floor((limit - so_far) / pace) + 1)
    ahead = after + np.where(np.isfinite(more), more, end)
    day = np.where(ahead < end, ahead, day)
    total = np.cumsum(of_month, axis=1) + spent.undated[:, np.newaxis]
    over = total > limit[:, np.newaxis]
    past = max(begin, spent.first) + over.argmax(axis=1) if over.shape[1] else day
    day = np.where(over.any(axis=1), past, day)
    return np.where(spent.undated > limit, begin, day).astype("int64")
