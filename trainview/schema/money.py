"""Money: US dollars in decimals, so that sums are exact; binary fractions are for people.

Tables of pandas hold money as float64, which every function takes. A float64 has 15 digits, more
than an amount on a bill, so the decimal that is meant can be told from it and sums can be exact.
"""

from decimal import Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MONEY = pa.decimal128(38, 12)
_SMALLEST = Decimal(1).scaleb(-MONEY.scale)
_CONTEXT = Context(prec=MONEY.precision)


def to_decimals(amounts: Any) -> pa.Array:
    """Give amounts of money in decimals.

    Parameters
    ----------
    amounts : pyarrow.Array, pyarrow.ChunkedArray, pandas.Series, or sequence
        Decimals, integers or binary fractions; of a fraction, the shortest decimal that is the
        same is meant. What is not a number is null.

    Returns
    -------
    pyarrow.Array
        Decimals as they are; of the others, `MONEY`.

    Raises
    ------
    TypeError
        If they are no numbers.
    OverflowError
        If one is infinite or too large to be money.

    Examples
    --------
    >>> to_decimals([0.1, 0.2, None]).to_pylist()
    [Decimal('0.100000000000'), Decimal('0.200000000000'), None]
    """
    try:
        found = amounts if isinstance(amounts, pa.Array | pa.ChunkedArray) else _array(amounts)
        if isinstance(found, pa.ChunkedArray):
            found = found.combine_chunks()
        if pa.types.is_decimal(found.type):
            return found
        if pa.types.is_integer(found.type) or pa.types.is_null(found.type):
            return pc.cast(found, MONEY)
    except pa.ArrowException:
        raise TypeError("values of several kinds, not money") from None
    if not pa.types.is_floating(found.type):
        raise TypeError(f"{found.type}, not money")
    values = found.to_numpy(zero_copy_only=False)
    if np.isinf(values).any() or (np.abs(values) >= 10.0 ** (MONEY.precision - MONEY.scale)).any():
        raise OverflowError("an amount is infinite, or too large to be money")
    try:
        # both write the shortest decimal that is the same number; what has more digits fails
        return pc.cast(pc.cast(pc.if_else(pc.is_nan(found), None, found), pa.string()), MONEY)
    except pa.ArrowException:
        return _round(values)


def to_floats(amounts: pa.Array) -> pa.Array:
    """Give decimals as the nearest float64, which is what they are read as.

    Parameters
    ----------
    amounts : pyarrow.Array
        Decimals.

    Returns
    -------
    pyarrow.Array
        Binary fractions; `to_decimals` gives the same decimals back, up to 15 digits.

    Examples
    --------
    >>> to_floats(to_decimals([0.1, None])).to_pylist()
    [0.1, None]
    """
    # by way of text: Arrow's own way is off by one bit
    return pc.cast(pc.cast(amounts, pa.string()), pa.float64())


def total(amounts: Any) -> Decimal:
    """Sum money up, exactly.

    Parameters
    ----------
    amounts : pyarrow.Array, pandas.Series, or sequence
        As for `to_decimals`.

    Returns
    -------
    decimal.Decimal
        Their sum; 0 where there are none.

    Examples
    --------
    >>> total([0.1, 0.2])
    Decimal('0.300000000000')
    """
    return pc.sum(to_decimals(amounts)).as_py() or Decimal(0)


def _array(amounts: Any) -> pa.Array | pa.ChunkedArray:
    return pa.array(amounts, from_pandas=True)


def _round(values: Any) -> pa.Array:
    # a float32 writes itself shorter than the float64 of the same value
    shown = map(str, values.tolist() if values.dtype == np.float64 else values)
    decimals = [
        None if text == "nan" else Decimal(text).quantize(_SMALLEST, context=_CONTEXT)
        for text in shown
    ]
    return pa.array(decimals, MONEY)
