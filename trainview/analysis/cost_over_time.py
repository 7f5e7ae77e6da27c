"""What jobs cost over the calendar, with the bill beside it."""

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.billing import (
    exact_sums,
    give_teams,
    match,
    money,
    names_of,
    open_billing,
    project_columns,
    read_billing,
    with_keys,
)
from trainview.analysis.cost import with_estimates
from trainview.analysis.frames import (
    By,
    Frame,
    give_back_small,
    group_keys,
    is_lazy,
    only,
    to_pandas,
)
from trainview.analysis.grouping import number_groups
from trainview.analysis.periods import check_period, hours_held
from trainview.analysis.steps import microseconds, timestamps
from trainview.analysis.times import US_PER_HOUR
from trainview.errors import ArgumentError
from trainview.schema.table_types import AnyDataFrame, DataFrame

US_PER_DAY = 24 * US_PER_HOUR
# Periods that hold whole months.
_WHOLE_MONTHS = frozenset({"M", "Q", "Y"})


def cost_over_time(
    jobs: DataFrame,
    prices: AnyDataFrame,
    billing: AnyDataFrame | None = None,
    freq: str = "D",
    by: By = None,
) -> DataFrame:
    """Share costs out over days, weeks, months, quarters or years, with the bill beside them.

    The estimate of each job is spread evenly from its submission, or from ``held_at`` where
    `refine_jobs` has told it, to its end, so the sum over all periods is that of `estimate_cost`.
    Days are those of UTC, as on a bill.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``status``, ``instance_type_id``, ``node_count``, ``elapsed_hours``,
        ``created_at``, ``end_at``, the columns of `by`, and ``job_id`` where a bill is grouped.
    prices : pandas, Polars, DuckDB or PySpark table
        A prices table with ``instance_type_id`` and ``usd_per_minute``.
    billing : pandas, Polars, DuckDB or PySpark table, optional
        A billing table with ``job_id``, ``date`` and ``subtotal_usd``; ``project_name`` and
        ``job_name`` too, where they are in `by`. What it assigns to no day counts in
        periods of whole months, if the bill has a ``month``, and is left out of others.
    freq : {"h", "D", "W", "M", "Q", "Y"}
        Length of the periods; weeks begin on Monday. Hours only without a bill, which has days.
    by : str or sequence of str, optional
        Columns to group by; None for one series over all jobs. A bill's rows belong to the groups
        of their jobs; of jobs that are not in the table, deleted ones for example, only
        ``job_id``, ``job_name``, ``project_name`` and ``team_name`` are known, other keys are null;
        the team as by `reconcile_cost`.

    Returns
    -------
    table of the same kind as `jobs`
        One row a group and period, sorted by both. Groups are those that have a cost above 0 or a
        bill; all have every period from the first to the last in which any group has, so there
        are as many rows as groups times periods.

        - the columns of `by`, categories as text
        - ``period`` (datetime, UTC): start of the period
        - ``estimated_usd`` (float64): USD, 0 where no job ran; null in groups of which no
          cost above 0 is known
        - ``billed_usd`` (float64): USD billed for the days of the period, summed exactly; null
          without a bill, and in periods before its first day or after its last

    Raises
    ------
    ArgumentError
        If a column is missing, `by` names none, `freq` does not exist or is hours where there is
        a bill, an instance type has two prices, a job that is billed has several rows, or there are
        more than 100,000 periods.

    Examples
    --------
    >>> import pandas as pd
    >>> prices = pd.DataFrame({"instance_type_id": ["H100:8"], "usd_per_minute": [0.5]})
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "status": ["completed"],
    ...         "instance_type_id": ["H100:8"],
    ...         "node_count": [1],
    ...         "elapsed_hours": [18.0],
    ...         "created_at": pd.to_datetime(["2025-01-01 18:00"], utc=True),
    ...         "end_at": pd.to_datetime(["2025-01-02 12:00"], utc=True),
    ...     }
    ... )
    >>> cost_over_time(jobs, prices)
                         period  estimated_usd  billed_usd
    0 2025-01-01 00:00:00+00:00          180.0         NaN
    1 2025-01-02 00:00:00+00:00          360.0         NaN
    """
    keys = group_keys(by, result=("period", "estimated_usd", "billed_usd"))
    check_period(freq, "UTC")
    if billing is not None and freq == "h":
        raise ArgumentError("freq='h': a bill has days, choose one of D, W, M, Q, Y")
    named = ["job_id"] if keys and billing is not None else []
    of_projects = project_columns(keys, jobs) if named else []
    needed = [*keys, *named, *of_projects, "created_at", "end_at"]
    frame = with_estimates(jobs, prices, needed)
    costing = frame.filter(nw.col("__usd") > 0).with_columns(__held="__nodes")
    bill = _no_bill(keys) if billing is None else _bill(frame, billing, keys, of_projects, freq)
    days = microseconds(bill["__date"])
    held, begin, usd_hours, _ = hours_held(costing, keys, freq, "UTC", days=days, rate="__price")
    number, groups = number_groups(
        pd.concat([held[keys], bill[keys]], ignore_index=True) if len(bill) else held[keys], keys
    )
    shape = len(groups), len(begin) - 1
    estimated, billed = np.full(shape, np.nan), np.full(shape, np.nan)
    estimated[number[: len(held)]] = usd_hours * 60
    if len(days):
        cell = number[len(held) :] * shape[1] + np.searchsorted(begin, days, "right") - 1
        sums = exact_sums(bill["__subtotal_usd"], cell, billed.size).astype("float64")
        known = (begin[1:] > days.min()) & (begin[:-1] < days.max() + US_PER_DAY)
        billed[:, known] = sums.fillna(0.0).to_numpy().reshape(shape)[:, known]
    result = (
        groups.take(np.repeat(np.arange(shape[0]), shape[1]))
        .reset_index(drop=True)
        .assign(
            period=timestamps(np.tile(begin[:-1], shape[0])),
            estimated_usd=estimated.ravel(),
            billed_usd=billed.ravel(),
        )
    )
    return give_back_small(result, jobs)


