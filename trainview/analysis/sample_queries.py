"""What `trainview.analysis.samples` does with NumPy, as queries for all other kinds of tables."""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw

from trainview.analysis.frames import (
    Frame,
    column_names,
    from_pandas,
    is_lazy,
    plain_text,
    read_table,
)
from trainview.analysis.holding import HELD as HELD_AT
from trainview.analysis.joins import join, same_kind
from trainview.analysis.ordered_samples import (
    carry_in_order,
    join_in_order,
    lies_in_order,
    shift_in_order,
)
from trainview.analysis.parts import by_job, of_measured
from trainview.analysis.samples import GPU, read_jobs
from trainview.analysis.times import US_PER_SECOND, with_microseconds

SERIES = (*GPU, "metric")


def mean_sums(name: str) -> dict[str, nw.Expr]:
    """Write what `query_mean` needs of a column, which may have nulls, as aggregations."""
    value, covered = nw.col(name), nw.col("__covered").cast(nw.Float64)
    is_known = ~covered.is_null()
    sums = {
        "weight": nw.when(~value.is_null()).then(covered).sum(),
        "area": (covered * value).sum(),
        "known": nw.when(is_known).then(value).count(),
        "plain": nw.when(is_known).then(value).sum(),
        "untimed": nw.when(~is_known).then(value).sum(),
        "all": value.count(),
    }
    return {f"__{part}_of_{name}": one for part, one in sums.items()}


def query_mean(name: str) -> nw.Expr:
    """Write the average over time, of a frame with `mean_sums`.

    They are columns by then, since Spark writes what is divided four times.
    """
    weight, area, known, plain, untimed, every = map(nw.col, mean_sums(name))
    # Where no time at all is covered, samples are all there is.
    timed = nw.when(weight > 0).then(known * (area / weight)).otherwise(plain)
    return nw.when(every > 0).then((timed + untimed) / every)


def query_jobs(jobs: object, columns: Sequence[str], like: Frame) -> Frame:
    """Open what `read_jobs` finds as a query on the engine of the samples.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        As for `read_jobs`.
    columns : sequence of str
        What else is needed.
    like : narwhals frame
        The samples.

    Returns
    -------
    narwhals frame
        The same columns, one row a job.
    """
    there = column_names(jobs)
    known = [name for name in ("created_at", "end_at", HELD_AT) if name in there]
    held = [name for name in ("gpus", "gpu_hours") if name in there]
    frame = read_table(jobs, ["job_id", *columns, *known, *held])
    if not is_lazy(frame) or not is_lazy(like):
        return from_pandas(read_jobs(jobs, columns), like)
    frame = same_kind(plain_text(frame, frame.columns), like)
    frame = frame.filter(~nw.col("job_id").is_null())
    frame = frame.unique("job_id", keep="any")
    moments = {f"__us_{name}": name for name in known}
    frame = with_microseconds(frame, **moments)
    nothing, unknown = nw.lit(None, nw.Int64), nw.lit(None, nw.Float64)
    start, end, since = (
        nw.col(f"__us_{name}") if name in known else nothing
        for name in ("created_at", "end_at", HELD_AT)
    )
    fits = (end >= start).fill_null(value=True) if {"created_at", "end_at"} <= {*known} else None
    life = {"__start": start, "__end": end, "__held_from": nw.coalesce(since, start)}
    if fits is not None:
        life = {name: nw.when(fits).then(at) for name, at in life.items()}
    amounts = {
        f"__{name}": nw.col(name).cast(nw.Float64) if name in held else unknown
        for name in ("gpus", "gpu_hours")
    }
    of_one = nw.when(nw.col("__gpus") > 0).then(nw.col("__gpu_hours") / nw.col("__gpus"))
    frame = frame.with_columns(
        **{name: at.cast(nw.Int64) for name, at in life.items()}, **amounts
    ).with_columns(__held_of_one=of_one, job_id=nw.col("job_id").cast(nw.String))
    own = list(dict.fromkeys(["job_id", *columns]))
    return frame.select(*own, *life, *amounts, "__held_of_one")


def query_samples(frame: Frame, facts: Frame | None, *, stretches: float | None = None) -> Frame:
    """Write the samples with their coverage as a query.

    All that is needed of the samples before and after one is taken at once: to sort so many rows is
    what takes the time.

    Parameters
    ----------
    frame : narwhals frame
        What `read_samples` found.
    facts : narwhals frame, optional
        What `query_jobs` found.
    stretches : float, optional
        The value that the samples of a stretch are below, where stretches are looked for.

    Returns
    -------
    narwhals frame
        The samples that `series_of` keeps with the facts of their jobs, and ``__time`` and
        ``__step`` in microseconds, ``__from``, ``__covered`` and ``__missing`` as `Samples` has
        them; with `stretches` also ``__begin``, the ``__from`` of the latest sample that follows
        none below that value which is known to reach up to it.
    """
    frame, in_order = _with_steps(frame)
    return _query_samples(frame, facts, stretches, in_order=in_order)


def query_by_job(
    frame: Frame, facts: Frame | None, keys: Sequence[str], *, stretches: float | None = None
) -> list[tuple[Frame, Frame | None]]:
    """Write the same samples, and the facts, as queries of as many samples as fit into memory.

    Parameters
    ----------
    frame, facts, stretches
        As for `query_samples`.
    keys : sequence of str
        The columns to group by: only where they tell jobs apart, a part has whole groups.

    Returns
    -------
    list of (narwhals frame, narwhals frame or None)
        The parts, one if all fit.
    """
    frame, in_order = _with_steps(frame)
    parts = [part for (part,) in by_job(frame, samples=True)] if "job_id" in keys else [frame]
    if facts is not None and len(parts) > 1:
        facts = of_measured(frame, facts)
    return [(_query_samples(part, facts, stretches, in_order=in_order), facts) for part in parts]


