"""Pictures of how often jobs fail, and of what."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator, PercentFormatter

from trainview.plot.canvas import NARROW, count_axis, name_x, no_data, size
from trainview.plot.names import fit, name_id, put
from trainview.plot.results import Numbers, group_names, numbers, read_result, sum_known
from trainview.plot.rows import WIDTH, Rows, finish_rows, label_bars, say, say_beside, start_rows
from trainview.plot.wording import cost_label, number
from trainview.schema.table_types import AnyDataFrame
from trainview.statuses import PHASE_COLOURS
from trainview.text.safe import count

FAILED = PHASE_COLOURS["failed"]
# What results by cause have beside what is drawn.
_OF_CAUSES = ("origin", "is_symptom", "advice", "example", "job_id")
# Of a row of errors: where the text and the bar are, and how high the bar is.
TEXT_AT, BAR_AT, BAR = -0.16, 0.22, 0.3


def plot_failure_rates(rates: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw failure rates as points, each with the interval that it lies in with 95% confidence.

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
    ax.set_xlabel("Failure rate (%), with 95% interval")
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
    ax.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol="%"))
    rest = slice(rows.shown, None)
    others = f"{np.nansum(failed[rest]):,.0f} of {np.nansum(finished[rest]):,.0f} failed"
    finish_rows(rows, names, others)
    return ax


def plot_error_groups(errors: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
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
        With a bar for each cause, below its text, and the category after it. A long text is cut in
        the middle; the ``gid`` of the text and of the bar have the whole.

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
    others = ("projects", "first_seen", "last_seen", *_OF_CAUSES)
    table, _ = read_result(
        errors, "error_groups", ("error", "jobs", "gpu_hours"), others, ("category",)
    )
    jobs, hours = numbers(table, "jobs"), numbers(table, "gpu_hours")
    rows, most = _start_causes(ax, len(table))
    rows.ax.set_xlabel("Failed jobs")
    if not len(table):
        return no_data(rows.ax)
    labels = [_loss(*values) for values in zip(jobs, hours, strict=True)]
    labels = _with_category(rows, table, labels)
    _draw_causes(rows, table, jobs, labels, most)
    count_axis(rows.ax, "x", whole=True)
    rest = slice(rows.shown, None)
    finish_rows(rows, None, _loss(np.nansum(jobs[rest]), np.nansum(hours[rest])))
    return rows.ax


def plot_failure_costs(costs: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what failed jobs cost, cause by cause, with the jobs and the GPU-hours that were lost.

    Parameters
    ----------
    costs : pandas, Polars, DuckDB or PySpark table
        What `failure_costs` gives, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many causes as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a bar for each cause whose cost is known, below its text, and the category after it;
        the unit is USD. A long text is cut in the middle; the ``gid`` of the text and of the bar
        have the whole.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> costs = pd.DataFrame(
    ...     {
    ...         "error": ["Out of memory on GPU <number>"],
    ...         "jobs": [3],
    ...         "unpriced_jobs": [1],
    ...         "gpu_hours": [12.0],
    ...         "estimated_usd": [78.0],
    ...     }
    ... )
    >>> ax = plot_failure_costs(costs, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['Out of memory on GPU <number>', '78.00 + 1 unpriced · 3 jobs · 12.0 GPU-hours']
    """
    needed = ("error", "jobs", "unpriced_jobs", "gpu_hours", "estimated_usd")
    beside = ("last_seen", *_OF_CAUSES)
    table, _ = read_result(costs, "failure_costs", needed, beside, ("category",))
    jobs, unpriced, hours, usd = (numbers(table, name) for name in needed[1:])
    rows, most = _start_causes(ax, len(table))
    name_x(rows.ax, "Cost of failed jobs in USD (estimate)")
    if not len(table):
        return no_data(rows.ax)
    narrow = size(rows.ax)[0] < NARROW
    losses = [_loss(*values) for values in zip(jobs, hours, strict=True)]
    labels = [
        cost_label(*values) + ("" if narrow else f" · {loss}")
        for *values, loss in zip(usd, unpriced, losses, strict=True)
    ]
    labels = _with_category(rows, table, labels)
    _draw_causes(rows, table, usd, labels, most)
    count_axis(rows.ax, "x")
    rest = slice(rows.shown, None)
    others = cost_label(sum_known(usd[rest]), np.nansum(unpriced[rest]), unit=" USD")
    loss = _loss(np.nansum(jobs[rest]), np.nansum(hours[rest]))
    finish_rows(rows, None, others if narrow else f"{others} · {loss}")
    return rows.ax


def _start_causes(ax: Axes | None, causes: int) -> tuple[Rows, float]:
    """Make room for causes, and find how long their texts may be, in inches."""
    rows = start_rows(ax, causes, height=0.46)
    # There is nothing at the left of new Axes.
    return rows, size(rows.ax)[0] if ax is not None else WIDTH - 0.6


def _draw_causes(
    rows: Rows, table: pd.DataFrame, lengths: Numbers, labels: Sequence[str], most: float
) -> None:
    """Write the text of each cause, and draw a bar below it, if its length is known."""
    causes = table["error"].astype(object).where(table["error"].notna(), "(no message)").astype(str)
    ax = rows.ax
    for row, (cause, length) in enumerate(zip(causes[: rows.shown], lengths, strict=False)):
        style: dict[str, Any] = {"gid": name_id(cause), "in_layout": False}
        style |= {"transform": ax.get_yaxis_transform(), "va": "center_baseline"}
        put(ax, 0, row + TEXT_AT, fit(cause, most), **style)
        if not np.isnan(length):
            ax.barh(row + BAR_AT, length, BAR, color=FAILED, gid=name_id(cause))
    ends = np.nan_to_num(lengths[: rows.shown]).tolist()
    label_bars(ax, ends, labels[: rows.shown], [row + BAR_AT for row in range(rows.shown)])


def _with_category(rows: Rows, table: pd.DataFrame, labels: Sequence[str]) -> list[str]:
    """Add the kind of failure to the label of each cause, where it is known and has room."""
    if "category" not in table or size(rows.ax)[0] < NARROW:
        return list(labels)
    known = table["category"].notna() & (table["category"] != "other")
    pairs = zip(labels, table["category"].where(known, ""), strict=True)
    return [f"{label} · {category}" if category else label for label, category in pairs]


def _loss(jobs: float, hours: float) -> str:
    return count(jobs, "job") + ("" if np.isnan(hours) else f" · {number(hours)} GPU-hours")
