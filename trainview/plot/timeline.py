"""The Gantt chart of jobs."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba

from trainview.plot.canvas import (
    FAINT,
    TIME_WIDTH,
    add_legend,
    name_ticks,
    no_data,
    size,
    take_axes,
    tidy,
)
from trainview.plot.colours import Look, phase_look
from trainview.plot.dates import MINUTE, clock, date_axis, time_label
from trainview.plot.lanes import (
    Blocks,
    Lanes,
    gather,
    label_height,
    lay_out,
    named_blocks,
    wanted_height,
)
from trainview.plot.names import name_id, short
from trainview.plot.parts import TIMES, Parts, part_look, split
from trainview.plot.results import Numbers, moments, numbers, read_result, texts
from trainview.plot.rows import say
from trainview.plot.shapes import MOST_SHAPES, bars, look_of_bars, write_inside
from trainview.schema.table_types import AnyDataFrame
from trainview.statuses import PHASES, UNKNOWN_PHASE
from trainview.text.safe import count

# Of a lane, the part that its bars are high.
BAR = 0.8
# What an open job fades out over, as a fraction of the time that is shown.
FADE = 0.03
# What the name of a project may take, as a fraction of the width.
NAME = 0.28
# Below so many inches, lines between projects would be all there is to see.
SEPARATE = 0.06
# Pieces of all fading bars together.
MOST_PIECES = 4000
# More names of jobs than these nobody reads.
MOST_NAMES = 200
LONGEST_NAME = 40
_HOURS_A_DAY = 24
_SELECTED = "is_selected"


class Jobs(NamedTuple):
    """The jobs that are drawn; places along y are in the units of the lanes."""

    start: Numbers
    end: Numbers
    # from here on a bar is full
    full: Numbers
    low: Numbers
    high: Numbers
    phase: npt.NDArray[np.object_]
    is_open: npt.NDArray[np.bool_]


def plot_job_timeline(timeline: AnyDataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw jobs over time: a Gantt chart with the lanes of each project together.

    Bars have the colour of their phase. Where it is known when jobs waited and deployed, their bars
    are hollow, then light, and full from when they ran. Jobs that have not ended fade out after the
    moment that the data describes.

    Parameters
    ----------
    timeline : pandas, Polars, DuckDB or PySpark table
        What `job_timeline` gives. Dates are in the time zone of its ``start``. With a column
        ``is_selected``, jobs for which that is true are outlined.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new Axes, made with pyplot, when left out. All jobs are drawn; where lanes
        are too low for every name, the largest projects are named.

    Returns
    -------
    matplotlib.axes.Axes
        With a collection of bars for each phase. Jobs without a known end or lane are not drawn;
        a line of text says how many they are.

    Raises
    ------
    ArgumentError
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> clock = pd.to_datetime(["2025-01-01 00:00", "2025-01-01 02:00"], utc=True)
    >>> timeline = pd.DataFrame(
    ...     {
    ...         "job_name": ["first", "second"],
    ...         "project_name": "llm",
    ...         "phase": ["succeeded", "running"],
    ...         "start": clock,
    ...         "end": clock + pd.Timedelta("2h"),
    ...         "is_open": [False, True],
    ...         "lane": [0, 0],
    ...     }
    ... )
    >>> ax = plot_job_timeline(timeline, ax=Figure(layout="constrained").subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['llm']
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['running', 'succeeded']
    """
    needed = ("job_name", "project_name", "phase", "start", "end", "is_open", "lane")
    optional = ("elapsed_hours", _SELECTED, "status", *TIMES)
    table, _ = read_result(timeline, "job_timeline", needed, ("job_id",), optional)
    (start, zone), (end, _) = moments(table, "start"), moments(table, "end")
    if optional[0] in table:
        # an open job has no end: its bar goes on until now
        end = np.where(np.isnan(end), start + numbers(table, optional[0]) / _HOURS_A_DAY, end)
    lane = numbers(table, "lane")
    known = np.flatnonzero(~(np.isnan(start) | np.isnan(end) | np.isnan(lane)))
    left_out = len(table) - len(known)
    notes = [f"{count(left_out, 'job')} not drawn: inconsistent timestamps"] if left_out else []
    table, start, end = table.take(known), start[known], end[known]
    blocks = gather(texts(table, "project_name"), lane[known])
    ax = take_axes(ax, TIME_WIDTH, 1.0 + wanted_height(blocks))
    ax.set_xlabel(time_label(zone), loc="left")
    ax.set_ylabel("Lane" if blocks.mixed else "")
    if not len(known):
        return no_data(ax, *notes)
    lanes = lay_out(blocks, size(ax)[1], lines=len(notes))
    named = named_blocks(lanes.edges, lanes.per_inch)
    if len(named) < len(blocks.names) and not blocks.mixed:
        lanes = lay_out(blocks, size(ax)[1], lines=1)
        named = named_blocks(lanes.edges, lanes.per_inch)
        notes.append(f"{len(named):,} of {len(blocks.names):,} projects named")
    top, height = lanes.top[blocks.row], lanes.height[blocks.row]
    phases = [phase if phase in PHASES else UNKNOWN_PHASE for phase in texts(table, "phase")]
    phase = np.array(phases, dtype=object)
    parts = split(table, start, end, phase)
    jobs = Jobs(
        start,
        end,
        parts.full,
        low=top + (1 - BAR) / 2 * height,
        high=top + (1 + BAR) / 2 * height,
        phase=phase,
        is_open=table["is_open"].fillna(value=False).to_numpy("bool"),
    )
    looks = {phase: phase_look(phase) for phase in PHASES if phase in set(phases)}
    last = _draw_phases(ax, jobs, looks)
    _draw_parts(ax, jobs, looks, parts)
    _name_jobs(ax, jobs, texts(table, "job_name"), looks, label_height() * lanes.per_inch)
    _name_blocks(ax, blocks, lanes, named, " · ".join(notes))
    date_axis(ax, float(start.min()), last, zone)
    if jobs.is_open.any():
        _mark(ax, float(end[jobs.is_open].max()), zone)
    samples = looks | parts.samples() | _outline(ax, jobs, table)
    add_legend(ax, [look.sample() for look in samples.values()], list(samples))
    return ax


