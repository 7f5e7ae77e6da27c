"""The picture of what jobs cost."""

import numpy as np
from matplotlib.axes import Axes

from trainview.plot.canvas import NARROW, count_axis, name_x, no_data, size
from trainview.plot.colours import PLAIN
from trainview.plot.results import group_names, numbers, read_result, sum_known
from trainview.plot.rows import draw_bars, finish_rows, label_bars, start_rows
from trainview.plot.wording import cost_label
from trainview.schema.table_types import AnyDataFrame


def plot_estimate_cost(cost: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw estimated costs as bars, each with its share and the jobs that are not in it.

    Parameters
    ----------
    cost : pandas, Polars, DuckDB or PySpark table
        What `estimate_cost` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a bar for each group whose cost is known; the unit is USD.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> cost = pd.DataFrame(
    ...     {
    ...         "project_name": ["llm", "asr"],
    ...         "unpriced_jobs": [2, 1],
    ...         "untimed_jobs": [0, 0],
    ...         "estimated_usd": [1536.0, None],
    ...         "share": [1.0, None],
    ...     }
    ... )
    >>> ax = plot_estimate_cost(cost, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['1,536 · 100% + 2 unpriced', 'not known: 1 unpriced']
    """
    needed = ("unpriced_jobs", "untimed_jobs", "estimated_usd", "share")
    table, keys = read_result(
        cost, "estimate_cost", needed, ("jobs", "gpu_hours", "unpriced_instance_types")
    )
    names = group_names(table, keys)
    unpriced, untimed, usd, share = (numbers(table, name) for name in needed)
    rows = start_rows(ax, len(names))
    ax = rows.ax
    name_x(ax, "Cost in USD (estimate)")
    if not names:
        return no_data(ax)
    first, rest = slice(rows.shown), slice(rows.shown, None)
    draw_bars(rows, usd, names, color=PLAIN)
    shares = np.full(len(share), np.nan) if size(ax)[0] < NARROW else share
    columns = (values[first] for values in (usd, unpriced, untimed, shares))
    labels = [cost_label(*values) for values in zip(*columns, strict=True)]
    label_bars(ax, np.nan_to_num(usd[first]).tolist(), labels)
    count_axis(ax, "x")
    total, gone, endless, part = (
        sum_known(values[rest]) for values in (usd, unpriced, untimed, shares)
    )
    finish_rows(rows, names, cost_label(total, gone, endless, part, " USD"))
    return ax
