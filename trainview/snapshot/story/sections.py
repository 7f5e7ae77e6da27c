"""The story of one job in words: sections with sentences and tables, for text and for HTML."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from trainview.analysis.cost import FREE
from trainview.analysis.phases import NOT_RUN
from trainview.snapshot.story.gaps import HAS_NO_CACHE, HAS_NO_GPUS, HAS_NOT_RUN
from trainview.snapshot.story.plain import Row, Rows
from trainview.text.cells import NULL, cell
from trainview.text.safe import count, safe_text
from trainview.text.spans import readable_hours

# From so many GPUs on, a line tells of all GPUs of a node.
MANY_GPUS = 16
NATURAL = (HAS_NO_GPUS, HAS_NOT_RUN, HAS_NO_CACHE)
_FEW = 5
_LINES = 10
_LONGEST = 600
# Less of USD than this is shown as nothing.
_CENT = 0.005
# How people call the evidence for when a job began to run.
_BASIS = {
    "event": "status events",
    "history": "what was recorded before and after",
    "sample": "the first GPU sample",
    "bill": "the minutes billed",
}
_HELD_SINCE = {
    "released": "from its release",
    "started": "from its start",
    "submitted": "from submission: an upper bound",
}


def is_waiting(story: Any) -> bool:
    """Tell whether a job waits for GPUs; one that was released does not, whatever its status."""
    released = story.queue is not None and story.queue["released_at"] is not None
    return bool(story.job["is_open"] and story.job["phase"] == "waiting" and not released)


class Table(NamedTuple):
    """A small table.

    Attributes
    ----------
    heads : sequence of str
        Above the columns.
    rows : sequence of sequence of str
        Safe text.
    numbers : sequence of int
        The columns that stand at the right.
    bars : sequence of float or None
        A bar for each row, a fraction of the whole; none where there is none to draw.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()
    bars: Sequence[float | None] = ()


class Section(NamedTuple):
    """A part of the story.

    Attributes
    ----------
    title : str
        What it is about.
    lines : sequence of str
        Sentences, of safe text.
    tables : sequence of Table
        Below them.
    items : sequence of str
        A list below that.
    quoted : sequence of str
        Below that what a program has written, line by line.
    """

    title: str
    lines: Sequence[str] = ()
    tables: Sequence[Table] = ()
    items: Sequence[str] = ()
    quoted: Sequence[str] = ()


def name_of(job: Row) -> str:
    """Name a job: its name and its id."""
    name = job["job_name"]
    return (
        safe_text(job["job_id"]) if not name else f"{safe_text(name)} ({safe_text(job['job_id'])})"
    )


def facts_of(job: Row) -> list[str]:
    """Say whose job it is, and what it asked for."""
    team, user = job["team_name"], job["user_email"]
    owner = [f"project {safe_text(job['project_name'])}"]
    owner += [f"team {safe_text(team)}"] if team else []
    owner += [safe_text(user)] if user else []
    kind, nodes = job["gpu_type"], job["node_count"]
    gpus = f"{job['gpus']:,} {safe_text(kind) if kind else 'GPUs'}" if job["gpus"] else "no GPUs"
    asked = [gpus, f"{count(nodes, 'node')} of {safe_text(job['instance_type_id'])}"]
    asked += [safe_text(job["availability_model"])] if job["availability_model"] else []
    asked += [f"priority {job['priority']}"] if job["priority"] else []
    return [", ".join(owner), ", ".join(asked)]


def phases_of(story: Any) -> list[str]:
    """Say how sure the phases are, and what was lost."""
    phases, job, lost = story.phases, story.job, story.lost
    lines = []
    if not story.segments and phases["ended_at"] is None:
        lines.append("its times contradict each other: how long it took is not known")
    elif phases["basis"] != "none":
        off = phases["uncertainty_hours"]
        near = f", give or take {readable_hours(off)}" if off else ""
        lines.append(f"start as told by {_BASIS[phases['basis']]}{near}")
    elif phases["running_hours"] is None:
        lines.append("when it began to run is not known: the queue, samples or bills would tell")
    if job["gpu_hours"]:
        since = _HELD_SINCE[job["hours_basis"]]
        lines.append(f"{cell('gpu_hours', job['gpu_hours'])} GPU-hours, {since}")
    if lost is not None and lost["lost_hours"]:
        word = "lost" if lost["kind"] != "stopped" else "not saved when it was stopped"
        hours = cell("gpu_hours", lost["lost_gpu_hours"])
        lines.append(f"{readable_hours(lost['lost_hours'])} of work {word} ({hours} GPU-hours)")
    return lines


