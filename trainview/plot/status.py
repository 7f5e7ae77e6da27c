"""Pictures of how many jobs are in each status."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from trainview.plot.canvas import add_legend, count_axis, no_data
from trainview.plot.colours import status_looks
from trainview.plot.results import group_names, numbers, read_result, texts
from trainview.plot.rows import finish_rows, label_bars, stack_bars, start_rows
from trainview.text.safe import count


def plot_status_counts(counts: Any, *, ax: Axes | None = None) -> Axes:
    """Draw how many jobs are in each status: stacked bars in lifecycle order, one a group.

    Parameters
    ----------
    counts : pandas, Polars, DuckDB or PySpark table
        What `status_counts` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars for each status.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> counts = pd.DataFrame(
    ...     {
    ...         "status": ["completed", "failed"],
    ...         "phase": ["succeeded", "failed"],
    ...         "jobs": [30, 10],
    ...         "share": [0.75, 0.25],
    ...     }
    ... )
    >>> ax = plot_status_counts(counts, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['completed (30)', 'failed (10)']
    """
    table, keys = read_result(counts, "status_counts", ("status", "phase", "jobs"), ("share",))
    statuses, jobs = texts(table, "status"), numbers(table, "jobs")
    looks = status_looks(zip(statuses, texts(table, "phase"), strict=True))
    group, names = pd.factorize(np.array(group_names(table, keys), dtype=object))
    stack = np.zeros((len(looks), len(names)))
    place = {status: number for number, status in enumerate(looks)}
    row = np.array([place[status] for status in statuses], "int64")
    np.add.at(stack, (row, group), np.nan_to_num(jobs))
    rows = start_rows(ax, len(names), legend=len(looks) if keys else 0, extra=0.0 if keys else 0.5)
    ax = rows.ax
    ax.set_xlabel("Jobs")
    if not len(names):
        return no_data(ax)
    stack_bars(rows, stack, list(looks.items()), names.tolist(), labelled=True)
    totals = stack.sum(axis=0)
    labels = [f"{total:,.0f}" for total in totals[: rows.shown]]
    label_bars(ax, totals[: rows.shown].tolist(), labels)
    count_axis(ax, "x", whole=True)
    finish_rows(rows, names.tolist(), count(totals[rows.shown :].sum(), "job"))
    samples = [look.sample() for look in looks.values()]
    notes = None if keys else [f" ({some:,.0f})" for some in stack.sum(axis=1)]
    add_legend(ax, samples, list(looks), notes, above=not keys)
    return ax
