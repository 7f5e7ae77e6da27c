"""Where the GPUs go: to which type, to which project, and when."""

import pandas as pd
from markupsafe import Markup

from trainview import plot
from trainview.plot.wording import number
from trainview.reporting.parts import BARS, Chart, Part, Table, Topic, bars, shell
from trainview.reporting.readings import Readings
from trainview.reporting.words import PERIODS, day, each, joined, listed, name, names, row_name
from trainview.text.safe import count
from trainview.text.shares import share

_USAGE = ["jobs", "gpus", "elapsed_hours", "gpu_hours", "share"]
# Of a time axis: a pixel of a wide screen. So few steps are drawn as they are.
_SLOTS, _FEW = 1000, 4000


def gpus(readings: Readings) -> Topic:
    """Say who used the GPUs, when, and how many at once; without parts if nobody did."""
    total = readings.by_type["gpu_hours"].sum()
    if not total > 0:
        return Topic("No job is known to have held a GPU for any time.")
    lead = Markup("{} GPU-hours since {}, counted {}. {}").format(
        number(total),
        day(readings.snapshot.jobs["created_at"].min()),
        readings.basis.words(),
        _now(readings),
    )
    by_type = _by(readings.by_type, "gpu_type", "GPU type", 1, shell("gpu"))
    command = shell("gpu", "--by project_name")
    by_project = _by(readings.by_project, "project_name", "project", 3, command)
    over_time = _over_time(readings)
    return Topic(lead, [by_type, by_project, over_time, _at_once(readings, over_time)])


def _now(readings: Readings) -> Markup:
    held = readings.held.sort_values("gpus", ascending=False, kind="stable")
    if held.empty:
        return Markup("None is held now.")
    parts = [
        Markup("{} {}").format(f"{row.gpus:,}", name("gpu_type", row.gpu_type))
        for row in each(held)
    ]
    return Markup("Held now: {}.").format(joined(parts))


def _by(usage: pd.DataFrame, column: str, what: str, top: int, command: str) -> Part:
    used = usage[usage["gpu_hours"] > 0]
    first, rest = used.head(top), share(used["share"].iloc[BARS:].sum())
    lead = Markup("{} took {} of all GPU-hours.").format(
        names(column, first[column]), share(first["share"].sum())
    )
    chart = bars(
        plot.plot_gpu_usage,
        used,
        f"GPU-hours by {what}, as bars.",
        lambda row: f"{row_name(column, row)}: {number(row.gpu_hours)} ({share(row.share)})",
        of=f"{what}s; the others took {rest}",
    )
    table = Table(usage, f"GPU usage by {what}", [column, *_USAGE], command)
    return Part(f"gpus-{what.removeprefix('GPU ')}", f"By {what}", lead, chart, table)


def _over_time(readings: Readings) -> Part:
    frame, period = readings.over_time, PERIODS[readings.freq]
    sums = frame.groupby("period")["gpu_hours"].sum()
    lead = f"All GPU-hours fall into one {period}, that of {day(sums.index[0])}."
    if len(sums) > 1:
        times = f", {sums.max() / sums.mean():.1f} times the average" if sums.mean() else ""
        lead = (
            f"The {period} of {day(sums.idxmax())} was the busiest, with {number(sums.max())} "
            f"GPU-hours{times}."
        )
    types = readings.by_type[readings.by_type["gpu_hours"] > 0]
    hours = (f"{row_name('gpu_type', row)}: {number(row.gpu_hours)}" for row in each(types))
    label = (
        f"GPU-hours of {count(len(sums), period)} from {day(sums.index[0])}, stacked by GPU type. "
        f"{lead} In all, {listed(hours)}"
    )
    chart = None
    if len(sums) > 1:
        chart = Chart(plot.plot_gpu_hours_over_time, frame, label, along="period")
    table = Table(
        frame.sort_values("period", ascending=False, kind="stable"),
        f"GPU-hours per {period} and GPU type, newest first",
        ["period", "gpu_type", "gpu_hours", "mean_gpus", "peak_gpus"],
        shell("gpu", f"--freq {readings.freq}"),
    )
    return Part("gpus-time", "Over time", lead, chart, table)


def _at_once(readings: Readings, over_time: Part) -> Part:
    steps = readings.steps
    peaks = (
        steps.sort_values(["gpus", "start"], ascending=[False, True], kind="stable")
        .drop_duplicates("gpu_type")
        .rename(columns={"gpus": "peak_gpus", "start": "peak_from", "end": "peak_until"})
    )
    first = peaks.iloc[0]
    lines = listed(
        f"{row_name('gpu_type', row)}: {row.peak_gpus:,} on {day(row.peak_from)}"
        for row in each(peaks)
    )
    lead = Markup("Peak: {} {}, on {}.").format(
        f"{first['peak_gpus']:,}", name("gpu_type", first["gpu_type"]), day(first["peak_from"])
    )
    label = f"GPUs held at each moment, a line for each GPU type. Peaks: {lines}"
    chart = None
    if len(steps) > 1:
        chart = Chart(plot.plot_gpu_concurrency, thin(steps), label, along="period")
        # mean and peak of each period, which no other table has
        chart = chart._replace(of=over_time.table and (over_time.id, over_time.table))
    columns = ["gpu_type", "peak_gpus", "peak_from", "peak_until"]
    caption, command = "Peak concurrent GPUs by GPU type", "tv.gpu_concurrency(snap.jobs)"
    table = Table(peaks, caption, columns, command)
    return Part("gpus-once", "Concurrent GPUs", lead, chart, table)


def thin(steps: pd.DataFrame) -> pd.DataFrame:
    """Join steps that begin so close together that they cannot be told apart.

    Parameters
    ----------
    steps : pandas.DataFrame
        Of `gpu_concurrency`, by ``gpu_type``.

    Returns
    -------
    pandas.DataFrame
        The same where there are few. Else, of those that begin together, the last, and before it
        one step as high as the highest of the others.
    """
    if len(steps) <= _FEW:
        return steps
    first = steps["start"].min()
    slot = (steps["start"] - first) // ((steps["end"].max() - first) / _SLOTS)
    steps = steps.assign(slot=slot.astype("int64"))
    is_last = ~steps.duplicated(["gpu_type", "slot"], keep="last")
    found = steps.groupby(["gpu_type", "slot", is_last], sort=False, dropna=False).agg(
        start=("start", "min"), end=("end", "max"), gpus=("gpus", "max")
    )
    found = found.reset_index("gpu_type").reset_index(drop=True)
    return found.sort_values(["gpu_type", "start"], ignore_index=True)
