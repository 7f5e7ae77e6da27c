"""Pictures of how much of the GPU time was productive, and of what was lost."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from trainview.plot.canvas import NARROW, count_axis, name_x, no_data, size
from trainview.plot.colours import OTHERS, OTHERS_HATCH, Look, phase_look
from trainview.plot.idle import IDLE
from trainview.plot.results import Numbers, group_names, numbers, read_result, texts
from trainview.plot.rows import explain_stack, finish_rows, label_bars, stack_bars, start_rows
from trainview.plot.wording import number, percent
from trainview.schema.table_types import AnyDataFrame
from trainview.statuses import STATUS_HATCHES
from trainview.text.safe import count

# Who stops a job may want no more of it: that is no loss, and drawn without a filling.
KINDS = {
    "failed": phase_look("failed"),
    "preempted": phase_look("stopped", STATUS_HATCHES["preempted"]),
    "stopped": Look(phase_look("stopped").colour, hollow=True),
}
LOSSES = len(KINDS) - 1
PARTS = {
    "productive, at most": phase_look("succeeded"),
    "lost": phase_look("failed"),
    "idle": Look(IDLE),
    "deploying": phase_look("starting"),
    "not known": Look(OTHERS, OTHERS_HATCH),
}


def plot_lost_work(lost: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what each project lost since the last checkpoints of its failed and preempted jobs.

    What stopped jobs had not saved is drawn beside it, without a filling: their users may have
    wanted that.

    Parameters
    ----------
    lost : pandas, Polars, DuckDB or PySpark table
        What `lost_work` gives.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many projects as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars for each kind, the project that lost most on top. Jobs of which
        that is not known are counted after the bar.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> lost = pd.DataFrame(
    ...     {
    ...         "project_name": ["llm", "llm", "asr"],
    ...         "kind": ["failed", "stopped", "preempted"],
    ...         "lost_gpu_hours": [16.0, 4.0, None],
    ...     }
    ... )
    >>> ax = plot_lost_work(lost, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['16.0 · stopped 4.0', 'not known of 1 job']
    """
    needed = ("project_name", "kind", "lost_gpu_hours")
    times = ("started_at", "ended_at", "last_checkpoint_at")
    table, _ = read_result(lost, "lost_work", needed, ("job_id", "gpus", "lost_hours", *times))
    names, stack, unknown, known = _by_project(table)
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    name_x(ax, "GPU-hours since the last checkpoint")
    if not names:
        return no_data(ax)
    stack_bars(rows, stack, list(KINDS.items()), names)
    narrow = size(ax)[0] < NARROW
    losses, stopped = stack[:LOSSES].sum(axis=0), stack[LOSSES]
    values = zip(losses, stopped, unknown, known, strict=True)
    labels = [_lost(*each, narrow=narrow) for each in values]
    label_bars(ax, stack.sum(axis=0)[: rows.shown].tolist(), labels[: rows.shown])
    count_axis(ax, "x")
    hidden = [float(part[rows.shown :].sum()) for part in (losses, stopped, unknown, known)]
    unit = "" if narrow else " GPU-hours"
    finish_rows(rows, names, _lost(*hidden, unit=unit, narrow=narrow))
    explain_stack(ax, stack, KINDS)
    return ax


