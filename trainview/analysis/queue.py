"""How long jobs wait, with those that still wait counted for what they are."""

from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import (
    By,
    Frame,
    Integers,
    Numbers,
    column_names,
    give_back,
    give_back_small,
    group_keys,
    is_lazy,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.grouping import number_groups, runs
from trainview.analysis.intervals import Z_95
from trainview.analysis.status import QUANTILES
from trainview.schema.table_types import DataFrame

# Rounding lets a share of exactly a half come out a little above it.
ROUNDING = 1e-12


class Curve(NamedTuple):
    """The Kaplan-Meier estimates of all groups, sorted by group and time.

    Attributes
    ----------
    group : numpy.ndarray of int64
        The number of the group.
    hours : numpy.ndarray of float64
        How long a job waits: each time at which one was released, or last seen to wait.
    share : numpy.ndarray of float64
        Share of jobs that wait longer.
    low, high : numpy.ndarray of float64
        Bounds of the share with 95% confidence.
    at_risk : numpy.ndarray of int64
        Jobs that were seen to wait up to this time, at least.
    """

    group: Integers
    hours: Numbers
    share: Numbers
    low: Numbers
    high: Numbers
    at_risk: Integers


def queue_waits(queue: DataFrame, by: By = "gpu_type") -> DataFrame:
    """Estimate how long jobs wait for their GPUs.

    A job that still waits, or was stopped before it was released, would have waited for its time
    at least: it counts as a censored observation, in the product-limit estimate of E. L. Kaplan
    and P. Meier, "Nonparametric estimation from incomplete observations", Journal of the American
    Statistical Association 53 (1958), 457-481.

    Parameters
    ----------
    queue : pandas, Polars, DuckDB or PySpark table
        A queue table with ``waited_hours``, ``is_waiting``, the columns of `by`, and, to tell
        which jobs were stopped before they were released, ``released_at``. Or a jobs
        table with ``elapsed_hours``, ``phase``, ``is_open`` and the columns of `by`: of its jobs,
        only those that wait now are known to wait, the others do not say how long they did. So
        it tells how many wait and for how long, and no percentile.
    by : str or sequence of str, optional
        Columns to group by; None for one row over all jobs.

    Returns
    -------
    table of the same kind as `queue`
        One row a group, the one with the longest wait first.

        - the columns of `by`, categories as text
        - ``jobs`` (int64): number of jobs whose waiting time is known, if only in part
        - ``waiting`` (int64): those of them that still wait
        - ``p50``, ``p90``, ``p99`` (float64): hours after which this percentage of jobs has been
          released; null where too few have been released to tell
        - ``longest_wait`` (float64): hours of the longest wait so far; null where none is known

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> queue = pd.DataFrame(
    ...     {
    ...         "gpu_type": "H100",
    ...         "waited_hours": [1.0, 2.0, 4.0, 6.0],
    ...         "is_waiting": [False, False, False, True],
    ...     }
    ... )
    >>> queue_waits(queue)
      gpu_type  jobs  waiting  p50  p90  p99  longest_wait
    0     H100     4        1  2.0  NaN  NaN           6.0
    """
    keys = group_keys(by, result=("jobs", "waiting", *QUANTILES, "longest_wait"))
    frame = _read_waits(queue, keys)
    if is_lazy(frame):
        return give_back(_query_waits(frame, keys), queue)
    waits, groups = _number(frame, keys)
    curve = _estimate(waits)
    number = len(groups)
    longest = np.full(number, np.nan)
    np.fmax.at(longest, curve.group, curve.hours)
    result = groups.assign(
        jobs=np.bincount(waits["group"], minlength=number),
        waiting=np.bincount(waits["group"], waits["is_waiting"], number).astype("int64"),
        **{name: _percentile(curve, at, number) for name, at in QUANTILES.items()},
        longest_wait=longest,
    )
    # The groups are sorted by their keys already.
    result = result.sort_values("longest_wait", ascending=False, kind="stable")
    return give_back_small(result, queue)


def queue_wait_curve(queue: DataFrame, by: By = "gpu_type") -> DataFrame:
    """Estimate what share of jobs waits longer than any time.

    The estimate is that of `queue_waits`. Its bounds are from the variance of M. Greenwood, "The
    natural duration of cancer", Reports on Public Health and Medical Subjects 33 (1926), on the
    scale of log(-log(share)), as J. D. Kalbfleisch and R. L. Prentice propose in "The Statistical
    Analysis of Failure Time Data" (1980).

    Parameters
    ----------
    queue : pandas, Polars, DuckDB or PySpark table
        A queue table, or a jobs table, as for `queue_waits`.
    by : str or sequence of str, optional
        Columns to group by; None for one curve over all jobs.

    Returns
    -------
    table of the same kind as `queue`
        One row a group and time at which a job was released or last seen to wait, sorted by
        both; the first of each group is at 0, before any job is released.

        - the columns of `by`, categories as text
        - ``waited_hours`` (float64): hours in the queue
        - ``share_waiting`` (float64): share of jobs that wait longer, 0 to 1, up to the next row
        - ``low``, ``high`` (float64): bounds of that share with 95% confidence; 1 where no job
          has been released, null where none waits longer
        - ``at_risk`` (int64): jobs that were seen to wait for this time at least

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> queue = pd.DataFrame(
    ...     {
    ...         "gpu_type": "H100",
    ...         "waited_hours": [1.0, 2.0, 4.0, 6.0],
    ...         "is_waiting": [False, False, False, True],
    ...     }
    ... )
    >>> queue_wait_curve(queue).round(2)
      gpu_type  waited_hours  share_waiting   low  high  at_risk
    0     H100           0.0           1.00  1.00  1.00        4
    1     H100           1.0           0.75  0.13  0.96        4
    2     H100           2.0           0.50  0.06  0.84        3
    3     H100           4.0           0.25  0.01  0.67        2
    4     H100           6.0           0.25  0.01  0.67        1
    """
    columns = ("waited_hours", "share_waiting", "low", "high", "at_risk")
    keys = group_keys(by, result=columns)
    frame = _read_waits(queue, keys)
    if is_lazy(frame):
        return give_back(_query_curve(frame, keys), queue)
    waits, groups = _number(frame, keys)
    curve = _estimate(waits)
    first = np.flatnonzero(runs(curve.group))
    begin = {"waited_hours": 0.0, "share_waiting": 1.0, "low": 1.0, "high": 1.0}
    values = [curve.hours, curve.share, curve.low, curve.high]
    result = groups.take(np.insert(curve.group, first, curve.group[first])).reset_index(drop=True)
    result = result.assign(
        **{
            name: np.insert(column, first, begin[name])
            for name, column in zip(begin, values, strict=True)
        },
        at_risk=np.insert(curve.at_risk, first, curve.at_risk[first]),
    )
    return give_back_small(result, queue)


def _read_waits(queue: object, keys: list[str]) -> Frame:
    """Open a queue or a jobs table: the keys, ``hours``, ``is_waiting`` and ``is_censored``."""
    columns = column_names(queue)
    if "waited_hours" in columns or "is_waiting" in columns:
        released = ["released_at"] if "released_at" in columns else []
        frame = read_table(queue, [*keys, "waited_hours", "is_waiting", *released])
        censored = nw.col("is_waiting")
        if released:
            censored = censored | nw.col("released_at").is_null()
        return frame.select(
            *keys, is_waiting="is_waiting", is_censored=censored, hours="waited_hours"
        )
    frame = read_table(queue, [*keys, "elapsed_hours", "phase", "is_open"])
    waits_now = (nw.col("phase") == "waiting") & nw.col("is_open")
    return frame.filter(waits_now).select(
        *keys, is_waiting="is_open", is_censored="is_open", hours="elapsed_hours"
    )


def _number(frame: Frame, keys: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Collect the known waits with the numbers of their groups, and the keys of the groups."""
    waits = to_pandas(frame)
    group, groups = number_groups(waits, keys)
    if not keys:
        groups = pd.DataFrame(index=range(1))
    waits = waits[["hours", "is_waiting", "is_censored"]].astype({"hours": "float64"})
    waits = waits.assign(group=group)
    # Times that contradict each other say nothing either.
    return waits[waits["hours"] >= 0], groups


def _estimate(waits: pd.DataFrame) -> Curve:
    """Estimate the share that waits longer, at each time at which a job was last seen."""
    seen = waits.groupby(["group", "hours"])["is_censored"].agg(["size", "sum"])
    group = seen.index.get_level_values("group").to_numpy("int64")
    hours = seen.index.get_level_values("hours").to_numpy("float64")
    by_group = seen.groupby(group)
    jobs = seen["size"]
    at_risk = by_group["size"].transform("sum") - by_group["size"].cumsum() + jobs
    released = jobs - seen["sum"]
    share = (1 - released / at_risk).groupby(group).cumprod()
    left = at_risk - released
    variance = (released / (at_risk * left.where(left > 0))).groupby(group).cumsum()
    between = share.where((share > 0) & (share < 1))
    reach = np.exp(Z_95 * np.sqrt(variance) / np.log(between).abs())
    # Nobody released is 1 without a doubt of the formula's; of nobody left it says nothing.
    low, high = ((between**power).where(share < 1, 1.0) for power in (reach, 1 / reach))
    shares = {"share": share, "low": low, "high": high}
    columns = {name: column.to_numpy("float64") for name, column in shares.items()}
    return Curve(group, hours, **columns, at_risk=at_risk.to_numpy("int64"))


def _percentile(curve: Curve, at: float, groups: int) -> Numbers:
    """Find the first time after which no more than the rest still waits, NaN where never."""
    row = np.flatnonzero(curve.share <= 1 - at + ROUNDING)[::-1]
    found = np.full(groups, np.nan)
    # The earliest is written last, and stays.
    found[curve.group[row]] = curve.hours[row]
    return found


def _query_seen(frame: Frame, keys: list[str]) -> Frame:
    """Write how many jobs were last seen at each time: the keys, ``hours``, and counts.

    What is not known is in rows whose ``hours`` are null, and counts for nothing.
    """
    hours, one = nw.col("hours"), nw.lit(1)
    # engines count faster than they sum
    seen = frame.group_by(*keys, "hours").agg(
        __jobs=nw.len(),
        __censored=nw.when(nw.col("is_censored")).then(one).count(),
        __waiting=nw.when(nw.col("is_waiting")).then(one).count(),
    )
    is_known = (hours >= 0).fill_null(value=False)
    counts = ["__jobs", "__censored", "__waiting"]
    known = {
        name: nw.when(is_known).then(nw.col(name).cast(nw.Int64)).otherwise(0) for name in counts
    }
    return plain_text(seen, keys).with_columns(
        hours=nw.when(is_known).then(hours.cast(nw.Float64)), **known
    )


def _query_estimate(seen: Frame, keys: list[str]) -> Frame:
    """Write the same estimate as a query: what is known of each time, with ``__variance``.

    Engines sort for each step of it that needs those before: there are three.
    """
    jobs, censored = nw.col("__jobs"), nw.col("__censored")
    released = jobs - censored
    total = jobs.sum().over(*keys) if keys else jobs.sum()
    seen = seen.with_columns(
        __total=total.cast(nw.Int64),
        __before=jobs.cum_sum().over(*keys, order_by="hours").cast(nw.Int64) - jobs,
    )
    seen = seen.with_columns(at_risk=nw.col("__total") - nw.col("__before"))
    seen = seen.with_columns(__left=nw.col("at_risk") - released)
    at_risk, left = nw.col("at_risk"), nw.col("__left")
    # All that is at risk at a time was left at the one before, but for who was last seen then: so
    # only these times have factors, of which there is no product but by their logarithms.
    grows = (censored > 0) & (left > censored)
    factor = nw.when(grows).then(left.cast(nw.Float64) / (left - censored)).otherwise(1.0)
    part = nw.when(left > 0).then(released / (at_risk * left.cast(nw.Float64))).otherwise(0.0)
    seen = seen.with_columns(__step=factor, __part=part)
    step = nw.col("__step").log()
    seen = seen.with_columns(
        __factor=step.cum_sum().over(*keys, order_by="hours") - step,
        __variance=nw.col("__part").cum_sum().over(*keys, order_by="hours"),
    )
    share = nw.col("__left") / nw.col("__total").cast(nw.Float64) * nw.col("__factor").exp()
    # Where nobody is released the share stays what it was, to the last digit.
    falls = (jobs > censored) & (nw.col("__total") > 0)
    seen = seen.with_columns(share=nw.when(falls).then(share).otherwise(1.0))
    return seen.with_columns(share=nw.col("share").cum_min().over(*keys, order_by="hours"))


def _query_waits(frame: Frame, keys: list[str]) -> Frame:
    seen, hours = _query_estimate(_query_seen(frame, keys), keys), nw.col("hours")
    found = {
        "jobs": nw.col("__jobs").sum(),
        "waiting": nw.col("__waiting").sum(),
        **{
            name: nw.when(nw.col("share") <= 1 - at + ROUNDING).then(hours).min()
            for name, at in QUANTILES.items()
        },
        "longest_wait": hours.max(),
    }
    waits = seen.group_by(*keys).agg(**found) if keys else seen.select(**found)
    waits = waits.with_columns(nw.col("jobs", "waiting").fill_null(0).cast(nw.Int64))
    order = [True] + [False] * len(keys)
    return waits.sort("longest_wait", *keys, descending=order, nulls_last=True)


def _query_curve(frame: Frame, keys: list[str]) -> Frame:
    known = frame.filter(nw.col("hours") >= 0)
    share, every = nw.col("share"), {"at_risk": nw.len()}
    first = known.group_by(*keys).agg(**every) if keys else known.select(**every)
    seen = _query_estimate(_query_seen(known, keys), keys)
    is_between = (share > 0) & (share < 1)
    # What is not between 0 and 1 has a logarithm that engines refuse.
    seen = seen.with_columns(__between=nw.when(is_between).then(share).otherwise(0.5))
    between, reach = nw.col("__between"), nw.col("__reach")
    # In steps: Spark writes what is divided four times.
    seen = seen.with_columns(__log=between.log().abs())
    spread = Z_95 * nw.col("__variance").sqrt() / nw.col("__log")
    seen = seen.with_columns(__reach=spread.exp())
    low, high = (
        nw.when(share >= 1).then(nw.lit(1.0)).otherwise(nw.when(is_between).then(between**power))
        for power in (reach, 1 / reach)
    )
    rows = seen.with_columns(low=low, high=high, __place=nw.lit(1))
    columns = [*keys, "hours", "share", "low", "high", "at_risk", "__place"]
    ones = dict.fromkeys(("share", "low", "high"), nw.lit(1.0))
    first = plain_text(first, keys).with_columns(nw.col("at_risk").cast(nw.Int64))
    first = first.filter(nw.col("at_risk") > 0)
    first = first.with_columns(**ones, hours=nw.lit(0.0), __place=nw.lit(0))
    curve = nw.concat([first.select(*columns), rows.select(*columns)])
    curve = curve.sort(*keys, "__place", "hours", nulls_last=True).drop("__place")
    return curve.rename({"hours": "waited_hours", "share": "share_waiting"})
