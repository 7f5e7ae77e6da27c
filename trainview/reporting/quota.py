"""How many GPUs were held of those that may be: by type, at each moment, and by team."""

from functools import partial
from typing import Any

import pandas as pd
from markupsafe import Markup

from trainview import plot
from trainview.gpus import same_type
from trainview.plot.wording import number
from trainview.reporting.gpus import thin
from trainview.reporting.parts import Part, Topic
from trainview.reporting.pictures import BARS, Picture, bars_height, picture
from trainview.reporting.readings import EXTRA_GPUS, Readings
from trainview.reporting.tables import view
from trainview.reporting.words import day, each, listed, name, share
from trainview.text.cells import cell

_LEGEND, _OVER_TIME = 0.3, 3.4
# The most types of GPU whose lines and limits can be told apart.
_MOST_LINES = 3
_COLUMNS = [
    "gpu_type",
    "limit",
    "baseline",
    "peak_gpus",
    "mean_gpus",
    "at_limit_share",
    "over_limit_gpu_hours",
    "at_limit_share_with_extra",
    "over_limit_gpu_hours_with_extra",
]


def quota(readings: Readings) -> Topic | None:
    """Make the topic on the quota.

    Parameters
    ----------
    readings : Readings
        What the helpers say.

    Returns
    -------
    Topic or None
        By type of GPU, at each moment, and by team where teams have limits; None without capacity.
    """
    limits = readings.limits
    if limits is None:
        return None
    types, teams = limits.by_type, limits.by_team
    parts = [_by_type(types)] if types["limit"].notna().any() else []
    nearest = _nearest(readings.steps, types)
    if len(nearest):
        parts.append(_at_once(nearest))
    if teams["limit"].notna().any():
        parts.append(_by_team(teams[teams["limit"].notna()]))
    return Topic("quota", "Against the quota", _lead(readings, types), tuple(parts))


def _lead(readings: Readings, types: pd.DataFrame) -> Markup:
    if readings.steps.empty:
        return Markup("No job is known to have held a GPU for any time.")
    since = day(readings.steps["start"].min())
    reached = types[types["at_limit_share"] > 0]
    if reached.empty:
        return Markup("No limit was reached since {}.").format(since)
    first = reached.iloc[0]
    lead = Markup("Since {}, {} was at its limit of {} for {} of the time").format(
        since,
        name("gpu_type", first["gpu_type"]),
        f"{first['limit']:,}",
        share(first["at_limit_share"]),
    )
    if len(reached) > 1:
        lead += f", the longest of {len(reached):,} types that reached theirs"
    above = reached["over_limit_gpu_hours"].sum()
    if not above > 0:
        return lead + ". Nothing was asked for beyond."
    rest = reached["over_limit_gpu_hours_with_extra"].sum()
    return lead + (
        f". {number(above)} GPU-hours were asked for beyond the limits: demand that had to wait. "
        f"With {EXTRA_GPUS} more GPUs of each type it would have been "
        f"{f'at most {number(rest)}' if rest > 0 else 'none'}."
    )


def _by_type(types: pd.DataFrame) -> Part:
    return Part(
        "quota-type",
        "By GPU type",
        "Peaks beyond a limit are jobs that waited: they count as holding from submission on.",
        _picture(types, "quota-type") if len(types) > 1 and types["peak_gpus"].any() else None,
        view=view(
            types,
            f"Quota by GPU type; “with extra” is with {EXTRA_GPUS} more GPUs",
            _COLUMNS,
            f"trainview quota SOURCE --extra-gpus {EXTRA_GPUS} --format csv",
        ),
    )


def _picture(rows: pd.DataFrame, part: str) -> Picture:
    bars = listed(map(_bar, each(rows)))
    label = f"Mean and peak of the GPUs held against their limit, as bars. {bars}"
    height = _LEGEND + bars_height(len(rows))
    return picture(plot.plot_quota, rows.head(BARS), part, label, height)


def _bar(row: Any) -> str:
    who = cell("gpu_type", row.gpu_type, 60)
    if hasattr(row, "team_name"):
        who = f"{cell('team_name', row.team_name, 60)}, {who}"
    limit = "no limit known" if pd.isna(row.limit) else f"limit {row.limit:,}"
    return f"{who}: peak {row.peak_gpus:,}, {limit}"


def _nearest(steps: pd.DataFrame, types: pd.DataFrame) -> pd.DataFrame:
    """Find the steps of the types that came nearest to their limits, the fullest step first."""
    known = types[(types["limit"] > 0) & (types["peak_gpus"] > 0)]
    fullest = (known["peak_gpus"] / known["limit"].astype("float64")).nlargest(_MOST_LINES)
    limits = known.loc[fullest.index].set_index("gpu_type")["limit"].astype("float64")
    spelled = steps["gpu_type"].map(same_type, na_action="ignore").astype("str")
    limit = spelled.map(limits).astype("float64")
    steps = steps.assign(limit=limit, limit_share=steps["gpus"] / limit)[limit.notna()]
    order = ["limit_share", "start", "gpu_type"]
    return steps.sort_values(order, ascending=[False, True, True])


def _at_once(steps: pd.DataFrame) -> Part:
    first, table = steps.iloc[0], steps[steps["limit_share"] >= 1]
    caption = "GPUs held at the limit or beyond, the fullest moment first"
    if table.empty:
        table, caption = steps.drop_duplicates("gpu_type"), "Most GPUs held against the limit"
    limits = steps.drop_duplicates("gpu_type").set_index("gpu_type")["limit"].to_dict()
    lead = Markup("The fullest moment: {} {} on {}, where {} may be held at once.").format(
        f"{first['gpus']:,}",
        name("gpu_type", first["gpu_type"]),
        day(first["start"]),
        f"{first['limit']:,.0f}",
    )
    lines = listed(
        f"{cell('gpu_type', gpu_type, 60)}: limit {limit:,.0f}"
        for gpu_type, limit in limits.items()
    )
    label = f"GPUs held at each moment, with their limit as a dashed line. {lines}"
    drawn = thin(steps[["gpu_type", "start", "end", "gpus"]].sort_values(["gpu_type", "start"]))
    return Part(
        "quota-once",
        "At each moment",
        lead,
        picture(
            partial(plot.plot_gpu_concurrency, limit=limits), drawn, "quota-once", label, _OVER_TIME
        )
        if len(steps) > 1
        else None,
        view=view(
            table.rename(columns={"start": "from", "end": "until"}),
            caption,
            ["gpu_type", "from", "until", "gpus", "limit", "limit_share"],
            "tv.gpu_concurrency(snap.jobs)",
        ),
    )


def _by_team(teams: pd.DataFrame) -> Part:
    reached = teams[teams["at_limit_share"] > 0]
    lead = Markup("No team reached a limit of its own.")
    if len(reached):
        first = reached.iloc[0]
        lead = Markup("{} was at its limit of {} {} for {} of the time.").format(
            name("team_name", first["team_name"]),
            f"{first['limit']:,}",
            name("gpu_type", first["gpu_type"]),
            share(first["at_limit_share"]),
        )
    if len(teams) > BARS:
        lead += f" The picture has the first {BARS} of {len(teams):,} limits."
    return Part(
        "quota-team",
        "By team",
        lead,
        _picture(teams, "quota-team") if len(teams) > 1 and teams["peak_gpus"].any() else None,
        view=view(
            teams,
            f"Quota by team and GPU type; “with extra” is with {EXTRA_GPUS} more GPUs",
            ["team_name", *_COLUMNS],
            f"trainview quota SOURCE --by-team --extra-gpus {EXTRA_GPUS} --format csv",
        ),
    )
