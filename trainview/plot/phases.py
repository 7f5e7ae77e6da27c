"""The picture of how long jobs waited, deployed and ran."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from trainview.plot.canvas import NARROW, count_axis, name_x, no_data, size
from trainview.plot.colours import OTHERS, OTHERS_HATCH, Look, phase_look
from trainview.plot.results import Numbers, moments, numbers, read_result, texts
from trainview.plot.rows import explain_stack, finish_rows, label_bars, stack_bars, start_rows
from trainview.plot.wording import number, percent
from trainview.schema.table_types import AnyDataFrame
from trainview.text.safe import count

# Phases look like the statuses in which jobs go through them.
LOOKS = {
    "waiting": phase_look("waiting"),
    "deploying": phase_look("starting"),
    "running": phase_look("running"),
    "not known": Look(OTHERS, OTHERS_HATCH),
}
HOURS = ("queued_hours", "deploying_hours", "running_hours")
RUNNING = list(LOOKS).index("running")
_HOURS_A_DAY = 24


def plot_job_phases(phases: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw for how many GPU-hours the jobs of each project waited, deployed and ran.

    Hours count once for each GPU of a job: those that it held, or asked for while it waited. Of the
    time from submission to end, what no evidence gives to a phase is drawn as not known.

    Parameters
    ----------
    phases : pandas, Polars, DuckDB or PySpark table
        What `job_phases` gives.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many projects as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars for each phase, the project with most GPU-hours on top. Jobs whose
        end is not known are counted after the bar.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> clock = pd.to_datetime([0, 10], unit="h", utc=True)
    >>> phases = pd.DataFrame(
    ...     {
    ...         "project_name": ["llm"],
    ...         "gpus": [8],
    ...         "submitted_at": clock[0],
    ...         "ended_at": clock[1],
    ...         "queued_hours": [2.0],
    ...         "deploying_hours": [0.5],
    ...         "running_hours": [7.5],
    ...     }
    ... )
    >>> ax = plot_job_phases(phases, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['waiting (16.0)', 'deploying (4.0)', 'running (60.0)']
    >>> [text.get_text() for text in ax.texts]
    ['80.0 · 75.0% running']
    """
    needed = ("project_name", "gpus", "submitted_at", "ended_at", *HOURS)
    others = ("job_id", "released_at", "started_at", "running_gpu_hours", "basis")
    table, _ = read_result(phases, "job_phases", needed, (*others, "uncertainty_hours"))
    names, stack, without, gpus = _by_project(table)
    rows = start_rows(ax, len(names), extra=0.25)
    ax = rows.ax
    name_x(ax, "GPU-hours held, and asked for while waiting")
    if not names:
        return no_data(ax)
    stack_bars(rows, stack, list(LOOKS.items()), names)
    totals = stack.sum(axis=0)
    narrow = size(ax)[0] < NARROW
    values = zip(totals, stack[RUNNING], without, gpus, strict=True)
    labels = [_label(*each, narrow=narrow) for each in values]
    label_bars(ax, totals[: rows.shown].tolist(), labels[: rows.shown])
    count_axis(ax, "x")
    rest = slice(rows.shown, None)
    finish_rows(rows, names, f"{number(totals[rest].sum())} GPU-hours")
    explain_stack(ax, stack, LOOKS)
    return ax


def _by_project(table: pd.DataFrame) -> tuple[list[str], Numbers, Numbers, Numbers]:
    """Add up GPU-hours by project, the largest first.

    Returns
    -------
    names : list of str
        Of the projects.
    stack : numpy.ndarray of float64
        One row a phase, one column a project.
    without : numpy.ndarray of float64
        Jobs of each whose end is not known.
    gpus : numpy.ndarray of float64
        The most GPUs of a job of each.
    """
    gpus = np.nan_to_num(numbers(table, "gpus"))
    known = np.stack([np.nan_to_num(numbers(table, name)) for name in HOURS])
    (since, _), (until, _) = moments(table, "submitted_at"), moments(table, "ended_at")
    life = (until - since) * _HOURS_A_DAY
    # Dates as floating-point days are exact to some microseconds.
    rest = np.round(np.nan_to_num(life) - known.sum(axis=0), 6)
    parts = pd.DataFrame((np.vstack([known, np.maximum(rest, 0.0)]) * gpus).T)
    parts = parts.assign(without=np.isnan(life), gpus=gpus)
    groups = parts.groupby(texts(table, "project_name"), sort=True)
    sums = groups.sum().assign(gpus=groups["gpus"].max())
    order = np.argsort(-sums[list(range(len(LOOKS)))].sum(axis=1).to_numpy(), kind="stable")
    sums = sums.take(order)
    stack = sums[list(range(len(LOOKS)))].to_numpy("float64").T
    without, most = (sums[name].to_numpy("float64") for name in ("without", "gpus"))
    return sums.index.to_list(), stack, without, most


def _label(total: float, running: float, without: float, gpus: float, *, narrow: bool) -> str:
    parts = [number(total) if gpus else "no GPUs"]
    if total > 0 and not narrow:
        parts.append(f"{percent(running / total)} running")
    if without:
        parts.append(f"{count(without, 'job')} not known")
    return " · ".join(parts)