def sections_of(story: Any) -> list[Section]:
    """List the sections below the phases; those with nothing to say are left out."""
    makers: tuple[Callable[[Any], Section | None], ...] = (
        _gpus,
        _checkpoints,
        _cache,
        _cost,
        _queue,
        _attempts,
        _error,
        _log,
        _unknown,
        _advice,
    )
    return [section for maker in makers if (section := maker(story)) is not None]


def _gpus(story: Any) -> Section | None:
    gpus, usage, job = story.gpus, story.usage, story.job
    if not gpus:
        return None
    lines = [f"{len(gpus):,} of {count(job['gpus'], 'GPU')} measured"]
    if usage["measured_share"] is not None:
        lines[0] += f", for {cell('share', usage['measured_share'])} of the time held"
    mean = usage["mean_utilization"]
    if mean is not None:
        lines.append(f"mean utilisation {cell('share', mean)}")
    idle = sum(one.get("idle_gpu_hours") or 0.0 for one in gpus)
    if idle:
        usd = [one["idle_usd"] for one in gpus if one["idle_usd"] is not None]
        cost = f", {_usd(sum(usd))} at list price" if usd else ""
        lines.append(f"idle for {cell('gpu_hours', idle)} GPU-hours{cost}")
    many = len(gpus) > MANY_GPUS
    return Section("GPUs", lines, [_by_node(gpus) if many else _by_gpu(gpus)])


def _by_gpu(gpus: Rows) -> Table:
    rows = [
        [
            _node(one),
            f"{one['gpu']}",
            cell("share", one["mean_utilization"]),
            cell("max_memory_bytes", one["max_memory_bytes"]),
            cell("memory_bytes", one["memory_bytes"]),
            cell("share", one["max_memory_share"]),
            NULL if one.get("idle_gpu_hours") is None else readable_hours(one["idle_gpu_hours"]),
        ]
        for one in gpus
    ]
    heads = ["node", "GPU", "utilisation", "peak memory", "of", "share", "idle"]
    return Table(heads, rows, range(1, 7), [one["mean_utilization"] for one in gpus])


def _by_node(gpus: Rows) -> Table:
    rows = []
    for name in dict.fromkeys(one["node_id"] for one in gpus):
        own = [one for one in gpus if one["node_id"] == name]
        busy = [one["mean_utilization"] for one in own]
        peak = max((one["max_memory_bytes"] or 0 for one in own), default=0)
        share = max((one["max_memory_share"] or 0 for one in own), default=0)
        shown = " ".join(NULL if value is None else f"{value * 100:.0f}" for value in busy)
        memory = cell("max_memory_bytes", peak) if peak else NULL
        rows.append([_node(own[0]), shown, memory, cell("share", share) if share else NULL])
    return Table(["node", "utilisation of each GPU, %", "peak memory", "share"], rows, (2, 3))


def _node(one: Row) -> str:
    return NULL if one["node_id"] is None else safe_text(one["node_id"])


def _checkpoints(story: Any) -> Section | None:
    saved = story.checkpoints
    if not saved:
        has_run = story.job["status"] not in NOT_RUN
        return None if saved is None or not has_run else Section("Checkpoints", ["none saved"])
    last, phases = saved[-1], story.phases
    size = cell("size_bytes", sum(one["size_bytes"] for one in saved))
    line = f"{len(saved):,} saved, {size}; the last {_moment(last['created_at'])}"
    if phases["ended_at"] is not None and last["created_at"] <= phases["ended_at"]:
        before = (phases["ended_at"] - last["created_at"]).total_seconds() / 3600
        line += f", {readable_hours(before)} " + (
            "ago" if story.job["is_open"] else "before the end"
        )
    shown = saved[-3:]
    rows = [
        [
            safe_text(one["checkpoint_id"]),
            _moment(one["created_at"]),
            cell("size_bytes", one["size_bytes"]),
            NULL if one["sync_status"] is None else safe_text(one["sync_status"]).lower(),
        ]
        for one in shown
    ]
    heads = ["checkpoint" if len(saved) <= 3 else "last checkpoints", "saved", "size", "upload"]
    return Section("Checkpoints", [line], [Table(heads, rows, (2,))])