def _draw_phases(ax: Axes, jobs: Jobs, looks: Mapping[str, Look]) -> float:
    """Draw all bars, a collection a phase, and find where the last of them ends."""
    tail = FADE * max(jobs.end.max() - jobs.start.min(), MINUTE)
    many = len(jobs.start) > MOST_SHAPES
    last = float(jobs.end.max())
    for phase, look in looks.items():
        at = np.flatnonzero(jobs.phase == phase)
        is_full = at[(jobs.full < jobs.end)[at] | (jobs.full == jobs.start)[at]]
        places = jobs.low[is_full], jobs.high[is_full]
        if len(is_full):
            drawn = bars(jobs.full[is_full], jobs.end[is_full], *places, **look_of_bars(look))
            drawn.set(gid=name_id(phase), rasterized=many)
            ax.add_collection(drawn, autolim=False)
        at = at[jobs.is_open[at]]
        if len(at):
            fading = _fading(jobs.end[at], jobs.low[at], jobs.high[at], tail, look)
            ax.add_collection(fading, autolim=False)
            last = max(last, float(jobs.end[at].max()) + tail)
    return last


def _draw_parts(ax: Axes, jobs: Jobs, looks: Mapping[str, Look], parts: Parts) -> None:
    """Draw what comes before the full part of bars, a collection for each kind and phase."""
    many = len(jobs.start) > MOST_SHAPES
    for name, (left, right) in parts.spans.items():
        for phase, look in looks.items():
            at = np.flatnonzero((jobs.phase == phase) & (left < right))
            if len(at):
                style = part_look(name, look).style()
                places = left[at], right[at], jobs.low[at], jobs.high[at]
                drawn = bars(*places, gid=name_id(f"{phase}: {name}"), rasterized=many, **style)
                ax.add_collection(drawn, autolim=False)


