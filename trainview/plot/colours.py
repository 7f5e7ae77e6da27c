"""How statuses and groups look: colour, hatch and outline."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from trainview.statuses import PHASE_COLOURS, STATUS_HATCHES, STATUSES, UNKNOWN_PHASE

# A single series: neither a phase nor a group.
PLAIN = "#6C8EAD"
# Groups: seaborn's colour-blind palette without the greys, failure's vermilion late.
PALETTE = (
    "#0173B2",
    "#DE8F05",
    "#029E73",
    "#CC78BC",
    "#56B4E9",
    "#CA9161",
    "#ECE133",
    "#D55E00",
)
OTHERS = "#949494"
OTHERS_HATCH = "////"
DARK, LIGHT = "#1A1A1A", "#FFFFFF"
# The luminance from which dark is easier to read on it than light.
MIDDLE = 0.18
# For statuses that are not known, one after the other.
NEW_HATCHES = ("", "////", "||||", "xxxx", "----")


class Look(NamedTuple):
    """How an area is filled.

    Attributes
    ----------
    colour : str
        Of the area.
    hatch : str
        As Matplotlib writes it; empty for none.
    outlined : bool
        Whether it has an outline, because some background is of nearly the same colour.
    hollow : bool
        Whether it has nothing but an outline, and a hatch if there is one, of its colour.
    """

    colour: str
    hatch: str = ""
    outlined: bool = False
    hollow: bool = False

    def style(self) -> dict[str, Any]:
        """Give it as the properties of a patch; a hatch has the colour of the edge."""
        if self.hollow:
            return {
                "facecolor": "none",
                "edgecolor": self.colour,
                "hatch": self.hatch or None,
                "linewidth": 0.8,
                "hatch_linewidth": 0.6,
            }
        return {
            "facecolor": self.colour,
            "edgecolor": ink(self.colour),
            "hatch": self.hatch or None,
            "linewidth": 0.6 if self.outlined else 0.0,
            "hatch_linewidth": 0.6,
        }

    def sample(self) -> Patch:
        """Make a sample for a legend."""
        return Patch(**self.style())


def ink(colour: str) -> str:
    """Choose the colour, dark or light, that can be read on another."""
    red, green, blue = (part**2.2 for part in to_rgb(colour))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return DARK if luminance > MIDDLE else LIGHT


def phase_look(phase: str, hatch: str | None = None) -> Look:
    """Look a phase up; without a hatch of its own it looks like its first status."""
    if phase not in PHASE_COLOURS:
        phase = UNKNOWN_PHASE
    if hatch is None:
        labels = [status.label for status in STATUSES if status.phase == phase]
        hatch = STATUS_HATCHES[labels[0]] if labels else ""
    return Look(PHASE_COLOURS[phase], hatch, outlined=phase in {"waiting", UNKNOWN_PHASE})


def status_looks(statuses: Iterable[tuple[str, str]]) -> dict[str, Look]:
    """Put statuses into lifecycle order, and say how they look.

    Parameters
    ----------
    statuses : iterable of (str, str)
        Labels with their phases, in any order and number.

    Returns
    -------
    dict of str to Look
        By label; those that are not known come last.
    """
    phases = dict(statuses)
    known = [status.label for status in STATUSES if status.label in phases]
    new = sorted(set(phases).difference(known))
    looks = {label: phase_look(phases[label], STATUS_HATCHES[label]) for label in known}
    for number, label in enumerate(new):
        looks[label] = phase_look(phases[label], NEW_HATCHES[number % len(NEW_HATCHES)])
    return looks
