"""What changed: two snapshots, or two windows of one, side by side."""

import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import nan
from typing import NamedTuple

import pandas as pd

from trainview.analysis import compare_causes, compare_jobs, lost_work
from trainview.analysis.frames import By
from trainview.analysis.windows import read_window
from trainview.errors import ArgumentError, DataWarning
from trainview.snapshot.clipping import cut
from trainview.snapshot.core import Snapshot
from trainview.snapshot.refining import quiet_phases, refined
from trainview.text.moments import Moment, is_span, read_moment
from trainview.text.safe import count

Window = tuple[pd.Timestamp, pd.Timestamp]

# How far the share of GPU-hours that are an upper bound may differ before that is said.
_ALIKE = 0.1
_DAY = timedelta(days=1)
# Tables that are cut to windows; nothing else of the time is compared.
_COMPARED = ("jobs", "billing", "metrics")


class Comparison(NamedTuple):
    """Two snapshots, ready to be compared.

    Attributes
    ----------
    before, after : Snapshot
        Refined; jobs, bill and samples are cut to their windows.
    lost : pair of pandas.DataFrame or None
        What `lost_work` gives; None where checkpoints were never fetched.
    has_bill : bool
        Whether both have a bill for all of their time.
    windows : pair of windows or None
        Of one snapshot; None for two.
    notes : tuple of str
        What makes the two hard to compare, one sentence each.
    hints : tuple of str
        What could be known.
    """

    before: Snapshot
    after: Snapshot
    lost: tuple[pd.DataFrame | None, pd.DataFrame | None]
    has_bill: bool
    windows: tuple[Window, Window] | None
    notes: tuple[str, ...]
    hints: tuple[str, ...] = ()

    def table(self, by: By = None) -> pd.DataFrame:
        """Give the table of `compare`."""
        sides = self.before, self.after
        before, after = (side.jobs for side in sides)
        prices = [_known(side.prices) for side in sides]
        if by in ("error", ["error"]) and "error" not in self.before.jobs:
            return compare_causes(before, after, prices=prices)
        bills = [side.billing if self.has_bill else None for side in sides]
        metrics = [_known(side.metrics) for side in sides]
        return compare_jobs(
            before, after, by, prices=prices, billing=bills, metrics=metrics, lost=self.lost
        )

    def with_jobs(self, before: pd.DataFrame, after: pd.DataFrame) -> "Comparison":
        """Give it jobs with more columns to group by."""
        sides = replace(self.before, jobs=before), replace(self.after, jobs=after)
        return self._replace(before=sides[0], after=sides[1])

    def title(self) -> str:
        """Say what is compared."""
        if self.windows is None:
            sides = [
                f"{side.as_of:%Y-%m-%d %H:%M} UTC" if side.as_of is not None else "no data"
                for side in (self.before, self.after)
            ]
            return f"{sides[1]}, compared with {sides[0]}"
        earlier, later = (
            [f"{moment:%Y-%m-%d %H:%M}" for moment in window] for window in self.windows
        )
        return f"{' to '.join(later)} UTC, compared with {' to '.join(earlier)}"


