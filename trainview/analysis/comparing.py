"""Two sets of jobs side by side: how much more, what came and went, what got worse."""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import By, give_back_small, group_keys, read_table, to_pandas
from trainview.analysis.grouping import number_groups
from trainview.analysis.measures import BOUNDS, COUNTS, MEASURES, Side, measure, sum_up
from trainview.analysis.pandas_dtypes import TEXT
from trainview.schema.table_types import DataFrame

# What differs by less than this part of the larger is the same: sums of floating-point numbers.
_SAME = 1e-9
_SIDES = ("before", "after")
_EACH = (*_SIDES, "difference", "ratio")
_INTEGERS = dict.fromkeys(COUNTS, "int64") | {"unpriced_jobs": "Int64"}


def compare_jobs(
    before: DataFrame,
    after: Any,
    by: By = None,
    *,
    prices: Sequence[Any] = (None, None),
    billing: Sequence[Any] = (None, None),
    metrics: Sequence[Any] = (None, None),
    lost: Sequence[Any] = (None, None),
) -> DataFrame:
    """Put two sets of jobs side by side, in key figures or by group.

    What is not known of one of them is null, and so is the difference. A group without jobs has 0
    of everything that is known of the others, but no failure rate.

    Parameters
    ----------
    before, after : pandas, Polars, DuckDB or PySpark table
        Jobs tables with ``status``, ``gpu_hours``, the columns of `by`, or, without it,
        ``project_id``, and what `estimate_cost`, `reconcile_cost` and `idle_gpus` need where their
        tables are given.
    by : str or sequence of str, optional
        Columns to group by; None for key figures of all jobs.
    prices, billing, metrics : pair of tables, optional
        As in a snapshot, of both sides; None for what is not known.
    lost : pair of tables, optional
        What `lost_work` gives of jobs that ended on either side.

    Returns
    -------
    table of the same kind as `before`
        The table that `compare` gives.

    Raises
    ------
    ArgumentError
        If a column is missing, or `by` names none.

    Examples
    --------
    >>> import pandas as pd
    >>> before = pd.DataFrame(
    ...     {"project_name": ["llm", "asr"], "status": "completed", "gpu_hours": [8.0, 2.0]}
    ... )
    >>> after = before.assign(project_name="llm")
    >>> found = compare_jobs(before, after, by="project_name")
    >>> found[["project_name", "change", "gpu_hours_before", "gpu_hours_after"]]
      project_name   change  gpu_hours_before  gpu_hours_after
    0          asr  stopped               2.0              0.0
    1          llm     same               8.0             10.0
    """
    keys = group_keys(by, result=_columns())
    pairs = zip(*(prices, billing, metrics, lost), strict=True)
    sides = [Side(jobs, *beside) for jobs, beside in zip((before, after), pairs, strict=True)]
    groups, (first, second) = _measured(sides, keys)
    if keys:
        found = _by_group(groups, first, second, keys)
    else:
        projects = [_projects(side.jobs) for side in sides]
        found = _figures(first, second, projects)
    return give_back_small(found, before)


def _columns() -> list[str]:
    return ["change", *(f"{name}_{each}" for name in (*MEASURES, *BOUNDS) for each in _EACH)]


