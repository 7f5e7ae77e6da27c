"""Where the GPUs go: to which type, to which project, and when."""

import pandas as pd
from markupsafe import Markup

from trainview import plot
from trainview.plot.wording import number
from trainview.reporting.parts import Part, Topic
from trainview.reporting.pictures import BARS, bars_height, picture
from trainview.reporting.readings import Readings
from trainview.reporting.tables import view
from trainview.reporting.words import day, each, joined, listed, name, share
from trainview.text.cells import cell
from trainview.text.safe import count

PERIODS = {"D": "day", "W": "week", "M": "month", "Y": "year"}
_USAGE = ["jobs", "gpus", "elapsed_hours", "gpu_hours", "share"]
_OVER_TIME = 3.4
# Of a time axis: a pixel of a wide screen. So few steps are drawn as they are.
_SLOTS, _FEW = 1000, 4000


def gpus(readings: Readings) -> Topic:
    """Make the topic on GPUs.

    Parameters
    ----------
    readings : Readings
        What the helpers say.

    Returns
    -------
    Topic
        By type, by project, over the calendar, and at each moment; without parts if no job held
        a GPU.
    """
    title, total = "Where the GPUs go", readings.by_type["gpu_hours"].sum()
    if not total > 0:
        return Topic("gpus", title, "No job is known to have held a GPU for any time.", ())
    lead = Markup("At most {} GPU-hours since {}. {}").format(
        number(total), day(readings.snapshot.jobs["created_at"].min()), _now(readings)
    )
    parts = (_by_type(readings), _by_project(readings), _over_time(readings), _at_once(readings))
    return Topic("gpus", title, lead, parts)


def _now(readings: Readings) -> Markup:
    held = readings.held.sort_values("gpus", ascending=False, kind="stable")
    if held.empty:
        return Markup("None is held now.")
    parts = [
        Markup("{} {}").format(f"{gpus:,}", name("gpu_type", gpu_type))
        for gpu_type, gpus in zip(held["gpu_type"], held["gpus"], strict=True)
    ]
    return Markup("Held now: {}.").format(joined(parts))


def _by_type(readings: Readings) -> Part:
    usage = readings.by_type
    used = usage[usage["gpu_hours"] > 0]
    first = used.iloc[0]
    lead = Markup("{} took {} of all GPU-hours.").format(
        name("gpu_type", first["gpu_type"]), share(first["share"])
    )
    bars = listed(
        f"{cell('gpu_type', row.gpu_type, 60)}: {number(row.gpu_hours)} ({share(row.share)})"
        for row in each(used)
    )
    return Part(
        "gpus-type",
        "By GPU type",
        lead,
        picture(
            plot.plot_gpu_usage,
            used.head(BARS),
            "gpus-type",
            f"GPU-hours by GPU type, as bars. {bars}",
            bars_height(len(used)),
        )
        if len(used) > 1
        else None,
        view=view(
            usage,
            "GPU usage by GPU type",
            ["gpu_type", *_USAGE],
            "trainview gpu SOURCE --format csv",
        ),
    )


def _by_project(readings: Readings) -> Part:
    usage = readings.by_project
    used = usage[usage["gpu_hours"] > 0]
    top = used.head(3)
    lead = Markup("{} took {} of all GPU-hours.").format(
        joined([name("project_name", project) for project in top["project_name"]]),
        share(top["share"].sum()),
    )
    if len(used) > BARS:
        rest = used["share"].iloc[BARS:].sum()
        lead += Markup(" The picture has the first {} of {} projects; the others took {}.").format(
            BARS, f"{len(used):,}", share(rest)
        )
    bars = listed(
        f"{cell('project_name', row.project_name, 60)}: {number(row.gpu_hours)} "
        f"({share(row.share)})"
        for row in each(used)
    )
    return Part(
        "gpus-project",
        "By project",
        lead,
        picture(
            plot.plot_gpu_usage,
            used.head(BARS),
            "gpus-project",
            f"GPU-hours by project, as bars. {bars}",
            bars_height(len(used)),
        )
        if len(used) > 1
        else None,
        view=view(
            usage,
            "GPU usage by project",
            ["project_name", *_USAGE],
            "trainview gpu SOURCE --by project_name --format csv",
        ),
    )


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
    types = listed(
        f"{cell('gpu_type', gpu_type, 60)}: {number(hours)}"
        for gpu_type, hours in zip(
            readings.by_type["gpu_type"], readings.by_type["gpu_hours"], strict=True
        )
        if hours > 0
    )
    label = (
        f"GPU-hours of {count(len(sums), period)} from {day(sums.index[0])}, stacked by GPU type. "
        f"{lead} In all, {types}"
    )
    return Part(
        "gpus-time",
        "Over time",
        lead,
        picture(plot.plot_gpu_hours_over_time, frame, "gpus-time", label, _OVER_TIME)
        if len(sums) > 1
        else None,
        view=view(
            frame.sort_values("period", ascending=False, kind="stable"),
            f"GPU-hours per {period} and GPU type, newest first",
            ["period", "gpu_type", "gpu_hours", "mean_gpus", "peak_gpus"],
            f"trainview gpu SOURCE --freq {readings.freq} --format csv",
        ),
    )


def _at_once(readings: Readings) -> Part:
    steps = readings.steps
    peaks = (
        steps.sort_values(["gpus", "start"], ascending=[False, True], kind="stable")
        .drop_duplicates("gpu_type")
        .rename(columns={"gpus": "peak_gpus", "start": "peak_from", "end": "peak_until"})
    )
    first = peaks.iloc[0]
    lead = Markup("At most {} {} were held at once, on {}.").format(
        f"{first['peak_gpus']:,}", name("gpu_type", first["gpu_type"]), day(first["peak_from"])
    )
    lines = listed(
        f"{cell('gpu_type', row.gpu_type, 60)}: {row.peak_gpus:,} on {day(row.peak_from)}"
        for row in each(peaks)
    )
    label = f"GPUs held at each moment, a line for each GPU type. Peaks: {lines}"
    return Part(
        "gpus-once",
        "At the same time",
        lead,
        picture(plot.plot_gpu_concurrency, thin(steps), "gpus-once", label, _OVER_TIME)
        if len(steps) > 1
        else None,
        view=view(
            peaks,
            "Most GPUs held at once, by GPU type",
            ["gpu_type", "peak_gpus", "peak_from", "peak_until"],
            "tv.gpu_concurrency(snap.jobs)",
        ),
    )


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
