"""GPUs that were measured, each counted once, and the GPU-hours that were held beside them.

The API names nodes by job, so whether two jobs had the same GPU is not known. What is known is how
many were measured at once: no fewer GPUs than that, however many jobs used them in turn.
"""

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, Integers, Numbers, in_memory, schema_of
from trainview.analysis.gpu_series import Samples
from trainview.analysis.grouping import runs
from trainview.analysis.sample_queries import gpus_of
from trainview.analysis.samples import GPU
from trainview.analysis.steps import query_levels, sweep

HELD = "held_gpu_hours"


def tells_gpus(keys: Sequence[str]) -> bool:
    """Tell whether keys tell the GPUs of a job apart."""
    return not {name for name in GPU if name != "job_id"}.isdisjoint(keys)


def most_at_once(
    gpus: pd.DataFrame,
    parts: Sequence[Samples],
    groups: int,
    keys: Sequence[str],
) -> Integers:
    """Count the GPUs of the jobs that were measured at one moment, at most, by group.

    Parameters
    ----------
    gpus : pandas.DataFrame
        What `group_gpus` gave.
    parts : sequence of Samples
        Of each metric.
    groups : int
        How many groups there are.
    keys : sequence of str
        The columns that make them.

    Returns
    -------
    numpy.ndarray of int64
        One number a group. A job counts with all of its GPUs from its first sample to its last.
    """
    if set(GPU) <= set(keys):
        return np.ones(groups, "int64")
    first = np.full(len(gpus), np.iinfo("int64").max)
    last = np.full(len(gpus), np.iinfo("int64").min)
    for samples in parts:
        # A sample whose step is not known speaks for its own moment.
        length = np.fmax(samples.covered, 1).astype("int64")
        start = np.flatnonzero(runs(samples.gpu))
        gpu = samples.gpu[start]
        first[gpu] = np.minimum(first[gpu], samples.begin[start])
        ends = np.maximum.reduceat(samples.begin + length, start)
        last[gpu] = np.maximum(last[gpu], ends)
    job, group = (gpus[name].to_numpy("int64") for name in ("__job", "__group"))
    known, jobs = job >= 0, job.max(initial=0) + 1
    pair, pairs = pd.factorize((group * jobs + job)[known])
    begin, end = np.full((2, len(pairs)), np.iinfo("int64").max)
    np.minimum.at(begin, pair, first[known])
    np.minimum.at(end, pair, -last[known])
    held = {"created_at": begin, "end_at": -end, "__held": np.bincount(pair, minlength=len(pairs))}
    steps = sweep(in_memory(pd.DataFrame({"__group": pairs // jobs, **held})), ["__group"])
    most = np.zeros(groups, "int64")
    np.maximum.at(most, steps.groups["__group"].to_numpy("int64")[steps.group], steps.level)
    return most


def query_most_at_once(gpus: Frame, keys: Sequence[str]) -> Frame:
    """Write the same number as a query: the keys, and ``gpus``.

    Parameters
    ----------
    gpus : narwhals frame
        What `gpus_of` gave.
    keys : sequence of str
        The columns to group by.

    Returns
    -------
    narwhals frame
        One row a group.
    """
    lives = gpus.group_by(*dict.fromkeys([*keys, "job_id"])).agg(
        __first=nw.col("__first").min(), __stop=nw.col("__stop").max(), __held=nw.len()
    )
    most = {"gpus": nw.col("__level").max()}
    levels = query_levels(lives, keys, "__first", "__stop")
    found = levels.group_by(*keys).agg(**most) if keys else levels.select(**most)
    return found.with_columns(nw.col("gpus").cast(nw.Int64))


def held_by(
    groups: pd.DataFrame, gpus: pd.DataFrame, facts: pd.DataFrame | None, keys: Sequence[str]
) -> Numbers:
    """Sum up the GPU-hours that jobs held, whether they were measured or not.

    Parameters
    ----------
    groups, gpus : pandas.DataFrame
        What `group_gpus` gave.
    facts : pandas.DataFrame, optional
        What `read_jobs` found.
    keys : sequence of str
        The columns to group by.

    Returns
    -------
    numpy.ndarray of float64
        One number a group, NaN where that is not known. Where the keys tell GPUs apart, it is of
        those that were measured: the others are not known.
    """
    if facts is None:
        return np.full(len(groups), np.nan)
    if tells_gpus(keys):
        of_one = gpus.groupby("__group")["__held_of_one"].sum(min_count=1)
        return of_one.reindex(range(len(groups))).to_numpy("float64")
    held = _held_by_jobs(facts, keys)
    found = groups.merge(held, on=list(keys), how="left") if keys else held
    return found[HELD].to_numpy("float64")


def _held_by_jobs(facts: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    hours = facts["__gpu_hours"]
    if not keys:
        return pd.DataFrame({HELD: [hours.sum(min_count=1)]})
    held = facts.assign(**{HELD: hours}).groupby(list(keys), dropna=False, observed=True)
    return held[HELD].sum(min_count=1).reset_index()


def share_of_held(covered: Numbers, held: Numbers) -> Numbers:
    """Give what is covered as a fraction of what is held, NaN where nothing is."""
    return np.asarray(np.minimum(covered / np.where(held > 0, held, np.nan), 1), "float64")


def _query_held(lives: Frame, keys: Sequence[str], name: str) -> Frame:
    hours = nw.when(nw.col(name).count() > 0).then(nw.col(name).sum())
    return lives.group_by(*keys).agg(**{HELD: hours}) if keys else lives.select(**{HELD: hours})


def query_measured(
    found: Frame, samples: Frame, facts: Frame | None, keys: Sequence[str], *, counted: str
) -> Frame:
    """Add how many GPUs were measured at once, and how much of what jobs held, as a query.

    Parameters
    ----------
    found : narwhals frame
        Aggregated samples, with ``covered_gpu_hours``, and ``__held_of_one``, the most of a group.
    samples : narwhals frame
        What `query_samples` gave.
    facts : narwhals frame, optional
        What `query_jobs` found.
    keys : sequence of str
        The columns to group by.
    counted : str
        The column of `found` that every group of samples has.

    Returns
    -------
    narwhals frame
        With ``gpus``, ``held_gpu_hours`` and ``measured_share``.
    """
    if set(GPU) <= set(keys):
        # A group is one GPU: there is nothing to find out that needs all samples again.
        of_one = nw.col("__held_of_one") if facts is not None else nw.lit(None, nw.Float64)
        found = found.with_columns(gpus=nw.lit(1, nw.Int64), **{HELD: of_one})
        return found.with_columns(measured_share=query_share())
    gpus = gpus_of(samples, keys)
    others = [query_most_at_once(gpus, keys)]
    if facts is None:
        found = found.with_columns(**{HELD: nw.lit(None, nw.Float64)})
    elif tells_gpus(keys):
        others.append(_query_held(gpus, keys, "__held_of_one"))
    else:
        others.append(_query_held(facts, keys, "__gpu_hours"))
    found = query_together(found, others, keys, counted)
    return found.with_columns(
        nw.col("gpus").fill_null(0).cast(nw.Int64), measured_share=query_share()
    )


def query_share() -> nw.Expr:
    """Write what `share_of_held` finds as an expression."""
    share = nw.col("covered_gpu_hours") / nw.col(HELD)
    capped = nw.when(share > 1).then(nw.lit(1.0)).otherwise(share)
    return nw.when(nw.col(HELD) > 0).then(capped)


def query_together(
    found: Frame, others: Sequence[Frame], keys: Sequence[str], counted: str
) -> Frame:
    """Put columns of several results side by side, by keys that may be null.

    Parameters
    ----------
    found : narwhals frame
        One row a group, numbers only beside the keys.
    others : sequence of narwhals frame
        Each with the keys, and one more column.
    keys : sequence of str
        The keys.
    counted : str
        The column of `found` that only groups of others lack.

    Returns
    -------
    narwhals frame
        The groups of `found`, with the columns of all.
    """
    # Joins find no partner for a null.
    schema = schema_of(found)
    for other in others:
        schema |= schema_of(other)
    parts = [
        frame.with_columns(
            **{
                name: nw.lit(None, dtype)
                for name, dtype in schema.items()
                if name not in frame.columns
            }
        ).select(*schema)
        for frame in (found, *others)
    ]
    table = nw.concat(parts)
    columns = [nw.col(name).max() for name in schema if name not in keys]
    together = table.group_by(*keys).agg(*columns) if keys else table.select(*columns)
    return together.filter(~nw.col(counted).is_null())
