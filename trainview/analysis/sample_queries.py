"""What `trainview.analysis.samples` does with NumPy, as queries for all other kinds of tables."""

import narwhals.stable.v2 as nw
import pandas as pd

from trainview.analysis.frames import Frame, from_pandas
from trainview.analysis.samples import GPU
from trainview.analysis.times import US_PER_SECOND, with_microseconds


def query_mean(name: str) -> nw.Expr:
    """Write the same average of a column, which may have nulls, as an aggregation."""
    value, covered = nw.col(name), nw.col("__covered").cast(nw.Float64)
    weight = nw.when(~value.is_null()).then(covered).sum()
    is_known = ~covered.is_null()
    known = nw.when(is_known).then(value).count()
    # Where no time at all is covered, samples are all there is.
    plain = nw.when(is_known).then(value).sum()
    timed = nw.when(weight > 0).then(known * ((covered * value).sum() / weight)).otherwise(plain)
    total = timed + nw.when(~is_known).then(value).sum()
    return nw.when(value.count() > 0).then(total / value.count())


def query_samples(frame: Frame, facts: pd.DataFrame | None) -> Frame:
    """Write the samples with their coverage as a query.

    Parameters
    ----------
    frame : narwhals frame
        What `read_samples` found.
    facts : pandas.DataFrame, optional
        What `read_jobs` found.

    Returns
    -------
    narwhals frame
        The samples that `within_jobs` keeps with the facts of their jobs, and ``__time`` and
        ``__step`` in microseconds, ``__from``, ``__covered`` and ``__missing`` as `coverage` gives
        them, and ``__last``: whether no sample of this GPU follows.
    """
    step = (nw.col("step_seconds") * US_PER_SECOND).round().cast(nw.Int64)
    frame = with_microseconds(frame, __time="timestamp").with_columns(__step=step)
    time, start, end = nw.col("__time"), nw.col("__start"), nw.col("__end")
    step, gap = nw.col("__step"), nw.col("__gap")
    if facts is None:
        unknown = nw.lit(None, nw.Int64)
        frame = frame.with_columns(__start=unknown, __end=unknown)
    else:
        frame = _with_gaps(frame.join(from_pandas(facts, frame), on="job_id", how="inner"))
        # A sample whose step is not known speaks for its own moment.
        reach = nw.when(~step.is_null()).then(nw.min_horizontal(step, nw.coalesce(gap, step)))
        until = time + reach.fill_null(0)
        in_time = start.is_null() | (time >= start) | (until > start)
        frame = frame.filter(in_time, end.is_null() | (time < end))
    frame = _with_gaps(frame)
    # What is not known limits nothing.
    stop = nw.min_horizontal(time + nw.min_horizontal(step, nw.coalesce(gap, step)), end)
    begin = nw.max_horizontal(time, start)
    covered = stop - begin
    between = (gap.cast(nw.Float64) / step.cast(nw.Float64) - 0.5).ceil() - 1
    return frame.with_columns(
        __from=begin,
        __covered=nw.when(~step.is_null()).then(
            nw.when(covered > 0).then(covered).otherwise(covered * 0)
        ),
        __missing=nw.when(between > 0).then(between).otherwise(between * 0),
    )


def _with_gaps(frame: Frame) -> Frame:
    """Add the time to the next sample of the series, and whether none of the GPU follows."""
    following = {
        f"__next{name}": nw.col(name).shift(-1).over(*GPU, order_by=["metric", "__time", "value"])
        for name in ("metric", "__time")
    }
    same = nw.col("__nextmetric") == nw.col("metric")
    return frame.with_columns(**following).with_columns(
        __gap=nw.when(same).then(nw.col("__next__time") - nw.col("__time")),
        __last=nw.col("__next__time").is_null(),
    )
