"""The picture of what changed."""

from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from trainview.plot.canvas import NARROW, add_legend, count_axis, name_x, no_data, size
from trainview.plot.names import INERT, drawable, fit, inches
from trainview.plot.results import (
    Numbers,
    columns_of,
    group_names,
    numbers,
    read_result,
    sum_known,
    texts,
)
from trainview.plot.rows import Rows, draw_bars, finish_rows, start_rows
from trainview.plot.wording import number, percent, signed_money
from trainview.schema.table_types import AnyDataFrame
from trainview.statuses import PHASE_COLOURS

MORE, LESS = PHASE_COLOURS["failed"], PHASE_COLOURS["succeeded"]
USD, HOURS = "estimated_usd_difference", "gpu_hours_difference"
# What is said beside a bar; a change of the failure rate by chance is nothing to say.
_WORDS = {
    "appeared": " · appeared",
    "stopped": " · stopped",
    "worse": " · fails more",
    "better": " · fails less",
    "new": " · new",
    "vanished": " · vanished",
}
# What names at the left take of the width, at most.
NAMES = 0.42
# What names of measures end with, and what results by cause have beside.
_SIDES = ("_before", "_after", "_difference", "_ratio")
_OF_CAUSES = ("category", "origin", "is_symptom", "last_seen", "advice", "example", "job_id")


class _Bars(NamedTuple):
    """Rows of the picture, from the top: a length, a name, and what is written beside it."""

    lengths: Numbers
    names: list[str]
    labels: list[str]


def plot_compare(changes: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw differences as bars: what costs most more on top, what costs most less at the bottom.

    They are in USD where the result knows them, else in GPU-hours; of key figures, in percent.
    Where there is no room for all, those that differ most are drawn.

    Parameters
    ----------
    changes : pandas, Polars, DuckDB or PySpark table
        What `compare` gives: its groups, failure causes or figures are the rows.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. They show as many rows as they
        have room for, and say how many others there are.

    Returns
    -------
    matplotlib.axes.Axes
        With a container of bars for what is more, then one for what is less.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> changes = pd.DataFrame(
    ...     {
    ...         "project_name": ["llm", "asr"],
    ...         "change": ["worse", "appeared"],
    ...         "gpu_hours_difference": [-20.0, 8.0],
    ...         "estimated_usd_difference": [-120.0, 48.0],
    ...     }
    ... )
    >>> ax = plot_compare(changes, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.texts]
    ['+48.00 · appeared', '-120.00 · fails more']
    """
    columns = columns_of(changes)
    if "figure" in columns and USD not in columns:
        return _draw_figures(changes, ax)
    table, keys = read_result(changes, "compare", ("change", HOURS, USD))
    keys = [name for name in keys if not name.endswith(_SIDES)]
    if "error" in keys and "share_before" in columns:
        keys = [name for name in keys if name not in _OF_CAUSES]
    usd, hours = numbers(table, USD), numbers(table, HOURS)
    in_money = not len(table) or bool(np.isfinite(usd).any())
    values = usd if in_money else hours
    names = group_names(table, keys)
    write = signed_money if in_money else _signed
    rows = start_rows(ax, len(table), extra=0.3)
    wide = size(rows.ax)[0] >= NARROW
    words = [_WORDS.get(change, "") if wide else "" for change in table["change"]]
    labels = [
        ("not known" if np.isnan(value) else write(value)) + word
        for value, word in zip(values, words, strict=True)
    ]
    label = "Difference in USD (estimate)" if in_money else "Difference in GPU-hours"
    # Those that differ most are shown, and of these what is most comes first.
    order = np.argsort(-np.nan_to_num(np.abs(values), nan=-1.0), kind="stable")
    shown, hidden = order[: rows.shown], order[rows.shown :]
    order = shown[np.argsort(-np.nan_to_num(values[shown], nan=-np.inf), kind="stable")]
    others = write(sum_known(values[hidden])) if len(hidden) else ""
    order = np.concatenate([order, hidden])
    return _draw(
        rows,
        _Bars(values[order], [names[row] for row in order], [labels[row] for row in order]),
        label,
        others,
    )


def _draw_figures(changes: Any, ax: Axes | None) -> Axes:
    """Draw key figures in their order, by how much more they are in percent."""
    needed = ("figure", "unit", "before", "after", "ratio")
    table, _ = read_result(changes, "compare", needed)
    before, after, ratio = (numbers(table, name) for name in needed[2:])
    lengths = 100 * (ratio - 1)
    rows = start_rows(ax, len(table), extra=0.3)
    wide = size(rows.ax)[0] >= NARROW
    units = texts(table, "unit")
    labels = []
    for unit, old, new, length in zip(units, before, after, lengths, strict=True):
        both = f"{_amount(old, unit)} → {_amount(new, unit)}"
        more = "" if np.isnan(length) else f"{_signed(length)}%"
        labels.append(": ".join(part for part in (more, both) if part) if wide else more)
    return _draw(rows, _Bars(lengths, texts(table, "figure"), labels), "Difference in percent", "")


def _amount(value: float, unit: str) -> str:
    if np.isnan(value):
        return "not known"
    if unit in {"jobs", "projects"}:
        return f"{value:,.0f}"
    return percent(value) if unit == "share" else number(value)


def _draw(rows: Rows, bars: _Bars, label: str, others: str) -> Axes:
    """Draw bars to both sides of zero."""
    ax = rows.ax
    name_x(ax, label)
    if not bars.names:
        return no_data(ax)
    ax.axvline(0, color=mpl.rcParams["text.color"], linewidth=0.8)
    lengths = bars.lengths[: rows.shown]
    for part, colour in ((lengths >= 0, MORE), (lengths < 0, LESS)):
        draw_bars(rows, np.where(part, lengths, np.nan), bars.names, color=colour)
    _label(ax, lengths, bars)
    count_axis(ax, "x")
    finish_rows(rows, bars.names, others)
    add_legend(ax, [Patch(color=MORE), Patch(color=LESS)], ["more", "less"], above=True)
    return ax


def _label(ax: Axes, lengths: Numbers, bars: _Bars) -> None:
    """Write a value at the end of each bar, and make room for it on its side of zero."""
    width = size(ax)[0]
    most = NAMES * width
    names = [fit(name, most, "ytick.labelsize") for name in bars.names[: len(lengths)]]
    width -= max((inches(name, "ytick.labelsize") for name in names), default=0.0) + 0.2
    ends, rooms = [0.0, 0.0], [0.0, 0.0]
    for row, (length, label) in enumerate(zip(np.nan_to_num(lengths), bars.labels, strict=False)):
        side = int(length >= 0)
        ends[side] = max(ends[side], abs(length))
        rooms[side] = max(rooms[side], inches(label) + 0.1)
        text, families = drawable(label)
        style: dict[str, Any] = {
            "xytext": (4 if side else -4, 0), "textcoords": "offset points",
            "ha": "left" if side else "right", "va": "center_baseline", "fontfamily": families,
        }  # fmt: skip
        ax.annotate(text, (length, row), **style, **INERT)
    scale = (sum(ends) or 1.0) / max(width - sum(rooms), width / 4)
    low, high = (end + room * scale for end, room in zip(ends, rooms, strict=True))
    ax.set_xlim(-low, high)


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+' if value > 0 else ''}{number(abs(value))}"
