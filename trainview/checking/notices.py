"""What a webhook is told of checks that are repeated: each breach once, and when it is over.

A breach is a rule with its limit, not a job: one more job beyond the limit is no news. What is
known between two checks is plain data, by the name of the breach: since when it is there, and when
it was told last.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd

from trainview import __version__
from trainview.checking.wording import line_of

_TITLES = {"broken": "Broken", "reminder": "Still broken", "resolved": "Resolved"}
_LONGEST_LINE = 500
# Slack cuts a message in two behind this many characters.
_LONGEST_SLACK = 4_000

Known = Mapping[str, Mapping[str, str]]


class Notice(NamedTuple):
    """Something to tell.

    Attributes
    ----------
    event : str
        ``broken``, ``reminder`` or ``resolved``.
    row : namedtuple
        What the check found.
    since : str
        When the breach was found first, in ISO 8601.
    """

    event: str
    row: Any
    since: str

    def line(self) -> str:
        """Write it as a line."""
        text = f"{_TITLES[self.event]}: {line_of(self.row)}"
        return text if len(text) <= _LONGEST_LINE else f"{text[: _LONGEST_LINE - 1]}…"


def due(
    found: pd.DataFrame, known: Known, now: datetime, remind: timedelta | None = None
) -> tuple[list[Notice], dict[str, dict[str, str]]]:
    """Tell what there is to tell.

    Parameters
    ----------
    found : pandas.DataFrame
        What `trainview.check` found.
    known : mapping
        What was told before.
    now : datetime.datetime
        When the check was made.
    remind : datetime.timedelta, optional
        Tell again what was told so long ago and still is broken; never when left out.

    Returns
    -------
    notices : list of Notice
        In the order of the rules. A rule that is unproven is neither broken nor resolved: what was
        told of it stays.
    known : dict
        What is known once that is told.
    """
    notices, after = [], {name: dict(breach) for name, breach in known.items()}
    moment = now.isoformat(timespec="seconds")
    rows: Any = found.itertuples(index=False)
    for row in rows:
        name = breach_name(row)
        before = after.get(name)
        if row.verdict == "broken":
            if before is None:
                after[name] = {"since": moment, "told_at": moment}
                notices.append(Notice("broken", row, moment))
            elif remind is not None and now - _moment(before["told_at"]) >= remind:
                before["told_at"] = moment
                notices.append(Notice("reminder", row, before["since"]))
        elif row.verdict == "holds" and before is not None:
            del after[name]
            notices.append(Notice("resolved", row, before["since"]))
    return notices, after


def breach_name(row: Any) -> str:
    """Name the breach that a row may be: the rule with its limit."""
    return json.dumps([str(row.rule), float(row.limit)])


def read_known(content: bytes | None) -> dict[str, dict[str, str]]:
    """Read what was told before.

    Parameters
    ----------
    content : bytes or None
        What `write_known` gave; None where nothing was told.

    Returns
    -------
    dict
        As `due` takes it.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if content is None:
        return {}
    try:
        breaches = json.loads(content)["breaches"]
        return {
            str(name): {key: _moment(breach[key]).isoformat() for key in ("since", "told_at")}
            for name, breach in breaches.items()
        }
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def write_known(known: Known) -> bytes:
    """Write what was told, for `read_known`."""
    return (json.dumps({"breaches": known}, indent=1) + "\n").encode()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def to_json(
    notices: Sequence[Notice], source: str, as_of: pd.Timestamp | None, scope: str
) -> dict[str, Any]:
    """Write notices for a program.

    Parameters
    ----------
    notices : sequence of Notice
        What to tell.
    source : str
        What was checked, in words.
    as_of : pandas.Timestamp or None
        The moment it describes.
    scope : str
        What tells this check from others.

    Returns
    -------
    dict
        ``text`` for people, and ``alerts``, one a notice: ``event``, ``breach`` (the same in all
        that is told of one), ``since``, and what the check found of the rule.
    """
    return {
        "sender": "trainview",
        "version": __version__,
        "source": source,
        "as_of": None if as_of is None else as_of.isoformat(),
        "text": "\n".join(notice.line() for notice in notices),
        "alerts": [
            {
                "event": notice.event,
                "breach": f"{scope[:16]} {breach_name(notice.row)}",
                "since": notice.since,
                "rule": notice.row.rule,
                "value": None if math.isnan(notice.row.value) else notice.row.value,
                "limit": notice.row.limit,
                "unit": notice.row.unit,
                "detail": notice.row.detail,
            }
            for notice in notices
        ],
    }


def to_slack(notices: Sequence[Notice], source: str, as_of: pd.Timestamp | None) -> dict[str, Any]:
    """Write notices as Slack's incoming webhooks take them; nobody is mentioned by a name in it.

    Parameters
    ----------
    notices, source, as_of
        As for `to_json`.

    Returns
    -------
    dict
        ``text``, with the signs that mean something to Slack as it wants them, and no mark-up.
    """
    when = "" if as_of is None else f", as of {as_of:%Y-%m-%d %H:%M} UTC"
    head = f"trainview check, {source}{when}"
    text = "\n".join([head, *(notice.line() for notice in notices)])
    text = text if len(text) <= _LONGEST_SLACK else f"{text[: _LONGEST_SLACK - 1]}…"
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, written)
    return {"text": text, "mrkdwn": False}
