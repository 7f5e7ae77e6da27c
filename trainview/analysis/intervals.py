"""How sure a failure rate is: the interval of E. B. Wilson, 1927, as `failure_rates` tells it."""

import narwhals.stable.v2 as nw

from trainview.analysis.frames import Frame

# The quantile of the normal distribution that leaves 2.5% on either side.
Z_95 = 1.959963984540054


def with_interval(counts: Frame) -> Frame:
    """Add the failure rate of counted jobs, and the bounds it has with 95% confidence.

    Parameters
    ----------
    counts : narwhals frame
        One row a group, with ``finished`` and ``failed`` (int64).

    Returns
    -------
    narwhals frame
        With ``failure_rate``, ``low`` and ``high`` (float64), 0 to 1; null where none finished.
    """
    counts = counts.with_columns(
        __n=nw.when(nw.col("finished") > 0).then(nw.col("finished").cast(nw.Float64))
    )
    n, z2 = nw.col("__n"), Z_95**2
    counts = counts.with_columns(failure_rate=nw.col("failed") / n)
    rate = nw.col("failure_rate")
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    reach = (rate * (1 - rate) / n + z2 / (4 * n * n)).sqrt() * Z_95 / (1 + z2 / n)
    counts = counts.with_columns(
        low=nw.when(nw.col("failed") > 0).then((centre - reach).clip(0, 1)).otherwise(n * 0),
        high=nw.when(nw.col("failed") < n).then((centre + reach).clip(0, 1)).otherwise(n * 0 + 1),
    )
    return counts.drop("__n")
