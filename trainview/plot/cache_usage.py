"""The picture of what caches hold."""

import numpy as np
from matplotlib.axes import Axes

from trainview.plot.canvas import NARROW, count_axis, name_x, no_data, size
from trainview.plot.colours import PLAIN, Look
from trainview.plot.results import group_names, numbers, read_result
from trainview.plot.rows import finish_rows, label_bars, stack_bars, start_rows
from trainview.plot.wording import number
from trainview.schema.table_types import AnyDataFrame
from trainview.text.safe import count
from trainview.text.shares import share

GIB, TIB = 2.0**30, 2.0**40
LOOK = Look(PLAIN)


def plot_cache_usage(usage: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what the caches of each group hold, with how full they are where that is known.

    Parameters
    ----------
    usage : pandas, Polars, DuckDB or PySpark table
        What `cache_usage` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars; the unit is TiB, or GiB where no group holds a TiB.

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
    ...         "project_name": ["llm", "asr", "tts"],
    ...         "files": [219, 2, 0],
    ...         "size_bytes": [3.0 * 2**40, 2.0**40, 0.0],
    ...         "utilization": [0.87, 0.002, None],
    ...     }
    ... )
    >>> ax = plot_cache_usage(usage, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['3.0 in 219 files, 87% full', '1.0 in 2 files, <1% full', 'empty']
    """
    needed = ("files", "size_bytes", "utilization")
    others = ("projects", "largest_bytes", "share", "oldest_at", "latest_at", "captured_at")
    table, keys = read_result(usage, "cache_usage", needed, (*others, "measured_at"))
    names = group_names(table, keys)
    files, held, full = (numbers(table, name) for name in needed)
    unit, of = ("TiB", TIB) if held.max(initial=0) >= TIB else ("GiB", GIB)
    held = np.nan_to_num(held / of)
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    name_x(ax, f"Size of caches ({unit})")
    if not names:
        return no_data(ax)
    stack_bars(rows, held[None, :], [("held", LOOK)], names)
    narrow = size(ax)[0] < NARROW
    labels = [_label(*values, narrow=narrow) for values in zip(held, files, full, strict=True)]
    label_bars(ax, held[: rows.shown].tolist(), labels[: rows.shown])
    count_axis(ax, "x")
    finish_rows(rows, names, f"{number(held[rows.shown :].sum())} {unit}")
    return ax


def _label(held: float, files: float, full: float, *, narrow: bool) -> str:
    if not files:
        return "empty"
    filled = "" if np.isnan(full) else f", {share(full)} full"
    inside = "" if narrow else f" in {count(int(files), 'file')}"
    return f"{number(held)}{inside}{filled}"
