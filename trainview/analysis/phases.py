"""When jobs waited, deployed and ran, put together from all that tells about it."""

import warnings
from functools import reduce
from typing import Any, NamedTuple, cast

import narwhals.stable.v2 as nw

from trainview.analysis import evidence
from trainview.analysis.evidence import US_PER_MINUTE, WAITING, as_times, in_microseconds
from trainview.analysis.frames import Frame, give_back, plain_text, to_pandas
from trainview.analysis.joins import beside, same_kind
from trainview.analysis.pandas_dtypes import with_dtypes
from trainview.analysis.small_tables import in_arrow, read_small
from trainview.analysis.times import US_PER_HOUR, US_PER_SECOND
from trainview.errors import DataWarning
from trainview.schema.table_types import AnyDataFrame, DataFrame
from trainview.statuses import STATUSES
from trainview.text.safe import count

JOBS = ("job_id", "project_name", "gpus", "status", "created_at", "end_at", "is_open")
PHASES = (
    *("job_id", "project_name", "gpus", "submitted_at", "released_at", "started_at", "ended_at"),
    *("queued_hours", "deploying_hours", "running_hours", "running_gpu_hours"),
    *("basis", "uncertainty_hours"),
)
# Jobs with these statuses have not run.
NOT_RUN = [status.label for status in STATUSES if not status.holds_gpus] + ["deploying"]
# With these it has run, whatever the queue says.
RAN = ["running", "completed", "failed", "preempted"]
# Some answers have their times to the second, and clocks of several machines differ.
TOLERANCE = float(US_PER_SECOND)
UNKNOWN = nw.lit(None, nw.Float64)
EVIDENCE = {
    "__queue": "queue",
    "__accepted": "status events",
    "__ran": "status events",
    "__last": "status events",
    "__history": "history",
    "__sample": "GPU samples",
    "__bill": "bill",
}


class Start(NamedTuple):
    """When a job began to run by one kind of evidence; microseconds.

    Attributes
    ----------
    name : str
        The kind of evidence, a name of `EVIDENCE`.
    basis : str
        What it is called in the result.
    at : narwhals.Expr
        The time.
    uncertainty : narwhals.Expr
        How far it may be off.
    early : float
        By how much it may lie before the job can have begun, without contradiction.
    """

    name: str
    basis: str
    at: nw.Expr
    uncertainty: nw.Expr
    early: float = 0.0


def job_phases(
    jobs: DataFrame,
    *,
    queue: AnyDataFrame | None = None,
    status_events: AnyDataFrame | None = None,
    metrics: AnyDataFrame | None = None,
    billing: AnyDataFrame | None = None,
    history: AnyDataFrame | None = None,
) -> DataFrame:
    """Find out when each job waited, deployed and ran, as far as that is known.

    A list of jobs tells neither. The other tables know parts of it: the queue when a job was
    released, its status events every change, its first GPU sample that it ran, the bill for how
    long. Each table makes the result more complete; what none of them tells is null. The phases
    follow each other without a gap from submission to end.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``project_name``, ``gpus``, ``status``, ``created_at``,
        ``end_at`` and ``is_open``.
    queue : table, optional
        A queue table with ``job_id`` and ``released_at``; with ``observed_until`` and
        ``is_waiting`` also jobs are told that were stopped before they left the queue.
    status_events : table, optional
        A table of status events with ``job_id``, ``status`` and ``created_at``.
    metrics : table, optional
        A metrics table with ``job_id``, ``metric``, ``timestamp`` and ``step_seconds``. Its samples
        must reach back to the start of the jobs.
    billing : table, optional
        A billing table with ``job_id``, ``date``, ``minutes``, and ``month`` if it has that. Jobs
        that have not ended, or were submitted before its first day or ended after its last one,
        are not told by it.
    history : table, optional
        Intervals of statuses with ``job_id``, ``status``, ``from_after`` and ``from_before``.

    Returns
    -------
    table of the same kind as `jobs`
        One row for each of `jobs`, in the order of submission.

        - ``job_id``, ``project_name`` (text), ``gpus`` (int64): as in `jobs`
        - ``submitted_at`` (datetime, UTC): ``created_at``
        - ``released_at`` (datetime, UTC): when it left the queue for GPUs: by the queue, else by
          the event after the one that it waits; null where neither is known
        - ``started_at`` (datetime, UTC): when it began to run, by the evidence in ``basis``
        - ``ended_at`` (datetime, UTC): when it got the status it ended with, by its event, else
          ``end_at``; null where that is before submission
        - ``queued_hours``, ``deploying_hours``, ``running_hours`` (float64): hours from submission
          to release, to start, to end; 0 where the status, or the queue or events of a stopped
          job, say that it did not get so far, null where not known
        - ``running_gpu_hours`` (float64): ``gpus * running_hours``
        - ``basis`` (text): the best evidence for ``started_at``: ``event`` (status events),
          ``history`` (between two looks: the middle), ``sample`` (first GPU sample; where the
          bill tells a start within the step before it, that), ``bill`` (end minus the minutes
          billed; also where that is more than a step before the first sample, since samples may
          be missing), ``none``
        - ``uncertainty_hours`` (float64): by how much ``started_at`` may be off: 0 for events,
          half the time between the looks, one step of the samples or, with a bill, what it
          leaves of that, one minute for the bill, where the time of the end is exact; null where
          not known

    Raises
    ------
    ArgumentError
        If a column is missing, or a column of times holds none.

    Warns
    -----
    DataWarning
        If evidence contradicts the times or the status of a job: a start before submission, more
        minutes than it lived, a release of a job that waits. It is left out, and counted.

    Examples
    --------
    >>> import pandas as pd
    >>> clock = pd.to_datetime([0, 2, 3, 8], unit="h", utc=True)
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1"],
    ...         "project_name": "llm",
    ...         "gpus": 8,
    ...         "status": "completed",
    ...         "created_at": clock[0],
    ...         "end_at": clock[3],
    ...         "is_open": False,
    ...     }
    ... )
    >>> queue = pd.DataFrame({"job_id": ["j1"], "released_at": clock[1]})
    >>> events = pd.DataFrame({"job_id": ["j1"], "status": "running", "created_at": clock[2]})
    >>> phases = job_phases(jobs, queue=queue, status_events=events)
    >>> phases[["queued_hours", "deploying_hours", "running_hours", "basis"]]
       queued_hours  deploying_hours  running_hours  basis
    0           2.0              1.0            5.0  event
    """
    found, marks = find_phases(
        jobs, queue=queue, status_events=status_events, metrics=metrics, billing=billing,
        history=history,
    )  # fmt: skip
    if any(table is not None for table in (queue, status_events, metrics, billing, history)):
        note = contradictions(marks)
        if note is not None:
            warnings.warn(note, DataWarning, stacklevel=2)
    return found


