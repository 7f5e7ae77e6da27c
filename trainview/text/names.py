"""Names that do not exist, and those that were probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """Suggest names for one that does not exist.

    Parameters
    ----------
    name : str
        What was asked for.
    known : iterable of str
        What there is.

    Returns
    -------
    str
        The end of an error message, with at most two names; empty where none is near.

    Examples
    --------
    >>> did_you_mean("team", ["job_id", "team_name"])
    "; did you mean 'team_name'?"
    >>> did_you_mean("colour", ["job_id", "team_name"])
    ''
    """
    plain: dict[str, str] = {}
    for candidate in map(str, known):
        plain.setdefault(_plain(candidate), candidate)
    asked = _plain(str(name))
    if not asked:
        return ""
    # a name of several words is often asked for by one of them, and mostly it is a name
    parts = [key for key in plain if f"_{asked}_" in f"_{key}_"]
    parts.sort(key=lambda key: (not key.endswith("_name"), len(key)))
    near = [*parts, *get_close_matches(asked, plain, n=2, cutoff=0.7)]
    found = list(dict.fromkeys(near))[:2]
    return f"; did you mean {' or '.join(repr(plain[key]) for key in found)}?" if found else ""


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")