def _no_bill(keys: list[str]) -> pd.DataFrame:
    nothing = timestamps(np.zeros(0, "int64"))
    return pd.DataFrame({key: [] for key in keys}).assign(__date=nothing)


def _bill(
    frame: Frame, billing: object, keys: list[str], of_projects: list[str], freq: str
) -> pd.DataFrame:
    """Collect the days of a bill with the keys of its jobs: each job's, or of a lazy table sums."""
    by_month = freq in _WHOLE_MONTHS
    if is_lazy(frame):
        return _query_bill(frame, billing, keys, of_projects, by_month=by_month)
    bill = read_billing(billing, names_of(keys, billing), by_month=by_month)
    bill = bill[bill["__date"].notna()]
    if not keys:
        return bill.reset_index(drop=True)
    if "team_name" in keys:
        bill = give_teams(bill, to_pandas(frame.select(*of_projects).unique()))
    jobs = only(frame.select(*dict.fromkeys(["job_id", *keys])), "job_id", bill["job_id"].dropna())
    return match(to_pandas(jobs), bill, keys, "right")


def _query_bill(
    frame: Frame, billing: object, keys: list[str], of_projects: list[str], *, by_month: bool
) -> pd.DataFrame:
    """Let the engine sum the bill up by day and by what tells the keys."""
    bill = open_billing(billing, names_of(keys, billing), frame, by_month=by_month)
    bill = bill.filter(~nw.col("__date").is_null())
    if keys:
        bill = with_keys(bill, frame, keys, of_projects)
    usd = nw.col("__subtotal_usd")
    table = to_pandas(bill.group_by(*keys, "__date").agg(usd.sum(), __known=usd.count()))
    table["__subtotal_usd"] = money(table["__subtotal_usd"], table.pop("__known") > 0)
    return table
