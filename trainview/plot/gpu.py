"""Pictures of what used the GPUs."""

import numpy as np
from matplotlib.axes import Axes

from trainview.plot.canvas import count_axis, no_data
from trainview.plot.colours import PLAIN
from trainview.plot.results import group_names, numbers, read_result
from trainview.plot.rows import draw_bars, finish_rows, label_bars, start_rows
from trainview.plot.wording import number, percent
from trainview.schema.table_types import AnyDataFrame


def plot_gpu_usage(usage: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw GPU-hours as bars, the largest on top, each with its share.

    Parameters
    ----------
    usage : pandas, Polars, DuckDB or PySpark table
        What `gpu_usage` gives; its groups are the rows.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a bar for each group whose GPU-hours are known.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> usage = pd.DataFrame(
    ...     {"gpu_type": ["H100", None], "gpu_hours": [24.0, 0.0], "share": [1.0, 0.0]}
    ... )
    >>> ax = plot_gpu_usage(usage, ax=Figure(layout="constrained").subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['H100', '(no GPU type)']
    >>> [text.get_text() for text in ax.texts]
    ['24.0 · 100%', '0 · 0%']
    """
    table, keys = read_result(
        usage, "gpu_usage", ("gpu_hours", "share"), ("jobs", "gpus", "elapsed_hours")
    )
    hours = numbers(table, "gpu_hours")
    order = np.argsort(-hours, kind="stable")
    hours, share = hours[order], numbers(table, "share")[order]
    names = [group_names(table, keys)[row] for row in order]
    rows = start_rows(ax, len(names))
    ax = rows.ax
    ax.set_xlabel("GPU-hours")
    if not names:
        return no_data(ax)
    first, rest = slice(rows.shown), slice(rows.shown, None)
    draw_bars(rows, hours, names, color=PLAIN)
    ends = np.nan_to_num(hours[first]).tolist()
    labels = [_label(*values) for values in zip(hours[first], share[first], strict=True)]
    label_bars(ax, ends, labels)
    count_axis(ax, "x")
    others = _label(np.nansum(hours[rest]), np.nansum(share[rest]), " GPU-hours")
    finish_rows(rows, names, others)
    return ax


def _label(hours: float, share: float, unit: str = "") -> str:
    if np.isnan(hours):
        return "not known"
    return number(hours) + unit + ("" if np.isnan(share) else f" · {percent(share)}")
