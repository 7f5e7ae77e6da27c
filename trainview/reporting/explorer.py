"""The timeline of the report where scripts run: to pan, zoom, filter and select in."""

import json
from dataclasses import replace
from importlib import resources

import pandas as pd
from markupsafe import Markup

from trainview.interactive.assets import PROGRAM, STYLE
from trainview.interactive.payload import payload
from trainview.reporting.parts import Widget
from trainview.snapshot import Snapshot

# What a page can carry beside its tables: half a megabyte.
MOST_JOBS = 5_000


def newest(jobs: pd.DataFrame) -> pd.DataFrame:
    """Take the jobs that the timeline has: all, or of too many those that ended last."""
    if len(jobs) <= MOST_JOBS:
        return jobs
    ended = jobs["end_at"].sort_values(ascending=False, kind="stable")
    return jobs.loc[ended.index[:MOST_JOBS].sort_values()]


def explorer(snapshot: Snapshot, phases: pd.DataFrame, listed: pd.DataFrame) -> Widget:
    """Make the timeline.

    Parameters
    ----------
    snapshot : Snapshot
        A refined one.
    phases : pandas.DataFrame
        Of its jobs.
    listed : pandas.DataFrame
        The table of the part, with ``job_id``; its rows follow the selection.

    Returns
    -------
    Widget
        With the jobs of `newest`.
    """
    jobs = newest(snapshot.jobs)
    places = pd.Series(range(len(jobs)), index=jobs["job_id"])
    rows = [int(place) for place in places.reindex(listed["job_id"]).fillna(-1)]
    data = payload(replace(snapshot, jobs=jobs), phases)
    text = f'{{"jobs":{data},"rows":{json.dumps(rows, separators=(",", ":"))}}}'
    # of what begins with it, no text can end the element or begin another
    safe = text.replace("<", "\\u003c")
    markup = f'<div class="explorer"></div>\n<script type="application/json">{safe}</script>'
    script = f'(() => {{\n"use strict";\n{PROGRAM}\n{_asset("js")}}})();'
    return Widget(Markup(markup), script, STYLE + _asset("css"))  # noqa: S704 - escaped above


def _asset(kind: str) -> str:
    file = resources.files("trainview.reporting").joinpath(f"explorer.{kind}")
    return file.read_text(encoding="utf-8")
