"""GPUs held, against how many may be held."""

from numbers import Integral
from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from trainview.analysis.frames import (
    Frame,
    Numbers,
    column_names,
    from_pandas,
    give_back,
    plain_text,
    read_table,
    to_pandas,
)
from trainview.analysis.steps import runs, sweep
from trainview.analysis.times import US_PER_HOUR
from trainview.errors import ArgumentError
from trainview.gpus import same_type


def quota(concurrency: IntoFrameT, capacity: Any, extra_gpus: int = 8) -> IntoFrameT:
    """Compare the GPUs that were held with how many may be, and with some more.

    `gpu_concurrency` is an upper bound: jobs hold their GPUs in it from submission on, so what
    lies above the limit is demand that had to wait, and not GPUs that ran. What more GPUs would
    have changed is likewise at most this: jobs that wait less also end earlier.

    Parameters
    ----------
    concurrency : pandas, Polars, DuckDB or PySpark table
        The result of `gpu_concurrency` by ``gpu_type``, which is compared with the limits of
        the organisation, or by ``team_name`` and ``gpu_type``, with those of the teams.
    capacity : pandas, Polars, DuckDB or PySpark table
        A capacity table with ``team_id``, ``team_name``, ``gpu_type``, ``baseline``, ``limit``.
    extra_gpus : int
        How many more GPUs to try, of each type.

    Returns
    -------
    table of the same kind as `concurrency`
        One row a type of GPU (and team), the one longest at its limit first. All are measured
        over the same time: from the first start to the last end of the whole `concurrency`.

        - ``team_name`` (text): if `concurrency` has it
        - ``gpu_type`` (text): in one spelling, such as A100_40GB
        - ``limit``, ``baseline`` (Int64): GPUs that may be held, and that are expected to be there
          at once; null where `capacity` does not have the type
        - ``peak_gpus`` (int64): most GPUs held at one moment
        - ``mean_gpus`` (float64): GPUs held on average; null where there is no time
        - ``hours`` (float64): length of the time that is measured
        - ``at_limit_share`` (float64): share of it in which the limit was reached or exceeded, 0
          to 1; null where there is no limit or no time
        - ``over_limit_gpu_hours`` (float64): GPU-hours above the limit; null where there is none
        - ``at_limit_share_with_extra``, ``over_limit_gpu_hours_with_extra`` (float64): the same
          with `extra_gpus` more

    Raises
    ------
    ArgumentError
        If a column is missing, `concurrency` is by other columns than these, or `extra_gpus` is
        not a whole number from 0.

    Examples
    --------
    >>> import pandas as pd
    >>> clock = pd.to_datetime([0, 6, 8, 12], unit="h", utc=True)
    >>> concurrency = pd.DataFrame(
    ...     {"gpu_type": "H100", "start": clock[:-1], "end": clock[1:], "gpus": [8, 20, 0]}
    ... )
    >>> capacity = pd.DataFrame(
    ...     {
    ...         "team_id": [None],
    ...         "team_name": [None],
    ...         "gpu_type": ["H100"],
    ...         "baseline": [8],
    ...         "limit": [16],
    ...     }
    ... )
    >>> quota(concurrency, capacity)[["gpu_type", "limit", "peak_gpus", "over_limit_gpu_hours"]]
      gpu_type  limit  peak_gpus  over_limit_gpu_hours
    0     H100     16         20                   8.0
    """
    if not isinstance(extra_gpus, Integral) or extra_gpus < 0:
        raise ArgumentError(f"extra_gpus={extra_gpus!r}: give a whole number from 0")
    keys = _keys(concurrency)
    frame = read_table(concurrency, [*keys, "start", "end", "gpus"])
    steps = _one_spelling(frame, keys)
    # The changes are put together again, for types that had two spellings.
    names = {"start": "created_at", "end": "end_at", "gpus": "__held"}
    jobs = steps.rename(columns=names)
    held = sweep(cast("Frame", nw.from_native(jobs)), keys)
    limits = _limits(capacity, keys)
    # The groups of the steps come first, and so keep their numbers.
    groups = pd.concat([held.groups, limits[keys]], ignore_index=True).drop_duplicates()
    result = groups.merge(limits, on=keys, how="left")
    row = np.flatnonzero(~runs(held.group)[1:])
    group, gpus = held.group[row], held.level[row]
    hours = (held.time[row + 1] - held.time[row]) / US_PER_HOUR
    span = (
        (steps["end"].max() - steps["start"].min()) / pd.Timedelta(hours=1) if len(steps) else 0.0
    )
    limit = result["limit"].to_numpy("float64", na_value=np.nan)
    peak = np.zeros(len(result), "int64")
    np.maximum.at(peak, group, gpus)

    def per_hour(amount: Numbers) -> Numbers:
        return amount / (span or np.nan)

    def against(limit: Numbers) -> tuple[Numbers, Numbers]:
        # Where nothing may be held, nothing is held at the limit.
        reached = gpus >= np.maximum(limit, 1)[group]
        above = np.maximum(gpus - limit[group], 0) * hours
        unknown = np.where(np.isnan(limit), np.nan, 0)
        at_limit = np.bincount(group[reached], hours[reached], len(result))
        return per_hour(at_limit) + unknown, np.bincount(group, above, len(result)) + unknown

    share, over = against(limit)
    share_with_extra, over_with_extra = against(limit + extra_gpus)
    result = result[[*keys, "limit", "baseline"]].assign(
        peak_gpus=peak,
        mean_gpus=per_hour(np.bincount(group, gpus * hours, len(result))),
        hours=span,
        at_limit_share=share,
        over_limit_gpu_hours=over,
        at_limit_share_with_extra=share_with_extra,
        over_limit_gpu_hours_with_extra=over_with_extra,
    )
    order = [False] + [True] * len(keys)
    result = result.sort_values(["at_limit_share", *keys], ascending=order, na_position="last")
    return give_back(from_pandas(result, frame), concurrency)


def _keys(concurrency: object) -> list[str]:
    """Tell whether teams are to be told apart, and refuse what has no limit of its own."""
    columns = column_names(concurrency)
    keys = ["team_name", "gpu_type"] if "team_name" in columns else ["gpu_type"]
    others = [name for name in columns if name not in {*keys, "start", "end", "gpus"}]
    if others:
        raise ArgumentError(
            f"concurrency is by {', '.join(map(repr, others))} too, which has no limit of its own: "
            "pass gpu_concurrency by 'gpu_type', or by ['team_name', 'gpu_type']"
        )
    return keys


def _one_spelling(frame: Frame, keys: list[str]) -> pd.DataFrame:
    """Collect a table, its keys as text, and its types of GPU in one spelling."""
    table = to_pandas(plain_text(frame, keys)).astype(dict.fromkeys(keys, "str"))
    spelled = table["gpu_type"].map(same_type, na_action="ignore").astype("str")
    return table.assign(gpu_type=spelled)


def _limits(capacity: object, keys: list[str]) -> pd.DataFrame:
    """Collect the limits of the organisation, or of its teams."""
    frame = read_table(capacity, ["team_id", *keys, "limit", "baseline"])
    is_team = ~nw.col("team_id").is_null()
    wanted = is_team if "team_name" in keys else ~is_team
    rows = _one_spelling(frame.filter(wanted), keys)
    # An answer that spells a type in two ways tells one limit twice; teams of one name have two.
    limits = rows.groupby([*keys, "team_id"], dropna=False)[["limit", "baseline"]].max()
    limits = limits.groupby(keys).sum()
    return limits.astype("Int64").reset_index()
