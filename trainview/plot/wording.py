"""Numbers in words, the same in every picture."""

# What is less is not written out; what is more is written without decimal places.
LEAST, WHOLE = 0.05, 99.95


def number(value: float) -> str:
    """Write a number as exactly as it is read: whole from 100 on, then one decimal place.

    Examples
    --------
    >>> [number(value) for value in (30071.4, 40.0, 0.25, 0.003, 0)]
    ['30,071', '40.0', '0.2', '<0.1', '0']
    """
    if value == 0:
        return "0"
    if value < LEAST:
        return "<0.1"
    return f"{value:,.1f}" if value < WHOLE else f"{value:,.0f}"


def percent(share: float) -> str:
    """Write a fraction as a percentage.

    Examples
    --------
    >>> [percent(share) for share in (1.0, 0.7015, 0.0001, 0.0)]
    ['100 %', '70.2 %', '<0.1 %', '0 %']
    """
    return f"{number(100 * share)} %"