def _cache(story: Any) -> Section | None:
    cache = story.cache
    if cache is None:
        return None
    if not cache["files"]:
        return Section("Cache of its project", ["empty"])
    size = cell("size_bytes", cache["size_bytes"])
    lines = [f"{size} in {count(cache['files'], 'file')}"]
    if cache["latest_at"] is not None:
        lines[0] += f", last changed {_moment(cache['latest_at'])}"
    if cache["utilization"] is not None:
        lines.append(f"{cell('share', cache['utilization'])} full, as its samples say")
    return Section("Cache of its project", lines)


def _cost(story: Any) -> Section | None:
    cost, job = story.cost, story.job
    estimated, billed = cost.get("estimated_usd"), cost.get("billed_usd")
    if billed is None and job["status"] in FREE:
        return Section("Cost", ["nothing: only what has run is billed"])
    lines = []
    if estimated is not None:
        since = "" if not estimated else f", counted {_HELD_SINCE[job['hours_basis']]}"
        lines.append(f"estimated {_usd(estimated)} at list price{since}")
    elif "prices" not in story.missing:
        lines.append("no estimate: its price or its duration is not known")
    if billed is not None:
        lines.append(f"billed {_usd(billed)} for {cost['billed_minutes']:,.0f} min")
    elif "billing" not in story.missing and "reason" in cost:
        why = "" if cost["reason"] == "not billed" else f": {cost['reason']}"
        lines.append(f"not on the bill{why}")
    if estimated is not None and billed is not None:
        lines.append(f"estimate - bill = {_usd(cost['difference_usd'])}: {_gap(cost)}")
    if job["is_open"] and job["phase"] != "waiting" and cost.get("usd_per_hour"):
        lines.append(f"{_usd(cost['usd_per_hour'])} an hour at list price")
    return Section("Cost", lines) if lines else None


def _gap(cost: Row) -> str:
    """Say what estimate and bill differ by: the reason of `reconcile_cost` names no prices."""
    price = cost["price_usd"]
    if price is None or abs(price) < _CENT:
        return str(cost["reason"])
    overhead = cost["overhead_usd"]
    of_time = "" if abs(overhead) < _CENT else f"{_usd(overhead)} for time that is not billed, "
    return f"{of_time}{_usd(price)} for other prices than on the list"


def _queue(story: Any) -> Section | None:
    queue, job = story.queue, story.job
    waits = is_waiting(story)
    lines = []
    if queue is not None:
        verb = "has waited" if waits else "waited"
        wanted = f"{queue['requested_gpus']:,} {safe_text(queue['gpu_type'])}"
        lines.append(f"{verb} {readable_hours(queue['waited_hours'])} for {wanted}")
        held = f"{queue['active_gpus']:,}"
        limit = "" if queue["org_limit"] is None else f" of {queue['org_limit']:,}"
        lines.append(f"{held}{limit} GPUs were held when it was submitted")
    if queue is not None and queue["ahead_jobs"]:
        lines.append(
            f"{count(queue['ahead_jobs'], 'job')} ahead then, for {queue['ahead_gpus']:,} GPUs"
        )
    elif queue is not None:
        lines.append("nobody ahead then")
    if queue is not None and waits:
        place = queue["position"]
        lines.append(
            "its position now is not known" if place is None else f"position now: {place:,}"
        )
    if waits and job["error_message"]:
        lines.append(f"the API says: {safe_text(job['error_message'], _LONGEST)}")
    tables = []
    if story.ahead:
        tables.append(_people("ahead of it", story.ahead))
    if waits and story.holders:
        held = sum(one["gpus"] for one in story.holders)
        lines.append(
            f"{held:,} {safe_text(job['gpu_type'])} are held by {count(len(story.holders), 'job')}"
        )
        tables.append(_people("holds GPUs", story.holders))
    elif waits and job["gpu_type"]:
        lines.append(f"no job in the data holds {safe_text(job['gpu_type'])}")
    return Section("Queue", lines, tables) if lines else None


def _people(head: str, jobs: Rows) -> Table:
    rows = [
        [
            name_of(one),
            safe_text(one["project_name"] or NULL),
            safe_text(one["user_email"] or NULL),
            safe_text(one["status"] or NULL),
            cell("gpus", one["gpus"]),
        ]
        for one in jobs[:_FEW]
    ]
    if len(jobs) > _FEW:
        rows.append([f"and {len(jobs) - _FEW:,} more", "", "", "", f"{_sum(jobs[_FEW:]):,}"])
    return Table([head, "project", "user", "status", "GPUs"], rows, (4,))


