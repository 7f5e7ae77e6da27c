"""Samples of a table in memory, one series a GPU, with the time that each of them covers.

They are put in order once, whatever they are grouped by: what is asked for each group is found by
the numbers of its GPUs.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, Integers, Numbers, to_pandas
from trainview.analysis.grouping import number_groups
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.samples import GPU, outside
from trainview.analysis.sharing import once
from trainview.analysis.steps import microseconds, runs
from trainview.analysis.times import US_PER_SECOND


class Samples(NamedTuple):
    """Samples of one metric by GPU and time; of those of one moment the highest is last.

    Attributes
    ----------
    gpu : numpy.ndarray of int64
        The number of each sample's GPU.
    value : numpy.ndarray of float64
        What was measured.
    step : numpy.ndarray of float64
        Time to the next sample, as the table says, in microseconds; NaN where not known.
    begin : numpy.ndarray of int64
        From when on each sample covers time of its job, in microseconds since 1970 UTC.
    covered : numpy.ndarray of float64
        Microseconds from then on; NaN where its step is not known.
    missing : numpy.ndarray of float64
        How many samples would fit between it and the next, with steps of up to one and a half
        taken for one; NaN at the end of a series, and where the step is not known.
    """

    gpu: Integers
    value: Numbers
    step: Numbers
    begin: Integers
    covered: Numbers
    missing: Numbers


class Series(NamedTuple):
    """What was measured of GPUs.

    Attributes
    ----------
    gpus : pandas.DataFrame
        One row a GPU: what makes it, and ``__job``, the row of its job among the facts, or a number
        of its job where there are none; -1 where it is of no job.
    samples : mapping of str to Samples
        By metric.
    """

    gpus: pd.DataFrame
    samples: Mapping[str, Samples]


def series_of(
    frame: Frame, jobs: object, facts: pd.DataFrame | None, metrics: Sequence[str]
) -> Series:
    """Find the series of a pandas table, as far as they speak for some time of the jobs.

    Parameters
    ----------
    frame : narwhals frame
        What `read_samples` gave.
    jobs : pandas, Polars, DuckDB or PySpark table, or None
        The caller's table.
    facts : pandas.DataFrame, optional
        What `read_jobs` found in it, with any columns.
    metrics : sequence of str
        The metrics in it.

    Returns
    -------
    Series
        With all of these metrics; GPUs without samples are not in it.
    """
    return once("series", [frame, jobs], lambda: _series(frame, facts, metrics), *metrics)


def _series(frame: Frame, facts: pd.DataFrame | None, metrics: Sequence[str]) -> Series:
    table = to_pandas(frame)
    gpu, gpus = once(
        "gpus",
        [frame],
        lambda: number_groups(with_dtypes(table, {"gpu": "int64"}), GPU, in_order=False),
    )
    job = _jobs_of(gpus, facts)
    time = microseconds(table["timestamp"])
    life = None if facts is None else _lives_of(facts, job)
    columns = {
        "gpu": gpu,
        "time": time,
        "value": table["value"].to_numpy("float64"),
        "step": table["step_seconds"].to_numpy("float64") * US_PER_SECOND,
    }
    marks = [(table["metric"] == name).to_numpy("bool") for name in metrics[1:]]
    if life is not None:
        there = ~((job < 0)[gpu] | outside(table, time, *(edge[gpu] for edge in life)))
        if not there.all():
            columns = {name: column[there] for name, column in columns.items()}
            marks = [mark[there] for mark in marks]
            is_left = np.bincount(columns["gpu"], minlength=len(gpus)) > 0
            columns["gpu"] = (np.cumsum(is_left) - 1)[columns["gpu"]]
            life = [edge[is_left] for edge in life]
            job, gpus = job[is_left], gpus[is_left].reset_index(drop=True)
    # of one metric, all are its samples
    first = ~np.logical_or.reduce(marks) if marks else slice(None)
    samples = {
        name: _in_order(**{key: column[rows] for key, column in columns.items()}, life=life)
        for name, rows in zip(metrics, [first, *marks], strict=True)
    }
    return Series(gpus.assign(__job=job), samples)


def _jobs_of(gpus: pd.DataFrame, facts: pd.DataFrame | None) -> Integers:
    """Find the job of each GPU."""
    if facts is None:
        return np.asarray(pd.factorize(gpus["job_id"])[0], "int64")
    found = pd.Index(facts["job_id"]).get_indexer(pd.Index(gpus["job_id"].astype(TEXT)))
    return np.asarray(found, "int64")


def _lives_of(facts: pd.DataFrame, job: Integers) -> list[Numbers]:
    """Tell when the job of each GPU began and ended, NaN where that is not known."""
    edges = (facts[name].to_numpy("float64", na_value=np.nan) for name in ("__start", "__end"))
    # of a job that is not there, the last place is read
    return [np.append(edge, np.nan)[job] for edge in edges]


def _in_order(
    gpu: Integers, time: Integers, value: Numbers, step: Numbers, life: list[Numbers] | None
) -> Samples:
    """Sort the samples of one metric, and measure what each of them covers."""
    # Small integers are sorted by radix, in linear time; a job's rows are in order mostly.
    order = np.argsort(gpu.astype(np.min_scalar_type(gpu.max(initial=0))), kind="stable")
    if np.any((np.diff(time[order]) <= 0) & ~runs(gpu[order])[1:]):
        order = np.lexsort((value, time, gpu))
    gpu, time, value, step = gpu[order], time[order], value[order], step[order]
    gap = np.full(len(time), np.nan)
    follows = np.flatnonzero(~runs(gpu)[1:])
    gap[follows] = time[follows + 1] - time[follows]
    whole = np.rint(step)
    missing = np.maximum(np.ceil(gap / whole - 0.5) - 1, 0)
    covered = np.where(np.isnan(whole), np.nan, np.fmin(whole, gap))
    begin = time
    if life is not None:
        start, end = (edge[gpu] for edge in life)
        begin = np.fmax(time, start).astype("int64")
        covered = np.maximum(np.fmin(time + covered, end) - begin, 0)
        covered[np.isnan(whole)] = np.nan
    return Samples(gpu, value, step, begin, covered, missing)


def group_gpus(
    gpus: pd.DataFrame, facts: pd.DataFrame | None, keys: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give GPUs the numbers of their groups.

    Parameters
    ----------
    gpus : pandas.DataFrame
        Of `series_of`.
    facts : pandas.DataFrame, optional
        What was given to it, or the same rows with other columns.
    keys : sequence of str
        The columns to group by, of either.

    Returns
    -------
    gpus : pandas.DataFrame
        With the facts of their jobs, and the number of their ``__group``.
    groups : pandas.DataFrame
        The keys, one row a group; without keys there is one, also when there is no sample.
    """
    if facts is not None:
        own = facts.drop(columns="job_id").take(gpus["__job"].to_numpy())
        gpus = pd.concat([gpus, own.reset_index(drop=True)], axis=1)
    group, groups = number_groups(gpus, keys, in_order=False)
    if not keys:
        groups = pd.DataFrame(index=range(1))
    return gpus.assign(__group=group), groups
