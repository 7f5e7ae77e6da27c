"""Gauges as OpenMetrics text, which Prometheus and its node-exporter read."""

from trainview.checking.gauges import Gauge, gauges_of
from trainview.snapshot import Snapshot


def to_openmetrics(snapshot: Snapshot | None, failed_looks: int = 0) -> str:
    r"""Write the live state of a fleet as OpenMetrics text.

    It is Prometheus' own text format too: what only OpenMetrics has is a comment there.

    Parameters
    ----------
    snapshot : Snapshot or None
        The last look; None where none has succeeded yet.
    failed_looks : int, optional
        How many looks have failed since then.

    Returns
    -------
    str
        As OpenMetrics 1.0 wants it, with ``# EOF`` at its end. Gauges of what is so now alone:
        counts of what has ended cannot be told by gauges, since they do not only rise.

    Examples
    --------
    >>> print(to_openmetrics(None, 3), end="")
    # TYPE trainview_failed_looks gauge
    # HELP trainview_failed_looks Looks that have failed since the last one that succeeded.
    trainview_failed_looks 3
    # EOF
    """
    lines = [line for gauge in gauges_of(snapshot, failed_looks) for line in _lines(gauge)]
    return "\n".join([*lines, "# EOF", ""])


def _lines(gauge: Gauge) -> list[str]:
    unit = [f"# UNIT {gauge.name} {gauge.unit}"] if gauge.unit else []
    samples = []
    for labels, value in gauge.samples:
        pairs = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        samples.append(f"{gauge.name}{f'{{{pairs}}}' if pairs else ''} {_number(value)}")
    return [
        f"# TYPE {gauge.name} gauge",
        *unit,
        f"# HELP {gauge.name} {_escaped(gauge.help)}",
        *samples,
    ]


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)