def find_phases(jobs: DataFrame, **tables: Any) -> tuple[DataFrame, Frame]:
    """Find the phases of jobs, and mark the evidence that contradicts them.

    Parameters
    ----------
    jobs, **tables
        As for `job_phases`, of `tables` those that there are.

    Returns
    -------
    phases : table of the same kind as `jobs`
        What `job_phases` gives.
    marks : narwhals frame
        For `contradictions`, by ``job_id``.
    """
    frame = _with_evidence(jobs, **tables)
    kinds = None
    if frame.implementation.is_pandas():
        # Arrow computes dozens of columns of a few rows in a fourth of the time, of many as fast.
        names = ["job_id", "project_name", "gpus"]
        kinds = dict(zip(names, to_pandas(frame).dtypes[names], strict=True))
        frame = in_arrow(frame, most=len(to_pandas(frame)))
    frame = _with_end_and_release(frame)
    frame = _with_start(frame)
    result = _result(frame)
    if kinds is not None:
        table = with_dtypes(to_pandas(result), kinds)
        result = cast("Frame", nw.from_native(table, eager_only=True))
    return give_back(result, jobs), frame


def _with_evidence(
    jobs: object,
    *,
    queue: Any = None,
    status_events: Any = None,
    metrics: Any = None,
    billing: Any = None,
    history: Any = None,
) -> Frame:
    """Open the jobs, with all that tells about them in columns, in microseconds."""
    frame = read_small(jobs, JOBS)
    frame = plain_text(frame, ["job_id", "project_name", "status"])
    opened, frame = frame, in_microseconds(frame, __submitted="created_at", __end="end_at")

    def told(facts: Frame, *on: str) -> Frame:
        # a short query to put facts of another kind beside
        return beside(frame, same_kind(facts, opened), *on)

    days: dict[str, float] = {}
    if queue is not None:
        frame = told(evidence.of_queue(queue), "job_id")
    if status_events is not None:
        frame = told(evidence.of_events(status_events), "job_id")
        frame = told(evidence.of_last_events(status_events), "job_id", "status")
    if metrics is not None:
        frame = told(evidence.of_samples(metrics), "job_id")
    if billing is not None:
        bill, days = evidence.of_bill(billing)
        frame = told(bill, "job_id")
    if history is not None:
        frame = told(evidence.of_history(history), "job_id")
    names = (
        *("__queue", "__unreleased", "__waited", "__accepted", "__ran", "__last"),
        *("__sample", "__step"),
        *("__billed", "__first", "__since", "__until", "__after", "__before"),
    )
    found = frame.columns
    missing = {
        name: nw.lit(days[name]) if name in days else UNKNOWN for name in names if name not in found
    }
    end = nw.when(nw.col("__end") >= nw.col("__submitted")).then(nw.col("__end"))
    return frame.with_columns(__end=end, **missing)


