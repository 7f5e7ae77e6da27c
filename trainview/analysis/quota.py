"""GPUs held and asked for, against how many may be held."""

from datetime import datetime, timedelta
from numbers import Integral
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import (
    By,
    Frame,
    Numbers,
    column_names,
    from_pandas,
    give_back_small,
    group_keys,
    is_lazy,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.grouping import runs
from trainview.analysis.holding import HELD, from_held, held_columns
from trainview.analysis.joins import beside
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.parts import by_time
from trainview.analysis.small_tables import read_small
from trainview.analysis.steps import sweep
from trainview.analysis.times import EPOCH, US_PER_HOUR, with_microseconds
from trainview.analysis.windows import read_window
from trainview.errors import ArgumentError
from trainview.gpus import same_type
from trainview.schema.table_types import AnyDataFrame, DataFrame
from trainview.text.moments import Moment
from trainview.text.names import did_you_mean

KEYS = (["gpu_type"], ["gpu_type", "team_name"])
MODEL = "availability_model"
COLUMNS = (
    "limit",
    "baseline",
    "peak_gpus",
    "mean_gpus",
    "burst_gpu_hours",
    "held_over_limit_gpu_hours",
    "peak_spot_gpus",
    "spot_gpu_hours",
    "peak_pending_gpus",
    "pending_gpu_hours",
    "hours",
    "at_limit_share",
    "over_limit_gpu_hours",
    "at_limit_share_with_extra",
    "over_limit_gpu_hours_with_extra",
)
# Of several types, what is summed up, and what is that of the one longest at its limit.
SUMMED = (
    "limit",
    "baseline",
    "burst_gpu_hours",
    "held_over_limit_gpu_hours",
    "over_limit_gpu_hours",
    "over_limit_gpu_hours_with_extra",
)
# What is dedicated or pending is wanted of what has a limit.
WANTED = "wanted"
KINDS = ("dedicated", "spot", "pending", WANTED)
LONGEST = ("at_limit_share", "at_limit_share_with_extra")


def quota(
    jobs: DataFrame,
    capacity: AnyDataFrame,
    extra_gpus: int = 8,
    by: By = "gpu_type",
    *,
    since: Moment | None = None,
    until: Moment | None = None,
) -> DataFrame:
    """Compare the GPUs that jobs held and asked for with how many may be held, and with some more.

    Only dedicated capacity counts against a limit: spot jobs may run beyond it, and are told
    beside it. A job counts from submission on, while it waits as pending and then as holding, so
    what lies above a limit is demand that had to wait, and not GPUs that ran. What more GPUs would
    have changed is likewise at most this: jobs that wait less also end earlier. Where `refine_jobs`
    has told ``held_at``, a job is pending until then and holds from then on, so that the time in
    which it waited is told apart from that in which its GPUs were held.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``created_at``, ``end_at``, ``gpus``, ``gpu_hours``, ``phase`` and the
        columns of `by`; ``availability_model`` too, where there are spot jobs.
    capacity : pandas, Polars, DuckDB or PySpark table
        A capacity table with ``team_id``, ``team_name``, ``gpu_type``, ``baseline``, ``limit``.
    extra_gpus : int
        How many more GPUs to try, of each type.
    by : str or sequence of str
        ``gpu_type``, which is compared with the limits of the organisation, or ``team_name`` and
        ``gpu_type``, with those of the teams. ``availability_model`` may be among them, or stand
        alone: what is spot has no limit.
    since, until : datetime, date, timedelta or str, optional
        The window that is measured: a moment with a time zone, a day such as ``2026-03-24``, or a
        length of time such as ``7d``, counted back from `until` or the newest end. From the first
        submission, and to the last end, when left out.

    Returns
    -------
    table of the same kind as `jobs`
        One row a type of GPU (and team, and availability), the one longest at its limit first. All
        are measured over the same time, the window. By ``availability_model`` alone, types of GPU
        are still compared with the limit of their own: limits and GPU-hours are those of all types
        summed up where known, and ``at_limit_share`` is that of the type longest at its limit.

        - the columns of `by` (text), types of GPU in one spelling, such as A100_40GB
        - ``limit``, ``baseline`` (Int64): GPUs that may be held, and that are expected to be there
          at once; null where `capacity` does not have the type
        - ``peak_gpus`` (int64): most dedicated GPUs held at one moment
        - ``mean_gpus`` (float64): dedicated GPUs held on average; null where there is no time
        - ``burst_gpu_hours``, ``held_over_limit_gpu_hours`` (float64): GPU-hours of these above
          the baseline, and above the limit; null where there is none
        - ``peak_spot_gpus`` (int64), ``spot_gpu_hours`` (float64): GPUs of spot jobs, most at one
          moment and summed, which are in none of the other columns
        - ``peak_pending_gpus`` (int64), ``pending_gpu_hours`` (float64): dedicated GPUs that jobs
          asked for while they waited, of jobs without ``held_at`` only where they wait still, or
          waited when last seen
        - ``hours`` (float64): length of the window
        - ``at_limit_share`` (float64): share of it in which the limit was reached or exceeded by
          what was held and what pending jobs asked for, 0 to 1; null where there is no limit or
          no time
        - ``over_limit_gpu_hours`` (float64): GPU-hours of these, held and asked for, above the
          limit; null where there is none
        - ``at_limit_share_with_extra``, ``over_limit_gpu_hours_with_extra`` (float64): the same
          with `extra_gpus` more

    Raises
    ------
    ArgumentError
        If a column is missing, `by` is something else, `extra_gpus` is not a whole number from 0,
        or the window is none.

    Examples
    --------
    >>> import pandas as pd
    >>> clock = pd.to_datetime(["2025-01-01 00:00", "2025-01-01 06:00"], utc=True)
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "gpu_type": "H100",
    ...         "created_at": clock,
    ...         "end_at": clock + pd.Timedelta("8h"),
    ...         "gpus": [8, 12],
    ...         "gpu_hours": [64.0, 96.0],
    ...         "phase": "succeeded",
    ...     }
    ... )
    >>> capacity = pd.DataFrame(
    ...     {
    ...         "team_id": [None],
    ...         "team_name": [None],
    ...         "gpu_type": ["H100"],
    ...         "baseline": [8],
    ...         "limit": [16],
    ...     }
    ... )
    >>> quota(jobs, capacity)[["gpu_type", "limit", "peak_gpus", "over_limit_gpu_hours"]]
      gpu_type  limit  peak_gpus  over_limit_gpu_hours
    0     H100     16         20                   8.0
    """
    if not isinstance(extra_gpus, Integral) or extra_gpus < 0:
        raise ArgumentError(f"extra_gpus={extra_gpus!r}: give a whole number from 0")
    keys = _keys(by)
    by_type = keys if "gpu_type" in keys else ["gpu_type", *keys]
    asked = _demand(jobs, by_type)
    asked, first, last = _in_one_spelling(asked)
    start, stop = read_window(since, until, last)
    first, last = start or first, stop or last
    span = 0.0 if first is None or last is None else (last - first) / timedelta(hours=1)
    asked, span = _in_window(asked, start, stop), max(span, 0.0)
    limits = _limits(capacity, by_type)
    result = _measure(_levels(asked, by_type), limits, by_type, span, extra_gpus)
    if keys != by_type:
        found = result.groupby(keys)
        sums = found[list(SUMMED)].sum(min_count=1)
        shares = found[list(LONGEST)].max()
        unlimited = limits[keys].drop_duplicates().assign(limit=pd.NA, baseline=pd.NA)
        unlimited = with_dtypes(unlimited, {"limit": "Int64", "baseline": "Int64"})
        result = _measure(_levels(asked, keys), unlimited, keys, span, extra_gpus)
        told = sums.join(shares).reindex(result[keys[0]]).reset_index(drop=True)
        result = result.assign(**{str(name): told[name] for name in told})
    order = [False] + [True] * len(keys)
    result = result.sort_values(["at_limit_share", *keys], ascending=order, na_position="last")
    return give_back_small(result[[*keys, *COLUMNS]], jobs)


def _measure(
    levels: pd.DataFrame, limits: pd.DataFrame, keys: list[str], span: float, extra_gpus: int
) -> pd.DataFrame:
    """Measure what was held and asked for against limits, one row a group of either."""
    # The groups of the jobs come first, and so keep their numbers.
    groups = pd.concat([levels[keys].drop_duplicates(), limits[keys]], ignore_index=True)
    result = groups.drop_duplicates().merge(limits, on=keys, how="left")
    rows = result[keys].assign(__row=range(len(result)))
    levels = levels.merge(rows, on=keys, how="left")
    held, spot, pending, wanted = (
        _Levels(levels[levels["__kind"] == kind], len(result)) for kind in KINDS
    )
    limit, baseline = (
        result[name].to_numpy("float64", na_value=np.nan) for name in ("limit", "baseline")
    )
    share, over, above = wanted.reached(limit, span), wanted.above(limit), held.above(limit)
    limit = limit + extra_gpus
    return result[[*keys, "limit", "baseline"]].assign(
        peak_gpus=held.peak(),
        mean_gpus=held.hours() / (span or np.nan),
        burst_gpu_hours=held.above(baseline),
        held_over_limit_gpu_hours=above,
        peak_spot_gpus=spot.peak(),
        spot_gpu_hours=spot.hours(),
        peak_pending_gpus=pending.peak(),
        pending_gpu_hours=pending.hours(),
        hours=span,
        at_limit_share=share,
        over_limit_gpu_hours=over,
        at_limit_share_with_extra=wanted.reached(limit, span),
        over_limit_gpu_hours_with_extra=wanted.above(limit),
    )


class _Levels:
    """For how long how many GPUs were held, or asked for, by row of the result."""

    def __init__(self, levels: pd.DataFrame, rows: int) -> None:
        self._rows = rows
        self._row = levels["__row"].to_numpy("int64")
        self._gpus = levels["__level"].to_numpy("int64")
        self._hours = levels["__lasts"].to_numpy("int64") / US_PER_HOUR

    def _sum(self, hours: Numbers) -> Numbers:
        return np.asarray(np.bincount(self._row, hours, self._rows), "float64")

    def peak(self) -> Any:
        peak = np.zeros(self._rows, "int64")
        np.maximum.at(peak, self._row, self._gpus)
        return peak

    def hours(self) -> Numbers:
        """Sum up GPU-hours."""
        return self._sum(self._gpus * self._hours)

    def above(self, limit: Numbers) -> Numbers:
        """Sum up GPU-hours above a limit, NaN where there is none."""
        beyond = np.nan_to_num(np.maximum(self._gpus - limit[self._row], 0))
        return self._sum(beyond * self._hours) + limit * 0

    def reached(self, limit: Numbers, span: float) -> Numbers:
        """Tell the share of time in which a limit is reached, NaN where there is none."""
        # Where nothing may be held, nothing is held at the limit.
        reached = self._gpus >= np.maximum(limit, 1)[self._row]
        return self._sum(np.where(reached, self._hours, 0)) / (span or np.nan) + limit * 0


def _keys(by: By) -> list[str]:
    """Refuse what has no limit of its own."""
    keys = group_keys(by, result=COLUMNS)
    if keys != [MODEL] and sorted({*keys} - {MODEL}) not in KEYS:
        known = ("gpu_type", "team_name", MODEL)
        hints = [did_you_mean(key, known) for key in keys if key not in known]
        raise ArgumentError(
            f"by={by!r}: limits are by 'gpu_type', or by ['team_name', 'gpu_type'], each with or "
            f"without {MODEL!r}, or by {MODEL!r} alone{''.join(hints[:1])}"
        )
    return keys


def _demand(jobs: object, keys: list[str]) -> Frame:
    """Find the GPUs that jobs held or asked for, and of which ``__kind``."""
    models = [MODEL] if MODEL in column_names(jobs) else []
    needed = ["created_at", "end_at", "gpus", "gpu_hours", "phase"]
    frame = read_small(jobs, [*keys, *needed, *models, *held_columns(jobs)])
    model = nw.coalesce(nw.col(MODEL).cast(nw.String), nw.lit("dedicated"))
    if models:
        frame = frame.with_columns(**{MODEL: model})
    waits = (nw.col("phase").cast(nw.String) == "waiting") & (
        nw.col("end_at") > nw.col("created_at")
    )
    is_spot = nw.col(MODEL) == "spot" if models else nw.lit(value=False)
    holds = (nw.col("gpu_hours") > 0).fill_null(value=False)
    kind = nw.when(is_spot).then(nw.lit("spot")).otherwise(nw.lit("dedicated"))
    kind = nw.when(holds).then(kind).otherwise(nw.lit("pending"))
    # Who waits for spot capacity asks for nothing that the limit divides.
    wanted = (nw.col("gpus") > 0) & (holds | (waits & ~is_spot))
    columns = [*keys, "created_at", "end_at", "__kind", "__held"]
    found = from_held(frame).filter(wanted).with_columns(__kind=kind, __held="gpus")
    found = found.select(*columns)
    if HELD in frame.columns:
        # Before they held GPUs, jobs waited for them.
        waited = frame.filter((nw.col("gpus") > 0) & ~is_spot, nw.col(HELD) > nw.col("created_at"))
        waited = waited.with_columns(end_at=HELD, __kind=nw.lit("pending"), __held="gpus")
        found = nw.concat([found, waited.select(*columns)])
    return plain_text(found, keys)


def _in_one_spelling(asked: Frame) -> tuple[Frame, datetime | None, datetime | None]:
    """Write types of GPU in one way, and tell when the first was asked for, and the last held."""
    first, last = nw.col("created_at").min(), nw.col("end_at").max()
    found = to_pandas(asked.group_by("gpu_type").agg(__first=first, __last=last))
    text = found["gpu_type"].astype(TEXT)
    spelled = pd.DataFrame(
        {"gpu_type": text, "__spelled": text.map(same_type, na_action="ignore").astype(TEXT)}
    ).dropna()
    if not is_lazy(asked) or (spelled["gpu_type"] != spelled["__spelled"]).any():
        asked = beside(asked, from_pandas(spelled, asked), "gpu_type")
        asked = asked.drop("gpu_type").rename({"__spelled": "gpu_type"})
    begin, end = (
        None if pd.isna(each) else each.to_pydatetime()
        for each in (found["__first"].min(), found["__last"].max())
    )
    return asked, begin, end


def _in_window(asked: Frame, start: datetime | None, stop: datetime | None) -> Frame:
    """Cut to the window; times become microseconds."""
    asked = with_microseconds(asked, __from="created_at", __to="end_at")
    begin, end = nw.col("__from"), nw.col("__to")
    if start is not None:
        begin = nw.max_horizontal(begin, nw.lit(_count(start)))
    if stop is not None:
        end = nw.min_horizontal(end, nw.lit(_count(stop)))
    asked = asked.drop("created_at", "end_at").with_columns(__from=begin, __to=end)
    return asked.filter(nw.col("__to") > nw.col("__from"))


def _count(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _levels(asked: Frame, keys: list[str]) -> pd.DataFrame:
    """Collect for how long how many GPUs of each kind of `KINDS` were held or asked for, by group.

    There are no more rows than GPUs were held or asked for at once by the groups, of all kinds.
    """
    if is_lazy(asked):
        parts = [to_pandas(_query_kinds(part, keys)) for part in by_time(asked)]
        return with_dtypes(pd.concat(parts, ignore_index=True), dict.fromkeys(keys, TEXT))
    columns = [*keys, "__kind", "__held", "__from", "__to"]
    wanted = asked.filter(nw.col("__kind") != "spot").with_columns(__kind=nw.lit(WANTED))
    every = nw.concat([asked.select(*columns), wanted.select(*columns)])
    groups = [*keys, "__kind"]
    swept = sweep(every.rename({"__from": "created_at", "__to": "end_at"}), groups)
    step = np.flatnonzero(~runs(swept.group)[1:])
    table = swept.groups.take(swept.group[step]).reset_index(drop=True)
    return with_dtypes(table, dict.fromkeys(keys, TEXT)).assign(
        __level=swept.level[step], __lasts=swept.time[step + 1] - swept.time[step]
    )


def _query_kinds(asked: Frame, keys: list[str]) -> Frame:
    """Write the levels of all kinds as one query: one sweep, in which each kind has a level."""
    held, kind = nw.col("__held").cast(nw.Int64), nw.col("__kind")
    nothing = nw.lit(0, nw.Int64)
    is_kind = {each: kind == each for each in KINDS} | {WANTED: kind != "spot"}
    of_kind = {each: nw.when(is_kind[each]).then(held).otherwise(nothing) for each in KINDS}
    asked = asked.with_columns(**of_kind)
    begun = asked.select(*keys, *KINDS, __time="__from")
    ended = asked.select(*keys, *(nw.col(each) * -1 for each in KINDS), __time="__to")
    steps = nw.concat([begun, ended.select(*begun.columns)])
    steps = steps.group_by(*keys, "__time").agg(nw.col(*KINDS).sum())
    over: dict[str, Any] = {"order_by": "__time"}
    levels = {each: nw.col(each).cast(nw.Int64).cum_sum().over(*keys, **over) for each in KINDS}
    following = nw.col("__time").shift(-1).over(*keys, **over)
    steps = steps.with_columns(**levels, __lasts=following - nw.col("__time"))
    kinds = from_pandas(pd.DataFrame({"__kind": list(KINDS)}, dtype=TEXT), steps)
    found = steps.join(kinds, how="cross")
    level: nw.Expr = nw.col(WANTED)
    for each in KINDS[:-1]:
        level = nw.when(kind == each).then(nw.col(each)).otherwise(level)
    found = found.with_columns(__level=level.cast(nw.Int64)).filter(nw.col("__level") > 0)
    found = found.group_by(*keys, "__kind", "__level").agg(nw.col("__lasts").sum())
    return found.with_columns(nw.col("__lasts").cast(nw.Int64))


def _limits(capacity: object, keys: list[str]) -> pd.DataFrame:
    """Collect the limits of the organisation, or of its teams."""
    wanted_keys, keys = keys, [key for key in keys if key != MODEL]
    frame = read_table(capacity, ["team_id", *keys, "limit", "baseline"], name="capacity")
    is_team = ~nw.col("team_id").is_null()
    wanted = is_team if "team_name" in keys else ~is_team
    # An answer that spells a type in two ways tells one limit twice; teams of one name have two.
    rows = to_pandas(plain_text(frame.filter(wanted), keys))
    rows = with_dtypes(rows, dict.fromkeys(keys, TEXT))
    rows["gpu_type"] = rows["gpu_type"].map(same_type, na_action="ignore").astype(TEXT)
    limits = rows.groupby([*keys, "team_id"], dropna=False)[["limit", "baseline"]].max()
    limits = limits.groupby(keys).sum()
    limits = limits.astype("Int64").reset_index()
    if MODEL in wanted_keys:
        limits = limits.assign(**{MODEL: pd.Series("dedicated", limits.index, TEXT)})
    return limits[[*wanted_keys, "limit", "baseline"]]
