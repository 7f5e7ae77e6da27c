"""The heat map of how busy each GPU was over time."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgba
from matplotlib.patches import Patch, Rectangle

from trainview.plot.canvas import (
    NARROW,
    TIME_WIDTH,
    add_legend,
    name_ticks,
    no_data,
    size,
    take_axes,
    tidy,
)
from trainview.plot.cells import Cells, duration, merge, number_rows, period_minutes
from trainview.plot.dates import MINUTE, date_axis, time_label
from trainview.plot.idle import IDLE
from trainview.plot.lanes import label_height, named_blocks
from trainview.plot.results import group_names, moments, numbers, read_result, sum_known
from trainview.plot.rows import say_below
from trainview.plot.wording import number, percent
from trainview.schema.table_types import AnyDataFrame
from trainview.text.safe import count

# From which utilisation on: idle time as elsewhere, then the darker the busier.
CLASSES = (
    (0.0, IDLE, "below 5%"),
    (0.05, "#CFE1F2", "5 to 20%"),
    (0.2, "#93C4DF", "20 to 40%"),
    (0.4, "#4B97C9", "40 to 60%"),
    (0.6, "#1764AB", "60 to 80%"),
    (0.8, "#08306B", "from 80%"),
)
HATCH = "/////"
# Heights in inches: of a row where there are few, of a row where there are many, of all rows.
ROOMY, LOW, TALL, TALLEST = 0.26, 0.025, 7.0, 14.0
# Between blocks that are at least so many inches high there is a line.
SEPARATE = 0.1
# What a name may take, as a fraction of the width.
NAME = 0.32


def plot_utilization_over_time(utilization: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how busy each GPU was: a heat map with a row a GPU, and time along x.

    A period without samples is hatched: nothing is known of it. Where there are more rows or
    periods than can be told apart, a cell is the mean of neighbours, and a line of text says so.

    Parameters
    ----------
    utilization : pandas, Polars, DuckDB or PySpark table
        What `utilization_over_time` gives. Dates are in the time zone of its ``period``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. All rows are drawn; where they
        are too low for every name, what they have in common is named.

    Returns
    -------
    matplotlib.axes.Axes
        With an image of the mean utilisation, the unit is 1; what is not known is masked. Where
        not all that was held in these periods was measured, a line of text says how much was.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> clock = ["2026-01-01 00:00", "2026-01-01 01:00", "2026-01-01 01:00"]
    >>> utilization = pd.DataFrame(
    ...     {
    ...         "node_id": ["n1", "n1", "n1"],
    ...         "gpu": [0, 0, 1],
    ...         "period": pd.to_datetime(clock, utc=True),
    ...         "mean_utilization": [0.9, 0.8, 0.0],
    ...         "samples": [60, 60, 30],
    ...     }
    ... )
    >>> figure = Figure(layout="constrained")
    >>> ax = plot_utilization_over_time(utilization, ax=figure.subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['n1 · GPU 0', 'n1 · GPU 1']
    >>> ax.images[0].get_array().tolist()
    [[0.9, 0.8], [None, 0.0]]
    """
    needed = ("period", "mean_utilization", "samples")
    optional = ("covered_gpu_hours", "held_gpu_hours")
    table, keys = read_result(
        utilization, "utilization_over_time", needed, ("measured_share",), optional
    )
    start, zone = moments(table, "period")
    mean, samples = numbers(table, "mean_utilization"), numbers(table, "samples")
    known = np.flatnonzero(~(np.isnan(start) | np.isnan(mean)))
    start, mean, weight = start[known], mean[known], np.fmax(samples[known], 1.0)
    row, heads = number_rows(table.take(known), keys)
    ax = take_axes(ax, TIME_WIDTH, 1.1 + _wanted_height(len(heads)))
    ax.set_xlabel(time_label(zone), loc="left")
    if not len(known):
        return no_data(ax)
    cells = merge(row, start, mean, weight, size(ax))
    period = period_minutes(start)
    span = float(start.min()), float(start.max()) + period * MINUTE
    _paint(ax, cells, span, len(heads))
    date_axis(ax, *span, zone)
    notes = _merged(cells, period) + _measured(table)
    _name_rows(ax, heads, keys, notes)
    samples_of = [Patch(color=colour) for _, colour, _ in CLASSES]
    names = [name for _, _, name in CLASSES]
    if np.isnan(cells.means).any():
        samples_of.append(Patch(**_nothing()))
        names.append("no data")
    add_legend(ax, samples_of, names, above=size(ax)[0] < NARROW)
    return ax