def _fits(at: nw.Expr, low: nw.Expr, high: nw.Expr, early: float = 0.0) -> nw.Expr:
    """Say whether a time lies between two others; without an upper one only the lower counts."""
    fits = (at >= low - (TOLERANCE + early)) & ((at <= high + TOLERANCE) | high.is_null())
    return fits.fill_null(value=False)


def _contradicts(at: nw.Expr, fits: nw.Expr, high: nw.Expr) -> nw.Expr:
    """Count a time that does not fit; what came later than an open job was seen is no fault."""
    is_news = (nw.col("is_open") & (at > high)).fill_null(value=False)
    return (~at.is_null() & ~fits & ~is_news).cast(nw.Int64)


def _within(at: nw.Expr, low: nw.Expr, high: nw.Expr) -> nw.Expr:
    return nw.min_horizontal(nw.max_horizontal(at, low), high)


def _with_end_and_release(frame: Frame) -> Frame:
    """Find ``__ended`` and ``__released``, and mark what contradicts."""
    low, end, status = nw.col("__submitted"), nw.col("__end"), nw.col("status")
    last = nw.col("__last")
    ends = _fits(last, low, end)
    frame = frame.with_columns(
        __ended=nw.when(ends).then(_within(last, low, end)).otherwise(end),
        __bad__last=_contradicts(last, ends, end),
    )
    # The event after the one that it waits, or the first one, if it is of its submission.
    accepted, waited, high = nw.col("__accepted"), nw.col("__waited"), nw.col("__ended")
    frame = frame.with_columns(
        __accepted=nw.when(
            (accepted >= waited) | (waited.is_null() & (accepted <= low + TOLERANCE))
        ).then(accepted)
    )
    waits = status.is_in(WAITING)
    by_queue, by_event = (
        _fits(at, low, high) & ~waits.fill_null(value=False) for at in (nw.col("__queue"), accepted)
    )
    return frame.with_columns(
        __released=nw.when(by_queue)
        .then(_within(nw.col("__queue"), low, high))
        .otherwise(nw.when(by_event).then(_within(accepted, low, high))),
        __bad__queue=_contradicts(nw.col("__queue"), by_queue, high),
        __bad__accepted=_contradicts(accepted, by_event, high),
        __bill=nw.when(_is_billed_whole()).then(high - nw.col("__billed")),
    )


def _is_billed_whole() -> nw.Expr:
    """Say whether a bill holds all minutes of a job: it ended, within the days of the bill."""
    since, first = nw.col("__since"), nw.col("__first")
    is_begun = (nw.col("__submitted") >= since) | (first > since)
    return (
        is_begun
        & (nw.col("__ended") < nw.col("__until"))
        & (nw.col("__billed") > 0)
        & ~nw.col("is_open")
    ).fill_null(value=False)


def _with_start(frame: Frame) -> Frame:
    """Find ``__started``, ``basis`` and ``__uncertainty``, and mark what contradicts."""
    frame = frame.with_columns(__low=nw.coalesce("__released", "__submitted"))
    low, high = nw.col("__low"), nw.col("__ended")
    # Between two looks, and not before it could have begun, nor after its end.
    after = nw.max_horizontal(nw.col("__after"), low)
    before = nw.when(~nw.col("__before").is_null()).then(
        nw.min_horizontal(nw.col("__before"), high)
    )
    middle = ((after + before) / 2).floor()
    frame = frame.with_columns(
        __history=nw.when(after <= before).then(middle).otherwise(nw.col("__after")),
        __gap=nw.when(after <= before).then((before - after) / 2).otherwise(0.0),
    )
    nothing = nw.lit(0.0)
    minute = nw.lit(float(US_PER_MINUTE))
    frame = _with_bill_beside_sample(frame, low, high)
    starts = (
        Start("__ran", "event", nw.col("__ran"), nothing),
        Start("__history", "history", nw.col("__history"), nw.col("__gap")),
        Start("__sample", "sample", nw.col("__sample_at"), nw.col("__sample_gap")),
        Start("__bill", "bill", nw.col("__bill"), minute, float(US_PER_MINUTE)),
    )
    has_run = ~nw.col("status").is_in(NOT_RUN).fill_null(value=False)
    fits = {one.name: _fits(one.at, low, high, one.early) & has_run for one in starts}
    marks = {f"__bad{one.name}": _contradicts(one.at, fits[one.name], high) for one in starts}
    # That samples are missing is no contradiction.
    fits["__sample"] &= ~nw.col("__is_late")
    frame = frame.with_columns(**{f"__fits{name}": fit for name, fit in fits.items()}, **marks)
    started, basis, uncertainty = UNKNOWN, nw.lit("none"), UNKNOWN
    for one in reversed(starts):
        found = nw.when(nw.col(f"__fits{one.name}"))
        started = found.then(_within(one.at, low, high)).otherwise(started)
        basis = found.then(nw.lit(one.basis)).otherwise(basis)
        uncertainty = found.then(one.uncertainty).otherwise(uncertainty)
    return frame.with_columns(__started=started, basis=basis, __uncertainty=uncertainty)


