"""Changes as lines, for pipes and terminals that cannot draw."""

import json
from collections.abc import Iterator
from typing import Any

from trainview.cli.looks import Look, in_words
from trainview.cli.news import News, error_words, status_words
from trainview.cli.options import say
from trainview.cli.sources import Source
from trainview.text.safe import count, safe_text


def lines_of(looks: Iterator[Look], source: Source, form: str) -> Iterator[str]:
    """Give a line for each change; what else there is to say goes to standard error.

    Parameters
    ----------
    looks : iterator of Look
        As they end.
    source : Source
        What is shown.
    form : str
        ``json`` for a JSON object a line.

    Yields
    ------
    str
        A line.
    """
    news, failed, warned = News(source), 0, set[str]()
    for look in looks:
        if look.snapshot is None:
            say(f"the look at {look.at:%H:%M:%S} UTC failed: {in_words(look.error)}")
        else:
            for warning in look.warnings:
                if warning not in warned:
                    say(f"warning: {in_words(warning)}")
            warned.update(look.warnings)
            is_first = news.snapshot is None
            news = news.after(look)
            if is_first or failed:
                say(_state(news))
            changes: Any = news.changes
            for change in changes.to_dict("records"):
                change["at"] = news.moment
                yield _json(change) if form == "json" else _line(change)
        failed = look.failed


def _state(news: Any) -> str:
    jobs = news.shown.jobs
    now = jobs[jobs["is_open"]]
    waiting = (now["phase"] == "waiting").sum()
    held = now.loc[now["phase"].isin(["starting", "running"]), "gpus"].sum()
    return (
        f"{news.moment:%Y-%m-%d %H:%M:%S} UTC: {count(len(jobs), 'job')}, {len(now):,} open, "
        f"{waiting:,} waiting, {count(int(held), 'GPU')} held"
    )


def _json(change: dict[str, Any]) -> str:
    at = change.pop("at").isoformat()
    plain = {name: value if isinstance(value, str) else None for name, value in change.items()}
    return json.dumps({"at": at, **plain}, ensure_ascii=False)


def _line(change: dict[str, Any]) -> str:
    return (
        f"{change['at']:%Y-%m-%d %H:%M:%S} {change['change']:<8} {_job_words(change)}: "
        f"{status_words(change)}{error_words(change)}"
    )


def _job_words(change: dict[Any, Any]) -> str:
    """Name a job and its project."""
    name, job_id = change["job_name"], safe_text(change["job_id"])
    job = f"{safe_text(name)} ({job_id})" if isinstance(name, str) and name.strip() else job_id
    return f"{job} of {safe_text(change['project_name'])}"
