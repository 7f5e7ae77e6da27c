"""A bill: read in exact decimals, and put beside the jobs it is for."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd
import pyarrow as pa

from trainview.analysis.frames import Integers, column_names, read_table, to_pandas
from trainview.analysis.pandas_dtypes import TEXT
from trainview.errors import ArgumentError
from trainview.schema.money import to_decimals

# What a bill knows of a job that is in no other table.
NAMES = ("job_name", "project_name", "team_name")
# What bills of older versions do not have.
OPTIONAL = ("team_name", "kind", "month")
# The team of what is billed, where neither the bill nor a project tells it.
UNKNOWN = "unknown"


def read_billing(
    billing: object, columns: Sequence[str], *, by_month: bool = False
) -> pd.DataFrame:
    """Collect a bill.

    Parameters
    ----------
    billing : pandas, Polars, DuckDB or PySpark table
        A billing table.
    columns : sequence of str
        The columns to read beside ``job_id``, ``date`` and ``subtotal_usd``; those of `OPTIONAL`
        are null where the bill does not have them.
    by_month : bool, optional
        Whether what has no date counts on the first day of its month, where the bill knows that.

    Returns
    -------
    pandas.DataFrame
        One row a job and day: ``job_id`` (text), the other columns with ``__`` before their names,
        since jobs may have them too. Money is in Arrow's decimals, so that sums are exact.

    Raises
    ------
    ArgumentError
        If a column is missing or does not hold times, or money.
    """
    there = column_names(billing, "billing")
    months = ["month"] if by_month and "month" in there else []
    absent = [name for name in OPTIONAL if name in columns and name not in there]
    others = [name for name in columns if name not in absent]
    needed = ["job_id", "date", "subtotal_usd", *months, *others]
    bill = to_pandas(read_table(billing, needed, name="billing", times=["date", "month"]))
    bill = bill.assign(**dict.fromkeys(absent))
    if "month" in absent:
        bill["month"] = pd.to_datetime(bill["month"], utc=True).astype(bill["date"].dtype)
    if months:
        bill["date"] = bill["date"].fillna(bill.pop("month"))
    try:
        amounts = to_decimals(bill["subtotal_usd"])
    except (TypeError, OverflowError) as error:
        raise ArgumentError(
            f"column 'subtotal_usd' holds {error}: convert it to numbers first"
        ) from None
    bill["subtotal_usd"] = pd.Series(amounts, dtype=pd.ArrowDtype(amounts.type))
    text = {name: TEXT for name in ("job_id", "kind", *NAMES) if name in bill}
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
        bill, the others are null. Where the bill does not tell the team, it is that of the project
        of this name, if there is one such project among the jobs; else ``unknown``.
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
    jobs = jobs.astype({"job_id": TEXT} | {key: kind for key, kind in kinds.items() if kind})
    both = jobs.merge(bill, on="job_id", how=how, indicator="__found")
    only_billed = both["__found"] == "right_only"
    for name in NAMES:
        if name in keys:
            both[name] = both[name].mask(only_billed, both[f"__{name}"])
    return both


def names_of(keys: Sequence[str], billing: object) -> list[str]:
    """List the columns of a bill that tell the keys of a job which is in no other table."""
    names = [name for name in NAMES if name in keys]
    if "team_name" in keys and "project_name" in column_names(billing, "billing"):
        names.append("project_name")
    return list(dict.fromkeys(names))


def project_columns(keys: Sequence[str], jobs: object) -> list[str]:
    """List the columns of jobs that tell the team of what is billed, where that is a key."""
    needed = ["project_id", "project_name", "team_name"]
    there = column_names(jobs) if "team_name" in keys else []
    return needed if set(needed) <= set(there) else []


def give_teams(bill: pd.DataFrame, projects: pd.DataFrame) -> pd.DataFrame:
    """Give each row of a bill a team: its own, its project's, or `UNKNOWN`.

    Parameters
    ----------
    bill : pandas.DataFrame
        What `read_billing` gives, or sums of it, with ``__team_name``.
    projects : pandas.DataFrame
        What `project_columns` lists, at least once for each project; or no columns.

    Returns
    -------
    pandas.DataFrame
        The bill. Where one project has the name that a job is billed for, and is in no team, the
        team is null; two projects of one name tell nothing.
    """
    own = bill["__team_name"]
    if "__project_name" not in bill or "project_id" not in projects:
        return bill.assign(__team_name=own.fillna(UNKNOWN))
    named = projects.drop_duplicates(["project_id", "project_name"])
    named = named[~named["project_name"].duplicated(keep=False)]
    team = bill[["__project_name"]].merge(
        named.astype({"project_name": TEXT, "team_name": TEXT}),
        left_on="__project_name", right_on="project_name", how="left",
    )  # fmt: skip
    # what is billed for no job names something else than a project
    told = team["project_id"].notna().to_numpy() & bill["job_id"].notna().to_numpy()
    found = team["team_name"].where(told, UNKNOWN).set_axis(bill.index)
    return bill.assign(__team_name=own.fillna(found))