def _measured(
    sides: Sequence[Side], keys: Sequence[str]
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Give groups the same numbers on both sides, and measure them."""
    parts = [sum_up(side, keys) for side in sides]
    rows = [part[list(keys)] for of_side in parts for part in of_side]
    if not keys:
        return pd.DataFrame(index=range(1)), [
            measure(side, of_side, [np.zeros(len(part), "int64") for part in of_side], 1)
            for side, of_side in zip(sides, parts, strict=True)
        ]
    # A part without rows may have no types.
    filled = [part for part in rows if len(part)] or rows[:1]
    number, groups = number_groups(pd.concat(filled, ignore_index=True), keys)
    numbers = iter(np.split(number, np.cumsum([len(part) for part in rows])[:-1]))
    return groups, [
        measure(side, of_side, [next(numbers) for _ in of_side], len(groups))
        for side, of_side in zip(sides, parts, strict=True)
    ]


def _projects(jobs: Any) -> float:
    frame = read_table(jobs, ["project_id"]).filter(~nw.col("project_id").is_null())
    number = to_pandas(frame.select(nw.col("project_id").n_unique()))["project_id"]
    return float(number.fillna(0).iloc[0])


def _figures(before: pd.DataFrame, after: pd.DataFrame, projects: Sequence[float]) -> pd.DataFrame:
    """List all measures of the one group."""
    values = [
        np.append(count, side[list(MEASURES)].to_numpy("float64")[0])
        for side, count in zip((before, after), projects, strict=True)
    ]
    names = ["projects", *MEASURES]
    listed = [("projects with jobs", "projects"), *MEASURES.values()]
    found = pd.DataFrame(listed, columns=["figure", "unit"]).astype(TEXT)
    found = found.assign(**dict(zip(_EACH, differences(*values), strict=True)))
    more = np.where(found["difference"] > 0, "more", "less")
    change = np.where(_is_same(*values), "same", more).astype(object)
    change[found["difference"].isna()] = None
    rate = names.index("failure_rate")
    change[rate] = verdicts(before, after)[0]
    bounds = {}
    for side, table in zip(_SIDES, (before, after), strict=True):
        for name in BOUNDS:
            values_of = np.full(len(names), np.nan)
            values_of[rate] = table[name].iloc[0]
            bounds[f"{name}_{side}"] = values_of
    return found.assign(change=pd.Series(change, dtype=TEXT), **bounds)


def _by_group(
    groups: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame, keys: Sequence[str]
) -> pd.DataFrame:
    """List all groups that have something on a side, the largest difference first."""
    change = verdicts(before, after)
    change[(before["jobs"] == 0) & (after["jobs"] > 0)] = "appeared"
    change[(before["jobs"] > 0) & (after["jobs"] == 0)] = "stopped"
    columns: dict[str, Any] = {"change": pd.Series(change, dtype=TEXT)}
    for name in MEASURES:
        columns |= side_by_side(name, before[name], after[name], _INTEGERS.get(name, "float64"))
        if name == "failure_rate":
            columns |= {f"{bound}_before": before[bound] for bound in BOUNDS}
            columns |= {f"{bound}_after": after[bound] for bound in BOUNDS}
    found = pd.concat([groups, pd.DataFrame(columns, index=groups.index)], axis="columns")
    return by_what_it_costs(found, ["estimated_usd", "gpu_hours", "jobs"], keys)


def by_what_it_costs(
    found: pd.DataFrame, measures: Sequence[str], keys: Sequence[str]
) -> pd.DataFrame:
    """Put the largest differences first, of more or less, in money where that is known.

    Parameters
    ----------
    found : pandas.DataFrame
        With a difference of each of the measures.
    measures : sequence of str
        The first that tells two rows apart counts.
    keys : sequence of str
        What counts after them.

    Returns
    -------
    pandas.DataFrame
        The same rows, numbered from 0.
    """
    size = {f"__{name}": found[f"{name}_difference"].abs().astype("float64") for name in measures}
    order = [*size, *keys]
    ascending = [False] * len(size) + [True] * len(keys)
    found = found.assign(**size).sort_values(order, ascending=ascending, na_position="last")
    return found.drop(columns=list(size)).reset_index(drop=True)


def side_by_side(
    name: str, before: "pd.Series[float]", after: "pd.Series[float]", dtype: Any
) -> dict[str, Any]:
    """Give a measure of two sides its columns: both, the difference, and the ratio."""
    columns = differences(before.to_numpy("float64"), after.to_numpy("float64"))
    found = {
        f"{name}_{each}": pd.Series(values) for each, values in zip(_EACH, columns, strict=True)
    }
    return found | {
        column: values.astype(dtype)
        for column, values in found.items()
        if not column.endswith("_ratio")
    }


def differences(before: Any, after: Any) -> list[Any]:
    """List both sides, after less before, and after over before, which is null where that is 0."""
    return [before, after, after - before, after / np.where(before == 0, np.nan, before)]


def verdicts(before: pd.DataFrame, after: pd.DataFrame) -> Any:
    """Say whether failure rates got worse, or whether chance may have done it.

    The interval of the difference is made of both intervals of Wilson: method 10 of R. G.
    Newcombe, "Interval estimation for the difference between independent proportions", Statistics
    in Medicine 17 (1998), 873-890. A change inside both of them is always inside it.

    Parameters
    ----------
    before, after : pandas.DataFrame
        With ``failure_rate``, ``low`` and ``high``, the same groups in the same order.

    Returns
    -------
    numpy.ndarray of object
        ``same``; ``noise`` where the interval of the difference has 0 in it; else ``worse`` or
        ``better``; None where one of the rates is not known.
    """
    old, new = before["failure_rate"], after["failure_rate"]
    up = np.hypot(new - after["low"], before["high"] - old)
    down = np.hypot(after["high"] - new, old - before["low"])
    noise = (new - old).between(-down, up)
    cases: list[Any] = [old == new, noise, new > old, new < old]
    words: list[Any] = ["same", "noise", "worse", "better"]
    return np.select(cases, words, default=None)  # type: ignore[call-overload]


def _is_same(before: Any, after: Any) -> Any:
    larger = np.fmax(np.abs(before), np.abs(after))
    return np.abs(after - before) <= _SAME * larger
