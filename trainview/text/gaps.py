"""What could not be fetched or read, counted in words."""

import pandas as pd

from trainview.text.safe import count, safe_text


def count_rejected(rejected: pd.DataFrame) -> tuple[str, ...]:
    """Say how many records were left out, such as "2 records of jobs.json left out".

    Parameters
    ----------
    rejected : pandas.DataFrame
        As `Snapshot.rejected` is described.

    Returns
    -------
    tuple of str
        One text, or none where nothing was left out.
    """
    if rejected.empty:
        return ()
    files = int(rejected["path"].isna().sum())
    parts = [count(files, "file")] if files else []
    parts += [count(len(rejected) - files, "record")] if len(rejected) > files else []
    first = rejected.iloc[0]
    place = ": ".join(text for text in (first["source"], first["path"]) if isinstance(text, str))
    example = safe_text(f"{place}: {first['reason']}", 300)
    return (f"{' and '.join(parts)} left out, all totals are without: {example}",)


def name_gaps(not_fetched: pd.DataFrame) -> list[str]:
    """Name what could not be fetched, such as "metrics of 3 jobs".

    Parameters
    ----------
    not_fetched : pandas.DataFrame
        As `Snapshot.not_fetched` is described.

    Returns
    -------
    list of str
        One text a table.
    """
    if not_fetched.empty:
        return []
    ids = not_fetched.groupby("table", sort=False)[["job_id", "project_id"]].nunique()
    return [
        safe_text(table, 60)
        + (f" of {count(jobs, 'job')}" if jobs else f" of {count(all_, 'project')}" if all_ else "")
        for table, jobs, all_ in ids.itertuples()
    ]
