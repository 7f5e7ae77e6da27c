"""Lengths of time as people say them."""

# From so many hours on, a tenth of one is of no interest.
MANY_HOURS = 99.95


def readable_hours(hours: float | None) -> str:
    """Write a number of hours: minutes below one hour, no decimals from a hundred on.

    Parameters
    ----------
    hours : float or None
        Not negative; None where it is not known.

    Returns
    -------
    str
        The number with its unit. What is above zero never reads as zero.

    Examples
    --------
    >>> readable_hours(0.4), readable_hours(3.21), readable_hours(262.4), readable_hours(0.001)
    ('24 min', '3.2 h', '262 h', '<1 min')
    >>> readable_hours(0.0), readable_hours(None)
    ('0 h', 'not known')
    """
    if hours is None:
        return "not known"
    if hours == 0:
        return "0 h"
    if hours < 0.5 / 60:
        return "<1 min"
    if hours < 59.5 / 60:
        return f"{hours * 60:.0f} min"
    return f"{hours:.1f} h" if hours < MANY_HOURS else f"{hours:,.0f} h"
