"""What is known about one job, put together from all tables of a snapshot."""

import math
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from trainview.analysis.chains import run_chains
from trainview.analysis.cost import estimate_cost
from trainview.analysis.goodput import KINDS, lost_work
from trainview.analysis.phases import contradictions, find_phases
from trainview.analysis.reconcile import reconcile_cost
from trainview.schema import FLEET_TABLES
from trainview.snapshot.questions import attention_of
from trainview.snapshot.refining import EVIDENCE, evidence_of, refine
from trainview.snapshot.state import State
from trainview.snapshot.story.advice import advise
from trainview.snapshot.story.around import (
    alike,
    bill_of,
    failing,
    holders,
    related,
    row_of,
    rows_of,
    usual,
)
from trainview.snapshot.story.finding import find_job
from trainview.snapshot.story.gaps import failed_calls, missing_parts
from trainview.snapshot.story.hints import cache_of, error_of, fewer_gpus
from trainview.snapshot.story.measured import measured
from trainview.snapshot.story.page import to_html
from trainview.snapshot.story.plain import Row, Rows, plain_rows
from trainview.snapshot.story.segments import segments
from trainview.snapshot.story.sheet import to_text
from trainview.snapshot.story.waiting import queue_of

_PEOPLE = ("job_id", "job_name", "project_name", "user_email", "status", "gpus")
_MOMENTS = ("created_at", "end_at")


