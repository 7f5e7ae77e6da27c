"""How long jobs run before one fails."""

from collections.abc import Sequence
from typing import cast, get_args

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.chi_square import chi_square_quantile
from trainview.analysis.frames import (
    By,
    Frame,
    from_pandas,
    give_back_small,
    group_keys,
    is_lazy,
    plain_text,
    to_pandas,
)
from trainview.analysis.grouping import number_groups
from trainview.analysis.joins import beside, one_a_job
from trainview.analysis.message_queries import find_templates
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.small_tables import read_small
from trainview.errors import ArgumentError
from trainview.schema.table_types import AnyDataFrame, DataFrame
from trainview.statuses import STATUSES

RESULT = (
    *("jobs", "unknown_jobs", "running_hours", "failures"),
    *("mttf_hours", "mttf_low_hours", "mttf_high_hours"),
)
# A deployment that failed has not run, and of an unknown status nobody knows what it means.
COUNTED = [status.label for status in STATUSES if status.label != "deploy-failed"]
# What is left out on either side of the interval.
TAIL = 0.025
SMALLEST = 8


def time_to_failure(
    jobs: DataFrame,
    phases: AnyDataFrame,
    by: By = "gpus",
    origin: str | Sequence[str] | None = None,
) -> DataFrame:
    """Estimate for how long jobs run until one fails (MTTF), by size.

    MTTF is running time by failures. Jobs that completed, were stopped or preempted, or still run,
    give time and no failure; failed deployments give neither. Where failures come independently, at
    a constant rate, the interval holds the true value with 95% confidence: NIST/SEMATECH
    e-Handbook of Statistical Methods, 8.4.5.1: 2T / chi-square(0.975; 2r + 2) to
    2T / chi-square(0.025; 2r), with the running hours T and r failures; without a failure only the
    lower bound is known.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``status``, the columns of `by`, and, for `origin`,
        ``error_message``.
    phases : table
        What `job_phases` gives, with ``job_id`` and ``running_hours``.
    by : str or sequence of str, optional
        Columns to group by; ``gpus`` in buckets (0, 1, 2-8, 9-16, 17-32 and so on); None for one
        row over all jobs.
    origin : str or sequence of str, optional
        Count only failures of these origins, as `error_groups` tells them: ``code``,
        ``infrastructure``, ``capacity``, ``unknown``. Jobs that failed otherwise give time.

    Returns
    -------
    table of the same kind as `jobs`
        One row a group, in the order of their keys.

        - the columns of `by`, as text where they are categories or buckets
        - ``jobs`` (int64): jobs that give time
        - ``unknown_jobs`` (int64): jobs that count in nothing else, since their running time is
          not known, or their status
        - ``running_hours`` (float64): hours for which jobs ran
        - ``failures`` (int64): jobs that failed
        - ``mttf_hours`` (float64): running hours / failures; null without a failure
        - ``mttf_low_hours``, ``mttf_high_hours`` (float64): bounds of the interval; the upper one
          is null without a failure, both where nothing ran

    Raises
    ------
    ArgumentError
        If a column is missing, `by` names none, or there is no such origin.

    Examples
    --------
    >>> import pandas as pd
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1", "j2", "j3"],
    ...         "gpus": [8, 4, 16],
    ...         "status": ["failed", "completed", "running"],
    ...     }
    ... )
    >>> phases = pd.DataFrame({"job_id": ["j1", "j2", "j3"], "running_hours": [10.0, 30.0, 5.0]})
    >>> time_to_failure(jobs, phases)[["gpus", "failures", "mttf_hours", "mttf_low_hours"]].round(2)
       gpus  failures  mttf_hours  mttf_low_hours
    0   2-8         1        40.0            7.18
    1  9-16         0         NaN            1.36
    """
    keys = group_keys(by, result=RESULT)
    wanted = _origins(origin)
    messages = ["error_message"] if origin is not None else []
    columns = list(dict.fromkeys([*keys, "job_id", "status", *messages]))
    frame = read_small(jobs, columns)
    frame = plain_text(frame, [*keys, *messages], compared=["status"])
    known = read_small(phases, ["job_id", "running_hours"], name="phases")
    known = one_a_job(known.select("job_id", __hours=nw.col("running_hours").cast(nw.Float64)))
    frame = beside(frame, known, "job_id")
    failed = (nw.col("status") == "failed").fill_null(value=False)
    if origin is not None:
        frame = _with_origin(frame)
        failed = failed & nw.col("__origin").is_in(wanted)
    is_counted = nw.col("status").is_in(COUNTED).fill_null(value=False)
    frame = frame.filter((nw.col("status") != "deploy-failed").fill_null(value=True))
    gives_time = is_counted & ~nw.col("__hours").is_null()
    frame = frame.with_columns(
        __counts=gives_time.cast(nw.Int64),
        __failed=(gives_time & failed).cast(nw.Int64),
        __time=nw.when(gives_time).then(nw.col("__hours")),
    )
    sums = {
        "jobs": nw.col("__counts").sum(),
        "failures": nw.col("__failed").sum(),
        "running_hours": nw.col("__time").sum(),
        "__all": nw.len(),
    }
    groups = frame.group_by(*keys).agg(**sums) if keys else frame.select(**sums)
    found = _estimate(_summed(to_pandas(groups), keys))
    return give_back_small(found[[*keys, *RESULT]], jobs)


