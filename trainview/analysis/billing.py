"""A bill: read in exact decimals, and put beside the jobs it is for."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd
import pyarrow as pa

from trainview.analysis.frames import Integers, column_names, read_table, to_pandas
from trainview.errors import ArgumentError

# What a bill knows of a job that is in no other table.
NAMES = ("job_name", "project_name")


def read_billing(
    billing: object, columns: Sequence[str], *, by_month: bool = False
) -> pd.DataFrame:
    """Collect a bill.

    Parameters
    ----------
    billing : pandas, Polars, DuckDB or PySpark table
        A billing table.
    columns : sequence of str
        The columns to read beside ``job_id``, ``date`` and ``subtotal_usd``.
    by_month : bool, optional
        Whether what has no date counts on the first day of its month, where the bill knows that.

    Returns
    -------
    pandas.DataFrame
        One row a job and day: ``job_id`` (text), the other columns with ``__`` before their names,
        since jobs may have them too. Money is in Arrow's decimals, as exact as it was given.

    Raises
    ------
    ArgumentError
        If a column is missing or does not hold times, or money.
    """
    months = ["month"] if by_month and "month" in column_names(billing, "billing") else []
    needed = ["job_id", "date", "subtotal_usd", *months, *columns]
    bill = to_pandas(read_table(billing, needed, name="billing", times=["date", *months]))
    if months:
        bill["date"] = bill["date"].fillna(bill.pop("month"))
    amounts = pa.array(bill["subtotal_usd"], from_pandas=True)
    kind = amounts.type
    if not (pa.types.is_decimal(kind) or kind in {pa.int64(), pa.float64(), pa.null()}):
        raise ArgumentError(
            f"column 'subtotal_usd' holds {kind}, not money: convert it to decimals first"
        )
    bill["subtotal_usd"] = pd.Series(amounts, dtype=pd.ArrowDtype(kind))
    text = {name: "str" for name in ("job_id", *NAMES) if name in bill}
    bill = bill.astype(text).add_prefix("__")
    return bill.rename(columns={"__job_id": "job_id"})


def exact_sums(amounts: "pd.Series[pd.ArrowDtype]", number: Integers, size: int) -> pd.Series:
    """Sum money up by group, exactly; null where a group has none."""
    table = pa.table({"number": number, "amount": pa.array(amounts, from_pandas=True)})
    # threads of its own could outlive the interpreter, and abort it
    sums = table.group_by("number", use_threads=False).aggregate([("amount", "sum")])
    amount = sums["amount_sum"].combine_chunks()
    exact = pd.Series(amount, sums["number"].to_numpy(), dtype=pd.ArrowDtype(amount.type))
    return exact.reindex(range(size))


def match(
    jobs: pd.DataFrame, bill: pd.DataFrame, keys: Sequence[str], how: Literal["outer", "right"]
) -> pd.DataFrame:
    """Put the rows of a bill beside their jobs.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with ``job_id`` and `keys`.
    bill : pandas.DataFrame
        What `read_billing` gives, or sums of it.
    keys : sequence of str
        Columns of jobs; for what is billed but not among the jobs, those of `NAMES` come from the
        bill, the others are null.
    how : {"outer", "right"}
        Whether jobs that are not billed stay.

    Returns
    -------
    pandas.DataFrame
        The columns of both, and ``__found``: ``both``, ``left_only`` (not billed) or
        ``right_only`` (not among the jobs).

    Raises
    ------
    ArgumentError
        If a job is in the jobs table more than once.
    """
    twice = jobs["job_id"][jobs["job_id"].duplicated()]
    if len(twice):
        raise ArgumentError(f"job {twice.iloc[0]!r} has several rows: keep one row a job")
    # Integers and booleans with nulls among them stay what they are.
    nullable = {"int64": "Int64", "bool": "boolean"}
    kinds = {key: nullable.get(str(jobs[key].dtype)) for key in keys}
    jobs = jobs.astype({"job_id": "str"} | {key: kind for key, kind in kinds.items() if kind})
    both = jobs.merge(bill, on="job_id", how=how, indicator="__found")
    for name in NAMES:
        if name in keys:
            both[name] = both[name].where(both["__found"] != "right_only", both[f"__{name}"])
    return both
