"""Tell a webhook what checks find: with what is known from one check to the next."""

import json
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pandas as pd

from trainview.api.webhook import WebhookUrl, post_json
from trainview.checking.notices import Notice, due, read_known, to_json, to_slack, write_known
from trainview.errors import DataWarning
from trainview.files.cache import default_folder, open_folder
from trainview.history.places import Place, alone, find_place, read_bytes, write_file

# Hive and Spark take what begins so for no part of a table.
_FOLDER = "_notified"


def notify(
    found: pd.DataFrame,
    webhook: WebhookUrl,
    *,
    checked: Sequence[Any],
    source: str,
    as_of: pd.Timestamp | None,
    history: Place | None = None,
    form: str = "json",
    remind: timedelta | None = None,
) -> list[Notice]:
    """Tell a webhook each breach once, and when it is over.

    What it was told is kept in the history that was checked, else in the user's cache folder, and
    only once the webhook has taken it.

    Parameters
    ----------
    found : pandas.DataFrame
        What `trainview.check` found.
    webhook : WebhookUrl
        Where to tell it.
    checked : sequence
        What tells this check from others, as ``json`` writes it.
    source : str
        The same in words.
    as_of : pandas.Timestamp or None
        The moment that was checked.
    history : Place, optional
        The history that was checked.
    form : str, optional
        ``json`` or ``slack``.
    remind : datetime.timedelta, optional
        As for `due`.

    Returns
    -------
    list of Notice
        What was told, in one message; none is sent where there is nothing to tell.

    Raises
    ------
    ApiError, NetworkError
        If the webhook did not take it: the next check tells it.
    SourceError
        If the place where that is kept cannot be reached.
    OutputError
        If what was told cannot be kept: the next check tells it again.

    Warns
    -----
    DataWarning
        If what was told before is damaged: what is broken is told once more.
    """
    scope = sha256(json.dumps([webhook.fingerprint(), *checked]).encode()).hexdigest()
    if history is None:
        folder = default_folder()
        open_folder(folder)
        history = find_place(folder)
    name = f"{_FOLDER}/{scope[:32]}.json"
    is_broken = bool((found["verdict"] == "broken").any())
    with alone(history, _FOLDER, make=is_broken):
        try:
            known = read_known(read_bytes(history, name))
        except ValueError:
            message = f"{history.shown}/{name} is damaged: what is broken is told once more"
            warnings.warn(message, DataWarning, stacklevel=2)
            known = {}
        notices, after = due(found, known, datetime.now(UTC), remind)
        if notices:
            if form == "slack":
                body = to_slack(notices, source, as_of)
            else:
                body = to_json(notices, source, as_of, scope)
            post_json(webhook, body)
            write_file(history, name, write_known(after))
    return notices