def _with_bill_beside_sample(frame: Frame, low: nw.Expr, high: nw.Expr) -> Frame:
    """Add ``__sample_at``, ``__sample_gap`` and ``__is_late``.

    A job ran before its first sample, by one step at most. A bill tells by how much, to the minute
    where the end is exact; where that is late, so is the start that it counts back to, but it still
    lies within the step. A bill that begins before it says that the first samples are missing.
    """
    minute = float(US_PER_MINUTE)
    bill, sample, step = nw.col("__bill"), nw.col("__sample"), nw.col("__step")
    is_bill = _fits(bill, low, high, minute)
    earliest = sample - step
    is_late = (is_bill & (bill < earliest - minute)).fill_null(value=False)
    agrees = (is_bill & (bill <= sample) & ~is_late & ~step.is_null()).fill_null(value=False)
    left = nw.min_horizontal(step, nw.max_horizontal(bill - earliest, nw.lit(minute)))
    return frame.with_columns(
        __sample_at=nw.when(agrees).then(nw.max_horizontal(bill, low)).otherwise(sample),
        __sample_gap=nw.when(agrees).then(left).otherwise(step),
        __is_late=is_late,
    )


def _never_released() -> nw.Expr:
    """Say which jobs ended in the queue: by the queue, or by events that tell of no release."""
    ended = nw.col("__ended")
    by_queue = nw.col("__unreleased") >= ended - TOLERANCE
    last = nw.col("__last")
    by_events = ~nw.col("__waited").is_null() & nw.col("__accepted").is_null() & (last <= ended)
    nothing_else = nw.col("__released").is_null() & nw.col("__started").is_null()
    is_over = ~nw.col("status").is_in([*NOT_RUN, *RAN]) & ~nw.col("is_open")
    is_known = by_queue.fill_null(value=False) | by_events.fill_null(value=False)
    return (is_known & nothing_else & is_over).fill_null(value=False)


def contradictions(marks: Frame) -> str | None:
    """Count jobs with evidence that was left out, and say which; nothing where there is none."""
    bad = {name: nw.col(f"__bad{name}") for name in EVIDENCE}
    anything = reduce(lambda one, other: one | other, ((mark > 0) for mark in bad.values()))
    columns = {"jobs": anything.cast(nw.Int64)} | bad
    counts = to_pandas(marks.select(**{name: mark.sum() for name, mark in columns.items()}))
    found = {name: int(count) for name, count in counts.fillna(0).iloc[0].items() if count > 0}
    number = found.pop("jobs", 0)
    if not number:
        return None
    kinds = ", ".join(dict.fromkeys(EVIDENCE[str(name)] for name in found))
    return f"{count(number, 'job')}: left out what contradicts their times or status ({kinds})"


def _result(frame: Frame) -> Frame:
    """Measure the phases, and give times their type back."""
    submitted, released, started, ended = (
        nw.col(name) for name in ("__submitted", "__released", "__started", "__ended")
    )
    waits = nw.col("status").is_in(WAITING).fill_null(value=False) | _never_released()
    # In steps: Spark writes what is divided four times.
    frame = frame.with_columns(__waits=waits)
    waits = nw.col("__waits")
    not_run = nw.col("status").is_in(NOT_RUN).fill_null(value=False) | waits
    deploying = nw.when(not_run).then(ended - released).otherwise(started - released)
    frame = frame.with_columns(
        __queued=nw.when(waits).then(ended - submitted).otherwise(released - submitted),
        __deploying=nw.when(waits).then(0.0).otherwise(deploying),
        __running=nw.when(not_run).then(0.0).otherwise(ended - started),
    )
    running = nw.col("__running") / US_PER_HOUR
    frame = frame.with_columns(
        queued_hours=nw.col("__queued") / US_PER_HOUR,
        deploying_hours=nw.col("__deploying") / US_PER_HOUR,
        running_hours=running,
        running_gpu_hours=nw.col("gpus") * running,
        uncertainty_hours=nw.col("__uncertainty") / US_PER_HOUR,
    )
    frame = as_times(
        frame,
        submitted_at="__submitted",
        released_at="__released",
        started_at="__started",
        ended_at="__ended",
    )
    return frame.select(*PHASES).sort("submitted_at", "job_id", nulls_last=True)
