"""The picture of what checkpoints hold."""

import numpy as np
from matplotlib.axes import Axes

from trainview.plot.canvas import NARROW, add_legend, count_axis, name_x, no_data, size
from trainview.plot.colours import PLAIN, Look
from trainview.plot.results import group_names, numbers, read_result, sum_known
from trainview.plot.rows import finish_rows, label_bars, stack_bars, start_rows
from trainview.plot.wording import number
from trainview.schema.table_types import AnyDataFrame
from trainview.text.safe import count

TIB = 2.0**40
LOOKS = {"whole": Look(PLAIN), "syncing, job ended": Look("#D55E00", "////")}


def plot_checkpoint_usage(usage: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what the checkpoints of each group hold, and what of it is not whole though jobs ended.

    Parameters
    ----------
    usage : pandas, Polars, DuckDB or PySpark table
        What `checkpoint_usage` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars for what is whole or on its way, then one for what is still
        syncing of jobs that have ended; the unit is TiB.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> usage = pd.DataFrame(
    ...     {
    ...         "project_name": ["llm"],
    ...         "checkpoints": [219],
    ...         "size_bytes": [3.0 * 2**40],
    ...         "syncing_ended_bytes": [0.0],
    ...     }
    ... )
    >>> ax = plot_checkpoint_usage(usage, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['3.0 in 219 checkpoints']
    """
    needed = ("checkpoints", "size_bytes", "syncing_ended_bytes")
    others = ("jobs", "largest_bytes", "latest_at", "syncing", "syncing_ended_jobs")
    table, keys = read_result(usage, "checkpoint_usage", needed, others)
    names = group_names(table, keys)
    saved, held, left = (numbers(table, name) for name in needed)
    held, left = held / TIB, np.nan_to_num(left / TIB)
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    name_x(ax, "Size of checkpoints (TiB)")
    if not names:
        return no_data(ax)
    stack = np.stack([np.clip(np.nan_to_num(held) - left, 0, None), left])
    stack_bars(rows, stack, list(LOOKS.items()), names)
    narrow = size(ax)[0] < NARROW
    labels = [_label(*values, narrow=narrow) for values in zip(held, saved, strict=True)]
    label_bars(ax, stack.sum(axis=0)[: rows.shown].tolist(), labels[: rows.shown])
    count_axis(ax, "x")
    rest = [sum_known(values[rows.shown :]) for values in (held, saved)]
    finish_rows(rows, names, f"{_label(*rest, narrow=True)} TiB")
    add_legend(ax, [look.sample() for look in LOOKS.values()], list(LOOKS), above=True)
    return ax


def _label(tib: float, saved: float, *, narrow: bool) -> str:
    size_of_all = "not known" if np.isnan(tib) else number(tib)
    return size_of_all if narrow else f"{size_of_all} in {count(int(saved), 'checkpoint')}"
