"""What the last look changed of what is shown."""

from typing import Any, NamedTuple

import pandas as pd

from trainview.cli.dashboard import Before
from trainview.cli.looks import Look
from trainview.cli.sources import Source
from trainview.snapshot import Snapshot, job_changes
from trainview.text.safe import safe_text


class News(NamedTuple):
    """A look beside the one before.

    Attributes
    ----------
    source : Source
        What is shown.
    snapshot : Snapshot or None
        All jobs, those too that the filters of `source` leave out for their status or time.
    shown : Snapshot or None
        What is shown of it.
    before : Before or None
        What was shown of the look before.
    changes : pandas.DataFrame or None
        As `job_changes` lists them; none after the first look.
    moment : pandas.Timestamp or None
        The moment that the look describes; where nothing tells that, the one at which it was made.
    """

    source: Source
    snapshot: Snapshot | None = None
    shown: Snapshot | None = None
    before: Before | None = None
    changes: pd.DataFrame | None = None
    moment: pd.Timestamp | None = None

    def after(self, look: Look) -> "News":
        """Go on with a look that succeeded."""
        snapshot = look.snapshot
        assert snapshot is not None  # noqa: S101 - for mypy: those that failed do not come here
        shown = self.source.filters.cut(self.source.filters.select(snapshot))
        changes = job_changes(self.snapshot or snapshot, snapshot)
        ids = [part.jobs["job_id"] for part in (self.shown, shown) if part is not None]
        changes = changes[changes["job_id"].isin(pd.concat(ids))].reset_index(drop=True)
        moment = snapshot.as_of if snapshot.as_of is not None else pd.Timestamp(look.at)
        before = None if self.shown is None else Before.of(self.shown)
        return News(self.source, snapshot, shown, before, changes, moment)


def status_words(change: dict[Any, Any]) -> str:
    """Say from which status to which a job went."""
    statuses = (change["status_before"], change["status"])
    return " -> ".join(safe_text(status, 60) for status in statuses if isinstance(status, str))


def error_words(change: dict[Any, Any]) -> str:
    """Quote the beginning of why it failed."""
    error = change["error_message"]
    if not (isinstance(error, str) and error.strip()):
        return ""
    text = " ".join(error.split())
    return f": {safe_text(text if len(text) <= 120 else text[:119] + '…')}"
