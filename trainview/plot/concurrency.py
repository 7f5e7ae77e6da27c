"""The picture of the GPUs held at each moment."""

from collections.abc import Mapping, Sequence
from math import isfinite
from numbers import Real
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from trainview.errors import ArgumentError
from trainview.plot.canvas import TIME_WIDTH, add_legend, count_axis, no_data, take_axes, tidy
from trainview.plot.dates import date_axis, time_label
from trainview.plot.groups import rank_groups
from trainview.plot.names import name_id
from trainview.plot.results import Numbers, group_names, moments, numbers, read_result
from trainview.schema.table_types import AnyDataFrame

# Stands for all groups in a mapping of limits.
ALL = ""
# Beside the lines, as a fraction of the time that they take.
MARGIN = 0.005


def plot_gpu_concurrency(
    steps: AnyDataFrame, *, limit: float | Mapping[Any, float] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw how many GPUs were held at each moment: exact steps, a line a group.

    Parameters
    ----------
    steps : pandas, Polars, DuckDB or PySpark table
        What `gpu_concurrency` gives. Dates are in the time zone of its ``start``.
    limit : float, or mapping of group to float, optional
        How many GPUs can be held: one line for all, or one a group, in its colour. A group is
        named by its value, or by the tuple of its values.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out.

    Returns
    -------
    matplotlib.axes.Axes
        With a line of steps for each group, then a dashed line for each limit. Of more than eight
        groups, those that held the fewest GPUs are summed up as others.

    Raises
    ------
    ArgumentError
        If a column is missing, or a limit is no number from 0.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> steps = pd.DataFrame(
    ...     {
    ...         "gpu_type": ["H100", "H100"],
    ...         "start": pd.to_datetime(["2025-01-01 00:00", "2025-01-01 06:00"], utc=True),
    ...         "end": pd.to_datetime(["2025-01-01 06:00", "2025-01-01 12:00"], utc=True),
    ...         "gpus": [8, 16],
    ...     }
    ... )
    >>> figure = Figure(layout="constrained")
    >>> ax = plot_gpu_concurrency(steps, limit={"H100": 64}, ax=figure.subplots())
    >>> ax.lines[0].get_ydata().tolist()
    [0.0, 8.0, 16.0, 0.0]
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['H100', 'H100: limit 64']
    """
    table, keys = read_result(steps, "gpu_concurrency", ("start", "end", "gpus"))
    (start, zone), (end, _) = moments(table, "start"), moments(table, "end")
    gpus, limits = numbers(table, "gpus"), _limits(limit, keys)
    ax = take_axes(ax, TIME_WIDTH, 4.0)
    ax.set_xlabel(time_label(zone), loc="left")
    ax.set_ylabel("GPUs held")
    known = np.flatnonzero(~(np.isnan(start) | np.isnan(end)))
    if not len(known):
        return no_data(ax)
    known = known[np.argsort(start[known], kind="stable")]
    start, end, gpus = start[known], end[known], gpus[known]
    names = group_names(table, keys)
    names = [names[row] for row in known]
    groups = rank_groups(names, np.nan_to_num(gpus * (end - start)))
    handles: list[Any] = []
    highest = max([1.0, *limits.values()])
    # The largest group is drawn first: the others lie on top of it.
    for place, (name, look) in enumerate(zip(groups.names, groups.looks, strict=True)):
        rows = np.flatnonzero(groups.rank == place)
        single = len({names[row] for row in rows}) == 1
        x, y = (follow if single else add_up)(start[rows], end[rows], gpus[rows])
        style: dict[str, Any] = {"color": look.colour, "linewidth": 1.3, "gid": name_id(name)}
        handles += ax.plot(x, y, drawstyle="steps-post", **style)
        highest = max(highest, np.nanmax(y))
        if len(groups.names) == 1:
            ax.fill_between(x, y, step="post", color=look.colour, alpha=0.25, linewidth=0)
    entries = [(name, "") for name in groups.names] if keys else []
    handles = handles if keys else []
    colours = {name: look.colour for name, look in zip(groups.names, groups.looks, strict=True)}
    if len(colours) == 1:
        colours[ALL] = groups.looks[0].colour
    for name, most in limits.items():
        colour = colours.get(name, mpl.rcParams["text.color"])
        handles.append(ax.axhline(most, color=colour, linestyle="--", linewidth=1.2))
        handles[-1].set_gid(name_id(f"limit: {name}"))
        entries.append(
            (name, f": limit {most:,.12g}") if name != ALL else (f"limit {most:,.12g}", "")
        )
    first, last = start.min(), end.max()
    margin = MARGIN * (last - first)
    date_axis(ax, first - margin, last + margin, zone)
    ax.set_ylim(0, 1.05 * highest)
    count_axis(ax, "y", whole=True)
    tidy(ax, "y")
    add_legend(ax, handles, [name for name, _ in entries], [note for _, note in entries])
    return ax


def follow(start: Numbers, end: Numbers, gpus: Numbers) -> tuple[Numbers, Numbers]:
    """List the corners of one group's steps: from 0, to 0 where steps are missing, back to 0."""
    gap = np.flatnonzero(end[:-1] < start[1:])
    x = np.insert(start, gap + 1, end[gap])
    y = np.insert(gpus, gap + 1, 0.0)
    return np.concatenate([start[:1], x, end[-1:]]), np.concatenate([[0.0], y, [0.0]])


def add_up(start: Numbers, end: Numbers, gpus: Numbers) -> tuple[Numbers, Numbers]:
    """List the corners of the sum of several groups' steps."""
    gpus = np.nan_to_num(gpus)
    x, at = np.unique(np.concatenate([start, end]), return_inverse=True)
    change = np.zeros(len(x))
    np.add.at(change, at, np.concatenate([gpus, -gpus]))
    return np.concatenate([x[:1], x]), np.concatenate([[0.0], np.cumsum(change)])


def _limits(limit: Any, keys: Sequence[str]) -> dict[str, float]:
    """Read the limits by the names of their groups."""
    if limit is None:
        return {}
    if not isinstance(limit, Mapping):
        return {ALL: _check(limit, limit)}
    limits = {}
    for group, most in limit.items():
        values = group if isinstance(group, tuple) else (group,)
        if len(values) != len(keys):
            raise ArgumentError(
                f"limit={limit!r}: {group!r} names no group, a group has "
                f"{', '.join(keys) or 'no columns, so give a number'}"
            )
        row = pd.DataFrame([values], columns=list(keys), dtype=object)
        limits[group_names(row, keys)[0]] = _check(most, limit)
    return limits


def _check(most: Any, limit: Any) -> float:
    if isinstance(most, Real) and not isinstance(most, bool):
        value = float(most)
        if isfinite(value) and value >= 0:
            return value
    raise ArgumentError(f"limit={limit!r}: {most!r} is no number of GPUs, give one from 0")