@dataclass(frozen=True, eq=False, repr=False)
class JobStory:
    """All that is known about one job; `job` gives it.

    In a terminal it shows itself as text, in a notebook as HTML; `to_dict` gives it as data. The
    rows have the columns of the tables and of the helpers that they come from, as plain values of
    Python with times in UTC; what is not known is None.

    Attributes
    ----------
    as_of : pandas.Timestamp or None
        The moment the data describes.
    job : dict
        Its row of the jobs table, as `refine_jobs` gives it.
    phases : dict
        Its row of `job_phases`.
    segments : list of dict
        Its time from submission to the end, in parts without a gap: ``phase`` (waiting, deploying,
        running, lost, or what is not told apart), ``start_at``, ``end_at``, ``hours``.
    lost : dict or None
        Its row of `lost_work`; None where it did not end early.
    gpus : list of dict
        One row a GPU that was measured: the columns of `utilization` and `idle_gpus`, the memory
        that it has, and the largest share of that.
    usage : dict or None
        Its row of `utilization`, over all its GPUs; None where none was measured.
    right_size : dict or None
        Its row of `right_size`; None where no cheaper instance type is known that would do.
    cache : dict or None
        The row of `cache_usage` of its project's cache, with how full that was by the samples of
        this job; None where it has none, or that was not fetched.
    checkpoints : list of dict or None
        Its rows of the checkpoints table, the oldest first; None where they were not fetched.
    cost : dict
        Its row of `reconcile_cost`, as far as it is known, and ``usd_per_hour`` at list price.
    queue : dict or None
        Its row of the queue table, with ``position_at_submit``, and ``position`` where it waits
        still and that is known.
    ahead : list of dict
        The jobs that were ahead of it when it was submitted, first in line first.
    holders : list of dict
        Where it waits: the jobs that hold GPUs of the type, most first, with what
        `needs_attention` says of them.
    chain : list of dict
        Its rows of `run_chains`, itself among them; none where it continues no job and none
        continues it.
    error : dict or None
        Of a failed job: its row of `error_groups`, and ``told_by``: ``message``, or ``log`` where
        it has no message and its log tells the cause.
    events : list of dict
        Its status events, the oldest first.
    logs : list of dict
        Its last log lines, the oldest first.
    attention : list of dict
        Its rows of `needs_attention`.
    advice : list of str
        What to do, one sentence each.
    missing : dict of str to str
        What the story lacks, and how to get it.
    notes : list of str
        What is odd in the data.
    """

    as_of: pd.Timestamp | None
    job: Row
    phases: Row
    segments: Rows
    lost: Row | None
    gpus: Rows
    usage: Row | None
    right_size: Row | None
    cache: Row | None
    checkpoints: Rows | None
    cost: Row
    queue: Row | None
    ahead: Rows
    holders: Rows
    chain: Rows
    error: Row | None
    events: Rows
    logs: Rows
    attention: Rows
    advice: list[str]
    missing: dict[str, str]
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON can hold: times as ISO 8601 in UTC, what is not known as None.

        Returns
        -------
        dict
            The attributes by their names.
        """
        return {field.name: _to_json(getattr(self, field.name)) for field in fields(self)}

    def to_text(self, width: int = 80) -> str:
        """Draw it for a terminal.

        Parameters
        ----------
        width : int, optional
            Of the terminal, in characters.

        Returns
        -------
        str
            Lines that are no longer than that; text of others is made safe.
        """
        return to_text(self, width)

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return to_html(self)


def job(snap: State, job_id: str) -> JobStory:
    """Tell the whole story of one job: what is known, and what is not.

    Phases, how busy each GPU was and how much of its memory was used, checkpoints, cost and bill,
    the queue and who was ahead, the attempts it belongs to, its error, its last log lines, and what
    to do. Each number is that of the helper for it, on the jobs as `refine_jobs` gives them.

    Parameters
    ----------
    snap : Snapshot
        With all that is known. Of most tables the story takes the rows of the job; of the jobs
        table, the others too.
    job_id : str
        Its id, also of an earlier attempt (``abc@2026-03-24T18:04:30Z``); the beginning of its id;
        or its name, if no other job has it.

    Returns
    -------
    JobStory
        With a text for terminals, HTML for notebooks, and ``to_dict()``.

    Raises
    ------
    ArgumentError
        If there is no such job, or there are several.

    Examples
    --------
    >>> import trainview as tv
    >>> snap = tv.load(tv.sample(projects=2))
    >>> ended = snap.jobs[snap.jobs["status"] == "completed"]
    >>> story = tv.job(snap, ended["job_id"].iloc[0])
    >>> story.to_dict()["missing"]["metrics"]
    'no samples were fetched: trainview fetch -o fleet/ --with metrics'
    """
    found = find_job(snap.jobs, job_id)
    return tell(snap, found, [name for name in FLEET_TABLES if len(getattr(snap, name))])


def tell(
    state: State, job_id: str, known: Collection[str], asked: Collection[str] | None = None
) -> JobStory:
    """Tell the story of a job that is there.

    Parameters
    ----------
    state : Snapshot
        At least the rows of the jobs that `related` lists.
    job_id : str
        Which one.
    known : collection of str
        The tables that were fetched; one of them may have no rows.
    asked : collection of str, optional
        The jobs for which answers about single jobs were asked for; all when left out.

    Returns
    -------
    JobStory
        The story.
    """
    one = row_of(state.jobs, job_id)
    attempts = alike(state.jobs, one)
    ids = related(state.jobs, job_id, attempts)
    tables = _tables(state, ids)
    failed = failed_calls(state.not_fetched, job_id, str(one["project_id"].iloc[0]))
    there = {name: tables[name] for name in known if name in tables}
    evidence: dict[str, Any] = {name: there[name] for name in EVIDENCE if name in there}
    near = State(
        state.projects, rows_of(state.jobs, ids).reset_index(drop=True), state.instance_types,
        state.as_of, prices=state.prices, **evidence,
    )  # fmt: skip
    phases, notes = _phases(near, job_id)
    near = refine(near, phases)
    mine = row_of(near.jobs, job_id)
    phase = plain_rows(row_of(phases, job_id))[0]
    facts = plain_rows(mine)[0]
    saved = None if "checkpoints" in failed else there.get("checkpoints")
    lost = plain_rows(lost_work(mine, phases, saved)) if facts["status"] in KINDS else []
    of_job = {name: rows_of(table, [job_id]) for name, table in tables.items() if name != "billing"}
    cost = _cost(state, mine, bill_of(tables["billing"], [job_id]), known)
    logs = _by_time(of_job["logs"], "timestamp")
    gpus, usage = measured(of_job["metrics"], mine, state.prices)
    queue, ahead = queue_of(of_job["queue"], state.jobs, facts)
    attention, holding = _attention(near, state.jobs, one)
    group = rows_of(near.jobs, attempts["job_id"])
    in_chain = _chain(group, phases, saved if asked is None else None, job_id)
    parts: dict[str, Any] = {
        "as_of": state.as_of,
        "job": facts,
        "phases": phase,
        "segments": segments(phase, lost[0] if lost else None),
        "lost": lost[0] if lost else None,
        "gpus": gpus,
        "usage": usage,
        "right_size": fewer_gpus(of_job["metrics"], mine, state.prices, gpus, usage),
        "cache": cache_of(state.caches, mine, of_job["metrics"]),
        "checkpoints": None if saved is None else _by_time(of_job["checkpoints"], "created_at"),
        "cost": cost,
        "queue": queue,
        "ahead": ahead,
        "holders": holding,
        "chain": in_chain,
        "error": error_of(mine, logs),
        "events": _by_time(of_job["status_events"], "created_at"),
        "logs": logs,
        "attention": attention,
        "notes": notes,
    }
    missing = missing_parts(parts, known, failed, asked is not None)
    return JobStory(**parts, advice=advise(parts), missing=missing)


def _tables(state: State, job_ids: Collection[str]) -> dict[str, pd.DataFrame]:
    names = ("queue", "status_events", "checkpoints", "metrics", "logs")
    found = {name: rows_of(getattr(state, name), job_ids) for name in names}
    return found | {"billing": bill_of(state.billing, job_ids)}


def _phases(near: State, job_id: str) -> tuple[pd.DataFrame, list[str]]:
    """Find the phases of jobs, and what is odd about one of them."""
    phases, marks = find_phases(near.jobs, **evidence_of(near))
    # the others' oddities are not told here
    note = contradictions(marks.filter(nw.col("job_id") == job_id))
    return phases, [] if note is None else [note.removeprefix("1 job: ")]


def _cost(state: State, mine: pd.DataFrame, bill: pd.DataFrame, known: Collection[str]) -> Row:
    """Give estimate and bill of a job, as far as they are known."""
    if "billing" in known:
        found = reconcile_cost(mine, state.prices, bill, by=["job_id", "reason"])
        cost = plain_rows(row_of(found, mine["job_id"].iloc[0]))[0]
    elif "prices" in known:
        cost = plain_rows(estimate_cost(mine, state.prices, by="job_id"))[0]
        cost = {name: cost[name] for name in ("job_id", "estimated_usd")}
    else:
        cost = {"job_id": mine["job_id"].iloc[0]}
    kind = mine["instance_type_id"].iloc[0]
    price = state.prices.loc[(state.prices["instance_type_id"] == kind).to_numpy("bool")]
    if len(price) == 1:
        per_minute = float(price["usd_per_minute"].iloc[0])
        cost["usd_per_hour"] = per_minute * 60 * int(mine["node_count"].iloc[0])
    return cost


def _attention(near: State, jobs: pd.DataFrame, one: pd.DataFrame) -> tuple[Rows, Rows]:
    """Find what needs attention about a job, and who holds the GPUs that it waits for."""
    job = one.iloc[0]
    if not job["is_open"] and job["phase"] != "failed" and pd.notna(job["elapsed_hours"]):
        # no reason to look at a job that has ended well
        return [], []
    # other attempts, without the jobs between them, would pass for failures in a row
    ids = pd.concat([part["job_id"] for part in (one, holders(jobs, one), failing(jobs, one))])
    concerned = rows_of(near.jobs, ids)
    others = usual(jobs, one)
    others = others[~others["job_id"].isin(ids)]
    # of these, only how long they took counts
    others = others.assign(held_at=others["created_at"], hours_basis="submitted")
    parts = [part for part in (concerned, others) if len(part)]
    found = attention_of(replace(near, jobs=pd.concat(parts, ignore_index=True)))
    held = plain_rows(holders(jobs, one)[[*_PEOPLE, "elapsed_hours"]])
    why = dict(zip(found["job_id"], found["detail"], strict=True))
    rows = [row | {"detail": why.get(row["job_id"])} for row in held]
    return plain_rows(rows_of(found, one["job_id"])), rows


def _chain(group: pd.DataFrame, phases: pd.DataFrame, saved: Any, job_id: str) -> Rows:
    """List the attempts that a job belongs to, if there are more than itself."""
    if len(group) < 2:
        return []
    chains = run_chains(group, phases=phases, checkpoints=saved)
    mine = row_of(chains, job_id)["chain_id"].iloc[0]
    facts = group.set_index("job_id")[list(_MOMENTS)]
    in_chain = chains[chains["chain_id"] == mine].join(facts, on="job_id")
    if len(in_chain) < 2:
        return []
    return plain_rows(in_chain.sort_values(["created_at", "job_id"]))


def _by_time(table: pd.DataFrame, name: str) -> Rows:
    return plain_rows(table.sort_values(name, kind="stable"))


def _to_json(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
