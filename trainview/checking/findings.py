"""What the rules look at, and what they find."""

from datetime import datetime
from typing import NamedTuple

from trainview.snapshot import Snapshot
from trainview.text.safe import safe_text

# The share of what there is that has to be known before a rule can be said to hold.
ENOUGH = 0.5


class Context(NamedTuple):
    """What the rules look at.

    Attributes
    ----------
    snapshot : Snapshot
        All there is.
    window : Snapshot
        What lies in the window of time that they speak of.
    since : datetime.datetime or None
        Where that begins.
    """

    snapshot: Snapshot
    window: Snapshot
    since: datetime | None


class Finding(NamedTuple):
    """What a rule found.

    Attributes
    ----------
    value : float or None
        None where there is nothing to measure.
    story : str
        What the value is made of.
    gaps : tuple of str
        What is missing in it.
    can_hold, can_break : bool
        Whether a value within the limit proves that the rule holds, and one beyond it that it is
        broken.
    """

    value: float | None
    story: str
    gaps: tuple[str, ...] = ()
    can_hold: bool = True
    can_break: bool = True


def named(name: object) -> str:
    """Give a name as text for people, on one line."""
    return safe_text(name).strip() or '""'
