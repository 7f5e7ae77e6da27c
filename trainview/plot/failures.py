"""Pictures of how often jobs fail, and of what."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator, PercentFormatter

from trainview.plot.canvas import NARROW, count_axis, no_data, size
from trainview.plot.names import fit, name_id, put
from trainview.plot.results import group_names, numbers, read_result
from trainview.plot.rows import WIDTH, finish_rows, label_bars, say, say_beside, start_rows
from trainview.plot.wording import number
from trainview.statuses import PHASE_COLOURS
from trainview.text import count

FAILED = PHASE_COLOURS["failed"]
# Of a row of errors: where the text and the bar are, and how high the bar is.
TEXT_AT, BAR_AT, BAR = -0.16, 0.22, 0.3


def plot_failure_rates(rates: Any, *, ax: Axes | None = None) -> Axes:
    """Draw failure rates as points, each with the interval that it lies in with 95 % confidence.

    Parameters
    ----------
    rates : pandas, Polars, DuckDB or PySpark table
        What `failure_rates` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With the points as a line without a stroke, their intervals as error bars; the unit is 1.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> rates = pd.DataFrame(
    ...     {
    ...         "project_name": ["a", "b"],
    ...         "finished": [4, 0],
    ...         "failed": [3, 0],
    ...         "failure_rate": [0.75, None],
    ...         "low": [0.30, None],
    ...         "high": [0.95, None],
    ...     }
    ... )
    >>> ax = plot_failure_rates(rates, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['3 of 4', 'none finished', '0 of 0']
    """
    needed = ("finished", "failed", "failure_rate", "low", "high")
    table, keys = read_result(rates, "failure_rates", needed)
    names = group_names(table, keys)
    finished, failed, rate, low, high = (numbers(table, name) for name in needed)
    rows = start_rows(ax, len(names))
    ax = rows.ax
    ax.set_xlabel("Failure rate (%), with 95 % interval")
    if not names:
        return no_data(ax)
    at = np.flatnonzero(~np.isnan(rate[: rows.shown]))
    reach = np.fmax(np.stack([rate - low, high - rate])[:, at], 0.0)
    style: dict[str, Any] = {"color": FAILED, "markersize": 5.5, "elinewidth": 1.6, "capsize": 2.5}
    ax.errorbar(rate[at], at, xerr=reach, fmt="o", clip_on=False, **style)
    for row in range(rows.shown):
        if np.isnan(rate[row]):
            say(ax, row, "none finished")
        say_beside(ax, row, f"{failed[row]:,.0f} of {finished[row]:,.0f}")
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_locator(MultipleLocator(0.2 if size(ax)[0] > NARROW else 0.5))
    ax.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))
    rest = slice(rows.shown, None)
    others = f"{np.nansum(failed[rest]):,.0f} of {np.nansum(finished[rest]):,.0f} failed"
    finish_rows(rows, names, others)
    return ax


def plot_error_groups(errors: Any, *, ax: Axes | None = None) -> Axes:
    """Draw how many jobs failed of each cause, with the GPU-hours that were lost.

    Parameters
    ----------
    errors : pandas, Polars, DuckDB or PySpark table
        What `error_groups` gives, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many causes as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a bar for each cause, below its text. A long text is cut in the middle; the ``gid``
        of the text and of the bar have the whole.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> errors = pd.DataFrame(
    ...     {"error": ["Out of memory on GPU <number>"], "jobs": [2], "gpu_hours": [12.0]}
    ... )
    >>> ax = plot_error_groups(errors, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['Out of memory on GPU <number>', '2 jobs · 12.0 GPU-hours']
    """
    others = ("projects", "first_seen", "last_seen", "example", "job_id")
    table, _ = read_result(errors, "error_groups", ("error", "jobs", "gpu_hours"), others)
    messages = (
        table["error"].astype(object).where(table["error"].notna(), "(no message)").astype(str)
    )
    jobs, hours = numbers(table, "jobs"), numbers(table, "gpu_hours")
    # There is nothing at the left of new Axes.
    rows = start_rows(ax, len(table), height=0.46)
    most = size(rows.ax)[0] if ax is not None else WIDTH - 0.6
    ax = rows.ax
    ax.set_xlabel("Failed jobs")
    if not len(table):
        return no_data(ax)
    first, rest = slice(rows.shown), slice(rows.shown, None)
    places = np.arange(rows.shown) + BAR_AT
    bars = ax.barh(places, jobs[first], BAR, color=FAILED)
    for row, (message, bar) in enumerate(zip(messages, bars, strict=False)):
        bar.set_gid(name_id(message))
        place: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center_baseline"}
        put(
            ax, 0, row + TEXT_AT, fit(message, most), gid=name_id(message), in_layout=False, **place
        )
    labels = [_loss(*values) for values in zip(jobs[first], hours[first], strict=True)]
    label_bars(ax, np.nan_to_num(jobs[first]).tolist(), labels, places.tolist())
    count_axis(ax, "x", whole=True)
    finish_rows(rows, None, _loss(np.nansum(jobs[rest]), np.nansum(hours[rest])))
    return ax


def _loss(jobs: float, hours: float) -> str:
    return count(jobs, "job") + ("" if np.isnan(hours) else f" · {number(hours)} GPU-hours")
