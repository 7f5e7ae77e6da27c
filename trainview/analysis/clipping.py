"""A window of time cut out of all tables of a snapshot, which are in pandas."""

from collections.abc import Callable, Mapping
from datetime import datetime
from math import nan
from typing import Any

import pandas as pd

from trainview.analysis.pandas_dtypes import TEXT
from trainview.analysis.samples import outside
from trainview.analysis.steps import microseconds
from trainview.analysis.windows import clip_jobs

# Tables of things that happen at one moment, and where that stands.
_MOMENTS = {"status_events": "created_at", "checkpoints": "created_at", "logs": "timestamp"}


def clip_tables(
    tables: Mapping[str, pd.DataFrame], start: datetime | None, stop: datetime | None
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Cut tables to [start, stop).

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        By their names in a snapshot, with all of their columns.
    start, stop : datetime or None
        The window, in UTC; None where it is open, but not both.

    Returns
    -------
    tables : dict of str to pandas.DataFrame
        The same tables; those that speak of no time, such as prices, are as they were.
    notes : list of str
        What could not be placed in the window.
    """
    first = None if start is None else pd.Timestamp(start)
    last = None if stop is None else pd.Timestamp(stop)
    found = dict(tables)
    for name, clip in _CLIPS.items():
        if name in tables:
            found[name] = clip(tables[name], first, last).reset_index(drop=True)
    for name, column in _MOMENTS.items():
        if name in tables:
            found[name] = _between(tables[name], column, first, last).reset_index(drop=True)
    if "jobs" in tables:
        jobs = clip_jobs(tables["jobs"], start, stop)
        found["jobs"] = jobs
        if "projects" in found:
            found["projects"] = _with_latest(found["projects"], jobs)
        if "instance_types" in found:
            types = found["instance_types"]
            used = types["instance_type_id"].isin(jobs["instance_type_id"].unique())
            found["instance_types"] = types[used].reset_index(drop=True)
    return found, _notes(tables.get("billing"), found.get("billing"))


def clip_queue(
    queue: pd.DataFrame, first: pd.Timestamp | None, last: pd.Timestamp | None
) -> pd.DataFrame:
    """Keep the jobs that were submitted in a window, or wait still at its end.

    Parameters
    ----------
    queue : pandas.DataFrame
        A queue table.
    first, last : pandas.Timestamp or None
        The window.

    Returns
    -------
    pandas.DataFrame
        Their waits count from when they were submitted, and are known up to the window's end: who
        was released later waits still.
    """
    if last is not None:
        queue = queue[queue["submitted_at"] < last]
        later = queue["observed_until"] > last
        hours = (last - queue["submitted_at"]).dt.total_seconds() / 3600
        queue = queue.assign(
            released_at=queue["released_at"].mask(later),
            observed_until=queue["observed_until"].mask(later, last),
            is_waiting=queue["is_waiting"] | later,
            waited_hours=queue["waited_hours"].mask(later, hours),
        )
    if first is not None:
        queue = queue[(queue["submitted_at"] >= first) | queue["is_waiting"]]
    return queue


def clip_metrics(
    metrics: pd.DataFrame, first: pd.Timestamp | None, last: pd.Timestamp | None
) -> pd.DataFrame:
    """Keep the samples that speak for some time of a window.

    Parameters
    ----------
    metrics : pandas.DataFrame
        A metrics table.
    first, last : pandas.Timestamp or None
        The window.

    Returns
    -------
    pandas.DataFrame
        With the last sample of each series before the window, where it reaches into it.
    """
    metrics = metrics.reset_index(drop=True)
    start, end = (nan if edge is None else _microseconds(edge) for edge in (first, last))
    is_outside = outside(metrics, microseconds(metrics["timestamp"]), start, end)
    return metrics[~is_outside & metrics["job_id"].notna().to_numpy()]


def clip_phases(phases: pd.DataFrame, jobs: pd.DataFrame) -> pd.DataFrame:
    """Cut phases to what a window has left of their jobs.

    All that tells about the time before the window still counts so, which it would not in phases
    that were found in tables that are cut already.

    Parameters
    ----------
    phases : pandas.DataFrame
        What `job_phases` gives for all jobs.
    jobs : pandas.DataFrame
        What `clip_jobs` gives, or some of them.

    Returns
    -------
    pandas.DataFrame
        The phases of these jobs, with the hours that lie in the window; what began before it begins
        with it, what begins later is null.
    """
    life = jobs.drop_duplicates("job_id").set_index("job_id")
    found = phases[phases["job_id"].isin(life.index)].reset_index(drop=True)
    # not map, which gives no times where there are no jobs
    life = life[["created_at", "end_at"]].reindex(found["job_id"]).set_axis(found.index)
    first, last = life["created_at"], life["end_at"]
    is_odd = last.isna() | first.isna() | found["ended_at"].isna()
    first = first.mask(is_odd, found["submitted_at"])
    last = last.mask(is_odd, found["ended_at"])
    ends = {
        "queued_hours": ("submitted_at", "released_at"),
        "deploying_hours": ("released_at", "started_at"),
        "running_hours": ("started_at", "ended_at"),
    }
    changes: dict[str, pd.Series[Any]] = {}
    for name, (since, until) in ends.items():
        begin, end = found[since], found[until].fillna(found["ended_at"])
        begin, end = begin.where(begin >= first, first), end.where(end <= last, last)
        hours = ((end - begin).dt.total_seconds() / 3600).clip(lower=0.0)
        is_cut = (found[since] < first) | (found["ended_at"] > last)
        changes[name] = found[name].mask(is_cut & (found[name] > 0), hours)
    for name in ("released_at", "started_at"):
        time = found[name]
        changes[name] = time.mask(time < first, first).mask(time > last)
    off = pd.to_timedelta(found["uncertainty_hours"], unit="h")
    is_before = found["started_at"] + off < first
    return found.assign(
        **changes,
        submitted_at=found["submitted_at"].mask(found["submitted_at"] < first, first),
        ended_at=found["ended_at"].mask(found["ended_at"] > last, last).clip(lower=first),
        running_gpu_hours=found["gpus"] * changes["running_hours"],
        uncertainty_hours=found["uncertainty_hours"].mask(is_before, 0.0),
    )


def _microseconds(moment: pd.Timestamp) -> int:
    # By way of nanoseconds, nothing after 2262 has a number.
    return int(moment.asm8.astype("M8[us]").astype("int64"))


def _between(
    table: pd.DataFrame, column: str, first: pd.Timestamp | None, last: pd.Timestamp | None
) -> pd.DataFrame:
    if first is not None:
        table = table[table[column] >= first]
    return table if last is None else table[table[column] < last]


def _clip_bill(
    bill: pd.DataFrame, first: pd.Timestamp | None, last: pd.Timestamp | None
) -> pd.DataFrame:
    """Keep the days that begin in a window; what has no day stays where its whole month lies."""
    days = _between(bill[bill["date"].notna()], "date", first, last)
    undated = bill[bill["date"].isna() & bill["month"].notna()]
    if first is not None:
        undated = undated[undated["month"] >= first]
    if last is not None:
        undated = undated[undated["month"] + pd.offsets.MonthBegin() <= last]
    return bill.loc[days.index.union(undated.index)]


def _notes(before: pd.DataFrame | None, after: pd.DataFrame | None) -> list[str]:
    """Tell what of a bill belongs to no day, and to no month that lies in the window."""
    if before is None or after is None:
        return []
    whole, kept = (bill.loc[bill["date"].isna(), "subtotal_usd"].sum() for bill in (before, after))
    if not whole > kept:
        return []
    lost = f"{whole - kept:,.2f} USD of the bill belong to no day"
    return [f"{lost}, nor to a month that lies in the window: they are left out"]


def _clip_projects(
    projects: pd.DataFrame, _: pd.Timestamp | None, last: pd.Timestamp | None
) -> pd.DataFrame:
    """Keep the projects that were there."""
    if last is None:
        return projects
    projects = projects[~(projects["created_at"] >= last)]
    return projects.assign(
        updated_at=projects["updated_at"].mask(projects["updated_at"] > last, last)
    )


def _with_latest(projects: pd.DataFrame, jobs: pd.DataFrame) -> pd.DataFrame:
    """Name the latest job in the window of each project; null where it has none."""
    latest = jobs.sort_values("created_at", kind="stable").drop_duplicates(
        "project_id", keep="last"
    )
    latest = latest.set_index("project_id")
    known = projects["latest_job_id"].isin(jobs["job_id"])
    ids = projects["latest_job_id"].where(known, projects["project_id"].map(latest["job_id"]))
    status = jobs.set_index("job_id")["status"].astype(TEXT)
    return projects.assign(
        latest_job_id=ids.astype(projects["latest_job_id"].dtype),
        latest_job_status=ids.map(status).astype("category"),
    )


_CLIPS: dict[
    str,
    Callable[[pd.DataFrame, pd.Timestamp | None, pd.Timestamp | None], pd.DataFrame],
] = {
    "projects": _clip_projects,
    "billing": _clip_bill,
    "queue": clip_queue,
    "metrics": clip_metrics,
}