def _wanted_height(rows: int) -> float:
    return min(max(rows * min(max(TALL / max(rows, 1), LOW), ROOMY), 1.0), TALLEST)


def _nothing() -> dict[str, Any]:
    """Give the looks of what is not known."""
    colour = to_rgba(mpl.rcParams["text.color"], 0.4)
    return {"facecolor": "none", "edgecolor": colour, "hatch": HATCH, "linewidth": 0.0}


def _paint(ax: Axes, cells: Cells, span: tuple[float, float], rows: int) -> None:
    lines, columns = cells.means.shape
    left, right = cells.first, cells.first + columns * cells.minutes * MINUTE
    ground = Rectangle((span[0], 0), span[1] - span[0], rows, zorder=0.6, **_nothing())
    ax.add_patch(ground)
    colours = [colour for _, colour, _ in CLASSES]
    image = ax.imshow(
        np.ma.masked_invalid(cells.means),
        cmap=ListedColormap(colours),
        norm=BoundaryNorm([*(low for low, _, _ in CLASSES), 1.0], len(colours), clip=True),
        extent=(left, right, lines * cells.rows, 0),
        aspect="auto",
        interpolation="nearest",
        zorder=1,
    )
    # Cells at the edges may be the mean of less than the others.
    image.set_clip_path(ground)


def _merged(cells: Cells, period: int) -> list[str]:
    """Say what a cell is the mean of, if it is one."""
    parts = [count(cells.rows, "row")] if cells.rows > 1 else []
    if cells.minutes > period:
        parts.append(duration(cells.minutes))
    return [f"a cell is the mean of up to {' in '.join(parts)}"] if parts else []


def _measured(table: pd.DataFrame) -> list[str]:
    """Say how much of what was held in these periods was measured, if not all was."""
    if not {"covered_gpu_hours", "held_gpu_hours"} <= set(table):
        return []
    covered, held = (
        sum_known(numbers(table, name)) for name in ("covered_gpu_hours", "held_gpu_hours")
    )
    share = percent(covered / held) if covered < held else "100%"
    said = f"{number(covered)} of {number(held)} GPU-hours measured ({share})"
    return [said] if share != "100%" else []


def _name_rows(ax: Axes, heads: pd.DataFrame, keys: Sequence[str], notes: list[str]) -> None:
    """Name rows, or blocks of them that have keys in common, and say what else there is to say."""
    rows = len(heads)
    # One line for what is said below of names, whether it is needed or not.
    per_inch = rows / max(size(ax)[1] - (len(notes) + 1) * label_height(), size(ax)[1] / 2)
    for depth in range(max(len(keys), 1), 0, -1):
        names = np.array(group_names(heads, keys[:depth], "all GPUs"), dtype=object)
        edges = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1], [True]]))
        named = named_blocks(edges.astype("float64"), per_inch)
        if len(named) == len(edges) - 1:
            break
    blocks = len(edges) - 1
    if len(named) < blocks:
        notes = [*notes, f"{len(named):,} of {blocks:,} names shown"]
    elif blocks < rows:
        notes = [
            *notes,
            f"{count(rows, 'row')}, named by {' and '.join(keys[:depth])}",
        ]
    tidy(ax, "x")
    middle = (edges[1:] + edges[:-1]) / 2
    name_ticks(ax, middle[named].tolist(), names[edges[:-1][named]].tolist(), NAME)
    if rows / blocks >= SEPARATE * per_inch:
        ax.hlines(
            edges[1:-1], 0, 1, transform=ax.get_yaxis_transform(),
            color=ax.get_facecolor(), linewidth=1.0, zorder=2,
        )  # fmt: skip
    line = label_height() * per_inch
    for at, note in enumerate(notes):
        say_below(ax, rows + (at + 0.5) * line, note)
    ax.set_ylim(rows + len(notes) * line, 0)