def _sum(jobs: Rows) -> int:
    return sum(one["gpus"] or 0 for one in jobs)


def _attempts(story: Any) -> Section | None:
    chain = story.chain
    if len(chain) < 2:
        return None
    mine = next(row for row in chain if row["job_id"] == story.job["job_id"])
    facts = [
        f"attempt {mine['attempt']:,} of {mine['attempts']:,}",
        f"outcome {safe_text(mine['outcome'])}",
    ]
    if mine["wall_hours"] is not None:
        facts.append(
            f"{readable_hours(mine['wall_hours'])} from the first submission to the last end"
        )
    if mine["lost_hours"]:
        facts.append(f"{readable_hours(mine['lost_hours'])} lost")
    if mine["ettr"] is not None:
        facts.append(f"effective training time ratio {cell('share', mine['ettr'])}")
    at = chain.index(mine)
    start = max(min(at - _FEW, len(chain) - 2 * _FEW), 0)
    shown = chain[start : start + 2 * _FEW]
    rows = [
        [
            f"{row['attempt']:,}" + (" (this)" if row is mine else ""),
            safe_text(row["job_id"]),
            safe_text(row["job_name"] or NULL),
            safe_text(row["status"]),
            _moment(row["created_at"]),
        ]
        for row in shown
    ]
    title = "Attempts (jobs that seem to continue one another)"
    return Section(title, facts, [Table(["attempt", "job", "name", "status", "submitted"], rows)])


def _error(story: Any) -> Section | None:
    error, job = story.error, story.job
    last = story.events[-1] if story.events else None
    lines, quoted = [], []
    if error is not None:
        symptom = ", mostly the symptom of another failure" if error["is_symptom"] else ""
        lines.append(f"{error['category']}, origin {error['origin']}{symptom}")
        if error["told_by"] == "log":
            lines.append(f"no message; its log tells: {safe_text(error['error'], _LONGEST)}")
        else:
            quoted = _lines_of(job["error_message"])
            lines += [] if quoted else ["it ended without a message"]
    elif job["phase"] != "waiting":
        quoted = _lines_of(job["error_message"])
    if len(quoted) == 1:
        lines, quoted = [*lines, *quoted], []
    if last is not None and last["exit_code"] is not None and not job["is_open"]:
        lines.append(f"exit code {last['exit_code']:,}")
    title = "Error" if error is not None else "Message"
    return Section(title, lines, quoted=quoted) if lines or quoted else None


def _lines_of(text: str | None) -> list[str]:
    """Split a message into lines of safe text; of many, the first and the last tell most."""
    lines = [line.rstrip() for line in (text or "").strip().split("\n")]
    if len(lines) > _LINES:
        left_out = f"... {len(lines) - _LINES:,} lines left out ..."
        lines = [lines[0], left_out, *lines[1 - _LINES :]]
    return [safe_text(line, _LONGEST) for line in lines] if any(lines) else []


def _log(story: Any) -> Section | None:
    if not story.logs:
        return None
    shown = story.logs[-_LINES:]
    title = (
        "Log"
        if len(shown) == len(story.logs)
        else f"Log, the last {_LINES} of {len(story.logs):,} lines"
    )
    return Section(title, quoted=[_log_line(line) for line in shown])


def _log_line(line: Row) -> str:
    level = f"{safe_text(line['level'])} " if line["level"] else ""
    return (
        f"{line['timestamp']:%m-%d %H:%M:%S} {level}{safe_text(line['message'].rstrip(), _LONGEST)}"
    )


def _unknown(story: Any) -> Section | None:
    gaps = {name: why for name, why in story.missing.items() if why not in NATURAL}
    items = [f"{name}: {why}" for name, why in gaps.items()]
    items += [safe_text(note) for note in story.notes]
    return Section("Not known", items=items) if items else None


def _advice(story: Any) -> Section:
    return Section("What to do", items=[safe_text(one) for one in story.advice] or ["nothing"])


def _moment(moment: Any) -> str:
    return cell("created_at", moment)


def _usd(amount: float) -> str:
    return f"{cell('estimated_usd', amount)} USD"
