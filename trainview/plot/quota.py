"""The picture of GPUs held against the quota."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from trainview.plot.canvas import FAINT, NARROW, add_legend, count_axis, name_x, no_data, size
from trainview.plot.colours import PLAIN
from trainview.plot.durations import mark_style
from trainview.plot.results import group_names, numbers, read_result
from trainview.plot.rows import BAR, draw_bars, finish_rows, say_beside, start_rows
from trainview.plot.wording import percent
from trainview.schema.table_types import AnyDataFrame


def plot_quota(quota: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the mean and the peak of the GPUs held inside of their limit, a row a type.

    What is held is an upper bound that counts waiting as holding: a peak beyond the limit is
    demand that had to wait. Only dedicated GPUs are drawn, which the limit is for.

    Parameters
    ----------
    quota : pandas, Polars, DuckDB or PySpark table
        What `quota` gives; its types are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many types as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of outlines for the limits, one of bars for the means, and a line of
        marks for the peaks.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> quota = pd.DataFrame(
    ...     {
    ...         "gpu_type": ["H100", "T4"],
    ...         "limit": [64, None],
    ...         "peak_gpus": [72, 4],
    ...         "mean_gpus": [40.0, 0.5],
    ...         "at_limit_share": [0.125, None],
    ...         "at_limit_share_with_extra": [0.05, None],
    ...     }
    ... )
    >>> ax = plot_quota(quota, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['12.5% of the time at limit (5.0% with extra)', 'no limit known']
    """
    needed = ("limit", "peak_gpus", "mean_gpus", "at_limit_share", "at_limit_share_with_extra")
    beside = ("peak_spot_gpus", "spot_gpu_hours", "peak_pending_gpus", "pending_gpu_hours")
    held = ("burst_gpu_hours", "held_over_limit_gpu_hours")
    over = ("over_limit_gpu_hours", "over_limit_gpu_hours_with_extra")
    others = ("baseline", *held, *beside, "hours", *over)
    table, keys = read_result(quota, "quota", needed, others)
    names = group_names(table, keys)
    limit, peak, mean, share, with_extra = (numbers(table, name) for name in needed)
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    name_x(ax, "Dedicated GPUs held")
    if not names:
        return no_data(ax)
    outline = {"facecolor": "none", "edgecolor": mpl.rcParams["text.color"], "alpha": FAINT}
    for what, values, height, look in (
        ("limit", limit, BAR, outline),
        ("mean", mean, BAR / 2, {"color": PLAIN}),
    ):
        whole = [f"{name}: {what}" for name in names]
        draw_bars(rows, values, whole, height=height, linewidth=1.0, **look)
    style = mark_style("o")
    ax.plot(peak[: rows.shown], range(rows.shown), gid="peak", clip_on=False, **style)
    narrow = size(ax)[0] < NARROW
    for row in range(rows.shown):
        say_beside(ax, row, _pressure(share[row], with_extra[row], narrow=narrow))
    highest = np.nanmax([1.0, *limit[: rows.shown], *peak[: rows.shown]])
    ax.set_xlim(0, 1.05 * highest)
    count_axis(ax, "x", whole=True)
    at_limit = int((share[rows.shown :] > 0).sum())
    finish_rows(rows, names, f"{at_limit:,} at limit at times")
    samples = [Patch(linewidth=1.0, **outline), Patch(color=PLAIN), Line2D([], [], **style)]
    add_legend(ax, samples, ["limit", "mean", "peak"], above=True)
    return ax


def _pressure(share: float, with_extra: float, *, narrow: bool) -> str:
    if np.isnan(share):
        return "no limit" if narrow else "no limit known"
    if share == 0:
        return "not at limit"
    if narrow or np.isnan(with_extra):
        return f"{percent(share)} at limit"
    return f"{percent(share)} of the time at limit ({percent(with_extra)} with extra)"
