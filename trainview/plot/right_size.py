"""The picture of what fewer or other GPUs would save."""

import numpy as np
from matplotlib.axes import Axes

from trainview.plot.canvas import NARROW, add_legend, count_axis, name_x, no_data, size
from trainview.plot.colours import OTHERS, PLAIN, Look
from trainview.plot.names import short
from trainview.plot.results import numbers, read_result, sum_known, texts
from trainview.plot.rows import finish_rows, label_bars, stack_bars, start_rows
from trainview.plot.wording import money
from trainview.schema.table_types import AnyDataFrame

LOOKS = {"even if slower": Look(PLAIN), "if it takes as long": Look(OTHERS, "////")}


def plot_right_size(advice: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what each job would save on the advised GPUs, and which these are.

    Parameters
    ----------
    advice : pandas, Polars, DuckDB or PySpark table
        What `right_size` gives; its jobs are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many jobs as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars for ``saving_low_usd``, then one for what is beyond, up to
        ``saving_usd``.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> advice = pd.DataFrame(
    ...     {
    ...         "job_name": ["tune"],
    ...         "project_name": ["llm"],
    ...         "gpu_type": ["H100"],
    ...         "gpus": [8],
    ...         "advised_gpu_type": ["H100"],
    ...         "advised_gpus": [2],
    ...         "saving_usd": [360.0],
    ...         "saving_low_usd": [306.0],
    ...     }
    ... )
    >>> ax = plot_right_size(advice, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['8 H100 → 2 H100 · 360.00']
    """
    needed = ("job_name", "project_name", "gpu_type", "gpus", "advised_gpu_type", "advised_gpus")
    savings = ("saving_usd", "saving_low_usd")
    others = (
        *("job_id", "user_email", "status", "instance_type_id", "mean_utilization"),
        *("peak_memory_bytes", "peak_memory_share", "measured_share", "estimated_usd"),
        *("advised_instance_type_id", "saving_usd_per_hour", "basis", "reason"),
    )
    table, _ = read_result(advice, "right_size", (*needed, *savings), others)
    columns = {name: texts(table, name) for name in needed if not name.endswith("gpus")}
    names = [" · ".join(pair) for pair in zip(columns["job_name"], columns["project_name"],
                                              strict=True)]  # fmt: skip
    old, new, saving, least = (
        numbers(table, name) for name in ("gpus", "advised_gpus", *savings)
    )  # fmt: skip
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    name_x(ax, "Saving in USD on the run so far (estimate)")
    if not names:
        return no_data(ax)
    low = np.clip(np.nan_to_num(least), 0, None)
    stack = np.stack([low, np.clip(np.nan_to_num(saving) - low, 0, None)])
    stack_bars(rows, stack, list(LOOKS.items()), names)
    from_to = zip(old, columns["gpu_type"], new, columns["advised_gpu_type"], strict=True)
    narrow = size(ax)[0] < NARROW
    labels = [
        f"{had:,.0f} {short(kind, 16)} → {count:,.0f} {short(other, 16)}"
        + ("" if narrow else f" · {'not known' if np.isnan(usd) else money(usd)}")
        for (had, kind, count, other), usd in zip(from_to, saving, strict=True)
    ]
    label_bars(ax, stack.sum(axis=0)[: rows.shown].tolist(), labels[: rows.shown])
    count_axis(ax, "x")
    rest = sum_known(saving[rows.shown :])
    finish_rows(rows, names, "not known" if np.isnan(rest) else f"{money(rest)} USD")
    add_legend(ax, [look.sample() for look in LOOKS.values()], list(LOOKS), above=True)
    return ax
