"""Why jobs fail, on two sides: causes that are new, that are gone, and what they cost."""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.comparing import by_what_it_costs, side_by_side, verdicts
from trainview.analysis.failures import KIND, REST, error_groups, failure_costs, is_finished
from trainview.analysis.frames import give_back_small, read_table, to_pandas
from trainview.analysis.grouping import number_groups
from trainview.analysis.intervals import with_interval
from trainview.analysis.pandas_dtypes import TEXT
from trainview.schema.table_types import DataFrame

_TOLD = [*KIND, "last_seen", *REST]
_WORDS = {"worse": "more", "better": "fewer"}


def compare_causes(
    before: DataFrame, after: Any, *, prices: Sequence[Any] = (None, None)
) -> DataFrame:
    """Put the failure causes of two sets of jobs side by side.

    Parameters
    ----------
    before, after : pandas, Polars, DuckDB or PySpark table
        Jobs tables as for `error_groups`, and ``status``; with `prices`, as for `failure_costs`.
    prices : pair of tables, optional
        Prices tables of both sides; None for what is not known.

    Returns
    -------
    table of the same kind as `before`
        The table that `compare` gives by ``error``.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> before = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1"],
    ...         "project_id": "p1",
    ...         "status": "failed",
    ...         "phase": "failed",
    ...         "error_message": "Out of memory on GPU 0",
    ...         "end_at": pd.to_datetime(["2025-01-01"], utc=True),
    ...         "gpu_hours": 8.0,
    ...     }
    ... )
    >>> after = before.assign(error_message="No space left on device")
    >>> compare_causes(before, after)[["error", "change", "jobs_difference"]]
                               error    change  jobs_difference
    0        No space left on device       new                1
    1  Out of memory on GPU <number>  vanished               -1
    """
    tables = [_causes(jobs, listed) for jobs, listed in zip((before, after), prices, strict=True)]
    number, groups = number_groups(pd.concat([table[["error"]] for table in tables]), ["error"])
    numbers = np.split(number, [len(tables[0])])
    sides = []
    for jobs, table, group, listed in zip((before, after), tables, numbers, prices, strict=True):
        side = table[["jobs", "gpu_hours", "estimated_usd"]].set_axis(group)
        side = side.reindex(groups.index)
        nothing = side["jobs"].isna()
        side[["jobs", "gpu_hours"]] = side[["jobs", "gpu_hours"]].fillna(0.0)
        if listed is not None:
            side["estimated_usd"] = side["estimated_usd"].mask(nothing, 0.0)
        sides.append(side.join(_shares(side["jobs"], _finished(jobs))))
    told = pd.concat(
        [table[_TOLD].set_axis(group) for table, group in zip(tables, numbers, strict=True)]
    )
    told = told.sort_values("last_seen", kind="stable", na_position="first")
    told = told[~told.index.duplicated(keep="last")].reindex(groups.index)
    found = _found(told, *sides)
    return give_back_small(found, before)


def _found(told: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    change = pd.Series(verdicts(before, after), dtype=TEXT).replace(_WORDS)
    change = change.mask(before["jobs"] == 0, "new").mask(after["jobs"] == 0, "vanished")
    columns: dict[str, Any] = {"change": change}
    for name, dtype in {
        "jobs": "int64",
        "gpu_hours": "float64",
        "estimated_usd": "float64",
    }.items():
        columns |= side_by_side(name, before[name], after[name], dtype)
    columns |= {"share_before": before["failure_rate"], "share_after": after["failure_rate"]}
    found = told[KIND].assign(**columns)
    found = found.assign(**{name: told[name] for name in ("last_seen", *REST)})
    return by_what_it_costs(found, ["estimated_usd", "gpu_hours", "jobs"], ["error"])


def _causes(jobs: Any, prices: Any) -> pd.DataFrame:
    """List the causes of one side; what they cost is null where that is not known."""
    if prices is None:
        found = error_groups(jobs)
        table = to_pandas(read_table(found, [*_TOLD, "jobs", "gpu_hours"], times=["last_seen"]))
        return table.assign(estimated_usd=np.nan)
    found = failure_costs(jobs, prices)
    names = [*_TOLD, "jobs", "gpu_hours", "estimated_usd"]
    return to_pandas(read_table(found, names, times=["last_seen"]))


def _finished(jobs: Any) -> int:
    frame = read_table(jobs, ["status"])
    ended = frame.select(is_finished().cast(nw.Int64).sum().alias("finished"))
    return int(to_pandas(ended)["finished"].fillna(0).iloc[0])


def _shares(jobs: "pd.Series[float]", finished: int) -> pd.DataFrame:
    """Give the part that failed so of all finished jobs, with its interval."""
    counts = pd.DataFrame({"failed": jobs.astype("int64"), "finished": finished}, jobs.index)
    rates: Any = with_interval(nw.from_native(counts, eager_only=True))  # type: ignore[arg-type]
    return pd.DataFrame(rates.to_native())[["failure_rate", "low", "high"]]
