"""Samples of a table in memory, one series a GPU, with the time that each of them covers.

They are put in order once, whatever they are grouped by: what is asked for each group is found by
the numbers of its GPUs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, Integers, Numbers, to_pandas
from trainview.analysis.grouping import number_groups
from trainview.analysis.pandas_dtypes import TEXT, pick_columns, with_dtypes
from trainview.analysis.samples import GPU, outside, read_samples
from trainview.analysis.sharing import once
from trainview.analysis.steps import microseconds
from trainview.analysis.times import US_PER_SECOND


class Samples(NamedTuple):
    """Samples of one metric, one GPU after the other, by time, then by value.

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
    metrics: object, jobs: object, facts: pd.DataFrame | None, names: Sequence[str]
) -> Series:
    """Find the series of a pandas table, as far as they speak for some time of the jobs.

    Parameters
    ----------
    metrics, jobs : pandas.DataFrame
        The caller's tables; there may be no jobs.
    facts : pandas.DataFrame, optional
        What `read_jobs` found in the jobs, with any columns.
    names : sequence of str
        The metrics that are asked for.

    Returns
    -------
    Series
        With all of these metrics; GPUs without samples are not in it.
    """
    # looked up for each metric, which makes its table of hashes but once
    known = None if facts is None else pd.Index(facts["job_id"])

    def find(name: str) -> Series:
        return once("series", [metrics, jobs], lambda: _series(metrics, name, facts, known), name)

    parts = {name: find(name) for name in names}
    if len(parts) == 1:
        return parts[names[0]]
    return once("several series", [metrics, jobs], lambda: _together(parts, facts), *names)


def _series(
    metrics: object, name: str, facts: pd.DataFrame | None, known: "pd.Index[Any] | None"
) -> Series:
    """Find the series of one metric."""
    frame = read_samples(metrics, [name])
    table = to_pandas(frame)
    time, value = microseconds(table["timestamp"]), table["value"].to_numpy("float64")
    rows = np.arange(len(table))
    if facts is None or known is None:
        gpu, gpus = _gpus_of(frame, table, rows)
        job = _number_jobs(gpus)
    else:
        number, jobs = once("jobs", [frame], lambda: number_groups(table, GPU[:1], in_order=False))
        of_job = np.asarray(known.get_indexer(pd.Index(jobs["job_id"].astype(TEXT))), "int64")
        start, end = (edge[number] for edge in _lives_of(facts, of_job))
        rows = np.flatnonzero(~((of_job < 0)[number] | outside(table, time, start, end)))
        gpu, gpus = _gpus_of(frame, table, rows)
        job = np.empty(len(gpus), "int64")
        job[gpu] = of_job[number[rows]]
    order = _order(gpu, time[rows], value[rows])
    rows, gpu = rows[order], gpu[order]
    step = table["step_seconds"].to_numpy("float64")[rows] * US_PER_SECOND
    life = None if facts is None else _lives_of(facts, job)
    samples = _measure(gpu, time[rows], value[rows], step, life)
    return Series(gpus.assign(__job=job), {name: samples})


def _gpus_of(frame: Frame, table: pd.DataFrame, rows: Integers) -> tuple[Integers, pd.DataFrame]:
    """Give some samples of a table the numbers of their GPUs."""

    def numbered(some: pd.DataFrame) -> tuple[Integers, pd.DataFrame]:
        return number_groups(with_dtypes(some, {"gpu": "int64"}), GPU, in_order=False)

    if len(rows) < len(table) / 2:
        return numbered(pick_columns(table, GPU).take(rows).reset_index(drop=True))
    # whoever asks for other jobs does not need to number them all again
    number, gpus = once("gpus", [frame], lambda: numbered(table))
    if len(rows) == len(table):
        return number, gpus
    is_used = np.bincount(number[rows], minlength=len(gpus)) > 0
    return (np.cumsum(is_used) - 1)[number[rows]], gpus[is_used].reset_index(drop=True)


def _together(parts: Mapping[str, Series], facts: pd.DataFrame | None) -> Series:
    """Give the GPUs of several metrics the same numbers."""
    every = pd.concat([part.gpus for part in parts.values()], ignore_index=True)
    number, gpus = number_groups(every, GPU, in_order=False)
    ends = np.cumsum([len(part.gpus) for part in parts.values()])
    samples = {
        name: part.samples[name]._replace(gpu=places[part.samples[name].gpu])
        for (name, part), places in zip(parts.items(), np.split(number, ends[:-1]), strict=True)
    }
    if facts is None:
        job = _number_jobs(gpus)
    else:
        job = np.empty(len(gpus), "int64")
        job[number] = every["__job"]
    return Series(gpus.assign(__job=job), samples)


def _number_jobs(gpus: pd.DataFrame) -> Integers:
    return np.asarray(pd.factorize(gpus["job_id"])[0], "int64")


def _lives_of(facts: pd.DataFrame, job: Integers) -> list[Numbers]:
    """Tell when the job of each GPU began and ended, NaN where that is not known."""
    edges = (facts[name].to_numpy("float64", na_value=np.nan) for name in ("__start", "__end"))
    # of a job that is not there, the last place is read
    return [np.append(edge, np.nan)[job] for edge in edges]


def _order(gpu: Integers, time: Integers, value: Numbers) -> Integers:
    """Sort samples by GPU, time and value."""
    # Small integers are sorted by radix, in linear time; a job's rows are in order mostly.
    order = np.argsort(gpu.astype(np.min_scalar_type(gpu.max(initial=0))), kind="stable")
    gpu, moment = gpu[order], time[order]
    if np.any((moment[1:] <= moment[:-1]) & (gpu[1:] == gpu[:-1])):
        return np.asarray(order[np.lexsort((value[order], moment, gpu))])
    return order


def _measure(
    gpu: Integers, time: Integers, value: Numbers, step: Numbers, life: list[Numbers] | None
) -> Samples:
    """Measure what each sample of one metric covers; they are in order."""
    gap = np.full(len(time), np.nan)
    gap[:-1] = np.where(gpu[1:] == gpu[:-1], time[1:] - time[:-1], np.nan)
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
        # none of them is of a job that is not there
        own = facts.take(gpus["__job"].to_numpy()).set_axis(gpus.index)
        gpus = own.assign(**{str(name): column for name, column in gpus.items()})
    group, groups = number_groups(gpus, keys, in_order=False)
    if not keys:
        groups = pd.DataFrame(index=range(1))
    return gpus.assign(__group=group), groups
