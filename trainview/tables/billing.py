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

# The parts of an answer, and what is used in each.
PRODUCTS = {
    "training_usage": "training",
    "dedicated_usage": "dedicated deployments",
    "model_apis_usage": "model APIs",
}
# What is read of a bill whose sums cannot be.
_WITHOUT_TOTALS = pa.schema(
    [pa.field(part.name, pa.struct([part.type.field("breakdown")])) for part in USAGE_ANSWER]
)
_TOTALS = [
    field for field in USAGE_ANSWER.field("training_usage").type if field.name != "breakdown"
]
_SMALLEST = Decimal(1).scaleb(-MONEY.scale)
# What may stand on a bill for training, and is no training job: of Loops, and of deployments.
_NO_JOBS = ("LOOPS_", "MODEL_DEPLOYMENT", "CHAINLET")


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
    return read_bill(payload, name, month, rejected=rejected)[0]


def read_bill(
    payload: bytes,
    name: str = "payload",
    month: datetime | None = None,
    *,
    rejected: list[Rejection] | None = None,
) -> tuple[pa.Table, list[str]]:
    """Read a summary of usage as `read_billing` does, and tell what else is on it.

    Returns
    -------
    table : pyarrow.Table
        The table ``billing``.
    notes : list of str
        A sentence about what is billed for other products than training, if there is something.
    """
    try:
        answer = read_answer(payload, USAGE_ANSWER, name, rejected)
    except PayloadError:
        if rejected is None:
            raise
        answer = read_answer(payload, _WITHOUT_TOTALS, name, rejected)
        answer["training_usage"] = _with_good_totals(
            payload, name, answer["training_usage"], rejected
        )
    if not any(key in answer for key in PRODUCTS):
        keys = ", ".join(safe_text(key, 60) for key in list(answer)[:10]) or "none"
        raise PayloadError(f"{name}: expected training_usage (keys: {keys}): is this a bill?")
    usage = answer.get("training_usage")
    asked = None if month is None else format_time(month)
    rows = _rows(usage, asked) if usage else []
    return to_table("billing", rows), _note_others(answer, name)


def _with_good_totals(
    payload: bytes, name: str, usage: Any, rejected: list[Rejection]
) -> dict[str, Any]:
    kept = {"breakdown": usage.get("breakdown")}
    for field in _TOTALS:
        alone = pa.schema([pa.field("training_usage", pa.struct([field]))])
        try:
            kept[field.name] = read_answer(payload, alone, name)["training_usage"][field.name]
        except PayloadError as error:
            path, _, reason = str(error).removeprefix(f"{name}: ").partition(": ")
            if field.name == "total" and not kept["breakdown"]:
                # nothing is left of such a bill
                raise
            rejected.append(Rejection(name, path, None, None, reason))
    return kept


def _note_others(answer: Any, name: str) -> list[str]:
    """Tell what is billed for other products, which the table does not have."""
    others = {key: usage for key, usage in answer.items() if key.endswith("_usage") and usage}
    others.pop("training_usage", None)
    amounts = []
    for key, usage in others.items():
        what = PRODUCTS.get(key) or safe_text(key, 60).removesuffix("_usage").replace("_", " ")
        try:
            usd = _money(usage["total"])
        except (TypeError, KeyError, ValueError, ArithmeticError):
            amounts.append(f"an unknown amount for {what}")
            continue
        if usd:
            amounts.append(f"{usd:,.2f} USD for {what}")
    return [f"{name}: {' and '.join(amounts)}, not in the billing table"] if amounts else []


def _rows(usage: Any, asked: str | None) -> Iterator[dict[str, Any]]:
    """Give the rows of a bill; what has no day is of the month asked for, else of its days'."""
    jobs = usage.get("breakdown") or []
    all_days = [day for job in jobs for day in job.get("daily") or []]
    for job in jobs:
        days = job.get("daily") or []
        known = _resource(job["billable_resource"])
        for day in days:
            date, month = f"{day['date']}T00:00:00Z", _month(day)
            yield known | {"month": month} | _amount(date, day["minutes"], day["subtotal"])
        yield from _rest(known | {"month": asked or _only_month(days or all_days)}, job, days)
    if "total" not in usage:
        return
    known = {name: _money(usage[name]) for name in ("subtotal", "credits_used") if name in usage}
    whole = [known["subtotal"], sum(known.values())] if "subtotal" in known else []
    billed = sum(_money(job["subtotal"]) for job in jobs)
    if not jobs or billed not in whole:
        unassigned = {"is_deleted": False, "month": asked or _only_month(all_days)}
        minutes = usage.get("minutes", sum(job["minutes"] for job in jobs))
        yield from _rest(unassigned, {"subtotal": usage["total"], "minutes": minutes}, jobs)


def _resource(resource: Any) -> dict[str, Any]:
    kind = resource.get("kind")
    is_job = kind is None or not kind.startswith(_NO_JOBS)
    more = ("instance_type", "team_id", "team_name", "model_id", "base_model")
    return {
        "job_id": resource["id"] if is_job else None,
        "resource_id": resource["id"],
        "kind": kind,
        "job_name": resource.get("name"),
        "project_name": resource.get("model_name"),
        "is_deleted": resource["is_deleted"],
        **{name: resource.get(name) for name in more},
    }


def _month(day: Any) -> str:
    return f"{day['date'][:-2]}01T00:00:00Z"


def _only_month(days: list[Any]) -> str | None:
    """Give the first day of the month that all of the days are in, if there is one."""
    months = {_month(day) for day in days}
    return months.pop() if len(months) == 1 else None


def _rest(known: dict[str, Any], whole: Any, parts: list[Any]) -> Iterator[dict[str, Any]]:
    minutes = whole["minutes"] - sum(part["minutes"] for part in parts)
    money = _money(whole["subtotal"]) - sum(_money(part["subtotal"]) for part in parts)
    if money or (minutes and not parts):
        yield known | _amount(None, max(minutes, 0), money)


def _amount(date: str | None, minutes: int, subtotal: Any) -> dict[str, Any]:
    return {"date": date, "minutes": minutes, "subtotal_usd": _money(subtotal)}


def _money(amount: Any) -> Decimal:
    return Decimal(amount).quantize(_SMALLEST)