def compare(
    before: Snapshot,
    after: Snapshot | None = None,
    *,
    by: By = None,
    since: Moment | None = None,
    until: Moment | None = None,
    against: Moment | None = None,
) -> pd.DataFrame:
    """Tell what changed between two snapshots, or two windows of time of one.

    ``compare(before, after)`` takes each snapshot as it stands: all of its jobs, also those that
    are in both. ``compare(snap, since="7d")`` takes what happened in a window against what happened
    in an earlier one, each as by `Snapshot.clip`. GPU-hours count from when GPUs were held, where
    that is known (`Snapshot.refine`).

    A failure rate is ``worse`` or ``better`` only where the 95% interval of the difference, made of
    the Wilson intervals of both (method 10 of R. G. Newcombe, Statistics in Medicine 17 (1998),
    873-890), does not have 0 in it; else the change is ``noise``. So is each change that is inside
    both intervals.

    Parameters
    ----------
    before : Snapshot
        The earlier one; or the only one.
    after : Snapshot, optional
        The later one.
    by : str or sequence of str, optional
        Columns of jobs to group by, such as ``project_name``; ``error`` for failure causes, as of
        `error_groups`; None for key figures.
    since, until : datetime, date, timedelta or str, optional
        Of one snapshot: the window, as for `Snapshot.clip`; `since` is needed.
    against : datetime, date, timedelta or str, optional
        Of one snapshot: where the earlier window begins, which is as long then, but ends at `since`
        at the latest; or a length of time right before `since`. Without it, the same length right
        before.

    Returns
    -------
    pandas.DataFrame
        What is not known of one side is null, and so is the difference; without jobs, sums are 0.
        The largest difference in estimated USD comes first, of more or less, then in GPU-hours.
        ``_before`` and ``_after`` are the values of both sides, ``_difference`` is after - before,
        ``_ratio`` (float64) is after / before, null where that is 0.

        Key figures, in a fixed order:

        - ``figure``, ``unit`` (str): as in `Snapshot.summary`; the figures are those of groups
        - ``before``, ``after``, ``difference``, ``ratio`` (float64)
        - ``change`` (str): ``more``, ``less``, ``same``; of the failure rate ``worse``, ``better``,
          ``noise``, ``same``; null where it is not known
        - ``low_before``, ``high_before``, ``low_after``, ``high_after`` (float64): bounds of the
          failure rate with 95% confidence, 0 to 1; null for other figures

        Groups, one row each:

        - the columns of `by`, categories as text
        - ``change`` (str): ``appeared`` or ``stopped`` where one side has no jobs, else that of the
          failure rate; null where it is not known on one side
        - ``jobs``, ``finished``, ``failed`` (int64) and ``failure_rate`` (float64, 0 to 1, with
          bounds as above): as of `failure_rates`
        - ``gpu_hours`` (float64): GPU-hours; of these, ``failed_gpu_hours`` of failed jobs,
          ``upper_bound_gpu_hours`` counted from submission, since more is not known
        - ``lost_gpu_hours`` (float64): since the last checkpoint, of jobs that failed or were
          preempted (`lost_work`), wherever they began; null without checkpoints
        - ``idle_gpu_hours``, ``covered_gpu_hours`` (float64): as of `idle_gpus`; null without
          samples
        - ``estimated_usd``, ``failed_usd``, ``idle_usd`` (float64): at the list prices of each
          side; of all jobs, of failed ones, of idle GPUs
        - ``billed_usd`` (float64): the bill; of windows, where both are whole days (UTC) and the
          bill has them all
        - ``unpriced_jobs`` (Int64): jobs that are not in the estimate, since they have no price

        Failure causes, one row each:

        - ``error``, ``category``, ``origin``, ``is_symptom``: as of `error_groups`
        - ``change`` (str): ``new`` or ``vanished``; ``more`` or ``fewer`` of the finished jobs fail
          so, ``noise`` where chance may have done that, ``same``
        - ``jobs`` (int64), ``gpu_hours``, ``estimated_usd`` (float64): of failed jobs
        - ``share_before``, ``share_after`` (float64): of all finished jobs, 0 to 1
        - ``last_seen``, ``advice``, ``example``, ``job_id``: of the latest

    Raises
    ------
    ArgumentError
        If `after` is older than `before`, `by` names no column, there is one snapshot and no
        `since`, there are two and a window, or a window is none.

    Warns
    -----
    DataWarning
        If jobs of `before` have vanished from `after`, windows are not equally long or reach before
        the oldest job, or what is known of them differs.

    Examples
    --------
    >>> import trainview as tv
    >>> snap = tv.load(tv.sample(projects=3))
    >>> changes = tv.compare(snap, since="30d", by="project_name")
    >>> bool((changes["jobs_after"] - changes["jobs_before"] == changes["jobs_difference"]).all())
    True
    """
    found = comparison(before, after, since=since, until=until, against=against)
    result = found.table(by)
    for note in found.notes:
        warnings.warn(note, DataWarning, stacklevel=2)
    return result


