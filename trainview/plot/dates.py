"""The time axis: dates in a zone, as many as there is room for."""

from datetime import tzinfo
from typing import Any

import matplotlib.dates as mdates
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from trainview.plot.canvas import size

# What Python's calendar has room for.
EARLIEST, LATEST = np.datetime64("0001-01-02"), np.datetime64("9999-12-30")
# In Matplotlib's dates, which count days.
HOUR = 1 / 24
MINUTE = HOUR / 60
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def to_dates(times: npt.NDArray[np.datetime64]) -> npt.NDArray[np.float64]:
    """Turn times in UTC into Matplotlib's dates; NaT becomes NaN."""
    return np.asarray(mdates.date2num(times), "float64")  # type: ignore[no-untyped-call]


def clock(date: float, zone: tzinfo) -> str:
    """Write a date of Matplotlib's as a day and a minute of a zone."""
    # As floating-point days, the last microseconds of the calendar may lie beyond it.
    latest = float(to_dates(np.array("9999-12-31T23:59", "M8[us]")))
    time = mdates.num2date(min(date, latest), tz=zone)  # type: ignore[no-untyped-call]
    return f"{time:%Y-%m-%d %H:%M} {zone_name(zone)}"


def date_axis(ax: Axes, low: float, high: float, zone: tzinfo) -> None:
    """Make x a time axis.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where.
    low, high : float
        What it shows, as Matplotlib's dates.
    zone : datetime.tzinfo
        Whose calendar and clock the ticks follow.
    """
    # Below a minute, dates as floating-point days are too coarse.
    margin = max(0.0, (MINUTE - (high - low)) / 2)
    earliest, latest = to_dates(np.array([EARLIEST, LATEST], "M8[us]"))
    low, high = max(low - margin, earliest), min(high + margin, latest)
    ax.set_xlim(min(low, latest - 1), max(high, earliest + 1))
    most = max(5, min(10, int(size(ax)[0] / 0.75)))
    locator: Any = mdates.AutoDateLocator(  # type: ignore[no-untyped-call]
        # With more, it finds no interval between two units: 2 ticks a day are the fewest in hours.
        tz=zone,
        minticks=(most - 1) // 2,
        maxticks=most,
    )
    ax.xaxis.set_major_locator(locator)
    formatter: Any = mdates.ConciseDateFormatter(locator, tz=zone)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_formatter(formatter)


def time_label(zone: tzinfo) -> str:
    """Name the time axis."""
    return f"Time ({zone_name(zone)})"


def zone_name(zone: tzinfo) -> str:
    """Name a time zone as people write it."""
    name = str(zone)
    return "UTC" if name in {"Etc/UTC", "Etc/UCT", "Zulu"} else name


def period_name(days: float) -> str:
    """Name a period by its length in days."""
    names = {1.5 / 24: "hour", 1.1: "day", 7.1: "week", 31.2: "month", 92.2: "quarter"}
    for longest, name in names.items():
        if days <= longest:
            return name
    return "year"


def period_lengths(begin: npt.NDArray[np.float64]) -> tuple[str, npt.NDArray[np.float64]]:
    """Find how long the periods of the calendar are that begin at some moments in UTC.

    Parameters
    ----------
    begin : numpy.ndarray of float64
        Matplotlib's dates, rising.

    Returns
    -------
    name : str
        What one is called; of a single one nobody knows.
    length : numpy.ndarray of float64
        Of each, in days; a single one is drawn as long as a day.
    """
    if len(begin) < 2:
        return "period", np.ones(len(begin))
    name = period_name(float(np.diff(begin).min()))
    if name not in MONTHS:
        return name, np.full(len(begin), {"hour": HOUR, "day": 1.0, "week": 7.0}[name])
    months = begin.astype("int64").astype("M8[D]").astype("M8[M]") + MONTHS[name]
    return name, to_dates(months.astype("M8[us]")) - begin
