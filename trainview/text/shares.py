"""Fractions as percentages, in sentences."""


def share(part: float) -> str:
    """Write a fraction of 1 as a percentage.

    Examples
    --------
    >>> share(0.254), share(0.004), share(0.0), share(0.998), share(1.0)
    ('25%', '<1%', '0%', '>99%', '100%')
    """
    if 0 < part < 0.005:  # noqa: PLR2004 - what would be written as 0
        return "<1%"
    if 0.995 <= part < 1:  # noqa: PLR2004 - what would be written as 1
        return ">99%"
    return f"{part:.0%}"