def comparison(
    before: Snapshot,
    after: Snapshot | None = None,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    against: Moment | None = None,
    bill: pd.DataFrame | None = None,
    phases: pd.DataFrame | None = None,
) -> Comparison:
    """Get two sides ready to be compared, in several ways.

    Parameters
    ----------
    before, after, since, until, against
        As for `compare`.
    bill : pandas.DataFrame, optional
        Of a snapshot that was selected from: the whole bill, which tells what days it has.
    phases : pandas.DataFrame, optional
        Of one snapshot: what its ``job_phases`` gives, where that is known already.

    Returns
    -------
    Comparison
        The inputs are not changed.

    Raises
    ------
    ArgumentError
        As for `compare`.
    """
    for name, snapshot in (("before", before), ("after", after)):
        if not isinstance(snapshot, Snapshot) and (name == "before" or snapshot is not None):
            raise ArgumentError(
                f"{name}: expected a Snapshot, got {type(snapshot).__name__}: load gives one"
            )
    if after is None:
        whole = before.billing if bill is None else bill
        return _of_windows(refined(before), (since, until, against), whole, phases)
    if not since is until is against is None:
        raise ArgumentError(
            "since: a window is for one snapshot; of two, clip each: before.clip(since, until)"
        )
    return _of_snapshots(before, after)


def _of_snapshots(before: Snapshot, after: Snapshot) -> Comparison:
    if before.as_of is not None and after.as_of is not None and before.as_of > after.as_of:
        raise ArgumentError(
            f"before: it describes {before.as_of:%Y-%m-%d %H:%M} UTC, later than after, "
            f"{after.as_of:%Y-%m-%d %H:%M} UTC: swap the two"
        )
    sides = refined(before), refined(after)
    notes = [*_vanished(*sides), *_of_both(*sides)]
    has_bill = all(len(side.billing) for side in sides)
    lost = _lost(sides[0]), _lost(sides[1])
    return Comparison(*sides, lost, has_bill, None, tuple(notes))


def _of_windows(
    snapshot: Snapshot,
    window: tuple[Moment | None, Moment | None, Moment | None],
    bill: pd.DataFrame,
    phases: pd.DataFrame | None,
) -> Comparison:
    since, until, against = window
    if since is None:
        raise ArgumentError(
            "since: give the start of a window such as 7d, or a second snapshot to compare with"
        )
    lost = _lost(snapshot, phases)
    if snapshot.as_of is None:
        nothing = ("there is no data",)
        return Comparison(
            snapshot, snapshot, (lost, lost), has_bill=False, windows=None, notes=nothing
        )
    windows = read_windows(snapshot.as_of, since, until, against)
    earlier, later = (cut(snapshot, *window, names=_COMPARED) for window in windows)
    has_bill, hints = _billed(bill, windows)
    notes = []
    if has_bill:
        notes = [note for side in (earlier, later) for note in side.notes[len(snapshot.notes) :]]
    lengths = [stop - start for start, stop in windows]
    if lengths[0] != lengths[1]:
        hours = [f"{length.total_seconds() / 3600:,.1f}" for length in lengths]
        notes.append(
            f"the windows are not equally long, {hours[0]} h and {hours[1]} h: "
            "sums differ for that alone"
        )
    oldest = snapshot.jobs["created_at"].min()
    if oldest > windows[0][0]:
        notes.append(
            f"the oldest job is of {oldest:%Y-%m-%d %H:%M} UTC: the earlier window begins before"
        )
    notes += _of_both(earlier, later)
    told = tuple(dict.fromkeys(notes)), tuple(hints)
    return Comparison(earlier, later, (lost, lost), has_bill, windows, *told)


