"""The live state of a fleet as gauges: what is so now, and never what has been counted up."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from trainview.analysis.idle_now import idle_now
from trainview.gpus import same_type
from trainview.snapshot import Snapshot
from trainview.statuses import STATUSES

# As `needs_attention` and `idle_gpus` have it, so that all of them name the same GPUs.
IDLE_BELOW, IDLE_HOURS = 0.05, 2.0
# How long ago the newest sample of a job may be for it to tell of now.
_FRESH = pd.Timedelta(hours=1)
_PLACE = ["project", "team", "gpu_type"]


class Gauge(NamedTuple):
    """A gauge with all its samples.

    Attributes
    ----------
    name : str
        Ends in its unit, if it has one.
    help : str
        What it tells.
    samples : tuple
        Pairs of labels and value.
    unit : str
        Empty for numbers of things.
    """

    name: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]
    unit: str = ""


def gauges_of(snapshot: Snapshot | None, failed_looks: int = 0) -> list[Gauge]:
    """Tell the state of a fleet.

    Labels are statuses, projects with their team, and types of GPUs: never jobs or users. Only
    projects with open jobs have samples.

    Parameters
    ----------
    snapshot : Snapshot or None
        The last look; None where none has succeeded yet.
    failed_looks : int, optional
        How many looks have failed since then.

    Returns
    -------
    list of Gauge
        In a fixed order; those without data are left out.
    """
    looks = Gauge(
        "trainview_failed_looks",
        "Looks that have failed since the last one that succeeded.",
        (({}, failed_looks),),
    )
    if snapshot is None:
        return [looks]
    found = [looks, *_moment(snapshot), *_jobs(snapshot), *_gpus(snapshot), *_idle(snapshot)]
    return [gauge for gauge in found if gauge.samples]


def _moment(snapshot: Snapshot) -> Iterator[Gauge]:
    if snapshot.as_of is not None:
        yield Gauge(
            "trainview_last_look_timestamp_seconds",
            "The moment that all this describes, in Unix time: time() minus this is its age.",
            (({}, snapshot.as_of.timestamp()),),
            "seconds",
        )


def _open_jobs(snapshot: Snapshot) -> pd.DataFrame:
    """Give the open jobs, with the labels of their samples."""
    jobs = snapshot.jobs[snapshot.jobs["is_open"]]
    types = jobs["gpu_type"].astype("object")
    return jobs.assign(
        project=jobs["project_name"].astype("object"),
        team=jobs["team_name"].astype("object").fillna(""),
        gpu_type=[same_type(name) if isinstance(name, str) else "" for name in types],
        status=jobs["status"].astype("object"),
        holds=jobs["phase"].isin(["starting", "running"]),
        waits=jobs["phase"] == "waiting",
    )


def _jobs(snapshot: Snapshot) -> Iterator[Gauge]:
    jobs = _open_jobs(snapshot)
    waiting = jobs[jobs["waits"]]
    known = [status.label for status in STATUSES if not status.terminal]
    yield Gauge(
        "trainview_open_jobs",
        "Open jobs by status.",
        _samples(jobs.groupby("status").size().reindex(known, fill_value=0), ["status"]),
    )
    yield Gauge(
        "trainview_project_open_jobs",
        "Open jobs by project, type of GPU and status; projects without any are left out.",
        _samples(jobs.groupby([*_PLACE, "status"]).size(), [*_PLACE, "status"]),
    )
    yield Gauge(
        "trainview_waiting_jobs",
        "Jobs that wait to be started, by type of GPU.",
        _samples(_by_type(snapshot, waiting.groupby("gpu_type").size()), ["gpu_type"]),
    )
    waits = waiting["elapsed_hours"].dropna() * 3600
    if len(waits) or waiting.empty:
        yield Gauge(
            "trainview_longest_wait_seconds",
            "How long the job has waited that waits longest; 0 where none waits.",
            (({}, float(waits.max()) if len(waits) else 0.0),),
            "seconds",
        )


def _gpus(snapshot: Snapshot) -> Iterator[Gauge]:
    jobs = _open_jobs(snapshot)
    holding = jobs[jobs["holds"] & (jobs["gpus"] > 0)]
    yield Gauge(
        "trainview_held_gpus",
        "GPUs that the jobs of the list hold, by type.",
        _samples(_by_type(snapshot, holding.groupby("gpu_type")["gpus"].sum()), ["gpu_type"]),
    )
    yield Gauge(
        "trainview_project_held_gpus",
        "GPUs that jobs hold by project and type; projects that hold none are left out.",
        _samples(holding.groupby(_PLACE)["gpus"].sum(), _PLACE),
    )
    capacity = snapshot.capacity
    limits = capacity.assign(
        gpu_type=[same_type(name) for name in capacity["gpu_type"].astype("object")],
        team=capacity["team_name"].astype("object").fillna(capacity["team_id"].astype("object")),
    )
    is_team = limits["team"].notna()
    columns = {
        "usage_count": ("used_gpus", "GPUs in use, as the API counts them"),
        "limit": ("gpu_limit", "The most GPUs that may be held at once"),
        "baseline": ("gpu_baseline", "GPUs below which jobs are expected to run at once"),
    }
    for column, (name, what) in columns.items():
        # the quota takes several spellings of one type for one, and its largest limit
        whole = limits[~is_team].groupby("gpu_type")[column].max()
        yield Gauge(
            f"trainview_{name}", f"{what}: the whole organisation.", _samples(whole, ["gpu_type"])
        )
        teams = limits[is_team].groupby(["team", "gpu_type"])[column].max()
        yield Gauge(
            f"trainview_team_{name}", f"{what}, by team.", _samples(teams, teams.index.names)
        )


def _by_type(snapshot: Snapshot, found: "pd.Series[int]") -> "pd.Series[int]":
    """Let types of GPUs that are known have a sample, so that a line does not end where it is 0."""
    tables = (snapshot.instance_types, snapshot.jobs, snapshot.capacity)
    names: Iterable[Any] = [name for table in tables for name in table["gpu_type"].unique()]
    known = {same_type(name) for name in names if isinstance(name, str)}
    return found.reindex(sorted({*known, *found.index}), fill_value=0)


def _idle(snapshot: Snapshot) -> Iterator[Gauge]:
    """Tell of the GPUs that are idle, as far as samples tell of now."""
    jobs = _open_jobs(snapshot)
    jobs = jobs[jobs["holds"] & (jobs["gpus"] > 0)].reset_index(drop=True)
    metrics, prices = snapshot.metrics, snapshot.prices
    if snapshot.as_of is None or metrics.empty or jobs.empty:
        return
    newest = metrics.groupby("job_id", observed=True).agg(
        at=("timestamp", "max"), step=("step_seconds", "max")
    )
    steps = pd.to_timedelta(2 * newest["step"].fillna(0), unit="s")
    fresh = newest.index[newest["at"] + steps >= snapshot.as_of - _FRESH].astype(str)
    jobs = jobs[jobs["job_id"].isin(fresh)]
    if jobs.empty:
        return
    idle = idle_now(metrics, jobs, prices if len(prices) else None, IDLE_BELOW, IDLE_HOURS)
    hourly = idle["gpus"] * idle["usd"] / idle["gpu_hours"].where(idle["gpu_hours"] > 0)
    # of GPUs that are busy nothing has to be known to say that they waste nothing
    hourly = hourly.mask(idle["gpus"] == 0, 0.0) if len(prices) else hourly
    own = jobs.set_index("job_id")[_PLACE].join(idle.assign(hourly=hourly), how="inner")
    text = f"GPUs idle up to now for over {IDLE_HOURS:g} h (utilisation below {IDLE_BELOW:.0%})"
    groups = own.groupby(_PLACE)
    yield Gauge("trainview_idle_gpus", f"{text}.", _samples(groups["gpus"].sum(), _PLACE))
    yield Gauge(
        "trainview_idle_cost_usd_per_hour",
        f"What they cost at list prices: {text}; of those whose price is known.",
        _samples(groups["hourly"].sum(min_count=1).dropna(), _PLACE),
        "usd_per_hour",
    )


def _samples(values: Any, names: Iterable[Any]) -> tuple[tuple[Mapping[str, str], float], ...]:
    names = list(names)
    return tuple(
        (dict(zip(names, key if isinstance(key, tuple) else (key,), strict=True)), value)
        for key, value in values.items()
    )
