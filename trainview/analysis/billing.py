"""A bill: read in exact decimals, and put beside the jobs it is for."""

from collections.abc import Sequence
from typing import Any, Literal, cast

import narwhals.stable.v2 as nw
import pandas as pd
import pyarrow as pa

from trainview.analysis.frames import (
    Frame,
    Integers,
    column_names,
    from_pandas,
    is_lazy,
    plain_text,
    read_table,
    schema_of,
    to_pandas,
)
from trainview.analysis.joins import same_kind
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.times import with_decimals
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
    bill = with_dtypes(bill, text).add_prefix("__")
    return bill.rename(columns={"__job_id": "job_id"})


def _teams_of(projects: pd.DataFrame) -> pd.DataFrame:
    """List the names of which there is one project, with its team."""
    named = projects.drop_duplicates(["project_id", "project_name"])
    named = named[~named["project_name"].duplicated(keep=False)]
    return named[["project_name", "team_name"]].astype(TEXT)


def open_billing(
    billing: object, columns: Sequence[str], like: Frame, *, by_month: bool = False
) -> Frame:
    """Open a bill as a query on the engine of a lazy table.

    Parameters
    ----------
    billing : pandas, Polars, DuckDB or PySpark table
        A billing table.
    columns : sequence of str
        As for `read_billing`.
    like : narwhals frame
        A lazy table of the engine.
    by_month : bool, optional
        As for `read_billing`.

    Returns
    -------
    narwhals frame
        The same columns as of `read_billing`, but no ``__month`` where the bill has none; money in
        decimals.

    Raises
    ------
    ArgumentError
        If a column is missing or does not hold times, or money.
    """
    opened = read_table(billing, ["job_id", "date", "subtotal_usd"], name="billing", times=["date"])
    if not is_lazy(opened):
        return from_pandas(read_billing(billing, columns, by_month=by_month), like)
    there = column_names(billing, "billing")
    months = ["month"] if by_month and "month" in there else []
    absent = [name for name in OPTIONAL if name in columns and name not in there]
    others = [name for name in columns if name not in absent]
    absent = [name for name in absent if name != "month"]
    needed = ["job_id", "date", "subtotal_usd", *months, *others]
    frame = read_table(billing, needed, name="billing", times=["date", "month"])
    dtype = schema_of(frame)["subtotal_usd"]
    if not (dtype.is_numeric() or dtype == nw.Unknown):
        raise ArgumentError(
            f"column 'subtotal_usd' holds {dtype}, not money: convert it to numbers first"
        )
    if dtype != nw.Decimal:
        frame = with_decimals(frame, "subtotal_usd")
    if months:
        frame = frame.with_columns(date=nw.coalesce("date", "month"))
    nothing: dict[str, Any] = dict.fromkeys(absent, nw.lit(None, nw.String))
    text = {
        name: nw.col(name).cast(nw.String) for name in ("job_id", "kind", *NAMES) if name in needed
    }
    frame = frame.with_columns(**nothing, **text)
    names = ["date", "subtotal_usd", *others, *absent]
    return same_kind(frame.select("job_id", **{f"__{name}": name for name in names}), like)


def sum_billing(billing: object, columns: Sequence[str], keys: Sequence[str]) -> pd.DataFrame:
    """Collect a bill as `read_billing` does; of a lazy one, sums by `columns` and day.

    Parameters
    ----------
    billing : pandas, Polars, DuckDB or PySpark table
        A billing table.
    columns : sequence of str
        As for `read_billing`.
    keys : sequence of str
        What the bill is grouped by: jobs are only told apart where ``job_id`` is among it.

    Returns
    -------
    pandas.DataFrame
        The columns of `read_billing`; ``job_id`` is null where jobs are not told apart.
    """
    opened = read_table(billing, ["job_id"], name="billing", times=())
    if not is_lazy(opened):
        return read_billing(billing, columns)
    bill = open_billing(billing, columns, opened)
    if "job_id" not in keys:
        bill = bill.with_columns(job_id=nw.lit(None, nw.String))
    usd = nw.col("__subtotal_usd")
    by = [name for name in bill.columns if name != "__subtotal_usd"]
    table = to_pandas(bill.group_by(*by).agg(usd.sum(), __known=usd.count()))
    table["__subtotal_usd"] = money(table["__subtotal_usd"], table.pop("__known") > 0)
    text = {name: TEXT for name in ("job_id", *(f"__{name}" for name in NAMES)) if name in table}
    return with_dtypes(table, text)


def check_once(jobs: Frame) -> None:
    """Refuse a lazy jobs table that has a job more than once.

    Raises
    ------
    ArgumentError
        Naming such a job.
    """
    jobs = _suspects(jobs.filter(~nw.col("job_id").is_null()).select("job_id"))
    counts = jobs.group_by("job_id").agg(__rows=nw.len())
    twice = to_pandas(counts.filter(nw.col("__rows") > 1).select("job_id").head(1))
    if len(twice):
        raise ArgumentError(f"job {twice['job_id'][0]!r} has several rows: keep one row a job")


