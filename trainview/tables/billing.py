"""What was billed for training, per job and day, to the last digit."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from trainview.errors import PayloadError
from trainview.reading.rejection import Rejection
from trainview.reading.times import format_time
from trainview.schema import MONEY, USAGE_ANSWER
from trainview.tables.answers import read_answer, to_table
from trainview.text.safe import safe_text

_KEYS = ("training_usage", "dedicated_usage", "model_apis_usage")
_SMALLEST = Decimal(1).scaleb(-MONEY.scale)


def read_billing(
    payload: bytes,
    name: str = "payload",
    month: datetime | None = None,
    *,
    rejected: list[Rejection] | None = None,
) -> pa.Table:
    """Read a summary of usage.

    No money is lost: what a job's days do not add up to, and what the jobs do not add up to, gets
    rows of its own, without a date or without a job.

    The jobs are compared with ``total``, what is to be paid. Credits are no difference: the API
    has ``subtotal`` "after applying credits used" and does not say whether a job's amount is
    before or after them, so jobs that add up to ``total``, to ``subtotal`` or to ``subtotal`` and
    ``credits_used`` are the whole bill. Where they add up to none of these, all rows together come
    to ``total``; a bill that names no job is one row of it.

    Parameters
    ----------
    payload : bytes
        What ``GET /v1/billing/usage_summary`` answers.
    name : str, optional
        What the payload is called in error messages.
    month : datetime.datetime, optional
        The first day of the month that was asked for, if it is known.
    rejected : list of Rejection, optional
        If given, records that do not fit are left out, and noted here.

    Returns
    -------
    pyarrow.Table
        The table ``billing``, deleted jobs included.

    Raises
    ------
    PayloadError
        If the payload is not what the API documents; with the path to the first fault.
    """
    answer = read_answer(payload, USAGE_ANSWER, name, rejected)
    if not any(key in answer for key in _KEYS):
        keys = ", ".join(safe_text(key, 60) for key in list(answer)[:10]) or "none"
        raise PayloadError(f"{name}: expected training_usage (keys: {keys}): is this a bill?")
    usage = answer.get("training_usage")
    rows = _rows(usage) if usage else []
    asked = {} if month is None else {"month": format_time(month)}
    return to_table("billing", (asked | row for row in rows))


def _rows(usage: Any) -> Iterator[dict[str, Any]]:
    jobs = usage.get("breakdown") or []
    for job in jobs:
        resource = job["billable_resource"]
        known = {
            "job_id": resource["id"],
            "job_name": resource.get("name"),
            "project_name": resource.get("model_name"),
            "instance_type": resource.get("instance_type"),
            "is_deleted": resource["is_deleted"],
        }
        days = job.get("daily") or []
        for day in days:
            date = f"{day['date']}T00:00:00Z"
            month = f"{day['date'][:-2]}01T00:00:00Z"
            yield known | {"month": month} | _amount(date, day["minutes"], day["subtotal"])
        yield from _rest(known, job, days)
    subtotal, credits_used = _money(usage["subtotal"]), _money(usage["credits_used"])
    billed = sum(_money(job["subtotal"]) for job in jobs)
    if not jobs or billed not in {subtotal, subtotal + credits_used}:
        yield from _rest({"is_deleted": False}, usage | {"subtotal": usage["total"]}, jobs)


def _rest(known: dict[str, Any], whole: Any, parts: list[Any]) -> Iterator[dict[str, Any]]:
    minutes = whole["minutes"] - sum(part["minutes"] for part in parts)
    money = _money(whole["subtotal"]) - sum(_money(part["subtotal"]) for part in parts)
    if money or (minutes and not parts):
        yield known | _amount(None, max(minutes, 0), money)


def _amount(date: str | None, minutes: int, subtotal: Any) -> dict[str, Any]:
    return {"date": date, "minutes": minutes, "subtotal_usd": _money(subtotal)}


def _money(amount: Any) -> Decimal:
    return Decimal(amount).quantize(_SMALLEST)
