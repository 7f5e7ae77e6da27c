"""GPU-hours that jobs held in each period, beside what was measured of them in it."""

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, Integers, Numbers
from trainview.analysis.measured import HELD, query_together, tells_gpus
from trainview.analysis.sample_queries import gpus_of
from trainview.analysis.steps import sweep
from trainview.analysis.times import US_PER_HOUR

LIFE = ["__held_from", "__end", "__gpu_hours", "__gpus"]


def held_in_periods(
    groups: pd.DataFrame,
    gpus: pd.DataFrame,
    facts: pd.DataFrame | None,
    keys: Sequence[str],
    cells: tuple[Integers, Integers, int],
) -> Numbers:
    """Measure what was held in periods, whether it was measured or not.

    Parameters
    ----------
    groups, gpus : pandas.DataFrame
        What `group_gpus` gave.
    facts : pandas.DataFrame, optional
        What `read_jobs` found.
    keys : sequence of str
        The columns to group by.
    cells : tuple of numpy.ndarray, numpy.ndarray, int
        The group and the start of each period, and their length, in microseconds.

    Returns
    -------
    numpy.ndarray of float64
        GPU-hours, one number a cell, NaN where what the group held is not known.
    """
    group, begin, length = cells
    if facts is None:
        return np.full(len(group), np.nan)
    if tells_gpus(keys):
        lives = gpus.assign(__gpus=np.fmin(gpus["__gpus"], 1))
    elif keys:
        lives = facts.merge(groups.assign(__group=range(len(groups))), on=list(keys))
    else:
        lives = facts.assign(__group=0)
    lives = lives[["__group", *LIFE]].dropna()
    known = np.bincount(lives["__group"].to_numpy("int64"), minlength=len(groups)) > 0
    lives = lives[(lives["__gpu_hours"] > 0) & (lives["__end"] > lives["__held_from"])]
    lives = lives.rename(
        columns={"__held_from": "created_at", "__end": "end_at", "__gpus": "__held"}
    )
    steps = sweep(nw.from_native(lives.reset_index(drop=True)), ["__group"])
    # What was held up to each step, after a first one before all; a group ends with level 0.
    level, time = (np.concatenate([[0], part]) for part in (steps.level, steps.time))
    total = np.concatenate([[0], np.cumsum(level[:-1] * np.diff(time))])
    of_group = np.concatenate([[-1], steps.groups["__group"].to_numpy("int64")[steps.group]])
    # Complex numbers are ordered by one part, then by the other.
    order = of_group + 1j * time

    def held_until(moment: Integers) -> Integers:
        step = np.searchsorted(order, group + 1j * moment, side="right") - 1
        return np.asarray(total[step] + level[step] * (moment - time[step]), "int64")

    hours = (held_until(begin + length) - held_until(begin)) / US_PER_HOUR
    return np.asarray(np.where(known[group], hours, np.nan), "float64")


def query_held_in_periods(
    periods: Frame,
    samples: Frame,
    facts: Frame | None,
    keys: Sequence[str],
    length: int,
) -> Frame:
    """Add the same as a query.

    Parameters
    ----------
    periods : narwhals frame
        The keys, ``__period`` and ``samples``, one row a group and period.
    samples : narwhals frame
        What `query_samples` gave.
    facts : narwhals frame, optional
        What `query_jobs` found.
    keys : sequence of str
        The columns to group by.
    length : int
        Length of the periods, in microseconds.

    Returns
    -------
    narwhals frame
        With ``held_gpu_hours``.
    """
    if facts is None:
        return periods.with_columns(**{HELD: nw.lit(None, nw.Float64)})
    gpus, begin, end = nw.col("__gpus"), nw.col("__held_from"), nw.col("__end")
    if tells_gpus(keys):
        lives = gpus_of(samples, keys)
        gpus = nw.when(gpus > 1).then(nw.lit(1.0)).otherwise(gpus)
    else:
        lives = facts.select(*dict.fromkeys([*keys, *LIFE]))
    held = nw.when((nw.col("__gpu_hours") > 0) & (end > begin)).then(gpus).otherwise(gpus * 0)
    lives = lives.with_columns(__change=held.cast(nw.Int64))
    lives = lives.filter(*(~nw.col(name).is_null() for name in (*LIFE, "__change")))
    start, is_life = nw.col("__period"), nw.lit(1, nw.Int64)
    nothing = {"__change": nw.lit(0, nw.Int64), "__known": is_life * 0}
    # The steps of what was held, and the edges of the periods, which cut them.
    marks = nw.concat(
        [
            lives.select(*keys, "__change", __time=begin.cast(nw.Int64), __known=is_life),
            lives.select(
                *keys, nw.col("__change") * -1, __time=end.cast(nw.Int64), __known=is_life
            ),
            periods.select(*keys, **nothing, __time=start).select(
                *keys, "__change", "__time", "__known"
            ),
            periods.select(*keys, **nothing, __time=start + length).select(
                *keys, "__change", "__time", "__known"
            ),
        ]
    )
    marks = marks.group_by(*keys, "__time").agg(
        nw.col("__change").sum().cast(nw.Int64), nw.col("__known").max()
    )
    known = nw.col("__known").max()
    marks = marks.with_columns(
        __level=nw.col("__change").cum_sum().over(*keys, order_by="__time").cast(nw.Int64),
        __next=nw.col("__time").shift(-1).over(*keys, order_by="__time"),
        __known=known.over(*keys) if keys else known,
        __period=nw.col("__time") - nw.col("__time") % length,
    )
    area = nw.col("__level") * (nw.col("__next") - nw.col("__time"))
    hours = area.sum().fill_null(0) / US_PER_HOUR
    found = marks.group_by(*keys, "__period").agg(
        **{HELD: nw.when(nw.col("__known").max() > 0).then(hours)}
    )
    return query_together(periods, [found], [*keys, "__period"], "samples")
