"""Numbers in words, the same in every picture."""

from math import isnan, nan

# What is less is not written out; what is more is written without decimal places.
LEAST, WHOLE = 0.05, 99.95
LEAST_USD, WHOLE_USD = 0.005, 999.995


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
    ['100%', '70.2%', '<0.1%', '0%']
    """
    return f"{number(100 * share)}%"


def money(usd: float) -> str:
    """Write an amount of money: to the cent, from a thousand on without cents.

    Examples
    --------
    >>> [money(usd) for usd in (30071.4, 40.0, 0.25, 0.003, 0)]
    ['30,071', '40.00', '0.25', '<0.01', '0']
    """
    if usd == 0:
        return "0"
    if abs(usd) < LEAST_USD:
        return "<0.01"
    return f"{usd:,.2f}" if abs(usd) < WHOLE_USD else f"{usd:,.0f}"


def signed_money(usd: float) -> str:
    """Write a difference of two amounts, to the cent.

    Examples
    --------
    >>> [signed_money(usd) for usd in (12.5, -3071.4, 1e-9)]
    ['+12.50', '-3,071', '0']
    """
    cents = round(usd, 2)
    return ("+" if cents > 0 else "") + money(cents)


def cost_label(
    usd: float, unpriced: float, untimed: float = 0, share: float = nan, unit: str = ""
) -> str:
    """Write a cost with the jobs that are not in it.

    Parameters
    ----------
    usd : float
        The cost of the other jobs; NaN where it is not known of any.
    unpriced, untimed : float
        How many jobs have no price, or no duration.
    share : float, optional
        The fraction of all costs; NaN for none.
    unit : str, optional
        What follows the number.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> cost_label(1536.0, 2, share=0.5)
    '1,536 · 50.0% + 2 unpriced'
    >>> cost_label(nan, 1, 3)
    'not known: 1 unpriced, 3 untimed'
    """
    jobs = {"unpriced": unpriced, "untimed": untimed}
    missing = [f"{number:,.0f} {what}" for what, number in jobs.items() if number > 0]
    if isnan(usd):
        return "not known" + (f": {', '.join(missing)}" if missing else "")
    return " + ".join(
        [money(usd) + unit + ("" if isnan(share) else f" · {percent(share)}"), *missing]
    )
