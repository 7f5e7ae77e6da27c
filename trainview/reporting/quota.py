"""How many GPUs were held of those that may be: by type, at each moment, and by team."""

from functools import partial
from typing import Any

import pandas as pd
from markupsafe import Markup

from trainview import plot
from trainview.analysis.pandas_dtypes import TEXT
from trainview.gpus import same_type
from trainview.plot.wording import number
from trainview.reporting.gpus import thin
from trainview.reporting.parts import (
    WITH_LEGEND,
    Chart,
    Part,
    Table,
    Topic,
    bars,
    shell,
)
from trainview.reporting.readings import EXTRA_GPUS, Readings
from trainview.reporting.words import day, each, listed, name, row_name
from trainview.text.shares import share

# The most types of GPU whose lines and limits can be told apart.
_MOST_LINES = 3
_AT_LIMIT = ["at_limit_share", "over_limit_gpu_hours"]
_EXTRA = [f"{column}_with_extra" for column in _AT_LIMIT]
_COLUMNS = ["gpu_type", "limit", "baseline", "peak_gpus", "mean_gpus", *_AT_LIMIT, *_EXTRA]
_WITH_EXTRA = f"“with extra” is with {EXTRA_GPUS} more GPUs"


def quota(readings: Readings) -> Topic | None:
    """Say how near the limits were, by type and by team; None without capacity."""
    limits = readings.limits
    if limits is None:
        return None
    types, teams = limits.by_type, limits.by_team
    parts = [_by_type(types)] if types["limit"].notna().any() else []
    nearest = _nearest(limits.steps, types)
    if len(nearest):
        parts.append(_at_once(nearest))
    if teams["limit"].notna().any():
        parts.append(_by_team(teams[teams["limit"].notna()]))
    return Topic(_lead(readings, types), parts)


def _lead(readings: Readings, types: pd.DataFrame) -> Markup:
    if readings.steps.empty:
        return Markup("No job is known to have held a GPU for any time.")
    since = day(readings.steps["start"].min())
    reached = types[types["at_limit_share"] > 0]
    spot, pending = types["spot_gpu_hours"].sum(), types["pending_gpu_hours"].sum()
    beside = f" Spot jobs took {number(spot)} GPU-hours beside the limits." if spot > 0 else ""
    if reached.empty:
        return Markup("No limit was reached since {}.{}").format(since, beside)
    lead = Markup("Since {}, {}").format(since, _reached(reached.iloc[0]))
    if len(reached) > 1:
        lead += f", the longest of {len(reached):,} types that reached theirs"
    above = reached["over_limit_gpu_hours"].sum()
    if not above > 0:
        return lead + f". Nothing was asked for beyond.{beside}"
    rest = reached["over_limit_gpu_hours_with_extra"].sum()
    waits = f" Jobs that waited asked for {number(pending)} GPU-hours." if pending > 0 else ""
    return lead + (
        f". {number(above)} GPU-hours were asked for beyond the limits: demand that had to wait. "
        f"With {EXTRA_GPUS} more GPUs of each type it would have been "
        f"{f'at most {number(rest)}' if rest > 0 else 'none'}.{waits}{beside}"
    )


def _reached(row: Any) -> Markup:
    gpu_type, limit = name("gpu_type", row["gpu_type"]), f"{row['limit']:,}"
    what = Markup("demand for {} reached its limit of {}").format(gpu_type, limit)
    if "team_name" in row:
        team = name("team_name", row["team_name"])
        what = Markup("{}: {}").format(team, what)
    return Markup("{} for {} of the time").format(what, share(row["at_limit_share"]))


def _by_type(types: pd.DataFrame) -> Part:
    lead = (
        "Dedicated GPUs count against a limit, from submission on: what is beyond it had to wait. "
        "Spot GPUs stand beside it; burst is what is above the baseline."
    )
    command = shell("quota", f"--extra-gpus {EXTRA_GPUS}")
    table = Table(types, f"Quota by GPU type; {_WITH_EXTRA}", _COLUMNS, command)
    return Part("quota-type", "By GPU type", lead, _bars(types), table)


def _by_team(teams: pd.DataFrame) -> Part:
    reached = teams[teams["at_limit_share"] > 0]
    lead = Markup("No team reached a limit of its own.")
    if len(reached):
        lead = _reached(reached.iloc[0]) + "."
    caption = f"Quota by team and GPU type; {_WITH_EXTRA}"
    command = shell("quota", f"--by-team --extra-gpus {EXTRA_GPUS}")
    table = Table(teams, caption, ["team_name", *_COLUMNS], command)
    return Part("quota-team", "By team", lead, _bars(teams), table)


def _bars(rows: pd.DataFrame) -> Chart | None:
    label = "Mean and peak of the GPUs held against their limit, as bars."
    drawn = bars(plot.plot_quota, rows, label, _bar, shape=WITH_LEGEND, of="limits")
    return drawn if rows["peak_gpus"].any() else None


def _bar(row: Any) -> str:
    columns = ["team_name", "gpu_type"] if hasattr(row, "team_name") else ["gpu_type"]
    who = ", ".join(row_name(column, row) for column in columns)
    limit = "no limit known" if pd.isna(row.limit) else f"limit {row.limit:,}"
    return f"{who}: peak {row.peak_gpus:,}, {limit}"


def _nearest(steps: pd.DataFrame, types: pd.DataFrame) -> pd.DataFrame:
    """Find the steps of the types that came nearest to their limits, the fullest step first."""
    known = types[(types["limit"] > 0) & (types["peak_gpus"] > 0)]
    fullest = (known["peak_gpus"] / known["limit"].astype("float64")).nlargest(_MOST_LINES)
    limits = known.loc[fullest.index].set_index("gpu_type")["limit"].astype("float64")
    spelled = steps["gpu_type"].map(same_type, na_action="ignore").astype(TEXT)
    limit = spelled.map(limits).astype("float64")
    steps = steps.assign(limit=limit, limit_share=steps["gpus"] / limit)[limit.notna()]
    order = ["limit_share", "start", "gpu_type"]
    return steps.sort_values(order, ascending=[False, True, True])


def _at_once(steps: pd.DataFrame) -> Part:
    first, table = steps.iloc[0], steps[steps["limit_share"] >= 1]
    types = steps.drop_duplicates("gpu_type")
    caption = "GPUs held at the limit or beyond, the fullest moment first"
    if table.empty:
        table, caption = types, "Most GPUs held against the limit"
    lines = listed(f"{row_name('gpu_type', row)}: limit {row.limit:,.0f}" for row in each(types))
    label = f"GPUs held at each moment, with their limit as a dashed line. {lines}"
    lead = Markup("The fullest moment: {} {} on {}, where {} may be held at once.").format(
        f"{first['gpus']:,}",
        name("gpu_type", first["gpu_type"]),
        day(first["start"]),
        f"{first['limit']:,.0f}",
    )
    drawn = thin(steps[["gpu_type", "start", "end", "gpus"]].sort_values(["gpu_type", "start"]))
    draw = partial(plot.plot_gpu_concurrency, limit=types.set_index("gpu_type")["limit"].to_dict())
    chart = Chart(draw, drawn, label, along="from", until="until") if len(steps) > 1 else None
    table = table.rename(columns={"start": "from", "end": "until"})
    columns = ["gpu_type", "from", "until", "gpus", "limit", "limit_share"]
    behind = Table(table, caption, columns, "tv.gpu_concurrency(snap.jobs)")
    return Part("quota-once", "At each moment", lead, chart, behind)
