"""Pictures of how many jobs are in each status."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from trainview.plot.canvas import add_legend, count_axis, no_data
from trainview.plot.colours import Look, status_looks
from trainview.plot.results import Numbers, group_names, numbers, read_result, texts
from trainview.plot.rows import finish_rows, label_bars, stack_bars, start_rows
from trainview.schema.table_types import AnyDataFrame
from trainview.text.safe import count


def plot_status_counts(counts: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
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
    statuses, phases = texts(table, "status"), texts(table, "phase")
    jobs = np.nan_to_num(numbers(table, "jobs"))
    looks, names, stack = stack_statuses(statuses, phases, group_names(table, keys), jobs)
    rows = start_rows(ax, len(names), legend=len(looks) if keys else 0, extra=0.0 if keys else 0.5)
    ax = rows.ax
    ax.set_xlabel("Jobs")
    if not len(names):
        return no_data(ax)
    stack_bars(rows, stack, list(looks.items()), names, labelled=True)
    totals = stack.sum(axis=0)
    labels = [f"{total:,.0f}" for total in totals[: rows.shown]]
    label_bars(ax, totals[: rows.shown].tolist(), labels)
    count_axis(ax, "x", whole=True)
    finish_rows(rows, names, count(totals[rows.shown :].sum(), "job"))
    samples = [look.sample() for look in looks.values()]
    notes = None if keys else [f" ({some:,.0f})" for some in stack.sum(axis=1)]
    add_legend(ax, samples, list(looks), notes, above=not keys)
    return ax


def stack_statuses(
    statuses: Sequence[str], phases: Sequence[str], groups: Sequence[str], jobs: Numbers
) -> tuple[dict[str, Look], list[str], Numbers]:
    """Add up jobs by status and group.

    Returns
    -------
    looks : dict of str to Look
        How each status looks, in lifecycle order.
    names : list of str
        The groups, in the order in which they come.
    stack : numpy.ndarray of float64
        Jobs, one row a status, one column a group.
    """
    looks = status_looks(zip(statuses, phases, strict=True))
    column, names = pd.factorize(np.array(groups, dtype=object))
    place = {status: number for number, status in enumerate(looks)}
    stack = np.zeros((len(looks), len(names)))
    np.add.at(stack, (np.array([place[status] for status in statuses], "int64"), column), jobs)
    return looks, names.tolist(), stack