def read_windows(
    as_of: pd.Timestamp, since: Moment, until: Moment | None, against: Moment | None
) -> tuple[Window, Window]:
    """Read the arguments that make two windows.

    Parameters
    ----------
    as_of : pandas.Timestamp
        Of the data; no window ends later.
    since, until, against
        As for `compare`.

    Returns
    -------
    earlier, later : (pandas.Timestamp, pandas.Timestamp)
        Start and end of each, in UTC.

    Raises
    ------
    ArgumentError
        If one of them is no moment, or the windows are not one before the other.
    """
    now = as_of.to_pydatetime()
    start, stop = read_window(since, until, now)
    stop = now if stop is None else min(stop, now)
    if start is None or start >= now:
        raise ArgumentError(f"since={since!r}: give a moment before that of the data, {as_of}")
    length = stop - start
    if against is None:
        if start - datetime.min.replace(tzinfo=UTC) < length:
            raise ArgumentError(f"since={since!r}: there is no time of that length before it")
        earlier = start - length, start
    else:
        first = read_moment(against, "against", start)
        if first >= start:
            raise ArgumentError(f"against={against!r}: give a moment before since, {start}")
        earlier = first, start if is_span(against) else min(start, first + length)
    windows = [
        tuple(pd.Timestamp(moment).as_unit("us") for moment in each)
        for each in (earlier, (start, stop))
    ]
    return windows[0], windows[1]  # type: ignore[return-value]


def _known(table: pd.DataFrame) -> pd.DataFrame | None:
    return table if len(table) else None


def _lost(snapshot: Snapshot, phases: pd.DataFrame | None = None) -> pd.DataFrame | None:
    """Measure lost work; a table of checkpoints without rows counts as not fetched."""
    if snapshot.checkpoints.empty:
        return None
    if phases is None:
        phases = quiet_phases(snapshot)
    return lost_work(snapshot.jobs, phases, snapshot.checkpoints)


def _billed(bill: pd.DataFrame, windows: tuple[Window, Window]) -> tuple[bool, list[str]]:
    """Tell whether the bill has all days of both windows."""
    if bill.empty:
        return False, []
    edges = [moment for window in windows for moment in window]
    if any(moment != moment.floor("D") for moment in edges):
        return False, ["the bill is by whole days (UTC), the windows are not: it is left out"]
    days = bill["date"].dropna()
    first, last = days.min(), days.max()
    if days.empty or first > edges[0] or last + _DAY < edges[-1]:
        span = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}" if len(days) else "no day"
        return False, [f"the bill has {span}, and not all days of the windows: it is left out"]
    return True, []


def _of_both(before: Snapshot, after: Snapshot) -> list[str]:
    """Tell what makes two sides hard to compare."""
    notes = []
    shares = [_upper_bound_share(side.jobs) for side in (before, after)]
    # without GPU-hours on a side, this is not greater
    if abs(shares[0] - shares[1]) > _ALIKE:
        notes.append(
            f"{shares[0]:.0%} of the GPU-hours before and {shares[1]:.0%} of those after count "
            "from submission: part of the difference may be waiting"
        )
    if before.latest_only or after.latest_only:
        notes.append("only the latest job of each project is known: sums and rates are theirs")
    left_out = max(len(before.rejected), len(after.rejected))
    if left_out:
        notes.append(f"left out, since they could not be read: {count(left_out, 'record')}")
    return notes


def _upper_bound_share(jobs: pd.DataFrame) -> float:
    hours = jobs["gpu_hours"].sum()
    bound = jobs.loc[jobs["hours_basis"] == "submitted", "gpu_hours"].sum()
    return float(bound / hours) if hours > 0 else nan


def _vanished(before: Snapshot, after: Snapshot) -> list[str]:
    """Tell of jobs that were listed and are no longer, in the time that both speak of."""
    if before.latest_only or after.latest_only:
        return []
    jobs, later = before.jobs, after.jobs
    gone = ~jobs["job_id"].isin(later["job_id"])
    edge = later["created_at"].min()
    both = jobs[["job_id"]].merge(later[["job_id", "created_at"]], on="job_id", how="left")
    started = both["created_at"].set_axis(jobs.index)
    # a snapshot may be a window that begins later: a job that reaches into it begins at its edge
    is_window = bool(((started == edge) & (started > jobs["created_at"])).any()) or gone.all()
    if is_window:
        gone &= jobs["end_at"] > edge
    lost = jobs[gone]
    if lost.empty:
        return []
    jobs_text = f"{count(len(lost), 'job')} of before {'is' if len(lost) == 1 else 'are'}"
    hours = f"{lost['gpu_hours'].sum():,.1f} GPU-hours"
    return [f"{jobs_text} not in after, deleted or of another scope: {hours} less are no saving"]