def _suspects(jobs: Frame) -> Frame:
    """Keep those whose hashes are there twice, of a table of Polars, which would hold all."""
    if not jobs.implementation.is_polars():
        return jobs
    import polars as pl  # noqa: PLC0415 - it is there, since the table is its

    native: Any = jobs.to_native()
    hashed = pl.col("job_id").cast(pl.String).hash()
    of_job = pl.col("job_id")
    twice = native.select(hashed.sort()).filter(of_job == of_job.shift(1)).unique()
    found = hashed.is_in(twice.collect(engine="streaming").to_series().implode())
    return cast("Frame", nw.from_native(native.filter(found)))


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
        The columns of both, and two of yes or no: ``__in_jobs`` and ``__in_bill``.

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
    known = {key: kind for key, kind in kinds.items() if kind}
    jobs = with_dtypes(jobs, {"job_id": TEXT} | known)
    # which merge itself takes longer to tell
    jobs, bill = jobs.assign(__in_jobs=1.0), bill.assign(__in_bill=1.0)
    both = jobs.merge(bill, on="job_id", how=how)
    for name in ("__in_jobs", "__in_bill"):
        both[name] = both[name].notna()
    for name in NAMES:
        if name in keys:
            both[name] = both[name].where(both["__in_jobs"], both[f"__{name}"])
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
    team = bill[["__project_name"]].merge(
        _teams_of(projects).assign(told=True),
        left_on="__project_name", right_on="project_name", how="left",
    )  # fmt: skip
    # what is billed for no job names something else than a project
    told = team["told"].notna().to_numpy() & bill["job_id"].notna().to_numpy()
    found = team["team_name"].where(told, UNKNOWN).set_axis(bill.index)
    return bill.assign(__team_name=own.fillna(found))


def with_keys(bill: Frame, frame: Frame, keys: Sequence[str], of_projects: Sequence[str]) -> Frame:
    """Put the keys of its job beside each row of a bill, as a query.

    Parameters
    ----------
    bill : narwhals frame
        What `open_billing` gives.
    frame : narwhals frame
        Lazy jobs with ``job_id``, `keys` and `of_projects`.
    keys : sequence of str
        As for `match`.
    of_projects : sequence of str
        What `project_columns` lists.

    Returns
    -------
    narwhals frame
        The bill with `keys`.

    Raises
    ------
    ArgumentError
        If a job that is billed is in the jobs table more than once.
    """
    jobs = frame.select(*dict.fromkeys(["job_id", *keys]))
    jobs = jobs.with_columns(nw.col("job_id").cast(nw.String))
    jobs = jobs.join(bill.select("job_id"), on="job_id", how="semi")
    check_once(jobs)
    bill = bill.join(jobs.with_columns(__there=nw.lit(1)), on="job_id", how="left")
    is_known = ~nw.col("__there").is_null()
    if "team_name" in keys:
        bill = query_teams(bill, frame, of_projects)
    named: dict[str, nw.Expr] = {
        name: nw.when(is_known).then(nw.col(name).cast(nw.String)).otherwise(nw.col(f"__{name}"))
        for name in NAMES
        if name in keys
    }
    return bill.with_columns(**named) if named else bill


def query_teams(bill: Frame, jobs: Frame, of_projects: Sequence[str]) -> Frame:
    """Write as a query what `give_teams` does; of the jobs, only projects are collected."""
    told = nw.lit(UNKNOWN)
    if "__project_name" in bill.columns and of_projects:
        projects = to_pandas(plain_text(jobs.select(*of_projects).unique(), of_projects))
        teams = _teams_of(projects).rename(columns={"project_name": "__project_name"})
        teams = teams.dropna(subset="__project_name").assign(__told=1)
        teams = teams.rename(columns={"team_name": "__of_project"})
        bill = bill.join(from_pandas(teams, bill), on="__project_name", how="left")
        # what is billed for no job names something else than a project
        is_told = ~nw.col("__told").is_null() & ~nw.col("job_id").is_null()
        told = nw.when(is_told).then(nw.col("__of_project")).otherwise(told)
    return bill.with_columns(__team_name=nw.coalesce(nw.col("__team_name"), told))


def money(sums: "pd.Series[Any]", known: "pd.Series[bool]") -> "pd.Series[Any]":
    """Give sums of an engine in Arrow's decimals; null where nothing that is known was summed."""
    amounts = to_decimals(sums)
    return pd.Series(amounts, sums.index, dtype=pd.ArrowDtype(amounts.type)).where(known)
