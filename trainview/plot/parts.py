"""What a bar of a job is made of: queue, deployment and run, as far as that is known."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.colors import to_hex, to_rgba

from trainview.plot.colours import Look
from trainview.plot.results import Numbers, moments, texts
from trainview.statuses import STATUSES

TIMES = ("released_at", "started_at")
QUEUE, EITHER, DEPLOYMENT = "queue", "queue/deploy", "deploy"
RUN, RUN_OR_UNKNOWN = "run", "run or unknown"
# Of the samples in a legend: the colour of no phase.
NEUTRAL = "#6F6F6F"
# How much of its colour is left of the light part of a bar.
LIGHT = 0.35
# Jobs with these statuses have not run: what follows their release is deployment.
NOT_RUN = [status.label for status in STATUSES if status.label in {"deploying", "deploy-failed"}]


class Parts(NamedTuple):
    """What comes before the full part of each bar.

    Attributes
    ----------
    full : numpy.ndarray of float64
        From when on each is full, as one of Matplotlib's dates: from its run, or from where nothing
        more is known.
    spans : dict of str to tuple of numpy.ndarray
        For each kind of part from when to when it goes; where there is none, both are equal.
    is_known : bool
        Whether all that is full is known to be a run.
    """

    full: Numbers
    spans: dict[str, tuple[Numbers, Numbers]]
    is_known: bool

    def samples(self) -> dict[str, Look]:
        """Explain the parts; where there are none but full ones, nothing needs to be said."""
        drawn = [name for name, (left, right) in self.spans.items() if (left < right).any()]
        if not drawn:
            return {}
        grey = Look(NEUTRAL)
        full = {RUN if self.is_known else RUN_OR_UNKNOWN: grey}
        return {name: part_look(name, grey) for name in drawn} | full


def split(
    table: pd.DataFrame, start: Numbers, end: Numbers, phase: npt.NDArray[np.object_]
) -> Parts:
    """Split bars where jobs were released, and where they began to run.

    Parameters
    ----------
    table : pandas.DataFrame
        Jobs, with `TIMES` and ``status`` as far as they are there.
    start, end : numpy.ndarray of float64
        Of their bars, as Matplotlib's dates.
    phase : numpy.ndarray of object
        Of each job, as the statuses have it.

    Returns
    -------
    Parts
        Times outside of a bar, or in the wrong order, count as not known.
    """
    released, started = (
        moments(table, name)[0] if name in table else np.full(len(table), np.nan) for name in TIMES
    )
    waits = phase == "waiting"
    started = np.where((started >= start) & (started <= end) & ~waits, started, np.nan)
    latest = np.fmin(started, end)
    released = np.where((released >= start) & (released <= latest) & ~waits, released, np.nan)
    status = np.array(texts(table, "status") if "status" in table else phase, dtype=object)
    deploys = np.isin(status, NOT_RUN) | (phase == "starting")
    has_started, is_released = ~np.isnan(started), ~np.isnan(released)
    full = np.where(deploys, end, np.where(is_released, released, start))
    full = np.where(has_started, started, np.where(is_released, full, start))
    either = has_started & ~is_released
    is_full = (full < end) & ~waits
    return Parts(
        full,
        {
            QUEUE: (start, np.where(is_released, released, start)),
            EITHER: (start, np.where(either, started, start)),
            DEPLOYMENT: (np.where(is_released, released, full), full),
        },
        is_known=bool(has_started[is_full].all()),
    )


def part_look(name: str, look: Look) -> Look:
    """Give the look of a part of a bar: hollow in the queue, light while it deploys."""
    if name == DEPLOYMENT:
        return look._replace(colour=to_hex(to_rgba(look.colour, LIGHT), keep_alpha=True))
    return Look(look.colour, "////" if name == EITHER else "", hollow=True)