def _with_steps(frame: Frame) -> tuple[Frame, bool]:
    """Count in microseconds, and tell whether the samples lie in order."""
    step = (nw.col("step_seconds") * US_PER_SECOND).round().cast(nw.Int64)
    frame = with_microseconds(frame, __time="timestamp").with_columns(__step=step)
    return frame, lies_in_order(frame, SERIES)


def _query_samples(
    frame: Frame, facts: Frame | None, stretches: float | None, *, in_order: bool
) -> Frame:
    frame = frame.filter(~nw.col("value").is_null())
    frame = _with_neighbours(frame, stretches=stretches, in_order=in_order)
    if facts is None:
        unknown = nw.lit(None, nw.Int64)
        frame = frame.with_columns(__start=unknown, __end=unknown)
    else:
        frame = (
            join_in_order(frame, facts) if in_order else join(frame, facts, "job_id", how="inner")
        )
    time, start, end = nw.col("__time"), nw.col("__start"), nw.col("__end")
    step, gap = nw.col("__step"), nw.col("__gap")
    if facts is not None:
        frame = frame.filter(_is_late_enough(time, step, gap), end.is_null() | (time < end))
        # The sample that follows may lie after the end of the job; none before it is left out.
        frame = frame.with_columns(__gap=nw.when(end.is_null() | (time + gap < end)).then(gap))
    # What is not known limits nothing.
    begin, covered = time, nw.min_horizontal(step, gap)
    if facts is not None:
        begin = nw.max_horizontal(time, start)
        covered = nw.min_horizontal(time + covered, end) - begin
        covered = nw.when(covered > 0).then(covered).otherwise(covered * 0)
    between = _between(gap, step)
    frame = frame.with_columns(
        __from=begin,
        __covered=nw.when(~step.is_null()).then(covered),
        __missing=nw.when(between > 0).then(between).otherwise(between * 0),
    )
    if stretches is not None:
        since, step = nw.col("__since"), nw.col("__step_before")
        follows = (_between(since, step) <= 0) & _is_late_enough(time - since, step, since)
        before = nw.when(follows.fill_null(value=False)).then(nw.col("__before"))
        frame = frame.with_columns(__before=before)
        goes_on = (nw.col("__before") < stretches).fill_null(value=False)
        begin = nw.when(~goes_on).then(nw.col("__from"))
        # Where a stretch begins, carried along to each of its samples.
        if in_order:
            frame = carry_in_order(frame.with_columns(__begin=begin), "__begin")
        else:
            frame = frame.with_columns(__begin=begin.otherwise(0))
            begin = nw.col("__begin").cum_max().over(*SERIES, order_by=["__time", "value"])
            frame = frame.with_columns(__begin=begin)
    return frame


def _is_late_enough(time: nw.Expr, step: nw.Expr, gap: nw.Expr) -> nw.Expr:
    """Say whether a sample speaks for some time of its job, or for what is after its start."""
    start = nw.col("__start")
    # A sample whose step is not known speaks for its own moment.
    reach = nw.when(~step.is_null()).then(nw.min_horizontal(step, nw.coalesce(gap, step)))
    return start.is_null() | (time >= start) | (time + reach.fill_null(0) > start)


def _between(gap: nw.Expr, step: nw.Expr) -> nw.Expr:
    """Count the samples that would fit into a gap."""
    return (gap.cast(nw.Float64) / step.cast(nw.Float64) - 0.5).ceil() - 1


def _with_neighbours(frame: Frame, *, stretches: float | None, in_order: bool) -> Frame:
    """Add the time to the next sample of the series, and what is known of the one before."""
    names = {"__gap": ("__time", -1)}
    if stretches is not None:
        names |= {
            "__since": ("__time", 1), "__before": ("value", 1), "__step_before": ("__step", 1),
        }  # fmt: skip
    if in_order:
        frame = shift_in_order(frame, SERIES, names)
    else:
        by: dict[str, Any] = {"order_by": ["__time", "value"]}
        shifted = {
            new: nw.col(name).shift(places).over(*SERIES, **by)
            for new, (name, places) in names.items()
        }
        frame = frame.with_columns(**shifted)
    time = nw.col("__time")
    since = {} if stretches is None else {"__since": time - nw.col("__since")}
    return frame.with_columns(__gap=nw.col("__gap") - time, **since)


def gpus_of(samples: Frame, keys: Sequence[str]) -> Frame:
    """Sum samples up by GPU.

    Parameters
    ----------
    samples : narwhals frame
        What `query_samples` gave.
    keys : sequence of str
        The columns to group by.

    Returns
    -------
    narwhals frame
        One row a GPU: `keys`, what makes the GPU, ``__first`` and ``__stop``, when it was measured
        from and to, and the facts of its job as far as they are there.
    """
    covered = nw.col("__covered")
    length = nw.when(covered > 1).then(covered).otherwise(1)
    facts = ["__held_from", "__end", "__gpus", "__gpu_hours", "__held_of_one"]
    there = [name for name in facts if name in samples.columns]
    samples = samples.with_columns(__stop=nw.col("__from") + length)
    return samples.group_by(*dict.fromkeys([*keys, *GPU])).agg(
        __first=nw.col("__from").min(),
        __stop=nw.col("__stop").max(),
        **{name: nw.col(name).max() for name in there},
    )
