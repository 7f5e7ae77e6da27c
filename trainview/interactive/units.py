"""The units of columns, for the heads of tables."""

from collections.abc import Sequence

from trainview.schema import TABLES, TIME

_KNOWN: dict[str, set[str]] = {}
for _schema in TABLES.values():
    for _field in _schema:
        _unit = "UTC" if _field.type == TIME else _field.metadata[b"unit"].decode()
        _KNOWN.setdefault(_field.name, set()).add(_unit)
# Columns of helpers say their unit by the end of their name; the first that fits counts.
_ENDS = {
    "gpu_hours": "GPU h",
    "hours": "h",
    "minutes": "min",
    "seconds": "s",
    "usd_per_minute": "USD/min",
    "usd_per_hour": "USD/h",
    "usd_per_day": "USD/day",
    "usd_per_day_7d": "USD/day",
    "usd_per_day_28d": "USD/day",
    "usd": "USD",
    "mib": "MiB",
    "gpus": "GPUs",
    "wait": "h",
}
_SIDES = ("_before", "_after", "_difference", "_with_extra")
# The spread of elapsed times, of which no name says that they are hours.
_SPREAD = ("mean", "p50", "p90", "p99", "max")


def unit_of(name: str, among: Sequence[str] = ()) -> str:
    """Tell the unit of a column.

    Parameters
    ----------
    name : str
        Of one of our tables, or of what a helper gives.
    among : sequence of str, optional
        All columns of the table.

    Returns
    -------
    str
        Empty where there is none, where the values tell it themselves (shares, sizes), or where
        nobody knows it.

    Examples
    --------
    >>> unit_of("gpu_hours"), unit_of("estimated_usd"), unit_of("created_at"), unit_of("share")
    ('GPU h', 'USD', 'UTC', '')
    """
    for side in _SIDES:
        name = name.removesuffix(side)
    known = _KNOWN.get(name, set())
    if len(known) == 1:
        [unit] = known
        return "" if unit == "bytes" else unit
    if name in _SPREAD and {"p50", "p90", "p99"} <= set(among):
        return "h"
    ends = (unit for end, unit in _ENDS.items() if name == end or name.endswith(f"_{end}"))
    return next(ends, "")