def _outline(ax: Axes, jobs: Jobs, table: pd.DataFrame) -> dict[str, Look]:
    """Outline jobs that are selected."""
    if _SELECTED not in table:
        return {}
    at = np.flatnonzero(table[_SELECTED].fillna(value=False).to_numpy("bool"))
    if not len(at):
        return {}
    look = Look(str(mpl.rcParams["text.color"]), hollow=True)
    style = look.style() | {"linewidth": 1.6, "rasterized": len(jobs.start) > MOST_SHAPES}
    places = (jobs.start[at], jobs.end[at], jobs.low[at], jobs.high[at])
    ax.add_collection(bars(*places, gid=name_id("selected"), **style), autolim=False)
    return {"selected": look}


def _name_jobs(
    ax: Axes, jobs: Jobs, names: Sequence[str], looks: Mapping[str, Look], line: float
) -> None:
    """Write the names of the longest jobs into their bars, where a line of text is no higher."""
    roomy = np.flatnonzero(jobs.high - jobs.low >= line)
    longest = roomy[np.argsort((jobs.full - jobs.end)[roomy], kind="stable")]
    for job in longest[:MOST_NAMES]:
        span, middle = (jobs.full[job], jobs.end[job]), (jobs.low[job] + jobs.high[job]) / 2
        label, look = short(names[job], LONGEST_NAME), looks[jobs.phase[job]]
        write_inside(ax, span, middle, label, look, gid=name_id(names[job]))


def _fading(end: Numbers, low: Numbers, high: Numbers, tail: float, look: Look) -> PolyCollection:
    """Draw the future of open jobs, which nobody knows: pieces that become fainter."""
    pieces = min(max(MOST_PIECES // len(end), 1), 8)
    width = tail / pieces
    begin = np.concatenate([end + piece * width for piece in range(pieces)])
    alphas = 0.75 * (1 - (np.arange(pieces) + 0.5) / pieces)
    colours = [to_rgba(look.colour, alpha) for alpha in np.repeat(alphas, len(end))]
    low, high = np.tile(low, pieces), np.tile(high, pieces)
    style: dict[str, Any] = {"facecolors": colours, "linewidth": 0}
    return bars(begin, begin + width, low, high, rasterized=len(begin) > MOST_SHAPES, **style)


def _mark(ax: Axes, moment: float, zone: tzinfo) -> None:
    """Mark the moment that open jobs have reached."""
    style: dict[str, Any] = {"color": mpl.rcParams["text.color"], "alpha": FAINT}
    ax.axvline(moment, linestyle=":", linewidth=1.0, **style)
    text = f"as of {clock(moment, zone)}"
    place: dict[str, Any] = {"xytext": (0, 3), "textcoords": "offset points", "ha": "right"}
    ax.annotate(
        text,
        (min(moment, ax.get_xlim()[1]), 1.0),
        xycoords=ax.get_xaxis_transform(),
        size="small",
        **place,
        **style,
    )


def _name_blocks(ax: Axes, blocks: Blocks, lanes: Lanes, named: list[int], note: str) -> None:
    tidy(ax, "x")
    middle = (lanes.edges[1:] + lanes.edges[:-1]) / 2
    name_ticks(ax, middle[named].tolist(), [blocks.names[block] for block in named], NAME)
    if not blocks.mixed and np.diff(lanes.edges).mean() >= SEPARATE * lanes.per_inch:
        ax.hlines(
            lanes.edges[1:-1], 0, 1, transform=ax.get_yaxis_transform(),
            color=mpl.rcParams["grid.color"], alpha=0.6, linewidth=0.5, zorder=0.5,
        )  # fmt: skip
    bottom = lanes.edges[-1]
    if note:
        line = label_height() * lanes.per_inch
        say(ax, bottom + line / 2, note)
        bottom += line
    ax.set_ylim(bottom, 0)
