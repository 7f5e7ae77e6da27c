"""Quantiles of the chi-square distribution with an even number of degrees of freedom."""

import math

import numpy as np

_STEPS = 200


def chi_square_quantile(share: float, degrees: int) -> float:
    """Find the value that a chi-square variable stays below with a given probability.

    With 2n degrees of freedom it is below x exactly if a Poisson variable of mean x / 2 is at least
    n, which is a finite sum: M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions"
    (1964), 26.4.21.

    Parameters
    ----------
    share : float
        The probability, above 0 and below 1.
    degrees : int
        Degrees of freedom, even and above 0.

    Returns
    -------
    float
        The quantile.

    Examples
    --------
    >>> round(chi_square_quantile(0.95, 2), 6)
    5.991465
    """
    count = degrees // 2
    numbers = np.arange(count)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(numbers[1:]))])

    def above(mean: float) -> float:
        """Tell how likely a Poisson variable is to stay below the count."""
        return float(np.exp(numbers * math.log(mean) - mean - factorials).sum())

    low, high = 0.0, count + 20.0 * math.sqrt(count) + 100.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if above(middle) > 1 - share else (low, middle)
    return low + high
