"""GPUs held and asked for, against how many may be held."""

from numbers import Integral
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from trainview.analysis.frames import (
    By,
    Frame,
    Numbers,
    column_names,
    from_pandas,
    give_back,
    group_keys,
    is_lazy,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.holding import HELD, from_held, held_columns
from trainview.analysis.pandas_dtypes import TEXT
from trainview.analysis.steps import query_steps, runs, sweep
from trainview.analysis.times import US_PER_HOUR
from trainview.analysis.windows import read_window
from trainview.errors import ArgumentError
from trainview.gpus import same_type
from trainview.text.moments import Moment

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
LONGEST = ("at_limit_share", "at_limit_share_with_extra")


def quota(
    jobs: IntoFrameT,
    capacity: Any,
    extra_gpus: int = 8,
    by: By = "gpu_type",
    *,
    since: Moment | None = None,
    until: Moment | None = None,
) -> IntoFrameT:
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
    frame, asked = _demand(jobs, by_type)
    asked, span = _in_window(asked, since, until)
    limits = _limits(capacity, by_type)
    result = _measure(asked, limits, by_type, span, extra_gpus)
    if keys != by_type:
        found = result.groupby(keys)
        sums = found[list(SUMMED)].sum(min_count=1)
        shares = found[list(LONGEST)].max()
        unlimited = limits[keys].drop_duplicates().assign(limit=pd.NA, baseline=pd.NA)
        unlimited = unlimited.astype({"limit": "Int64", "baseline": "Int64"})
        result = _measure(asked, unlimited, keys, span, extra_gpus)
        told = sums.join(shares).reindex(result[keys[0]]).reset_index(drop=True)
        result = result.assign(**{str(name): told[name] for name in told})
    order = [False] + [True] * len(keys)
    result = result.sort_values(["at_limit_share", *keys], ascending=order, na_position="last")
    return give_back(from_pandas(result[[*keys, *COLUMNS]], frame), jobs)


def _measure(
    asked: pd.DataFrame, limits: pd.DataFrame, keys: list[str], span: float, extra_gpus: int
) -> pd.DataFrame:
    """Measure what was held and asked for against limits, one row a group of either."""
    # The groups of the jobs come first, and so keep their numbers.
    groups = pd.concat([asked[keys].drop_duplicates(), limits[keys]], ignore_index=True)
    result = groups.drop_duplicates().merge(limits, on=keys, how="left")
    rows = result[keys].assign(__row=range(len(result)))
    asked = asked.merge(rows, on=keys, how="left")
    held, spot, pending, wanted = (
        _Levels(asked[asked["__kind"].isin(kinds)], len(result))
        for kinds in (["dedicated"], ["spot"], ["pending"], ["dedicated", "pending"])
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
    """Steps of GPUs, by row of the result."""

    def __init__(self, asked: pd.DataFrame, rows: int) -> None:
        steps = sweep(nw.from_native(asked), ["__row"])
        step = np.flatnonzero(~runs(steps.group)[1:])
        self._rows = rows
        self._row = steps.groups["__row"].to_numpy("int64")[steps.group[step]]
        self._gpus = steps.level[step]
        self._hours = (steps.time[step + 1] - steps.time[step]) / US_PER_HOUR

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
        raise ArgumentError(
            f"by={by!r}: limits are by 'gpu_type', or by ['team_name', 'gpu_type'], each with or "
            f"without {MODEL!r}, or by {MODEL!r} alone"
        )
    return keys


def _demand(jobs: object, keys: list[str]) -> tuple[Frame, pd.DataFrame]:
    """Collect the GPUs that jobs held or asked for, and of which ``__kind``, as steps or jobs."""
    models = [MODEL] if MODEL in column_names(jobs) else []
    needed = ["created_at", "end_at", "gpus", "gpu_hours", "phase"]
    frame = read_table(jobs, [*keys, *needed, *models, *held_columns(jobs)])
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
    if HELD in frame.collect_schema():
        # Before they held GPUs, jobs waited for them.
        waited = frame.filter((nw.col("gpus") > 0) & ~is_spot, nw.col(HELD) > nw.col("created_at"))
        waited = waited.with_columns(end_at=HELD, __kind=nw.lit("pending"), __held="gpus")
        found = nw.concat([found, waited.select(*columns)])
    if is_lazy(frame):
        names = {"start": "created_at", "end": "end_at", "gpus": "__held"}
        table = to_pandas(plain_text(query_steps(found, [*keys, "__kind"]), keys)).rename(
            columns=names
        )
    else:
        table = to_pandas(plain_text(found, keys))
    return frame, _one_spelling(table, keys)


def _in_window(
    asked: pd.DataFrame, since: Moment | None, until: Moment | None
) -> tuple[pd.DataFrame, float]:
    """Cut to the window, and tell its length in hours."""
    first, last = asked["created_at"].min(), asked["end_at"].max()
    start, stop = read_window(since, until, None if pd.isna(last) else last.to_pydatetime())
    if start is not None:
        first = pd.Timestamp(start)
        asked = asked.assign(
            created_at=asked["created_at"].mask(asked["created_at"] < first, first)
        )
    if stop is not None:
        last = pd.Timestamp(stop)
        end = asked["end_at"]
        asked = asked.assign(end_at=end.mask(end > last, last))
    span = (last - first) / pd.Timedelta(hours=1)
    asked = asked[asked["end_at"] > asked["created_at"]]
    return asked.reset_index(drop=True), span if span > 0 else 0.0


def _one_spelling(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Make keys text, and their types of GPU one spelling."""
    table = table.astype(dict.fromkeys(keys, TEXT))
    spelled = table["gpu_type"].map(same_type, na_action="ignore").astype(TEXT)
    return table.assign(gpu_type=spelled)


def _limits(capacity: object, keys: list[str]) -> pd.DataFrame:
    """Collect the limits of the organisation, or of its teams."""
    wanted_keys, keys = keys, [key for key in keys if key != MODEL]
    frame = read_table(capacity, ["team_id", *keys, "limit", "baseline"], name="capacity")
    is_team = ~nw.col("team_id").is_null()
    wanted = is_team if "team_name" in keys else ~is_team
    # An answer that spells a type in two ways tells one limit twice; teams of one name have two.
    rows = _one_spelling(to_pandas(plain_text(frame.filter(wanted), keys)), keys)
    limits = rows.groupby([*keys, "team_id"], dropna=False)[["limit", "baseline"]].max()
    limits = limits.groupby(keys).sum()
    limits = limits.astype("Int64").reset_index()
    if MODEL in wanted_keys:
        limits = limits.assign(**{MODEL: pd.Series("dedicated", limits.index, TEXT)})
    return limits[[*wanted_keys, "limit", "baseline"]]
