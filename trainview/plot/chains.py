"""The picture of jobs that continue one another."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from trainview.plot.canvas import FAINT, NARROW, add_legend, count_axis, name_x, no_data, size
from trainview.plot.colours import status_looks
from trainview.plot.names import name_id
from trainview.plot.results import Numbers, moments, numbers, read_result, texts
from trainview.plot.rows import BAR, Rows, finish_rows, say, say_beside, start_rows
from trainview.plot.shapes import MOST_SHAPES, bars, look_of_bars
from trainview.plot.wording import percent
from trainview.schema.table_types import AnyDataFrame
from trainview.statuses import STATUSES
from trainview.text.safe import count

PHASES = {status.label: status.phase for status in STATUSES}
# What names and ratios leave of the width.
ROOM = 0.5
_HOURS_A_DAY = 24


def plot_run_chains(chains: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the attempts of each chain over the hours since the first was submitted.

    An attempt is a bar from its submission to its end, in the colour of the status it ended with;
    what lies between bars is time in which nobody had submitted the next. Beside a chain stands its
    effective training time ratio (ETTR). Jobs without another attempt are counted, not drawn.

    Parameters
    ----------
    chains : pandas, Polars, DuckDB or PySpark table
        What `run_chains` gives; its chains are the rows, in its order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many chains as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a collection of bars for each status; the unit is hours.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> clock = pd.to_datetime([0, 5, 6, 9], unit="h", utc=True)
    >>> chains = pd.DataFrame(
    ...     {
    ...         "job_name": ["sft-1", "sft-2"],
    ...         "project_name": "llm",
    ...         "chain_id": "j1",
    ...         "status": ["failed", "completed"],
    ...         "submitted_at": [clock[0], clock[2]],
    ...         "ended_at": [clock[1], clock[3]],
    ...         "attempts": 2,
    ...         "ettr": 0.75,
    ...     }
    ... )
    >>> ax = plot_run_chains(chains, ax=Figure(layout="constrained").subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['llm · sft-1']
    >>> [text.get_text() for text in ax.texts]
    ['2 attempts · ETTR 75.0%']
    """
    needed = (
        *("job_name", "project_name", "chain_id", "status", "submitted_at", "ended_at"),
        *("attempts", "ettr"),
    )
    others = ("job_id", "attempt", "outcome", "wall_hours", "running_hours", "lost_hours")
    table, _ = read_result(chains, "run_chains", needed, others)
    several = numbers(table, "attempts") > 1
    alone = int((~several).sum())
    note = f"{count(alone, 'job')} without another attempt" if alone else ""
    table = table[several].reset_index(drop=True)
    chain, _ = pd.factorize(np.array(texts(table, "chain_id"), dtype=object))
    heads = table[~pd.Series(chain).duplicated()]
    rows = start_rows(ax, len(heads), extra=0.25 + (0.3 if note else 0.0))
    ax = rows.ax
    narrow = size(ax)[0] < NARROW
    heuristic = "" if narrow else " (which jobs belong together: a heuristic)"
    name_x(ax, f"Hours since the first submission{heuristic}")
    if heads.empty:
        return no_data(ax, *([note] if note else []))
    attempts, ettr = numbers(heads, "attempts"), numbers(heads, "ettr")
    for row in range(rows.shown):
        say_beside(ax, row, _label(attempts[row], ettr[row], narrow=narrow))
    statuses = _draw_attempts(rows, table, chain)
    count_axis(ax, "x")
    names = [" · ".join(parts) for parts in zip(*_names(heads), strict=True)]
    hidden = count(attempts[rows.shown :].sum(), "attempt")
    finish_rows(rows, names, hidden, note)
    samples = [look.sample() for look in statuses.values()]
    add_legend(ax, samples, list(statuses), above=True, room=1.0 if narrow else ROOM)
    return ax


def _draw_attempts(rows: Rows, table: pd.DataFrame, chain: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Draw a bar for each attempt whose times are known, and give the looks of the statuses."""
    (start, _), (end, _) = moments(table, "submitted_at"), moments(table, "ended_at")
    statuses = np.array(texts(table, "status"), dtype=object)
    first = pd.Series(start).groupby(chain).transform("min").to_numpy("float64")
    left, right = ((times - first) * _HOURS_A_DAY for times in (start, end))
    drawn = (chain < rows.shown) & (right >= left)
    looks = status_looks((status, PHASES.get(status, "")) for status in statuses[drawn])
    for status, look in looks.items():
        at = np.flatnonzero(drawn & (statuses == status))
        low = np.asarray(chain[at] - BAR / 2, "float64")
        part = bars(left[at], right[at], low, low + BAR, **look_of_bars(look))
        part.set(gid=name_id(status), rasterized=drawn.sum() > MOST_SHAPES)
        rows.ax.add_collection(part, autolim=False)
    _draw_threads(rows, chain[drawn], right[drawn])
    rows.ax.set_xlim(0, 1.02 * (right[drawn].max(initial=0.0) or 1.0))
    return looks


def _draw_threads(rows: Rows, chain: npt.NDArray[np.int64], right: Numbers) -> None:
    """Hold the attempts of a chain together by a line; where none is drawn, say so."""
    last = pd.Series(right).groupby(chain).max()
    line: dict[str, Any] = {"color": mpl.rcParams["text.color"], "alpha": FAINT, "linewidth": 0.8}
    rows.ax.hlines(last.index, 0.0, last, zorder=0.9, **line)
    for row in set(range(rows.shown)).difference(last.index):
        say(rows.ax, row, "times not known")


def _names(heads: pd.DataFrame) -> list[Sequence[str]]:
    """Name chains by their projects and their first jobs; one without a name goes by its id."""
    names = heads["job_name"].astype(object)
    named = heads.assign(job_name=names.where(names.notna(), heads["chain_id"].astype(object)))
    return [texts(named, "project_name"), texts(named, "job_name")]


def _label(attempts: float, ettr: float, *, narrow: bool) -> str:
    share = "" if np.isnan(ettr) else f"ETTR {percent(ettr)}"
    if narrow:
        return share or f"{attempts:,.0f}"
    return " · ".join([count(attempts, "attempt"), *([share] if share else [])])
