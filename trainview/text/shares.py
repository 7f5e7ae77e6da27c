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


def more_or_less(ratio: float) -> str:
    """Write how much more, or less, one amount is than another: of the ratio of both.

    Examples
    --------
    >>> more_or_less(1.25), more_or_less(0.998), more_or_less(0.9999), more_or_less(1.0)
    ('+25%', '-0.2%', '+0%', '+0%')
    """
    more = ratio - 1
    if abs(more) >= 0.005:  # noqa: PLR2004 - what would be written as 0
        return f"{more:+.0%}"
    return f"{more:+.1%}" if abs(more) >= 0.0005 else "+0%"  # noqa: PLR2004 - likewise
