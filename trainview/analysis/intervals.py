"""How sure a failure rate is: the interval of E. B. Wilson, 1927, as `failure_rates` tells it."""

from collections.abc import Callable
from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np

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
    if counts.implementation.is_pandas():
        table: Any = counts.to_native()
        n = table["finished"].astype("float64").where(table["finished"] > 0)
        reach = _reach(table["failed"], n, np.sqrt)
        found = _interval(table["failed"], n, reach, np.where)
        return cast("Frame", nw.from_native(table.assign(**found), eager_only=True))
    known = nw.when(nw.col("finished") > 0).then(nw.col("finished").cast(nw.Float64))
    counts = counts.with_columns(__n=known)
    failed, n = nw.col("failed"), nw.col("__n")
    # In a step of its own: Spark writes what is divided four times.
    counts = counts.with_columns(__reach=_reach(failed, n, lambda value: value.sqrt()))
    counts = counts.with_columns(**_interval(failed, n, nw.col("__reach"), _where))
    return counts.drop("__n", "__reach")


def _where(condition: nw.Expr, value: nw.Expr, other: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(value).otherwise(other)


def _reach(failed: Any, n: Any, sqrt: Callable[[Any], Any]) -> Any:
    """Write how far the bounds are from their centre, times the number of jobs."""
    return sqrt(failed * (n - failed) / n + Z_95**2 / 4) * Z_95


def _interval(
    failed: Any, n: Any, reach: Any, where: Callable[[Any, Any, Any], Any]
) -> dict[str, Any]:
    """Write the rate and its bounds, of columns or as expressions; `n` is null instead of 0."""
    z2 = Z_95**2
    # Multiplied by the number of jobs, for few divisions: Spark takes long to plan many.
    centre = failed + z2 / 2
    return {
        "failure_rate": failed / n,
        "low": where(failed > 0, ((centre - reach) / (n + z2)).clip(0, 1), n * 0),
        "high": where(failed < n, ((centre + reach) / (n + z2)).clip(0, 1), n * 0 + 1),
    }
