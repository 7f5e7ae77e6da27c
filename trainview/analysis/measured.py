"""GPUs that were measured, each counted once, and the GPU-hours that were held beside them.

The API names nodes by job, so whether two jobs had the same GPU is not known. What is known is how
many were measured at once: no fewer GPUs than that, however many jobs used them in turn.
"""

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, Integers, Numbers, from_pandas
from trainview.analysis.samples import GPU, Samples
from trainview.analysis.steps import query_levels, sweep

HELD = "held_gpu_hours"


def tells_gpus(keys: Sequence[str]) -> bool:
    """Tell whether keys tell the GPUs of a job apart."""
    return not {name for name in GPU if name != "job_id"}.isdisjoint(keys)


def most_at_once(
    gpus: pd.DataFrame, parts: Sequence[tuple[Samples, Integers, Numbers]], groups: int
) -> Integers:
    """Count the GPUs of the jobs that were measured at one moment, at most, by group.

    Parameters
    ----------
    gpus : pandas.DataFrame
        What `number_samples` gave.
    parts : sequence of (Samples, numpy.ndarray, numpy.ndarray)
        Samples with the begin and the length of the time they cover, as `coverage` gives them.
    groups : int
        How many groups there are.

    Returns
    -------
    numpy.ndarray of int64
        One number a group. A job counts with all of its GPUs from its first sample to its last.
    """
    first = np.full(len(gpus), np.iinfo("int64").max)
    last = np.full(len(gpus), np.iinfo("int64").min)
    for samples, begin, covered in parts:
        # A sample whose step is not known speaks for its own moment.
        length = np.fmax(covered, 1).astype("int64")
        np.minimum.at(first, samples.gpu, begin)
        np.maximum.at(last, samples.gpu, begin + length)
    lives = pd.DataFrame(
        {
            "__group": gpus["__group"].to_numpy("int64"),
            "job_id": gpus["job_id"].to_numpy(),
            "created_at": first,
            "end_at": last,
        }
    )
    of_job = lives.groupby(["__group", "job_id"], observed=True)
    lives = of_job.agg(
        created_at=("created_at", "min"), end_at=("end_at", "max"), __held=("end_at", "size")
    ).reset_index()
    steps = sweep(nw.from_native(lives), ["__group"])
    most = np.zeros(groups, "int64")
    np.maximum.at(most, steps.groups["__group"].to_numpy("int64")[steps.group], steps.level)
    return most


def query_most_at_once(samples: Frame, keys: Sequence[str]) -> Frame:
    """Write the same number as a query: the keys, and ``gpus``.

    Parameters
    ----------
    samples : narwhals frame
        What `query_samples` gave.
    keys : sequence of str
        The columns to group by.

    Returns
    -------
    narwhals frame
        One row a group.
    """
    covered = nw.col("__covered")
    length = nw.when(covered > 1).then(covered).otherwise(1)
    lives = samples.with_columns(__stop=nw.col("__from") + length)
    lives = lives.group_by(*dict.fromkeys([*keys, "job_id"])).agg(
        __first=nw.col("__from").min(),
        __stop=nw.col("__stop").max(),
        __held=nw.col("__last").cast(nw.Int64).sum(),
    )
    most = {"gpus": nw.col("__level").max()}
    levels = query_levels(lives, keys, "__first", "__stop")
    found = levels.group_by(*keys).agg(**most) if keys else levels.select(**most)
    return found.with_columns(nw.col("gpus").cast(nw.Int64))


def held_by(facts: pd.DataFrame | None, keys: Sequence[str]) -> pd.DataFrame | None:
    """Sum up the GPU-hours that jobs held, whether they were measured or not.

    Parameters
    ----------
    facts : pandas.DataFrame, optional
        What `read_jobs` found.
    keys : sequence of str
        The columns to group by.

    Returns
    -------
    pandas.DataFrame or None
        The keys and ``held_gpu_hours``, null where unknown; None without jobs, and where the keys
        tell GPUs apart, of which those that were never measured are not known.
    """
    if facts is None or tells_gpus(keys):
        return None
    hours = facts["__gpu_hours"]
    if not keys:
        return pd.DataFrame({HELD: [hours.sum(min_count=1)]})
    held = facts.assign(**{HELD: hours}).groupby(list(keys), dropna=False, observed=True)
    return held[HELD].sum(min_count=1).reset_index()


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
    schema = dict(found.collect_schema())
    for other in others:
        schema |= dict(other.collect_schema())
    parts = [
        frame.with_columns(
            **{
                name: nw.lit(None, dtype)
                for name, dtype in schema.items()
                if name not in frame.collect_schema()
            }
        ).select(*schema)
        for frame in (found, *others)
    ]
    table = nw.concat(parts)
    columns = [nw.col(name).max() for name in schema if name not in keys]
    together = table.group_by(*keys).agg(*columns) if keys else table.select(*columns)
    return together.filter(~nw.col(counted).is_null())


def query_held(facts: pd.DataFrame | None, keys: Sequence[str], like: Frame) -> list[Frame]:
    """Give what `held_by` finds as a frame of some kind, if there is any."""
    held = held_by(facts, keys)
    return [] if held is None else [from_pandas(held, like)]