def plot_goodput(goodput: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what share of the GPU time was productive, at most, and what became of the rest.

    Parameters
    ----------
    goodput : pandas, Polars, DuckDB or PySpark table
        What `goodput` gives; its groups are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many groups as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars for each of: productive GPU-hours (an upper bound), lost, idle,
        deploying, and those of jobs of which that is not known. After each stands its goodput.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> goodput = pd.DataFrame(
    ...     {
    ...         "project_name": ["llm", "asr"],
    ...         "unknown_jobs": [1, 0],
    ...         "running_gpu_hours": [60.0, 20.0],
    ...         "lost_gpu_hours": [6.0, None],
    ...         "deploying_gpu_hours": [4.0, 5.0],
    ...         "idle_gpu_hours": [None, None],
    ...         "unknown_gpu_hours": [16.0, 0.0],
    ...         "goodput": [0.875, 0.8],
    ...     }
    ... )
    >>> ax = plot_goodput(goodput, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['≤ 87.5% · 1 job not known', '≤ 80.0%']
    """
    hours = ("running_gpu_hours", "lost_gpu_hours", "idle_gpu_hours", "deploying_gpu_hours")
    needed = ("unknown_jobs", *hours, "unknown_gpu_hours", "goodput")
    table, keys = read_result(goodput, "goodput", needed, ("jobs",))
    names = group_names(table, keys)
    unknown, *parts, share = (numbers(table, name) for name in needed)
    running, lost, idle, deploying, rest = (np.nan_to_num(part) for part in parts)
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    narrow = size(ax)[0] < NARROW
    name_x(ax, f"GPU-hours; goodput ({'' if narrow else '%, '}an upper bound)")
    if not names:
        return no_data(ax)
    stack = np.stack([np.maximum(running - lost - idle, 0.0), lost, idle, deploying, rest])
    stack_bars(rows, stack, list(PARTS.items()), names)
    values = zip(share, parts[0], np.nan_to_num(unknown), strict=True)
    labels = [_goodput(*each, narrow=narrow) for each in values]
    label_bars(ax, stack.sum(axis=0)[: rows.shown].tolist(), labels[: rows.shown])
    count_axis(ax, "x")
    hidden = stack[:, rows.shown :].sum(axis=1)
    others = f"{number(hidden.sum())} GPU-hours, {number(hidden[0])} productive at most"
    finish_rows(rows, names, others)
    explain_stack(ax, stack, PARTS)
    return ax


def _by_project(table: pd.DataFrame) -> tuple[list[str], Numbers, Numbers, Numbers]:
    """Add up what was lost by project, the largest loss first.

    Returns
    -------
    names : list of str
        Of the projects.
    stack : numpy.ndarray of float64
        One row a kind, one column a project.
    unknown, known : numpy.ndarray of float64
        Jobs of each whose loss is not known, and is.
    """
    hours, kind = numbers(table, "lost_gpu_hours"), np.array(texts(table, "kind"), dtype=object)
    parts = {name: np.where(kind == name, np.nan_to_num(hours), 0.0) for name in KINDS}
    parts |= {"unknown": np.isnan(hours), "known": ~np.isnan(hours)}
    sums = pd.DataFrame(parts).groupby(texts(table, "project_name"), sort=True).sum()
    sums = sums.assign(__lost=sums[list(KINDS)[:LOSSES]].sum(axis=1))
    order = ["__lost", "stopped", "unknown"]
    sums = sums.sort_values(order, ascending=False, kind="stable")
    stack = sums[list(KINDS)].to_numpy("float64").T
    unknown, known = (sums[name].to_numpy("float64") for name in ("unknown", "known"))
    return sums.index.to_list(), stack, unknown, known


def _lost(
    lost: float, stopped: float, unknown: float, known: float, *,
    unit: str = "", narrow: bool = False,
) -> str:  # fmt: skip
    if not known:
        return f"not known of {count(unknown, 'job')}"
    parts = [number(lost) + unit]
    if stopped > 0 and not narrow:
        parts.append(f"stopped {number(stopped)}")
    if unknown:
        parts.append(
            f"{unknown:,.0f} not known" if narrow else f"{count(unknown, 'job')} not known"
        )
    return " · ".join(parts)


def _goodput(share: float, running: float, unknown: float, *, narrow: bool) -> str:
    label = f"≤ {percent(share)}"
    if np.isnan(share):
        label = "not known" if np.isnan(running) else "no GPU-hours"
    return label + (f" · {count(unknown, 'job')} not known" if unknown and not narrow else "")
