"""From when the GPU-hours of jobs count, and so whether they are an upper bound."""

from typing import TYPE_CHECKING, NamedTuple

from trainview.text.shares import share

if TYPE_CHECKING:
    import pandas as pd

_WORDS = {
    "released": "from when jobs left the queue",
    "started": "from when they began to run",
    "submitted": "from submission, an upper bound",
}


class Basis(NamedTuple):
    """What share of GPU-hours, or of an estimate, counts from when.

    Attributes
    ----------
    released : float
        From when jobs were released from the queue; NaN, as all of them, where there are none.
    started : float
        From when they began to run: without their deployment.
    submitted : float
        From when they were submitted: an upper bound, with their time in the queue.
    """

    released: float
    started: float
    submitted: float

    def words(self) -> str:
        """Say it, to follow “GPU-hours count”; empty where there are none.

        Examples
        --------
        >>> Basis(0.9, 0.0, 0.1).words()
        'from when jobs left the queue (90%), from submission, an upper bound (10%)'
        >>> Basis(0.0, 0.0, 1.0).words()
        'from submission, an upper bound'
        """
        parts = {name: part for name, part in self._asdict().items() if part > 0}
        if len(parts) < 2:
            return "".join(_WORDS[name] for name in parts)
        return ", ".join(f"{_WORDS[name]} ({share(part)})" for name, part in parts.items())


def basis_of(amounts: "pd.Series[float]", bases: "pd.Series[str] | None") -> Basis:
    """Sum up amounts by their basis.

    Parameters
    ----------
    amounts : pandas.Series
        GPU-hours or money.
    bases : pandas.Series or None
        Their ``hours_basis``; None where nobody refined them: then all count from submission.

    Returns
    -------
    Basis
        The shares.
    """
    total = amounts.sum()
    if not total > 0:
        return Basis(*[float("nan")] * 3)
    if bases is None:
        return Basis(0.0, 0.0, 1.0)
    sums = amounts.groupby(bases).sum()
    return Basis(*(float(sums.get(name, 0.0) / total) for name in Basis._fields))
