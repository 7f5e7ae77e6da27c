"""Jobs that somebody should look at, with the reason and what to do."""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.cost import price_list
from trainview.analysis.failures import FAILED, is_finished
from trainview.analysis.frames import (
    Frame,
    column_names,
    give_back_small,
    in_pandas,
    only,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.idle_now import flag_idle
from trainview.analysis.joins import beside
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.small_tables import read_small
from trainview.analysis.times import US_PER_HOUR, with_microseconds
from trainview.analysis.waste import (
    LOSSES,
    in_order,
    lost,
    remedies,
    usd_per_gpu_hour,
)
from trainview.errors import ArgumentError
from trainview.schema.table_types import AnyDataFrame, DataFrame
from trainview.statuses import STATUSES

_SHOWN = ("job_id", "job_name", "project_name", "team_name", "user_email", "status")
_HOURS = ("elapsed_hours", "gpus", "gpu_hours")
_NEEDED = (
    *(name for name in _SHOWN if name != "team_name"),
    *_HOURS,
    *("project_id", "created_at", "updated_at", "end_at", "is_open"),
)
_LABELS = {
    phase: [status.label for status in STATUSES if status.phase == phase]
    for phase in ("waiting", "starting", "running")
}
CENTURY = 100 * 365 * 24.0
# Sentences about jobs are written in memory.
MOST_JOBS = 1_000_000


def needs_attention(  # noqa: PLR0913 - each limit is an argument
    jobs: DataFrame,
    projects: AnyDataFrame | None = None,
    *,
    metrics: AnyDataFrame | None = None,
    prices: AnyDataFrame | None = None,
    queue: AnyDataFrame | None = None,
    waiting_hours: float = 2.0,
    deploying_hours: float = 1.0,
    usual_factor: float = 3.0,
    usual_jobs: int = 5,
    silent_hours: float = 72.0,
    failures: int = 3,
    idle_hours: float = 2.0,
    idle_threshold: float = 0.05,
) -> DataFrame:
    """List the jobs that somebody should look at, and say why and what to do.

    What loses most comes first. Where the loss is the same or not known, the order is that of the
    reasons; what holds GPUs for nothing comes before what does not:

    - ``GPUs idle``: open, and GPUs of it have been idle for more than `idle_hours` up to now, as
      measured in `metrics`; lost is that time
    - ``deploying long``: deploying for more than `deploying_hours`, since it was released, where
      `queue` tells; lost is what is beyond
    - ``no update``: open, and its record has not changed for more than `silent_hours`
    - ``running long``: running for more than `usual_factor` times the 90th percentile of the
      elapsed time of its project's completed jobs, when there are at least `usual_jobs` of them
    - ``failing repeatedly``: the newest failed job of a project whose last `failures` finished
      jobs all failed; lost is what these jobs took
    - ``waiting long``: pending, queued or created for more than `waiting_hours`; nothing is lost,
      but a job that holds GPUs of the same type and is idle or stuck is named, and a hint of the
      API's (``error_message``) repeated, such as that spot capacity would start it sooner
    - ``inconsistent timestamps``: last changed before it was created, or dated after the data's
      moment, so that its durations are not known

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``job_name``, ``project_id``, ``project_name``,
        ``user_email``, ``status``, ``is_open``, ``created_at``, ``updated_at``, ``end_at``,
        ``elapsed_hours``, ``gpus`` and ``gpu_hours``.
    projects : pandas, Polars, DuckDB or PySpark table, optional
        A projects table with ``project_id`` and ``team_name``, to name the teams.
    metrics : pandas, Polars, DuckDB or PySpark table, optional
        A metrics table, as for `idle_gpus`.
    prices : pandas, Polars, DuckDB or PySpark table, optional
        A prices table with ``instance_type_id`` and ``usd_per_minute``; `jobs` then needs
        ``instance_type_id`` and ``gpu_count``.
    queue : pandas, Polars, DuckDB or PySpark table, optional
        A queue table with ``job_id`` and ``released_at``.
    waiting_hours, deploying_hours, silent_hours, idle_hours : float
        Hours that are still fine.
    usual_factor : float
        How many times as long as usual is still fine.
    usual_jobs : int
        How many completed jobs a project must have to say what is usual.
    failures : int
        How many failures in a row are too many.
    idle_threshold : float
        Utilisation, 0 to 1, from which on a GPU is not idle.

    Returns
    -------
    table of the same kind as `jobs`
        One row a job and reason, by what is lost: USD, then GPU-hours; then by reason. A loss is
        told once, in the row of its reason: the columns may be summed.

        - ``job_id``, ``job_name``, ``project_name``, ``team_name``, ``user_email``, ``status``
          (text)
        - ``elapsed_hours`` (float64): hours from submission to the end, or until now
        - ``gpus`` (int64): GPUs of the job
        - ``gpu_hours`` (float64): GPU-hours
        - ``wasted_gpu_hours`` (float64): GPU-hours lost, null where that is not known
        - ``wasted_usd`` (float64): these at list prices in USD, null where that is not known; an
          estimate: deployment, for one, is not billed
        - ``reason`` (text): one of those above
        - ``detail`` (text): the value, the limit, and what to do

    Raises
    ------
    ArgumentError
        If a column is missing, a threshold is negative, or more than 1,000,000 jobs of a lazy table
        are running, may wait for too long, or have no known duration.

    Examples
    --------
    >>> import pandas as pd
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1"],
    ...         "job_name": ["pretrain"],
    ...         "project_id": ["p1"],
    ...         "project_name": ["llm"],
    ...         "user_email": ["ada@example.com"],
    ...         "status": ["deploying"],
    ...         "created_at": pd.to_datetime(["2025-01-01 00:00"], utc=True),
    ...         "updated_at": pd.to_datetime(["2025-01-01 00:10"], utc=True),
    ...         "end_at": pd.to_datetime(["2025-01-01 09:12"], utc=True),
    ...         "is_open": [True],
    ...         "elapsed_hours": [9.2],
    ...         "gpus": [8],
    ...         "gpu_hours": [73.6],
    ...     }
    ... )
    >>> needs_attention(jobs)[["job_id", "reason"]]
      job_id          reason
    0     j1  deploying long
    >>> needs_attention(jobs)["detail"].item()
    'deploying for 9.2 h, limit 1 h: check the image and its registry'
    """
    limits = {
        "waiting_hours": waiting_hours,
        "deploying_hours": deploying_hours,
        "usual_factor": usual_factor,
        "usual_jobs": usual_jobs,
        "silent_hours": silent_hours,
        "failures": failures,
        "idle_hours": idle_hours,
    }
    for name, limit in limits.items():
        least = 1 if name in {"usual_jobs", "failures"} else 0
        if not limit >= least:
            raise ArgumentError(f"{name}={limit!r}: give a number from {least}")
    if not 0 <= idle_threshold <= 1:
        raise ArgumentError(f"idle_threshold={idle_threshold!r}: give a fraction from 0 to 1")
    there = column_names(jobs)
    priced = [] if prices is None else ["instance_type_id", "gpu_count"]
    more = [*priced, *(name for name in ("gpu_type", "error_message") if name in there)]
    frame = read_small(jobs, [*_NEEDED, *more])
    listed = None if prices is None else price_list(prices)
    rows = _candidates(frame, waiting_hours, deploying_hours, silent_hours, metrics is not None)
    rows["usd_per_gpu_hour"] = usd_per_gpu_hour(rows, listed)
    waiting, starting, running = (
        rows["is_open"] & rows["status"].isin(_LABELS[phase]) for phase in _LABELS
    )
    hours = rows["elapsed_hours"]
    silent = _hours_between(rows["updated_at"], rows["end_at"])
    seconds_early = _hours_between(rows["updated_at"], rows["created_at"]) * 3600
    usual = _usual(frame, rows.loc[running, "project_id"], usual_jobs)
    longest = rows["project_id"].map(usual).astype("float64") * usual_factor
    deploying = _hours_between(_released(queue, rows), rows["end_at"]).fillna(hours)
    idle, busy = flag_idle(metrics, rows[running | starting], prices, idle_threshold, idle_hours)
    stuck = _together(
        [
            idle,
            _flag(
                rows[starting & (deploying > deploying_hours)],
                "deploying long",
                "deploying for {:.1f} h, limit {:g} h: check the image and its registry",
                deploying,
                deploying_hours,
                loss=rows["gpus"] * (deploying - deploying_hours),
            ),
            _flag(
                rows[(waiting | starting | running) & (silent > silent_hours)],
                "no update",
                "no update for {:.1f} h, limit {:g} h: read its logs, stop it if it hangs",
                silent,
                silent_hours,
            ),
        ]
    )
    holds = ~stuck["status"].isin(_LABELS["waiting"])
    found = _together(
        [
            stuck,
            _flag(
                rows[running & (hours > longest)],
                "running long",
                "running for {:.1f} h, limit {:.1f} h ({:g} times the project's usual): "
                "check that it makes progress",
                hours,
                longest,
                usual_factor,
            ),
            _failing(frame, failures, listed),
            _flag(
                rows[waiting & (hours > waiting_hours)],
                "waiting long",
                "{} for {:.1f} h, limit {:g} h: {}",
                rows["status"],
                hours,
                waiting_hours,
                remedies(rows, stuck[holds & ~stuck["job_id"].isin(busy)]),
                loss=rows["gpus"] * 0.0,
            ),
            _flag(
                rows[hours.isna() & (seconds_early > 0)],
                "inconsistent timestamps",
                "last changed {:,.0f} s before it was created: its durations are not known",
                seconds_early,
            ),
            _flag(
                rows[hours.isna() & ~(seconds_early > 0)],
                "inconsistent timestamps",
                "dated after the moment that the data describes: check the as_of that was given",
            ),
        ]
    )
    found["team_name"] = _teams(projects, found["project_id"])
    result = in_order(found)[[*_SHOWN, *_HOURS, *LOSSES, "reason", "detail"]]
    return give_back_small(result, jobs)


def _released(queue: object, rows: pd.DataFrame) -> "pd.Series[Any]":
    """Give the moment at which each job was released, where that is known."""
    unknown = pd.Series(pd.NaT, rows.index, dtype=rows["end_at"].dtype)
    if queue is None:
        return unknown
    frame = read_table(queue, ["job_id", "released_at"], name="queue", times=["released_at"])
    table = to_pandas(only(plain_text(frame, ["job_id"]), "job_id", rows["job_id"])).dropna()
    times = table.drop_duplicates("job_id", keep="last").set_index("job_id")["released_at"]
    return rows["job_id"].map(times).astype(unknown.dtype) if len(times) else unknown


def _candidates(
    frame: Frame,
    waiting_hours: float,
    deploying_hours: float,
    silent_hours: float,
    measured: bool,  # noqa: FBT001 - the last of the conditions
) -> pd.DataFrame:
    """Collect the jobs that may be flagged for what they are, without their project's others."""
    status, hours = nw.col("status"), nw.col("elapsed_hours")
    # The exact limit is applied later.
    least = int(min(silent_hours, CENTURY) * US_PER_HOUR)
    counted = with_microseconds(frame, __updated="updated_at", __end="end_at")
    silent = nw.col("__end") - nw.col("__updated") > least
    is_open = status.is_in([label for labels in _LABELS.values() for label in labels])
    some = (
        (status.is_in(_LABELS["waiting"]) & (hours > waiting_hours))
        | (status.is_in(_LABELS["starting"]) & (hours > deploying_hours))
        | status.is_in(_LABELS["running"])
        | (status.is_in(_LABELS["starting"]) & nw.lit(measured))
        | (is_open & silent)
        | hours.is_null()
    )
    return _collect(counted.filter(some).select(frame.columns))


def _usual(frame: Frame, project_id: "pd.Series[str]", usual_jobs: int) -> "pd.Series[float]":
    """Find how long completed jobs of some projects take, where there are enough of them."""
    completed = frame.select("project_id", "status", "elapsed_hours").filter(
        nw.col("status") == "completed"
    )
    of_them = only(completed, "project_id", project_id)
    if of_them.implementation.is_pyarrow():
        # Arrow has no quantile of groups
        of_them = in_pandas(of_them)
    hours = nw.col("elapsed_hours")
    usual = to_pandas(
        of_them.group_by("project_id").agg(jobs=hours.count(), usual=hours.quantile(0.9, "linear"))
    )
    return usual[usual["jobs"] >= usual_jobs].set_index("project_id")["usual"].astype("float64")


def _failing(frame: Frame, failures: int, listed: pd.DataFrame | None) -> pd.DataFrame:
    """Flag the newest job of each project whose last jobs all failed, with all that they took."""
    end, failed = nw.col("end_at"), nw.col("status").is_in(FAILED)
    types = [] if listed is None else ["instance_type_id", "gpu_count"]
    jobs = frame.select("project_id", "job_id", "status", "end_at", "gpu_hours", *types)
    # jobs of no project are a project, too
    jobs = plain_text(jobs, ["project_id"]).with_columns(nw.col("project_id").fill_null(""))
    fine = jobs.select("project_id", "status", "end_at").filter(is_finished() & ~failed)
    fine = fine.group_by("project_id").agg(__fine=end.max())
    jobs = beside(jobs.filter(failed), fine, "project_id")
    jobs = jobs.filter(nw.col("__fine").is_null() | (end > nw.col("__fine")))
    jobs = jobs.with_columns(__newest=end.max().over("project_id"))
    newest = nw.when(end == nw.col("__newest")).then(nw.col("job_id").cast(nw.String))
    taken = lost(jobs.with_columns(job_id=newest), types, listed)
    taken = taken[taken["streak"] >= failures]
    streaks = taken.set_index("job_id")["streak"]
    rows = _collect(only(frame, "job_id", streaks.index.to_series()))
    streak = rows["job_id"].map(streaks).astype("int64")
    flagged = _flag(
        rows,
        "failing repeatedly",
        "{} failures in a row, limit {}: read the error before starting another job",
        streak,
        failures,
    )
    project = rows["project_id"].fillna("")
    return flagged.assign(**{name: project.map(taken[name]).astype("float64") for name in LOSSES})


def _collect(frame: Frame) -> pd.DataFrame:
    table = to_pandas(plain_text(frame, ["status"]), most=MOST_JOBS, what="jobs to look at")
    text = [*(name for name in _SHOWN if name != "team_name"), "project_id"]
    kinds: dict[str, Any] = dict.fromkeys(text, TEXT)
    kinds |= {"gpus": "int64", "elapsed_hours": "float64", "gpu_hours": "float64"}
    return with_dtypes(table, kinds)


def _hours_between(start: "pd.Series[Any]", end: "pd.Series[Any]") -> "pd.Series[float]":
    return (end - start).dt.total_seconds() / 3600


def _together(flagged: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put flagged rows below each other; the first frame has all columns, also without a row."""
    some = [rows for rows in flagged if len(rows)]
    return pd.concat(some or flagged[:1], ignore_index=True)


def _flag(
    rows: pd.DataFrame,
    reason: str,
    text: str,
    *values: Any,
    loss: "pd.Series[float] | None" = None,
) -> pd.DataFrame:
    """Mark rows with a reason; values are columns of all rows, or the same for each."""
    if rows.empty:
        return rows
    columns = [
        value.loc[rows.index] if isinstance(value, pd.Series) else [value] * len(rows)
        for value in values
    ]
    detail = [text.format(*parts) for _, *parts in zip(rows.index, *columns, strict=True)]
    hours = pd.Series(np.nan, rows.index) if loss is None else loss.loc[rows.index]
    usd = hours * rows["usd_per_gpu_hour"] if "usd_per_gpu_hour" in rows else np.nan
    return rows.assign(
        reason=pd.Series(reason, rows.index, dtype=TEXT),
        detail=pd.Series(detail, rows.index, dtype=TEXT),
        wasted_gpu_hours=hours.astype("float64"),
        wasted_usd=usd,
    )


def _teams(projects: object, project_id: "pd.Series[str]") -> "pd.Series[str]":
    if projects is None:
        return pd.Series(None, project_id.index, dtype=TEXT)
    teams = only(read_table(projects, ["project_id", "team_name"]), "project_id", project_id)
    names = to_pandas(plain_text(teams, ["team_name"])).drop_duplicates("project_id", keep="last")
    return project_id.map(names.set_index("project_id")["team_name"]).astype(TEXT)
