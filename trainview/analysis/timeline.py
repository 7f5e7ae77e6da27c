"""Jobs laid out as the bars of a Gantt chart."""

from heapq import heappop, heappush
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from trainview.analysis.frames import (
    By,
    Integers,
    give_back_small,
    group_keys,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.grouping import number_groups, runs
from trainview.analysis.joins import one_a_job
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.steps import microseconds
from trainview.schema.table_types import AnyDataFrame, DataFrame

TIMES = ("released_at", "started_at")
COLUMNS = ("job_id", "job_name", "project_name", "status", "phase")
# Each lane depends on all jobs before: they are laid out in memory, and more than these fill it.
MOST_JOBS = 1_000_000


def job_timeline(
    jobs: DataFrame, by: By = "project_name", *, phases: AnyDataFrame | None = None
) -> DataFrame:
    """Lay jobs out in lanes, the rows of a Gantt chart, so that no two bars of a lane overlap.

    A lane belongs to one group, and each group has as few lanes as possible: as many as it has
    jobs at the same time, at most. Jobs take the lowest lane that is free. One that begins when
    another ends can follow it in its lane, and one without a duration occupies its instant.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``job_name``, ``project_name``, ``status``, ``phase``,
        ``created_at``, ``end_at``, ``elapsed_hours``, ``is_open`` and the columns of `by`. Lanes
        are laid out in memory, so a lazy table may have 1,000,000 jobs at most.
    by : str or sequence of str, optional
        Columns to group lanes by; None packs all jobs together.
    phases : table, optional
        What `job_phases` gives, with ``job_id``, ``released_at`` and ``started_at``.

    Returns
    -------
    table of the same kind as `jobs`
        One row a job, sorted by lane, start and job. Groups are in the order of their first
        jobs; jobs whose times contradict each other come last.

        - ``job_id``, ``job_name``, ``project_name``, ``status``, ``phase`` (text)
        - ``start`` (datetime, UTC): submission
        - ``end`` (datetime, UTC): estimated end; null for an open job, which has none, and where
          the times contradict
        - ``elapsed_hours`` (float64): hours from start to end, or until now; null where the times
          contradict
        - ``is_open`` (bool): whether the job has not ended yet
        - ``lane`` (Int64): number of the lane, from 0; null where the times contradict

        and with `phases`:

        - ``released_at``, ``started_at`` (datetime, UTC): when it left the queue, and when it began
          to run; null where that is not known, or does not lie between start and end

    Raises
    ------
    ArgumentError
        If a column is missing, `by` names none, or a lazy table has more than 1,000,000 jobs.

    Examples
    --------
    >>> import pandas as pd
    >>> clock = pd.to_datetime(["2025-01-01 00:00", "2025-01-01 01:00", "2025-01-01 02:00"])
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "job_id": ["a", "b", "c"],
    ...         "job_name": ["first", "second", "third"],
    ...         "project_name": "llm",
    ...         "status": "completed",
    ...         "phase": "succeeded",
    ...         "created_at": clock,
    ...         "end_at": clock + pd.Timedelta("2h"),
    ...         "elapsed_hours": 2.0,
    ...         "is_open": False,
    ...     }
    ... )
    >>> job_timeline(jobs)[["job_id", "start", "end", "lane"]]
      job_id                     start                       end  lane
    0      a 2025-01-01 00:00:00+00:00 2025-01-01 02:00:00+00:00     0
    1      c 2025-01-01 02:00:00+00:00 2025-01-01 04:00:00+00:00     0
    2      b 2025-01-01 01:00:00+00:00 2025-01-01 03:00:00+00:00     1
    """
    keys = group_keys(by)
    times = ["created_at", "end_at", "elapsed_hours", "is_open"]
    frame = read_table(jobs, [*COLUMNS, *times, *keys])
    table = to_pandas(plain_text(frame, ["status", "phase"]), most=MOST_JOBS, what="jobs")
    table = with_dtypes(table, dict.fromkeys(COLUMNS, TEXT))
    phase_times: tuple[str, ...] = ()
    if phases is not None:
        table, phase_times = _with_phases(table, phases), TIMES
    known = table["elapsed_hours"].notna().to_numpy("bool")
    row = np.flatnonzero(known)
    number, _ = number_groups(table[keys].take(row).reset_index(drop=True), keys)
    start = microseconds(table["created_at"])[row]
    end = np.maximum(microseconds(table["end_at"])[row], start + 1)
    order = _in_order(start, number, table["job_id"], row)
    start, end, number, row = start[order], end[order], number[order], row[order]
    lane = _lowest_lanes(start, end, number)
    packed = np.lexsort((start, lane))
    odd = table.loc[~known, ["created_at", "job_id"]].sort_values(["created_at", "job_id"])
    order = np.concatenate([row[packed], odd.index.to_numpy()])
    result = table[[*COLUMNS, *times, *phase_times]].take(order)
    lanes = pd.array(np.append(lane[packed], np.zeros(len(odd), "int64")), dtype="Int64")
    lanes[len(packed) :] = pd.NA
    result = result.rename(columns={"created_at": "start", "end_at": "end"})
    result = result.reset_index(drop=True).assign(lane=lanes)
    has_ended = ~result["is_open"].astype("bool") & result["elapsed_hours"].notna()
    result["end"] = result["end"].where(has_ended)
    columns = [*COLUMNS, "start", "end", "elapsed_hours", "is_open", "lane", *phase_times]
    return give_back_small(result[columns], jobs)


def _with_phases(table: pd.DataFrame, phases: Any) -> pd.DataFrame:
    """Add when jobs were released and began to run, where that lies between their start and end."""
    read = read_table(phases, ["job_id", *TIMES], name="phases", times=TIMES)
    known = to_pandas(one_a_job(read), most=MOST_JOBS, what="jobs in phases").set_index("job_id")
    of_jobs = known.reindex(table["job_id"]).set_axis(table.index)
    times = {name: of_jobs[name].astype("datetime64[us, UTC]") for name in TIMES}
    fits = {
        name: (time >= table["created_at"]) & (time <= table["end_at"])
        for name, time in times.items()
    }
    return table.assign(**{name: time.where(fits[name]) for name, time in times.items()})


def _in_order(
    start: Integers, number: Integers, job_id: "pd.Series[str]", row: Integers
) -> Integers:
    """Sort jobs into the order of lanes: groups by first start, then start, then job."""
    order = np.argsort(start, kind="stable")
    first = np.zeros(number.max(initial=-1) + 1, "int64")
    first[number[order[::-1]]] = start[order[::-1]]
    place = np.empty(len(first), "int64")
    place[np.argsort(first, kind="stable")] = np.arange(len(first))
    place = place.astype(np.min_scalar_type(len(first)))
    order = order[np.argsort(place[number[order]], kind="stable")]
    new = runs(start[order], number[order])
    tied = np.flatnonzero(~new | np.append(~new[1:], False)[: len(new)])
    if len(tied):
        # Only jobs that start together are compared by text, which is slow.
        rank = job_id.take(row[order[tied]]).rank(method="first").to_numpy()
        order[tied] = order[tied][np.lexsort((rank, np.cumsum(new)[tied]))]
    return order


def _lowest_lanes(start: Integers, end: Integers, number: Integers) -> Integers:
    """Give each job the lowest free lane of its group; the jobs are sorted by group and start."""
    jobs = len(start)
    place = np.cumsum(runs(number)) - 1
    time = np.concatenate([start, end])
    begins = np.repeat([True, False], jobs)
    # At one moment, lanes are freed before others are taken.
    order = np.lexsort((begins, time, np.concatenate([place, place])))
    event = np.concatenate([np.arange(jobs), ~np.arange(jobs)])[order].tolist()
    bounds = (2 * np.append(np.flatnonzero(runs(number)), jobs)).tolist()
    lane = [0] * jobs
    top = 0
    for low, high in pairwise(bounds):
        free: list[int] = []
        for job in event[low:high]:
            if job < 0:
                heappush(free, lane[~job])
            elif free:
                lane[job] = heappop(free)
            else:
                lane[job] = top
                top += 1
    return np.array(lane, "int64")
