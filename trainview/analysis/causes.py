"""Failed jobs by cause: by their messages as templates."""

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, is_lazy, to_pandas
from trainview.analysis.pandas_dtypes import TEXT


def by_cause(failed: Frame, sums: Sequence[str]) -> pd.DataFrame:
    """Group failed jobs by cause.

    Parameters
    ----------
    failed : narwhals frame
        Failed jobs with ``error_message``, ``project_id``, ``job_id``, ``end_at`` and `sums`.
    sums : sequence of str
        Columns to sum up, where they are known.

    Returns
    -------
    pandas.DataFrame
        One row a cause, in no order of meaning: the columns of `error_groups`, and `sums`
        (float64).
    """
    # hundreds of patterns, whose compilation takes as long as a third of an import of pandas
    from trainview.analysis.error_rules import NO_MESSAGE, rule_of  # noqa: PLC0415
    from trainview.analysis.messages import templates  # noqa: PLC0415

    table = _collect(failed, sums)
    message, messages = pd.factorize(table["error_message"])
    cause, causes = pd.factorize(np.array(templates(messages.to_list()), dtype=object))
    # Jobs without a message, or with a blank one, are the last group.
    cause = np.append(np.where(causes[cause] == "", -1, cause) if len(cause) else cause, -1)
    group = cause[message]
    group[group < 0] = len(causes)
    table = table.assign(group=group)
    grouped = table.groupby("group")
    result = grouped[list(sums)].sum().astype("float64")
    result["jobs"] = grouped["jobs"].sum().astype("int64")
    result["first_seen"] = grouped["first_seen"].min()
    result["last_seen"] = grouped["end_at"].max()
    pairs = table[["group", "project_id"]].dropna().drop_duplicates()
    result["projects"] = pairs.groupby("group").size().reindex(result.index, fill_value=0)
    newest = table[table["end_at"].eq(grouped["end_at"].transform("max"))]
    newest = newest.sort_values("job_id").drop_duplicates("group", keep="last").set_index("group")
    result["error"] = pd.Series([*causes, None], dtype=TEXT).reindex(result.index)
    example = newest["error_message"].where(result["error"].notna())
    result["example"] = example.map(_encodable, na_action="ignore")
    result["job_id"] = newest["job_id"]
    rules = [rule_of(error) if isinstance(error, str) else NO_MESSAGE for error in result["error"]]
    for name in ("category", "origin", "advice"):
        result[name] = pd.Series([getattr(rule, name) for rule in rules], result.index, dtype=TEXT)
    result["is_symptom"] = pd.Series([rule.is_symptom for rule in rules], result.index, dtype=bool)
    return result.astype({"error": TEXT, "example": TEXT, "job_id": TEXT})


def _encodable(text: str) -> str:
    # Objects of Python may hold lone surrogates, which no column of text can.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _collect(failed: Frame, sums: Sequence[str]) -> pd.DataFrame:
    """Collect failed jobs; of a lazy table, only the newest of each message in each project."""
    if not is_lazy(failed):
        table = to_pandas(failed)
        return table.assign(jobs=1, first_seen=table["end_at"])
    same = ["error_message", "project_id"]
    newest = failed.with_columns(
        nw.col(*sums).sum().over(*same),
        jobs=nw.col("job_id").len().over(*same),
        first_seen=nw.col("end_at").min().over(*same),
    ).unique(same, keep="last", order_by=["end_at", "job_id"])
    return to_pandas(newest)