def _origins(origin: object) -> list[str]:
    """Check which origins are asked for."""
    if origin is None:
        return []
    # with it come hundreds of patterns, whose compilation takes time
    from trainview.analysis.error_rules import Origin  # noqa: PLC0415

    wanted = [origin] if isinstance(origin, str) else list(cast("Sequence[str]", origin))
    known = get_args(Origin)
    for name in wanted:
        if name not in known:
            raise ArgumentError(f"origin={name!r}: choose from {', '.join(known)}")
    return wanted


def _with_origin(frame: Frame) -> Frame:
    """Add ``__origin``, of the messages of failed jobs."""
    from trainview.analysis.error_rules import NO_MESSAGE  # noqa: PLC0415 - as above
    from trainview.analysis.messages import templates  # noqa: PLC0415

    if is_lazy(frame):
        message = nw.when(nw.col("status") == "failed").then(nw.col("error_message"))
        frame = frame.with_columns(error_message=message)
        with_template, found, _ = find_templates(frame)
        table = pd.DataFrame({"__template": range(len(found)), "__origin": _origins_of(found)})
        origins = from_pandas(table, frame)
        frame = with_template(frame).join(origins, on="__template", how="left")
        frame = frame.drop("__template")
    else:
        told = frame.filter(nw.col("status") == "failed", ~nw.col("error_message").is_null())
        messages = to_pandas(told.select("error_message").unique())["error_message"].to_list()
        table = pd.DataFrame(
            {"error_message": messages, "__origin": _origins_of(templates(messages))}, dtype=TEXT
        )
        frame = beside(frame, from_pandas(table, frame), "error_message")
    return frame.with_columns(nw.col("__origin").fill_null(NO_MESSAGE.origin))


def _origins_of(texts: list[str]) -> "pd.Series[str]":
    from trainview.analysis.error_rules import NO_MESSAGE, rule_of  # noqa: PLC0415 - as above

    rules = [rule_of(text) if text else NO_MESSAGE for text in texts]
    return pd.Series([rule.origin for rule in rules], dtype=TEXT)


def _summed(groups: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Put sizes into buckets, and sort by the keys; sizes by number."""
    number = pd.Series(0, groups.index)
    if "gpus" in keys:
        number = groups["gpus"].astype("Float64").map(_bucket).astype("Int64")
        groups = groups.assign(gpus=number)
    numbers, order = number_groups(groups, keys)
    sums = groups[["jobs", "failures", "running_hours", "__all"]].fillna(0)
    sums = sums.groupby(numbers).sum()
    if not keys:
        order, sums = pd.DataFrame(index=range(1)), sums.reindex(range(1), fill_value=0)
    found = order.join(sums)
    if "gpus" in keys:
        found["gpus"] = found["gpus"].map(_name, na_action="ignore").astype(TEXT)
    integers = dict.fromkeys(("jobs", "failures", "__all"), "int64")
    return with_dtypes(found, integers | {"running_hours": "float64"})


def _bucket(gpus: float) -> int:
    """Give the largest size of the bucket of a size."""
    if gpus <= 1:
        return max(int(gpus), 0)
    return max(SMALLEST, 1 << (int(gpus) - 1).bit_length())


def _name(largest: int) -> str:
    if largest <= 1:
        return str(largest)
    return f"{2 if largest == SMALLEST else largest // 2 + 1}-{largest}"


def _estimate(found: pd.DataFrame) -> pd.DataFrame:
    hours = found["running_hours"].where(found["running_hours"] > 0)
    failures = found["failures"].to_numpy("int64")
    low = [chi_square_quantile(1 - TAIL, 2 * int(number) + 2) for number in failures]
    high = [chi_square_quantile(TAIL, 2 * int(number)) if number else np.nan for number in failures]
    return found.assign(
        unknown_jobs=found["__all"] - found["jobs"],
        mttf_hours=hours / found["failures"].where(found["failures"] > 0),
        mttf_low_hours=2 * hours / np.array(low, "float64"),
        mttf_high_hours=2 * hours / np.array(high, "float64"),
    )
