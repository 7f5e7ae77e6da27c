"""What was spent on each day: of a bill, or of jobs at list prices."""

from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.billing import UNKNOWN, exact_sums, sum_billing
from trainview.analysis.cost import with_estimates
from trainview.analysis.cost_over_time import US_PER_DAY, cost_over_time
from trainview.analysis.frames import (
    Integers,
    Numbers,
    column_names,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.grouping import number_groups
from trainview.analysis.steps import microseconds, timestamps
from trainview.analysis.times import with_microseconds

WEEK, WEEKS = 7, 28


class Spent(NamedTuple):
    """What was spent, by group and day.

    Attributes
    ----------
    groups : pandas.DataFrame
        The keys, one row a group.
    usd : numpy.ndarray of float64
        One row a group, one column a day.
    first : int
        The first of these days, as all days counted from 1970; none is needed before the month and
        the last `WEEKS`.
    known : int
        The first day of which anything is known.
    undated : numpy.ndarray of float64
        Of each group, what belongs to the month, but to no day.
    unknown : numpy.ndarray of int64
        Of each group, how many jobs cost nobody knows what.
    today : int
        The first day that is not over yet, or of which that is not known.
    month : tuple of (int, int)
        First day of the month, and of the next one.
    """

    groups: pd.DataFrame
    usd: Numbers
    first: int
    known: int
    undated: Numbers
    unknown: Integers
    today: int
    month: tuple[int, int]


def _month_of(day: int) -> tuple[int, int]:
    month = np.datetime64(day, "D").astype("M8[M]")
    begin, end = (int((month + more).astype("M8[D]").astype("int64")) for more in (0, 1))
    return begin, end


def of_bill(billing: Any, keys: list[str], now: int | None) -> Spent:
    """Sum a bill up by group and day."""
    there = column_names(billing, "billing")
    months = ["month"] if "month" in there else []
    bill = sum_billing(billing, [*(key for key in keys if key != "job_id"), *months], keys)
    if "team_name" in keys:
        bill["__team_name"] = bill["__team_name"].fillna(UNKNOWN)
    names = {f"__{key}": key for key in keys if key != "job_id"}
    number, groups = number_groups(bill, [key if key == "job_id" else f"__{key}" for key in keys])
    groups = _at_least_one(groups.rename(columns=names), keys)
    dated = bill["__date"].notna().to_numpy("bool")
    day = microseconds(bill["__date"][dated]) // US_PER_DAY
    # what is not over has no day after it
    last = int(day.max()) if len(day) else None
    if now is not None:
        current = now // US_PER_DAY
        today = current if last is None else min(current, last + 1)
    elif last is not None:
        current = today = last
    else:
        begun = bill["__month"].dropna() if months else bill["__date"].dropna()
        current = today = int(microseconds(begun).max() // US_PER_DAY) if len(begun) else 0
    month = _month_of(current)
    undated = np.zeros(len(groups))
    if months:
        in_month = ~dated & (bill["__month"] == timestamps(_days(month[0]))[0]).to_numpy("bool")
        undated = _sums(bill, in_month, number, len(groups))
    known = int(day.min()) if len(day) else today
    first, stop = _looked_at(known, min(current, known - 1 if last is None else last), today, month)
    counted = np.zeros(len(bill), "bool")
    counted[np.flatnonzero(dated)] = (day >= first) & (day < stop)
    cell = np.zeros(len(bill), "int64")
    cell[dated] = number[dated] * (stop - first) + day - first
    usd = _sums(bill, counted, cell, len(groups) * (stop - first))
    usd = usd.reshape(len(groups), stop - first)
    unknown = np.zeros(len(groups), "int64")
    return Spent(groups, usd, first, known, undated, unknown, today, month)


def _looked_at(known: int, last: int, today: int, month: tuple[int, int]) -> tuple[int, int]:
    """Tell which days are needed, of those that are known: the first, and that after the last."""
    first = max(known, min(month[0], today - WEEKS))
    return first, max(last + 1, first)


def _days(*days: int) -> Integers:
    return np.array(days, "int64") * US_PER_DAY


def _sums(bill: pd.DataFrame, chosen: Any, number: Integers, size: int) -> Numbers:
    sums = exact_sums(bill["__subtotal_usd"][chosen], number[chosen], size)
    return np.asarray(sums.astype("float64").fillna(0.0), "float64")


def _at_least_one(groups: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Without keys there is one group, also when there is nothing in it."""
    return groups if keys else pd.DataFrame(index=range(1))


def of_jobs(jobs: Any, prices: Any, keys: list[str], now: int | None) -> Spent:
    """Share the estimate out over days, by group."""
    frame = plain_text(with_estimates(jobs, prices, [*keys, "end_at"]), keys)
    frame = with_microseconds(frame, __end="end_at")
    newest = to_pandas(frame.select(nw.col("__end").max()))["__end"].iloc[0]
    daily: Any = cost_over_time(jobs, prices, freq="D", by=keys)
    table = to_pandas(read_table(daily, [*keys, "period", "estimated_usd"], times=["period"]))
    day = microseconds(table["period"]) // US_PER_DAY
    if now is None:
        # what ended at midnight is of the day before
        now = 0 if pd.isna(newest) else int(newest) - 1
    today = now // US_PER_DAY
    month = _month_of(today)
    since = min(month[0], today - WEEKS) * US_PER_DAY
    end = nw.col("__end")
    counts = (nw.col("__unpriced") + nw.col("__untimed")) > 0
    unknown = counts & (end.is_null() | (end > since))
    frame = frame.with_columns(__unknown=unknown.cast(nw.Int64))
    sums = {"__unknown": nw.col("__unknown").sum()}
    parts = to_pandas(frame.group_by(*keys).agg(**sums) if keys else frame.select(**sums))
    both = pd.concat([parts[keys], table[keys]], ignore_index=True)
    number, groups = number_groups(both, keys)
    groups = _at_least_one(groups, keys)
    found = np.zeros(len(groups), "int64")
    np.add.at(found, number[: len(parts)], parts["__unknown"].fillna(0).to_numpy("int64"))
    known = int(day.min()) if len(day) else today
    first, stop = _looked_at(known, known - 1 if pd.isna(newest) else today, today, month)
    usd = np.zeros((len(groups), stop - first))
    inside = np.flatnonzero((day >= first) & (day < stop))
    values = table["estimated_usd"].fillna(0.0).to_numpy("float64")
    np.add.at(usd, (number[len(parts) :][inside], day[inside] - first), values[inside])
    undated = np.zeros(len(groups))
    return Spent(groups, usd, first, known, undated, found, today, month)
